/*
 * SEARCH: RFC 9051 section 6.4.4; RFC 4731 (ESEARCH), 5032 (WITHIN), 5182
 * (SEARCHRES).
 */
#include <criterion/criterion.h>

#include "scene.h"

/* clang-format off */

static void given_many(struct fake_store *store)
{
	struct fake_mailbox *inbox;

	scene_given_john(store);
	inbox = scene_mailbox(store, "INBOX");
	scene_fill(inbox, 21);
	for (size_t i = 0; i < inbox->count; i++)
		inbox->messages[i].uid += 100;
	inbox->uidnext = 121;
	inbox->messages[1].flags = IMAP_FLAG_FLAGGED;
	inbox->messages[4].flags = IMAP_FLAG_FLAGGED;
	inbox->messages[5].flags = IMAP_FLAG_FLAGGED | IMAP_FLAG_DELETED;
	inbox->messages[6].seen = 1;
}

/* ---- RFC 9051 and 3501 ---- */

Test(session_search, search)
{
	scene_play(given_many,
	"# select INBOX\n"
	"C: A282 SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"\n"
	"S: * SEARCH 2 5 6\n"
	"S: A282 OK SEARCH completed\n"
	"C: A283 SEARCH TEXT \"string not in mailbox\"\n"
	"S: * SEARCH\n"
	"S: A283 OK SEARCH completed\n"
	"C: A284 SEARCH CHARSET UTF-8 TEXT {5}\n"
	"S: + OK\n"
	"C: Hello\n"
	"S: * SEARCH 1\n"
	"S: A284 OK SEARCH completed\n"
	"C: A285 UID SEARCH FLAGGED\n"
	"S: * SEARCH 102 105 106\n"
	"S: A285 OK UID SEARCH completed\n"
	"C: A286 SEARCH UID 103:105 SEEN\n"
	"S: * SEARCH\n"
	"S: A286 OK SEARCH completed\n"
	"C: A287 SEARCH 2:4,6 FLAGGED\n"
	"S: * SEARCH 2 6\n"
	"S: A287 OK SEARCH completed\n"
	"C: A288 SEARCH SUBJECT 12 BODY 12\n"
	"S: * SEARCH 12\n"
	"S: A288 OK SEARCH completed\n"
	"C: A289 SEARCH 21\n"
	"S: A289 BAD no such message\n"
	"C: A290 SEARCH NONSENSE\n"
	"S: A290 BAD Unknown search key\n"
	"C: A291 SEARCH CHARSET KOI7 ALL\n"
	"S: A291 NO [BADCHARSET (UTF-8 US-ASCII)] unknown character set\n"
	"C: A292 SEARCH NEW\n"
	"S: * SEARCH\n"
	"S: A292 OK SEARCH completed\n"
	"C: A293 SEARCH KEYWORD $Unknown\n"
	"S: * SEARCH\n"
	"S: A293 OK SEARCH completed\n"
	"C: A294 SEARCH OR SEEN DELETED\n"
	"S: * SEARCH 6 7\n"
	"S: A294 OK SEARCH completed\n");
}

Test(session_search, in_rev2_the_answer_is_esearch)
{
	scene_play(given_many,
	"C: t ENABLE IMAP4rev2\n"
	"S: * ENABLED IMAP4rev2\n"
	"S: t OK ENABLE completed\n"
	"# select INBOX\n"
	"C: A282 SEARCH FLAGGED\n"
	"S: * ESEARCH (TAG \"A282\") ALL 2,5:6\n"
	"S: A282 OK SEARCH completed\n"
	"C: A283 SEARCH TEXT \"string not in mailbox\"\n"
	"S: * ESEARCH (TAG \"A283\")\n"
	"S: A283 OK SEARCH completed\n"
	"C: A284 UID SEARCH FLAGGED\n"
	"S: * ESEARCH (TAG \"A284\") UID ALL 102,105:106\n"
	"S: A284 OK UID SEARCH completed\n");
}

Test(session_search, it_cannot_be_done_for_now)
{
	scene_play(given_many,
	"# select INBOX\n"
	"# fail SEARCH UNAVAILABLE\n"
	"C: A1 SEARCH ALL\n"
	"S: A1 NO [UNAVAILABLE] service unavailable\n"
	"C: A2 SEARCH FLAGGED\n"
	"S: * SEARCH 2 5 6\n"
	"S: A2 OK SEARCH completed\n");
}

/* ---- RFC 4731 ---- */

Test(session_search, esearch)
{
	scene_play(given_many,
	"# select INBOX\n"
	"C: A282 SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM "
	    "\"Smith\"\n"
	"S: * ESEARCH (TAG \"A282\") MIN 2 COUNT 3\n"
	"S: A282 OK SEARCH completed\n"
	"C: A283 SEARCH RETURN () FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"\n"
	"S: * ESEARCH (TAG \"A283\") ALL 2,5:6\n"
	"S: A283 OK SEARCH completed\n"
	"C: A301 UID SEARCH RETURN () SMALLER 5000\n"
	"S: * ESEARCH (TAG \"A301\") UID ALL 101:120\n"
	"S: A301 OK UID SEARCH completed\n"
	"C: A302 UID SEARCH RETURN (MAX) ANSWERED\n"
	"S: * ESEARCH (TAG \"A302\") UID\n"
	"S: A302 OK UID SEARCH completed\n"
	"C: A303 SEARCH RETURN (MIN MAX ALL COUNT) FLAGGED\n"
	"S: * ESEARCH (TAG \"A303\") MIN 2 MAX 6 ALL 2,5:6 COUNT 3\n"
	"S: A303 OK SEARCH completed\n"
	"C: A304 SEARCH RETURN (COUNT) ANSWERED\n"
	"S: * ESEARCH (TAG \"A304\") COUNT 0\n"
	"S: A304 OK SEARCH completed\n"
	"C: A305 SEARCH RETURN (WRONG) ALL\n"
	"S: A305 BAD Unknown RETURN option\n"
	"C: A306 SEARCH RETURN (MIN)\n"
	"S: A306 BAD Missing argument\n");
}

/* ---- RFC 5032 ---- */

static void given_times(struct fake_store *store)
{
	struct fake_mailbox *inbox;

	scene_given_john(store);
	inbox = scene_mailbox(store, "INBOX");
	for (size_t i = 0; i < inbox->count; i++)
		inbox->messages[i].date_s = store->now_s - (int64_t)i * 86400;
}

Test(session_search, within)
{
	scene_play(given_times,
	"# select INBOX\n"
	"C: a1 SEARCH UNSEEN YOUNGER 260000\n"
	"S: * SEARCH 1 2 3 4\n"
	"S: a1 OK SEARCH completed\n"
	"C: a2 UID SEARCH OLDER 86000\n"
	"S: * SEARCH 2 3 4\n"
	"S: a2 OK UID SEARCH completed\n"
	"C: a3 SEARCH YOUNGER 0\n"
	"S: a3 BAD Number out of range\n"
	"C: a4 SEARCH OLDER 100 YOUNGER 100000\n"
	"S: * SEARCH 2\n"
	"S: a4 OK SEARCH completed\n");
}

/* ---- RFC 5182 ---- */

Test(session_searchres, example_1)
{
	scene_play(given_many,
	"# select INBOX\n"
	"C: A282 SEARCH RETURN (SAVE) FLAGGED SINCE 1-Feb-1994 NOT FROM "
	    "\"Smith\"\n"
	"S: A282 OK SEARCH completed\n"
	"C: A283 FETCH $ (UID FLAGS)\n"
	"S: * 2 FETCH (UID 102 FLAGS (\\Flagged))\n"
	"S: * 5 FETCH (UID 105 FLAGS (\\Flagged))\n"
	"S: * 6 FETCH (UID 106 FLAGS (\\Flagged \\Deleted))\n"
	"S: A283 OK FETCH completed\n"
	"C: A284 UID FETCH $ FLAGS\n"
	"S: * 2 FETCH (UID 102 FLAGS (\\Flagged))\n"
	"S: * 5 FETCH (UID 105 FLAGS (\\Flagged))\n"
	"S: * 6 FETCH (UID 106 FLAGS (\\Flagged \\Deleted))\n"
	"S: A284 OK UID FETCH completed\n");
}

Test(session_searchres, example_2_the_result_is_part_of_a_search)
{
	scene_play(given_many,
	"# select INBOX\n"
	"C: A300 SEARCH RETURN (SAVE) FLAGGED\n"
	"S: A300 OK SEARCH completed\n"
	"C: A301 UID SEARCH UID $ DELETED\n"
	"S: * SEARCH 106\n"
	"S: A301 OK UID SEARCH completed\n"
	"C: A302 SEARCH OR $ 1,3000:3021 SUBJECT \"IMAP\"\n"
	"S: A302 BAD no such message\n"
	"C: A303 SEARCH OR $ 1,7 SEEN\n"
	"S: * SEARCH 7\n"
	"S: A303 OK SEARCH completed\n"
	"C: A304 SEARCH NOT $ UID 101:108\n"
	"S: * SEARCH 1 3 4 7 8\n"
	"S: A304 OK SEARCH completed\n");
}

Test(session_searchres, example_3_store_and_expunge)
{
	scene_play(given_many,
	"# select INBOX\n"
	"C: P282 SEARCH RETURN (SAVE) FLAGGED\n"
	"S: P282 OK SEARCH completed\n"
	"C: P283 STORE $ +FLAGS.SILENT (\\Answered)\n"
	"S: P283 OK STORE completed\n"
	"C: P284 UID EXPUNGE $\n"
	"S: * 6 EXPUNGE\n"
	"S: P284 OK UID EXPUNGE completed\n"
	"C: P285 FETCH $ (FLAGS)\n"
	"S: * 2 FETCH (FLAGS (\\Answered \\Flagged))\n"
	"S: * 5 FETCH (FLAGS (\\Answered \\Flagged))\n"
	"S: P285 OK FETCH completed\n"
	"C: P286 COPY $ Sent\n"
	"S: P286 OK [COPYUID 3 102,105 1:2] COPY completed\n"
	"C: P287 UID MOVE $ Trash\n"
	"S: * OK [COPYUID 4 102,105 1:2] moved\n"
	"S: * 5 EXPUNGE\n"
	"S: * 2 EXPUNGE\n"
	"S: P287 OK UID MOVE completed\n"
	"C: P288 FETCH $ UID\n"
	"S: P288 OK FETCH completed\n");
}

Test(session_searchres, example_5_nothing_was_found)
{
	scene_play(given_many,
	"# select INBOX\n"
	"C: B282 SEARCH RETURN (SAVE) FLAGGED\n"
	"S: B282 OK SEARCH completed\n"
	"C: B283 SEARCH RETURN (SAVE) FLAGGED FROM \"nobody\"\n"
	"S: B283 OK SEARCH completed\n"
	"C: E284 COPY $ \"Other Messages\"\n"
	"S: E284 OK COPY completed\n"
	"C: E285 FETCH $ UID\n"
	"S: E285 OK FETCH completed\n"
	"C: E286 STORE $ +FLAGS (\\Seen)\n"
	"S: E286 OK STORE completed\n"
	"C: E287 SEARCH $\n"
	"S: * SEARCH\n"
	"S: E287 OK SEARCH completed\n"
	"C: E288 SEARCH RETURN (SAVE COUNT) $\n"
	"S: * ESEARCH (TAG \"E288\") COUNT 0\n"
	"S: E288 OK SEARCH completed\n");
}

Test(session_searchres, example_7_pipelined)
{
	scene_play(given_many,
	"# select INBOX\n"
	"P: F282 SEARCH RETURN (SAVE) FLAGGED\n"
	"P: F283 COPY $ Trash\n"
	"C: F284 STORE $ +FLAGS.Silent (\\Deleted)\n"
	"S: F282 OK SEARCH completed\n"
	"S: F283 OK [COPYUID 4 102,105:106 1:3] COPY completed\n"
	"S: F284 OK STORE completed\n");
}

Test(session_searchres, example_9_the_second_replaces_the_first)
{
	scene_play(given_many,
	"# select INBOX\n"
	"P: H282 SEARCH RETURN (SAVE) FLAGGED\n"
	"C: H283 SEARCH RETURN (SAVE) SEEN\n"
	"S: H282 OK SEARCH completed\n"
	"S: H283 OK SEARCH completed\n"
	"C: H284 FETCH $ UID\n"
	"S: * 7 FETCH (UID 107)\n"
	"S: H284 OK FETCH completed\n");
}

Test(session_searchres, together_with_other_options)
{
	/* section 2.4, and the table behind it */
	scene_play(given_many,
	"# select INBOX\n"
	"C: C283 SEARCH RETURN (ALL SAVE) FLAGGED\n"
	"S: * ESEARCH (TAG \"C283\") ALL 2,5:6\n"
	"S: C283 OK SEARCH completed\n"
	"C: C284 UID SEARCH $\n"
	"S: * SEARCH 102 105 106\n"
	"S: C284 OK UID SEARCH completed\n"
	"C: C285 SEARCH RETURN (SAVE MIN) FLAGGED\n"
	"S: * ESEARCH (TAG \"C285\") MIN 2\n"
	"S: C285 OK SEARCH completed\n"
	"C: C286 UID SEARCH $\n"
	"S: * SEARCH 102\n"
	"S: C286 OK UID SEARCH completed\n"
	"C: C287 SEARCH RETURN (MAX SAVE MIN) FLAGGED\n"
	"S: * ESEARCH (TAG \"C287\") MIN 2 MAX 6\n"
	"S: C287 OK SEARCH completed\n"
	"C: C288 UID SEARCH $\n"
	"S: * SEARCH 102 106\n"
	"S: C288 OK UID SEARCH completed\n"
	"C: C289 SEARCH RETURN (MAX SAVE MIN COUNT) FLAGGED\n"
	"S: * ESEARCH (TAG \"C289\") MIN 2 MAX 6 COUNT 3\n"
	"S: C289 OK SEARCH completed\n"
	"C: C290 UID SEARCH $\n"
	"S: * SEARCH 102 105 106\n"
	"S: C290 OK UID SEARCH completed\n"
	"C: C291 SEARCH RETURN (ALL SAVE MIN) FLAGGED\n"
	"S: * ESEARCH (TAG \"C291\") MIN 2 ALL 2,5:6\n"
	"S: C291 OK SEARCH completed\n"
	"C: C292 UID SEARCH $\n"
	"S: * SEARCH 102 105 106\n"
	"S: C292 OK UID SEARCH completed\n"
	"C: C293 SEARCH RETURN (MAX SAVE) FLAGGED\n"
	"S: * ESEARCH (TAG \"C293\") MAX 6\n"
	"S: C293 OK SEARCH completed\n"
	"C: C294 UID SEARCH $\n"
	"S: * SEARCH 106\n"
	"S: C294 OK UID SEARCH completed\n");
}

Test(session_searchres, what_changes_the_result_and_what_does_not)
{
	scene_play(given_many,
	"# select INBOX\n"
	"C: a SEARCH RETURN (SAVE) FLAGGED\n"
	"S: a OK SEARCH completed\n"
	"C: b SEARCH NONSENSE\n"
	"S: b BAD Unknown search key\n"
	"C: c SEARCH RETURN (SAVE) 999\n"
	"S: c BAD no such message\n"
	"# fail SEARCH UNAVAILABLE\n"
	"C: d SEARCH SEEN\n"
	"S: d NO [UNAVAILABLE] service unavailable\n"
	"C: e SEARCH SEEN\n"
	"S: * SEARCH 7\n"
	"S: e OK SEARCH completed\n"
	"C: f UID SEARCH $\n"
	"S: * SEARCH 102 105 106\n"
	"S: f OK UID SEARCH completed\n"
	"# fail SEARCH UNAVAILABLE\n"
	"C: g SEARCH RETURN (SAVE) SEEN\n"
	"S: g NO [UNAVAILABLE] service unavailable\n"
	"C: h UID SEARCH $\n"
	"S: * SEARCH\n"
	"S: h OK UID SEARCH completed\n"
	"C: i SEARCH RETURN (SAVE) FLAGGED\n"
	"S: i OK SEARCH completed\n"
	"C: j SEARCH RETURN (SAVE) CHARSET KOI7 SEEN\n"
	"S: j NO [BADCHARSET (UTF-8 US-ASCII)] unknown character set\n"
	"C: k UID SEARCH $\n"
	"S: * SEARCH\n"
	"S: k OK UID SEARCH completed\n");
}

Test(session_searchres, expunged_messages_leave_the_result)
{
	scene_play(given_many,
	"# select INBOX\n"
	"2# select INBOX\n"
	"C: a SEARCH RETURN (SAVE) FLAGGED\n"
	"S: a OK SEARCH completed\n"
	"2C: x EXPUNGE\n"
	"2S: * 6 EXPUNGE\n"
	"2S: x OK EXPUNGE completed\n"
	"C: b NOOP\n"
	"S: * 6 EXPUNGE\n"
	"S: b OK NOOP completed\n"
	"C: c FETCH $ UID\n"
	"S: * 2 FETCH (UID 102)\n"
	"S: * 5 FETCH (UID 105)\n"
	"S: c OK FETCH completed\n"
	"C: d SELECT Sent\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 0 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UIDVALIDITY 3] UIDs are valid\n"
	"S: * OK [UIDNEXT 1] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 1] mod-sequence\n"
	"S: * OK [MAILBOXID (F3)] object id\n"
	"S: d OK [READ-WRITE] SELECT completed\n"
	"C: e SELECT INBOX\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 19 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 1] UIDs are valid\n"
	"S: * OK [UIDNEXT 121] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 22] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: e OK [READ-WRITE] SELECT completed\n"
	"C: f FETCH $ UID\n"
	"S: f OK FETCH completed\n");
}
