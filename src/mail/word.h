/*
 * Encoded words of header fields (RFC 2047, language tags of RFC 2231) to
 * UTF-8.
 */
#ifndef MAIL_WORD_H
#define MAIL_WORD_H

#include "base/buf.h"
#include "base/slice.h"
#include "mail/charset.h"

/*
 * Octets of one encoded word that is decoded. RFC 2047 allows 75; mailers
 * exceed it. A longer one is text.
 */
#define MAIL_WORD_MAX 2000

/*
 * Appends `value` (folded or not) as UTF-8 on one line. Blanks between two
 * encoded words go; neighbours of one charset are decoded as one run, for
 * mailers split characters. Words of an unknown charset or with a broken
 * encoding stay as they are, and so do raw 8 bit octets.
 */
void mail_word_decode(struct slice value, struct mail_charsets *charsets,
		      struct buf *out);

#endif
