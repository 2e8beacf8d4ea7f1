/*
 * Log lines for operators: one line an event, where path, mailbox or peer are
 * known. Any thread may log.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>

#include "base/attr.h"

enum log_level {
	LOG_LEVEL_ERROR, /* somebody must act */
	LOG_LEVEL_WARN,  /* somebody may want to act */
	LOG_LEVEL_INFO,  /* a change of state: start, stop, leader, import */
	LOG_LEVEL_DEBUG, /* off by default */
};

/* Lines above `level` are dropped; INFO by default. */
void log_set_level(enum log_level level);

/*
 * Takes each whole line (without LF) instead of stderr; NULL restores stderr.
 * Called from any thread, one at a time.
 */
typedef void log_sink(void *arg, enum log_level level, const char *line);
void log_set_sink(log_sink *sink, void *arg);

/* One line; control characters are escaped, too long ones cut. */
void log_write(enum log_level level, const char *fmt, ...) printf_like(2, 3);

#define LOG_ERROR(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define LOG_WARN(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define LOG_INFO(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define LOG_DEBUG(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
