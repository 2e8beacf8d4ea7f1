/*
 * One description of a layout for both directions: fields to octets and back.
 *
 * A function that names the fields of a struct in order, with their limits,
 * serves as its encoder and its decoder, so the two cannot differ and no limit
 * is checked on one side only. Commands, their results and the rows of tables
 * are written in this way.
 *
 * The first error sticks; further fields are skipped (decoding gives zeroes).
 */
#ifndef CLUSTER_CODEC_H
#define CLUSTER_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/pack.h"
#include "base/slice.h"
#include "base/uidset.h"
#include "raft/command.h"

struct codec {
	struct buf *out; /* NULL: decoding */
	size_t start;    /* of out, before this */
	size_t max;      /* octets that may be appended */
	struct unpack in;
	struct arena *arena; /* decoding: for arrays; may be NULL */
	enum err err;
};

/* Appends to `out`, at most `max` octets. */
struct codec codec_encoder(struct buf *out, size_t max);

/* Slices that come out borrow from `octets`. */
struct codec codec_decoder(struct slice octets, struct arena *arena);

/*
 * The first error, else ERR_LIMIT (encoding: more than `max` octets) or
 * ERR_SYNTAX (decoding: damaged, or something is left). After an error of an
 * encoder nothing was appended.
 */
must_use enum err codec_end(struct codec *codec);

static inline bool codec_decodes(const struct codec *codec)
{
	return !codec->out;
}

/* Records `err` unless it is ERR_NONE or another came before. */
void codec_fail(struct codec *codec, enum err err);

/* The same for what a check of a field says: M55 lets an encoder pass it. */
void codec_check(struct codec *codec, enum err err);

/* One field each; a bool other than 0 or 1 and what is cut off are errors. */
void codec_bool(struct codec *codec, bool *value);
void codec_u8(struct codec *codec, uint8_t *value);
void codec_u64(struct codec *codec, uint64_t *value);

/* Short for small numbers; ERR_LIMIT above `max`. */
void codec_var(struct codec *codec, uint64_t *value, uint64_t max);
void codec_var32(struct codec *codec, uint32_t *value);
void codec_var64(struct codec *codec, uint64_t *value);

/* Short for numbers near zero, of either sign. */
void codec_signed(struct codec *codec, int64_t *value);

/* ERR_INVALID unless first <= value <= last. */
void codec_choice(struct codec *codec, unsigned *value, unsigned first,
		  unsigned last);

/* ERR_INVALID with a bit outside `mask`. */
void codec_bits(struct codec *codec, uint8_t *value, uint8_t mask);

/* ERR_LIMIT above `max` octets. */
void codec_bytes(struct codec *codec, struct slice *bytes, size_t max);

/* Fixed lengths: 32 octets; proposer, slot and turn. */
void codec_hash(struct codec *codec, struct sha256 *hash);
void codec_op(struct codec *codec, struct op_id *op);

/* At most `max` numbers (ERR_LIMIT), at least one (ERR_INVALID). */
void codec_uids(struct codec *codec, struct uidset *uids, uint64_t max);

/* The same, and the set may be empty. */
void codec_uids_any(struct codec *codec, struct uidset *uids, uint64_t max);

/*
 * The count of an array: at most `max` (ERR_LIMIT). Decoding allocates it, of
 * elements of `size` octets, zeroed: *array_r; encoding leaves that alone.
 * Gives how many elements to go through: 0 after an error.
 */
size_t codec_array(struct codec *codec, size_t *count, size_t max, size_t size,
		   void **array_r);

#endif
