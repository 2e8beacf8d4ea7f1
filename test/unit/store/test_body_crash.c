#include <criterion/criterion.h>

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "body_life.h"
#include "body_world.h"
#include "host_disk.h"

static void quiet(void *arg unused_arg, enum log_level level unused_arg,
		  const char *line unused_arg)
{
}

static void survive(struct body_life_options options, unsigned runs)
{
	log_set_sink(quiet, NULL);
	for (unsigned i = 0; i < runs; i++) {
		const char *wrong;

		options.seed = i;
		wrong = body_life_run(&options);
		cr_assert_null(wrong, "seed %u: %s", i, wrong);
	}
}

Test(body_crash, what_was_acknowledged_survives_the_loss_of_power)
{
	survive((struct body_life_options){ .deaths = 3 }, 60);
}

Test(body_crash, a_sweep_takes_nothing_that_is_needed)
{
	survive((struct body_life_options){ .deaths = 4, .sweeps = true }, 60);
}

Test(body_crash, a_full_disk_loses_nothing)
{
	survive((struct body_life_options){ .deaths = 3,
					    .sweeps = true,
					    .full = true },
		60);
}

/*
 * A process is killed at the n-th change of an upload; the next one says "have
 * it" of what the first has left in the kernel, perhaps, and then the power
 * goes. False: that answer was not true.
 */
static bool have_is_kept(uint64_t n, unsigned *said)
{
	struct body_hold hold = body_hold_of(1);
	struct buf octets = body_octets(1, 5000);
	struct body_world world;
	struct sha256 name;
	bool kept = true;

	sha256(buf_slice(&octets), &name);
	body_world_init(&world);
	cr_assert_eq(body_world_open(&world, false), ERR_NONE);
	disk_sim_kill_at(world.sim, n);
	cr_assert(body_world_put(&world, buf_slice(&octets), &hold).err ==
			  ERR_NONE ||
		  disk_sim_is_cut(world.sim));
	body_world_crash(&world, NULL, DISK_SIM_KILL);
	cr_assert_eq(body_world_open(&world, false), ERR_NONE);
	hold = body_hold_of(2);
	if (body_world_have(&world, &name, &hold) == ERR_NONE) {
		(*said)++;
		body_world_crash(&world, NULL, DISK_SIM_DROP);
		cr_assert_eq(body_world_open(&world, false), ERR_NONE);
		kept = body_world_is(&world, buf_slice(&octets));
	}
	body_world_fini(&world);
	buf_fini(&octets);
	return kept;
}

static unsigned kept_answers(unsigned *said)
{
	unsigned kept = 0;

	log_set_sink(quiet, NULL);
	for (uint64_t n = 1; n < 20; n++)
		kept += have_is_kept(n, said);
	return kept;
}

Test(body_crash, what_is_there_after_a_kill_is_not_lost_with_the_power)
{
	unsigned said = 0;

	cr_expect_eq(kept_answers(&said), 19);
	/* Killed before its sync, and not at all. */
	cr_expect_geq(said, 2);
}

#ifdef ENABLE_FAULTS

#define MUTANT_RUNS 60

/* A broken build may die in any way: each run has a process of its own. */
static bool run_goes_wrong(const struct body_life_options *options)
{
	char *dir = host_dir_new(); /* a dead child leaves its files here */
	int status;
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		setenv("TMPDIR", dir, 1);
		log_set_sink(quiet, NULL);
		close(2);
		_exit(body_life_run(options) ? 1 : 0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	host_dir_free(&dir);
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void mutant_falls(const char *name)
{
	unsigned caught = 0;

	fault_set_mutant(name);
	for (unsigned i = 0; i < MUTANT_RUNS && caught == 0; i++) {
		struct body_life_options options = {
			.seed = i,
			.deaths = 4,
			.sweeps = true,
		};

		if (run_goes_wrong(&options))
			caught++;
	}
	fault_set_mutant(NULL);
	cr_assert_gt(caught, 0, "%s lives", name);
}

Test(body_crash, M22_bodies_dropped_by_age_only_is_noticed)
{
	mutant_falls("M22");
}

Test(body_crash, M47_hold_dropped_at_have_it_is_noticed)
{
	mutant_falls("M47");
}

Test(body_crash, M49_index_trusted_at_start_is_noticed)
{
	mutant_falls("M49");
}

Test(body_crash, M57_bodies_not_synced_at_the_start_is_noticed)
{
	unsigned said = 0;

	fault_set_mutant("M57");
	cr_expect_lt(kept_answers(&said), 19);
}

#endif
