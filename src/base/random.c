/*
 * Random octets: OpenSSL's generator, and xoshiro256** for tests.
 *
 * The seeded one must give the same octets on every machine and in every
 * release (a seed is a bug report), so integers are cut into octets
 * little-endian and each fill starts with a new one.
 */
#include "base/random.h"

#include <limits.h>
#include <openssl/rand.h>

#include "base/attr.h"
#include "base/panic.h"

uint64_t random_u64(struct random *random)
{
	uint8_t octets[8];
	uint64_t value = 0;

	random->fill(random, octets, sizeof(octets));
	for (unsigned i = 0; i < 8; i++)
		value |= (uint64_t)octets[i] << (8 * i);
	return value;
}

/*
 * The remainder alone would prefer small numbers, so draws from the incomplete
 * last run of `count` are thrown away: on average fewer than one more draw.
 */
uint64_t random_range(struct random *random, uint64_t min, uint64_t max)
{
	uint64_t count = max - min + 1; /* 0 stands for 2^64 */
	uint64_t excess;
	uint64_t value;

	MUST(min <= max);
	value = random_u64(random);
	if (count == 0)
		return value;
	excess = (UINT64_MAX - count + 1) % count; /* 2^64 mod count */
	while (value > UINT64_MAX - excess)
		value = random_u64(random);
	return min + value % count;
}

static void secure_fill(struct random *random unused_arg, void *out, size_t len)
{
	uint8_t *octets = out;

	while (len > 0) {
		int piece = len < INT_MAX ? (int)len : INT_MAX;

		if (RAND_bytes(octets, piece) != 1)
			PANIC("the kernel gives no randomness");
		octets += piece;
		len -= (size_t)piece;
	}
}

struct random *random_secure(void)
{
	/* tidy: allow globals: never written, but the type has no const */
	static struct random secure = { secure_fill };

	return &secure;
}

static uint64_t rotate_left(uint64_t value, unsigned by)
{
	return value << by | value >> (64 - by);
}

/* xoshiro256** 1.0 (Blackman, Vigna) */
static uint64_t seeded_next(struct random_seeded *random)
{
	uint64_t *s = random->state;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t shifted = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = rotate_left(s[3], 45);
	return result;
}

static void seeded_fill(struct random *base, void *out, size_t len)
{
	struct random_seeded *random =
		container_of(base, struct random_seeded, random);
	uint8_t *octets = out;
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++) {
		if (i % 8 == 0)
			value = seeded_next(random);
		octets[i] = (uint8_t)(value >> (8 * (i % 8)));
	}
}

/* SplitMix64, as xoshiro's authors advise: near seeds give far states. */
void random_seeded_init(struct random_seeded *random, uint64_t seed)
{
	random->random.fill = seeded_fill;
	for (unsigned i = 0; i < 4; i++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		random->state[i] = z ^ z >> 31;
	}
}
