/*
 * Random lives of a cluster of whole replicas: writes and reads at all nodes,
 * while nodes die and come back, links are cut one way and both, lose and
 * delay, disks and appliers stall, and wall clocks jump.
 *
 * The judge: an answered write took effect once everywhere, a refused one never
 * does, none ever takes effect twice; no operation sees less than what ended
 * before it began; when all is healed everything is answered, and all copies
 * are equal.
 */
#ifndef TEST_REPLICA_CLUSTER_LIFE_H
#define TEST_REPLICA_CLUSTER_LIFE_H

#include "replica_cluster.h"

#define RC_LIFE_OPS 60

/* NULL, or what went wrong. */
const char *rc_life(uint64_t seed);

/* A number that differs if anything does: what came of each operation. */
uint64_t rc_life_trace(uint64_t seed);

#endif
