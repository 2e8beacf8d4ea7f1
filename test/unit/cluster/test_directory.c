#include <criterion/criterion.h>

#include "base/fault.h"
#include "cluster/directory_row.h"
#include "dir.h"

static struct directory_create_result made(struct dir *d)
{
	struct directory_create_result result;

	cr_assert_eq(directory_create_result(machine_payload(&d->m), &result),
		     ERR_NONE);
	return result;
}

static void expect_acl(struct dir *d, const char *name, const char *want)
{
	struct slice acl = dir_mailbox(d, name).acl;

	cr_assert(slice_eq(acl, slice_str(want)), "%s: %.*s", name,
		  SLICE_FMT(acl));
}

/* ---- CREATE ---- */

Test(directory, create_makes_what_is_missing_above)
{
	struct dir d;
	struct directory_create_result result;

	dir_open(&d);
	cr_assert_eq(dir_user(&d, "john", 0), ERR_NONE);
	cr_assert_eq(dir_create(&d, "user.john.a.b.c"), ERR_NONE);
	result = made(&d);
	cr_assert_eq(result.made, 3);
	cr_assert_eq(result.id, dir_id(&d, "user.john.a.b.c"));
	cr_assert_eq(result.root, dir_user_of(&d, "john").id);
	cr_assert_eq(dir_user_of(&d, "john").mailboxes, 4);
	dir_expect_names(&d, "user.john user.john.a user.john.a.b "
			     "user.john.a.b.c ");
	cr_assert_eq(dir_create(&d, "user.john.a"), ERR_EXISTS);
	cr_assert_eq(dir_create(&d, "user.john.a.b.d"), ERR_NONE);
	cr_assert_eq(made(&d).made, 1);
	dir_close(&d);
}

Test(directory, create_below_an_inbox_that_was_deleted_makes_it_again)
{
	struct dir d;

	dir_open(&d);
	cr_assert_eq(dir_user(&d, "john", 0), ERR_NONE);
	cr_assert_eq(dir_delete(&d, "user.john", 0), ERR_NONE);
	cr_assert_eq(dir_create(&d, "user.john.a"), ERR_NONE);
	dir_expect_names(&d, "user.john user.john.a ");
	expect_acl(&d, "user.john.a", "john\tlrswipkxtena\t");
	dir_close(&d);
}

Test(directory, a_name_called_inbox_is_no_mailbox_but_has_children)
{
	struct dir d;

	dir_open(&d);
	cr_assert_eq(dir_user(&d, "john", 0), ERR_NONE);
	cr_assert_eq(dir_create(&d, "user.john.INBOX"), ERR_INVALID);
	cr_assert_eq(dir_create(&d, "user.john.INBOX.x"), ERR_NONE);
	dir_expect_names(&d, "user.john user.john.INBOX.x ");
	dir_close(&d);
}

Test(directory, create_needs_the_user_but_no_shared_parent)
{
	struct dir d;

	dir_open(&d);
	cr_assert_eq(dir_create(&d, "user.john.a"), ERR_NONEXISTENT_PARENT);
	cr_assert_eq(dir_create(&d, "user.john"), ERR_NONEXISTENT_PARENT);
	cr_assert_eq(dir_create(&d, "news.comp"), ERR_NONE);
	dir_expect_names(&d, "news news.comp ");
	expect_acl(&d, "news.comp", "anyone\tlrs\t");
	dir_close(&d);
}

Test(directory, a_list_is_inherited_from_the_nearest_above)
{
	struct dir d;

	dir_open(&d);
	cr_assert_eq(dir_user(&d, "john", 0), ERR_NONE);
	expect_acl(&d, "user.john", "john\tlrswipkxtena\t");
	cr_assert_eq(dir_create(&d, "user.john.a"), ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, "user.john.a", "jane", "lr", ACL_REPLACE),
		     ERR_NONE);
	cr_assert_eq(dir_create(&d, "user.john.a.b.c"), ERR_NONE);
	expect_acl(&d, "user.john.a.b", "john\tlrswipkxtena\tjane\tlr\t");
	expect_acl(&d, "user.john.a.b.c", "john\tlrswipkxtena\tjane\tlr\t");
	dir_close(&d);
}

Test(directory, a_tree_lives_in_one_group_and_new_ones_in_the_lightest)
{
	struct dir d;
	struct directory_group group;
	uint32_t third;

	dir_open(&d);
	third = dir_group(&d, 300);
	cr_assert_eq(dir_user(&d, "a", 0), ERR_NONE);
	cr_assert_eq(dir_create(&d, "news"), ERR_NONE);
	cr_assert_eq(dir_user(&d, "b", 0), ERR_NONE);
	cr_assert_eq(dir_mailbox(&d, "user.a").group, 1);
	cr_assert_eq(dir_mailbox(&d, "news").group, 2);
	cr_assert_eq(dir_mailbox(&d, "user.b").group, third);
	for (char c = 'c'; c <= 'd'; c++)
		cr_assert_eq(dir_user(&d, (char[]){ c, '\0' }, 0), ERR_NONE);
	cr_assert(directory_group_find(machine_ask(&d.m), third, &group));
	cr_assert_eq(group.homes, 3);
	cr_assert_eq(dir_create(&d, "news.x.y"), ERR_NONE);
	cr_assert_eq(made(&d).group, 2);
	cr_assert_eq(made(&d).root, dir_mailbox(&d, "news").root);
	cr_assert_eq(dir_delete(&d, "news", 0), ERR_NONE);
	cr_assert_eq(dir_delete(&d, "news.x", 0), ERR_NONE);
	cr_assert_eq(dir_create(&d, "news"), ERR_NONE);
	cr_assert_eq(made(&d).root, dir_mailbox(&d, "news.x.y").root);
	dir_close(&d);
}

Test(directory, without_a_group_there_is_no_home)
{
	struct dir d;

	dir_open(&d);
	for (uint32_t i = 1; i <= 2; i++) {
		struct directory_group_put put = { .add = false };

		cr_assert(
			directory_group_find(machine_ask(&d.m), i, &put.group));
		put.group.weight = 0;
		cr_assert_eq(directory_group_put_encode(&put, &d.m.body),
			     ERR_NONE);
		cr_assert_eq(machine_apply(&d.m, DIRECTORY_GROUP_PUT,
					   DIRECTORY_COMMAND_VERSION),
			     ERR_NONE);
	}
	cr_assert_eq(dir_user(&d, "a", 0), ERR_UNAVAILABLE);
	cr_assert_eq(dir_create(&d, "news"), ERR_UNAVAILABLE);
	cr_assert_eq(dir_user(&d, "a", 9), ERR_NOTFOUND);
	cr_assert_eq(dir_user(&d, "a", 2), ERR_NONE);
	dir_close(&d);
}

Test(directory, a_special_use_has_one_mailbox)
{
	struct dir d;

	dir_open(&d);
	cr_assert_eq(dir_user(&d, "john", 0), ERR_NONE);
	cr_assert_eq(dir_create_use(&d, "user.john.Sent", DIRECTORY_USE_SENT),
		     ERR_NONE);
	cr_assert_eq(dir_user_of(&d, "john").special_use[5],
		     dir_id(&d, "user.john.Sent"));
	cr_assert_eq(dir_create_use(&d, "user.john.Sent2", DIRECTORY_USE_SENT),
		     ERR_CANNOT);
	cr_assert_eq(dir_create_use(&d, "news", DIRECTORY_USE_SENT),
		     ERR_CANNOT);
	cr_assert_eq(dir_delete(&d, "user.john.Sent", 0), ERR_NONE);
	cr_assert_eq(dir_create_use(&d, "user.john.Sent2", DIRECTORY_USE_SENT),
		     ERR_NONE);
	dir_close(&d);
}

Test(directory, a_limit_of_mailboxes_counts_what_is_made_above)
{
	struct dir d;
	struct directory_create create = {
		.name = SLICE_LIT("user.john.a.b"),
		.mailboxes_max = 2,
	};

	dir_open(&d);
	cr_assert_eq(dir_user(&d, "john", 0), ERR_NONE);
	for (int i = 0; i < 2; i++) {
		enum err want = i == 0 ? ERR_LIMIT : ERR_NONE;

		cr_assert_eq(directory_create_encode(&create, &d.m.body),
			     ERR_NONE);
		cr_assert_eq(machine_apply(&d.m, DIRECTORY_CREATE,
					   DIRECTORY_COMMAND_VERSION),
			     want);
		create.mailboxes_max = 3;
	}
	dir_close(&d);
}

/* ---- UIDVALIDITY ---- */

static uint32_t value_of(struct dir *d, const char *name)
{
	return dir_mailbox(d, name).uidvalidity;
}

/* Gives the values of a name over a life of renames and new mailboxes. */
static void live(struct dir *d, uint32_t *values)
{
	cr_assert_eq(dir_create(d, "news.a"), ERR_NONE);
	values[0] = value_of(d, "news.a");
	cr_assert_eq(dir_rename(d, "news.a", "news.b", 0), ERR_NONE);
	cr_assert_eq(value_of(d, "news.b"), values[0]);
	cr_assert_eq(dir_create(d, "news.a"), ERR_NONE);
	values[1] = value_of(d, "news.a");
	d->m.now_ms -= 5000; /* a proposer whose clock is behind */
	cr_assert_eq(dir_delete(d, "news.a", 0), ERR_NONE);
	cr_assert_eq(dir_create(d, "news.a"), ERR_NONE);
	values[2] = value_of(d, "news.a");
}

Test(directory, uidvalidity_never_comes_back)
{
	struct dir d;
	uint32_t values[3];

	dir_open(&d);
	live(&d, values);
	cr_assert_lt(values[0], values[1]);
	cr_assert_lt(values[1], values[2]);
	dir_close(&d);
}

Test(directory, uidvalidity_follows_clocks_that_may_be_right)
{
	struct dir d;
	uint32_t first;

	dir_open(&d);
	cr_assert_eq(dir_create(&d, "a"), ERR_NONE);
	first = value_of(&d, "a");
	cr_assert_eq(first, d.m.now_ms / 1000);
	d.m.now_ms += 600 * 1000;
	cr_assert_eq(dir_create(&d, "b"), ERR_NONE);
	cr_assert_eq(value_of(&d, "b"), first + 600);
	d.m.now_ms += 3602 * 1000;
	cr_assert_eq(dir_create(&d, "c"), ERR_NONE);
	cr_assert_eq(value_of(&d, "c"), first + 601);
	d.m.now_ms = UINT64_MAX;
	cr_assert_eq(dir_create(&d, "d"), ERR_NONE);
	cr_assert_eq(value_of(&d, "d"), first + 602);
	d.m.now_ms = 0;
	cr_assert_eq(dir_create(&d, "e"), ERR_NONE);
	cr_assert_eq(value_of(&d, "e"), first + 603);
	dir_close(&d);
}

#ifdef ENABLE_FAULTS
Test(directory, m54_uidvalidity_from_the_clock_is_caught)
{
	struct dir d;
	uint32_t values[3];

	dir_open(&d);
	fault_set_mutant("M54");
	live(&d, values);
	fault_set_mutant(NULL);
	cr_assert_not(values[0] < values[1] && values[1] < values[2]);
	machine_close(&d.m);
	directory_fsm_fini(&d.fsm);
}
#endif

/* ---- DELETE ---- */

Test(directory, delete_leaves_the_inferior_names_and_an_intent)
{
	struct dir d;
	struct directory_intent intent;
	struct directory_delete_result result;
	uint64_t a;
	uint64_t id;

	dir_open(&d);
	cr_assert_eq(dir_create(&d, "news.a.b"), ERR_NONE);
	a = dir_id(&d, "news.a");
	cr_assert_eq(dir_delete(&d, "news.a", 0), ERR_NONE);
	cr_assert_eq(directory_delete_result(machine_payload(&d.m), &result),
		     ERR_NONE);
	dir_expect_names(&d, "news news.a.b ");
	cr_assert(
		directory_has_children(machine_ask(&d.m), SLICE_LIT("news.a")));
	cr_assert_eq(dir_delete(&d, "news.a", 0), ERR_HASCHILDREN);
	cr_assert_eq(dir_delete(&d, "news.x", 0), ERR_NOTFOUND);
	cr_assert(directory_intent_find(machine_ask(&d.m), result.intent,
					&intent));
	cr_assert_eq(intent.kind, DIRECTORY_INTENT_PURGE);
	cr_assert_eq(intent.group, result.group);
	cr_assert(slice_eq(intent.name, SLICE_LIT("news.a")));
	cr_assert(directory_intent_next_id(&intent, &id));
	cr_assert_eq(id, a);
	cr_assert_eq(id, result.id);
	cr_assert_not(directory_intent_next_id(&intent, &id));
	dir_close(&d);
}

Test(directory, another_mailbox_under_the_name_is_told)
{
	struct dir d;
	uint64_t old;

	dir_open(&d);
	cr_assert_eq(dir_create(&d, "news.a"), ERR_NONE);
	old = dir_id(&d, "news.a");
	cr_assert_eq(dir_delete(&d, "news.a", old), ERR_NONE);
	cr_assert_eq(dir_create(&d, "news.a"), ERR_NONE);
	cr_assert_eq(dir_delete(&d, "news.a", old), ERR_STALE);
	cr_assert_eq(dir_rename(&d, "news.a", "news.b", old), ERR_STALE);
	cr_assert_eq(dir_rename(&d, "news.a", "news.b", dir_id(&d, "news.a")),
		     ERR_NONE);
	dir_close(&d);
}

Test(directory, foreign_mailboxes_are_not_ours_to_change)
{
	struct dir d;

	dir_open(&d);
	dir_foreign(&d, "lists", "old.example.org!default");
	cr_assert_eq(dir_delete(&d, "lists", 0), ERR_CANNOT);
	cr_assert_eq(dir_create(&d, "lists.a"), ERR_CANNOT);
	cr_assert_eq(dir_set_acl(&d, "lists", "x", "l", ACL_ADD), ERR_CANNOT);
	cr_assert_eq(dir_create(&d, "lists"), ERR_EXISTS);
	dir_close(&d);
}

/* ---- lists ---- */

Test(directory, others_mailboxes_are_found_by_the_lists)
{
	static const char *const want[] = { "user.b.x", "user.c", "news" };
	struct slice group = SLICE_LIT("group:staff");
	struct identity who = { SLICE_LIT("a"), &group, 1 };
	struct directory_shared_walk walk;
	struct directory_mailbox mailbox;
	struct dir d;
	unsigned found = 0;

	dir_open(&d);
	for (char c = 'a'; c <= 'd'; c++)
		cr_assert_eq(dir_user(&d, (char[]){ c, '\0' }, 0), ERR_NONE);
	cr_assert_eq(dir_create(&d, "user.b.x"), ERR_NONE);
	cr_assert_eq(dir_create(&d, "news"), ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, "user.b.x", "a", "lr", ACL_ADD), ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, "user.b.x", "anyone", "l", ACL_ADD),
		     ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, "user.c", "group:staff", "lr", ACL_ADD),
		     ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, "user.d", "a", "lr", ACL_ADD), ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, "user.d", "a", "", ACL_REPLACE), ERR_NONE);
	directory_shared_walk(&walk, machine_ask(&d.m), &who,
			      dir_id(&d, "user.a"));
	while (directory_shared_next(&walk, &mailbox)) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_LEN(want); i++)
			known = known ||
				slice_eq(mailbox.name, slice_str(want[i]));
		cr_assert(known, "%.*s", SLICE_FMT(mailbox.name));
		cr_assert_neq(directory_rights(&mailbox, &who) & RIGHT_LOOKUP,
			      0);
		found++;
	}
	directory_shared_walk_end(&walk);
	cr_assert_eq(found, ARRAY_LEN(want));
	dir_close(&d);
}

Test(directory, a_negative_entry_stays_indexed_until_it_goes)
{
	struct dir d;

	dir_open(&d);
	cr_assert_eq(dir_create(&d, "news"), ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, "news", "x", "lr", ACL_ADD), ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, "news", "-x", "w", ACL_ADD), ERR_NONE);
	expect_acl(&d, "news", "anyone\tlrs\tx\tlr\t-x\tw\t");
	cr_assert_eq(dir_set_acl(&d, "news", "x", "", ACL_REPLACE), ERR_NONE);
	dir_verify(&d);
	cr_assert_eq(dir_set_acl(&d, "news", "-x", "", ACL_REPLACE), ERR_NONE);
	expect_acl(&d, "news", "anyone\tlrs\t");
	dir_close(&d);
}

Test(directory, a_full_list_is_a_refusal)
{
	struct dir d;
	enum err err = ERR_NONE;

	dir_open(&d);
	cr_assert_eq(dir_create(&d, "news"), ERR_NONE);
	for (unsigned i = 0; err == ERR_NONE && i < 1000; i++) {
		struct buf name = { 0 };

		buf_printf(&name, "user%u@a.rather.long.example.org", i);
		err = dir_set_acl(&d, "news", buf_cstr(&name), "lrs", ACL_ADD);
		buf_fini(&name);
	}
	cr_assert_eq(err, ERR_LIMIT);
	dir_close(&d);
}

/* ---- subscriptions ---- */

Test(directory, subscriptions_are_names_and_outlive_mailboxes)
{
	struct dir d;
	struct directory_walk walk;
	struct slice name;

	dir_open(&d);
	cr_assert_eq(dir_user(&d, "john", 0), ERR_NONE);
	cr_assert_eq(dir_subscribe(&d, "john", "news.b", true), ERR_NONE);
	cr_assert_eq(dir_subscribe(&d, "john", "news.b", true), ERR_NONE);
	cr_assert_eq(dir_subscribe(&d, "john", "news.a", true), ERR_NONE);
	cr_assert_eq(dir_subscribe(&d, "jane", "news.a", true), ERR_NOTFOUND);
	cr_assert_eq(dir_user_of(&d, "john").subscriptions, 2);
	directory_subscription_walk(&walk, machine_ask(&d.m),
				    dir_user_of(&d, "john").id,
				    SLICE_LIT("news.a"));
	cr_assert(directory_subscription_next(&walk, &name));
	cr_assert(slice_eq(name, SLICE_LIT("news.b")));
	cr_assert_not(directory_subscription_next(&walk, &name));
	cr_assert_not(directory_subscription_next(&walk, &name));
	directory_walk_end(&walk);
	cr_assert_eq(dir_subscribe(&d, "john", "news.b", false), ERR_NONE);
	cr_assert_eq(dir_subscribe(&d, "john", "news.b", false), ERR_NONE);
	cr_assert(directory_is_subscribed(machine_ask(&d.m),
					  dir_user_of(&d, "john").id,
					  SLICE_LIT("news.a")));
	cr_assert_not(directory_is_subscribed(machine_ask(&d.m),
					      dir_user_of(&d, "john").id,
					      SLICE_LIT("news.b")));
	dir_close(&d);
}

/* ---- changes and events ---- */

static void expect_changes(struct dir *d, uint64_t since, const char *want)
{
	struct directory_change_name change;
	struct directory_walk walk;
	struct buf names = { 0 };

	directory_change_walk(&walk, machine_ask(&d->m), since);
	while (directory_change_next(&walk, &change)) {
		cr_assert_gt(change.index, since);
		buf_add_slice(&names, change.name);
		buf_add_octet(&names, ' ');
	}
	directory_walk_end(&walk);
	cr_assert(slice_eq(buf_slice(&names), slice_str(want)), "%.*s",
		  SLICE_FMT(buf_slice(&names)));
	buf_fini(&names);
}

Test(directory, changes_are_told_in_the_order_of_the_log)
{
	struct dir d;
	uint64_t start;

	dir_open(&d);
	start = d.m.index;
	cr_assert_eq(dir_create(&d, "news.a"), ERR_NONE);
	cr_assert_eq(dir_rename(&d, "news.a", "news.b", 0), ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, "news", "x", "l", ACL_ADD), ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, "news", "x", "l", ACL_ADD), ERR_NONE);
	cr_assert_eq(dir_delete(&d, "news.b", 0), ERR_NONE);
	expect_changes(&d, start, "news news.a news.a news.b news news.b ");
	expect_changes(&d, start + 2, "news news.b ");
	expect_changes(&d, d.m.index, "");
	dir_close(&d);
}

Test(directory, the_oldest_changes_go_and_the_floor_tells)
{
	struct dir d;
	struct directory_counters counters;
	struct buf scratch = { 0 };
	uint64_t first;

	dir_open(&d);
	first = d.m.index + 1;
	for (char c = 'a'; c <= 'e'; c++)
		cr_assert_eq(dir_create(&d, (char[]){ c, '\0' }), ERR_NONE);
	directory_counters_get(machine_ask(&d.m), &counters);
	cr_assert_eq(counters.changes, 5);
	cr_assert_eq(counters.change_floor, 0);
	/* As if there were as many as there may be. */
	counters.changes = DIRECTORY_CHANGES_MAX;
	store_end(&d.m.read);
	cr_assert_eq(store_write_begin(d.m.env, &d.m.write), ERR_NONE);
	directory_counters_put(d.m.write, &scratch, &counters);
	cr_assert_eq(dir_create(&d, "f.g"), ERR_NONE);
	directory_counters_get(machine_ask(&d.m), &counters);
	cr_assert_eq(counters.changes, DIRECTORY_CHANGES_MAX);
	cr_assert_eq(counters.change_floor, first + 1);
	expect_changes(&d, counters.change_floor, "c d e f f.g ");
	buf_fini(&scratch);
	machine_close(&d.m);
	directory_fsm_fini(&d.fsm);
}

Test(directory, what_changed_is_published_after_the_commit)
{
	struct dir d;

	dir_open(&d);
	cr_assert_eq(dir_user(&d, "john", 0), ERR_NONE);
	machine_commit(&d.m);
	d.published = 0;
	cr_assert_eq(dir_create(&d, "user.john.a"), ERR_NONE);
	cr_assert_eq(dir_create(&d, "user.john.a"), ERR_EXISTS);
	cr_assert_eq(d.published, 0);
	machine_commit(&d.m);
	cr_assert_eq(d.published, 1);
	cr_assert_eq(d.events[0].kind, DIRECTORY_EVENT_MAILBOX);
	cr_assert_eq(d.events[0].id, dir_id(&d, "user.john.a"));
	d.published = 0;
	cr_assert_eq(dir_create(&d, "user.john.a"), ERR_EXISTS);
	machine_commit(&d.m);
	cr_assert_eq(d.published, 0);
	dir_close(&d);
}

/* ---- settings, intents ---- */

static enum err setting(struct dir *d, const char *name, const char *value)
{
	struct directory_setting_put put = { slice_str(name),
					     slice_str(value) };
	enum err err = directory_setting_put_encode(&put, &d->m.body);

	return err != ERR_NONE ? err
			       : machine_apply(&d->m, DIRECTORY_SETTING_PUT,
					       DIRECTORY_COMMAND_VERSION);
}

Test(directory, settings_come_and_go)
{
	struct dir d;
	struct directory_walk walk;
	struct slice name;
	struct slice value;

	dir_open(&d);
	cr_assert_eq(setting(&d, "stale_sharing", "no"), ERR_NONE);
	cr_assert_eq(setting(&d, "separator", "/"), ERR_NONE);
	cr_assert_eq(setting(&d, "", "/"), ERR_INVALID);
	cr_assert(directory_setting_find(machine_ask(&d.m),
					 SLICE_LIT("separator"), &value));
	cr_assert(slice_eq(value, SLICE_LIT("/")));
	cr_assert_eq(setting(&d, "separator", ""), ERR_NONE);
	directory_setting_walk(&walk, machine_ask(&d.m));
	cr_assert(directory_setting_next(&walk, &name, &value));
	cr_assert(slice_eq(name, SLICE_LIT("stale_sharing")));
	cr_assert_not(directory_setting_next(&walk, &name, &value));
	directory_walk_end(&walk);
	dir_close(&d);
}

static enum err step(struct dir *d, uint64_t id, uint8_t from, uint8_t to,
		     bool end)
{
	struct directory_intent_step command = { id, from, to, end };
	enum err err = directory_intent_step_encode(&command, &d->m.body);

	return err != ERR_NONE ? err
			       : machine_apply(&d->m, DIRECTORY_INTENT_STEP,
					       DIRECTORY_COMMAND_VERSION);
}

Test(directory, an_intent_is_taken_step_by_step_once)
{
	struct dir d;
	struct directory_intent intent;
	struct directory_walk walk;

	dir_open(&d);
	cr_assert_eq(dir_create(&d, "news"), ERR_NONE);
	cr_assert_eq(dir_delete(&d, "news", 0), ERR_NONE);
	directory_intent_walk(&walk, machine_ask(&d.m), 0);
	cr_assert(directory_intent_next(&walk, &intent));
	directory_walk_end(&walk);
	cr_assert_eq(step(&d, intent.id, 1, 2, false), ERR_STALE);
	cr_assert_eq(step(&d, intent.id, 0, 1, false), ERR_NONE);
	cr_assert_eq(step(&d, intent.id, 0, 1, false), ERR_STALE);
	cr_assert_eq(step(&d, intent.id, 1, 0, true), ERR_NONE);
	cr_assert_eq(step(&d, intent.id, 1, 0, true), ERR_NOTFOUND);
	dir_close(&d);
}

/* ---- what is not ours, and what is damaged ---- */

Test(directory, an_unknown_kind_or_version_parks)
{
	struct dir d;

	dir_open(&d);
	cr_assert_eq(machine_apply(&d.m, DIRECTORY_COMMAND_END, 1),
		     ERR_VERSION);
	cr_assert_eq(machine_apply(&d.m, DIRECTORY_CREATE, 2), ERR_VERSION);
	cr_assert_eq(machine_apply(&d.m, COMMAND_CANCEL, 1), ERR_VERSION);
	cr_assert_eq(machine_check(&d.m, DIRECTORY_COMMAND_END, 1),
		     ERR_VERSION);
	cr_assert_null(directory_command_name(DIRECTORY_COMMAND_END));
	cr_assert_str_eq(directory_command_name(DIRECTORY_INTENT_STEP),
			 "INTENT_STEP");
	dir_close(&d);
}

Test(directory, a_damaged_body_is_a_refusal)
{
	struct dir d;

	dir_open(&d);
	for (uint16_t kind = DIRECTORY_CREATE; kind < DIRECTORY_COMMAND_END;
	     kind++) {
		enum err err;

		buf_add_str(&d.m.body, "\x05nonsense");
		cr_assert_neq(machine_check(&d.m, kind, 1), ERR_NONE);
		err = machine_apply(&d.m, kind, 1);
		cr_assert_neq(err, ERR_NONE);
		cr_assert_eq(err_outcome(err), OUTCOME_NOT_DONE);
	}
	dir_close(&d);
}
