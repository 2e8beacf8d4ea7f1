/*
 * The write-ahead log of a node: its groups and what they ask for.
 *
 * Happy path: an operation is queued; at the end of the loop's turn all that
 * is queued becomes one batch (wal_form.c), the writer makes it durable
 * (wal_write.c) and the completions run here, in order. Meanwhile the next
 * file is made ready on the pool (wal_space.c) and groups that hold up the
 * oldest file are copied out of it (wal_copy.c). Opening is wal_scan.c.
 *
 * Failures never come back to the callers: the process ends (R5).
 */
#include "raft/wal_internal.h"

#include <string.h>

#include "base/mem.h"
#include "base/panic.h"

/* ---- groups ---- */

static size_t group_search(const struct wal *wal, uint32_t id)
{
	size_t low = 0;
	size_t high = wal->group_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (wal->groups[mid]->id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct wal_group *wal_find_group(struct wal *wal, uint32_t id)
{
	size_t at = group_search(wal, id);
	struct wal_group *group;

	if (at < wal->group_count && wal->groups[at]->id == id)
		return wal->groups[at];
	if (wal->group_count == wal->group_cap) {
		wal->group_cap = wal->group_cap == 0 ? 8 : wal->group_cap * 2;
		wal->groups = mem_realloc(wal->groups,
					  wal->group_cap * sizeof(group));
	}
	memmove(&wal->groups[at + 1], &wal->groups[at],
		(wal->group_count - at) * sizeof(group));
	group = mem_alloc(sizeof(*group));
	wal_group_init(group, wal, id);
	wal->groups[at] = group;
	wal->group_count++;
	return group;
}

struct wal_group *wal_group_open(struct wal *wal, uint32_t id)
{
	return wal_find_group(wal, id);
}

/* ---- opening and closing ---- */

static void wal_set_options(struct wal *wal, const struct wal_options *options)
{
	wal->place.disk = options->disk;
	wal->place.path = mem_dup(options->path, strlen(options->path));
	wal->loop = options->loop;
	wal->writer = options->writer;
	wal->pool = options->pool;
	wal->timers = options->timers;
	wal->random = options->random;
	wal->segment_size = options->segment_size != 0 ? options->segment_size
						       : WAL_SEGMENT_SIZE;
	wal->keep_bytes =
		options->keep_bytes != 0 ? options->keep_bytes : WAL_KEEP_BYTES;
	wal->min_free =
		options->min_free != 0 ? options->min_free : WAL_MIN_FREE;
	wal->fail = options->fail;
	wal->fail_arg = options->fail_arg;
	MUST(wal->segment_size % WAL_BLOCK == 0);
	MUST(wal->segment_size >= WAL_SEGMENT_MIN);
	MUST(wal->segment_size <= WAL_SEGMENT_MAX);
}

/* "a" of "a/b", "." of "b", "/" of "/b". */
static char *parent_path(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return mem_dup(".", 1);
	if (slash == path)
		return mem_dup("/", 1);
	return mem_dup(path, (size_t)(slash - path));
}

/*
 * The directory itself; its name is durable afterwards. One that is there
 * already may have been made by a process that died before it could say so.
 */
static enum err wal_make_dir(const struct wal_place *place)
{
	enum err err = place->disk->mkdir(place->disk, place->path);
	char *parent;

	if (err != ERR_NONE && err != ERR_EXISTS)
		return err;
	parent = parent_path(place->path);
	err = place->disk->sync_dir(place->disk, parent);
	mem_free(parent);
	return err;
}

static void wal_init(struct wal *wal)
{
	list_init(&wal->kept);
	list_init(&wal->segments);
	list_init(&wal->queue);
	list_init(&wal->drop);
	list_init(&wal->batch.ops);
	wal->batch.wal = wal;
	wal->copy.wal = wal;
	wal->made_fd = -1;
	wal->ballast_gone = true;
	wal_form_init(wal);
	wal_space_init(wal);
}

enum err wal_open(const struct wal_options *options, struct wal **wal_r,
		  struct buf *why)
{
	struct wal *wal = mem_zalloc(1, sizeof(*wal));
	enum err err;

	buf_clear(why);
	wal_set_options(wal, options);
	wal_init(wal);
	err = wal_make_dir(&wal->place);
	if (err != ERR_NONE)
		buf_printf(why, "%s: cannot make the log's directory: %s",
			   wal->place.path, err_text(err));
	else
		err = wal_scan(wal, why);
	if (err != ERR_NONE) {
		wal_close(&wal);
		return err;
	}
	wal_space_kick(wal);
	*wal_r = wal;
	return ERR_NONE;
}

static void segments_free(struct wal *wal, struct list *segments)
{
	for (;;) {
		struct list *link = list_take(segments);
		struct wal_segment *segment;

		if (link == NULL)
			return;
		segment = LIST_ENTRY(link, struct wal_segment, link);
		wal_file_close(&wal->place, &segment->fd);
		mem_free(segment);
	}
}

void wal_close(struct wal **walp)
{
	struct wal *wal = *walp;

	*walp = NULL;
	timer_stop(wal->timers, &wal->idle);
	timer_stop(wal->timers, &wal->space);
	segments_free(wal, &wal->segments);
	segments_free(wal, &wal->kept);
	segments_free(wal, &wal->drop);
	wal_file_close(&wal->place, &wal->made_fd);
	if (wal->next != NULL)
		wal_file_close(&wal->place, &wal->next->fd);
	mem_free(wal->next);
	for (size_t i = 0; i < wal->group_count; i++) {
		wal_group_fini(wal->groups[i]);
		mem_free(wal->groups[i]);
	}
	mem_free(wal->groups);
	mem_free(wal->batch.items);
	buf_fini(&wal->batch.payloads);
	buf_fini(&wal->batch.octets);
	wal_copy_fini(&wal->copy);
	mem_free(wal->place.path);
	mem_free(wal);
}

void wal_maybe_stopped(struct wal *wal)
{
	wal_stopped *stopped = wal->stopped;

	if (!wal->stopping || stopped == NULL)
		return;
	if (wal->writing || wal->kicked || wal->file_busy ||
	    wal->copy.segment != NULL || !list_empty(&wal->queue))
		return;
	wal->stopped = NULL;
	stopped(wal->stopped_arg);
}

void wal_stop(struct wal *wal, wal_stopped *stopped, void *arg)
{
	MUST(!wal->stopping);
	wal->stopping = true;
	wal->stopped = stopped;
	wal->stopped_arg = arg;
	timer_stop(wal->timers, &wal->idle);
	timer_stop(wal->timers, &wal->space);
	wal_kick(wal); /* so that `stopped` is never called from in here */
}

bool wal_is_full(const struct wal *wal)
{
	return wal->full;
}

void wal_get_stats(const struct wal *wal, struct wal_stats *stats_r)
{
	*stats_r = wal->stats;
	stats_r->segments = 0;
	LIST_FOREACH (&wal->segments, it)
		stats_r->segments++;
	stats_r->kept_bytes = wal->kept_bytes;
}

struct wal_segment *wal_find_segment(struct wal *wal, uint64_t lsn)
{
	LIST_FOREACH (&wal->segments, it) {
		struct wal_segment *segment =
			LIST_ENTRY(it, struct wal_segment, link);

		if (lsn >= segment->head.start &&
		    lsn - segment->head.start < segment->head.size)
			return segment;
	}
	return NULL;
}

/* ---- operations ---- */

void wal_queue_op(struct wal_group *group, struct wal_op *op, int kind,
		  wal_done *done)
{
	struct wal *wal = group->wal;

	MUST(!wal->stopping || kind == WAL_OP_COPY);
	list_init(&op->link);
	op->group = group;
	op->kind = kind;
	op->done = done;
	list_append(&wal->queue, &op->link);
	wal_kick(wal);
}

void wal_append(struct wal_group *group, struct wal_op *op, uint64_t index,
		const struct wal_entry *entries, unsigned count, wal_done *done)
{
	MUST(count > 0);
	op->index = index;
	op->entries = entries;
	op->count = count;
	wal_queue_op(group, op, WAL_OP_APPEND, done);
}

void wal_set_term(struct wal_group *group, struct wal_op *op, uint64_t term,
		  wal_done *done)
{
	op->term = term;
	wal_queue_op(group, op, WAL_OP_TERM, done);
}

void wal_set_vote(struct wal_group *group, struct wal_op *op, uint64_t vote,
		  wal_done *done)
{
	op->index = vote;
	wal_queue_op(group, op, WAL_OP_VOTE, done);
}

void wal_truncate(struct wal_group *group, struct wal_op *op, uint64_t index,
		  wal_done *done)
{
	op->index = index;
	wal_queue_op(group, op, WAL_OP_TRUNCATE, done);
}

void wal_put_marker(struct wal_group *group, struct wal_op *op,
		    const struct wal_marker *marker, uint64_t first, bool reset,
		    wal_done *done)
{
	MUST(marker->index > 0 && first > 0);
	op->marker = *marker;
	op->first = first;
	op->reset = reset;
	wal_queue_op(group, op, WAL_OP_MARKER, done);
}

void wal_drop_group(struct wal_group *group, struct wal_op *op, wal_done *done)
{
	wal_queue_op(group, op, WAL_OP_DROP, done);
}
