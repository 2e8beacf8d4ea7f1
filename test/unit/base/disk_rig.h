/*
 * Short words for tests of the simulated disk.
 */
#ifndef TEST_DISK_RIG_H
#define TEST_DISK_RIG_H

#include <stdio.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/disk_sim.h"

#define SECTOR DISK_SIM_SECTOR

/* A disk with the durable directory "d", and short words for it. */
struct rig {
	struct disk_sim *sim;
	struct disk *disk;
	struct random_seeded random;
	uint8_t octets[4 * SECTOR]; /* for put */
};

static inline void rig_init(struct rig *rig, uint64_t seed)
{
	rig->sim = disk_sim_new();
	rig->disk = disk_sim_disk(rig->sim);
	random_seeded_init(&rig->random, seed);
	disk_sim_make_dirs(rig->sim, "/d");
}

static inline void rig_fini(struct rig *rig)
{
	disk_sim_free(&rig->sim);
	cr_assert_null(rig->sim);
}

static inline void drop(struct rig *rig)
{
	disk_sim_crash(rig->sim, NULL, DISK_SIM_DROP);
}

static inline void tear(struct rig *rig)
{
	disk_sim_crash(rig->sim, &rig->random.random, DISK_SIM_TEAR);
}

static inline int open_as(struct rig *rig, const char *path, enum disk_open how)
{
	int fd = -1;

	cr_assert_eq(rig->disk->open(rig->disk, path, how, &fd), ERR_NONE);
	return fd;
}

static inline enum err try_open(struct rig *rig, const char *path,
				enum disk_open how)
{
	int fd = -1;
	enum err err = rig->disk->open(rig->disk, path, how, &fd);

	if (err == ERR_NONE)
		rig->disk->close(rig->disk, fd);
	return err;
}

static inline bool there(struct rig *rig, const char *path)
{
	return try_open(rig, path, DISK_READ) == ERR_NONE;
}

/* `len` times `octet` at `offset`. */
static inline enum err put(struct rig *rig, int fd, uint64_t offset, char octet,
			   size_t len)
{
	struct slice piece = slice_of(rig->octets, len);

	memset(rig->octets, octet, len);
	return rig->disk->write(rig->disk, fd, offset, &piece, 1);
}

static inline void must_put(struct rig *rig, int fd, uint64_t offset,
			    char octet, size_t len)
{
	cr_assert_eq(put(rig, fd, offset, octet, len), ERR_NONE);
}

static inline void must_sync(struct rig *rig, int fd)
{
	cr_assert_eq(rig->disk->sync(rig->disk, fd), ERR_NONE);
}

static inline void must_sync_dir(struct rig *rig, const char *path)
{
	cr_assert_eq(rig->disk->sync_dir(rig->disk, path), ERR_NONE);
}

static inline void must_rename(struct rig *rig, const char *from,
			       const char *to)
{
	cr_assert_eq(rig->disk->rename(rig->disk, from, to), ERR_NONE);
}

static inline uint64_t size_of(struct rig *rig, int fd)
{
	uint64_t size = UINT64_MAX;

	cr_assert_eq(rig->disk->size(rig->disk, fd, &size), ERR_NONE);
	return size;
}

/* One octet of a file as a letter; '.' for zero. */
static inline char at(struct rig *rig, int fd, uint64_t offset)
{
	char octet = '!';

	cr_assert_eq(rig->disk->read(rig->disk, fd, offset, &octet, 1),
		     ERR_NONE);
	return octet != 0 ? octet : '.';
}

/* The file with runs of one octet as one letter: 1,024 'a' are "aa". */
static inline void sketch(struct rig *rig, const char *path, char *out)
{
	int fd = open_as(rig, path, DISK_READ);
	uint64_t size = size_of(rig, fd);

	for (uint64_t from = 0; from < size; from += SECTOR / 2)
		*out++ = at(rig, fd, from);
	*out = 0;
	rig->disk->close(rig->disk, fd);
}

static inline void expect_sketch(struct rig *rig, const char *path,
				 const char *want)
{
	char got[64];

	sketch(rig, path, got);
	cr_assert_str_eq(got, want);
}

/* A durable file of `len` octets 'a'; its open descriptor. */
static inline int durable_file(struct rig *rig, const char *path, size_t len)
{
	int fd = open_as(rig, path, DISK_CREATE);

	must_put(rig, fd, 0, 'a', len);
	must_sync(rig, fd);
	must_sync_dir(rig, "d");
	return fd;
}

static inline void collect(void *arg, const char *name)
{
	buf_printf(arg, "%s ", name);
}

static inline void expect_list(struct rig *rig, const char *path,
			       const char *want)
{
	struct buf got = { 0 };

	cr_assert_eq(rig->disk->list(rig->disk, path, collect, &got), ERR_NONE);
	cr_assert_str_eq(buf_cstr(&got), want);
	buf_fini(&got);
}

#endif
