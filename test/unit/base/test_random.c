/*
 * Random octets: the seeded ones are fixed for ever, ranges are fair.
 */
#include "base/random.h"

#include <signal.h>
#include <string.h>

#include <criterion/criterion.h>

/* The first numbers that the authors' programs give. */
Test(random, a_seed_is_spread_by_splitmix64)
{
	static const uint64_t want[4] = {
		6457827717110365317u,
		3203168211198807973u,
		9817491932198370423u,
		4593380528125082431u,
	};
	struct random_seeded random;

	random_seeded_init(&random, 1234567);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(random.state[i], want[i]);
}

Test(random, numbers_are_those_of_xoshiro256starstar)
{
	static const uint64_t want[] = {
		11520,
		0,
		1509978240,
		1215971899390074240u,
		1216172134540287360u,
		607988272756665600u,
		16172922978634559625u,
	};
	struct random_seeded random;

	random_seeded_init(&random, 0);
	memcpy(random.state, (uint64_t[]){ 1, 2, 3, 4 }, 32);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		cr_assert_eq(random_u64(&random.random), want[i]);
}

Test(random, octets_of_a_number_are_little_endian)
{
	struct random_seeded a;
	struct random_seeded b;
	uint8_t octets[12];
	uint64_t first;

	random_seeded_init(&a, 7);
	random_seeded_init(&b, 7);
	a.random.fill(&a.random, octets, sizeof(octets));
	first = random_u64(&b.random);
	for (unsigned i = 0; i < 8; i++)
		cr_assert_eq(octets[i], (uint8_t)(first >> 8 * i));
	random_u64(&b.random);
	cr_assert_eq(random_u64(&a.random), random_u64(&b.random));
}

Test(random, ranges_reach_both_ends_and_nothing_else)
{
	struct random_seeded random;
	unsigned seen[7] = { 0 };

	random_seeded_init(&random, 1);
	for (int i = 0; i < 7000; i++) {
		uint64_t n = random_range(&random.random, 10, 16);

		cr_assert(n >= 10 && n <= 16);
		seen[n - 10]++;
	}
	for (int i = 0; i < 7; i++)
		cr_assert(seen[i] > 850 && seen[i] < 1150);
	cr_assert_eq(random_range(&random.random, 5, 5), 5);
	random_range(&random.random, 0, UINT64_MAX);
	cr_assert_eq(random_range(&random.random, UINT64_MAX, UINT64_MAX),
		     UINT64_MAX);
}

Test(random, an_empty_range_panics, .signal = SIGABRT)
{
	struct random_seeded random;

	random_seeded_init(&random, 1);
	random_range(&random.random, 2, 1);
}

/* Gives numbers from a list: the highest first, which a fair draw refuses. */
struct script {
	struct random random;
	unsigned asked;
};

static void script_fill(struct random *random, void *out, size_t len)
{
	struct script *script = (struct script *)(void *)random;

	memset(out, script->asked++ == 0 ? 0xff : 0x00, len);
}

Test(random, what_would_prefer_small_numbers_is_drawn_again)
{
	struct script script = { { script_fill }, 0 };

	cr_assert_eq(random_range(&script.random, 0, 9), 0);
	cr_assert_eq(script.asked, 2);
	script.asked = 0;
	cr_assert_eq(random_range(&script.random, 0, 7), 7); /* divides 2^64 */
	cr_assert_eq(script.asked, 1);
}

Test(random, secure_octets_differ)
{
	uint64_t a = random_u64(random_secure());

	cr_assert_neq(random_u64(random_secure()), a);
}
