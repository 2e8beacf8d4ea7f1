/*
 * Base64 and hexadecimal: vectors of RFC 4648, one form only.
 */
#include "base/base64.h"

#include <criterion/criterion.h>

static const char *const vectors[][2] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xbf", "+/+/" },
};

Test(base64, vectors_of_rfc_4648)
{
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		struct buf buf = { 0 };

		base64_encode(slice_str(vectors[i][0]), &buf);
		cr_assert_str_eq(buf_cstr(&buf), vectors[i][1]);
		buf_clear(&buf);
		cr_assert_eq(base64_decode(slice_str(vectors[i][1]), &buf),
			     ERR_NONE);
		cr_assert_str_eq(buf_cstr(&buf), vectors[i][0]);
		buf_fini(&buf);
	}
}

Test(base64, every_octet_comes_back)
{
	struct buf octets = { 0 };
	struct buf text = { 0 };
	struct buf again = { 0 };

	for (unsigned i = 0; i < 256; i++)
		buf_add_octet(&octets, (uint8_t)i);
	base64_encode(buf_slice(&octets), &text);
	cr_assert_eq(base64_decode(buf_slice(&text), &again), ERR_NONE);
	cr_assert(slice_eq(buf_slice(&octets), buf_slice(&again)));
	buf_fini(&octets);
	buf_fini(&text);
	buf_fini(&again);
}

Test(base64, other_forms_are_refused_and_add_nothing)
{
	static const char *const bad[] = {
		"Zg",     "Zg=",   "Zh==",      "Zm9=",        "Z===", "====",
		"Zm9v\n", "Zm 9v", "Zm9v====",  "Zg==Zg==",    "Zm-_", "=m9v",
		"Zm=v",   "Z=9v",  "Zm9vYmE==", "Zm9v\377AAA", "A",
	};
	struct buf buf = { 0 };

	buf_add_str(&buf, "kept");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cr_assert_eq(base64_decode(slice_str(bad[i]), &buf), ERR_SYNTAX,
			     "%s", bad[i]);
		cr_assert_str_eq(buf_cstr(&buf), "kept");
	}
	buf_fini(&buf);
}

Test(hex, both_cases_are_read_and_lower_case_is_written)
{
	struct buf buf = { 0 };

	hex_encode(SLICE_LIT("\x00\x9a\xff"), &buf);
	cr_assert_str_eq(buf_cstr(&buf), "009aff");
	buf_clear(&buf);
	cr_assert_eq(hex_decode(SLICE_LIT("009aFf"), &buf), ERR_NONE);
	cr_assert(slice_eq(buf_slice(&buf), SLICE_LIT("\x00\x9a\xff")));
	buf_clear(&buf);
	cr_assert_eq(hex_decode(SLICE_NONE, &buf), ERR_NONE);
	cr_assert_eq(buf.len, 0);
	buf_fini(&buf);
}

Test(hex, other_texts_are_refused_and_add_nothing)
{
	static const char *const bad[] = { "0",  "0g", "g0", "00 ", "0x00",
					   "/0", ":0", "@0", "G0",  "`0" };
	struct buf buf = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_assert_eq(hex_decode(slice_str(bad[i]), &buf), ERR_SYNTAX,
			     "%s", bad[i]);
	cr_assert_eq(buf.len, 0);
	buf_fini(&buf);
}
