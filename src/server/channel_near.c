/*
 * The near end of channels.
 *
 * ask -> a channel of the group, or a new one to the next replica -> ASK
 *     -> ANSWER: the op goes on
 *     -> the channel ends, or says that it cannot: the next replica
 *
 * The view that the far end holds is remembered, so that a SYNC need not bring
 * it; a new far end is sent the session's view with the first SYNC and says
 * what differs from it. That is all there is to changing the replica.
 */
#include "server/channel_near.h"

#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"
#include "server/channel_route.h"
#include "server/channel_wire.h"
#include "server/node.h"

struct channel_near {
	struct list link; /* in the imap_link's channels */
	struct imap_link *owner;
	struct channel_wire *wire;
	uint32_t group;
	uint64_t watched; /* mailbox that the far end watches; 0: none */
	struct imap_view *base;
	struct far *asking;
	bool dead; /* nothing is asked over it any more */
};

/* An ask on its way. */
struct far {
	struct imap_op *op;
	imap_op_step *next;
	uint32_t group;
	uint64_t mailbox;
	uint32_t nodes[CHANNEL_NODES_MAX];
	unsigned count;
	unsigned tried;
};

static void far_try(struct far *far);

bool channel_is_far(const struct imap_link *link, uint32_t group)
{
	const struct node *node = link->loop->node;

	if (link->answered)
		return false; /* a seat: somebody has asked us */
	if (node->loops_back && node->bulk)
		return true;
	return !node_replica(node, group);
}

/* ---- views ---- */

static void set_base(struct channel_near *near, struct imap_view *view)
{
	struct imap_view *old = near->base;

	near->base = view ? imap_view_ref(view) : NULL;
	if (old)
		imap_view_unref(&old);
}

/* Sessions of a loop that stand at the same point share a view (loop.h). */
static void share(struct server_loop *loop, struct imap_view **viewp)
{
	struct imap_view *latest = server_loop_view(loop, (*viewp)->mailbox_id);

	if (latest && latest->modseq == (*viewp)->modseq &&
	    latest->uidnext == (*viewp)->uidnext) {
		imap_view_unref(viewp);
		*viewp = imap_view_ref(latest);
	} else {
		server_loop_offer_view(loop, *viewp);
	}
}

static void take_view(struct channel_near *near, struct imap_ask *ask)
{
	struct imap_view **viewp = NULL;

	if (ask->kind == IMAP_ASK_OPEN)
		viewp = &container_of(ask, struct imap_ask_open, ask)->view;
	if (ask->kind == IMAP_ASK_SYNC)
		viewp = &container_of(ask, struct imap_ask_sync, ask)->now;
	if (!viewp || !*viewp)
		return;
	share(near->owner->loop, viewp);
	set_base(near, *viewp);
}

/* ---- the end of an ask ---- */

static void far_end(struct far *far, enum err err)
{
	struct imap_op *op = far->op;

	op->next = far->next;
	op->ask->err = err;
	mem_free(far);
	op->next(op);
}

static void far_ended_late(struct task *task)
{
	struct imap_op *op = container_of(task, struct imap_op, task);

	op->next(op);
}

/* This replica could not: what is asked may be asked of another. */
static bool is_for_another(enum err err)
{
	return err == ERR_UNAVAILABLE || err == ERR_MOVED ||
	       err_outcome(err) == OUTCOME_UNKNOWN;
}

static void near_kill(struct channel_near *near)
{
	near->dead = true;
	channel_wire_close(near->wire);
}

static bool is_selected(const struct imap_link *link, uint64_t mailbox)
{
	return link->far && link->watcher.mailbox &&
	       link->watcher.mailbox->id == mailbox;
}

static void answer_came(struct channel_near *near, struct slice body)
{
	struct imap_link *link = near->owner;
	struct far *far = near->asking;
	struct channel_answer with;
	struct imap_ask *ask;

	if (!far) {
		near_kill(near);
		return;
	}
	ask = far->op->ask;
	if (channel_answer_decode(body, ask, &with)) {
		near_kill(near); /* the ask goes on when it has ended */
		return;
	}
	near->asking = NULL;
	if (is_for_another(ask->err)) {
		near_kill(near);
		far_try(far);
		return;
	}
	channel_wire_next(near->wire);
	take_view(near, ask);
	far->op->applied = with.applied;
	imap_link_saw(link, far->group, with.applied);
	if (with.changed && is_selected(link, far->mailbox))
		imap_link_is_behind(link);
	far_end(far, ask->err);
}

/* ---- the wire ---- */

static void wire_frame(void *owner, enum channel_type type, struct buf *body)
{
	struct channel_near *near = owner;

	switch (type) {
	case CHANNEL_ANSWER:
		answer_came(near, buf_slice(body));
		return;
	case CHANNEL_CHANGED:
		channel_wire_next(near->wire);
		if (near->watched && is_selected(near->owner, near->watched))
			imap_link_changed(near->owner);
		return;
	case CHANNEL_ASK:
	case CHANNEL_LEAVE:
		near_kill(near);
		return;
	}
}

/*
 * What was asked is asked of another; if nothing was, the session has to look
 * where it stands, and finds another replica by that.
 */
static void wire_ended(void *owner)
{
	struct channel_near *near = owner;
	struct imap_link *link = near->owner;
	struct far *far = near->asking;
	bool watched = near->watched && is_selected(link, near->watched);

	list_remove(&near->link);
	set_base(near, NULL);
	mem_free(near);
	if (far)
		far_try(far);
	else if (watched)
		imap_link_changed(link);
	else if (list_empty(&link->channels))
		imap_link_channels_ended(link);
}

static const struct channel_wire_ops wire_ops = {
	.frame = wire_frame,
	.ended = wire_ended,
};

/* ---- channels of a link ---- */

static struct channel_near *near_find(const struct imap_link *link,
				      uint32_t group)
{
	LIST_FOREACH (&link->channels, it) {
		struct channel_near *near =
			LIST_ENTRY(it, struct channel_near, link);

		if (near->group == group && !near->dead)
			return near;
	}
	return NULL;
}

/* The oldest of those that are not needed now. */
static void make_room(struct imap_link *link)
{
	struct channel_near *oldest = NULL;
	unsigned count = 0;

	LIST_FOREACH (&link->channels, it) {
		struct channel_near *near =
			LIST_ENTRY(it, struct channel_near, link);

		if (near->dead)
			continue;
		count++;
		if (!oldest && !near->watched)
			oldest = near;
	}
	if (count >= CHANNELS_MAX && oldest)
		near_kill(oldest);
}

static struct channel_near *near_open(struct imap_link *link, uint32_t group,
				      uint32_t node)
{
	struct channel_near *near = mem_zalloc(1, sizeof(*near));
	struct channel_hello hello = {
		.group = group,
		.user = buf_slice(&link->user.name),
	};

	make_room(link);
	near->owner = link;
	near->group = group;
	near->wire = channel_wire_open(link->loop->node, node, &hello,
				       link->loop->executor, &wire_ops, near);
	list_append(&link->channels, &near->link);
	return near;
}

void channels_leave(struct imap_link *link)
{
	LIST_FOREACH (&link->channels, it) {
		struct channel_near *near =
			LIST_ENTRY(it, struct channel_near, link);
		struct buf out = { 0 };

		if (!near->watched || near->dead)
			continue;
		near->watched = 0;
		channel_frame_end(&out,
				  channel_frame_begin(&out, CHANNEL_LEAVE));
		channel_wire_send(near->wire, &out);
	}
	link->far = false;
	link->floor = 0;
}

void channels_close(struct imap_link *link)
{
	link->far = false;
	LIST_FOREACH (&link->channels, it)
		near_kill(LIST_ENTRY(it, struct channel_near, link));
}

/* ---- asking ---- */

static void far_send(struct far *far, struct channel_near *near)
{
	struct imap_ask *ask = far->op->ask;
	struct channel_ask with = {
		.mailbox = far->mailbox,
		.floor = far->group == near->owner->mailbox_group
				 ? near->owner->floor
				 : 0,
		.base = near->base,
	};
	struct buf out = { 0 };

	near->asking = far;
	if (ask->kind != IMAP_ASK_STATUS)
		near->watched = far->mailbox;
	channel_ask_encode(ask, &with, &out);
	/* From now on both know it. */
	if (ask->kind == IMAP_ASK_SYNC)
		set_base(near,
			 container_of(ask, struct imap_ask_sync, ask)->view);
	channel_wire_send(near->wire, &out);
}

static void far_try(struct far *far)
{
	struct imap_link *link = far->op->link;
	struct channel_near *near = near_find(link, far->group);

	if (!near && far->tried < far->count)
		near = near_open(link, far->group, far->nodes[far->tried++]);
	if (near)
		far_send(far, near);
	else
		far_end(far, ERR_UNAVAILABLE);
}

void imap_op_far(struct imap_op *op, uint32_t group, uint64_t mailbox,
		 imap_op_step *next)
{
	struct node *node = op->link->loop->node;
	struct far *far = mem_zalloc(1, sizeof(*far));

	far->op = op;
	far->next = next;
	far->group = group;
	far->mailbox = mailbox;
	far->count = channel_route(node, group, far->nodes, CHANNEL_NODES_MAX);
	if (far->count > 0) {
		far_try(far);
		return;
	}
	mem_free(far);
	op->next = next;
	op->ask->err = ERR_UNAVAILABLE;
	task_post(op->link->loop->executor, &op->task, far_ended_late);
}

/* ---- asks about the selected mailbox ---- */

/*
 * UIDs of one ask for rows: no more than the other end looks at for one
 * answer, so that what is asked is bounded.
 */
#define FAR_ROWS_MAX 16384

struct selected_op {
	struct imap_op op;
	const struct uidset *uids; /* the session's, of ROWS */
	struct uidset part;        /* what is asked of them */
};

static void selected_fini(struct imap_op *base)
{
	uidset_fini(&((struct selected_op *)base)->part);
}

static void selected_answered(struct imap_op *op)
{
	imap_op_end(op, op->ask->err);
}

/* The first of `uids` at or above `from`; 0: none. */
static uint32_t first_from(const struct uidset *uids, uint32_t from)
{
	for (size_t i = 0; i < uids->count; i++)
		if (uids->ranges[i].last >= from)
			return uids->ranges[i].first > from
				       ? uids->ranges[i].first
				       : from;
	return 0;
}

static void rows_answered(struct imap_op *base)
{
	struct selected_op *op = (struct selected_op *)base;
	struct imap_ask_rows *rows =
		container_of(base->ask, struct imap_ask_rows, ask);
	size_t count = op->part.count;
	uint32_t last = count ? op->part.ranges[count - 1].last : 0;

	rows->uids = op->uids;
	if (rows->next == 0 && last > 0 && last < UINT32_MAX)
		rows->next = first_from(op->uids, last + 1);
	imap_op_end(base, base->ask->err);
}

static void rows_begin(struct selected_op *op, uint64_t mailbox)
{
	struct imap_ask_rows *rows =
		container_of(op->op.ask, struct imap_ask_rows, ask);

	op->uids = rows->uids;
	uidset_copy(&op->part, rows->uids);
	if (rows->from > 1)
		uidset_remove(&op->part, 1, rows->from - 1);
	if (uidset_size(&op->part) > FAR_ROWS_MAX)
		uidset_remove(&op->part, uidset_nth(&op->part, FAR_ROWS_MAX),
			      UINT32_MAX);
	rows->uids = &op->part;
	imap_op_far(&op->op, op->op.link->mailbox_group, mailbox,
		    rows_answered);
}

void op_far_begin(struct imap_link *link, struct imap_ask *ask)
{
	struct selected_op *op = imap_op_new(link, ask, sizeof(*op));
	uint64_t mailbox = link->watcher.mailbox->id;

	op->op.fini = selected_fini;
	if (ask->kind == IMAP_ASK_ROWS)
		rows_begin(op, mailbox);
	else
		imap_op_far(&op->op, link->mailbox_group, mailbox,
			    selected_answered);
}
