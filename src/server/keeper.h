/*
 * Keeps the file <data>/node as node->identity is, while the node runs.
 *
 * The identity belongs to the main loop: whoever changes it does so there and
 * asks for a write. A worker writes a copy, one at a time; what changes
 * meanwhile goes into the next one.
 */
#ifndef SERVER_KEEPER_H
#define SERVER_KEEPER_H

#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"

struct keeper;
struct keeper_write;
struct node;

/* On the main loop, once, late. */
typedef void keeper_done(struct keeper_write *write);

/* One wish for a write; storage is the caller's until `done` has run. */
struct keeper_write {
	void *owner;  /* not looked at */
	enum err err; /* in `done`; not ERR_NONE: the old file stands */

	/* the keeper's own */
	struct list link;
	keeper_done *done;
};

/* On the main loop, with an identity that has been read or made. */
struct keeper *keeper_new(struct node *node);

/* node->identity was changed: `done` runs when a file with it is durable. */
void keeper_write(struct keeper *keeper, struct keeper_write *write,
		  keeper_done *done);

/* A write is under way or waited for. */
bool keeper_is_busy(const struct keeper *keeper);

/* Not while busy, or no thread runs any more. */
void keeper_free(struct keeper **keeperp);

#endif
