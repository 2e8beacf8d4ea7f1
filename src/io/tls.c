/*
 * Contexts from files, for servers and clients.
 *
 * An io_tls stands for a configuration; a tls_set is what its files held when
 * they were read. Reload reads a new set and puts it in the place of the old
 * one, under a lock that is held for the exchange of two pointers only. SSL
 * objects keep their set, so a handshake under way ends as it began.
 *
 * Failures: a file that is absent or no good leaves everything as it was, with
 * a text that names it.
 */
#include "io/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/panic.h"
#include "io/sys.h"
#include "io/tls_ssl.h"

/*
 * Forward secrecy and authenticated encryption; every client of the last ten
 * years has one of them. TLS 1.3 has only such.
 */
#define TLS12_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

#define TLS_ALPN_MAX 32 /* octets of our protocol's name */

struct tls_set {
	atomic_uint refs;
	struct tls_tickets *tickets;
	size_t count;
	SSL_CTX *ctx[IO_TLS_PAIRS_MAX];
	uint8_t alpn[1 + TLS_ALPN_MAX]; /* length, name; length 0: none */
};

struct io_tls {
	atomic_uint refs;
	bool server;
	enum io_tls_ask ask;
	char *alpn; /* or NULL */
	size_t count;
	char *cert_path[IO_TLS_PAIRS_MAX];
	char *key_path[IO_TLS_PAIRS_MAX];
	struct tls_tickets *tickets;
	pthread_mutex_t lock;
	struct tls_set *set; /* under `lock` */
};

/* ---- errors ---- */

void tls_error_text(struct buf *out)
{
	unsigned long code = ERR_get_error();
	const char *reason = ERR_reason_error_string(code);
	char number[32];

	if (code != 0 && !reason) {
		ERR_error_string_n(code, number, sizeof(number));
		reason = number;
	}
	buf_add_str(out, reason ? reason : "unknown TLS error");
	ERR_clear_error();
}

static enum err tls_file_failed(const char *what, const char *path,
				struct buf *why)
{
	unsigned long code = ERR_peek_error();
	enum err err = ERR_SYSTEM_ERROR(code) ? sys_err(ERR_GET_REASON(code))
					      : ERR_INVALID;

	buf_printf(why, "cannot use %s %s: ", what, path);
	tls_error_text(why);
	return err;
}

/* ---- names and keys of certificates ---- */

void tls_x509_key_hash(const X509 *cert, struct sha256 *hash_r)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	if (len <= 0)
		PANIC("a parsed certificate has no key");
	sha256(slice_of(der, (size_t)len), hash_r);
	OPENSSL_free(der);
}

/* The first host name of a certificate: where its pair belongs. */
static bool tls_first_name(X509 *cert, struct buf *name_r)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_DNS)
			continue;
		buf_add(name_r, ASN1_STRING_get0_data(name->d.dNSName),
			(size_t)ASN1_STRING_length(name->d.dNSName));
		found = true;
	}
	GENERAL_NAMES_free(names);
	return found;
}

static bool tls_same_name(SSL_CTX *a, SSL_CTX *b)
{
	struct buf name_a = { 0 }, name_b = { 0 };
	bool same = tls_first_name(SSL_CTX_get0_certificate(a), &name_a) &&
		    tls_first_name(SSL_CTX_get0_certificate(b), &name_b) &&
		    slice_eq_nocase(buf_slice(&name_a), buf_slice(&name_b));

	buf_fini(&name_a);
	buf_fini(&name_b);
	return same;
}

/* ---- a context ---- */

/* Keys with a passphrase are refused: nobody is there to type it. */
static int tls_no_passphrase(unused_arg char *out, unused_arg int size,
			     unused_arg int writing, unused_arg void *arg)
{
	return -1;
}

static SSL_CTX *tls_ctx_new(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	MUST(ctx);
	MUST(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1);
	MUST(SSL_CTX_set_cipher_list(ctx, TLS12_CIPHERS) == 1);
	/* A peer that just closes is common; IMAP counts its octets itself. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_COMPRESSION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA |
					 SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* An idle connection has no buffers; what waits may move (outq). */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_default_passwd_cb(ctx, tls_no_passphrase);
	return ctx;
}

static enum err tls_ctx_load(SSL_CTX *ctx, const char *cert, const char *key,
			     struct buf *why)
{
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
		return tls_file_failed("certificate", cert, why);
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return tls_file_failed("key", key, why);
	if (SSL_CTX_check_private_key(ctx) != 1)
		return tls_file_failed("key", key, why);
	return ERR_NONE;
}

/* Any certificate will do: the caller compares its key. */
static int tls_accept_any(unused_arg X509_STORE_CTX *store,
			  unused_arg void *arg)
{
	return 1;
}

static int tls_verify_mode(enum io_tls_ask ask)
{
	switch (ask) {
	case IO_TLS_ASK_NOTHING:
		return SSL_VERIFY_NONE;
	case IO_TLS_ASK_CERT:
		return SSL_VERIFY_PEER;
	case IO_TLS_NEED_CERT:
		return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	}
	PANIC("io_tls_ask %d", (int)ask);
}

/*
 * RFC 7301 section 3.2: who offers protocols but not ours is refused, so that
 * a browser cannot be made to talk to us (ALPACA).
 */
static int tls_select_alpn(unused_arg SSL *ssl, const unsigned char **out_r,
			   unsigned char *len_r, const unsigned char *in,
			   unsigned int in_len, void *arg)
{
	const struct tls_set *set = arg;

	for (unsigned at = 0; at < in_len; at += 1U + in[at]) {
		if (in[at] != set->alpn[0] ||
		    memcmp(in + at + 1, set->alpn + 1, in[at]) != 0)
			continue;
		*out_r = in + at + 1;
		*len_r = in[at];
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int tls_select_name(SSL *ssl, unused_arg int *alert_r, void *arg)
{
	const struct tls_set *set = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	for (size_t i = 0; name && i < set->count; i++) {
		X509 *cert = SSL_CTX_get0_certificate(set->ctx[i]);

		if (X509_check_host(cert, name, 0, 0, NULL) != 1)
			continue;
		MUST(SSL_set_SSL_CTX(ssl, set->ctx[i]));
		break;
	}
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *tls_server_ctx(const struct io_tls *tls, struct tls_set *set)
{
	static const unsigned char id[] = "murder";
	SSL_CTX *ctx = tls_ctx_new(TLS_server_method());

	SSL_CTX_set_verify(ctx, tls_verify_mode(tls->ask), NULL);
	SSL_CTX_set_cert_verify_callback(ctx, tls_accept_any, NULL);
	MUST(SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1) == 1);
	SSL_CTX_set_tlsext_servername_callback(ctx, tls_select_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, set);
	if (set->alpn[0] > 0)
		SSL_CTX_set_alpn_select_cb(ctx, tls_select_alpn, set);
	tls_tickets_use(set->tickets, ctx);
	return ctx;
}

/* ---- sets ---- */

static struct tls_set *tls_set_new(const struct io_tls *tls)
{
	struct tls_set *set = mem_zalloc(1, sizeof(*set));
	const char *alpn = tls->alpn ? tls->alpn : "";

	MUST(strlen(alpn) <= TLS_ALPN_MAX);
	atomic_init(&set->refs, 1);
	set->tickets = tls_tickets_ref(tls->tickets);
	set->alpn[0] = (uint8_t)strlen(alpn);
	memcpy(set->alpn + 1, alpn, strlen(alpn));
	return set;
}

void tls_set_unref(struct tls_set **setp)
{
	struct tls_set *set = *setp;

	*setp = NULL;
	if (!set || atomic_fetch_sub(&set->refs, 1) > 1)
		return;
	for (size_t i = 0; i < set->count; i++)
		SSL_CTX_free(set->ctx[i]);
	tls_tickets_unref(&set->tickets);
	mem_free(set);
}

/*
 * Puts a context into the set: into one of the same name that has no key of
 * this kind yet, so that the client can choose, else beside the others.
 */
static void tls_set_add(struct tls_set *set, SSL_CTX *ctx)
{
	for (size_t i = 0; i < set->count; i++) {
		STACK_OF(X509) *chain = NULL;

		if (!tls_same_name(set->ctx[i], ctx))
			continue;
		(void)SSL_CTX_get0_chain_certs(ctx, &chain);
		if (SSL_CTX_use_cert_and_key(
			    set->ctx[i], SSL_CTX_get0_certificate(ctx),
			    SSL_CTX_get0_privatekey(ctx), chain, 0) == 1) {
			SSL_CTX_free(ctx);
			return;
		}
		ERR_clear_error(); /* it has one of this kind */
	}
	set->ctx[set->count++] = ctx;
}

static enum err tls_server_read(const struct io_tls *tls, struct buf *why,
				struct tls_set **set_r)
{
	struct tls_set *set = tls_set_new(tls);

	for (size_t i = 0; i < tls->count; i++) {
		SSL_CTX *ctx = tls_server_ctx(tls, set);
		enum err err = tls_ctx_load(ctx, tls->cert_path[i],
					    tls->key_path[i], why);

		if (err != ERR_NONE) {
			SSL_CTX_free(ctx);
			tls_set_unref(&set);
			return err;
		}
		tls_set_add(set, ctx);
	}
	*set_r = set;
	return ERR_NONE;
}

/* The server must have the pinned key, or stand up to the usual checks. */
static int tls_check_server(X509_STORE_CTX *store, unused_arg void *arg)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(
		store, SSL_get_ex_data_X509_STORE_CTX_idx());
	const struct tls_pins *pins = SSL_get_app_data(ssl);
	struct sha256 hash;

	if (!pins)
		return X509_verify_cert(store);
	tls_x509_key_hash(X509_STORE_CTX_get0_cert(store), &hash);
	if (sha256_eq(&pins->hash[0], &hash) ||
	    sha256_eq(&pins->hash[1], &hash))
		return 1;
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return 0;
}

static enum err tls_client_read(const struct io_tls *tls, struct buf *why,
				struct tls_set **set_r)
{
	struct tls_set *set = tls_set_new(tls);
	SSL_CTX *ctx = tls_ctx_new(TLS_client_method());
	enum err err = ERR_NONE;

	set->ctx[set->count++] = ctx;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, tls_check_server, NULL);
	(void)SSL_CTX_set_default_verify_paths(ctx);
	if (tls->count > 0)
		err = tls_ctx_load(ctx, tls->cert_path[0], tls->key_path[0],
				   why);
	if (err != ERR_NONE)
		tls_set_unref(&set);
	*set_r = set;
	return err;
}

/* ---- io_tls ---- */

static struct io_tls *tls_new(bool server, const struct io_tls_pair *pairs,
			      size_t count)
{
	struct io_tls *tls = mem_zalloc(1, sizeof(*tls));

	MUST(count <= IO_TLS_PAIRS_MAX);
	atomic_init(&tls->refs, 1);
	tls->server = server;
	tls->count = count;
	for (size_t i = 0; i < count; i++) {
		const char *cert = pairs[i].cert_path;
		const char *key = pairs[i].key_path;

		tls->cert_path[i] = mem_dup(cert, strlen(cert));
		tls->key_path[i] = mem_dup(key, strlen(key));
	}
	tls->tickets = tls_tickets_new();
	MUST(pthread_mutex_init(&tls->lock, NULL) == 0);
	return tls;
}

struct io_tls *io_tls_ref(struct io_tls *tls)
{
	atomic_fetch_add(&tls->refs, 1);
	return tls;
}

void io_tls_unref(struct io_tls **tlsp)
{
	struct io_tls *tls = *tlsp;

	*tlsp = NULL;
	if (!tls || atomic_fetch_sub(&tls->refs, 1) > 1)
		return;
	tls_set_unref(&tls->set);
	tls_tickets_unref(&tls->tickets);
	for (size_t i = 0; i < tls->count; i++) {
		mem_free(tls->cert_path[i]);
		mem_free(tls->key_path[i]);
	}
	mem_free(tls->alpn);
	MUST(pthread_mutex_destroy(&tls->lock) == 0);
	mem_free(tls);
}

enum err io_tls_reload(struct io_tls *tls, struct buf *why)
{
	struct tls_set *set = NULL, *old;
	enum err err = tls->server ? tls_server_read(tls, why, &set)
				   : tls_client_read(tls, why, &set);

	if (err != ERR_NONE)
		return err;
	MUST(pthread_mutex_lock(&tls->lock) == 0);
	old = tls->set;
	tls->set = set;
	MUST(pthread_mutex_unlock(&tls->lock) == 0);
	tls_set_unref(&old);
	return ERR_NONE;
}

/* The first reading of the files; without it there is no io_tls. */
static enum err tls_load(struct io_tls *tls, struct buf *why,
			 struct io_tls **tls_r)
{
	enum err err = io_tls_reload(tls, why);

	if (err != ERR_NONE)
		io_tls_unref(&tls);
	*tls_r = tls;
	return err;
}

enum err io_tls_server_new(const struct io_tls_server_config *config,
			   struct buf *why, struct io_tls **tls_r)
{
	struct io_tls *tls;

	MUST(config->count > 0);
	tls = tls_new(true, config->pairs, config->count);
	tls->ask = config->ask;
	if (config->alpn)
		tls->alpn = mem_dup(config->alpn, strlen(config->alpn));
	return tls_load(tls, why, tls_r);
}

enum err io_tls_client_new(const struct io_tls_pair *pair, struct buf *why,
			   struct io_tls **tls_r)
{
	return tls_load(tls_new(false, pair, pair ? 1 : 0), why, tls_r);
}

SSL *tls_ssl_new(struct io_tls *tls, struct tls_set **set_r)
{
	struct tls_set *set;
	SSL *ssl;

	MUST(pthread_mutex_lock(&tls->lock) == 0);
	set = tls->set;
	atomic_fetch_add(&set->refs, 1);
	MUST(pthread_mutex_unlock(&tls->lock) == 0);
	ssl = SSL_new(set->ctx[0]);
	MUST(ssl);
	if (tls->server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	*set_r = set;
	return ssl;
}

void tls_ssl_pin(SSL *ssl, const struct tls_pins *pins)
{
	/* OpenSSL's pointer is not const; nobody writes through it. */
	MUST(SSL_set_app_data(ssl, (void *)(uintptr_t)pins) == 1);
}

enum err io_tls_key_hash(const char *cert_path, struct buf *why,
			 struct sha256 *hash_r)
{
	SSL_CTX *ctx = tls_ctx_new(TLS_client_method());
	enum err err = ERR_NONE;

	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, cert_path) == 1)
		tls_x509_key_hash(SSL_CTX_get0_certificate(ctx), hash_r);
	else
		err = tls_file_failed("certificate", cert_path, why);
	SSL_CTX_free(ctx);
	return err;
}
