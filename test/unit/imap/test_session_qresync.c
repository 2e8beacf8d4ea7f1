/*
 * RFC 7162 sections 3.2 and 6: QRESYNC, in its order.
 */
#include <criterion/criterion.h>

#include "scene.h"

/* clang-format off */

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
