/*
 * The TLS contexts as OpenSSL sees them, for this folder only.
 */
#ifndef IO_TLS_SSL_H
#define IO_TLS_SSL_H

#include <openssl/ssl.h>

#include "base/buf.h"
#include "io/tls.h"

/*
 * What was read from the files at one time: a context for each name. A
 * connection keeps the set of its handshake, reload makes a new one.
 */
struct tls_set;

/* A connection of the newest set, and a reference to the set. */
SSL *tls_ssl_new(struct io_tls *tls, struct tls_set **set_r);

/* Hashes one of which the server's key must have. */
struct tls_pins {
	struct sha256 hash[2];
};

/* `pins` are borrowed for the SSL's life. */
void tls_ssl_pin(SSL *ssl, const struct tls_pins *pins);

/* *setp becomes NULL; NULL is allowed. */
void tls_set_unref(struct tls_set **setp);

/* Appends what OpenSSL says about its first error, and forgets them all. */
void tls_error_text(struct buf *out);

/* SHA-256 of the certificate's SubjectPublicKeyInfo. */
void tls_x509_key_hash(const X509 *cert, struct sha256 *hash_r);

/* ---- tickets (tls_ticket.c) ---- */

/* Keys that seal session tickets; shared by all sets of an io_tls. */
struct tls_tickets;

/* New random keys, one reference. */
struct tls_tickets *tls_tickets_new(void);
struct tls_tickets *tls_tickets_ref(struct tls_tickets *tickets);

/* *ticketsp becomes NULL; the last reference clears the keys. */
void tls_tickets_unref(struct tls_tickets **ticketsp);

/* Tickets of `ctx` are sealed with these keys, which must outlive it. */
void tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *ctx);

#endif
