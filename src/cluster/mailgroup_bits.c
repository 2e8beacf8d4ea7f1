/*
 * Sets of UIDs as rows of bits.
 *
 * A row is read where it lies; to be changed it is copied, changed and written
 * back when another one is wanted. Failures: a row longer than a chunk is
 * damage and sticks to the transaction.
 */
#include "cluster/mailgroup_bits.h"

#include "base/panic.h"
#include "cluster/mailgroup_row.h"
#include "cluster/row.h"

struct mailgroup_bits_of mailgroup_bits_uids(uint64_t mailbox)
{
	return (struct mailgroup_bits_of){
		.table = MAILGROUP_TABLE_UIDS,
		.mailbox = mailbox,
	};
}

struct mailgroup_bits_of mailgroup_bits_seen(uint64_t mailbox, uint64_t user)
{
	return (struct mailgroup_bits_of){
		.table = MAILGROUP_TABLE_SEEN,
		.mailbox = mailbox,
		.user = user,
	};
}

/* The part of the key that all rows of the set have. */
static struct store_key prefix_of(const struct mailgroup_bits_of *of)
{
	struct store_key key = mailgroup_number_key(of->mailbox);

	if (of->table == MAILGROUP_TABLE_SEEN)
		store_key_u64(&key, of->user);
	return key;
}

static struct store_key key_of(const struct mailgroup_bits_of *of,
			       uint32_t chunk)
{
	struct store_key key = prefix_of(of);

	store_key_u32(&key, chunk);
	return key;
}

/* The bits of a value: all its fields. */
static struct slice bits_of_value(struct store_txn *txn,
				  const struct store_value *value)
{
	if (value->version == ROW_VERSION &&
	    value->fields.len <= MAILGROUP_CHUNK_OCTETS)
		return value->fields;
	store_txn_fail(txn, value->version == ROW_VERSION ? ERR_CORRUPT
							  : ERR_VERSION);
	return SLICE_NONE;
}

struct slice mailgroup_bits_get(struct store_txn *txn,
				const struct mailgroup_bits_of *of,
				uint32_t chunk)
{
	struct store_key key = key_of(of, chunk);
	struct store_value value;

	if (!store_get(txn, of->table, store_key_slice(&key), &value))
		return SLICE_NONE;
	return bits_of_value(txn, &value);
}

static unsigned ones(uint8_t octet)
{
	return (unsigned)__builtin_popcount(octet);
}

uint32_t mailgroup_bits_count(struct slice bits, uint32_t end)
{
	uint32_t whole = end / 8;
	uint32_t count = 0;

	MUST(end <= MAILGROUP_CHUNK);
	for (uint32_t i = 0; i < whole && i < bits.len; i++)
		count += ones(bits.data[i]);
	if (whole < bits.len)
		count += ones(
			(uint8_t)(bits.data[whole] & ((1u << end % 8) - 1)));
	return count;
}

/* ---- walking a set ---- */

/* Calls `each` for the rows from `chunk` on, until it gives false. */
static void each_row(struct store_txn *txn, const struct mailgroup_bits_of *of,
		     uint32_t chunk,
		     bool (*each)(void *arg, uint32_t chunk, struct slice bits),
		     void *arg)
{
	struct store_key prefix = prefix_of(of);
	struct store_key from = key_of(of, chunk);
	struct store_cursor cursor;
	bool on;

	store_cursor_init(&cursor, txn, of->table);
	on = store_cursor_seek(&cursor, store_key_slice(&from));
	while (on && store_cursor_in(&cursor, store_key_slice(&prefix))) {
		struct slice key = slice_from(cursor.key, prefix.len);

		if (!store_key_take_u32(&key, &chunk)) {
			store_txn_fail(txn, ERR_CORRUPT);
			break;
		}
		on = each(arg, chunk, bits_of_value(txn, &cursor.value)) &&
		     store_cursor_next(&cursor);
	}
	store_cursor_fini(&cursor);
}

struct collection {
	struct uidset *uids;
	uint32_t end;
};

/* Bits from `at` on that are equal to `bit`, up to `end`. */
static uint32_t run_end(struct slice bits, uint32_t at, uint32_t end, bool bit)
{
	uint8_t full = bit ? 0xff : 0;

	while (at < end) {
		if (at % 8 == 0 && at + 8 <= end && bits.data[at / 8] == full)
			at += 8;
		else if (mailgroup_bit(bits, at) == bit)
			at++;
		else
			break;
	}
	return at;
}

static bool collect_row(void *arg, uint32_t chunk, struct slice bits)
{
	struct collection *c = arg;
	uint64_t base = (uint64_t)chunk * MAILGROUP_CHUNK;
	uint32_t end = (uint32_t)bits.len * 8;
	uint32_t at = 0;

	if (base >= c->end)
		return false;
	if (base + end > c->end)
		end = (uint32_t)(c->end - base);
	while ((at = run_end(bits, at, end, false)) < end) {
		uint32_t next = run_end(bits, at, end, true);

		uidset_add(c->uids, (uint32_t)base + at,
			   (uint32_t)base + next - 1);
		at = next;
	}
	return true;
}

void mailgroup_bits_add_to(struct store_txn *txn,
			   const struct mailgroup_bits_of *of, uint32_t end,
			   struct uidset *uids)
{
	struct collection c = { uids, end };

	each_row(txn, of, 0, collect_row, &c);
}

struct tally {
	uint32_t end;
	uint32_t count;
};

static bool tally_row(void *arg, uint32_t chunk, struct slice bits)
{
	struct tally *t = arg;
	uint64_t base = (uint64_t)chunk * MAILGROUP_CHUNK;

	if (base >= t->end)
		return false;
	t->count +=
		mailgroup_bits_count(bits, t->end - base < MAILGROUP_CHUNK
						   ? (uint32_t)(t->end - base)
						   : MAILGROUP_CHUNK);
	return true;
}

uint32_t mailgroup_bits_between(struct store_txn *txn,
				const struct mailgroup_bits_of *of,
				uint32_t first, uint32_t end)
{
	struct tally t = { .end = end };

	MUST(first % MAILGROUP_CHUNK == 0);
	each_row(txn, of, first / MAILGROUP_CHUNK, tally_row, &t);
	return t.count;
}

/* ---- changing a set ---- */

void mailgroup_bits_init(struct mailgroup_bits *bits, struct store_txn *txn,
			 struct mailgroup_bits_of of)
{
	bits->txn = txn;
	bits->of = of;
	bits->loaded = false;
	bits->dirty = false;
	bits->chunk = 0;
}

void mailgroup_bits_flush(struct mailgroup_bits *bits)
{
	struct store_key key;
	size_t len = MAILGROUP_CHUNK_OCTETS;

	if (!bits->dirty)
		return;
	bits->dirty = false;
	key = key_of(&bits->of, bits->chunk);
	while (len > 0 && bits->octets[len - 1] == 0)
		len--;
	if (len > 0)
		store_put(bits->txn, bits->of.table, store_key_slice(&key),
			  ROW_VERSION, slice_of(bits->octets, len));
	else
		store_del(bits->txn, bits->of.table, store_key_slice(&key));
}

static void load(struct mailgroup_bits *bits, uint32_t uid)
{
	uint32_t chunk = uid / MAILGROUP_CHUNK;
	struct slice row;

	if (bits->loaded && bits->chunk == chunk)
		return;
	mailgroup_bits_flush(bits);
	row = mailgroup_bits_get(bits->txn, &bits->of, chunk);
	memset(bits->octets, 0, sizeof(bits->octets));
	if (row.len > 0)
		memcpy(bits->octets, row.data, row.len);
	bits->chunk = chunk;
	bits->loaded = true;
}

bool mailgroup_bits_has(struct mailgroup_bits *bits, uint32_t uid)
{
	load(bits, uid);
	return mailgroup_bit(slice_of(bits->octets, sizeof(bits->octets)), uid);
}

static bool change(struct mailgroup_bits *bits, uint32_t uid, bool set)
{
	uint32_t at = uid % MAILGROUP_CHUNK;
	bool before = mailgroup_bits_has(bits, uid);

	if (before != set) {
		bits->octets[at / 8] ^= (uint8_t)(1u << (at % 8));
		bits->dirty = true;
	}
	return before;
}

bool mailgroup_bits_set(struct mailgroup_bits *bits, uint32_t uid)
{
	return change(bits, uid, true);
}

bool mailgroup_bits_clear(struct mailgroup_bits *bits, uint32_t uid)
{
	return change(bits, uid, false);
}
