/*
 * What each replica of a group tells its leader about itself, twice a second
 * and when it changes: how far it is, what it has not got (F4), whether it is
 * being brought up or parked. The leader decides changes of the group by it,
 * and managers and people read it.
 */
#ifndef RAFT_REPLICA_REPORT_H
#define RAFT_REPLICA_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct replica;

/* Between two reports that say nothing new. */
#define REPLICA_REPORT_MS 500

struct replica_report {
	uint32_t start_count; /* of its node */
	bool parked;
	bool importing;
	uint64_t applied;  /* index */
	uint64_t frontier; /* index: every body named up to it is there */
	uint64_t missing;  /* bodies that are not */

	/* of an import: octets of a copy, else entries; total 0: unknown */
	uint64_t import_done;
	uint64_t import_total;
};

/* Appends a whole frame (frame.h). */
void replica_report_encode(const struct replica_report *report,
			   struct buf *out);

/* The fields of one. ERR_SYNTAX. */
must_use enum err replica_report_decode(struct slice fields,
					struct replica_report *report_r);

/* One replica as the leader knows it. */
struct replica_health {
	uint64_t raft_id;
	uint64_t age_ms; /* of the report; UINT64_MAX: none came yet */
	struct replica_report report;
	uint64_t best;    /* the highest frontier that it ever reported */
	uint64_t matched; /* last index that it acknowledged in this term */
};

/*
 * What the replica's leader knows of the servers of the newest configuration,
 * itself included, as of now; only itself if it does not lead. Any thread.
 * Returns how many, at most `max`.
 */
unsigned replica_get_health(struct replica *replica,
			    struct replica_health *list, unsigned max);

#endif
