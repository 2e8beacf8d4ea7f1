/*
 * Unicode by libunistring, with a short way for ASCII: most names are ASCII,
 * and the general way costs about a microsecond and an allocation each.
 */
#include "base/unicode.h"

#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/panic.h"

bool ascii_only(struct slice s)
{
	uint64_t word;
	size_t at = 0;

	for (; s.len - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, s.data + at, sizeof(word));
		if ((word & 0x8080808080808080) != 0)
			return false;
	}
	for (; at < s.len; at++)
		if (s.data[at] >= 0x80)
			return false;
	return true;
}

/* How many octets from the start are well-formed. */
static size_t valid_prefix(struct slice s)
{
	const uint8_t *bad = s.len > 0 ? u8_check(s.data, s.len) : NULL;

	return bad != NULL ? (size_t)(bad - s.data) : s.len;
}

bool utf8_valid(struct slice s)
{
	return ascii_only(s) || valid_prefix(s) == s.len;
}

/* `s` is well-formed, so only a lack of memory can make this fail. */
static void add_normalized(uninorm_t form, struct slice s, struct buf *out)
{
	size_t len = 0;
	uint8_t *text = u8_normalize(form, s.data, s.len, NULL, &len);

	if (text == NULL)
		PANIC("no memory to normalize %zu octets", s.len);
	buf_add(out, text, len);
	free(text); /* tidy: allow free: libunistring's result */
}

enum err unicode_nfc(struct slice s, struct buf *out)
{
	if (ascii_only(s)) {
		buf_add_slice(out, s);
		return ERR_NONE;
	}
	if (!utf8_valid(s))
		return ERR_SYNTAX;
	add_normalized(UNINORM_NFC, s, out);
	return ERR_NONE;
}

static void casemap_ascii(struct slice s, struct buf *out)
{
	uint8_t *text = buf_reserve(out, s.len);

	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i];

		text[i] = c >= 'a' && c <= 'z' ? (uint8_t)(c - ('a' - 'A')) : c;
	}
	out->len += s.len;
}

/* `s` is well-formed. */
static void casemap_utf8(struct slice s, struct buf *out)
{
	struct buf title = { 0 };

	for (size_t at = 0; at < s.len;) {
		ucs4_t c;
		uint8_t *text;
		int len;

		at += (size_t)u8_mbtoucr(&c, s.data + at, s.len - at);
		text = buf_reserve(&title, 4);
		len = u8_uctomb(text, uc_totitle(c), 4);
		MUST(len > 0);
		title.len += (size_t)len;
	}
	add_normalized(UNINORM_NFKD, buf_slice(&title), out);
	buf_fini(&title);
}

void unicode_casemap(struct slice s, struct buf *out)
{
	while (s.len > 0) {
		size_t valid = valid_prefix(s);
		struct slice run = slice_first(s, valid);

		if (ascii_only(run))
			casemap_ascii(run, out);
		else
			casemap_utf8(run, out);
		if (valid < s.len)
			buf_add_octet(out, s.data[valid++]);
		s = slice_from(s, valid);
	}
}
