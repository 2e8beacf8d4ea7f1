/*
 * Heads and answers of the streams that carry bodies.
 */
#include "server/courier_wire.h"

#include <string.h>

#include "base/pack.h"

#define WIRE_VERSION 1

static void pack_hold(struct buf *out, const struct body_hold *hold)
{
	pack_u32(out, hold->group);
	pack_u32(out, hold->slot);
	pack_u64(out, hold->proposer);
	pack_u64(out, hold->turn);
}

static struct body_hold unpack_hold(struct unpack *in)
{
	struct body_hold hold;

	hold.group = unpack_u32(in);
	hold.slot = unpack_u32(in);
	hold.proposer = unpack_u64(in);
	hold.turn = unpack_u64(in);
	return hold;
}

static void unpack_hash(struct unpack *in, struct sha256 *hash_r)
{
	struct slice octets = unpack_raw(in, SHA256_SIZE);

	if (octets.len == SHA256_SIZE)
		memcpy(hash_r->octets, octets.data, SHA256_SIZE);
}

static enum err head_begin(struct slice octets, struct unpack *in_r)
{
	*in_r = unpack_of(octets);
	switch (unpack_u8(in_r)) {
	case WIRE_VERSION:
		return ERR_NONE;
	case 0:
		return ERR_SYNTAX;
	default:
		return ERR_VERSION;
	}
}

void courier_body_head_encode(const struct courier_body_head *head,
			      struct buf *out)
{
	pack_u8(out, WIRE_VERSION);
	pack_u64(out, head->to);
	pack_hold(out, &head->hold);
}

enum err courier_body_head_decode(struct slice in,
				  struct courier_body_head *head_r)
{
	struct unpack unpack;
	enum err err = head_begin(in, &unpack);

	*head_r = (struct courier_body_head){ 0 };
	if (err)
		return err;
	head_r->to = unpack_u64(&unpack);
	head_r->hold = unpack_hold(&unpack);
	/* Who asks without a hold could see the body swept at once. */
	if (!unpack_end(&unpack) || head_r->hold.proposer == 0)
		return ERR_SYNTAX;
	return ERR_NONE;
}

void courier_fetch_head_encode(const struct courier_fetch_head *head,
			       struct buf *out)
{
	pack_u8(out, WIRE_VERSION);
	pack_u32(out, head->group);
	buf_add(out, head->hash.octets, SHA256_SIZE);
}

enum err courier_fetch_head_decode(struct slice in,
				   struct courier_fetch_head *head_r)
{
	struct unpack unpack;
	enum err err = head_begin(in, &unpack);

	*head_r = (struct courier_fetch_head){ 0 };
	if (err)
		return err;
	head_r->group = unpack_u32(&unpack);
	unpack_hash(&unpack, &head_r->hash);
	return unpack_end(&unpack) ? ERR_NONE : ERR_SYNTAX;
}

void courier_have_head_encode(const struct courier_have_head *head,
			      struct buf *out)
{
	pack_u8(out, WIRE_VERSION);
	pack_u64(out, head->to);
	pack_hold(out, &head->hold);
	pack_u32(out, head->source);
	pack_u32(out, head->count);
}

enum err courier_have_head_decode(struct slice in,
				  struct courier_have_head *head_r)
{
	struct unpack unpack;
	enum err err = head_begin(in, &unpack);

	*head_r = (struct courier_have_head){ 0 };
	if (err)
		return err;
	head_r->to = unpack_u64(&unpack);
	head_r->hold = unpack_hold(&unpack);
	head_r->source = unpack_u32(&unpack);
	head_r->count = unpack_u32(&unpack);
	if (!unpack_end(&unpack) || head_r->hold.proposer == 0 ||
	    head_r->count == 0 || head_r->count > COURIER_HASHES_MAX)
		return ERR_SYNTAX;
	return ERR_NONE;
}

void courier_answer_encode(const struct sha256 *hash, uint64_t length,
			   struct buf *out)
{
	buf_add(out, hash->octets, SHA256_SIZE);
	pack_u64(out, length);
}

void courier_answer_decode(const uint8_t *octets, struct sha256 *hash_r,
			   uint64_t *length_r)
{
	struct unpack in = unpack_of(slice_of(octets, COURIER_ANSWER_SIZE));

	unpack_hash(&in, hash_r);
	*length_r = unpack_u64(&in);
}

void courier_length_encode(uint64_t length, struct buf *out)
{
	pack_u64(out, length);
}

uint64_t courier_length_decode(const uint8_t *octets)
{
	struct unpack in = unpack_of(slice_of(octets, COURIER_LENGTH_SIZE));

	return unpack_u64(&in);
}
