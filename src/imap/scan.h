/*
 * Tokens of a command that stands whole in memory (RFC 9051 section 9).
 *
 * The text is what the framing of parser.c has put together: lines without
 * their last CRLF, a literal as "{n}" CRLF and its n octets. It lives in the
 * arena, and so do the slices that come out.
 *
 * All functions return false at the first octet that does not fit; `error` then
 * says why, for the BAD reply. What they have consumed is not given back.
 */
#ifndef IMAP_SCAN_H
#define IMAP_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "imap/command.h"

struct imap_scan {
	const uint8_t *pos;
	const uint8_t *end;
	struct arena *arena;
	const char *error; /* static text; the first one counts */
	bool utf8;         /* mailbox names are UTF-8 (parser.h, mode) */
};

/* Classes of octets, one bit each. */
enum imap_octet {
	IMAP_OCTET_ATOM = 1 << 0,    /* ATOM-CHAR */
	IMAP_OCTET_ASTRING = 1 << 1, /* ASTRING-CHAR */
	IMAP_OCTET_TAG = 1 << 2,     /* of a tag */
	IMAP_OCTET_LIST = 1 << 3,    /* list-char */
	IMAP_OCTET_QUOTED = 1 << 4,  /* between quotes without a backslash */
	IMAP_OCTET_DIGIT = 1 << 5,
};

bool imap_octet_is(uint8_t octet, enum imap_octet octet_class);

/* Sets `error` if there is none yet; always false. */
bool imap_scan_fail(struct imap_scan *scan, const char *error);

static inline bool imap_scan_at_end(const struct imap_scan *scan)
{
	return scan->pos == scan->end;
}

/* The next octet, not consumed; 0 at the end (no text holds a NUL token). */
static inline uint8_t imap_scan_peek(const struct imap_scan *scan)
{
	return scan->pos < scan->end ? *scan->pos : 0;
}

/* Consumes `octet` if it is next; no error if not. */
static inline bool imap_scan_try(struct imap_scan *scan, char octet)
{
	if (scan->pos == scan->end || *scan->pos != (uint8_t)octet)
		return false;
	scan->pos++;
	return true;
}

/* Must be next. */
bool imap_scan_octet(struct imap_scan *scan, char octet, const char *error);
bool imap_scan_sp(struct imap_scan *scan);
bool imap_scan_end(struct imap_scan *scan);

/*
 * In a list behind its "(": consumes the ")" that ends it (*more_r false), or
 * the SP before all but the first item.
 */
bool imap_scan_list_next(struct imap_scan *scan, bool first, bool *more_r);

/* One or more octets of a class. */
bool imap_scan_run(struct imap_scan *scan, enum imap_octet octet_class,
		   const char *error, struct slice *run_r);
bool imap_scan_atom(struct imap_scan *scan, struct slice *atom_r);

/* Letters, digits, '.' and '-': a name that we may know; may be empty. */
struct slice imap_scan_word(struct imap_scan *scan);

/* Order of an upper-case name and a word in any case: <0, 0, >0. */
int imap_word_cmp(const char *name, struct slice word);

/* Consumes the word if it is next, in any case; no error if not. */
bool imap_scan_try_word(struct imap_scan *scan, const char *word);

/* Quoted or literal, unescaped. */
bool imap_scan_string(struct imap_scan *scan, struct slice *string_r);
bool imap_scan_astring(struct imap_scan *scan, struct slice *string_r);

/* data == NULL for NIL. */
bool imap_scan_nstring(struct imap_scan *scan, struct slice *string_r);

bool imap_scan_number(struct imap_scan *scan, uint64_t min, uint64_t max,
		      uint64_t *number_r);
bool imap_scan_mailbox(struct imap_scan *scan, struct imap_mailbox *mailbox_r);
bool imap_scan_list_mailbox(struct imap_scan *scan,
			    struct imap_mailbox *mailbox_r);
bool imap_scan_set(struct imap_scan *scan, struct imap_seqset *set_r);

/* "(\Seen $Junk)" */
bool imap_scan_flag_list(struct imap_scan *scan, struct imap_flag_list *list_r);

/* The same without parentheses, one flag at least. */
bool imap_scan_bare_flags(struct imap_scan *scan,
			  struct imap_flag_list *list_r);

/* "\"17-Jul-1996 02:44:25 -0700\"" */
bool imap_scan_date_time(struct imap_scan *scan, int64_t *unix_s_r,
			 int32_t *zone_min_r);

/* "1-Feb-1994", quoted or not: days since 1970-01-01. */
bool imap_scan_date(struct imap_scan *scan, int32_t *day_r);

/* An array that grows in the arena; zeroed: empty. */
struct imap_vec {
	void *items;
	size_t count;
	size_t cap;
};

/*
 * One more item of `size` octets, zeroed; items added before may move. NULL,
 * with an error: there are `max` already.
 */
void *imap_scan_add(struct imap_scan *scan, struct imap_vec *vec, size_t size,
		    size_t max);

#endif
