/*
 * What is pending goes to the index, behind the answers; checkpoints of it.
 *
 * The happy path: when enough has gathered it becomes the older generation, one
 * transaction writes it, and it is forgotten. Nobody waits for that: after a
 * crash the segments tell it again.
 *
 * Failures: a generation that could not be written is tried again with the next
 * batch; until then it stays, and when the younger one is full as well, the
 * writer says that the disk is full.
 */
#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"
#include "store/body_impl.h"
#include "store/checkpoint.h"

/* Rows that are worth a transaction: it costs as much for one. */
#define INDEX_BATCH 256

static bool indexing_begin(struct body_store *store)
{
	bool any;

	body_lock(store);
	if (body_pending_count(&store->indexing) == 0)
		body_pending_move(&store->indexing, &store->fresh);
	any = body_pending_count(&store->indexing) > 0;
	body_unlock(store);
	return any;
}

/* Only the indexer changes totals and `indexing`: it may read them freely. */
static enum err indexing_write(struct body_store *store,
			       struct body_totals *totals)
{
	struct body_index_write write;
	enum err err = body_index_begin(store->index, totals, &write);

	if (err != ERR_NONE)
		return err;
	body_pending_index(&store->indexing, &write);
	CRASH_POINT("body_index_before_commit");
	return body_index_commit(&write, totals);
}

static void indexing_end(struct body_store *store, enum err err,
			 const struct body_totals *totals)
{
	struct body_pending done;

	body_pending_init(&done);
	body_lock(store);
	store->index_err = err;
	if (err == ERR_NONE) {
		store->totals = *totals;
		body_pending_move(&done, &store->indexing);
	}
	body_unlock(store);
	body_pending_fini(&done);
}

static enum err index_generation(struct body_store *store)
{
	struct body_totals totals = store->totals;
	enum err err = indexing_write(store, &totals);

	indexing_end(store, err, &totals);
	return body_store_error(store, err);
}

enum err body_index_flush(struct body_store *store)
{
	enum err err = ERR_NONE;

	/* The older generation may be one that failed: then there are two. */
	for (unsigned i = 0; i < 2 && err == ERR_NONE; i++) {
		if (!indexing_begin(store))
			break;
		err = index_generation(store);
	}
	return err;
}

static void index_run(struct task *task)
{
	struct body_store *store =
		container_of(task, struct body_store, index_task);
	enum err err = ERR_NONE;

	if (indexing_begin(store))
		err = index_generation(store);
	body_lock(store);
	store->index_posted = false;
	if (err == ERR_NONE)
		body_indexer_wake(store);
	body_writer_wake(store);
	body_unlock(store);
	body_background_end(store);
}

void body_indexer_wake(struct body_store *store)
{
	if (store->index_posted ||
	    body_pending_count(&store->fresh) < INDEX_BATCH)
		return;
	store->index_posted = true;
	store->background++;
	task_post(&store->serial.executor, &store->index_task, index_run);
}

/* ---- checkpoints ---- */

static void checkpoint_next(struct body_store *store);

static void checkpoint_answer(struct task *task)
{
	struct body_checkpoint *checkpoint =
		container_of(task, struct body_checkpoint, task);

	checkpoint->done(checkpoint);
}

static void checkpoint_end(struct body_store *store, enum err err)
{
	struct body_checkpoint *checkpoint = store->checkpoint;

	checkpoint->err = body_store_error(store, err);
	body_lock(store);
	store->checkpoint = NULL;
	checkpoint_next(store);
	body_unlock(store);
	task_post(checkpoint->home, &checkpoint->task, checkpoint_answer);
	body_background_end(store);
}

static void checkpoint_sync(struct task *task)
{
	struct body_store *store =
		container_of(task, struct body_store, checkpoint_task);

	checkpoint_end(store, store_checkpoint_sync(store->index));
}

/* Between two transactions: on the serial executor. */
static void checkpoint_begin(struct task *task)
{
	struct body_store *store =
		container_of(task, struct body_store, checkpoint_task);
	enum err err = body_index_flush(store);

	if (err == ERR_NONE)
		err = store_checkpoint_begin(store->index, 0, 0);
	if (err != ERR_NONE) {
		checkpoint_end(store, err);
		return;
	}
	task_post(store->pool, task, checkpoint_sync);
}

/* Under the lock. */
static void checkpoint_next(struct body_store *store)
{
	struct list *link;
	struct task *task;

	if (store->checkpoint)
		return;
	link = list_take(&store->checkpoints);
	if (!link)
		return;
	task = LIST_ENTRY(link, struct task, link);
	store->checkpoint = container_of(task, struct body_checkpoint, task);
	store->background++;
	task_post(&store->serial.executor, &store->checkpoint_task,
		  checkpoint_begin);
}

void body_store_checkpoint(struct body_store *store,
			   struct body_checkpoint *checkpoint,
			   body_checkpoint_done *done)
{
	checkpoint->store = store;
	checkpoint->done = done;
	body_lock(store);
	list_append(&store->checkpoints, &checkpoint->task.link);
	checkpoint_next(store);
	body_unlock(store);
}

bool body_store_checkpoint_due(struct body_store *store, uint64_t age_ms)
{
	bool pending;

	body_lock(store);
	pending = body_pending_count(&store->fresh) > 0;
	body_unlock(store);
	if (pending &&
	    age_ms >= TUNED(checkpoint_age_ms, STORE_CHECKPOINT_AGE_MS))
		return true;
	return store_checkpoint_due(store->index, age_ms);
}
