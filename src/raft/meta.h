/*
 * The row of a group's state that says how far the log is in it (R10).
 *
 * It is written in the transaction of the commands themselves, so state and
 * index can never tell different stories.
 */
#ifndef RAFT_META_H
#define RAFT_META_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "store/env.h"

struct meta {
	uint64_t applied_index; /* 0: nothing yet */
	uint64_t applied_term;
	uint64_t import_pending; /* marker that an import stands for; 0: none */
};

/* All zero if there is no row; damage sticks to the transaction. */
void meta_get(struct store_txn *txn, struct meta *meta_r);
void meta_put(struct store_txn *txn, const struct meta *meta);

/* The group's feature level; 0 until one was set. */
uint32_t meta_feature_level(struct store_txn *txn);
void meta_set_feature_level(struct store_txn *txn, uint32_t level);

/*
 * Bodies that the group has given up (command LOST): nobody had them when the
 * log was at `index`. Until a command brings one again.
 */
void meta_put_lost(struct store_txn *txn, const struct sha256 *hash,
		   uint64_t index);
void meta_del_lost(struct store_txn *txn, const struct sha256 *hash);
bool meta_is_lost(struct store_txn *txn, const struct sha256 *hash);

#endif
