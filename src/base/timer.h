/*
 * Timers of one executor: a heap ordered by deadline, with no clock inside.
 *
 * Whoever owns the heap (io/loop or a test driver) asks timers_next for the
 * earliest deadline and calls timers_run when it has passed.
 */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct timer;

typedef void timer_fire(struct timer *timer);

/* Embedded in its owner; zeroed or timer_init before the first use. */
struct timer {
	timer_fire *fire;
	uint64_t at_ms; /* monotonic */
	uint64_t order; /* ties run in the order of setting */
	size_t pos;     /* 1-based place in the heap; 0 = not set */
};

struct timers {
	struct clock *clock;
	struct timer **heap;
	size_t count;
	size_t cap;
	uint64_t next_order;
	/* Called when the earliest deadline changed; may be NULL. */
	void (*changed)(struct timers *timers);
};

/* No timer set; `clock` is borrowed for the life of the heap. */
void timers_init(struct timers *timers, struct clock *clock);

/* No timer may be set. */
void timers_fini(struct timers *timers);

/* Not set; `fire` runs within timers_run. */
void timer_init(struct timer *timer, timer_fire *fire);

/* Fires once, `delay_ms` from now; a set timer is moved. */
void timer_set(struct timers *timers, struct timer *timer, uint64_t delay_ms);

/* Nothing happens if it is not set. */
void timer_stop(struct timers *timers, struct timer *timer);

static inline bool timer_is_set(const struct timer *timer)
{
	return timer->pos != 0;
}

/* Earliest deadline (monotonic ms), or UINT64_MAX if none is set. */
uint64_t timers_next(const struct timers *timers);

/* Fires what is due now; returns how many fired. */
unsigned timers_run(struct timers *timers);

#endif
