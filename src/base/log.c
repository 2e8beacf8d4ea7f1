/*
 * Log lines: time, level and text in a buffer on the stack, then one write(2).
 *
 * One write a line keeps lines of threads and of processes that share a pipe
 * apart. Text often comes from clients (names, addresses), so control
 * characters are escaped: nobody forges a second line or drives a terminal.
 *
 * Nothing here allocates or fails: a line that is too long ends in "...", and
 * one that cannot be written is lost, because there is nobody left to tell.
 */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG_TEXT_MAX 2048 /* octets of text before escaping */
#define LOG_LINE_MAX 4096 /* octets with time and LF: PIPE_BUF, one piece */
#define CUT_MARK "..."    /* ends what was too long */

static _Atomic(enum log_level) max_level = LOG_LEVEL_INFO;

/* Guards the sink and lets one line through at a time. */
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static log_sink *sink;
static void *sink_arg;

/* A sink that logs, or panics, must not wait for itself. */
static _Thread_local bool in_sink;

struct log_line {
	char octets[LOG_LINE_MAX];
	size_t len;
};

void log_set_level(enum log_level level)
{
	atomic_store(&max_level, level);
}

void log_set_sink(log_sink *new_sink, void *arg)
{
	pthread_mutex_lock(&sink_lock);
	sink = new_sink;
	sink_arg = arg;
	pthread_mutex_unlock(&sink_lock);
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "ERROR";
	case LOG_LEVEL_WARN:
		return "WARN";
	case LOG_LEVEL_INFO:
		return "INFO";
	case LOG_LEVEL_DEBUG:
		return "DEBUG";
	}
	return "LEVEL";
}

/* "2026-11-24T18:00:00.123Z INFO " */
static void line_start(struct log_line *line, enum log_level level)
{
	struct timespec now;
	struct tm tm;
	int len;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	len = snprintf(line->octets, LOG_LINE_MAX,
		       "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s ",
		       tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		       tm.tm_min, tm.tm_sec, (int)(now.tv_nsec / 1000000),
		       level_name(level));
	line->len = (size_t)len;
}

/* ASCII control characters, and U+0080 to U+009F, which terminals obey too. */
static bool is_control(const uint8_t *octet)
{
	if (octet[0] == 0xc2)
		return octet[1] >= 0x80 && octet[1] <= 0x9f;
	return octet[0] < 0x20 || octet[0] == 0x7f;
}

/* `text` ends with a 0 octet, so looking one octet ahead is safe. */
static void line_add(struct log_line *line, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	const size_t end = LOG_LINE_MAX - sizeof("\\xff" CUT_MARK "\n");

	for (const uint8_t *in = (const uint8_t *)text; *in != 0; in++) {
		char *out = line->octets + line->len;

		if (line->len >= end) {
			memcpy(out, CUT_MARK, sizeof(CUT_MARK) - 1);
			line->len += sizeof(CUT_MARK) - 1;
			return;
		}
		if (!is_control(in)) {
			*out = (char)*in;
			line->len++;
			continue;
		}
		out[0] = '\\';
		out[1] = 'x';
		out[2] = hex[*in >> 4];
		out[3] = hex[*in & 0xf];
		line->len += 4;
	}
}

static void line_to_stderr(struct log_line *line)
{
	ssize_t n;

	line->octets[line->len] = '\n';
	do {
		n = write(STDERR_FILENO, line->octets, line->len + 1);
	} while (n < 0 && errno == EINTR);
}

static void line_send(struct log_line *line, enum log_level level)
{
	if (in_sink) {
		line_to_stderr(line);
		return;
	}
	pthread_mutex_lock(&sink_lock);
	if (sink == NULL) {
		line_to_stderr(line);
	} else {
		line->octets[line->len] = 0;
		in_sink = true;
		sink(sink_arg, level, line->octets);
		in_sink = false;
	}
	pthread_mutex_unlock(&sink_lock);
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char text[LOG_TEXT_MAX];
	struct log_line line;
	int saved_errno = errno;
	va_list args;
	int len;

	if (level > atomic_load(&max_level))
		return;
	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	line_start(&line, level);
	if (len >= (int)sizeof(text))
		memcpy(text + sizeof(text) - sizeof(CUT_MARK), CUT_MARK,
		       sizeof(CUT_MARK));
	line_add(&line, len < 0 ? fmt : text);
	line_send(&line, level);
	errno = saved_errno;
}
