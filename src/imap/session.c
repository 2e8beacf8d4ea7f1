/*
 * The life of an IMAP session: octets to commands, commands to answers.
 *
 * Happy path: feed -> parser -> session_run -> (asks) -> session_ok ->
 * what happened in the mailbox -> tagged line -> next command.
 *
 * Failures: bad commands are answered and counted; an unknown outcome of a
 * write, a lost connection and a stopping server end the session.
 */
#include "imap/session.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/panic.h"
#include "imap/list_match.h"
#include "imap/session_internal.h"

/* ---- asks ---- */

void session_ask_new(struct imap_session *session, enum imap_ask_kind kind)
{
	MUST(!session->asking);
	memset(&session->ask, 0, sizeof(session->ask));
	session->ask.head.kind = kind;
	session->ask.head.arena = &session->arena;
}

static void send_ask(struct imap_session *session, struct imap_ask *ask,
		     session_resume *resume)
{
	MUST(!session->asking);
	session->asking = true;
	session->resume = resume;
	if (session->phase == PHASE_READ)
		session->phase = PHASE_RUN;
	session->port->ask(session->port, ask);
}

void session_ask(struct imap_session *session, session_resume *resume)
{
	send_ask(session, &session->ask.head, resume);
}

void session_ask_sync(struct imap_session *session, session_resume *resume)
{
	session->sync.ask.kind = IMAP_ASK_SYNC;
	session->sync.ask.arena = &session->arena;
	session->sync.ask.err = ERR_NONE;
	session->sync.ask.owner = NULL;
	send_ask(session, &session->sync.ask, resume);
}

/* ---- output ---- */

static bool is_output_high(const struct imap_session *session)
{
	return session->out.len >= IMAP_OUTPUT_HIGH;
}

bool session_wait_output(struct imap_session *session, session_resume *go_on)
{
	MUST(!session->asking);
	if (!is_output_high(session))
		return false;
	session->stopped_by_output = true;
	session->resume = go_on;
	return true;
}

/* ---- the end of a command ---- */

struct buf *session_end_begin(struct imap_session *session,
			      enum imap_status_word word)
{
	session->end.word = word;
	session->end.modseq = false;
	buf_clear(&session->end.line);
	return &session->end.line;
}

void session_end_text(struct imap_session *session, const char *text)
{
	imap_end_text(&session->end.line, text);
	session_sync_end(session);
}

const char *session_completed(struct imap_session *session)
{
	return arena_printf(&session->arena, "%s%s completed",
			    session->command->uid ? "UID " : "",
			    imap_kind_name(session->command->kind));
}

void session_ok(struct imap_session *session)
{
	session_end_begin(session, IMAP_OK);
	session_end_text(session, session_completed(session));
}

void session_no(struct imap_session *session, enum imap_code code,
		const char *text)
{
	imap_code(session_end_begin(session, IMAP_NO), code);
	session_end_text(session, text);
}

void session_bad(struct imap_session *session, const char *text)
{
	session_end_begin(session, IMAP_BAD);
	session_end_text(session, text);
}

void session_err(struct imap_session *session, enum err err, bool wrote)
{
	if (wrote && err_outcome(err) == OUTCOME_UNKNOWN) {
		session_drop(session);
		return;
	}
	if (err == ERR_SYNTAX)
		session_bad(session, err_text(err));
	else
		session_no(session, imap_code_of_err(err), err_text(err));
}

static void command_free(struct imap_session *session)
{
	if (session->auth)
		auth_server_free(&session->auth);
	if (session->list_walk)
		imap_list_walk_free(&session->list_walk);
	arena_fini(&session->slice_arena);
	buf_fini(&session->list_after);
	uidset_fini(&session->echo);
	uidset_fini(&session->search_uids);
	uidset_fini(&session->store_uids);
	mem_free(session->own.modseqs);
	session->own = (struct session_own){ 0 };
	session_fetch_free(session);
	session_append_free(session);
	session_select_free(session);
	session->command = NULL;
	session->resume = NULL;
	session->stopped_by_output = false;
}

/* Ready for the next command; an idle session keeps no memory for it. */
static void next_command(struct imap_session *session)
{
	struct imap_parser_mode mode = {
		.authenticated = session->state != IMAP_STATE_NONAUTH,
		.utf8 = session_utf8(session),
		.literal_plus = session->state != IMAP_STATE_NONAUTH,
	};

	command_free(session);
	arena_fini(&session->arena);
	imap_parser_set_mode(session->parser, &mode);
	imap_parser_start(session->parser, &session->arena);
	session->phase = PHASE_READ;
	session->deadline_ms =
		session->state == IMAP_STATE_NONAUTH
			? session->login_deadline_ms
			: session->now_ms + session->config->idle_timeout_ms;
}

static void count_bad(struct imap_session *session)
{
	if (++session->bad >= IMAP_BAD_MAX)
		session_bye(session, IMAP_CODE_CLIENTBUG,
			    "too many bad commands");
}

void session_finish(struct imap_session *session)
{
	imap_begin_tagged(&session->out, session->command->tag,
			  session->end.word);
	if (session->end.modseq)
		imap_code_num(&session->out, "HIGHESTMODSEQ",
			      session->mailbox.told_modseq);
	buf_add_slice(&session->out, buf_slice(&session->end.line));
	buf_fini(&session->end.line);
	next_command(session);
	if (session->end.word != IMAP_BAD)
		session->bad = 0;
	else
		count_bad(session);
	if (session->shutdown)
		session_bye(session, IMAP_CODE_UNAVAILABLE,
			    "server is stopping");
}

void session_bye(struct imap_session *session, enum imap_code code,
		 const char *text)
{
	if (session->phase == PHASE_CLOSED)
		return;
	/* No word in clear during a handshake, none within another line. */
	if (session->phase != PHASE_TLS && !session_fetch_in_line(session))
		imap_write_untagged(&session->out, IMAP_BYE, code, text);
	session_drop(session);
}

void session_drop(struct imap_session *session)
{
	session->phase = PHASE_CLOSED;
	session->deadline_ms = session->now_ms + IMAP_LINGER_MS;
}

/* ---- octets ---- */

static void take_command(struct imap_session *session)
{
	session->command = imap_parser_command(session->parser);
	session->phase = PHASE_RUN;
	session_run(session);
}

static void take_literal(struct imap_session *session)
{
	const struct imap_literal *literal =
		imap_parser_literal(session->parser);

	if (literal->message) {
		session_append_literal(session);
		return;
	}
	imap_parser_accept(session->parser);
	if (literal->sync)
		imap_write_continue(&session->out, SLICE_LIT("OK"));
}

static void take_bad(struct imap_session *session)
{
	const struct imap_bad *bad = imap_parser_bad(session->parser);

	/* A bad line of an exchange ends the command that it belongs to. */
	imap_write_tagged(&session->out,
			  session->command ? session->command->tag : bad->tag,
			  IMAP_BAD, bad->code, bad->text);
	next_command(session);
	count_bad(session);
}

static void take_line(struct imap_session *session)
{
	struct slice line = imap_parser_line(session->parser);

	if (session->phase == PHASE_IDLE)
		session_idle_line(session, line);
	else
		session_auth_line(session, line);
}

static void take_event(struct imap_session *session, enum imap_feed event)
{
	switch (event) {
	case IMAP_FEED_MORE:
		break;
	case IMAP_FEED_LITERAL:
		take_literal(session);
		break;
	case IMAP_FEED_BODY:
		session_append_body(session, imap_parser_body(session->parser));
		break;
	case IMAP_FEED_BODY_END:
		session_append_body_end(session);
		break;
	case IMAP_FEED_DONE:
		take_command(session);
		break;
	case IMAP_FEED_LINE:
		take_line(session);
		break;
	case IMAP_FEED_BAD:
		take_bad(session);
		break;
	case IMAP_FEED_FATAL:
		session_bye(session, imap_parser_bad(session->parser)->code,
			    imap_parser_bad(session->parser)->text);
		break;
	}
}

bool imap_session_wants_input(const struct imap_session *session)
{
	return !session->asking && !is_output_high(session) &&
	       (session->phase == PHASE_READ || session->phase == PHASE_SASL ||
		session->phase == PHASE_IDLE);
}

size_t imap_session_feed(struct imap_session *session, uint64_t now_ms,
			 struct slice in)
{
	size_t before = in.len;

	session->now_ms = now_ms;
	if (session->state != IMAP_STATE_NONAUTH)
		session->deadline_ms =
			now_ms + session->config->idle_timeout_ms;
	while (in.len && imap_session_wants_input(session))
		take_event(session, imap_parser_feed(session->parser, &in));
	return before - in.len;
}

/* ---- answers and other events ---- */

/* The connection is gone: what came back is only freed. */
static void forget_answer(struct imap_session *session,
			  const struct imap_ask *ask)
{
	if (ask == &session->sync.ask) {
		imap_view_unref(&session->sync.now);
		return;
	}
	switch ((int)ask->kind) {
	case IMAP_ASK_OPEN:
		if (!ask->err)
			session->port->close(session->port,
					     session->ask.open.mailbox_id);
		imap_view_unref(&session->ask.open.view);
		break;
	case IMAP_ASK_SEARCH:
		uidset_fini(&session->ask.search.matches);
		break;
	case IMAP_ASK_STORE:
		uidset_fini(&session->ask.store.modified);
		uidset_fini(&session->ask.store.expunged);
		break;
	case IMAP_ASK_COPY:
		uidset_fini(&session->ask.copy.source);
		uidset_fini(&session->ask.copy.copies);
		break;
	case IMAP_ASK_APPEND:
		uidset_fini(&session->ask.append.uids);
		break;
	case IMAP_ASK_CHANGES:
		uidset_fini(&session->ask.changes.vanished);
		break;
	default:
		break;
	}
}

void imap_session_answer(struct imap_session *session, uint64_t now_ms,
			 struct imap_ask *ask)
{
	MUST(session->asking);
	MUST(ask == &session->ask.head || ask == &session->sync.ask);
	session->asking = false;
	session->now_ms = now_ms;
	if (session->phase == PHASE_CLOSED)
		forget_answer(session, ask);
	else
		session->resume(session);
	if (session->shutdown && !session->asking &&
	    session->phase != PHASE_RUN)
		session_bye(session, IMAP_CODE_UNAVAILABLE,
			    "server is stopping");
}

void imap_session_changed(struct imap_session *session, uint64_t now_ms)
{
	session->now_ms = now_ms;
	session->mailbox.dirty = true; /* also while it is being opened */
	if (session->phase == PHASE_IDLE && !session->asking)
		session_idle_changed(session);
}

void imap_session_rights(struct imap_session *session, uint64_t now_ms,
			 uint32_t rights)
{
	struct session_mailbox *mailbox = &session->mailbox;

	session->now_ms = now_ms;
	if (!mailbox->open || mailbox->rights == rights)
		return;
	mailbox->rights = rights;
	if (!(rights & IMAP_RIGHT_READ)) {
		session_bye(session, IMAP_CODE_NOPERM,
			    "the right to read the mailbox was taken away");
		return;
	}
	mailbox->rights_changed = true;
	imap_session_changed(session, now_ms);
}

void imap_session_sent(struct imap_session *session, uint64_t now_ms)
{
	session->now_ms = now_ms;
	if (!session->stopped_by_output || session->phase == PHASE_CLOSED)
		return;
	session->deadline_ms =
		now_ms + (session->shutdown ? IMAP_LINGER_MS
					    : session->config->idle_timeout_ms);
	session->stopped_by_output = false;
	session->resume(session);
}

/* ---- life ---- */

static void set_transport(struct imap_session *session,
			  const struct imap_transport *transport)
{
	session->tls = transport->tls;
	session->local = transport->local;
	session->can_starttls = transport->can_starttls;
	buf_clear(&session->exporter);
	buf_add_slice(&session->exporter, transport->tls_exporter);
	mem_free(session->peer);
	session->peer = mem_dup(transport->peer, strlen(transport->peer));
}

static void greet(struct imap_session *session)
{
	const char *names[SESSION_CAPABILITIES_MAX];
	size_t count = session_capabilities(session, names);
	struct buf text = { 0 };

	imap_begin_untagged(&session->out, IMAP_OK);
	imap_code_capability(&session->out, names, count);
	buf_printf(&text, "%s %s ready", session->config->hostname,
		   session->config->software);
	imap_end_text(&session->out, buf_cstr(&text));
	buf_fini(&text);
}

struct imap_session *imap_session_new(const struct imap_config *config,
				      struct imap_port *port,
				      struct random *random,
				      const struct imap_transport *transport,
				      uint64_t now_ms)
{
	struct imap_session *session = mem_zalloc(1, sizeof(*session));

	session->config = config;
	session->port = port;
	session->random = random;
	session->state = IMAP_STATE_NONAUTH;
	session->now_ms = now_ms;
	session->login_deadline_ms = now_ms + config->login_timeout_ms;
	session->parser = imap_parser_new();
	(void)snprintf(session->append_limit, sizeof(session->append_limit),
		       "APPENDLIMIT=%llu",
		       (unsigned long long)config->append_limit);
	set_transport(session, transport);
	greet(session);
	next_command(session);
	return session;
}

void imap_session_free(struct imap_session **sessionp)
{
	struct imap_session *session = *sessionp;

	*sessionp = NULL;
	MUST(!session->asking);
	command_free(session);
	session_unselect(session);
	imap_parser_free(&session->parser);
	arena_fini(&session->arena);
	buf_fini(&session->out);
	buf_fini(&session->user);
	buf_fini(&session->exporter);
	buf_fini(&session->end.line);
	mem_free(session->peer);
	mem_free(session);
}

void imap_session_tls_up(struct imap_session *session, uint64_t now_ms,
			 const struct imap_transport *transport)
{
	MUST(session->phase == PHASE_TLS || session->phase == PHASE_CLOSED);
	session->now_ms = now_ms;
	if (session->phase == PHASE_CLOSED)
		return;
	set_transport(session, transport);
	next_command(session);
}

/*
 * A command that runs ends by itself, and so does a session that is closed,
 * unless the client does not read.
 */
static bool has_deadline(const struct imap_session *session)
{
	if (session->phase == PHASE_CLOSED)
		return session->out.len > 0;
	if (session->asking)
		return false;
	return session->stopped_by_output ||
	       (session->phase != PHASE_RUN && session->phase != PHASE_UPLOAD);
}

uint64_t imap_session_tick(struct imap_session *session, uint64_t now_ms)
{
	session->now_ms = now_ms;
	if (!has_deadline(session))
		return UINT64_MAX;
	if (now_ms < session->deadline_ms)
		return session->deadline_ms;
	if (session->phase == PHASE_DELAY) {
		session_auth_delayed(session);
		return session->deadline_ms;
	}
	if (is_output_high(session) || session->phase == PHASE_CLOSED) {
		/* The client does not read; perhaps in a literal. */
		buf_clear(&session->out);
		session_drop(session);
		return UINT64_MAX;
	}
	session_bye(session, IMAP_CODE_NONE,
		    session->state == IMAP_STATE_NONAUTH ? "no login in time"
							 : "idle for too long");
	return UINT64_MAX;
}

struct buf *imap_session_output(struct imap_session *session)
{
	return &session->out;
}

bool imap_session_closing(const struct imap_session *session)
{
	return session->phase == PHASE_CLOSED;
}

bool imap_session_busy(const struct imap_session *session)
{
	return session->asking;
}

void imap_session_shutdown(struct imap_session *session, uint64_t now_ms,
			   const char *why)
{
	session->now_ms = now_ms;
	session->shutdown = true;
	/* A command under way gets its answer first, if the client reads. */
	if (session->stopped_by_output)
		session->deadline_ms = now_ms + IMAP_LINGER_MS;
	else if (!session->asking)
		session_bye(session, IMAP_CODE_UNAVAILABLE, why);
}

struct slice imap_session_user(const struct imap_session *session)
{
	return buf_slice(&session->user);
}

bool session_resolve(struct imap_session *session,
		     const struct imap_seqset *set, struct uidset *uids)
{
	const struct uidset *view = &session->mailbox.view->uids;
	const struct uidset *saved = &session->mailbox.saved;

	*uids = (struct uidset){ 0 };
	if (session->command->uid) {
		imap_seqset_resolve_uids(set, view, saved, uids);
		return true;
	}
	if (imap_seqset_resolve_seqs(set, view, saved, uids) == ERR_NONE)
		return true;
	uidset_fini(uids);
	session_bad(session, "no such message");
	return false;
}
