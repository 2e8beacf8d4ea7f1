/*
 * Files of the write-ahead log: made, named, removed. Everything here blocks.
 *
 * A file is made under the name "spare": allocated and written with zeroes
 * once, because the first write to a block that was only allocated costs the
 * file system a journal commit, twice the time of the write itself. A released
 * file is taken over as it is: its old records have other lsns. Then it gets
 * its head, is synced, and gets its final name. A crash on the way leaves a
 * "spare" that the next start removes.
 */
#include "raft/wal_internal.h"

#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"

#define ZERO_CHUNK (1024 * 1024)

static const char spare_name[] = "spare";
static const char ballast_name[] = "ballast";

/* The path of a file in the log's directory. */
static char *file_path(const struct wal_place *place, const char *name)
{
	struct buf path = { 0 };
	char *copy;

	buf_printf(&path, "%s/%s", place->path, name);
	copy = mem_dup(path.data, path.len);
	buf_fini(&path);
	return copy;
}

static char *segment_path(const struct wal_place *place, uint64_t start)
{
	char name[WAL_SEGMENT_NAME_SIZE];

	wal_segment_name(start, name);
	return file_path(place, name);
}

static enum err sync_dir(const struct wal_place *place)
{
	if (MUTANT("M41"))
		return ERR_NONE;
	return place->disk->sync_dir(place->disk, place->path);
}

static enum err open_name(const struct wal_place *place, const char *name,
			  enum disk_open how, int *fd_r)
{
	char *path = file_path(place, name);
	enum err err = place->disk->open(place->disk, path, how, fd_r);

	mem_free(path);
	return err;
}

enum err wal_file_open(const struct wal_place *place, uint64_t start, int *fd_r)
{
	char name[WAL_SEGMENT_NAME_SIZE];

	wal_segment_name(start, name);
	return open_name(place, name, DISK_WRITE, fd_r);
}

void wal_file_close(const struct wal_place *place, int *fd)
{
	if (*fd >= 0)
		place->disk->close(place->disk, *fd);
	*fd = -1;
}

enum err wal_file_read_head(const struct wal_place *place, int fd,
			    struct wal_segment_head *head_r)
{
	uint8_t *block = mem_alloc(WAL_BLOCK);
	enum err err;

	err = place->disk->read(place->disk, fd, 0, block, WAL_BLOCK);
	if (err == ERR_NONE)
		err = wal_segment_decode(slice_of(block, WAL_BLOCK), head_r);
	else if (err == ERR_END)
		err = ERR_CORRUPT;
	mem_free(block);
	return err;
}

static enum err unlink_name(const struct wal_place *place, const char *name)
{
	char *path = file_path(place, name);
	enum err err = place->disk->unlink(place->disk, path);

	mem_free(path);
	return err == ERR_NOTFOUND ? ERR_NONE : err;
}

enum err wal_file_remove(const struct wal_place *place, uint64_t start)
{
	char name[WAL_SEGMENT_NAME_SIZE];

	wal_segment_name(start, name);
	return unlink_name(place, name);
}

enum err wal_file_zero(const struct wal_place *place, int fd, uint64_t from,
		       uint64_t to)
{
	uint8_t *zeroes = mem_zalloc(1, ZERO_CHUNK);
	enum err err = ERR_NONE;

	while (from < to && err == ERR_NONE) {
		uint64_t len = to - from < ZERO_CHUNK ? to - from : ZERO_CHUNK;
		struct slice piece = slice_of(zeroes, (size_t)len);

		err = place->disk->write(place->disk, fd, from, &piece, 1);
		from += len;
	}
	mem_free(zeroes);
	return err;
}

/* ---- making a file ---- */

static enum err spare_fresh(const struct wal_place *place, uint64_t size,
			    int *fd_r)
{
	struct disk *disk = place->disk;
	enum err err = unlink_name(place, spare_name);

	if (err != ERR_NONE)
		return err;
	err = open_name(place, spare_name, DISK_NEW, fd_r);
	if (err != ERR_NONE)
		return err;
	err = disk->allocate(disk, *fd_r, size);
	if (err != ERR_NONE)
		return err;
	return wal_file_zero(place, *fd_r, 0, size);
}

/*
 * The rename is made durable before the new head is written: otherwise a crash
 * could leave the old name in front of the new head.
 */
static enum err spare_recycled(const struct wal_place *place, uint64_t start,
			       int *fd_r)
{
	char *from = segment_path(place, start);
	char *to = file_path(place, spare_name);
	enum err err = place->disk->rename(place->disk, from, to);

	mem_free(from);
	mem_free(to);
	if (err != ERR_NONE)
		return err;
	err = sync_dir(place);
	if (err != ERR_NONE)
		return err;
	return open_name(place, spare_name, DISK_WRITE, fd_r);
}

static enum err spare_write_head(const struct wal_place *place, int fd,
				 const struct wal_segment_head *head)
{
	struct buf block = { 0 };
	struct slice piece;
	enum err err;

	wal_segment_encode(head, &block);
	piece = buf_slice(&block);
	err = place->disk->write(place->disk, fd, 0, &piece, 1);
	buf_fini(&block);
	if (err != ERR_NONE)
		return err;
	return place->disk->sync(place->disk, fd);
}

static enum err spare_name_it(const struct wal_place *place, uint64_t start)
{
	char *from = file_path(place, spare_name);
	char *to = segment_path(place, start);
	enum err err = place->disk->rename(place->disk, from, to);

	mem_free(from);
	mem_free(to);
	return err;
}

static enum err make_steps(const struct wal_place *place,
			   const struct wal_make *make, int *fd)
{
	enum err err;

	if (make->recycle != 0)
		err = spare_recycled(place, make->recycle, fd);
	else
		err = spare_fresh(place, make->head.size, fd);
	if (err != ERR_NONE)
		return err;
	CRASH_POINT("wal_file_before_head");
	err = spare_write_head(place, *fd, &make->head);
	if (err != ERR_NONE)
		return err;
	CRASH_POINT("wal_file_before_name");
	err = spare_name_it(place, make->head.start);
	if (err != ERR_NONE)
		return err;
	CRASH_POINT("wal_file_before_sync_dir");
	return sync_dir(place);
}

enum err wal_file_make(const struct wal_place *place,
		       const struct wal_make *make, int *fd_r)
{
	int fd = -1;
	enum err err = make_steps(place, make, &fd);

	if (err != ERR_NONE) {
		wal_file_close(place, &fd);
		/* What is half made must not fill a full disk; best effort. */
		if (unlink_name(place, spare_name) != ERR_NONE)
			PROBE("wal: a spare file stays behind");
	}
	*fd_r = fd;
	return err;
}

/* ---- ballast ---- */

enum err wal_ballast_make(const struct wal_place *place, uint64_t size)
{
	int fd = -1;
	enum err err = open_name(place, ballast_name, DISK_CREATE, &fd);

	if (err != ERR_NONE)
		return err;
	err = place->disk->allocate(place->disk, fd, size);
	wal_file_close(place, &fd);
	return err;
}

enum err wal_ballast_drop(const struct wal_place *place)
{
	return unlink_name(place, ballast_name);
}
