/*
 * Proposals under the op ids of claims: the append of a MOVE across groups, and
 * the CANCEL of one (architecture.md 7).
 *
 * Such an op id belongs to a mail group's state, not to a node, so none of our
 * slots is taken and any number of runners may propose it. Happy path: it waits
 * with the others until an entry or a frame takes it; when apply has answered
 * this op id, by this command or by another runner's, whoever waits for it
 * hears that.
 *
 * Failures: what was lost with a leader is proposed again. What a leader does
 * not take, a deadline, the end of the replica: the caller is told that nothing
 * is known (`recorded` is false). There is no CANCEL of our own accord: the
 * caller knows whether he wants one.
 *
 * "Model step" is a step of test/model/move.pml: change it there first.
 */
#include "base/panic.h"
#include "raft/proposer_impl.h"

static struct proposal *claim_of(struct list *link)
{
	return LIST_ENTRY(link, struct proposal, claim_link);
}

/* It is on two lists. */
static void leave(struct proposer *proposer, struct proposal *proposal,
		  enum err err)
{
	list_remove(&proposal->claim_link);
	if (proposal->state == PROPOSAL_QUEUED)
		proposer_unqueue(proposer, proposal);
	proposer_tell(proposal, err, PROPOSAL_IDLE);
}

static void claim_submit(struct task *task)
{
	struct proposal *proposal = container_of(task, struct proposal, task);
	struct proposer *proposer = proposal->proposer;
	uint32_t ms = proposal->deadline_ms != 0 ? proposal->deadline_ms
						 : REPLICA_PROPOSE_MS;
	enum err err = proposer_may(proposer, proposal);

	if (err != ERR_NONE) {
		proposer_tell(proposal, err, PROPOSAL_IDLE);
		return;
	}
	proposal->deadline_at_ms = proposer_now(proposer) + ms;
	proposal->proposed_at_ms = clock_wall_ms(proposer->options.clock);
	list_append(&proposer->claims, &proposal->claim_link);
	proposer_queue(proposer, proposal);
	proposer_kick(proposer);
}

void proposer_propose_as(struct proposer *proposer, struct proposal *proposal,
			 const struct op_id *op, proposal_done *done)
{
	MUST(proposal->state == PROPOSAL_IDLE);
	MUST(command_op_is_claim(op));
	MUST(!proposal->keep);
	proposal->proposer = proposer;
	proposal->op = *op;
	proposal->done = done;
	proposal->state = PROPOSAL_RESERVED; /* by the claim */
	proposal->sent = false;
	proposal->recorded = false;
	list_init(&proposal->link);
	list_init(&proposal->claim_link);
	buf_clear(&proposal->result);
	task_post(proposer->options.loop, &proposal->task, claim_submit);
}

void proposer_claim_refused(struct proposer *proposer,
			    struct proposal *proposal, enum err err)
{
	leave(proposer, proposal, err);
}

void proposer_claims_refused(struct proposer *proposer, const struct op_id *op,
			     enum err err)
{
	LIST_FOREACH_SAFE (&proposer->claims, it)
		if (command_op_eq(&claim_of(it)->op, op))
			leave(proposer, claim_of(it), err);
}

/* ---- answers ---- */

/* Several may wait for one op id: each gets a copy. */
static void answer_one(struct proposer *proposer, struct proposal *proposal,
		       const struct slots_answer *answer, uint64_t index)
{
	switch (answer->verdict) {
	case SLOTS_RESOLVED:
		proposal->recorded = true;
		proposal->index = index;
		buf_clear(&proposal->result);
		buf_add_slice(&proposal->result,
			      buf_slice(&answer->result.payload));
		leave(proposer, proposal, answer->result.refusal);
		return;
	case SLOTS_DROPPED:
		leave(proposer, proposal, ERR_STALE);
		return;
	case SLOTS_FENCED:
		leave(proposer, proposal, ERR_FENCED);
		return;
	case SLOTS_REGISTERED:
	case SLOTS_TAKEN:
		break; /* of REGISTER, which no claim proposes */
	}
}

/* Model step M4: the table of the target has this turn. */
void proposer_claims_answer(struct proposer *proposer,
			    const struct slots_answer *answer, uint64_t index)
{
	LIST_FOREACH_SAFE (&proposer->claims, it)
		if (command_op_eq(&claim_of(it)->op, &answer->op))
			answer_one(proposer, claim_of(it), answer, index);
}

/* ---- deadlines and the end ---- */

void proposer_claims_tick(struct proposer *proposer, uint64_t now)
{
	LIST_FOREACH_SAFE (&proposer->claims, it)
		if (claim_of(it)->deadline_at_ms <= now)
			leave(proposer, claim_of(it), ERR_TIMEOUT);
}

void proposer_claims_end(struct proposer *proposer, enum err unknown)
{
	LIST_FOREACH_SAFE (&proposer->claims, it) {
		struct proposal *proposal = claim_of(it);

		leave(proposer, proposal,
		      proposal->sent ? unknown : ERR_UNAVAILABLE);
	}
}
