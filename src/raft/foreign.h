/*
 * Commands of other nodes at the leader: from the frame that brings them to
 * the answer of apply (architecture.md 4).
 *
 * The same op id may come several times, as its proposer repeats what it has
 * heard nothing of, and, of a claim, from several nodes. While one is here, a
 * repetition from the same node is passed over: what is in a leader's log stays
 * there as long as it leads.
 */
#ifndef RAFT_FOREIGN_H
#define RAFT_FOREIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "raft/command.h"

/*
 * Octets that wait for an entry: as many as a leader takes of its own. What
 * resolves (CANCEL, REGISTER) may use twice as much.
 */
#define FOREIGN_PENDING_MAX (32u * 1024 * 1024)

#define FOREIGN_BUCKETS 1024 /* as many as slots of one busy node */

struct foreign_command {
	struct list link;  /* queue, passed or out */
	struct list chain; /* of its bucket */
	struct command command;
	uint64_t from; /* raft id, or node id << 32 */
	uint64_t octets;
	bool queued;
};

struct foreign {
	struct list queue;
	struct list passed; /* in an entry that is being made */
	struct list out;    /* in the log */
	uint64_t pending_octets;
	unsigned count;       /* in all lists */
	struct list *buckets; /* made when the first command comes */
};

void foreign_init(struct foreign *foreign);
void foreign_fini(struct foreign *foreign);

/*
 * Copies it. ERR_BUSY: too much waits; ERR_EXISTS: the same command of the same
 * node is here.
 */
must_use enum err foreign_add(struct foreign *foreign, uint64_t from,
			      const struct command *command);

/* The first that waits, or NULL. */
struct foreign_command *foreign_next(const struct foreign *foreign);

/* It goes into the entry that is being made; or it is refused, and freed. */
void foreign_pass(struct foreign *foreign, struct foreign_command *it);
void foreign_drop(struct foreign *foreign, struct foreign_command *it);

/* What was passed is in the log, or waits again. */
void foreign_settle(struct foreign *foreign, bool left);

/*
 * One command with this op id, in the log or not: apply has answered it. The
 * caller's, to be freed by foreign_free; NULL: there is none (any more).
 */
struct foreign_command *foreign_take(struct foreign *foreign,
				     const struct op_id *op);
void foreign_free(struct foreign_command *it);

/* Forgets all: this node leads no more. */
void foreign_clear(struct foreign *foreign);

#endif
