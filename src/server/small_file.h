/*
 * Small files of the data directory, read and replaced whole. They block.
 */
#ifndef SERVER_SMALL_FILE_H
#define SERVER_SMALL_FILE_H

#include "base/buf.h"
#include "base/disk.h"
#include "base/err.h"
#include "base/slice.h"

/*
 * Appends the octets of directory/name to `out`. ERR_NOTFOUND; ERR_CORRUPT: it
 * has more than `max` octets; ERR_IO.
 */
must_use enum err small_file_read(struct disk *disk, const char *directory,
				  const char *name, size_t max,
				  struct buf *out);

/* Written beside it, fsynced, renamed: after a crash all of it or the old. */
must_use enum err small_file_replace(struct disk *disk, const char *directory,
				     const char *name, struct slice octets);

#endif
