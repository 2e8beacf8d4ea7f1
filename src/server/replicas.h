/*
 * This node's replicas follow the directory: a row of a group that names a
 * replica of this node has it opened here (architecture.md 10).
 *
 * One at a time, on the main loop, what blocks on a worker. The replica begins
 * empty and takes part as soon as its group's leader adds it.
 */
#ifndef SERVER_REPLICAS_H
#define SERVER_REPLICAS_H

#include <stdbool.h>

struct node;
struct replicas;

/* On the main loop; begins with a look at the directory. */
struct replicas *replicas_new(struct node *node);

/* Rows of groups have changed. Any thread. */
void replicas_wake(struct replicas *replicas);

/* No new step begins; on the main loop. */
void replicas_stop(struct replicas *replicas);
bool replicas_is_busy(const struct replicas *replicas);

/* When no thread runs any more. */
void replicas_free(struct replicas **replicasp);

#endif
