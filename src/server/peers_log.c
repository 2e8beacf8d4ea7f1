/*
 * Frames of groups on log links: struct replica_net (raft/net.h), and what
 * nodes tell each other of their health.
 *
 * Happy path: the head is written, the pieces are lent to the stream; when it
 * has let go of the last, `sent` runs, a turn later. All that a turn sends to a
 * peer goes at its end, in one write.
 *
 * Failures: no link, or too much that waits: ERR_UNAVAILABLE. A frame whose
 * sender is not the peer ends the link.
 */
#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"
#include "server/peers_internal.h"

_Static_assert(PEER_GROUP_MAX >= PEER_GROUP_HEAD + NET_FRAME_MAX,
	       "a frame of a group fits into one of a link");

struct log_send {
	struct list link;
	struct peers *peers;
	struct net_send *send;
	size_t left; /* pieces in the stream, and 1 while they are written */
	enum err err;
};

/* ---- telling the sender ---- */

static void tell_senders(struct task *task)
{
	struct peers *peers = container_of(task, struct peers, sent_task);
	struct list sent;
	struct list *it;

	peers->telling = false;
	list_init(&sent);
	list_splice(&sent, &peers->sent);
	while ((it = list_take(&sent))) {
		struct log_send *one = LIST_ENTRY(it, struct log_send, link);
		struct net_send *send = one->send;
		enum err err = one->err;

		peers->sending--;
		mem_free(one);
		send->sent(send, err);
	}
	peers_side_check(&peers->log);
}

static void tell_later(struct log_send *one)
{
	struct peers *peers = one->peers;

	list_append(&peers->sent, &one->link);
	if (peers->telling)
		return;
	peers->telling = true;
	task_post(io_loop_executor(peers->log.loop), &peers->sent_task,
		  tell_senders);
}

static void piece_released(void *arg)
{
	struct log_send *one = arg;

	if (--one->left == 0)
		tell_later(one);
}

/* ---- sending ---- */

static size_t length_of(const struct net_send *send)
{
	size_t length = 0;

	for (size_t i = 0; i < send->count; i++)
		length += send->pieces[i].len;
	return length;
}

/* The link to a node, if it can take `length` octets now. */
static struct peers_conn *log_conn(struct peers *peers, uint32_t node,
				   size_t length)
{
	struct peers_peer *peer = peers_side_find(&peers->log, node);
	struct peers_conn *conn = peer ? peer->conn : NULL;

	if (!conn || !conn->up || conn->over)
		return NULL;
	if (io_stream_queued(conn->stream) + length > PEERS_QUEUE_MAX) {
		PROBE("a link's queue is full");
		return NULL;
	}
	return conn;
}

static void write_frame(struct peers_conn *conn, struct log_send *one,
			size_t length)
{
	const struct net_send *send = one->send;
	struct buf *out = &conn->core.out;

	peer_frame_group_head(send->group, send->from, send->to, length, out);
	peers_conn_flush(conn);
	peer_link_said(&conn->core, peers_conn_now(conn));
	conn->octets_out += length;
	one->left = send->count + 1;
	for (size_t i = 0; i < send->count; i++)
		io_stream_write_held(conn->stream, send->pieces[i],
				     piece_released, one);
	piece_released(one);
}

static void log_send(struct replica_net *net, struct net_send *send)
{
	struct peers *peers = container_of(net, struct peers, net);
	struct log_send *one = mem_zalloc(1, sizeof(*one));
	size_t length = length_of(send);
	struct peers_conn *conn =
		log_conn(peers, (uint32_t)(send->to >> 32), length);

	MUST(length <= NET_FRAME_MAX);
	one->peers = peers;
	one->send = send;
	peers->sending++;
	if (conn) {
		write_frame(conn, one, length);
		return;
	}
	one->err = ERR_UNAVAILABLE;
	tell_later(one);
}

struct replica_net *peers_net(struct peers *peers)
{
	return &peers->net;
}

bool peers_reaches(const struct peers *peers, uint32_t node)
{
	const struct peers_peer *peer = peers_side_find(&peers->log, node);

	return peer && peer->conn && peer->conn->up;
}

void peers_tell(struct peers *peers, uint32_t node, struct slice payload)
{
	struct peer_frame frame = { .type = PEER_NODE };

	frame.payload = payload;
	for (unsigned i = 0; i < peers->log.count; i++) {
		uint32_t to = peers->log.peer[i]->row.node;
		struct peers_conn *conn =
			node == 0 || node == to
				? log_conn(peers, to, payload.len)
				: NULL;

		if (!conn)
			continue;
		peer_link_send(&conn->core, peers_conn_now(conn), &frame);
		peers_conn_flush(conn);
	}
}

/* ---- receiving ---- */

static void receive_group(struct peers_conn *conn,
			  const struct peer_frame *frame)
{
	const struct peers_side *side = conn->side;
	const struct peers_hooks *hooks = &side->peers->options.hooks;
	uint32_t from = (uint32_t)(frame->group.from >> 32);
	uint32_t to = (uint32_t)(frame->group.to >> 32);

	if (from != conn->core.peer || to != side->self.node) {
		peer_link_refuse(&conn->core, "a frame of another node");
		peers_conn_end(conn,
			       "a frame from node %u to node %u came "
			       "from node %u",
			       from, to, conn->core.peer);
		return;
	}
	if (hooks->receive)
		hooks->receive(hooks->arg, frame->group.group,
			       frame->group.from, frame->group.to,
			       frame->group.payload);
}

void peers_log_frame(struct peers_conn *conn, const struct peer_frame *frame)
{
	const struct peers_hooks *hooks = &conn->side->peers->options.hooks;

	if (frame->type == PEER_GROUP)
		receive_group(conn, frame);
	else if (hooks->told)
		hooks->told(hooks->arg, conn->core.peer, frame->payload);
}

void peers_log_init(struct peers *peers)
{
	peers->net.send = log_send;
	list_init(&peers->sent);
}
