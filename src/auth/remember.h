/*
 * Verified passwords, remembered for a while (architecture.md 10).
 *
 * Kept as HMAC(random key of the process, user, key version, password), at
 * most REMEMBER_MAX of them for REMEMBER_MS; a change of the user's keys makes
 * the entry void by its version. Only successes are remembered. One owner: not
 * for use from several threads.
 */
#ifndef AUTH_REMEMBER_H
#define AUTH_REMEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "base/slice.h"

#define REMEMBER_MAX 65536 /* entries; the oldest go first */
#define REMEMBER_MS (10 * 60 * 1000)

struct remember;

/* Remembers nothing yet; the key of the process comes from `random`. */
struct remember *remember_new(struct random *random);

/* Wipes it; *rememberp becomes NULL. */
void remember_free(struct remember **rememberp);

/* Was this password of the user's keys verified less than REMEMBER_MS ago? */
bool remember_has(struct remember *remember, uint64_t now_ms, struct slice user,
		  uint64_t key_version, struct slice password);

/* After a verification that succeeded; the oldest of its set may give way. */
void remember_add(struct remember *remember, uint64_t now_ms, struct slice user,
		  uint64_t key_version, struct slice password);

#endif
