/*
 * One pass over an open claim (claim_run.h).
 *
 * Failures: a body that is not here can never be appended, and a full group
 * appends nothing, so CANCEL takes the append's place and the message stays
 * where it is. Everything else that is not recorded for the claim's op id (a
 * leader's refusal, a deadline) ends the pass with the claim open.
 */
#include "server/claim_run.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/panic.h"
#include "server/node.h"
#include "server/upload.h"

static void finish(struct claim_run *run, enum err err)
{
	proposal_fini(&run->proposal);
	uidset_fini(&run->claim.uids);
	arena_fini(&run->arena);
	__atomic_sub_fetch(&run->node->running_claims, 1, __ATOMIC_SEQ_CST);
	run->err = err;
	run->done(run);
}

static struct op_id op_of(const struct claim_run *run)
{
	return mailgroup_claim_op(run->source_group, run->slot, run->turn);
}

static struct buf *body_of(struct claim_run *run)
{
	proposal_fini(&run->proposal);
	proposal_init(&run->proposal, run->home, run);
	run->proposal.version = MAILGROUP_COMMAND_VERSION;
	return &run->proposal.body;
}

/* ---- END ---- */

static void ended(struct proposal *proposal)
{
	struct claim_run *run = proposal->owner;
	enum err err = proposal->err;

	if (!err)
		CRASH_POINT("move_ended");
	finish(run, err);
}

/* Model step M8. */
static void end(struct claim_run *run, enum err refusal, uint32_t first_uid)
{
	struct mailgroup_claim_end command = {
		.group = run->group,
		.slot = run->slot,
		.turn = run->turn,
		.refusal = refusal,
		.first_uid = first_uid,
	};
	struct replica *source = node_replica(run->node, run->source_group);
	enum err err = mailgroup_claim_end_encode(&command, body_of(run));

	MUST(err == ERR_NONE);
	run->proposal.kind = MAILGROUP_CLAIM_END;
	replica_propose(source, &run->proposal, ended);
}

/* ---- APPEND ---- */

/* How long the target is waited for. */
static uint32_t run_ms(void)
{
	return (uint32_t)TUNED(claim_run_ms, REPLICA_PROPOSE_MS);
}

static void append_done(struct claim_run *run)
{
	struct mailgroup_append_result result;
	enum err err = command_payload_err(mailgroup_append_result(
		buf_slice(&run->proposal.result), &result));

	if (!err && !run->cancel && result.count != run->count)
		err = ERR_IO;
	if (err) {
		LOG_ERROR("group %u: what it has recorded for a claim of group "
			  "%u cannot be read",
			  run->group, run->source_group);
		finish(run, err);
		return;
	}
	end(run, ERR_NONE, result.first_uid);
}

static void cancel(struct claim_run *run);

/*
 * Only what stands in the target's table is an answer (M4 to M7). A full group
 * takes no append for long, but CANCEL.
 */
static void target_answered(struct proposal *proposal)
{
	struct claim_run *run = proposal->owner;

	if (!proposal->recorded && proposal->err == ERR_FULL && !run->cancel) {
		cancel(run);
		return;
	}
	if (!proposal->recorded) {
		finish(run, proposal->err);
		return;
	}
	CRASH_POINT("move_appended");
	if (proposal->err)
		end(run, proposal->err, 0);
	else
		append_done(run);
}

/* Model step M7. */
static void cancel(struct claim_run *run)
{
	struct op_id op = op_of(run);

	run->cancel = true;
	(void)body_of(run);
	run->proposal.kind = COMMAND_CANCEL;
	run->proposal.deadline_ms = run_ms();
	replica_propose_as(node_replica(run->node, run->group), &run->proposal,
			   &op, target_answered);
}

static void append(struct claim_run *run)
{
	struct op_id op = op_of(run);
	const struct courier_holders *holders = &run->give.holders;
	struct mailgroup_append command = {
		.target = run->claim.target,
		.user = run->claim.user,
		.holders = { holders->raft_ids, holders->count },
		.messages = run->messages,
		.count = run->count,
	};
	enum err err = mailgroup_append_encode(&command, body_of(run));

	if (err == ERR_LIMIT) {
		/* They are made from the bodies when asked for. */
		for (size_t i = 0; i < run->count; i++)
			run->messages[i].structure = SLICE_NONE;
		err = mailgroup_append_encode(&command, &run->proposal.body);
	}
	MUST(err == ERR_NONE); /* CLAIM has seen to it */
	run->proposal.kind = MAILGROUP_APPEND_CLAIMED;
	run->proposal.deadline_ms = run_ms();
	if (MUTANT("M30")) {
		run->proposal.kind = MAILGROUP_APPEND;
		replica_propose(node_replica(run->node, run->group),
				&run->proposal, target_answered);
		return;
	}
	replica_propose_as(node_replica(run->node, run->group), &run->proposal,
			   &op, target_answered);
}

/* ---- HOLDS ---- */

static void held(struct courier_give *give)
{
	struct claim_run *run = give->owner;

	if (give->err == ERR_MISSING_BODY) {
		LOG_ERROR("group %u: nobody has the body of a message that is "
			  "to be moved to group %u: it stays",
			  run->source_group, run->group);
		cancel(run);
	} else if (give->err) {
		finish(run, ERR_UNAVAILABLE);
	} else {
		CRASH_POINT("move_held");
		append(run);
	}
}

/* At a majority of the target group's voters (model step B1). */
static void hold(struct claim_run *run)
{
	struct op_id op = op_of(run);
	struct sha256 *hashes =
		arena_alloc(&run->arena, run->count * sizeof(*hashes));

	for (size_t i = 0; i < run->count; i++)
		hashes[i] = run->messages[i].hash;
	run->give = (struct courier_give){
		.home = run->home,
		.owner = run,
		.hold = upload_hold_of(run->group, &op),
		.source = run->source_group,
		.hashes = hashes,
		.count = run->count,
	};
	courier_give(run->node->courier, &run->give, held);
}

/* ---- LOOK ---- */

static void looked(struct task *task)
{
	struct claim_run *run = container_of(task, struct claim_run, task);

	if (run->err || !run->open)
		finish(run, run->err);
	else if (MUTANT("M29"))
		end(run, ERR_NONE, 1);
	else if (run->cancel)
		cancel(run);
	else
		hold(run);
}

static void read_claim(struct claim_run *run, struct store_txn *txn)
{
	run->open = mailgroup_claim_find(txn, run->group, run->slot, run->turn,
					 &run->claim);
	if (run->open && !run->cancel)
		run->messages = mailgroup_claim_messages(
			txn, &run->claim, &run->arena, &run->count);
}

/* On a worker. */
static void look(struct task *task)
{
	struct claim_run *run = container_of(task, struct claim_run, task);
	struct replica *source = node_replica(run->node, run->source_group);
	struct store_env *env = source ? replica_env(source) : NULL;
	struct store_txn *txn;

	run->err = ERR_NONE;
	if (!env || !node_replica(run->node, run->group) ||
	    store_read_begin(env, &txn)) {
		run->err = ERR_UNAVAILABLE;
	} else {
		read_claim(run, txn);
		if (store_txn_error(txn))
			run->err = ERR_UNAVAILABLE;
		store_end(&txn);
	}
	task_post(run->home, task, looked);
}

void claim_run_start(struct claim_run *run, claim_run_done *done)
{
	__atomic_add_fetch(&run->node->running_claims, 1, __ATOMIC_SEQ_CST);
	run->done = done;
	run->open = false;
	proposal_init(&run->proposal, run->home, run);
	task_post(io_pool_executor(run->node->pool), &run->task, look);
}
