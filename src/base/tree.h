/*
 * An intrusive ordered tree (AVL): the node stands in the element.
 *
 * Finding, inserting and removing take logarithmic time whatever the keys are
 * (no hash that an attacker could aim at), and the order of walking depends on
 * the keys alone, so runs can be repeated. No two nodes compare equal.
 */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct tree_node {
	struct tree_node *parent;
	struct tree_node *child[2]; /* what is before it, what is behind it */
	int height;                 /* of the subtree; a leaf has 1 */
};

/* <0, 0, >0: `a` stands before `b`, is equal, stands behind it. */
typedef int tree_order(const struct tree_node *a, const struct tree_node *b);

/* The same for a key of the caller's against a node. */
typedef int tree_seek(const void *key, const struct tree_node *node);

struct tree {
	struct tree_node *root;
	size_t count;
	tree_order *order;
};

void tree_init(struct tree *tree, tree_order *order);

/* NULL: inserted. Else nothing happened; the node that is equal comes back. */
struct tree_node *tree_insert(struct tree *tree, struct tree_node *node);

/* `node` must be in this tree; it is zeroed. */
void tree_remove(struct tree *tree, struct tree_node *node);

/* NULL if there is none. */
struct tree_node *tree_find(const struct tree *tree, const void *key,
			    tree_seek *seek);

/* The first node that does not stand before the key, or NULL. */
struct tree_node *tree_lower(const struct tree *tree, const void *key,
			     tree_seek *seek);

/* NULL at the end; a step takes constant time on average. */
struct tree_node *tree_first(const struct tree *tree);
struct tree_node *tree_last(const struct tree *tree);
struct tree_node *tree_next(const struct tree_node *node);
struct tree_node *tree_prev(const struct tree_node *node);

static inline bool tree_empty(const struct tree *tree)
{
	return tree->root == NULL;
}

#define TREE_ENTRY(node, type, member) container_of(node, type, member)

#define TREE_FOREACH(tree, it)                                      \
	for (struct tree_node *it = tree_first(tree); (it) != NULL; \
	     it = tree_next(it))

#endif
