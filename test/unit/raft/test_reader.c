/*
 * Reads on their way to an index: numbers of questions and their answers.
 */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "raft/reader.h"

#define LIFE 2000 /* numbers begin at half of it */

struct bench {
	struct reader reader;
	struct task_queue home;
	struct read_index reads[3];
	unsigned done;
};

static void read_done(struct read_index *read)
{
	((struct bench *)read->owner)->done++;
}

static void bench_init(struct bench *bench)
{
	*bench = (struct bench){ 0 };
	reader_init(&bench->reader, LIFE);
	task_queue_init(&bench->home);
	for (unsigned i = 0; i < ARRAY_LEN(bench->reads); i++) {
		struct read_index *read = &bench->reads[i];

		read->home = &bench->home.executor;
		read->owner = bench;
		read->done = read_done;
		list_init(&read->link);
	}
}

static struct read_index *noted(struct bench *bench)
{
	return reader_first_noted(&bench->reader);
}

Test(reader, an_answer_is_one_to_all_that_were_asked_for_by_then)
{
	struct bench b;
	uint64_t first;
	uint64_t second;

	bench_init(&b);
	reader_add(&b.reader, &b.reads[0], 0);
	first = reader_ask(&b.reader, 0);
	reader_add(&b.reader, &b.reads[1], 0);
	second = reader_ask(&b.reader, 0);
	reader_add(&b.reader, &b.reads[2], 0);
	cr_expect_gt(second, first);
	reader_note(&b.reader, first, 7);
	cr_expect_eq(noted(&b), &b.reads[0]);
	cr_expect_eq(b.reads[0].index, 7);
	reader_answer(&b.reads[0], ERR_NONE, 7);
	cr_expect_null(noted(&b), "the second came after the question");
	reader_note(&b.reader, second, 9);
	cr_expect_eq(noted(&b), &b.reads[1]);
	reader_answer(&b.reads[1], ERR_NONE, 9);
	cr_expect_null(noted(&b), "the third was not asked for");
	reader_end(&b.reader, ERR_UNAVAILABLE);
	task_queue_drain(&b.home);
	cr_expect_eq(b.done, 3);
	cr_expect_eq(b.reads[2].err, ERR_UNAVAILABLE);
}

Test(reader, an_answer_to_another_life_says_nothing)
{
	struct bench b;

	bench_init(&b);
	reader_add(&b.reader, &b.reads[0], 0);
	reader_note(&b.reader, reader_ask(&b.reader, 0) + 1, 7);
	cr_expect_null(noted(&b), "it was never asked");
	reader_note(&b.reader, LIFE / 2, 7);
	cr_expect_null(noted(&b), "it was asked before this life");
	reader_end(&b.reader, ERR_UNAVAILABLE);
}

Test(reader, what_is_asked_again_keeps_its_turn)
{
	struct bench b;

	bench_init(&b);
	reader_add(&b.reader, &b.reads[0], 0);
	(void)reader_ask(&b.reader, 0);
	reader_add(&b.reader, &b.reads[1], 0);
	reader_again(&b.reader);
	cr_expect_not(reader_waits(&b.reader));
	reader_note(&b.reader, reader_ask(&b.reader, 5), 3);
	cr_expect_eq(noted(&b), &b.reads[0]);
	cr_expect_eq(b.reads[1].asked_at_ms, 5);
	reader_end(&b.reader, ERR_UNAVAILABLE);
}

Test(reader, each_read_has_its_own_deadline)
{
	struct bench b;

	bench_init(&b);
	b.reads[1].deadline_ms = 10;
	reader_add(&b.reader, &b.reads[0], 100);
	reader_add(&b.reader, &b.reads[1], 100);
	reader_tick(&b.reader, 109);
	task_queue_drain(&b.home);
	cr_expect_eq(b.done, 0);
	(void)reader_ask(&b.reader, 109);
	reader_tick(&b.reader, 110);
	task_queue_drain(&b.home);
	cr_expect_eq(b.done, 1);
	cr_expect_eq(b.reads[1].err, ERR_TIMEOUT);
	reader_tick(&b.reader, 100 + REPLICA_READ_MS);
	task_queue_drain(&b.home);
	cr_expect_eq(b.done, 2);
}
