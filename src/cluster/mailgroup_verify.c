/*
 * Is a mail group as it must be? Every table against those that should agree.
 *
 * Mailbox by mailbox: its messages are walked in both tables, bits and index
 * are compared row by row, counters against what was counted; then usage
 * against the mailboxes of each root. Failures are findings; one of the
 * transaction is told at the end.
 */
#include "cluster/mailgroup.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cluster/findings.h"
#include "cluster/mailgroup_bits.h"
#include "cluster/mailgroup_row.h"
#include "cluster/row.h"

/* What was counted of one mailbox; [1]: of its COPY in the making. */
struct counted {
	uint64_t messages;
	uint64_t size;
	uint64_t deleted;
	uint64_t deleted_size;
	uint64_t claimed;
	uint32_t last_uid;
};

struct verify {
	struct findings findings;
	struct store_txn *txn;
	uint64_t mailbox;
	struct mailgroup_mailbox row;
	struct mailgroup_sealed sealed;
	struct counted visible;
	struct counted staged;
	struct mailgroup_keywords keywords;
	uint32_t keyword_messages[MAILGROUP_KEYWORDS_MAX];
	struct uidset uids; /* of both */
	uint64_t rows;      /* messages of all mailboxes */
	uint64_t claimed;   /* of them */
	struct buf usage;   /* struct usage */
};

struct usage {
	uint64_t root;
	struct mailgroup_usage usage;
};

#define WANT(v, good, fmt, ...)                                            \
	FINDINGS_WANT(&(v)->findings, (good), "mailbox %" PRIu64 ": " fmt, \
		      (v)->mailbox, __VA_ARGS__)

/* ---- messages ---- */

static bool is_staged(const struct verify *v, uint32_t uid)
{
	return uid >= v->row.uidnext;
}

static void count_keywords(struct verify *v,
			   const struct mailgroup_keyword_bits *bits,
			   uint32_t uid)
{
	for (unsigned n = 0; n < MAILGROUP_KEYWORDS_MAX; n++) {
		if (!mailgroup_keyword_has(bits, n))
			continue;
		v->keyword_messages[n]++;
		WANT(v, n < v->keywords.count && v->keywords.names[n].len > 0,
		     "UID %" PRIu32 " has keyword %u without a name", uid, n);
	}
}

static void check_index(struct verify *v, uint32_t uid, uint64_t modseq)
{
	struct store_key key = mailgroup_modseq_key(v->mailbox, modseq, uid);
	struct store_value value;

	WANT(v,
	     store_get(v->txn, MAILGROUP_TABLE_BY_MODSEQ, store_key_slice(&key),
		       &value),
	     "UID %" PRIu32 " is not indexed by its MODSEQ", uid);
	WANT(v,
	     is_staged(v, uid) ? modseq == v->row.copying.modseq
			       : modseq <= v->row.highestmodseq,
	     "UID %" PRIu32 " has MODSEQ %" PRIu64, uid, modseq);
}

/* The message's claim is open, and has it. */
static void check_claimed(struct verify *v, uint32_t uid, uint64_t number,
			  struct counted *counted)
{
	struct mailgroup_claim_row row;
	bool good = mailgroup_claim_get(v->txn, (uint32_t)(number >> 32),
					(uint32_t)number, &row) &&
		    row.open && row.source == v->mailbox &&
		    uidset_has(&row.uids, uid) && !is_staged(v, uid);

	WANT(v, good,
	     "UID %" PRIu32 " is claimed by %" PRIu64 ", which has it not", uid,
	     number);
	uidset_fini(&row.uids);
	counted->claimed++;
	v->claimed++;
}

static void check_message(struct verify *v, uint32_t uid,
			  const struct mailgroup_state *state,
			  const struct mailgroup_fixed *fixed)
{
	struct counted *counted = is_staged(v, uid) ? &v->staged : &v->visible;

	counted->messages++;
	counted->size += fixed->size;
	counted->last_uid = uid;
	if ((state->flags & MAILGROUP_DELETED) != 0) {
		counted->deleted++;
		counted->deleted_size += fixed->size;
	}
	if (state->claim != 0)
		check_claimed(v, uid, state->claim, counted);
	v->rows++;
	uidset_add(&v->uids, uid, uid);
	count_keywords(v, &state->keywords, uid);
	check_index(v, uid, state->modseq);
}

static void check_messages(struct verify *v)
{
	struct store_key prefix = mailgroup_number_key(v->mailbox);
	struct store_cursor cursor;
	bool on;

	store_cursor_init(&cursor, v->txn, MAILGROUP_TABLE_STATE);
	on = store_cursor_seek(&cursor, store_key_slice(&prefix));
	while (on && store_cursor_in(&cursor, store_key_slice(&prefix))) {
		struct mailgroup_state state;
		struct mailgroup_fixed fixed = { 0 };
		uint64_t mailbox;
		uint32_t uid;

		if (!mailgroup_take_message_key(v->txn, cursor.key, &mailbox,
						&uid) ||
		    !mailgroup_state_of_value(v->txn, &cursor.value, &state))
			break;
		WANT(v, mailgroup_fixed_get(v->txn, mailbox, uid, &fixed),
		     "UID %" PRIu32 " has no fixed part", uid);
		check_message(v, uid, &state, &fixed);
		on = store_cursor_next(&cursor);
	}
	store_cursor_fini(&cursor);
}

static uint64_t count_rows(struct verify *v, unsigned table)
{
	struct store_key prefix = mailgroup_number_key(v->mailbox);
	struct store_cursor cursor;
	uint64_t rows = 0;
	bool on;

	store_cursor_init(&cursor, v->txn, table);
	on = store_cursor_seek(&cursor, store_key_slice(&prefix));
	while (on && store_cursor_in(&cursor, store_key_slice(&prefix))) {
		rows++;
		on = store_cursor_next(&cursor);
	}
	store_cursor_fini(&cursor);
	return rows;
}

/* Each message was found in both; neither table has more. */
static void check_tables(struct verify *v)
{
	uint64_t messages = v->visible.messages + v->staged.messages;

	WANT(v, count_rows(v, MAILGROUP_TABLE_FIXED) == messages, "%s",
	     "fixed parts without a message");
	WANT(v, count_rows(v, MAILGROUP_TABLE_BY_MODSEQ) == messages, "%s",
	     "MODSEQs without a message");
}

/* ---- counters ---- */

static void check_counted(struct verify *v, const struct counted *counted,
			  const char *what, uint64_t messages, uint64_t size,
			  uint64_t deleted, uint64_t deleted_size)
{
	WANT(v, counted->messages == messages,
	     "%" PRIu64 " %s messages, counted %" PRIu64, messages, what,
	     counted->messages);
	WANT(v, counted->size == size,
	     "%" PRIu64 " octets of %s messages, counted %" PRIu64, size, what,
	     counted->size);
	WANT(v, counted->deleted == deleted,
	     "%" PRIu64 " deleted %s messages, counted %" PRIu64, deleted, what,
	     counted->deleted);
	WANT(v, counted->deleted_size == deleted_size,
	     "%" PRIu64 " octets of deleted %s messages, counted %" PRIu64,
	     deleted_size, what, counted->deleted_size);
}

static void check_counters(struct verify *v)
{
	const struct mailgroup_mailbox *row = &v->row;
	const struct mailgroup_copying *copying = &row->copying;

	check_counted(v, &v->visible, "visible", row->exists, row->size,
		      row->deleted, row->deleted_size);
	check_counted(v, &v->staged, "staged", copying->staged, copying->size,
		      copying->deleted, copying->deleted_size);
	WANT(v, v->visible.claimed == row->claimed,
	     "%" PRIu32 " claimed messages, counted %" PRIu64, row->claimed,
	     v->visible.claimed);
	if (copying->id.turn == 0)
		return;
	WANT(v,
	     copying->first_uid >= row->uidnext &&
		     copying->first_uid % MAILGROUP_CHUNK == 0 &&
		     copying->modseq > row->highestmodseq,
	     "copies are staged at UID %" PRIu32 " and MODSEQ %" PRIu64,
	     copying->first_uid, copying->modseq);
	WANT(v,
	     copying->staged == 0 ||
		     v->staged.last_uid ==
			     copying->first_uid + copying->staged - 1,
	     "the last staged UID is %" PRIu32, v->staged.last_uid);
}

static void check_keywords(struct verify *v)
{
	for (unsigned n = 0; n < MAILGROUP_KEYWORDS_MAX; n++)
		WANT(v, v->keyword_messages[n] == v->keywords.messages[n],
		     "keyword %u of %" PRIu32 " messages, counted %" PRIu32, n,
		     v->keywords.messages[n], v->keyword_messages[n]);
}

/* ---- bits ---- */

static void check_uids(struct verify *v)
{
	struct mailgroup_bits_of of = mailgroup_bits_uids(v->mailbox);
	struct uidset uids = { 0 };

	mailgroup_bits_add_to(v->txn, &of, UINT32_MAX, &uids);
	WANT(v, uidset_eq(&uids, &v->uids), "%s",
	     "the bits of UIDs differ from the messages");
	uidset_fini(&uids);
}

static void check_seen(struct verify *v, uint64_t user)
{
	struct mailgroup_bits_of of = mailgroup_bits_seen(v->mailbox, user);
	struct uidset seen = { 0 };
	uint64_t counted;

	mailgroup_bits_add_to(v->txn, &of, UINT32_MAX, &seen);
	uidset_remove_set(&seen, &v->uids);
	WANT(v, seen.count == 0,
	     "user %" PRIu64 " has seen messages that do not exist", user);
	uidset_clear(&seen);
	mailgroup_bits_add_to(v->txn, &of, v->row.uidnext, &seen);
	counted = uidset_size(&seen);
	WANT(v, mailgroup_seen_count_get(v->txn, v->mailbox, user) == counted,
	     "user %" PRIu64 " has seen %" PRIu64 " messages, counted another",
	     user, counted);
	uidset_fini(&seen);
}

/* Every user with bits has a counter, so the rows of bits tell all. */
static void check_users(struct verify *v)
{
	struct store_key prefix = mailgroup_number_key(v->mailbox);
	struct store_key from = prefix;
	struct store_cursor cursor;

	store_cursor_init(&cursor, v->txn, MAILGROUP_TABLE_SEEN);
	while (store_cursor_seek(&cursor, store_key_slice(&from)) &&
	       store_cursor_in(&cursor, store_key_slice(&prefix))) {
		struct slice key = slice_from(cursor.key, prefix.len);
		uint64_t user = 0;
		struct store_key count;
		struct store_value value;

		if (!row_want(v->txn, store_key_take_u64(&key, &user)))
			break;
		count = mailgroup_seen_count_key(v->mailbox, user);
		WANT(v,
		     store_get(v->txn, MAILGROUP_TABLE_SEEN_COUNT,
			       store_key_slice(&count), &value),
		     "user %" PRIu64 " has no counter", user);
		check_seen(v, user);
		if (user == UINT64_MAX)
			break;
		from = mailgroup_seen_count_key(v->mailbox, user + 1);
	}
	store_cursor_fini(&cursor);
}

/* Counters of users without any bits. */
static void check_seen_counts(struct verify *v)
{
	struct store_key prefix = mailgroup_number_key(v->mailbox);
	struct store_cursor cursor;
	bool on;

	store_cursor_init(&cursor, v->txn, MAILGROUP_TABLE_SEEN_COUNT);
	on = store_cursor_seek(&cursor, store_key_slice(&prefix));
	while (on && store_cursor_in(&cursor, store_key_slice(&prefix))) {
		struct slice key = slice_from(cursor.key, prefix.len);
		uint64_t user = 0;

		row_want(v->txn, store_key_take_u64(&key, &user));
		check_seen(v, user);
		on = store_cursor_next(&cursor);
	}
	store_cursor_fini(&cursor);
}

/* ---- vanished ---- */

static void check_vanished(struct verify *v)
{
	struct store_key prefix = mailgroup_number_key(v->mailbox);
	struct store_cursor cursor;
	uint64_t count = 0;
	bool on;

	store_cursor_init(&cursor, v->txn, MAILGROUP_TABLE_VANISHED);
	on = store_cursor_seek(&cursor, store_key_slice(&prefix));
	while (on && store_cursor_in(&cursor, store_key_slice(&prefix))) {
		struct slice key = slice_from(cursor.key, prefix.len);
		struct uidset uids;
		uint64_t modseq = 0;

		row_want(v->txn, store_key_take_u64(&key, &modseq));
		if (mailgroup_vanished_of_value(v->txn, &cursor.value, &uids))
			count += uidset_size(&uids);
		WANT(v,
		     modseq > v->row.vanished_floor &&
			     modseq <= v->row.highestmodseq,
		     "vanished at MODSEQ %" PRIu64, modseq);
		uidset_intersect(&uids, &v->uids);
		WANT(v, uids.count == 0,
		     "messages that vanished at MODSEQ %" PRIu64 " exist",
		     modseq);
		uidset_fini(&uids);
		on = store_cursor_next(&cursor);
	}
	store_cursor_fini(&cursor);
	WANT(v, count == v->row.vanished && count <= MAILGROUP_VANISHED_MAX,
	     "%" PRIu32 " vanished, counted %" PRIu64, v->row.vanished, count);
}

/* ---- usage ---- */

static void add_usage(struct verify *v)
{
	struct usage usage = {
		.root = v->row.root,
		.usage = { v->row.size, v->row.exists },
	};

	if (v->row.exists > 0)
		buf_add(&v->usage, &usage, sizeof(usage));
}

static int by_root(const void *a, const void *b)
{
	const struct usage *left = a;
	const struct usage *right = b;

	return (left->root > right->root) - (left->root < right->root);
}

static void check_root(struct verify *v, const struct usage *counted)
{
	struct mailgroup_usage usage;

	mailgroup_usage_get(v->txn, counted->root, &usage);
	FINDINGS_WANT(&v->findings,
		      usage.octets == counted->usage.octets &&
			      usage.messages == counted->usage.messages,
		      "root %" PRIu64 ": %" PRIu64 " messages of %" PRIu64
		      " octets, counted %" PRIu64 " of %" PRIu64,
		      counted->root, usage.messages, usage.octets,
		      counted->usage.messages, counted->usage.octets);
}

/* Roots that are said to use something, and of which nothing was counted. */
static void load_roots(struct verify *v)
{
	struct store_cursor cursor;
	bool on;

	store_cursor_init(&cursor, v->txn, MAILGROUP_TABLE_QUOTA);
	for (on = store_cursor_seek(&cursor, SLICE_NONE); on;
	     on = store_cursor_next(&cursor)) {
		struct slice key = cursor.key;
		struct usage usage = { 0 };

		row_want(v->txn, store_key_take_u64(&key, &usage.root));
		buf_add(&v->usage, &usage, sizeof(usage));
	}
	store_cursor_fini(&cursor);
}

static void check_usage(struct verify *v)
{
	struct usage sum = { 0 };
	size_t count;

	load_roots(v);
	count = v->usage.len / sizeof(sum);
	if (count > 0)
		qsort(v->usage.data, count, sizeof(sum), by_root);
	for (size_t i = 0; i < count; i++) {
		struct usage usage;

		memcpy(&usage, v->usage.data + i * sizeof(usage),
		       sizeof(usage));
		if (usage.root != sum.root) {
			check_root(v, &sum);
			sum = (struct usage){ .root = usage.root };
		}
		sum.usage.octets += usage.usage.octets;
		sum.usage.messages += usage.usage.messages;
	}
	check_root(v, &sum);
}

/* ---- claims ---- */

/*
 * Each claimed message was found in its claim, and no claim has more. A purge
 * does not begin while one is open.
 */
static void check_claims(struct verify *v)
{
	struct store_cursor cursor;
	uint64_t claimed = 0;
	bool on;

	store_cursor_init(&cursor, v->txn, MAILGROUP_TABLE_CLAIM);
	for (on = store_cursor_seek(&cursor, SLICE_NONE); on;
	     on = store_cursor_next(&cursor)) {
		struct mailgroup_claim_row row;
		uint32_t group = 0;
		uint32_t slot = 0;

		(void)mailgroup_take_claim_key(v->txn, cursor.key, &group,
					       &slot);
		if (mailgroup_claim_of_value(v->txn, &cursor.value, &row)) {
			claimed += uidset_size(&row.uids);
			FINDINGS_WANT(&v->findings,
				      row.turn > 0 &&
					      row.open == (row.uids.count > 0),
				      "claim slot %" PRIu32 " of group %" PRIu32
				      ", turn %" PRIu64,
				      slot, group, row.turn);
		}
		uidset_fini(&row.uids);
	}
	store_cursor_fini(&cursor);
	FINDINGS_WANT(&v->findings, claimed == v->claimed,
		      "%" PRIu64 " messages are claimed, counted %" PRIu64,
		      claimed, v->claimed);
}

/* ---- all ---- */

static void check_mailbox(struct verify *v)
{
	bool sealed = mailgroup_sealed_get(v->txn, v->mailbox, &v->sealed);

	if (sealed && v->sealed.purging) {
		/* Some of it is gone, in no order that matters. */
		v->rows += count_rows(v, MAILGROUP_TABLE_STATE);
		return;
	}
	(void)mailgroup_mailbox_get(v->txn, v->mailbox, &v->row);
	mailgroup_keywords_get(v->txn, v->mailbox, &v->keywords);
	memset(&v->visible, 0, sizeof(v->visible));
	memset(&v->staged, 0, sizeof(v->staged));
	memset(v->keyword_messages, 0, sizeof(v->keyword_messages));
	uidset_clear(&v->uids);
	check_messages(v);
	check_tables(v);
	check_counters(v);
	check_keywords(v);
	check_uids(v);
	check_users(v);
	check_seen_counts(v);
	check_vanished(v);
	if (!sealed)
		add_usage(v);
}

uint64_t mailgroup_verify(struct store_txn *txn, mailgroup_finding *finding,
			  void *arg)
{
	struct verify *v = mem_zalloc(1, sizeof(*v));
	uint64_t count;

	v->findings = (struct findings){
		.txn = txn,
		.tell = finding,
		.arg = arg,
	};
	v->txn = txn;
	while ((v->mailbox = mailgroup_mailbox_next(txn, v->mailbox)) != 0)
		check_mailbox(v);
	check_usage(v);
	check_claims(v);
	FINDINGS_WANT(&v->findings,
		      store_count(txn, MAILGROUP_TABLE_STATE) == v->rows,
		      "messages of mailboxes without a record");
	FINDINGS_WANT(&v->findings,
		      store_count(txn, MAILGROUP_TABLE_DELIVERED) ==
			      store_count(txn, MAILGROUP_TABLE_DELIVERED_TIME),
		      "deliveries and their times differ");
	uidset_fini(&v->uids);
	buf_fini(&v->usage);
	count = findings_end(&v->findings);
	mem_free(v);
	return count;
}
