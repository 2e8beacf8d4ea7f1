#include <criterion/criterion.h>

#include "base/log.h"
#include "base/mem.h"
#include "body_world.h"
#include "host_disk.h"
#include "store/body_record.h"

#define BODIES 60
#define LEN 20000 /* twelve of them in a segment of the tests */

/* The state of the group, as the sweep asks for it. */
struct state {
	struct body_world w;
	struct sha256 names[BODIES];
	bool named[BODIES];
	bool resolved[2 * BODIES];
	struct body_sweep sweep;
	bool done;

	/* Called inside of is_named; may be NULL. */
	void (*asked)(struct state *s, unsigned body);
	unsigned times;
	unsigned ask_at;
	struct body_have have;
	enum err answer;
};

static void quiet(void *arg unused_arg, enum log_level level unused_arg,
		  const char *line unused_arg)
{
}

static bool is_resolved(void *arg, const struct body_hold *hold)
{
	struct state *s = arg;

	return s->resolved[hold->turn - 1];
}

static bool is_named(void *arg, const struct sha256 *hash)
{
	struct state *s = arg;
	unsigned i = 0;

	while (!sha256_eq(&s->names[i], hash))
		cr_assert_lt(++i, BODIES);
	if (s->asked)
		s->asked(s, i);
	return s->named[i];
}

static void sweep_done(struct body_sweep *sweep)
{
	((struct state *)sweep->owner)->done = true;
}

static void sweep_begin(struct state *s)
{
	s->done = false;
	s->sweep = (struct body_sweep){
		.home = &s->w.queue.executor,
		.owner = s,
		.is_resolved = is_resolved,
		.is_named = is_named,
		.arg = s,
	};
	body_sweep(s->w.store, &s->sweep, sweep_done);
}

static void sweep(struct state *s)
{
	sweep_begin(s);
	task_queue_drain(&s->w.queue);
	cr_assert(s->done);
}

static void put(struct state *s, unsigned body)
{
	struct buf octets = body_octets(body, LEN);
	struct body_hold hold = body_hold_of(body);
	struct body_result r = body_world_put(&s->w, buf_slice(&octets), &hold);

	cr_assert_eq(r.err, ERR_NONE);
	s->names[body] = r.hash;
	buf_fini(&octets);
}

static bool is_here(struct state *s, unsigned body)
{
	struct buf octets = body_octets(body, LEN);
	bool here = body_world_is(&s->w, buf_slice(&octets));

	buf_fini(&octets);
	return here;
}

static void state_init(struct state *s)
{
	*s = (struct state){ 0 };
	log_set_sink(quiet, NULL);
	body_world_init(&s->w);
	cr_assert_eq(body_world_open(&s->w, false), ERR_NONE);
	body_store_caught_up(s->w.store, true);
	for (unsigned i = 0; i < BODIES; i++)
		put(s, i);
}

static void resolve(struct state *s, unsigned body, bool named)
{
	s->named[body] = named;
	s->resolved[body] = true;
}

static void reopen(struct state *s, bool clean)
{
	task_queue_drain(&s->w.queue);
	cr_assert_eq(body_store_close(&s->w.store, clean), ERR_NONE);
	cr_assert_eq(body_world_open(&s->w, clean), ERR_NONE);
	body_store_caught_up(s->w.store, true);
}

static struct body_stats stats_of(struct state *s)
{
	struct body_stats stats;

	body_store_get_stats(s->w.store, &stats);
	return stats;
}

static void hold_count(void *arg, const struct sha256 *hash unused_arg,
		       const struct body_hold *hold unused_arg)
{
	++*(unsigned *)arg;
}

static unsigned holds_of(struct state *s)
{
	unsigned count = 0;

	cr_assert_eq(body_store_holds(s->w.store, hold_count, &count),
		     ERR_NONE);
	return count;
}

Test(body_sweep, takes_nothing_while_holds_stand)
{
	struct state s;

	state_init(&s);
	sweep(&s);
	cr_assert_eq(s.sweep.err, ERR_NONE);
	cr_assert_eq(s.sweep.bodies, 0);
	cr_assert_eq(s.sweep.holds, 0);
	for (unsigned i = 0; i < BODIES; i++)
		cr_assert(is_here(&s, i));
	body_world_fini(&s.w);
}

Test(body_sweep, takes_what_nobody_names)
{
	struct state s;

	state_init(&s);
	for (unsigned i = 0; i < BODIES; i++)
		resolve(&s, i, i % 3 == 0);
	sweep(&s);
	cr_assert_eq(s.sweep.err, ERR_NONE);
	cr_assert_eq(s.sweep.bodies, BODIES / 3 * 2);
	cr_assert_eq(s.sweep.holds, BODIES);
	for (unsigned i = 0; i < BODIES; i++)
		cr_assert_eq(is_here(&s, i), i % 3 == 0);
	cr_assert_eq(holds_of(&s), 0);
	body_world_fini(&s.w);
}

/* A group is parked while the sweep is at work. */
static void park_in_between(struct state *s, unsigned body unused_arg)
{
	body_store_caught_up(s->w.store, false);
}

Test(body_sweep, waits_until_all_groups_have_caught_up)
{
	struct state s;

	state_init(&s);
	for (unsigned i = 0; i < BODIES; i++)
		resolve(&s, i, false);
	body_store_caught_up(s.w.store, false);
	sweep(&s);
	cr_assert_eq(s.sweep.err, ERR_UNAVAILABLE);
	body_store_caught_up(s.w.store, true);

	s.asked = park_in_between;
	sweep(&s);
	cr_assert_eq(s.sweep.err, ERR_UNAVAILABLE);
	cr_assert_eq(s.sweep.bodies, 0);
	for (unsigned i = 0; i < BODIES; i++)
		cr_assert(is_here(&s, i));
	body_world_fini(&s.w);
}

static void have_done(struct body_have *have)
{
	((struct state *)have->owner)->answer = have->err;
}

/* Asks for body 0 while the sweep asks about it for the n-th time. */
static void ask_in_between(struct state *s, unsigned body)
{
	if (body != 0 || ++s->times != s->ask_at)
		return;
	s->have = (struct body_have){
		.home = &s->w.queue.executor,
		.owner = s,
		.hold = body_hold_of(BODIES),
		.hash = s->names[0],
	};
	body_have(s->w.store, &s->have, have_done);
}

static void sweep_while_asked(struct state *s, unsigned ask_at)
{
	state_init(s);
	for (unsigned i = 0; i < BODIES; i++)
		resolve(s, i, false);
	s->answer = ERR_BUSY;
	s->asked = ask_in_between;
	s->ask_at = ask_at;
	sweep(s);
}

Test(body_sweep, sees_a_hold_that_came_before_its_decision)
{
	struct state s;

	sweep_while_asked(&s, 1);
	cr_assert_eq(s.times, 1, "the second look stops at the hold");
	cr_assert_eq(s.answer, ERR_NONE);
	cr_assert(is_here(&s, 0));
	cr_assert_eq(s.sweep.bodies, BODIES - 1);
	body_world_fini(&s.w);
}

Test(body_sweep, is_seen_by_a_question_that_came_after_its_decision)
{
	struct state s;

	sweep_while_asked(&s, 2);
	cr_assert_eq(s.answer, ERR_MISSING_BODY);
	cr_assert_not(is_here(&s, 0));
	cr_assert_eq(s.sweep.bodies, BODIES);
	put(&s, 0);
	cr_assert(is_here(&s, 0), "written again");
	body_world_fini(&s.w);
}

/* A row turns up between the looks, the operation being resolved by it. */
static void name_in_between(struct state *s, unsigned body)
{
	if (body == 0 && ++s->times == 2)
		s->named[0] = true;
}

Test(body_sweep, sees_a_row_that_came_before_its_decision)
{
	struct state s;

	state_init(&s);
	for (unsigned i = 0; i < BODIES; i++)
		resolve(&s, i, false);
	s.asked = name_in_between;
	sweep(&s);
	cr_assert(is_here(&s, 0));
	cr_assert_eq(s.sweep.bodies, BODIES - 1);
	body_world_fini(&s.w);
}

/* ---- compaction ---- */

Test(body_compact, gives_thin_segments_back)
{
	struct body_stats before;
	struct body_stats after;
	struct state s;

	state_init(&s);
	cr_assert_eq(body_world_checkpoint(&s.w), ERR_NONE);
	before = stats_of(&s);
	for (unsigned i = 0; i < BODIES; i++)
		resolve(&s, i, i % 5 == 0);
	sweep(&s);
	cr_assert_eq(s.sweep.err, ERR_NONE);
	after = stats_of(&s);
	cr_assert_gt(s.sweep.octets, before.segment_octets / 2);
	cr_assert_lt(after.segment_octets, before.segment_octets / 2);
	cr_assert_eq(after.live_octets, BODIES / 5 * body_record_size(LEN));
	for (unsigned i = 0; i < BODIES; i++)
		cr_assert_eq(is_here(&s, i), i % 5 == 0);
	reopen(&s, true);
	for (unsigned i = 0; i < BODIES; i++)
		cr_assert_eq(is_here(&s, i), i % 5 == 0);
	body_world_fini(&s.w);
}

Test(body_compact, comes_to_an_end_and_has_nothing_to_do_then)
{
	struct state s;

	state_init(&s);
	for (unsigned i = 0; i < BODIES; i++)
		resolve(&s, i, i % 5 == 0);
	sweep(&s);
	sweep(&s);
	cr_assert_eq(s.sweep.octets, 0);
	body_world_fini(&s.w);
}

Test(body_compact, takes_holds_along)
{
	struct disk *disk;
	struct state s;
	char *path;

	state_init(&s);
	/* More holds on body 59, told by segments whose bodies go. */
	for (unsigned i = 0; i < BODIES - 1; i++)
		resolve(&s, i, false);
	for (unsigned i = 0; i < 8; i++) {
		struct body_hold hold = body_hold_of(BODIES + i);

		cr_assert_eq(body_world_have(&s.w, &s.names[BODIES - 1], &hold),
			     ERR_NONE);
	}
	reopen(&s, true); /* closes the current segment */
	sweep(&s);
	cr_assert_eq(s.sweep.bodies, BODIES - 1);
	cr_assert_eq(holds_of(&s), 9);

	/* The segments are the truth: they tell it without the index. */
	task_queue_drain(&s.w.queue);
	cr_assert_eq(body_store_close(&s.w.store, true), ERR_NONE);
	disk = disk_sim_disk(s.w.sim);
	path = host_path(s.w.dir, "index/checkpoint");
	cr_assert_eq(disk->unlink(disk, path), ERR_NONE);
	mem_free(path);
	cr_assert_eq(body_world_open(&s.w, false), ERR_NONE);
	cr_assert_eq(holds_of(&s), 9);
	cr_assert(is_here(&s, BODIES - 1));
	body_world_fini(&s.w);
}

Test(body_compact, leaves_what_it_cannot_read_where_it_is)
{
	struct sha256 name;
	uint64_t length;
	struct state s;

	state_init(&s);
	for (unsigned i = 0; i < BODIES; i++)
		resolve(&s, i, i == 0 || i == 1);
	disk_sim_flip(s.w.sim, body_world_segment(0), BODY_HEADER_SIZE + 100,
		      1);
	sweep(&s);
	cr_assert_eq(s.sweep.err, ERR_NONE);
	name = s.names[0];
	cr_assert_eq(body_length(s.w.store, &name, &length), ERR_NONE);
	cr_assert_eq(body_check(s.w.store, &name), ERR_CORRUPT);
	cr_assert(is_here(&s, 1));
	task_queue_drain(&s.w.queue);

	/* Once it is known to be damaged, the segment goes as well. */
	sweep(&s);
	cr_assert_eq(s.sweep.err, ERR_NONE);
	cr_assert_gt(s.sweep.octets, 0);
	cr_assert(is_here(&s, 1));
	body_world_fini(&s.w);
}

Test(body_compact, on_a_full_disk_loses_nothing)
{
	struct state s;

	state_init(&s);
	for (unsigned i = 0; i < BODIES; i++)
		resolve(&s, i, i % 5 == 0);
	disk_sim_fail(s.w.sim, DISK_SIM_ALLOCATE, 1, 1, ERR_FULL);
	sweep(&s);
	cr_assert_eq(s.sweep.err, ERR_FULL);
	for (unsigned i = 0; i < BODIES; i += 5)
		cr_assert(is_here(&s, i));
	sweep(&s);
	cr_assert_eq(s.sweep.err, ERR_NONE);
	cr_assert_gt(s.sweep.octets, 0);
	for (unsigned i = 0; i < BODIES; i += 5)
		cr_assert(is_here(&s, i));
	body_world_fini(&s.w);
}

Test(body_compact, may_be_read_through_at_every_step)
{
	struct state s;

	state_init(&s);
	for (unsigned i = 0; i < BODIES; i++)
		resolve(&s, i, i % 5 == 0);
	sweep_begin(&s);
	for (unsigned i = 0; task_queue_step(&s.w.queue); i++)
		cr_assert(is_here(&s, i % (BODIES / 5) * 5));
	cr_assert(s.done);
	body_world_fini(&s.w);
}
