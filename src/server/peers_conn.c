/*
 * One connection to another node.
 *
 * Happy path of a dialer: connect, TLS (the server's key is pinned), HELLO, its
 * answer, up. Of an acceptor: TLS (a key is demanded, any), HELLO; the kind
 * says on which side the connection belongs; there the member row decides.
 *
 * Failures: peers_conn_end, with a text; the other side is told what concerns
 * it. The memory goes when the stream is closed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "server/peers_internal.h"

static const struct io_stream_ops conn_ops;

uint64_t peers_conn_now(const struct peers_conn *conn)
{
	return clock_mono_ms(io_loop_clock(conn->side->loop));
}

static struct timers *conn_timers(const struct peers_conn *conn)
{
	return io_loop_timers(conn->side->loop);
}

void peers_conn_flush(struct peers_conn *conn)
{
	struct buf *out = &conn->core.out;

	conn->octets_out += out->len;
	io_stream_write(conn->stream, buf_slice(out));
	buf_clear(out);
}

/* ---- the end ---- */

static void conn_down(struct peers_conn *conn)
{
	struct peers *peers = conn->side->peers;
	const struct peers_hooks *hooks = &peers->options.hooks;

	if (conn->join || conn->asked || conn->core.kind == PEER_JOIN) {
		peers_join_down(conn);
		return;
	}
	if (conn->has_mux)
		peers_bulk_down(conn);
	if (conn->up && hooks->link)
		hooks->link(hooks->arg, conn->core.peer, conn->side->kind,
			    false);
}

void peers_conn_end(struct peers_conn *conn, const char *fmt, ...)
{
	struct peers_peer *peer = conn->peer;
	va_list args;

	if (conn->over)
		return;
	conn->over = true;
	va_start(args, fmt);
	(void)vsnprintf(conn->why, sizeof(conn->why), fmt, args);
	va_end(args);
	timer_stop(conn_timers(conn), &conn->deadline);
	if (conn->begun)
		peers_conn_flush(conn); /* REFUSE, if there is one */
	io_stream_close(conn->stream);
	conn->peer = NULL;
	if (peer)
		peers_side_lost(peer, conn);
	conn_down(conn);
}

static void conn_free(struct peers_conn *conn)
{
	struct peers_side *side = conn->side;

	list_remove(&conn->link);
	if (conn->has_mux)
		peer_mux_fini(&conn->mux);
	if (conn->begun)
		peer_link_fini(&conn->core);
	if (!conn->dials && !conn->up)
		side->strangers--;
	mem_free(conn);
	peers_side_check(side);
}

static void conn_closed(struct io_stream *stream, enum err err)
{
	struct peers_conn *conn = io_stream_owner(stream);

	peers_conn_end(conn, "%s",
		       err == ERR_NONE ? "closed by the other side"
				       : io_stream_why(stream));
	conn_free(conn);
}

static void conn_timeout(struct timer *timer)
{
	struct peers_conn *conn =
		container_of(timer, struct peers_conn, deadline);

	peers_conn_end(conn, conn->up ? "no answer came in time"
				      : "no link came about in time");
	io_stream_abort(conn->stream, ERR_TIMEOUT);
}

/* ---- up ---- */

static void conn_status_up(struct peers_conn *conn)
{
	struct peers_link_status *status = &conn->peer->status;
	struct clock *clock = io_loop_clock(conn->side->loop);

	status->up = true;
	status->since_ms = clock_wall_ms(clock);
	status->feature_level = conn->core.peer_feature_level;
	memcpy(status->address, conn->address, sizeof(status->address));
	memcpy(status->software, conn->core.peer_software,
	       sizeof(status->software));
	LOG_INFO("node %u: %s link is up (%s, %s)", conn->core.peer,
		 conn->side->kind == PEER_LOG ? "log" : "bulk", conn->address,
		 conn->core.peer_software);
}

static void conn_up(struct peers_conn *conn)
{
	const struct peers_hooks *hooks = &conn->side->peers->options.hooks;

	if (!conn->dials)
		conn->side->strangers--;
	conn->up = true;
	conn->up_ms = peers_conn_now(conn);
	timer_stop(conn_timers(conn), &conn->deadline);
	io_stream_set_dead(conn->stream, PEER_DEAD_MS);
	io_stream_set_stall(conn->stream, 2 * PEER_DEAD_MS);
	if (conn->core.kind == PEER_JOIN) {
		peers_join_up(conn);
		return;
	}
	conn_status_up(conn);
	if (conn->core.kind == PEER_BULK)
		peers_bulk_up(conn);
	if (hooks->link)
		hooks->link(hooks->arg, conn->core.peer, conn->side->kind,
			    true);
}

/* ---- who is let in ---- */

static void conn_refuse(struct peers_conn *conn, const char *fmt, ...)
	printf_like(2, 3);

static void conn_refuse(struct peers_conn *conn, const char *fmt, ...)
{
	char text[PEERS_TEXT_MAX + 1];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	LOG_WARN("%s: refused: %s", conn->address, text);
	peer_link_refuse(&conn->core, text);
	peers_conn_end(conn, "%s", text);
}

static void conn_accept(struct peers_conn *conn)
{
	peer_link_accept(&conn->core, peers_conn_now(conn));
	peers_conn_flush(conn);
	conn_up(conn);
}

static void conn_accept_join(struct peers_conn *conn)
{
	struct peers_side *side = conn->side;

	if (side->joins >= PEERS_JOINS_MAX || !side->peers->options.hooks.ask) {
		conn_refuse(conn, "too many nodes join: try again");
		return;
	}
	side->joins++;
	conn_accept(conn);
}

/* The side is the right one: now its members decide. */
static void conn_judge(struct peers_conn *conn)
{
	struct peers_side *side = conn->side;
	uint32_t node = conn->core.peer;
	struct peers_peer *peer = peers_side_find(side, node);

	if (!peer || !peer->row.active) {
		conn_refuse(conn, "node %u is no active member of the cluster",
			    node);
	} else if (!peers_row_has_key(&peer->row, &conn->key)) {
		conn_refuse(conn,
			    "the key is not the one in the row of node "
			    "%u",
			    node);
	} else if (node >= side->self.node) {
		conn_refuse(conn, "node %u is to be dialled by node %u", node,
			    side->self.node);
	} else if (peer->conn &&
		   peer->conn->core.peer_start > conn->core.peer_start) {
		conn_refuse(conn, "a later start of node %u is linked", node);
	} else {
		if (peer->conn)
			peers_conn_end(peer->conn, "replaced by a new one");
		peer->conn = conn;
		conn->peer = peer;
		conn_accept(conn);
	}
}

/* From the bulk side, where all are accepted, to the log side. */
static void conn_move(struct peers_conn *conn)
{
	struct peers_side *from = conn->side;
	struct peers *peers = from->peers;

	timer_stop(conn_timers(conn), &conn->deadline);
	list_remove(&conn->link);
	from->strangers--;
	conn->moving = true;
	conn->side = &peers->log;
	__atomic_add_fetch(&peers->moving, 1, __ATOMIC_SEQ_CST);
	io_stream_move(conn->stream, peers->log.loop, &conn_ops, conn);
}

static void conn_arrive(struct peers_conn *conn)
{
	struct peers_side *side = conn->side;

	conn->moving = false;
	list_append(&side->conns, &conn->link);
	side->strangers++;
	__atomic_sub_fetch(&side->peers->moving, 1, __ATOMIC_SEQ_CST);
	timer_set(conn_timers(conn), &conn->deadline, PEERS_CONNECT_MS);
	if (side->stopping) {
		peers_conn_end(conn, "this node stops");
		io_stream_abort(conn->stream, ERR_CANCELLED);
	} else {
		conn_judge(conn);
	}
}

static void conn_hello(struct peers_conn *conn)
{
	switch (conn->core.kind) {
	case PEER_LOG:
		conn_move(conn);
		return;
	case PEER_BULK:
		conn_judge(conn);
		return;
	case PEER_JOIN:
		conn_accept_join(conn);
		return;
	}
	PANIC("link kind %d", (int)conn->core.kind);
}

/* ---- octets ---- */

static void conn_frame(struct peers_conn *conn, const struct peer_frame *frame)
{
	switch (conn->core.kind) {
	case PEER_LOG:
		peers_log_frame(conn, frame);
		return;
	case PEER_BULK:
		peers_bulk_frame(conn, frame);
		return;
	case PEER_JOIN:
		peers_join_frame(conn, frame);
		return;
	}
	PANIC("link kind %d", (int)conn->core.kind);
}

static void conn_event(struct peers_conn *conn, enum peer_link_event event,
		       const struct peer_frame *frame)
{
	switch (event) {
	case PEER_LINK_MORE:
		return;
	case PEER_LINK_HELLO:
		conn_hello(conn);
		return;
	case PEER_LINK_UP:
		conn_up(conn);
		return;
	case PEER_LINK_FRAME:
		conn_frame(conn, frame);
		return;
	case PEER_LINK_OVER:
		peers_conn_end(conn, "%s", conn->core.why);
		return;
	}
	PANIC("link event %d", (int)event);
}

static size_t conn_input(struct io_stream *stream, struct slice in)
{
	struct peers_conn *conn = io_stream_owner(stream);
	size_t len = in.len;

	conn->octets_in += len;
	while (in.len > 0 && !conn->over && !conn->moving) {
		struct peer_frame frame;

		conn_event(conn,
			   peer_link_feed(&conn->core, peers_conn_now(conn),
					  &in, &frame),
			   &frame);
	}
	if (!conn->moving)
		return len;
	conn->octets_in -= in.len;
	return len - in.len;
}

static void conn_below(struct io_stream *stream)
{
	struct peers_conn *conn = io_stream_owner(stream);

	if (conn->has_mux && !conn->over)
		peers_bulk_pump(conn);
}

/* ---- the beginning ---- */

static void conn_begin(struct peers_conn *conn)
{
	const struct peers_side *side = conn->side;
	const struct peers *peers = side->peers;
	struct peer_link_config config = {
		.dials = conn->dials,
		.kind = conn->join ? PEER_JOIN : side->kind,
		.peer = conn->peer ? conn->peer->row.node : 0,
		.node = side->self.node,
		.start = side->self.start,
		.feature_level = peers->options.feature_level,
		.cluster = slice_str(side->self.cluster),
		.software = slice_str(peers->software),
	};

	if (!conn->dials)
		io_addr_text(io_stream_peer(conn->stream), conn->address);
	peer_link_init(&conn->core, &config, peers_conn_now(conn));
	conn->begun = true;
	peers_conn_flush(conn);
}

static void conn_stream_up(struct io_stream *stream)
{
	struct peers_conn *conn = io_stream_owner(stream);
	struct io_tls_info info;

	if (conn->moving) {
		conn_arrive(conn);
		return;
	}
	if (!io_stream_tls(stream, &info) || !info.has_peer_key) {
		peers_conn_end(conn, "the other side has shown no key");
		return;
	}
	conn->key = info.peer_key;
	/* It was pinned, but the row may have changed since. */
	if (conn->peer && !peers_row_has_key(&conn->peer->row, &conn->key))
		peers_conn_end(conn,
			       "the key is not the one in the row of "
			       "node %u",
			       conn->peer->row.node);
	else
		conn_begin(conn);
}

static const struct io_stream_ops conn_ops = {
	.up = conn_stream_up,
	.input = conn_input,
	.below = conn_below,
	.closed = conn_closed,
};

static struct peers_conn *conn_new(struct peers_side *side, bool dials)
{
	struct peers_conn *conn = mem_zalloc(1, sizeof(*conn));

	conn->side = side;
	conn->dials = dials;
	list_append(&side->conns, &conn->link);
	timer_init(&conn->deadline, conn_timeout);
	timer_set(io_loop_timers(side->loop), &conn->deadline,
		  PEERS_CONNECT_MS);
	return conn;
}

struct peers_conn *peers_conn_dial(struct peers_side *side,
				   struct peers_peer *peer,
				   struct peers_join *join, const char *text)
{
	struct io_tls_peer want = { 0 };
	struct peers_conn *conn;
	struct io_place place;

	if (io_place_parse(slice_str(text), &place) || place.local)
		return NULL;
	conn = conn_new(side, true);
	(void)snprintf(conn->address, sizeof(conn->address), "%s", text);
	conn->peer = peer;
	conn->join = join;
	if (peer) {
		want.pin = &peer->row.keys[0];
		want.pin2 = &peer->row.keys[peer->row.key_count - 1];
		memcpy(peer->status.address, conn->address,
		       sizeof(conn->address));
	} else {
		want.pin = join->pin;
	}
	conn->stream =
		io_stream_connect(side->loop, &place, side->peers->client_tls,
				  &want, &conn_ops, conn);
	return conn;
}

void peers_accept(struct peers *peers, struct io_accepted *accepted)
{
	struct peers_side *side = &peers->bulk;
	struct peers_conn *conn;

	if (side->stopping || side->strangers >= PEERS_STRANGERS_MAX) {
		io_accepted_drop(accepted);
		return;
	}
	conn = conn_new(side, false);
	side->strangers++;
	conn->stream = io_stream_accept(side->loop, accepted, peers->server_tls,
					&conn_ops, conn);
}
