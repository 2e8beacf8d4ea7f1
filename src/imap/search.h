/*
 * The program of a SEARCH command (RFC 9051 section 6.4.4, RFC 3501, 5032,
 * 5182, 7162, 8474) and its evaluation, message by message.
 *
 * The parser makes the program; the session binds it to its view, saved result
 * and keywords; workers then match rows, each with a run of its own. A bound
 * program is only read and may be shared between threads.
 *
 * Matching is in three grades of cost: what the row holds, what the cached
 * structure holds (sent date, addresses and subject of the envelope), and what
 * must be read from the body. A dearer key is looked at only if the cheaper
 * ones have not decided.
 */
#ifndef IMAP_SEARCH_H
#define IMAP_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/uidset.h"
#include "imap/port.h"

/* Keys of one program; a line of 64 KiB cannot hold many more. */
#define IMAP_SEARCH_KEYS_MAX 4096

struct imap_search;

/* What the symbols of a program mean at the moment of the command. */
struct imap_search_bind {
	const struct uidset *view;    /* UIDs in the order of the session */
	const struct uidset *saved;   /* "$"; NULL or empty: nothing */
	const struct slice *keywords; /* bit n of a row is keywords[n] */
	size_t keyword_count;
	int64_t now_s; /* seconds since 1970 UTC, for YOUNGER and OLDER */
};

/*
 * Gives the symbols their meaning; what it allocates lives in `arena`. Must be
 * done before the first match, and may be done again with another binding.
 * ERR_SYNTAX (a tagged BAD): a sequence number above the count of messages.
 */
must_use enum err imap_search_bind(struct imap_search *search,
				   struct arena *arena,
				   const struct imap_search_bind *bind);

/* What rows must carry: enum imap_rows_want. */
uint32_t imap_search_wants(const struct imap_search *search);

/* Some message may have to be read. */
bool imap_search_reads_bodies(const struct imap_search *search);

/* MODSEQ is among the keys: the answer carries the highest one (RFC 7162). */
bool imap_search_has_modseq(const struct imap_search *search);

/* "$" is among the keys. */
bool imap_search_has_saved(const struct imap_search *search);

/*
 * UIDs beyond which nothing can match (UID and sequence-set keys that all
 * matches must fulfil): narrows `candidates` in place. After bind.
 */
void imap_search_narrow(const struct imap_search *search,
			struct uidset *candidates);

/* Where the octets of messages come from; filled by the caller of match. */
struct imap_search_reader {
	/*
	 * Appends octets [offset, offset + len) of the row's message, all of
	 * them (the structure says that they are there). ERR_MISSING_BODY,
	 * ERR_CORRUPT, ERR_IO end the match with that error.
	 */
	must_use enum err (*read)(struct imap_search_reader *reader,
				  const struct imap_row *row, uint64_t offset,
				  size_t len, struct buf *out);
	/*
	 * The structure of a row that has none cached; borrowed until the next
	 * call.
	 */
	must_use enum err (*structure)(struct imap_search_reader *reader,
				       const struct imap_row *row,
				       struct slice *structure_r);
};

/* Scratch memory of one worker; kept from message to message. */
struct imap_search_run;

struct imap_search_run *imap_search_run_new(const struct imap_search *search,
					    struct imap_search_reader *reader);
void imap_search_run_free(struct imap_search_run **runp);

/* Does the row's message match? Errors are the reader's. */
must_use enum err imap_search_match(struct imap_search_run *run,
				    const struct imap_row *row, bool *match_r);

#endif
