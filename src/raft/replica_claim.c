/*
 * Proposals under the op ids of claims: the append of a MOVE across groups, and
 * the CANCEL of one (architecture.md 7).
 *
 * Such an op id belongs to a mail group's state, not to a node, so none of our
 * slots is taken and any number of runners may propose it. Happy path: it waits
 * until an entry takes it; when apply has answered this op id, by this command
 * or by another runner's, whoever waits for it hears that.
 *
 * Failures: leadership lost with the entry under way: proposed again. What the
 * leader does not take, a deadline, the end of the replica: the caller is told
 * that nothing is known (`recorded` is false). There is no CANCEL of our own
 * accord: the caller knows whether he wants one.
 *
 * "Model step" is a step of test/model/move.pml: change it there first.
 */
#include "base/fault.h"
#include "base/panic.h"
#include "raft/replica_impl.h"

/* ---- coming and going ---- */

static uint64_t octets_of(const struct proposal *proposal)
{
	return proposal->body.len + proposal->inline_body.len +
	       ENTRY_COMMAND_HEAD_MAX;
}

/* It is on the list. */
static void leave(struct proposal *proposal, enum err err)
{
	proposal->replica->pending_octets -= octets_of(proposal);
	replica_proposal_answer(proposal, err, PROPOSAL_IDLE);
}

static void claim_submit(struct task *task)
{
	struct proposal *proposal = container_of(task, struct proposal, task);
	struct replica *replica = proposal->replica;
	uint32_t ms = proposal->deadline_ms != 0 ? proposal->deadline_ms
						 : REPLICA_PROPOSE_MS;
	enum err err = replica_propose_may(replica, proposal);

	if (err != ERR_NONE) {
		replica_proposal_answer(proposal, err, PROPOSAL_IDLE);
		return;
	}
	proposal->deadline_at_ms = replica_now(replica) + ms;
	proposal->proposed_at_ms = clock_wall_ms(replica->options.clock);
	proposal->state = PROPOSAL_QUEUED;
	replica->pending_octets += octets_of(proposal);
	list_append(&replica->claiming, &proposal->link);
	replica_propose_kick(replica);
}

void replica_propose_as(struct replica *replica, struct proposal *proposal,
			const struct op_id *op, proposal_done *done)
{
	MUST(proposal->state == PROPOSAL_IDLE);
	MUST(command_op_is_claim(op));
	MUST(!proposal->keep);
	proposal->replica = replica;
	proposal->op = *op;
	proposal->done = done;
	proposal->state = PROPOSAL_QUEUED;
	proposal->sent = false;
	proposal->recorded = false;
	list_init(&proposal->link);
	buf_clear(&proposal->result);
	task_post(replica->options.log_loop, &proposal->task, claim_submit);
}

/* ---- entries ---- */

static struct proposal *claiming_of(struct list *link)
{
	return LIST_ENTRY(link, struct proposal, link);
}

bool replica_claim_has_something(const struct replica *replica)
{
	LIST_FOREACH (&replica->claiming, it)
		if (claiming_of(it)->state == PROPOSAL_QUEUED)
			return true;
	return false;
}

static struct command command_of(const struct proposal *proposal)
{
	return (struct command){
		.op = proposal->op,
		.kind = proposal->kind,
		.version = proposal->version,
		.proposed_at_ms = proposal->proposed_at_ms,
		.body = buf_slice(&proposal->body),
		.inline_body = buf_slice(&proposal->inline_body),
	};
}

/* Not taken: nothing is in the log by us, which tells nothing of others. */
void replica_claim_build(struct replica *replica)
{
	LIST_FOREACH_SAFE (&replica->claiming, it) {
		struct proposal *proposal = claiming_of(it);
		struct command command = command_of(proposal);
		enum err err;

		if (proposal->state != PROPOSAL_QUEUED)
			continue;
		err = replica_leader_check(replica, &command);
		if (err != ERR_NONE) {
			leave(proposal, err);
			continue;
		}
		if (!entry_builder_add(&replica->builder, &command))
			return;
		proposal->state = PROPOSAL_PROPOSED;
		proposal->sent = true;
	}
}

void replica_claim_repropose(struct replica *replica)
{
	LIST_FOREACH (&replica->claiming, it)
		claiming_of(it)->state = PROPOSAL_QUEUED;
}

/* ---- answers ---- */

/* Several may wait for one op id: each gets a copy. */
static void answer_one(struct proposal *proposal,
		       const struct slots_answer *answer, uint64_t index)
{
	switch (answer->verdict) {
	case SLOTS_RESOLVED:
		proposal->recorded = true;
		proposal->index = index;
		buf_clear(&proposal->result);
		buf_add_slice(&proposal->result,
			      buf_slice(&answer->result.payload));
		leave(proposal, answer->result.refusal);
		return;
	case SLOTS_DROPPED:
		leave(proposal, ERR_STALE);
		return;
	case SLOTS_FENCED:
		leave(proposal, ERR_FENCED);
		return;
	case SLOTS_REGISTERED:
	case SLOTS_TAKEN:
		break; /* of REGISTER, which no claim proposes */
	}
}

/* Model step M4: the table of the target has this turn. */
void replica_claim_answer(struct replica *replica, struct slots_answer *answer,
			  uint64_t index)
{
	LIST_FOREACH_SAFE (&replica->claiming, it)
		if (command_op_eq(&claiming_of(it)->op, &answer->op))
			answer_one(claiming_of(it), answer, index);
}

/* ---- deadlines and the end ---- */

void replica_claim_tick(struct replica *replica, uint64_t now)
{
	LIST_FOREACH_SAFE (&replica->claiming, it)
		if (claiming_of(it)->deadline_at_ms <= now)
			leave(claiming_of(it), ERR_TIMEOUT);
}

void replica_claim_end(struct replica *replica, enum err unknown)
{
	LIST_FOREACH_SAFE (&replica->claiming, it) {
		struct proposal *proposal = claiming_of(it);

		leave(proposal, proposal->sent ? unknown : ERR_UNAVAILABLE);
	}
}
