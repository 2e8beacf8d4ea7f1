/*
 * Envelopes: which field counts, defaults, raw strings.
 */
#include "mail/envelope.h"

#include <criterion/criterion.h>

#include "show.h"

static void expect(struct slice header, const char *shown)
{
	struct arena arena = { 0 };
	struct buf out = { 0 };

	show_envelope(mail_envelope_parse(header, &arena), &out);
	cr_assert_str_eq(buf_cstr(&out), shown);
	buf_fini(&out);
	arena_fini(&arena);
}

Test(envelope, each_field_has_its_place)
{
	expect(SLICE_LIT("Date: Mon, 1 Jan 2001 00:00:00 +0000\r\n"
			 "SUBJECT: Hi\r\nFrom: a@h\r\nSender: b@h\r\n"
			 "Reply-To: c@h\r\nTo: d@h\r\nCc: e@h\r\nBcc: f@h\r\n"
			 "In-Reply-To: <1@h>\r\nMessage-Id: <2@h>\r\n"
			 "X-Other: g@h\r\n\r\nTo: body@h\r\n"),
	       " date=\"Mon, 1 Jan 2001 00:00:00 +0000\" subject=\"Hi\""
	       " from=[-|-|a|h] sender=[-|-|b|h] reply-to=[-|-|c|h]"
	       " to=[-|-|d|h] cc=[-|-|e|h] bcc=[-|-|f|h]"
	       " in-reply-to=\"<1@h>\" message-id=\"<2@h>\"");
}

Test(envelope, strings_are_unfolded_and_not_decoded)
{
	expect(SLICE_LIT("Subject:  =?utf-8?Q?a?=\r\n  =?utf-8?Q?b?= \r\n"
			 "Message-ID:\r\n <1@h>\r\n"),
	       " subject=\"=?utf-8?Q?a?=  =?utf-8?Q?b?=\""
	       " message-id=\"<1@h>\"");
}

Test(envelope, an_empty_string_is_not_nil)
{
	expect(SLICE_LIT("Subject:\r\nTo:\r\n"), " subject=\"\"");
}

Test(envelope, of_strings_the_first_counts_addresses_are_joined)
{
	expect(SLICE_LIT("Subject: a\r\nTo: a@h\r\nSubject: b\r\nTo: b@h\r\n"),
	       " subject=\"a\" to=[-|-|a|h, -|-|b|h]");
}

Test(envelope, sender_and_reply_to_default_to_from)
{
	struct arena arena = { 0 };
	struct mail_envelope *env = mail_envelope_parse(
		SLICE_LIT("From: a@h\r\nReply-To: \r\n"), &arena);

	cr_assert_not_null(env->from);
	cr_assert_eq(env->sender, env->from);
	cr_assert_eq(env->reply_to, env->from);
	cr_assert_null(env->to);
	arena_fini(&arena);
}
