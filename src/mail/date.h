/*
 * Dates of mail: RFC 5322 section 3.3 with the obsolete forms of section 4.3,
 * and the two of IMAP.
 */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* A point in time and the zone in which it was written. */
struct mail_date {
	int64_t unix_s;   /* seconds since 1970-01-01 00:00:00 UTC */
	int32_t zone_min; /* minutes east of UTC; what is unknown counts as 0 */
};

/*
 * The day that was written, in days since 1970-01-01: SEARCH SENTSINCE and
 * SINCE compare it without regard to time and zone (RFC 9051 section 6.4.4).
 */
int32_t mail_date_day(struct mail_date date);

/*
 * The value of a Date field. Comments, two-digit years, named and military
 * zones, a missing day name, missing seconds and a missing zone are accepted.
 * ERR_SYNTAX: that is no date.
 */
must_use enum err mail_date_parse(struct slice value, struct mail_date *date_r);

/*
 * The date-time of IMAP without its quotes (RFC 9051 section 9):
 * "17-Jul-1996 02:44:25 -0700", a one-digit day with SP or nothing before it.
 */
must_use enum err mail_date_parse_internal(struct slice text,
					   struct mail_date *date_r);

/* Appends that form, 26 octets. Years outside 0..9999 are brought inside. */
void mail_date_format_internal(struct mail_date date, struct buf *out);

/* The date of SEARCH, "1-Feb-1994": days since 1970-01-01. */
must_use enum err mail_date_parse_day(struct slice text, int32_t *day_r);

/* Appends RFC 5322's form: "Wed, 17 Jul 1996 02:44:25 -0700". */
void mail_date_format(struct mail_date date, struct buf *out);

#endif
