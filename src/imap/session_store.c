/*
 * STORE, EXPUNGE, COPY and MOVE (RFC 9051 sections 6.4.3, 6.4.6 to 6.4.9).
 *
 * One ask each; what changed in the mailbox is told by session_sync.c before
 * the tagged line.
 */
#include "imap/session_internal.h"

static void refuse_read_only(struct imap_session *session)
{
	session_no(session,
		   session->mailbox.degraded ? IMAP_CODE_UNAVAILABLE
					     : IMAP_CODE_NONE,
		   "mailbox is read-only");
}

/* ---- STORE ---- */

/* RFC 4314 section 4: a flag without its right is left out of the change. */
static uint32_t may_change(const struct session_mailbox *mailbox)
{
	uint32_t flags = 0;

	if (mailbox->rights & IMAP_RIGHT_SEEN)
		flags |= IMAP_FLAG_SEEN;
	if (mailbox->rights & IMAP_RIGHT_DELETE_MESSAGE)
		flags |= IMAP_FLAG_DELETED;
	if (mailbox->rights & IMAP_RIGHT_WRITE)
		flags |= IMAP_FLAG_ANSWERED | IMAP_FLAG_FLAGGED |
			 IMAP_FLAG_DRAFT;
	return flags;
}

/* The UIDs that UNCHANGEDSINCE held back, as the client counts. */
static void add_modified(struct imap_session *session,
			 const struct uidset *modified, struct buf *line)
{
	struct uidset seqs = { 0 };

	if (session->command->uid) {
		imap_code_modified(line, modified);
		return;
	}
	imap_seqs_of_uids(modified, &session->mailbox.view->uids, &seqs);
	imap_code_modified(line, &seqs);
	uidset_fini(&seqs);
}

/*
 * Messages whose row is told even if nothing changed: the client waits for it
 * (RFC 9051 section 6.4.6), or for MODSEQ after a condition that was met, or
 * wonders why it was not (RFC 7162 section 3.1.3).
 */
static void set_echo(struct imap_session *session)
{
	const struct imap_ask_store *answer = &session->ask.store;
	const struct imap_store *args = &session->command->store;

	if (args->silent && !args->has_unchangedsince)
		return;
	uidset_copy(&session->echo, &session->store_uids);
	uidset_remove_set(&session->echo, &answer->expunged);
}

static void end_store(struct imap_session *session)
{
	const struct imap_ask_store *answer = &session->ask.store;
	bool missed = answer->expunged.count > 0 && !session->command->uid;
	struct buf *line =
		session_end_begin(session, missed ? IMAP_NO : IMAP_OK);

	set_echo(session);
	if (answer->modified.count)
		add_modified(session, &answer->modified, line);
	else if (missed)
		imap_code(line, IMAP_CODE_EXPUNGEISSUED);
	session_end_text(session, missed ? "some messages are gone"
					 : session_completed(session));
}

static void stored(struct imap_session *session)
{
	struct imap_ask_store *answer = &session->ask.store;
	struct uidset modified = answer->modified;
	struct uidset expunged = answer->expunged;

	session_add_own(session, answer->modseqs, answer->modseq_count);
	if (answer->ask.err)
		session_err(session, answer->ask.err, true);
	else
		end_store(session);
	uidset_fini(&modified);
	uidset_fini(&expunged);
}

static void ask_store(struct imap_session *session, uint32_t allowed)
{
	const struct imap_store *args = &session->command->store;
	bool keywords = allowed & IMAP_FLAG_FLAGGED; /* go with "w" */

	session_ask_new(session, IMAP_ASK_STORE);
	session->ask.store.mailbox_id = session->mailbox.id;
	session->ask.store.uids = &session->store_uids;
	session->ask.store.op = args->op;
	session->ask.store.flags = args->flags.flags & allowed;
	session->ask.store.flags_mask = allowed;
	session->ask.store.keywords_kept = !keywords;
	session->ask.store.keywords = args->flags.keywords;
	session->ask.store.keyword_count =
		keywords ? args->flags.keyword_count : 0;
	session->ask.store.conditional = args->has_unchangedsince;
	session->ask.store.unchangedsince = args->unchangedsince;
	session_ask(session, stored);
}

/* One of the flags that are named may be changed; keywords go with "w". */
static bool may_store(const struct imap_store *args, uint32_t allowed)
{
	if (!args->flags.flags && !args->flags.keyword_count)
		return allowed;
	return (args->flags.flags & allowed) ||
	       (args->flags.keyword_count && (allowed & IMAP_FLAG_FLAGGED));
}

void session_run_store(struct imap_session *session)
{
	const struct imap_store *args = &session->command->store;
	const struct session_mailbox *mailbox = &session->mailbox;
	uint32_t allowed = may_change(mailbox);

	if (mailbox->read_only) {
		refuse_read_only(session);
		return;
	}
	if (!may_store(args, allowed)) {
		session_err(session, ERR_DENIED, false);
		return;
	}
	if (args->has_unchangedsince)
		session_enable_condstore(session);
	if (!session_resolve(session, &args->set, &session->store_uids))
		return;
	if (!uidset_size(&session->store_uids))
		session_ok(session);
	else
		ask_store(session, allowed);
}

/* ---- EXPUNGE ---- */

static void expunged(struct imap_session *session)
{
	const struct imap_ask_expunge *answer = &session->ask.expunge;

	if (answer->ask.err) {
		session_err(session, answer->ask.err, true);
		return;
	}
	session_end_begin(session, IMAP_OK);
	if (answer->modseq) /* RFC 7162 section 3.2.7 */
		session_end_modseq(session);
	session_end_text(session, session_completed(session));
}

void session_run_expunge(struct imap_session *session)
{
	const struct session_mailbox *mailbox = &session->mailbox;

	if (mailbox->read_only) {
		refuse_read_only(session);
		return;
	}
	if (!(mailbox->rights & IMAP_RIGHT_EXPUNGE)) {
		session_err(session, ERR_DENIED, false);
		return;
	}
	if (session->command->uid) {
		if (!session_resolve(session, &session->command->expunge,
				     &session->store_uids))
			return;
	} else {
		uidset_copy(&session->store_uids, &mailbox->view->uids);
	}
	if (!uidset_size(&session->store_uids)) {
		session_ok(session);
		return;
	}
	session_ask_new(session, IMAP_ASK_EXPUNGE);
	session->ask.expunge.mailbox_id = mailbox->id;
	session->ask.expunge.uids = &session->store_uids;
	session_ask(session, expunged);
}

/* ---- COPY, MOVE ---- */

/* RFC 6851 section 4.3: COPYUID of MOVE comes before its expunges. */
static void end_copy(struct imap_session *session)
{
	const struct imap_ask_copy *answer = &session->ask.copy;
	bool move = session->command->kind == IMAP_MOVE;
	struct buf *line = session_end_begin(session, IMAP_OK);

	if (answer->copies.count && move) {
		imap_begin_untagged(&session->out, IMAP_OK);
		imap_code_copyuid(&session->out, answer->uidvalidity,
				  &answer->source, &answer->copies);
		imap_end_text(&session->out, "moved");
		session_end_modseq(session); /* RFC 6851 section 4.4 */
	} else if (answer->copies.count) {
		imap_code_copyuid(line, answer->uidvalidity, &answer->source,
				  &answer->copies);
	}
	session_end_text(session, session_completed(session));
}

static void copy_failed(struct imap_session *session, enum err err)
{
	const struct imap_ask_copy *answer = &session->ask.copy;

	/* A MOVE in chunks may have done its first ones. */
	if (answer->copies.count && session->command->kind == IMAP_MOVE &&
	    err_outcome(err) == OUTCOME_NOT_DONE) {
		imap_begin_untagged(&session->out, IMAP_OK);
		imap_code_copyuid(&session->out, answer->uidvalidity,
				  &answer->source, &answer->copies);
		imap_end_text(&session->out, "moved so far");
	}
	if (err == ERR_NOTFOUND)
		session_no(session, IMAP_CODE_TRYCREATE,
			   "no such target mailbox");
	else
		session_err(session, err, true);
}

static void copied(struct imap_session *session)
{
	struct imap_ask_copy *answer = &session->ask.copy;
	struct uidset source = answer->source;
	struct uidset copies = answer->copies;

	if (answer->ask.err)
		copy_failed(session, answer->ask.err);
	else
		end_copy(session);
	uidset_fini(&source);
	uidset_fini(&copies);
}

/* MOVE deletes: it needs the rights of STORE \Deleted and EXPUNGE. */
static bool may_move(struct imap_session *session)
{
	const struct session_mailbox *mailbox = &session->mailbox;
	uint32_t needed = IMAP_RIGHT_DELETE_MESSAGE | IMAP_RIGHT_EXPUNGE;

	if (session->command->kind != IMAP_MOVE)
		return true;
	if (mailbox->read_only)
		refuse_read_only(session);
	else if ((mailbox->rights & needed) != needed)
		session_err(session, ERR_DENIED, false);
	else
		return true;
	return false;
}

void session_run_copy(struct imap_session *session)
{
	const struct imap_copy *args = &session->command->copy;

	if (!may_move(session))
		return;
	if (!args->mailbox.valid) {
		session_no(session, IMAP_CODE_CANNOT, "no such name can be");
		return;
	}
	if (!session_resolve(session, &args->set, &session->store_uids))
		return;
	if (!uidset_size(&session->store_uids)) {
		session_ok(session);
		return;
	}
	session_ask_new(session, IMAP_ASK_COPY);
	session->ask.copy.mailbox_id = session->mailbox.id;
	session->ask.copy.uids = &session->store_uids;
	session->ask.copy.target = args->mailbox.name;
	session->ask.copy.move = session->command->kind == IMAP_MOVE;
	session_ask(session, copied);
}
