/*
 * The driver of an LMTP session: as imap_link.c, for deliveries.
 */
#include "server/lmtp_link.h"

#include "base/mem.h"
#include "server/node.h"
#include "server/op_deliver.h"

static uint64_t now_ms(const struct lmtp_link *link)
{
	return clock_mono_ms(io_loop_clock(link->head.loop->io));
}

static void link_free(struct lmtp_link *link)
{
	timer_stop(io_loop_timers(link->head.loop->io), &link->tick);
	if (link->session)
		lmtp_session_free(&link->session);
	deliver_abandon(link);
	server_link_leave(&link->head);
	mem_free(link);
}

static void set_tick(struct lmtp_link *link)
{
	struct timers *timers = io_loop_timers(link->head.loop->io);
	uint64_t now = now_ms(link);
	uint64_t at = lmtp_session_tick(link->session, now);

	if (at == UINT64_MAX)
		timer_stop(timers, &link->tick);
	else if (!timer_is_set(&link->tick) || link->tick.at_ms > at)
		timer_set(timers, &link->tick, at > now ? at - now : 0);
}

/* After every call of the session: send, pause or resume, close. */
static void settle(struct lmtp_link *link)
{
	struct buf *out = lmtp_session_output(link->session);

	if (!link->head.stream) {
		if (!lmtp_session_busy(link->session))
			link_free(link);
		return;
	}
	set_tick(link);
	if (out->len)
		io_stream_write_buf(link->head.stream, out);
	if (io_stream_queued(link->head.stream) >= IO_STREAM_HIGH)
		link->above = true;
	if (lmtp_session_closing(link->session) && !link->closing) {
		link->closing = true;
		io_stream_close(link->head.stream);
	}
	if (link->paused && !link->closing && !link->above &&
	    lmtp_session_wants_input(link->session)) {
		link->paused = false;
		io_stream_resume(link->head.stream);
	}
}

static void pause(struct lmtp_link *link)
{
	link->paused = true;
	io_stream_pause(link->head.stream);
}

void lmtp_link_answer(struct lmtp_link *link, struct lmtp_ask *ask)
{
	lmtp_session_answer(link->session, now_ms(link), ask);
	settle(link);
}

static void tick_fired(struct timer *timer)
{
	settle(container_of(timer, struct lmtp_link, tick));
}

/* ---- the stream's events ---- */

static void stream_up(struct io_stream *stream)
{
	struct lmtp_link *link = io_stream_owner(stream);
	const struct node *node = link->head.loop->node;
	char peer[IO_ADDR_TEXT_MAX];

	io_addr_text(io_stream_peer(stream), peer);
	if (link->session)
		lmtp_session_tls_up(link->session, now_ms(link));
	else
		link->session = lmtp_session_new(
			&node->lmtp, &link->port, false,
			io_stream_peer(stream)->kind != IO_ADDR_UNIX, peer,
			now_ms(link));
	settle(link);
}

static size_t stream_input(struct io_stream *stream, struct slice in)
{
	struct lmtp_link *link = io_stream_owner(stream);
	size_t taken = lmtp_session_feed(link->session, now_ms(link), in);

	if (taken < in.len || !lmtp_session_wants_input(link->session))
		pause(link);
	settle(link);
	/* Who does not read his answers gets no further. */
	if (link->above && !link->paused && !link->closing)
		pause(link);
	return taken;
}

static void stream_below(struct io_stream *stream)
{
	struct lmtp_link *link = io_stream_owner(stream);

	link->above = false;
	settle(link);
}

static void stream_closed(struct io_stream *stream, enum err err unused_arg)
{
	struct lmtp_link *link = io_stream_owner(stream);

	link->head.stream = NULL;
	if (!link->session) {
		link_free(link);
		return;
	}
	timer_stop(io_loop_timers(link->head.loop->io), &link->tick);
	lmtp_session_shutdown(link->session, now_ms(link));
	settle(link);
}

static const struct io_stream_ops stream_ops = {
	.up = stream_up,
	.input = stream_input,
	.below = stream_below,
	.closed = stream_closed,
};

static void link_shutdown(struct server_link *head)
{
	struct lmtp_link *link = container_of(head, struct lmtp_link, head);

	if (!link->session) {
		io_stream_abort(link->head.stream, ERR_UNAVAILABLE);
		return;
	}
	lmtp_session_shutdown(link->session, now_ms(link));
	settle(link);
}

static bool link_is_busy(struct server_link *head)
{
	const struct lmtp_link *link =
		container_of(head, struct lmtp_link, head);

	return link->session && lmtp_session_busy(link->session);
}

static void port_starttls(struct lmtp_port *port)
{
	struct lmtp_link *link = container_of(port, struct lmtp_link, port);

	io_stream_write_buf(link->head.stream,
			    lmtp_session_output(link->session));
	io_stream_starttls(link->head.stream, link->head.loop->node->tls);
}

static const struct lmtp_port port_table = {
	.ask = deliver_ask,
	.upload_begin = deliver_upload_begin,
	.upload_add = deliver_upload_add,
	.upload_abort = deliver_upload_abort,
	.starttls = port_starttls,
	.date = deliver_date,
};

void lmtp_link_accept(struct server_loop *loop, struct io_accepted *accepted)
{
	struct lmtp_link *link;

	if (loop->stop) {
		io_accepted_drop(accepted);
		return;
	}
	link = mem_zalloc(1, sizeof(*link));
	link->port = port_table;
	link->head.shutdown = link_shutdown;
	link->head.is_busy = link_is_busy;
	timer_init(&link->tick, tick_fired);
	server_link_enter(&link->head, loop);
	link->head.stream =
		io_stream_accept(loop->io, accepted, NULL, &stream_ops, link);
}
