/*
 * Parameters: as written, joined (RFC 2231), decoded.
 */
#include "mail/param.h"

#include <criterion/criterion.h>

#include "show.h"

static void expect(struct slice value, const char *shown)
{
	struct arena arena = { 0 };
	struct slice type;
	struct slice subtype;
	struct mail_params params;
	struct buf out = { 0 };

	if (mail_content_type_parse(value, &arena, &type, &subtype, &params)) {
		buf_add_slice(&out, type);
		buf_add_octet(&out, '/');
		buf_add_slice(&out, subtype);
		if (params.count > 0)
			buf_add_str(&out, "; ");
		show_params(&params, &out);
	} else {
		buf_add_str(&out, "none");
	}
	cr_assert_str_eq(buf_cstr(&out), shown);
	buf_fini(&out);
	arena_fini(&arena);
}

#define EXPECT(value, shown) expect(SLICE_LIT(value), shown)

Test(param, types_and_values_keep_their_letters)
{
	EXPECT(" Text/PLAIN; CharSet=US-ASCII; format=flowed",
	       "Text/PLAIN; CharSet=US-ASCII; format=flowed");
	EXPECT("multipart/mixed;\r\n\tboundary=\"a b;\\\"c\"",
	       "multipart/mixed; boundary=a b;\"c");
	EXPECT("application/x-foo+bar", "application/x-foo+bar");
	EXPECT("a/b; c=\"\"", "a/b; c=");
}

Test(param, comments_are_no_part_of_it)
{
	EXPECT("(x) text (y) / (z) plain (q) ; (w) a (v) = (u) b (t)",
	       "text/plain; a=b");
}

Test(param, what_is_no_type_is_none)
{
	EXPECT("", "none");
	EXPECT("html", "none");
	EXPECT("/plain", "none");
	EXPECT("image/", "none");
	EXPECT("text", "text/plain");
	EXPECT("text; charset=koi8-r", "text/plain; charset=koi8-r");
}

Test(param, sloppy_ones_are_read)
{
	EXPECT("text/plain charset=utf-8 format=flowed",
	       "text/plain; charset=utf-8; format=flowed");
	EXPECT("text/plain;; charset=utf-8;", "text/plain; charset=utf-8");
	EXPECT("a/b; name=foo(1)=x,y.pdf", "a/b; name=foo(1)=x,y.pdf");
	EXPECT("a/b; name=two\r\n words.txt ; x=y (z)",
	       "a/b; name=two words.txt; x=y");
	EXPECT("a/b; name=two words x=y", "a/b; name=two words; x=y");
	EXPECT("a/b; name=\"no end; x=y", "a/b; name=no end; x=y");
	EXPECT("a/b; =x; y; @z=1; ok=1", "a/b; z=1; ok=1");
	EXPECT("a/b; x=a\0b", "a/b; x=a\xef\xbf\xbd"
			      "b");
	EXPECT("a/b; x=\"1\r\n 2\"", "a/b; x=1 2");
	EXPECT("a/b; x=\"1\r\n 2", "a/b; x=1 2");
}

Test(param, continued_ones_are_joined)
{
	EXPECT("a/b; x=1; f*0=\"one \"; f*1=two; y=2",
	       "a/b; x=1; f=one two; y=2");
	EXPECT("a/b; f*1=two; f*0=one", "a/b; f=onetwo");
	EXPECT("a/b; F*0*=utf-8''%e2%82; f*1*=%ac", "a/b; F*=utf-8''%e2%82%ac");
	EXPECT("a/b; f*=utf-8'en'%e2%82%ac", "a/b; f*=utf-8'en'%e2%82%ac");
}

Test(param, a_joined_one_is_encoded_if_any_section_is)
{
	EXPECT("a/b; f*0*=utf-8''%e2; f*1=\"x y%\"",
	       "a/b; f*=utf-8''%e2x%20y%25");
	EXPECT("a/b; f*0=\"x'\"; f*1*=%e2", "a/b; f*=''x%27%e2");
}

Test(param, broken_sets_are_shown_as_they_stand)
{
	EXPECT("a/b; f*0=x; f*2=y", "a/b; f*0=x; f*2=y");
	EXPECT("a/b; f*0=x; f*0=y", "a/b; f*0=x; f*0=y");
	EXPECT("a/b; f*1=x", "a/b; f*1=x");
	EXPECT("a/b; f*00=x; f*x=y; *0=z", "a/b; f*00=x; f*x=y; *0=z");
	EXPECT("a/b; f*99999999999999999999=x",
	       "a/b; f*99999999999999999999=x");
}

Test(param, there_are_no_more_than_the_maximum)
{
	struct arena arena = { 0 };
	struct buf value = { 0 };
	struct slice type;
	struct slice subtype;
	struct mail_params params;

	buf_add_str(&value, "a/b");
	for (unsigned i = 0; i < MAIL_PARAM_MAX + 5; i++)
		buf_printf(&value, "; x*%u=%u", i, i);
	cr_assert(mail_content_type_parse(buf_slice(&value), &arena, &type,
					  &subtype, &params));
	cr_assert_eq(params.count, 1); /* 0 to the maximum - 1 are a set */
	buf_fini(&value);
	arena_fini(&arena);
}

static void expect_decoded(struct slice value, const char *decoded)
{
	struct arena arena = { 0 };
	struct mail_charsets charsets = { { NULL } };
	struct slice token;
	struct mail_params params;
	struct buf out = { 0 };

	cr_assert(mail_disposition_parse(value, &arena, &token, &params));
	if (!mail_param_decode(&params, SLICE_LIT("filename"), &charsets, &out))
		buf_add_str(&out, "none");
	cr_assert_str_eq(buf_cstr(&out), decoded);
	buf_fini(&out);
	mail_charsets_fini(&charsets);
	arena_fini(&arena);
}

Test(param, values_decode_to_utf8)
{
	expect_decoded(SLICE_LIT("attachment; filename=\"a.txt\""), "a.txt");
	expect_decoded(SLICE_LIT("attachment; FILENAME*=iso-8859-1''%E9.txt"),
		       "\xc3\xa9.txt");
	expect_decoded(SLICE_LIT("x; filename=b; filename*=utf-8'en'a%20b"),
		       "a b");
	expect_decoded(SLICE_LIT("x; filename=\"=?utf-8?B?w6k=?=.txt\""),
		       "\xc3\xa9.txt");
	expect_decoded(SLICE_LIT("x; filename*0*=utf-8''%c3; filename*1*=%a9"),
		       "\xc3\xa9");
	expect_decoded(SLICE_LIT("x; filename*=nonsense''%c3%a9%"),
		       "\xc3\xa9%");
	expect_decoded(SLICE_LIT("x; filename*=plain%20text"), "plain text");
	expect_decoded(SLICE_LIT("x; name=a"), "none");
}
