/*
 * Digests by OpenSSL, checksums by xxHash.
 *
 * The algorithm is fetched once: that lookup costs more than a short digest.
 * A failure of OpenSSL here means no memory or a broken installation: PANIC.
 */
#include "base/digest.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/mem.h"
#include "base/panic.h"

struct sha256_state {
	EVP_MD_CTX *ctx;
};

/* tidy: allow globals: written once, before anybody reads the other */
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;
/* tidy: allow globals: fetching an algorithm costs more than a short digest */
static EVP_MD *sha256_md;

static void sha256_fetch(void)
{
	sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha256_md == NULL)
		PANIC("OpenSSL has no SHA-256");
}

static const EVP_MD *sha256_algorithm(void)
{
	pthread_once(&sha256_once, sha256_fetch);
	return sha256_md;
}

struct sha256_state *sha256_new(void)
{
	struct sha256_state *state = mem_alloc(sizeof(*state));

	state->ctx = EVP_MD_CTX_new();
	MUST(state->ctx != NULL);
	MUST(EVP_DigestInit_ex2(state->ctx, sha256_algorithm(), NULL) == 1);
	return state;
}

void sha256_add(struct sha256_state *state, struct slice data)
{
	MUST(EVP_DigestUpdate(state->ctx, data.data, data.len) == 1);
}

void sha256_finish(struct sha256_state **statep, struct sha256 *hash_r)
{
	unsigned len = 0;

	MUST(EVP_DigestFinal_ex((*statep)->ctx, hash_r->octets, &len) == 1);
	MUST(len == SHA256_SIZE);
	sha256_free(statep);
}

void sha256_free(struct sha256_state **statep)
{
	struct sha256_state *state = *statep;

	*statep = NULL;
	if (state == NULL)
		return;
	EVP_MD_CTX_free(state->ctx);
	mem_free(state);
}

void sha256(struct slice data, struct sha256 *hash_r)
{
	unsigned len = 0;

	MUST(EVP_Digest(data.data, data.len, hash_r->octets, &len,
			sha256_algorithm(), NULL) == 1);
	MUST(len == SHA256_SIZE);
}

void hmac_sha256(struct slice key, struct slice data, struct sha256 *mac_r)
{
	unsigned len = 0;

	MUST(key.len <= INT_MAX);
	if (key.len == 0)
		key = SLICE_LIT(""); /* OpenSSL takes NULL for "no key given" */
	MUST(HMAC(sha256_algorithm(), key.data, (int)key.len, data.data,
		  data.len, mac_r->octets, &len) != NULL);
	MUST(len == SHA256_SIZE);
}

void pbkdf2_sha256(struct slice password, struct slice salt,
		   uint32_t iterations, struct sha256 *out_r)
{
	MUST(password.len <= INT_MAX && salt.len <= INT_MAX);
	MUST(iterations > 0 && iterations <= INT_MAX);
	MUST(PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.len,
			       salt.data, (int)salt.len, (int)iterations,
			       sha256_algorithm(), SHA256_SIZE,
			       out_r->octets) == 1);
}

void secret_wipe(void *secret, size_t len)
{
	OPENSSL_cleanse(secret, len);
}

bool secret_eq(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	return a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0;
}

uint64_t xxh3(struct slice data)
{
	return XXH3_64bits(data.data, data.len);
}

uint64_t xxh3_pieces(const struct slice *pieces, size_t count)
{
	XXH3_state_t state;

	XXH3_INITSTATE(&state);
	XXH3_64bits_reset(&state);
	for (size_t i = 0; i < count; i++)
		if (pieces[i].len > 0)
			XXH3_64bits_update(&state, pieces[i].data,
					   pieces[i].len);
	return XXH3_64bits_digest(&state);
}
