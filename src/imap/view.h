/*
 * A view: the picture of a mailbox by which a session counts its messages.
 *
 * Sequence number n is the n-th UID of the view. Views are immutable, shared
 * between the sessions of one loop that stand at the same point, and counted;
 * an idle session costs a pointer. Not for use from several threads.
 */
#ifndef IMAP_VIEW_H
#define IMAP_VIEW_H

#include <stdint.h>

#include "base/uidset.h"

struct imap_view {
	unsigned refs;
	uint64_t mailbox_id;
	uint64_t modseq; /* HIGHESTMODSEQ at this point */
	uint32_t uidnext;
	struct uidset uids; /* owned by the view */
};

/* A view with one reference; takes what `uids` holds and leaves it empty. */
struct imap_view *imap_view_new(uint64_t mailbox_id, uint64_t modseq,
				uint32_t uidnext, struct uidset *uids);
struct imap_view *imap_view_ref(struct imap_view *view);

/* Drops one reference; *viewp becomes NULL. */
void imap_view_unref(struct imap_view **viewp);

#endif
