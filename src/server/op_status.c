/*
 * STATUS of a mailbox that need not be selected.
 *
 * DIRECTORY (read index) -> FIND -> GROUP (read index) -> COUNT -> done
 *                              '-> no copy of the group here: elsewhere
 */
#include "server/channel_near.h"
#include "server/imap_op.h"
#include "server/node.h"

struct status_op {
	struct imap_op op;
	struct imap_found found;
};

static void status_answered(struct imap_op *base)
{
	struct status_op *op = (struct status_op *)base;
	struct imap_ask_status *ask =
		container_of(base->ask, struct imap_ask_status, ask);

	ask->uidvalidity = op->found.uidvalidity;
	ask->mailbox_id = imap_mailbox_id_text(ask->ask.arena, op->found.id);
	imap_op_end(base, ask->ask.err);
}

static void status_count(struct imap_op *base)
{
	struct status_op *op = (struct status_op *)base;
	struct imap_ask_status *ask =
		container_of(base->ask, struct imap_ask_status, ask);
	struct replica *replica =
		node_replica(base->link->loop->node, op->found.group);
	struct mailgroup_status status;
	struct store_txn *txn;

	if (!imap_op_read(base, replica, &txn))
		return;
	mailgroup_status_get(txn, op->found.id, base->link->user.id, &status);
	if (!imap_op_read_end(base, &txn))
		return;
	ask->messages = status.exists;
	ask->unseen = status.unseen;
	ask->deleted = status.deleted;
	ask->size = status.size;
	ask->highestmodseq = status.highestmodseq;
	ask->uidnext = status.uidnext;
	base->ask->err = status.sealed ? ERR_NOTFOUND : ERR_NONE;
	status_answered(base);
}

static void status_find(struct imap_op *base)
{
	struct status_op *op = (struct status_op *)base;
	struct node *node = base->link->loop->node;
	const struct imap_ask_status *ask =
		container_of(base->ask, struct imap_ask_status, ask);
	struct store_txn *txn;
	enum err err;

	if (!imap_op_read(base, node_directory(node), &txn))
		return;
	err = imap_find(base->link, txn, ask->name, ask->ask.arena, &op->found);
	if (!imap_op_read_end(base, &txn))
		return;
	/* RFC 4314 section 4: STATUS needs "r". */
	if (!err && !(op->found.rights & RIGHT_READ))
		err = ERR_DENIED;
	if (err)
		imap_op_end(base, err);
	else if (channel_is_far(base->link, op->found.group))
		imap_op_far(base, op->found.group, op->found.id,
			    status_answered);
	else
		imap_op_read_index(base, node_replica(node, op->found.group),
				   status_count);
}

void op_status_begin(struct imap_link *link, struct imap_ask *ask)
{
	struct status_op *op = imap_op_new(link, ask, sizeof(*op));

	imap_op_read_index(&op->op, node_directory(link->loop->node),
			   status_find);
}

void op_status_found_begin(struct imap_link *link, struct imap_ask *ask,
			   uint32_t group, uint64_t mailbox)
{
	struct status_op *op = imap_op_new(link, ask, sizeof(*op));

	op->found.group = group;
	op->found.id = mailbox;
	imap_op_read_index(&op->op, node_replica(link->loop->node, group),
			   status_count);
}
