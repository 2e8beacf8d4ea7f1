/*
 * Groups: added, and changed by one replica at a time.
 *
 * Failures are refusals, before anything is written. A new replica gets the
 * next incarnation of its node, whatever the group: so a raft id that was
 * thrown away never comes back.
 */
#include "cluster/directory_apply.h"

/* ---- looking ---- */

static bool same(const struct directory_replica *a,
		 const struct directory_replica *b)
{
	return a->raft_id == b->raft_id && a->role == b->role &&
	       a->state == b->state;
}

/* How many replicas differ. CANNOT: one has a raft id of its own choice. */
static enum err count_changes(struct directory_group *old,
			      struct directory_group *group, unsigned *count_r)
{
	unsigned count = 0;

	for (unsigned i = 0; i < group->replica_count; i++) {
		const struct directory_replica *replica = &group->replicas[i];
		const struct directory_replica *before =
			directory_group_replica(old, replica->raft_id);

		if (!before && replica->raft_id != 0)
			return ERR_CANNOT;
		if (!before || !same(before, replica))
			count++;
	}
	for (unsigned i = 0; i < old->replica_count; i++)
		if (!directory_group_replica(group, old->replicas[i].raft_id))
			count++;
	*count_r = count;
	return ERR_NONE;
}

static bool has_two_of_a_node(const struct directory_group *group)
{
	for (unsigned i = 0; i < group->replica_count; i++)
		for (unsigned j = 0; j < i; j++)
			if (group->replicas[i].node == group->replicas[j].node)
				return true;
	return false;
}

/* May it be on that node? Those of the record may stay on a removed one. */
static enum err look_at_new(struct directory_apply *a,
			    const struct directory_replica *replica)
{
	struct directory_member member;

	if (!directory_member_find(a->txn, replica->node, &member))
		return ERR_NOTFOUND;
	if (member.state == DIRECTORY_MEMBER_REMOVED)
		return ERR_CANNOT;
	if (replica->raft_id == 0 && member.replicas == UINT32_MAX)
		return ERR_LIMIT;
	return ERR_NONE;
}

static enum err look_at_replicas(struct directory_apply *a,
				 struct directory_group *old,
				 struct directory_group *group)
{
	unsigned count = 0;
	enum err err = ERR_NONE;

	if (has_two_of_a_node(group))
		return ERR_CANNOT;
	if (old)
		err = count_changes(old, group, &count);
	if (err == ERR_NONE && count > 1)
		err = ERR_CANNOT;
	for (unsigned i = 0; err == ERR_NONE && i < group->replica_count; i++)
		if (!old || group->replicas[i].raft_id == 0)
			err = look_at_new(a, &group->replicas[i]);
	return err;
}

static enum err group_put_look(struct directory_apply *a, bool add,
			       struct directory_group *group)
{
	struct directory_group old;
	bool found;

	if (add && a->counters.next_group > DIRECTORY_GROUPS_MAX)
		return ERR_LIMIT;
	found = !add && directory_group_find(a->txn, group->group, &old);
	if (!found && !add && group->group != 0)
		return ERR_NOTFOUND;
	group->homes = found ? old.homes : 0;
	if (!add && group->epoch != (found ? old.epoch : 0))
		return ERR_STALE;
	return look_at_replicas(a, found ? &old : NULL, group);
}

/* ---- writing ---- */

/* The member's count covers it; a new one gets the next. */
static void give_raft_id(struct directory_apply *a,
			 struct directory_replica *replica)
{
	struct directory_member member;
	uint32_t incarnation = (uint32_t)replica->raft_id;

	if (!row_want(a->txn,
		      directory_member_find(a->txn, replica->node, &member)))
		return;
	if (replica->raft_id == 0) {
		incarnation = member.replicas + 1;
		replica->raft_id =
			directory_raft_id(replica->node, incarnation);
	}
	if (incarnation <= member.replicas)
		return;
	member.replicas = incarnation;
	directory_member_row_put(a->txn, a->scratch, &member);
}

void directory_apply_group_put(struct directory_apply *a)
{
	struct directory_group_put command;
	struct directory_group_put_result result = { .group = 0 };
	struct directory_group *group = &command.group;
	enum err err = directory_group_put_decode(a->command->body, &command);

	if (err == ERR_NONE)
		err = group_put_look(a, command.add, group);
	if (err != ERR_NONE) {
		directory_refuse(a, err);
		return;
	}
	if (command.add)
		group->group = a->counters.next_group++;
	for (unsigned i = 0; i < group->replica_count; i++) {
		bool is_new = group->replicas[i].raft_id == 0;

		give_raft_id(a, &group->replicas[i]);
		if (is_new)
			result.raft_id = group->replicas[i].raft_id;
	}
	group->epoch = a->at->index;
	directory_group_row_put(a->txn, a->scratch, group);
	directory_event(a, DIRECTORY_EVENT_GROUP, group->group, SLICE_NONE);
	result.group = group->group;
	result.epoch = group->epoch;
	directory_group_put_result_encode(&result, &a->result->payload);
}
