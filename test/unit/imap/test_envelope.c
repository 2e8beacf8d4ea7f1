/*
 * ENVELOPE, BODY and BODYSTRUCTURE of whole messages.
 */
#include <criterion/criterion.h>

#include "base/attr.h"
#include "imap/envelope_writer.h"
#include "mail/mime.h"

/* Parses, writes, compares. */
static void expect(const char *message, bool extended, const char *wanted)
{
	struct arena arena = { 0 };
	struct buf out = { 0 };

	imap_write_body(&out, false, mime_parse(slice_str(message), &arena),
			extended);
	cr_assert_str_eq(buf_cstr(&out), wanted);
	buf_fini(&out);
	arena_fini(&arena);
}

static void expect_envelope(const char *message, const char *wanted)
{
	struct arena arena = { 0 };
	struct buf out = { 0 };

	imap_write_envelope(&out, false,
			    mime_parse(slice_str(message), &arena)->envelope);
	cr_assert_str_eq(buf_cstr(&out), wanted);
	buf_fini(&out);
	arena_fini(&arena);
}

/* RFC 9051 section 8 has this one in its session. */
Test(envelope, of_the_example_of_the_rfc)
{
	expect_envelope(
		"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
		"From: Terry Gray <gray@cac.washington.example>\r\n"
		"Subject: IMAP4rev2 WG mtg summary and minutes\r\n"
		"To: imap@cac.washington.example\r\n"
		"cc: minutes@CNRI.Reston.example, John Klensin "
		"<KLENSIN@MIT.example>\r\n"
		"Message-Id: <B27397-0100000@cac.washington.example>\r\n"
		"\r\n",
		"(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" "
		"\"IMAP4rev2 WG mtg summary and minutes\" "
		"((\"Terry Gray\" NIL \"gray\" \"cac.washington.example\")) "
		"((\"Terry Gray\" NIL \"gray\" \"cac.washington.example\")) "
		"((\"Terry Gray\" NIL \"gray\" \"cac.washington.example\")) "
		"((NIL NIL \"imap\" \"cac.washington.example\")) "
		"((NIL NIL \"minutes\" \"CNRI.Reston.example\")"
		"(\"John Klensin\" NIL \"KLENSIN\" \"MIT.example\")) NIL NIL "
		"\"<B27397-0100000@cac.washington.example>\")");
}

Test(envelope, of_a_message_without_fields_is_nil)
{
	expect_envelope("\r\nbody",
			"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
}

/* A group: name with NIL host, members, all NIL (RFC 9051 section 7.5.2). */
Test(envelope, shows_groups)
{
	expect_envelope("To: friends: a@x, b@y;\r\n"
			"In-Reply-To: <1@x>\r\n\r\n",
			"(NIL NIL NIL NIL NIL "
			"((NIL NIL \"friends\" NIL)(NIL NIL \"a\" \"x\")"
			"(NIL NIL \"b\" \"y\")(NIL NIL NIL NIL)) "
			"NIL NIL \"<1@x>\" NIL)");
}

Test(envelope, sends_raw_octets_as_literals)
{
	expect_envelope("Subject: a\xe4z\r\n\r\n",
			"(NIL {3}\r\na\xe4z NIL NIL NIL NIL NIL NIL NIL NIL)");
}

Test(body, of_plain_text)
{
	expect("Content-Type: text/plain; charset=us-ascii\r\n\r\nab\r\ncd",
	       false,
	       "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
	       "\"7BIT\" 6 1)");
	expect("Content-Type: text/plain; charset=us-ascii\r\n\r\nab\r\ncd",
	       true,
	       "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
	       "\"7BIT\" 6 1 NIL NIL NIL NIL)");
}

Test(body, of_a_part_with_everything)
{
	expect("Content-Type: IMAGE/GIF; name=\"a b\"; x=y\r\n"
	       "Content-ID: <1@x>\r\n"
	       "Content-Description: A cat\r\n"
	       "Content-Transfer-Encoding: BASE64\r\n"
	       "Content-MD5: Q2hlY2s=\r\n"
	       "Content-Disposition: attachment; filename=cat.gif\r\n"
	       "Content-Language: de, en\r\n"
	       "Content-Location: http://x/\r\n"
	       "\r\n"
	       "AAAA",
	       true,
	       "(\"IMAGE\" \"GIF\" (\"name\" \"a b\" \"x\" \"y\") \"<1@x>\" "
	       "\"A cat\" \"BASE64\" 4 \"Q2hlY2s=\" "
	       "(\"attachment\" (\"filename\" \"cat.gif\")) (\"de\" \"en\") "
	       "\"http://x/\")");
}

static const char nested[] = "MIME-Version: 1.0\r\n"
			     "Content-Type: multipart/mixed; boundary=b\r\n"
			     "Content-Language: de\r\n"
			     "\r\n"
			     "--b\r\n"
			     "\r\n"
			     "one\r\n"
			     "--b\r\n"
			     "Content-Type: message/rfc822\r\n"
			     "\r\n"
			     "Subject: inner\r\n"
			     "\r\n"
			     "two\r\n"
			     "--b--\r\n";

Test(body, of_a_message_in_a_multipart)
{
	expect(nested, false,
	       "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
	       "\"7BIT\" 3 0)"
	       "(\"message\" \"rfc822\" NIL NIL NIL \"7BIT\" 21 "
	       "(NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	       "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
	       "\"7BIT\" 3 0) 2)"
	       " \"mixed\")");
	expect(nested, true,
	       "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
	       "\"7BIT\" 3 0 NIL NIL NIL NIL)"
	       "(\"message\" \"rfc822\" NIL NIL NIL \"7BIT\" 21 "
	       "(NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	       "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
	       "\"7BIT\" 3 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL)"
	       " \"mixed\" (\"boundary\" \"b\") NIL \"de\" NIL)");
}
