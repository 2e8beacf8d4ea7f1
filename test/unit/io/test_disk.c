#include "io/disk.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

struct bench {
	struct disk *disk;
	char dir[64];
	struct buf path;
	struct buf logged;
};

static void bench_log(void *arg, unused_arg enum log_level level,
		      const char *line)
{
	struct bench *b = arg;

	buf_add_str(&b->logged, line);
	buf_add_octet(&b->logged, '\n');
}

static void bench_init(struct bench *b)
{
	*b = (struct bench){ .disk = io_disk() };
	(void)snprintf(b->dir, sizeof(b->dir), "/tmp/murder-disk-XXXXXX");
	cr_assert(mkdtemp(b->dir));
	log_set_sink(bench_log, b);
}

static void bench_fini(struct bench *b)
{
	log_set_sink(NULL, NULL);
	cr_assert(rmdir(b->dir) == 0);
	buf_fini(&b->path);
	buf_fini(&b->logged);
}

static const char *in(struct bench *b, const char *name)
{
	buf_clear(&b->path);
	buf_printf(&b->path, "%s/%s", b->dir, name);
	return buf_cstr(&b->path);
}

static int open_file(struct bench *b, const char *name, enum disk_open how)
{
	int fd = -1;

	cr_assert(b->disk->open(b->disk, in(b, name), how, &fd) == ERR_NONE);
	return fd;
}

static void remove_file(struct bench *b, const char *name)
{
	cr_assert(b->disk->unlink(b->disk, in(b, name)) == ERR_NONE);
}

Test(disk, what_is_written_is_read)
{
	struct bench b;
	struct slice pieces[] = { SLICE_LIT("one "), SLICE_NONE,
				  SLICE_LIT("two "), SLICE_LIT("three") };
	char out[16] = "";
	uint64_t size;
	int fd;

	bench_init(&b);
	fd = open_file(&b, "f", DISK_NEW);
	cr_assert(b.disk->write(b.disk, fd, 3, pieces, 4) == ERR_NONE);
	cr_assert(b.disk->sync(b.disk, fd) == ERR_NONE);
	cr_assert(b.disk->size(b.disk, fd, &size) == ERR_NONE);
	cr_assert(size == 16);
	cr_assert(b.disk->read(b.disk, fd, 3, out, 13) == ERR_NONE);
	cr_assert_str_eq(out, "one two three");
	cr_assert(b.disk->read(b.disk, fd, 3, out, 14) == ERR_END);
	cr_assert(b.disk->read(b.disk, fd, 16, out, 0) == ERR_NONE);
	b.disk->close(b.disk, fd);
	remove_file(&b, "f");
	cr_assert(b.logged.len == 0);
	bench_fini(&b);
}

Test(disk, more_pieces_than_one_call_takes_are_written_in_order)
{
	enum {
		COUNT = 1000
	};
	struct bench b;
	static char texts[COUNT][8];
	static struct slice pieces[COUNT];
	static char want[COUNT * 8], got[COUNT * 8];
	size_t len = 0;
	int fd;

	bench_init(&b);
	for (int i = 0; i < COUNT; i++) {
		int n = snprintf(texts[i], sizeof(texts[i]), "%d", i);

		pieces[i] = slice_of(texts[i], i % 7 ? (size_t)n : 0);
		memcpy(want + len, texts[i], pieces[i].len);
		len += pieces[i].len;
	}
	fd = open_file(&b, "f", DISK_CREATE);
	cr_assert(b.disk->write(b.disk, fd, 0, pieces, COUNT) == ERR_NONE);
	cr_assert(b.disk->read(b.disk, fd, 0, got, len) == ERR_NONE);
	cr_assert(memcmp(want, got, len) == 0);
	cr_assert(b.disk->read(b.disk, fd, 0, got, len + 1) == ERR_END);
	b.disk->close(b.disk, fd);
	remove_file(&b, "f");
	bench_fini(&b);
}

Test(disk, opening_says_what_must_be_there)
{
	struct bench b;
	struct stat st;
	int fd;

	bench_init(&b);
	cr_assert(b.disk->open(b.disk, in(&b, "f"), DISK_READ, &fd) ==
		  ERR_NOTFOUND);
	cr_assert(b.disk->open(b.disk, in(&b, "f"), DISK_WRITE, &fd) ==
		  ERR_NOTFOUND);
	b.disk->close(b.disk, open_file(&b, "f", DISK_CREATE));
	cr_assert(stat(in(&b, "f"), &st) == 0);
	cr_assert((st.st_mode & 0777) == 0600);
	cr_assert(b.disk->open(b.disk, in(&b, "f"), DISK_NEW, &fd) ==
		  ERR_EXISTS);
	fd = open_file(&b, "f", DISK_READ);
	cr_assert(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	b.disk->close(b.disk, fd);
	b.disk->close(b.disk, open_file(&b, "f", DISK_WRITE));
	remove_file(&b, "f");
	cr_assert(b.disk->unlink(b.disk, in(&b, "f")) == ERR_NOTFOUND);
	cr_assert(b.logged.len == 0); /* the caller knows what that means */
	bench_fini(&b);
}

Test(disk, allocated_octets_are_there_and_zero)
{
	struct bench b;
	struct stat st;
	uint8_t out[3] = { 1, 1, 1 };
	uint64_t size;
	int fd;

	bench_init(&b);
	fd = open_file(&b, "f", DISK_NEW);
	cr_assert(b.disk->allocate(b.disk, fd, 100000) == ERR_NONE);
	cr_assert(b.disk->size(b.disk, fd, &size) == ERR_NONE);
	cr_assert(size == 100000);
	cr_assert(fstat(fd, &st) == 0 && st.st_blocks * 512 >= 100000);
	cr_assert(b.disk->read(b.disk, fd, 99997, out, 3) == ERR_NONE);
	cr_assert(out[0] == 0 && out[1] == 0 && out[2] == 0);
	cr_assert(b.disk->truncate(b.disk, fd, 10) == ERR_NONE);
	cr_assert(b.disk->size(b.disk, fd, &size) == ERR_NONE);
	cr_assert(size == 10);
	b.disk->close(b.disk, fd);
	remove_file(&b, "f");
	bench_fini(&b);
}

static void add_name(void *arg, const char *name)
{
	buf_printf(arg, "%s ", name);
}

Test(disk, names_are_made_renamed_and_listed_in_order)
{
	struct bench b;
	struct buf names = { 0 }, to = { 0 };

	bench_init(&b);
	cr_assert(b.disk->list(b.disk, b.dir, add_name, &names) == ERR_NONE);
	cr_assert(names.len == 0);
	cr_assert(b.disk->mkdir(b.disk, in(&b, "d")) == ERR_NONE);
	cr_assert(b.disk->mkdir(b.disk, in(&b, "d")) == ERR_EXISTS);
	b.disk->close(b.disk, open_file(&b, "c", DISK_NEW));
	b.disk->close(b.disk, open_file(&b, "b", DISK_NEW));
	buf_printf(&to, "%s/a", b.dir);
	cr_assert(b.disk->rename(b.disk, in(&b, "c"), buf_cstr(&to)) ==
		  ERR_NONE);
	cr_assert(b.disk->rename(b.disk, in(&b, "c"), buf_cstr(&to)) ==
		  ERR_NOTFOUND);
	cr_assert(b.disk->sync_dir(b.disk, b.dir) == ERR_NONE);
	cr_assert(b.disk->list(b.disk, b.dir, add_name, &names) == ERR_NONE);
	cr_assert_str_eq(buf_cstr(&names), "a b d ");
	cr_assert(b.disk->list(b.disk, in(&b, "x"), add_name, &names) ==
		  ERR_NOTFOUND);
	cr_assert(b.disk->sync_dir(b.disk, in(&b, "x")) == ERR_NOTFOUND);
	remove_file(&b, "a");
	remove_file(&b, "b");
	cr_assert(rmdir(in(&b, "d")) == 0);
	buf_fini(&names);
	buf_fini(&to);
	bench_fini(&b);
}

Test(disk, failures_are_logged_with_the_path)
{
	struct bench b;
	struct slice piece = SLICE_LIT("x");
	int fd;

	bench_init(&b);
	b.disk->close(b.disk, open_file(&b, "f", DISK_NEW));
	fd = open_file(&b, "f", DISK_READ);
	cr_assert(b.disk->write(b.disk, fd, 0, &piece, 1) == ERR_IO);
	b.disk->close(b.disk, fd);
	cr_assert(strstr(buf_cstr(&b.logged), in(&b, "f")));
	cr_assert(strstr(buf_cstr(&b.logged), "cannot write"));
	remove_file(&b, "f");
	bench_fini(&b);
}

Test(disk, a_full_device_is_told_from_other_errors)
{
	struct bench b;
	struct slice piece = SLICE_LIT("x");
	int fd;

	bench_init(&b);
	cr_assert(b.disk->open(b.disk, "/dev/full", DISK_WRITE, &fd) ==
		  ERR_NONE);
	cr_assert(b.disk->write(b.disk, fd, 0, &piece, 1) == ERR_FULL);
	b.disk->close(b.disk, fd);
	cr_assert(strstr(buf_cstr(&b.logged), "/dev/full"));
	bench_fini(&b);
}

Test(disk, free_space_is_known)
{
	struct bench b;
	uint64_t octets = 0;

	bench_init(&b);
	cr_assert(b.disk->free_space(b.disk, b.dir, &octets) == ERR_NONE);
	cr_assert(octets > 0);
	cr_assert(b.disk->free_space(b.disk, in(&b, "x"), &octets) ==
		  ERR_NOTFOUND);
	bench_fini(&b);
}
