/*
 * What happened in the selected mailbox since the session's view, and what
 * vanished since a MODSEQ (QRESYNC, CHANGEDSINCE with VANISHED).
 *
 * SYNC: (read index) -> PICTURE -> ROWS on a worker if there are many -> done
 */
#include "server/imap_op.h"
#include "server/mailbox_view.h"
#include "server/node.h"

/* Changed rows that are read on the loop: some 100 us of work. */
#define SYNC_ON_LOOP 128

struct sync_op {
	struct imap_op op;
	struct uidset changed; /* UIDs whose rows are wanted */
	enum err err;          /* of the worker */
};

static struct imap_ask_sync *sync_ask(struct imap_op *op)
{
	return container_of(op->ask, struct imap_ask_sync, ask);
}

static struct replica *selected(struct imap_op *op)
{
	return node_replica(op->link->loop->node, op->link->mailbox_group);
}

static void sync_fini(struct imap_op *base)
{
	uidset_fini(&((struct sync_op *)base)->changed);
}

/* The rows of op->changed. */
static void sync_fill(struct sync_op *op, struct store_txn *txn)
{
	struct imap_ask_sync *ask = sync_ask(&op->op);
	uint64_t count = uidset_size(&op->changed);
	struct mailgroup_row row;

	ask->changed = arena_zalloc(ask->ask.arena, (size_t)count + 1,
				    sizeof(*ask->changed));
	for (size_t i = 0; i < op->changed.count; i++) {
		const struct uid_range *range = &op->changed.ranges[i];
		struct mailgroup_walk walk;

		mailgroup_walk_begin(&walk, txn, ask->view->mailbox_id,
				     op->op.link->user.id, range->first,
				     range->last, MAILGROUP_STATE);
		while (mailgroup_walk_next(&walk, &row))
			mailbox_row_copy(&row, ask->ask.arena,
					 &ask->changed[ask->changed_count++]);
		mailgroup_walk_end(&walk);
	}
}

static void sync_rows(struct imap_op *base)
{
	struct sync_op *op = (struct sync_op *)base;
	struct store_env *env = replica_env(selected(base));
	struct store_txn *txn;

	op->err = env ? store_read_begin(env, &txn) : ERR_UNAVAILABLE;
	if (op->err)
		return;
	sync_fill(op, txn);
	op->err = store_txn_error(txn);
	store_end(&txn);
}

static void sync_done(struct imap_op *base)
{
	struct sync_op *op = (struct sync_op *)base;

	if (op->err)
		imap_view_unref(&sync_ask(base)->now);
	imap_op_end(base, op->err ? ERR_UNAVAILABLE : ERR_NONE);
}

/* UIDs in both views whose MODSEQ has grown. */
static void sync_changed(struct sync_op *op, struct store_txn *txn)
{
	const struct imap_ask_sync *ask = sync_ask(&op->op);

	mailgroup_changed(txn, ask->view->mailbox_id, ask->view->modseq,
			  &op->changed);
	uidset_intersect(&op->changed, &ask->view->uids);
	uidset_intersect(&op->changed, &ask->now->uids);
}

static void sync_picture(struct imap_op *base)
{
	struct sync_op *op = (struct sync_op *)base;
	struct imap_ask_sync *ask = sync_ask(base);
	uint64_t mailbox = ask->view->mailbox_id;
	struct imap_link *link = base->link;
	struct mailgroup_status status;
	struct store_txn *txn;

	if (!imap_op_read(base, selected(base), &txn))
		return;
	mailgroup_status_get(txn, mailbox, link->user.id, &status);
	if (!store_txn_error(txn) && !status.sealed) {
		ask->now = mailbox_view_get(link->loop, txn, mailbox, &status);
		if (ask->now->modseq != ask->view->modseq) {
			mailbox_keywords_copy(txn, mailbox, ask->ask.arena,
					      &ask->keywords,
					      &ask->keyword_count);
			sync_changed(op, txn);
		}
	}
	if (uidset_size(&op->changed) <= SYNC_ON_LOOP)
		sync_fill(op, txn);
	op->err = store_txn_error(txn);
	store_end(&txn);
	if (status.sealed)
		imap_op_end(base, ERR_GONE);
	else if (op->err || uidset_size(&op->changed) <= SYNC_ON_LOOP)
		sync_done(base);
	else
		imap_op_on_pool(base, sync_rows, sync_done);
}

void op_sync_begin(struct imap_link *link, struct imap_ask *ask)
{
	struct sync_op *op = imap_op_new(link, ask, sizeof(*op));

	op->op.fini = sync_fini;
	if (sync_ask(&op->op)->read_index)
		imap_op_read_index(&op->op, selected(&op->op), sync_picture);
	else
		sync_picture(&op->op);
}

/* ---- CHANGES ---- */

/*
 * The table may not reach back far enough: then every UID that was given and
 * does not exist counts as vanished (RFC 7162 section 3.2.7 allows more than
 * asked for).
 */
static void add_all_missing(struct store_txn *txn, uint64_t mailbox,
			    uint64_t user, struct uidset *vanished)
{
	struct mailgroup_status status;
	struct uidset exists = { 0 };

	mailgroup_status_get(txn, mailbox, user, &status);
	if (status.uidnext > 1)
		uidset_add(vanished, 1, status.uidnext - 1);
	mailgroup_uids(txn, mailbox, &exists);
	uidset_remove_set(vanished, &exists);
	uidset_fini(&exists);
}

void op_changes_begin(struct imap_link *link, struct imap_ask *ask)
{
	struct imap_op *op = imap_op_new(link, ask, sizeof(*op));
	struct imap_ask_changes *changes =
		container_of(ask, struct imap_ask_changes, ask);
	struct store_txn *txn;

	if (!imap_op_read(op, selected(op), &txn))
		return;
	if (!mailgroup_vanished(txn, changes->mailbox_id, changes->since,
				&changes->vanished))
		add_all_missing(txn, changes->mailbox_id, link->user.id,
				&changes->vanished);
	if (changes->within)
		uidset_intersect(&changes->vanished, changes->within);
	if (imap_op_read_end(op, &txn))
		imap_op_end(op, ERR_NONE);
}
