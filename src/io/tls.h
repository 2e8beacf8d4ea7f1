/*
 * TLS contexts: certificates and keys, and how peers prove who they are.
 *
 * TLS 1.2 and 1.3 only, no renegotiation, no compression, no session cache:
 * resumption is by tickets. A context is reference-counted and may be used from
 * any thread; streams take references of their own.
 */
#ifndef IO_TLS_H
#define IO_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

/* Certificates of one server: names of one service, ECDSA beside RSA. */
#define IO_TLS_PAIRS_MAX 32

struct io_tls;

/* PEM files: the certificate with its chain behind it, and its key. */
struct io_tls_pair {
	const char *cert_path;
	const char *key_path;
};

enum io_tls_ask {
	IO_TLS_ASK_NOTHING,
	IO_TLS_ASK_CERT,  /* a client may show a certificate */
	IO_TLS_NEED_CERT, /* a client must show one */
};

struct io_tls_server_config {
	/*
	 * A client that names a host (SNI) gets the first pair whose
	 * certificate has the name, else the first pair. Of pairs with the
	 * same first name but different kinds of keys the client chooses.
	 */
	const struct io_tls_pair *pairs;
	size_t count;     /* 1 .. IO_TLS_PAIRS_MAX */
	const char *alpn; /* "imap", or NULL: not negotiated */
	/*
	 * Any certificate is accepted as such: whoever asks compares the hash
	 * of its key (io_stream_tls) with what he knows.
	 */
	enum io_tls_ask ask;
};

/*
 * Reads the files; `config` is copied. Errors, with a text that names the file
 * appended to `why`: ERR_NOTFOUND, ERR_DENIED, ERR_INVALID (not PEM, key and
 * certificate do not match, key with a passphrase), ERR_IO.
 */
must_use enum err io_tls_server_new(const struct io_tls_server_config *config,
				    struct buf *why, struct io_tls **tls_r);

/*
 * Reads the files again, from any thread: handshakes that start later use
 * them, connections that are up keep what they have. On an error nothing
 * changes.
 */
must_use enum err io_tls_reload(struct io_tls *tls, struct buf *why);

/*
 * For outgoing connections. `pair` is what this side shows when asked; NULL:
 * nothing. How the server is checked is said per connection (io/stream.h): by
 * the hash of its key, or by the system's CAs and its name.
 */
must_use enum err io_tls_client_new(const struct io_tls_pair *pair,
				    struct buf *why, struct io_tls **tls_r);

/*
 * Who the server of an outgoing connection must be: the holder of the key with
 * this hash, or else one whose certificate has `name` and a CA of the system's.
 */
struct io_tls_peer {
	const struct sha256 *pin;  /* NULL: CAs and name */
	const struct sha256 *pin2; /* or this, while keys change; or NULL */
	const char *name;          /* also sent as SNI; NULL only with a pin */
};

/* Another reference to the same; from any thread. */
struct io_tls *io_tls_ref(struct io_tls *tls);

/* *tlsp becomes NULL; NULL is allowed. */
void io_tls_unref(struct io_tls **tlsp);

/*
 * Makes a P-256 key and a certificate signed by itself, good for 10 years, for
 * the host names `names` (the first is its common name; addresses are allowed).
 * The files are written anew and whole or not at all; the key's mode is 0600.
 *
 * Errors: ERR_INVALID (no name, or one of more than 255 octets), ERR_NOTFOUND
 * (no such directory), ERR_FULL, ERR_IO; logged with the path.
 */
must_use enum err io_tls_selfsigned(const char *cert_path, const char *key_path,
				    const char *const *names, size_t count);

/*
 * SHA-256 of the SubjectPublicKeyInfo of the first certificate in a PEM file:
 * what links pin. Errors as io_tls_server_new.
 */
must_use enum err io_tls_key_hash(const char *cert_path, struct buf *why,
				  struct sha256 *hash_r);

#define IO_TLS_EXPORTER_SIZE 32 /* octets (RFC 9266 section 2) */

/* What a handshake has agreed on: io_stream_tls (io/stream.h). */
struct io_tls_info {
	const char *version; /* "TLSv1.3"; static */
	const char *cipher;  /* static */
	const char *sni;     /* borrowed from the stream; NULL: none */
	const char *group;   /* of the key exchange; static, or NULL */
	bool resumed;
	/* Binds SCRAM to this connection; absent without EMS on TLS 1.2. */
	bool has_exporter;
	uint8_t exporter[IO_TLS_EXPORTER_SIZE];
	/* Of the peer's SubjectPublicKeyInfo, if it showed a certificate. */
	bool has_peer_key;
	struct sha256 peer_key;
};

#endif
