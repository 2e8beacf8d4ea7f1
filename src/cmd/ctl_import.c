/*
 * murderctl import: files, folders of files, Maildirs, mboxes and tars, sent
 * message by message into one mailbox.
 *
 * Happy path: the paths are walked once to know how much there is, then each
 * message is sent with its flags and date; the daemon tells after each batch
 * how many are durable. The line ends are its business.
 *
 * Failures: the daemon's refusal ends the import with its text, which says how
 * many messages are in; a file that cannot be read is named, and the rest goes
 * on (the exit status tells).
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/ctl.h"

#define TAR_ENTRY_MAX (1024ull * 1024 * 1024) /* octets; a guard, no limit */

struct import {
	struct ctl *ctl;
	enum ctl_format format;
	uint64_t all;  /* octets of all files */
	uint64_t done; /* octets sent */
	uint64_t messages;
	uint64_t failed; /* files that could not be read */
	enum err err;    /* the connection's */
	json_t *answer;  /* the final one, if it came early */
};

struct letter {
	struct slice octets;
	json_t *flags; /* array, owned */
	time_t date;   /* 0: unknown */
};

/* ---- sending ---- */

static void draw(const struct import *import)
{
	char text[64];

	snprintf(text, sizeof(text), "%llu messages",
		 (unsigned long long)import->messages);
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

/* Takes letter->flags over. */
static bool send_letter(struct import *import, struct letter *letter)
{
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
	import->messages++;
	import->done += letter->octets.len;
	if (import->messages % 16 == 0)
		draw(import);
	/* A refusal closes the other end: it is read even if sending fails. */
	return listen_to_daemon(import, false) && !import->err;
}

/* ---- files ---- */

struct mapping {
	struct slice octets;
	time_t modified;
};

static bool map_file(struct import *import, const char *path,
		     struct mapping *map)
{
	struct stat st;
	void *data = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		if (st.st_size > 0)
			data = mmap(NULL, (size_t)st.st_size, PROT_READ,
				    MAP_PRIVATE, fd, 0);
		if (data != MAP_FAILED) {
			map->octets = slice_of(data, (size_t)st.st_size);
			map->modified = st.st_mtime;
			close(fd);
			return true;
		}
	}
	fprintf(stderr, "murderctl: %s: %s\n", path, strerror(errno));
	import->failed++;
	if (fd >= 0)
		close(fd);
	return false;
}

static void unmap(const struct mapping *map)
{
	if (map->octets.len)
		munmap((void *)(uintptr_t)map->octets.data, map->octets.len);
}

/* "...:2,FRS": the flags of a Maildir's file name. */
static json_t *maildir_flags(const char *path)
{
	static const struct {
		char letter;
		const char *flag;
	} known[] = {
		{ 'D', "\\Draft" },    { 'F', "\\Flagged" },
		{ 'P', "$Forwarded" }, { 'R', "\\Answered" },
		{ 'S', "\\Seen" },     { 'T', "\\Deleted" },
	};
	const char *info = strstr(path, ":2,");
	json_t *flags = json_array();

	for (size_t i = 0; info && i < ARRAY_LEN(known); i++)
		if (strchr(info + 3, known[i].letter))
			json_array_append_new(flags,
					      json_string(known[i].flag));
	return flags;
}

static bool import_message(struct import *import, const char *path)
{
	struct mapping map = { 0 };
	struct letter letter;
	bool ok;

	if (!map_file(import, path, &map))
		return true;
	letter = (struct letter){ map.octets, maildir_flags(path),
				  map.modified };
	if (map.octets.len == 0)
		fprintf(stderr, "murderctl: %s: empty, not imported\n", path);
	ok = send_letter(import, &letter);
	unmap(&map);
	return ok;
}

/* ---- mbox (RFC 4155, with the quoting of mboxrd) ---- */

static bool is_from_line(struct slice rest)
{
	return slice_has_prefix(rest, SLICE_LIT("From "));
}

/* The line at the front, with its LF. */
static struct slice first_line(struct slice rest)
{
	size_t len = slice_find(rest, '\n');

	return slice_first(rest, len < rest.len ? len + 1 : len);
}

/* "From someone Fri Mar  4 13:06:01 2005" */
static time_t from_date(struct slice line)
{
	char text[256];
	struct tm tm = { 0 };
	const char *at;

	snprintf(text, sizeof(text), "%.*s", SLICE_FMT(line));
	at = strchr(text + 5, ' ');
	if (!at || !strptime(at + 1, " %a %b %d %H:%M:%S %Y", &tm))
		return 0;
	return timegm(&tm);
}

/* Status: RO, X-Status: AFTD (the convention of mail readers). */
static void status_flags(struct slice line, json_t *flags)
{
	static const struct {
		const char *field;
		char letter;
		const char *flag;
	} known[] = {
		{ "Status:", 'R', "\\Seen" },
		{ "X-Status:", 'A', "\\Answered" },
		{ "X-Status:", 'F', "\\Flagged" },
		{ "X-Status:", 'T', "\\Draft" },
		{ "X-Status:", 'D', "\\Deleted" },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct slice field = slice_str(known[i].field);

		if (slice_has_prefix_nocase(line, field) &&
		    slice_find(slice_from(line, field.len),
			       (uint8_t)known[i].letter) < line.len - field.len)
			json_array_append_new(flags,
					      json_string(known[i].flag));
	}
}

/* ">From " and ">>From " lose one '>'. */
static void add_unquoted(struct buf *out, struct slice line)
{
	size_t quotes = 0;

	while (quotes < line.len && line.data[quotes] == '>')
		quotes++;
	if (quotes && is_from_line(slice_from(line, quotes)))
		line = slice_from(line, 1);
	buf_add_slice(out, line);
}

/* One message off the front of an mbox, which begins with its From_ line. */
static struct letter take_letter(struct slice *rest, struct buf *out)
{
	struct letter letter = { .flags = json_array() };
	bool header = true;
	struct slice line = first_line(*rest);

	letter.date = from_date(line);
	*rest = slice_from(*rest, line.len);
	buf_clear(out);
	while (rest->len && !is_from_line(*rest)) {
		line = first_line(*rest);
		*rest = slice_from(*rest, line.len);
		header = header && slice_trim(line).len > 0;
		if (header)
			status_flags(line, letter.flags);
		add_unquoted(out, line);
	}
	/* The empty line before the next From_ is the mbox's. */
	if (rest->len && out->len && out->data[out->len - 1] == '\n')
		out->len -=
			out->len > 1 && out->data[out->len - 2] == '\r' ? 2 : 1;
	letter.octets = buf_slice(out);
	return letter;
}

static bool import_mbox(struct import *import, const char *path)
{
	struct mapping map = { 0 };
	struct buf text = { 0 };
	struct slice rest;
	bool ok = true;

	if (!map_file(import, path, &map))
		return true;
	rest = map.octets;
	if (rest.len && !is_from_line(rest)) {
		fprintf(stderr, "murderctl: %s: not an mbox\n", path);
		import->failed++;
		rest = SLICE_NONE;
	}
	while (ok && rest.len) {
		struct letter letter = take_letter(&rest, &text);

		ok = send_letter(import, &letter);
	}
	buf_fini(&text);
	unmap(&map);
	return ok;
}

/* ---- tar ---- */

static bool read_entry(struct archive *archive, struct archive_entry *entry,
		       struct buf *out)
{
	int64_t size = archive_entry_size(entry);
	la_ssize_t got = 0;

	if (size < 0 || (uint64_t)size > TAR_ENTRY_MAX)
		return false;
	buf_clear(out);
	got = archive_read_data(archive, buf_reserve(out, (size_t)size),
				(size_t)size);
	if (got != size)
		return false;
	out->len = (size_t)got;
	return true;
}

static bool import_entry(struct import *import, struct archive *archive,
			 struct archive_entry *entry, struct buf *text)
{
	const char *name = archive_entry_pathname(entry);
	struct letter letter;

	if (archive_entry_filetype(entry) != AE_IFREG)
		return true;
	if (!read_entry(archive, entry, text)) {
		fprintf(stderr, "murderctl: %s: cannot be read\n",
			name ? name : "?");
		import->failed++;
		return true;
	}
	letter = (struct letter){ buf_slice(text),
				  maildir_flags(name ? name : ""),
				  archive_entry_mtime(entry) };
	return send_letter(import, &letter);
}

static bool import_tar(struct import *import, const char *path)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	struct buf text = { 0 };
	bool ok = true;
	int rc;

	archive_read_support_filter_all(archive);
	archive_read_support_format_tar(archive);
	rc = archive_read_open_filename(archive, path, 65536);
	while (rc == ARCHIVE_OK && ok &&
	       (rc = archive_read_next_header(archive, &entry)) == ARCHIVE_OK)
		ok = import_entry(import, archive, entry, &text);
	if (ok && rc != ARCHIVE_EOF) {
		fprintf(stderr, "murderctl: %s: %s\n", path,
			archive_error_string(archive));
		import->failed++;
	}
	archive_read_free(archive);
	buf_fini(&text);
	return ok;
}

/* ---- walking ---- */

static bool is_tar(const char *path)
{
	const char *end = strstr(path, ".tar");

	return end && (end[4] == '\0' || end[4] == '.');
}

static bool import_file(struct import *import, const char *path)
{
	enum ctl_format format = import->format;

	if (format == CTL_FORMAT_AUTO)
		format = is_tar(path) ? CTL_FORMAT_TAR : CTL_FORMAT_MESSAGE;
	switch (format) {
	case CTL_FORMAT_MBOX:
		return import_mbox(import, path);
	case CTL_FORMAT_TAR:
		return import_tar(import, path);
	case CTL_FORMAT_AUTO:
	case CTL_FORMAT_MESSAGE:
	case CTL_FORMAT_MAILDIR:
		break;
	}
	return import_message(import, path);
}

/* In a Maildir only cur and new hold messages. */
static bool is_wanted(const struct import *import, const FTSENT *entry)
{
	const char *parent = entry->fts_parent->fts_name;
	char path[4096];
	struct stat st;

	if (entry->fts_level == FTS_ROOTLEVEL ||
	    import->format == CTL_FORMAT_MESSAGE ||
	    import->format == CTL_FORMAT_MBOX)
		return true;
	if (strcmp(parent, "cur") == 0 || strcmp(parent, "new") == 0)
		return true;
	if (strcmp(parent, "tmp") == 0)
		return false;
	/* Beside cur and new stand files that are none. */
	snprintf(path, sizeof(path), "%.*s/cur",
		 (int)(entry->fts_pathlen - entry->fts_namelen - 1),
		 entry->fts_path);
	return stat(path, &st) != 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* `send` false: only adds up the sizes. */
static bool walk(struct import *import, char *const *paths, bool send)
{
	FTS *fts = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name);
	FTSENT *entry;
	bool ok = true;

	while (ok && fts && (entry = fts_read(fts))) {
		if (entry->fts_info == FTS_F && is_wanted(import, entry)) {
			if (send)
				ok = import_file(import, entry->fts_accpath);
			else
				import->all +=
					(uint64_t)entry->fts_statp->st_size;
		} else if (send && (entry->fts_info == FTS_NS ||
				    entry->fts_info == FTS_DNR ||
				    entry->fts_info == FTS_ERR)) {
			fprintf(stderr, "murderctl: %s: %s\n", entry->fts_path,
				strerror(entry->fts_errno));
			import->failed++;
		}
	}
	if (fts)
		fts_close(fts);
	return ok;
}

/* ---- the command ---- */

static enum ctl_status tell(struct import *import)
{
	const json_t *result = json_object_get(import->answer, "result");
	bool ok = json_is_true(json_object_get(import->answer, "ok"));

	if (!import->answer) {
		fprintf(stderr,
			"murderctl: the daemon went away; how many of the last "
			"100 messages are in is unknown\n");
		return CTL_UNKNOWN;
	}
	if (!ok) {
		ctl_print_failure(import->ctl, import->answer);
	} else if (import->ctl->json) {
		json_dumpf(result, stdout, JSON_COMPACT);
		printf("\n");
	} else {
		printf("%lld messages imported",
		       (long long)json_integer_value(
			       json_object_get(result, "messages")));
		if (json_integer_value(json_object_get(result, "empty")))
			printf(", %lld empty ones left out",
			       (long long)json_integer_value(
				       json_object_get(result, "empty")));
		printf("\n");
	}
	json_decref(import->answer);
	return ok && !import->failed ? CTL_DONE : CTL_NOT_DONE;
}

enum ctl_status ctl_import(struct ctl *ctl, const char *mailbox,
			   enum ctl_format format, char *const *paths,
			   int count)
{
	struct import import = { .ctl = ctl, .format = format };
	char **list = mem_zalloc((size_t)count + 1, sizeof(*list));

	for (int i = 0; i < count; i++)
		list[i] = paths[i];
	walk(&import, list, false);
	import.err = admin_client_request(&ctl->client, "import",
					  json_pack("{s:s}", "name", mailbox));
	if (!import.err && walk(&import, list, true) && !import.err &&
	    !import.answer) {
		import.err = admin_client_send(&ctl->client,
					       SLICE_LIT("{\"end\":true}\n"));
		if (!import.err)
			listen_to_daemon(&import, true);
	}
	ctl_end_progress(ctl);
	mem_free(list);
	return tell(&import);
}
