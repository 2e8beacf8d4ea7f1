/*
 * UTF-8, NFC and casemap by example.
 */
#include "base/unicode.h"

#include <criterion/criterion.h>

static void expect_nfc(const char *text, const char *want)
{
	struct buf buf = { 0 };

	cr_assert_eq(unicode_nfc(slice_str(text), &buf), ERR_NONE);
	cr_assert_str_eq(buf_cstr(&buf), want);
	buf_fini(&buf);
}

static void expect_casemap(const char *text, const char *want)
{
	struct buf buf = { 0 };

	unicode_casemap(slice_str(text), &buf);
	cr_assert_str_eq(buf_cstr(&buf), want);
	buf_fini(&buf);
}

Test(unicode, well_formed_is_what_rfc_3629_says)
{
	cr_assert(utf8_valid(SLICE_NONE));
	cr_assert(utf8_valid(SLICE_LIT("a\0b")));
	cr_assert(utf8_valid(SLICE_LIT("gr\xc3\xbc\xc3\x9f")));
	cr_assert(utf8_valid(SLICE_LIT("\xed\x9f\xbf\xee\x80\x80")));
	cr_assert(utf8_valid(SLICE_LIT("\xf4\x8f\xbf\xbf")));
	cr_assert_not(utf8_valid(SLICE_LIT("\xc0\x80")), "overlong");
	cr_assert_not(utf8_valid(SLICE_LIT("\xe0\x9f\xbf")), "overlong");
	cr_assert_not(utf8_valid(SLICE_LIT("\xed\xa0\x80")), "surrogate");
	cr_assert_not(utf8_valid(SLICE_LIT("\xf4\x90\x80\x80")), "> 10FFFF");
	cr_assert_not(utf8_valid(SLICE_LIT("abcdefgh\xc3")), "cut");
	cr_assert_not(utf8_valid(SLICE_LIT("\x80")), "no start");
	cr_assert_not(utf8_valid(SLICE_LIT("\xff")), "never");
}

Test(unicode, one_high_octet_anywhere_is_not_ascii)
{
	char text[] = "0123456789abcdefghijk";

	cr_assert(ascii_only(SLICE_NONE));
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char kept = text[i];

		cr_assert(ascii_only(slice_str(text)));
		text[i] = (char)0x80;
		cr_assert_not(ascii_only(slice_str(text)));
		text[i] = kept;
	}
}

Test(unicode, nfc_composes)
{
	expect_nfc("plain", "plain");
	expect_nfc("", "");
	expect_nfc("e\xcc\x81", "\xc3\xa9");
	expect_nfc("\xc3\xa9", "\xc3\xa9");
	expect_nfc("\xe2\x84\xab", "\xc3\x85"); /* ANGSTROM SIGN */
	/* two marks in the wrong order */
	expect_nfc("a\xcc\x81\xcc\xa3", "\xe1\xba\xa1\xcc\x81");
}

Test(unicode, nfc_refuses_what_is_no_utf8_and_adds_nothing)
{
	struct buf buf = { 0 };

	cr_assert_eq(unicode_nfc(SLICE_LIT("\xc3\xa9\xc3"), &buf), ERR_SYNTAX);
	cr_assert_eq(buf.len, 0);
	buf_fini(&buf);
}

Test(unicode, casemap_is_titlecase_then_nfkd)
{
	expect_casemap("Inbox[1]", "INBOX[1]");
	expect_casemap("\xc3\xa9", "E\xcc\x81");
	/* RFC 5051 section 2: U+01C6 has a titlecase that decomposes */
	expect_casemap("\xc7\x86", "Dz\xcc\x8c");
	expect_casemap("\xef\xbc\xa1", "A"); /* FULLWIDTH A */
	expect_casemap("\xce\xb1\xcf\x82", "\xce\x91\xce\xa3");
}

Test(unicode, casemap_makes_equal_what_differs_in_case)
{
	struct buf a = { 0 };
	struct buf b = { 0 };

	unicode_casemap(SLICE_LIT("\xc3\x84RGER und M\xc3\xbchsal"), &a);
	unicode_casemap(SLICE_LIT("\xc3\xa4rger UND M\xc3\x9chsal"), &b);
	cr_assert(slice_eq(buf_slice(&a), buf_slice(&b)));
	buf_fini(&a);
	buf_fini(&b);
}

Test(unicode, casemap_copies_what_is_no_utf8)
{
	expect_casemap("a\xff"
		       "b\xc3",
		       "A\xff"
		       "B\xc3");
	expect_casemap("\xc3\xa9\x80\xc3\xa9", "E\xcc\x81\x80"
					       "E\xcc\x81");
}

Test(unicode, casemap_keeps_0_octets)
{
	struct buf buf = { 0 };

	unicode_casemap(SLICE_LIT("a\0\xc3\xa9"), &buf);
	cr_assert(slice_eq(buf_slice(&buf), SLICE_LIT("A\0E\xcc\x81")));
	buf_fini(&buf);
}
