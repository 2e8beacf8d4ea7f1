/*
 * Compaction: what lives in thin segments moves, and their files go (F8).
 *
 *   CHOOSE -> COPY ... -> CHOOSE ... -> SYNC -> MOVE -> CHECKPOINT -> REMOVE
 *      ^                                                                |
 *      '----------------------------------------------------------------'
 *
 * The happy path of a round: several thin segments are copied into one new one,
 * it is made durable, one transaction points the index to it, and when a
 * checkpoint has made that durable, the old files are removed. Holds that only
 * an old segment tells of move as well, since the segments are the truth.
 *
 * Failures: until the removal both copies are there, so whatever fails, the
 * sweep ends and the next start or sweep finds the rest. A record that is not
 * whole is not copied; its segment then stays.
 */
#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"
#include "store/body_impl.h"

#define SOURCES_MAX 64        /* segments of one round */
#define MOVES_MAX 65536       /* bodies of one round: some MiB */
#define COPY_SLICE 64         /* records of one step */
#define OUT_MAX (1024 * 1024) /* octets collected before they are written */

struct move {
	struct sha256 hash;
	struct body_place from;
	struct body_place to;
};

struct body_compact {
	struct body_store *store;
	body_compact_done *done;
	void *arg;
	uint64_t octets; /* given back so far */
	enum err err;
	uint64_t next; /* segment to look at */
	uint64_t last; /* exclusive: our own targets are not looked at */

	/* This round. */
	uint64_t sources[SOURCES_MAX];
	uint64_t source_octets[SOURCES_MAX];
	unsigned source_count;
	struct body_current target;
	struct buf out; /* goes to target.end */
	struct move *moves;
	size_t move_count;
	size_t move_cap;

	/* This segment. */
	struct body_file *file;
	struct body_walk walk;

	struct body_checkpoint checkpoint;
	struct task task;
};

static void compact_serial(struct body_compact *compact, task_run *step)
{
	task_post(&compact->store->serial.executor, &compact->task, step);
}

/* ---- the end ---- */

static void round_clear(struct body_compact *compact)
{
	buf_fini(&compact->out);
	mem_free(compact->moves);
	compact->moves = NULL;
	compact->move_count = 0;
	compact->move_cap = 0;
	compact->source_count = 0;
}

static void compact_end(struct body_compact *compact, enum err err)
{
	body_compact_done *done = compact->done;
	void *arg = compact->arg;
	uint64_t octets = compact->octets;

	body_current_close(compact->store, &compact->target, false);
	round_clear(compact);
	mem_free(compact);
	done(arg, err, octets);
}

static void compact_fail(struct body_compact *compact, enum err err)
{
	compact_end(compact, body_store_error(compact->store, err));
}

/* ---- which segment ---- */

/* More than half of it is of no use to anybody. */
static bool is_thin(const struct body_segment_row *row)
{
	return row->closed && row->live * 2 < row->end;
}

static bool round_is_full(const struct body_compact *compact)
{
	uint64_t len = compact->target.end + compact->out.len;

	return compact->source_count == SOURCES_MAX ||
	       compact->move_count >= MOVES_MAX ||
	       len >= compact->store->segment_size / 2;
}

/* The next thin segment from compact->next on. */
static bool source_find(struct body_compact *compact, struct store_txn *txn,
			uint64_t *segment_r, struct body_segment_row *row_r)
{
	struct store_cursor cursor;
	struct store_key key;
	bool found = false;
	bool more;

	body_index_segment_key(&key, compact->next);
	store_cursor_init(&cursor, txn, BODY_TABLE_SEGMENT);
	for (more = store_cursor_seek(&cursor, store_key_slice(&key));
	     more && !found &&
	     body_index_segment_row(&cursor, segment_r, row_r) &&
	     *segment_r < compact->last;
	     more = store_cursor_next(&cursor))
		found = is_thin(row_r);
	store_cursor_fini(&cursor);
	return found;
}

static enum err source_open(struct body_compact *compact, uint64_t segment,
			    uint64_t octets)
{
	struct body_store *store = compact->store;
	enum err err = body_files_get(&store->files, segment, &compact->file);

	compact->next = segment + 1;
	if (err != ERR_NONE)
		return err;
	err = body_walk_init(&compact->walk, store->disk, compact->file->fd,
			     segment, 0);
	if (err != ERR_NONE) {
		body_files_put(&store->files, compact->file);
		return err;
	}
	compact->source_octets[compact->source_count] = octets;
	compact->sources[compact->source_count++] = segment;
	return ERR_NONE;
}

static void source_close(struct body_compact *compact)
{
	body_walk_fini(&compact->walk);
	body_files_put(&compact->store->files, compact->file);
	compact->file = NULL;
}

/* ---- copying ---- */

static enum err out_write(struct body_compact *compact)
{
	struct disk *disk = compact->store->disk;
	struct slice octets = buf_slice(&compact->out);
	enum err err;

	if (octets.len == 0)
		return ERR_NONE;
	err = disk->write(disk, compact->target.fd, compact->target.end,
			  &octets, 1);
	compact->target.end += octets.len;
	buf_clear(&compact->out);
	return err;
}

static enum err target_add(struct body_compact *compact,
			   struct body_record *record, struct slice octets)
{
	struct body_current *target = &compact->target;
	enum err err = ERR_NONE;

	if (!target->open)
		err = body_current_new(compact->store, target);
	if (err != ERR_NONE)
		return err;
	record->segment = target->segment;
	record->offset = target->end + compact->out.len;
	body_record_encode(record, octets, &compact->out);
	return compact->out.len < OUT_MAX ? ERR_NONE : out_write(compact);
}

static void move_add(struct body_compact *compact, const struct sha256 *hash,
		     const struct body_place *from, const struct body_place *to)
{
	if (compact->move_count == compact->move_cap) {
		compact->move_cap = compact->move_cap * 2 + 64;
		compact->moves = mem_realloc(compact->moves,
					     compact->move_cap *
						     sizeof(*compact->moves));
	}
	compact->moves[compact->move_count++] =
		(struct move){ *hash, *from, *to };
}

/* The index points to this very record. */
static bool is_live(struct store_txn *txn, const struct body_record *record)
{
	struct body_place here = body_place_of(record);
	struct body_place place;

	return record->kind != BODY_KIND_HOLD &&
	       body_index_find(txn, &record->hash, &place) &&
	       body_place_eq(&place, &here) && !place.damaged;
}

/*
 * A body that lives takes its hold along, if that still stands; of one that
 * does not, and of a HOLD, the hold alone goes on.
 */
static enum err record_copy(struct body_compact *compact, struct store_txn *txn,
			    const struct body_record *record,
			    struct slice octets)
{
	struct body_place from = body_place_of(record);
	struct body_record copy = *record;
	struct body_place to;
	bool live = is_live(txn, record);
	bool held = !body_hold_is_none(&record->hold) &&
		    body_index_has_hold(txn, &record->hash, &record->hold);
	enum err err;

	if (!live && !held)
		return ERR_NONE;
	if (!held)
		copy.hold = (struct body_hold){ 0 };
	if (!live) {
		copy.kind = BODY_KIND_HOLD;
		return target_add(compact, &copy, SLICE_NONE);
	}
	/* A live stream fills its segment, which is never thin. */
	MUST(copy.kind == BODY_KIND_BODY);
	err = target_add(compact, &copy, octets);
	to = body_place_of(&copy);
	move_add(compact, &record->hash, &from, &to);
	return err;
}

static enum err copy_slice(struct body_compact *compact, bool *more_r)
{
	struct store_txn *txn;
	enum err err = store_read_begin(compact->store->index, &txn);

	*more_r = true;
	if (err != ERR_NONE)
		return err;
	for (unsigned i = 0; i < COPY_SLICE && *more_r && !err; i++) {
		struct body_record record;
		struct slice octets;

		err = body_walk_next(&compact->walk, &record, &octets);
		if (err == ERR_NONE)
			err = record_copy(compact, txn, &record, octets);
		else if (err == ERR_END)
			*more_r = false;
	}
	if (err == ERR_END)
		err = ERR_NONE;
	if (err == ERR_NONE)
		err = store_txn_error(txn);
	store_end(&txn);
	return err;
}

static void choose_run(struct task *task);

static void copy_run(struct task *task)
{
	struct body_compact *compact =
		container_of(task, struct body_compact, task);
	bool more;
	enum err err = copy_slice(compact, &more);

	if (err == ERR_NONE && more) {
		compact_serial(compact, copy_run);
		return;
	}
	source_close(compact);
	if (err == ERR_NONE)
		compact_serial(compact, choose_run);
	else
		compact_fail(compact, err);
}

/* ---- the end of a round ---- */

static void remove_run(struct task *task)
{
	struct body_compact *compact =
		container_of(task, struct body_compact, task);

	CRASH_POINT("compact_before_remove");
	for (unsigned i = 0; i < compact->source_count; i++) {
		body_segment_remove(compact->store, compact->sources[i]);
		compact->octets += compact->source_octets[i];
	}
	body_current_close(compact->store, &compact->target, true);
	compact->target = (struct body_current){ 0 };
	round_clear(compact);
	compact_serial(compact, choose_run);
}

static void checkpointed(struct body_checkpoint *checkpoint)
{
	struct body_compact *compact = checkpoint->owner;

	if (checkpoint->err != ERR_NONE)
		compact_end(compact, checkpoint->err);
	else
		task_post(compact->store->pool, &compact->task, remove_run);
}

/* A body that was dropped or damaged meanwhile stays as the index has it. */
static void moves_index(struct body_compact *compact,
			struct body_index_write *write)
{
	for (size_t i = 0; i < compact->move_count; i++) {
		const struct move *move = &compact->moves[i];
		struct body_place place;

		if (body_index_find(write->txn, &move->hash, &place) &&
		    body_place_eq(&place, &move->from) && !place.damaged)
			body_index_put(write, &move->hash, &move->to);
	}
	if (compact->target.open)
		body_index_note(write, compact->target.segment,
				compact->target.end, true);
}

/* A source from which not all could be copied stays. */
static void sources_index(struct body_compact *compact,
			  struct body_index_write *write)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < compact->source_count; i++) {
		uint64_t segment = compact->sources[i];

		if (body_index_live(write, segment) > 0) {
			PROBE("compact: a source stays");
			continue;
		}
		body_index_drop_segment(write, segment);
		compact->source_octets[kept] = compact->source_octets[i];
		compact->sources[kept++] = segment;
	}
	compact->source_count = kept;
}

static enum err round_index(struct body_compact *compact)
{
	struct body_store *store = compact->store;
	struct body_index_write write;
	struct body_totals totals;
	enum err err = body_index_flush(store);

	if (err != ERR_NONE)
		return err;
	totals = store->totals;
	err = body_index_begin(store->index, &totals, &write);
	if (err != ERR_NONE)
		return body_store_error(store, err);
	moves_index(compact, &write);
	sources_index(compact, &write);
	CRASH_POINT("compact_before_commit");
	err = body_store_error(store, body_index_commit(&write, &totals));
	if (err != ERR_NONE)
		return err;
	body_lock(store);
	store->totals = totals;
	body_unlock(store);
	return ERR_NONE;
}

static void move_run(struct task *task)
{
	struct body_compact *compact =
		container_of(task, struct body_compact, task);
	struct body_checkpoint *checkpoint = &compact->checkpoint;
	enum err err = round_index(compact);

	if (err != ERR_NONE) {
		compact_end(compact, err);
		return;
	}
	CRASH_POINT("compact_before_checkpoint");
	*checkpoint = (struct body_checkpoint){
		.home = &compact->store->serial.executor,
		.owner = compact,
	};
	body_store_checkpoint(compact->store, checkpoint, checkpointed);
}

static void sync_run(struct task *task)
{
	struct body_compact *compact =
		container_of(task, struct body_compact, task);
	struct disk *disk = compact->store->disk;
	enum err err = ERR_NONE;

	if (compact->target.open)
		err = out_write(compact);
	CRASH_POINT("compact_before_sync");
	if (err == ERR_NONE && compact->target.open)
		err = disk->sync(disk, compact->target.fd);
	compact->err = err;
	compact_serial(compact, err == ERR_NONE ? move_run : choose_run);
}

/* ---- choosing ---- */

static enum err choose(struct body_compact *compact, bool *found_r)
{
	struct body_segment_row row;
	struct store_txn *txn;
	uint64_t segment;
	enum err err = store_read_begin(compact->store->index, &txn);

	*found_r = false;
	if (err != ERR_NONE)
		return err;
	if (!round_is_full(compact))
		*found_r = source_find(compact, txn, &segment, &row);
	err = store_txn_error(txn);
	store_end(&txn);
	if (err == ERR_NONE && *found_r)
		err = source_open(compact, segment, row.end);
	return err;
}

static void choose_run(struct task *task)
{
	struct body_compact *compact =
		container_of(task, struct body_compact, task);
	enum err err = compact->err;
	bool found = false;

	if (err == ERR_NONE)
		err = choose(compact, &found);
	if (err != ERR_NONE)
		compact_fail(compact, err);
	else if (found)
		compact_serial(compact, copy_run);
	else if (compact->source_count > 0)
		task_post(compact->store->pool, task, sync_run);
	else
		compact_end(compact, ERR_NONE);
}

void body_compact(struct body_store *store, body_compact_done *done, void *arg)
{
	struct body_compact *compact = mem_zalloc(1, sizeof(*compact));

	compact->store = store;
	compact->last = atomic_load(&store->next_segment);
	compact->done = done;
	compact->arg = arg;
	compact_serial(compact, choose_run);
}
