/*
 * Fields: fixed octets, and readers that never read too far.
 */
#include "base/pack.h"

#include <criterion/criterion.h>

static void pack_all(struct buf *out)
{
	pack_u8(out, 0x01);
	pack_u16(out, 0x0302);
	pack_u32(out, 0x07060504);
	pack_u64(out, 0x0f0e0d0c0b0a0908);
	pack_var(out, 300);
	pack_bytes(out, SLICE_LIT("hi"));
}

static void unpack_all(struct unpack *in)
{
	cr_assert_eq(unpack_u8(in), 0x01);
	cr_assert_eq(unpack_u16(in), 0x0302);
	cr_assert_eq(unpack_u32(in), 0x07060504);
	cr_assert_eq(unpack_u64(in), 0x0f0e0d0c0b0a0908);
	cr_assert_eq(unpack_var(in, UINT64_MAX), 300);
	cr_assert(slice_eq(unpack_bytes(in, 2), SLICE_LIT("hi")));
}

Test(pack, the_octets_are_fixed)
{
	struct buf buf = { 0 };

	pack_all(&buf);
	cr_assert(slice_eq(buf_slice(&buf),
			   SLICE_LIT("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a"
				     "\x0b\x0c\x0d\x0e\x0f\xac\x02\x02hi")));
	buf_fini(&buf);
}

Test(pack, what_was_packed_is_read)
{
	struct buf buf = { 0 };
	struct unpack in;

	pack_all(&buf);
	in = unpack_of(buf_slice(&buf));
	unpack_all(&in);
	cr_assert(unpack_ok(&in));
	cr_assert(unpack_end(&in));
	buf_fini(&buf);
}

/* Copied to the heap, so that the sanitizer sees a read behind the end. */
Test(pack, every_shorter_input_is_bad)
{
	struct buf buf = { 0 };

	pack_all(&buf);
	for (size_t len = 0; len < buf.len; len++) {
		struct buf cut = { 0 };
		struct unpack in;

		buf_add(&cut, buf.data, len);
		in = unpack_of(buf_slice(&cut));
		unpack_u8(&in);
		unpack_u16(&in);
		unpack_u32(&in);
		unpack_u64(&in);
		unpack_var(&in, UINT64_MAX);
		unpack_bytes(&in, 2);
		cr_assert_not(unpack_ok(&in), "%zu octets", len);
		buf_fini(&cut);
	}
	buf_fini(&buf);
}

Test(pack, after_the_first_bad_read_all_are_zero)
{
	struct unpack in = unpack_of(SLICE_LIT("\x01\x02\x03"));

	cr_assert_eq(unpack_u32(&in), 0);
	cr_assert_eq(unpack_u8(&in), 0);
	cr_assert_eq(unpack_var(&in, 9), 0);
	cr_assert_eq(unpack_raw(&in, 1).len, 0);
	cr_assert_not(unpack_ok(&in));
	cr_assert_not(unpack_end(&in));
}

Test(pack, octets_left_over_are_no_end)
{
	struct unpack in = unpack_of(SLICE_LIT("\x01\x02"));

	unpack_u8(&in);
	cr_assert(unpack_ok(&in));
	cr_assert_not(unpack_end(&in));
}

Test(pack, numbers_of_every_length_come_back)
{
	for (unsigned shift = 0; shift < 64; shift++) {
		uint64_t around[] = { ((uint64_t)1 << shift) - 1,
				      (uint64_t)1 << shift,
				      ((uint64_t)1 << shift) + 1 };

		for (int i = 0; i < 3; i++) {
			struct buf buf = { 0 };
			struct unpack in;

			pack_var(&buf, around[i]);
			in = unpack_of(buf_slice(&buf));
			cr_assert_eq(unpack_var(&in, UINT64_MAX), around[i]);
			cr_assert(unpack_end(&in));
			in = unpack_of(buf_slice(&buf));
			cr_assert_eq(unpack_var(&in, around[i]), around[i]);
			buf_fini(&buf);
		}
	}
}

static bool var_is_bad(struct slice octets, uint64_t max)
{
	struct unpack in = unpack_of(octets);
	uint64_t value = unpack_var(&in, max);

	return value == 0 && !unpack_ok(&in);
}

Test(pack, a_number_has_one_form)
{
	cr_assert(var_is_bad(SLICE_LIT("\x80\x00"), UINT64_MAX));
	cr_assert(var_is_bad(SLICE_LIT("\xac\x82\x00"), UINT64_MAX));
	cr_assert_not(var_is_bad(
		SLICE_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
		UINT64_MAX));
	cr_assert(var_is_bad(
		SLICE_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
		UINT64_MAX));
	cr_assert(var_is_bad(
		SLICE_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01"),
		UINT64_MAX));
	cr_assert(var_is_bad(SLICE_LIT("\xac\x02"), 299));
	cr_assert(var_is_bad(SLICE_LIT("\xac"), UINT64_MAX));
}

Test(pack, more_octets_than_allowed_are_refused)
{
	struct unpack in = unpack_of(SLICE_LIT("\x03"
					       "abc"));

	cr_assert_eq(unpack_bytes(&in, 2).len, 0);
	cr_assert_not(unpack_ok(&in));
}
