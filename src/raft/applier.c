/*
 * The applier of a group (applier.h).
 *
 * Happy path of a drain: begin a transaction; for each entry note its index
 * for the case that it kills us, take its commands one by one through the
 * slots (slots.c) into the machine; write the index of the last one into the
 * same transaction; commit; publish; back to the loop with the answers. So an
 * answer leaves only when a new snapshot shows what it says.
 *
 * An entry that the state has already is skipped: after a start the log begins
 * before it. Failures are told to the loop, which parks or ends the process.
 */
#include "raft/applier.h"

#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"
#include "raft/entry.h"
#include "raft/missing.h"

enum apply_kind {
	APPLY_ENTRY,
	APPLY_INDEX, /* only the index is to be noted */
	APPLY_BODY,  /* is here, or not named by a state up to `index` */
	APPLY_NOTE,  /* nothing; the row META is written */
};

struct apply_item {
	struct list link;
	enum apply_kind kind;
	uint64_t index;
	uint64_t term;
	struct buf octets;
	struct sha256 hash;
};

void applier_answer_free(struct applier_answer *answer)
{
	buf_fini(&answer->answer.result.payload);
	mem_free(answer);
}

static void set_meta(struct applier *applier, const struct meta *meta)
{
	applier->meta = *meta;
	if (meta->applied_index > applier->handed)
		applier->handed = meta->applied_index;
	applier->done = meta->applied_index;
	applier->import = meta->import_pending;
	atomic_store(&applier->applied, meta->applied_index);
}

void applier_init(struct applier *applier, const struct meta *meta)
{
	list_init(&applier->queue);
	list_init(&applier->items);
	list_init(&applier->answers);
	set_meta(applier, meta);
	atomic_store(&applier->is_full, false);
	atomic_store(&applier->missing_count, 0);
	atomic_store(&applier->missing_lowest, MISSING_NONE);
}

static void note_missing(struct applier *applier, struct store_txn *txn)
{
	uint64_t count = missing_count(txn);

	atomic_store(&applier->missing_count, count);
	atomic_store(&applier->missing_lowest,
		     count == 0 ? MISSING_NONE : missing_lowest(txn));
}

enum err applier_reopen(struct applier *applier)
{
	struct meta meta = { 0 };
	struct store_txn *txn;
	enum err err = store_read_begin(applier->env, &txn);

	if (err != ERR_NONE)
		return err;
	meta_get(txn, &meta);
	set_meta(applier, &meta);
	note_missing(applier, txn);
	err = store_txn_error(txn);
	store_end(&txn);
	return err;
}

static void kick(struct applier *applier);

void applier_hold(struct applier *applier, bool hold)
{
	applier->held = hold;
	if (!hold)
		kick(applier);
}

static void items_free(struct list *items)
{
	for (;;) {
		struct list *link = list_take(items);
		struct apply_item *item;

		if (link == NULL)
			return;
		item = LIST_ENTRY(link, struct apply_item, link);
		buf_fini(&item->octets);
		mem_free(item);
	}
}

static void answers_free(struct list *answers)
{
	for (;;) {
		struct list *link = list_take(answers);

		if (link == NULL)
			return;
		applier_answer_free(
			LIST_ENTRY(link, struct applier_answer, link));
	}
}

void applier_fini(struct applier *applier)
{
	items_free(&applier->queue);
	items_free(&applier->items);
	answers_free(&applier->answers);
}

/* ---- on the applier ---- */

struct naming {
	struct applier *applier;
	struct store_txn *txn;
	uint64_t index;
};

/* Model steps B5 and B12 (test/model/bodies.c). */
static void name_body(void *arg, const struct sha256 *hash)
{
	struct naming *naming = arg;
	const struct applier *applier = naming->applier;
	bool here =
		applier->have != NULL && applier->have(applier->have_arg, hash);

	if (!here)
		PROBE("apply: a body is not here");
	missing_named(naming->txn, hash, naming->index, here);
}

/* What the command has brought into the group. */
static void name_bodies(struct applier *applier, struct store_txn *txn,
			const struct command *command, uint64_t index)
{
	struct replica_fsm *fsm = applier->fsm;
	struct naming naming = { applier, txn, index };

	if (fsm->bodies != NULL && command->kind >= COMMAND_FSM_FIRST)
		fsm->bodies(fsm, command, name_body, &naming);
}

/* False: the transaction has failed. */
static bool apply_entry(struct applier *applier, struct store_txn *txn,
			const struct apply_item *item)
{
	struct command_at at = { item->index, item->term, 0 };
	struct command command;
	struct entry entry;
	enum err err;

	MUST(entry_decode(buf_slice(&item->octets), &entry) == ERR_NONE);
	while ((err = entry_next(&entry, &command)) == ERR_NONE) {
		struct applier_answer *answer = mem_zalloc(1, sizeof(*answer));

		slots_apply(txn, applier->fsm, &command, &at, &answer->answer);
		if (answer->answer.ran &&
		    answer->answer.result.refusal == ERR_NONE)
			name_bodies(applier, txn, &command, item->index);
		answer->index = item->index;
		list_append(&applier->answers, &answer->link);
		at.position++;
	}
	if (err != ERR_END)
		store_txn_fail(txn, err);
	return store_txn_error(txn) == ERR_NONE;
}

/* ERR_NONE: all of the drain is in the transaction, and in `meta_r`. */
static enum err apply_all(struct applier *applier, struct store_txn *txn,
			  struct meta *meta_r)
{
	LIST_FOREACH (&applier->items, it) {
		const struct apply_item *item =
			LIST_ENTRY(it, struct apply_item, link);
		enum err err;

		if (item->kind == APPLY_BODY)
			missing_unnamed(txn, &item->hash, item->index);
		if (item->kind == APPLY_BODY || item->kind == APPLY_NOTE)
			continue;
		if (item->index <= meta_r->applied_index && !MUTANT("M17"))
			continue;
		err = deaths_enter(applier->applying, item->index);
		if (err != ERR_NONE)
			return err;
		CRASH_POINT("apply_entry");
		if (item->term != meta_r->applied_term && MUTANT("M35"))
			slots_forget(txn);
		if (item->kind == APPLY_ENTRY &&
		    !apply_entry(applier, txn, item))
			return store_txn_error(txn);
		meta_r->applied_index = item->index;
		meta_r->applied_term = item->term;
	}
	return ERR_NONE;
}

static void note_fill(struct applier *applier)
{
	uint64_t used;
	uint64_t size;

	store_env_fill(applier->env, &used, &size);
	atomic_store(&applier->is_full,
		     used > size / 100 * applier->fill_percent);
}

static enum err drain_commit(struct applier *applier, struct store_txn *txn,
			     const struct meta *meta)
{
	enum err err;

	if (!MUTANT("M16"))
		meta_put(txn, meta);
	note_missing(applier, txn); /* heard of only after the commit */
	CRASH_POINT("apply_before_commit");
	err = store_commit(&txn);
	CRASH_POINT("apply_after_commit");
	if (err != ERR_NONE)
		return err;
	applier->meta = *meta;
	atomic_store(&applier->applied, meta->applied_index);
	note_fill(applier);
	if (applier->fsm->committed != NULL)
		applier->fsm->committed(applier->fsm, meta->applied_index);
	return ERR_NONE;
}

static enum err drain_transaction(struct applier *applier)
{
	struct meta meta = applier->meta;
	struct store_txn *txn;
	enum err err = store_write_begin(applier->env, &txn);

	if (err != ERR_NONE)
		return err;
	meta.import_pending = applier->import_pending;
	err = apply_all(applier, txn, &meta);
	if (err != ERR_NONE) {
		store_end(&txn);
		return err;
	}
	return drain_commit(applier, txn, &meta);
}

static enum err drain(struct applier *applier)
{
	enum err left;
	enum err err = deaths_enter(applier->draining,
				    applier->meta.applied_index + 1);

	if (err != ERR_NONE)
		return err;
	err = drain_transaction(applier);
	/* It lives, with an error or without. */
	left = deaths_leave(applier->applying);
	if (left == ERR_NONE)
		left = deaths_leave(applier->draining);
	return err != ERR_NONE ? err : left;
}

static void drain_done(struct task *task);

static void drain_run(struct task *task)
{
	struct applier *applier = container_of(task, struct applier, task);

	applier->err = drain(applier);
	if (applier->err != ERR_NONE)
		answers_free(&applier->answers); /* nothing of it happened */
	task_post(applier->loop, task, drain_done);
}

#ifdef ENABLE_FAULTS
/* M16: the index of the drain is committed before its commands. */
static void drain_index_first(struct task *task)
{
	struct applier *applier = container_of(task, struct applier, task);
	const struct apply_item *last =
		LIST_ENTRY(applier->items.prev, struct apply_item, link);
	struct meta meta = { last->index, last->term, 0 };
	struct store_txn *txn;

	MUST(store_write_begin(applier->env, &txn) == ERR_NONE);
	meta_put(txn, &meta);
	MUST(store_commit(&txn) == ERR_NONE);
	task_post(applier->executor, task, drain_run);
}
#endif

/* ---- on the loop ---- */

static void drain_done(struct task *task)
{
	struct applier *applier = container_of(task, struct applier, task);

	applier->busy = false;
	LIST_FOREACH (&applier->items, it) {
		const struct apply_item *item =
			LIST_ENTRY(it, struct apply_item, link);

		applier->queued_octets -= item->octets.len;
		if (applier->err == ERR_NONE && item->kind <= APPLY_INDEX &&
		    item->index > applier->done)
			applier->done = item->index;
	}
	items_free(&applier->items);
	applier->drained(applier);
	kick(applier);
}

static void kick_run(struct task *task)
{
	struct applier *applier = container_of(task, struct applier, kick_task);
	size_t octets = 0;

	applier->kicked = false;
	if (applier->busy || applier->held || applier->err != ERR_NONE)
		return;
	while (!list_empty(&applier->queue) && octets < APPLIER_DRAIN_MAX) {
		struct list *link = applier->queue.next;

		octets += LIST_ENTRY(link, struct apply_item, link)->octets.len;
		list_remove(link);
		list_append(&applier->items, link);
	}
	if (list_empty(&applier->items))
		return;
	applier->busy = true;
	applier->import_pending = applier->import;
#ifdef ENABLE_FAULTS
	if (MUTANT("M16")) {
		task_post(applier->executor, &applier->task, drain_index_first);
		return;
	}
#endif
	task_post(applier->executor, &applier->task, drain_run);
}

/* At the end of the turn, so that all of it goes into one transaction. */
static void kick(struct applier *applier)
{
	if (applier->kicked || list_empty(&applier->queue))
		return;
	applier->kicked = true;
	task_post(applier->loop, &applier->kick_task, kick_run);
}

static struct apply_item *push(struct applier *applier, enum apply_kind kind,
			       uint64_t index)
{
	struct apply_item *item = mem_zalloc(1, sizeof(*item));

	item->kind = kind;
	item->index = index;
	list_append(&applier->queue, &item->link);
	kick(applier);
	return item;
}

void applier_push(struct applier *applier, uint64_t index, uint64_t term,
		  struct slice octets)
{
	struct apply_item *item = push(
		applier, octets.len > 0 ? APPLY_ENTRY : APPLY_INDEX, index);

	item->term = term;
	buf_add_slice(&item->octets, octets);
	applier->queued_octets += octets.len;
	if (index > applier->handed)
		applier->handed = index;
}

void applier_push_came(struct applier *applier, const struct sha256 *hash,
		       uint64_t index)
{
	push(applier, APPLY_BODY, index)->hash = *hash;
}

void applier_set_import(struct applier *applier, uint64_t marker)
{
	applier->import = marker;
	push(applier, APPLY_NOTE, 0);
}

bool applier_is_idle(const struct applier *applier)
{
	return !applier->busy && list_empty(&applier->queue);
}
