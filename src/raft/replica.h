/*
 * This node's copy of one group: log, state machine, proposals and reads.
 *
 * All calls come from any executor and never block; answers arrive on the
 * executor that the caller names. Inside, everything of a group happens on the
 * log loop, except apply (the group's applier) and disk (the WAL's writer).
 */
#ifndef RAFT_REPLICA_H
#define RAFT_REPLICA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "base/task.h"
#include "base/timer.h"
#include "raft/command.h"
#include "raft/fsm.h"
#include "raft/proposer.h"
#include "raft/reader.h"
#include "store/env.h"

struct wal;           /* raft/wal.h: one a node */
struct replica_net;   /* raft/net.h: frames to peers */
struct replica_turns; /* raft/turns.h: one a node */
struct replica;       /* one a group and node */
struct replica_want;  /* raft/replica_import.h */

/* ---- life ---- */

/* Elections; the second pair where a node has more groups than that. */
#define REPLICA_ELECTION_MS 300
#define REPLICA_HEARTBEAT_MS 60
#define REPLICA_GROUPS_MANY 50
#define REPLICA_ELECTION_MANY_MS 1000
#define REPLICA_HEARTBEAT_MANY_MS 100

/* Above this part of the map only what frees space is proposed [F9]. */
#define REPLICA_FILL_PERCENT 90

/*
 * What the replica tells its owner. All but `fail` on the log loop; all but
 * `raise` may be NULL.
 */
struct replica_hooks {
	void *arg;

	/*
	 * The group knows this node's start count or a higher one from another
	 * life (a cloned or restored disk). Store a start count of at least
	 * `at_least` durably, then call replica_raised; nothing is proposed
	 * meanwhile.
	 */
	void (*raise)(void *arg, struct replica *replica, uint32_t at_least);

	/*
	 * Another process lives under this node's id, or the node was removed:
	 * close all clients without tagged answers and stop.
	 */
	void (*fenced)(void *arg, struct replica *replica);

	/* Stopped for good; the node serves on [S11]. `why` is static text. */
	void (*parked)(void *arg, struct replica *replica, const char *why);

	/* The replica began or ceased to serve as the leader of its group. */
	void (*led)(void *arg, struct replica *replica, bool leader);

	/*
	 * The state is to be brought up from a peer (replica_import.h). Called
	 * again while nothing comes. NULL: such a replica is parked.
	 */
	void (*want_import)(void *arg, struct replica *replica,
			    const struct replica_want *want);

	/* It was: replica_env is another one, what came from it is void. */
	void (*replaced)(void *arg, struct replica *replica);

	/* The newest configuration is another one, or committed now. */
	void (*changed)(void *arg, struct replica *replica);

	/*
	 * A write or sync of the environment failed, or the core gave itself
	 * up (R5, R8). On any executor. NULL: log the text and _exit(1).
	 */
	void (*fail)(void *arg, const char *text);
};

/* A voter of a group that is being made. */
struct replica_voter {
	uint64_t raft_id;
	const char *address; /* the node's name */
};

struct replica_options {
	uint32_t group;
	uint64_t raft_id;     /* node id << 32 | incarnation of the replica */
	const char *address;  /* the node's name; copied */
	uint32_t start_count; /* of this node, raised and fsynced before */

	/*
	 * Random, not 0, another one each time that a replica is opened: its
	 * turns begin at 1 again, so one that is opened anew in the same
	 * process is another life and must not pass for the one before
	 * (model step P1).
	 */
	uint64_t boot;

	/*
	 * If neither log nor state exist: become the group's only voter, or
	 * one of `voters`, alike in all of them. To be set when the group is
	 * made, not at every start: a lost disk must not come back as an empty
	 * group.
	 */
	bool bootstrap;
	const struct replica_voter *voters; /* borrowed until replica_start */
	unsigned voter_count;

	struct wal *wal;
	struct replica_net *net; /* NULL: there are no peers */
	struct executor *log_loop;
	struct executor *applier; /* of this group alone; blocks */
	struct executor *pool;    /* blocks; no order */
	struct timers *timers;    /* of the log loop */
	struct clock *clock;
	struct random *random;

	/* path, map_size, max_readers, disk; the tables are filled in here */
	struct store_env_options env;
	struct replica_fsm *fsm; /* lives longer than the replica */

	/*
	 * Is this body on this node? Cheap; called on the applier and on
	 * workers. NULL: none is (a machine without bodies).
	 */
	bool (*have)(void *arg, const struct sha256 *hash);
	void *have_arg;

	struct replica_turns *turns; /* raft/turns.h: one a node */
	struct replica_hooks hooks;

	unsigned fill_percent; /* of the map; 0 = REPLICA_FILL_PERCENT */
	unsigned election_ms;  /* 0 = REPLICA_ELECTION_MS */
	unsigned heartbeat_ms; /* 0 = REPLICA_HEARTBEAT_MS */
};

/*
 * Opens the environment and compares it with the log: blocking, from any
 * thread that may block, after wal_open. A replica whose state or log cannot
 * be trusted opens parked. ERR_IO, ERR_FULL: the process must end (R5).
 */
must_use enum err replica_open(const struct replica_options *options,
			       struct replica **replica_r);

/* On the log loop: begins to take part in the group. Once. */
void replica_start(struct replica *replica);

/*
 * On the log loop: stops taking part. Proposals end with ERR_CLOSED (unknown)
 * or ERR_UNAVAILABLE (never proposed), reads with ERR_UNAVAILABLE; what was
 * committed is applied and a last checkpoint taken. Then `stopped` runs there.
 */
typedef void replica_stopped(struct replica *replica, void *arg);
void replica_stop(struct replica *replica, replica_stopped *stopped, void *arg);

/*
 * Blocking; stopped, never started, or no executor runs any more (then it is
 * a crash as far as the disk can tell).
 */
void replica_close(struct replica **replicap);

/* On the log loop, at any time: other limits of elections and heartbeats. */
void replica_set_pace(struct replica *replica, unsigned election_ms,
		      unsigned heartbeat_ms);

/* On the log loop: the answer to the hook `raise`. */
void replica_raised(struct replica *replica, uint32_t start_count);

/*
 * On the log loop: a frame of a peer (frame.h). The caller has checked that
 * `from` belongs to the node at the other end of the link.
 */
void replica_receive(struct replica *replica, uint64_t from,
		     struct slice frame);

/* ---- proposing ---- */

/* This replica's proposer: the calls below are its calls. */
struct proposer *replica_proposer(struct replica *replica);

void replica_reserve(struct replica *replica, struct proposal *proposal,
		     proposal_done *done);
void replica_submit(struct replica *replica, struct proposal *proposal,
		    proposal_done *done);
void replica_release(struct replica *replica, struct proposal *proposal);
void replica_propose(struct replica *replica, struct proposal *proposal,
		     proposal_done *done);
void replica_propose_as(struct replica *replica, struct proposal *proposal,
			const struct op_id *op, proposal_done *done);

/* ---- reading ---- */

/*
 * Afterwards the local copy holds everything that was acknowledged anywhere
 * before the call. All waiting readers share one round.
 */
void replica_read_index(struct replica *replica, struct read_index *read,
			read_index_done *done);

/* A round begun less than `age_ms` ago has confirmed the local copy. */
bool replica_is_fresh(struct replica *replica, uint32_t age_ms);

/*
 * The environment to read; NULL while parked, and for the moment in which an
 * imported one takes its place (the hook `replaced` follows). What was given
 * out stays valid until the replica is closed.
 */
struct store_env *replica_env(struct replica *replica);

/* Highest index that snapshots taken from now on contain. */
uint64_t replica_applied(struct replica *replica);

/*
 * The start count under which this replica proposes. The node's own may be
 * higher: another group has known more of them and had it raised.
 */
uint32_t replica_incarnation(struct replica *replica);

/* Is the op's turn resolved in the state? (holds of bodies, F3) */
bool replica_op_resolved(struct replica *replica, struct store_txn *txn,
			 const struct op_id *op);

/* ---- bodies that are not here (F4; raft/missing.h) ---- */

/* On the log loop: this body is durable on this node. */
void replica_body_came(struct replica *replica, const struct sha256 *hash);

/*
 * On the log loop: no row of a state that had applied `index` names this body,
 * so none will miss it.
 */
void replica_body_unnamed(struct replica *replica, const struct sha256 *hash,
			  uint64_t index);

/* ---- state for people ---- */

struct replica_status {
	uint32_t group;
	bool leader;
	uint64_t leader_id; /* raft id of who leads; 0: nobody that is known */
	bool parked;
	const char *parked_why; /* static text, or NULL */
	uint64_t term;
	uint64_t last_index;
	uint64_t commit_index;
	uint64_t applied_index;
	uint64_t checkpoint_index;
	uint64_t missing; /* bodies that are not here */

	/* its state is being brought up: octets of a copy, else entries */
	bool importing;
	uint64_t import_done;
	uint64_t import_total; /* 0: not known */
	uint32_t slots_taken;
};

/* From any executor: a copy of what the log loop published last. */
void replica_get_status(struct replica *replica,
			struct replica_status *status_r);

#endif
