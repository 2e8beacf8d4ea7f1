/*
 * What both managers share: who is healthy, what may be changed, and how a
 * group's configuration is brought to its record. For the files of plan.h.
 */
#ifndef CLUSTER_PLAN_RULES_H
#define CLUSTER_PLAN_RULES_H

#include "cluster/plan.h"

/* One group being planned. */
struct plan_work {
	const struct plan_cluster *cluster;
	const struct plan_group *group;
	struct plan_step *step;
	/* of each member, by its place: mail replicas, with those of this plan
	 */
	unsigned *load;
	unsigned *joining;
};

/* How well a member can do in this group, or a replica does; worst first. */
enum plan_fitness {
	PLAN_OUT,       /* leaving, removed, or without role or zone for it */
	PLAN_BROKEN,    /* a parked replica */
	PLAN_SILENT,    /* for too long */
	PLAN_UNWILLING, /* draining, or its weight is 0 */
	PLAN_FINE,
};

/* ---- saying ---- */

/* Sets the step; gives true. `node` 0 and `replica` NULL where none. */
bool plan_do(struct plan_work *work, enum plan_kind kind,
	     const struct plan_replica *replica, const char *fmt, ...)
	printf_like(4, 5);

/* Notes what is waited for, unless something else was noted; gives false. */
bool plan_wait(struct plan_work *work, const char *fmt, ...) printf_like(2, 3);

/* "%.*s" of a node's name; "?" of one that is not known. */
struct slice plan_name(const struct plan_work *work, uint32_t node);

/* ---- asking ---- */

/* Heard of lately, and not removed. */
bool plan_is_heard(const struct plan_cluster *cluster, uint32_t node);

/* Its node is heard and has it, and it is not parked. */
bool plan_is_healthy(const struct plan_cluster *cluster,
		     const struct plan_replica *replica);

/* Healthy, nothing to import, and few entries behind. */
bool plan_is_caught_up(const struct plan_work *work,
		       const struct plan_replica *replica);

/* Of the voting in this group, for group 0; else of having a replica. */
enum plan_fitness plan_fitness_of_member(const struct plan_work *work,
					 const struct plan_member *member);
enum plan_fitness plan_fitness(const struct plan_work *work,
			       const struct plan_replica *replica);

/* Rule B9, as far as it is known here. */
bool plan_may_promote(const struct plan_work *work,
		      const struct plan_replica *replica);

/* Rule B10, and the others are a healthy majority; notes why not. */
bool plan_may_demote(struct plan_work *work,
		     const struct plan_replica *replica);

/* Place of a member in the cluster's array; it must be there. */
unsigned plan_place_of(const struct plan_cluster *cluster, uint32_t node);

/* ---- choosing ---- */

/* Recorded replicas that are FINE in the zone; voters only? */
unsigned plan_count_in_zone(const struct plan_work *work, struct slice zone,
			    bool voters);

/* Fewer mail replicas for its weight: <0, 0, >0. */
int plan_compare_load(const struct plan_work *work, const struct plan_member *a,
		      const struct plan_member *b);

/* Should `a` get a replica (or a vote) before `b`? The rarer zone, then load.
 */
bool plan_is_better(const struct plan_work *work, const struct plan_member *a,
		    const struct plan_member *b, bool voters);

/* ---- steps; each gives true if it has set one ---- */

/* The configuration towards the record: what adds comes first. */
bool plan_settle_more(struct plan_work *work);
bool plan_settle_less(struct plan_work *work);

/* The recorded voters, towards `target` of them. */
bool plan_more_voters(struct plan_work *work, unsigned target);
bool plan_fewer_voters(struct plan_work *work, unsigned target);

/* A parked voter loses its vote. */
bool plan_no_broken_voter(struct plan_work *work);

/* No step is possible: no record or leader, or another change is under way. */
bool plan_is_blocked(struct plan_work *work);

/* Has it a replica in record or configuration, which would be its second? */
bool plan_has_replica(const struct plan_group *group, uint32_t node);

/* The replica that the record has there; NULL: none. */
const struct plan_replica *plan_recorded_at(const struct plan_group *group,
					    uint32_t node);

/* How many of the record. */
unsigned plan_count_recorded(const struct plan_group *group,
			     enum directory_replica_role role);

/* A leader that should not lead hands over. */
bool plan_leader_moves(struct plan_work *work);

/* 5, 3 or 1 voters of `replicas`; 0 of none. */
unsigned plan_voters_of(unsigned replicas);

/* ---- the managers ---- */

void plan_directory(struct plan_work *work);
void plan_mail_group(struct plan_work *work);

/* One leadership for an even spread, in a group that wants nothing else. */
void plan_spread(const struct plan_cluster *cluster, struct plan *plan,
		 struct arena *arena);

/* Appends the steps that concern no group: at most PLAN_GROW_MAX. */
#define PLAN_GROW_MAX 3
void plan_grow(struct plan_work *work, struct plan *plan);

/* May the member get a mail replica: FINE, heard, and it has the directory. */
bool plan_is_candidate(const struct plan_work *work,
		       const struct plan_member *member);

#endif
