/*
 * Matching: cases and forms of letters, borders between pieces, long needles.
 */
#include "mail/match.h"

#include <criterion/criterion.h>

#include "base/attr.h"

static bool match_in_steps(const char *needle_text, struct slice text,
			   size_t step)
{
	struct mail_needle *needle = mail_needle_new(slice_str(needle_text));
	struct mail_matcher m = { .hit = false };
	bool hit;

	mail_matcher_init(&m, needle);
	for (; text.len > 0; text = slice_from(text, step))
		mail_matcher_feed(&m, slice_first(text, step));
	hit = mail_matcher_finish(&m);
	cr_assert_eq(hit, m.hit);
	mail_matcher_fini(&m);
	mail_needle_free(&needle);
	return hit;
}

static void expect(const char *needle, const char *text, bool hit)
{
	for (size_t step = 1; step <= strlen(text) + 1; step++)
		cr_assert_eq(match_in_steps(needle, slice_str(text), step), hit,
			     "\"%s\" in \"%s\", step %zu", needle, text, step);
}

#define HIT(needle, text) expect(needle, text, true)
#define MISS(needle, text) expect(needle, text, false)

Test(match, ascii_letters_have_no_case)
{
	HIT("hello", "say Hello there");
	HIT("HELLO", "hello");
	HIT("o W", "hello world");
	MISS("hello", "hell o");
	MISS("hello", "hell");
	MISS("a", "");
	HIT("@[`{", "@[`{");
	MISS("@", "`");
}

Test(match, the_empty_needle_is_everywhere)
{
	HIT("", "");
	HIT("", "x");
}

Test(match, repetitions_are_not_jumped_over)
{
	HIT("aab", "aaaaab");
	HIT("abab", "aabaabab");
	HIT("aaa", "aabaaa");
	HIT("bb", "abb");
	HIT("x", "aax");
	MISS("aab", "aaaaa");
}

Test(match, other_letters_have_no_case_either)
{
	HIT("\xc3\xa9t\xc3\xa9", "un \xc3\x89T\xc3\x89 chaud"); /* été */
	HIT("\xd0\xbf\xd1\x80\xd0\xb8", "\xd0\x9f\xd0\xa0\xd0\x98");
	HIT("\xce\xb1", "\xce\x91");
	MISS("\xce\xb1", "\xce\x92");
}

Test(match, compositions_are_equal_to_what_they_are_made_of)
{
	HIT("\xc3\xa9", "e\xcc\x81");
	HIT("e\xcc\x81", "caf\xc3\xa9");
	HIT("\xe1\xbb\x87", "e\xcc\x82\xcc\xa3"); /* marks in any order */
	HIT("fi", "\xef\xac\x81");                /* a ligature */
	HIT("abc", "\xef\xbd\x81\xef\xbd\x82\xef\xbd\x83"); /* full width */
	HIT("cafe", "caf\xc3\xa9");
}

Test(match, ideographs_are_found)
{
	HIT("\xe6\x97\xa5\xe6\x9c\xac",
	    "x\xe4\xbb\x8a\xe6\x97\xa5\xe6\x9c\xacy");
	MISS("\xe6\x9c\xac\xe6\x97\xa5", "\xe6\x97\xa5\xe6\x9c\xac");
}

Test(match, octets_that_are_no_utf8_match_themselves)
{
	HIT("a\xff"
	    "b",
	    "xa\xff"
	    "b");
	HIT("\xe9t\xe9", "un \xe9t\xe9");
	MISS("\xe9", "\xc3\xa9");
}

/* No ASCII for longer than what waits. */
Test(match, long_runs_are_folded_on_the_way)
{
	static const char *const chars[] = { "\xe6\x97\xa5", "\xd0\xb6",
					     "\xc3\xa9", "\xff" };

	for (size_t i = 0; i < ARRAY_LEN(chars); i++)
		for (size_t step = 1; step < 3000; step = step * 3 + 1) {
			struct buf text = { 0 };

			while (text.len < 3 * MAIL_MATCH_WAIT_MAX)
				buf_add_str(&text, chars[i]);
			buf_add_str(&text, "\xd0\xaf\xd0\xaf");
			buf_add_str(&text, chars[i]);
			cr_assert(match_in_steps("\xd1\x8f\xd1\x8f",
						 buf_slice(&text), step));
			cr_assert(!match_in_steps("\xd1\x8f\xd1\x8f\xd1\x8f",
						  buf_slice(&text), step));
			buf_fini(&text);
		}
}

Test(match, what_waits_is_bounded)
{
	struct mail_needle *needle = mail_needle_new(SLICE_LIT("xyzxyz"));
	struct mail_matcher m = { .hit = false };

	mail_matcher_init(&m, needle);
	for (unsigned i = 0; i < 10000; i++) {
		mail_matcher_feed(&m, SLICE_LIT("\xcc\x81"));
		cr_assert_leq(m.wait.len, 2 * MAIL_MATCH_WAIT_MAX);
		mail_matcher_feed(&m, SLICE_LIT("x"));
		cr_assert_leq(m.tail.len, 5);
	}
	mail_matcher_fini(&m);
	mail_needle_free(&needle);
}

Test(match, long_needles_are_found)
{
	struct buf needle = { 0 };
	struct buf text = { 0 };

	for (unsigned i = 0; i < 100; i++)
		buf_printf(&needle, "word%u ", i);
	for (unsigned i = 0; i < 110; i++)
		buf_printf(&text, "WORD%u ", i);
	for (size_t step = 1; step < 1000; step = step * 2 + 1)
		cr_assert(match_in_steps(buf_cstr(&needle), buf_slice(&text),
					 step));
	buf_add_str(&needle, "x");
	cr_assert(!match_in_steps(buf_cstr(&needle), buf_slice(&text), 77));
	buf_fini(&needle);
	buf_fini(&text);
}

Test(match, the_worst_needles_take_bearable_time, .timeout = 5)
{
	struct buf text = { 0 };
	struct buf needle = { 0 };

	while (text.len < 1000 * 1000)
		buf_add_octet(&text, 'a');
	buf_add_octet(&needle, 'b');
	while (needle.len < MAIL_NEEDLE_MAX) {
		cr_assert(!match_in_steps(buf_cstr(&needle), buf_slice(&text),
					  65536));
		while (needle.len % 64 != 0 || needle.len == 0)
			buf_add_octet(&needle, 'a');
		needle.len *= 5;
		if (needle.len > MAIL_NEEDLE_MAX)
			break;
		buf_reserve(&needle, needle.len);
		memset(needle.data + 1, 'a', needle.len - 1);
	}
	buf_fini(&text);
	buf_fini(&needle);
}

Test(match, a_matcher_serves_many_texts)
{
	struct mail_needle *needle = mail_needle_new(SLICE_LIT("ab"));
	struct mail_matcher m = { .hit = false };

	mail_matcher_init(&m, needle);
	cr_assert(!mail_matcher_feed(&m, SLICE_LIT("xa")));
	mail_matcher_init(&m, needle);
	cr_assert(!mail_matcher_feed(&m, SLICE_LIT("b")));
	cr_assert(mail_matcher_feed(&m, SLICE_LIT("ab")));
	cr_assert(mail_matcher_feed(&m, SLICE_LIT("")));
	mail_matcher_init(&m, needle);
	cr_assert(!mail_matcher_finish(&m));
	mail_matcher_fini(&m);
	mail_needle_free(&needle);
	cr_assert_null(needle);
}
