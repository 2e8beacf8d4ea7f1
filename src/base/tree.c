/*
 * An AVL tree: the heights of two siblings differ by at most one.
 *
 * Whatever changes a subtree's height walks up from there and turns the nodes
 * that lean too far. Left and right are indexes (0 before, 1 behind), so each
 * step is written once for both sides.
 */
#include "base/tree.h"

#include "base/panic.h"

void tree_init(struct tree *tree, tree_order *order)
{
	*tree = (struct tree){ .order = order };
}

static int height_of(const struct tree_node *node)
{
	return node != NULL ? node->height : 0;
}

static void height_update(struct tree_node *node)
{
	int before = height_of(node->child[0]);
	int behind = height_of(node->child[1]);

	node->height = 1 + (before > behind ? before : behind);
}

static void set_child(struct tree_node *parent, int side,
		      struct tree_node *child)
{
	parent->child[side] = child;
	if (child != NULL)
		child->parent = parent;
}

/* `with` (or nothing) takes the place of `node` below its parent. */
static void replace(struct tree *tree, const struct tree_node *node,
		    struct tree_node *with)
{
	struct tree_node *parent = node->parent;

	if (parent != NULL) {
		set_child(parent, parent->child[1] == node, with);
		return;
	}
	tree->root = with;
	if (with != NULL)
		with->parent = NULL;
}

/* The child on the other side of `side` comes up, `node` goes down there. */
static struct tree_node *rotate(struct tree *tree, struct tree_node *node,
				int side)
{
	struct tree_node *up = node->child[!side];

	replace(tree, node, up);
	set_child(node, !side, up->child[side]);
	set_child(up, side, node);
	height_update(node);
	height_update(up);
	return up;
}

/* Returns the top of what was `node`'s subtree. */
static struct tree_node *balance(struct tree *tree, struct tree_node *node)
{
	int lean = height_of(node->child[1]) - height_of(node->child[0]);
	int heavy = lean > 0;
	struct tree_node *child = node->child[heavy];

	if (lean >= -1 && lean <= 1) {
		height_update(node);
		return node;
	}
	if (height_of(child->child[!heavy]) > height_of(child->child[heavy]))
		rotate(tree, child, heavy);
	return rotate(tree, node, !heavy);
}

static void balance_up(struct tree *tree, struct tree_node *node)
{
	while (node != NULL)
		node = balance(tree, node)->parent;
}

struct tree_node *tree_insert(struct tree *tree, struct tree_node *node)
{
	struct tree_node *parent = NULL;
	struct tree_node *at = tree->root;
	int side = 0;

	while (at != NULL) {
		int order = tree->order(node, at);

		if (order == 0)
			return at;
		parent = at;
		side = order > 0;
		at = at->child[side];
	}
	*node = (struct tree_node){ .parent = parent, .height = 1 };
	if (parent != NULL)
		parent->child[side] = node;
	else
		tree->root = node;
	tree->count++;
	balance_up(tree, parent);
	return NULL;
}

/* The outermost node of a subtree on one side. */
static struct tree_node *outermost(struct tree_node *node, int side)
{
	while (node != NULL && node->child[side] != NULL)
		node = node->child[side];
	return node;
}

/*
 * A node with two children gives its place to the next one, which has no child
 * before it. Returns the lowest node whose subtree has changed.
 */
static struct tree_node *take_out_inner(struct tree *tree,
					struct tree_node *node)
{
	struct tree_node *next = outermost(node->child[1], 0);
	struct tree_node *changed = next->parent != node ? next->parent : next;

	replace(tree, next, next->child[1]);
	replace(tree, node, next);
	set_child(next, 0, node->child[0]);
	set_child(next, 1, node->child[1]);
	return changed;
}

void tree_remove(struct tree *tree, struct tree_node *node)
{
	struct tree_node *changed = node->parent;
	int side = node->child[1] != NULL;

	MUST(node->height > 0);
	if (node->child[0] != NULL && node->child[1] != NULL)
		changed = take_out_inner(tree, node);
	else
		replace(tree, node, node->child[side]);
	tree->count--;
	*node = (struct tree_node){ .height = 0 };
	balance_up(tree, changed);
}

struct tree_node *tree_find(const struct tree *tree, const void *key,
			    tree_seek *seek)
{
	struct tree_node *at = tree->root;
	int order;

	while (at != NULL && (order = seek(key, at)) != 0)
		at = at->child[order > 0];
	return at;
}

struct tree_node *tree_lower(const struct tree *tree, const void *key,
			     tree_seek *seek)
{
	struct tree_node *at = tree->root;
	struct tree_node *best = NULL;

	while (at != NULL) {
		int behind = seek(key, at) > 0;

		if (!behind)
			best = at;
		at = at->child[behind];
	}
	return best;
}

struct tree_node *tree_first(const struct tree *tree)
{
	return outermost(tree->root, 0);
}

struct tree_node *tree_last(const struct tree *tree)
{
	return outermost(tree->root, 1);
}

static struct tree_node *walk(const struct tree_node *node, int side)
{
	const struct tree_node *at = node;

	if (node->child[side] != NULL)
		return outermost(node->child[side], !side);
	while (at->parent != NULL && at->parent->child[side] == at)
		at = at->parent;
	return at->parent;
}

struct tree_node *tree_next(const struct tree_node *node)
{
	return walk(node, 1);
}

struct tree_node *tree_prev(const struct tree_node *node)
{
	return walk(node, 0);
}
