/*
 * Committed entries of a group on their way to a replica that lacks them:
 * {version u8, group u32, first u64, count u32}, then for each entry {term u64,
 * type u8, data}.
 *
 * Commands describe themselves (entry.h, R9), so what a peer gives is checked
 * like what stands in our own log.
 */
#ifndef RAFT_IMPORT_PIECE_H
#define RAFT_IMPORT_PIECE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "raft/wal.h"

/* Octets of one piece, unless a single entry is larger. */
#define IMPORT_PIECE_MAX (256u * 1024)

/* Entries in one piece: some hundred thousand of the smallest. */
#define IMPORT_PIECE_COUNT_MAX 65536

/* ---- writing ---- */

void import_piece_begin(struct buf *out, uint32_t group, uint64_t first);

/* Behind the one before; False: the piece has its most entries. */
must_use bool import_piece_add(struct buf *out, const struct wal_entry *entry);

/* ---- reading ---- */

struct import_piece {
	uint32_t group;
	uint64_t next; /* index of the next entry */
	uint32_t left;
	struct slice rest;
};

/* ERR_SYNTAX; ERR_VERSION: of a later release. */
must_use enum err import_piece_open(struct slice octets,
				    struct import_piece *piece_r);

/* Borrowed from the octets. ERR_END behind the last one; ERR_SYNTAX. */
must_use enum err import_piece_next(struct import_piece *piece,
				    uint64_t *index_r,
				    struct wal_entry *entry_r);

#endif
