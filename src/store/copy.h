/*
 * Copies of an environment: made for a peer, and taken in the place of one's
 * own (architecture.md 10, imports).
 *
 * All of it blocks: on a worker.
 */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/disk.h"
#include "base/err.h"
#include "base/slice.h"

struct store_env;

/* ---- at the source ---- */

struct store_copy;

/*
 * Writes a compacted copy of the newest state into a file of its own in the
 * directory of the environment, which nobody sees and no crash leaves behind.
 * It pins pages like any reader, but only as long as the disk needs; reading
 * it afterwards pins nothing, however slow the peer is. One at a time.
 *
 * ERR_FULL: the disk has no room for it; ERR_IO, ERR_CORRUPT.
 */
must_use enum err store_copy_open(struct store_env *env,
				  struct store_copy **copy_r);
void store_copy_close(struct store_copy **copyp);

/* Octets of the copy. */
uint64_t store_copy_size(const struct store_copy *copy);

/* Octets from `offset` on; `*got_r` is less than `len` only at the end. */
must_use enum err store_copy_read(struct store_copy *copy, uint64_t offset,
				  void *out, size_t len, size_t *got_r);

/* ---- at the target: an environment beside the one in `path` ---- */

/*
 * The steps: begin, write ..., sync; the caller opens an environment at
 * store_side_path, looks at it, changes it, makes a checkpoint and closes it;
 * ready: from here on it will be the one in `path`, after any crash; swap,
 * with no other environment opened there since. Before `ready` a crash leaves
 * the old one alone.
 *
 * Errors of all: ERR_FULL, ERR_IO.
 */

/* Clears the side and begins a file there; the caller closes `*fd_r`. */
must_use enum err store_side_begin(struct disk *disk, const char *path,
				   int *fd_r);
must_use enum err store_side_write(int fd, uint64_t offset,
				   struct slice octets);
must_use enum err store_side_sync(int fd);

/* Where it is; freed by the caller. */
char *store_side_path(const char *path);

must_use enum err store_side_ready(struct disk *disk, const char *path);

/*
 * The environment in `path` may still be open for readers: it keeps its files
 * until it is closed, and takes neither writes nor checkpoints any more.
 */
must_use enum err store_side_swap(struct disk *disk, const char *path);

/*
 * Before an environment is opened: ends a swap that a crash has interrupted,
 * and removes a side that was not ready. Nothing to do is the usual case.
 */
must_use enum err store_side_settle(struct disk *disk, const char *path);

#endif
