/*
 * Random lives of a cluster of whole replicas, by seed; and what is broken on
 * purpose and must be found by them.
 */
#include <criterion/criterion.h>

#include "base/fault.h"
#include "base/mem.h"
#include "replica_cluster_life.h"

/* Pieces that run beside each other. */
#define PIECE 25

static void live_through(uint64_t piece)
{
	for (uint64_t i = 0; i < PIECE; i++) {
		uint64_t seed = piece * PIECE + i + 1;
		const char *wrong = rc_life(seed);

		cr_expect_null(wrong, "seed %u: %s", (unsigned)seed, wrong);
	}
}

Test(cluster_lives, end_well_0)
{
	live_through(0);
}

Test(cluster_lives, end_well_1)
{
	live_through(1);
}

Test(cluster_lives, end_well_2)
{
	live_through(2);
}

Test(cluster_lives, end_well_3)
{
	live_through(3);
}

Test(cluster_lives, end_well_4)
{
	live_through(4);
}

Test(cluster_lives, end_well_5)
{
	live_through(5);
}

Test(cluster_lives, end_well_6)
{
	live_through(6);
}

Test(cluster_lives, end_well_7)
{
	live_through(7);
}

Test(cluster_lives, a_seed_is_one_life)
{
	cr_expect_eq(rc_life_trace(77), rc_life_trace(77));
	cr_expect_neq(rc_life_trace(77), rc_life_trace(78));
}

#ifdef ENABLE_FAULTS
/* Found out within so many lives. */
static bool is_caught(const char *mutant, uint64_t first, uint64_t lives)
{
	bool found = false;

	fault_set_mutant(mutant);
	for (uint64_t i = 0; i < lives && !found; i++)
		found = rc_life(first + i) != NULL;
	return found;
}

Test(cluster_mutants, M01_ack_before_quorum_is_caught)
{
	cr_expect(is_caught("M01", 1, 3));
}

Test(cluster_mutants, M13_read_before_the_applied_index_is_caught)
{
	cr_expect(is_caught("M13", 1, 20));
}

Test(cluster_mutants, M15_cancel_not_recorded_is_caught)
{
	cr_expect(is_caught("M15", 30, 60));
}

Test(cluster_mutants, M51_slot_used_again_unresolved_is_caught)
{
	cr_expect(is_caught("M51", 1, 20));
}
#endif
