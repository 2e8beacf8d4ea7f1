/*
 * The managers of a cluster: what should be changed next, and why.
 *
 * The node that leads the directory asks from time to time: it fills a
 * plan_cluster with what the directory records (plan_load) and what the nodes
 * and the groups' leaders report, and plan_make gives the next single change
 * of each group. It carries some out, and asks again. Nothing is remembered
 * from one time to the next, so a new leader goes on where the last one
 * stopped.
 *
 *   record         what shall be            plan_roles.c, plan_place.c
 *   configuration  what is                  plan_rules.c brings it there
 *
 * The record of a group says which replicas it shall have and which of them
 * shall vote; the configuration in the group's own log says how it is now. A
 * plan changes one of them by one step. It proposes only what is safe as far
 * as it knows; the group's leader tests the rules of frontiers (F4) once more
 * in the step that appends a change (test/model/bodies.c, B9 to B11).
 *
 * Everything here is a pure function: no clock, no random numbers. Equal input
 * gives an equal plan. Slices are borrowed from who filled the cluster.
 */
#ifndef CLUSTER_PLAN_H
#define CLUSTER_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/slice.h"
#include "cluster/directory.h"
#include "store/env.h"

/* ---- what is known ---- */

/* Never heard since anybody leads the directory. */
#define PLAN_NEVER UINT64_MAX

struct plan_member {
	uint32_t node;
	uint64_t epoch; /* of its record */
	struct slice name;
	uint8_t roles; /* enum directory_role */
	struct slice zone;
	uint32_t weight;
	enum directory_member_state state;
	uint32_t feature_level;
	uint32_t successor; /* 0: anyone */

	/*
	 * Since its last sign of life. Who has just become the directory's
	 * leader counts from then on, so that nobody looks dead who is not.
	 */
	uint64_t silent_ms;
};

/* What a replica is by the newest configuration in its group's log. */
enum plan_vote {
	PLAN_VOTE_NONE, /* not in it */
	PLAN_VOTE_SPARE,
	PLAN_VOTE_STANDBY,
	PLAN_VOTE_VOTER,
};

struct plan_replica {
	uint32_t node;
	uint64_t raft_id;

	/* the directory's record */
	bool recorded; /* false: only the configuration has it still */
	enum directory_replica_role role;
	enum directory_replica_state state;

	/* the configuration, as the group's leader tells it */
	enum plan_vote vote;

	/* the node's newest report */
	bool open; /* it has this replica */
	bool parked;
	bool importing;
	unsigned import_permille;
	uint64_t applied_index;  /* configurations count like commands */
	uint64_t frontier;       /* F4; of the directory: applied_index */
	uint64_t missing_bodies; /* how many are not */
};

struct plan_group {
	uint32_t group;

	/* the directory's record; without one there is nothing to plan */
	bool recorded;
	uint8_t wanted; /* 1, 3, 5 or DIRECTORY_WANTED_ALL; not of group 0 */
	struct slice zone;
	uint32_t weight;
	uint64_t epoch;
	uint64_t homes;

	/* of the record or of the configuration; by rising raft id */
	struct plan_replica *replicas;
	unsigned replica_count;

	/* what its leader tells; leader 0: nobody is known to lead it */
	uint64_t leader;       /* raft id */
	uint64_t last_index;   /* of its log */
	uint64_t config_index; /* of the newest configuration */
	bool config_committed;
	uint64_t voters_index; /* of the newest one that changed the voters */
	uint32_t feature_level;

	/* a change that was asked for has not come to its end */
	bool busy;
};

/* Times and numbers; plan_limits_init gives those of the architecture. */
struct plan_limits {
	uint64_t healthy_ms;        /* heard within it: alive */
	uint64_t master_silent_ms;  /* then the directory does without it */
	uint64_t replica_silent_ms; /* then its mail is copied elsewhere */
	uint64_t joiner_silent_ms;  /* then another one joins in its place */
	uint64_t lag_max;           /* entries that a new voter may lack */
	unsigned imports_max;       /* joining replicas of one node */
	unsigned groups_each;       /* mail groups for each backend */
	uint8_t wanted;             /* replicas of a new mail group */
	unsigned standbys_max;      /* of the directory */
};

/* The defaults; the directory's settings replace two of them. */
void plan_limits_init(struct plan_limits *limits);

struct plan_cluster {
	struct plan_limits limits;
	uint32_t feature_level;      /* of the directory */
	struct plan_member *members; /* by rising node, removed ones too */
	unsigned member_count;
	struct plan_group *groups; /* by rising number */
	unsigned group_count;
	bool transferring; /* a leadership is being handed over */
};

/* Settings of the directory: decimal numbers; "all" is good for replicas. */
#define PLAN_SETTING_GROUPS "mail_groups" /* for each backend */
#define PLAN_SETTING_WANTED "replicas"    /* of new mail groups */

/*
 * What the directory says: members (all PLAN_NEVER silent), groups, limits by
 * default and by setting. What the nodes report is filled in behind. Memory
 * and slices are the arena's. ERR_CORRUPT and the like: the directory cannot
 * be read.
 */
must_use enum err plan_load(struct plan_cluster *cluster, struct store_txn *txn,
			    struct arena *arena);

/* NULL: there is none. */
const struct plan_member *plan_member_find(const struct plan_cluster *cluster,
					   uint32_t node);
struct plan_group *plan_group_find(const struct plan_cluster *cluster,
				   uint32_t group);

/*
 * The replica with this raft id, added to the group if the record has none: a
 * leader tells its whole configuration in this way.
 */
struct plan_replica *plan_replica_get(struct plan_group *group,
				      uint64_t raft_id, struct arena *arena);

/* ---- what to do ---- */

enum plan_kind {
	PLAN_NOTHING, /* `why` says whether all is well, or what is waited for
		       */

	/* commands of the directory; GROUP_PUT and MEMBER_SET under `epoch` */
	PLAN_RECORD_ADD,     /* joining on `node`, as `role`, raft id 0 */
	PLAN_RECORD_SERVE,   /* `raft_id` is serving now */
	PLAN_RECORD_ROLE,    /* `raft_id` gets `role` */
	PLAN_RECORD_DROP,    /* `raft_id` goes */
	PLAN_GROUP_NEW,      /* a mail group, its joining voter on `node`:
			      * who finds itself the only replica of a group
			      * that nobody serves yet makes it */
	PLAN_MEMBER_REMOVED, /* `node` was leaving and is empty */
	PLAN_FEATURE_RAISE,  /* of the cluster, to `level` */

	/* asked of the group's leader, on configuration `config_index` */
	PLAN_RAFT_ADD,    /* `raft_id`, as a spare */
	PLAN_RAFT_ASSIGN, /* `raft_id` becomes `vote` */
	PLAN_RAFT_REMOVE, /* `raft_id`, which does not vote */
	PLAN_TRANSFER,    /* `raft_id` shall lead, if it lacks nothing */
	PLAN_GROUP_LEVEL, /* COMMAND_FEATURE_LEVEL to `level` */
};

#define PLAN_WHY_MAX 200 /* octets of a sentence, its end included */

struct plan_step {
	enum plan_kind kind;
	uint32_t group; /* 0 also where no group is concerned */
	uint32_t node;  /* that of `raft_id`, or where a new one shall be */
	uint64_t raft_id;
	enum directory_replica_role role;
	enum plan_vote vote;
	uint32_t level;
	uint8_t wanted;         /* GROUP_NEW */
	uint64_t epoch;         /* of the record that it was decided on */
	uint64_t config_index;  /* likewise */
	bool wanting;           /* NOTHING: the group is not as it shall be */
	char why[PLAN_WHY_MAX]; /* for people: "n3 is draining: .." */
};

struct plan {
	struct plan_step *steps;
	unsigned count;
};

/*
 * One step for each group, also if it is PLAN_NOTHING, then those that concern
 * no group (GROUP_NEW, MEMBER_REMOVED, FEATURE_RAISE, at most one each). The
 * directory comes first, then the group with the fewest healthy replicas.
 * Steps of one plan may be carried out beside each other.
 */
void plan_make(const struct plan_cluster *cluster, struct plan *plan_r,
	       struct arena *arena);

/* "RECORD_ADD", for logs and JSON. */
const char *plan_kind_name(enum plan_kind kind);

#endif
