/*
 * The port's answers about names and rights.
 */
#include <stdlib.h>

#include "base/panic.h"
#include "fake_port.h"

static struct slice separated(struct arena *arena, struct slice name)
{
	return slice_str(arena_printf(arena, "%.*s/", SLICE_FMT(name)));
}

/* ---- LIST ---- */

static bool has_children(struct fake_port *port, struct slice name,
			 struct arena *arena)
{
	struct slice above = separated(arena, name);

	LIST_FOREACH (&port->store->mailboxes, it) {
		struct fake_mailbox *mailbox =
			LIST_ENTRY(it, struct fake_mailbox, link);

		if (!mailbox->deleted &&
		    (fake_rights(mailbox, port->user) & IMAP_RIGHT_LOOKUP) &&
		    slice_has_prefix(
			    fake_mailbox_name(mailbox, port->user, arena),
			    above))
			return true;
	}
	return false;
}

static int by_name(const void *a, const void *b)
{
	const struct imap_list_entry *first = a;
	const struct imap_list_entry *second = b;

	return slice_cmp(first->name, second->name);
}

static size_t count_links(const struct list *list)
{
	size_t count = 0;

	LIST_FOREACH (list, it)
		count++;
	return count;
}

static void add_entry(struct fake_port *port, struct imap_ask_list *ask,
		      struct slice name, const struct fake_mailbox *mailbox)
{
	bool subscribed = fake_subscribed(port->user, name);

	if (slice_cmp(name, ask->after) <= 0 ||
	    !slice_has_prefix(name, ask->prefix) ||
	    (ask->subscribed_only && !subscribed))
		return;
	ask->entries[ask->count++] = (struct imap_list_entry){
		.name = name,
		.exists = mailbox,
		.selectable = mailbox,
		.has_children = has_children(port, name, ask->ask.arena),
		.subscribed = subscribed,
		.special_use = mailbox ? mailbox->special_use : 0,
		.rights = mailbox ? fake_rights(mailbox, port->user) : 0,
	};
}

static void add_subscribed(struct fake_port *port, struct imap_ask_list *ask)
{
	LIST_FOREACH (&port->user->subscribed, it) {
		const struct fake_subscription *subscription =
			LIST_ENTRY(it, struct fake_subscription, link);

		if (!fake_mailbox_find(port->store, port->user,
				       subscription->name))
			add_entry(port, ask, subscription->name, NULL);
	}
}

enum err fake_list(struct fake_port *port, struct imap_ask_list *ask)
{
	size_t max = count_links(&port->store->mailboxes) +
		     count_links(&port->user->subscribed);

	ask->entries =
		arena_zalloc(ask->ask.arena, max + 1, sizeof(*ask->entries));
	LIST_FOREACH (&port->store->mailboxes, it) {
		struct fake_mailbox *mailbox =
			LIST_ENTRY(it, struct fake_mailbox, link);

		if (!mailbox->deleted &&
		    (fake_rights(mailbox, port->user) & IMAP_RIGHT_LOOKUP))
			add_entry(port, ask,
				  fake_mailbox_name(mailbox, port->user,
						    ask->ask.arena),
				  mailbox);
	}
	add_subscribed(port, ask);
	qsort(ask->entries, ask->count, sizeof(*ask->entries), by_name);
	ask->more = ask->count > port->list_max;
	if (ask->more)
		ask->count = port->list_max;
	return ERR_NONE;
}

/* ---- CREATE, DELETE, RENAME, SUBSCRIBE ---- */

/* ERR_NOTFOUND, or ERR_DENIED where the right is missing. */
static enum err find(struct fake_port *port, struct slice name, uint32_t rights,
		     struct fake_mailbox **mailbox_r)
{
	struct fake_mailbox *mailbox =
		fake_mailbox_find(port->store, port->user, name);

	*mailbox_r = mailbox;
	if (!mailbox)
		return ERR_NOTFOUND;
	return (fake_rights(mailbox, port->user) & rights) == rights
		       ? ERR_NONE
		       : ERR_DENIED;
}

static bool is_personal(struct slice name)
{
	return !slice_has_prefix(name, SLICE_LIT("Other Users")) &&
	       !slice_has_prefix(name, SLICE_LIT("Shared Folders"));
}

static void create_superiors(struct fake_port *port, struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		struct slice superior = slice_first(name, i);

		if (name.data[i] == '/' &&
		    !fake_mailbox_find(port->store, port->user, superior))
			fake_mailbox_add(port->store, port->user, superior);
	}
}

static bool has_empty_part(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] == '/' &&
		    (i == 0 || i + 1 == name.len || name.data[i + 1] == '/'))
			return true;
	return false;
}

/* Each special use is one mailbox's. */
static bool is_taken(const struct fake_port *port, uint32_t uses)
{
	LIST_FOREACH (&port->store->mailboxes, it) {
		const struct fake_mailbox *mailbox =
			LIST_ENTRY(it, struct fake_mailbox, link);

		if (mailbox->owner == port->user && !mailbox->deleted &&
		    (mailbox->special_use & uses))
			return true;
	}
	return false;
}

enum err fake_create(struct fake_port *port, struct imap_ask_create *ask)
{
	struct fake_mailbox *mailbox =
		fake_mailbox_find(port->store, port->user, ask->name);

	if (mailbox)
		return ERR_EXISTS;
	if (!is_personal(ask->name))
		return ERR_DENIED;
	if (has_empty_part(ask->name))
		return ERR_INVALID;
	if (is_taken(port, ask->special_use))
		return ERR_CANNOT;
	create_superiors(port, fake_normal(ask->name, ask->ask.arena));
	mailbox = fake_mailbox_add(port->store, port->user,
				   fake_normal(ask->name, ask->ask.arena));
	mailbox->special_use = ask->special_use;
	ask->mailbox_id = mailbox->id_text;
	return ERR_NONE;
}

enum err fake_delete(struct fake_port *port, struct imap_ask_delete *ask)
{
	struct fake_mailbox *mailbox;
	enum err err;

	if (slice_eq(ask->name, SLICE_LIT("INBOX")))
		return ERR_CANNOT;
	err = find(port, ask->name, IMAP_RIGHT_DELETE_MAILBOX, &mailbox);
	if (err)
		return has_children(port, ask->name, ask->ask.arena)
			       ? ERR_HASCHILDREN
			       : err;
	mailbox->deleted = true;
	fake_changed(mailbox);
	return ERR_NONE;
}

/* INBOX keeps its name: its messages go (RFC 9051 section 6.3.6). */
static enum err rename_inbox(struct fake_port *port,
			     struct fake_mailbox *mailbox, struct slice to)
{
	mailbox->name = fake_normal(to, &port->store->arena);
	fake_mailbox_add(port->store, port->user, SLICE_LIT("INBOX"));
	fake_changed(mailbox);
	return ERR_NONE;
}

static void rename_below(struct fake_port *port, struct slice above,
			 struct slice to)
{
	LIST_FOREACH (&port->store->mailboxes, it) {
		struct fake_mailbox *below =
			LIST_ENTRY(it, struct fake_mailbox, link);

		if (below->owner == port->user &&
		    slice_has_prefix(below->name, above))
			below->name = slice_str(arena_printf(
				&port->store->arena, "%.*s/%.*s", SLICE_FMT(to),
				SLICE_FMT(slice_from(below->name, above.len))));
	}
}

enum err fake_rename(struct fake_port *port, struct imap_ask_rename *ask)
{
	struct arena *arena = &port->store->arena;
	struct slice above = separated(ask->ask.arena, ask->from);
	struct fake_mailbox *mailbox;
	enum err err =
		find(port, ask->from, IMAP_RIGHT_DELETE_MAILBOX, &mailbox);

	if (err == ERR_NOTFOUND &&
	    has_children(port, ask->from, ask->ask.arena)) {
		rename_below(port, above, ask->to);
		return ERR_NONE;
	}
	if (err)
		return err;
	if (fake_mailbox_find(port->store, port->user, ask->to))
		return ERR_EXISTS;
	if (!is_personal(ask->to) || mailbox->owner != port->user)
		return ERR_CANNOT;
	if (slice_eq(ask->from, SLICE_LIT("INBOX")))
		return rename_inbox(port, mailbox, ask->to);
	mailbox->name = fake_normal(ask->to, arena);
	rename_below(port, above, ask->to);
	return ERR_NONE;
}

enum err fake_subscribe_ask(struct fake_port *port,
			    struct imap_ask_subscribe *ask)
{
	if (ask->subscribe &&
	    !fake_mailbox_find(port->store, port->user, ask->name))
		return ERR_NOTFOUND;
	fake_subscribe(port->user, ask->name, ask->subscribe);
	return ERR_NONE;
}

/* ---- rights ---- */

enum err fake_get_acl(struct fake_port *port, struct imap_ask_get_acl *ask)
{
	struct fake_mailbox *mailbox;
	enum err err = find(port, ask->name, IMAP_RIGHT_ADMIN, &mailbox);

	if (err)
		return err;
	ask->entries =
		arena_zalloc(ask->ask.arena, count_links(&mailbox->acl) + 1,
			     sizeof(*ask->entries));
	LIST_FOREACH (&mailbox->acl, it) {
		const struct fake_acl *acl =
			LIST_ENTRY(it, struct fake_acl, link);

		ask->entries[ask->count++] =
			(struct imap_acl_entry){ acl->identifier, acl->rights };
	}
	return ERR_NONE;
}

static uint32_t rights_of(const struct fake_mailbox *mailbox,
			  struct slice identifier)
{
	LIST_FOREACH (&mailbox->acl, it) {
		const struct fake_acl *acl =
			LIST_ENTRY(it, struct fake_acl, link);

		if (slice_eq(acl->identifier, identifier))
			return acl->rights;
	}
	return 0;
}

enum err fake_set_acl(struct fake_port *port, struct imap_ask_set_acl *ask)
{
	struct fake_mailbox *mailbox;
	uint32_t rights = 0;
	enum err err = find(port, ask->name, IMAP_RIGHT_ADMIN, &mailbox);

	if (err)
		return err;
	switch (ask->change) {
	case IMAP_ACL_SET:
		rights = ask->rights;
		break;
	case IMAP_ACL_ADD:
		rights = rights_of(mailbox, ask->identifier) | ask->rights;
		break;
	case IMAP_ACL_REMOVE:
		rights = rights_of(mailbox, ask->identifier) & ~ask->rights;
		break;
	case IMAP_ACL_DELETE:
		break;
	}
	fake_acl_set(mailbox, ask->identifier, rights);
	return ERR_NONE;
}

enum err fake_rights_ask(struct fake_port *port, struct imap_ask_rights *ask)
{
	struct fake_mailbox *mailbox;
	enum err err =
		find(port, ask->name,
		     ask->identifier.len ? IMAP_RIGHT_ADMIN : 0, &mailbox);

	if (err)
		return err;
	if (!ask->identifier.len) {
		ask->rights = fake_rights(mailbox, port->user);
		return ERR_NONE;
	}
	ask->rights = 0;
	ask->optional = FAKE_RIGHTS_ALL;
	if (mailbox->owner && slice_eq(mailbox->owner->name, ask->identifier)) {
		ask->rights = FAKE_RIGHTS_OWNER;
		ask->optional &= ~ask->rights;
	}
	return ERR_NONE;
}
