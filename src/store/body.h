/*
 * Bodies: the octets of messages, named by their SHA-256, in append-only
 * segments with a node-local index (architecture.md 4, "Bodies").
 *
 * A body exists once its trailer is durable, and not before. It stays as long
 * as a *hold* stands on it or a row of a local group names it; the sweep
 * decides, by two tests that the caller gives.
 *
 * Threads: each operation is started on the executor that it names as `home`
 * and answered there, once, from a later turn. Whatever blocks happens on the
 * two executors of the options. Functions that are called "blocking" may be
 * called by any thread that may block. Storage of an operation is the caller's
 * until its callback has run.
 *
 * ERR_IO from a write is final: the store refuses all further writes, and the
 * process should end (libraft.md R5).
 */
#ifndef STORE_BODY_H
#define STORE_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/disk.h"
#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"
#include "base/task.h"

/* Up to here a body is collected in memory and goes to the shared segment. */
#define BODY_CHUNK (64u * 1024)

/* The largest body, in octets: a limit for lengths read from disk. */
#define BODY_MAX ((uint64_t)1 << 32)

struct body_store;
struct store_env;

/*
 * Who still needs a body, though no row may name it yet: an operation of a
 * group. proposer 0 is no hold.
 */
struct body_hold {
	uint32_t group;
	uint32_t slot;
	uint64_t proposer;
	uint64_t turn;
};

struct body_options {
	const char *path;       /* of the segments; made if absent; copied */
	const char *index_path; /* of the index; NULL: path/index; copied */
	struct disk *disk;
	struct executor *writer; /* a thread of its own: appends and fsyncs */
	struct executor *pool;   /* workers, in any order, many at a time */
	uint64_t segment_size;   /* of shared segments; 0 = 64 MiB */
	uint64_t min_free;       /* octets of the disk that new bodies leave */
	uint64_t index_map_size; /* octets of address space; 0 = 64 GiB */
	unsigned max_readers;    /* threads that may read at once */
	bool clean;              /* the last stop was clean (store/env.h) */

	/* Of the index, as in struct store_env_options; may be NULL. */
	void (*synced)(void *arg, struct store_env *env);
	void *synced_arg;
};

/*
 * Opens the store and reads what the index does not know yet from the
 * segments; a lost or damaged index is made again from them. Blocking.
 *
 * ERR_IO, ERR_FULL. Damage inside segments is counted (stats), not an error.
 */
must_use enum err body_store_open(const struct body_options *options,
				  struct body_store **store_r);

/*
 * No operation may be outstanding. Blocking. With `clean` everything is
 * indexed and a checkpoint of the index is made: only ERR_NONE permits the
 * mark of a clean stop. Without it the files stay as they are.
 */
must_use enum err body_store_close(struct body_store **storep, bool clean);

/*
 * From now on writing and "have it" answer ERR_UNAVAILABLE; reading goes on.
 * Any thread. Parking is for the rest of the process's life.
 */
void body_store_park(struct body_store *store);

/* ---- writing ---- */

struct body_write;

typedef void body_write_event(struct body_write *write);

/*
 * One body on its way to the disk.
 *
 *   body_write_begin, body_write_add ..., then body_write_finish or _abort
 */
struct body_write {
	/* set by the caller before body_write_begin */
	struct executor *home;
	void *owner;                 /* not looked at */
	struct body_hold hold;       /* proposer 0: none, a row names it */
	const struct sha256 *expect; /* NULL, or the name that it must have */

	/* valid in the callback of finish */
	enum err err;
	struct sha256 hash;
	uint64_t length; /* octets */

	/* store/'s own */
	struct body_store *store;
	struct body_upload *upload;
	body_write_event *ready;
	body_write_event *done;
	struct list link;
	struct task task;
};

/*
 * `ready` runs on `home` whenever there is room again after body_write_add
 * has left none: the back-pressure to the client.
 */
void body_write_begin(struct body_store *store, struct body_write *write,
		      body_write_event *ready);

/* Octets that body_write_add takes now; 0: wait for `ready`. */
size_t body_write_room(const struct body_write *write);

/*
 * Takes a copy of at most body_write_room octets; never blocks. A failure of
 * the disk meanwhile shows at the end: what follows is counted and dropped.
 */
void body_write_add(struct body_write *write, struct slice octets);

/*
 * `done` runs when the body and its hold are durable, or with `err`:
 *
 *   ERR_FULL, ERR_TOO_BIG: nothing was stored
 *   ERR_INVALID: it has another name than `expect`; nothing was stored
 *   ERR_UNAVAILABLE: the store is parked
 *   ERR_IO: unknown, and the end of all writing
 *
 * A body that is here already only gets the hold.
 */
void body_write_finish(struct body_write *write, body_write_event *done);

/* Instead of finish: `done` runs with ERR_CANCELLED, all traces are gone. */
void body_write_abort(struct body_write *write, body_write_event *done);

struct body_have;

typedef void body_have_done(struct body_have *have);

/* The question "have it", by hash. */
struct body_have {
	/* set by the caller */
	struct executor *home;
	void *owner;
	struct body_hold hold; /* never none */
	struct sha256 hash;

	/* valid in `done` */
	enum err err;
	uint64_t length;

	/* store/'s own */
	struct body_store *store;
	body_have_done *done;
	struct list link;
	struct task task;
};

/*
 * ERR_NONE: it is here, whole as far as known, and the hold is durable.
 * ERR_MISSING_BODY; ERR_UNAVAILABLE, ERR_FULL, ERR_IO as above.
 */
void body_have(struct body_store *store, struct body_have *have,
	       body_have_done *done);

/* ---- reading: blocking ---- */

/* A run of octets of one body. */
struct body_piece {
	struct sha256 hash;
	uint64_t offset;
	size_t len; /* wanted */
	void *out;  /* room for `len` octets */

	size_t got;   /* less than `len` only at the end of the body */
	enum err err; /* as of body_read; got is 0 then */
};

/*
 * What is given was checked: the body is kept in blocks with a checksum each,
 * and a block is read whole or not at all. A flipped bit is ERR_CORRUPT; the
 * store then forgets the body, so that "have it" says no and a new copy can
 * be written; later reads say ERR_MISSING_BODY.
 *
 * ERR_MISSING_BODY; ERR_CORRUPT; ERR_VERSION: written by a later release;
 * ERR_IO. An offset at or behind the end gives 0 octets.
 */
must_use enum err body_read(struct body_store *store, const struct sha256 *hash,
			    uint64_t offset, void *out, size_t len,
			    size_t *got_r);

/* Many at once; each has its own `err`. Order them by body: runs are shared. */
void body_read_many(struct body_store *store, struct body_piece *pieces,
		    size_t count);

/* ERR_MISSING_BODY. */
must_use enum err body_length(struct body_store *store,
			      const struct sha256 *hash, uint64_t *length_r);

/* Reads all of it and compares the SHA-256; errors as of body_read. */
must_use enum err body_check(struct body_store *store,
			     const struct sha256 *hash);

/* ---- upkeep: one of these at a time ---- */

/*
 * Every local group has applied an index from a read-index round begun after
 * the start (or rebuild) and none is parked. False at first; while it is
 * false nothing is dropped. Any thread, at any time.
 */
void body_store_caught_up(struct body_store *store, bool caught_up);

struct body_sweep;

typedef void body_sweep_done(struct body_sweep *sweep);

/* Drops what nobody needs and gives the room of thin segments back. */
struct body_sweep {
	/* set by the caller */
	struct executor *home;
	void *owner;

	/*
	 * Does the state of its group show the hold's turn as resolved or its
	 * proposer as fenced? True is for ever. Called on the pool and on the
	 * writer. A test on a group that this node has no replica of: false.
	 */
	bool (*is_resolved)(void *arg, const struct body_hold *hold);

	/*
	 * Does a row of any local group name the body? Asked of snapshots
	 * begun within the call: it is called after is_resolved, and must see
	 * what that has seen. Called on the pool and on the writer.
	 */
	bool (*is_named)(void *arg, const struct sha256 *hash);
	void *arg;

	/* valid in `done` */
	enum err err;    /* ERR_UNAVAILABLE: not caught up, or parked */
	uint64_t bodies; /* dropped */
	uint64_t holds;  /* dropped */
	uint64_t octets; /* of segments given back to the disk */

	/* store/'s own */
	struct body_store *store;
	body_sweep_done *done;
	struct body_sweep_run *run;
	struct task task;
};

/* Runs on the two executors; `done` on the home of the caller. */
void body_sweep(struct body_store *store, struct body_sweep *sweep,
		body_sweep_done *done);

struct body_verify;

typedef void body_verify_event(struct body_verify *verify);

/* Reads every body and compares it with its name. */
struct body_verify {
	/* set by the caller */
	struct executor *home;
	void *owner;
	body_verify_event *progress; /* on `home`, each 64 MiB; may be NULL */
	bool stop; /* may be set on `home` at any time: ends early */

	/* valid in the callbacks */
	enum err err;    /* ERR_NONE: walked to the end, or stopped */
	uint64_t bodies; /* looked at */
	uint64_t octets;
	uint64_t damaged; /* not what their name says; forgotten */

	/* store/'s own */
	struct body_store *store;
	body_verify_event *done;
	struct body_verify_run *run;
	struct task task;
};

/* `progress` and `done` run on the home of the caller. */
void body_verify(struct body_store *store, struct body_verify *verify,
		 body_verify_event *done);

struct body_checkpoint;

typedef void body_checkpoint_done(struct body_checkpoint *checkpoint);

/* A checkpoint of the index (store/checkpoint.h). */
struct body_checkpoint {
	struct executor *home;
	void *owner;

	enum err err; /* ERR_FULL: try again later; ERR_IO */

	/* store/'s own */
	struct body_store *store;
	body_checkpoint_done *done;
	struct task task;
};

/* Not while one is under way. `done` runs on the home of the caller. */
void body_store_checkpoint(struct body_store *store,
			   struct body_checkpoint *checkpoint,
			   body_checkpoint_done *done);

/* As store_checkpoint_due, of the index. Any thread. */
bool body_store_checkpoint_due(struct body_store *store, uint64_t age_ms);

/*
 * Each hold that stands, some perhaps twice: for FENCE proposals and people.
 * Blocking, and one long snapshot of the index.
 */
typedef void body_hold_each(void *arg, const struct sha256 *hash,
			    const struct body_hold *hold);
must_use enum err body_store_holds(struct body_store *store,
				   body_hold_each *each, void *arg);

struct body_stats {
	uint64_t bodies;            /* indexed */
	uint64_t holds;             /* indexed */
	uint64_t live_octets;       /* records of indexed bodies */
	uint64_t segments;          /* files */
	uint64_t segment_octets;    /* written, without what is preallocated */
	uint64_t pending;           /* durable, not indexed yet */
	uint64_t appended;          /* records since start */
	uint64_t fsyncs;            /* group commits since start */
	uint64_t damaged;           /* bodies found so since start */
	struct sha256 damaged_hash; /* of the last; `damaged` > 0 */
	uint64_t damaged_segment;   /* its file */
	uint64_t damaged_offset;    /* of its record in it */
	uint64_t io_errors;
	uint64_t full_errors;
};

/* Any thread; cheap. */
void body_store_get_stats(struct body_store *store, struct body_stats *stats_r);

#endif
