/*
 * What happened in the selected mailbox: told between two commands, at NOOP
 * and CHECK, and during IDLE (RFC 9051 section 7.5.1).
 *
 * SYNC gives the newest view. Expunges come first, then EXISTS, then flags.
 * They are held back while FETCH, STORE or SEARCH count by position: the view
 * then grows by what is new and keeps what is gone.
 */
#include "base/mem.h"
#include "base/panic.h"
#include "imap/session_internal.h"

/* ---- lines ---- */

void session_write_row(struct imap_session *session, const struct imap_row *row,
		       bool with_flags)
{
	const struct session_mailbox *mailbox = &session->mailbox;
	struct buf *out = &session->out;
	uint64_t seq = uidset_rank(&mailbox->view->uids, row->uid) + 1;

	imap_begin_numbered(out, (uint32_t)seq, "FETCH (UID ");
	buf_add_u64(out, row->uid);
	if (with_flags) {
		buf_add_str(out, " FLAGS ");
		imap_write_row_flags(out, row->flags, row->keywords,
				     mailbox->keywords, mailbox->keyword_count);
	}
	if (session->condstore) {
		buf_add_str(out, " MODSEQ (");
		buf_add_u64(out, row->modseq);
		buf_add_octet(out, ')');
	}
	buf_add_octet(out, ')');
	imap_end_data(out);
}

static void tell_expunged(struct imap_session *session,
			  const struct imap_view *old,
			  const struct uidset *gone)
{
	if (session->qresync) {
		imap_write_vanished(&session->out, false, gone);
		return;
	}
	/* From the end, so that the lower numbers stay what they are. */
	for (size_t i = gone->count; i-- > 0;) {
		const struct uid_range *range = &gone->ranges[i];
		uint64_t seq = uidset_rank(&old->uids, range->first);

		for (uint32_t n = range->last - range->first + 1; n > 0; n--)
			imap_write_number(&session->out, (uint32_t)(seq + n),
					  "EXPUNGE");
	}
}

/* Is it what this command's own STORE made of the message? */
static bool is_own(const struct imap_session *session,
		   const struct imap_row *row)
{
	for (size_t i = 0; i < session->own_modseq_count; i++)
		if (session->own_modseqs[i] == row->modseq)
			return true;
	return false;
}

static void tell_changed(struct imap_session *session)
{
	const struct imap_ask_sync *sync = &session->sync;

	for (size_t i = 0; i < sync->changed_count; i++) {
		const struct imap_row *row = &sync->changed[i];
		bool own = is_own(session, row);

		/* The client that stored silently still needs MODSEQ. */
		if (uidset_has(&session->mailbox.view->uids, row->uid) &&
		    (!own || session->condstore))
			session_write_row(session, row, !own);
	}
}

/* ---- the new view ---- */

/* `old` with what is new behind it: for when expunges must wait. */
static struct imap_view *grown(const struct imap_view *old,
			       const struct imap_view *now)
{
	struct uidset uids = { 0 };
	struct uidset fresh = { 0 };
	struct imap_view *view;

	uidset_copy(&uids, &old->uids);
	uidset_copy(&fresh, &now->uids);
	if (old->uidnext > 1)
		uidset_remove(&fresh, 1, old->uidnext - 1);
	uidset_add_set(&uids, &fresh);
	view = imap_view_new(now->mailbox_id, now->modseq, now->uidnext, &uids);
	uidset_fini(&fresh);
	uidset_fini(&uids);
	return view;
}

static void take_view(struct imap_session *session, struct imap_view *now)
{
	struct session_mailbox *mailbox = &session->mailbox;
	struct imap_view *old = mailbox->view;
	uint64_t exists = uidset_size(&old->uids);
	struct uidset gone = { 0 };

	uidset_copy(&gone, &old->uids);
	uidset_remove_set(&gone, &now->uids);
	tell_expunged(session, old, &gone);
	uidset_remove_set(&mailbox->saved, &gone);
	exists -= uidset_size(&gone);
	uidset_fini(&gone);
	mailbox->view = now;
	imap_view_unref(&old);
	if (uidset_size(&now->uids) == exists)
		return;
	imap_write_number(&session->out, (uint32_t)uidset_size(&now->uids),
			  "EXISTS");
	if (!session->rev2)
		imap_write_number(&session->out, 0, "RECENT");
}

/* Tells the answer of session->sync; `may_expunge` by the command's kind. */
static void tell(struct imap_session *session, bool may_expunge)
{
	struct session_mailbox *mailbox = &session->mailbox;
	struct imap_ask_sync *sync = &session->sync;
	struct imap_view *now = sync->now;

	sync->now = NULL;
	if (sync->keywords &&
	    session_set_keywords(session, sync->keywords, sync->keyword_count))
		session_write_flags(session);
	if (!may_expunge) {
		struct imap_view *held = grown(mailbox->view, now);

		/* What is held back is told at the next chance. */
		mailbox->dirty |= !uidset_eq(&held->uids, &now->uids);
		imap_view_unref(&now);
		now = held;
	}
	take_view(session, now);
	tell_changed(session);
}

static void ask_sync(struct imap_session *session, bool read_index,
		     session_resume *resume)
{
	session->sync = (struct imap_ask_sync){
		.view = session->mailbox.view,
		.read_index = read_index,
	};
	session->mailbox.dirty = false;
	session_ask_sync(session, resume);
}

/* The mailbox was deleted under the session (RFC 5530, RFC 2180 3.1). */
static void gone(struct imap_session *session)
{
	session_bye(session, IMAP_CODE_NONEXISTENT,
		    "the selected mailbox was deleted");
}

/* ---- at the end of a command ---- */

/* RFC 9051 section 7.5.1; UID commands may, the others must not. */
static bool may_expunge(const struct imap_command *command)
{
	switch ((int)command->kind) {
	case IMAP_FETCH:
	case IMAP_STORE:
	case IMAP_SEARCH:
		return command->uid;
	default:
		return true;
	}
}

/* A command that was done has its answer, whatever became of the mailbox. */
static void end_synced(struct imap_session *session)
{
	enum err err = session->sync.ask.err;

	if (err)
		session->mailbox.dirty = true; /* told later */
	else
		tell(session, may_expunge(session->command));
	session_finish(session);
	if (err == ERR_GONE)
		gone(session);
}

void session_sync_end(struct imap_session *session)
{
	if (session->phase == PHASE_CLOSED)
		return;
	if (session->mailbox.open && session->mailbox.dirty)
		ask_sync(session, false, end_synced);
	else
		session_finish(session);
}

/* ---- NOOP, CHECK ---- */

static void noop_synced(struct imap_session *session)
{
	enum err err = session->sync.ask.err;

	if (err) {
		session->mailbox.dirty = true;
		session_err(session, err, false);
		return;
	}
	tell(session, true);
	session_ok(session);
}

void session_run_noop(struct imap_session *session)
{
	if (session->mailbox.open)
		ask_sync(session, true, noop_synced);
	else
		session_ok(session);
}

/* ---- IDLE (RFC 2177) ---- */

static void idle_synced(struct imap_session *session)
{
	enum err err = session->sync.ask.err;

	if (err == ERR_GONE) {
		gone(session);
		return;
	}
	if (err)
		session->mailbox.dirty = true;
	else
		tell(session, true);
	if (session->mailbox.dirty && !err && !session->shutdown)
		session_idle_changed(session);
}

void session_idle_changed(struct imap_session *session)
{
	if (session->mailbox.open && session->mailbox.dirty)
		ask_sync(session, false, idle_synced);
}

void session_run_idle(struct imap_session *session)
{
	imap_write_continue(&session->out, SLICE_LIT("idling"));
	session->phase = PHASE_IDLE;
	imap_parser_want_line(session->parser);
	if (session->mailbox.open)
		ask_sync(session, true, idle_synced);
}

void session_idle_line(struct imap_session *session, struct slice line)
{
	session->phase = PHASE_RUN;
	if (slice_eq_nocase(line, SLICE_LIT("DONE")))
		session_ok(session);
	else
		session_bad(session, "expected DONE");
}
