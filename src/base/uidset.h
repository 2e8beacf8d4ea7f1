/*
 * A set of 32-bit numbers (UIDs, sequence numbers) as sorted ranges.
 *
 * Ranges neither overlap nor touch. A zeroed struct uidset is the empty set.
 */
#ifndef BASE_UIDSET_H
#define BASE_UIDSET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct uid_range {
	uint32_t first;
	uint32_t last; /* included */
};

struct uidset {
	struct uid_range *ranges;
	size_t count; /* ranges */
	size_t cap;
};

/* fini frees the memory, clear keeps it; both leave the empty set. */
void uidset_fini(struct uidset *set);
void uidset_clear(struct uidset *set);

/* first <= last, both > 0. Adding in rising order takes constant time. */
void uidset_add(struct uidset *set, uint32_t first, uint32_t last);
void uidset_remove(struct uidset *set, uint32_t first, uint32_t last);
void uidset_add_set(struct uidset *set, const struct uidset *other);
void uidset_remove_set(struct uidset *set, const struct uidset *other);

/* Keeps what is in both. */
void uidset_intersect(struct uidset *set, const struct uidset *other);
void uidset_copy(struct uidset *to, const struct uidset *from);

/* Membership, and equality as sets. */
bool uidset_has(const struct uidset *set, uint32_t uid);
bool uidset_eq(const struct uidset *a, const struct uidset *b);

/* How many numbers are in the set. */
uint64_t uidset_size(const struct uidset *set);

/* The n-th number (0-based) in rising order; n < size. */
uint32_t uidset_nth(const struct uidset *set, uint64_t n);

/* How many numbers of the set are below `uid`. */
uint64_t uidset_rank(const struct uidset *set, uint32_t uid);

/* "1:3,7,9:12" (RFC 9051 sequence-set without "*"); empty set: "". */
void uidset_format(const struct uidset *set, struct buf *out);

/*
 * Reads that form; "*" and numbers above 2^32-1 are ERR_SYNTAX, more than
 * `max_ranges` in the text ERR_LIMIT. Ranges may stand in any order, in either
 * direction, and overlap. What the set held is lost; it is empty on an error.
 */
must_use enum err uidset_parse(struct uidset *set, struct slice text,
			       size_t max_ranges);

/*
 * The binary form of stored values and commands: deltas as LEB128. Each set
 * has one form. ERR_CORRUPT: `octets` is none (or is longer); ERR_LIMIT: more
 * than `max_ranges`. What the set held is lost; it is empty on an error.
 */
void uidset_pack(const struct uidset *set, struct buf *out);
must_use enum err uidset_unpack(struct uidset *set, struct slice octets,
				size_t max_ranges);

#endif
