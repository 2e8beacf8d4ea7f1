/*
 * A growable run of octets that owns its memory.
 *
 * A zeroed struct buf is an empty buffer. The memory stays after buf_clear, so
 * one buffer serves many turns; buf_fini gives it back.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/slice.h"

struct buf {
	uint8_t *data;
	size_t len; /* octets in use */
	size_t cap; /* octets allocated */
};

/* Frees the memory; the buffer is empty and usable afterwards. */
void buf_fini(struct buf *buf);

/* Empty, memory kept. */
void buf_clear(struct buf *buf);

/* Room for `more` octets behind len; returns where they start. */
uint8_t *buf_reserve(struct buf *buf, size_t more);

/* Append at the end; the buffer grows as it must. */
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_add_slice(struct buf *buf, struct slice s);
void buf_add_str(struct buf *buf, const char *s);
void buf_add_octet(struct buf *buf, uint8_t octet);
void buf_printf(struct buf *buf, const char *fmt, ...) printf_like(2, 3);
void buf_vprintf(struct buf *buf, const char *fmt, va_list args)
	printf_like(2, 0);

/* Decimal digits, without the cost of printf. */
void buf_add_u64(struct buf *buf, uint64_t value);

/* Drops the first `len` octets (at most all). */
void buf_drop(struct buf *buf, size_t len);

/* Borrowed until the buffer changes. */
static inline struct slice buf_slice(const struct buf *buf)
{
	return slice_of(buf->data, buf->len);
}

/* The text with a 0 octet behind (not counted in len); borrowed likewise. */
const char *buf_cstr(struct buf *buf);

#endif
