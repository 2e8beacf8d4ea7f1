/*
 * Whose turn it is: the groups of a node take their checkpoints one after
 * another, because each keeps freed pages from reuse while it lasts
 * (architecture.md 4). All on the log loop.
 */
#ifndef RAFT_TURNS_H
#define RAFT_TURNS_H

#include <stdbool.h>

#include "base/list.h"

struct replica_turn;

typedef void replica_turn_granted(struct replica_turn *turn);

struct replica_turn {
	struct list link;
	replica_turn_granted *granted;
	bool asked; /* waits, or has it */
};

/* One a node. */
struct replica_turns {
	struct list waiting;
	struct replica_turn *holder;
};

static inline void replica_turns_init(struct replica_turns *turns)
{
	list_init(&turns->waiting);
	turns->holder = NULL;
}

static inline void replica_turns_grant(struct replica_turns *turns)
{
	struct list *link;

	if (turns->holder != NULL)
		return;
	link = list_take(&turns->waiting);
	if (link == NULL)
		return;
	turns->holder = LIST_ENTRY(link, struct replica_turn, link);
	turns->holder->granted(turns->holder);
}

/* `granted` may run inside; once for each asking. */
static inline void replica_turns_ask(struct replica_turns *turns,
				     struct replica_turn *turn,
				     replica_turn_granted *granted)
{
	list_init(&turn->link);
	turn->granted = granted;
	turn->asked = true;
	list_append(&turns->waiting, &turn->link);
	replica_turns_grant(turns);
}

/* Has it, waits for it or neither: afterwards it is somebody else's. */
static inline void replica_turns_leave(struct replica_turns *turns,
				       struct replica_turn *turn)
{
	if (!turn->asked)
		return;
	turn->asked = false;
	list_remove(&turn->link);
	if (turns->holder != turn)
		return;
	turns->holder = NULL;
	replica_turns_grant(turns);
}

#endif
