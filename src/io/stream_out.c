/*
 * Output: queued by the owner, sent at the end of the turn.
 *
 * Happy path: all of it goes in one system call, and the queue is empty again.
 * If the kernel takes less, the rest waits until the socket is writable, and
 * the stall timer runs until it takes some. What a long turn produces is sent
 * in between (FLUSH_EARLY), so the queue stays short. One stream sends at most
 * FLUSH_MAX a turn: the others want their turn too.
 *
 * Failures: an error of the socket or of a file to be sent ends the stream.
 */
#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/panic.h"
#include "io/stream_uv.h"

#define FLUSH_EARLY (64 * 1024)   /* octets queued: do not wait */
#define FLUSH_MAX (1024 * 1024)   /* octets of one stream in a turn */
#define FLUSH_PIECES 64           /* pieces of memory in one call */
#define SENDFILE_MAX (256 * 1024) /* octets of a file in one call */

/*
 * An owner that never looks at the marks would fill the memory. Links between
 * nodes bound themselves at 4 MiB a group; nothing else comes near.
 */
#define QUEUED_MAX (1024ULL * 1024 * 1024) /* octets */

/* What may be sent in the present state. */
static uint64_t stream_sendable(const struct io_stream *stream)
{
	return stream->upgrade ? stream->plain_left : stream->out.queued;
}

static enum stream_io stream_sent(struct io_stream *stream, ssize_t sent)
{
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR ? STREAM_IO_BLOCK
							 : STREAM_IO_FAILED;
	outq_sent(&stream->out, (uint64_t)sent);
	if (stream->upgrade)
		stream->plain_left -= (uint64_t)sent;
	return STREAM_IO_SOME;
}

static enum stream_io stream_send_memory(struct io_stream *stream)
{
	struct iovec iov[FLUSH_PIECES];
	struct msghdr msg = { .msg_iov = iov };

	msg.msg_iovlen = outq_iov(&stream->out, stream_sendable(stream), iov,
				  FLUSH_PIECES);
	return stream_sent(stream, sendmsg(stream->fd, &msg, MSG_NOSIGNAL));
}

static enum stream_io stream_send_file(struct io_stream *stream, int fd,
				       uint64_t offset, size_t len)
{
	off_t at = (off_t)offset;
	ssize_t sent = sendfile(stream->fd, fd, &at, len);

	if (sent == 0) {
		stream_finish(stream, ERR_IO, "file to send is too short");
		return STREAM_IO_END;
	}
	return stream_sent(stream, sent);
}

static enum stream_io stream_send_some(struct io_stream *stream)
{
	uint64_t offset;
	size_t len;
	int fd;

	if (stream->ssl)
		return stream_tls_send(stream);
	if (outq_front_file(&stream->out, SENDFILE_MAX, &fd, &offset, &len))
		return stream_send_file(stream, fd, offset, len);
	return stream_send_memory(stream);
}

/* Sends until nothing is left, the kernel takes no more, or it is enough. */
static void stream_send(struct io_stream *stream)
{
	uint64_t before = stream->out.queued;
	enum stream_io io = STREAM_IO_SOME;

	while (io == STREAM_IO_SOME && stream_sendable(stream) > 0) {
		if (before - stream->out.queued > FLUSH_MAX) {
			loop_at_next_turn(stream->loop, &stream->flush);
			break;
		}
		io = stream_send_some(stream);
	}
	if (io == STREAM_IO_FAILED)
		stream_fail(stream, errno);
	if (stream->state == STREAM_CLOSED)
		return;
	stream->blocked = io == STREAM_IO_BLOCK;
	if (stream->state != STREAM_OPEN)
		return; /* the linger timer runs */
	if (!stream->blocked)
		timer_stop(&stream->loop->timers, &stream->work_timer);
	else if (before != stream->out.queued ||
		 !timer_is_set(&stream->work_timer))
		timer_set(&stream->loop->timers, &stream->work_timer,
			  stream->stall_ms);
}

/*
 * `full`: so much was queued before something was sent. An owner that saw it
 * waits for `below`, also if all of it has gone at once.
 */
static void stream_check_marks(struct io_stream *stream, bool full)
{
	if (!stream->is_above && full) {
		stream->is_above = true;
		if (stream->ops->above)
			stream->ops->above(stream);
	}
	if (stream->state == STREAM_OPEN && stream->is_above &&
	    stream->out.queued <= IO_STREAM_LOW) {
		stream->is_above = false;
		if (stream->ops->below)
			stream->ops->below(stream);
	}
}

static void stream_flush_open(struct io_stream *stream)
{
	bool full = stream->out.queued >= IO_STREAM_HIGH;

	stream_send(stream);
	stream_try_upgrade(stream);
	if (stream->state == STREAM_OPEN && stream->is_up)
		stream_check_marks(stream, full);
}

static void stream_flush_closing(struct io_stream *stream)
{
	stream_send(stream);
	if (stream->state != STREAM_FLUSHING || stream_sendable(stream) > 0)
		return;
	stream_tls_bye(stream);
	stream_drain(stream, ERR_NONE, "closed");
}

void stream_flush(struct io_stream *stream)
{
	if (stream->state == STREAM_OPEN)
		stream_flush_open(stream);
	else if (stream->state == STREAM_FLUSHING)
		stream_flush_closing(stream);
	stream_update_poll(stream);
}

static void stream_flush_hook(struct io_hook *hook)
{
	stream_flush(container_of(hook, struct io_stream, flush));
}

void stream_out_init(struct io_stream *stream)
{
	outq_init(&stream->out);
	io_hook_init(&stream->flush, stream_flush_hook);
}

/* ---- what owners call ---- */

/* May the owner still write? What comes before `up` waits. */
static bool stream_takes_output(const struct io_stream *stream)
{
	return stream->state == STREAM_OPEN ||
	       stream->state == STREAM_HANDSHAKE ||
	       stream->state == STREAM_CONNECTING;
}

static void stream_queued(struct io_stream *stream)
{
	if (stream->out.queued > QUEUED_MAX) {
		stream_finish(stream, ERR_LIMIT, "too much output is queued");
		return;
	}
	if (stream->state != STREAM_OPEN)
		return;
	if (stream->out.queued >= FLUSH_EARLY && !stream->blocked) {
		stream_send(stream);
		stream_update_poll(stream);
	}
	if (stream->state == STREAM_OPEN)
		io_loop_at_turn_end(stream->loop, &stream->flush);
}

void io_stream_write(struct io_stream *stream, struct slice data)
{
	if (!stream_takes_output(stream))
		return;
	outq_copy(&stream->out, data);
	stream_queued(stream);
}

void io_stream_write_buf(struct io_stream *stream, struct buf *buf)
{
	struct buf taken = *buf;

	*buf = (struct buf){ 0 };
	io_stream_write_held(stream, buf_slice(&taken), mem_free, taken.data);
}

void io_stream_write_held(struct io_stream *stream, struct slice data,
			  io_release *release, void *arg)
{
	if (!stream_takes_output(stream)) {
		release(arg);
		return;
	}
	outq_hold(&stream->out, data, release, arg);
	stream_queued(stream);
}

void io_stream_write_file(struct io_stream *stream, int fd, uint64_t offset,
			  uint64_t len, io_release *release, void *arg)
{
	if (!stream_takes_output(stream)) {
		release(arg);
		return;
	}
	outq_file(&stream->out, fd, offset, len, release, arg);
	stream_queued(stream);
}

uint64_t io_stream_queued(const struct io_stream *stream)
{
	return stream->out.queued;
}

void io_stream_set_stall(struct io_stream *stream, uint32_t ms)
{
	stream->stall_ms = ms;
	if (stream->state == STREAM_OPEN && stream->blocked)
		timer_set(&stream->loop->timers, &stream->work_timer, ms);
}
