/*
 * A command: what a state machine is asked to do, as it stands in the log.
 *
 * Many commands travel in one log entry (R9, R12); each carries the op id by
 * which it takes effect at most once (architecture.md 4, propose).
 */
#ifndef RAFT_COMMAND_H
#define RAFT_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Limits of architecture.md 4; checked by encoder, leader and decoder. */
#define COMMAND_MAX (128 * 1024)       /* octets of one command's body */
#define COMMAND_ROWS_MAX 1000          /* rows that one command may touch */
#define COMMAND_RESULT_MAX (16 * 1024) /* octets of one result's payload */
#define COMMAND_ENTRY_MAX (256 * 1024) /* octets of one log entry */
#define COMMAND_ENTRY_COUNT_MAX 512    /* commands in one log entry */
#define COMMAND_INLINE_MAX (32 * 1024) /* octets of an inline message body */
#define COMMAND_HOLDERS_MAX 32         /* replicas that have its bodies */

/*
 * Proposer: node id << 32 | start count. A proposer has 1,024 slots in a
 * group; a slot has one operation outstanding, and turn n + 1 says that turn n
 * is resolved.
 */
struct op_id {
	uint64_t proposer;
	uint32_t slot;
	uint64_t turn; /* from 1 */
};

#define COMMAND_SLOTS 1024

/*
 * Set in a proposer that is no node: the rest of the upper half is a mail
 * group, and slot and turn are those of a claim that it has given (see
 * architecture.md 7, MOVE across groups). Any node may propose under such an op
 * id.
 */
#define COMMAND_CLAIM_BIT (1ull << 63)

static inline bool command_op_is_claim(const struct op_id *op)
{
	return (op->proposer & COMMAND_CLAIM_BIT) != 0;
}

static inline bool command_op_eq(const struct op_id *a, const struct op_id *b)
{
	return a->proposer == b->proposer && a->slot == b->slot &&
	       a->turn == b->turn;
}

/* Kinds below COMMAND_FSM_FIRST are raft/'s own; the others the machine's. */
enum command_kind {
	COMMAND_REGISTER = 1, /* fields: boot value u64 */
	COMMAND_CANCEL = 2,   /* resolves {slot, turn} of its own op id */
	COMMAND_FENCE = 3,    /* fields: proposer u64 given up */
	COMMAND_FEATURE_LEVEL = 4,
	COMMAND_LOST = 5, /* a body that no survivor has: missing.h */
	COMMAND_FSM_FIRST = 64,
};

struct command {
	struct op_id op;
	uint16_t kind;
	uint8_t version;         /* of the body's layout */
	uint64_t proposed_at_ms; /* the proposer's wall clock */
	struct slice body;       /* borrowed from the entry */
	/*
	 * Octets of a message body that travel with the command, so that an
	 * APPEND costs one quorum fsync and not two in a row. Empty: none.
	 */
	struct slice inline_body;
};

/*
 * Which replicas have the bodies that a command brings into the group, by raft
 * id, as its proposer says (F4).
 */
struct command_holders {
	bool needed; /* it brings bodies */
	uint64_t raft_ids[COMMAND_HOLDERS_MAX];
	size_t count;
};

/* What apply says of a command: recorded in the slot, given to the proposer. */
struct command_result {
	enum err refusal;   /* ERR_NONE: done */
	struct buf payload; /* at most COMMAND_RESULT_MAX octets */
};

/*
 * A command was done, but the payload of its result could not be decoded: what
 * it has done is not known, so nobody may be told that it was not.
 */
static inline enum err command_payload_err(enum err decoded)
{
	return decoded == ERR_NONE ? ERR_NONE : ERR_IO;
}

/* Where a command stands in the log: equal on all replicas. */
struct command_at {
	uint64_t index;
	uint64_t term;
	uint32_t position; /* within the entry, from 0 */
};

#endif
