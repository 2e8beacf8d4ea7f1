#include <criterion/criterion.h>

#include "base/log.h"
#include "base/mem.h"
#include "body_world.h"
#include "host_disk.h"
#include "store/body_record.h"

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

static struct body_result put(struct body_world *w, uint64_t number, size_t len)
{
	struct buf octets = body_octets(number, len);
	struct body_hold hold = body_hold_of(number);
	struct body_result result =
		body_world_put(w, buf_slice(&octets), &hold);

	buf_fini(&octets);
	return result;
}

static bool is(struct body_world *w, uint64_t number, size_t len)
{
	struct buf octets = body_octets(number, len);
	bool right = body_world_is(w, buf_slice(&octets));

	buf_fini(&octets);
	return right;
}

static struct sha256 name_of(uint64_t number, size_t len)
{
	struct buf octets = body_octets(number, len);
	struct sha256 hash;

	sha256(buf_slice(&octets), &hash);
	buf_fini(&octets);
	return hash;
}

static struct body_stats stats_of(struct body_world *w)
{
	struct body_stats stats;

	body_store_get_stats(w->store, &stats);
	return stats;
}

static void reopen(struct body_world *w)
{
	task_queue_drain(&w->queue);
	cr_assert_eq(body_store_close(&w->store, true), ERR_NONE);
	cr_assert_eq(body_world_open(w, true), ERR_NONE);
}

static void holds_count(void *arg, const struct sha256 *hash unused_arg,
			const struct body_hold *hold unused_arg)
{
	++*(unsigned *)arg;
}

static unsigned holds_of(struct body_world *w)
{
	unsigned count = 0;

	cr_assert_eq(body_store_holds(w->store, holds_count, &count), ERR_NONE);
	return count;
}

/* ---- writing and reading ---- */

static const size_t lengths[] = {
	0,     1,     4096,   16383,     16384,          16385,           65535,
	65536, 65537, 131072, 16384 * 9, BODY_CHUNK * 3, 1000 * 1000 + 7,
};

Test(body, of_any_length_is_read_back)
{
	struct body_world w;

	world_new(&w);
	for (unsigned i = 0; i < ARRAY_LEN(lengths); i++) {
		struct body_result r = put(&w, i, lengths[i]);
		struct sha256 name = name_of(i, lengths[i]);
		uint64_t length;

		cr_assert_eq(r.err, ERR_NONE);
		cr_assert_eq(r.length, lengths[i]);
		cr_assert(sha256_eq(&r.hash, &name));
		cr_assert(is(&w, i, lengths[i]), "%zu octets", lengths[i]);
		cr_assert_eq(body_length(w.store, &name, &length), ERR_NONE);
		cr_assert_eq(length, lengths[i]);
		cr_assert_eq(body_check(w.store, &name), ERR_NONE);
	}
	reopen(&w);
	for (unsigned i = 0; i < ARRAY_LEN(lengths); i++)
		cr_assert(is(&w, i, lengths[i]), "%zu octets", lengths[i]);
	body_world_fini(&w);
}

Test(body, any_part_is_read)
{
	static const size_t len = 5 * BODY_BLOCK + 100;
	struct buf octets = body_octets(1, len);
	struct random_seeded random;
	struct body_world w;
	uint8_t *out = mem_alloc(len);
	struct sha256 name = name_of(1, len);

	world_new(&w);
	random_seeded_init(&random, 1);
	cr_assert_eq(put(&w, 1, len).err, ERR_NONE);
	for (unsigned i = 0; i < 300; i++) {
		size_t from = random_range(&random.random, 0, len + 10);
		size_t want = random_range(&random.random, 0, len);
		struct slice part =
			from > len ? SLICE_NONE
				   : slice_first(slice_from(buf_slice(&octets),
							    from),
						 want);
		size_t got;

		cr_assert_eq(body_read(w.store, &name, from, out, want, &got),
			     ERR_NONE);
		cr_assert(slice_eq(slice_of(out, got), part));
	}
	mem_free(out);
	buf_fini(&octets);
	body_world_fini(&w);
}

Test(body, many_parts_are_read_in_one_call)
{
	struct body_world w;
	uint8_t out[4][10];
	struct body_piece pieces[4];

	world_new(&w);
	put(&w, 1, 100);
	put(&w, 2, 200);
	for (unsigned i = 0; i < 4; i++)
		pieces[i] = (struct body_piece){
			.hash = name_of(i < 2    ? 1
					: i == 2 ? 2
						 : 3,
					i < 2 ? 100 : 200),
			.offset = i * 95,
			.len = 10,
			.out = out[i],
		};
	body_read_many(w.store, pieces, 4);
	cr_assert_eq(pieces[0].err, ERR_NONE);
	cr_assert_eq(pieces[0].got, 10);
	cr_assert_eq(pieces[1].got, 5, "the end of the body");
	cr_assert_eq(pieces[2].got, 10);
	cr_assert_eq(pieces[3].err, ERR_MISSING_BODY);
	cr_assert_eq(pieces[3].got, 0);
	body_world_fini(&w);
}

Test(body, that_is_not_here_is_missing)
{
	struct sha256 name = name_of(1, 10);
	struct body_hold hold = body_hold_of(1);
	struct body_world w;
	uint64_t length;
	uint8_t out[10];
	size_t got;

	world_new(&w);
	cr_assert_eq(body_read(w.store, &name, 0, out, 10, &got),
		     ERR_MISSING_BODY);
	cr_assert_eq(body_length(w.store, &name, &length), ERR_MISSING_BODY);
	cr_assert_eq(body_check(w.store, &name), ERR_MISSING_BODY);
	cr_assert_eq(body_world_have(&w, &name, &hold), ERR_MISSING_BODY);
	cr_assert_eq(holds_of(&w), 0);
	body_world_fini(&w);
}

Test(body, that_is_here_already_gets_a_hold_only)
{
	struct body_world w;
	struct body_hold other = body_hold_of(99);
	struct buf octets = body_octets(1, 5000);
	struct sha256 name = name_of(1, 5000);

	world_new(&w);
	put(&w, 1, 5000);
	cr_assert_eq(body_world_put(&w, buf_slice(&octets), &other).err,
		     ERR_NONE);
	cr_assert_eq(holds_of(&w), 2);
	cr_assert_eq(body_world_have(&w, &name, &other), ERR_NONE);
	cr_assert_eq(body_world_put(&w, buf_slice(&octets), NULL).err,
		     ERR_NONE);
	reopen(&w);
	cr_assert_eq(holds_of(&w), 2);
	cr_assert_eq(stats_of(&w).bodies, 1);
	buf_fini(&octets);
	body_world_fini(&w);
}

Test(body, large_and_here_already_leaves_no_second_segment)
{
	struct body_world w;
	uint64_t live;

	world_new(&w);
	put(&w, 1, 200000);
	put(&w, 1, 200000);
	reopen(&w);
	live = stats_of(&w).live_octets;
	cr_assert_eq(stats_of(&w).bodies, 1);
	cr_assert_eq(live, body_record_size(200000));
	cr_assert_leq(stats_of(&w).segments, 2);
	body_world_fini(&w);
}

/* ---- uploads ---- */

struct upload {
	struct body_write write;
	bool done;
	unsigned ready;
};

static void upload_ready(struct body_write *write)
{
	((struct upload *)write->owner)->ready++;
}

static void upload_done(struct body_write *write)
{
	((struct upload *)write->owner)->done = true;
}

static void upload_begin(struct body_world *w, struct upload *u)
{
	u->write.home = &w->queue.executor;
	u->write.owner = u;
	body_write_begin(w->store, &u->write, upload_ready);
}

Test(body, an_upload_stops_when_two_chunks_wait)
{
	struct body_world w;
	struct upload u = { 0 };
	struct buf octets = body_octets(1, 10 * BODY_CHUNK);
	struct slice rest = buf_slice(&octets);

	world_new(&w);
	upload_begin(&w, &u);
	body_write_add(&u.write, slice_first(rest, 2 * BODY_CHUNK));
	cr_assert_eq(body_write_room(&u.write), 0);
	cr_assert_eq(u.ready, 0, "never inside of the call");
	task_queue_drain(&w.queue);
	cr_assert_eq(u.ready, 1);
	cr_assert_gt(body_write_room(&u.write), 0);
	body_write_add(&u.write, SLICE_LIT("more"));
	body_write_finish(&u.write, upload_done);
	task_queue_drain(&w.queue);
	cr_assert(u.done);
	cr_assert_eq(u.write.err, ERR_NONE);
	cr_assert_eq(u.write.length, 2 * BODY_CHUNK + 4);
	buf_fini(&octets);
	body_world_fini(&w);
}

Test(body, any_split_of_an_upload_gives_the_same)
{
	static const size_t len = 3 * BODY_CHUNK + 17;
	struct buf octets = body_octets(1, len);
	struct random_seeded random;
	struct sha256 name = name_of(1, len);

	random_seeded_init(&random, 3);
	for (unsigned i = 0; i < 20; i++) {
		struct slice rest = buf_slice(&octets);
		struct upload u = { 0 };
		struct body_world w;

		world_new(&w);
		upload_begin(&w, &u);
		while (rest.len > 0) {
			size_t room = body_write_room(&u.write);
			size_t take = room == 0 ? 0
						: random_range(&random.random,
							       1, room);
			struct slice piece = slice_first(rest, take);

			body_write_add(&u.write, piece);
			rest = slice_from(rest, piece.len);
			if (random_range(&random.random, 0, 2) == 0)
				task_queue_step(&w.queue);
		}
		body_write_finish(&u.write, upload_done);
		task_queue_drain(&w.queue);
		cr_assert_eq(u.write.err, ERR_NONE);
		cr_assert(sha256_eq(&u.write.hash, &name));
		cr_assert(is(&w, 1, len));
		body_world_fini(&w);
	}
	buf_fini(&octets);
}

static void names_count(void *arg, const char *name)
{
	*(unsigned *)arg += strstr(name, ".seg") != NULL;
}

static unsigned files_of(struct body_world *w)
{
	struct disk *disk = disk_sim_disk(w->sim);
	unsigned count = 0;

	cr_assert_eq(disk->list(disk, "bodies", names_count, &count), ERR_NONE);
	return count;
}

Test(body, an_aborted_upload_leaves_no_trace)
{
	static const size_t sizes[] = { 0, 10, BODY_CHUNK, 2 * BODY_CHUNK };

	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		struct buf octets = body_octets(1, sizes[i]);
		struct upload u = { 0 };
		struct body_world w;

		world_new(&w);
		upload_begin(&w, &u);
		body_write_add(&u.write, buf_slice(&octets));
		if (i % 2)
			task_queue_drain(&w.queue);
		body_write_abort(&u.write, upload_done);
		cr_assert_not(u.done, "late");
		task_queue_drain(&w.queue);
		cr_assert(u.done);
		cr_assert_eq(u.write.err, ERR_CANCELLED);
		cr_assert_eq(files_of(&w), 0);
		buf_fini(&octets);
		body_world_fini(&w);
	}
}

Test(body, of_another_name_than_expected_is_not_stored)
{
	static const size_t sizes[] = { 10, 3 * BODY_CHUNK };

	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		struct sha256 expect = name_of(2, 10);
		struct buf octets = body_octets(1, sizes[i]);
		struct slice rest = buf_slice(&octets);
		struct upload u = { .write.expect = &expect };
		struct body_world w;

		world_new(&w);
		upload_begin(&w, &u);
		while (rest.len > 0) {
			struct slice piece =
				slice_first(rest, body_write_room(&u.write));

			body_write_add(&u.write, piece);
			rest = slice_from(rest, piece.len);
			task_queue_drain(&w.queue);
		}
		body_write_finish(&u.write, upload_done);
		task_queue_drain(&w.queue);
		cr_assert_eq(u.write.err, ERR_INVALID);
		cr_assert_eq(files_of(&w), 0);
		buf_fini(&octets);
		body_world_fini(&w);
	}
}

Test(body, sixty_four_writers_share_an_fsync)
{
	struct upload u[64] = { 0 };
	struct body_world w;
	uint64_t syncs;

	world_new(&w);
	put(&w, 1000, 10); /* the segment is there */
	syncs = stats_of(&w).fsyncs;
	for (unsigned i = 0; i < 64; i++) {
		struct buf octets = body_octets(i, 4096);

		upload_begin(&w, &u[i]);
		body_write_add(&u[i].write, buf_slice(&octets));
		body_write_finish(&u[i].write, upload_done);
		buf_fini(&octets);
	}
	task_queue_drain(&w.queue);
	for (unsigned i = 0; i < 64; i++) {
		cr_assert(u[i].done);
		cr_assert_eq(u[i].write.err, ERR_NONE);
		cr_assert(is(&w, i, 4096));
	}
	/* 64 * 4.3 KB do not fit behind the first into 256 KiB. */
	cr_assert_leq(stats_of(&w).fsyncs - syncs, 2);
	body_world_fini(&w);
}

Test(body, more_than_a_segment_goes_into_several)
{
	struct body_world w;

	world_new(&w);
	for (unsigned i = 0; i < 40; i++)
		cr_assert_eq(put(&w, i, 30000).err, ERR_NONE);
	for (unsigned i = 0; i < 40; i++)
		cr_assert(is(&w, i, 30000));
	reopen(&w);
	for (unsigned i = 0; i < 40; i++)
		cr_assert(is(&w, i, 30000));
	cr_assert_geq(stats_of(&w).segments, 5);
	cr_assert_eq(stats_of(&w).bodies, 40);
	cr_assert_eq(stats_of(&w).live_octets, 40 * body_record_size(30000));
	body_world_fini(&w);
}

static uint64_t free_of(struct body_world *w)
{
	struct disk *disk = disk_sim_disk(w->sim);
	uint64_t free_octets;

	cr_assert_eq(disk->free_space(disk, "/", &free_octets), ERR_NONE);
	return free_octets;
}

/* Puts bodies of this length until one is refused; how many were not. */
static unsigned put_until_full(struct body_world *w, uint64_t from, size_t len)
{
	struct body_result r = { 0 };
	unsigned count = 0;

	while (!r.err) {
		r = put(w, from + count, len);
		count += !r.err;
		cr_assert_lt(count, 1000, "never full");
	}
	cr_assert_eq(r.err, ERR_FULL);
	task_queue_drain(&w->queue);
	return count;
}

Test(body, new_ones_leave_some_of_the_disk_free)
{
	const uint64_t min_free = 1024 * 1024;
	struct body_world w;
	unsigned small;
	unsigned large;

	body_world_init(&w);
	w.min_free = min_free;
	cr_assert_eq(body_world_open(&w, false), ERR_NONE);
	disk_sim_set_space(w.sim, 8 * min_free);
	large = put_until_full(&w, 0, 2 * BODY_CHUNK + 1);
	cr_assert_geq(large, 5);
	cr_assert_geq(free_of(&w), min_free);
	small = put_until_full(&w, 1000, 50000);
	cr_assert_geq(free_of(&w), min_free);
	disk_sim_set_space(w.sim, 16 * min_free);
	cr_assert_eq(put(&w, 1000 + small, 50000).err, ERR_NONE);
	cr_assert(is(&w, 0, 2 * BODY_CHUNK + 1));
	cr_assert(is(&w, large - 1, 2 * BODY_CHUNK + 1));
	reopen(&w);
	cr_assert(is(&w, 1000 + small, 50000));
	body_world_fini(&w);
}

Test(body, the_index_follows_behind)
{
	struct body_world w;

	world_new(&w);
	for (unsigned i = 0; i < 1000; i++)
		put(&w, i, 10);
	task_queue_drain(&w.queue);
	cr_assert_gt(stats_of(&w).bodies, 500);
	cr_assert_lt(stats_of(&w).pending, 600);
	for (unsigned i = 0; i < 1000; i++)
		cr_assert(is(&w, i, 10));
	cr_assert_eq(body_world_checkpoint(&w), ERR_NONE);
	cr_assert_eq(stats_of(&w).pending, 0);
	cr_assert_eq(stats_of(&w).bodies, 1000);
	cr_assert_eq(stats_of(&w).holds, 1000);
	body_world_fini(&w);
}

Test(body, a_parked_store_reads_on)
{
	struct sha256 name = name_of(1, 10);
	struct body_hold hold = body_hold_of(5);
	struct body_world w;

	world_new(&w);
	put(&w, 1, 10);
	body_store_park(w.store);
	cr_assert_eq(put(&w, 2, 10).err, ERR_UNAVAILABLE);
	cr_assert_eq(put(&w, 2, 200000).err, ERR_UNAVAILABLE);
	cr_assert_eq(body_world_have(&w, &name, &hold), ERR_UNAVAILABLE);
	cr_assert(is(&w, 1, 10));
	body_world_fini(&w);
}

/* ---- damage ---- */

/* Flips a bit in the octets of the only body of the store. */
static void flip(struct body_world *w, uint64_t segment, uint64_t offset)
{
	disk_sim_flip(w->sim, body_world_segment(segment), offset, 0x08);
}

Test(body, a_flipped_bit_is_never_served)
{
	struct body_world w;
	struct sha256 name = name_of(1, 40000);
	struct body_hold hold = body_hold_of(7);
	struct body_stats stats;
	uint8_t out[100];
	size_t got;

	world_new(&w);
	put(&w, 1, 40000);
	flip(&w, 0, BODY_HEADER_SIZE + 20000); /* in the second block */
	cr_assert_eq(body_read(w.store, &name, 0, out, 100, &got), ERR_NONE,
		     "another block is whole");
	cr_assert_eq(body_read(w.store, &name, 18000, out, 100, &got),
		     ERR_CORRUPT);
	cr_assert_eq(got, 0);
	task_queue_drain(&w.queue);

	/* Forgotten: nobody is told that it is here, until it is again. */
	cr_assert_eq(body_read(w.store, &name, 0, out, 100, &got),
		     ERR_MISSING_BODY);
	cr_assert_eq(body_world_have(&w, &name, &hold), ERR_MISSING_BODY);
	stats = stats_of(&w);
	cr_assert_eq(stats.damaged, 1);
	cr_assert(sha256_eq(&stats.damaged_hash, &name));
	reopen(&w);
	cr_assert_eq(body_world_have(&w, &name, &hold), ERR_MISSING_BODY);
	cr_assert_eq(put(&w, 1, 40000).err, ERR_NONE);
	cr_assert(is(&w, 1, 40000));
	reopen(&w);
	cr_assert(is(&w, 1, 40000));
	body_world_fini(&w);
}

Test(body, a_flipped_bit_among_the_sums_is_no_other_body)
{
	static const size_t len = 200000;
	struct body_world w;
	struct sha256 name = name_of(1, len);

	world_new(&w);
	put(&w, 1, len);
	flip(&w, 0, BODY_HEADER_SIZE + len + 3);
	cr_assert_eq(body_check(w.store, &name), ERR_CORRUPT);
	body_world_fini(&w);
}

Test(body, a_read_error_is_no_damage)
{
	struct body_world w;
	struct sha256 name = name_of(1, 100);
	uint8_t out[100];
	size_t got;

	world_new(&w);
	put(&w, 1, 100);
	disk_sim_fail(w.sim, DISK_SIM_READ, 1, 1, ERR_IO);
	cr_assert_eq(body_read(w.store, &name, 0, out, 100, &got), ERR_IO);
	cr_assert(is(&w, 1, 100));
	cr_assert_eq(stats_of(&w).io_errors, 1);
	cr_assert_eq(put(&w, 2, 100).err, ERR_NONE, "writing goes on");
	body_world_fini(&w);
}

/* ---- verifying ---- */

struct verify {
	struct body_verify verify;
	bool done;
};

static void verify_done(struct body_verify *verify)
{
	((struct verify *)verify->owner)->done = true;
}

static struct body_verify verify_all(struct body_world *w)
{
	struct verify v = { .verify.home = &w->queue.executor };

	v.verify.owner = &v;
	body_verify(w->store, &v.verify, verify_done);
	task_queue_drain(&w->queue);
	cr_assert(v.done);
	return v.verify;
}

Test(body, verifying_reads_all_and_finds_the_damaged)
{
	struct body_world w;
	struct body_verify v;

	world_new(&w);
	for (unsigned i = 0; i < 50; i++)
		put(&w, i, 1000);
	v = verify_all(&w);
	cr_assert_eq(v.err, ERR_NONE);
	cr_assert_eq(v.bodies, 50);
	cr_assert_eq(v.octets, 50 * 1000);
	cr_assert_eq(v.damaged, 0);
	flip(&w, 0, BODY_HEADER_SIZE + 1);
	v = verify_all(&w);
	cr_assert_eq(v.damaged, 1);
	v = verify_all(&w);
	cr_assert_eq(v.damaged, 0, "forgotten");
	cr_assert_eq(v.bodies, 49);
	body_world_fini(&w);
}

/* ---- the index is a cache ---- */

Test(body, a_lost_index_is_made_again)
{
	struct disk *disk;
	struct body_world w;
	char *index;

	world_new(&w);
	for (unsigned i = 0; i < 20; i++)
		put(&w, i, 20000);
	put(&w, 100, 500000);
	task_queue_drain(&w.queue);
	cr_assert_eq(body_store_close(&w.store, true), ERR_NONE);

	disk = disk_sim_disk(w.sim);
	index = host_path(w.dir, "index/checkpoint");
	cr_assert_eq(disk->unlink(disk, index), ERR_NONE);
	mem_free(index);

	cr_assert_eq(body_world_open(&w, false), ERR_NONE);
	for (unsigned i = 0; i < 20; i++)
		cr_assert(is(&w, i, 20000));
	cr_assert(is(&w, 100, 500000));
	cr_assert_eq(holds_of(&w), 21);
	body_world_fini(&w);
}

Test(body, a_missing_segment_makes_the_index_again)
{
	struct disk *disk;
	struct body_world w;

	world_new(&w);
	put(&w, 1, 100);
	put(&w, 2, 300000);
	task_queue_drain(&w.queue);
	cr_assert_eq(body_store_close(&w.store, true), ERR_NONE);
	disk = disk_sim_disk(w.sim);
	cr_assert_eq(disk->unlink(disk, body_world_segment(0)), ERR_NONE);
	cr_assert_eq(body_world_open(&w, true), ERR_NONE);
	cr_assert_eq(stats_of(&w).bodies, 1, "the other is here");
	body_world_fini(&w);
}

/* ---- the sweep ---- */

static bool hold_stands(void *arg unused_arg,
			const struct body_hold *hold unused_arg)
{
	return false;
}

static bool is_the_first(void *arg, const struct sha256 *hash)
{
	return sha256_eq(arg, hash);
}

static void swept(struct body_sweep *sweep)
{
	sweep->owner = NULL;
}

static struct sha256 put_without_hold(struct body_world *w, uint64_t number,
				      size_t len)
{
	struct buf octets = body_octets(number, len);
	struct body_hold none = { 0 };
	struct body_result result =
		body_world_put(w, buf_slice(&octets), &none);

	cr_assert_eq(result.err, ERR_NONE);
	buf_fini(&octets);
	return result.hash;
}

Test(body, a_sweep_ends_though_holds_are_all_that_is_left)
{
	struct body_world w;
	struct sha256 first;
	struct body_sweep sweep = {
		.owner = &w,
		.is_resolved = hold_stands,
		.is_named = is_the_first,
		.arg = &first,
	};
	unsigned steps = 0;

	world_new(&w);
	first = put_without_hold(&w, 1, 300000); /* a segment of its own */
	for (unsigned i = 2; i < 8; i++) {
		struct body_hold hold = body_hold_of(i);

		put_without_hold(&w, i, 60000); /* nobody needs it */
		cr_assert_eq(body_world_have(&w, &first, &hold), ERR_NONE);
	}
	task_queue_drain(&w.queue);
	body_store_caught_up(w.store, true);
	sweep.home = &w.queue.executor;
	body_sweep(w.store, &sweep, swept);
	while (sweep.owner && steps < 5000 && task_queue_step(&w.queue))
		steps++;
	cr_assert_lt(steps, 5000, "it goes on and on");
	cr_assert_eq(sweep.err, ERR_NONE);
	cr_assert_gt(sweep.bodies, 0);
	cr_assert_gt(sweep.octets, 0);
	cr_assert_eq(holds_of(&w), 6);
	cr_assert(is(&w, 1, 300000));
	body_world_fini(&w);
}
