/*
 * Clients that go while the node is in the middle of something for them: what
 * was begun is given back, or comes to its end; nothing is left behind.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "rig.h"

#define MESSAGE "Subject: a\r\n\r\nwords of a body\r\n"

static void expect_messages(struct rig *rig, const char *user, unsigned count)
{
	struct talk talk = talk_imap(rig, user);
	char want[32];

	snprintf(want, sizeof(want), "(MESSAGES %u)", count);
	talk_say(&talk, "s STATUS INBOX (MESSAGES)\r\n");
	cr_assert(talk_until(&talk, "s OK ", want), "%s has not %u", user,
		  count);
	talk_logout(&talk);
}

/* Whatever has gone: others are served, and a start finds all whole. */
static void expect_whole(struct rig **rigp)
{
	struct talk admin;

	rig_await(*rigp, rig_is_idle);
	rig_restart(*rigp);
	admin = talk_admin(*rigp);
	talk_say(&admin, "{\"v\":1,\"cmd\":\"verify\"}\n");
	cr_assert(talk_until(&admin, "{\"v\":1,\"ok\":true", "\"findings\":0"));
	talk_end(&admin);
	rig_free(rigp);
}

/* ---- APPEND ---- */

Test(gone, amid_a_literal)
{
	struct rig *rig = rig_new();
	struct talk talk = talk_imap(rig, RIG_JOHN);

	talk_say(&talk, "a APPEND INBOX {100000}\r\n");
	talk_expect(&talk, "+ ");
	talk_say(&talk, "Subject: half a message\r\n");
	talk_end(&talk);
	rig_await(rig, rig_is_idle);
	expect_messages(rig, RIG_JOHN, 0);
	expect_whole(&rig);
}

Test(gone, behind_the_first_of_two_messages)
{
	struct rig *rig = rig_new();
	struct talk talk = talk_imap(rig, RIG_JOHN);

	talk_say(&talk, "a APPEND INBOX {6}\r\n");
	talk_expect(&talk, "+ ");
	talk_say(&talk, "a: b\r\n {70000}\r\n");
	talk_expect(&talk, "+ ");
	talk_say(&talk, "Subject: the second\r\n");
	talk_end(&talk);
	rig_await(rig, rig_is_idle);
	expect_messages(rig, RIG_JOHN, 0);
	expect_whole(&rig);
}

/* The slot is asked for when the literal begins: its answer finds nobody. */
Test(gone, before_the_slot_is_there)
{
	struct rig *rig = rig_new();
	struct talk talk = talk_imap(rig, RIG_JOHN);
	struct stall log;

	rig_stall_log(rig, &log);
	talk_say(&talk, "a APPEND INBOX {100000}\r\n");
	talk_expect(&talk, "+ ");
	talk_say(&talk, "Subject: half a message\r\n");
	talk_end(&talk);
	stall_end(&log);
	expect_whole(&rig);
}

Test(gone, while_the_body_is_being_written)
{
	struct rig *rig = rig_new();
	struct talk talk = talk_imap(rig, RIG_JOHN);
	struct stall bodies;

	rig_stall_bodies(rig, &bodies);
	talk_say(&talk, "a APPEND INBOX {6}\r\n");
	talk_expect(&talk, "+ ");
	talk_say(&talk, "a: b\r\n\r\n");
	talk_end(&talk);
	stall_end(&bodies);
	rig_await(rig, rig_is_idle);
	expect_whole(&rig);
}

/* What is in the log comes to its end, though nobody hears of it. */
Test(gone, while_the_command_is_being_written)
{
	struct rig *rig = rig_new();
	struct talk talk = talk_imap(rig, RIG_JOHN);
	struct stall wal;

	rig_stall_wal(rig, &wal);
	talk_say(&talk, "a APPEND INBOX {6}\r\n");
	talk_expect(&talk, "+ ");
	talk_say(&talk, "a: b\r\n\r\n");
	rig_await(rig, rig_has_proposed);
	talk_end(&talk);
	stall_end(&wal);
	rig_await(rig, rig_is_idle);
	expect_messages(rig, RIG_JOHN, 1);
	expect_whole(&rig);
}

/* ---- COPY to another group ---- */

/* John's INBOX has a message, and he may put some into Jane's. */
static struct talk john_may_copy(struct rig *rig)
{
	struct talk jane = talk_imap(rig, RIG_JANE);
	struct talk john;

	talk_say(&jane, "a SETACL INBOX john lrsi\r\n");
	talk_expect(&jane, "a OK ");
	talk_logout(&jane);
	john = talk_imap(rig, RIG_JOHN);
	talk_append(&john, "INBOX", MESSAGE);
	talk_say(&john, "s SELECT INBOX\r\n");
	talk_until(&john, "s OK ", NULL);
	return john;
}

Test(gone, while_a_copy_across_groups_reads_its_rows)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_copy(rig);
	struct stall pool;

	rig_stall_pool(rig, &pool);
	talk_say(&john, "c COPY 1 \"Other Users/jane\"\r\n");
	rig_await(rig, rig_has_slot);
	talk_end(&john);
	stall_end(&pool);
	rig_await(rig, rig_is_idle);
	expect_messages(rig, RIG_JANE, 1);
	expect_whole(&rig);
}

Test(gone, while_a_copy_across_groups_takes_its_holds)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_copy(rig);
	struct stall bodies;

	rig_stall_bodies(rig, &bodies);
	talk_say(&john, "c COPY 1 \"Other Users/jane\"\r\n");
	rig_await(rig, rig_has_slot);
	talk_end(&john);
	stall_end(&bodies);
	rig_await(rig, rig_is_idle);
	expect_messages(rig, RIG_JANE, 1);
	expect_whole(&rig);
}

Test(gone, nobody_and_both_have_what_was_copied_across_groups)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_copy(rig);

	talk_say(&john, "c COPY 1 \"Other Users/jane\"\r\n");
	talk_until(&john, "c OK [COPYUID ", NULL);
	talk_logout(&john);
	expect_messages(rig, RIG_JANE, 1);
	expect_messages(rig, RIG_JOHN, 1);
	expect_whole(&rig);
}

/* ---- on the workers ---- */

/* Asks, goes while the workers stand still, and lets them go on. */
static void gone_on_the_pool(const char *command)
{
	struct rig *rig = rig_new();
	struct talk talk = john_may_copy(rig);
	struct stall pool;

	rig_stall_pool(rig, &pool);
	talk_say(&talk, command);
	rig_await(rig, rig_waits_for_workers);
	talk_end(&talk);
	stall_end(&pool);
	expect_whole(&rig);
}

Test(gone, during_a_search_on_the_workers)
{
	gone_on_the_pool("c SEARCH BODY words\r\n");
}

Test(gone, during_a_fetch_on_the_workers)
{
	gone_on_the_pool("c FETCH 1 (BODY[])\r\n");
}

Test(gone, during_a_structure_on_the_workers)
{
	gone_on_the_pool("c FETCH 1 (BODY[1.MIME] BODYSTRUCTURE)\r\n");
}

Test(gone, during_a_login)
{
	struct rig *rig = rig_new();
	struct talk talk = talk_imap(rig, RIG_JOHN);
	struct stall pool;

	talk_logout(&talk);
	talk = talk_imap_greeted(rig);
	rig_stall_pool(rig, &pool);
	talk_say(&talk, "l LOGIN jane secret\r\n");
	rig_await(rig, rig_waits_for_workers);
	talk_end(&talk);
	stall_end(&pool);
	expect_whole(&rig);
}

/* ---- on the log ---- */

/*
 * Asks, goes while no group answers, and lets them go on. A session that waits
 * for an answer reads nothing, so it hears of it behind the answer only.
 */
static void gone_on_the_log(const char *command)
{
	struct rig *rig = rig_new();
	struct talk talk = john_may_copy(rig);
	struct stall log;

	rig_stall_log(rig, &log);
	talk_say(&talk, command);
	talk_end(&talk);
	stall_end(&log);
	expect_whole(&rig);
}

Test(gone, during_a_list)
{
	gone_on_the_log("c LIST \"\" * RETURN (STATUS (MESSAGES))\r\n");
}

Test(gone, during_a_status)
{
	gone_on_the_log("c STATUS INBOX (MESSAGES)\r\n");
}

Test(gone, during_a_select)
{
	gone_on_the_log("c SELECT \"Other Users/jane\"\r\n");
}

Test(gone, during_a_store)
{
	gone_on_the_log("c STORE 1 FLAGS (\\Flagged)\r\n");
}

Test(gone, during_an_expunge)
{
	gone_on_the_log("c EXPUNGE\r\n");
}

Test(gone, during_a_rename)
{
	gone_on_the_log("c RENAME INBOX Old\r\n");
}

Test(gone, during_a_delete)
{
	gone_on_the_log("c DELETE Old\r\n");
}

Test(gone, during_an_acl)
{
	gone_on_the_log("c GETACL INBOX\r\n");
}

Test(gone, during_an_idle)
{
	gone_on_the_log("c IDLE\r\n");
}

/* ---- LMTP ---- */

Test(gone, amid_the_data_of_a_delivery)
{
	struct rig *rig = rig_new();
	struct talk talk = talk_lmtp(rig);

	talk_say(&talk, "MAIL FROM:<a@b>\r\nRCPT TO:<john>\r\n"
			"RCPT TO:<jane>\r\nDATA\r\n");
	talk_until(&talk, "354 ", NULL);
	talk_say(&talk, "Subject: half a message\r\n");
	talk_end(&talk);
	rig_await(rig, rig_is_idle);
	expect_messages(rig, RIG_JOHN, 0);
	expect_whole(&rig);
}

Test(gone, while_a_delivery_to_two_groups_is_being_written)
{
	struct rig *rig = rig_new();
	struct talk talk = talk_lmtp(rig);
	struct stall wal;

	talk_say(&talk, "MAIL FROM:<a@b>\r\nRCPT TO:<john>\r\n"
			"RCPT TO:<jane>\r\nDATA\r\n");
	talk_until(&talk, "354 ", NULL);
	rig_stall_wal(rig, &wal);
	talk_say(&talk, MESSAGE ".\r\n");
	rig_await(rig, rig_has_proposed);
	talk_end(&talk);
	stall_end(&wal);
	rig_await(rig, rig_is_idle);
	expect_messages(rig, RIG_JOHN, 1);
	expect_messages(rig, RIG_JANE, 1);
	expect_whole(&rig);
}

Test(gone, between_a_recipient_and_its_answer)
{
	struct rig *rig = rig_new();
	struct talk talk = talk_lmtp(rig);
	struct stall log;

	rig_stall_log(rig, &log);
	talk_say(&talk, "MAIL FROM:<a@b>\r\nRCPT TO:<john>\r\n");
	talk_until(&talk, "250 ", NULL);
	talk_end(&talk);
	stall_end(&log);
	expect_whole(&rig);
}
