/*
 * COPY to a mailbox of another group: the bodies are here already, so it is
 * an APPEND there of what the rows say.
 *
 * RESERVE a slot -> ROWS -> OFFER (offer.h): holds on the bodies at the target
 * group, then APPEND -> done
 * more than one command takes:
 * RESERVE -> ROWS -> OFFER: APPEND_STAGE -> RESERVE ... -> REVEAL -> done
 *
 * COPY is all or nothing: a staged one that is refused on the way is dropped.
 */
#include "base/mem.h"
#include "base/panic.h"
#include "cluster/mailgroup_claim.h"
#include "server/node.h"
#include "server/offer.h"
#include "server/op_copy.h"

struct copy_across {
	struct copy_op *op;
	bool stages; /* in chunks that nobody sees yet */
	struct proposal proposal;
	bool reserved;
	struct arena arena; /* of this chunk's messages */
	struct mailgroup_message *messages;
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
		proposer_release(across->op->proposer, &across->proposal);
	proposal_fini(&across->proposal);
	uidset_fini(&across->source);
	arena_fini(&across->arena);
	mem_free(across);
}

static void chunk(struct copy_across *across);

static void fail(struct copy_across *across, enum err err)
{
	if (across->stages)
		copy_give_up(across->op, err);
	else
		imap_op_end(&across->op->op, err);
}

/* ---- the command ---- */

static void appended(struct copy_across *across, enum err err)
{
	struct mailgroup_append_result result;

	if (!err)
		err = command_payload_err(mailgroup_append_result(
			buf_slice(&across->proposal.result), &result));
	if (!err)
		copy_add_pairs(across->op, &across->source, result.first_uid);
	imap_op_end(&across->op->op, err == ERR_GONE ? ERR_NOTFOUND : err);
}

static void staged(struct copy_across *across, enum err err)
{
	struct copy_op *op = across->op;
	struct mailgroup_copy_stage_result result = { 0 };

	if (!err && op->copy.turn == 0)
		op->copy = across->proposal.op;
	if (!err)
		err = command_payload_err(mailgroup_copy_stage_result(
			buf_slice(&across->proposal.result), &result));
	uidset_fini(&result.copied);
	if (err) {
		fail(across, err == ERR_GONE ? ERR_NOTFOUND : err);
		return;
	}
	op->staged = result.staged;
	copy_add_pairs(op, &across->source, result.first_uid);
	chunk(across);
}

static enum err encode(struct copy_across *across, struct buf *out)
{
	struct copy_op *op = across->op;
	const struct courier_holders *holders = &across->offer.holders;
	struct mailgroup_append append = {
		.target = copy_target(op),
		.user = op->op.link->user.id,
		.holders = { holders->raft_ids, holders->count },
		.messages = across->messages,
		.count = across->count,
	};
	struct mailgroup_append_stage stage = {
		.copy = op->copy,
		.target = append.target,
		.user = append.user,
		.staged = op->staged,
		.holders = append.holders,
		.messages = append.messages,
		.count = append.count,
	};

	if (across->stages)
		return mailgroup_append_stage_encode(&stage, out);
	return mailgroup_append_encode(&append, out);
}

/* Half of them are left for the next chunk. */
static void halve(struct copy_across *across)
{
	uint32_t first = uidset_nth(&across->source, across->count / 2);
	struct uidset later = { 0 };

	uidset_copy(&later, &across->source);
	uidset_remove(&later, 1, first - 1);
	uidset_remove_set(&across->source, &later);
	uidset_add_set(&across->op->rest, &later);
	uidset_fini(&later);
	across->count = (size_t)uidset_size(&across->source);
	across->stages = true;
}

/* Structures are made from the bodies when asked for; keywords are needed. */
static enum err encode_to_fit(struct offer *offer, struct buf *out)
{
	struct copy_across *across = offer->owner;
	enum err err = encode(across, out);

	for (size_t i = 0; err == ERR_LIMIT && i < across->count; i++)
		across->messages[i].structure = SLICE_NONE;
	if (err == ERR_LIMIT)
		err = encode(across, out);
	while (err == ERR_LIMIT && across->count > 1) {
		halve(across);
		err = encode(across, out);
	}
	offer->kind =
		across->stages ? MAILGROUP_APPEND_STAGE : MAILGROUP_APPEND;
	return err;
}

static void across_answered(struct offer *offer)
{
	struct copy_across *across = offer->owner;

	if (across->stages)
		staged(across, offer->err);
	else
		appended(across, offer->err);
}

static void hash_at(const struct offer *offer, size_t n, struct sha256 *hash_r)
{
	const struct copy_across *across = offer->owner;

	*hash_r = across->messages[n].hash;
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
		.proposer = op->proposer,
		.proposal = &across->proposal,
		.group = op->found.group,
		.source = op->op.link->mailbox_group,
		.count = across->count,
		.version = MAILGROUP_COMMAND_VERSION,
		.hash_at = hash_at,
		.encode = encode_to_fit,
	};
	across->reserved = false; /* the slot goes with the offer */
	offer_submit(&across->offer, across_answered);
}

/* ---- rows ---- */

/* With the flags and keywords that the user may set at the target. */
static void read_rows(struct copy_across *across, struct store_txn *txn)
{
	struct copy_op *op = across->op;
	struct mailgroup_left_out left_out = copy_left_out(op);

	across->messages = mailgroup_messages(
		txn, copy_ask(op)->mailbox_id, op->op.link->user.id, &op->chunk,
		&left_out, &across->arena, &across->source, &across->count);
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
		fail(across, ERR_UNAVAILABLE);
	else if (across->count == 0)
		chunk(across); /* all of them have gone */
	else
		across_offer(across);
}

/* ---- chunks ---- */

static void reserved(struct proposal *proposal)
{
	struct copy_across *across = proposal->owner;

	across->reserved = !proposal->err;
	if (proposal->err)
		fail(across, proposal->err);
	else
		imap_op_on_pool(&across->op->op, rows_work, rows_done);
}

static void chunk(struct copy_across *across)
{
	struct copy_op *op = across->op;

	if (across->reserved)
		proposer_release(op->proposer, &across->proposal);
	across->reserved = false;
	if (!imap_op_next_chunk(&op->rest, &op->chunk)) {
		if (op->copy.turn)
			copy_reveal(op);
		else
			imap_op_end(&op->op, ERR_NONE);
		return;
	}
	uidset_clear(&across->source);
	arena_clear(&across->arena);
	proposal_fini(&across->proposal);
	proposal_init(&across->proposal, op->op.link->loop->executor, across);
	proposer_reserve(op->proposer, &across->proposal, reserved);
}

void copy_across(struct copy_op *op)
{
	struct copy_across *across;

	if (!op->proposer) {
		imap_op_end(&op->op, ERR_UNAVAILABLE);
		return;
	}
	across = mem_zalloc(1, sizeof(*across));
	op->across = across;
	across->op = op;
	across->stages = uidset_size(&op->rest) > MAILGROUP_ROWS_MAX;
	proposal_init(&across->proposal, op->op.link->loop->executor, across);
	chunk(across);
}
