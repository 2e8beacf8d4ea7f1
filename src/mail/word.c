/*
 * Encoded words. Words of one charset that follow each other collect their
 * octets in a run, which is converted when something else follows; if its
 * charset is unknown it is copied as it stands.
 */
#include "mail/word.h"

#include "mail/decode.h"
#include "mail/header.h"
#include "mail/lex.h"

/* =?charset?encoding?text?= */
struct word {
	struct slice whole;
	struct slice charset;
	uint8_t encoding; /* 'B' or 'Q' */
	struct slice text;
};

struct word_run {
	struct mail_charsets *charsets;
	struct slice charset;
	struct slice whole; /* all its words, with the blanks between */
	struct buf octets;  /* decoded, not converted */
};

/* Cuts up to the next '?' off; false if there is none. */
static bool word_cut(struct slice *in, struct slice *part_r)
{
	size_t mark = slice_find(*in, '?');

	if (mark == in->len)
		return false;
	*part_r = slice_first(*in, mark);
	*in = slice_from(*in, mark + 1);
	return true;
}

/* Where "?=" stands, or in.len. */
static size_t word_find_end(struct slice in)
{
	for (size_t n = 0; n + 1 < in.len; n++)
		if (in.data[n] == '?' && in.data[n + 1] == '=')
			return n;
	return in.len;
}

/* At "=?". A '?' inside of the text is tolerated, and so are blanks. */
static bool word_parse(struct slice in, struct word *word_r)
{
	struct slice rest = slice_from(slice_first(in, MAIL_WORD_MAX), 2);
	struct slice charset;
	struct slice encoding;
	size_t end;

	if (!word_cut(&rest, &charset) || !word_cut(&rest, &encoding))
		return false;
	if (charset.len == 0 || encoding.len != 1)
		return false;
	word_r->charset = slice_cut(&charset, '*'); /* RFC 2231 section 5 */
	word_r->encoding = encoding.data[0] & 0xdf;
	if (word_r->encoding != 'B' && word_r->encoding != 'Q')
		return false;
	end = word_find_end(rest);
	if (end == rest.len)
		return false;
	word_r->text = slice_first(rest, end);
	word_r->whole =
		slice_first(in, (size_t)(rest.data - in.data) + end + 2);
	return true;
}

/* The "Q" encoding (RFC 2047 section 4.2). */
static void word_decode_q(struct slice text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		int high = -1;
		int low = -1;

		if (text.data[i] == '=' && i + 2 < text.len) {
			high = mail_lex_hex(text.data[i + 1]);
			low = mail_lex_hex(text.data[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			buf_add_octet(out, (uint8_t)(high * 16 + low));
			i += 2;
			continue;
		}
		buf_add_octet(out, text.data[i] == '_' ? ' ' : text.data[i]);
	}
}

static void word_decode_b(struct slice text, struct buf *out)
{
	struct mail_decoder dec = { .encoding = MAIL_ENCODING_BASE64 };

	mail_decoder_feed(&dec, text, out);
	mail_decoder_finish(&dec, out);
	mail_decoder_fini(&dec);
}

/* ---- runs ---- */

static void word_run_end(struct word_run *run, struct buf *out)
{
	if (run->whole.len > 0 &&
	    mail_charset_decode(run->charsets, run->charset,
				buf_slice(&run->octets), out) != ERR_NONE)
		buf_add_slice(out, run->whole);
	run->whole = SLICE_NONE;
	buf_clear(&run->octets);
}

/* `before` stands between this word and what came before it. */
static void word_run_add(struct word_run *run, struct slice before,
			 const struct word *word, struct buf *out)
{
	bool follows = run->whole.len > 0 && slice_trim(before).len == 0;

	if (!follows || !slice_eq_nocase(run->charset, word->charset)) {
		word_run_end(run, out);
		if (!follows)
			buf_add_slice(out, before);
		run->charset = word->charset;
		run->whole = word->whole;
	} else {
		run->whole.len = (size_t)(word->whole.data - run->whole.data) +
				 word->whole.len;
	}
	if (word->encoding == 'Q')
		word_decode_q(word->text, &run->octets);
	else
		word_decode_b(word->text, &run->octets);
}

/* Where "=?" stands, or in.len. */
static size_t word_find(struct slice in, size_t from)
{
	while (from + 1 < in.len) {
		from += slice_find(slice_from(in, from), '=');
		if (from + 1 < in.len && in.data[from + 1] == '?')
			return from;
		from++;
	}
	return in.len;
}

static void word_decode_line(struct slice in, struct mail_charsets *charsets,
			     struct buf *out)
{
	struct word_run run = { .charsets = charsets };
	size_t at = 0;

	while ((at = word_find(in, at)) < in.len) {
		struct word word;

		if (!word_parse(slice_from(in, at), &word)) {
			at++;
			continue;
		}
		word_run_add(&run, slice_first(in, at), &word, out);
		in = slice_from(in, at + word.whole.len);
		at = 0;
	}
	word_run_end(&run, out);
	buf_add_slice(out, in);
	buf_fini(&run.octets);
}

void mail_word_decode(struct slice value, struct mail_charsets *charsets,
		      struct buf *out)
{
	struct buf line = { 0 };

	if (word_find(value, 0) == value.len) {
		mail_header_unfold(value, out);
		return;
	}
	mail_header_unfold(value, &line);
	word_decode_line(buf_slice(&line), charsets, out);
	buf_fini(&line);
}
