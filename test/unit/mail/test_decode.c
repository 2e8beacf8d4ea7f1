/*
 * Transfer encodings, in any split.
 */
#include "mail/decode.h"

#include <criterion/criterion.h>

static void expect(enum mail_encoding encoding, struct slice in,
		   struct slice decoded)
{
	struct mail_decoder dec = { .encoding = encoding };

	for (size_t step = 1; step <= in.len + 1; step++) {
		struct slice rest = in;
		struct buf out = { 0 };

		mail_decoder_init(&dec, encoding);
		for (; rest.len > 0; rest = slice_from(rest, step))
			mail_decoder_feed(&dec, slice_first(rest, step), &out);
		mail_decoder_finish(&dec, &out);
		cr_assert(slice_eq(buf_slice(&out), decoded),
			  "step %zu: \"%s\"", step, buf_cstr(&out));
		buf_fini(&out);
	}
	mail_decoder_fini(&dec);
}

#define BASE64(in, out) \
	expect(MAIL_ENCODING_BASE64, SLICE_LIT(in), SLICE_LIT(out))
#define QUOTED(in, out) \
	expect(MAIL_ENCODING_QUOTED, SLICE_LIT(in), SLICE_LIT(out))

Test(decode, names_are_known)
{
	cr_assert_eq(mail_encoding_of(SLICE_NONE), MAIL_ENCODING_IDENTITY);
	cr_assert_eq(mail_encoding_of(SLICE_LIT(" 8BIT")),
		     MAIL_ENCODING_IDENTITY);
	cr_assert_eq(mail_encoding_of(SLICE_LIT("binary")),
		     MAIL_ENCODING_IDENTITY);
	cr_assert_eq(mail_encoding_of(SLICE_LIT("Base64 (x)")),
		     MAIL_ENCODING_BASE64);
	cr_assert_eq(mail_encoding_of(SLICE_LIT("QUOTED-PRINTABLE")),
		     MAIL_ENCODING_QUOTED);
	cr_assert_eq(mail_encoding_of(SLICE_LIT("x-uuencode")),
		     MAIL_ENCODING_UNKNOWN);
}

Test(decode, identity_changes_nothing)
{
	expect(MAIL_ENCODING_IDENTITY, SLICE_LIT("a=20\r\n\0 \n"),
	       SLICE_LIT("a=20\r\n\0 \n"));
	expect(MAIL_ENCODING_UNKNOWN, SLICE_LIT("YQ=="), SLICE_LIT("YQ=="));
}

Test(decode, base64_of_each_length)
{
	BASE64("", "");
	BASE64("Zg==", "f");
	BASE64("Zm8=", "fo");
	BASE64("Zm9v", "foo");
	BASE64("Zm9v\r\nYmE=\r\n", "fooba");
	BASE64("AP+/+A==", "\0\xff\xbf\xf8");
}

Test(decode, base64_passes_over_what_is_none)
{
	BASE64("Z m\t9\r\nv", "foo");
	BASE64("Zm!9*v\0", "foo");
	BASE64("Zm9v-----", "foo");
	BASE64("Zg", "f");
	BASE64("Zm8", "fo");
	BASE64("Z", "");
	BASE64("=", "");
	BASE64("Zg==Zm9v", "ffoo");
	BASE64("Zg=\r\n=Zm8=", "ffo");
}

Test(decode, quoted_octets_and_soft_breaks)
{
	QUOTED("a=3Db=e9=E9", "a=b\xe9\xe9");
	QUOTED("one=\r\n two=\nthree", "one twothree");
	QUOTED("a = \t\r\nb", "a b");
	QUOTED("line\r\nline\nend", "line\r\nline\nend");
}

Test(decode, quoted_padding_goes)
{
	QUOTED("a  \r\nb \t\nc  ", "a\r\nb\nc");
	QUOTED("a=20 \r\n", "a \r\n");
	QUOTED("a  b \t c", "a  b \t c");
	QUOTED("a \rb", "a \rb");
	QUOTED("a\r\r\n", "a\r\r\n");
}

Test(decode, quoted_damage_is_text)
{
	QUOTED("a=b", "a=b");
	QUOTED("a=4", "a=4");
	QUOTED("a=4=41", "a=4A");
	QUOTED("a==41", "a=A");
	QUOTED("a= b", "a= b");
	QUOTED("a=\rb", "a=\rb");
	QUOTED("a= \rb", "a= \rb");
	QUOTED("a=", "a");
	QUOTED("a= ", "a");
	QUOTED("a=\r", "a");
}

Test(decode, endless_blanks_do_not_wait_for_ever)
{
	struct mail_decoder dec = { .encoding = MAIL_ENCODING_QUOTED };
	struct buf out = { 0 };

	for (unsigned i = 0; i < 10 * MAIL_QUOTED_WAIT_MAX; i++) {
		mail_decoder_feed(&dec, SLICE_LIT(" "), &out);
		cr_assert_leq(dec.wait.len, MAIL_QUOTED_WAIT_MAX);
	}
	mail_decoder_fini(&dec);
	buf_fini(&out);
}
