/*
 * Reading entries back from the log, also from files that nobody needs any
 * more: what is given is what remained, in order, or nothing.
 */
#include <criterion/criterion.h>

#include "base/digest.h"
#include "raft/wal_internal.h"
#include "raft/wal_read.h"
#include "wal_bench.h"

struct reading {
	struct wal_bench *bench;
	unsigned group;
	uint64_t next; /* index expected */
	unsigned calls;
	bool wrong;
};

static void take(void *arg, uint64_t index, const struct wal_entry *entry)
{
	struct reading *reading = arg;
	const struct bench_group *group =
		&reading->bench->groups[reading->group];
	const struct bench_entry *model = &group->entries[index];

	if (index != reading->next || entry->term != model->term ||
	    entry->type != model->type || xxh3(entry->data) != model->hash)
		reading->wrong = true;
	reading->next = index + 1;
}

/* Reads to the end, in pieces of this size. */
static enum err read_all(struct reading *reading, struct wal_reader *reader,
			 size_t octets)
{
	enum err err;

	do {
		err = wal_reader_next(reader, octets, take, reading);
		reading->calls++;
	} while (err == ERR_NONE);
	return err;
}

static struct reading read_from(struct wal_bench *bench, unsigned group,
				uint64_t first, enum err *err_r)
{
	struct reading reading = {
		.bench = bench,
		.group = group,
		.next = first,
	};
	struct wal_reader *reader =
		wal_reader_open(wal_group_open(bench->wal, group), first,
				bench->groups[group].last);

	*err_r = read_all(&reading, reader, 3000);
	wal_reader_close(&reader);
	return reading;
}

static void expect_all(struct wal_bench *bench, unsigned group, uint64_t first)
{
	enum err err;
	struct reading reading = read_from(bench, group, first, &err);

	cr_expect_eq(err, ERR_END);
	cr_expect_eq(reading.next, bench->groups[group].last + 1);
	cr_expect_not(reading.wrong);
}

static void write_some(struct wal_bench *bench, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		bench_append(bench, 0, 3, 1000);
		bench_append(bench, 1, 1, 100);
		bench_drain(bench);
	}
}

static struct wal_bench *bench_new_keeping(uint64_t seed)
{
	struct wal_bench *bench = bench_new(seed);

	bench_close(bench);
	bench->options.keep_bytes = 64 * 1024 * 1024;
	cr_assert_eq(bench_open(bench), ERR_NONE);
	bench_term(bench, 0, 1);
	bench_term(bench, 1, 1);
	return bench;
}

Test(wal_read, gives_entries_that_nobody_needs_any_more)
{
	struct wal_bench *bench = bench_new_keeping(1);
	struct wal_stats stats;

	write_some(bench, 60); /* three files */
	bench_marker(bench, 0, 180, 179, false);
	bench_marker(bench, 1, 60, 60, false);
	bench_drain(bench);
	write_some(bench, 60);
	wal_get_stats(bench->wal, &stats);
	cr_assert_gt(stats.kept_bytes, 0);
	expect_all(bench, 0, 1);
	expect_all(bench, 0, 77);
	expect_all(bench, 0, 360);
	expect_all(bench, 1, 1);
	bench_free(bench);
}

Test(wal_read, comes_in_pieces)
{
	struct wal_bench *bench = bench_new_keeping(2);
	enum err err;
	struct reading reading;

	write_some(bench, 30);
	reading = read_from(bench, 0, 1, &err);
	cr_expect_eq(err, ERR_END);
	cr_expect_geq(reading.calls, 20);
	bench_free(bench);
}

Test(wal_read, gives_what_replaced_an_entry)
{
	struct wal_bench *bench = bench_new_keeping(3);

	write_some(bench, 3);
	bench_truncate(bench, 0, 5);
	bench_term(bench, 0, 2);
	write_some(bench, 30);
	bench_truncate(bench, 0, 2);
	bench_term(bench, 0, 3);
	bench_append(bench, 0, 1, 500);
	bench_drain(bench);
	expect_all(bench, 0, 1);
	write_some(bench, 30);
	expect_all(bench, 0, 1);
	expect_all(bench, 0, 2);
	bench_free(bench);
}

Test(wal_read, goes_behind_a_restart)
{
	struct wal_bench *bench = bench_new_keeping(4);

	write_some(bench, 40);
	bench_marker(bench, 0, 120, 110, false);
	write_some(bench, 40);
	cr_expect_null(bench_crash(bench, DISK_SIM_DROP));
	expect_all(bench, 0, 1);
	write_some(bench, 40);
	expect_all(bench, 0, 1);
	bench_free(bench);
}

Test(wal_read, says_when_a_file_was_used_again)
{
	struct wal_bench *bench = bench_new(5); /* keeps two files */
	struct reading reading;
	enum err err;

	bench_term(bench, 0, 1);
	bench_term(bench, 1, 1);
	for (unsigned i = 0; i < 10; i++) {
		write_some(bench, 10);
		bench_marker(bench, 0, bench->groups[0].last,
			     bench->groups[0].last, false);
		bench_marker(bench, 1, bench->groups[1].last,
			     bench->groups[1].last, false);
		bench_drain(bench);
	}
	reading = read_from(bench, 0, 1, &err);
	cr_expect_eq(err, ERR_NOTFOUND);
	cr_expect_eq(reading.next, 1);
	expect_all(bench, 0, bench->groups[0].last - 20);
	bench_free(bench);
}

Test(wal_read, says_when_a_file_is_used_again_while_it_reads)
{
	struct wal_bench *bench = bench_new(6);
	struct reading reading = { .bench = bench, .next = 1 };
	struct wal_reader *reader;
	enum err err;

	bench_term(bench, 0, 1);
	bench_term(bench, 1, 1);
	write_some(bench, 30);
	reader = wal_reader_open(wal_group_open(bench->wal, 0), 1,
				 bench->groups[0].last);
	cr_assert_eq(wal_reader_next(reader, 3000, take, &reading), ERR_NONE);
	for (unsigned i = 0; i < 10; i++) {
		write_some(bench, 10);
		bench_marker(bench, 0, bench->groups[0].last,
			     bench->groups[0].last, false);
		bench_marker(bench, 1, bench->groups[1].last,
			     bench->groups[1].last, false);
		bench_drain(bench);
	}
	err = read_all(&reading, reader, 3000);
	/* What it has in memory may be all that it needs. */
	cr_expect(err == ERR_NOTFOUND || err == ERR_END);
	cr_expect_not(reading.wrong);
	wal_reader_close(&reader);
	bench_free(bench);
}

Test(wal_read, forgets_a_group_that_was_dropped)
{
	struct wal_bench *bench = bench_new_keeping(7);
	struct wal_group *group = wal_group_open(bench->wal, 0);
	struct wal_reader *reader;
	struct wal_op op;

	write_some(bench, 5);
	wal_drop_group(group, &op, NULL);
	bench_drain(bench);
	reader = wal_reader_open(group, 1, 15);
	cr_expect_eq(wal_reader_next(reader, 1, take, NULL), ERR_NOTFOUND);
	wal_reader_close(&reader);
	bench_free(bench);
}

Test(wal_read, does_not_give_what_was_never_there)
{
	struct wal_bench *bench = bench_new_keeping(8);
	struct wal_reader *reader;

	write_some(bench, 5);
	reader = wal_reader_open(wal_group_open(bench->wal, 0), 1, 16);
	cr_expect_eq(wal_reader_next(reader, 1, take, NULL), ERR_NOTFOUND);
	wal_reader_close(&reader);
	reader = wal_reader_open(wal_group_open(bench->wal, 2), 1, 1);
	cr_expect_eq(wal_reader_next(reader, 1, take, NULL), ERR_NOTFOUND);
	wal_reader_close(&reader);
	bench_free(bench);
}

Test(wal_read, says_nothing_wrong_of_any_life)
{
	unsigned whole = 0;

	for (uint64_t seed = 100; seed < 130; seed++) {
		struct wal_bench *bench = bench_new(seed);

		for (unsigned i = 0; i < 150; i++)
			bench_random_op(bench);
		bench_drain(bench);
		for (unsigned g = 0; g < BENCH_GROUPS; g++) {
			enum err err;
			struct reading reading = read_from(
				bench, g, bench->groups[g].first, &err);

			cr_expect(err == ERR_END || err == ERR_NOTFOUND);
			cr_expect_not(reading.wrong, "seed %u", (unsigned)seed);
			whole += err == ERR_END;
		}
		bench_free(bench);
	}
	cr_expect_gt(whole, 60);
}
