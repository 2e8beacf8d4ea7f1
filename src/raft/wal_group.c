/*
 * The log's picture of one group (wal_group.h): pure, no I/O.
 *
 * Entries are remembered as runs, one for each record that still holds needed
 * ones. Runs are ordered by index; their lsns are too, but for those that were
 * copied out of an old file. While the log is read at start the entries
 * themselves are kept as well, until raft has taken them.
 */
#include "raft/wal_group.h"

#include <string.h>

#include "base/mem.h"
#include "base/panic.h"

static void loaded_drop_from(struct wal_group *group, uint64_t index);

void wal_group_init(struct wal_group *group, struct wal *wal, uint32_t id)
{
	*group = (struct wal_group){ .wal = wal, .id = id };
	group->state.first = 1;
	group->loaded_first = 1;
}

void wal_group_fini(struct wal_group *group)
{
	wal_group_forget_entries(group);
	mem_free(group->runs);
	buf_fini(&group->conf);
	buf_fini(&group->data);
}

bool wal_group_is_blank(const struct wal_group *group)
{
	const struct wal_state *state = &group->state;

	return state->term == 0 && state->vote == 0 && state->last == 0 &&
	       state->marker.index == 0;
}

void wal_group_get_state(const struct wal_group *group,
			 struct wal_state *state_r)
{
	*state_r = group->state;
}

/* ---- runs ---- */

static uint64_t run_end(const struct wal_run *run)
{
	return run->index + run->count;
}

/* Place of the first run that ends behind `index`. */
static size_t run_search(const struct wal_group *group, uint64_t index)
{
	size_t low = 0;
	size_t high = group->run_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (run_end(&group->runs[mid]) <= index)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void run_insert(struct wal_group *group, size_t at, struct wal_run run)
{
	if (group->run_count == group->run_cap) {
		group->run_cap = group->run_cap == 0 ? 16 : group->run_cap * 2;
		group->runs =
			mem_realloc(group->runs, group->run_cap * sizeof(run));
	}
	if (at < group->run_count)
		memmove(&group->runs[at + 1], &group->runs[at],
			(group->run_count - at) * sizeof(run));
	group->runs[at] = run;
	group->run_count++;
}

/* Drops the runs before `at`. */
static void runs_drop_front(struct wal_group *group, size_t at)
{
	if (at > 0)
		memmove(group->runs, group->runs + at,
			(group->run_count - at) * sizeof(*group->runs));
	group->run_count -= at;
}

const struct wal_run *wal_group_find_run(const struct wal_group *group,
					 uint64_t index)
{
	size_t at = run_search(group, index);

	if (at == group->run_count || group->runs[at].index != index)
		return NULL;
	return &group->runs[at];
}

uint64_t wal_group_needed(const struct wal_group *group)
{
	uint64_t needed = UINT64_MAX;

	for (size_t i = 0; i < group->run_count; i++)
		if (group->runs[i].lsn < needed)
			needed = group->runs[i].lsn;
	return needed;
}

/* ---- steps ---- */

void wal_group_do_term(struct wal_group *group, uint64_t term)
{
	group->known = true;
	group->state.term = term;
	group->state.vote = 0;
}

void wal_group_do_vote(struct wal_group *group, uint64_t vote)
{
	group->known = true;
	group->state.vote = vote;
}

void wal_group_do_truncate(struct wal_group *group, uint64_t index)
{
	size_t at;

	if (index > group->state.last)
		return;
	MUST(index >= group->state.first);
	at = run_search(group, index);
	if (at < group->run_count && group->runs[at].index < index) {
		struct wal_run *run = &group->runs[at];

		run->count = (uint32_t)(index - run->index);
		/* What is left of it may all stand before the first entry. */
		if (run_end(run) > group->state.first)
			at++;
	}
	group->run_count = at;
	group->state.last = index - 1;
	loaded_drop_from(group, index);
}

void wal_group_do_append(struct wal_group *group, uint64_t index,
			 uint32_t count, uint64_t lsn, uint32_t size)
{
	struct wal_run run = { index, lsn, count, size };

	MUST(count > 0);
	MUST(index >= group->state.first && index <= group->state.last + 1);
	group->known = true;
	wal_group_do_truncate(group, index);
	run_insert(group, group->run_count, run);
	group->state.last = index + count - 1;
}

static void marker_keep(struct wal_group *group,
			const struct wal_marker *marker)
{
	struct wal_marker *ours = &group->state.marker;

	buf_clear(&group->conf);
	buf_add_slice(&group->conf, marker->conf);
	buf_clear(&group->data);
	buf_add_slice(&group->data, marker->data);
	*ours = *marker;
	ours->conf = buf_slice(&group->conf);
	ours->data = buf_slice(&group->data);
}

static void loaded_drop_before(struct wal_group *group, uint64_t index);

void wal_group_do_marker(struct wal_group *group,
			 const struct wal_marker *marker, uint64_t first,
			 bool reset)
{
	struct wal_state *state = &group->state;

	group->known = true;
	if (reset) {
		MUST(first == marker->index + 1);
		loaded_drop_from(group, state->first);
		group->run_count = 0;
		state->last = marker->index;
		group->loaded_first = first;
	}
	MUST(first >= state->first && first <= state->last + 1);
	runs_drop_front(group, run_search(group, first));
	loaded_drop_before(group, first);
	state->first = first;
	marker_keep(group, marker);
}

void wal_group_do_copy(struct wal_group *group, uint64_t index, uint32_t count,
		       uint64_t lsn, uint32_t size)
{
	size_t at = run_search(group, index);
	struct wal_run run = { index, lsn, count, size };

	if (at < group->run_count && group->runs[at].index == index)
		group->runs[at] = run;
	else
		run_insert(group, at, run);
}

void wal_group_do_drop(struct wal_group *group)
{
	struct wal *wal = group->wal;
	uint32_t id = group->id;

	wal_group_fini(group);
	wal_group_init(group, wal, id);
}

/* ---- entries as read at start ---- */

static struct wal_loaded *loaded_at(const struct wal_group *group,
				    uint64_t index)
{
	MUST(index >= group->loaded_first);
	MUST(index - group->loaded_first < group->loaded_count);
	return &group->loaded[index - group->loaded_first];
}

static void loaded_drop_from(struct wal_group *group, uint64_t index)
{
	while (group->loaded_count > 0 &&
	       group->loaded_first + group->loaded_count > index) {
		group->loaded_count--;
		mem_free(group->loaded[group->loaded_count].data);
	}
}

static void loaded_drop_before(struct wal_group *group, uint64_t index)
{
	size_t drop = 0;

	while (drop < group->loaded_count &&
	       group->loaded_first + drop < index) {
		mem_free(group->loaded[drop].data);
		drop++;
	}
	if (drop > 0)
		memmove(group->loaded, group->loaded + drop,
			(group->loaded_count - drop) * sizeof(*group->loaded));
	group->loaded_count -= drop;
	group->loaded_first += drop;
}

static struct wal_loaded *loaded_push(struct wal_group *group)
{
	struct wal_loaded *entry;

	if (group->loaded_count == group->loaded_cap) {
		group->loaded_cap =
			group->loaded_cap == 0 ? 64 : group->loaded_cap * 2;
		group->loaded = mem_realloc(group->loaded,
					    group->loaded_cap * sizeof(*entry));
	}
	entry = &group->loaded[group->loaded_count++];
	*entry = (struct wal_loaded){ 0 };
	return entry;
}

static void loaded_set(struct wal_loaded *loaded, const struct wal_entry *entry)
{
	loaded->term = entry->term;
	loaded->type = entry->type;
	loaded->len = (uint32_t)entry->data.len;
	loaded->data = (uint8_t *)mem_dup(entry->data.data, entry->data.len);
}

void wal_group_get_entry(const struct wal_group *group, uint64_t index,
			 struct wal_entry *entry_r)
{
	const struct wal_loaded *loaded = loaded_at(group, index);

	MUST(loaded->data != NULL);
	entry_r->term = loaded->term;
	entry_r->type = loaded->type;
	entry_r->data = slice_of(loaded->data, loaded->len);
}

void wal_group_forget_entries(struct wal_group *group)
{
	loaded_drop_from(group, group->loaded_first);
	mem_free(group->loaded);
	group->loaded = NULL;
	group->loaded_cap = 0;
}

/* ---- replay ---- */

static enum err replay_entries(struct wal_group *group,
			       const struct wal_record *record,
			       struct wal_entries *entries)
{
	struct wal_entry entry;

	if (record->index < group->state.first ||
	    record->index > group->state.last + 1)
		return ERR_CORRUPT;
	wal_group_do_append(group, record->index, entries->count, record->lsn,
			    (uint32_t)wal_record_size(record->payload.len));
	while (wal_entries_next(entries, &entry))
		loaded_set(loaded_push(group), &entry);
	return ERR_NONE;
}

/* Fills in what stood in a file that is gone; the rest is known already. */
static enum err replay_copy(struct wal_group *group,
			    const struct wal_record *record,
			    struct wal_entries *entries)
{
	uint64_t index = record->index;
	uint32_t count = entries->count;
	struct wal_entry entry;

	if (index + count <= group->state.first ||
	    index + count - 1 > group->state.last)
		return ERR_CORRUPT;
	wal_group_do_copy(group, index, count, record->lsn,
			  (uint32_t)wal_record_size(record->payload.len));
	for (; wal_entries_next(entries, &entry); index++) {
		if (index < group->state.first)
			continue;
		if (loaded_at(group, index)->data == NULL)
			loaded_set(loaded_at(group, index), &entry);
	}
	return ERR_NONE;
}

static enum err replay_any_entries(struct wal_group *group,
				   const struct wal_record *record)
{
	struct wal_entries entries;
	enum err err = wal_entries_decode(record->payload, &entries);

	if (err != ERR_NONE)
		return err;
	if (record->flags & WAL_COPY)
		return replay_copy(group, record, &entries);
	return replay_entries(group, record, &entries);
}

static enum err replay_truncate(struct wal_group *group, uint64_t index)
{
	if (index < group->state.first)
		return ERR_CORRUPT;
	wal_group_do_truncate(group, index);
	return ERR_NONE;
}

static enum err replay_marker(struct wal_group *group,
			      const struct wal_record *record)
{
	bool reset = (record->flags & WAL_RESET) != 0;
	struct wal_marker marker;
	uint64_t first;
	enum err err = wal_marker_decode(record, &marker, &first);

	if (err != ERR_NONE)
		return err;
	if (first < group->state.first)
		return ERR_CORRUPT;
	if (reset ? first != marker.index + 1 : first > group->state.last + 1)
		return ERR_CORRUPT;
	wal_group_do_marker(group, &marker, first, reset);
	return ERR_NONE;
}

static bool state_eq(const struct wal_state *a, const struct wal_state *b)
{
	return a->term == b->term && a->vote == b->vote &&
	       a->first == b->first && a->last == b->last &&
	       a->marker.index == b->marker.index &&
	       a->marker.term == b->marker.term;
}

/* The first file of a scan tells the state; later ones must agree with it. */
static enum err replay_state(struct wal_group *group,
			     const struct wal_record *record)
{
	struct wal_state state;
	enum err err = wal_state_decode(record, &state);

	if (err != ERR_NONE)
		return err;
	if (group->known)
		return state_eq(&group->state, &state) ? ERR_NONE : ERR_CORRUPT;
	group->known = true;
	marker_keep(group, &state.marker);
	group->state.term = state.term;
	group->state.vote = state.vote;
	group->state.first = state.first;
	group->state.last = state.last;
	group->loaded_first = state.first;
	for (uint64_t i = state.first; i <= state.last; i++)
		loaded_push(group);
	return ERR_NONE;
}

enum err wal_group_replay(struct wal_group *group,
			  const struct wal_record *record)
{
	switch (record->type) {
	case WAL_ENTRIES:
		return replay_any_entries(group, record);
	case WAL_TERM:
		wal_group_do_term(group, record->term);
		return ERR_NONE;
	case WAL_VOTE:
		wal_group_do_vote(group, record->index);
		return ERR_NONE;
	case WAL_TRUNCATE:
		return replay_truncate(group, record->index);
	case WAL_MARKER:
		return replay_marker(group, record);
	case WAL_STATE:
		return replay_state(group, record);
	case WAL_DROP:
		wal_group_do_drop(group);
		return ERR_NONE;
	case WAL_MARK:
		break;
	}
	return ERR_CORRUPT;
}

bool wal_group_complete(const struct wal_group *group, uint64_t *missing_r)
{
	const struct wal_state *state = &group->state;

	for (uint64_t i = state->first; i <= state->last; i++) {
		if (loaded_at(group, i)->data == NULL) {
			*missing_r = i;
			return false;
		}
	}
	return true;
}
