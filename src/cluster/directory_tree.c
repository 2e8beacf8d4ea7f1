/*
 * Trees of mailboxes: where a name belongs, what is above it, rows with their
 * indexes.
 *
 * A personal tree belongs to its user's record, which says the group; a shared
 * one is known by any of its mailboxes, and by none it does not exist.
 * Failures: refusals, before anything is written.
 */
#include "cluster/directory_apply.h"

void directory_keep_mailbox(struct directory_apply *a,
			    struct directory_mailbox *mailbox)
{
	mailbox->name = arena_slice(a->arena, mailbox->name);
	mailbox->location = arena_slice(a->arena, mailbox->location);
	mailbox->acl = arena_slice(a->arena, mailbox->acl);
}

bool directory_take_mailbox(struct directory_apply *a, struct slice name,
			    struct directory_mailbox *mailbox_r)
{
	if (!directory_mailbox_find(a->txn, name, mailbox_r))
		return false;
	directory_keep_mailbox(a, mailbox_r);
	return true;
}

bool directory_take_user(struct directory_apply *a, struct slice name,
			 struct directory_user *user_r)
{
	struct directory_keys *keys = &user_r->keys;

	if (!directory_user_find(a->txn, name, user_r))
		return false;
	user_r->name = arena_slice(a->arena, user_r->name);
	keys->salt = arena_slice(a->arena, keys->salt);
	keys->stored_key = arena_slice(a->arena, keys->stored_key);
	keys->server_key = arena_slice(a->arena, keys->server_key);
	return true;
}

/* ---- places ---- */

bool directory_take_owner(struct directory_apply *a, struct slice name,
			  struct directory_user *user_r)
{
	struct buf owner = { 0 };
	bool found = names_add_owner(name, &owner) &&
		     directory_take_user(a, buf_slice(&owner), user_r);

	buf_fini(&owner);
	return found;
}

static enum err place_personal(struct directory_apply *a, struct slice name,
			       struct directory_place *place)
{
	if (!directory_take_owner(a, name, &place->user))
		return ERR_NONEXISTENT_PARENT;
	place->personal = true;
	place->group = place->user.group;
	place->root = place->user.id;
	return ERR_NONE;
}

/* The root's record or, where it has none, the first one below it. */
static bool any_of_tree(struct directory_apply *a, struct slice name,
			struct directory_mailbox *mailbox_r)
{
	struct slice root = names_root(name);
	struct directory_walk walk;
	struct buf prefix = { 0 };
	bool found;

	if (directory_mailbox_find(a->txn, root, mailbox_r))
		return true;
	buf_add_slice(&prefix, root);
	buf_add_octet(&prefix, '.');
	directory_mailbox_walk(&walk, a->txn, buf_slice(&prefix), SLICE_NONE);
	found = directory_mailbox_next(&walk, mailbox_r);
	directory_walk_end(&walk);
	buf_fini(&prefix);
	return found;
}

enum err directory_place_find(struct directory_apply *a, struct slice name,
			      struct directory_place *place_r)
{
	struct directory_mailbox mailbox;

	memset(place_r, 0, sizeof(*place_r));
	if (names_is_personal(name)) {
		enum err err = place_personal(a, name, place_r);

		if (err != ERR_NONE)
			return err;
		if (!any_of_tree(a, name, &mailbox))
			return ERR_NONE;
	} else if (any_of_tree(a, name, &mailbox)) {
		place_r->group = mailbox.group;
		place_r->root = mailbox.root;
	} else {
		place_r->fresh = true;
		return ERR_NONE;
	}
	if (mailbox.group == 0)
		return ERR_CANNOT;
	return mailbox.state == DIRECTORY_MOVING ? ERR_INUSE : ERR_NONE;
}

enum err directory_place_choose(struct directory_apply *a,
				struct directory_place *place, uint32_t group)
{
	struct directory_group record;

	if (!place->fresh)
		return ERR_NONE;
	if (group == 0)
		group = directory_group_for_home(a->txn);
	else if (!directory_group_find(a->txn, group, &record))
		return ERR_NOTFOUND;
	place->group = group;
	return group == 0 ? ERR_UNAVAILABLE : ERR_NONE;
}

void directory_homes_add(struct directory_apply *a, uint32_t group, int more)
{
	struct directory_group record;

	if (!directory_group_find(a->txn, group, &record))
		return;
	row_want(a->txn, more > 0 || record.homes > 0);
	record.homes = more > 0 ? record.homes + 1 : record.homes - 1;
	record.zone = arena_slice(a->arena, record.zone);
	directory_group_row_put(a->txn, a->scratch, &record);
	directory_event(a, DIRECTORY_EVENT_GROUP, group, SLICE_NONE);
}

void directory_place_begin(struct directory_apply *a,
			   struct directory_place *place, uint64_t root)
{
	if (!place->fresh)
		return;
	place->root = root != 0 ? root : directory_new_id(a);
	place->fresh = false;
	directory_homes_add(a, place->group, 1);
}

void directory_tree_left(struct directory_apply *a, struct slice name,
			 uint32_t group)
{
	struct directory_mailbox mailbox;

	if (!names_is_personal(name) && !any_of_tree(a, name, &mailbox))
		directory_homes_add(a, group, -1);
}

/* ---- superior names ---- */

/* Without a superior: the owner has all rights, a shared one what is given. */
static struct slice first_acl(struct directory_apply *a, struct slice name,
			      struct slice acl)
{
	struct acl_entry entry = { .rights = RIGHTS_ALL };
	struct buf owner = { 0 };
	struct buf list = { 0 };
	struct slice result = acl;

	if (names_add_owner(name, &owner)) {
		entry.identifier = buf_slice(&owner);
		acl_add_entry(&entry, &list);
		result = arena_slice(a->arena, buf_slice(&list));
	}
	buf_fini(&owner);
	buf_fini(&list);
	return result;
}

enum err directory_superiors_find(struct directory_apply *a, struct slice name,
				  struct slice acl,
				  struct directory_superiors *sup_r)
{
	struct directory_mailbox above;

	*sup_r = (struct directory_superiors){
		.names = arena_zalloc(a->arena, DIRECTORY_DEPTH_MAX,
				      sizeof(*sup_r->names)),
	};
	while (names_parent(name, &name)) {
		if (directory_mailbox_find(a->txn, name, &above)) {
			sup_r->acl = arena_slice(a->arena, above.acl);
			return above.group == 0 ? ERR_CANNOT : ERR_NONE;
		}
		if (!names_is_inbox_shadow(name))
			sup_r->names[sup_r->count++] = name;
	}
	sup_r->acl = first_acl(a, name, acl);
	return ERR_NONE;
}

void directory_superiors_make(struct directory_apply *a,
			      const struct directory_place *place,
			      const struct directory_superiors *sup)
{
	for (uint32_t i = sup->count; i-- > 0;)
		(void)directory_mailbox_make(a, place, sup->names[i], sup->acl);
}

/* ---- rows with their indexes ---- */

static void by_acl_put(struct directory_apply *a,
		       const struct directory_mailbox *mailbox)
{
	struct slice acl = mailbox->acl;
	struct acl_entry entry;

	while (acl_next(&acl, &entry)) {
		struct store_key key =
			directory_by_acl_key(entry.identifier, mailbox->id);

		store_put(a->txn, DIRECTORY_TABLE_BY_ACL, store_key_slice(&key),
			  ROW_VERSION, SLICE_NONE);
	}
}

static void by_acl_del(struct directory_apply *a,
		       const struct directory_mailbox *mailbox)
{
	struct slice acl = mailbox->acl;
	struct acl_entry entry;

	while (acl_next(&acl, &entry)) {
		struct store_key key =
			directory_by_acl_key(entry.identifier, mailbox->id);

		store_del(a->txn, DIRECTORY_TABLE_BY_ACL,
			  store_key_slice(&key));
	}
}

void directory_mailbox_insert(struct directory_apply *a,
			      const struct directory_mailbox *mailbox)
{
	struct store_key key = directory_number_key(mailbox->id);
	struct slice name = mailbox->name;
	struct codec codec;

	directory_mailbox_put(a->txn, a->scratch, mailbox);
	codec = row_begin(a->scratch);
	codec_bytes(&codec, &name, NAMES_MAILBOX_MAX);
	row_put(a->txn, DIRECTORY_TABLE_BY_ID, store_key_slice(&key), &codec);
	by_acl_put(a, mailbox);
	directory_mailbox_changed(a, mailbox->name, mailbox->id);
}

void directory_mailbox_remove(struct directory_apply *a,
			      const struct directory_mailbox *mailbox)
{
	struct store_key name = directory_name_key(mailbox->name);
	struct store_key id = directory_number_key(mailbox->id);

	store_del(a->txn, DIRECTORY_TABLE_MAILBOX, store_key_slice(&name));
	store_del(a->txn, DIRECTORY_TABLE_BY_ID, store_key_slice(&id));
	by_acl_del(a, mailbox);
	directory_mailbox_changed(a, mailbox->name, mailbox->id);
}

struct directory_mailbox
directory_mailbox_make(struct directory_apply *a,
		       const struct directory_place *place, struct slice name,
		       struct slice acl)
{
	struct directory_mailbox mailbox = {
		.name = name,
		.id = directory_new_id(a),
		.state = DIRECTORY_ACTIVE,
		.group = place->group,
		.root = place->root,
		.acl = acl,
		.uidvalidity = directory_new_uidvalidity(a),
		.created_index = a->at->index,
		.changed_index = a->at->index,
	};

	row_want(a->txn, place->group != 0 && place->root != 0);
	directory_mailbox_insert(a, &mailbox);
	return mailbox;
}

/* ---- special uses ---- */

void directory_uses_set(struct directory_user *user, uint8_t uses,
			uint64_t mailbox)
{
	directory_uses_clear(user, mailbox);
	for (unsigned i = 0; i < DIRECTORY_USES; i++)
		if ((uses >> i & 1) != 0)
			user->special_use[i] = mailbox;
}

void directory_uses_clear(struct directory_user *user, uint64_t mailbox)
{
	for (unsigned i = 0; i < DIRECTORY_USES; i++)
		if (user->special_use[i] == mailbox)
			user->special_use[i] = 0;
}

bool directory_uses_taken(const struct directory_user *user, uint8_t uses,
			  uint64_t mailbox)
{
	for (unsigned i = 0; i < DIRECTORY_USES; i++)
		if ((uses >> i & 1) != 0 && user->special_use[i] != 0 &&
		    user->special_use[i] != mailbox)
			return true;
	return false;
}
