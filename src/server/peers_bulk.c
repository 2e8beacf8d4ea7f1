/*
 * Streams on bulk links: the driver of the mux.
 *
 * Happy path: the mux wakes the driver, which gives at the end of the turn what
 * fits below the stream's high-water mark; the rest waits until it has fallen.
 *
 * Failures: a peer that breaks the rules loses its link; the end of a link ends
 * its streams.
 */
#include "base/mem.h"
#include "server/peers_internal.h"

/* Octets taken from the mux at once; more than fits into a socket is no use. */
#define PUMP_MAX (128 * 1024)

static struct timers *bulk_timers(const struct peers_conn *conn)
{
	return io_loop_timers(conn->side->loop);
}

/*
 * Above the high-water mark the stream has told so at the end of a turn, and
 * tells when it is below (conn_below).
 */
void peers_bulk_pump(struct peers_conn *conn)
{
	struct buf out = { 0 };
	bool more;

	if (conn->over || conn->pumping ||
	    io_stream_queued(conn->stream) >= IO_STREAM_HIGH)
		return;
	conn->pumping = true;
	more = peer_mux_turn(&conn->mux, &out, PUMP_MAX);
	conn->pumping = false;
	if (out.len > 0 && !conn->over) {
		conn->octets_out += out.len;
		peer_link_said(&conn->core, peers_conn_now(conn));
		io_stream_write_buf(conn->stream, &out);
	}
	buf_fini(&out);
	if (more && !conn->over)
		timer_set(bulk_timers(conn), &conn->pump_next, 0);
}

static void pump_soon(struct io_hook *hook)
{
	peers_bulk_pump(container_of(hook, struct peers_conn, pump_soon));
}

static void pump_next(struct timer *timer)
{
	peers_bulk_pump(container_of(timer, struct peers_conn, pump_next));
}

/* Any number of times a turn, also from inside the pump. */
static void bulk_wake(void *arg)
{
	struct peers_conn *conn = arg;

	if (conn->over)
		return;
	if (conn->pumping)
		timer_set(bulk_timers(conn), &conn->pump_next, 0);
	else
		io_loop_at_turn_end(conn->side->loop, &conn->pump_soon);
}

void peers_bulk_up(struct peers_conn *conn)
{
	struct peer_mux_config config = {
		.odd = conn->dials,
		.node = conn->core.peer,
		.acceptors = &conn->side->peers->acceptors,
		.wake = bulk_wake,
		.arg = conn,
	};

	io_hook_init(&conn->pump_soon, pump_soon);
	timer_init(&conn->pump_next, pump_next);
	peer_mux_init(&conn->mux, &config);
	conn->has_mux = true;
}

void peers_bulk_down(struct peers_conn *conn)
{
	io_hook_cancel(&conn->pump_soon);
	timer_stop(bulk_timers(conn), &conn->pump_next);
	peer_mux_end(&conn->mux, conn->why);
}

void peers_bulk_frame(struct peers_conn *conn, const struct peer_frame *frame)
{
	if (!peer_mux_feed(&conn->mux, frame))
		return;
	peer_link_refuse(&conn->core, conn->mux.why);
	peers_conn_end(conn, "the other side breaks the rules: %s",
		       conn->mux.why);
}

/* ---- for owners of streams ---- */

static struct peer_stream *bulk_open(struct peer_bulk *bulk, uint32_t node,
				     uint8_t kind, struct slice head,
				     const struct peer_stream_ops *ops,
				     void *owner)
{
	struct peers *peers = container_of(bulk, struct peers, streams);
	struct peers_peer *peer = peers_side_find(&peers->bulk, node);

	if (!peer || !peer->conn || !peer->conn->up)
		return NULL;
	return peer_mux_open(&peer->conn->mux, kind, head, ops, owner);
}

static void bulk_accept(struct peer_bulk *bulk, uint8_t kind,
			peer_accept *accept, void *arg)
{
	struct peers *peers = container_of(bulk, struct peers, streams);

	peers->acceptors.by_kind[kind].accept = accept;
	peers->acceptors.by_kind[kind].arg = arg;
}

struct peer_bulk *peers_bulk(struct peers *peers)
{
	return &peers->streams;
}

void peers_bulk_init(struct peers *peers)
{
	peers->streams.open = bulk_open;
	peers->streams.accept = bulk_accept;
}
