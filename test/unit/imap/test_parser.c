/*
 * Framing: literals, limits, and how a parser finds the next command after an
 * error.
 */
#include <criterion/criterion.h>

#include "base/attr.h"
#include "transcript.h"

static const struct imap_parser_mode user = { .authenticated = true };
static const struct imap_parser_mode guest = { .authenticated = false };
static const struct imap_parser_mode utf8 = {
	.authenticated = true,
	.utf8 = true,
};
static const struct imap_parser_mode plus = {
	.authenticated = true,
	.literal_plus = true,
};

static const size_t pieces[] = { 1, 2, 7, 1000, 1000000 };

/* The transcript of `input` is `wanted`, in any split. */
static void expect_slice(const struct imap_parser_mode *mode,
			 struct slice input, const char *wanted)
{
	struct buf seen = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		transcript_run(mode, input, pieces[i], &seen);
		cr_assert(slice_eq(buf_slice(&seen), slice_str(wanted)),
			  "in pieces of %zu:\n%sinstead of\n%s", pieces[i],
			  buf_cstr(&seen), wanted);
		buf_clear(&seen);
	}
	buf_fini(&seen);
}

static void expect(const struct imap_parser_mode *mode, const char *input,
		   const char *wanted)
{
	expect_slice(mode, slice_str(input), wanted);
}

static void add_many(struct buf *buf, const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_add_str(buf, text);
}

/* ---- lines ---- */

Test(parser, takes_a_bare_lf_as_the_end_of_a_line)
{
	expect(&user, "a NOOP\nb LOGIN {3}\nabc {0}\n\n",
	       "DONE a NOOP\n"
	       "LITERAL 3\n"
	       "LITERAL 0\n"
	       "DONE b LOGIN \"abc\" \"\"\n");
}

Test(parser, refuses_a_cr_inside_a_line)
{
	expect(&user, "a NOOP\rb NOOP\r\nc \"\r\"\r\nd NOOP\r\r\n",
	       "BAD a Unexpected text behind the command\n"
	       "BAD c Unknown command\n"
	       "BAD d Unexpected text behind the command\n");
}

Test(parser, refuses_a_nul_anywhere_in_a_line)
{
	expect_slice(&user,
		     SLICE_LIT("a NOOP\0\r\nb\0 NOOP\r\n\0\r\n"
			       "c LOGIN \"\0\" x\r\nd NOOP\r\n"),
		     "BAD a Unexpected text behind the command\n"
		     "BAD  Bad tag\n"
		     "BAD  Bad tag\n"
		     "BAD c Quoted string without end\n"
		     "DONE d NOOP\n");
}

Test(parser, answers_what_has_no_tag_without_one)
{
	expect(&user,
	       "\r\n"
	       " NOOP\r\n"
	       "+ NOOP\r\n"
	       "a+b NOOP\r\n"
	       "a(b NOOP\r\n"
	       "\xc3\xa4 NOOP\r\n"
	       "a] NOOP\r\n",
	       "BAD  Bad tag\n"
	       "BAD  Bad tag\n"
	       "BAD  Bad tag\n"
	       "BAD  Bad tag\n"
	       "BAD  Bad tag\n"
	       "BAD  Bad tag\n"
	       "DONE a] NOOP\n");
}

Test(parser, answers_a_tag_that_is_too_long_without_it)
{
	struct buf input = { 0 };
	struct buf wanted = { 0 };

	add_many(&input, "a", IMAP_TAG_MAX + 1);
	buf_add_str(&input, " NOOP\r\n");
	add_many(&input, "b", IMAP_TAG_MAX);
	buf_add_str(&input, " NOOP\r\n");
	buf_add_str(&wanted, "BAD  Bad tag\nDONE ");
	add_many(&wanted, "b", IMAP_TAG_MAX);
	buf_add_str(&wanted, " NOOP\n");
	expect_slice(&user, buf_slice(&input), buf_cstr(&wanted));
	buf_fini(&input);
	buf_fini(&wanted);
}

Test(parser, wants_exactly_one_space)
{
	expect(&user,
	       "a  NOOP\r\n"
	       "b NOOP \r\n"
	       "c\tNOOP\r\n"
	       "d SELECT  INBOX\r\n"
	       "e SELECT INBOX \r\n"
	       "f\r\n"
	       "g \r\n",
	       "BAD a Unknown command\n"
	       "BAD b Unexpected text behind the command\n"
	       "BAD  Bad tag\n"
	       "BAD d Missing argument\n"
	       "BAD e List expected\n"
	       "BAD f Missing command\n"
	       "BAD g Unknown command\n");
}

Test(parser, takes_a_line_of_the_greatest_length)
{
	struct buf input = { 0 };
	struct buf wanted = { 0 };
	size_t fill = IMAP_LINE_MAX - strlen("a SELECT ");

	buf_add_str(&input, "a SELECT ");
	add_many(&input, "x", fill);
	buf_add_str(&input, "\nb NOOP\r\n");
	buf_add_str(&wanted, "DONE a SELECT \"");
	add_many(&wanted, "x", fill);
	buf_add_str(&wanted, "\"\nDONE b NOOP\n");
	for (size_t i = 3; i < ARRAY_LEN(pieces); i++) {
		struct buf seen = { 0 };

		transcript_run(&user, buf_slice(&input), pieces[i], &seen);
		cr_assert(slice_eq(buf_slice(&seen), buf_slice(&wanted)));
		buf_fini(&seen);
	}
	buf_fini(&input);
	buf_fini(&wanted);
}

Test(parser, skips_the_rest_of_a_line_that_is_too_long)
{
	struct buf input = { 0 };

	buf_add_str(&input, "a SELECT ");
	add_many(&input, "x", 2 * (size_t)IMAP_LINE_MAX);
	buf_add_str(&input, "\r\nb NOOP\r\n");
	expect_slice(&user, buf_slice(&input),
		     "BAD a Line too long\nDONE b NOOP\n");
	buf_fini(&input);
}

/* The marker may lie across the place where the line became too long. */
Test(parser, skips_a_literal_behind_a_line_that_is_too_long)
{
	struct buf input = { 0 };
	struct buf seen = { 0 };

	for (size_t i = 0; i < 12; i++) {
		size_t fill = IMAP_LINE_MAX - strlen("a FOO {8+}\r") - 2 + i;

		buf_add_str(&input, "a FOO ");
		add_many(&input, "x", fill);
		buf_add_str(&input, "{8+}\r\n12\r\nNO\r\n {3}\r\nb NOOP\r\n");
		transcript_run(&user, buf_slice(&input), 11 + i, &seen);
		transcript_run(&user, buf_slice(&input), input.len, &seen);
		cr_assert_str_eq(buf_cstr(&seen),
				 i <= 2 ? "BAD a Unknown command\nDONE b NOOP\n"
					  "BAD a Unknown command\nDONE b NOOP\n"
					: "BAD a Line too long\nDONE b NOOP\n"
					  "BAD a Line too long\nDONE b NOOP\n");
		buf_clear(&input);
		buf_clear(&seen);
	}
	buf_fini(&input);
	buf_fini(&seen);
}

Test(parser, gives_guests_less_room_than_users)
{
	struct buf input = { 0 };

	buf_add_str(&input, "a LOGIN ");
	add_many(&input, "x", IMAP_NONAUTH_MAX);
	buf_add_str(&input, " y\r\n");
	expect_slice(&guest, buf_slice(&input), "BAD a Line too long\n");
	buf_clear(&input);
	buf_printf(&input, "b LOGIN {%d}\r\n", IMAP_NONAUTH_MAX + 1);
	expect_slice(&guest, buf_slice(&input),
		     "BAD b [TOOBIG] Literal too long\n");
	buf_fini(&input);
}

/* ---- literals ---- */

Test(parser, refuses_a_literal_where_none_can_be)
{
	expect(&user,
	       "a NOOP {5}\r\n"
	       "b NOOP {5+}\r\nhello\r\n"
	       "c FOO {3+}\r\nabc {2+}\r\nde {9}\r\n"
	       "d LOGIN ~{3}\r\n"
	       "e LOGIN {3}x\r\n"
	       "f STORE 1 FLAGS {3}\r\n"
	       "g {3+}\r\nxyz\r\n"
	       "h NOOP\r\n",
	       "BAD a Unexpected literal\n"
	       "BAD b Unexpected literal\n"
	       "BAD c Unknown command\n"
	       "BAD d Unexpected literal\n"
	       "BAD e Bad literal\n"
	       "BAD f Unexpected literal\n"
	       "BAD g Unknown command\n"
	       "DONE h NOOP\n");
}

/* RFC 7888 section 3: a marker at the end of a line counts in any case. */
Test(parser, takes_a_marker_at_the_end_of_a_broken_line_seriously)
{
	expect(&user,
	       "a LOGIN \"x{6+}\r\nb NOO\n\r\n"
	       "c NOOP\r\n",
	       "BAD a Quoted string without end\n"
	       "DONE c NOOP\n");
}

Test(parser, takes_what_only_looks_like_a_marker_as_text)
{
	expect(&user,
	       "a LOGIN x {}\r\n"
	       "b LOGIN x {-1}\r\n"
	       "c LOGIN x 1}\r\n"
	       "d LOGIN x \"{5}\"\r\n"
	       "e LOGIN x {5++}\r\n",
	       "BAD a Number expected\n"
	       "BAD b Number expected\n"
	       "DONE c LOGIN \"x\" \"1}\"\n"
	       "DONE d LOGIN \"x\" \"{5}\"\n"
	       "BAD e Bad literal\n");
}

Test(parser, keeps_literals_with_line_ends_and_markers_in_them)
{
	expect(&user, "a LOGIN {7}\r\n{3}\r\nxy {2}\r\n\r\n\r\n",
	       "LITERAL 7\n"
	       "LITERAL 2\n"
	       "DONE a LOGIN \"{3}\\0d\\0axy\" \"\\0d\\0a\"\n");
}

Test(parser, wants_waiting_for_literals_above_4096_without_literal_plus)
{
	struct buf input = { 0 };
	struct buf body = { 0 };

	add_many(&body, "x", 4097);
	buf_printf(&input, "a LOGIN {4097+}\r\n%s y\r\nb NOOP\r\n",
		   buf_cstr(&body));
	expect_slice(&user, buf_slice(&input),
		     "BAD a [TOOBIG] Literal too long\nDONE b NOOP\n");
	buf_clear(&input);
	buf_printf(&input, "a APPEND x {4097+}\r\n%s\r\nb NOOP\r\n",
		   buf_cstr(&body));
	expect_slice(&user, buf_slice(&input),
		     "BAD a [TOOBIG] Literal too long\nDONE b NOOP\n");
	buf_clear(&input);
	buf_printf(&input, "a LOGIN {4096+}\r\n%.4096s {0}\r\n\r\n",
		   buf_cstr(&body));
	buf_clear(&body);
	transcript_run(&user, buf_slice(&input), 1000, &body);
	cr_assert(slice_has_prefix(buf_slice(&body),
				   SLICE_LIT("LITERAL 0\nDONE a LOGIN")));
	buf_fini(&input);
	buf_fini(&body);
}

Test(parser, takes_long_literals_at_once_with_literal_plus)
{
	struct buf input = { 0 };
	struct buf seen = { 0 };

	buf_printf(&input, "a LOGIN {%d+}\r\n", IMAP_LITERAL_MAX);
	add_many(&input, "x", IMAP_LITERAL_MAX);
	buf_printf(&input, " {%d+}\r\n", IMAP_LITERAL_MAX);
	add_many(&input, "x", IMAP_LITERAL_MAX);
	buf_add_str(&input, "\r\nb NOOP\r\n");
	transcript_run(&plus, buf_slice(&input), 999, &seen);
	cr_assert_str_eq(buf_cstr(&seen),
			 "BAD a [TOOBIG] Command too long\nDONE b NOOP\n");
	buf_fini(&input);
	buf_fini(&seen);
}

Test(parser, gives_up_when_a_literal_is_too_long_to_skip)
{
	expect(&user, "a LOGIN {67108865+}\r\n",
	       "FATAL a [TOOBIG] Literal too long\n");
	expect(&user, "a LOGIN {99999999999999999999999+}\r\n",
	       "FATAL a [TOOBIG] Literal too long\n");
	expect(&user, "a LOGIN {99999999999999999999999}\r\nb NOOP\r\n",
	       "BAD a [TOOBIG] Literal too long\nDONE b NOOP\n");
	expect(&user, "a FOO {1+}\r\nx {67108865+}\r\n",
	       "BAD a Unknown command\nFATAL  [TOOBIG] Literal too long\n");
}

Test(parser, refuses_nuls_in_a_literal_and_skips_the_rest_of_it)
{
	expect_slice(&user,
		     SLICE_LIT("a LOGIN {11}\r\nab\0b NOOP\r\n {1}\r\n"
			       "c NOOP\r\n"),
		     "LITERAL 11\n"
		     "BAD a NUL in a literal\n"
		     "DONE c NOOP\n");
}

Test(parser, counts_literals)
{
	struct buf input = { 0 };

	buf_add_str(&input, "a FETCH 1 BODY[HEADER.FIELDS (");
	for (int i = 0; i < IMAP_LITERALS_MAX; i++)
		buf_add_str(&input, "{1+}\r\nx ");
	buf_add_str(&input, "{1+}\r\nx)]\r\nb NOOP\r\n");
	expect_slice(&user, buf_slice(&input),
		     "BAD a Too many literals\nDONE b NOOP\n");
	buf_fini(&input);
}

/* ---- APPEND ---- */

Test(parser, takes_the_mailbox_of_an_append_as_a_literal)
{
	expect(&user,
	       "a APPEND {3}\r\nfoo (\\Seen $x) \"01-Jan-2000 00:00:00 +0100\" "
	       "{2}\r\nhi\r\n",
	       "LITERAL 3\n"
	       "MESSAGE 2\n"
	       "body \"hi\"\n"
	       "DONE a APPEND \"foo\" (\\Seen $x) "
	       "\" 1-Jan-2000 00:00:00 +0100\" {2} x1\n");
}

Test(parser, takes_many_messages_and_empty_ones)
{
	expect(&user,
	       "a APPEND foo {0}\r\n (\\Flagged) {0+}\r\n {2}\r\n\r\n "
	       "UTF8 (~{1}\r\nx) ~{1+}\r\ny\r\n",
	       "MESSAGE 0\n"
	       "body \"\"\n"
	       "MESSAGE 0+\n"
	       "body \"\"\n"
	       "MESSAGE 2\n"
	       "body \"\\0d\\0a\"\n"
	       "MESSAGE 1\n"
	       "body \"x\"\n"
	       "MESSAGE 1+\n"
	       "body \"y\"\n"
	       "DONE a APPEND \"foo\" () {0} (\\Flagged) {0} () {2} () utf8 "
	       "{1} "
	       "() literal8 {1} x5\n");
}

Test(parser, refuses_appends_that_are_none)
{
	expect(&user,
	       "a APPEND\r\n"
	       "b APPEND foo\r\n"
	       "c APPEND foo bar\r\n"
	       "d APPEND foo \"x\" {3}\r\n"
	       "e APPEND foo (\\Seen){3}\r\n"
	       "f APPEND foo (\\Bogus) {3}\r\n"
	       "g APPEND foo UTF8 ({3}\r\n"
	       "h APPEND foo UTF8 {3}\r\n"
	       "i APPEND {3}\r\nfoo\r\n"
	       "j APPEND ~{3}\r\n"
	       "k APPEND foo (\\Seen\r\n"
	       "l APPEND {3}\r\n\"a\" {3}\r\nabc\r\n",
	       "BAD a Missing argument\n"
	       "BAD b Missing argument\n"
	       "BAD c Literal expected\n"
	       "BAD d Bad date-time\n"
	       "BAD e Missing argument\n"
	       "BAD f Unknown system flag\n"
	       "BAD g UTF8 needs a literal8\n"
	       "BAD h UTF8 needs a literal8\n"
	       "LITERAL 3\n"
	       "BAD i Missing argument\n"
	       "BAD j Missing argument\n"
	       "BAD k Literal expected\n"
	       "LITERAL 3\n"
	       "MESSAGE 3\n"
	       "body \"abc\"\n"
	       "DONE l APPEND \"\"a\"\" () {3} x1\n");
}

Test(parser, refuses_text_behind_a_message_and_skips_to_the_next_command)
{
	expect(&user,
	       "a APPEND foo {2}\r\nhix\r\n"
	       "b APPEND foo {2}\r\nhi \r\n"
	       "c APPEND foo {2}\r\nhi (\\Bogus) {7+}\r\nd NOOP\n\r\n"
	       "e APPEND foo UTF8 (~{2}\r\nhi\r\n"
	       "f NOOP\r\n",
	       "MESSAGE 2\nbody \"hi\"\n"
	       "BAD a Unexpected text behind the command\n"
	       "MESSAGE 2\nbody \"hi\"\n"
	       "BAD b Unexpected text behind the command\n"
	       "MESSAGE 2\nbody \"hi\"\n"
	       "BAD c Unknown system flag\n"
	       "MESSAGE 2\nbody \"hi\"\n"
	       "BAD e \")\" expected\n"
	       "DONE f NOOP\n");
}

Test(parser, refuses_a_nul_in_a_message_that_is_no_literal8)
{
	expect_slice(&user,
		     SLICE_LIT("a APPEND foo {3}\r\na\0b {5+}\r\nxxxxx\r\n"
			       "b APPEND foo ~{3}\r\na\0b\r\n"),
		     "MESSAGE 3\n"
		     "BAD a NUL in a literal\n"
		     "MESSAGE 3\n"
		     "body \"a\\00b\"\n"
		     "DONE b APPEND \"foo\" () literal8 {3} x1\n");
}

Test(parser, bounds_the_number_of_messages)
{
	struct buf input = { 0 };
	struct buf seen = { 0 };

	buf_add_str(&input, "a APPEND foo");
	for (int i = 0; i <= IMAP_APPEND_MAX; i++)
		buf_add_str(&input, " {1+}\r\nx");
	buf_add_str(&input, "\r\nb NOOP\r\n");
	transcript_run(&user, buf_slice(&input), 64, &seen);
	cr_assert(slice_has_suffix(buf_slice(&seen),
				   SLICE_LIT("BAD a Too many messages\n"
					     "DONE b NOOP\n")));
	buf_fini(&input);
	buf_fini(&seen);
}

/* ---- refusals by the session ---- */

struct talk {
	struct imap_parser *parser;
	struct arena arena;
};

static struct talk talk_new(void)
{
	struct talk talk = { .parser = imap_parser_new() };

	imap_parser_set_mode(talk.parser, &user);
	return talk;
}

static void talk_free(struct talk *talk)
{
	imap_parser_free(&talk->parser);
	arena_fini(&talk->arena);
}

static void start(struct talk *talk)
{
	arena_clear(&talk->arena);
	imap_parser_start(talk->parser, &talk->arena);
}

static void expect_event(struct talk *talk, struct slice *in,
			 enum imap_feed wanted)
{
	enum imap_feed event = imap_parser_feed(talk->parser, in);

	cr_assert_eq(event, wanted, "event %d instead of %d", (int)event,
		     (int)wanted);
}

static void expect_noop(struct talk *talk, struct slice *in, const char *tag)
{
	start(talk);
	expect_event(talk, in, IMAP_FEED_DONE);
	cr_assert(slice_eq(imap_parser_tag(talk->parser), slice_str(tag)));
	cr_assert_eq(imap_parser_command(talk->parser)->kind, IMAP_NOOP);
	cr_assert_eq(in->len, 0);
}

Test(refusal, of_a_literal_that_the_client_waits_with_skips_nothing)
{
	struct talk talk = talk_new();
	struct slice in = SLICE_LIT("a APPEND foo {10}\r\nb NOOP\r\n");

	start(&talk);
	expect_event(&talk, &in, IMAP_FEED_LITERAL);
	cr_assert(imap_parser_literal(talk.parser)->message);
	cr_assert(imap_parser_literal(talk.parser)->sync);
	cr_assert_eq(imap_parser_literal(talk.parser)->size, 10);
	cr_assert(
		slice_eq(imap_parser_command(talk.parser)->append.mailbox.name,
			 SLICE_LIT("foo")));
	cr_assert(imap_parser_refuse(talk.parser));
	expect_noop(&talk, &in, "b");
	talk_free(&talk);
}

Test(refusal, of_a_literal_on_its_way_skips_it_and_what_follows)
{
	struct talk talk = talk_new();
	struct slice in = SLICE_LIT("a APPEND foo {10+}\r\n0123456789"
				    " {3+}\r\nabc\r\nb NOOP\r\n");

	start(&talk);
	expect_event(&talk, &in, IMAP_FEED_LITERAL);
	cr_assert(!imap_parser_literal(talk.parser)->sync);
	cr_assert(imap_parser_refuse(talk.parser));
	expect_noop(&talk, &in, "b");
	talk_free(&talk);
}

/* The second message will not come: the client learns of the refusal first. */
Test(refusal, in_the_middle_of_a_message_ends_at_the_next_literal)
{
	struct talk talk = talk_new();
	struct slice in = SLICE_LIT("a APPEND foo {10}\r\n01234");
	struct slice rest = SLICE_LIT("56789 {100}\r\nb NOOP\r\n");

	start(&talk);
	expect_event(&talk, &in, IMAP_FEED_LITERAL);
	imap_parser_accept(talk.parser);
	expect_event(&talk, &in, IMAP_FEED_BODY);
	cr_assert(slice_eq(imap_parser_body(talk.parser), SLICE_LIT("01234")));
	cr_assert(imap_parser_refuse(talk.parser));
	expect_noop(&talk, &rest, "b");
	talk_free(&talk);
}

Test(refusal, behind_a_message_skips_the_rest_of_the_line)
{
	struct talk talk = talk_new();
	struct slice in = SLICE_LIT("a APPEND foo {2}\r\nhi (\\Seen) {1+}");
	struct slice rest = SLICE_LIT("\r\nx\r\nb NOOP\r\n");

	start(&talk);
	expect_event(&talk, &in, IMAP_FEED_LITERAL);
	imap_parser_accept(talk.parser);
	expect_event(&talk, &in, IMAP_FEED_BODY);
	expect_event(&talk, &in, IMAP_FEED_BODY_END);
	expect_event(&talk, &in, IMAP_FEED_MORE);
	cr_assert(imap_parser_refuse(talk.parser));
	expect_noop(&talk, &rest, "b");
	talk_free(&talk);
}

Test(refusal, of_more_than_can_be_skipped_is_told)
{
	struct talk talk = talk_new();
	struct slice in = SLICE_LIT("a APPEND foo {67108865}\r\nx");

	start(&talk);
	expect_event(&talk, &in, IMAP_FEED_LITERAL);
	imap_parser_accept(talk.parser);
	expect_event(&talk, &in, IMAP_FEED_BODY);
	cr_assert(imap_parser_refuse(talk.parser)); /* 64 MiB are left */
	start(&talk);
	talk_free(&talk);

	talk = talk_new();
	in = SLICE_LIT("a APPEND foo {67108866}\r\nx");
	start(&talk);
	expect_event(&talk, &in, IMAP_FEED_LITERAL);
	imap_parser_accept(talk.parser);
	expect_event(&talk, &in, IMAP_FEED_BODY);
	cr_assert(!imap_parser_refuse(talk.parser));
	talk_free(&talk);
}

/* ---- lines that are no commands ---- */

Test(line_mode, gives_lines_until_the_next_start)
{
	struct talk talk = talk_new();
	struct slice in = SLICE_LIT("a AUTHENTICATE PLAIN\r\nYWJj\r\n*\r\n"
				    "b NOOP\r\n");

	start(&talk);
	expect_event(&talk, &in, IMAP_FEED_DONE);
	imap_parser_want_line(talk.parser);
	expect_event(&talk, &in, IMAP_FEED_LINE);
	cr_assert(slice_eq(imap_parser_line(talk.parser), SLICE_LIT("YWJj")));
	imap_parser_want_line(talk.parser);
	expect_event(&talk, &in, IMAP_FEED_LINE);
	cr_assert(slice_eq(imap_parser_line(talk.parser), SLICE_LIT("*")));
	expect_noop(&talk, &in, "b");
	talk_free(&talk);
}

Test(line_mode, refuses_lines_with_nul_and_lines_that_are_too_long)
{
	struct buf input = { 0 };

	expect_slice(&user,
		     SLICE_LIT("a IDLE\r\nDO\0NE\r\nb NOOP\r\n"
			       "c IDLE\r\nx{5+}\r\nd NOOP\r\n"),
		     "DONE a IDLE\n"
		     "BAD  NUL in a line\n"
		     "DONE b NOOP\n"
		     "DONE c IDLE\n"
		     "LINE \"x{5+}\"\n"
		     "DONE d NOOP\n");
	buf_add_str(&input, "a IDLE\r\n");
	add_many(&input, "x", IMAP_LINE_MAX + 1);
	buf_add_str(&input, "\r\nb NOOP\r\n");
	expect_slice(&user, buf_slice(&input),
		     "DONE a IDLE\nBAD  Line too long\nDONE b NOOP\n");
	buf_fini(&input);
}

/* ---- strings and names ---- */

Test(strings, lose_their_backslashes_and_nothing_else)
{
	expect(&user,
	       "a LOGIN \"a\\\"b\\\\c\" \"\"\r\n"
	       "b LOGIN \"a\\b\" x\r\n"
	       "c LOGIN \"a\\\" x\r\n"
	       "d LOGIN \"\xc3\xa4\" a]b}c\r\n"
	       "e LOGIN \"\xc3\" x\r\n"
	       "f LOGIN \xc3\xa4 x\r\n"
	       "g LOGIN a(b x\r\n"
	       "h LOGIN a%b x\r\n",
	       "DONE a LOGIN \"a\"b\\5cc\" \"\"\n"
	       "BAD b Bad \\ in quotes\n"
	       "BAD c Quoted string without end\n"
	       "DONE d LOGIN \"\\c3\\a4\" \"a]b}c\"\n"
	       "BAD e Quoted string is not UTF-8\n"
	       "BAD f Missing argument\n"
	       "BAD g Space expected\n"
	       "BAD h Space expected\n");
}

Test(names, are_modified_utf7_before_utf8_is_enabled)
{
	expect(&user,
	       "a SELECT inBox\r\n"
	       "b SELECT \"&AOQ-\"\r\n"
	       "c SELECT \"&AOQ\"\r\n"
	       "d SELECT \"\xc3\xa4&x\"\r\n"
	       "e SELECT {2+}\r\n\xc3\xc3\r\n"
	       "f SELECT \"a\tb\"\r\n"
	       "g SELECT \"&AAo-\"\r\n"
	       "h SELECT \"&ICg-\"\r\n"
	       "i SELECT \"&AIU-\"\r\n"
	       "j SELECT &-\r\n"
	       "k LIST \"\" &AOQ-*\r\n"
	       "l SELECT inbox/a\r\n",
	       "DONE a SELECT \"INBOX\"\n"
	       "DONE b SELECT \"\\c3\\a4\"\n"
	       "DONE c SELECT !\"&AOQ\"\n"
	       "DONE d SELECT \"\\c3\\a4&x\"\n"
	       "DONE e SELECT !\"\\c3\\c3\"\n"
	       "DONE f SELECT !\"a\\09b\"\n"
	       "DONE g SELECT !\"&AAo-\"\n"
	       "DONE h SELECT !\"&ICg-\"\n"
	       "DONE i SELECT !\"&AIU-\"\n"
	       "DONE j SELECT \"&\"\n"
	       "DONE k LIST \"\" \"\\c3\\a4*\"\n"
	       "DONE l SELECT \"inbox/a\"\n");
}

Test(names, are_utf8_once_it_is_enabled)
{
	expect(&utf8,
	       "a SELECT \"&AOQ-\"\r\n"
	       "b SELECT \"\xc3\xa4\"\r\n"
	       "c SELECT {2+}\r\n\xc3\xa4\r\n"
	       "d SELECT \"\xc2\x85\"\r\n"
	       "e SELECT \"\xe2\x80\xa9\"\r\n"
	       "f SELECT \"\xe2\x80\xaa\"\r\n",
	       "DONE a SELECT \"&AOQ-\"\n"
	       "DONE b SELECT \"\\c3\\a4\"\n"
	       "DONE c SELECT \"\\c3\\a4\"\n"
	       "DONE d SELECT !\"\\c2\\85\"\n"
	       "DONE e SELECT !\"\\e2\\80\\a9\"\n"
	       "DONE f SELECT \"\\e2\\80\\aa\"\n");
}
