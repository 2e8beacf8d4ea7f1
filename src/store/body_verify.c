/*
 * Verifying: every body is read and compared with its name.
 *
 *   slice on the pool -> look in at home -> next slice ...
 *
 * The happy path reads the names of some bodies in a short snapshot, then the
 * bodies without one. What is damaged is forgotten as by any reader, and
 * counted. A body that went away meanwhile is none of ours.
 */
#include "base/mem.h"
#include "store/body_impl.h"

#define VERIFY_SLICE 16 /* bodies of one step */
#define PROGRESS_OCTETS (64u * 1024 * 1024)

struct body_verify_run {
	struct body_store *store;
	struct body_verify *verify;
	struct store_key at; /* the next row to look at */
	bool more;
	enum err err;
	struct sha256 hashes[VERIFY_SLICE];
	uint64_t lengths[VERIFY_SLICE];
	unsigned count;
	unsigned damaged; /* of this slice */
	uint64_t told;    /* octets, at the last progress */
	struct task task;
};

static enum err names_collect(struct body_verify_run *run)
{
	struct store_cursor cursor;
	struct store_txn *txn;
	enum err err = store_read_begin(run->store->index, &txn);
	bool more;

	run->count = 0;
	if (err != ERR_NONE)
		return err;
	store_cursor_init(&cursor, txn, BODY_TABLE_BODY);
	more = store_cursor_seek(&cursor, store_key_slice(&run->at));
	while (more && run->count < VERIFY_SLICE) {
		struct sha256 *hash = &run->hashes[run->count];
		struct body_place place;

		if (!body_index_body_row(&cursor, hash, &place))
			break;
		run->lengths[run->count] = place.length;
		run->count += place.damaged ? 0 : 1;
		more = store_cursor_next(&cursor);
	}
	run->more = more;
	store_key_init(&run->at);
	if (more)
		store_key_raw(&run->at, cursor.key);
	store_cursor_fini(&cursor);
	err = store_txn_error(txn);
	store_end(&txn);
	return err;
}

static void verify_look_in(struct task *task);

static void slice_run(struct task *task)
{
	struct body_verify_run *run =
		container_of(task, struct body_verify_run, task);
	enum err err = names_collect(run);

	run->damaged = 0;
	for (unsigned i = 0; err == ERR_NONE && i < run->count; i++) {
		err = body_check(run->store, &run->hashes[i]);
		if (err == ERR_CORRUPT)
			run->damaged++;
		if (err == ERR_CORRUPT || err == ERR_MISSING_BODY ||
		    err == ERR_VERSION)
			err = ERR_NONE;
	}
	run->err = err;
	task_post(run->verify->home, task, verify_look_in);
}

static void verify_end(struct body_verify_run *run)
{
	struct body_verify *verify = run->verify;
	struct body_store *store = run->store;

	verify->err = run->err;
	verify->run = NULL;
	mem_free(run);
	body_background_end(store);
	verify->done(verify);
}

static void verify_look_in(struct task *task)
{
	struct body_verify_run *run =
		container_of(task, struct body_verify_run, task);
	struct body_verify *verify = run->verify;

	for (unsigned i = 0; i < run->count; i++)
		verify->octets += run->lengths[i];
	verify->bodies += run->count;
	verify->damaged += run->damaged;
	if (run->err != ERR_NONE || verify->stop || !run->more) {
		verify_end(run);
		return;
	}
	task_post(run->store->pool, task, slice_run);
	if (!verify->progress || verify->octets - run->told < PROGRESS_OCTETS)
		return;
	run->told = verify->octets;
	verify->progress(verify);
}

static void flush_run(struct task *task)
{
	struct body_verify_run *run =
		container_of(task, struct body_verify_run, task);

	run->err = body_index_flush(run->store);
	if (run->err == ERR_NONE)
		task_post(run->store->pool, task, slice_run);
	else
		task_post(run->verify->home, task, verify_look_in);
}

void body_verify(struct body_store *store, struct body_verify *verify,
		 body_verify_event *done)
{
	struct body_verify_run *run = mem_zalloc(1, sizeof(*run));

	run->store = store;
	run->verify = verify;
	verify->store = store;
	verify->done = done;
	verify->run = run;
	verify->bodies = 0;
	verify->octets = 0;
	verify->damaged = 0;
	body_background_begin(store);
	task_post(&store->serial.executor, &run->task, flush_run);
}

/* ---- holds, for people and FENCE ---- */

struct hold_list {
	struct pending_hold *rows; /* their nodes are unused */
	size_t count;
	size_t cap;
};

static void hold_list_add(struct hold_list *list, const struct sha256 *hash,
			  const struct body_hold *hold)
{
	if (list->count == list->cap) {
		list->cap = list->cap * 2 + 64;
		list->rows = mem_realloc(list->rows,
					 list->cap * sizeof(*list->rows));
	}
	list->rows[list->count].hash = *hash;
	list->rows[list->count++].hold = *hold;
}

static void holds_pending(const struct body_pending *pending,
			  struct hold_list *list)
{
	TREE_FOREACH (&pending->holds, it) {
		const struct pending_hold *row =
			TREE_ENTRY(it, struct pending_hold, node);

		hold_list_add(list, &row->hash, &row->hold);
	}
}

static enum err holds_indexed(struct body_store *store, body_hold_each *each,
			      void *arg)
{
	struct store_cursor cursor;
	struct store_txn *txn;
	enum err err = store_read_begin(store->index, &txn);
	struct sha256 hash;
	struct body_hold hold;
	bool more;

	if (err != ERR_NONE)
		return err;
	store_cursor_init(&cursor, txn, BODY_TABLE_HOLD);
	for (more = store_cursor_seek(&cursor, SLICE_NONE);
	     more && body_index_hold_row(&cursor, &hash, &hold);
	     more = store_cursor_next(&cursor))
		each(arg, &hash, &hold);
	store_cursor_fini(&cursor);
	err = store_txn_error(txn);
	store_end(&txn);
	return err;
}

enum err body_store_holds(struct body_store *store, body_hold_each *each,
			  void *arg)
{
	struct hold_list list = { 0 };

	body_lock(store);
	holds_pending(&store->fresh, &list);
	holds_pending(&store->indexing, &list);
	body_unlock(store);
	for (size_t i = 0; i < list.count; i++)
		each(arg, &list.rows[i].hash, &list.rows[i].hold);
	mem_free(list.rows);
	return holds_indexed(store, each, arg);
}
