/*
 * A bulk link of a node to itself: two muxes, and what one says is read by the
 * other, octet for octet as on a link.
 *
 * With it a single node can be made to reach its own mail as a node without a
 * replica would (channel_near.h): how tests prove that a client sees no
 * difference.
 */
#ifndef SERVER_LOOPBACK_H
#define SERVER_LOOPBACK_H

#include "base/task.h"
#include "peer/mux.h"

struct loopback;

/* `loop` runs everything of it; `node` is this node's id. */
struct loopback *loopback_new(struct executor *loop, uint32_t node);

/* All streams have ended; the loop runs no more. NULL is allowed. */
void loopback_free(struct loopback **loopbackp);

/* To open and accept streams; on its loop. */
struct peer_bulk *loopback_bulk(struct loopback *loopback);

/* Ends all streams, as if the link had died; on its loop. */
void loopback_cut(struct loopback *loopback);

#endif
