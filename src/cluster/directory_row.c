/*
 * The directory's tables: keys, layouts, single rows.
 *
 * Each layout is one function for both directions (codec.h). What the key of a
 * row says is not repeated in its value. Failures: damage sticks to the
 * transaction and reads as absent.
 */
#include "cluster/directory_row.h"

#include "cluster/row.h"

const char *const directory_table_names[DIRECTORY_TABLES] = {
	"counter", "member",       "group",  "mailbox", "by_id",   "by_acl",
	"user",    "subscription", "intent", "change",  "setting", "token",
};

/* ---- keys ---- */

struct store_key directory_name_key(struct slice name)
{
	struct store_key key;

	store_key_init(&key);
	store_key_str(&key, name);
	return key;
}

struct store_key directory_number_key(uint64_t number)
{
	struct store_key key;

	store_key_init(&key);
	store_key_u64(&key, number);
	return key;
}

struct store_key directory_node_key(uint32_t number)
{
	struct store_key key;

	store_key_init(&key);
	store_key_u32(&key, number);
	return key;
}

struct store_key directory_by_acl_key(struct slice identifier, uint64_t id)
{
	struct store_key key = directory_name_key(identifier);

	store_key_u64(&key, id);
	return key;
}

struct store_key directory_subscription_key(uint64_t user_id, struct slice name)
{
	struct store_key key = directory_number_key(user_id);

	store_key_str(&key, name);
	return key;
}

struct store_key directory_change_key(uint64_t index, uint32_t position,
				      uint32_t n)
{
	struct store_key key = directory_number_key(index);

	store_key_u32(&key, position);
	store_key_u32(&key, n);
	return key;
}

static struct slice single_key(void)
{
	return SLICE_LIT("\1");
}

/* A key that is one string; false: damaged. */
static bool take_name(struct store_txn *txn, struct slice key,
		      struct slice *name_r)
{
	if (store_key_take_str(&key, name_r) && key.len == 0)
		return true;
	store_txn_fail(txn, ERR_CORRUPT);
	return false;
}

/* ---- mailboxes ---- */

static void mailbox_fields(struct codec *codec,
			   struct directory_mailbox *mailbox)
{
	unsigned state = mailbox->state;

	codec_var64(codec, &mailbox->id);
	codec_choice(codec, &state, DIRECTORY_ACTIVE, DIRECTORY_MOVING);
	codec_var32(codec, &mailbox->group);
	codec_bytes(codec, &mailbox->location, DIRECTORY_LOCATION_MAX);
	codec_var64(codec, &mailbox->root);
	codec_bytes(codec, &mailbox->acl, ACL_MAX);
	codec_u8(codec, &mailbox->special_use);
	codec_var32(codec, &mailbox->uidvalidity);
	codec_var64(codec, &mailbox->created_index);
	codec_var64(codec, &mailbox->changed_index);
	mailbox->state = (enum directory_state)state;
}

static bool mailbox_end(struct store_txn *txn, struct codec *codec,
			struct slice name, struct directory_mailbox *mailbox_r)
{
	*mailbox_r = (struct directory_mailbox){ .name = name };
	mailbox_fields(codec, mailbox_r);
	return row_end(txn, codec);
}

bool directory_mailbox_of_row(struct store_txn *txn,
			      const struct store_cursor *cursor,
			      struct directory_mailbox *mailbox_r)
{
	struct codec codec;
	struct slice name;

	return take_name(txn, cursor->key, &name) &&
	       row_of_value(txn, &cursor->value, &codec) &&
	       mailbox_end(txn, &codec, name, mailbox_r);
}

bool directory_mailbox_find(struct store_txn *txn, struct slice name,
			    struct directory_mailbox *mailbox_r)
{
	struct store_key key;
	struct codec codec;

	if (names_check_foreign(name) != ERR_NONE)
		return false;
	key = directory_name_key(name);
	return row_find(txn, DIRECTORY_TABLE_MAILBOX, store_key_slice(&key),
			&codec) &&
	       mailbox_end(txn, &codec, name, mailbox_r);
}

bool directory_mailbox_find_id(struct store_txn *txn, uint64_t id,
			       struct directory_mailbox *mailbox_r)
{
	struct store_key key = directory_number_key(id);
	struct slice name;
	struct codec codec;

	if (!row_find(txn, DIRECTORY_TABLE_BY_ID, store_key_slice(&key),
		      &codec))
		return false;
	codec_bytes(&codec, &name, NAMES_MAILBOX_MAX);
	return row_end(txn, &codec) &&
	       directory_mailbox_find(txn, name, mailbox_r);
}

void directory_mailbox_put(struct store_txn *txn, struct buf *scratch,
			   const struct directory_mailbox *mailbox)
{
	struct store_key key = directory_name_key(mailbox->name);
	struct directory_mailbox fields = *mailbox;
	struct codec codec = row_begin(scratch);

	row_want(txn, mailbox->id != 0);
	mailbox_fields(&codec, &fields);
	row_put(txn, DIRECTORY_TABLE_MAILBOX, store_key_slice(&key), &codec);
}

/* ---- users ---- */

void directory_key_hash_field(struct codec *codec, struct slice *hash)
{
	codec_bytes(codec, hash, SHA256_SIZE);
	if (hash->len != SHA256_SIZE)
		codec_fail(codec, ERR_INVALID);
}

void directory_keys_fields(struct codec *codec, struct directory_keys *keys)
{
	uint64_t iterations = keys->iterations;

	codec_var32(codec, &keys->version);
	codec_var(codec, &iterations, DIRECTORY_ITERATIONS_MAX);
	keys->iterations = (uint32_t)iterations;
	if (iterations == 0)
		return;
	codec_bytes(codec, &keys->salt, DIRECTORY_SALT_MAX);
	directory_key_hash_field(codec, &keys->stored_key);
	directory_key_hash_field(codec, &keys->server_key);
	if (keys->salt.len == 0)
		codec_fail(codec, ERR_INVALID);
}

static void user_fields(struct codec *codec, struct directory_user *user)
{
	codec_var64(codec, &user->id);
	codec_var32(codec, &user->group);
	codec_bool(codec, &user->enabled);
	directory_keys_fields(codec, &user->keys);
	codec_var64(codec, &user->quota_octets);
	codec_var64(codec, &user->quota_messages);
	codec_var32(codec, &user->mailboxes);
	codec_var32(codec, &user->subscriptions);
	for (unsigned i = 0; i < DIRECTORY_USES; i++)
		codec_var64(codec, &user->special_use[i]);
	codec_var64(codec, &user->created_index);
}

static bool user_end(struct store_txn *txn, struct codec *codec,
		     struct slice name, struct directory_user *user_r)
{
	*user_r = (struct directory_user){ .name = name };
	user_fields(codec, user_r);
	return row_end(txn, codec);
}

bool directory_user_of_row(struct store_txn *txn,
			   const struct store_cursor *cursor,
			   struct directory_user *user_r)
{
	struct codec codec;
	struct slice name;

	return take_name(txn, cursor->key, &name) &&
	       row_of_value(txn, &cursor->value, &codec) &&
	       user_end(txn, &codec, name, user_r);
}

bool directory_user_find(struct store_txn *txn, struct slice name,
			 struct directory_user *user_r)
{
	struct store_key key;
	struct codec codec;

	if (name.len > NAMES_USER_MAX || slice_find(name, '\0') < name.len)
		return false;
	key = directory_name_key(name);
	return row_find(txn, DIRECTORY_TABLE_USER, store_key_slice(&key),
			&codec) &&
	       user_end(txn, &codec, name, user_r);
}

void directory_user_put(struct store_txn *txn, struct buf *scratch,
			const struct directory_user *user)
{
	struct store_key key = directory_name_key(user->name);
	struct directory_user fields = *user;
	struct codec codec = row_begin(scratch);

	row_want(txn, user->id != 0);
	row_want(txn, user->mailboxes <= DIRECTORY_TREE_MAX);
	user_fields(&codec, &fields);
	row_put(txn, DIRECTORY_TABLE_USER, store_key_slice(&key), &codec);
}

/* ---- intents ---- */

/* An id is up to ten octets of LEB128. */
#define INTENT_IDS_OCTETS (DIRECTORY_INTENT_IDS_MAX * 10)

static void intent_fields(struct codec *codec, struct directory_intent *intent)
{
	unsigned kind = intent->kind;

	codec_choice(codec, &kind, DIRECTORY_INTENT_PURGE,
		     DIRECTORY_INTENT_MOVE);
	codec_u8(codec, &intent->step);
	codec_var32(codec, &intent->group);
	codec_var64(codec, &intent->root);
	codec_var64(codec, &intent->not_before_ms);
	codec_var64(codec, &intent->since_ms);
	codec_var64(codec, &intent->since_index);
	codec_bytes(codec, &intent->name, NAMES_MAILBOX_MAX);
	codec_bytes(codec, &intent->ids, INTENT_IDS_OCTETS);
	codec_var(codec, &intent->id_count, DIRECTORY_INTENT_IDS_MAX);
	intent->kind = (enum directory_intent_kind)kind;
}

static bool intent_end(struct store_txn *txn, struct codec *codec, uint64_t id,
		       struct directory_intent *intent_r)
{
	*intent_r = (struct directory_intent){ .id = id };
	intent_fields(codec, intent_r);
	return row_end(txn, codec);
}

bool directory_intent_of_row(struct store_txn *txn,
			     const struct store_cursor *cursor,
			     struct directory_intent *intent_r)
{
	struct slice key = cursor->key;
	struct codec codec;
	uint64_t id;

	if (!store_key_take_u64(&key, &id)) {
		store_txn_fail(txn, ERR_CORRUPT);
		return false;
	}
	return row_of_value(txn, &cursor->value, &codec) &&
	       intent_end(txn, &codec, id, intent_r);
}

bool directory_intent_find(struct store_txn *txn, uint64_t id,
			   struct directory_intent *intent_r)
{
	struct store_key key = directory_number_key(id);
	struct codec codec;

	return row_find(txn, DIRECTORY_TABLE_INTENT, store_key_slice(&key),
			&codec) &&
	       intent_end(txn, &codec, id, intent_r);
}

bool directory_intent_next_id(struct directory_intent *intent, uint64_t *id_r)
{
	struct unpack in = unpack_of(intent->ids);

	*id_r = unpack_var(&in, UINT64_MAX);
	if (!unpack_ok(&in))
		return false;
	intent->ids = in.rest;
	return true;
}

void directory_intent_put(struct store_txn *txn, struct buf *scratch,
			  const struct directory_intent *intent)
{
	struct store_key key = directory_number_key(intent->id);
	struct directory_intent fields = *intent;
	struct codec codec = row_begin(scratch);

	intent_fields(&codec, &fields);
	row_put(txn, DIRECTORY_TABLE_INTENT, store_key_slice(&key), &codec);
}

/* ---- counters and settings ---- */

static void counters_fields(struct codec *codec,
			    struct directory_counters *counters)
{
	codec_var64(codec, &counters->next_id);
	codec_var32(codec, &counters->uidvalidity);
	codec_var64(codec, &counters->next_intent);
	codec_var32(codec, &counters->next_node);
	codec_var32(codec, &counters->next_group);
	codec_var32(codec, &counters->feature_level);
	codec_var64(codec, &counters->changes);
	codec_var64(codec, &counters->change_floor);
}

void directory_counters_get(struct store_txn *txn,
			    struct directory_counters *counters_r)
{
	struct codec codec;

	*counters_r = (struct directory_counters){
		.next_id = 1,
		.next_intent = 1,
		.next_node = 1,
		.next_group = 1,
		.feature_level = 1,
	};
	if (!row_find(txn, DIRECTORY_TABLE_COUNTER, single_key(), &codec))
		return;
	counters_fields(&codec, counters_r);
	(void)row_end(txn, &codec);
}

void directory_counters_put(struct store_txn *txn, struct buf *scratch,
			    const struct directory_counters *counters)
{
	struct directory_counters fields = *counters;
	struct codec codec = row_begin(scratch);

	counters_fields(&codec, &fields);
	row_put(txn, DIRECTORY_TABLE_COUNTER, single_key(), &codec);
}

bool directory_setting_find(struct store_txn *txn, struct slice name,
			    struct slice *value_r)
{
	struct store_key key;
	struct codec codec;

	if (name.len > DIRECTORY_SETTING_NAME_MAX ||
	    slice_find(name, '\0') < name.len)
		return false;
	key = directory_name_key(name);
	if (!row_find(txn, DIRECTORY_TABLE_SETTING, store_key_slice(&key),
		      &codec))
		return false;
	codec_bytes(&codec, value_r, DIRECTORY_SETTING_VALUE_MAX);
	return row_end(txn, &codec);
}
