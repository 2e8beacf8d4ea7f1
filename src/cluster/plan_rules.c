/*
 * The rules that keep a change safe, and the way from a record to the
 * configuration of its group.
 *
 * A change adds before it removes: promotions, standbys and new replicas come
 * before demotions and removals. What cannot be done yet is noted and does not
 * hold up the rest: a dead voter, for example, is only got rid of when its
 * successor votes.
 *
 * Model steps are those of test/model/bodies.c: change them there first.
 */
#include "cluster/plan_rules.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/panic.h"

/* ---- saying ---- */

static void say(struct plan_step *step, const char *fmt, va_list args)
	printf_like(2, 0);

static void say(struct plan_step *step, const char *fmt, va_list args)
{
	(void)vsnprintf(step->why, sizeof(step->why), fmt, args);
}

bool plan_do(struct plan_work *work, enum plan_kind kind,
	     const struct plan_replica *replica, const char *fmt, ...)
{
	struct plan_step *step = work->step;
	va_list args;

	step->kind = kind;
	step->wanting = true;
	if (replica) {
		step->node = replica->node;
		step->raft_id = replica->raft_id;
	}
	va_start(args, fmt);
	say(step, fmt, args);
	va_end(args);
	return true;
}

bool plan_wait(struct plan_work *work, const char *fmt, ...)
{
	va_list args;

	if (work->step->wanting)
		return false;
	work->step->wanting = true;
	va_start(args, fmt);
	say(work->step, fmt, args);
	va_end(args);
	return false;
}

struct slice plan_name(const struct plan_work *work, uint32_t node)
{
	const struct plan_member *member =
		plan_member_find(work->cluster, node);

	return member ? member->name : SLICE_LIT("?");
}

/* ---- asking ---- */

unsigned plan_place_of(const struct plan_cluster *cluster, uint32_t node)
{
	const struct plan_member *member = plan_member_find(cluster, node);

	MUST(member);
	return (unsigned)(member - cluster->members);
}

bool plan_is_heard(const struct plan_cluster *cluster, uint32_t node)
{
	const struct plan_member *member = plan_member_find(cluster, node);

	return member && member->state != DIRECTORY_MEMBER_REMOVED &&
	       member->silent_ms <= cluster->limits.healthy_ms;
}

bool plan_is_healthy(const struct plan_cluster *cluster,
		     const struct plan_replica *replica)
{
	return replica->open && !replica->parked &&
	       plan_is_heard(cluster, replica->node);
}

bool plan_is_caught_up(const struct plan_work *work,
		       const struct plan_replica *replica)
{
	uint64_t last = work->group->last_index;

	return plan_is_healthy(work->cluster, replica) && !replica->importing &&
	       (replica->applied_index >= last ||
		last - replica->applied_index <= work->cluster->limits.lag_max);
}

static bool has_place(const struct plan_work *work,
		      const struct plan_member *member)
{
	if (work->group->group == 0)
		return (member->roles & DIRECTORY_ROLE_MASTER) != 0;
	return (member->roles & DIRECTORY_ROLE_BACKEND) != 0 &&
	       directory_zone_allowed(work->group->zone, member->zone);
}

enum plan_fitness plan_fitness_of_member(const struct plan_work *work,
					 const struct plan_member *member)
{
	const struct plan_limits *limits = &work->cluster->limits;
	uint64_t silent_max = work->group->group == 0
				      ? limits->master_silent_ms
				      : limits->replica_silent_ms;

	if (!member || !has_place(work, member) ||
	    member->state == DIRECTORY_MEMBER_LEAVING ||
	    member->state == DIRECTORY_MEMBER_REMOVED)
		return PLAN_OUT;
	if (member->silent_ms > silent_max)
		return PLAN_SILENT;
	if (member->state == DIRECTORY_MEMBER_DRAINING ||
	    (work->group->group != 0 && member->weight == 0))
		return PLAN_UNWILLING;
	return PLAN_FINE;
}

enum plan_fitness plan_fitness(const struct plan_work *work,
			       const struct plan_replica *replica)
{
	enum plan_fitness fitness = plan_fitness_of_member(
		work, plan_member_find(work->cluster, replica->node));

	if (fitness > PLAN_BROKEN && replica->open && replica->parked &&
	    plan_is_heard(work->cluster, replica->node))
		return PLAN_BROKEN;
	return fitness;
}

unsigned plan_voters_of(unsigned replicas)
{
	if (replicas >= 5)
		return 5;
	if (replicas >= 3)
		return 3;
	return replicas > 0 ? 1 : 0;
}

bool plan_has_replica(const struct plan_group *group, uint32_t node)
{
	for (unsigned i = 0; i < group->replica_count; i++)
		if (group->replicas[i].node == node &&
		    (group->replicas[i].recorded ||
		     group->replicas[i].vote != PLAN_VOTE_NONE))
			return true;
	return false;
}

const struct plan_replica *plan_recorded_at(const struct plan_group *group,
					    uint32_t node)
{
	for (unsigned i = 0; i < group->replica_count; i++)
		if (group->replicas[i].node == node &&
		    group->replicas[i].recorded)
			return &group->replicas[i];
	return NULL;
}

unsigned plan_count_recorded(const struct plan_group *group,
			     enum directory_replica_role role)
{
	unsigned count = 0;

	for (unsigned i = 0; i < group->replica_count; i++)
		if (group->replicas[i].recorded &&
		    group->replicas[i].role == role)
			count++;
	return count;
}

static bool no_leader(struct plan_work *work)
{
	const struct plan_group *group = work->group;
	unsigned voters = plan_count_recorded(group, DIRECTORY_REPLICA_VOTER);
	unsigned healthy = 0;

	for (unsigned i = 0; i < group->replica_count; i++)
		if (group->replicas[i].recorded &&
		    group->replicas[i].role == DIRECTORY_REPLICA_VOTER &&
		    plan_is_healthy(work->cluster, &group->replicas[i]))
			healthy++;
	if (healthy * 2 > voters)
		(void)plan_wait(work, "nobody is known to lead it");
	else
		(void)plan_wait(work,
				"%u of %u voters are healthy: without a "
				"majority nothing can be changed",
				healthy, voters);
	return true;
}

bool plan_is_blocked(struct plan_work *work)
{
	const struct plan_group *group = work->group;

	if (!group->recorded)
		(void)plan_wait(work, "the directory has no record of it");
	else if (group->leader == 0)
		return no_leader(work);
	else if (group->busy || !group->config_committed)
		(void)plan_wait(work, "a change is under way");
	else
		return false;
	return true;
}

/* ---- what may be changed ---- */

/* Model step B9; the leader has the last word in the step that appends (B11).
 */
bool plan_may_promote(const struct plan_work *work,
		      const struct plan_replica *replica)
{
	return work->group->config_committed &&
	       plan_is_caught_up(work, replica) &&
	       replica->frontier >= work->group->config_index;
}

/* How many of the voters but `without` there are, and are .. */
struct rest {
	unsigned voters;
	unsigned healthy;
	unsigned complete; /* frontier at the barrier */
};

static struct rest rest_of(const struct plan_work *work,
			   const struct plan_replica *without)
{
	const struct plan_group *group = work->group;
	struct rest rest = { 0 };

	for (unsigned i = 0; i < group->replica_count; i++) {
		const struct plan_replica *replica = &group->replicas[i];

		if (replica == without || replica->vote != PLAN_VOTE_VOTER)
			continue;
		rest.voters++;
		if (!plan_is_healthy(work->cluster, replica))
			continue;
		rest.healthy++;
		if (replica->frontier >= group->voters_index)
			rest.complete++;
	}
	return rest;
}

/* Model step B10. */
bool plan_may_demote(struct plan_work *work, const struct plan_replica *replica)
{
	struct rest rest = rest_of(work, replica);
	struct slice name = plan_name(work, replica->node);

	if (replica->vote != PLAN_VOTE_VOTER)
		return true; /* it votes no more, or not yet */
	if (rest.healthy * 2 <= rest.voters)
		return plan_wait(work,
				 "%.*s keeps its vote: of the %u others %u "
				 "are healthy",
				 SLICE_FMT(name), rest.voters, rest.healthy);
	if (rest.complete * 2 <= rest.voters)
		return plan_wait(work,
				 "%.*s keeps its vote: of the %u others %u "
				 "have all bodies",
				 SLICE_FMT(name), rest.voters, rest.complete);
	return true;
}

/* ---- choosing ---- */

unsigned plan_count_in_zone(const struct plan_work *work, struct slice zone,
			    bool voters)
{
	const struct plan_group *group = work->group;
	unsigned count = 0;

	for (unsigned i = 0; i < group->replica_count; i++) {
		const struct plan_replica *replica = &group->replicas[i];
		const struct plan_member *member =
			plan_member_find(work->cluster, replica->node);

		if (replica->recorded && member &&
		    (!voters || replica->role == DIRECTORY_REPLICA_VOTER) &&
		    plan_fitness(work, replica) == PLAN_FINE &&
		    slice_eq(member->zone, zone))
			count++;
	}
	return count;
}

/* A weight of 0 counts as the least: such a node may still be a master. */
static uint64_t weight_of(const struct plan_member *member)
{
	return member->weight > 0 ? member->weight : 1;
}

int plan_compare_load(const struct plan_work *work, const struct plan_member *a,
		      const struct plan_member *b)
{
	const struct plan_member *first = work->cluster->members;
	uint64_t left = work->load[a - first] * weight_of(b);
	uint64_t right = work->load[b - first] * weight_of(a);

	return left < right ? -1 : left > right ? 1 : 0;
}

bool plan_is_better(const struct plan_work *work, const struct plan_member *a,
		    const struct plan_member *b, bool voters)
{
	unsigned in_a = plan_count_in_zone(work, a->zone, voters);
	unsigned in_b = plan_count_in_zone(work, b->zone, voters);
	int load = plan_compare_load(work, a, b);

	if (in_a != in_b)
		return in_a < in_b;
	return load != 0 ? load < 0 : a->node < b->node;
}

/* ---- the configuration, towards the record ---- */

static bool assign(struct plan_work *work, const struct plan_replica *replica,
		   enum plan_vote vote, const char *what)
{
	work->step->vote = vote;
	return plan_do(work, PLAN_RAFT_ASSIGN, replica, "%.*s %s",
		       SLICE_FMT(plan_name(work, replica->node)), what);
}

static bool promote(struct plan_work *work, const struct plan_replica *replica)
{
	struct slice name = plan_name(work, replica->node);

	if (plan_may_promote(work, replica))
		return assign(work, replica, PLAN_VOTE_VOTER, "begins to vote");
	if (!plan_is_healthy(work->cluster, replica))
		return plan_wait(work, "%.*s shall vote, but is not healthy",
				 SLICE_FMT(name));
	return plan_wait(work,
			 "%.*s shall vote: it has applied %" PRIu64
			 " and bodies up to %" PRIu64 " of %" PRIu64,
			 SLICE_FMT(name), replica->applied_index,
			 replica->frontier, work->group->last_index);
}

/* A replica that is to be in the configuration, and is not as it shall be. */
static bool settle_joiner(struct plan_work *work,
			  const struct plan_replica *replica)
{
	struct slice name = plan_name(work, replica->node);

	if (!plan_is_healthy(work->cluster, replica))
		return plan_wait(work,
				 "%.*s shall have a replica, and does not "
				 "report it",
				 SLICE_FMT(name));
	if (replica->vote == PLAN_VOTE_NONE)
		return plan_do(work, PLAN_RAFT_ADD, replica,
			       "%.*s joins the group", SLICE_FMT(name));
	return assign(work, replica, PLAN_VOTE_STANDBY, "begins to follow");
}

static bool settle_state(struct plan_work *work,
			 const struct plan_replica *replica)
{
	struct slice name = plan_name(work, replica->node);

	if (plan_is_caught_up(work, replica))
		return plan_do(work, PLAN_RECORD_SERVE, replica,
			       "%.*s has what the group has", SLICE_FMT(name));
	if (replica->importing)
		return plan_wait(work, "%.*s imports: %u.%u %%",
				 SLICE_FMT(name), replica->import_permille / 10,
				 replica->import_permille % 10);
	return plan_wait(work, "%.*s catches up: %" PRIu64 " of %" PRIu64,
			 SLICE_FMT(name), replica->applied_index,
			 work->group->last_index);
}

static bool settle_one(struct plan_work *work,
		       const struct plan_replica *replica)
{
	if (!replica->recorded)
		return false;
	if (replica->vote <= PLAN_VOTE_SPARE)
		return settle_joiner(work, replica);
	if (replica->role == DIRECTORY_REPLICA_VOTER &&
	    replica->vote == PLAN_VOTE_STANDBY)
		return promote(work, replica);
	if (replica->state == DIRECTORY_REPLICA_JOINING)
		return settle_state(work, replica);
	return false;
}

bool plan_settle_more(struct plan_work *work)
{
	const struct plan_group *group = work->group;

	for (unsigned i = 0; i < group->replica_count; i++)
		if (settle_one(work, &group->replicas[i]))
			return true;
	return false;
}

/* A voter that shall not vote, or a replica that shall not be. */
static bool settle_leaver(struct plan_work *work,
			  const struct plan_replica *replica)
{
	struct slice name = plan_name(work, replica->node);

	if (replica->vote == PLAN_VOTE_NONE ||
	    (replica->recorded && (replica->vote != PLAN_VOTE_VOTER ||
				   replica->role == DIRECTORY_REPLICA_VOTER)))
		return false;
	if (replica->vote != PLAN_VOTE_VOTER)
		return plan_do(work, PLAN_RAFT_REMOVE, replica,
			       "%.*s is no member of the group any more",
			       SLICE_FMT(name));
	if (replica->raft_id == work->group->leader)
		return plan_wait(work, "%.*s leads, and shall not even vote",
				 SLICE_FMT(name));
	if (!plan_may_demote(work, replica))
		return false;
	return assign(work, replica,
		      replica->recorded ? PLAN_VOTE_STANDBY : PLAN_VOTE_SPARE,
		      "votes no more");
}

bool plan_settle_less(struct plan_work *work)
{
	const struct plan_group *group = work->group;

	for (unsigned i = 0; i < group->replica_count; i++)
		if (settle_leaver(work, &group->replicas[i]))
			return true;
	return false;
}
