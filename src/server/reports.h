/*
 * What the nodes tell each other of their replicas (cluster/report.h): this
 * node's own reports go out twice a second, those of the others are kept here,
 * the newest of each replica. Who leads a group is known from them everywhere
 * (architecture.md S8: gossip, not state).
 */
#ifndef SERVER_REPORTS_H
#define SERVER_REPORTS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "cluster/plan.h"

struct node;
struct reports;

#define REPORTS_MS 500 /* between two reports of a node */

/* What a message of peers_tell is about: its first octet. */
enum told_kind {
	TOLD_REPORT = 1, /* cluster/report.h */
	TOLD_ORDER = 2,  /* cluster/order.h */
};

/* On the main loop, as all that follows. */
struct reports *reports_new(struct node *node);
void reports_stop(struct reports *reports);

/* When no thread runs any more. */
void reports_free(struct reports **reportsp);

/* A report has come from `node`, as its link proves. */
void reports_take(struct reports *reports, uint32_t node, struct slice octets);

/* A report at once: something has changed here. */
void reports_hurry(struct reports *reports);

/*
 * Fills what nodes and leaders report into a cluster that plan_load has made,
 * this node's own included; `since_ms` (monotonic): nobody counts as silent
 * from before it.
 */
void reports_fill(const struct reports *reports, struct plan_cluster *cluster,
		  uint64_t since_ms, struct arena *arena);

/* Raft id of the replica that is said to lead the group; 0: unknown. */
uint64_t reports_leader(const struct reports *reports, uint32_t group);

/* How long ago the node said something, in milliseconds; UINT64_MAX: never. */
uint64_t reports_age_ms(const struct reports *reports, uint32_t node);

#endif
