/*
 * The proposer of a node in a group: slots, and what waits in them
 * (architecture.md 4, propose).
 *
 * It does not know where the group's log is: in a replica of this node, or
 * elsewhere. Its owner fetches commands (proposer_next), puts them into an
 * entry or sends them to the leader, and brings what apply has said
 * (proposer_answer). The half above is for everybody, the one below for
 * owners: replica_propose.c and remote.c.
 */
#ifndef RAFT_PROPOSER_H
#define RAFT_PROPOSER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/task.h"
#include "raft/command.h"
#include "raft/slots.h"

struct proposer;
struct proposal;

/* Deadlines where the caller names none. */
#define REPLICA_PROPOSE_MS 10000 /* then CANCEL */
#define REPLICA_RESERVE_MS 5000  /* for a free slot */

/* `proposal->err` and `->result` are set; runs once, late, on `home`. */
typedef void proposal_done(struct proposal *proposal);

/*
 * One command on its way. Storage is the caller's until `done` has run.
 *
 * Life: proposer_reserve gives it a slot, so its op id is known before a body
 * is uploaded under a hold; proposer_submit proposes it. A reserved proposal
 * that is not wanted any more goes back by proposer_release, without effect.
 */
struct proposal {
	/* set by the caller before proposer_reserve */
	struct executor *home;
	void *owner; /* for the callbacks; not looked at */

	/* set by the caller before proposer_submit */
	uint16_t kind;
	uint8_t version;
	struct buf body;        /* owned by the proposal, freed by its fini */
	struct buf inline_body; /* likewise; usually empty (command.h) */
	uint32_t deadline_ms;   /* from submit; 0 = REPLICA_PROPOSE_MS */

	/*
	 * The slot stays taken when the answer was recorded, so the state keeps
	 * the op's result, which another command may still change; until
	 * proposer_release.
	 */
	bool keep;

	/* valid in the callbacks */
	struct op_id op;
	enum err err;      /* apply's refusal, or why nothing is known */
	struct buf result; /* apply's payload */
	uint64_t index;    /* log index at which it was applied */
	bool recorded;     /* apply has spoken: err and result are final */

	/* raft/'s own */
	proposal_done *done;
	struct proposer *proposer;
	struct list link;
	struct list claim_link; /* under the op id of a claim */
	struct task task;
	uint64_t deadline_at_ms;
	uint64_t proposed_at_ms; /* wall clock, for the command */
	uint64_t left_at_ms;     /* the last time */
	int state;
	bool sent; /* was in an entry or a frame: it may take effect */
};

/* Empty, no slot; `home` and `owner` are stored. */
void proposal_init(struct proposal *proposal, struct executor *home,
		   void *owner);

/* Not between a call and its callback. */
void proposal_fini(struct proposal *proposal);

/* ---- for everybody; any executor ---- */

/*
 * ERR_NONE: `op` is set. ERR_BUSY: all slots taken for too long;
 * ERR_UNAVAILABLE: the replica is parked or stopping. Nothing was proposed.
 */
void proposer_reserve(struct proposer *proposer, struct proposal *proposal,
		      proposal_done *done);

/*
 * Reserved proposals only. `err` afterwards:
 *   ERR_NONE or a refusal of apply: recorded for this op id, final;
 *   ERR_CANCELLED: the CANCEL after its deadline won: it never happens;
 *   NOT_DONE kinds (LIMIT, FULL, UNAVAILABLE, BUSY; SYNTAX and what else the
 *   machine's check gives): never proposed, or a leader did not take it and
 *   the CANCEL won;
 *   ERR_STALE: the same; its bodies are not with a majority of the voters
 *   (F4): bring them there and try again;
 *   ERR_FENCED, ERR_CLOSED: unknown for ever on this node: close the client.
 * There is no time limit on an unknown: it becomes known with the group.
 */
void proposer_submit(struct proposer *proposer, struct proposal *proposal,
		     proposal_done *done);

/*
 * Gives the slot of a reserved proposal back, without effect, or that of one
 * that was kept. No callback: the proposal is the caller's again at once.
 */
void proposer_release(struct proposer *proposer, struct proposal *proposal);

/* Reserve and submit in one: for commands without a body upload. */
void proposer_propose(struct proposer *proposer, struct proposal *proposal,
		      proposal_done *done);

/*
 * Proposes under the op id of a claim (command_op_is_claim): none of our slots
 * is taken, and others may propose the same. `recorded` says whether `err` is
 * what apply recorded for this op id, by whatever command of its turn; if it
 * is not, nothing is known: others may have it in the log (model step M4).
 * ERR_STALE: the turn is over, or the leader has not found enough holders;
 * ERR_TIMEOUT at the deadline; ERR_FENCED, ERR_CLOSED, ERR_UNAVAILABLE,
 * ERR_BUSY, ERR_FULL as of proposer_submit.
 */
void proposer_propose_as(struct proposer *proposer, struct proposal *proposal,
			 const struct op_id *op, proposal_done *done);

/* ---- for owners; on the log loop ---- */

/* Octets of commands that wait for an entry or a frame. */
#define PROPOSER_PENDING_MAX (32u * 1024 * 1024)

/* Proposals that wait for a slot. */
#define PROPOSER_RESERVING_MAX 65536

/* What the owner does for it. */
struct proposer_port {
	/* ERR_NONE: a command of this kind may be submitted now. */
	enum err (*may_submit)(void *arg, uint16_t kind);

	/* proposer_next has something: fetch it from a later turn. */
	void (*waiting)(void *arg);

	/*
	 * The group knows this start count from another life: store one of at
	 * least `at_least`, then call proposer_raised.
	 */
	void (*raise)(void *arg, uint32_t at_least);

	/* Another life exists, or the node was removed; once. */
	void (*fenced)(void *arg);
};

enum register_state {
	REGISTER_WANTED,  /* to be proposed */
	REGISTER_SENT,    /* or about to be */
	REGISTER_RAISING, /* the owner stores a higher start count */
	REGISTER_DONE,
	REGISTER_FENCED,
};

enum proposal_state {
	PROPOSAL_IDLE, /* the caller's */
	PROPOSAL_RESERVING,
	PROPOSAL_RESERVED,
	PROPOSAL_QUEUED,   /* waits for an entry or a frame */
	PROPOSAL_PROPOSED, /* fetched; not answered yet */
	PROPOSAL_KEPT,     /* answered; its slot is still taken */
};

struct proposer_slot {
	uint64_t turn; /* resolved last */
	bool taken;
	bool cancel;               /* to be found out */
	enum err refusal;          /* of a leader, if the CANCEL wins */
	struct proposal *proposal; /* from its submission on */
};

struct proposer_options {
	uint32_t group;
	uint32_t node;
	uint32_t start_count;
	uint64_t boot; /* as in replica_options */
	struct executor *loop;
	struct clock *clock;
	const struct proposer_port *port;
	void *port_arg;
};

struct proposer {
	struct proposer_options options;
	enum register_state registered;
	bool register_passed;
	uint64_t register_left_ms;
	struct buf register_body;

	struct proposer_slot slots[COMMAND_SLOTS];
	uint64_t free_slots[COMMAND_SLOTS / 64]; /* bit set: free */
	bool closed;

	struct list reserving; /* for a slot */
	unsigned reserving_count;
	struct list pending; /* for an entry or a frame */
	uint64_t pending_octets;
	struct list passed; /* fetched, and not on its way yet */
	struct list out;    /* on its way, in the order of leaving */
	struct list claims; /* all under op ids of claims (proposer_claim.c) */

	uint64_t deadline_floor; /* no deadline is earlier */

	/* others read them */
	_Atomic uint32_t slots_taken;
	_Atomic uint32_t incarnation;
};

void proposer_init(struct proposer *proposer,
		   const struct proposer_options *options);
void proposer_fini(struct proposer *proposer);

/* The answer to `raise`; ignored if none was asked for. */
void proposer_raised(struct proposer *proposer, uint32_t start_count);

/* The first that waits, borrowed until it is answered. False: nothing. */
bool proposer_next(struct proposer *proposer, struct command *command_r);
bool proposer_has_next(const struct proposer *proposer);

/* It goes into the entry or the frame that is being made. */
void proposer_pass(struct proposer *proposer);

/*
 * It may not go into the log. An answer if it never left; else a CANCEL takes
 * its place and finds out.
 */
void proposer_drop(struct proposer *proposer, enum err err);

/* What was passed has left (`true`), or waits again as if never fetched. */
void proposer_settle(struct proposer *proposer, bool left);

/* What has left and is not answered is to be fetched once more: all of it ...
 */
void proposer_repeat(struct proposer *proposer);

/* ... or what left longer ago. */
void proposer_repeat_old(struct proposer *proposer, uint64_t age_ms);

/* Nothing has left that is not answered. */
bool proposer_is_quiet(const struct proposer *proposer);

/*
 * What apply says, of any proposer: those of others are passed over. The
 * payload is taken from an answer that is wanted.
 */
void proposer_answer(struct proposer *proposer, struct slots_answer *answer,
		     uint64_t index);

/* A leader elsewhere did not put it into its log. */
void proposer_refused(struct proposer *proposer, const struct op_id *op,
		      enum err err);

/* Deadlines. */
void proposer_tick(struct proposer *proposer);

/* Takes nothing new; what waits goes on. */
void proposer_close(struct proposer *proposer);

/* Ends all: what never left with ERR_UNAVAILABLE, others with `unknown`. */
void proposer_end(struct proposer *proposer, enum err unknown);

#endif
