#include <criterion/criterion.h>

#include <signal.h>

#include "base/random.h"
#include "store/env.h"

Test(key, fields_come_back_in_order)
{
	struct store_key key;
	struct slice rest;
	struct slice s;
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	store_key_init(&key);
	store_key_u8(&key, 7);
	store_key_u16(&key, 0x1234);
	store_key_str(&key, SLICE_LIT("user.rook"));
	store_key_u32(&key, 0xdeadbeef);
	store_key_u64(&key, UINT64_MAX - 1);
	store_key_raw(&key, SLICE_LIT("tail"));

	rest = store_key_slice(&key);
	cr_assert(store_key_take_u8(&rest, &u8) && u8 == 7);
	cr_assert(store_key_take_u16(&rest, &u16) && u16 == 0x1234);
	cr_assert(store_key_take_str(&rest, &s));
	cr_assert(slice_eq(s, SLICE_LIT("user.rook")));
	cr_assert(store_key_take_u32(&rest, &u32) && u32 == 0xdeadbeef);
	cr_assert(store_key_take_u64(&rest, &u64) && u64 == UINT64_MAX - 1);
	cr_assert(slice_eq(rest, SLICE_LIT("tail")));
}

Test(key, integers_are_big_endian)
{
	struct store_key key;

	store_key_init(&key);
	store_key_u32(&key, 0x01020304);
	cr_assert(slice_eq(store_key_slice(&key), SLICE_LIT("\1\2\3\4")));
}

/* One random key of {string, u64, u16}, and its fields. */
struct row {
	char name[4];
	uint64_t big;
	uint16_t small;
	struct store_key key;
};

static struct row row_random(struct random *random)
{
	struct row row = { .big = random_range(random, 0, 300),
			   .small = (uint16_t)random_range(random, 0, 3) };
	uint64_t len = random_range(random, 0, 3);

	for (uint64_t i = 0; i < len; i++)
		row.name[i] = (char)random_range(random, 1, 3);
	store_key_init(&row.key);
	store_key_str(&row.key, slice_str(row.name));
	store_key_u64(&row.key, row.big);
	store_key_u16(&row.key, row.small);
	return row;
}

static int row_cmp(const struct row *a, const struct row *b)
{
	int order = strcmp(a->name, b->name);

	if (order != 0)
		return order;
	if (a->big != b->big)
		return a->big < b->big ? -1 : 1;
	return a->small - b->small;
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

Test(key, octets_sort_as_the_fields_do)
{
	struct random_seeded random;

	random_seeded_init(&random, 1);
	for (unsigned i = 0; i < 20000; i++) {
		struct row a = row_random(&random.random);
		struct row b = row_random(&random.random);
		int order = slice_cmp(store_key_slice(&a.key),
				      store_key_slice(&b.key));

		cr_assert_eq(sign(order), sign(row_cmp(&a, &b)));
	}
}

Test(key, a_short_key_is_refused_and_left_alone)
{
	struct slice rest = SLICE_LIT("\1\2\3");
	struct slice s;
	uint32_t u32;
	uint64_t u64;

	cr_assert_not(store_key_take_u32(&rest, &u32));
	cr_assert_not(store_key_take_u64(&rest, &u64));
	cr_assert_not(store_key_take_str(&rest, &s), "no 0 octet");
	cr_assert_eq(rest.len, 3);
}

Test(key, a_hash_stands_for_a_long_string)
{
	struct store_key a;
	struct store_key b;

	store_key_init(&a);
	store_key_hash(&a, SLICE_LIT("one"));
	store_key_init(&b);
	store_key_hash(&b, SLICE_LIT("two"));
	cr_assert_eq(a.len, 16);
	cr_assert_not(slice_eq(store_key_slice(&a), store_key_slice(&b)));
}

Test(key, the_longest_key_fits)
{
	uint8_t octets[STORE_KEY_MAX] = { 0 };
	struct store_key key;

	store_key_init(&key);
	store_key_raw(&key, slice_of(octets, sizeof(octets)));
	cr_assert_eq(key.len, STORE_KEY_MAX);
}

Test(key, one_octet_more_is_a_bug, .signal = SIGABRT)
{
	uint8_t octets[STORE_KEY_MAX] = { 0 };
	struct store_key key;

	store_key_init(&key);
	store_key_raw(&key, slice_of(octets, sizeof(octets)));
	store_key_u8(&key, 0);
}

Test(key, a_zero_inside_a_string_is_a_bug, .signal = SIGABRT)
{
	struct store_key key;

	store_key_init(&key);
	store_key_str(&key, slice_of("a\0b", 3));
}
