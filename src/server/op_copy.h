/*
 * COPY and MOVE: what op_copy.c, op_copy_across.c and op_move.c share.
 */
#ifndef SERVER_OP_COPY_H
#define SERVER_OP_COPY_H

#include "server/imap_op.h"

struct copy_across; /* op_copy_across.c */
struct move_across; /* op_move.c */

struct copy_op {
	struct imap_op op;
	struct imap_found found; /* the target */
	uint64_t quota_octets;
	uint64_t quota_messages;
	struct proposer *proposer; /* of the target's group */
	struct uidset rest;        /* source UIDs not proposed yet */
	struct uidset chunk;
	struct op_id copy; /* of a staged copy; turn 0: none */
	uint32_t staged;
	enum err refusal; /* why a staged copy is dropped */
	struct copy_across *across;
	struct move_across *move;
};

struct imap_ask_copy *copy_ask(struct copy_op *op);

/* The n-th of `source` became first_uid + n. */
void copy_add_pairs(struct copy_op *op, const struct uidset *source,
		    uint32_t first_uid);

/* The target with its limits, and what the user may not set there. */
struct mailgroup_target copy_target(const struct copy_op *op);
struct mailgroup_left_out copy_left_out(const struct copy_op *op);

/* What was staged is shown; or it is dropped, and the op ends with `err`. */
void copy_reveal(struct copy_op *op);
void copy_give_up(struct copy_op *op, enum err err);

/* COPY to another group: rows, holds, APPEND or stages; ends the op. */
void copy_across(struct copy_op *op);
void copy_across_free(struct copy_across **acrossp);

/* MOVE to another group: claims, one after another; ends the op. */
void move_across(struct copy_op *op);
void move_across_free(struct move_across **movep);

#endif
