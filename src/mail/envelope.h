/*
 * The envelope of a message (RFC 9051 section 7.5.2), made from the fields of
 * its header.
 *
 * Strings are as in the message, unfolded and not decoded, without NUL (it
 * becomes U+FFFD) and line ends. Of a field that occurs twice the addresses
 * are joined (or a reader sees others than a filter did), of Date, Subject,
 * In-Reply-To and Message-ID the first one counts.
 */
#ifndef MAIL_ENVELOPE_H
#define MAIL_ENVELOPE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"
#include "mail/address.h"
#include "mail/header.h"

/* A slice with data == NULL and an address list of NULL are NIL. */
struct mail_envelope {
	struct slice date;
	struct slice subject;
	struct mail_address *from;
	struct mail_address *sender;   /* `from` itself if there is none */
	struct mail_address *reply_to; /* likewise */
	struct mail_address *to;
	struct mail_address *cc;
	struct mail_address *bcc;
	struct slice in_reply_to;
	struct slice message_id;
};

/* From, Sender, Reply-To, To, Cc, Bcc. */
#define MAIL_ENVELOPE_LISTS 6

/* An envelope in the making. */
struct mail_envelope_maker {
	struct mail_envelope *env;
	struct arena *arena;
	struct mail_address **tail[MAIL_ENVELOPE_LISTS];
};

/* The envelope and its strings go into `arena`. */
void mail_envelope_begin(struct mail_envelope_maker *maker,
			 struct arena *arena);

/* A field of that name has a place in an envelope. */
bool mail_envelope_wants(struct slice name);

/* Takes a field into account, if it is wanted. */
void mail_envelope_add(struct mail_envelope_maker *maker,
		       const struct mail_header_field *field);

/* After the last field: sender and reply_to default to from. */
struct mail_envelope *mail_envelope_finish(struct mail_envelope_maker *maker);

/* Of a whole header. */
struct mail_envelope *mail_envelope_parse(struct slice header,
					  struct arena *arena);

#endif
