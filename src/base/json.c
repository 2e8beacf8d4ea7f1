/*
 * JSON, written.
 *
 * Whether a comma is due shows the last octet: none behind an opening bracket
 * and at the start. Nothing fails.
 */
#include "base/json.h"

#include <inttypes.h>

#include "base/unicode.h"

static void text(struct buf *out, struct slice s)
{
	bool is_utf8 = utf8_valid(s);

	buf_add_octet(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		uint8_t octet = s.data[i];

		if (octet < 0x20 || octet == 0x7f || (octet > 0x7f && !is_utf8))
			buf_printf(out, "\\u%04x", (unsigned)octet);
		else if (octet == '"' || octet == '\\')
			buf_printf(out, "\\%c", octet);
		else
			buf_add_octet(out, octet);
	}
	buf_add_octet(out, '"');
}

/* What stands before a value. */
static void before(struct buf *out, const char *name)
{
	uint8_t last = out->len ? out->data[out->len - 1] : '{';

	if (last != '{' && last != '[')
		buf_add_octet(out, ',');
	if (!name)
		return;
	text(out, slice_str(name));
	buf_add_octet(out, ':');
}

void json_object_begin(struct buf *out, const char *name)
{
	before(out, name);
	buf_add_octet(out, '{');
}

void json_object_end(struct buf *out)
{
	buf_add_octet(out, '}');
}

void json_array_begin(struct buf *out, const char *name)
{
	before(out, name);
	buf_add_octet(out, '[');
}

void json_array_end(struct buf *out)
{
	buf_add_octet(out, ']');
}

void json_number(struct buf *out, const char *name, uint64_t value)
{
	before(out, name);
	buf_add_u64(out, value);
}

void json_signed(struct buf *out, const char *name, int64_t value)
{
	before(out, name);
	buf_printf(out, "%" PRId64, value);
}

void json_flag(struct buf *out, const char *name, bool value)
{
	before(out, name);
	buf_add_str(out, value ? "true" : "false");
}

void json_text(struct buf *out, const char *name, struct slice value)
{
	before(out, name);
	text(out, value);
}
