/*
 * Checkpoints: how an LMDB environment that never syncs a transaction survives
 * the loss of power (architecture.md 4, "On disk").
 *
 * A checkpoint is {the two meta pages, index, term} in a file of its own beside
 * the map, and a *pin*: an open read transaction of that very state, so that
 * none of its pages is written again. After a crash the metas are put back, and
 * the environment is in the state of the checkpoint; the log does the rest.
 *
 *   applier, between two transactions   store_checkpoint_begin
 *   worker, while the applier goes on   store_checkpoint_sync
 *
 * A pin keeps freed pages from reuse and files never shrink, so the caller
 * makes checkpoints of one environment at a time, each soon.
 */
#ifndef STORE_CHECKPOINT_H
#define STORE_CHECKPOINT_H

#include "store/env.h"

/* Either makes a checkpoint due. */
#define STORE_CHECKPOINT_DIRTY                         \
	(64u * 1024 * 1024) /* octets of dirtied pages \
			     */
#define STORE_CHECKPOINT_AGE_MS 60000

/*
 * Due: something was written since the last one began, and either much or
 * `age_ms` (since the caller began the last one) is long. Any thread.
 */
bool store_checkpoint_due(struct store_env *env, uint64_t age_ms);

/* Octets of pages dirtied since the last one began. Any thread. */
uint64_t store_checkpoint_dirty(struct store_env *env);

/*
 * Takes the pin and the copy of the metas. On the applier, between two
 * transactions; `index` and `term` are what that state has applied. One at a
 * time: panics if one has begun and store_checkpoint_sync has not returned.
 *
 * Errors: ERR_IO, also for ever after a failed fsync: no fsync is repeated.
 */
must_use enum err store_checkpoint_begin(struct store_env *env, uint64_t index,
					 uint64_t term);

/*
 * Makes it durable, then lets the older pin go. On a worker; blocks.
 *
 * On failure the older checkpoint stands. ERR_FULL: nothing changed, begin a
 * new one later. ERR_IO: no checkpoint and no write transaction is possible
 * any more; the process should end (libraft.md R5).
 */
must_use enum err store_checkpoint_sync(struct store_env *env);

/* Where in the log the newest durable checkpoint is. */
struct store_position {
	uint64_t index;
	uint64_t term;
};

/*
 * Any thread. After open the position of the checkpoint that was found: after
 * a clean stop the state may be newer than it says, never older.
 */
void store_checkpoint_last(struct store_env *env,
			   struct store_position *position_r);

#endif
