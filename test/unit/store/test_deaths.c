/*
 * Deaths that are counted: at one place, over kills and losses of power.
 */
#include "store/deaths.h"

#include <criterion/criterion.h>

#include "base/disk_sim.h"
#include "base/random.h"
#include "host_disk.h"

/* A directory on the host, as LMDB wants it, and in the simulation. */
struct place {
	char *dir;
	struct disk_sim *sim;
	struct disk *disk;
};

static struct place place_new(void)
{
	struct place place = { host_dir_new(), disk_sim_new(), NULL };

	place.disk = disk_sim_disk(place.sim);
	disk_sim_make_dirs(place.sim, place.dir);
	return place;
}

static void place_free(struct place *place)
{
	disk_sim_free(&place->sim);
	host_dir_free(&place->dir);
}

/* A process that dies of `at`; how many deaths it found. */
static unsigned die_at(struct place *place, uint64_t at)
{
	struct deaths deaths;

	cr_assert_eq(deaths_open(&deaths, place->disk, place->dir, "file"),
		     ERR_NONE);
	cr_assert_eq(deaths_enter(&deaths, at), ERR_NONE);
	deaths_close(&deaths);
	disk_sim_crash(place->sim, NULL, DISK_SIM_KILL);
	return deaths.count;
}

Test(deaths, add_up_at_one_place)
{
	struct place place = place_new();

	for (unsigned i = 0; i < 5; i++)
		cr_expect_eq(die_at(&place, 7), i);
	place_free(&place);
}

Test(deaths, at_different_places_do_not_add_up)
{
	struct place place = place_new();

	for (unsigned i = 1; i < 10; i++)
		cr_expect_leq(die_at(&place, i), 1);
	place_free(&place);
}

Test(deaths, are_over_when_the_place_was_passed)
{
	struct place place = place_new();
	struct deaths deaths;

	die_at(&place, 7);
	cr_assert_eq(deaths_open(&deaths, place.disk, place.dir, "file"),
		     ERR_NONE);
	cr_assert_eq(deaths_enter(&deaths, 7), ERR_NONE);
	cr_assert_eq(deaths_leave(&deaths), ERR_NONE);
	deaths_close(&deaths);
	cr_expect_eq(die_at(&place, 7), 0);
	place_free(&place);
}

Test(deaths, a_file_that_they_did_not_write_says_nothing)
{
	struct place place = place_new();
	struct slice noise = SLICE_LIT("nothing that anybody has written");
	struct deaths deaths;

	die_at(&place, 7);
	cr_assert_eq(deaths_open(&deaths, place.disk, place.dir, "file"),
		     ERR_NONE);
	cr_assert_eq(place.disk->write(place.disk, deaths.fd, 0, &noise, 1),
		     ERR_NONE);
	deaths_close(&deaths);
	cr_expect_eq(die_at(&place, 7), 0);
	place_free(&place);
}

Test(deaths, at_the_opening_are_enough_when_there_were_three)
{
	struct place place = place_new();
	struct deaths deaths;

	for (unsigned i = 0; i < DEATHS_MAX; i++) {
		cr_assert_eq(
			deaths_enter_opening(&deaths, place.disk, place.dir),
			ERR_NONE);
		deaths_close(&deaths);
	}
	cr_expect_eq(deaths_enter_opening(&deaths, place.disk, place.dir),
		     ERR_CORRUPT);
	cr_expect(deaths_too_many(&deaths));
	cr_expect_eq(deaths_leave_opening(&deaths), ERR_NONE);
	deaths_close(&deaths);
	cr_expect_eq(deaths_enter_opening(&deaths, place.disk, place.dir),
		     ERR_NONE);
	deaths_close(&deaths);
	place_free(&place);
}

/* A count that a start has ended may come back, but not twice. */
Test(deaths, losses_of_power_do_not_add_up)
{
	struct place place = place_new();
	struct random_seeded random;
	struct deaths deaths;
	unsigned found = 0;

	random_seeded_init(&random, 1);
	for (unsigned i = 0; i < 300; i++) {
		cr_assert_eq(
			deaths_enter_opening(&deaths, place.disk, place.dir),
			ERR_NONE);
		cr_assert_leq(deaths.count, 1);
		found += deaths.count;
		cr_assert_eq(deaths_leave_opening(&deaths), ERR_NONE);
		deaths_close(&deaths);
		disk_sim_crash(place.sim, &random.random, DISK_SIM_TEAR);
	}
	cr_expect_gt(found, 0); /* else it tests nothing */
	place_free(&place);
}
