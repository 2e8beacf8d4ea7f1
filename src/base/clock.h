/*
 * Time as an argument: the clock is a table that production and tests fill.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
	/* Milliseconds that never go back; for every deadline and timeout. */
	uint64_t (*mono_ms)(struct clock *clock);
	/* Milliseconds since 1970 UTC; for dates shown to people only. */
	uint64_t (*wall_ms)(struct clock *clock);
};

static inline uint64_t clock_mono_ms(struct clock *clock)
{
	return clock->mono_ms(clock);
}

static inline uint64_t clock_wall_ms(struct clock *clock)
{
	return clock->wall_ms(clock);
}

/* A clock that stands until the test moves it. */
struct clock_manual {
	struct clock clock;
	uint64_t mono;
	uint64_t wall;
};

/* Both clocks stand where they are told. */
void clock_manual_init(struct clock_manual *clock, uint64_t mono_ms,
		       uint64_t wall_ms);

/* Moves both forward. */
void clock_manual_advance(struct clock_manual *clock, uint64_t ms);

#endif
