/*
 * Groups of which this node has no replica: a proposer for each, so that its
 * sessions can write there (raft/remote.h). Which groups there are, and who
 * has them, the directory's rows say.
 */
#ifndef SERVER_REMOTES_H
#define SERVER_REMOTES_H

#include <stdint.h>

#include "base/slice.h"

struct node;
struct proposer;
struct remotes;

/* Groups of a cluster (architecture.md 12); some 40 KiB each. */
#define REMOTES_MAX 1024

/* On the main loop; looks at the directory when it is woken. */
struct remotes *remotes_new(struct node *node);

/* Rows of groups have changed, or the node's own replicas. Any thread. */
void remotes_wake(struct remotes *remotes);

/*
 * On the main loop, when it stops and no session is left: ends all; `stopped`
 * runs there, late. Before the links are cut.
 */
typedef void remotes_stopped(struct node *node);
void remotes_stop(struct remotes *remotes, remotes_stopped *stopped);

/* When no thread runs any more. NULL is allowed. */
void remotes_free(struct remotes **remotesp);

/* Any thread; valid until the node ends. NULL: the group is not known here. */
struct proposer *remotes_proposer(struct remotes *remotes, uint32_t group);

/* On the log loop: a frame for this node as one without a replica. */
void remotes_receive(struct remotes *remotes, uint32_t group, uint64_t from,
		     uint64_t to, struct slice frame);

#endif
