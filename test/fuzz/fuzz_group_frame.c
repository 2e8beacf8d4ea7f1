/*
 * Frames of a group: any octets are refused or understood, and what is
 * understood and encoded again is understood alike.
 */
#include <stdint.h>

#include "base/panic.h"
#include "raft/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void commands(struct slice fields, struct buf *out)
{
	struct command command;

	while (frame_next_command(&fields, &command) == ERR_NONE)
		if (!frame_add_command(out, &command))
			return;
}

static void answers(struct slice fields, struct buf *out)
{
	struct frame_answer answer;

	while (frame_next_answer(&fields, &answer) == ERR_NONE)
		if (!frame_add_answer(out, &answer))
			return;
}

static void refusals(struct slice fields, struct buf *out)
{
	struct frame_refused refused;

	while (frame_next_refused(&fields, &refused) == ERR_NONE)
		frame_add_refused(out, &refused);
}

static void note(enum frame_kind kind, struct slice in, struct slice fields)
{
	struct frame_note value;
	struct buf out = { 0 };

	if (frame_get_note(kind, fields, &value) == ERR_NONE) {
		frame_put_note(&out, kind, &value);
		MUST(slice_eq(buf_slice(&out), in));
	}
	buf_fini(&out);
}

/* Encoding what was encoded changes nothing any more. */
static void list(enum frame_kind kind, struct slice fields,
		 void (*copy)(struct slice fields, struct buf *out))
{
	struct buf once = { 0 };
	struct buf twice = { 0 };

	frame_begin(&once, kind);
	frame_begin(&twice, kind);
	copy(fields, &once);
	copy(slice_from(buf_slice(&once), FRAME_HEAD), &twice);
	MUST(slice_eq(buf_slice(&once), buf_slice(&twice)));
	buf_fini(&once);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct slice fields;
	enum frame_kind kind;

	if (frame_open(in, &kind, &fields) != ERR_NONE)
		return 0;
	switch (kind) {
	case FRAME_PROPOSE:
		list(kind, fields, commands);
		break;
	case FRAME_ANSWER:
		list(kind, fields, answers);
		break;
	case FRAME_REFUSED:
		list(kind, fields, refusals);
		break;
	case FRAME_READ_ASK:
	case FRAME_READ_INDEX:
	case FRAME_PING:
	case FRAME_PONG:
	case FRAME_LEADER:
		note(kind, in, fields);
		break;
	case FRAME_RAFT:
	case FRAME_REPORT:
		break; /* their own targets */
	}
	return 0;
}
