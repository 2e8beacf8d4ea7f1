/*
 * Digests against published vectors.
 */
#include "base/digest.h"

#include <criterion/criterion.h>

#include "base/base64.h"

static void expect(const struct sha256 *hash, const char *hex)
{
	struct buf buf = { 0 };

	hex_encode(slice_of(hash->octets, SHA256_SIZE), &buf);
	cr_assert_str_eq(buf_cstr(&buf), hex);
	buf_fini(&buf);
}

Test(digest, sha256_of_fips_180)
{
	struct sha256 hash;

	sha256(SLICE_LIT("abc"), &hash);
	expect(&hash, "ba7816bf8f01cfea414140de5dae2223"
		      "b00361a396177a9cb410ff61f20015ad");
	sha256(SLICE_NONE, &hash);
	expect(&hash, "e3b0c44298fc1c149afbf4c8996fb924"
		      "27ae41e4649b934ca495991b7852b855");
}

Test(digest, any_split_gives_the_same_sha256)
{
	struct slice text = SLICE_LIT("the quick brown fox jumps over");
	struct sha256 whole;
	struct sha256 split;

	sha256(text, &whole);
	for (size_t at = 0; at <= text.len; at++) {
		struct sha256_state *state = sha256_new();

		sha256_add(state, slice_first(text, at));
		sha256_add(state, SLICE_NONE);
		sha256_add(state, slice_from(text, at));
		sha256_finish(&state, &split);
		cr_assert_null(state);
		cr_assert(sha256_eq(&whole, &split));
	}
}

Test(digest, a_state_may_be_thrown_away)
{
	struct sha256_state *state = sha256_new();

	sha256_add(state, SLICE_LIT("abc"));
	sha256_free(&state);
	cr_assert_null(state);
	sha256_free(&state);
}

Test(digest, hmac_of_rfc_4231)
{
	struct sha256 mac;
	uint8_t key[131];

	hmac_sha256(SLICE_LIT("Jefe"),
		    SLICE_LIT("what do ya want for nothing?"), &mac);
	expect(&mac, "5bdcc146bf60754e6a042426089575c7"
		     "5a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	hmac_sha256(slice_of(key, sizeof(key)),
		    SLICE_LIT("Test Using Larger Than Block-Size Key - "
			      "Hash Key First"),
		    &mac);
	expect(&mac, "60e431591ee0b67f0d8a26aacbf5b77f"
		     "8e0bc6213728c5140546040f0ee37f54");
	hmac_sha256(SLICE_NONE, SLICE_NONE, &mac);
	expect(&mac, "b613679a0814d9ec772f95d778c35fc5"
		     "ff1697c493715653c6c712144292c5ad");
}

Test(digest, secrets_are_equal_only_if_all_octets_are)
{
	cr_assert(secret_eq(SLICE_LIT("abc"), SLICE_LIT("abc")));
	cr_assert_not(secret_eq(SLICE_LIT("abc"), SLICE_LIT("abd")));
	cr_assert_not(secret_eq(SLICE_LIT("abc"), SLICE_LIT("ab")));
	cr_assert(secret_eq(SLICE_NONE, SLICE_NONE));
}

/* They stand on disk: these numbers must never change. */
Test(digest, xxh3_keeps_its_numbers)
{
	cr_assert_eq(xxh3(SLICE_NONE), 0x2d06800538d394c2);
	cr_assert_eq(xxh3(SLICE_LIT("a")), 0xe6c632b61e964e1f);
	cr_assert_eq(xxh3(SLICE_LIT("abc")), 0x78af5f94892f3950);
}

Test(digest, xxh3_of_pieces_is_that_of_the_whole)
{
	static uint8_t text[3000];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * i);
	for (size_t at = 0; at <= sizeof(text); at += 37) {
		struct slice pieces[] = {
			slice_of(text, at / 2),
			SLICE_NONE,
			slice_of(text + at / 2, at - at / 2),
			slice_of(text + at, sizeof(text) - at),
		};

		cr_assert_eq(xxh3_pieces(pieces, 4),
			     xxh3(slice_of(text, sizeof(text))));
	}
	cr_assert_eq(xxh3_pieces(NULL, 0), xxh3(SLICE_NONE));
}
