#include <criterion/criterion.h>

#include <stdlib.h>

#include "group_model.h"

#define STEPS 1500
#define COMPARE_EVERY 50

/* MURDER_SEED replays one; else a fixed few, so that a failure stays one. */
static uint64_t seed_of(uint64_t fallback)
{
	const char *text = getenv("MURDER_SEED");

	return text ? strtoull(text, NULL, 10) : fallback;
}

static void play(uint64_t seed)
{
	struct random_seeded random;
	struct group group;
	struct model model;

	seed = seed_of(seed);
	cr_log_info("seed %lu", (unsigned long)seed);
	random_seeded_init(&random, seed);
	group_open(&group);
	model_init(&model, &group, &random.random);
	for (unsigned i = 1; i <= STEPS; i++) {
		model_step(&model);
		if (i % COMPARE_EVERY == 0)
			model_compare(&model);
	}
	cr_assert_gt(model.done, STEPS / 2, "seed %lu: %u done",
		     (unsigned long)seed, model.done);
	model_fini(&model);
	group_close(&group);
}

Test(group_model, random_commands_do_what_the_model_does_1)
{
	play(1);
}

Test(group_model, random_commands_do_what_the_model_does_2)
{
	play(2);
}

Test(group_model, random_commands_do_what_the_model_does_3)
{
	play(3);
}
