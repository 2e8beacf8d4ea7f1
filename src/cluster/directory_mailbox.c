/*
 * CREATE, DELETE, SET_ACL, SET_USE, SUBSCRIBE: one mailbox each.
 *
 * Each looks at the record, its tree and its user, refuses or writes. Failures
 * are refusals; damage sticks to the transaction.
 */
#include "cluster/directory_apply.h"

/* ---- CREATE ---- */

struct creation {
	struct directory_create command;
	struct directory_place place;
	struct directory_superiors superiors;
};

static enum err create_in_tree_of_user(const struct creation *c)
{
	const struct directory_user *user = &c->place.user;
	uint64_t mailboxes = (uint64_t)user->mailboxes + c->superiors.count + 1;

	if (directory_uses_taken(user, c->command.special_use, 0))
		return ERR_CANNOT;
	if (c->command.mailboxes_max != 0 &&
	    mailboxes > c->command.mailboxes_max)
		return ERR_LIMIT;
	return mailboxes > DIRECTORY_TREE_MAX ? ERR_LIMIT : ERR_NONE;
}

static enum err create_look(struct directory_apply *a, struct creation *c)
{
	struct directory_mailbox other;
	enum err err;

	if (directory_mailbox_find(a->txn, c->command.name, &other))
		return ERR_EXISTS;
	err = directory_place_find(a, c->command.name, &c->place);
	if (err == ERR_NONE)
		err = directory_place_choose(a, &c->place, c->command.group);
	if (err == ERR_NONE)
		err = directory_superiors_find(a, c->command.name,
					       c->command.acl, &c->superiors);
	if (err != ERR_NONE)
		return err;
	if (!directory_uidvalidity_left(a, c->superiors.count + 1))
		return ERR_LIMIT;
	if (c->place.personal)
		return create_in_tree_of_user(c);
	return c->command.special_use != 0 ? ERR_CANNOT : ERR_NONE;
}

static void create_write(struct directory_apply *a, struct creation *c)
{
	struct directory_create_result result = {
		.made = c->superiors.count + 1,
	};
	struct directory_user *user = &c->place.user;
	struct directory_mailbox mailbox;

	directory_place_begin(a, &c->place, 0);
	directory_superiors_make(a, &c->place, &c->superiors);
	mailbox = directory_mailbox_make(a, &c->place, c->command.name,
					 c->superiors.acl);
	if (c->command.special_use != 0) {
		mailbox.special_use = c->command.special_use;
		directory_mailbox_put(a->txn, a->scratch, &mailbox);
		directory_uses_set(user, mailbox.special_use, mailbox.id);
	}
	if (c->place.personal) {
		user->mailboxes += result.made;
		directory_user_put(a->txn, a->scratch, user);
	}
	result.id = mailbox.id;
	result.root = mailbox.root;
	result.group = mailbox.group;
	result.uidvalidity = mailbox.uidvalidity;
	directory_create_result_encode(&result, &a->result->payload);
}

void directory_apply_create(struct directory_apply *a)
{
	struct creation c = { 0 };
	enum err err = directory_create_decode(a->command->body, &c.command);

	if (err == ERR_NONE)
		err = create_look(a, &c);
	if (err != ERR_NONE)
		directory_refuse(a, err);
	else
		create_write(a, &c);
}

/* ---- DELETE ---- */

static enum err delete_look(struct directory_apply *a,
			    const struct directory_delete *command,
			    struct directory_mailbox *mailbox_r)
{
	if (!directory_take_mailbox(a, command->name, mailbox_r))
		return directory_has_children(a->txn, command->name)
			       ? ERR_HASCHILDREN
			       : ERR_NOTFOUND;
	if (command->id != 0 && command->id != mailbox_r->id)
		return ERR_STALE;
	if (mailbox_r->group == 0)
		return ERR_CANNOT;
	return mailbox_r->state == DIRECTORY_MOVING ? ERR_INUSE : ERR_NONE;
}

/* The owner's count and special uses, or the home of a shared tree. */
static void delete_from_tree(struct directory_apply *a,
			     const struct directory_mailbox *mailbox)
{
	struct directory_user user;

	if (!names_is_personal(mailbox->name)) {
		directory_tree_left(a, mailbox->name, mailbox->group);
		return;
	}
	if (!directory_take_owner(a, mailbox->name, &user))
		return;
	user.mailboxes--;
	directory_uses_clear(&user, mailbox->id);
	directory_user_put(a->txn, a->scratch, &user);
}

void directory_apply_delete(struct directory_apply *a)
{
	struct directory_delete command;
	struct directory_mailbox mailbox;
	struct directory_delete_result result;
	struct buf ids = { 0 };
	enum err err = directory_delete_decode(a->command->body, &command);

	if (err == ERR_NONE)
		err = delete_look(a, &command, &mailbox);
	if (err != ERR_NONE) {
		directory_refuse(a, err);
		return;
	}
	directory_mailbox_remove(a, &mailbox);
	delete_from_tree(a, &mailbox);
	pack_var(&ids, mailbox.id);
	result = (struct directory_delete_result){
		.id = mailbox.id,
		.group = mailbox.group,
		.intent = directory_new_intent(
			a,
			&(struct directory_intent){
				.kind = DIRECTORY_INTENT_PURGE,
				.group = mailbox.group,
				.not_before_ms = directory_keep_until(
					a, command.keep_ms),
				.name = mailbox.name,
				.ids = buf_slice(&ids),
				.id_count = 1,
			}),
	};
	buf_fini(&ids);
	directory_delete_result_encode(&result, &a->result->payload);
}

/* ---- SET_ACL ---- */

static bool has_identifier(struct slice acl, struct slice identifier)
{
	struct acl_entry entry;

	while (acl_next(&acl, &entry))
		if (slice_eq(entry.identifier, identifier))
			return true;
	return false;
}

/* by_acl has one row for the positive and the negative entry of a name. */
static void index_identifier(struct directory_apply *a,
			     const struct directory_mailbox *mailbox,
			     struct slice identifier)
{
	struct store_key key = directory_by_acl_key(identifier, mailbox->id);

	if (has_identifier(mailbox->acl, identifier))
		store_put(a->txn, DIRECTORY_TABLE_BY_ACL, store_key_slice(&key),
			  ROW_VERSION, SLICE_NONE);
	else
		store_del(a->txn, DIRECTORY_TABLE_BY_ACL,
			  store_key_slice(&key));
}

/* A record of ours by its id, ready to be written. */
static enum err take_own(struct directory_apply *a, uint64_t id,
			 struct directory_mailbox *mailbox_r)
{
	if (!directory_mailbox_find_id(a->txn, id, mailbox_r))
		return ERR_NOTFOUND;
	directory_keep_mailbox(a, mailbox_r);
	return mailbox_r->group == 0 ? ERR_CANNOT : ERR_NONE;
}

void directory_apply_set_acl(struct directory_apply *a)
{
	struct directory_set_acl command;
	struct directory_mailbox mailbox;
	struct buf list = { 0 };
	enum err err = directory_set_acl_decode(a->command->body, &command);

	if (err == ERR_NONE)
		err = take_own(a, command.id, &mailbox);
	if (err == ERR_NONE)
		err = acl_set(mailbox.acl, &command.entry, command.change,
			      &list);
	if (err != ERR_NONE) {
		directory_refuse(a, err);
	} else if (!slice_eq(mailbox.acl, buf_slice(&list))) {
		mailbox.acl = buf_slice(&list);
		mailbox.changed_index = a->at->index;
		directory_mailbox_put(a->txn, a->scratch, &mailbox);
		index_identifier(a, &mailbox, command.entry.identifier);
		directory_mailbox_changed(a, mailbox.name, mailbox.id);
	}
	buf_fini(&list);
}

/* ---- SET_USE ---- */

static enum err set_use_look(struct directory_apply *a,
			     const struct directory_set_use *command,
			     struct directory_mailbox *mailbox_r,
			     struct directory_place *place_r)
{
	enum err err = take_own(a, command->id, mailbox_r);

	if (err == ERR_NONE && !names_is_personal(mailbox_r->name))
		err = ERR_CANNOT;
	if (err == ERR_NONE)
		err = directory_place_find(a, mailbox_r->name, place_r);
	if (err == ERR_NONE &&
	    directory_uses_taken(&place_r->user, command->special_use,
				 mailbox_r->id))
		err = ERR_CANNOT;
	return err;
}

void directory_apply_set_use(struct directory_apply *a)
{
	struct directory_set_use command;
	struct directory_mailbox mailbox;
	struct directory_place place;
	enum err err = directory_set_use_decode(a->command->body, &command);

	if (err == ERR_NONE)
		err = set_use_look(a, &command, &mailbox, &place);
	if (err != ERR_NONE) {
		directory_refuse(a, err);
		return;
	}
	mailbox.special_use = command.special_use;
	mailbox.changed_index = a->at->index;
	directory_mailbox_put(a->txn, a->scratch, &mailbox);
	directory_uses_set(&place.user, command.special_use, mailbox.id);
	directory_user_put(a->txn, a->scratch, &place.user);
	directory_mailbox_changed(a, mailbox.name, mailbox.id);
}

/* ---- SUBSCRIBE ---- */

static void subscribe_write(struct directory_apply *a,
			    const struct directory_subscribe *command,
			    struct directory_user *user)
{
	struct store_key key =
		directory_subscription_key(user->id, command->name);

	if (command->subscribed) {
		store_put(a->txn, DIRECTORY_TABLE_SUBSCRIPTION,
			  store_key_slice(&key), ROW_VERSION, SLICE_NONE);
		user->subscriptions++;
	} else {
		store_del(a->txn, DIRECTORY_TABLE_SUBSCRIPTION,
			  store_key_slice(&key));
		user->subscriptions--;
	}
	directory_user_put(a->txn, a->scratch, user);
	directory_event(a, DIRECTORY_EVENT_SUBSCRIPTION, user->id,
			command->name);
}

void directory_apply_subscribe(struct directory_apply *a)
{
	struct directory_subscribe command;
	struct directory_user user;
	enum err err = directory_subscribe_decode(a->command->body, &command);

	if (err == ERR_NONE && !directory_take_user(a, command.user, &user))
		err = ERR_NOTFOUND;
	if (err != ERR_NONE) {
		directory_refuse(a, err);
		return;
	}
	if (directory_is_subscribed(a->txn, user.id, command.name) ==
	    command.subscribed)
		return;
	if (command.subscribed &&
	    user.subscriptions >= DIRECTORY_SUBSCRIPTIONS_MAX)
		directory_refuse(a, ERR_LIMIT);
	else
		subscribe_write(a, &command, &user);
}
