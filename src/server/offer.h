/*
 * Offer: a command that brings bodies into a group, proposed when a majority of
 * the group's voters holds them (architecture.md 4, F4; model step B2).
 *
 * The proposal has its slot already, so its op id is that of the holds. An
 * offer ends as the proposal does, except that it deals with ERR_STALE itself:
 * the leader knows newer voters than the proposer, so the holders are found
 * anew, under a new reservation.
 */
#ifndef SERVER_OFFER_H
#define SERVER_OFFER_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "raft/replica.h"
#include "server/courier.h"

/* For all tries together; then ERR_UNAVAILABLE: it was never proposed. */
#define OFFER_MS 10000

/* Before a second try: the directory's record may be a moment behind. */
#define OFFER_AGAIN_MS 100

struct offer;

typedef void offer_done(struct offer *offer);

struct offer {
	/* set by the caller */
	struct courier *courier;
	struct clock *clock; /* monotonic, of `home` */
	struct executor *home;
	void *owner;
	struct proposer *proposer;
	struct proposal *proposal; /* reserved; the offer's until `done` */
	uint32_t group;
	uint32_t source; /* group whose replicas have the bodies already */
	size_t count;    /* of bodies */
	uint16_t kind;
	uint8_t version;
	/*
	 * Who has all of them under the proposal's op id, and who should;
	 * NULL: nobody was asked yet.
	 */
	const struct courier_targets *targets;
	struct courier_holders holders;
	/* The n-th body. */
	void (*hash_at)(const struct offer *offer, size_t n,
			struct sha256 *hash_r);
	/* The command, with offer->holders; an error ends the offer. */
	enum err (*encode)(struct offer *offer, struct buf *out);

	/* valid in `done`, beside what the proposal says */
	enum err err;

	/* own */
	offer_done *done;
	struct courier_give give;
	struct task task;
	uint64_t until_ms;
};

/*
 * `done` runs once, from a later turn. The slot goes with the proposal, or is
 * given back: the caller has none any more.
 */
void offer_submit(struct offer *offer, offer_done *done);

#endif
