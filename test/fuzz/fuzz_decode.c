/*
 * Transfer encodings and charsets: every split gives the same octets, and what
 * comes out of a charset is well-formed UTF-8.
 *
 * The first octet chooses the encoding, the second the charset, the third how
 * the text is split.
 */
#include "base/attr.h"
#include "base/panic.h"
#include "base/unicode.h"
#include "mail/charset.h"
#include "mail/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(enum mail_encoding encoding, struct slice in, size_t step,
		   struct buf *out)
{
	struct mail_decoder dec = { .encoding = encoding };

	for (; in.len > 0; in = slice_from(in, step))
		mail_decoder_feed(&dec, slice_first(in, step), out);
	mail_decoder_finish(&dec, out);
	mail_decoder_fini(&dec);
}

static void convert(struct mail_charsets *charsets, const char *name,
		    struct slice in, size_t step, struct buf *out)
{
	struct mail_converter *conv;

	MUST(mail_charsets_take(charsets, slice_str(name), &conv) == ERR_NONE);
	for (; in.len > 0; in = slice_from(in, step))
		mail_converter_feed(conv, slice_first(in, step), out);
	mail_converter_finish(conv, out);
	mail_charsets_put(charsets, &conv);
}

static void check_charset(const char *name, struct slice in, size_t step)
{
	struct mail_charsets charsets = { { NULL } };
	struct buf whole = { 0 };
	struct buf pieces = { 0 };

	convert(&charsets, name, in, SIZE_MAX, &whole);
	convert(&charsets, name, in, step, &pieces);
	MUST(utf8_valid(buf_slice(&whole)));
	MUST(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
	buf_fini(&whole);
	buf_fini(&pieces);
	mail_charsets_fini(&charsets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {
		"utf-8",       "iso-8859-1",  "gbk",     "big5",
		"shift_jis",   "iso-2022-jp", "euc-kr",  "utf-16",
		"utf-7",       "koi8-r",      "gb18030", "iso-2022-kr",
		"iso-2022-cn",
	};
	struct buf whole = { 0 };
	struct buf pieces = { 0 };
	enum mail_encoding encoding;
	struct slice in;

	if (size < 3)
		return 0;
	encoding = (enum mail_encoding)(data[0] % 4);
	in = slice_of(data + 3, size - 3);
	decode(encoding, in, SIZE_MAX, &whole);
	decode(encoding, in, data[2] + 1U, &pieces);
	MUST(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
	check_charset(names[data[1] % ARRAY_LEN(names)], buf_slice(&whole),
		      data[2] + 1U);
	buf_fini(&whole);
	buf_fini(&pieces);
	return 0;
}
