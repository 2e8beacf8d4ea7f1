/*
 * Parts of directory_verify. For its files only.
 */
#ifndef CLUSTER_DIRECTORY_VERIFY_H
#define CLUSTER_DIRECTORY_VERIFY_H

#include "cluster/findings.h"
#include "store/env.h"

/* Members, tokens and the replicas of groups, against each other. */
void directory_verify_nodes(struct store_txn *txn, struct findings *findings);

#endif
