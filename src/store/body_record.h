/*
 * How a body stands in a segment. Pure: octets in, fields out.
 *
 *   header   64 octets: magic, version, kind, codec, segment, offset, stored
 *   octets   as stored, in blocks of 16 KiB
 *   sums     xxh3-64 of each block
 *   trailer  88 octets: magic, version, kind, codec, length, stored, SHA-256,
 *            hold, and xxh3-64 of header, sums and all this
 *
 * The trailer closes the record: without it there is no body. The header says
 * where the record stands, so a segment can be walked forward and neither an
 * old copy of a file nor a block written to a wrong place looks like a record.
 * The sums stand behind the octets because a body is not known to its end when
 * it is begun; a part of it is checked by reading whole blocks.
 *
 * A record of kind HOLD has no octets: it puts one more hold on a body that
 * stands somewhere else.
 */
#ifndef STORE_BODY_RECORD_H
#define STORE_BODY_RECORD_H

#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/slice.h"
#include "store/body.h"

/* Records begin at multiples of this. */
#define BODY_ALIGN 64

#define BODY_HEADER_SIZE 64
#define BODY_TRAILER_SIZE 88
#define BODY_BLOCK (16u * 1024)
#define BODY_SUM_SIZE 8

/* Only as stored; 1 is reserved for zstd. */
#define BODY_CODEC_NONE 0

enum body_kind {
	BODY_KIND_BODY = 1,   /* in a shared segment: at most BODY_CHUNK */
	BODY_KIND_STREAM = 2, /* the only record of its segment */
	BODY_KIND_HOLD = 3,
};

struct body_record {
	uint8_t kind;
	uint8_t codec;
	uint64_t segment;
	uint64_t offset; /* of the header */
	uint64_t stored; /* octets between header and sums */
	uint64_t length; /* of the body */
	struct sha256 hash;
	struct body_hold hold; /* proposer 0: none */
};

static inline bool body_hold_is_none(const struct body_hold *hold)
{
	return hold->proposer == 0;
}

static inline uint64_t body_align(uint64_t offset)
{
	return (offset + BODY_ALIGN - 1) / BODY_ALIGN * BODY_ALIGN;
}

static inline uint64_t body_block_count(uint64_t stored)
{
	return (stored + BODY_BLOCK - 1) / BODY_BLOCK;
}

/* Sums and trailer. */
static inline uint64_t body_tail_size(uint64_t stored)
{
	return body_block_count(stored) * BODY_SUM_SIZE + BODY_TRAILER_SIZE;
}

/* Octets of the whole record, up to where the next one may begin. */
static inline uint64_t body_record_size(uint64_t stored)
{
	return body_align(BODY_HEADER_SIZE + stored + body_tail_size(stored));
}

/* Where the octets of the body begin in its segment. */
static inline uint64_t body_octets_at(const struct body_record *record)
{
	return record->offset + BODY_HEADER_SIZE;
}

/* Appends BODY_HEADER_SIZE octets; `stored` counts except for a STREAM. */
void body_header_encode(const struct body_record *record, struct buf *out);

/* ERR_CORRUPT: no header of this place; ERR_VERSION: of a later release. */
must_use enum err body_header_decode(struct slice octets, uint64_t segment,
				     uint64_t offset,
				     struct body_record *record_r);

/* Appends the sum of each block; all pieces but the last are whole blocks. */
void body_sums_encode(struct slice octets, struct buf *out);

/* `octets` are whole blocks (the last may be short), `sums` theirs. */
bool body_sums_match(struct slice octets, struct slice sums);

/* Appends the trailer; `sums` are those of the whole body. */
void body_trailer_encode(const struct body_record *record, struct slice sums,
			 struct buf *out);

/*
 * `tail` is sums and trailer; kind, codec and place in `*record` are those of
 * the header, and so is `stored`, which a STREAM's reader knows from the size
 * of the file. Sets length, hash and hold.
 */
must_use enum err body_trailer_decode(struct slice tail,
				      struct body_record *record);

/*
 * `stored` of the only record of a segment of `size` octets; false: no record
 * has this size.
 */
bool body_stream_stored(uint64_t size, uint64_t *stored_r);

/* Appends a whole record, filled up to BODY_ALIGN; sets `stored`. */
void body_record_encode(struct body_record *record, struct slice octets,
			struct buf *out);

#endif
