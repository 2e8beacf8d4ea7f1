/*
 * Lives and deaths of a body store, by seed.
 *
 * Uploads, "have it", rows, expunges, checkpoints and sweeps run in random
 * order, interleaved at each step of the queue; at a random call of the disk
 * the power goes, or the process. After each death everything that was
 * acknowledged and is still needed must be there, with its holds.
 */
#ifndef TEST_BODY_LIFE_H
#define TEST_BODY_LIFE_H

#include <stdbool.h>
#include <stdint.h>

struct body_life_options {
	uint64_t seed;
	unsigned deaths; /* in one run */
	bool sweeps;
	bool full; /* the disk is small */
};

/* NULL if all was right, else what was not. */
const char *body_life_run(const struct body_life_options *options);

#endif
