/*
 * Inside of the body store: shared by body_*.c only.
 *
 *   body_store.c    opening, closing, what all parts share
 *   body_scan.c     at the start: segments that the index does not know
 *   body_upload.c   one upload, up to the queue of the writer
 *   body_writer.c   group commit: appends, answers, "have it"
 *   body_reader.c   checked reading
 *   body_indexer.c  what is pending goes to the index; checkpoints
 *   body_sweep.c    who is dead; body_compact.c: room back to the disk
 *   body_verify.c   reading everything
 */
#ifndef STORE_BODY_IMPL_H
#define STORE_BODY_IMPL_H

#include <stdatomic.h>

#include "base/panic.h"
#include "store/body.h"
#include "store/body_files.h"
#include "store/body_index.h"
#include "store/body_pending.h"
#include "store/body_segment.h"
#include "store/serial.h"

/* A batch begins here: no block with acknowledged octets is written again. */
#define BODY_BATCH_ALIGN 4096

#define BODY_BATCH_MAX (4u * 1024 * 1024) /* octets of one group commit */
/* Rows that are worth an index transaction: it costs as much for one. */
#define BODY_INDEX_BATCH 256

#define BODY_BATCH_COUNT 512 /* requests of one group commit */

/* The shared segment that is being written. */
struct body_current {
	bool open;
	int fd;
	uint64_t segment;
	uint64_t size; /* preallocated */
	uint64_t end;  /* of what is durable */
	bool prepared; /* the next one was asked for */
};

struct body_store {
	char *path;
	char *index_path;
	struct disk *disk;
	struct executor *writer;
	struct executor *pool;
	uint64_t segment_size;
	uint64_t min_free;
	struct store_env *index;
	struct serial serial; /* index transactions: one after another */
	struct body_files files;

	/* Any thread. */
	_Atomic int failed; /* enum err: ERR_IO ends all writing */
	atomic_bool parked;
	atomic_bool caught_up;
	atomic_bool index_bad;
	_Atomic uint64_t next_segment;
	_Atomic uint64_t appended;
	_Atomic uint64_t fsyncs;
	_Atomic uint64_t io_errors;
	_Atomic uint64_t full_errors;

	/* The writer's own. */
	struct body_current current;
	struct buf batch;
	struct body_item *items; /* BODY_BATCH_COUNT */
	struct task writer_task;
	struct task index_task;

	/*
	 * The lock: readers on all threads look into what is pending, and
	 * uploads end on all loops.
	 */
	pthread_mutex_t lock;
	pthread_cond_t quiet;
	unsigned background;          /* tasks of our own under way */
	struct list writes;           /* body_write.link */
	struct list haves;            /* body_have.link */
	bool writer_posted;           /* writer_task is */
	bool index_posted;            /* index_task is */
	enum err index_err;           /* of the last try */
	size_t index_at;              /* pending rows that wake the indexer */
	struct body_pending fresh;    /* grows */
	struct body_pending indexing; /* being indexed */
	struct body_totals totals;    /* of the index */
	uint64_t damaged;             /* bodies found so */
	struct sha256 damaged_hash;   /* the last of them */
	struct body_place damaged_place;
	struct body_current spare; /* the next shared segment */
	bool preparing;
	struct list checkpoints; /* body_checkpoint.task.link: wait */
	bool checkpointing;
	struct body_checkpoint *checkpoint; /* under way */
	struct task checkpoint_task;
};

static inline void body_lock(struct body_store *store)
{
	/* tidy: allow pthread_mutex_lock: see `lock` above */
	MUST(pthread_mutex_lock(&store->lock) == 0);
}

static inline void body_unlock(struct body_store *store)
{
	MUST(pthread_mutex_unlock(&store->lock) == 0);
}

/* ---- body_store.c ---- */

/* A task of the store's own begins and ends: close waits for all. */
void body_background_begin(struct body_store *store);
void body_background_end(struct body_store *store);

/* Counts the error; ERR_IO sticks, damage of the index parks. Gives it back. */
enum err body_store_error(struct body_store *store, enum err err);

/* ERR_NONE, or why nothing can be written. */
enum err body_store_refusal(struct body_store *store);

/*
 * Where the body is: pending, else by the index. ERR_MISSING_BODY also if it
 * was found damaged. Any thread that may block.
 */
must_use enum err body_locate(struct body_store *store,
			      const struct sha256 *hash,
			      struct body_place *place_r);

/* ERR_FULL if the disk has not that many octets above min_free; any thread. */
enum err body_store_room(struct body_store *store, uint64_t octets);

/* Makes a shared segment of segment_size, its name durable. */
must_use enum err body_current_new(struct body_store *store,
				   struct body_current *current_r);

/* Closes the file; `trim` gives back what was preallocated. */
void body_current_close(struct body_store *store, struct body_current *current,
			bool trim);

/* Removes a segment's file; what cannot be removed is found again at start. */
void body_segment_remove(struct body_store *store, uint64_t segment);

/* ---- body_scan.c ---- */

/* Brings the index up to what the segments say; sets next_segment. */
must_use enum err body_scan(struct body_store *store);

/* ---- body_upload.c ---- */

/* What is known of an upload that has come to its end. */
struct body_upload;
struct slice body_upload_octets(const struct body_upload *upload);

/* The upload has a segment of its own, durable: its record. NULL: it is small.
 */
const struct body_record *body_upload_record(const struct body_upload *upload);

/* Size of that segment. */
uint64_t body_upload_size(const struct body_upload *upload);

/* Ends it: `done` runs on its home. Its segment stays. */
void body_upload_answer(struct body_upload *upload, enum err err);

/* ---- body_writer.c ---- */

/* Lets the writer run if something waits for it. Under the lock. */
void body_writer_wake(struct body_store *store);

/* Room for the requests of one batch. */
struct body_item *body_items_new(void);

/* Group commit: on the writer's executor. */
task_run body_writer_run;

/* ---- body_indexer.c ---- */

/* Lets the indexer run if that is worth it. Under the lock. */
void body_indexer_wake(struct body_store *store);

/* Indexes all that is pending now; on the serial executor or at close. */
must_use enum err body_index_flush(struct body_store *store);

/* ---- body_reader.c ---- */

/* Tells the writer that the body at this place is not what its name says. */
void body_report_damage(struct body_store *store, const struct sha256 *hash,
			const struct body_place *place);

/* ---- body_compact.c ---- */

struct body_compact;

typedef void body_compact_done(void *arg, enum err err, uint64_t octets);

/* Gives the room of thin segments back; `done` on the serial executor. */
void body_compact(struct body_store *store, body_compact_done *done, void *arg);

#endif
