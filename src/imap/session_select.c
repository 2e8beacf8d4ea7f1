/*
 * SELECT, EXAMINE, CLOSE, UNSELECT (RFC 9051 sections 6.3.2, 6.4.1; RFC 7162
 * section 3.2.5 for QRESYNC).
 *
 * SELECT: OPEN -> the picture is told -> (QRESYNC: CHANGES -> VANISHED, ROWS
 * ... -> FETCH lines) -> done
 * CLOSE: EXPUNGE of what has \Deleted, untold -> done
 */
#include "base/mem.h"
#include "base/panic.h"
#include "imap/session_internal.h"

/* QRESYNC while its rows come. */
struct session_select {
	struct uidset known; /* what the client says it knows */
	uint64_t since;
	uint32_t from; /* UID where the next slice begins */
};

void session_select_free(struct imap_session *session)
{
	if (!session->select)
		return;
	uidset_fini(&session->select->known);
	mem_free(session->select);
	session->select = NULL;
}

/* ---- keywords ---- */

static void free_keywords(struct session_mailbox *mailbox)
{
	mem_free(mailbox->keywords);
	buf_fini(&mailbox->keyword_text);
	mailbox->keywords = NULL;
	mailbox->keyword_count = 0;
}

static bool same_keywords(const struct session_mailbox *mailbox,
			  const struct slice *keywords, size_t count)
{
	if (mailbox->keyword_count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!slice_eq(mailbox->keywords[i], keywords[i]))
			return false;
	return true;
}

bool session_set_keywords(struct imap_session *session,
			  const struct slice *keywords, size_t count)
{
	struct session_mailbox *mailbox = &session->mailbox;
	size_t at = 0;

	if (same_keywords(mailbox, keywords, count))
		return false;
	free_keywords(mailbox);
	mailbox->keywords = mem_zalloc(count, sizeof(*keywords));
	mailbox->keyword_count = count;
	for (size_t i = 0; i < count; i++)
		buf_add_slice(&mailbox->keyword_text, keywords[i]);
	for (size_t i = 0; i < count; i++) {
		mailbox->keywords[i] = slice_of(mailbox->keyword_text.data + at,
						keywords[i].len);
		at += keywords[i].len;
	}
	return true;
}

#define FLAGS_ALL                                                     \
	(IMAP_FLAG_ANSWERED | IMAP_FLAG_FLAGGED | IMAP_FLAG_DELETED | \
	 IMAP_FLAG_SEEN | IMAP_FLAG_DRAFT)

/* Flags that the user may change for good (RFC 4314 section 5.1.1). */
static uint32_t permanent_flags(const struct session_mailbox *mailbox)
{
	uint32_t flags = 0;

	if (mailbox->read_only)
		return 0;
	if (mailbox->rights & IMAP_RIGHT_SEEN)
		flags |= IMAP_FLAG_SEEN;
	if (mailbox->rights & IMAP_RIGHT_DELETE_MESSAGE)
		flags |= IMAP_FLAG_DELETED;
	if (mailbox->rights & IMAP_RIGHT_WRITE)
		flags |= IMAP_FLAG_ANSWERED | IMAP_FLAG_FLAGGED |
			 IMAP_FLAG_DRAFT;
	return flags;
}

void session_write_flags(struct imap_session *session)
{
	const struct session_mailbox *mailbox = &session->mailbox;
	bool may_write =
		!mailbox->read_only && (mailbox->rights & IMAP_RIGHT_WRITE);

	imap_write_flags_line(&session->out, FLAGS_ALL, mailbox->keywords,
			      mailbox->keyword_count);
	imap_begin_untagged(&session->out, IMAP_OK);
	imap_code_permanentflags(
		&session->out, permanent_flags(mailbox), mailbox->keywords,
		may_write ? mailbox->keyword_count : 0, may_write);
	imap_end_text(&session->out, "flags that can be kept");
}

/* ---- leaving ---- */

void session_unselect(struct imap_session *session)
{
	struct session_mailbox *mailbox = &session->mailbox;

	if (!mailbox->open)
		return;
	session->port->close(session->port, mailbox->id);
	free_keywords(mailbox);
	uidset_fini(&mailbox->saved);
	imap_view_unref(&mailbox->view);
	*mailbox = (struct session_mailbox){ 0 };
	session->state = IMAP_STATE_AUTH;
}

void session_run_unselect(struct imap_session *session)
{
	session_unselect(session);
	session_ok(session);
}

static void closed(struct imap_session *session)
{
	enum err err = session->ask.head.err;

	/* What was not expunged is still there, and the mailbox selected. */
	if (err && err != ERR_GONE) {
		session_err(session, err, true);
		return;
	}
	session_unselect(session);
	session_ok(session);
}

void session_run_close(struct imap_session *session)
{
	const struct session_mailbox *mailbox = &session->mailbox;

	if (mailbox->read_only || !(mailbox->rights & IMAP_RIGHT_EXPUNGE)) {
		session_run_unselect(session);
		return;
	}
	session_ask_new(session, IMAP_ASK_EXPUNGE);
	session->ask.expunge.mailbox_id = mailbox->id;
	session->ask.expunge.uids = &mailbox->view->uids;
	session_ask(session, closed);
}

/* ---- SELECT ---- */

static void tell_code(struct imap_session *session, const char *name,
		      uint64_t value, const char *text)
{
	imap_begin_untagged(&session->out, IMAP_OK);
	imap_code_num(&session->out, name, value);
	imap_end_text(&session->out, text);
}

/* The picture in the order of RFC 9051 section 6.3.2. */
static void tell_picture(struct imap_session *session)
{
	const struct imap_ask_open *open = &session->ask.open;
	const struct imap_mailbox *name = &session->command->select.mailbox;
	const struct imap_view *view = session->mailbox.view;
	bool inbox = slice_eq(name->name, SLICE_LIT("INBOX"));
	uint64_t exists = uidset_size(&view->uids);

	session_write_flags(session);
	imap_write_number(&session->out, (uint32_t)exists, "EXISTS");
	if (!session->rev2) {
		imap_write_number(&session->out, 0, "RECENT");
		if (open->first_unseen)
			tell_code(session, "UNSEEN",
				  uidset_rank(&view->uids, open->first_unseen) +
					  1,
				  "first unseen message");
	}
	tell_code(session, "UIDVALIDITY", open->uidvalidity, "UIDs are valid");
	tell_code(session, "UIDNEXT", view->uidnext, "predicted next UID");
	tell_code(session, "HIGHESTMODSEQ", view->modseq, "mod-sequence");
	imap_begin_untagged(&session->out, IMAP_OK);
	imap_code_mailboxid(&session->out, open->mailbox_id_text);
	imap_end_text(&session->out, "object id");
	session_write_name(session, name->name, inbox ? name->raw : name->name);
}

static void select_done(struct imap_session *session)
{
	const struct session_mailbox *mailbox = &session->mailbox;

	imap_code(session_end_begin(session, IMAP_OK),
		  mailbox->read_only ? IMAP_CODE_READ_ONLY
				     : IMAP_CODE_READ_WRITE);
	session_end_text(session, session_completed(session));
}

static void qresync_rows(struct imap_session *session);

static void qresync_rows_answered(struct imap_session *session)
{
	const struct imap_ask_rows *answer = &session->ask.rows;

	if (answer->ask.err) {
		session_unselect(session);
		session_err(session, answer->ask.err, false);
		return;
	}
	for (size_t i = 0; i < answer->count; i++)
		session_write_row(session, &answer->rows[i], true);
	session->select->from = answer->next;
	if (answer->next)
		qresync_rows(session);
	else
		select_done(session);
}

static void qresync_rows(struct imap_session *session)
{
	struct session_select *select = session->select;

	if (session_wait_output(session, qresync_rows))
		return;
	session_ask_new(session, IMAP_ASK_ROWS);
	session->ask.rows.mailbox_id = session->mailbox.id;
	session->ask.rows.uids = &select->known;
	session->ask.rows.from = select->from;
	session->ask.rows.changed_since = select->since;
	session_ask(session, qresync_rows_answered);
}

static void qresync_vanished(struct imap_session *session)
{
	struct imap_ask_changes *answer = &session->ask.changes;

	if (answer->ask.err) {
		uidset_fini(&answer->vanished);
		session_unselect(session);
		session_err(session, answer->ask.err, false);
		return;
	}
	session_write_earlier(session, &answer->vanished);
	uidset_fini(&answer->vanished);
	qresync_rows(session);
}

/*
 * The client knows the UIDs that it gives, or all that were ever given (RFC
 * 7162 section 3.2.5.1). Pairs of sequence number and UID would allow to leave
 * out more of VANISHED (section 3.2.5.2); we tell more than needed.
 */
static void qresync(struct imap_session *session)
{
	const struct imap_select *args = &session->command->select;
	uint32_t uidnext = session->mailbox.view->uidnext;
	struct uidset *known;

	session->select = mem_zalloc(1, sizeof(*session->select));
	session->select->since = args->modseq;
	session->select->from = 1;
	known = &session->select->known;
	if (args->has_known_uids)
		imap_seqset_numbers(&args->known_uids, UINT32_MAX, known);
	else if (uidnext > 1)
		uidset_add(known, 1, uidnext - 1);
	session_ask_new(session, IMAP_ASK_CHANGES);
	session->ask.changes.mailbox_id = session->mailbox.id;
	session->ask.changes.since = args->modseq;
	session->ask.changes.within = known;
	session_ask(session, qresync_vanished);
}

/* In one piece with the answer: it costs no packet of its own. */
static void tell_closed(struct imap_session *session)
{
	if (session->left)
		imap_write_untagged(&session->out, IMAP_OK, IMAP_CODE_CLOSED,
				    "previous mailbox closed");
	session->left = false;
}

static void opened(struct imap_session *session)
{
	const struct imap_select *args = &session->command->select;
	struct imap_ask_open *open = &session->ask.open;
	struct session_mailbox *mailbox = &session->mailbox;

	tell_closed(session);
	if (open->ask.err) {
		session_err(session, open->ask.err, false);
		return;
	}
	mailbox->open = true;
	mailbox->id = open->mailbox_id;
	mailbox->uidvalidity = open->uidvalidity;
	mailbox->rights = open->rights;
	mailbox->view = open->view;
	mailbox->told_modseq = open->view->modseq;
	mailbox->degraded = open->degraded;
	mailbox->read_only =
		open->read_only || open->degraded ||
		!(open->rights &
		  (IMAP_RIGHT_WRITE | IMAP_RIGHT_SEEN | IMAP_RIGHT_INSERT |
		   IMAP_RIGHT_EXPUNGE | IMAP_RIGHT_DELETE_MESSAGE));
	session->state = IMAP_STATE_SELECTED;
	session_set_keywords(session, open->keywords, open->keyword_count);
	tell_picture(session);
	if (mailbox->degraded)
		imap_write_untagged(&session->out, IMAP_OK, IMAP_CODE_ALERT,
				    "the mailbox is read-only for now: too few "
				    "servers are up");
	if (args->condstore)
		session->condstore = true;
	if (args->qresync && args->uidvalidity == mailbox->uidvalidity &&
	    args->modseq < mailbox->view->modseq)
		qresync(session);
	else
		select_done(session);
}

void session_run_select(struct imap_session *session)
{
	const struct imap_select *args = &session->command->select;

	if (args->qresync && !session->qresync) {
		session_bad(session, "ENABLE QRESYNC first");
		return;
	}
	/*
	 * The old mailbox is left even if the new one cannot be opened; CLOSED
	 * is for clients that have enabled nothing, too (RFC 7162 3.2.11).
	 */
	session->left = session->mailbox.open;
	session_unselect(session);
	if (!args->mailbox.valid) {
		tell_closed(session);
		session_err(session, ERR_NOTFOUND, false);
		return;
	}
	session_ask_new(session, IMAP_ASK_OPEN);
	session->ask.open.name = args->mailbox.name;
	session->ask.open.read_only = session->command->kind == IMAP_EXAMINE;
	session_ask(session, opened);
}
