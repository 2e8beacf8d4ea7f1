/*
 * The write-ahead log of a node: one for all its groups.
 *
 * Whatever all groups have queued is written by one pwrite and made durable
 * by one fdatasync; then the completions run, in the order of queueing. A
 * record that was completed survives any crash; of the others a prefix may.
 *
 * Files are preallocated and recycled. No block is written again while it
 * holds a completed record, so a torn write can only hurt what nobody was
 * told about. Format: wal_record.h and wal_segment.h.
 *
 * A failed write or fdatasync ends the process (R5): nothing is completed any
 * more, nothing is tried again.
 *
 * All calls but wal_open and wal_close come from the executor `loop`.
 */
#ifndef RAFT_WAL_H
#define RAFT_WAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/disk.h"
#include "base/err.h"
#include "base/list.h"
#include "base/random.h"
#include "base/slice.h"
#include "base/task.h"
#include "base/timer.h"

#define WAL_SEGMENT_SIZE (64ull << 20) /* default; holds minutes of writes */
#define WAL_KEEP_BYTES (4ull << 30)    /* default; for imports by log [S10] */
#define WAL_MIN_FREE (256ull << 20)    /* default; below it wal_is_full (R13) */
#define WAL_IDLE_MARK_MS 1000 /* an idle log says how far it is durable */

/* Largest entry: COMMAND_ENTRY_MAX and its head, rounded up generously. */
#define WAL_ENTRY_MAX (1024 * 1024)

struct wal;
struct wal_group; /* one group's part of the log */

/*
 * Runs on the executor that met the failure, once, before anything else can
 * be completed. `text` is for operators and lives for the call only.
 */
typedef void wal_fail(void *arg, const char *text);

struct wal_options {
	const char *path; /* directory; made if absent; borrowed for the call */
	struct disk *disk;
	struct executor *loop;   /* the log loop: calls and completions */
	struct executor *writer; /* writes and syncs; a thread of its own */
	struct executor *pool;   /* makes files ready ahead of their use */
	struct timers *timers;   /* of `loop` */
	struct random *random;

	uint64_t segment_size; /* octets of a file; 0 = WAL_SEGMENT_SIZE */
	uint64_t keep_bytes;   /* released files kept; 0 = WAL_KEEP_BYTES */
	uint64_t min_free;     /* octets; 0 = WAL_MIN_FREE */

	wal_fail *fail; /* NULL: log the text and _exit(1) */
	void *fail_arg;
};

/*
 * Opens or makes the log: before the loop runs, blocking. The torn tail of a
 * crash is cut off silently.
 *
 * ERR_CORRUPT: a record that was durable is damaged, or a file is missing.
 * `why` then names file and octet and says what to do. ERR_VERSION: written by
 * a later release. ERR_IO, ERR_FULL: as from the disk. `why` is set on each.
 */
must_use enum err wal_open(const struct wal_options *options,
			   struct wal **wal_r, struct buf *why);

/*
 * Waits for what is queued and runs its completions, then `done` on the loop;
 * nothing may be queued afterwards. Before wal_close.
 */
typedef void wal_stopped(void *arg);
void wal_stop(struct wal *wal, wal_stopped *done, void *arg);

/*
 * Frees the log and closes its files, whatever state it is in: a crash as far
 * as the disk can tell. No task of it may be posted any more.
 */
void wal_close(struct wal **walp);

/* Free disk space is below `min_free`: proposals are to be refused (R13). */
bool wal_is_full(const struct wal *wal);

struct wal_stats {
	uint64_t syncs;      /* fdatasync calls of the writer */
	uint64_t records;    /* completed */
	uint64_t octets;     /* written, padding included */
	uint64_t segments;   /* files that some group still needs */
	uint64_t kept_bytes; /* in released files */
};

/* A copy of the counters. */
void wal_get_stats(const struct wal *wal, struct wal_stats *stats_r);

/* ---- one group ---- */

/*
 * The group's part; made empty if the log knows nothing of it. Lives as long
 * as the log.
 */
struct wal_group *wal_group_open(struct wal *wal, uint32_t group);

/* Snapshot marker: what the group's state holds without any entry. */
struct wal_marker {
	uint64_t index; /* 0: none was ever taken */
	uint64_t term;
	uint64_t conf_index;
	struct slice conf; /* encoded raft configuration */
	struct slice data; /* the marker that travels in INSTALL_SNAPSHOT */
};

#define WAL_MARKER_MAX (64 * 1024) /* conf and data: 100 members fit easily */

/*
 * All that is durable or being written of a group, not what is only queued.
 * Slices live until the log's next turn.
 */
struct wal_state {
	uint64_t term;
	uint64_t vote; /* raft id; 0: none in this term */
	struct wal_marker marker;
	uint64_t first; /* index of the oldest entry; last + 1 if there is none
			 */
	uint64_t last;
};

/* Of what is durable and what is queued behind it. */
void wal_group_get_state(const struct wal_group *group,
			 struct wal_state *state_r);

/* As raft has it: `type` is RAFT_COMMAND, RAFT_BARRIER or RAFT_CHANGE. */
struct wal_entry {
	uint64_t term;
	uint8_t type;
	struct slice data; /* at most WAL_ENTRY_MAX */
};

/*
 * The entry of this index as found by wal_open; `data` is borrowed until
 * wal_group_forget_entries. `index` must be within first..last.
 */
void wal_group_get_entry(const struct wal_group *group, uint64_t index,
			 struct wal_entry *entry_r);

/* Frees what wal_open read; entries stay on disk. */
void wal_group_forget_entries(struct wal_group *group);

/* One operation in flight; storage is the caller's until `done` has run. */
struct wal_op;

typedef void wal_done(struct wal_op *op);

struct wal_op {
	struct list link;
	wal_done *done; /* on the loop, once durable; NULL: nobody waits */
	void *owner;    /* the caller's */

	/* wal.c's own */
	struct wal_group *group;
	int kind;
	uint64_t term;
	uint64_t index;
	uint64_t first;
	const struct wal_entry *entries;
	unsigned count;
	bool reset;
	struct wal_marker marker;
};

/*
 * Appends entries; the first has `index`, at most last + 1; what stood at or
 * behind it is replaced. `entries` and their data are borrowed until `done`.
 */
void wal_append(struct wal_group *group, struct wal_op *op, uint64_t index,
		const struct wal_entry *entries, unsigned count,
		wal_done *done);

/* Sets the term; clears the vote. */
void wal_set_term(struct wal_group *group, struct wal_op *op, uint64_t term,
		  wal_done *done);

/* Sets the vote of the present term. */
void wal_set_vote(struct wal_group *group, struct wal_op *op, uint64_t vote,
		  wal_done *done);

/* Drops all entries at and behind `index`; nothing if there are none. */
void wal_truncate(struct wal_group *group, struct wal_op *op, uint64_t index,
		  wal_done *done);

/*
 * Sets the snapshot marker and drops the entries before `first`. With `reset`
 * all entries go and the next index is marker->index + 1. The marker's slices
 * are borrowed until `done`.
 */
void wal_put_marker(struct wal_group *group, struct wal_op *op,
		    const struct wal_marker *marker, uint64_t first, bool reset,
		    wal_done *done);

/* Forgets everything of the group: its replica is made anew [S11]. */
void wal_drop_group(struct wal_group *group, struct wal_op *op, wal_done *done);

#endif
