/*
 * Codec of the group's frames (frame.h): pure, no I/O.
 *
 * Lists (commands, answers, refusals) stand one behind the other up to the end
 * of the frame. A frame that cannot be read is dropped by who gets it: all that
 * is said in frames is said again by timers.
 */
#include "raft/frame.h"

#include "base/panic.h"
#include "raft/entry.h"

#define FRAME_VERSION 1

enum err frame_open(struct slice octets, enum frame_kind *kind_r,
		    struct slice *fields_r)
{
	struct unpack in = unpack_of(octets);
	uint8_t version = unpack_u8(&in);
	uint8_t kind = unpack_u8(&in);

	if (!unpack_ok(&in))
		return ERR_SYNTAX;
	if (version != FRAME_VERSION || kind > FRAME_LEADER)
		return ERR_VERSION;
	if (kind < FRAME_RAFT)
		return ERR_SYNTAX;
	*kind_r = (enum frame_kind)kind;
	*fields_r = in.rest;
	return ERR_NONE;
}

void frame_begin(struct buf *out, enum frame_kind kind)
{
	pack_u8(out, FRAME_VERSION);
	pack_u8(out, (uint8_t)kind);
}

/* ---- commands ---- */

bool frame_add_command(struct buf *out, const struct command *command)
{
	size_t size = ENTRY_COMMAND_HEAD_MAX + command->body.len +
		      command->inline_body.len;

	if (out->len + size > FRAME_PROPOSE_MAX)
		return false;
	entry_command_pack(command, out);
	return true;
}

enum err frame_next_command(struct slice *fields, struct command *command_r)
{
	struct unpack in = unpack_of(*fields);

	if (fields->len == 0)
		return ERR_END;
	if (!entry_command_unpack(&in, command_r))
		return ERR_SYNTAX;
	*fields = in.rest;
	return ERR_NONE;
}

/* ---- op ids and errors ---- */

static void pack_op(struct buf *out, const struct op_id *op)
{
	pack_u64(out, op->proposer);
	pack_var(out, op->slot);
	pack_var(out, op->turn);
}

static struct op_id unpack_op(struct unpack *in)
{
	struct op_id op;

	op.proposer = unpack_u64(in);
	op.slot = (uint32_t)unpack_var(in, COMMAND_SLOTS - 1);
	op.turn = unpack_var(in, UINT64_MAX);
	return op;
}

/* ---- answers ---- */

bool frame_add_answer(struct buf *out, const struct frame_answer *answer)
{
	MUST(answer->payload.len <= COMMAND_RESULT_MAX);
	if (out->len + answer->payload.len + FRAME_ANSWER_HEAD_MAX >
	    FRAME_ANSWER_MAX)
		return false;
	pack_op(out, &answer->op);
	pack_u16(out, answer->kind);
	pack_u8(out, (uint8_t)answer->verdict);
	pack_u16(out, (uint16_t)answer->refusal);
	pack_var(out, answer->index);
	pack_var(out, answer->highest);
	pack_var(out, answer->boot);
	pack_bytes(out, answer->payload);
	return true;
}

enum err frame_next_answer(struct slice *fields, struct frame_answer *answer_r)
{
	struct unpack in = unpack_of(*fields);
	uint8_t verdict;

	if (fields->len == 0)
		return ERR_END;
	answer_r->op = unpack_op(&in);
	answer_r->kind = unpack_u16(&in);
	verdict = unpack_u8(&in);
	answer_r->refusal = (enum err)unpack_u16(&in);
	answer_r->index = unpack_var(&in, UINT64_MAX);
	answer_r->highest = unpack_var(&in, UINT64_MAX);
	answer_r->boot = unpack_var(&in, UINT64_MAX);
	answer_r->payload = unpack_bytes(&in, COMMAND_RESULT_MAX);
	if (!unpack_ok(&in) || verdict > SLOTS_TAKEN)
		return ERR_SYNTAX;
	answer_r->verdict = (enum slots_verdict)verdict;
	*fields = in.rest;
	return ERR_NONE;
}

/* ---- refusals ---- */

void frame_add_refused(struct buf *out, const struct frame_refused *refused)
{
	MUST(err_outcome(refused->err) == OUTCOME_NOT_DONE);
	pack_op(out, &refused->op);
	pack_u16(out, (uint16_t)refused->err);
}

enum err frame_next_refused(struct slice *fields,
			    struct frame_refused *refused_r)
{
	struct unpack in = unpack_of(*fields);

	if (fields->len == 0)
		return ERR_END;
	refused_r->op = unpack_op(&in);
	refused_r->err = (enum err)unpack_u16(&in);
	if (!unpack_ok(&in) || err_outcome(refused_r->err) != OUTCOME_NOT_DONE)
		return ERR_SYNTAX;
	*fields = in.rest;
	return ERR_NONE;
}

/* ---- the small ones ---- */

static bool has_term(enum frame_kind kind)
{
	return kind == FRAME_PING || kind == FRAME_PONG || kind == FRAME_LEADER;
}

void frame_put_note(struct buf *out, enum frame_kind kind,
		    const struct frame_note *note)
{
	frame_begin(out, kind);
	if (has_term(kind))
		pack_u64(out, note->term);
	if (kind == FRAME_LEADER)
		pack_u64(out, note->raft_id);
	else
		pack_u64(out, note->seq);
	if (kind != FRAME_READ_INDEX)
		return;
	pack_u64(out, note->index);
	pack_u16(out, (uint16_t)note->err);
}

enum err frame_get_note(enum frame_kind kind, struct slice fields,
			struct frame_note *note_r)
{
	struct unpack in = unpack_of(fields);

	*note_r = (struct frame_note){ 0 };
	if (has_term(kind))
		note_r->term = unpack_u64(&in);
	if (kind == FRAME_LEADER)
		note_r->raft_id = unpack_u64(&in);
	else
		note_r->seq = unpack_u64(&in);
	if (kind == FRAME_READ_INDEX) {
		note_r->index = unpack_u64(&in);
		note_r->err = (enum err)unpack_u16(&in);
	}
	return unpack_end(&in) ? ERR_NONE : ERR_SYNTAX;
}
