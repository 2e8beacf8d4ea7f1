/*
 * Pictures of mailboxes: what sessions see of the rows in a group's state.
 */
#include "server/mailbox_view.h"

#include "server/imap_op.h"

struct imap_view *mailbox_view_get(struct server_loop *loop,
				   struct store_txn *txn, uint64_t mailbox,
				   const struct mailgroup_status *status)
{
	struct imap_view *latest = server_loop_view(loop, mailbox);
	struct uidset uids = { 0 };
	struct imap_view *view;

	if (latest && latest->modseq == status->highestmodseq &&
	    latest->uidnext == status->uidnext)
		return imap_view_ref(latest);
	mailgroup_uids(txn, mailbox, &uids);
	view = imap_view_new(mailbox, status->highestmodseq, status->uidnext,
			     &uids);
	uidset_fini(&uids);
	/* A view of a snapshot that could not be read is shown to nobody. */
	if (store_txn_error(txn) == ERR_NONE)
		server_loop_offer_view(loop, view);
	return view;
}

void mailbox_keywords_copy(struct store_txn *txn, uint64_t mailbox,
			   struct arena *arena, struct slice **names_r,
			   size_t *count_r)
{
	struct mailgroup_keywords keywords;

	mailgroup_keywords_get(txn, mailbox, &keywords);
	*count_r = keywords.count;
	*names_r = arena_zalloc(arena, keywords.count + 1, sizeof(**names_r));
	for (unsigned i = 0; i < keywords.count; i++)
		(*names_r)[i] = arena_slice(arena, keywords.names[i]);
}

void mailbox_row_copy(const struct mailgroup_row *from, struct arena *arena,
		      struct imap_row *to)
{
	*to = (struct imap_row){
		.uid = from->uid,
		.flags = imap_flags_of(from->flags),
		.modseq = from->modseq,
		.internal_date_s = from->date_s,
		.internal_zone_min = from->zone_min,
		.size = from->size,
		.body = from->hash,
	};
	to->keywords[0] = from->keywords.words[0];
	to->keywords[1] = from->keywords.words[1];
	if (from->structure.len)
		to->structure = arena_slice(arena, from->structure);
}
