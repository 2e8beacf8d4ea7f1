/*
 * The role manager: who votes in the directory, and that every member has it.
 *
 * Voters are members with the role master: 1, 3 or 5; all others follow as
 * standbys. A voter that is silent for 30 seconds is replaced by another
 * master, if there is one; nobody is demoted for it otherwise.
 */
#include "cluster/plan_rules.h"

#include "base/panic.h"

/* Masters that may vote; those that drain only while they do it anyway. */
static unsigned voters_wanted(const struct plan_work *work)
{
	const struct plan_cluster *cluster = work->cluster;
	unsigned count = 0;

	for (unsigned i = 0; i < cluster->member_count; i++) {
		const struct plan_member *member = &cluster->members[i];
		const struct plan_replica *replica =
			plan_recorded_at(work->group, member->node);

		if ((member->roles & DIRECTORY_ROLE_MASTER) == 0)
			continue;
		if (member->state == DIRECTORY_MEMBER_ACTIVE ||
		    (member->state == DIRECTORY_MEMBER_DRAINING && replica &&
		     replica->role == DIRECTORY_REPLICA_VOTER))
			count++;
	}
	return plan_voters_of(count);
}

/* ---- every member has it ---- */

/* Masters, then backends, then the rest, who can do without (MUPDATE). */
static bool is_needed_more(const struct plan_member *a,
			   const struct plan_member *b)
{
	static const uint8_t roles[] = { DIRECTORY_ROLE_MASTER,
					 DIRECTORY_ROLE_BACKEND };

	for (unsigned i = 0; i < ARRAY_LEN(roles); i++)
		if (((a->roles ^ b->roles) & roles[i]) != 0)
			return (a->roles & roles[i]) != 0;
	return a->node < b->node;
}

static const struct plan_member *next_member(const struct plan_work *work)
{
	const struct plan_cluster *cluster = work->cluster;
	const struct plan_member *best = NULL;

	for (unsigned i = 0; i < cluster->member_count; i++) {
		const struct plan_member *member = &cluster->members[i];

		if ((member->state == DIRECTORY_MEMBER_ACTIVE ||
		     member->state == DIRECTORY_MEMBER_DRAINING) &&
		    plan_is_heard(cluster, member->node) &&
		    !plan_has_replica(work->group, member->node) &&
		    (!best || is_needed_more(member, best)))
			best = member;
	}
	return best;
}

/* Those that do import: one that is dead must not stop the others. */
static unsigned count_joining(const struct plan_work *work)
{
	const struct plan_group *group = work->group;
	unsigned count = 0;

	for (unsigned i = 0; i < group->replica_count; i++)
		if (group->replicas[i].recorded &&
		    group->replicas[i].state == DIRECTORY_REPLICA_JOINING &&
		    plan_is_heard(work->cluster, group->replicas[i].node))
			count++;
	return count;
}

static bool add_member(struct plan_work *work)
{
	const struct plan_limits *limits = &work->cluster->limits;
	const struct plan_member *member = next_member(work);
	unsigned standbys =
		plan_count_recorded(work->group, DIRECTORY_REPLICA_STANDBY);

	if (!member)
		return false;
	if (standbys >= limits->standbys_max)
		return plan_wait(work, "%u standbys are enough: %.*s has none",
				 standbys, SLICE_FMT(member->name));
	if (count_joining(work) >= limits->imports_max)
		return plan_wait(work, "%.*s waits for others to join",
				 SLICE_FMT(member->name));
	work->step->node = member->node;
	work->step->role = DIRECTORY_REPLICA_STANDBY;
	return plan_do(work, PLAN_RECORD_ADD, NULL, "%.*s gets the directory",
		       SLICE_FMT(member->name));
}

/* ---- who shall not have it ---- */

static bool shall_go(const struct plan_work *work,
		     const struct plan_replica *replica)
{
	const struct plan_member *member =
		plan_member_find(work->cluster, replica->node);

	return !member || member->state == DIRECTORY_MEMBER_REMOVED ||
	       (replica->parked && plan_is_heard(work->cluster, replica->node));
}

static bool drop_replica(struct plan_work *work)
{
	const struct plan_group *group = work->group;

	for (unsigned i = 0; i < group->replica_count; i++) {
		const struct plan_replica *replica = &group->replicas[i];

		if (replica->recorded &&
		    replica->role == DIRECTORY_REPLICA_STANDBY &&
		    replica->vote != PLAN_VOTE_VOTER && shall_go(work, replica))
			return plan_do(
				work, PLAN_RECORD_DROP, replica,
				"the copy of %.*s goes: it %s",
				SLICE_FMT(plan_name(work, replica->node)),
				replica->parked ? "is parked and will be made "
						  "anew"
						: "was removed");
	}
	return false;
}

void plan_directory(struct plan_work *work)
{
	unsigned wanted = voters_wanted(work);

	if (plan_is_blocked(work) || plan_settle_more(work) ||
	    plan_leader_moves(work) || plan_no_broken_voter(work) ||
	    plan_more_voters(work, wanted) || add_member(work) ||
	    plan_settle_less(work) || plan_fewer_voters(work, wanted))
		return;
	(void)drop_replica(work);
}
