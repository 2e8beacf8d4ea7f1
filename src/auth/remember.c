/*
 * Verified passwords, remembered: a table of MACs with an end each.
 *
 * The MAC is over user, key version and password under a key that only this
 * process has, so the table holds nothing that helps whoever reads it. The
 * table is set-associative: a MAC may stand in the REMEMBER_WAYS places of its
 * set, the one that ends first gives way.
 */
#include "auth/remember.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/pack.h"

#define REMEMBER_WAYS 4
#define REMEMBER_SETS (REMEMBER_MAX / REMEMBER_WAYS)

struct remember_entry {
	struct sha256 mac;
	uint64_t end_ms; /* monotonic; 0: free */
};

struct remember {
	uint8_t key[SHA256_SIZE];
	uint64_t keep_ms;
	struct remember_entry *entries[REMEMBER_SETS]; /* NULL until used */
};

struct remember *remember_new(struct random *random, uint64_t keep_ms)
{
	struct remember *remember = mem_zalloc(1, sizeof(*remember));

	remember->keep_ms = keep_ms;
	random->fill(random, remember->key, sizeof(remember->key));
	return remember;
}

void remember_free(struct remember **rememberp)
{
	struct remember *remember = *rememberp;

	*rememberp = NULL;
	for (size_t i = 0; i < REMEMBER_SETS; i++)
		mem_free(remember->entries[i]);
	secret_wipe(remember, sizeof(*remember));
	mem_free(remember);
}

static void mac_of(const struct remember *remember, struct slice user,
		   uint64_t key_version, struct slice password,
		   struct sha256 *mac_r)
{
	struct buf text = { 0 };

	pack_bytes(&text, user);
	pack_u64(&text, key_version);
	pack_bytes(&text, password);
	hmac_sha256(slice_of(remember->key, sizeof(remember->key)),
		    buf_slice(&text), mac_r);
	secret_wipe(text.data, text.cap);
	buf_fini(&text);
}

/* The place of a MAC's set in the table. */
static struct remember_entry **set_of(struct remember *remember,
				      const struct sha256 *mac)
{
	struct unpack in = unpack_of(slice_of(mac->octets, SHA256_SIZE));

	return &remember->entries[unpack_u32(&in) % REMEMBER_SETS];
}

/* The place of the MAC itself, or of the one that ends first. */
static struct remember_entry *place_of(struct remember_entry *set,
				       const struct sha256 *mac)
{
	struct remember_entry *place = set;

	for (size_t i = 0; i < REMEMBER_WAYS; i++) {
		if (sha256_eq(&set[i].mac, mac))
			return &set[i];
		if (set[i].end_ms < place->end_ms)
			place = &set[i];
	}
	return place;
}

bool remember_has(struct remember *remember, uint64_t now_ms, struct slice user,
		  uint64_t key_version, struct slice password)
{
	const struct remember_entry *set;
	struct sha256 mac;

	mac_of(remember, user, key_version, password, &mac);
	set = *set_of(remember, &mac);
	for (size_t i = 0; set && i < REMEMBER_WAYS; i++)
		if (set[i].end_ms > now_ms && sha256_eq(&set[i].mac, &mac))
			return true;
	return false;
}

void remember_add(struct remember *remember, uint64_t now_ms, struct slice user,
		  uint64_t key_version, struct slice password)
{
	struct remember_entry **setp;
	struct sha256 mac;

	if (remember->keep_ms == 0)
		return;
	mac_of(remember, user, key_version, password, &mac);
	setp = set_of(remember, &mac);
	if (!*setp)
		*setp = mem_zalloc(REMEMBER_WAYS, sizeof(**setp));
	*place_of(*setp, &mac) =
		(struct remember_entry){ mac, now_ms + remember->keep_ms };
}
