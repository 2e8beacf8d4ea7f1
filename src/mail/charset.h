/*
 * Charsets of mail to UTF-8, by iconv.
 *
 * Names are looked up without regard to case and through a table of what mail
 * uses and the library does not know. Opening a converter costs little but not
 * nothing: a cache, owned by whoever works (one worker, one session; no
 * locks), keeps the last few.
 */
#ifndef MAIL_CHARSET_H
#define MAIL_CHARSET_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Converters that stay open in a cache: what one mailbox commonly mixes. */
#define MAIL_CHARSETS_KEPT 8

/* Octets of a charset name; longer ones are unknown. */
#define MAIL_CHARSET_NAME_MAX 40

struct mail_converter;

/* A zeroed one is an empty cache. */
struct mail_charsets {
	struct mail_converter *kept[MAIL_CHARSETS_KEPT]; /* newest first */
};

/* Closes what is kept; the cache is empty and usable afterwards. */
void mail_charsets_fini(struct mail_charsets *charsets);

/*
 * A converter from `name`, at its initial state, owned by the caller until it
 * is put back. Several may be out at once, of one charset too.
 *
 * ERR_CHARSET: unknown. US-ASCII is read as UTF-8, which it is part of.
 */
must_use enum err mail_charsets_take(struct mail_charsets *charsets,
				     struct slice name,
				     struct mail_converter **conv_r);

/* Gives it back; NULL is allowed. Leaves the caller NULL. */
void mail_charsets_put(struct mail_charsets *charsets,
		       struct mail_converter **convp);

/* Whether take would succeed. */
bool mail_charsets_known(struct mail_charsets *charsets, struct slice name);

/*
 * Appends the octets as UTF-8, in any split: an incomplete character at the
 * end of `in` waits for the next call. Octets that are none in the charset
 * become U+FFFD each; the output is always well-formed.
 */
void mail_converter_feed(struct mail_converter *conv, struct slice in,
			 struct buf *out);

/* End of the text: an incomplete character becomes U+FFFD. */
void mail_converter_finish(struct mail_converter *conv, struct buf *out);

/*
 * The next octets need no conversion as far as they are ASCII: nothing waits,
 * and the charset has ASCII where it is and no shifts. A quick path.
 */
bool mail_converter_ascii_safe(const struct mail_converter *conv);

/* Whole text at once. ERR_CHARSET: nothing was appended. */
must_use enum err mail_charset_decode(struct mail_charsets *charsets,
				      struct slice name, struct slice in,
				      struct buf *out);

#endif
