/*
 * Panics: one line that says where, then SIGABRT.
 */
#include "base/panic.h"

#include <signal.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/log.h"

static void must_name_the_place(void *arg unused_arg, enum log_level level,
				const char *line)
{
	bool good = level == LOG_LEVEL_ERROR &&
		    strstr(line, "PANIC ") != NULL &&
		    strstr(line, "test_panic.c:") != NULL &&
		    strstr(line, "not: 1 == 2") != NULL;

	if (!good)
		raise(SIGKILL); /* another death than the one expected */
}

Test(panic, a_broken_condition_is_logged_and_aborts, .signal = SIGABRT)
{
	log_set_sink(must_name_the_place, NULL);
	MUST(1 == 2);
}

Test(panic, a_true_condition_costs_nothing)
{
	int evaluated = 0;

	MUST(++evaluated == 1);
	cr_assert_eq(evaluated, 1);
}

static void panic_inside(void *arg unused_arg, enum log_level level unused_arg,
			 const char *line unused_arg)
{
	PANIC("in the sink");
}

Test(panic, a_panic_inside_a_log_sink_does_not_wait_for_itself,
     .signal = SIGABRT, .timeout = 5)
{
	log_set_sink(panic_inside, NULL);
	LOG_ERROR("first");
}
