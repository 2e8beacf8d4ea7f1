/*
 * Compiler attributes and the few macros that every folder uses.
 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#include <stddef.h>

/* The result must be looked at: functions that return enum err carry it. */
#define must_use __attribute__((warn_unused_result))

/* Checks the arguments of a printf-like function; positions count from 1. */
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

/* A parameter that the interface demands and this function does not need. */
#define unused_arg __attribute__((unused))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The structure of `type` whose `member` stands at `ptr`. */
#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
