/*
 * Slow groups leave the oldest file.
 *
 * A file can be released when no group needs a record in it. A group that is
 * written to seldom would hold it for ever; so when more than WAL_CHAIN_MAX
 * files are needed, what is still needed of the oldest is read back and
 * appended again, as a copy that changes nothing. The next file's head then
 * says that the oldest is not needed any more.
 *
 * Run by run: read on the pool, append by the loop, wait until it is durable.
 */
#include "raft/wal_internal.h"

#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"

static void copy_end(struct wal_copy *copy)
{
	mem_free(copy->entries);
	copy->entries = NULL;
	copy->segment = NULL;
	buf_clear(&copy->octets);
}

void wal_copy_fini(struct wal_copy *copy)
{
	mem_free(copy->entries);
	buf_fini(&copy->octets);
}

bool wal_copy_is_stale(const struct wal_copy *copy)
{
	const struct wal_run *run =
		wal_group_find_run(copy->group, copy->run.index);

	return run == NULL || run->lsn != copy->run.lsn;
}

/* ---- on the pool ---- */

static enum err copy_decode(struct wal_copy *copy)
{
	struct wal_record record;
	struct wal_entries entries;
	size_t size;
	enum err err =
		wal_record_decode(buf_slice(&copy->octets), copy->wal->log_id,
				  copy->run.lsn, &record, &size);

	if (err == ERR_NONE)
		err = wal_entries_decode(record.payload, &entries);
	if (err != ERR_NONE || record.index != copy->run.index ||
	    entries.count < copy->run.count)
		return ERR_CORRUPT;
	copy->entries = mem_zalloc(entries.count, sizeof(*copy->entries));
	for (unsigned i = 0; wal_entries_next(&entries, &copy->entries[i]);)
		i++;
	return ERR_NONE;
}

static void copy_loaded(struct task *task);

static void copy_load(struct task *task)
{
	struct wal_copy *copy = container_of(task, struct wal_copy, task);
	struct disk *disk = copy->wal->place.disk;

	buf_clear(&copy->octets);
	copy->err = disk->read(disk, copy->segment->fd,
			       copy->run.lsn - copy->segment->head.start,
			       buf_reserve(&copy->octets, copy->run.size),
			       copy->run.size);
	copy->octets.len = copy->run.size;
	if (copy->err == ERR_NONE)
		copy->err = copy_decode(copy);
	task_post(copy->wal->loop, task, copy_loaded);
}

/* ---- on the loop ---- */

static void copy_done(struct wal_op *op)
{
	struct wal_copy *copy = container_of(op, struct wal_copy, op);
	struct wal *wal = copy->wal;

	PROBE("wal: entries were copied out of the oldest file");
	copy_end(copy);
	wal_copy_kick(wal);
}

static void copy_loaded(struct task *task)
{
	struct wal_copy *copy = container_of(task, struct wal_copy, task);
	struct wal *wal = copy->wal;

	if (copy->err != ERR_NONE && !wal_copy_is_stale(copy)) {
		wal->failed = true;
		wal_die(wal, "cannot read an entry back",
			copy->segment->head.start, copy->err);
		return;
	}
	if (copy->err != ERR_NONE || wal->stopping) {
		copy_end(copy);
		wal_maybe_stopped(wal);
		return;
	}
	copy->op.index = copy->run.index;
	copy->op.entries = copy->entries;
	copy->op.count = copy->run.count;
	wal_queue_op(copy->group, &copy->op, WAL_OP_COPY, copy_done);
}

/* Some run in this file, or NULL. */
static const struct wal_run *run_in(const struct wal_group *group,
				    const struct wal_segment *segment)
{
	for (size_t i = 0; i < group->run_count; i++) {
		uint64_t lsn = group->runs[i].lsn;

		if (lsn >= segment->head.start &&
		    lsn - segment->head.start < segment->head.size)
			return &group->runs[i];
	}
	return NULL;
}

static unsigned chain_length(const struct wal *wal)
{
	unsigned length = 0;

	LIST_FOREACH (&wal->segments, it)
		length++;
	return length;
}

void wal_copy_kick(struct wal *wal)
{
	struct wal_copy *copy = &wal->copy;
	struct wal_segment *segment =
		LIST_ENTRY(wal->segments.next, struct wal_segment, link);

	if (copy->segment != NULL || wal->failed || wal->stopping ||
	    chain_length(wal) <= WAL_CHAIN_MAX)
		return;
	for (size_t i = 0; i < wal->group_count; i++) {
		const struct wal_run *run = run_in(wal->groups[i], segment);

		if (run == NULL)
			continue;
		copy->segment = segment;
		copy->group = wal->groups[i];
		copy->run = *run;
		task_post(wal->pool, &copy->task, copy_load);
		return;
	}
}
