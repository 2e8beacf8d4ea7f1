/*
 * Frames of a group on their way to the net that are not raft's own: each is
 * kept until the net has let go of it.
 *
 * Nobody waits for one: what a lost frame said is said again by a timer. So
 * one that finds the outbox full, or no net, is dropped.
 */
#ifndef RAFT_OUTBOX_H
#define RAFT_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "raft/net.h"

/* Octets on their way: some 200 milliseconds of a link of 1 Gbit/s. */
#define OUTBOX_MAX (24ull * 1024 * 1024)

struct outbox;

/* Something that was full is not any more, or the last frame has gone. */
typedef void outbox_moved(struct outbox *outbox);

struct outbox {
	struct replica_net *net; /* NULL: no peers */
	uint32_t group;
	uint64_t from; /* raft id, or node id << 32 */
	outbox_moved *moved;
	struct list sends;
	uint64_t octets;
};

void outbox_init(struct outbox *outbox, struct replica_net *net, uint32_t group,
		 uint64_t from, outbox_moved *moved);

/* No frame is with the net any more, or nothing of the process runs. */
void outbox_fini(struct outbox *outbox);

/* Sends a frame; takes the octets, `frame` is empty afterwards. */
void outbox_send(struct outbox *outbox, uint64_t to, struct buf *frame);

bool outbox_is_empty(const struct outbox *outbox);
bool outbox_is_full(const struct outbox *outbox);

#endif
