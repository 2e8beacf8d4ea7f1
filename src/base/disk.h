/*
 * Files as a table: the real ones in production (io/disk.h), images with a
 * synced and an unsynced half in tests and in the simulator.
 *
 * All calls block: they are made on worker and writer executors only. What
 * fails is logged once by the implementation, with path and errno. ENOSPC and
 * EDQUOT are ERR_FULL, ENOENT is ERR_NOTFOUND, EEXIST is ERR_EXISTS, anything
 * else ERR_IO.
 */
#ifndef BASE_DISK_H
#define BASE_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum disk_open {
	DISK_READ,   /* must exist */
	DISK_WRITE,  /* must exist; read and write */
	DISK_CREATE, /* read and write; made (0600) if absent */
	DISK_NEW,    /* read and write; ERR_EXISTS if present */
};

typedef void disk_list_each(void *arg, const char *name);

struct disk {
	must_use enum err (*open)(struct disk *disk, const char *path,
				  enum disk_open how, int *fd_r);
	void (*close)(struct disk *disk, int fd);
	/* Reads exactly `len` octets; ERR_END if the file is shorter. */
	must_use enum err (*read)(struct disk *disk, int fd, uint64_t offset,
				  void *out, size_t len);
	/*
	 * Writes all `count` pieces, one behind the other. After a failure any
	 * part of the range may have been written.
	 */
	must_use enum err (*write)(struct disk *disk, int fd, uint64_t offset,
				   const struct slice *pieces, size_t count);
	/*
	 * fdatasync: data and size, for files whose name is durable. After a
	 * failure what was written since the last success may be lost, even if
	 * a later call succeeds: do not try again.
	 */
	must_use enum err (*sync)(struct disk *disk, int fd);
	must_use enum err (*size)(struct disk *disk, int fd, uint64_t *size_r);
	/*
	 * Allocates blocks and sets the size; the new octets read as zero. A
	 * file that is longer stays as it is.
	 */
	must_use enum err (*allocate)(struct disk *disk, int fd, uint64_t size);
	must_use enum err (*truncate)(struct disk *disk, int fd, uint64_t size);
	/* Replaces what is named `to`; after a crash all of it or nothing. */
	must_use enum err (*rename)(struct disk *disk, const char *from,
				    const char *to);
	must_use enum err (*unlink)(struct disk *disk, const char *path);
	/* ERR_EXISTS if present. */
	must_use enum err (*mkdir)(struct disk *disk, const char *path);
	/* Makes the names in a directory durable: fsync of it. */
	must_use enum err (*sync_dir)(struct disk *disk, const char *path);
	/* Names in the directory, sorted, without "." and "..". */
	must_use enum err (*list)(struct disk *disk, const char *path,
				  disk_list_each *each, void *arg);
	/* Octets that an unprivileged process may still write. */
	must_use enum err (*free_space)(struct disk *disk, const char *path,
					uint64_t *free_r);
};

#endif
