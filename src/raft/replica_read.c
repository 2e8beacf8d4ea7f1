/*
 * Reads that must see everything acknowledged before them (libraft.md 6).
 *
 * Happy path: the replica leads and its barrier is applied; the commit index
 * of this moment is noted for all waiting reads; when the state has applied
 * that far, they are answered. Being the only voter, it needs nobody's word
 * that it still leads; with more voters a round of messages comes in between.
 *
 * While it is the only voter and the state has everything that is committed, a
 * read is answered where it is asked for, without a way through the log loop:
 * what is acknowledged is in the state before it is. Nobody else can commit
 * until this loop has appended the entry that makes another one a voter, and by
 * then it has taken `settled` back.
 */
#include "raft/replica_impl.h"

#include "base/fault.h"
#include "base/panic.h"

static void read_run_done(struct task *task)
{
	struct read_index *read = container_of(task, struct read_index, task);

	read->done(read); /* may free it */
}

static void read_answer(struct read_index *read, enum err err, uint64_t index)
{
	list_remove(&read->link);
	read->err = err;
	read->index = index;
	task_post(read->home, &read->task, read_run_done);
}

/* A round can be begun and is over at once. */
static bool confirms(struct replica *replica, struct compat_view *view_r)
{
	if (replica->state != REPLICA_RUNNING || replica->park_why != NULL)
		return false;
	if (!rules_leader_ready(&replica->io.rules) ||
	    compat_voter_count(&replica->raft) != 1)
		return false;
	replica_view(replica, view_r);
	return view_r->last_applied >= view_r->commit_index;
}

/*
 * What raft has applied has been handed to the applier; entries that are not
 * commands never get there, so the last one handed is what counts.
 */
void replica_read_after(struct replica *replica)
{
	struct applier *applier = &replica->applier;
	struct compat_view view;
	bool confirmed = confirms(replica, &view);
	bool settled = confirmed &&
		       (applier->done >= applier->handed || MUTANT("M13"));
	uint64_t applied = atomic_load(&applier->applied);

	atomic_store(&replica->published.settled, settled);
	if (confirmed && !list_empty(&replica->reads))
		atomic_store(&replica->published.fresh_ms,
			     replica_now(replica));
	while (settled && !list_empty(&replica->reads))
		read_answer(LIST_ENTRY(replica->reads.next, struct read_index,
				       link),
			    ERR_NONE, applied);
}

static void read_run(struct task *task)
{
	struct read_index *read = container_of(task, struct read_index, task);
	struct replica *replica = read->replica;
	uint32_t ms =
		read->deadline_ms != 0 ? read->deadline_ms : REPLICA_READ_MS;

	read->deadline_at_ms = replica_now(replica) + ms;
	if (replica->state > REPLICA_RUNNING || replica->park_why != NULL) {
		read_answer(read, ERR_UNAVAILABLE, 0);
		return;
	}
	list_append(&replica->reads, &read->link);
	replica_read_after(replica);
}

void replica_read_index(struct replica *replica, struct read_index *read,
			read_index_done *done)
{
	read->replica = replica;
	read->done = done;
	list_init(&read->link);
	if (atomic_load(&replica->published.settled)) {
		atomic_store(&replica->published.fresh_ms,
			     replica_now(replica));
		read_answer(read, ERR_NONE,
			    atomic_load(&replica->applier.applied));
		return;
	}
	task_post(replica->options.log_loop, &read->task, read_run);
}

void replica_read_tick(struct replica *replica)
{
	uint64_t now = replica_now(replica);

	LIST_FOREACH_SAFE (&replica->reads, it) {
		struct read_index *read =
			LIST_ENTRY(it, struct read_index, link);

		if (read->deadline_at_ms <= now)
			read_answer(read, ERR_TIMEOUT, 0);
	}
}

void replica_read_end(struct replica *replica)
{
	atomic_store(&replica->published.settled, false);
	while (!list_empty(&replica->reads))
		read_answer(LIST_ENTRY(replica->reads.next, struct read_index,
				       link),
			    ERR_UNAVAILABLE, 0);
}

bool replica_is_fresh(struct replica *replica, uint32_t age_ms)
{
	uint64_t fresh = atomic_load(&replica->published.fresh_ms);

	return fresh != 0 && replica_now(replica) - fresh < age_ms;
}
