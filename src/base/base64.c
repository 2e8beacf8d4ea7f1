/*
 * Base64 and hexadecimal of short texts.
 *
 * Decoding takes one form only (RFC 4648 sections 3.3 and 3.5): with padding,
 * without line breaks, unused bits 0. So no two texts mean the same octets, and
 * none slips past a comparison of texts. After an error `out` is as before.
 */
#include "base/base64.h"

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Three octets, or the last one or two of them, as four characters. */
static void group_encode(const uint8_t *octets, size_t len, uint8_t *text)
{
	uint32_t bits = (uint32_t)octets[0] << 16;

	if (len > 1)
		bits |= (uint32_t)octets[1] << 8;
	if (len > 2)
		bits |= octets[2];
	for (size_t i = 0; i < 4; i++) {
		uint32_t digit = bits >> (18 - 6 * i) & 0x3f;

		text[i] = (uint8_t)(i <= len ? base64_digits[digit] : '=');
	}
}

void base64_encode(struct slice octets, struct buf *out)
{
	for (size_t at = 0; at < octets.len; at += 3) {
		size_t left = octets.len - at;

		group_encode(octets.data + at, left < 3 ? left : 3,
			     buf_reserve(out, 4));
		out->len += 4;
	}
}

/* The value of a character, or 64. */
static uint32_t digit_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0' + 52);
	if (c == '+')
		return 62;
	return c == '/' ? 63 : 64;
}

/* `digits` characters of a group, 2 to 4, as `digits` - 1 octets. */
static bool group_decode(const uint8_t *text, size_t digits, uint8_t *octets)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		uint32_t value = i < digits ? digit_value(text[i]) : 0;

		if (value > 63)
			return false;
		bits = bits << 6 | value;
	}
	for (size_t i = 0; i < digits - 1; i++)
		octets[i] = (uint8_t)(bits >> (16 - 8 * i));
	return (bits & (0xffffffu >> 8 * (digits - 1)) & 0xffffff) == 0;
}

/* How many characters of the last group are no padding. */
static size_t last_digits(struct slice text)
{
	if (text.data[text.len - 1] != '=')
		return 4;
	return text.data[text.len - 2] != '=' ? 3 : 2;
}

enum err base64_decode(struct slice text, struct buf *out)
{
	size_t start = out->len;

	if (text.len % 4 != 0)
		return ERR_SYNTAX;
	for (size_t at = 0; at < text.len; at += 4) {
		bool last = at + 4 == text.len;
		size_t digits = last ? last_digits(text) : 4;

		if (!group_decode(text.data + at, digits,
				  buf_reserve(out, 3))) {
			out->len = start;
			return ERR_SYNTAX;
		}
		out->len += digits - 1;
	}
	return ERR_NONE;
}

void hex_encode(struct slice octets, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t *text = buf_reserve(out, 2 * octets.len);

	for (size_t i = 0; i < octets.len; i++) {
		text[2 * i] = (uint8_t)digits[octets.data[i] >> 4];
		text[2 * i + 1] = (uint8_t)digits[octets.data[i] & 0xf];
	}
	out->len += 2 * octets.len;
}

/* The value of a character, or 16. */
static unsigned hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

enum err hex_decode(struct slice text, struct buf *out)
{
	uint8_t *octets;

	if (text.len % 2 != 0)
		return ERR_SYNTAX;
	octets = buf_reserve(out, text.len / 2);
	for (size_t i = 0; i < text.len / 2; i++) {
		unsigned high = hex_value(text.data[2 * i]);
		unsigned low = hex_value(text.data[2 * i + 1]);

		if (high > 15 || low > 15)
			return ERR_SYNTAX;
		octets[i] = (uint8_t)(high << 4 | low);
	}
	out->len += text.len / 2;
	return ERR_NONE;
}
