/*
 * The sweep: which bodies nobody needs any more (F3).
 *
 *   FLUSH -> HOLDS -> LOOK <-> SECOND -> FLUSH -> compaction -> done
 *
 * The happy path: holds whose operation the state shows as resolved go; each
 * body without holds and rows is a candidate; a second look on the writer, with
 * which "have it" is answered, decides. There it asks for holds first and for
 * rows afterwards: an operation resolved by then has left its row.
 *
 * Failures: what is dropped too little is found by the next sweep, so any doubt
 * keeps a body. Nothing is dropped while a group has not caught up.
 *
 * "Model step" is a step of test/model/bodies.c: change it there first.
 */
#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"
#include "store/body_impl.h"

/* Rows of one step: some milliseconds with 30 groups to ask. */
#define SWEEP_SLICE 128

struct body_sweep_run {
	struct body_store *store;
	struct body_sweep *sweep;
	struct store_key at; /* the next row to look at */
	bool more;
	struct sha256 candidates[SWEEP_SLICE];
	unsigned candidate_count;
	struct pending_hold resolved[SWEEP_SLICE]; /* their nodes are unused */
	unsigned resolved_count;
	struct task task;
};

static void sweep_serial(struct body_sweep_run *run, task_run *step)
{
	task_post(&run->store->serial.executor, &run->task, step);
}

static void sweep_answer(struct task *task)
{
	struct body_sweep *sweep = container_of(task, struct body_sweep, task);

	sweep->done(sweep);
}

static void sweep_end(struct body_sweep_run *run, enum err err)
{
	struct body_sweep *sweep = run->sweep;
	struct body_store *store = run->store;

	sweep->err = err;
	sweep->run = NULL;
	mem_free(run);
	task_post(sweep->home, &sweep->task, sweep_answer);
	body_background_end(store);
}

/* Model step B7: nothing is dropped unless all local groups have caught up. */
static enum err sweep_allowed(struct body_store *store)
{
	enum err err = body_store_refusal(store);

	if (err == ERR_NONE && !atomic_load(&store->caught_up))
		err = ERR_UNAVAILABLE;
	return err;
}

/* Keeps the place where the next slice goes on; ends the snapshot. */
static enum err slice_end(struct body_sweep_run *run,
			  struct store_cursor *cursor, bool more)
{
	struct store_txn *txn = cursor->txn;
	enum err err;

	run->more = more;
	store_key_init(&run->at);
	if (more)
		store_key_raw(&run->at, cursor->key);
	store_cursor_fini(cursor);
	err = store_txn_error(txn);
	store_end(&txn);
	return err;
}

/* ---- holds that have served (model step B5) ---- */

static enum err holds_collect(struct body_sweep_run *run)
{
	struct body_sweep *sweep = run->sweep;
	struct store_cursor cursor;
	struct store_txn *txn;
	enum err err = store_read_begin(run->store->index, &txn);
	bool more;

	run->resolved_count = 0;
	if (err != ERR_NONE)
		return err;
	store_cursor_init(&cursor, txn, BODY_TABLE_HOLD);
	more = store_cursor_seek(&cursor, store_key_slice(&run->at));
	for (unsigned i = 0; more && i < SWEEP_SLICE; i++) {
		struct pending_hold *row = &run->resolved[run->resolved_count];

		if (!body_index_hold_row(&cursor, &row->hash, &row->hold))
			break;
		if (sweep->is_resolved(sweep->arg, &row->hold))
			run->resolved_count++;
		more = store_cursor_next(&cursor);
	}
	return slice_end(run, &cursor, more);
}

static enum err holds_drop(struct body_sweep_run *run)
{
	struct body_store *store = run->store;
	struct body_totals totals = store->totals;
	struct body_index_write write;
	enum err err;

	if (run->resolved_count == 0)
		return ERR_NONE;
	err = body_index_begin(store->index, &totals, &write);
	if (err != ERR_NONE)
		return err;
	for (unsigned i = 0; i < run->resolved_count; i++)
		body_index_drop_hold(&write, &run->resolved[i].hash,
				     &run->resolved[i].hold);
	err = body_index_commit(&write, &totals);
	if (err != ERR_NONE)
		return err;
	run->sweep->holds += run->resolved_count;
	body_lock(store);
	store->totals = totals;
	body_unlock(store);
	return ERR_NONE;
}

static void look_run(struct task *task);

static void holds_run(struct task *task)
{
	struct body_sweep_run *run =
		container_of(task, struct body_sweep_run, task);
	enum err err = holds_collect(run);

	if (err == ERR_NONE)
		err = holds_drop(run);
	if (err != ERR_NONE) {
		sweep_end(run, body_store_error(run->store, err));
	} else if (run->more) {
		sweep_serial(run, holds_run);
	} else {
		run->more = true; /* of the bodies */
		sweep_serial(run, look_run);
	}
}

/* ---- the first look ---- */

/* Any hold that is left was not resolved a moment ago. */
static bool has_any_hold(struct store_txn *txn, const struct sha256 *hash)
{
	struct store_cursor cursor;
	struct store_key key;
	bool any;

	body_index_body_key(&key, hash);
	store_cursor_init(&cursor, txn, BODY_TABLE_HOLD);
	any = store_cursor_seek(&cursor, store_key_slice(&key)) &&
	      store_cursor_in(&cursor, store_key_slice(&key));
	store_cursor_fini(&cursor);
	return any;
}

static void look_at_row(struct body_sweep_run *run, struct store_txn *txn,
			const struct store_cursor *cursor)
{
	struct body_sweep *sweep = run->sweep;
	struct sha256 *hash = &run->candidates[run->candidate_count];
	struct body_place place;

	if (!body_index_body_row(cursor, hash, &place))
		return;
	if ((!has_any_hold(txn, hash) || MUTANT("M22")) &&
	    !sweep->is_named(sweep->arg, hash))
		run->candidate_count++;
}

static enum err look_collect(struct body_sweep_run *run)
{
	struct store_cursor cursor;
	struct store_txn *txn;
	enum err err = store_read_begin(run->store->index, &txn);
	bool more;

	run->candidate_count = 0;
	if (err != ERR_NONE)
		return err;
	store_cursor_init(&cursor, txn, BODY_TABLE_BODY);
	more = store_cursor_seek(&cursor, store_key_slice(&run->at));
	for (unsigned i = 0; more && i < SWEEP_SLICE; i++) {
		look_at_row(run, txn, &cursor);
		more = store_cursor_next(&cursor);
	}
	return slice_end(run, &cursor, more);
}

/* ---- the second look: on the writer (model step B8) ---- */

/* Something was said of it since it went to the index: not now. */
static bool is_pending(struct body_store *store, const struct sha256 *hash)
{
	bool pending;

	body_lock(store);
	pending = body_pending_find(&store->fresh, hash) ||
		  body_pending_find(&store->indexing, hash) ||
		  body_pending_first_hold(&store->fresh, hash) ||
		  body_pending_first_hold(&store->indexing, hash);
	body_unlock(store);
	return pending;
}

static bool holds_are_resolved(struct body_sweep *sweep, struct store_txn *txn,
			       const struct sha256 *hash)
{
	struct store_cursor cursor;
	struct store_key key;
	struct sha256 of;
	struct body_hold hold;
	bool resolved = true;
	bool more;

	body_index_body_key(&key, hash);
	store_cursor_init(&cursor, txn, BODY_TABLE_HOLD);
	for (more = store_cursor_seek(&cursor, store_key_slice(&key));
	     more && resolved &&
	     store_cursor_in(&cursor, store_key_slice(&key));
	     more = store_cursor_next(&cursor))
		resolved = body_index_hold_row(&cursor, &of, &hold) &&
			   sweep->is_resolved(sweep->arg, &hold);
	store_cursor_fini(&cursor);
	return resolved && store_txn_error(txn) == ERR_NONE;
}

/*
 * What is pending first, then the index: a hold moves from the one to the
 * other. New ones come from this executor only.
 */
static bool is_held(struct body_sweep_run *run, const struct sha256 *hash)
{
	struct body_store *store = run->store;
	struct store_txn *txn;
	bool held;

	if (MUTANT("M22")) /* whatever is not new is dropped */
		return false;
	if (is_pending(store, hash))
		return true;
	if (store_read_begin(store->index, &txn) != ERR_NONE)
		return true;
	held = !holds_are_resolved(run->sweep, txn, hash);
	store_end(&txn);
	return held;
}

static void second_run(struct task *task)
{
	struct body_sweep_run *run =
		container_of(task, struct body_sweep_run, task);
	struct body_sweep *sweep = run->sweep;
	struct body_store *store = run->store;
	enum err err = sweep_allowed(store);

	for (unsigned i = 0; err == ERR_NONE && i < run->candidate_count; i++) {
		const struct sha256 *hash = &run->candidates[i];

		if (is_held(run, hash) || sweep->is_named(sweep->arg, hash)) {
			PROBE("sweep: a candidate is needed after all");
			continue;
		}
		body_lock(store);
		body_pending_drop(&store->fresh, hash);
		body_unlock(store);
		sweep->bodies++;
	}
	CRASH_POINT("sweep_after_drop");
	if (err != ERR_NONE)
		sweep_end(run, err);
	else
		sweep_serial(run, look_run);
}

/* ---- order of the steps: on the serial executor ---- */

static void compacted(void *arg, enum err err, uint64_t octets)
{
	struct body_sweep_run *run = arg;

	run->sweep->octets = octets;
	sweep_end(run, err);
}

static void look_run(struct task *task)
{
	struct body_sweep_run *run =
		container_of(task, struct body_sweep_run, task);
	struct body_store *store = run->store;
	/* What the second look has dropped goes first. */
	enum err err = body_index_flush(store);

	if (err == ERR_NONE && !run->more) {
		body_compact(store, compacted, run);
		return;
	}
	if (err == ERR_NONE)
		err = look_collect(run);
	if (err != ERR_NONE) {
		sweep_end(run, body_store_error(store, err));
		return;
	}
	if (run->candidate_count > 0)
		task_post(store->writer, task, second_run);
	else
		sweep_serial(run, look_run);
}

static void flush_run(struct task *task)
{
	struct body_sweep_run *run =
		container_of(task, struct body_sweep_run, task);
	enum err err = sweep_allowed(run->store);

	if (err == ERR_NONE)
		err = body_index_flush(run->store);
	if (err != ERR_NONE)
		sweep_end(run, err);
	else
		sweep_serial(run, holds_run);
}

void body_sweep(struct body_store *store, struct body_sweep *sweep,
		body_sweep_done *done)
{
	struct body_sweep_run *run = mem_zalloc(1, sizeof(*run));

	run->store = store;
	run->sweep = sweep;
	sweep->store = store;
	sweep->done = done;
	sweep->run = run;
	sweep->bodies = 0;
	sweep->holds = 0;
	sweep->octets = 0;
	body_background_begin(store);
	sweep_serial(run, flush_run);
}
