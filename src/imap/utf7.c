/*
 * Modified UTF-7 (RFC 3501 section 5.1.3) to UTF-8 and back.
 *
 * Printable ASCII stands for itself, "&-" for "&", and everything else is
 * UTF-16 in base64 with "," for "/", between "&" and "-". Decoding collects the
 * 16 bit units of a run and joins surrogates; it refuses whatever encoding
 * would not produce, so that decoding and encoding again gives the same octets.
 */
#include "imap/utf7.h"

#include <stdbool.h>

#include "base/panic.h"
#include "base/unicode.h"

static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static bool is_direct(uint32_t code)
{
	return code >= 0x20 && code <= 0x7e;
}

/* ---- encoding ---- */

/* Bits of a run that do not fill a base64 digit yet. */
struct encoder {
	struct buf *out;
	uint32_t bits;
	unsigned count; /* 0..5 between calls */
	bool shifted;
};

static void encode_unit(struct encoder *enc, uint32_t unit)
{
	enc->bits = enc->bits << 16 | unit;
	enc->count += 16;
	while (enc->count >= 6) {
		enc->count -= 6;
		buf_add_octet(enc->out,
			      (uint8_t)digits[enc->bits >> enc->count & 63]);
	}
	enc->bits &= (1U << enc->count) - 1;
}

static void encode_shift(struct encoder *enc)
{
	if (!enc->shifted)
		buf_add_octet(enc->out, '&');
	enc->shifted = true;
}

static void encode_unshift(struct encoder *enc)
{
	if (!enc->shifted)
		return;
	if (enc->count > 0)
		buf_add_octet(enc->out,
			      (uint8_t)digits[enc->bits << (6 - enc->count)]);
	buf_add_octet(enc->out, '-');
	enc->bits = 0;
	enc->count = 0;
	enc->shifted = false;
}

static void encode_code(struct encoder *enc, uint32_t code)
{
	if (is_direct(code)) {
		encode_unshift(enc);
		buf_add_octet(enc->out, (uint8_t)code);
		if (code == '&')
			buf_add_octet(enc->out, '-');
		return;
	}
	encode_shift(enc);
	if (code < 0x10000) {
		encode_unit(enc, code);
		return;
	}
	encode_unit(enc, 0xd800 + ((code - 0x10000) >> 10));
	encode_unit(enc, 0xdc00 + ((code - 0x10000) & 0x3ff));
}

/* Cuts one character off well-formed UTF-8. */
static uint32_t take_code(struct slice *utf8)
{
	uint8_t first = utf8->data[0];
	size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t code = len == 1 ? first : first & (0x7fU >> len);

	for (size_t i = 1; i < len; i++)
		code = code << 6 | (utf8->data[i] & 0x3f);
	*utf8 = slice_from(*utf8, len);
	return code;
}

enum err imap_utf7_encode(struct slice utf8, struct buf *out)
{
	struct encoder enc = { .out = out };

	if (!utf8_valid(utf8))
		return ERR_SYNTAX;
	while (utf8.len > 0)
		encode_code(&enc, take_code(&utf8));
	encode_unshift(&enc);
	return ERR_NONE;
}

/* ---- decoding ---- */

enum decode_state {
	DECODE_TEXT,  /* expects printable ASCII or '&' */
	DECODE_FIRST, /* saw '&': expects '-' or the first base64 digit */
	DECODE_RUN,   /* in base64: expects a digit or '-' */
	DECODE_AFTER, /* saw the '-' of a run: expects no other run */
	DECODE_AMP,   /* saw '&' right after a run: expects '-' */
};

struct decoder {
	struct buf *out;
	enum decode_state state;
	uint32_t bits;
	unsigned count; /* bits that are no unit yet: 0..15 between digits */
	uint32_t high;  /* first half of a surrogate pair, or 0 */
};

static void add_utf8(struct buf *out, uint32_t code)
{
	if (code < 0x80) {
		buf_add_octet(out, (uint8_t)code);
		return;
	}
	if (code < 0x800) {
		buf_add_octet(out, (uint8_t)(0xc0 | code >> 6));
	} else if (code < 0x10000) {
		buf_add_octet(out, (uint8_t)(0xe0 | code >> 12));
		buf_add_octet(out, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
	} else {
		buf_add_octet(out, (uint8_t)(0xf0 | code >> 18));
		buf_add_octet(out, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
		buf_add_octet(out, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
	}
	buf_add_octet(out, (uint8_t)(0x80 | (code & 0x3f)));
}

static bool decode_unit(struct decoder *dec, uint32_t unit)
{
	bool is_low = unit >= 0xdc00 && unit <= 0xdfff;

	if (is_direct(unit) || is_low != (dec->high != 0))
		return false;
	if (unit >= 0xd800 && unit <= 0xdbff) {
		dec->high = unit;
		return true;
	}
	if (is_low)
		unit = 0x10000 + ((dec->high - 0xd800) << 10) + unit - 0xdc00;
	dec->high = 0;
	add_utf8(dec->out, unit);
	return true;
}

static bool decode_digit(struct decoder *dec, uint8_t octet)
{
	const char *at = octet == '\0' ? NULL : strchr(digits, octet);

	if (at == NULL)
		return false;
	dec->bits = dec->bits << 6 | (uint32_t)(at - digits);
	dec->count += 6;
	dec->state = DECODE_RUN;
	if (dec->count < 16)
		return true;
	dec->count -= 16;
	if (!decode_unit(dec, dec->bits >> dec->count & 0xffff))
		return false;
	dec->bits &= (1U << dec->count) - 1;
	return true;
}

/* The padding is what base64 needs, and 0; no half of a pair is left. */
static bool decode_run_end(struct decoder *dec)
{
	if (dec->count >= 6 || dec->bits != 0 || dec->high != 0)
		return false;
	dec->count = 0;
	dec->state = DECODE_AFTER;
	return true;
}

static bool decode_text(struct decoder *dec, uint8_t octet)
{
	if (!is_direct(octet))
		return false;
	if (octet == '&') {
		dec->state =
			dec->state == DECODE_AFTER ? DECODE_AMP : DECODE_FIRST;
		return true;
	}
	dec->state = DECODE_TEXT;
	buf_add_octet(dec->out, octet);
	return true;
}

static bool decode_amp(struct decoder *dec)
{
	buf_add_octet(dec->out, '&');
	dec->state = DECODE_TEXT;
	return true;
}

static bool decode_octet(struct decoder *dec, uint8_t octet)
{
	switch (dec->state) {
	case DECODE_TEXT:
	case DECODE_AFTER:
		return decode_text(dec, octet);
	case DECODE_FIRST:
		return octet == '-' ? decode_amp(dec)
				    : decode_digit(dec, octet);
	case DECODE_AMP:
		return octet == '-' && decode_amp(dec);
	case DECODE_RUN:
		return octet == '-' ? decode_run_end(dec)
				    : decode_digit(dec, octet);
	}
	PANIC("state %d of a decoder", (int)dec->state);
}

static bool decode_all(struct decoder *dec, struct slice utf7)
{
	for (size_t i = 0; i < utf7.len; i++)
		if (!decode_octet(dec, utf7.data[i]))
			return false;
	return dec->state == DECODE_TEXT || dec->state == DECODE_AFTER;
}

enum err imap_utf7_decode(struct slice utf7, struct buf *out)
{
	struct decoder dec = { .out = out };
	size_t before = out->len;

	if (decode_all(&dec, utf7))
		return ERR_NONE;
	out->len = before;
	return ERR_SYNTAX;
}
