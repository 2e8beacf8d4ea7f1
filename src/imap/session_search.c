/*
 * SEARCH and UID SEARCH (RFC 9051 section 6.4.4; RFC 4731, 5182, 7162).
 *
 * BIND the program to the view -> SEARCH on workers -> the answer -> done
 */
#include "imap/session_internal.h"

static const struct imap_search_args *args_of(const struct imap_session *s)
{
	return &s->command->search;
}

/* RFC 5182 section 2.1: SAVE keeps what MIN and MAX pick, else all. */
static void save(struct imap_session *session, const struct uidset *matches)
{
	uint32_t returns = args_of(session)->returns;
	struct uidset *saved = &session->mailbox.saved;
	uint64_t size = uidset_size(matches);

	uidset_clear(saved);
	if ((returns & (IMAP_SEARCH_ALL | IMAP_SEARCH_COUNT)) ||
	    !(returns & (IMAP_SEARCH_MIN | IMAP_SEARCH_MAX))) {
		uidset_copy(saved, matches);
		return;
	}
	if (size && (returns & IMAP_SEARCH_MIN)) {
		uint32_t uid = uidset_nth(matches, 0);

		uidset_add(saved, uid, uid);
	}
	if (size && (returns & IMAP_SEARCH_MAX)) {
		uint32_t uid = uidset_nth(matches, size - 1);

		uidset_add(saved, uid, uid);
	}
}

/* A SEARCH with SAVE that says NO empties "$" (RFC 5182 section 2.1). */
static void forget_saved(struct imap_session *session)
{
	if (args_of(session)->returns & IMAP_SEARCH_SAVE)
		uidset_clear(&session->mailbox.saved);
}

/* Which MODSEQ goes with the answer (RFC 4731 section 3.2); 0: none. */
static uint64_t modseq_of(struct imap_session *session)
{
	const struct imap_ask_search *answer = &session->ask.search;
	uint32_t returns =
		args_of(session)->returns & ~(uint32_t)IMAP_SEARCH_SAVE;

	if (!imap_search_has_modseq(args_of(session)->program) ||
	    !answer->matches.count)
		return 0;
	if (returns == IMAP_SEARCH_MIN)
		return answer->first_modseq;
	if (returns == IMAP_SEARCH_MAX)
		return answer->last_modseq;
	if (returns == (IMAP_SEARCH_MIN | IMAP_SEARCH_MAX))
		return answer->first_modseq > answer->last_modseq
			       ? answer->first_modseq
			       : answer->last_modseq;
	return answer->max_modseq;
}

static void tell(struct imap_session *session, const struct uidset *numbers)
{
	const struct imap_search_args *args = args_of(session);
	struct imap_esearch esearch = {
		.tag = session->command->tag,
		.uid = session->command->uid,
		.returns = args->returns & ~(uint32_t)IMAP_SEARCH_SAVE,
		.numbers = numbers,
		.modseq = modseq_of(session),
	};

	if (!args->has_return && !session->rev2) {
		imap_write_search(&session->out, numbers, esearch.modseq);
		return;
	}
	/* RETURN (SAVE) alone has no untagged answer. */
	if (args->has_return && esearch.returns == 0)
		return;
	if (!args->has_return)
		esearch.returns = IMAP_SEARCH_ALL;
	imap_write_esearch(&session->out, &esearch);
}

static void answered(struct imap_session *session)
{
	struct imap_ask_search *answer = &session->ask.search;
	struct uidset *matches = &answer->matches;
	const struct imap_view *view = session->mailbox.view;
	struct uidset numbers = { 0 };

	if (answer->ask.err) {
		uidset_fini(matches);
		forget_saved(session);
		session_err(session, answer->ask.err, false);
		return;
	}
	if (args_of(session)->returns & IMAP_SEARCH_SAVE)
		save(session, matches);
	if (session->command->uid)
		uidset_copy(&numbers, matches);
	else
		imap_seqs_of_uids(matches, &view->uids, &numbers);
	tell(session, &numbers);
	uidset_fini(&numbers);
	uidset_fini(matches);
	uidset_fini(&session->search_uids);
	session_ok(session);
}

static enum err bind(struct imap_session *session)
{
	struct session_mailbox *mailbox = &session->mailbox;
	struct imap_search_bind binding = {
		.view = &mailbox->view->uids,
		.saved = &mailbox->saved,
		.keywords = mailbox->keywords,
		.keyword_count = mailbox->keyword_count,
		.now_s = session->port->now_s(session->port),
	};

	return imap_search_bind(args_of(session)->program, &session->arena,
				&binding);
}

void session_run_search(struct imap_session *session)
{
	struct imap_search *program = args_of(session)->program;
	struct imap_view *view = session->mailbox.view;

	if (!program) {
		forget_saved(session);
		session_no(session, IMAP_CODE_BADCHARSET,
			   "unknown character set");
		return;
	}
	if (bind(session)) {
		session_bad(session, "no such message");
		return;
	}
	if (imap_search_has_modseq(program))
		session_enable_condstore(session);
	uidset_copy(&session->search_uids, &view->uids);
	imap_search_narrow(program, &session->search_uids);
	session_ask_new(session, IMAP_ASK_SEARCH);
	session->ask.search.program = program;
	session->ask.search.view = view;
	session->ask.search.uids = &session->search_uids;
	session_ask(session, answered);
}
