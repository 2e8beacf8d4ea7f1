/*
 * What is stored of a password: SCRAM-SHA-256 keys (RFC 5802 section 3, RFC
 * 7677), never the password.
 */
#ifndef AUTH_KEYS_H
#define AUTH_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/random.h"
#include "base/slice.h"

#define AUTH_SALT_SIZE 16    /* octets of salts that we make */
#define AUTH_SALT_MAX 64     /* octets of salts that we take */
#define AUTH_ITERATIONS 4096 /* of keys that we make (RFC 7677: >= 4096) */
#define AUTH_ITERATIONS_MAX 1000000
#define AUTH_PASSWORD_MAX 1024 /* octets */
#define AUTH_USER_MAX 200      /* octets (architecture.md 4) */

struct auth_keys {
	uint32_t iterations;
	uint8_t salt[AUTH_SALT_MAX];
	size_t salt_len;
	struct sha256 stored_key;
	struct sha256 server_key;
};

/*
 * Keys of a password, with a fresh salt; costs about a millisecond: on a
 * worker. ERR_INVALID: empty, too long, or refused by SASLprep (RFC 4013).
 */
must_use enum err auth_keys_make(struct auth_keys *keys_r,
				 struct slice password, struct random *random);

/* ERR_NONE: it is the password of these keys; else ERR_AUTH. Costs as much. */
must_use enum err auth_keys_check(const struct auth_keys *keys,
				  struct slice password);

/*
 * Keys that no password has, the same for a user each time: what an exchange
 * with an unknown user goes on with, so that it looks like a known one.
 */
void auth_keys_fake(struct auth_keys *keys_r, struct slice secret,
		    struct slice user);

/* SASLprep of a user name as query string, appended. ERR_INVALID. */
must_use enum err auth_user_prepare(struct slice user, struct buf *out);

#endif
