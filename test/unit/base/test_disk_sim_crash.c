/*
 * The simulated disk: exactly what a power loss leaves.
 *
 * Tearing is tested as a set: over many seeds every outcome that the header
 * allows must come up, and no other.
 */
#include "base/disk_sim.h"

#include "disk_rig.h"

#define SEEDS 300 /* enough for each of 12 outcomes to come up */

/* Which of the outcomes allowed came up. */
struct outcomes {
	const char *const *allowed;
	size_t count;
	unsigned seen[32];
};

static void outcomes_add(struct outcomes *outcomes, const char *got)
{
	for (size_t i = 0; i < outcomes->count; i++)
		if (strcmp(outcomes->allowed[i], got) == 0) {
			outcomes->seen[i]++;
			return;
		}
	cr_assert_fail("\"%s\" must not come up", got);
}

static void outcomes_end(const struct outcomes *outcomes)
{
	for (size_t i = 0; i < outcomes->count; i++)
		cr_assert_gt(outcomes->seen[i], 0, "\"%s\" never came up",
			     outcomes->allowed[i]);
}

#define OUTCOMES(list)                   \
	{                                \
		(list), ARRAY_LEN(list), \
		{                        \
			0                \
		}                        \
	}

typedef void prepare(struct rig *rig);
typedef void look(struct rig *rig, char *out);

static void expect_outcomes(prepare *before, look *after,
			    struct outcomes *outcomes)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		char got[64] = "";
		struct rig rig;

		rig_init(&rig, seed);
		before(&rig);
		tear(&rig);
		after(&rig, got);
		outcomes_add(outcomes, got);
		drop(&rig); /* what survived is durable */
		got[0] = 0;
		after(&rig, got);
		outcomes_add(outcomes, got);
		rig_fini(&rig);
	}
	outcomes_end(outcomes);
}

static void look_data(struct rig *rig, char *out)
{
	sketch(rig, "d/a", out);
}

static void overwrite_three(struct rig *rig)
{
	must_put(rig, durable_file(rig, "d/a", 3 * SECTOR), 0, 'b', 3 * SECTOR);
}

Test(disk_sim, each_sector_survives_on_its_own)
{
	static const char *const allowed[] = { "aaaaaa", "aaaabb", "aabbaa",
					       "aabbbb", "bbaaaa", "bbaabb",
					       "bbbbaa", "bbbbbb" };
	struct outcomes outcomes = OUTCOMES(allowed);

	expect_outcomes(overwrite_three, look_data, &outcomes);
}

static void write_halves(struct rig *rig)
{
	int fd = durable_file(rig, "d/a", SECTOR);

	must_put(rig, fd, 0, 'b', SECTOR / 2);
	must_put(rig, fd, SECTOR / 2, 'c', SECTOR / 2);
}

Test(disk_sim, a_sector_keeps_the_order_of_its_writes)
{
	static const char *const allowed[] = { "aa", "ba", "bc" };
	struct outcomes outcomes = OUTCOMES(allowed);

	expect_outcomes(write_halves, look_data, &outcomes);
}

static void append_twice(struct rig *rig)
{
	int fd = durable_file(rig, "d/a", SECTOR);

	must_put(rig, fd, SECTOR, 'b', SECTOR);
	must_put(rig, fd, 2 * SECTOR, 'c', SECTOR / 2);
}

Test(disk_sim, size_and_data_of_an_append_survive_apart)
{
	static const char *const allowed[] = { "aa",    "aabb",  "aa..",
					       "aabbc", "aa..c", "aabb.",
					       "aa..." };
	struct outcomes outcomes = OUTCOMES(allowed);

	expect_outcomes(append_twice, look_data, &outcomes);
}

/* Whatever of the append reached the disk behind the end that survived. */
Test(disk_sim, a_file_grows_by_zeroes_after_a_crash)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		char want[64];
		struct rig rig;
		int fd;

		rig_init(&rig, seed);
		append_twice(&rig);
		must_put(&rig, open_as(&rig, "d/a", DISK_WRITE), 5 * SECTOR / 2,
			 'd', SECTOR / 2);
		tear(&rig);
		sketch(&rig, "d/a", want);
		fd = open_as(&rig, "d/a", DISK_WRITE);
		cr_assert_eq(rig.disk->allocate(rig.disk, fd, 4 * SECTOR),
			     ERR_NONE);
		for (size_t i = strlen(want); i < 8; i++)
			want[i] = '.';
		want[8] = 0;
		expect_sketch(&rig, "d/a", want);
		rig_fini(&rig);
	}
}

static void overwrite_allocated(struct rig *rig)
{
	int fd = open_as(rig, "d/a", DISK_CREATE);

	cr_assert_eq(rig->disk->allocate(rig->disk, fd, 2 * SECTOR), ERR_NONE);
	must_sync(rig, fd);
	must_sync_dir(rig, "d");
	must_put(rig, fd, 0, 'b', 2 * SECTOR);
}

Test(disk_sim, an_allocated_file_keeps_its_size)
{
	static const char *const allowed[] = { "....", "bb..", "..bb", "bbbb" };
	struct outcomes outcomes = OUTCOMES(allowed);

	expect_outcomes(overwrite_allocated, look_data, &outcomes);
}

static void cut_and_write_again(struct rig *rig)
{
	int fd = durable_file(rig, "d/a", 2 * SECTOR);

	cr_assert_eq(rig->disk->truncate(rig->disk, fd, 0), ERR_NONE);
	must_put(rig, fd, 0, 'b', SECTOR);
	must_put(rig, fd, SECTOR, 'c', SECTOR);
}

/* Never 'b' or 'c' beside 'a': those are in blocks of another life. */
Test(disk_sim, what_is_written_after_a_truncation_needs_it)
{
	static const char *const allowed[] = { "aaaa", "",     "bb",   "..",
					       "bbcc", "bb..", "..cc", "...." };
	struct outcomes outcomes = OUTCOMES(allowed);

	expect_outcomes(cut_and_write_again, look_data, &outcomes);
}

static void cut_inside_and_grow(struct rig *rig)
{
	int fd = durable_file(rig, "d/a", 2 * SECTOR);

	cr_assert_eq(rig->disk->truncate(rig->disk, fd, SECTOR / 2), ERR_NONE);
	cr_assert_eq(rig->disk->allocate(rig->disk, fd, 2 * SECTOR), ERR_NONE);
}

/* "a.aa": the sector was zeroed in place before the truncation was durable. */
Test(disk_sim, what_was_cut_off_does_not_come_back)
{
	static const char *const allowed[] = { "aaaa", "a.aa", "a", "a..." };
	struct outcomes outcomes = OUTCOMES(allowed);

	expect_outcomes(cut_inside_and_grow, look_data, &outcomes);
}

static void look_names(struct rig *rig, char *out)
{
	struct buf got = { 0 };

	cr_assert_eq(rig->disk->list(rig->disk, "d", collect, &got), ERR_NONE);
	memcpy(out, buf_cstr(&got), got.len + 1);
	buf_fini(&got);
}

static void change_apart(struct rig *rig)
{
	durable_file(rig, "d/a", 1);
	cr_assert_eq(rig->disk->unlink(rig->disk, "d/a"), ERR_NONE);
	try_open(rig, "d/b", DISK_NEW);
}

Test(disk_sim, changes_of_different_names_survive_apart)
{
	static const char *const allowed[] = { "a ", "a b ", "", "b " };
	struct outcomes outcomes = OUTCOMES(allowed);

	expect_outcomes(change_apart, look_names, &outcomes);
}

static void create_and_rename(struct rig *rig)
{
	try_open(rig, "d/a", DISK_NEW);
	must_rename(rig, "d/a", "d/b");
	must_rename(rig, "d/b", "d/c");
}

Test(disk_sim, changes_of_one_name_keep_their_order)
{
	static const char *const allowed[] = { "", "a ", "b ", "c " };
	struct outcomes outcomes = OUTCOMES(allowed);

	expect_outcomes(create_and_rename, look_names, &outcomes);
}

static void replace(struct rig *rig)
{
	durable_file(rig, "d/a", SECTOR);
	durable_file(rig, "d/tmp", 2 * SECTOR);
	must_rename(rig, "d/tmp", "d/a");
}

static void look_replaced(struct rig *rig, char *out)
{
	look_names(rig, out);
	sketch(rig, "d/a", out + strlen(out));
}

Test(disk_sim, a_rename_is_whole)
{
	static const char *const allowed[] = { "a tmp aa", "a aaaa" };
	struct outcomes outcomes = OUTCOMES(allowed);

	expect_outcomes(replace, look_replaced, &outcomes);
}

static void replace_unsynced(struct rig *rig)
{
	durable_file(rig, "d/a", SECTOR);
	must_put(rig, open_as(rig, "d/tmp", DISK_NEW), 0, 'b', SECTOR);
	must_rename(rig, "d/tmp", "d/a");
}

/* The classic bug: "a " and "a .." are an empty or zeroed file. */
Test(disk_sim, a_rename_before_the_sync_may_lose_both_files)
{
	static const char *const allowed[] = { "a aa", "a tmp aa", "a bb",
					       "a ..", "a " };
	struct outcomes outcomes = OUTCOMES(allowed);

	expect_outcomes(replace_unsynced, look_replaced, &outcomes);
}

static void swap_directories(struct rig *rig)
{
	disk_sim_make_dirs(rig->sim, "d/x");
	disk_sim_make_dirs(rig->sim, "d/y");
	must_rename(rig, "d/x", "d/y/x");
	must_rename(rig, "d/y/x", "d/z");
	must_rename(rig, "d/y", "d/z/y");
	try_open(rig, "d/a", DISK_NEW);
}

/* Never the first and the third alone: that would be a ring without a root. */
Test(disk_sim, renames_of_directories_survive_in_order)
{
	static const char *const allowed[] = { "x y ", "y ", "y z ", "z ",
					       "a z " };
	struct outcomes outcomes = OUTCOMES(allowed);

	expect_outcomes(swap_directories, look_names, &outcomes);
}

/* ---- power failure during a call ---- */

Test(disk_sim, nothing_is_durable_from_the_cut_on)
{
	struct rig rig;
	int fd;

	rig_init(&rig, 1);
	fd = durable_file(&rig, "d/a", 512);
	must_put(&rig, fd, 0, 'b', 512);
	disk_sim_cut_at(rig.sim, 2);
	must_put(&rig, fd, 0, 'c', 512);
	cr_assert_not(disk_sim_is_cut(rig.sim));
	must_sync(&rig, fd);
	cr_assert(disk_sim_is_cut(rig.sim));
	try_open(&rig, "d/b", DISK_NEW);
	must_sync_dir(&rig, "d");
	expect_sketch(&rig, "d/a", "cc");
	drop(&rig);
	cr_assert_not(disk_sim_is_cut(rig.sim));
	expect_sketch(&rig, "d/a", "aa");
	expect_list(&rig, "d", "a ");
	fd = open_as(&rig, "d/a", DISK_WRITE);
	must_put(&rig, fd, 0, 'd', 512);
	must_sync(&rig, fd);
	drop(&rig);
	expect_sketch(&rig, "d/a", "dd");
	rig_fini(&rig);
}

/* The write during which it happens may be there in part, later ones not. */
static void write_over_the_cut(struct rig *rig)
{
	int fd = durable_file(rig, "d/a", 2 * SECTOR);

	disk_sim_cut_at(rig->sim, 1);
	must_put(rig, fd, 0, 'b', 3 * SECTOR);
	must_put(rig, fd, 0, 'c', 4 * SECTOR);
	must_sync(rig, fd);
	must_rename(rig, "d/a", "d/b");
	must_sync_dir(rig, "d");
}

Test(disk_sim, what_comes_behind_the_cut_never_happened)
{
	static const char *const allowed[] = {
		"aaaa",   "aabb",   "bbaa",   "bbbb",   "aaaa..", "aabb..",
		"bbaa..", "bbbb..", "aaaabb", "aabbbb", "bbaabb", "bbbbbb",
	};
	struct outcomes outcomes = OUTCOMES(allowed);

	expect_outcomes(write_over_the_cut, look_data, &outcomes);
}

/* ---- a log that is made safe by sync: the disk tells it from its twins ----
 */

enum twin {
	TWIN_NONE,
	TWIN_NO_SYNC,     /* a record is acknowledged before its sync */
	TWIN_NO_SYNC_DIR, /* a new file's name is not made durable */
	TWIN_NO_TMP_SYNC, /* the head is renamed before its sync */
};

#define RECORDS 6
#define RECORD_SIZE 700 /* octets: one to three sectors */

/* A head that is replaced, and records of one letter in two files. */
static unsigned log_run(struct rig *rig, enum twin twin)
{
	unsigned acknowledged = 0;
	int fd = -1;

	for (unsigned i = 0; i < RECORDS; i++) {
		if (i % 3 == 0) {
			fd = open_as(rig, i == 0 ? "d/0" : "d/1", DISK_CREATE);
			if (twin != TWIN_NO_SYNC_DIR)
				must_sync_dir(rig, "d");
		}
		must_put(rig, fd, i % 3 * RECORD_SIZE, (char)('a' + i),
			 RECORD_SIZE);
		if (twin != TWIN_NO_SYNC)
			must_sync(rig, fd);
		if (!disk_sim_is_cut(rig->sim))
			acknowledged = i + 1;
	}
	return acknowledged;
}

static bool head_run(struct rig *rig, enum twin twin)
{
	int fd = open_as(rig, "d/head.tmp", DISK_CREATE);

	must_put(rig, fd, 0, 'h', SECTOR);
	if (twin != TWIN_NO_TMP_SYNC)
		must_sync(rig, fd);
	rig->disk->close(rig->disk, fd);
	must_rename(rig, "d/head.tmp", "d/head");
	if (twin != TWIN_NO_SYNC_DIR)
		must_sync_dir(rig, "d");
	return !disk_sim_is_cut(rig->sim);
}

static bool record_is_whole(struct rig *rig, unsigned i)
{
	char octets[RECORD_SIZE];
	bool whole = true;
	int fd;

	if (rig->disk->open(rig->disk, i < 3 ? "d/0" : "d/1", DISK_READ, &fd) !=
	    ERR_NONE)
		return false;
	if (rig->disk->read(rig->disk, fd, i % 3 * RECORD_SIZE, octets,
			    RECORD_SIZE) != ERR_NONE)
		whole = false;
	for (unsigned n = 0; whole && n < RECORD_SIZE; n++)
		whole = octets[n] == (char)('a' + i);
	rig->disk->close(rig->disk, fd);
	return whole;
}

/* 'h' is the new head, 'a' the old one. */
static bool head_is(struct rig *rig, const char *also)
{
	char got[64];

	sketch(rig, "d/head", got);
	return strcmp(got, "hh") == 0 || strcmp(got, also) == 0;
}

/* One run with the power failing during the n-th call; true: nothing lost. */
static bool survives(enum twin twin, uint64_t nth, uint64_t seed)
{
	unsigned acknowledged;
	bool head_new;
	bool good = true;
	struct rig rig;
	int fd;

	rig_init(&rig, seed);
	fd = durable_file(&rig, "d/head", SECTOR);
	rig.disk->close(rig.disk, fd);
	disk_sim_cut_at(rig.sim, nth);
	acknowledged = log_run(&rig, twin);
	head_new = head_run(&rig, twin);
	tear(&rig);
	for (unsigned i = 0; i < acknowledged; i++)
		good = good && record_is_whole(&rig, i);
	good = good && head_is(&rig, head_new ? "hh" : "aa");
	rig_fini(&rig);
	return good;
}

static unsigned count_losses(enum twin twin)
{
	unsigned losses = 0;

	for (uint64_t nth = 1; nth <= 22; nth++)
		for (uint64_t seed = 1; seed <= 20; seed++)
			losses += !survives(twin, nth, seed);
	return losses;
}

Test(disk_sim, a_log_that_syncs_loses_nothing_acknowledged)
{
	cr_assert_eq(count_losses(TWIN_NONE), 0);
}

Test(disk_sim, a_log_that_forgets_a_sync_is_found_out)
{
	cr_assert_gt(count_losses(TWIN_NO_SYNC), 0);
	cr_assert_gt(count_losses(TWIN_NO_SYNC_DIR), 0);
	cr_assert_gt(count_losses(TWIN_NO_TMP_SYNC), 0);
}

Test(disk_sim, a_killed_process_changes_nothing_more)
{
	struct rig rig;
	int fd;

	rig_init(&rig, 1);
	fd = durable_file(&rig, "/d/x", SECTOR);
	disk_sim_kill_at(rig.sim, 2);
	must_put(&rig, fd, 0, 'b', SECTOR / 2);
	cr_expect_not(disk_sim_is_cut(rig.sim));
	cr_expect_eq(rig.disk->sync(rig.disk, fd), ERR_IO);
	cr_expect(disk_sim_is_cut(rig.sim));
	cr_expect_eq(put(&rig, fd, 0, 'c', SECTOR), ERR_IO);
	cr_expect_eq(rig.disk->unlink(rig.disk, "/d/x"), ERR_IO);
	cr_expect_eq(try_open(&rig, "/d/y", DISK_CREATE), ERR_IO);
	/* The next one sees what the disk may not have yet. */
	disk_sim_crash(rig.sim, NULL, DISK_SIM_KILL);
	cr_expect_not(disk_sim_is_cut(rig.sim));
	expect_sketch(&rig, "/d/x", "ba");
	expect_list(&rig, "/d", "x ");
	drop(&rig);
	expect_sketch(&rig, "/d/x", "aa");
	rig_fini(&rig);
}

Test(disk_sim, equal_seeds_give_equal_disks)
{
	char first[64] = "";

	for (int turn = 0; turn < 5; turn++) {
		char got[64] = "";
		struct rig rig;

		rig_init(&rig, 77);
		overwrite_three(&rig);
		append_twice(&rig);
		tear(&rig);
		look_data(&rig, got);
		if (turn == 0)
			memcpy(first, got, sizeof(first));
		cr_assert_str_eq(got, first);
		rig_fini(&rig);
	}
}
