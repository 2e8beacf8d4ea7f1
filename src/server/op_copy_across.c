/*
 * COPY to a mailbox of another group: the bodies are here already, so it is
 * an APPEND there of what the rows say.
 *
 * RESERVE a slot -> ROWS -> OFFER (offer.h): holds on the bodies at the target
 * group, then the command -> done
 *
 * More messages than one command takes are ERR_LIMIT: COPY is all or nothing.
 */
#include "base/mem.h"
#include "base/panic.h"
#include "cluster/mailgroup_claim.h"
#include "server/node.h"
#include "server/offer.h"
#include "server/op_copy.h"

struct copy_across {
	struct copy_op *op;
	struct proposal proposal;
	bool reserved;
	struct mailgroup_message *messages; /* in the ask's arena */
	size_t count;
	struct uidset source; /* their UIDs */
	struct offer offer;
	enum err err; /* of the worker */
};

void copy_across_free(struct copy_across **acrossp)
{
	struct copy_across *across = *acrossp;

	*acrossp = NULL;
	if (across->reserved)
		replica_release(across->op->replica, &across->proposal);
	proposal_fini(&across->proposal);
	uidset_fini(&across->source);
	mem_free(across);
}

static void across_answered(struct offer *offer)
{
	struct copy_across *across = offer->owner;
	struct mailgroup_append_result result;
	enum err err = offer->err;

	if (!err)
		err = command_payload_err(mailgroup_append_result(
			buf_slice(&offer->proposal->result), &result));
	if (!err)
		copy_add_pairs(across->op, &across->source, result.first_uid);
	imap_op_end(&across->op->op, err == ERR_GONE ? ERR_NOTFOUND : err);
}

static void hash_at(const struct offer *offer, size_t n, struct sha256 *hash_r)
{
	const struct copy_across *across = offer->owner;

	*hash_r = across->messages[n].hash;
}

static enum err encode(struct offer *offer, struct buf *out)
{
	struct copy_across *across = offer->owner;
	struct copy_op *op = across->op;
	struct mailgroup_append command = {
		.target = copy_target(op),
		.user = op->op.link->user.id,
		.holders = { offer->holders.raft_ids, offer->holders.count },
		.messages = across->messages,
		.count = across->count,
	};
	enum err err = mailgroup_append_encode(&command, out);

	if (err != ERR_LIMIT)
		return err;
	/* They are made from the bodies when asked for. */
	for (size_t i = 0; i < across->count; i++)
		across->messages[i].structure = SLICE_NONE;
	return mailgroup_append_encode(&command, out);
}

static void across_offer(struct copy_across *across)
{
	struct copy_op *op = across->op;
	struct server_loop *loop = op->op.link->loop;

	across->offer = (struct offer){
		.courier = loop->node->courier,
		.clock = io_loop_clock(loop->io),
		.home = loop->executor,
		.owner = across,
		.replica = op->replica,
		.proposal = &across->proposal,
		.group = op->found.group,
		.source = op->op.link->mailbox_group,
		.count = across->count,
		.kind = MAILGROUP_APPEND,
		.version = MAILGROUP_COMMAND_VERSION,
		.hash_at = hash_at,
		.encode = encode,
	};
	across->reserved = false; /* the slot goes with the offer */
	offer_submit(&across->offer, across_answered);
}

/* ---- rows ---- */

/* With the flags and keywords that the user may set at the target. */
static void read_rows(struct copy_across *across, struct store_txn *txn)
{
	struct copy_op *op = across->op;
	struct imap_ask_copy *ask = copy_ask(op);
	struct mailgroup_left_out left_out = copy_left_out(op);

	across->messages = mailgroup_messages(
		txn, ask->mailbox_id, op->op.link->user.id, &op->rest,
		&left_out, ask->ask.arena, &across->source, &across->count);
}

static void rows_work(struct imap_op *base)
{
	struct copy_across *across = ((struct copy_op *)base)->across;
	struct replica *source =
		node_replica(base->link->loop->node, base->link->mailbox_group);
	struct store_env *env = source ? replica_env(source) : NULL;
	struct store_txn *txn;

	across->err = env ? store_read_begin(env, &txn) : ERR_UNAVAILABLE;
	if (across->err)
		return;
	read_rows(across, txn);
	across->err = store_txn_error(txn);
	store_end(&txn);
}

static void rows_done(struct imap_op *base)
{
	struct copy_across *across = ((struct copy_op *)base)->across;

	if (across->err)
		imap_op_end(base, ERR_UNAVAILABLE);
	else if (across->count == 0)
		imap_op_end(base, ERR_NONE);
	else
		across_offer(across);
}

static void reserved(struct proposal *proposal)
{
	struct copy_across *across = proposal->owner;

	across->reserved = !proposal->err;
	if (proposal->err)
		imap_op_end(&across->op->op, proposal->err);
	else
		imap_op_on_pool(&across->op->op, rows_work, rows_done);
}

void copy_across(struct copy_op *op)
{
	uint64_t size = uidset_size(&op->rest);
	struct copy_across *across;

	if (!op->replica || size > MAILGROUP_ROWS_MAX) {
		imap_op_end(&op->op, op->replica ? ERR_LIMIT : ERR_UNAVAILABLE);
		return;
	}
	across = mem_zalloc(1, sizeof(*across));
	op->across = across;
	across->op = op;
	proposal_init(&across->proposal, op->op.link->loop->executor, across);
	replica_reserve(op->replica, &across->proposal, reserved);
}
