/*
 * Copies of an environment (copy.h).
 *
 * A side is the directory "import" in that of the environment. The file "ready"
 * in it is the decision: who finds it moves the checkpoint and the map over,
 * however often he is interrupted; who does not find it removes the side. The
 * lock file goes, so that LMDB makes a new one: the table of readers in it is
 * of the old map.
 *
 * Maps are LMDB's, so they are real files even where the table of files is an
 * image (store_env_make_directory).
 */
#include "store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "store/env_impl.h"

#define SIDE_NAME "import"
#define MAP_NAME "data.mdb" /* LMDB's */
#define LOCK_NAME "lock.mdb"
#define CHECKPOINT_NAME "checkpoint"
#define READY_NAME "ready"

static char *join(const char *path, const char *name)
{
	struct buf out = { 0 };

	buf_printf(&out, "%s/%s", path, name);
	buf_cstr(&out);
	return (char *)out.data;
}

static enum err file_error(const char *path, const char *what)
{
	int rc = errno;

	LOG_ERROR("store: %s: %s: %s", path, what, strerror(rc));
	return rc == ENOSPC || rc == EDQUOT ? ERR_FULL : ERR_IO;
}

/* ---- at the source ---- */

struct store_copy {
	int fd;
	uint64_t size;
};

/* A file without a name: it goes with its last descriptor. */
static enum err nameless(struct store_env *env, int *fd_r)
{
	char *path = join(env->path, "copy-XXXXXX");
	enum err err = ERR_NONE;

	*fd_r = mkostemp(path, O_CLOEXEC);
	if (*fd_r < 0)
		err = file_error(path, "make a file for a copy");
	else if (unlink(path) != 0)
		err = file_error(path, "unlink");
	mem_free(path);
	return err;
}

enum err store_copy_open(struct store_env *env, struct store_copy **copy_r)
{
	struct store_copy *copy = mem_zalloc(1, sizeof(*copy));
	struct stat st;
	enum err err = nameless(env, &copy->fd);

	if (err == ERR_NONE)
		err = store_env_copy(env, copy->fd);
	if (err == ERR_NONE && fstat(copy->fd, &st) != 0)
		err = file_error(env->path, "fstat of a copy");
	if (err != ERR_NONE) {
		store_copy_close(&copy);
		return err;
	}
	copy->size = (uint64_t)st.st_size;
	*copy_r = copy;
	return ERR_NONE;
}

void store_copy_close(struct store_copy **copyp)
{
	struct store_copy *copy = *copyp;

	*copyp = NULL;
	if (copy->fd >= 0)
		close(copy->fd);
	mem_free(copy);
}

uint64_t store_copy_size(const struct store_copy *copy)
{
	return copy->size;
}

enum err store_copy_read(struct store_copy *copy, uint64_t offset, void *out,
			 size_t len, size_t *got_r)
{
	uint8_t *to = out;

	*got_r = 0;
	while (*got_r < len) {
		ssize_t n = pread(copy->fd, to + *got_r, len - *got_r,
				  (off_t)(offset + *got_r));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return file_error("a copy", "read");
		if (n == 0)
			return ERR_NONE;
		*got_r += (size_t)n;
	}
	return ERR_NONE;
}

/* ---- at the target ---- */

char *store_side_path(const char *path)
{
	return join(path, SIDE_NAME);
}

/* A file of the table. */
static enum err disk_remove(struct disk *disk, const char *dir,
			    const char *name)
{
	char *path = join(dir, name);
	enum err err = disk->unlink(disk, path);

	mem_free(path);
	return err == ERR_NOTFOUND ? ERR_NONE : err;
}

/* A file of LMDB's. */
static enum err real_remove(const char *dir, const char *name)
{
	char *path = join(dir, name);
	enum err err = ERR_NONE;

	if (unlink(path) != 0 && errno != ENOENT)
		err = file_error(path, "unlink");
	mem_free(path);
	return err;
}

static enum err side_clear(struct disk *disk, const char *side)
{
	enum err err = disk_remove(disk, side, READY_NAME);

	if (err == ERR_NONE)
		err = disk_remove(disk, side, CHECKPOINT_NAME);
	if (err == ERR_NONE)
		err = disk_remove(disk, side, CHECKPOINT_NAME ".tmp");
	if (err == ERR_NONE)
		err = real_remove(side, LOCK_NAME);
	if (err == ERR_NONE)
		err = real_remove(side, MAP_NAME);
	return err;
}

enum err store_side_begin(struct disk *disk, const char *path, int *fd_r)
{
	char *side = store_side_path(path);
	char *map = join(side, MAP_NAME);
	enum err err = store_env_make_directory(disk, side);

	*fd_r = -1;
	if (err == ERR_NONE)
		err = side_clear(disk, side);
	CRASH_POINT("import_cleared");
	if (err == ERR_NONE) {
		*fd_r = open(map, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (*fd_r < 0)
			err = file_error(map, "make");
	}
	mem_free(map);
	mem_free(side);
	return err;
}

enum err store_side_write(int fd, uint64_t offset, struct slice octets)
{
	size_t done = 0;

	while (done < octets.len) {
		ssize_t n = pwrite(fd, octets.data + done, octets.len - done,
				   (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return file_error("an import", "write");
		done += (size_t)n;
	}
	return ERR_NONE;
}

enum err store_side_sync(int fd)
{
	return fsync(fd) == 0 ? ERR_NONE : file_error("an import", "fsync");
}

enum err store_side_ready(struct disk *disk, const char *path)
{
	char *side = store_side_path(path);
	char *ready = join(side, READY_NAME);
	int fd;
	enum err err;

	CRASH_POINT("import_before_ready");
	/* The names of map and checkpoint first. */
	err = disk->sync_dir(disk, side);
	if (err == ERR_NONE)
		err = disk->open(disk, ready, DISK_NEW, &fd);
	if (err == ERR_NONE) {
		err = disk->sync(disk, fd);
		disk->close(disk, fd);
	}
	if (err == ERR_NONE)
		err = disk->sync_dir(disk, side);
	CRASH_POINT("import_ready");
	mem_free(ready);
	mem_free(side);
	return err;
}

static enum err move_checkpoint(struct disk *disk, const char *side,
				const char *path)
{
	char *from = join(side, CHECKPOINT_NAME);
	char *to = join(path, CHECKPOINT_NAME);
	enum err err = disk->rename(disk, from, to);

	mem_free(from);
	mem_free(to);
	return err == ERR_NOTFOUND ? ERR_NONE : err; /* moved before */
}

static enum err move_map(const char *side, const char *path)
{
	char *from = join(side, MAP_NAME);
	char *to = join(path, MAP_NAME);
	enum err err = ERR_NONE;

	if (rename(from, to) != 0 && errno != ENOENT)
		err = file_error(to, "rename");
	mem_free(from);
	mem_free(to);
	return err;
}

/* Both directories: the names are gone here and are there. */
static enum err sync_both(struct disk *disk, const char *side, const char *path)
{
	enum err err = disk->sync_dir(disk, path);

	return err == ERR_NONE ? disk->sync_dir(disk, side) : err;
}

enum err store_side_swap(struct disk *disk, const char *path)
{
	char *side = store_side_path(path);
	enum err err = real_remove(path, LOCK_NAME);

	CRASH_POINT("import_before_swap");
	if (err == ERR_NONE)
		err = move_checkpoint(disk, side, path);
	CRASH_POINT("import_half_swapped");
	if (err == ERR_NONE)
		err = move_map(side, path);
	CRASH_POINT("import_swapped");
	if (err == ERR_NONE)
		err = sync_both(disk, side, path);
	CRASH_POINT("import_before_end");
	if (err == ERR_NONE)
		err = disk_remove(disk, side, READY_NAME);
	if (err == ERR_NONE)
		err = disk->sync_dir(disk, side);
	mem_free(side);
	return err;
}

static bool is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

static enum err is_ready(struct disk *disk, const char *side)
{
	char *ready = join(side, READY_NAME);
	int fd;
	enum err err = disk->open(disk, ready, DISK_READ, &fd);

	mem_free(ready);
	if (err == ERR_NONE)
		disk->close(disk, fd);
	return err;
}

enum err store_side_settle(struct disk *disk, const char *path)
{
	char *side = store_side_path(path);
	enum err err = ERR_NONE;

	if (is_there(side)) {
		err = is_ready(disk, side);
		if (err == ERR_NONE) {
			PROBE("store: an interrupted swap is ended");
			err = store_side_swap(disk, path);
		} else if (err == ERR_NOTFOUND) {
			err = side_clear(disk, side);
		}
	}
	mem_free(side);
	return err;
}
