/*
 * A mail group's tables: keys, layouts, single rows.
 *
 * Each layout is one function for both directions (codec.h). Keys begin with
 * the mailbox id, so the rows of a mailbox stand together and those of new
 * messages at its end. Failures: damage sticks to the transaction and reads as
 * absent.
 */
#include "cluster/mailgroup_row.h"

#include "cluster/row.h"

const char *const mailgroup_table_names[MAILGROUP_TABLES] = {
	"mailbox",        "sealed",   "message_fixed", "message",
	"by_modseq",      "vanished", "uids",          "seen",
	"unseen",         "keyword",  "quota",         "delivered",
	"delivered_time", "time",     "claim",         "annotation",
};

/* ---- keys ---- */

struct store_key mailgroup_number_key(uint64_t number)
{
	struct store_key key;

	store_key_init(&key);
	store_key_u64(&key, number);
	return key;
}

struct store_key mailgroup_message_key(uint64_t mailbox, uint32_t uid)
{
	struct store_key key = mailgroup_number_key(mailbox);

	store_key_u32(&key, uid);
	return key;
}

struct store_key mailgroup_modseq_key(uint64_t mailbox, uint64_t modseq,
				      uint32_t uid)
{
	struct store_key key = mailgroup_number_key(mailbox);

	store_key_u64(&key, modseq);
	store_key_u32(&key, uid);
	return key;
}

struct store_key mailgroup_vanished_key(uint64_t mailbox, uint64_t modseq)
{
	struct store_key key = mailgroup_number_key(mailbox);

	store_key_u64(&key, modseq);
	return key;
}

struct store_key mailgroup_seen_count_key(uint64_t mailbox, uint64_t user)
{
	struct store_key key = mailgroup_number_key(mailbox);

	store_key_u64(&key, user);
	return key;
}

struct store_key mailgroup_claim_key(uint32_t group, uint32_t slot)
{
	return mailgroup_number_key(mailgroup_claim_number(group, slot));
}

struct store_key mailgroup_hash_key(const struct sha256 *hash)
{
	struct store_key key;

	store_key_init(&key);
	store_key_raw(&key, slice_of(hash->octets, SHA256_SIZE));
	return key;
}

struct store_key mailgroup_time_key(uint64_t time_ms, const struct sha256 *hash)
{
	struct store_key key = mailgroup_number_key(time_ms);

	store_key_raw(&key, slice_of(hash->octets, SHA256_SIZE));
	return key;
}

bool mailgroup_take_message_key(struct store_txn *txn, struct slice key,
				uint64_t *mailbox_r, uint32_t *uid_r)
{
	if (store_key_take_u64(&key, mailbox_r) &&
	    store_key_take_u32(&key, uid_r) && key.len == 0)
		return true;
	store_txn_fail(txn, ERR_CORRUPT);
	return false;
}

bool mailgroup_take_claim_key(struct store_txn *txn, struct slice key,
			      uint32_t *group_r, uint32_t *slot_r)
{
	if (store_key_take_u32(&key, group_r) &&
	    store_key_take_u32(&key, slot_r) && key.len == 0 && *group_r > 0 &&
	    *slot_r < COMMAND_SLOTS)
		return true;
	store_txn_fail(txn, ERR_CORRUPT);
	return false;
}

static struct slice single_key(void)
{
	return SLICE_LIT("\1");
}

/* ---- mailboxes ---- */

static void copying_fields(struct codec *codec,
			   struct mailgroup_copying *copying)
{
	codec_var64(codec, &copying->id.turn);
	if (copying->id.turn == 0)
		return;
	codec_u64(codec, &copying->id.proposer);
	codec_var32(codec, &copying->id.slot);
	codec_var64(codec, &copying->since_ms);
	codec_var32(codec, &copying->first_uid);
	codec_var32(codec, &copying->staged);
	codec_var64(codec, &copying->modseq);
	codec_var64(codec, &copying->size);
	codec_var32(codec, &copying->deleted);
	codec_var64(codec, &copying->deleted_size);
	codec_bool(codec, &copying->dropping);
}

/* Nothing stands for none, at the end of a row. */
static void claimed_field(struct codec *codec, uint32_t *claimed)
{
	bool decodes = codec_decodes(codec);

	if (decodes ? codec->in.rest.len == 0 : *claimed == 0)
		return;
	codec_var32(codec, claimed);
	if (decodes && *claimed == 0)
		codec_fail(codec, ERR_SYNTAX);
}

static void mailbox_fields(struct codec *codec, struct mailgroup_mailbox *row)
{
	codec_var64(codec, &row->root);
	codec_var32(codec, &row->uidnext);
	codec_var64(codec, &row->highestmodseq);
	codec_var32(codec, &row->exists);
	codec_var32(codec, &row->deleted);
	codec_var64(codec, &row->size);
	codec_var64(codec, &row->deleted_size);
	codec_var32(codec, &row->vanished);
	codec_var64(codec, &row->vanished_floor);
	copying_fields(codec, &row->copying);
	claimed_field(codec, &row->claimed);
}

bool mailgroup_mailbox_get(struct store_txn *txn, uint64_t mailbox,
			   struct mailgroup_mailbox *row_r)
{
	static const struct mailgroup_mailbox empty = {
		.uidnext = 1,
		.highestmodseq = 1,
	};
	struct store_key key = mailgroup_number_key(mailbox);
	struct codec codec;

	*row_r = empty;
	if (!row_find(txn, MAILGROUP_TABLE_MAILBOX, store_key_slice(&key),
		      &codec))
		return false;
	mailbox_fields(&codec, row_r);
	if (row_end(txn, &codec))
		return true;
	*row_r = empty;
	return false;
}

void mailgroup_mailbox_put(struct store_txn *txn, struct buf *scratch,
			   uint64_t mailbox,
			   const struct mailgroup_mailbox *row)
{
	struct store_key key = mailgroup_number_key(mailbox);
	struct mailgroup_mailbox fields = *row;
	struct codec codec = row_begin(scratch);

	row_want(txn, row->uidnext > 0 && row->exists < row->uidnext &&
			      row->deleted <= row->exists &&
			      row->claimed <= row->exists);
	mailbox_fields(&codec, &fields);
	row_put(txn, MAILGROUP_TABLE_MAILBOX, store_key_slice(&key), &codec);
}

/* ---- messages: what changes ---- */

#define KEYWORD_OCTETS (MAILGROUP_KEYWORDS_MAX / 8)

/* Octets of the bits without zeroes at the end: most messages have none. */
static void keyword_bits_fields(struct codec *codec,
				struct mailgroup_keyword_bits *bits)
{
	uint8_t octets[KEYWORD_OCTETS];
	struct slice trimmed = slice_of(octets, 0);

	for (unsigned i = 0; i < KEYWORD_OCTETS; i++) {
		octets[i] = (uint8_t)(bits->words[i / 8] >> (i % 8 * 8));
		if (octets[i] != 0)
			trimmed.len = i + 1;
	}
	codec_bytes(codec, &trimmed, KEYWORD_OCTETS);
	memset(bits, 0, sizeof(*bits));
	for (unsigned i = 0; i < trimmed.len; i++)
		bits->words[i / 8] |= (uint64_t)trimmed.data[i] << (i % 8 * 8);
}

static void state_fields(struct codec *codec, struct mailgroup_state *state)
{
	codec_var64(codec, &state->modseq);
	codec_bits(codec, &state->flags,
		   MAILGROUP_FLAGS_ALL & ~(unsigned)MAILGROUP_SEEN);
	codec_var64(codec, &state->claim);
	keyword_bits_fields(codec, &state->keywords);
}

bool mailgroup_state_of_value(struct store_txn *txn,
			      const struct store_value *value,
			      struct mailgroup_state *state_r)
{
	struct codec codec;

	*state_r = (struct mailgroup_state){ 0 };
	if (!row_of_value(txn, value, &codec))
		return false;
	state_fields(&codec, state_r);
	return row_end(txn, &codec);
}

bool mailgroup_state_get(struct store_txn *txn, uint64_t mailbox, uint32_t uid,
			 struct mailgroup_state *state_r)
{
	struct store_key key = mailgroup_message_key(mailbox, uid);
	struct store_value value;

	*state_r = (struct mailgroup_state){ 0 };
	return store_get(txn, MAILGROUP_TABLE_STATE, store_key_slice(&key),
			 &value) &&
	       mailgroup_state_of_value(txn, &value, state_r);
}

void mailgroup_state_put(struct store_txn *txn, struct buf *scratch,
			 uint64_t mailbox, uint32_t uid,
			 const struct mailgroup_state *state)
{
	struct store_key key = mailgroup_message_key(mailbox, uid);
	struct mailgroup_state fields = *state;
	struct codec codec = row_begin(scratch);

	row_want(txn, uid > 0 && state->modseq > 0);
	state_fields(&codec, &fields);
	row_put(txn, MAILGROUP_TABLE_STATE, store_key_slice(&key), &codec);
}

/* ---- messages: what is written once ---- */

static void fixed_fields(struct codec *codec, struct mailgroup_fixed *fixed)
{
	int64_t zone_min = fixed->zone_min;

	codec_signed(codec, &fixed->date_s);
	codec_signed(codec, &zone_min);
	codec_var64(codec, &fixed->saved_ms);
	codec_var64(codec, &fixed->size);
	codec_hash(codec, &fixed->hash);
	codec_bytes(codec, &fixed->structure, MAILGROUP_STRUCTURE_MAX);
	fixed->zone_min = (int16_t)zone_min;
}

bool mailgroup_fixed_of_value(struct store_txn *txn,
			      const struct store_value *value,
			      struct mailgroup_fixed *fixed_r)
{
	struct codec codec;

	*fixed_r = (struct mailgroup_fixed){ 0 };
	if (!row_of_value(txn, value, &codec))
		return false;
	fixed_fields(&codec, fixed_r);
	return row_end(txn, &codec);
}

bool mailgroup_fixed_get(struct store_txn *txn, uint64_t mailbox, uint32_t uid,
			 struct mailgroup_fixed *fixed_r)
{
	struct store_key key = mailgroup_message_key(mailbox, uid);
	struct store_value value;

	*fixed_r = (struct mailgroup_fixed){ 0 };
	return store_get(txn, MAILGROUP_TABLE_FIXED, store_key_slice(&key),
			 &value) &&
	       mailgroup_fixed_of_value(txn, &value, fixed_r);
}

void mailgroup_fixed_put(struct store_txn *txn, struct buf *scratch,
			 uint64_t mailbox, uint32_t uid,
			 const struct mailgroup_fixed *fixed)
{
	struct store_key key = mailgroup_message_key(mailbox, uid);
	struct mailgroup_fixed fields = *fixed;
	struct codec codec = row_begin(scratch);

	fixed_fields(&codec, &fields);
	row_put(txn, MAILGROUP_TABLE_FIXED, store_key_slice(&key), &codec);
}

/* ---- counters ---- */

uint32_t mailgroup_seen_count_get(struct store_txn *txn, uint64_t mailbox,
				  uint64_t user)
{
	struct store_key key = mailgroup_seen_count_key(mailbox, user);
	struct codec codec;
	uint32_t count = 0;

	if (!row_find(txn, MAILGROUP_TABLE_SEEN_COUNT, store_key_slice(&key),
		      &codec))
		return 0;
	codec_var32(&codec, &count);
	return row_end(txn, &codec) ? count : 0;
}

void mailgroup_seen_count_put(struct store_txn *txn, struct buf *scratch,
			      uint64_t mailbox, uint64_t user, uint32_t count)
{
	struct store_key key = mailgroup_seen_count_key(mailbox, user);
	struct codec codec = row_begin(scratch);

	codec_var32(&codec, &count);
	row_put(txn, MAILGROUP_TABLE_SEEN_COUNT, store_key_slice(&key), &codec);
}

static void keywords_fields(struct codec *codec,
			    struct mailgroup_keywords *keywords)
{
	uint64_t count = keywords->count;

	codec_var(codec, &count, MAILGROUP_KEYWORDS_MAX);
	if (codec->err != ERR_NONE)
		return;
	keywords->count = (unsigned)count;
	for (unsigned i = 0; i < keywords->count; i++) {
		codec_bytes(codec, &keywords->names[i],
			    MAILGROUP_KEYWORD_NAME_MAX);
		codec_var32(codec, &keywords->messages[i]);
	}
}

void mailgroup_keywords_get(struct store_txn *txn, uint64_t mailbox,
			    struct mailgroup_keywords *keywords_r)
{
	struct store_key key = mailgroup_number_key(mailbox);
	struct codec codec;

	memset(keywords_r, 0, sizeof(*keywords_r));
	if (!row_find(txn, MAILGROUP_TABLE_KEYWORD, store_key_slice(&key),
		      &codec))
		return;
	keywords_fields(&codec, keywords_r);
	if (!row_end(txn, &codec))
		memset(keywords_r, 0, sizeof(*keywords_r));
}

void mailgroup_keywords_put(struct store_txn *txn, struct buf *scratch,
			    uint64_t mailbox,
			    const struct mailgroup_keywords *keywords)
{
	struct store_key key = mailgroup_number_key(mailbox);
	struct mailgroup_keywords fields = *keywords;
	struct codec codec = row_begin(scratch);

	keywords_fields(&codec, &fields);
	row_put(txn, MAILGROUP_TABLE_KEYWORD, store_key_slice(&key), &codec);
}

void mailgroup_usage_get(struct store_txn *txn, uint64_t root,
			 struct mailgroup_usage *usage_r)
{
	struct store_key key = mailgroup_number_key(root);
	struct codec codec;

	*usage_r = (struct mailgroup_usage){ 0 };
	if (!row_find(txn, MAILGROUP_TABLE_QUOTA, store_key_slice(&key),
		      &codec))
		return;
	codec_var64(&codec, &usage_r->octets);
	codec_var64(&codec, &usage_r->messages);
	(void)row_end(txn, &codec);
}

void mailgroup_usage_put(struct store_txn *txn, struct buf *scratch,
			 uint64_t root, const struct mailgroup_usage *usage)
{
	struct store_key key = mailgroup_number_key(root);
	struct mailgroup_usage fields = *usage;
	struct codec codec = row_begin(scratch);

	if (usage->messages == 0) {
		store_del(txn, MAILGROUP_TABLE_QUOTA, store_key_slice(&key));
		return;
	}
	codec_var64(&codec, &fields.octets);
	codec_var64(&codec, &fields.messages);
	row_put(txn, MAILGROUP_TABLE_QUOTA, store_key_slice(&key), &codec);
}

/* ---- sealed mailboxes ---- */

bool mailgroup_sealed_get(struct store_txn *txn, uint64_t mailbox,
			  struct mailgroup_sealed *sealed_r)
{
	struct store_key key = mailgroup_number_key(mailbox);
	struct codec codec;

	*sealed_r = (struct mailgroup_sealed){ 0 };
	if (!row_find(txn, MAILGROUP_TABLE_SEALED, store_key_slice(&key),
		      &codec))
		return false;
	codec_var64(&codec, &sealed_r->since_ms);
	codec_bool(&codec, &sealed_r->purging);
	return row_end(txn, &codec);
}

void mailgroup_sealed_put(struct store_txn *txn, struct buf *scratch,
			  uint64_t mailbox,
			  const struct mailgroup_sealed *sealed)
{
	struct store_key key = mailgroup_number_key(mailbox);
	struct mailgroup_sealed fields = *sealed;
	struct codec codec = row_begin(scratch);

	codec_var64(&codec, &fields.since_ms);
	codec_bool(&codec, &fields.purging);
	row_put(txn, MAILGROUP_TABLE_SEALED, store_key_slice(&key), &codec);
}

/* ---- claims ---- */

static void claim_fields(struct codec *codec, struct mailgroup_claim_row *row)
{
	codec_var64(codec, &row->turn);
	codec_bool(codec, &row->open);
	if (!row->open)
		return;
	codec_op(codec, &row->op);
	codec_var64(codec, &row->since_ms);
	codec_var64(codec, &row->source);
	codec_var64(codec, &row->target.mailbox);
	codec_var64(codec, &row->target.root);
	codec_var64(codec, &row->target.quota_octets);
	codec_var64(codec, &row->target.quota_messages);
	codec_var64(codec, &row->user);
	codec_bits(codec, &row->left_out.flags, MAILGROUP_FLAGS_ALL);
	codec_bool(codec, &row->left_out.keywords);
	codec_var64(codec, &row->left_out.user);
	codec_uids(codec, &row->uids, MAILGROUP_ROWS_MAX);
}

bool mailgroup_claim_of_value(struct store_txn *txn,
			      const struct store_value *value,
			      struct mailgroup_claim_row *row_r)
{
	struct codec codec;

	*row_r = (struct mailgroup_claim_row){ 0 };
	if (!row_of_value(txn, value, &codec))
		return false;
	claim_fields(&codec, row_r);
	return row_end(txn, &codec);
}

bool mailgroup_claim_get(struct store_txn *txn, uint32_t group, uint32_t slot,
			 struct mailgroup_claim_row *row_r)
{
	struct store_key key = mailgroup_claim_key(group, slot);
	struct store_value value;

	*row_r = (struct mailgroup_claim_row){ 0 };
	return store_get(txn, MAILGROUP_TABLE_CLAIM, store_key_slice(&key),
			 &value) &&
	       mailgroup_claim_of_value(txn, &value, row_r);
}

void mailgroup_claim_put(struct store_txn *txn, struct buf *scratch,
			 uint32_t group, uint32_t slot,
			 const struct mailgroup_claim_row *row)
{
	struct store_key key = mailgroup_claim_key(group, slot);
	struct mailgroup_claim_row fields = *row;
	struct codec codec = row_begin(scratch);

	row_want(txn, row->turn > 0 && slot < COMMAND_SLOTS);
	claim_fields(&codec, &fields);
	row_put(txn, MAILGROUP_TABLE_CLAIM, store_key_slice(&key), &codec);
}

/* ---- deliveries ---- */

static void delivered_fields(struct codec *codec,
			     struct mailgroup_delivered_row *row)
{
	codec_var64(codec, &row->mailbox);
	codec_var32(codec, &row->uid);
	codec_var64(codec, &row->time_ms);
}

bool mailgroup_delivered_get(struct store_txn *txn, const struct sha256 *key,
			     struct mailgroup_delivered_row *row_r)
{
	struct store_key at = mailgroup_hash_key(key);
	struct codec codec;

	*row_r = (struct mailgroup_delivered_row){ 0 };
	if (!row_find(txn, MAILGROUP_TABLE_DELIVERED, store_key_slice(&at),
		      &codec))
		return false;
	delivered_fields(&codec, row_r);
	return row_end(txn, &codec);
}

void mailgroup_delivered_put(struct store_txn *txn, struct buf *scratch,
			     const struct sha256 *key,
			     const struct mailgroup_delivered_row *row)
{
	struct store_key at = mailgroup_hash_key(key);
	struct mailgroup_delivered_row fields = *row;
	struct codec codec = row_begin(scratch);

	delivered_fields(&codec, &fields);
	row_put(txn, MAILGROUP_TABLE_DELIVERED, store_key_slice(&at), &codec);
}

uint64_t mailgroup_time_get(struct store_txn *txn)
{
	struct codec codec;
	uint64_t time_ms = 0;

	if (!row_find(txn, MAILGROUP_TABLE_TIME, single_key(), &codec))
		return 0;
	codec_var64(&codec, &time_ms);
	return row_end(txn, &codec) ? time_ms : 0;
}

void mailgroup_time_put(struct store_txn *txn, struct buf *scratch,
			uint64_t time_ms)
{
	struct codec codec = row_begin(scratch);

	codec_var64(&codec, &time_ms);
	row_put(txn, MAILGROUP_TABLE_TIME, single_key(), &codec);
}

/* ---- vanished ---- */

void mailgroup_vanished_put(struct store_txn *txn, struct buf *scratch,
			    uint64_t mailbox, uint64_t modseq,
			    const struct uidset *uids)
{
	struct store_key key = mailgroup_vanished_key(mailbox, modseq);
	struct uidset fields = *uids;
	struct codec codec = row_begin(scratch);

	codec_uids(&codec, &fields, MAILGROUP_ROWS_MAX);
	row_put(txn, MAILGROUP_TABLE_VANISHED, store_key_slice(&key), &codec);
}

bool mailgroup_vanished_of_value(struct store_txn *txn,
				 const struct store_value *value,
				 struct uidset *uids_r)
{
	struct codec codec;

	*uids_r = (struct uidset){ 0 };
	if (!row_of_value(txn, value, &codec))
		return false;
	codec_uids(&codec, uids_r, MAILGROUP_ROWS_MAX);
	return row_end(txn, &codec);
}

void mailgroup_mark(struct store_txn *txn, unsigned table,
		    const struct store_key *key)
{
	store_put(txn, table, store_key_slice(key), ROW_VERSION, SLICE_NONE);
}
