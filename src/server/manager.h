/*
 * The managers at work: the node that leads the directory looks twice a second
 * at what is recorded and reported, and does the next step of each group
 * (cluster/plan.h). On every node: the group's leader carries out what it is
 * asked to.
 */
#ifndef SERVER_MANAGER_H
#define SERVER_MANAGER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct manager;
struct node;

/* On the main loop, as all that follows. */
struct manager *manager_new(struct node *node);
void manager_stop(struct manager *manager);

/* A look, a step or a change is under way. */
bool manager_is_busy(const struct manager *manager);

/* When no thread runs any more. */
void manager_free(struct manager **managerp);

/* An order has come from `node`, as its link proves. */
void manager_order(struct manager *manager, uint32_t node, struct slice octets);

/*
 * What the last look wants and why, an object for each group that is not as it
 * shall be; empty where this node does not lead the directory.
 */
json_t *manager_json(const struct manager *manager);

#endif
