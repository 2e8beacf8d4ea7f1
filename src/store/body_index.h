/*
 * The index of bodies: where each stands, who holds it, what each segment has.
 * A cache: the segments are the truth, and the index is made again from them.
 *
 *   body     SHA-256 -> place, damaged
 *   hold     SHA-256, hold -> nothing
 *   segment  number -> read so far, live octets, closed
 */
#ifndef STORE_BODY_INDEX_H
#define STORE_BODY_INDEX_H

#include "store/body_record.h"
#include "store/env.h"

enum body_table {
	BODY_TABLE_BODY,
	BODY_TABLE_HOLD,
	BODY_TABLE_SEGMENT,
	BODY_TABLE_COUNT,
};

extern const char *const body_table_names[BODY_TABLE_COUNT];

struct body_place {
	uint64_t segment;
	uint64_t offset; /* of the record's header */
	uint64_t stored;
	uint64_t length;
	uint8_t codec;
	bool damaged; /* forgotten: nobody is told that it is here */
};

/* What is known of a segment. */
struct body_segment_row {
	uint64_t end;  /* everything before is in the index */
	uint64_t live; /* octets of records that the index points to */
	bool closed;   /* nothing comes behind `end` */
};

static inline struct body_place body_place_of(const struct body_record *record)
{
	return (struct body_place){
		.segment = record->segment,
		.offset = record->offset,
		.stored = record->stored,
		.length = record->length,
		.codec = record->codec,
	};
}

static inline bool body_place_eq(const struct body_place *a,
				 const struct body_place *b)
{
	return a->segment == b->segment && a->offset == b->offset;
}

/* ---- reading: false: absent, or the transaction has failed ---- */

/* False: the index does not know it (or the transaction has failed). */
bool body_index_find(struct store_txn *txn, const struct sha256 *hash,
		     struct body_place *place_r);
bool body_index_segment(struct store_txn *txn, uint64_t segment,
			struct body_segment_row *row_r);
bool body_index_has_hold(struct store_txn *txn, const struct sha256 *hash,
			 const struct body_hold *hold);

/* The key of a row at a cursor, and its fields. */
must_use bool body_index_body_row(const struct store_cursor *cursor,
				  struct sha256 *hash_r,
				  struct body_place *place_r);
must_use bool body_index_hold_row(const struct store_cursor *cursor,
				  struct sha256 *hash_r,
				  struct body_hold *hold_r);
must_use bool body_index_segment_row(const struct store_cursor *cursor,
				     uint64_t *segment_r,
				     struct body_segment_row *row_r);

/* Where the rows of a body, a hold, a segment stand. */
void body_index_body_key(struct store_key *key, const struct sha256 *hash);
void body_index_hold_key(struct store_key *key, const struct sha256 *hash,
			 const struct body_hold *hold);
void body_index_segment_key(struct store_key *key, uint64_t segment);

/* ---- writing ---- */

/* Sums over all segments. */
struct body_totals {
	uint64_t bodies;
	uint64_t holds;
	uint64_t segments;
	uint64_t live;
	uint64_t octets; /* sum of all `end` */
};

/*
 * A write transaction that keeps the rows of segments and the sums over them
 * right. Errors stick to `txn`; body_index_commit gives them.
 */
struct body_index_write {
	struct store_txn *txn;
	struct body_totals totals;
	uint64_t segment; /* whose row is `row` */
	struct body_segment_row row;
	struct body_segment_row before; /* as it stands in the table */
	bool loaded;
	bool existed;
};

/* `totals` are those of the last commit. */
must_use enum err body_index_begin(struct store_env *env,
				   const struct body_totals *totals,
				   struct body_index_write *write_r);

/* Sets `*totals` after a commit, and leaves them alone after a failure. */
must_use enum err body_index_commit(struct body_index_write *write,
				    struct body_totals *totals);

/*
 * The body stands at `place` now, wherever it stood; or it was found damaged
 * there, which says nothing of another place.
 */
void body_index_put(struct body_index_write *write, const struct sha256 *hash,
		    const struct body_place *place);

/* The body is not here any more. */
void body_index_drop(struct body_index_write *write, const struct sha256 *hash);

void body_index_put_hold(struct body_index_write *write,
			 const struct sha256 *hash,
			 const struct body_hold *hold);
void body_index_drop_hold(struct body_index_write *write,
			  const struct sha256 *hash,
			  const struct body_hold *hold);

/* Everything before `end` was told; `closed` is never taken back. */
void body_index_note(struct body_index_write *write, uint64_t segment,
		     uint64_t end, bool closed);

/* Octets that live in the segment, as of this transaction. */
uint64_t body_index_live(struct body_index_write *write, uint64_t segment);

/* Nothing lives in it; its file goes next. */
void body_index_drop_segment(struct body_index_write *write, uint64_t segment);

/* Walks the segments and counts the rest. ERR_CORRUPT, ERR_BUSY, ERR_IO. */
must_use enum err body_index_totals(struct store_env *env,
				    struct body_totals *totals_r);

#endif
