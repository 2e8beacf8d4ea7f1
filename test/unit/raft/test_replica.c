/*
 * A replica that is its group's only voter: proposals, reads, restarts,
 * markers, parking.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"
#include "node_bench.h"
#include "raft/replica_impl.h"

static struct node *serving(uint64_t seed)
{
	struct node *node = node_new(seed);

	node_start(node);
	node_serve(node);
	return node;
}

/* ---- proposing ---- */

Test(replica, a_bootstrapped_group_serves)
{
	struct node *node = serving(1);
	struct replica_status status;

	replica_get_status(node->replica, &status);
	cr_expect(status.leader);
	cr_expect_not(status.parked);
	cr_expect_eq(status.group, NODE_GROUP);
	node_free(node);
}

Test(replica, a_proposal_takes_effect_and_is_answered)
{
	struct node *node = serving(2);
	struct ask ask;

	ask_init(&ask, node, KIND_DO, "hello");
	ask_propose(&ask, node);
	node_drain(node);
	cr_expect_eq(ask.answers, 1);
	cr_expect_eq(ask.err, ERR_NONE);
	cr_expect(
		slice_eq(buf_slice(&ask.proposal.result), SLICE_LIT("hello")));
	cr_expect_gt(ask.proposal.index, 0);
	cr_expect_eq(node_effects(node, "hello"), 1);
	cr_expect_geq(replica_applied(node->replica), ask.proposal.index);
	proposal_fini(&ask.proposal);
	node_free(node);
}
