/*
 * Our raft_io: messages to peers and from them (io.h).
 *
 * Happy path: the rules have passed a message, it is encoded, stands behind
 * the terms and votes that were queued before it (the gate), and goes to the
 * link; the link's callback lets go of raft's entries. Without a link, and
 * when a peer is clogged, raft hears RAFT_NOCONNECTION and tries again.
 */
#include "raft/io_request.h"

#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"
#include "raft/frame.h"
#include "raft/message.h"

/* Peers that are remembered before those that left are forgotten. */
#define PEERS_MAX (2 * COMPAT_SERVERS_MAX)

/* Who left the group makes room: raft ids are never used again. */
static void peers_forget(struct replica_io *io)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < io->peer_count; i++)
		if (io->peers[i].unsent > 0 ||
		    compat_server(io->options.raft, io->peers[i].id) != NULL)
			io->peers[kept++] = io->peers[i];
	io->peer_count = kept;
}

static struct replica_io_peer *peer_get(struct replica_io *io, uint64_t id)
{
	struct replica_io_peer *peer;

	for (unsigned i = 0; i < io->peer_count; i++)
		if (io->peers[i].id == id)
			return &io->peers[i];
	if (io->peer_count >= PEERS_MAX)
		peers_forget(io);
	io->peers =
		mem_realloc(io->peers, (io->peer_count + 1) * sizeof(*peer));
	peer = &io->peers[io->peer_count++];
	*peer = (struct replica_io_peer){ .id = id };
	return peer;
}

void replica_io_send_end(struct replica_io_request *request, int status)
{
	struct replica_io *io = request->io;
	struct raft_io_send *send = request->send;
	raft_io_send_cb cb = request->send_cb;

	if (request->octets > 0)
		peer_get(io, request->net.to)->unsent -= request->octets;
	replica_io_request_free(request);
	if (cb == NULL)
		return; /* raft_transfer's; `send` may be gone */
	cb(send, status);
	if (!io->closing)
		rules_after(&io->rules);
}

static void send_sent(struct net_send *net, enum err err)
{
	struct replica_io_request *request =
		container_of(net, struct replica_io_request, net);

	if (request->io->closing)
		replica_io_send_end(request, RAFT_CANCELED);
	else
		replica_io_send_end(request,
				    err == ERR_NONE ? 0 : RAFT_NOCONNECTION);
}

static void send_nowhere(struct task *task)
{
	struct replica_io_request *request =
		container_of(task, struct replica_io_request, task);

	send_sent(&request->net, ERR_UNAVAILABLE);
}

static void send_leave(struct replica_io_request *request)
{
	struct replica_io *io = request->io;
	struct replica_net *net = io->options.net;

	list_remove(&request->gated);
	request->out = true;
	if (net == NULL)
		task_post(io->options.loop, &request->task, send_nowhere);
	else
		net->send(net, &request->net);
}

void replica_io_gate_open(struct replica_io *io)
{
	while (!list_empty(&io->gated)) {
		struct replica_io_request *request = LIST_ENTRY(
			io->gated.next, struct replica_io_request, gated);

		if (request->behind > io->gate_durable)
			return;
		send_leave(request);
	}
}

static void send_queue(struct replica_io_request *request)
{
	struct replica_io *io = request->io;

	request->behind = io->gate_queued;
	list_append(&io->gated, &request->gated);
	if (MUTANT("M53"))
		send_leave(request);
	else
		replica_io_gate_open(io);
}

/* Head and entries as pieces; entries are raft's until the callback. */
static void send_encode(struct replica_io_request *request,
			const struct raft_message *message)
{
	const struct raft_append_entries *append = &message->append_entries;
	struct net_send *net = &request->net;
	unsigned n =
		message->type == RAFT_IO_APPEND_ENTRIES ? append->n_entries : 0;

	frame_begin(&request->head, FRAME_RAFT);
	message_encode(message, &request->head);
	request->pieces = mem_zalloc(1 + (size_t)n, sizeof(*request->pieces));
	request->pieces[0] = buf_slice(&request->head);
	for (unsigned i = 0; i < n; i++) {
		const struct raft_buffer *buf = &append->entries[i].buf;

		request->pieces[1 + i] = slice_of(buf->base, buf->len);
		request->octets += buf->len;
	}
	net->sent = send_sent;
	net->group = request->io->options.group;
	net->from = request->io->options.id;
	net->to = message->server_id;
	net->pieces = request->pieces;
	net->count = 1 + (size_t)n;
}

/* Octets of a message's head, and of each entry's. */
#define FRAME_SLACK 4096
#define FRAME_ENTRY_HEAD 16

static bool is_clogged(struct replica_io *io,
		       const struct raft_message *message)
{
	const struct raft_append_entries *append = &message->append_entries;
	uint64_t octets = FRAME_SLACK;

	if (message->type != RAFT_IO_APPEND_ENTRIES || append->n_entries == 0)
		return false;
	for (unsigned i = 0; i < append->n_entries; i++)
		octets += append->entries[i].buf.len + FRAME_ENTRY_HEAD;
	return octets > NET_FRAME_MAX ||
	       peer_get(io, message->server_id)->unsent > REPLICA_IO_UNSENT_MAX;
}

/*
 * The peer must hear that its leader lives, though its entries have to wait:
 * the same message without entries, and with no more committed than it has.
 */
static void send_heartbeat(struct replica_io *io,
			   const struct raft_message *message)
{
	struct raft_message bare = *message;
	struct raft_append_entries *append = &bare.append_entries;
	struct replica_io_request *request =
		replica_io_request_new(io, REQUEST_SEND);

	PROBE("io: a peer is clogged and gets a bare heartbeat");
	append->entries = NULL;
	append->n_entries = 0;
	if (append->leader_commit > append->prev_log_index)
		append->leader_commit = append->prev_log_index;
	send_encode(request, &bare);
	send_queue(request);
}

/* Nothing leaves; raft's callback runs from a later turn. */
static void send_later(struct replica_io *io, struct raft_io_send *req,
		       raft_io_send_cb cb, task_run *run)
{
	struct replica_io_request *request =
		replica_io_request_new(io, REQUEST_SEND);

	request->send = req;
	request->send_cb = cb;
	request->out = true;
	task_post(io->options.loop, &request->task, run);
}

static void send_dropped_run(struct task *task)
{
	struct replica_io_request *request =
		container_of(task, struct replica_io_request, task);

	replica_io_send_end(request, replica_io_status(request->io));
}

/* The rules keep a message back; raft hears that it was sent (R6). */
void replica_io_send_dropped(void *arg, struct raft_io_send *req,
			     raft_io_send_cb cb)
{
	send_later(arg, req, cb, send_dropped_run);
}

/* raft hears RAFT_NOCONNECTION: at once if it can bear that, else later. */
static int send_refuse(struct replica_io *io, struct raft_io_send *req,
		       raft_io_send_cb cb)
{
#if COMPAT_SEND_MAY_FAIL
	(void)io;
	(void)req;
	(void)cb;
	return RAFT_NOCONNECTION;
#else
	send_later(io, req, cb, send_nowhere);
	return 0;
#endif
}

/* ---- pushing the commit index ---- */

/* What was known of it in an earlier term may be of another log. */
static struct replica_io_peer *peer_of_term(struct replica_io *io, uint64_t id,
					    uint64_t term)
{
	struct replica_io_peer *peer = peer_get(io, id);

	if (peer->term != term) {
		peer->term = term;
		peer->acked = 0;
		peer->told = 0;
	}
	return peer;
}

static uint64_t min_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* It believes no commit index beyond what it has stored when it hears of it. */
static void note_told(struct replica_io *io, const struct raft_message *message)
{
	const struct raft_append_entries *append = &message->append_entries;
	struct replica_io_peer *peer;
	uint64_t told;

	if (message->type != RAFT_IO_APPEND_ENTRIES)
		return;
	peer = peer_of_term(io, message->server_id, append->term);
	told = min_of(append->leader_commit, peer->acked);
	if (told > peer->told)
		peer->told = told;
}

/*
 * Up to what it has acknowledged in our term, its log is ours; and from our
 * barrier on all entries are of our term. So we can say what stands before an
 * empty AppendEntries without a look into raft's log.
 */
static void push_one(struct replica_io *io, struct replica_io_peer *peer,
		     const struct compat_view *v)
{
	uint64_t commit = min_of(v->commit_index, peer->acked);
	struct replica_io_request *request;
	struct raft_message message;

	if (peer->term != v->term || peer->acked < io->rules.barrier_index ||
	    peer->acked > v->last_index || peer->told >= commit)
		return;
	request = replica_io_request_new(io, REQUEST_SEND);
	compat_message_init(&message, RAFT_IO_APPEND_ENTRIES);
	message.server_id = peer->id;
	message.append_entries.term = v->term;
	message.append_entries.prev_log_index = peer->acked;
	message.append_entries.prev_log_term = v->term;
	message.append_entries.leader_commit = commit;
	peer->told = commit;
	send_encode(request, &message);
	send_queue(request);
}

static void push_run(struct task *task)
{
	struct replica_io *io =
		container_of(task, struct replica_io, push_task);
	struct compat_view v;

	io->push_posted = false;
	compat_view(io->options.raft, &v);
	if (io->closing || v.state != RAFT_LEADER ||
	    io->rules.led_term != v.term)
		return;
	for (unsigned i = 0; i < io->peer_count; i++)
		push_one(io, &io->peers[i], &v);
}

/*
 * At the end of the turn [S3]: an entry that is proposed until then carries the
 * commit index with it, and nothing is left to be said.
 */
static void push_kick(struct replica_io *io)
{
	if (io->push_posted || io->closing)
		return;
	io->push_posted = true;
	task_post(io->options.loop, &io->push_task, push_run);
}

/*
 * What raft is about to learn of a follower, as it will not tell. What the
 * rules hold back comes by here later.
 */
static void note_acked(struct replica_io *io, uint64_t from,
		       const struct raft_append_entries_result *result)
{
	struct replica_io_peer *peer;
	struct compat_view v;

	compat_view(io->options.raft, &v);
	if (v.state != RAFT_LEADER || result->term != v.term ||
	    result->rejected != 0 ||
	    compat_server(io->options.raft, from) == NULL)
		return;
	peer = peer_of_term(io, from, v.term);
	if (result->last_log_index > peer->acked)
		peer->acked = result->last_log_index;
	push_kick(io);
}

/* The rules' inner send. */
int replica_io_send(void *arg, struct raft_io_send *req,
		    const struct raft_message *message, raft_io_send_cb cb)
{
	struct replica_io *io = arg;
	struct replica_io_request *request;

	if (is_clogged(io, message)) {
		send_heartbeat(io, message);
		return send_refuse(io, req, cb);
	}
	request = replica_io_request_new(io, REQUEST_SEND);
	request->send = req;
	request->send_cb = cb;
	send_encode(request, message);
	if (request->octets > 0)
		peer_get(io, message->server_id)->unsent += request->octets;
	note_told(io, message);
	send_queue(request);
	return 0;
}

int replica_io_method_send(struct raft_io *raft_io, struct raft_io_send *req,
			   const struct raft_message *message,
			   raft_io_send_cb cb)
{
	return rules_send(&replica_io_of(raft_io)->rules, req, message, cb);
}

/* ---- receiving ---- */

uint64_t replica_io_matched(const struct replica_io *io, uint64_t id)
{
	struct compat_view view;

	compat_view(io->options.raft, &view);
	if (view.state != RAFT_LEADER)
		return 0;
	if (id == io->options.id)
		return view.last_stored;
	for (unsigned i = 0; i < io->peer_count; i++)
		if (io->peers[i].id == id && io->peers[i].term == view.term)
			return min_of(io->peers[i].acked, view.last_index);
	return 0;
}

/*
 * 0.15 rolls a configuration back to an entry that may have been cut away. It
 * does not try if it believes that there is nothing to roll back; what must be
 * done is done where it truncates (conf_roll_back).
 */
static void recv_entries(struct replica_io *io, struct raft_message *message)
{
	const struct conf_item *last;
	uint64_t hidden = compat_conf_hide(io->options.raft);

	io->conf_hidden = hidden;
	io->recv_cb(&io->raft_io, message);
	io->conf_hidden = 0;
	last = confs_last(&io->confs);
	if (hidden != 0 && last != NULL && last->index == hidden)
		compat_conf_show(io->options.raft, hidden);
}

void replica_io_recv(void *arg, struct raft_message *message)
{
	struct replica_io *io = arg;

	if (message->type == RAFT_IO_APPEND_ENTRIES_RESULT)
		note_acked(io, message->server_id,
			   &message->append_entries_result);
	if (message->type == RAFT_IO_APPEND_ENTRIES)
		recv_entries(io, message);
	else
		io->recv_cb(&io->raft_io, message);
}

void replica_io_discard(void *arg, struct raft_message *message)
{
	(void)arg;
	message_fini(message);
}

void replica_io_receive(struct replica_io *io, uint64_t from,
			struct slice frame)
{
	const struct replica_io_hooks *hooks = &io->options.hooks;
	struct raft_message message;

	if (io->closing || io->recv_cb == NULL ||
	    message_decode(frame, &message) != ERR_NONE)
		return;
	message.server_id = from;
	message.server_address = compat_address(io->options.raft, from);
	if (message.type == RAFT_IO_INSTALL_SNAPSHOT &&
	    !hooks->may_install(hooks->arg, &message))
		return;
	rules_recv(&io->rules, &message);
}
