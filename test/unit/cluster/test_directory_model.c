#include <criterion/criterion.h>

#include <stdlib.h>

#include "base/mem.h"
#include "dir_model.h"

#define STEPS 2500
#define COMPARE_EVERY 50

/* MURDER_SEED replays one; else a fixed few, so that a failure stays one. */
static void play(uint64_t seed)
{
	const char *text = getenv("MURDER_SEED");
	struct dir_model *model = mem_alloc(sizeof(*model));
	struct random_seeded random;
	struct dir *dir = mem_alloc(sizeof(*dir));

	seed = text ? strtoull(text, NULL, 10) : seed;
	cr_log_info("seed %lu", (unsigned long)seed);
	random_seeded_init(&random, seed);
	dir_open(dir);
	dir_model_init(model, dir, &random.random);
	for (unsigned i = 1; i <= STEPS; i++) {
		dir_model_step(model);
		if (i % COMPARE_EVERY == 0)
			dir_model_compare(model);
	}
	cr_assert_gt(model->done, STEPS / 8, "seed %lu: %u done",
		     (unsigned long)seed, model->done);
	dir_close(dir);
	mem_free(dir);
	mem_free(model);
}

Test(dir_model, random_commands_do_what_the_model_does_1)
{
	play(1);
}

Test(dir_model, random_commands_do_what_the_model_does_2)
{
	play(2);
}
