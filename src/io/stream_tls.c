/*
 * TLS of a stream: OpenSSL reads and writes the socket itself, through a BIO of
 * ours. So no octet waits between the two, and an idle connection has neither
 * a BIO's buffer nor one of OpenSSL's (SSL_MODE_RELEASE_BUFFERS).
 *
 * Reading: the socket is asked for as much as OpenSSL's buffer takes; when it
 * has given less than that it is empty, and is not asked again before the next
 * event (`drained`). Writing: one record of the queue at a time, 16 KiB; what
 * the kernel does not take is repeated with the same length (`record_len`).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/panic.h"
#include "io/stream_uv.h"

#define RECORD_SIZE SSL3_RT_MAX_PLAIN_LENGTH

/* ---- the BIO ---- */

static int bio_failed(BIO *bio, int retry_flags)
{
	if (errno == EAGAIN || errno == EINTR)
		BIO_set_flags(bio, retry_flags | BIO_FLAGS_SHOULD_RETRY);
	return -1;
}

static int bio_recv(BIO *bio, char *out, int size)
{
	struct io_stream *stream = BIO_get_data(bio);
	ssize_t got;

	BIO_clear_retry_flags(bio);
	if (stream->drained) {
		errno = EAGAIN;
		return bio_failed(bio, BIO_FLAGS_READ);
	}
	got = recv(stream->fd, out, (size_t)size, 0);
	stream->drained = got < size;
	stream->peer_eof = got == 0;
	return got < 0 ? bio_failed(bio, BIO_FLAGS_READ) : (int)got;
}

static int bio_send(BIO *bio, const char *data, int len)
{
	struct io_stream *stream = BIO_get_data(bio);
	ssize_t put;

	BIO_clear_retry_flags(bio);
	put = send(stream->fd, data, (size_t)len, MSG_NOSIGNAL);
	return put < 0 ? bio_failed(bio, BIO_FLAGS_WRITE) : (int)put;
}

static long bio_ctrl(BIO *bio, int command, unused_arg long number,
		     unused_arg void *arg)
{
	const struct io_stream *stream = BIO_get_data(bio);

	if (command == BIO_CTRL_FLUSH)
		return 1;
	if (command == BIO_CTRL_EOF)
		return stream->peer_eof;
	return 0;
}

/* tidy: allow globals: written once, before anybody reads it */
static pthread_once_t bio_once = PTHREAD_ONCE_INIT;
/* tidy: allow globals: likewise */
static BIO_METHOD *bio_method;

static void bio_make_method(void)
{
	bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
				  "stream");
	MUST(bio_method);
	MUST(BIO_meth_set_read(bio_method, bio_recv) == 1);
	MUST(BIO_meth_set_write(bio_method, bio_send) == 1);
	MUST(BIO_meth_set_ctrl(bio_method, bio_ctrl) == 1);
}

static BIO *bio_of_stream(struct io_stream *stream)
{
	BIO *bio;

	MUST(pthread_once(&bio_once, bio_make_method) == 0);
	bio = BIO_new(bio_method);
	MUST(bio);
	BIO_set_data(bio, stream);
	BIO_set_init(bio, 1);
	return bio;
}

/* ---- the handshake ---- */

static bool tls_is_address(const char *name)
{
	uint8_t ip[16];

	return inet_pton(AF_INET, name, ip) == 1 ||
	       inet_pton(AF_INET6, name, ip) == 1;
}

/* SNI is for host names only (RFC 6066 section 3). */
static void tls_send_name(SSL *ssl, const char *name)
{
	if (name && !tls_is_address(name)) /* OpenSSL copies it */
		MUST(SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
			      TLSEXT_NAMETYPE_host_name,
			      (void *)(uintptr_t)name) == 1);
}

/* Without a pin the certificate must be for this host or address. */
static void tls_expect_name(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (tls_is_address(name))
		MUST(X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1);
	else
		MUST(X509_VERIFY_PARAM_set1_host(param, name, 0) == 1);
}

static void tls_expect(struct io_stream *stream, const struct io_tls_peer *peer)
{
	MUST(peer->pin || peer->name);
	tls_send_name(stream->ssl, peer->name);
	if (!peer->pin) {
		tls_expect_name(stream->ssl, peer->name);
		return;
	}
	mem_free(stream->pins);
	stream->pins = mem_alloc(sizeof(*stream->pins));
	stream->pins->hash[0] = *peer->pin;
	stream->pins->hash[1] = peer->pin2 ? *peer->pin2 : *peer->pin;
	tls_ssl_pin(stream->ssl, stream->pins);
}

void stream_tls_start(struct io_stream *stream, struct io_tls *tls,
		      const struct io_tls_peer *peer)
{
	BIO *bio = bio_of_stream(stream);

	stream->ssl = tls_ssl_new(tls, &stream->tls_set);
	SSL_set_bio(stream->ssl, bio, bio);
	stream->state = STREAM_HANDSHAKE;
	stream->unread = false;
	timer_set(&stream->loop->timers, &stream->work_timer,
		  IO_STREAM_HANDSHAKE_MS);
	if (peer) {
		tls_expect(stream, peer);
		stream_tls_handshake(stream); /* the client speaks first */
	}
	stream_update_poll(stream);
}

static void tls_handshake_failed(struct io_stream *stream)
{
	long verdict = SSL_get_verify_result(stream->ssl);
	const char *why = ERR_reason_error_string(ERR_peek_error());

	ERR_clear_error();
	if (stream->pins && verdict != X509_V_OK)
		stream_drain(stream, ERR_DENIED, "server has another key");
	else if (verdict != X509_V_OK)
		stream_drain(stream, ERR_DENIED,
			     X509_verify_cert_error_string(verdict));
	else if (stream->peer_eof || !why)
		stream_finish(stream, ERR_CLOSED, "closed during handshake");
	else
		stream_drain(stream, ERR_DENIED, why);
}

void stream_tls_handshake(struct io_stream *stream)
{
	int rc;

	stream->drained = false;
	ERR_clear_error();
	rc = SSL_do_handshake(stream->ssl);
	if (rc == 1) {
		stream->tls_write = false;
		stream->unread = true; /* may have come with the handshake */
		stream_set_open(stream);
		return;
	}
	rc = SSL_get_error(stream->ssl, rc);
	if (rc == SSL_ERROR_WANT_READ || rc == SSL_ERROR_WANT_WRITE)
		stream->tls_write = rc == SSL_ERROR_WANT_WRITE;
	else
		tls_handshake_failed(stream);
}

/* ---- octets ---- */

/* What SSL_read_ex or SSL_write_ex means that returned `rc`. */
static enum stream_io tls_verdict(struct io_stream *stream, int rc)
{
	switch (SSL_get_error(stream->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return STREAM_IO_BLOCK;
	case SSL_ERROR_ZERO_RETURN:
		return STREAM_IO_END;
	default:
		ERR_clear_error();
		if (stream->peer_eof)
			return STREAM_IO_END;
		if (errno == 0 || errno == EAGAIN)
			errno = EPROTO;
		return STREAM_IO_FAILED;
	}
}

enum stream_io stream_tls_recv(struct io_stream *stream, uint8_t *out,
			       size_t size, size_t *len_r)
{
	size_t len = 0, got;
	enum stream_io io;
	int rc = 1;

	ERR_clear_error();
	while (rc == 1 && len < size) {
		rc = SSL_read_ex(stream->ssl, out + len, size - len, &got);
		len += rc == 1 ? got : 0;
	}
	*len_r = len;
	if (len == size)
		return STREAM_IO_SOME;
	io = tls_verdict(stream, rc);
	stream->tls_write = SSL_want_write(stream->ssl);
	/* First what came, then the end: OpenSSL says it again. */
	if (len > 0 && io != STREAM_IO_BLOCK)
		return STREAM_IO_SOME;
	return io;
}

enum stream_io stream_tls_send(struct io_stream *stream)
{
	uint8_t scratch[RECORD_SIZE];
	size_t max = stream->record_len ? stream->record_len : RECORD_SIZE;
	struct slice run;
	enum stream_io io;
	size_t put;
	int rc;

	if (outq_run(&stream->out, scratch, max, &run) != ERR_NONE) {
		stream_finish(stream, ERR_IO, "cannot read a file to send");
		return STREAM_IO_END;
	}
	ERR_clear_error();
	errno = 0;
	rc = SSL_write_ex(stream->ssl, run.data, run.len, &put);
	if (rc == 1) {
		stream->record_len = 0;
		outq_sent(&stream->out, put);
		return STREAM_IO_SOME;
	}
	stream->record_len = run.len;
	io = tls_verdict(stream, rc);
	return io == STREAM_IO_END ? STREAM_IO_FAILED : io;
}

void stream_tls_bye(struct io_stream *stream)
{
	if (!stream->ssl)
		return;
	(void)SSL_shutdown(stream->ssl);
	ERR_clear_error();
}

void stream_tls_fini(struct io_stream *stream)
{
	SSL_free(stream->ssl);
	stream->ssl = NULL;
	tls_set_unref(&stream->tls_set);
}

/* ---- what was agreed on ---- */

static void tls_get_exporter(SSL *ssl, struct io_tls_info *info)
{
	static const char label[] = "EXPORTER-Channel-Binding"; /* RFC 9266 */

	/* Before 1.3 the secret must cover the handshake (RFC 7627). */
	if (SSL_version(ssl) < TLS1_3_VERSION &&
	    SSL_get_extms_support(ssl) != 1)
		return;
	info->has_exporter =
		SSL_export_keying_material(ssl, info->exporter,
					   sizeof(info->exporter), label,
					   sizeof(label) - 1, NULL, 0, 1) == 1;
}

static const char *tls_group_name(SSL *ssl)
{
	int group = (int)SSL_get_negotiated_group(ssl);

	return group == NID_undef ? NULL : SSL_group_to_name(ssl, group);
}

bool io_stream_tls(const struct io_stream *stream, struct io_tls_info *info_r)
{
	SSL *ssl = stream->ssl;
	X509 *cert;

	if (!ssl || !SSL_is_init_finished(ssl))
		return false;
	*info_r = (struct io_tls_info){
		.version = SSL_get_version(ssl),
		.cipher = SSL_get_cipher_name(ssl),
		.sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name),
		.group = tls_group_name(ssl),
		.resumed = SSL_session_reused(ssl) == 1,
	};
	tls_get_exporter(ssl, info_r);
	cert = SSL_get0_peer_certificate(ssl);
	info_r->has_peer_key = cert != NULL;
	if (cert)
		tls_x509_key_hash(cert, &info_r->peer_key);
	return true;
}

void io_stream_starttls_client(struct io_stream *stream, struct io_tls *tls,
			       const struct io_tls_peer *peer)
{
	if (stream->state != STREAM_OPEN)
		return;
	MUST(!stream->ssl && stream->out.queued == 0);
	stream_tls_start(stream, tls, peer);
}
