/*
 * Proposals under the op ids of claims, and slots that are kept until somebody
 * else has put the last word into them (architecture.md 7, MOVE).
 */
#include <criterion/criterion.h>

#include "node_bench.h"
#include "raft/slots.h"

static const struct op_id claim = { COMMAND_CLAIM_BIT | 5ull << 32 | 1, 0, 1 };

static void ask_as(struct ask *ask, struct node *node, const struct op_id *op)
{
	replica_propose_as(node->replica, &ask->proposal, op, ask_done);
}

static uint32_t slots_taken(struct node *node)
{
	struct replica_status status;

	replica_get_status(node->replica, &status);
	return status.slots_taken;
}

static void *begin(struct node *node, struct store_txn **txn_r)
{
	cr_assert_eq(store_read_begin(replica_env(node->replica), txn_r),
		     ERR_NONE);
	return *txn_r;
}

Test(replica_claim, it_takes_effect_under_the_given_op_id_and_no_slot)
{
	struct node *node = node_new_serving(1);
	struct store_txn *txn;
	struct ask ask;

	ask_init(&ask, node, KIND_DO, "x");
	ask_as(&ask, node, &claim);
	cr_expect_eq(slots_taken(node), 0);
	node_drain(node);
	cr_expect_eq(ask.answers, 1);
	cr_expect_eq(ask.err, ERR_NONE);
	cr_expect(ask.proposal.recorded);
	cr_expect(slice_eq(buf_slice(&ask.proposal.result), SLICE_LIT("x")));
	begin(node, &txn);
	cr_expect(slots_is_resolved(txn, &claim));
	store_end(&txn);
	proposal_fini(&ask.proposal);
	node_free(node);
}

Test(replica_claim, runners_of_one_claim_hear_the_same_and_it_is_done_once)
{
	struct node *node = node_new_serving(2);
	struct ask runners[3];

	for (unsigned i = 0; i < 3; i++) {
		ask_init(&runners[i], node, KIND_DO, "x");
		ask_as(&runners[i], node, &claim);
	}
	node_drain(node);
	for (unsigned i = 0; i < 3; i++) {
		cr_expect_eq(runners[i].answers, 1);
		cr_expect(runners[i].proposal.recorded);
		cr_expect(slice_eq(buf_slice(&runners[i].proposal.result),
				   SLICE_LIT("x")));
	}
	ask_as(&runners[0], node, &claim); /* a late one, too */
	node_drain(node);
	cr_expect(runners[0].proposal.recorded);
	cr_expect_eq(node_effects(node, "x"), 1);
	for (unsigned i = 0; i < 3; i++)
		proposal_fini(&runners[i].proposal);
	node_free(node);
}

Test(replica_claim, a_cancel_that_comes_first_is_the_answer_of_the_append)
{
	struct node *node = node_new_serving(3);
	struct ask cancel;
	struct ask late;

	ask_init(&cancel, node, COMMAND_CANCEL, "");
	ask_as(&cancel, node, &claim);
	node_drain(node);
	cr_expect_eq(cancel.err, ERR_CANCELLED);
	cr_expect(cancel.proposal.recorded);
	ask_init(&late, node, KIND_DO, "x");
	ask_as(&late, node, &claim);
	node_drain(node);
	cr_expect_eq(late.err, ERR_CANCELLED);
	cr_expect(late.proposal.recorded);
	cr_expect_eq(node_effects(node, "x"), 0);
	proposal_fini(&cancel.proposal);
	proposal_fini(&late.proposal);
	node_free(node);
}

Test(replica_claim, a_turn_that_is_over_is_no_answer)
{
	struct op_id next = claim;
	struct node *node = node_new_serving(4);
	struct ask ask;

	ask_init(&ask, node, KIND_DO, "x");
	ask_as(&ask, node, &claim);
	node_drain(node);
	next.turn++;
	ask_as(&ask, node, &next);
	node_drain(node);
	cr_expect(ask.proposal.recorded);
	ask_as(&ask, node, &claim);
	node_drain(node);
	cr_expect_eq(ask.err, ERR_STALE);
	cr_expect_not(ask.proposal.recorded);
	cr_expect_eq(node_effects(node, "x"), 2);
	proposal_fini(&ask.proposal);
	node_free(node);
}

Test(replica_claim, a_lost_entry_is_proposed_again)
{
	struct node *node = node_new_serving(5);
	struct ask ask;

	node->writer_stalls = true;
	ask_init(&ask, node, KIND_DO, "x");
	ask_as(&ask, node, &claim);
	node_drain(node);
	node_depose(node);
	cr_expect_eq(ask.answers, 0);
	node->writer_stalls = false;
	node_serve(node);
	cr_expect_eq(ask.answers, 1);
	cr_expect(ask.proposal.recorded);
	cr_expect_eq(node_effects(node, "x"), 1);
	proposal_fini(&ask.proposal);
	node_free(node);
}

Test(replica_claim, at_the_deadline_nothing_is_known)
{
	struct node *node = node_new_serving(6);
	struct ask ask;

	node->writer_stalls = true;
	ask_init(&ask, node, KIND_DO, "x");
	ask_as(&ask, node, &claim);
	node_wait(node, REPLICA_PROPOSE_MS + 100);
	cr_expect_eq(ask.answers, 1);
	cr_expect_eq(ask.err, ERR_TIMEOUT);
	cr_expect_not(ask.proposal.recorded);
	node->writer_stalls = false;
	node_serve(node);
	cr_expect_eq(ask.answers, 1);
	cr_expect_eq(node_effects(node, "x"), 1, "the entry was under way");
	proposal_fini(&ask.proposal);
	node_free(node);
}

Test(replica_claim, what_the_leader_does_not_take_is_no_answer)
{
	struct node *node = node_new_serving(7);
	struct ask ask;

	ask_init(&ask, node, KIND_DO, "bad");
	ask_as(&ask, node, &claim);
	node_drain(node);
	cr_expect_eq(ask.answers, 1);
	cr_expect_neq(ask.err, ERR_NONE);
	cr_expect_not(ask.proposal.recorded);
	proposal_fini(&ask.proposal);
	node_free(node);
}

Test(replica_claim, the_end_of_the_replica_is_no_answer)
{
	struct node *node = node_new_serving(8);
	struct ask ask;

	node->writer_stalls = true;
	ask_init(&ask, node, KIND_DO, "x");
	ask_as(&ask, node, &claim);
	node_drain(node);
	node->writer_stalls = false;
	node_stop(node);
	cr_expect_eq(ask.answers, 1);
	cr_expect(ask.proposal.recorded || ask.err == ERR_CLOSED);
	proposal_fini(&ask.proposal);
	node_free(node);
}

/* ---- kept slots ---- */

Test(replica_claim, a_kept_slot_is_not_given_to_others_until_it_is_released)
{
	struct node *node = node_new_serving(9);
	struct ask kept;
	struct ask other;
	struct op_id op;

	ask_init(&kept, node, KIND_DO, "x");
	kept.proposal.keep = true;
	ask_propose(&kept, node);
	node_drain(node);
	cr_expect_eq(kept.err, ERR_NONE);
	cr_expect(kept.proposal.recorded);
	cr_expect_eq(slots_taken(node), 1);
	op = kept.proposal.op;
	ask_init(&other, node, KIND_DO, "y");
	ask_propose(&other, node);
	node_drain(node);
	cr_expect_neq(other.proposal.op.slot, op.slot);
	replica_release(node->replica, &kept.proposal);
	ask_propose(&other, node);
	node_drain(node);
	cr_expect_eq(other.proposal.op.slot, op.slot);
	cr_expect_eq(other.proposal.op.turn, op.turn + 1);
	cr_expect_eq(other.err, ERR_NONE);
	proposal_fini(&kept.proposal);
	proposal_fini(&other.proposal);
	node_free(node);
}

Test(replica_claim, a_refusal_keeps_the_slot_too)
{
	struct node *node = node_new_serving(10);
	struct ask ask;

	ask_init(&ask, node, KIND_REFUSE, "x");
	ask.proposal.keep = true;
	ask_propose(&ask, node);
	node_drain(node);
	cr_expect_eq(ask.err, ERR_EXISTS);
	cr_expect(ask.proposal.recorded);
	cr_expect_eq(slots_taken(node), 1);
	replica_release(node->replica, &ask.proposal);
	node_drain(node);
	cr_expect_eq(slots_taken(node), 0);
	proposal_fini(&ask.proposal);
	node_free(node);
}

Test(replica_claim, what_was_never_proposed_keeps_no_slot)
{
	struct node *node = node_new_serving(11);
	struct ask ask;

	ask_init(&ask, node, KIND_DO, "bad");
	ask.proposal.keep = true;
	ask_propose(&ask, node);
	node_drain(node);
	cr_expect_neq(ask.err, ERR_NONE);
	cr_expect_not(ask.proposal.recorded);
	cr_expect_eq(slots_taken(node), 0);
	proposal_fini(&ask.proposal);
	node_free(node);
}
