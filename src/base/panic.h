/*
 * Clean death: own bugs, lack of memory and I/O errors end the process.
 *
 * The cluster handles a dead node; nothing handles a confused one. Both macros
 * stay on in production.
 */
#ifndef BASE_PANIC_H
#define BASE_PANIC_H

#include "base/attr.h"

/* Logs "PANIC file:line: text" and aborts. */
#define PANIC(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)

/* Asserts one condition; its text is the message. */
#define MUST(cond) \
	((cond) ? (void)0 : panic_at(__FILE__, __LINE__, "not: %s", #cond))

/* What the macros call; use them. */
_Noreturn void panic_at(const char *file, int line, const char *fmt, ...)
	printf_like(3, 4);

#endif
