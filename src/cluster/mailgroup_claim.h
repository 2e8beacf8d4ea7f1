/*
 * Claims of a mail group, for those who carry them out: what is claimed, and
 * what the target is to be told (architecture.md 7, MOVE across groups).
 *
 * A claim is of the source's state. Its append at the target has an op id that
 * says which claim it is, whoever proposes it: {claim bit and source group,
 * epoch}, slot, turn. "Model step" is a step of test/model/move.pml.
 */
#ifndef CLUSTER_MAILGROUP_CLAIM_H
#define CLUSTER_MAILGROUP_CLAIM_H

#include "base/arena.h"
#include "cluster/mailgroup_command.h"

/*
 * Of a group whose state was never put back behind its own claims: what gives a
 * group an older state has to raise it, or turns would be given twice.
 */
#define MAILGROUP_CLAIM_EPOCH 1u

/* The op id of the claim's append at its target. */
static inline struct op_id mailgroup_claim_op(uint32_t source_group,
					      uint32_t slot, uint64_t turn)
{
	return (struct op_id){
		.proposer = COMMAND_CLAIM_BIT | (uint64_t)source_group << 32 |
			    MAILGROUP_CLAIM_EPOCH,
		.slot = slot,
		.turn = turn,
	};
}

/* An open claim. */
struct mailgroup_open_claim {
	uint32_t group; /* that of the target */
	uint32_t slot;
	uint64_t turn;
	struct op_id op; /* of CLAIM: the client's */
	uint64_t since_ms;
	uint64_t source;
	struct mailgroup_target target;
	uint64_t user;
	struct mailgroup_left_out left_out;
	struct uidset uids; /* the caller's: uidset_fini, always */
};

/* The claim in this slot; false: it is not open any more, or another is. */
bool mailgroup_claim_find(struct store_txn *txn, uint32_t group, uint32_t slot,
			  uint64_t turn, struct mailgroup_open_claim *claim_r);

/*
 * The first open claim at or behind {*group, *slot}, which move behind it;
 * begin with zeroes. False: there is none.
 */
bool mailgroup_claim_next(struct store_txn *txn, uint32_t *group,
			  uint32_t *slot, struct mailgroup_open_claim *claim_r);

/*
 * The claim's messages as its append gives them: flags, keywords, dates as they
 * were claimed, without what is left out, and what its user has seen. All of it
 * is in the arena. As APPEND_CLAIMED they fit a command, without structures.
 */
struct mailgroup_message *
mailgroup_claim_messages(struct store_txn *txn,
			 const struct mailgroup_open_claim *claim,
			 struct arena *arena, size_t *count_r);

/* The same of any messages of a mailbox: COPY to another group. */
struct mailgroup_message *
mailgroup_messages(struct store_txn *txn, uint64_t mailbox, uint64_t user,
		   const struct uidset *uids,
		   const struct mailgroup_left_out *left_out,
		   struct arena *arena, struct uidset *uids_r, size_t *count_r);

/* Could the purge or the freeze of a mailbox go on? Claimed messages. */
uint32_t mailgroup_claimed(struct store_txn *txn, uint64_t mailbox);

#endif
