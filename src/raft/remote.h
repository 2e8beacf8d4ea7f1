/*
 * A group without a replica on this node: proposing into it and asking how far
 * its log is, through its leader elsewhere.
 *
 * The raft id of such a node is node id << 32, without an incarnation; frames
 * of the group that come to it go to remote_receive. Calls as replica.h's: from
 * any executor, answers on the executor that the caller names.
 */
#ifndef RAFT_REMOTE_H
#define RAFT_REMOTE_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"
#include "base/task.h"
#include "base/timer.h"
#include "raft/proposer.h"
#include "raft/reader.h"

struct remote;
struct replica_net;

/* Replicas of one group that are asked in turn when no leader is known. */
#define REMOTE_REPLICAS_MAX 16

/* On the log loop; as those of a replica. */
struct remote_hooks {
	void *arg;
	void (*raise)(void *arg, struct remote *remote, uint32_t at_least);
	void (*fenced)(void *arg, struct remote *remote); /* may be NULL */
};

struct remote_options {
	uint32_t group;
	uint32_t node;
	uint32_t start_count;
	uint64_t boot; /* random, not 0, another one at each opening */
	struct replica_net *net;
	struct executor *log_loop;
	struct timers *timers; /* of the log loop */
	struct clock *clock;
	struct remote_hooks hooks;
};

/* On the log loop. */
struct remote *remote_open(const struct remote_options *options);

/*
 * On the log loop: who may lead, by raft id; copied. Beyond
 * REMOTE_REPLICAS_MAX they are left out. Again whenever it has changed.
 */
void remote_set_replicas(struct remote *remote, const uint64_t *raft_ids,
			 size_t count);

/*
 * On the log loop: a frame of the group. The caller has checked that `from`
 * belongs to the node at the other end of the link.
 */
void remote_receive(struct remote *remote, uint64_t from, struct slice frame);

/* On the log loop: the answer to the hook `raise`. */
void remote_raised(struct remote *remote, uint32_t start_count);

/*
 * On the log loop. Proposals end as at replica_stop, reads with
 * ERR_UNAVAILABLE; then `stopped` runs there, and remote_close may be called.
 */
typedef void remote_stopped(struct remote *remote, void *arg);
void remote_stop(struct remote *remote, remote_stopped *stopped, void *arg);

/* Stopped, or nothing of the process runs any more. */
void remote_close(struct remote **remotep);

/* To propose with (proposer.h). */
struct proposer *remote_proposer(struct remote *remote);

/*
 * ERR_NONE: a copy that has applied `read->index` has everything that was
 * acknowledged before the call.
 */
void remote_read_index(struct remote *remote, struct read_index *read,
		       read_index_done *done);

#endif
