/*
 * Groups that grow and shrink, replicas that are brought up.
 */
#include <criterion/criterion.h>

#include "base/fault.h"
#include "base/mem.h"
#include "member_cluster.h"
#include "raft/replica_impl.h"

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

	grow_behind_a_marker(&mc, 4, 200, false);
	cr_expect_gt(copies_of(&mc), 0);
	mc_fini(&mc);
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
