/*
 * Whole replicas of several nodes in one process and one thread: logs on
 * simulated disks, frames over a simulated net, one clock that is moved by
 * hand, everything drawn from one seed. A crash frees what a process would
 * lose and starts again from the disk.
 *
 * A node has a replica of each group whose `replicas` counts it in; the others
 * take part as proposers from outside (remote.h). No state is outside of
 * struct rc, so any number may live.
 *
 * The machine of a group keeps registers: a write gives its key the next
 * version; each write's own number is counted, so that one done twice is seen.
 */
#ifndef TEST_REPLICA_CLUSTER_H
#define TEST_REPLICA_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/disk_sim.h"
#include "base/random.h"
#include "base/task.h"
#include "base/timer.h"
#include "raft/net.h"
#include "raft/remote.h"
#include "raft/replica.h"
#include "raft/turns.h"
#include "raft/wal.h"

#define RC_NODES_MAX 7
#define RC_GROUPS_MAX 3
#define RC_KEYS 4

#define RC_WRITE COMMAND_FSM_FIRST       /* {key u8, number u64} */
#define RC_BODY (COMMAND_FSM_FIRST + 1)  /* the same; brings a body */
#define RC_LARGE (COMMAND_FSM_FIRST + 2) /* the same; `large` octets more */

struct rc;
struct rc_node;
struct rc_member;

typedef void rc_tailor(struct rc_member *member,
		       struct replica_options *options);

struct rc_options {
	uint64_t seed;
	unsigned nodes;
	unsigned replicas; /* voters of each group: nodes 0 .. replicas - 1 */
	unsigned groups;   /* 0 = 1 */
};

/* For clusters whose members change (member_cluster.h). */
struct rc_extras {
	unsigned empties; /* nodes behind the voters, with empty replicas */

	/* Before a replica is opened. May be NULL. */
	rc_tailor *tailor;
	void *owner; /* the user's */
};

/* A node's part in one group. */
struct rc_member {
	struct rc_node *node;
	unsigned group; /* index */
	char *dir;
	struct replica_fsm fsm;
	struct replica *replica; /* this or the other, while the node is up */
	uint32_t incarnation;    /* of the replica */
	struct remote *remote;

	/* the hooks */
	uint32_t raise_to; /* 0: not asked */
	unsigned fenced;
	const char *parked;
	bool leads;
};

struct rc_node {
	struct rc *rc;
	unsigned index;
	bool up;
	bool paused; /* nothing of it runs, and what is sent to it waits */
	bool stopped;
	uint32_t start_count;

	struct disk_sim *disk;
	struct task_queue queue; /* loop and pool */
	struct task_queue writer;
	struct task_queue applier;
	bool writer_stalls;
	bool applier_stalls;
	struct timers timers;
	struct replica_turns turns;
	struct replica_net net;
	struct list sents; /* callbacks of sends, posted */
	struct wal *wal;
	struct rc_member members[RC_GROUPS_MAX];
};

/* From one node to another. */
struct rc_link {
	struct list frames; /* in order */
	uint64_t last_at_ms;
	bool cut;
};

/* Where a frame goes and what it is: for tests that look for some. */
struct rc_frame {
	unsigned from; /* nodes */
	unsigned to;
	uint32_t group;
	struct slice octets;
};

struct rc {
	struct rc_options options;
	struct rc_node nodes[RC_NODES_MAX];
	struct rc_link links[RC_NODES_MAX][RC_NODES_MAX];
	struct clock_manual clock;
	struct random_seeded random;
	unsigned delay_min_ms;
	unsigned delay_max_ms;
	unsigned loss_per_mille;
	struct command_holders holders; /* of all bodies */
	size_t large;                   /* octets of an RC_LARGE */
	uint32_t deadline_ms;           /* of proposals; 0 = the usual one */
	uint64_t numbers;               /* writes so far */
	const char *wrong;

	struct rc_extras extras;

	/* What leaves; true: it is lost. May be NULL. */
	bool (*watch)(struct rc *rc, const struct rc_frame *frame);
	unsigned watched; /* the watcher's */
};

/* All nodes started; nobody leads yet. */
struct rc *rc_new(const struct rc_options *options);
struct rc *rc_new_with(const struct rc_options *options,
		       const struct rc_extras *extras);
void rc_free(struct rc *rc);

uint64_t rc_draw(struct rc *rc, uint64_t min, uint64_t max);
uint64_t rc_raft_id(unsigned node); /* of its first replica */

void rc_node_start(struct rc_node *node);

/* Begins the replica of a node that is up anew, or for the first time. */
void rc_replica_begin(struct rc_member *member);

/* Stops and closes it; the node serves on. */
void rc_replica_end(struct rc_member *member);

/* Stops all replicas and the log; steps until that is done. */
void rc_node_stop(struct rc_node *node);
void rc_node_crash(struct rc_node *node, enum disk_sim_crash how);

/* One small thing happens; time goes on when nothing else can. */
void rc_step(struct rc *rc);
void rc_run(struct rc *rc, uint64_t ms);

/* The node that leads and is ready, or -1; waits for up to `ms`. */
int rc_leader(struct rc *rc, unsigned group, uint64_t ms);

/* Cuts one way; both ways between it and all others. */
void rc_cut(struct rc *rc, unsigned from, unsigned to, bool cut);
void rc_isolate(struct rc *rc, unsigned node);
void rc_heal(struct rc *rc);

/* ---- operations that are checked ---- */

enum rc_what {
	RC_OP_WRITE,
	RC_OP_READ
};

/* One write or read; linked where it waits. Owned by the cluster's user. */
struct rc_op {
	struct rc *rc;
	unsigned node;
	unsigned group;
	enum rc_what what;
	unsigned key;
	uint64_t number;
	struct proposal proposal;
	struct read_index read;
	bool begun;
	bool closed; /* its process is gone */
	unsigned answers;
	enum err err;
	uint64_t version; /* of the register */
	uint64_t floor;   /* a read must not see less */
	uint64_t *floors; /* of all keys, shared by the ops of a group */
};

/* `floors` has RC_KEYS numbers, zero at first. */
void rc_write(struct rc_op *op, struct rc *rc, unsigned node, unsigned group,
	      unsigned key, uint64_t *floors);
void rc_read(struct rc_op *op, struct rc *rc, unsigned node, unsigned group,
	     unsigned key, uint64_t *floors);

/* The same without a check of registers, of any kind. */
void rc_propose(struct rc_op *op, struct rc *rc, unsigned node, unsigned group,
		uint16_t kind);

/* The write of a claim, under its op id. */
void rc_claim(struct rc_op *op, struct rc *rc, unsigned node, unsigned group,
	      const struct op_id *claim);

/* Answered, or its process is gone. */
bool rc_op_is_over(const struct rc_op *op);

/* To be called for each whose node has crashed. */
void rc_op_bury(struct rc_op *op);
void rc_op_fini(struct rc_op *op);

/* Steps until it is over, or for `ms`. */
void rc_wait(struct rc *rc, const struct rc_op *op, uint64_t ms);

/* Equal on replicas that have applied the same. */
uint64_t rc_state_hash(struct rc_member *member);

/* The body that an RC_BODY of this number brings. */
void rc_body_hash(uint64_t number, struct sha256 *hash_r);

/* How often that write took effect at a node. */
uint64_t rc_effects(struct rc *rc, unsigned node, unsigned group,
		    uint64_t number);

#endif
