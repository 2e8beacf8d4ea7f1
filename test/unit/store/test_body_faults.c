#include <criterion/criterion.h>

#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "body_world.h"
#include "store/body_files.h"
#include "store/body_pending.h"
#include "store/body_segment.h"

static void quiet(void *arg unused_arg, enum log_level level unused_arg,
		  const char *line unused_arg)
{
}

static void world_new(struct body_world *w)
{
	log_set_sink(quiet, NULL);
	body_world_init(w);
	cr_assert_eq(body_world_open(w, false), ERR_NONE);
}

static enum err put(struct body_world *w, uint64_t number, size_t len)
{
	struct buf octets = body_octets(number, len);
	struct body_hold hold = body_hold_of(number);
	enum err err = body_world_put(w, buf_slice(&octets), &hold).err;

	buf_fini(&octets);
	return err;
}

static bool is(struct body_world *w, uint64_t number, size_t len)
{
	struct buf octets = body_octets(number, len);
	bool right = body_world_is(w, buf_slice(&octets));

	buf_fini(&octets);
	return right;
}

/* ---- each call of the disk fails once ---- */

#define BODIES 16

static size_t length_of(unsigned number)
{
	return number % 4 == 3 ? 80000 : 30000;
}

/* Uploads and checkpoints; which uploads were acknowledged. */
static unsigned work(struct body_world *w, bool *acked, enum err expected)
{
	unsigned failed = 0;

	for (unsigned i = 0; i < BODIES; i++) {
		enum err err = put(w, i, length_of(i));

		acked[i] = err == ERR_NONE;
		failed += err != ERR_NONE;
		cr_assert(err == ERR_NONE || err == expected);
		if (i % 6 == 5)
			(void)!body_world_checkpoint(w);
	}
	task_queue_drain(&w->queue);
	return failed;
}

static void all_are_here(struct body_world *w, const bool *acked)
{
	for (unsigned i = 0; i < BODIES; i++)
		cr_assert(!acked[i] || is(w, i, length_of(i)), "body %u", i);
}

static bool fault_was_hit(struct body_world *w, enum disk_sim_call call,
			  uint64_t before, uint64_t nth)
{
	return disk_sim_calls(w->sim, call) - before >= nth;
}

/* One run with the n-th call failing; false: there were not so many. */
static bool run_with_fault(enum disk_sim_call call, uint64_t nth, enum err err)
{
	bool acked[BODIES];
	struct body_world w;
	uint64_t before;
	bool hit;

	world_new(&w);
	before = disk_sim_calls(w.sim, call);
	disk_sim_fail(w.sim, call, nth, 1, err);
	work(&w, acked, err);
	hit = fault_was_hit(&w, call, before, nth);
	disk_sim_fail(w.sim, call, 1, 0, err);
	all_are_here(&w, acked);
	if (err == ERR_FULL) /* room was made: it goes on by itself */
		cr_assert_eq(put(&w, 99, 1000), ERR_NONE);
	body_world_crash(&w, NULL, DISK_SIM_DROP);
	cr_assert_eq(body_world_open(&w, false), ERR_NONE);
	all_are_here(&w, acked);
	body_world_fini(&w);
	return hit;
}

static const enum disk_sim_call kinds[] = {
	DISK_SIM_OPEN,   DISK_SIM_WRITE,    DISK_SIM_ALLOCATE,
	DISK_SIM_RENAME, DISK_SIM_TRUNCATE, DISK_SIM_UNLINK,
};

Test(body_faults, a_full_disk_at_any_call_loses_nothing)
{
	for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
		for (uint64_t n = 1; run_with_fault(kinds[i], n, ERR_FULL); n++)
			cr_assert_lt(n, 200);
}

Test(body_faults, an_io_error_at_any_call_loses_nothing)
{
	for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
		for (uint64_t n = 1; run_with_fault(kinds[i], n, ERR_IO); n++)
			cr_assert_lt(n, 200);
	for (uint64_t n = 1; run_with_fault(DISK_SIM_SYNC, n, ERR_IO); n++)
		cr_assert_lt(n, 200);
	for (uint64_t n = 1; run_with_fault(DISK_SIM_SYNC_DIR, n, ERR_IO); n++)
		cr_assert_lt(n, 200);
}

Test(body_faults, after_a_failed_fsync_nothing_is_written_any_more)
{
	struct body_hold hold = body_hold_of(9);
	struct body_world w;
	struct sha256 name;

	world_new(&w);
	cr_assert_eq(put(&w, 1, 100), ERR_NONE);
	disk_sim_fail(w.sim, DISK_SIM_SYNC, 1, 1, ERR_IO);
	cr_assert_eq(put(&w, 2, 100), ERR_IO);
	cr_assert_eq(put(&w, 3, 100), ERR_IO);
	cr_assert_eq(put(&w, 3, 200000), ERR_IO);
	name = (struct sha256){ { 0 } };
	cr_assert_eq(body_world_have(&w, &name, &hold), ERR_IO);
	cr_assert(is(&w, 1, 100), "reading goes on");
	cr_assert_not(is(&w, 2, 100));
	body_world_fini(&w);
}

/* ---- an index that cannot be written ---- */

Test(body_faults, a_full_index_stops_writing_when_too_much_is_pending)
{
	struct body_stats stats;
	struct body_world w;
	enum err err = ERR_NONE;
	uint64_t n = 0;

	log_set_sink(quiet, NULL);
	body_world_init(&w);
	w.index_map_size = 128 * 1024;
	cr_assert_eq(body_world_open(&w, false), ERR_NONE);
	while (err == ERR_NONE && n < 2 * BODY_PENDING_MAX)
		err = put(&w, n++, 10);
	cr_assert_eq(err, ERR_FULL);
	body_store_get_stats(w.store, &stats);
	cr_assert_leq(stats.pending, 2 * BODY_PENDING_MAX);
	cr_assert_gt(stats.full_errors, 0);
	cr_assert(is(&w, 0, 10));
	cr_assert(is(&w, n - 2, 10));

	/* With a larger map it all goes in. */
	task_queue_drain(&w.queue);
	cr_assert_eq(body_store_close(&w.store, false), ERR_NONE);
	w.index_map_size = 64 << 20;
	cr_assert_eq(body_world_open(&w, false), ERR_NONE);
	body_store_get_stats(w.store, &stats);
	cr_assert_eq(stats.bodies, n - 1);
	body_world_fini(&w);
}

/* ---- open files ---- */

Test(body_files, outlive_their_names_while_in_use)
{
	struct disk_sim *sim = disk_sim_new();
	struct disk *disk = disk_sim_disk(sim);
	struct body_files files;
	struct body_file *a;
	struct body_file *b;
	int fd;
	char c;

	cr_assert_eq(disk->open(disk, "./0000000000000001.seg", DISK_NEW, &fd),
		     ERR_NONE);
	cr_assert_eq(disk->write(disk, fd, 0, &SLICE_LIT("x"), 1), ERR_NONE);
	disk->close(disk, fd);
	body_files_init(&files, disk, ".");
	cr_assert_eq(body_files_get(&files, 1, &a), ERR_NONE);
	cr_assert_eq(body_files_get(&files, 1, &b), ERR_NONE);
	cr_assert_eq(a, b, "shared");
	body_files_put(&files, b);
	body_files_forget(&files, 1);
	cr_assert_eq(disk->unlink(disk, "./0000000000000001.seg"), ERR_NONE);
	cr_assert_eq(disk->read(disk, a->fd, 0, &c, 1), ERR_NONE);
	cr_assert_eq(body_files_get(&files, 1, &b), ERR_NOTFOUND);
	body_files_put(&files, a);
	body_files_fini(&files);
	disk_sim_free(&sim);
}

Test(body_files, are_kept_open_up_to_a_limit)
{
	struct disk_sim *sim = disk_sim_new();
	struct disk *disk = disk_sim_disk(sim);
	struct buf path = { 0 };
	struct body_files files;
	struct body_file *file;
	uint64_t opens;
	int fd;

	body_files_init(&files, disk, ".");
	for (uint64_t i = 0; i < 300; i++) {
		cr_assert_eq(disk->open(disk, body_segment_path(".", i, &path),
					DISK_NEW, &fd),
			     ERR_NONE);
		disk->close(disk, fd);
		cr_assert_eq(body_files_get(&files, i, &file), ERR_NONE);
		body_files_put(&files, file);
	}
	cr_assert_leq(files.idle_count, 256);
	opens = disk_sim_calls(sim, DISK_SIM_OPEN);
	cr_assert_eq(body_files_get(&files, 299, &file), ERR_NONE);
	body_files_put(&files, file);
	cr_assert_eq(disk_sim_calls(sim, DISK_SIM_OPEN), opens, "in the cache");
	cr_assert_eq(body_files_get(&files, 0, &file), ERR_NONE);
	body_files_put(&files, file);
	cr_assert_eq(disk_sim_calls(sim, DISK_SIM_OPEN), opens + 1);
	body_files_fini(&files);
	buf_fini(&path);
	disk_sim_free(&sim);
}
