/*
 * Questions about the directory: walks over its tables.
 *
 * A walk is a cursor with the prefix that its keys must have. Failures: what
 * cannot be read ends the walk, and the transaction knows why.
 */
#include "cluster/directory.h"

#include "base/panic.h"
#include "cluster/directory_row.h"
#include "cluster/row.h"

/* ---- the walk itself ---- */

/* Rows whose key begins with `prefix`, from `from` on. */
static void walk_begin(struct directory_walk *walk, struct store_txn *txn,
		       unsigned table, struct slice prefix, struct slice from)
{
	walk->txn = txn;
	walk->started = false;
	store_key_init(&walk->prefix);
	store_key_raw(&walk->prefix, prefix);
	store_cursor_init(&walk->cursor, txn, table);
	store_cursor_seek(&walk->cursor, from);
}

static bool walk_next(struct directory_walk *walk)
{
	if (walk->started && walk->cursor.valid)
		store_cursor_next(&walk->cursor);
	walk->started = true;
	return store_cursor_in(&walk->cursor, store_key_slice(&walk->prefix));
}

void directory_walk_end(struct directory_walk *walk)
{
	store_cursor_fini(&walk->cursor);
}

/* The lowest key behind that of a string: 0x00 ends it, 0x01 is above. */
static struct store_key behind_name(struct slice name)
{
	struct store_key key;

	store_key_init(&key);
	if (name.len > 0) {
		store_key_raw(&key, name);
		store_key_u8(&key, 1);
	}
	return key;
}

/* ---- mailboxes ---- */

void directory_mailbox_walk(struct directory_walk *walk, struct store_txn *txn,
			    struct slice prefix, struct slice after)
{
	struct store_key from = behind_name(after);

	walk_begin(walk, txn, DIRECTORY_TABLE_MAILBOX, prefix,
		   slice_cmp(store_key_slice(&from), prefix) > 0
			   ? store_key_slice(&from)
			   : prefix);
}

bool directory_mailbox_next(struct directory_walk *walk,
			    struct directory_mailbox *mailbox_r)
{
	return walk_next(walk) &&
	       directory_mailbox_of_row(walk->txn, &walk->cursor, mailbox_r);
}

bool directory_has_children(struct store_txn *txn, struct slice name)
{
	struct store_cursor cursor;
	struct store_key prefix;
	bool found;

	if (name.len > NAMES_MAILBOX_MAX)
		return false;
	store_key_init(&prefix);
	store_key_raw(&prefix, name);
	store_key_u8(&prefix, '.');
	store_cursor_init(&cursor, txn, DIRECTORY_TABLE_MAILBOX);
	found = store_cursor_seek(&cursor, store_key_slice(&prefix)) &&
		store_cursor_in(&cursor, store_key_slice(&prefix));
	store_cursor_fini(&cursor);
	return found;
}

/* ---- users and subscriptions ---- */

void directory_user_walk(struct directory_walk *walk, struct store_txn *txn,
			 struct slice after)
{
	struct store_key from = behind_name(after);

	walk_begin(walk, txn, DIRECTORY_TABLE_USER, SLICE_NONE,
		   store_key_slice(&from));
}

bool directory_user_next(struct directory_walk *walk,
			 struct directory_user *user_r)
{
	return walk_next(walk) &&
	       directory_user_of_row(walk->txn, &walk->cursor, user_r);
}

bool directory_is_subscribed(struct store_txn *txn, uint64_t user_id,
			     struct slice name)
{
	struct store_key key;
	struct store_value value;

	if (names_check_foreign(name) != ERR_NONE)
		return false;
	key = directory_subscription_key(user_id, name);
	return store_get(txn, DIRECTORY_TABLE_SUBSCRIPTION,
			 store_key_slice(&key), &value);
}

void directory_subscription_walk(struct directory_walk *walk,
				 struct store_txn *txn, uint64_t user_id,
				 struct slice after)
{
	struct store_key prefix = directory_number_key(user_id);
	struct store_key from = prefix;
	struct store_key name = behind_name(after);

	store_key_raw(&from, store_key_slice(&name));
	walk_begin(walk, txn, DIRECTORY_TABLE_SUBSCRIPTION,
		   store_key_slice(&prefix), store_key_slice(&from));
}

bool directory_subscription_next(struct directory_walk *walk,
				 struct slice *name_r)
{
	struct slice key;
	uint64_t user_id;

	if (!walk_next(walk))
		return false;
	key = walk->cursor.key;
	if (store_key_take_u64(&key, &user_id) &&
	    store_key_take_str(&key, name_r))
		return true;
	store_txn_fail(walk->txn, ERR_CORRUPT);
	return false;
}

/* ---- members and groups ---- */

void directory_member_walk(struct directory_walk *walk, struct store_txn *txn)
{
	walk_begin(walk, txn, DIRECTORY_TABLE_MEMBER, SLICE_NONE, SLICE_NONE);
}

bool directory_member_next(struct directory_walk *walk,
			   struct directory_member *member_r)
{
	return walk_next(walk) &&
	       directory_member_of_row(walk->txn, &walk->cursor, member_r);
}

bool directory_member_find_name(struct store_txn *txn, struct slice name,
				struct directory_member *member_r)
{
	struct directory_walk walk;
	bool found = false;

	directory_member_walk(&walk, txn);
	while (!found && directory_member_next(&walk, member_r))
		found = member_r->state != DIRECTORY_MEMBER_REMOVED &&
			slice_eq_nocase(member_r->name, name);
	directory_walk_end(&walk);
	return found;
}

bool directory_member_find_key(struct store_txn *txn, struct slice key_hash,
			       struct directory_member *member_r)
{
	struct directory_walk walk;
	bool found = false;

	directory_member_walk(&walk, txn);
	while (!found && directory_member_next(&walk, member_r))
		found = member_r->state != DIRECTORY_MEMBER_REMOVED &&
			directory_member_has_key(member_r, key_hash);
	directory_walk_end(&walk);
	return found;
}

void directory_token_walk(struct directory_walk *walk, struct store_txn *txn)
{
	walk_begin(walk, txn, DIRECTORY_TABLE_TOKEN, SLICE_NONE, SLICE_NONE);
}

bool directory_token_next(struct directory_walk *walk,
			  struct directory_token *token_r)
{
	return walk_next(walk) &&
	       directory_token_of_row(walk->txn, &walk->cursor, token_r);
}

void directory_group_walk(struct directory_walk *walk, struct store_txn *txn)
{
	walk_begin(walk, txn, DIRECTORY_TABLE_GROUP, SLICE_NONE, SLICE_NONE);
}

bool directory_group_next(struct directory_walk *walk,
			  struct directory_group *group_r)
{
	return walk_next(walk) &&
	       directory_group_of_row(walk->txn, &walk->cursor, group_r);
}

static bool takes_homes(const struct directory_group *group)
{
	if (group->group == 0 || group->weight == 0)
		return false;
	for (unsigned i = 0; i < group->replica_count; i++)
		if (group->replicas[i].state == DIRECTORY_REPLICA_SERVING)
			return true;
	return false;
}

/* Fewer homes for its weight; the product of both is below 2^96. */
static bool is_lighter(const struct directory_group *a,
		       const struct directory_group *b)
{
	__extension__ typedef unsigned __int128 wide;

	return (wide)a->homes * b->weight < (wide)b->homes * a->weight;
}

uint32_t directory_group_for_home(struct store_txn *txn)
{
	struct directory_group group;
	struct directory_group best = { .group = 0 };
	struct directory_walk walk;

	directory_group_walk(&walk, txn);
	while (directory_group_next(&walk, &group))
		if (takes_homes(&group) &&
		    (best.group == 0 || is_lighter(&group, &best)))
			best = group;
	directory_walk_end(&walk);
	return best.group;
}

/* ---- intents and settings ---- */

void directory_intent_walk(struct directory_walk *walk, struct store_txn *txn,
			   uint64_t after)
{
	struct store_key from = directory_number_key(after + 1);

	MUST(after < UINT64_MAX);
	walk_begin(walk, txn, DIRECTORY_TABLE_INTENT, SLICE_NONE,
		   store_key_slice(&from));
}

bool directory_intent_next(struct directory_walk *walk,
			   struct directory_intent *intent_r)
{
	return walk_next(walk) &&
	       directory_intent_of_row(walk->txn, &walk->cursor, intent_r);
}

void directory_setting_walk(struct directory_walk *walk, struct store_txn *txn)
{
	walk_begin(walk, txn, DIRECTORY_TABLE_SETTING, SLICE_NONE, SLICE_NONE);
}

bool directory_setting_next(struct directory_walk *walk, struct slice *name_r,
			    struct slice *value_r)
{
	struct slice key;

	if (!walk_next(walk))
		return false;
	key = walk->cursor.key;
	if (store_key_take_str(&key, name_r))
		return directory_setting_find(walk->txn, *name_r, value_r);
	store_txn_fail(walk->txn, ERR_CORRUPT);
	return false;
}

/* ---- changes ---- */

void directory_change_walk(struct directory_walk *walk, struct store_txn *txn,
			   uint64_t since)
{
	struct store_key from = directory_change_key(since + 1, 0, 0);

	MUST(since < UINT64_MAX);
	walk_begin(walk, txn, DIRECTORY_TABLE_CHANGE, SLICE_NONE,
		   store_key_slice(&from));
}

bool directory_change_next(struct directory_walk *walk,
			   struct directory_change_name *change_r)
{
	struct slice key;
	struct codec codec;

	if (!walk_next(walk) ||
	    !row_of_value(walk->txn, &walk->cursor.value, &codec))
		return false;
	codec_bytes(&codec, &change_r->name, NAMES_MAILBOX_MAX);
	key = walk->cursor.key;
	if (!store_key_take_u64(&key, &change_r->index))
		codec_fail(&codec, ERR_SYNTAX);
	return row_end(walk->txn, &codec);
}

/* ---- what others share ---- */

/* The id in the key under the cursor, or UINT64_MAX at the end. */
static void source_look(struct directory_walk_source *source,
			struct store_txn *txn)
{
	struct slice key;

	source->id = UINT64_MAX;
	if (!store_cursor_in(&source->cursor, store_key_slice(&source->prefix)))
		return;
	key = slice_from(source->cursor.key, source->prefix.len);
	if (!store_key_take_u64(&key, &source->id))
		store_txn_fail(txn, ERR_CORRUPT);
}

static void source_add(struct directory_shared_walk *walk,
		       struct slice identifier, uint64_t after)
{
	struct directory_walk_source *source = &walk->sources[walk->count];
	struct store_key from;

	if (acl_check_identifier(identifier) != ERR_NONE)
		return; /* stands in no list */
	walk->count++;
	source->prefix = directory_name_key(identifier);
	from = directory_by_acl_key(identifier, after + 1);
	store_cursor_init(&source->cursor, walk->txn, DIRECTORY_TABLE_BY_ACL);
	store_cursor_seek(&source->cursor, store_key_slice(&from));
	source_look(source, walk->txn);
}

void directory_shared_walk(struct directory_shared_walk *walk,
			   struct store_txn *txn, const struct identity *who,
			   uint64_t after)
{
	MUST(who->group_count <= IDENTITY_GROUPS_MAX);
	MUST(after < UINT64_MAX);
	walk->txn = txn;
	walk->count = 0;
	source_add(walk, SLICE_LIT("anyone"), after);
	source_add(walk, who->user.len > 0 ? who->user : SLICE_LIT("anonymous"),
		   after);
	for (size_t i = 0; i < who->group_count; i++)
		source_add(walk, who->groups[i], after);
}

/* The lowest id of all sources; those that stand on it go on. */
static uint64_t shared_take(struct directory_shared_walk *walk)
{
	uint64_t id = UINT64_MAX;

	for (unsigned i = 0; i < walk->count; i++)
		if (walk->sources[i].id < id)
			id = walk->sources[i].id;
	for (unsigned i = 0; i < walk->count; i++) {
		struct directory_walk_source *source = &walk->sources[i];

		if (source->id != id || id == UINT64_MAX)
			continue;
		store_cursor_next(&source->cursor);
		source_look(source, walk->txn);
	}
	return id;
}

bool directory_shared_next(struct directory_shared_walk *walk,
			   struct directory_mailbox *mailbox_r)
{
	uint64_t id;

	while ((id = shared_take(walk)) != UINT64_MAX)
		if (directory_mailbox_find_id(walk->txn, id, mailbox_r))
			return true;
	return false;
}

void directory_shared_walk_end(struct directory_shared_walk *walk)
{
	for (unsigned i = 0; i < walk->count; i++)
		store_cursor_fini(&walk->sources[i].cursor);
	walk->count = 0;
}
