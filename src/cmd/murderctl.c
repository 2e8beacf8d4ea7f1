/*
 * murderctl: sets up and administers a node, over the daemon's admin socket.
 *
 * Each command is a row of a table: its words, its arguments, how they become
 * a request, how its result is shown.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "cmd/config.h"
#include "cmd/ctl.h"

#define DEFAULT_CONFIG "/etc/murder/murderd.conf"
#define PASSWORD_MAX 1024

/* The request is called like the words: "user.add". */
struct command {
	const char *noun; /* "user", or the whole command */
	const char *verb; /* "add", or NULL */
	int min;          /* arguments */
	int max;
	const char *args[3]; /* their names in the request */
	bool password;       /* asked for, or read from standard input */
	void (*print)(const json_t *result);
	const char *usage;
};

static const struct command commands[] = {
	{ "init", NULL, 0, 1, { "name" }, false, NULL, "[NAME]" },
	{ "join", NULL, 1, 1, { "token" }, false, ctl_print_joined, "TOKEN" },
	{ "join",
	  NULL,
	  2,
	  2,
	  { "address", "token" },
	  false,
	  ctl_print_joined,
	  "ADDRESS TOKEN" },
	{ "status", NULL, 0, 0, { 0 }, false, ctl_print_status, "" },
	{ "verify", NULL, 0, 0, { 0 }, false, ctl_print_verify, "" },
	{ "sweep", NULL, 0, 0, { 0 }, false, ctl_print_sweep, "" },
	{ "routes", NULL, 0, 0, { 0 }, false, ctl_print_routes, "" },
	{ "stop", NULL, 0, 0, { 0 }, false, NULL, "" },
	{ "token",
	  "create",
	  1,
	  1,
	  { "name" },
	  false,
	  ctl_print_token,
	  "NAME [--roles R] [--zone Z] [--weight N] [--life TIME]" },
	{ "token", "list", 0, 0, { 0 }, false, ctl_print_tokens, "" },
	{ "node",
	  "set",
	  1,
	  1,
	  { "name" },
	  false,
	  NULL,
	  "NAME [--roles R] [--zone Z] [--weight N]" },
	{ "promote", NULL, 1, 1, { "name" }, false, NULL, "NAME" },
	{ "demote", NULL, 1, 1, { "name" }, false, NULL, "NAME" },
	{ "drain", NULL, 1, 1, { "name" }, false, NULL, "NAME" },
	{ "undrain", NULL, 1, 1, { "name" }, false, NULL, "NAME" },
	{ "leave", NULL, 1, 1, { "name" }, false, NULL, "NAME" },
	{ "remove", NULL, 1, 1, { "name" }, false, NULL, "NAME" },
	{ "user", "add", 1, 1, { "name" }, true, NULL, "NAME" },
	{ "user", "passwd", 1, 1, { "name" }, true, NULL, "NAME" },
	{ "user", "list", 0, 0, { 0 }, false, ctl_print_users, "" },
	{ "user", "remove", 1, 1, { "name" }, false, NULL, "NAME" },
	{ "mailbox",
	  "list",
	  0,
	  1,
	  { "prefix" },
	  false,
	  ctl_print_mailboxes,
	  "[PREFIX]" },
	{ "mailbox", "create", 1, 1, { "name" }, false, NULL, "NAME" },
	{ "mailbox", "delete", 1, 1, { "name" }, false, NULL, "NAME" },
	{ "mailbox",
	  "rename",
	  2,
	  2,
	  { "name", "to" },
	  false,
	  NULL,
	  "NAME NEW-NAME" },
	{ "mailbox",
	  "acl",
	  1,
	  3,
	  { "name", "identifier", "rights" },
	  false,
	  ctl_print_acl,
	  "NAME [IDENTIFIER [RIGHTS]]" },
};

/* Options that go into the request as they are. */
#define WORDS_MAX 4
static const char *const word_names[WORDS_MAX] = { "roles", "zone", "weight",
						   "life" };

struct options {
	const char *config;
	const char *data;
	const char *socket;
	const char *words[WORDS_MAX]; /* NULL: not given */
	struct ctl_import_options import;
	bool json;
};

static void usage(FILE *to)
{
	fputs("usage: murderctl [--config FILE] [--data DIR] [--socket PATH] "
	      "[--json] COMMAND\n\n",
	      to);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(to, "  %s%s%s %s\n", commands[i].noun,
			commands[i].verb ? " " : "",
			commands[i].verb ? commands[i].verb : "",
			commands[i].usage);
	fputs("  import [--format message|mbox|maildir|tar] [--no-folders] "
	      "MAILBOX PATH...\n"
	      "  log dump\n"
	      "\nNames of mailboxes are internal ones: user.john.Sent, "
	      "shared.news.\n",
	      to);
}

/* ---- calls ---- */

void ctl_print_failure(const struct ctl *ctl, const json_t *answer)
{
	const char *text = json_string_value(json_object_get(answer, "text"));

	if (ctl->json) {
		json_dumpf(answer, stdout, JSON_COMPACT);
		printf("\n");
	} else {
		fprintf(stderr, "murderctl: %s\n", text ? text : "refused");
	}
}

enum err ctl_reconnect(struct ctl *ctl)
{
	admin_client_close(&ctl->client);
	return admin_client_open(&ctl->client, ctl->socket);
}

void ctl_draw_progress(const struct ctl *ctl, uint64_t done, uint64_t all,
		       const char *what)
{
	unsigned percent = all ? (unsigned)(done * 100 / all) : 0;
	char bar[41];

	if (!ctl->terminal)
		return;
	if (percent > 100)
		percent = 100;
	for (unsigned i = 0; i < sizeof(bar) - 1; i++)
		bar[i] = i * 100 / (sizeof(bar) - 1) < percent ? '#' : '.';
	bar[sizeof(bar) - 1] = '\0';
	fprintf(stderr, "\r[%s] %3u %%  %s\033[K", bar, percent, what);
	fflush(stderr);
}

void ctl_end_progress(const struct ctl *ctl)
{
	if (ctl->terminal)
		fprintf(stderr, "\r\033[K");
}

static void show_progress(const struct ctl *ctl, const json_t *progress)
{
	const char *step = json_string_value(json_object_get(progress, "step"));

	ctl_draw_progress(
		ctl,
		(uint64_t)json_integer_value(json_object_get(progress, "done")),
		(uint64_t)json_integer_value(json_object_get(progress, "of")),
		step ? step : "");
}

enum ctl_status ctl_call(struct ctl *ctl, const char *command, json_t *args,
			 json_t **result_r)
{
	enum err err = admin_client_request(&ctl->client, command, args);
	json_t *line = NULL;

	*result_r = NULL;
	while (!err) {
		json_t *progress;

		err = admin_client_read(&ctl->client, true, &line);
		if (err)
			break;
		progress = json_object_get(line, "progress");
		if (!progress)
			break;
		show_progress(ctl, progress);
		json_decref(line);
	}
	ctl_end_progress(ctl);
	if (err) {
		fprintf(stderr, "murderctl: the daemon went away; whether it "
				"was done is unknown\n");
		return CTL_UNKNOWN;
	}
	if (json_is_true(json_object_get(line, "ok")))
		*result_r = json_incref(json_object_get(line, "result"));
	else
		ctl_print_failure(ctl, line);
	json_decref(line);
	return *result_r ? CTL_DONE : CTL_NOT_DONE;
}

/* ---- passwords ---- */

static bool no_password(const char *why)
{
	fprintf(stderr, "murderctl: %s\n", why);
	return false;
}

static bool read_line(char *line, size_t size)
{
	size_t len;

	if (!fgets(line, (int)size, stdin))
		return no_password("no password was given");
	len = strcspn(line, "\r\n");
	/* The beginning alone of a longer one would be another password. */
	if (line[len] == '\0' && !feof(stdin))
		return no_password("the password is too long");
	line[len] = '\0';
	return len > 0 || no_password("the password is empty");
}

/* From the terminal, without echo and twice; else one line of input. */
static bool read_password(char *password, size_t size)
{
	char again[PASSWORD_MAX + 2];
	struct termios old;
	struct termios quiet;
	bool same;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &old) != 0)
		return read_line(password, size);
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	fprintf(stderr, "Password: ");
	same = read_line(password, size);
	if (same) {
		fprintf(stderr, "\nAgain: ");
		same = read_line(again, sizeof(again)) &&
		       (strcmp(password, again) == 0 ||
			no_password("the two differ"));
	}
	fprintf(stderr, "\n");
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	secret_wipe(again, sizeof(again));
	return same;
}

static bool add_password(json_t *args)
{
	char password[PASSWORD_MAX + 2] = "";
	bool ok = read_password(password, sizeof(password));

	if (ok)
		json_object_set_new(args, "password", json_string(password));
	secret_wipe(password, sizeof(password));
	return ok;
}

/* ---- commands ---- */

static bool add_arg(json_t *args, const char *name, const char *text)
{
	json_t *value = json_string(text);

	if (!value) {
		fprintf(stderr, "murderctl: \"%s\" is not UTF-8\n", text);
		return false;
	}
	json_object_set_new(args, name, value);
	return true;
}

static bool add_args(json_t *args, const struct options *options,
		     const struct command *command, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!add_arg(args, command->args[i], argv[i]))
			return false;
	for (size_t i = 0; i < WORDS_MAX; i++)
		if (options->words[i] &&
		    !add_arg(args, word_names[i], options->words[i]))
			return false;
	return true;
}

static enum ctl_status run_row(struct ctl *ctl, const struct options *options,
			       const struct command *command, int argc,
			       char **argv)
{
	json_t *args = json_object();
	struct buf request = { 0 };
	enum ctl_status status;
	json_t *result;

	if (!add_args(args, options, command, argc, argv)) {
		json_decref(args);
		return CTL_USAGE;
	}
	if (command->password && !add_password(args)) {
		json_decref(args);
		return CTL_NOT_DONE;
	}
	buf_add_str(&request, command->noun);
	if (command->verb)
		buf_printf(&request, ".%s", command->verb);
	status = ctl_call(ctl, buf_cstr(&request), args, &result);
	buf_fini(&request);
	if (status != CTL_DONE)
		return status;
	if (ctl->json) {
		json_dumpf(result, stdout, JSON_COMPACT);
		printf("\n");
	} else if (command->print) {
		command->print(result);
	}
	if (command->print == ctl_print_verify &&
	    json_integer_value(json_object_get(result, "findings")))
		status = CTL_NOT_DONE;
	json_decref(result);
	return status;
}

/* The row of the words; *used_r: how many words they are. */
static const struct command *find(int argc, char **argv, int *used_r)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *command = &commands[i];

		*used_r = command->verb ? 2 : 1;
		if (argc < *used_r || strcmp(argv[0], command->noun) != 0 ||
		    (command->verb && strcmp(argv[1], command->verb) != 0))
			continue;
		if (argc - *used_r >= command->min &&
		    argc - *used_r <= command->max)
			return command;
	}
	return NULL;
}

static enum ctl_status run(struct ctl *ctl, const struct options *options,
			   int argc, char **argv)
{
	const struct command *command;
	int used;

	if (argc >= 3 && strcmp(argv[0], "import") == 0)
		return ctl_import(ctl, argv[1], &options->import, argv + 2,
				  argc - 2);
	if (argc == 2 && strcmp(argv[0], "log") == 0 &&
	    strcmp(argv[1], "dump") == 0)
		return ctl_log_dump(ctl);
	command = find(argc, argv, &used);
	if (command)
		return run_row(ctl, options, command, argc - used, argv + used);
	usage(stderr);
	return CTL_USAGE;
}

/* ---- options ---- */

static bool read_format(const char *text, enum ctl_format *format)
{
	static const struct {
		const char *name;
		enum ctl_format format;
	} known[] = {
		{ "message", CTL_FORMAT_MESSAGE },
		{ "mbox", CTL_FORMAT_MBOX },
		{ "maildir", CTL_FORMAT_MAILDIR },
		{ "tar", CTL_FORMAT_TAR },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(text, known[i].name) == 0) {
			*format = known[i].format;
			return true;
		}
	fprintf(stderr, "murderctl: unknown format \"%s\"\n", text);
	return false;
}

/* Place in `words` of the options without a letter of their own. */
static size_t word_of(int option)
{
	static const char letters[] = "RZWL";

	return (size_t)(strchr(letters, option) - letters);
}

/* Exit status, or -1: go on. */
static int take_option(struct options *options, int option)
{
	switch (option) {
	case 'c':
		options->config = optarg;
		break;
	case 'd':
		options->data = optarg;
		break;
	case 's':
		options->socket = optarg;
		break;
	case 'f':
		if (!read_format(optarg, &options->import.format))
			return CTL_USAGE;
		break;
	case 'R':
	case 'Z':
	case 'W':
	case 'L':
		options->words[word_of(option)] = optarg;
		break;
	case 'n':
		options->import.no_folders = true;
		break;
	case 'j':
		options->json = true;
		break;
	case 'V':
		printf("murderctl %s\n", PACKAGE_VERSION);
		return CTL_DONE;
	case 'h':
		usage(stdout);
		return CTL_DONE;
	default:
		usage(stderr);
		return CTL_USAGE;
	}
	return -1;
}

/* Exit status, or -1: go on. */
static int read_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "data", required_argument, NULL, 'd' },
		{ "socket", required_argument, NULL, 's' },
		{ "format", required_argument, NULL, 'f' },
		{ "no-folders", no_argument, NULL, 'n' },
		{ "roles", required_argument, NULL, 'R' },
		{ "zone", required_argument, NULL, 'Z' },
		{ "weight", required_argument, NULL, 'W' },
		{ "life", required_argument, NULL, 'L' },
		{ "json", no_argument, NULL, 'j' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:d:s:f:jh", known, NULL)) !=
	       -1) {
		int status = take_option(options, option);

		if (status >= 0)
			return status;
	}
	if (optind < argc)
		return -1;
	usage(stderr);
	return CTL_USAGE;
}

/* Where the socket is: option, else settings. */
static bool load(const struct options *options, struct settings *settings)
{
	const char *path = options->config ? options->config : DEFAULT_CONFIG;
	struct buf problems = { 0 };
	enum err err = config_file_read(path, settings, &problems);

	if (err == ERR_NOTFOUND && !options->config)
		err = ERR_NONE;
	if (err)
		fputs(buf_cstr(&problems), stderr);
	buf_fini(&problems);
	if (options->data) {
		mem_free(settings->data);
		settings->data = mem_dup(options->data, strlen(options->data));
	}
	settings_complete(settings);
	return err == ERR_NONE;
}

static enum ctl_status connect_and_run(const struct options *options,
				       const char *socket, int argc,
				       char **argv)
{
	struct ctl ctl = { .socket = socket,
			   .json = options->json,
			   .terminal = isatty(STDERR_FILENO) };
	enum err err = admin_client_open(&ctl.client, socket);
	enum ctl_status status;

	if (err) {
		fprintf(stderr, "murderctl: %s: %s\n", socket,
			err == ERR_UNAVAILABLE ? "no murderd answers there"
					       : err_text(err));
		admin_client_close(&ctl.client);
		return CTL_NOT_DONE;
	}
	status = run(&ctl, options, argc, argv);
	admin_client_close(&ctl.client);
	return status;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct settings settings;
	int status = read_options(argc, argv, &options);

	if (status >= 0)
		return status;
	settings_init(&settings);
	if (!load(&options, &settings))
		status = CTL_NOT_DONE;
	else
		status = (int)connect_and_run(
			&options,
			options.socket ? options.socket : settings.admin_socket,
			argc - optind, argv + optind);
	settings_fini(&settings);
	return status;
}
