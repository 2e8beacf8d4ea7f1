/*
 * Throwing a replica away (replica_discard.h).
 */
#include "raft/replica_discard.h"

#include "base/fault.h"
#include "base/log.h"

static struct replica_discard *discard_of(struct task *task)
{
	return container_of(task, struct replica_discard, task);
}

static void discard_end(struct task *task)
{
	struct replica_discard *discard = discard_of(task);

	discard->done(discard); /* may free it */
}

/* On a worker. */
static void state_move(struct task *task)
{
	struct replica_discard *discard = discard_of(task);
	struct disk *disk = discard->disk;
	enum err err = disk->rename(disk, discard->path, discard->quarantine);

	if (err == ERR_NOTFOUND)
		err = ERR_NONE;
	CRASH_POINT("discard_moved");
	for (unsigned i = 0; i < 2 && err == ERR_NONE; i++)
		err = disk->sync_dir(disk, discard->parents[i]);
	discard->err = err;
	task_post(discard->log_loop, task, discard_end);
}

static void log_dropped(struct wal_op *op)
{
	struct replica_discard *discard =
		container_of(op, struct replica_discard, op);

	CRASH_POINT("discard_log_dropped");
	task_post(discard->pool, &discard->task, state_move);
}

void replica_discard(struct replica_discard *discard,
		     replica_discard_done *done)
{
	LOG_WARN("group %u: the replica is thrown away; its state goes to %s",
		 discard->group, discard->quarantine);
	discard->done = done;
	wal_drop_group(wal_group_open(discard->wal, discard->group),
		       &discard->op, log_dropped);
}
