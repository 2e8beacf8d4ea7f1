/*
 * Sets of replicas: who has a body, and is that enough?
 */
#include "base/panic.h"
#include "server/courier.h"

unsigned courier_majority(const struct courier_targets *targets)
{
	unsigned voters = 0;

	for (unsigned i = 0; i < targets->count; i++)
		voters += targets->at[i].voter;
	return voters / 2 + 1;
}

static bool holders_has(const struct courier_holders *holders, uint64_t raft_id)
{
	for (size_t i = 0; i < holders->count; i++)
		if (holders->raft_ids[i] == raft_id)
			return true;
	return false;
}

bool courier_is_held(const struct courier_targets *targets,
		     const struct courier_holders *holders)
{
	unsigned held = 0;

	for (unsigned i = 0; i < targets->count; i++)
		held += targets->at[i].voter &&
			holders_has(holders, targets->at[i].raft_id);
	return held >= courier_majority(targets);
}

void courier_holders_keep(struct courier_holders *holders,
			  const struct courier_holders *others)
{
	size_t kept = 0;

	for (size_t i = 0; i < holders->count; i++)
		if (holders_has(others, holders->raft_ids[i]))
			holders->raft_ids[kept++] = holders->raft_ids[i];
	holders->count = kept;
}

void courier_holders_add(struct courier_holders *holders, uint64_t raft_id)
{
	MUST(holders->count < COMMAND_HOLDERS_MAX);
	if (!holders_has(holders, raft_id))
		holders->raft_ids[holders->count++] = raft_id;
}
