/*
 * Folding by letters.
 *
 * A run can be folded letter by letter if no letter of it is a combining mark,
 * for only marks change places in a normal form. So there is a list of what
 * surely is none: ideographs, which fold to themselves, and the letters of
 * Europe, whose forms are remembered. A run with anything else goes the
 * general way as a whole.
 */
#include "mail/fold.h"

#include "base/mem.h"
#include "base/unicode.h"

/*
 * U+0080 to U+058F: Latin, IPA, Greek, Cyrillic, Armenian, without the marks
 * among them.
 */
#define FOLD_FIRST 0x80
#define FOLD_LAST 0x58f
#define FOLD_MARKS_FIRST 0x300
#define FOLD_MARKS_LAST 0x36f
#define FOLD_MARKS2_FIRST 0x483
#define FOLD_MARKS2_LAST 0x489

/* No letter of these has a longer form. */
#define FOLD_LETTER_MAX 7

struct mail_fold_letter {
	uint8_t len; /* octets; 0: not known yet */
	uint8_t octets[FOLD_LETTER_MAX];
};

void mail_fold_fini(struct mail_fold *fold)
{
	mem_free(fold->letters);
	fold->letters = NULL;
}

static bool fold_continues(uint8_t octet)
{
	return (octet & 0xc0) == 0x80;
}

/* U+4000 to U+9FFF: ideographs, and hexagrams, which have one form too. */
static bool fold_is_ideograph(struct slice run)
{
	return run.len >= 3 && run.data[0] >= 0xe4 && run.data[0] <= 0xe9 &&
	       fold_continues(run.data[1]) && fold_continues(run.data[2]);
}

/* The code point of a letter of two octets that is no mark; else 0. */
static unsigned fold_letter_of(struct slice run)
{
	unsigned c;

	if (run.len < 2 || run.data[0] < 0xc2 || run.data[0] > 0xdf ||
	    !fold_continues(run.data[1]))
		return 0;
	c = (unsigned)(run.data[0] & 0x1f) << 6 | (run.data[1] & 0x3f);
	if (c > FOLD_LAST || (c >= FOLD_MARKS_FIRST && c <= FOLD_MARKS_LAST) ||
	    (c >= FOLD_MARKS2_FIRST && c <= FOLD_MARKS2_LAST))
		return 0;
	return c;
}

/* NULL: its form is too long to be remembered. */
static const struct mail_fold_letter *
fold_letter(struct mail_fold *fold, unsigned c, struct slice octets)
{
	struct mail_fold_letter *letter;

	if (!fold->letters)
		fold->letters = mem_zalloc(FOLD_LAST - FOLD_FIRST + 1,
					   sizeof(*fold->letters));
	letter = &fold->letters[c - FOLD_FIRST];
	if (letter->len == 0) {
		struct buf form = { 0 };

		unicode_casemap(octets, &form);
		if (form.len <= FOLD_LETTER_MAX) {
			memcpy(letter->octets, form.data, form.len);
			letter->len = (uint8_t)form.len;
		}
		buf_fini(&form);
	}
	return letter->len > 0 ? letter : NULL;
}

/* False, nothing appended: the run must go the general way. */
static bool fold_by_letters(struct mail_fold *fold, struct slice run,
			    struct buf *out)
{
	size_t start = out->len;

	while (run.len > 0) {
		unsigned c = fold_letter_of(run);
		const struct mail_fold_letter *letter = NULL;

		if (fold_is_ideograph(run)) {
			buf_add(out, run.data, 3);
			run = slice_from(run, 3);
			continue;
		}
		if (c > 0)
			letter = fold_letter(fold, c, slice_first(run, 2));
		if (!letter) {
			out->len = start;
			return false;
		}
		buf_add(out, letter->octets, letter->len);
		run = slice_from(run, 2);
	}
	return true;
}

void mail_fold_run(struct mail_fold *fold, struct slice run, struct buf *out)
{
	if (!fold_by_letters(fold, run, out))
		unicode_casemap(run, out);
}
