/*
 * Encoding of records in segments.
 *
 * The header is encoded anew where its octets are wanted for the trailer's
 * checksum: it follows from the record.
 */
#include "store/body_record.h"

#include "base/pack.h"
#include "base/panic.h"

#define HEADER_MAGIC 0x64426f42u  /* "BoBd" in the file */
#define TRAILER_MAGIC 0x64456f42u /* "BoEd" */
#define RECORD_VERSION 1
#define HEADER_USED 40 /* octets; the rest is zero */

static const uint8_t zeroes[BODY_ALIGN];

static void pack_zeroes(struct buf *out, size_t len)
{
	MUST(len <= sizeof(zeroes));
	buf_add(out, zeroes, len);
}

void body_header_encode(const struct body_record *record, struct buf *out)
{
	bool stream = record->kind == BODY_KIND_STREAM;
	size_t start = out->len;

	MUST(record->offset % BODY_ALIGN == 0);
	pack_u32(out, HEADER_MAGIC);
	pack_u8(out, RECORD_VERSION);
	pack_u8(out, record->kind);
	pack_u8(out, record->codec);
	pack_u8(out, 0);
	pack_u64(out, record->segment);
	pack_u64(out, record->offset);
	pack_u64(out, stream ? 0 : record->stored);
	pack_u64(out, xxh3(slice_from(buf_slice(out), start)));
	pack_zeroes(out, BODY_HEADER_SIZE - HEADER_USED);
}

/* What a record of this kind may hold. */
static bool stored_is_legal(uint8_t kind, uint64_t stored)
{
	switch (kind) {
	case BODY_KIND_BODY:
		return stored <= BODY_CHUNK;
	case BODY_KIND_STREAM:
		return stored <= BODY_MAX;
	case BODY_KIND_HOLD:
		return stored == 0;
	default:
		return false;
	}
}

enum err body_header_decode(struct slice octets, uint64_t segment,
			    uint64_t offset, struct body_record *record_r)
{
	struct unpack in = unpack_of(octets);
	bool magic = unpack_u32(&in) == HEADER_MAGIC;
	uint8_t version = unpack_u8(&in);
	uint64_t sum;

	*record_r = (struct body_record){ 0 };
	record_r->kind = unpack_u8(&in);
	record_r->codec = unpack_u8(&in);
	unpack_u8(&in);
	record_r->segment = unpack_u64(&in);
	record_r->offset = unpack_u64(&in);
	record_r->stored = unpack_u64(&in);
	sum = unpack_u64(&in);
	if (!unpack_ok(&in) || !magic || record_r->segment != segment ||
	    record_r->offset != offset ||
	    sum != xxh3(slice_first(octets, HEADER_USED - BODY_SUM_SIZE)))
		return ERR_CORRUPT;
	if (version != RECORD_VERSION)
		return ERR_VERSION;
	return stored_is_legal(record_r->kind, record_r->stored) ? ERR_NONE
								 : ERR_CORRUPT;
}

void body_sums_encode(struct slice octets, struct buf *out)
{
	while (octets.len > 0) {
		struct slice block = slice_first(octets, BODY_BLOCK);

		pack_u64(out, xxh3(block));
		octets = slice_from(octets, block.len);
	}
}

bool body_sums_match(struct slice octets, struct slice sums)
{
	struct unpack in = unpack_of(sums);

	while (octets.len > 0) {
		struct slice block = slice_first(octets, BODY_BLOCK);

		if (unpack_u64(&in) != xxh3(block))
			return false;
		octets = slice_from(octets, block.len);
	}
	return unpack_end(&in);
}

/* Over the header, the sums, and the trailer without its own sum. */
static uint64_t record_sum(const struct body_record *record, struct slice sums,
			   struct slice trailer)
{
	struct buf header = { 0 };
	struct slice pieces[] = { SLICE_NONE, sums, trailer };
	uint64_t sum;

	body_header_encode(record, &header);
	pieces[0] = buf_slice(&header);
	sum = xxh3_pieces(pieces, ARRAY_LEN(pieces));
	buf_fini(&header);
	return sum;
}

void body_trailer_encode(const struct body_record *record, struct slice sums,
			 struct buf *out)
{
	size_t start = out->len;

	MUST(sums.len == body_block_count(record->stored) * BODY_SUM_SIZE);
	MUST(stored_is_legal(record->kind, record->stored));
	pack_u32(out, TRAILER_MAGIC);
	pack_u8(out, RECORD_VERSION);
	pack_u8(out, record->kind);
	pack_u8(out, record->codec);
	pack_u8(out, 0);
	pack_u64(out, record->length);
	pack_u64(out, record->stored);
	buf_add(out, record->hash.octets, SHA256_SIZE);
	pack_u32(out, record->hold.group);
	pack_u32(out, record->hold.slot);
	pack_u64(out, record->hold.proposer);
	pack_u64(out, record->hold.turn);
	pack_u64(out,
		 record_sum(record, sums, slice_from(buf_slice(out), start)));
}

static bool trailer_fits(struct unpack *in, const struct body_record *record)
{
	bool fits = unpack_u32(in) == TRAILER_MAGIC;

	fits &= unpack_u8(in) == RECORD_VERSION;
	fits &= unpack_u8(in) == record->kind;
	fits &= unpack_u8(in) == record->codec;
	unpack_u8(in);
	return fits;
}

/* Only a codec may make the two differ; a HOLD tells the length elsewhere. */
static bool length_is_legal(const struct body_record *record)
{
	if (record->length > BODY_MAX)
		return false;
	return record->kind == BODY_KIND_HOLD ||
	       record->codec != BODY_CODEC_NONE ||
	       record->length == record->stored;
}

enum err body_trailer_decode(struct slice tail, struct body_record *record)
{
	size_t sums_len = tail.len - BODY_TRAILER_SIZE;
	struct slice sums = slice_first(tail, sums_len);
	struct slice trailer = slice_from(tail, sums_len);
	struct unpack in = unpack_of(trailer);
	struct slice hash;
	uint64_t sum;
	bool fits = trailer_fits(&in, record);

	MUST(tail.len == body_tail_size(record->stored));
	record->length = unpack_u64(&in);
	fits &= unpack_u64(&in) == record->stored;
	hash = unpack_raw(&in, SHA256_SIZE);
	record->hold.group = unpack_u32(&in);
	record->hold.slot = unpack_u32(&in);
	record->hold.proposer = unpack_u64(&in);
	record->hold.turn = unpack_u64(&in);
	sum = unpack_u64(&in);
	MUST(unpack_end(&in)); /* its length was checked */
	memcpy(record->hash.octets, hash.data, SHA256_SIZE);
	trailer = slice_first(trailer, BODY_TRAILER_SIZE - BODY_SUM_SIZE);
	if (!fits || sum != record_sum(record, sums, trailer))
		return ERR_CORRUPT;
	return length_is_legal(record) ? ERR_NONE : ERR_CORRUPT;
}

bool body_stream_stored(uint64_t size, uint64_t *stored_r)
{
	const uint64_t around = BODY_HEADER_SIZE + BODY_TRAILER_SIZE;
	uint64_t blocks;

	/* n blocks take at most n * (BODY_BLOCK + BODY_SUM_SIZE) octets. */
	if (size < around || size - around > BODY_MAX * 2)
		return false;
	size -= around;
	blocks = (size + BODY_BLOCK + BODY_SUM_SIZE - 1) /
		 (BODY_BLOCK + BODY_SUM_SIZE);
	if (size < blocks * BODY_SUM_SIZE)
		return false;
	*stored_r = size - blocks * BODY_SUM_SIZE;
	return *stored_r <= BODY_MAX && body_block_count(*stored_r) == blocks;
}

void body_record_encode(struct body_record *record, struct slice octets,
			struct buf *out)
{
	struct buf sums = { 0 };
	size_t start = out->len;
	size_t end;

	MUST(octets.len <= BODY_CHUNK);
	record->stored = octets.len;
	body_header_encode(record, out);
	buf_add_slice(out, octets);
	body_sums_encode(octets, &sums);
	buf_add_slice(out, buf_slice(&sums));
	body_trailer_encode(record, buf_slice(&sums), out);
	buf_fini(&sums);
	end = start + body_record_size(octets.len);
	pack_zeroes(out, end - out->len);
}
