/*
 * Loss of power under an environment, by seed.
 *
 * Random transactions and checkpoints run against a model in memory. At a
 * random moment the power goes: each page of the map's file becomes the one
 * of the last fsync or any version written since, names in the directory
 * likewise, and what opens then must equal the model as it was at the
 * checkpoint that is found.
 */
#ifndef TEST_POWER_H
#define TEST_POWER_H

#include <stdbool.h>
#include <stdint.h>

struct power_options {
	uint64_t seed;
	bool busy;  /* two commits between any two steps of a checkpoint */
	bool kills; /* kill -9 and restart, some times, before the loss */
	bool stops; /* clean stops and restarts, some times, likewise */
};

/* One life and death; NULL if all was right, else what was not. */
const char *power_run(const struct power_options *options);

#endif
