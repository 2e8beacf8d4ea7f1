/*
 * Dates: the examples of the standards, the obsolete forms, the borders.
 */
#include "mail/date.h"

#include <criterion/criterion.h>

static void expect(const char *value, int64_t unix_s, int32_t zone_min)
{
	struct mail_date date = { -1, -1 };

	cr_assert_eq(mail_date_parse(slice_str(value), &date), ERR_NONE, "%s",
		     value);
	cr_assert_eq(date.unix_s, unix_s, "%s: %lld", value,
		     (long long)date.unix_s);
	cr_assert_eq(date.zone_min, zone_min, "%s", value);
}

static void refuse(const char *value)
{
	struct mail_date date;

	cr_assert_eq(mail_date_parse(slice_str(value), &date), ERR_SYNTAX, "%s",
		     value);
}

Test(date, the_standard_forms)
{
	expect("Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360);
	expect("Tue, 1 Jul 2003 10:52:37 +0200", 1057049557, 120);
	expect("Thu,\r\n 13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330 "
	       "(Newfoundland Time)",
	       -27723480, -210);
	expect("01 Jan 1970 00:00:00 +0000", 0, 0);
	expect("29 Feb 2000 12:00:00 +0000", 951825600, 0);
	expect("31 Dec 1999 23:59:60 +0000", 946684800, 0);
}

Test(date, obsolete_forms)
{
	expect("21 Nov 97 09:55:06 GMT", 880106106, 0);
	expect("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706,
	       -360);
	expect("Fri,21 Nov 97 09:55 EST", 880124100, -300);
	expect("21 Nov 1997 09:55:06 PDT", 880131306, -420);
	expect("21 Nov 1997 09:55:06 A", 880106106, 0);
	expect("21 Nov 1997 09:55:06 Nowhere", 880106106, 0);
	expect("21 Nov 1997 09:55:06", 880106106, 0);
	expect("1 Jan 49 00:00:00 Z", 2493072000, 0);
	expect("1 Jan 50 00:00:00 Z", -631152000, 0);
	expect("1 Jan 104 00:00:00 Z", 1072915200, 0);
	expect("Friday, 21-Nov-97 09:55:06 GMT", 880106106, 0);
	expect("21 November 1997 09:55:06 +0000", 880106106, 0);
}

Test(date, a_strange_zone_is_as_none)
{
	expect("21 Nov 1997 09:55:06 +2500", 880106106, 0);
	expect("21 Nov 1997 09:55:06 +0099", 880106106, 0);
	expect("21 Nov 1997 09:55:06 +1", 880106106, 0);
	expect("21 Nov 1997 09:55:06 +2359", 880106106 - 86340, 1439);
}

Test(date, what_is_none_is_refused)
{
	refuse("");
	refuse("yesterday");
	refuse("32 Nov 1997 09:55:06 +0000");
	refuse("0 Nov 1997 09:55:06 +0000");
	refuse("31 Nov 1997 09:55:06 +0000");
	refuse("29 Feb 1900 09:55:06 +0000");
	refuse("21 Nox 1997 09:55:06 +0000");
	refuse("21 Nov 7 09:55:06 +0000");
	refuse("21 Nov 1997 24:00:00 +0000");
	refuse("21 Nov 1997 09:60:00 +0000");
	refuse("21 Nov 1997 09:55:61 +0000");
	refuse("21 Nov 1997");
	refuse("21 Nov 19970 09:55:06 +0000");
}

static void expect_internal(const char *text, int64_t unix_s, int32_t zone_min)
{
	struct mail_date date = { -1, -1 };

	cr_assert_eq(mail_date_parse_internal(slice_str(text), &date), ERR_NONE,
		     "%s", text);
	cr_assert_eq(date.unix_s, unix_s, "%s", text);
	cr_assert_eq(date.zone_min, zone_min, "%s", text);
}

Test(date, imap_date_time)
{
	expect_internal("17-Jul-1996 02:44:25 -0700", 837596665, -420);
	expect_internal(" 1-Jan-1970 00:00:00 +0000", 0, 0);
	expect_internal("1-jan-1970 00:00:00 +0100", -3600, 60);
}

Test(date, imap_date_time_is_strict)
{
	static const char *const bad[] = {
		"",
		"17-Jul-1996 02:44:25",
		"17-Jul-1996 02:44:25 GMT",
		"17-Jul-1996 2:44:25 -0700",
		"17-Jul-96 02:44:25 -0700",
		"17-July-1996 02:44:25 -0700",
		"17 Jul 1996 02:44:25 -0700",
		"17-Jul-1996  02:44:25 -0700",
		"17-Jul-1996 02:44:25 -07000",
		"17-Jul-1996 02:44:25 -0760",
		"31-Jun-1996 02:44:25 -0700",
		"  7-Jul-1996 02:44:25 -0700",
		"17-Jul-1996 02:44:25 -0700 ",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct mail_date date;

		cr_assert_eq(mail_date_parse_internal(slice_str(bad[i]), &date),
			     ERR_SYNTAX, "%s", bad[i]);
	}
}

Test(date, the_day_is_the_one_that_was_written)
{
	struct mail_date date;
	int32_t day;

	cr_assert_eq(mail_date_parse_day(SLICE_LIT("1-Feb-1994"), &day),
		     ERR_NONE);
	cr_assert_eq(day, 8797);
	cr_assert_eq(
		mail_date_parse(SLICE_LIT("1 Feb 1994 23:30:00 -0800"), &date),
		ERR_NONE);
	cr_assert_eq(mail_date_day(date), day);
	cr_assert_eq(
		mail_date_parse(SLICE_LIT("1 Feb 1994 00:30:00 +0900"), &date),
		ERR_NONE);
	cr_assert_eq(mail_date_day(date), day);
	cr_assert_eq(mail_date_day((struct mail_date){ -1, 0 }), -1);
	cr_assert_eq(mail_date_day((struct mail_date){ -86400, 0 }), -1);
	cr_assert_eq(mail_date_day((struct mail_date){ -86401, 0 }), -2);
}

Test(date, imap_days_are_strict)
{
	int32_t day;

	cr_assert_eq(mail_date_parse_day(SLICE_LIT("01-Feb-1994"), &day),
		     ERR_NONE);
	cr_assert_eq(mail_date_parse_day(SLICE_LIT("1-Feb-94"), &day),
		     ERR_SYNTAX);
	cr_assert_eq(mail_date_parse_day(SLICE_LIT("30-Feb-1994"), &day),
		     ERR_SYNTAX);
	cr_assert_eq(mail_date_parse_day(SLICE_LIT("1-Feb-1994 "), &day),
		     ERR_SYNTAX);
	cr_assert_eq(mail_date_parse_day(SLICE_LIT("1-Feb-1994 00:00:00 +0000"),
					 &day),
		     ERR_SYNTAX);
}

Test(date, formatting_is_the_reverse_of_parsing)
{
	static const int32_t zones[] = { 0, 1, -1, 60, -420, 765, 1439, -1439 };

	for (int64_t s = -4000000000; s < 8000000000; s += 123456789)
		for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
			struct mail_date in = { s, zones[i] };
			struct mail_date out = { 0, 0 };
			struct buf text = { 0 };

			mail_date_format_internal(in, &text);
			cr_assert_eq(text.len, 26);
			cr_assert_eq(mail_date_parse_internal(buf_slice(&text),
							      &out),
				     ERR_NONE);
			cr_assert_eq(in.unix_s, out.unix_s);
			cr_assert_eq(in.zone_min, out.zone_min);
			buf_clear(&text);
			mail_date_format(in, &text);
			cr_assert_eq(mail_date_parse(buf_slice(&text), &out),
				     ERR_NONE);
			cr_assert_eq(in.unix_s, out.unix_s);
			buf_fini(&text);
		}
}

static void expect_format(int64_t unix_s, int32_t zone_min, const char *text)
{
	struct mail_date date = { unix_s, zone_min };
	struct buf out = { 0 };

	mail_date_format_internal(date, &out);
	cr_assert_str_eq(buf_cstr(&out), text);
	buf_fini(&out);
}

Test(date, formats)
{
	struct buf out = { 0 };

	expect_format(837596665, -420, "17-Jul-1996 02:44:25 -0700");
	expect_format(0, 0, " 1-Jan-1970 00:00:00 +0000");
	mail_date_format((struct mail_date){ 837596665, -420 }, &out);
	cr_assert_str_eq(buf_cstr(&out), "Wed, 17 Jul 1996 02:44:25 -0700");
	buf_fini(&out);
}

Test(date, what_no_year_can_hold_is_brought_inside)
{
	expect_format(INT64_MAX, 0, "31-Dec-9999 23:59:59 +0000");
	expect_format(INT64_MIN, 0, " 1-Jan-0000 00:00:00 +0000");
	expect_format(INT64_MAX, 1439, "31-Dec-9999 23:59:59 +2359");
	expect_format(0, INT32_MAX, " 1-Jan-1970 00:00:00 +0000");
	expect_format(0, INT32_MIN, " 1-Jan-1970 00:00:00 +0000");
}
