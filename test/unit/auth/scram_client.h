/*
 * The client side of SCRAM-SHA-256 (RFC 5802, 7677), for tests.
 */
#ifndef TEST_AUTH_SCRAM_CLIENT_H
#define TEST_AUTH_SCRAM_CLIENT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/slice.h"

struct scram_client {
	const char *gs2;   /* "n,," "y,," "p=tls-exporter,,": with authzid */
	const char *user;  /* as a saslname */
	const char *nonce; /* the client's part */
	const char *password;
	struct slice binding; /* octets of the channel, with "p=" */
	struct buf text;      /* AuthMessage */
	struct sha256 server_signature;
};

void scram_client_fini(struct scram_client *client);

/* client-first-message */
void scram_client_first(struct scram_client *client, struct buf *out);

/* client-final-message; false: not a server-first-message of this exchange. */
bool scram_client_final(struct scram_client *client, struct slice server_first,
			struct buf *out);

/* "v=" and the signature: the server knows the keys, too. */
bool scram_client_check(const struct scram_client *client,
			struct slice server_final);

#endif
