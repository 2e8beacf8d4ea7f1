/*
 * Verified passwords, remembered for a while (architecture.md 10).
 *
 * Kept as HMAC(random key of the process, user, key version, password), at
 * most REMEMBER_MAX of them for a while; a change of the user's keys makes
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

struct remember;

/*
 * Remembers nothing yet, and later each password for `keep_ms`; 0: never any.
 * The key of the process comes from `random`.
 */
struct remember *remember_new(struct random *random, uint64_t keep_ms);

/* Wipes it; *rememberp becomes NULL. */
void remember_free(struct remember **rememberp);

/* Was this password of the user's keys verified less than keep_ms ago? */
bool remember_has(struct remember *remember, uint64_t now_ms, struct slice user,
		  uint64_t key_version, struct slice password);

/* After a verification that succeeded; the oldest of its set may give way. */
void remember_add(struct remember *remember, uint64_t now_ms, struct slice user,
		  uint64_t key_version, struct slice password);

#endif
