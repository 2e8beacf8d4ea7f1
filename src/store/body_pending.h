/*
 * What is durable in segments and not in the index yet: one generation.
 *
 * Two exist at a time, one that grows and one that is being indexed. Whoever
 * looks for a body asks the younger one first, then the older, then the index.
 * The caller locks.
 */
#ifndef STORE_BODY_PENDING_H
#define STORE_BODY_PENDING_H

#include "base/tree.h"
#include "store/body_index.h"

/* Rows of one generation: some MiB, and one index transaction. */
#define BODY_PENDING_MAX 16384

struct pending_body {
	struct tree_node node; /* first */
	struct sha256 hash;
	struct body_place place;
	bool dropped; /* it is not here any more; place is of no use */
};

struct pending_hold {
	struct tree_node node; /* first */
	struct sha256 hash;
	struct body_hold hold;
};

struct pending_segment {
	struct tree_node node; /* first */
	uint64_t segment;
	uint64_t end;
	bool closed;
};

struct body_pending {
	struct tree bodies;
	struct tree holds;
	struct tree segments;
};

void body_pending_init(struct body_pending *pending);
void body_pending_fini(struct body_pending *pending);

/* Moves all of `from`, which becomes empty, into `to`, which must be. */
void body_pending_move(struct body_pending *to, struct body_pending *from);

static inline size_t body_pending_count(const struct body_pending *pending)
{
	return pending->bodies.count + pending->holds.count +
	       pending->segments.count;
}

/* The newest word on a body replaces the one before. */
void body_pending_put(struct body_pending *pending, const struct sha256 *hash,
		      const struct body_place *place);
void body_pending_drop(struct body_pending *pending, const struct sha256 *hash);

void body_pending_hold(struct body_pending *pending, const struct sha256 *hash,
		       const struct body_hold *hold);
void body_pending_note(struct body_pending *pending, uint64_t segment,
		       uint64_t end, bool closed);

/* NULL: nothing was said of it. */
const struct pending_body *body_pending_find(const struct body_pending *pending,
					     const struct sha256 *hash);

/* The first hold on the body, and with body_pending_next_hold all others. */
const struct pending_hold *
body_pending_first_hold(const struct body_pending *pending,
			const struct sha256 *hash);
const struct pending_hold *
body_pending_next_hold(const struct pending_hold *hold);

/* Writes all of it; errors stick to the transaction. */
void body_pending_index(const struct body_pending *pending,
			struct body_index_write *write);

#endif
