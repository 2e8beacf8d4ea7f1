/*
 * Transfer decoding. Base64 collects digits into groups; quoted-printable is a
 * state machine with a run of plain octets as its quick path. There are no
 * failures: broken text decodes to something.
 */
#include "mail/decode.h"

#include "mail/lex.h"

enum mail_encoding mail_encoding_of(struct slice value)
{
	struct mail_lex lex = { .rest = value };
	struct slice name;
	size_t n = 0;

	mail_lex_skip(&lex);
	while (n < lex.rest.len && mail_lex_is_token(lex.rest.data[n]))
		n++;
	name = slice_first(lex.rest, n);
	if (slice_eq_nocase(name, SLICE_LIT("base64")))
		return MAIL_ENCODING_BASE64;
	if (slice_eq_nocase(name, SLICE_LIT("quoted-printable")))
		return MAIL_ENCODING_QUOTED;
	if (name.len == 0 || slice_eq_nocase(name, SLICE_LIT("7bit")) ||
	    slice_eq_nocase(name, SLICE_LIT("8bit")) ||
	    slice_eq_nocase(name, SLICE_LIT("binary")))
		return MAIL_ENCODING_IDENTITY;
	return MAIL_ENCODING_UNKNOWN;
}

void mail_decoder_init(struct mail_decoder *dec, enum mail_encoding encoding)
{
	dec->encoding = encoding;
	dec->bits = 0;
	dec->digits = 0;
	dec->quoted = MAIL_QUOTED_TEXT;
	buf_clear(&dec->wait);
}

void mail_decoder_fini(struct mail_decoder *dec)
{
	buf_fini(&dec->wait);
}

/* ---- base64 ---- */

/* By octet: the value of a digit plus one; 0: no digit. */
static const uint8_t base64_digits[256] = {
	/* clang-format off */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 63, 0, 0, 0, 64,
	53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 0, 0, 0, 0, 0, 0,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 0, 0, 0, 0, 0,
	0, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41,
	42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 0, 0, 0, 0, 0,
	/* clang-format on */
};

/* Groups of four digits without anything between; returns octets taken. */
static size_t base64_groups(struct slice in, struct buf *out)
{
	uint8_t *to;
	size_t n;

	if (in.len < 4)
		return 0;
	to = buf_reserve(out, in.len / 4 * 3);
	for (n = 0; n + 4 <= in.len; n += 4) {
		uint32_t a = base64_digits[in.data[n]];
		uint32_t b = base64_digits[in.data[n + 1]];
		uint32_t c = base64_digits[in.data[n + 2]];
		uint32_t d = base64_digits[in.data[n + 3]];
		uint32_t bits;

		if (!a || !b || !c || !d)
			break;
		bits = (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);
		*to++ = (uint8_t)(bits >> 16);
		*to++ = (uint8_t)(bits >> 8);
		*to++ = (uint8_t)bits;
	}
	out->len += n / 4 * 3;
	return n;
}

/* The whole octets of an incomplete group; a single digit holds none. */
static void base64_flush(struct mail_decoder *dec, struct buf *out)
{
	if (dec->digits == 2)
		buf_add_octet(out, (uint8_t)(dec->bits >> 4));
	if (dec->digits == 3) {
		buf_add_octet(out, (uint8_t)(dec->bits >> 10));
		buf_add_octet(out, (uint8_t)(dec->bits >> 2));
	}
	dec->digits = 0;
	dec->bits = 0;
}

static void base64_octet(struct mail_decoder *dec, uint8_t octet,
			 struct buf *out)
{
	uint32_t digit = base64_digits[octet];

	if (octet == '=')
		base64_flush(dec, out);
	if (!digit)
		return;
	dec->bits = dec->bits << 6 | (digit - 1);
	if (++dec->digits < 4)
		return;
	buf_add_octet(out, (uint8_t)(dec->bits >> 16));
	buf_add_octet(out, (uint8_t)(dec->bits >> 8));
	buf_add_octet(out, (uint8_t)dec->bits);
	dec->digits = 0;
	dec->bits = 0;
}

static void base64_feed(struct mail_decoder *dec, struct slice in,
			struct buf *out)
{
	while (in.len > 0) {
		if (dec->digits == 0)
			in = slice_from(in, base64_groups(in, out));
		if (in.len == 0)
			break;
		base64_octet(dec, in.data[0], out);
		in = slice_from(in, 1);
	}
}

/* ---- quoted-printable ---- */

static bool quoted_is_blank(uint8_t octet)
{
	return octet == ' ' || octet == '\t';
}

/* Octet n may be padding: only what follows it tells. */
static bool quoted_may_be_padding(struct slice in, size_t n)
{
	uint8_t next;

	if (!quoted_is_blank(in.data[n]))
		return false;
	if (n + 1 == in.len)
		return true;
	next = in.data[n + 1];
	return quoted_is_blank(next) || next == '\r' || next == '\n';
}

/* How many octets at the front mean themselves. */
static size_t quoted_plain(struct slice in)
{
	size_t n = 0;

	while (n < in.len && in.data[n] != '=' && !quoted_may_be_padding(in, n))
		n++;
	return n;
}

/* What waits is text after all. */
static void quoted_flush(struct mail_decoder *dec, struct buf *out)
{
	buf_add_slice(out, buf_slice(&dec->wait));
	buf_clear(&dec->wait);
	dec->quoted = MAIL_QUOTED_TEXT;
}

/* What waits was padding or a soft break. */
static void quoted_forget(struct mail_decoder *dec)
{
	buf_clear(&dec->wait);
	dec->quoted = MAIL_QUOTED_TEXT;
}

static bool quoted_wait(struct mail_decoder *dec, uint8_t octet,
			enum mail_quoted_state state)
{
	buf_add_octet(&dec->wait, octet);
	dec->quoted = state;
	return true;
}

/*
 * One function a state: each takes the octet (true), or leaves it to the state
 * that it went to (false).
 */
static bool quoted_text(struct mail_decoder *dec, uint8_t octet,
			struct buf *out)
{
	if (octet == '=')
		return quoted_wait(dec, octet, MAIL_QUOTED_EQUALS);
	if (quoted_is_blank(octet))
		return quoted_wait(dec, octet, MAIL_QUOTED_BLANKS);
	buf_add_octet(out, octet);
	return true;
}

static bool quoted_blanks(struct mail_decoder *dec, uint8_t octet,
			  struct buf *out)
{
	if (dec->wait.len >= MAIL_QUOTED_WAIT_MAX)
		quoted_flush(dec, out);
	else if (quoted_is_blank(octet))
		return quoted_wait(dec, octet, MAIL_QUOTED_BLANKS);
	else if (octet == '\r')
		return quoted_wait(dec, octet, MAIL_QUOTED_CR);
	else if (octet == '\n')
		quoted_forget(dec);
	else
		quoted_flush(dec, out);
	return false;
}

static bool quoted_cr(struct mail_decoder *dec, uint8_t octet, struct buf *out)
{
	if (octet != '\n') {
		quoted_flush(dec, out);
		return false;
	}
	quoted_forget(dec);
	buf_add_str(out, "\r\n");
	return true;
}

static bool quoted_equals(struct mail_decoder *dec, uint8_t octet,
			  struct buf *out)
{
	if (mail_lex_hex(octet) >= 0)
		return quoted_wait(dec, octet, MAIL_QUOTED_HEX);
	if (quoted_is_blank(octet))
		return quoted_wait(dec, octet, MAIL_QUOTED_SOFT);
	if (octet == '\r')
		return quoted_wait(dec, octet, MAIL_QUOTED_SOFT_CR);
	if (octet != '\n') {
		quoted_flush(dec, out);
		return false;
	}
	quoted_forget(dec);
	return true;
}

static bool quoted_hex(struct mail_decoder *dec, uint8_t octet, struct buf *out)
{
	int high = mail_lex_hex(dec->wait.data[1]);
	int low = mail_lex_hex(octet);

	if (low < 0) {
		quoted_flush(dec, out);
		return false;
	}
	quoted_forget(dec);
	buf_add_octet(out, (uint8_t)(high * 16 + low));
	return true;
}

static bool quoted_soft(struct mail_decoder *dec, uint8_t octet,
			struct buf *out)
{
	if (dec->wait.len >= MAIL_QUOTED_WAIT_MAX) {
		quoted_flush(dec, out);
		return false;
	}
	if (quoted_is_blank(octet))
		return quoted_wait(dec, octet, MAIL_QUOTED_SOFT);
	if (octet == '\r')
		return quoted_wait(dec, octet, MAIL_QUOTED_SOFT_CR);
	if (octet == '\n') {
		quoted_forget(dec);
		return true;
	}
	quoted_flush(dec, out);
	return false;
}

static bool quoted_soft_cr(struct mail_decoder *dec, uint8_t octet,
			   struct buf *out)
{
	if (octet != '\n') {
		quoted_flush(dec, out);
		return false;
	}
	quoted_forget(dec);
	return true;
}

static bool quoted_step(struct mail_decoder *dec, uint8_t octet,
			struct buf *out)
{
	switch (dec->quoted) {
	case MAIL_QUOTED_TEXT:
		return quoted_text(dec, octet, out);
	case MAIL_QUOTED_BLANKS:
		return quoted_blanks(dec, octet, out);
	case MAIL_QUOTED_CR:
		return quoted_cr(dec, octet, out);
	case MAIL_QUOTED_EQUALS:
		return quoted_equals(dec, octet, out);
	case MAIL_QUOTED_HEX:
		return quoted_hex(dec, octet, out);
	case MAIL_QUOTED_SOFT:
		return quoted_soft(dec, octet, out);
	case MAIL_QUOTED_SOFT_CR:
		return quoted_soft_cr(dec, octet, out);
	}
	return true;
}

static void quoted_feed(struct mail_decoder *dec, struct slice in,
			struct buf *out)
{
	while (in.len > 0) {
		if (dec->quoted == MAIL_QUOTED_TEXT) {
			size_t plain = quoted_plain(in);

			buf_add_slice(out, slice_first(in, plain));
			in = slice_from(in, plain);
		}
		if (in.len > 0 && quoted_step(dec, in.data[0], out))
			in = slice_from(in, 1);
	}
}

/* The end of a body is the end of its last line. */
static void quoted_finish(struct mail_decoder *dec, struct buf *out)
{
	if (dec->quoted == MAIL_QUOTED_HEX)
		quoted_flush(dec, out);
	quoted_forget(dec);
}

/* ---- both ---- */

void mail_decoder_feed(struct mail_decoder *dec, struct slice in,
		       struct buf *out)
{
	switch (dec->encoding) {
	case MAIL_ENCODING_BASE64:
		base64_feed(dec, in, out);
		break;
	case MAIL_ENCODING_QUOTED:
		quoted_feed(dec, in, out);
		break;
	case MAIL_ENCODING_IDENTITY:
	case MAIL_ENCODING_UNKNOWN:
		buf_add_slice(out, in);
	}
}

void mail_decoder_finish(struct mail_decoder *dec, struct buf *out)
{
	base64_flush(dec, out);
	quoted_finish(dec, out);
}
