/*
 * Matching of folded octets.
 *
 * Text becomes folded octets: ASCII stays as it is, for the comparison knows
 * no case of it; all else goes through mail_fold_run in runs between ASCII,
 * which no mark combines across. In the folded octets the needle is searched
 * by its last octet (Horspool), or by memmem, which is linear, if it is long.
 * Pieces that are ASCII only, most of all mail, are searched where they are.
 *
 * There are no failures.
 */
#include "mail/match.h"

#include "base/mem.h"
#include "base/unicode.h"

/* Above it the worst case of Horspool, length times text, begins to hurt. */
#define NEEDLE_SHORT 64

struct mail_needle {
	size_t len;
	size_t again;       /* step behind a last octet that led to no hit */
	uint32_t skip[256]; /* by octet at the end: step, 0 if it may be one */
	uint8_t octets[];   /* folded, ASCII in capitals */
};

static uint8_t match_upper(uint8_t octet)
{
	return octet >= 'a' && octet <= 'z' ? (uint8_t)(octet - 'a' + 'A')
					    : octet;
}

/* ---- the needle ---- */

static void needle_compile(struct mail_needle *needle)
{
	size_t last = needle->len - 1;

	for (size_t c = 0; c < 256; c++)
		needle->skip[c] = (uint32_t)needle->len;
	needle->again = needle->len;
	for (size_t i = 0; i < needle->len; i++) {
		uint8_t octet = needle->octets[i];

		if (i < last && octet == needle->octets[last])
			needle->again = last - i;
		needle->skip[octet] = (uint32_t)(last - i);
		if (octet >= 'A' && octet <= 'Z')
			needle->skip[octet - 'A' + 'a'] = (uint32_t)(last - i);
	}
}

struct mail_needle *mail_needle_new(struct slice utf8)
{
	struct buf folded = { 0 };
	struct mail_needle *needle;

	unicode_casemap(slice_first(utf8, MAIL_NEEDLE_MAX), &folded);
	needle = mem_zalloc(1, sizeof(*needle) + folded.len);
	needle->len = folded.len;
	for (size_t i = 0; i < folded.len; i++)
		needle->octets[i] = match_upper(folded.data[i]);
	if (needle->len > 0)
		needle_compile(needle);
	buf_fini(&folded);
	return needle;
}

void mail_needle_free(struct mail_needle **needlep)
{
	mem_free(*needlep);
	*needlep = NULL;
}

static bool needle_here(const struct mail_needle *needle, const uint8_t *text)
{
	for (size_t i = 0; i < needle->len; i++)
		if (match_upper(text[i]) != needle->octets[i])
			return false;
	return true;
}

static bool needle_find_short(const struct mail_needle *needle,
			      struct slice text)
{
	size_t last = needle->len - 1;
	size_t at = last;

	while (at < text.len) {
		size_t skip = needle->skip[text.data[at]];

		if (skip == 0) {
			if (needle_here(needle, text.data + at - last))
				return true;
			skip = needle->again;
		}
		at += skip;
	}
	return false;
}

static bool needle_find_long(const struct mail_needle *needle,
			     struct slice text, struct buf *upper)
{
	uint8_t *to;

	if (text.len < needle->len)
		return false;
	buf_clear(upper);
	to = buf_reserve(upper, text.len);
	for (size_t i = 0; i < text.len; i++)
		to[i] = match_upper(text.data[i]);
	return memmem(to, text.len, needle->octets, needle->len) != NULL;
}

/* ---- folded octets ---- */

static bool match_find(struct mail_matcher *m, struct slice folded)
{
	if (m->needle->len <= NEEDLE_SHORT)
		return needle_find_short(m->needle, folded);
	return needle_find_long(m->needle, folded, &m->upper);
}

/* Keeps the last octets of `tail` and `folded` that may begin a hit. */
static void match_keep_tail(struct mail_matcher *m, struct slice folded)
{
	size_t keep = m->needle->len - 1;

	if (folded.len >= keep) {
		buf_clear(&m->tail);
		folded = slice_from(folded, folded.len - keep);
	}
	buf_add_slice(&m->tail, folded);
	if (m->tail.len > keep)
		buf_drop(&m->tail, m->tail.len - keep);
}

/* First across the border to what came before, then within. */
static void match_folded(struct mail_matcher *m, struct slice folded)
{
	size_t before = m->tail.len;

	if (before > 0) {
		buf_add_slice(&m->tail,
			      slice_first(folded, m->needle->len - 1));
		m->hit = match_find(m, buf_slice(&m->tail));
		m->tail.len = before;
	}
	if (!m->hit)
		m->hit = match_find(m, folded);
	if (!m->hit)
		match_keep_tail(m, folded);
}

/* ---- text ---- */

/* Octets at the front that are ASCII, eight at a time. */
static size_t match_ascii(struct slice in)
{
	size_t n = 0;
	uint64_t word;

	for (; n + sizeof(word) <= in.len; n += sizeof(word)) {
		memcpy(&word, in.data + n, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
	while (n < in.len && in.data[n] < 0x80)
		n++;
	return n;
}

static size_t match_not_ascii(struct slice in)
{
	size_t n = 0;

	while (n < in.len && in.data[n] >= 0x80)
		n++;
	return n;
}

/*
 * A long run, as of Chinese, is cut before a character that no mark can be:
 * lead octets E4 to E9, EB and EC, which are ideographs and Hangul. Failing
 * that before any character.
 */
static size_t match_cut(struct slice run)
{
	size_t any = run.len;

	for (size_t n = run.len - 1; n > 0; n--) {
		uint8_t octet = run.data[n];

		if ((octet >= 0xe4 && octet <= 0xe9) || octet == 0xeb ||
		    octet == 0xec)
			return n;
		if (octet >= 0xc0 && any == run.len)
			any = n;
	}
	return any;
}

/* Folds the run that waits, all of it or (it goes on) if it is long. */
static void match_fold_wait(struct mail_matcher *m, bool goes_on)
{
	size_t len = m->wait.len;

	if (goes_on && len < MAIL_MATCH_WAIT_MAX)
		return;
	if (goes_on)
		len = match_cut(buf_slice(&m->wait));
	if (len == 0)
		return;
	mail_fold_run(&m->fold, slice_first(buf_slice(&m->wait), len),
		      &m->folded);
	buf_drop(&m->wait, len);
}

/* Text that is not ASCII only. */
static void match_mixed(struct mail_matcher *m, struct slice in)
{
	buf_clear(&m->folded);
	while (in.len > 0) {
		struct slice run = slice_first(in, MAIL_MATCH_WAIT_MAX);
		size_t ascii;

		run = slice_first(run, match_not_ascii(run));
		buf_add_slice(&m->wait, run);
		in = slice_from(in, run.len);
		match_fold_wait(m, in.len == 0 || in.data[0] >= 0x80);
		ascii = match_ascii(in);
		buf_add_slice(&m->folded, slice_first(in, ascii));
		in = slice_from(in, ascii);
	}
	match_folded(m, buf_slice(&m->folded));
}

void mail_matcher_init(struct mail_matcher *matcher,
		       const struct mail_needle *needle)
{
	matcher->needle = needle;
	matcher->hit = needle->len == 0;
	buf_clear(&matcher->tail);
	buf_clear(&matcher->wait);
}

void mail_matcher_fini(struct mail_matcher *matcher)
{
	mail_fold_fini(&matcher->fold);
	buf_fini(&matcher->tail);
	buf_fini(&matcher->wait);
	buf_fini(&matcher->folded);
	buf_fini(&matcher->upper);
}

bool mail_matcher_feed(struct mail_matcher *matcher, struct slice utf8)
{
	if (matcher->hit || utf8.len == 0)
		return matcher->hit;
	if (matcher->wait.len == 0 && match_ascii(utf8) == utf8.len)
		match_folded(matcher, utf8);
	else
		match_mixed(matcher, utf8);
	return matcher->hit;
}

bool mail_matcher_finish(struct mail_matcher *matcher)
{
	if (matcher->hit || matcher->wait.len == 0)
		return matcher->hit;
	buf_clear(&matcher->folded);
	match_fold_wait(matcher, false);
	match_folded(matcher, buf_slice(&matcher->folded));
	return matcher->hit;
}
