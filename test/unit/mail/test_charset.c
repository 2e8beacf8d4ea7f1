/*
 * Charsets: names, conversion in any split, the cache.
 */
#include "mail/charset.h"

#include <criterion/criterion.h>

#define FFFD "\xef\xbf\xbd"

/* Converts in pieces of each size. */
static void expect(const char *charset, struct slice in, const char *utf8)
{
	struct mail_charsets charsets = { { NULL } };

	for (size_t step = 1; step <= in.len + 1; step++) {
		struct slice rest = in;
		struct mail_converter *conv;
		struct buf out = { 0 };

		cr_assert_eq(mail_charsets_take(&charsets, slice_str(charset),
						&conv),
			     ERR_NONE);
		for (; rest.len > 0; rest = slice_from(rest, step))
			mail_converter_feed(conv, slice_first(rest, step),
					    &out);
		mail_converter_finish(conv, &out);
		cr_assert_str_eq(buf_cstr(&out), utf8, "%s, step %zu", charset,
				 step);
		mail_charsets_put(&charsets, &conv);
		buf_fini(&out);
	}
	mail_charsets_fini(&charsets);
}

static bool known(const char *name)
{
	struct mail_charsets charsets = { { NULL } };
	bool is = mail_charsets_known(&charsets, slice_str(name));

	mail_charsets_fini(&charsets);
	return is;
}

Test(charset, names_of_mail_are_known)
{
	static const char *const names[] = {
		"utf-8",          "UTF8",        "us-ascii",
		"ANSI_X3.4-1968", "iso-8859-1",  "ks_c_5601-1987",
		"x-gbk",          "x-sjis",      "cp-850",
		"iso-8859-8-i",   "x-mac-roman", "unicode-1-1-utf-7",
		"gb2312",         "gb18030",     "windows-1252",
		"koi8-r",         "koi8-u",      "big5",
		"euc-kr",         "euc-jp",      "iso-2022-jp",
		"iso-2022-kr",    "shift_jis",   "utf-7",
		"utf-16",         "windows-874", "tis-620",
		"macintosh",      " utf-8 ",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_assert(known(names[i]), "%s", names[i]);
}

Test(charset, what_is_no_charset_of_mail_is_unknown)
{
	static const char *const names[] = {
		"",
		"nonsense",
		"x-unknown",
		"utf-8//TRANSLIT",
		"utf-8,x",
		"/etc/passwd",
		"../x",
		"utf-7-imap",
		"INTERNAL",
		"WCHAR_T",
		"latin1 ; x",
		"utf-8\n",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], "utf-8\n") != 0) /* blanks do not count */
			cr_assert(!known(names[i]), "%s", names[i]);
	cr_assert(known("utf-8\n"));
}

Test(charset, text_converts_in_any_split)
{
	expect("iso-8859-1", SLICE_LIT("a\xe9z"), "a\xc3\xa9z");
	expect("windows-1252", SLICE_LIT("\x80"), "\xe2\x82\xac");
	expect("gb2312", SLICE_LIT("x\xc4\xe3\xba\xc3y"),
	       "x\xe4\xbd\xa0\xe5\xa5\xbdy");
	expect("iso-2022-jp", SLICE_LIT("a\x1b$BF|K\\\x1b(Bz"),
	       "a\xe6\x97\xa5\xe6\x9c\xacz");
	expect("utf-16be", SLICE_LIT("\x20\xac\0a\xd8\x3d\xde\x00"),
	       "\xe2\x82\xac"
	       "a\xf0\x9f\x98\x80");
	expect("utf-7", SLICE_LIT("Hi +IKw-!"), "Hi \xe2\x82\xac!");
	expect("ks_c_5601-1987", SLICE_LIT("\xc7\xd1"), "\xed\x95\x9c");
}

Test(charset, utf8_is_made_well_formed)
{
	expect("utf-8", SLICE_LIT("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"),
	       "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
	expect("utf-8", SLICE_LIT("\xff\xc3z"), FFFD FFFD "z");
	expect("utf-8", SLICE_LIT("\xc0\x80"), FFFD FFFD);
	expect("utf-8", SLICE_LIT("\xed\xa0\x80"), FFFD FFFD FFFD);
	expect("utf-8", SLICE_LIT("\xf4\x90\x80\x80"), FFFD FFFD FFFD FFFD);
	expect("utf-8", SLICE_LIT("\xf0\x8f\xbf\xbf"), FFFD FFFD FFFD FFFD);
	expect("us-ascii", SLICE_LIT("\xe2\x82\xac\xe9"), "\xe2\x82\xac" FFFD);
}

Test(charset, what_is_no_character_is_replaced)
{
	expect("gbk",
	       SLICE_LIT("a\xff"
			 "b"),
	       "a" FFFD "b");
	expect("gbk", SLICE_LIT("a\xc4"), "a" FFFD);
	expect("utf-16le",
	       SLICE_LIT("a\0\x00\xdc"
			 "b\0"),
	       "a" FFFD "b");
	expect("utf-16be", SLICE_LIT("\0a\0"), "a" FFFD);
	expect("utf-8", SLICE_LIT("a\xe2\x82"), "a" FFFD);
}

Test(charset, a_converter_starts_anew_each_time)
{
	struct mail_charsets charsets = { { NULL } };
	struct mail_converter *conv;
	struct mail_converter *again;
	struct buf out = { 0 };

	cr_assert_eq(
		mail_charsets_take(&charsets, SLICE_LIT("ISO-2022-JP"), &conv),
		ERR_NONE);
	mail_converter_feed(conv, SLICE_LIT("\x1b$BF"), &out);
	again = conv;
	mail_charsets_put(&charsets, &conv);
	cr_assert_null(conv);
	cr_assert_eq(
		mail_charsets_take(&charsets, SLICE_LIT("iso-2022-jp"), &conv),
		ERR_NONE);
	cr_assert_eq(conv, again); /* it was kept */
	mail_converter_feed(conv, SLICE_LIT("plain"), &out);
	cr_assert_str_eq(buf_cstr(&out), "plain");
	mail_charsets_put(&charsets, &conv);
	mail_charsets_fini(&charsets);
	buf_fini(&out);
}

Test(charset, the_cache_keeps_the_newest)
{
	struct mail_charsets charsets = { { NULL } };

	for (unsigned i = 1; i <= 15; i++) {
		struct buf name = { 0 };

		if (i == 12)
			continue; /* there is none */
		buf_printf(&name, "iso-8859-%u", i);
		cr_assert(mail_charsets_known(&charsets, buf_slice(&name)));
		buf_fini(&name);
	}
	for (unsigned i = 0; i < MAIL_CHARSETS_KEPT; i++)
		cr_assert_not_null(charsets.kept[i]);
	mail_charsets_fini(&charsets);
	cr_assert_null(charsets.kept[0]);
}

static bool ascii_safe(const char *name)
{
	struct mail_charsets charsets = { { NULL } };
	struct mail_converter *conv;
	bool safe;

	cr_assert_eq(mail_charsets_take(&charsets, slice_str(name), &conv),
		     ERR_NONE);
	safe = mail_converter_ascii_safe(conv);
	mail_charsets_put(&charsets, &conv);
	mail_charsets_fini(&charsets);
	return safe;
}

Test(charset, ascii_may_be_passed_where_it_means_itself)
{
	cr_assert(ascii_safe("utf-8"));
	cr_assert(ascii_safe("iso-8859-1"));
	cr_assert(ascii_safe("windows-1251"));
	cr_assert(ascii_safe("gbk"));
	cr_assert(ascii_safe("euc-jp"));
	cr_assert(!ascii_safe("utf-7"));
	cr_assert(!ascii_safe("utf-16"));
	cr_assert(!ascii_safe("iso-2022-jp"));
	cr_assert(!ascii_safe("iso-2022-kr"));
	cr_assert(!ascii_safe("iso-2022-cn"));
	cr_assert(!ascii_safe("IBM500"));
}

Test(charset, ascii_is_not_safe_inside_of_a_character)
{
	struct mail_charsets charsets = { { NULL } };
	struct mail_converter *conv;
	struct buf out = { 0 };

	cr_assert_eq(mail_charsets_take(&charsets, SLICE_LIT("gbk"), &conv),
		     ERR_NONE);
	mail_converter_feed(conv, SLICE_LIT("\xc4"), &out);
	cr_assert(!mail_converter_ascii_safe(conv));
	mail_charsets_put(&charsets, &conv);
	mail_charsets_fini(&charsets);
	buf_fini(&out);
}
