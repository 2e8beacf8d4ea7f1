/*
 * Timers: a binary heap of pointers, each timer knowing its place in it.
 *
 * The root is the earliest. Equal deadlines keep the order in which they were
 * set, so that a run under a manual clock is the same each time.
 */
#include "base/timer.h"

#include "base/mem.h"
#include "base/panic.h"

#define HEAP_CAP_MIN 16 /* timers */

void timers_init(struct timers *timers, struct clock *clock)
{
	*timers = (struct timers){ .clock = clock };
}

void timers_fini(struct timers *timers)
{
	MUST(timers->count == 0);
	mem_free(timers->heap);
	timers->heap = NULL;
	timers->cap = 0;
}

void timer_init(struct timer *timer, timer_fire *fire)
{
	*timer = (struct timer){ .fire = fire };
}

/* Places count from 1, as `pos` does: the children of n are 2n and 2n + 1. */
static struct timer *heap_at(const struct timers *timers, size_t pos)
{
	return timers->heap[pos - 1];
}

static void heap_put(struct timers *timers, size_t pos, struct timer *timer)
{
	timers->heap[pos - 1] = timer;
	timer->pos = pos;
}

static bool is_before(const struct timer *a, const struct timer *b)
{
	if (a->at_ms != b->at_ms)
		return a->at_ms < b->at_ms;
	return a->order < b->order;
}

/* Moves the hole at `pos` towards the root until `timer` may stand in it. */
static void heap_up(struct timers *timers, size_t pos, struct timer *timer)
{
	while (pos > 1 && is_before(timer, heap_at(timers, pos / 2))) {
		heap_put(timers, pos, heap_at(timers, pos / 2));
		pos /= 2;
	}
	heap_put(timers, pos, timer);
}

/* The same away from the root. */
static void heap_down(struct timers *timers, size_t pos, struct timer *timer)
{
	size_t child;

	while ((child = 2 * pos) <= timers->count) {
		if (child < timers->count &&
		    is_before(heap_at(timers, child + 1),
			      heap_at(timers, child)))
			child++;
		if (!is_before(heap_at(timers, child), timer))
			break;
		heap_put(timers, pos, heap_at(timers, child));
		pos = child;
	}
	heap_put(timers, pos, timer);
}

static void heap_add(struct timers *timers, struct timer *timer)
{
	if (timers->count == timers->cap) {
		timers->cap = timers->cap > 0 ? 2 * timers->cap : HEAP_CAP_MIN;
		timers->heap = mem_realloc(timers->heap,
					   timers->cap * sizeof(*timers->heap));
	}
	timers->count++;
	heap_up(timers, timers->count, timer);
}

static void heap_remove(struct timers *timers, struct timer *timer)
{
	size_t pos = timer->pos;
	struct timer *last = heap_at(timers, timers->count);

	MUST(pos <= timers->count && heap_at(timers, pos) == timer);
	timer->pos = 0;
	timers->count--;
	if (last == timer)
		return;
	if (pos > 1 && is_before(last, heap_at(timers, pos / 2)))
		heap_up(timers, pos, last);
	else
		heap_down(timers, pos, last);
}

static void tell_change(struct timers *timers, uint64_t before_ms)
{
	if (timers->changed != NULL && timers_next(timers) != before_ms)
		timers->changed(timers);
}

void timer_set(struct timers *timers, struct timer *timer, uint64_t delay_ms)
{
	uint64_t before_ms = timers_next(timers);
	uint64_t now_ms = clock_mono_ms(timers->clock);

	if (timer_is_set(timer))
		heap_remove(timers, timer);
	if (__builtin_add_overflow(now_ms, delay_ms, &timer->at_ms))
		timer->at_ms = UINT64_MAX;
	timer->order = timers->next_order++;
	heap_add(timers, timer);
	tell_change(timers, before_ms);
}

void timer_stop(struct timers *timers, struct timer *timer)
{
	uint64_t before_ms = timers_next(timers);

	if (!timer_is_set(timer))
		return;
	heap_remove(timers, timer);
	tell_change(timers, before_ms);
}

uint64_t timers_next(const struct timers *timers)
{
	return timers->count > 0 ? heap_at(timers, 1)->at_ms : UINT64_MAX;
}

/*
 * A timer that is set while others fire waits for the next call, even with no
 * delay: else one that sets itself again would keep its loop from everything
 * else.
 */
unsigned timers_run(struct timers *timers)
{
	uint64_t before_ms = timers_next(timers);
	uint64_t now_ms = clock_mono_ms(timers->clock);
	uint64_t new_order = timers->next_order;
	unsigned fired = 0;

	while (timers->count > 0) {
		struct timer *timer = heap_at(timers, 1);

		if (timer->at_ms > now_ms || timer->order >= new_order)
			break;
		heap_remove(timers, timer);
		timer->fire(timer); /* may free it */
		fired++;
	}
	tell_change(timers, before_ms);
	return fired;
}
