/*
 * A replica whose state kills the process: at the third time it is parked.
 */
#include <criterion/criterion.h>

#include "io/disk.h"
#include "node_bench.h"
#include "store/deaths.h"

static void expect_parked(struct node *node)
{
	cr_expect_not_null(node->parked);
	cr_expect_null(replica_env(node->replica));
	cr_expect_eq(node->failed, 0);
	cr_expect_eq(node_do(node, KIND_DO, "x"), ERR_UNAVAILABLE);
}

/* Three processes that die of `place`, as the file says. */
static struct node *killed_by(uint64_t seed, const char *file, uint64_t place)
{
	struct node *node = node_new_serving(seed);
	struct deaths deaths;

	cr_expect_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
	node_crash(node, DISK_SIM_DROP);
	for (unsigned i = 0; i < DEATHS_MAX; i++) {
		cr_assert_eq(deaths_open(&deaths, io_disk(), node->dir, file),
			     ERR_NONE);
		cr_expect_eq(deaths.count, i);
		cr_assert_eq(deaths_enter(&deaths, place), ERR_NONE);
		deaths_close(&deaths);
	}
	node_start(node);
	node_drain(node);
	return node;
}

Test(replica, a_command_that_kills_three_times_parks)
{
	struct node *node = killed_by(58, "applying", 7);

	expect_parked(node);
	node_free(node);
}

Test(replica, a_state_that_kills_three_times_when_written_parks)
{
	struct node *node = killed_by(62, "draining", 5);

	expect_parked(node);
	node_free(node);
}

Test(replica, an_opening_that_kills_three_times_parks)
{
	struct node *node = node_new_serving(60);
	struct deaths deaths;

	node_crash(node, DISK_SIM_DROP);
	for (unsigned i = 0; i < DEATHS_MAX; i++) {
		cr_assert_eq(
			deaths_enter_opening(&deaths, io_disk(), node->dir),
			ERR_NONE);
		deaths_close(&deaths);
	}
	node_start(node);
	node_drain(node);
	expect_parked(node);
	node_free(node);
}

Test(replica, an_opening_that_ends_well_ends_the_count)
{
	struct node *node = node_new_serving(61);
	struct deaths deaths;

	for (unsigned i = 0; i < 2 * DEATHS_MAX; i++) {
		node_crash(node, DISK_SIM_DROP);
		cr_assert_eq(
			deaths_enter_opening(&deaths, io_disk(), node->dir),
			ERR_NONE);
		cr_expect_eq(deaths.count, 0);
		deaths_close(&deaths);
		node_start(node);
		node_serve(node);
	}
	cr_expect_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
	node_free(node);
}
