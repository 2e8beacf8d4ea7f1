/*
 * A growing buffer: the capacity doubles, so appending is cheap on average.
 */
#include "base/buf.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/panic.h"

#define BUF_CAP_MIN 64 /* octets; a tag or a short line fits */

void buf_fini(struct buf *buf)
{
	mem_free(buf->data);
	*buf = (struct buf){ NULL, 0, 0 };
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
}

uint8_t *buf_reserve(struct buf *buf, size_t more)
{
	size_t cap = buf->cap > 0 ? buf->cap : BUF_CAP_MIN;

	MUST(more <= SIZE_MAX / 2 - buf->len);
	while (cap < buf->len + more)
		cap *= 2;
	if (cap > buf->cap) {
		buf->data = mem_realloc(buf->data, cap);
		buf->cap = cap;
	}
	return buf->data + buf->len;
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
	if (len == 0)
		return;
	memcpy(buf_reserve(buf, len), data, len);
	buf->len += len;
}

void buf_add_slice(struct buf *buf, struct slice s)
{
	buf_add(buf, s.data, s.len);
}

void buf_add_str(struct buf *buf, const char *s)
{
	buf_add(buf, s, strlen(s));
}

void buf_add_octet(struct buf *buf, uint8_t octet)
{
	*buf_reserve(buf, 1) = octet;
	buf->len++;
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	buf_vprintf(buf, fmt, args);
	va_end(args);
}

void buf_vprintf(struct buf *buf, const char *fmt, va_list args)
{
	va_list again;
	char *out;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	MUST(len >= 0);
	out = (char *)buf_reserve(buf, (size_t)len + 1);
	vsnprintf(out, (size_t)len + 1, fmt, args);
	buf->len += (size_t)len;
}

void buf_add_u64(struct buf *buf, uint64_t value)
{
	uint8_t digits[20]; /* 2^64 - 1 has so many */
	size_t at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	buf_add(buf, digits + at, sizeof(digits) - at);
}

void buf_drop(struct buf *buf, size_t len)
{
	if (len >= buf->len) {
		buf->len = 0;
		return;
	}
	buf->len -= len;
	memmove(buf->data, buf->data + len, buf->len);
}

const char *buf_cstr(struct buf *buf)
{
	*buf_reserve(buf, 1) = 0;
	return (const char *)buf->data;
}
