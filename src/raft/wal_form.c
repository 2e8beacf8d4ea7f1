/*
 * Forming batches: what is queued gets its place in the log.
 *
 * Operations change the picture of their group (wal_group.h) at the moment
 * when their records get an lsn, in the order of the queue. So when a batch
 * opens a new file, the picture is exactly what stands before it, and that is
 * what the file begins with: a reader can start at any file.
 *
 * A batch ends before the last block of its file; that one stays for the MARK
 * that leads to the next file. If that file is not ready yet, all wait for it.
 */
#include "raft/wal_internal.h"

#include <string.h>

#include "base/mem.h"
#include "base/panic.h"

static uint64_t segment_end(const struct wal_segment *segment)
{
	return segment->head.start + segment->head.size;
}

static uint64_t segment_first(const struct wal_segment *segment)
{
	return segment->head.start + WAL_BLOCK;
}

/* Where records go: from `lsn` on, below `limit`. */
struct form {
	struct wal *wal;
	struct wal_batch *batch;
	uint64_t lsn;
	uint64_t limit; /* 0: the file is full */
	uint64_t ops;   /* lsn of the first operation's record */
};

static bool form_fits(const struct form *form, size_t payload)
{
	return form->lsn + wal_record_size(payload) <= form->limit;
}

static struct wal_item *form_add(struct form *form, enum wal_record_type type,
				 uint32_t group, size_t payload)
{
	struct wal_batch *batch = form->batch;
	struct wal_item *item;

	if (batch->item_count == batch->item_cap) {
		batch->item_cap =
			batch->item_cap == 0 ? 64 : batch->item_cap * 2;
		batch->items = mem_realloc(batch->items,
					   batch->item_cap * sizeof(*item));
	}
	item = &batch->items[batch->item_count++];
	*item = (struct wal_item){
		.record = {
			.type = type,
			.group = group,
			.lsn = form->lsn,
			.synced = batch->synced,
		},
		.payload_at = batch->payloads.len,
		.payload_len = payload,
	};
	form->lsn += wal_record_size(payload);
	return item;
}

/* ---- one operation ---- */

/* How many entries go into one record here; 0: none fits. */
static unsigned entries_that_fit(const struct form *form,
				 const struct wal_entry *entries,
				 unsigned count)
{
	size_t size = WAL_ENTRIES_HEAD;
	unsigned fit = 0;

	while (fit < count && fit < WAL_RECORD_ENTRIES_MAX) {
		size += WAL_ENTRY_HEAD + entries[fit].data.len;
		if (size > WAL_RECORD_MAX || !form_fits(form, size))
			break;
		fit++;
	}
	return fit;
}

static struct wal_item *add_entries(struct form *form, const struct wal_op *op,
				    unsigned from, unsigned count)
{
	const struct wal_entry *entries = op->entries + from;
	struct wal_item *item = form_add(form, WAL_ENTRIES, op->group->id,
					 wal_entries_size(entries, count));

	item->record.index = op->index + from;
	item->record.term = entries[count - 1].term;
	item->entries = entries;
	item->count = count;
	return item;
}

static bool place_append(struct form *form, const struct wal_op *op)
{
	struct wal *wal = form->wal;

	while (wal->formed < op->count) {
		unsigned fit = entries_that_fit(form, op->entries + wal->formed,
						op->count - wal->formed);
		struct wal_item *item;

		if (fit == 0)
			return false;
		item = add_entries(form, op, wal->formed, fit);
		wal_group_do_append(
			op->group, item->record.index, fit, item->record.lsn,
			(uint32_t)wal_record_size(item->payload_len));
		wal->formed += fit;
	}
	wal->formed = 0;
	return true;
}

static bool place_copy(struct form *form, const struct wal_op *op)
{
	struct wal_item *item;
	const struct wal_run *run;

	if (wal_copy_is_stale(&form->wal->copy))
		return true;
	run = wal_group_find_run(op->group, op->index);
	MUST(run->count <= op->count);
	if (entries_that_fit(form, op->entries, run->count) < run->count)
		return false;
	item = add_entries(form, op, 0, run->count);
	item->record.flags = WAL_COPY;
	wal_group_do_copy(op->group, op->index, item->count, item->record.lsn,
			  (uint32_t)wal_record_size(item->payload_len));
	return true;
}

static bool place_marker(struct form *form, const struct wal_op *op)
{
	struct buf *payloads = &form->batch->payloads;
	size_t at = payloads->len;
	struct wal_item *item;

	wal_marker_encode(&op->marker, op->first, payloads);
	if (!form_fits(form, payloads->len - at)) {
		payloads->len = at;
		return false;
	}
	item = form_add(form, WAL_MARKER, op->group->id, payloads->len - at);
	item->payload_at = at;
	item->record.index = op->marker.index;
	item->record.term = op->marker.term;
	item->record.flags = op->reset ? WAL_RESET : 0;
	wal_group_do_marker(op->group, &op->marker, op->first, op->reset);
	return true;
}

/* Records that are a head only. */
static bool place_head(struct form *form, const struct wal_op *op,
		       enum wal_record_type type)
{
	struct wal_item *item;

	if (!form_fits(form, 0))
		return false;
	item = form_add(form, type, op->group->id, 0);
	item->record.term = op->term;
	item->record.index = op->index;
	return true;
}

static bool place_truncate(struct form *form, const struct wal_op *op)
{
	if (op->index > op->group->state.last)
		return true; /* nothing to drop: nothing to write */
	if (!place_head(form, op, WAL_TRUNCATE))
		return false;
	wal_group_do_truncate(op->group, op->index);
	return true;
}

static bool place_small(struct form *form, const struct wal_op *op)
{
	switch ((enum wal_op_kind)op->kind) {
	case WAL_OP_TERM:
		if (!place_head(form, op, WAL_TERM))
			return false;
		wal_group_do_term(op->group, op->term);
		return true;
	case WAL_OP_VOTE:
		if (!place_head(form, op, WAL_VOTE))
			return false;
		wal_group_do_vote(op->group, op->index);
		return true;
	case WAL_OP_DROP:
		if (!place_head(form, op, WAL_DROP))
			return false;
		wal_group_do_drop(op->group);
		return true;
	case WAL_OP_APPEND:
	case WAL_OP_TRUNCATE:
	case WAL_OP_MARKER:
	case WAL_OP_COPY:
		break;
	}
	PANIC("not a small operation: %d", op->kind);
}

/* False: it (or its rest) does not fit into this batch. */
static bool place(struct form *form, const struct wal_op *op)
{
	switch ((enum wal_op_kind)op->kind) {
	case WAL_OP_APPEND:
		return place_append(form, op);
	case WAL_OP_TRUNCATE:
		return place_truncate(form, op);
	case WAL_OP_MARKER:
		return place_marker(form, op);
	case WAL_OP_COPY:
		return place_copy(form, op);
	case WAL_OP_TERM:
	case WAL_OP_VOTE:
	case WAL_OP_DROP:
		break;
	}
	return place_small(form, op);
}

static void fill(struct form *form)
{
	struct wal *wal = form->wal;

	while (!list_empty(&wal->queue)) {
		struct wal_op *op =
			LIST_ENTRY(wal->queue.next, struct wal_op, link);

		if (!place(form, op))
			return;
		list_remove(&op->link);
		list_append(&form->batch->ops, &op->link);
	}
}

/* ---- batches ---- */

static void add_state(struct form *form, const struct wal_group *group)
{
	struct buf *payloads = &form->batch->payloads;
	size_t at = payloads->len;
	struct wal_item *item;

	if (wal_group_is_blank(group))
		return;
	wal_state_encode(&group->state, payloads);
	MUST(form_fits(form, payloads->len - at));
	item = form_add(form, WAL_STATE, group->id, payloads->len - at);
	item->payload_at = at;
	item->record.term = group->state.term;
}

/*
 * The first batch of a file begins with the state of all groups, also after a
 * crash that tore it.
 */
static void form_begin(struct form *form, struct wal *wal,
		       struct wal_segment *segment, uint64_t start)
{
	struct wal_batch *batch = &wal->batch;
	uint64_t end = segment_end(segment) - WAL_BLOCK;

	if (end - start > WAL_BATCH_MAX)
		end = start + WAL_BATCH_MAX;
	*form = (struct form){ .wal = wal, .batch = batch, .lsn = start };
	if (end > start)
		form->limit = end - WAL_RECORD_HEAD; /* the closing MARK */
	batch->segment = segment;
	batch->start = start;
	batch->synced = wal->durable;
	batch->item_count = 0;
	buf_clear(&batch->payloads);
	for (size_t i = 0;
	     start == segment_first(segment) && i < wal->group_count; i++)
		add_state(form, wal->groups[i]);
	form->ops = form->lsn;
}

/* False: the next file is not ready. */
static bool switch_file(struct form *form)
{
	struct wal *wal = form->wal;
	struct wal_segment *from = wal->current;

	if (wal->next == NULL)
		return false;
	wal->batch.jump_from = from;
	wal->batch.jump_at = wal->at;
	wal->current = wal->next;
	wal->next = NULL;
	list_append(&wal->segments, &wal->current->link);
	form_begin(form, wal, wal->current, segment_first(wal->current));
	return true;
}

static void batch_send(struct form *form)
{
	struct wal *wal = form->wal;
	struct wal_batch *batch = form->batch;
	uint64_t end = form->lsn + WAL_RECORD_HEAD;

	batch->end = (end + WAL_BLOCK - 1) / WAL_BLOCK * WAL_BLOCK;
	wal->at = batch->end;
	wal->writing = true;
	timer_stop(wal->timers, &wal->idle);
	task_post(wal->writer, &batch->task, wal_batch_write);
}

static void complete(struct wal *wal)
{
	struct list ops;

	list_init(&ops);
	list_splice(&ops, &wal->batch.ops);
	for (;;) {
		struct list *link = list_take(&ops);
		struct wal_op *op;

		if (link == NULL)
			return;
		op = LIST_ENTRY(link, struct wal_op, link);
		if (op->done != NULL)
			op->done(op); /* may free op */
	}
}

/*
 * Makes a batch of what is queued; with `mark` also of nothing at all. What
 * needs no record is completed at once.
 */
static void form_batch(struct wal *wal, bool mark)
{
	struct wal_batch *batch = &wal->batch;
	struct form form;

	batch->jump_from = NULL;
	form_begin(&form, wal, wal->current, wal->at);
	fill(&form);
	if (form.lsn == form.ops && list_empty(&wal->queue) && !mark) {
		complete(wal);
		return;
	}
	if (form.limit == 0 ||
	    (form.lsn == form.ops && !list_empty(&wal->queue))) {
		if (!switch_file(&form)) {
			wal_space_missing(wal);
			return;
		}
		fill(&form);
		MUST(form.lsn > form.ops || list_empty(&wal->queue));
	}
	batch_send(&form);
}

void wal_batch_done(struct task *task)
{
	struct wal_batch *batch = container_of(task, struct wal_batch, task);
	struct wal *wal = batch->wal;
	bool marked = batch->item_count == 0;

	wal->writing = false;
	wal->durable = batch->end;
	wal->stats.syncs++;
	wal->stats.records += batch->item_count;
	wal->stats.octets += batch->end - batch->start;
	if (batch->jump_from != NULL) {
		wal_space_switched(wal);
		wal_copy_kick(wal);
	}
	complete(wal);
	if (!list_empty(&wal->queue))
		wal_kick(wal);
	else if (!marked && !wal->stopping)
		timer_set(wal->timers, &wal->idle, WAL_IDLE_MARK_MS);
	wal_space_kick(wal);
	wal_maybe_stopped(wal);
}

static void kick_run(struct task *task)
{
	struct wal *wal = container_of(task, struct wal, kick_task);

	wal->kicked = false;
	if (!wal->writing && !list_empty(&wal->queue))
		form_batch(wal, false);
	wal_maybe_stopped(wal);
}

void wal_kick(struct wal *wal)
{
	if (wal->kicked || wal->failed)
		return;
	wal->kicked = true;
	task_post(wal->loop, &wal->kick_task, kick_run);
}

/* Says on disk how far the log is durable: only that tells torn from damaged.
 */
static void idle_fire(struct timer *timer)
{
	struct wal *wal = container_of(timer, struct wal, idle);

	if (!wal->writing && list_empty(&wal->queue) && !wal->failed)
		form_batch(wal, true);
}

void wal_form_init(struct wal *wal)
{
	timer_init(&wal->idle, idle_fire);
}
