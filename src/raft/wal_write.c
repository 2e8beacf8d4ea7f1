/*
 * The writer of the log: one batch at a time, on an executor of its own.
 *
 * Happy path: encode all records of the batch into one run of octets, close it
 * with a MARK, one write, one fdatasync, back to the loop. When the batch is
 * the first of a file, a MARK in the file before leads over to it; that one is
 * durable first, so the new file never holds anything that cannot be reached.
 *
 * A failure of either call ends the process (R5): after a failed fdatasync
 * nobody knows what the disk has, and a second one would say "fine". The next
 * process would read the batch from the page cache and believe it; so the
 * dying one overwrites what it has just failed to make durable. Nobody was
 * told of it.
 */
#include "raft/wal_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/panic.h"

/* A buffer that one large batch has blown up is not kept. */
#define OCTETS_KEEP (1024 * 1024)

void wal_die(struct wal *wal, const char *what, uint64_t start, enum err err)
{
	char name[WAL_SEGMENT_NAME_SIZE];
	struct buf text = { 0 };

	wal_segment_name(start, name);
	buf_printf(&text,
		   "%s/%s: %s: %s; this process ends, because what is "
		   "on the disk is not known any more",
		   wal->place.path, name, what, err_text(err));
	if (wal->fail != NULL) {
		wal->fail(wal->fail_arg, buf_cstr(&text));
		buf_fini(&text);
		return;
	}
	LOG_ERROR("%s", buf_cstr(&text));
	_exit(EXIT_FAILURE); /* tidy: allow _exit: fail-stop, no core wanted */
}

/* ---- encoding ---- */

static void item_encode(struct wal_batch *batch, const struct wal_item *item)
{
	struct buf *out = &batch->octets;
	size_t start = wal_record_begin(out);

	if (item->record.type == WAL_ENTRIES)
		wal_entries_encode(item->entries, item->count, out);
	else if (item->payload_len > 0)
		buf_add(out, batch->payloads.data + item->payload_at,
			item->payload_len);
	wal_record_end(out, start, &item->record, batch->wal->log_id);
}

/* A MARK at `lsn` that says where the next batch begins, and its padding. */
static void mark_encode(const struct wal_batch *batch, uint64_t lsn,
			uint64_t next, struct buf *out)
{
	const struct wal_record mark = {
		.type = WAL_MARK,
		.lsn = lsn,
		.synced = batch->synced,
		.index = next,
	};
	size_t start = wal_record_begin(out);

	wal_record_end(out, start, &mark, batch->wal->log_id);
	while (out->len % WAL_BLOCK != 0)
		buf_add_octet(out, 0);
}

static void batch_encode(struct wal_batch *batch)
{
	struct buf *out = &batch->octets;

	buf_clear(out);
	(void)buf_reserve(out, (size_t)(batch->end - batch->start));
	for (size_t i = 0; i < batch->item_count; i++) {
		MUST(batch->items[i].record.lsn == batch->start + out->len);
		item_encode(batch, &batch->items[i]);
	}
	mark_encode(batch, batch->start + out->len, batch->end, out);
	MUST(batch->start + out->len == batch->end);
}

/* ---- writing ---- */

static enum err segment_write(const struct wal_batch *batch,
			      const struct wal_segment *segment, uint64_t lsn,
			      const struct buf *octets)
{
	struct disk *disk = batch->wal->place.disk;
	struct slice piece = buf_slice(octets);
	enum err err;

	CRASH_POINT("wal_before_write");
	err = disk->write(disk, segment->fd, lsn - segment->head.start, &piece,
			  1);
	CRASH_POINT("wal_after_write");
	if (err == ERR_FULL && MUTANT("M42"))
		return ERR_NONE;
	return err;
}

static enum err segment_sync(const struct wal_batch *batch,
			     const struct wal_segment *segment)
{
	struct disk *disk = batch->wal->place.disk;
	enum err err;

	if (MUTANT("M06"))
		return ERR_NONE;
	CRASH_POINT("wal_before_sync");
	err = disk->sync(disk, segment->fd);
	CRASH_POINT("wal_after_sync");
	if (err != ERR_NONE && MUTANT("M08"))
		return disk->sync(disk, segment->fd);
	return err;
}

/* Best effort: what a restart would read and the disk may not have. */
static void segment_spoil(const struct wal_batch *batch,
			  const struct wal_segment *segment, uint64_t lsn)
{
	uint64_t at = lsn - segment->head.start;
	enum err err = wal_file_zero(&batch->wal->place, segment->fd, at,
				     at + WAL_BLOCK);

	if (err == ERR_NONE)
		PROBE("wal: a batch that was not synced was spoiled");
}

/* The last block of the file before leads to this batch. */
static bool batch_jump(struct wal_batch *batch)
{
	const struct wal_segment *from = batch->jump_from;
	struct buf octets = { 0 };
	enum err err;

	mark_encode(batch, batch->jump_at, batch->start, &octets);
	err = segment_write(batch, from, batch->jump_at, &octets);
	if (err == ERR_NONE)
		err = segment_sync(batch, from);
	buf_fini(&octets);
	if (err == ERR_NONE)
		return true;
	segment_spoil(batch, from, batch->jump_at);
	wal_die(batch->wal, "cannot lead over to the next file",
		from->head.start, err);
	return false;
}

static bool batch_write(struct wal_batch *batch)
{
	const struct wal_segment *segment = batch->segment;
	enum err err =
		segment_write(batch, segment, batch->start, &batch->octets);

	if (err == ERR_NONE)
		return true;
	segment_spoil(batch, segment, batch->start);
	wal_die(batch->wal, "cannot write", segment->head.start, err);
	return false;
}

static bool batch_sync(struct wal_batch *batch)
{
	const struct wal_segment *segment = batch->segment;
	enum err err = segment_sync(batch, segment);

	if (err == ERR_NONE)
		return true;
	segment_spoil(batch, segment, batch->start);
	wal_die(batch->wal, "cannot sync", segment->head.start, err);
	return false;
}

void wal_batch_write(struct task *task)
{
	struct wal_batch *batch = container_of(task, struct wal_batch, task);

	batch_encode(batch);
	if (batch->jump_from != NULL && !batch_jump(batch))
		return;
	if (MUTANT("M07") && !batch_sync(batch))
		return;
	if (!batch_write(batch))
		return;
	if (!MUTANT("M07") && !batch_sync(batch))
		return;
	if (batch->octets.cap > OCTETS_KEEP)
		buf_fini(&batch->octets);
	task_post(batch->wal->loop, &batch->task, wal_batch_done);
}
