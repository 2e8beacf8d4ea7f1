/*
 * The slot table of a group (slots.h): part of apply.
 *
 * Happy path of a command: its incarnation is the registered one, its turn the
 * next of its slot; the machine runs it, the row remembers turn and result.
 *
 * Everything else: a higher incarnation is registered, whatever command brings
 * it, and the node's rows are cleared; a lower one is fenced without a trace. A
 * turn that the row has gets the row's answer, an older one none. CANCEL puts
 * its own verdict where the original has none yet.
 *
 * "Model step" is a step of test/model/propose.pml: change it there first.
 */
#include "raft/slots.h"

#include "base/fault.h"
#include "base/pack.h"
#include "base/panic.h"
#include "raft/meta.h"
#include "raft/missing.h"

#define PROPOSER_VERSION 1
#define SLOT_VERSION 1

/* ---- rows ---- */

struct proposer_row {
	uint64_t incarnation; /* 0: never seen */
	uint64_t boot;        /* 0: registered without REGISTER */
};

struct slot_row {
	uint64_t turn; /* 0: none yet */
	enum err refusal;
	struct slice payload; /* borrowed from the transaction */
};

static void proposer_key(struct store_key *key, uint32_t node)
{
	store_key_init(key);
	store_key_u32(key, node);
}

static struct proposer_row proposer_get(struct store_txn *txn, uint32_t node)
{
	struct proposer_row row = { 0 };
	struct store_value value;
	struct store_key key;
	struct unpack in;

	proposer_key(&key, node);
	if (!store_get(txn, REPLICA_TABLE_PROPOSER, store_key_slice(&key),
		       &value))
		return row;
	in = unpack_of(value.fields);
	row.incarnation = unpack_u64(&in);
	row.boot = unpack_u64(&in);
	if (value.version != PROPOSER_VERSION || !unpack_end(&in))
		store_txn_fail(txn, ERR_CORRUPT);
	return row;
}

static void proposer_put(struct store_txn *txn, uint32_t node,
			 const struct proposer_row *row)
{
	struct store_key key;
	struct buf fields = { 0 };

	proposer_key(&key, node);
	pack_u64(&fields, row->incarnation);
	pack_u64(&fields, row->boot);
	store_put(txn, REPLICA_TABLE_PROPOSER, store_key_slice(&key),
		  PROPOSER_VERSION, buf_slice(&fields));
	buf_fini(&fields);
}

static void slot_key(struct store_key *key, const struct op_id *op)
{
	store_key_init(key);
	store_key_u32(key, proposer_node(op->proposer));
	store_key_u16(key, (uint16_t)op->slot);
}

static struct slot_row slot_get(struct store_txn *txn, const struct op_id *op)
{
	struct slot_row row = { 0 };
	struct store_value value;
	struct store_key key;
	struct unpack in;

	slot_key(&key, op);
	if (!store_get(txn, REPLICA_TABLE_SLOT, store_key_slice(&key), &value))
		return row;
	in = unpack_of(value.fields);
	row.turn = unpack_u64(&in);
	row.refusal = (enum err)unpack_u16(&in);
	row.payload = unpack_bytes(&in, COMMAND_RESULT_MAX);
	if (value.version != SLOT_VERSION || !unpack_end(&in))
		store_txn_fail(txn, ERR_CORRUPT);
	return row;
}

static void slot_put(struct store_txn *txn, const struct op_id *op,
		     const struct command_result *result)
{
	struct store_key key;
	struct buf fields = { 0 };

	MUST(result->payload.len <= COMMAND_RESULT_MAX);
	slot_key(&key, op);
	pack_u64(&fields, op->turn);
	pack_u16(&fields, (uint16_t)result->refusal);
	pack_bytes(&fields, buf_slice(&result->payload));
	store_put(txn, REPLICA_TABLE_SLOT, store_key_slice(&key), SLOT_VERSION,
		  buf_slice(&fields));
	buf_fini(&fields);
}

/* All slots of a node: its turns begin at 1 again. */
static void slots_clear(struct store_txn *txn, uint32_t node)
{
	struct store_cursor cursor;
	struct store_key key;

	proposer_key(&key, node);
	store_cursor_init(&cursor, txn, REPLICA_TABLE_SLOT);
	while (store_cursor_seek(&cursor, store_key_slice(&key)) &&
	       slice_has_prefix(cursor.key, store_key_slice(&key)))
		store_cursor_del(&cursor);
	store_cursor_fini(&cursor);
}

/* ---- incarnations ---- */

static void incarnation_raise(struct store_txn *txn, uint32_t node,
			      uint64_t incarnation, uint64_t boot)
{
	const struct proposer_row row = { incarnation, boot };

	proposer_put(txn, node, &row);
	slots_clear(txn, node);
}

/* Model step P6. False: fenced. */
static bool incarnation_check(struct store_txn *txn, uint64_t proposer)
{
	uint32_t node = proposer_node(proposer);
	uint32_t incarnation = proposer_incarnation(proposer);
	struct proposer_row row = proposer_get(txn, node);

	if (incarnation > row.incarnation)
		incarnation_raise(txn, node, incarnation, 0);
	return incarnation >= row.incarnation;
}

/* Model step P3. */
static void apply_register(struct store_txn *txn, const struct command *command,
			   struct slots_answer *answer)
{
	uint32_t node = proposer_node(command->op.proposer);
	uint32_t incarnation = proposer_incarnation(command->op.proposer);
	struct unpack in = unpack_of(command->body);
	uint64_t boot = unpack_u64(&in);
	struct proposer_row row = proposer_get(txn, node);

	answer->boot = boot;
	if (!unpack_end(&in) || boot == 0) {
		store_txn_fail(txn, ERR_INVALID);
		return;
	}
	answer->highest = row.incarnation;
	answer->verdict = SLOTS_REGISTERED;
	if (incarnation > row.incarnation)
		incarnation_raise(txn, node, incarnation, boot);
	else if (incarnation < row.incarnation || boot != row.boot)
		answer->verdict = SLOTS_TAKEN;
}

/* ---- raft/'s own kinds that take a slot ---- */

/*
 * Model step P13, and B3 of test/model/bodies.c.
 *
 * The given-up incarnation and all below it never take effect again. Nobody
 * fences his own life: its answer would stand in the next one's slot.
 */
static void apply_fence(struct store_txn *txn, const struct command *command,
			struct command_result *result)
{
	struct unpack in = unpack_of(command->body);
	uint64_t proposer = unpack_u64(&in);
	uint32_t node = proposer_node(proposer);
	uint64_t next = (uint64_t)proposer_incarnation(proposer) + 1;

	if (!unpack_end(&in)) {
		store_txn_fail(txn, ERR_INVALID);
		return;
	}
	if (next <= proposer_get(txn, node).incarnation)
		return;
	if (node == proposer_node(command->op.proposer))
		result->refusal = ERR_INVALID;
	else
		incarnation_raise(txn, node, next, 0);
}

static void apply_feature_level(struct store_txn *txn,
				const struct command *command,
				struct command_result *result)
{
	struct unpack in = unpack_of(command->body);
	uint32_t level = unpack_u32(&in);

	if (!unpack_end(&in))
		store_txn_fail(txn, ERR_INVALID);
	else if (level < meta_feature_level(txn))
		result->refusal = ERR_INVALID; /* it only ever rises */
	else
		meta_set_feature_level(txn, level);
}

/* Model step B13 of test/model/bodies.c. */
static void apply_lost(struct store_txn *txn, const struct command *command)
{
	struct missing_lost_command lost;

	if (missing_lost_decode(command->body, &lost) != ERR_NONE)
		store_txn_fail(txn, ERR_INVALID);
	else
		missing_lost(txn, &lost.hash, lost.index);
}

static void run(struct store_txn *txn, struct replica_fsm *fsm,
		const struct command *command, const struct command_at *at,
		struct command_result *result)
{
	switch (command->kind) {
	case COMMAND_CANCEL: /* model step P10 */
		result->refusal = ERR_CANCELLED;
		return;
	case COMMAND_FENCE:
		apply_fence(txn, command, result);
		return;
	case COMMAND_FEATURE_LEVEL:
		apply_feature_level(txn, command, result);
		return;
	case COMMAND_LOST:
		apply_lost(txn, command);
		return;
	default:
		break;
	}
	if (command->kind < COMMAND_FSM_FIRST) {
		store_txn_fail(txn, ERR_VERSION);
		return;
	}
	fsm->apply(fsm, txn, command, at, result);
	if (result->refusal == ERR_VERSION)
		store_txn_fail(txn, ERR_VERSION);
}

/* ---- slots ---- */

/* The row's answer, again. */
static void answer_from_row(const struct slot_row *row,
			    struct slots_answer *answer)
{
	answer->verdict = SLOTS_RESOLVED;
	answer->result.refusal = row->refusal;
	buf_add_slice(&answer->result.payload, row->payload);
}

/* Model steps P7 and, where nothing is recorded yet, P8. */
static void apply_in_slot(struct store_txn *txn, struct replica_fsm *fsm,
			  const struct command *command,
			  const struct command_at *at,
			  struct slots_answer *answer)
{
	const struct op_id *op = &command->op;
	struct slot_row row = slot_get(txn, op);

	if (op->turn == row.turn && !MUTANT("M17")) {
		answer_from_row(&row, answer);
		return;
	}
	if (op->turn < row.turn && !MUTANT("M17"))
		return; /* dropped: its proposer went on */
	if (op->turn != row.turn + 1 && !MUTANT("M17") && !MUTANT("M35")) {
		/* A turn was left out: no proposer of ours does that. */
		store_txn_fail(txn, ERR_INVALID);
		return;
	}
	answer->verdict = SLOTS_RESOLVED;
	answer->ran = true;
	run(txn, fsm, command, at, &answer->result);
	if (command->kind != COMMAND_CANCEL || !MUTANT("M15"))
		slot_put(txn, op, &answer->result);
}

void slots_apply(struct store_txn *txn, struct replica_fsm *fsm,
		 const struct command *command, const struct command_at *at,
		 struct slots_answer *answer_r)
{
	*answer_r = (struct slots_answer){
		.op = command->op,
		.kind = command->kind,
		.verdict = SLOTS_DROPPED,
	};
	if (command->kind == COMMAND_REGISTER) {
		apply_register(txn, command, answer_r);
		return;
	}
	if (!incarnation_check(txn, command->op.proposer)) {
		answer_r->verdict = SLOTS_FENCED;
		return;
	}
	apply_in_slot(txn, fsm, command, at, answer_r);
}

#ifdef ENABLE_FAULTS
void slots_forget(struct store_txn *txn)
{
	struct store_cursor cursor;

	store_cursor_init(&cursor, txn, REPLICA_TABLE_SLOT);
	while (store_cursor_seek(&cursor, SLICE_NONE))
		store_cursor_del(&cursor);
	store_cursor_fini(&cursor);
}
#endif

/* ---- asking and amending the state ---- */

/* Its slot has this turn, in the same life of its proposer. */
static bool is_newest(struct store_txn *txn, const struct op_id *op,
		      struct slot_row *row_r)
{
	uint32_t node = proposer_node(op->proposer);

	*row_r = (struct slot_row){ 0 };
	if (proposer_get(txn, node).incarnation !=
	    proposer_incarnation(op->proposer))
		return false;
	*row_r = slot_get(txn, op);
	return op->turn != 0 && row_r->turn == op->turn;
}

void slots_amend(struct store_txn *txn, const struct op_id *op,
		 const struct command_result *result)
{
	struct slot_row row;

	if (is_newest(txn, op, &row))
		slot_put(txn, op, result);
}

bool slots_result(struct store_txn *txn, const struct op_id *op,
		  enum err *refusal_r, struct slice *payload_r)
{
	struct slot_row row;
	bool found = is_newest(txn, op, &row);

	*refusal_r = row.refusal;
	*payload_r = row.payload;
	return found;
}

uint64_t slots_registered(struct store_txn *txn, uint32_t node)
{
	return proposer_get(txn, node).incarnation;
}

/* Model step B5 (test/model/bodies.c): what ends a hold. */
bool slots_is_resolved(struct store_txn *txn, const struct op_id *op)
{
	struct proposer_row row =
		proposer_get(txn, proposer_node(op->proposer));
	uint32_t incarnation = proposer_incarnation(op->proposer);

	if (incarnation < row.incarnation)
		return true;
	if (incarnation > row.incarnation)
		return false; /* its slots are not those in the table */
	return slot_get(txn, op).turn >= op->turn;
}

uint32_t slots_feature_level(struct store_txn *txn)
{
	return meta_feature_level(txn);
}

/* ---- bodies ---- */

void slots_register_body(uint64_t boot, struct buf *out)
{
	pack_u64(out, boot);
}

void slots_fence_body(uint64_t proposer, struct buf *out)
{
	pack_u64(out, proposer);
}

void slots_feature_level_body(uint32_t level, struct buf *out)
{
	pack_u32(out, level);
}
