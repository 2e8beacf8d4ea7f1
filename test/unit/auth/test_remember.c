/*
 * Remembered passwords.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "auth/remember.h"
#include "base/buf.h"

#define KEEP_MS (10ull * 60 * 1000)

struct memory {
	struct random_seeded random;
	struct remember *remember;
};

static struct memory memory_new(uint64_t seed)
{
	struct memory m;

	random_seeded_init(&m.random, seed);
	m.remember = remember_new(&m.random.random, KEEP_MS);
	return m;
}

static bool has(struct memory *m, uint64_t now_ms, const char *user,
		uint64_t version, const char *password)
{
	return remember_has(m->remember, now_ms, slice_str(user), version,
			    slice_str(password));
}

static void add(struct memory *m, uint64_t now_ms, const char *user,
		uint64_t version, const char *password)
{
	remember_add(m->remember, now_ms, slice_str(user), version,
		     slice_str(password));
}

Test(auth_remember, nothing_at_first)
{
	struct memory m = memory_new(1);

	cr_expect_not(has(&m, 0, "john", 1, "secret"));
	remember_free(&m.remember);
	cr_expect_null(m.remember);
}

Test(auth_remember, it_is_all_three_that_count)
{
	struct memory m = memory_new(1);

	add(&m, 0, "john", 1, "secret");
	cr_expect(has(&m, 0, "john", 1, "secret"));
	cr_expect_not(has(&m, 0, "jane", 1, "secret"));
	cr_expect_not(has(&m, 0, "john", 2, "secret"));
	cr_expect_not(has(&m, 0, "john", 1, "Secret"));
	cr_expect_not(has(&m, 0, "", 1, "johnsecret"));
	cr_expect_not(has(&m, 0, "johns", 1, "ecret"));
	remember_free(&m.remember);
}

Test(auth_remember, for_as_long_as_it_was_told)
{
	struct memory m = memory_new(1);

	add(&m, 1000, "john", 1, "secret");
	cr_expect(has(&m, 1000 + KEEP_MS - 1, "john", 1, "secret"));
	cr_expect_not(has(&m, 1000 + KEEP_MS, "john", 1, "secret"));
	add(&m, 1000 + KEEP_MS, "john", 1, "secret");
	cr_expect(has(&m, 1000 + KEEP_MS, "john", 1, "secret"));
	remember_free(&m.remember);
}

Test(auth_remember, not_at_all_if_so_told)
{
	struct memory m = memory_new(1);

	remember_free(&m.remember);
	m.remember = remember_new(&m.random.random, 0);
	add(&m, 0, "john", 1, "secret");
	cr_expect_not(has(&m, 0, "john", 1, "secret"));
	remember_free(&m.remember);
}

/* Asking does not prolong it. */
Test(auth_remember, counted_from_the_check)
{
	struct memory m = memory_new(1);

	add(&m, 0, "john", 1, "secret");
	cr_expect(has(&m, KEEP_MS - 1, "john", 1, "secret"));
	cr_expect_not(has(&m, KEEP_MS, "john", 1, "secret"));
	remember_free(&m.remember);
}

Test(auth_remember, many_at_once)
{
	struct memory m = memory_new(1);
	unsigned kept = 0;
	char user[32];

	for (unsigned i = 0; i < 8000; i++) {
		(void)snprintf(user, sizeof(user), "user%u", i);
		add(&m, i, user, 1, "secret");
	}
	for (unsigned i = 0; i < 8000; i++) {
		(void)snprintf(user, sizeof(user), "user%u", i);
		kept += has(&m, 8000, user, 1, "secret");
	}
	/* Five in one set of four places are rare: 2 of 10,000 at this load. */
	cr_expect_gt(kept, 7980);
	remember_free(&m.remember);
}

/* Who logs in again and again does not push out others. */
Test(auth_remember, the_same_password_needs_one_place)
{
	struct memory m = memory_new(1);
	unsigned kept = 0;
	char user[32];

	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(user, sizeof(user), "user%u", i);
		add(&m, 0, user, 1, "secret");
	}
	for (unsigned round = 1; round < 5; round++) {
		for (unsigned i = 0; i < 1000; i++) {
			(void)snprintf(user, sizeof(user), "user%u", i);
			add(&m, round, user, 1, "secret");
		}
	}
	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(user, sizeof(user), "user%u", i);
		kept += has(&m, 5, user, 1, "secret");
	}
	cr_expect_gt(kept, 4990);
	remember_free(&m.remember);
}
