/*
 * Codec of the log's records (wal_record.h): pure, no I/O.
 *
 * Happy path: wal_record_decode checks length, lsn and checksum, then gives
 * the fields; the payload has a decoder of its own for each type. Whatever is
 * not exactly such a record is "not found": the scanner decides what that
 * means at this place.
 */
#include "raft/wal_record.h"

#include <string.h>

#include "base/digest.h"
#include "base/fault.h"
#include "base/pack.h"
#include "base/panic.h"

#define CHECKSUM_SIZE 8 /* octets; what follows is covered by it */

static void put_u64(uint8_t *at, uint64_t value)
{
	for (unsigned i = 0; i < sizeof value; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

/* `record`: head and payload, without padding. */
static uint64_t record_checksum(uint64_t log_id, struct slice record)
{
	uint8_t id[8];
	struct slice pieces[2];

	put_u64(id, log_id);
	pieces[0] = slice_of(id, sizeof id);
	pieces[1] = slice_from(record, CHECKSUM_SIZE);
	return xxh3_pieces(pieces, ARRAY_LEN(pieces));
}

size_t wal_record_begin(struct buf *out)
{
	static const uint8_t head[WAL_RECORD_HEAD];
	size_t start = out->len;

	MUST(start % 8 == 0);
	buf_add(out, head, sizeof head);
	return start;
}

static void head_encode(const struct wal_record *record, size_t len,
			struct buf *out)
{
	pack_u64(out, 0);
	pack_u32(out, (uint32_t)len);
	pack_u8(out, (uint8_t)record->type);
	pack_u8(out, WAL_RECORD_VERSION);
	pack_u16(out, record->flags);
	pack_u64(out, record->lsn);
	pack_u64(out, record->synced);
	pack_u32(out, record->group);
	pack_u32(out, 0);
	pack_u64(out, record->term);
	pack_u64(out, record->index);
}

void wal_record_end(struct buf *out, size_t start,
		    const struct wal_record *record, uint64_t log_id)
{
	size_t end = out->len;
	size_t len = end - start - WAL_RECORD_HEAD;

	MUST(len <= WAL_RECORD_MAX);
	out->len = start;
	head_encode(record, len, out);
	MUST(out->len == start + WAL_RECORD_HEAD);
	out->len = end;
	put_u64(out->data + start,
		record_checksum(log_id,
				slice_of(out->data + start, end - start)));
	while (out->len % 8 != 0)
		pack_u8(out, 0);
}

static bool type_is_known(uint8_t type)
{
	return type >= WAL_ENTRIES && type <= WAL_DROP;
}

enum err wal_record_decode(struct slice in, uint64_t log_id, uint64_t lsn,
			   struct wal_record *record_r, size_t *size_r)
{
	struct unpack head = unpack_of(slice_first(in, WAL_RECORD_HEAD));
	uint64_t checksum = unpack_u64(&head);
	uint32_t len = unpack_u32(&head);
	uint8_t type = unpack_u8(&head);
	uint8_t version = unpack_u8(&head);

	record_r->flags = unpack_u16(&head);
	record_r->lsn = unpack_u64(&head);
	record_r->synced = unpack_u64(&head);
	record_r->group = unpack_u32(&head);
	(void)unpack_u32(&head);
	record_r->term = unpack_u64(&head);
	record_r->index = unpack_u64(&head);
	if (!unpack_ok(&head) || record_r->lsn != lsn)
		return ERR_NOTFOUND;
	if (len > WAL_RECORD_MAX || wal_record_size(len) > in.len)
		return ERR_NOTFOUND;
	in = slice_first(in, WAL_RECORD_HEAD + len);
	if (checksum != record_checksum(log_id, in) && !MUTANT("M09"))
		return ERR_NOTFOUND;
	if (version != WAL_RECORD_VERSION || !type_is_known(type))
		return ERR_VERSION;
	record_r->type = (enum wal_record_type)type;
	record_r->payload = slice_from(in, WAL_RECORD_HEAD);
	*size_r = wal_record_size(len);
	return ERR_NONE;
}

bool wal_record_plausible(struct slice in, uint64_t lsn)
{
	struct unpack head = unpack_of(slice_first(in, WAL_RECORD_HEAD));

	(void)unpack_raw(&head, 16);
	return unpack_u64(&head) == lsn && unpack_ok(&head);
}

/* ---- entries ---- */

void wal_entries_encode(const struct wal_entry *entries, unsigned count,
			struct buf *out)
{
	MUST(count <= WAL_RECORD_ENTRIES_MAX);
	pack_u32(out, count);
	pack_u32(out, 0);
	for (unsigned i = 0; i < count; i++) {
		MUST(entries[i].data.len <= WAL_ENTRY_MAX);
		pack_u64(out, entries[i].term);
		pack_u32(out, (uint32_t)entries[i].data.len);
		pack_u8(out, entries[i].type);
		pack_u8(out, 0);
		pack_u16(out, 0);
	}
	for (unsigned i = 0; i < count; i++)
		buf_add_slice(out, entries[i].data);
}

size_t wal_entries_size(const struct wal_entry *entries, unsigned count)
{
	size_t size = WAL_ENTRIES_HEAD + (size_t)count * WAL_ENTRY_HEAD;

	for (unsigned i = 0; i < count; i++)
		size += entries[i].data.len;
	return size;
}

static uint32_t entry_head_decode(struct slice *heads,
				  struct wal_entry *entry_r)
{
	struct unpack in = unpack_of(slice_first(*heads, WAL_ENTRY_HEAD));
	uint32_t len;

	entry_r->term = unpack_u64(&in);
	len = unpack_u32(&in);
	entry_r->type = unpack_u8(&in);
	*heads = slice_from(*heads, WAL_ENTRY_HEAD);
	return len;
}

enum err wal_entries_decode(struct slice payload, struct wal_entries *entries_r)
{
	struct unpack in = unpack_of(payload);
	uint32_t count = unpack_u32(&in);
	struct slice heads;
	struct wal_entry entry;
	uint64_t total = 0;

	(void)unpack_u32(&in);
	if (count == 0 || count > WAL_RECORD_ENTRIES_MAX)
		return ERR_CORRUPT;
	heads = unpack_raw(&in, (size_t)count * WAL_ENTRY_HEAD);
	if (!unpack_ok(&in))
		return ERR_CORRUPT;
	entries_r->heads = heads;
	entries_r->data = in.rest;
	entries_r->count = count;
	while (heads.len > 0)
		total += entry_head_decode(&heads, &entry);
	return total == in.rest.len ? ERR_NONE : ERR_CORRUPT;
}

bool wal_entries_next(struct wal_entries *entries, struct wal_entry *entry_r)
{
	uint32_t len;

	if (entries->count == 0)
		return false;
	entries->count--;
	len = entry_head_decode(&entries->heads, entry_r);
	entry_r->data = slice_first(entries->data, len);
	entries->data = slice_from(entries->data, len);
	return true;
}

/* ---- marker and state ---- */

void wal_marker_encode(const struct wal_marker *marker, uint64_t first,
		       struct buf *out)
{
	MUST(marker->conf.len + marker->data.len <= WAL_MARKER_MAX);
	pack_u64(out, first);
	pack_u64(out, marker->conf_index);
	pack_bytes(out, marker->conf);
	pack_bytes(out, marker->data);
}

void wal_state_encode(const struct wal_state *state, struct buf *out)
{
	pack_u64(out, state->vote);
	pack_u64(out, state->last);
	pack_u64(out, state->marker.index);
	pack_u64(out, state->marker.term);
	wal_marker_encode(&state->marker, state->first, out);
}

static void marker_unpack(struct unpack *in, struct wal_marker *marker_r,
			  uint64_t *first_r)
{
	*first_r = unpack_u64(in);
	marker_r->conf_index = unpack_u64(in);
	marker_r->conf = unpack_bytes(in, WAL_MARKER_MAX);
	marker_r->data = unpack_bytes(in, WAL_MARKER_MAX);
	if (marker_r->conf.len + marker_r->data.len > WAL_MARKER_MAX)
		in->bad = true;
}

enum err wal_marker_decode(const struct wal_record *record,
			   struct wal_marker *marker_r, uint64_t *first_r)
{
	struct unpack in = unpack_of(record->payload);

	marker_r->index = record->index;
	marker_r->term = record->term;
	marker_unpack(&in, marker_r, first_r);
	if (*first_r == 0 || *first_r > record->index + 1)
		return ERR_CORRUPT;
	return unpack_end(&in) ? ERR_NONE : ERR_CORRUPT;
}

enum err wal_state_decode(const struct wal_record *record,
			  struct wal_state *state_r)
{
	struct unpack in = unpack_of(record->payload);

	state_r->term = record->term;
	state_r->vote = unpack_u64(&in);
	state_r->last = unpack_u64(&in);
	state_r->marker.index = unpack_u64(&in);
	state_r->marker.term = unpack_u64(&in);
	marker_unpack(&in, &state_r->marker, &state_r->first);
	if (state_r->first == 0 || state_r->first > state_r->last + 1)
		return ERR_CORRUPT;
	if (state_r->first > state_r->marker.index + 1 ||
	    state_r->last - state_r->first + 1 > WAL_LIVE_MAX)
		return ERR_CORRUPT;
	return unpack_end(&in) ? ERR_NONE : ERR_CORRUPT;
}
