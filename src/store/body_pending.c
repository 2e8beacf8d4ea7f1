/*
 * Ordered trees by hash and by number: the index is written in their order,
 * which is kind to its pages, and nobody can aim at a tree.
 */
#include "store/body_pending.h"

#include "base/mem.h"
#include "base/panic.h"

/* ---- orders ---- */

static const struct pending_body *body_of(const struct tree_node *node)
{
	return (const struct pending_body *)(const void *)node;
}

static const struct pending_hold *hold_of(const struct tree_node *node)
{
	return (const struct pending_hold *)(const void *)node;
}

static const struct pending_segment *segment_of(const struct tree_node *node)
{
	return (const struct pending_segment *)(const void *)node;
}

static int hash_cmp(const struct sha256 *a, const struct sha256 *b)
{
	return memcmp(a->octets, b->octets, SHA256_SIZE);
}

static int u64_cmp(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int hold_cmp(const struct body_hold *a, const struct body_hold *b)
{
	if (a->group != b->group)
		return u64_cmp(a->group, b->group);
	if (a->proposer != b->proposer)
		return u64_cmp(a->proposer, b->proposer);
	if (a->slot != b->slot)
		return u64_cmp(a->slot, b->slot);
	return u64_cmp(a->turn, b->turn);
}

static int body_order(const struct tree_node *a, const struct tree_node *b)
{
	return hash_cmp(&body_of(a)->hash, &body_of(b)->hash);
}

static int body_seek(const void *key, const struct tree_node *node)
{
	return hash_cmp(key, &body_of(node)->hash);
}

static int hold_order(const struct tree_node *a, const struct tree_node *b)
{
	int order = hash_cmp(&hold_of(a)->hash, &hold_of(b)->hash);

	return order ? order : hold_cmp(&hold_of(a)->hold, &hold_of(b)->hold);
}

/* By hash alone, and before all of its holds. */
static int hold_seek(const void *key, const struct tree_node *node)
{
	int order = hash_cmp(key, &hold_of(node)->hash);

	return order ? order : -1;
}

static int segment_order(const struct tree_node *a, const struct tree_node *b)
{
	return u64_cmp(segment_of(a)->segment, segment_of(b)->segment);
}

static int segment_seek(const void *key, const struct tree_node *node)
{
	return u64_cmp(*(const uint64_t *)key, segment_of(node)->segment);
}

/* ---- life ---- */

void body_pending_init(struct body_pending *pending)
{
	tree_init(&pending->bodies, body_order);
	tree_init(&pending->holds, hold_order);
	tree_init(&pending->segments, segment_order);
}

/* The node stands first in each kind of row. */
static void tree_clear(struct tree *tree)
{
	struct tree_node *node;

	while ((node = tree_first(tree)) != NULL) {
		tree_remove(tree, node);
		mem_free(node);
	}
}

void body_pending_fini(struct body_pending *pending)
{
	tree_clear(&pending->bodies);
	tree_clear(&pending->holds);
	tree_clear(&pending->segments);
}

void body_pending_move(struct body_pending *to, struct body_pending *from)
{
	MUST(body_pending_count(to) == 0);
	*to = *from;
	body_pending_init(from);
}

/* ---- rows ---- */

static struct pending_body *body_get(struct body_pending *pending,
				     const struct sha256 *hash)
{
	struct tree_node *node = tree_find(&pending->bodies, hash, body_seek);
	struct pending_body *body;

	if (node)
		return TREE_ENTRY(node, struct pending_body, node);
	body = mem_zalloc(1, sizeof(*body));
	body->hash = *hash;
	MUST(!tree_insert(&pending->bodies, &body->node));
	return body;
}

void body_pending_put(struct body_pending *pending, const struct sha256 *hash,
		      const struct body_place *place)
{
	struct pending_body *body = body_get(pending, hash);

	body->place = *place;
	body->dropped = false;
}

void body_pending_drop(struct body_pending *pending, const struct sha256 *hash)
{
	body_get(pending, hash)->dropped = true;
}

void body_pending_hold(struct body_pending *pending, const struct sha256 *hash,
		       const struct body_hold *hold)
{
	struct pending_hold *row = mem_zalloc(1, sizeof(*row));

	row->hash = *hash;
	row->hold = *hold;
	if (tree_insert(&pending->holds, &row->node))
		mem_free(row); /* it stands already */
}

void body_pending_note(struct body_pending *pending, uint64_t segment,
		       uint64_t end, bool closed)
{
	struct tree_node *node =
		tree_find(&pending->segments, &segment, segment_seek);
	struct pending_segment *row;

	if (node) {
		row = TREE_ENTRY(node, struct pending_segment, node);
	} else {
		row = mem_zalloc(1, sizeof(*row));
		row->segment = segment;
		MUST(!tree_insert(&pending->segments, &row->node));
	}
	MUST(end >= row->end);
	row->end = end;
	row->closed |= closed;
}

const struct pending_body *body_pending_find(const struct body_pending *pending,
					     const struct sha256 *hash)
{
	const struct tree_node *node =
		tree_find(&pending->bodies, hash, body_seek);

	return node ? body_of(node) : NULL;
}

const struct pending_hold *
body_pending_first_hold(const struct body_pending *pending,
			const struct sha256 *hash)
{
	const struct tree_node *node =
		tree_lower(&pending->holds, hash, hold_seek);

	if (!node || !sha256_eq(&hold_of(node)->hash, hash))
		return NULL;
	return hold_of(node);
}

const struct pending_hold *
body_pending_next_hold(const struct pending_hold *hold)
{
	const struct tree_node *node = tree_next(&hold->node);

	if (!node || !sha256_eq(&hold_of(node)->hash, &hold->hash))
		return NULL;
	return hold_of(node);
}

void body_pending_index(const struct body_pending *pending,
			struct body_index_write *write)
{
	TREE_FOREACH (&pending->bodies, it) {
		const struct pending_body *body = body_of(it);

		if (body->dropped)
			body_index_drop(write, &body->hash);
		else
			body_index_put(write, &body->hash, &body->place);
	}
	TREE_FOREACH (&pending->holds, it)
		body_index_put_hold(write, &hold_of(it)->hash,
				    &hold_of(it)->hold);
	TREE_FOREACH (&pending->segments, it)
		body_index_note(write, segment_of(it)->segment,
				segment_of(it)->end, segment_of(it)->closed);
}
