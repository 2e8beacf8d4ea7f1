/*
 * What takes more than one command, or comes after the client: copies of many
 * messages, their remains, purges, large structures.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/mem.h"
#include "cluster/directory.h"
#include "cluster/directory_command.h"
#include "cluster/mailgroup_command.h"
#include "raft/slots.h"
#include "rig.h"

#define MANY (MAILGROUP_ROWS_MAX + 50)

static struct directory_mailbox mailbox_of(struct rig *rig, const char *name)
{
	struct store_txn *txn = rig_read(rig, 0);
	struct directory_mailbox mailbox = { 0 };

	directory_mailbox_find(txn, slice_str(name), &mailbox);
	store_end(&txn); /* what is borrowed from it is not used */
	return mailbox;
}

/* What a client says, and how it ends; true: `text` was in the answer. */
static bool done(struct talk *talk, const char *command, const char *end,
		 const char *text)
{
	talk_say(talk, command);
	return talk_until(talk, end, text);
}

static struct talk select_inbox(struct rig *rig)
{
	struct talk talk = talk_imap(rig, RIG_JOHN);

	done(&talk, "s SELECT INBOX\r\n", "s OK ", NULL);
	return talk;
}

/* ---- many messages ---- */

Test(many, messages_are_copied_flagged_and_moved)
{
	struct rig *rig = rig_new();
	struct talk talk;
	struct talk other;

	rig_fill(rig, "user.john", MANY);
	talk = select_inbox(rig);
	other = select_inbox(rig);
	done(&talk, "a CREATE Copy\r\n", "a OK ", NULL);
	done(&talk, "c COPY 1:* Copy\r\n", "c OK [COPYUID ", NULL);
	cr_assert(done(&talk, "t STATUS Copy (MESSAGES)\r\n", "t OK ",
		       "(MESSAGES 1050)"));
	done(&talk, "f STORE 1:* +FLAGS.SILENT (\\Flagged)\r\n", "f OK ", NULL);
	/* The other one hears of all of them. */
	cr_assert(done(&other, "n NOOP\r\n", "n OK ", "* 1050 FETCH "));
	done(&talk, "a CREATE Moved\r\n", "a OK ", NULL);
	done(&talk, "m MOVE 1:* Moved\r\n", "m OK ", NULL);
	cr_assert(done(&talk, "t STATUS Moved (MESSAGES)\r\n", "t OK ",
		       "(MESSAGES 1050)"));
	cr_assert(done(&other, "n NOOP\r\n", "n OK ", "EXPUNGE"));
	done(&talk, "s SELECT Moved\r\n", "s OK ", NULL);
	done(&talk, "f STORE 1:* +FLAGS.SILENT (\\Deleted)\r\n", "f OK ", NULL);
	done(&talk, "e EXPUNGE\r\n", "e OK ", NULL);
	cr_assert(done(&talk, "t STATUS Moved (MESSAGES)\r\n", "t OK ",
		       "(MESSAGES 0)"));
	talk_logout(&talk);
	talk_logout(&other);
	rig_free(&rig);
}

static uint32_t johns_group;
static uint64_t johns_index;

/* The command staged first, and the SEAL behind it, are in the log. */
static bool both_are_committed(struct rig *rig)
{
	struct replica_status status;

	replica_get_status(node_replica(rig->node, johns_group), &status);
	return status.commit_index >= johns_index + 2;
}

Test(many, messages_are_copied_to_what_goes_midway)
{
	struct rig *rig = rig_new();
	struct replica_status status;
	struct stall applier;
	struct talk talk;
	struct talk other;

	rig_fill(rig, "user.john", MANY);
	talk = select_inbox(rig);
	done(&talk, "a CREATE Copy\r\n", "a OK ", NULL);
	other = talk_imap(rig, RIG_JOHN);
	johns_group = mailbox_of(rig, "user.john").group;
	rig_stall_applier(rig, johns_group, &applier);
	replica_get_status(node_replica(rig->node, johns_group), &status);
	johns_index = status.commit_index;
	talk_say(&talk, "c COPY 1:* Copy\r\n");
	rig_await(rig, rig_has_slot);
	done(&other, "d DELETE Copy\r\n", "d OK ", NULL);
	rig_await(rig, both_are_committed);
	stall_end(&applier);
	talk_until(&talk, "c NO ", NULL);
	done(&other, "l LIST \"\" Copy\r\n", "l OK ", NULL);
	talk_logout(&talk);
	talk_logout(&other);
	rig_await(rig, rig_is_idle);
	rig_free(&rig);
}

/* ---- what is left of a copy ---- */

static uint64_t copy_target;

static bool is_dropped(struct rig *rig)
{
	struct store_txn *txn = rig_read(rig, johns_group);
	struct op_id copy;
	uint64_t since_ms;
	bool copying = mailgroup_copying(txn, copy_target, &copy, &since_ms);

	store_end(&txn);
	return !copying;
}

Test(many, messages_staged_by_an_earlier_life_are_dropped)
{
	struct mailgroup_copy_stage stage = { 0 };
	struct buf body = { 0 };
	struct rig *rig;
	struct talk talk;

	setenv("MURDER_TUNE", "copies_first_ms=1", 1);
	rig = rig_new();
	rig_fill(rig, "user.john", 3);
	talk = talk_imap(rig, RIG_JOHN);
	done(&talk, "a CREATE Copy\r\n", "a OK ", NULL);
	talk_logout(&talk);
	johns_group = mailbox_of(rig, "user.john").group;
	copy_target = mailbox_of(rig, "user.john.Copy").id;
	stage.source = mailbox_of(rig, "user.john").id;
	stage.target.mailbox = copy_target;
	stage.target.root = mailbox_of(rig, "user.john.Copy").root;
	uidset_add(&stage.uids, 1, 3);
	cr_assert_eq(mailgroup_copy_stage_encode(&stage, &body), ERR_NONE);
	cr_assert_eq(rig_propose(rig, johns_group, MAILGROUP_COPY_STAGE, &body),
		     ERR_NONE);
	uidset_fini(&stage.uids);
	cr_assert_not(is_dropped(rig));
	rig_restart(rig);
	rig_await(rig, is_dropped);
	talk = select_inbox(rig);
	done(&talk, "c COPY 1:* Copy\r\n", "c OK ", NULL);
	talk_logout(&talk);
	rig_free(&rig);
}

/* ---- intents ---- */

static uint64_t purged_id;

static bool is_purged(struct rig *rig)
{
	struct store_txn *txn = rig_read(rig, johns_group);
	struct mailgroup_status status;
	bool purged;

	mailgroup_status_get(txn, purged_id, 0, &status);
	purged = status.sealed && status.exists == 0;
	store_end(&txn);
	return purged;
}

static bool has_no_intents(struct rig *rig)
{
	struct store_txn *txn = rig_read(rig, 0);
	struct directory_intent intent;
	struct directory_walk walk;
	bool none;

	directory_intent_walk(&walk, txn, 0);
	none = !directory_intent_next(&walk, &intent);
	directory_walk_end(&walk);
	store_end(&txn);
	return none;
}

Test(many, messages_of_a_deleted_mailbox_are_purged)
{
	struct rig *rig = rig_new();
	struct directory_delete command = {
		.name = SLICE_LIT("user.john.Box"),
	};
	struct buf body = { 0 };

	rig_fill(rig, "user.john.Box", MANY);
	johns_group = mailbox_of(rig, "user.john").group;
	purged_id = mailbox_of(rig, "user.john.Box").id;
	command.id = purged_id;
	cr_assert_eq(directory_delete_encode(&command, &body), ERR_NONE);
	cr_assert_eq(rig_propose(rig, 0, DIRECTORY_DELETE, &body), ERR_NONE);
	rig_await(rig, has_no_intents);
	cr_assert(is_purged(rig));
	rig_free(&rig);
}

/* Its messages count to the shared folder's quota from then on. */
Test(many, messages_of_a_mailbox_that_changes_its_root_go_along)
{
	struct rig *rig = rig_new();
	struct directory_create command = { .name = SLICE_LIT("pub") };
	struct mailgroup_usage usage;
	struct buf body = { 0 };
	struct store_txn *txn;
	struct talk admin;

	rig_fill(rig, "user.john.Box", 5);
	johns_group = mailbox_of(rig, "user.john").group;
	command.group = johns_group;
	cr_assert_eq(directory_create_encode(&command, &body), ERR_NONE);
	cr_assert_eq(rig_propose(rig, 0, DIRECTORY_CREATE, &body), ERR_NONE);
	admin = talk_admin(rig);
	talk_say(&admin, "{\"v\":1,\"cmd\":\"mailbox.rename\",\"args\":"
			 "{\"name\":\"user.john.Box\",\"to\":\"pub.Box\"}}\n");
	talk_expect(&admin, "{\"v\":1,\"ok\":true");
	talk_end(&admin);
	rig_await(rig, has_no_intents);
	txn = rig_read(rig, johns_group);
	mailgroup_usage_get(txn, mailbox_of(rig, "pub").root, &usage);
	store_end(&txn);
	cr_assert_eq(usage.messages, 5);
	rig_free(&rig);
}

/* ---- a structure that is too large to keep ---- */

#define PARTS 900

static void expect_no_structure(struct rig *rig)
{
	struct directory_mailbox inbox = mailbox_of(rig, "user.john");
	struct store_txn *txn = rig_read(rig, inbox.group);
	struct mailgroup_row row;

	cr_assert(
		mailgroup_row_find(txn, inbox.id, 0, 1, MAILGROUP_FIXED, &row));
	cr_assert_eq(row.structure.len, 0);
	store_end(&txn);
}

Test(many, parts_of_a_message_are_found_in_its_body)
{
	struct rig *rig = rig_new();
	struct talk talk = talk_imap(rig, RIG_JOHN);
	struct buf text = { 0 };

	buf_add_str(&text, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (unsigned i = 0; i < PARTS; i++)
		buf_printf(
			&text,
			"--b\r\nContent-Type: text/plain; name=\"a-name-that-"
			"is-so-long-that-all-of-them-do-not-fit-part-%u\""
			"\r\n\r\nx\r\n",
			i);
	buf_add_str(&text, "--b--\r\n");
	talk_append(&talk, "INBOX", buf_cstr(&text));
	done(&talk, "s SELECT INBOX\r\n", "s OK ", NULL);
	expect_no_structure(rig);
	cr_assert(done(&talk, "f FETCH 1 (BODYSTRUCTURE)\r\n", "f OK ",
		       "do-not-fit-part-899"));
	cr_assert(done(&talk, "f FETCH 1 (BODY.PEEK[900.MIME])\r\n", "f OK ",
		       "do-not-fit-part-899"));
	cr_assert(done(&talk, "f SEARCH BODY x\r\n", "f OK ", "SEARCH 1"));
	buf_fini(&text);
	talk_logout(&talk);
	rig_free(&rig);
}

/* ---- what vanished while the client was away ---- */

Test(many, messages_that_vanished_are_told_by_qresync)
{
	struct rig *rig = rig_new();
	struct talk talk;
	struct buf select = { 0 };

	rig_fill(rig, "user.john", 5);
	talk = select_inbox(rig);
	done(&talk, "f STORE 2,4 +FLAGS.SILENT (\\Deleted)\r\n", "f OK ", NULL);
	done(&talk, "e EXPUNGE\r\n", "e OK ", NULL);
	done(&talk, "q ENABLE QRESYNC\r\n", "q OK ", NULL);
	buf_printf(&select, "s SELECT INBOX (QRESYNC (%u 1))\r\n",
		   mailbox_of(rig, "user.john").uidvalidity);
	cr_assert(done(&talk, buf_cstr(&select), "s OK ",
		       "* VANISHED (EARLIER) 2,4"));
	buf_fini(&select);
	talk_logout(&talk);
	rig_free(&rig);
}

/* ---- SCRAM ---- */

/* Somebody unknown gets a challenge like everybody else. */
static void expect_challenge(struct rig *rig, const char *user)
{
	struct talk talk = talk_imap_greeted(rig);
	struct buf first = { 0 };
	struct buf line = { 0 };

	buf_printf(&first, "n,,n=%s,r=0123456789abcdef", user);
	base64_encode(buf_slice(&first), &line);
	buf_add_str(&line, "\r\n");
	talk_say(&talk, "a AUTHENTICATE SCRAM-SHA-256\r\n");
	talk_expect(&talk, "+ ");
	talk_say(&talk, buf_cstr(&line));
	talk_expect(&talk, "+ cj0wMTIzNDU2Nzg5YWJjZGVm"); /* r=0123.. */
	talk_say(&talk, "*\r\n");
	talk_until(&talk, "a BAD ", NULL);
	buf_fini(&first);
	buf_fini(&line);
	talk_logout(&talk);
}

Test(many, users_and_strangers_get_the_same_challenge)
{
	struct rig *rig = rig_new();

	expect_challenge(rig, RIG_JOHN);
	expect_challenge(rig, "nobody");
	rig_free(&rig);
}

/* What it has proposed and nobody has heard yet never takes effect. */
Test(many, a_removed_node_is_fenced_in_every_group)
{
	static const uint8_t key[SHA256_SIZE] = { 2 };
	struct rig *rig = rig_new();
	struct directory_member_add add = {
		.member = {
			.name = SLICE_LIT("n2"),
			.roles = DIRECTORY_ROLES_ALL,
			.state = DIRECTORY_MEMBER_ACTIVE,
			.feature_level = DIRECTORY_FEATURE_LEVEL,
			.key_hash = slice_of(key, sizeof(key)),
		},
	};
	struct directory_member_set set = { .fields = DIRECTORY_MEMBER_STATE };
	struct buf body = { 0 };
	struct store_txn *txn;

	cr_assert_eq(directory_member_add_encode(&add, &body), ERR_NONE);
	cr_assert_eq(rig_propose(rig, 0, DIRECTORY_MEMBER_ADD, &body),
		     ERR_NONE);
	txn = rig_read(rig, 0);
	cr_assert(directory_member_find(txn, 2, &set.member));
	store_end(&txn);
	set.member.state = DIRECTORY_MEMBER_REMOVED;
	cr_assert_eq(directory_member_set_encode(&set, &body), ERR_NONE);
	cr_assert_eq(rig_propose(rig, 0, DIRECTORY_MEMBER_SET, &body),
		     ERR_NONE);
	rig_await(rig, has_no_intents);
	for (uint32_t group = 0; group <= 2; group++) {
		txn = rig_read(rig, group);
		cr_assert_eq(slots_registered(txn, 2), SLOTS_NONE_LEFT);
		store_end(&txn);
	}
	rig_free(&rig);
}
