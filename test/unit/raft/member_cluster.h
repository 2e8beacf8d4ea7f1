/*
 * A cluster whose members change: nodes with empty replicas beside the first
 * voters, a manager that brings the group to a wanted shape one change at a
 * time, and links over which replicas are brought up.
 *
 * Bodies are numbers; a node has some of them.
 */
#ifndef TEST_MEMBER_CLUSTER_H
#define TEST_MEMBER_CLUSTER_H

#include "raft/replica_import.h"
#include "raft/replica_member.h"
#include "replica_cluster.h"

struct store_copy;
struct wal_reader;

struct mc;

/* A node's side of an import. */
struct mc_node {
	bool wanted;
	int source; /* node; -1: none */
	struct wal_reader *reader;
	struct store_copy *copy;
	struct buf piece;
	bool piece_waits;
	uint64_t at; /* in the copy */
	bool waits;  /* for a callback */
	unsigned entries;
	unsigned copies;
	bool has_none; /* of the bodies */
};

/* A change that is under way; lives on when its node dies. */
struct mc_change {
	struct list link;
	struct mc *mc;
	struct replica_change change;
};

struct mc {
	struct rc *rc;
	struct mc_node nodes[RC_NODES_MAX];
	bool only_copies;  /* entries are gone everywhere */
	unsigned voters;   /* wanted: the first so many nodes */
	bool frozen;       /* the manager does nothing */
	bool keeps_spares; /* who is not wanted stays as a spare */
	struct list open;  /* changes */
	bool under_way;
	uint64_t asked_at_ms;
	unsigned changes; /* committed */
	unsigned refused;
	unsigned missing_refused;
	enum err last_err;
};

/* One voter, `nodes` - 1 empty replicas. */
void mc_init(struct mc *mc, uint64_t seed, unsigned nodes, unsigned voters);
void mc_fini(struct mc *mc);

/* To be called for a node that has crashed, before anything else. */
void mc_bury(struct mc *mc, unsigned node);

/* Steps the cluster, its manager and its imports. */
void mc_run(struct mc *mc, uint64_t ms);

/* Until the group has the wanted shape; false: not within `ms`. */
bool mc_settle(struct mc *mc, uint64_t ms);

/* Begins a change by hand, on who leads now. */
struct mc_change *mc_begin(struct mc *mc, enum replica_change_kind kind,
			   unsigned node, enum replica_role role);

/* The same; waits for its answer. */
enum err mc_do(struct mc *mc, enum replica_change_kind kind, unsigned node,
	       enum replica_role role);

struct rc_member *mc_member(struct mc *mc, unsigned node);

/* The replica is thrown away and made anew under another raft id. */
void mc_rebuild(struct mc *mc, unsigned node);

/*
 * A random life under load: nodes die, links break, the wanted shape changes.
 * Then all is healed, and the group must come to five voters that agree. NULL
 * or what went wrong.
 */
const char *mc_life(uint64_t seed);

/* All members have the same state; NULL or what differs. */
const char *mc_compare(struct mc *mc);

#endif
