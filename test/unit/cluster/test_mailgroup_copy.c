#include <criterion/criterion.h>

#include "base/mem.h"
#include "cluster/mailgroup_row.h"
#include "group.h"

#define FROM 7
#define TO 8

/* ---- COPY and MOVE in one step ---- */

static void stored(struct group *g, uint64_t mailbox, uint64_t user,
		   const char *uids, uint8_t flags, const char *keyword)
{
	struct mailgroup_store_result result;

	cr_assert_eq(group_store(g, mailbox, user, uids, MAILGROUP_STORE_ADD,
				 flags, keyword, &result),
		     ERR_NONE);
	group_store_done(&result);
}

Test(copy, takes_flags_keywords_dates_and_everybodys_seen_along)
{
	struct group g;
	struct mailgroup_copy_result result;
	struct mailgroup_row row;
	struct mailgroup_keywords *keywords = mem_alloc(sizeof(*keywords));

	group_open(&g);
	group_append(&g, FROM, 5, 0);
	group_append(&g, TO, 3, 0);
	stored(&g, TO, 1, "1", 0, "other");
	stored(&g, FROM, 1, "2,4", MAILGROUP_FLAGGED, "work");
	stored(&g, FROM, 1, "2", MAILGROUP_SEEN, NULL);
	stored(&g, FROM, 2, "2:5", MAILGROUP_SEEN, NULL);
	g.m.now_ms += 5;
	cr_assert_eq(group_copy(&g, FROM, TO, "2,4,9", false, &result),
		     ERR_NONE);
	cr_assert_eq(result.first_uid, 4);
	group_expect(&result.copied, "2,4");
	row = group_row(&g, TO, 1, 4);
	cr_assert_eq(row.flags, MAILGROUP_FLAGGED | MAILGROUP_SEEN);
	cr_assert_eq(row.modseq, result.modseq);
	cr_assert_eq(row.keywords.words[0], 2);
	cr_assert_eq(row.date_s, 1600000001);
	cr_assert_eq(row.saved_ms, g.m.now_ms);
	cr_assert_eq(group_row(&g, TO, 1, 5).flags, MAILGROUP_FLAGGED);
	cr_assert_eq(group_row(&g, TO, 2, 5).flags,
		     MAILGROUP_FLAGGED | MAILGROUP_SEEN);
	cr_assert_eq(group_status(&g, TO, 2).unseen, 3);
	cr_assert_eq(group_status(&g, FROM, 1).exists, 5);
	mailgroup_keywords_get(machine_ask(&g.m), TO, keywords);
	cr_assert(slice_eq(keywords->names[1], SLICE_LIT("work")));
	cr_assert_eq(keywords->messages[1], 2);
	mem_free(keywords);
	group_close(&g);
}

static struct mailgroup_copy copy_left_out(uint8_t flags, bool keywords)
{
	return (struct mailgroup_copy){
		.source = FROM,
		.target = group_target(TO),
		.uids = group_uids("1:2"),
		.left_out = { flags, keywords, 1 },
	};
}

static void copy_of(struct group *g, struct mailgroup_copy *command)
{
	cr_assert_eq(group_apply(g, mailgroup_copy_encode(command, &g->m.body),
				 MAILGROUP_COPY),
		     ERR_NONE);
	uidset_fini(&command->uids);
}

Test(copy, leaves_out_what_the_user_may_not_set)
{
	struct group g;
	struct mailgroup_copy deleted = copy_left_out(MAILGROUP_DELETED, false);
	struct mailgroup_copy most =
		copy_left_out(MAILGROUP_FLAGS_ALL ^ MAILGROUP_DELETED, true);

	group_open(&g);
	group_append(&g, FROM, 2, 0);
	stored(&g, FROM, 1, "1", MAILGROUP_DELETED | MAILGROUP_SEEN, "work");
	stored(&g, FROM, 2, "1", MAILGROUP_SEEN | MAILGROUP_FLAGGED, NULL);
	copy_of(&g, &deleted);
	cr_assert_eq(group_row(&g, TO, 1, 1).flags,
		     MAILGROUP_SEEN | MAILGROUP_FLAGGED);
	cr_assert_eq(group_row(&g, TO, 1, 1).keywords.words[0], 1);
	copy_of(&g, &most);
	cr_assert_eq(group_row(&g, TO, 1, 3).flags, MAILGROUP_DELETED);
	cr_assert_eq(group_row(&g, TO, 2, 3).flags,
		     MAILGROUP_DELETED | MAILGROUP_SEEN);
	cr_assert_eq(group_row(&g, TO, 1, 3).keywords.words[0], 0);
	cr_assert_eq(group_status(&g, TO, 1).unseen, 3);
	cr_assert_eq(group_status(&g, TO, 2).unseen, 2);
	group_close(&g);
}

Test(copy, with_nothing_left_out_is_as_long_as_before)
{
	struct mailgroup_copy command = copy_left_out(0, false);
	struct mailgroup_copy again;
	struct buf body = { 0 };
	struct arena arena = { 0 };

	cr_assert_eq(mailgroup_copy_encode(&command, &body), ERR_NONE);
	cr_assert_eq(mailgroup_copy_decode(buf_slice(&body), &arena, &again),
		     ERR_NONE);
	uidset_fini(&again.uids);
	buf_add(&body, "\0\0\1", 3);
	cr_assert_eq(mailgroup_copy_decode(buf_slice(&body), &arena, &again),
		     ERR_SYNTAX);
	uidset_fini(&again.uids);
	uidset_fini(&command.uids);
	buf_fini(&body);
	arena_fini(&arena);
}

Test(copy, of_nothing_changes_nothing)
{
	struct group g;
	struct mailgroup_copy_result result;

	group_open(&g);
	group_append(&g, FROM, 1, 0);
	cr_assert_eq(group_copy(&g, FROM, TO, "2:9", true, &result), ERR_NONE);
	cr_assert_eq(result.first_uid, 0);
	cr_assert_eq(result.modseq, 0);
	cr_assert_eq(mailgroup_mailbox_next(machine_ask(&g.m), FROM), 0);
	group_close(&g);
}

Test(copy, into_the_same_mailbox_and_move_within_it)
{
	struct group g;
	struct mailgroup_copy_result result;

	group_open(&g);
	group_append(&g, FROM, 3, MAILGROUP_SEEN);
	stored(&g, FROM, 2, "1", MAILGROUP_SEEN, "k");
	cr_assert_eq(group_copy(&g, FROM, FROM, "1:2", false, &result),
		     ERR_NONE);
	cr_assert_eq(result.first_uid, 4);
	uidset_fini(&result.copied);
	group_expect_uids(&g, FROM, "1:5");
	cr_assert_eq(group_status(&g, FROM, 2).unseen, 3);
	cr_assert_eq(group_copy(&g, FROM, FROM, "1,4", true, &result),
		     ERR_NONE);
	cr_assert_eq(result.first_uid, 6);
	cr_assert_eq(result.modseq, result.source_modseq);
	uidset_fini(&result.copied);
	group_expect_uids(&g, FROM, "2:3,5:7");
	cr_assert_eq(group_status(&g, FROM, 1).unseen, 0);
	cr_assert_eq(group_status(&g, FROM, 2).unseen, 3);
	cr_assert_eq(group_row(&g, FROM, 2, 6).flags, MAILGROUP_SEEN);
	cr_assert_eq(group_row(&g, FROM, 2, 7).keywords.words[0], 1);
	group_expect_vanished(&g, FROM, 1, "1,4");
	group_close(&g);
}

Test(copy, move_leaves_one_copy)
{
	struct group g;
	struct mailgroup_copy_result result;

	group_open(&g);
	group_append(&g, FROM, 4, 0);
	stored(&g, FROM, 1, "2", MAILGROUP_DELETED, "k");
	cr_assert_eq(group_copy(&g, FROM, TO, "2:3", true, &result), ERR_NONE);
	cr_assert_gt(result.source_modseq, 0);
	group_expect(&result.copied, "2:3");
	group_expect_uids(&g, FROM, "1,4");
	group_expect_uids(&g, TO, "1:2");
	group_expect_vanished(&g, FROM, 1, "2:3");
	cr_assert_eq(group_status(&g, FROM, 1).deleted, 0);
	cr_assert_eq(group_status(&g, TO, 1).deleted, 1);
	cr_assert_eq(group_usage(&g, 1000 + FROM).messages, 2);
	cr_assert_eq(group_usage(&g, 1000 + TO).messages, 2);
	group_close(&g);
}

static enum err copy_limited(struct group *g, bool move, uint64_t root,
			     uint64_t messages)
{
	struct mailgroup_copy command = {
		.source = FROM,
		.target = { .mailbox = TO,
			    .root = root,
			    .quota_messages = messages },
		.move = move,
		.uids = group_uids("1:3"),
	};
	enum err err = group_apply(
		g, mailgroup_copy_encode(&command, &g->m.body), MAILGROUP_COPY);

	uidset_fini(&command.uids);
	return err;
}

Test(copy, counts_to_the_quota_and_a_move_within_a_root_does_not)
{
	struct group g;

	group_open(&g);
	group_append(&g, FROM, 3, 0);
	cr_assert_eq(copy_limited(&g, false, 1000 + FROM, 5), ERR_OVERQUOTA);
	cr_assert_eq(copy_limited(&g, true, 5, 2), ERR_OVERQUOTA);
	cr_assert_eq(group_status(&g, TO, 1).exists, 0);
	cr_assert_eq(group_status(&g, FROM, 1).exists, 3);
	cr_assert_eq(copy_limited(&g, true, 1000 + FROM, 1), ERR_NONE);
	cr_assert_eq(group_usage(&g, 1000 + FROM).messages, 3);
	group_close(&g);
}

Test(copy, that_would_need_too_many_keywords_copies_nothing)
{
	struct group g;
	struct mailgroup_copy_result result;

	group_open(&g);
	group_append(&g, FROM, 2, 0);
	group_append(&g, TO, 1, 0);
	for (unsigned i = 0; i < MAILGROUP_KEYWORDS_MAX; i++) {
		struct buf name = { 0 };

		buf_printf(&name, "k%u", i);
		stored(&g, TO, 1, "1", 0, buf_cstr(&name));
		buf_fini(&name);
	}
	stored(&g, FROM, 1, "2", 0, "one-more");
	cr_assert_eq(group_copy(&g, FROM, TO, "1:2", true, &result), ERR_LIMIT);
	cr_assert_eq(group_status(&g, TO, 1).exists, 1);
	cr_assert_eq(group_copy(&g, FROM, TO, "1", true, &result), ERR_NONE);
	uidset_fini(&result.copied);
	group_close(&g);
}

/* ---- COPY of more than a command may have ---- */

static enum err stage(struct group *g, struct op_id *copy, const char *uids,
		      uint32_t staged,
		      struct mailgroup_copy_stage_result *result_r)
{
	struct mailgroup_copy_stage command = {
		.copy = *copy,
		.source = FROM,
		.target = group_target(TO),
		.staged = staged,
		.uids = group_uids(uids),
	};
	enum err err = group_apply(
		g, mailgroup_copy_stage_encode(&command, &g->m.body),
		MAILGROUP_COPY_STAGE);

	memset(result_r, 0, sizeof(*result_r));
	if (err == ERR_NONE)
		cr_assert_eq(mailgroup_copy_stage_result(machine_payload(&g->m),
							 result_r),
			     ERR_NONE);
	uidset_fini(&result_r->copied);
	uidset_fini(&command.uids);
	if (copy->turn == 0 && err == ERR_NONE) {
		*copy = g->m.op;
	}
	return err;
}

static enum err reveal(struct group *g, const struct op_id *copy,
		       uint32_t staged,
		       struct mailgroup_append_result *result_r)
{
	struct mailgroup_copy_reveal command = {
		.copy = *copy,
		.target = group_target(TO),
		.staged = staged,
	};
	enum err err = group_apply(
		g, mailgroup_copy_reveal_encode(&command, &g->m.body),
		MAILGROUP_COPY_REVEAL);

	memset(result_r, 0, sizeof(*result_r));
	if (err == ERR_NONE)
		cr_assert_eq(mailgroup_append_result(machine_payload(&g->m),
						     result_r),
			     ERR_NONE);
	return err;
}

static bool drop(struct group *g, const struct op_id *copy)
{
	struct mailgroup_copy_drop command = { *copy, TO };
	struct mailgroup_more_result result;

	cr_assert_eq(
		group_apply(g, mailgroup_copy_drop_encode(&command, &g->m.body),
			    MAILGROUP_COPY_DROP),
		ERR_NONE);
	cr_assert_eq(mailgroup_more_result(machine_payload(&g->m), &result),
		     ERR_NONE);
	return result.more;
}

/* 2,500 messages at the source, of which some are seen or have a keyword. */
static void given_many(struct group *g)
{
	group_open(g);
	group_append(g, FROM, 1000, MAILGROUP_SEEN);
	group_append(g, FROM, 1000, 0);
	group_append(g, FROM, 500, MAILGROUP_DELETED);
	stored(g, FROM, 2, "900:1100", MAILGROUP_SEEN, "k");
	group_append(g, TO, 3, 0);
}

static void staged_all(struct group *g, struct op_id *copy)
{
	struct mailgroup_copy_stage_result result;

	cr_assert_eq(stage(g, copy, "1:1000", 0, &result), ERR_NONE);
	cr_assert_eq(result.staged, 1000);
	cr_assert_eq(stage(g, copy, "1001:2000", 1000, &result), ERR_NONE);
	cr_assert_eq(stage(g, copy, "2001:2500", 2000, &result), ERR_NONE);
	cr_assert_eq(result.staged, 2500);
}

Test(staged, copies_are_seen_all_at_once)
{
	struct group g;
	struct op_id copy = { 0 };
	struct op_id found;
	struct mailgroup_append_result result;
	struct mailgroup_status before;
	struct mailgroup_status status;
	uint64_t since_ms;

	given_many(&g);
	before = group_status(&g, TO, 1);
	staged_all(&g, &copy);
	group_verify(&g);
	cr_assert(mailgroup_copying(machine_ask(&g.m), TO, &found, &since_ms));
	cr_assert_eq(found.turn, copy.turn);
	cr_assert_eq(since_ms, g.m.now_ms);
	status = group_status(&g, TO, 1);
	cr_assert_eq(memcmp(&status, &before, sizeof(status)), 0);
	group_expect_uids(&g, TO, "1:3");
	group_expect_changed(&g, TO, 1, "1:3");
	cr_assert_eq(group_row(&g, TO, 1, 8192).uid, 0);
	/* Others go on: at lower numbers. */
	cr_assert_eq(group_append(&g, TO, 2, 0), 4);
	stored(&g, TO, 1, "1:2", MAILGROUP_SEEN, "z");
	cr_assert_eq(reveal(&g, &copy, 2500, &result), ERR_NONE);
	cr_assert_eq(result.count, 2500);
	cr_assert_eq(result.first_uid, 8192);
	status = group_status(&g, TO, 1);
	cr_assert_eq(status.exists, 2505);
	cr_assert_eq(status.uidnext, 8192 + 2500);
	cr_assert_eq(status.highestmodseq, result.modseq);
	cr_assert_eq(status.deleted, 500);
	cr_assert_eq(status.unseen, 1505 - 2);
	cr_assert_eq(group_status(&g, TO, 2).unseen, 2505 - 201);
	group_expect_uids(&g, TO, "1:5,8192:10691");
	group_expect_changed(&g, TO, result.modseq - 1, "8192:10691");
	cr_assert_eq(group_row(&g, TO, 2, 8192 + 899).flags, MAILGROUP_SEEN);
	cr_assert_eq(group_usage(&g, 1000 + TO).messages, 2505);
	cr_assert_not(
		mailgroup_copying(machine_ask(&g.m), TO, &found, &since_ms));
	cr_assert_eq(group_append(&g, TO, 1, 0), 10692);
	cr_assert_eq(group_status(&g, TO, 1).highestmodseq, result.modseq + 1);
	group_close(&g);
}

Test(staged, copies_that_are_dropped_leave_nothing)
{
	struct group g;
	struct op_id copy = { 0 };
	struct mailgroup_append_result result;
	struct mailgroup_copy_stage_result staged;
	unsigned rounds = 1;
	uint64_t rows;

	given_many(&g);
	rows = store_count(machine_ask(&g.m), MAILGROUP_TABLE_FIXED);
	staged_all(&g, &copy);
	while (drop(&g, &copy)) {
		rounds++;
		group_verify(&g);
		cr_assert_eq(reveal(&g, &copy, 1500, &result), ERR_STALE);
		cr_assert_eq(stage(&g, &copy, "1", 1500, &staged), ERR_STALE);
	}
	cr_assert_eq(rounds, 3);
	cr_assert_not(drop(&g, &copy));
	cr_assert_eq(store_count(machine_ask(&g.m), MAILGROUP_TABLE_FIXED),
		     rows);
	group_expect_uids(&g, TO, "1:3");
	copy = (struct op_id){ 0 };
	cr_assert_eq(stage(&g, &copy, "5", 0, &staged), ERR_NONE);
	cr_assert_eq(reveal(&g, &copy, 1, &result), ERR_NONE);
	group_close(&g);
}

Test(staged, one_copy_at_a_time_by_the_one_who_began_it)
{
	struct group g;
	struct op_id copy = { 0 };
	struct op_id other = { 0 };
	struct mailgroup_append_result result;
	struct mailgroup_copy_stage_result staged;

	group_open(&g);
	group_append(&g, FROM, 9, 0);
	cr_assert_eq(stage(&g, &copy, "1:3", 1, &staged), ERR_STALE);
	cr_assert_eq(stage(&g, &copy, "1:3", 0, &staged), ERR_NONE);
	cr_assert_eq(stage(&g, &other, "1:3", 0, &staged), ERR_INUSE);
	other = copy;
	other.slot++;
	cr_assert_eq(stage(&g, &other, "4", 3, &staged), ERR_STALE);
	cr_assert_eq(reveal(&g, &other, 3, &result), ERR_STALE);
	cr_assert_not(drop(&g, &other));
	cr_assert_eq(stage(&g, &copy, "4", 2, &staged), ERR_STALE);
	cr_assert_eq(reveal(&g, &copy, 2, &result), ERR_STALE);
	cr_assert_eq(stage(&g, &copy, "4,77", 3, &staged), ERR_NONE);
	cr_assert_eq(staged.staged, 4);
	cr_assert_eq(reveal(&g, &copy, 4, &result), ERR_NONE);
	cr_assert_eq(reveal(&g, &copy, 4, &result), ERR_STALE);
	group_close(&g);
}

Test(staged, appends_never_reach_the_numbers_of_the_copies)
{
	struct group g;
	struct op_id copy = { 0 };
	struct mailgroup_message message = group_message(1, 0);
	struct mailgroup_append append = {
		.target = group_target(TO),
		.messages = &message,
		.count = 1,
	};
	struct mailgroup_append_result result;
	struct mailgroup_copy_stage_result staged;

	group_open(&g);
	group_append(&g, FROM, 1, 0);
	cr_assert_eq(stage(&g, &copy, "1", 0, &staged), ERR_NONE);
	cr_assert_eq(staged.first_uid, 8192);
	for (unsigned i = 0; i < 8; i++)
		group_append(&g, TO, 1000, 0);
	group_append(&g, TO, 191, 0);
	cr_assert_eq(group_apply(&g,
				 mailgroup_append_encode(&append, &g.m.body),
				 MAILGROUP_APPEND),
		     ERR_INUSE);
	group_verify(&g);
	cr_assert_eq(reveal(&g, &copy, 1, &result), ERR_NONE);
	group_expect_uids(&g, TO, "1:8192");
	group_append(&g, TO, 1, 0);
	group_close(&g);
}

Test(staged, copies_meet_the_quota_when_staged_and_when_revealed)
{
	struct group g;
	struct mailgroup_copy_stage command = {
		.source = FROM,
		.target = group_target(TO),
		.uids = group_uids("1:5"),
	};
	struct mailgroup_copy_reveal last = { .staged = 5 };

	group_open(&g);
	group_append(&g, FROM, 5, 0);
	command.target.quota_messages = 4;
	cr_assert_eq(
		group_apply(&g,
			    mailgroup_copy_stage_encode(&command, &g.m.body),
			    MAILGROUP_COPY_STAGE),
		ERR_OVERQUOTA);
	command.target.quota_messages = 5;
	cr_assert_eq(
		group_apply(&g,
			    mailgroup_copy_stage_encode(&command, &g.m.body),
			    MAILGROUP_COPY_STAGE),
		ERR_NONE);
	last.copy = g.m.op;
	last.target = command.target;
	group_append(&g, TO, 1, 0);
	cr_assert_eq(group_apply(&g,
				 mailgroup_copy_reveal_encode(&last, &g.m.body),
				 MAILGROUP_COPY_REVEAL),
		     ERR_OVERQUOTA);
	cr_assert_not(drop(&g, &last.copy));
	uidset_fini(&command.uids);
	group_close(&g);
}

Test(staged, copies_of_the_mailbox_itself)
{
	struct group g;
	struct mailgroup_copy_stage command = {
		.source = TO,
		.target = group_target(TO),
		.uids = group_uids("1:3"),
	};
	struct mailgroup_append_result result;

	group_open(&g);
	group_append(&g, TO, 3, MAILGROUP_SEEN);
	stored(&g, TO, 1, "2", 0, "k");
	cr_assert_eq(
		group_apply(&g,
			    mailgroup_copy_stage_encode(&command, &g.m.body),
			    MAILGROUP_COPY_STAGE),
		ERR_NONE);
	cr_assert_eq(reveal(&g, &g.m.op, 3, &result), ERR_NONE);
	cr_assert_eq(group_status(&g, TO, 1).unseen, 0);
	cr_assert_eq(group_status(&g, TO, 1).exists, 6);
	uidset_fini(&command.uids);
	group_close(&g);
}

Test(staged, a_sealed_target_is_gone_and_purged_with_the_copies)
{
	struct group g;
	struct op_id copy = { 0 };
	struct mailgroup_append_result result;
	struct mailgroup_copy_stage_result staged;
	struct mailgroup_purge purge = { TO };

	group_open(&g);
	group_append(&g, FROM, 5, MAILGROUP_SEEN);
	cr_assert_eq(stage(&g, &copy, "1:5", 0, &staged), ERR_NONE);
	cr_assert_eq(group_seal(&g, TO), ERR_NONE);
	cr_assert_eq(stage(&g, &copy, "1:5", 5, &staged), ERR_GONE);
	cr_assert_eq(reveal(&g, &copy, 5, &result), ERR_GONE);
	group_verify(&g);
	cr_assert_eq(group_apply(&g, mailgroup_purge_encode(&purge, &g.m.body),
				 MAILGROUP_PURGE),
		     ERR_NONE);
	cr_assert_eq(store_count(machine_ask(&g.m), MAILGROUP_TABLE_STATE), 5);
	cr_assert_eq(store_count(machine_ask(&g.m), MAILGROUP_TABLE_SEEN), 1);
	group_close(&g);
}

/* ---- the same from another group ---- */

static enum err stage_from_afar(struct group *g, struct op_id *copy,
				uint32_t staged, uint64_t quota_messages,
				struct mailgroup_copy_stage_result *result_r)
{
	struct slice word = SLICE_LIT("k");
	struct mailgroup_message messages[3] = {
		group_message(1, MAILGROUP_SEEN),
		group_message(2, MAILGROUP_DELETED),
		group_message(3, 0),
	};
	struct mailgroup_append_stage command = {
		.copy = *copy,
		.target = group_target(TO),
		.user = 7,
		.staged = staged,
		.messages = messages,
		.count = 3,
	};
	enum err err;

	messages[2].keywords = (struct mailgroup_keyword_list){ &word, 1 };
	command.target.quota_messages = quota_messages;
	err = group_apply(g,
			  mailgroup_append_stage_encode(&command, &g->m.body),
			  MAILGROUP_APPEND_STAGE);
	memset(result_r, 0, sizeof(*result_r));
	if (err == ERR_NONE)
		cr_assert_eq(mailgroup_copy_stage_result(machine_payload(&g->m),
							 result_r),
			     ERR_NONE);
	if (copy->turn == 0 && err == ERR_NONE)
		*copy = g->m.op;
	return err;
}

Test(staged, copies_from_another_group_are_seen_all_at_once)
{
	struct group g;
	struct op_id copy = { 0 };
	struct mailgroup_copy_stage_result result;
	struct mailgroup_append_result revealed;
	struct mailgroup_row row;

	group_open(&g);
	group_append(&g, TO, 3, 0);
	cr_assert_eq(stage_from_afar(&g, &copy, 0, 0, &result), ERR_NONE);
	cr_assert_eq(result.staged, 3);
	cr_assert_eq(stage_from_afar(&g, &copy, 0, 0, &result), ERR_STALE);
	cr_assert_eq(stage_from_afar(&g, &copy, 3, 8, &result), ERR_OVERQUOTA);
	cr_assert_eq(stage_from_afar(&g, &copy, 3, 0, &result), ERR_NONE);
	cr_assert_eq(result.staged, 6);
	cr_assert_eq(group_status(&g, TO, 7).exists, 3);
	cr_assert_eq(group_status(&g, TO, 7).unseen, 3);
	group_verify(&g);
	cr_assert_eq(reveal(&g, &copy, 6, &revealed), ERR_NONE);
	cr_assert_eq(revealed.count, 6);
	cr_assert_eq(group_status(&g, TO, 7).exists, 9);
	cr_assert_eq(group_status(&g, TO, 7).unseen, 7);
	cr_assert_eq(group_status(&g, TO, 7).deleted, 2);
	row = group_row(&g, TO, 7, revealed.first_uid + 5);
	cr_assert(mailgroup_keyword_has(&row.keywords, 0));
	cr_assert_eq(row.date_s, group_message(3, 0).date_s);
	group_close(&g);
}

Test(staged, copies_from_another_group_that_are_dropped_leave_nothing)
{
	struct group g;
	struct op_id copy = { 0 };
	struct mailgroup_copy_stage_result result;

	group_open(&g);
	cr_assert_eq(stage_from_afar(&g, &copy, 0, 0, &result), ERR_NONE);
	cr_assert_not(drop(&g, &copy));
	cr_assert_eq(group_status(&g, TO, 7).exists, 0);
	cr_assert_eq(group_usage(&g, 1000 + TO).messages, 0);
	cr_assert_eq(stage_from_afar(&g, &copy, 3, 0, &result), ERR_STALE);
	group_close(&g);
}
