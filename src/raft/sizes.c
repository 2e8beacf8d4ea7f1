/*
 * Octets of the entries in memory (sizes.h): pure.
 */
#include "raft/sizes.h"

#include <string.h>

#include "base/mem.h"
#include "base/panic.h"

void sizes_init(struct sizes *sizes, uint64_t first)
{
	*sizes = (struct sizes){ .first = first };
}

void sizes_fini(struct sizes *sizes)
{
	mem_free(sizes->octets);
	sizes_init(sizes, 1);
}

void sizes_truncate(struct sizes *sizes, uint64_t index)
{
	MUST(index >= sizes->first);
	while (sizes->count > 0 && sizes->first + sizes->count > index)
		sizes->total -= sizes->octets[--sizes->count];
}

void sizes_add(struct sizes *sizes, uint64_t index, uint32_t octets)
{
	sizes_truncate(sizes, index);
	MUST(index == sizes->first + sizes->count);
	if (sizes->count == sizes->cap) {
		sizes->cap = sizes->cap == 0 ? 64 : sizes->cap * 2;
		sizes->octets =
			mem_realloc(sizes->octets, sizes->cap * sizeof(octets));
	}
	sizes->octets[sizes->count++] = octets;
	sizes->total += octets;
}

void sizes_cut(struct sizes *sizes, uint64_t first)
{
	size_t drop;

	if (first <= sizes->first)
		return;
	drop = first - sizes->first < sizes->count
		       ? (size_t)(first - sizes->first)
		       : sizes->count;
	for (size_t i = 0; i < drop; i++)
		sizes->total -= sizes->octets[i];
	if (drop < sizes->count)
		memmove(sizes->octets, sizes->octets + drop,
			(sizes->count - drop) * sizeof(*sizes->octets));
	sizes->count -= drop;
	sizes->first = first;
}

unsigned sizes_tail(const struct sizes *sizes, uint64_t index, uint64_t octets,
		    unsigned max)
{
	uint64_t sum = 0;
	unsigned tail = 0;

	while (tail < max && index >= sizes->first + tail &&
	       index - tail < sizes->first + sizes->count) {
		sum += sizes->octets[index - tail - sizes->first];
		if (sum > octets)
			break;
		tail++;
	}
	return tail > 0 ? tail : 1;
}
