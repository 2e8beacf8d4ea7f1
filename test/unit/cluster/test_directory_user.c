#include <criterion/criterion.h>

#include "base/mem.h"
#include "dir.h"

static const uint8_t octets[SHA256_SIZE] = { 1, 2, 3 };

static struct directory_keys keys(uint32_t iterations)
{
	struct directory_keys k = {
		.version = 99,
		.iterations = iterations,
		.salt = SLICE_LIT("salt"),
		.stored_key = slice_of(octets, SHA256_SIZE),
		.server_key = slice_of(octets, SHA256_SIZE),
	};

	return k;
}

static enum err set(struct dir *d, const struct directory_user_set *command)
{
	enum err err = directory_user_set_encode(command, &d->m.body);

	return err != ERR_NONE ? err
			       : machine_apply(&d->m, DIRECTORY_USER_SET,
					       DIRECTORY_COMMAND_VERSION);
}

Test(user, is_added_with_an_inbox)
{
	struct dir d;
	struct directory_user_add_result result;

	dir_open(&d);
	cr_assert_eq(dir_user(&d, "j.doe@example.org", 2), ERR_NONE);
	cr_assert_eq(directory_user_add_result(machine_payload(&d.m), &result),
		     ERR_NONE);
	dir_expect_names(&d, "example.org!user.j^doe ");
	cr_assert_eq(result.group, 2);
	cr_assert_eq(result.inbox_id, dir_id(&d, "example.org!user.j^doe"));
	cr_assert_eq(result.id, dir_user_of(&d, "j.doe@example.org").id);
	cr_assert_eq(dir_mailbox(&d, "example.org!user.j^doe").root, result.id);
	cr_assert_eq(dir_user(&d, "j.doe@example.org", 0), ERR_EXISTS);
	cr_assert_eq(dir_user(&d, "a!b", 0), ERR_INVALID);
	dir_close(&d);
}

Test(user, does_not_take_over_what_is_there)
{
	struct dir d;

	dir_open(&d);
	dir_foreign(&d, "user.john.x", "old!default");
	cr_assert_eq(dir_user(&d, "john", 0), ERR_EXISTS);
	dir_foreign(&d, "user.jane", "old!default");
	cr_assert_eq(dir_user(&d, "jane", 0), ERR_EXISTS);
	dir_close(&d);
}

Test(user, keys_change_and_their_version_never_comes_back)
{
	struct dir d;
	struct directory_user_set command = {
		.name = SLICE_LIT("john"),
		.fields = DIRECTORY_USER_KEYS,
		.keys = keys(4096),
		.quota_octets = 5,
	};
	struct directory_user user;

	dir_open(&d);
	cr_assert_eq(set(&d, &command), ERR_NOTFOUND);
	cr_assert_eq(dir_user(&d, "john", 0), ERR_NONE);
	cr_assert_eq(dir_user_of(&d, "john").keys.version, 0);
	cr_assert_eq(set(&d, &command), ERR_NONE);
	user = dir_user_of(&d, "john");
	cr_assert_eq(user.keys.version, 1);
	cr_assert_eq(user.keys.iterations, 4096);
	cr_assert(slice_eq(user.keys.salt, SLICE_LIT("salt")));
	cr_assert_eq(user.quota_octets, 0);
	command.keys = (struct directory_keys){ 0 };
	cr_assert_eq(set(&d, &command), ERR_NONE);
	cr_assert_eq(dir_user_of(&d, "john").keys.iterations, 0);
	command.keys = keys(8192);
	cr_assert_eq(set(&d, &command), ERR_NONE);
	cr_assert_eq(dir_user_of(&d, "john").keys.version, 3);
	command.fields = DIRECTORY_USER_QUOTA | DIRECTORY_USER_ENABLED;
	cr_assert_eq(set(&d, &command), ERR_NONE);
	user = dir_user_of(&d, "john");
	cr_assert_eq(user.quota_octets, 5);
	cr_assert_not(user.enabled);
	cr_assert_eq(user.keys.version, 3);
	dir_close(&d);
}

Test(user, keys_have_limits)
{
	struct directory_user_set command = {
		.name = SLICE_LIT("john"),
		.keys = keys(4096),
	};
	struct buf out = { 0 };

	command.keys.stored_key.len--;
	cr_assert_eq(directory_user_set_encode(&command, &out), ERR_INVALID);
	command.keys = keys(20000000);
	cr_assert_eq(directory_user_set_encode(&command, &out), ERR_LIMIT);
	command.keys = keys(4096);
	command.keys.salt = SLICE_NONE;
	cr_assert_eq(directory_user_set_encode(&command, &out), ERR_INVALID);
	command.keys = keys(4096);
	cr_assert_eq(directory_user_set_encode(&command, &out), ERR_NONE);
	buf_fini(&out);
}

static enum err forget(struct dir *d, const char *identifier,
		       struct directory_user_forget_result *result_r)
{
	struct directory_user_forget command = { slice_str(identifier) };
	enum err err;

	cr_assert_eq(directory_user_forget_encode(&command, &d->m.body),
		     ERR_NONE);
	err = machine_apply(&d->m, DIRECTORY_USER_FORGET,
			    DIRECTORY_COMMAND_VERSION);
	cr_assert_eq(
		directory_user_forget_result(machine_payload(&d->m), result_r),
		ERR_NONE);
	return err;
}

Test(user, goes_with_all_he_has)
{
	struct dir d;
	struct directory_intent intent;
	struct directory_walk walk;
	struct directory_group group;
	uint64_t purged = 0;
	unsigned forgotten = 0;

	dir_open(&d);
	cr_assert_eq(dir_user(&d, "john", 1), ERR_NONE);
	cr_assert_eq(dir_user(&d, "johnny", 1), ERR_NONE);
	for (unsigned i = 0; i < 600; i++) {
		struct buf name = { 0 };

		buf_printf(&name, "user.john.%u", i);
		cr_assert_eq(dir_create(&d, buf_cstr(&name)), ERR_NONE);
		cr_assert_eq(dir_subscribe(&d, "john", buf_cstr(&name), true),
			     ERR_NONE);
		buf_fini(&name);
	}
	cr_assert_eq(dir_remove(&d, "jack"), ERR_NOTFOUND);
	cr_assert_eq(dir_remove(&d, "john"), ERR_NONE);
	dir_expect_names(&d, "user.johnny ");
	cr_assert_eq(dir_user_of(&d, "john").id, 0);
	directory_intent_walk(&walk, machine_ask(&d.m), 0);
	while (directory_intent_next(&walk, &intent)) {
		if (intent.kind == DIRECTORY_INTENT_PURGE)
			purged += intent.id_count;
		if (intent.kind == DIRECTORY_INTENT_FORGET)
			forgotten++;
	}
	directory_walk_end(&walk);
	cr_assert_eq(purged, 601);
	cr_assert_eq(forgotten, 1);
	cr_assert(directory_group_find(machine_ask(&d.m), 1, &group));
	cr_assert_eq(group.homes, 1);
	dir_close(&d);
}

Test(user, is_forgotten_in_the_lists_of_others)
{
	struct dir d;
	struct directory_user_forget_result result;
	struct buf name = { 0 };

	dir_open(&d);
	cr_assert_eq(dir_create(&d, "news"), ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, "news", "john", "lrs", ACL_ADD), ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, "news", "-john", "w", ACL_ADD), ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, "news", "johnny", "l", ACL_ADD), ERR_NONE);
	for (unsigned i = 0; i < 1200; i++) {
		buf_clear(&name);
		buf_printf(&name, "news.%u", i);
		cr_assert_eq(dir_create(&d, buf_cstr(&name)), ERR_NONE);
	}
	cr_assert_eq(forget(&d, "john", &result), ERR_NONE);
	cr_assert_eq(result.changed, 1000);
	cr_assert(result.more);
	dir_verify(&d);
	cr_assert_eq(forget(&d, "john", &result), ERR_NONE);
	cr_assert_eq(result.changed, 201);
	cr_assert_not(result.more);
	cr_assert(slice_eq(dir_mailbox(&d, "news").acl,
			   SLICE_LIT("anyone\tlrs\tjohnny\tl\t")));
	cr_assert_eq(forget(&d, "john", &result), ERR_NONE);
	cr_assert_eq(result.changed, 0);
	buf_fini(&name);
	dir_close(&d);
}

Test(user, added_again_has_no_rights_of_the_one_before)
{
	struct dir d;
	struct directory_user_forget_result result;

	dir_open(&d);
	cr_assert_eq(dir_user(&d, "john", 0), ERR_NONE);
	cr_assert_eq(dir_create(&d, "news"), ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, "news", "john", "lrs", ACL_ADD), ERR_NONE);
	cr_assert_eq(dir_remove(&d, "john"), ERR_NONE);
	cr_assert_eq(dir_user(&d, "john", 0), ERR_NONE);
	cr_assert(slice_eq(dir_mailbox(&d, "news").acl,
			   SLICE_LIT("anyone\tlrs\t")));
	cr_assert_eq(dir_create(&d, "user.john.x"), ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, "news", "john", "lr", ACL_ADD), ERR_NONE);
	cr_assert_eq(forget(&d, "john", &result), ERR_NONE);
	cr_assert_eq(result.changed, 0);
	cr_assert_not(result.more);
	cr_assert(slice_eq(dir_mailbox(&d, "user.john.x").acl,
			   SLICE_LIT("john\tlrswipkxtena\t")));
	cr_assert(slice_eq(dir_mailbox(&d, "news").acl,
			   SLICE_LIT("anyone\tlrs\tjohn\tlr\t")));
	dir_close(&d);
}

Test(user, is_not_added_again_while_too_many_lists_have_the_one_before)
{
	struct dir d;
	struct directory_user_forget_result result;
	struct buf name = { 0 };

	dir_open(&d);
	cr_assert_eq(dir_user(&d, "john", 0), ERR_NONE);
	cr_assert_eq(dir_create(&d, "news"), ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, "news", "john", "lrs", ACL_ADD), ERR_NONE);
	for (unsigned i = 0; i < 1200; i++) {
		buf_clear(&name);
		buf_printf(&name, "news.%u", i);
		cr_assert_eq(dir_create(&d, buf_cstr(&name)), ERR_NONE);
	}
	cr_assert_eq(dir_remove(&d, "john"), ERR_NONE);
	cr_assert_eq(dir_user(&d, "john", 0), ERR_INUSE);
	cr_assert_eq(forget(&d, "john", &result), ERR_NONE);
	cr_assert_eq(dir_user(&d, "john", 0), ERR_NONE);
	cr_assert_eq(forget(&d, "john", &result), ERR_NONE);
	cr_assert_eq(result.changed, 0);
	dir_verify(&d);
	buf_fini(&name);
	dir_close(&d);
}

Test(user, has_what_was_given_to_his_name_before_it_was_his)
{
	struct dir d;

	dir_open(&d);
	cr_assert_eq(dir_create(&d, "news"), ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, "news", "john", "lr", ACL_ADD), ERR_NONE);
	cr_assert_eq(dir_user(&d, "john", 0), ERR_NONE);
	cr_assert(slice_eq(dir_mailbox(&d, "news").acl,
			   SLICE_LIT("anyone\tlrs\tjohn\tlr\t")));
	dir_close(&d);
}

Test(user, tree_has_a_limit_so_that_it_can_be_renamed_and_removed)
{
	struct dir d;
	struct buf name = { 0 };
	enum err err = ERR_NONE;
	unsigned count = 1;

	dir_open(&d);
	cr_assert_eq(dir_user(&d, "john", 1), ERR_NONE);
	/* Long chains of names make many mailboxes by few commands. */
	for (unsigned i = 0; err == ERR_NONE; i++) {
		buf_clear(&name);
		buf_printf(&name, "user.john.%u", i);
		for (unsigned level = 0; level < 200; level++)
			buf_add_str(&name, ".x");
		err = dir_create(&d, buf_cstr(&name));
		count += err == ERR_NONE ? 201 : 0;
	}
	cr_assert_eq(err, ERR_LIMIT);
	cr_assert_gt(count + 201, DIRECTORY_TREE_MAX);
	cr_assert_eq(dir_user_of(&d, "john").mailboxes, count);
	cr_assert_eq(dir_remove(&d, "john"), ERR_NONE);
	dir_expect_names(&d, "");
	buf_fini(&name);
	dir_close(&d);
}
