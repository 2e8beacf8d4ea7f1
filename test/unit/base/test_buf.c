/*
 * Buffers: growing, dropping, printing.
 */
#include "base/buf.h"

#include <signal.h>

#include <criterion/criterion.h>

Test(buf, what_is_added_stands_in_order)
{
	struct buf buf = { 0 };

	buf_add_str(&buf, "a");
	buf_add(&buf, "\0b", 2);
	buf_add_slice(&buf, SLICE_LIT("cd"));
	buf_add_slice(&buf, SLICE_NONE);
	buf_add_octet(&buf, 0xff);
	buf_printf(&buf, "%s=%d", "x", 7);
	cr_assert(slice_eq(buf_slice(&buf), SLICE_LIT("a\0bcd\xffx=7")));
	buf_fini(&buf);
	cr_assert_eq(buf.len, 0);
	cr_assert_null(buf.data);
}

Test(buf, growing_keeps_what_is_there)
{
	struct buf buf = { 0 };

	for (unsigned i = 0; i < 10000; i++)
		buf_add_octet(&buf, (uint8_t)(i * 7));
	for (unsigned i = 0; i < 10000; i++)
		cr_assert_eq(buf.data[i], (uint8_t)(i * 7));
	buf_fini(&buf);
}

Test(buf, clear_keeps_the_memory)
{
	struct buf buf = { 0 };
	uint8_t *data;

	buf_add_str(&buf, "hello");
	data = buf.data;
	buf_clear(&buf);
	buf_add_str(&buf, "there");
	cr_assert_eq(buf.data, data);
	cr_assert_str_eq(buf_cstr(&buf), "there");
	cr_assert_eq(buf.len, 5);
	buf_fini(&buf);
}

Test(buf, drop_takes_from_the_front)
{
	struct buf buf = { 0 };

	buf_drop(&buf, 1);
	buf_add_str(&buf, "hello");
	buf_drop(&buf, 0);
	buf_drop(&buf, 2);
	cr_assert_str_eq(buf_cstr(&buf), "llo");
	buf_drop(&buf, 99);
	cr_assert_eq(buf.len, 0);
	buf_fini(&buf);
}

Test(buf, reserve_gives_room_behind_the_end)
{
	struct buf buf = { 0 };
	uint8_t *room;

	buf_add_str(&buf, "ab");
	room = buf_reserve(&buf, 1000);
	cr_assert_eq(room, buf.data + 2);
	memset(room, 'x', 1000);
	cr_assert_eq(buf.len, 2);
	buf_fini(&buf);
}

Test(buf, a_size_beyond_memory_panics, .signal = SIGABRT)
{
	struct buf buf = { 0 };

	buf_add_str(&buf, "ab");
	buf_reserve(&buf, SIZE_MAX - 1);
}

Test(buf, numbers_in_decimal)
{
	struct buf buf = { 0 };

	buf_add_u64(&buf, 0);
	buf_add_octet(&buf, ' ');
	buf_add_u64(&buf, 10);
	buf_add_octet(&buf, ' ');
	buf_add_u64(&buf, UINT64_MAX);
	cr_assert_str_eq(buf_cstr(&buf), "0 10 18446744073709551615");
	buf_fini(&buf);
}

Test(buf, a_long_text_is_printed_whole)
{
	struct buf buf = { 0 };

	buf_printf(&buf, "%05000d", 1);
	cr_assert_eq(buf.len, 5000);
	cr_assert_eq(buf.data[4999], '1');
	buf_fini(&buf);
}

Test(buf, an_empty_buffer_is_an_empty_string)
{
	struct buf buf = { 0 };

	cr_assert_str_eq(buf_cstr(&buf), "");
	buf_fini(&buf);
}
