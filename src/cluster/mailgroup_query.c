/*
 * Questions about a mail group.
 *
 * Nothing at or above UIDNEXT, or above HIGHESTMODSEQ, is seen by any of them:
 * that is where a COPY in the making has its rows. Failures: what cannot be
 * read ends the answer, and the transaction knows why.
 */
#include "cluster/mailgroup.h"

#include <stdlib.h>

#include "cluster/mailgroup_bits.h"
#include "cluster/mailgroup_row.h"
#include "cluster/row.h"

/* ---- STATUS, SELECT ---- */

void mailgroup_status_get(struct store_txn *txn, uint64_t mailbox,
			  uint64_t user, struct mailgroup_status *status_r)
{
	struct mailgroup_mailbox row;
	struct mailgroup_sealed sealed;
	uint32_t seen;

	(void)mailgroup_mailbox_get(txn, mailbox, &row);
	seen = mailgroup_seen_count_get(txn, mailbox, user);
	row_want(txn, seen <= row.exists);
	*status_r = (struct mailgroup_status){
		.exists = row.exists,
		.unseen = seen <= row.exists ? row.exists - seen : 0,
		.deleted = row.deleted,
		.uidnext = row.uidnext,
		.highestmodseq = row.highestmodseq,
		.size = row.size,
		.deleted_size = row.deleted_size,
		.sealed = mailgroup_sealed_get(txn, mailbox, &sealed),
	};
}

void mailgroup_uids(struct store_txn *txn, uint64_t mailbox,
		    struct uidset *uids_r)
{
	struct mailgroup_bits_of of = mailgroup_bits_uids(mailbox);
	struct mailgroup_mailbox row;

	(void)mailgroup_mailbox_get(txn, mailbox, &row);
	mailgroup_bits_add_to(txn, &of, row.uidnext, uids_r);
}

void mailgroup_seen(struct store_txn *txn, uint64_t mailbox, uint64_t user,
		    struct uidset *uids_r)
{
	struct mailgroup_bits_of of = mailgroup_bits_seen(mailbox, user);
	struct mailgroup_mailbox row;

	(void)mailgroup_mailbox_get(txn, mailbox, &row);
	mailgroup_bits_add_to(txn, &of, row.uidnext, uids_r);
}

/* The lowest UID of a chunk that exists and was not seen; 0: none. */
static uint32_t chunk_first_unseen(uint32_t chunk, struct slice uids,
				   struct slice seen)
{
	for (uint32_t i = 0; i < uids.len; i++) {
		unsigned known = i < seen.len ? seen.data[i] : 0;
		unsigned left = uids.data[i] & ~known;

		if (left != 0)
			return chunk * MAILGROUP_CHUNK + i * 8 +
			       (uint32_t)__builtin_ctz(left);
	}
	return 0;
}

uint32_t mailgroup_first_unseen(struct store_txn *txn, uint64_t mailbox,
				uint64_t user)
{
	struct mailgroup_bits_of seen = mailgroup_bits_seen(mailbox, user);
	struct store_key prefix = mailgroup_number_key(mailbox);
	struct mailgroup_mailbox row;
	struct store_cursor cursor;
	uint32_t uid = 0;
	bool on;

	(void)mailgroup_mailbox_get(txn, mailbox, &row);
	store_cursor_init(&cursor, txn, MAILGROUP_TABLE_UIDS);
	on = store_cursor_seek(&cursor, store_key_slice(&prefix));
	while (on && uid == 0 &&
	       store_cursor_in(&cursor, store_key_slice(&prefix))) {
		struct slice key = slice_from(cursor.key, prefix.len);
		uint32_t chunk = 0;

		row_want(txn, store_key_take_u32(&key, &chunk));
		uid = chunk_first_unseen(chunk, cursor.value.fields,
					 mailgroup_bits_get(txn, &seen, chunk));
		on = store_cursor_next(&cursor);
	}
	store_cursor_fini(&cursor);
	return uid < row.uidnext ? uid : 0;
}

/* ---- messages ---- */

static void fill_state(struct mailgroup_row *row,
		       const struct mailgroup_state *state, bool seen)
{
	row->modseq = state->modseq;
	row->flags = (uint8_t)(state->flags | (seen ? MAILGROUP_SEEN : 0));
	row->keywords = state->keywords;
}

static void fill_fixed(struct mailgroup_row *row,
		       const struct mailgroup_fixed *fixed)
{
	row->date_s = fixed->date_s;
	row->zone_min = fixed->zone_min;
	row->saved_ms = fixed->saved_ms;
	row->size = fixed->size;
	row->hash = fixed->hash;
	row->structure = fixed->structure;
}

bool mailgroup_row_find(struct store_txn *txn, uint64_t mailbox, uint64_t user,
			uint32_t uid, unsigned parts,
			struct mailgroup_row *row_r)
{
	struct mailgroup_walk walk;
	bool found;

	mailgroup_walk_begin(&walk, txn, mailbox, user, uid, uid, parts);
	found = mailgroup_walk_next(&walk, row_r);
	mailgroup_walk_end(&walk);
	return found;
}

void mailgroup_walk_begin(struct mailgroup_walk *walk, struct store_txn *txn,
			  uint64_t mailbox, uint64_t user, uint32_t first,
			  uint32_t last, unsigned parts)
{
	struct store_key key = mailgroup_message_key(mailbox, first);
	struct mailgroup_mailbox row;

	(void)mailgroup_mailbox_get(txn, mailbox, &row);
	*walk = (struct mailgroup_walk){
		.txn = txn,
		.mailbox = mailbox,
		.user = user,
		.last = last < row.uidnext ? last : row.uidnext - 1,
		.parts = parts,
		.seen_chunk = UINT32_MAX,
	};
	store_cursor_init(&walk->state, txn, MAILGROUP_TABLE_STATE);
	store_cursor_init(&walk->fixed, txn, MAILGROUP_TABLE_FIXED);
	if ((parts & MAILGROUP_STATE) != 0)
		store_cursor_seek(&walk->state, store_key_slice(&key));
	if ((parts & MAILGROUP_FIXED) != 0)
		store_cursor_seek(&walk->fixed, store_key_slice(&key));
}

void mailgroup_walk_end(struct mailgroup_walk *walk)
{
	store_cursor_fini(&walk->state);
	store_cursor_fini(&walk->fixed);
}

static bool walk_seen(struct mailgroup_walk *walk, uint32_t uid)
{
	uint32_t chunk = uid / MAILGROUP_CHUNK;

	if (walk->seen_chunk != chunk) {
		struct mailgroup_bits_of of =
			mailgroup_bits_seen(walk->mailbox, walk->user);

		walk->seen = mailgroup_bits_get(walk->txn, &of, chunk);
		walk->seen_chunk = chunk;
	}
	return mailgroup_bit(walk->seen, uid);
}

/* The UID under a cursor; false: it is past the end of the walk. */
static bool walk_uid(struct mailgroup_walk *walk,
		     const struct store_cursor *cursor, uint32_t *uid_r)
{
	uint64_t mailbox;

	return cursor->valid &&
	       mailgroup_take_message_key(walk->txn, cursor->key, &mailbox,
					  uid_r) &&
	       mailbox == walk->mailbox && *uid_r <= walk->last;
}

static bool walk_state(struct mailgroup_walk *walk, struct mailgroup_row *row_r)
{
	struct mailgroup_state state;

	if (!walk_uid(walk, &walk->state, &row_r->uid) ||
	    !mailgroup_state_of_value(walk->txn, &walk->state.value, &state))
		return false;
	fill_state(row_r, &state, walk_seen(walk, row_r->uid));
	store_cursor_next(&walk->state);
	return true;
}

static bool walk_fixed(struct mailgroup_walk *walk, struct mailgroup_row *row_r)
{
	struct mailgroup_fixed fixed;

	if (!walk_uid(walk, &walk->fixed, &row_r->uid) ||
	    !mailgroup_fixed_of_value(walk->txn, &walk->fixed.value, &fixed))
		return false;
	fill_fixed(row_r, &fixed);
	store_cursor_next(&walk->fixed);
	return true;
}

bool mailgroup_walk_next(struct mailgroup_walk *walk,
			 struct mailgroup_row *row_r)
{
	bool state = (walk->parts & MAILGROUP_STATE) != 0;
	bool fixed = (walk->parts & MAILGROUP_FIXED) != 0;
	uint32_t uid;

	memset(row_r, 0, sizeof(*row_r));
	if (state && !walk_state(walk, row_r))
		return false;
	if (!fixed)
		return state;
	uid = row_r->uid;
	if (!walk_fixed(walk, row_r))
		return state && row_want(walk->txn, false);
	/* Both tables have the same messages. */
	return !state || row_want(walk->txn, row_r->uid == uid);
}

/* ---- CONDSTORE and QRESYNC ---- */

static int by_first(const void *a, const void *b)
{
	const struct uid_range *left = a;
	const struct uid_range *right = b;

	return (left->first > right->first) - (left->first < right->first);
}

/*
 * Adds ranges that were collected in any order: sorted first, because a set
 * grows in constant time only at its end.
 */
static void add_ranges(struct buf *ranges, struct uidset *uids_r)
{
	size_t count = ranges->len / sizeof(struct uid_range);
	struct uid_range range;

	if (count == 0)
		return;
	qsort(ranges->data, count, sizeof(range), by_first);
	for (size_t i = 0; i < count; i++) {
		memcpy(&range, ranges->data + i * sizeof(range), sizeof(range));
		uidset_add(uids_r, range.first, range.last);
	}
}

void mailgroup_changed(struct store_txn *txn, uint64_t mailbox, uint64_t since,
		       struct uidset *uids_r)
{
	struct store_key prefix = mailgroup_number_key(mailbox);
	struct store_key from = mailgroup_modseq_key(mailbox, since + 1, 0);
	struct mailgroup_mailbox row;
	struct store_cursor cursor;
	struct buf ranges = { 0 };
	bool on;

	(void)mailgroup_mailbox_get(txn, mailbox, &row);
	if (since >= row.highestmodseq)
		return;
	store_cursor_init(&cursor, txn, MAILGROUP_TABLE_BY_MODSEQ);
	on = store_cursor_seek(&cursor, store_key_slice(&from));
	while (on && store_cursor_in(&cursor, store_key_slice(&prefix))) {
		struct slice key = slice_from(cursor.key, prefix.len);
		uint64_t modseq = 0;
		struct uid_range range = { 0, 0 };

		if (!row_want(txn,
			      store_key_take_u64(&key, &modseq) &&
				      store_key_take_u32(&key, &range.first)) ||
		    modseq > row.highestmodseq)
			break;
		range.last = range.first;
		buf_add(&ranges, &range, sizeof(range));
		on = store_cursor_next(&cursor);
	}
	store_cursor_fini(&cursor);
	add_ranges(&ranges, uids_r);
	buf_fini(&ranges);
}

bool mailgroup_vanished(struct store_txn *txn, uint64_t mailbox, uint64_t since,
			struct uidset *uids_r)
{
	struct store_key prefix = mailgroup_number_key(mailbox);
	struct store_key from;
	struct mailgroup_mailbox row;
	struct store_cursor cursor;
	struct buf ranges = { 0 };
	bool on;

	(void)mailgroup_mailbox_get(txn, mailbox, &row);
	if (since >= row.highestmodseq)
		return true;
	from = mailgroup_vanished_key(mailbox, since + 1);
	store_cursor_init(&cursor, txn, MAILGROUP_TABLE_VANISHED);
	on = store_cursor_seek(&cursor, store_key_slice(&from));
	while (on && store_cursor_in(&cursor, store_key_slice(&prefix))) {
		struct uidset uids;

		if (mailgroup_vanished_of_value(txn, &cursor.value, &uids))
			buf_add(&ranges, uids.ranges,
				uids.count * sizeof(*uids.ranges));
		uidset_fini(&uids);
		on = store_cursor_next(&cursor);
	}
	store_cursor_fini(&cursor);
	add_ranges(&ranges, uids_r);
	buf_fini(&ranges);
	return since >= row.vanished_floor;
}

/* ---- deliveries ---- */

uint32_t mailgroup_delivered_find(struct store_txn *txn,
				  const struct sha256 *key, uint64_t *mailbox_r)
{
	struct mailgroup_delivered_row row;
	uint64_t now_ms = mailgroup_time_get(txn);

	if (!mailgroup_delivered_get(txn, key, &row) ||
	    now_ms - row.time_ms >= MAILGROUP_DELIVERED_MS)
		return 0;
	*mailbox_r = row.mailbox;
	return row.uid;
}

/* ---- bodies ---- */

bool mailgroup_bodies(struct store_txn *txn,
		      struct mailgroup_body_position *position, unsigned rows,
		      mailgroup_body *body, void *arg)
{
	struct store_key from =
		mailgroup_message_key(position->mailbox, position->uid);
	struct mailgroup_fixed fixed;
	struct store_cursor cursor;
	bool on;

	store_cursor_init(&cursor, txn, MAILGROUP_TABLE_FIXED);
	on = store_cursor_seek(&cursor, store_key_slice(&from));
	while (on &&
	       mailgroup_take_message_key(txn, cursor.key, &position->mailbox,
					  &position->uid)) {
		if (rows-- == 0)
			break;
		if (mailgroup_fixed_of_value(txn, &cursor.value, &fixed))
			body(arg, &fixed.hash, position->mailbox,
			     position->uid);
		on = store_cursor_next(&cursor);
	}
	store_cursor_fini(&cursor);
	return on && store_txn_error(txn) == ERR_NONE;
}

void mailgroup_bodies_from(struct store_txn *txn, uint64_t mailbox,
			   uint32_t uid, mailgroup_body *body, void *arg)
{
	struct store_key prefix = mailgroup_number_key(mailbox);
	struct store_key from = mailgroup_message_key(mailbox, uid);
	struct mailgroup_fixed fixed;
	struct store_cursor cursor;
	bool on;

	store_cursor_init(&cursor, txn, MAILGROUP_TABLE_FIXED);
	on = store_cursor_seek(&cursor, store_key_slice(&from));
	while (on && store_cursor_in(&cursor, store_key_slice(&prefix))) {
		if (!mailgroup_take_message_key(txn, cursor.key, &mailbox,
						&uid))
			break;
		if (mailgroup_fixed_of_value(txn, &cursor.value, &fixed))
			body(arg, &fixed.hash, mailbox, uid);
		on = store_cursor_next(&cursor);
	}
	store_cursor_fini(&cursor);
}

uint64_t mailgroup_mailbox_next(struct store_txn *txn, uint64_t after)
{
	struct store_key from;
	struct store_cursor cursor;
	uint64_t mailbox = 0;

	if (after == UINT64_MAX)
		return 0;
	from = mailgroup_number_key(after + 1);
	store_cursor_init(&cursor, txn, MAILGROUP_TABLE_MAILBOX);
	if (store_cursor_seek(&cursor, store_key_slice(&from))) {
		struct slice key = cursor.key;

		row_want(txn, store_key_take_u64(&key, &mailbox));
	}
	store_cursor_fini(&cursor);
	return mailbox;
}

bool mailgroup_copying(struct store_txn *txn, uint64_t mailbox,
		       struct op_id *copy_r, uint64_t *since_ms_r)
{
	struct mailgroup_mailbox row;

	(void)mailgroup_mailbox_get(txn, mailbox, &row);
	*copy_r = row.copying.id;
	*since_ms_r = row.copying.since_ms;
	return row.copying.id.turn != 0;
}
