/*
 * RENAME: a mailbox with all below it, in one entry of the log.
 *
 * The tree is collected into memory, every new name is looked at, then all old
 * rows go and all new ones come. INBOX is another matter: its messages go to
 * the new name by giving that the old id, and what is below stays.
 *
 * Failures are refusals; what is refused has written nothing. The number of
 * mailboxes is bounded by DIRECTORY_TREE_MAX.
 */
#include "cluster/directory_apply.h"

struct renaming {
	struct directory_rename command;
	struct directory_mailbox *mailboxes; /* the one itself first, if any */
	uint32_t count;
	uint32_t group;               /* of all of them */
	bool itself;                  /* `from` has a record */
	struct directory_place place; /* of the new name */
	struct directory_superiors superiors;
};

/* ---- what is renamed ---- */

static enum err add_mailbox(struct directory_apply *a, struct renaming *r,
			    struct directory_mailbox *mailbox)
{
	if (r->count == DIRECTORY_TREE_MAX)
		return ERR_LIMIT;
	if (mailbox->state == DIRECTORY_MOVING)
		return ERR_INUSE;
	directory_keep_mailbox(a, mailbox);
	if (r->count > 0 && mailbox->group != r->group)
		return ERR_CANNOT;
	r->group = mailbox->group;
	r->mailboxes[r->count++] = *mailbox;
	return ERR_NONE;
}

/* A name for the list of foreign ones, as long as there is room. */
static void list_foreign(struct directory_apply *a, struct slice name,
			 unsigned *count)
{
	struct buf *payload = &a->result->payload;

	if (*count == DIRECTORY_FOREIGN_LIST_MAX ||
	    payload->len + name.len + 2 > COMMAND_RESULT_MAX)
		return;
	pack_bytes(payload, name);
	++*count;
}

/* Beginning with the mailbox itself, if it has a record. */
static enum err collect_below(struct directory_apply *a, struct renaming *r,
			      struct slice prefix)
{
	struct directory_mailbox mailbox;
	struct directory_walk walk;
	enum err err = ERR_NONE;
	unsigned foreign = 0;

	directory_mailbox_walk(&walk, a->txn, prefix, SLICE_NONE);
	while (err == ERR_NONE && directory_mailbox_next(&walk, &mailbox)) {
		if (mailbox.group == 0)
			list_foreign(a, mailbox.name, &foreign);
		else
			err = add_mailbox(a, r, &mailbox);
	}
	directory_walk_end(&walk);
	return err == ERR_NONE && foreign > 0 ? ERR_CANNOT : err;
}

static enum err collect_itself(struct directory_apply *a, struct renaming *r)
{
	struct directory_mailbox mailbox;
	unsigned foreign = 0;

	r->itself = directory_mailbox_find(a->txn, r->command.from, &mailbox);
	if (!r->itself)
		return r->command.id != 0 ? ERR_NOTFOUND : ERR_NONE;
	if (r->command.id != 0 && r->command.id != mailbox.id)
		return ERR_STALE;
	if (mailbox.group != 0)
		return add_mailbox(a, r, &mailbox);
	list_foreign(a, mailbox.name, &foreign);
	return ERR_CANNOT;
}

static enum err collect(struct directory_apply *a, struct renaming *r)
{
	struct buf prefix = { 0 };
	enum err err;

	r->mailboxes = arena_alloc(a->arena,
				   DIRECTORY_TREE_MAX * sizeof(*r->mailboxes));
	err = collect_itself(a, r);
	if (err != ERR_NONE)
		return err;
	buf_add_slice(&prefix, r->command.from);
	buf_add_octet(&prefix, '.');
	err = collect_below(a, r, buf_slice(&prefix));
	buf_fini(&prefix);
	if (err == ERR_NONE && r->count == 0)
		return ERR_NOTFOUND;
	return err;
}

/* ---- the new names ---- */

/* `from` replaced by `to` at the front, in the arena. */
static struct slice new_name(struct directory_apply *a,
			     const struct renaming *r, struct slice name)
{
	struct slice tail = slice_from(name, r->command.from.len);
	size_t len = r->command.to.len + tail.len;
	uint8_t *octets = arena_alloc(a->arena, len);

	memcpy(octets, r->command.to.data, r->command.to.len);
	if (tail.len > 0)
		memcpy(octets + r->command.to.len, tail.data, tail.len);
	return slice_of(octets, len);
}

static bool moves_away(const struct renaming *r, struct slice name)
{
	return slice_eq(name, r->command.from) ||
	       names_is_below(name, r->command.from);
}

static enum err look_at_names(struct directory_apply *a,
			      const struct renaming *r)
{
	struct directory_mailbox other;

	if (directory_mailbox_find(a->txn, r->command.to, &other))
		return ERR_EXISTS;
	for (uint32_t i = 0; i < r->count; i++) {
		struct slice name = new_name(a, r, r->mailboxes[i].name);

		if (name.len > NAMES_MAILBOX_MAX)
			return ERR_LIMIT;
		if (!moves_away(r, name) &&
		    directory_mailbox_find(a->txn, name, &other))
			return ERR_EXISTS;
	}
	return ERR_NONE;
}

static bool same_root(const struct renaming *r)
{
	return slice_eq(names_root(r->command.from), names_root(r->command.to));
}

/* How many mailboxes the user of the new name has more. */
static uint64_t user_gains(const struct renaming *r)
{
	return r->superiors.count + (same_root(r) ? 0 : r->count);
}

/* Where the new name is, and what is missing above it. */
static enum err look_at_place(struct directory_apply *a, struct renaming *r,
			      uint64_t more)
{
	enum err err = directory_place_find(a, r->command.to, &r->place);

	if (err == ERR_NONE && r->place.fresh)
		r->place.group = r->group;
	if (err == ERR_NONE && r->place.group != r->group)
		err = ERR_CANNOT;
	if (err == ERR_NONE)
		err = directory_superiors_find(
			a, r->command.to, r->mailboxes[0].acl, &r->superiors);
	if (err != ERR_NONE)
		return err;
	if (!directory_uidvalidity_left(a, r->superiors.count + 1))
		return ERR_LIMIT;
	if (r->place.personal &&
	    r->place.user.mailboxes + user_gains(r) + more > DIRECTORY_TREE_MAX)
		return ERR_LIMIT;
	return ERR_NONE;
}

/* ---- a tree ---- */

static enum err tree_look(struct directory_apply *a, struct renaming *r)
{
	enum err err;

	if (names_is_below(r->command.to, r->command.from))
		return ERR_CANNOT;
	err = collect(a, r);
	if (err == ERR_NONE && names_is_personal(r->command.to) &&
	    names_is_root(r->command.to))
		err = ERR_CANNOT; /* users are made by USER_ADD */
	if (err == ERR_NONE)
		err = look_at_names(a, r);
	return err == ERR_NONE ? look_at_place(a, r, 0) : err;
}

/* The old owner's count and special uses, or the old shared tree's home. */
static void leave_root(struct directory_apply *a, struct renaming *r)
{
	struct directory_user user;

	if (!names_is_personal(r->command.from)) {
		directory_tree_left(a, r->command.from, r->group);
		return;
	}
	if (!directory_take_owner(a, r->command.from, &user))
		return;
	for (uint32_t i = 0; i < r->count; i++)
		directory_uses_clear(&user, r->mailboxes[i].id);
	row_want(a->txn, user.mailboxes >= r->count);
	user.mailboxes -= r->count;
	directory_user_put(a->txn, a->scratch, &user);
}

/* The usage of renamed mailboxes has to follow them to their new root. */
static void reroot(struct directory_apply *a, const struct renaming *r)
{
	struct directory_intent intent = {
		.kind = DIRECTORY_INTENT_REROOT,
		.group = r->group,
		.root = r->place.root,
	};
	struct buf ids = { 0 };

	for (uint32_t i = 0; i < r->count; i++) {
		pack_var(&ids, r->mailboxes[i].id);
		intent.id_count++;
		if (intent.id_count < DIRECTORY_INTENT_IDS_MAX &&
		    i + 1 < r->count)
			continue;
		intent.ids = buf_slice(&ids);
		(void)directory_new_intent(a, &intent);
		intent.id_count = 0;
		buf_clear(&ids);
	}
	buf_fini(&ids);
}

/* A shared tree that is renamed as a whole keeps its root and its home. */
static uint64_t kept_root(const struct renaming *r)
{
	return !names_is_personal(r->command.from) &&
			       names_is_root(r->command.from)
		       ? r->mailboxes[0].root
		       : 0;
}

static void put_renamed(struct directory_apply *a, const struct renaming *r,
			const struct directory_mailbox *old)
{
	struct directory_mailbox mailbox = *old;

	mailbox.name = new_name(a, r, old->name);
	mailbox.changed_index = a->at->index;
	if (mailbox.root != r->place.root)
		mailbox.special_use = 0;
	mailbox.root = r->place.root;
	directory_mailbox_insert(a, &mailbox);
}

static void tree_write(struct directory_apply *a, struct renaming *r)
{
	struct directory_rename_result result = {
		.id = r->itself ? r->mailboxes[0].id : 0,
		.renamed = r->count,
	};
	uint32_t gains = (uint32_t)user_gains(r);
	bool moves_root;

	directory_place_begin(a, &r->place, kept_root(r));
	moves_root = r->mailboxes[0].root != r->place.root;
	for (uint32_t i = 0; i < r->count; i++)
		directory_mailbox_remove(a, &r->mailboxes[i]);
	if (!same_root(r))
		leave_root(a, r);
	directory_superiors_make(a, &r->place, &r->superiors);
	for (uint32_t i = 0; i < r->count; i++)
		put_renamed(a, r, &r->mailboxes[i]);
	if (r->place.personal && gains > 0) {
		r->place.user.mailboxes += gains;
		directory_user_put(a->txn, a->scratch, &r->place.user);
	}
	if (moves_root)
		reroot(a, r);
	directory_rename_result_encode(&result, &a->result->payload);
}

/* ---- INBOX ---- */

static enum err inbox_look(struct directory_apply *a, struct renaming *r)
{
	struct directory_mailbox other;
	enum err err;

	if (!same_root(r))
		return ERR_CANNOT;
	r->mailboxes = arena_alloc(a->arena, sizeof(*r->mailboxes));
	err = collect_itself(a, r);
	if (err == ERR_NONE && !r->itself)
		err = ERR_NOTFOUND;
	if (err == ERR_NONE &&
	    directory_mailbox_find(a->txn, r->command.to, &other))
		err = ERR_EXISTS;
	return err == ERR_NONE ? look_at_place(a, r, 1) : err;
}

static void inbox_write(struct directory_apply *a, struct renaming *r)
{
	struct directory_mailbox inbox = r->mailboxes[0];
	struct directory_rename_result result = {
		.id = inbox.id,
		.renamed = 1,
	};
	struct directory_user *user = &r->place.user;

	directory_mailbox_remove(a, &inbox);
	result.inbox_id =
		directory_mailbox_make(a, &r->place, inbox.name, inbox.acl).id;
	directory_superiors_make(a, &r->place, &r->superiors);
	inbox.name = r->command.to;
	inbox.changed_index = a->at->index;
	directory_mailbox_insert(a, &inbox);
	user->mailboxes += r->superiors.count + 1;
	directory_user_put(a->txn, a->scratch, user);
	directory_rename_result_encode(&result, &a->result->payload);
}

void directory_apply_rename(struct directory_apply *a)
{
	struct renaming r = { 0 };
	enum err err = directory_rename_decode(a->command->body, &r.command);
	bool inbox = names_is_personal(r.command.from) &&
		     names_is_root(r.command.from);

	if (err == ERR_NONE)
		err = inbox ? inbox_look(a, &r) : tree_look(a, &r);
	if (err != ERR_NONE)
		directory_refuse(a, err);
	else if (inbox)
		inbox_write(a, &r);
	else
		tree_write(a, &r);
}
