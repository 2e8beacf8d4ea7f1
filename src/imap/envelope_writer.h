/*
 * ENVELOPE, BODY and BODYSTRUCTURE (RFC 9051 section 7.5.2) from the parsed
 * structure of a message.
 */
#ifndef IMAP_ENVELOPE_WRITER_H
#define IMAP_ENVELOPE_WRITER_H

#include <stdbool.h>

#include "base/buf.h"
#include "mail/mime.h"

/* "(date subject from sender reply-to to cc bcc in-reply-to message-id)" */
void imap_write_envelope(struct buf *out, bool utf8,
			 const struct mail_envelope *env);

/*
 * The parts, one in the other. `extended`: BODYSTRUCTURE, with MD5,
 * disposition, language and location; else BODY.
 */
void imap_write_body(struct buf *out, bool utf8, const struct mime_part *part,
		     bool extended);

#endif
