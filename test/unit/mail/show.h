/*
 * Parts, envelopes and addresses as text, so that a test can compare them with
 * what it expects and a failure can be read.
 */
#ifndef TEST_UNIT_MAIL_SHOW_H
#define TEST_UNIT_MAIL_SHOW_H

#include "base/buf.h"
#include "mail/address.h"
#include "mail/envelope.h"
#include "mail/mime.h"
#include "mail/param.h"

/* "name|route|mailbox|host", joined by ", "; NIL is "-". */
void show_addresses(const struct mail_address *list, struct buf *out);

/* "date=.. subject=.. from=[..] ..": what is NIL is left out. */
void show_envelope(const struct mail_envelope *env, struct buf *out);

/* "a=b; c=d" */
void show_params(const struct mail_params *params, struct buf *out);

/*
 * A line a part, deeper ones indented:
 * "offset+header+body/lines type/subtype (params) enc=..", then its envelope.
 */
void show_parts(const struct mime_part *root, struct buf *out);

#endif
