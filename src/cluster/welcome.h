/*
 * What a node says that wants to join, what it is told, and the token by which
 * both know that they may (architecture.md 10, "Trust"; S15).
 *
 * There is no CA. The token carries the hash of the key of the node to be
 * asked, so the joiner knows whom it talks to; its secret proves the joiner,
 * whose key the TLS connection gives. Pure; octets are versioned.
 */
#ifndef CLUSTER_WELCOME_H
#define CLUSTER_WELCOME_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/slice.h"

#define WELCOME_SECRET_SIZE 24 /* octets that nobody guesses */
#define WELCOME_NAME_MAX 63    /* a node's name: a DNS label */
#define WELCOME_ADDRESS_MAX 255
#define WELCOME_ADDRESSES_MAX 8
#define WELCOME_KEYS_MAX 2
#define WELCOME_MEMBERS_MAX 128

/* ---- the token, as an operator carries it from one node to another ---- */

struct welcome_token {
	uint8_t secret[WELCOME_SECRET_SIZE];
	struct sha256 key_hash;                /* of the node to be asked */
	char name[WELCOME_NAME_MAX + 1];       /* of the node to be */
	char address[WELCOME_ADDRESS_MAX + 1]; /* "host:port" to be asked */
};

/* Appends "murder-" and base64 without +, / and =: one word for a shell. */
void welcome_token_write(const struct welcome_token *token, struct buf *out);

/* ERR_SYNTAX: no token, or not all of it; ERR_VERSION: of a later release. */
must_use enum err welcome_token_read(struct slice text,
				     struct welcome_token *token_r);

/* ---- the question ---- */

struct welcome_ask {
	struct slice secret; /* of the token */
	struct slice name;
	struct slice addresses[WELCOME_ADDRESSES_MAX]; /* at least one */
	unsigned address_count;
	uint32_t feature_level; /* what the joiner's program can */
};

/* Appends; ERR_LIMIT, ERR_INVALID: a field is above its limit. */
must_use enum err welcome_ask_encode(const struct welcome_ask *ask,
				     struct buf *out);

/* Borrows from `octets`. ERR_SYNTAX, ERR_LIMIT, ERR_INVALID, ERR_VERSION. */
must_use enum err welcome_ask_decode(struct slice octets,
				     struct welcome_ask *ask_r);

/* ---- the answer ---- */

struct welcome_member {
	uint32_t node;
	struct slice addresses[WELCOME_ADDRESSES_MAX];
	unsigned address_count;
	struct sha256 keys[WELCOME_KEYS_MAX];
	unsigned key_count; /* at least 1 */
};

/* All that a node needs to become a member before it has the directory. */
struct welcome {
	struct slice cluster;           /* id, 32 hexadecimal digits */
	uint32_t node;                  /* the joiner's, for ever */
	uint64_t raft_id;               /* of its replica of the directory */
	struct welcome_member *members; /* those that are active */
	size_t member_count;
};

/* As the functions above; members live in the arena. */
must_use enum err welcome_encode(const struct welcome *welcome,
				 struct buf *out);
must_use enum err welcome_decode(struct slice octets, struct arena *arena,
				 struct welcome *welcome_r);

#endif
