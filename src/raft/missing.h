/*
 * Bodies that this replica's state names and its node has not got: how far the
 * replica could stand in for one that burns (F4, architecture.md 4 "Bodies").
 *
 * A row is {hash -> index that first named it}; 0 after an import, when nobody
 * knows. It goes when the body has come, when no row of the machine names it
 * any more, or when the group has agreed that it is lost. The frontier is the
 * index before the lowest; never derived from the machine's rows: COPY and
 * EXPUNGE would jump over a body that is not there (twin `frontier_of_rows`).
 *
 * The table is this replica's own: no part of the state that replicas compare.
 * Which bodies are lost is one, and stands in META.
 *
 * "Model step" is a step of test/model/bodies.c: change it there first.
 */
#ifndef RAFT_MISSING_H
#define RAFT_MISSING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "store/env.h"

/* No body is missing. */
#define MISSING_NONE UINT64_MAX

/* Rows of one slice of missing_list. */
#define MISSING_LIST_MAX 256

struct missing_body {
	struct sha256 hash;
	uint64_t index; /* that first named it; 0: unknown */
};

/* ---- on the applier, in its transaction ---- */

/* Entry `index` has brought this body into the group; is it here? */
void missing_named(struct store_txn *txn, const struct sha256 *hash,
		   uint64_t index, bool here);

/* The state that was imported names it, and it is not here. */
void missing_imported(struct store_txn *txn, const struct sha256 *hash);

/* It is here now, or no row of a state up to `index` names it. */
void missing_came(struct store_txn *txn, const struct sha256 *hash);
void missing_unnamed(struct store_txn *txn, const struct sha256 *hash,
		     uint64_t index);

/* Nobody has it: rows up to `index` hold no frontier back (model step B13). */
void missing_lost(struct store_txn *txn, const struct sha256 *hash,
		  uint64_t index);

/* Forgets all rows: the table came from another replica. In slices. */
bool missing_clear(struct store_txn *txn, unsigned rows);

/* ---- asking; any transaction ---- */

uint64_t missing_count(struct store_txn *txn);

/* Lowest index that a missing body was named by; MISSING_NONE. */
uint64_t missing_lowest(struct store_txn *txn);

/* Model step B12: of a replica that has applied `applied`. */
static inline uint64_t missing_frontier(uint64_t lowest, uint64_t applied)
{
	if (lowest > applied)
		return applied;
	return lowest == 0 ? 0 : lowest - 1;
}

/*
 * Rows in the order of their index, from behind `*after` on (zeroed: from the
 * beginning); moves it. Returns how many, at most `max`.
 */
unsigned missing_list(struct store_txn *txn, struct missing_body *after,
		      struct missing_body *list, unsigned max);

/* ---- body of the command LOST ---- */

struct missing_lost_command {
	struct sha256 hash;
	uint64_t index;
};

void missing_lost_body(const struct missing_lost_command *lost,
		       struct buf *out);

/* ERR_SYNTAX. */
must_use enum err missing_lost_decode(struct slice body,
				      struct missing_lost_command *lost_r);

#endif
