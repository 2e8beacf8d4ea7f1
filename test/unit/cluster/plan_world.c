#include "plan_world.h"

#include <criterion/criterion.h>

#include "cluster/overview.h"

#define ROUNDS_MAX 2000

/* ---- the beginning ---- */

static struct world_replica *replica_new(struct world *world, uint32_t group,
					 uint64_t raft_id)
{
	struct world_group *g = &world->groups[group];
	unsigned i = 0;

	while (i < WORLD_REPLICAS && g->replicas[i].raft_id != 0)
		i++;
	cr_assert_lt(i, WORLD_REPLICAS);
	g->replicas[i] = (struct world_replica){ .raft_id = raft_id };
	return &g->replicas[i];
}

/* A group of one, as a node makes it. */
static void group_make(struct world *world, uint32_t group, uint64_t raft_id)
{
	struct world_group *g = &world->groups[group];
	struct world_replica *replica = replica_new(world, group, raft_id);

	cr_assert_lt(group, WORLD_GROUPS);
	g->exists = true;
	g->leader = raft_id;
	g->last_index = g->config_index = g->voters_index = 1;
	replica->vote = PLAN_VOTE_VOTER;
	replica->open = true;
	replica->applied = 1;
}

static void put_group(struct world *world, struct directory_group *group)
{
	struct directory_group_put put = { false, *group };

	cr_assert_eq(directory_group_put_encode(&put, &world->dir.m.body),
		     ERR_NONE);
	cr_assert_eq(machine_apply(&world->dir.m, DIRECTORY_GROUP_PUT, 1),
		     ERR_NONE);
}

void world_open(struct world *world, struct random *random)
{
	struct directory_group directory = {
		.wanted = 3,
		.replica_count = 1,
		.replicas = { {
			.node = 1,
			.raft_id = directory_raft_id(1, 1),
			.role = DIRECTORY_REPLICA_VOTER,
			.state = DIRECTORY_REPLICA_SERVING,
		} },
	};

	memset(world, 0, sizeof(*world));
	world->random = random;
	dir_open(&world->dir);
	put_group(world, &directory);
	world->nodes[1] = (struct world_node){ true, true, 0 };
	group_make(world, 0, directory_raft_id(1, 1));
	for (uint32_t group = 1; group <= 2; group++)
		group_make(world, group,
			   world_record(world, group).replicas[0].raft_id);
}

void world_close(struct world *world)
{
	arena_fini(&world->arena);
	dir_close(&world->dir);
}

uint32_t world_join(struct world *world, uint8_t roles, const char *zone)
{
	struct directory_member member;
	struct directory_counters counters;
	char name[] = "n00";

	directory_counters_get(machine_ask(&world->dir.m), &counters);
	cr_assert_lt(counters.next_node, WORLD_NODES);
	name[1] = (char)('0' + counters.next_node / 10);
	name[2] = (char)('0' + counters.next_node % 10);
	member = dir_new_member(name, (uint8_t)counters.next_node);
	member.roles = roles;
	member.zone = slice_str(zone);
	cr_assert_eq(dir_member_add(&world->dir, &member), ERR_NONE);
	world->nodes[counters.next_node] = (struct world_node){ true, true, 0 };
	return counters.next_node;
}

static enum err set_member(struct world *world,
			   const struct directory_member *member,
			   uint8_t fields)
{
	struct directory_member_set set = { fields, *member };

	cr_assert_eq(directory_member_set_encode(&set, &world->dir.m.body),
		     ERR_NONE);
	return machine_apply(&world->dir.m, DIRECTORY_MEMBER_SET, 1);
}

void world_set_state(struct world *world, uint32_t node,
		     enum directory_member_state state, uint32_t successor)
{
	struct directory_member member = dir_member(&world->dir, node);

	member.state = state;
	member.successor = successor;
	cr_assert_eq(set_member(world, &member, DIRECTORY_MEMBER_STATE),
		     ERR_NONE);
	if (state == DIRECTORY_MEMBER_REMOVED)
		world->nodes[node].up = false;
}

void world_set_wanted(struct world *world, uint32_t group, uint8_t wanted)
{
	struct directory_group record = world_record(world, group);

	record.wanted = wanted;
	put_group(world, &record);
}

/* ---- asking ---- */

struct directory_group world_record(struct world *world, uint32_t group)
{
	struct directory_group record;

	cr_assert(directory_group_find(machine_ask(&world->dir.m), group,
				       &record));
	return record;
}

unsigned world_count(struct world *world, uint32_t group,
		     enum directory_replica_role role)
{
	struct directory_group record = world_record(world, group);
	unsigned count = 0;

	for (unsigned i = 0; i < record.replica_count; i++)
		count += record.replicas[i].role == role ? 1 : 0;
	return count;
}

bool world_has(struct world *world, uint32_t group, uint32_t node)
{
	struct directory_group record = world_record(world, group);

	for (unsigned i = 0; i < record.replica_count; i++)
		if (record.replicas[i].node == node)
			return true;
	return false;
}

static struct world_replica *find(struct world *world, uint32_t group,
				  uint64_t raft_id)
{
	struct world_group *g = &world->groups[group];

	for (unsigned i = 0; i < WORLD_REPLICAS; i++)
		if (g->replicas[i].raft_id == raft_id)
			return &g->replicas[i];
	return NULL;
}

static uint32_t node_of(const struct world_replica *replica)
{
	return (uint32_t)(replica->raft_id >> 32);
}

struct world_replica *world_replica(struct world *world, uint32_t group,
				    uint32_t node)
{
	struct world_group *g = &world->groups[group];

	for (unsigned i = 0; i < WORLD_REPLICAS; i++)
		if (g->replicas[i].raft_id != 0 &&
		    node_of(&g->replicas[i]) == node)
			return &g->replicas[i];
	return NULL;
}

static bool is_alive(const struct world *world,
		     const struct world_replica *replica)
{
	return replica->raft_id != 0 && replica->open && !replica->parked &&
	       world->nodes[node_of(replica)].up;
}

static bool has_majority(const struct world *world, const struct world_group *g)
{
	unsigned voters = 0;
	unsigned alive = 0;

	for (unsigned i = 0; i < WORLD_REPLICAS; i++) {
		const struct world_replica *replica = &g->replicas[i];

		if (replica->raft_id == 0 || replica->vote != PLAN_VOTE_VOTER)
			continue;
		voters++;
		alive += is_alive(world, replica) ? 1 : 0;
	}
	return alive * 2 > voters;
}

/* Those that were removed or parked never come back; the others may. */
bool world_can_do_without(const struct world *world, uint32_t node)
{
	struct world after = *world;

	for (uint32_t i = 1; i < WORLD_NODES; i++) {
		struct directory_member member;

		after.nodes[i].up =
			i != node && after.nodes[i].exists &&
			directory_member_find(after.dir.m.read, i, &member) &&
			member.state != DIRECTORY_MEMBER_REMOVED;
	}
	for (unsigned i = 0; i < WORLD_GROUPS; i++)
		if (after.groups[i].exists &&
		    !has_majority(&after, &after.groups[i]))
			return false;
	return true;
}

/* ---- time ---- */

static uint64_t draw(struct world *world, uint64_t max)
{
	return random_range(world->random, 0, max);
}

static void elect(struct world *world, struct world_group *g)
{
	struct world_replica *best = NULL;

	if (!has_majority(world, g)) {
		g->leader = 0;
		return;
	}
	for (unsigned i = 0; i < WORLD_REPLICAS; i++) {
		struct world_replica *replica = &g->replicas[i];

		if (!is_alive(world, replica) ||
		    replica->vote != PLAN_VOTE_VOTER)
			continue;
		if (replica->raft_id == g->leader)
			return;
		if (!best || replica->applied > best->applied)
			best = replica;
	}
	g->leader = best->raft_id;
}

static void follow(struct world *world, struct world_group *g,
		   struct world_replica *replica)
{
	if (replica->vote <= PLAN_VOTE_SPARE || g->leader == 0 ||
	    !is_alive(world, replica))
		return;
	if (replica->to_import > 0) {
		unsigned step =
			world->smooth ? 1000 : (unsigned)draw(world, 400);

		replica->to_import -=
			step < replica->to_import ? step : replica->to_import;
		return;
	}
	if (replica->raft_id == g->leader || world->smooth ||
	    draw(world, 3) > 0)
		replica->applied = g->last_index;
	if (replica->missing_from != 0 && (world->smooth || !draw(world, 5)))
		replica->missing_from = 0; /* repaired */
	else if (!world->smooth && !draw(world, 30) && replica->applied > 0)
		replica->missing_from = replica->applied;
}

/* A node opens what the record gives it, and closes what nobody knows. */
static void open_replicas(struct world *world, uint32_t group)
{
	struct directory_group record = world_record(world, group);

	for (unsigned i = 0; i < record.replica_count; i++) {
		const struct directory_replica *r = &record.replicas[i];
		struct world_replica *replica = find(world, group, r->raft_id);

		if (replica || !world->nodes[r->node].up)
			continue;
		if (!world->groups[group].exists &&
		    r->role == DIRECTORY_REPLICA_VOTER) {
			group_make(world, group, r->raft_id);
			continue;
		}
		replica = replica_new(world, group, r->raft_id);
		replica->open = true;
		replica->to_import = 1000;
	}
	for (unsigned i = 0; i < WORLD_REPLICAS; i++) {
		struct world_replica *replica =
			&world->groups[group].replicas[i];

		if (replica->raft_id != 0 && replica->vote == PLAN_VOTE_NONE &&
		    !directory_group_replica(&record, replica->raft_id))
			*replica = (struct world_replica){ .raft_id = 0 };
	}
}

void world_pass(struct world *world, uint64_t ms)
{
	struct directory_counters counters;

	directory_counters_get(machine_ask(&world->dir.m), &counters);
	for (unsigned i = 1; i < WORLD_NODES; i++) {
		struct world_node *node = &world->nodes[i];

		node->silent_ms = node->up ? 0 : node->silent_ms + ms;
	}
	cr_assert_leq(counters.next_group, WORLD_GROUPS);
	for (uint32_t group = 0; group < counters.next_group; group++) {
		struct world_group *g = &world->groups[group];

		open_replicas(world, group);
		if (!g->exists)
			continue;
		elect(world, g);
		if (g->leader != 0 && !world->smooth)
			g->last_index += draw(world, 5);
		for (unsigned i = 0; i < WORLD_REPLICAS; i++)
			if (g->replicas[i].raft_id != 0)
				follow(world, g, &g->replicas[i]);
	}
}

/* ---- planning ---- */

static void report_replica(struct plan_replica *to,
			   const struct world_replica *from)
{
	to->vote = from->vote;
	to->open = from->open;
	to->parked = from->parked;
	to->importing = from->to_import > 0;
	to->import_permille = 1000 - from->to_import;
	to->applied_index = from->applied;
	to->missing_bodies = from->missing_from != 0;
	to->frontier = from->missing_from != 0 ? from->missing_from - 1
					       : from->applied;
}

static void report_group(struct world *world, struct plan_group *group)
{
	const struct world_group *g = &world->groups[group->group];

	group->leader = g->leader;
	group->last_index = g->last_index;
	group->config_index = g->config_index;
	group->voters_index = g->voters_index;
	group->config_committed = true;
	group->feature_level = g->level;
	for (unsigned i = 0; i < WORLD_REPLICAS; i++)
		if (g->replicas[i].raft_id != 0)
			report_replica(plan_replica_get(group,
							g->replicas[i].raft_id,
							&world->arena),
				       &g->replicas[i]);
}

static void ask(struct world *world)
{
	struct plan_cluster *cluster = &world->cluster;

	arena_clear(&world->arena);
	cr_assert_eq(
		plan_load(cluster, machine_ask(&world->dir.m), &world->arena),
		ERR_NONE);
	for (unsigned i = 0; i < cluster->member_count; i++)
		cluster->members[i].silent_ms =
			world->nodes[cluster->members[i].node].silent_ms;
	for (unsigned i = 0; i < cluster->group_count; i++)
		report_group(world, &cluster->groups[i]);
	plan_make(cluster, &world->plan, &world->arena);
}

const struct plan_step *world_step(const struct world *world, uint32_t group)
{
	for (unsigned i = 0; i < world->cluster.group_count; i++)
		if (world->plan.steps[i].group == group)
			return &world->plan.steps[i];
	cr_assert_fail("no step for group %u", group);
	return NULL;
}

void world_show(struct world *world)
{
	struct buf text = { 0 };

	overview_nodes(&world->cluster, &text);
	overview_groups(&world->cluster, &world->plan, &text);
	overview_rest(&world->cluster, &world->plan, &text);
	cr_log_info("%.*s", SLICE_FMT(buf_slice(&text)));
	buf_fini(&text);
}

/* ---- carrying out: records ---- */

static void change_record(struct world *world, const struct plan_step *step)
{
	struct directory_group record = world_record(world, step->group);
	struct directory_replica *replica =
		directory_group_replica(&record, step->raft_id);

	cr_assert_eq(record.epoch, step->epoch);
	if (step->kind == PLAN_RECORD_ADD) {
		record.replicas[record.replica_count++] =
			(struct directory_replica){
				.node = step->node,
				.role = step->role,
				.state = DIRECTORY_REPLICA_JOINING,
			};
	} else if (step->kind == PLAN_RECORD_SERVE) {
		replica->state = DIRECTORY_REPLICA_SERVING;
	} else if (step->kind == PLAN_RECORD_ROLE) {
		cr_assert_neq(replica->role, step->role, "%s", step->why);
		replica->role = step->role;
	} else {
		*replica = record.replicas[--record.replica_count];
	}
	put_group(world, &record);
}

static void new_group(struct world *world, const struct plan_step *step)
{
	struct directory_group_put put = {
		.add = true,
		.group = {
			.wanted = step->wanted,
			.weight = 1,
			.replica_count = 1,
			.replicas = { {
				.node = step->node,
				.role = DIRECTORY_REPLICA_VOTER,
				.state = DIRECTORY_REPLICA_JOINING,
			} },
		},
	};

	cr_assert_eq(directory_group_put_encode(&put, &world->dir.m.body),
		     ERR_NONE);
	cr_assert_eq(machine_apply(&world->dir.m, DIRECTORY_GROUP_PUT, 1),
		     ERR_NONE);
}

/* With what the step says, and nothing else. */
static void remove_member(struct world *world, const struct plan_step *step)
{
	struct directory_member_set set = {
		.fields = DIRECTORY_MEMBER_STATE,
		.member = {
			.node = step->node,
			.epoch = step->epoch,
			.state = DIRECTORY_MEMBER_REMOVED,
		},
	};

	cr_assert_eq(directory_member_set_encode(&set, &world->dir.m.body),
		     ERR_NONE);
	cr_assert_eq(machine_apply(&world->dir.m, DIRECTORY_MEMBER_SET, 1),
		     ERR_NONE);
	world->nodes[step->node].up = false;
}

static void raise_level(struct world *world, const struct plan_step *step)
{
	struct directory_feature_raise command = { step->level };

	cr_assert_eq(
		directory_feature_raise_encode(&command, &world->dir.m.body),
		ERR_NONE);
	cr_assert_eq(machine_apply(&world->dir.m, DIRECTORY_FEATURE_RAISE, 1),
		     ERR_NONE);
}

/* ---- carrying out: configurations ---- */

static bool is_known_alive(const struct world *world,
			   const struct world_replica *replica)
{
	return replica->open && !replica->parked &&
	       world->nodes[node_of(replica)].silent_ms <= 3000;
}

/* Model step B10, as the group's leader would test it. */
static void check_demotion(const struct world *world,
			   const struct world_group *g,
			   const struct world_replica *without, const char *why)
{
	unsigned voters = 0;
	unsigned alive = 0;
	unsigned complete = 0;

	for (unsigned i = 0; i < WORLD_REPLICAS; i++) {
		const struct world_replica *replica = &g->replicas[i];

		if (replica->raft_id == 0 || replica == without ||
		    replica->vote != PLAN_VOTE_VOTER)
			continue;
		voters++;
		if (!is_known_alive(world, replica))
			continue;
		alive++;
		if (replica->applied >= g->voters_index &&
		    (replica->missing_from == 0 ||
		     replica->missing_from > g->voters_index))
			complete++;
	}
	cr_assert_gt(alive * 2, voters, "%s", why);
	cr_assert_gt(complete * 2, voters, "%s", why);
}

/* Model step B9. */
static void check_promotion(const struct world_group *g,
			    const struct world_replica *replica,
			    const char *why)
{
	cr_assert_eq(replica->vote, PLAN_VOTE_STANDBY, "%s", why);
	cr_assert_eq(replica->to_import, 0);
	cr_assert_geq(replica->applied, g->config_index, "%s", why);
	cr_assert(replica->missing_from == 0 ||
			  replica->missing_from > g->config_index,
		  "%s", why);
}

static void change_configuration(struct world *world,
				 const struct plan_step *step)
{
	struct world_group *g = &world->groups[step->group];
	struct world_replica *replica = find(world, step->group, step->raft_id);
	enum plan_vote vote = step->vote;

	cr_assert_eq(step->config_index, g->config_index);
	cr_assert_not_null(replica);
	if (step->kind == PLAN_RAFT_ADD)
		vote = PLAN_VOTE_SPARE;
	if (step->kind == PLAN_RAFT_REMOVE)
		vote = PLAN_VOTE_NONE;
	cr_assert_neq(vote, replica->vote, "%s", step->why);
	if (step->kind == PLAN_RAFT_REMOVE)
		cr_assert_neq(replica->vote, PLAN_VOTE_VOTER);
	if (vote == PLAN_VOTE_VOTER)
		check_promotion(g, replica, step->why);
	if (replica->vote == PLAN_VOTE_VOTER) {
		cr_assert_neq(replica->raft_id, g->leader, "%s", step->why);
		check_demotion(world, g, replica, step->why);
	}
	g->config_index = ++g->last_index;
	if (vote == PLAN_VOTE_VOTER || replica->vote == PLAN_VOTE_VOTER)
		g->voters_index = g->config_index;
	replica->vote = vote;
}

static void transfer(struct world *world, const struct plan_step *step)
{
	struct world_replica *replica = find(world, step->group, step->raft_id);

	cr_assert_eq(replica->vote, PLAN_VOTE_VOTER);
	if (is_alive(world, replica))
		world->groups[step->group].leader = step->raft_id;
}

static void carry_out(struct world *world, const struct plan_step *step)
{
	switch (step->kind) {
	case PLAN_NOTHING:
		break;
	case PLAN_RECORD_ADD:
	case PLAN_RECORD_SERVE:
	case PLAN_RECORD_ROLE:
	case PLAN_RECORD_DROP:
		change_record(world, step);
		break;
	case PLAN_GROUP_NEW:
		new_group(world, step);
		break;
	case PLAN_MEMBER_REMOVED:
		remove_member(world, step);
		break;
	case PLAN_FEATURE_RAISE:
		raise_level(world, step);
		break;
	case PLAN_RAFT_ADD:
	case PLAN_RAFT_ASSIGN:
	case PLAN_RAFT_REMOVE:
		change_configuration(world, step);
		break;
	case PLAN_TRANSFER:
		transfer(world, step);
		break;
	case PLAN_GROUP_LEVEL:
		world->groups[step->group].level = step->level;
		break;
	}
}

static void check_imports(struct world *world)
{
	unsigned joining[WORLD_NODES] = { 0 };
	struct directory_group group;
	struct directory_walk walk;

	directory_group_walk(&walk, machine_ask(&world->dir.m));
	while (directory_group_next(&walk, &group))
		for (unsigned i = 0; i < group.replica_count && group.group;
		     i++)
			if (group.replicas[i].state ==
				    DIRECTORY_REPLICA_JOINING &&
			    group.replicas[i].role == DIRECTORY_REPLICA_STANDBY)
				joining[group.replicas[i].node]++;
	directory_walk_end(&walk);
	for (unsigned i = 1; i < WORLD_NODES; i++)
		cr_assert_leq(joining[i], 2, "node %u", i);
}

unsigned world_turn(struct world *world)
{
	unsigned steps = 0;

	if (world->groups[0].leader == 0)
		return 0; /* nobody plans */
	ask(world);
	for (unsigned i = 0; i < world->plan.count; i++) {
		const struct plan_step *step = &world->plan.steps[i];

		cr_assert_neq(step->why[0], '\0');
		if (step->kind == PLAN_NOTHING)
			continue;
		steps++;
		if (!world->smooth && draw(world, 9) == 0)
			continue; /* it got lost */
		cr_log_info("g%u %s n%u: %s", step->group,
			    plan_kind_name(step->kind), step->node, step->why);
		carry_out(world, step);
		world->steps++;
	}
	check_imports(world);
	return steps;
}

static bool is_busy(struct world *world)
{
	for (unsigned i = 0; i < WORLD_GROUPS; i++)
		for (unsigned j = 0; j < WORLD_REPLICAS; j++) {
			const struct world_replica *replica =
				&world->groups[i].replicas[j];

			if (replica->raft_id != 0 &&
			    replica->vote > PLAN_VOTE_SPARE &&
			    is_alive(world, replica) &&
			    (replica->to_import > 0 ||
			     replica->missing_from != 0))
				return true;
		}
	return false;
}

void world_settle(struct world *world)
{
	unsigned quiet = 0;
	bool smooth = world->smooth;

	world->smooth = true;
	for (unsigned i = 0; quiet < 5; i++) {
		cr_assert_lt(i, ROUNDS_MAX, "it does not come to rest");
		world_pass(world, 1000);
		quiet = world_turn(world) > 0 || is_busy(world) ? 0 : quiet + 1;
	}
	world->smooth = smooth;
}
