/*
 * Runs criterion's tests without criterion's runner, for ThreadSanitizer.
 *
 * The runner of libcriterion maps memory where ThreadSanitizer forbids it. The
 * tests themselves are plain functions in a section of the program, so this
 * main walks the section and forks once for each test. What libcriterion would
 * tell its runner by a socket is printed here; these definitions come first
 * when the program is linked. The last line is criterion's.
 *
 * Parameterized tests and theories are not run: they count as failures.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/event.h>

#define TIMEOUT_S 120 /* ThreadSanitizer is some ten times slower */
#define STATUS_SKIP 77

extern struct criterion_test *__start_cr_tst[], *__stop_cr_tst[];
extern struct criterion_suite *__start_cr_sts[] __attribute__((weak));
extern struct criterion_suite *__stop_cr_sts[] __attribute__((weak));

/* What the child runs. */
static const struct criterion_test *running;

struct count {
	unsigned passing;
	unsigned failing;
	unsigned crashing;
};

void criterion_internal_test_setup(void)
{
}

void criterion_internal_test_main(void (*fn)(void))
{
	fn();
}

void criterion_internal_test_teardown(void)
{
}

void cri_asserts_passed_incr(void)
{
}

void criterion_send_assert(struct criterion_assert_stats *stats)
{
	if (!stats->passed)
		fprintf(stderr, "%s:%u: %s\n", stats->file, stats->line,
			stats->message);
}

void criterion_abort_test(void)
{
	_exit(1);
}

/* After a failed cr_expect: the test is lost, so nothing more is learnt. */
void criterion_continue_test(void)
{
	_exit(1);
}

void criterion_test_die(const char *msg, ...)
{
	fprintf(stderr, "%s\n", msg);
	_exit(1);
}

__attribute__((format(printf, 1, 2))) void
criterion_skip_test(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "[SKIP] %s::%s: ", running->category, running->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(STATUS_SKIP);
}

static const struct criterion_suite *suite_of(const struct criterion_test *test)
{
	for (struct criterion_suite **it = __start_cr_sts; it < __stop_cr_sts;
	     it++)
		if (*it != NULL && strcmp((*it)->name, test->category) == 0)
			return *it;
	return NULL;
}

static void call(void (*fn)(void))
{
	if (fn != NULL)
		fn();
}

/* In the child; exit() lets the sanitizer speak and set the status. */
static _Noreturn void child_run(const struct criterion_test *test)
{
	const struct criterion_suite *suite = suite_of(test);

	if (test->data->kind_ != CR_TEST_NORMAL)
		criterion_test_die("a parameterized test");
	running = test;
	alarm(TIMEOUT_S);
	if (suite != NULL)
		call(suite->data->init);
	call(test->data->init);
	test->test();
	call(test->data->fini);
	if (suite != NULL)
		call(suite->data->fini);
	exit(0);
}

static bool as_expected(const struct criterion_test_extra_data *data,
			int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == data->signal;
	return data->signal == 0 && WEXITSTATUS(status) == data->exit_code;
}

static void test_run(const struct criterion_test *test, struct count *count)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		child_run(test);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("test_run");
		exit(2);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_SKIP)
		return;
	if (as_expected(test->data, status)) {
		count->passing++;
	} else {
		fprintf(stderr, "[FAIL] %s::%s\n", test->category, test->name);
		if (WIFSIGNALED(status))
			count->crashing++;
		else
			count->failing++;
	}
}

int main(void)
{
	struct count count = { 0 };

	for (struct criterion_test **it = __start_cr_tst; it < __stop_cr_tst;
	     it++)
		if (*it != NULL && !(*it)->data->disabled)
			test_run(*it, &count);
	fprintf(stderr,
		"[====] Synthesis: Tested: %u | Passing: %u | Failing: %u | "
		"Crashing: %u\n",
		count.passing + count.failing + count.crashing, count.passing,
		count.failing, count.crashing);
	return count.failing + count.crashing > 0;
}
