/*
 * Holds on the bodies of many messages, before a command names them in another
 * group (architecture.md 4, holds F3).
 *
 * The bodies are on this node: each is asked for with the hold of the operation
 * that is to name it. When groups have replicas elsewhere, this is where the
 * bodies are brought to a majority of them.
 */
#ifndef SERVER_HOLDS_H
#define SERVER_HOLDS_H

#include "cluster/mailgroup_command.h"
#include "store/body.h"

/* Asked for at a time: they share the syncs of the body store. */
#define HOLDS_WINDOW 64

struct holds;

typedef void holds_done(struct holds *holds);

/* Storage is the caller's until `done` has run, once, late, on `home`. */
struct holds {
	/* set by the caller */
	struct body_store *bodies;
	struct executor *home;
	void *owner;
	struct body_hold hold;
	const struct mailgroup_message *messages;
	size_t count; /* at least 1 */

	/* valid in `done`: ERR_MISSING_BODY before others (store/body.h) */
	enum err err;

	holds_done *done;
	size_t next;
	unsigned under_way;
	struct body_have haves[HOLDS_WINDOW];
};

/* ERR_NONE in `done`: all bodies are here, and the holds are durable. */
void holds_take(struct holds *holds, holds_done *done);

#endif
