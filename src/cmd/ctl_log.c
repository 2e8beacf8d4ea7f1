/*
 * log dump: prints what the daemon reads off its log, a line a command.
 *
 * Happy path: a piece comes, its lines are printed, "more" is sent; the answer
 * becomes the last line. Failures: what cannot be printed ends it (a full disk
 * or a closed pipe); without the last line a dump is not whole.
 */
#include <stdio.h>

#include "cmd/ctl.h"

static bool print_line(json_t *line)
{
	return json_dumpf(line, stdout, JSON_COMPACT) == 0 && putchar('\n') > 0;
}

static bool print_piece(json_t *piece)
{
	json_t *line;
	size_t index;

	json_array_foreach(piece, index,
			   line) if (!print_line(line)) return false;
	return true;
}

static enum ctl_status finish(const struct ctl *ctl, json_t *answer)
{
	json_t *result = json_object_get(answer, "result");

	if (!json_is_true(json_object_get(answer, "ok"))) {
		ctl_print_failure(ctl, answer);
		return CTL_NOT_DONE;
	}
	printf("{\"end\":%" JSON_INTEGER_FORMAT "}\n",
	       json_integer_value(json_object_get(result, "commands")));
	return fflush(stdout) == 0 ? CTL_DONE : CTL_NOT_DONE;
}

static enum ctl_status take(struct ctl *ctl, json_t *line, bool *more_r)
{
	json_t *progress = json_object_get(line, "progress");

	*more_r = progress != NULL;
	if (!progress)
		return finish(ctl, line);
	return print_piece(json_object_get(progress, "log")) ? CTL_DONE
							     : CTL_NOT_DONE;
}

enum ctl_status ctl_log_dump(struct ctl *ctl)
{
	enum ctl_status status = CTL_DONE;
	bool more = true;
	enum err err = admin_client_request(&ctl->client, "log.dump", NULL);

	while (!err && more && status == CTL_DONE) {
		json_t *line = NULL;

		err = admin_client_read(&ctl->client, true, &line);
		if (err)
			break;
		status = take(ctl, line, &more);
		json_decref(line);
		if (more && status == CTL_DONE)
			err = admin_client_send(&ctl->client,
						SLICE_LIT("more\n"));
	}
	if (!err)
		return status;
	fprintf(stderr, "murderctl: the daemon went away: the dump is not "
			"whole\n");
	return CTL_UNKNOWN;
}
