/*
 * Sequence sets as the client wrote them (RFC 9051 section 9, sequence-set).
 *
 * "*" and "$" stay symbols until the set is resolved: what they mean depends
 * on the view of the session at the moment when the command runs.
 */
#ifndef IMAP_SEQSET_H
#define IMAP_SEQSET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/uidset.h"

/*
 * Ranges of one set. A sorted set without overlaps that fits one line of
 * 64 KiB has fewer than 12,000; more is padding.
 */
#define IMAP_SEQSET_MAX 16384

#define IMAP_SEQ_STAR 0 /* "*": numbers are never 0 */

/* As written: `first` may be above `last`, either may be IMAP_SEQ_STAR. */
struct imap_seq_range {
	uint32_t first;
	uint32_t last;
};

struct imap_seqset {
	const struct imap_seq_range *ranges;
	size_t count;
	bool saved; /* "$" (RFC 5182): no ranges then */
};

/*
 * Reads a set from the start of `*text` and moves `*text` behind it. Ranges
 * are allocated in `arena`. ERR_SYNTAX; ERR_LIMIT: more than IMAP_SEQSET_MAX.
 */
must_use enum err imap_seqset_parse(struct slice *text, struct arena *arena,
				    struct imap_seqset *set_r);

/* No "*", no "$": what QRESYNC wants of known UIDs (RFC 7162 section 7). */
bool imap_seqset_is_plain(const struct imap_seqset *set);

/* Ranges and numbers rise strictly: QRESYNC's match data. */
bool imap_seqset_is_ascending(const struct imap_seqset *set);

/*
 * The numbers of the set, "*" being `star` (> 0). Adds to `out`, which the
 * caller owns. `set` must not be "$".
 */
void imap_seqset_numbers(const struct imap_seqset *set, uint32_t star,
			 struct uidset *out);

/*
 * The UIDs of the view that a set of *sequence numbers* names.
 *
 *   view   UIDs of the messages, in the order in which they are counted
 *   saved  the set behind "$"; what is no longer in the view is left out
 *   uids   gets the UIDs (added); owned by the caller
 *
 * ERR_SYNTAX (a tagged BAD): a number above the count of messages, or "*"
 * in an empty mailbox (RFC 9051 section 9, seq-number).
 */
must_use enum err imap_seqset_resolve_seqs(const struct imap_seqset *set,
					   const struct uidset *view,
					   const struct uidset *saved,
					   struct uidset *uids);

/*
 * The UIDs of the view that a set of *UIDs* names; unknown ones are left out.
 * "*" is the last UID of the view; "$" as above. Cannot fail.
 */
void imap_seqset_resolve_uids(const struct imap_seqset *set,
			      const struct uidset *view,
			      const struct uidset *saved, struct uidset *uids);

/* The sequence numbers of those `uids` that are in the view: for ESEARCH. */
void imap_seqs_of_uids(const struct uidset *uids, const struct uidset *view,
		       struct uidset *seqs);

/* Appends the set as it is written on the wire, symbols included. */
void imap_seqset_format(const struct imap_seqset *set, struct buf *out);

#endif
