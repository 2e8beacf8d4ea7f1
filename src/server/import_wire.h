/*
 * First words of the streams that bring a replica up (server/import.h), octet
 * by octet; numbers as in base/pack.h. Pure.
 *
 *   ENTRIES  head {version u8, group u32, first u64}; pieces of the log
 *            (raft/import_piece.h), each behind its length (u32)
 *   COPY     head {version u8, group u32, 0 u64}; size (u64), then the octets
 */
#ifndef SERVER_IMPORT_WIRE_H
#define SERVER_IMPORT_WIRE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/pack.h"
#include "base/slice.h"

/* Octets of one piece: an entry of the largest, and its head. */
#define IMPORT_WIRE_PIECE_MAX (1024u * 1024)

struct import_head {
	uint32_t group;
	uint64_t first; /* entry; 0 for a copy */
};

#define IMPORT_WIRE_VERSION 1

static inline void import_head_encode(const struct import_head *head,
				      struct buf *out)
{
	pack_u8(out, IMPORT_WIRE_VERSION);
	pack_u32(out, head->group);
	pack_u64(out, head->first);
}

/* ERR_VERSION: of a later release; ERR_SYNTAX. */
must_use static inline enum err import_head_decode(struct slice in,
						   struct import_head *head_r)
{
	struct unpack fields = unpack_of(in);
	uint8_t version = unpack_u8(&fields);

	head_r->group = unpack_u32(&fields);
	head_r->first = unpack_u64(&fields);
	if (unpack_ok(&fields) && version != IMPORT_WIRE_VERSION)
		return ERR_VERSION;
	return unpack_end(&fields) ? ERR_NONE : ERR_SYNTAX;
}

#endif
