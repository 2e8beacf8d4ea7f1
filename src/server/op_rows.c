/*
 * Rows of messages for FETCH, in slices.
 *
 * A few on the loop, many on a worker; either way one short transaction that
 * copies what it gives.
 */
#include "server/imap_op.h"
#include "server/mailbox_view.h"
#include "server/node.h"

#define ROWS_ON_LOOP 64 /* messages (architecture.md 3) */

/* Rows looked at for one answer: a transaction pins what is freed meanwhile. */
#define ROWS_SCAN_MAX 16384

struct rows_op {
	struct imap_op op;
	struct replica *replica;
	size_t octets;  /* of structures so far */
	size_t scanned; /* rows, wanted or not */
	enum err err;
};

static struct imap_ask_rows *rows_ask(struct imap_op *op)
{
	return container_of(op->ask, struct imap_ask_rows, ask);
}

static bool is_full(const struct rows_op *op, const struct imap_ask_rows *ask)
{
	return ask->count == IMAP_ROWS_CHUNK || op->scanned == ROWS_SCAN_MAX ||
	       op->octets >= IMAP_ROWS_OCTETS_MAX;
}

/* Rows of one range; false: the answer is full. */
static bool fill_range(struct rows_op *op, struct store_txn *txn,
		       uint32_t first, uint32_t last)
{
	struct imap_ask_rows *ask = rows_ask(&op->op);
	unsigned parts =
		MAILGROUP_STATE | (ask->want ? (unsigned)MAILGROUP_FIXED : 0u);
	struct mailgroup_walk walk;
	struct mailgroup_row row;

	mailgroup_walk_begin(&walk, txn, ask->mailbox_id, op->op.link->user.id,
			     first, last, parts);
	while (!is_full(op, ask) && mailgroup_walk_next(&walk, &row)) {
		op->scanned++;
		ask->next = row.uid + 1;
		if (row.modseq <= ask->changed_since)
			continue;
		if (!(ask->want & IMAP_ROWS_STRUCTURE))
			row.structure = SLICE_NONE;
		op->octets += row.structure.len;
		mailbox_row_copy(&row, ask->ask.arena,
				 &ask->rows[ask->count++]);
	}
	mailgroup_walk_end(&walk);
	return !is_full(op, ask);
}

/* The first UID of the set at or above `from`; 0: none. */
static uint32_t next_uid(const struct uidset *uids, uint32_t from)
{
	for (size_t i = 0; i < uids->count; i++)
		if (uids->ranges[i].last >= from)
			return uids->ranges[i].first > from
				       ? uids->ranges[i].first
				       : from;
	return 0;
}

static void fill(struct rows_op *op, struct store_txn *txn)
{
	struct imap_ask_rows *ask = rows_ask(&op->op);
	const struct uidset *uids = ask->uids;

	ask->rows = arena_zalloc(ask->ask.arena, IMAP_ROWS_CHUNK,
				 sizeof(*ask->rows));
	for (size_t i = 0; i < uids->count; i++) {
		uint32_t first = uids->ranges[i].first;
		uint32_t last = uids->ranges[i].last;

		if (last < ask->from)
			continue;
		if (!fill_range(op, txn, first > ask->from ? first : ask->from,
				last)) {
			ask->next = next_uid(uids, ask->next);
			return;
		}
	}
	ask->next = 0;
}

static void rows_work(struct imap_op *base)
{
	struct rows_op *op = (struct rows_op *)base;
	struct store_env *env = op->replica ? replica_env(op->replica) : NULL;
	struct store_txn *txn;

	op->err = env ? store_read_begin(env, &txn) : ERR_UNAVAILABLE;
	if (op->err)
		return;
	fill(op, txn);
	op->err = store_txn_error(txn);
	store_end(&txn);
}

static void rows_done(struct imap_op *base)
{
	struct rows_op *op = (struct rows_op *)base;

	imap_op_end(base, op->err ? ERR_UNAVAILABLE : ERR_NONE);
}

void op_rows_begin(struct imap_link *link, struct imap_ask *ask)
{
	struct rows_op *op = imap_op_new(link, ask, sizeof(*op));

	op->replica = node_replica(link->loop->node, link->mailbox_group);
	if (uidset_size(rows_ask(&op->op)->uids) > ROWS_ON_LOOP) {
		imap_op_on_pool(&op->op, rows_work, rows_done);
		return;
	}
	rows_work(&op->op);
	rows_done(&op->op);
}
