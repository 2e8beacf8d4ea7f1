/*
 * Random octets as an argument: from the kernel in production, from a seed in
 * tests and in the simulator.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
	void (*fill)(struct random *random, void *out, size_t len);
};

/* Any number, all equally likely. */
uint64_t random_u64(struct random *random);

/* Uniform in [min, max], both included. */
uint64_t random_range(struct random *random, uint64_t min, uint64_t max);

/* Cryptographic randomness; safe from any thread. */
struct random *random_secure(void);

/* xoshiro256**: the same seed gives the same octets, for ever. */
struct random_seeded {
	struct random random;
	uint64_t state[4];
};

/* Starts the stream of `seed` from its beginning. */
void random_seeded_init(struct random_seeded *random, uint64_t seed);

#endif
