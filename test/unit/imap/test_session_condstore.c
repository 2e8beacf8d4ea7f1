/*
 * RFC 7162: CONDSTORE and QRESYNC, in the order of the RFC.
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

/* ---- 3.2.3, 3.2.5: QRESYNC needs ENABLE ---- */

Test(session_qresync, it_must_be_enabled)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: A01 SELECT Sent (QRESYNC (3 1))\n"
	"S: A01 BAD ENABLE QRESYNC first\n"
	"C: A02 FETCH 1 UID\n"
	"S: * 1 FETCH (UID 1)\n"
	"S: A02 OK FETCH completed\n"
	"C: A03 UID FETCH 1:4 (FLAGS) (CHANGEDSINCE 1 VANISHED)\n"
	"S: A03 BAD ENABLE QRESYNC first\n"
	"C: A04 ENABLE QRESYNC\n"
	"S: * OK [HIGHESTMODSEQ 5] CONDSTORE is on\n"
	"S: * ENABLED QRESYNC\n"
	"S: A04 OK ENABLE completed\n"
	"C: A05 FETCH 1:4 (FLAGS) (CHANGEDSINCE 1 VANISHED)\n"
	"S: A05 BAD Unknown modifier\n"
	"C: A06 UID FETCH 1:4 (FLAGS) (VANISHED)\n"
	"S: A06 BAD VANISHED without CHANGEDSINCE\n"
	"C: A07 SELECT INBOX (QRESYNC (0 1))\n"
	"S: A07 BAD Number out of range\n"
	"C: A08 SELECT INBOX (QRESYNC (1 1 $))\n"
	"S: A08 BAD Bad UIDs of QRESYNC\n"
	"C: A09 SELECT INBOX (QRESYNC (1 1 1:*))\n"
	"S: A09 BAD Bad UIDs of QRESYNC\n"
	"C: A10 SELECT INBOX (QRESYNC (1 1 1:4 (1:2 5)))\n"
	"S: A10 BAD Bad match data of QRESYNC\n"
	"C: A11 FETCH 1 UID\n"
	"S: * 1 FETCH (UID 1)\n"
	"S: A11 OK FETCH completed\n");
}

/*
 * INBOX: UIDVALIDITY 67890007, UIDs 117, 119, 121, 124; 118, 120, 122 and 123
 * went at MODSEQ 31 to 34; flags of 117 and 121 changed at 35 and 36.
 */
static void given_history(struct fake_store *store)
{
	struct fake_mailbox *inbox;

	scene_given_john(store);
	inbox = scene_mailbox(store, "INBOX");
	inbox->uidvalidity = 67890007;
	inbox->count = 0;
	inbox->uidnext = 117;
	inbox->modseq = 20;
	scene_fill(inbox, 125);
	fake_message_expunge(inbox, 118, 31);
	fake_message_expunge(inbox, 120, 32);
	fake_message_expunge(inbox, 122, 33);
	fake_message_expunge(inbox, 123, 34);
	inbox->messages[0].flags = IMAP_FLAG_ANSWERED;
	inbox->messages[0].modseq = 35;
	inbox->messages[2].flags = IMAP_FLAG_DRAFT;
	inbox->messages[2].modseq = 36;
	inbox->modseq = 36;
}

Test(session_qresync, uidvalidity_does_not_match)
{
	scene_play(given_history,
	"C: A01 ENABLE QRESYNC\n"
	"S: * ENABLED QRESYNC\n"
	"S: A01 OK ENABLE completed\n"
	"C: A02 SELECT INBOX (QRESYNC (67890008 31 41,43:211,214:541))\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 4 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 67890007] UIDs are valid\n"
	"S: * OK [UIDNEXT 125] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 36] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: A02 OK [READ-WRITE] SELECT completed\n");
}

Test(session_qresync, resync)
{
	scene_play(given_history,
	"# qresync Sent\n"
	"C: A03 SELECT INBOX (QRESYNC (67890007 31))\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 4 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 67890007] UIDs are valid\n"
	"S: * OK [UIDNEXT 125] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 36] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: * VANISHED (EARLIER) 120,122:123\n"
	"S: * 1 FETCH (UID 117 FLAGS (\\Answered) MODSEQ (35))\n"
	"S: * 3 FETCH (UID 121 FLAGS (\\Draft) MODSEQ (36))\n"
	"S: A03 OK [READ-WRITE] SELECT completed\n");
}

Test(session_qresync, resync_of_known_uids_only)
{
	scene_play(given_history,
	"# qresync Sent\n"
	"C: A03 SELECT INBOX (QRESYNC (67890007 31 41:120))\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 4 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 67890007] UIDs are valid\n"
	"S: * OK [UIDNEXT 125] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 36] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: * VANISHED (EARLIER) 120\n"
	"S: * 1 FETCH (UID 117 FLAGS (\\Answered) MODSEQ (35))\n"
	"S: A03 OK [READ-WRITE] SELECT completed\n");
}

Test(session_qresync, nothing_to_tell)
{
	scene_play(given_history,
	"# qresync Sent\n"
	"C: A03 SELECT INBOX (QRESYNC (67890007 36 1:130))\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 4 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 67890007] UIDs are valid\n"
	"S: * OK [UIDNEXT 125] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 36] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: A03 OK [READ-WRITE] SELECT completed\n"
	"C: A04 SELECT INBOX (QRESYNC (67890007 99))\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 4 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 67890007] UIDs are valid\n"
	"S: * OK [UIDNEXT 125] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 36] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: A04 OK [READ-WRITE] SELECT completed\n");
}

Test(session_qresync, match_data_may_be_passed_over)
{
	scene_play(given_history,
	"# qresync Sent\n"
	"C: B04 SELECT INBOX (QRESYNC (67890007 1 117:124 (1,4 117,121)))\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 4 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 67890007] UIDs are valid\n"
	"S: * OK [UIDNEXT 125] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 36] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: * VANISHED (EARLIER) 118,120,122:123\n"
	"S: * 1 FETCH (UID 117 FLAGS (\\Answered) MODSEQ (35))\n"
	"S: * 2 FETCH (UID 119 FLAGS () MODSEQ (23))\n"
	"S: * 3 FETCH (UID 121 FLAGS (\\Draft) MODSEQ (36))\n"
	"S: * 4 FETCH (UID 124 FLAGS () MODSEQ (28))\n"
	"S: B04 OK [READ-WRITE] SELECT completed\n"
	"C: B05 EXAMINE INBOX (CONDSTORE QRESYNC (67890007 35 (1 117)))\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS ()] flags that can be kept\n"
	"S: * 4 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 67890007] UIDs are valid\n"
	"S: * OK [UIDNEXT 125] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 36] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: * 3 FETCH (UID 121 FLAGS (\\Draft) MODSEQ (36))\n"
	"S: B05 OK [READ-ONLY] EXAMINE completed\n");
}

Test(session_qresync, resync_fails)
{
	scene_play(given_history,
	"# qresync Sent\n"
	"# fail CHANGES UNAVAILABLE\n"
	"C: A01 SELECT INBOX (QRESYNC (67890007 31))\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 4 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 67890007] UIDs are valid\n"
	"S: * OK [UIDNEXT 125] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 36] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: A01 NO [UNAVAILABLE] service unavailable\n"
	"# fail ROWS UNAVAILABLE\n"
	"C: A02 SELECT INBOX (QRESYNC (67890007 31))\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 4 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 67890007] UIDs are valid\n"
	"S: * OK [UIDNEXT 125] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 36] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: * VANISHED (EARLIER) 120,122:123\n"
	"S: A02 NO [UNAVAILABLE] service unavailable\n"
	"C: A03 FETCH 1 UID\n"
	"S: A03 BAD no mailbox is selected\n");
}

/* ---- 3.2.6: UID FETCH with VANISHED ---- */

Test(session_qresync, uid_fetch_vanished)
{
	scene_play(given_history,
	"# qresync INBOX\n"
	"C: s100 UID FETCH 1:500 (FLAGS) (CHANGEDSINCE 31 VANISHED)\n"
	"S: * VANISHED (EARLIER) 120,122:123\n"
	"S: * 1 FETCH (UID 117 FLAGS (\\Answered) MODSEQ (35))\n"
	"S: * 3 FETCH (UID 121 FLAGS (\\Draft) MODSEQ (36))\n"
	"S: s100 OK UID FETCH completed\n"
	"C: s101 UID FETCH 118 (FLAGS) (CHANGEDSINCE 20 VANISHED)\n"
	"S: * VANISHED (EARLIER) 118\n"
	"S: s101 OK UID FETCH completed\n"
	"C: s102 UID FETCH 117,119 (FLAGS) (CHANGEDSINCE 20 VANISHED)\n"
	"S: * 1 FETCH (UID 117 FLAGS (\\Answered) MODSEQ (35))\n"
	"S: * 2 FETCH (UID 119 FLAGS () MODSEQ (23))\n"
	"S: s102 OK UID FETCH completed\n"
	"C: s103 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 36 VANISHED)\n"
	"S: s103 OK UID FETCH completed\n"
	"C: s104 UID FETCH 500:* UID (CHANGEDSINCE 1 VANISHED)\n"
	"S: * 4 FETCH (UID 124 MODSEQ (28))\n"
	"S: s104 OK UID FETCH completed\n");
}

Test(session_qresync, what_is_still_in_the_view_is_not_vanished_earlier)
{
	/* section 3.2.10: each is told once, and not EARLIER */
	scene_play(given_history,
	"# qresync INBOX\n"
	"2# select INBOX\n"
	"2C: x STORE 1 +FLAGS.SILENT (\\Deleted)\n"
	"2S: x OK STORE completed\n"
	"2C: y EXPUNGE\n"
	"2S: * 1 EXPUNGE\n"
	"2S: y OK EXPUNGE completed\n"
	"C: s100 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 34 VANISHED)\n"
	"S: * 3 FETCH (UID 121 FLAGS (\\Draft) MODSEQ (36))\n"
	"S: * VANISHED 117\n"
	"S: s100 OK UID FETCH completed\n");
}

/* ---- 3.2.7, 3.2.9: EXPUNGE, UID EXPUNGE ---- */

Test(session_qresync, expunge)
{
	scene_play(given_history,
	"# qresync INBOX\n"
	"C: B201 STORE 1,3:4 +FLAGS.SILENT (\\Deleted)\n"
	"S: * 1 FETCH (UID 117 MODSEQ (37))\n"
	"S: * 3 FETCH (UID 121 MODSEQ (37))\n"
	"S: * 4 FETCH (UID 124 MODSEQ (37))\n"
	"S: B201 OK STORE completed\n"
	"C: B202 EXPUNGE\n"
	"S: * VANISHED 117,121,124\n"
	"S: B202 OK [HIGHESTMODSEQ 38] EXPUNGE completed\n"
	"C: B203 EXPUNGE\n"
	"S: B203 OK EXPUNGE completed\n"
	"C: B204 STORE 1 +FLAGS.SILENT (\\Deleted)\n"
	"S: * 1 FETCH (UID 119 MODSEQ (39))\n"
	"S: B204 OK STORE completed\n"
	"C: B205 UID EXPUNGE 1:118\n"
	"S: B205 OK UID EXPUNGE completed\n"
	"C: B206 UID EXPUNGE 119\n"
	"S: * VANISHED 119\n"
	"S: B206 OK [HIGHESTMODSEQ 40] UID EXPUNGE completed\n");
}

Test(session_qresync, expunge_tells_modseq_only_up_to_what_was_told)
{
	scene_play(given_history,
	"# qresync INBOX\n"
	"C: B201 STORE 1 +FLAGS.SILENT (\\Deleted)\n"
	"S: * 1 FETCH (UID 117 MODSEQ (37))\n"
	"S: B201 OK STORE completed\n"
	"# fail SYNC UNAVAILABLE\n"
	"C: B202 EXPUNGE\n"
	"S: * OK [HIGHESTMODSEQ 37] all up to it was told\n"
	"S: B202 OK [HIGHESTMODSEQ 37] EXPUNGE completed\n"
	"C: B203 NOOP\n"
	"S: * VANISHED 117\n"
	"S: B203 OK NOOP completed\n");
}

/* ---- 3.2.8: CLOSE has no HIGHESTMODSEQ ---- */

Test(session_qresync, close)
{
	scene_play(given_history,
	"# qresync INBOX\n"
	"C: A340 STORE 1 +FLAGS.SILENT (\\Deleted)\n"
	"S: * 1 FETCH (UID 117 MODSEQ (37))\n"
	"S: A340 OK STORE completed\n"
	"C: A341 CLOSE\n"
	"S: A341 OK CLOSE completed\n");
}

/* ---- RFC 6851 section 4.4: MOVE ---- */

Test(session_qresync, move)
{
	scene_play(given_history,
	"# qresync INBOX\n"
	"C: a UID MOVE 119,121 Sent\n"
	"S: * OK [COPYUID 3 119,121 1:2] moved\n"
	"S: * VANISHED 119,121\n"
	"S: a OK [HIGHESTMODSEQ 37] UID MOVE completed\n"
	"C: b UID MOVE 500 Sent\n"
	"S: b OK UID MOVE completed\n");
}

/* ---- 3.2.10: VANISHED ---- */

Test(session_qresync, vanished_of_other_sessions)
{
	scene_play(given_history,
	"# qresync INBOX\n"
	"2# select INBOX\n"
	"2C: x STORE 2:3 +FLAGS.SILENT (\\Deleted)\n"
	"2S: x OK STORE completed\n"
	"2C: y EXPUNGE\n"
	"2S: * 3 EXPUNGE\n"
	"2S: * 2 EXPUNGE\n"
	"2S: y OK EXPUNGE completed\n"
	"C: A1 NOOP\n"
	"S: * VANISHED 119,121\n"
	"S: A1 OK NOOP completed\n"
	"C: A2 IDLE\n"
	"S: + idling\n"
	"2C: z STORE 1 +FLAGS.SILENT (\\Deleted)\n"
	"S: * 1 FETCH (UID 117 FLAGS (\\Answered \\Deleted) MODSEQ (39))\n"
	"2S: z OK STORE completed\n"
	"2C: w EXPUNGE\n"
	"S: * VANISHED 117\n"
	"2S: * 1 EXPUNGE\n"
	"2S: w OK EXPUNGE completed\n"
	"C: DONE\n"
	"S: A2 OK IDLE completed\n");
}

/* ---- 6: VANISHED is delayed ---- */

Test(session_qresync, vanished_is_delayed)
{
	scene_play(given_history,
	"# qresync INBOX\n"
	"2# select INBOX\n"
	"2C: x STORE 4 +FLAGS.SILENT (\\Deleted)\n"
	"2S: x OK STORE completed\n"
	"2C: y EXPUNGE\n"
	"2S: * 4 EXPUNGE\n"
	"2S: y OK EXPUNGE completed\n"
	"C: A150 STORE 1:3 (UNCHANGEDSINCE 35) +FLAGS.SILENT \\Seen\n"
	"S: * 1 FETCH (UID 117 FLAGS (\\Answered \\Seen) MODSEQ (39))\n"
	"S: * 2 FETCH (UID 119 FLAGS (\\Seen) MODSEQ (39))\n"
	"S: * OK [HIGHESTMODSEQ 36] all up to it was told\n"
	"S: * 3 FETCH (UID 121 FLAGS (\\Draft) MODSEQ (36))\n"
	"S: A150 OK [MODIFIED 3] STORE completed\n"
	"C: A151 STORE 3 +FLAGS.SILENT \\Seen\n"
	"S: * 3 FETCH (UID 121 MODSEQ (40))\n"
	"S: * OK [HIGHESTMODSEQ 36] all up to it was told\n"
	"S: A151 OK STORE completed\n"
	"C: A152 FETCH 1:3 (FLAGS)\n"
	"S: * 1 FETCH (FLAGS (\\Answered \\Seen))\n"
	"S: * 2 FETCH (FLAGS (\\Seen))\n"
	"S: * 3 FETCH (FLAGS (\\Seen \\Draft))\n"
	"S: * OK [HIGHESTMODSEQ 36] all up to it was told\n"
	"S: A152 OK FETCH completed\n"
	"C: A153 NOOP\n"
	"S: * VANISHED 124\n"
	"S: * OK [HIGHESTMODSEQ 40] all up to it was told\n"
	"S: A153 OK NOOP completed\n");
}
