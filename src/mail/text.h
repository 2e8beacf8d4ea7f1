/*
 * Search in the text of messages: substrings under i;unicode-casemap (RFC
 * 5051), in decoded text (RFC 9051 section 6.4.4).
 *
 * Text flows through in pieces; a hit may lie across their borders. Bodies are
 * read by a callback, so that none is ever held whole.
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
#include "mail/mime.h"

/* ---- what is looked for ---- */

/* Octets of a search key; imap/ refuses longer ones before. */
#define MAIL_NEEDLE_MAX 8192

/* Compiled, and constant then: any number of threads may use it. */
struct mail_needle;

/* From UTF-8; octets that are none stand for themselves. At most the above. */
struct mail_needle *mail_needle_new(struct slice utf8);
void mail_needle_free(struct mail_needle **needlep);

/* ---- one text in pieces ---- */

struct mail_matcher {
	const struct mail_needle *needle;
	bool hit;
	struct buf tail;   /* folded: may begin a hit that goes on */
	struct buf wait;   /* not folded yet: more may belong to it */
	struct buf folded; /* scratch */
};

/* A zeroed one may be given to init and fini; memory stays between texts. */
void mail_matcher_init(struct mail_matcher *matcher,
		       const struct mail_needle *needle);
void mail_matcher_fini(struct mail_matcher *matcher);

/* True: the needle was found, here or before; the rest need not be fed. */
bool mail_matcher_feed(struct mail_matcher *matcher, struct slice utf8);
bool mail_matcher_finish(struct mail_matcher *matcher);

/* ---- messages ---- */

/* What a search needs between texts; one per worker. Zeroed: empty. */
struct mail_text {
	struct mail_charsets charsets;
	struct mail_matcher matcher;
	struct mail_decoder decoder;
	struct buf read;    /* octets of the body */
	struct buf decoded; /* without transfer encoding */
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
 * headers of embedded messages. Text in an unknown charset or encoding is
 * searched as it stands.
 */
must_use enum err mail_text_search_body(struct mail_text *text,
					const struct mime_part *root,
					mail_text_read *read, void *arg,
					const struct mail_needle *needle,
					bool *hit_r);

/* SEARCH TEXT: that, and the headers of the message and of all its parts. */
must_use enum err mail_text_search_all(struct mail_text *text,
				       const struct mime_part *root,
				       mail_text_read *read, void *arg,
				       const struct mail_needle *needle,
				       bool *hit_r);

/*
 * SEARCH HEADER: any field `name` of the header block holds the needle. An
 * empty needle is in any field that exists.
 */
bool mail_text_search_header(struct mail_text *text, struct slice header,
			     struct slice name,
			     const struct mail_needle *needle);

/* One value, as it stands in a header or an envelope: Subject, Message-ID. */
bool mail_text_search_value(struct mail_text *text, struct slice value,
			    const struct mail_needle *needle);

/*
 * SEARCH FROM, TO, CC, BCC on an envelope: each address is searched as
 * `name <mailbox@host>`, a group as its name.
 */
bool mail_text_search_addresses(struct mail_text *text,
				const struct mail_address *list,
				const struct mail_needle *needle);

#endif
