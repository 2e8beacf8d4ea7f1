/*
 * Three servers on the library's own fixture, with our rules around each, and
 * a judge: what one server has applied at an index, no other may differ from.
 */
#ifndef TEST_RULES_CLUSTER_H
#define TEST_RULES_CLUSTER_H

#include <raft/fixture.h>

#include "base/list.h"
#include "base/random.h"
#include "raft/rules.h"

#define CLUSTER_SIZE 3
#define CLUSTER_LOG_MAX 4096

struct cluster;

struct cluster_server {
	struct cluster *cluster;
	unsigned index;
	struct rules rules;
	struct raft_fsm fsm;

	/* the fixture's methods */
	int (*start)(struct raft_io *io, unsigned msecs, raft_io_tick_cb tick,
		     raft_io_recv_cb recv);
	int (*send)(struct raft_io *io, struct raft_io_send *req,
		    const struct raft_message *message, raft_io_send_cb cb);
	int (*append)(struct raft_io *io, struct raft_io_append *req,
		      const struct raft_entry entries[], unsigned n,
		      raft_io_append_cb cb);
	/* raft's callbacks */
	raft_io_tick_cb tick;
	raft_io_recv_cb recv;

	uint64_t commit; /* highest seen: it must not go back */
};

struct cluster {
	struct raft_fixture fixture;
	unsigned without;
	struct cluster_server servers[CLUSTER_SIZE];
	struct random_seeded random;
	struct list dropped;               /* sends to be called back */
	uint64_t applied[CLUSTER_LOG_MAX]; /* by index; 0: not yet */
	uint64_t next_command;
	unsigned committed;
	const char *wrong;
};

/* Rules that the cluster goes without, to see what they are for. */
enum cluster_without {
	WITHOUT_R1 = 1,
	WITHOUT_R2 = 2,
	WITHOUT_R3 = 4,
	WITHOUT_R4 = 8,
};

/* Bootstrapped and started; nobody leads yet. */
struct cluster *cluster_new(uint64_t seed, unsigned without);
void cluster_free(struct cluster *cluster);

void cluster_step(struct cluster *cluster);
void cluster_run(struct cluster *cluster, unsigned msecs);

/* True: `leader` leads and is ready to serve, before the time is over. */
bool cluster_wait_ready(struct cluster *cluster, unsigned leader,
			unsigned msecs);

/* Proposes a command that no other has. False: not the leader. */
bool cluster_propose(struct cluster *cluster, unsigned server);

/* Raft id. */
uint64_t cluster_id(unsigned server);

/* Both directions. */
void cluster_cut(struct cluster *cluster, unsigned a, unsigned b);
void cluster_heal(struct cluster *cluster, unsigned a, unsigned b);
void cluster_isolate(struct cluster *cluster, unsigned server);

/* Random partitions, latencies and proposals; NULL or what went wrong. */
const char *cluster_life(uint64_t seed, unsigned without);

#endif
