/*
 * LIST and LSUB: the names that a user sees, in slices.
 *
 * DIRECTORY (read index) -> COLLECT on a worker -> first slice -> done
 * the next slice -> done
 *
 * A client's order is not the directory's (the separator differs, and what is
 * one tree there is three name spaces here), so the names are collected, each
 * with what LIST needs, and sorted as the client sees them. The link keeps them
 * until the last slice was given: all slices of a LIST are of one moment.
 */
#include "server/op_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/imap_op.h"
#include "server/node.h"

struct listed {
	struct slice name; /* client's, in the arena */
	bool exists;
	bool subscribed;
	bool has_children;
	uint8_t special_use;
	uint32_t rights;
};

struct list_names {
	struct arena arena;
	struct listed *names; /* by name */
	size_t count;
	size_t cap;
	size_t next;       /* those before it were given, or not wanted */
	struct slice last; /* given */
};

struct list_op {
	struct imap_op op;
	struct list_names *list; /* being collected */
	struct buf scratch;
	enum err err;
};

void list_names_free(struct list_names **listp)
{
	struct list_names *list = *listp;

	*listp = NULL;
	arena_fini(&list->arena);
	mem_free(list->names);
	mem_free(list);
}

static struct imap_ask_list *list_ask(struct imap_op *op)
{
	return container_of(op->ask, struct imap_ask_list, ask);
}

static struct listed *add(struct list_op *op, struct slice internal)
{
	struct list_names *list = op->list;
	struct listed *listed;

	buf_clear(&op->scratch);
	if (!namespace_to_client(&op->op.link->user.ns, internal, &op->scratch))
		return NULL;
	if (list->count == list->cap) {
		list->cap = list->cap ? 2 * list->cap : 64;
		list->names = mem_realloc(list->names,
					  list->cap * sizeof(*list->names));
	}
	listed = &list->names[list->count++];
	*listed = (struct listed){
		.name = arena_slice(&list->arena, buf_slice(&op->scratch)),
	};
	return listed;
}

static void add_mailbox(struct list_op *op,
			const struct directory_mailbox *mailbox)
{
	uint32_t rights =
		directory_rights(mailbox, &op->op.link->user.identity);
	struct listed *listed;

	if (!(rights & RIGHT_LOOKUP))
		return;
	listed = add(op, mailbox->name);
	if (!listed)
		return;
	listed->exists = true;
	listed->rights = rights;
	listed->special_use = mailbox->special_use;
}

/* INBOX and all below it. */
static void collect_own(struct list_op *op, struct store_txn *txn)
{
	struct directory_mailbox mailbox;
	struct directory_walk walk;
	struct buf inbox = { 0 };
	size_t inbox_len;

	names_add_inbox(buf_slice(&op->op.link->user.name), &inbox);
	inbox_len = inbox.len;
	if (directory_mailbox_find(txn, buf_slice(&inbox), &mailbox))
		add_mailbox(op, &mailbox);
	buf_add_octet(&inbox, '.');
	directory_mailbox_walk(&walk, txn, buf_slice(&inbox), SLICE_NONE);
	while (directory_mailbox_next(&walk, &mailbox))
		if (mailbox.name.len > inbox_len)
			add_mailbox(op, &mailbox);
	directory_walk_end(&walk);
	buf_fini(&inbox);
}

/* What others share with the user. */
static void collect_shared(struct list_op *op, struct store_txn *txn)
{
	struct slice user = buf_slice(&op->op.link->user.name);
	struct directory_shared_walk walk;
	struct directory_mailbox mailbox;

	directory_shared_walk(&walk, txn, &op->op.link->user.identity, 0);
	while (directory_shared_next(&walk, &mailbox))
		if (!names_is_owner(mailbox.name, user))
			add_mailbox(op, &mailbox);
	directory_shared_walk_end(&walk);
}

/* Subscribed names are marked by a second entry, merged after the sort. */
static void collect_subscribed(struct list_op *op, struct store_txn *txn)
{
	struct directory_walk walk;
	struct listed *listed;
	struct slice name;

	directory_subscription_walk(&walk, txn, op->op.link->user.id,
				    SLICE_NONE);
	while (directory_subscription_next(&walk, &name)) {
		listed = add(op, name);
		if (listed)
			listed->subscribed = true;
	}
	directory_walk_end(&walk);
}

static int by_name(const void *a, const void *b)
{
	const struct listed *left = a;
	const struct listed *right = b;

	return slice_cmp(left->name, right->name);
}

/* Makes one of each name's entries. */
static void merge(struct list_names *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct listed *listed = &list->names[i];
		struct listed *last = kept ? &list->names[kept - 1] : NULL;

		if (!last || !slice_eq(last->name, listed->name)) {
			list->names[kept++] = *listed;
			continue;
		}
		last->exists |= listed->exists;
		last->subscribed |= listed->subscribed;
		last->special_use |= listed->special_use;
		last->rights |= listed->rights;
	}
	list->count = kept;
}

/* What exists marks all above it; subscriptions to what is gone do not. */
static void mark_children(struct list_names *list, char separator)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct listed *listed = &list->names[i];
		struct slice name = listed->name;
		size_t at;

		if (!listed->exists)
			continue;
		for (at = name.len; at-- > 0;) {
			struct listed key = { .name = { name.data, at } };
			struct listed *above;

			if (name.data[at] != (uint8_t)separator)
				continue;
			above = bsearch(&key, list->names, list->count,
					sizeof(key), by_name);
			if (above)
				above->has_children = true;
		}
	}
}

static void collect(struct imap_op *base)
{
	struct list_op *op = (struct list_op *)base;
	struct replica *directory = node_directory(base->link->loop->node);
	struct store_env *env = replica_env(directory);
	struct list_names *list = mem_zalloc(1, sizeof(*list));
	struct store_txn *txn;

	op->list = list;
	op->err = env ? store_read_begin(env, &txn) : ERR_UNAVAILABLE;
	if (op->err)
		return;
	collect_own(op, txn);
	collect_shared(op, txn);
	collect_subscribed(op, txn);
	op->err = store_txn_error(txn);
	store_end(&txn);
	if (list->count)
		qsort(list->names, list->count, sizeof(*list->names), by_name);
	merge(list);
	mark_children(list, base->link->user.ns.separator);
}

/* ---- the slice ---- */

static void give(struct imap_ask_list *ask, const struct listed *listed)
{
	struct imap_list_entry *entry = &ask->entries[ask->count++];

	*entry = (struct imap_list_entry){
		.name = arena_slice(ask->ask.arena, listed->name),
		.exists = listed->exists,
		.selectable = listed->exists,
		.has_children = listed->has_children,
		.subscribed = listed->subscribed,
		.special_use = listed->special_use,
		.rights = imap_rights_of(listed->rights),
	};
}

static bool is_wanted(const struct imap_ask_list *ask,
		      const struct listed *listed)
{
	return slice_cmp(listed->name, ask->after) > 0 &&
	       slice_has_prefix(listed->name, ask->prefix) &&
	       (listed->subscribed || !ask->subscribed_only);
}

/* Gives the next slice of the link's names, which go after the last one. */
static void give_slice(struct imap_op *base)
{
	struct imap_ask_list *ask = list_ask(base);
	struct list_names *list = base->link->list;

	ask->entries = arena_zalloc(ask->ask.arena, IMAP_LIST_CHUNK,
				    sizeof(*ask->entries));
	for (; list->next < list->count; list->next++) {
		const struct listed *listed = &list->names[list->next];

		if (!is_wanted(ask, listed))
			continue;
		if (ask->count == IMAP_LIST_CHUNK) {
			ask->more = true;
			break;
		}
		give(ask, listed);
		list->last = listed->name;
	}
	if (!ask->more)
		list_names_free(&base->link->list);
	imap_op_end(base, ERR_NONE);
}

static void collected(struct imap_op *base)
{
	struct list_op *op = (struct list_op *)base;

	if (op->err) {
		imap_op_end(base, ERR_UNAVAILABLE);
		return;
	}
	base->link->list = op->list;
	op->list = NULL;
	give_slice(base);
}

static void list_fini(struct imap_op *base)
{
	struct list_op *op = (struct list_op *)base;

	if (op->list)
		list_names_free(&op->list);
	buf_fini(&op->scratch);
}

static void list_start(struct imap_op *base)
{
	imap_op_on_pool(base, collect, collected);
}

void op_list_begin(struct imap_link *link, struct imap_ask *ask)
{
	struct list_op *op = imap_op_new(link, ask, sizeof(*op));
	struct slice after = list_ask(&op->op)->after;

	op->op.fini = list_fini;
	if (link->list && after.len && slice_eq(after, link->list->last)) {
		give_slice(&op->op);
		return;
	}
	if (link->list)
		list_names_free(&link->list);
	imap_op_read_index(&op->op, node_directory(link->loop->node),
			   list_start);
}
