#include "io/outq.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/random.h"
#include "peer.h"

static void count_release(void *arg)
{
	unsigned *count = arg;

	(*count)++;
}

/* A file without a name that holds `len` octets of the pattern. */
static int file_of_pattern(size_t len)
{
	char path[] = "/tmp/murder-outq-XXXXXX";
	struct buf data = { 0 };
	int fd = mkstemp(path);

	cr_assert(fd >= 0 && unlink(path) == 0);
	pattern_fill(&data, 0, len);
	cr_assert(write(fd, data.data, len) == (ssize_t)len);
	buf_fini(&data);
	return fd;
}

Test(outq, small_copies_become_one_piece)
{
	struct outq q;
	struct iovec iov[8];

	outq_init(&q);
	outq_copy(&q, SLICE_LIT("* OK "));
	outq_copy(&q, SLICE_LIT("ready\r\n"));
	outq_copy(&q, SLICE_NONE);
	cr_assert(q.queued == 12);
	cr_assert(outq_iov(&q, 100, iov, 8) == 1);
	cr_assert(iov[0].iov_len == 12);
	cr_assert(memcmp(iov[0].iov_base, "* OK ready\r\n", 12) == 0);
	cr_assert(outq_iov(&q, 5, iov, 8) == 1 && iov[0].iov_len == 5);
	outq_sent(&q, 5);
	outq_copy(&q, SLICE_LIT("!"));
	cr_assert(outq_iov(&q, 100, iov, 8) == 1);
	cr_assert(memcmp(iov[0].iov_base, "ready\r\n!", 8) == 0);
	outq_sent(&q, 8);
	cr_assert(q.queued == 0 && list_empty(&q.pieces));
	outq_fini(&q);
}

Test(outq, held_memory_is_released_once_when_it_is_used_up)
{
	static uint8_t data[2000];
	struct outq q;
	unsigned released = 0;

	outq_init(&q);
	outq_hold(&q, slice_of(data, sizeof(data)), count_release, &released);
	outq_sent(&q, 1999);
	cr_assert(released == 0);
	outq_sent(&q, 1);
	cr_assert(released == 1);
	outq_hold(&q, slice_of(data, OUTQ_COPY_MAX), count_release, &released);
	cr_assert(released == 2 && q.queued == OUTQ_COPY_MAX);
	outq_hold(&q, slice_of(data, sizeof(data)), count_release, &released);
	outq_file(&q, 0, 0, 100, count_release, &released);
	outq_file(&q, 0, 0, 0, count_release, &released);
	cr_assert(released == 3);
	outq_fini(&q);
	cr_assert(released == 5);
}

Test(outq, memory_in_front_of_a_file_goes_first)
{
	static uint8_t data[2000];
	struct outq q;
	struct iovec iov[8];
	unsigned released = 0;
	uint64_t offset;
	size_t len;
	int fd;

	outq_init(&q);
	outq_copy(&q, SLICE_LIT("{300}\r\n"));
	outq_hold(&q, slice_of(data, sizeof(data)), count_release, &released);
	outq_file(&q, 5, 10, 300, count_release, &released);
	outq_copy(&q, SLICE_LIT(")\r\n"));
	cr_assert(outq_iov(&q, UINT64_MAX, iov, 8) == 2);
	cr_assert(outq_iov(&q, UINT64_MAX, iov, 1) == 1);
	cr_assert(!outq_front_file(&q, 100, &fd, &offset, &len));
	outq_sent(&q, 2007);
	cr_assert(outq_iov(&q, UINT64_MAX, iov, 8) == 0);
	cr_assert(outq_front_file(&q, 100, &fd, &offset, &len));
	cr_assert(fd == 5 && offset == 10 && len == 100);
	outq_sent(&q, 250);
	cr_assert(outq_front_file(&q, 100, &fd, &offset, &len));
	cr_assert(offset == 260 && len == 50);
	outq_sent(&q, 50);
	cr_assert(released == 2);
	cr_assert(outq_iov(&q, UINT64_MAX, iov, 8) == 1);
	outq_fini(&q);
}

Test(outq, a_run_of_one_long_piece_is_not_copied)
{
	static uint8_t data[5000];
	struct outq q;
	struct slice run;
	uint8_t scratch[4096];
	unsigned released = 0;

	outq_init(&q);
	outq_hold(&q, slice_of(data, sizeof(data)), count_release, &released);
	cr_assert(outq_run(&q, scratch, 4096, &run) == ERR_NONE);
	cr_assert(run.data == data && run.len == 4096);
	outq_sent(&q, 4096);
	cr_assert(outq_run(&q, scratch, 4096, &run) == ERR_NONE);
	cr_assert(run.data == data + 4096 && run.len == 904);
	outq_fini(&q);
}

Test(outq, a_file_that_is_too_short_is_an_error)
{
	struct outq q;
	struct slice run;
	uint8_t scratch[512];
	unsigned released = 0;
	int fd = file_of_pattern(100);

	outq_init(&q);
	outq_file(&q, fd, 50, 100, count_release, &released);
	cr_assert(outq_run(&q, scratch, 50, &run) == ERR_NONE);
	cr_assert(outq_run(&q, scratch, 51, &run) == ERR_IO);
	outq_fini(&q);
	(void)close(fd);
}

/* One write of a random kind that goes on with the pattern. */
static size_t add_some(struct outq *q, struct random *random, int fd,
		       const struct buf *pattern, size_t at, unsigned *released)
{
	size_t len = random_range(random, 1, 20000);
	struct slice part;

	len = len < pattern->len - at ? len : pattern->len - at;
	part = slice_of(pattern->data + at, len);
	switch (random_range(random, 0, 2)) {
	case 0:
		outq_copy(q, part);
		(*released)++;
		break;
	case 1:
		outq_hold(q, part, count_release, released);
		break;
	default:
		outq_file(q, fd, at, len, count_release, released);
	}
	return at + len;
}

Test(outq, any_mixture_comes_out_as_it_went_in)
{
	enum {
		TOTAL = 1000000
	};
	struct random_seeded random;
	struct buf pattern = { 0 };
	struct outq q;
	uint8_t scratch[16384];
	size_t in = 0, out = 0;
	unsigned writes = 0, released = 0;
	int fd = file_of_pattern(TOTAL);

	random_seeded_init(&random, 1);
	pattern_fill(&pattern, 0, TOTAL);
	outq_init(&q);
	while (out < TOTAL) {
		size_t max = random_range(&random.random, 1, sizeof(scratch));
		struct slice run, again;

		if (in < TOTAL) {
			in = add_some(&q, &random.random, fd, &pattern, in,
				      &released);
			writes++;
		}
		cr_assert(outq_run(&q, scratch, max, &run) == ERR_NONE);
		cr_assert(outq_run(&q, scratch, run.len, &again) == ERR_NONE);
		cr_assert(run.len > 0 && run.len <= max);
		cr_assert(again.len == run.len);
		cr_assert(pattern_is(again, out));
		cr_assert(q.queued == in - out);
		outq_sent(&q, run.len);
		out += run.len;
	}
	cr_assert(released == writes);
	cr_assert(list_empty(&q.pieces));
	outq_fini(&q);
	buf_fini(&pattern);
	(void)close(fd);
}
