/*
 * Inside of a replica: what replica.c, replica_raft.c, replica_propose.c,
 * replica_leader.c, replica_read.c and replica_checkpoint.c share. The contract
 * for everybody else is replica.h.
 *
 * All fields belong to the log loop, but for those in `published`.
 */
#ifndef RAFT_REPLICA_IMPL_H
#define RAFT_REPLICA_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/fault.h"
#include "base/panic.h"
#include "raft/applier.h"
#include "raft/compat.h"
#include "raft/entry.h"
#include "raft/foreign.h"
#include "raft/frame.h"
#include "raft/io.h"
#include "raft/outbox.h"
#include "raft/replica.h"
#include "raft/replica_import.h"
#include "raft/replica_member.h"
#include "raft/replica_report.h"
#include "raft/turns.h"

/* How often deadlines are looked at. */
#define REPLICA_TICK_MS 50

/* How often it is asked whether a checkpoint is due. */
#define REPLICA_CHECKPOINT_TICK_MS 1000

/* What was sent to a leader and is not answered is sent again. */
#define REPLICA_REPEAT_MS 500

/* Octets of entries in memory at which the log is cut (libraft.md 4). */
#define REPLICA_LOG_MAX (32ull * 1024 * 1024)

/* Entries between two markers, where octets do not demand one earlier. */
#define REPLICA_SNAPSHOT_ENTRIES ((unsigned)TUNED(snapshot_entries, 8192))

enum replica_state {
	REPLICA_OPEN, /* not started */
	REPLICA_RUNNING,
	REPLICA_PARKED,
	REPLICA_STOPPING,
	REPLICA_STOPPED,
};

/* The one entry under way (R12). */
struct replica_flight {
	bool active;
	uint64_t index;
	uint64_t term;
	struct raft_apply req;
};

/* The highest number that a voter has answered, and in which term. */
struct replica_pong {
	uint64_t id; /* raft id */
	uint64_t term;
	uint64_t seq;
};

/* What a leader knows of its rounds of PINGs. */
struct replica_round {
	struct replica_pong *pongs;
	unsigned pong_count;
	unsigned open;    /* questions that are not answered */
	struct list asks; /* of others (replica_read.c) */
	unsigned ask_count;
};

/* For other executors. */
struct replica_published {
	_Atomic(struct store_env *) env;
	_Atomic(const char *) parked_why;
	_Atomic bool leader;
	_Atomic uint64_t leader_id;
	_Atomic uint64_t term;
	_Atomic uint64_t last_index;
	_Atomic uint64_t commit_index;
	_Atomic uint64_t checkpoint_index;
	_Atomic uint64_t fresh_ms; /* 0: never */
	_Atomic bool settled;      /* a read has nothing to wait for */
};

/* A change of the configuration, and what follows one. */
struct replica_member {
	struct replica_change *active;  /* in the log, outcome unknown */
	struct replica_change *waiting; /* for who is promoted to be level */
	bool stepping;
	struct raft_change req;
	struct raft_transfer transfer;
	struct raft_barrier barrier;
	uint64_t barrier_term;
	uint64_t barrier_index;
	uint64_t cut_behind; /* a marker at or behind it is wanted; 0: none */
	uint64_t standby_since; /* of a mutant only */
};

/* What one replica has told its leader. */
struct replica_heard {
	uint64_t raft_id;
	uint64_t at_ms;
	uint64_t best; /* frontier */
	uint64_t matched;
	struct replica_report report;
};

struct replica_reports {
	struct replica_heard heard[COMPAT_SERVERS_MAX];
	unsigned count;
	struct replica_report own;
	bool sent;
	uint64_t sent_ms;
	uint64_t conf_index; /* when it was sent */
};

enum import_state {
	IMPORT_IDLE,
	IMPORT_ASKED,   /* the owner is to bring something */
	IMPORT_ENTRIES, /* entries come, or all is there */
	IMPORT_COPYING, /* a copy comes */
	IMPORT_CHECKING,
	IMPORT_SWAPPING,
};

struct replica_import {
	enum import_state state;
	struct replica_want want;
	bool at_start; /* raft has not begun yet */
	bool kept;     /* a message for raft */
	struct raft_message message;
	uint64_t began; /* where the state was */
	uint64_t asked_ms;

	/* a copy; the worker's while `out`, or while it is written */
	struct task task;
	bool out;
	enum err err;
	int fd;
	uint64_t size;
	_Atomic uint64_t written;
	replica_import_done *done;
	void *done_arg;
	struct store_env *env;

	struct store_env **retired; /* that were replaced; readers may stay */
	unsigned retired_count;
};

/* An answer that needs no work. */
struct replica_refusal {
	struct task task;
	replica_import_done *done;
	void *arg;
};

struct replica {
	struct replica_options options;
	char *address;
	char *path;
	const char **tables;
	enum replica_state state;
	bool dead; /* the fail hook was called */

	/* state machine */
	struct store_env *env;
	struct deaths applying;
	struct deaths draining;
	struct applier applier;

	/* log */
	struct raft raft;
	struct raft_fsm raft_fsm;
	struct replica_io io;
	bool raft_open;
	bool raft_closed;
	bool led;
	bool cutting;         /* the snapshot threshold is 1 */
	bool importing;       /* the state stands for a marker it has not got */
	const char *park_why; /* to be parked when raft has returned */
	bool park_posted;
	struct task park_task;

	/* who leads, as this replica knows */
	uint64_t leader; /* raft id; 0: nobody that is known */
	uint64_t leader_term;

	/* proposing */
	struct proposer proposer;
	struct foreign foreign; /* commands of other nodes */
	bool foreign_first;     /* into the next entry */
	struct outbox outbox;
	struct replica_flight flight;
	struct entry_builder builder;
	struct task propose_task;
	bool propose_posted;

	/* members. `lock`: both are changed on the loop and read anywhere */
	pthread_mutex_t lock;
	struct replica_conf conf;
	struct replica_reports reports;
	struct replica_member member;

	struct replica_import import;

	/* reading */
	struct reader reader;
	struct replica_round round;
	struct task read_task;
	bool read_posted;

	/* checkpoints */
	struct replica_turn turn;
	struct task checkpoint_task;
	enum err checkpoint_err;
	bool checkpointing;
	uint64_t checkpoint_wanted; /* index */
	uint64_t checkpoint_begun_ms;
	struct timer checkpoint_timer;

	struct timer tick; /* deadlines */
	replica_stopped *stopped;
	void *stopped_arg;
	struct task stop_task;
	bool final_checkpoint;

	struct replica_published published;
};

static inline uint64_t replica_now(struct replica *replica)
{
	return clock_mono_ms(replica->options.clock);
}

/* It takes part, and raft may be called. */
static inline bool replica_is_live(const struct replica *replica)
{
	return replica->state == REPLICA_RUNNING && replica->park_why == NULL;
}

/* Somebody else leads, and it is known who. */
static inline bool replica_follows(const struct replica *replica)
{
	return replica_is_live(replica) && replica->leader != 0 &&
	       replica->leader != replica->options.raft_id;
}

/* Managers and people read seldom, and what they read is more than a word. */
static inline void replica_lock(struct replica *replica)
{
	/* tidy: allow pthread_mutex_lock: see above */
	MUST(pthread_mutex_lock(&replica->lock) == 0);
}

static inline void replica_unlock(struct replica *replica)
{
	MUST(pthread_mutex_unlock(&replica->lock) == 0);
}

/* ---- replica.c ---- */

/* Any executor; never comes back in production. */
void replica_die(struct replica *replica, const char *text);

/* May be called from within raft: takes effect from a later turn. */
void replica_park(struct replica *replica, const char *why);

/* The state of raft may have changed. */
void replica_after(struct replica *replica);

/* Steps of stopping; each call may be the one that ends it. */
void replica_stop_step(struct replica *replica);

/* ---- replica_raft.c ---- */

/* False: parked. */
bool replica_raft_start(struct replica *replica);

/* Takes part in the group: the state is no older than the log's beginning. */
void replica_raft_begin(struct replica *replica);
void replica_raft_close(struct replica *replica);
void replica_view(struct replica *replica, struct compat_view *view_r);

/* Raft leads, be its barrier applied or not. */
bool replica_is_raft_leader(struct replica *replica);

/* ---- replica_member.c ---- */

/* The state of raft may have changed; a report has come. */
void replica_member_after(struct replica *replica,
			  const struct compat_view *view);
void replica_member_heard(struct replica *replica);

/* Nothing is proposed: who is promoted gets the last entries. */
bool replica_member_holds(const struct replica *replica);

/* The log is to be cut, so that its marker has the newest configuration. */
bool replica_member_wants_cut(struct replica *replica);

/* Parked or stopping. */
void replica_member_end(struct replica *replica);

/* ---- replica_report.c ---- */

void replica_report_tick(struct replica *replica);
void replica_report_receive(struct replica *replica, uint64_t from,
			    struct slice fields);

/* Every body that was named up to this index is here (model step B12). */
uint64_t replica_frontier(struct replica *replica);

/* The highest that this server ever reported; of ourselves as of now. */
uint64_t replica_report_best(struct replica *replica, uint64_t id);

/* ---- replica_import.c ---- */

/* The log begins behind the state: before raft begins. */
void replica_import_at_start(struct replica *replica,
			     const struct wal_state *state);

/* A snapshot has come. False: raft does not get it now; it was taken. */
bool replica_import_may_install(struct replica *replica,
				struct raft_message *message);

/* Something was applied, a checkpoint has ended, a copy has its place. */
void replica_import_step(struct replica *replica);
void replica_import_after(struct replica *replica,
			  const struct compat_view *view);
void replica_import_tick(struct replica *replica);

/* Parked or stopping; a job that is out ends by itself. */
void replica_import_stop(struct replica *replica);
void replica_import_progress(struct replica *replica, uint64_t *done_r,
			     uint64_t *total_r);

/* ---- replica_import_copy.c ---- */

/* No job is out: closes the file; gives up one that waits to be swapped. */
void replica_import_copy_drop(struct replica *replica);
void replica_import_copy_cancel(struct replica *replica);

/* Perhaps the copy can take its place now. */
void replica_import_swap(struct replica *replica);
void replica_import_fini(struct replica *replica);

/* ---- replica_propose.c ---- */

/* Before the replica starts. */
void replica_propose_init(struct replica *replica);

/* The entry under way may be applied; more may be proposed. */
void replica_propose_after(struct replica *replica,
			   const struct compat_view *view);

/* Another leader, or another term: what is under way may be lost. */
void replica_propose_led_anew(struct replica *replica);

/* What apply says; takes the answers. */
void replica_propose_answers(struct replica *replica, struct list *answers);

/* Deadlines. */
void replica_propose_tick(struct replica *replica);

/* PROPOSE, REFUSED. */
void replica_propose_receive(struct replica *replica, uint64_t from,
			     enum frame_kind kind, struct slice fields);

/* Something waits: looked at when this turn ends. */
void replica_propose_kick(struct replica *replica);

/* To who takes this replica for the leader. */
void replica_tell_leader(struct replica *replica, uint64_t to);

/* ---- replica_leader.c ---- */

/* ERR_NONE: the command may go into the log. Errors as replica_submit's. */
must_use enum err replica_leader_check(const struct replica *replica,
				       const struct command *command);

/* Below the limits of disk and map only what frees space goes (R13, F9). */
bool replica_is_full_for(const struct replica *replica, uint16_t kind);

/* ---- replica_read.c ---- */

void replica_read_init(struct replica *replica);
void replica_read_fini(struct replica *replica);

/* After each call into raft, and when apply has caught up. */
void replica_read_after(struct replica *replica);
void replica_read_led_anew(struct replica *replica);
void replica_read_tick(struct replica *replica);
void replica_read_end(struct replica *replica);

/* READ_ASK, READ_INDEX, PING, PONG. */
void replica_read_receive(struct replica *replica, uint64_t from,
			  enum frame_kind kind, struct slice fields);

/* ---- replica_checkpoint.c ---- */

/* Before the replica starts, and when it has. */
void replica_checkpoint_init(struct replica *replica);
void replica_checkpoint_start(struct replica *replica);

/* A marker waits for one with this index. */
void replica_checkpoint_want(struct replica *replica, uint64_t index,
			     uint64_t term);

/* Something was applied, or a checkpoint has ended. */
void replica_checkpoint_kick(struct replica *replica);
void replica_checkpoint_stop(struct replica *replica);

/* The last one of a life: all is applied and nothing more comes. */
void replica_checkpoint_last(struct replica *replica);

#endif
