/*
 * Dots of DATA: every split gives the same message.
 */
#include <criterion/criterion.h>

#include "lmtp/data.h"

/* The message in `text`, fed `step` octets at a time; *rest_r: what is left. */
static struct buf unstuff(const char *text, size_t step, size_t *rest_r)
{
	struct slice all = slice_str(text);
	struct lmtp_data data = { 0 };
	struct buf out = { 0 };
	bool end = false;

	while (all.len && !end) {
		struct slice piece = slice_first(all, step);
		size_t before = piece.len;

		end = lmtp_data_feed(&data, &piece, &out);
		all = slice_from(all, before - piece.len);
	}
	cr_assert(end, "no end in %s", text);
	*rest_r = all.len;
	return out;
}

static void expect(const char *text, const char *message, size_t rest)
{
	for (size_t step = 1; step <= strlen(text); step++) {
		size_t left;
		struct buf out = unstuff(text, step, &left);

		cr_expect(slice_eq(buf_slice(&out), slice_str(message)),
			  "step %zu of %s gave %s", step, text, buf_cstr(&out));
		cr_expect_eq(left, rest);
		buf_fini(&out);
	}
}

Test(lmtp_data, ends_at_a_dot_alone_on_a_line)
{
	expect("a\r\n.\r\n", "a\r\n", 0);
	expect(".\r\n", "", 0);
	expect("a\r\n.\r\nQUIT\r\n", "a\r\n", 6);
}

Test(lmtp_data, drops_the_first_dot_of_a_line)
{
	expect("..a\r\n...\r\n.b\r\n.\r\n", ".a\r\n..\r\nb\r\n", 0);
}

Test(lmtp_data, bare_line_feeds_end_nothing)
{
	expect("a\n.\nb\n.\r\nc\r\n.\r\n", "a\n.\nb\n.\r\nc\r\n", 0);
	expect("a\r.\r\n.\r\n", "a\r.\r\n", 0);
	expect("a\r\n.\n\r\n.\r\n", "a\r\n\n\r\n", 0);
	expect("a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", 0);
}
