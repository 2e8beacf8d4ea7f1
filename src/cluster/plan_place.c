/*
 * The replica manager: which nodes have a replica of a mail group, and which
 * of them vote.
 *
 * A group wants 1, 3 or 5 replicas, or one on every backend. Where there are
 * fewer nodes it takes what there is: voters are 1, 3 or 5 all the same, so of
 * two replicas one follows without a vote. Nodes that drain or leave are
 * emptied, a node that is silent for an hour is done without; a new replica is
 * added and serves before an old one goes. Who drains keeps what nobody else
 * can take, who leaves does not.
 */
#include "cluster/plan_rules.h"

#include "base/panic.h"

struct place {
	unsigned wanted;  /* replicas, if there were nodes without end */
	unsigned willing; /* members that may have one, heard or not */
	unsigned drained; /* recorded voters on nodes that drain */
	unsigned fine;    /* recorded replicas that count */
	unsigned serving; /* of them */
	unsigned voters;  /* wanted, and possible */
	bool more;        /* a replica joins, or could */
};

/* ---- candidates ---- */

static bool has_directory(const struct plan_cluster *cluster, uint32_t node)
{
	const struct plan_group *group = plan_group_find(cluster, 0);
	const struct plan_replica *replica =
		group ? plan_recorded_at(group, node) : NULL;

	return replica && replica->state == DIRECTORY_REPLICA_SERVING;
}

/* A node learns of its replicas from its copy of the directory. */
bool plan_is_candidate(const struct plan_work *work,
		       const struct plan_member *member)
{
	return plan_fitness_of_member(work, member) == PLAN_FINE &&
	       plan_is_heard(work->cluster, member->node) &&
	       has_directory(work->cluster, member->node);
}

static bool is_free(const struct plan_work *work,
		    const struct plan_member *member)
{
	return member && plan_is_candidate(work, member) &&
	       !plan_has_replica(work->group, member->node);
}

static bool has_room(const struct plan_work *work,
		     const struct plan_member *member)
{
	return work->joining[member - work->cluster->members] <
	       work->cluster->limits.imports_max;
}

/*
 * Whom an operator has named to take over from one that goes (`replace`). It
 * is waited for, as long as it lives, until it has the directory.
 */
static const struct plan_member *successor(const struct plan_work *work)
{
	const struct plan_group *group = work->group;

	for (unsigned i = 0; i < group->replica_count; i++) {
		const struct plan_member *member = plan_member_find(
			work->cluster, group->replicas[i].node);
		const struct plan_member *next;

		if (!group->replicas[i].recorded || !member ||
		    plan_fitness_of_member(work, member) == PLAN_FINE)
			continue;
		next = plan_member_find(work->cluster, member->successor);
		if (plan_fitness_of_member(work, next) == PLAN_FINE &&
		    plan_is_heard(work->cluster, next->node) &&
		    !plan_has_replica(group, next->node))
			return next;
	}
	return NULL;
}

static const struct plan_member *best_candidate(const struct plan_work *work)
{
	const struct plan_cluster *cluster = work->cluster;
	const struct plan_member *best = NULL;

	for (unsigned i = 0; i < cluster->member_count; i++) {
		const struct plan_member *member = &cluster->members[i];

		if (is_free(work, member) && has_room(work, member) &&
		    (!best || plan_is_better(work, member, best, false)))
			best = member;
	}
	return best;
}

static bool has_candidate(const struct plan_work *work)
{
	const struct plan_cluster *cluster = work->cluster;

	for (unsigned i = 0; i < cluster->member_count; i++)
		if (is_free(work, &cluster->members[i]))
			return true;
	return false;
}

/* ---- what there is, and what there should be ---- */

static unsigned count_willing(const struct plan_work *work)
{
	const struct plan_cluster *cluster = work->cluster;
	unsigned count = 0;

	for (unsigned i = 0; i < cluster->member_count; i++) {
		const struct plan_member *member = &cluster->members[i];
		enum plan_fitness fitness =
			plan_fitness_of_member(work, member);

		/* Who is silent may come back: it is not counted out. */
		if (fitness == PLAN_FINE ||
		    (fitness == PLAN_SILENT &&
		     member->state == DIRECTORY_MEMBER_ACTIVE &&
		     member->weight > 0))
			count++;
	}
	return count;
}

/* Silent or not: who drains keeps what it has until another one has it. */
static bool is_drained(const struct plan_work *work,
		       const struct plan_replica *replica)
{
	const struct plan_member *member =
		plan_member_find(work->cluster, replica->node);
	enum plan_fitness fitness = plan_fitness_of_member(work, member);

	return fitness == PLAN_UNWILLING ||
	       (fitness == PLAN_SILENT &&
		(member->state != DIRECTORY_MEMBER_ACTIVE ||
		 member->weight == 0));
}

static unsigned min_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* "all" of two backends is not enough: then who drains stays the third. */
static unsigned wanted_of(const struct plan_group *group, unsigned willing)
{
	if (group->wanted != DIRECTORY_WANTED_ALL)
		return group->wanted;
	return willing < 3 ? 3 : min_of(willing, DIRECTORY_REPLICAS_MAX);
}

static struct place place_of(const struct plan_work *work)
{
	const struct plan_group *group = work->group;
	struct place place = { .willing = count_willing(work) };

	place.wanted = wanted_of(group, place.willing);
	for (unsigned i = 0; i < group->replica_count; i++) {
		const struct plan_replica *replica = &group->replicas[i];

		if (!replica->recorded)
			continue;
		if (is_drained(work, replica) &&
		    replica->role == DIRECTORY_REPLICA_VOTER)
			place.drained++;
		if (plan_fitness(work, replica) != PLAN_FINE)
			continue;
		place.fine++;
		if (replica->state == DIRECTORY_REPLICA_SERVING)
			place.serving++;
	}
	place.voters = plan_voters_of(
		min_of(place.wanted, place.willing + place.drained));
	place.more = place.fine > place.serving || has_candidate(work);
	return place;
}

/* ---- more ---- */

static bool add_replica(struct plan_work *work, const struct place *place)
{
	const struct plan_member *member = successor(work);
	unsigned possible = min_of(place->wanted, place->willing);

	if (place->fine >= possible)
		return false;
	if (member && !(is_free(work, member) && has_room(work, member)))
		return plan_wait(work, "%.*s is to take over, when it can",
				 SLICE_FMT(member->name));
	if (!member)
		member = best_candidate(work);
	if (!member && has_candidate(work))
		return plan_wait(work,
				 "%u of %u replicas: other imports come first",
				 place->fine, place->wanted);
	if (!member)
		return plan_wait(work,
				 "%u of %u replicas: no other node is there",
				 place->fine, place->wanted);
	work->step->node = member->node;
	work->step->role = DIRECTORY_REPLICA_STANDBY;
	return plan_do(work, PLAN_RECORD_ADD, NULL,
		       "%.*s gets a replica: %u of %u are there",
		       SLICE_FMT(member->name), place->fine, place->wanted);
}

/* ---- less ---- */

/* Nothing is lost with it: another one may begin in its place. */
static bool drop_joiner(struct plan_work *work)
{
	const struct plan_group *group = work->group;
	uint64_t silent_max = work->cluster->limits.joiner_silent_ms;

	for (unsigned i = 0; i < group->replica_count; i++) {
		const struct plan_replica *replica = &group->replicas[i];
		const struct plan_member *member =
			plan_member_find(work->cluster, replica->node);

		if (!replica->recorded ||
		    replica->state != DIRECTORY_REPLICA_JOINING ||
		    replica->vote == PLAN_VOTE_VOTER)
			continue;
		if (plan_fitness(work, replica) == PLAN_FINE &&
		    member->silent_ms <= silent_max)
			continue;
		return plan_do(work, PLAN_RECORD_DROP, replica,
			       "%.*s does not come to join",
			       SLICE_FMT(plan_name(work, replica->node)));
	}
	return false;
}

/* May this standby go, as far as the others are concerned? */
static bool may_go(const struct plan_work *work, const struct place *place,
		   const struct plan_replica *replica)
{
	const struct plan_member *member =
		plan_member_find(work->cluster, replica->node);
	bool complete = place->serving >= min_of(place->wanted, place->willing);

	switch (plan_fitness(work, replica)) {
	case PLAN_OUT:
		return complete || !place->more || !member ||
		       member->state == DIRECTORY_MEMBER_REMOVED;
	case PLAN_BROKEN:
		return true;
	case PLAN_SILENT:
	case PLAN_UNWILLING:
		return is_drained(work, replica)
			       ? place->serving >= place->wanted
			       : complete;
	case PLAN_FINE:
		break;
	}
	return place->fine > place->wanted;
}

/* Who has least goes first: by fitness, then who only joins. */
static bool goes_first(const struct plan_work *work,
		       const struct plan_replica *a,
		       const struct plan_replica *b)
{
	const struct plan_member *member_a =
		plan_member_find(work->cluster, a->node);
	const struct plan_member *member_b =
		plan_member_find(work->cluster, b->node);

	if (plan_fitness(work, a) != plan_fitness(work, b))
		return plan_fitness(work, a) < plan_fitness(work, b);
	if (a->state != b->state)
		return a->state == DIRECTORY_REPLICA_JOINING;
	if (!member_a || !member_b)
		return !member_a;
	return plan_is_better(work, member_b, member_a, false);
}

static const char *reason_of(const struct plan_work *work,
			     const struct plan_replica *replica)
{
	switch (plan_fitness(work, replica)) {
	case PLAN_OUT:
		return "it leaves";
	case PLAN_BROKEN:
		return "it is parked and will be made anew";
	case PLAN_SILENT:
		return "it is silent for too long";
	case PLAN_UNWILLING:
		return "it drains";
	case PLAN_FINE:
		break;
	}
	return "there are more than wanted";
}

static bool drop_replica(struct plan_work *work, const struct place *place)
{
	const struct plan_group *group = work->group;
	const struct plan_replica *first = NULL;

	for (unsigned i = 0; i < group->replica_count; i++) {
		const struct plan_replica *replica = &group->replicas[i];

		if (!replica->recorded ||
		    replica->role != DIRECTORY_REPLICA_STANDBY ||
		    replica->vote == PLAN_VOTE_VOTER)
			continue;
		if (!may_go(work, place, replica)) {
			if (plan_fitness(work, replica) != PLAN_FINE)
				(void)plan_wait(
					work,
					"%.*s keeps its replica until another "
					"node has one: %s",
					SLICE_FMT(
						plan_name(work, replica->node)),
					reason_of(work, replica));
		} else if (!first || goes_first(work, replica, first)) {
			first = replica;
		}
	}
	if (!first)
		return false;
	return plan_do(work, PLAN_RECORD_DROP, first,
		       "the replica of %.*s goes: %s",
		       SLICE_FMT(plan_name(work, first->node)),
		       reason_of(work, first));
}

/* ---- a group that nobody serves yet ---- */

static bool is_unborn(const struct plan_group *group)
{
	for (unsigned i = 0; i < group->replica_count; i++)
		if ((group->replicas[i].recorded &&
		     group->replicas[i].state == DIRECTORY_REPLICA_SERVING) ||
		    (!group->replicas[i].recorded &&
		     group->replicas[i].vote != PLAN_VOTE_NONE))
			return false;
	return group->recorded;
}

/* Nobody may live in it before it serves: it can begin elsewhere. */
static bool is_stillborn(const struct plan_work *work,
			 const struct plan_replica *replica)
{
	const struct plan_member *member =
		plan_member_find(work->cluster, replica->node);

	return plan_fitness(work, replica) != PLAN_FINE ||
	       member->silent_ms > work->cluster->limits.joiner_silent_ms;
}

static void plan_unborn(struct plan_work *work)
{
	const struct plan_group *group = work->group;
	const struct plan_member *member;

	for (unsigned i = 0; i < group->replica_count; i++) {
		const struct plan_replica *replica = &group->replicas[i];
		struct slice name = plan_name(work, replica->node);

		if (!replica->recorded)
			continue;
		if (is_stillborn(work, replica))
			plan_do(work, PLAN_RECORD_DROP, replica,
				"%.*s does not make the group",
				SLICE_FMT(name));
		else if (replica->raft_id == group->leader &&
			 replica->vote == PLAN_VOTE_VOTER)
			plan_do(work, PLAN_RECORD_SERVE, replica,
				"%.*s has made the group", SLICE_FMT(name));
		else
			plan_wait(work, "%.*s is to make the group",
				  SLICE_FMT(name));
		return;
	}
	member = best_candidate(work);
	if (!member) {
		plan_wait(work, "no node is there to make the group");
		return;
	}
	work->step->node = member->node;
	work->step->role = DIRECTORY_REPLICA_VOTER;
	plan_do(work, PLAN_RECORD_ADD, NULL, "%.*s is to make the group",
		SLICE_FMT(member->name));
}

/* ---- the manager ---- */

/* What is missing though nothing can be done about it now. */
static void tell_lack(struct plan_work *work, const struct place *place)
{
	unsigned voters = plan_voters_of(place->wanted);

	if (place->voters < voters)
		(void)plan_wait(
			work, "%u of %u replicas are possible%s",
			min_of(place->wanted, place->willing + place->drained),
			place->wanted,
			place->voters == 1 ? ": no failover" : "");
}

void plan_mail_group(struct plan_work *work)
{
	struct place place;

	if (is_unborn(work->group)) {
		plan_unborn(work);
		return;
	}
	if (plan_is_blocked(work) || plan_settle_more(work) ||
	    plan_leader_moves(work) || plan_no_broken_voter(work) ||
	    drop_joiner(work))
		return;
	place = place_of(work);
	if (add_replica(work, &place) || plan_more_voters(work, place.voters) ||
	    plan_settle_less(work) || plan_fewer_voters(work, place.voters) ||
	    drop_replica(work, &place))
		return;
	tell_lack(work, &place);
}
