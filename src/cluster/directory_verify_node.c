/*
 * Are members, tokens and replicas as they must be?
 *
 * Failures are findings. Members are compared in pairs: there are about a
 * hundred of them.
 */
#include "cluster/directory_verify.h"

#include <inttypes.h>

#include "base/panic.h"
#include "cluster/directory.h"

struct nodes {
	struct store_txn *txn;
	struct findings *findings;
	struct directory_counters counters;
};

/* ---- members ---- */

static bool is_removed(const struct directory_member *member)
{
	return member->state == DIRECTORY_MEMBER_REMOVED;
}

static bool share_a_key(const struct directory_member *a,
			const struct directory_member *b)
{
	return directory_member_has_key(a, b->key_hash) ||
	       directory_member_has_key(a, b->next_key_hash);
}

/* Against all with a lower number. */
static void check_pairs(struct nodes *n, const struct directory_member *member)
{
	struct directory_member other;
	struct directory_walk walk;

	directory_member_walk(&walk, n->txn);
	while (directory_member_next(&walk, &other) &&
	       other.node < member->node) {
		FINDINGS_WANT(
			n->findings,
			is_removed(member) || is_removed(&other) ||
				!slice_eq_nocase(member->name, other.name),
			"member %" PRIu32 ": the name of %" PRIu32,
			member->node, other.node);
		FINDINGS_WANT(n->findings, !share_a_key(member, &other),
			      "member %" PRIu32 ": a key of %" PRIu32,
			      member->node, other.node);
	}
	directory_walk_end(&walk);
}

static void check_member(struct nodes *n, const struct directory_member *member)
{
	struct directory_member other;

	FINDINGS_WANT(n->findings,
		      member->node != 0 && member->node < n->counters.next_node,
		      "member %" PRIu32 ": number was never given",
		      member->node);
	FINDINGS_WANT(n->findings,
		      is_removed(member) || member->feature_level >=
						    n->counters.feature_level,
		      "member %" PRIu32 ": its program is too old",
		      member->node);
	FINDINGS_WANT(n->findings,
		      member->successor == 0 ||
			      (member->successor != member->node &&
			       directory_member_find(n->txn, member->successor,
						     &other)),
		      "member %" PRIu32 ": successor %" PRIu32 " is none",
		      member->node, member->successor);
	check_pairs(n, member);
}

static void check_members(struct nodes *n)
{
	struct directory_member member;
	struct directory_walk walk;
	unsigned count = 0;

	directory_member_walk(&walk, n->txn);
	while (directory_member_next(&walk, &member)) {
		check_member(n, &member);
		count++;
	}
	directory_walk_end(&walk);
	FINDINGS_WANT(n->findings, count + 1 == n->counters.next_node,
		      "%u members, but the next number is %" PRIu32, count,
		      n->counters.next_node);
}

/* ---- tokens ---- */

static void check_tokens(struct nodes *n)
{
	struct directory_member member;
	struct directory_token token;
	struct directory_walk walk;
	unsigned count = 0;

	directory_token_walk(&walk, n->txn);
	while (directory_token_next(&walk, &token)) {
		count++;
		if (token.node == 0)
			continue;
		FINDINGS_WANT(
			n->findings,
			directory_member_find(n->txn, token.node, &member) &&
				slice_eq(member.name, token.name),
			"token for %.*s: used by no such member",
			SLICE_FMT(token.name));
	}
	directory_walk_end(&walk);
	FINDINGS_WANT(n->findings, count <= DIRECTORY_TOKENS_MAX,
		      "%u tokens are too many", count);
}

/* ---- groups ---- */

static bool is_second(const struct directory_group *group, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (group->replicas[i].node == group->replicas[n].node)
			return true;
	return false;
}

static void check_replica(struct nodes *n, const struct directory_group *group,
			  unsigned i)
{
	const struct directory_replica *replica = &group->replicas[i];
	struct directory_member member = { .node = 0 };
	bool found = directory_member_find(n->txn, replica->node, &member);
	uint32_t incarnation = (uint32_t)replica->raft_id;

	FINDINGS_WANT(n->findings,
		      found && replica->raft_id >> 32 == replica->node &&
			      incarnation != 0 &&
			      incarnation <= member.replicas,
		      "group %" PRIu32 ": raft id %" PRIu64 " of node %" PRIu32
		      " was never given",
		      group->group, replica->raft_id, replica->node);
	FINDINGS_WANT(n->findings, !is_second(group, i),
		      "group %" PRIu32 ": two replicas on node %" PRIu32,
		      group->group, replica->node);
}

static void check_replicas(struct nodes *n)
{
	struct directory_group group;
	struct directory_walk walk;

	directory_group_walk(&walk, n->txn);
	while (directory_group_next(&walk, &group))
		for (unsigned i = 0; i < group.replica_count; i++)
			check_replica(n, &group, i);
	directory_walk_end(&walk);
}

void directory_verify_nodes(struct store_txn *txn, struct findings *findings)
{
	struct nodes n = { .txn = txn, .findings = findings };

	directory_counters_get(txn, &n.counters);
	check_members(&n);
	check_tokens(&n);
	check_replicas(&n);
}
