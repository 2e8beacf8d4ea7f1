/*
 * The heap, with death instead of NULL.
 *
 * A node without memory cannot keep any promise; the cluster goes on without
 * it. So no caller has a path for a failed allocation, and none can be wrong.
 */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/panic.h"

#ifdef ENABLE_FAULTS
void mem_fail_at(uint64_t n)
{
	fault_set_alloc_at(n);
}
#endif

/* malloc(0) and realloc(p, 0) may give NULL, which is not a failure. */
static size_t at_least_one(size_t size)
{
	return size > 0 ? size : 1;
}

void *mem_alloc(size_t size)
{
	void *ptr = ALLOC_FAILS() ? NULL : malloc(at_least_one(size));

	if (ptr == NULL)
		PANIC("no memory for %zu octets", size);
	return ptr;
}

void *mem_zalloc(size_t count, size_t size)
{
	size_t total;
	void *ptr;

	if (__builtin_mul_overflow(count, size, &total))
		PANIC("%zu times %zu octets is no size", count, size);
	ptr = ALLOC_FAILS() ? NULL : calloc(1, at_least_one(total));
	if (ptr == NULL)
		PANIC("no memory for %zu octets", total);
	return ptr;
}

void *mem_realloc(void *ptr, size_t size)
{
	ptr = ALLOC_FAILS() ? NULL : realloc(ptr, at_least_one(size));
	if (ptr == NULL)
		PANIC("no memory for %zu octets", size);
	return ptr;
}

char *mem_dup(const void *data, size_t len)
{
	char *copy;

	MUST(len < SIZE_MAX);
	copy = mem_alloc(len + 1);
	if (len > 0)
		memcpy(copy, data, len);
	copy[len] = 0;
	return copy;
}

void mem_free(void *ptr)
{
	free(ptr);
}
