/*
 * Words of structured header fields: a cursor that only moves forward. What is
 * malformed is looked at once, so that any field takes linear time: a comment
 * without end takes the rest, a quote without end makes all later ones plain.
 */
#include "mail/lex.h"

/* Octets of words, before the specials are taken out. */
static bool lex_is_visible(uint8_t octet)
{
	return octet > ' ' && octet != 0x7f;
}

bool mail_lex_is_atext(uint8_t octet)
{
	switch (octet) {
	case '(':
	case ')':
	case '<':
	case '>':
	case '@':
	case ',':
	case ';':
	case ':':
	case '\\':
	case '"':
	case '[':
	case ']':
	case '.':
		return false;
	}
	return lex_is_visible(octet);
}

bool mail_lex_is_token(uint8_t octet)
{
	if (octet == '/' || octet == '?' || octet == '=')
		return false;
	return octet == '.' || mail_lex_is_atext(octet);
}

bool mail_lex_is_blank(uint8_t octet)
{
	return octet == ' ' || octet == '\t' || octet == '\r' || octet == '\n';
}

int mail_lex_hex(uint8_t octet)
{
	if (octet >= '0' && octet <= '9')
		return octet - '0';
	if (octet >= 'A' && octet <= 'F')
		return octet - 'A' + 10;
	if (octet >= 'a' && octet <= 'f')
		return octet - 'a' + 10;
	return -1;
}

void mail_lex_add(struct buf *out, uint8_t octet)
{
	if (octet == 0)
		buf_add(out, "\xef\xbf\xbd", 3);
	else
		buf_add_octet(out, octet);
}

static void lex_pass(struct mail_lex *lex, size_t octets)
{
	lex->rest = slice_from(lex->rest, octets);
}

/* Octet n of the rest begins a line end. */
static bool lex_line_end(struct slice rest, size_t n)
{
	if (rest.data[n] == '\n')
		return true;
	return rest.data[n] == '\r' && n + 1 < rest.len &&
	       rest.data[n + 1] == '\n';
}

/*
 * Appends the octet at `n` of quoted text or a comment, a quoted pair without
 * its backslash; returns where the next one is. A backslash before a line end
 * quotes nothing (obs-qp aside, no mailer means it).
 */
static size_t lex_text_octet(struct slice rest, size_t n, struct buf *out)
{
	if (rest.data[n] == '\\' && n + 1 < rest.len &&
	    !lex_line_end(rest, n + 1))
		n++;
	else if (lex_line_end(rest, n))
		return n + 1;
	if (out)
		mail_lex_add(out, rest.data[n]);
	return n + 1;
}

static void lex_comment(struct mail_lex *lex)
{
	unsigned depth = 1;
	size_t n = 1;

	if (lex->comment)
		buf_clear(lex->comment);
	while (n < lex->rest.len) {
		uint8_t octet = lex->rest.data[n];

		if (octet == ')' && --depth == 0)
			break;
		if (octet == '(' && ++depth > MAIL_COMMENT_DEPTH_MAX)
			n = lex->rest.len;
		else
			n = lex_text_octet(lex->rest, n, lex->comment);
	}
	lex_pass(lex, n < lex->rest.len ? n + 1 : lex->rest.len);
}

void mail_lex_skip(struct mail_lex *lex)
{
	while (lex->rest.len > 0) {
		if (mail_lex_is_blank(lex->rest.data[0]))
			lex_pass(lex, 1);
		else if (lex->rest.data[0] == '(')
			lex_comment(lex);
		else
			return;
	}
}

bool mail_lex_at(const struct mail_lex *lex, uint8_t octet)
{
	return lex->rest.len > 0 && lex->rest.data[0] == octet;
}

bool mail_lex_take(struct mail_lex *lex, uint8_t octet)
{
	if (!mail_lex_at(lex, octet))
		return false;
	lex_pass(lex, 1);
	mail_lex_skip(lex);
	return true;
}

bool mail_lex_run(struct mail_lex *lex, bool (*is)(uint8_t octet),
		  struct buf *out)
{
	size_t n = 0;

	for (; n < lex->rest.len && is(lex->rest.data[n]); n++)
		mail_lex_add(out, lex->rest.data[n]);
	lex_pass(lex, n);
	return n > 0;
}

void mail_lex_octet(struct mail_lex *lex, struct buf *out)
{
	mail_lex_add(out, lex->rest.data[0]);
	lex_pass(lex, 1);
}

bool mail_lex_quoted(struct mail_lex *lex, struct buf *out)
{
	size_t start = out->len;
	size_t n = 1;

	if (lex->unquoted)
		return false;
	while (n < lex->rest.len && lex->rest.data[n] != '"')
		n = lex_text_octet(lex->rest, n, out);
	if (n >= lex->rest.len) {
		out->len = start;
		lex->unquoted = true;
		return false;
	}
	lex_pass(lex, n + 1);
	return true;
}

/* What a domain literal holds in practice: addresses, not all of dtext. */
static bool lex_is_literal(uint8_t octet)
{
	return octet == '.' || octet == ':' ||
	       (mail_lex_is_atext(octet) && octet != '/');
}

bool mail_lex_domain_literal(struct mail_lex *lex, struct buf *out)
{
	size_t n = 1;

	while (n < lex->rest.len && lex_is_literal(lex->rest.data[n]))
		n++;
	if (n == lex->rest.len || lex->rest.data[n] != ']')
		return false;
	buf_add_slice(out, slice_first(lex->rest, n + 1));
	lex_pass(lex, n + 1);
	return true;
}
