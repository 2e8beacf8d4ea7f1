/*
 * Groups that grow and shrink, replicas that are brought up.
 */
#include <criterion/criterion.h>

#include "base/fault.h"
#include "base/mem.h"
#include "member_cluster.h"
#include "raft/replica_impl.h"
#include "scratch.h"

static void write_some(struct mc *mc, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int leader = rc_leader(mc->rc, 0, 5000);
		struct rc_op op;

		cr_assert_geq(leader, 0);
		rc_propose(&op, mc->rc, (unsigned)leader, 0, RC_WRITE);
		while (!rc_op_is_over(&op))
			mc_run(mc, 1);
		cr_assert_eq(op.err, ERR_NONE);
		rc_op_fini(&op);
	}
}

static void expect_right(struct mc *mc)
{
	const char *wrong = mc->rc->wrong;

	cr_expect(wrong == NULL, "%s", wrong);
}

static uint64_t marker_of(struct mc *mc, unsigned node)
{
	struct wal_state state;

	wal_group_get_state(mc_member(mc, node)->replica->io.log, &state);
	return state.marker.index;
}

Test(growth, from_one_to_three_to_five_and_back)
{
	struct mc mc;

	mc_init(&mc, 1, 5, 1);
	write_some(&mc, 5);
	mc.voters = 3;
	cr_assert(mc_settle(&mc, 60000));
	write_some(&mc, 5);
	mc.voters = 5;
	cr_assert(mc_settle(&mc, 60000));
	write_some(&mc, 5);
	mc_run(&mc, 500);
	cr_expect_null(mc_compare(&mc));
	mc.voters = 3;
	cr_assert(mc_settle(&mc, 60000));
	mc.voters = 1;
	cr_assert(mc_settle(&mc, 60000));
	write_some(&mc, 5);
	expect_right(&mc);
	mc_fini(&mc);
}

/* So that the log is short and a snapshot is sent. */
static void grow_behind_a_marker(struct mc *mc, uint64_t seed, unsigned writes,
				 bool copies)
{
	fault_set_tune("snapshot_entries=8,trailing_entries=4");
	mc_init(mc, seed, 3, 1);
	mc->only_copies = copies;
	write_some(mc, writes);
	mc_run(mc, 2000);
	cr_assert_gt(marker_of(mc, 0), writes / 2);
	mc->voters = 3;
	cr_expect(mc_settle(mc, 120000));
	write_some(mc, 3);
	mc_run(mc, 1000);
	cr_expect_null(mc_compare(mc));
	expect_right(mc);
	fault_set_tune(NULL);
}

static unsigned entries_of(const struct mc *mc)
{
	return mc->nodes[1].entries + mc->nodes[2].entries;
}

static unsigned copies_of(const struct mc *mc)
{
	return mc->nodes[1].copies + mc->nodes[2].copies;
}

Test(growth, a_replica_is_brought_up_by_entries)
{
	struct mc mc;

	grow_behind_a_marker(&mc, 2, 20, false);
	cr_expect_gt(entries_of(&mc), 0);
	cr_expect_eq(copies_of(&mc), 0);
	mc_fini(&mc);
}

Test(growth, a_replica_is_brought_up_by_a_copy)
{
	struct mc mc;

	grow_behind_a_marker(&mc, 3, 20, true);
	cr_expect_gt(copies_of(&mc), 0);
	mc_fini(&mc);
}

Test(growth, a_copy_is_taken_when_the_entries_are_gone)
{
	struct mc mc;

	grow_behind_a_marker(&mc, 4, 600, false);
	cr_expect_gt(copies_of(&mc), 0);
	mc_fini(&mc);
}

/*
 * Somebody put an older state in the place of the newer one, or lost it: the
 * log begins behind it.
 */
Test(growth, a_state_older_than_its_log_is_brought_up_before_it_serves)
{
	struct mc mc;

	fault_set_tune("snapshot_entries=8,trailing_entries=4");
	mc_init(&mc, 11, 3, 3);
	write_some(&mc, 30);
	mc_run(&mc, 1000);
	rc_node_crash(&mc.rc->nodes[1], DISK_SIM_DROP);
	mc_bury(&mc, 1);
	scratch_free(&mc_member(&mc, 1)->dir);
	mc_member(&mc, 1)->dir = scratch_new();
	write_some(&mc, 3);
	rc_node_start(&mc.rc->nodes[1]);
	cr_expect(mc_member(&mc, 1)->replica->importing);
	mc_run(&mc, 15000);
	write_some(&mc, 3);
	mc_run(&mc, 1000);
	cr_expect_not(mc_member(&mc, 1)->replica->importing);
	cr_expect_null(mc_compare(&mc));
	expect_right(&mc);
	mc_fini(&mc);
	fault_set_tune(NULL);
}

/* What is not here of a copied state is known, and comes one by one. */
Test(growth, after_a_copy_all_bodies_that_are_not_here_are_missing)
{
	struct mc mc;
	struct rc_op op;
	struct sha256 hash;
	struct replica *replica;

	fault_set_tune("snapshot_entries=8,trailing_entries=4");
	mc_init(&mc, 12, 2, 1);
	mc.only_copies = true;
	rc_propose(&op, mc.rc, 0, 0, RC_BODY);
	while (!rc_op_is_over(&op))
		mc_run(&mc, 1);
	cr_assert_eq(op.err, ERR_NONE);
	write_some(&mc, 20);
	mc_run(&mc, 1000);
	mc.nodes[1].has_none = true;
	mc.frozen = true;
	cr_assert_eq(mc_do(&mc, REPLICA_ADD, 1, 0), ERR_NONE);
	cr_assert_eq(mc_do(&mc, REPLICA_ASSIGN, 1, REPLICA_STANDBY), ERR_NONE);
	mc_run(&mc, 15000);
	cr_assert_gt(mc.nodes[1].copies, 0);
	replica = mc_member(&mc, 1)->replica;
	cr_expect_eq(replica_frontier(replica), 0);
	cr_expect_eq(mc_do(&mc, REPLICA_ASSIGN, 1, REPLICA_VOTER),
		     ERR_MISSING_BODY);
	mc.nodes[1].has_none = false;
	rc_body_hash(op.number, &hash);
	replica_body_came(replica, &hash);
	mc_run(&mc, 2000);
	cr_expect_gt(replica_frontier(replica), 20);
	cr_expect_eq(mc_do(&mc, REPLICA_ASSIGN, 1, REPLICA_VOTER), ERR_NONE);
	rc_op_fini(&op);
	expect_right(&mc);
	mc_fini(&mc);
	fault_set_tune(NULL);
}

/* ---- rebuilding ---- */

Test(growth, a_replica_is_thrown_away_and_made_anew)
{
	struct mc mc;

	mc_init(&mc, 5, 3, 3);
	write_some(&mc, 10);
	for (unsigned i = 0; i < 3; i++) {
		mc_rebuild(&mc, i);
		write_some(&mc, 3);
		cr_assert(mc_settle(&mc, 60000));
		write_some(&mc, 3);
	}
	mc_run(&mc, 1000);
	cr_expect_null(mc_compare(&mc));
	expect_right(&mc);
	mc_fini(&mc);
}

Test(growth, a_rebuilt_replica_outlives_its_node)
{
	struct mc mc;

	mc_init(&mc, 6, 3, 3);
	write_some(&mc, 10);
	mc_rebuild(&mc, 1);
	cr_assert(mc_settle(&mc, 60000));
	rc_node_crash(&mc.rc->nodes[1], DISK_SIM_DROP);
	mc_bury(&mc, 1);
	write_some(&mc, 3);
	rc_node_start(&mc.rc->nodes[1]);
	write_some(&mc, 3);
	mc_run(&mc, 1000);
	cr_expect_null(mc_compare(&mc));
	expect_right(&mc);
	mc_fini(&mc);
}

/* ---- configurations that are rolled back ---- */

static uint64_t conf_hash_at(struct mc *mc, unsigned node)
{
	return compat_conf_hash(&mc_member(mc, node)->replica->raft);
}

/*
 * A leader that is alone appends a change; the others go on without it, and
 * their first configuration is in no log any more.
 */
static void roll_back(uint64_t seed, bool restart)
{
	struct mc_change *change;
	struct mc mc;
	int leader;
	unsigned old;

	fault_set_tune("snapshot_entries=8,trailing_entries=4");
	mc_init(&mc, seed, 4, 3);
	mc.frozen = true;
	write_some(&mc, 30);
	mc_run(&mc, 1000);
	leader = rc_leader(mc.rc, 0, 5000);
	cr_assert_geq(leader, 0);
	old = (unsigned)leader;
	cr_assert_gt(marker_of(&mc, old), 8);
	rc_isolate(mc.rc, old);
	change = mc_begin(&mc, REPLICA_ADD, 3, REPLICA_SPARE);
	cr_assert_not_null(change);
	rc_run(mc.rc, 100); /* it is on its disk, and it leads yet */
	cr_assert_not_null(compat_server(&mc_member(&mc, old)->replica->raft,
					 rc_raft_id(3)));
	if (restart) {
		rc_node_crash(&mc.rc->nodes[old], DISK_SIM_DROP);
		mc_bury(&mc, old);
		rc_node_start(&mc.rc->nodes[old]);
	}
	mc_run(&mc, 3000);
	cr_assert_neq(rc_leader(mc.rc, 0, 5000), leader);
	write_some(&mc, 2);
	rc_heal(mc.rc);
	mc_run(&mc, 12000);
	write_some(&mc, 2);
	mc_run(&mc, 1000);
	expect_right(&mc);
	cr_expect_null(mc_compare(&mc));
	for (unsigned i = 0; i < 3; i++)
		cr_expect_eq(conf_hash_at(&mc, i), conf_hash_at(&mc, 0));
	cr_expect_null(compat_server(&mc_member(&mc, old)->replica->raft,
				     rc_raft_id(3)));
	mc_fini(&mc);
	fault_set_tune(NULL);
}

Test(growth, a_change_is_rolled_back_to_what_no_log_has)
{
	roll_back(7, false);
	roll_back(8, false);
}

Test(growth, a_change_is_rolled_back_after_a_restart)
{
	roll_back(9, true);
	roll_back(10, true);
}

static void expect_lives(uint64_t from, uint64_t to)
{
	for (uint64_t seed = from; seed <= to; seed++) {
		const char *wrong = mc_life(seed);

		cr_expect(wrong == NULL, "seed %u: %s", (unsigned)seed, wrong);
	}
}

Test(growth, lives_with_deaths_and_broken_links)
{
	expect_lives(1, 12);
	expect_lives(137, 137);
}

#ifdef ENABLE_FAULTS

Test(growth_mutants, M18_a_marker_above_the_state_is_caught)
{
	const char *wrong = NULL;

	fault_set_mutant("M18");
	for (uint64_t seed = 1; seed <= 20 && wrong == NULL; seed++)
		wrong = mc_life(seed);
	fault_set_mutant(NULL);
	cr_expect_not_null(wrong);
}

#endif

/* Node 1 is a standby that has all there is; the manager rests. */
static void standby_begin(struct mc *mc, uint64_t seed)
{
	mc_init(mc, seed, 2, 1);
	mc->frozen = true;
	write_some(mc, 3);
	cr_assert_eq(mc_do(mc, REPLICA_ADD, 1, REPLICA_SPARE), ERR_NONE);
	cr_assert_eq(mc_do(mc, REPLICA_ASSIGN, 1, REPLICA_STANDBY), ERR_NONE);
	mc_run(mc, 5000);
}

/*
 * The leader has made a standby a voter and needs its vote, but is gone before
 * the standby has heard of it: by its own configuration it has none to give.
 */
Test(growth, a_new_voter_votes_before_it_knows_that_it_is_one)
{
	struct mc mc;

	standby_begin(&mc, 21);
	rc_cut(mc.rc, 0, 1, true);
	mc_begin(&mc, REPLICA_ASSIGN, 1, REPLICA_VOTER);
	mc_run(&mc, 3000);
	cr_assert_eq(rc_leader(mc.rc, 0, 0), -1, "it has stepped down");
	rc_cut(mc.rc, 0, 1, false);
	cr_expect_geq(rc_leader(mc.rc, 0, 5000), 0);
	write_some(&mc, 3);
	expect_right(&mc);
	mc_fini(&mc);
}
