/*
 * At the start: what the segments say and the index does not know.
 *
 * The happy path: each file that is not closed in the index is walked from
 * where the index ends; records go to the index; the file is cut behind its
 * last record, made durable and closed, since a later process never appends to
 * it. Only then may anything be said of its bodies: after the death of a
 * process the kernel may show octets that the disk has never seen.
 *
 * Failures: a file without any record is an upload that never ended, and goes.
 * A row whose file is missing means that the index is not of these segments:
 * ERR_CORRUPT, and it is made again.
 */
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "store/body_impl.h"

#define SCAN_BATCH 256 /* records of one index transaction */

struct scan {
	struct body_store *store;
	uint64_t *segments; /* files, in rising order */
	size_t count;
	size_t cap;

	struct body_index_write write;
	struct body_totals totals; /* counted anew when all is read */
	unsigned batched;          /* records in it */
	uint64_t records;          /* in this segment */
	bool scanned; /* some segment: its name may not be durable */
};

/* ---- files ---- */

static void scan_file(void *arg, const char *name)
{
	struct scan *scan = arg;
	uint64_t segment;

	if (!body_segment_number(name, &segment))
		return;
	if (scan->count == scan->cap) {
		scan->cap = scan->cap * 2 + 64;
		scan->segments = mem_realloc(
			scan->segments, scan->cap * sizeof(*scan->segments));
	}
	scan->segments[scan->count++] = segment;
}

static bool file_exists(const struct scan *scan, uint64_t segment)
{
	size_t low = 0;
	size_t high = scan->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (scan->segments[mid] < segment)
			low = mid + 1;
		else
			high = mid;
	}
	return low < scan->count && scan->segments[low] == segment;
}

/* Rows without files; and no number is given out twice. */
static void rows_compare(struct scan *scan, struct store_txn *txn)
{
	uint64_t next = 0;
	struct body_segment_row row;
	struct store_cursor cursor;
	uint64_t segment;
	bool more;

	if (scan->count > 0)
		next = scan->segments[scan->count - 1] + 1;
	store_cursor_init(&cursor, txn, BODY_TABLE_SEGMENT);
	for (more = store_cursor_seek(&cursor, SLICE_NONE);
	     more && body_index_segment_row(&cursor, &segment, &row);
	     more = store_cursor_next(&cursor)) {
		if (segment >= next)
			next = segment + 1;
		if (file_exists(scan, segment))
			continue;
		if (row.live > 0) {
			LOG_ERROR("%s: segment %llu is missing",
				  scan->store->path,
				  (unsigned long long)segment);
			store_txn_fail(txn, ERR_CORRUPT);
		}
		store_cursor_del(&cursor);
	}
	store_cursor_fini(&cursor);
	atomic_store(&scan->store->next_segment, next);
}

static enum err scan_rows(struct scan *scan)
{
	struct store_txn *txn;
	enum err err = store_write_begin(scan->store->index, &txn);

	if (err != ERR_NONE)
		return err;
	rows_compare(scan, txn);
	return store_commit(&txn);
}

/* ---- records ---- */

static void scan_record(struct scan *scan, const struct body_record *record)
{
	struct body_index_write *write = &scan->write;
	struct body_place new = body_place_of(record);
	struct body_place old;
	bool known = body_index_find(write->txn, &record->hash, &old) &&
		     !old.damaged;

	scan->records++;
	if (record->kind != BODY_KIND_HOLD && !known)
		body_index_put(write, &record->hash, &new);
	if (!body_hold_is_none(&record->hold))
		body_index_put_hold(write, &record->hash, &record->hold);
}

static enum err scan_batch_begin(struct scan *scan)
{
	return body_index_begin(scan->store->index, &scan->totals,
				&scan->write);
}

static enum err scan_batch_end(struct scan *scan, struct body_walk *walk)
{
	body_index_note(&scan->write, walk->segment, walk->end, false);
	scan->batched = 0;
	CRASH_POINT("body_scan_before_commit");
	return body_index_commit(&scan->write, &scan->totals);
}

static enum err scan_records(struct scan *scan, struct body_walk *walk)
{
	struct body_record record;
	struct slice octets;
	enum err err;

	while ((err = body_walk_next(walk, &record, &octets)) == ERR_NONE) {
		scan_record(scan, &record);
		if (++scan->batched < TUNED(scan_batch, SCAN_BATCH))
			continue;
		err = scan_batch_end(scan, walk);
		if (err == ERR_NONE)
			err = scan_batch_begin(scan);
		if (err != ERR_NONE)
			return err;
	}
	return err == ERR_END ? ERR_NONE : err;
}

/* ---- one segment ---- */

/* Cuts behind the last record; a stream is as long as it is. */
static enum err segment_trim(struct scan *scan, int fd,
			     const struct body_walk *walk)
{
	struct disk *disk = scan->store->disk;

	if (walk->end >= walk->size)
		return ERR_NONE;
	return disk->truncate(disk, fd, walk->end);
}

static enum err segment_read(struct scan *scan, int fd, uint64_t segment,
			     uint64_t from)
{
	struct disk *disk = scan->store->disk;
	struct body_walk walk;
	enum err err;

	scan->records = 0;
	err = body_walk_init(&walk, disk, fd, segment, from);
	if (err == ERR_NONE)
		err = scan_batch_begin(scan);
	if (err != ERR_NONE)
		goto out;
	err = scan_records(scan, &walk);
	if (err == ERR_NONE && (scan->records > 0 || from > 0)) {
		body_index_note(&scan->write, segment, walk.end, true);
		err = segment_trim(scan, fd, &walk);
	}
	if (err != ERR_NONE && scan->write.txn)
		store_end(&scan->write.txn);
	else if (err == ERR_NONE)
		err = body_index_commit(&scan->write, &scan->totals);
	scan->batched = 0;
out:
	body_walk_fini(&walk);
	return err;
}

static enum err segment_scan(struct scan *scan, uint64_t segment, uint64_t from)
{
	struct body_store *store = scan->store;
	struct disk *disk = store->disk;
	struct buf path = { 0 };
	int fd;
	enum err err =
		disk->open(disk, body_segment_path(store->path, segment, &path),
			   DISK_WRITE, &fd);

	buf_fini(&path);
	if (err != ERR_NONE)
		return err;
	err = segment_read(scan, fd, segment, from);
	if (err == ERR_NONE && !MUTANT("M57"))
		err = disk->sync(disk, fd);
	disk->close(disk, fd);
	scan->scanned = true;
	if (err == ERR_NONE && scan->records == 0 && from == 0)
		body_segment_remove(store, segment);
	return err;
}

static enum err segment_row(struct body_store *store, uint64_t segment,
			    struct body_segment_row *row_r)
{
	struct store_txn *txn;
	enum err err = store_read_begin(store->index, &txn);

	if (err != ERR_NONE)
		return err;
	if (!body_index_segment(txn, segment, row_r))
		*row_r = (struct body_segment_row){ 0 };
	err = store_txn_error(txn);
	store_end(&txn);
	return err;
}

enum err body_scan(struct body_store *store)
{
	struct scan scan = { .store = store };
	enum err err =
		store->disk->list(store->disk, store->path, scan_file, &scan);

	if (err == ERR_NONE)
		err = scan_rows(&scan);
	for (size_t i = 0; err == ERR_NONE && i < scan.count; i++) {
		struct body_segment_row row;

		err = segment_row(store, scan.segments[i], &row);
		if (err != ERR_NONE || row.closed || MUTANT("M49"))
			continue;
		err = segment_scan(&scan, scan.segments[i], row.end);
	}
	if (err == ERR_NONE && scan.scanned)
		err = store->disk->sync_dir(store->disk, store->path);
	mem_free(scan.segments);
	return err;
}
