/*
 * Fields in octets, written and read.
 *
 * A reader that failed once stays failed and empty, so that a decoder may read
 * straight down and look at the end whether what it read was true.
 */
#include "base/pack.h"

static void pack_le(struct buf *out, uint64_t value, size_t size)
{
	uint8_t *octets = buf_reserve(out, size);

	for (size_t i = 0; i < size; i++)
		octets[i] = (uint8_t)(value >> (8 * i));
	out->len += size;
}

void pack_u8(struct buf *out, uint8_t value)
{
	buf_add_octet(out, value);
}

void pack_u16(struct buf *out, uint16_t value)
{
	pack_le(out, value, 2);
}

void pack_u32(struct buf *out, uint32_t value)
{
	pack_le(out, value, 4);
}

void pack_u64(struct buf *out, uint64_t value)
{
	pack_le(out, value, 8);
}

void pack_var(struct buf *out, uint64_t value)
{
	while (value >= 0x80) {
		buf_add_octet(out, (uint8_t)(value | 0x80));
		value >>= 7;
	}
	buf_add_octet(out, (uint8_t)value);
}

void pack_bytes(struct buf *out, struct slice bytes)
{
	pack_var(out, bytes.len);
	buf_add_slice(out, bytes);
}

static void unpack_fail(struct unpack *in)
{
	in->bad = true;
	in->rest = SLICE_NONE;
}

struct slice unpack_raw(struct unpack *in, size_t len)
{
	struct slice octets;

	if (len > in->rest.len)
		unpack_fail(in);
	if (in->bad)
		return SLICE_NONE;
	octets = slice_first(in->rest, len);
	in->rest = slice_from(in->rest, len);
	return octets;
}

/* After a failure there are no octets, which reads as 0. */
static uint64_t unpack_le(struct unpack *in, size_t size)
{
	struct slice octets = unpack_raw(in, size);
	uint64_t value = 0;

	for (size_t i = 0; i < octets.len; i++)
		value |= (uint64_t)octets.data[i] << (8 * i);
	return value;
}

uint8_t unpack_u8(struct unpack *in)
{
	return (uint8_t)unpack_le(in, 1);
}

uint16_t unpack_u16(struct unpack *in)
{
	return (uint16_t)unpack_le(in, 2);
}

uint32_t unpack_u32(struct unpack *in)
{
	return (uint32_t)unpack_le(in, 4);
}

uint64_t unpack_u64(struct unpack *in)
{
	return unpack_le(in, 8);
}

/*
 * The tenth octet has room for one bit. A last octet of 0 would be a longer
 * form of a number that has a shorter one: two encodings of one value would
 * mean two hashes of one record.
 */
uint64_t unpack_var(struct unpack *in, uint64_t max)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t octet;

	do {
		octet = unpack_u8(in);
		if (shift == 63 && octet > 1)
			unpack_fail(in);
		value |= (uint64_t)(octet & 0x7f) << shift;
		shift += 7;
	} while (!in->bad && (octet & 0x80) != 0);
	if (value > max || (octet == 0 && shift > 7))
		unpack_fail(in);
	return in->bad ? 0 : value;
}

struct slice unpack_bytes(struct unpack *in, size_t max)
{
	return unpack_raw(in, (size_t)unpack_var(in, max));
}
