/*
 * Tokens, and how a node becomes a member by one.
 */
#include <criterion/criterion.h>

#include "dir.h"

#define SECRET "0123456789abcdef"
#define HOUR_MS 3600000ull

static struct sha256 hash_of(const char *secret)
{
	struct sha256 hash;

	sha256(slice_str(secret), &hash);
	return hash;
}

static enum err put_until(struct dir *d, const char *secret, const char *name,
			  uint64_t expires_at_ms)
{
	struct directory_token_put command = {
		.token = {
			.hash = hash_of(secret),
			.name = slice_str(name),
			.roles = DIRECTORY_ROLE_BACKEND,
			.zone = SLICE_LIT("attic"),
			.weight = 7,
			.expires_at_ms = expires_at_ms,
			.node = 99,
		},
	};
	enum err err = directory_token_put_encode(&command, &d->m.body);

	return err != ERR_NONE ? err
			       : machine_apply(&d->m, DIRECTORY_TOKEN_PUT,
					       DIRECTORY_COMMAND_VERSION);
}

static enum err put(struct dir *d, const char *secret, const char *name)
{
	return put_until(d, secret, name, d->m.now_ms + HOUR_MS);
}

static enum err drop(struct dir *d, const char *secret)
{
	struct directory_token_drop command = { hash_of(secret) };
	enum err err = directory_token_drop_encode(&command, &d->m.body);

	return err != ERR_NONE ? err
			       : machine_apply(&d->m, DIRECTORY_TOKEN_DROP,
					       DIRECTORY_COMMAND_VERSION);
}

static struct directory_join joiner(const char *secret, const char *name,
				    uint8_t key)
{
	return (struct directory_join){
		.secret = slice_str(secret),
		.name = slice_str(name),
		.key_hash = dir_new_member("x", key).key_hash,
		.addresses = { SLICE_LIT("192.0.2.2:3906") },
		.address_count = 1,
		.feature_level = 1,
	};
}

static enum err join_as(struct dir *d, const struct directory_join *command)
{
	enum err err = directory_join_encode(command, &d->m.body);

	return err != ERR_NONE ? err
			       : machine_apply(&d->m, DIRECTORY_JOIN,
					       DIRECTORY_COMMAND_VERSION);
}

static enum err join(struct dir *d, const char *secret, const char *name,
		     uint8_t key)
{
	struct directory_join command = joiner(secret, name, key);

	return join_as(d, &command);
}

static struct directory_join_result joined(struct dir *d)
{
	struct directory_join_result result;

	cr_assert_eq(directory_join_result(machine_payload(&d->m), &result),
		     ERR_NONE);
	return result;
}

static unsigned tokens(struct dir *d)
{
	struct directory_token token;
	struct directory_walk walk;
	unsigned count = 0;

	directory_token_walk(&walk, machine_ask(&d->m));
	while (directory_token_next(&walk, &token))
		count++;
	directory_walk_end(&walk);
	return count;
}

Test(join, a_joiner_becomes_what_the_token_says)
{
	struct directory_member member;
	struct directory_token token;
	struct sha256 hash = hash_of(SECRET);
	struct dir d;

	dir_open(&d);
	cr_assert_eq(put(&d, SECRET, "n2"), ERR_NONE);
	cr_assert_eq(join(&d, SECRET, "N2", 2), ERR_NONE);
	cr_assert_eq(joined(&d).node, 2);
	cr_assert_eq(joined(&d).roles, DIRECTORY_ROLE_BACKEND);
	cr_assert_eq(joined(&d).feature_level, 1);
	member = dir_member(&d, 2);
	cr_assert(slice_eq(member.name, SLICE_LIT("n2")));
	cr_assert(slice_eq(member.zone, SLICE_LIT("attic")));
	cr_assert(slice_eq(member.addresses[0], SLICE_LIT("192.0.2.2:3906")));
	cr_assert_eq(member.weight, 7);
	cr_assert_eq(member.state, DIRECTORY_MEMBER_ACTIVE);
	cr_assert(directory_token_find(machine_ask(&d.m), &hash, &token));
	cr_assert_eq(token.node, 2);
	dir_close(&d);
}

Test(join, a_token_lets_one_node_in_once)
{
	struct dir d;

	dir_open(&d);
	cr_assert_eq(put(&d, SECRET, "n2"), ERR_NONE);
	cr_assert_eq(join(&d, "fedcba9876543210", "n2", 2), ERR_NOTFOUND);
	cr_assert_eq(join(&d, SECRET, "n3", 2), ERR_DENIED);
	cr_assert_eq(join(&d, SECRET, "n2", 2), ERR_NONE);
	cr_assert_eq(join(&d, SECRET, "n2", 3), ERR_DENIED);
	cr_assert_eq(put(&d, SECRET, "n3"), ERR_EXISTS);
	dir_close(&d);
}

Test(join, who_lost_the_answer_gets_it_again)
{
	struct dir d;

	dir_open(&d);
	cr_assert_eq(put(&d, SECRET, "n2"), ERR_NONE);
	cr_assert_eq(join(&d, SECRET, "n2", 2), ERR_NONE);
	d.m.now_ms += HOUR_MS + 1000;
	cr_assert_eq(join(&d, SECRET, "n2", 2), ERR_NONE);
	cr_assert_eq(joined(&d).node, 2);
	dir_close(&d);
}

Test(join, a_removed_node_does_not_come_back_by_its_token)
{
	struct directory_member_set set = { DIRECTORY_MEMBER_STATE, { 0 } };
	struct dir d;

	dir_open(&d);
	cr_assert_eq(put(&d, SECRET, "n2"), ERR_NONE);
	cr_assert_eq(join(&d, SECRET, "n2", 2), ERR_NONE);
	set.member = dir_member(&d, 2);
	set.member.state = DIRECTORY_MEMBER_REMOVED;
	cr_assert_eq(directory_member_set_encode(&set, &d.m.body), ERR_NONE);
	cr_assert_eq(machine_apply(&d.m, DIRECTORY_MEMBER_SET, 1), ERR_NONE);
	cr_assert_eq(join(&d, SECRET, "n2", 2), ERR_DENIED);
	cr_assert_eq(put(&d, "another secret..", "n2"), ERR_NONE);
	cr_assert_eq(join(&d, "another secret..", "n2", 2), ERR_INUSE);
	cr_assert_eq(join(&d, "another secret..", "n2", 3), ERR_NONE);
	cr_assert_eq(joined(&d).node, 3);
	dir_close(&d);
}

Test(join, a_token_ends_by_the_clocks_of_the_commands)
{
	struct dir d;

	dir_open(&d);
	cr_assert_eq(put_until(&d, SECRET, "n2", d.m.now_ms), ERR_EXPIRED);
	cr_assert_eq(put_until(&d, SECRET, "n2",
			       d.m.now_ms + DIRECTORY_TOKEN_LIFE_MAX_MS + 1),
		     ERR_LIMIT);
	cr_assert_eq(put(&d, SECRET, "n2"), ERR_NONE);
	d.m.now_ms += HOUR_MS - 1;
	cr_assert_eq(put(&d, "another secret..", "n3"), ERR_NONE);
	d.m.now_ms += 1;
	cr_assert_eq(join(&d, SECRET, "n2", 2), ERR_EXPIRED);
	cr_assert_eq(join(&d, "another secret..", "n3", 2), ERR_NONE);
	dir_close(&d);
}

Test(join, tokens_that_ended_long_ago_go)
{
	struct dir d;

	dir_open(&d);
	cr_assert_eq(put(&d, SECRET, "n2"), ERR_NONE);
	d.m.now_ms += HOUR_MS + DIRECTORY_TOKEN_KEEP_MS - 1;
	cr_assert_eq(put(&d, "another secret..", "n3"), ERR_NONE);
	cr_assert_eq(tokens(&d), 2);
	d.m.now_ms += 1;
	cr_assert_eq(put(&d, "a third secret..", "n4"), ERR_NONE);
	cr_assert_eq(tokens(&d), 2);
	cr_assert_eq(join(&d, SECRET, "n2", 2), ERR_NOTFOUND);
	dir_close(&d);
}

Test(join, a_token_may_be_dropped)
{
	struct dir d;

	dir_open(&d);
	cr_assert_eq(put(&d, SECRET, "n2"), ERR_NONE);
	cr_assert_eq(drop(&d, SECRET), ERR_NONE);
	cr_assert_eq(drop(&d, SECRET), ERR_NOTFOUND);
	cr_assert_eq(join(&d, SECRET, "n2", 2), ERR_NOTFOUND);
	dir_close(&d);
}

Test(join, there_are_not_too_many_tokens)
{
	char secret[] = "a secret number 000";
	struct dir d;

	dir_open(&d);
	for (unsigned i = 0; i <= DIRECTORY_TOKENS_MAX; i++) {
		secret[17] = (char)('0' + i / 10);
		secret[18] = (char)('0' + i % 10);
		cr_assert_eq(put(&d, secret, "n2"),
			     i < DIRECTORY_TOKENS_MAX ? ERR_NONE : ERR_LIMIT);
	}
	d.m.now_ms += HOUR_MS + DIRECTORY_TOKEN_KEEP_MS;
	cr_assert_eq(put(&d, secret, "n2"), ERR_NONE);
	cr_assert_eq(tokens(&d), 1);
	dir_close(&d);
}

Test(join, names_and_keys_of_others_and_old_programs_are_refused)
{
	struct directory_join old = joiner(SECRET, "n1", 2);
	struct dir d;

	dir_open(&d);
	cr_assert_eq(put(&d, SECRET, "n1"), ERR_NONE);
	cr_assert_eq(join(&d, SECRET, "n1", 2), ERR_EXISTS);
	cr_assert_eq(put(&d, "another secret..", "n2"), ERR_NONE);
	cr_assert_eq(join(&d, "another secret..", "n2", 1), ERR_INUSE);
	old = joiner("another secret..", "n2", 2);
	old.feature_level = 0;
	cr_assert_eq(join_as(&d, &old), ERR_CANNOT);
	old.feature_level = 1;
	old.address_count = 0;
	cr_assert_eq(join_as(&d, &old), ERR_INVALID);
	cr_assert_eq(join(&d, "short", "n2", 2), ERR_INVALID);
	cr_assert_eq(join(&d, "another secret..", "n2", 2), ERR_NONE);
	dir_close(&d);
}
