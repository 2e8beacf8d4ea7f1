/*
 * Sizes and durations.
 */
#include "base/units.h"

#include <criterion/criterion.h>

static uint64_t size_of(const char *text)
{
	uint64_t octets = 0;

	cr_assert_eq(units_size(slice_str(text), &octets), ERR_NONE);
	return octets;
}

static uint64_t duration_of(const char *text)
{
	uint64_t ms = 0;

	cr_assert_eq(units_duration(slice_str(text), &ms), ERR_NONE);
	return ms;
}

static void expect_format(uint64_t octets, const char *want)
{
	struct buf buf = { 0 };

	units_format_size(octets, &buf);
	cr_assert_str_eq(buf_cstr(&buf), want);
	buf_fini(&buf);
}

Test(units, sizes_are_powers_of_1024)
{
	cr_assert_eq(size_of("0"), 0);
	cr_assert_eq(size_of("4096"), 4096);
	cr_assert_eq(size_of("1K"), 1024);
	cr_assert_eq(size_of("10M"), 10485760);
	cr_assert_eq(size_of("3G"), 3221225472);
	cr_assert_eq(size_of("2T"), 2199023255552);
	cr_assert_eq(size_of("18446744073709551615"), UINT64_MAX);
}

Test(units, durations_need_a_unit)
{
	uint64_t ms;

	cr_assert_eq(duration_of("250ms"), 250);
	cr_assert_eq(duration_of("30s"), 30000);
	cr_assert_eq(duration_of("5m"), 300000);
	cr_assert_eq(duration_of("2h"), 7200000);
	cr_assert_eq(duration_of("1d"), 86400000);
	cr_assert_eq(units_duration(SLICE_LIT("30"), &ms), ERR_SYNTAX);
}

Test(units, what_is_no_size_is_refused)
{
	static const char *const bad[] = { "",   "K",  "10k", "10MB", "1.5G",
					   "-1", "+1", "1 K", " 1",   "10s" };
	uint64_t octets;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_assert_eq(units_size(slice_str(bad[i]), &octets), ERR_SYNTAX,
			     "%s", bad[i]);
}

Test(units, what_does_not_fit_is_above_a_limit)
{
	uint64_t value;

	cr_assert_eq(units_size(SLICE_LIT("18446744073709551616"), &value),
		     ERR_LIMIT);
	cr_assert_eq(units_size(SLICE_LIT("18014398509481984K"), &value),
		     ERR_LIMIT);
	cr_assert_eq(units_size(SLICE_LIT("18014398509481983K"), &value),
		     ERR_NONE);
	cr_assert_eq(units_duration(SLICE_LIT("213503982335d"), &value),
		     ERR_LIMIT);
}

Test(units, sizes_are_shown_with_one_decimal)
{
	expect_format(0, "0 octets");
	expect_format(1, "1 octet");
	expect_format(312, "312 octets");
	expect_format(1023, "1023 octets");
	expect_format(1024, "1 KiB");
	expect_format(1536, "1.5 KiB");
	expect_format((uint64_t)3 << 29, "1.5 GiB");
	expect_format(1024 * 1024 - 1, "1 MiB");
	expect_format(1023 * 1024, "1023 KiB");
	expect_format((uint64_t)10 << 40, "10 TiB");
	expect_format(UINT64_MAX, "16 EiB");
}
