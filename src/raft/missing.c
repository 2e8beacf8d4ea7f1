/*
 * The table of missing bodies (missing.h): part of apply.
 *
 * Each missing body has two rows, because it is looked for by hash and the
 * lowest index is asked for all the time: {1, hash} -> index, and {2, index,
 * hash} -> nothing.
 */
#include "raft/missing.h"

#include "base/pack.h"
#include "base/panic.h"
#include "raft/fsm.h"
#include "raft/meta.h"

#define MISSING_VERSION 1

enum missing_order {
	BY_HASH = 1,
	BY_INDEX = 2,
};

static struct slice hash_slice(const struct sha256 *hash)
{
	return slice_of(hash->octets, SHA256_SIZE);
}

static void key_by_hash(struct store_key *key, const struct sha256 *hash)
{
	store_key_init(key);
	store_key_u8(key, BY_HASH);
	store_key_raw(key, hash_slice(hash));
}

static void key_by_index(struct store_key *key, const struct missing_body *body)
{
	store_key_init(key);
	store_key_u8(key, BY_INDEX);
	store_key_u64(key, body->index);
	store_key_raw(key, hash_slice(&body->hash));
}

/* ---- rows ---- */

static bool row_get(struct store_txn *txn, const struct sha256 *hash,
		    uint64_t *index_r)
{
	struct store_value value;
	struct store_key key;
	struct unpack in;

	key_by_hash(&key, hash);
	if (!store_get(txn, REPLICA_TABLE_MISSING, store_key_slice(&key),
		       &value))
		return false;
	in = unpack_of(value.fields);
	*index_r = unpack_u64(&in);
	if (value.version == MISSING_VERSION && unpack_end(&in))
		return true;
	store_txn_fail(txn, ERR_CORRUPT);
	return false;
}

static void row_put(struct store_txn *txn, const struct sha256 *hash,
		    uint64_t index)
{
	const struct missing_body body = { *hash, index };
	struct store_key key;
	struct buf fields = { 0 };

	pack_u64(&fields, index);
	key_by_hash(&key, hash);
	store_put(txn, REPLICA_TABLE_MISSING, store_key_slice(&key),
		  MISSING_VERSION, buf_slice(&fields));
	key_by_index(&key, &body);
	store_put(txn, REPLICA_TABLE_MISSING, store_key_slice(&key),
		  MISSING_VERSION, SLICE_NONE);
	buf_fini(&fields);
}

static void row_del(struct store_txn *txn, const struct sha256 *hash,
		    uint64_t index)
{
	const struct missing_body body = { *hash, index };
	struct store_key key;

	key_by_hash(&key, hash);
	store_del(txn, REPLICA_TABLE_MISSING, store_key_slice(&key));
	key_by_index(&key, &body);
	store_del(txn, REPLICA_TABLE_MISSING, store_key_slice(&key));
}

/* ---- apply ---- */

void missing_named(struct store_txn *txn, const struct sha256 *hash,
		   uint64_t index, bool here)
{
	uint64_t first;

	/* Whoever brings it now has it: it is lost no more. */
	meta_del_lost(txn, hash);
	if (!here && !row_get(txn, hash, &first))
		row_put(txn, hash, index);
}

void missing_imported(struct store_txn *txn, const struct sha256 *hash)
{
	uint64_t first;

	if (!meta_is_lost(txn, hash) && !row_get(txn, hash, &first))
		row_put(txn, hash, 0);
}

void missing_came(struct store_txn *txn, const struct sha256 *hash)
{
	missing_unnamed(txn, hash, UINT64_MAX);
}

void missing_unnamed(struct store_txn *txn, const struct sha256 *hash,
		     uint64_t index)
{
	uint64_t first;

	if (row_get(txn, hash, &first) && first <= index)
		row_del(txn, hash, first);
}

void missing_lost(struct store_txn *txn, const struct sha256 *hash,
		  uint64_t index)
{
	meta_put_lost(txn, hash, index);
	missing_unnamed(txn, hash, index);
}

bool missing_clear(struct store_txn *txn, unsigned rows)
{
	struct store_cursor cursor;

	store_cursor_init(&cursor, txn, REPLICA_TABLE_MISSING);
	while (rows > 0 && store_cursor_seek(&cursor, SLICE_NONE)) {
		store_cursor_del(&cursor);
		rows--;
	}
	store_cursor_fini(&cursor);
	return rows == 0; /* there may be more */
}

/* ---- asking ---- */

uint64_t missing_count(struct store_txn *txn)
{
	return store_count(txn, REPLICA_TABLE_MISSING) / 2;
}

/* The row of the cursor; false: it stands on none of that order. */
static bool take_by_index(const struct store_cursor *cursor,
			  struct missing_body *body_r)
{
	struct slice key = cursor->key;
	uint8_t order;

	if (!cursor->valid || !store_key_take_u8(&key, &order) ||
	    order != BY_INDEX || !store_key_take_u64(&key, &body_r->index) ||
	    key.len != SHA256_SIZE)
		return false;
	memcpy(body_r->hash.octets, key.data, SHA256_SIZE);
	return true;
}

unsigned missing_list(struct store_txn *txn, struct missing_body *after,
		      struct missing_body *list, unsigned max)
{
	struct store_cursor cursor;
	struct store_key key;
	unsigned count = 0;
	bool more;

	key_by_index(&key, after);
	store_cursor_init(&cursor, txn, REPLICA_TABLE_MISSING);
	more = store_cursor_seek(&cursor, store_key_slice(&key));
	if (more && slice_eq(cursor.key, store_key_slice(&key)))
		more = store_cursor_next(&cursor);
	while (more && count < max && take_by_index(&cursor, &list[count])) {
		count++;
		more = store_cursor_next(&cursor);
	}
	store_cursor_fini(&cursor);
	if (count > 0)
		*after = list[count - 1];
	return count;
}

uint64_t missing_lowest(struct store_txn *txn)
{
	struct missing_body after = { 0 };
	struct missing_body first;

	if (missing_list(txn, &after, &first, 1) == 0)
		return MISSING_NONE;
	return first.index;
}

/* ---- LOST ---- */

void missing_lost_body(const struct missing_lost_command *lost, struct buf *out)
{
	pack_bytes(out, hash_slice(&lost->hash));
	pack_u64(out, lost->index);
}

enum err missing_lost_decode(struct slice body,
			     struct missing_lost_command *lost_r)
{
	struct unpack in = unpack_of(body);
	struct slice hash = unpack_bytes(&in, SHA256_SIZE);

	lost_r->index = unpack_u64(&in);
	if (!unpack_end(&in) || hash.len != SHA256_SIZE)
		return ERR_SYNTAX;
	memcpy(lost_r->hash.octets, hash.data, SHA256_SIZE);
	return ERR_NONE;
}
