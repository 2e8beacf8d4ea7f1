/*
 * Commands of a node on their way to a leader elsewhere (forward.h).
 */
#include "raft/forward.h"

#include "base/fault.h"
#include "base/panic.h"
#include "raft/frame.h"

/* False: the frame is empty. */
static bool fill(struct proposer *proposer, struct buf *frame)
{
	struct command command;

	frame_begin(frame, FRAME_PROPOSE);
	while (proposer_next(proposer, &command)) {
		if (!frame_add_command(frame, &command))
			break;
		proposer_pass(proposer);
	}
	return frame->len > FRAME_HEAD;
}

void forward_commands(struct proposer *proposer, struct outbox *outbox,
		      uint64_t to)
{
	struct buf frame = { 0 };

	while (!outbox_is_full(outbox) && fill(proposer, &frame)) {
		CRASH_POINT("forward");
		outbox_send(outbox, to, &frame);
		proposer_settle(proposer, true);
		MUST(frame.len == 0);
	}
	buf_fini(&frame);
}
