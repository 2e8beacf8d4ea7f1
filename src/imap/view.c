/*
 * Views: counted, immutable.
 */
#include "imap/view.h"

#include "base/mem.h"
#include "base/panic.h"

struct imap_view *imap_view_new(uint64_t mailbox_id, uint64_t modseq,
				uint32_t uidnext, struct uidset *uids)
{
	struct imap_view *view = mem_zalloc(1, sizeof(*view));

	view->refs = 1;
	view->mailbox_id = mailbox_id;
	view->modseq = modseq;
	view->uidnext = uidnext;
	view->uids = *uids;
	*uids = (struct uidset){ 0 };
	return view;
}

struct imap_view *imap_view_ref(struct imap_view *view)
{
	view->refs++;
	return view;
}

void imap_view_unref(struct imap_view **viewp)
{
	struct imap_view *view = *viewp;

	*viewp = NULL;
	if (!view)
		return;
	MUST(view->refs > 0);
	if (--view->refs > 0)
		return;
	uidset_fini(&view->uids);
	mem_free(view);
}
