/*
 * Which command runs what, and the commands that need nothing of the world.
 */
#include <string.h>

#include "base/panic.h"
#include "imap/session_internal.h"

/* ---- capabilities ---- */

/* The RFC of each is in murderd(8). */
static const char *const always[] = {
	"IMAP4rev1", "IMAP4rev2", "LITERAL+", "ID", "ENABLE", "SASL-IR",
};

static const char *const after_login[] = {
	"ACL",         "RIGHTS=kxte", "BINARY",
	"CHILDREN",    "CONDSTORE",   "CREATE-SPECIAL-USE",
	"ESEARCH",     "IDLE",        "LIST-EXTENDED",
	"LIST-STATUS", "MOVE",        "MULTIAPPEND",
	"NAMESPACE",   "OBJECTID",    "QRESYNC",
	"SEARCHRES",   "SPECIAL-USE", "STATUS=SIZE",
	"UIDPLUS",     "UNSELECT",    "UTF8=ACCEPT",
	"WITHIN",
};

bool session_is_private(const struct imap_session *session)
{
	return session->tls || session->local ||
	       session->config->plain_without_tls;
}

size_t session_capabilities(const struct imap_session *session,
			    const char **names)
{
	size_t count = 0;

	/* LITERAL+ is offered only to who is known; LITERAL- before. */
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		names[count++] = always[i];
	if (session->state == IMAP_STATE_NONAUTH) {
		names[2] = "LITERAL-";
		if (session->can_starttls && !session->tls)
			names[count++] = "STARTTLS";
		if (!session_is_private(session)) {
			names[count++] = "LOGINDISABLED";
		} else {
			names[count++] = "AUTH=PLAIN";
			if (session->exporter.len)
				names[count++] = "AUTH=SCRAM-SHA-256-PLUS";
			names[count++] = "AUTH=SCRAM-SHA-256";
		}
		return count;
	}
	for (size_t i = 0; i < ARRAY_LEN(after_login); i++)
		names[count++] = after_login[i];
	/* One limit for all mailboxes (RFC 7889 section 2). */
	names[count++] = session->append_limit;
	return count;
}

static void run_capability(struct imap_session *session)
{
	const char *names[SESSION_CAPABILITIES_MAX];

	imap_write_capability(&session->out, names,
			      session_capabilities(session, names));
	session_ok(session);
}

/* ---- ENABLE ---- */

void session_enable_condstore(struct imap_session *session)
{
	if (session->condstore)
		return;
	session->condstore = true;
	if (!session->mailbox.open)
		return;
	/* RFC 7162 section 3.1: the client learns where it stands. */
	imap_begin_untagged(&session->out, IMAP_OK);
	imap_code_num(&session->out, "HIGHESTMODSEQ",
		      session->mailbox.view->modseq);
	imap_end_text(&session->out, "CONDSTORE is on");
}

static bool enable(struct imap_session *session, struct slice name)
{
	if (slice_eq_nocase(name, SLICE_LIT("CONDSTORE"))) {
		session_enable_condstore(session);
	} else if (slice_eq_nocase(name, SLICE_LIT("QRESYNC"))) {
		session_enable_condstore(session);
		session->qresync = true;
	} else if (slice_eq_nocase(name, SLICE_LIT("UTF8=ACCEPT"))) {
		session->utf8_accept = true;
	} else if (slice_eq_nocase(name, SLICE_LIT("IMAP4rev2"))) {
		session->rev2 = true;
	} else {
		return false;
	}
	return true;
}

static void run_enable(struct imap_session *session)
{
	static const char *const known[] = { "CONDSTORE", "QRESYNC",
					     "UTF8=ACCEPT", "IMAP4rev2" };
	const struct imap_enable *args = &session->command->enable;
	const char *enabled[ARRAY_LEN(known)];
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct slice name = slice_str(known[i]);
		bool asked = false;

		for (size_t j = 0; j < args->count; j++)
			asked |= slice_eq_nocase(args->capabilities[j], name);
		if (asked && enable(session, name))
			enabled[count++] = known[i];
	}
	imap_write_enabled(&session->out, enabled, count);
	session_ok(session);
}

/* ---- others ---- */

static void run_id(struct imap_session *session)
{
	const char *pairs[] = { "name", session->config->software, "version",
				session->config->version };

	imap_write_id(&session->out, pairs, ARRAY_LEN(pairs));
	session_ok(session);
}

static void run_namespace(struct imap_session *session)
{
	const struct imap_config *config = session->config;
	struct imap_namespace spaces[3] = {
		{ config->prefix_personal, config->separator },
		{ config->prefix_others, config->separator },
		{ config->prefix_shared, config->separator },
	};

	imap_write_namespace(&session->out, session_utf8(session), spaces);
	session_ok(session);
}

static void run_logout(struct imap_session *session)
{
	imap_write_untagged(&session->out, IMAP_BYE, IMAP_CODE_NONE,
			    "logging out");
	imap_write_tagged(&session->out, session->command->tag, IMAP_OK,
			  IMAP_CODE_NONE, "LOGOUT completed");
	session_drop(session);
}

static void run_starttls(struct imap_session *session)
{
	if (session->tls || !session->can_starttls) {
		session_bad(session, session->tls ? "TLS is on already"
						  : "TLS is not available");
		return;
	}
	imap_write_tagged(&session->out, session->command->tag, IMAP_OK,
			  IMAP_CODE_NONE, "begin TLS now");
	session->phase = PHASE_TLS;
	session->port->starttls(session->port);
}

/* ---- the table ---- */

static session_resume *const runs[] = {
	[IMAP_APPEND] = session_run_append,
	[IMAP_AUTHENTICATE] = session_run_authenticate,
	[IMAP_CAPABILITY] = run_capability,
	[IMAP_CHECK] = session_run_noop,
	[IMAP_CLOSE] = session_run_close,
	[IMAP_COPY] = session_run_copy,
	[IMAP_CREATE] = session_run_create,
	[IMAP_DELETE] = session_run_delete,
	[IMAP_DELETEACL] = session_run_setacl,
	[IMAP_ENABLE] = run_enable,
	[IMAP_EXAMINE] = session_run_select,
	[IMAP_EXPUNGE] = session_run_expunge,
	[IMAP_FETCH] = session_run_fetch,
	[IMAP_GETACL] = session_run_getacl,
	[IMAP_ID] = run_id,
	[IMAP_IDLE] = session_run_idle,
	[IMAP_LIST] = session_run_list,
	[IMAP_LISTRIGHTS] = session_run_myrights,
	[IMAP_LOGIN] = session_run_login,
	[IMAP_LOGOUT] = run_logout,
	[IMAP_LSUB] = session_run_list,
	[IMAP_MOVE] = session_run_copy,
	[IMAP_MYRIGHTS] = session_run_myrights,
	[IMAP_NAMESPACE] = run_namespace,
	[IMAP_NOOP] = session_run_noop,
	[IMAP_RENAME] = session_run_rename,
	[IMAP_SEARCH] = session_run_search,
	[IMAP_SELECT] = session_run_select,
	[IMAP_SETACL] = session_run_setacl,
	[IMAP_STARTTLS] = run_starttls,
	[IMAP_STATUS] = session_run_status,
	[IMAP_STORE] = session_run_store,
	[IMAP_SUBSCRIBE] = session_run_subscribe,
	[IMAP_UNSELECT] = session_run_unselect,
	[IMAP_UNSUBSCRIBE] = session_run_subscribe,
};

static const char *why_not_now(const struct imap_session *session,
			       uint32_t states)
{
	if (session->state == IMAP_STATE_NONAUTH)
		return "log in first";
	if (states == IMAP_STATE_SELECTED)
		return "no mailbox is selected";
	return "already logged in";
}

void session_run(struct imap_session *session)
{
	enum imap_kind kind = session->command->kind;
	uint32_t states = imap_kind_states(kind);

	MUST((size_t)kind < ARRAY_LEN(runs) && runs[kind]);
	if (!(states & session->state))
		session_bad(session, why_not_now(session, states));
	else
		runs[kind](session);
}
