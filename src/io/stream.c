/*
 * A stream's life: events of its socket come in here and are sent on by state.
 *
 * Happy path: stream_set_open, stream_read as often as the socket has input,
 * io_stream_close, FLUSHING until the output is gone, DRAINING until the peer
 * has closed too (a socket closed with unread input makes the kernel reset the
 * connection, and the peer may never see our last words), CLOSED.
 *
 * Failures: stream_finish from wherever they are found. It releases everything
 * but the stream itself, which stands until libuv has let go of its handle:
 * only then `closed` is called. So code that has called the owner looks at
 * `state` before it goes on, and never at freed memory.
 */
#include "io/stream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/panic.h"
#include "io/sockaddr.h"
#include "io/stream_uv.h"
#include "io/sys.h"

_Static_assert(IO_STREAM_READ_MAX == LOOP_READ_SIZE, "input fits its buffer");

/* ---- what libuv waits for ---- */

static bool stream_wants_input(const struct io_stream *stream)
{
	return stream->is_up && !stream->paused && !stream->input_ended &&
	       !stream->upgrade;
}

/* What the owner has left is given first: the socket has to wait. */
static bool stream_may_read(const struct io_stream *stream)
{
	return stream_wants_input(stream) && stream->kept.len == 0;
}

static int stream_wanted(const struct io_stream *stream)
{
	int events = 0;

	switch (stream->state) {
	case STREAM_CONNECTING:
		return UV_WRITABLE;
	case STREAM_HANDSHAKE:
		return stream->tls_write ? UV_WRITABLE : UV_READABLE;
	case STREAM_OPEN:
		if (stream_may_read(stream))
			events |= UV_READABLE;
		if (stream->blocked || stream->tls_write)
			events |= UV_WRITABLE;
		return events;
	case STREAM_FLUSHING:
		return stream->blocked ? UV_WRITABLE : 0;
	case STREAM_DRAINING:
		return UV_READABLE;
	case STREAM_CLOSED:
	case STREAM_MOVING:
		return 0;
	}
	PANIC("stream state %d", (int)stream->state);
}

static void stream_event(uv_poll_t *poll, int status, int events);

static void stream_wait_for(struct io_stream *stream, int events)
{
	if (stream->poll_state != STREAM_POLL_OPEN || events == stream->events)
		return;
	stream->events = events;
	if (events == 0)
		MUST(uv_poll_stop(&stream->poll) == 0);
	else
		MUST(uv_poll_start(&stream->poll, events, stream_event) == 0);
}

/*
 * A stream that pauses for one command wants input again before there is any,
 * and each change costs system calls: READABLE stays until input has come that
 * it does not take.
 */
void stream_update_poll(struct io_stream *stream)
{
	int events = stream_wanted(stream);

	if (stream->state == STREAM_OPEN)
		events |= stream->events & UV_READABLE;
	stream_wait_for(stream, events);
}

/* ---- the end ---- */

void stream_gone(struct io_stream *stream)
{
	stream->ops->closed(stream, stream->err);
	if (stream->listener)
		listener_done(stream->listener);
	atomic_fetch_sub(&stream->loop->load, 1);
	buf_fini(&stream->kept);
	mem_free(stream->pins);
	mem_free(stream);
}

static void stream_poll_closed(uv_handle_t *handle)
{
	struct io_stream *stream =
		container_of((uv_poll_t *)handle, struct io_stream, poll);

	stream->poll_state = STREAM_POLL_NONE;
	if (stream->state == STREAM_CLOSED)
		stream_gone(stream);
	else if (stream->state == STREAM_MOVING)
		stream_move_on(stream);
	else
		stream_connect_again(stream);
}

void stream_drop_poll(struct io_stream *stream)
{
	MUST(stream->poll_state == STREAM_POLL_OPEN);
	MUST(uv_poll_stop(&stream->poll) == 0);
	stream->events = 0;
	stream->poll_state = STREAM_POLL_CLOSING;
	uv_close((uv_handle_t *)&stream->poll, stream_poll_closed);
}

void stream_drop_fd(struct io_stream *stream)
{
	stream_drop_poll(stream);
	(void)close(stream->fd);
	stream->fd = -1;
}

void stream_finish(struct io_stream *stream, enum err err, const char *why)
{
	struct timers *timers = &stream->loop->timers;

	if (stream->state == STREAM_CLOSED)
		return;
	stream->state = STREAM_CLOSED;
	stream->err = err;
	stream->why = why;
	timer_stop(timers, &stream->idle_timer);
	timer_stop(timers, &stream->work_timer);
	io_hook_cancel(&stream->flush);
	io_hook_cancel(&stream->more);
	io_tls_unref(&stream->upgrade);
	stream_tls_fini(stream);
	outq_fini(&stream->out);
	if (stream->poll_state == STREAM_POLL_OPEN)
		stream_drop_fd(stream);
	if (stream_connect_fini(stream) &&
	    stream->poll_state == STREAM_POLL_NONE)
		loop_at_next_turn(stream->loop, &stream->more);
}

void stream_fail(struct io_stream *stream, int errnum)
{
	int pending = 0;
	socklen_t len = sizeof(pending);

	if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &pending, &len) == 0 &&
	    pending != 0)
		errnum = pending;
	if (stream->state == STREAM_DRAINING) /* that is an end as well */
		stream_finish(stream, stream->err, stream->why);
	else if (errnum == ECONNRESET || errnum == EPIPE || errnum == EBADF)
		stream_finish(stream, ERR_CLOSED, "connection reset by peer");
	else
		stream_finish(stream, ERR_IO, sys_text(errnum));
}

void stream_drain(struct io_stream *stream, enum err err, const char *why)
{
	stream->err = err;
	stream->why = why;
	if (stream->peer_eof || shutdown(stream->fd, SHUT_WR) < 0) {
		stream_finish(stream, err, why);
		return;
	}
	stream->state = STREAM_DRAINING;
	if (!timer_is_set(&stream->work_timer) || err != ERR_NONE)
		timer_set(&stream->loop->timers, &stream->work_timer,
			  IO_STREAM_LINGER_MS);
	stream_update_poll(stream);
}

static void stream_drop_input(struct io_stream *stream)
{
	ssize_t got =
		recv(stream->fd, stream->loop->read_buf, LOOP_READ_SIZE, 0);

	if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	stream_finish(stream, stream->err, stream->why);
}

/* ---- time ---- */

static void stream_work_timeout(struct timer *timer)
{
	struct io_stream *stream =
		container_of(timer, struct io_stream, work_timer);

	switch (stream->state) {
	case STREAM_CONNECTING:
		stream_connect_timeout(stream);
		return;
	case STREAM_HANDSHAKE:
		stream_finish(stream, ERR_TIMEOUT, "TLS handshake timed out");
		return;
	case STREAM_OPEN:
		stream_finish(stream, ERR_TIMEOUT, "peer takes no output");
		return;
	case STREAM_FLUSHING:
	case STREAM_DRAINING:
		stream_finish(stream, stream->err, stream->why);
		return;
	case STREAM_CLOSED:
	case STREAM_MOVING:
		break;
	}
	PANIC("timer of a closed stream");
}

static void stream_idle_timeout(struct timer *timer)
{
	struct io_stream *stream =
		container_of(timer, struct io_stream, idle_timer);
	uint64_t now_ms = clock_mono_ms(&stream->loop->clock);
	uint64_t quiet_ms = now_ms - stream->input_at_ms;

	/* Input does not move the timer, it only leaves a note. */
	if (quiet_ms < stream->idle_ms) {
		timer_set(&stream->loop->timers, timer,
			  stream->idle_ms - quiet_ms);
		return;
	}
	stream->input_at_ms = now_ms;
	timer_set(&stream->loop->timers, timer, stream->idle_ms);
	stream->ops->idle(stream);
}

void io_stream_set_idle(struct io_stream *stream, uint32_t ms)
{
	stream->idle_ms = ms;
	stream->input_at_ms = clock_mono_ms(&stream->loop->clock);
	if (ms == 0 || stream->state == STREAM_CLOSED)
		timer_stop(&stream->loop->timers, &stream->idle_timer);
	else
		timer_set(&stream->loop->timers, &stream->idle_timer, ms);
}

void io_stream_set_dead(struct io_stream *stream, uint32_t ms)
{
	int on = 1;
	int third_s = (int)(ms / 3000) > 0 ? (int)(ms / 3000) : 1;
	int probes = 2;

	/* Not for Unix sockets, and a system may refuse: then it is slower. */
	(void)setsockopt(stream->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms,
			 sizeof(ms));
	(void)setsockopt(stream->fd, IPPROTO_TCP, TCP_KEEPIDLE, &third_s,
			 sizeof(third_s));
	(void)setsockopt(stream->fd, IPPROTO_TCP, TCP_KEEPINTVL, &third_s,
			 sizeof(third_s));
	(void)setsockopt(stream->fd, IPPROTO_TCP, TCP_KEEPCNT, &probes,
			 sizeof(probes));
	(void)setsockopt(stream->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

/* ---- input ---- */

void stream_read_later(struct io_stream *stream)
{
	loop_at_next_turn(stream->loop, &stream->more);
}

void stream_try_upgrade(struct io_stream *stream)
{
	struct io_tls *tls = stream->upgrade;

	if (!tls || stream->in_input || stream->state != STREAM_OPEN)
		return;
	if (stream->kept.len > 0) {
		stream_finish(stream, ERR_CLIENTBUG,
			      "plain input behind STARTTLS");
		return;
	}
	if (stream->plain_left > 0)
		return;
	stream->upgrade = NULL;
	stream_tls_start(stream, tls, NULL);
	io_tls_unref(&tls);
}

/* Keeps what the owner has not taken of `in`; it may stand in `kept`. */
static void stream_keep(struct io_stream *stream, struct slice in, size_t took)
{
	stream->paused = stream->paused || took < in.len;
	if (stream->kept.len > 0) {
		stream->kept_at += took;
	} else if (took < in.len) {
		buf_add_slice(&stream->kept, slice_from(in, took));
		stream->kept_at = 0;
	}
	if (stream->kept_at == stream->kept.len) {
		buf_fini(&stream->kept);
		stream->kept_at = 0;
	}
}

static void stream_deliver(struct io_stream *stream, struct slice in)
{
	size_t took;

	stream->in_input = true;
	took = stream->ops->input(stream, in);
	stream->in_input = false;
	MUST(took <= in.len);
	if (stream->state != STREAM_OPEN && stream->state != STREAM_MOVING)
		return; /* closing: nobody wants the rest */
	stream_keep(stream, in, took);
	stream_try_upgrade(stream);
}

static enum stream_io stream_plain_recv(struct io_stream *stream, uint8_t *out,
					size_t size, size_t *len_r)
{
	ssize_t got = recv(stream->fd, out, size, 0);

	*len_r = got > 0 ? (size_t)got : 0;
	if (got > 0) /* libuv tells again if there is more */
		return STREAM_IO_BLOCK;
	if (got == 0) {
		stream->peer_eof = true;
		return STREAM_IO_END;
	}
	return errno == EAGAIN || errno == EINTR ? STREAM_IO_BLOCK
						 : STREAM_IO_FAILED;
}

static void stream_end_input(struct io_stream *stream)
{
	stream->input_ended = true;
	if (stream->ops->input_end)
		stream->ops->input_end(stream);
	else
		io_stream_close(stream);
}

static void stream_read(struct io_stream *stream)
{
	uint8_t *buf = stream->loop->read_buf;
	enum stream_io io;
	size_t len;
	int errnum;

	stream->drained = false;
	errno = 0;
	io = stream->ssl ? stream_tls_recv(stream, buf, LOOP_READ_SIZE, &len)
			 : stream_plain_recv(stream, buf, LOOP_READ_SIZE, &len);
	errnum = errno;
	stream->unread = io == STREAM_IO_SOME;
	if (len > 0) {
		stream->input_at_ms = clock_mono_ms(&stream->loop->clock);
		stream_deliver(stream, slice_of(buf, len));
	}
	if (stream->state != STREAM_OPEN)
		return;
	if (io == STREAM_IO_END)
		stream_end_input(stream);
	else if (io == STREAM_IO_FAILED)
		stream_fail(stream, errnum);
	else if (stream->unread && stream_wants_input(stream))
		stream_read_later(stream);
}

/* Input without an event: what was kept, what the TLS half has decoded. */
static void stream_read_more(struct io_stream *stream)
{
	if (!stream_wants_input(stream))
		return;
	if (stream->kept.len > 0)
		stream_deliver(stream, slice_from(buf_slice(&stream->kept),
						  stream->kept_at));
	else if (stream->unread)
		stream_read(stream);
	if (stream->state == STREAM_OPEN && stream->unread &&
	    stream_wants_input(stream))
		stream_read_later(stream);
}

static void stream_more(struct io_hook *hook)
{
	struct io_stream *stream = container_of(hook, struct io_stream, more);

	if (stream->state == STREAM_CLOSED) {
		stream_gone(stream);
		return;
	}
	if (stream->state != STREAM_OPEN)
		return;
	if (!stream->is_up) {
		stream->is_up = true;
		stream->ops->up(stream);
	}
	if (stream->state == STREAM_OPEN)
		stream_read_more(stream);
	stream_update_poll(stream);
}

void io_stream_pause(struct io_stream *stream)
{
	stream->paused = true;
	stream_update_poll(stream);
}

void io_stream_resume(struct io_stream *stream)
{
	stream->paused = false;
	if (stream->state == STREAM_OPEN &&
	    (stream->kept.len > 0 || stream->unread))
		stream_read_later(stream);
	stream_update_poll(stream);
}

/* ---- events ---- */

static void stream_event_open(struct io_stream *stream, int events)
{
	bool retry = stream->tls_write && (events & UV_WRITABLE);

	if ((events & UV_READABLE) && !stream_may_read(stream))
		stream_wait_for(stream, stream_wanted(stream));
	if (((events & UV_READABLE) || retry) && stream_may_read(stream))
		stream_read(stream);
	if ((events & UV_WRITABLE) &&
	    (stream->state == STREAM_OPEN || stream->state == STREAM_FLUSHING))
		stream_flush(stream);
}

static void stream_event(uv_poll_t *poll, int status, int events)
{
	struct io_stream *stream = container_of(poll, struct io_stream, poll);

	if (status < 0) { /* libuv has stopped to wait */
		stream->events = 0;
		if (stream->state != STREAM_CONNECTING) {
			stream_fail(stream, -status);
			return;
		}
	}
	switch (stream->state) {
	case STREAM_CONNECTING:
		stream_connect_event(stream);
		break;
	case STREAM_HANDSHAKE:
		stream_tls_handshake(stream);
		break;
	case STREAM_OPEN:
		stream_event_open(stream, events);
		break;
	case STREAM_FLUSHING:
		stream_flush(stream);
		break;
	case STREAM_DRAINING:
		stream_drop_input(stream);
		break;
	case STREAM_CLOSED:
	case STREAM_MOVING:
		PANIC("event of a closed stream");
	}
	stream_update_poll(stream);
}

/* ---- life ---- */

struct io_stream *stream_new(struct io_loop *loop,
			     const struct io_stream_ops *ops, void *owner)
{
	struct io_stream *stream = mem_zalloc(1, sizeof(*stream));

	stream->loop = loop;
	stream->ops = ops;
	stream->owner = owner;
	stream->fd = -1;
	stream->why = "closed";
	stream->stall_ms = IO_STREAM_STALL_MS;
	stream->state = STREAM_CONNECTING;
	stream_out_init(stream);
	io_hook_init(&stream->more, stream_more);
	timer_init(&stream->idle_timer, stream_idle_timeout);
	timer_init(&stream->work_timer, stream_work_timeout);
	atomic_fetch_add(&loop->load, 1);
	return stream;
}

void stream_set_fd(struct io_stream *stream, int fd)
{
	stream->fd = fd;
	/* Fails for no socket and for lack of memory only. */
	MUST(uv_poll_init(&stream->loop->uv, &stream->poll, fd) == 0);
	stream->poll_state = STREAM_POLL_OPEN;
}

void stream_set_open(struct io_stream *stream)
{
	timer_stop(&stream->loop->timers, &stream->work_timer);
	stream->state = STREAM_OPEN;
	stream->is_up = false;
	stream_read_later(stream);
	if (stream->out.queued > 0)
		io_loop_at_turn_end(stream->loop, &stream->flush);
	stream_update_poll(stream);
}

/* Connected and ready: TLS first, if there is to be any. */
static void stream_begin(struct io_stream *stream, struct io_tls *tls)
{
	if (tls)
		stream_tls_start(stream, tls, NULL);
	else
		stream_set_open(stream);
}

struct io_stream *io_stream_accept(struct io_loop *loop,
				   struct io_accepted *accepted,
				   struct io_tls *tls,
				   const struct io_stream_ops *ops, void *owner)
{
	struct io_stream *stream = stream_new(loop, ops, owner);

	accepted_take(accepted, stream);
	stream_begin(stream, tls);
	return stream;
}

struct io_stream *io_stream_adopt(struct io_loop *loop, int fd,
				  struct io_tls *tls,
				  const struct io_stream_ops *ops, void *owner)
{
	struct io_stream *stream = stream_new(loop, ops, owner);

	sockaddr_peer(fd, &stream->peer);
	stream_set_fd(stream, fd); /* libuv makes it non-blocking */
	stream_begin(stream, tls);
	return stream;
}

void io_stream_close(struct io_stream *stream)
{
	switch (stream->state) {
	case STREAM_CONNECTING:
	case STREAM_HANDSHAKE:
		stream_finish(stream, ERR_NONE, "closed");
		return;
	case STREAM_OPEN:
		break;
	case STREAM_FLUSHING:
	case STREAM_DRAINING:
	case STREAM_CLOSED:
	case STREAM_MOVING:
		return;
	}
	stream->state = STREAM_FLUSHING;
	timer_stop(&stream->loop->timers, &stream->idle_timer);
	timer_set(&stream->loop->timers, &stream->work_timer,
		  IO_STREAM_LINGER_MS);
	io_loop_at_turn_end(stream->loop, &stream->flush);
	stream_update_poll(stream);
}

void io_stream_abort(struct io_stream *stream, enum err err)
{
	stream_finish(stream, err, err_text(err));
}

void io_stream_starttls(struct io_stream *stream, struct io_tls *tls)
{
	if (stream->state != STREAM_OPEN)
		return;
	MUST(!stream->ssl && !stream->upgrade);
	stream->upgrade = io_tls_ref(tls);
	stream->plain_left = stream->out.queued;
	stream_try_upgrade(stream);
	stream_update_poll(stream);
}

void *io_stream_owner(const struct io_stream *stream)
{
	return stream->owner;
}

struct io_loop *io_stream_loop(const struct io_stream *stream)
{
	return stream->loop;
}

const struct io_addr *io_stream_peer(const struct io_stream *stream)
{
	return &stream->peer;
}

const char *io_stream_why(const struct io_stream *stream)
{
	return stream->why;
}
