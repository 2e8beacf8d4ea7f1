/*
 * The simulated disk: what a process sees, what syncs keep, and faults.
 */
#include "base/disk_sim.h"

#include <signal.h>

#include "disk_rig.h"

/* ---- what a process sees ---- */

Test(disk_sim, what_was_written_is_read)
{
	struct rig rig;
	struct slice pieces[] = { SLICE_LIT("hello "), SLICE_NONE,
				  SLICE_LIT("world") };
	char text[12] = "";
	int fd;

	rig_init(&rig, 1);
	fd = open_as(&rig, "d/a", DISK_NEW);
	cr_assert_eq(rig.disk->write(rig.disk, fd, 510, pieces, 3), ERR_NONE);
	cr_assert_eq(size_of(&rig, fd), 521);
	cr_assert_eq(rig.disk->read(rig.disk, fd, 510, text, 11), ERR_NONE);
	cr_assert_str_eq(text, "hello world");
	cr_assert_eq(at(&rig, fd, 509), '.');
	cr_assert_eq(rig.disk->read(rig.disk, fd, 511, text, 11), ERR_END);
	cr_assert_eq(rig.disk->read(rig.disk, fd, 522, text, 0), ERR_END);
	cr_assert_eq(rig.disk->read(rig.disk, fd, 521, text, 0), ERR_NONE);
	rig_fini(&rig);
}

Test(disk_sim, a_write_of_nothing_does_not_grow_a_file)
{
	struct rig rig;
	int fd;

	rig_init(&rig, 1);
	fd = open_as(&rig, "d/a", DISK_NEW);
	cr_assert_eq(rig.disk->write(rig.disk, fd, 99, NULL, 0), ERR_NONE);
	cr_assert_eq(size_of(&rig, fd), 0);
	rig_fini(&rig);
}

Test(disk_sim, ways_to_open)
{
	struct rig rig;
	int fd;

	rig_init(&rig, 1);
	cr_assert_eq(try_open(&rig, "d/a", DISK_READ), ERR_NOTFOUND);
	cr_assert_eq(try_open(&rig, "d/a", DISK_WRITE), ERR_NOTFOUND);
	cr_assert_eq(try_open(&rig, "no/a", DISK_CREATE), ERR_NOTFOUND);
	cr_assert_eq(try_open(&rig, "d/a", DISK_CREATE), ERR_NONE);
	cr_assert_eq(try_open(&rig, "d/a", DISK_CREATE), ERR_NONE);
	cr_assert_eq(try_open(&rig, "/d//./a", DISK_WRITE), ERR_NONE);
	cr_assert_eq(try_open(&rig, "d/a", DISK_NEW), ERR_EXISTS);
	cr_assert_eq(try_open(&rig, "d/a/b", DISK_CREATE), ERR_IO);
	cr_assert_eq(try_open(&rig, "d", DISK_READ), ERR_IO);
	fd = open_as(&rig, "d/a", DISK_READ);
	cr_assert_eq(put(&rig, fd, 0, 'x', 1), ERR_IO);
	rig_fini(&rig);
}

Test(disk_sim, allocate_grows_and_truncate_cuts)
{
	struct rig rig;
	int fd;

	rig_init(&rig, 1);
	fd = durable_file(&rig, "d/a", 1280);
	cr_assert_eq(rig.disk->allocate(rig.disk, fd, 2048), ERR_NONE);
	expect_sketch(&rig, "d/a", "aaaaa...");
	cr_assert_eq(rig.disk->allocate(rig.disk, fd, 100), ERR_NONE);
	cr_assert_eq(size_of(&rig, fd), 2048);
	cr_assert_eq(rig.disk->truncate(rig.disk, fd, 300), ERR_NONE);
	cr_assert_eq(rig.disk->truncate(rig.disk, fd, 1024), ERR_NONE);
	cr_assert_eq(at(&rig, fd, 299), 'a');
	cr_assert_eq(at(&rig, fd, 300), '.');
	expect_sketch(&rig, "d/a", "aa..");
	rig_fini(&rig);
}

Test(disk_sim, names_are_listed_in_order)
{
	struct rig rig;

	rig_init(&rig, 1);
	try_open(&rig, "d/b", DISK_NEW);
	try_open(&rig, "d/a", DISK_NEW);
	try_open(&rig, "d/aa", DISK_NEW);
	cr_assert_eq(rig.disk->mkdir(rig.disk, "d/c"), ERR_NONE);
	cr_assert_eq(rig.disk->mkdir(rig.disk, "d/c"), ERR_EXISTS);
	cr_assert_eq(rig.disk->mkdir(rig.disk, "no/c"), ERR_NOTFOUND);
	expect_list(&rig, "d", "a aa b c ");
	expect_list(&rig, ".", "d ");
	cr_assert_eq(rig.disk->list(rig.disk, "no", collect, NULL),
		     ERR_NOTFOUND);
	cr_assert_eq(rig.disk->sync_dir(rig.disk, "no"), ERR_NOTFOUND);
	rig_fini(&rig);
}

static void unlink_it(void *arg, const char *name)
{
	struct rig *rig = arg;
	char path[16];

	snprintf(path, sizeof(path), "d/%s", name);
	cr_assert_eq(rig->disk->unlink(rig->disk, path), ERR_NONE);
}

Test(disk_sim, a_directory_may_be_emptied_while_it_is_listed)
{
	struct rig rig;

	rig_init(&rig, 1);
	try_open(&rig, "d/a", DISK_NEW);
	try_open(&rig, "d/b", DISK_NEW);
	cr_assert_eq(rig.disk->list(rig.disk, "d", unlink_it, &rig), ERR_NONE);
	expect_list(&rig, "d", "");
	cr_assert_eq(rig.disk->unlink(rig.disk, "d/a"), ERR_NOTFOUND);
	cr_assert_eq(rig.disk->unlink(rig.disk, "d"), ERR_IO);
	rig_fini(&rig);
}

Test(disk_sim, an_unlinked_file_lives_until_it_is_closed)
{
	struct rig rig;
	int fd;

	rig_init(&rig, 1);
	fd = durable_file(&rig, "d/a", 10);
	cr_assert_eq(rig.disk->unlink(rig.disk, "d/a"), ERR_NONE);
	must_sync_dir(&rig, "d");
	must_put(&rig, fd, 0, 'b', 1);
	cr_assert_eq(at(&rig, fd, 0), 'b');
	cr_assert_eq(at(&rig, fd, 9), 'a');
	rig.disk->close(rig.disk, fd);
	cr_assert_not(there(&rig, "d/a"));
	rig_fini(&rig);
}

Test(disk_sim, rename_replaces_a_file)
{
	struct rig rig;

	rig_init(&rig, 1);
	durable_file(&rig, "d/a", 512);
	durable_file(&rig, "d/b", 1024);
	must_rename(&rig, "d/a", "d/b");
	must_rename(&rig, "d/b", "d/b");
	expect_list(&rig, "d", "b ");
	expect_sketch(&rig, "d/b", "aa");
	cr_assert_eq(rig.disk->rename(rig.disk, "d/a", "d/c"), ERR_NOTFOUND);
	cr_assert_eq(rig.disk->rename(rig.disk, "d/b", "d"), ERR_IO);
	cr_assert_eq(rig.disk->rename(rig.disk, "d/b", "no/b"), ERR_NOTFOUND);
	rig_fini(&rig);
}

Test(disk_sim, rename_of_directories)
{
	struct rig rig;

	rig_init(&rig, 1);
	disk_sim_make_dirs(rig.sim, "d/x/y");
	disk_sim_make_dirs(rig.sim, "d/empty");
	durable_file(&rig, "d/x/y/a", 10);
	cr_assert_eq(rig.disk->rename(rig.disk, "d/x", "d/x/y/z"), ERR_IO);
	cr_assert_eq(rig.disk->rename(rig.disk, "d/x", "d/x/z"), ERR_IO);
	cr_assert_eq(rig.disk->rename(rig.disk, "d/empty", "d/x"), ERR_IO);
	cr_assert_eq(rig.disk->rename(rig.disk, "d/x", "d/x/y/a"), ERR_IO);
	must_rename(&rig, "d/x", "d/empty");
	expect_list(&rig, "d", "empty ");
	cr_assert(there(&rig, "d/empty/y/a"));
	rig_fini(&rig);
}

Test(disk_sim, a_closed_descriptor_is_a_bug, .signal = SIGABRT)
{
	struct rig rig;
	int fd;

	rig_init(&rig, 1);
	fd = open_as(&rig, "d/a", DISK_NEW);
	rig.disk->close(rig.disk, fd);
	rig.disk->close(rig.disk, fd);
}

Test(disk_sim, two_dots_are_a_bug, .signal = SIGABRT)
{
	struct rig rig;

	rig_init(&rig, 1);
	try_open(&rig, "d/../a", DISK_CREATE);
}

/* ---- power loss: nothing unsynced is kept ---- */

Test(disk_sim, what_was_synced_survives_and_nothing_else)
{
	struct rig rig;
	int fd;

	rig_init(&rig, 1);
	fd = durable_file(&rig, "d/a", 1024);
	must_put(&rig, fd, 100, 'b', 1500);
	drop(&rig);
	expect_sketch(&rig, "d/a", "aaaa");
	fd = open_as(&rig, "d/a", DISK_WRITE);
	must_put(&rig, fd, 512, 'c', 1024);
	must_sync(&rig, fd);
	drop(&rig);
	expect_sketch(&rig, "d/a", "aacccc");
	rig_fini(&rig);
}

Test(disk_sim, a_synced_file_is_lost_with_its_name)
{
	struct rig rig;
	int fd;

	rig_init(&rig, 1);
	fd = open_as(&rig, "d/a", DISK_NEW);
	must_put(&rig, fd, 0, 'a', 100);
	must_sync(&rig, fd);
	drop(&rig);
	cr_assert_not(there(&rig, "d/a"));
	rig_fini(&rig);
}

Test(disk_sim, a_durable_name_does_not_save_the_data)
{
	struct rig rig;
	int fd;

	rig_init(&rig, 1);
	fd = open_as(&rig, "d/a", DISK_NEW);
	must_put(&rig, fd, 0, 'a', 1000);
	must_sync_dir(&rig, "d");
	drop(&rig);
	expect_sketch(&rig, "d/a", "");
	rig_fini(&rig);
}

Test(disk_sim, names_come_back_and_go_as_they_were_durable)
{
	struct rig rig;

	rig_init(&rig, 1);
	durable_file(&rig, "d/a", 10);
	durable_file(&rig, "d/b", 10);
	must_rename(&rig, "d/a", "d/c");
	cr_assert_eq(rig.disk->unlink(rig.disk, "d/b"), ERR_NONE);
	cr_assert_eq(rig.disk->mkdir(rig.disk, "d/new"), ERR_NONE);
	must_sync_dir(&rig, "."); /* of another directory */
	drop(&rig);
	expect_list(&rig, "d", "a b ");
	rig_fini(&rig);
}

Test(disk_sim, a_directory_takes_its_files_along)
{
	struct rig rig;

	rig_init(&rig, 1);
	cr_assert_eq(rig.disk->mkdir(rig.disk, "d/x"), ERR_NONE);
	try_open(&rig, "d/x/a", DISK_NEW);
	must_sync_dir(&rig, "d/x");
	drop(&rig);
	expect_list(&rig, "d", "");
	rig_fini(&rig);
}

Test(disk_sim, either_directory_makes_a_rename_durable)
{
	for (int which = 0; which < 2; which++) {
		struct rig rig;

		rig_init(&rig, 1);
		disk_sim_make_dirs(rig.sim, "e");
		try_open(&rig, "d/a", DISK_NEW);
		must_rename(&rig, "d/a", "e/a");
		must_sync_dir(&rig, which == 0 ? "d" : "e");
		drop(&rig);
		expect_list(&rig, "d", "");
		expect_list(&rig, "e", "a ");
		rig_fini(&rig);
	}
}

Test(disk_sim, names_that_were_durable_stay_after_a_rename_elsewhere)
{
	struct rig rig;

	rig_init(&rig, 1);
	disk_sim_make_dirs(rig.sim, "e");
	disk_sim_make_dirs(rig.sim, "d/x");
	must_rename(&rig, "d/x", "e/x"); /* of a directory, not durable */
	try_open(&rig, "d/a", DISK_NEW);
	must_sync_dir(&rig, "d");
	drop(&rig);
	expect_list(&rig, "d", "a ");
	expect_list(&rig, "e", "x ");
	rig_fini(&rig);
}

Test(disk_sim, a_dead_process_leaves_everything_unsynced_as_it_was)
{
	struct rig rig;
	int fd;

	rig_init(&rig, 1);
	fd = durable_file(&rig, "d/a", 512);
	must_put(&rig, fd, 0, 'b', 1024);
	try_open(&rig, "d/b", DISK_NEW);
	disk_sim_crash(rig.sim, NULL, DISK_SIM_KILL);
	expect_sketch(&rig, "d/a", "bbbb");
	expect_list(&rig, "d", "a b ");
	drop(&rig);
	expect_sketch(&rig, "d/a", "aa");
	expect_list(&rig, "d", "a ");
	rig_fini(&rig);
}

Test(disk_sim, descriptors_end_with_the_process)
{
	struct rig rig;
	uint64_t size;
	int fd;

	rig_init(&rig, 1);
	fd = durable_file(&rig, "d/a", 512);
	drop(&rig);
	cr_assert_eq(put(&rig, fd, 0, 'b', 1), ERR_IO);
	cr_assert_eq(rig.disk->sync(rig.disk, fd), ERR_IO);
	cr_assert_eq(rig.disk->size(rig.disk, fd, &size), ERR_IO);
	cr_assert_eq(rig.disk->truncate(rig.disk, fd, 0), ERR_IO);
	rig.disk->close(rig.disk, fd);
	expect_sketch(&rig, "d/a", "aa");
	rig_fini(&rig);
}

/* ---- faults ---- */

Test(disk_sim, the_nth_call_fails_and_calls_are_counted)
{
	struct rig rig;
	int fd;

	rig_init(&rig, 1);
	fd = open_as(&rig, "d/a", DISK_NEW);
	disk_sim_fail(rig.sim, DISK_SIM_WRITE, 2, 1, ERR_FULL);
	must_put(&rig, fd, 0, 'a', 1024);
	cr_assert_eq(put(&rig, fd, 0, 'b', 1024), ERR_FULL);
	expect_sketch(&rig, "d/a", "bbaa"); /* half of it was written */
	must_put(&rig, fd, 0, 'c', 1024);
	disk_sim_fail(rig.sim, DISK_SIM_WRITE, 1, UINT64_MAX, ERR_IO);
	for (int i = 0; i < 5; i++)
		cr_assert_eq(put(&rig, fd, 0, 'd', 1), ERR_IO);
	cr_assert_eq(disk_sim_calls(rig.sim, DISK_SIM_WRITE), 8);
	cr_assert_eq(disk_sim_calls(rig.sim, DISK_SIM_SYNC), 0);
	disk_sim_fail(rig.sim, DISK_SIM_WRITE, 1, 0, ERR_IO);
	must_put(&rig, fd, 0, 'e', 1);
	rig_fini(&rig);
}

Test(disk_sim, what_fails_has_changed_nothing)
{
	struct rig rig;
	int fd;

	rig_init(&rig, 1);
	fd = durable_file(&rig, "d/a", 512);
	for (enum disk_sim_call call = 0; call < DISK_SIM_CALLS; call++)
		disk_sim_fail(rig.sim, call, 1, 1, ERR_IO);
	cr_assert_eq(try_open(&rig, "d/b", DISK_NEW), ERR_IO);
	cr_assert_eq(rig.disk->allocate(rig.disk, fd, 1024), ERR_IO);
	cr_assert_eq(rig.disk->truncate(rig.disk, fd, 0), ERR_IO);
	cr_assert_eq(rig.disk->rename(rig.disk, "d/a", "d/b"), ERR_IO);
	cr_assert_eq(rig.disk->unlink(rig.disk, "d/a"), ERR_IO);
	cr_assert_eq(rig.disk->mkdir(rig.disk, "d/c"), ERR_IO);
	cr_assert_eq(rig.disk->list(rig.disk, "d", collect, NULL), ERR_IO);
	expect_list(&rig, "d", "a ");
	rig.disk->close(rig.disk, fd);
	disk_sim_fail(rig.sim, DISK_SIM_SIZE, 1, 0, ERR_IO);
	disk_sim_fail(rig.sim, DISK_SIM_READ, 1, 0, ERR_IO);
	expect_sketch(&rig, "d/a", "aa");
	rig_fini(&rig);
}

Test(disk_sim, a_sync_after_a_failed_one_is_a_lie)
{
	struct rig rig;
	int fd;

	rig_init(&rig, 1);
	fd = durable_file(&rig, "d/a", 1536);
	must_put(&rig, fd, 0, 'b', 1024);
	disk_sim_fail(rig.sim, DISK_SIM_SYNC, 1, 1, ERR_IO);
	cr_assert_eq(rig.disk->sync(rig.disk, fd), ERR_IO);
	must_put(&rig, fd, 1024, 'c', 512);
	must_sync(&rig, fd);
	expect_sketch(&rig, "d/a", "bbbbcc"); /* it is still seen */
	drop(&rig);
	expect_sketch(&rig, "d/a", "aaaacc");
	rig_fini(&rig);
}

Test(disk_sim, a_sector_written_again_is_synced_again)
{
	struct rig rig;
	int fd;

	rig_init(&rig, 1);
	fd = durable_file(&rig, "d/a", 1024);
	must_put(&rig, fd, 0, 'b', 1024);
	disk_sim_fail(rig.sim, DISK_SIM_SYNC, 1, 1, ERR_IO);
	cr_assert_eq(rig.disk->sync(rig.disk, fd), ERR_IO);
	must_put(&rig, fd, 256, 'c', 256);
	must_sync(&rig, fd);
	drop(&rig);
	expect_sketch(&rig, "d/a", "bcaa");
	rig_fini(&rig);
}

Test(disk_sim, a_failed_sync_does_not_undo_a_truncation)
{
	struct rig rig;
	int fd;

	rig_init(&rig, 1);
	fd = durable_file(&rig, "d/a", 1024);
	cr_assert_eq(rig.disk->truncate(rig.disk, fd, 256), ERR_NONE);
	disk_sim_fail(rig.sim, DISK_SIM_SYNC, 1, 1, ERR_IO);
	cr_assert_eq(rig.disk->sync(rig.disk, fd), ERR_IO);
	cr_assert_eq(rig.disk->allocate(rig.disk, fd, 1024), ERR_NONE);
	must_sync(&rig, fd);
	drop(&rig);
	expect_sketch(&rig, "d/a", "a...");
	rig_fini(&rig);
}

Test(disk_sim, a_failed_sync_of_a_directory_leaves_names_unsynced)
{
	struct rig rig;

	rig_init(&rig, 1);
	try_open(&rig, "d/a", DISK_NEW);
	disk_sim_fail(rig.sim, DISK_SIM_SYNC_DIR, 1, 1, ERR_IO);
	cr_assert_eq(rig.disk->sync_dir(rig.disk, "d"), ERR_IO);
	drop(&rig);
	expect_list(&rig, "d", "");
	rig_fini(&rig);
}

static uint64_t free_space(struct rig *rig)
{
	uint64_t octets = 0;

	cr_assert_eq(rig->disk->free_space(rig->disk, "d", &octets), ERR_NONE);
	return octets;
}

Test(disk_sim, a_disk_is_full_to_the_octet)
{
	struct rig rig;
	int fd;

	rig_init(&rig, 1);
	fd = durable_file(&rig, "d/a", 100);
	disk_sim_set_space(rig.sim, 2048);
	cr_assert_eq(free_space(&rig), 1536);
	cr_assert_eq(rig.disk->allocate(rig.disk, fd, 2049), ERR_FULL);
	cr_assert_eq(size_of(&rig, fd), 100);
	cr_assert_eq(put(&rig, fd, 1024, 'b', 1025), ERR_FULL);
	cr_assert_eq(size_of(&rig, fd), 2048);
	cr_assert_eq(at(&rig, fd, 2047), 'b');
	cr_assert_eq(free_space(&rig), 0);
	must_put(&rig, fd, 0, 'c', 2048); /* no new space */
	cr_assert_eq(put(&rig, open_as(&rig, "d/b", DISK_NEW), 0, 'b', 1),
		     ERR_FULL);
	rig.disk->close(rig.disk, fd);
	cr_assert_eq(rig.disk->unlink(rig.disk, "d/a"), ERR_NONE);
	cr_assert_eq(free_space(&rig), 0);
	must_sync_dir(&rig, "d");
	cr_assert_eq(free_space(&rig), 2048);
	rig_fini(&rig);
}

Test(disk_sim, rot_is_durable)
{
	struct rig rig;

	rig_init(&rig, 1);
	must_put(&rig, durable_file(&rig, "d/a", 512), 0, 'b', 512);
	disk_sim_flip(rig.sim, "d/a", 256, 'a' ^ 'x');
	expect_sketch(&rig, "d/a", "b{");
	drop(&rig);
	expect_sketch(&rig, "d/a", "ax");
	rig_fini(&rig);
}

/* ---- against a model ---- */

#define FILE_MAX 3000 /* octets */

struct image {
	uint8_t octets[FILE_MAX];
	size_t size;
};

static void image_write(struct image *image, size_t offset, int octet,
			size_t len)
{
	memset(image->octets + offset, octet, len);
	if (offset + len > image->size)
		image->size = offset + len;
}

static void image_resize(struct image *image, size_t size)
{
	if (size < image->size)
		memset(image->octets + size, 0, image->size - size);
	image->size = size;
}

static void image_check(struct rig *rig, const struct image *image)
{
	int fd = open_as(rig, "d/a", DISK_READ);
	uint8_t octets[FILE_MAX];

	cr_assert_eq(size_of(rig, fd), image->size);
	cr_assert_eq(rig->disk->read(rig->disk, fd, 0, octets, image->size),
		     ERR_NONE);
	cr_assert_eq(memcmp(octets, image->octets, image->size), 0);
	rig->disk->close(rig->disk, fd);
}

static void image_step(struct rig *rig, int fd, struct image *image)
{
	struct random *random = &rig->random.random;
	size_t a = random_range(random, 0, FILE_MAX - 1);
	size_t b = random_range(random, a, FILE_MAX - 1);
	char octet = (char)random_range(random, 1, 127);

	switch (random_range(random, 0, 3)) {
	case 0:
		cr_assert_eq(rig->disk->truncate(rig->disk, fd, a), ERR_NONE);
		image_resize(image, a);
		return;
	case 1:
		cr_assert_eq(rig->disk->allocate(rig->disk, fd, a), ERR_NONE);
		if (a > image->size)
			image_resize(image, a);
		return;
	default:
		b = b - a < sizeof(rig->octets) ? b : a + 100;
		if (b > FILE_MAX)
			b = FILE_MAX;
		must_put(rig, fd, a, octet, b - a);
		if (b > a)
			image_write(image, a, octet, b - a);
	}
}

/* What is seen is one image, what was there at the last sync the other. */
Test(disk_sim, random_steps_behave_as_two_images)
{
	static struct image seen;
	static struct image synced;
	struct rig rig;
	int fd;

	rig_init(&rig, 5);
	fd = open_as(&rig, "d/a", DISK_CREATE);
	must_sync_dir(&rig, "d");
	for (int step = 0; step < 3000; step++) {
		uint64_t what = random_range(&rig.random.random, 0, 19);

		if (what == 0) {
			must_sync(&rig, fd);
			synced = seen;
		} else if (what == 1) {
			drop(&rig);
			seen = synced;
			fd = open_as(&rig, "d/a", DISK_WRITE);
		} else {
			image_step(&rig, fd, &seen);
		}
		image_check(&rig, &seen);
	}
	must_sync(&rig, fd);
	tear(&rig);
	image_check(&rig, &seen);
	rig_fini(&rig);
}
