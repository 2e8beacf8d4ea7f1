/*
 * murderd: the daemon. Reads the configuration, starts a node, runs the main
 * loop until a signal or `murderctl stop` ends it.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/config.h"
#include "io/loop.h"
#include "io/process.h"
#include "server/node.h"

#define DEFAULT_CONFIG "/etc/murder/murderd.conf"

struct options {
	const char *config; /* NULL: the default, which may be absent */
	const char *data;
	bool check; /* only read the configuration */
};

static void usage(FILE *to)
{
	fputs("usage: murderd [--config FILE] [--data DIR] [--check]\n"
	      "       murderd --version | --help\n",
	      to);
}

/* Exit status of --version and --help, 2 for wrong usage, -1: go on. */
static int read_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "data", required_argument, NULL, 'd' },
		{ "check", no_argument, NULL, 'k' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:d:h", known, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->config = optarg;
			break;
		case 'd':
			if (optarg[0] != '/') {
				fprintf(stderr, "murderd: --data needs a path "
						"from the root\n");
				return 2;
			}
			options->data = optarg;
			break;
		case 'k':
			options->check = true;
			break;
		case 'V':
			printf("murderd %s\n", PACKAGE_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind == argc)
		return -1;
	usage(stderr);
	return 2;
}

/* Without any listener: the standard ports. */
static void default_listeners(struct settings *settings)
{
	static const char *const addresses[] = { "*:143", "*:993",
						 "127.0.0.1:24" };
	struct settings_listen *listens[] = { &settings->imap, &settings->imaps,
					      &settings->lmtp };

	if (settings->imap.count || settings->imaps.count ||
	    settings->lmtp.count)
		return;
	for (size_t i = 0; i < ARRAY_LEN(listens); i++)
		listens[i]->addresses[listens[i]->count++] =
			mem_dup(addresses[i], strlen(addresses[i]));
}

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
	default_listeners(settings);
	log_set_level((enum log_level)settings->log_level);
	return err == ERR_NONE;
}

static void on_signal(void *arg, int signum)
{
	LOG_INFO("%s", signum == SIGINT ? "interrupted" : "asked to stop");
	node_stop(arg);
}

/* New certificates; connections that are up keep theirs. */
static void on_hangup(void *arg, int signum unused_arg)
{
	struct node *node = arg;
	struct buf why = { 0 };

	if (io_tls_reload(node->tls, &why))
		LOG_ERROR("certificates were not reloaded: %s", buf_cstr(&why));
	else
		LOG_INFO("certificates reloaded");
	buf_fini(&why);
}

static int serve(const struct settings *settings)
{
	struct io_loop *loop = io_loop_new("main");
	struct node *node = mem_zalloc(1, sizeof(*node));
	struct buf why = { 0 };
	enum err err;

	io_loop_on_signal(loop, SIGTERM, on_signal, node);
	io_loop_on_signal(loop, SIGINT, on_signal, node);
	io_loop_on_signal(loop, SIGHUP, on_hangup, node);
	err = node_start(node, settings, loop, &why);
	if (err) {
		LOG_ERROR("cannot start: %s",
			  why.len ? buf_cstr(&why) : err_text(err));
	} else {
		io_loop_run(loop);
		node_fini(node);
	}
	io_loop_free(&loop);
	mem_free(node);
	buf_fini(&why);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct settings settings;
	int status = read_options(argc, argv, &options);

	if (status >= 0)
		return status;
	io_process_init();
	io_process_raise_files();
	settings_init(&settings);
	if (!load(&options, &settings))
		status = EXIT_FAILURE;
	else
		status = options.check ? EXIT_SUCCESS : serve(&settings);
	settings_fini(&settings);
	return status;
}
