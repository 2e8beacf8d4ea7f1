/*
 * Who this node is: the file <data>/node.
 *
 * {"version":1, "cluster":"<32 hex>", "node":1, "name":"n1", "start":7,
 *  "groups":[{"group":0,"raft_id":"4294967297"}, ...], "ready":true}
 *
 * Written whole, with fsync, before anything relies on it.
 */
#ifndef SERVER_IDENTITY_H
#define SERVER_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/disk.h"
#include "base/err.h"
#include "base/slice.h"

#define IDENTITY_GROUPS_MAX_HERE 1024 /* replicas of one node */
#define IDENTITY_NAME_MAX 63          /* octets: a DNS label */

struct identity_replica {
	uint32_t group;
	uint64_t raft_id;
	/*
	 * The group is new and this its first voter: it makes itself. Not when
	 * it serves, as a lost log must not come back as an empty group.
	 */
	bool make;
};

struct identity_file {
	char cluster[33]; /* hexadecimal */
	uint32_t node;
	char name[IDENTITY_NAME_MAX + 1];
	uint32_t start; /* how often it was started; raised at each start */
	struct identity_replica *replicas; /* owned */
	unsigned replica_count;
	bool ready; /* the groups were made: none is bootstrapped again */
};

/* Letters, digits and inner hyphens: a DNS label. */
bool identity_name_ok(struct slice name);

/* By rising group, as they are kept; another replica of it is replaced. */
void identity_put_replica(struct identity_file *identity,
			  const struct identity_replica *replica);

void identity_fini(struct identity_file *identity);

/*
 * ERR_NOTFOUND: there is none: the node was never initialised. ERR_CORRUPT,
 * ERR_VERSION, ERR_IO: `why` names file and reason.
 */
must_use enum err identity_read(struct disk *disk, const char *data,
				struct identity_file *identity_r,
				struct buf *why);

/* Replaces the file: written beside it, fsynced, renamed. */
must_use enum err identity_write(struct disk *disk, const char *data,
				 const struct identity_file *identity);

#endif
