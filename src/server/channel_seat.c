/*
 * Seats: asks of sessions of other nodes, answered by the ops of this one.
 *
 * accepted (bulk loop): may this peer bring users? -> enter a session loop
 * ASK -> decode -> LOOK: user and rights, by this node's copy of the directory
 *     -> FLOOR: the copy of the group is as far as the session has seen
 *     -> the op of its kind -> ANSWER
 *
 * A seat is an imap_link without stream and session, so the ops do not know
 * for whom they work. Whatever would be refused is looked at once more on a
 * fresh copy of the directory: the client's node may know more than ours.
 */
#include "server/channel_seat.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "server/channel_wire.h"
#include "server/imap_op.h"
#include "server/node.h"
#include "server/streams.h"

struct channel_seat {
	struct imap_link link;
	struct channel_wire *wire; /* NULL: it has ended */
	struct task task;
	uint32_t group;
	struct buf name; /* whom OPEN names */

	/* the ask under way */
	bool asking;
	bool fresh; /* the directory was made so for it */
	struct arena arena;
	struct buf body;
	struct channel_asked asked;
	struct read_index read;

	struct imap_view *base; /* as the other end knows it */
	bool told;              /* CHANGED, since the last SYNC */
};

/* ---- life ---- */

static void seat_free(struct channel_seat *seat)
{
	server_loop_unwatch(seat->link.loop, &seat->link.watcher);
	if (seat->base)
		imap_view_unref(&seat->base);
	arena_fini(&seat->arena);
	buf_fini(&seat->body);
	buf_fini(&seat->name);
	buf_fini(&seat->link.user.name);
	server_link_leave(&seat->link.head);
	mem_free(seat);
}

/* An op that is under way comes to its end first. */
static void seat_check_end(struct channel_seat *seat)
{
	if (!seat->wire && !seat->asking)
		seat_free(seat);
}

static void wire_ended(void *owner)
{
	struct channel_seat *seat = owner;

	seat->wire = NULL;
	seat->link.deserted = true;
	seat_check_end(seat);
}

static void seat_close(struct channel_seat *seat)
{
	seat->link.deserted = true;
	if (seat->wire)
		channel_wire_close(seat->wire);
}

/* ---- answering ---- */

static void set_base(struct channel_seat *seat, struct imap_view *view)
{
	struct imap_view *old = seat->base;

	seat->base = imap_view_ref(view);
	if (old)
		imap_view_unref(&old);
}

/* What the other end takes for the view that both have. */
static void note_base(struct channel_seat *seat)
{
	const struct imap_ask *ask = &seat->asked.ask.head;

	if (ask->err)
		return;
	if (ask->kind == IMAP_ASK_OPEN)
		set_base(seat, seat->asked.ask.open.view);
	if (ask->kind == IMAP_ASK_SYNC)
		set_base(seat, seat->asked.ask.sync.now);
}

static void add_changed(struct buf *out)
{
	channel_frame_end(out, channel_frame_begin(out, CHANNEL_CHANGED));
}

static void seat_answer(struct channel_seat *seat)
{
	struct replica *replica =
		node_replica(seat->link.loop->node, seat->group);
	bool open = seat->asked.ask.head.kind == IMAP_ASK_OPEN;
	struct channel_answer with = {
		.changed = seat->told && !open,
		.applied = replica ? replica_applied(replica) : 0,
	};
	struct buf out = { 0 };

	note_base(seat);
	channel_answer_encode(&seat->asked.ask.head, &with, &out);
	channel_asked_fini(&seat->asked);
	arena_clear(&seat->arena);
	seat->asking = false;
	/* Before its answer a mailbox is not open, and cannot have changed. */
	if (open && seat->told)
		add_changed(&out);
	if (seat->wire) {
		channel_wire_send(seat->wire, &out);
		channel_wire_next(seat->wire);
	}
	buf_fini(&out);
	seat_check_end(seat);
}

static void seat_refuse(struct channel_seat *seat, enum err err)
{
	seat->asked.ask.head.err = err;
	seat_answer(seat);
}

static void op_answered(struct imap_link *link, struct imap_ask *ask unused_arg)
{
	seat_answer(container_of(link, struct channel_seat, link));
}

/* ---- the op ---- */

/* It is watched before it is read, so that no change falls between. */
static void seat_watch(struct channel_seat *seat)
{
	struct imap_link *link = &seat->link;

	if (link->watcher.mailbox &&
	    link->watcher.mailbox->id == seat->asked.mailbox)
		return;
	server_loop_watch(link->loop, &link->watcher, seat->asked.mailbox);
	seat->told = false;
}

static void seat_run(struct channel_seat *seat)
{
	struct imap_ask *ask = &seat->asked.ask.head;
	struct imap_link *link = &seat->link;

	if (ask->kind != IMAP_ASK_STATUS)
		seat_watch(seat);
	if (ask->kind == IMAP_ASK_OPEN || ask->kind == IMAP_ASK_SYNC)
		seat->told = false;
	if (ask->kind == IMAP_ASK_SYNC)
		set_base(seat, seat->asked.view);
	imap_op_start_found(link, ask, seat->group, seat->asked.mailbox);
}

/* ---- FLOOR ---- */

static void floor_reached(struct read_index *read)
{
	struct channel_seat *seat = read->owner;

	if (read->err)
		seat_refuse(seat, ERR_UNAVAILABLE);
	else
		seat_run(seat);
}

/*
 * What the session has seen was acknowledged, so a read index is not below
 * it.
 */
static void seat_floor(struct channel_seat *seat)
{
	struct replica *replica =
		node_replica(seat->link.loop->node, seat->group);

	if (!replica) {
		seat_refuse(seat, ERR_UNAVAILABLE);
		return;
	}
	if (replica_applied(replica) >= seat->asked.floor) {
		seat_run(seat);
		return;
	}
	seat->read = (struct read_index){
		.home = seat->link.loop->executor,
		.owner = seat,
	};
	replica_read_index(replica, &seat->read, floor_reached);
}

/* ---- LOOK ---- */

static void load_user(struct channel_seat *seat, struct store_txn *txn)
{
	struct imap_user *user = &seat->link.user;
	struct directory_user row;

	if (user->name.len > 0 ||
	    !directory_user_find(txn, buf_slice(&seat->name), &row))
		return;
	buf_add_slice(&user->name, buf_slice(&seat->name));
	user->id = row.id;
	user->group = row.group;
	user->identity = (struct identity){ .user = buf_slice(&user->name) };
}

static enum err look(struct channel_seat *seat, struct store_txn *txn)
{
	struct directory_mailbox mailbox;

	load_user(seat, txn);
	if (seat->link.user.name.len == 0)
		return ERR_DENIED;
	if (!directory_mailbox_find_id(txn, seat->asked.mailbox, &mailbox))
		return seat->asked.ask.head.kind == IMAP_ASK_OPEN ||
				       seat->asked.ask.head.kind ==
					       IMAP_ASK_STATUS
			       ? ERR_NOTFOUND
			       : ERR_GONE;
	if (mailbox.group != seat->group)
		return ERR_MOVED;
	return directory_rights(&mailbox, &seat->link.user.identity) &
			       RIGHT_READ
		       ? ERR_NONE
		       : ERR_DENIED;
}

static void seat_look(struct channel_seat *seat);

static void directory_is_fresh(struct read_index *read)
{
	struct channel_seat *seat = read->owner;

	seat->fresh = true;
	if (read->err)
		seat_refuse(seat, ERR_UNAVAILABLE);
	else
		seat_look(seat);
}

static void make_fresh(struct channel_seat *seat)
{
	seat->read = (struct read_index){
		.home = seat->link.loop->executor,
		.owner = seat,
	};
	replica_read_index(node_directory(seat->link.loop->node), &seat->read,
			   directory_is_fresh);
}

static void seat_look(struct channel_seat *seat)
{
	struct replica *directory = node_directory(seat->link.loop->node);
	struct store_env *env = directory ? replica_env(directory) : NULL;
	struct store_txn *txn;
	enum err err;

	if (!env || store_read_begin(env, &txn)) {
		seat_refuse(seat, ERR_UNAVAILABLE);
		return;
	}
	err = look(seat, txn);
	if (store_txn_error(txn))
		err = ERR_UNAVAILABLE;
	store_end(&txn);
	if (!err)
		seat_floor(seat);
	else if (err == ERR_UNAVAILABLE || seat->fresh)
		seat_refuse(seat, err);
	else
		make_fresh(seat);
}

/* ---- frames ---- */

static void seat_asked(struct channel_seat *seat, struct buf *body)
{
	enum err err;

	buf_fini(&seat->body);
	seat->body = *body;
	*body = (struct buf){ 0 };
	err = channel_ask_decode(buf_slice(&seat->body), &seat->arena,
				 seat->base, &seat->asked);
	if (err) {
		LOG_WARN("group %u: a channel asks what nobody may ask",
			 (unsigned)seat->group);
		seat_close(seat);
		return;
	}
	seat->asking = true;
	seat->fresh = false;
	seat_look(seat);
}

static void wire_frame(void *owner, enum channel_type type, struct buf *body)
{
	struct channel_seat *seat = owner;

	switch (type) {
	case CHANNEL_ASK:
		seat_asked(seat, body);
		return;
	case CHANNEL_LEAVE:
		server_loop_unwatch(seat->link.loop, &seat->link.watcher);
		channel_wire_next(seat->wire);
		return;
	case CHANNEL_ANSWER:
	case CHANNEL_CHANGED:
		seat_close(seat);
		return;
	}
}

static const struct channel_wire_ops wire_ops = {
	.frame = wire_frame,
	.ended = wire_ended,
};

/* ---- what the appliers say ---- */

static struct channel_seat *seat_of(struct watcher *watcher)
{
	return container_of(container_of(watcher, struct imap_link, watcher),
			    struct channel_seat, link);
}

/* Once until the next SYNC, which brings all that has changed by then. */
static void mailbox_changed(struct watcher *watcher)
{
	struct channel_seat *seat = seat_of(watcher);
	struct buf out = { 0 };

	if (seat->told || !seat->wire)
		return;
	seat->told = true;
	add_changed(&out);
	channel_wire_send(seat->wire, &out);
}

/* The client's node watches its own directory; here each ask is looked at. */
static void rights_changed(struct watcher *watcher unused_arg)
{
}

/* ---- accepting ---- */

static void link_shutdown(struct server_link *head)
{
	seat_close(container_of(container_of(head, struct imap_link, head),
				struct channel_seat, link));
}

static bool link_is_busy(struct server_link *head)
{
	return container_of(container_of(head, struct imap_link, head),
			    struct channel_seat, link)
		->asking;
}

static void seat_enter(struct task *task)
{
	struct channel_seat *seat =
		container_of(task, struct channel_seat, task);
	struct server_loop *loop = seat->link.loop;

	server_link_enter(&seat->link.head, loop);
	if (loop->stop)
		seat_close(seat);
}

static struct channel_seat *seat_new(struct node *node,
				     const struct channel_hello *hello)
{
	unsigned turn = atomic_fetch_add(&node->seats, 1);
	struct channel_seat *seat = mem_zalloc(1, sizeof(*seat));

	seat->link.loop = node->loops[turn % node->loop_count];
	seat->link.answered = op_answered;
	seat->link.mailbox_group = hello->group;
	seat->link.watcher.changed = mailbox_changed;
	seat->link.watcher.rights = rights_changed;
	list_init(&seat->link.watcher.link);
	list_init(&seat->link.channels);
	seat->link.head.shutdown = link_shutdown;
	seat->link.head.is_busy = link_is_busy;
	seat->group = hello->group;
	buf_add_slice(&seat->name, hello->user);
	return seat;
}

/* Only frontends bring users; a node may always talk to itself. */
static bool may_bring_users(const struct node *node, uint32_t peer)
{
	struct replica *directory = node_replica(node, 0);
	struct store_env *env = directory ? replica_env(directory) : NULL;
	struct directory_member member;
	struct store_txn *txn;
	bool may;

	if (peer == node->identity.node)
		return true;
	if (!env || store_read_begin(env, &txn))
		return false;
	may = directory_member_find(txn, peer, &member) &&
	      member.state != DIRECTORY_MEMBER_REMOVED &&
	      (member.roles &
	       (DIRECTORY_ROLE_FRONTEND | DIRECTORY_ROLE_BACKEND)) &&
	      !store_txn_error(txn);
	store_end(&txn);
	return may;
}

/* On the bulk loop. */
static void accept_channel(void *arg, struct peer_stream *stream,
			   struct slice head)
{
	struct node *node = arg;
	struct channel_hello hello;
	struct channel_seat *seat;
	enum err err = channel_hello_decode(head, &hello);

	if (!err && !may_bring_users(node, peer_stream_node(stream)))
		err = ERR_DENIED;
	if (!err && (atomic_load(&node->channels_closed) ||
		     !node_replica(node, hello.group)))
		err = ERR_UNAVAILABLE;
	if (err) {
		peer_stream_close(stream, err, err_text(err));
		return;
	}
	seat = seat_new(node, &hello);
	seat->wire = channel_wire_adopt(node, stream, seat->link.loop->executor,
					&wire_ops, seat);
	task_post(seat->link.loop->executor, &seat->task, seat_enter);
}

void channel_seats_begin(struct node *node)
{
	node->bulk->accept(node->bulk, PEER_STREAM_CHANNEL, accept_channel,
			   node);
}
