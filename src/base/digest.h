/*
 * SHA-256 (FIPS 180-4), HMAC-SHA-256 (RFC 2104) and XXH3-64.
 *
 * SHA-256 names bodies. XXH3-64 is the only checksum on disk and on the wire:
 * against accidents, not against attackers.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define SHA256_SIZE 32 /* octets */

struct sha256 {
	uint8_t octets[SHA256_SIZE];
};

/* A digest in the making; any split of the input gives the same result. */
struct sha256_state;

/* A digest of nothing yet; ends in sha256_finish or sha256_free. */
struct sha256_state *sha256_new(void);
void sha256_add(struct sha256_state *state, struct slice data);

/* Ends the digest and frees the state; *statep becomes NULL. */
void sha256_finish(struct sha256_state **statep, struct sha256 *hash_r);

/* Throws the state away. */
void sha256_free(struct sha256_state **statep);

/* In one stroke: the digest, or the authentication code, of `data`. */
void sha256(struct slice data, struct sha256 *hash_r);
void hmac_sha256(struct slice key, struct slice data, struct sha256 *mac_r);

static inline bool sha256_eq(const struct sha256 *a, const struct sha256 *b)
{
	return memcmp(a->octets, b->octets, SHA256_SIZE) == 0;
}

/*
 * PBKDF2 with HMAC-SHA-256 and one block of output (RFC 8018 section 5.2): Hi()
 * of SCRAM (RFC 5802 section 2.2). Takes 0.2 us an iteration; iterations > 0.
 */
void pbkdf2_sha256(struct slice password, struct slice salt,
		   uint32_t iterations, struct sha256 *out_r);

/* Overwrites a secret; never optimised away. */
void secret_wipe(void *secret, size_t len);

/* Compares in constant time; false if the lengths differ. */
bool secret_eq(struct slice a, struct slice b);

/* XXH3-64 with seed 0. */
uint64_t xxh3(struct slice data);

/* XXH3-64 of several pieces as if they stood in one run. */
uint64_t xxh3_pieces(const struct slice *pieces, size_t count);

#endif
