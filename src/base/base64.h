/*
 * Base64 (RFC 4648 section 4) of short texts: SASL, keys, tokens.
 *
 * MIME bodies are decoded by mail/, as a stream.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Appends the text, padded, without line breaks. */
void base64_encode(struct slice octets, struct buf *out);

/* Appends the octets. ERR_SYNTAX: anything but the one canonical form. */
must_use enum err base64_decode(struct slice text, struct buf *out);

/* Lower-case hexadecimal; decode takes both cases. */
void hex_encode(struct slice octets, struct buf *out);
must_use enum err hex_decode(struct slice text, struct buf *out);

#endif
