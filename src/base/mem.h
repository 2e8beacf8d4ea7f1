/*
 * Heap memory that is never NULL: lack of memory is a clean death (panic.h).
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

/* `size` octets, not cleared; size 0 gives a pointer that may be freed. */
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));

/* `count` * `size` octets of zeroes; an overflow of the product panics. */
void *mem_zalloc(size_t count, size_t size)
	__attribute__((malloc, returns_nonnull));

/* Resizes; `ptr` may be NULL. */
void *mem_realloc(void *ptr, size_t size) __attribute__((returns_nonnull));

/* A copy of `len` octets with a 0 octet behind. */
char *mem_dup(const void *data, size_t len)
	__attribute__((malloc, returns_nonnull));

/* NULL is allowed. */
void mem_free(void *ptr);

#ifdef ENABLE_FAULTS
/*
 * Count-based faults (builds with --enable-faults): the n-th allocation from
 * now panics; 0 switches it off. The environment variable MURDER_MEM_FAIL_AT
 * sets it at start.
 */
void mem_fail_at(uint64_t n);
#endif

#endif
