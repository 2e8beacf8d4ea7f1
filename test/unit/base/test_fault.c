/*
 * Faults on demand: there with --enable-faults, nothing without.
 */
#include "base/fault.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#ifdef ENABLE_FAULTS

static void pass(const char *name, unsigned count)
{
	while (count-- > 0)
		CRASH_POINT(name);
}

Test(fault, the_nth_pass_of_the_named_point_is_the_last, .exit_code = 86)
{
	fault_set_crash_at("here:3");
	pass("elsewhere", 5);
	pass("here", 3);
}

Test(fault, earlier_passes_go_on)
{
	fault_set_crash_at("here:3");
	pass("here", 2);
	fault_set_crash_at(NULL);
	pass("here", 2);
}

Test(fault, a_point_may_stop_the_process)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		fault_set_crash_at("here:1:stop");
		pass("here", 2);
		_exit(7);
	}
	cr_assert_eq(waitpid(pid, &status, WUNTRACED), pid);
	cr_assert(WIFSTOPPED(status));
	kill(pid, SIGCONT);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

Test(fault, a_misspelt_point_panics, .signal = SIGABRT)
{
	fault_set_crash_at("here");
}

Test(fault, one_mutant_is_switched_on)
{
	cr_assert_not(MUTANT("M06"));
	fault_set_mutant("M06");
	cr_assert(MUTANT("M06"));
	cr_assert_not(MUTANT("M07"));
	fault_set_mutant(NULL);
	cr_assert_not(MUTANT("M06"));
}

Test(fault, a_value_is_what_the_code_or_the_tuning_says)
{
	cr_assert_eq(TUNED(entries, 8192), 8192);
	fault_set_tune("time=7,entries=50");
	cr_assert_eq(TUNED(entries, 8192), 50);
	cr_assert_eq(TUNED(time, 1), 7);
	cr_assert_eq(TUNED(entry, 8192), 8192);
	fault_set_tune(NULL);
	cr_assert_eq(TUNED(entries, 8192), 8192);
}

Test(fault, a_tuning_without_a_number_panics, .signal = SIGABRT)
{
	fault_set_tune("entries=many");
	(void)TUNED(entries, 8192);
}

Test(fault, probes_are_counted_by_their_text)
{
	char same[] = "leader lost in the middle";

	cr_assert_eq(fault_probe_hits("never"), 0);
	PROBE("leader lost in the middle");
	PROBE("another");
	PROBE("leader lost in the middle");
	cr_assert_eq(fault_probe_hits(same), 2);
	cr_assert_eq(fault_probe_hits("another"), 1);
}

#else

Test(fault, a_release_build_has_none)
{
	CRASH_POINT("here");
	PROBE("text");
	cr_assert_not(MUTANT("M06"));
	cr_assert_eq(TUNED(entries, 8192), 8192);
}

#endif
