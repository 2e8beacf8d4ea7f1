/*
 * LMTP command lines: what is read, and what the refusals are.
 */
#include <criterion/criterion.h>

#include "lmtp/command.h"

static enum err read_line(const char *line, struct lmtp_command *command)
{
	static struct arena arena;

	arena_clear(&arena);
	return lmtp_command_read(slice_str(line), &arena, command);
}

static bool is(struct slice s, const char *text)
{
	return slice_eq(s, slice_str(text));
}

Test(lmtp_command, verbs_come_in_any_case)
{
	struct lmtp_command command;

	cr_assert_eq(read_line("lhlo client.example.org", &command), ERR_NONE);
	cr_assert_eq(command.verb, LMTP_LHLO);
	cr_assert(is(command.argument, "client.example.org"));
	cr_assert_eq(read_line("QuIt", &command), ERR_NONE);
	cr_assert_eq(command.verb, LMTP_QUIT);
	cr_assert_eq(read_line("EXPN list", &command), ERR_SYNTAX);
	cr_assert_eq(command.verb, LMTP_UNKNOWN);
}

Test(lmtp_command, a_path_is_read_with_its_parameters)
{
	struct lmtp_command command;

	cr_assert_eq(read_line("MAIL FROM:<john@Example.ORG> SIZE=1234 "
			       "BODY=8BITMIME SMTPUTF8",
			       &command),
		     ERR_NONE);
	cr_assert(is(command.path.address, "john@example.org"));
	cr_assert(is(command.path.local, "john"));
	cr_assert(command.has_size && command.size == 1234);
	cr_assert(command.smtputf8 && command.eight_bit);
}

Test(lmtp_command, the_null_path_is_a_sender_and_no_recipient)
{
	struct lmtp_command command;

	cr_assert_eq(read_line("MAIL FROM:<>", &command), ERR_NONE);
	cr_assert_eq(command.path.address.len, 0);
	cr_assert_eq(read_line("RCPT TO:<>", &command), ERR_SYNTAX);
}

Test(lmtp_command, a_quoted_local_part_is_unquoted)
{
	struct lmtp_command command;

	cr_assert_eq(read_line("RCPT TO:<\"john \\\"x\\\" doe\"@example.org>",
			       &command),
		     ERR_NONE);
	cr_assert(is(command.path.address, "john \"x\" doe@example.org"));
}

Test(lmtp_command, a_source_route_is_skipped)
{
	struct lmtp_command command;

	cr_assert_eq(read_line("RCPT TO:<@a.example,@b.example:jane@c.example>",
			       &command),
		     ERR_NONE);
	cr_assert(is(command.path.address, "jane@c.example"));
}

Test(lmtp_command, broken_paths_are_syntax_errors)
{
	static const char *const lines[] = {
		"RCPT TO:jane",
		"RCPT TO:<jane",
		"RCPT TO:<ja ne@x>",
		"RCPT TO:<\"jane>",
		"RCPT TO:<@x>",
		"RCPT FROM:<jane>",
		"RCPT TO:<jane@>",
		"RCPT TO:<jane>x",
		"RCPT",
		"RCPT TO:<ja\xffne@x>",
		"MAIL FROM:<a> SIZE=x",
	};
	struct lmtp_command command;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		cr_expect_eq(read_line(lines[i], &command), ERR_SYNTAX, "%s",
			     lines[i]);
}

Test(lmtp_command, unknown_parameters_are_told_apart)
{
	struct lmtp_command command;

	cr_assert_eq(read_line("MAIL FROM:<a@b> BODY=BINARYMIME", &command),
		     ERR_INVALID);
	cr_assert_eq(read_line("RCPT TO:<a@b> NOTIFY=NEVER", &command),
		     ERR_INVALID);
}

Test(lmtp_command, bdat_has_a_size_and_maybe_an_end)
{
	struct lmtp_command command;

	cr_assert_eq(read_line("BDAT 86 LAST", &command), ERR_NONE);
	cr_assert(command.size == 86 && command.last);
	cr_assert_eq(read_line("BDAT 0", &command), ERR_NONE);
	cr_assert(command.size == 0 && !command.last);
	cr_assert_eq(read_line("BDAT", &command), ERR_SYNTAX);
	cr_assert_eq(read_line("BDAT 1 FIRST", &command), ERR_SYNTAX);
}
