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

/*
 * Opens one replica, of a group that the identity names: blocks; nobody sees
 * it yet. ERR_IO, ERR_FULL: the process must end (R5), and the group is to be
 * published nevertheless, so that it is closed at the end.
 */
must_use enum err node_group_open(struct node *node,
				  const struct identity_replica *identity,
				  struct node_group **group_r);

/* From now on node_group_find finds it. On the main loop. */
void node_group_publish(struct node *node, struct node_group *group);

/* Begins to take part in it; any thread. */
void node_group_start(struct node_group *group);

/* On the log loop: another process has this node's id, so this one stops. */
void node_is_fenced(struct node *node);

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
