/*
 * Reads the configuration file against a table of what may stand in it.
 *
 * Happy path: libconfig parses, the walk visits every setting, finds its row
 * in the schema by its dotted path and lets the row's reader store the value.
 * Whatever has no row or a wrong form becomes a line of the problems; the walk
 * goes on, so that an operator sees all of them at once. Then what was read is
 * checked as a whole (server/settings.h).
 */
#include "cmd/config.h"

#include <errno.h>
#include <libconfig.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "base/slice.h"
#include "base/units.h"

#define CONFIG_DEPTH_MAX 4 /* groups in groups; the schema needs 2 */

struct config_reader {
	const char *path;
	struct settings *settings;
	struct buf *problems;
};

enum config_type {
	CONFIG_TEXT,
	CONFIG_PATH, /* absolute */
	CONFIG_BOOL,
	CONFIG_COUNT,    /* unsigned number */
	CONFIG_SIZE,     /* "64M" -> uint64_t octets */
	CONFIG_DURATION, /* "30s" -> uint64_t ms */
	CONFIG_LISTEN,   /* "host:port" or a list of them */
	CONFIG_OCTET,    /* one character of `from` */
	CONFIG_LEVEL,
};

struct config_row {
	const char *key; /* dotted path */
	enum config_type type;
	size_t offset;    /* in struct settings */
	const char *from; /* the least number, size or duration */
	const char *to;   /* the greatest */
};

#define AT(member) offsetof(struct settings, member)

static const struct config_row schema[] = {
	{ "data", CONFIG_PATH, AT(data), NULL, NULL },
	{ "admin_socket", CONFIG_PATH, AT(admin_socket), NULL, NULL },
	{ "hostname", CONFIG_TEXT, AT(hostname), NULL, NULL },
	{ "listen.imap", CONFIG_LISTEN, AT(imap), NULL, NULL },
	{ "listen.imaps", CONFIG_LISTEN, AT(imaps), NULL, NULL },
	{ "listen.lmtp", CONFIG_LISTEN, AT(lmtp), NULL, NULL },
	{ "listen.cluster", CONFIG_LISTEN, AT(cluster), NULL, NULL },
	{ "cluster_address", CONFIG_TEXT, AT(cluster_address), NULL, NULL },
	{ "tls.certificate", CONFIG_TEXT, AT(tls_certificate), NULL, NULL },
	{ "tls.key", CONFIG_TEXT, AT(tls_key), NULL, NULL },
	{ "message_max", CONFIG_SIZE, AT(message_max), "1K", "1G" },
	{ "login.plain_without_tls", CONFIG_BOOL, AT(plain_without_tls), NULL,
	  NULL },
	{ "login.timeout", CONFIG_DURATION, AT(login_timeout_ms), "1s", "1d" },
	{ "login.delay", CONFIG_DURATION, AT(login_delay_ms), "0s", "1m" },
	{ "login.remember", CONFIG_DURATION, AT(login_remember_ms), "0s",
	  "1h" },
	{ "idle_timeout", CONFIG_DURATION, AT(idle_timeout_ms), "1s", "7d" },
	{ "namespace.altnamespace", CONFIG_BOOL, AT(altnamespace), NULL, NULL },
	{ "namespace.separator", CONFIG_OCTET, AT(separator), "/.", NULL },
	{ "namespace.others", CONFIG_TEXT, AT(others_prefix), NULL, NULL },
	{ "namespace.shared", CONFIG_TEXT, AT(shared_prefix), NULL, NULL },
	{ "lmtp.detail_separator", CONFIG_OCTET, AT(detail_separator), "+-=#",
	  NULL },
	{ "threads.sessions", CONFIG_COUNT, AT(session_loops), "0", "256" },
	{ "threads.workers", CONFIG_COUNT, AT(workers), "0", "256" },
	{ "store.map_size", CONFIG_SIZE, AT(map_size), "16M", "16T" },
	{ "store.wal_segment", CONFIG_SIZE, AT(wal_segment), "64K", "1G" },
	{ "store.wal_keep", CONFIG_SIZE, AT(wal_keep), "0", "16T" },
	{ "store.fill_limit", CONFIG_COUNT, AT(fill_limit), "10", "99" },
	{ "store.space_min", CONFIG_SIZE, AT(space_min), "1M", "16T" },
	{ "store.scrub", CONFIG_DURATION, AT(scrub_ms), "1h", "365d" },
	{ "mail_groups", CONFIG_COUNT, AT(mail_groups), "1", "1023" },
	{ "log_level", CONFIG_LEVEL, AT(log_level), NULL, NULL },
};

static void __attribute__((format(printf, 3, 4)))
problem(const struct config_reader *reader, const config_setting_t *at,
	const char *fmt, ...)
{
	const char *file = config_setting_source_file(at);
	va_list args;

	buf_printf(reader->problems, "%s:%u: ", file ? file : reader->path,
		   (unsigned)config_setting_source_line(at));
	va_start(args, fmt);
	buf_vprintf(reader->problems, fmt, args);
	va_end(args);
	buf_add_octet(reader->problems, '\n');
}

static void set_text(char **text, const char *value)
{
	mem_free(*text);
	*text = mem_dup(value, strlen(value));
}

static void read_text(const struct config_reader *reader,
		      const struct config_row *row, const config_setting_t *at,
		      char **text)
{
	const char *value = config_setting_get_string(at);

	if (!value)
		problem(reader, at, "needs a text in quotes");
	else if (value[0] == '\0')
		problem(reader, at, "%s is empty", row->key);
	else if (row->type == CONFIG_PATH && value[0] != '/')
		problem(reader, at, "needs a path from the root: \"/...\"");
	else
		set_text(text, value);
}

/* What a row says of its bounds is known to be right. */
static uint64_t bound(enum config_type type, const char *text)
{
	uint64_t value = 0;
	enum err err = ERR_NONE;

	if (type == CONFIG_SIZE)
		err = units_size(slice_str(text), &value);
	else if (type == CONFIG_DURATION)
		err = units_duration(slice_str(text), &value);
	else
		MUST(slice_to_u64(slice_str(text), UINT32_MAX, &value));
	MUST(!err);
	return value;
}

static void read_count(const struct config_reader *reader,
		       const struct config_row *row, const config_setting_t *at,
		       unsigned *count)
{
	int value = config_setting_get_int(at);

	if (config_setting_type(at) != CONFIG_TYPE_INT || value < 0 ||
	    (unsigned)value < bound(row->type, row->from) ||
	    (unsigned)value > bound(row->type, row->to))
		problem(reader, at, "needs a number from %s to %s", row->from,
			row->to);
	else
		*count = (unsigned)value;
}

static void read_unit(const struct config_reader *reader,
		      const struct config_row *row, const config_setting_t *at,
		      uint64_t *value)
{
	const char *text = config_setting_get_string(at);
	bool size = row->type == CONFIG_SIZE;
	enum err err = ERR_SYNTAX;
	uint64_t read = 0;

	if (text)
		err = size ? units_size(slice_str(text), &read)
			   : units_duration(slice_str(text), &read);
	if (err)
		problem(reader, at, "needs a %s like \"%s\"",
			size ? "size" : "duration", size ? "64M" : "30s");
	else if (read < bound(row->type, row->from) ||
		 read > bound(row->type, row->to))
		problem(reader, at, "needs a %s from \"%s\" to \"%s\"",
			size ? "size" : "duration", row->from, row->to);
	else
		*value = read;
}

/* "host:port" or "unix:/path"; whether it can be bound is seen at start. */
static bool address_ok(const char *text)
{
	const char *colon = strrchr(text, ':');
	uint64_t port;

	if (strncmp(text, "unix:/", 6) == 0)
		return true;
	return colon && colon != text &&
	       slice_to_u64(slice_str(colon + 1), 65535, &port);
}

static void read_address(const struct config_reader *reader,
			 const config_setting_t *at, const char *text,
			 struct settings_listen *listen)
{
	if (!text || !address_ok(text))
		problem(reader, at,
			"needs \"host:port\" or \"unix:/path\" in quotes");
	else if (listen->count == SETTINGS_LISTEN_MAX)
		problem(reader, at, "more than %d addresses",
			SETTINGS_LISTEN_MAX);
	else
		listen->addresses[listen->count++] =
			mem_dup(text, strlen(text));
}

static void read_listen(const struct config_reader *reader,
			const config_setting_t *at,
			struct settings_listen *listen)
{
	int count = config_setting_length(at);

	if (!config_setting_is_aggregate(at)) {
		read_address(reader, at, config_setting_get_string(at), listen);
		return;
	}
	for (int i = 0; i < count; i++)
		read_address(reader, at, config_setting_get_string_elem(at, i),
			     listen);
}

static void read_octet(const struct config_reader *reader,
		       const config_setting_t *at, const char *choice,
		       char *octet)
{
	const char *text = config_setting_get_string(at);

	if (!text || strlen(text) != 1 || !strchr(choice, text[0]))
		problem(reader, at, "needs one of the characters %s in quotes",
			choice);
	else
		*octet = text[0];
}

static void read_level(const struct config_reader *reader,
		       const config_setting_t *at, int *level)
{
	static const char *const names[] = {
		[LOG_LEVEL_ERROR] = "error",
		[LOG_LEVEL_WARN] = "warn",
		[LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_DEBUG] = "debug",
	};
	const char *text = config_setting_get_string(at);

	for (size_t i = 0; text && i < ARRAY_LEN(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*level = (int)i;
			return;
		}
	}
	problem(reader, at, "needs \"error\", \"warn\", \"info\" or \"debug\"");
}

static void read_bool(const struct config_reader *reader,
		      const config_setting_t *at, bool *value)
{
	if (config_setting_type(at) != CONFIG_TYPE_BOOL)
		problem(reader, at, "needs true or false");
	else
		*value = config_setting_get_bool(at) != 0;
}

static void read_row(const struct config_reader *reader,
		     const struct config_row *row, const config_setting_t *at)
{
	void *to = (char *)reader->settings + row->offset;

	switch (row->type) {
	case CONFIG_TEXT:
	case CONFIG_PATH:
		read_text(reader, row, at, to);
		break;
	case CONFIG_BOOL:
		read_bool(reader, at, to);
		break;
	case CONFIG_COUNT:
		read_count(reader, row, at, to);
		break;
	case CONFIG_SIZE:
	case CONFIG_DURATION:
		read_unit(reader, row, at, to);
		break;
	case CONFIG_LISTEN:
		read_listen(reader, at, to);
		break;
	case CONFIG_OCTET:
		read_octet(reader, at, row->from, to);
		break;
	case CONFIG_LEVEL:
		read_level(reader, at, to);
		break;
	}
}

static const struct config_row *row_find(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(schema); i++)
		if (strcmp(schema[i].key, key) == 0)
			return &schema[i];
	return NULL;
}

/* Some row stands below the group `key`. */
static bool group_known(const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < ARRAY_LEN(schema); i++)
		if (strncmp(schema[i].key, key, len) == 0 &&
		    schema[i].key[len] == '.')
			return true;
	return false;
}

/* Recursion is bounded by CONFIG_DEPTH_MAX. */
static void walk(const struct config_reader *reader,
		 const config_setting_t *group, const char *prefix,
		 unsigned depth)
{
	int count = config_setting_length(group);
	struct buf key = { 0 };

	for (int i = 0; i < count; i++) {
		const config_setting_t *at =
			config_setting_get_elem(group, (unsigned)i);
		const struct config_row *row;

		buf_clear(&key);
		buf_printf(&key, "%s%s%s", prefix, prefix[0] ? "." : "",
			   config_setting_name(at));
		row = row_find(buf_cstr(&key));
		if (row)
			read_row(reader, row, at);
		else if (config_setting_is_group(at) &&
			 group_known(buf_cstr(&key)) &&
			 depth < CONFIG_DEPTH_MAX)
			walk(reader, at, buf_cstr(&key), depth + 1);
		else
			problem(reader, at, "unknown setting \"%s\"",
				buf_cstr(&key));
	}
	buf_fini(&key);
}

struct config_checker {
	const struct config_reader *reader;
	const config_t *file;
};

/* Of a setting that the file does not have, the other one's line is told. */
static void on_fault(void *arg, const char *key, const char *text)
{
	const struct config_checker *checker = arg;
	const config_setting_t *at = config_lookup(checker->file, key);

	if (at)
		problem(checker->reader, at, "%s %s", key, text);
}

/* libconfig reports a file that it cannot open without saying why. */
static enum err readable(const char *path, struct buf *problems)
{
	struct stat st;

	if (stat(path, &st) == 0)
		return ERR_NONE;
	buf_printf(problems, "%s: %s\n", path, strerror(errno));
	return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
}

enum err config_file_read(const char *path, struct settings *settings,
			  struct buf *problems)
{
	struct config_reader reader = { path, settings, problems };
	enum err err = readable(path, problems);
	config_t file;

	if (err)
		return err;
	config_init(&file);
	if (config_read_file(&file, path)) {
		struct config_checker checker = { &reader, &file };

		walk(&reader, config_root_setting(&file), "", 0);
		settings_check(settings, on_fault, &checker);
	} else {
		const char *name = config_error_file(&file);

		buf_printf(problems, "%s:%d: %s\n", name ? name : path,
			   config_error_line(&file), config_error_text(&file));
	}
	config_destroy(&file);
	return problems->len ? ERR_INVALID : ERR_NONE;
}
