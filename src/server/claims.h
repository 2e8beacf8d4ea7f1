/*
 * Claims that nobody carries out any more.
 *
 * A MOVE to another group is claimed, appended there and ended here
 * (architecture.md 7). The node with the client carries it out; if that node
 * dies, or the target cannot be asked for long, the messages stay claimed: they
 * can be read, and nothing else. So the leader of the source's group carries
 * open claims out: those of dead proposers at once, others when they are old.
 */
#ifndef SERVER_CLAIMS_H
#define SERVER_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/env.h"

/* A claim that is open for so long is shown by `status`. */
#define CLAIMS_LONG_MS 60000

struct claims;
struct node;

/* On the main loop; the work begins by itself. */
struct claims *claims_new(struct node *node);

/* There may be something to do: a replica leads. Any thread. */
void claims_wake(struct claims *claims);

/* No new step begins; on the main loop. */
void claims_stop(struct claims *claims);

/* A step is under way: the groups cannot be closed yet. */
bool claims_is_busy(const struct claims *claims);

/* After the main loop has ended. */
void claims_free(struct claims **claimsp);

/* For people: how many claims are open, and how many of them for long. */
struct claims_count {
	uint64_t open;
	uint64_t messages;
	uint64_t open_long;
};

void claims_count(struct store_txn *txn, uint64_t now_ms,
		  struct claims_count *count_r);

#endif
