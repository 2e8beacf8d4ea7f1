#include "move.h"

#include <criterion/criterion.h>

#include "base/panic.h"

#define NODE 7u

static uint32_t other(uint32_t group)
{
	return 3 - group;
}

void move_open(struct move_pair *pair)
{
	memset(pair, 0, sizeof(*pair));
	for (unsigned i = 0; i < MOVE_GROUPS; i++)
		group_open(&pair->groups[i]);
}

void move_close(struct move_pair *pair)
{
	for (unsigned i = 0; i < MOVE_GROUPS; i++)
		group_close(&pair->groups[i]);
}

struct group *move_group(struct move_pair *pair, uint32_t number)
{
	MUST(number >= 1 && number <= MOVE_GROUPS);
	return &pair->groups[number - 1];
}

struct op_id move_op(struct move_pair *pair, uint32_t group, uint32_t slot)
{
	return (struct op_id){
		.proposer = proposer_of(NODE, 1),
		.slot = slot,
		.turn = ++pair->turns[group - 1][slot],
	};
}

void move_frame_fini(struct move_frame *frame)
{
	buf_fini(&frame->body);
}

static void check(struct group *g, const struct command *command)
{
	struct command_holders holders = { 0 };

	if (command->kind >= COMMAND_FSM_FIRST)
		cr_assert_eq(g->fsm.fsm.check(&g->fsm.fsm, command, &holders),
			     ERR_NONE);
}

enum slots_verdict move_apply(struct move_pair *pair,
			      const struct move_frame *frame,
			      enum err *refusal_r, struct buf *payload_r)
{
	struct group *g = move_group(pair, frame->group);
	struct machine *m = &g->m;
	const struct command_at at = { .index = ++m->index, .term = 1 };
	struct command command = {
		.op = frame->op,
		.kind = frame->kind,
		.version = MAILGROUP_COMMAND_VERSION,
		.proposed_at_ms = m->now_ms,
		.body = buf_slice(&frame->body),
	};
	struct slots_answer answer;

	check(g, &command);
	machine_begin(m);
	slots_apply(m->write, &g->fsm.fsm, &command, &at, &answer);
	cr_assert_eq(store_txn_error(m->write), ERR_NONE);
	*refusal_r = answer.result.refusal;
	buf_clear(payload_r);
	buf_add_slice(payload_r, buf_slice(&answer.result.payload));
	buf_fini(&answer.result.payload);
	return answer.verdict;
}

/* ---- frames ---- */

struct move_frame move_claim(struct move_pair *pair, uint32_t slot,
			     uint32_t source_group, uint64_t source,
			     const struct uidset *uids,
			     const struct mailgroup_target *target,
			     uint64_t user)
{
	struct mailgroup_claim command = {
		.source = source,
		.group = other(source_group),
		.target = *target,
		.user = user,
		.uids = *uids,
	};
	struct move_frame frame = {
		.group = source_group,
		.op = move_op(pair, source_group, slot),
		.kind = MAILGROUP_CLAIM,
	};

	MUST(mailgroup_claim_encode(&command, &frame.body) == ERR_NONE);
	return frame;
}

bool move_append(struct move_pair *pair, uint32_t source_group, uint32_t slot,
		 uint64_t turn, struct move_frame *frame_r)
{
	struct store_txn *txn = machine_ask(&move_group(pair, source_group)->m);
	struct mailgroup_append append = { 0 };
	struct mailgroup_open_claim claim;
	struct arena arena = { 0 };
	bool open = mailgroup_claim_find(txn, other(source_group), slot, turn,
					 &claim);

	*frame_r = (struct move_frame){
		.group = other(source_group),
		.op = mailgroup_claim_op(source_group, slot, turn),
		.kind = MAILGROUP_APPEND_CLAIMED,
	};
	if (open) {
		append.target = claim.target;
		append.user = claim.user;
		append.messages = mailgroup_claim_messages(txn, &claim, &arena,
							   &append.count);
		MUST(mailgroup_append_encode(&append, &frame_r->body) ==
		     ERR_NONE);
	}
	uidset_fini(&claim.uids);
	arena_fini(&arena);
	return open;
}

struct move_frame move_cancel(uint32_t source_group, uint32_t slot,
			      uint64_t turn)
{
	return (struct move_frame){
		.group = other(source_group),
		.op = mailgroup_claim_op(source_group, slot, turn),
		.kind = COMMAND_CANCEL,
	};
}

bool move_end(struct move_pair *pair, uint32_t node_slot, uint32_t source_group,
	      uint32_t slot, uint64_t turn, struct move_frame *frame_r)
{
	struct op_id op = mailgroup_claim_op(source_group, slot, turn);
	struct store_txn *txn =
		machine_ask(&move_group(pair, other(source_group))->m);
	struct mailgroup_claim_end command = {
		.group = other(source_group),
		.slot = slot,
		.turn = turn,
	};
	struct mailgroup_append_result result;
	struct slice payload;

	*frame_r = (struct move_frame){ .group = source_group };
	if (!slots_result(txn, &op, &command.refusal, &payload))
		return false;
	if (command.refusal == ERR_NONE) {
		MUST(mailgroup_append_result(payload, &result) == ERR_NONE);
		command.first_uid = result.first_uid;
	}
	frame_r->op = move_op(pair, source_group, node_slot);
	frame_r->kind = MAILGROUP_CLAIM_END;
	MUST(mailgroup_claim_end_encode(&command, &frame_r->body) == ERR_NONE);
	return true;
}
