/*
 * The driver of an IMAP session: reads, calls, sends.
 *
 * Happy path: `up` makes the session, `input` feeds it, what it says is moved
 * to the stream; when the stream's queue is long the session waits for `below`.
 *
 * The end: a connection may go while an ask is under way. The session is then
 * told, the link stays until the answer and is freed after it. A write whose
 * outcome nobody hears of any more still runs to its end (architecture.md 4).
 */
#include "server/imap_link.h"

#include "base/mem.h"
#include "base/panic.h"
#include "server/channel_near.h"
#include "server/imap_op.h"
#include "server/node.h"
#include "server/op_append.h"
#include "server/op_list.h"

static uint64_t now_ms(const struct imap_link *link)
{
	return clock_mono_ms(io_loop_clock(link->loop->io));
}

static void link_end(struct imap_link *link)
{
	server_link_leave(&link->head);
	mem_free(link);
}

/* Channels are told to end, and do so later. */
static void link_free(struct imap_link *link)
{
	timer_stop(io_loop_timers(link->loop->io), &link->tick);
	timer_stop(io_loop_timers(link->loop->io), &link->refill);
	server_loop_unwatch(link->loop, &link->watcher);
	/* The session gives its uploads back, which are the append's. */
	if (link->session)
		imap_session_free(&link->session);
	if (link->append)
		append_abandon(&link->append);
	if (link->list)
		list_names_free(&link->list);
	buf_fini(&link->user.name);
	link->ending = true;
	channels_close(link);
	if (list_empty(&link->channels))
		link_end(link);
}

void imap_link_channels_ended(struct imap_link *link)
{
	if (link->ending)
		link_end(link);
}

/*
 * Moves what the session says to the stream. The stream sends at the end of the
 * turn, and tells only then whether its queue is above the mark: so a turn
 * queues up to the mark, and the next one goes on if the kernel took it.
 */
static void send_output(struct imap_link *link)
{
	struct buf *out = imap_session_output(link->session);

	while (out->len && !link->above && !link->full) {
		io_stream_write_buf(link->head.stream, out);
		if (io_stream_queued(link->head.stream) < IO_STREAM_HIGH) {
			imap_session_sent(link->session, now_ms(link));
			continue;
		}
		link->full = true;
		timer_set(io_loop_timers(link->loop->io), &link->refill, 0);
	}
}

static void set_tick(struct imap_link *link)
{
	struct timers *timers = io_loop_timers(link->loop->io);
	uint64_t now = now_ms(link);
	uint64_t at = imap_session_tick(link->session, now);

	if (at == UINT64_MAX)
		timer_stop(timers, &link->tick);
	else if (!timer_is_set(&link->tick) || link->tick.at_ms > at)
		timer_set(timers, &link->tick, at > now ? at - now : 0);
}

/* After every call of the session: send, pause or resume, close. */
static void settle(struct imap_link *link)
{
	if (!link->head.stream) {
		if (!imap_session_busy(link->session))
			link_free(link);
		return;
	}
	set_tick(link); /* may say something */
	send_output(link);
	set_tick(link); /* a command may have ended with its output */
	if (imap_session_closing(link->session) && !link->closing &&
	    !imap_session_output(link->session)->len) {
		link->closing = true;
		io_stream_close(link->head.stream);
	}
	if (link->paused && !link->closing && !link->above &&
	    imap_session_wants_input(link->session)) {
		link->paused = false;
		io_stream_resume(link->head.stream);
	}
}

static void pause(struct imap_link *link)
{
	link->paused = true;
	io_stream_pause(link->head.stream);
}

void imap_link_answer(struct imap_link *link, struct imap_ask *ask)
{
	if (link->answered) {
		link->answered(link, ask);
		return;
	}
	imap_session_answer(link->session, now_ms(link), ask);
	settle(link);
}

static void tick_fired(struct timer *timer)
{
	settle(container_of(timer, struct imap_link, tick));
}

static void refill_fired(struct timer *timer)
{
	struct imap_link *link = container_of(timer, struct imap_link, refill);

	link->full = false;
	if (link->above)
		return; /* stream_below goes on */
	imap_session_sent(link->session, now_ms(link));
	settle(link);
}

void imap_link_changed(struct imap_link *link)
{
	imap_session_changed(link->session, now_ms(link));
	settle(link);
}

void imap_link_is_behind(struct imap_link *link)
{
	imap_session_changed(link->session, now_ms(link));
}

/* A copy that the session does not read is none of its business. */
static void mailbox_changed(struct watcher *watcher)
{
	struct imap_link *link =
		container_of(watcher, struct imap_link, watcher);

	if (!link->far)
		imap_link_changed(link);
}

bool imap_link_is_deserted(const struct imap_link *link)
{
	return link->answered ? link->deserted : !link->head.stream;
}

void imap_link_saw(struct imap_link *link, uint32_t group, uint64_t index)
{
	if (link->far && group == link->mailbox_group && index > link->floor)
		link->floor = index;
}

/*
 * The far end's word that the mailbox has changed may come later than the
 * answer to the write.
 */
void imap_link_wrote(struct imap_link *link, uint32_t group, uint64_t index)
{
	if (!link->far || group != link->mailbox_group)
		return;
	imap_link_saw(link, group, index);
	imap_link_is_behind(link);
}

void imap_link_unwatch(struct imap_link *link)
{
	channels_leave(link);
	server_loop_unwatch(link->loop, &link->watcher);
	link->mailbox_gone = false;
}

bool imap_link_rights(struct imap_link *link, uint32_t *rights_r)
{
	struct store_env *env = replica_env(node_directory(link->loop->node));
	struct directory_mailbox mailbox;
	struct store_txn *txn;
	bool found;
	bool ok;

	if (!env || store_read_begin(env, &txn))
		return false;
	*rights_r = 0;
	found = directory_mailbox_find_id(txn, link->watcher.mailbox->id,
					  &mailbox);
	if (found)
		*rights_r = imap_rights_of(
			directory_rights(&mailbox, &link->user.identity));
	ok = store_txn_error(txn) == ERR_NONE;
	store_end(&txn);
	link->mailbox_gone = ok && !found;
	return ok;
}

static void rights_changed(struct watcher *watcher)
{
	struct imap_link *link =
		container_of(watcher, struct imap_link, watcher);
	uint32_t rights;

	if (!imap_link_rights(link, &rights))
		return;
	if (link->mailbox_gone)
		imap_session_changed(link->session, now_ms(link));
	else
		imap_session_rights(link->session, now_ms(link), rights);
	settle(link);
}

/* ---- the stream's events ---- */

static void fill_transport(const struct imap_link *link,
			   struct io_tls_info *info,
			   struct imap_transport *transport_r,
			   char peer[IO_ADDR_TEXT_MAX])
{
	const struct io_addr *addr = io_stream_peer(link->head.stream);
	bool tls = io_stream_tls(link->head.stream, info);

	io_addr_text(addr, peer);
	*transport_r = (struct imap_transport){
		.tls = tls,
		.local = addr->kind == IO_ADDR_UNIX,
		.can_starttls = !tls && link->loop->node->tls,
		.peer = peer,
	};
	if (tls && info->has_exporter)
		transport_r->tls_exporter =
			slice_of(info->exporter, sizeof(info->exporter));
}

/* Connected, or TLS is up after STARTTLS. */
static void stream_up(struct io_stream *stream)
{
	struct imap_link *link = io_stream_owner(stream);
	struct imap_transport transport;
	struct io_tls_info info;
	char peer[IO_ADDR_TEXT_MAX];

	fill_transport(link, &info, &transport, peer);
	if (link->session)
		imap_session_tls_up(link->session, now_ms(link), &transport);
	else
		link->session = imap_session_new(
			&link->loop->node->imap, &link->port,
			link->loop->node->random, &transport, now_ms(link));
	settle(link);
}

static size_t stream_input(struct io_stream *stream, struct slice in)
{
	struct imap_link *link = io_stream_owner(stream);
	size_t taken = 0;

	while (taken < in.len && imap_session_wants_input(link->session)) {
		size_t more = imap_session_feed(link->session, now_ms(link),
						slice_from(in, taken));

		if (more == 0)
			break;
		taken += more;
	}
	if (taken < in.len || !imap_session_wants_input(link->session))
		pause(link);
	settle(link);
	/* Who does not read his answers gets no further. */
	if (link->above && !link->paused && !link->closing)
		pause(link);
	return taken;
}

static void stream_above(struct io_stream *stream)
{
	struct imap_link *link = io_stream_owner(stream);

	link->above = true;
}

static void stream_below(struct io_stream *stream)
{
	struct imap_link *link = io_stream_owner(stream);

	link->above = false;
	if (link->full)
		return; /* refill_fired goes on */
	imap_session_sent(link->session, now_ms(link));
	settle(link);
}

static void stream_closed(struct io_stream *stream, enum err err unused_arg)
{
	struct imap_link *link = io_stream_owner(stream);

	link->head.stream = NULL;
	if (!link->session) {
		link_free(link);
		return;
	}
	timer_stop(io_loop_timers(link->loop->io), &link->tick);
	timer_stop(io_loop_timers(link->loop->io), &link->refill);
	imap_session_shutdown(link->session, now_ms(link), "connection lost");
	settle(link);
}

static const struct io_stream_ops stream_ops = {
	.up = stream_up,
	.input = stream_input,
	.above = stream_above,
	.below = stream_below,
	.closed = stream_closed,
};

/* ---- the port ---- */

static struct imap_link *link_of(struct imap_port *port)
{
	return container_of(port, struct imap_link, port);
}

static void port_ask(struct imap_port *port, struct imap_ask *ask)
{
	imap_op_start(link_of(port), ask);
}

static void port_close(struct imap_port *port, uint64_t mailbox_id unused_arg)
{
	imap_link_unwatch(link_of(port));
}

static void port_starttls(struct imap_port *port)
{
	struct imap_link *link = link_of(port);

	/* All of it, whatever the mark says: it must go out in clear. */
	io_stream_write_buf(link->head.stream,
			    imap_session_output(link->session));
	io_stream_starttls(link->head.stream, link->loop->node->tls);
}

static int64_t port_now_s(struct imap_port *port)
{
	const struct imap_link *link = link_of(port);

	return (int64_t)(clock_wall_ms(io_loop_clock(link->loop->io)) / 1000);
}

static const struct imap_port port_table = {
	.ask = port_ask,
	.close = port_close,
	.upload_begin = append_upload_begin,
	.upload_add = append_upload_add,
	.upload_abort = append_upload_abort,
	.now_s = port_now_s,
	.starttls = port_starttls,
};

static void link_shutdown(struct server_link *head)
{
	struct imap_link *link = container_of(head, struct imap_link, head);

	if (!link->session) {
		io_stream_abort(link->head.stream, ERR_UNAVAILABLE);
		return;
	}
	imap_session_shutdown(link->session, now_ms(link),
			      "server is stopping");
	settle(link);
}

static bool link_is_busy(struct server_link *head)
{
	const struct imap_link *link =
		container_of(head, struct imap_link, head);

	return link->session && imap_session_busy(link->session);
}

void imap_link_accept(struct server_loop *loop, struct io_accepted *accepted,
		      bool implicit_tls)
{
	struct imap_link *link;

	if (loop->stop) {
		io_accepted_drop(accepted);
		return;
	}
	link = mem_zalloc(1, sizeof(*link));
	link->port = port_table;
	link->loop = loop;
	link->watcher.changed = mailbox_changed;
	link->watcher.rights = rights_changed;
	list_init(&link->watcher.link);
	list_init(&link->channels);
	timer_init(&link->tick, tick_fired);
	timer_init(&link->refill, refill_fired);
	link->head.shutdown = link_shutdown;
	link->head.is_busy = link_is_busy;
	server_link_enter(&link->head, loop);
	link->head.stream = io_stream_accept(
		loop->io, accepted, implicit_tls ? loop->node->tls : NULL,
		&stream_ops, link);
}
