/*
 * Marks: a set of 64-bit beginnings of names, and how far each group was seen.
 */
#include "server/marks.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/panic.h"
#include "cluster/mailgroup.h"
#include "raft/meta.h"
#include "server/node.h"

#define SCAN_ROWS 10000 /* of one transaction: some 20 ms */

/* Open addressing; 0 is no mark (a body whose mark is 0 counts as named). */
struct mark_set {
	uint64_t *slots;
	size_t cap; /* a power of two, or 0 */
	size_t count;
};

struct seen_mailbox {
	uint64_t id;
	uint32_t uidnext; /* rows below it are in the set */
};

struct seen_group {
	const struct node_group *group;
	uint64_t applied;               /* the state that was looked at last */
	struct seen_mailbox *mailboxes; /* by rising id */
	size_t count;
};

struct marks {
	struct node *node;
	struct mark_set set;
	struct seen_group *groups;
	unsigned group_count;
	unsigned seen_count; /* of the node's groups, when the scan began */
};

/* ---- the set ---- */

static uint64_t mark_of(const struct sha256 *hash)
{
	uint64_t mark;

	memcpy(&mark, hash->octets, sizeof(mark));
	return mark;
}

/* Where the mark is, or would be; names are as good as random. */
static size_t slot_of(const struct mark_set *set, uint64_t mark)
{
	size_t at = (size_t)mark & (set->cap - 1);

	while (set->slots[at] && set->slots[at] != mark)
		at = (at + 1) & (set->cap - 1);
	return at;
}

static void grow(struct mark_set *set)
{
	struct mark_set bigger = { .cap = set->cap ? 2 * set->cap : 1024 };

	bigger.slots = mem_zalloc(bigger.cap, sizeof(*bigger.slots));
	bigger.count = set->count;
	for (size_t i = 0; i < set->cap; i++)
		if (set->slots[i])
			bigger.slots[slot_of(&bigger, set->slots[i])] =
				set->slots[i];
	mem_free(set->slots);
	*set = bigger;
}

static void add_mark(void *arg, const struct sha256 *hash,
		     uint64_t mailbox unused_arg, uint32_t uid unused_arg)
{
	struct mark_set *set = arg;
	uint64_t mark = mark_of(hash);
	size_t at;

	if (mark == 0)
		return;
	if (2 * (set->count + 1) > set->cap)
		grow(set);
	at = slot_of(set, mark);
	if (set->slots[at])
		return;
	set->slots[at] = mark;
	set->count++;
}

static bool has_mark(const struct mark_set *set, uint64_t mark)
{
	return mark == 0 || (set->cap && set->slots[slot_of(set, mark)]);
}

/* ---- groups ---- */

static bool begin(const struct seen_group *seen, struct store_txn **txn_r)
{
	struct store_env *env = replica_env(seen->group->replica);

	return env && store_read_begin(env, txn_r) == ERR_NONE;
}

static uint32_t uidnext_of(struct store_txn *txn, uint64_t mailbox)
{
	struct mailgroup_status status;

	mailgroup_status_get(txn, mailbox, 0, &status);
	return status.uidnext;
}

/* The UIDNEXT up to which the mailbox was seen; 1: never. */
static uint32_t seen_uidnext(const struct seen_group *seen, size_t *hint,
			     uint64_t mailbox)
{
	while (*hint < seen->count && seen->mailboxes[*hint].id < mailbox)
		(*hint)++;
	if (*hint < seen->count && seen->mailboxes[*hint].id == mailbox)
		return seen->mailboxes[*hint].uidnext;
	return 1;
}

/*
 * Looks at every mailbox of the snapshot: adds the rows that are new since the
 * last look (with `set`), and notes how far they go.
 */
static void look(struct seen_group *seen, struct store_txn *txn,
		 struct mark_set *set)
{
	struct seen_mailbox *mailboxes = NULL;
	struct op_id copy;
	uint64_t since_ms;
	size_t count = 0;
	size_t cap = 0;
	size_t hint = 0;
	uint64_t id = 0;

	while ((id = mailgroup_mailbox_next(txn, id))) {
		uint32_t uidnext = uidnext_of(txn, id);
		uint32_t from = seen_uidnext(seen, &hint, id);

		/* Copies in the making stand ahead of UIDNEXT. */
		if (set && (uidnext > from ||
			    mailgroup_copying(txn, id, &copy, &since_ms)))
			mailgroup_bodies_from(txn, id, from, add_mark, set);
		if (count == cap) {
			cap = cap ? 2 * cap : 64;
			mailboxes = mem_realloc(mailboxes,
						cap * sizeof(*mailboxes));
		}
		mailboxes[count++] = (struct seen_mailbox){ id, uidnext };
	}
	mem_free(seen->mailboxes);
	seen->mailboxes = mailboxes;
	seen->count = count;
}

static enum err scan_group(struct marks *marks, struct seen_group *seen)
{
	struct mailgroup_body_position position = { 0 };
	struct store_txn *txn;
	struct meta meta;
	enum err err;
	bool more;

	if (!begin(seen, &txn))
		return ERR_UNAVAILABLE;
	meta_get(txn, &meta);
	look(seen, txn, NULL);
	seen->applied = meta.applied_index;
	err = store_txn_error(txn);
	store_end(&txn);
	do {
		if (err || !begin(seen, &txn))
			return ERR_UNAVAILABLE;
		more = mailgroup_bodies(txn, &position, SCAN_ROWS, add_mark,
					&marks->set);
		err = store_txn_error(txn);
		store_end(&txn);
	} while (more);
	return err ? ERR_UNAVAILABLE : ERR_NONE;
}

enum err marks_scan(struct marks *marks)
{
	for (unsigned i = 0; i < marks->group_count; i++) {
		enum err err = scan_group(marks, &marks->groups[i]);

		if (err)
			return err;
	}
	return ERR_NONE;
}

/* Adds what the group has got since the last look; false: unreadable. */
static bool catch_up(struct marks *marks, struct seen_group *seen)
{
	struct store_txn *txn;
	struct meta meta;
	enum err err;

	if (!begin(seen, &txn))
		return false;
	meta_get(txn, &meta);
	if (meta.applied_index != seen->applied) {
		look(seen, txn, &marks->set);
		seen->applied = meta.applied_index;
	}
	err = store_txn_error(txn);
	store_end(&txn);
	return err == ERR_NONE;
}

bool marks_has(struct marks *marks, const struct sha256 *hash)
{
	/* A group that came meanwhile was not looked at. */
	if (atomic_load(&marks->node->group_count) != marks->seen_count)
		return true;
	for (unsigned i = 0; i < marks->group_count; i++)
		if (!catch_up(marks, &marks->groups[i]))
			return true;
	return has_mark(&marks->set, mark_of(hash));
}

/* ---- life ---- */

struct marks *marks_new(struct node *node)
{
	struct marks *marks = mem_zalloc(1, sizeof(*marks));

	marks->node = node;
	marks->seen_count = atomic_load(&node->group_count);
	marks->groups = mem_zalloc(marks->seen_count, sizeof(*marks->groups));
	for (unsigned i = 0; i < marks->seen_count; i++)
		if (node_group(node, i)->number != 0)
			marks->groups[marks->group_count++].group =
				node_group(node, i);
	return marks;
}

void marks_free(struct marks **marksp)
{
	struct marks *marks = *marksp;

	*marksp = NULL;
	for (unsigned i = 0; i < marks->group_count; i++)
		mem_free(marks->groups[i].mailboxes);
	mem_free(marks->groups);
	mem_free(marks->set.slots);
	mem_free(marks);
}
