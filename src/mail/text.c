/*
 * Search in messages.
 *
 * The parts are visited in reading order. Of one the header is read and
 * searched if its kind is wanted, then a leaf that is text: read in pieces,
 * its transfer encoding taken off, converted to UTF-8, matched. A hit or a
 * failure of the reader ends it all.
 */
#include "mail/text.h"

#include "base/unicode.h"
#include "mail/header.h"
#include "mail/param.h"
#include "mail/word.h"

struct text_search {
	struct mail_text *text;
	mail_text_read *read;
	void *arg;
	const struct mail_needle *needle;
	bool hit;
};

void mail_text_fini(struct mail_text *text)
{
	mail_charsets_fini(&text->charsets);
	mail_matcher_fini(&text->matcher);
	mail_decoder_fini(&text->decoder);
	buf_fini(&text->read);
	buf_fini(&text->decoded);
	buf_fini(&text->utf8);
}

/* A whole text. */
static bool text_match(struct mail_text *text, struct slice utf8,
		       const struct mail_needle *needle)
{
	mail_matcher_init(&text->matcher, needle);
	return mail_matcher_feed(&text->matcher, utf8) ||
	       mail_matcher_finish(&text->matcher);
}

/* ---- headers ---- */

static bool text_has_words(struct slice value)
{
	while (value.len > 1) {
		value = slice_from(value, slice_find(value, '='));
		if (value.len > 1 && value.data[1] == '?')
			return true;
		if (value.len > 0)
			value = slice_from(value, 1);
	}
	return false;
}

bool mail_text_search_value(struct mail_text *text, struct slice value,
			    const struct mail_needle *needle)
{
	if (slice_find(value, '\n') == value.len && !text_has_words(value))
		return text_match(text, value, needle);
	buf_clear(&text->utf8);
	mail_word_decode(value, &text->charsets, &text->utf8);
	return text_match(text, buf_slice(&text->utf8), needle);
}

bool mail_text_search_header(struct mail_text *text, struct slice header,
			     struct slice name,
			     const struct mail_needle *needle)
{
	struct mail_header_field field;

	while (mail_header_next(&header, &field))
		if (slice_eq_nocase(field.name, name) &&
		    mail_text_search_value(text, field.value, needle))
			return true;
	return false;
}

bool mail_text_search_addresses(struct mail_text *text,
				const struct mail_address *list,
				const struct mail_needle *needle)
{
	for (const struct mail_address *a = list; a; a = a->next) {
		struct buf *line = &text->utf8;

		buf_clear(line);
		mail_word_decode(a->name, &text->charsets, line);
		if (a->host.data)
			buf_add_str(line, line->len > 0 ? " <" : "<");
		buf_add_slice(line, a->mailbox);
		if (a->host.data) {
			buf_add_octet(line, '@');
			buf_add_slice(line, a->host);
			buf_add_octet(line, '>');
		}
		if (text_match(text, buf_slice(line), needle))
			return true;
	}
	return false;
}

/* Fields as "Name: value", one after the other. */
static bool text_search_fields(struct text_search *s, struct slice header)
{
	struct mail_text *text = s->text;
	struct mail_header_field field;

	while (mail_header_next(&header, &field)) {
		buf_clear(&text->utf8);
		buf_add_slice(&text->utf8, field.name);
		buf_add_str(&text->utf8, ": ");
		mail_word_decode(field.value, &text->charsets, &text->utf8);
		if (text_match(text, buf_slice(&text->utf8), s->needle))
			return true;
	}
	return false;
}

static enum err text_search_part_header(struct text_search *s,
					const struct mime_part *part)
{
	struct buf *header = &s->text->read;
	uint64_t offset = part->header_begin;
	uint64_t left = part->body_begin - part->header_begin;

	if (left > MIME_HEADER_MAX)
		left = MIME_HEADER_MAX;
	buf_clear(header);
	while (left > 0) {
		size_t len = left < MAIL_TEXT_READ ? left : MAIL_TEXT_READ;
		enum err err = s->read(s->arg, offset, len, header);

		if (err)
			return err;
		offset += len;
		left -= len;
	}
	s->hit = text_search_fields(s, buf_slice(header));
	return ERR_NONE;
}

/* ---- bodies ---- */

static bool text_is_searched(const struct mime_part *part)
{
	return part->kind == MIME_LEAF &&
	       (mime_part_is_text(part) ||
		slice_eq_nocase(part->type, SLICE_LIT("message")));
}

/* NULL: unknown, the octets are searched as they stand. */
static struct mail_converter *text_converter(struct mail_text *text,
					     const struct mime_part *part)
{
	struct mail_converter *conv = NULL;
	struct buf name = { 0 };

	if (!mail_param_decode(&part->params, SLICE_LIT("charset"),
			       &text->charsets, &name))
		buf_add_str(&name, "us-ascii");
	if (mail_charsets_take(&text->charsets, buf_slice(&name), &conv))
		conv = NULL;
	buf_fini(&name);
	return conv;
}

/* Octets without transfer encoding, in the charset of the part. */
static bool text_feed_decoded(struct mail_text *text,
			      struct mail_converter *conv, struct slice in)
{
	if (!conv || (mail_converter_ascii_safe(conv) && ascii_only(in)))
		return mail_matcher_feed(&text->matcher, in);
	buf_clear(&text->utf8);
	mail_converter_feed(conv, in, &text->utf8);
	return mail_matcher_feed(&text->matcher, buf_slice(&text->utf8));
}

static bool text_feed(struct mail_text *text, struct mail_converter *conv,
		      struct slice in)
{
	if (text->decoder.encoding == MAIL_ENCODING_IDENTITY ||
	    text->decoder.encoding == MAIL_ENCODING_UNKNOWN)
		return text_feed_decoded(text, conv, in);
	buf_clear(&text->decoded);
	mail_decoder_feed(&text->decoder, in, &text->decoded);
	return text_feed_decoded(text, conv, buf_slice(&text->decoded));
}

static bool text_finish(struct mail_text *text, struct mail_converter *conv)
{
	buf_clear(&text->decoded);
	mail_decoder_finish(&text->decoder, &text->decoded);
	if (text_feed_decoded(text, conv, buf_slice(&text->decoded)))
		return true;
	buf_clear(&text->utf8);
	if (conv)
		mail_converter_finish(conv, &text->utf8);
	return mail_matcher_feed(&text->matcher, buf_slice(&text->utf8)) ||
	       mail_matcher_finish(&text->matcher);
}

static enum err text_search_octets(struct text_search *s,
				   const struct mime_part *part,
				   struct mail_converter *conv)
{
	struct mail_text *text = s->text;
	uint64_t offset = part->body_begin;

	while (offset < part->body_end && !s->hit) {
		uint64_t left = part->body_end - offset;
		size_t len = left < MAIL_TEXT_READ ? left : MAIL_TEXT_READ;
		enum err err;

		buf_clear(&text->read);
		err = s->read(s->arg, offset, len, &text->read);
		if (err)
			return err;
		s->hit = text_feed(text, conv, buf_slice(&text->read));
		offset += len;
	}
	if (!s->hit)
		s->hit = text_finish(text, conv);
	return ERR_NONE;
}

static enum err text_search_part_body(struct text_search *s,
				      const struct mime_part *part)
{
	struct mail_text *text = s->text;
	struct mail_converter *conv = text_converter(text, part);
	enum err err;

	mail_matcher_init(&text->matcher, s->needle);
	mail_decoder_init(&text->decoder, mail_encoding_of(part->encoding));
	err = text_search_octets(s, part, conv);
	mail_charsets_put(&text->charsets, &conv);
	return err;
}

/* ---- messages ---- */

/* The part behind this one in reading order. */
static const struct mime_part *text_next(const struct mime_part *part)
{
	if (part->child)
		return part->child;
	while (part && !part->next)
		part = part->parent;
	return part ? part->next : NULL;
}

static bool text_is_embedded(const struct mime_part *part)
{
	return part->parent && part->parent->kind == MIME_MESSAGE;
}

static enum err text_search(struct text_search *s, const struct mime_part *root,
			    bool all_headers)
{
	enum err err = ERR_NONE;

	for (const struct mime_part *part = root; part && !s->hit && !err;
	     part = text_next(part)) {
		if (all_headers || text_is_embedded(part))
			err = text_search_part_header(s, part);
		if (!err && !s->hit && text_is_searched(part))
			err = text_search_part_body(s, part);
	}
	return err;
}

enum err mail_text_search_body(struct mail_text *text,
			       const struct mime_part *root,
			       mail_text_read *read, void *arg,
			       const struct mail_needle *needle, bool *hit_r)
{
	struct text_search s = {
		.text = text,
		.read = read,
		.arg = arg,
		.needle = needle,
		.hit = false,
	};
	enum err err = text_search(&s, root, false);

	*hit_r = s.hit;
	return err;
}

enum err mail_text_search_all(struct mail_text *text,
			      const struct mime_part *root,
			      mail_text_read *read, void *arg,
			      const struct mail_needle *needle, bool *hit_r)
{
	struct text_search s = {
		.text = text,
		.read = read,
		.arg = arg,
		.needle = needle,
		.hit = false,
	};
	enum err err = text_search(&s, root, true);

	*hit_r = s.hit;
	return err;
}
