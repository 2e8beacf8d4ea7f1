#include <criterion/criterion.h>

#include "base/mem.h"
#include "dir.h"

static struct directory_rename_result renamed(struct dir *d)
{
	struct directory_rename_result result;

	cr_assert_eq(directory_rename_result(machine_payload(&d->m), &result),
		     ERR_NONE);
	return result;
}

static void given(struct dir *d, const char *const *names, size_t count)
{
	dir_open(d);
	cr_assert_eq(dir_user(d, "john", 1), ERR_NONE);
	cr_assert_eq(dir_user(d, "jane", 1), ERR_NONE);
	cr_assert_eq(dir_user(d, "jack", 2), ERR_NONE);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(dir_create(d, names[i]), ERR_NONE, "%s", names[i]);
}

Test(rename, a_tree_goes_as_one_and_keeps_ids_and_values)
{
	static const char *const names[] = { "user.john.a.b.c",
					     "user.john.ab" };
	struct dir d;
	struct directory_mailbox before;
	struct directory_mailbox after;

	given(&d, names, ARRAY_LEN(names));
	before = dir_mailbox(&d, "user.john.a.b");
	cr_assert_eq(dir_rename(&d, "user.john.a", "user.john.x.y",
				dir_id(&d, "user.john.a")),
		     ERR_NONE);
	cr_assert_eq(renamed(&d).renamed, 3);
	dir_expect_names(&d, "user.jack user.jane user.john user.john.ab "
			     "user.john.x user.john.x.y user.john.x.y.b "
			     "user.john.x.y.b.c ");
	after = dir_mailbox(&d, "user.john.x.y.b");
	cr_assert_eq(after.id, before.id);
	cr_assert_eq(after.uidvalidity, before.uidvalidity);
	cr_assert_eq(dir_user_of(&d, "john").mailboxes, 6);
	dir_close(&d);
}

Test(rename, what_is_in_the_way_is_told)
{
	static const char *const names[] = { "user.john.a.x", "user.john.b.x",
					     "user.john.c" };
	struct dir d;

	given(&d, names, ARRAY_LEN(names));
	cr_assert_eq(dir_rename(&d, "user.john.a", "user.john.b", 0),
		     ERR_EXISTS);
	cr_assert_eq(dir_delete(&d, "user.john.b", 0), ERR_NONE);
	cr_assert_eq(dir_rename(&d, "user.john.a", "user.john.b", 0),
		     ERR_EXISTS);
	cr_assert_eq(dir_rename(&d, "user.john.c", "user.john.b", 0), ERR_NONE);
	cr_assert_eq(dir_rename(&d, "user.john.z", "user.john.q", 0),
		     ERR_NOTFOUND);
	cr_assert_eq(dir_rename(&d, "user.john.a", "user.john.a.q", 0),
		     ERR_CANNOT);
	cr_assert_eq(dir_rename(&d, "user.john.a", "user.john.a", 0),
		     ERR_EXISTS);
	cr_assert_eq(dir_rename(&d, "user.john.a", "user.john.INBOX", 0),
		     ERR_INVALID);
	dir_close(&d);
}

Test(rename, a_child_takes_the_place_of_its_missing_parent)
{
	static const char *const names[] = { "news.a.b.c" };
	struct dir d;

	given(&d, names, ARRAY_LEN(names));
	cr_assert_eq(dir_delete(&d, "news.a", 0), ERR_NONE);
	cr_assert_eq(dir_rename(&d, "news.a.b", "news.a", 0), ERR_NONE);
	cr_assert_eq(renamed(&d).renamed, 2);
	dir_expect_names(&d, "news news.a news.a.c user.jack user.jane "
			     "user.john ");
	dir_close(&d);
}

Test(rename, a_name_without_a_record_takes_its_children_along)
{
	static const char *const names[] = { "news.a.b" };
	struct dir d;

	given(&d, names, ARRAY_LEN(names));
	cr_assert_eq(dir_delete(&d, "news.a", 0), ERR_NONE);
	cr_assert_eq(dir_rename(&d, "news.a", "news.z", 77), ERR_NOTFOUND);
	cr_assert_eq(dir_rename(&d, "news.a", "news.z", 0), ERR_NONE);
	cr_assert_eq(renamed(&d).id, 0);
	dir_expect_names(&d, "news news.z.b user.jack user.jane user.john ");
	dir_close(&d);
}

Test(rename, inbox_leaves_an_empty_one_and_its_children)
{
	static const char *const names[] = { "user.john.a" };
	struct dir d;
	struct directory_mailbox old;
	struct directory_mailbox inbox;

	given(&d, names, ARRAY_LEN(names));
	cr_assert_eq(dir_set_acl(&d, "user.john", "jane", "lr", ACL_ADD),
		     ERR_NONE);
	old = dir_mailbox(&d, "user.john");
	cr_assert_eq(dir_rename(&d, "user.john", "user.john.old.mail", old.id),
		     ERR_NONE);
	dir_expect_names(&d, "user.jack user.jane user.john user.john.a "
			     "user.john.old user.john.old.mail ");
	inbox = dir_mailbox(&d, "user.john");
	cr_assert_eq(renamed(&d).inbox_id, inbox.id);
	cr_assert_eq(renamed(&d).id, old.id);
	cr_assert_eq(dir_id(&d, "user.john.old.mail"), old.id);
	cr_assert_neq(inbox.id, old.id);
	cr_assert_neq(inbox.uidvalidity, old.uidvalidity);
	cr_assert_eq(dir_user_of(&d, "john").mailboxes, 4);
	dir_verify(&d);
	cr_assert_eq(dir_rename(&d, "user.john", "user.john.a", 0), ERR_EXISTS);
	cr_assert_eq(dir_rename(&d, "user.john", "user.jane.x", 0), ERR_CANNOT);
	cr_assert_eq(dir_rename(&d, "user.john", "user.jim", 0), ERR_CANNOT);
	cr_assert_eq(dir_rename(&d, "user.john", "news", 0), ERR_CANNOT);
	dir_close(&d);
}

static uint64_t intent_mailboxes(struct dir *d, uint64_t root)
{
	struct directory_intent intent;
	struct directory_walk walk;
	uint64_t count = 0;

	directory_intent_walk(&walk, machine_ask(&d->m), 0);
	while (directory_intent_next(&walk, &intent))
		if (intent.kind == DIRECTORY_INTENT_REROOT &&
		    intent.root == root)
			count += intent.id_count;
	directory_walk_end(&walk);
	return count;
}

Test(rename, to_another_owner_moves_root_count_and_uses)
{
	static const char *const names[] = { "user.john.a.b" };
	struct dir d;
	uint64_t jane;

	given(&d, names, ARRAY_LEN(names));
	cr_assert_eq(dir_create_use(&d, "user.john.a.Sent", DIRECTORY_USE_SENT),
		     ERR_NONE);
	jane = dir_user_of(&d, "jane").id;
	cr_assert_eq(dir_rename(&d, "user.john.a", "user.jane.q.a", 0),
		     ERR_NONE);
	cr_assert_eq(dir_user_of(&d, "john").mailboxes, 1);
	cr_assert_eq(dir_user_of(&d, "john").special_use[5], 0);
	cr_assert_eq(dir_user_of(&d, "jane").mailboxes, 5);
	cr_assert_eq(dir_mailbox(&d, "user.jane.q.a.b").root, jane);
	cr_assert_eq(intent_mailboxes(&d, jane), 3);
	cr_assert_eq(dir_rename(&d, "user.jane.q", "user.jack.q", 0),
		     ERR_CANNOT);
	cr_assert_eq(dir_rename(&d, "user.jane.q", "user.nobody.q", 0),
		     ERR_NONEXISTENT_PARENT);
	dir_close(&d);
}

Test(rename, shared_trees_keep_their_root_and_parts_get_a_new_one)
{
	static const char *const names[] = { "news.a.b", "news.c" };
	struct dir d;
	uint64_t root;
	uint32_t group;

	given(&d, names, ARRAY_LEN(names));
	root = dir_mailbox(&d, "news").root;
	group = dir_mailbox(&d, "news").group;
	cr_assert_eq(dir_rename(&d, "news", "press", 0), ERR_NONE);
	cr_assert_eq(dir_mailbox(&d, "press.a.b").root, root);
	cr_assert_eq(intent_mailboxes(&d, root), 0);
	dir_verify(&d);
	cr_assert_eq(dir_rename(&d, "press.a", "paper", 0), ERR_NONE);
	cr_assert_neq(dir_mailbox(&d, "paper").root, root);
	cr_assert_eq(dir_mailbox(&d, "paper.b").group, group);
	cr_assert_eq(intent_mailboxes(&d, dir_mailbox(&d, "paper").root), 2);
	dir_verify(&d);
	cr_assert_eq(dir_rename(&d, "paper", "press.x.y", 0), ERR_NONE);
	cr_assert_eq(dir_mailbox(&d, "press.x.y.b").root, root);
	dir_close(&d);
}

Test(rename, foreign_mailboxes_in_the_tree_are_listed)
{
	static const char *const names[] = { "news.a" };
	struct dir d;
	struct slice payload;
	struct slice name;

	given(&d, names, ARRAY_LEN(names));
	dir_foreign(&d, "news.b", "old!default");
	dir_foreign(&d, "news.c.d", "old!default");
	cr_assert_eq(dir_rename(&d, "news", "press", 0), ERR_CANNOT);
	payload = machine_payload(&d.m);
	cr_assert(directory_rename_next_foreign(&payload, &name));
	cr_assert(slice_eq(name, SLICE_LIT("news.b")));
	cr_assert(directory_rename_next_foreign(&payload, &name));
	cr_assert(slice_eq(name, SLICE_LIT("news.c.d")));
	cr_assert_not(directory_rename_next_foreign(&payload, &name));
	dir_close(&d);
}

Test(rename, the_list_of_foreign_ones_fits_a_result)
{
	static const char *const names[] = { "news.a" };
	struct dir d;
	struct slice payload;
	struct slice name;
	unsigned count = 0;

	given(&d, names, ARRAY_LEN(names));
	for (unsigned i = 0; i < 120; i++) {
		struct buf long_name = { 0 };

		buf_printf(&long_name, "news.%0400u", i);
		dir_foreign(&d, buf_cstr(&long_name), "old!default");
		buf_fini(&long_name);
	}
	cr_assert_eq(dir_rename(&d, "news", "press", 0), ERR_CANNOT);
	payload = machine_payload(&d.m);
	while (directory_rename_next_foreign(&payload, &name))
		count++;
	cr_assert_eq(payload.len, 0);
	cr_assert_gt(count, 30);
	dir_close(&d);
}

Test(rename, a_name_that_would_be_too_long_is_a_limit)
{
	static const char *const names[] = { "news.a" };
	struct buf longer = { 0 };
	struct buf target = { 0 };
	struct dir d;

	given(&d, names, ARRAY_LEN(names));
	buf_printf(&longer, "news.a.%0300u", 1);
	buf_printf(&target, "news.%0300u", 2);
	cr_assert_eq(dir_create(&d, buf_cstr(&longer)), ERR_NONE);
	cr_assert_eq(dir_rename(&d, "news.a", buf_cstr(&target), 0), ERR_LIMIT);
	buf_fini(&longer);
	buf_fini(&target);
	dir_close(&d);
}

Test(rename, two_thousand_mailboxes_are_one_entry)
{
	static const char *const names[] = { "news.a" };
	struct dir d;
	struct buf name = { 0 };
	uint64_t index;

	given(&d, names, ARRAY_LEN(names));
	for (unsigned i = 0; i < 2000; i++) {
		buf_clear(&name);
		buf_printf(&name, "news.a.%u", i);
		cr_assert_eq(dir_create(&d, buf_cstr(&name)), ERR_NONE);
	}
	index = d.m.index;
	cr_assert_eq(dir_rename(&d, "news.a", "news.b", 0), ERR_NONE);
	cr_assert_eq(d.m.index, index + 1);
	cr_assert_eq(renamed(&d).renamed, 2001);
	machine_commit(&d.m);
	cr_assert_eq(d.published, 1);
	cr_assert_eq(d.events[0].kind, DIRECTORY_EVENT_MANY);
	cr_assert_not(
		directory_has_children(machine_ask(&d.m), SLICE_LIT("news.a")));
	cr_assert_eq(dir_mailbox(&d, "news.b.1999").changed_index, index + 1);
	buf_fini(&name);
	dir_close(&d);
}

Test(rename, more_mailboxes_than_a_transaction_should_touch_are_a_limit)
{
	struct dir d;
	struct buf name = { 0 };

	given(&d, NULL, 0);
	/* Long chains of names make many mailboxes by few commands. */
	for (unsigned i = 0; i < DIRECTORY_TREE_MAX / 200; i++) {
		buf_clear(&name);
		buf_printf(&name, "news.%u", i);
		for (unsigned level = 0; level < 199; level++)
			buf_add_str(&name, ".x");
		cr_assert_eq(dir_create(&d, buf_cstr(&name)), ERR_NONE);
	}
	cr_assert_eq(dir_rename(&d, "news", "press", 0), ERR_LIMIT);
	cr_assert_eq(dir_delete(&d, "news.0", 0), ERR_NONE);
	cr_assert_eq(dir_rename(&d, "news", "press", 0), ERR_NONE);
	cr_assert_eq(renamed(&d).renamed, DIRECTORY_TREE_MAX);
	buf_fini(&name);
	dir_close(&d);
}
