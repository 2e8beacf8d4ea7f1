#include <criterion/criterion.h>

#include <stdlib.h>

#include "base/mem.h"
#include "member_model.h"

#define STEPS 1200
#define COMPARE_EVERY 20

/*
 * MURDER_SEED replays one; else a fixed few, so that a failure stays one. What
 * was applied is applied again elsewhere, and must make the same state.
 */
static void play(uint64_t seed)
{
	const char *text = getenv("MURDER_SEED");
	struct member_model *model = mem_alloc(sizeof(*model));
	struct dir *dir = mem_alloc(sizeof(*dir));
	struct dir *other = mem_alloc(sizeof(*other));
	struct random_seeded random;
	struct buf log = { 0 };

	seed = text ? strtoull(text, NULL, 10) : seed;
	cr_log_info("seed %lu", (unsigned long)seed);
	random_seeded_init(&random, seed);
	dir_open(dir);
	machine_commit(&dir->m);
	dir->m.log = &log;
	member_model_init(model, dir, &random.random);
	for (unsigned i = 1; i <= STEPS; i++) {
		member_model_step(model);
		if (i % COMPARE_EVERY == 0)
			member_model_compare(model);
	}
	cr_assert_gt(model->done, STEPS / 8, "%u done", model->done);
	dir_open(other);
	machine_replay(&other->m, buf_slice(&log), 7);
	cr_assert_eq(machine_hash(&other->m), machine_hash(&dir->m));
	dir_close(other);
	dir_close(dir);
	buf_fini(&log);
	mem_free(other);
	mem_free(dir);
	mem_free(model);
}

Test(member_model, random_commands_do_what_the_model_does_1)
{
	play(1);
}

Test(member_model, random_commands_do_what_the_model_does_2)
{
	play(2);
}
