/*
 * RFC 7162 section 3.1: CONDSTORE, in its order.
 */
#include <criterion/criterion.h>

#include "scene.h"

/* clang-format off */

/* ---- 3.1: CONDSTORE enabling commands ---- */

Test(session_condstore, each_enabling_command_tells_the_modseq)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: a STORE 1 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Flagged)\n"
	"S: * OK [HIGHESTMODSEQ 5] CONDSTORE is on\n"
	"S: * 1 FETCH (UID 1 MODSEQ (6))\n"
	"S: a OK STORE completed\n"
	"C: b STORE 2 +FLAGS.SILENT (\\Flagged)\n"
	"S: * 2 FETCH (UID 2 MODSEQ (7))\n"
	"S: b OK STORE completed\n"
	"2# select INBOX\n"
	"2C: a FETCH 1 (MODSEQ)\n"
	"2S: * OK [HIGHESTMODSEQ 7] CONDSTORE is on\n"
	"2S: * 1 FETCH (MODSEQ (6))\n"
	"2S: a OK FETCH completed\n"
	"2C: b STORE 2 -FLAGS (\\Flagged)\n"
	"2S: * 2 FETCH (UID 2 FLAGS () MODSEQ (8))\n"
	"2S: b OK STORE completed\n"
	"C: c NOOP\n"
	"S: * 2 FETCH (UID 2 FLAGS () MODSEQ (8))\n"
	"S: c OK NOOP completed\n");
}

Test(session_condstore, enabled_by_search_and_by_changedsince)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: a SEARCH MODSEQ 3\n"
	"S: * OK [HIGHESTMODSEQ 5] CONDSTORE is on\n"
	"S: * SEARCH 2 3 4 (MODSEQ 5)\n"
	"S: a OK SEARCH completed\n"
	"C: b STORE 2 +FLAGS.SILENT (\\Flagged)\n"
	"S: * 2 FETCH (UID 2 MODSEQ (6))\n"
	"S: b OK STORE completed\n"
	"2# select INBOX\n"
	"2C: a FETCH 1:* (FLAGS) (CHANGEDSINCE 4)\n"
	"2S: * OK [HIGHESTMODSEQ 6] CONDSTORE is on\n"
	"2S: * 2 FETCH (FLAGS (\\Flagged) MODSEQ (6))\n"
	"2S: * 4 FETCH (FLAGS () MODSEQ (5))\n"
	"2S: a OK FETCH completed\n"
	"2C: b STORE 2 -FLAGS (\\Flagged)\n"
	"2S: * 2 FETCH (UID 2 FLAGS () MODSEQ (7))\n"
	"2S: b OK STORE completed\n");
}

Test(session_condstore, select_with_the_parameter)
{
	/* examples 1 and 18 */
	scene_play(scene_given_john,
	"C: A142 SELECT INBOX (CONDSTORE)\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 4 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 1] UIDs are valid\n"
	"S: * OK [UIDNEXT 5] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 5] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: A142 OK [READ-WRITE] SELECT completed\n"
	"C: A143 STORE 1 +FLAGS (\\Flagged)\n"
	"S: * 1 FETCH (UID 1 FLAGS (\\Flagged) MODSEQ (6))\n"
	"S: A143 OK STORE completed\n"
	"C: A144 ENABLE CONDSTORE\n"
	"S: * ENABLED CONDSTORE\n"
	"S: A144 OK ENABLE completed\n");
}

/* ---- 3.1.3: STORE with UNCHANGEDSINCE ---- */

static void given_modseqs(struct fake_store *store)
{
	struct fake_mailbox *inbox;

	scene_given_john(store);
	inbox = scene_mailbox(store, "INBOX");
	scene_fill(inbox, 13);
	for (size_t i = 0; i < inbox->count; i++) {
		inbox->messages[i].uid *= 2;
		inbox->messages[i].modseq = 320162330 + i;
	}
	inbox->uidnext = 30;
	inbox->modseq = 320162350;
}

Test(session_condstore, all_messages_pass)
{
	/* examples 3, 4 and 5 */
	scene_play(given_modseqs,
	"# select INBOX\n"
	"C: a103 UID STORE 6,4,8 (UNCHANGEDSINCE 12121230045) +FLAGS.SILENT "
	    "(\\Deleted)\n"
	"S: * OK [HIGHESTMODSEQ 320162350] CONDSTORE is on\n"
	"S: * 2 FETCH (UID 4 MODSEQ (320162351))\n"
	"S: * 3 FETCH (UID 6 MODSEQ (320162351))\n"
	"S: * 4 FETCH (UID 8 MODSEQ (320162351))\n"
	"S: a103 OK UID STORE completed\n"
	"C: a104 STORE * (UNCHANGEDSINCE 12121230045) +FLAGS.SILENT "
	    "(\\Deleted $Processed)\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft "
	    "$Processed)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft $Processed \\*)] flags that can be kept\n"
	"S: * 12 FETCH (UID 24 MODSEQ (320162352))\n"
	"S: a104 OK STORE completed\n"
	"C: c101 STORE 12 (UNCHANGEDSINCE 12121230045) -FLAGS.SILENT "
	    "(\\Deleted)\n"
	"S: * 12 FETCH (UID 24 MODSEQ (320162353))\n"
	"S: c101 OK STORE completed\n");
}

Test(session_condstore, some_messages_fail)
{
	/* example 6 */
	scene_play(given_modseqs,
	"# select INBOX\n"
	"C: d105 STORE 7,5,9 (UNCHANGEDSINCE 320162335) +FLAGS.SILENT "
	    "(\\Deleted)\n"
	"S: * OK [HIGHESTMODSEQ 320162350] CONDSTORE is on\n"
	"S: * 5 FETCH (UID 10 MODSEQ (320162351))\n"
	"S: * 7 FETCH (UID 14 FLAGS () MODSEQ (320162336))\n"
	"S: * 9 FETCH (UID 18 FLAGS () MODSEQ (320162338))\n"
	"S: d105 OK [MODIFIED 7,9] STORE completed\n"
	"C: d106 UID STORE 14,10,18 (UNCHANGEDSINCE 320162335) +FLAGS "
	    "(\\Seen)\n"
	"S: * 5 FETCH (UID 10 FLAGS (\\Deleted) MODSEQ (320162351))\n"
	"S: * 7 FETCH (UID 14 FLAGS () MODSEQ (320162336))\n"
	"S: * 9 FETCH (UID 18 FLAGS () MODSEQ (320162338))\n"
	"S: d106 OK [MODIFIED 10,14,18] UID STORE completed\n");
}

Test(session_condstore, modseq_0_always_fails)
{
	/* example 7 */
	scene_play(given_modseqs,
	"# select INBOX\n"
	"C: a102 STORE 12 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent)\n"
	"S: * OK [HIGHESTMODSEQ 320162350] CONDSTORE is on\n"
	"S: * 12 FETCH (UID 24 FLAGS () MODSEQ (320162341))\n"
	"S: a102 OK [MODIFIED 12] STORE completed\n");
}

Test(session_condstore, another_session_was_first)
{
	/* examples 9 and 10: the reason is told with the MODIFIED */
	scene_play(given_modseqs,
	"# select INBOX\n"
	"2# select INBOX\n"
	"2C: x STORE 2 +FLAGS.SILENT ($Processed)\n"
	"2S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft "
	    "$Processed)\n"
	"2S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft $Processed \\*)] flags that can be kept\n"
	"2S: x OK STORE completed\n"
	"C: a106 STORE 1:3 (UNCHANGEDSINCE 320162350) +FLAGS.SILENT "
	    "($Processed)\n"
	"S: * OK [HIGHESTMODSEQ 320162350] CONDSTORE is on\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft "
	    "$Processed)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft $Processed \\*)] flags that can be kept\n"
	"S: * 1 FETCH (UID 2 FLAGS ($Processed) MODSEQ (320162352))\n"
	"S: * 2 FETCH (UID 4 FLAGS ($Processed) MODSEQ (320162351))\n"
	"S: * 3 FETCH (UID 6 FLAGS ($Processed) MODSEQ (320162352))\n"
	"S: a106 OK [MODIFIED 2] STORE completed\n"
	"C: b108 STORE 2 (UNCHANGEDSINCE 320162351) +FLAGS.SILENT "
	    "($Processed)\n"
	"S: * 2 FETCH (UID 4 FLAGS ($Processed) MODSEQ (320162351))\n"
	"S: b108 OK STORE completed\n");
}

Test(session_condstore, expunged_messages_among_them)
{
	/* example 11 */
	scene_play(given_modseqs,
	"# select INBOX\n"
	"2# select INBOX\n"
	"2C: x STORE 4:7 +FLAGS.SILENT (\\Deleted)\n"
	"2S: x OK STORE completed\n"
	"2C: y EXPUNGE\n"
	"2S: * 7 EXPUNGE\n"
	"2S: * 6 EXPUNGE\n"
	"2S: * 5 EXPUNGE\n"
	"2S: * 4 EXPUNGE\n"
	"2S: y OK EXPUNGE completed\n"
	"2C: z STORE 2 +FLAGS.SILENT (\\Answered)\n"
	"2S: z OK STORE completed\n"
	"C: B001 STORE 1:7 (UNCHANGEDSINCE 320162350) +FLAGS (\\SEEN)\n"
	"S: * OK [HIGHESTMODSEQ 320162350] CONDSTORE is on\n"
	"S: * 1 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (320162354))\n"
	"S: * 2 FETCH (UID 4 FLAGS (\\Answered) MODSEQ (320162353))\n"
	"S: * 3 FETCH (UID 6 FLAGS (\\Seen) MODSEQ (320162354))\n"
	"S: B001 NO [MODIFIED 2] some messages are gone\n"
	"C: B002 NOOP\n"
	"S: * 7 EXPUNGE\n"
	"S: * 6 EXPUNGE\n"
	"S: * 5 EXPUNGE\n"
	"S: * 4 EXPUNGE\n"
	"S: B002 OK NOOP completed\n"
	"C: b003 STORE 2 (UNCHANGEDSINCE 320162353) +FLAGS (\\Seen)\n"
	"S: * 2 FETCH (UID 4 FLAGS (\\Answered \\Seen) MODSEQ (320162355))\n"
	"S: b003 OK STORE completed\n");
}

Test(session_condstore, a_number_that_stands_twice_in_the_set)
{
	scene_play(given_modseqs,
	"# select INBOX\n"
	"C: e105 STORE 7,3:9 (UNCHANGEDSINCE 12121230045) +FLAGS.SILENT "
	    "(\\Deleted)\n"
	"S: * OK [HIGHESTMODSEQ 320162350] CONDSTORE is on\n"
	"S: * 3 FETCH (UID 6 MODSEQ (320162351))\n"
	"S: * 4 FETCH (UID 8 MODSEQ (320162351))\n"
	"S: * 5 FETCH (UID 10 MODSEQ (320162351))\n"
	"S: * 6 FETCH (UID 12 MODSEQ (320162351))\n"
	"S: * 7 FETCH (UID 14 MODSEQ (320162351))\n"
	"S: * 8 FETCH (UID 16 MODSEQ (320162351))\n"
	"S: * 9 FETCH (UID 18 MODSEQ (320162351))\n"
	"S: e105 OK STORE completed\n");
}

Test(session_condstore, a_condition_met_without_a_change_tells_modseq)
{
	scene_play(given_modseqs,
	"# select INBOX\n"
	"C: a STORE 1 +FLAGS.SILENT (\\Flagged)\n"
	"S: a OK STORE completed\n"
	"C: b STORE 1:2 (UNCHANGEDSINCE 999999999) +FLAGS.SILENT (\\Flagged)\n"
	"S: * OK [HIGHESTMODSEQ 320162351] CONDSTORE is on\n"
	"S: * 2 FETCH (UID 4 MODSEQ (320162352))\n"
	"S: * 1 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (320162351))\n"
	"S: b OK STORE completed\n"
	"C: c STORE 1:2 (UNCHANGEDSINCE 999999999) +FLAGS.SILENT (\\Flagged)\n"
	"S: * 1 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (320162351))\n"
	"S: * 2 FETCH (UID 4 FLAGS (\\Flagged) MODSEQ (320162352))\n"
	"S: c OK STORE completed\n");
}

/* ---- 3.1.4: FETCH ---- */

Test(session_condstore, fetch_changedsince)
{
	/* example 12 */
	scene_play(given_modseqs,
	"# select INBOX\n"
	"C: s100 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 320162339)\n"
	"S: * OK [HIGHESTMODSEQ 320162350] CONDSTORE is on\n"
	"S: * 11 FETCH (UID 22 FLAGS () MODSEQ (320162340))\n"
	"S: * 12 FETCH (UID 24 FLAGS () MODSEQ (320162341))\n"
	"S: s100 OK UID FETCH completed\n"
	"C: s101 FETCH 1:* (FLAGS) (CHANGEDSINCE 999999999)\n"
	"S: s101 OK FETCH completed\n"
	"C: s102 FETCH 1 (UID MODSEQ) (CHANGEDSINCE 1)\n"
	"S: * 1 FETCH (UID 2 MODSEQ (320162330))\n"
	"S: s102 OK FETCH completed\n"
	"C: s103 FETCH 1 (UID) (CHANGEDSINCE 0)\n"
	"S: s103 BAD Number out of range\n");
}

Test(session_condstore, fetch_modseq)
{
	/* example 13 */
	scene_play(given_modseqs,
	"# select INBOX\n"
	"C: a FETCH 1:3 (MODSEQ)\n"
	"S: * OK [HIGHESTMODSEQ 320162350] CONDSTORE is on\n"
	"S: * 1 FETCH (MODSEQ (320162330))\n"
	"S: * 2 FETCH (MODSEQ (320162331))\n"
	"S: * 3 FETCH (MODSEQ (320162332))\n"
	"S: a OK FETCH completed\n"
	"C: b FETCH 1:3 (FLAGS)\n"
	"S: * 1 FETCH (FLAGS ())\n"
	"S: * 2 FETCH (FLAGS ())\n"
	"S: * 3 FETCH (FLAGS ())\n"
	"S: b OK FETCH completed\n");
}

Test(session_condstore, changes_are_told_to_other_sessions)
{
	/* example 14 */
	scene_play(scene_given_john,
	"C: A142 SELECT INBOX (CONDSTORE)\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 4 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 1] UIDs are valid\n"
	"S: * OK [UIDNEXT 5] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 5] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: A142 OK [READ-WRITE] SELECT completed\n"
	"2C: B142 SELECT INBOX (CONDSTORE)\n"
	"2S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"2S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"2S: * 4 EXISTS\n"
	"2S: * 0 RECENT\n"
	"2S: * OK [UNSEEN 1] first unseen message\n"
	"2S: * OK [UIDVALIDITY 1] UIDs are valid\n"
	"2S: * OK [UIDNEXT 5] predicted next UID\n"
	"2S: * OK [HIGHESTMODSEQ 5] mod-sequence\n"
	"2S: * OK [MAILBOXID (F1)] object id\n"
	"2S: B142 OK [READ-WRITE] SELECT completed\n"
	"C: A160 STORE 4 +FLAGS.SILENT (\\Deleted)\n"
	"S: * 4 FETCH (UID 4 MODSEQ (6))\n"
	"S: A160 OK STORE completed\n"
	"2C: C180 NOOP\n"
	"2S: * 4 FETCH (UID 4 FLAGS (\\Deleted) MODSEQ (6))\n"
	"2S: C180 OK NOOP completed\n"
	"C: A240 STORE 4 +FLAGS.SILENT (\\Seen)\n"
	"S: * 4 FETCH (UID 4 MODSEQ (7))\n"
	"S: A240 OK STORE completed\n"
	"2C: C270 NOOP\n"
	"2S: * 4 FETCH (UID 4 FLAGS (\\Deleted \\Seen) MODSEQ (7))\n"
	"2S: C270 OK NOOP completed\n"
	"C: A330 STORE 4 -FLAGS.SILENT (\\Answered \\Seen)\n"
	"S: * 4 FETCH (UID 4 MODSEQ (8))\n"
	"S: A330 OK STORE completed\n"
	"2C: C360 NOOP\n"
	"2S: * 4 FETCH (UID 4 FLAGS (\\Deleted) MODSEQ (8))\n"
	"2S: C360 OK NOOP completed\n");
}

Test(session_condstore, fetch_that_sets_seen_tells_uid_and_modseq)
{
	/* section 3.2.4 */
	scene_play(scene_given_john,
	"C: A142 SELECT INBOX (CONDSTORE)\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 4 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 1] UIDs are valid\n"
	"S: * OK [UIDNEXT 5] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 5] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: A142 OK [READ-WRITE] SELECT completed\n"
	"C: a FETCH 3 BODY[TEXT]\n"
	"S: * 3 FETCH (BODY[TEXT] {3}\n"
	"S: 3\n"
	"S:  FLAGS (\\Seen) UID 3 MODSEQ (6))\n"
	"S: a OK FETCH completed\n"
	"C: b FETCH 3 BODY[TEXT]\n"
	"S: * 3 FETCH (BODY[TEXT] {3}\n"
	"S: 3\n"
	"S: )\n"
	"S: b OK FETCH completed\n"
	"C: c UID FETCH 1 (FLAGS MODSEQ BODY[]<0.1>)\n"
	"S: * 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (7) BODY[]<0> {1}\n"
	"S: D)\n"
	"S: c OK UID FETCH completed\n");
}

/* ---- 3.1.5, 3.1.6: SEARCH MODSEQ ---- */

Test(session_condstore, search_modseq)
{
	/* examples 15, 16 and 19 */
	scene_play(given_modseqs,
	"# select INBOX\n"
	"C: a SEARCH MODSEQ \"/flags/\\\\draft\" all 320162338\n"
	"S: * OK [HIGHESTMODSEQ 320162350] CONDSTORE is on\n"
	"S: * SEARCH 9 10 11 12 (MODSEQ 320162341)\n"
	"S: a OK SEARCH completed\n"
	"C: t SEARCH OR NOT MODSEQ 1 LARGER 50000\n"
	"S: * SEARCH\n"
	"S: t OK SEARCH completed\n"
	"C: b SEARCH RETURN (ALL) MODSEQ 320162339\n"
	"S: * ESEARCH (TAG \"b\") ALL 10:12 MODSEQ 320162341\n"
	"S: b OK SEARCH completed\n"
	"C: c UID SEARCH RETURN (MIN) MODSEQ 320162337\n"
	"S: * ESEARCH (TAG \"c\") UID MIN 16 MODSEQ 320162337\n"
	"S: c OK UID SEARCH completed\n"
	"C: d SEARCH RETURN (MAX) MODSEQ 320162337\n"
	"S: * ESEARCH (TAG \"d\") MAX 12 MODSEQ 320162341\n"
	"S: d OK SEARCH completed\n"
	"C: e SEARCH RETURN (MIN MAX) MODSEQ 320162337\n"
	"S: * ESEARCH (TAG \"e\") MIN 8 MAX 12 MODSEQ 320162341\n"
	"S: e OK SEARCH completed\n"
	"C: f SEARCH RETURN (COUNT) MODSEQ 320162337\n"
	"S: * ESEARCH (TAG \"f\") COUNT 5 MODSEQ 320162341\n"
	"S: f OK SEARCH completed\n"
	"C: g SEARCH RETURN (MIN COUNT) MODSEQ 999999999\n"
	"S: * ESEARCH (TAG \"g\") COUNT 0\n"
	"S: g OK SEARCH completed\n");
}

/* ---- 3.1.7: STATUS ---- */

Test(session_condstore, status_highestmodseq)
{
	/* example 17 */
	scene_play(given_modseqs,
	"C: A042 STATUS INBOX (UIDNEXT MESSAGES HIGHESTMODSEQ)\n"
	"S: * STATUS INBOX (MESSAGES 12 UIDNEXT 30 HIGHESTMODSEQ 320162350)\n"
	"S: A042 OK STATUS completed\n"
	"# select INBOX\n"
	"C: A043 STORE 1 +FLAGS (\\Seen)\n"
	"S: * 1 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (320162351))\n"
	"S: A043 OK STORE completed\n");
}

/* ---- 3.1.11: nothing changes, no MODSEQ ---- */

Test(session_condstore, what_changes_nothing_takes_no_modseq)
{
	scene_play(given_modseqs,
	"# select INBOX\n"
	"C: a STORE 1 +FLAGS.SILENT (\\Flagged)\n"
	"S: a OK STORE completed\n"
	"C: b STORE 1 +FLAGS.SILENT (\\Flagged)\n"
	"S: b OK STORE completed\n"
	"C: c STATUS INBOX (HIGHESTMODSEQ)\n"
	"S: * OK [HIGHESTMODSEQ 320162351] CONDSTORE is on\n"
	"S: * STATUS INBOX (HIGHESTMODSEQ 320162351)\n"
	"S: c OK STATUS completed\n");
}
