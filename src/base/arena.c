/*
 * An arena: blocks that are cut from the front and freed together.
 *
 * Blocks grow from 1 KiB to 64 KiB, so a short command costs one block and a
 * long one few. What is larger than a block gets one of its own. Under
 * AddressSanitizer every allocation is a block: it sees each octet too far.
 */
#include "base/arena.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/panic.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_CHECKED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_CHECKED 1
#endif
#endif

#ifdef ARENA_CHECKED
#define BLOCK_MIN 0
#define BLOCK_MAX 0
#else
#define BLOCK_MIN 1024        /* octets */
#define BLOCK_MAX (64 * 1024) /* octets; also the most that clear keeps */
#endif

struct arena_block {
	struct arena_block *older;
	size_t size; /* octets of data */
	size_t used; /* of them given out, padding included */
	_Alignas(max_align_t) uint8_t data[];
};

static void blocks_free(struct arena_block *block)
{
	while (block != NULL) {
		struct arena_block *older = block->older;

		mem_free(block);
		block = older;
	}
}

void arena_fini(struct arena *arena)
{
	blocks_free(arena->first);
	*arena = (struct arena){ NULL, 0 };
}

void arena_clear(struct arena *arena)
{
	struct arena_block *kept = arena->first;

	if (kept == NULL || kept->size > BLOCK_MAX) {
		arena_fini(arena);
		return;
	}
	blocks_free(kept->older);
	kept->older = NULL;
	kept->used = 0;
	arena->used = 0;
}

/* Twice the newest block within the bounds, or what is asked for. */
static size_t block_size(const struct arena *arena, size_t need)
{
	size_t size = BLOCK_MIN;

	if (arena->first != NULL)
		size = 2 * arena->first->size;
	if (size > BLOCK_MAX)
		size = BLOCK_MAX;
	return size > need ? size : need;
}

static struct arena_block *block_add(struct arena *arena, size_t need)
{
	size_t size = block_size(arena, need);
	struct arena_block *block = mem_alloc(sizeof(*block) + size);

	block->older = arena->first;
	block->size = size;
	block->used = 0;
	arena->first = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct arena_block *block = arena->first;
	uint8_t *ptr;

	MUST(size <= SIZE_MAX / 4);
	if (block == NULL || block->size - block->used < size)
		block = block_add(arena, size);
	ptr = block->data + block->used;
	block->used += (size + align - 1) / align * align;
	if (block->used > block->size)
		block->used = block->size;
	arena->used += size;
	return ptr;
}

void *arena_zalloc(struct arena *arena, size_t count, size_t size)
{
	size_t total;
	void *ptr;

	if (__builtin_mul_overflow(count, size, &total))
		PANIC("%zu times %zu octets is no size", count, size);
	ptr = arena_alloc(arena, total);
	memset(ptr, 0, total);
	return ptr;
}

char *arena_dup(struct arena *arena, const void *data, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	if (len > 0)
		memcpy(copy, data, len);
	copy[len] = 0;
	return copy;
}

struct slice arena_slice(struct arena *arena, struct slice s)
{
	return slice_of(arena_dup(arena, s.data, s.len), s.len);
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	MUST(len >= 0);
	text = arena_alloc(arena, (size_t)len + 1);
	va_start(args, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return text;
}
