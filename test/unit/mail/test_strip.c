/*
 * Line ends, in any split.
 */
#include "mail/strip.h"

#include <criterion/criterion.h>

static void expect(struct slice in, struct slice crlf, uint64_t added,
		   uint64_t lines)
{
	for (size_t step = 1; step <= in.len + 1; step++) {
		struct mail_strip strip = { .cr = false };
		struct slice rest = in;
		struct buf out = { 0 };

		for (; rest.len > 0; rest = slice_from(rest, step))
			mail_strip_feed(&strip, slice_first(rest, step), &out);
		cr_assert(slice_eq(buf_slice(&out), crlf), "step %zu", step);
		cr_assert_eq(strip.octets, crlf.len);
		cr_assert_eq(strip.added, added);
		cr_assert_eq(strip.lines, lines);
		buf_fini(&out);
	}
}

Test(strip, a_bare_lf_gets_its_cr)
{
	expect(SLICE_LIT("a\nb\n"), SLICE_LIT("a\r\nb\r\n"), 2, 2);
	expect(SLICE_LIT("\n\n"), SLICE_LIT("\r\n\r\n"), 2, 2);
}

Test(strip, all_else_stays)
{
	expect(SLICE_LIT("a\r\nb\r\n"), SLICE_LIT("a\r\nb\r\n"), 0, 2);
	expect(SLICE_LIT("a\rb\r"), SLICE_LIT("a\rb\r"), 0, 0);
	expect(SLICE_LIT("\r\r\n\n\0"), SLICE_LIT("\r\r\n\r\n\0"), 1, 2);
	expect(SLICE_LIT(""), SLICE_LIT(""), 0, 0);
}
