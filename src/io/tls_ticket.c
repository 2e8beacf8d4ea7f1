/*
 * Session tickets (RFC 5077; RFC 8446 section 4.6.1).
 *
 * A ticket is the session, sealed with a key of ours; who has the key can read
 * recorded TLS 1.2 sessions. So keys live in memory only and are replaced every
 * TICKET_KEY_MS; the one before still opens tickets, and these are renewed. A
 * reload of certificates keeps the keys.
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/panic.h"
#include "base/random.h"
#include "io/clock.h"
#include "io/tls_ssl.h"

#define TICKET_KEY_MS (12ULL * 3600 * 1000)
#define TICKET_LIFE_S (12 * 3600) /* of a session: no longer than its key */
#define TICKET_NAME_SIZE 16       /* octets; OpenSSL's contract */

struct ticket_key {
	uint8_t name[TICKET_NAME_SIZE];
	uint8_t aes[32];
	uint8_t hmac[32];
};

struct tls_tickets {
	atomic_uint refs;
	pthread_mutex_t lock;
	uint64_t made_at_ms; /* and all below: under `lock` */
	struct ticket_key current;
	struct ticket_key before;
};

static void ticket_key_make(struct ticket_key *key_r)
{
	struct random *random = random_secure();

	random->fill(random, key_r->name, sizeof(key_r->name));
	random->fill(random, key_r->aes, sizeof(key_r->aes));
	random->fill(random, key_r->hmac, sizeof(key_r->hmac));
}

struct tls_tickets *tls_tickets_new(void)
{
	struct tls_tickets *tickets = mem_zalloc(1, sizeof(*tickets));

	atomic_init(&tickets->refs, 1);
	MUST(pthread_mutex_init(&tickets->lock, NULL) == 0);
	ticket_key_make(&tickets->current);
	ticket_key_make(&tickets->before);
	tickets->made_at_ms = clock_mono_ms(io_clock());
	return tickets;
}

struct tls_tickets *tls_tickets_ref(struct tls_tickets *tickets)
{
	atomic_fetch_add(&tickets->refs, 1);
	return tickets;
}

void tls_tickets_unref(struct tls_tickets **ticketsp)
{
	struct tls_tickets *tickets = *ticketsp;

	*ticketsp = NULL;
	if (atomic_fetch_sub(&tickets->refs, 1) > 1)
		return;
	MUST(pthread_mutex_destroy(&tickets->lock) == 0);
	OPENSSL_cleanse(tickets, sizeof(*tickets));
	mem_free(tickets);
}

static void tickets_rotate(struct tls_tickets *tickets, uint64_t now_ms)
{
	if (now_ms - tickets->made_at_ms < TICKET_KEY_MS)
		return;
	tickets->before = tickets->current;
	ticket_key_make(&tickets->current);
	tickets->made_at_ms = now_ms;
}

static struct ticket_key tickets_current(struct tls_tickets *tickets)
{
	struct ticket_key key;

	MUST(pthread_mutex_lock(&tickets->lock) == 0);
	tickets_rotate(tickets, clock_mono_ms(io_clock()));
	key = tickets->current;
	MUST(pthread_mutex_unlock(&tickets->lock) == 0);
	return key;
}

enum ticket_found {
	TICKET_UNKNOWN,
	TICKET_CURRENT,
	TICKET_OLD, /* good, to be replaced by one of the current key */
};

static enum ticket_found tickets_find(struct tls_tickets *tickets,
				      const uint8_t *name,
				      struct ticket_key *key_r)
{
	enum ticket_found found = TICKET_UNKNOWN;

	MUST(pthread_mutex_lock(&tickets->lock) == 0);
	tickets_rotate(tickets, clock_mono_ms(io_clock()));
	if (memcmp(name, tickets->current.name, TICKET_NAME_SIZE) == 0) {
		*key_r = tickets->current;
		found = TICKET_CURRENT;
	} else if (memcmp(name, tickets->before.name, TICKET_NAME_SIZE) == 0) {
		*key_r = tickets->before;
		found = TICKET_OLD;
	}
	MUST(pthread_mutex_unlock(&tickets->lock) == 0);
	return found;
}

static bool ticket_set_hmac(EVP_MAC_CTX *hmac, struct ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->hmac,
						  sizeof(key->hmac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(hmac, params) == 1;
}

static int ticket_seal(struct tls_tickets *tickets, uint8_t *name, uint8_t *iv,
		       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *hmac)
{
	struct ticket_key key = tickets_current(tickets);
	struct random *random = random_secure();
	bool ok;

	memcpy(name, key.name, TICKET_NAME_SIZE);
	random->fill(random, iv, 16); /* the block size of AES */
	ok = EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.aes, iv) &&
	     ticket_set_hmac(hmac, &key);
	OPENSSL_cleanse(&key, sizeof(key));
	return ok ? 1 : -1;
}

static int ticket_open(struct tls_tickets *tickets, const uint8_t *name,
		       const uint8_t *iv, EVP_CIPHER_CTX *cipher,
		       EVP_MAC_CTX *hmac)
{
	struct ticket_key key;
	enum ticket_found found = tickets_find(tickets, name, &key);
	bool ok;

	if (found == TICKET_UNKNOWN)
		return 0; /* a full handshake */
	ok = EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.aes, iv) &&
	     ticket_set_hmac(hmac, &key);
	OPENSSL_cleanse(&key, sizeof(key));
	if (!ok)
		return -1;
	return found == TICKET_OLD ? 2 : 1;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3) */
static int ticket_key_cb(SSL *ssl, unsigned char *name, unsigned char *iv,
			 EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *hmac, int seal)
{
	struct tls_tickets *tickets =
		SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (seal)
		return ticket_seal(tickets, name, iv, cipher, hmac);
	return ticket_open(tickets, name, iv, cipher, hmac);
}

void tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *ctx)
{
	SSL_CTX_set_app_data(ctx, tickets);
	SSL_CTX_set_timeout(ctx, TICKET_LIFE_S);
	MUST(SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_key_cb) == 1);
	/*
	 * One is enough: a client that opens five connections has made five
	 * handshakes, and each has brought one.
	 */
	MUST(SSL_CTX_set_num_tickets(ctx, 1) == 1);
}
