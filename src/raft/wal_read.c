/*
 * Reading a group's entries back (wal_read.h).
 *
 * Happy path: the newest file at whose beginning the group had none of the
 * wanted entries is where the search begins. From there to the end of what is
 * durable all records are looked through once, because a later record may
 * replace what an earlier one says: what remains is a short list of stretches
 * of the log. Then the stretches are read, record by record.
 *
 * Failures: a record that is not what it must be stands in a file that was
 * used again meanwhile: the entries are gone, and the caller finds another way.
 */
#include "raft/wal_read.h"

#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"
#include "raft/wal_internal.h"

/* Octets of one read: some records, and the largest one fits. */
#define READ_CHUNK (4u * 1024 * 1024)

/* Of one that looks only how a file begins: the states of its groups. */
#define PEEK_CHUNK (128u * 1024)

/*
 * Stretches of one search. A new one begins where entries were replaced, that
 * is at a change of leaders.
 */
#define STRETCHES_MAX 4096

struct read_file {
	uint64_t start;
	uint64_t size;
};

/* Entries index .. end - 1: in records from `lsn` on, in order. */
struct stretch {
	uint64_t index;
	uint64_t end;
	uint64_t lsn;
};

struct wal_reader {
	struct wal_place place;
	uint64_t log_id;
	uint32_t group;
	uint64_t next; /* index to give */
	uint64_t last;
	uint64_t upto; /* lsn: everything below is durable */

	struct read_file *files; /* oldest first */
	size_t file_count;

	/* a window into one file */
	size_t chunk;
	size_t file; /* that is open; if fd >= 0 */
	int fd;
	uint64_t window; /* lsn of its first octet */
	struct buf octets;

	bool searched;
	struct stretch *stretches;
	bool broken; /* what follows is not the last stretch's */
	size_t stretch_count;
	size_t stretch_at;
	uint64_t lsn; /* of the record to read */
};

/* ---- opening ---- */

static void files_add(struct wal_reader *reader, const struct list *segments)
{
	LIST_FOREACH (segments, it) {
		const struct wal_segment *segment =
			LIST_ENTRY(it, const struct wal_segment, link);

		reader->files = mem_realloc(reader->files,
					    (reader->file_count + 1) *
						    sizeof(*reader->files));
		reader->files[reader->file_count++] = (struct read_file){
			segment->head.start,
			segment->head.size,
		};
	}
}

struct wal_reader *wal_reader_open(struct wal_group *group, uint64_t first,
				   uint64_t last)
{
	const struct wal *wal = group->wal;
	struct wal_reader *reader = mem_zalloc(1, sizeof(*reader));

	MUST(first > 0);
	reader->place.disk = wal->place.disk;
	reader->place.path = mem_dup(wal->place.path, strlen(wal->place.path));
	reader->log_id = wal->log_id;
	reader->group = group->id;
	reader->next = first;
	reader->last = last;
	reader->upto = wal->durable;
	reader->fd = -1;
	files_add(reader, &wal->kept);
	files_add(reader, &wal->segments);
	return reader;
}

void wal_reader_close(struct wal_reader **readerp)
{
	struct wal_reader *reader = *readerp;

	*readerp = NULL;
	wal_file_close(&reader->place, &reader->fd);
	buf_fini(&reader->octets);
	mem_free(reader->stretches);
	mem_free(reader->files);
	mem_free(reader->place.path);
	mem_free(reader);
}

/* ---- records ---- */

static uint64_t file_end(const struct read_file *file)
{
	return file->start + file->size;
}

static enum err file_open(struct wal_reader *reader, size_t file)
{
	if (reader->fd >= 0 && reader->file == file)
		return ERR_NONE;
	wal_file_close(&reader->place, &reader->fd);
	buf_clear(&reader->octets);
	reader->file = file;
	return wal_file_open(&reader->place, reader->files[file].start,
			     &reader->fd);
}

static enum err window_load(struct wal_reader *reader, size_t file,
			    uint64_t lsn, size_t chunk)
{
	struct disk *disk = reader->place.disk;
	uint64_t len = file_end(&reader->files[file]) - lsn;
	enum err err = file_open(reader, file);

	if (err != ERR_NONE)
		return err;
	if (len > chunk)
		len = chunk;
	buf_clear(&reader->octets);
	err = disk->read(disk, reader->fd, lsn - reader->files[file].start,
			 buf_reserve(&reader->octets, (size_t)len),
			 (size_t)len);
	if (err != ERR_NONE)
		return err;
	reader->octets.len = (size_t)len;
	reader->window = lsn;
	return ERR_NONE;
}

/* What of the window stands at `lsn`; none: it is not in it. */
static struct slice window_at(const struct wal_reader *reader, size_t file,
			      uint64_t lsn)
{
	if (reader->fd < 0 || reader->file != file || lsn < reader->window ||
	    lsn - reader->window >= reader->octets.len)
		return SLICE_NONE;
	return slice_from(buf_slice(&reader->octets),
			  (size_t)(lsn - reader->window));
}

/* In which file; false: in none that there was. */
static bool file_find(const struct wal_reader *reader, uint64_t lsn,
		      size_t *file_r)
{
	for (size_t i = 0; i < reader->file_count; i++) {
		if (lsn < reader->files[i].start ||
		    lsn >= file_end(&reader->files[i]))
			continue;
		*file_r = i;
		return true;
	}
	return false;
}

static bool record_decode(const struct wal_reader *reader, size_t file,
			  uint64_t lsn, struct wal_record *record_r,
			  size_t *size_r)
{
	struct slice in = window_at(reader, file, lsn);

	return in.len > 0 && wal_record_decode(in, reader->log_id, lsn,
					       record_r, size_r) == ERR_NONE;
}

/*
 * The record at `lsn`, borrowed until the next call; `*next_r` is where the one
 * behind it stands. ERR_NOTFOUND: it is gone; ERR_IO.
 */
static enum err record_read(struct wal_reader *reader, uint64_t lsn,
			    struct wal_record *record_r, uint64_t *next_r)
{
	size_t chunk = reader->chunk;
	size_t size;
	size_t file;
	enum err err;

	if (!file_find(reader, lsn, &file))
		return ERR_NOTFOUND;
	while (!record_decode(reader, file, lsn, record_r, &size)) {
		if (chunk > READ_CHUNK)
			return ERR_NOTFOUND;
		err = window_load(reader, file, lsn, chunk);
		if (err != ERR_NONE)
			return err == ERR_IO ? ERR_IO : ERR_NOTFOUND;
		chunk = chunk < READ_CHUNK ? READ_CHUNK : READ_CHUNK + 1;
	}
	*next_r = record_r->type == WAL_MARK ? record_r->index : lsn + size;
	return ERR_NONE;
}

/* ---- the search ---- */

/*
 * The group's last index where this file begins; ERR_END: nothing durable
 * stands in it.
 */
static enum err file_begins_with(struct wal_reader *reader, size_t file,
				 uint64_t *last_r)
{
	uint64_t lsn = reader->files[file].start + WAL_BLOCK;
	struct wal_record record;
	struct wal_state state;
	enum err err = lsn < reader->upto ? ERR_NONE : ERR_END;

	*last_r = 0;
	while (err == ERR_NONE) {
		err = record_read(reader, lsn, &record, &lsn);
		if (err != ERR_NONE || record.type != WAL_STATE)
			break;
		if (record.group != reader->group)
			continue;
		if (wal_state_decode(&record, &state) != ERR_NONE)
			return ERR_NOTFOUND;
		*last_r = state.last;
		break;
	}
	return err;
}

/* Where to begin; ERR_NOTFOUND: the file is not there any more. */
static enum err search_begin(struct wal_reader *reader, uint64_t *lsn_r)
{
	size_t file = reader->file_count;

	while (file-- > 0) {
		uint64_t last;
		enum err err = file_begins_with(reader, file, &last);

		if (err == ERR_END)
			continue;
		if (err != ERR_NONE)
			return err;
		*lsn_r = reader->files[file].start + WAL_BLOCK;
		if (last < reader->next)
			return ERR_NONE;
	}
	return ERR_NOTFOUND;
}

/* Entries at and behind `index` are replaced. */
static void stretches_cut(struct wal_reader *reader, uint64_t index)
{
	while (reader->stretch_count > 0) {
		struct stretch *stretch =
			&reader->stretches[reader->stretch_count - 1];

		if (stretch->index < index) {
			if (stretch->end > index)
				stretch->end = index;
			return;
		}
		reader->stretch_count--;
	}
}

static enum err stretches_add(struct wal_reader *reader, uint64_t lsn,
			      uint64_t index, uint64_t count)
{
	struct stretch *stretch = NULL;
	bool cut;

	if (reader->stretch_count > 0)
		stretch = &reader->stretches[reader->stretch_count - 1];
	cut = stretch != NULL && stretch->end > index;
	stretches_cut(reader, index);
	if (stretch != NULL && !cut && !reader->broken &&
	    stretch->end == index) {
		stretch->end += count;
		return ERR_NONE;
	}
	reader->broken = false;
	if (reader->stretch_count == STRETCHES_MAX)
		return ERR_NOTFOUND;
	reader->stretches = mem_realloc(reader->stretches,
					(reader->stretch_count + 1) *
						sizeof(*reader->stretches));
	reader->stretches[reader->stretch_count++] =
		(struct stretch){ index, index + count, lsn };
	return ERR_NONE;
}

/*
 * One record of the group. Behind what was cut off a new stretch begins, so
 * within each the records follow one another.
 */
static enum err search_record(struct wal_reader *reader,
			      const struct wal_record *record)
{
	struct wal_entries entries;
	enum err err;

	switch (record->type) {
	case WAL_ENTRIES:
		if (record->flags & WAL_COPY)
			return ERR_NONE; /* says what another one has said */
		err = wal_entries_decode(record->payload, &entries);
		if (err != ERR_NONE)
			return ERR_NOTFOUND;
		return stretches_add(reader, record->lsn, record->index,
				     entries.count);
	case WAL_TRUNCATE:
		stretches_cut(reader, record->index);
		reader->broken = true;
		return ERR_NONE;
	case WAL_DROP:
		reader->stretch_count = 0;
		return ERR_NONE;
	case WAL_MARKER:
		if (record->flags & WAL_RESET)
			reader->stretch_count = 0;
		return ERR_NONE;
	case WAL_TERM:
	case WAL_VOTE:
	case WAL_STATE:
	case WAL_MARK:
		return ERR_NONE;
	}
	return ERR_NOTFOUND;
}

/* Drops the stretches in front of the wanted ones; are all there? */
static enum err search_end(struct wal_reader *reader)
{
	uint64_t next = reader->next;

	while (reader->stretch_at < reader->stretch_count &&
	       reader->stretches[reader->stretch_at].end <= next)
		reader->stretch_at++;
	for (size_t i = reader->stretch_at; i < reader->stretch_count; i++) {
		if (reader->stretches[i].index > next)
			return ERR_NOTFOUND;
		next = reader->stretches[i].end;
	}
	return next > reader->last ? ERR_NONE : ERR_NOTFOUND;
}

static enum err search(struct wal_reader *reader)
{
	uint64_t lsn = 0;
	enum err err;

	reader->chunk = PEEK_CHUNK;
	err = search_begin(reader, &lsn);
	reader->chunk = READ_CHUNK;
	while (err == ERR_NONE && lsn < reader->upto) {
		struct wal_record record;

		err = record_read(reader, lsn, &record, &lsn);
		if (err == ERR_NONE && record.group == reader->group &&
		    record.type != WAL_MARK)
			err = search_record(reader, &record);
	}
	if (err == ERR_NONE)
		err = search_end(reader);
	if (err != ERR_NONE)
		PROBE("wal: entries to be read back are gone");
	reader->searched = err == ERR_NONE;
	return err;
}

/* ---- giving ---- */

/* The entries of one record that are wanted. */
static void give_record(struct wal_reader *reader,
			const struct wal_record *record, uint64_t end,
			wal_reader_each *each, void *arg, size_t *given)
{
	struct wal_entries entries;
	struct wal_entry entry;
	uint64_t index = record->index;

	if (wal_entries_decode(record->payload, &entries) != ERR_NONE)
		return; /* the next record will not follow */
	for (; wal_entries_next(&entries, &entry); index++) {
		if (index != reader->next || index >= end ||
		    index > reader->last)
			continue;
		each(arg, index, &entry);
		*given += entry.data.len + 1;
		reader->next++;
	}
}

/* Goes on within a stretch, or to the next one. */
static enum err give_step(struct wal_reader *reader, wal_reader_each *each,
			  void *arg, size_t *given)
{
	const struct stretch *stretch = &reader->stretches[reader->stretch_at];
	struct wal_record record;
	enum err err;

	if (reader->next >= stretch->end) {
		reader->stretch_at++;
		MUST(reader->stretch_at < reader->stretch_count);
		reader->lsn = 0;
		return ERR_NONE;
	}
	if (reader->lsn == 0)
		reader->lsn = stretch->lsn;
	if (reader->lsn >= reader->upto)
		return ERR_NOTFOUND;
	err = record_read(reader, reader->lsn, &record, &reader->lsn);
	if (err == ERR_NONE && record.group == reader->group &&
	    record.type == WAL_ENTRIES && !(record.flags & WAL_COPY))
		give_record(reader, &record, stretch->end, each, arg, given);
	return err;
}

enum err wal_reader_next(struct wal_reader *reader, size_t octets,
			 wal_reader_each *each, void *arg)
{
	size_t given = 0;
	enum err err = ERR_NONE;

	if (reader->next > reader->last)
		return ERR_END;
	if (!reader->searched)
		err = search(reader);
	while (err == ERR_NONE && given <= octets &&
	       reader->next <= reader->last)
		err = give_step(reader, each, arg, &given);
	return err;
}
