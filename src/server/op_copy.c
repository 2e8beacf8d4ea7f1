/*
 * COPY and MOVE.
 *
 * DIRECTORY (read index) -> FIND the target
 *   same group: up to MAILGROUP_ROWS_MAX messages: COPY, one command
 *               more: STAGE ... STAGE -> REVEAL (COPY), or chunks of MOVE
 *   other group: COPY reads the rows, takes holds on their bodies and appends
 *               them there, or stages them if they are many
 *               (op_copy_across.c); MOVE claims them, appends and ends, claim
 *               by claim (op_move.c)
 *
 * COPY is all or nothing; a MOVE of more than one chunk may be done in part,
 * and says so by the UIDs that it gives (RFC 6851 section 3.3).
 */
#include "server/op_copy.h"

#include "base/mem.h"
#include "server/imap_op.h"
#include "server/node.h"

static void copy_fini(struct imap_op *base)
{
	struct copy_op *op = (struct copy_op *)base;

	uidset_fini(&op->rest);
	uidset_fini(&op->chunk);
	if (op->across)
		copy_across_free(&op->across);
	if (op->move)
		move_across_free(&op->move);
}

struct imap_ask_copy *copy_ask(struct copy_op *op)
{
	return container_of(op->op.ask, struct imap_ask_copy, ask);
}

/* Adds n-th source -> n-th copy. */
void copy_add_pairs(struct copy_op *op, const struct uidset *source,
		    uint32_t first_uid)
{
	struct imap_ask_copy *ask = copy_ask(op);
	uint64_t count = uidset_size(source);

	if (count == 0)
		return;
	uidset_add_set(&ask->source, source);
	uidset_add(&ask->copies, first_uid, (uint32_t)(first_uid + count - 1));
}

struct mailgroup_target copy_target(const struct copy_op *op)
{
	return (struct mailgroup_target){ op->found.id, op->found.root,
					  op->quota_octets,
					  op->quota_messages };
}

/* What the user may not set at the target. */
struct mailgroup_left_out copy_left_out(const struct copy_op *op)
{
	uint32_t rights = op->found.rights;
	uint8_t allowed = imap_flags_to(imap_flags_allowed(rights));

	return (struct mailgroup_left_out){
		.flags = MAILGROUP_FLAGS_ALL & (uint8_t)~allowed,
		.keywords = !(rights & RIGHT_WRITE),
		.user = op->op.link->user.id,
	};
}

/* ---- one command, or chunks of MOVE ---- */

static void copy_chunk(struct copy_op *op);

static void copy_answered(struct imap_op *base)
{
	struct copy_op *op = (struct copy_op *)base;
	struct mailgroup_copy_result result = { 0 };
	enum err err = base->proposal.err;

	if (!err)
		err = command_payload_err(mailgroup_copy_result(
			buf_slice(&base->proposal.result), &result));
	if (!err)
		copy_add_pairs(op, &result.copied, result.first_uid);
	uidset_fini(&result.copied);
	if (err)
		imap_op_end(base, err);
	else
		copy_chunk(op);
}

static void copy_chunk(struct copy_op *op)
{
	const struct imap_ask_copy *ask = copy_ask(op);
	struct mailgroup_copy command = {
		.source = ask->mailbox_id,
		.target = copy_target(op),
		.move = ask->move,
		.left_out = copy_left_out(op),
	};
	enum err err;

	if (!imap_op_next_chunk(&op->rest, &op->chunk)) {
		imap_op_end(&op->op, ERR_NONE);
		return;
	}
	command.uids = op->chunk;
	err = mailgroup_copy_encode(&command, imap_op_body(&op->op));
	if (err)
		imap_op_end(&op->op, err);
	else
		imap_op_propose(&op->op, op->found.group, MAILGROUP_COPY,
				copy_answered);
}

/* ---- STAGE ... REVEAL, or DROP ---- */

static void drop(struct copy_op *op);

static void dropped(struct imap_op *base)
{
	struct copy_op *op = (struct copy_op *)base;
	struct mailgroup_more_result result = { 0 };
	enum err err = base->proposal.err;

	if (!err)
		err = command_payload_err(mailgroup_more_result(
			buf_slice(&base->proposal.result), &result));
	if (!err && result.more) {
		drop(op);
		return;
	}
	/* Nobody ever saw the copies, dropped or not: the COPY was not done. */
	uidset_clear(&copy_ask(op)->source);
	uidset_clear(&copy_ask(op)->copies);
	imap_op_end(base, op->refusal);
}

static void drop(struct copy_op *op)
{
	struct mailgroup_copy_drop command = {
		.copy = op->copy,
		.mailbox = op->found.id,
	};
	enum err err =
		mailgroup_copy_drop_encode(&command, imap_op_body(&op->op));

	if (err)
		imap_op_end(&op->op, err);
	else
		imap_op_propose(&op->op, op->found.group, MAILGROUP_COPY_DROP,
				dropped);
}

/* Ends a staged copy that cannot be finished. */
void copy_give_up(struct copy_op *op, enum err err)
{
	op->refusal = err;
	if (op->copy.turn && err_outcome(err) == OUTCOME_NOT_DONE)
		drop(op);
	else
		imap_op_end(&op->op, err);
}

static void revealed(struct imap_op *base)
{
	if (base->proposal.err)
		copy_give_up((struct copy_op *)base, base->proposal.err);
	else
		imap_op_end(base, ERR_NONE);
}

void copy_reveal(struct copy_op *op)
{
	struct mailgroup_copy_reveal command = {
		.copy = op->copy,
		.target = copy_target(op),
		.staged = op->staged,
	};
	enum err err =
		mailgroup_copy_reveal_encode(&command, imap_op_body(&op->op));

	if (err)
		copy_give_up(op, err);
	else
		imap_op_propose(&op->op, op->found.group, MAILGROUP_COPY_REVEAL,
				revealed);
}

static void stage(struct copy_op *op);

static void staged(struct imap_op *base)
{
	struct copy_op *op = (struct copy_op *)base;
	struct mailgroup_copy_stage_result result = { 0 };
	enum err err = base->proposal.err;

	if (!err && op->copy.turn == 0)
		op->copy = base->proposal.op;
	if (!err)
		err = command_payload_err(mailgroup_copy_stage_result(
			buf_slice(&base->proposal.result), &result));
	if (!err) {
		op->staged = result.staged;
		copy_add_pairs(op, &result.copied, result.first_uid);
	}
	uidset_fini(&result.copied);
	if (err)
		copy_give_up(op, err);
	else
		stage(op);
}

static void stage(struct copy_op *op)
{
	struct mailgroup_copy_stage command = {
		.copy = op->copy,
		.source = copy_ask(op)->mailbox_id,
		.target = copy_target(op),
		.staged = op->staged,
		.left_out = copy_left_out(op),
	};
	enum err err;

	if (!imap_op_next_chunk(&op->rest, &op->chunk)) {
		copy_reveal(op);
		return;
	}
	command.uids = op->chunk;
	err = mailgroup_copy_stage_encode(&command, imap_op_body(&op->op));
	if (err)
		copy_give_up(op, err);
	else
		imap_op_propose(&op->op, op->found.group, MAILGROUP_COPY_STAGE,
				staged);
}

/* ---- the target ---- */

static void copy_go(struct copy_op *op)
{
	struct imap_ask_copy *ask = copy_ask(op);
	struct imap_link *link = op->op.link;

	ask->uidvalidity = op->found.uidvalidity;
	op->proposer = node_proposer(link->loop->node, op->found.group);
	if (op->found.group != link->mailbox_group && ask->move)
		move_across(op);
	else if (op->found.group != link->mailbox_group)
		copy_across(op);
	else if (!ask->move && uidset_size(&op->rest) > MAILGROUP_ROWS_MAX)
		stage(op);
	else
		copy_chunk(op);
}

static void copy_find(struct imap_op *base)
{
	struct copy_op *op = (struct copy_op *)base;
	struct imap_ask_copy *ask = copy_ask(op);
	struct store_txn *txn;
	enum err err;

	if (!imap_op_read(base, node_directory(base->link->loop->node), &txn))
		return;
	err = imap_find_new(base->link, txn, ask->target, ask->ask.arena,
			    &op->found);
	if (!err)
		imap_find_quota(txn, &op->found, &op->quota_octets,
				&op->quota_messages);
	if (!imap_op_read_end(base, &txn))
		return;
	if (!err && !(op->found.rights & RIGHT_INSERT))
		err = ERR_DENIED;
	if (err)
		imap_op_end(base, err);
	else
		copy_go(op);
}

void op_copy_begin(struct imap_link *link, struct imap_ask *ask)
{
	struct copy_op *op = imap_op_new(link, ask, sizeof(*op));

	op->op.fini = copy_fini;
	uidset_copy(&op->rest, copy_ask(op)->uids);
	imap_op_read_index(&op->op, node_directory(link->loop->node),
			   copy_find);
}
