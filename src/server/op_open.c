/*
 * SELECT and EXAMINE (architecture.md 7).
 *
 * DIRECTORY (read index) -> FIND -> GROUP (read index) -> PICTURE -> done
 *                              '-> no copy of the group here: OPEN elsewhere
 *
 * The mailbox is watched before its picture is taken, and before the rights are
 * looked at once more, so that no change falls between.
 */
#include "server/channel_near.h"
#include "server/imap_op.h"
#include "server/mailbox_view.h"
#include "server/node.h"

struct open_op {
	struct imap_op op;
	struct imap_found found;
};

static struct imap_ask_open *open_ask(struct imap_op *op)
{
	return container_of(op->ask, struct imap_ask_open, ask);
}

/* The list may have changed since FIND, when nobody watched it. */
static enum err rights_now(struct imap_link *link, uint32_t *rights_r)
{
	if (!imap_link_rights(link, rights_r))
		return ERR_UNAVAILABLE;
	if (link->mailbox_gone)
		return ERR_NOTFOUND;
	return *rights_r & IMAP_RIGHT_READ ? ERR_NONE : ERR_DENIED;
}

static void open_picture(struct imap_op *base)
{
	struct open_op *op = (struct open_op *)base;
	struct imap_ask_open *ask = open_ask(base);
	struct imap_link *link = base->link;
	struct replica *replica =
		node_replica(link->loop->node, op->found.group);
	struct mailgroup_status status;
	struct store_txn *txn;

	if (!imap_op_read(base, replica, &txn))
		return;
	mailgroup_status_get(txn, op->found.id, link->user.id, &status);
	ask->view = mailbox_view_get(link->loop, txn, op->found.id, &status);
	ask->first_unseen =
		mailgroup_first_unseen(txn, op->found.id, link->user.id);
	mailbox_keywords_copy(txn, op->found.id, ask->ask.arena, &ask->keywords,
			      &ask->keyword_count);
	if (store_txn_error(txn) || status.sealed) {
		imap_view_unref(&ask->view);
		imap_link_unwatch(link);
		if (imap_op_read_end(base, &txn))
			imap_op_end(base, ERR_NOTFOUND);
		return;
	}
	store_end(&txn);
	link->mailbox_group = op->found.group;
	ask->mailbox_id = op->found.id;
	ask->mailbox_id_text =
		imap_mailbox_id_text(ask->ask.arena, op->found.id);
	ask->uidvalidity = op->found.uidvalidity;
	imap_op_end(base, ERR_NONE);
}

static void open_group(struct imap_op *base)
{
	struct open_op *op = (struct open_op *)base;
	struct imap_link *link = base->link;
	enum err err;

	server_loop_watch(link->loop, &link->watcher, op->found.id);
	err = rights_now(link, &open_ask(base)->rights);
	if (!err) {
		open_picture(base);
		return;
	}
	imap_link_unwatch(link);
	imap_op_end(base, err);
}

/* ---- over a channel ---- */

static void open_answered(struct imap_op *base)
{
	struct open_op *op = (struct open_op *)base;
	struct imap_ask_open *ask = open_ask(base);
	struct imap_link *link = base->link;
	enum err err = ask->ask.err;

	if (!err)
		err = rights_now(link, &ask->rights);
	if (err) {
		if (ask->view)
			imap_view_unref(&ask->view);
		imap_link_unwatch(link);
		imap_op_end(base, err);
		return;
	}
	link->mailbox_group = op->found.group;
	link->far = true;
	imap_link_saw(link, op->found.group, base->applied);
	ask->mailbox_id_text =
		imap_mailbox_id_text(ask->ask.arena, op->found.id);
	ask->uidvalidity = op->found.uidvalidity;
	imap_op_end(base, ERR_NONE);
}

static void open_far(struct open_op *op)
{
	struct imap_link *link = op->op.link;

	open_ask(&op->op)->mailbox_id = op->found.id;
	server_loop_watch(link->loop, &link->watcher, op->found.id);
	imap_op_far(&op->op, op->found.group, op->found.id, open_answered);
}

/* ---- the mailbox ---- */

static void open_find(struct imap_op *base)
{
	struct open_op *op = (struct open_op *)base;
	struct node *node = base->link->loop->node;
	struct store_txn *txn;
	enum err err;

	if (!imap_op_read(base, node_directory(node), &txn))
		return;
	err = imap_find(base->link, txn, open_ask(base)->name, base->ask->arena,
			&op->found);
	if (!imap_op_read_end(base, &txn))
		return;
	if (!err && !(op->found.rights & RIGHT_READ))
		err = ERR_DENIED;
	if (err)
		imap_op_end(base, err);
	else if (channel_is_far(base->link, op->found.group))
		open_far(op);
	else
		imap_op_read_index(base, node_replica(node, op->found.group),
				   open_group);
}

void op_open_begin(struct imap_link *link, struct imap_ask *ask)
{
	struct open_op *op = imap_op_new(link, ask, sizeof(*op));

	imap_op_read_index(&op->op, node_directory(link->loop->node),
			   open_find);
}

void op_open_found_begin(struct imap_link *link, struct imap_ask *ask,
			 uint32_t group, uint64_t mailbox)
{
	struct open_op *op = imap_op_new(link, ask, sizeof(*op));

	op->found.group = group;
	op->found.id = mailbox;
	imap_op_read_index(&op->op, node_replica(link->loop->node, group),
			   open_group);
}
