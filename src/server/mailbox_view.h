/*
 * Pictures of mailboxes for sessions: views, keyword names, rows.
 */
#ifndef SERVER_MAILBOX_VIEW_H
#define SERVER_MAILBOX_VIEW_H

#include "base/arena.h"
#include "cluster/mailgroup.h"
#include "imap/port.h"
#include "server/loop.h"

/*
 * The view that belongs to `status` (of the same transaction): the loop's
 * newest if it is the same, else a new one that the loop remembers. A reference
 * for the caller.
 */
struct imap_view *mailbox_view_get(struct server_loop *loop,
				   struct store_txn *txn, uint64_t mailbox,
				   const struct mailgroup_status *status);

/* Names in the arena; an unused number has an empty name. */
void mailbox_keywords_copy(struct store_txn *txn, uint64_t mailbox,
			   struct arena *arena, struct slice **names_r,
			   size_t *count_r);

/* The row as IMAP wants it; the structure is copied into the arena. */
void mailbox_row_copy(const struct mailgroup_row *from, struct arena *arena,
		      struct imap_row *to);

#endif
