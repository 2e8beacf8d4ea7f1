/*
 * CLAIM, the append under the claim's op id, CLAIM_END: step by step.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/mem.h"
#include "move.h"

#define SOURCE 10 /* in group 1 */
#define TARGET 20 /* in group 2 */

/* One mover's way through it. */
struct walk {
	struct move_pair pair;
	struct op_id op; /* of CLAIM */
	struct mailgroup_claim_result claim;
	enum err refusal;
	struct buf payload;
};

static struct walk *walk_new(unsigned messages)
{
	struct walk *w = mem_zalloc(1, sizeof(*w));

	move_open(&w->pair);
	if (messages > 0)
		group_append(move_group(&w->pair, 1), SOURCE, messages, 0);
	return w;
}

static void walk_free(struct walk *w)
{
	uidset_fini(&w->claim.uids);
	buf_fini(&w->payload);
	move_close(&w->pair);
	mem_free(w);
}

static enum slots_verdict apply(struct walk *w, struct move_frame frame)
{
	enum slots_verdict verdict =
		move_apply(&w->pair, &frame, &w->refusal, &w->payload);

	move_frame_fini(&frame);
	return verdict;
}

static enum err claim_to(struct walk *w, uint32_t slot, const char *uids,
			 const struct mailgroup_target *target)
{
	struct uidset set = group_uids(uids);
	struct move_frame frame =
		move_claim(&w->pair, slot, 1, SOURCE, &set, target, 1);

	uidset_fini(&set);
	w->op = frame.op;
	apply(w, frame);
	uidset_fini(&w->claim.uids);
	w->claim = (struct mailgroup_claim_result){ 0 };
	if (w->refusal == ERR_NONE)
		cr_assert_eq(mailgroup_claim_result(buf_slice(&w->payload),
						    &w->claim),
			     ERR_NONE);
	return w->refusal;
}

static enum err claim(struct walk *w, uint32_t slot, const char *uids)
{
	const struct mailgroup_target target = group_target(TARGET);

	return claim_to(w, slot, uids, &target);
}

static enum err append(struct walk *w)
{
	struct move_frame frame;

	cr_assert(
		move_append(&w->pair, 1, w->claim.slot, w->claim.turn, &frame));
	apply(w, frame);
	return w->refusal;
}

static void end(struct walk *w)
{
	struct move_frame frame;

	cr_assert(move_end(&w->pair, 99, 1, w->claim.slot, w->claim.turn,
			   &frame));
	apply(w, frame);
	cr_assert_eq(w->refusal, ERR_NONE);
}

/* What CLAIM's op id says now. */
static enum err outcome(struct walk *w)
{
	struct store_txn *txn = machine_ask(&move_group(&w->pair, 1)->m);
	struct slice payload;
	enum err refusal;

	cr_assert(slots_result(txn, &w->op, &refusal, &payload));
	uidset_fini(&w->claim.uids);
	w->claim.ended = false;
	if (refusal == ERR_NONE)
		cr_assert_eq(mailgroup_claim_result(payload, &w->claim),
			     ERR_NONE);
	return refusal;
}

static uint32_t claimed(struct walk *w)
{
	return mailgroup_claimed(machine_ask(&move_group(&w->pair, 1)->m),
				 SOURCE);
}

/* ---- the plain way ---- */

Test(claim, moves_messages_with_all_that_they_have)
{
	struct walk *w = walk_new(3);
	struct group *source = move_group(&w->pair, 1);
	struct group *target = move_group(&w->pair, 2);
	struct mailgroup_store_result stored;
	struct mailgroup_row row;

	cr_assert_eq(group_store(source, SOURCE, 1, "2", MAILGROUP_STORE_ADD,
				 MAILGROUP_FLAGGED | MAILGROUP_SEEN, "$Work",
				 &stored),
		     ERR_NONE);
	group_store_done(&stored);
	cr_assert_eq(claim(w, 1, "2:3"), ERR_NONE);
	cr_assert_eq(w->claim.turn, 1);
	cr_assert_not(w->claim.ended);
	cr_assert_eq(claimed(w), 2);
	group_expect_uids(source, SOURCE, "1:3");
	cr_assert_eq(append(w), ERR_NONE);
	end(w);
	cr_assert_eq(outcome(w), ERR_NONE);
	cr_assert(w->claim.ended);
	cr_assert_eq(w->claim.first_uid, 1);
	cr_assert_eq(w->claim.source_modseq,
		     group_status(source, SOURCE, 1).highestmodseq);
	group_expect_uids(source, SOURCE, "1");
	group_expect_uids(target, TARGET, "1:2");
	row = group_row(target, TARGET, 1, 1);
	cr_assert_eq(row.flags, MAILGROUP_FLAGGED | MAILGROUP_SEEN);
	cr_assert(mailgroup_keyword_has(&row.keywords, 0));
	cr_assert_eq(row.date_s, group_message(1, 0).date_s);
	cr_assert_eq(row.zone_min, -90);
	cr_assert(slice_eq(row.structure, SLICE_LIT("structure")));
	cr_assert_eq(group_row(target, TARGET, 1, 2).flags, 0);
	cr_assert_eq(claimed(w), 0);
	walk_free(w);
}

Test(claim, that_is_refused_gives_everything_back)
{
	struct walk *w = walk_new(3);
	struct group *source = move_group(&w->pair, 1);
	struct mailgroup_target target = group_target(TARGET);
	struct mailgroup_status before = group_status(source, SOURCE, 1);

	target.quota_messages = 2;
	cr_assert_eq(claim_to(w, 1, "1:3", &target), ERR_NONE);
	cr_assert_eq(append(w), ERR_OVERQUOTA);
	end(w);
	cr_assert_eq(outcome(w), ERR_OVERQUOTA);
	cr_assert_eq(claimed(w), 0);
	group_expect_uids(source, SOURCE, "1:3");
	cr_assert_eq(group_status(source, SOURCE, 1).highestmodseq,
		     before.highestmodseq);
	walk_free(w);
}

Test(claim, of_nothing_takes_no_slot)
{
	struct walk *w = walk_new(2);

	cr_assert_eq(claim(w, 1, "7:9"), ERR_NONE);
	cr_assert_eq(w->claim.turn, 0);
	cr_assert_eq(w->claim.last, 9);
	cr_assert_eq(claimed(w), 0);
	walk_free(w);
}

Test(claim, slots_are_the_lowest_and_their_turns_follow_each_other)
{
	struct walk *w = walk_new(3);

	cr_assert_eq(claim(w, 1, "1"), ERR_NONE);
	cr_assert_eq(w->claim.slot, 0);
	cr_assert_eq(append(w), ERR_NONE);
	end(w);
	cr_assert_eq(claim(w, 2, "2"), ERR_NONE);
	cr_assert_eq(w->claim.slot, 0);
	cr_assert_eq(w->claim.turn, 2);
	cr_assert_eq(claim(w, 3, "3"), ERR_NONE);
	cr_assert_eq(w->claim.slot, 1);
	cr_assert_eq(w->claim.turn, 1);
	walk_free(w);
}

Test(claim, slots_are_bounded)
{
	struct walk *w = walk_new(1000);
	char uid[16];

	group_append(move_group(&w->pair, 1), SOURCE, 30, 0);
	for (unsigned i = 1; i <= COMMAND_SLOTS; i++) {
		snprintf(uid, sizeof(uid), "%u", i);
		cr_assert_eq(claim(w, 1, uid), ERR_NONE);
	}
	cr_assert_eq(claim(w, 1, "1025"), ERR_BUSY);
	cr_assert_eq(claimed(w), COMMAND_SLOTS);
	walk_free(w);
}

/* ---- once ---- */

Test(claim, appended_again_changes_nothing)
{
	struct walk *w = walk_new(1);
	struct move_frame late;

	claim(w, 1, "1");
	cr_assert(
		move_append(&w->pair, 1, w->claim.slot, w->claim.turn, &late));
	cr_assert_eq(append(w), ERR_NONE);
	cr_assert_eq(append(w), ERR_NONE);
	end(w);
	group_expect_uids(move_group(&w->pair, 2), TARGET, "1");
	/* Its turn is the newest still: the table answers. */
	cr_assert_eq(move_apply(&w->pair, &late, &w->refusal, &w->payload),
		     SLOTS_RESOLVED);
	group_append(move_group(&w->pair, 1), SOURCE, 1, 0);
	claim(w, 1, "2");
	append(w);
	cr_assert_eq(move_apply(&w->pair, &late, &w->refusal, &w->payload),
		     SLOTS_DROPPED);
	group_expect_uids(move_group(&w->pair, 2), TARGET, "1:2");
	move_frame_fini(&late);
	walk_free(w);
}

/* Model steps M4, M5: what was recorded stands, whatever comes later. */
Test(claim, refused_by_quota_stays_refused_when_there_is_room)
{
	struct walk *w = walk_new(1);
	struct mailgroup_target target = group_target(TARGET);
	struct move_frame roomy;

	target.quota_octets = 1;
	claim_to(w, 1, "1", &target);
	cr_assert(
		move_append(&w->pair, 1, w->claim.slot, w->claim.turn, &roomy));
	cr_assert_eq(append(w), ERR_OVERQUOTA);
	apply(w, roomy);
	cr_assert_eq(w->refusal, ERR_OVERQUOTA);
	group_expect_uids(move_group(&w->pair, 2), TARGET, "");
	end(w);
	walk_free(w);
}

Test(claim, appended_is_the_answer_after_a_seal_too)
{
	struct walk *w = walk_new(1);

	claim(w, 1, "1");
	cr_assert_eq(append(w), ERR_NONE);
	cr_assert_eq(group_seal(move_group(&w->pair, 2), TARGET), ERR_NONE);
	cr_assert_eq(append(w), ERR_NONE);
	end(w);
	cr_assert_eq(outcome(w), ERR_NONE);
	group_expect_uids(move_group(&w->pair, 1), SOURCE, "");
	walk_free(w);
}

Test(claim, to_a_sealed_mailbox_stays)
{
	struct walk *w = walk_new(1);

	claim(w, 1, "1");
	cr_assert_eq(group_seal(move_group(&w->pair, 2), TARGET), ERR_NONE);
	cr_assert_eq(append(w), ERR_GONE);
	end(w);
	cr_assert_eq(outcome(w), ERR_GONE);
	group_expect_uids(move_group(&w->pair, 1), SOURCE, "1");
	walk_free(w);
}

/* Model step M7. */
Test(claim, cancelled_first_is_never_appended)
{
	struct walk *w = walk_new(1);

	claim(w, 1, "1");
	apply(w, move_cancel(1, w->claim.slot, w->claim.turn));
	cr_assert_eq(w->refusal, ERR_CANCELLED);
	cr_assert_eq(append(w), ERR_CANCELLED);
	end(w);
	cr_assert_eq(outcome(w), ERR_CANCELLED);
	group_expect_uids(move_group(&w->pair, 1), SOURCE, "1");
	group_expect_uids(move_group(&w->pair, 2), TARGET, "");
	walk_free(w);
}

Test(claim, cancelled_second_is_appended)
{
	struct walk *w = walk_new(1);

	claim(w, 1, "1");
	append(w);
	apply(w, move_cancel(1, w->claim.slot, w->claim.turn));
	cr_assert_eq(w->refusal, ERR_NONE);
	end(w);
	cr_assert_eq(outcome(w), ERR_NONE);
	walk_free(w);
}

/* Model step M9. */
Test(claim, ended_twice_is_ended_once)
{
	struct walk *w = walk_new(2);
	struct move_frame again;

	claim(w, 1, "1");
	append(w);
	cr_assert(move_end(&w->pair, 50, 1, w->claim.slot, w->claim.turn,
			   &again));
	end(w);
	claim(w, 2, "2"); /* the same slot */
	cr_assert_eq(w->claim.slot, 0);
	apply(w, again);
	cr_assert_eq(w->refusal, ERR_NONE);
	cr_assert_eq(claimed(w), 1);
	group_expect_uids(move_group(&w->pair, 1), SOURCE, "2");
	walk_free(w);
}

/* ---- while it is open ---- */

Test(claim, keeps_store_expunge_and_other_moves_away)
{
	struct walk *w = walk_new(3);
	struct group *source = move_group(&w->pair, 1);
	struct mailgroup_store_result stored;
	struct mailgroup_copy_result copied;
	struct uidset expunged;

	claim(w, 1, "2:3");
	cr_assert_eq(group_store(source, SOURCE, 1, "1:2", MAILGROUP_STORE_ADD,
				 MAILGROUP_FLAGGED, NULL, &stored),
		     ERR_INUSE);
	group_store_done(&stored);
	cr_assert_eq(group_row(source, SOURCE, 1, 1).flags, 0);
	cr_assert_eq(group_expunge(source, SOURCE, "1:3", false, &expunged),
		     ERR_NONE);
	group_expect(&expunged, "1");
	cr_assert_eq(group_copy(source, SOURCE, 11, "2:3", true, &copied),
		     ERR_INUSE);
	cr_assert_eq(claim(w, 2, "2:3"), ERR_INUSE);
	/* Of some, the others. */
	group_append(source, SOURCE, 1, 0);
	cr_assert_eq(group_copy(source, SOURCE, 11, "2:4", true, &copied),
		     ERR_NONE);
	group_expect(&copied.copied, "4");
	group_append(source, SOURCE, 1, 0);
	cr_assert_eq(claim(w, 2, "2:5"), ERR_NONE);
	group_expect(&w->claim.uids, "5");
	w->claim.uids = (struct uidset){ 0 };
	walk_free(w);
}

Test(claim, lets_copies_be_made_that_are_not_claimed)
{
	struct walk *w = walk_new(2);
	struct group *source = move_group(&w->pair, 1);
	struct mailgroup_store_result stored;
	struct mailgroup_copy_result copied;

	claim(w, 1, "1:2");
	cr_assert_eq(group_copy(source, SOURCE, 11, "1:2", false, &copied),
		     ERR_NONE);
	group_expect(&copied.copied, "1:2");
	cr_assert_eq(group_store(source, 11, 1, "1:2", MAILGROUP_STORE_ADD,
				 MAILGROUP_FLAGGED, NULL, &stored),
		     ERR_NONE);
	group_store_done(&stored);
	walk_free(w);
}

static enum err purge(struct group *g, uint64_t mailbox)
{
	struct mailgroup_purge command = { mailbox };

	return group_apply(g, mailgroup_purge_encode(&command, &g->m.body),
			   MAILGROUP_PURGE);
}

/* Model steps M12, M13. */
Test(claim, outlives_the_seal_of_its_source_and_holds_up_the_purge)
{
	struct walk *w = walk_new(2);
	struct group *source = move_group(&w->pair, 1);

	claim(w, 1, "1");
	cr_assert_eq(group_seal(source, SOURCE), ERR_NONE);
	cr_assert_eq(claim(w, 2, "2"), ERR_GONE);
	cr_assert_eq(purge(source, SOURCE), ERR_INUSE);
	/* walk_new's claim is the one in slot 0 */
	w->claim.slot = 0;
	w->claim.turn = 1;
	append(w);
	end(w);
	group_expect_uids(source, SOURCE, "2");
	cr_assert_eq(group_usage(source, 1000 + SOURCE).messages, 0);
	group_verify(source);
	cr_assert_eq(purge(source, SOURCE), ERR_NONE);
	walk_free(w);
}

/* A COPY in the making has taken MODSEQs; END needs one and is not refused. */
Test(claim, has_a_modseq_left_for_its_end)
{
	struct walk *w = walk_new(2);
	struct group *source = move_group(&w->pair, 1);
	struct mailgroup_copy_stage stage = {
		.source = SOURCE,
		.target = group_target(SOURCE),
		.uids = group_uids("1"),
	};

	claim(w, 1, "1:2");
	source->m.op.turn++;
	cr_assert_eq(group_apply(source,
				 mailgroup_copy_stage_encode(&stage,
							     &source->m.body),
				 MAILGROUP_COPY_STAGE),
		     ERR_NONE);
	uidset_fini(&stage.uids);
	append(w);
	end(w);
	group_verify(source);
	walk_free(w);
}

/* ---- limits ---- */

/* 1,000 messages with many keywords are more than one append. */
Test(claim, takes_what_one_append_can_hold)
{
	struct walk *w = walk_new(0);
	struct group *source = move_group(&w->pair, 1);
	struct slice names[100];
	char text[100][MAILGROUP_KEYWORD_NAME_MAX + 1];
	struct mailgroup_store store = {
		.mailbox = SOURCE,
		.mode = MAILGROUP_STORE_ADD,
		.mask = MAILGROUP_FLAGS_ALL,
		.keywords = { names, 100 },
		.uids = group_uids("1:1000"),
	};
	uint32_t last = 0;
	unsigned claims = 0;

	group_append(source, SOURCE, 1000, 0);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text[i], sizeof(text[i]), "%0*u",
			 MAILGROUP_KEYWORD_NAME_MAX, i);
		names[i] = slice_str(text[i]);
	}
	cr_assert_eq(
		group_apply(source,
			    mailgroup_store_encode(&store, &source->m.body),
			    MAILGROUP_STORE),
		ERR_NONE);
	uidset_fini(&store.uids);
	/* Each claim begins behind the one before; move_append encodes it. */
	while (last < 100) {
		char uids[24];

		snprintf(uids, sizeof(uids), "%u:1000", last + 1);
		cr_assert_eq(claim(w, 1, uids), ERR_NONE);
		cr_assert_gt(w->claim.last, last);
		cr_assert_eq(w->claim.last - last, uidset_size(&w->claim.uids));
		last = w->claim.last;
		claims++;
		cr_assert_eq(append(w), ERR_NONE);
		end(w);
	}
	cr_assert_gt(claims, 3);
	walk_free(w);
}

Test(claim, results_and_commands_of_a_thousand_lonely_uids_fit)
{
	struct mailgroup_claim command = {
		.source = UINT64_MAX,
		.group = UINT32_MAX,
		.target = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX },
		.user = UINT64_MAX,
	};
	struct buf body = { 0 };

	for (uint32_t i = 0; i < MAILGROUP_ROWS_MAX; i++)
		uidset_add(&command.uids, UINT32_MAX - 3 - 2 * i,
			   UINT32_MAX - 3 - 2 * i);
	cr_assert_eq(mailgroup_claim_encode(&command, &body), ERR_NONE);
	cr_assert_lt(body.len + 64, COMMAND_RESULT_MAX);
	buf_clear(&body);
	command.group = 0;
	cr_assert_eq(mailgroup_claim_encode(&command, &body), ERR_INVALID);
	uidset_fini(&command.uids);
	buf_fini(&body);
}

Test(claim, a_leader_takes_a_claims_op_id_for_its_append_only)
{
	struct walk *w = walk_new(1);
	struct group *target = move_group(&w->pair, 2);
	struct replica_fsm *fsm = &target->fsm.fsm;
	struct command_holders holders = { 0 };
	struct move_frame frame;
	struct command command = { .version = MAILGROUP_COMMAND_VERSION };

	claim(w, 1, "1");
	cr_assert(
		move_append(&w->pair, 1, w->claim.slot, w->claim.turn, &frame));
	command.op = frame.op;
	command.body = buf_slice(&frame.body);
	command.kind = MAILGROUP_APPEND;
	cr_assert_eq(fsm->check(fsm, &command, &holders), ERR_INVALID);
	command.kind = MAILGROUP_APPEND_CLAIMED;
	cr_assert_eq(fsm->check(fsm, &command, &holders), ERR_NONE);
	cr_assert(holders.needed);
	command.op.proposer = 7ull << 32 | 1;
	cr_assert_eq(fsm->check(fsm, &command, &holders), ERR_INVALID);
	move_frame_fini(&frame);
	walk_free(w);
}
