/*
 * Copies in the making that nobody will finish.
 *
 * A COPY of many messages is staged in chunks before it is shown
 * (cluster/mailgroup_command.h). If its maker dies in between, the copies stay
 * where nobody sees them, and stand in the way: the mailbox takes no other
 * such COPY and after some thousand messages nothing at all. They are dropped:
 * at once if an earlier life of this node has made them, else after an hour.
 */
#ifndef SERVER_COPIES_H
#define SERVER_COPIES_H

#include <stdbool.h>
#include <stdint.h>

#include "raft/command.h"

struct copies;
struct node;

/* On the main loop; the work begins by itself. */
struct copies *copies_new(struct node *node);

/* No new step begins; on the main loop. */
void copies_stop(struct copies *copies);

/* A step is under way: the groups cannot be closed yet. */
bool copies_is_busy(const struct copies *copies);

/* After the main loop has ended. */
void copies_free(struct copies **copiesp);

/*
 * Is a copy that was begun at `since_ms` abandoned? `node` is this node's id,
 * `incarnation` that under which it proposes to the group (raft/replica.h).
 */
bool copies_is_abandoned(const struct op_id *copy, uint64_t since_ms,
			 uint32_t node, uint32_t incarnation, uint64_t now_ms);

#endif
