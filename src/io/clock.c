/*
 * The machine's clock: CLOCK_MONOTONIC for deadlines, CLOCK_REALTIME for
 * people. Neither can fail on Linux.
 */
#include "io/clock.h"

#include <time.h>

#include "base/attr.h"
#include "base/panic.h"

static uint64_t clock_read_ms(clockid_t id)
{
	struct timespec now;

	MUST(clock_gettime(id, &now) == 0);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t clock_system_mono_ms(unused_arg struct clock *clock)
{
	return clock_read_ms(CLOCK_MONOTONIC);
}

static uint64_t clock_system_wall_ms(unused_arg struct clock *clock)
{
	return clock_read_ms(CLOCK_REALTIME);
}

struct clock *io_clock(void)
{
	/* tidy: allow globals: never written to, only called */
	static struct clock clock = {
		.mono_ms = clock_system_mono_ms,
		.wall_ms = clock_system_wall_ms,
	};

	return &clock;
}
