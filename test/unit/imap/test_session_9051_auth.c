/*
 * Commands of the authenticated state: RFC 9051 section 6.3 in order; LSUB and
 * UNSEEN of RFC 3501. LIST, ACL, APPEND and IDLE have files of their
 * own.
 */
#include <criterion/criterion.h>

#include "scene.h"

/* clang-format off */

/* ---- 6.3.2, 6.3.3: SELECT, EXAMINE ---- */

/* The mailbox of the examples. */
static void given_172(struct fake_store *store)
{
	struct fake_mailbox *inbox;

	scene_given_john(store);
	inbox = scene_mailbox(store, "INBOX");
	inbox->uidvalidity = 3857529045;
	scene_fill(inbox, 173);
	inbox->uidnext = 4392;
	for (size_t i = 0; i < 11; i++)
		inbox->messages[i].seen = 1;
}

Test(session_auth, select)
{
	scene_play(given_172,
	"C: A142 SELECT INBOX\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 172 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 12] first unseen message\n"
	"S: * OK [UIDVALIDITY 3857529045] UIDs are valid\n"
	"S: * OK [UIDNEXT 4392] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 173] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: A142 OK [READ-WRITE] SELECT completed\n");
}

Test(session_auth, select_of_rev2_has_list_and_neither_recent_nor_unseen)
{
	scene_play(given_172,
	"C: A1 ENABLE IMAP4rev2\n"
	"S: * ENABLED IMAP4rev2\n"
	"S: A1 OK ENABLE completed\n"
	"C: A142 SELECT inbox\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 172 EXISTS\n"
	"S: * OK [UIDVALIDITY 3857529045] UIDs are valid\n"
	"S: * OK [UIDNEXT 4392] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 173] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: * LIST () \"/\" INBOX (\"OLDNAME\" (inbox))\n"
	"S: A142 OK [READ-WRITE] SELECT completed\n");
}

Test(session_auth, examine)
{
	scene_play(given_172,
	"C: A932 EXAMINE INBOX\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS ()] flags that can be kept\n"
	"S: * 172 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 12] first unseen message\n"
	"S: * OK [UIDVALIDITY 3857529045] UIDs are valid\n"
	"S: * OK [UIDNEXT 4392] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 173] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: A932 OK [READ-ONLY] EXAMINE completed\n"
	"C: A933 STORE 1 +FLAGS (\\Deleted)\n"
	"S: A933 NO mailbox is read-only\n"
	"C: A934 EXPUNGE\n"
	"S: A934 NO mailbox is read-only\n"
	"C: A935 FETCH 20 (FLAGS BODY[TEXT])\n"
	"S: * 20 FETCH (FLAGS () BODY[TEXT] {4}\n"
	"S: 20\n"
	"S: )\n"
	"S: A935 OK FETCH completed\n"
	"C: A936 MOVE 1 Sent\n"
	"S: A936 NO mailbox is read-only\n");
}

Test(session_auth, another_select_closes_the_first_one)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: A142 SELECT Sent\n"
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
	"S: A142 OK [READ-WRITE] SELECT completed\n"
	"C: A143 ENABLE IMAP4rev2\n"
	"S: * ENABLED IMAP4rev2\n"
	"S: A143 OK ENABLE completed\n"
	"C: A144 EXAMINE Drafts\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS ()] flags that can be kept\n"
	"S: * 0 EXISTS\n"
	"S: * OK [UIDVALIDITY 2] UIDs are valid\n"
	"S: * OK [UIDNEXT 1] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 1] mod-sequence\n"
	"S: * OK [MAILBOXID (F2)] object id\n"
	"S: * LIST () \"/\" Drafts\n"
	"S: A144 OK [READ-ONLY] EXAMINE completed\n");
}

Test(session_auth, a_select_that_fails_leaves_nothing_selected)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: A142 SELECT Nowhere\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: A142 NO [NONEXISTENT] does not exist\n"
	"C: A143 FETCH 1 FLAGS\n"
	"S: A143 BAD no mailbox is selected\n"
	"C: A144 SELECT \"&\"\n"
	"S: A144 NO [NONEXISTENT] does not exist\n"
	"C: A145 SELECT INBOX (NONSENSE)\n"
	"S: A145 BAD Unknown parameter\n");
}

Test(session_auth, bad_syntax_of_select_leaves_the_mailbox_selected)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: A142 SELECT\n"
	"S: A142 BAD Missing argument\n"
	"C: A143 FETCH 1 UID\n"
	"S: * 1 FETCH (UID 1)\n"
	"S: A143 OK FETCH completed\n");
}

Test(session_auth, one_who_may_only_read_gets_it_read_only)
{
	scene_play(scene_given_john,
	"C: A1 SELECT \"Other Users/jane/Diary\"\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS ()] flags that can be kept\n"
	"S: * 1 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 8] UIDs are valid\n"
	"S: * OK [UIDNEXT 2] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 2] mod-sequence\n"
	"S: * OK [MAILBOXID (F8)] object id\n"
	"S: A1 OK [READ-ONLY] SELECT completed\n"
	"C: A2 SELECT \"Other Users/jane/Plans\"\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Seen \\Draft \\*)] "
	    "flags that can be kept\n"
	"S: * 1 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 7] UIDs are valid\n"
	"S: * OK [UIDNEXT 2] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 2] mod-sequence\n"
	"S: * OK [MAILBOXID (F7)] object id\n"
	"S: A2 OK [READ-WRITE] SELECT completed\n"
	"C: A3 SELECT \"Other Users/jane\"\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: A3 NO [NONEXISTENT] does not exist\n");
}

static void given_degraded(struct fake_store *store)
{
	scene_given_john(store);
	scene_mailbox(store, "INBOX")->degraded = true;
}

Test(session_auth, without_a_majority_it_is_read_only)
{
	scene_play(given_degraded,
	"C: A1 SELECT INBOX\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS ()] flags that can be kept\n"
	"S: * 4 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 1] UIDs are valid\n"
	"S: * OK [UIDNEXT 5] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 5] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: * OK [ALERT] the mailbox is read-only for now: too few servers "
	    "are up\n"
	"S: A1 OK [READ-ONLY] SELECT completed\n"
	"C: A2 STORE 1 +FLAGS (\\Seen)\n"
	"S: A2 NO [UNAVAILABLE] mailbox is read-only\n"
	"C: A3 EXPUNGE\n"
	"S: A3 NO [UNAVAILABLE] mailbox is read-only\n"
	"C: A4 MOVE 1 Sent\n"
	"S: A4 NO [UNAVAILABLE] mailbox is read-only\n"
	"C: A5 FETCH 1 BODY[]<0.1>\n"
	"S: * 1 FETCH (BODY[]<0> {1}\n"
	"S: D)\n"
	"S: A5 OK FETCH completed\n"
	"C: A6 CLOSE\n"
	"S: A6 OK CLOSE completed\n");
}

/* ---- 6.3.4: CREATE ---- */

Test(session_auth, create)
{
	scene_play(scene_given_john,
	"C: A003 CREATE owatagusiam/\n"
	"S: A003 OK [MAILBOXID (F10)] CREATE completed\n"
	"C: A004 CREATE owatagusiam/blurdybloop\n"
	"S: A004 OK [MAILBOXID (F11)] CREATE completed\n"
	"C: A005 CREATE owatagusiam\n"
	"S: A005 NO [ALREADYEXISTS] already exists\n"
	"C: A006 CREATE \"Entw&APw-rfe\"\n"
	"S: A006 OK [MAILBOXID (F12)] CREATE completed\n"
	"C: A007 CREATE \"&Jjo\"\n"
	"S: A007 NO [CANNOT] no such name can be\n"
	"C: A008 CREATE INBOX\n"
	"S: A008 NO [ALREADYEXISTS] already exists\n"
	"C: A009 CREATE \"Other Users/jane/Mine\"\n"
	"S: A009 NO [NOPERM] permission denied\n"
	"C: A010 LIST \"\" *\n"
	"S: * LIST (\\HasNoChildren \\Drafts) \"/\" Drafts\n"
	"S: * LIST (\\HasNoChildren) \"/\" Entw&APw-rfe\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" \"Other Users/jane/Diary\"\n"
	"S: * LIST (\\HasNoChildren) \"/\" \"Other Users/jane/Plans\"\n"
	"S: * LIST (\\HasNoChildren \\Sent) \"/\" Sent\n"
	"S: * LIST (\\HasNoChildren \\Trash) \"/\" Trash\n"
	"S: * LIST (\\HasNoChildren) \"/\" Work/2024\n"
	"S: * LIST (\\HasNoChildren) \"/\" owatagusiam/blurdybloop\n"
	"S: * LIST (\\HasChildren) \"/\" owatagusiam\n"
	"S: A010 OK LIST completed\n");
}

static void given_tree(struct fake_store *store)
{
	struct fake_user *john = fake_user_add(store, "john", "secret");

	fake_mailbox_add(store, john, SLICE_LIT("blurdybloop"));
	fake_mailbox_add(store, john, SLICE_LIT("foo"));
	fake_mailbox_add(store, john, SLICE_LIT("foo/bar"));
	fake_mailbox_add(store, john, SLICE_LIT("zap/bar"));
}

Test(session_auth, create_with_a_special_use)
{
	/* RFC 6154 section 5.3; each special use is one mailbox's */
	scene_play(given_tree,
	"C: t1 CREATE MySpecial (USE (\\Drafts \\Sent))\n"
	"S: t1 OK [MAILBOXID (F6)] CREATE completed\n"
	"C: t2 CREATE Everything (USE (\\All))\n"
	"S: t2 OK [MAILBOXID (F7)] CREATE completed\n"
	"C: t3 CREATE Folders (USE (\\Unheard))\n"
	"S: t3 NO [USEATTR] unknown special use\n"
	"C: t4 CREATE Folders (UTILISE (\\All))\n"
	"S: t4 BAD Unknown parameter\n"
	"C: t5 CREATE Plain (USE ())\n"
	"S: t5 OK [MAILBOXID (F8)] CREATE completed\n"
	"C: t7 CREATE Sent (USE (\\Sent))\n"
	"S: t7 NO [USEATTR] special use cannot be given\n"
	"C: t9 CREATE Sent\n"
	"S: t9 OK [MAILBOXID (F9)] CREATE completed\n"
	"C: t6 LIST (SPECIAL-USE) \"\" *\n"
	"S: * LIST (\\All) \"/\" Everything\n"
	"S: * LIST (\\Drafts \\Sent) \"/\" MySpecial\n"
	"S: t6 OK LIST completed\n");
}

/* ---- 6.3.5: DELETE ---- */

Test(session_auth, delete)
{
	scene_play(given_tree,
	"C: A682 LIST \"\" *\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" blurdybloop\n"
	"S: * LIST (\\HasNoChildren) \"/\" foo/bar\n"
	"S: * LIST (\\HasChildren) \"/\" foo\n"
	"S: * LIST (\\HasNoChildren) \"/\" zap/bar\n"
	"S: A682 OK LIST completed\n"
	"C: A683 DELETE blurdybloop\n"
	"S: A683 OK DELETE completed\n"
	"C: A684 DELETE foo\n"
	"S: A684 OK DELETE completed\n"
	"C: A685 LIST \"\" *\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" foo/bar\n"
	"S: * LIST (\\HasNoChildren) \"/\" zap/bar\n"
	"S: A685 OK LIST completed\n"
	"C: A686 LIST \"\" %\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\Noselect \\HasChildren) \"/\" foo\n"
	"S: * LIST (\\Noselect \\HasChildren) \"/\" zap\n"
	"S: A686 OK LIST completed\n"
	"C: A687 DELETE zap\n"
	"S: A687 NO [HASCHILDREN] has children\n"
	"C: A688 DELETE INBOX\n"
	"S: A688 NO [CANNOT] can never be done\n"
	"C: A690 DELETE \"&\"\n"
	"S: A690 NO [NONEXISTENT] does not exist\n"
	"C: A689 DELETE gone\n"
	"S: A689 NO [NONEXISTENT] does not exist\n");
}

Test(session_auth, delete_of_the_selected_mailbox)
{
	scene_play(scene_given_john,
	"# select Sent\n"
	"C: A1 DELETE Sent\n"
	"S: A1 OK DELETE completed\n"
	"S: * BYE [NONEXISTENT] the selected mailbox was deleted\n"
	"# closed\n");
}

Test(session_auth, a_mailbox_is_deleted_under_the_session)
{
	scene_play(scene_given_john,
	"# select Sent\n"
	"2C: B1 DELETE Sent\n"
	"2S: B1 OK DELETE completed\n"
	"C: A1 NOOP\n"
	"S: A1 NO [NONEXISTENT] mailbox was deleted\n"
	"S: * BYE [NONEXISTENT] the selected mailbox was deleted\n"
	"# closed\n");
}

Test(session_auth, a_mailbox_is_deleted_under_a_fetch)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"2C: B1 RENAME INBOX Old\n"
	"2S: B1 OK RENAME completed\n"
	"2C: B2 DELETE Old\n"
	"2S: B2 OK DELETE completed\n"
	"C: A1 FETCH 1 FLAGS\n"
	"S: A1 NO [NONEXISTENT] mailbox was deleted\n"
	"S: * BYE [NONEXISTENT] the selected mailbox was deleted\n"
	"# closed\n");
}

Test(session_auth, a_mailbox_is_deleted_under_idle)
{
	scene_play(scene_given_john,
	"# select Sent\n"
	"C: A1 IDLE\n"
	"S: + idling\n"
	"2C: B1 DELETE Sent\n"
	"S: * BYE [NONEXISTENT] the selected mailbox was deleted\n"
	"2S: B1 OK DELETE completed\n"
	"# closed\n");
}

/* ---- 6.3.6: RENAME ---- */

Test(session_auth, rename)
{
	scene_play(given_tree,
	"C: A683 RENAME blurdybloop sarasoop\n"
	"S: A683 OK RENAME completed\n"
	"C: A684 RENAME foo zowie\n"
	"S: A684 OK RENAME completed\n"
	"C: A685 LIST \"\" *\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" sarasoop\n"
	"S: * LIST (\\HasNoChildren) \"/\" zap/bar\n"
	"S: * LIST (\\HasNoChildren) \"/\" zowie/bar\n"
	"S: * LIST (\\HasChildren) \"/\" zowie\n"
	"S: A685 OK LIST completed\n"
	"C: A686 RENAME nothing something\n"
	"S: A686 NO [NONEXISTENT] does not exist\n"
	"C: A687 RENAME zowie sarasoop\n"
	"S: A687 NO [ALREADYEXISTS] already exists\n"
	"C: A688 RENAME zowie \"&\"\n"
	"S: A688 NO [CANNOT] no such name can be\n"
	"C: A689 RENAME \"&\" zowie\n"
	"S: A689 NO [NONEXISTENT] does not exist\n"
	"C: A690 RENAME zowie Z/\n"
	"S: A690 OK RENAME completed\n"
	"C: A691 LIST \"\" Z*\n"
	"S: * LIST (\\HasNoChildren) \"/\" Z/bar\n"
	"S: * LIST (\\HasChildren) \"/\" Z\n"
	"S: A691 OK LIST completed\n");
}

Test(session_auth, rename_of_inbox_moves_its_messages)
{
	scene_play(scene_given_john,
	"C: Z432 LIST \"\" *\n"
	"S: * LIST (\\HasNoChildren \\Drafts) \"/\" Drafts\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" \"Other Users/jane/Diary\"\n"
	"S: * LIST (\\HasNoChildren) \"/\" \"Other Users/jane/Plans\"\n"
	"S: * LIST (\\HasNoChildren \\Sent) \"/\" Sent\n"
	"S: * LIST (\\HasNoChildren \\Trash) \"/\" Trash\n"
	"S: * LIST (\\HasNoChildren) \"/\" Work/2024\n"
	"S: Z432 OK LIST completed\n"
	"C: Z433 RENAME INBOX old-mail\n"
	"S: Z433 OK RENAME completed\n"
	"C: Z434 LIST \"\" *\n"
	"S: * LIST (\\HasNoChildren \\Drafts) \"/\" Drafts\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" \"Other Users/jane/Diary\"\n"
	"S: * LIST (\\HasNoChildren) \"/\" \"Other Users/jane/Plans\"\n"
	"S: * LIST (\\HasNoChildren \\Sent) \"/\" Sent\n"
	"S: * LIST (\\HasNoChildren \\Trash) \"/\" Trash\n"
	"S: * LIST (\\HasNoChildren) \"/\" Work/2024\n"
	"S: * LIST (\\HasNoChildren) \"/\" old-mail\n"
	"S: Z434 OK LIST completed\n"
	"C: Z435 STATUS INBOX (MESSAGES)\n"
	"S: * STATUS INBOX (MESSAGES 0)\n"
	"S: Z435 OK STATUS completed\n"
	"C: Z436 STATUS old-mail (MESSAGES)\n"
	"S: * STATUS old-mail (MESSAGES 4)\n"
	"S: Z436 OK STATUS completed\n");
}

/* ---- 6.3.9.7: OLDNAME ---- */

Test(session_auth, names_in_another_form_are_told)
{
	scene_play(scene_given_john,
	"C: A001 CREATE \"Entwu&Awg-rfe\"\n"
	"S: A001 OK [MAILBOXID (F10)] CREATE completed\n"
	"C: A002 ENABLE IMAP4rev2\n"
	"S: * ENABLED IMAP4rev2\n"
	"S: A002 OK ENABLE completed\n"
	"C: A003 SELECT inbox\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 4 EXISTS\n"
	"S: * OK [UIDVALIDITY 1] UIDs are valid\n"
	"S: * OK [UIDNEXT 5] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 5] mod-sequence\n"
	"S: * OK [MAILBOXID (F1)] object id\n"
	"S: * LIST () \"/\" INBOX (\"OLDNAME\" (inbox))\n"
	"S: A003 OK [READ-WRITE] SELECT completed\n"
	"C: A004 SELECT \"Entwu\xcc""\x88""rfe\"\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 0 EXISTS\n"
	"S: * OK [UIDVALIDITY 10] UIDs are valid\n"
	"S: * OK [UIDNEXT 1] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 1] mod-sequence\n"
	"S: * OK [MAILBOXID (F10)] object id\n"
	"S: * LIST () \"/\" \"Entw\xc3""\xbc""rfe\" (\"OLDNAME\" "
	    "(\"Entwu\xcc""\x88""rfe\"))\n"
	"S: A004 OK [READ-WRITE] SELECT completed\n"
	"C: A005 CREATE \"Bu\xcc""\x88""cher\"\n"
	"S: * LIST () \"/\" \"B\xc3""\xbc""cher\" (\"OLDNAME\" "
	    "(\"Bu\xcc""\x88""cher\"))\n"
	"S: A005 OK [MAILBOXID (F11)] CREATE completed\n"
	"C: A006 CREATE \"B\xc3""\xbc""cher2\"\n"
	"S: A006 OK [MAILBOXID (F12)] CREATE completed\n"
	"C: A007 RENAME \"Bu\xcc""\x88""cher\" Books\n"
	"S: * LIST () \"/\" Books (\"OLDNAME\" (\"Bu\xcc""\x88""cher\"))\n"
	"S: A007 OK RENAME completed\n"
	"C: A008 RENAME Books Libri\n"
	"S: A008 OK RENAME completed\n"
	"C: A009 LIST \"\" L*\n"
	"S: * LIST (\\HasNoChildren) \"/\" Libri\n"
	"S: A009 OK LIST completed\n");
}

/* ---- 6.3.7, 6.3.8: SUBSCRIBE, UNSUBSCRIBE; LSUB ---- */

Test(session_auth, subscribe)
{
	scene_play(scene_given_john,
	"C: A000 SUBSCRIBE #news.comp.mail.mime\n"
	"S: A000 NO [NONEXISTENT] does not exist\n"
	"C: A001 CREATE #news.comp.mail.mime\n"
	"S: A001 OK [MAILBOXID (F10)] CREATE completed\n"
	"C: A002 SUBSCRIBE #news.comp.mail.mime\n"
	"S: A002 OK SUBSCRIBE completed\n"
	"C: A003 SUBSCRIBE Work/2024\n"
	"S: A003 OK SUBSCRIBE completed\n"
	"C: A004 SUBSCRIBE INBOX\n"
	"S: A004 OK SUBSCRIBE completed\n"
	"C: A005 LSUB \"\" *\n"
	"S: * LSUB () \"/\" #news.comp.mail.mime\n"
	"S: * LSUB () \"/\" INBOX\n"
	"S: * LSUB () \"/\" Work/2024\n"
	"S: A005 OK LSUB completed\n"
	"C: A006 LSUB \"\" %\n"
	"S: * LSUB () \"/\" #news.comp.mail.mime\n"
	"S: * LSUB () \"/\" INBOX\n"
	"S: * LSUB (\\Noselect) \"/\" Work\n"
	"S: A006 OK LSUB completed\n"
	"C: A007 UNSUBSCRIBE #news.comp.mail.mime\n"
	"S: A007 OK UNSUBSCRIBE completed\n"
	"C: A008 UNSUBSCRIBE never\n"
	"S: A008 OK UNSUBSCRIBE completed\n"
	"C: A009 LSUB \"\" \"*\"\n"
	"S: * LSUB () \"/\" INBOX\n"
	"S: * LSUB () \"/\" Work/2024\n"
	"S: A009 OK LSUB completed\n"
	"C: A010 SUBSCRIBE \"&\"\n"
	"S: A010 NO [NONEXISTENT] does not exist\n");
}

/* ---- 6.3.9: LIST ---- */

Test(session_auth, list)
{
	scene_play(scene_given_john,
	"C: A101 LIST \"\" \"\"\n"
	"S: * LIST (\\Noselect) \"/\" \"\"\n"
	"S: A101 OK LIST completed\n"
	"C: A102 LIST Work/ \"\"\n"
	"S: * LIST (\\Noselect) \"/\" \"\"\n"
	"S: A102 OK LIST completed\n"
	"C: A103 LIST \"\" %\n"
	"S: * LIST (\\HasNoChildren \\Drafts) \"/\" Drafts\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\Noselect \\HasChildren) \"/\" \"Other Users\"\n"
	"S: * LIST (\\HasNoChildren \\Sent) \"/\" Sent\n"
	"S: * LIST (\\HasNoChildren \\Trash) \"/\" Trash\n"
	"S: * LIST (\\Noselect \\HasChildren) \"/\" Work\n"
	"S: A103 OK LIST completed\n"
	"C: A104 LIST Work %\n"
	"S: * LIST (\\Noselect \\HasChildren) \"/\" Work\n"
	"S: A104 OK LIST completed\n"
	"C: A105 LIST Work/ %\n"
	"S: * LIST (\\HasNoChildren) \"/\" Work/2024\n"
	"S: A105 OK LIST completed\n"
	"C: A106 LIST \"\" Other*\n"
	"S: * LIST (\\HasNoChildren) \"/\" \"Other Users/jane/Diary\"\n"
	"S: * LIST (\\HasNoChildren) \"/\" \"Other Users/jane/Plans\"\n"
	"S: A106 OK LIST completed\n"
	"C: A107 LIST \"\" \"Other Users/%\"\n"
	"S: * LIST (\\Noselect \\HasChildren) \"/\" \"Other Users/jane\"\n"
	"S: A107 OK LIST completed\n"
	"C: A108 LIST \"\" inbox\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: A108 OK LIST completed\n"
	"C: A109 LIST \"\" nothing\n"
	"S: A109 OK LIST completed\n");
}

/* ---- 6.3.10: NAMESPACE ---- */

Test(session_auth, namespace)
{
	scene_play(scene_given_john,
	"C: A001 NAMESPACE\n"
	"S: * NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) ((\"Shared "
	    "Folders/\" \"/\"))\n"
	"S: A001 OK NAMESPACE completed\n");
}

/* ---- 6.3.11: STATUS ---- */

Test(session_auth, status)
{
	scene_play(scene_given_john,
	"C: A042 STATUS INBOX (UIDNEXT MESSAGES)\n"
	"S: * STATUS INBOX (MESSAGES 4 UIDNEXT 5)\n"
	"S: A042 OK STATUS completed\n"
	"C: A043 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED "
	    "SIZE RECENT HIGHESTMODSEQ MAILBOXID APPENDLIMIT)\n"
	"S: * STATUS INBOX (MESSAGES 4 UIDNEXT 5 UIDVALIDITY 1 UNSEEN 4 "
	    "DELETED 0 SIZE 655 HIGHESTMODSEQ 5 RECENT 0 MAILBOXID (F1) "
	    "APPENDLIMIT 1000000)\n"
	"S: A043 OK STATUS completed\n"
	"C: A044 STATUS nothing (MESSAGES)\n"
	"S: A044 NO [NONEXISTENT] does not exist\n"
	"C: A045 STATUS \"Other Users/jane\" (MESSAGES)\n"
	"S: A045 NO [NONEXISTENT] does not exist\n"
	"C: A046 STATUS INBOX ()\n"
	"S: A046 BAD Unknown status item\n"
	"C: A047 STATUS INBOX (BLURDYBLOOP)\n"
	"S: A047 BAD Unknown status item\n"
	"C: A048 STATUS \"&\" (MESSAGES)\n"
	"S: A048 NO [NONEXISTENT] does not exist\n");
}

Test(session_auth, status_of_the_selected_mailbox)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"2P: B1 APPEND INBOX {5+}\n"
	"2C: hello\n"
	"2S: B1 OK [APPENDUID 1 5] APPEND completed\n"
	"C: A1 STATUS INBOX (MESSAGES UIDNEXT)\n"
	"S: * STATUS INBOX (MESSAGES 5 UIDNEXT 6)\n"
	"S: * 5 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: A1 OK STATUS completed\n"
	"C: A2 STATUS INBOX (HIGHESTMODSEQ)\n"
	"S: * OK [HIGHESTMODSEQ 6] CONDSTORE is on\n"
	"S: * STATUS INBOX (HIGHESTMODSEQ 6)\n"
	"S: A2 OK STATUS completed\n"
	"C: A3 STATUS INBOX (HIGHESTMODSEQ)\n"
	"S: * STATUS INBOX (HIGHESTMODSEQ 6)\n"
	"S: A3 OK STATUS completed\n");
}

/* ---- 6.3.12: APPEND ---- */

Test(session_auth, append)
{
	scene_play(scene_given_john,
	"C: A003 APPEND Drafts (\\Seen) {321}\n"
	"S: + OK\n"
	"P: Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\n"
	"P: From: Fred Foobar <foobar@Blurdybloop.example>\n"
	"P: Subject: afternoon meeting\n"
	"P: To: mooch@owatagu.example.net\n"
	"P: Message-Id: <B27397-0100000@Blurdybloop.example>\n"
	"P: MIME-Version: 1.0\n"
	"P: Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\n"
	"P: \n"
	"P: Hello Joe, do you think we can meet at 3:30 tomorrow?\n"
	"C: \n"
	"S: A003 OK [APPENDUID 2 1] APPEND completed\n"
	"C: A004 EXAMINE Drafts\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS ()] flags that can be kept\n"
	"S: * 1 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UIDVALIDITY 2] UIDs are valid\n"
	"S: * OK [UIDNEXT 2] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 2] mod-sequence\n"
	"S: * OK [MAILBOXID (F2)] object id\n"
	"S: A004 OK [READ-ONLY] EXAMINE completed\n"
	"C: A005 FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE BODY[HEADER.FIELDS "
	    "(Subject)])\n"
	"S: * 1 FETCH (FLAGS (\\Seen) INTERNALDATE \"17-Jul-1996 02:44:25 "
	    "-0700\" RFC822.SIZE 321 BODY[HEADER.FIELDS (Subject)] {30}\n"
	"S: Subject: afternoon meeting\n"
	"S: \n"
	"S: )\n"
	"S: A005 OK FETCH completed\n");
}
