/*
 * Keys of passwords.
 */
#include <criterion/criterion.h>

#include "auth/keys.h"
#include "base/attr.h"
#include "base/base64.h"
#include "scram_client.h"

static struct auth_keys keys_of(const char *password)
{
	struct random_seeded random;
	struct auth_keys keys;

	random_seeded_init(&random, 7);
	cr_assert_eq(auth_keys_make(&keys, slice_str(password), &random.random),
		     ERR_NONE);
	return keys;
}

static enum err check(const struct auth_keys *keys, const char *password)
{
	return auth_keys_check(keys, slice_str(password));
}

/* "rOprNGfwEbeRWgbNEkqO" and "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0" in section 3. */
static const char rfc_server_first[] =
	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

/* The client of the tests makes what the RFC shows... */
Test(auth_keys, example_of_rfc_7677_of_the_client)
{
	struct scram_client client = { .gs2 = "n,,",
				       .user = "user",
				       .nonce = "rOprNGfwEbeRWgbNEkqO",
				       .password = "pencil" };
	struct buf out = { 0 };

	scram_client_first(&client, &out);
	cr_expect_str_eq(buf_cstr(&out), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
	buf_clear(&out);
	cr_assert(
		scram_client_final(&client, slice_str(rfc_server_first), &out));
	cr_expect_str_eq(
		buf_cstr(&out),
		"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
		"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
	cr_expect(scram_client_check(&client,
				     SLICE_LIT("v=6rriTRBi23WpRR/wtup+mMhUZUn/"
					       "dB5nLTJRsjl95G4=")));
	buf_fini(&out);
	scram_client_fini(&client);
}

/* ... and our keys accept its proof: H(proof ^ HMAC(StoredKey, text)). */
Test(auth_keys, example_of_rfc_7677_of_the_server)
{
	static const char text[] =
		"n=user,r=rOprNGfwEbeRWgbNEkqO,"
		"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
		"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
		"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
	struct auth_keys keys = keys_of("pencil");
	struct buf salt = { 0 };
	struct buf proof = { 0 };
	struct sha256 mac;

	cr_assert_eq(
		base64_decode(SLICE_LIT("W22ZaJ0SNY7soEsUEjb6gQ=="), &salt),
		ERR_NONE);
	cr_assert_eq(base64_decode(SLICE_LIT("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgs"
					     "qmmiz7AndVQ="),
				   &proof),
		     ERR_NONE);
	memcpy(keys.salt, salt.data, salt.len);
	keys.salt_len = salt.len;
	cr_expect_eq(check(&keys, "pencil"), ERR_AUTH, "another salt");
	/* From the example: StoredKey is what the proof leads to. */
	pbkdf2_sha256(SLICE_LIT("pencil"), buf_slice(&salt), 4096, &mac);
	hmac_sha256(slice_of(mac.octets, SHA256_SIZE), SLICE_LIT("Client Key"),
		    &mac);
	sha256(slice_of(mac.octets, SHA256_SIZE), &keys.stored_key);
	cr_expect_eq(check(&keys, "pencil"), ERR_NONE);
	hmac_sha256(slice_of(keys.stored_key.octets, SHA256_SIZE),
		    slice_str(text), &mac);
	for (size_t i = 0; i < SHA256_SIZE; i++)
		mac.octets[i] ^= proof.data[i];
	sha256(slice_of(mac.octets, SHA256_SIZE), &mac);
	cr_expect(sha256_eq(&mac, &keys.stored_key));
	buf_fini(&salt);
	buf_fini(&proof);
}

Test(auth_keys, a_password_matches_its_keys_only)
{
	struct auth_keys keys = keys_of("secret");

	cr_expect_eq(keys.iterations, AUTH_ITERATIONS);
	cr_expect_eq(keys.salt_len, AUTH_SALT_SIZE);
	cr_expect_eq(check(&keys, "secret"), ERR_NONE);
	cr_expect_eq(check(&keys, "Secret"), ERR_AUTH);
	cr_expect_eq(check(&keys, "secret "), ERR_AUTH);
	cr_expect_eq(check(&keys, ""), ERR_AUTH);
	cr_expect_eq(auth_keys_check(&keys, SLICE_LIT("secret\0x")), ERR_AUTH);
}

Test(auth_keys, each_set_of_keys_has_its_salt)
{
	struct random_seeded random;
	struct auth_keys one;
	struct auth_keys two;

	random_seeded_init(&random, 7);
	cr_assert_eq(auth_keys_make(&one, SLICE_LIT("x"), &random.random),
		     ERR_NONE);
	cr_assert_eq(auth_keys_make(&two, SLICE_LIT("x"), &random.random),
		     ERR_NONE);
	cr_expect(memcmp(one.salt, two.salt, AUTH_SALT_SIZE) != 0);
	cr_expect_not(sha256_eq(&one.stored_key, &two.stored_key));
	cr_expect_not(sha256_eq(&one.stored_key, &one.server_key));
}

/* RFC 4013 section 3 */
Test(auth_keys, passwords_are_prepared)
{
	struct auth_keys keys = keys_of("IX");

	cr_expect_eq(check(&keys, "I\xc2\xadX"), ERR_NONE, "soft hyphen");
	cr_expect_eq(check(&keys, "\xe2\x85\xa8"), ERR_NONE, "ROMAN NINE");
	cr_expect_eq(check(&keys, "ix"), ERR_AUTH);
}

Test(auth_keys, passwords_that_cannot_be)
{
	char longest[AUTH_PASSWORD_MAX + 1];
	struct random *random = random_secure();
	struct auth_keys keys;

	memset(longest, 'x', sizeof(longest));
	cr_expect_eq(auth_keys_make(&keys, SLICE_NONE, random), ERR_INVALID);
	cr_expect_eq(auth_keys_make(&keys, SLICE_LIT("\x07"), random),
		     ERR_INVALID);
	cr_expect_eq(auth_keys_make(&keys, SLICE_LIT("a\0b"), random),
		     ERR_INVALID);
	cr_expect_eq(auth_keys_make(&keys, SLICE_LIT("\xff"), random),
		     ERR_INVALID);
	cr_expect_eq(auth_keys_make(&keys, slice_of(longest, sizeof(longest)),
				    random),
		     ERR_INVALID);
	cr_expect_eq(auth_keys_make(&keys, slice_of(longest, AUTH_PASSWORD_MAX),
				    random),
		     ERR_NONE);
	cr_expect_eq(
		auth_keys_check(&keys, slice_of(longest, AUTH_PASSWORD_MAX)),
		ERR_NONE);
	cr_expect_eq(auth_keys_check(&keys, slice_of(longest, sizeof(longest))),
		     ERR_AUTH);
}

Test(auth_keys, fake_keys_are_the_same_each_time_and_nobodys)
{
	struct auth_keys one;
	struct auth_keys two;
	struct auth_keys other;

	auth_keys_fake(&one, SLICE_LIT("secret"), SLICE_LIT("nobody"));
	auth_keys_fake(&two, SLICE_LIT("secret"), SLICE_LIT("nobody"));
	auth_keys_fake(&other, SLICE_LIT("secret"), SLICE_LIT("nobody2"));
	cr_expect(memcmp(&one, &two, sizeof(one)) == 0);
	cr_expect(memcmp(one.salt, other.salt, AUTH_SALT_SIZE) != 0);
	cr_expect_eq(one.iterations, AUTH_ITERATIONS);
	cr_expect_eq(one.salt_len, AUTH_SALT_SIZE);
	cr_expect_eq(check(&one, ""), ERR_AUTH);
	cr_expect_eq(check(&one, "nobody"), ERR_AUTH);
}

Test(auth_keys, user_names_are_prepared)
{
	static const struct {
		const char *name;
		const char *prepared; /* NULL: refused */
	} cases[] = {
		{ "john", "john" },
		{ "John@Example.ORG", "John@Example.ORG" },
		{ "I\xc2\xadX", "IX" },
		{ "\xc2\xaa", "a" },
		{ "\xe2\x85\xa8", "IX" },
		{ "\x07", NULL },
		{ "\xd8\xa7\x31", NULL },
		{ "", NULL },
		{ "\xc2\xad", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out = { 0 };
		enum err err =
			auth_user_prepare(slice_str(cases[i].name), &out);

		cr_expect_eq(err, cases[i].prepared ? ERR_NONE : ERR_INVALID,
			     "%s", cases[i].name);
		cr_expect_str_eq(buf_cstr(&out),
				 cases[i].prepared ? cases[i].prepared : "");
		buf_fini(&out);
	}
}

Test(auth_keys, a_user_name_that_is_too_long)
{
	char name[AUTH_USER_MAX + 1];
	struct buf out = { 0 };

	memset(name, 'x', sizeof(name));
	cr_expect_eq(auth_user_prepare(slice_of(name, sizeof(name)), &out),
		     ERR_INVALID);
	cr_expect_eq(auth_user_prepare(slice_of(name, AUTH_USER_MAX), &out),
		     ERR_NONE);
	buf_fini(&out);
}
