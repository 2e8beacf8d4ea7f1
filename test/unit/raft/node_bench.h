/*
 * A node with one group, driven by hand: the log on a simulated disk, the
 * environment in a directory of its own, clock and random values from the
 * test. Loop and pool are one queue; writer and applier have theirs, so that a
 * test can let them stall.
 *
 * Its machine counts how often each body was applied and keeps their order. A
 * body that begins with "bad" does not pass its check; of a KIND_BODY the check
 * says that `holders` have it.
 */
#ifndef TEST_NODE_BENCH_H
#define TEST_NODE_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/disk_sim.h"
#include "base/random.h"
#include "base/task.h"
#include "base/timer.h"
#include "raft/replica.h"
#include "raft/turns.h"
#include "raft/wal.h"

#define NODE_GROUP 3
#define NODE_ID 7
#define NODE_RAFT_ID ((uint64_t)NODE_ID << 32 | 1)

#define KIND_DO COMMAND_FSM_FIRST           /* counts its body */
#define KIND_REFUSE (COMMAND_FSM_FIRST + 1) /* is refused: ERR_EXISTS */
#define KIND_FREE (COMMAND_FSM_FIRST + 2)   /* like DO; frees space */
#define KIND_UNKNOWN (COMMAND_FSM_FIRST + 3)
#define KIND_BIG (COMMAND_FSM_FIRST + 4)  /* like DO, with a large row */
#define KIND_BODY (COMMAND_FSM_FIRST + 5) /* like DO; brings a body */

struct node {
	char *dir;
	struct disk_sim *disk;
	struct task_queue queue; /* loop and pool */
	struct task_queue writer;
	struct task_queue applier;
	bool writer_stalls;
	bool applier_stalls;
	struct clock_manual clock;
	struct timers timers;
	struct random_seeded random;
	struct replica_turns turns;
	struct replica_fsm fsm;
	struct command_holders holders; /* of all bodies */

	struct wal_options wal_options;
	struct replica_options options;
	struct wal *wal;
	struct replica *replica;

	/* the hooks */
	unsigned failed;
	uint32_t raise_to; /* 0: not asked */
	unsigned fenced;
	const char *parked;
	bool leads;
	unsigned applied_calls; /* of the machine */
	bool stopped;
};

/* A new node; the group is bootstrapped at the first start. */
struct node *node_new(uint64_t seed);
void node_free(struct node *node);

/* Opens log and replica and starts it; nothing has run yet. */
void node_start(struct node *node);

/* Stops the replica and the log, and closes both. */
void node_stop(struct node *node);

/* Nothing of the process is left; the environment has what is committed. */
void node_crash(struct node *node, enum disk_sim_crash how);

/* Runs all that is posted, but for what stalls. */
void node_drain(struct node *node);

/* One task of a queue chosen by the seed; false: there is none. */
bool node_step(struct node *node);

/* Moves the clock in steps of a heartbeat, firing what is due. */
void node_wait(struct node *node, uint64_t ms);

/* Drains until the replica leads and is registered, or is parked. */
void node_serve(struct node *node);

/* node_new, node_start, node_serve. */
struct node *node_new_serving(uint64_t seed);

/* Somebody asks for a vote in a higher term: leadership is lost. */
void node_depose(struct node *node);

/* How often this body took effect, in the newest state. */
uint64_t node_effects(struct node *node, const char *body);

/* ---- a proposal that remembers its answer ---- */

struct ask {
	struct proposal proposal;
	unsigned answers;
	enum err err;
};

void ask_init(struct ask *ask, struct node *node, uint16_t kind,
	      const char *body);
void ask_propose(struct ask *ask, struct node *node);
void ask_done(struct proposal *proposal);

/* Proposes and drains; the answer. */
enum err node_do(struct node *node, uint16_t kind, const char *body);

#endif
