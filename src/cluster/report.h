/*
 * What nodes tell each other of their replicas, twice a second and when
 * something changes: who leads a group, how far each replica is, what the
 * configuration in the group's log says. It feeds the managers (plan.h), finds
 * leaders, and is never the ground of a decision that must be safe: the log
 * is.
 *
 * Pure; octets are versioned, and small enough for one message of a link.
 */
#ifndef CLUSTER_REPORT_H
#define CLUSTER_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Octets of one message; a node with many groups sends several. */
#define REPORT_MAX (60 * 1024)

#define REPORT_GROUPS_MAX 1024 /* in one message */
#define REPORT_SERVERS_MAX 128 /* of a configuration */

/* What a server is in the newest configuration of a group's log. */
enum report_vote {
	REPORT_VOTE_SPARE = 1,
	REPORT_VOTE_STANDBY = 2,
	REPORT_VOTE_VOTER = 3,
};

struct report_server {
	uint64_t raft_id;
	enum report_vote vote;
};

enum report_flag {
	REPORT_PARKED = 1 << 0,
	REPORT_IMPORTING = 1 << 1,
	REPORT_LEADS = 1 << 2,            /* the fields of leaders follow */
	REPORT_CONFIG_COMMITTED = 1 << 3, /* leaders */
	REPORT_TRANSFERRING = 1 << 4,     /* leaders: it hands over */
};

/* One replica of the node that reports. */
struct report_group {
	uint32_t group;
	uint64_t raft_id;
	uint8_t flags; /* enum report_flag */
	uint64_t applied_index;
	uint64_t frontier;       /* F4: all bodies are here up to this index */
	uint64_t missing_bodies; /* how many are not */
	uint32_t permille;       /* of the import */

	/* what only its leader tells */
	uint64_t term;
	uint64_t last_index;
	uint64_t config_index; /* of the newest configuration */
	uint64_t voters_index; /* of the newest one with other voters */
	uint32_t feature_level;
	struct report_server *servers;
	size_t server_count;
};

struct report {
	uint32_t node; /* that reports */
	uint32_t feature_level;
	struct report_group *groups;
	size_t group_count;
};

/*
 * Appends the groups from `first` on, as many as one message takes; gives how
 * many these were. 0 if there are none left (an empty report still is one).
 */
size_t report_encode(const struct report *report, size_t first,
		     struct buf *out);

/* Arrays live in the arena. ERR_SYNTAX, ERR_LIMIT, ERR_INVALID, ERR_VERSION. */
must_use enum err report_decode(struct slice octets, struct arena *arena,
				struct report *report_r);

#endif
