/*
 * A few nodes with a body store and a courier each, all in one thread, whose
 * bulk links are real muxes with a queue of octets between them.
 *
 * Node n has id n + 1 and, as far as the row says so, replica (n + 1) << 32 | 1
 * of group 1. A frozen node runs nothing and reads nothing: it is slow.
 */
#ifndef TEST_TOWN_H
#define TEST_TOWN_H

/* tidy: allow layers: a bench of another folder serves here too */
#include "../store/body_world.h"
#include "base/clock.h"
#include "base/timer.h"
#include "peer/frame.h"
#include "peer/mux.h"
#include "server/courier.h"

#define TOWN_MAX 5
#define TOWN_GROUP 1

struct town_node {
	struct town *town;
	unsigned number; /* from 0 */
	struct body_world world;
	struct peer_bulk bulk;
	struct peer_acceptors acceptors;
	struct timers timers;
	struct courier *courier;
	bool frozen;
	bool may_not;     /* the others refuse what it asks */
	uint64_t raft_id; /* of its replica; 0: none */
	unsigned came;    /* bodies */
	unsigned fetched; /* FETCH streams that it has opened */
	unsigned opened;  /* all streams that it has opened */
};

/* One side of a link. */
struct town_end {
	struct peer_mux mux;
	struct peer_reader reader; /* of what comes */
	struct buf wire;           /* on the way here */
};

struct town_link {
	bool up;
	struct town_end ends[2]; /* [0]: the lower node's */
};

struct town {
	unsigned count;
	struct clock_manual clock;
	struct town_node nodes[TOWN_MAX];
	struct town_link links[TOWN_MAX][TOWN_MAX]; /* [low][high] */
	uint64_t voters;   /* bits: nodes that vote in the group */
	uint64_t standbys; /* bits */
	enum err targets_err;
};

/* All nodes vote, all links are up. */
struct town *town_new(unsigned count);

/* Everything comes to its end; nothing may be left over. */
void town_free(struct town **townp);

/* One small step of each node and link; false: nothing was to be done. */
bool town_step(struct town *town);

/* Until nothing happens any more. */
void town_run(struct town *town);

/* Time passes, in steps of a second; all that is due happens. */
void town_pass(struct town *town, uint64_t ms);

void town_cut(struct town *town, unsigned a, unsigned b);
void town_join(struct town *town, unsigned a, unsigned b);

/* The node loses all its links. */
void town_isolate(struct town *town, unsigned node);

uint64_t town_raft_id(unsigned node);

/* Who has it, whole: bits. Frozen nodes are asked too. */
uint64_t town_who_has(struct town *town, struct slice octets);

/* The n-th node's store dies by power loss and comes back. */
void town_power_cut(struct town *town, unsigned node);

/* Flips a bit of the only body in the node's first segment. */
void town_flip(struct town *town, unsigned node, uint64_t offset);

#endif
