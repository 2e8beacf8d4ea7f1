#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "cluster/mailgroup_row.h"
#include "group.h"

#define BOX 7

/* ---- what nothing has happened to ---- */

Test(mailgroup, a_mailbox_without_a_record_is_empty)
{
	struct group g;
	struct mailgroup_status status;

	group_open(&g);
	status = group_status(&g, BOX, 1);
	cr_assert_eq(status.exists, 0);
	cr_assert_eq(status.unseen, 0);
	cr_assert_eq(status.uidnext, 1);
	cr_assert_eq(status.highestmodseq, 1);
	cr_assert_not(status.sealed);
	group_expect_uids(&g, BOX, "");
	cr_assert_eq(mailgroup_first_unseen(machine_ask(&g.m), BOX, 1), 0);
	cr_assert_eq(mailgroup_mailbox_next(machine_ask(&g.m), 0), 0);
	group_close(&g);
}

/* Damage parks the group only after the command: it goes on with what it got.
 */
Test(mailgroup, what_is_not_there_reads_as_zeroes)
{
	static const struct mailgroup_fixed no_fixed;
	static const struct mailgroup_state no_state;
	struct mailgroup_fixed fixed;
	struct mailgroup_state state;
	struct group g;

	memset(&fixed, 0xff, sizeof(fixed));
	memset(&state, 0xff, sizeof(state));
	group_open(&g);
	cr_expect_not(mailgroup_fixed_get(machine_ask(&g.m), BOX, 1, &fixed));
	cr_expect_not(mailgroup_state_get(machine_ask(&g.m), BOX, 1, &state));
	cr_expect_eq(memcmp(&fixed, &no_fixed, sizeof(fixed)), 0);
	cr_expect_eq(memcmp(&state, &no_state, sizeof(state)), 0);
	group_close(&g);
}

/* ---- APPEND ---- */

Test(mailgroup, append_gives_uids_in_the_order_of_the_log)
{
	struct group g;
	struct mailgroup_status status;
	struct mailgroup_row row;

	group_open(&g);
	cr_assert_eq(group_append(&g, BOX, 3, 0), 1);
	cr_assert_eq(group_append(&g, BOX, 2, MAILGROUP_SEEN), 4);
	status = group_status(&g, BOX, 1);
	cr_assert_eq(status.exists, 5);
	cr_assert_eq(status.unseen, 3);
	cr_assert_eq(status.uidnext, 6);
	cr_assert_eq(status.highestmodseq, 3);
	cr_assert_eq(status.size, 100 + 101 + 102 + 100 + 101);
	cr_assert_eq(group_status(&g, BOX, 2).unseen, 5);
	row = group_row(&g, BOX, 1, 5);
	cr_assert_eq(row.flags, MAILGROUP_SEEN);
	cr_assert_eq(row.modseq, 3);
	cr_assert_eq(row.date_s, 1600000001);
	cr_assert_eq(row.zone_min, -90);
	cr_assert_eq(row.size, 101);
	cr_assert_eq(row.saved_ms, g.m.now_ms);
	cr_assert(slice_eq(row.structure, SLICE_LIT("structure")));
	cr_assert_eq(group_row(&g, BOX, 2, 5).flags, 0);
	cr_assert_eq(group_row(&g, BOX, 1, 6).uid, 0);
	cr_assert_eq(group_usage(&g, 1000 + BOX).messages, 5);
	group_close(&g);
}

#ifdef ENABLE_FAULTS
/* Sites of mutants that part 2 must catch: here only that they are sites. */
Test(mailgroup, m23_m25_m26_m52_are_sites)
{
	struct group g;
	struct mailgroup_store_result result;

	group_open(&g);
	group_append(&g, BOX, 3, 0);
	fault_set_mutant("M23");
	cr_assert_eq(group_append(&g, BOX + 1, 1, 0), 1);
	fault_set_mutant("M25");
	group_append(&g, BOX, 1, 0);
	cr_assert_eq(group_status(&g, BOX, 1).highestmodseq, g.m.now_ms);
	fault_set_mutant("M26");
	cr_assert_eq(
		group_store_since(&g, BOX, "4", MAILGROUP_FLAGGED, 1, &result),
		ERR_NONE);
	cr_assert_eq(result.modified.count, 0);
	group_store_done(&result);
	cr_assert_eq(group_seal(&g, BOX + 2), ERR_NONE);
	fault_set_mutant("M52");
	cr_assert_eq(group_append(&g, BOX + 2, 1, 0), 1);
	fault_set_mutant(NULL);
	machine_close(&g.m);
	mailgroup_fsm_fini(&g.fsm);
}
#endif

static enum err append_keywords(struct group *g, const char *const *names,
				size_t count)
{
	struct slice slices[MAILGROUP_KEYWORDS_MAX + 1];
	struct mailgroup_message message = group_message(1, 0);
	struct mailgroup_append append = {
		.target = group_target(BOX),
		.messages = &message,
		.count = 1,
	};

	for (size_t i = 0; i < count; i++)
		slices[i] = slice_str(names[i]);
	message.keywords.names = slices;
	message.keywords.count = count;
	return group_apply(g, mailgroup_append_encode(&append, &g->m.body),
			   MAILGROUP_APPEND);
}

Test(mailgroup, keywords_have_numbers_and_counts)
{
	static const char *const names[] = { "$Junk", "work" };
	struct mailgroup_keywords *keywords = mem_alloc(sizeof(*keywords));
	struct group g;
	struct mailgroup_store_result result;

	group_open(&g);
	cr_assert_eq(append_keywords(&g, names, 2), ERR_NONE);
	group_append(&g, BOX, 1, 0);
	cr_assert_eq(group_store(&g, BOX, 1, "2", MAILGROUP_STORE_ADD, 0,
				 "$JUNK", &result),
		     ERR_NONE);
	group_store_done(&result);
	mailgroup_keywords_get(machine_ask(&g.m), BOX, keywords);
	cr_assert_eq(keywords->count, 2);
	cr_assert(slice_eq(keywords->names[0], SLICE_LIT("$Junk")));
	cr_assert_eq(keywords->messages[0], 2);
	cr_assert_eq(keywords->messages[1], 1);
	cr_assert_eq(group_row(&g, BOX, 1, 1).keywords.words[0], 3);
	cr_assert_eq(group_row(&g, BOX, 1, 2).keywords.words[0], 1);
	cr_assert_eq(group_store(&g, BOX, 1, "1:2", MAILGROUP_STORE_REMOVE, 0,
				 "$junk", &result),
		     ERR_NONE);
	group_store_done(&result);
	cr_assert_eq(group_store(&g, BOX, 1, "1:2", MAILGROUP_STORE_REMOVE, 0,
				 "unheard-of", &result),
		     ERR_NONE);
	cr_assert_eq(result.modseq, 0);
	group_store_done(&result);
	mailgroup_keywords_get(machine_ask(&g.m), BOX, keywords);
	cr_assert_eq(keywords->count, 2);
	cr_assert_eq(keywords->messages[0], 0);
	mem_free(keywords);
	group_close(&g);
}

static enum err store_numbered(struct group *g, unsigned n)
{
	struct mailgroup_store_result result;
	struct buf name = { 0 };
	enum err err;

	buf_printf(&name, "$v%u", n);
	err = group_store(g, BOX, 1, "1", MAILGROUP_STORE_REPLACE, 0,
			  buf_cstr(&name), &result);
	group_store_done(&result);
	buf_fini(&name);
	return err;
}

Test(mailgroup, a_keyword_that_nobody_has_gives_its_number_away)
{
	struct group g;

	group_open(&g);
	group_append(&g, BOX, 2, 0);
	for (unsigned i = 0; i < 1000; i++)
		cr_assert_eq(store_numbered(&g, i), ERR_NONE);
	group_close(&g);
}

Test(mailgroup, more_than_128_keywords_in_use_are_a_limit)
{
	char text[MAILGROUP_KEYWORDS_MAX + 1][8];
	const char *names[MAILGROUP_KEYWORDS_MAX + 1];
	struct group g;

	group_open(&g);
	for (unsigned i = 0; i <= MAILGROUP_KEYWORDS_MAX; i++) {
		snprintf(text[i], sizeof(text[i]), "k%u", i);
		names[i] = text[i];
	}
	cr_assert_eq(append_keywords(&g, names, MAILGROUP_KEYWORDS_MAX + 1),
		     ERR_LIMIT);
	cr_assert_eq(append_keywords(&g, names, MAILGROUP_KEYWORDS_MAX),
		     ERR_NONE);
	cr_assert_eq(store_numbered(&g, 1), ERR_LIMIT);
	cr_assert_eq(append_keywords(&g, names + 100, 28), ERR_NONE);
	cr_assert_eq(append_keywords(&g, names + 100, 29), ERR_LIMIT);
	cr_assert_eq(group_status(&g, BOX, 1).exists, 2);
	group_close(&g);
}

Test(mailgroup, append_is_all_or_none_of_the_quota)
{
	struct mailgroup_message messages[2] = { group_message(0, 0),
						 group_message(1, 0) };
	struct mailgroup_append append = {
		.target = group_target(BOX),
		.messages = messages,
		.count = 2,
	};
	struct group g;

	group_open(&g);
	append.target.quota_octets = 200;
	cr_assert_eq(group_apply(&g,
				 mailgroup_append_encode(&append, &g.m.body),
				 MAILGROUP_APPEND),
		     ERR_OVERQUOTA);
	append.target.quota_octets = 201;
	append.target.quota_messages = 1;
	cr_assert_eq(group_apply(&g,
				 mailgroup_append_encode(&append, &g.m.body),
				 MAILGROUP_APPEND),
		     ERR_OVERQUOTA);
	append.target.quota_messages = 2;
	cr_assert_eq(group_apply(&g,
				 mailgroup_append_encode(&append, &g.m.body),
				 MAILGROUP_APPEND),
		     ERR_NONE);
	cr_assert_eq(group_status(&g, BOX, 1).exists, 2);
	group_close(&g);
}

/* ---- limits of encoders ---- */

Test(mailgroup, encoders_check_what_apply_could_not_store)
{
	struct mailgroup_message message = group_message(1, 0);
	struct mailgroup_append append = {
		.target = group_target(BOX),
		.messages = &message,
		.count = 1,
	};
	uint8_t *octets = mem_zalloc(1, MAILGROUP_STRUCTURE_MAX + 1);
	struct slice name = slice_of(octets, 1);
	struct buf out = { 0 };

	buf_add_str(&out, "kept");
	message.structure = slice_of(octets, MAILGROUP_STRUCTURE_MAX + 1);
	cr_assert_eq(mailgroup_append_encode(&append, &out), ERR_LIMIT);
	message.structure = SLICE_NONE;
	message.size = MAILGROUP_SIZE_MAX + 1;
	cr_assert_eq(mailgroup_append_encode(&append, &out), ERR_LIMIT);
	message.size = 1;
	message.flags = 0x80;
	cr_assert_eq(mailgroup_append_encode(&append, &out), ERR_INVALID);
	message.flags = 0;
	message.zone_min = 1440;
	cr_assert_eq(mailgroup_append_encode(&append, &out), ERR_INVALID);
	message.zone_min = 0;
	message.keywords = (struct mailgroup_keyword_list){ &name, 1 };
	cr_assert_eq(mailgroup_append_encode(&append, &out), ERR_INVALID);
	message.keywords.count = 0;
	append.count = 0;
	cr_assert_eq(mailgroup_append_encode(&append, &out), ERR_INVALID);
	append.count = 1;
	append.target.mailbox = 0;
	cr_assert_eq(mailgroup_append_encode(&append, &out), ERR_INVALID);
	append.target.mailbox = BOX;
	cr_assert(slice_eq(buf_slice(&out), SLICE_LIT("kept")));
	cr_assert_eq(mailgroup_append_encode(&append, &out), ERR_NONE);
	buf_fini(&out);
	mem_free(octets);
}

Test(mailgroup, a_command_is_at_most_128_kib_and_1000_rows)
{
	struct mailgroup_message *messages =
		mem_zalloc(MAILGROUP_ROWS_MAX + 1, sizeof(*messages));
	uint8_t *octets = mem_zalloc(1, MAILGROUP_STRUCTURE_MAX);
	struct mailgroup_append append = {
		.target = group_target(BOX),
		.messages = messages,
		.count = MAILGROUP_ROWS_MAX + 1,
	};
	struct mailgroup_expunge expunge = {
		.mailbox = BOX,
		.uids = group_uids("1:1001"),
	};
	struct buf out = { 0 };

	for (unsigned i = 0; i <= MAILGROUP_ROWS_MAX; i++)
		messages[i] = group_message(i, 0);
	cr_assert_eq(mailgroup_append_encode(&append, &out), ERR_LIMIT);
	append.count = MAILGROUP_ROWS_MAX;
	cr_assert_eq(mailgroup_append_encode(&append, &out), ERR_NONE);
	cr_assert_leq(out.len, COMMAND_MAX);
	buf_clear(&out);
	for (unsigned i = 0; i < 4; i++)
		messages[i].structure =
			slice_of(octets, MAILGROUP_STRUCTURE_MAX);
	append.count = 4;
	cr_assert_eq(mailgroup_append_encode(&append, &out), ERR_LIMIT);
	cr_assert_eq(out.len, 0);
	cr_assert_eq(mailgroup_expunge_encode(&expunge, &out), ERR_LIMIT);
	uidset_fini(&expunge.uids);
	expunge.uids = group_uids("1:999,4294967295");
	cr_assert_eq(mailgroup_expunge_encode(&expunge, &out), ERR_NONE);
	uidset_fini(&expunge.uids);
	buf_fini(&out);
	mem_free(messages);
	mem_free(octets);
}

/* ---- STORE ---- */

static void stored(struct group *g, const char *uids,
		   enum mailgroup_store_mode mode, uint8_t flags,
		   uint64_t want_modseq)
{
	struct mailgroup_store_result result;

	cr_assert_eq(group_store(g, BOX, 1, uids, mode, flags, NULL, &result),
		     ERR_NONE);
	cr_assert_eq(result.modseq, want_modseq);
	group_store_done(&result);
}

Test(mailgroup, store_adds_removes_and_replaces)
{
	struct group g;

	group_open(&g);
	group_append(&g, BOX, 3, MAILGROUP_FLAGGED);
	stored(&g, "1:2", MAILGROUP_STORE_ADD, MAILGROUP_ANSWERED, 3);
	stored(&g, "2:3", MAILGROUP_STORE_REMOVE, MAILGROUP_FLAGGED, 4);
	stored(&g, "3", MAILGROUP_STORE_REPLACE,
	       MAILGROUP_SEEN | MAILGROUP_DRAFT, 5);
	cr_assert_eq(group_row(&g, BOX, 1, 1).flags,
		     MAILGROUP_FLAGGED | MAILGROUP_ANSWERED);
	cr_assert_eq(group_row(&g, BOX, 1, 2).flags, MAILGROUP_ANSWERED);
	cr_assert_eq(group_row(&g, BOX, 1, 3).flags,
		     MAILGROUP_SEEN | MAILGROUP_DRAFT);
	cr_assert_eq(group_row(&g, BOX, 1, 1).modseq, 3);
	cr_assert_eq(group_row(&g, BOX, 1, 2).modseq, 4);
	group_expect_changed(&g, BOX, 2, "1:3");
	group_expect_changed(&g, BOX, 3, "2:3");
	group_expect_changed(&g, BOX, 4, "3");
	group_expect_changed(&g, BOX, 5, "");
	group_close(&g);
}

Test(mailgroup, a_store_that_changes_nothing_grows_no_modseq)
{
	struct group g;

	group_open(&g);
	group_append(&g, BOX, 2, MAILGROUP_FLAGGED | MAILGROUP_SEEN);
	machine_commit(&g.m);
	g.published_count = 0;
	stored(&g, "1:2", MAILGROUP_STORE_ADD, MAILGROUP_FLAGGED, 0);
	stored(&g, "1:2", MAILGROUP_STORE_REMOVE, MAILGROUP_DELETED, 0);
	stored(&g, "1:2", MAILGROUP_STORE_REPLACE,
	       MAILGROUP_FLAGGED | MAILGROUP_SEEN, 0);
	machine_commit(&g.m);
	cr_assert_eq(g.published_count, 0);
	cr_assert_eq(group_status(&g, BOX, 1).highestmodseq, 2);
	group_close(&g);
}

Test(mailgroup, replace_leaves_what_the_user_may_not_change)
{
	struct group g;
	struct mailgroup_store command = {
		.mailbox = BOX,
		.user = 1,
		.mode = MAILGROUP_STORE_REPLACE,
		.flags = MAILGROUP_ANSWERED | MAILGROUP_DELETED,
		.mask = MAILGROUP_SEEN | MAILGROUP_ANSWERED,
		.uids = group_uids("1"),
	};
	struct mailgroup_store_result result;

	group_open(&g);
	group_append(&g, BOX, 1, MAILGROUP_SEEN | MAILGROUP_FLAGGED);
	cr_assert_eq(group_store(&g, BOX, 1, "1", MAILGROUP_STORE_ADD, 0, "k",
				 &result),
		     ERR_NONE);
	group_store_done(&result);
	cr_assert_eq(group_apply(&g,
				 mailgroup_store_encode(&command, &g.m.body),
				 MAILGROUP_STORE),
		     ERR_NONE);
	cr_assert_eq(group_row(&g, BOX, 1, 1).flags,
		     MAILGROUP_ANSWERED | MAILGROUP_FLAGGED);
	cr_assert_eq(group_row(&g, BOX, 1, 1).keywords.words[0], 1);
	uidset_fini(&command.uids);
	group_close(&g);
}

Test(mailgroup, unchangedsince_is_tested_by_apply)
{
	struct group g;
	struct mailgroup_store_result result;

	group_open(&g);
	group_append(&g, BOX, 4, 0);
	stored(&g, "2", MAILGROUP_STORE_ADD, MAILGROUP_FLAGGED, 3);
	cr_assert_eq(group_store_since(&g, BOX, "1:3,9", MAILGROUP_ANSWERED, 2,
				       &result),
		     ERR_NONE);
	cr_assert_eq(result.modseq, 4);
	group_expect(&result.modified, "2");
	group_expect(&result.missing, "9");
	cr_assert_eq(group_row(&g, BOX, 1, 2).flags, MAILGROUP_FLAGGED);
	cr_assert_eq(group_row(&g, BOX, 1, 3).flags, MAILGROUP_ANSWERED);
	cr_assert_eq(
		group_store_since(&g, BOX, "4", MAILGROUP_ANSWERED, 0, &result),
		ERR_NONE);
	cr_assert_eq(result.modseq, 0);
	group_expect(&result.modified, "4");
	group_store_done(&result);
	group_close(&g);
}

Test(mailgroup, everybody_has_his_own_seen)
{
	struct group g;
	struct mailgroup_store_result result;
	struct uidset seen = { 0 };

	group_open(&g);
	group_append(&g, BOX, 5, 0);
	stored(&g, "1:2", MAILGROUP_STORE_ADD, MAILGROUP_SEEN, 3);
	cr_assert_eq(group_store(&g, BOX, 2, "2:5", MAILGROUP_STORE_ADD,
				 MAILGROUP_SEEN, NULL, &result),
		     ERR_NONE);
	group_store_done(&result);
	cr_assert_eq(group_status(&g, BOX, 1).unseen, 3);
	cr_assert_eq(group_status(&g, BOX, 2).unseen, 1);
	cr_assert_eq(group_status(&g, BOX, 3).unseen, 5);
	cr_assert_eq(mailgroup_first_unseen(machine_ask(&g.m), BOX, 1), 3);
	cr_assert_eq(mailgroup_first_unseen(machine_ask(&g.m), BOX, 2), 1);
	mailgroup_seen(machine_ask(&g.m), BOX, 2, &seen);
	group_expect(&seen, "2:5");
	/* The other's change is told as one of the message. */
	group_expect_changed(&g, BOX, 3, "2:5");
	stored(&g, "1:5", MAILGROUP_STORE_ADD, MAILGROUP_SEEN, 5);
	cr_assert_eq(mailgroup_first_unseen(machine_ask(&g.m), BOX, 1), 0);
	group_close(&g);
}

/* ---- EXPUNGE ---- */

Test(mailgroup, expunge_takes_all_traces_along)
{
	struct group g;
	struct uidset gone;
	struct mailgroup_status status;

	group_open(&g);
	group_append(&g, BOX, 5, MAILGROUP_SEEN);
	stored(&g, "2,4", MAILGROUP_STORE_ADD, MAILGROUP_DELETED, 3);
	cr_assert_eq(group_status(&g, BOX, 1).deleted, 2);
	cr_assert_eq(group_status(&g, BOX, 1).deleted_size, 101 + 103);
	cr_assert_eq(group_expunge(&g, BOX, "1:2,9", true, &gone), ERR_NONE);
	group_expect(&gone, "2");
	cr_assert_eq(group_expunge(&g, BOX, "5", false, &gone), ERR_NONE);
	group_expect(&gone, "5");
	cr_assert_eq(group_expunge(&g, BOX, "5", false, &gone), ERR_NONE);
	group_expect(&gone, "");
	status = group_status(&g, BOX, 1);
	cr_assert_eq(status.exists, 3);
	cr_assert_eq(status.deleted, 1);
	cr_assert_eq(status.unseen, 0);
	cr_assert_eq(status.uidnext, 6);
	cr_assert_eq(status.highestmodseq, 5);
	group_expect_uids(&g, BOX, "1,3:4");
	group_expect_vanished(&g, BOX, 2, "2,5");
	group_expect_vanished(&g, BOX, 4, "5");
	cr_assert_eq(group_usage(&g, 1000 + BOX).messages, 3);
	cr_assert_eq(group_append(&g, BOX, 1, 0), 6);
	group_close(&g);
}

/* As if 99,000 messages had come and gone, by 99 commands. */
static void given_vanished(struct group *g)
{
	struct mailgroup_mailbox row = {
		.uidnext = 99001,
		.highestmodseq = 100,
		.vanished = 99000,
	};
	struct buf scratch = { 0 };

	cr_assert_eq(store_write_begin(g->m.env, &g->m.write), ERR_NONE);
	mailgroup_mailbox_put(g->m.write, &scratch, BOX, &row);
	for (uint32_t i = 0; i < 99; i++) {
		struct uidset uids = { 0 };

		uidset_add(&uids, i * 1000 + 1, i * 1000 + 1000);
		mailgroup_vanished_put(g->m.write, &scratch, BOX, i + 2, &uids);
		uidset_fini(&uids);
	}
	buf_fini(&scratch);
}

Test(mailgroup, vanished_remembers_so_many_and_says_where_it_ends)
{
	struct group g;
	struct uidset gone;
	struct uidset uids = { 0 };

	group_open(&g);
	given_vanished(&g);
	group_verify(&g);
	group_append(&g, BOX, 1000, 0);
	cr_assert_eq(group_expunge(&g, BOX, "99001:100000", false, &gone),
		     ERR_NONE);
	uidset_fini(&gone);
	cr_assert(mailgroup_vanished(machine_ask(&g.m), BOX, 1, &uids));
	cr_assert_eq(uidset_size(&uids), 100000);
	uidset_clear(&uids);
	group_append(&g, BOX, 1, 0);
	cr_assert_eq(group_expunge(&g, BOX, "100001", false, &gone), ERR_NONE);
	uidset_fini(&gone);
	cr_assert_not(mailgroup_vanished(machine_ask(&g.m), BOX, 1, &uids));
	uidset_clear(&uids);
	cr_assert(mailgroup_vanished(machine_ask(&g.m), BOX, 2, &uids));
	group_expect(&uids, "1001:100001");
	group_close(&g);
}

/* ---- walks ---- */

Test(mailgroup, a_walk_gives_the_parts_that_were_asked_for)
{
	static const unsigned parts[] = { MAILGROUP_STATE, MAILGROUP_FIXED,
					  MAILGROUP_STATE | MAILGROUP_FIXED };
	struct group g;
	struct uidset gone;

	group_open(&g);
	group_append(&g, BOX - 1, 3, 0);
	group_append(&g, BOX, 9, MAILGROUP_SEEN);
	group_append(&g, BOX + 1, 3, 0);
	cr_assert_eq(group_expunge(&g, BOX, "4", false, &gone), ERR_NONE);
	uidset_fini(&gone);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct mailgroup_walk walk;
		struct mailgroup_row row;
		struct uidset uids = { 0 };

		mailgroup_walk_begin(&walk, machine_ask(&g.m), BOX, 1, 3,
				     UINT32_MAX, parts[i]);
		while (mailgroup_walk_next(&walk, &row)) {
			uidset_add(&uids, row.uid, row.uid);
			if ((parts[i] & MAILGROUP_STATE) != 0)
				cr_assert_eq(row.flags, MAILGROUP_SEEN);
			if ((parts[i] & MAILGROUP_FIXED) != 0)
				cr_assert_eq(row.size, 100 + row.uid - 1);
		}
		cr_assert_not(mailgroup_walk_next(&walk, &row));
		mailgroup_walk_end(&walk);
		group_expect(&uids, "3,5:9");
	}
	group_close(&g);
}

Test(mailgroup, uids_reach_over_many_rows_of_bits)
{
	struct group g;
	struct uidset gone;
	struct mailgroup_store_result result;

	group_open(&g);
	for (unsigned i = 0; i < 9; i++)
		group_append(&g, BOX, 1000, 0);
	group_expect_uids(&g, BOX, "1:9000");
	cr_assert_eq(
		group_expunge(&g, BOX, "4095:4097,8191:8192", false, &gone),
		ERR_NONE);
	uidset_fini(&gone);
	group_expect_uids(&g, BOX, "1:4094,4098:8190,8193:9000");
	for (unsigned i = 0; i < 5; i++) {
		struct buf text = { 0 };

		buf_printf(&text, "%u:%u", i * 1000 + 1, i * 1000 + 1000);
		cr_assert_eq(group_store(&g, BOX, 1, buf_cstr(&text),
					 MAILGROUP_STORE_ADD, MAILGROUP_SEEN,
					 NULL, &result),
			     ERR_NONE);
		group_store_done(&result);
		buf_fini(&text);
	}
	cr_assert_eq(mailgroup_first_unseen(machine_ask(&g.m), BOX, 1), 5001);
	cr_assert_eq(group_status(&g, BOX, 1).unseen, 3998);
	group_close(&g);
}

/* ---- DELIVER ---- */

static struct mailgroup_deliver_result deliver(struct group *g,
					       const uint64_t *mailboxes,
					       const unsigned *keys,
					       size_t count)
{
	struct mailgroup_delivery deliveries[8];
	struct mailgroup_deliver command = {
		.hash = group_hash(5),
		.size = 50,
		.deliveries = deliveries,
		.count = count,
	};
	struct mailgroup_deliver_result result;

	for (size_t i = 0; i < count; i++)
		deliveries[i] = (struct mailgroup_delivery){
			.target = group_target(mailboxes[i]),
			.user = 1,
			.key = group_hash(1000 + keys[i]),
			.flags = i == 0 ? MAILGROUP_SEEN : 0,
		};
	cr_assert_eq(group_apply(g,
				 mailgroup_deliver_encode(&command, &g->m.body),
				 MAILGROUP_DELIVER),
		     ERR_NONE);
	cr_assert_eq(mailgroup_deliver_result(machine_payload(&g->m), &result),
		     ERR_NONE);
	cr_assert_eq(result.count, count);
	return result;
}

Test(mailgroup, each_recipient_has_his_own_answer)
{
	static const uint64_t boxes[] = { 1, 2, 3 };
	static const unsigned keys[] = { 1, 2, 3 };
	struct mailgroup_deliver_result result;
	struct group g;

	group_open(&g);
	cr_assert_eq(group_seal(&g, 2), ERR_NONE);
	result = deliver(&g, boxes, keys, 3);
	cr_assert_eq(result.deliveries[0].err, ERR_NONE);
	cr_assert_eq(result.deliveries[0].uid, 1);
	cr_assert_eq(result.deliveries[1].err, ERR_GONE);
	cr_assert_eq(result.deliveries[2].err, ERR_NONE);
	cr_assert_eq(group_status(&g, 1, 1).unseen, 0);
	cr_assert_eq(group_status(&g, 3, 1).unseen, 1);
	group_close(&g);
}

Test(mailgroup, a_delivery_is_known_again_for_seven_days)
{
	static const uint64_t box = 1;
	static const unsigned key = 1;
	struct mailgroup_deliver_result result;
	struct sha256 hash = group_hash(1001);
	uint64_t mailbox = 0;
	struct group g;

	group_open(&g);
	result = deliver(&g, &box, &key, 1);
	cr_assert_not(result.deliveries[0].duplicate);
	result = deliver(&g, &box, &key, 1);
	cr_assert(result.deliveries[0].duplicate);
	cr_assert_eq(result.deliveries[0].uid, 1);
	cr_assert_eq(group_seal(&g, 1), ERR_NONE);
	result = deliver(&g, &box, &key, 1);
	cr_assert(result.deliveries[0].duplicate);
	cr_assert_eq(
		mailgroup_delivered_find(machine_ask(&g.m), &hash, &mailbox),
		1);
	cr_assert_eq(mailbox, 1);
	/* Time goes by an hour a command at most. */
	g.m.now_ms += 8ull * 24 * 3600 * 1000;
	result = deliver(&g, &box, &key, 1);
	cr_assert(result.deliveries[0].duplicate);
	for (unsigned i = 0; i < 7 * 24 - 1; i++) {
		static const uint64_t other = 2;
		unsigned n = 100 + i;

		(void)deliver(&g, &other, &n, 1);
	}
	cr_assert_eq(
		mailgroup_delivered_find(machine_ask(&g.m), &hash, &mailbox),
		0);
	result = deliver(&g, &box, &key, 1);
	cr_assert_eq(result.deliveries[0].err, ERR_GONE);
	group_close(&g);
}

Test(mailgroup, one_mailbox_twice_gets_two_messages)
{
	static const uint64_t boxes[] = { 1, 1 };
	static const unsigned keys[] = { 1, 2 };
	struct mailgroup_deliver_result result;
	struct group g;

	group_open(&g);
	result = deliver(&g, boxes, keys, 2);
	cr_assert_eq(result.deliveries[0].uid, 1);
	cr_assert_eq(result.deliveries[1].uid, 2);
	group_close(&g);
}

/* ---- the end of a mailbox ---- */

static bool purge(struct group *g, uint64_t mailbox)
{
	struct mailgroup_purge command = { mailbox };
	struct mailgroup_more_result result;

	cr_assert_eq(group_apply(g,
				 mailgroup_purge_encode(&command, &g->m.body),
				 MAILGROUP_PURGE),
		     ERR_NONE);
	cr_assert_eq(mailgroup_more_result(machine_payload(&g->m), &result),
		     ERR_NONE);
	return result.more;
}

Test(mailgroup, a_sealed_mailbox_takes_nothing_and_counts_to_nothing)
{
	struct group g;
	struct mailgroup_store_result result;
	struct mailgroup_copy_result copied;
	struct uidset gone;
	struct mailgroup_purge command = { BOX };

	group_open(&g);
	group_append(&g, BOX, 3, 0);
	group_append(&g, 1, 1, 0);
	cr_assert_eq(group_apply(&g,
				 mailgroup_purge_encode(&command, &g.m.body),
				 MAILGROUP_PURGE),
		     ERR_INVALID);
	cr_assert_eq(group_seal(&g, BOX), ERR_NONE);
	cr_assert_eq(group_seal(&g, BOX), ERR_NONE);
	cr_assert_eq(group_store(&g, BOX, 1, "1", MAILGROUP_STORE_ADD,
				 MAILGROUP_SEEN, NULL, &result),
		     ERR_GONE);
	cr_assert_eq(group_expunge(&g, BOX, "1", false, &gone), ERR_GONE);
	cr_assert_eq(group_copy(&g, BOX, 1, "1", false, &copied), ERR_GONE);
	cr_assert_eq(group_copy(&g, 1, BOX, "1", true, &copied), ERR_GONE);
	cr_assert(group_status(&g, BOX, 1).sealed);
	cr_assert_eq(group_status(&g, BOX, 1).exists, 3);
	cr_assert_eq(group_usage(&g, 1000 + BOX).messages, 0);
	group_close(&g);
}

Test(mailgroup, purge_takes_a_thousand_rows_at_a_time_and_all_in_the_end)
{
	struct group g;
	unsigned rounds = 1;

	group_open(&g);
	group_append(&g, BOX, 1000, MAILGROUP_SEEN);
	group_append(&g, BOX + 1, 5, 0);
	cr_assert_eq(group_seal(&g, BOX), ERR_NONE);
	while (purge(&g, BOX)) {
		rounds++;
		group_verify(&g);
	}
	cr_assert_eq(rounds, 4); /* three tables of 1,000 rows, and the rest */
	cr_assert_eq(mailgroup_mailbox_next(machine_ask(&g.m), 0), BOX + 1);
	cr_assert(group_status(&g, BOX, 1).sealed);
	cr_assert_not(purge(&g, BOX));
	group_close(&g);
}

Test(mailgroup, usage_follows_a_mailbox_to_another_root)
{
	static const uint64_t boxes[] = { BOX, BOX + 1, BOX + 2 };
	struct mailgroup_reroot command = { 55, boxes, 3 };
	struct group g;

	group_open(&g);
	group_append(&g, BOX, 3, 0);
	group_append(&g, BOX + 1, 2, 0);
	cr_assert_eq(group_seal(&g, BOX + 1), ERR_NONE);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(group_apply(&g,
					 mailgroup_reroot_encode(&command,
								 &g.m.body),
					 MAILGROUP_REROOT),
			     ERR_NONE);
		cr_assert_eq(group_usage(&g, 55).messages, 3);
		cr_assert_eq(group_usage(&g, 1000 + BOX).messages, 0);
	}
	/* A late command with the old root does not take it back. */
	group_append(&g, BOX, 1, 0);
	group_append(&g, BOX + 2, 1, 0);
	cr_assert_eq(group_usage(&g, 55).messages, 5);
	group_close(&g);
}

/* ---- bodies ---- */

struct bodies {
	unsigned count;
	uint64_t last_mailbox;
	uint32_t last_uid;
};

static void count_body(void *arg, const struct sha256 *hash, uint64_t mailbox,
		       uint32_t uid)
{
	struct bodies *bodies = arg;
	struct sha256 want = group_hash((uid - 1) % 10);

	cr_assert(sha256_eq(hash, &want));
	cr_assert(mailbox > bodies->last_mailbox || uid > bodies->last_uid);
	bodies->last_mailbox = mailbox;
	bodies->last_uid = uid;
	bodies->count++;
}

Test(mailgroup, bodies_are_walked_in_slices_each_once)
{
	struct mailgroup_body_position position = { 0 };
	struct bodies bodies = { 0 };
	struct bodies tail = { 0 };
	struct group g;
	unsigned slices = 0;

	group_open(&g);
	for (uint64_t box = 1; box <= 3; box++)
		group_append(&g, box, 10, 0);
	cr_assert_eq(group_seal(&g, 2), ERR_NONE);
	while (mailgroup_bodies(machine_ask(&g.m), &position, 7, count_body,
				&bodies))
		slices++;
	cr_assert_eq(slices, 4);
	cr_assert_eq(bodies.count, 30);
	mailgroup_bodies_from(machine_ask(&g.m), 3, 8, count_body, &tail);
	cr_assert_eq(tail.count, 3);
	group_close(&g);
}

static void count_hash(void *arg, const struct sha256 *hash)
{
	unsigned *count = arg;

	cr_assert_not_null(hash);
	++*count;
}

Test(mailgroup, a_command_tells_the_bodies_that_it_names)
{
	static const uint64_t id = 1;
	struct mailgroup_message messages[2] = { group_message(0, 0),
						 group_message(1, 0) };
	struct mailgroup_append append = {
		.target = group_target(BOX),
		.holders = { &id, 1 },
		.messages = messages,
		.count = 2,
	};
	struct buf body = { 0 };
	unsigned count = 0;

	cr_assert_eq(mailgroup_append_encode(&append, &body), ERR_NONE);
	cr_assert_eq(mailgroup_command_bodies(MAILGROUP_APPEND,
					      buf_slice(&body), count_hash,
					      &count),
		     ERR_NONE);
	cr_assert_eq(count, 2);
	cr_assert_eq(mailgroup_command_bodies(MAILGROUP_COPY, SLICE_NONE,
					      count_hash, &count),
		     ERR_NONE);
	cr_assert_neq(mailgroup_command_bodies(MAILGROUP_DELIVER,
					       buf_slice(&body), count_hash,
					       &count),
		      ERR_NONE);
	cr_assert_eq(count, 2);
	buf_fini(&body);
}

/* ---- publishing, versions ---- */

Test(mailgroup, changed_mailboxes_are_published_each_once_in_order)
{
	struct group g;

	group_open(&g);
	group_append(&g, 9, 1, 0);
	group_append(&g, 3, 1, 0);
	group_append(&g, 9, 1, 0);
	cr_assert_eq(g.published_count, 0);
	machine_commit(&g.m);
	cr_assert_eq(g.published_count, 2);
	cr_assert_eq(g.published[0], 3);
	cr_assert_eq(g.published[1], 9);
	group_close(&g);
}

Test(mailgroup, an_unknown_kind_or_version_parks)
{
	struct group g;

	group_open(&g);
	cr_assert_eq(machine_apply(&g.m, MAILGROUP_COMMAND_END, 1),
		     ERR_VERSION);
	cr_assert_eq(machine_apply(&g.m, MAILGROUP_APPEND, 2), ERR_VERSION);
	cr_assert_eq(machine_check(&g.m, MAILGROUP_COMMAND_END, 1),
		     ERR_VERSION);
	cr_assert_eq(machine_check(&g.m, MAILGROUP_APPEND, 2), ERR_VERSION);
	for (uint16_t kind = MAILGROUP_APPEND; kind < MAILGROUP_COMMAND_END;
	     kind++) {
		buf_add_str(&g.m.body, "\xff\xff\xff");
		cr_assert_neq(machine_check(&g.m, kind, 1), ERR_NONE);
		cr_assert_not(g.m.holders.needed);
		cr_assert_neq(machine_apply(&g.m, kind, 1), ERR_NONE);
	}
	group_close(&g);
}

Test(mailgroup, commands_that_bring_bodies_tell_the_leader_who_has_them)
{
	const uint64_t ids[] = { 7ull << 32 | 1, 9ull << 32 | 4 };
	struct mailgroup_message message = group_message(1, 0);
	struct mailgroup_append append = {
		.target = group_target(1),
		.holders = { ids, 2 },
		.messages = &message,
		.count = 1,
	};
	struct mailgroup_seal seal = { .mailbox = 1 };
	struct group g;

	group_open(&g);
	cr_assert_eq(mailgroup_append_encode(&append, &g.m.body), ERR_NONE);
	cr_assert_eq(machine_check(&g.m, MAILGROUP_APPEND, 1), ERR_NONE);
	cr_assert(g.m.holders.needed);
	cr_assert_eq(g.m.holders.count, 2);
	cr_assert_arr_eq(g.m.holders.raft_ids, ids, sizeof ids);
	buf_clear(&g.m.body);
	cr_assert_eq(mailgroup_seal_encode(&seal, &g.m.body), ERR_NONE);
	cr_assert_eq(machine_check(&g.m, MAILGROUP_SEAL, 1), ERR_NONE);
	cr_assert_not(g.m.holders.needed);
	group_close(&g);
}
