/*
 * Start counts: a replica proposes under the node's, unless the group knows it
 * from another life; nothing is proposed before that is settled.
 */
#include <criterion/criterion.h>

#include "node_bench.h"
#include "raft/replica.h"

static uint32_t slots_taken(struct node *node)
{
	struct replica_status status;

	replica_get_status(node->replica, &status);
	return status.slots_taken;
}

Test(starts, a_start_count_of_another_life_is_raised)
{
	struct node *node = node_new_serving(36);

	node_stop(node);
	node_start(node);
	node_serve(node);
	node_stop(node);
	node->options.start_count = 0; /* restored from a backup */
	node_start(node);
	node_serve(node);
	cr_expect_eq(node->raise_to, 3);
	cr_expect_eq(replica_incarnation(node->replica), 1);
	replica_raised(node->replica, node->raise_to);
	cr_expect_eq(replica_incarnation(node->replica), 3);
	node_drain(node);
	cr_expect_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
	node_free(node);
}

/* Its slots begin at turn 1: it must not get the answers of the one before. */
Test(starts, a_replica_that_is_opened_again_is_another_life)
{
	struct node *node = node_new_serving(38);

	cr_expect_eq(node_do(node, KIND_DO, "first"), ERR_NONE);
	node_stop(node);
	node->options.start_count--; /* in the same process */
	node_start(node);
	node_serve(node);
	cr_expect_eq(node->raise_to, 2);
	replica_raised(node->replica, node->raise_to);
	node_drain(node);
	cr_expect_eq(node_do(node, KIND_DO, "second"), ERR_NONE);
	cr_expect_eq(node_effects(node, "first"), 1);
	cr_expect_eq(node_effects(node, "second"), 1);
	node_free(node);
}

Test(starts, nothing_is_proposed_before_the_start_is_registered)
{
	struct node *node = node_new_serving(37);
	struct ask ask;

	node_stop(node);
	node->options.start_count = 0;
	node_start(node);
	node_serve(node);
	ask_init(&ask, node, KIND_DO, "x");
	ask_propose(&ask, node);
	node_drain(node);
	cr_expect_eq(ask.answers, 0);
	cr_expect_eq(slots_taken(node), 0);
	replica_raised(node->replica, node->raise_to);
	node_drain(node);
	cr_expect_eq(ask.answers, 1);
	cr_expect_eq(ask.err, ERR_NONE);
	proposal_fini(&ask.proposal);
	node_free(node);
}
