/*
 * The node's log: what it acknowledged is there after any death, what it did
 * not write is not, and damage is told from a torn tail.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "raft/wal_internal.h"
#include "wal_bench.h"

static void expect_right(const char *wrong)
{
	cr_expect(wrong == NULL, "%s", wrong);
}

/* ---- plain life ---- */

Test(wal, a_new_log_is_empty)
{
	struct wal_bench *bench = bench_new(1);
	struct wal_state state;

	wal_group_get_state(wal_group_open(bench->wal, 7), &state);
	cr_expect_eq(state.term, 0);
	cr_expect_eq(state.first, 1);
	cr_expect_eq(state.last, 0);
	bench_free(bench);
}

Test(wal, says_after_a_restart_what_it_was_told)
{
	struct wal_bench *bench = bench_new(2);

	bench_term(bench, 0, 3);
	bench_vote(bench, 0, 77);
	bench_append(bench, 0, 5, 100);
	bench_truncate(bench, 0, 4);
	bench_append(bench, 0, 1, 8);
	bench_marker(bench, 0, 2, 2, false);
	bench_term(bench, 1, 9);
	bench_drain(bench);
	cr_expect_eq(bench->acked, bench->issued);
	expect_right(bench_crash(bench, DISK_SIM_DROP));
	bench_free(bench);
}

Test(wal, gives_the_marker_back)
{
	struct wal_bench *bench = bench_new(3);
	struct wal_state state;

	bench_term(bench, 0, 1);
	bench_append(bench, 0, 3, 16);
	bench_marker(bench, 0, 3, 2, false);
	bench_drain(bench);
	expect_right(bench_crash(bench, DISK_SIM_DROP));
	wal_group_get_state(wal_group_open(bench->wal, 0), &state);
	cr_expect_eq(state.marker.index, 3);
	cr_expect(slice_eq(state.marker.conf, SLICE_LIT("configuration")));
	cr_expect(slice_eq(state.marker.data, SLICE_LIT("marker")));
	bench_free(bench);
}

Test(wal, what_all_groups_queue_in_one_turn_costs_one_sync)
{
	struct wal_bench *bench = bench_new(4);
	uint64_t syncs;

	bench_drain(bench);
	syncs = disk_sim_calls(bench->disk, DISK_SIM_SYNC);
	for (unsigned g = 0; g < BENCH_GROUPS; g++) {
		bench_term(bench, g, 1);
		bench_append(bench, g, 4, 300);
	}
	bench_drain(bench);
	cr_expect_eq(bench->acked, 2 * BENCH_GROUPS);
	cr_expect_eq(disk_sim_calls(bench->disk, DISK_SIM_SYNC), syncs + 1);
	bench_free(bench);
}

Test(wal, entries_larger_than_a_record_or_a_batch_are_split)
{
	struct wal_bench *bench = bench_new(5);

	bench_term(bench, 0, 1);
	bench_append(bench, 0, 100, 3000); /* some files long */
	bench_append(bench, 1, 1, 0);
	bench_drain(bench);
	cr_expect_eq(bench->acked, bench->issued);
	expect_right(bench_crash(bench, DISK_SIM_DROP));
	cr_expect_eq(bench->groups[0].last, 100);
	bench_free(bench);
}

static void stopped(void *arg)
{
	*(bool *)arg = true;
}

Test(wal, stops_when_all_that_was_queued_is_durable)
{
	struct wal_bench *bench = bench_new(6);
	bool is = false;

	bench_term(bench, 0, 1);
	bench_append(bench, 0, 3, 2000);
	wal_stop(bench->wal, stopped, &is);
	cr_expect_not(is);
	bench_drain(bench);
	cr_expect(is);
	cr_expect_eq(bench->acked, bench->issued);
	expect_right(bench_crash(bench, DISK_SIM_DROP));
	bench_free(bench);
}

/* ---- death ---- */

Test(wal, nothing_acknowledged_is_lost_whenever_the_power_fails)
{
	uint64_t changes = bench_life_changes(11);

	cr_assert_gt(changes, 60);
	for (uint64_t n = 1; n <= changes; n += 13)
		expect_right(bench_life(11, n, DISK_SIM_TEAR));
}

Test(wal, nothing_acknowledged_is_lost_when_all_unsynced_data_go)
{
	uint64_t changes = bench_life_changes(12);

	for (uint64_t n = 2; n <= changes; n += 13)
		expect_right(bench_life(12, n, DISK_SIM_DROP));
}

Test(wal, random_lives_end_well)
{
	for (uint64_t seed = 100; seed < 112; seed++)
		expect_right(bench_life(seed, seed % 90 + 1, DISK_SIM_TEAR));
}

Test(wal, nothing_acknowledged_is_lost_by_a_kill)
{
	for (uint64_t seed = 200; seed < 207; seed++)
		expect_right(bench_life(seed, 0, DISK_SIM_KILL));
}

Test(wal, what_a_log_says_after_a_kill_is_not_lost_with_the_power)
{
	uint64_t changes = bench_life_changes(13);

	for (uint64_t n = 1; n <= changes; n += 5)
		expect_right(bench_life(13, n, DISK_SIM_KILL));
}

/* ---- failures of the disk ---- */

static void each_call_fails(enum disk_sim_call call, enum err err,
			    uint64_t times)
{
	for (uint64_t n = 1; n <= times; n++)
		expect_right(bench_fault(21, call, n, err));
}

Test(wal, ends_the_process_at_any_failed_write)
{
	each_call_fails(DISK_SIM_WRITE, ERR_IO, 30);
}

Test(wal, ends_the_process_at_any_failed_sync)
{
	each_call_fails(DISK_SIM_SYNC, ERR_IO, 30);
}

Test(wal, ends_the_process_when_a_write_finds_the_disk_full)
{
	each_call_fails(DISK_SIM_WRITE, ERR_FULL, 30);
}

Test(wal, ends_the_process_at_any_failed_sync_of_the_directory)
{
	each_call_fails(DISK_SIM_SYNC_DIR, ERR_IO, 6);
}

Test(wal, tells_the_failure_once_and_where)
{
	struct wal_bench *bench = bench_new(22);

	bench_drain(bench);
	disk_sim_fail(bench->disk, DISK_SIM_SYNC, 1, 3, ERR_IO);
	bench_term(bench, 0, 1);
	bench_drain(bench);
	bench_append(bench, 0, 1, 10);
	bench_wait(bench, 60000);
	cr_expect_eq(bench->failed, 1);
	cr_expect_eq(bench->acked, 0);
	cr_expect(strstr(bench->fail_text, "data/wal/0000000000001000.wal"));
	cr_expect_eq(disk_sim_calls(bench->disk, DISK_SIM_SYNC), 3,
		     "no sync is tried again");
	bench_free(bench);
}

/* ---- torn or damaged ---- */

#define FIRST_FILE "data/wal/0000000000001000.wal"

/* A log of some batches; `*before_r` is the state before the last one. */
static struct wal_bench *written(uint64_t seed, uint64_t *before_r)
{
	struct wal_bench *bench = bench_new(seed);

	for (unsigned g = 0; g < BENCH_GROUPS; g++) {
		bench_term(bench, g, 1);
		bench_drain(bench);
		bench_append(bench, g, 2, 200);
		bench_drain(bench);
	}
	*before_r = bench_print_model(bench);
	bench_append(bench, 0, 2, 300);
	bench_append(bench, 1, 1, 300);
	bench_drain(bench);
	return bench;
}

static void overwrite(struct wal_bench *bench, uint64_t offset,
		      const void *data, size_t len)
{
	struct disk *disk = disk_sim_disk(bench->disk);
	struct slice piece = slice_of(data, len);
	int fd;

	cr_assert_eq(disk->open(disk, FIRST_FILE, DISK_WRITE, &fd), ERR_NONE);
	cr_assert_eq(disk->write(disk, fd, offset, &piece, 1), ERR_NONE);
	disk->close(disk, fd);
}

static void read_back(struct wal_bench *bench, uint64_t offset, void *data,
		      size_t len)
{
	struct disk *disk = disk_sim_disk(bench->disk);
	int fd;

	cr_assert_eq(disk->open(disk, FIRST_FILE, DISK_READ, &fd), ERR_NONE);
	cr_assert_eq(disk->read(disk, fd, offset, data, len), ERR_NONE);
	disk->close(disk, fd);
}

/* Where the last batch stands in the first file: 6 batches before it. */
#define LAST_BATCH (WAL_BLOCK * 7)

Test(wal, a_batch_torn_at_any_octet_is_there_whole_or_not_at_all)
{
	static const uint8_t zeroes[WAL_BLOCK];
	uint8_t saved[WAL_BLOCK];
	uint64_t before;
	struct wal_bench *bench = written(31, &before);
	uint64_t after = bench_print_model(bench);
	unsigned torn = 0;

	bench_close(bench);
	read_back(bench, LAST_BATCH, saved, WAL_BLOCK);
	for (size_t at = 0; at < WAL_BLOCK; at += at < 1400 ? 7 : 97) {
		uint64_t print;

		overwrite(bench, LAST_BATCH, saved, WAL_BLOCK);
		overwrite(bench, LAST_BATCH + at, zeroes, WAL_BLOCK - at);
		cr_assert_eq(bench_open(bench), ERR_NONE, "%s",
			     buf_cstr(&bench->why));
		print = bench_print_log(bench);
		cr_assert(print == before || print == after, "at %zu", at);
		torn += print == before;
		bench_close(bench);
	}
	cr_expect_gt(torn, 100);
	bench_free(bench);
}

Test(wal, sectors_of_a_torn_batch_may_survive_in_any_combination)
{
	static const uint8_t zeroes[DISK_SIM_SECTOR];
	uint8_t saved[WAL_BLOCK];
	uint64_t before;
	struct wal_bench *bench = written(32, &before);
	uint64_t after = bench_print_model(bench);

	bench_close(bench);
	read_back(bench, LAST_BATCH, saved, WAL_BLOCK);
	for (unsigned lost = 0; lost < 256; lost++) {
		uint64_t print;

		overwrite(bench, LAST_BATCH, saved, WAL_BLOCK);
		for (unsigned i = 0; i < 8; i++)
			if (lost & 1u << i)
				overwrite(bench,
					  LAST_BATCH + i * DISK_SIM_SECTOR,
					  zeroes, sizeof zeroes);
		cr_assert_eq(bench_open(bench), ERR_NONE);
		print = bench_print_log(bench);
		cr_expect(print == ((lost & 7) == 0 ? after : before));
		bench_close(bench);
	}
	bench_free(bench);
}

/* NULL: refused, or the state is right in spite of it. */
static const char *flip_is_noticed(struct wal_bench *bench, uint64_t offset,
				   uint64_t right)
{
	const char *wrong = NULL;
	enum err err;

	disk_sim_flip(bench->disk, FIRST_FILE, offset, 0x10);
	err = bench_open(bench);
	if (err == ERR_NONE && bench_print_log(bench) != right)
		wrong = "opened with a damaged record";
	if (err != ERR_NONE && err != ERR_CORRUPT)
		wrong = "refused with another error";
	if (err == ERR_CORRUPT &&
	    strstr(buf_cstr(&bench->why), FIRST_FILE) == NULL)
		wrong = "does not say where";
	bench_close(bench);
	disk_sim_flip(bench->disk, FIRST_FILE, offset, 0x10);
	return wrong;
}

/* One flipped bit anywhere in what an idle log says is durable. */
static const char *flips(unsigned *refused_r)
{
	uint64_t before;
	struct wal_bench *bench = written(33, &before);
	uint64_t right = bench_print_model(bench);
	const char *wrong = NULL;

	*refused_r = 0;
	bench_wait(bench, WAL_IDLE_MARK_MS);
	bench_close(bench);
	for (uint64_t at = 0; at < LAST_BATCH + WAL_BLOCK && wrong == NULL;
	     at += 61) {
		wrong = flip_is_noticed(bench, at, right);
		*refused_r += bench->why.len > 0;
	}
	if (wrong == NULL && bench_open(bench) != ERR_NONE)
		wrong = "refusing has changed the log";
	bench_free(bench);
	return wrong;
}

Test(wal, a_flipped_bit_in_durable_records_is_refused)
{
	unsigned refused;

	expect_right(flips(&refused));
	cr_expect_gt(refused, 30);
}

Test(wal, an_idle_log_says_how_far_it_is_durable)
{
	uint64_t before;
	struct wal_bench *bench = written(34, &before);

	/* Nothing yet says that the last batch was durable: a torn tail. */
	bench_close(bench);
	disk_sim_flip(bench->disk, FIRST_FILE, LAST_BATCH + 60, 1);
	cr_assert_eq(bench_open(bench), ERR_NONE);
	cr_expect_eq(bench_print_log(bench), before);
	bench_free(bench);

	bench = written(34, &before);
	bench_wait(bench, WAL_IDLE_MARK_MS);
	bench_close(bench);
	disk_sim_flip(bench->disk, FIRST_FILE, LAST_BATCH + 60, 1);
	cr_expect_eq(bench_open(bench), ERR_CORRUPT);
	bench_free(bench);
}

Test(wal, an_idle_log_is_marked_once)
{
	uint64_t before;
	struct wal_bench *bench = written(35, &before);
	uint64_t syncs;

	bench_wait(bench, WAL_IDLE_MARK_MS);
	syncs = disk_sim_calls(bench->disk, DISK_SIM_SYNC);
	for (unsigned i = 0; i < 100; i++)
		bench_wait(bench, WAL_IDLE_MARK_MS);
	cr_expect_eq(disk_sim_calls(bench->disk, DISK_SIM_SYNC), syncs);
	bench_free(bench);
}

Test(wal, a_zeroed_block_and_swapped_blocks_are_refused)
{
	static const uint8_t zeroes[WAL_BLOCK];
	uint8_t one[WAL_BLOCK];
	uint8_t two[WAL_BLOCK];
	uint64_t before;
	struct wal_bench *bench = written(36, &before);

	bench_close(bench);
	read_back(bench, WAL_BLOCK * 2, one, WAL_BLOCK);
	read_back(bench, WAL_BLOCK * 3, two, WAL_BLOCK);
	overwrite(bench, WAL_BLOCK * 2, zeroes, WAL_BLOCK);
	cr_expect_eq(bench_open(bench), ERR_CORRUPT);
	overwrite(bench, WAL_BLOCK * 2, two, WAL_BLOCK);
	overwrite(bench, WAL_BLOCK * 3, one, WAL_BLOCK);
	cr_expect_eq(bench_open(bench), ERR_CORRUPT);
	overwrite(bench, WAL_BLOCK * 2, one, WAL_BLOCK);
	overwrite(bench, WAL_BLOCK * 3, two, WAL_BLOCK);
	cr_expect_eq(bench_open(bench), ERR_NONE);
	bench_free(bench);
}

Test(wal, a_file_cut_short_is_refused)
{
	uint64_t before;
	struct wal_bench *bench = written(37, &before);
	struct disk *disk = disk_sim_disk(bench->disk);
	int fd;

	bench_close(bench);
	cr_assert_eq(disk->open(disk, FIRST_FILE, DISK_WRITE, &fd), ERR_NONE);
	cr_assert_eq(disk->truncate(disk, fd, LAST_BATCH + 100), ERR_NONE);
	disk->close(disk, fd);
	cr_expect_eq(bench_open(bench), ERR_CORRUPT);
	cr_expect(strstr(buf_cstr(&bench->why), "cut short"));
	bench_free(bench);
}

Test(wal, a_missing_file_is_refused)
{
	struct wal_bench *bench = bench_new(38);
	struct disk *disk = disk_sim_disk(bench->disk);

	bench_term(bench, 0, 1);
	for (unsigned i = 0; i < 8; i++) {
		bench_append(bench, 0, 10, 3000);
		bench_drain(bench);
	}
	bench_close(bench);
	cr_assert_eq(disk->unlink(disk, "data/wal/0000000000021000.wal"),
		     ERR_NONE);
	cr_expect_eq(bench_open(bench), ERR_CORRUPT);
	cr_expect(strstr(buf_cstr(&bench->why), "missing"));
	bench_free(bench);
}

/* ---- files come and go ---- */

static struct wal_stats stats(const struct wal_bench *bench)
{
	struct wal_stats s;

	wal_get_stats(bench->wal, &s);
	return s;
}

static void count_file(void *arg, const char *name)
{
	unsigned *count = arg;

	(void)name;
	++*count;
}

static unsigned files(struct wal_bench *bench)
{
	struct disk *disk = disk_sim_disk(bench->disk);
	unsigned count = 0;

	cr_assert_eq(disk->list(disk, "data/wal", count_file, &count),
		     ERR_NONE);
	return count;
}

/* Much of group 0, with markers that let old entries go. */
static void write_files(struct wal_bench *bench, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		struct bench_group *group = &bench->groups[0];

		bench_append(bench, 0, 10, 3000);
		bench_drain(bench);
		bench_marker(bench, 0, group->last, group->last - 1, false);
		bench_drain(bench);
	}
}

Test(wal, released_files_are_kept_up_to_the_limit_and_used_again)
{
	struct wal_bench *bench = bench_new(41);

	bench_term(bench, 0, 1);
	write_files(bench, 60); /* 28 files of octets */
	cr_expect_leq(stats(bench).segments, WAL_CHAIN_MAX);
	cr_expect_leq(stats(bench).kept_bytes, bench->options.keep_bytes);
	cr_expect_gt(stats(bench).kept_bytes, 0);
	cr_expect_leq(files(bench), 7); /* with ballast and the next one */
	cr_expect_gt(disk_sim_calls(bench->disk, DISK_SIM_RENAME), 25);
	cr_expect_lt(disk_sim_calls(bench->disk, DISK_SIM_ALLOCATE), 10);
	expect_right(bench_crash(bench, DISK_SIM_DROP));
	write_files(bench, 10);
	expect_right(bench_crash(bench, DISK_SIM_DROP));
	bench_free(bench);
}

/*
 * Each start makes a file that says how far back the log is needed, and removes
 * the one of the last start, which was not reached: then the one before counts
 * again, which says less.
 */
static const char *start_thrice(unsigned rounds, uint64_t nth)
{
	struct wal_bench *bench = bench_new(44);
	const char *wrong;

	bench->options.keep_bytes = 1;
	wrong = bench_crash(bench, DISK_SIM_KILL);
	bench_term(bench, 0, 1);
	write_files(bench, rounds);
	for (unsigned starts = 0; starts < 3 && wrong == NULL; starts++) {
		wrong = bench_crash(bench, DISK_SIM_DROP);
		if (starts == 2)
			disk_sim_cut_at(bench->disk, nth);
		bench_append(bench, 0, 1, 10);
		bench_drain(bench);
	}
	if (wrong == NULL)
		wrong = bench_crash(bench, DISK_SIM_DROP);
	if (wrong != NULL)
		cr_log_error("round %u, change %llu: %s", rounds,
			     (unsigned long long)nth, wrong);
	bench_free(bench);
	return wrong;
}

Test(wal, files_are_released_by_the_file_that_stays)
{
	for (unsigned rounds = 10; rounds < 14; rounds++)
		for (uint64_t nth = 1; nth <= 12; nth++)
			cr_expect_null(start_thrice(rounds, nth));
}

Test(wal, a_slow_group_does_not_hold_old_files)
{
	struct wal_bench *bench = bench_new(42);

	bench_term(bench, 0, 1);
	bench_term(bench, 1, 7);
	bench_append(bench, 1, 3, 100);
	bench_truncate(bench, 1, 3);
	write_files(bench, 60);
	cr_expect_leq(stats(bench).segments, WAL_CHAIN_MAX + 3);
	expect_right(bench_crash(bench, DISK_SIM_DROP));
	cr_expect_eq(bench->groups[1].last, 2);
	cr_expect_eq(bench->groups[1].term, 7);
	bench_free(bench);
}

Test(wal, a_dropped_group_is_forgotten)
{
	struct wal_bench *bench = bench_new(43);
	struct wal_state state;
	struct wal_op op;

	bench_term(bench, 0, 4);
	bench_append(bench, 0, 3, 100);
	wal_drop_group(wal_group_open(bench->wal, 0), &op, NULL);
	bench_drain(bench);
	bench_close(bench);
	disk_sim_crash(bench->disk, NULL, DISK_SIM_DROP);
	cr_assert_eq(bench_open(bench), ERR_NONE);
	wal_group_get_state(wal_group_open(bench->wal, 0), &state);
	cr_expect_eq(state.term, 0);
	cr_expect_eq(state.first, 1);
	cr_expect_eq(state.last, 0);
	bench_free(bench);
}

Test(wal, files_of_another_log_are_refused)
{
	struct wal_bench *bench = bench_new(44);
	struct disk *disk = disk_sim_disk(bench->disk);
	struct wal_segment_head head = {
		.log_id = 1,
		.start = 0x11000,
		.size = 64 * 1024,
		.needed = 0x1000,
	};
	struct buf block = { 0 };
	struct slice piece;
	int fd;

	bench_close(bench);
	wal_segment_encode(&head, &block);
	piece = buf_slice(&block);
	cr_assert_eq(disk->open(disk, "data/wal/0000000000011000.wal",
				DISK_CREATE, &fd),
		     ERR_NONE);
	cr_assert_eq(disk->write(disk, fd, 0, &piece, 1), ERR_NONE);
	disk->close(disk, fd);
	buf_fini(&block);
	cr_expect_eq(bench_open(bench), ERR_CORRUPT);
	cr_expect(strstr(buf_cstr(&bench->why), "another log"));
	bench_free(bench);
}

/* ---- a full disk ---- */

Test(wal, a_full_disk_is_told_before_the_log_ends)
{
	struct wal_bench *bench = bench_new(51);

	bench->options.keep_bytes = 1u << 30;
	bench_close(bench);
	disk_sim_set_space(bench->disk, 8 * 64 * 1024);
	cr_assert_eq(bench_open(bench), ERR_NONE);
	bench_drain(bench);
	cr_expect_not(wal_is_full(bench->wal));
	bench_term(bench, 0, 1);
	while (!wal_is_full(bench->wal) && bench->issued < BENCH_OPS_MAX) {
		bench_append(bench, 0, 1, 3000);
		bench_drain(bench);
	}
	cr_expect(wal_is_full(bench->wal));
	cr_expect_eq(bench->failed, 0);
	cr_expect_eq(bench->acked, bench->issued);

	/* The ballast gives room for what must still be written. */
	for (unsigned i = 0; i < 8; i++)
		bench_append(bench, 0, 1, 3000);
	bench_drain(bench);
	cr_expect_eq(bench->failed, 0);
	cr_expect_eq(bench->acked, bench->issued);
	expect_right(bench_crash(bench, DISK_SIM_DROP));
	bench_free(bench);
}

Test(wal, a_disk_that_stays_full_ends_the_process)
{
	struct wal_bench *bench = bench_new(52);

	bench->options.keep_bytes = 1u << 30;
	bench_close(bench);
	disk_sim_set_space(bench->disk, 6 * 64 * 1024);
	cr_assert_eq(bench_open(bench), ERR_NONE);
	bench_term(bench, 0, 1);
	while (bench->failed == 0 && bench->issued < BENCH_OPS_MAX) {
		bench_append(bench, 0, 1, 3000);
		bench_drain(bench);
	}
	cr_expect_eq(bench->failed, 1);
	cr_expect(strstr(bench->fail_text, "no space left"));
	disk_sim_set_space(bench->disk, UINT64_MAX);
	expect_right(bench_crash(bench, DISK_SIM_TEAR));
	bench_free(bench);
}

Test(wal, goes_on_when_the_full_disk_has_room_again)
{
	struct wal_bench *bench = bench_new(53);

	bench->options.keep_bytes = 1u << 30;
	bench_close(bench);
	disk_sim_set_space(bench->disk, 8 * 64 * 1024);
	cr_assert_eq(bench_open(bench), ERR_NONE);
	bench_term(bench, 0, 1);
	while (!wal_is_full(bench->wal) && bench->issued < BENCH_OPS_MAX) {
		bench_append(bench, 0, 1, 3000);
		bench_drain(bench);
	}
	disk_sim_set_space(bench->disk, 64 * 64 * 1024);
	bench_wait(bench, WAL_SPACE_MS);
	bench_wait(bench, WAL_SPACE_MS);
	cr_expect_not(wal_is_full(bench->wal));
	bench_append(bench, 0, 20, 3000);
	bench_drain(bench);
	cr_expect_eq(bench->acked, bench->issued);
	bench_free(bench);
}

#ifdef ENABLE_FAULTS

/* ---- mutants: what would not be noticed is not tested ---- */

static bool lives_go_wrong(enum disk_sim_crash how)
{
	for (uint64_t seed = 300; seed < 340; seed++)
		for (uint64_t n = 1; n < 80; n += 7)
			if (bench_life(seed, n, how) != NULL)
				return true;
	return false;
}

static bool faults_go_wrong(enum disk_sim_call call, enum err err)
{
	for (uint64_t n = 1; n < 40; n++)
		if (bench_fault(21, call, n, err) != NULL)
			return true;
	return false;
}

Test(wal_mutants, M06_fsync_skipped_is_caught)
{
	fault_set_mutant("M06");
	cr_expect(lives_go_wrong(DISK_SIM_DROP));
}

Test(wal_mutants, M07_fsync_after_the_ack_is_caught)
{
	fault_set_mutant("M07");
	cr_expect(lives_go_wrong(DISK_SIM_DROP));
}

Test(wal_mutants, M08_failed_fsync_tried_again_is_caught)
{
	fault_set_mutant("M08");
	cr_expect(faults_go_wrong(DISK_SIM_SYNC, ERR_IO));
}

Test(wal_mutants, M09_torn_tail_accepted_is_caught)
{
	fault_set_mutant("M09");
	cr_expect(lives_go_wrong(DISK_SIM_TEAR));
}

Test(wal_mutants, M10_bad_record_in_the_middle_skipped_is_caught)
{
	unsigned refused;

	fault_set_mutant("M10");
	cr_expect(flips(&refused) != NULL);
}

Test(wal_mutants, M41_directory_fsync_missing_is_caught)
{
	fault_set_mutant("M41");
	cr_expect(lives_go_wrong(DISK_SIM_DROP));
}

Test(wal_mutants, M56_log_not_synced_at_the_start_is_caught)
{
	fault_set_mutant("M56");
	cr_expect(lives_go_wrong(DISK_SIM_KILL));
}

Test(wal_mutants, M42_full_disk_loses_the_tail_is_caught)
{
	fault_set_mutant("M42");
	cr_expect(faults_go_wrong(DISK_SIM_WRITE, ERR_FULL));
}

#endif
