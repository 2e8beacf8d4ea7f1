/*
 * Search in messages (RFC 9051 section 6.4.4): in their decoded text, by the
 * rules of match.h.
 *
 * Bodies are read by a callback in pieces, so that none is ever held whole; a
 * search ends at the first hit.
 */
#ifndef MAIL_TEXT_H
#define MAIL_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "mail/address.h"
#include "mail/charset.h"
#include "mail/decode.h"
#include "mail/match.h"
#include "mail/mime.h"

/* What a search needs between texts; one per worker. Zeroed: empty. */
struct mail_text {
	struct mail_charsets charsets;
	struct mail_matcher matcher;
	struct mail_decoder decoder;
	struct buf read;    /* octets of the message */
	struct buf decoded; /* without transfer encoding, or unfolded */
	struct buf utf8;
};

void mail_text_fini(struct mail_text *text);

/* Octets of one read: few reads, little memory. */
#define MAIL_TEXT_READ (64 * 1024)

/*
 * Appends octets `offset` to `offset` + `len` of the message to `out`; len is
 * at most MAIL_TEXT_READ. An error ends the search and is its result.
 */
typedef enum err mail_text_read(void *arg, uint64_t offset, size_t len,
				struct buf *out);

/*
 * SEARCH BODY: the text of all text/ and message/ leaves, decoded, and the
 * headers of embedded messages. Text in an unknown charset or transfer
 * encoding is searched as it stands.
 */
must_use enum err mail_text_search_body(struct mail_text *text,
					const struct mime_part *root,
					mail_text_read *read, void *arg,
					const struct mail_needle *needle,
					bool *hit_r);

/*
 * SEARCH TEXT: that, and the headers of the message and of all its parts, each
 * field as "Name: value" with its encoded words decoded. Of a header the first
 * MIME_HEADER_MAX octets are searched.
 */
must_use enum err mail_text_search_all(struct mail_text *text,
				       const struct mime_part *root,
				       mail_text_read *read, void *arg,
				       const struct mail_needle *needle,
				       bool *hit_r);

/*
 * SEARCH HEADER: the value of any field `name` of the header block holds the
 * needle. An empty needle is in any field that exists.
 */
bool mail_text_search_header(struct mail_text *text, struct slice header,
			     struct slice name,
			     const struct mail_needle *needle);

/* One value, as it stands in a header or an envelope: Subject, Message-ID. */
bool mail_text_search_value(struct mail_text *text, struct slice value,
			    const struct mail_needle *needle);

/*
 * SEARCH FROM, TO, CC, BCC on an envelope: each address is searched as
 * `name <mailbox@host>`, the begin of a group as its name.
 */
bool mail_text_search_addresses(struct mail_text *text,
				const struct mail_address *list,
				const struct mail_needle *needle);

#endif
