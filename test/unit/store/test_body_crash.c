#include <criterion/criterion.h>

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "body_life.h"
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

Test(body_crash, M47_hold_dropped_at_have_it_is_noticed)
{
	mutant_falls("M47");
}

Test(body_crash, M49_index_trusted_at_start_is_noticed)
{
	mutant_falls("M49");
}

#endif
