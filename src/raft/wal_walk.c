/*
 * Reading the kept log while it is written.
 *
 * Happy path: the files are listed; those that follow one another up to the
 * newest are walked twice, batch by batch. The first walk only notes where
 * entries of a group were replaced, dropped or forgotten, and where the log
 * ends; the second one gives what then still stands. An entry is out of date
 * if a record behind it says so, which is looked up in the notes from behind.
 *
 * Failures: files are not locked against the writer. One that was given to new
 * records in between no longer holds the lsn that is looked for: ERR_STALE.
 */
#include "raft/wal_walk.h"

#include <string.h>

#include "base/mem.h"
#include "base/panic.h"
#include "raft/wal_internal.h"

/* From this record on, entries at and behind `index` are others. */
struct rewind {
	uint64_t lsn;
	uint64_t index;
};

struct read_group {
	uint32_t id;
	uint64_t last;  /* index, as the first walk goes */
	uint64_t begin; /* lsn: nothing before it counts */
	struct rewind *rewinds;
	size_t count;
	size_t cap;
	size_t at; /* the second walk is behind those before */
};

struct wal_walk {
	struct wal_place place;
	uint64_t *starts; /* of the files, rising, without a gap */
	size_t file_count;
	size_t file_cap;
	uint64_t log_id;

	struct read_group *groups;
	size_t group_count;
	size_t group_cap;

	/* where the walk stands */
	size_t file;
	struct wal_segment_head head;
	uint8_t *octets; /* of the file; NULL: none is loaded */
	uint64_t lsn;    /* of the next record */
	uint64_t end;    /* lsn behind the last batch; 0: not known yet */

	/* entries of a record that are still to be given */
	struct wal_record record;
	struct wal_entries entries;
	uint64_t index;
};

/* ---- files ---- */

static void add_name(void *arg, const char *name)
{
	struct wal_walk *walk = arg;
	uint64_t start;

	if (!wal_segment_parse_name(name, &start))
		return;
	if (walk->file_count == walk->file_cap) {
		walk->file_cap = walk->file_cap ? walk->file_cap * 2 : 64;
		walk->starts = mem_realloc(walk->starts,
					   walk->file_cap * sizeof(start));
	}
	walk->starts[walk->file_count++] = start;
}

static enum err read_head(const struct wal_walk *walk, uint64_t start,
			  struct wal_segment_head *head_r)
{
	int fd = -1;
	enum err err = wal_file_open(&walk->place, start, &fd);

	if (!err)
		err = wal_file_read_head(&walk->place, fd, head_r);
	if (!err && head_r->start != start)
		err = ERR_CORRUPT;
	wal_file_close(&walk->place, &fd);
	return err;
}

/* Keeps the files at the end of the list that follow one another. */
static enum err choose_files(struct wal_walk *walk)
{
	struct wal_segment_head head = { 0 };
	uint64_t newer = 0;
	size_t i = walk->file_count;
	enum err err;

	if (i == 0)
		return ERR_NOTFOUND;
	for (; i > 0; i--) {
		uint64_t start = walk->starts[i - 1];

		err = read_head(walk, start, &head);
		if (err == ERR_IO || (err && newer == 0))
			return err;
		if (err || (newer != 0 && (start + head.size != newer ||
					   head.log_id != walk->log_id)))
			break;
		walk->log_id = head.log_id;
		newer = start;
	}
	walk->file_count -= i;
	memmove(walk->starts, walk->starts + i,
		walk->file_count * sizeof(*walk->starts));
	return ERR_NONE;
}

static uint64_t file_end(const struct wal_walk *walk)
{
	return walk->head.start + walk->head.size;
}

/* Reads the whole file; the walk goes on at its first batch. */
static enum err load(struct wal_walk *walk)
{
	const struct wal_place *place = &walk->place;
	uint64_t start = walk->starts[walk->file];
	int fd = -1;
	enum err err = wal_file_open(place, start, &fd);

	mem_free(walk->octets);
	walk->octets = NULL;
	if (!err)
		err = wal_file_read_head(place, fd, &walk->head);
	if (!err &&
	    (walk->head.start != start || walk->head.log_id != walk->log_id))
		err = ERR_STALE;
	if (!err) {
		walk->octets = mem_alloc((size_t)walk->head.size);
		err = place->disk->read(place->disk, fd, 0, walk->octets,
					(size_t)walk->head.size);
	}
	wal_file_close(place, &fd);
	walk->lsn = start + WAL_BLOCK;
	return err == ERR_IO || !err ? err : ERR_STALE;
}

/* ---- records ---- */

static enum err record_at(const struct wal_walk *walk, uint64_t lsn,
			  struct wal_record *record_r, size_t *size_r)
{
	uint64_t from = lsn - walk->head.start;

	return wal_record_decode(
		slice_of(walk->octets + from, (size_t)(walk->head.size - from)),
		walk->log_id, lsn, record_r, size_r);
}

/* Is there a whole batch at walk->lsn? Else the log ends here. */
static bool is_batch(const struct wal_walk *walk)
{
	uint64_t lsn = walk->lsn;
	struct wal_record record;
	size_t size;

	while (lsn < file_end(walk) &&
	       record_at(walk, lsn, &record, &size) == ERR_NONE) {
		if (record.type == WAL_MARK)
			return true;
		lsn += size;
	}
	return false;
}

/* Behind a MARK: the next batch, in this file or the next one. */
static enum err go_to(struct wal_walk *walk, uint64_t next)
{
	if (next >= walk->lsn && next < file_end(walk)) {
		walk->lsn = next;
		return ERR_NONE;
	}
	walk->file++;
	if (walk->file == walk->file_count)
		return ERR_END;
	return load(walk);
}

/*
 * Takes one record off the log; ERR_END behind the last batch. Only the first
 * walk may find that end; the second one knows it.
 */
static enum err next_record(struct wal_walk *walk, struct wal_record *record_r)
{
	size_t size;

	if (walk->end != 0 && walk->lsn == walk->end)
		return ERR_END;
	if (record_at(walk, walk->lsn, record_r, &size))
		return ERR_STALE;
	walk->lsn += size;
	return ERR_NONE;
}

/* ---- the first walk ---- */

static struct read_group *find_group(struct wal_walk *walk, uint32_t id)
{
	for (size_t i = 0; i < walk->group_count; i++)
		if (walk->groups[i].id == id)
			return &walk->groups[i];
	if (walk->group_count == walk->group_cap) {
		walk->group_cap = walk->group_cap ? walk->group_cap * 2 : 16;
		walk->groups = mem_realloc(
			walk->groups, walk->group_cap * sizeof(*walk->groups));
	}
	walk->groups[walk->group_count] = (struct read_group){ .id = id };
	return &walk->groups[walk->group_count++];
}

static enum err note_rewind(struct read_group *group, uint64_t lsn,
			    uint64_t index)
{
	if (index > group->last)
		return ERR_NONE;
	if (group->count == WAL_REWINDS_MAX)
		return ERR_LIMIT;
	if (group->count == group->cap) {
		group->cap = group->cap ? group->cap * 2 : 16;
		group->rewinds = mem_realloc(
			group->rewinds, group->cap * sizeof(*group->rewinds));
	}
	group->rewinds[group->count++] =
		(struct rewind){ .lsn = lsn, .index = index };
	group->last = index - 1;
	return ERR_NONE;
}

/* Nothing that stood before this record counts. */
static void note_begin(struct read_group *group, uint64_t lsn, uint64_t last)
{
	group->begin = lsn;
	group->last = last;
	group->count = 0;
}

static enum err note_entries(struct read_group *group,
			     const struct wal_record *record)
{
	struct wal_entries entries;
	enum err err = ERR_NONE;

	if (record->flags & WAL_COPY)
		return ERR_NONE;
	if (wal_entries_decode(record->payload, &entries) ||
	    entries.count == 0 || record->index == 0)
		return ERR_CORRUPT;
	err = note_rewind(group, record->lsn, record->index);
	group->last = record->index + entries.count - 1;
	return err;
}

static enum err note(struct wal_walk *walk, const struct wal_record *record)
{
	struct read_group *group = find_group(walk, record->group);

	switch (record->type) {
	case WAL_ENTRIES:
		return note_entries(group, record);
	case WAL_TRUNCATE:
		return note_rewind(group, record->lsn, record->index);
	case WAL_MARKER:
		if (record->flags & WAL_RESET)
			note_begin(group, record->lsn, record->index);
		return ERR_NONE;
	case WAL_DROP:
		note_begin(group, record->lsn, 0);
		return ERR_NONE;
	case WAL_TERM:
	case WAL_VOTE:
	case WAL_MARK:
	case WAL_STATE:
		break;
	}
	return ERR_NONE;
}

/* One batch of the first walk; ERR_END: it is the last one. */
static enum err note_batch(struct wal_walk *walk)
{
	struct wal_record record;
	enum err err;

	do {
		err = next_record(walk, &record);
		if (!err && record.type != WAL_MARK)
			err = note(walk, &record);
		if (err)
			return err;
	} while (record.type != WAL_MARK);
	return go_to(walk, record.index);
}

static enum err first_walk(struct wal_walk *walk)
{
	enum err err = load(walk);

	while (!err && is_batch(walk))
		err = note_batch(walk);
	if (err && err != ERR_END)
		return err;
	walk->end = walk->lsn;
	return ERR_NONE;
}

/* The lowest index of all rewinds from here on takes its place. */
static void settle(struct read_group *group)
{
	for (size_t i = group->count; i-- > 1;)
		if (group->rewinds[i].index < group->rewinds[i - 1].index)
			group->rewinds[i - 1].index = group->rewinds[i].index;
}

enum err wal_walk_open(struct disk *disk, const char *path,
		       struct wal_walk **walk_r)
{
	struct wal_walk *walk = mem_zalloc(1, sizeof(*walk));
	enum err err;

	walk->place.disk = disk;
	walk->place.path = mem_dup(path, strlen(path));
	err = disk->list(disk, path, add_name, walk);
	if (!err)
		err = choose_files(walk);
	if (!err)
		err = first_walk(walk);
	for (size_t i = 0; i < walk->group_count; i++)
		settle(&walk->groups[i]);
	walk->file = 0;
	if (!err)
		err = load(walk);
	if (err)
		wal_walk_close(&walk);
	*walk_r = walk;
	return err;
}

/* ---- the second walk ---- */

/* Does the entry still stand at the end of the log? */
static bool is_current(struct read_group *group, uint64_t lsn, uint64_t index)
{
	if (lsn < group->begin)
		return false;
	while (group->at < group->count && group->rewinds[group->at].lsn <= lsn)
		group->at++;
	return group->at == group->count ||
	       index < group->rewinds[group->at].index;
}

/* The next record that has entries. */
static enum err next_entries(struct wal_walk *walk)
{
	struct wal_record *record = &walk->record;
	enum err err;

	for (;;) {
		err = next_record(walk, record);
		if (!err && record->type == WAL_MARK)
			err = go_to(walk, record->index);
		else if (!err && record->type == WAL_ENTRIES &&
			 !(record->flags & WAL_COPY))
			break;
		if (err)
			return err;
	}
	walk->index = record->index;
	return wal_entries_decode(record->payload, &walk->entries);
}

enum err wal_walk_next(struct wal_walk *walk, struct wal_step *read_r)
{
	for (;;) {
		struct read_group *group;
		uint64_t index;

		if (!wal_entries_next(&walk->entries, &read_r->entry)) {
			enum err err = next_entries(walk);

			if (err)
				return err;
			continue;
		}
		index = walk->index++;
		group = find_group(walk, walk->record.group);
		if (!is_current(group, walk->record.lsn, index))
			continue;
		read_r->group = group->id;
		read_r->index = index;
		return ERR_NONE;
	}
}

void wal_walk_close(struct wal_walk **walkp)
{
	struct wal_walk *walk = *walkp;

	*walkp = NULL;
	if (!walk)
		return;
	for (size_t i = 0; i < walk->group_count; i++)
		mem_free(walk->groups[i].rewinds);
	mem_free(walk->groups);
	mem_free(walk->starts);
	mem_free(walk->octets);
	mem_free(walk->place.path);
	mem_free(walk);
}
