/*
 * Slices: borders, empty ones, numbers.
 */
#include "base/slice.h"

#include <criterion/criterion.h>

static void expect(struct slice s, const char *text)
{
	cr_assert(slice_eq(s, slice_str(text)), "\"%.*s\" is not \"%s\"",
		  SLICE_FMT(s), text);
}

Test(slice, parts_stay_inside)
{
	struct slice s = SLICE_LIT("hello");

	expect(slice_from(s, 0), "hello");
	expect(slice_from(s, 2), "llo");
	expect(slice_from(s, 5), "");
	expect(slice_from(s, 99), "");
	expect(slice_first(s, 2), "he");
	expect(slice_first(s, 99), "hello");
	expect(slice_from(SLICE_NONE, 3), "");
	expect(slice_first(SLICE_NONE, 3), "");
}

Test(slice, comparison_sees_every_octet)
{
	cr_assert(slice_eq(SLICE_LIT("a\0b"), SLICE_LIT("a\0b")));
	cr_assert_not(slice_eq(SLICE_LIT("a\0b"), SLICE_LIT("a\0c")));
	cr_assert_not(slice_eq(SLICE_LIT("a"), SLICE_LIT("ab")));
	cr_assert_not(slice_eq(SLICE_LIT("a"), SLICE_LIT("A")));
	cr_assert(slice_eq(SLICE_NONE, SLICE_LIT("")));
}

Test(slice, case_is_ignored_for_ascii_letters_only)
{
	cr_assert(slice_eq_nocase(SLICE_LIT("InBoX"), SLICE_LIT("iNbOx")));
	cr_assert_not(slice_eq_nocase(SLICE_LIT("@["), SLICE_LIT("`{")));
	cr_assert_not(
		slice_eq_nocase(SLICE_LIT("\xc3\x84"), SLICE_LIT("\xc3\xa4")));
	cr_assert_not(slice_eq_nocase(SLICE_LIT("in"), SLICE_LIT("inbox")));
}

Test(slice, prefixes_and_suffixes)
{
	struct slice s = SLICE_LIT("user.rook");

	cr_assert(slice_has_prefix(s, SLICE_LIT("user.")));
	cr_assert(slice_has_prefix(s, SLICE_NONE));
	cr_assert(slice_has_prefix(s, s));
	cr_assert_not(slice_has_prefix(s, SLICE_LIT("User.")));
	cr_assert(slice_has_prefix_nocase(s, SLICE_LIT("User.")));
	cr_assert_not(slice_has_prefix_nocase(SLICE_LIT("us"), s));
	cr_assert(slice_has_suffix(s, SLICE_LIT(".rook")));
	cr_assert_not(slice_has_suffix(s, SLICE_LIT("rooks")));
	cr_assert_not(slice_has_suffix(SLICE_LIT("rook"), s));
}

Test(slice, order_is_by_octets_with_prefixes_first)
{
	struct slice rising[] = { SLICE_LIT(""),    SLICE_LIT("\0"),
				  SLICE_LIT("a"),   SLICE_LIT("ab"),
				  SLICE_LIT("b"),   SLICE_LIT("\x7f"),
				  SLICE_LIT("\x80") };
	const int n = sizeof(rising) / sizeof(rising[0]);

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++) {
			int order = slice_cmp(rising[i], rising[j]);

			cr_assert_eq((order > 0) - (order < 0),
				     (i > j) - (i < j));
		}
}

Test(slice, find_and_cut)
{
	struct slice s = SLICE_LIT("a,bc,,d");

	cr_assert_eq(slice_find(s, ','), 1);
	cr_assert_eq(slice_find(s, 'x'), s.len);
	cr_assert_eq(slice_find(SLICE_NONE, 'x'), 0);
	expect(slice_cut(&s, ','), "a");
	expect(slice_cut(&s, ','), "bc");
	expect(slice_cut(&s, ','), "");
	expect(slice_cut(&s, ','), "d");
	expect(s, "");
	expect(slice_cut(&s, ','), "");
}

Test(slice, cut_at_the_last_octet_leaves_nothing)
{
	struct slice s = SLICE_LIT("a,");

	expect(slice_cut(&s, ','), "a");
	cr_assert_eq(s.len, 0);
}

Test(slice, trim_takes_only_white_space)
{
	expect(slice_trim(SLICE_LIT(" \t\r\na b\n ")), "a b");
	expect(slice_trim(SLICE_LIT("\v")), "\v");
	expect(slice_trim(SLICE_LIT(" \r\n")), "");
	expect(slice_trim(SLICE_NONE), "");
}

static bool reads(const char *text, uint64_t max, uint64_t want)
{
	uint64_t value = 0;

	return slice_to_u64(slice_str(text), max, &value) && value == want;
}

Test(slice, numbers_are_digits_that_fit)
{
	uint64_t value;

	cr_assert(reads("0", 0, 0));
	cr_assert(reads("007", 9, 7));
	cr_assert(reads("18446744073709551615", UINT64_MAX, UINT64_MAX));
	cr_assert_not(slice_to_u64(SLICE_LIT("18446744073709551616"),
				   UINT64_MAX, &value));
	cr_assert_not(slice_to_u64(SLICE_LIT("99999999999999999999"),
				   UINT64_MAX, &value));
	cr_assert_not(slice_to_u64(SLICE_LIT("10"), 9, &value));
	cr_assert_not(slice_to_u64(SLICE_LIT(""), 9, &value));
	cr_assert_not(slice_to_u64(SLICE_LIT("-1"), 9, &value));
	cr_assert_not(slice_to_u64(SLICE_LIT("+1"), 9, &value));
	cr_assert_not(slice_to_u64(SLICE_LIT("1 "), 9, &value));
	cr_assert_not(slice_to_u64(SLICE_LIT("1:"), 99, &value));
	cr_assert_not(slice_to_u64(SLICE_LIT("1/"), 99, &value));
}
