/*
 * Opening an existing log: which files it has, what they say, where it ends.
 *
 * The newest file says how far back the log is needed. From the file that
 * holds that lsn on, batch after batch is replayed into the groups, until a
 * batch has no MARK: there, at lsn L, the log ends. It is a torn tail if
 * nothing behind says otherwise. A valid record behind L that was written when
 * everything up to some lsn > L was durable says otherwise: then L was durable
 * once and is damaged now, and nothing may be built on this log.
 *
 * Older files are kept for imports. A newer one was made ready and never
 * reached: it goes. Old records behind L are overwritten with zeroes, because
 * L will be written again and must not run into them.
 */
#include "raft/wal_internal.h"

#include <inttypes.h>
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"

static const char what_to_do[] =
	"Nothing was changed. Do not delete files of the log: acknowledged "
	"mail may be in no other place. With replicas on other nodes, remove "
	"this node, empty its data directory and let it join again; without, "
	"restore the whole data directory from a backup.";

/* Where the reading stands. */
struct scan {
	struct wal *wal;
	struct buf *why;
	struct wal_segment *segment;
	uint8_t *octets; /* of the whole file */
	uint64_t at;     /* lsn of the batch */
};

static enum err scan_refuse(struct scan *scan, uint64_t start, uint64_t lsn,
			    const char *what, enum err err)
{
	char name[WAL_SEGMENT_NAME_SIZE];

	wal_segment_name(start, name);
	buf_printf(scan->why, "%s/%s, octet %" PRIu64 ": %s. %s",
		   scan->wal->place.path, name, lsn - start, what,
		   err == ERR_VERSION
			   ? "It was written by a later release; start that."
			   : what_to_do);
	return err;
}

static enum err scan_refuse_here(struct scan *scan, uint64_t lsn,
				 const char *what, enum err err)
{
	return scan_refuse(scan, scan->segment->head.start, lsn, what, err);
}

/* ---- which files ---- */

struct names {
	uint64_t *starts; /* ascending: names sort as their numbers do */
	size_t count;
	size_t cap;
};

static void names_add(void *arg, const char *name)
{
	struct names *names = arg;
	uint64_t start;

	if (!wal_segment_parse_name(name, &start))
		return;
	if (names->count == names->cap) {
		names->cap = names->cap == 0 ? 64 : names->cap * 2;
		names->starts =
			mem_realloc(names->starts, names->cap * sizeof(start));
	}
	names->starts[names->count++] = start;
}

static struct wal_segment *segment_new(const struct wal_segment_head *head,
				       int fd)
{
	struct wal_segment *segment = mem_zalloc(1, sizeof(*segment));

	list_init(&segment->link);
	segment->head = *head;
	segment->fd = fd;
	return segment;
}

/* Opens one file; a damaged head is ERR_CORRUPT. */
static enum err segment_open(struct scan *scan, uint64_t start,
			     struct wal_segment **segment_r)
{
	const struct wal_place *place = &scan->wal->place;
	struct wal_segment_head head = { 0 };
	int fd = -1;
	enum err err = wal_file_open(place, start, &fd);

	if (err == ERR_NONE)
		err = wal_file_read_head(place, fd, &head);
	if (err == ERR_NONE && head.start != start)
		err = ERR_CORRUPT;
	if (err != ERR_NONE) {
		wal_file_close(place, &fd);
		return err;
	}
	*segment_r = segment_new(&head, fd);
	return ERR_NONE;
}

/* Below the needed range: kept for imports if it is whole. */
static enum err take_released(struct scan *scan, uint64_t start)
{
	struct wal *wal = scan->wal;
	struct wal_segment *segment;
	enum err err = segment_open(scan, start, &segment);

	if (err == ERR_CORRUPT || err == ERR_VERSION) {
		LOG_WARN("%s: the old file %016" PRIx64 ".wal is damaged; "
			 "nothing needs it, it may be deleted",
			 wal->place.path, start);
		return ERR_NONE;
	}
	if (err != ERR_NONE)
		return err;
	wal_file_close(&wal->place, &segment->fd);
	wal->kept_bytes += segment->head.size;
	list_prepend(&wal->kept, &segment->link);
	return ERR_NONE;
}

static enum err take_needed(struct scan *scan, uint64_t start)
{
	struct wal *wal = scan->wal;
	struct wal_segment *segment;
	struct wal_segment *newer = NULL;
	enum err err = segment_open(scan, start, &segment);

	if (err == ERR_CORRUPT || err == ERR_VERSION)
		return scan_refuse(scan, start, start,
				   "the file's head is damaged", err);
	if (err != ERR_NONE)
		return err;
	if (!list_empty(&wal->segments))
		newer = LIST_ENTRY(wal->segments.next, struct wal_segment,
				   link);
	list_prepend(&wal->segments, &segment->link);
	if (newer == NULL) {
		wal->log_id = segment->head.log_id;
		return ERR_NONE;
	}
	if (segment->head.log_id != wal->log_id)
		return scan_refuse(scan, start, start,
				   "the file belongs to another log",
				   ERR_CORRUPT);
	if (start + segment->head.size != newer->head.start)
		return scan_refuse(scan, start, start + segment->head.size,
				   "the file that follows is missing",
				   ERR_CORRUPT);
	return ERR_NONE;
}

static struct wal_segment *oldest(struct wal *wal)
{
	return LIST_ENTRY(wal->segments.next, struct wal_segment, link);
}

/* From the newest to the oldest. */
static enum err take_files(struct scan *scan, const struct names *names)
{
	struct wal *wal = scan->wal;
	uint64_t needed = UINT64_MAX;
	enum err err = ERR_NONE;

	for (size_t i = names->count; i-- > 0 && err == ERR_NONE;) {
		if (list_empty(&wal->segments) ||
		    oldest(wal)->head.start > needed)
			err = take_needed(scan, names->starts[i]);
		else
			err = take_released(scan, names->starts[i]);
		if (err == ERR_NONE && i == names->count - 1)
			needed = oldest(wal)->head.needed;
	}
	if (err != ERR_NONE)
		return err;
	if (oldest(wal)->head.start > needed)
		return scan_refuse(
			scan, oldest(wal)->head.start, oldest(wal)->head.start,
			"the file before this one is missing", ERR_CORRUPT);
	return ERR_NONE;
}

/* ---- what they say ---- */

static uint64_t segment_end(const struct wal_segment *segment)
{
	return segment->head.start + segment->head.size;
}

static uint64_t segment_first(const struct wal_segment *segment)
{
	return segment->head.start + WAL_BLOCK;
}

static enum err load(struct scan *scan, struct wal_segment *segment)
{
	const struct wal_place *place = &scan->wal->place;
	enum err err;

	mem_free(scan->octets);
	scan->segment = segment;
	scan->octets = mem_alloc((size_t)segment->head.size);
	err = place->disk->read(place->disk, segment->fd, 0, scan->octets,
				(size_t)segment->head.size);
	if (err == ERR_END)
		return scan_refuse_here(scan, segment->head.start,
					"the file is cut short", ERR_CORRUPT);
	return err;
}

/* The rest of the file from `lsn` on. */
static struct slice octets_at(const struct scan *scan, uint64_t lsn)
{
	uint64_t from = lsn - scan->segment->head.start;

	return slice_of(scan->octets + from,
			(size_t)(scan->segment->head.size - from));
}

static enum err record_at(const struct scan *scan, uint64_t lsn,
			  struct wal_record *record_r, size_t *size_r)
{
	return wal_record_decode(octets_at(scan, lsn), scan->wal->log_id, lsn,
				 record_r, size_r);
}

/*
 * Is there a whole batch? ERR_NOTFOUND: no; `*next_r` is where the batch
 * behind it begins.
 */
static enum err batch_check(const struct scan *scan, uint64_t *next_r)
{
	uint64_t lsn = scan->at;
	struct wal_record record;
	size_t size;
	enum err err;

	while (lsn < segment_end(scan->segment)) {
		err = record_at(scan, lsn, &record, &size);
		if (err == ERR_NOTFOUND && MUTANT("M10")) {
			lsn += 8;
			continue;
		}
		if (err != ERR_NONE)
			return err;
		lsn += size;
		if (record.type == WAL_MARK) {
			*next_r = record.index;
			return ERR_NONE;
		}
	}
	return ERR_NOTFOUND;
}

static enum err batch_replay(struct scan *scan)
{
	uint64_t lsn = scan->at;
	struct wal_record record;
	size_t size;
	enum err err;

	for (;; lsn += size) {
		err = record_at(scan, lsn, &record, &size);
		if (err == ERR_NOTFOUND && MUTANT("M10")) {
			size = 8;
			continue;
		}
		MUST(err == ERR_NONE); /* batch_check saw it */
		if (record.type == WAL_MARK)
			return ERR_NONE;
		err = wal_group_replay(wal_find_group(scan->wal, record.group),
				       &record);
		if (err != ERR_NONE)
			return scan_refuse_here(
				scan, lsn,
				"the record does not fit to those before it",
				err);
	}
}

/* The batch behind begins on a block of this file, or opens the next one. */
static bool next_is_sane(const struct scan *scan, uint64_t next)
{
	const struct wal_segment *segment = scan->segment;

	if (next == segment_end(segment) + WAL_BLOCK)
		return segment->link.next != &scan->wal->segments;
	return next > scan->at && next % WAL_BLOCK == 0 &&
	       next < segment_end(segment);
}

/* Replays until the log ends, at scan->at in scan->segment. */
static enum err replay_all(struct scan *scan)
{
	enum err err = load(scan, oldest(scan->wal));
	uint64_t next;

	if (err != ERR_NONE)
		return err;
	scan->at = segment_first(scan->segment);
	for (;;) {
		err = batch_check(scan, &next);
		if (err == ERR_NOTFOUND)
			return ERR_NONE;
		if (err != ERR_NONE)
			return scan_refuse_here(scan, scan->at,
						"a record of unknown kind",
						err);
		if (!next_is_sane(scan, next))
			return scan_refuse_here(scan, scan->at,
						"the batch leads nowhere",
						ERR_CORRUPT);
		err = batch_replay(scan);
		if (err == ERR_NONE && next > segment_end(scan->segment))
			err = load(scan, LIST_ENTRY(scan->segment->link.next,
						    struct wal_segment, link));
		if (err != ERR_NONE)
			return err;
		scan->at = next;
	}
}

/* ---- what stands behind the end ---- */

struct remains {
	bool any;        /* valid records */
	uint64_t synced; /* the highest that they know */
};

static void look_behind(const struct scan *scan, uint64_t from,
			struct remains *remains)
{
	struct wal_record record;
	size_t size;

	for (uint64_t lsn = from; lsn < segment_end(scan->segment); lsn += 8) {
		if (!wal_record_plausible(octets_at(scan, lsn), lsn))
			continue;
		if (record_at(scan, lsn, &record, &size) == ERR_NOTFOUND)
			continue;
		remains->any = true;
		if (record.synced > remains->synced)
			remains->synced = record.synced;
	}
}

static enum err refuse_end(struct scan *scan, uint64_t synced)
{
	struct buf text = { 0 };
	enum err err;

	buf_printf(&text,
		   "the record is damaged, though the log was durable up to "
		   "octet %" PRIu64 " of all its files",
		   synced);
	err = scan_refuse_here(scan, scan->at, buf_cstr(&text), ERR_CORRUPT);
	buf_fini(&text);
	return err;
}

/* Removes the files behind the last one that was reached. */
static enum err drop_unreached(struct scan *scan, struct wal_segment *last)
{
	struct wal *wal = scan->wal;
	enum err err = ERR_NONE;

	while (err == ERR_NONE && wal->segments.prev != &last->link) {
		struct wal_segment *segment = LIST_ENTRY(
			wal->segments.prev, struct wal_segment, link);

		wal_file_close(&wal->place, &segment->fd);
		err = wal_file_remove(&wal->place, segment->head.start);
		list_remove(&segment->link);
		mem_free(segment);
	}
	if (err != ERR_NONE)
		return err;
	return wal->place.disk->sync_dir(wal->place.disk, wal->place.path);
}

/* Torn or damaged? `*any_r`: records of a torn batch stand behind the end. */
static enum err judge_end(struct scan *scan, bool *any_r)
{
	struct wal_segment *last = scan->segment;
	struct remains here = { 0 };
	struct remains behind = { 0 };
	uint64_t synced;
	enum err err;

	look_behind(scan, scan->at, &here);
	for (struct list *it = last->link.next; it != &scan->wal->segments;
	     it = it->next) {
		err = load(scan, LIST_ENTRY(it, struct wal_segment, link));
		if (err != ERR_NONE)
			return err;
		look_behind(scan, segment_first(scan->segment), &behind);
	}
	scan->segment = last;
	synced = here.synced > behind.synced ? here.synced : behind.synced;
	*any_r = here.any;
	return synced > scan->at ? refuse_end(scan, synced) : ERR_NONE;
}

/* The torn tail is cleared, so that it can be written again. */
static enum err clear_tail(struct scan *scan)
{
	const struct wal_segment *last = scan->segment;

	PROBE("wal: a torn tail was cleared");
	return wal_file_zero(&scan->wal->place, last->fd,
			     scan->at - last->head.start, last->head.size);
}

/*
 * What was read may have been in the page cache only: a process that died
 * between write and sync. It must be durable before anybody builds on it.
 */
static enum err sync_all(struct wal *wal)
{
	struct disk *disk = wal->place.disk;
	enum err err = ERR_NONE;

	if (MUTANT("M56"))
		return ERR_NONE;
	LIST_FOREACH (&wal->segments, it) {
		err = disk->sync(disk,
				 LIST_ENTRY(it, struct wal_segment, link)->fd);
		if (err != ERR_NONE)
			break;
	}
	return err;
}

static enum err check_groups(struct scan *scan)
{
	struct wal *wal = scan->wal;
	struct buf text = { 0 };
	uint64_t missing;
	enum err err = ERR_NONE;

	for (size_t i = 0; i < wal->group_count && err == ERR_NONE; i++) {
		if (wal_group_complete(wal->groups[i], &missing))
			continue;
		buf_printf(&text,
			   "entry %" PRIu64 " of group %" PRIu32 " is missing",
			   missing, wal->groups[i]->id);
		err = scan_refuse_here(scan, scan->at, buf_cstr(&text),
				       ERR_CORRUPT);
	}
	buf_fini(&text);
	return err;
}

static enum err scan_run(struct scan *scan)
{
	struct wal *wal = scan->wal;
	bool torn = false;
	enum err err = replay_all(scan);

	if (err == ERR_NONE)
		err = judge_end(scan, &torn);
	if (err == ERR_NONE)
		err = check_groups(scan);
	if (err == ERR_NONE && torn)
		err = clear_tail(scan);
	if (err == ERR_NONE)
		err = drop_unreached(scan, scan->segment);
	if (err == ERR_NONE)
		err = sync_all(wal);
	if (err != ERR_NONE)
		return err;
	wal->current = scan->segment;
	wal->at = scan->at;
	wal->durable = scan->at;
	return ERR_NONE;
}

/* The first file of a new log. */
static enum err scan_make(struct wal *wal)
{
	struct wal_make make = { 0 };
	int fd;
	enum err err;

	wal->log_id = random_u64(wal->random);
	make.head.log_id = wal->log_id;
	make.head.start = WAL_BLOCK;
	make.head.size = wal->segment_size;
	make.head.needed = make.head.start;
	err = wal_file_make(&wal->place, &make, &fd);
	if (err != ERR_NONE)
		return err;
	wal->current = segment_new(&make.head, fd);
	list_append(&wal->segments, &wal->current->link);
	wal->at = segment_first(wal->current);
	wal->durable = wal->at;
	return ERR_NONE;
}

enum err wal_scan(struct wal *wal, struct buf *why)
{
	struct scan scan = { .wal = wal, .why = why };
	struct names names = { 0 };
	enum err err;

	err = wal->place.disk->list(wal->place.disk, wal->place.path, names_add,
				    &names);
	if (err == ERR_NONE && names.count == 0) {
		err = scan_make(wal);
	} else if (err == ERR_NONE) {
		err = take_files(&scan, &names);
		if (err == ERR_NONE)
			err = scan_run(&scan);
	}
	if (err != ERR_NONE && why->len == 0)
		buf_printf(why, "%s: cannot read or write the log: %s",
			   wal->place.path, err_text(err));
	mem_free(scan.octets);
	mem_free(names.starts);
	return err;
}
