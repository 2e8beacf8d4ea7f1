/*
 * Timers under a manual clock.
 */
#include "base/timer.h"

#include <signal.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "base/random.h"

#define MANY 100

struct alarm {
	struct timer timer;
	struct room *room;
	char name;
	int again_ms; /* sets itself again; < 0: not */
	struct alarm *stops;
};

struct room {
	struct clock_manual clock;
	struct timers timers;
	char fired[256];
	unsigned changes;
};

static void count_change(struct timers *timers)
{
	container_of(timers, struct room, timers)->changes++;
}

static void ring(struct timer *timer)
{
	struct alarm *alarm = container_of(timer, struct alarm, timer);
	struct room *room = alarm->room;

	cr_assert_not(timer_is_set(timer));
	room->fired[strlen(room->fired)] = alarm->name;
	if (alarm->again_ms >= 0)
		timer_set(&room->timers, timer, (uint64_t)alarm->again_ms);
	if (alarm->stops != NULL)
		timer_stop(&room->timers, &alarm->stops->timer);
}

static void room_init(struct room *room)
{
	memset(room, 0, sizeof(*room));
	clock_manual_init(&room->clock, 1000, 0);
	timers_init(&room->timers, &room->clock.clock);
	room->timers.changed = count_change;
}

static struct alarm alarm_of(struct room *room, char name)
{
	struct alarm alarm = { .room = room, .name = name, .again_ms = -1 };

	timer_init(&alarm.timer, ring);
	return alarm;
}

static unsigned pass(struct room *room, uint64_t ms)
{
	clock_manual_advance(&room->clock, ms);
	return timers_run(&room->timers);
}

Test(timer, timers_fire_by_deadline_and_then_in_the_order_of_setting)
{
	struct room room;
	struct alarm a, b, c, d;

	room_init(&room);
	a = alarm_of(&room, 'a');
	b = alarm_of(&room, 'b');
	c = alarm_of(&room, 'c');
	d = alarm_of(&room, 'd');
	cr_assert_eq(timers_next(&room.timers), UINT64_MAX);
	timer_set(&room.timers, &d.timer, 30);
	timer_set(&room.timers, &b.timer, 20);
	timer_set(&room.timers, &a.timer, 10);
	timer_set(&room.timers, &c.timer, 20);
	cr_assert_eq(timers_next(&room.timers), 1010);
	cr_assert_eq(pass(&room, 9), 0);
	cr_assert_eq(pass(&room, 11), 3);
	cr_assert_str_eq(room.fired, "abc");
	cr_assert_eq(pass(&room, 100), 1);
	cr_assert_str_eq(room.fired, "abcd");
	timers_fini(&room.timers);
}

Test(timer, setting_again_moves_a_timer)
{
	struct room room;
	struct alarm a;

	room_init(&room);
	a = alarm_of(&room, 'a');
	timer_set(&room.timers, &a.timer, 10);
	timer_set(&room.timers, &a.timer, 50);
	cr_assert_eq(pass(&room, 20), 0);
	cr_assert(timer_is_set(&a.timer));
	cr_assert_eq(pass(&room, 30), 1);
	cr_assert_not(timer_is_set(&a.timer));
	timers_fini(&room.timers);
}

Test(timer, a_stopped_timer_does_not_fire)
{
	struct room room;
	struct alarm a, b;

	room_init(&room);
	a = alarm_of(&room, 'a');
	b = alarm_of(&room, 'b');
	timer_stop(&room.timers, &a.timer);
	timer_set(&room.timers, &a.timer, 10);
	timer_set(&room.timers, &b.timer, 10);
	a.stops = &b; /* both are due when it fires */
	cr_assert_eq(pass(&room, 10), 1);
	cr_assert_str_eq(room.fired, "a");
	timers_fini(&room.timers);
}

Test(timer, a_timer_that_sets_itself_waits_for_the_next_run, .timeout = 5)
{
	struct room room;
	struct alarm a;

	room_init(&room);
	a = alarm_of(&room, 'a');
	a.again_ms = 0;
	timer_set(&room.timers, &a.timer, 0);
	cr_assert_eq(timers_run(&room.timers), 1);
	cr_assert_eq(timers_run(&room.timers), 1);
	timer_stop(&room.timers, &a.timer);
	timers_fini(&room.timers);
}

Test(timer, a_change_of_the_earliest_deadline_is_told)
{
	struct room room;
	struct alarm a, b;

	room_init(&room);
	a = alarm_of(&room, 'a');
	b = alarm_of(&room, 'b');
	timer_set(&room.timers, &a.timer, 10);
	cr_assert_eq(room.changes, 1);
	timer_set(&room.timers, &b.timer, 20);
	cr_assert_eq(room.changes, 1);
	timer_stop(&room.timers, &a.timer);
	cr_assert_eq(room.changes, 2);
	pass(&room, 20);
	cr_assert_eq(room.changes, 3);
	timers_fini(&room.timers);
}

Test(timer, a_delay_for_ever_does_not_wrap)
{
	struct room room;
	struct alarm a;

	room_init(&room);
	a = alarm_of(&room, 'a');
	timer_set(&room.timers, &a.timer, UINT64_MAX);
	cr_assert_eq(pass(&room, 1000000), 0);
	timer_stop(&room.timers, &a.timer);
	timers_fini(&room.timers);
}

Test(timer, ending_with_a_set_timer_panics, .signal = SIGABRT)
{
	struct room room;
	struct alarm a;

	room_init(&room);
	a = alarm_of(&room, 'a');
	timer_set(&room.timers, &a.timer, 1);
	timers_fini(&room.timers);
}

/* The earliest of the set ones, found the slow way. */
static uint64_t earliest(const struct alarm *alarms)
{
	uint64_t at_ms = UINT64_MAX;

	for (int i = 0; i < MANY; i++)
		if (timer_is_set(&alarms[i].timer) &&
		    alarms[i].timer.at_ms < at_ms)
			at_ms = alarms[i].timer.at_ms;
	return at_ms;
}

Test(timer, the_root_is_the_earliest_whatever_was_set_and_stopped)
{
	struct random_seeded random;
	struct alarm alarms[MANY];
	struct room room;

	room_init(&room);
	random_seeded_init(&random, 3);
	for (int i = 0; i < MANY; i++)
		alarms[i] = alarm_of(&room, 'x');
	for (int step = 0; step < 5000; step++) {
		struct alarm *alarm =
			&alarms[random_range(&random.random, 0, MANY - 1)];
		uint64_t delay_ms = random_range(&random.random, 1, 50);

		if (random_range(&random.random, 0, 2) == 0)
			timer_stop(&room.timers, &alarm->timer);
		else
			timer_set(&room.timers, &alarm->timer, delay_ms);
		cr_assert_eq(timers_next(&room.timers), earliest(alarms));
		if (step % 10 == 0) {
			pass(&room, 1);
			memset(room.fired, 0, sizeof(room.fired));
			cr_assert_gt(earliest(alarms), room.clock.mono);
		}
	}
	for (int i = 0; i < MANY; i++)
		timer_stop(&room.timers, &alarms[i].timer);
	timers_fini(&room.timers);
}
