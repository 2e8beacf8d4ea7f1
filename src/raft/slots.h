/*
 * Exactly once: what stands in the state of a group so that a command takes
 * effect at most once, whatever frame arrives again, late or never
 * (architecture.md 4; slots as in NFSv4.1 sessions, RFC 8881 section 2.10.6).
 *
 * A proposer's node has one row: the highest incarnation that the group ever
 * saw, never lower, kept for ever. Each of its slots has one row: the turn
 * that was resolved last, and how. So the table is bounded by nodes and slots,
 * and a late original is refused by what the log itself recorded.
 *
 * Everything here is part of apply: a function of the transaction and the
 * command, equal on all replicas.
 */
#ifndef RAFT_SLOTS_H
#define RAFT_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "raft/command.h"
#include "raft/fsm.h"
#include "store/env.h"

/* The node (or group with a claim) in the upper half of a proposer's number. */
static inline uint32_t proposer_node(uint64_t proposer)
{
	return (uint32_t)(proposer >> 32);
}

/* Its start count (or epoch). */
static inline uint32_t proposer_incarnation(uint64_t proposer)
{
	return (uint32_t)proposer;
}

static inline uint64_t proposer_of(uint32_t node, uint32_t incarnation)
{
	return (uint64_t)node << 32 | incarnation;
}

/* No start count is above the registered one: the node was removed. */
#define SLOTS_NONE_LEFT (1ull << 32)

/* What the group says to the proposer of a command. */
enum slots_verdict {
	SLOTS_RESOLVED, /* `result` is recorded for this op id: final */
	SLOTS_DROPPED,  /* its turn is over: the proposer knows the result */
	SLOTS_FENCED,   /* a higher incarnation is registered; no answer */
	SLOTS_REGISTERED,
	SLOTS_TAKEN, /* by another life; `highest` is what is registered */
};

struct slots_answer {
	struct op_id op;
	uint16_t kind;
	enum slots_verdict verdict;
	bool ran; /* the command took effect or was refused here and now */
	struct command_result result; /* owned */
	uint64_t highest; /* of REGISTER; SLOTS_NONE_LEFT: node was removed */
	uint64_t boot;    /* of a REGISTER */
};

/*
 * Runs one command of the log. The answer's payload is to be freed by the
 * caller. A command that no release of ours may have written, or of a later
 * release, marks the transaction as failed (ERR_INVALID, ERR_VERSION): the
 * replica parks.
 */
void slots_apply(struct store_txn *txn, struct replica_fsm *fsm,
		 const struct command *command, const struct command_at *at,
		 struct slots_answer *answer_r);

/*
 * For apply: another result for an op that was done, as long as nobody else has
 * its slot. CLAIM's says what END has made of it (model step M8).
 */
void slots_amend(struct store_txn *txn, const struct op_id *op,
		 const struct command_result *result);

/* What is recorded for this very op; false: nothing. Borrowed. */
bool slots_result(struct store_txn *txn, const struct op_id *op,
		  enum err *refusal_r, struct slice *payload_r);

#ifdef ENABLE_FAULTS
/* M35: all results are forgotten. */
void slots_forget(struct store_txn *txn);
#else
static inline void slots_forget(struct store_txn *txn)
{
	(void)txn;
}
#endif

/* Is this turn resolved, or its proposer fenced? */
bool slots_is_resolved(struct store_txn *txn, const struct op_id *op);

/* Highest registered incarnation of the node; 0: none. */
uint64_t slots_registered(struct store_txn *txn, uint32_t node);

/* ---- bodies of raft/'s own commands ---- */

/* Append the body of a command of that kind. */
void slots_register_body(uint64_t boot, struct buf *out);
void slots_fence_body(uint64_t proposer, struct buf *out);
void slots_feature_level_body(uint32_t level, struct buf *out);

/* The group's feature level; 0 until one was set. */
uint32_t slots_feature_level(struct store_txn *txn);

#endif
