/*
 * The configurations that stand in raft's log, and the one before them: what a
 * group goes back to when a change is truncated.
 *
 * 0.15 goes back to an entry of its log, and dies if that was cut away; after a
 * restart it does not go back at all (libraft.md 7). So we keep them.
 */
#ifndef RAFT_CONFS_H
#define RAFT_CONFS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct conf_item {
	uint64_t index; /* of its entry */
	struct buf octets;
};

/* Zeroed: none. As many as there are changes in the log, and one. */
struct confs {
	struct conf_item *items; /* by index */
	size_t count;
	size_t cap;
};

void confs_fini(struct confs *confs);

/* Behind all others; what stood at or behind `index` is replaced. */
void confs_add(struct confs *confs, uint64_t index, struct slice octets);

/* Drops those at and behind `index`; how many were there? */
size_t confs_truncate(struct confs *confs, uint64_t index);

/* Drops those before the newest one that is at or before `index`. */
void confs_cut(struct confs *confs, uint64_t index);

/* The newest; NULL: none. */
const struct conf_item *confs_last(const struct confs *confs);

#endif
