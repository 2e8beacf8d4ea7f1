/*
 * A cluster for the managers to manage: the records are a real directory, the
 * rest (configurations, replicas, nodes that come and go) is as simple as can
 * be. Plans are carried out, and each step is held against the rules.
 */
#ifndef TEST_PLAN_WORLD_H
#define TEST_PLAN_WORLD_H

#include "base/random.h"
#include "cluster/plan.h"
#include "dir.h"

#define WORLD_NODES 16 /* numbers 1 to 15 */
#define WORLD_GROUPS 64
#define WORLD_REPLICAS 24 /* of a group, that ever were */

struct world_node {
	bool exists;
	bool up;
	uint64_t silent_ms;
};

struct world_replica {
	uint64_t raft_id; /* 0: the place is free */
	enum plan_vote vote;
	bool open;
	bool parked;
	unsigned to_import; /* per mille */
	uint64_t applied;
	uint64_t missing_from; /* index of a body that is missing; 0: none */
};

struct world_group {
	bool exists;
	struct world_replica replicas[WORLD_REPLICAS];
	uint64_t leader;
	uint64_t last_index;
	uint64_t config_index;
	uint64_t voters_index;
	uint32_t level;
};

struct world {
	struct dir dir;
	struct random *random;
	struct world_node nodes[WORLD_NODES];
	struct world_group groups[WORLD_GROUPS];
	struct arena arena; /* of the newest plan */
	struct plan_cluster cluster;
	struct plan plan;
	unsigned steps; /* carried out */
	bool smooth;    /* nothing gets lost, imports take one round */
};

/* One node, n1, with the directory and two mail groups. */
void world_open(struct world *world, struct random *random);
void world_close(struct world *world);

/* A new member that is up; gives its number. */
uint32_t world_join(struct world *world, uint8_t roles, const char *zone);

void world_set_state(struct world *world, uint32_t node,
		     enum directory_member_state state, uint32_t successor);
void world_set_wanted(struct world *world, uint32_t group, uint8_t wanted);

/* Time passes: nodes report, replicas follow, leaders are elected. */
void world_pass(struct world *world, uint64_t ms);

/* Asks for a plan and carries it out; gives the number of steps. */
unsigned world_turn(struct world *world);

/* Turns until nothing is done any more; fails if that takes too long. */
void world_settle(struct world *world);

/* Logs the newest plan as `status` would tell it. */
void world_show(struct world *world);

/* The step of a group in the newest plan. */
const struct plan_step *world_step(const struct world *world, uint32_t group);

struct directory_group world_record(struct world *world, uint32_t group);

/* Of the record: how many, and is there one on that node? */
unsigned world_count(struct world *world, uint32_t group,
		     enum directory_replica_role role);
bool world_has(struct world *world, uint32_t group, uint32_t node);
struct world_replica *world_replica(struct world *world, uint32_t group,
				    uint32_t node);

/* Would the group live on without this node, for ever? */
bool world_can_do_without(const struct world *world, uint32_t node);

#endif
