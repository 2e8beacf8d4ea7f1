/*
 * Log lines, seen by a sink and at the other end of stderr.
 */
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

struct seen {
	unsigned count;
	enum log_level level;
	char line[8192];
};

static void remember(void *arg, enum log_level level, const char *line)
{
	struct seen *seen = arg;

	seen->count++;
	seen->level = level;
	snprintf(seen->line, sizeof(seen->line), "%s", line);
}

static bool ends_with(const char *line, const char *end)
{
	size_t len = strlen(line);

	return len >= strlen(end) && strcmp(line + len - strlen(end), end) == 0;
}

static void expect_end(const struct seen *seen, const char *end)
{
	cr_assert(ends_with(seen->line, end), "%s", seen->line);
}

Test(log, lines_above_the_level_are_dropped)
{
	struct seen seen = { 0 };

	log_set_sink(remember, &seen);
	LOG_DEBUG("dropped");
	cr_assert_eq(seen.count, 0);
	LOG_INFO("kept");
	cr_assert_eq(seen.count, 1);
	log_set_level(LOG_LEVEL_ERROR);
	LOG_WARN("dropped");
	cr_assert_eq(seen.count, 1);
	log_set_level(LOG_LEVEL_DEBUG);
	LOG_DEBUG("kept %d", 2);
	cr_assert_eq(seen.level, LOG_LEVEL_DEBUG);
	expect_end(&seen, "Z DEBUG kept 2");
}

Test(log, control_characters_are_escaped)
{
	struct seen seen = { 0 };

	log_set_sink(remember, &seen);
	LOG_INFO("%s", "a\r\n2026 ERROR forged\x1b[2J\x7f");
	expect_end(&seen, "INFO a\\x0d\\x0a2026 ERROR forged\\x1b[2J\\x7f");
	LOG_INFO("%s", "\xc2\x9b"
		       "2J gr\xc3\xbc\xc3\x9f \xc2\xa7\xc2");
	expect_end(&seen, "INFO \\xc2\x9b"
			  "2J gr\xc3\xbc\xc3\x9f \xc2\xa7\xc2");
}

Test(log, a_long_line_is_cut_and_says_so)
{
	static char text[10000];
	struct seen seen = { 0 };

	log_set_sink(remember, &seen);
	memset(text, 'x', sizeof(text) - 1);
	LOG_INFO("%s", text);
	expect_end(&seen, "xxx...");
	cr_assert_lt(strlen(seen.line), 4096);
	memset(text, '\n', sizeof(text) - 1);
	LOG_INFO("%s", text);
	expect_end(&seen, "\\x0a...");
	cr_assert_lt(strlen(seen.line), 4096);
}

static void log_again(void *arg, enum log_level level, const char *line)
{
	remember(arg, level, line);
	LOG_INFO("a line from the sink goes to stderr");
}

Test(log, a_sink_may_log, .timeout = 5)
{
	struct seen seen = { 0 };

	log_set_sink(log_again, &seen);
	LOG_INFO("once");
	cr_assert_eq(seen.count, 1);
}

Test(log, a_line_on_stderr_has_time_level_text_and_one_write)
{
	char line[4200] = { 0 };
	int year, month, day, hour, minute, second, ms, at = 0;
	int ends[2];
	ssize_t len;

	cr_assert_eq(pipe(ends), 0);
	cr_assert_geq(dup2(ends[1], STDERR_FILENO), 0);
	LOG_WARN("disk %s is at %d %%", "/srv", 93);
	len = read(ends[0], line, sizeof(line) - 1);
	cr_assert_eq(sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year,
			    &month, &day, &hour, &minute, &second, &ms, &at),
		     7);
	cr_assert_eq(at, 24);
	cr_assert_str_eq(line + at, " WARN disk /srv is at 93 %\n");
	cr_assert_eq((size_t)len, strlen(line));
}
