/*
 * Examples of RFCs about mail that no other file has: RFC 2177, 3501, 3502,
 * 4315, 4731, 4959, 5182, 6851, 7162, 7888, 8474, 9051. Numbers are smaller
 * than in some examples; where the server may answer otherwise, the meaning is
 * the same.
 */
#include <criterion/criterion.h>

#include "scene.h"

/* john's INBOX, with UIDs from 1 to `count`. */
static struct fake_mailbox *given_inbox(struct fake_store *store,
					uint32_t count)
{
	struct fake_mailbox *inbox;

	fake_user_add(store, "john", "secret");
	inbox = scene_mailbox(store, "INBOX");
	scene_fill(inbox, count + 1);
	return inbox;
}

static struct fake_mailbox *given_more(struct fake_store *store,
				       const char *name)
{
	return fake_mailbox_add(store, fake_user_find(store, SLICE_LIT("john")),
				slice_str(name));
}

/* 17 and 18 are unseen, 12 is the message of the example. */
static void given_eighteen(struct fake_store *store)
{
	struct fake_mailbox *inbox = given_inbox(store, 11);

	fake_message_add(inbox, SLICE_LIT(MESSAGE_1));
	scene_fill(inbox, 19);
	for (size_t i = 0; i < 16; i++)
		inbox->messages[i].seen = 1;
	inbox->uidvalidity = 3857529045;
}

static void given_three(struct fake_store *store)
{
	given_inbox(store, 3);
}

static void given_saved_messages(struct fake_store *store)
{
	given_inbox(store, 0);
	given_more(store, "saved-messages");
}

/* UIDs 1, 2 and 3000 to 3003; all but the last with \Deleted. */
static void given_3000(struct fake_store *store)
{
	struct fake_mailbox *inbox = given_inbox(store, 2);

	inbox->uidnext = 3000;
	scene_fill(inbox, 3004);
	for (size_t i = 0; i < 5; i++)
		inbox->messages[i].flags = IMAP_FLAG_DELETED;
}

/* UIDs 1, 304, 319 and 320; the next UIDs of the example. */
static void given_meeting(struct fake_store *store)
{
	struct fake_mailbox *inbox = given_inbox(store, 1);

	inbox->uidnext = 304;
	scene_fill(inbox, 305);
	inbox->uidnext = 319;
	scene_fill(inbox, 321);
	given_more(store, "meeting")->uidnext = 3956;
	given_more(store, "saved-messages")->uidnext = 3955;
	given_more(store, "funny");
}

/* UIDs 21, 42, 43, 44 and 70. */
static void given_42(struct fake_store *store)
{
	static const uint32_t uids[] = { 21, 42, 43, 44, 70 };
	struct fake_mailbox *inbox = given_inbox(store, 0);

	for (size_t i = 0; i < ARRAY_LEN(uids); i++) {
		inbox->uidnext = uids[i];
		scene_fill(inbox, uids[i] + 1);
	}
	given_more(store, "foo")->uidnext = 1202;
}

static void given_russian(struct fake_store *store)
{
	struct fake_mailbox *inbox = given_inbox(store, 2);

	fake_message_add(
		inbox,
		SLICE_LIT("Subject: "
			  "=?UTF-8?Q?=D0=9E=D0=A2=D0=9F=D0=A3=D0=A1=D0=9A?=\r\n"
			  "\r\n"));
	fake_message_add(inbox,
			 SLICE_LIT("Content-Type: text/plain; charset=UTF-8\r\n"
				   "Content-Transfer-Encoding: base64\r\n"
				   "\r\n"
				   "0JzQsNGC0Yw=\r\n"));
}

static void given_stored(struct fake_store *store)
{
	struct fake_mailbox *inbox = given_inbox(store, 4);

	inbox->messages[1].seen = 1;
	inbox->messages[3].seen = 1;
	inbox->messages[3].flags = IMAP_FLAG_FLAGGED;
}

/* 1 to 22, then the three of the example, shifted. */
static void given_gaps(struct fake_store *store)
{
	static const uint32_t uids[] = { 313, 943, 1442 };
	struct fake_mailbox *inbox = given_inbox(store, 22);

	for (size_t i = 0; i < ARRAY_LEN(uids); i++) {
		inbox->uidnext = uids[i];
		scene_fill(inbox, uids[i] + 1);
		inbox->messages[inbox->count - 1].seen = 1;
	}
}

/* Of 12, the first three are seen, 2, 10 and 11 flagged, 5 deleted. */
static void given_flags(struct fake_store *store)
{
	struct fake_mailbox *inbox = given_inbox(store, 12);

	for (size_t i = 0; i < 3; i++)
		inbox->messages[i].seen = 1;
	inbox->messages[1].flags = IMAP_FLAG_FLAGGED;
	inbox->messages[9].flags = IMAP_FLAG_FLAGGED;
	inbox->messages[10].flags = IMAP_FLAG_FLAGGED;
	inbox->messages[4].flags = IMAP_FLAG_DELETED;
	inbox->messages[6].flags = IMAP_FLAG_ANSWERED;
}

/* Of 4, two are junk, and one is from Eric. */
static void given_junk(struct fake_store *store)
{
	struct fake_mailbox *inbox = given_inbox(store, 3);
	uint64_t junk = UINT64_C(1)
			<< fake_keyword(inbox, SLICE_LIT("$Junk"), true);

	inbox->messages[0].keywords[0] = junk;
	inbox->messages[2].keywords[0] = junk;
	fake_message_add(inbox,
			 SLICE_LIT("From: Eric <eric@example.org>\r\n\r\n"));
	given_more(store, "Junk");
}

/* UIDs 404, 406, 407, 408 and 498; 405 and 411 have gone. */
static void given_vanished(struct fake_store *store)
{
	struct fake_mailbox *inbox = given_inbox(store, 0);

	inbox->uidvalidity = 3857529045;
	inbox->uidnext = 404;
	inbox->modseq = 12340;
	scene_fill(inbox, 409);
	inbox->uidnext = 411;
	scene_fill(inbox, 412);
	inbox->uidnext = 498;
	scene_fill(inbox, 499);
	fake_message_expunge(inbox, 405, 29000);
	fake_message_expunge(inbox, 411, 29001);
	inbox->messages[2].flags = IMAP_FLAG_FLAGGED;
	inbox->messages[2].modseq = 29738;
	inbox->messages[0].seen = 1;
	inbox->messages[0].modseq = 65402;
	inbox->messages[1].flags = IMAP_FLAG_DELETED;
	inbox->messages[1].modseq = 75403;
	inbox->modseq = 75403;
}

/* 3, 4, 7 and 11 of 11, as the numbers of the example come to. */
static void given_deleted(struct fake_store *store)
{
	static const size_t deleted[] = { 3, 4, 7, 11 };
	struct fake_mailbox *inbox = given_inbox(store, 11);

	for (size_t i = 0; i < ARRAY_LEN(deleted); i++)
		inbox->messages[deleted[i] - 1].flags = IMAP_FLAG_DELETED;
}

static void given_foo(struct fake_store *store)
{
	scene_given_john(store);
	given_more(store, "foo");
}

/* clang-format off */

/* ---- RFC 3501 and 9051: section 8 ---- */

Test(session_rfc_mail, a_sample_connection)
{
	scene_play(given_eighteen,
	"# greet\n"
	"C: a001 login john secret\n"
	"S: a001 OK [CAPABILITY ...] logged in\n"
	"C: a002 select inbox\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 18 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 17] first unseen message\n"
	"S: * OK [UIDVALIDITY 3857529045] UIDs are valid\n"
	"S: * OK [UIDNEXT 19] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 19] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: a002 OK [READ-WRITE] SELECT completed\n"
	"C: a003 fetch 12 full\n"
	"S: * 12 FETCH (FLAGS (\\Seen) INTERNALDATE \"17-Jul-1996 02:44:25 "
	    "-0700\" RFC822.SIZE 353 ENVELOPE (\"Wed, 17 Jul 1996 02:23:25 "
	    "-0700 (PDT)\" \"IMAP4rev2 WG mtg summary and minutes\" ((\"Terry "
	    "Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL "
	    "\"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL \"gray\" "
	    "\"cac.washington.edu\")) ((NIL NIL \"imap\" "
	    "\"cac.washington.edu\")) ((NIL NIL \"minutes\" "
	    "\"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" "
	    "\"MIT.EDU\")) NIL NIL \"<B27397-0100000@cac.washington.ed>\") "
	    "BODY (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL "
	    "\"7BIT\" 7 1))\n"
	"S: a003 OK FETCH completed\n"
	"C: a004 fetch 12 body[header]\n"
	"S: * 12 FETCH (BODY[HEADER] {346}\n"
	"S: Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\n"
	"S: From: Terry Gray <gray@cac.washington.edu>\n"
	"S: Subject: IMAP4rev2 WG mtg summary and minutes\n"
	"S: To: imap@cac.washington.edu\n"
	"S: cc: minutes@CNRI.Reston.VA.US, \n"
	"S:    John Klensin <KLENSIN@MIT.EDU>\n"
	"S: Message-Id: <B27397-0100000@cac.washington.ed>\n"
	"S: MIME-Version: 1.0\n"
	"S: Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\n"
	"S: \n"
	"S: )\n"
	"S: a004 OK FETCH completed\n"
	"C: a005 store 12 +flags \\deleted\n"
	"S: * 12 FETCH (UID 12 FLAGS (\\Deleted \\Seen))\n"
	"S: a005 OK STORE completed\n"
	"C: a006 logout\n"
	"S: * BYE logging out\n"
	"S: a006 OK LOGOUT completed\n"
	"# closed\n");
}

Test(session_rfc_mail, a_sample_connection_of_rev2)
{
	scene_play(given_eighteen,
	"# plain\n"
	"C: a000 starttls\n"
	"S: a000 OK begin TLS now\n"
	"# tls\n"
	"C: A001 AUTHENTICATE PLAIN AGpvaG4Ac2VjcmV0\n"
	"S: A001 OK [CAPABILITY ...] logged in\n"
	"C: babc ENABLE IMAP4rev2\n"
	"S: * ENABLED IMAP4rev2\n"
	"S: babc OK ENABLE completed\n"
	"C: a002 select inbox\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 18 EXISTS\n"
	"S: * OK [UIDVALIDITY 3857529045] UIDs are valid\n"
	"S: * OK [UIDNEXT 19] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 19] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: * LIST () \"/\" INBOX (\"OLDNAME\" (inbox))\n"
	"S: a002 OK [READ-WRITE] SELECT completed\n"
	"C: a003 fetch 12 full\n"
	"S: * 12 FETCH (FLAGS (\\Seen) INTERNALDATE \"17-Jul-1996 02:44:25 "
	    "-0700\" RFC822.SIZE 353 ENVELOPE (\"Wed, 17 Jul 1996 02:23:25 "
	    "-0700 (PDT)\" \"IMAP4rev2 WG mtg summary and minutes\" ((\"Terry "
	    "Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL "
	    "\"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL \"gray\" "
	    "\"cac.washington.edu\")) ((NIL NIL \"imap\" "
	    "\"cac.washington.edu\")) ((NIL NIL \"minutes\" "
	    "\"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" "
	    "\"MIT.EDU\")) NIL NIL \"<B27397-0100000@cac.washington.ed>\") "
	    "BODY (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL "
	    "\"7BIT\" 7 1))\n"
	"S: a003 OK FETCH completed\n"
	"C: a004 fetch 12 body[header]\n"
	"S: * 12 FETCH (BODY[HEADER] {346}\n"
	"S: Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\n"
	"S: From: Terry Gray <gray@cac.washington.edu>\n"
	"S: Subject: IMAP4rev2 WG mtg summary and minutes\n"
	"S: To: imap@cac.washington.edu\n"
	"S: cc: minutes@CNRI.Reston.VA.US, \n"
	"S:    John Klensin <KLENSIN@MIT.EDU>\n"
	"S: Message-Id: <B27397-0100000@cac.washington.ed>\n"
	"S: MIME-Version: 1.0\n"
	"S: Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\n"
	"S: \n"
	"S: )\n"
	"S: a004 OK FETCH completed\n"
	"C: a005 store 12 +flags \\deleted\n"
	"S: * 12 FETCH (UID 12 FLAGS (\\Deleted \\Seen))\n"
	"S: a005 OK STORE completed\n"
	"C: a006 logout\n"
	"S: * BYE logging out\n"
	"S: a006 OK LOGOUT completed\n"
	"# closed\n");
}

/* ---- RFC 4959 (RFC 9051, section 6.2.2) ---- */

Test(session_rfc_mail, plain_with_both_identities)
{
	/* section 4, example 1 */
	scene_play(scene_given_john,
	"# greet\n"
	"C: A01 AUTHENTICATE PLAIN am9obgBqb2huAHNlY3JldA==\n"
	"S: A01 OK [CAPABILITY ...] logged in\n"
	"C: A02 NOOP\n"
	"S: A02 OK NOOP completed\n");
}

Test(session_rfc_mail, plain_in_two_steps)
{
	/* example 2 */
	scene_play(scene_given_john,
	"# greet\n"
	"C: A01 AUTHENTICATE PLAIN\n"
	"S: + \n"
	"C: am9obgBqb2huAHNlY3JldA==\n"
	"S: A01 OK [CAPABILITY ...] logged in\n"
	"C: A02 NOOP\n"
	"S: A02 OK NOOP completed\n");
}

Test(session_rfc_mail, external_is_not_offered)
{
	/* examples 3 and 4 */
	scene_play(scene_given_john,
	"# greet\n"
	"C: C01 CAPABILITY\n"
	"S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- ID ENABLE SASL-IR "
	    "AUTH=PLAIN AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256\n"
	"S: C01 OK CAPABILITY completed\n"
	"C: A01 AUTHENTICATE EXTERNAL =\n"
	"S: A01 NO [CANNOT] unknown mechanism\n"
	"C: A02 AUTHENTICATE EXTERNAL\n"
	"S: A02 NO [CANNOT] unknown mechanism\n");
}

/* ---- RFC 7888, RFC 9051 section 7.6 ---- */

Test(session_rfc_mail, literals_of_commands)
{
	/* section 3 of RFC 7888; section 7.5 of RFC 3501 */
	scene_play(scene_given_john,
	"# greet\n"
	"P: A001 LOGIN {4+}\n"
	"P: john {6+}\n"
	"C: secret\n"
	"S: A001 OK [CAPABILITY ...] logged in\n"
	"C: A044 BLURDYBLOOP {102856}\n"
	"S: A044 BAD Unknown command\n"
	"C: A045 NOOP\n"
	"S: A045 OK NOOP completed\n");
}

/* ---- RFC 2177 (RFC 9051, section 6.3.13) ---- */

Test(session_rfc_mail, idle)
{
	scene_play(given_three,
	"C: A001 SELECT INBOX\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 3 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 1] UIDs are valid\n"
	"S: * OK [UIDNEXT 4] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 4] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: A001 OK [READ-WRITE] SELECT completed\n"
	"C: A002 IDLE\n"
	"S: + idling\n"
	"2P: B1 APPEND INBOX {5+}\n"
	"2C: hello\n"
	"S: * 4 EXISTS\n"
	"S: * 0 RECENT\n"
	"2S: B1 OK [APPENDUID 1 4] APPEND completed\n"
	"C: DONE\n"
	"S: A002 OK IDLE completed\n"
	"2# select INBOX\n"
	"2C: B2 STORE 2 +FLAGS.SILENT (\\Deleted)\n"
	"2S: B2 OK STORE completed\n"
	"2C: B3 EXPUNGE\n"
	"2S: * 2 EXPUNGE\n"
	"2S: B3 OK EXPUNGE completed\n"
	"C: A003 FETCH 4 (UID RFC822.SIZE)\n"
	"S: * 4 FETCH (UID 4 RFC822.SIZE 5)\n"
	"S: A003 OK FETCH completed\n"
	"C: A004 IDLE\n"
	"S: + idling\n"
	"S: * 2 EXPUNGE\n"
	"2C: B4 STORE 3 +FLAGS.SILENT (\\Deleted)\n"
	"S: * 3 FETCH (UID 4 FLAGS (\\Deleted))\n"
	"2S: B4 OK STORE completed\n"
	"2C: B5 EXPUNGE\n"
	"S: * 3 EXPUNGE\n"
	"2S: * 3 EXPUNGE\n"
	"2S: B5 OK EXPUNGE completed\n"
	"2P: B6 APPEND INBOX {5+}\n"
	"2C: hello\n"
	"S: * 3 EXISTS\n"
	"S: * 0 RECENT\n"
	"2S: * 3 EXISTS\n"
	"2S: * 0 RECENT\n"
	"2S: B6 OK [APPENDUID 1 5] APPEND completed\n"
	"C: DONE\n"
	"S: A004 OK IDLE completed\n"
	"C: A005 FETCH 3 UID\n"
	"S: * 3 FETCH (UID 5)\n"
	"S: A005 OK FETCH completed\n"
	"C: A006 IDLE\n"
	"S: + idling\n"
	"C: DONE\n"
	"S: A006 OK IDLE completed\n");
}

/* ---- RFC 3502: MULTIAPPEND ---- */

Test(session_rfc_mail, multiappend)
{
	/* section 6.3.11 */
	scene_play(given_saved_messages,
	"C: A003 APPEND saved-messages (\\Seen) {329}\n"
	"S: + OK\n"
	"P: Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\n"
	"P: From: Fred Foobar <foobar@Blurdybloop.example.COM>\n"
	"P: Subject: afternoon meeting\n"
	"P: To: mooch@owatagu.example.net\n"
	"P: Message-Id: <B27397-0100000@Blurdybloop.example.COM>\n"
	"P: MIME-Version: 1.0\n"
	"P: Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\n"
	"P: \n"
	"P: Hello Joe, do you think we can meet at 3:30 tomorrow?\n"
	"C:  (\\Seen) \" 7-Feb-1994 22:43:04 -0800\" {295}\n"
	"S: + OK\n"
	"P: Date: Mon, 7 Feb 1994 22:43:04 -0800 (PST)\n"
	"P: From: Joe Mooch <mooch@OWaTaGu.example.net>\n"
	"P: Subject: Re: afternoon meeting\n"
	"P: To: foobar@blurdybloop.example.com\n"
	"P: Message-Id: <a0434793874930@OWaTaGu.example.net>\n"
	"P: MIME-Version: 1.0\n"
	"P: Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\n"
	"P: \n"
	"P: 3:30 is fine with me.\n"
	"C: \n"
	"S: A003 OK [APPENDUID 2 1:2] APPEND completed\n"
	"C: A004 APPEND bogusname (\\Flagged) {1023}\n"
	"S: A004 NO [TRYCREATE] no such mailbox\n"
	"C: A005 STATUS saved-messages (MESSAGES UNSEEN)\n"
	"S: * STATUS saved-messages (MESSAGES 2 UNSEEN 0)\n"
	"S: A005 OK STATUS completed\n");
}

/* ---- RFC 4315: UIDPLUS (RFC 9051, sections 6.3.12, 6.4.7, 6.4.9) ---- */

Test(session_rfc_mail, uid_expunge)
{
	/* section 2.1 */
	scene_play(given_3000,
	"# select INBOX\n"
	"C: A003 UID EXPUNGE 3000:3002\n"
	"S: * 5 EXPUNGE\n"
	"S: * 4 EXPUNGE\n"
	"S: * 3 EXPUNGE\n"
	"S: A003 OK UID EXPUNGE completed\n");
}

Test(session_rfc_mail, appenduid_and_copyuid)
{
	/* section 3 */
	scene_play(given_meeting,
	"C: A003 APPEND saved-messages (\\Seen) {297}\n"
	"S: + OK\n"
	"P: Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\n"
	"P: From: Fred Foobar <foobar@example.com>\n"
	"P: Subject: afternoon meeting\n"
	"P: To: mooch@example.com\n"
	"P: Message-Id: <B27397-0100000@example.com>\n"
	"P: MIME-Version: 1.0\n"
	"P: Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\n"
	"P: \n"
	"P: Hello Joe, do you think we can meet at 3:30 tomorrow?\n"
	"C: \n"
	"S: A003 OK [APPENDUID 3 3955] APPEND completed\n"
	"# select INBOX\n"
	"C: A004 COPY 2:4 meeting\n"
	"S: A004 OK [COPYUID 2 304,319:320 3956:3958] COPY completed\n"
	"C: A005 UID COPY 305:310 meeting\n"
	"S: A005 OK UID COPY completed\n"
	"C: A006 COPY 2 funny\n"
	"S: A006 OK [COPYUID 4 304 1] COPY completed\n"
	"C: A007 SELECT funny\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 1 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 4] UIDs are valid\n"
	"S: * OK [UIDNEXT 2] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 2] mod-sequence\n"
	"S: * OK [MAILBOXID (F4)] object id\n"
	"S: A007 OK [READ-WRITE] SELECT completed\n");
}

/* ---- RFC 6851: MOVE (RFC 9051, section 6.4.8) ---- */

Test(session_rfc_mail, uid_move)
{
	/* section 3.3 */
	scene_play(given_42,
	"# select INBOX\n"
	"C: a UID MOVE 42:44 foo\n"
	"S: * OK [COPYUID 2 42:44 1202:1204] moved\n"
	"S: * 4 EXPUNGE\n"
	"S: * 3 EXPUNGE\n"
	"S: * 2 EXPUNGE\n"
	"S: a OK UID MOVE completed\n");
}

/* ---- RFC 9051: sections 6.4.4, 6.4.6 and 6.4.9 ---- */

Test(session_rfc_mail, search_for_a_word_of_russian)
{
	/* section 6.4.4 */
	scene_play(given_russian,
	"C: A1 ENABLE IMAP4rev2\n"
	"S: * ENABLED IMAP4rev2\n"
	"S: A1 OK ENABLE completed\n"
	"# select INBOX\n"
	"C: A285 SEARCH CHARSET UTF-8 TEXT {12}\n"
	"S: + OK\n"
	"C: "
	    "\xd0""\xbe""\xd1""\x82""\xd0""\xbf""\xd1""\x83"
	    "\xd1""\x81""\xd0""\xba""\n"
	"S: * ESEARCH (TAG \"A285\") ALL 3\n"
	"S: A285 OK SEARCH completed\n");
}

Test(session_rfc_mail, search_within_a_result_for_a_word_of_russian)
{
	/* section 6.4.4.4; RFC 5182, example 3 */
	scene_play(given_russian,
	"C: A1 ENABLE IMAP4rev2\n"
	"S: * ENABLED IMAP4rev2\n"
	"S: A1 OK ENABLE completed\n"
	"# select INBOX\n"
	"C: P282 SEARCH RETURN (SAVE) SINCE 1-Feb-1994 NOT FROM \"Smith\"\n"
	"S: P282 OK SEARCH completed\n"
	"P: P283 SEARCH CHARSET UTF-8 (OR $ 1,3:4) TEXT {8+}\n"
	"C: \xd0""\xbc""\xd0""\xb0""\xd1""\x82""\xd1""\x8c""\n"
	"S: * ESEARCH (TAG \"P283\") ALL 4\n"
	"S: P283 OK SEARCH completed\n");
}

Test(session_rfc_mail, store_on_flags_that_are_there)
{
	/* section 6.4.6 */
	scene_play(given_stored,
	"# select INBOX\n"
	"C: A003 STORE 2:4 +FLAGS (\\Deleted)\n"
	"S: * 2 FETCH (UID 2 FLAGS (\\Deleted \\Seen))\n"
	"S: * 3 FETCH (UID 3 FLAGS (\\Deleted))\n"
	"S: * 4 FETCH (UID 4 FLAGS (\\Flagged \\Deleted \\Seen))\n"
	"S: A003 OK STORE completed\n");
}

Test(session_rfc_mail, uid_fetch_of_a_range_with_gaps)
{
	/* section 6.4.9 */
	scene_play(given_gaps,
	"# select INBOX\n"
	"C: A999 UID FETCH 313:1442 FLAGS\n"
	"S: * 23 FETCH (UID 313 FLAGS (\\Seen))\n"
	"S: * 24 FETCH (UID 943 FLAGS (\\Seen))\n"
	"S: * 25 FETCH (UID 1442 FLAGS (\\Seen))\n"
	"S: A999 OK UID FETCH completed\n"
	"C: A998 UID FETCH 1500:* UID\n"
	"S: * 25 FETCH (UID 1442)\n"
	"S: A998 OK UID FETCH completed\n");
}

/* ---- RFC 4731: ESEARCH (RFC 9051, section 6.4.4) ---- */

Test(session_rfc_mail, esearch)
{
	/* section 3.1 */
	scene_play(given_flags,
	"# select INBOX\n"
	"C: A282 SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM "
	    "\"Smith\"\n"
	"S: * ESEARCH (TAG \"A282\") MIN 2 COUNT 3\n"
	"S: A282 OK SEARCH completed\n"
	"C: A283 SEARCH RETURN () FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"\n"
	"S: * ESEARCH (TAG \"A283\") ALL 2,10:11\n"
	"S: A283 OK SEARCH completed\n"
	"C: A284 SEARCH RETURN (MIN) UNSEEN\n"
	"S: * ESEARCH (TAG \"A284\") MIN 4\n"
	"S: A284 OK SEARCH completed\n"
	"C: A285 UID SEARCH RETURN (MIN MAX) 1:12\n"
	"S: * ESEARCH (TAG \"A285\") UID MIN 1 MAX 12\n"
	"S: A285 OK UID SEARCH completed\n"
	"C: A286 SEARCH RETURN (COUNT) DELETED\n"
	"S: * ESEARCH (TAG \"A286\") COUNT 1\n"
	"S: A286 OK SEARCH completed\n");
}

Test(session_rfc_mail, esearch_with_mod_sequences)
{
	/* section 3.2 */
	scene_play(given_flags,
	"# select INBOX\n"
	"C: a1 SEARCH RETURN (MIN) MODSEQ \"/flags/\\\\draft\" all 5\n"
	"S: * OK [HIGHESTMODSEQ 13] CONDSTORE is on\n"
	"S: * ESEARCH (TAG \"a1\") MIN 4 MODSEQ 5\n"
	"S: a1 OK SEARCH completed\n"
	"C: a2 SEARCH RETURN (MAX) MODSEQ \"/flags/\\\\draft\" all 5\n"
	"S: * ESEARCH (TAG \"a2\") MAX 12 MODSEQ 13\n"
	"S: a2 OK SEARCH completed\n"
	"C: a3 SEARCH RETURN (MIN MAX) MODSEQ \"/flags/\\\\draft\" all 5\n"
	"S: * ESEARCH (TAG \"a3\") MIN 4 MAX 12 MODSEQ 13\n"
	"S: a3 OK SEARCH completed\n"
	"C: a4 SEARCH RETURN (MIN COUNT) MODSEQ \"/flags/\\\\draft\" all 5\n"
	"S: * ESEARCH (TAG \"a4\") MIN 4 COUNT 9 MODSEQ 13\n"
	"S: a4 OK SEARCH completed\n");
}

/* ---- RFC 5182: SEARCHRES (RFC 9051, section 6.4.4.4) ---- */

Test(session_rfc_mail, searchres_example_1_pipelined)
{
	scene_play(given_flags,
	"# select INBOX\n"
	"P: A282 SEARCH RETURN (SAVE) FLAGGED SINCE 1-Feb-1994 NOT FROM "
	    "\"Smith\"\n"
	"C: A283 FETCH $ (UID INTERNALDATE FLAGS RFC822.HEADER)\n"
	"S: A282 OK SEARCH completed\n"
	"S: * 2 FETCH (UID 2 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" FLAGS "
	    "(\\Flagged \\Seen) RFC822.HEADER {14}\n"
	"S: Subject: 2\n"
	"S: \n"
	"S: )\n"
	"S: * 10 FETCH (UID 10 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" "
	    "FLAGS (\\Flagged) RFC822.HEADER {15}\n"
	"S: Subject: 10\n"
	"S: \n"
	"S: )\n"
	"S: * 11 FETCH (UID 11 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" "
	    "FLAGS (\\Flagged) RFC822.HEADER {15}\n"
	"S: Subject: 11\n"
	"S: \n"
	"S: )\n"
	"S: A283 OK FETCH completed\n");
}

Test(session_rfc_mail, searchres_example_2)
{
	scene_play(given_flags,
	"# select INBOX\n"
	"C: A300 SEARCH RETURN (SAVE) SINCE 1-Jan-1995 NOT FROM \"Smith\"\n"
	"S: A300 OK SEARCH completed\n"
	"C: A301 UID SEARCH UID $ SMALLER 21\n"
	"S: * SEARCH 1 2 3 4 5 6 7 8 9 10 11 12\n"
	"S: A301 OK UID SEARCH completed\n"
	"C: A302 UID SEARCH $ SMALLER 21\n"
	"S: * SEARCH 1 2 3 4 5 6 7 8 9 10 11 12\n"
	"S: A302 OK UID SEARCH completed\n");
}

Test(session_rfc_mail, searchres_example_4)
{
	scene_play(given_flags,
	"# select INBOX\n"
	"C: B282 SEARCH RETURN (SAVE) SINCE 1-Feb-1994 NOT FROM \"Smith\"\n"
	"S: B282 OK SEARCH completed\n"
	"P: B283 SEARCH RETURN (SAVE) CHARSET KOI7 (OR $ 1,3:4) TEXT {4+}\n"
	"C: XXXX\n"
	"S: B283 NO [BADCHARSET (UTF-8 US-ASCII)] unknown character set\n"
	"C: B284 SEARCH $\n"
	"S: * SEARCH\n"
	"S: B284 OK SEARCH completed\n");
}

Test(session_rfc_mail, searchres_example_5)
{
	scene_play(given_flags,
	"# select INBOX\n"
	"P: E282 SEARCH RETURN (SAVE) SINCE 28-Oct-2006 NOT FROM \"Eric\"\n"
	"C: E283 COPY $ \"Other Messages\"\n"
	"S: E282 OK SEARCH completed\n"
	"S: E283 OK COPY completed\n");
}

Test(session_rfc_mail, searchres_example_6)
{
	/* the server plays them in order */
	scene_play(given_junk,
	"# select INBOX\n"
	"P: F282 SEARCH RETURN (SAVE) KEYWORD $Junk\n"
	"P: F283 COPY $ \"Junk\"\n"
	"C: F284 STORE $ +FLAGS.Silent (\\Deleted)\n"
	"S: F282 OK SEARCH completed\n"
	"S: F283 OK [COPYUID 2 1,3 1:2] COPY completed\n"
	"S: F284 OK STORE completed\n"
	"C: F285 FETCH 1:* FLAGS\n"
	"S: * 1 FETCH (FLAGS (\\Deleted $Junk))\n"
	"S: * 2 FETCH (FLAGS ())\n"
	"S: * 3 FETCH (FLAGS (\\Deleted $Junk))\n"
	"S: * 4 FETCH (FLAGS ())\n"
	"S: F285 OK FETCH completed\n");
}

Test(session_rfc_mail, searchres_example_7)
{
	scene_play(given_junk,
	"# select INBOX\n"
	"P: G282 SEARCH RETURN (SAVE) KEYWORD $Junk\n"
	"C: G283 SEARCH RETURN (ALL) SINCE 28-Oct-1995 FROM \"Eric\"\n"
	"S: G282 OK SEARCH completed\n"
	"S: * ESEARCH (TAG \"G283\") ALL 4\n"
	"S: G283 OK SEARCH completed\n"
	"C: G284 FETCH $ UID\n"
	"S: * 1 FETCH (UID 1)\n"
	"S: * 3 FETCH (UID 3)\n"
	"S: G284 OK FETCH completed\n");
}

Test(session_rfc_mail, searchres_example_8)
{
	scene_play(given_junk,
	"# select INBOX\n"
	"P: H282 SEARCH RETURN (SAVE) KEYWORD $Junk\n"
	"C: H283 SEARCH RETURN (SAVE) SINCE 28-Oct-1995 FROM \"Eric\"\n"
	"S: H282 OK SEARCH completed\n"
	"S: H283 OK SEARCH completed\n"
	"C: H284 FETCH $ UID\n"
	"S: * 4 FETCH (UID 4)\n"
	"S: H284 OK FETCH completed\n");
}

/* ---- RFC 7162 ---- */

Test(session_rfc_mail, a_keyword_that_another_session_has_set)
{
	/* section 3.1.3, example 8 and what follows it */
	scene_play(given_flags,
	"# select INBOX\n"
	"2# select INBOX\n"
	"2C: x STORE 2 +FLAGS.SILENT (\\Deleted \\Answered)\n"
	"2S: x OK STORE completed\n"
	"C: a106 STORE 1:4 (UNCHANGEDSINCE 13) +FLAGS.SILENT ($Processed)\n"
	"S: * OK [HIGHESTMODSEQ 13] CONDSTORE is on\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft "
	    "$Processed)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft $Processed \\*)] flags that can be kept\n"
	"S: * 1 FETCH (UID 1 FLAGS (\\Seen $Processed) MODSEQ (15))\n"
	"S: * 2 FETCH (UID 2 FLAGS (\\Answered \\Flagged \\Deleted \\Seen) "
	    "MODSEQ (14))\n"
	"S: * 3 FETCH (UID 3 FLAGS (\\Seen $Processed) MODSEQ (15))\n"
	"S: * 4 FETCH (UID 4 FLAGS ($Processed) MODSEQ (15))\n"
	"S: a106 OK [MODIFIED 2] STORE completed\n"
	"C: b107 NOOP\n"
	"S: b107 OK NOOP completed\n"
	"C: b108 STORE 2 (UNCHANGEDSINCE 14) +FLAGS.SILENT ($Processed)\n"
	"S: * 2 FETCH (UID 2 MODSEQ (16))\n"
	"S: b108 OK STORE completed\n");
}

Test(session_rfc_mail, changes_are_told_to_two_others)
{
	/* section 3.1.4.2, example 14: the third session is not there */
	scene_play(given_flags,
	"# qresync INBOX\n"
	"2# select INBOX\n"
	"2C: a ENABLE CONDSTORE\n"
	"2S: * OK [HIGHESTMODSEQ 13] CONDSTORE is on\n"
	"2S: * ENABLED CONDSTORE\n"
	"2S: a OK ENABLE completed\n"
	"C: A160 STORE 7 +FLAGS.SILENT (\\Deleted)\n"
	"S: * 7 FETCH (UID 7 MODSEQ (14))\n"
	"S: A160 OK STORE completed\n"
	"2C: D210 NOOP\n"
	"2S: * 7 FETCH (UID 7 FLAGS (\\Answered \\Deleted) MODSEQ (14))\n"
	"2S: D210 OK NOOP completed\n"
	"C: A240 STORE 7 +FLAGS.SILENT (\\Seen)\n"
	"S: * 7 FETCH (UID 7 MODSEQ (15))\n"
	"S: A240 OK STORE completed\n"
	"C: A330 STORE 7 -FLAGS.SILENT (\\Answered \\Seen)\n"
	"S: * 7 FETCH (UID 7 MODSEQ (16))\n"
	"S: A330 OK STORE completed\n"
	"2C: D390 NOOP\n"
	"2S: * 7 FETCH (UID 7 FLAGS (\\Deleted) MODSEQ (16))\n"
	"2S: D390 OK NOOP completed\n");
}

Test(session_rfc_mail, fetch_without_vanished)
{
	/* section 3.2.6 */
	scene_play(given_vanished,
	"# qresync INBOX\n"
	"C: s100 UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345)\n"
	"S: * 1 FETCH (UID 404 FLAGS (\\Seen) MODSEQ (65402))\n"
	"S: * 2 FETCH (UID 406 FLAGS (\\Deleted) MODSEQ (75403))\n"
	"S: * 3 FETCH (UID 407 FLAGS (\\Flagged) MODSEQ (29738))\n"
	"S: * 5 FETCH (UID 498 FLAGS () MODSEQ (12347))\n"
	"S: s100 OK UID FETCH completed\n"
	"C: s102 UID SEARCH UID 300:500\n"
	"S: * SEARCH 404 406 407 408 498\n"
	"S: s102 OK UID SEARCH completed\n"
	"C: s103 UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)\n"
	"S: * VANISHED (EARLIER) 405,411\n"
	"S: * 1 FETCH (UID 404 FLAGS (\\Seen) MODSEQ (65402))\n"
	"S: * 2 FETCH (UID 406 FLAGS (\\Deleted) MODSEQ (75403))\n"
	"S: * 3 FETCH (UID 407 FLAGS (\\Flagged) MODSEQ (29738))\n"
	"S: * 5 FETCH (UID 498 FLAGS () MODSEQ (12347))\n"
	"S: s103 OK UID FETCH completed\n");
}

Test(session_rfc_mail, expunge_with_condstore)
{
	/* section 3.2.7: without QRESYNC numbers are told */
	scene_play(given_deleted,
	"# select INBOX\n"
	"C: A201 ENABLE CONDSTORE\n"
	"S: * OK [HIGHESTMODSEQ 12] CONDSTORE is on\n"
	"S: * ENABLED CONDSTORE\n"
	"S: A201 OK ENABLE completed\n"
	"C: A202 EXPUNGE\n"
	"S: * 11 EXPUNGE\n"
	"S: * 7 EXPUNGE\n"
	"S: * 4 EXPUNGE\n"
	"S: * 3 EXPUNGE\n"
	"S: A202 OK EXPUNGE completed\n"
	"C: A203 NOOP\n"
	"S: A203 OK NOOP completed\n");
}

Test(session_rfc_mail, expunge_with_qresync)
{
	/* section 3.2.7 and 3.2.10.2 */
	scene_play(given_deleted,
	"# qresync INBOX\n"
	"C: B202 EXPUNGE\n"
	"S: * VANISHED 3:4,7,11\n"
	"S: B202 OK [HIGHESTMODSEQ 13] EXPUNGE completed\n");
}

Test(session_rfc_mail, uid_expunge_with_condstore)
{
	/* section 3.2.9 */
	scene_play(given_deleted,
	"# select INBOX\n"
	"C: A201 ENABLE CONDSTORE\n"
	"S: * OK [HIGHESTMODSEQ 12] CONDSTORE is on\n"
	"S: * ENABLED CONDSTORE\n"
	"S: A201 OK ENABLE completed\n"
	"C: . UID EXPUNGE 3:7\n"
	"S: * 7 EXPUNGE\n"
	"S: * 4 EXPUNGE\n"
	"S: * 3 EXPUNGE\n"
	"S: . OK UID EXPUNGE completed\n");
}

Test(session_rfc_mail, close_with_qresync)
{
	/* section 3.2.8 */
	scene_play(given_deleted,
	"# qresync INBOX\n"
	"C: A202 CLOSE\n"
	"S: A202 OK CLOSE completed\n");
}

Test(session_rfc_mail, select_that_resynchronises_a_client)
{
	/* section 6, the second example */
	scene_play(given_vanished,
	"C: A1 ENABLE QRESYNC\n"
	"S: * ENABLED QRESYNC\n"
	"S: A1 OK ENABLE completed\n"
	"C: A142 SELECT INBOX (QRESYNC (3857529045 12345 1:498))\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 5 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 2] first unseen message\n"
	"S: * OK [UIDVALIDITY 3857529045] UIDs are valid\n"
	"S: * OK [UIDNEXT 499] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 75403] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: * VANISHED (EARLIER) 405,411\n"
	"S: * 1 FETCH (UID 404 FLAGS (\\Seen) MODSEQ (65402))\n"
	"S: * 2 FETCH (UID 406 FLAGS (\\Deleted) MODSEQ (75403))\n"
	"S: * 3 FETCH (UID 407 FLAGS (\\Flagged) MODSEQ (29738))\n"
	"S: * 5 FETCH (UID 498 FLAGS () MODSEQ (12347))\n"
	"S: A142 OK [READ-WRITE] SELECT completed\n");
}

/* ---- RFC 8474: OBJECTID ---- */

Test(session_rfc_mail, emailid_and_threadid)
{
	/* section 5.3 and 6: no threads are made */
	scene_play(given_foo,
	"P: 5 append Sent \"20-Mar-2018 03:07:37 +1100\" {62+}\n"
	"P: Subject: Message A\n"
	"P: Message-ID: <fake.1521475657.54797@xx>\n"
	"P: \n"
	"C: \n"
	"S: 5 OK [APPENDUID 3 1] APPEND completed\n"
	"P: 11 append Sent \"20-Mar-2018 03:07:37 +1100\" {66+}\n"
	"P: Subject: Re: Message A\n"
	"P: Message-ID: <fake.1521475657.21213@xx>\n"
	"P: \n"
	"C: \n"
	"S: 11 OK [APPENDUID 3 2] APPEND completed\n"
	"# select Sent\n"
	"C: 22 fetch 1:* (emailid threadid)\n"
	"S: * 1 FETCH (EMAILID (M5df6ca63cb22242c0951a098c25dda8914cd6ef9) "
	    "THREADID NIL)\n"
	"S: * 2 FETCH (EMAILID (M5ede400fca287a99653b9ee0dde0e22f820d57c2) "
	    "THREADID NIL)\n"
	"S: 22 OK FETCH completed\n"
	"C: 23 move 2 foo\n"
	"S: * OK [COPYUID 10 2 1] moved\n"
	"S: * 2 EXPUNGE\n"
	"S: 23 OK MOVE completed\n"
	"C: 24 fetch 1:* (emailid threadid)\n"
	"S: * 1 FETCH (EMAILID (M5df6ca63cb22242c0951a098c25dda8914cd6ef9) "
	    "THREADID NIL)\n"
	"S: 24 OK FETCH completed\n"
	"C: 25 select \"foo\"\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 1 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 10] UIDs are valid\n"
	"S: * OK [UIDNEXT 2] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 2] mod-sequence\n"
	"S: * OK [MAILBOXID (F10)] object id\n"
	"S: 25 OK [READ-WRITE] SELECT completed\n"
	"C: 26 fetch 1:* (emailid threadid)\n"
	"S: * 1 FETCH (EMAILID (M5ede400fca287a99653b9ee0dde0e22f820d57c2) "
	    "THREADID NIL)\n"
	"S: 26 OK FETCH completed\n"
	"C: 26a search emailid M5ede400fca287a99653b9ee0dde0e22f820d57c2\n"
	"S: * SEARCH 1\n"
	"S: 26a OK SEARCH completed\n"
	"C: 27 search emailid M6d99ac3275bb4e\n"
	"S: * SEARCH\n"
	"S: 27 OK SEARCH completed\n"
	"C: 28 search threadid T64b478a75b7ea9\n"
	"S: * SEARCH\n"
	"S: 28 OK SEARCH completed\n");
}
