/*
 * Members, and groups with their replicas.
 */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "dir.h"

/* ---- members ---- */

static enum err add(struct dir *d, const char *name, uint8_t key)
{
	struct directory_member member = dir_new_member(name, key);

	return dir_member_add(d, &member);
}

static enum err set(struct dir *d, const struct directory_member *member,
		    uint8_t fields)
{
	struct directory_member_set command = { fields, *member };
	enum err err = directory_member_set_encode(&command, &d->m.body);

	return err != ERR_NONE ? err
			       : machine_apply(&d->m, DIRECTORY_MEMBER_SET,
					       DIRECTORY_COMMAND_VERSION);
}

static enum err set_state(struct dir *d, uint32_t node,
			  enum directory_member_state state)
{
	struct directory_member member = dir_member(d, node);

	member.state = state;
	return set(d, &member, DIRECTORY_MEMBER_STATE);
}

Test(member, members_get_numbers_that_stay_used)
{
	struct directory_member_add_result result;
	struct dir d;

	dir_open(&d);
	cr_assert_eq(add(&d, "n1", 2), ERR_EXISTS);
	cr_assert_eq(add(&d, "N1", 2), ERR_EXISTS);
	cr_assert_eq(add(&d, "n2", 2), ERR_NONE);
	cr_assert_eq(
		directory_member_add_result(machine_payload(&d.m), &result),
		ERR_NONE);
	cr_assert_eq(result.node, 2);
	cr_assert_eq(set_state(&d, 2, DIRECTORY_MEMBER_REMOVED), ERR_NONE);
	cr_assert_eq(add(&d, "n2", 3), ERR_NONE);
	cr_assert_eq(dir_member(&d, 3).weight, 10);
	cr_assert(slice_eq(dir_member(&d, 3).name, SLICE_LIT("n2")));
	cr_assert_eq(dir_member(&d, 2).state, DIRECTORY_MEMBER_REMOVED);
	dir_close(&d);
}

Test(member, a_member_is_found_by_name_and_by_either_key)
{
	struct directory_member member;
	struct directory_member other = dir_new_member("x", 9);
	struct dir d;

	dir_open(&d);
	cr_assert_eq(add(&d, "n2", 2), ERR_NONE);
	member = dir_member(&d, 2);
	member.next_key_hash = other.key_hash;
	cr_assert_eq(set(&d, &member, DIRECTORY_MEMBER_KEYS), ERR_NONE);
	cr_assert(directory_member_find_name(machine_ask(&d.m), SLICE_LIT("N2"),
					     &member));
	cr_assert_eq(member.node, 2);
	cr_assert(directory_member_find_key(machine_ask(&d.m), other.key_hash,
					    &member));
	cr_assert_eq(member.node, 2);
	cr_assert_not(directory_member_find_key(machine_ask(&d.m), SLICE_NONE,
						&member));
	cr_assert_eq(set_state(&d, 2, DIRECTORY_MEMBER_REMOVED), ERR_NONE);
	cr_assert_not(directory_member_find_key(machine_ask(&d.m),
						other.key_hash, &member));
	cr_assert_not(directory_member_find_name(machine_ask(&d.m),
						 SLICE_LIT("n2"), &member));
	dir_close(&d);
}

Test(member, only_the_named_fields_change_and_only_of_the_record_that_was_read)
{
	struct directory_member member;
	struct dir d;

	dir_open(&d);
	member = dir_member(&d, 1);
	member.weight = 5;
	member.zone = SLICE_LIT("attic");
	member.roles = DIRECTORY_ROLE_MASTER;
	member.addresses[1] = SLICE_LIT("n1.example.org:3906");
	member.address_count = 2;
	cr_assert_eq(set(&d, &member,
			 DIRECTORY_MEMBER_WEIGHT | DIRECTORY_MEMBER_ADDRESSES),
		     ERR_NONE);
	cr_assert_eq(set(&d, &member, DIRECTORY_MEMBER_ZONE), ERR_STALE);
	member = dir_member(&d, 1);
	cr_assert_eq(member.epoch, d.m.index - 1);
	cr_assert_eq(member.weight, 5);
	cr_assert_eq(member.address_count, 2);
	cr_assert_eq(member.roles, DIRECTORY_ROLES_ALL);
	cr_assert(slice_eq(member.zone, SLICE_LIT("cellar")));
	member.node = 7;
	cr_assert_eq(set(&d, &member, DIRECTORY_MEMBER_ZONE), ERR_NOTFOUND);
	dir_close(&d);
}

Test(member, a_removed_member_is_fenced_in_each_group_and_stays_removed)
{
	struct directory_intent intent;
	struct directory_walk walk;
	uint64_t node;
	uint32_t group = 0;
	struct dir d;

	dir_open(&d);
	cr_assert_eq(add(&d, "n2", 2), ERR_NONE);
	cr_assert_eq(set_state(&d, 2, DIRECTORY_MEMBER_REMOVED), ERR_NONE);
	directory_intent_walk(&walk, machine_ask(&d.m), 0);
	while (directory_intent_next(&walk, &intent)) {
		cr_assert_eq(intent.kind, DIRECTORY_INTENT_FENCE);
		cr_assert_eq(intent.group, group++);
		cr_assert(directory_intent_next_id(&intent, &node));
		cr_assert_eq(node, 2);
	}
	directory_walk_end(&walk);
	cr_assert_eq(group, 3, "the directory and both mail groups");
	cr_assert_eq(set_state(&d, 2, DIRECTORY_MEMBER_ACTIVE), ERR_CANNOT);
	dir_close(&d);
}

Test(member, the_last_master_stays)
{
	struct directory_member member;
	struct dir d;

	dir_open(&d);
	cr_assert_eq(set_state(&d, 1, DIRECTORY_MEMBER_REMOVED), ERR_CANNOT);
	member = dir_new_member("n2", 2);
	member.roles = DIRECTORY_ROLE_BACKEND;
	cr_assert_eq(dir_member_add(&d, &member), ERR_NONE);
	cr_assert_eq(set_state(&d, 1, DIRECTORY_MEMBER_REMOVED), ERR_CANNOT);
	member = dir_member(&d, 1);
	member.roles = DIRECTORY_ROLE_FRONTEND;
	cr_assert_eq(set(&d, &member, DIRECTORY_MEMBER_ROLES), ERR_CANNOT);
	cr_assert_eq(add(&d, "n3", 3), ERR_NONE);
	member = dir_member(&d, 1);
	member.roles = DIRECTORY_ROLE_FRONTEND;
	cr_assert_eq(set(&d, &member, DIRECTORY_MEMBER_ROLES), ERR_NONE);
	cr_assert_eq(set_state(&d, 3, DIRECTORY_MEMBER_REMOVED), ERR_CANNOT);
	dir_close(&d);
}

Test(member, a_successor_is_another_member)
{
	struct directory_member member;
	struct dir d;

	dir_open(&d);
	cr_assert_eq(add(&d, "n2", 2), ERR_NONE);
	member = dir_member(&d, 2);
	member.state = DIRECTORY_MEMBER_LEAVING;
	member.successor = 2;
	cr_assert_eq(set(&d, &member, DIRECTORY_MEMBER_STATE), ERR_CANNOT);
	member.successor = 3;
	cr_assert_eq(set(&d, &member, DIRECTORY_MEMBER_STATE), ERR_CANNOT);
	member.successor = 1;
	cr_assert_eq(set(&d, &member, DIRECTORY_MEMBER_STATE), ERR_NONE);
	cr_assert_eq(dir_member(&d, 2).successor, 1);
	dir_close(&d);
}

/* ---- keys ---- */

static enum err set_keys(struct dir *d, uint32_t node, struct slice key,
			 struct slice next)
{
	struct directory_member member = dir_member(d, node);

	member.key_hash = key;
	member.next_key_hash = next;
	return set(d, &member, DIRECTORY_MEMBER_KEYS);
}

Test(member, a_key_is_changed_without_being_locked_out)
{
	struct slice old = dir_new_member("x", 1).key_hash;
	struct slice next = dir_new_member("x", 9).key_hash;
	struct dir d;

	dir_open(&d);
	cr_assert_eq(set_keys(&d, 1, next, SLICE_NONE), ERR_CANNOT);
	cr_assert_eq(set_keys(&d, 1, old, old), ERR_INVALID);
	cr_assert_eq(set_keys(&d, 1, old, next), ERR_NONE);
	cr_assert_eq(set_keys(&d, 1, next, SLICE_NONE), ERR_NONE);
	cr_assert(slice_eq(dir_member(&d, 1).key_hash, next));
	cr_assert_eq(dir_member(&d, 1).next_key_hash.len, 0);
	dir_close(&d);
}

Test(member, no_two_members_have_one_key_not_even_a_removed_one)
{
	struct slice second = dir_new_member("x", 2).key_hash;
	struct slice own = dir_new_member("x", 1).key_hash;
	struct dir d;

	dir_open(&d);
	cr_assert_eq(add(&d, "n2", 1), ERR_INUSE);
	cr_assert_eq(add(&d, "n2", 2), ERR_NONE);
	cr_assert_eq(set_keys(&d, 1, own, second), ERR_INUSE);
	cr_assert_eq(set_state(&d, 2, DIRECTORY_MEMBER_REMOVED), ERR_NONE);
	cr_assert_eq(set_keys(&d, 1, own, second), ERR_INUSE);
	cr_assert_eq(add(&d, "n3", 2), ERR_INUSE);
	dir_close(&d);
}

/* ---- the feature level ---- */

static enum err raise_to(struct dir *d, uint32_t level)
{
	struct directory_feature_raise command = { level };
	enum err err = directory_feature_raise_encode(&command, &d->m.body);

	return err != ERR_NONE ? err
			       : machine_apply(&d->m, DIRECTORY_FEATURE_RAISE,
					       DIRECTORY_COMMAND_VERSION);
}

static uint32_t level_of(struct dir *d)
{
	struct directory_counters counters;

	directory_counters_get(machine_ask(&d->m), &counters);
	return counters.feature_level;
}

static enum err set_level(struct dir *d, uint32_t node, uint32_t level)
{
	struct directory_member member = dir_member(d, node);

	member.feature_level = level;
	return set(d, &member, DIRECTORY_MEMBER_FEATURE_LEVEL);
}

Test(member, the_feature_level_rises_when_all_can_and_never_falls)
{
	struct directory_member old = dir_new_member("n3", 3);
	struct dir d;

	dir_open(&d);
	cr_assert_eq(add(&d, "n2", 2), ERR_NONE);
	cr_assert_eq(level_of(&d), 1);
	cr_assert_eq(raise_to(&d, 1), ERR_STALE);
	cr_assert_eq(set_level(&d, 1, 2), ERR_NONE);
	cr_assert_eq(raise_to(&d, 2), ERR_CANNOT);
	cr_assert_eq(set_level(&d, 2, 3), ERR_NONE);
	cr_assert_eq(raise_to(&d, 3), ERR_CANNOT);
	cr_assert_eq(raise_to(&d, 2), ERR_NONE);
	cr_assert_eq(level_of(&d), 2);
	cr_assert_eq(set_level(&d, 1, 1), ERR_CANNOT);
	cr_assert_eq(dir_member_add(&d, &old), ERR_CANNOT);
	cr_assert_eq(set_state(&d, 1, DIRECTORY_MEMBER_REMOVED), ERR_NONE);
	cr_assert_eq(raise_to(&d, 3), ERR_NONE);
	dir_close(&d);
}

/* ---- groups ---- */

static enum err put(struct dir *d, struct directory_group_put *put)
{
	enum err err = directory_group_put_encode(put, &d->m.body);

	return err != ERR_NONE ? err
			       : machine_apply(&d->m, DIRECTORY_GROUP_PUT,
					       DIRECTORY_COMMAND_VERSION);
}

static struct directory_group group_of(struct dir *d, uint32_t number)
{
	struct directory_group group;

	cr_assert(directory_group_find(machine_ask(&d->m), number, &group));
	return group;
}

static void add_replica(struct directory_group *group, uint32_t node)
{
	group->replicas[group->replica_count++] = (struct directory_replica){
		.node = node,
		.role = DIRECTORY_REPLICA_STANDBY,
		.state = DIRECTORY_REPLICA_JOINING,
	};
}

static uint64_t new_raft_id(struct dir *d)
{
	struct directory_group_put_result result;

	cr_assert_eq(
		directory_group_put_result(machine_payload(&d->m), &result),
		ERR_NONE);
	return result.raft_id;
}

Test(member, a_group_changes_only_from_the_record_that_was_read)
{
	struct directory_group_put command = { .add = false };
	struct dir d;

	dir_open(&d);
	cr_assert_eq(dir_user(&d, "john", 1), ERR_NONE);
	command.group = group_of(&d, 1);
	command.group.weight = 7;
	command.group.homes = 77;
	cr_assert_eq(put(&d, &command), ERR_NONE);
	cr_assert_eq(put(&d, &command), ERR_STALE);
	cr_assert_eq(group_of(&d, 1).homes, 1);
	cr_assert_eq(group_of(&d, 1).weight, 7);
	cr_assert_eq(group_of(&d, 1).epoch, d.m.index - 1);
	command.group.group = 9;
	cr_assert_eq(put(&d, &command), ERR_NOTFOUND);
	dir_close(&d);
}

Test(member, the_directory_itself_needs_no_adding)
{
	struct directory_group_put command = { .group = { .wanted = 3 } };
	struct dir d;

	dir_open(&d);
	add_replica(&command.group, 1);
	command.group.replicas[0].raft_id = directory_raft_id(1, 1);
	cr_assert_eq(put(&d, &command), ERR_NONE);
	cr_assert_eq(new_raft_id(&d), 0);
	cr_assert_eq(put(&d, &command), ERR_STALE);
	cr_assert_eq(group_of(&d, 0).replicas[0].raft_id,
		     directory_raft_id(1, 1));
	dir_close(&d);
}

Test(member, a_raft_id_never_comes_back)
{
	struct directory_group_put command = { .add = false };
	uint64_t first;
	struct dir d;

	dir_open(&d);
	cr_assert_eq(add(&d, "n2", 2), ERR_NONE);
	command.group = group_of(&d, 1);
	add_replica(&command.group, 2);
	cr_assert_eq(put(&d, &command), ERR_NONE);
	first = new_raft_id(&d);
	cr_assert_eq(first, directory_raft_id(2, 1));
	cr_assert_eq(group_of(&d, 1).replicas[1].raft_id, first);
	command.group = group_of(&d, 1);
	command.group.replica_count = 1;
	cr_assert_eq(put(&d, &command), ERR_NONE);
	command.group = group_of(&d, 1);
	add_replica(&command.group, 2);
	command.group.replicas[1].raft_id = first;
	cr_assert_eq(put(&d, &command), ERR_CANNOT);
	command.group.replicas[1].raft_id = 0;
	cr_assert_eq(put(&d, &command), ERR_NONE);
	cr_assert_eq(new_raft_id(&d), directory_raft_id(2, 2));
	command.group = group_of(&d, 2);
	add_replica(&command.group, 2);
	cr_assert_eq(put(&d, &command), ERR_NONE);
	cr_assert_eq(new_raft_id(&d), directory_raft_id(2, 3));
	cr_assert_eq(dir_member(&d, 2).replicas, 3);
	dir_close(&d);
}

Test(member, one_replica_of_a_group_changes_at_a_time)
{
	struct directory_group_put command = { .add = false };
	struct dir d;

	dir_open(&d);
	for (uint8_t i = 2; i <= 4; i++)
		cr_assert_eq(add(&d, (char[]){ 'n', (char)('0' + i), '\0' }, i),
			     ERR_NONE);
	command.group = group_of(&d, 1);
	add_replica(&command.group, 2);
	add_replica(&command.group, 3);
	cr_assert_eq(put(&d, &command), ERR_CANNOT);
	command.group.replica_count = 2;
	cr_assert_eq(put(&d, &command), ERR_NONE);
	command.group = group_of(&d, 1);
	command.group.replicas[0].role = DIRECTORY_REPLICA_STANDBY;
	command.group.replicas[1].role = DIRECTORY_REPLICA_VOTER;
	cr_assert_eq(put(&d, &command), ERR_CANNOT);
	command.group.replicas[0].role = DIRECTORY_REPLICA_VOTER;
	cr_assert_eq(put(&d, &command), ERR_NONE);
	command.group = group_of(&d, 1);
	command.group.replicas[1] = (struct directory_replica){
		.node = 3,
		.role = DIRECTORY_REPLICA_VOTER,
		.state = DIRECTORY_REPLICA_JOINING,
	};
	cr_assert_eq(put(&d, &command), ERR_CANNOT, "goes and comes");
	dir_close(&d);
}

Test(member, a_replica_is_on_a_member_that_has_no_other_of_the_group)
{
	struct directory_group_put command = { .add = false };
	struct dir d;

	dir_open(&d);
	command.group = group_of(&d, 1);
	add_replica(&command.group, 1);
	cr_assert_eq(put(&d, &command), ERR_CANNOT);
	command.group.replicas[1].node = 2;
	cr_assert_eq(put(&d, &command), ERR_NOTFOUND);
	cr_assert_eq(add(&d, "n2", 2), ERR_NONE);
	cr_assert_eq(put(&d, &command), ERR_NONE);
	cr_assert_eq(set_state(&d, 2, DIRECTORY_MEMBER_REMOVED), ERR_NONE);
	command.group = group_of(&d, 1);
	command.group.weight = 3;
	cr_assert_eq(put(&d, &command), ERR_NONE, "others may change");
	command.group = group_of(&d, 2);
	add_replica(&command.group, 2);
	cr_assert_eq(put(&d, &command), ERR_CANNOT);
	dir_close(&d);
}

Test(member, a_group_without_a_serving_replica_takes_no_homes)
{
	struct directory_group_put command = { .add = false };
	struct dir d;

	dir_open(&d);
	command.group = group_of(&d, 1);
	command.group.replicas[0].state = DIRECTORY_REPLICA_JOINING;
	cr_assert_eq(put(&d, &command), ERR_NONE);
	cr_assert_eq(dir_user(&d, "john", 0), ERR_NONE);
	cr_assert_eq(dir_user_of(&d, "john").group, 2);
	dir_close(&d);
}

/* ---- what encoders refuse ---- */

Test(member, names_zones_and_addresses_are_plain)
{
	static const char *const names[] = { "",    "-a",        "a-",
					     "a.b", "n\xc3\xa9", "a b" };
	struct directory_member member = dir_new_member("n2", 2);
	struct dir d;

	dir_open(&d);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		cr_assert_eq(add(&d, names[i], 2), ERR_INVALID, "%s", names[i]);
	member.zone = SLICE_LIT("a,b");
	cr_assert_eq(dir_member_add(&d, &member), ERR_INVALID);
	member.zone = SLICE_LIT("a b");
	cr_assert_eq(dir_member_add(&d, &member), ERR_INVALID);
	member.zone = SLICE_NONE;
	member.addresses[0] = SLICE_NONE;
	cr_assert_eq(dir_member_add(&d, &member), ERR_INVALID);
	member.address_count = 0;
	cr_assert_eq(dir_member_add(&d, &member), ERR_NONE);
	member = dir_new_member("n3", 3);
	member.roles = 0;
	cr_assert_eq(dir_member_add(&d, &member), ERR_INVALID);
	dir_close(&d);
}

Test(member, a_list_of_zones_has_no_hole)
{
	static const char *const bad[] = { ",", "a,", ",a", "a,,b", "a b" };
	struct directory_group_put command = { .add = false };
	struct dir d;

	dir_open(&d);
	command.group = group_of(&d, 1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		command.group.zone = slice_str(bad[i]);
		cr_assert_eq(put(&d, &command), ERR_INVALID, "%s", bad[i]);
	}
	command.group.zone = SLICE_LIT("cellar,attic");
	cr_assert_eq(put(&d, &command), ERR_NONE);
	command.group = group_of(&d, 1);
	command.group.wanted = 2;
	cr_assert_eq(put(&d, &command), ERR_INVALID);
	dir_close(&d);
	cr_assert(directory_zone_allowed(SLICE_LIT("a,b"), SLICE_LIT("b")));
	cr_assert(directory_zone_allowed(SLICE_NONE, SLICE_LIT("b")));
	cr_assert_not(directory_zone_allowed(SLICE_LIT("a,b"), SLICE_NONE));
	cr_assert_not(directory_zone_allowed(SLICE_LIT("ab"), SLICE_LIT("a")));
}
