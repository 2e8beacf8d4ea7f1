/*
 * MOVE to a mailbox of another group (architecture.md 7).
 *
 * CLAIM -> RUN (claim_run.c: append at the target, END) -> RESULT -> CLAIM of
 *   |       |                                                |     the next ..
 *   |       '- still open: again; later with CANCEL          '- refused: done
 *   '- refused: done, there is nothing of ours to undo
 *
 * The client hears what stands in the result of CLAIM's op id, whoever has put
 * it there (model step M10, test/model/move.pml); the slot is kept until then.
 * A target that cannot be asked at all leaves the MOVE unknown: the connection
 * ends without a tagged answer, the messages stay readable here, and the
 * leader's runner (claims.c) goes on.
 *
 * More messages than one claim takes are moved in chunks; one that is refused
 * ends the MOVE, and what the chunks before have done is told (RFC 6851 section
 * 3.3).
 */
#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"
#include "raft/slots.h"
#include "server/claim_run.h"
#include "server/node.h"
#include "server/op_copy.h"

#define MOVE_AGAIN_MS 200    /* between two passes */
#define MOVE_APPEND_MS 10000 /* then CANCEL */
#define MOVE_WAIT_MS 60000   /* then the client is not told */

/*
 * Of a node at a time. Each keeps a slot in its source's group; if a target is
 * gone, those that wait for it must not take all of them.
 */
#define MOVES_MAX (COMMAND_SLOTS / 4)

struct move_across {
	struct copy_op *op;
	struct replica *source;
	uint32_t source_group;
	struct proposal claim;
	bool kept; /* its slot */
	struct claim_run run;
	uint64_t begun_ms;
};

void move_across_free(struct move_across **movep)
{
	struct move_across *move = *movep;

	*movep = NULL;
	if (move->kept)
		replica_release(move->source, &move->claim);
	proposal_fini(&move->claim);
	__atomic_sub_fetch(&move->op->op.link->loop->node->moves, 1,
			   __ATOMIC_SEQ_CST);
	mem_free(move);
}

static uint64_t now_ms(const struct move_across *move)
{
	return clock_mono_ms(io_loop_clock(move->op->op.link->loop->io));
}

static void claim(struct move_across *move);

static void give_slot_back(struct move_across *move)
{
	replica_release(move->source, &move->claim);
	move->kept = false;
}

/* ---- RESULT ---- */

/* Model step M3: what END has put into CLAIM's op id. */
static enum err read_result(struct move_across *move, struct store_txn *txn,
			    struct mailgroup_claim_result *result)
{
	struct slice payload;
	enum err refusal;
	enum err err;

	if (!slots_result(txn, &move->claim.op, &refusal, &payload))
		return ERR_FENCED; /* another life of this node */
	if (refusal)
		return refusal == ERR_GONE ? ERR_NOTFOUND : refusal;
	err = command_payload_err(mailgroup_claim_result(payload, result));
	return !err && !result->ended ? ERR_IO : err;
}

/*
 * The claim has ended, this way or the other: what cannot be read now is not
 * known, and no error of reading may look as if nothing had happened.
 */
static enum err find_result(struct move_across *move,
			    struct mailgroup_claim_result *result)
{
	struct store_env *env = replica_env(move->source);
	struct store_txn *txn;
	enum err err;

	if (!env || store_read_begin(env, &txn))
		return ERR_IO;
	err = read_result(move, txn, result);
	if (store_txn_error(txn))
		err = ERR_IO;
	store_end(&txn);
	return err;
}

static void tell(struct move_across *move)
{
	struct copy_op *op = move->op;
	struct mailgroup_claim_result result = { 0 };
	enum err err = find_result(move, &result);

	imap_link_wrote(op->op.link, move->source_group,
			replica_applied(move->source));
	if (!err)
		copy_add_pairs(op, &result.uids, result.first_uid);
	uidset_fini(&result.uids);
	if (err) {
		imap_op_end(&op->op, err);
		return;
	}
	give_slot_back(move);
	claim(move);
}

/* ---- RUN ---- */

static void run(struct imap_op *base);

/* Until it has ended, or nobody can be expected to wait any longer. */
static void ran(struct claim_run *claim_run)
{
	struct move_across *move = claim_run->owner;
	struct imap_op *base = &move->op->op;

	if (!claim_run->err)
		tell(move);
	else if (base->link->loop->stop ||
		 now_ms(move) >=
			 move->begun_ms + TUNED(move_wait_ms, MOVE_WAIT_MS))
		imap_op_end(base, ERR_TIMEOUT);
	else
		imap_op_wait(base, MOVE_AGAIN_MS, run);
}

static void run(struct imap_op *base)
{
	struct move_across *move = ((struct copy_op *)base)->move;
	struct claim_run again = {
		.node = base->link->loop->node,
		.home = base->link->loop->executor,
		.owner = move,
		.source_group = move->source_group,
		.group = move->op->found.group,
		.slot = move->run.slot,
		.turn = move->run.turn,
		.cancel =
			now_ms(move) >=
			move->begun_ms + TUNED(move_append_ms, MOVE_APPEND_MS),
	};

	move->run = again;
	claim_run_start(&move->run, ran);
}

/* ---- CLAIM ---- */

/* What did not fit into the claim is left for the next one. */
static void put_back(struct copy_op *op, uint32_t last)
{
	if (last > 0)
		uidset_remove(&op->chunk, 1, last);
	uidset_add_set(&op->rest, &op->chunk);
}

static void claim_done(struct move_across *move)
{
	struct mailgroup_claim_result result = { 0 };
	enum err err = command_payload_err(mailgroup_claim_result(
		buf_slice(&move->claim.result), &result));

	uidset_fini(&result.uids);
	if (err) {
		imap_op_end(&move->op->op, err);
		return;
	}
	put_back(move->op, result.last);
	if (result.turn == 0) {
		give_slot_back(move); /* none of them is there any more */
		claim(move);
		return;
	}
	CRASH_POINT("move_claimed");
	move->run.slot = result.slot;
	move->run.turn = result.turn;
	move->begun_ms = now_ms(move);
	run(&move->op->op);
}

static void claimed(struct proposal *proposal)
{
	struct move_across *move = proposal->owner;

	move->kept = proposal->recorded;
	if (proposal->err)
		imap_op_end(&move->op->op, proposal->err);
	else
		claim_done(move);
}

/* Model step M1. */
static void claim(struct move_across *move)
{
	struct copy_op *op = move->op;
	struct mailgroup_claim command = {
		.source = copy_ask(op)->mailbox_id,
		.group = op->found.group,
		.target = copy_target(op),
		.user = op->op.link->user.id,
		.left_out = copy_left_out(op),
	};
	enum err err;

	if (!imap_op_next_chunk(&op->rest, &op->chunk)) {
		imap_op_end(&op->op, ERR_NONE);
		return;
	}
	proposal_fini(&move->claim);
	proposal_init(&move->claim, op->op.link->loop->executor, move);
	command.uids = op->chunk;
	err = mailgroup_claim_encode(&command, &move->claim.body);
	if (err) {
		imap_op_end(&op->op, err);
		return;
	}
	move->claim.kind = MAILGROUP_CLAIM;
	move->claim.version = MAILGROUP_COMMAND_VERSION;
	move->claim.keep = true;
	replica_propose(move->source, &move->claim, claimed);
}

void move_across(struct copy_op *op)
{
	struct imap_link *link = op->op.link;
	struct replica *source =
		node_replica(link->loop->node, link->mailbox_group);
	struct move_across *move;

	if (!op->proposer || !source) {
		imap_op_end(&op->op, ERR_UNAVAILABLE);
		return;
	}
	if (__atomic_add_fetch(&link->loop->node->moves, 1, __ATOMIC_SEQ_CST) >
	    TUNED(moves_max, MOVES_MAX)) {
		__atomic_sub_fetch(&link->loop->node->moves, 1,
				   __ATOMIC_SEQ_CST);
		imap_op_end(&op->op, ERR_BUSY);
		return;
	}
	move = mem_zalloc(1, sizeof(*move));
	op->move = move;
	move->op = op;
	move->source = source;
	move->source_group = link->mailbox_group;
	proposal_init(&move->claim, link->loop->executor, move);
	claim(move);
}
