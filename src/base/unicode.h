/*
 * UTF-8 and the Unicode forms that names and searches need.
 *
 * The tables differ between releases of the library: nothing computed here may
 * happen inside apply; the proposer computes and the result travels.
 */
#ifndef BASE_UNICODE_H
#define BASE_UNICODE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Well-formed (RFC 3629): no surrogates, no overlong forms. NUL is allowed. */
bool utf8_valid(struct slice s);

/* No octet above 127. */
bool ascii_only(struct slice s);

/* Appends the NFC form. ERR_SYNTAX: not UTF-8. */
must_use enum err unicode_nfc(struct slice s, struct buf *out);

/*
 * Appends the i;unicode-casemap form (RFC 5051): titlecase of each code point,
 * then NFKD. Octets that are no UTF-8 are copied as they are.
 */
void unicode_casemap(struct slice s, struct buf *out);

#endif
