/*
 * Links of a running node: they know who it is, who the others are by the
 * directory's member rows, and where frames go.
 */
#ifndef SERVER_NODE_PEERS_H
#define SERVER_NODE_PEERS_H

#include "base/buf.h"
#include "base/err.h"
#include "io/listener.h"
#include "server/node.h"

/* When the identity is known and before the groups open. */
must_use enum err node_peers_open(struct node *node, struct buf *why);

/* When the groups are open and before they start. On the main loop. */
void node_peers_start(struct node *node);

/* On the main loop: the start count has been raised. */
void node_peers_raised(struct node *node);

/* Rows of members have changed. Any thread. */
void node_peers_wake(struct node *node);

/*
 * Cuts all links; `stopped` runs on the log loop. From the main loop, before
 * the groups stop; of a node whose links were
 * started.
 */
typedef void node_peers_stopped(struct node *node);
void node_peers_stop(struct node *node, node_peers_stopped *stopped);

/* Of a listener for other nodes; `arg` is the node. */
void node_peers_accept(void *arg, struct io_loop *loop,
		       struct io_accepted *accepted);

#endif
