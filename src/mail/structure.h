/*
 * The cached structure: the parts of a message (mime.h) as octets that are
 * stored beside it, so that ENVELOPE, BODYSTRUCTURE and sections of the body
 * need no look at the body; and which octets a section is.
 */
#ifndef MAIL_STRUCTURE_H
#define MAIL_STRUCTURE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "mail/mime.h"

/*
 * What is worth a place in each row of a message. A structure that is larger
 * is made from the body when it is asked for.
 */
#define MAIL_STRUCTURE_CACHED_MAX (32 * 1024)

/* What may be made for the moment: no parsed message exceeds it. */
#define MAIL_STRUCTURE_MAX (32 * 1024 * 1024)

/*
 * Appends the octets. ERR_LIMIT: there would be more than `max`, and nothing
 * was appended.
 */
must_use enum err mail_structure_encode(const struct mime_part *root,
					size_t max, struct buf *out);

/*
 * A read-only view: parts in `arena`, strings borrowed from `octets`.
 *
 * What comes out holds whatever mime.h promises of parts (order and nesting of
 * offsets, children, envelopes, limits), whatever went in. ERR_VERSION: of a
 * later release; ERR_CORRUPT.
 */
must_use enum err mail_structure_decode(struct slice octets,
					struct arena *arena,
					const struct mime_part **root_r);

/* Which octets of a part are meant (RFC 9051 section 6.4.5). */
enum mail_section {
	MAIL_SECTION_ALL,    /* "" and "1.2" */
	MAIL_SECTION_HEADER, /* "HEADER" and "1.2.HEADER", with .FIELDS too */
	MAIL_SECTION_TEXT,   /* "TEXT" and "1.2.TEXT" */
	MAIL_SECTION_MIME,   /* "1.2.MIME" */
};

struct mail_range {
	uint64_t offset; /* in the message */
	uint64_t len;    /* octets */
};

/*
 * Finds a section.
 *
 *   numbers  the part numbers, outermost first; none: the message itself
 *   part_r   whose octets they are: with ALL the part whose encoding and
 *            charset hold for them; NULL allowed
 *
 * ERR_NOTFOUND: the message has no such part, HEADER or TEXT of a part that is
 * no message, MIME without a part number.
 */
must_use enum err mail_section_find(const struct mime_part *root,
				    const uint32_t *numbers, size_t count,
				    enum mail_section section,
				    struct mail_range *range_r,
				    const struct mime_part **part_r);

#endif
