/*
 * Inside of the cluster of whole replicas: the machine of its groups.
 */
#ifndef TEST_REPLICA_CLUSTER_IMPL_H
#define TEST_REPLICA_CLUSTER_IMPL_H

#include "replica_cluster.h"

void rc_fsm_init(struct rc_member *member);

#endif
