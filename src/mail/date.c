/*
 * Dates: words are read one after the other into struct date_fields, which is
 * then checked and turned into seconds. The only failure is ERR_SYNTAX.
 */
#include "mail/date.h"

#include <stdbool.h>

#include "mail/lex.h"

#define MINUTE_S 60
#define HOUR_S 3600
#define DAY_S 86400

/* Minutes: a zone is at most 23:59 away. */
#define ZONE_MAX_MIN (24 * 60 - 1)

struct date_fields {
	unsigned year;  /* 0..9999 */
	unsigned month; /* 1..12 */
	unsigned day;   /* 1..31 */
	unsigned hour;
	unsigned minute;
	unsigned second; /* 60: a leap second */
	int32_t zone_min;
};

static const char date_months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
static const char date_days[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 on */

/* ---- the calendar (proleptic Gregorian) ---- */

static bool date_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned date_month_days(unsigned year, unsigned month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30,
					31, 31, 30, 31, 30, 31 };

	return month == 2 && date_leap(year) ? 29 : days[month - 1];
}

/* Days from 0000-01-01 to the first of January. */
static int32_t date_year_start(unsigned year)
{
	unsigned leap_days = 0;

	if (year > 0)
		leap_days = (year - 1) / 4 - (year - 1) / 100 +
			    (year - 1) / 400 + 1; /* year 0 has one */
	return (int32_t)(year * 365 + leap_days);
}

#define DATE_YEAR_1970 719528 /* date_year_start(1970) */

/* Days since 1970-01-01. */
static int32_t date_to_day(unsigned year, unsigned month, unsigned day)
{
	int32_t days = date_year_start(year) - DATE_YEAR_1970;

	for (unsigned m = 1; m < month; m++)
		days += (int32_t)date_month_days(year, m);
	return days + (int32_t)day - 1;
}

/* The reverse, for years 0..9999. */
static void date_from_day(int32_t day, struct date_fields *date)
{
	int32_t rest = day + DATE_YEAR_1970;
	unsigned year = (unsigned)rest / 366;

	while (year < 9999 && date_year_start(year + 1) <= rest)
		year++;
	rest -= date_year_start(year);
	date->year = year;
	date->month = 1;
	while (rest >= (int32_t)date_month_days(year, date->month))
		rest -= (int32_t)date_month_days(year, date->month++);
	date->day = (unsigned)rest + 1;
}

static enum err date_finish(const struct date_fields *date,
			    struct mail_date *date_r)
{
	if (date->day < 1 ||
	    date->day > date_month_days(date->year, date->month))
		return ERR_SYNTAX;
	if (date->hour > 23 || date->minute > 59 || date->second > 60)
		return ERR_SYNTAX;
	date_r->zone_min = date->zone_min;
	date_r->unix_s =
		(int64_t)date_to_day(date->year, date->month, date->day) *
			DAY_S +
		(int64_t)date->hour * HOUR_S +
		((int64_t)date->minute - date->zone_min) * MINUTE_S +
		(int64_t)date->second;
	return ERR_NONE;
}

int32_t mail_date_day(struct mail_date date)
{
	int64_t local_s = date.unix_s + (int64_t)date.zone_min * MINUTE_S;
	int64_t day = local_s / DAY_S;

	return (int32_t)(local_s % DAY_S < 0 ? day - 1 : day);
}

/* ---- words ---- */

/* Digits at the front of `in`, at most `max`; false if there is none. */
static bool date_digits(struct slice *in, unsigned max, unsigned *value_r,
			unsigned *count_r)
{
	unsigned count = 0;

	*value_r = 0;
	while (count < max && count < in->len && in->data[count] >= '0' &&
	       in->data[count] <= '9')
		*value_r = *value_r * 10 + in->data[count++] - '0';
	*in = slice_from(*in, count);
	if (count_r)
		*count_r = count;
	return count > 0;
}

static bool date_octet(struct slice *in, uint8_t octet)
{
	if (in->len == 0 || in->data[0] != octet)
		return false;
	*in = slice_from(*in, 1);
	return true;
}

static bool date_is_letter(uint8_t octet)
{
	return (octet >= 'A' && octet <= 'Z') || (octet >= 'a' && octet <= 'z');
}

static struct slice date_letters(struct slice *in)
{
	size_t n = 0;
	struct slice word;

	while (n < in->len && date_is_letter(in->data[n]))
		n++;
	word = slice_first(*in, n);
	*in = slice_from(*in, n);
	return word;
}

/* Three letters, more of a full name are ignored; 0 if that is no month. */
static unsigned date_month(struct slice word)
{
	for (unsigned i = 0; i < 12 && word.len >= 3; i++)
		if (slice_eq_nocase(slice_first(word, 3),
				    slice_of(date_months + i * 3, 3)))
			return i + 1;
	return 0;
}

/* "+hhmm"; false, nothing set, if it is something else. */
static bool date_zone(struct slice *in, int32_t *zone_min_r)
{
	bool east = in->len > 0 && in->data[0] == '+';
	unsigned hhmm = 0;
	unsigned count = 0;
	int32_t zone_min;

	if (!east && (in->len == 0 || in->data[0] != '-'))
		return false;
	*in = slice_from(*in, 1);
	if (!date_digits(in, 4, &hhmm, &count) || count != 4)
		return false;
	zone_min = (int32_t)(hhmm / 100 * 60 + hhmm % 100);
	if (hhmm % 100 > 59 || zone_min > ZONE_MAX_MIN)
		return false;
	*zone_min_r = east ? zone_min : -zone_min;
	return true;
}

/* ---- RFC 5322 ---- */

/* Those of RFC 5322 section 4.3 that are not 0: military letters are. */
static int32_t date_zone_by_name(struct slice name)
{
	static const struct {
		const char *name;
		int32_t min;
	} zones[] = {
		{ "EST", -5 * 60 }, { "EDT", -4 * 60 }, { "CST", -6 * 60 },
		{ "CDT", -5 * 60 }, { "MST", -7 * 60 }, { "MDT", -6 * 60 },
		{ "PST", -8 * 60 }, { "PDT", -7 * 60 },
	};

	for (size_t i = 0; i < ARRAY_LEN(zones); i++)
		if (slice_eq_nocase(name, slice_str(zones[i].name)))
			return zones[i].min;
	return 0;
}

static void date_skip(struct slice *in)
{
	struct mail_lex lex = { .rest = *in };

	mail_lex_skip(&lex);
	*in = lex.rest;
}

/* Blanks, comments and the '-' of "17-Jul-96" (RFC 850). */
static void date_skip_dash(struct slice *in)
{
	date_skip(in);
	if (date_octet(in, '-'))
		date_skip(in);
}

static void date_parse_day_name(struct slice *in)
{
	date_skip(in);
	date_letters(in);
	date_skip(in);
	date_octet(in, ',');
	date_skip(in);
}

static bool date_parse_year(struct slice *in, struct date_fields *date)
{
	unsigned count;

	if (!date_digits(in, 4, &date->year, &count) || count < 2)
		return false;
	if (count == 3 || (count == 2 && date->year >= 50))
		date->year += 1900;
	else if (count == 2)
		date->year += 2000;
	return true;
}

static bool date_parse_time(struct slice *in, struct date_fields *date)
{
	if (!date_digits(in, 2, &date->hour, NULL))
		return false;
	date_skip(in);
	if (!date_octet(in, ':'))
		return false;
	date_skip(in);
	if (!date_digits(in, 2, &date->minute, NULL))
		return false;
	date_skip(in);
	if (!date_octet(in, ':'))
		return true;
	date_skip(in);
	return date_digits(in, 2, &date->second, NULL);
}

static void date_parse_zone(struct slice *in, struct date_fields *date)
{
	date_skip(in);
	if (!date_zone(in, &date->zone_min))
		date->zone_min = date_zone_by_name(date_letters(in));
}

enum err mail_date_parse(struct slice value, struct mail_date *date_r)
{
	struct date_fields date = { 0 };
	struct slice in = value;

	date_parse_day_name(&in);
	if (!date_digits(&in, 2, &date.day, NULL))
		return ERR_SYNTAX;
	date_skip_dash(&in);
	date.month = date_month(date_letters(&in));
	if (date.month == 0)
		return ERR_SYNTAX;
	date_skip_dash(&in);
	if (!date_parse_year(&in, &date))
		return ERR_SYNTAX;
	date_skip(&in);
	if (!date_parse_time(&in, &date))
		return ERR_SYNTAX;
	date_parse_zone(&in, &date);
	return date_finish(&date, date_r);
}

/* ---- IMAP ---- */

static bool date_parse_imap_day(struct slice *in, struct date_fields *date)
{
	unsigned year_digits;
	struct slice month;

	if (!date_digits(in, 2, &date->day, NULL) || !date_octet(in, '-'))
		return false;
	month = date_letters(in);
	date->month = date_month(month);
	return month.len == 3 && date->month > 0 && date_octet(in, '-') &&
	       date_digits(in, 4, &date->year, &year_digits) &&
	       year_digits == 4;
}

static bool date_parse_two(struct slice *in, unsigned *value_r)
{
	unsigned count;

	return date_digits(in, 2, value_r, &count) && count == 2;
}

enum err mail_date_parse_internal(struct slice text, struct mail_date *date_r)
{
	struct date_fields date = { 0 };
	struct slice in = text;

	date_octet(&in, ' ');
	if (!date_parse_imap_day(&in, &date) || !date_octet(&in, ' ') ||
	    !date_parse_two(&in, &date.hour) || !date_octet(&in, ':') ||
	    !date_parse_two(&in, &date.minute) || !date_octet(&in, ':') ||
	    !date_parse_two(&in, &date.second) || !date_octet(&in, ' ') ||
	    !date_zone(&in, &date.zone_min) || in.len > 0)
		return ERR_SYNTAX;
	return date_finish(&date, date_r);
}

enum err mail_date_parse_day(struct slice text, int32_t *day_r)
{
	struct date_fields date = { 0 };
	struct mail_date full;
	struct slice in = text;

	if (!date_parse_imap_day(&in, &date) || in.len > 0 ||
	    date_finish(&date, &full) != ERR_NONE)
		return ERR_SYNTAX;
	*day_r = mail_date_day(full);
	return ERR_NONE;
}

/* ---- output ---- */

static void date_take_apart(struct mail_date in, struct date_fields *date_r)
{
	int64_t first_s = (int64_t)date_to_day(0, 1, 1) * DAY_S;
	int64_t last_s = (int64_t)date_to_day(9999, 12, 31) * DAY_S + DAY_S - 1;
	int64_t local_s;
	unsigned second;

	if (in.zone_min < -ZONE_MAX_MIN || in.zone_min > ZONE_MAX_MIN)
		in.zone_min = 0;
	if (in.unix_s < first_s - DAY_S)
		in.unix_s = first_s;
	if (in.unix_s > last_s + DAY_S)
		in.unix_s = last_s;
	local_s = in.unix_s + (int64_t)in.zone_min * MINUTE_S;
	local_s = local_s < first_s ? first_s : local_s;
	local_s = local_s > last_s ? last_s : local_s;
	second = (unsigned)((local_s - first_s) % DAY_S);
	*date_r = (struct date_fields){
		.hour = second / HOUR_S,
		.minute = second % HOUR_S / MINUTE_S,
		.second = second % MINUTE_S,
		.zone_min = in.zone_min,
	};
	date_from_day((int32_t)((local_s - second) / DAY_S), date_r);
}

/* "Jul": the table has no capitals. */
static void date_add_month(unsigned month, struct buf *out)
{
	const char *name = date_months + (month - 1) * 3;

	buf_add_octet(out, (uint8_t)(name[0] - 'a' + 'A'));
	buf_add(out, name + 1, 2);
}

static void date_add_time(const struct date_fields *date, struct buf *out)
{
	unsigned zone_min = (unsigned)(date->zone_min < 0 ? -date->zone_min
							  : date->zone_min);

	buf_printf(out, "%04u %02u:%02u:%02u %c%02u%02u", date->year,
		   date->hour, date->minute, date->second,
		   date->zone_min < 0 ? '-' : '+', zone_min / 60,
		   zone_min % 60);
}

void mail_date_format_internal(struct mail_date date, struct buf *out)
{
	struct date_fields fields;

	date_take_apart(date, &fields);
	buf_printf(out, "%2u-", fields.day);
	date_add_month(fields.month, out);
	buf_add_octet(out, '-');
	date_add_time(&fields, out);
}

void mail_date_format(struct mail_date date, struct buf *out)
{
	struct date_fields fields;
	int32_t day;

	date_take_apart(date, &fields);
	day = date_to_day(fields.year, fields.month, fields.day);
	buf_add(out, date_days + ((day % 7 + 7) % 7) * 3, 3);
	buf_printf(out, ", %u ", fields.day);
	date_add_month(fields.month, out);
	buf_add_octet(out, ' ');
	date_add_time(&fields, out);
}
