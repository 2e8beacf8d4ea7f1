/*
 * Inside of a proposer: what proposer.c and proposer_claim.c share. The
 * contract for everybody else is proposer.h.
 */
#ifndef RAFT_PROPOSER_IMPL_H
#define RAFT_PROPOSER_IMPL_H

#include "raft/proposer.h"

uint64_t proposer_now(struct proposer *proposer);

/* The callback, late; off its list. */
void proposer_tell(struct proposal *proposal, enum err err,
		   enum proposal_state state);

/* ERR_NONE: something of this kind and size may be queued. */
must_use enum err proposer_may(struct proposer *proposer,
			       const struct proposal *proposal);

/* Onto the queue, from any list or none; and off it. */
void proposer_queue(struct proposer *proposer, struct proposal *proposal);
void proposer_unqueue(struct proposer *proposer, struct proposal *proposal);

/* The owner hears it if something waits. */
void proposer_kick(struct proposer *proposer);

/* ---- proposer_claim.c ---- */

/* A leader did not take it: which tells nothing of others. */
void proposer_claim_refused(struct proposer *proposer,
			    struct proposal *proposal, enum err err);

/* The same of all that wait for this op id. */
void proposer_claims_refused(struct proposer *proposer, const struct op_id *op,
			     enum err err);

/* What apply says. */
void proposer_claims_answer(struct proposer *proposer,
			    const struct slots_answer *answer, uint64_t index);

/* Deadlines, and the end. */
void proposer_claims_tick(struct proposer *proposer, uint64_t now);
void proposer_claims_end(struct proposer *proposer, enum err unknown);

#endif
