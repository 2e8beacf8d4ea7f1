/*
 * The clock of tests.
 */
#include "base/clock.h"

#include <criterion/criterion.h>

Test(clock, a_manual_clock_stands_until_it_is_moved)
{
	struct clock_manual clock;

	clock_manual_init(&clock, 5, 1000);
	cr_assert_eq(clock_mono_ms(&clock.clock), 5);
	cr_assert_eq(clock_wall_ms(&clock.clock), 1000);
	clock_manual_advance(&clock, 10);
	cr_assert_eq(clock_mono_ms(&clock.clock), 15);
	cr_assert_eq(clock_wall_ms(&clock.clock), 1010);
}
