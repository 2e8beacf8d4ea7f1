/*
 * Substrings under i;unicode-casemap (RFC 5051), in text that comes in pieces.
 *
 * A hit may lie across the borders of pieces. Letters of ASCII compare without
 * regard to case wherever they come from, so a ligature finds its letters too.
 */
#ifndef MAIL_MATCH_H
#define MAIL_MATCH_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"
#include "mail/fold.h"

/* Octets of a search key that count; imap/ refuses longer ones before. */
#define MAIL_NEEDLE_MAX 8192

/* Compiled, and constant then: any number of threads may use it. */
struct mail_needle;

/* From UTF-8; octets that are none stand for themselves. */
struct mail_needle *mail_needle_new(struct slice utf8);
void mail_needle_free(struct mail_needle **needlep);

/*
 * Octets of text outside ASCII that wait for their end, at most: characters
 * that combine must be folded together. Unicode knows no longer sequence in
 * real text (UAX #15 takes 30 characters for safe).
 */
#define MAIL_MATCH_WAIT_MAX 512

struct mail_matcher {
	const struct mail_needle *needle;
	bool hit;
	struct mail_fold fold;
	struct buf tail; /* folded; a hit may have begun in it */
	struct buf wait; /* outside ASCII, not folded: more may belong to it */
	struct buf folded; /* scratch */
	struct buf upper;  /* scratch */
};

/* A matcher is zeroed once; init begins a text and keeps its memory. */
void mail_matcher_init(struct mail_matcher *matcher,
		       const struct mail_needle *needle);
void mail_matcher_fini(struct mail_matcher *matcher);

/* True: the needle was found, now or before; the rest need not be fed. */
bool mail_matcher_feed(struct mail_matcher *matcher, struct slice utf8);

/* End of the text; true likewise. */
bool mail_matcher_finish(struct mail_matcher *matcher);

#endif
