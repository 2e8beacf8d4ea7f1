/*
 * Users: added with their INBOX, changed, removed with all they have, taken
 * out of the lists of others.
 *
 * Failures are refusals, before anything is written. Removing a user is
 * bounded by DIRECTORY_TREE_MAX mailboxes and DIRECTORY_SUBSCRIPTIONS_MAX
 * subscriptions.
 */
#include "base/mem.h"
#include "cluster/directory_apply.h"

/* ---- the lists of others ---- */

/* Ids of up to COMMAND_ROWS_MAX lists with the identifier. */
static uint32_t find_lists(struct directory_apply *a, struct slice identifier,
			   uint64_t *ids, bool *more_r)
{
	struct store_key prefix = directory_name_key(identifier);
	struct store_cursor cursor;
	uint32_t count = 0;
	bool on;

	*more_r = false;
	store_cursor_init(&cursor, a->txn, DIRECTORY_TABLE_BY_ACL);
	on = store_cursor_seek(&cursor, store_key_slice(&prefix));
	while (on && !*more_r &&
	       store_cursor_in(&cursor, store_key_slice(&prefix))) {
		struct slice key = slice_from(cursor.key, prefix.len);
		uint64_t id = 0;

		row_want(a->txn, store_key_take_u64(&key, &id));
		*more_r = count == COMMAND_ROWS_MAX;
		if (!*more_r)
			ids[count++] = id;
		on = store_cursor_next(&cursor);
	}
	store_cursor_fini(&cursor);
	return count;
}

/* The list without the identifier's entries, of either sign. */
static void list_without(struct slice acl, struct slice identifier,
			 struct buf *out)
{
	struct acl_entry entry;

	while (acl_next(&acl, &entry))
		if (!slice_eq(entry.identifier, identifier))
			acl_add_entry(&entry, out);
}

static void forget_in(struct directory_apply *a, uint64_t id,
		      struct slice identifier)
{
	struct store_key key = directory_by_acl_key(identifier, id);
	struct directory_mailbox mailbox;
	struct buf acl = { 0 };

	store_del(a->txn, DIRECTORY_TABLE_BY_ACL, store_key_slice(&key));
	if (!directory_mailbox_find_id(a->txn, id, &mailbox))
		return;
	directory_keep_mailbox(a, &mailbox);
	list_without(mailbox.acl, identifier, &acl);
	mailbox.acl = buf_slice(&acl);
	mailbox.changed_index = a->at->index;
	directory_mailbox_put(a->txn, a->scratch, &mailbox);
	directory_mailbox_changed(a, mailbox.name, mailbox.id);
	buf_fini(&acl);
}

/* Was a user of this name removed, and is still to be forgotten? */
static bool is_being_forgotten(struct directory_apply *a, struct slice name)
{
	struct directory_intent intent;
	struct directory_walk walk;
	bool found = false;

	directory_intent_walk(&walk, a->txn, 0);
	while (!found && directory_intent_next(&walk, &intent))
		found = intent.kind == DIRECTORY_INTENT_FORGET &&
			slice_eq(intent.name, name);
	directory_walk_end(&walk);
	return found;
}

/*
 * Who is added again has none of the rights of the one before, and the FORGET
 * of that one must not take what is given to him: so it is done now. Rights
 * that were given to a name before it is anybody's stay.
 */
static enum err forget_before(struct directory_apply *a, struct slice name)
{
	uint64_t *ids = arena_zalloc(a->arena, COMMAND_ROWS_MAX, sizeof(*ids));
	bool more;
	uint32_t count = find_lists(a, name, ids, &more);

	if (count == 0 || !is_being_forgotten(a, name))
		return ERR_NONE;
	if (more)
		return ERR_INUSE;
	for (uint32_t i = 0; i < count; i++)
		forget_in(a, ids[i], name);
	return ERR_NONE;
}

/* ---- USER_ADD ---- */

static enum err user_add_look(struct directory_apply *a,
			      const struct directory_user_add *command,
			      struct slice inbox,
			      struct directory_place *place_r)
{
	struct directory_user user;
	struct directory_mailbox mailbox;

	if (directory_user_find(a->txn, command->name, &user) ||
	    directory_mailbox_find(a->txn, inbox, &mailbox) ||
	    directory_has_children(a->txn, inbox))
		return ERR_EXISTS;
	if (!directory_uidvalidity_left(a, 1))
		return ERR_LIMIT;
	*place_r = (struct directory_place){ .fresh = true };
	return directory_place_choose(a, place_r, command->group);
}

static void user_add_write(struct directory_apply *a,
			   const struct directory_user_add *command,
			   struct slice inbox, struct directory_place *place)
{
	struct acl_entry owner = {
		.identifier = command->name,
		.rights = RIGHTS_ALL,
	};
	struct directory_user user = {
		.name = command->name,
		.enabled = command->enabled,
		.keys = command->keys,
		.quota_octets = command->quota_octets,
		.quota_messages = command->quota_messages,
		.mailboxes = 1,
		.created_index = a->at->index,
	};
	struct directory_user_add_result result;
	struct directory_mailbox mailbox;
	struct buf acl = { 0 };

	user.keys.version = user.keys.iterations > 0 ? 1 : 0;
	directory_place_begin(a, place, 0);
	user.id = place->root;
	user.group = place->group;
	directory_user_put(a->txn, a->scratch, &user);
	acl_add_entry(&owner, &acl);
	mailbox = directory_mailbox_make(a, place, inbox, buf_slice(&acl));
	buf_fini(&acl);
	directory_event(a, DIRECTORY_EVENT_USER, user.id, user.name);
	result = (struct directory_user_add_result){
		.id = user.id,
		.inbox_id = mailbox.id,
		.group = user.group,
		.uidvalidity = mailbox.uidvalidity,
	};
	directory_user_add_result_encode(&result, &a->result->payload);
}

void directory_apply_user_add(struct directory_apply *a)
{
	struct directory_user_add command;
	struct directory_place place;
	struct buf inbox = { 0 };
	enum err err = directory_user_add_decode(a->command->body, &command);

	names_add_inbox(command.name, &inbox);
	if (err == ERR_NONE)
		err = user_add_look(a, &command, buf_slice(&inbox), &place);
	if (err == ERR_NONE)
		err = forget_before(a, command.name);
	if (err != ERR_NONE)
		directory_refuse(a, err);
	else
		user_add_write(a, &command, buf_slice(&inbox), &place);
	buf_fini(&inbox);
}

/* ---- USER_SET ---- */

void directory_apply_user_set(struct directory_apply *a)
{
	struct directory_user_set command;
	struct directory_user user;
	enum err err = directory_user_set_decode(a->command->body, &command);

	if (err == ERR_NONE && !directory_take_user(a, command.name, &user))
		err = ERR_NOTFOUND;
	if (err != ERR_NONE) {
		directory_refuse(a, err);
		return;
	}
	if ((command.fields & DIRECTORY_USER_KEYS) != 0) {
		uint32_t version = user.keys.version + 1;

		user.keys = command.keys;
		user.keys.version = version;
	}
	if ((command.fields & DIRECTORY_USER_ENABLED) != 0)
		user.enabled = command.enabled;
	if ((command.fields & DIRECTORY_USER_QUOTA) != 0) {
		user.quota_octets = command.quota_octets;
		user.quota_messages = command.quota_messages;
	}
	directory_user_put(a->txn, a->scratch, &user);
	directory_event(a, DIRECTORY_EVENT_USER, user.id, user.name);
}

/* ---- USER_REMOVE ---- */

struct removal {
	struct directory_user_remove command;
	struct directory_user user;
	struct directory_mailbox *mailboxes; /* in the arena */
	uint32_t count;
};

static enum err removal_add(struct directory_apply *a, struct removal *r,
			    struct directory_mailbox *mailbox)
{
	if (mailbox->group == 0)
		return ERR_CANNOT;
	if (mailbox->state == DIRECTORY_MOVING)
		return ERR_INUSE;
	if (r->count == DIRECTORY_TREE_MAX)
		return ERR_LIMIT;
	directory_keep_mailbox(a, mailbox);
	r->mailboxes[r->count++] = *mailbox;
	return ERR_NONE;
}

static enum err removal_collect(struct directory_apply *a, struct removal *r)
{
	struct directory_mailbox mailbox;
	struct directory_walk walk;
	struct buf name = { 0 };
	enum err err = ERR_NONE;

	r->mailboxes = arena_alloc(a->arena,
				   DIRECTORY_TREE_MAX * sizeof(*r->mailboxes));
	names_add_inbox(r->user.name, &name);
	if (directory_mailbox_find(a->txn, buf_slice(&name), &mailbox))
		err = removal_add(a, r, &mailbox);
	buf_add_octet(&name, '.');
	directory_mailbox_walk(&walk, a->txn, buf_slice(&name), SLICE_NONE);
	while (err == ERR_NONE && directory_mailbox_next(&walk, &mailbox))
		err = removal_add(a, r, &mailbox);
	directory_walk_end(&walk);
	buf_fini(&name);
	return err;
}

/* PURGE intents of up to DIRECTORY_INTENT_IDS_MAX mailboxes each. */
static void removal_purge(struct directory_apply *a, const struct removal *r)
{
	struct directory_intent intent = {
		.kind = DIRECTORY_INTENT_PURGE,
		.group = r->user.group,
		.not_before_ms = directory_keep_until(a, r->command.keep_ms),
	};
	struct buf ids = { 0 };

	for (uint32_t i = 0; i < r->count; i++) {
		pack_var(&ids, r->mailboxes[i].id);
		intent.id_count++;
		if (intent.id_count < DIRECTORY_INTENT_IDS_MAX &&
		    i + 1 < r->count)
			continue;
		intent.name = r->mailboxes[i + 1 - intent.id_count].name;
		intent.ids = buf_slice(&ids);
		(void)directory_new_intent(a, &intent);
		intent.id_count = 0;
		buf_clear(&ids);
	}
	buf_fini(&ids);
}

static void removal_subscriptions(struct directory_apply *a,
				  const struct removal *r)
{
	struct store_key prefix = directory_number_key(r->user.id);
	struct store_cursor cursor;

	store_cursor_init(&cursor, a->txn, DIRECTORY_TABLE_SUBSCRIPTION);
	while (store_cursor_seek(&cursor, store_key_slice(&prefix)) &&
	       store_cursor_in(&cursor, store_key_slice(&prefix)))
		store_cursor_del(&cursor);
	store_cursor_fini(&cursor);
}

static void removal_write(struct directory_apply *a, const struct removal *r)
{
	struct directory_user_remove_result result = {
		.id = r->user.id,
		.group = r->user.group,
		.mailboxes = r->count,
	};
	struct directory_intent forget = {
		.kind = DIRECTORY_INTENT_FORGET,
		.name = r->user.name,
	};
	struct store_key key = directory_name_key(r->user.name);

	for (uint32_t i = 0; i < r->count; i++)
		directory_mailbox_remove(a, &r->mailboxes[i]);
	removal_subscriptions(a, r);
	store_del(a->txn, DIRECTORY_TABLE_USER, store_key_slice(&key));
	directory_homes_add(a, r->user.group, -1);
	removal_purge(a, r);
	(void)directory_new_intent(a, &forget);
	directory_event(a, DIRECTORY_EVENT_USER, r->user.id, r->user.name);
	directory_user_remove_result_encode(&result, &a->result->payload);
}

void directory_apply_user_remove(struct directory_apply *a)
{
	struct removal r = { 0 };
	enum err err =
		directory_user_remove_decode(a->command->body, &r.command);

	if (err == ERR_NONE && !directory_take_user(a, r.command.name, &r.user))
		err = ERR_NOTFOUND;
	if (err == ERR_NONE)
		err = removal_collect(a, &r);
	if (err != ERR_NONE)
		directory_refuse(a, err);
	else
		removal_write(a, &r);
}

/* ---- USER_FORGET ---- */

void directory_apply_user_forget(struct directory_apply *a)
{
	struct directory_user_forget command;
	struct directory_user_forget_result result = { 0 };
	struct directory_user user;
	uint64_t *ids;
	enum err err = directory_user_forget_decode(a->command->body, &command);

	if (err != ERR_NONE) {
		directory_refuse(a, err);
		return;
	}
	ids = arena_zalloc(a->arena, COMMAND_ROWS_MAX, sizeof(*ids));
	/* Added again: the one before was forgotten then. */
	if (!directory_user_find(a->txn, command.identifier, &user))
		result.changed =
			find_lists(a, command.identifier, ids, &result.more);
	for (uint32_t i = 0; i < result.changed; i++)
		forget_in(a, ids[i], command.identifier);
	directory_user_forget_result_encode(&result, &a->result->payload);
}
