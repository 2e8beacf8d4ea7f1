/*
 * What the leader asks of a command before it proposes it.
 */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "node_bench.h"

static struct replica_status status(struct node *node)
{
	struct replica_status s;

	replica_get_status(node->replica, &s);
	return s;
}

Test(leader, what_the_machine_cannot_read_is_not_proposed)
{
	struct node *node = node_new_serving(30);
	uint64_t before = status(node).last_index;
	struct ask asks[3];

	ask_init(&asks[0], node, KIND_DO, "first");
	ask_init(&asks[1], node, KIND_DO, "bad");
	ask_init(&asks[2], node, KIND_DO, "third");
	for (unsigned i = 0; i < ARRAY_LEN(asks); i++)
		ask_propose(&asks[i], node);
	node_drain(node);
	cr_expect_eq(asks[0].err, ERR_NONE);
	cr_expect_eq(asks[1].err, ERR_SYNTAX);
	cr_expect_eq(asks[2].err, ERR_NONE);
	cr_expect_eq(status(node).last_index, before + 1);
	cr_expect_eq(status(node).slots_taken, 0);
	cr_expect_eq(node_effects(node, "bad"), 0);
	cr_expect_eq(node_do(node, KIND_DO, "bad"), ERR_SYNTAX);
	cr_expect_eq(status(node).last_index, before + 1, "no empty entry");
	for (unsigned i = 0; i < ARRAY_LEN(asks); i++)
		proposal_fini(&asks[i].proposal);
	node_free(node);
}

Test(leader, a_body_that_no_majority_of_voters_has_is_not_proposed)
{
	struct node *node = node_new_serving(31);
	uint64_t before = status(node).last_index;

	node->holders.raft_ids[0] = NODE_RAFT_ID + 1; /* was thrown away */
	cr_expect_eq(node_do(node, KIND_BODY, "x"), ERR_STALE);
	node->holders.count = 0;
	cr_expect_eq(node_do(node, KIND_BODY, "x"), ERR_STALE);
	cr_expect_eq(status(node).last_index, before);
	cr_expect_eq(node_do(node, KIND_DO, "y"), ERR_NONE, "it has none");
	node->holders.count = 2;
	node->holders.raft_ids[1] = NODE_RAFT_ID;
	cr_expect_eq(node_do(node, KIND_BODY, "x"), ERR_NONE);
	cr_expect_eq(node_effects(node, "x"), 1);
	node_free(node);
}

/*
 * Leadership was lost with it in an entry, and in the new term its body has too
 * few holders. That is no answer: a CANCEL finds out what became of it.
 */
Test(leader, what_was_sent_and_is_not_taken_again_is_found_out)
{
	struct node *node = node_new_serving(32);
	struct ask ask;

	node->writer_stalls = true;
	ask_init(&ask, node, KIND_BODY, "x");
	ask_propose(&ask, node);
	node_drain(node);
	node_depose(node);
	node->holders.count = 0;
	node->writer_stalls = false;
	node->applier_stalls = true; /* the old entry's answer comes late */
	node_serve(node);
	cr_expect_eq(ask.answers, 0);
	node->applier_stalls = false;
	node_drain(node);
	cr_expect_eq(ask.answers, 1);
	cr_expect_eq(ask.err, ERR_NONE);
	cr_expect_eq(node_effects(node, "x"), 1);
	cr_expect_eq(status(node).slots_taken, 0);
	proposal_fini(&ask.proposal);
	node_free(node);
}
