/*
 * An mbox, cut into its messages (ctl_letter.h): pure.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/ctl_letter.h"

bool mbox_is_from_line(struct slice rest)
{
	return slice_has_prefix(rest, SLICE_LIT("From "));
}

/* The line at the front, with its LF. */
static struct slice first_line(struct slice rest)
{
	size_t len = slice_find(rest, '\n');

	return slice_first(rest, len < rest.len ? len + 1 : len);
}

/* "From someone Fri Mar  4 13:06:01 2005" */
static time_t from_date(struct slice line)
{
	char text[256];
	struct tm tm = { 0 };
	const char *at;

	snprintf(text, sizeof(text), "%.*s", SLICE_FMT(line));
	at = strchr(text + 5, ' ');
	if (!at || !strptime(at + 1, " %a %b %d %H:%M:%S %Y", &tm))
		return 0;
	return timegm(&tm);
}

/* Status: RO, X-Status: AFTD (the convention of mail readers). */
static void status_flags(struct slice line, json_t *flags)
{
	static const struct {
		const char *field;
		char letter;
		const char *flag;
	} known[] = {
		{ "Status:", 'R', "\\Seen" },
		{ "X-Status:", 'A', "\\Answered" },
		{ "X-Status:", 'F', "\\Flagged" },
		{ "X-Status:", 'T', "\\Draft" },
		{ "X-Status:", 'D', "\\Deleted" },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct slice field = slice_str(known[i].field);

		if (slice_has_prefix_nocase(line, field) &&
		    slice_find(slice_from(line, field.len),
			       (uint8_t)known[i].letter) < line.len - field.len)
			json_array_append_new(flags,
					      json_string(known[i].flag));
	}
}

/* ">From " and ">>From " lose one '>'. */
static void add_unquoted(struct buf *out, struct slice line)
{
	size_t quotes = 0;

	while (quotes < line.len && line.data[quotes] == '>')
		quotes++;
	if (quotes && mbox_is_from_line(slice_from(line, quotes)))
		line = slice_from(line, 1);
	buf_add_slice(out, line);
}

/* The empty line before the next From_ line, or the end, is the mbox's. */
static void drop_empty_line(struct buf *out)
{
	size_t len = out->len;

	if (len == 0 || out->data[len - 1] != '\n')
		return;
	len -= len > 1 && out->data[len - 2] == '\r' ? 2 : 1;
	if (len == 0 || out->data[len - 1] == '\n')
		out->len = len;
}

struct letter mbox_take(struct slice *rest, struct buf *out)
{
	struct letter letter = { .flags = json_array() };
	bool header = true;
	struct slice line = first_line(*rest);

	letter.date = from_date(line);
	*rest = slice_from(*rest, line.len);
	buf_clear(out);
	while (rest->len && !mbox_is_from_line(*rest)) {
		line = first_line(*rest);
		*rest = slice_from(*rest, line.len);
		header = header && slice_trim(line).len > 0;
		if (header)
			status_flags(line, letter.flags);
		add_unquoted(out, line);
	}
	drop_empty_line(out);
	letter.octets = buf_slice(out);
	return letter;
}
