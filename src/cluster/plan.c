/*
 * One plan: the groups in their order, then what concerns none of them.
 *
 * Failures: there are none; what cannot be done is said in the step.
 */
#include "cluster/plan.h"

#include <stdlib.h>

#include "base/panic.h"
#include "cluster/plan_rules.h"

void plan_limits_init(struct plan_limits *limits)
{
	*limits = (struct plan_limits){
		/* a sign of life comes several times a second */
		.healthy_ms = 3000,
		.master_silent_ms = 30 * 1000,
		.replica_silent_ms = 3600 * 1000,
		.joiner_silent_ms = 300 * 1000,
		.lag_max = 1000,
		.imports_max = 2,
		.groups_each = 4,
		.wanted = 3,
		.standbys_max = 50,
	};
}

/* ---- finding ---- */

const struct plan_member *plan_member_find(const struct plan_cluster *cluster,
					   uint32_t node)
{
	size_t low = 0;
	size_t high = cluster->member_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (cluster->members[mid].node == node)
			return &cluster->members[mid];
		if (cluster->members[mid].node < node)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

struct plan_group *plan_group_find(const struct plan_cluster *cluster,
				   uint32_t group)
{
	size_t low = 0;
	size_t high = cluster->group_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (cluster->groups[mid].group == group)
			return &cluster->groups[mid];
		if (cluster->groups[mid].group < group)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

struct plan_replica *plan_replica_get(struct plan_group *group,
				      uint64_t raft_id, struct arena *arena)
{
	unsigned at = 0;
	struct plan_replica *replicas;

	while (at < group->replica_count &&
	       group->replicas[at].raft_id < raft_id)
		at++;
	if (at < group->replica_count && group->replicas[at].raft_id == raft_id)
		return &group->replicas[at];
	replicas = arena_zalloc(arena, group->replica_count + 1,
				sizeof(*replicas));
	for (unsigned i = 0; i < group->replica_count; i++)
		replicas[i < at ? i : i + 1] = group->replicas[i];
	replicas[at].raft_id = raft_id;
	replicas[at].node = (uint32_t)(raft_id >> 32);
	group->replicas = replicas;
	group->replica_count++;
	return &replicas[at];
}

/* ---- names ---- */

const char *plan_kind_name(enum plan_kind kind)
{
	static const char *const names[] = {
		[PLAN_NOTHING] = "NOTHING",
		[PLAN_RECORD_ADD] = "RECORD_ADD",
		[PLAN_RECORD_SERVE] = "RECORD_SERVE",
		[PLAN_RECORD_ROLE] = "RECORD_ROLE",
		[PLAN_RECORD_DROP] = "RECORD_DROP",
		[PLAN_GROUP_NEW] = "GROUP_NEW",
		[PLAN_MEMBER_REMOVED] = "MEMBER_REMOVED",
		[PLAN_FEATURE_RAISE] = "FEATURE_RAISE",
		[PLAN_RAFT_ADD] = "RAFT_ADD",
		[PLAN_RAFT_ASSIGN] = "RAFT_ASSIGN",
		[PLAN_RAFT_REMOVE] = "RAFT_REMOVE",
		[PLAN_TRANSFER] = "TRANSFER",
		[PLAN_GROUP_LEVEL] = "GROUP_LEVEL",
	};

	MUST((size_t)kind < ARRAY_LEN(names));
	return names[kind];
}

/* ---- the order of the groups ---- */

struct order {
	const struct plan_group *group;
	unsigned healthy;
};

static unsigned count_healthy(const struct plan_cluster *cluster,
			      const struct plan_group *group)
{
	unsigned count = 0;

	for (unsigned i = 0; i < group->replica_count; i++)
		if (group->replicas[i].recorded &&
		    group->replicas[i].state == DIRECTORY_REPLICA_SERVING &&
		    plan_is_healthy(cluster, &group->replicas[i]))
			count++;
	return count;
}

/* The directory, then who has least; numbers differ, so no two are equal. */
static int compare(const void *left, const void *right)
{
	const struct order *a = left;
	const struct order *b = right;

	if (a->group->group == 0 || b->group->group == 0)
		return a->group->group == 0 ? -1 : 1;
	if (a->healthy != b->healthy)
		return a->healthy < b->healthy ? -1 : 1;
	return a->group->group < b->group->group ? -1 : 1;
}

static struct order *order_groups(const struct plan_cluster *cluster,
				  struct arena *arena)
{
	struct order *order =
		arena_zalloc(arena, cluster->group_count + 1, sizeof(*order));

	for (unsigned i = 0; i < cluster->group_count; i++)
		order[i] = (struct order){
			&cluster->groups[i],
			count_healthy(cluster, &cluster->groups[i]),
		};
	qsort(order, cluster->group_count, sizeof(*order), compare);
	return order;
}

/* ---- one group ---- */

static void count_loads(struct plan_work *work)
{
	const struct plan_cluster *cluster = work->cluster;

	for (unsigned i = 0; i < cluster->group_count; i++) {
		const struct plan_group *group = &cluster->groups[i];

		for (unsigned j = 0;
		     group->group != 0 && j < group->replica_count; j++) {
			const struct plan_replica *replica =
				&group->replicas[j];
			unsigned at;

			if (!replica->recorded ||
			    !plan_member_find(cluster, replica->node))
				continue;
			at = plan_place_of(cluster, replica->node);
			work->load[at]++;
			/* Who makes a group, votes and has nothing to import.
			 */
			if (replica->state == DIRECTORY_REPLICA_JOINING &&
			    replica->role == DIRECTORY_REPLICA_STANDBY)
				work->joining[at]++;
		}
	}
}

/* Commands of a new level may come only when all groups have it. */
static void raise_level(struct plan_work *work)
{
	const struct plan_group *group = work->group;

	if (group->leader == 0 || group->busy ||
	    group->feature_level >= work->cluster->feature_level)
		return;
	work->step->level = work->cluster->feature_level;
	plan_do(work, PLAN_GROUP_LEVEL, NULL, "feature level %u is reached",
		(unsigned)work->step->level);
}

static void tell_all_is_well(struct plan_work *work)
{
	unsigned voters =
		plan_count_recorded(work->group, DIRECTORY_REPLICA_VOTER);
	unsigned standbys =
		plan_count_recorded(work->group, DIRECTORY_REPLICA_STANDBY);

	(void)plan_wait(work, "as it shall be: %u voter%s, %u standby%s",
			voters, voters == 1 ? "" : "s", standbys,
			standbys == 1 ? "" : "s");
	work->step->wanting = false;
}

static void plan_group(struct plan_work *work)
{
	struct plan_step *step = work->step;

	step->group = work->group->group;
	step->epoch = work->group->epoch;
	step->config_index = work->group->config_index;
	if (work->group->group == 0)
		plan_directory(work);
	else
		plan_mail_group(work);
	if (step->kind == PLAN_NOTHING)
		raise_level(work);
	if (step->kind == PLAN_NOTHING && !step->wanting)
		tell_all_is_well(work);
	if (step->kind != PLAN_RECORD_ADD || step->group == 0)
		return;
	work->load[plan_place_of(work->cluster, step->node)]++;
	work->joining[plan_place_of(work->cluster, step->node)]++;
}

void plan_make(const struct plan_cluster *cluster, struct plan *plan_r,
	       struct arena *arena)
{
	struct order *order = order_groups(cluster, arena);
	struct plan_work work = { .cluster = cluster };
	unsigned members = cluster->member_count + 1;

	work.load = arena_zalloc(arena, members, sizeof(*work.load));
	work.joining = arena_zalloc(arena, members, sizeof(*work.joining));
	count_loads(&work);
	plan_r->count = cluster->group_count;
	plan_r->steps = arena_zalloc(arena, plan_r->count + PLAN_GROW_MAX,
				     sizeof(*plan_r->steps));
	for (unsigned i = 0; i < cluster->group_count; i++) {
		work.group = order[i].group;
		work.step = &plan_r->steps[i];
		plan_group(&work);
	}
	plan_spread(cluster, plan_r, arena);
	plan_grow(&work, plan_r);
}
