/*
 * CLAIM and CLAIM_END: MOVE to a mailbox of another group, at its source
 * (architecture.md 7). The append at the target is an APPEND (mailgroup_append
 * .c) under the claim's op id.
 *
 * Happy path: CLAIM marks rows and takes the lowest free slot towards the
 * target's group, with its next turn; CLAIM_END brings what the target has
 * recorded for that turn, expunges the rows or gives them back, and puts the
 * same into the result of CLAIM's op id.
 *
 * Failures: CLAIM is refused before anything is written. CLAIM_END never is:
 * for a claim that has ended there is nothing to do.
 *
 * "Model step" is a step of test/model/move.pml: change it there first.
 */
#include "cluster/mailgroup_apply.h"
#include "raft/slots.h"

/*
 * Octets of the append that the claim becomes (mailgroup_command.c), at most:
 * its head with all holders; a message with neither keywords nor structure; a
 * keyword next to its name.
 */
#define APPEND_HEAD_MAX 512
#define APPEND_MESSAGE_MAX 64
#define APPEND_KEYWORD_MAX 2

/* ---- CLAIM ---- */

struct claiming {
	struct mailgroup_claim command;
	struct mailgroup_box box;
	struct mailgroup_claim_row row;
	uint32_t slot;
	uint64_t octets; /* of the append */
	bool full;
	bool others; /* some are claimed already */
	struct mailgroup_claim_result result;
};

/* Model step M1: given by apply, and never by a place in the log. */
static enum err find_slot(struct mailgroup_apply *a, struct claiming *c)
{
	for (c->slot = 0; c->slot < COMMAND_SLOTS; c->slot++) {
		bool used = mailgroup_claim_get(a->txn, c->command.group,
						c->slot, &c->row);

		uidset_fini(&c->row.uids);
		if (!used || !c->row.open)
			return ERR_NONE;
	}
	return ERR_BUSY;
}

static uint64_t octets_of(const struct claiming *c,
			  const struct mailgroup_state *state)
{
	const struct mailgroup_keywords *table = &c->box.names.table;
	uint64_t octets = APPEND_MESSAGE_MAX;

	for (unsigned n = 0; n < MAILGROUP_KEYWORDS_MAX; n++)
		if (mailgroup_keyword_has(&state->keywords, n))
			octets += table->names[n].len + APPEND_KEYWORD_MAX;
	return octets;
}

static void choose_one(struct claiming *c, uint32_t uid)
{
	struct mailgroup_state state;
	uint64_t octets;

	if (!mailgroup_state_get(c->box.apply->txn, c->box.id, uid, &state))
		return;
	if (state.claim != 0) {
		c->others = true;
		return;
	}
	octets = octets_of(c, &state);
	c->full = c->octets + octets > COMMAND_MAX;
	if (c->full)
		return;
	c->octets += octets;
	uidset_add(&c->result.uids, uid, uid);
}

static void choose(struct mailgroup_apply *a, struct claiming *c)
{
	const struct uidset *uids = &c->command.uids;

	mailgroup_names_load(a, &c->box.names, c->box.id);
	c->octets = APPEND_HEAD_MAX;
	for (size_t i = 0; i < uids->count; i++)
		for (uint64_t uid = uids->ranges[i].first;
		     uid <= uids->ranges[i].last; uid++) {
			if (uid < c->box.row.uidnext)
				choose_one(c, (uint32_t)uid);
			if (c->full)
				return;
			c->result.last = (uint32_t)uid;
		}
}

/* Model step M2. */
static enum err claim_look(struct mailgroup_apply *a, struct claiming *c)
{
	uint64_t count;
	enum err err = mailgroup_box_open(&c->box, a, c->command.source, 0);

	if (err != ERR_NONE)
		return err;
	choose(a, c);
	count = uidset_size(&c->result.uids);
	if (count == 0)
		return c->others ? ERR_INUSE : ERR_NONE;
	/* Counted for the END: it may need a MODSEQ and is never refused. */
	c->box.row.claimed += (uint32_t)count;
	err = mailgroup_box_may_change(&c->box);
	return err == ERR_NONE ? find_slot(a, c) : err;
}

static void mark(struct mailgroup_box *box, const struct uidset *uids,
		 uint64_t old, uint64_t now)
{
	struct mailgroup_apply *a = box->apply;

	for (size_t i = 0; i < uids->count; i++)
		for (uint64_t uid = uids->ranges[i].first;
		     uid <= uids->ranges[i].last; uid++) {
			struct mailgroup_state state;

			if (!row_want(a->txn, mailgroup_state_get(
						      a->txn, box->id,
						      (uint32_t)uid, &state) &&
						      state.claim == old))
				return;
			state.claim = now;
			mailgroup_state_put(a->txn, a->scratch, box->id,
					    (uint32_t)uid, &state);
		}
}

/* Nobody sees that a message is claimed: it gets no MODSEQ. */
static void claim_write(struct mailgroup_apply *a, struct claiming *c)
{
	c->row = (struct mailgroup_claim_row){
		.turn = c->row.turn + 1,
		.open = true,
		.op = a->command->op,
		.since_ms = a->command->proposed_at_ms,
		.source = c->command.source,
		.target = c->command.target,
		.user = c->command.user,
		.left_out = c->command.left_out,
		.uids = c->result.uids,
	};
	c->result.slot = c->slot;
	c->result.turn = c->row.turn;
	mark(&c->box, &c->result.uids, 0,
	     mailgroup_claim_number(c->command.group, c->slot));
	mailgroup_claim_put(a->txn, a->scratch, c->command.group, c->slot,
			    &c->row);
	mailgroup_mailbox_put(a->txn, a->scratch, c->box.id, &c->box.row);
}

void mailgroup_apply_claim(struct mailgroup_apply *a)
{
	struct claiming *c = ARENA_NEW(a->arena, struct claiming);
	enum err err =
		mailgroup_claim_decode(a->command->body, a->arena, &c->command);

	if (err == ERR_NONE)
		err = claim_look(a, c);
	if (err != ERR_NONE) {
		mailgroup_refuse(a, err);
	} else {
		if (c->result.uids.count > 0)
			claim_write(a, c);
		mailgroup_claim_result_encode(&c->result, &a->result->payload);
	}
	uidset_fini(&c->result.uids);
	uidset_fini(&c->command.uids);
}

/* ---- CLAIM_END ---- */

/* Done: the originals go, and if SEAL came first, with it (M12). */
static void end_done(struct mailgroup_box *box, const struct uidset *uids)
{
	mailgroup_box_expunge(box, uids);
	mailgroup_box_close(box);
}

static void end_refused(struct mailgroup_apply *a, struct mailgroup_box *box,
			const struct uidset *uids, uint64_t number)
{
	mark(box, uids, number, 0);
	mailgroup_mailbox_put(a->txn, a->scratch, box->id, &box->row);
}

/* Model step M8, its last part: what the client is to hear. */
static void tell(struct mailgroup_apply *a,
		 const struct mailgroup_claim_end *command,
		 const struct mailgroup_claim_row *row, uint64_t source_modseq)
{
	struct command_result result = { .refusal = command->refusal };
	struct mailgroup_claim_result fields = {
		.slot = command->slot,
		.turn = command->turn,
		.ended = true,
		.first_uid = command->first_uid,
		.source_modseq = source_modseq,
		.uids = row->uids,
	};

	if (row->uids.count > 0)
		fields.last = row->uids.ranges[row->uids.count - 1].last;
	if (command->refusal == ERR_NONE)
		mailgroup_claim_result_encode(&fields, &result.payload);
	slots_amend(a->txn, &row->op, &result);
	buf_fini(&result.payload);
}

static void end_write(struct mailgroup_apply *a,
		      const struct mailgroup_claim_end *command,
		      struct mailgroup_claim_row *row)
{
	struct mailgroup_claim_row closed = { .turn = row->turn };
	struct mailgroup_box box;

	mailgroup_box_open_sealed(&box, a, row->source, 0);
	if (!row_want(a->txn, box.row.claimed >= uidset_size(&row->uids)))
		return;
	box.row.claimed -= (uint32_t)uidset_size(&row->uids);
	if (command->refusal == ERR_NONE)
		end_done(&box, &row->uids);
	else
		end_refused(
			a, &box, &row->uids,
			mailgroup_claim_number(command->group, command->slot));
	mailgroup_claim_put(a->txn, a->scratch, command->group, command->slot,
			    &closed);
	tell(a, command, row, box.modseq);
}

void mailgroup_apply_claim_end(struct mailgroup_apply *a)
{
	struct mailgroup_claim_end command;
	struct mailgroup_claim_row row;
	enum err err = mailgroup_claim_end_decode(a->command->body, a->arena,
						  &command);

	if (err != ERR_NONE) {
		mailgroup_refuse(a, err);
		return;
	}
	/* Else model step M9: dropped, which says nothing of how it ended. */
	if (mailgroup_claim_get(a->txn, command.group, command.slot, &row) &&
	    row.open && row.turn == command.turn)
		end_write(a, &command, &row);
	uidset_fini(&row.uids);
}
