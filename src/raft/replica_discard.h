/*
 * Throwing a replica away, while its node serves on [S11]: a damaged one that
 * is to be made anew under another raft id, or one that left its group.
 *
 * First the log forgets the group, durably, and only then the state goes: a
 * state without its log is known for what it is at the next start (R10, it
 * parks), a log without its state might be taken for the beginning of another.
 */
#ifndef RAFT_REPLICA_DISCARD_H
#define RAFT_REPLICA_DISCARD_H

#include <stdint.h>

#include "base/disk.h"
#include "base/err.h"
#include "base/task.h"
#include "raft/wal.h"

struct replica_discard;

typedef void replica_discard_done(struct replica_discard *discard);

/* Storage is the caller's until `done` has run. */
struct replica_discard {
	/* set by the caller; borrowed until `done` */
	uint32_t group;
	struct wal *wal;
	struct executor *log_loop;
	struct executor *pool;
	struct disk *disk;
	const char *path;       /* of the state */
	const char *quarantine; /* where it goes; of the same file system */
	const char *parents[2]; /* the directories that both are in */

	/* valid in `done` */
	enum err err;

	/* raft/'s own */
	replica_discard_done *done;
	struct wal_op op;
	struct task task;
};

/*
 * On the log loop; the replica is closed. `done` runs there, late. After
 * ERR_NONE a replica of the group may be opened again, with nothing, under a
 * raft id that was never used. To be repeated after a death on the way, or
 * after ERR_IO; no state is there: that is done.
 */
void replica_discard(struct replica_discard *discard,
		     replica_discard_done *done);

#endif
