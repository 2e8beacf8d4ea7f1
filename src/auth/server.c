/*
 * The server side of SASL: one small state machine for all mechanisms.
 *
 * PLAIN, LOGIN and EXTERNAL are a message or two and are read here; SCRAM is
 * gsasl's. gsasl wants salt and iteration count before it sees the client's
 * first message, so the user name is read from that message here, the caller
 * finds the keys, and only then the message is given to gsasl.
 *
 * Failures: a message that breaks the mechanism's grammar is BAD, a proof that
 * does not match is FAIL; both end the exchange.
 */
#include "auth/server.h"

#include <gsasl.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/panic.h"

enum auth_state {
	AUTH_STATE_FIRST,    /* expects the first client message */
	AUTH_STATE_PASSWORD, /* LOGIN: has the user, expects the password */
	AUTH_STATE_KEYS,     /* SCRAM: expects auth_server_keys */
	AUTH_STATE_PROOF,    /* SCRAM: expects client-final-message */
	AUTH_STATE_ENDED,
};

struct auth_server {
	enum auth_mechanism mechanism;
	enum auth_state state;
	bool offered_plus;
	struct buf exporter;
	struct buf external;
	struct buf authcid;
	struct buf authzid;
	struct buf password;
	struct buf first; /* SCRAM: client-first-message */
	struct buf challenge;
	Gsasl *gsasl;
	Gsasl_session *session;
};

static const struct {
	enum auth_mechanism mechanism;
	const char *name;
} mechanisms[] = {
	{ AUTH_PLAIN, "PLAIN" },
	{ AUTH_LOGIN, "LOGIN" },
	{ AUTH_SCRAM_SHA_256, "SCRAM-SHA-256" },
	{ AUTH_SCRAM_SHA_256_PLUS, "SCRAM-SHA-256-PLUS" },
	{ AUTH_EXTERNAL, "EXTERNAL" },
};

enum auth_mechanism auth_mechanism_find(struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
		if (slice_eq_nocase(name, slice_str(mechanisms[i].name)))
			return mechanisms[i].mechanism;
	return (enum auth_mechanism)0;
}

const char *auth_mechanism_name(enum auth_mechanism mechanism)
{
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
		if (mechanisms[i].mechanism == mechanism)
			return mechanisms[i].name;
	return NULL;
}

struct auth_server *auth_server_new(enum auth_mechanism mechanism,
				    struct slice exporter, bool offered_plus,
				    struct slice external)
{
	struct auth_server *server = mem_zalloc(1, sizeof(*server));

	MUST(auth_mechanism_name(mechanism));
	server->mechanism = mechanism;
	server->offered_plus = offered_plus;
	buf_add_slice(&server->exporter, exporter);
	buf_add_slice(&server->external, external);
	return server;
}

static void wipe_buf(struct buf *buf)
{
	if (buf->data)
		secret_wipe(buf->data, buf->cap);
	buf_fini(buf);
}

void auth_server_free(struct auth_server **serverp)
{
	struct auth_server *server = *serverp;

	*serverp = NULL;
	if (!server)
		return;
	if (server->session)
		gsasl_finish(server->session);
	if (server->gsasl)
		gsasl_done(server->gsasl);
	buf_fini(&server->exporter);
	buf_fini(&server->external);
	buf_fini(&server->authcid);
	buf_fini(&server->authzid);
	buf_fini(&server->challenge);
	wipe_buf(&server->password);
	wipe_buf(&server->first);
	mem_free(server);
}

static enum auth_step end(struct auth_server *server, enum auth_step step)
{
	server->state = AUTH_STATE_ENDED;
	return step;
}

static enum auth_step challenge(struct auth_server *server, const char *text)
{
	buf_clear(&server->challenge);
	buf_add_str(&server->challenge, text);
	return AUTH_STEP_CHALLENGE;
}

static bool is_name(struct slice name, bool may_be_empty)
{
	return name.len <= AUTH_USER_MAX && (may_be_empty || name.len > 0) &&
	       slice_find(name, '\0') == name.len;
}

/* message = [authzid] NUL authcid NUL passwd (RFC 4616 section 2) */
static enum auth_step plain_first(struct auth_server *server,
				  struct slice message)
{
	struct slice authzid = slice_cut(&message, '\0');
	struct slice authcid = slice_cut(&message, '\0');

	if (!is_name(authzid, true) || !is_name(authcid, false) ||
	    message.len == 0 || message.len > AUTH_PASSWORD_MAX ||
	    slice_find(message, '\0') != message.len)
		return end(server, AUTH_STEP_BAD);
	buf_add_slice(&server->authzid, authzid);
	buf_add_slice(&server->authcid, authcid);
	buf_add_slice(&server->password, message);
	return end(server, AUTH_STEP_PASSWORD);
}

static enum auth_step login_first(struct auth_server *server, struct slice user)
{
	if (!is_name(user, false))
		return end(server, AUTH_STEP_BAD);
	buf_add_slice(&server->authcid, user);
	server->state = AUTH_STATE_PASSWORD;
	return challenge(server, "Password:");
}

static enum auth_step login_password(struct auth_server *server,
				     struct slice password)
{
	if (password.len == 0 || password.len > AUTH_PASSWORD_MAX ||
	    slice_find(password, '\0') != password.len)
		return end(server, AUTH_STEP_BAD);
	buf_add_slice(&server->password, password);
	return end(server, AUTH_STEP_PASSWORD);
}

/* The response is the authorisation identity, or empty (RFC 4422 A.1). */
static enum auth_step external_first(struct auth_server *server,
				     struct slice authzid)
{
	if (!is_name(authzid, true))
		return end(server, AUTH_STEP_BAD);
	if (server->external.len == 0)
		return end(server, AUTH_STEP_FAIL);
	buf_add_slice(&server->authcid, buf_slice(&server->external));
	buf_add_slice(&server->authzid, authzid);
	return end(server, AUTH_STEP_PROVED);
}

/* saslname: "=2C" is ',' and "=3D" is '='; any other '=' is an error. */
static bool saslname_decode(struct slice name, struct buf *out)
{
	for (size_t i = 0; i < name.len; i++) {
		struct slice rest = slice_from(name, i);

		if (name.data[i] != '=') {
			buf_add_octet(out, name.data[i]);
			continue;
		}
		if (slice_has_prefix_nocase(rest, SLICE_LIT("=2C")))
			buf_add_octet(out, ',');
		else if (slice_has_prefix_nocase(rest, SLICE_LIT("=3D")))
			buf_add_octet(out, '=');
		else
			return false;
		i += 2;
	}
	return true;
}

/*
 * client-first-message = gs2-cbind-flag "," [authzid] "," client-first-bare
 * (RFC 5802 section 7). Only the names and the flag are read here.
 */
static bool scram_read_first(struct auth_server *server, struct slice message)
{
	bool plus = server->mechanism == AUTH_SCRAM_SHA_256_PLUS;
	struct slice flag = slice_cut(&message, ',');
	struct slice authzid = slice_cut(&message, ',');
	struct slice user = slice_cut(&message, ',');

	/* gsasl takes "p=" under a name without -PLUS: RFC 5802 section 6
	 * does not. */
	if (plus != slice_has_prefix(flag, SLICE_LIT("p=")))
		return false;
	if (authzid.len && !slice_has_prefix(authzid, SLICE_LIT("a=")))
		return false;
	if (!slice_has_prefix(user, SLICE_LIT("n=")))
		return false;
	return saslname_decode(slice_from(authzid, authzid.len ? 2 : 0),
			       &server->authzid) &&
	       saslname_decode(slice_from(user, 2), &server->authcid) &&
	       is_name(buf_slice(&server->authzid), true) &&
	       is_name(buf_slice(&server->authcid), false);
}

static enum auth_step scram_first(struct auth_server *server,
				  struct slice message)
{
	if (!scram_read_first(server, message))
		return end(server, AUTH_STEP_BAD);
	buf_add_slice(&server->first, message);
	server->state = AUTH_STATE_KEYS;
	return AUTH_STEP_KEYS;
}

/* One step of gsasl; its output becomes the challenge. */
static int scram_step(struct auth_server *server, struct slice message)
{
	char *output = NULL;
	size_t len = 0;
	int rc = gsasl_step(server->session, (const char *)message.data,
			    message.len, &output, &len);

	buf_clear(&server->challenge);
	if (rc == GSASL_OK || rc == GSASL_NEEDS_MORE)
		buf_add(&server->challenge, output, len);
	gsasl_free(output);
	return rc;
}

static bool set_base64(struct auth_server *server, Gsasl_property property,
		       struct slice octets)
{
	struct buf text = { 0 };
	int rc;

	base64_encode(octets, &text);
	rc = gsasl_property_set(server->session, property, buf_cstr(&text));
	buf_fini(&text);
	return rc == GSASL_OK;
}

static bool scram_start(struct auth_server *server,
			const struct auth_keys *keys)
{
	const char *name = auth_mechanism_name(server->mechanism);
	struct buf iterations = { 0 };
	bool ok;

	if (gsasl_init(&server->gsasl) != GSASL_OK ||
	    gsasl_server_start(server->gsasl, name, &server->session) !=
		    GSASL_OK)
		return false;
	buf_add_u64(&iterations, keys->iterations);
	ok = gsasl_property_set(server->session, GSASL_SCRAM_ITER,
				buf_cstr(&iterations)) == GSASL_OK;
	buf_fini(&iterations);
	/* Set for the plain name too: "y" from a client that could have bound
	 * while -PLUS was offered is a downgrade, and gsasl refuses it. */
	if (server->exporter.len && server->offered_plus)
		ok = ok && set_base64(server, GSASL_CB_TLS_EXPORTER,
				      buf_slice(&server->exporter));
	return ok &&
	       set_base64(server, GSASL_SCRAM_SALT,
			  slice_of(keys->salt, keys->salt_len)) &&
	       set_base64(server, GSASL_SCRAM_STOREDKEY,
			  slice_of(keys->stored_key.octets, SHA256_SIZE)) &&
	       set_base64(server, GSASL_SCRAM_SERVERKEY,
			  slice_of(keys->server_key.octets, SHA256_SIZE));
}

enum auth_step auth_server_keys(struct auth_server *server,
				const struct auth_keys *keys)
{
	int rc;

	MUST(server->state == AUTH_STATE_KEYS);
	if (!scram_start(server, keys))
		return end(server, AUTH_STEP_FAIL);
	rc = scram_step(server, buf_slice(&server->first));
	if (rc != GSASL_NEEDS_MORE)
		return end(server, rc == GSASL_AUTHENTICATION_ERROR
					   ? AUTH_STEP_FAIL
					   : AUTH_STEP_BAD);
	server->state = AUTH_STATE_PROOF;
	return AUTH_STEP_CHALLENGE;
}

static enum auth_step scram_proof(struct auth_server *server,
				  struct slice message)
{
	int rc = scram_step(server, message);

	if (rc == GSASL_OK)
		return end(server, AUTH_STEP_PROVED);
	return end(server, rc == GSASL_AUTHENTICATION_ERROR ? AUTH_STEP_FAIL
							    : AUTH_STEP_BAD);
}

static enum auth_step feed_first(struct auth_server *server,
				 struct slice response)
{
	switch (server->mechanism) {
	case AUTH_PLAIN:
		return plain_first(server, response);
	case AUTH_LOGIN:
		return login_first(server, response);
	case AUTH_EXTERNAL:
		return external_first(server, response);
	case AUTH_SCRAM_SHA_256:
	case AUTH_SCRAM_SHA_256_PLUS:
		return scram_first(server, response);
	}
	PANIC("mechanism %d", (int)server->mechanism);
}

enum auth_step auth_server_feed(struct auth_server *server,
				struct slice response, bool has_response)
{
	if (response.len > AUTH_RESPONSE_MAX)
		return end(server, AUTH_STEP_BAD);
	switch (server->state) {
	case AUTH_STATE_FIRST:
		if (has_response)
			return feed_first(server, response);
		return challenge(server, server->mechanism == AUTH_LOGIN
						 ? "Username:"
						 : "");
	case AUTH_STATE_PASSWORD:
		return login_password(server, response);
	case AUTH_STATE_PROOF:
		return scram_proof(server, response);
	case AUTH_STATE_KEYS:
	case AUTH_STATE_ENDED:
		break;
	}
	PANIC("fed in state %d", (int)server->state);
}

struct slice auth_server_challenge(const struct auth_server *server)
{
	return buf_slice(&server->challenge);
}

struct slice auth_server_authcid(const struct auth_server *server)
{
	return buf_slice(&server->authcid);
}

struct slice auth_server_authzid(const struct auth_server *server)
{
	return buf_slice(&server->authzid);
}

struct slice auth_server_password(const struct auth_server *server)
{
	return buf_slice(&server->password);
}
