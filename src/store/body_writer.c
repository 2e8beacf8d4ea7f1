/*
 * The writer: group commit of everything that waits.
 *
 * The happy path: take what is queued, encode it behind each other, one write,
 * one fdatasync; then it is pending, may be read, and is answered. Meanwhile
 * the next requests queue up. What is here already only gets a hold.
 *
 * Failures: a write that finds the disk full ends this segment where it was
 * durable, and nothing of the batch is stored. A failed fsync ends all writing.
 */
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "store/body_impl.h"

/* Rows that one batch may add to what is pending. */
#define BATCH_ROWS (2 * BODY_BATCH_COUNT + 2)

/* Octets of zeroes that one step of preparing a segment writes. */
#define PREPARE_STEP (256u * 1024)

/* One request of a batch. */
struct body_item {
	struct body_write *write; /* or NULL: then `have` */
	struct body_have *have;
	enum err err;
	struct body_record record; /* what is new of it */
	bool placed;               /* a place of the body */
	bool appended;             /* stands in the batch */
	bool redundant; /* a stream of a body that was here already */
};

static uint64_t batch_start(const struct body_store *store)
{
	return (store->current.end + BODY_BATCH_ALIGN - 1) / BODY_BATCH_ALIGN *
	       BODY_BATCH_ALIGN;
}

/* ---- the next segment ---- */

/* Above the free space that others need: tables, the log, compaction. */
static enum err current_make(struct body_store *store,
			     struct body_current *current_r)
{
	enum err err = body_store_room(store, store->segment_size);

	return err == ERR_NONE ? body_current_new(store, current_r) : err;
}

struct prepare {
	struct body_store *store;
	struct body_current segment;
	uint64_t filled;
	struct task task;
};

static void prepare_end(struct prepare *prepare)
{
	struct body_store *store = prepare->store;

	body_lock(store);
	store->preparing = false;
	store->spare = prepare->segment;
	body_unlock(store);
	mem_free(prepare);
	body_background_end(store);
}

static enum err prepare_step(struct prepare *prepare, bool *ready_r)
{
	static const uint8_t zeroes[PREPARE_STEP];
	struct body_current *segment = &prepare->segment;
	struct disk *disk = prepare->store->disk;
	uint64_t left = segment->size - prepare->filled;
	struct slice step = slice_of(zeroes, sizeof(zeroes));
	uint64_t at = prepare->filled;

	if (!segment->open)
		return current_make(prepare->store, segment);
	if (left == 0) {
		*ready_r = true;
		return disk->sync(disk, segment->fd);
	}
	if (left < step.len)
		step = slice_first(step, (size_t)left);
	prepare->filled += step.len;
	return disk->write(disk, segment->fd, at, &step, 1);
}

/*
 * Octets written before are a plain overwrite for fdatasync later; in merely
 * allocated blocks each commit would have to write the file system's journal.
 */
static void prepare_run(struct task *task)
{
	struct prepare *prepare = container_of(task, struct prepare, task);
	struct body_store *store = prepare->store;
	bool ready = false;
	enum err err = prepare_step(prepare, &ready);

	if (err == ERR_NONE && !ready) {
		task_post(store->pool, task, prepare_run);
		return;
	}
	if (err != ERR_NONE)
		body_current_close(store, &prepare->segment, true);
	prepare_end(prepare);
}

/* Half of the segment is left: time to make the next one, once. */
static void prepare_if_due(struct body_store *store)
{
	struct prepare *prepare;

	if (!store->current.open || store->current.prepared ||
	    store->current.end < store->current.size / 2)
		return;
	store->current.prepared = true;
	body_lock(store);
	if (store->preparing || store->spare.open) {
		body_unlock(store);
		return;
	}
	store->preparing = true;
	body_unlock(store);
	prepare = mem_zalloc(1, sizeof(*prepare));
	prepare->store = store;
	body_background_begin(store);
	task_post(store->pool, &prepare->task, prepare_run);
}

struct seal {
	struct body_store *store;
	struct body_current segment;
	struct task task;
};

static void seal_run(struct task *task)
{
	struct seal *seal = container_of(task, struct seal, task);
	struct body_store *store = seal->store;

	body_current_close(store, &seal->segment, true);
	mem_free(seal);
	body_background_end(store);
}

/* Nothing comes behind what is durable; the file is cut on the pool. */
static void current_seal(struct body_store *store)
{
	struct seal *seal;

	if (!store->current.open)
		return;
	if (store->current.end > 0) {
		body_lock(store);
		body_pending_note(&store->fresh, store->current.segment,
				  store->current.end, true);
		body_unlock(store);
	}
	seal = mem_zalloc(1, sizeof(*seal));
	seal->store = store;
	seal->segment = store->current;
	store->current = (struct body_current){ 0 };
	body_background_begin(store);
	task_post(store->pool, &seal->task, seal_run);
}

static enum err current_next(struct body_store *store)
{
	current_seal(store);
	body_lock(store);
	store->current = store->spare;
	store->spare = (struct body_current){ 0 };
	body_unlock(store);
	if (store->current.open)
		return ERR_NONE;
	return body_store_error(store, current_make(store, &store->current));
}

/* ---- filling a batch ---- */

static bool batch_has_room(const struct body_store *store, uint64_t size)
{
	uint64_t len = store->batch.len;

	return store->current.open && len + size <= BODY_BATCH_MAX &&
	       batch_start(store) + len + size <= store->current.size;
}

/* False: it does not fit behind the others, and goes into the next batch. */
static bool batch_add(struct body_store *store, struct body_item *item,
		      struct slice octets)
{
	struct body_record *record = &item->record;

	if (!batch_has_room(store, body_record_size(octets.len))) {
		if (store->batch.len > 0)
			return false;
		item->err = current_next(store);
		if (item->err != ERR_NONE)
			return true;
	}
	record->segment = store->current.segment;
	record->offset = batch_start(store) + store->batch.len;
	body_record_encode(record, octets, &store->batch);
	item->appended = true;
	return true;
}

static bool batch_add_hold(struct body_store *store, struct body_item *item)
{
	if (body_hold_is_none(&item->record.hold))
		return true; /* a row names it */
	item->record.kind = BODY_KIND_HOLD;
	return batch_add(store, item, SLICE_NONE);
}

static bool have_prepare(struct body_store *store, struct body_item *item)
{
	struct body_have *have = item->have;
	struct body_place place;

	item->err = body_locate(store, &have->hash, &place);
	if (item->err != ERR_NONE)
		return true;
	have->length = place.length;
	item->record = (struct body_record){
		.length = place.length,
		.hash = have->hash,
		.hold = have->hold,
	};
	if (MUTANT("M47")) {
		item->record.hold = (struct body_hold){ 0 };
		return true;
	}
	return batch_add_hold(store, item);
}

static bool write_prepare(struct body_store *store, struct body_item *item)
{
	struct body_write *write = item->write;
	const struct body_record *stream = body_upload_record(write->upload);
	struct body_place place;

	item->record = (struct body_record){
		.kind = BODY_KIND_BODY,
		.length = write->length,
		.hash = write->hash,
		.hold = write->hold,
	};
	item->err = body_locate(store, &write->hash, &place);
	if (item->err == ERR_NONE) {
		item->redundant = stream != NULL;
		return batch_add_hold(store, item);
	}
	if (item->err != ERR_MISSING_BODY)
		return true;
	item->err = ERR_NONE;
	item->placed = true;
	if (!stream)
		return batch_add(store, item,
				 body_upload_octets(write->upload));
	item->record = *stream;
	return true;
}

static bool item_prepare(struct body_store *store, struct body_item *item)
{
	item->err = body_store_refusal(store);
	if (item->err != ERR_NONE)
		return true;
	return item->have ? have_prepare(store, item)
			  : write_prepare(store, item);
}

/* ---- the commit ---- */

static enum err batch_write(struct body_store *store)
{
	struct disk *disk = store->disk;
	struct slice octets = buf_slice(&store->batch);
	int fd = store->current.fd;
	enum err err;

	CRASH_POINT("body_before_write");
	err = disk->write(disk, fd, batch_start(store), &octets, 1);
	CRASH_POINT("body_before_sync");
	if (err == ERR_NONE)
		err = disk->sync(disk, fd);
	CRASH_POINT("body_after_sync");
	return err;
}

static enum err batch_commit(struct body_store *store)
{
	enum err err;

	if (store->batch.len == 0)
		return ERR_NONE;
	err = body_store_error(store, batch_write(store));
	if (err != ERR_NONE) {
		current_seal(store);
		return err;
	}
	store->current.end = batch_start(store) + store->batch.len;
	atomic_fetch_add(&store->fsyncs, 1);
	return ERR_NONE;
}

/* From here on it may be found; under the lock. */
static void item_publish(struct body_store *store, const struct body_item *item)
{
	const struct body_record *record = &item->record;
	struct body_pending *fresh = &store->fresh;
	struct body_place place = body_place_of(record);

	if (item->err != ERR_NONE)
		return;
	if (item->placed)
		body_pending_put(fresh, &record->hash, &place);
	if (item->placed && record->kind == BODY_KIND_STREAM)
		body_pending_note(fresh, record->segment,
				  body_upload_size(item->write->upload), true);
	if (!body_hold_is_none(&record->hold))
		body_pending_hold(fresh, &record->hash, &record->hold);
	if (item->appended)
		atomic_fetch_add(&store->appended, 1);
}

/* ---- answers ---- */

static void have_answer(struct task *task)
{
	struct body_have *have = container_of(task, struct body_have, task);

	have->done(have);
}

static void item_answer(struct body_store *store, struct body_item *item)
{
	const struct body_record *stream = NULL;

	if (item->have) {
		item->have->err = item->err;
		task_post(item->have->home, &item->have->task, have_answer);
		return;
	}
	stream = body_upload_record(item->write->upload);
	if (stream && (item->redundant || item->err != ERR_NONE))
		body_segment_remove(store, stream->segment);
	body_upload_answer(item->write->upload, item->err);
}

/* ---- the queue ---- */

struct body_item *body_items_new(void)
{
	return mem_zalloc(BODY_BATCH_COUNT, sizeof(struct body_item));
}

static bool pending_has_room(const struct body_store *store)
{
	return body_pending_count(&store->fresh) + BATCH_ROWS <=
	       BODY_PENDING_MAX;
}

void body_writer_wake(struct body_store *store)
{
	bool empty = list_empty(&store->writes) && list_empty(&store->haves);

	if (empty || store->writer_posted)
		return;
	if (!pending_has_room(store) && store->index_err == ERR_NONE)
		return; /* the indexer wakes us */
	store->writer_posted = true;
	store->background++;
	task_post(store->writer, &store->writer_task, body_writer_run);
}

static struct body_item item_take(struct body_store *store)
{
	struct body_item item = { 0 };
	struct list *link = list_take(&store->haves);

	if (link) {
		item.have = LIST_ENTRY(link, struct body_have, link);
		return item;
	}
	link = list_take(&store->writes);
	if (link)
		item.write = LIST_ENTRY(link, struct body_write, link);
	return item;
}

static void item_put_back(struct body_store *store, struct body_item *item)
{
	if (item->have)
		list_prepend(&store->haves, &item->have->link);
	else
		list_prepend(&store->writes, &item->write->link);
}

static unsigned batch_take(struct body_store *store, bool *room_r)
{
	unsigned count = 0;

	body_lock(store);
	*room_r = pending_has_room(store);
	while (count < BODY_BATCH_COUNT) {
		struct body_item item = item_take(store);

		if (!item.have && !item.write)
			break;
		store->items[count++] = item;
	}
	body_unlock(store);
	return count;
}

/* Encodes until the batch is full; how many are in. */
static unsigned batch_fill(struct body_store *store, unsigned count, bool room)
{
	unsigned n = 0;

	buf_clear(&store->batch);
	for (; n < count; n++) {
		/* The index cannot be written: it is the disk that is full. */
		if (!room)
			store->items[n].err = ERR_FULL;
		else if (!item_prepare(store, &store->items[n]))
			break;
	}
	return n;
}

static void batch_publish(struct body_store *store, unsigned count,
			  unsigned taken)
{
	body_lock(store);
	for (unsigned i = 0; i < count; i++)
		item_publish(store, &store->items[i]);
	while (taken > count)
		item_put_back(store, &store->items[--taken]);
	if (store->current.open && store->current.end > 0)
		body_pending_note(&store->fresh, store->current.segment,
				  store->current.end, false);
	store->writer_posted = false;
	body_indexer_wake(store);
	body_unlock(store);
}

void body_writer_run(struct task *task)
{
	struct body_store *store =
		container_of(task, struct body_store, writer_task);
	bool room;
	unsigned taken = batch_take(store, &room);
	unsigned count = batch_fill(store, taken, room);
	enum err err = batch_commit(store);

	for (unsigned i = 0; err != ERR_NONE && i < count; i++)
		if (store->items[i].appended)
			store->items[i].err = err;
	batch_publish(store, count, taken);
	CRASH_POINT("body_before_answer");
	for (unsigned i = 0; i < count; i++)
		item_answer(store, &store->items[i]);
	prepare_if_due(store);
	body_lock(store);
	body_writer_wake(store);
	body_unlock(store);
	body_background_end(store);
}

void body_have(struct body_store *store, struct body_have *have,
	       body_have_done *done)
{
	MUST(!body_hold_is_none(&have->hold));
	have->store = store;
	have->done = done;
	have->length = 0;
	body_lock(store);
	list_append(&store->haves, &have->link);
	body_writer_wake(store);
	body_unlock(store);
}

/* ---- what readers found ---- */

struct damage {
	struct body_store *store;
	struct sha256 hash;
	struct body_place place;
	struct task task;
};

static void damage_run(struct task *task)
{
	struct damage *damage = container_of(task, struct damage, task);
	struct body_store *store = damage->store;
	struct body_place place;

	/* It may have been dropped or written again since. */
	if (body_locate(store, &damage->hash, &place) == ERR_NONE &&
	    body_place_eq(&place, &damage->place)) {
		place.damaged = true;
		body_lock(store);
		body_pending_put(&store->fresh, &damage->hash, &place);
		store->damaged++;
		store->damaged_hash = damage->hash;
		store->damaged_place = place;
		body_unlock(store);
	}
	mem_free(damage);
	body_background_end(store);
}

void body_report_damage(struct body_store *store, const struct sha256 *hash,
			const struct body_place *place)
{
	struct damage *damage = mem_zalloc(1, sizeof(*damage));

	damage->store = store;
	damage->hash = *hash;
	damage->place = *place;
	body_background_begin(store);
	task_post(store->writer, &damage->task, damage_run);
}
