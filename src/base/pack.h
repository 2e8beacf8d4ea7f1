/*
 * Fields in octets: how log records, commands and stored values are written.
 *
 * Integers are little-endian unless a name says otherwise; keys of store/ have
 * their own order-preserving form. A reader never reads past its end: after
 * the first bad read all further ones give zeroes and pack_ok is false, so a
 * decoder is checked once, at its end.
 */
#ifndef BASE_PACK_H
#define BASE_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* Append a number of fixed width. */
void pack_u8(struct buf *out, uint8_t value);
void pack_u16(struct buf *out, uint16_t value);
void pack_u32(struct buf *out, uint32_t value);
void pack_u64(struct buf *out, uint64_t value);

/* LEB128: 1 to 10 octets, small numbers short. */
void pack_var(struct buf *out, uint64_t value);

/* pack_var of the length, then the octets. */
void pack_bytes(struct buf *out, struct slice bytes);

struct unpack {
	struct slice rest;
	bool bad;
};

static inline struct unpack unpack_of(struct slice octets)
{
	return (struct unpack){ octets, false };
}

/* Take the number that pack_u8 and its sisters wrote. */
uint8_t unpack_u8(struct unpack *in);
uint16_t unpack_u16(struct unpack *in);
uint32_t unpack_u32(struct unpack *in);
uint64_t unpack_u64(struct unpack *in);

/* Refuses forms longer than needed and values above `max`. */
uint64_t unpack_var(struct unpack *in, uint64_t max);

/* Borrowed from the input; refuses more than `max` octets. */
struct slice unpack_bytes(struct unpack *in, size_t max);

/* Exactly `len` octets, borrowed. */
struct slice unpack_raw(struct unpack *in, size_t len);

/* All reads were good; `unpack_end` also wants that nothing is left. */
static inline bool unpack_ok(const struct unpack *in)
{
	return !in->bad;
}

static inline bool unpack_end(const struct unpack *in)
{
	return !in->bad && in->rest.len == 0;
}

#endif
