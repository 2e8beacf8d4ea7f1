/*
 * Codec of pieces of an import (import_piece.h): pure.
 */
#include "raft/import_piece.h"

#include "base/pack.h"
#include "base/panic.h"
#include "raft/compat.h"

#define PIECE_VERSION 1
#define PIECE_COUNT_AT 13 /* octets in front of the count */
#define PIECE_HEAD (PIECE_COUNT_AT + 4)

/* ---- writing ---- */

void import_piece_begin(struct buf *out, uint32_t group, uint64_t first)
{
	buf_clear(out);
	pack_u8(out, PIECE_VERSION);
	pack_u32(out, group);
	pack_u64(out, first);
	MUST(out->len == PIECE_COUNT_AT);
	pack_u32(out, 0);
}

static uint32_t count_get(const struct buf *out)
{
	struct unpack in =
		unpack_of(slice_from(buf_slice(out), PIECE_COUNT_AT));

	return unpack_u32(&in);
}

static void count_set(struct buf *out, uint32_t count)
{
	size_t len = out->len;

	out->len = PIECE_COUNT_AT;
	pack_u32(out, count);
	out->len = len;
}

bool import_piece_add(struct buf *out, const struct wal_entry *entry)
{
	uint32_t count = count_get(out);

	if (count == IMPORT_PIECE_COUNT_MAX)
		return false;
	pack_u64(out, entry->term);
	pack_u8(out, entry->type);
	pack_bytes(out, entry->data);
	count_set(out, count + 1);
	return true;
}

/* ---- reading ---- */

enum err import_piece_open(struct slice octets, struct import_piece *piece_r)
{
	struct unpack in = unpack_of(octets);
	uint8_t version = unpack_u8(&in);

	piece_r->group = unpack_u32(&in);
	piece_r->next = unpack_u64(&in);
	piece_r->left = unpack_u32(&in);
	piece_r->rest = in.rest;
	if (!unpack_ok(&in))
		return ERR_SYNTAX;
	if (version != PIECE_VERSION)
		return ERR_VERSION;
	if (piece_r->next == 0 || piece_r->left == 0 ||
	    piece_r->left > IMPORT_PIECE_COUNT_MAX ||
	    piece_r->next > UINT64_MAX - piece_r->left)
		return ERR_SYNTAX;
	return ERR_NONE;
}

enum err import_piece_next(struct import_piece *piece, uint64_t *index_r,
			   struct wal_entry *entry_r)
{
	struct unpack in = unpack_of(piece->rest);

	if (piece->left == 0)
		return piece->rest.len == 0 ? ERR_END : ERR_SYNTAX;
	entry_r->term = unpack_u64(&in);
	entry_r->type = unpack_u8(&in);
	entry_r->data = unpack_bytes(&in, WAL_ENTRY_MAX);
	if (!unpack_ok(&in) || entry_r->term == 0 ||
	    !compat_entry_type_ok(entry_r->type))
		return ERR_SYNTAX;
	*index_r = piece->next++;
	piece->left--;
	piece->rest = in.rest;
	return ERR_NONE;
}
