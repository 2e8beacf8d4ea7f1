/*
 * A borrowed run of octets; `struct buf` (buf.h) is its owning sister.
 *
 * A slice has no terminating 0 and may hold any octet. Whoever hands one out
 * says how long it lives.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *data;
	size_t len;
};

#define SLICE_NONE ((struct slice){ NULL, 0 })

/* A slice of a string literal. */
#define SLICE_LIT(s) \
	((struct slice){ (const uint8_t *)("" s), sizeof("" s) - 1 })

/* printf("%.*s", SLICE_FMT(s)) */
#define SLICE_FMT(s) ((int)(s).len), ((const char *)(s).data)

static inline struct slice slice_of(const void *data, size_t len)
{
	return (struct slice){ (const uint8_t *)data, len };
}

static inline struct slice slice_str(const char *s)
{
	return slice_of(s, strlen(s));
}

/* From octet `from` (at most len) to the end. */
struct slice slice_from(struct slice s, size_t from);

/* The first `len` octets, or all if there are fewer. */
struct slice slice_first(struct slice s, size_t len);

/* Same length and octets. */
bool slice_eq(struct slice a, struct slice b);

/* ASCII letters compare without regard to case; other octets exactly. */
bool slice_eq_nocase(struct slice a, struct slice b);
bool slice_has_prefix(struct slice s, struct slice prefix);
bool slice_has_prefix_nocase(struct slice s, struct slice prefix);
bool slice_has_suffix(struct slice s, struct slice suffix);

/* Lexical order of octets, a proper prefix first: <0, 0, >0. */
int slice_cmp(struct slice a, struct slice b);

/* Index of the first `octet`, or s.len. */
size_t slice_find(struct slice s, uint8_t octet);

/*
 * Cuts up to the next `octet`: returns what stands before it and moves `*s`
 * past it. Without one the whole is returned and `*s` becomes empty.
 */
struct slice slice_cut(struct slice *s, uint8_t octet);

/* Without leading and trailing SP, HTAB, CR, LF. */
struct slice slice_trim(struct slice s);

/* All digits, no sign, fits 64 bit and is at most `max`; else false. */
bool slice_to_u64(struct slice s, uint64_t max, uint64_t *value_r);

#endif
