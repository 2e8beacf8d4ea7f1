/*
 * Trees: against a sorted array, by seed.
 */
#include "base/tree.h"

#include <criterion/criterion.h>

#include "base/random.h"

#define KEYS 64

struct item {
	struct tree_node node;
	int key;
};

static struct item *item_of(struct tree_node *node)
{
	return node != NULL ? TREE_ENTRY(node, struct item, node) : NULL;
}

static int key_of(const struct tree_node *node)
{
	return ((const struct item *)(const void *)node)->key;
}

static int by_key(const struct tree_node *a, const struct tree_node *b)
{
	return (key_of(a) > key_of(b)) - (key_of(a) < key_of(b));
}

static int seek_key(const void *key, const struct tree_node *node)
{
	int wanted = *(const int *)key;

	return (wanted > key_of(node)) - (wanted < key_of(node));
}

static int lean_of(const struct tree_node *node)
{
	int before = node->child[0] != NULL ? node->child[0]->height : 0;
	int behind = node->child[1] != NULL ? node->child[1]->height : 0;

	cr_assert_eq(node->height, 1 + (before > behind ? before : behind));
	return behind - before;
}

/* Order, links, heights and count. */
static void check(const struct tree *tree)
{
	size_t count = 0;
	struct tree_node *last = NULL;

	TREE_FOREACH (tree, node) {
		int lean = lean_of(node);

		cr_assert(lean >= -1 && lean <= 1);
		cr_assert_eq(tree_prev(node), last);
		cr_assert(last == NULL || key_of(last) < key_of(node));
		cr_assert(node->parent != NULL
				  ? node->parent->child[0] == node ||
					    node->parent->child[1] == node
				  : tree->root == node);
		last = node;
		count++;
	}
	cr_assert_eq(tree_last(tree), last);
	cr_assert_eq(tree->count, count);
}

Test(tree, an_empty_tree_has_no_nodes)
{
	struct tree tree;
	int key = 1;

	tree_init(&tree, by_key);
	cr_assert(tree_empty(&tree));
	cr_assert_null(tree_first(&tree));
	cr_assert_null(tree_last(&tree));
	cr_assert_null(tree_find(&tree, &key, seek_key));
	cr_assert_null(tree_lower(&tree, &key, seek_key));
}

Test(tree, a_second_node_with_the_same_key_is_refused)
{
	struct item a = { .key = 7 };
	struct item b = { .key = 7 };
	struct tree tree;

	tree_init(&tree, by_key);
	cr_assert_null(tree_insert(&tree, &a.node));
	cr_assert_eq(tree_insert(&tree, &b.node), &a.node);
	cr_assert_eq(tree.count, 1);
	tree_remove(&tree, &a.node);
	cr_assert_null(tree_insert(&tree, &b.node));
}

Test(tree, rising_keys_stay_balanced)
{
	struct item items[1023] = { 0 };
	struct tree tree;

	tree_init(&tree, by_key);
	for (int i = 0; i < 1023; i++) {
		items[i].key = i;
		tree_insert(&tree, &items[i].node);
	}
	check(&tree);
	cr_assert_eq(tree.root->height, 10);
}

Test(tree, lower_finds_the_first_that_is_not_before)
{
	struct item items[10] = { 0 };
	struct tree tree;

	tree_init(&tree, by_key);
	for (int i = 0; i < 10; i++) {
		items[i].key = 2 * i;
		tree_insert(&tree, &items[i].node);
	}
	for (int key = -1; key < 20; key++) {
		struct item *at = item_of(tree_lower(&tree, &key, seek_key));
		int want = key < 0 ? 0 : key + key % 2;

		if (want <= 18)
			cr_assert_eq(at->key, want);
		else
			cr_assert_null(at);
	}
}

Test(tree, behaves_as_a_sorted_array)
{
	struct item items[KEYS] = { 0 };
	bool in[KEYS] = { false };
	struct random_seeded random;
	struct tree tree;

	tree_init(&tree, by_key);
	random_seeded_init(&random, 1);
	for (int step = 0; step < 3000; step++) {
		int key = (int)random_range(&random.random, 0, KEYS - 1);

		items[key].key = key;
		cr_assert_eq(tree_find(&tree, &key, seek_key),
			     in[key] ? &items[key].node : NULL);
		if (in[key])
			tree_remove(&tree, &items[key].node);
		else
			cr_assert_null(tree_insert(&tree, &items[key].node));
		in[key] = !in[key];
		check(&tree);
	}
	for (int key = 0; key < KEYS; key++)
		cr_assert_eq(tree_find(&tree, &key, seek_key) != NULL, in[key]);
}
