/*
 * The inside of an IMAP session: shared by the session_*.c files, by nobody
 * else.
 *
 * A command is run by a function of its kind. It ends by session_ok,
 * session_no or session_err, at once or after asks; an answer lands in
 * `resume`. Before the tagged line the session says what happened in the
 * selected mailbox meanwhile (session_sync.c).
 */
#ifndef IMAP_SESSION_INTERNAL_H
#define IMAP_SESSION_INTERNAL_H

#include "auth/server.h"
#include "imap/command.h"
#include "imap/parser.h"
#include "imap/search.h"
#include "imap/session.h"
#include "imap/writer.h"

/* What the session is doing. */
enum session_phase {
	PHASE_READ,   /* expects octets of a command */
	PHASE_RUN,    /* a command waits for an ask, or for output to be sent */
	PHASE_UPLOAD, /* a literal waits for room in its upload */
	PHASE_SASL,   /* expects a line of an AUTHENTICATE exchange */
	PHASE_IDLE,   /* expects DONE */
	PHASE_DELAY,  /* a wrong password is answered later */
	PHASE_TLS,    /* waits for the handshake */
	PHASE_CLOSED, /* output is sent, then the connection is closed */
};

/* The selected mailbox. */
struct session_mailbox {
	bool open;
	bool read_only;
	bool degraded; /* read-only for want of a majority */
	uint64_t id;
	uint32_t uidvalidity;
	uint32_t rights; /* enum imap_right */
	struct imap_view *view;
	struct slice *keywords; /* owned; the names are in keyword_text */
	struct buf keyword_text;
	size_t keyword_count;
	struct uidset saved; /* "$" (RFC 5182) */
	bool dirty;          /* the local copy has changed since `view` */
	bool rights_changed; /* and PERMANENTFLAGS with them */
	/*
	 * All that happened up to this MODSEQ was told; below that of `view`
	 * while expunges are held back.
	 */
	uint64_t told_modseq;
};

struct imap_session;

typedef void session_resume(struct imap_session *session);

struct list_status;    /* session_list.c */
struct session_fetch;  /* session_fetch.c */
struct session_select; /* session_select.c */
struct session_append; /* session_append.c */

/* How a command ends, kept while the mailbox is synchronised first. */
struct session_end {
	enum imap_status_word word;
	bool modseq;     /* HIGHESTMODSEQ goes before the line */
	struct buf line; /* codes and text, without the tag */
};

/* MODSEQs that the command's own STOREs gave, rising. */
struct session_own {
	uint64_t *modseqs;
	size_t count;
	size_t cap;
};

struct imap_session {
	const struct imap_config *config;
	struct imap_port *port;
	struct random *random;
	bool tls;
	bool local;
	bool can_starttls;
	char *peer;
	struct buf exporter;
	char append_limit[40]; /* the capability with its number */

	enum session_phase phase;
	enum imap_state state;
	struct imap_parser *parser;
	struct arena arena; /* of the command under way */
	struct buf out;
	struct buf user;
	unsigned bad; /* in a row */
	bool shutdown;
	bool stopped_by_output; /* `resume` waits for imap_session_sent */
	uint64_t now_ms;
	uint64_t deadline_ms;
	uint64_t login_deadline_ms; /* whatever is said before login */

	bool condstore; /* enabled, by whatever means (RFC 7162 section 3.1) */
	bool qresync;
	bool utf8_accept;
	bool rev2;

	struct session_mailbox mailbox;
	bool left; /* another one; the client is to hear of it */

	/* the command under way */
	struct imap_command *command;
	session_resume *resume;
	bool asking;
	struct session_end end;
	struct session_own own;
	struct uidset echo;        /* STORE: told even if nothing changed */
	struct uidset search_uids; /* candidates of SEARCH */
	struct uidset store_uids;  /* of STORE, EXPUNGE, COPY, MOVE */
	struct auth_server *auth;
	bool auth_proved; /* the exchange has ended well */
	struct session_fetch *fetch;
	struct session_append *append;
	struct session_select *select;
	struct imap_list_walk *list_walk;
	struct buf list_after;           /* the last name that came */
	struct arena slice_arena;        /* of one answer of LIST */
	struct list_status *list_status; /* session_list.c */
	struct list_status **list_status_end;

	union {
		struct imap_ask head;
		struct imap_ask_user_keys user_keys;
		struct imap_ask_password password;
		struct imap_ask_list list;
		struct imap_ask_open open;
		struct imap_ask_status status;
		struct imap_ask_rows rows;
		struct imap_ask_read read;
		struct imap_ask_structure structure;
		struct imap_ask_search search;
		struct imap_ask_store store;
		struct imap_ask_expunge expunge;
		struct imap_ask_copy copy;
		struct imap_ask_upload upload;
		struct imap_ask_append append;
		struct imap_ask_create create;
		struct imap_ask_delete delete;
		struct imap_ask_rename rename;
		struct imap_ask_subscribe subscribe;
		struct imap_ask_get_acl get_acl;
		struct imap_ask_set_acl set_acl;
		struct imap_ask_rights rights;
		struct imap_ask_changes changes;
	} ask;
	struct imap_ask_sync sync; /* beside another ask's answer */
};

/* Names and strings may be UTF-8 on the wire. */
static inline bool session_utf8(const struct imap_session *session)
{
	return session->utf8_accept || session->rev2;
}

/* ---- session.c ---- */

/*
 * Zeroes session->ask and readies it for `kind`; the caller fills it and calls
 * session_ask, which sends it; the answer lands in `resume`.
 */
void session_ask_new(struct imap_session *session, enum imap_ask_kind kind);
void session_ask(struct imap_session *session, session_resume *resume);

/*
 * Much output waits to be sent: true, and `go_on` runs when it was. To be
 * called wherever a command is about to make more.
 */
must_use bool session_wait_output(struct imap_session *session,
				  session_resume *go_on);

/* Sends session->sync likewise. */
void session_ask_sync(struct imap_session *session, session_resume *resume);

/*
 * Ends the command: "TAG OK NAME completed", NO with a code, or what fits the
 * error. An error whose outcome is unknown closes the connection without a
 * tagged answer if the command writes (`wrote`).
 */
void session_ok(struct imap_session *session);
void session_no(struct imap_session *session, enum imap_code code,
		const char *text);
void session_err(struct imap_session *session, enum err err, bool wrote);
void session_bad(struct imap_session *session, const char *text);

/*
 * The same in two steps, for ends with codes that carry data: begin gives the
 * buffer for codes, then session_end_text.
 */
struct buf *session_end_begin(struct imap_session *session,
			      enum imap_status_word word);
void session_end_text(struct imap_session *session, const char *text);

/* "NAME completed" of the command under way. */
const char *session_completed(struct imap_session *session);

/* Writes the tagged line and makes ready for the next command. */
void session_finish(struct imap_session *session);

/* BYE and close. */
void session_bye(struct imap_session *session, enum imap_code code,
		 const char *text);

/* Closes without a word: the outcome of a write is unknown. */
void session_drop(struct imap_session *session);

/* ---- session_commands.c ---- */

/* Runs session->command. */
void session_run(struct imap_session *session);

/* Capabilities in the present state; for greeting, CAPABILITY and codes. */
#define SESSION_CAPABILITIES_MAX 64
size_t session_capabilities(const struct imap_session *session,
			    const char **names);

/* Passwords may be sent: TLS, a local connection, or the operator says so. */
bool session_is_private(const struct imap_session *session);

/* CONDSTORE was used: on from now on (RFC 7162 section 3.1). */
void session_enable_condstore(struct imap_session *session);

/* ---- session_auth.c ---- */
void session_run_login(struct imap_session *session);
void session_run_authenticate(struct imap_session *session);
void session_auth_line(struct imap_session *session, struct slice line);
void session_auth_delayed(struct imap_session *session);

/* ---- session_list.c ---- */
void session_run_list(struct imap_session *session);
void session_run_status(struct imap_session *session);

/* ---- session_names.c ---- */

/*
 * The LIST line of IMAP4rev2 for the name under which a mailbox is kept (NFC),
 * with OLDNAME if `given` is another (RFC 9051 section 6.3.9.7).
 */
void session_write_name(struct imap_session *session, struct slice name,
			struct slice given);
void session_run_create(struct imap_session *session);
void session_run_delete(struct imap_session *session);
void session_run_rename(struct imap_session *session);
void session_run_subscribe(struct imap_session *session);
void session_run_getacl(struct imap_session *session);
void session_run_setacl(struct imap_session *session);
void session_run_myrights(struct imap_session *session);

/* ---- session_select.c ---- */
void session_run_select(struct imap_session *session);
void session_run_close(struct imap_session *session);
void session_run_unselect(struct imap_session *session);

/* Leaves the selected mailbox without a word; nothing if there is none. */
void session_unselect(struct imap_session *session);
void session_select_free(struct imap_session *session);

/* Copies the names; true if they differ from those known so far. */
bool session_set_keywords(struct imap_session *session,
			  const struct slice *keywords, size_t count);
void session_write_flags(struct imap_session *session);

/* ---- session_sync.c ---- */

/* Says what happened (without a read index), then session_finish. */
void session_sync_end(struct imap_session *session);

/* What a STORE of the command under way did: it is not told as news. */
void session_add_own(struct imap_session *session, const uint64_t *modseqs,
		     size_t count);

/* The command's tagged OK carries HIGHESTMODSEQ, for who uses QRESYNC. */
void session_end_modseq(struct imap_session *session);
void session_run_noop(struct imap_session *session);
void session_run_idle(struct imap_session *session);
void session_idle_line(struct imap_session *session, struct slice line);
void session_idle_changed(struct imap_session *session);

/*
 * "* VANISHED (EARLIER) ...": without what is still in the view; that is told
 * without EARLIER when its time comes (RFC 7162 section 3.2.10).
 */
void session_write_earlier(struct imap_session *session,
			   struct uidset *vanished);

/* "* n FETCH (FLAGS .. UID .. MODSEQ ..)" */
void session_write_row(struct imap_session *session, const struct imap_row *row,
		       bool with_flags);

/* ---- session_fetch.c ---- */
void session_run_fetch(struct imap_session *session);
void session_fetch_free(struct imap_session *session);

/* A line of FETCH has begun and not ended: perhaps in a literal. */
bool session_fetch_in_line(const struct imap_session *session);

/* ---- session_search.c ---- */
void session_run_search(struct imap_session *session);

/* ---- session_store.c ---- */
void session_run_store(struct imap_session *session);
void session_run_expunge(struct imap_session *session);
void session_run_copy(struct imap_session *session);

/* ---- session_append.c ---- */

/* A literal of APPEND is announced: take it, or refuse the command. */
void session_append_literal(struct imap_session *session);
void session_append_body(struct imap_session *session, struct slice octets);
void session_append_body_end(struct imap_session *session);
void session_run_append(struct imap_session *session);
void session_append_free(struct imap_session *session);

/*
 * The UIDs that a command's set names in the view, in `uids` (initialised
 * here, freed by the caller). False: the command was answered BAD.
 */
must_use bool session_resolve(struct imap_session *session,
			      const struct imap_seqset *set,
			      struct uidset *uids);

#endif
