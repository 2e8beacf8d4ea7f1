/*
 * A cluster and its plan as lines for people: the tables of `status`.
 *
 *   NODE  NAME  STATE   ROLES           ZONE  SILENT  REPLICAS  LEADS
 *   1     n1    active  master,backend  a     -       12        4
 *
 *   GROUP  LEADER  VOTERS     STANDBYS  INDEX  LAG  MISSING  WHAT
 *   3      n2      n1 n2 n4?  n5+12.5%  8123   17   2        n5 imports: ..
 *
 * Behind the name of a node stands what is wrong with its replica: '?' the
 * node is not heard or does not report it, '!' it is parked, '+' it joins (and
 * how far it has come), '-' it is on the way out, '*' its vote is not yet, or
 * still, another than here.
 */
#ifndef CLUSTER_OVERVIEW_H
#define CLUSTER_OVERVIEW_H

#include "base/buf.h"
#include "cluster/plan.h"

/*
 * Each appends lines that end in LF; the first names the columns, which are as
 * wide as they must be. Members that were removed are left out.
 */
void overview_nodes(const struct plan_cluster *cluster, struct buf *out);

/* The groups in the order of the plan, with its sentences. */
void overview_groups(const struct plan_cluster *cluster,
		     const struct plan *plan, struct buf *out);

/* One line for each step of the plan that concerns no group; may be none. */
void overview_rest(const struct plan_cluster *cluster, const struct plan *plan,
		   struct buf *out);

#endif
