/*
 * The parts of a message (RFC 2045, 2046): one pass over its octets.
 *
 * A stored message always parses: what is broken or above a limit becomes a
 * leaf, never an error. Offsets and sizes are those of the message as stored.
 * Lines end with LF; a CR before it belongs to the line end.
 *
 *  - Of a field that occurs twice the first one counts.
 *  - Without Content-Type, or with one that is none, a part is text/plain; in
 *    multipart/digest message/rfc822.
 *  - A multipart without a usable boundary is text/plain.
 *  - A delimiter is a line that begins with "--" and the boundary of any open
 *    multipart (RFC 2046 section 5.1.1: what follows does not matter); a line
 *    that is nothing else wins over one that goes on, then the longest
 *    boundary, then the innermost. The line end before it belongs to it.
 *  - A delimiter of an outer multipart ends the inner ones; without a close
 *    delimiter a multipart ends with its parent.
 *  - A multipart without parts gets an empty one: IMAP must show one.
 */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "mail/envelope.h"
#include "mail/param.h"

/*
 * Depth of the root is 1; a multipart or message at the greatest depth is
 * opaque. RFC 9051 sets no limit; clients and servers recurse over this.
 */
#define MIME_DEPTH_MAX 100

/* Parts of a message, the root included: the last one takes all the rest. */
#define MIME_PARTS_MAX 10000

/*
 * Octets of one header that are looked at, fields behind them are not; a
 * multipart or message whose header is longer is opaque.
 */
#define MIME_HEADER_MAX (1024 * 1024)

/*
 * Octets of arena that one message may take: real ones need some 2 KiB. Above
 * it headers are no longer looked at and all further parts are opaque.
 */
#define MIME_MEMORY_MAX (16 * 1024 * 1024)

/* A longer boundary is not usable. RFC 2046 allows 70. */
#define MIME_BOUNDARY_MAX 998

enum mime_kind {
	MIME_LEAF,
	MIME_MULTIPART, /* one or more children, and a boundary */
	MIME_MESSAGE,   /* message/rfc822, message/global: one child */
};

/*
 * A part. It and all its strings live in the arena of the parser, or as
 * mail_structure_decode (structure.h) says.
 *
 *   header_begin  body_begin                          body_end
 *   |             |                                   |
 *   Subject: ...CRLFtext of the bodyCRLFits last line CRLF--boundary
 *
 * The header has its empty line. A child lies within the body of its parent;
 * that of a MIME_MESSAGE spans all of it. A string that is absent has
 * data == NULL. Opaque parts are application/octet-stream without parameters.
 */
struct mime_part {
	struct mime_part *parent; /* NULL: the message itself */
	struct mime_part *next;   /* sibling */
	struct mime_part *child;  /* first one */
	uint32_t child_count;
	enum mime_kind kind;
	uint64_t header_begin;
	uint64_t body_begin;
	uint64_t body_end;
	uint64_t lines; /* LFs in the body */

	struct slice type;         /* never absent; letters as they came */
	struct slice subtype;      /* likewise */
	struct mail_params params; /* text: with "charset" "us-ascii" if none */
	struct slice encoding;     /* absent: 7bit */
	struct slice id;
	struct slice description;
	struct slice md5;
	struct slice location;
	struct slice disposition;
	struct mail_params disposition_params;
	struct slice *languages;
	uint32_t language_count;

	/* Of the root and of the child of a MIME_MESSAGE; else NULL. */
	struct mail_envelope *envelope;
};

static inline uint64_t mime_part_size(const struct mime_part *part)
{
	return part->body_end - part->body_begin;
}

/* text/ whatever: BODYSTRUCTURE shows its lines. */
bool mime_part_is_text(const struct mime_part *part);

struct mime_parser;

/* `arena` must outlive the parser and the result. */
struct mime_parser *mime_parser_new(struct arena *arena);

/* Octets of the message in order, in any split. */
void mime_parser_feed(struct mime_parser *parser, struct slice octets);

/* End of the message: its root. Nothing may be fed afterwards. */
struct mime_part *mime_parser_finish(struct mime_parser *parser);

/* Allowed at any time; the parts stay with the arena. */
void mime_parser_free(struct mime_parser **parserp);

/* A message that is in memory. */
struct mime_part *mime_parse(struct slice message, struct arena *arena);

#endif
