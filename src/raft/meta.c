/*
 * Rows of the table META (meta.h).
 */
#include "raft/meta.h"

#include "base/buf.h"
#include "base/pack.h"
#include "raft/fsm.h"

#define META_VERSION 1

enum meta_row {
	META_APPLIED = 1,
	META_FEATURE_LEVEL = 2,
	META_LOST = 3, /* and the hash of a body: index */
};

static bool row_get(struct store_txn *txn, enum meta_row row,
		    struct unpack *in_r)
{
	struct store_value value;
	struct store_key key;

	store_key_init(&key);
	store_key_u8(&key, (uint8_t)row);
	if (!store_get(txn, REPLICA_TABLE_META, store_key_slice(&key), &value))
		return false;
	if (value.version != META_VERSION) {
		store_txn_fail(txn, ERR_VERSION);
		return false;
	}
	*in_r = unpack_of(value.fields);
	return true;
}

static void row_put(struct store_txn *txn, enum meta_row row,
		    const struct buf *fields)
{
	struct store_key key;

	store_key_init(&key);
	store_key_u8(&key, (uint8_t)row);
	store_put(txn, REPLICA_TABLE_META, store_key_slice(&key), META_VERSION,
		  buf_slice(fields));
}

void meta_get(struct store_txn *txn, struct meta *meta_r)
{
	struct unpack in;

	*meta_r = (struct meta){ 0 };
	if (!row_get(txn, META_APPLIED, &in))
		return;
	meta_r->applied_index = unpack_u64(&in);
	meta_r->applied_term = unpack_u64(&in);
	meta_r->import_pending = unpack_u64(&in);
	if (!unpack_end(&in))
		store_txn_fail(txn, ERR_CORRUPT);
}

void meta_put(struct store_txn *txn, const struct meta *meta)
{
	struct buf fields = { 0 };

	pack_u64(&fields, meta->applied_index);
	pack_u64(&fields, meta->applied_term);
	pack_u64(&fields, meta->import_pending);
	row_put(txn, META_APPLIED, &fields);
	buf_fini(&fields);
}

uint32_t meta_feature_level(struct store_txn *txn)
{
	struct unpack in;
	uint32_t level;

	if (!row_get(txn, META_FEATURE_LEVEL, &in))
		return 0;
	level = unpack_u32(&in);
	if (!unpack_end(&in))
		store_txn_fail(txn, ERR_CORRUPT);
	return level;
}

void meta_set_feature_level(struct store_txn *txn, uint32_t level)
{
	struct buf fields = { 0 };

	pack_u32(&fields, level);
	row_put(txn, META_FEATURE_LEVEL, &fields);
	buf_fini(&fields);
}

/* ---- lost bodies ---- */

static void lost_key(struct store_key *key, const struct sha256 *hash)
{
	store_key_init(key);
	store_key_u8(key, META_LOST);
	store_key_raw(key, slice_of(hash->octets, SHA256_SIZE));
}

void meta_put_lost(struct store_txn *txn, const struct sha256 *hash,
		   uint64_t index)
{
	struct store_key key;
	struct buf fields = { 0 };

	lost_key(&key, hash);
	pack_u64(&fields, index);
	store_put(txn, REPLICA_TABLE_META, store_key_slice(&key), META_VERSION,
		  buf_slice(&fields));
	buf_fini(&fields);
}

bool meta_is_lost(struct store_txn *txn, const struct sha256 *hash)
{
	struct store_value value;
	struct store_key key;

	lost_key(&key, hash);
	return store_get(txn, REPLICA_TABLE_META, store_key_slice(&key),
			 &value);
}

void meta_del_lost(struct store_txn *txn, const struct sha256 *hash)
{
	struct store_key key;

	lost_key(&key, hash);
	if (meta_is_lost(txn, hash))
		store_del(txn, REPLICA_TABLE_META, store_key_slice(&key));
}
