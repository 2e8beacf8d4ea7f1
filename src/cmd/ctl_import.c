/*
 * murderctl import: files, folders of files, Maildirs, mboxes and tars, sent
 * message by message into one mailbox; the folders of a Maildir++ into those
 * below it.
 *
 * Happy path: the paths are walked once to know how much there is. Then there
 * is one import for the mailbox, with all paths, and one for each folder: each
 * message is sent with its flags and date; the daemon tells after each batch
 * how many are durable. The line ends are its business.
 *
 * Failures: the daemon's refusal ends the import with its text, which says how
 * many messages are in, but of a folder with a name that no mailbox can have:
 * that is told, and the next one is taken. A file that cannot be read is named,
 * and the rest goes on. The exit status tells of both.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cmd/ctl.h"
#include "cmd/ctl_walk.h"

struct import {
	struct ctl *ctl;
	const char *mailbox;
	const struct ctl_import_options *options;
	char *const *paths;
	int path_count;

	uint64_t all;            /* octets of all files */
	uint64_t done;           /* octets sent */
	uint64_t sent;           /* messages */
	struct letter_walk walk; /* of what is sent */

	/* what the daemon has said */
	enum err err;    /* the connection's */
	json_t *answer;  /* of the import under way, or NULL */
	json_t *refused; /* array: folders that cannot be mailboxes */
	uint64_t messages;
	uint64_t empty;
	uint64_t mailboxes;
};

/* ---- sending ---- */

static void draw(const struct import *import)
{
	char text[64];

	snprintf(text, sizeof(text), "%llu %s",
		 (unsigned long long)import->sent,
		 import->sent == 1 ? "message" : "messages");
	ctl_draw_progress(import->ctl, import->done, import->all, text);
}

/* Reads what the daemon has said so far; false: it has ended the import. */
static bool listen_to_daemon(struct import *import, bool wait)
{
	for (;;) {
		json_t *line = NULL;
		enum err err =
			admin_client_read(&import->ctl->client, wait, &line);

		if (err == ERR_END)
			return true;
		if (err) {
			import->err = err;
			return false;
		}
		if (!json_object_get(line, "progress")) {
			import->answer = line;
			return false;
		}
		json_decref(line);
	}
}

static bool send_letter(void *arg, struct letter *letter)
{
	struct import *import = arg;
	json_t *head =
		json_pack("{s:I, s:o}", "size", (json_int_t)letter->octets.len,
			  "flags", letter->flags);
	char *text;

	if (letter->date)
		json_object_set_new(head, "date",
				    json_integer((json_int_t)letter->date));
	text = json_dumps(head, JSON_COMPACT);
	json_decref(head);
	import->err = admin_client_send(&import->ctl->client, slice_str(text));
	free(text); /* tidy: allow free: jansson's memory */
	if (!import->err)
		import->err = admin_client_send(&import->ctl->client,
						SLICE_LIT("\n"));
	if (!import->err)
		import->err =
			admin_client_send(&import->ctl->client, letter->octets);
	import->sent++;
	import->done += letter->octets.len;
	if (import->sent % 16 == 0)
		draw(import);
	/* A refusal closes the other end: it is read even if sending fails. */
	return listen_to_daemon(import, false) && !import->err;
}

/* ---- the imports ---- */

/* The mailbox itself, with all paths; or one folder of one of them. */
struct source {
	const char *folder; /* ".Sent", or NULL */
	char *path;         /* of the folder, or NULL */
};

static bool send_source(struct import *import, const struct source *source)
{
	bool ok = true;

	if (source->path)
		return letter_walk_path(&import->walk, source->path);
	/* In the order given: fts would sort the paths too. */
	for (int i = 0; ok && i < import->path_count; i++)
		ok = letter_walk_path(&import->walk, import->paths[i]);
	return ok;
}

static json_t *request_args(const struct import *import,
			    const struct source *source)
{
	json_t *args = json_pack("{s:s}", "name", import->mailbox);

	/* What is no UTF-8 the daemon could not be told. */
	if (args && source->folder &&
	    json_object_set_new(args, "folder", json_string(source->folder))) {
		json_decref(args);
		args = NULL;
	}
	return args;
}

static uint64_t number(const json_t *answer, const char *key)
{
	return (uint64_t)json_integer_value(
		json_object_get(json_object_get(answer, "result"), key));
}

/* Sends all and waits for the answer; NULL: the connection was lost. */
static json_t *run_source(struct import *import, const struct source *source,
			  json_t *args)
{
	struct admin_client *client = &import->ctl->client;

	import->answer = NULL;
	import->err = admin_client_request(client, "import", args);
	if (!import->err && send_source(import, source) && !import->err &&
	    !import->answer) {
		import->err = admin_client_send(client,
						SLICE_LIT("{\"end\":true}\n"));
		if (!import->err)
			listen_to_daemon(import, true);
	}
	return import->answer;
}

static void add_refused(struct import *import, const char *folder,
			const char *text)
{
	if (!import->ctl->json)
		fprintf(stderr, "murderctl: %s: %s\n", folder, text);
	json_array_append_new(import->refused,
			      json_pack("{s:s%, s:s}", "folder", folder,
					strlen(folder), "text", text));
}

/*
 * Is it the folder's name that was refused? Behind a request that failed the
 * daemon closes the connection, so the next one needs another.
 */
static bool is_passed_over(struct import *import, const struct source *source)
{
	const char *error =
		json_string_value(json_object_get(import->answer, "error"));
	const char *text =
		json_string_value(json_object_get(import->answer, "text"));

	if (!source->folder || !error || strcmp(error, "INVALID") != 0)
		return false;
	add_refused(import, source->folder, text ? text : "refused");
	return ctl_reconnect(import->ctl) == ERR_NONE;
}

/* CTL_DONE: the next one may follow. Otherwise the reason was printed. */
static enum ctl_status import_source(struct import *import,
				     const struct source *source)
{
	json_t *args = request_args(import, source);
	enum ctl_status status = CTL_DONE;

	if (!args) {
		add_refused(import,
			    source->folder ? "a folder" : import->mailbox,
			    "its name is not UTF-8");
		return source->folder ? CTL_DONE : CTL_USAGE;
	}
	if (!run_source(import, source, args)) {
		ctl_end_progress(import->ctl);
		fprintf(stderr,
			"murderctl: the daemon went away; how many of the last "
			"100 messages are in is unknown\n");
		return CTL_UNKNOWN;
	}
	if (json_is_true(json_object_get(import->answer, "ok"))) {
		import->messages += number(import->answer, "messages");
		import->empty += number(import->answer, "empty");
		import->mailboxes++;
	} else if (!is_passed_over(import, source)) {
		ctl_end_progress(import->ctl);
		ctl_print_failure(import->ctl, import->answer);
		status = CTL_NOT_DONE;
	}
	json_decref(import->answer);
	return status;
}

typedef enum ctl_status source_run(struct import *import,
				   const struct source *source);

/* Those of one path, one after another. */
static enum ctl_status each_folder(struct import *import, const char *maildir,
				   source_run *run)
{
	enum ctl_status status = CTL_DONE;
	struct maildir_folders folders;
	struct buf path = { 0 };

	maildir_folders_read(maildir, &folders);
	for (size_t i = 0; status == CTL_DONE && i < folders.count; i++) {
		struct source source = { .folder = folders.names[i] };

		buf_clear(&path);
		buf_printf(&path, "%s/%s", maildir, source.folder);
		source.path = mem_dup(buf_cstr(&path), path.len);
		status = run(import, &source);
		mem_free(source.path);
	}
	buf_fini(&path);
	maildir_folders_fini(&folders);
	return status;
}

static enum ctl_status import_folders(struct import *import, source_run *run)
{
	enum ctl_status status = CTL_DONE;

	if (!letter_walk_knows_maildirs(&import->walk) ||
	    import->options->no_folders)
		return CTL_DONE;
	for (int i = 0; status == CTL_DONE && i < import->path_count; i++)
		if (maildir_is(import->paths[i]))
			status = each_folder(import, import->paths[i], run);
	return status;
}

/* ---- the command ---- */

/* How much there is to send. */
static enum ctl_status add_size(struct import *import,
				const struct source *source)
{
	struct letter_walk walk = { .format = import->options->format };

	if (source->path)
		letter_walk_path(&walk, source->path);
	for (int i = 0; !source->path && i < import->path_count; i++)
		letter_walk_path(&walk, import->paths[i]);
	import->all += walk.octets;
	return CTL_DONE;
}

static void print_text(const struct import *import)
{
	printf("%llu %s imported", (unsigned long long)import->messages,
	       import->messages == 1 ? "message" : "messages");
	if (import->mailboxes > 1)
		printf(" into %llu mailboxes",
		       (unsigned long long)import->mailboxes);
	if (import->empty)
		printf(", %llu empty %s left out",
		       (unsigned long long)import->empty,
		       import->empty == 1 ? "one" : "ones");
	printf("\n");
}

static void print(const struct import *import)
{
	json_t *result;

	if (!import->ctl->json) {
		print_text(import);
		return;
	}
	result = json_pack("{s:I, s:I, s:I, s:O}", "messages",
			   (json_int_t)import->messages, "empty",
			   (json_int_t)import->empty, "mailboxes",
			   (json_int_t)import->mailboxes, "refused",
			   import->refused);
	json_dumpf(result, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(result);
}

enum ctl_status ctl_import(struct ctl *ctl, const char *mailbox,
			   const struct ctl_import_options *options,
			   char *const *paths, int count)
{
	static const struct source itself;
	struct import import = {
		.ctl = ctl,
		.mailbox = mailbox,
		.options = options,
		.paths = paths,
		.path_count = count,
		.refused = json_array(),
		.walk = { .format = options->format,
			  .each = send_letter,
			  .arg = &import },
	};
	enum ctl_status status;

	add_size(&import, &itself);
	import_folders(&import, add_size);
	status = import_source(&import, &itself);
	if (status == CTL_DONE)
		status = import_folders(&import, import_source);
	ctl_end_progress(ctl);
	if (status == CTL_DONE)
		print(&import);
	if (status == CTL_DONE &&
	    (import.walk.failed || json_array_size(import.refused)))
		status = CTL_NOT_DONE;
	json_decref(import.refused);
	letter_walk_fini(&import.walk);
	return status;
}
