/*
 * Reading the kept log: what still stands comes once, in order, and nothing
 * else, whatever was replaced, dropped or moved in between.
 */
#include <criterion/criterion.h>

#include "base/digest.h"
#include "raft/wal_walk.h"
#include "raft/wal_segment.h"
#include "wal_bench.h"

#define LIFE_OPS 120

/* What came of each group: indexes [first, next). */
struct seen {
	uint64_t first;
	uint64_t next; /* 0: nothing came */
	struct bench_entry entries[BENCH_ENTRIES_MAX];
};

/* A log that keeps all of its files. */
static struct wal_bench *keeping(uint64_t seed)
{
	struct wal_bench *bench = bench_new(seed);

	bench_close(bench);
	bench->options.keep_bytes = 1u << 30;
	cr_assert_eq(bench_open(bench), ERR_NONE);
	return bench;
}

static struct wal_walk *walk_of(struct wal_bench *bench)
{
	struct wal_walk *walk;

	cr_assert_eq(
		wal_walk_open(bench->options.disk, bench->options.path, &walk),
		ERR_NONE);
	return walk;
}

static void take(struct seen *seen, const struct wal_step *read)
{
	cr_assert_lt(read->group, BENCH_GROUPS);
	seen += read->group;
	if (seen->next == 0)
		seen->first = read->index;
	else
		cr_assert_eq(read->index, seen->next, "group %u has a gap",
			     read->group);
	seen->next = read->index + 1;
	cr_assert_lt(read->index, BENCH_ENTRIES_MAX);
	seen->entries[read->index] = (struct bench_entry){
		.term = read->entry.term,
		.type = read->entry.type,
		.hash = xxh3(read->entry.data),
	};
}

static void read_all(struct wal_bench *bench, struct seen *seen)
{
	struct wal_walk *walk = walk_of(bench);
	struct wal_step read;
	enum err err;

	while ((err = wal_walk_next(walk, &read)) == ERR_NONE)
		take(seen, &read);
	cr_expect_eq(err, ERR_END);
	wal_walk_close(&walk);
	cr_expect_null(walk);
}

/* Everything that the group still has has come, as it is. */
static void expect_group(const struct bench_group *group,
			 const struct seen *seen)
{
	if (group->last < group->first)
		return; /* nothing is left of it */
	cr_assert_neq(seen->next, 0);
	cr_expect_leq(seen->first, group->first);
	cr_expect_eq(seen->next, group->last + 1);
	for (uint64_t i = group->first; i <= group->last; i++) {
		cr_expect_eq(seen->entries[i].term, group->entries[i].term);
		cr_expect_eq(seen->entries[i].type, group->entries[i].type);
		cr_expect_eq(seen->entries[i].hash, group->entries[i].hash);
	}
}

static void expect_all(struct wal_bench *bench)
{
	static struct seen seen[BENCH_GROUPS];

	memset(seen, 0, sizeof(seen));
	read_all(bench, seen);
	for (unsigned g = 0; g < BENCH_GROUPS; g++)
		expect_group(&bench->groups[g], &seen[g]);
}

Test(wal_walk, what_stands_comes_once_in_any_life)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct wal_bench *bench = keeping(seed);

		for (unsigned i = 0; i < LIFE_OPS; i++) {
			bench_random_op(bench);
			if (i % 7 != 0)
				continue;
			bench_drain(bench);
			if (i % 5 == 0)
				expect_all(bench); /* while it is open */
		}
		bench_drain(bench);
		expect_all(bench);
		cr_expect_null(bench_crash(bench, DISK_SIM_DROP));
		expect_all(bench);
		bench_free(bench);
	}
}

/*
 * Old files are used again: the groups begin later, and of one that was
 * copied out of them nothing may come. What comes is right.
 */
Test(wal_walk, what_comes_of_a_log_that_is_recycled_is_right)
{
	static struct seen seen[BENCH_GROUPS];
	struct wal_bench *bench = bench_new(5);

	for (unsigned i = 0; i < 2 * LIFE_OPS; i++) {
		bench_random_op(bench);
		bench_drain(bench);
	}
	read_all(bench, seen);
	for (unsigned g = 0; g < BENCH_GROUPS; g++) {
		struct bench_group rest = bench->groups[g];

		if (seen[g].next == 0)
			continue;
		if (rest.first < seen[g].first)
			rest.first = seen[g].first;
		expect_group(&rest, &seen[g]);
	}
	cr_expect_gt(seen[0].first, 1);
	bench_free(bench);
}

Test(wal_walk, an_empty_log_gives_nothing)
{
	struct wal_bench *bench = bench_new(1);
	static struct seen seen[BENCH_GROUPS];

	read_all(bench, seen);
	for (unsigned g = 0; g < BENCH_GROUPS; g++)
		cr_expect_eq(seen[g].next, 0);
	bench_free(bench);
}

Test(wal_walk, without_a_directory_there_is_no_log)
{
	struct wal_bench *bench = bench_new(1);
	struct wal_walk *walk;

	cr_expect_eq(wal_walk_open(bench->options.disk, "data", &walk),
		     ERR_NOTFOUND);
	cr_expect_null(walk);
	bench_free(bench);
}

Test(wal_walk, entries_before_a_reset_do_not_come)
{
	struct wal_bench *bench = bench_new(2);
	static struct seen seen[BENCH_GROUPS];

	bench_term(bench, 0, 1);
	bench_append(bench, 0, 5, 100);
	bench_marker(bench, 0, 20, 21, true);
	bench_append(bench, 0, 2, 100);
	bench_drain(bench);
	read_all(bench, seen);
	cr_expect_eq(seen[0].first, 21);
	cr_expect_eq(seen[0].next, 23);
	bench_free(bench);
}

Test(wal_walk, entries_that_a_marker_let_go_still_come)
{
	struct wal_bench *bench = bench_new(3);
	static struct seen seen[BENCH_GROUPS];

	bench_term(bench, 0, 1);
	bench_append(bench, 0, 5, 100);
	bench_marker(bench, 0, 4, 5, false);
	bench_drain(bench);
	read_all(bench, seen);
	cr_expect_eq(seen[0].first, 1);
	cr_expect_eq(seen[0].next, 6);
	bench_free(bench);
}

/* The oldest file goes while it is to be read. */
Test(wal_walk, a_file_that_is_gone_is_noticed)
{
	struct wal_bench *bench = keeping(4);
	struct wal_walk *walk;
	struct wal_step read;
	struct buf path = { 0 };
	char name[WAL_SEGMENT_NAME_SIZE];
	enum err err;

	bench_term(bench, 0, 1);
	for (unsigned i = 0; i < 40; i++) {
		bench_append(bench, 0, 4, 4000);
		bench_drain(bench);
	}
	walk = walk_of(bench);
	wal_segment_name(4096 + bench->options.segment_size, name);
	buf_printf(&path, "%s/%s", bench->options.path, name);
	cr_assert_eq(bench->options.disk->unlink(bench->options.disk,
						 buf_cstr(&path)),
		     ERR_NONE);
	do
		err = wal_walk_next(walk, &read);
	while (err == ERR_NONE);
	cr_expect_eq(err, ERR_STALE);
	wal_walk_close(&walk);
	buf_fini(&path);
	bench_free(bench);
}
