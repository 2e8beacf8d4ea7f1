/*
 * The managers in clusters where anything may happen: whatever they do keeps
 * the rules (plan_world.c looks at each step), and when nothing happens any
 * more everything is as it shall be, and stays so.
 */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "base/mem.h"
#include "plan_world.h"

#define STEPS 400

static uint64_t draw(struct world *world, uint64_t max)
{
	return random_range(world->random, 0, max);
}

/* A number of a member that was not removed, or 0. */
static uint32_t any_node(struct world *world)
{
	uint32_t node = 1 + (uint32_t)draw(world, WORLD_NODES - 2);

	if (!world->nodes[node].exists ||
	    dir_member(&world->dir, node).state == DIRECTORY_MEMBER_REMOVED)
		return 0;
	return node;
}

/* ---- what may happen ---- */

static void join(struct world *world)
{
	static const char *const zones[] = { "", "a", "b", "c" };
	static const uint8_t roles[] = {
		DIRECTORY_ROLES_ALL,     DIRECTORY_ROLES_ALL,
		DIRECTORY_ROLE_BACKEND,  DIRECTORY_ROLE_MASTER,
		DIRECTORY_ROLE_FRONTEND,
	};

	if (world->nodes[WORLD_NODES - 1].exists)
		return;
	world_join(world, roles[draw(world, ARRAY_LEN(roles) - 1)],
		   zones[draw(world, ARRAY_LEN(zones) - 1)]);
}

static void fall_or_rise(struct world *world)
{
	uint32_t node = any_node(world);

	if (node != 0)
		world->nodes[node].up = !world->nodes[node].up;
}

static void drain(struct world *world)
{
	uint32_t node = any_node(world);
	enum directory_member_state state;

	if (node == 0)
		return;
	state = dir_member(&world->dir, node).state;
	if (state == DIRECTORY_MEMBER_LEAVING && draw(world, 1) == 0)
		return;
	world_set_state(world, node,
			state == DIRECTORY_MEMBER_ACTIVE
				? DIRECTORY_MEMBER_DRAINING
				: DIRECTORY_MEMBER_ACTIVE,
			0);
}

/* Somebody stays that can vote, and hold mail. */
static bool others_can(struct world *world, uint32_t but)
{
	bool master = false;
	bool backend = false;

	for (uint32_t node = 1; node < WORLD_NODES; node++) {
		struct directory_member member;

		if (node == but || !world->nodes[node].exists)
			continue;
		member = dir_member(&world->dir, node);
		if (member.state != DIRECTORY_MEMBER_ACTIVE)
			continue;
		master |= (member.roles & DIRECTORY_ROLE_MASTER) != 0;
		backend |= (member.roles & DIRECTORY_ROLE_BACKEND) != 0;
	}
	return master && backend;
}

static void leave(struct world *world)
{
	uint32_t node = any_node(world);
	uint32_t next = any_node(world);

	if (node != 0 && others_can(world, node))
		world_set_state(world, node, DIRECTORY_MEMBER_LEAVING,
				next == node ? 0 : next);
}

/* A group that lost its majority for ever is not the managers' business. */
static void remove_dead(struct world *world)
{
	uint32_t node = any_node(world);

	(void)machine_ask(&world->dir.m);
	if (node != 0 && !world->nodes[node].up && others_can(world, node) &&
	    world_can_do_without(world, node))
		world_set_state(world, node, DIRECTORY_MEMBER_REMOVED, 0);
}

static void park(struct world *world)
{
	uint32_t group = (uint32_t)draw(world, 7);
	uint32_t node = any_node(world);
	struct world_replica *replica =
		node != 0 ? world_replica(world, group, node) : NULL;

	(void)machine_ask(&world->dir.m);
	if (!replica || !replica->open || replica->parked)
		return;
	replica->parked = true;
	if (!world_can_do_without(world, 0))
		replica->parked = false;
}

static void want(struct world *world)
{
	static const uint8_t wanted[] = { 1, 3, 3, 5, DIRECTORY_WANTED_ALL };

	world_set_wanted(world, 1 + (uint32_t)draw(world, 1),
			 wanted[draw(world, ARRAY_LEN(wanted) - 1)]);
}

static void happen(struct world *world)
{
	static void (*const events[])(struct world * world) = {
		join, fall_or_rise, fall_or_rise, fall_or_rise, drain,
		want, leave,        remove_dead,  park,
	};

	/* Commands need a directory that works. */
	if (world->groups[0].leader == 0)
		fall_or_rise(world);
	else
		events[draw(world, ARRAY_LEN(events) - 1)](world);
}

/* ---- how it shall end ---- */

struct ability {
	unsigned masters; /* that may vote */
	unsigned backends;
	unsigned draining;
};

static struct ability ability_of(struct world *world)
{
	struct ability ability = { 0 };

	for (uint32_t node = 1; node < WORLD_NODES; node++) {
		struct directory_member member;

		if (!world->nodes[node].exists)
			continue;
		member = dir_member(&world->dir, node);
		cr_assert_neq(member.state, DIRECTORY_MEMBER_LEAVING, "n%u",
			      node);
		if (member.state == DIRECTORY_MEMBER_ACTIVE) {
			ability.masters +=
				(member.roles & DIRECTORY_ROLE_MASTER) != 0;
			ability.backends +=
				(member.roles & DIRECTORY_ROLE_BACKEND) != 0;
		} else if (member.state == DIRECTORY_MEMBER_DRAINING) {
			ability.draining++;
		}
	}
	return ability;
}

static unsigned odd(unsigned replicas)
{
	return replicas >= 5 ? 5 : replicas >= 3 ? 3 : replicas > 0 ? 1 : 0;
}

/* The configuration is what the record says, and everybody serves. */
static void check_settled(struct world *world, uint32_t group)
{
	struct world_group *g = &world->groups[group];
	struct directory_group record = world_record(world, group);

	for (unsigned i = 0; i < record.replica_count; i++) {
		const struct directory_replica *r = &record.replicas[i];
		struct world_replica *replica =
			world_replica(world, group, r->node);

		cr_assert_not_null(replica);
		cr_assert_eq(replica->raft_id, r->raft_id);
		cr_assert_eq(r->state, DIRECTORY_REPLICA_SERVING, "g%u n%u: %s",
			     group, r->node, world_step(world, group)->why);
		cr_assert_eq(replica->vote == PLAN_VOTE_VOTER,
			     r->role == DIRECTORY_REPLICA_VOTER);
		cr_assert_not(replica->parked);
	}
	for (unsigned i = 0; i < WORLD_REPLICAS; i++)
		cr_assert(g->replicas[i].vote == PLAN_VOTE_NONE ||
			  directory_group_replica(&record,
						  g->replicas[i].raft_id));
}

static void check_mail(struct world *world, uint32_t group,
		       const struct ability *ability)
{
	struct directory_group record = world_record(world, group);
	unsigned voters = world_count(world, group, DIRECTORY_REPLICA_VOTER);
	unsigned wanted = record.wanted == DIRECTORY_WANTED_ALL
				  ? ability->backends
				  : record.wanted;
	unsigned fine = 0;

	check_settled(world, group);
	for (unsigned i = 0; i < record.replica_count; i++)
		fine += dir_member(&world->dir, record.replicas[i].node)
				.state == DIRECTORY_MEMBER_ACTIVE;
	if (wanted > ability->backends)
		wanted = ability->backends;
	cr_assert_eq(fine, wanted, "g%u: %s", group,
		     world_step(world, group)->why);
	if (ability->draining == 0)
		cr_assert_eq(voters, odd(wanted), "g%u: %s", group,
			     world_step(world, group)->why);
	else
		cr_assert_eq(voters % 2, 1);
}

static void check_end(struct world *world)
{
	struct ability ability = ability_of(world);
	struct directory_counters counters;

	check_settled(world, 0);
	if (ability.draining == 0)
		cr_assert_eq(world_count(world, 0, DIRECTORY_REPLICA_VOTER),
			     odd(ability.masters), "%s",
			     world_step(world, 0)->why);
	for (uint32_t node = 1; node < WORLD_NODES; node++)
		if (world->nodes[node].exists)
			cr_assert_eq(world_has(world, 0, node),
				     dir_member(&world->dir, node).state !=
					     DIRECTORY_MEMBER_REMOVED);
	directory_counters_get(machine_ask(&world->dir.m), &counters);
	for (uint32_t group = 1; group < counters.next_group; group++)
		check_mail(world, group, &ability);
}

/* Where all masters or backends drain, nobody can take over from who leaves. */
static void undrain(struct world *world)
{
	for (uint32_t node = 1; node < WORLD_NODES; node++)
		if (world->nodes[node].exists && !others_can(world, 0) &&
		    dir_member(&world->dir, node).state ==
			    DIRECTORY_MEMBER_DRAINING)
			world_set_state(world, node, DIRECTORY_MEMBER_ACTIVE,
					0);
}

/* MURDER_SEED replays one; else a fixed few, so that a failure stays one. */
static void play(uint64_t seed)
{
	static const uint64_t pauses[] = { 500,   1000,   5000,
					   40000, 400000, 2000000 };
	const char *text = getenv("MURDER_SEED");
	struct world *world = mem_alloc(sizeof(*world));
	struct random_seeded random;

	seed = text ? strtoull(text, NULL, 10) : seed;
	cr_log_info("seed %lu", (unsigned long)seed);
	random_seeded_init(&random, seed);
	world_open(world, &random.random);
	for (unsigned i = 0; i < STEPS; i++) {
		if (draw(world, 3) == 0)
			happen(world);
		world_pass(world, pauses[draw(world, ARRAY_LEN(pauses) - 1)]);
		world_turn(world);
	}
	for (uint32_t node = 1; node < WORLD_NODES; node++)
		world->nodes[node].up = world->nodes[node].exists &&
					dir_member(&world->dir, node).state !=
						DIRECTORY_MEMBER_REMOVED;
	undrain(world);
	world_settle(world);
	world_show(world);
	check_end(world);
	cr_assert(text || world->steps > 50, "%u steps", world->steps);
	world_close(world);
	mem_free(world);
}

Test(plan_random, it_ends_as_it_shall_1)
{
	play(1);
}

Test(plan_random, it_ends_as_it_shall_2)
{
	play(2);
}

Test(plan_random, it_ends_as_it_shall_3)
{
	play(3);
}

Test(plan_random, it_ends_as_it_shall_4)
{
	play(4);
}
