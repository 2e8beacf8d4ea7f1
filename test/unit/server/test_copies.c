#include <criterion/criterion.h>

#include "server/copies.h"

#define HOUR_MS (3600ull * 1000)

static bool abandoned(uint32_t node, uint32_t start, uint64_t age_ms)
{
	struct op_id copy = {
		.proposer = (uint64_t)node << 32 | start,
		.turn = 1,
	};

	return copies_is_abandoned(&copy, 100 * HOUR_MS, 7, 20,
				   100 * HOUR_MS + age_ms);
}

Test(copies, of_an_earlier_life_of_this_node_are_abandoned)
{
	cr_assert(abandoned(7, 19, 0));
	cr_assert(abandoned(7, 1, 0));
}

Test(copies, under_way_are_left_alone_for_an_hour)
{
	cr_assert(!abandoned(7, 20, 0));
	cr_assert(!abandoned(7, 20, HOUR_MS));
	cr_assert(abandoned(7, 20, HOUR_MS + 1));
}

Test(copies, of_other_nodes_are_left_alone_for_an_hour)
{
	cr_assert(!abandoned(6, 1, 0));
	cr_assert(!abandoned(8, 19, HOUR_MS));
	cr_assert(abandoned(8, 19, HOUR_MS + 1));
}

Test(copies, from_a_clock_that_was_ahead_are_not_old)
{
	struct op_id copy = { .proposer = (uint64_t)7 << 32 | 20, .turn = 1 };

	cr_assert(!copies_is_abandoned(&copy, 200 * HOUR_MS, 7, 20, HOUR_MS));
}
