/*
 * Content transfer encodings (RFC 2045 section 6), decoded as a stream.
 *
 * Mail is decoded however broken it is: octets that do not belong into base64
 * are passed over, a '=' that begins no quoted octet stands for itself.
 */
#ifndef MAIL_DECODE_H
#define MAIL_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum mail_encoding {
	MAIL_ENCODING_IDENTITY, /* 7bit, 8bit, binary, or none given */
	MAIL_ENCODING_BASE64,
	MAIL_ENCODING_QUOTED,  /* quoted-printable */
	MAIL_ENCODING_UNKNOWN, /* passed as it is; BINARY: UNKNOWN-CTE */
};

/* From the value of Content-Transfer-Encoding; an empty one is identity. */
enum mail_encoding mail_encoding_of(struct slice value);

/*
 * What waits in quoted-printable text for the octets behind it. Blanks at the
 * end of a line are padding (rule 3), so they wait for what follows.
 */
enum mail_quoted_state {
	MAIL_QUOTED_TEXT,    /* nothing */
	MAIL_QUOTED_BLANKS,  /* blanks */
	MAIL_QUOTED_CR,      /* blanks and a CR */
	MAIL_QUOTED_EQUALS,  /* '=' */
	MAIL_QUOTED_HEX,     /* '=' and a hexadecimal digit */
	MAIL_QUOTED_SOFT,    /* '=' and blanks: a soft break before CR or LF */
	MAIL_QUOTED_SOFT_CR, /* '=', blanks and a CR */
};

/* Octets that may wait; more blanks than that are text. */
#define MAIL_QUOTED_WAIT_MAX 1000

struct mail_decoder {
	enum mail_encoding encoding;
	uint32_t bits;   /* base64: digits of a group, 6 bits each */
	unsigned digits; /* base64: how many, 0..3 */
	enum mail_quoted_state quoted;
	struct buf wait; /* quoted-printable: as it came */
};

/* A decoder is zeroed once; init makes it ready again and keeps its memory. */
void mail_decoder_init(struct mail_decoder *dec, enum mail_encoding encoding);
void mail_decoder_fini(struct mail_decoder *dec);

/*
 * Appends what `in` decodes to, in any split. Base64 that goes on behind its
 * padding is joined texts: decoding goes on.
 */
void mail_decoder_feed(struct mail_decoder *dec, struct slice in,
		       struct buf *out);

/* End of the body: what waits is appended; then ready for another one. */
void mail_decoder_finish(struct mail_decoder *dec, struct buf *out);

#endif
