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

/* Takes what is still in the view out of `vanished`. */
void session_write_earlier(struct imap_session *session,
			   struct uidset *vanished)
{
	uidset_remove_set(vanished, &session->mailbox.view->uids);
	imap_write_vanished(&session->out, true, vanished);
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

/* ---- what the command did itself ---- */

void session_add_own(struct imap_session *session, const uint64_t *modseqs,
		     size_t count)
{
	struct session_own *own = &session->own;

	if (own->count + count > own->cap) {
		own->cap = 2 * (own->count + count);
		own->modseqs = mem_realloc(own->modseqs,
					   own->cap * sizeof(*own->modseqs));
	}
	for (size_t i = 0; i < count; i++)
		own->modseqs[own->count++] = modseqs[i];
}

static bool is_own(const struct session_own *own, uint64_t modseq)
{
	size_t low = 0;
	size_t high = own->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (own->modseqs[middle] < modseq)
			low = middle + 1;
		else
			high = middle;
	}
	return low < own->count && own->modseqs[low] == modseq;
}

/*
 * Nobody else has changed anything between the view and the end of our STORE:
 * each command takes the next MODSEQ. Else a row with our MODSEQ may hold a
 * flag of another's, too, and is told whole.
 */
static bool was_alone(const struct session_own *own, uint64_t view_modseq)
{
	return own->count > 0 &&
	       own->modseqs[own->count - 1] == view_modseq + own->count;
}

/* `alone`: of our own rows the client knows the flags. */
static void tell_changed_row(struct imap_session *session,
			     const struct imap_row *row, bool alone)
{
	bool own = is_own(&session->own, row->modseq);
	bool quiet;

	uidset_remove(&session->echo, row->uid, row->uid);
	if (!uidset_has(&session->mailbox.view->uids, row->uid))
		return;
	/* FETCH has shown what \Seen made of it, with its MODSEQ. */
	if (own && session->command->kind == IMAP_FETCH)
		return;
	quiet = own && alone && session->command->store.silent;
	if (!quiet || session->condstore)
		session_write_row(session, row, !quiet);
}

static void tell_changed(struct imap_session *session, uint64_t view_modseq)
{
	const struct imap_ask_sync *sync = &session->sync;
	bool alone = was_alone(&session->own, view_modseq);

	for (size_t i = 0; i < sync->changed_count; i++)
		tell_changed_row(session, &sync->changed[i], alone);
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

static void tell_modseq(struct imap_session *session)
{
	imap_begin_untagged(&session->out, IMAP_OK);
	imap_code_num(&session->out, "HIGHESTMODSEQ",
		      session->mailbox.told_modseq);
	imap_end_text(&session->out, "all up to it was told");
}

/*
 * A client of QRESYNC takes the highest MODSEQ that it sees as the point up to
 * which it knows all. While expunges are held back it must not (RFC 7162
 * section 6).
 */
static void set_told_modseq(struct imap_session *session, uint64_t view_modseq,
			    bool held)
{
	struct session_mailbox *mailbox = &session->mailbox;
	bool behind = mailbox->told_modseq < view_modseq;

	if (!held)
		mailbox->told_modseq = mailbox->view->modseq;
	if (session->qresync && (held || behind))
		tell_modseq(session);
}

/* New keywords, or other flags that may be changed (RFC 4314 5.1.1). */
static void tell_flags(struct imap_session *session)
{
	const struct imap_ask_sync *sync = &session->sync;
	bool told = session->mailbox.rights_changed;

	session->mailbox.rights_changed = false;
	if (sync->keywords)
		told |= session_set_keywords(session, sync->keywords,
					     sync->keyword_count);
	if (told)
		session_write_flags(session);
}

/* Tells the answer of session->sync; `may_expunge` by the command's kind. */
static void tell(struct imap_session *session, bool may_expunge)
{
	struct session_mailbox *mailbox = &session->mailbox;
	struct imap_ask_sync *sync = &session->sync;
	uint64_t view_modseq = mailbox->view->modseq;
	struct imap_view *now = sync->now;
	bool held = false;

	sync->now = NULL;
	tell_flags(session);
	if (!may_expunge) {
		struct imap_view *grown_view = grown(mailbox->view, now);

		/* What is held back is told at the next chance. */
		held = !uidset_eq(&grown_view->uids, &now->uids);
		mailbox->dirty |= held;
		imap_view_unref(&now);
		now = grown_view;
	}
	take_view(session, now);
	tell_changed(session, view_modseq);
	set_told_modseq(session, view_modseq, held);
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

/*
 * RFC 9051 section 7.5.1; UID commands may, but for UID SEARCH with numbers of
 * messages (RFC 7162 section 3.2.10.2): SEARCH never does.
 */
static bool may_expunge(const struct imap_command *command)
{
	switch ((int)command->kind) {
	case IMAP_FETCH:
	case IMAP_STORE:
		return command->uid;
	case IMAP_SEARCH:
		return false;
	default:
		return true;
	}
}

static void ask_echo(struct imap_session *session);

static void echo_answered(struct imap_session *session)
{
	const struct imap_ask_rows *answer = &session->ask.rows;

	for (size_t i = 0; i < answer->count && !answer->ask.err; i++)
		session_write_row(session, &answer->rows[i], true);
	if (answer->next && !answer->ask.err) {
		uidset_remove(&session->echo, 1, answer->next - 1);
		ask_echo(session);
	} else {
		session_finish(session);
	}
}

static void ask_echo(struct imap_session *session)
{
	if (session_wait_output(session, ask_echo))
		return;
	session_ask_new(session, IMAP_ASK_ROWS);
	session->ask.rows.mailbox_id = session->mailbox.id;
	session->ask.rows.uids = &session->echo;
	session->ask.rows.from = 1;
	session_ask(session, echo_answered);
}

/* All news were told. */
static void told(struct imap_session *session)
{
	if (session->mailbox.open)
		uidset_intersect(&session->echo, &session->mailbox.view->uids);
	if (session->echo.count)
		ask_echo(session);
	else
		session_finish(session);
}

/* A command that was done has its answer, whatever became of the mailbox. */
static void end_synced(struct imap_session *session)
{
	enum err err = session->sync.ask.err;

	if (!err) {
		tell(session, may_expunge(session->command));
		told(session);
		return;
	}
	session->mailbox.dirty = true; /* told later */
	if (session->qresync)
		tell_modseq(session);
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
		told(session);
}

void session_end_modseq(struct imap_session *session)
{
	session->end.modseq = session->qresync && session->mailbox.open;
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
	/* Without a read index the local copy will have to do. */
	if (session->mailbox.dirty && (!err || session->sync.read_index) &&
	    !session->shutdown)
		session_idle_changed(session);
}

void session_idle_changed(struct imap_session *session)
{
	if (session->mailbox.open && session->mailbox.dirty &&
	    !session_wait_output(session, session_idle_changed))
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
