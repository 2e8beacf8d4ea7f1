/*
 * Sizes and durations as people write them: "10M", "30s".
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/*
 * Whole numbers, without sign, fraction or space. ERR_SYNTAX: not that form (a
 * duration without its unit is none); ERR_LIMIT: does not fit 64 bits.
 */

/* Octets: digits, then nothing or one of K M G T (powers of 1024). */
must_use enum err units_size(struct slice text, uint64_t *octets_r);

/* Milliseconds: digits, then one of "ms" "s" "m" "h" "d". */
must_use enum err units_duration(struct slice text, uint64_t *ms_r);

/* "1.5 GiB", "312 octets". */
void units_format_size(uint64_t octets, struct buf *out);

#endif
