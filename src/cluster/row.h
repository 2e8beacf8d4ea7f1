/*
 * Rows of a table as structs: codec.h over store/env.h.
 *
 * A row that cannot be decoded is damage: the transaction fails with
 * ERR_CORRUPT (ERR_VERSION: a newer program wrote it), which parks the replica.
 */
#ifndef CLUSTER_ROW_H
#define CLUSTER_ROW_H

#include "cluster/codec.h"
#include "store/env.h"

#define ROW_VERSION 1 /* of all tables so far */

/* Longest row: a message's fixed part with its cached structure. */
#define ROW_MAX (64 * 1024)

/*
 * What must hold of rows that were read. Where it does not, the rows are
 * damaged: the replica is parked, not the process ended. True if it holds.
 */
static inline bool row_want(struct store_txn *txn, bool holds)
{
	if (!holds)
		store_txn_fail(txn, ERR_CORRUPT);
	return holds;
}

/* Begins to decode a value; false: it is of another version. */
bool row_of_value(struct store_txn *txn, const struct store_value *value,
		  struct codec *codec_r);

/* Finds a row and begins to decode it; false: absent. */
bool row_find(struct store_txn *txn, unsigned table, struct slice key,
	      struct codec *codec_r);

/* Ends it; false: damaged, and the transaction has failed. */
bool row_end(struct store_txn *txn, struct codec *codec);

/* Begins to encode a row in `scratch`, which is cleared. */
struct codec row_begin(struct buf *scratch);

/* Ends it and stores the row; a field above its limit is a bug of ours. */
void row_put(struct store_txn *txn, unsigned table, struct slice key,
	     struct codec *codec);

#endif
