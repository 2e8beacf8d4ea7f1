/*
 * Who leads: an even spread of the mail groups' leaders over the nodes.
 *
 * The leader does most of the work of a group, so the nodes share it by their
 * weights. One leadership moves at a time, from the node that has most for its
 * weight to the one that has least, and only if the difference is smaller
 * afterwards in the same order: so it comes to an end, and stays there.
 */
#include "cluster/plan_rules.h"

#include "base/panic.h"

struct move {
	struct plan_step *step;
	const struct plan_replica *to;
	uint64_t gain;
};

struct spread {
	const struct plan_cluster *cluster;
	unsigned *leads; /* of each member, by its place */
	struct move best;
};

/* Parts of a leadership a weight unit, for comparing gains only. */
#define SHARE (1u << 20)

static const struct plan_replica *leader_of(const struct plan_group *group)
{
	for (unsigned i = 0; group && i < group->replica_count; i++)
		if (group->replicas[i].raft_id == group->leader)
			return &group->replicas[i];
	return NULL;
}

/* False: nobody leads it, or nobody that is a member. */
static bool leading_member(const struct plan_cluster *cluster,
			   const struct plan_group *group, unsigned *place_r)
{
	const struct plan_replica *leader =
		group->group != 0 && group->leader != 0 ? leader_of(group)
							: NULL;

	if (!leader || !plan_member_find(cluster, leader->node))
		return false;
	*place_r = plan_place_of(cluster, leader->node);
	return true;
}

static bool can_lead(const struct plan_work *work,
		     const struct plan_replica *replica)
{
	return replica->recorded && replica->vote == PLAN_VOTE_VOTER &&
	       replica->role == DIRECTORY_REPLICA_VOTER &&
	       plan_fitness(work, replica) == PLAN_FINE &&
	       plan_is_caught_up(work, replica);
}

/* How much more evenly: 0 if it is not worth it. */
static uint64_t gain_of(const struct spread *spread, unsigned from, unsigned to)
{
	const struct plan_member *members = spread->cluster->members;
	uint64_t weight_from = members[from].weight;
	uint64_t weight_to = members[to].weight;
	uint64_t left = spread->leads[from] - 1u;
	uint64_t right = spread->leads[to] + 1u;

	if (weight_from == 0)
		return UINT64_MAX;
	if (left * weight_to < right * weight_from)
		return 0;
	return 1 + left * SHARE / weight_from - right * SHARE / weight_to;
}

static void look_at_group(struct spread *spread, struct plan_step *step)
{
	const struct plan_group *group =
		plan_group_find(spread->cluster, step->group);
	const struct plan_work work = {
		.cluster = spread->cluster,
		.group = group,
	};
	unsigned from;

	if (!leading_member(spread->cluster, group, &from))
		return;
	for (unsigned i = 0; i < group->replica_count; i++) {
		const struct plan_replica *replica = &group->replicas[i];
		uint64_t gain;

		if (replica->raft_id == group->leader ||
		    !can_lead(&work, replica))
			continue;
		gain = gain_of(spread, from,
			       plan_place_of(spread->cluster, replica->node));
		if (gain > spread->best.gain)
			spread->best = (struct move){ step, replica, gain };
	}
}

static bool is_changing(const struct plan *plan)
{
	for (unsigned i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == PLAN_TRANSFER)
			return true;
	return false;
}

static void count_leads(struct spread *spread)
{
	for (unsigned i = 0; i < spread->cluster->group_count; i++) {
		unsigned place;

		if (leading_member(spread->cluster, &spread->cluster->groups[i],
				   &place))
			spread->leads[place]++;
	}
}

void plan_spread(const struct plan_cluster *cluster, struct plan *plan,
		 struct arena *arena)
{
	struct spread spread = { .cluster = cluster };
	struct plan_work work = { .cluster = cluster };

	if (cluster->transferring || is_changing(plan))
		return;
	spread.leads = arena_zalloc(arena, cluster->member_count + 1,
				    sizeof(*spread.leads));
	count_leads(&spread);
	for (unsigned i = 0; i < plan->count; i++) {
		struct plan_step *step = &plan->steps[i];

		if (step->kind == PLAN_NOTHING && !step->wanting)
			look_at_group(&spread, step);
	}
	if (!spread.best.step)
		return;
	work.step = spread.best.step;
	work.group = plan_group_find(cluster, work.step->group);
	plan_do(&work, PLAN_TRANSFER, spread.best.to,
		"%.*s shall lead: it leads less than others",
		SLICE_FMT(plan_name(&work, spread.best.to->node)));
}
