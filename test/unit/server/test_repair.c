/*
 * What rows name and a node lacks, or has damaged, comes back by itself.
 */
#include <criterion/criterion.h>

#include "base/log.h"
#include "base/mem.h"
#include "server/repair.h"
#include "store/body_record.h"
#include "town.h"

#define SIZE 1000
#define SCRUB_MS (1000 * 1000ull)

struct bench {
	struct town *town;
	struct repair *repair;
	unsigned named; /* bodies 0 .. named - 1 */
	unsigned most;  /* fetches at a time */
};

static void quiet(void *arg unused_arg, enum log_level level unused_arg,
		  const char *line unused_arg)
{
}

static bool names(void *arg, bool missing unused_arg,
		  struct repair_place *place, struct repair_name *list,
		  unsigned max, unsigned *count_r)
{
	struct bench *b = arg;

	*count_r = 0;
	while (*count_r < max && place->uid < b->named) {
		struct buf octets = body_octets(place->uid++, SIZE);
		struct repair_name *name = &list[(*count_r)++];

		name->group = TOWN_GROUP;
		sha256(buf_slice(&octets), &name->hash);
		buf_fini(&octets);
	}
	return place->uid < b->named;
}

/* The first node has those below `here`; the others have all. */
static struct bench *bench_new(unsigned named, unsigned here, uint64_t scrub_ms)
{
	struct bench *b = mem_zalloc(1, sizeof(*b));
	struct town_node *node;
	struct repair_config config;

	log_set_sink(quiet, NULL);
	b->town = town_new(3);
	b->named = named;
	for (unsigned i = 0; i < named; i++) {
		struct buf octets = body_octets(i, SIZE);

		for (unsigned n = i < here ? 0 : 1; n < 3; n++)
			cr_assert_eq(body_world_put(&b->town->nodes[n].world,
						    buf_slice(&octets), NULL)
					     .err,
				     ERR_NONE);
		buf_fini(&octets);
	}
	node = &b->town->nodes[0];
	config = (struct repair_config){
		.courier = node->courier,
		.bodies = node->world.store,
		.home = &node->world.queue.executor,
		.timers = &node->timers,
		.clock = &b->town->clock.clock,
		.pool = &node->world.queue.executor,
		.scrub_ms = scrub_ms,
		.names = names,
		.arg = b,
	};
	b->repair = repair_new(&config);
	return b;
}

static void bench_free(struct bench *b)
{
	repair_stop(b->repair);
	courier_stop(b->town->nodes[0].courier);
	town_run(b->town);
	cr_assert(!repair_is_busy(b->repair));
	repair_free(&b->repair);
	town_free(&b->town);
	mem_free(b);
}

static bool has_all(struct bench *b)
{
	for (unsigned i = 0; i < b->named; i++) {
		struct buf octets = body_octets(i, SIZE);
		bool has = body_world_is(&b->town->nodes[0].world,
					 buf_slice(&octets));

		buf_fini(&octets);
		if (!has)
			return false;
	}
	return true;
}

static struct repair_status status_of(struct bench *b)
{
	struct repair_status status;

	repair_get_status(b->repair, &status);
	return status;
}

Test(repair, brings_all_that_is_missing_and_nothing_else)
{
	struct bench *b = bench_new(700, 300, 0);
	struct repair_status status;

	town_pass(b->town, 10000);
	status = status_of(b);
	cr_assert(has_all(b));
	cr_assert_eq(status.missing.rounds, 1);
	cr_assert_eq(status.missing.looked, 700);
	cr_assert_eq(status.missing.lacked, 400);
	cr_assert_eq(status.missing.mended, 400);
	cr_assert_eq(status.missing.failed, 0);
	cr_assert_eq(b->town->nodes[0].fetched, 400);
	/* That the others are here is told, too: the table thought not. */
	cr_assert_eq(b->town->nodes[0].came, 700);
	bench_free(b);
}

Test(repair, of_what_nobody_has_is_told_and_tried_again)
{
	struct bench *b = bench_new(5, 5, 0);

	b->named = 6;
	town_pass(b->town, 10000);
	cr_assert_eq(status_of(b).missing.failed, 1);
	town_pass(b->town, 2 * REPAIR_RETRY_MS);
	cr_assert_geq(status_of(b).missing.rounds, 2);
	bench_free(b);
}

Test(repair, comes_at_once_when_it_is_woken)
{
	struct bench *b = bench_new(10, 10, 0);
	struct buf octets = body_octets(10, SIZE);

	town_pass(b->town, 10000);
	cr_assert_eq(status_of(b).missing.rounds, 1);
	cr_assert_eq(body_world_put(&b->town->nodes[2].world,
				    buf_slice(&octets), NULL)
			     .err,
		     ERR_NONE);
	b->named++;
	repair_wake(b->repair);
	town_pass(b->town, 1000);
	cr_assert(has_all(b));
	buf_fini(&octets);
	bench_free(b);
}

Test(repair, scrub_finds_and_mends_a_flipped_bit)
{
	struct bench *b = bench_new(20, 20, SCRUB_MS);
	struct repair_status status;

	town_flip(b->town, 0, BODY_HEADER_SIZE + 100);
	for (unsigned s = 0; s < 1200 && !status_of(b).scrub.rounds; s++)
		town_pass(b->town, 1000);
	status = status_of(b);
	cr_assert_eq(status.scrub.rounds, 1);
	cr_assert_eq(status.scrub.looked, 20);
	cr_assert_eq(status.scrub.lacked, 1);
	cr_assert_eq(status.scrub.mended, 1);
	cr_assert(has_all(b));
	bench_free(b);
}

Test(repair, scrub_takes_its_time)
{
	struct bench *b = bench_new(20, 20, SCRUB_MS);

	town_pass(b->town, REPAIR_SCRUB_SLOW_MS + SCRUB_MS / 2);
	cr_assert_gt(status_of(b).scrub.looked, 7);
	cr_assert_lt(status_of(b).scrub.looked, 13);
	bench_free(b);
}

Test(repair, stops_at_any_moment)
{
	for (unsigned steps = 0; steps < 100; steps++) {
		struct bench *b = bench_new(5, 0, SCRUB_MS);

		clock_manual_advance(&b->town->clock, REPAIR_SCRUB_SLOW_MS);
		timers_run(&b->town->nodes[0].timers);
		for (unsigned i = 0; i < steps; i++)
			town_step(b->town);
		bench_free(b);
	}
}
