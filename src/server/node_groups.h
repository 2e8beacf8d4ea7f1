/*
 * Opening and closing what a node keeps: log, groups, bodies. Steps of
 * node_start and node_stop.
 */
#ifndef SERVER_NODE_GROUPS_H
#define SERVER_NODE_GROUPS_H

#include "server/node.h"

/*
 * Raises the start count, takes the clean mark away and opens everything.
 * Blocks; before the loops serve. On an error `why` says what to do.
 */
must_use enum err node_groups_open(struct node *node, struct buf *why);

/* Begins to take part in all groups; any thread. */
void node_groups_start(struct node *node);

/* Stops all groups, then the log; `stopped` runs on the log loop. */
typedef void node_groups_stopped(struct node *node);
void node_groups_stop(struct node *node, node_groups_stopped *stopped);

/*
 * Of a start that fails after node_groups_open, before the loops run: ends
 * what the log does, turning the log loop. Then node_groups_close.
 */
void node_groups_abandon(struct node *node);

/* Blocks; no thread works on them any more. Writes the clean mark. */
void node_groups_close(struct node *node);

#endif
