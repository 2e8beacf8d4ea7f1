#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/stream.h"
#include "io/tls_ssl.h"
#include "peer.h"

struct tls_talk {
	struct talk talk;
	struct place place;
	struct io_tls *later; /* the server's context for STARTTLS */
};

static void tt_init(struct tls_talk *tt)
{
	*tt = (struct tls_talk){ 0 };
	place_init(&tt->place);
	talk_init(&tt->talk);
	talk_use_tls(&tt->talk, &tt->place);
}

/* Plain at first: the contexts are kept for STARTTLS. */
static void tt_init_plain(struct tls_talk *tt)
{
	struct talk *t = &tt->talk;

	tt_init(tt);
	tt->later = t->server_tls;
	t->server_tls = NULL;
}

static void tt_fini(struct tls_talk *tt)
{
	talk_fini(&tt->talk);
	io_tls_unref(&tt->later);
	place_fini(&tt->place);
}

/* Another server context for the same talk; takes effect at talk_open. */
static void tt_serve(struct tls_talk *tt, struct io_tls_server_config config)
{
	struct io_tls_pair pair = { tt->place.cert, tt->place.key };
	struct buf why = { 0 };

	if (!config.pairs) {
		config.pairs = &pair;
		config.count = 1;
	}
	io_tls_unref(&tt->talk.server_tls);
	cr_assert(io_tls_server_new(&config, &why, &tt->talk.server_tls) ==
			  ERR_NONE,
		  "%s", buf_cstr(&why));
	buf_fini(&why);
}

/* ---- implicit TLS ---- */

Test(stream_tls, octets_go_both_ways_and_the_end_is_told)
{
	struct tls_talk tt;
	struct talk *t = &tt.talk;

	tt_init(&tt);
	talk_open(t);
	cr_assert(t->server.ups == 1 && t->client.ups == 1);
	peer_say(&t->server, "* OK ready\r\n");
	expect_text(t, &t->client, "* OK ready\r\n");
	peer_say(&t->client, "a LOGOUT\r\n");
	expect_text(t, &t->server, "a LOGOUT\r\n");
	peer_say(&t->server, "* BYE\r\n");
	io_stream_close(t->server.stream);
	expect_text(t, &t->client, "* BYE\r\n");
	TURN_UNTIL(t->loop, t->client.ended);
	io_stream_close(t->client.stream);
	TURN_UNTIL(t->loop, t->client.closed && t->server.closed);
	cr_assert(t->client.err == ERR_NONE && t->server.err == ERR_NONE);
	tt_fini(&tt);
}

Test(stream_tls, both_ends_agree_on_what_was_agreed)
{
	struct tls_talk tt;
	struct talk *t = &tt.talk;
	struct io_tls_info server, client;
	static const uint8_t none[IO_TLS_EXPORTER_SIZE];

	tt_init(&tt);
	talk_open(t);
	cr_assert(io_stream_tls(t->server.stream, &server));
	cr_assert(io_stream_tls(t->client.stream, &client));
	cr_assert_str_eq(server.version, "TLSv1.3");
	cr_assert_str_eq(server.cipher, client.cipher);
	cr_assert_str_eq(server.sni, "mail.example.org");
	cr_assert_str_eq(server.group, client.group);
	cr_assert(server.has_exporter && client.has_exporter);
	cr_assert(memcmp(server.exporter, client.exporter, 32) == 0);
	cr_assert(memcmp(server.exporter, none, 32) != 0);
	cr_assert(!server.has_peer_key && client.has_peer_key);
	cr_assert(sha256_eq(&client.peer_key, &t->pin));
	cr_assert(!server.resumed);
	tt_fini(&tt);
}

Test(stream_tls, a_plain_stream_has_nothing_to_tell)
{
	struct talk t;
	struct io_tls_info info;

	talk_init(&t);
	talk_open_pair(&t);
	cr_assert(!io_stream_tls(t.server.stream, &info));
	talk_fini(&t);
}

Test(stream_tls, much_goes_both_ways_at_once)
{
	enum {
		TOTAL = 2000000
	};
	struct tls_talk tt;
	struct talk *t = &tt.talk;
	struct buf up = { 0 }, down = { 0 };

	tt_init(&tt);
	talk_open(t);
	pattern_fill(&up, 5, TOTAL);
	pattern_fill(&down, 77, TOTAL);
	io_stream_write_buf(t->client.stream, &up);
	io_stream_write_buf(t->server.stream, &down);
	TURN_UNTIL(t->loop,
		   t->client.in.len == TOTAL && t->server.in.len == TOTAL);
	cr_assert(pattern_is(buf_slice(&t->server.in), 5));
	cr_assert(pattern_is(buf_slice(&t->client.in), 77));
	tt_fini(&tt);
}

Test(stream_tls, a_slow_reader_gets_everything_in_the_end)
{
	enum {
		TOTAL = 3000000
	};
	struct tls_talk tt;
	struct talk *t = &tt.talk;
	struct buf data = { 0 };

	tt_init(&tt);
	talk_open(t);
	io_stream_pause(t->client.stream);
	pattern_fill(&data, 0, TOTAL);
	io_stream_write(t->server.stream, slice_of(data.data, 1000));
	io_stream_write(t->server.stream,
			slice_of(data.data + 1000, TOTAL - 1001));
	TURN_UNTIL(t->loop, t->server.above == 1);
	/* changes what would be one record while another is stuck */
	io_stream_write(t->server.stream, slice_of(data.data + TOTAL - 1, 1));
	io_stream_resume(t->client.stream);
	TURN_UNTIL(t->loop, t->client.in.len == TOTAL);
	cr_assert(pattern_is(buf_slice(&t->client.in), 0));
	cr_assert(t->server.below == 1);
	buf_fini(&data);
	tt_fini(&tt);
}

Test(stream_tls, what_is_not_taken_comes_again_without_the_socket)
{
	enum {
		TOTAL = 300000
	};
	struct tls_talk tt;
	struct talk *t = &tt.talk;
	struct buf data = { 0 };

	tt_init(&tt);
	talk_open(t);
	t->server.take = 5000;
	pattern_fill(&data, 0, TOTAL);
	io_stream_write_buf(t->client.stream, &data);
	TURN_UNTIL(t->loop, t->server.inputs == 1);
	while (t->server.in.len < TOTAL) {
		unsigned before = t->server.inputs;

		io_stream_resume(t->server.stream);
		TURN_UNTIL(t->loop, t->server.inputs > before ||
					    t->server.in.len == TOTAL);
	}
	cr_assert(pattern_is(buf_slice(&t->server.in), 0));
	tt_fini(&tt);
}

Test(stream_tls, a_client_that_just_closes_ends_its_input)
{
	struct tls_talk tt;
	struct talk *t = &tt.talk;

	tt_init(&tt);
	talk_open(t);
	peer_say(&t->client, "x");
	TURN_UNTIL(t->loop, t->server.inputs == 1);
	io_stream_abort(t->client.stream, ERR_CANCELLED); /* no close_notify */
	TURN_UNTIL(t->loop, t->server.ended || t->server.closed);
	cr_assert(t->server.ended);
	tt_fini(&tt);
}

/* ---- who is who ---- */

static void expect_denied(struct talk *t, const char *why)
{
	talk_open(t);
	TURN_UNTIL(t->loop, t->client.closed && t->server.closed);
	cr_assert(t->client.err == ERR_DENIED);
	cr_assert_str_eq(t->client.why, why);
	cr_assert(t->client.ups == 0 && t->server.ups == 0);
	cr_assert(t->server.err != ERR_NONE);
}

Test(stream_tls, a_server_with_another_key_is_refused)
{
	struct tls_talk tt;

	tt_init(&tt);
	tt.talk.pin.octets[31] ^= 1;
	expect_denied(&tt.talk, "server has another key");
	tt_fini(&tt);
}

Test(stream_tls, while_keys_change_either_of_two_will_do)
{
	struct tls_talk tt;
	struct sha256 wrong;

	tt_init(&tt);
	wrong = tt.talk.pin;
	wrong.octets[0] ^= 1;
	tt.talk.want.pin = &wrong;
	tt.talk.want.pin2 = &tt.talk.pin;
	talk_open(&tt.talk);
	cr_assert(tt.talk.client.ups == 1 && !tt.talk.client.closed);
	talk_hang_up(&tt.talk);
	tt.talk.want.pin2 = &wrong;
	expect_denied(&tt.talk, "server has another key");
	tt_fini(&tt);
}

Test(stream_tls, without_a_pin_a_server_needs_a_ca)
{
	struct tls_talk tt;

	tt_init(&tt);
	tt.talk.want.pin = NULL;
	expect_denied(&tt.talk, "self-signed certificate");
	tt_fini(&tt);
}

Test(stream_tls, a_client_shows_its_key_when_asked)
{
	struct tls_talk tt;
	struct talk *t = &tt.talk;
	struct place mine;
	struct io_tls_info info;
	struct sha256 key;
	struct buf why = { 0 };
	struct io_tls_pair pair;

	tt_init(&tt);
	place_init(&mine);
	tt_serve(&tt, (struct io_tls_server_config){ .ask = IO_TLS_ASK_CERT });
	pair = (struct io_tls_pair){ mine.cert, mine.key };
	io_tls_unref(&t->client_tls);
	cr_assert(io_tls_client_new(&pair, &why, &t->client_tls) == ERR_NONE);
	cr_assert(io_tls_key_hash(mine.cert, &why, &key) == ERR_NONE);
	talk_open(t);
	TURN_UNTIL(t->loop, t->server.ups == 1);
	cr_assert(io_stream_tls(t->server.stream, &info));
	cr_assert(info.has_peer_key && sha256_eq(&info.peer_key, &key));
	tt_fini(&tt);
	place_fini(&mine);
}

Test(stream_tls, a_client_without_a_certificate_may_be_let_in)
{
	struct tls_talk tt;
	struct io_tls_info info;

	tt_init(&tt);
	tt_serve(&tt, (struct io_tls_server_config){ .ask = IO_TLS_ASK_CERT });
	talk_open(&tt.talk);
	TURN_UNTIL(tt.talk.loop, tt.talk.server.ups == 1);
	cr_assert(io_stream_tls(tt.talk.server.stream, &info));
	cr_assert(!info.has_peer_key);
	tt_fini(&tt);
}

Test(stream_tls, or_not)
{
	struct tls_talk tt;

	tt_init(&tt);
	tt_serve(&tt, (struct io_tls_server_config){ .ask = IO_TLS_NEED_CERT });
	talk_open(&tt.talk);
	TURN_UNTIL(tt.talk.loop, tt.talk.server.closed);
	cr_assert(tt.talk.server.err == ERR_DENIED);
	cr_assert(tt.talk.server.ups == 0);
	tt_fini(&tt);
}

/* ---- which certificate ---- */

/* A pair for one name, of a kind of key: "EC" or "RSA". */
static void make_pair(const char *kind, const char *name,
		      const struct place *place)
{
	EVP_PKEY *key =
		kind[0] == 'E'
			? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
			: EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	X509 *cert = X509_new();
	X509_EXTENSION *ext;
	char san[80];
	FILE *file;

	(void)snprintf(san, sizeof(san), "DNS:%s", name);
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
	cr_assert(key && cert && ext);
	cr_assert(X509_set_version(cert, X509_VERSION_3) == 1);
	cr_assert(X509_gmtime_adj(X509_getm_notBefore(cert), -3600));
	cr_assert(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
	cr_assert(X509_set_pubkey(cert, key) == 1);
	cr_assert(X509_add_ext(cert, ext, -1) == 1);
	cr_assert(X509_sign(cert, key, EVP_sha256()) > 0);
	file = fopen(place->cert, "w");
	cr_assert(file && PEM_write_X509(file, cert) == 1);
	cr_assert(fclose(file) == 0);
	file = fopen(place->key, "w");
	cr_assert(file && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL,
					       NULL) == 1);
	cr_assert(fclose(file) == 0);
	X509_EXTENSION_free(ext);
	X509_free(cert);
	EVP_PKEY_free(key);
}

struct pairs {
	struct place places[3];
	struct io_tls_pair pairs[3];
	struct sha256 hashes[3];
	size_t count;
};

static void pairs_add(struct pairs *p, const char *kind, const char *name)
{
	struct place *place = &p->places[p->count];
	struct buf why = { 0 };

	place_init(place);
	make_pair(kind, name, place);
	p->pairs[p->count] = (struct io_tls_pair){ place->cert, place->key };
	cr_assert(io_tls_key_hash(place->cert, &why, &p->hashes[p->count]) ==
		  ERR_NONE);
	p->count++;
}

static void pairs_serve(struct pairs *p, struct tls_talk *tt)
{
	tt_serve(tt, (struct io_tls_server_config){ .pairs = p->pairs,
						    .count = p->count });
}

static void pairs_fini(struct pairs *p)
{
	for (size_t i = 0; i < p->count; i++)
		place_fini(&p->places[i]);
}

/* Opens a connection that names `sni`: it must be shown pair `want`. */
static void expect_pair(struct tls_talk *tt, const struct pairs *p,
			const char *sni, size_t want)
{
	tt->talk.want.name = sni;
	tt->talk.pin = p->hashes[want];
	talk_open(&tt->talk);
	cr_assert(tt->talk.client.ups == 1, "%s: %s", sni ? sni : "no name",
		  tt->talk.client.why);
	talk_hang_up(&tt->talk);
}

Test(stream_tls, the_name_of_the_client_chooses_the_certificate)
{
	struct pairs p = { 0 };
	struct tls_talk tt;

	tt_init(&tt);
	pairs_add(&p, "EC", "imap.example.org");
	pairs_add(&p, "EC", "imap.example.net");
	pairs_add(&p, "EC", "*.example.com");
	pairs_serve(&p, &tt);
	expect_pair(&tt, &p, "imap.example.org", 0);
	expect_pair(&tt, &p, "IMAP.example.NET", 1);
	expect_pair(&tt, &p, "any.example.com", 2);
	expect_pair(&tt, &p, "unknown.example.edu", 0);
	expect_pair(&tt, &p, NULL, 0);
	tt_fini(&tt);
	pairs_fini(&p);
}

/* The client of the talk knows RSA only. */
static void only_rsa(struct tls_talk *tt)
{
	char rsa[] = "rsa_pss_rsae_sha256"; /* not const for the macro */
	struct tls_set *set;
	SSL *ssl = tls_ssl_new(tt->talk.client_tls, &set);
	SSL_CTX *ctx = SSL_get_SSL_CTX(ssl); /* that of all its connections */

	cr_assert(SSL_CTX_set1_sigalgs_list(ctx, rsa) == 1);
	SSL_free(ssl);
	tls_set_unref(&set);
}

Test(stream_tls, rsa_beside_ecdsa_under_one_name)
{
	struct pairs p = { 0 };
	struct tls_talk tt;

	tt_init(&tt);
	pairs_add(&p, "RSA", "imap.example.org");
	pairs_add(&p, "EC", "imap.example.org");
	pairs_serve(&p, &tt);
	/* OpenSSL's client prefers ECDSA, whichever stands first. */
	expect_pair(&tt, &p, "imap.example.org", 1);
	only_rsa(&tt);
	expect_pair(&tt, &p, "imap.example.org", 0);
	tt_fini(&tt);
	pairs_fini(&p);
}

Test(stream_tls, a_reload_is_for_new_connections)
{
	static const char *const names[] = { "mail.example.org" };
	struct tls_talk tt;
	struct talk *t = &tt.talk;
	struct buf why = { 0 };
	struct peer second = { 0 };
	struct io_place place = { .host = "127.0.0.1" };
	struct sha256 pin;
	struct io_tls_peer want = { .pin = &pin };

	tt_init(&tt);
	talk_open(t);
	cr_assert(io_tls_selfsigned(tt.place.cert, tt.place.key, names, 1) ==
		  ERR_NONE);
	cr_assert(io_tls_reload(t->server_tls, &why) == ERR_NONE);
	cr_assert(io_tls_key_hash(tt.place.cert, &why, &pin) == ERR_NONE);
	peer_say(&t->server, "still here");
	expect_text(t, &t->client, "still here");
	io_stream_abort(t->server.stream, ERR_CANCELLED);
	TURN_UNTIL(t->loop, t->server.closed);
	t->server.closed = false;
	place.port = io_listener_port(t->listener);
	second.stream = io_stream_connect(t->loop, &place, t->client_tls, &want,
					  &peer_ops, &second);
	TURN_UNTIL(t->loop, second.ups == 1 || second.closed);
	cr_assert(second.ups == 1, "%s", second.why);
	io_stream_abort(second.stream, ERR_CANCELLED);
	TURN_UNTIL(t->loop, second.closed);
	tt_fini(&tt);
}

/* ---- a client of OpenSSL itself ---- */

/*
 * A blocking client on a socketpair, on its own: it speaks when the test says,
 * the loop turns in between.
 */
struct raw {
	struct tls_talk tt;
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
	SSL_SESSION *ticket;
};

static int raw_new_session(SSL *ssl, SSL_SESSION *session)
{
	struct raw *raw = SSL_get_app_data(ssl);

	SSL_SESSION_free(raw->ticket);
	raw->ticket = session;
	return 1;
}

static void raw_init(struct raw *raw)
{
	*raw = (struct raw){ 0 };
	tt_init(&raw->tt);
	raw->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_session_cache_mode(
		raw->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(raw->ctx, raw_new_session);
}

static void raw_open(struct raw *raw)
{
	struct talk *t = &raw->tt.talk;
	int fds[2];

	cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) ==
		  0);
	raw->fd = fds[1];
	raw->ssl = SSL_new(raw->ctx);
	(void)SSL_set_app_data(raw->ssl, raw);
	cr_assert(SSL_set_fd(raw->ssl, raw->fd) == 1);
	if (raw->ticket)
		cr_assert(SSL_set_session(raw->ssl, raw->ticket) == 1);
	t->server = (struct peer){ 0 };
	t->server.stream = io_stream_adopt(t->loop, fds[0], t->server_tls,
					   &peer_ops, &t->server);
}

static bool raw_is_done(struct raw *raw)
{
	int rc = SSL_connect(raw->ssl);

	return rc == 1 || SSL_get_error(raw->ssl, rc) != SSL_ERROR_WANT_READ;
}

/* Whether the handshake comes to its end. */
static bool raw_handshake(struct raw *raw)
{
	struct talk *t = &raw->tt.talk;

	while (!raw_is_done(raw))
		io_loop_turn(t->loop);
	if (!SSL_is_init_finished(raw->ssl))
		return false;
	TURN_UNTIL(t->loop, t->server.ups == 1 || t->server.closed);
	return t->server.ups == 1;
}

/* The server says something: that brings the tickets before it as well. */
static void raw_expect(struct raw *raw, const char *text)
{
	char got[32] = "";

	peer_say(&raw->tt.talk.server, text);
	while (SSL_read(raw->ssl, got, sizeof(got) - 1) <= 0)
		io_loop_turn(raw->tt.talk.loop);
	cr_assert_str_eq(got, text);
}

static void raw_close(struct raw *raw)
{
	struct talk *t = &raw->tt.talk;

	SSL_set_quiet_shutdown(raw->ssl, 1); /* else its ticket is bad */
	(void)SSL_shutdown(raw->ssl);
	SSL_free(raw->ssl);
	(void)close(raw->fd);
	if (t->server.stream)
		io_stream_abort(t->server.stream, ERR_CANCELLED);
	TURN_UNTIL(t->loop, !t->server.stream);
	buf_fini(&t->server.in);
}

static void raw_fini(struct raw *raw)
{
	SSL_SESSION_free(raw->ticket);
	SSL_CTX_free(raw->ctx);
	tt_fini(&raw->tt);
}

static void resume_with(int version)
{
	struct raw raw;
	struct io_tls_info info;
	struct buf why = { 0 };

	raw_init(&raw);
	cr_assert(SSL_CTX_set_max_proto_version(raw.ctx, version) == 1);
	raw_open(&raw);
	cr_assert(raw_handshake(&raw));
	raw_expect(&raw, "first");
	cr_assert(raw.ticket != NULL);
	cr_assert(!SSL_session_reused(raw.ssl));
	raw_close(&raw);
	/* Reloading the certificates keeps the keys of the tickets. */
	cr_assert(io_tls_reload(raw.tt.talk.server_tls, &why) == ERR_NONE);
	raw_open(&raw);
	cr_assert(raw_handshake(&raw));
	raw_expect(&raw, "second");
	cr_assert(SSL_session_reused(raw.ssl));
	cr_assert(io_stream_tls(raw.tt.talk.server.stream, &info));
	cr_assert(info.resumed);
	cr_assert(info.has_exporter);
	raw_close(&raw);
	raw_fini(&raw);
}

Test(stream_tls, a_ticket_resumes_a_session_of_tls_1_3)
{
	resume_with(TLS1_3_VERSION);
}

Test(stream_tls, a_ticket_resumes_a_session_of_tls_1_2)
{
	resume_with(TLS1_2_VERSION);
}

Test(stream_tls, a_ticket_of_another_server_means_a_full_handshake)
{
	struct raw raw;
	struct io_tls_info info;

	raw_init(&raw);
	raw_open(&raw);
	cr_assert(raw_handshake(&raw));
	raw_expect(&raw, "first");
	raw_close(&raw);
	tt_serve(&raw.tt, (struct io_tls_server_config){ 0 }); /* new keys */
	raw_open(&raw);
	cr_assert(raw_handshake(&raw));
	raw_expect(&raw, "second");
	cr_assert(io_stream_tls(raw.tt.talk.server.stream, &info));
	cr_assert(!info.resumed);
	raw_close(&raw);
	raw_fini(&raw);
}

Test(stream_tls, tls_1_1_is_refused)
{
	struct raw raw;

	raw_init(&raw);
	SSL_CTX_set_security_level(raw.ctx, 0);
	cr_assert(SSL_CTX_set_min_proto_version(raw.ctx, TLS1_VERSION) == 1);
	cr_assert(SSL_CTX_set_max_proto_version(raw.ctx, TLS1_1_VERSION) == 1);
	raw_open(&raw);
	cr_assert(!raw_handshake(&raw));
	cr_assert(raw.tt.talk.server.ups == 0);
	raw_close(&raw);
	cr_assert(raw.tt.talk.server.err == ERR_DENIED ||
		  raw.tt.talk.server.err == ERR_CANCELLED);
	raw_fini(&raw);
}

static void set_alpn(struct raw *raw, const char *name)
{
	uint8_t wire[16];

	wire[0] = (uint8_t)strlen(name);
	memcpy(wire + 1, name, wire[0]);
	/* 0 is success here, unlike anywhere else */
	cr_assert(SSL_CTX_set_alpn_protos(raw->ctx, wire, 1U + wire[0]) == 0);
}

Test(stream_tls, alpn_is_agreed_on_or_refused)
{
	struct raw raw;
	const unsigned char *name;
	unsigned len;

	raw_init(&raw);
	tt_serve(&raw.tt, (struct io_tls_server_config){ .alpn = "imap" });
	raw_open(&raw);
	cr_assert(raw_handshake(&raw)); /* offers none */
	raw_close(&raw);
	set_alpn(&raw, "imap");
	raw_open(&raw);
	cr_assert(raw_handshake(&raw));
	SSL_get0_alpn_selected(raw.ssl, &name, &len);
	cr_assert(len == 4 && memcmp(name, "imap", 4) == 0);
	raw_close(&raw);
	set_alpn(&raw, "http/1.1");
	raw_open(&raw);
	cr_assert(!raw_handshake(&raw));
	raw_close(&raw);
	raw_fini(&raw);
}

Test(stream_tls, octets_that_are_no_tls_end_the_handshake)
{
	struct raw raw;
	char octet;

	raw_init(&raw);
	raw_open(&raw);
	cr_assert(write(raw.fd, "a LOGIN user password\r\n", 23) == 23);
	TURN_UNTIL(raw.tt.talk.loop, recv(raw.fd, &octet, 1, 0) == 0);
	(void)shutdown(raw.fd, SHUT_RDWR);
	TURN_UNTIL(raw.tt.talk.loop, raw.tt.talk.server.closed);
	cr_assert(raw.tt.talk.server.err == ERR_DENIED);
	cr_assert(raw.tt.talk.server.ups == 0);
	raw_close(&raw);
	raw_fini(&raw);
}

Test(stream_tls, a_peer_that_goes_during_the_handshake_is_closed)
{
	struct raw raw;

	raw_init(&raw);
	raw_open(&raw);
	cr_assert(write(raw.fd, "\x16\x03\x01", 3) == 3);
	(void)shutdown(raw.fd, SHUT_WR);
	TURN_UNTIL(raw.tt.talk.loop, raw.tt.talk.server.closed);
	cr_assert(raw.tt.talk.server.err == ERR_CLOSED);
	raw_close(&raw);
	raw_fini(&raw);
}

Test(stream_tls, a_handshake_in_single_octets_works)
{
	struct raw raw;
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	char octet, many[4096];

	raw_init(&raw);
	raw_open(&raw);
	SSL_set_bio(raw.ssl, in, out);
	while (SSL_connect(raw.ssl) != 1 || BIO_pending(out) > 0) {
		ssize_t got;

		if (BIO_read(out, &octet, 1) == 1) {
			cr_assert(write(raw.fd, &octet, 1) == 1);
			io_loop_turn(raw.tt.talk.loop);
			continue;
		}
		got = read(raw.fd, many, sizeof(many));
		if (got > 0)
			cr_assert(BIO_write(in, many, (int)got) == got);
		else
			io_loop_turn(raw.tt.talk.loop);
	}
	TURN_UNTIL(raw.tt.talk.loop, raw.tt.talk.server.ups == 1);
	raw_close(&raw);
	raw_fini(&raw);
}

Test(stream_tls, input_that_comes_with_the_last_flight_is_not_lost)
{
	struct raw raw;
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	char many[8192];
	int len;

	raw_init(&raw);
	raw_open(&raw);
	SSL_set_bio(raw.ssl, in, out);
	(void)SSL_connect(raw.ssl);
	len = BIO_read(out, many, sizeof(many));
	cr_assert(write(raw.fd, many, (size_t)len) == len);
	while (SSL_connect(raw.ssl) != 1) {
		ssize_t got;

		io_loop_turn(raw.tt.talk.loop);
		got = read(raw.fd, many, sizeof(many));
		if (got > 0)
			cr_assert(BIO_write(in, many, (int)got) == got);
	}
	cr_assert(SSL_write(raw.ssl, "a NOOP\r\n", 8) == 8);
	len = BIO_read(out, many, sizeof(many)); /* Finished and the command */
	cr_assert(write(raw.fd, many, (size_t)len) == len);
	expect_text(&raw.tt.talk, &raw.tt.talk.server, "a NOOP\r\n");
	cr_assert(raw.tt.talk.server.ups == 1);
	raw_close(&raw);
	raw_fini(&raw);
}

Test(stream_tls, a_record_that_is_half_read_is_not_forgotten)
{
	enum {
		TOTAL = 1000 + 4 * 16384
	}; /* more than one read takes */
	struct raw raw;
	struct talk *t = &raw.tt.talk;
	struct buf data = { 0 };
	size_t sent;

	raw_init(&raw);
	raw_open(&raw);
	cr_assert(raw_handshake(&raw));
	pattern_fill(&data, 0, TOTAL);
	cr_assert(SSL_write_ex(raw.ssl, data.data, 1000, &sent) == 1);
	cr_assert(SSL_write_ex(raw.ssl, data.data + 1000, TOTAL - 1000,
			       &sent) == 1);
	/* The end of it waits within OpenSSL, the socket is empty. */
	TURN_UNTIL(t->loop, t->server.in.len == TOTAL);
	cr_assert(pattern_is(buf_slice(&t->server.in), 0));
	buf_fini(&data);
	raw_close(&raw);
	raw_fini(&raw);
}

/* ---- STARTTLS ---- */

struct upgrade {
	struct tls_talk tt;
	size_t keep; /* octets of the command that the server takes */
};

static void start_on_input(struct peer *peer)
{
	struct io_tls *tls = peer->arg;

	if (peer->in.len < 12)
		return;
	peer->on_input = NULL;
	peer_say(peer, "a OK\r\n");
	io_stream_starttls(peer->stream, tls);
	peer_say(peer, "under TLS"); /* waits until it is */
}

static void upgrade_open(struct tls_talk *tt)
{
	struct talk *t = &tt->talk;
	struct io_tls *client_tls = t->client_tls;

	tt_init_plain(tt);
	client_tls = t->client_tls;
	t->client_tls = NULL;
	talk_open(t);
	t->client_tls = client_tls;
	t->server.on_input = start_on_input;
	t->server.arg = tt->later;
	t->server.take = 12; /* "a STARTTLS\r\n" */
}

Test(stream_tls, starttls_turns_a_plain_connection)
{
	struct tls_talk tt = { 0 };
	struct talk *t = &tt.talk;
	struct io_tls_info info;

	upgrade_open(&tt);
	peer_say(&t->client, "a STARTTLS\r\n");
	expect_text(t, &t->server, "a STARTTLS\r\n");
	expect_text(t, &t->client, "a OK\r\n");
	t->server.take = 0;
	io_stream_starttls_client(t->client.stream, t->client_tls, &t->want);
	TURN_UNTIL(t->loop, t->client.ups == 2 && t->server.ups == 2);
	cr_assert(io_stream_tls(t->server.stream, &info));
	expect_text(t, &t->client, "under TLS");
	peer_say(&t->client, "b CAPABILITY\r\n");
	expect_text(t, &t->server, "b CAPABILITY\r\n");
	tt_fini(&tt);
}

Test(stream_tls, a_command_behind_starttls_closes_the_connection)
{
	struct tls_talk tt = { 0 };
	struct talk *t = &tt.talk;

	upgrade_open(&tt);
	peer_say(&t->client, "a STARTTLS\r\nb LOGIN eve secret\r\n");
	TURN_UNTIL(t->loop, t->server.closed);
	cr_assert(t->server.err == ERR_CLIENTBUG);
	cr_assert_str_eq(t->server.why, "plain input behind STARTTLS");
	cr_assert(t->server.ups == 1);
	expect_text(t, &t->server, "a STARTTLS\r\n"); /* no more was seen */
	tt_fini(&tt);
}

Test(stream_tls, a_plain_command_after_starttls_is_no_handshake)
{
	struct tls_talk tt = { 0 };
	struct talk *t = &tt.talk;

	upgrade_open(&tt);
	peer_say(&t->client, "a STARTTLS\r\n");
	TURN_UNTIL(t->loop, t->server.inputs == 1);
	peer_say(&t->client, "b LOGIN eve secret\r\n");
	io_stream_close(t->client.stream);
	TURN_UNTIL(t->loop, t->server.closed);
	cr_assert(t->server.ups == 1 && t->server.inputs == 1);
	cr_assert(t->server.err == ERR_DENIED);
	tt_fini(&tt);
}

Test(stream_tls, input_kept_from_before_is_refused_too)
{
	struct tls_talk tt = { 0 };
	struct talk *t = &tt.talk;

	upgrade_open(&tt);
	t->server.on_input = NULL;
	peer_say(&t->client, "a STARTTLS\r\nb NOOP\r\n");
	expect_text(t, &t->server, "a STARTTLS\r\n"); /* the rest is kept */
	io_stream_starttls(t->server.stream, tt.later);
	TURN_UNTIL(t->loop, t->server.closed);
	cr_assert(t->server.err == ERR_CLIENTBUG);
	tt_fini(&tt);
}

Test(stream_tls, plain_output_is_sent_before_the_handshake)
{
	enum {
		TOTAL = 2000000
	};
	struct tls_talk tt = { 0 };
	struct talk *t = &tt.talk;
	struct buf data = { 0 };

	upgrade_open(&tt);
	io_stream_pause(t->client.stream);
	pattern_fill(&data, 0, TOTAL);
	io_stream_write_buf(t->server.stream, &data);
	peer_say(&t->client, "a STARTTLS\r\n");
	TURN_UNTIL(t->loop, t->server.inputs == 1);
	cr_assert(io_stream_queued(t->server.stream) > 0);
	io_stream_resume(t->client.stream);
	TURN_UNTIL(t->loop, t->client.in.len == TOTAL + 6);
	cr_assert(pattern_is(slice_of(t->client.in.data, TOTAL), 0));
	buf_clear(&t->client.in);
	t->server.take = 0;
	io_stream_starttls_client(t->client.stream, t->client_tls, &t->want);
	TURN_UNTIL(t->loop, t->client.ups == 2);
	expect_text(t, &t->client, "under TLS");
	tt_fini(&tt);
}

/* ---- from one loop to another ---- */

static void nothing(struct task *task unused_arg)
{
}

/* One turn that does not wait. */
static void turn_once(struct io_loop *loop)
{
	struct task task = { 0 };

	task_post(io_loop_executor(loop), &task, nothing);
	io_loop_turn(loop);
}

Test(stream_tls, a_stream_goes_to_another_loop_with_what_was_not_taken)
{
	struct io_loop *second = io_loop_new("second");
	struct peer moved = { 0 };
	struct tls_talk tt;
	struct talk *t = &tt.talk;
	struct io_tls_info info;

	tt_init(&tt);
	t->server.take = 3;
	talk_open(t);
	peer_say(&t->client, "abcdef");
	TURN_UNTIL(t->loop, t->server.in.len == 3);
	moved.stream = t->server.stream;
	t->server.stream = NULL;
	io_stream_move(moved.stream, second, &peer_ops, &moved);
	peer_say(&t->client, "ghi"); /* on the way while it moves */
	turn_once(t->loop);
	turn_once(t->loop);
	TURN_UNTIL(second, moved.in.len == 6);
	cr_assert(moved.ups == 1);
	cr_assert(slice_eq(buf_slice(&moved.in), SLICE_LIT("defghi")));
	cr_assert(io_stream_loop(moved.stream) == second);
	cr_assert(io_stream_tls(moved.stream, &info));
	peer_say(&moved, "answer");
	turn_once(second);
	expect_text(t, &t->client, "answer");
	io_stream_abort(moved.stream, ERR_CANCELLED);
	TURN_UNTIL(second, moved.closed);
	buf_fini(&moved.in);
	tt_fini(&tt);
	io_loop_free(&second);
}
