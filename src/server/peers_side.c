/*
 * The other nodes as one loop knows them: rows, links, and when to dial again.
 *
 * Happy path: a row comes, the node is dialled if its id is the higher one; the
 * link is there, and when it ends it is dialled again soon.
 *
 * Failures: each attempt takes the next address and doubles the time to the
 * next one; the log has a line when the reason changes.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "server/peers_internal.h"

static const char *side_name(const struct peers_side *side)
{
	return side->kind == PEER_LOG ? "log" : "bulk";
}

struct peers_peer *peers_side_find(const struct peers_side *side, uint32_t node)
{
	for (unsigned i = 0; i < side->count; i++)
		if (side->peer[i]->row.node == node)
			return side->peer[i];
	return NULL;
}

bool peers_row_has_key(const struct peers_member *row, const struct sha256 *key)
{
	for (unsigned i = 0; i < row->key_count; i++)
		if (sha256_eq(&row->keys[i], key))
			return true;
	return false;
}

/* ---- dialling ---- */

static bool peer_is_dialled(const struct peers_peer *peer)
{
	const struct peers_side *side = peer->side;

	return !side->stopping && side->self.node != 0 && peer->row.active &&
	       side->self.node < peer->row.node && peer->row.address_count > 0;
}

static void peer_redial(struct peers_peer *peer);

static void peer_cannot_dial(struct peers_peer *peer, const char *address)
{
	struct peers_link_status *status = &peer->status;
	char text[PEERS_TEXT_MAX + 1];

	(void)snprintf(text, sizeof(text), "\"%.200s\" is no address", address);
	if (strcmp(text, status->error) != 0)
		LOG_WARN("node %u: %s", peer->row.node, text);
	memcpy(status->error, text, sizeof(text));
	peer_redial(peer);
}

static void peer_dial(struct timer *timer)
{
	struct peers_peer *peer =
		container_of(timer, struct peers_peer, redial);
	const char *address;

	if (!peer_is_dialled(peer) || peer->conn)
		return;
	address = peer->row.addresses[peer->next_address %
				      peer->row.address_count];
	peer->next_address++;
	peer->conn = peers_conn_dial(peer->side, peer, NULL, address);
	if (!peer->conn)
		peer_cannot_dial(peer, address);
}

static void peer_dial_after(struct peers_peer *peer, uint32_t delay_ms)
{
	struct peers_side *side = peer->side;

	if (peer_is_dialled(peer))
		timer_set(io_loop_timers(side->loop), &peer->redial, delay_ms);
}

static void peer_redial(struct peers_peer *peer)
{
	uint32_t delay = peer->delay_ms;

	peer_dial_after(
		peer, (uint32_t)random_range(peer->side->peers->options.random,
					     delay / 2, delay));
	peer->delay_ms =
		2 * delay < PEERS_DIAL_MAX_MS ? 2 * delay : PEERS_DIAL_MAX_MS;
}

void peers_side_lost(struct peers_peer *peer, struct peers_conn *conn)
{
	struct peers_link_status *status = &peer->status;
	bool news = conn->up || strcmp(status->error, conn->why) != 0;

	peer->conn = NULL;
	status->up = false;
	status->octets_in = conn->octets_in;
	status->octets_out = conn->octets_out;
	memcpy(status->error, conn->why, sizeof(status->error));
	/* Two that take each other's place must not do so 20 times a second. */
	if (conn->up && peers_conn_now(conn) - conn->up_ms > PEERS_DIAL_MAX_MS)
		peer->delay_ms = PEERS_DIAL_MIN_MS;
	if (news && !peer->side->stopping)
		LOG_WARN("node %u: %s link %s: %s", peer->row.node,
			 side_name(peer->side), conn->up ? "lost" : "failed",
			 conn->why);
	peer_redial(peer);
}

/* ---- members ---- */

static struct peers_peer *peer_new(struct peers_side *side, uint32_t node)
{
	struct peers_peer *peer = mem_zalloc(1, sizeof(*peer));

	peer->side = side;
	peer->row.node = node;
	peer->delay_ms = PEERS_DIAL_MIN_MS;
	peer->status.node = node;
	peer->status.kind = side->kind;
	timer_init(&peer->redial, peer_dial);
	side->peer[side->count++] = peer;
	return peer;
}

static void peer_free(struct peers_peer *peer, const char *why)
{
	timer_stop(io_loop_timers(peer->side->loop), &peer->redial);
	peer->row.active = false;
	if (peer->conn)
		peers_conn_end(peer->conn, "%s", why);
	mem_free(peer);
}

/* The row has changed: a link that it does not allow any more is cut. */
static void peer_check(struct peers_peer *peer)
{
	struct peers_conn *conn = peer->conn;

	peer->status.dials = peer->side->self.node < peer->row.node;
	if (conn && !peer->row.active)
		peers_conn_end(conn, "node %u is no active member any more",
			       peer->row.node);
	else if (conn && conn->begun &&
		 !peers_row_has_key(&peer->row, &conn->key))
		peers_conn_end(conn, "the key of node %u was taken away",
			       peer->row.node);
	if (!peer->conn && !timer_is_set(&peer->redial))
		peer_dial_after(peer, 0);
}

static void side_take_row(struct peers_side *side,
			  const struct peers_member *row)
{
	struct peers_peer *peer = peers_side_find(side, row->node);

	if (row->node == side->self.node)
		return;
	if (!peer && side->count == PEERS_MAX) {
		LOG_ERROR("more than %d members: node %u is left out",
			  PEERS_MAX, row->node);
		return;
	}
	if (!peer)
		peer = peer_new(side, row->node);
	peer->row = *row;
	peer->listed = true;
	peer_check(peer);
}

void peers_side_set_members(struct peers_side *side,
			    const struct peers_member *members, unsigned count)
{
	unsigned kept = 0;

	if (side->stopping)
		return;
	for (unsigned i = 0; i < side->count; i++)
		side->peer[i]->listed = false;
	for (unsigned i = 0; i < count; i++)
		side_take_row(side, &members[i]);
	for (unsigned i = 0; i < side->count; i++) {
		struct peers_peer *peer = side->peer[i];

		if (peer->listed)
			side->peer[kept++] = peer;
		else
			peer_free(peer, "the node is no member any more");
	}
	side->count = kept;
}

/* ---- life ---- */

static void side_tick(struct timer *timer)
{
	struct peers_side *side = container_of(timer, struct peers_side, tick);
	uint64_t now_ms = clock_mono_ms(io_loop_clock(side->loop));

	LIST_FOREACH_SAFE (&side->conns, it) {
		struct peers_conn *conn =
			LIST_ENTRY(it, struct peers_conn, link);

		if (!conn->begun || conn->over)
			continue;
		if (peer_link_tick(&conn->core, now_ms))
			peers_conn_flush(conn);
		else
			peers_conn_end(conn, "%s", conn->core.why);
	}
	timer_set(io_loop_timers(side->loop), timer, PEER_BEAT_MS);
}

void peers_side_start(struct peers_side *side)
{
	timer_init(&side->tick, side_tick);
	timer_set(io_loop_timers(side->loop), &side->tick, PEER_BEAT_MS);
}

void peers_side_stop(struct peers_side *side)
{
	side->stopping = true;
	timer_stop(io_loop_timers(side->loop), &side->tick);
	for (unsigned i = 0; i < side->count; i++)
		peer_free(side->peer[i], "this node stops");
	side->count = 0;
	LIST_FOREACH_SAFE (&side->conns, it) {
		struct peers_conn *conn =
			LIST_ENTRY(it, struct peers_conn, link);

		peers_conn_end(conn, "this node stops");
		io_stream_abort(conn->stream, ERR_CANCELLED);
	}
	peers_side_check(side);
}
