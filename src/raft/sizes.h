/*
 * How many octets the entries that raft keeps in memory have: libraft counts
 * entries, memory is octets (libraft.md 4).
 */
#ifndef RAFT_SIZES_H
#define RAFT_SIZES_H

#include <stddef.h>
#include <stdint.h>

struct sizes {
	uint64_t first; /* index of the first one */
	size_t count;
	size_t cap;
	uint32_t *octets;
	uint64_t total;
};

/* Empty; the next entry has this index. */
void sizes_init(struct sizes *sizes, uint64_t first);
void sizes_fini(struct sizes *sizes);

/* `index` is at most one behind the last; what stood there is replaced. */
void sizes_add(struct sizes *sizes, uint64_t index, uint32_t octets);

/* Drops all at and behind `index`. */
void sizes_truncate(struct sizes *sizes, uint64_t index);

/* Drops all before `first`. */
void sizes_cut(struct sizes *sizes, uint64_t first);

/*
 * How many entries up to `index`, counted backwards, have no more than
 * `octets` together; at least 1, at most `max`.
 */
unsigned sizes_tail(const struct sizes *sizes, uint64_t index, uint64_t octets,
		    unsigned max);

#endif
