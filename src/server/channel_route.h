/*
 * Who is asked for a group of which this node has no copy.
 */
#ifndef SERVER_CHANNEL_ROUTE_H
#define SERVER_CHANNEL_ROUTE_H

#include <stdint.h>

struct node;

/*
 * Nodes with a replica of the group, by the directory's row, in the order in
 * which they are to be asked; this one is left out. At most `max`; returns how
 * many. Any thread; reads the directory.
 */
unsigned channel_route(const struct node *node, uint32_t group, uint32_t *nodes,
		       unsigned max);

#endif
