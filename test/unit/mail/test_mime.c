/*
 * Parts of messages: the rules of mime.h one by one, then the limits. The
 * fixture asks of each small message that every split gives the same parts.
 */
#include "mail/mime.h"

#include <criterion/criterion.h>

#include "message.h"

#define USASCII "(charset=us-ascii)"

static void expect(struct slice text, const char *shown)
{
	struct message m;

	message_init(&m, text);
	message_expect_shown(&m, shown);
	message_fini(&m);
}

#define EXPECT(text, shown) expect(SLICE_LIT(text), shown)

/* ---- simple messages ---- */

Test(mime, a_plain_message_is_text)
{
	EXPECT("Subject: Hi\r\nFrom: a@h\r\n\r\none\r\ntwo\r\n",
	       "0+26+10/2. text/plain " USASCII
	       " { subject=\"Hi\" from=[-|-|a|h] }\n");
}

Test(mime, whatever_is_stored_parses)
{
	EXPECT("", "0+0+0/0. text/plain " USASCII " { }\n");
	EXPECT("\r\n", "0+2+0/0. text/plain " USASCII " { }\n");
	EXPECT("\n", "0+1+0/0. text/plain " USASCII " { }\n");
	EXPECT("\r", "0+1+0/0. text/plain " USASCII " { }\n");
	EXPECT("\r\nbody", "0+2+4/0. text/plain " USASCII " { }\n");
	EXPECT("Subject: Hi",
	       "0+11+0/0. text/plain " USASCII " { subject=\"Hi\" }\n");
	EXPECT("Subject: Hi\r\n",
	       "0+13+0/0. text/plain " USASCII " { subject=\"Hi\" }\n");
	EXPECT("no header at all\r\nand more\r\n",
	       "0+28+0/0. text/plain " USASCII " { }\n");
	EXPECT("Subject: a\0b\xff\r\n\r\n\0\xff",
	       "0+17+2/0. text/plain " USASCII " { subject=\"a\xef\xbf\xbd"
	       "b\xff\" }\n");
}

Test(mime, a_from_line_is_no_field)
{
	EXPECT("From a@h Mon Jan  1 10:20:30 2001\r\nSubject: Hi\r\n\r\nx",
	       "0+50+1/0. text/plain " USASCII " { subject=\"Hi\" }\n");
}

Test(mime, bare_lf_ends_lines)
{
	EXPECT("Subject: Hi\nContent-Type: text/html\n\na\nb",
	       "0+37+3/1. text/html " USASCII " { subject=\"Hi\" }\n");
}

Test(mime, fields_of_a_part_are_kept)
{
	EXPECT("Content-Type: Image/PNG; Name=x\r\n"
	       "Content-Transfer-Encoding: BASE64\r\n"
	       "Content-ID: <1@h>\r\nContent-Description: a\r\n b\r\n"
	       "Content-MD5: Q2hlY2s=\r\nContent-Location: http://h/\r\n"
	       "Content-Disposition: attachment; filename=\"y z\"\r\n"
	       "Content-Language: de, en-GB (x)\r\n\r\n",
	       "0+251+0/0. Image/PNG (Name=x) enc=\"BASE64\" id=\"<1@h>\""
	       " desc=\"a b\" md5=\"Q2hlY2s=\" loc=\"http://h/\""
	       " disp=\"attachment\" (filename=y z) lang=\"de\""
	       " lang=\"en-GB\" { }\n");
}

Test(mime, the_first_field_of_a_name_counts)
{
	EXPECT("Content-Type: text/html; charset=a\r\n"
	       "Content-Type: text/plain; charset=b\r\n"
	       "Content-Transfer-Encoding: 7bit\r\n"
	       "Content-Transfer-Encoding: base64\r\n"
	       "Content-Disposition: inline\r\n"
	       "Content-Disposition: attachment; filename=x\r\n"
	       "Content-Language: de\r\nContent-Language: en\r\n\r\n",
	       "0+261+0/0. text/html (charset=a) enc=\"7bit\" disp=\"inline\""
	       " lang=\"de\" { }\n");
	EXPECT("Content-Type: broken\r\nContent-Type: text/html\r\n\r\n",
	       "0+49+0/0. text/plain " USASCII " { }\n");
}

/* ---- multiparts ---- */

#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n"

Test(mime, parts_lie_between_delimiters)
{
	struct message m;

	message_init(&m, SLICE_LIT(MIXED
				   "preamble\r\n--b\r\n\r\none\r\n--b\r\n"
				   "Content-Type: text/html\r\n\r\ntwo\r\n\r\n"
				   "--b--\r\nepilogue\r\n"));
	message_expect_type(&m, "", "multipart/mixed");
	message_expect_type(&m, "1", "text/plain");
	message_expect(&m, "1", "one");
	message_expect_type(&m, "2", "text/html");
	message_expect(&m, "2", "two\r\n");
	message_expect(&m, "3", NULL);
	cr_assert_eq(m.root->child->lines, 0);
	cr_assert_eq(m.root->child->next->lines, 1);
	cr_assert_eq(m.root->lines, 11);
	cr_assert_null(m.root->child->envelope);
	message_fini(&m);
}

Test(mime, a_delimiter_takes_the_line_end_before_it)
{
	struct message m;

	message_init(&m, SLICE_LIT(MIXED "--b\n\none\n\n--b\n\n--b\n--b--\n"));
	message_expect(&m, "1", "one\n");
	message_expect(&m, "2", "");
	message_expect(&m, "2.MIME", "\n");
	message_expect(&m, "3", "");
	message_expect(&m, "3.MIME", "");
	message_fini(&m);
}

Test(mime, a_header_ends_at_a_delimiter)
{
	struct message m;

	message_init(&m, SLICE_LIT(MIXED "--b\r\nContent-Type: image/png\r\n"
					 "--b\r\n\r\nx\r\n--b--"));
	message_expect_type(&m, "1", "image/png");
	message_expect(&m, "1.MIME", "Content-Type: image/png");
	message_expect(&m, "1", "");
	message_expect(&m, "2", "x");
	message_fini(&m);
}

Test(mime, a_missing_close_delimiter_is_the_end_of_the_parent)
{
	struct message m;

	message_init(&m,
		     SLICE_LIT(MIXED "--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n"));
	message_expect(&m, "1", "one");
	message_expect(&m, "2", "two\r\n");
	message_fini(&m);
	message_init(&m, SLICE_LIT(MIXED "--b\r\n\r\none\r\n--b"));
	message_expect(&m, "1", "one");
	message_expect(&m, "2", "");
	message_fini(&m);
}

Test(mime, behind_the_close_delimiter_there_are_no_parts)
{
	struct message m;

	message_init(&m, SLICE_LIT(MIXED "--b\r\n\r\none\r\n--b--\r\n"
					 "--b\r\n\r\ntwo\r\n--b--\r\n"));
	message_expect(&m, "1", "one");
	message_expect(&m, "2", NULL);
	message_fini(&m);
}

Test(mime, an_outer_delimiter_ends_inner_parts)
{
	struct message m;

	message_init(&m,
		     SLICE_LIT(MIXED "--b\r\n"
				     "Content-Type: multipart/mixed; "
				     "boundary=c\r\n\r\n"
				     "--c\r\n\r\ninner\r\n"
				     "--b\r\n\r\nouter\r\n--c\r\n--b--\r\n"));
	message_expect(&m, "1", "--c\r\n\r\ninner");
	message_expect(&m, "1.1", "inner");
	message_expect(&m, "2", "outer\r\n--c");
	message_fini(&m);
}

Test(mime, an_outer_delimiter_right_behind_an_inner_one)
{
	struct message m;

	message_init(&m, SLICE_LIT(MIXED "--b\r\n"
					 "Content-Type: multipart/mixed; "
					 "boundary=c\r\n\r\n"
					 "--c\r\n--b\r\n\r\nx\r\n--b--\r\n"));
	message_expect(&m, "1.1", "");
	message_expect(&m, "2", "x");
	message_fini(&m);
}

Test(mime, a_multipart_without_parts_gets_an_empty_one)
{
	EXPECT(MIXED "nothing\r\n",
	       "0+45+9/1* multipart/mixed (boundary=b) { }\n"
	       "\t54+0+0/0. text/plain " USASCII "\n");
	EXPECT(MIXED "--b--\r\n", "0+45+7/1* multipart/mixed (boundary=b) { }\n"
				  "\t52+0+0/0. text/plain " USASCII "\n");
	EXPECT("Content-Type: multipart/mixed; boundary=b",
	       "0+41+0/0* multipart/mixed (boundary=b) { }\n"
	       "\t41+0+0/0. text/plain " USASCII "\n");
}

Test(mime, a_multipart_without_a_usable_boundary_is_text)
{
	EXPECT("Content-Type: multipart/mixed\r\n\r\n--\r\n",
	       "0+33+4/1. text/plain " USASCII " { }\n");
	EXPECT("Content-Type: multipart/mixed; boundary=\"  \"\r\n\r\n",
	       "0+48+0/0. text/plain " USASCII " { }\n");
}

Test(mime, a_boundary_may_have_blanks_and_be_continued)
{
	struct message m;

	message_init(&m, SLICE_LIT("Content-Type: multipart/mixed;\r\n"
				   " boundary*0=\"a \"; boundary*1=\"b \"\r\n"
				   "\r\n--a b \t\r\n\r\nx\r\n--a b--\r\n"));
	message_expect(&m, "1", "x");
	message_expect(&m, "2", NULL);
	message_fini(&m);
}

/* RFC 2046 section 5.1.1: the line need only begin with the boundary. */
Test(mime, text_behind_a_delimiter_does_not_matter)
{
	struct message m;

	message_init(&m, SLICE_LIT(MIXED "--b junk\r\n\r\none\r\n"
					 "--b--junk\r\n--b\r\n\r\ntwo"));
	message_expect(&m, "1", "one");
	message_expect(&m, "2", NULL);
	message_fini(&m);
}

#define NESTED(outer, inner)                                            \
	"Content-Type: multipart/mixed; boundary=\"" outer "\"\r\n\r\n" \
	"--" outer "\r\n"                                               \
	"Content-Type: multipart/mixed; boundary=\"" inner "\"\r\n\r\n"

Test(mime, of_several_boundaries_the_whole_then_the_longest_wins)
{
	struct message m;

	message_init(&m, SLICE_LIT(NESTED("a", "ab") "--ab\r\n\r\nx\r\n"
						     "--abc\r\n\r\ny\r\n"
						     "--a\r\n\r\nz\r\n"));
	message_expect(&m, "1.1", "x");
	message_expect(&m, "1.2", "y");
	message_expect(&m, "2", "z\r\n");
	message_fini(&m);
	message_init(&m, SLICE_LIT(NESTED("ab", "a") "--a\r\n\r\nx\r\n"
						     "--ab\r\n\r\ny\r\n"));
	message_expect(&m, "1.1", "x");
	message_expect(&m, "2", "y\r\n");
	message_fini(&m);
	message_init(&m, SLICE_LIT(NESTED("a--", "a") "--a\r\n\r\nx\r\n"
						      "--a--\r\n\r\ny\r\n"));
	message_expect(&m, "1.1", "x");
	message_expect(&m, "1", "--a\r\n\r\nx\r\n--a--\r\n\r\ny\r\n");
	message_fini(&m);
}

Test(mime, of_two_equal_boundaries_the_inner_wins)
{
	struct message m;

	message_init(&m, SLICE_LIT(NESTED("a", "a") "--a\r\n\r\nx\r\n"
						    "--a--\r\n"
						    "--a\r\n\r\ny\r\n"));
	message_expect(&m, "1.1", "x");
	message_expect(&m, "2", "y\r\n");
	message_fini(&m);
}

Test(mime, a_long_line_is_judged_by_what_can_matter)
{
	struct buf text = { 0 };
	struct message m;

	buf_add_str(&text, MIXED "--b");
	for (unsigned i = 0; i < 3000; i++)
		buf_add_octet(&text, ' ');
	buf_add_str(&text, "\r\n\r\nx\r\n--b--\r\n");
	message_init(&m, buf_slice(&text));
	message_expect(&m, "1", "x");
	message_fini(&m);
	buf_fini(&text);
}

Test(mime, a_boundary_above_the_maximum_is_not_usable)
{
	for (size_t len = MIME_BOUNDARY_MAX; len <= MIME_BOUNDARY_MAX + 1;
	     len++) {
		struct buf text = { 0 };
		struct message m;

		buf_add_str(&text, "Content-Type: multipart/mixed; boundary=");
		for (size_t i = 0; i < len; i++)
			buf_add_octet(&text, 'x');
		buf_add_str(&text, "\r\n\r\n--");
		for (size_t i = 0; i < len; i++)
			buf_add_octet(&text, 'x');
		buf_add_str(&text, "\r\n\r\nbody");
		message_init(&m, buf_slice(&text));
		if (len == MIME_BOUNDARY_MAX)
			message_expect(&m, "1", "body");
		else
			message_expect_type(&m, "", "text/plain");
		message_fini(&m);
		buf_fini(&text);
	}
}

/* ---- messages within ---- */

Test(mime, a_message_within_has_an_envelope)
{
	EXPECT("Content-Type: message/rfc822\r\n\r\nSubject: "
	       "in\r\n\r\nbody\r\n",
	       "0+32+21/3@ message/rfc822 () { }\n"
	       "\t32+15+6/1. text/plain " USASCII " { subject=\"in\" }\n");
	EXPECT("Content-Type: Message/Global\r\n\r\nSubject: in\r\n",
	       "0+32+13/1@ Message/Global () { }\n"
	       "\t32+13+0/0. text/plain " USASCII " { subject=\"in\" }\n");
	EXPECT("Content-Type: message/rfc822",
	       "0+28+0/0@ message/rfc822 () { }\n"
	       "\t28+0+0/0. text/plain " USASCII " { }\n");
}

Test(mime, other_messages_are_leaves)
{
	EXPECT("Content-Type: message/delivery-status\r\n\r\nA: b\r\n",
	       "0+41+6/1. message/delivery-status () { }\n");
	EXPECT("Content-Type: message/external-body; access-type=x\r\n\r\n",
	       "0+54+0/0. message/external-body (access-type=x) { }\n");
}

Test(mime, parts_of_a_digest_are_messages)
{
	struct message m;

	message_init(&m,
		     SLICE_LIT("Content-Type: multipart/digest; "
			       "boundary=b\r\n\r\n"
			       "--b\r\n\r\nSubject: one\r\n\r\nx\r\n"
			       "--b\r\nContent-Type: text/plain\r\n\r\ny\r\n"
			       "--b\r\nContent-Type: broken\r\n\r\nz\r\n"
			       "--b\r\n--b--\r\n"));
	message_expect_type(&m, "1", "message/rfc822");
	message_expect(&m, "1.HEADER", "Subject: one\r\n\r\n");
	message_expect(&m, "1.TEXT", "x");
	message_expect_type(&m, "2", "text/plain");
	message_expect_type(&m, "3", "text/plain");
	message_expect_type(&m, "4", "message/rfc822");
	message_expect(&m, "4.HEADER", "");
	message_fini(&m);
}

Test(mime, a_digest_does_not_reach_into_its_messages)
{
	struct message m;

	message_init(&m, SLICE_LIT("Content-Type: multipart/digest; "
				   "boundary=b\r\n\r\n--b\r\n\r\n"
				   "Content-Type: multipart/mixed; "
				   "boundary=c\r\n\r\n"
				   "--c\r\n\r\nx\r\n--c--\r\n--b--\r\n"));
	message_expect_type(&m, "1.1", "text/plain");
	message_fini(&m);
}

/* ---- limits ---- */

static unsigned depth_of(const struct mime_part *part)
{
	unsigned depth = 0;

	for (; part; part = part->child)
		depth++;
	return depth;
}

Test(mime, at_the_greatest_depth_parts_are_opaque)
{
	struct buf text = { 0 };
	struct message m;
	const struct mime_part *last;

	for (unsigned i = 0; i < MIME_DEPTH_MAX + 10; i++)
		buf_add_str(&text, "Content-Type: message/rfc822\r\n\r\n");
	buf_add_str(&text, "Subject: x\r\n\r\n");
	message_init(&m, buf_slice(&text));
	cr_assert_eq(depth_of(m.root), MIME_DEPTH_MAX);
	for (last = m.root; last->child;)
		last = last->child;
	cr_assert_eq(last->kind, MIME_LEAF);
	cr_assert(slice_eq(last->type, SLICE_LIT("application")));
	cr_assert(slice_eq(last->subtype, SLICE_LIT("octet-stream")));
	cr_assert_eq(last->body_end, text.len);
	message_fini(&m);
	buf_fini(&text);
}

Test(mime, deep_multiparts_are_cut_likewise)
{
	struct buf text = { 0 };
	struct message m;

	for (unsigned i = 0; i < MIME_DEPTH_MAX + 10; i++)
		buf_printf(&text,
			   "Content-Type: multipart/mixed; boundary=%u\r\n\r\n"
			   "--%u\r\n",
			   i, i);
	message_init(&m, buf_slice(&text));
	cr_assert_eq(depth_of(m.root), MIME_DEPTH_MAX);
	message_fini(&m);
	buf_fini(&text);
}

static unsigned count_parts(const struct mime_part *root)
{
	unsigned count = 0;

	for (const struct mime_part *part = root; part; count++) {
		if (part->child) {
			part = part->child;
			continue;
		}
		while (part && !part->next)
			part = part->parent;
		part = part ? part->next : NULL;
	}
	return count;
}

Test(mime, the_last_part_takes_all_the_rest)
{
	struct buf text = { 0 };
	struct message m;
	const struct mime_part *last;

	buf_add_str(&text, MIXED);
	for (unsigned i = 0; i < MIME_PARTS_MAX + 10; i++)
		buf_add_str(&text, "--b\r\n\r\n");
	message_init(&m, buf_slice(&text));
	cr_assert_leq(count_parts(m.root), MIME_PARTS_MAX);
	cr_assert_gt(count_parts(m.root), MIME_PARTS_MAX - 200);
	for (last = m.root->child; last->next;)
		last = last->next;
	cr_assert_eq(last->body_end, text.len);
	cr_assert_gt(mime_part_size(last), 100);
	message_fini(&m);
	buf_fini(&text);
}

/* Nothing opens any more: neither delimiters nor messages count. */
Test(mime, the_last_part_is_opaque_if_it_had_parts)
{
	struct buf text = { 0 };
	struct message m;
	const struct mime_part *last;

	buf_add_str(&text, MIXED);
	for (unsigned i = 0; i < MIME_PARTS_MAX; i++)
		buf_add_str(&text,
			    "--b\r\nContent-Type: message/rfc822\r\n\r\n");
	message_init(&m, buf_slice(&text));
	cr_assert_leq(count_parts(m.root), MIME_PARTS_MAX);
	for (last = m.root->child; last->next;)
		last = last->next;
	for (; last->child;)
		last = last->child;
	cr_assert_eq(last->kind, MIME_LEAF);
	cr_assert_eq(last->body_end, text.len);
	message_fini(&m);
	buf_clear(&text);
	buf_add_str(&text, MIXED);
	for (unsigned i = 0; i < MIME_PARTS_MAX; i++)
		buf_add_str(&text, "--b\r\nContent-Type: multipart/x; "
				   "boundary=c\r\n\r\n--c\r\n\r\n");
	message_init(&m, buf_slice(&text));
	for (last = m.root->child; last->next;)
		last = last->next;
	cr_assert(slice_eq(last->type, SLICE_LIT("application")));
	message_fini(&m);
	buf_fini(&text);
}

Test(mime, empty_multiparts_at_the_maximum_keep_within_it)
{
	struct buf text = { 0 };
	struct message m;

	buf_add_str(&text, MIXED);
	for (unsigned i = 0; i < MIME_PARTS_MAX; i++)
		buf_add_str(&text,
			    "--b\r\nContent-Type: multipart/x; boundary=c\r\n"
			    "\r\n");
	message_init(&m, buf_slice(&text));
	cr_assert_leq(count_parts(m.root), MIME_PARTS_MAX);
	message_fini(&m);
	buf_fini(&text);
}

/* A header of `size` octets that ends in a Content-Type. */
static void expect_large_header(size_t size, const char *type)
{
	static const char tail[] =
		"X:\r\nContent-Type: multipart/mixed; boundary=b\r\n";
	struct buf text = { 0 };
	struct message m;

	while (text.len < size - strlen(tail) - 10)
		buf_add_str(&text, "X: y\r\n");
	while (text.len < size - strlen(tail) - 2)
		buf_add_octet(&text, 'x');
	buf_add_str(&text, "\r\n");
	buf_add_str(&text, tail);
	cr_assert_eq(text.len, size);
	buf_add_str(&text, "\r\n--b\r\n\r\nx\r\n");
	message_init(&m, buf_slice(&text));
	message_expect_type(&m, "", type);
	cr_assert_eq(m.root->body_begin, size + 2);
	message_fini(&m);
	buf_fini(&text);
}

Test(mime, a_header_above_the_maximum_is_looked_at_no_further)
{
	expect_large_header(MIME_HEADER_MAX, "multipart/mixed");
	expect_large_header(MIME_HEADER_MAX + 1, "text/plain");
}

Test(mime, a_multipart_with_too_large_a_header_is_opaque)
{
	struct buf text = { 0 };
	struct message m;

	buf_add_str(&text, "Content-Type: multipart/mixed; boundary=b\r\nX: ");
	while (text.len <= MIME_HEADER_MAX)
		buf_add_octet(&text, 'x');
	buf_add_str(&text, "\r\n\r\n--b\r\n\r\nx\r\n");
	message_init(&m, buf_slice(&text));
	message_expect_type(&m, "", "application/octet-stream");
	message_expect(&m, "TEXT", "--b\r\n\r\nx\r\n");
	message_fini(&m);
	buf_fini(&text);
}

Test(mime, the_same_in_pieces_for_large_headers)
{
	struct buf text = { 0 };
	struct message m;
	struct arena arena = { 0 };
	struct mime_parser *parser = mime_parser_new(&arena);
	struct slice rest;
	struct mime_part *root;

	buf_add_str(&text, "Content-Type: multipart/mixed; boundary=b\r\nX: ");
	while (text.len <= 2 * MIME_HEADER_MAX)
		buf_add_octet(&text, 'x');
	buf_add_str(&text, "\r\n\r\nbody\r\n");
	message_init(&m, buf_slice(&text));
	rest = buf_slice(&text);
	for (; rest.len > 0; rest = slice_from(rest, 4093))
		mime_parser_feed(parser, slice_first(rest, 4093));
	root = mime_parser_finish(parser);
	cr_assert_eq(root->body_begin, m.root->body_begin);
	cr_assert(slice_eq(root->type, m.root->type));
	mime_parser_free(&parser);
	arena_fini(&arena);
	message_fini(&m);
	buf_fini(&text);
}

Test(mime, memory_is_bounded)
{
	struct buf text = { 0 };
	struct message m;

	buf_add_str(&text, MIXED);
	for (unsigned i = 0; i < 9000; i++) {
		buf_add_str(&text, "--b\r\nContent-Type: a/b");
		for (unsigned j = 0; j < 100; j++)
			buf_add_str(&text, ";a=b");
		buf_add_str(&text, "\r\n\r\n");
	}
	message_init(&m, buf_slice(&text));
	cr_assert_lt(arena_used(&m.arena), MIME_MEMORY_MAX * 2);
	cr_assert_gt(count_parts(m.root), 8000);
	message_fini(&m);
	buf_fini(&text);
}

Test(mime, a_parser_may_be_thrown_away_at_any_time)
{
	struct arena arena = { 0 };
	struct mime_parser *parser = mime_parser_new(&arena);

	mime_parser_feed(parser, SLICE_LIT(MIXED "--b\r\nContent-Ty"));
	mime_parser_free(&parser);
	cr_assert_null(parser);
	arena_fini(&arena);
}
