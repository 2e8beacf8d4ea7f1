/*
 * Records of the write-ahead log: octets in, fields out, and back.
 *
 * A record begins with 56 octets, little-endian:
 *
 *    0  xxh3     u64  of the log's id, octets 8..55 and the payload
 *    8  len      u32  octets of the payload
 *   12  type     u8
 *   13  version  u8
 *   14  flags    u16
 *   16  lsn      u64  where the record begins in the node's whole log
 *   24  synced   u64  everything below was durable when this was written
 *   32  group    u32
 *   36  zero     u32
 *   40  term     u64
 *   48  index    u64
 *   56  payload, then zeroes up to a multiple of 8
 *
 * The lsn never repeats and the log's id stands in the checksum, so neither an
 * old record of a recycled file nor one of another log is ever taken for ours.
 *
 * Records form batches. A batch begins on a block and is closed by a MARK that
 * names the lsn at which the next batch begins; without its MARK a batch does
 * not exist, so what was written in one stroke comes back whole or not at all.
 */
#ifndef RAFT_WAL_RECORD_H
#define RAFT_WAL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "raft/wal.h"

#define WAL_BLOCK 4096     /* octets that a disk may tear or rewrite at once */
#define WAL_RECORD_HEAD 56 /* octets */
#define WAL_RECORD_VERSION 1

/* Largest payload of one record; wal_append splits what is longer. */
#define WAL_RECORD_MAX (2 * 1024 * 1024)

/* Entries in one record; more would only make copies coarser. */
#define WAL_RECORD_ENTRIES_MAX 512

/* Entries of a group that are needed at a time: a bound for damaged counts. */
#define WAL_LIVE_MAX (1u << 24)

/* Octets in front of the data of each entry, and of the whole table. */
#define WAL_ENTRIES_HEAD 8
#define WAL_ENTRY_HEAD 16

enum wal_record_type {
	WAL_ENTRIES = 1, /* index: of the first; replaces what stood there */
	WAL_TERM,        /* term; clears the vote */
	WAL_VOTE,        /* index: the vote */
	WAL_TRUNCATE,    /* index: the first entry that goes */
	WAL_MARKER,      /* term, index: the snapshot marker; payload */
	WAL_MARK,        /* index: lsn of the next batch; group 0 */
	WAL_STATE,       /* a group as it stands, at the start of a segment */
	WAL_DROP,        /* the group is forgotten */
};

enum wal_record_flag {
	WAL_COPY = 1,  /* entries: moved here from an old file, nothing new */
	WAL_RESET = 2, /* marker: all entries go */
};

struct wal_record {
	enum wal_record_type type;
	uint16_t flags;
	uint32_t group;
	uint64_t lsn;
	uint64_t synced;
	uint64_t term;
	uint64_t index;
	struct slice payload; /* borrowed from the input */
};

/* Octets on disk of a record whose payload has `len`. */
static inline size_t wal_record_size(size_t len)
{
	return (WAL_RECORD_HEAD + len + 7) & ~(size_t)7;
}

/*
 * A record is appended in three steps: wal_record_begin leaves room for its
 * head and says where it starts, the caller appends the payload, and
 * wal_record_end fills in the head and pads (record->payload is not looked
 * at).
 */
size_t wal_record_begin(struct buf *out);
void wal_record_end(struct buf *out, size_t start,
		    const struct wal_record *record, uint64_t log_id);

/*
 * The record at the start of `in`, which stands at `lsn`.
 *
 * ERR_NOTFOUND: there is no such record, whole and undamaged. ERR_VERSION: it
 * is one of a later release. `*size_r` is what it takes on disk.
 */
must_use enum err wal_record_decode(struct slice in, uint64_t log_id,
				    uint64_t lsn, struct wal_record *record_r,
				    size_t *size_r);

/*
 * Could a record begin here? Looks at its lsn only: for searching a file
 * without a checksum of every position.
 */
bool wal_record_plausible(struct slice in, uint64_t lsn);

/* ---- payload of WAL_ENTRIES: {count, zero}, heads, data ---- */

/* Appends the payload; at most WAL_RECORD_ENTRIES_MAX entries. */
void wal_entries_encode(const struct wal_entry *entries, unsigned count,
			struct buf *out);

/* Octets of the payload. */
size_t wal_entries_size(const struct wal_entry *entries, unsigned count);

/* Reads entries one by one; the data are borrowed from the payload. */
struct wal_entries {
	struct slice heads;
	struct slice data;
	unsigned count; /* not yet given out */
};

/* ERR_CORRUPT: no such payload. Checks all lengths. */
must_use enum err wal_entries_decode(struct slice payload,
				     struct wal_entries *entries_r);

/* False when all were given out. */
bool wal_entries_next(struct wal_entries *entries, struct wal_entry *entry_r);

/* ---- payload of WAL_MARKER and WAL_STATE ---- */

/*
 * Of `state`, a marker record carries marker and first; a state record all
 * (its head has the term).
 */
void wal_marker_encode(const struct wal_marker *marker, uint64_t first,
		       struct buf *out);
void wal_state_encode(const struct wal_state *state, struct buf *out);

/* ERR_CORRUPT: no such payload. Slices are borrowed from it. */
must_use enum err wal_marker_decode(const struct wal_record *record,
				    struct wal_marker *marker_r,
				    uint64_t *first_r);
must_use enum err wal_state_decode(const struct wal_record *record,
				   struct wal_state *state_r);

#endif
