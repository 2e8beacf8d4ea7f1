/*
 * Fields of asks and answers.
 *
 * Counts are checked against the octets that are left before an array is made
 * for them: a frame cannot cost more memory than some times its own length.
 */
#include "proxy/channel_fields.h"

#include <string.h>

#include "base/panic.h"
#include "imap/words.h"

static const struct {
	enum imap_ask_kind ask;
	enum channel_kind kind;
} kinds[] = {
	{ IMAP_ASK_OPEN, CHANNEL_OPEN },
	{ IMAP_ASK_SYNC, CHANNEL_SYNC },
	{ IMAP_ASK_STATUS, CHANNEL_STATUS },
	{ IMAP_ASK_ROWS, CHANNEL_ROWS },
	{ IMAP_ASK_READ, CHANNEL_READ },
	{ IMAP_ASK_STRUCTURE, CHANNEL_STRUCTURE },
	{ IMAP_ASK_SEARCH, CHANNEL_SEARCH },
	{ IMAP_ASK_CHANGES, CHANNEL_CHANGES },
};

enum channel_kind channel_kind_of(enum imap_ask_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].ask == kind)
			return kinds[i].kind;
	PANIC("ask %d does not travel", (int)kind);
}

bool channel_kind_find(uint8_t number, enum imap_ask_kind *kind_r)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if ((uint8_t)kinds[i].kind != number)
			continue;
		*kind_r = kinds[i].ask;
		return true;
	}
	return false;
}

bool channel_unpack_bool(struct unpack *in)
{
	uint8_t value = unpack_u8(in);

	in->bad |= value > 1;
	return value == 1;
}

void channel_pack_sha256(struct buf *out, const struct sha256 *hash)
{
	buf_add(out, hash->octets, SHA256_SIZE);
}

void channel_unpack_sha256(struct unpack *in, struct sha256 *hash_r)
{
	struct slice octets = unpack_raw(in, SHA256_SIZE);

	*hash_r = (struct sha256){ 0 };
	if (octets.len == SHA256_SIZE)
		memcpy(hash_r->octets, octets.data, SHA256_SIZE);
}

void channel_pack_uids(struct buf *out, const struct uidset *uids)
{
	struct buf packed = { 0 };

	uidset_pack(uids, &packed);
	pack_bytes(out, buf_slice(&packed));
	buf_fini(&packed);
}

void channel_unpack_uids(struct unpack *in, struct uidset *uids)
{
	struct slice octets = unpack_bytes(in, SIZE_MAX);

	uidset_clear(uids);
	/* A range takes two octets, so the octets bound their number. */
	if (unpack_ok(in) && uidset_unpack(uids, octets, octets.len))
		in->bad = true;
}

/* ---- keywords ---- */

void channel_pack_keywords(struct buf *out, const struct slice *names,
			   size_t count)
{
	MUST(count <= IMAP_KEYWORDS_MAX);
	pack_var(out, count);
	for (size_t i = 0; i < count; i++)
		pack_bytes(out, names[i]);
}

void channel_unpack_keywords(struct unpack *in, struct arena *arena,
			     struct slice **names_r, size_t *count_r)
{
	uint64_t count = unpack_var(in, IMAP_KEYWORDS_MAX);

	*count_r = 0;
	*names_r = arena_zalloc(arena, (size_t)count + 1, sizeof(**names_r));
	for (uint64_t i = 0; i < count && unpack_ok(in); i++)
		(*names_r)[(*count_r)++] =
			arena_slice(arena, unpack_bytes(in, CHANNEL_TEXT_MAX));
}

/* ---- rows ---- */

#define ROW_MIN 5 /* octets of the shortest */

static void pack_row(struct buf *out, const struct imap_row *row, uint32_t want)
{
	pack_var(out, row->uid);
	pack_var(out, row->flags);
	pack_var(out, row->keywords[0]);
	pack_var(out, row->keywords[1]);
	pack_var(out, row->modseq);
	if (want == 0)
		return;
	pack_u64(out, (uint64_t)row->internal_date_s);
	pack_u32(out, (uint32_t)row->internal_zone_min);
	pack_var(out, row->size);
	channel_pack_sha256(out, &row->body);
	if (want & IMAP_ROWS_STRUCTURE)
		pack_bytes(out, row->structure);
}

static void unpack_row(struct unpack *in, struct arena *arena, uint32_t want,
		       struct imap_row *row)
{
	row->uid = (uint32_t)unpack_var(in, UINT32_MAX);
	row->flags = (uint32_t)unpack_var(in, UINT32_MAX);
	row->keywords[0] = unpack_var(in, UINT64_MAX);
	row->keywords[1] = unpack_var(in, UINT64_MAX);
	row->modseq = unpack_var(in, UINT64_MAX);
	if (want == 0)
		return;
	row->internal_date_s = (int64_t)unpack_u64(in);
	row->internal_zone_min = (int32_t)unpack_u32(in);
	row->size = unpack_var(in, UINT64_MAX);
	channel_unpack_sha256(in, &row->body);
	if (want & IMAP_ROWS_STRUCTURE)
		row->structure = arena_slice(
			arena, unpack_bytes(in, IMAP_ROWS_OCTETS_MAX));
}

void channel_pack_rows(struct buf *out, const struct imap_row *rows,
		       size_t count, uint32_t want)
{
	pack_var(out, count);
	for (size_t i = 0; i < count; i++)
		pack_row(out, &rows[i], want);
}

void channel_unpack_rows(struct unpack *in, struct arena *arena, uint32_t want,
			 struct imap_row **rows_r, size_t *count_r)
{
	uint64_t count = unpack_var(in, in->rest.len / ROW_MIN);

	*count_r = 0;
	*rows_r = arena_zalloc(arena, (size_t)count + 1, sizeof(**rows_r));
	for (uint64_t i = 0; i < count && unpack_ok(in); i++)
		unpack_row(in, arena, want, &(*rows_r)[(*count_r)++]);
}
