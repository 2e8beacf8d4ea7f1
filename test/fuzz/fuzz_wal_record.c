/*
 * Records of the write-ahead log: any octets are refused or understood, and
 * what is understood is written again as it was.
 *
 * A checksum keeps a fuzzer out, so the payload decoders are fed directly, and
 * the whole record with a head that is put in front here.
 */
#include <stdint.h>

#include "base/panic.h"
#include "raft/wal_record.h"
#include "raft/wal_segment.h"

#define LOG_ID 77
#define LSN (1ull << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_entries(struct slice payload)
{
	struct wal_entries entries;
	struct wal_entry entry[WAL_RECORD_ENTRIES_MAX];
	struct buf again = { 0 };
	unsigned count = 0;

	if (wal_entries_decode(payload, &entries) != ERR_NONE)
		return;
	while (wal_entries_next(&entries, &entry[count])) {
		if (entry[count].data.len > WAL_ENTRY_MAX)
			return;
		count++;
	}
	MUST(wal_entries_size(entry, count) == payload.len);
	wal_entries_encode(entry, count, &again);
	MUST(again.len == payload.len);
	buf_fini(&again);
}

static void try_states(struct slice payload)
{
	const struct wal_record record = {
		.type = WAL_STATE,
		.index = 7,
		.term = 3,
		.payload = payload,
	};
	struct wal_marker marker;
	struct wal_state state;
	struct buf again = { 0 };
	uint64_t first;

	if (wal_marker_decode(&record, &marker, &first) == ERR_NONE) {
		wal_marker_encode(&marker, first, &again);
		MUST(slice_eq(buf_slice(&again), payload));
	}
	buf_clear(&again);
	if (wal_state_decode(&record, &state) == ERR_NONE) {
		wal_state_encode(&state, &again);
		MUST(slice_eq(buf_slice(&again), payload));
	}
	buf_fini(&again);
}

static void try_record(struct slice payload)
{
	const struct wal_record record = {
		.type = WAL_ENTRIES,
		.lsn = LSN,
		.synced = LSN,
		.group = 5,
		.term = 9,
		.index = 11,
	};
	struct wal_record back;
	struct buf out = { 0 };
	size_t start = wal_record_begin(&out);
	size_t len;

	buf_add_slice(&out, payload);
	wal_record_end(&out, start, &record, LOG_ID);
	MUST(wal_record_decode(buf_slice(&out), LOG_ID, LSN, &back, &len) ==
	     ERR_NONE);
	MUST(len == out.len && slice_eq(back.payload, payload));
	MUST(back.group == 5 && back.term == 9 && back.index == 11);
	out.data[payload.len / 2] ^= 0x20;
	MUST(wal_record_decode(buf_slice(&out), LOG_ID, LSN, &back, &len) ==
	     ERR_NOTFOUND);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct wal_segment_head head;
	struct wal_record record;
	size_t len;

	if (size > 64 * 1024)
		return 0;
	if (wal_record_decode(in, LOG_ID, LSN, &record, &len) == ERR_NONE)
		MUST(len <= size);
	if (wal_segment_decode(in, &head) == ERR_NONE)
		MUST(head.size >= WAL_SEGMENT_MIN);
	try_entries(in);
	try_states(in);
	try_record(in);
	return 0;
}
