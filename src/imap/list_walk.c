/*
 * LIST and LSUB: which names are told.
 *
 * Names come in the order of octets, so all names below one follow it, though
 * not at once ("a", "a-b", "a/b"). A name waits until the next one shows that
 * nothing below it can follow; what waits are beginnings of one name, so there
 * is never more than the depth of one name. Names above others that were not
 * in the stream are made up when the first name below them comes.
 */
#include "imap/list_match.h"

#include "base/mem.h"
#include "base/panic.h"

/* A name that waits for names below it: the first `len` octets of the last. */
struct waiting {
	size_t len;
	struct imap_list_entry entry; /* without its name */
	bool matches;                 /* a pattern */
	bool below_exists;            /* some name below it exists */
	bool below_selected;
	bool below_hidden; /* selected, but matches no pattern */
};

struct imap_list_walk {
	const struct imap_list *list;
	bool lsub;
	char separator;
	imap_list_tell *tell;
	void *arg;

	struct arena arena; /* of the patterns */
	struct imap_pattern **patterns;
	size_t pattern_count;
	struct slice prefix;

	struct buf last;         /* the name that came last */
	struct waiting *waiting; /* shortest first */
	size_t count;
	size_t cap;
};

/* ---- patterns ---- */

static void common_prefix(struct slice *prefix, struct slice other)
{
	size_t len = 0;

	while (len < prefix->len && len < other.len &&
	       prefix->data[len] == other.data[len])
		len++;
	prefix->len = len;
}

/*
 * Patterns that can match nothing are left out: names that cannot be, and the
 * empty one (RFC 5258 section 3).
 */
static void add_patterns(struct imap_list_walk *walk)
{
	const struct imap_list *list = walk->list;

	walk->patterns = (struct imap_pattern **)arena_zalloc(
		&walk->arena, list->pattern_count,
		sizeof(struct imap_pattern *));
	for (size_t i = 0; i < list->pattern_count; i++) {
		const struct imap_mailbox *name = &list->patterns[i];
		struct imap_pattern *pattern;

		if (!list->reference.valid || !name->valid ||
		    name->name.len == 0)
			continue;
		pattern = imap_pattern_new(&walk->arena, list->reference.name,
					   name->name, walk->separator);
		if (walk->pattern_count == 0)
			walk->prefix = imap_pattern_prefix(pattern);
		else
			common_prefix(&walk->prefix,
				      imap_pattern_prefix(pattern));
		walk->patterns[walk->pattern_count++] = pattern;
	}
}

static bool matches(const struct imap_list_walk *walk, struct slice name)
{
	for (size_t i = 0; i < walk->pattern_count; i++)
		if (imap_pattern_match(walk->patterns[i], name))
			return true;
	return false;
}

struct imap_list_walk *imap_list_walk_new(const struct imap_list *list,
					  bool lsub, char separator,
					  imap_list_tell *tell, void *arg)
{
	struct imap_list_walk *walk =
		(struct imap_list_walk *)mem_zalloc(1, sizeof(*walk));

	walk->list = list;
	walk->lsub = lsub;
	walk->separator = separator;
	walk->tell = tell;
	walk->arg = arg;
	add_patterns(walk);
	return walk;
}

void imap_list_walk_free(struct imap_list_walk **walkp)
{
	struct imap_list_walk *walk = *walkp;

	*walkp = NULL;
	if (walk == NULL)
		return;
	arena_fini(&walk->arena);
	buf_fini(&walk->last);
	mem_free(walk->waiting);
	mem_free(walk);
}

struct slice imap_list_walk_prefix(const struct imap_list_walk *walk)
{
	return walk->prefix;
}

/* ---- judging a name ---- */

static bool is_selected(const struct imap_list_walk *walk,
			const struct imap_list_entry *entry)
{
	uint32_t select = walk->list->select;

	if ((select & IMAP_LIST_SPECIAL_USE) != 0 && entry->special_use == 0)
		return false;
	if (walk->lsub || (select & IMAP_LIST_SUBSCRIBED) != 0)
		return entry->subscribed;
	return entry->exists;
}

static bool is_recursive(const struct imap_list_walk *walk)
{
	return (walk->list->select & IMAP_LIST_RECURSIVEMATCH) != 0;
}

/* Told only because of names below it: RFC 5258 section 3.5 and example 11. */
static bool is_told_as_parent(const struct imap_list_walk *walk,
			      const struct waiting *name)
{
	if (!name->below_hidden)
		return false;
	if (walk->lsub || is_recursive(walk))
		return true;
	return !name->entry.exists &&
	       (walk->list->select &
		(IMAP_LIST_SUBSCRIBED | IMAP_LIST_SPECIAL_USE)) == 0;
}

/*
 * The selectability attribute, of which there is one at most. A client that
 * has not used the extended form may not know \NonExistent.
 */
static uint32_t select_attr(const struct imap_list_walk *walk,
			    const struct imap_list_entry *entry)
{
	if (entry->exists)
		return entry->selectable ? 0 : IMAP_ATTR_NOSELECT;
	return walk->list->extended ? IMAP_ATTR_NONEXISTENT
				    : IMAP_ATTR_NOSELECT;
}

/* \Noinferiors says it already (RFC 5258 section 3.4). */
static uint32_t children_attr(const struct imap_list_entry *entry)
{
	if (entry->has_children)
		return IMAP_ATTR_HASCHILDREN;
	return entry->no_inferiors ? 0 : IMAP_ATTR_HASNOCHILDREN;
}

static uint32_t list_attrs(const struct imap_list_walk *walk,
			   const struct imap_list_entry *entry, bool selected)
{
	const struct imap_list *list = walk->list;
	uint32_t attrs = select_attr(walk, entry);

	if (entry->no_inferiors)
		attrs |= IMAP_ATTR_NOINFERIORS;
	if (!list->extended ||
	    (list->returns & IMAP_LIST_RETURN_CHILDREN) != 0 ||
	    (!selected && !is_recursive(walk)))
		attrs |= children_attr(entry);
	if (entry->subscribed &&
	    ((list->select & IMAP_LIST_SUBSCRIBED) != 0 ||
	     (list->returns & IMAP_LIST_RETURN_SUBSCRIBED) != 0))
		attrs |= IMAP_ATTR_SUBSCRIBED;
	return attrs;
}

/* RFC 6154 section 2: plain LIST may show special uses, too. */
static uint32_t list_special_use(const struct imap_list_walk *walk,
				 const struct imap_list_entry *entry)
{
	const struct imap_list *list = walk->list;

	if (!list->extended || (list->select & IMAP_LIST_SPECIAL_USE) != 0 ||
	    (list->returns & IMAP_LIST_RETURN_SPECIAL_USE) != 0)
		return entry->special_use;
	return 0;
}

static void tell(struct imap_list_walk *walk, struct waiting *name)
{
	struct imap_list_entry *entry = &name->entry;
	struct imap_list_line line = { 0 };
	bool selected = is_selected(walk, entry);

	if (!name->matches || (!selected && !is_told_as_parent(walk, name)))
		return;
	entry->name = slice_of(walk->last.data, name->len);
	entry->has_children |= name->below_exists;
	line.lsub = walk->lsub;
	line.separator = walk->separator;
	line.name = entry->name;
	if (walk->lsub) {
		/* RFC 3501 section 6.3.9: \Noselect means not subscribed. */
		line.attrs = selected ? 0 : IMAP_ATTR_NOSELECT;
	} else {
		line.attrs = list_attrs(walk, entry, selected);
		line.special_use = list_special_use(walk, entry);
	}
	if (is_recursive(walk) && name->below_selected &&
	    (selected || name->below_hidden))
		line.childinfo = IMAP_LIST_SUBSCRIBED;
	walk->tell(walk->arg, entry, &line);
}

/* ---- the stream ---- */

/* Names below the first `len` octets may still come, if `name` comes now. */
static bool waits_on(const struct imap_list_walk *walk, size_t len,
		     struct slice name)
{
	return slice_has_prefix(name, slice_of(walk->last.data, len)) &&
	       name.len > len && name.data[len] <= (uint8_t)walk->separator;
}

static struct waiting *insert(struct imap_list_walk *walk, size_t at,
			      size_t len)
{
	struct waiting *name;

	if (walk->count == walk->cap) {
		walk->cap = walk->cap == 0 ? 8 : walk->cap * 2;
		walk->waiting = (struct waiting *)mem_realloc(
			walk->waiting, walk->cap * sizeof(*walk->waiting));
	}
	name = &walk->waiting[at];
	memmove(name + 1, name, (walk->count - at) * sizeof(*name));
	walk->count++;
	*name = (struct waiting){ .len = len };
	name->matches = matches(walk, slice_of(walk->last.data, len));
	return name;
}

/* Makes up those names above `name` that have not come. */
static void add_parents(struct imap_list_walk *walk, struct slice name)
{
	size_t at = 0;

	for (size_t len = 1; len < name.len; len++) {
		if (name.data[len] != (uint8_t)walk->separator)
			continue;
		while (at < walk->count && walk->waiting[at].len < len)
			at++;
		if (at == walk->count || walk->waiting[at].len != len)
			(void)insert(walk, at, len);
	}
}

static void tell_parents(struct imap_list_walk *walk, struct slice name,
			 const struct waiting *child)
{
	bool selected = is_selected(walk, &child->entry);

	for (size_t i = 0; i + 1 < walk->count; i++) {
		struct waiting *parent = &walk->waiting[i];

		if (name.data[parent->len] != (uint8_t)walk->separator)
			continue;
		parent->below_exists |= child->entry.exists;
		parent->below_selected |= selected;
		parent->below_hidden |= selected && !child->matches;
	}
}

void imap_list_walk_add(struct imap_list_walk *walk,
			const struct imap_list_entry *entry)
{
	struct slice name = entry->name;
	struct waiting *added;

	MUST(name.len > 0);
	MUST(slice_cmp(buf_slice(&walk->last), name) < 0);
	while (walk->count > 0 &&
	       !waits_on(walk, walk->waiting[walk->count - 1].len, name))
		tell(walk, &walk->waiting[--walk->count]);
	buf_clear(&walk->last);
	buf_add_slice(&walk->last, name);
	add_parents(walk, name);
	added = insert(walk, walk->count, name.len);
	added->entry = *entry;
	tell_parents(walk, name, added);
}

void imap_list_walk_end(struct imap_list_walk *walk)
{
	while (walk->count > 0)
		tell(walk, &walk->waiting[--walk->count]);
}
