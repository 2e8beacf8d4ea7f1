/*
 * Memory that goes in one stroke: what a command needs lives in its arena.
 *
 * A zeroed struct arena is an empty one.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>

#include "base/attr.h"
#include "base/slice.h"

struct arena_block;

struct arena {
	struct arena_block *first; /* newest block; older ones follow */
	size_t used;               /* octets handed out in all blocks */
};

/* Frees everything; the arena is empty and usable afterwards. */
void arena_fini(struct arena *arena);

/* Forgets everything; keeps one block for the next command. */
void arena_clear(struct arena *arena);

/* Aligned for any type, not cleared; never NULL. */
void *arena_alloc(struct arena *arena, size_t size);

/* `count` * `size` octets of zeroes. */
void *arena_zalloc(struct arena *arena, size_t count, size_t size);

/* One zeroed structure. */
#define ARENA_NEW(arena, type) ((type *)arena_zalloc(arena, 1, sizeof(type)))

/* A copy with a 0 octet behind. */
char *arena_dup(struct arena *arena, const void *data, size_t len);
struct slice arena_slice(struct arena *arena, struct slice s);
char *arena_printf(struct arena *arena, const char *fmt, ...) printf_like(2, 3);

/* Octets handed out since init or clear: what limits are checked against. */
static inline size_t arena_used(const struct arena *arena)
{
	return arena->used;
}

#endif
