/*
 * Modified UTF-7, the old form of mailbox names (RFC 3501 section 5.1.3).
 *
 * Strict in both directions: each name has exactly one form, so that two
 * spellings never name one mailbox.
 */
#ifndef IMAP_UTF7_H
#define IMAP_UTF7_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Appends the modified UTF-7 form. ERR_SYNTAX: `utf8` is not UTF-8. */
must_use enum err imap_utf7_encode(struct slice utf8, struct buf *out);

/*
 * Appends the UTF-8 form. ERR_SYNTAX: octets above 126 or below SP, base64
 * that does not end in "-", padding bits that are not 0, a surrogate without
 * its other half, printable ASCII in base64, or a superfluous shift ("-&").
 * What was appended before the error is taken back.
 */
must_use enum err imap_utf7_decode(struct slice utf7, struct buf *out);

#endif
