/*
 * A body that a row names and a node lacks is fetched from who has it.
 */
#include <criterion/criterion.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/body_record.h"
#include "town.h"

#define WAITERS 20
#define SMALL 1000
#define LARGE (5 * BODY_CHUNK + 17)

static const size_t lengths[] = { 0, 1, SMALL, BODY_CHUNK, LARGE };

struct want {
	struct courier_fetch fetch;
	bool done;
};

static void quiet(void *arg unused_arg, enum log_level level unused_arg,
		  const char *line unused_arg)
{
}

static struct town *town_quiet(unsigned count)
{
	log_set_sink(quiet, NULL);
	return town_new(count);
}

static void fetched(struct courier_fetch *fetch)
{
	struct want *want = fetch->owner;

	cr_assert(!want->done);
	want->done = true;
}

static void want_it(struct town *town, unsigned node, struct slice octets,
		    struct want *want)
{
	*want = (struct want){
		.fetch = {
			.home = &town->nodes[node].world.queue.executor,
			.owner = want,
			.group = TOWN_GROUP,
		},
	};
	sha256(octets, &want->fetch.hash);
	courier_fetch(town->nodes[node].courier, &want->fetch, fetched);
	cr_assert(!want->done, "never at once");
}

/* Puts it into the stores of `nodes`: bits. */
static void given(struct town *town, uint64_t nodes, struct slice octets)
{
	for (unsigned i = 0; i < town->count; i++)
		if (nodes >> i & 1)
			cr_assert_eq(body_world_put(&town->nodes[i].world,
						    octets, NULL)
					     .err,
				     ERR_NONE);
}

static enum err fetch_at(struct town *town, unsigned node, struct slice octets)
{
	struct want want;

	want_it(town, node, octets, &want);
	town_run(town);
	town_pass(town, 30000);
	cr_assert(want.done);
	return want.fetch.err;
}

Test(fetch, brings_a_body_of_any_length)
{
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct buf octets = body_octets(i, lengths[i]);
		struct town *town = town_quiet(3);

		given(town, 4, buf_slice(&octets));
		cr_assert_eq(fetch_at(town, 0, buf_slice(&octets)), ERR_NONE);
		cr_assert_eq(town_who_has(town, buf_slice(&octets)), 5);
		cr_assert_eq(town->nodes[0].came, 1);
		town_free(&town);
		buf_fini(&octets);
	}
}

Test(fetch, of_a_body_that_is_here_asks_nobody)
{
	struct buf octets = body_octets(1, SMALL);
	struct town *town = town_quiet(3);

	given(town, 7, buf_slice(&octets));
	cr_assert_eq(fetch_at(town, 0, buf_slice(&octets)), ERR_NONE);
	cr_assert_eq(town->nodes[0].opened, 0);
	town_free(&town);
	buf_fini(&octets);
}

Test(fetch, is_done_once_however_many_wait)
{
	struct buf octets = body_octets(1, LARGE);
	struct town *town = town_quiet(2);
	struct want wants[WAITERS];

	given(town, 2, buf_slice(&octets));
	for (unsigned i = 0; i < WAITERS; i++) {
		want_it(town, 0, buf_slice(&octets), &wants[i]);
		town_step(town);
	}
	town_run(town);
	for (unsigned i = 0; i < WAITERS; i++) {
		cr_assert(wants[i].done);
		cr_assert_eq(wants[i].fetch.err, ERR_NONE);
	}
	cr_assert_eq(town->nodes[0].fetched, 1);
	town_free(&town);
	buf_fini(&octets);
}

Test(fetch, of_many_bodies_waits_for_its_turn)
{
	struct town *town = town_quiet(2);
	struct want wants[80];

	for (unsigned i = 0; i < ARRAY_LEN(wants); i++) {
		struct buf octets = body_octets(i, SMALL);

		given(town, 2, buf_slice(&octets));
		want_it(town, 0, buf_slice(&octets), &wants[i]);
		buf_fini(&octets);
	}
	town_run(town);
	for (unsigned i = 0; i < ARRAY_LEN(wants); i++)
		cr_assert(wants[i].done && !wants[i].fetch.err);
	town_free(&town);
}

Test(fetch, that_nobody_can_answer_says_so)
{
	struct buf octets = body_octets(1, SMALL);
	struct town *town = town_quiet(3);

	cr_assert_eq(fetch_at(town, 0, buf_slice(&octets)), ERR_MISSING_BODY);
	cr_assert_eq(town->nodes[0].fetched, 2);
	town_free(&town);
	buf_fini(&octets);
}

Test(fetch, does_not_call_lost_what_a_node_away_may_have)
{
	struct buf octets = body_octets(1, SMALL);
	struct town *town = town_quiet(3);

	given(town, 4, buf_slice(&octets));
	town_isolate(town, 2);
	cr_assert_eq(fetch_at(town, 0, buf_slice(&octets)), ERR_UNAVAILABLE);
	town_free(&town);
	buf_fini(&octets);
}

Test(fetch, finds_it_when_the_node_comes_back)
{
	struct buf octets = body_octets(1, SMALL);
	struct town *town = town_quiet(3);
	struct want want;

	given(town, 4, buf_slice(&octets));
	town_isolate(town, 2);
	want_it(town, 0, buf_slice(&octets), &want);
	town_pass(town, 5000);
	cr_assert(!want.done);
	town_join(town, 0, 2);
	town_pass(town, 2000);
	cr_assert(want.done);
	cr_assert_eq(want.fetch.err, ERR_NONE);
	town_free(&town);
	buf_fini(&octets);
}

Test(fetch, goes_on_to_the_next_when_a_node_stalls)
{
	struct buf octets = body_octets(1, LARGE);

	for (unsigned slow = 1; slow < 3; slow++) {
		struct town *town = town_quiet(3);

		given(town, 6, buf_slice(&octets));
		town->nodes[slow].frozen = true;
		cr_assert_eq(fetch_at(town, 0, buf_slice(&octets)), ERR_NONE);
		town_free(&town);
	}
	buf_fini(&octets);
}

/* A copy with a flipped bit at one node, a good one at the other. */
static bool is_right_after_a_flip(unsigned bad, size_t len, uint64_t offset)
{
	struct buf octets = body_octets(1, len);
	struct town *town = town_quiet(3);
	bool right;

	given(town, 6, buf_slice(&octets));
	town_flip(town, bad, BODY_HEADER_SIZE + offset);
	right = fetch_at(town, 0, buf_slice(&octets)) == ERR_NONE &&
		body_world_is(&town->nodes[0].world, buf_slice(&octets));
	town_free(&town);
	buf_fini(&octets);
	return right;
}

Test(fetch, takes_no_damaged_copy)
{
	for (unsigned bad = 1; bad < 3; bad++) {
		cr_assert(is_right_after_a_flip(bad, SMALL, 100));
		cr_assert(is_right_after_a_flip(bad, LARGE, 4 * BODY_CHUNK));
	}
}

Test(fetch, mends_the_own_copy)
{
	struct buf octets = body_octets(1, SMALL);
	struct town *town = town_quiet(2);
	struct sha256 name;
	uint8_t octet;
	size_t got;

	sha256(buf_slice(&octets), &name);
	given(town, 3, buf_slice(&octets));
	town_flip(town, 0, BODY_HEADER_SIZE + 100);
	cr_assert_eq(body_read(town->nodes[0].world.store, &name, 0, &octet, 1,
			       &got),
		     ERR_CORRUPT);
	town_run(town); /* the store notes it */
	cr_assert_eq(fetch_at(town, 0, buf_slice(&octets)), ERR_NONE);
	cr_assert_eq(town_who_has(town, buf_slice(&octets)), 3);
	town_free(&town);
	buf_fini(&octets);
}

Test(fetch, tells_that_the_own_disk_is_full)
{
	struct buf octets = body_octets(1, SMALL);
	struct town *town = town_quiet(2);

	given(town, 2, buf_slice(&octets));
	disk_sim_set_space(town->nodes[0].world.sim, 0);
	cr_assert_eq(fetch_at(town, 0, buf_slice(&octets)), ERR_FULL);
	town_free(&town);
	buf_fini(&octets);
}

Test(fetch, is_refused_to_who_may_not_read)
{
	struct buf octets = body_octets(1, SMALL);
	struct town *town = town_quiet(2);

	given(town, 2, buf_slice(&octets));
	town->nodes[0].may_not = true;
	cr_assert_eq(fetch_at(town, 0, buf_slice(&octets)), ERR_UNAVAILABLE);
	town_free(&town);
	buf_fini(&octets);
}

/* Cuts the link, or stops the fetcher, after so many steps; true: over. */
static bool ends_after(unsigned steps, size_t len, bool stop)
{
	struct buf octets = body_octets(1, len);
	struct town *town = town_quiet(2);
	struct want want;
	bool over;

	given(town, 2, buf_slice(&octets));
	want_it(town, 0, buf_slice(&octets), &want);
	while (steps-- > 0)
		town_step(town);
	over = want.done;
	if (stop)
		courier_stop(town->nodes[0].courier);
	else
		town_cut(town, 0, 1);
	town_pass(town, 30000);
	cr_assert(want.done);
	if (!want.fetch.err)
		cr_assert_eq(town_who_has(town, buf_slice(&octets)), 3);
	else
		cr_assert_eq(want.fetch.err, ERR_UNAVAILABLE);
	town_free(&town);
	buf_fini(&octets);
	return over;
}

Test(fetch, ends_when_the_link_dies_or_the_node_stops_at_any_moment)
{
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
		for (unsigned stop = 0; stop < 2; stop++) {
			unsigned steps = 0;

			while (!ends_after(steps, lengths[i], stop))
				cr_assert_lt(++steps, 1000);
		}
}

#ifdef ENABLE_FAULTS

Test(fetch, M45_a_flipped_bit_that_nobody_checks_is_noticed)
{
	unsigned wrong = 0;

	fault_set_mutant("M45");
	for (unsigned bad = 1; bad < 3; bad++)
		wrong += !is_right_after_a_flip(bad, SMALL, 100);
	fault_set_mutant(NULL);
	cr_assert_gt(wrong, 0);
}

#endif

/* ---- give ---- */

struct gift {
	struct courier_give give;
	struct sha256 hashes[COURIER_HASHES_MAX];
	bool done;
};

static void gave(struct courier_give *give)
{
	struct gift *gift = give->owner;

	cr_assert(!gift->done);
	gift->done = true;
}

static struct body_hold group_hold(uint64_t turn)
{
	return (struct body_hold){
		.group = TOWN_GROUP,
		.slot = 1,
		.proposer = 1ull << 32 | 1,
		.turn = turn,
	};
}

/* Bodies 0 .. count - 1, given by a node. */
static struct gift *gift_new(struct town *town, unsigned node, unsigned count)
{
	struct gift *gift = mem_zalloc(1, sizeof(*gift));

	for (unsigned i = 0; i < count; i++) {
		struct buf octets = body_octets(i, SMALL);

		sha256(buf_slice(&octets), &gift->hashes[i]);
		buf_fini(&octets);
	}
	gift->give = (struct courier_give){
		.home = &town->nodes[node].world.queue.executor,
		.owner = gift,
		.hold = group_hold(1),
		.source = TOWN_GROUP,
		.hashes = gift->hashes,
		.count = count,
	};
	courier_give(town->nodes[node].courier, &gift->give, gave);
	return gift;
}

static void bodies_given(struct town *town, uint64_t nodes, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct buf octets = body_octets(i, SMALL);

		given(town, nodes, buf_slice(&octets));
		buf_fini(&octets);
	}
}

static uint64_t has_all(struct town *town, unsigned count)
{
	uint64_t who = UINT64_MAX;

	for (unsigned i = 0; i < count; i++) {
		struct buf octets = body_octets(i, SMALL);

		who &= town_who_has(town, buf_slice(&octets));
		buf_fini(&octets);
	}
	return who;
}

static uint64_t gift_holders(const struct gift *gift)
{
	uint64_t who = 0;

	for (size_t i = 0; i < gift->give.holders.count; i++)
		who |= 1u << ((gift->give.holders.raft_ids[i] >> 32) - 1);
	return who;
}

static void count_hold(void *arg, const struct sha256 *hash unused_arg,
		       const struct body_hold *hold)
{
	unsigned *count = arg;

	*count += hold->turn == 1 && hold->group == TOWN_GROUP;
}

static unsigned holds_of(struct town *town, unsigned node)
{
	unsigned count = 0;

	cr_assert_eq(body_world_checkpoint(&town->nodes[node].world), ERR_NONE);
	cr_assert_eq(body_store_holds(town->nodes[node].world.store, count_hold,
				      &count),
		     ERR_NONE);
	return count;
}

Test(give, brings_what_is_lacked_and_holds_what_is_there)
{
	struct town *town = town_quiet(3);
	struct gift *gift;

	bodies_given(town, 1, 40);
	bodies_given(town, 3, 20);
	gift = gift_new(town, 0, 40);
	town_run(town);
	cr_assert(gift->done);
	cr_assert_eq(gift->give.err, ERR_NONE);
	cr_assert_eq(has_all(town, 40), 7);
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(holds_of(town, i), 40);
	cr_assert(__builtin_popcountll(gift_holders(gift)) >= 2);
	mem_free(gift);
	town_free(&town);
}

Test(give, works_from_a_node_that_has_nothing_itself)
{
	struct town *town = town_quiet(4);
	struct gift *gift;

	town->voters = 7;
	bodies_given(town, 4, 10);
	gift = gift_new(town, 3, 10);
	town_run(town);
	cr_assert(gift->done);
	cr_assert_eq(gift->give.err, ERR_NONE);
	cr_assert_eq(has_all(town, 10), 7);
	mem_free(gift);
	town_free(&town);
}

Test(give, takes_as_many_as_a_command_names)
{
	struct town *town = town_quiet(2);
	struct gift *gift;

	bodies_given(town, 1, COURIER_HASHES_MAX);
	gift = gift_new(town, 0, COURIER_HASHES_MAX);
	town_run(town);
	cr_assert(gift->done);
	cr_assert_eq(gift->give.err, ERR_NONE);
	cr_assert_eq(has_all(town, COURIER_HASHES_MAX), 3);
	mem_free(gift);
	town_free(&town);
}

Test(give, of_what_nobody_has_says_so)
{
	struct town *town = town_quiet(3);
	struct gift *gift;

	bodies_given(town, 7, 5);
	gift = gift_new(town, 0, 6);
	town_pass(town, 30000);
	cr_assert(gift->done);
	cr_assert_eq(gift->give.err, ERR_MISSING_BODY);
	cr_assert_eq(gift_holders(gift), 0);
	mem_free(gift);
	town_free(&town);
}

Test(give, is_answered_by_a_majority_and_at_the_deadline)
{
	for (unsigned frozen = 1; frozen < 3; frozen++) {
		struct town *town = town_quiet(3);
		struct gift *gift;

		bodies_given(town, 7, 5);
		for (unsigned i = 0; i < frozen; i++)
			town->nodes[2 - i].frozen = true;
		gift = gift_new(town, 0, 5);
		town_run(town);
		cr_assert_eq(gift->done, frozen == 1);
		town_pass(town, 12000);
		cr_assert(gift->done);
		cr_assert_eq(gift->give.err,
			     frozen == 1 ? ERR_NONE : ERR_UNAVAILABLE);
		cr_assert_eq(gift_holders(gift), frozen == 1 ? 3 : 1);
		mem_free(gift);
		town_free(&town);
	}
}

Test(give, waits_its_delay)
{
	struct town *town = town_quiet(1);
	struct gift *gift;

	bodies_given(town, 1, 1);
	gift = gift_new(town, 0, 1);
	gift->give.delay_ms = 1000;
	town_run(town);
	cr_assert(!gift->done);
	town_pass(town, 1000);
	cr_assert(gift->done);
	cr_assert_eq(gift->give.err, ERR_NONE);
	mem_free(gift);
	town_free(&town);
}

/* The link dies after so many steps; true: it was answered by then. */
static bool gives_until(unsigned steps)
{
	struct town *town = town_quiet(2);
	struct gift *gift;
	bool done;

	bodies_given(town, 1, 5);
	gift = gift_new(town, 0, 5);
	while (steps-- > 0)
		town_step(town);
	done = gift->done;
	town_power_cut(town, 1);
	town_pass(town, 12000);
	cr_assert(gift->done);
	/* Model step B1: the holders have it, and the hold, on their disk. */
	if (!gift->give.err) {
		cr_assert_eq(gift_holders(gift), 3);
		cr_assert_eq(has_all(town, 5), 3);
		cr_assert_eq(holds_of(town, 1), 5);
	}
	mem_free(gift);
	town_free(&town);
	return done;
}

Test(give, is_true_whenever_the_other_replica_loses_power)
{
	unsigned steps = 0;

	while (!gives_until(steps))
		cr_assert_lt(++steps, 1000);
}

#ifdef ENABLE_FAULTS

/* Bodies that are on all disks already only get the hold. */
static unsigned holds_given(void)
{
	struct town *town = town_quiet(2);
	struct gift *gift;
	unsigned holds;

	bodies_given(town, 3, 5);
	gift = gift_new(town, 0, 5);
	town_run(town);
	cr_assert(gift->done);
	cr_assert_eq(gift->give.err, ERR_NONE);
	holds = holds_of(town, 1);
	mem_free(gift);
	town_free(&town);
	return holds;
}

Test(give, M47_hold_dropped_at_have_it_is_noticed)
{
	cr_assert_eq(holds_given(), 5);
	fault_set_mutant("M47");
	cr_assert_eq(holds_given(), 0);
	fault_set_mutant(NULL);
}

#endif
