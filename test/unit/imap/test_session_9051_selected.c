/*
 * Commands of the selected state: RFC 9051 section 6.4 in order, without FETCH
 * and SEARCH, which have files of their own; RFC 3691 (UNSELECT), 4315
 * (UIDPLUS), 6851 (MOVE).
 */
#include <criterion/criterion.h>

#include "scene.h"

/* clang-format off */

/* ---- 6.4.1: CLOSE; 6.4.2: UNSELECT ---- */

Test(session_selected, close_expunges_silently)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"2# select INBOX\n"
	"C: A340 STORE 1,3 +FLAGS.SILENT (\\Deleted)\n"
	"S: A340 OK STORE completed\n"
	"C: A341 CLOSE\n"
	"S: A341 OK CLOSE completed\n"
	"C: A342 FETCH 1 UID\n"
	"S: A342 BAD no mailbox is selected\n"
	"2C: B1 NOOP\n"
	"2S: * 3 EXPUNGE\n"
	"2S: * 1 EXPUNGE\n"
	"2S: B1 OK NOOP completed\n"
	"C: A343 STATUS INBOX (MESSAGES)\n"
	"S: * STATUS INBOX (MESSAGES 2)\n"
	"S: A343 OK STATUS completed\n");
}

Test(session_selected, close_of_what_was_examined_expunges_nothing)
{
	scene_play(scene_given_john,
	"2# select INBOX\n"
	"2C: B1 STORE 1 +FLAGS.SILENT (\\Deleted)\n"
	"2S: B1 OK STORE completed\n"
	"C: A340 EXAMINE INBOX\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS ()] flags that can be kept\n"
	"S: * 4 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 1] UIDs are valid\n"
	"S: * OK [UIDNEXT 5] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 6] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: A340 OK [READ-ONLY] EXAMINE completed\n"
	"C: A341 CLOSE\n"
	"S: A341 OK CLOSE completed\n"
	"2C: B2 NOOP\n"
	"2S: B2 OK NOOP completed\n");
}

Test(session_selected, close_without_the_right_expunges_nothing)
{
	scene_play(scene_given_john,
	"2# login jane\n"
	"2# select Plans\n"
	"2C: B1 STORE 1 +FLAGS.SILENT (\\Deleted)\n"
	"2S: B1 OK STORE completed\n"
	"# select Other Users/jane/Plans\n"
	"C: A341 CLOSE\n"
	"S: A341 OK CLOSE completed\n"
	"2C: B2 NOOP\n"
	"2S: B2 OK NOOP completed\n");
}

Test(session_selected, a_close_that_cannot_expunge_leaves_it_selected)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: A1 STORE 1 +FLAGS.SILENT (\\Deleted)\n"
	"S: A1 OK STORE completed\n"
	"# fail EXPUNGE UNAVAILABLE\n"
	"C: A2 CLOSE\n"
	"S: A2 NO [UNAVAILABLE] service unavailable\n"
	"C: A3 FETCH 1 (UID)\n"
	"S: * 1 FETCH (UID 1)\n"
	"S: A3 OK FETCH completed\n"
	"C: A4 CLOSE\n"
	"S: A4 OK CLOSE completed\n"
	"C: A5 CLOSE\n"
	"S: A5 BAD no mailbox is selected\n");
}

Test(session_selected, unselect)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: A1 STORE 1 +FLAGS.SILENT (\\Deleted)\n"
	"S: A1 OK STORE completed\n"
	"C: A202 UNSELECT\n"
	"S: A202 OK UNSELECT completed\n"
	"C: A203 UNSELECT\n"
	"S: A203 BAD no mailbox is selected\n"
	"C: A204 STATUS INBOX (MESSAGES)\n"
	"S: * STATUS INBOX (MESSAGES 4)\n"
	"S: A204 OK STATUS completed\n");
}

/* ---- 6.4.3: EXPUNGE; 6.4.9: UID EXPUNGE ---- */

static void given_eleven(struct fake_store *store)
{
	struct fake_mailbox *inbox;
	static const size_t deleted[] = { 3, 4, 7, 11 };

	scene_given_john(store);
	inbox = scene_mailbox(store, "INBOX");
	scene_fill(inbox, 12);
	for (size_t i = 0; i < ARRAY_LEN(deleted); i++)
		inbox->messages[deleted[i] - 1].flags = IMAP_FLAG_DELETED;
}

Test(session_selected, expunge)
{
	scene_play(given_eleven,
	"# select INBOX\n"
	"C: A202 EXPUNGE\n"
	"S: * 11 EXPUNGE\n"
	"S: * 7 EXPUNGE\n"
	"S: * 4 EXPUNGE\n"
	"S: * 3 EXPUNGE\n"
	"S: A202 OK EXPUNGE completed\n"
	"C: A203 EXPUNGE\n"
	"S: A203 OK EXPUNGE completed\n");
}

Test(session_selected, expunge_of_several_in_a_row)
{
	scene_play(given_eleven,
	"# select INBOX\n"
	"C: A201 STORE 1:4 +FLAGS.SILENT (\\Deleted)\n"
	"S: A201 OK STORE completed\n"
	"C: A202 EXPUNGE\n"
	"S: * 11 EXPUNGE\n"
	"S: * 7 EXPUNGE\n"
	"S: * 4 EXPUNGE\n"
	"S: * 3 EXPUNGE\n"
	"S: * 2 EXPUNGE\n"
	"S: * 1 EXPUNGE\n"
	"S: A202 OK EXPUNGE completed\n");
}

Test(session_selected, uid_expunge)
{
	scene_play(given_eleven,
	"# select INBOX\n"
	"C: A003 UID EXPUNGE 1:3,9:*\n"
	"S: * 11 EXPUNGE\n"
	"S: * 3 EXPUNGE\n"
	"S: A003 OK UID EXPUNGE completed\n"
	"C: A004 UID EXPUNGE 4000\n"
	"S: A004 OK UID EXPUNGE completed\n"
	"C: A005 UID EXPUNGE 5\n"
	"S: A005 OK UID EXPUNGE completed\n"
	"C: A006 UID SEARCH ALL\n"
	"S: * SEARCH 1 2 4 5 6 7 8 9 10\n"
	"S: A006 OK UID SEARCH completed\n");
}

Test(session_selected, expunge_leaves_what_the_session_has_not_seen)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"2P: B1 APPEND INBOX (\\Deleted) {5+}\n"
	"2C: hello\n"
	"2S: B1 OK [APPENDUID 1 5] APPEND completed\n"
	"C: A202 EXPUNGE\n"
	"S: * 5 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: A202 OK EXPUNGE completed\n"
	"C: A203 EXPUNGE\n"
	"S: * 5 EXPUNGE\n"
	"S: A203 OK EXPUNGE completed\n");
}

Test(session_selected, expunge_without_the_right)
{
	scene_play(scene_given_john,
	"# select Other Users/jane/Plans\n"
	"C: A1 EXPUNGE\n"
	"S: A1 NO [NOPERM] permission denied\n"
	"C: A2 UID EXPUNGE 1\n"
	"S: A2 NO [NOPERM] permission denied\n"
	"C: A3 MOVE 1 INBOX\n"
	"S: A3 NO [NOPERM] permission denied\n");
}

/* ---- 6.4.6: STORE ---- */

Test(session_selected, store)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: A003 STORE 2:4 +FLAGS (\\Deleted)\n"
	"S: * 2 FETCH (UID 2 FLAGS (\\Deleted))\n"
	"S: * 3 FETCH (UID 3 FLAGS (\\Deleted))\n"
	"S: * 4 FETCH (UID 4 FLAGS (\\Deleted))\n"
	"S: A003 OK STORE completed\n"
	"C: A004 STORE 3 FLAGS (\\Seen $Forwarded)\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft "
	    "$Forwarded)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft $Forwarded \\*)] flags that can be kept\n"
	"S: * 3 FETCH (UID 3 FLAGS (\\Seen $Forwarded))\n"
	"S: A004 OK STORE completed\n"
	"C: A005 STORE 3 -FLAGS \\Seen Other\n"
	"S: * 3 FETCH (UID 3 FLAGS ($Forwarded))\n"
	"S: A005 OK STORE completed\n"
	"C: A006 STORE 3,3:4 -FLAGS.SILENT (\\Deleted $Forwarded)\n"
	"S: A006 OK STORE completed\n"
	"C: A007 FETCH 1:4 FLAGS\n"
	"S: * 1 FETCH (FLAGS ())\n"
	"S: * 2 FETCH (FLAGS (\\Deleted))\n"
	"S: * 3 FETCH (FLAGS ())\n"
	"S: * 4 FETCH (FLAGS ())\n"
	"S: A007 OK FETCH completed\n"
	"C: A008 UID STORE 4,9:* +FLAGS (\\Answered)\n"
	"S: * 4 FETCH (UID 4 FLAGS (\\Answered))\n"
	"S: A008 OK UID STORE completed\n"
	"C: A009 STORE 5 +FLAGS (\\Deleted)\n"
	"S: A009 BAD no such message\n"
	"C: A010 STORE 1 FLAGS ()\n"
	"S: * 1 FETCH (UID 1 FLAGS ())\n"
	"S: A010 OK STORE completed\n"
	"C: A011 STORE 1 +FLAGS (\\Recent \\Flagged)\n"
	"S: * 1 FETCH (UID 1 FLAGS (\\Flagged))\n"
	"S: A011 OK STORE completed\n");
}

Test(session_selected, store_tells_flags_that_were_so_already)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: A1 STORE 2 +FLAGS.SILENT (\\Flagged)\n"
	"S: A1 OK STORE completed\n"
	"C: A2 STORE 1:3 +FLAGS (\\Flagged)\n"
	"S: * 1 FETCH (UID 1 FLAGS (\\Flagged))\n"
	"S: * 3 FETCH (UID 3 FLAGS (\\Flagged))\n"
	"S: * 2 FETCH (UID 2 FLAGS (\\Flagged))\n"
	"S: A2 OK STORE completed\n"
	"C: A3 STORE 1:3 +FLAGS (\\Flagged)\n"
	"S: * 1 FETCH (UID 1 FLAGS (\\Flagged))\n"
	"S: * 2 FETCH (UID 2 FLAGS (\\Flagged))\n"
	"S: * 3 FETCH (UID 3 FLAGS (\\Flagged))\n"
	"S: A3 OK STORE completed\n"
	"C: A4 UID STORE 1:3 +FLAGS.SILENT (\\Flagged)\n"
	"S: A4 OK UID STORE completed\n");
}

Test(session_selected, a_silent_store_tells_what_others_have_done)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"2# select INBOX\n"
	"2C: B1 STORE 1,2 +FLAGS.SILENT (\\Flagged)\n"
	"2S: B1 OK STORE completed\n"
	"C: A1 STORE 1 +FLAGS.SILENT (\\Answered)\n"
	"S: * 1 FETCH (UID 1 FLAGS (\\Answered \\Flagged))\n"
	"S: * 2 FETCH (UID 2 FLAGS (\\Flagged))\n"
	"S: A1 OK STORE completed\n");
}

Test(session_selected, store_of_what_is_gone)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"2# select INBOX\n"
	"2C: B1 STORE 2 +FLAGS.SILENT (\\Deleted)\n"
	"2S: B1 OK STORE completed\n"
	"2C: B2 EXPUNGE\n"
	"2S: * 2 EXPUNGE\n"
	"2S: B2 OK EXPUNGE completed\n"
	"C: A1 STORE 1:3 +FLAGS (\\Flagged)\n"
	"S: * 1 FETCH (UID 1 FLAGS (\\Flagged))\n"
	"S: * 3 FETCH (UID 3 FLAGS (\\Flagged))\n"
	"S: A1 NO [EXPUNGEISSUED] some messages are gone\n"
	"C: A2 UID STORE 1:3 +FLAGS (\\Seen)\n"
	"S: * 2 EXPUNGE\n"
	"S: * 1 FETCH (UID 1 FLAGS (\\Flagged \\Seen))\n"
	"S: * 2 FETCH (UID 3 FLAGS (\\Flagged \\Seen))\n"
	"S: A2 OK UID STORE completed\n"
	"C: A3 STORE 1:3 +FLAGS (\\Answered)\n"
	"S: * 1 FETCH (UID 1 FLAGS (\\Answered \\Flagged \\Seen))\n"
	"S: * 2 FETCH (UID 3 FLAGS (\\Answered \\Flagged \\Seen))\n"
	"S: * 3 FETCH (UID 4 FLAGS (\\Answered))\n"
	"S: A3 OK STORE completed\n");
}

Test(session_selected, a_keyword_is_told_before_its_first_use)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"2# select INBOX\n"
	"2C: B1 STORE 1 +FLAGS ($Junk)\n"
	"2S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk)\n"
	"2S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft $Junk \\*)] flags that can be kept\n"
	"2S: * 1 FETCH (UID 1 FLAGS ($Junk))\n"
	"2S: B1 OK STORE completed\n"
	"C: A1 NOOP\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft $Junk \\*)] flags that can be kept\n"
	"S: * 1 FETCH (UID 1 FLAGS ($Junk))\n"
	"S: A1 OK NOOP completed\n"
	"C: A2 STORE 2 +FLAGS ($junk NonJunk)\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk "
	    "NonJunk)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft $Junk NonJunk \\*)] flags that can be kept\n"
	"S: * 2 FETCH (UID 2 FLAGS ($Junk NonJunk))\n"
	"S: A2 OK STORE completed\n");
}

Test(session_selected, too_many_keywords)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"# fail STORE LIMIT\n"
	"C: A1 STORE 1 +FLAGS (One)\n"
	"S: A1 NO [LIMIT] above a limit\n");
}

/* RFC 4314 section 4: it fails only if nothing may be changed. */
Test(session_selected, store_with_some_rights)
{
	scene_play(scene_given_john,
	"# select Other Users/jane/Plans\n"
	"C: A1 STORE 1 +FLAGS (\\Deleted \\Seen)\n"
	"S: * 1 FETCH (UID 1 FLAGS (\\Seen))\n"
	"S: A1 OK STORE completed\n"
	"C: A2 STORE 1 +FLAGS (\\Deleted)\n"
	"S: A2 NO [NOPERM] permission denied\n"
	"C: A3 STORE 1 FLAGS (\\Deleted)\n"
	"S: A3 NO [NOPERM] permission denied\n"
	"C: A4 STORE 1 FLAGS (\\Deleted $Todo)\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Todo)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Seen \\Draft $Todo "
	    "\\*)] flags that can be kept\n"
	"S: * 1 FETCH (UID 1 FLAGS ($Todo))\n"
	"S: A4 OK STORE completed\n"
	"C: A5 STORE 1 -FLAGS (\\Deleted)\n"
	"S: A5 NO [NOPERM] permission denied\n");
}

/* ---- 6.4.7: COPY ---- */

Test(session_selected, copy)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: A001 STORE 2 +FLAGS.SILENT (\\Flagged $Work)\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft $Work \\*)] flags that can be kept\n"
	"S: A001 OK STORE completed\n"
	"C: A003 COPY 2:4 Sent\n"
	"S: A003 OK [COPYUID 3 2:4 1:3] COPY completed\n"
	"C: A004 COPY 2:4 MEETING\n"
	"S: A004 NO [TRYCREATE] no such target mailbox\n"
	"C: A005 UID COPY 305:310 Sent\n"
	"S: A005 OK UID COPY completed\n"
	"C: A006 COPY 5 Sent\n"
	"S: A006 BAD no such message\n"
	"C: A007 COPY 1 \"&\"\n"
	"S: A007 NO [CANNOT] no such name can be\n"
	"C: A008 COPY 1 \"Other Users/jane/Diary\"\n"
	"S: A008 NO [NOPERM] permission denied\n"
	"C: A009 COPY 1 INBOX\n"
	"S: * 5 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: A009 OK [COPYUID 1 1 5] COPY completed\n"
	"C: A010 EXAMINE Sent\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work)\n"
	"S: * OK [PERMANENTFLAGS ()] flags that can be kept\n"
	"S: * 3 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 3] UIDs are valid\n"
	"S: * OK [UIDNEXT 4] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 2] mod-sequence\n"
	"S: * OK [MAILBOXID (F3)] object id\n"
	"S: A010 OK [READ-ONLY] EXAMINE completed\n"
	"C: A011 FETCH 1:* (FLAGS UID)\n"
	"S: * 1 FETCH (FLAGS (\\Flagged $Work) UID 1)\n"
	"S: * 2 FETCH (FLAGS () UID 2)\n"
	"S: * 3 FETCH (FLAGS () UID 3)\n"
	"S: A011 OK FETCH completed\n");
}

Test(session_selected, copy_of_what_is_gone)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"2# select INBOX\n"
	"2C: B1 STORE 2 +FLAGS.SILENT (\\Deleted)\n"
	"2S: B1 OK STORE completed\n"
	"2C: B2 EXPUNGE\n"
	"2S: * 2 EXPUNGE\n"
	"2S: B2 OK EXPUNGE completed\n"
	"C: A1 COPY 1:3 Sent\n"
	"S: * 2 EXPUNGE\n"
	"S: A1 OK [COPYUID 3 1,3 1:2] COPY completed\n"
	"C: A2 STATUS Sent (MESSAGES)\n"
	"S: * STATUS Sent (MESSAGES 2)\n"
	"S: A2 OK STATUS completed\n");
}

/* ---- 6.4.8: MOVE ---- */

Test(session_selected, move)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: a UID MOVE 2:3 Sent\n"
	"S: * OK [COPYUID 3 2:3 1:2] moved\n"
	"S: * 3 EXPUNGE\n"
	"S: * 2 EXPUNGE\n"
	"S: a OK UID MOVE completed\n"
	"C: b MOVE 1 Nowhere\n"
	"S: b NO [TRYCREATE] no such target mailbox\n"
	"C: c MOVE 1 INBOX\n"
	"S: * OK [COPYUID 1 1 5] moved\n"
	"S: * 1 EXPUNGE\n"
	"S: * 2 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: c OK MOVE completed\n"
	"C: d UID MOVE 4000 Sent\n"
	"S: d OK UID MOVE completed\n"
	"C: e FETCH 1:* UID\n"
	"S: * 1 FETCH (UID 4)\n"
	"S: * 2 FETCH (UID 5)\n"
	"S: e OK FETCH completed\n");
}

Test(session_selected, move_of_what_is_partly_gone)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"2# select INBOX\n"
	"2C: B1 STORE 2 +FLAGS.SILENT (\\Deleted)\n"
	"2S: B1 OK STORE completed\n"
	"2C: B2 EXPUNGE\n"
	"2S: * 2 EXPUNGE\n"
	"2S: B2 OK EXPUNGE completed\n"
	"C: A1 MOVE 1:3 Sent\n"
	"S: * OK [COPYUID 3 1,3 1:2] moved\n"
	"S: * 3 EXPUNGE\n"
	"S: * 2 EXPUNGE\n"
	"S: * 1 EXPUNGE\n"
	"S: A1 OK MOVE completed\n");
}

Test(session_selected, move_that_is_refused_behind_its_first_chunk)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"# fail COPY OVERQUOTA done\n"
	"C: A1 MOVE 1:2 Sent\n"
	"S: * OK [COPYUID 3 1:2 1:2] moved so far\n"
	"S: * 2 EXPUNGE\n"
	"S: * 1 EXPUNGE\n"
	"S: A1 NO [OVERQUOTA] quota exceeded\n");
}

/* ---- CHECK (RFC 3501 section 6.4.1) ---- */

Test(session_selected, check)
{
	scene_play(scene_given_john,
	"C: F1 CHECK\n"
	"S: F1 BAD no mailbox is selected\n"
	"# select INBOX\n"
	"C: FXXZ CHECK\n"
	"S: FXXZ OK CHECK completed\n");
}

/* ---- unknown outcomes: no tagged answer, and the connection closes ---- */

Test(session_selected, the_outcome_of_a_store_is_unknown)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"# fail STORE LEADER_LOST done\n"
	"C: A1 STORE 1 +FLAGS (\\Seen)\n"
	"# closed\n");
}

Test(session_selected, the_outcome_of_a_move_is_unknown)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"# fail COPY TIMEOUT done\n"
	"C: A1 MOVE 1 Sent\n"
	"# closed\n");
}

Test(session_selected, the_outcome_of_the_expunge_of_close_is_unknown)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"# fail EXPUNGE IO\n"
	"C: A1 CLOSE\n"
	"# closed\n");
}

Test(session_selected, a_refusal_is_told)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"# fail STORE NOT_LEADER\n"
	"C: A1 STORE 1 +FLAGS (\\Seen)\n"
	"S: A1 NO [UNAVAILABLE] node is not the leader\n"
	"# fail COPY OVERQUOTA\n"
	"C: A2 COPY 1 Sent\n"
	"S: A2 NO [OVERQUOTA] quota exceeded\n"
	"# fail COPY INUSE\n"
	"C: A3 MOVE 1 Sent\n"
	"S: A3 NO [INUSE] in use by another operation\n"
	"# fail SYNC UNAVAILABLE\n"
	"C: A4 NOOP\n"
	"S: A4 NO [UNAVAILABLE] service unavailable\n"
	"C: A5 NOOP\n"
	"S: A5 OK NOOP completed\n");
}

/* ---- 7.5.1: EXPUNGE never while messages are counted ---- */

Test(session_selected, no_expunge_while_messages_are_counted)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"2# select INBOX\n"
	"2C: B1 STORE 1 +FLAGS.SILENT (\\Deleted)\n"
	"2S: B1 OK STORE completed\n"
	"2C: B2 EXPUNGE\n"
	"2S: * 1 EXPUNGE\n"
	"2S: B2 OK EXPUNGE completed\n"
	"2P: B3 APPEND INBOX {5+}\n"
	"2C: hello\n"
	"2S: * 4 EXISTS\n"
	"2S: * 0 RECENT\n"
	"2S: B3 OK [APPENDUID 1 5] APPEND completed\n"
	"C: A1 FETCH 2 UID\n"
	"S: * 2 FETCH (UID 2)\n"
	"S: * 5 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: A1 OK FETCH completed\n"
	"C: A2 STORE 2 +FLAGS (\\Flagged)\n"
	"S: * 2 FETCH (UID 2 FLAGS (\\Flagged))\n"
	"S: A2 OK STORE completed\n"
	"C: A3 SEARCH FLAGGED\n"
	"S: * SEARCH 2\n"
	"S: A3 OK SEARCH completed\n"
	"C: A4 FETCH 1 UID\n"
	"S: A4 NO [EXPUNGEISSUED] message was expunged\n"
	"C: A5 FETCH 5 UID\n"
	"S: * 5 FETCH (UID 5)\n"
	"S: A5 OK FETCH completed\n"
	"C: A6 UID FETCH 2 FLAGS\n"
	"S: * 2 FETCH (UID 2 FLAGS (\\Flagged))\n"
	"S: * 1 EXPUNGE\n"
	"S: A6 OK UID FETCH completed\n"
	"C: A7 FETCH 1 UID\n"
	"S: * 1 FETCH (UID 2)\n"
	"S: A7 OK FETCH completed\n");
}

Test(session_selected, none_while_uid_search_counts_messages)
{
	/* RFC 7162 section 3.2.10.2 */
	scene_play(scene_given_john,
	"# select INBOX\n"
	"2# select INBOX\n"
	"2C: B1 STORE 1 +FLAGS.SILENT (\\Deleted)\n"
	"2S: B1 OK STORE completed\n"
	"2C: B2 EXPUNGE\n"
	"2S: * 1 EXPUNGE\n"
	"2S: B2 OK EXPUNGE completed\n"
	"C: A1 UID SEARCH 2:4\n"
	"S: * SEARCH 2 3 4\n"
	"S: A1 OK UID SEARCH completed\n"
	"C: A2 UID STORE 4 +FLAGS.SILENT (\\Flagged)\n"
	"S: * 1 EXPUNGE\n"
	"S: A2 OK UID STORE completed\n");
}

Test(session_selected, pipelined_commands_by_position)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"2# select INBOX\n"
	"2C: B1 STORE 1 +FLAGS.SILENT (\\Deleted)\n"
	"2S: B1 OK STORE completed\n"
	"2C: B2 EXPUNGE\n"
	"2S: * 1 EXPUNGE\n"
	"2S: B2 OK EXPUNGE completed\n"
	"P: A1 FETCH 3 UID\n"
	"P: A2 STORE 4 +FLAGS (\\Seen)\n"
	"C: A3 NOOP\n"
	"S: * 3 FETCH (UID 3)\n"
	"S: A1 OK FETCH completed\n"
	"S: * 4 FETCH (UID 4 FLAGS (\\Seen))\n"
	"S: A2 OK STORE completed\n"
	"S: * 1 EXPUNGE\n"
	"S: A3 OK NOOP completed\n");
}
