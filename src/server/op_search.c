/*
 * SEARCH over candidates, in slices on workers.
 *
 * Each slice is one task with a transaction of its own of at most SLICE_ROWS
 * rows or SLICE_MS; between two slices other work has its turn. A body that is
 * not here ends a slice, is fetched, and its row is judged again.
 */
#include "base/mem.h"
#include "imap/search.h"
#include "io/clock.h"
#include "server/imap_op.h"
#include "server/mailbox_view.h"
#include "server/node.h"
#include "server/op_read.h"

#define SLICE_ROWS 2048
#define SLICE_MS 50 /* a transaction pins what is freed meanwhile */

struct search_op {
	struct imap_op op;
	struct replica *replica;
	struct imap_search_run *run;
	struct imap_search_reader reader;
	struct arena arena;   /* of one row */
	struct buf structure; /* made from a body */
	uint32_t from;        /* UID to go on from; 0: the end */
	enum err err;
	struct courier_fetch fetch;
	bool missing; /* fetch.hash has to be fetched */
	bool tried;   /* it was */
	bool alone;   /* others cannot be asked now: no more fetches */
};

static struct imap_ask_search *search_ask(struct imap_op *op)
{
	return container_of(op->ask, struct imap_ask_search, ask);
}

static enum err read_body(struct imap_search_reader *reader,
			  const struct imap_row *row, uint64_t offset,
			  size_t len, struct buf *out)
{
	struct search_op *op = container_of(reader, struct search_op, reader);
	uint8_t *to = buf_reserve(out, len);
	size_t got;
	enum err err;

	err = body_read(op->op.link->loop->node->bodies, &row->body, offset, to,
			len, &got);
	if (!err && got != len)
		err = ERR_CORRUPT;
	if (!err)
		out->len += len;
	return err;
}

static enum err make_structure(struct imap_search_reader *reader,
			       const struct imap_row *row,
			       struct slice *structure_r)
{
	struct search_op *op = container_of(reader, struct search_op, reader);
	enum err err;

	buf_clear(&op->structure);
	err = structure_of_body(op->op.link->loop->node->bodies, &row->body,
				&op->structure);
	*structure_r = buf_slice(&op->structure);
	return err;
}

static void add_match(struct imap_ask_search *ask, const struct imap_row *row)
{
	if (!ask->matches.count)
		ask->first_modseq = row->modseq;
	ask->last_modseq = row->modseq;
	if (row->modseq > ask->max_modseq)
		ask->max_modseq = row->modseq;
	uidset_add(&ask->matches, row->uid, row->uid);
}

/* The body of a row is wanted from elsewhere, if that was not tried yet. */
static bool is_worth_fetching(const struct search_op *op,
			      const struct imap_row *row, enum err err)
{
	return courier_can_fetch(err) && !op->alone &&
	       !(op->tried && sha256_eq(&op->fetch.hash, &row->body));
}

/* One row; a body that cannot be read does not match and is no failure. */
static void judge(struct search_op *op, const struct mailgroup_row *from)
{
	struct imap_row row;
	bool match = false;
	enum err err;

	mailbox_row_copy(from, &op->arena, &row);
	err = imap_search_match(op->run, &row, &match);
	if (err == ERR_IO)
		op->err = err;
	op->missing = is_worth_fetching(op, &row, err);
	if (op->missing)
		op->fetch.hash = row.body;
	if (!err && match)
		add_match(search_ask(&op->op), &row);
	arena_clear(&op->arena);
}

/* Rows first..last, until the slice is used up: false. */
static bool search_range(struct search_op *op, struct store_txn *txn,
			 uint32_t first, uint32_t last, unsigned *left,
			 uint64_t end_ms)
{
	struct imap_ask_search *ask = search_ask(&op->op);
	unsigned parts = MAILGROUP_STATE | (imap_search_wants(ask->program)
						    ? (unsigned)MAILGROUP_FIXED
						    : 0u);
	struct mailgroup_walk walk;
	struct mailgroup_row row;
	bool more = true;

	mailgroup_walk_begin(&walk, txn, ask->view->mailbox_id,
			     op->op.link->user.id, first, last, parts);
	while (more && mailgroup_walk_next(&walk, &row)) {
		judge(op, &row);
		op->from = op->missing ? row.uid : row.uid + 1;
		more = --*left > 0 && !op->err && !op->missing &&
		       ((*left & 15) || clock_mono_ms(io_clock()) < end_ms);
	}
	mailgroup_walk_end(&walk);
	return more;
}

static void search_slice_rows(struct search_op *op, struct store_txn *txn)
{
	const struct uidset *uids = search_ask(&op->op)->uids;
	uint64_t end_ms = clock_mono_ms(io_clock()) + SLICE_MS;
	unsigned left = SLICE_ROWS;

	for (size_t i = 0; i < uids->count; i++) {
		const struct uid_range *range = &uids->ranges[i];

		if (range->last < op->from)
			continue;
		if (!search_range(op, txn,
				  range->first > op->from ? range->first
							  : op->from,
				  range->last, &left, end_ms))
			return;
	}
	op->from = 0;
}

static void search_slice(struct imap_op *base)
{
	struct search_op *op = (struct search_op *)base;
	struct store_env *env = op->replica ? replica_env(op->replica) : NULL;
	struct store_txn *txn;

	op->err = env ? store_read_begin(env, &txn) : ERR_UNAVAILABLE;
	if (op->err)
		return;
	search_slice_rows(op, txn);
	if (!op->err)
		op->err = store_txn_error(txn);
	store_end(&txn);
}

static void search_next(struct imap_op *base);

static void search_fetched(struct courier_fetch *fetch)
{
	struct search_op *op = fetch->owner;

	op->missing = false;
	op->tried = true;
	op->alone = fetch->err && !courier_can_fetch(fetch->err);
	imap_op_on_pool(&op->op, search_slice, search_next);
}

static void search_fetch(struct search_op *op)
{
	struct imap_link *link = op->op.link;

	op->fetch.home = link->loop->executor;
	op->fetch.owner = op;
	op->fetch.group = link->mailbox_group;
	courier_fetch(link->loop->node->courier, &op->fetch, search_fetched);
}

static void search_next(struct imap_op *base)
{
	struct search_op *op = (struct search_op *)base;

	/* Nobody waits for it any more: a stop would. */
	if (op->err || imap_link_is_deserted(base->link))
		imap_op_end(base, ERR_UNAVAILABLE);
	else if (op->missing)
		search_fetch(op);
	else if (op->from == 0)
		imap_op_end(base, ERR_NONE);
	else
		imap_op_on_pool(base, search_slice, search_next);
}

static void search_fini(struct imap_op *base)
{
	struct search_op *op = (struct search_op *)base;

	imap_search_run_free(&op->run);
	arena_fini(&op->arena);
	buf_fini(&op->structure);
}

static void search_start(struct imap_op *base)
{
	imap_op_on_pool(base, search_slice, search_next);
}

void op_search_begin(struct imap_link *link, struct imap_ask *ask)
{
	struct search_op *op = imap_op_new(link, ask, sizeof(*op));

	op->op.fini = search_fini;
	op->from = 1;
	op->replica = node_replica(link->loop->node, link->mailbox_group);
	op->reader.read = read_body;
	op->reader.structure = make_structure;
	op->run =
		imap_search_run_new(search_ask(&op->op)->program, &op->reader);
	imap_op_read_index(&op->op, op->replica, search_start);
}
