/*
 * Inside of a replica: what replica.c, replica_raft.c, replica_propose.c,
 * replica_claim.c, replica_leader.c, replica_read.c and replica_checkpoint.c
 * share. The contract
 * for everybody else is replica.h.
 *
 * All fields belong to the log loop, but for those in `published`.
 */
#ifndef RAFT_REPLICA_IMPL_H
#define RAFT_REPLICA_IMPL_H

#include <stdatomic.h>

#include "base/fault.h"
#include "raft/applier.h"
#include "raft/compat.h"
#include "raft/entry.h"
#include "raft/io.h"
#include "raft/replica.h"
#include "raft/turns.h"

/* How often deadlines are looked at. */
#define REPLICA_TICK_MS 50

/* How often it is asked whether a checkpoint is due. */
#define REPLICA_CHECKPOINT_TICK_MS 1000

/* Octets of commands that wait for an entry. */
#define REPLICA_PENDING_MAX (32u * 1024 * 1024)

/* Proposals that wait for a slot. */
#define REPLICA_RESERVING_MAX 65536

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

enum register_state {
	REGISTER_WANTED, /* to be proposed */
	REGISTER_SENT,
	REGISTER_RAISING, /* the owner stores a higher start count */
	REGISTER_DONE,
	REGISTER_FENCED,
};

enum proposal_state {
	PROPOSAL_IDLE, /* the caller's */
	PROPOSAL_RESERVING,
	PROPOSAL_RESERVED,
	PROPOSAL_QUEUED,   /* waits for an entry */
	PROPOSAL_PROPOSED, /* in an entry, or applied and not heard of yet */
	PROPOSAL_KEPT,     /* answered; its slot is still taken */
};

struct proposer_slot {
	uint64_t turn; /* resolved last */
	bool taken;
	bool cancel;               /* the deadline is over */
	struct proposal *proposal; /* from its submission on */
};

/* The one entry under way (R12). */
struct replica_flight {
	bool active;
	bool has_register;
	uint64_t index;
	uint64_t term;
	struct raft_apply req;
};

/* For other executors. */
struct replica_published {
	_Atomic(struct store_env *) env;
	_Atomic(const char *) parked_why;
	_Atomic bool leader;
	_Atomic uint64_t term;
	_Atomic uint64_t last_index;
	_Atomic uint64_t commit_index;
	_Atomic uint64_t checkpoint_index;
	_Atomic uint32_t slots_taken;
	_Atomic uint32_t incarnation;
	_Atomic uint64_t fresh_ms; /* 0: never */
	_Atomic bool settled;      /* a read has nothing to wait for */
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

	/* proposing */
	enum register_state registered;
	uint32_t incarnation;
	struct proposer_slot slots[COMMAND_SLOTS];
	uint64_t free_slots[COMMAND_SLOTS / 64]; /* bit set: free */
	uint32_t slots_taken;
	struct list reserving;
	unsigned reserving_count;
	struct list pending;
	uint64_t pending_octets;
	struct list claiming; /* under op ids of claims (replica_claim.c) */
	struct replica_flight flight;
	struct entry_builder builder;
	struct task propose_task;
	bool propose_posted;

	/* reading */
	struct list reads;

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
void replica_raft_close(struct replica *replica);
void replica_view(struct replica *replica, struct compat_view *view_r);

/* ---- replica_propose.c ---- */

/* Before the replica starts. */
void replica_propose_init(struct replica *replica);

/* The entry under way may be applied or lost; more may be proposed. */
void replica_propose_after(struct replica *replica,
			   const struct compat_view *view);

/* What apply says; takes the answers. */
void replica_propose_answers(struct replica *replica, struct list *answers);

/* Deadlines. */
void replica_propose_tick(struct replica *replica);

/* Ends all: never sent with ERR_UNAVAILABLE, others with `unknown`. */
void replica_propose_end(struct replica *replica, enum err unknown);

/* More may be proposed: at the end of this turn. */
void replica_propose_kick(struct replica *replica);

/* ERR_NONE: something of this kind and size may be queued. */
must_use enum err replica_propose_may(const struct replica *replica,
				      const struct proposal *proposal);

/* The callback, late; off its list. */
void replica_proposal_answer(struct proposal *proposal, enum err err,
			     enum proposal_state state);

/* ---- replica_claim.c ---- */

bool replica_claim_has_something(const struct replica *replica);

/* Puts into the entry being built what waits; it, or it again. */
void replica_claim_build(struct replica *replica);
void replica_claim_repropose(struct replica *replica);

/* What apply says; takes the payload if somebody waits for it. */
void replica_claim_answer(struct replica *replica, struct slots_answer *answer,
			  uint64_t index);

/* Deadlines, and the end. */
void replica_claim_tick(struct replica *replica, uint64_t now);
void replica_claim_end(struct replica *replica, enum err unknown);

/* ---- replica_leader.c ---- */

/* ERR_NONE: the command may go into the log. Errors as replica_submit's. */
must_use enum err replica_leader_check(const struct replica *replica,
				       const struct command *command);

/* ---- replica_read.c ---- */

/* After each call into raft, and when apply has caught up. */
void replica_read_after(struct replica *replica);
void replica_read_tick(struct replica *replica);
void replica_read_end(struct replica *replica);

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
