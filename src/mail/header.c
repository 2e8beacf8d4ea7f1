/*
 * Header fields: cut one by one from a block, or filtered as a stream. There
 * are no failures: what is no field is passed over.
 */
#include "mail/header.h"

#include "mail/lex.h"

/* The first line with its line end, or all there is. */
static struct slice header_line(struct slice text)
{
	size_t lf = slice_find(text, '\n');

	return slice_first(text, lf + 1);
}

static bool header_line_empty(struct slice line)
{
	return slice_eq(line, SLICE_LIT("\n")) ||
	       slice_eq(line, SLICE_LIT("\r\n"));
}

/* The line goes on with the field before it (RFC 5322 section 2.2.3). */
static bool header_line_continues(struct slice line)
{
	return line.len > 0 && (line.data[0] == ' ' || line.data[0] == '\t');
}

/*
 * What stands before the colon, without the blanks of obs-optional; SLICE_NONE
 * if that is no name. So "From someone Mon Jan 1 00:00" (mbox) is none.
 */
static struct slice header_name(struct slice before_colon)
{
	struct slice name = before_colon;

	while (name.len > 0 && mail_lex_is_blank(name.data[name.len - 1]))
		name.len--;
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] <= ' ' || name.data[i] == 0x7f)
			return SLICE_NONE;
	return name.len > 0 ? name : SLICE_NONE;
}

static struct slice header_without_line_end(struct slice text)
{
	if (text.len > 0 && text.data[text.len - 1] == '\n')
		text.len--;
	if (text.len > 0 && text.data[text.len - 1] == '\r')
		text.len--;
	return text;
}

/* A line and those that continue it. */
static struct slice header_whole(struct slice text)
{
	size_t len = header_line(text).len;

	while (header_line_continues(slice_from(text, len)))
		len += header_line(slice_from(text, len)).len;
	return slice_first(text, len);
}

bool mail_header_split(struct slice whole, struct mail_header_field *field_r)
{
	size_t line = header_line(whole).len;
	size_t colon = slice_find(slice_first(whole, line), ':');

	if (colon == line)
		return false;
	field_r->whole = whole;
	field_r->name = header_name(slice_first(whole, colon));
	field_r->value = header_without_line_end(slice_from(whole, colon + 1));
	return field_r->name.len > 0;
}

bool mail_header_next(struct slice *rest, struct mail_header_field *field_r)
{
	while (rest->len > 0) {
		struct slice line = header_line(*rest);
		struct slice whole;

		if (header_line_empty(line)) {
			*rest = slice_from(*rest, line.len);
			return false;
		}
		whole = header_whole(*rest);
		*rest = slice_from(*rest, whole.len);
		if (mail_header_split(whole, field_r))
			return true;
	}
	return false;
}

bool mail_header_find(struct slice header, struct slice name,
		      struct mail_header_field *field_r)
{
	while (mail_header_next(&header, field_r))
		if (slice_eq_nocase(field_r->name, name))
			return true;
	return false;
}

void mail_header_unfold(struct slice value, struct buf *out)
{
	struct slice rest = slice_trim(value);

	while (rest.len > 0) {
		size_t lf = slice_find(rest, '\n');
		bool cr = lf > 0 && lf < rest.len && rest.data[lf - 1] == '\r';

		buf_add_slice(out, slice_first(rest, cr ? lf - 1 : lf));
		rest = slice_from(rest, lf < rest.len ? lf + 1 : lf);
	}
}

struct slice mail_header_text(struct slice value, struct arena *arena)
{
	struct buf line = { 0 };
	struct buf clean = { 0 };
	struct slice text;

	mail_header_unfold(value, &line);
	text = buf_slice(&line);
	if (slice_find(text, 0) < text.len) {
		for (size_t i = 0; i < text.len; i++)
			mail_lex_add(&clean, text.data[i]);
		text = buf_slice(&clean);
	}
	text = arena_slice(arena, text);
	buf_fini(&line);
	buf_fini(&clean);
	return text;
}

/* ---- the filter ---- */

void mail_header_filter_init(struct mail_header_filter *filter,
			     const struct slice *names, size_t count,
			     bool exclude)
{
	*filter = (struct mail_header_filter){
		.names = names,
		.count = count,
		.exclude = exclude,
		.state = MAIL_HEADER_FILTER_LINE,
	};
}

void mail_header_filter_fini(struct mail_header_filter *filter)
{
	buf_fini(&filter->held);
}

static bool filter_names(const struct mail_header_filter *filter,
			 struct slice name)
{
	for (size_t i = 0; i < filter->count; i++)
		if (slice_eq_nocase(filter->names[i], name))
			return true;
	return false;
}

/* The name in `held` is complete, or is none (`field` is false). */
static void filter_judge(struct mail_header_filter *filter, bool field,
			 struct buf *out)
{
	struct slice name = SLICE_NONE;

	if (field)
		name = header_name(buf_slice(&filter->held));
	if (name.len > 0)
		filter->pass = filter_names(filter, name) != filter->exclude;
	else
		filter->pass = filter->exclude;
	if (filter->pass)
		buf_add_slice(out, buf_slice(&filter->held));
	buf_clear(&filter->held);
	filter->state = filter->pass ? MAIL_HEADER_FILTER_PASS
				     : MAIL_HEADER_FILTER_SKIP;
}

static void filter_line_start(struct mail_header_filter *filter,
			      struct slice *in)
{
	if (header_line_continues(*in)) {
		filter->state = filter->pass ? MAIL_HEADER_FILTER_PASS
					     : MAIL_HEADER_FILTER_SKIP;
		return;
	}
	if (in->data[0] != '\r') {
		filter->state = MAIL_HEADER_FILTER_NAME;
		return;
	}
	buf_add_octet(&filter->held, '\r');
	*in = slice_from(*in, 1);
	filter->state = MAIL_HEADER_FILTER_CR;
}

/* Takes octets up to the colon or the line end, which is not taken. */
static void filter_hold_name(struct mail_header_filter *filter,
			     struct slice *in, struct buf *out)
{
	size_t n = 0;

	while (n < in->len && in->data[n] != ':' && in->data[n] != '\n')
		n++;
	buf_add_slice(&filter->held, slice_first(*in, n));
	*in = slice_from(*in, n);
	if (filter->held.len > MAIL_HEADER_NAME_MAX)
		filter_judge(filter, false, out);
	else if (in->len > 0 && in->data[0] == '\n' && filter->held.len == 0)
		filter->state = MAIL_HEADER_FILTER_CR; /* an empty line */
	else if (in->len > 0)
		filter_judge(filter, in->data[0] == ':', out);
}

/* Behind an optional CR at the start of a line. */
static void filter_empty_line(struct mail_header_filter *filter,
			      struct slice *in, struct buf *out)
{
	if (in->data[0] != '\n') {
		filter->state = MAIL_HEADER_FILTER_NAME;
		return;
	}
	buf_add_slice(out, buf_slice(&filter->held));
	buf_add_octet(out, '\n');
	buf_clear(&filter->held);
	*in = slice_from(*in, 1);
	filter->state = MAIL_HEADER_FILTER_END;
}

static void filter_rest_of_line(struct mail_header_filter *filter,
				struct slice *in, struct buf *out)
{
	struct slice line = header_line(*in);

	if (filter->pass)
		buf_add_slice(out, line);
	if (line.data[line.len - 1] == '\n')
		filter->state = MAIL_HEADER_FILTER_LINE;
	*in = slice_from(*in, line.len);
}

void mail_header_filter_feed(struct mail_header_filter *filter, struct slice in,
			     struct buf *out)
{
	while (in.len > 0) {
		switch (filter->state) {
		case MAIL_HEADER_FILTER_LINE:
			filter_line_start(filter, &in);
			break;
		case MAIL_HEADER_FILTER_CR:
			filter_empty_line(filter, &in, out);
			break;
		case MAIL_HEADER_FILTER_NAME:
			filter_hold_name(filter, &in, out);
			break;
		case MAIL_HEADER_FILTER_PASS:
		case MAIL_HEADER_FILTER_SKIP:
			filter_rest_of_line(filter, &in, out);
			break;
		case MAIL_HEADER_FILTER_END:
			return;
		}
	}
}

void mail_header_filter_finish(struct mail_header_filter *filter,
			       struct buf *out)
{
	if (filter->held.len > 0)
		filter_judge(filter, false, out);
}
