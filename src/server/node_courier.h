/*
 * The courier and the repair of a running node: what they have to know of
 * directory and groups.
 */
#ifndef SERVER_NODE_COURIER_H
#define SERVER_NODE_COURIER_H

struct node;

/* Makes node->courier and node->repair; the groups are open. */
void node_courier_begin(struct node *node);

#endif
