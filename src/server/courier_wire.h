/*
 * First words and answers of the streams that carry bodies, octet by octet.
 *
 *   BODY   head {version, to, hold}; the body; answer {hash, length}
 *   FETCH  head {version, group, hash}; answer {length}, the body
 *   HAVE   head {version, to, hold, source, count}; count hashes;
 *          answer: an octet for each, 1: it is here, the hold is durable
 *
 * `to` is a raft id: a replica that was thrown away and built again on the
 * same node is another holder (twin holders_by_node of test/model/bodies.c).
 * Numbers as in base/pack.h. Pure.
 */
#ifndef SERVER_COURIER_WIRE_H
#define SERVER_COURIER_WIRE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/slice.h"
#include "store/body.h"

/* Hashes of one HAVE: as many as one command names. */
#define COURIER_HASHES_MAX 1000

#define COURIER_ANSWER_SIZE (SHA256_SIZE + 8) /* octets: of BODY */
#define COURIER_LENGTH_SIZE 8                 /* octets: of FETCH */

struct courier_body_head {
	uint64_t to; /* raft id */
	struct body_hold hold;
};

struct courier_fetch_head {
	uint32_t group; /* whose rows name it */
	struct sha256 hash;
};

struct courier_have_head {
	uint64_t to;
	struct body_hold hold;
	uint32_t source; /* group whose replicas have the bodies */
	uint32_t count;  /* 1 .. COURIER_HASHES_MAX */
};

/* Append. */
void courier_body_head_encode(const struct courier_body_head *head,
			      struct buf *out);
void courier_fetch_head_encode(const struct courier_fetch_head *head,
			       struct buf *out);
void courier_have_head_encode(const struct courier_have_head *head,
			      struct buf *out);

/* ERR_VERSION: of a later release; ERR_SYNTAX. */
must_use enum err courier_body_head_decode(struct slice in,
					   struct courier_body_head *head_r);
must_use enum err courier_fetch_head_decode(struct slice in,
					    struct courier_fetch_head *head_r);
must_use enum err courier_have_head_decode(struct slice in,
					   struct courier_have_head *head_r);

/* The answer to BODY: COURIER_ANSWER_SIZE octets. */
void courier_answer_encode(const struct sha256 *hash, uint64_t length,
			   struct buf *out);
void courier_answer_decode(const uint8_t *octets, struct sha256 *hash_r,
			   uint64_t *length_r);

/* The length before a body: COURIER_LENGTH_SIZE octets. */
void courier_length_encode(uint64_t length, struct buf *out);
uint64_t courier_length_decode(const uint8_t *octets);

#endif
