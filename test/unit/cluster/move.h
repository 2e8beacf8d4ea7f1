/*
 * Two mail groups that move messages between each other, as raft/ would drive
 * them: every command goes through the table of the slots, and any frame that
 * was ever proposed may be applied again, later, or never.
 */
#ifndef TEST_MOVE_H
#define TEST_MOVE_H

#include "cluster/mailgroup_claim.h"
#include "group.h"
#include "raft/slots.h"

#define MOVE_GROUPS 2 /* numbers 1 and 2 */

struct move_pair {
	struct group groups[MOVE_GROUPS];
	uint64_t turns[MOVE_GROUPS][COMMAND_SLOTS]; /* of the one node */
};

void move_open(struct move_pair *pair);
void move_close(struct move_pair *pair); /* verifies */

struct group *move_group(struct move_pair *pair, uint32_t number);

/* A slot of the node; the next command in it is the next turn. */
struct op_id move_op(struct move_pair *pair, uint32_t group, uint32_t slot);

/* A frame: what raft/ puts into an entry. */
struct move_frame {
	uint32_t group;
	struct op_id op;
	uint16_t kind;
	struct buf body;
};

void move_frame_fini(struct move_frame *frame);

/* Applies a frame; the answer's payload is in `payload_r`, emptied before. */
enum slots_verdict move_apply(struct move_pair *pair,
			      const struct move_frame *frame,
			      enum err *refusal_r, struct buf *payload_r);

/* ---- frames ---- */

/* CLAIM of a mailbox's UIDs for a mailbox of the other group. */
struct move_frame move_claim(struct move_pair *pair, uint32_t slot,
			     uint32_t source_group, uint64_t source,
			     const struct uidset *uids,
			     const struct mailgroup_target *target,
			     uint64_t user);

/* Its append, made from the source's state; false: the claim is not open. */
bool move_append(struct move_pair *pair, uint32_t source_group, uint32_t slot,
		 uint64_t turn, struct move_frame *frame_r);
struct move_frame move_cancel(uint32_t source_group, uint32_t slot,
			      uint64_t turn);

/* END by what the target's table has; false: it has nothing yet. */
bool move_end(struct move_pair *pair, uint32_t node_slot, uint32_t source_group,
	      uint32_t slot, uint64_t turn, struct move_frame *frame_r);

#endif
