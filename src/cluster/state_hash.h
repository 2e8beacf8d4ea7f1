/*
 * A hash over the rows of a group's tables: replicas that applied the same
 * entries have the same, byte by byte (fault testing: equal state at equal
 * index). It tells damage that LMDB does not notice, and applies that are not
 * pure.
 */
#ifndef CLUSTER_STATE_HASH_H
#define CLUSTER_STATE_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "store/env.h"

/*
 * In slices, for the scrub: begin, then _step until it gives false. All steps
 * must see the same state to be comparable: one transaction, or a group that
 * applies nothing meanwhile.
 */
struct state_hash {
	unsigned table; /* next to hash */
	unsigned end;
	bool inside; /* `after` is a row of `table` */
	struct store_key after;
	uint64_t hash;
};

/* Of tables first .. first + count - 1. */
void state_hash_begin(struct state_hash *state, unsigned first, unsigned count);

/* Up to `rows` further rows; false: done, `hash` is valid. */
bool state_hash_step(struct state_hash *state, struct store_txn *txn,
		     uint64_t rows);

/* All at once. */
uint64_t state_hash(struct store_txn *txn, unsigned first, unsigned count);

#endif
