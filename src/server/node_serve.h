/*
 * What a node shows to the outside: certificates and listeners; and the flow
 * of `murderctl init`.
 */
#ifndef SERVER_NODE_SERVE_H
#define SERVER_NODE_SERVE_H

#include "server/node.h"

/*
 * Reads certificate and key; makes a self-signed pair if the settings name
 * none and there is none yet. `why` names the file.
 */
must_use enum err node_tls_open(struct node *node, struct buf *why);

/*
 * Opens all listeners, or none. A node that joins listens for other nodes
 * before it listens for clients. An error closes all.
 */
must_use enum err node_listen(struct node *node, struct buf *why);
must_use enum err node_listen_nodes(struct node *node, struct buf *why);
must_use enum err node_listen_clients(struct node *node, struct buf *why);

/* Stops accepting; on the main loop. Twice is once. */
void node_unlisten(struct node *node);

/* After the loops have ended. */
void node_unlisten_free(struct node *node);

/* A node that died during init goes on with it. */
void node_init_resume(struct node *node);

#endif
