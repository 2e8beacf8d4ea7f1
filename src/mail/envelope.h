/*
 * The envelope of a message (RFC 9051 section 7.5.2), made from the fields of
 * its header.
 *
 * Strings are as in the message, unfolded and not decoded. Of a field that
 * occurs twice the addresses are joined, of Date, Subject, In-Reply-To and
 * Message-ID the first one counts.
 */
#ifndef MAIL_ENVELOPE_H
#define MAIL_ENVELOPE_H

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

/* Takes a field into account; fields that an envelope lacks are ignored. */
void mail_envelope_add(struct mail_envelope *env, struct arena *arena,
		       const struct mail_header_field *field);

/* After the last field: sender and reply_to default to from. */
void mail_envelope_finish(struct mail_envelope *env);

#endif
