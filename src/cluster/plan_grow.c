/*
 * What concerns no group that exists: new mail groups for backends that came,
 * members that left, the feature level.
 */
#include "cluster/plan_rules.h"

#include "base/panic.h"

static struct plan_step *new_step(struct plan *plan)
{
	struct plan_step *step = &plan->steps[plan->count++];

	*step = (struct plan_step){ .kind = PLAN_NOTHING };
	return step;
}

/* ---- new groups ---- */

/* Does nobody serve it yet? Then it is early for another one. */
static bool is_unborn(const struct plan_group *group)
{
	for (unsigned i = 0; i < group->replica_count; i++)
		if (group->replicas[i].recorded &&
		    group->replicas[i].state == DIRECTORY_REPLICA_SERVING)
			return false;
	return true;
}

static bool wants_group(const struct plan_work *work, unsigned backends)
{
	const struct plan_cluster *cluster = work->cluster;
	unsigned groups = 0;

	for (unsigned i = 0; i < cluster->group_count; i++) {
		if (cluster->groups[i].group == 0)
			continue;
		groups++;
		if (is_unborn(&cluster->groups[i]))
			return false;
	}
	return groups < DIRECTORY_GROUPS_MAX &&
	       groups < backends * cluster->limits.groups_each;
}

static void grow_groups(struct plan_work *work, struct plan *plan)
{
	const struct plan_cluster *cluster = work->cluster;
	/* As if of a group with no replica and any zone. */
	const struct plan_group none = { .group = UINT32_MAX };
	const struct plan_member *best = NULL;
	unsigned backends = 0;

	work->group = &none;
	for (unsigned i = 0; i < cluster->member_count; i++) {
		const struct plan_member *member = &cluster->members[i];

		if (!plan_is_candidate(work, member))
			continue;
		backends++;
		if (!best || plan_compare_load(work, member, best) < 0)
			best = member;
	}
	if (!best || !wants_group(work, backends))
		return;
	work->step = new_step(plan);
	work->step->node = best->node;
	work->step->role = DIRECTORY_REPLICA_VOTER;
	work->step->wanted = cluster->limits.wanted;
	plan_do(work, PLAN_GROUP_NEW, NULL,
		"%.*s is to make a mail group: %u for each of %u backends",
		SLICE_FMT(best->name), cluster->limits.groups_each, backends);
}

/* ---- members that left ---- */

/* In the directory it may follow to the end: so it learns of it. */
static bool is_empty(const struct plan_cluster *cluster, uint32_t node)
{
	for (unsigned i = 0; i < cluster->group_count; i++) {
		const struct plan_group *group = &cluster->groups[i];

		for (unsigned j = 0; j < group->replica_count; j++) {
			const struct plan_replica *replica =
				&group->replicas[j];

			if (replica->node != node)
				continue;
			if (group->group == 0
				    ? replica->vote == PLAN_VOTE_VOTER ||
					      (replica->recorded &&
					       replica->role ==
						       DIRECTORY_REPLICA_VOTER)
				    : replica->vote != PLAN_VOTE_NONE ||
					      replica->recorded)
				return false;
		}
	}
	return true;
}

/* The directory refuses it, as nobody could vote in it any more. */
static bool is_last_master(const struct plan_cluster *cluster, uint32_t node)
{
	for (unsigned i = 0; i < cluster->member_count; i++) {
		const struct plan_member *member = &cluster->members[i];

		if (member->node != node &&
		    member->state != DIRECTORY_MEMBER_REMOVED &&
		    (member->roles & DIRECTORY_ROLE_MASTER) != 0)
			return false;
	}
	return true;
}

static void grow_less(struct plan_work *work, struct plan *plan)
{
	const struct plan_cluster *cluster = work->cluster;

	for (unsigned i = 0; i < cluster->member_count; i++) {
		const struct plan_member *member = &cluster->members[i];

		if (member->state != DIRECTORY_MEMBER_LEAVING ||
		    !is_empty(cluster, member->node) ||
		    is_last_master(cluster, member->node))
			continue;
		work->step = new_step(plan);
		work->step->node = member->node;
		work->step->epoch = member->epoch;
		plan_do(work, PLAN_MEMBER_REMOVED, NULL,
			"%.*s leaves, and holds nothing any more",
			SLICE_FMT(member->name));
		return;
	}
}

/* ---- the feature level ---- */

static void grow_level(struct plan_work *work, struct plan *plan)
{
	const struct plan_cluster *cluster = work->cluster;
	uint32_t level = UINT32_MAX;

	for (unsigned i = 0; i < cluster->member_count; i++) {
		const struct plan_member *member = &cluster->members[i];

		if (member->state != DIRECTORY_MEMBER_REMOVED &&
		    member->feature_level < level)
			level = member->feature_level;
	}
	if (level == UINT32_MAX || level <= cluster->feature_level)
		return;
	work->step = new_step(plan);
	work->step->level = level;
	plan_do(work, PLAN_FEATURE_RAISE, NULL,
		"all members can feature level %u", (unsigned)level);
}

void plan_grow(struct plan_work *work, struct plan *plan)
{
	grow_groups(work, plan);
	grow_less(work, plan);
	grow_level(work, plan);
}
