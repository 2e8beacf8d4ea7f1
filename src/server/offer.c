/*
 * Offer: holders first, then the command.
 *
 *   held by a majority? -> SUBMIT -> done
 *   else GIVE -> SUBMIT
 *   SUBMIT says ERR_STALE: RESERVE -> GIVE -> SUBMIT, until OFFER_MS are over
 *
 * Failures: whatever happens before SUBMIT was never proposed, and its holds
 * are resolved when the slot's turn is (model step B3). After SUBMIT only the
 * proposal's answer counts.
 */
#include "server/offer.h"

#include "base/fault.h"
#include "base/mem.h"

static void offer_submitted(struct proposal *proposal);

static void late_done(struct task *task)
{
	struct offer *offer = container_of(task, struct offer, task);

	offer->done(offer);
}

/* Nothing was proposed: the slot goes back. */
static void offer_fail(struct offer *offer, enum err err)
{
	proposer_release(offer->proposer, offer->proposal);
	offer->err = err;
	task_post(offer->home, &offer->task, late_done);
}

/* ---- SUBMIT ---- */

static void submit(struct offer *offer)
{
	struct proposal *proposal = offer->proposal;
	enum err err = offer->encode(offer, &proposal->body);

	if (err) {
		offer_fail(offer, err);
		return;
	}
	CRASH_POINT("bodies_not_proposed");
	proposal->owner = offer;
	proposal->kind = offer->kind;
	proposal->version = offer->version;
	proposer_submit(offer->proposer, proposal, offer_submitted);
}

/* ---- GIVE ---- */

static void given(struct courier_give *give)
{
	struct offer *offer = give->owner;

	if (give->err) {
		offer_fail(offer, ERR_UNAVAILABLE);
		return;
	}
	offer->holders = give->holders;
	submit(offer);
}

static void give(struct offer *offer, uint32_t delay_ms)
{
	const struct op_id *op = &offer->proposal->op;
	uint64_t now_ms = clock_mono_ms(offer->clock);
	struct sha256 *hashes = mem_zalloc(offer->count, sizeof(*hashes));

	for (size_t i = 0; i < offer->count; i++)
		offer->hash_at(offer, i, &hashes[i]);
	offer->give = (struct courier_give){
		.home = offer->home,
		.owner = offer,
		.hold = {
			.group = offer->group,
			.slot = op->slot,
			.proposer = op->proposer,
			.turn = op->turn,
		},
		.source = offer->source,
		.hashes = hashes,
		.count = offer->count,
		.delay_ms = delay_ms,
		.deadline_ms = offer->until_ms > now_ms
				       ? (uint32_t)(offer->until_ms - now_ms)
				       : 1,
	};
	courier_give(offer->courier, &offer->give, given);
	mem_free(hashes);
}

/* ---- again ---- */

static void reserved_again(struct proposal *proposal)
{
	struct offer *offer = proposal->owner;

	if (proposal->err) { /* there is no slot to give back */
		offer->err = proposal->err;
		offer->done(offer);
		return;
	}
	give(offer, OFFER_AGAIN_MS);
}

static void offer_submitted(struct proposal *proposal)
{
	struct offer *offer = proposal->owner;

	offer->err = proposal->err;
	if (proposal->err != ERR_STALE) {
		offer->done(offer);
		return;
	}
	if (clock_mono_ms(offer->clock) >= offer->until_ms) {
		offer->err = ERR_UNAVAILABLE;
		offer->done(offer);
		return;
	}
	proposal_fini(proposal);
	proposal_init(proposal, offer->home, offer);
	proposer_reserve(offer->proposer, proposal, reserved_again);
}

void offer_submit(struct offer *offer, offer_done *done)
{
	offer->done = done;
	offer->until_ms =
		clock_mono_ms(offer->clock) + TUNED(offer_ms, OFFER_MS);
	if (offer->targets && courier_is_held(offer->targets, &offer->holders))
		submit(offer);
	else
		give(offer, 0);
}
