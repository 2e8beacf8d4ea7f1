/*
 * Line ends of mail from files: each LF that no CR precedes becomes CRLF.
 *
 * Stored messages are as IMAP shows them, so this runs where mail comes from
 * elsewhere than SMTP, LMTP or APPEND.
 */
#ifndef MAIL_STRIP_H
#define MAIL_STRIP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* A zeroed one is at the start of a message. */
struct mail_strip {
	bool cr;         /* the last octet was CR */
	uint64_t octets; /* appended so far: RFC822.SIZE in the end */
	uint64_t added;  /* CRs among them that were not in the input */
	uint64_t lines;  /* LFs */
};

/* Appends the octets, in any split. */
void mail_strip_feed(struct mail_strip *strip, struct slice in,
		     struct buf *out);

#endif
