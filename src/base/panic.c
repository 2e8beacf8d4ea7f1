/*
 * The end of a process that found itself wrong: one log line, then abort().
 *
 * Nothing is unwound and nothing is flushed: what was not durable before is
 * exactly what a power loss would have taken.
 */
#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

#define PANIC_TEXT_MAX                                         \
	1024 /* octets; on the stack: the heap may be at fault \
	      */

void panic_at(const char *file, int line, const char *fmt, ...)
{
	char text[PANIC_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	log_write(LOG_LEVEL_ERROR, "PANIC %s:%d: %s", file, line, text);
	abort();
}
