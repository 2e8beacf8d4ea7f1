/*
 * The Content- fields of one part, and what kind of part they make (RFC 2045
 * section 5, RFC 2046 section 5); used by the parser (mime.c).
 */
#ifndef MAIL_CONTENT_H
#define MAIL_CONTENT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"
#include "mail/header.h"
#include "mail/mime.h"

/* Languages of one part that are kept. */
#define MAIL_LANGUAGES_MAX 100

/* A part in the making. */
struct mail_content {
	struct mime_part *part;
	struct arena *arena; /* owner of its strings */
	bool type_seen;      /* a Content-Type, be it broken */
};

/* A field of that name says something of a part. */
bool mail_content_wants(struct slice name);

/* Takes a field into account, if it is wanted and the first of its name. */
void mail_content_add(struct mail_content *content,
		      const struct mail_header_field *field);

/*
 * After the last field: type, defaults and kind of the part.
 *
 *   in_digest   its parent is a multipart/digest
 *   may_open    it may have children; else it is opaque if it wanted to
 *   boundary_r  of a MIME_MULTIPART, else absent
 */
void mail_content_finish(struct mail_content *content, bool in_digest,
			 bool may_open, struct slice *boundary_r);

/* What a media type makes of a part that may be opened. */
enum mime_kind mail_content_kind(struct slice type, struct slice subtype);

/* text/plain in us-ascii: what a part is if nothing is said of it. */
void mail_content_default(struct mime_part *part, struct arena *arena);

#endif
