/*
 * Where mail/ and GMime may differ, and why ours is right: one rule each, with
 * the test whether a difference is of that kind. The first rule that covers a
 * difference counts.
 */
#include "compare.h"

#include <string.h>

#include "base/attr.h"
#include "mail/header.h"

static bool is(struct slice value, const char *text)
{
	return value.data && slice_eq_nocase(value, slice_str(text));
}

static struct slice ours(const struct difference *d, const char *what)
{
	return facts_find(d->our_facts, d->place, what);
}

static struct slice theirs(const struct difference *d, const char *what)
{
	return facts_find(d->their_facts, d->place, what);
}

static bool about_addresses(const struct difference *d)
{
	static const char *const fields[] = { "from", "sender", "reply-to",
					      "to",   "cc",     "bcc" };

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strcmp(d->what, fields[i]) == 0)
			return true;
	return false;
}

/* The place of the part that this one is in; "" has none. */
static bool parent_place(const struct difference *d, char *parent, size_t size)
{
	const char *dot = strrchr(d->place, '.');

	if (!dot || (size_t)(dot - d->place) >= size)
		return false;
	memcpy(parent, d->place, (size_t)(dot - d->place));
	parent[dot - d->place] = 0;
	return true;
}

/* What they say of the part that this one is in, or of one further out. */
static bool they_say_outside(const struct difference *d, const char *what)
{
	struct difference outer = *d;
	char place[1000];

	while (parent_place(&outer, place, sizeof(place))) {
		outer.place = place;
		if (theirs(&outer, what).data)
			return true;
	}
	return false;
}

/* ---- headers ---- */

/* A stored mail always parses; GMime gives nothing if there is no field. */
static bool no_header(const struct difference *d)
{
	size_t len = strlen(d->place);
	bool message =
		len == 0 || (len > 3 && !strcmp(d->place + len - 3, ".in"));

	return message && !d->theirs.data && !theirs(d, "type").data;
}

/* Two fields of that name in the header of the message. */
static bool has_field_twice(const struct difference *d, struct slice name)
{
	struct slice header = d->message;
	struct mail_header_field field;

	return mail_header_find(header, name, &field) &&
	       mail_header_find(slice_from(header, (size_t)(field.whole.data -
							    header.data) +
							   field.whole.len),
				name, &field);
}

/* The first one counts for us; GMime takes the last. */
static bool first_content_type(const struct difference *d)
{
	struct difference root = *d;

	root.place = "";
	return !about_addresses(d) &&
	       has_field_twice(d, SLICE_LIT("Content-Type")) &&
	       !slice_eq_nocase(ours(&root, "type"), theirs(&root, "type"));
}

/* Of an encoding or a disposition what is a token counts. */
static bool first_word(const struct difference *d)
{
	if (strcmp(d->what, "encoding") != 0 &&
	    strcmp(d->what, "disposition") != 0)
		return false;
	if (!d->ours.data)
		return d->theirs.len == 0 || is(d->theirs, "invalid");
	return slice_has_prefix(d->theirs, d->ours);
}

/* "Content-Type: text" is meant as text/plain; GMime makes it unknown. */
static bool text_without_subtype(const struct difference *d)
{
	return is(ours(d, "type"), "text/plain") &&
	       is(theirs(d, "type"), "application/octet-stream");
}

/* ---- parts ---- */

/* BODYSTRUCTURE must show a part in a multipart (RFC 9051 section 9, body). */
static bool empty_multipart(const struct difference *d)
{
	struct difference parent = *d;
	char place[1000];

	if (strcmp(d->what, "parts") == 0)
		return is(d->ours, "1") && is(d->theirs, "0");
	if (d->theirs.data || !parent_place(d, place, sizeof(place)))
		return false;
	parent.place = place;
	return is(ours(&parent, "parts"), "1") &&
	       is(theirs(&parent, "parts"), "0");
}

/* RFC 2046 section 5.1.1: without a boundary there are no parts. */
static bool no_boundary(const struct difference *d)
{
	return is(ours(d, "type"), "text/plain") && theirs(d, "parts").data;
}

/* We take a message as it stands, GMime only if it is not encoded. */
static bool encoded_message(const struct difference *d)
{
	if (strcmp(d->what, "size") == 0 &&
	    is(ours(d, "type"), "message/rfc822"))
		return !d->ours.data;
	return !d->theirs.data && strstr(d->place, ".in") &&
	       they_say_outside(d, "size");
}

/* The next boundary of a multipart of ours; false: there are no more. */
static bool next_boundary(const struct facts *facts, size_t *at,
			  struct slice *boundary_r)
{
	static const char name[] = "boundary=";

	while (*at < facts->count) {
		const struct fact *fact = &facts->list[(*at)++];
		struct slice value = fact->value;

		if (strcmp(fact->what, "params") != 0)
			continue;
		while (value.len > 0) {
			*boundary_r = slice_cut(&value, ';');
			if (!slice_has_prefix(*boundary_r, slice_str(name)))
				continue;
			*boundary_r = slice_from(*boundary_r, strlen(name));
			return true;
		}
	}
	return false;
}

/* How a line stands to a boundary. */
enum line_kind {
	LINE_OTHER,
	LINE_DELIMITER, /* RFC 2046: the boundary, and blanks at most */
	LINE_CLOSE,
	LINE_MORE, /* and something else behind it */
};

static enum line_kind line_kind(struct slice line, struct slice boundary)
{
	struct slice rest = line;

	if (!slice_has_prefix(rest, SLICE_LIT("--")))
		return LINE_OTHER;
	rest = slice_from(rest, 2);
	if (!slice_has_prefix(rest, boundary))
		return LINE_OTHER;
	rest = slice_trim(slice_from(rest, boundary.len));
	if (rest.len == 0)
		return LINE_DELIMITER;
	return slice_eq(rest, SLICE_LIT("--")) ? LINE_CLOSE : LINE_MORE;
}

/* Some line stands so to some boundary; `twice`: two such lines in a row. */
static bool has_line(const struct difference *d, enum line_kind kind,
		     bool twice)
{
	struct slice boundary;
	size_t at = 0;

	while (next_boundary(d->our_facts, &at, &boundary)) {
		struct slice rest = d->message;
		bool before = false;

		while (rest.len > 0) {
			bool here = line_kind(slice_cut(&rest, '\n'),
					      boundary) == kind;

			if (here && (before || !twice))
				return true;
			before = here;
		}
	}
	return false;
}

/* RFC 2046 section 5.1.1: a line need only begin with the boundary. */
static bool more_behind_delimiter(const struct difference *d)
{
	return !about_addresses(d) && has_line(d, LINE_MORE, false);
}

/* An empty part; GMime takes both lines for one delimiter. */
static bool delimiter_twice(const struct difference *d)
{
	return !about_addresses(d) && has_line(d, LINE_DELIMITER, true);
}

/* RFC 2046: blanks at its end are no part of a boundary. */
static bool blank_ends_boundary(const struct difference *d)
{
	struct slice all = d->message;

	while (!about_addresses(d) && all.len > 0) {
		struct slice line = slice_cut(&all, '\n');
		struct slice rest = slice_trim(line);

		if (slice_has_suffix(rest, SLICE_LIT(" \"")) &&
		    slice_find(line, '=') < line.len)
			return true;
	}
	return false;
}

/* GMime's leaf is an octet too long if it ends with an empty line. */
static bool gmime_one_too_long(const struct difference *d)
{
	uint64_t a;
	uint64_t b;

	return strcmp(d->what, "size") == 0 &&
	       slice_to_u64(d->ours, UINT32_MAX, &a) &&
	       slice_to_u64(d->theirs, UINT32_MAX, &b) && b == a + 1;
}

/* ---- names and addresses ---- */

/* All octets of `small` occur in `large`, in that order. */
static bool is_within(struct slice small, struct slice large)
{
	size_t n = 0;

	for (size_t i = 0; i < large.len && n < small.len; i++)
		n += small.data[n] == large.data[i];
	return n == small.len;
}

/* What is no address is shown as well as it can be; GMime drops it. */
static bool not_an_address(const struct difference *d)
{
	bool default_from = strcmp(d->what, "sender") == 0 ||
			    strcmp(d->what, "reply-to") == 0;

	if (!about_addresses(d) || !d->ours.data)
		return false;
	return is_within(d->theirs, d->ours) ||
	       (default_from && slice_eq(d->theirs, theirs(d, "from")));
}

/* Specials must be encoded in names (RFC 2047 section 5); GMime lets them. */
static bool special_in_word(const struct difference *d)
{
	struct slice rest = d->ours;

	while (about_addresses(d) && rest.len > 0) {
		slice_cut(&rest, '=');
		if (slice_has_prefix(rest, SLICE_LIT("?")))
			return true;
	}
	return false;
}

/* The octets that ASCII text cannot have, and what stands for them. */
static bool is_odd(uint8_t octet)
{
	return octet >= 0x80 || octet == '?' || octet < ' ';
}

static bool equal_in_ascii(struct slice a, struct slice b)
{
	size_t n = 0;

	for (size_t i = 0; i < a.len; i++) {
		if (is_odd(a.data[i]))
			continue;
		while (n < b.len && is_odd(b.data[n]))
			n++;
		if (n == b.len || b.data[n++] != a.data[i])
			return false;
	}
	while (n < b.len && is_odd(b.data[n]))
		n++;
	return n == b.len;
}

/* What a charset does not have is U+FFFD for us, '?' or a guess for GMime. */
static bool no_character(const struct difference *d)
{
	return d->ours.data && d->theirs.data &&
	       equal_in_ascii(d->ours, d->theirs);
}

const struct rule difference_rules[] = {
	{ "no header", "a stored mail always parses", no_header },
	{ "first Content-Type", "the first one counts", first_content_type },
	{ "first word", "of an encoding or disposition", first_word },
	{ "text without subtype", "is text/plain", text_without_subtype },
	{ "empty multipart", "IMAP must show a part", empty_multipart },
	{ "no boundary", "such a multipart is text", no_boundary },
	{ "encoded message", "is a message all the same", encoded_message },
	{ "one too long", "GMime's end of a leaf is wrong",
	  gmime_one_too_long },
	{ "more behind delimiter", "the boundary is enough (RFC 2046)",
	  more_behind_delimiter },
	{ "delimiter twice", "is an empty part", delimiter_twice },
	{ "blank ends boundary", "is no part of it", blank_ends_boundary },
	{ "no character", "U+FFFD, no guess", no_character },
	{ "not an address", "is shown as well as it can be", not_an_address },
	{ "special in word", "ends the word", special_in_word },
	{ NULL, NULL, NULL },
};
