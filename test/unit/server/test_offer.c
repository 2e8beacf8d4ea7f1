/*
 * Commands that bring bodies, as clients see them, when the group's bodies
 * belong to more nodes than one.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "cluster/directory.h"
#include "cluster/mailgroup_command.h"
#include "others.h"

/* "\r\n" at the end is the APPEND's own. */
#define MESSAGE "Subject: a\r\n\r\nwords of a body\r\n"

static uint32_t group_of(struct rig *rig, const char *user)
{
	struct store_txn *txn = rig_read(rig, 0);
	struct directory_user found;

	cr_assert(directory_user_find(txn, slice_str(user), &found));
	store_end(&txn);
	return found.group;
}

struct bench {
	struct rig *rig;
	struct others *others;
	struct talk talk;
};

/*
 * All groups have three voters, as the courier believes. But raft knows of this
 * node only, so it must be among those who have a body first: our disk is in
 * memory, whatever TMPDIR says, and faster than the others.
 */
static struct bench bench_new(void)
{
	struct bench b = { 0 };

	unsetenv("TMPDIR");
	b.rig = rig_new();
	b.others = others_new(b.rig);
	b.talk = talk_imap(b.rig, RIG_JOHN);
	return b;
}

static void bench_free(struct bench *b)
{
	talk_logout(&b->talk);
	rig_await(b->rig, rig_is_idle);
	rig_stop(b->rig);
	others_free(&b->others);
	rig_start(b->rig);
	rig_free(&b->rig);
}

static void say_append(struct bench *b, const char *text)
{
	char line[64];

	snprintf(line, sizeof(line), "a APPEND INBOX {%zu+}\r\n", strlen(text));
	talk_say(&b->talk, line);
	talk_say(&b->talk, text);
	talk_say(&b->talk, "\r\n");
}

Test(offer, brings_a_message_to_all_and_then_appends_it)
{
	struct bench b = bench_new();

	say_append(&b, MESSAGE);
	cr_assert(talk_until(&b.talk, "a OK ", "APPENDUID"));
	bench_free(&b);
}

Test(offer, of_many_messages_is_one_command)
{
	struct bench b = bench_new();

	talk_say(&b.talk, "a APPEND INBOX {3+}\r\na\r\n {3+}\r\nb\r\n"
			  " {3+}\r\nc\r\n\r\n");
	cr_assert(talk_until(&b.talk, "a OK ", "1:3"));
	bench_free(&b);
}

Test(offer, is_refused_as_never_done_without_a_majority)
{
	struct bench b = bench_new();

	others_refuse(b.others, 2, true);
	others_refuse(b.others, 3, true);
	say_append(&b, MESSAGE);
	talk_until(&b.talk, "a NO ", "");
	others_refuse(b.others, 3, false);
	say_append(&b, MESSAGE);
	talk_until(&b.talk, "a OK ", "");
	talk_say(&b.talk, "s STATUS INBOX (MESSAGES)\r\n");
	cr_assert(talk_until(&b.talk, "s OK ", "(MESSAGES 1)"));
	bench_free(&b);
}

/*
 * The two others are a majority of the row, so the upload is done; but the
 * log has one voter, whose disk has not got the body yet.
 */
Test(offer, finds_holders_anew_when_the_leader_knows_other_voters)
{
	struct bench b = bench_new();
	struct stall stall;

	rig_stall_bodies(b.rig, &stall);
	say_append(&b, MESSAGE);
	rig_await(b.rig, rig_has_slot);
	stall_end(&stall);
	cr_assert(talk_until(&b.talk, "a OK ", "APPENDUID"));
	bench_free(&b);
}

/* The targets are without the only voter: no holder will ever do. */
Test(offer, gives_up_as_never_done_when_the_directory_stays_behind)
{
	struct bench b = bench_new();

	fault_set_tune("offer_ms=300");
	others_vote(b.others, false);
	say_append(&b, MESSAGE);
	talk_until(&b.talk, "a NO [UNAVAILABLE]", "");
	others_vote(b.others, true);
	say_append(&b, MESSAGE);
	talk_until(&b.talk, "a OK ", "");
	fault_set_tune(NULL);
	bench_free(&b);
}

Test(offer, delivers_to_two_groups)
{
	struct bench b = bench_new();
	struct talk lmtp = talk_lmtp(b.rig);

	talk_say(&lmtp, "MAIL FROM:<a@example.org>\r\n");
	talk_expect(&lmtp, "250 ");
	talk_say(&lmtp, "RCPT TO:<" RIG_JOHN ">\r\n");
	talk_expect(&lmtp, "250 ");
	talk_say(&lmtp, "RCPT TO:<" RIG_JANE ">\r\n");
	talk_expect(&lmtp, "250 ");
	talk_say(&lmtp, "DATA\r\n");
	talk_expect(&lmtp, "354 ");
	talk_say(&lmtp, MESSAGE ".\r\n");
	talk_expect(&lmtp, "250 ");
	talk_expect(&lmtp, "250 ");
	talk_end(&lmtp);
	bench_free(&b);
}

/* ---- reads ---- */

/* A row whose body this node has not got: its holders were others. */
static void append_elsewhere(struct bench *b, const char *text)
{
	uint32_t group = group_of(b->rig, RIG_JOHN);
	uint64_t holder = node_raft_id(b->rig->node, group);
	struct store_txn *txn = rig_read(b->rig, 0);
	struct directory_mailbox inbox;
	struct mailgroup_message message = { .size = strlen(text) };
	struct mailgroup_append command = {
		.holders = { &holder, 1 },
		.messages = &message,
		.count = 1,
	};
	struct buf body = { 0 };

	cr_assert(directory_mailbox_find(txn, SLICE_LIT("user." RIG_JOHN),
					 &inbox));
	command.target.mailbox = inbox.id;
	command.target.root = inbox.root;
	store_end(&txn);
	sha256(slice_str(text), &message.hash);
	cr_assert_eq(mailgroup_append_encode(&command, &body), ERR_NONE);
	cr_assert_eq(rig_propose(b->rig, group, MAILGROUP_APPEND, &body),
		     ERR_NONE);
}

static void select_inbox(struct bench *b)
{
	talk_say(&b->talk, "s SELECT INBOX\r\n");
	talk_until(&b->talk, "s OK ", "");
}

Test(offer, fetch_reads_what_only_another_node_has)
{
	struct bench b = bench_new();

	append_elsewhere(&b, MESSAGE);
	others_put(b.others, 3, slice_str(MESSAGE));
	select_inbox(&b);
	talk_say(&b.talk, "f FETCH 1 BODY.PEEK[TEXT]\r\n");
	cr_assert(talk_until(&b.talk, "f OK ", "words of a body"));
	cr_assert_eq(others_fetched(b.others, 3), 1);
	talk_say(&b.talk, "f FETCH 1 BODY.PEEK[TEXT]\r\n");
	cr_assert(talk_until(&b.talk, "f OK ", "words of a body"));
	cr_assert_eq(others_fetched(b.others, 3), 1, "it is here now");
	bench_free(&b);
}

Test(offer, structures_are_made_of_what_only_another_node_has)
{
	struct bench b = bench_new();

	append_elsewhere(&b, MESSAGE);
	others_put(b.others, 2, slice_str(MESSAGE));
	select_inbox(&b);
	talk_say(&b.talk, "f FETCH 1 (ENVELOPE)\r\n");
	cr_assert(talk_until(&b.talk, "f OK ", "(NIL \"a\" NIL"));
	bench_free(&b);
}

Test(offer, search_reads_what_only_other_nodes_have)
{
	static const char *const texts[] = {
		"Subject: a\r\n\r\nwords one\r\n",
		"Subject: a\r\n\r\nnothing\r\n",
		"Subject: a\r\n\r\nwords two\r\n",
	};
	struct bench b = bench_new();

	for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
		append_elsewhere(&b, texts[i]);
		others_put(b.others, 2 + i % 2, slice_str(texts[i]));
	}
	append_elsewhere(&b, "words that nobody has");
	select_inbox(&b);
	talk_say(&b.talk, "f SEARCH BODY \"words\"\r\n");
	cr_assert(talk_until(&b.talk, "f OK ", "* SEARCH 1 3"));
	bench_free(&b);
}

Test(offer, fetch_of_what_nobody_has_says_so)
{
	struct bench b = bench_new();

	append_elsewhere(&b, MESSAGE);
	select_inbox(&b);
	talk_say(&b.talk, "f FETCH 1 BODY.PEEK[TEXT]\r\n");
	talk_until(&b.talk, "f NO ", "");
	bench_free(&b);
}

Test(offer, copies_to_another_group_what_this_node_lacks)
{
	struct bench b = bench_new();
	struct talk jane = talk_imap(b.rig, RIG_JANE);

	talk_say(&jane, "a SETACL INBOX " RIG_JOHN " lrsi\r\n");
	talk_until(&jane, "a OK ", "");
	append_elsewhere(&b, MESSAGE);
	others_put(b.others, 2, slice_str(MESSAGE));
	others_put(b.others, 3, slice_str(MESSAGE));
	select_inbox(&b);
	talk_say(&b.talk, "c COPY 1 \"Other Users/" RIG_JANE "\"\r\n");
	cr_assert(talk_until(&b.talk, "c OK ", "COPYUID"));
	talk_logout(&jane);
	bench_free(&b);
}
