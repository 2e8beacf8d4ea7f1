/*
 * Nodes that have nothing but links: each with its directory, its key, its log
 * loop and its `peers`, all in the test's process over sockets of 127.0.0.1.
 *
 * The test's own thread only asks and waits: nothing here sleeps, await looks
 * again until something has come about.
 */
#ifndef TEST_PEERS_RIG_H
#define TEST_PEERS_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "io/loop.h"
#include "server/peers.h"

#define RIG_NODES 4 /* numbered from 1 */

struct box {
	struct peers_rig *rig;
	uint32_t node; /* 0: not there */
	uint32_t start;
	const char *cluster;
	char dir[64];
	uint16_t port; /* kept over a restart */
	struct io_loop *log;
	struct peers *peers;
	struct io_listener *listener;
	struct peers_member row; /* as others should know it */
	struct peers_status status;

	/* what has happened; atomic */
	unsigned up[4]; /* by kind */
	unsigned down[4];
	unsigned frames;
	uint64_t octets; /* of frames */
	unsigned frames_bad;
	unsigned told;
	unsigned sent;
	unsigned unsent;
	unsigned asks;
	bool stopped;
	const char *refuse_joins;
};

struct peers_rig {
	struct io_loop *home;
	struct box box[RIG_NODES + 1];
};

void peers_rig_init(struct peers_rig *rig);

/* All boxes are stopped and freed. */
void peers_rig_fini(struct peers_rig *rig);

/* A node with a key of its own; others do not know it yet. */
struct box *box_start(struct peers_rig *rig, uint32_t node);

/* Stops it; its directory, key and port stay for box_restart. */
void box_stop(struct box *box);
void box_restart(struct box *box);

/* All that run know each other's rows. */
void peers_rig_introduce(struct peers_rig *rig);

/* `box` knows these rows and no others. */
void box_knows(struct box *box, const struct peers_member *rows,
	       unsigned count);

/* `len` octets of a pattern for group 7 of `to`, from the log loop. */
void box_send(struct box *box, uint32_t to, size_t len);

/* Runs on a loop of the box; returns when it is done. */
void on_log(struct box *box, void (*run)(void *arg), void *arg);
void on_bulk(struct box *box, void (*run)(void *arg), void *arg);

/* The link's status as of now. */
struct peers_link_status box_link(struct box *box, uint32_t to,
				  enum peer_kind kind);

/* Until the link says this text as its last error. */
void await_error(struct box *box, uint32_t to, enum peer_kind kind,
		 const char *text);

/* Both links of two nodes are up. */
bool linked(struct box *a, struct box *b);

#define SEEN(x) __atomic_load_n(&(x), __ATOMIC_SEQ_CST)

/* Looks again until `cond`; fails the test after 30 s. */
#define AWAIT(rig, cond)                                                      \
	do {                                                                  \
		uint64_t await_start_ms = rig_now_ms(rig);                    \
		while (!(cond))                                               \
			rig_look_again(rig, await_start_ms, #cond, __LINE__); \
	} while (0)

uint64_t rig_now_ms(struct peers_rig *rig);
void rig_look_again(struct peers_rig *rig, uint64_t start_ms, const char *what,
		    int line);

#endif
