/*
 * COPY to a mailbox of another group: the bodies are here already, so it is
 * an APPEND there of what the rows say.
 *
 * RESERVE a slot -> ROWS -> HOLDS, one a body -> COMMAND -> done
 *
 * More messages than one command takes are ERR_LIMIT: COPY is all or nothing.
 */
#include "base/mem.h"
#include "base/panic.h"
#include "cluster/mailgroup_claim.h"
#include "server/holds.h"
#include "server/node.h"
#include "server/op_copy.h"
#include "server/upload.h"

struct copy_across {
	struct copy_op *op;
	struct proposal proposal;
	bool reserved;
	struct mailgroup_message *messages; /* in the ask's arena */
	size_t count;
	struct uidset source; /* their UIDs */
	struct holds holds;
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

static void across_answered(struct proposal *proposal)
{
	struct copy_across *across = proposal->owner;
	struct mailgroup_append_result result;
	enum err err = proposal->err;

	if (!err)
		err = command_payload_err(mailgroup_append_result(
			buf_slice(&proposal->result), &result));
	if (!err)
		copy_add_pairs(across->op, &across->source, result.first_uid);
	imap_op_end(&across->op->op, err == ERR_GONE ? ERR_NOTFOUND : err);
}

static void across_submit(struct copy_across *across)
{
	struct copy_op *op = across->op;
	struct node *node = op->op.link->loop->node;
	uint64_t holder = node_raft_id(node, op->found.group);
	struct mailgroup_append command = {
		.target = copy_target(op),
		.user = op->op.link->user.id,
		.holders = { &holder, 1 },
		.messages = across->messages,
		.count = across->count,
	};
	enum err err =
		mailgroup_append_encode(&command, &across->proposal.body);

	if (err == ERR_LIMIT) {
		/* They are made from the bodies when asked for. */
		for (size_t i = 0; i < across->count; i++)
			across->messages[i].structure = SLICE_NONE;
		err = mailgroup_append_encode(&command, &across->proposal.body);
	}
	if (err) {
		imap_op_end(&op->op, err);
		return;
	}
	across->reserved = false;
	across->proposal.kind = MAILGROUP_APPEND;
	across->proposal.version = MAILGROUP_COMMAND_VERSION;
	replica_submit(op->replica, &across->proposal, across_answered);
}

static void held(struct holds *holds)
{
	struct copy_across *across = holds->owner;

	if (holds->err)
		imap_op_end(&across->op->op, ERR_UNAVAILABLE);
	else
		across_submit(across);
}

static void hold(struct copy_across *across)
{
	struct imap_link *link = across->op->op.link;

	across->holds = (struct holds){
		.bodies = link->loop->node->bodies,
		.home = link->loop->executor,
		.owner = across,
		.hold = upload_hold_of(across->op->found.group,
				       &across->proposal.op),
		.messages = across->messages,
		.count = across->count,
	};
	holds_take(&across->holds, held);
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
		hold(across);
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
