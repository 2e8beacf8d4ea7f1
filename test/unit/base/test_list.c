/*
 * Intrusive lists.
 */
#include "base/list.h"

#include <criterion/criterion.h>

struct item {
	char name;
	struct list link;
};

static struct item items[4] = {
	{ .name = 'a' }, { .name = 'b' }, { .name = 'c' }, { .name = 'd' }
};

static void expect(const struct list *list, const char *names)
{
	const char *backwards = names;

	LIST_FOREACH (list, it)
		cr_assert_eq(LIST_ENTRY(it, struct item, link)->name, *names++);
	cr_assert_eq(*names, 0);
	for (struct list *it = list->prev; it != list; it = it->prev)
		cr_assert_eq(LIST_ENTRY(it, struct item, link)->name, *--names);
	cr_assert_eq(names, backwards);
}

Test(list, links_stand_in_the_order_of_adding)
{
	struct list list = LIST_INIT(list);

	cr_assert(list_empty(&list));
	list_append(&list, &items[1].link);
	list_append(&list, &items[2].link);
	list_prepend(&list, &items[0].link);
	cr_assert_not(list_empty(&list));
	expect(&list, "abc");
}

Test(list, a_link_may_be_removed_twice)
{
	struct list list = LIST_INIT(list);

	for (int i = 0; i < 3; i++)
		list_append(&list, &items[i].link);
	list_remove(&items[1].link);
	list_remove(&items[1].link);
	expect(&list, "ac");
	cr_assert(list_empty(&items[1].link));
}

Test(list, splice_moves_everything_behind_the_end)
{
	struct list to = LIST_INIT(to);
	struct list from = LIST_INIT(from);

	list_append(&to, &items[0].link);
	list_splice(&to, &from);
	expect(&to, "a");
	list_append(&from, &items[1].link);
	list_append(&from, &items[2].link);
	list_splice(&to, &from);
	expect(&to, "abc");
	expect(&from, "");
	list_append(&from, &items[3].link);
	expect(&from, "d");
}

Test(list, take_empties_from_the_front)
{
	struct list list = LIST_INIT(list);

	list_append(&list, &items[0].link);
	list_append(&list, &items[1].link);
	cr_assert_eq(list_take(&list), &items[0].link);
	cr_assert_eq(list_take(&list), &items[1].link);
	cr_assert_null(list_take(&list));
}

Test(list, the_current_link_may_go_while_walking)
{
	struct list list = LIST_INIT(list);

	for (int i = 0; i < 4; i++)
		list_append(&list, &items[i].link);
	LIST_FOREACH_SAFE (&list, it)
		if (LIST_ENTRY(it, struct item, link)->name % 2 == 0)
			list_remove(it);
	expect(&list, "ac");
}
