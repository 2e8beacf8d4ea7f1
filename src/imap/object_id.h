/*
 * EMAILID (RFC 8474) of a message: the beginning of its body's SHA-256.
 *
 * Equal octets have equal ids, for ever and everywhere. A letter in front and
 * lower-case digits only, as section 8.1 advises.
 */
#ifndef IMAP_OBJECT_ID_H
#define IMAP_OBJECT_ID_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/slice.h"

/* Octets of the hash that are shown: no two messages will ever share them. */
#define IMAP_EMAIL_ID_OCTETS 20

/* Appends "M" and 40 hexadecimal digits. */
void imap_email_id_format(const struct sha256 *body, struct buf *out);

/* Whether `id`, as a client wrote it, is the id of that body. */
bool imap_email_id_is(struct slice id, const struct sha256 *body);

#endif
