/*
 * The directory's members, groups and settings as the input of a plan.
 *
 * Failures: what cannot be read is the error of the transaction.
 */
#include "cluster/plan.h"

#include "base/buf.h"
#include "base/panic.h"

/* ---- members ---- */

static unsigned count_members(struct store_txn *txn)
{
	struct directory_member member;
	struct directory_walk walk;
	unsigned count = 0;

	directory_member_walk(&walk, txn);
	while (directory_member_next(&walk, &member))
		count++;
	directory_walk_end(&walk);
	return count;
}

static struct plan_member member_of(const struct directory_member *member,
				    struct arena *arena)
{
	return (struct plan_member){
		.node = member->node,
		.epoch = member->epoch,
		.name = arena_slice(arena, member->name),
		.roles = member->roles,
		.zone = arena_slice(arena, member->zone),
		.weight = member->weight,
		.state = member->state,
		.feature_level = member->feature_level,
		.successor = member->successor,
		.silent_ms = PLAN_NEVER,
	};
}

static void load_members(struct plan_cluster *cluster, struct store_txn *txn,
			 struct arena *arena)
{
	struct directory_member member;
	struct directory_walk walk;
	unsigned room = count_members(txn);

	cluster->members =
		arena_zalloc(arena, room + 1, sizeof(*cluster->members));
	directory_member_walk(&walk, txn);
	while (cluster->member_count < room &&
	       directory_member_next(&walk, &member))
		cluster->members[cluster->member_count++] =
			member_of(&member, arena);
	directory_walk_end(&walk);
}

/* ---- groups ---- */

static unsigned count_groups(struct store_txn *txn)
{
	struct directory_group group;
	struct directory_walk walk;
	unsigned count = 0;

	directory_group_walk(&walk, txn);
	while (directory_group_next(&walk, &group))
		count++;
	directory_walk_end(&walk);
	return count;
}

static struct plan_group group_of(const struct directory_group *record,
				  struct arena *arena)
{
	struct plan_group group = {
		.group = record->group,
		.recorded = true,
		.wanted = record->wanted,
		.zone = arena_slice(arena, record->zone),
		.weight = record->weight,
		.epoch = record->epoch,
		.homes = record->homes,
	};

	for (unsigned i = 0; i < record->replica_count; i++) {
		const struct directory_replica *from = &record->replicas[i];
		struct plan_replica *to =
			plan_replica_get(&group, from->raft_id, arena);

		to->node = from->node;
		to->recorded = true;
		to->role = from->role;
		to->state = from->state;
	}
	return group;
}

static void load_groups(struct plan_cluster *cluster, struct store_txn *txn,
			struct arena *arena)
{
	struct directory_group group;
	struct directory_walk walk;
	unsigned room = count_groups(txn);

	cluster->groups =
		arena_zalloc(arena, room + 1, sizeof(*cluster->groups));
	directory_group_walk(&walk, txn);
	while (cluster->group_count < room &&
	       directory_group_next(&walk, &group))
		cluster->groups[cluster->group_count++] =
			group_of(&group, arena);
	directory_walk_end(&walk);
}

/* ---- settings ---- */

/* Groups of one backend; more would only cost. */
#define GROUPS_EACH_MAX 64

/* A value that is none of its kind is passed over: the default stands. */
static void load_settings(struct plan_cluster *cluster, struct store_txn *txn)
{
	struct plan_limits *limits = &cluster->limits;
	struct slice value;
	uint64_t number;

	if (directory_setting_find(txn, SLICE_LIT(PLAN_SETTING_GROUPS),
				   &value) &&
	    slice_to_u64(value, GROUPS_EACH_MAX, &number))
		limits->groups_each = (unsigned)number;
	if (!directory_setting_find(txn, SLICE_LIT(PLAN_SETTING_WANTED),
				    &value))
		return;
	if (slice_eq_nocase(value, SLICE_LIT("all")))
		limits->wanted = DIRECTORY_WANTED_ALL;
	else if (slice_to_u64(value, 5, &number) && number % 2 == 1)
		limits->wanted = (uint8_t)number;
}

enum err plan_load(struct plan_cluster *cluster, struct store_txn *txn,
		   struct arena *arena)
{
	struct directory_counters counters;

	*cluster = (struct plan_cluster){ .member_count = 0 };
	plan_limits_init(&cluster->limits);
	directory_counters_get(txn, &counters);
	cluster->feature_level = counters.feature_level;
	load_members(cluster, txn, arena);
	load_groups(cluster, txn, arena);
	load_settings(cluster, txn);
	return store_txn_error(txn);
}
