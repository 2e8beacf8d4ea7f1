/*
 * Fields in both directions.
 *
 * Each function asks for the direction once and checks the limit in either.
 * Failures: a value above its limit (ERR_LIMIT, ERR_INVALID), octets that no
 * encoder makes (ERR_SYNTAX).
 */
#include "cluster/codec.h"

#include "base/fault.h"
#include "base/panic.h"

struct codec codec_encoder(struct buf *out, size_t max)
{
	return (struct codec){ .out = out, .start = out->len, .max = max };
}

struct codec codec_decoder(struct slice octets, struct arena *arena)
{
	return (struct codec){ .in = unpack_of(octets), .arena = arena };
}

void codec_fail(struct codec *codec, enum err err)
{
	if (codec->err == ERR_NONE)
		codec->err = err;
}

/* M55: an encoder that lets through what apply cannot store. */
static bool above(const struct codec *codec, uint64_t value, uint64_t max)
{
	return value > max && !(codec->out && MUTANT("M55"));
}

void codec_check(struct codec *codec, enum err err)
{
	if (!(codec->out && MUTANT("M55")))
		codec_fail(codec, err);
}

enum err codec_end(struct codec *codec)
{
	if (codec->out) {
		if (above(codec, codec->out->len - codec->start, codec->max))
			codec_fail(codec, ERR_LIMIT);
		if (codec->err != ERR_NONE)
			codec->out->len = codec->start;
	} else if (!unpack_end(&codec->in)) {
		codec_fail(codec, ERR_SYNTAX);
	}
	return codec->err;
}

/* Encoding writes no field behind an error, decoding reads none. */
static bool goes_on(const struct codec *codec)
{
	return codec->err == ERR_NONE;
}

void codec_u8(struct codec *codec, uint8_t *value)
{
	if (!codec->out)
		*value = goes_on(codec) ? unpack_u8(&codec->in) : 0;
	else if (goes_on(codec))
		pack_u8(codec->out, *value);
}

void codec_bool(struct codec *codec, bool *value)
{
	uint8_t octet = *value ? 1 : 0;

	codec_u8(codec, &octet);
	if (octet > 1)
		codec_fail(codec, ERR_SYNTAX);
	*value = octet == 1;
}

void codec_u64(struct codec *codec, uint64_t *value)
{
	if (!codec->out)
		*value = goes_on(codec) ? unpack_u64(&codec->in) : 0;
	else if (goes_on(codec))
		pack_u64(codec->out, *value);
}

void codec_var(struct codec *codec, uint64_t *value, uint64_t max)
{
	if (codec->out && above(codec, *value, max))
		codec_fail(codec, ERR_LIMIT);
	if (!codec->out)
		*value = goes_on(codec) ? unpack_var(&codec->in, max) : 0;
	else if (goes_on(codec))
		pack_var(codec->out, *value);
}

void codec_var32(struct codec *codec, uint32_t *value)
{
	uint64_t wide = *value;

	codec_var(codec, &wide, UINT32_MAX);
	*value = (uint32_t)wide;
}

void codec_var64(struct codec *codec, uint64_t *value)
{
	codec_var(codec, value, UINT64_MAX);
}

/* 0, -1, 1, -2, 2 .. become 0, 1, 2, 3, 4 .. */
void codec_signed(struct codec *codec, int64_t *value)
{
	uint64_t folded = *value < 0 ? ((uint64_t) ~*value << 1) | 1
				     : (uint64_t)*value << 1;
	uint64_t half;

	codec_var64(codec, &folded);
	half = folded >> 1;
	*value = (folded & 1) != 0 ? -(int64_t)half - 1 : (int64_t)half;
}

void codec_choice(struct codec *codec, unsigned *value, unsigned first,
		  unsigned last)
{
	uint8_t octet = (uint8_t)*value;

	MUST(last <= UINT8_MAX);
	if (codec->out && (*value < first || *value > last))
		codec_fail(codec, ERR_INVALID);
	codec_u8(codec, &octet);
	if (octet < first || octet > last)
		codec_fail(codec, ERR_INVALID);
	*value = octet;
}

void codec_bits(struct codec *codec, uint8_t *value, uint8_t mask)
{
	codec_u8(codec, value);
	if ((*value & ~mask) != 0)
		codec_fail(codec, ERR_INVALID);
}

void codec_bytes(struct codec *codec, struct slice *bytes, size_t max)
{
	if (codec->out && above(codec, bytes->len, max))
		codec_fail(codec, ERR_LIMIT);
	if (!codec->out)
		*bytes = goes_on(codec) ? unpack_bytes(&codec->in, max)
					: SLICE_NONE;
	else if (goes_on(codec))
		pack_bytes(codec->out, *bytes);
}

void codec_hash(struct codec *codec, struct sha256 *hash)
{
	struct slice octets;

	if (codec->out) {
		buf_add(codec->out, hash->octets, SHA256_SIZE);
		return;
	}
	octets = unpack_raw(&codec->in, SHA256_SIZE);
	*hash = (struct sha256){ { 0 } };
	if (octets.len == SHA256_SIZE)
		memcpy(hash->octets, octets.data, SHA256_SIZE);
}

void codec_op(struct codec *codec, struct op_id *op)
{
	codec_u64(codec, &op->proposer);
	codec_var32(codec, &op->slot);
	codec_var64(codec, &op->turn);
}

/* The packed form of `max` lonely numbers: two LEB128 of 5 octets each. */
static size_t uids_octets(uint64_t max)
{
	return (size_t)max * 10 + 10;
}

void codec_uids_any(struct codec *codec, struct uidset *uids, uint64_t max)
{
	struct buf packed = { 0 };
	struct slice octets;

	if (codec->out) {
		if (above(codec, uidset_size(uids), max))
			codec_fail(codec, ERR_LIMIT);
		uidset_pack(uids, &packed);
		octets = buf_slice(&packed);
		codec_bytes(codec, &octets, uids_octets(max));
		buf_fini(&packed);
		return;
	}
	*uids = (struct uidset){ 0 };
	codec_bytes(codec, &octets, uids_octets(max));
	if (!goes_on(codec) || !unpack_ok(&codec->in))
		return;
	codec_fail(codec, uidset_unpack(uids, octets, (size_t)max));
	if (uidset_size(uids) > max)
		codec_fail(codec, ERR_LIMIT);
}

void codec_uids(struct codec *codec, struct uidset *uids, uint64_t max)
{
	codec_uids_any(codec, uids, max);
	if (uids->count == 0)
		codec_fail(codec, ERR_INVALID);
}

size_t codec_array(struct codec *codec, size_t *count, size_t max, size_t size,
		   void **array_r)
{
	uint64_t wide = *count;

	codec_var(codec, &wide, max);
	if (!goes_on(codec) || (!codec->out && !unpack_ok(&codec->in))) {
		*count = codec->out ? *count : 0;
		return 0;
	}
	*count = (size_t)wide;
	if (!codec->out && wide > 0)
		*array_r = arena_zalloc(codec->arena, *count, size);
	return *count;
}
