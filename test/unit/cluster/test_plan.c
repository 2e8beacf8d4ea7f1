/*
 * The managers in small clusters, each with one thing to do.
 */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "plan_world.h"

#define HOUR_MS 3600000ull

/* n1 to n`nodes`, all with every role, in zones "a", "b", "c", "a", .. */
static struct world *given(unsigned nodes)
{
	static const char *const zones[] = { "a", "b", "c" };
	struct world *world = mem_alloc(sizeof(*world));

	world_open(world, NULL);
	world->smooth = true;
	for (unsigned i = 2; i <= nodes; i++)
		world_join(world, DIRECTORY_ROLES_ALL, zones[(i - 1) % 3]);
	return world;
}

static void end(struct world *world)
{
	world_close(world);
	mem_free(world);
}

static void expect(struct world *world, uint32_t group, unsigned voters,
		   unsigned standbys)
{
	cr_assert_eq(world_count(world, group, DIRECTORY_REPLICA_VOTER), voters,
		     "group %u has %u voters: %s", group,
		     world_count(world, group, DIRECTORY_REPLICA_VOTER),
		     world_step(world, group)->why);
	cr_assert_eq(world_count(world, group, DIRECTORY_REPLICA_STANDBY),
		     standbys, "group %u has %u standbys: %s", group,
		     world_count(world, group, DIRECTORY_REPLICA_STANDBY),
		     world_step(world, group)->why);
}

static void expect_why(struct world *world, uint32_t group, const char *text)
{
	const char *why = world_step(world, group)->why;

	cr_assert_not_null(strstr(why, text), "%s, not %s", why, text);
}

static void fall(struct world *world, uint32_t node, uint64_t ms)
{
	world->nodes[node].up = false;
	world_pass(world, ms);
}

/* ---- growing ---- */

Test(plan, one_node_is_a_cluster_and_says_that_there_is_no_failover)
{
	struct world *world = given(1);

	world_settle(world);
	expect(world, 0, 1, 0);
	expect(world, 1, 1, 0);
	expect_why(world, 1, "no failover");
	cr_assert(world_step(world, 1)->wanting);
	cr_assert_not(world_step(world, 0)->wanting);
	expect_why(world, 0, "as it shall be: 1 voter, 0 standbys");
	end(world);
}

Test(plan, of_two_replicas_one_follows_without_a_vote)
{
	struct world *world = given(2);

	world_settle(world);
	expect(world, 0, 1, 1);
	expect(world, 1, 1, 1);
	expect_why(world, 1, "no failover");
	end(world);
}

Test(plan, three_nodes_vote_in_everything_and_lead_equally)
{
	struct world *world = given(3);
	unsigned leads[4] = { 0 };

	world_settle(world);
	for (uint32_t group = 0; group <= 12; group++) {
		expect(world, group, 3, 0);
		leads[world->groups[group].leader >> 32] += group > 0 ? 1 : 0;
	}
	cr_assert_eq(world->cluster.group_count, 13, "4 for each backend");
	for (unsigned node = 1; node <= 3; node++)
		cr_assert_eq(leads[node], 4);
	end(world);
}

Test(plan, who_has_more_weight_leads_more)
{
	struct world *world = given(3);
	struct directory_member_set set = { DIRECTORY_MEMBER_WEIGHT,
					    dir_member(&world->dir, 2) };
	unsigned leads[4] = { 0 };

	set.member.weight = 40;
	cr_assert_eq(directory_member_set_encode(&set, &world->dir.m.body),
		     ERR_NONE);
	cr_assert_eq(machine_apply(&world->dir.m, DIRECTORY_MEMBER_SET, 1),
		     ERR_NONE);
	world_settle(world);
	for (uint32_t group = 1; group <= 12; group++)
		leads[world->groups[group].leader >> 32]++;
	cr_assert_eq(leads[1], 2);
	cr_assert_eq(leads[2], 8);
	cr_assert_eq(leads[3], 2);
	end(world);
}

Test(plan, a_second_voter_waits_for_the_third)
{
	struct world *world = given(2);

	world_settle(world);
	world_join(world, DIRECTORY_ROLES_ALL, "c");
	fall(world, 3, 10000);
	world_settle(world);
	expect(world, 0, 1, 1);
	expect_why(world, 0, "no use");
	world->nodes[3].up = true;
	world_settle(world);
	expect(world, 0, 3, 0);
	end(world);
}

Test(plan, seven_masters_are_five_voters_and_two_standbys)
{
	struct world *world = given(7);

	world_settle(world);
	expect(world, 0, 5, 2);
	expect(world, 1, 3, 0);
	end(world);
}

Test(plan, frontends_follow_the_directory_and_hold_no_mail)
{
	struct world *world = given(3);
	uint32_t frontend = world_join(world, DIRECTORY_ROLE_FRONTEND, "a");

	world_settle(world);
	expect(world, 0, 3, 1);
	cr_assert(world_has(world, 0, frontend));
	for (uint32_t group = 1; group <= 12; group++)
		cr_assert_not(world_has(world, group, frontend));
	cr_assert_eq(world->cluster.group_count, 13);
	end(world);
}

Test(plan, all_means_up_to_five_voters_and_a_standby_on_the_rest)
{
	struct world *world = given(7);

	world_set_wanted(world, 1, DIRECTORY_WANTED_ALL);
	world_set_wanted(world, 2, 5);
	world_settle(world);
	expect(world, 1, 5, 2);
	expect(world, 2, 5, 0);
	world_set_wanted(world, 1, 1);
	world_settle(world);
	expect(world, 1, 1, 0);
	end(world);
}

Test(plan, replicas_are_spread_over_zones)
{
	struct world *world = given(9);
	bool zones[3];

	world_settle(world);
	for (uint32_t group = 3; group <= 12; group++) {
		memset(zones, 0, sizeof(zones));
		for (uint32_t node = 1; node <= 9; node++)
			if (world_has(world, group, node) && node > 1)
				zones[(node - 1) % 3] = true;
		cr_assert(zones[1] + zones[2] + zones[0] >= 2, "group %u",
			  group);
	}
	end(world);
}

Test(plan, a_list_of_zones_keeps_replicas_there)
{
	struct world *world = given(6);
	struct directory_group_put put = { .add = false };

	put.group = world_record(world, 1);
	put.group.zone = SLICE_LIT("b,c");
	cr_assert_eq(directory_group_put_encode(&put, &world->dir.m.body),
		     ERR_NONE);
	cr_assert_eq(machine_apply(&world->dir.m, DIRECTORY_GROUP_PUT, 1),
		     ERR_NONE);
	world_settle(world);
	expect(world, 1, 3, 0);
	for (uint32_t node = 1; node <= 4; node += 3)
		cr_assert_not(world_has(world, 1, node), "n%u", node);
	end(world);
}

/* ---- silence ---- */

Test(plan, a_silent_master_is_replaced_after_30_s_and_not_before)
{
	struct world *world = given(4);

	world_settle(world);
	expect(world, 0, 3, 1);
	fall(world, 2, 30000);
	world_turn(world);
	cr_assert_eq(world_step(world, 0)->kind, PLAN_NOTHING);
	fall(world, 2, 1);
	world_turn(world);
	cr_assert_eq(world_step(world, 0)->kind, PLAN_RECORD_ROLE);
	world_settle(world);
	expect(world, 0, 3, 1);
	cr_assert_eq(world_replica(world, 0, 2)->vote, PLAN_VOTE_STANDBY);
	cr_assert_eq(world_replica(world, 0, 4)->vote, PLAN_VOTE_VOTER);
	cr_assert_eq(world_count(world, 1, DIRECTORY_REPLICA_VOTER), 3);
	end(world);
}

Test(plan, without_another_master_a_silent_one_keeps_its_vote)
{
	struct world *world = given(3);

	world_settle(world);
	fall(world, 2, HOUR_MS + 1000);
	world_settle(world);
	expect(world, 0, 3, 0);
	expect_why(world, 0, "no standby is ready");
	expect(world, 1, 3, 0);
	expect_why(world, 1, "no other node is there");
	end(world);
}

Test(plan, mail_is_copied_elsewhere_after_an_hour_of_silence)
{
	struct world *world = given(4);

	world_settle(world);
	cr_assert(world_has(world, 1, 2));
	fall(world, 2, HOUR_MS);
	world_turn(world);
	cr_assert_neq(world_step(world, 1)->kind, PLAN_RECORD_ADD);
	fall(world, 2, 1);
	world_settle(world);
	for (uint32_t group = 1; group <= 16; group++) {
		cr_assert_not(world_has(world, group, 2));
		expect(world, group, 3, 0);
	}
	world->nodes[2].up = true;
	world_settle(world);
	expect(world, 1, 3, 0);
	end(world);
}

Test(plan, without_a_majority_nothing_is_changed)
{
	struct world *world = given(5);
	uint32_t group = 0;

	world_settle(world);
	/* The directory has five voters and lives; some mail does not. */
	fall(world, 2, 1000);
	fall(world, 3, HOUR_MS * 2);
	world_settle(world);
	while (world->groups[++group].leader != 0)
		cr_assert_lt(group, 20);
	expect_why(world, group, "without a majority");
	cr_assert_eq(world_step(world, group)->kind, PLAN_NOTHING);
	end(world);
}

/* ---- draining and leaving ---- */

Test(plan, a_draining_node_is_emptied_when_others_can_take_its_mail)
{
	struct world *world = given(4);

	world_settle(world);
	world_set_state(world, 2, DIRECTORY_MEMBER_DRAINING, 0);
	world_settle(world);
	for (uint32_t group = 1; group <= 16; group++) {
		cr_assert_not(world_has(world, group, 2));
		expect(world, group, 3, 0);
	}
	cr_assert(world_has(world, 0, 2), "it stays a member");
	cr_assert_eq(world_replica(world, 0, 2)->vote, PLAN_VOTE_STANDBY);
	end(world);
}

Test(plan, a_draining_node_keeps_what_nobody_else_can_take)
{
	struct world *world = given(3);

	world_settle(world);
	world_set_state(world, 2, DIRECTORY_MEMBER_DRAINING, 0);
	world_settle(world);
	for (uint32_t group = 1; group <= 12; group++) {
		expect(world, group, 3, 0);
		cr_assert_neq(world->groups[group].leader >> 32, 2);
	}
	cr_assert(world_step(world, 1)->wanting);
	end(world);
}

Test(plan, who_drains_and_does_not_vote_makes_no_voter_possible)
{
	struct world *world = given(3);

	while (world_count(world, 1, DIRECTORY_REPLICA_VOTER) < 2) {
		world_pass(world, 1000);
		world_turn(world);
	}
	world_set_state(world, 2, DIRECTORY_MEMBER_DRAINING, 0);
	world_set_state(world, 3, DIRECTORY_MEMBER_DRAINING, 0);
	world_settle(world);
	expect(world, 1, 1, 2);
	end(world);
}

Test(plan, a_leaving_node_hands_over_and_is_removed)
{
	struct world *world = given(4);

	world_settle(world);
	world_set_state(world, 1, DIRECTORY_MEMBER_LEAVING, 0);
	world_settle(world);
	cr_assert_eq(dir_member(&world->dir, 1).state,
		     DIRECTORY_MEMBER_REMOVED);
	cr_assert_not(world_has(world, 0, 1));
	for (uint32_t group = 0; group <= 16; group++)
		expect(world, group, 3, 0);
	end(world);
}

Test(plan, of_three_one_leaves_and_two_replicas_stay)
{
	struct world *world = given(3);

	world_settle(world);
	world_set_state(world, 3, DIRECTORY_MEMBER_LEAVING, 0);
	world_settle(world);
	cr_assert_eq(dir_member(&world->dir, 3).state,
		     DIRECTORY_MEMBER_REMOVED);
	for (uint32_t group = 0; group <= 12; group++)
		expect(world, group, 1, 1);
	end(world);
}

Test(plan, the_last_master_cannot_leave)
{
	struct world *world = given(1);

	world_join(world, DIRECTORY_ROLE_BACKEND, "b");
	world_settle(world);
	world_set_state(world, 1, DIRECTORY_MEMBER_LEAVING, 0);
	world_settle(world);
	cr_assert_eq(dir_member(&world->dir, 1).state,
		     DIRECTORY_MEMBER_LEAVING);
	expect_why(world, 0, "n1 leaves, and leads: nobody can take over");
	end(world);
}

Test(plan, a_removed_node_is_replaced)
{
	struct world *world = given(4);

	world_settle(world);
	world_set_state(world, 2, DIRECTORY_MEMBER_REMOVED, 0);
	world_settle(world);
	for (uint32_t group = 0; group <= 16; group++) {
		expect(world, group, 3, 0);
		cr_assert_not(world_has(world, group, 2));
	}
	end(world);
}

Test(plan, a_successor_gets_what_the_other_had)
{
	struct world *world = given(5);
	bool had[21];
	uint32_t next;

	world_settle(world);
	for (uint32_t group = 1; group <= 20; group++)
		had[group] = world_has(world, group, 2);
	next = world_join(world, DIRECTORY_ROLES_ALL, "z");
	world_set_state(world, 2, DIRECTORY_MEMBER_LEAVING, next);
	world_settle(world);
	cr_assert_eq(dir_member(&world->dir, 2).state,
		     DIRECTORY_MEMBER_REMOVED);
	for (uint32_t group = 1; group <= 20; group++)
		cr_assert(!had[group] || world_has(world, group, next),
			  "group %u", group);
	end(world);
}

/* ---- damage ---- */

Test(plan, a_parked_replica_is_made_anew_under_another_raft_id)
{
	struct world *world = given(3);
	uint64_t old;

	world_settle(world);
	old = world_replica(world, 1, 2)->raft_id;
	world_replica(world, 1, 2)->parked = true;
	world_replica(world, 0, 3)->parked = true;
	world_settle(world);
	expect(world, 0, 3, 0);
	expect(world, 1, 3, 0);
	cr_assert(world_has(world, 1, 2));
	cr_assert_gt(world_replica(world, 1, 2)->raft_id, old);
	end(world);
}

Test(plan, a_voter_waits_for_its_bodies)
{
	struct world *world = given(3);
	struct world_replica *replica;

	while (!(replica = world_replica(world, 1, 2)) ||
	       replica->vote != PLAN_VOTE_STANDBY || replica->to_import > 0) {
		world_pass(world, 1000);
		world_turn(world);
	}
	for (unsigned i = 0; i < 50; i++) {
		world_pass(world, 1000);
		replica->missing_from = 1; /* and it is never repaired */
		world_turn(world);
	}
	cr_assert_eq(replica->vote, PLAN_VOTE_STANDBY);
	world_settle(world);
	cr_assert_eq(replica->vote, PLAN_VOTE_VOTER);
	end(world);
}

Test(plan, who_does_not_come_to_join_makes_room_for_another)
{
	struct world *world = given(3);
	uint32_t group = 1;
	struct directory_group record;

	world_settle(world);
	world_join(world, DIRECTORY_ROLES_ALL, "b");
	world_join(world, DIRECTORY_ROLES_ALL, "c");
	world_settle(world);
	world_set_wanted(world, group, 5);
	world_pass(world, 1000);
	world_turn(world);
	record = world_record(world, group);
	cr_assert_eq(record.replica_count, 4);
	fall(world, record.replicas[3].node, 300001);
	world_turn(world);
	cr_assert_eq(world_step(world, group)->kind, PLAN_RECORD_DROP);
	end(world);
}

/* ---- the feature level ---- */

Test(plan, the_level_rises_in_the_directory_and_then_in_each_group)
{
	struct world *world = given(3);

	world_settle(world);
	for (uint32_t node = 1; node <= 3; node++) {
		struct directory_member_set set = {
			DIRECTORY_MEMBER_FEATURE_LEVEL,
			dir_member(&world->dir, node),
		};

		cr_assert_eq(world->groups[1].level, 1);
		set.member.feature_level = 4 + node;
		cr_assert_eq(
			directory_member_set_encode(&set, &world->dir.m.body),
			ERR_NONE);
		cr_assert_eq(
			machine_apply(&world->dir.m, DIRECTORY_MEMBER_SET, 1),
			ERR_NONE);
		world_settle(world);
	}
	cr_assert_eq(world->cluster.feature_level, 5);
	for (uint32_t group = 0; group <= 12; group++)
		cr_assert_eq(world->groups[group].level, 5);
	end(world);
}
