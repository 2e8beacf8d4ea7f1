/*
 * Three cores of raft over our own raft_io: logs on simulated disks, messages
 * over a simulated net, one process. Nodes die and come back from their disks.
 *
 * The judge: what one node has applied at an index no node ever differs from,
 * and no node gives two candidates its vote in one term.
 */
#ifndef TEST_IO_CLUSTER_H
#define TEST_IO_CLUSTER_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/disk_sim.h"
#include "base/random.h"
#include "base/task.h"
#include "base/timer.h"
#include "raft/io.h"
#include "raft/wal.h"

#define IO_NODES 3
#define IO_LOG_MAX 4096
#define IO_TERMS_MAX 512
#define IO_GROUP 5

struct io_cluster;

/* A frame on its way. */
struct io_frame {
	struct list link;
	uint64_t from;
	unsigned to; /* node */
	uint64_t at_ms;
	struct buf octets;
};

struct io_node {
	struct io_cluster *cluster;
	unsigned index;
	uint64_t id;
	bool up;

	struct disk_sim *disk;
	struct task_queue queue;  /* loop and pool */
	struct task_queue writer; /* of the log */
	struct timers timers;
	struct wal *wal;
	struct raft raft;
	struct raft_fsm fsm;
	struct replica_io io;
	struct replica_net net;

	/* one command under way */
	struct raft_apply req;
	bool proposed;
	uint64_t proposed_index;
	uint64_t proposed_term;

	bool writer_stalls;
	uint64_t voted_for[IO_TERMS_MAX]; /* by term: what frames said */
};

struct io_cluster {
	struct io_node nodes[IO_NODES];
	struct clock_manual clock;
	struct random_seeded random;
	struct list frames;
	bool cut[IO_NODES][IO_NODES]; /* one way */
	bool lossy;
	uint64_t applied[IO_LOG_MAX];
	uint64_t next_command;
	unsigned committed;
	unsigned sent[8]; /* frames by message type */
	const char *wrong;
};

/* Bootstrapped with three voters and started. */
struct io_cluster *io_cluster_new(uint64_t seed);
void io_cluster_free(struct io_cluster *cluster);

void io_node_start(struct io_node *node);
void io_node_crash(struct io_node *node, enum disk_sim_crash how);

/* On a dead node: makes it the only voter, and leaves it dead. */
void io_node_recover(struct io_node *node);

/* Something small happens; time goes on when nothing else does. */
void io_cluster_step(struct io_cluster *cluster);

/* Steps until that much time has gone by. */
void io_cluster_run(struct io_cluster *cluster, uint64_t ms);

/* Steps until somebody leads and is ready; its node, or -1 after `ms`. */
int io_cluster_leader(struct io_cluster *cluster, uint64_t ms);

/* False: it does not lead, or one is under way. */
bool io_node_propose(struct io_node *node);

/* Random deaths, losses, partitions, proposals; NULL or what went wrong. */
const char *io_cluster_life(uint64_t seed);

#endif
