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
#include "store/env.h"

struct wal;           /* raft/wal.h: one a node */
struct replica_net;   /* raft/net.h: frames to peers */
struct replica_turns; /* raft/turns.h: one a node */
struct replica;       /* one a group and node */

/* ---- life ---- */

/* Elections as in libraft.md 1; above 50 groups a node 1,000 and 100. */
#define REPLICA_ELECTION_MS 300
#define REPLICA_HEARTBEAT_MS 60

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
	 * A write or sync of the environment failed, or the core gave itself
	 * up (R5, R8). On any executor. NULL: log the text and _exit(1).
	 */
	void (*fail)(void *arg, const char *text);
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
	 * If neither log nor state exist: become the group's only voter. To
	 * be set when the group is made, not at every start: a lost disk must
	 * not come back as an empty group.
	 */
	bool bootstrap;

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
	struct replica_fsm *fsm;     /* lives longer than the replica */
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

/* On the log loop: the answer to the hook `raise`. */
void replica_raised(struct replica *replica, uint32_t start_count);

/*
 * On the log loop: a frame of a peer. The caller has checked that `from`
 * belongs to the node at the other end of the link.
 */
void replica_receive(struct replica *replica, uint64_t from,
		     struct slice frame);

/* ---- proposing ---- */

struct proposal;

/* `proposal->err` and `->result` are set; runs once, late, on `home`. */
typedef void proposal_done(struct proposal *proposal);

/*
 * One command on its way. Storage is the caller's until `done` has run.
 *
 * Life: replica_reserve gives it a slot, so its op id is known before a body
 * is uploaded under a hold; replica_submit proposes it. A reserved proposal
 * that is not wanted any more goes back by replica_release, without effect.
 */
struct proposal {
	/* set by the caller before replica_reserve */
	struct executor *home;
	void *owner; /* for the callbacks; not looked at */

	/* set by the caller before replica_submit */
	uint16_t kind;
	uint8_t version;
	struct buf body;        /* owned by the proposal, freed by its fini */
	struct buf inline_body; /* likewise; usually empty (command.h) */
	uint32_t deadline_ms;   /* from submit; 0 = REPLICA_PROPOSE_MS */

	/*
	 * The slot stays taken when the answer was recorded, so the state keeps
	 * the op's result, which another command may still change; until
	 * replica_release.
	 */
	bool keep;

	/* valid in the callbacks */
	struct op_id op;
	enum err err;      /* apply's refusal, or why nothing is known */
	struct buf result; /* apply's payload */
	uint64_t index;    /* log index at which it was applied */
	bool recorded;     /* err and result stand in the state, for this op */

	/* raft/'s own */
	proposal_done *done;
	struct replica *replica;
	struct list link;
	struct task task;
	uint64_t deadline_at_ms;
	uint64_t proposed_at_ms;
	int state;
	bool sent; /* was in an entry: it may take effect */
};

/*
 * ERR_NONE: `op` is set. ERR_BUSY: all slots taken for too long;
 * ERR_UNAVAILABLE: the replica is parked or stopping. Nothing was proposed.
 */
void replica_reserve(struct replica *replica, struct proposal *proposal,
		     proposal_done *done);

/*
 * Reserved proposals only. `err` afterwards:
 *   ERR_NONE or a refusal of apply: recorded for this op id, final;
 *   ERR_CANCELLED: the CANCEL after its deadline won: it never happens;
 *   NOT_DONE kinds (LIMIT, FULL, UNAVAILABLE, BUSY; SYNTAX and what else the
 *   machine's check gives): never proposed;
 *   ERR_STALE: never proposed; its bodies are not with a majority of the
 *   voters (F4): bring them there and try again;
 *   ERR_FENCED, ERR_CLOSED: unknown for ever on this node: close the client.
 * There is no time limit on an unknown: it becomes known with the group.
 */
void replica_submit(struct replica *replica, struct proposal *proposal,
		    proposal_done *done);

/*
 * Gives the slot of a reserved proposal back, without effect, or that of one
 * that was kept; any executor. No callback: the proposal is the caller's again
 * at once.
 */
void replica_release(struct replica *replica, struct proposal *proposal);

/* Reserve and submit in one: for commands without a body upload. */
void replica_propose(struct replica *replica, struct proposal *proposal,
		     proposal_done *done);

/*
 * Proposes under the op id of a claim (command_op_is_claim): none of our slots
 * is taken, and others may propose the same. `recorded` says whether `err` is
 * what apply recorded for this op id, by whatever command of its turn; if it
 * is not, nothing is known: others may have it in the log (model step M4).
 * ERR_STALE: the turn is over, or the leader has not found enough holders;
 * ERR_TIMEOUT at the deadline; ERR_FENCED, ERR_CLOSED, ERR_UNAVAILABLE,
 * ERR_BUSY, ERR_FULL as of replica_submit.
 */
void replica_propose_as(struct replica *replica, struct proposal *proposal,
			const struct op_id *op, proposal_done *done);

/* Empty, no slot; `home` and `owner` are stored. */
void proposal_init(struct proposal *proposal, struct executor *home,
		   void *owner);

/* Not between a call and its callback. */
void proposal_fini(struct proposal *proposal);

/* ---- reading ---- */

struct read_index;

typedef void read_index_done(struct read_index *read);

/* Deadlines where the caller names none. */
#define REPLICA_PROPOSE_MS 10000 /* then CANCEL */
#define REPLICA_RESERVE_MS 5000  /* for a free slot */
#define REPLICA_READ_MS 3000     /* then degraded mode [S5] */

/* One wait for a read-index round; storage is the caller's until `done`. */
struct read_index {
	struct executor *home;
	void *owner;
	uint32_t deadline_ms; /* 0 = REPLICA_READ_MS */

	enum err err;   /* ERR_NONE, ERR_TIMEOUT, ERR_UNAVAILABLE */
	uint64_t index; /* applied at least this far */

	read_index_done *done;
	struct replica *replica;
	struct list link;
	struct task task;
	uint64_t deadline_at_ms;
};

/*
 * Afterwards the local copy holds everything that was acknowledged anywhere
 * before the call. All waiting readers share one round.
 */
void replica_read_index(struct replica *replica, struct read_index *read,
			read_index_done *done);

/* A round begun less than `age_ms` ago has confirmed the local copy. */
bool replica_is_fresh(struct replica *replica, uint32_t age_ms);

/* The environment to read; NULL while parked. Valid until the node stops. */
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

/* ---- state for people ---- */

struct replica_status {
	uint32_t group;
	bool leader;
	bool parked;
	const char *parked_why; /* static text, or NULL */
	uint64_t term;
	uint64_t last_index;
	uint64_t commit_index;
	uint64_t applied_index;
	uint64_t checkpoint_index;
	uint32_t slots_taken;
};

/* From any executor: a copy of what the log loop published last. */
void replica_get_status(struct replica *replica,
			struct replica_status *status_r);

#endif
