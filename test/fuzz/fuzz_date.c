/*
 * Dates: what is read is formatted and read again.
 */
#include "base/panic.h"
#include "mail/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct mail_date date)
{
	struct buf text = { 0 };
	struct mail_date again;

	mail_date_format_internal(date, &text);
	MUST(text.len == 26);
	MUST(mail_date_parse_internal(buf_slice(&text), &again) == ERR_NONE);
	MUST(again.unix_s == date.unix_s && again.zone_min == date.zone_min);
	buf_clear(&text);
	mail_date_format(date, &text);
	MUST(mail_date_parse(buf_slice(&text), &again) == ERR_NONE);
	MUST(mail_date_day(again) == mail_date_day(date));
	buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);
	struct mail_date date;
	int32_t day;

	if (mail_date_parse(text, &date) == ERR_NONE)
		check(date);
	if (mail_date_parse_internal(text, &date) == ERR_NONE)
		check(date);
	if (mail_date_parse_day(text, &day) == ERR_NONE)
		MUST(day > -800000 && day < 3000000);
	return 0;
}
