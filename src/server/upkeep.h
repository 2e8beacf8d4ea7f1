/*
 * Upkeep of the bodies: checkpoints of their index, and the sweep.
 *
 * A sweep drops what no hold and no row of any local group names. It runs an
 * hour after the start, then once a day, and when `murderctl sweep` asks; never
 * before every local group has caught up (architecture.md 4, F3).
 */
#ifndef SERVER_UPKEEP_H
#define SERVER_UPKEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct node;
struct upkeep;

struct upkeep_result {
	enum err err;    /* UNAVAILABLE: not caught up, or a group is parked */
	uint64_t bodies; /* dropped */
	uint64_t holds;
	uint64_t octets; /* of segments given back to the disk */
};

typedef void upkeep_done(void *arg, const struct upkeep_result *result);

/* On the main loop. */
struct upkeep *upkeep_new(struct node *node);

/*
 * Sweeps as soon as all groups have caught up, for which it waits up to half a
 * minute; `done` runs later, on the main loop.
 * ERR_BUSY: a sweep is under way, ERR_UNAVAILABLE: a group is parked; `done`
 * will not run.
 */
must_use enum err upkeep_sweep(struct upkeep *upkeep, upkeep_done *done,
			       void *arg);

/*
 * A group is about to be published: nothing is dropped before it has caught
 * up. On the main loop.
 */
void upkeep_group_added(struct upkeep *upkeep);

/* Begins nothing any more; on the main loop. */
void upkeep_stop(struct upkeep *upkeep);

/* Something is under way: the bodies cannot be closed yet. */
bool upkeep_is_busy(const struct upkeep *upkeep);

/* After the main loop has ended. */
void upkeep_free(struct upkeep **upkeepp);

#endif
