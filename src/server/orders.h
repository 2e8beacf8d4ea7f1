/*
 * Orders of the managers (cluster/order.h), given and carried out: a change of
 * a group's configuration, a transfer of its leadership, its feature level.
 */
#ifndef SERVER_ORDERS_H
#define SERVER_ORDERS_H

#include <stdbool.h>
#include <stdint.h>

#include "cluster/order.h"

struct node;
struct orders;

/* On the main loop, as all that follows. */
struct orders *orders_new(struct node *node);

/* To the node that leads the group; may be lost. Borrows for the call. */
void orders_send(struct orders *orders, uint32_t node,
		 const struct order *order);

/* Carried out here, if this node leads the group. Borrows for the call. */
void orders_take(struct orders *orders, const struct order *order);

/* Some are being carried out. */
bool orders_are_busy(const struct orders *orders);

/* When no thread runs any more. */
void orders_free(struct orders **ordersp);

#endif
