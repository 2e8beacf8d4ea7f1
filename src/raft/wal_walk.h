/*
 * Reading the whole kept log of a node from its oldest file on, while it is
 * written: for `murderctl log dump`, which knows neither groups nor indexes
 * beforehand (of one group and known indexes: wal_read.h).
 *
 * What comes is every entry that stands in the log when the walk is made,
 * each index of a group once, as it was last written, in the order of the log.
 * Entries that were replaced or dropped later are left out; so is what stood
 * before a group was reset or made anew, for it may never have been committed.
 * Whether an entry is committed the log does not know: ask the replica.
 *
 * Memory: one file of the log, and a few octets for each change of leader.
 * All calls block.
 */
#ifndef RAFT_WAL_WALK_H
#define RAFT_WAL_WALK_H

#include <stdint.h>

#include "base/disk.h"
#include "base/err.h"
#include "base/slice.h"
#include "raft/wal.h"

struct wal_walk;

/*
 * `path` is the log's directory, copied. ERR_NOTFOUND: there is no log;
 * ERR_CORRUPT: a record of it is damaged; ERR_LIMIT: leaders changed more often
 * than WAL_REWINDS_MAX times; ERR_IO.
 */
must_use enum err wal_walk_open(struct disk *disk, const char *path,
				struct wal_walk **walk_r);

/* Leaders that replaced entries of others, of one group. */
#define WAL_REWINDS_MAX 65536

struct wal_step {
	uint32_t group;
	uint64_t index;
	struct wal_entry entry; /* its data live until the next call */
};

/*
 * The next entry. ERR_END after the last one; ERR_STALE: a file that is to be
 * read was used again meanwhile, so nothing is complete: begin anew; ERR_IO.
 */
must_use enum err wal_walk_next(struct wal_walk *walk, struct wal_step *read_r);

void wal_walk_close(struct wal_walk **walkp);

#endif
