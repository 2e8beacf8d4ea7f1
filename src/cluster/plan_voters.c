/*
 * Which of the recorded replicas shall vote, and who leads.
 *
 * A voter that is fine stays one. One that is not is replaced by a standby
 * that is ready, and loses its vote only then; one that is parked, or more
 * than are wanted, loses it without replacement, if the others are a healthy
 * majority.
 */
#include "cluster/plan_rules.h"

#include "base/panic.h"

/* ---- more ---- */

static bool is_recorded_voter(const struct plan_replica *replica)
{
	return replica->recorded && replica->role == DIRECTORY_REPLICA_VOTER;
}

/* A standby that could vote at once. */
static bool is_ready(const struct plan_work *work,
		     const struct plan_replica *replica)
{
	return replica->recorded &&
	       replica->role == DIRECTORY_REPLICA_STANDBY &&
	       replica->state == DIRECTORY_REPLICA_SERVING &&
	       replica->vote == PLAN_VOTE_STANDBY &&
	       plan_fitness(work, replica) == PLAN_FINE &&
	       plan_may_promote(work, replica);
}

struct voters {
	unsigned count; /* recorded */
	unsigned fine;
	unsigned ready;                   /* standbys */
	const struct plan_replica *best;  /* of them */
	const struct plan_replica *worst; /* of the voters */
};

static const struct plan_member *member_of(const struct plan_work *work,
					   const struct plan_replica *replica)
{
	return plan_member_find(work->cluster, replica->node);
}

/* Among replicas of equal fitness: who is not heard, then who is of use. */
static bool is_worse_member(const struct plan_work *work,
			    const struct plan_replica *a,
			    const struct plan_replica *b)
{
	bool healthy_a = plan_is_healthy(work->cluster, a);
	bool healthy_b = plan_is_healthy(work->cluster, b);
	const struct plan_member *member_a = member_of(work, a);
	const struct plan_member *member_b = member_of(work, b);

	if (healthy_a != healthy_b)
		return healthy_b;
	if (a->raft_id == work->group->leader ||
	    b->raft_id == work->group->leader)
		return b->raft_id == work->group->leader;
	if (!member_a || !member_b)
		return !member_a;
	return plan_is_better(work, member_b, member_a, true);
}

static bool is_worse(const struct plan_work *work, const struct plan_replica *a,
		     const struct plan_replica *b)
{
	enum plan_fitness fitness_a = plan_fitness(work, a);
	enum plan_fitness fitness_b = plan_fitness(work, b);

	if (fitness_a != fitness_b)
		return fitness_a < fitness_b;
	return is_worse_member(work, a, b);
}

static struct voters count_voters(const struct plan_work *work)
{
	const struct plan_group *group = work->group;
	struct voters voters = { 0 };

	for (unsigned i = 0; i < group->replica_count; i++) {
		const struct plan_replica *replica = &group->replicas[i];

		if (is_recorded_voter(replica)) {
			voters.count++;
			if (plan_fitness(work, replica) == PLAN_FINE)
				voters.fine++;
			if (!voters.worst ||
			    is_worse(work, replica, voters.worst))
				voters.worst = replica;
		} else if (is_ready(work, replica)) {
			voters.ready++;
			if (!voters.best ||
			    plan_is_better(work, member_of(work, replica),
					   member_of(work, voters.best), true))
				voters.best = replica;
		}
	}
	return voters;
}

static const char *trouble_of(const struct plan_work *work,
			      const struct plan_replica *replica)
{
	switch (plan_fitness(work, replica)) {
	case PLAN_OUT:
		return "leaves";
	case PLAN_BROKEN:
		return "is parked";
	case PLAN_SILENT:
		return "is silent for too long";
	case PLAN_UNWILLING:
		return "is drained";
	case PLAN_FINE:
		break;
	}
	return "is more than wanted";
}

/*
 * Two voters are worse than one: either's failure stops the group. So a second
 * one waits until a third is ready, unless it replaces one.
 */
static bool is_time(const struct voters *voters)
{
	return voters->count % 2 == 0 || voters->fine < voters->count ||
	       voters->ready >= 2;
}

bool plan_more_voters(struct plan_work *work, unsigned target)
{
	struct voters voters = count_voters(work);

	if (voters.fine >= target)
		return false;
	if (!voters.best)
		return plan_wait(work,
				 "%u of %u voters: no standby is ready to vote",
				 voters.fine, target);
	if (!is_time(&voters))
		return plan_wait(work,
				 "%u of %u voters: an even number has no use, "
				 "and one standby only is ready",
				 voters.fine, target);
	work->step->role = DIRECTORY_REPLICA_VOTER;
	return plan_do(work, PLAN_RECORD_ROLE, voters.best,
		       "%.*s shall vote: %u of %u do",
		       SLICE_FMT(plan_name(work, voters.best->node)),
		       voters.fine, target);
}

static bool demote(struct plan_work *work, const struct plan_replica *replica)
{
	struct slice name = plan_name(work, replica->node);

	if (replica->raft_id == work->group->leader)
		return plan_wait(work,
				 "%.*s %s, and leads: nobody can take over",
				 SLICE_FMT(name), trouble_of(work, replica));
	if (!plan_may_demote(work, replica))
		return false;
	work->step->role = DIRECTORY_REPLICA_STANDBY;
	return plan_do(work, PLAN_RECORD_ROLE, replica,
		       "%.*s shall not vote: it %s", SLICE_FMT(name),
		       trouble_of(work, replica));
}

bool plan_fewer_voters(struct plan_work *work, unsigned target)
{
	struct voters voters = count_voters(work);

	return voters.worst && voters.count > target &&
	       demote(work, voters.worst);
}

/* Its vote is worth nothing, and it is rebuilt only when it has none. */
bool plan_no_broken_voter(struct plan_work *work)
{
	const struct plan_group *group = work->group;

	for (unsigned i = 0; i < group->replica_count; i++) {
		const struct plan_replica *replica = &group->replicas[i];

		if (is_recorded_voter(replica) &&
		    plan_fitness(work, replica) == PLAN_BROKEN &&
		    demote(work, replica))
			return true;
	}
	return false;
}

/* ---- who leads ---- */

static const struct plan_replica *leader_of(const struct plan_group *group)
{
	for (unsigned i = 0; i < group->replica_count; i++)
		if (group->replicas[i].raft_id == group->leader)
			return &group->replicas[i];
	return NULL;
}

static bool may_lead(const struct plan_work *work,
		     const struct plan_replica *replica)
{
	return is_recorded_voter(replica) && replica->vote == PLAN_VOTE_VOTER &&
	       plan_fitness(work, replica) == PLAN_FINE &&
	       plan_is_caught_up(work, replica);
}

/* Who gives its vote up must not lead, though it be fine. */
static bool should_lead(const struct plan_work *work,
			const struct plan_replica *leader)
{
	return is_recorded_voter(leader) &&
	       plan_fitness(work, leader) >= PLAN_SILENT &&
	       plan_fitness(work, leader) != PLAN_UNWILLING;
}

bool plan_leader_moves(struct plan_work *work)
{
	const struct plan_group *group = work->group;
	const struct plan_replica *leader = leader_of(group);
	const struct plan_replica *best = NULL;

	if (!leader || should_lead(work, leader))
		return false;
	for (unsigned i = 0; i < group->replica_count; i++) {
		const struct plan_replica *replica = &group->replicas[i];

		if (replica != leader && may_lead(work, replica) &&
		    (!best || plan_is_better(work, member_of(work, replica),
					     member_of(work, best), true)))
			best = replica;
	}
	if (!best)
		return false;
	if (work->cluster->transferring)
		return plan_wait(work, "another group's leader is changing");
	return plan_do(work, PLAN_TRANSFER, best, "%.*s shall lead: %.*s %s",
		       SLICE_FMT(plan_name(work, best->node)),
		       SLICE_FMT(plan_name(work, leader->node)),
		       trouble_of(work, leader));
}
