/*
 * Words of structured header fields (RFC 5322 section 3.2, RFC 2045 section
 * 5.1), shared by the parsers of this folder.
 *
 * Fields come folded or not: CR and LF count as blanks, and inside of quotes
 * and comments line ends vanish. A NUL, which IMAP cannot show, becomes U+FFFD
 * in what is appended. Octets above 127 belong to words (RFC 6532).
 */
#ifndef MAIL_LEX_H
#define MAIL_LEX_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

/* Depth of comments that is counted; a deeper one takes the whole rest. */
#define MAIL_COMMENT_DEPTH_MAX 100

struct mail_lex {
	struct slice rest;
	struct buf *comment; /* gets the text of the last comment; or NULL */
	bool unquoted;       /* a '"' without end was seen: all are octets */
};

/* A word of an address: all but blanks, controls and specials. */
bool mail_lex_is_atext(uint8_t octet);

/* A MIME token: all but blanks, controls and tspecials. */
bool mail_lex_is_token(uint8_t octet);

/* SP, HTAB, CR, LF. */
bool mail_lex_is_blank(uint8_t octet);

/* Passes blanks and comments; a comment without end takes the whole rest. */
void mail_lex_skip(struct mail_lex *lex);

/* The next octet is this one. */
bool mail_lex_at(const struct mail_lex *lex, uint8_t octet);

/* If so, passes it and what mail_lex_skip passes. */
bool mail_lex_take(struct mail_lex *lex, uint8_t octet);

/* Appends the octets for which `is` holds; false if there is none. */
bool mail_lex_run(struct mail_lex *lex, bool (*is)(uint8_t octet),
		  struct buf *out);

/* Passes one octet and appends it. */
void mail_lex_octet(struct mail_lex *lex, struct buf *out);

/*
 * At '"': appends what is quoted and passes it. False, nothing passed: it does
 * not end, so this '"' and all behind it are octets like others.
 */
bool mail_lex_quoted(struct mail_lex *lex, struct buf *out);

/* At '[': appends a domain literal and passes it; false if it is none. */
bool mail_lex_domain_literal(struct mail_lex *lex, struct buf *out);

/* The value of a hexadecimal digit, else -1. */
int mail_lex_hex(uint8_t octet);

/* Appends one octet, NUL as U+FFFD. */
void mail_lex_add(struct buf *out, uint8_t octet);

#endif
