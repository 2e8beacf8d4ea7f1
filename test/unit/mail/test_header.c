/*
 * Header fields: cutting, unfolding, and the filter in any split.
 */
#include "mail/header.h"

#include <criterion/criterion.h>

#include "base/attr.h"

/* "name=value|" of each field, then what is left behind the header. */
static void expect_fields(struct slice header, const char *shown)
{
	struct mail_header_field field;
	struct buf out = { 0 };

	while (mail_header_next(&header, &field)) {
		buf_add_slice(&out, field.name);
		buf_add_octet(&out, '=');
		buf_add_slice(&out, field.value);
		buf_add_octet(&out, '|');
	}
	buf_add_slice(&out, header);
	cr_assert_str_eq(buf_cstr(&out), shown);
	buf_fini(&out);
}

Test(header, fields_are_cut_up_to_the_empty_line)
{
	expect_fields(SLICE_LIT("A: b\r\nC:d\r\n\r\nbody"), "A= b|C=d|body");
	expect_fields(SLICE_LIT("A: b\nC:d\n\nbody"), "A= b|C=d|body");
	expect_fields(SLICE_LIT("\r\nA: b\r\n"), "A: b\r\n");
	expect_fields(SLICE_LIT(""), "");
}

Test(header, the_last_field_needs_no_line_end)
{
	expect_fields(SLICE_LIT("A: b"), "A= b|");
	expect_fields(SLICE_LIT("A: b\r\n c"), "A= b\r\n c|");
	expect_fields(SLICE_LIT("A:\r"), "A=|");
}

Test(header, continued_lines_belong_to_their_field)
{
	expect_fields(SLICE_LIT("A: b\r\n c\r\n\td\r\nE: f\r\n"),
		      "A= b\r\n c\r\n\td|E= f|");
	expect_fields(SLICE_LIT("A: b\r\n \r\nE: f\r\n"), "A= b\r\n |E= f|");
}

Test(header, what_is_no_field_is_passed_over)
{
	expect_fields(SLICE_LIT("From a@b Mon Jan  1 00:00:00 2001\r\n"
				"no colon\r\n and more\r\n: empty\r\n"
				"A: b\r\n"),
		      "A= b|");
	expect_fields(SLICE_LIT(" leading\r\nA : b\r\n"), "A= b|");
	expect_fields(SLICE_LIT("\x01: b\r\n"), "");
}

Test(header, a_field_is_found_in_any_case)
{
	struct slice header = SLICE_LIT("A: 1\r\nsUbJect: x\r\nSubject: y\r\n");
	struct mail_header_field field;

	cr_assert(mail_header_find(header, SLICE_LIT("Subject"), &field));
	cr_assert(slice_eq(field.value, SLICE_LIT(" x")));
	cr_assert(slice_eq(field.whole, SLICE_LIT("sUbJect: x\r\n")));
	cr_assert(!mail_header_find(header, SLICE_LIT("Subj"), &field));
}

Test(header, unfolding_takes_line_ends_and_outer_blanks_only)
{
	struct buf out = { 0 };

	mail_header_unfold(SLICE_LIT("  a\r\n  b\n\tc\rd \r\n"), &out);
	cr_assert_str_eq(buf_cstr(&out), "a  b\tc\rd");
	buf_clear(&out);
	mail_header_unfold(SLICE_LIT(" \r\n "), &out);
	cr_assert_eq(out.len, 0);
	buf_fini(&out);
}

Test(header, text_for_imap_has_no_nul)
{
	struct arena arena = { 0 };
	struct slice text = mail_header_text(SLICE_LIT(" a\0\r\n b"), &arena);

	cr_assert(slice_eq(text, SLICE_LIT("a\xef\xbf\xbd b")));
	text = mail_header_text(SLICE_LIT(" "), &arena);
	cr_assert(text.data && text.len == 0); /* empty is not absent */
	arena_fini(&arena);
}

/* ---- the filter ---- */

static const struct slice wanted[] = {
	{ (const uint8_t *)"subject", 7 },
	{ (const uint8_t *)"To", 2 },
};

/* Feeds in pieces of `step` octets. */
static void filter_in_steps(struct slice in, bool exclude, size_t step,
			    struct buf *out)
{
	struct mail_header_filter filter;

	mail_header_filter_init(&filter, wanted, ARRAY_LEN(wanted), exclude);
	for (; in.len > 0; in = slice_from(in, step))
		mail_header_filter_feed(&filter, slice_first(in, step), out);
	mail_header_filter_finish(&filter, out);
	mail_header_filter_fini(&filter);
}

static void expect_filter(struct slice in, bool exclude, const char *passed)
{
	for (size_t step = 1; step <= in.len + 1; step++) {
		struct buf out = { 0 };

		filter_in_steps(in, exclude, step, &out);
		cr_assert_str_eq(buf_cstr(&out), passed);
		buf_fini(&out);
	}
}

Test(header_filter, passes_what_is_named)
{
	struct slice in =
		SLICE_LIT("From: a\r\nSubject: b\r\n c\r\n"
			  "SubjectX: d\r\nTO : e\r\nX: f\r\n\r\nbody");

	expect_filter(in, false, "Subject: b\r\n c\r\nTO : e\r\n\r\n");
	expect_filter(in, true, "From: a\r\nSubjectX: d\r\nX: f\r\n\r\n");
}

Test(header_filter, does_not_invent_an_empty_line)
{
	expect_filter(SLICE_LIT("To: a\r\nX: b"), false, "To: a\r\n");
	expect_filter(SLICE_LIT("X: b\r\nTo: a"), false, "To: a");
	expect_filter(SLICE_LIT("X: b"), false, "");
	expect_filter(SLICE_LIT(""), true, "");
}

Test(header_filter, bare_lf_ends_lines_and_headers)
{
	expect_filter(SLICE_LIT("To: a\nX: b\n\nTo: c\n"), false, "To: a\n\n");
	expect_filter(SLICE_LIT("\nTo: c\n"), false, "\n");
}

Test(header_filter, what_is_no_field_passes_with_the_rest_only)
{
	struct slice in = SLICE_LIT("From x Mon 00:00\r\njunk\r\n more\r\n"
				    "\rX\r\nTo: a\r\n");

	expect_filter(in, false, "To: a\r\n");
	expect_filter(in, true, "From x Mon 00:00\r\njunk\r\n more\r\n\rX\r\n");
}

Test(header_filter, a_name_without_end_is_not_held_for_ever)
{
	struct mail_header_filter filter;
	struct buf out = { 0 };

	mail_header_filter_init(&filter, wanted, ARRAY_LEN(wanted), true);
	for (unsigned i = 0; i < 2 * MAIL_HEADER_NAME_MAX; i++)
		mail_header_filter_feed(&filter, SLICE_LIT("x"), &out);
	cr_assert_eq(out.len, 2 * MAIL_HEADER_NAME_MAX);
	cr_assert_eq(filter.held.len, 0);
	mail_header_filter_fini(&filter);
	buf_fini(&out);
}
