/*
 * Folding: the quick ways give what the general one gives.
 */
#include "mail/fold.h"

#include <criterion/criterion.h>

#include "base/attr.h"
#include "base/unicode.h"

static void expect_same(struct mail_fold *fold, struct slice run)
{
	struct buf quick = { 0 };
	struct buf general = { 0 };

	mail_fold_run(fold, run, &quick);
	unicode_casemap(run, &general);
	cr_assert(slice_eq(buf_slice(&quick), buf_slice(&general)),
		  "%.*s: %s, not %s", SLICE_FMT(run), buf_cstr(&quick),
		  buf_cstr(&general));
	buf_fini(&quick);
	buf_fini(&general);
}

static size_t put_utf8(uint8_t *to, unsigned c)
{
	if (c < 0x800) {
		to[0] = (uint8_t)(0xc0 | c >> 6);
		to[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	to[0] = (uint8_t)(0xe0 | c >> 12);
	to[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	to[2] = (uint8_t)(0x80 | (c & 0x3f));
	return 3;
}

Test(fold, every_letter_has_its_form)
{
	struct mail_fold fold = { NULL };
	uint8_t octets[3];

	for (unsigned turn = 0; turn < 2; turn++)
		for (unsigned c = 0x80; c < 0xd800; c++)
			expect_same(&fold,
				    slice_of(octets, put_utf8(octets, c)));
	mail_fold_fini(&fold);
}

/* Each of some letters behind each letter: no two of them change places. */
Test(fold, letters_side_by_side_do_not_change_each_other)
{
	static const unsigned after[] = { 0xe9,  0x301, 0x323,  0x345, 0x3b9,
					  0x390, 0x483, 0x4e2d, 0x5b0, 0xac00 };
	struct mail_fold fold = { NULL };
	uint8_t octets[9];

	for (unsigned c = 0x80; c < 0x600; c++)
		for (size_t i = 0; i < ARRAY_LEN(after); i++) {
			size_t len = put_utf8(octets, c);

			len += put_utf8(octets + len, after[i]);
			len += put_utf8(octets + len, 0x323);
			expect_same(&fold, slice_of(octets, len));
		}
	mail_fold_fini(&fold);
}

Test(fold, octets_that_are_no_letters_are_copied)
{
	struct mail_fold fold = { NULL };

	expect_same(&fold, SLICE_LIT("\xff\xc3\xa9"));
	expect_same(&fold, SLICE_LIT("\xc3"));
	expect_same(&fold, SLICE_LIT("\xe4\xb8"));
	expect_same(&fold, SLICE_LIT("\xe4\xc3\xa9"));
	expect_same(&fold, SLICE_LIT("\xc1\xbf\xc3\xa9"));
	expect_same(&fold, SLICE_NONE);
	mail_fold_fini(&fold);
}
