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

/*
 * Before the groups open. A node that is no member yet (joining) has links
 * that can only ask; node_peers_raised makes it one.
 */
must_use enum err node_peers_open(struct node *node, struct buf *why);

/* When the groups are open and before they start. On the main loop. */
void node_peers_start(struct node *node);

/* On the main loop: the start count, or the whole identity, is another. */
void node_peers_raised(struct node *node);

/* Rows of members have changed. Any thread. */
void node_peers_wake(struct node *node);

/*
 * Of a node that has joined and has no rows yet: the members as it was told,
 * and from the file <data>/welcome, if it died before they came.
 */
struct welcome;
void node_peers_welcome(struct node *node, const struct welcome *welcome);
void node_peers_welcome_file(struct node *node);

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
