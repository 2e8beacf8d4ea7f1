/*
 * JSON, written: for what is shown to programs by folders that may not include
 * a library for it.
 *
 * Values are appended to a buffer, with the comma before them where one is
 * due. `name` is NULL in an array. Nothing is checked: whoever opens closes.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* Objects and arrays. */
void json_object_begin(struct buf *out, const char *name);
void json_object_end(struct buf *out);
void json_array_begin(struct buf *out, const char *name);
void json_array_end(struct buf *out);

/* Plain values. */
void json_number(struct buf *out, const char *name, uint64_t value);
void json_signed(struct buf *out, const char *name, int64_t value);
void json_flag(struct buf *out, const char *name, bool value);

/*
 * Octets as a string. What is no UTF-8 is written as if each octet were a
 * character of Latin-1, so that different octets stay different.
 */
void json_text(struct buf *out, const char *name, struct slice text);

#endif
