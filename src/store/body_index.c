/*
 * Rows of the index.
 *
 * The happy path of a write: the rows of bodies are put in the order of their
 * hashes, and the row of the segment that they live in is kept aside until
 * another one is touched, since a batch lives in one segment or two.
 */
#include "store/body_index.h"

#include "base/pack.h"
#include "base/panic.h"

#define ROW_VERSION 1

const char *const body_table_names[BODY_TABLE_COUNT] = {
	[BODY_TABLE_BODY] = "body",
	[BODY_TABLE_HOLD] = "hold",
	[BODY_TABLE_SEGMENT] = "segment",
};

/* ---- keys and fields ---- */

void body_index_body_key(struct store_key *key, const struct sha256 *hash)
{
	store_key_init(key);
	store_key_raw(key, slice_of(hash->octets, SHA256_SIZE));
}

void body_index_hold_key(struct store_key *key, const struct sha256 *hash,
			 const struct body_hold *hold)
{
	body_index_body_key(key, hash);
	store_key_u32(key, hold->group);
	store_key_u64(key, hold->proposer);
	store_key_u32(key, hold->slot);
	store_key_u64(key, hold->turn);
}

void body_index_segment_key(struct store_key *key, uint64_t segment)
{
	store_key_init(key);
	store_key_u64(key, segment);
}

static bool key_take_hash(struct slice *key, struct sha256 *hash_r)
{
	if (key->len < SHA256_SIZE)
		return false;
	memcpy(hash_r->octets, key->data, SHA256_SIZE);
	*key = slice_from(*key, SHA256_SIZE);
	return true;
}

static void place_pack(const struct body_place *place, struct buf *out)
{
	pack_u64(out, place->segment);
	pack_u64(out, place->offset);
	pack_var(out, place->stored);
	pack_var(out, place->length);
	pack_u8(out, place->codec);
	pack_u8(out, place->damaged);
}

static bool place_unpack(const struct store_value *value,
			 struct body_place *place_r)
{
	struct unpack in = unpack_of(value->fields);

	place_r->segment = unpack_u64(&in);
	place_r->offset = unpack_u64(&in);
	place_r->stored = unpack_var(&in, BODY_MAX);
	place_r->length = unpack_var(&in, BODY_MAX);
	place_r->codec = unpack_u8(&in);
	place_r->damaged = unpack_u8(&in) != 0;
	return value->version == ROW_VERSION && unpack_end(&in);
}

static void segment_pack(const struct body_segment_row *row, struct buf *out)
{
	pack_u64(out, row->end);
	pack_u64(out, row->live);
	pack_u8(out, row->closed);
}

static bool segment_unpack(const struct store_value *value,
			   struct body_segment_row *row_r)
{
	struct unpack in = unpack_of(value->fields);

	row_r->end = unpack_u64(&in);
	row_r->live = unpack_u64(&in);
	row_r->closed = unpack_u8(&in) != 0;
	return value->version == ROW_VERSION && unpack_end(&in);
}

/* ---- reading ---- */

/* A row that its checksum calls whole and we cannot read: damage as well. */
static bool row_ok(struct store_txn *txn, bool ok)
{
	if (!ok)
		store_txn_fail(txn, ERR_CORRUPT);
	return ok;
}

bool body_index_find(struct store_txn *txn, const struct sha256 *hash,
		     struct body_place *place_r)
{
	struct store_value value;
	struct store_key key;

	body_index_body_key(&key, hash);
	return store_get(txn, BODY_TABLE_BODY, store_key_slice(&key), &value) &&
	       row_ok(txn, place_unpack(&value, place_r));
}

bool body_index_segment(struct store_txn *txn, uint64_t segment,
			struct body_segment_row *row_r)
{
	struct store_value value;
	struct store_key key;

	body_index_segment_key(&key, segment);
	return store_get(txn, BODY_TABLE_SEGMENT, store_key_slice(&key),
			 &value) &&
	       row_ok(txn, segment_unpack(&value, row_r));
}

bool body_index_has_hold(struct store_txn *txn, const struct sha256 *hash,
			 const struct body_hold *hold)
{
	struct store_value value;
	struct store_key key;

	body_index_hold_key(&key, hash, hold);
	return store_get(txn, BODY_TABLE_HOLD, store_key_slice(&key), &value);
}

bool body_index_body_row(const struct store_cursor *cursor,
			 struct sha256 *hash_r, struct body_place *place_r)
{
	struct slice key = cursor->key;

	return row_ok(cursor->txn,
		      key_take_hash(&key, hash_r) &&
			      place_unpack(&cursor->value, place_r));
}

bool body_index_hold_row(const struct store_cursor *cursor,
			 struct sha256 *hash_r, struct body_hold *hold_r)
{
	struct slice key = cursor->key;

	return row_ok(cursor->txn,
		      key_take_hash(&key, hash_r) &&
			      store_key_take_u32(&key, &hold_r->group) &&
			      store_key_take_u64(&key, &hold_r->proposer) &&
			      store_key_take_u32(&key, &hold_r->slot) &&
			      store_key_take_u64(&key, &hold_r->turn));
}

bool body_index_segment_row(const struct store_cursor *cursor,
			    uint64_t *segment_r, struct body_segment_row *row_r)
{
	struct slice key = cursor->key;

	return row_ok(cursor->txn,
		      store_key_take_u64(&key, segment_r) &&
			      segment_unpack(&cursor->value, row_r));
}

/* ---- writing ---- */

static void put_row(struct store_txn *txn, unsigned table,
		    const struct store_key *key, struct buf *fields)
{
	store_put(txn, table, store_key_slice(key), ROW_VERSION,
		  buf_slice(fields));
	buf_fini(fields);
}

enum err body_index_begin(struct store_env *env,
			  const struct body_totals *totals,
			  struct body_index_write *write_r)
{
	*write_r = (struct body_index_write){ .totals = *totals };
	return store_write_begin(env, &write_r->txn);
}

static void segment_save(struct body_index_write *write)
{
	struct buf fields = { 0 };
	struct store_key key;

	if (!write->loaded)
		return;
	write->loaded = false;
	write->totals.live += write->row.live - write->before.live;
	write->totals.octets += write->row.end - write->before.end;
	write->totals.segments += write->existed ? 0 : 1;
	body_index_segment_key(&key, write->segment);
	segment_pack(&write->row, &fields);
	put_row(write->txn, BODY_TABLE_SEGMENT, &key, &fields);
}

static struct body_segment_row *segment_load(struct body_index_write *write,
					     uint64_t segment)
{
	if (write->loaded && write->segment == segment)
		return &write->row;
	segment_save(write);
	write->segment = segment;
	write->existed = body_index_segment(write->txn, segment, &write->row);
	if (!write->existed)
		write->row = (struct body_segment_row){ 0 };
	write->before = write->row;
	write->loaded = true;
	return &write->row;
}

enum err body_index_commit(struct body_index_write *write,
			   struct body_totals *totals)
{
	enum err err;

	segment_save(write);
	write->totals.bodies = store_count(write->txn, BODY_TABLE_BODY);
	write->totals.holds = store_count(write->txn, BODY_TABLE_HOLD);
	err = store_commit(&write->txn);
	if (err == ERR_NONE)
		*totals = write->totals;
	return err;
}

/* A row that goes away takes its octets from its segment. */
static void live_take(struct body_index_write *write,
		      const struct body_place *place)
{
	uint64_t size = body_record_size(place->stored);
	struct body_segment_row *row;

	if (place->damaged)
		return; /* taken when the damage was found */
	row = segment_load(write, place->segment);
	row->live -= row->live < size ? row->live : size;
}

void body_index_put(struct body_index_write *write, const struct sha256 *hash,
		    const struct body_place *place)
{
	struct body_place old;
	struct buf fields = { 0 };
	struct store_key key;

	if (body_index_find(write->txn, hash, &old)) {
		/* Found damaged at a place that it has left since. */
		if (place->damaged && !body_place_eq(&old, place))
			return;
		live_take(write, &old);
	}
	body_index_body_key(&key, hash);
	place_pack(place, &fields);
	put_row(write->txn, BODY_TABLE_BODY, &key, &fields);
	if (!place->damaged)
		segment_load(write, place->segment)->live +=
			body_record_size(place->stored);
}

void body_index_drop(struct body_index_write *write, const struct sha256 *hash)
{
	struct body_place old;
	struct store_key key;

	if (!body_index_find(write->txn, hash, &old))
		return;
	live_take(write, &old);
	body_index_body_key(&key, hash);
	store_del(write->txn, BODY_TABLE_BODY, store_key_slice(&key));
}

void body_index_put_hold(struct body_index_write *write,
			 const struct sha256 *hash,
			 const struct body_hold *hold)
{
	struct buf fields = { 0 };
	struct store_key key;

	body_index_hold_key(&key, hash, hold);
	put_row(write->txn, BODY_TABLE_HOLD, &key, &fields);
}

void body_index_drop_hold(struct body_index_write *write,
			  const struct sha256 *hash,
			  const struct body_hold *hold)
{
	struct store_key key;

	body_index_hold_key(&key, hash, hold);
	store_del(write->txn, BODY_TABLE_HOLD, store_key_slice(&key));
}

void body_index_note(struct body_index_write *write, uint64_t segment,
		     uint64_t end, bool closed)
{
	struct body_segment_row *row = segment_load(write, segment);

	if (row->end < end)
		row->end = end;
	row->closed |= closed;
}

uint64_t body_index_live(struct body_index_write *write, uint64_t segment)
{
	return segment_load(write, segment)->live;
}

void body_index_drop_segment(struct body_index_write *write, uint64_t segment)
{
	struct body_segment_row row;
	struct store_key key;

	segment_save(write);
	if (!body_index_segment(write->txn, segment, &row))
		return;
	write->totals.segments--;
	write->totals.live -= row.live;
	write->totals.octets -= row.end;
	body_index_segment_key(&key, segment);
	store_del(write->txn, BODY_TABLE_SEGMENT, store_key_slice(&key));
}

static void count_segments(struct store_txn *txn, struct body_totals *totals)
{
	struct body_segment_row row;
	struct store_cursor cursor;
	uint64_t segment;
	bool more;

	store_cursor_init(&cursor, txn, BODY_TABLE_SEGMENT);
	for (more = store_cursor_seek(&cursor, SLICE_NONE);
	     more && body_index_segment_row(&cursor, &segment, &row);
	     more = store_cursor_next(&cursor)) {
		totals->segments++;
		totals->live += row.live;
		totals->octets += row.end;
	}
	store_cursor_fini(&cursor);
}

enum err body_index_totals(struct store_env *env, struct body_totals *totals_r)
{
	struct store_txn *txn;
	enum err err = store_read_begin(env, &txn);

	*totals_r = (struct body_totals){ 0 };
	if (err != ERR_NONE)
		return err;
	totals_r->bodies = store_count(txn, BODY_TABLE_BODY);
	totals_r->holds = store_count(txn, BODY_TABLE_HOLD);
	count_segments(txn, totals_r);
	err = store_txn_error(txn);
	store_end(&txn);
	return err;
}
