/*
 * Encoded words (RFC 2047), the examples of its section 8 among them.
 */
#include "mail/word.h"

#include <criterion/criterion.h>

static void expect(struct slice value, const char *decoded)
{
	struct mail_charsets charsets = { { NULL } };
	struct buf out = { 0 };

	mail_word_decode(value, &charsets, &out);
	cr_assert_str_eq(buf_cstr(&out), decoded);
	buf_fini(&out);
	mail_charsets_fini(&charsets);
}

#define EXPECT(value, decoded) expect(SLICE_LIT(value), decoded)

Test(word, both_encodings_are_decoded)
{
	EXPECT("=?US-ASCII?Q?Keith_Moore?= <moore@x>", "Keith Moore <moore@x>");
	EXPECT("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=",
	       "Keld J\xc3\xb8rn Simonsen");
	EXPECT("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n"
	       " =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
	       "If you can read this you understand the example.");
	EXPECT("=?utf-8?b?w6k=?=", "\xc3\xa9");
	EXPECT("=?utf-8*en?q?=C3=A9?=", "\xc3\xa9");
}

Test(word, blanks_between_words_go_others_stay)
{
	EXPECT("(=?utf-8?Q?a?=)", "(a)");
	EXPECT("(=?utf-8?Q?a?= b)", "(a b)");
	EXPECT("=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab");
	EXPECT("=?utf-8?Q?a?=  \r\n  =?utf-8?Q?b?=", "ab");
	EXPECT("=?utf-8?Q?a_?= =?utf-8?Q?b?=", "a b");
	EXPECT("x  =?utf-8?Q?a?=  y", "x  a  y");
	EXPECT("=?utf-8?Q?a?==?utf-8?Q?b?=", "ab");
}

Test(word, characters_split_between_words_are_whole_again)
{
	EXPECT("=?utf-8?Q?=C3?= =?UTF-8?Q?=A9?=", "\xc3\xa9");
	EXPECT("=?utf-8?B?4oI=?= =?utf-8?Q?=AC?=", "\xe2\x82\xac");
	EXPECT("=?iso-2022-jp?B?GyRCRnwbKEI=?= =?iso-2022-jp?B?GyRCS1wbKEI=?=",
	       "\xe6\x97\xa5\xe6\x9c\xac");
}

Test(word, what_cannot_be_decoded_stays)
{
	EXPECT("=?nonsense?Q?a=20b?= c", "=?nonsense?Q?a=20b?= c");
	EXPECT("=?nonsense?Q?a?= =?nonsense?Q?b?= =?utf-8?Q?c?=",
	       "=?nonsense?Q?a?= =?nonsense?Q?b?=c");
	EXPECT("=?utf-8?X?abc?=", "=?utf-8?X?abc?=");
	EXPECT("=?utf-8?Q?abc", "=?utf-8?Q?abc");
	EXPECT("=?utf-8?Q", "=?utf-8?Q");
	EXPECT("=??Q?abc?=", "=??Q?abc?=");
	EXPECT("a =? b ?= c", "a =? b ?= c");
	EXPECT("raw \xe9 and \xc3\xa9", "raw \xe9 and \xc3\xa9");
}

Test(word, sloppy_ones_are_read)
{
	EXPECT("=?utf-8?Q?with blanks and a ?"
	       "?=",
	       "with blanks and a ?");
	EXPECT("=?utf-8?Q?=?=", "=");
	EXPECT("=?utf-8?Q?=4?=", "=4");
	EXPECT("=?utf-8?B?YQ?=", "a");
	EXPECT("=?utf-8?Q?"
	       "?=",
	       "");
	EXPECT("Re:=?utf-8?Q?a?=b", "Re:ab");
}

Test(word, a_line_is_unfolded)
{
	EXPECT(" a\r\n b ", "a b");
	EXPECT(" a\r\n =?utf-8?Q?b?=\r\n c", "a b c");
}

Test(word, octets_that_are_no_characters_are_replaced)
{
	EXPECT("=?utf-8?Q?a=FFb?=", "a\xef\xbf\xbd"
				    "b");
	EXPECT("=?us-ascii?Q?=C3=A9?=", "\xc3\xa9");
}

Test(word, a_word_above_the_maximum_is_text)
{
	struct mail_charsets charsets = { { NULL } };
	struct buf value = { 0 };
	struct buf out = { 0 };

	buf_add_str(&value, "=?utf-8?Q?");
	while (value.len < MAIL_WORD_MAX - 2)
		buf_add_octet(&value, 'a');
	buf_add_str(&value, "?=");
	mail_word_decode(buf_slice(&value), &charsets, &out);
	cr_assert_eq(out.len, MAIL_WORD_MAX - 12);
	buf_clear(&out);
	value.len -= 2;
	buf_add_str(&value, "a?=");
	mail_word_decode(buf_slice(&value), &charsets, &out);
	cr_assert(slice_eq(buf_slice(&out), buf_slice(&value)));
	buf_fini(&value);
	buf_fini(&out);
	mail_charsets_fini(&charsets);
}
