#include <criterion/criterion.h>

#include "base/mem.h"
#include "cluster/codec.h"

/* All kinds of fields, as one layout. */
struct record {
	bool yes;
	uint8_t bits;
	uint64_t wide;
	uint64_t small;
	int64_t sign;
	unsigned choice;
	struct slice text;
	struct uidset uids;
	struct slice *names;
	size_t count;
};

static void record_fields(struct codec *codec, struct record *r)
{
	void *array = NULL;
	size_t count;

	codec_bool(codec, &r->yes);
	codec_bits(codec, &r->bits, 0x0f);
	codec_u64(codec, &r->wide);
	codec_var(codec, &r->small, 1000);
	codec_signed(codec, &r->sign);
	codec_choice(codec, &r->choice, 2, 4);
	codec_bytes(codec, &r->text, 5);
	codec_uids(codec, &r->uids, 10);
	count = codec_array(codec, &r->count, 3, sizeof(*r->names), &array);
	if (codec_decodes(codec))
		r->names = array;
	for (size_t i = 0; i < count; i++)
		codec_bytes(codec, &r->names[i], 5);
}

static struct record good(struct slice *names)
{
	struct record r = {
		.yes = true,
		.bits = 3,
		.wide = UINT64_MAX,
		.small = 1000,
		.sign = INT64_MIN,
		.choice = 4,
		.text = SLICE_LIT("abcde"),
		.names = names,
		.count = 2,
	};

	names[0] = SLICE_LIT("x");
	names[1] = SLICE_LIT("");
	uidset_add(&r.uids, 3, 7);
	uidset_add(&r.uids, UINT32_MAX, UINT32_MAX);
	return r;
}

static enum err encode(const struct record *r, struct buf *out)
{
	struct record fields = *r;
	struct codec codec = codec_encoder(out, 64);

	record_fields(&codec, &fields);
	return codec_end(&codec);
}

static enum err decode(struct slice octets, struct arena *arena,
		       struct record *r)
{
	struct codec codec = codec_decoder(octets, arena);

	memset(r, 0, sizeof(*r));
	record_fields(&codec, r);
	return codec_end(&codec);
}

Test(codec, what_goes_in_comes_out)
{
	struct slice names[3];
	struct record in = good(names);
	struct record out;
	struct arena arena = { 0 };
	struct buf octets = { 0 };

	cr_assert_eq(encode(&in, &octets), ERR_NONE);
	cr_assert_eq(decode(buf_slice(&octets), &arena, &out), ERR_NONE);
	cr_assert(out.yes);
	cr_assert_eq(out.wide, UINT64_MAX);
	cr_assert_eq(out.sign, INT64_MIN);
	cr_assert(slice_eq(out.text, in.text));
	cr_assert(uidset_eq(&out.uids, &in.uids));
	cr_assert_eq(out.count, 2);
	cr_assert(slice_eq(out.names[0], names[0]));
	uidset_fini(&out.uids);
	uidset_fini(&in.uids);
	arena_fini(&arena);
	buf_fini(&octets);
}

Test(codec, signs_fold_and_unfold)
{
	static const int64_t values[] = { 0,   1,  -1,        63,
					  -64, 64, INT64_MAX, INT64_MIN };

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		int64_t value = values[i];
		struct buf octets = { 0 };
		struct codec codec = codec_encoder(&octets, 16);

		codec_signed(&codec, &value);
		cr_assert_eq(codec_end(&codec), ERR_NONE);
		codec = codec_decoder(buf_slice(&octets), NULL);
		value = 77;
		codec_signed(&codec, &value);
		cr_assert_eq(codec_end(&codec), ERR_NONE);
		cr_assert_eq(value, values[i]);
		buf_fini(&octets);
	}
}

Test(codec, an_encoder_that_refuses_leaves_no_octets)
{
	struct slice names[4] = { SLICE_NONE };
	struct record r = good(names);
	struct buf octets = { 0 };

	buf_add_str(&octets, "before");
	r.small = 1001;
	cr_assert_eq(encode(&r, &octets), ERR_LIMIT);
	r.small = 1;
	r.bits = 0x10;
	cr_assert_eq(encode(&r, &octets), ERR_INVALID);
	r.bits = 0;
	r.choice = 5;
	cr_assert_eq(encode(&r, &octets), ERR_INVALID);
	r.choice = 3;
	r.text = SLICE_LIT("abcdef");
	cr_assert_eq(encode(&r, &octets), ERR_LIMIT);
	r.text = SLICE_NONE;
	r.count = 4;
	cr_assert_eq(encode(&r, &octets), ERR_LIMIT);
	r.count = 0;
	uidset_add(&r.uids, 100, 110);
	cr_assert_eq(encode(&r, &octets), ERR_LIMIT);
	uidset_clear(&r.uids);
	cr_assert_eq(encode(&r, &octets), ERR_INVALID);
	cr_assert(slice_eq(buf_slice(&octets), SLICE_LIT("before")));
	uidset_fini(&r.uids);
	buf_fini(&octets);
}

Test(codec, a_decoder_takes_only_what_an_encoder_makes)
{
	struct slice names[3];
	struct record r = good(names);
	struct buf octets = { 0 };
	unsigned taken = 0;

	cr_assert_eq(encode(&r, &octets), ERR_NONE);
	uidset_fini(&r.uids);
	for (size_t len = 0; len < octets.len; len++) {
		struct arena arena = { 0 };
		struct record out;

		cr_assert_neq(decode(slice_first(buf_slice(&octets), len),
				     &arena, &out),
			      ERR_NONE);
		uidset_fini(&out.uids);
		arena_fini(&arena);
	}
	for (size_t at = 0; at < octets.len; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			struct arena arena = { 0 };
			struct buf again = { 0 };
			struct record out;

			octets.data[at] ^= (uint8_t)(1u << bit);
			if (decode(buf_slice(&octets), &arena, &out) ==
			    ERR_NONE) {
				taken++;
				cr_assert_eq(encode(&out, &again), ERR_NONE);
				cr_assert(slice_eq(buf_slice(&again),
						   buf_slice(&octets)));
			}
			octets.data[at] ^= (uint8_t)(1u << bit);
			uidset_fini(&out.uids);
			buf_fini(&again);
			arena_fini(&arena);
		}
	cr_assert_gt(taken, 50);
	buf_fini(&octets);
}
