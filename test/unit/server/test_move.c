/*
 * MOVE to a mailbox of another group: at whatever point it is interrupted, the
 * message is in one of the two, and somebody brings the MOVE to its end. And
 * COPY there of more than one command takes.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/fault.h"
#include "cluster/directory.h"
#include "cluster/directory_command.h"
#include "cluster/mailgroup_claim.h"
#include "raft/replica_impl.h"
#include "rig.h"

#define JANE "\"Other Users/jane\""

static struct directory_mailbox mailbox_of(struct rig *rig, const char *name)
{
	struct store_txn *txn = rig_read(rig, 0);
	struct directory_mailbox mailbox = { 0 };

	cr_assert(directory_mailbox_find(txn, slice_str(name), &mailbox));
	store_end(&txn); /* what is borrowed from it is not used */
	return mailbox;
}

static bool done(struct talk *talk, const char *command, const char *end,
		 const char *text)
{
	talk_say(talk, command);
	return talk_until(talk, end, text);
}

static uint32_t count_of(struct rig *rig, const char *name)
{
	struct directory_mailbox mailbox = mailbox_of(rig, name);
	struct store_txn *txn = rig_read(rig, mailbox.group);
	struct mailgroup_status status;

	mailgroup_status_get(txn, mailbox.id, 0, &status);
	store_end(&txn);
	return status.exists;
}

static uint32_t claimed_of(struct rig *rig, const char *name)
{
	struct directory_mailbox mailbox = mailbox_of(rig, name);
	struct store_txn *txn = rig_read(rig, mailbox.group);
	uint32_t claimed = mailgroup_claimed(txn, mailbox.id);

	store_end(&txn);
	return claimed;
}

static void finding(void *arg unused_arg, const char *text)
{
	cr_assert_fail("%s", text);
}

static void verify(struct rig *rig)
{
	for (unsigned i = 1; i < rig->node->group_count; i++) {
		struct store_txn *txn =
			rig_read(rig, node_group(rig->node, i)->number);

		cr_assert_eq(mailgroup_verify(txn, finding, NULL), 0);
		store_end(&txn);
	}
}

/* Jane's INBOX is open to all; john has some messages, in another group. */
static struct talk john_may_move(struct rig *rig, unsigned messages)
{
	struct talk jane = talk_imap(rig, RIG_JANE);
	struct talk john;

	cr_assert_neq(mailbox_of(rig, "user.john").group,
		      mailbox_of(rig, "user.jane").group);
	done(&jane, "a SETACL INBOX anyone lrswitekx\r\n", "a OK ", NULL);
	talk_logout(&jane);
	rig_fill(rig, "user.john", messages);
	john = talk_imap(rig, RIG_JOHN);
	done(&john, "s SELECT INBOX\r\n", "s OK ", NULL);
	return john;
}

static void expect_counts(struct rig *rig, uint32_t john, uint32_t jane)
{
	cr_assert_eq(count_of(rig, "user.john"), john, "%u of john",
		     count_of(rig, "user.john"));
	cr_assert_eq(count_of(rig, "user.jane"), jane, "%u of jane",
		     count_of(rig, "user.jane"));
	cr_assert_eq(claimed_of(rig, "user.john"), 0);
	verify(rig);
}

/* ---- the plain way ---- */

/* RFC 6851 section 3.3, and 4.3: COPYUID before the expunges. */
Test(move, gives_copyuid_then_expunges_then_ok)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 4);

	talk_say(&john, "m UID MOVE 2:3 " JANE "\r\n");
	talk_expect(&john, "* OK [COPYUID ");
	talk_expect(&john, "* 3 EXPUNGE");
	talk_expect(&john, "* 2 EXPUNGE");
	talk_expect(&john, "m OK ");
	talk_logout(&john);
	expect_counts(rig, 2, 2);
	rig_free(&rig);
}

Test(move, takes_flags_keywords_dates_and_seen_along)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 0);
	struct talk jane;

	talk_say(&john, "p APPEND INBOX (\\Flagged \\Seen $Work) "
			"\"17-Jul-1996 02:44:25 -0700\" {6}\r\n");
	talk_expect(&john, "+ ");
	talk_say(&john, "a: b\r\n\r\n");
	talk_until(&john, "p OK ", NULL);
	cr_assert(done(&john, "e FETCH 1 (EMAILID)\r\n", "e OK ", "EMAILID"));
	done(&john, "m MOVE 1 " JANE "\r\n", "m OK ", NULL);
	done(&john, "s SELECT " JANE "\r\n", "s OK ", NULL);
	cr_assert(done(&john, "f FETCH 1 (FLAGS INTERNALDATE)\r\n", "f OK ",
		       "17-Jul-1996 02:44:25 -0700"));
	cr_assert(done(&john, "f SEARCH FLAGGED SEEN KEYWORD $Work\r\n",
		       "f OK ", "SEARCH 1"));
	jane = talk_imap(rig, RIG_JANE);
	done(&jane, "s SELECT INBOX\r\n", "s OK ", NULL);
	cr_assert(done(&jane, "f SEARCH FLAGGED UNSEEN KEYWORD $Work\r\n",
		       "f OK ", "SEARCH 1"));
	talk_logout(&jane);
	talk_logout(&john);
	expect_counts(rig, 0, 1);
	rig_free(&rig);
}

Test(move, leaves_out_what_the_user_may_not_set_there)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 1);
	struct talk jane = talk_imap(rig, RIG_JANE);

	done(&jane, "a SETACL INBOX anyone lri\r\n", "a OK ", NULL);
	done(&john, "f STORE 1 +FLAGS (\\Flagged \\Seen $Work)\r\n", "f OK ",
	     NULL);
	done(&john, "m MOVE 1 " JANE "\r\n", "m OK ", NULL);
	done(&jane, "s SELECT INBOX\r\n", "s OK ", NULL);
	cr_assert(done(&jane, "f SEARCH UNFLAGGED UNSEEN UNKEYWORD $Work\r\n",
		       "f OK ", "SEARCH 1"));
	talk_logout(&jane);
	talk_logout(&john);
	expect_counts(rig, 0, 1);
	rig_free(&rig);
}

#define MANY (MAILGROUP_ROWS_MAX + 50)

Test(move, of_more_than_one_claim)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, MANY);

	cr_assert(done(&john, "m MOVE 1:* " JANE "\r\n", "m OK ",
		       "1:1050 1:1050]"));
	talk_logout(&john);
	expect_counts(rig, 0, MANY);
	rig_free(&rig);
}

static void set_quota(struct rig *rig, const char *user, unsigned messages)
{
	struct directory_user_set set = { 0 };
	struct directory_user stored;
	struct buf body = { 0 };
	struct store_txn *txn = rig_read(rig, 0);

	cr_assert(directory_user_find(txn, slice_str(user), &stored));
	set.name = slice_str(user);
	set.fields = DIRECTORY_USER_QUOTA;
	set.quota_messages = messages;
	store_end(&txn);
	cr_assert_eq(directory_user_set_encode(&set, &body), ERR_NONE);
	cr_assert_eq(rig_propose(rig, 0, DIRECTORY_USER_SET, &body), ERR_NONE);
}

Test(move, over_quota_leaves_everything_where_it_is)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 3);

	set_quota(rig, RIG_JANE, 2);
	talk_say(&john, "m MOVE 1:3 " JANE "\r\n");
	talk_expect(&john, "m NO [OVERQUOTA]");
	expect_counts(rig, 3, 0);
	/* They are nobody's again. */
	done(&john, "f STORE 1:3 +FLAGS.SILENT (\\Flagged)\r\n", "f OK ", NULL);
	done(&john, "m MOVE 1:2 " JANE "\r\n", "m OK ", NULL);
	talk_logout(&john);
	expect_counts(rig, 1, 2);
	rig_free(&rig);
}

/* Architecture.md 7: the done part is told first, then NO. */
Test(move, of_many_is_done_in_part_and_says_so)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, MANY);

	set_quota(rig, RIG_JANE, MAILGROUP_ROWS_MAX + 10);
	cr_assert(done(&john, "m MOVE 1:* " JANE "\r\n", "m NO [OVERQUOTA]",
		       "1:1000 1:1000] moved so far"));
	talk_logout(&john);
	expect_counts(rig, 50, MAILGROUP_ROWS_MAX);
	rig_free(&rig);
}

/* ---- COPY of many ---- */

Test(copy_across, of_many_is_seen_all_at_once)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, MANY);

	done(&john, "f STORE 1000:1001 +FLAGS.SILENT (\\Seen $Work)\r\n",
	     "f OK ", NULL);
	talk_say(&john, "c COPY 1:* " JANE "\r\n");
	talk_until(&john, "c OK [COPYUID ", NULL);
	done(&john, "s SELECT " JANE "\r\n", "s OK ", NULL);
	cr_assert(done(&john, "f SEARCH SEEN KEYWORD $Work\r\n", "f OK ",
		       "SEARCH 1000 1001"));
	talk_logout(&john);
	expect_counts(rig, MANY, MANY);
	rig_free(&rig);
}

Test(copy_across, of_many_over_quota_leaves_nothing)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, MANY);

	set_quota(rig, RIG_JANE, MAILGROUP_ROWS_MAX + 10);
	talk_say(&john, "c COPY 1:* " JANE "\r\n");
	talk_expect(&john, "c NO [OVERQUOTA]");
	expect_counts(rig, MANY, 0);
	/* Nothing of it stands in the way of the next one. */
	set_quota(rig, RIG_JANE, 0);
	done(&john, "c COPY 1:* " JANE "\r\n", "c OK [COPYUID ", NULL);
	talk_logout(&john);
	expect_counts(rig, MANY, MANY);
	rig_free(&rig);
}

#define WORDS 50

/* 1,000 messages whose keywords alone are more than one command. */
Test(copy_across, of_messages_with_many_keywords)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, MAILGROUP_ROWS_MAX);
	struct buf store = { 0 };

	buf_add_str(&store, "f STORE 1:* +FLAGS.SILENT (");
	for (unsigned i = 0; i < WORDS; i++)
		buf_printf(&store, "%s$a-word-of-some-length-%u",
			   i > 0 ? " " : "", i);
	buf_add_str(&store, ")\r\n");
	done(&john, buf_cstr(&store), "f OK ", NULL);
	buf_fini(&store);
	done(&john, "c COPY 1:* " JANE "\r\n", "c OK [COPYUID ", NULL);
	expect_counts(rig, MAILGROUP_ROWS_MAX, MAILGROUP_ROWS_MAX);
	/* And as many claims as it takes. */
	cr_assert(done(&john, "m MOVE 1:* " JANE "\r\n", "m OK ",
		       "* OK [COPYUID "));
	expect_counts(rig, 0, 2 * MAILGROUP_ROWS_MAX);
	done(&john, "s SELECT " JANE "\r\n", "s OK ", NULL);
	cr_assert(done(&john,
		       "f SEARCH RETURN (COUNT) KEYWORD "
		       "$a-word-of-some-length-49\r\n",
		       "f OK ", "COUNT 2000"));
	talk_logout(&john);
	rig_free(&rig);
}

/* ---- midway ---- */

static bool is_claimed(struct rig *rig)
{
	return claimed_of(rig, "user.john") > 0;
}

static bool is_not_claimed(struct rig *rig)
{
	return !is_claimed(rig);
}

/* Claims john's messages and stands before the append, until the stall ends. */
static void stand_claimed(struct rig *rig, struct talk *john,
			  struct stall *bodies)
{
	rig_stall_bodies(rig, bodies);
	talk_say(john, "m MOVE 1:* " JANE "\r\n");
	rig_await(rig, is_claimed);
}

Test(move, lets_claimed_messages_be_read_and_copied)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 2);
	struct talk other = talk_imap(rig, RIG_JOHN);
	struct stall bodies;

	done(&other, "s SELECT INBOX\r\n", "s OK ", NULL);
	done(&other, "c CREATE Copy\r\n", "c OK ", NULL);
	stand_claimed(rig, &john, &bodies);
	cr_assert(done(&other, "f FETCH 1:2 (BODY.PEEK[])\r\n", "f OK ",
		       "* 2 FETCH"));
	/* Without a wait: only the mark is missing. */
	done(&other, "f FETCH 1 (BODY[])\r\n", "f OK ", NULL);
	done(&other, "c COPY 1:2 Copy\r\n", "c OK ", NULL);
	stall_end(&bodies);
	talk_until(&john, "m OK ", NULL);
	done(&other, "s SELECT Copy\r\n", "s OK ", NULL);
	done(&other, "f STORE 1:2 +FLAGS.SILENT (\\Flagged)\r\n", "f OK ",
	     NULL);
	talk_logout(&other);
	talk_logout(&john);
	cr_assert_eq(count_of(rig, "user.john.Copy"), 2);
	expect_counts(rig, 0, 2);
	rig_free(&rig);
}

Test(move, makes_a_store_wait_for_its_end)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 2);
	struct talk other = talk_imap(rig, RIG_JOHN);
	struct stall bodies;

	done(&other, "s SELECT INBOX\r\n", "s OK ", NULL);
	stand_claimed(rig, &john, &bodies);
	talk_say(&other, "f STORE 1 +FLAGS (\\Flagged)\r\n");
	stall_end(&bodies);
	talk_until(&john, "m OK ", NULL);
	/* It came too late, and is told so. */
	talk_until(&other, "f NO [EXPUNGEISSUED]", NULL);
	talk_logout(&other);
	talk_logout(&john);
	expect_counts(rig, 0, 2);
	rig_free(&rig);
}

Test(move, refuses_a_store_that_waits_for_too_long)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 1);
	struct talk other = talk_imap(rig, RIG_JOHN);
	struct stall bodies;

	fault_set_tune("store_inuse_ms=100");
	done(&other, "s SELECT INBOX\r\n", "s OK ", NULL);
	stand_claimed(rig, &john, &bodies);
	talk_say(&other, "f STORE 1 +FLAGS (\\Flagged)\r\n");
	talk_until(&other, "f NO [INUSE]", NULL);
	stall_end(&bodies);
	talk_until(&john, "m OK ", NULL);
	talk_logout(&other);
	talk_logout(&john);
	rig_free(&rig);
}

Test(move, is_left_alone_by_expunge_and_by_other_moves)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 2);
	struct talk other = talk_imap(rig, RIG_JOHN);
	struct stall bodies;

	done(&other, "s SELECT INBOX\r\n", "s OK ", NULL);
	done(&other, "c CREATE Mine\r\n", "c OK ", NULL);
	done(&other, "f STORE 1:2 +FLAGS.SILENT (\\Deleted)\r\n", "f OK ",
	     NULL);
	stand_claimed(rig, &john, &bodies);
	done(&other, "e EXPUNGE\r\n", "e OK ", NULL);
	done(&other, "o MOVE 1:2 Mine\r\n", "o NO [INUSE]", NULL);
	done(&other, "o MOVE 1:2 " JANE "\r\n", "o NO [INUSE]", NULL);
	cr_assert_eq(count_of(rig, "user.john"), 2);
	stall_end(&bodies);
	talk_until(&john, "m OK ", NULL);
	talk_logout(&other);
	talk_logout(&john);
	expect_counts(rig, 0, 2);
	rig_free(&rig);
}

Test(move, comes_to_its_end_without_the_client)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 2);
	struct stall bodies;

	stand_claimed(rig, &john, &bodies);
	talk_end(&john);
	stall_end(&bodies);
	rig_await(rig, rig_is_idle);
	expect_counts(rig, 0, 2);
	rig_free(&rig);
}

/* A mailbox in the group of this one is. */
static bool is_sealed(struct rig *rig, const char *name)
{
	struct directory_mailbox mailbox = mailbox_of(rig, name);
	struct store_txn *txn = rig_read(rig, mailbox.group);
	struct mailgroup_status status = { 0 };
	bool sealed = false;

	/* Ids are few, and not all of them have a record. */
	for (uint64_t id = 1; !sealed && id < 100; id++) {
		mailgroup_status_get(txn, id, 0, &status);
		sealed = status.sealed;
	}
	store_end(&txn);
	return sealed;
}

static bool johns_is_sealed(struct rig *rig)
{
	return is_sealed(rig, "user.john");
}

static bool janes_is_sealed(struct rig *rig)
{
	return is_sealed(rig, "user.jane");
}

/* Deletes jane's shared folder while a message is on its way there. */
Test(move, to_what_goes_midway_is_refused_and_stays)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 1);
	struct talk jane = talk_imap(rig, RIG_JANE);
	struct stall bodies;

	done(&jane, "c CREATE Team\r\n", "c OK ", NULL);
	done(&jane, "a SETACL Team anyone lrswitekx\r\n", "a OK ", NULL);
	rig_stall_bodies(rig, &bodies);
	talk_say(&john, "m MOVE 1 \"Other Users/jane/Team\"\r\n");
	rig_await(rig, is_claimed);
	done(&jane, "d DELETE Team\r\n", "d OK ", NULL);
	rig_await(rig, janes_is_sealed);
	stall_end(&bodies);
	talk_until(&john, "m NO [TRYCREATE]", NULL);
	talk_logout(&jane);
	talk_logout(&john);
	expect_counts(rig, 1, 0);
	rig_free(&rig);
}

/* Model step M12: END is never answered GONE. */
Test(move, from_what_is_deleted_midway_is_done)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 0);
	struct talk other = talk_imap(rig, RIG_JOHN);
	struct directory_mailbox box;
	struct store_txn *txn;
	struct stall bodies;

	done(&other, "c CREATE Box\r\n", "c OK ", NULL);
	rig_fill(rig, "user.john.Box", 3);
	box = mailbox_of(rig, "user.john.Box");
	done(&john, "s SELECT Box\r\n", "s OK ", NULL);
	rig_stall_bodies(rig, &bodies);
	talk_say(&john, "m MOVE 1:* " JANE "\r\n");
	do {
		txn = rig_read(rig, box.group);
		if (mailgroup_claimed(txn, box.id) == 3)
			break;
		store_end(&txn);
	} while (true);
	store_end(&txn);
	done(&other, "d DELETE Box\r\n", "d OK ", NULL);
	rig_await(rig, johns_is_sealed);
	stall_end(&bodies);
	talk_end(&john);
	talk_logout(&other);
	rig_await(rig, rig_is_idle);
	txn = rig_read(rig, box.group);
	cr_assert_eq(mailgroup_claimed(txn, box.id), 0);
	store_end(&txn);
	expect_counts(rig, 0, 3);
	rig_free(&rig);
}

/* ---- a target that does not answer ---- */

static void stall_jane(struct rig *rig, struct stall *applier)
{
	rig_stall_applier(rig, mailbox_of(rig, "user.jane").group, applier);
}

/* The log has the append: nothing that is heard outside of it is an answer. */
Test(move, that_is_not_answered_ends_the_connection_and_is_carried_out)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 2);
	struct stall applier;

	fault_set_tune("move_wait_ms=1,claim_run_ms=1,claims_old_ms=0,"
		       "claims_again_ms=20");
	stall_jane(rig, &applier);
	talk_say(&john, "m MOVE 1:2 " JANE "\r\n");
	talk_expect_end(&john);
	cr_assert(is_claimed(rig));
	stall_end(&applier);
	rig_await(rig, is_not_claimed);
	rig_await(rig, rig_is_idle);
	expect_counts(rig, 0, 2);
	rig_free(&rig);
}

/* Whichever of append and CANCEL comes first is what the client hears. */
Test(move, that_takes_too_long_is_taken_back)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 2);

	fault_set_tune("move_append_ms=0");
	talk_say(&john, "m MOVE 1:2 " JANE "\r\n");
	talk_expect(&john, "m NO [UNAVAILABLE]");
	expect_counts(rig, 2, 0);
	fault_set_tune("");
	done(&john, "m MOVE 1:2 " JANE "\r\n", "m OK ", NULL);
	talk_logout(&john);
	expect_counts(rig, 0, 2);
	rig_free(&rig);
}

/* It is not tried for hours: the message stays, and is nobody's again. */
Test(move, to_a_full_group_is_taken_back)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 2);
	struct replica *jane =
		node_replica(rig->node, mailbox_of(rig, "user.jane").group);

	atomic_store(&jane->applier.is_full, true);
	talk_say(&john, "m MOVE 1:2 " JANE "\r\n");
	talk_expect(&john, "m NO [UNAVAILABLE]");
	talk_logout(&john);
	expect_counts(rig, 2, 0);
	rig_free(&rig);
}

/* Those that wait leave slots for others. */
Test(move, is_refused_when_too_many_wait)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 1);

	fault_set_tune("moves_max=0");
	done(&john, "m MOVE 1 " JANE "\r\n", "m NO [UNAVAILABLE]", NULL);
	fault_set_tune("moves_max=1");
	done(&john, "m MOVE 1 " JANE "\r\n", "m OK ", NULL);
	talk_logout(&john);
	rig_await(rig, rig_is_idle);
	cr_assert_eq(rig->node->moves, 0);
	rig_free(&rig);
}

/* ---- left open ---- */

/* A claim that nobody carries out: the client's node is dead. */
static void leave_open(struct rig *rig)
{
	struct directory_mailbox john = mailbox_of(rig, "user.john");
	struct directory_mailbox jane = mailbox_of(rig, "user.jane");
	struct mailgroup_claim command = {
		.source = john.id,
		.group = jane.group,
		.target = { .mailbox = jane.id, .root = jane.root },
		.user = 1,
	};
	struct buf body = { 0 };

	uidset_add(&command.uids, 1, 10);
	cr_assert_eq(mailgroup_claim_encode(&command, &body), ERR_NONE);
	cr_assert_eq(rig_propose(rig, john.group, MAILGROUP_CLAIM, &body),
		     ERR_NONE);
	uidset_fini(&command.uids);
}

Test(move, left_open_by_an_earlier_life_is_carried_out_at_the_start)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 3);

	talk_logout(&john);
	leave_open(rig);
	cr_assert_eq(claimed_of(rig, "user.john"), 3);
	rig_restart(rig);
	rig_await(rig, is_not_claimed);
	expect_counts(rig, 0, 3);
	rig_free(&rig);
}

Test(move, left_open_for_long_is_carried_out)
{
	struct rig *rig;
	struct talk john;

	fault_set_tune("claims_old_ms=1,claims_again_ms=20");
	rig = rig_new();
	john = john_may_move(rig, 3);
	talk_logout(&john);
	leave_open(rig);
	rig_await(rig, is_not_claimed);
	expect_counts(rig, 0, 3);
	rig_free(&rig);
}

Test(move, left_open_is_shown_by_status)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 3);
	struct talk admin = talk_admin(rig);

	leave_open(rig);
	talk_say(&admin, "{\"v\":1,\"cmd\":\"status\"}\n");
	cr_assert(talk_until(&admin, "{\"v\":1,\"ok\":true",
			     "\"claims\":1,\"claimed\":3,\"claims_long\":0"));
	talk_end(&admin);
	talk_logout(&john);
	rig_free(&rig);
}

static bool both_are_at_it(struct rig *rig)
{
	return __atomic_load_n(&rig->node->running_claims, __ATOMIC_SEQ_CST) ==
	       2;
}

/* The client's and the leader's at one claim; both have looked at it. */
static struct rig *two_runners(void)
{
	struct rig *rig;
	struct talk john;
	struct stall bodies;

	fault_set_tune("claims_old_ms=0,claims_again_ms=1");
	rig = rig_new();
	john = john_may_move(rig, 3);
	stand_claimed(rig, &john, &bodies);
	rig_await(rig, both_are_at_it);
	stall_end(&bodies);
	talk_until(&john, "m OK ", NULL);
	talk_logout(&john);
	rig_await(rig, rig_is_idle);
	return rig;
}

Test(move, is_done_once_by_any_number_of_runners)
{
	struct rig *rig = two_runners();

	expect_counts(rig, 0, 3);
	rig_free(&rig);
}

#ifdef ENABLE_FAULTS

/* ---- rules that are missing ---- */

Test(move_mutants, M29_end_before_the_targets_result_is_caught)
{
	struct rig *rig = rig_new();
	struct talk john = john_may_move(rig, 1);

	fault_set_mutant("M29");
	done(&john, "m MOVE 1 " JANE "\r\n", "m OK ", NULL);
	talk_logout(&john);
	cr_assert_eq(count_of(rig, "user.john") + count_of(rig, "user.jane"), 0,
		     "it is lost");
	rig_free(&rig);
}

Test(move_mutants, M30_append_under_an_op_id_of_its_own_is_caught)
{
	struct rig *rig;

	fault_set_mutant("M30");
	rig = two_runners();
	cr_assert_gt(count_of(rig, "user.jane"), 3, "it is there twice");
	rig_free(&rig);
}

#endif
