/*
 * Commands of a node on their way to a leader elsewhere.
 */
#ifndef RAFT_FORWARD_H
#define RAFT_FORWARD_H

#include <stdint.h>

#include "raft/outbox.h"
#include "raft/proposer.h"

/*
 * Sends all that waits at the proposer to `to` (raft id), in as few frames as
 * it takes, until the outbox is full.
 */
void forward_commands(struct proposer *proposer, struct outbox *outbox,
		      uint64_t to);

#endif
