/*
 * Our raft_io: the core's log goes to the node's write-ahead log, its messages
 * to the links, its clock is the log loop's (libraft.md 3).
 *
 * Everything runs on the log loop. No method fails and none blocks: records
 * are queued, and what this group sends after a new term or a vote is held
 * until that record is durable (the output gate, [S4]).
 */
#ifndef RAFT_IO_H
#define RAFT_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/random.h"
#include "base/task.h"
#include "base/timer.h"
#include "raft/compat.h"
#include "raft/confs.h"
#include "raft/net.h"
#include "raft/rules.h"
#include "raft/sizes.h"
#include "raft/wal.h"

/* Octets of entries on their way to one peer; above it only heartbeats go. */
#define REPLICA_IO_UNSENT_MAX (4u * 1024 * 1024)

/* What the owner hears; all on the log loop. */
struct replica_io_hooks {
	void *arg;

	/* After each call into raft: its state may have changed. */
	void (*after)(void *arg);

	/* raft gave itself up (R8). */
	void (*unavailable)(void *arg);

	/*
	 * A snapshot marker waits: call replica_io_checkpointed when a durable
	 * checkpoint has this index or a higher one.
	 */
	void (*want_checkpoint)(void *arg, uint64_t index, uint64_t term);

	/*
	 * A snapshot's marker has come: is the state at or above it? False: it
	 * is not to be installed now, and the message's memory was taken.
	 */
	bool (*may_install)(void *arg, struct raft_message *message);
};

struct replica_io_options {
	uint32_t group;
	uint64_t id; /* raft id */
	struct raft *raft;
	struct wal *wal;
	struct replica_net *net; /* NULL: no peers */
	struct executor *loop;
	struct executor *pool;
	struct timers *timers;
	struct clock *clock;
	struct random *random;
	unsigned heartbeat_ms;
	struct replica_io_hooks hooks;
};

/* What is known of one peer. */
struct replica_io_peer {
	uint64_t id;
	uint64_t unsent; /* octets of entries on their way to it */

	/* while this replica leads, in this term */
	uint64_t term;
	uint64_t acked; /* its log is ours up to here */
	uint64_t told;  /* the commit index that it can know */
};

struct replica_io {
	struct raft_io raft_io; /* what raft_init gets */
	struct replica_io_options options;
	struct rules rules;
	struct wal_group *log;
	struct sizes sizes;
	struct confs confs;   /* in raft's log, and the one before */
	uint64_t conf_hidden; /* from raft, while it handles a message */

	raft_io_tick_cb tick_cb;
	raft_io_recv_cb recv_cb;
	struct timer tick;
	unsigned tick_ms;

	struct list requests; /* all that raft or the disk still waits for */
	uint64_t gate_queued; /* terms and votes, counted */
	uint64_t gate_durable;
	struct list gated; /* messages that wait for one, in order */

	struct replica_io_peer *peers;
	unsigned peer_count;
	struct task push_task; /* of the commit index */
	bool push_posted;

	/* an entry that bootstrap or recover has appended before load */
	struct buf extra_conf;
	uint64_t extra_index;
	uint64_t extra_term;

	bool closing;
	raft_io_close_cb close_cb;
	struct task close_task;
	bool close_posted;
};

void replica_io_init(struct replica_io *io,
		     const struct replica_io_options *options);

/* After raft_close's callback (or replica_io_abandon). */
void replica_io_fini(struct replica_io *io);

/*
 * Ends all requests as if they had been cancelled and lets raft go: a process
 * in which nothing runs any more. After raft_close, whose callback runs here.
 */
void replica_io_abandon(struct replica_io *io);

/* Ticks come so often from the next one on. */
void replica_io_set_pace(struct replica_io *io, unsigned heartbeat_ms);

/* A frame of a peer; the caller has checked who it is. */
void replica_io_receive(struct replica_io *io, uint64_t from,
			struct slice frame);

/*
 * The last index that this peer has acknowledged to us as its leader in our
 * term; 0: none, or we do not lead. Ourselves: the last that is stored.
 */
uint64_t replica_io_matched(const struct replica_io *io, uint64_t id);

/* A durable checkpoint has this index. */
void replica_io_checkpointed(struct replica_io *io, uint64_t index);

/* A marker is being written, or waits for its checkpoint. */
bool replica_io_is_putting(const struct replica_io *io);

/* How many entries to keep behind a marker at `index`. */
unsigned replica_io_trailing(const struct replica_io *io, uint64_t index);

#endif
