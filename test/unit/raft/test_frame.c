/*
 * The group's frames: each comes back as it was sent; what is cut, or of a
 * later release, is refused.
 */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "base/pack.h"
#include "raft/entry.h"
#include "raft/frame.h"

static struct slice opened(const struct buf *octets, enum frame_kind expected)
{
	struct slice fields;
	enum frame_kind kind;

	cr_assert_eq(frame_open(buf_slice(octets), &kind, &fields), ERR_NONE);
	cr_assert_eq(kind, expected);
	return fields;
}

Test(frame, commands_come_back_in_order)
{
	struct command commands[2] = {
		{ .op = { 1ull << 32 | 9, 3, 77 },
		  .kind = 64,
		  .version = 2,
		  .proposed_at_ms = 5,
		  .body = SLICE_LIT("body"),
		  .inline_body = SLICE_LIT("inline") },
		{ .op = { 2, 1023, UINT64_MAX }, .kind = COMMAND_CANCEL },
	};
	struct buf out = { 0 };
	struct command back;
	struct slice fields;

	frame_begin(&out, FRAME_PROPOSE);
	for (unsigned i = 0; i < ARRAY_LEN(commands); i++)
		cr_assert(frame_add_command(&out, &commands[i]));
	fields = opened(&out, FRAME_PROPOSE);
	for (unsigned i = 0; i < ARRAY_LEN(commands); i++) {
		cr_assert_eq(frame_next_command(&fields, &back), ERR_NONE);
		cr_expect_eq(back.op.proposer, commands[i].op.proposer);
		cr_expect_eq(back.op.slot, commands[i].op.slot);
		cr_expect_eq(back.op.turn, commands[i].op.turn);
		cr_expect_eq(back.kind, commands[i].kind);
		cr_expect_eq(back.version, commands[i].version);
		cr_expect(slice_eq(back.body, commands[i].body));
		cr_expect(slice_eq(back.inline_body, commands[i].inline_body));
	}
	cr_expect_eq(frame_next_command(&fields, &back), ERR_END);
	buf_fini(&out);
}

Test(frame, a_propose_has_a_largest_size_and_takes_the_largest_command)
{
	struct buf body = { 0 };
	struct buf out = { 0 };
	struct command command = { .kind = 64 };

	while (body.len < COMMAND_MAX)
		buf_add_octet(&body, 'x');
	command.body = buf_slice(&body);
	command.inline_body = slice_first(command.body, COMMAND_INLINE_MAX);
	frame_begin(&out, FRAME_PROPOSE);
	cr_expect(frame_add_command(&out, &command));
	cr_expect_not(frame_add_command(&out, &command));
	cr_expect_leq(out.len, FRAME_PROPOSE_MAX);
	buf_fini(&out);
	buf_fini(&body);
}

Test(frame, a_cut_command_is_refused)
{
	struct command command = { .kind = 64, .body = SLICE_LIT("body") };
	struct buf out = { 0 };

	frame_begin(&out, FRAME_PROPOSE);
	cr_assert(frame_add_command(&out, &command));
	for (size_t len = FRAME_HEAD + 1; len < out.len; len++) {
		struct slice fields =
			slice_of(out.data + FRAME_HEAD, len - FRAME_HEAD);

		cr_expect_eq(frame_next_command(&fields, &command), ERR_SYNTAX,
			     "cut at %zu", len);
	}
	buf_fini(&out);
}

Test(frame, answers_come_back)
{
	const struct frame_answer answer = {
		.op = { 4ull << 32 | 1, 5, 6 },
		.kind = COMMAND_REGISTER,
		.verdict = SLOTS_TAKEN,
		.refusal = ERR_GONE,
		.payload = SLICE_LIT("payload"),
		.index = 1ull << 40,
		.highest = SLOTS_NONE_LEFT,
		.boot = UINT64_MAX,
	};
	struct frame_answer back;
	struct buf out = { 0 };
	struct slice fields;

	frame_begin(&out, FRAME_ANSWER);
	cr_assert(frame_add_answer(&out, &answer));
	cr_assert(frame_add_answer(&out, &answer));
	for (unsigned i = 0; i < 2; i++) {
		fields = opened(&out, FRAME_ANSWER);
		while (frame_next_answer(&fields, &back) == ERR_NONE) {
			cr_expect_eq(back.op.proposer, answer.op.proposer);
			cr_expect_eq(back.op.turn, answer.op.turn);
			cr_expect_eq(back.kind, answer.kind);
			cr_expect_eq(back.verdict, answer.verdict);
			cr_expect_eq(back.refusal, answer.refusal);
			cr_expect(slice_eq(back.payload, answer.payload));
			cr_expect_eq(back.index, answer.index);
			cr_expect_eq(back.highest, answer.highest);
			cr_expect_eq(back.boot, answer.boot);
		}
		cr_expect_eq(fields.len, 0);
	}
	fields = slice_first(buf_slice(&out), out.len - 1);
	fields = slice_from(fields, FRAME_HEAD);
	cr_expect_eq(frame_next_answer(&fields, &back), ERR_NONE);
	cr_expect_eq(frame_next_answer(&fields, &back), ERR_SYNTAX);
	buf_fini(&out);
}

Test(frame, an_answer_of_the_largest_payload_fits_and_many_do_not)
{
	struct buf payload = { 0 };
	struct buf out = { 0 };
	struct frame_answer answer = { .boot = UINT64_MAX };
	unsigned count = 0;

	while (payload.len < COMMAND_RESULT_MAX)
		buf_add_octet(&payload, 'x');
	answer.payload = buf_slice(&payload);
	frame_begin(&out, FRAME_ANSWER);
	while (frame_add_answer(&out, &answer))
		count++;
	cr_expect_gt(count, 10);
	cr_expect_leq(out.len, FRAME_ANSWER_MAX);
	buf_fini(&out);
	buf_fini(&payload);
}

Test(frame, a_refusal_says_that_nothing_happened)
{
	struct frame_refused refused = { { 7, 8, 9 }, ERR_STALE };
	struct frame_refused back;
	struct buf out = { 0 };
	struct slice fields;

	frame_begin(&out, FRAME_REFUSED);
	frame_add_refused(&out, &refused);
	fields = opened(&out, FRAME_REFUSED);
	cr_assert_eq(frame_next_refused(&fields, &back), ERR_NONE);
	cr_expect_eq(back.op.slot, 8);
	cr_expect_eq(back.err, ERR_STALE);
	cr_expect_eq(frame_next_refused(&fields, &back), ERR_END);
	out.data[out.len - 2] = ERR_TIMEOUT; /* "unknown" is no refusal */
	fields = opened(&out, FRAME_REFUSED);
	cr_expect_eq(frame_next_refused(&fields, &back), ERR_SYNTAX);
	buf_fini(&out);
}

static void note_there_and_back(enum frame_kind kind,
				const struct frame_note *note)
{
	struct frame_note back;
	struct buf out = { 0 };
	struct slice fields;

	frame_put_note(&out, kind, note);
	fields = opened(&out, kind);
	cr_assert_eq(frame_get_note(kind, fields, &back), ERR_NONE);
	cr_expect_eq(back.term, note->term);
	cr_expect_eq(back.seq, note->seq);
	cr_expect_eq(back.index, note->index);
	cr_expect_eq(back.raft_id, note->raft_id);
	cr_expect_eq(back.err, note->err);
	for (size_t len = 0; len < fields.len; len++)
		cr_expect_eq(
			frame_get_note(kind, slice_first(fields, len), &back),
			ERR_SYNTAX);
	buf_add_octet(&out, 0);
	cr_expect_eq(frame_get_note(kind,
				    slice_from(buf_slice(&out), FRAME_HEAD),
				    &back),
		     ERR_SYNTAX);
	buf_fini(&out);
}

Test(frame, notes_come_back)
{
	note_there_and_back(FRAME_READ_ASK, &(struct frame_note){ .seq = 3 });
	note_there_and_back(
		FRAME_READ_INDEX,
		&(struct frame_note){ .seq = 3, .index = 4, .err = ERR_BUSY });
	note_there_and_back(FRAME_PING,
			    &(struct frame_note){ .term = 5, .seq = 6 });
	note_there_and_back(FRAME_PONG,
			    &(struct frame_note){ .term = 7, .seq = 8 });
	note_there_and_back(FRAME_LEADER,
			    &(struct frame_note){ .term = 9, .raft_id = 10 });
}

Test(frame, what_is_of_a_later_release_is_told_from_what_is_none)
{
	struct slice fields;
	enum frame_kind kind;

	cr_expect_eq(frame_open(SLICE_LIT("\001"), &kind, &fields), ERR_SYNTAX);
	cr_expect_eq(frame_open(SLICE_LIT("\001\000"), &kind, &fields),
		     ERR_SYNTAX);
	cr_expect_eq(frame_open(SLICE_LIT("\002\001"), &kind, &fields),
		     ERR_VERSION);
	cr_expect_eq(frame_open(SLICE_LIT("\001\013"), &kind, &fields),
		     ERR_VERSION);
	cr_expect_eq(frame_open(SLICE_LIT("\001\011"), &kind, &fields),
		     ERR_NONE);
	cr_expect_eq(kind, FRAME_REPORT);
}
