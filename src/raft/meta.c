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
