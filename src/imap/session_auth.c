/*
 * LOGIN and AUTHENTICATE (RFC 9051 sections 6.2.2, 6.2.3; RFC 4959).
 *
 * LOGIN:        PASSWORD -> in, or NO after a delay
 * AUTHENTICATE: steps of auth/server; its challenges are lines, keys and
 *               passwords are asked of the port; then as LOGIN
 *
 * Every refusal of credentials takes login_delay_ms and looks the same.
 */
#include <string.h>

#include "base/base64.h"
#include "base/panic.h"
#include "imap/session_internal.h"

/* ---- the verdict ---- */

static void logged_in(struct imap_session *session, struct slice user)
{
	const char *names[SESSION_CAPABILITIES_MAX];
	struct buf *line;

	buf_clear(&session->user);
	buf_add_slice(&session->user, user);
	session->state = IMAP_STATE_AUTH;
	line = session_end_begin(session, IMAP_OK);
	imap_code_capability(line, names, session_capabilities(session, names));
	session_end_text(session, "logged in");
}

static enum imap_code refusal_code(enum err err)
{
	switch ((int)err) {
	case ERR_DISABLED:
		return IMAP_CODE_CONTACTADMIN;
	case ERR_DENIED:
		return IMAP_CODE_AUTHORIZATIONFAILED;
	case ERR_AUTH:
		return IMAP_CODE_AUTHENTICATIONFAILED;
	default:
		return IMAP_CODE_UNAVAILABLE;
	}
}

/* The NO waits: guessing must be slow. The line is written now. */
static void refuse(struct imap_session *session, enum err err)
{
	imap_code(session_end_begin(session, IMAP_NO), refusal_code(err));
	imap_end_text(&session->end.line, err_text(err));
	session->phase = PHASE_DELAY;
	session->deadline_ms = session->now_ms;
	if (err == ERR_AUTH)
		session->deadline_ms += session->config->login_delay_ms;
}

void session_auth_delayed(struct imap_session *session)
{
	session->phase = PHASE_RUN;
	session_sync_end(session);
}

static void password_answered(struct imap_session *session)
{
	const struct imap_ask_password *answer = &session->ask.password;

	if (answer->ask.err)
		refuse(session, answer->ask.err);
	else
		logged_in(session, answer->user);
}

static void ask_password(struct imap_session *session, struct slice authcid,
			 struct slice authzid, struct slice password,
			 bool proved)
{
	struct buf prepared = { 0 };

	if (auth_user_prepare(authcid, &prepared)) {
		buf_fini(&prepared);
		refuse(session, ERR_AUTH);
		return;
	}
	session_ask_new(session, IMAP_ASK_PASSWORD);
	session->ask.password.authcid =
		arena_slice(&session->arena, buf_slice(&prepared));
	session->ask.password.authzid = authzid;
	session->ask.password.password = password;
	session->ask.password.proved = proved;
	buf_fini(&prepared);
	session_ask(session, password_answered);
}

/* ---- LOGIN ---- */

void session_run_login(struct imap_session *session)
{
	const struct imap_login *login = &session->command->login;

	if (!session_is_private(session))
		session_no(session, IMAP_CODE_PRIVACYREQUIRED,
			   "use STARTTLS first");
	else
		ask_password(session, login->user, SLICE_NONE, login->password,
			     false);
}

/* ---- AUTHENTICATE ---- */

static void step(struct imap_session *session, enum auth_step next);

static void keys_answered(struct imap_session *session)
{
	const struct imap_ask_user_keys *answer = &session->ask.user_keys;
	struct auth_keys keys = { .iterations = answer->iterations };

	if (answer->ask.err) {
		refuse(session, answer->ask.err);
		return;
	}
	MUST(answer->salt.len <= AUTH_SALT_MAX);
	MUST(answer->stored_key.len == SHA256_SIZE);
	MUST(answer->server_key.len == SHA256_SIZE);
	keys.salt_len = answer->salt.len;
	memcpy(keys.salt, answer->salt.data, answer->salt.len);
	memcpy(keys.stored_key.octets, answer->stored_key.data, SHA256_SIZE);
	memcpy(keys.server_key.octets, answer->server_key.data, SHA256_SIZE);
	step(session, auth_server_keys(session->auth, &keys));
}

static void ask_keys(struct imap_session *session)
{
	struct buf prepared = { 0 };
	struct slice user = auth_server_authcid(session->auth);

	/* A name that SASLprep refuses is an unknown one. */
	if (auth_user_prepare(user, &prepared))
		buf_add_slice(&prepared, user);
	session_ask_new(session, IMAP_ASK_USER_KEYS);
	session->ask.user_keys.user =
		arena_slice(&session->arena, buf_slice(&prepared));
	buf_fini(&prepared);
	session_ask(session, keys_answered);
}

static void send_challenge(struct imap_session *session)
{
	struct buf text = { 0 };

	base64_encode(auth_server_challenge(session->auth), &text);
	imap_write_continue(&session->out, buf_slice(&text));
	buf_fini(&text);
	session->phase = PHASE_SASL;
	imap_parser_want_line(session->parser);
}

static void proved(struct imap_session *session)
{
	ask_password(session, auth_server_authcid(session->auth),
		     auth_server_authzid(session->auth), SLICE_NONE, true);
}

static void step(struct imap_session *session, enum auth_step next)
{
	switch (next) {
	case AUTH_STEP_CHALLENGE:
		send_challenge(session);
		break;
	case AUTH_STEP_KEYS:
		ask_keys(session);
		break;
	case AUTH_STEP_PASSWORD:
		ask_password(session, auth_server_authcid(session->auth),
			     auth_server_authzid(session->auth),
			     auth_server_password(session->auth), false);
		break;
	case AUTH_STEP_PROVED:
		/* IMAP has no data with success: the server's proof is one
		 * more challenge, answered by an empty line. */
		session->auth_proved = true;
		if (auth_server_challenge(session->auth).len)
			send_challenge(session);
		else
			proved(session);
		break;
	case AUTH_STEP_FAIL:
		refuse(session, ERR_AUTH);
		break;
	case AUTH_STEP_BAD:
		session_bad(session, "not what the mechanism wants");
		break;
	}
}

static void feed(struct imap_session *session, struct slice base64,
		 bool has_response)
{
	struct buf response = { 0 };

	if (base64_decode(base64, &response))
		session_bad(session, "not base64");
	else if (session->auth_proved && response.len)
		session_bad(session, "an empty line was expected");
	else if (session->auth_proved)
		proved(session);
	else
		step(session,
		     auth_server_feed(session->auth, buf_slice(&response),
				      has_response));
	if (response.data)
		secret_wipe(response.data, response.cap);
	buf_fini(&response);
}

void session_auth_line(struct imap_session *session, struct slice line)
{
	session->phase = PHASE_RUN;
	if (slice_eq(line, SLICE_LIT("*")))
		session_bad(session, "authentication cancelled");
	else
		feed(session, line, true);
}

/* The mechanism, if it may be used on this connection. */
static enum auth_mechanism mechanism(const struct imap_session *session)
{
	enum auth_mechanism found =
		auth_mechanism_find(session->command->authenticate.mechanism);

	if (found == AUTH_EXTERNAL || found == AUTH_LOGIN ||
	    (found == AUTH_SCRAM_SHA_256_PLUS && !session->exporter.len))
		return (enum auth_mechanism)0;
	return found;
}

void session_run_authenticate(struct imap_session *session)
{
	const struct imap_authenticate *args = &session->command->authenticate;
	enum auth_mechanism found = mechanism(session);
	struct slice initial = args->initial;

	if (!found) {
		session_no(session, IMAP_CODE_CANNOT, "unknown mechanism");
		return;
	}
	if (!session_is_private(session)) {
		session_no(session, IMAP_CODE_PRIVACYREQUIRED,
			   "use STARTTLS first");
		return;
	}
	session->auth_proved = false;
	session->auth = auth_server_new(found, buf_slice(&session->exporter),
					session->exporter.len > 0, SLICE_NONE);
	if (slice_eq(initial, SLICE_LIT("=")))
		initial = SLICE_NONE;
	feed(session, initial, args->has_initial);
}
