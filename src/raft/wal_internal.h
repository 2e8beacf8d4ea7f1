/*
 * Inside of the write-ahead log: what wal.c, wal_scan.c, wal_file.c and
 * wal_write.c share. The contract for everybody else is wal.h.
 *
 * The loop owns all of this. The writer sees a batch, and the pool a job,
 * while they are out; both come back by a task.
 */
#ifndef RAFT_WAL_INTERNAL_H
#define RAFT_WAL_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/disk.h"
#include "base/list.h"
#include "base/task.h"
#include "base/timer.h"
#include "raft/wal.h"
#include "raft/wal_group.h"
#include "raft/wal_record.h"
#include "raft/wal_segment.h"

/* Octets of records in one write: what a disk takes without a long stall. */
#define WAL_BATCH_MAX (8 * 1024 * 1024)

/* Files that are needed before slow groups are copied out of the oldest. */
#define WAL_CHAIN_MAX 4

/* How often free space is looked at, and a full disk tried again. */
#define WAL_SPACE_MS 10000
#define WAL_RETRY_MS 1000

struct wal_segment {
	struct list link;
	struct wal_segment_head head;
	int fd; /* -1: not open */
};

/* Where files are: borrowed by jobs on other executors, never changed. */
struct wal_place {
	struct disk *disk;
	char *path;
};

/* ---- wal_file.c: blocking ---- */

/* How a new file comes to be. */
struct wal_make {
	struct wal_segment_head head;
	uint64_t recycle; /* start of a released file of this size, or 0 */
};

/*
 * Makes the file ready for writing under its final name; everything about it
 * is durable afterwards.
 */
must_use enum err wal_file_make(const struct wal_place *place,
				const struct wal_make *make, int *fd_r);

/* The file that begins at log position `start`; blocking. */
must_use enum err wal_file_open(const struct wal_place *place, uint64_t start,
				int *fd_r);
must_use enum err wal_file_read_head(const struct wal_place *place, int fd,
				     struct wal_segment_head *head_r);
void wal_file_close(const struct wal_place *place, int *fd);
must_use enum err wal_file_remove(const struct wal_place *place,
				  uint64_t start);

/* Overwrites [from, to) of a file with zeroes; not synced. */
must_use enum err wal_file_zero(const struct wal_place *place, int fd,
				uint64_t from, uint64_t to);

/* Reserves `size` octets against a full disk; there already: nothing. */
must_use enum err wal_ballast_make(const struct wal_place *place,
				   uint64_t size);
must_use enum err wal_ballast_drop(const struct wal_place *place);

/* ---- wal_write.c: the writer ---- */

/* One record of a batch. */
struct wal_item {
	struct wal_record record;
	const struct wal_entry *entries; /* of WAL_ENTRIES, borrowed */
	unsigned count;
	size_t payload_at; /* of the others: in the batch's `payloads` */
	size_t payload_len;
};

struct wal_batch {
	struct task task;
	struct wal *wal;

	/* set by the loop */
	struct wal_segment *segment;
	struct wal_segment *jump_from; /* the file before, or NULL */
	uint64_t jump_at;              /* lsn of the MARK that leads over */
	uint64_t start;                /* lsn of the first record */
	uint64_t end;                  /* of the next batch */
	uint64_t synced;
	struct wal_item *items;
	size_t item_count;
	size_t item_cap;
	struct buf payloads;
	struct list ops; /* to be completed */

	/* the writer's */
	struct buf octets;
};

/* On the writer: writes, syncs, comes back to wal_batch_done on the loop. */
void wal_batch_write(struct task *task);

/* On the loop. */
void wal_batch_done(struct task *task);

/* Any executor; never comes back in production. */
void wal_die(struct wal *wal, const char *what, uint64_t start, enum err err);

/* ---- wal_scan.c ---- */

/* Fills the groups and files of an existing log. */
must_use enum err wal_scan(struct wal *wal, struct buf *why);

/* ---- wal_copy.c: slow groups leave the oldest file ---- */

/* A few runs on their way from an old file to the end of the log. */
struct wal_copy {
	struct task task;
	struct wal *wal;
	struct wal_segment *segment; /* NULL: no job is out */
	struct wal_group *group;
	struct wal_run run; /* as it was when the job began */

	struct buf octets;
	struct wal_entry *entries;
	enum err err;
	struct wal_op op;
};

/* On the loop: begins a job if the oldest file is held up. */
void wal_copy_kick(struct wal *wal);

/* Has the run moved or gone since the job began? */
bool wal_copy_is_stale(const struct wal_copy *copy);
void wal_copy_fini(struct wal_copy *copy);

/* ---- wal.c ---- */

enum wal_op_kind {
	WAL_OP_APPEND,
	WAL_OP_TERM,
	WAL_OP_VOTE,
	WAL_OP_TRUNCATE,
	WAL_OP_MARKER,
	WAL_OP_DROP,
	WAL_OP_COPY,
};

struct wal {
	struct wal_place place;
	struct executor *loop;
	struct executor *writer;
	struct executor *pool;
	struct timers *timers;
	struct random *random;
	uint64_t segment_size;
	uint64_t keep_bytes;
	uint64_t min_free;
	wal_fail *fail;
	void *fail_arg;

	uint64_t log_id;
	struct wal_group **groups; /* by id */
	size_t group_count;
	size_t group_cap;

	struct list kept; /* released files, oldest first */
	uint64_t kept_bytes;
	struct list segments; /* needed ones, oldest first; `current` last */
	struct wal_segment *current;
	struct wal_segment *next; /* made ready, or NULL */

	uint64_t at;      /* where the next batch begins */
	uint64_t durable; /* everything below is */

	struct list queue; /* ops that are in no batch yet */
	unsigned formed;   /* entries of the first one that are in batches */
	struct wal_batch batch;
	bool writing;
	bool kicked;
	struct task kick_task;
	struct timer idle;

	/* the job of making files ready and removing old ones: on the pool
	 * while `file_busy` */
	struct task file_task;
	bool file_busy;
	struct wal_make make; /* head.size 0: no file is wanted */
	struct list drop;     /* files to be removed */
	int made_fd;
	enum err made_err;
	bool ballast_gone;
	uint64_t free_space;

	bool space_due; /* free space is to be looked at */
	bool full;
	struct timer space;

	struct wal_copy copy;

	bool failed;
	bool stopping;
	wal_stopped *stopped;
	void *stopped_arg;
	struct wal_stats stats;
};

/* The group, made if absent. */
struct wal_group *wal_find_group(struct wal *wal, uint32_t id);

void wal_queue_op(struct wal_group *group, struct wal_op *op, int kind,
		  wal_done *done);

/* The needed file that holds this lsn, or NULL. */
struct wal_segment *wal_find_segment(struct wal *wal, uint64_t lsn);

/* Runs `stopped` if it is due. */
void wal_maybe_stopped(struct wal *wal);

/* ---- wal_form.c ---- */

void wal_form_init(struct wal *wal);

/* Something was queued, or a file became ready. */
void wal_kick(struct wal *wal);

/* ---- wal_space.c ---- */

void wal_space_init(struct wal *wal);

/* No batch is out: makes the next file ready, removes old ones. */
void wal_space_kick(struct wal *wal);

/* A batch that opened a file is durable: older files may be released. */
void wal_space_switched(struct wal *wal);

/* The next file is needed and not ready. */
void wal_space_missing(struct wal *wal);

#endif
