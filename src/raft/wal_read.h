/*
 * Reading a group's entries back from the node's log, kept files included: for
 * a replica that is too far behind for raft to send them (import by log,
 * architecture.md 10).
 *
 * Files are opened anew and read from front to back, a piece at a time, while
 * the log goes on. A file that is taken for something else meanwhile is
 * noticed by the numbers in its records.
 */
#ifndef RAFT_WAL_READ_H
#define RAFT_WAL_READ_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "raft/wal.h"

struct wal_reader;

/*
 * Entries `first` .. `last` of the group, all of them committed. On the loop;
 * nothing is read yet. Lives on without the log's files, not without its disk.
 */
struct wal_reader *wal_reader_open(struct wal_group *group, uint64_t first,
				   uint64_t last);

/* Any executor, not while one is reading. */
void wal_reader_close(struct wal_reader **readerp);

/* `entry->data` is borrowed for the call. */
typedef void wal_reader_each(void *arg, uint64_t index,
			     const struct wal_entry *entry);

/*
 * Gives the next entries in order, until their data have `octets` or more, but
 * at least one. Blocking: on the pool. Its memory is a few of the largest
 * records; the first call looks through all files that may hold the entries.
 *
 * ERR_END: all were given before. ERR_NOTFOUND: some of them are gone, because
 * their file was used again or because they never were in this log. ERR_IO.
 */
must_use enum err wal_reader_next(struct wal_reader *reader, size_t octets,
				  wal_reader_each *each, void *arg);

#endif
