/*
 * The server side of one SASL exchange (RFC 4422): octets in, verdict out.
 *
 * PLAIN (RFC 4616), LOGIN (for old clients), EXTERNAL (RFC 4422 appendix A),
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, 7677; gsasl inside). Pure:
 * what must be looked up is asked of the caller by a step's result. Base64 and
 * the protocol's framing are the caller's.
 */
#ifndef AUTH_SERVER_H
#define AUTH_SERVER_H

#include <stdbool.h>

#include "auth/keys.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum auth_mechanism {
	AUTH_PLAIN = 1 << 0,
	AUTH_LOGIN = 1 << 1,
	AUTH_SCRAM_SHA_256 = 1 << 2,
	AUTH_SCRAM_SHA_256_PLUS = 1 << 3,
	AUTH_EXTERNAL = 1 << 4,
};

/* 0: unknown name. Case-insensitive. */
enum auth_mechanism auth_mechanism_find(struct slice name);
const char *auth_mechanism_name(enum auth_mechanism mechanism);

/* A client response above this is refused (octets, decoded). */
#define AUTH_RESPONSE_MAX 8192

enum auth_step {
	AUTH_STEP_CHALLENGE, /* send `challenge`, feed the response */
	AUTH_STEP_KEYS,      /* find keys of `user`, call auth_server_keys */
	AUTH_STEP_PASSWORD,  /* check {authcid, authzid, password} yourself */
	AUTH_STEP_PROVED,    /* proved; `final` may hold data for the client */
	AUTH_STEP_FAIL,      /* wrong: say NO [AUTHENTICATIONFAILED] */
	AUTH_STEP_BAD,       /* broken or cancelled exchange: BAD */
};

struct auth_server;

/*
 * `exporter`: octets of tls-exporter (RFC 9266), copied; empty where there is
 * no TLS 1.3. `offered_plus`: -PLUS was advertised (downgrade detection).
 * `external`: identity proved below (client certificate), or empty.
 */
struct auth_server *auth_server_new(enum auth_mechanism mechanism,
				    struct slice exporter, bool offered_plus,
				    struct slice external);

/* Wipes secrets; *serverp becomes NULL. */
void auth_server_free(struct auth_server **serverp);

/*
 * The next message of the client; `first` with has_response = false means
 * that no initial response was given.
 */
enum auth_step auth_server_feed(struct auth_server *server,
				struct slice response, bool has_response);

/* After AUTH_STEP_KEYS: real or fake keys; gives the next step. */
enum auth_step auth_server_keys(struct auth_server *server,
				const struct auth_keys *keys);

/* Borrowed until the next call: text of CHALLENGE, or final data of PROVED. */
struct slice auth_server_challenge(const struct auth_server *server);

/* Borrowed until free; valid from KEYS, PASSWORD or PROVED on. */
struct slice auth_server_authcid(const struct auth_server *server);
struct slice auth_server_authzid(const struct auth_server *server);
struct slice auth_server_password(const struct auth_server *server);

#endif
