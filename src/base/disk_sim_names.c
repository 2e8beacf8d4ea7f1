/*
 * Names with a history.
 *
 * Every directory has two sets of entries: as processes see them, and as they
 * are durable. A change of a name is made in the former at once and waits in
 * one list, until a sync of a directory that it touches makes it in the latter.
 *
 * A change depends on earlier ones of the same names, so those become durable
 * before it, and are there after a crash if it is. The rename of a directory
 * depends on all earlier changes, and all later ones on it: else two renames
 * could survive that put two directories into each other.
 */
#include "base/disk_sim_names.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/panic.h"

struct entry {
	struct tree_node tree;
	struct sim_node *node;
	char *name;
};

/* A name taken away, one given, or (a rename) both; holds references. */
struct change {
	struct list link;
	uint64_t step;
	struct sim_node *from_dir; /* NULL: nothing is taken away */
	char *from;
	struct sim_node *to_dir; /* NULL: nothing is given */
	char *to;
	struct sim_node *node;
	bool barrier; /* the rename of a directory */
	bool chosen;  /* becomes durable */
};

static struct entry *entry_of(struct tree_node *node)
{
	return node != NULL ? TREE_ENTRY(node, struct entry, tree) : NULL;
}

static struct slice name_of(const struct tree_node *node)
{
	return slice_str(((const struct entry *)(const void *)node)->name);
}

static int entry_order(const struct tree_node *a, const struct tree_node *b)
{
	return slice_cmp(name_of(a), name_of(b));
}

static int entry_seek(const void *key, const struct tree_node *node)
{
	return slice_cmp(*(const struct slice *)key, name_of(node));
}

static struct entry *entry_find(const struct tree *entries, struct slice name)
{
	return entry_of(tree_find(entries, &name, entry_seek));
}

void sim_node_ref(struct sim_node *node)
{
	node->refs++;
}

/* Freed later, by bury_orphans: somebody may walk the nodes just now. */
static void node_unref(struct sim_names *names, struct sim_node *node)
{
	MUST(node->refs > 0);
	node->refs--;
	if (node->refs == 0)
		names->orphans = true;
}

static void entry_remove(struct sim_names *names, struct tree *entries,
			 struct entry *entry)
{
	tree_remove(entries, &entry->tree);
	node_unref(names, entry->node);
	mem_free(entry->name);
	mem_free(entry);
}

/* Whatever had the name before loses it. */
static void entry_set(struct sim_names *names, struct tree *entries,
		      struct slice name, struct sim_node *node)
{
	struct entry *old = entry_find(entries, name);
	struct entry *entry = mem_zalloc(1, sizeof(*entry));

	entry->node = node;
	entry->name = mem_dup(name.data, name.len);
	sim_node_ref(node);
	if (old != NULL)
		entry_remove(names, entries, old);
	tree_insert(entries, &entry->tree);
}

static void entries_clear(struct sim_names *names, struct tree *entries)
{
	while (!tree_empty(entries))
		entry_remove(names, entries, entry_of(tree_first(entries)));
}

/* ---- nodes ---- */

static struct sim_node *node_of(struct list *link)
{
	return LIST_ENTRY(link, struct sim_node, link);
}

static struct sim_node *node_new(struct sim_names *names, bool is_dir)
{
	struct sim_node *node = mem_zalloc(1, sizeof(*node));

	node->is_dir = is_dir;
	sim_data_init(&node->data);
	tree_init(&node->now, entry_order);
	tree_init(&node->durable, entry_order);
	list_append(&names->nodes, &node->link);
	return node;
}

static void node_free(struct sim_names *names, struct sim_node *node)
{
	entries_clear(names, &node->now);
	entries_clear(names, &node->durable);
	sim_data_fini(&node->data);
	list_remove(&node->link);
	mem_free(node);
}

/* A directory that goes may leave further ones: hence the outer loop. */
static void bury_orphans(struct sim_names *names)
{
	while (names->orphans) {
		names->orphans = false;
		LIST_FOREACH_SAFE (&names->nodes, it)
			if (node_of(it)->refs == 0)
				node_free(names, node_of(it));
	}
}

void sim_node_unref(struct sim_names *names, struct sim_node *node)
{
	node_unref(names, node);
	bury_orphans(names);
}

/* ---- changes ---- */

static struct change *change_of(struct list *link)
{
	return LIST_ENTRY(link, struct change, link);
}

static void change_make(struct sim_names *names, const struct change *change,
			bool durable)
{
	struct tree *entries;
	struct entry *entry;

	if (change->from_dir != NULL) {
		entries = durable ? &change->from_dir->durable
				  : &change->from_dir->now;
		entry = entry_find(entries, slice_str(change->from));
		MUST(entry != NULL);
		MUST(entry->node == change->node);
		entry_remove(names, entries, entry);
	}
	if (change->to_dir != NULL) {
		entries = durable ? &change->to_dir->durable
				  : &change->to_dir->now;
		entry_set(names, entries, slice_str(change->to), change->node);
	}
}

/* Makes it as seen and remembers it; `from` or `to` may be NULL. */
static void change_add(struct sim_names *names, uint64_t step,
		       const struct sim_place *from, const struct sim_place *to,
		       struct sim_node *node)
{
	struct change *change = mem_zalloc(1, sizeof(*change));

	change->step = step;
	change->node = node;
	change->barrier = from != NULL && node->is_dir;
	sim_node_ref(node);
	if (from != NULL) {
		change->from_dir = from->dir;
		change->from = mem_dup(from->name.data, from->name.len);
		sim_node_ref(from->dir);
	}
	if (to != NULL) {
		change->to_dir = to->dir;
		change->to = mem_dup(to->name.data, to->name.len);
		sim_node_ref(to->dir);
		if (node->is_dir)
			node->parent = to->dir;
	}
	list_append(&names->changes, &change->link);
	change_make(names, change, false);
	bury_orphans(names);
}

static void change_free(struct sim_names *names, struct change *change)
{
	list_remove(&change->link);
	if (change->from_dir != NULL)
		node_unref(names, change->from_dir);
	if (change->to_dir != NULL)
		node_unref(names, change->to_dir);
	node_unref(names, change->node);
	mem_free(change->from);
	mem_free(change->to);
	mem_free(change);
}

static bool change_touches(const struct change *change,
			   const struct sim_node *dir)
{
	return change->from_dir == dir || change->to_dir == dir;
}

static bool change_has_name(const struct change *change,
			    const struct sim_node *dir, const char *name)
{
	return (change->from_dir == dir && strcmp(change->from, name) == 0) ||
	       (change->to_dir == dir && strcmp(change->to, name) == 0);
}

/* The later of the two cannot be there without the earlier. */
static bool change_depends(const struct change *a, const struct change *b)
{
	if (a->barrier || b->barrier)
		return true;
	return (a->from_dir != NULL &&
		change_has_name(b, a->from_dir, a->from)) ||
	       (a->to_dir != NULL && change_has_name(b, a->to_dir, a->to));
}

/* A later change that becomes durable needs this one. */
static bool change_is_needed(struct sim_names *names, struct list *link)
{
	for (struct list *it = link->next; it != &names->changes; it = it->next)
		if (change_of(it)->chosen &&
		    change_depends(change_of(link), change_of(it)))
			return true;
	return false;
}

/* This one needs an earlier change that does not become durable. */
static bool change_is_blocked(struct sim_names *names, struct list *link)
{
	for (struct list *it = names->changes.next; it != link; it = it->next)
		if (!change_of(it)->chosen &&
		    change_depends(change_of(it), change_of(link)))
			return true;
	return false;
}

/* In the order in which they happened. */
static void make_chosen_durable(struct sim_names *names)
{
	LIST_FOREACH_SAFE (&names->changes, it) {
		if (!change_of(it)->chosen)
			continue;
		change_make(names, change_of(it), true);
		change_free(names, change_of(it));
	}
}

void sim_names_sync(struct sim_names *names, const struct sim_node *dir)
{
	struct list *changes = &names->changes;

	for (struct list *it = changes->prev; it != changes; it = it->prev)
		change_of(it)->chosen = change_touches(change_of(it), dir) ||
					change_is_needed(names, it);
	make_chosen_durable(names);
	bury_orphans(names);
}

/* ---- crash ---- */

/* A directory is seen as it is durable. */
static void dir_reload(struct sim_names *names, struct sim_node *dir)
{
	entries_clear(names, &dir->now);
	TREE_FOREACH (&dir->durable, it) {
		struct sim_node *node = entry_of(it)->node;

		entry_set(names, &dir->now, name_of(it), node);
		if (node->is_dir)
			node->parent = dir;
	}
}

void sim_names_crash(struct sim_names *names, const struct sim_fate *fate)
{
	LIST_FOREACH (&names->changes, it) {
		struct change *change = change_of(it);

		change->chosen = change->step <= fate->last_step &&
				 !change_is_blocked(names, it) &&
				 sim_fate_pick(fate, 1) == 1;
	}
	make_chosen_durable(names);
	while (!list_empty(&names->changes))
		change_free(names, change_of(names->changes.next));
	LIST_FOREACH (&names->nodes, it) {
		if (node_of(it)->is_dir)
			dir_reload(names, node_of(it));
		else
			sim_data_crash(&node_of(it)->data, fate);
	}
	bury_orphans(names);
}

/* ---- what disk_sim.c asks for ---- */

void sim_names_init(struct sim_names *names)
{
	*names = (struct sim_names){ .root = NULL };
	list_init(&names->nodes);
	list_init(&names->changes);
	names->root = node_new(names, true);
	sim_node_ref(names->root);
}

void sim_names_fini(struct sim_names *names)
{
	while (!list_empty(&names->changes))
		change_free(names, change_of(names->changes.next));
	LIST_FOREACH (&names->nodes, it) {
		entries_clear(names, &node_of(it)->now);
		entries_clear(names, &node_of(it)->durable);
	}
	while (!list_empty(&names->nodes))
		node_free(names, node_of(names->nodes.next));
}

/* The next name of a path; empty at its end. */
static struct slice path_next(struct slice *path)
{
	struct slice name = SLICE_NONE;

	while (path->len > 0 &&
	       (name.len == 0 || slice_eq(name, SLICE_LIT("."))))
		name = slice_cut(path, '/');
	if (slice_eq(name, SLICE_LIT(".")))
		return SLICE_NONE;
	MUST(!slice_eq(name, SLICE_LIT("..")));
	return name;
}

enum err sim_names_find(struct sim_names *names, const char *path,
			struct sim_place *place_r)
{
	struct slice rest = slice_str(path);
	struct slice name;
	struct entry *entry;

	*place_r = (struct sim_place){ .node = names->root };
	while ((name = path_next(&rest)).len > 0) {
		if (place_r->node == NULL)
			return ERR_NOTFOUND;
		if (!place_r->node->is_dir)
			return ERR_IO;
		place_r->dir = place_r->node;
		place_r->name = name;
		entry = entry_find(&place_r->dir->now, name);
		place_r->node = entry != NULL ? entry->node : NULL;
	}
	return ERR_NONE;
}

struct sim_node *sim_names_create(struct sim_names *names,
				  const struct sim_place *place, bool is_dir,
				  uint64_t step)
{
	struct sim_node *node;

	MUST(place->dir != NULL);
	MUST(place->node == NULL);
	node = node_new(names, is_dir);
	change_add(names, step, NULL, place, node);
	return node;
}

void sim_names_unlink(struct sim_names *names, const struct sim_place *place,
		      uint64_t step)
{
	MUST(!place->node->is_dir);
	change_add(names, step, place, NULL, place->node);
}

static bool is_inside(const struct sim_node *dir, const struct sim_node *outer)
{
	while (dir != NULL && dir != outer)
		dir = dir->parent;
	return dir != NULL;
}

enum err sim_names_rename(struct sim_names *names, const struct sim_place *from,
			  const struct sim_place *to, uint64_t step)
{
	if (from->node == NULL)
		return ERR_NOTFOUND;
	if (from->dir == NULL || to->dir == NULL)
		return ERR_IO;
	if (from->node == to->node)
		return ERR_NONE;
	if (to->node != NULL && (to->node->is_dir != from->node->is_dir ||
				 !tree_empty(&to->node->now)))
		return ERR_IO;
	if (from->node->is_dir && is_inside(to->dir, from->node))
		return ERR_IO;
	change_add(names, step, from, to, from->node);
	return ERR_NONE;
}

/* A copy first: `each` may well unlink what it is told. */
void sim_names_list(const struct sim_node *dir, disk_list_each *each, void *arg)
{
	struct buf copy = { 0 };

	TREE_FOREACH (&dir->now, it) {
		struct slice name = name_of(it);

		buf_add(&copy, name.data, name.len + 1);
	}
	for (size_t at = 0; at < copy.len;) {
		const char *name = (const char *)copy.data + at;

		at += strlen(name) + 1;
		each(arg, name);
	}
	buf_fini(&copy);
}
