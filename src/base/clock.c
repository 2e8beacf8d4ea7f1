/*
 * The clock of tests: two numbers that the test moves.
 */
#include "base/clock.h"

#include "base/attr.h"

static uint64_t manual_mono_ms(struct clock *clock)
{
	return container_of(clock, struct clock_manual, clock)->mono;
}

static uint64_t manual_wall_ms(struct clock *clock)
{
	return container_of(clock, struct clock_manual, clock)->wall;
}

void clock_manual_init(struct clock_manual *clock, uint64_t mono_ms,
		       uint64_t wall_ms)
{
	clock->clock.mono_ms = manual_mono_ms;
	clock->clock.wall_ms = manual_wall_ms;
	clock->mono = mono_ms;
	clock->wall = wall_ms;
}

void clock_manual_advance(struct clock_manual *clock, uint64_t ms)
{
	clock->mono += ms;
	clock->wall += ms;
}
