/*
 * Bringing a replica up by a copy of a peer's environment (replica_import.h).
 *
 * Happy path: the copy is written beside our own environment (store/copy.h),
 * and looked at there: is it as new as the marker? It is told that it stands
 * for a marker that the log has not got, and which of its bodies are not on
 * this node. Then, between two transactions, it takes the place of the state.
 *
 * Who reads the old state reads on: it stays open until the replica is closed.
 *
 * Failures: before the copy is ready it is dropped, and another peer is asked.
 * Afterwards the next start ends what was begun; so what fails then ends this
 * process (R5).
 */
#include "raft/replica_import.h"

#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "raft/missing.h"
#include "raft/replica_impl.h"
#include "store/checkpoint.h"
#include "store/copy.h"

/* Rows of a transaction on the side. */
#define SLICE_ROWS 1000

static struct replica *replica_of(struct task *task)
{
	return container_of(task, struct replica, import.task);
}

static struct disk *disk_of(struct replica *replica)
{
	return replica->options.env.disk;
}

static void copy_answer(struct replica *replica, enum err err)
{
	replica_import_done *done = replica->import.done;

	replica->import.done = NULL;
	done(replica->import.done_arg, err);
}

/* The copy is of no use: another one is to be asked for. */
static void copy_fail(struct replica *replica, enum err err)
{
	struct replica_import *import = &replica->import;

	LOG_WARN("group %u: a copy of the state is of no use: %s",
		 replica->options.group, err_text(err));
	import->state =
		replica->state == REPLICA_RUNNING ? IMPORT_ASKED : IMPORT_IDLE;
	import->asked_ms = replica_now(replica);
	copy_answer(replica, err);
	replica_stop_step(replica);
}

static void job_begin(struct replica *replica, task_run *run)
{
	replica->import.out = true;
	task_post(replica->options.pool, &replica->import.task, run);
}

void replica_import_copy_drop(struct replica *replica)
{
	struct replica_import *import = &replica->import;

	if (import->fd >= 0)
		close(import->fd);
	import->fd = -1;
}

/* ---- the copy comes ---- */

static void begin_done(struct task *task)
{
	struct replica *replica = replica_of(task);
	struct replica_import *import = &replica->import;

	import->out = false;
	if (import->err == ERR_NONE && replica->state != REPLICA_RUNNING) {
		replica_import_copy_drop(replica);
		import->err = ERR_CANCELLED;
	}
	if (import->err != ERR_NONE)
		copy_fail(replica, import->err);
	else
		copy_answer(replica, ERR_NONE);
}

static void begin_run(struct task *task)
{
	struct replica *replica = replica_of(task);
	struct replica_import *import = &replica->import;

	import->err =
		store_side_begin(disk_of(replica), replica->path, &import->fd);
	task_post(replica->options.log_loop, task, begin_done);
}

static void refused_run(struct task *task)
{
	struct replica_refusal *refusal =
		container_of(task, struct replica_refusal, task);

	refusal->done(refusal->arg, ERR_STALE);
	mem_free(refusal);
}

static void refuse_later(struct replica *replica, replica_import_done *done,
			 void *arg)
{
	struct replica_refusal *refusal = mem_zalloc(1, sizeof(*refusal));

	refusal->done = done;
	refusal->arg = arg;
	task_post(replica->options.log_loop, &refusal->task, refused_run);
}

void replica_import_copy_begin(struct replica *replica, uint64_t size,
			       replica_import_done *done, void *arg)
{
	struct replica_import *import = &replica->import;

	if (replica->park_why != NULL || replica->state != REPLICA_RUNNING ||
	    (import->state != IMPORT_ASKED &&
	     import->state != IMPORT_ENTRIES)) {
		refuse_later(replica, done, arg);
		return;
	}
	import->state = IMPORT_COPYING;
	import->size = size;
	atomic_store(&import->written, 0);
	import->done = done;
	import->done_arg = arg;
	job_begin(replica, begin_run);
}

enum err replica_import_copy_write(struct replica *replica, struct slice octets)
{
	struct replica_import *import = &replica->import;
	uint64_t at = atomic_load(&import->written);
	enum err err = store_side_write(import->fd, at, octets);

	CRASH_POINT("import_copy_write");
	if (err == ERR_NONE)
		atomic_store(&import->written, at + octets.len);
	return err;
}

/* ---- looking at it, on a worker ---- */

struct naming {
	struct replica *replica;
	struct buf absent; /* hashes */
};

static void name_absent(void *arg, const struct sha256 *hash)
{
	struct naming *naming = arg;
	const struct replica_options *options = &naming->replica->options;

	if (options->have == NULL || !options->have(options->have_arg, hash))
		buf_add(&naming->absent, hash, sizeof(*hash));
}

static void put_absent(struct store_txn *txn, const struct buf *absent)
{
	struct sha256 hash;

	for (size_t at = 0; at < absent->len; at += sizeof(hash)) {
		memcpy(&hash, absent->data + at, sizeof(hash));
		missing_imported(txn, &hash);
	}
}

/* One slice; `*more_r`: there are others. */
static enum err name_slice(struct naming *naming, struct store_env *env,
			   struct replica_fsm_place *place, bool *more_r)
{
	struct replica_fsm *fsm = naming->replica->options.fsm;
	struct store_txn *txn;
	enum err err = store_write_begin(env, &txn);

	if (err != ERR_NONE)
		return err;
	buf_clear(&naming->absent);
	*more_r = fsm->named(fsm, txn, place, SLICE_ROWS, name_absent, naming);
	put_absent(txn, &naming->absent);
	return store_commit(&txn);
}

/* Nobody knows when they were first named: index 0. */
static enum err name_missing(struct replica *replica, struct store_env *env)
{
	struct naming naming = { .replica = replica };
	struct replica_fsm_place place = { 0 };
	bool more = replica->options.fsm->named != NULL;
	enum err err = ERR_NONE;

	while (more && err == ERR_NONE)
		err = name_slice(&naming, env, &place, &more);
	buf_fini(&naming.absent);
	return err;
}

/* What the source has not got is no business of ours. */
static enum err clear_missing(struct store_env *env)
{
	struct store_txn *txn;
	enum err err = ERR_NONE;
	bool more = true;

	while (more && err == ERR_NONE) {
		err = store_write_begin(env, &txn);
		if (err != ERR_NONE)
			return err;
		more = missing_clear(txn, SLICE_ROWS);
		err = store_commit(&txn);
	}
	return err;
}

static enum err side_mark(struct replica *replica, struct store_env *env,
			  struct meta *meta_r)
{
	struct store_txn *txn;
	enum err err = store_write_begin(env, &txn);

	if (err != ERR_NONE)
		return err;
	meta_get(txn, meta_r);
	if (meta_r->applied_index < replica->import.want.index) {
		err = store_txn_error(txn);
		store_end(&txn);
		return err != ERR_NONE ? err : ERR_STALE;
	}
	meta_r->import_pending = replica->import.want.index;
	meta_put(txn, meta_r);
	return store_commit(&txn);
}

static enum err side_prepare(struct replica *replica, struct store_env *env)
{
	struct meta meta;
	enum err err = side_mark(replica, env, &meta);

	if (err == ERR_NONE)
		err = clear_missing(env);
	if (err == ERR_NONE)
		err = name_missing(replica, env);
	CRASH_POINT("import_prepared");
	if (err == ERR_NONE)
		err = store_checkpoint_begin(env, meta.applied_index,
					     meta.applied_term);
	return err == ERR_NONE ? store_checkpoint_sync(env) : err;
}

static enum err side_open(struct replica *replica, struct store_env **env_r)
{
	struct store_env_options options = replica->options.env;
	char *side = store_side_path(replica->path);
	enum err err;

	options.path = side;
	options.clean = true; /* synced above */
	options.synced = NULL;
	err = store_env_open(&options, env_r);
	mem_free(side);
	return err;
}

static enum err side_look(struct replica *replica)
{
	struct replica_import *import = &replica->import;
	struct store_env *env = NULL;
	enum err err = store_side_sync(import->fd);

	replica_import_copy_drop(replica);
	if (err == ERR_NONE && atomic_load(&import->written) != import->size)
		err = ERR_CORRUPT;
	if (err == ERR_NONE)
		err = side_open(replica, &env);
	if (err != ERR_NONE)
		return err;
	err = side_prepare(replica, env);
	store_env_close(&env);
	return err;
}

static void look_done(struct task *task)
{
	struct replica *replica = replica_of(task);
	struct replica_import *import = &replica->import;

	import->out = false;
	if (import->err == ERR_NONE &&
	    (replica->state != REPLICA_RUNNING || replica->park_why != NULL))
		import->err = ERR_CANCELLED;
	if (import->err != ERR_NONE) {
		copy_fail(replica, import->err);
		return;
	}
	import->state = IMPORT_SWAPPING;
	applier_hold(&replica->applier, true);
	atomic_store(&replica->published.env, NULL);
	replica_import_swap(replica);
}

static void look_run(struct task *task)
{
	struct replica *replica = replica_of(task);

	CRASH_POINT("import_copied");
	replica->import.err = side_look(replica);
	task_post(replica->options.log_loop, task, look_done);
}

void replica_import_copy_end(struct replica *replica, replica_import_done *done,
			     void *arg)
{
	struct replica_import *import = &replica->import;

	if (import->state != IMPORT_COPYING || import->out) {
		refuse_later(replica, done, arg);
		return;
	}
	import->state = IMPORT_CHECKING;
	import->done = done;
	import->done_arg = arg;
	job_begin(replica, look_run);
}

/* ---- taking its place ---- */

static void retire(struct replica *replica, struct store_env *env)
{
	struct replica_import *import = &replica->import;

	import->retired = mem_realloc(import->retired,
				      (import->retired_count + 1) *
					      sizeof(struct store_env *));
	import->retired[import->retired_count++] = env;
}

void replica_import_fini(struct replica *replica)
{
	struct replica_import *import = &replica->import;

	replica_import_copy_drop(replica);
	if (import->env != NULL) /* a process that ended in between */
		store_env_close(&import->env);
	for (unsigned i = 0; i < import->retired_count; i++)
		store_env_close(&import->retired[i]);
	mem_free(import->retired);
}

static void swap_done(struct task *task)
{
	struct replica *replica = replica_of(task);
	struct replica_import *import = &replica->import;
	const struct replica_hooks *hooks = &replica->options.hooks;
	enum err err = import->err;

	import->out = false;
	if (err != ERR_NONE) {
		replica_die(replica, "an imported state cannot be opened");
		return;
	}
	retire(replica, replica->env);
	replica->env = import->env;
	import->env = NULL;
	replica->applier.env = replica->env;
	err = applier_reopen(&replica->applier);
	if (err != ERR_NONE) {
		replica_die(replica, "an imported state cannot be read");
		return;
	}
	import->state = IMPORT_ENTRIES;
	if (replica->park_why == NULL)
		atomic_store(&replica->published.env, replica->env);
	if (hooks->replaced != NULL)
		hooks->replaced(hooks->arg, replica);
	applier_hold(&replica->applier, false);
	copy_answer(replica, ERR_NONE);
	replica_import_step(replica);
	replica_stop_step(replica);
}

static void swap_run(struct task *task)
{
	struct replica *replica = replica_of(task);
	struct replica_import *import = &replica->import;
	enum err err = store_side_ready(disk_of(replica), replica->path);

	if (err == ERR_NONE)
		err = store_side_swap(disk_of(replica), replica->path);
	if (err == ERR_NONE)
		err = store_env_open(&replica->options.env, &import->env);
	import->err = err;
	task_post(replica->options.log_loop, task, swap_done);
}

void replica_import_copy_cancel(struct replica *replica)
{
	applier_hold(&replica->applier, false);
	copy_answer(replica, ERR_CANCELLED);
}

/* The applier writes nothing, and no checkpoint is under way. */
void replica_import_swap(struct replica *replica)
{
	struct replica_import *import = &replica->import;

	if (import->state == IMPORT_SWAPPING && !import->out &&
	    !replica->applier.busy && !replica->checkpointing)
		job_begin(replica, swap_run);
}
