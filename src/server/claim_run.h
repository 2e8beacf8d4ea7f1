/*
 * Carries out an open claim: the runner of MOVE across groups (architecture.md
 * 7). "Model step" is a step of test/model/move.pml.
 *
 *   LOOK at the claim -> HOLDS on its bodies -> APPEND at the target, under the
 *   claim's op id -> END at the source, with what the target has recorded
 *
 * Any number of runners may carry out one claim, here and on other nodes, each
 * as far as it comes: the target's table and the turn of the claim see to it
 * that it is done once.
 */
#ifndef SERVER_CLAIM_RUN_H
#define SERVER_CLAIM_RUN_H

#include "base/arena.h"
#include "cluster/mailgroup_claim.h"
#include "raft/replica.h"
#include "server/courier.h"

struct claim_run;
struct node;

typedef void claim_run_done(struct claim_run *run);

/* Storage is the caller's until `done` has run, once, late, on `home`. */
struct claim_run {
	/* set by the caller */
	struct node *node;
	struct executor *home;
	void *owner;
	uint32_t source_group;
	uint32_t group; /* that of the target */
	uint32_t slot;
	uint64_t turn;
	bool cancel; /* proposes CANCEL, where nothing is recorded, no append */

	/*
	 * Valid in `done`. ERR_NONE: the claim has ended, by whomever, and the
	 * local copy of the source shows it: what came of it is in the result
	 * of CLAIM's op id (model step M10). Else it is open, as far as known:
	 * what was heard says nothing about the MOVE, to be tried again.
	 */
	enum err err;

	/* its own */
	claim_run_done *done;
	struct task task;
	struct arena arena;
	struct mailgroup_open_claim claim;
	bool open;
	struct mailgroup_message *messages;
	size_t count;
	struct courier_give give;
	struct proposal proposal;
};

/* The first group of fields is set, the rest is zero. */
void claim_run_start(struct claim_run *run, claim_run_done *done);

#endif
