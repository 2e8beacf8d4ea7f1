/*
 * Bodies that peers spread: written under the hold that they name.
 *
 * accept -> octets, as far as the writer has room -> finished: body and hold
 * durable (model step B1) -> the answer {hash, length}
 *
 * Failures: an error closes the stream and is told; a stream that dies before
 * its end aborts the write and leaves nothing, afterwards what was durable
 * stays until the hold is resolved.
 */
#include "server/courier_impl.h"

#include "base/fault.h"
#include "base/mem.h"

struct receive {
	struct courier *courier;
	struct peer_stream *stream; /* NULL: it is gone */
	struct body_write write;
	uint64_t octets;
	bool ending; /* finish or abort was called */
	bool over;   /* and the store has answered */
};

/* The write has ended and the stream is gone. */
static void free_if_over(struct receive *receive)
{
	struct courier *courier = receive->courier;

	if (!receive->over || receive->stream)
		return;
	courier->receiving--;
	mem_free(receive);
	courier_end(courier);
}

static void refuse(struct receive *receive, enum err err)
{
	struct peer_stream *stream = receive->stream;

	receive->stream = NULL;
	if (stream)
		peer_stream_close(stream, err, err_text(err));
}

static void answer(struct receive *receive)
{
	struct buf octets = { 0 };

	if (!receive->stream)
		return;
	courier_answer_encode(&receive->write.hash, receive->write.length,
			      &octets);
	/* The first octets that this side says: there is room. */
	MUST(peer_stream_write(receive->stream, buf_slice(&octets)) ==
	     octets.len);
	buf_fini(&octets);
	peer_stream_finish(receive->stream);
}

static void written(struct body_write *write)
{
	struct receive *receive = write->owner;

	CRASH_POINT("body_received");
	receive->over = true;
	if (write->err) {
		refuse(receive, write->err);
	} else {
		courier_came(receive->courier, &write->hash);
		answer(receive);
	}
	free_if_over(receive);
}

static void aborted(struct body_write *write)
{
	struct receive *receive = write->owner;

	receive->over = true;
	free_if_over(receive);
}

static void give_up(struct receive *receive)
{
	MUST(!receive->ending);
	receive->ending = true;
	body_write_abort(&receive->write, aborted);
}

/* ---- the stream ---- */

static size_t stream_octets(struct peer_stream *stream, struct slice in)
{
	struct receive *receive = peer_stream_owner(stream);
	size_t took = 0;

	if (receive->octets + in.len > BODY_MAX) {
		refuse(receive, ERR_TOO_BIG);
		give_up(receive);
		return 0;
	}
	while (took < in.len) {
		size_t room = body_write_room(&receive->write);
		struct slice piece = slice_first(slice_from(in, took), room);

		if (room == 0)
			break;
		body_write_add(&receive->write, piece);
		took += piece.len;
	}
	receive->octets += took;
	return took;
}

static void write_ready(struct body_write *write)
{
	struct receive *receive = write->owner;

	if (receive->stream && !receive->ending)
		peer_stream_resume(receive->stream);
}

static void stream_finished(struct peer_stream *stream)
{
	struct receive *receive = peer_stream_owner(stream);

	receive->ending = true;
	body_write_finish(&receive->write, written);
}

static void stream_closed(struct peer_stream *stream, enum err err unused_arg,
			  struct slice text unused_arg)
{
	struct receive *receive = peer_stream_owner(stream);

	receive->stream = NULL;
	if (receive->ending)
		free_if_over(receive);
	else
		give_up(receive);
}

static const struct peer_stream_ops receive_ops = {
	.octets = stream_octets,
	.finished = stream_finished,
	.closed = stream_closed,
};

void courier_accept_body(void *arg, struct peer_stream *stream,
			 struct slice octets)
{
	struct courier *courier = arg;
	struct courier_body_head head;
	enum err err = courier_body_head_decode(octets, &head);
	struct receive *receive;

	if (!err && courier->receiving >= COURIER_RECEIVE_MAX)
		err = ERR_BUSY;
	if (err) {
		peer_stream_close(stream, err, err_text(err));
		return;
	}
	if (!courier_lets_in(courier, stream, head.to, &head.hold))
		return;
	courier_begin(courier);
	courier->receiving++;
	receive = mem_zalloc(1, sizeof(*receive));
	receive->courier = courier;
	receive->stream = stream;
	receive->write.home = courier->config.loop;
	receive->write.owner = receive;
	receive->write.hold = head.hold;
	body_write_begin(courier->config.bodies, &receive->write, write_ready);
	peer_stream_adopt(stream, &receive_ops, receive);
}
