/*
 * Examples of RFCs about names and rights that no other file has: RFC 2342,
 * 3348, 3501, 4314, 5258, 5819, 6154, 7889, 8438, 8474, 9051. Where the server
 * may answer otherwise than the example, the meaning is the same.
 */
#include <criterion/criterion.h>

#include "scene.h"

/* john, with mailboxes and subscriptions; both lists end with NULL. */
static struct fake_user *given_names(struct fake_store *store,
				     const char *const *names,
				     const char *const *subscribed)
{
	struct fake_user *john = fake_user_add(store, "john", "secret");

	for (size_t i = 0; names[i]; i++)
		fake_mailbox_add(store, john, slice_str(names[i]));
	for (size_t i = 0; subscribed[i]; i++)
		fake_subscribe(john, slice_str(subscribed[i]), true);
	return john;
}

static const char *const none[] = { NULL };

static void given_blurdybloop(struct fake_store *store)
{
	static const char *const names[] = { "blurdybloop", "foo/bar", NULL };

	given_names(store, names, none);
}

static void given_below_inbox(struct fake_store *store)
{
	static const char *const names[] = { "INBOX/bar", NULL };

	given_names(store, names, none);
}

static void given_x(struct fake_store *store)
{
	static const char *const names[] = { "X", NULL };

	given_names(store, names, names);
}

static void given_seventeen(struct fake_store *store)
{
	static const char *const names[] = { "blurdybloop", NULL };
	struct fake_mailbox *mailbox;

	given_names(store, names, none);
	mailbox = scene_mailbox(store, "blurdybloop");
	mailbox->uidvalidity = 3857529045;
	scene_fill(mailbox, 18);
	mailbox->uidnext = 4392;
	for (size_t i = 0; i < 7; i++)
		mailbox->messages[i].seen = 1;
}

static void given_items(struct fake_store *store)
{
	static const char *const names[] = { "ITEM_1", "ITEM_1/ITEM_1A",
					     "ITEM_2", "ITEM_2/ITEM_2A", NULL };

	given_names(store, names, none);
}

/* ---- rights ---- */

static void given_drafts(struct fake_store *store)
{
	static const char *const names[] = { "INBOX/Drafts", NULL };

	given_names(store, names, none);
}

static void given_fred(struct fake_store *store)
{
	struct fake_mailbox *inbox;

	given_names(store, none, none);
	inbox = scene_mailbox(store, "INBOX");
	fake_acl_set(inbox, SLICE_LIT("Fred"),
		     FAKE_RIGHTS_ALL & ~(uint32_t)IMAP_RIGHT_CREATE);
	fake_acl_set(inbox, SLICE_LIT("-Fred"),
		     IMAP_RIGHT_WRITE | IMAP_RIGHT_EXPUNGE |
			     IMAP_RIGHT_DELETE_MESSAGE);
	fake_acl_set(inbox, SLICE_LIT("$team"), IMAP_RIGHT_WRITE);
}

/* Messages 1 to 3 with the flags of the example; jane's mailbox. */
static void given_target(struct fake_store *store, uint32_t rights)
{
	struct fake_mailbox *inbox;
	struct fake_mailbox *target;

	given_names(store, none, none);
	target = fake_mailbox_add(store, fake_user_add(store, "jane", "secret"),
				  SLICE_LIT("TargetMailbox"));
	fake_acl_set(target, SLICE_LIT("john"), rights);
	inbox = scene_mailbox(store, "INBOX");
	scene_fill(inbox, 4);
	inbox->messages[0].flags = IMAP_FLAG_DRAFT | IMAP_FLAG_DELETED;
	inbox->messages[1].flags = IMAP_FLAG_ANSWERED;
	inbox->messages[2].seen = 1;
	inbox->messages[2].keywords[0] =
		UINT64_C(1)
		<< fake_keyword(inbox, SLICE_LIT("$Forwarded"), true);
}

static void given_target_rwis(struct fake_store *store)
{
	given_target(store, IMAP_RIGHT_LOOKUP | IMAP_RIGHT_READ |
				    IMAP_RIGHT_WRITE | IMAP_RIGHT_INSERT |
				    IMAP_RIGHT_SEEN);
}

static void given_target_rsti(struct fake_store *store)
{
	given_target(store,
		     IMAP_RIGHT_LOOKUP | IMAP_RIGHT_READ | IMAP_RIGHT_SEEN |
			     IMAP_RIGHT_DELETE_MESSAGE | IMAP_RIGHT_INSERT);
}

static void given_unreadable(struct fake_store *store)
{
	given_target(store, IMAP_RIGHT_LOOKUP);
}

/* ---- names of RFC 5258 ---- */

static void given_foo_baz(struct fake_store *store)
{
	static const char *const names[] = { "Foo", "Foo/Bar", "Foo/Baz", "Moo",
					     NULL };
	static const char *const subscribed[] = { "Foo/Baz", NULL };

	given_names(store, names, subscribed);
}

static void given_foo_moo(struct fake_store *store)
{
	static const char *const names[] = { "Foo", "Foo/Bar", "Foo/Baz", "Moo",
					     NULL };
	static const char *const subscribed[] = { "Foo", "Moo", NULL };

	given_names(store, names, subscribed);
}

static void given_twos(struct fake_store *store)
{
	static const char *const names[] = {
		"foo2",       "foo2/bar1",  "foo2/bar2",   "baz2",
		"baz2/bar2",  "baz2/bar22", "baz2/bar222", "eps2",
		"eps2/mamba", "qux2/bar2",  NULL
	};
	static const char *const subscribed[] = { "foo2/bar1",   "foo2/bar2",
						  "baz2/bar2",   "baz2/bar22",
						  "baz2/bar222", "eps2",
						  "eps2/mamba",  "qux2/bar2",
						  NULL };

	given_names(store, names, subscribed);
}

static void given_foo_bar(struct fake_store *store)
{
	static const char *const names[] = { "foo", NULL };
	static const char *const subscribed[] = { "foo/bar", NULL };

	given_names(store, names, subscribed);
}

static void given_music(struct fake_store *store)
{
	static const char *const names[] = { "music/rock", "also/jazz", NULL };

	given_names(store, names, none);
}

/* ---- STATUS, special use ---- */

static void given_frop(struct fake_store *store)
{
	static const char *const names[] = { "frop", "bar/baz", NULL };

	given_names(store, names, none);
	scene_fill(scene_mailbox(store, "INBOX"), 18);
	scene_fill(scene_mailbox(store, "frop"), 9);
	scene_mailbox(store, "frop")->uidnext = 242;
}

static void given_special_use(struct fake_store *store)
{
	static const char *const names[] = {
		"ToDo",  "Projects", "Projects/One", "SentMail", "MyDrafts",
		"Trash", NULL
	};

	given_names(store, names, none);
	scene_mailbox(store, "SentMail")->special_use = IMAP_USE_SENT;
	scene_mailbox(store, "MyDrafts")->special_use = IMAP_USE_DRAFTS;
	scene_mailbox(store, "Trash")->special_use = IMAP_USE_TRASH;
}

/* clang-format off */

/* ---- RFC 3501: section 6.3 (and RFC 9051, where it has the same) ---- */

Test(session_rfc_names, list_of_a_reference)
{
	/* section 6.3.8: such names are john's own */
	scene_play(scene_given_john,
	"C: A101 LIST \"\" \"\"\n"
	"S: * LIST (\\Noselect) \"/\" \"\"\n"
	"S: A101 OK LIST completed\n"
	"C: A102 LIST #news.comp.mail.misc \"\"\n"
	"S: * LIST (\\Noselect) \"/\" \"\"\n"
	"S: A102 OK LIST completed\n"
	"C: A103 LIST /usr/staff/jones \"\"\n"
	"S: * LIST (\\Noselect) \"/\" \"\"\n"
	"S: A103 OK LIST completed\n"
	"C: A104 CREATE ~/Mail/foo/bar\n"
	"S: A104 OK [MAILBOXID (F13)] CREATE completed\n"
	"C: A105 CREATE ~/Mail/meetings\n"
	"S: A105 OK [MAILBOXID (F14)] CREATE completed\n"
	"C: A202 LIST ~/Mail/ %\n"
	"S: * LIST (\\HasChildren) \"/\" ~/Mail/foo\n"
	"S: * LIST (\\HasNoChildren) \"/\" ~/Mail/meetings\n"
	"S: A202 OK LIST completed\n");
}

Test(session_rfc_names, lsub_of_a_reference)
{
	/* section 6.3.9: "." is no separator here, so % goes on behind it */
	scene_play(scene_given_john,
	"P: A1 CREATE #news.comp.mail.mime\n"
	"P: A2 CREATE #news.comp.mail.misc\n"
	"P: A3 SUBSCRIBE #news.comp.mail.mime\n"
	"C: A4 SUBSCRIBE #news.comp.mail.misc\n"
	"S: A1 OK [MAILBOXID (F10)] CREATE completed\n"
	"S: A2 OK [MAILBOXID (F11)] CREATE completed\n"
	"S: A3 OK SUBSCRIBE completed\n"
	"S: A4 OK SUBSCRIBE completed\n"
	"C: A002 LSUB \"#news.\" \"comp.mail.*\"\n"
	"S: * LSUB () \"/\" #news.comp.mail.mime\n"
	"S: * LSUB () \"/\" #news.comp.mail.misc\n"
	"S: A002 OK LSUB completed\n"
	"C: A003 LSUB \"#news.\" \"comp.%\"\n"
	"S: * LSUB () \"/\" #news.comp.mail.mime\n"
	"S: * LSUB () \"/\" #news.comp.mail.misc\n"
	"S: A003 OK LSUB completed\n");
}

Test(session_rfc_names, a_name_above_others_cannot_be_deleted)
{
	/* section 6.3.4: the name goes with the last one below it */
	scene_play(given_blurdybloop,
	"C: A682 LIST \"\" *\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" blurdybloop\n"
	"S: * LIST (\\HasNoChildren) \"/\" foo/bar\n"
	"S: A682 OK LIST completed\n"
	"C: A682a LIST \"\" %\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" blurdybloop\n"
	"S: * LIST (\\Noselect \\HasChildren) \"/\" foo\n"
	"S: A682a OK LIST completed\n"
	"C: A683 DELETE blurdybloop\n"
	"S: A683 OK DELETE completed\n"
	"C: A684 DELETE foo\n"
	"S: A684 NO [HASCHILDREN] has children\n"
	"C: A685 DELETE foo/bar\n"
	"S: A685 OK DELETE completed\n"
	"C: A686 LIST \"\" %\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: A686 OK LIST completed\n"
	"C: A687 DELETE foo\n"
	"S: A687 NO [NONEXISTENT] does not exist\n");
}

Test(session_rfc_names, a_name_above_others_is_renamed)
{
	/* section 6.3.5, RFC 9051 section 6.3.6 */
	scene_play(given_blurdybloop,
	"C: A682 LIST \"\" %\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" blurdybloop\n"
	"S: * LIST (\\Noselect \\HasChildren) \"/\" foo\n"
	"S: A682 OK LIST completed\n"
	"C: A683 RENAME blurdybloop sarasoop\n"
	"S: A683 OK RENAME completed\n"
	"C: A684 RENAME foo zowie\n"
	"S: A684 OK RENAME completed\n"
	"C: A685 LIST \"\" *\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" sarasoop\n"
	"S: * LIST (\\HasNoChildren) \"/\" zowie/bar\n"
	"S: A685 OK LIST completed\n"
	"C: A686 LIST \"\" %\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" sarasoop\n"
	"S: * LIST (\\Noselect \\HasChildren) \"/\" zowie\n"
	"S: A686 OK LIST completed\n");
}

Test(session_rfc_names, what_is_below_inbox_stays_when_it_is_renamed)
{
	/* section 6.3.5, RFC 9051 section 6.3.6 */
	scene_play(given_below_inbox,
	"C: Z432 LIST \"\" *\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX/bar\n"
	"S: * LIST (\\HasChildren) \"/\" INBOX\n"
	"S: Z432 OK LIST completed\n"
	"C: Z433 RENAME INBOX old-mail\n"
	"S: Z433 OK RENAME completed\n"
	"C: Z434 LIST \"\" *\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX/bar\n"
	"S: * LIST (\\HasChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" old-mail\n"
	"S: Z434 OK LIST completed\n");
}

Test(session_rfc_names, a_subscription_does_not_follow_a_rename)
{
	/* RFC 9051 section 6.3.6 */
	scene_play(given_x,
	"P: 1001 RENAME X Y\n"
	"P: 1002 SUBSCRIBE Y\n"
	"C: 1003 UNSUBSCRIBE X\n"
	"S: 1001 OK RENAME completed\n"
	"S: 1002 OK SUBSCRIBE completed\n"
	"S: 1003 OK UNSUBSCRIBE completed\n"
	"C: 1004 LIST (SUBSCRIBED) \"\" *\n"
	"S: * LIST (\\Subscribed) \"/\" Y\n"
	"S: 1004 OK LIST completed\n");
}

Test(session_rfc_names, examine_blurdybloop)
{
	/* section 6.3.2 */
	scene_play(given_seventeen,
	"C: A932 EXAMINE blurdybloop\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS ()] flags that can be kept\n"
	"S: * 17 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 8] first unseen message\n"
	"S: * OK [UIDVALIDITY 3857529045] UIDs are valid\n"
	"S: * OK [UIDNEXT 4392] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 18] mod-sequence\n"
	"S: * OK [MAILBOXID (F2)] object id\n"
	"S: A932 OK [READ-ONLY] EXAMINE completed\n");
}

Test(session_rfc_names, examine_blurdybloop_in_rev2)
{
	/* RFC 9051 section 6.3.3 */
	scene_play(given_seventeen,
	"C: A931 ENABLE IMAP4rev2\n"
	"S: * ENABLED IMAP4rev2\n"
	"S: A931 OK ENABLE completed\n"
	"C: A932 EXAMINE blurdybloop\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS ()] flags that can be kept\n"
	"S: * 17 EXISTS\n"
	"S: * OK [UIDVALIDITY 3857529045] UIDs are valid\n"
	"S: * OK [UIDNEXT 4392] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 18] mod-sequence\n"
	"S: * OK [MAILBOXID (F2)] object id\n"
	"S: * LIST () \"/\" blurdybloop\n"
	"S: A932 OK [READ-ONLY] EXAMINE completed\n"
	"C: A042 STATUS blurdybloop (UIDNEXT MESSAGES)\n"
	"S: * STATUS blurdybloop (MESSAGES 17 UIDNEXT 4392)\n"
	"S: A042 OK STATUS completed\n");
}

Test(session_rfc_names, codes)
{
	/* RFC 9051 section 7.1 */
	scene_play(given_x,
	"C: o1 CREATE this\n"
	"S: o1 OK [MAILBOXID (F3)] CREATE completed\n"
	"C: o2 CREATE that\n"
	"S: o2 OK [MAILBOXID (F4)] CREATE completed\n"
	"C: o356 RENAME this that\n"
	"S: o356 NO [ALREADYEXISTS] already exists\n"
	"C: l create \"///////\"\n"
	"S: l NO [CANNOT] invalid value\n"
	"C: m DELETE this\n"
	"S: m OK DELETE completed\n"
	"C: p RENAME this other\n"
	"S: p NO [NONEXISTENT] does not exist\n"
	"C: k2 status \"/archive/projects/experiment-iv\" (messages)\n"
	"S: k2 NO [NONEXISTENT] does not exist\n");
}

Test(session_rfc_names, a_mailbox_that_may_be_seen_and_not_read)
{
	/* RFC 9051 section 7.1: NOPERM */
	scene_play(given_unreadable,
	"C: f select \"Other Users/jane/TargetMailbox\"\n"
	"S: f NO [NOPERM] permission denied\n"
	"C: g status \"Other Users/jane/TargetMailbox\" (messages)\n"
	"S: g NO [NOPERM] permission denied\n"
	"C: h fetch 1 uid\n"
	"S: h BAD no mailbox is selected\n");
}

Test(session_rfc_names, an_extension_that_is_not_there)
{
	/* section 6.5.1 */
	scene_play(scene_given_john,
	"C: A442 XPIG-LATIN\n"
	"S: A442 BAD Unknown command\n");
}

/* ---- RFC 2342: NAMESPACE ---- */

Test(session_rfc_names, namespaces)
{
	/* section 5: each server has a form of its own */
	scene_play(scene_given_john,
	"C: A001 NAMESPACE\n"
	"S: * NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) ((\"Shared "
	    "Folders/\" \"/\"))\n"
	"S: A001 OK NAMESPACE completed\n"
	"C: A002 CREATE \"Sent Mail\"\n"
	"S: A002 OK [MAILBOXID (F10)] CREATE completed\n"
	"C: A003 CREATE \"Delete Items\"\n"
	"S: A003 OK [MAILBOXID (F11)] CREATE completed\n"
	"C: A004 LIST \"\" \"Other Users/%\"\n"
	"S: * LIST (\\Noselect \\HasChildren) \"/\" \"Other Users/jane\"\n"
	"S: A004 OK LIST completed\n"
	"C: A005 LIST \"\" \"Other Users/jane/%\"\n"
	"S: * LIST (\\HasNoChildren) \"/\" \"Other Users/jane/Diary\"\n"
	"S: * LIST (\\HasNoChildren) \"/\" \"Other Users/jane/Plans\"\n"
	"S: A005 OK LIST completed\n"
	"C: A006 LIST \"\" \"#Users/%\"\n"
	"S: A006 OK LIST completed\n"
	"C: A007 LIST \"\" \"*e* *\"\n"
	"S: * LIST (\\HasNoChildren) \"/\" \"Delete Items\"\n"
	"S: * LIST (\\HasNoChildren) \"/\" \"Other Users/jane/Diary\"\n"
	"S: * LIST (\\HasNoChildren) \"/\" \"Other Users/jane/Plans\"\n"
	"S: * LIST (\\HasNoChildren) \"/\" \"Sent Mail\"\n"
	"S: A007 OK LIST completed\n");
}

/* ---- RFC 3348: CHILDREN ---- */

Test(session_rfc_names, children)
{
	/* section 3 */
	scene_play(given_items,
	"C: A001 LIST \"\" *\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" ITEM_1/ITEM_1A\n"
	"S: * LIST (\\HasChildren) \"/\" ITEM_1\n"
	"S: * LIST (\\HasNoChildren) \"/\" ITEM_2/ITEM_2A\n"
	"S: * LIST (\\HasChildren) \"/\" ITEM_2\n"
	"S: A001 OK LIST completed\n"
	"C: A002 LIST \"\" %\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasChildren) \"/\" ITEM_1\n"
	"S: * LIST (\\HasChildren) \"/\" ITEM_2\n"
	"S: A002 OK LIST completed\n");
}

/* ---- RFC 4314: ACL ---- */

Test(session_rfc_names, setacl_of_david_and_byron)
{
	/* section 2.1.1: "d" and "c" stand for what they were in RFC 2086 */
	scene_play(given_drafts,
	"C: A001 SeTacl INBOX/Drafts David lrswida\n"
	"S: A001 OK SETACL completed\n"
	"C: A002 getacl INBOX/Drafts\n"
	"S: * ACL INBOX/Drafts john lrswipkxteacd David lrswitead\n"
	"S: A002 OK GETACL completed\n"
	"C: A003 Setacl INBOX/Drafts Byron lrswikda\n"
	"S: A003 OK SETACL completed\n"
	"C: A004 getAcl INBOX/Drafts\n"
	"S: * ACL INBOX/Drafts john lrswipkxteacd David lrswitead Byron "
	    "lrswikteacd\n"
	"S: A004 OK GETACL completed\n");
}

Test(session_rfc_names, setacl_of_chris)
{
	/* section 3.1 */
	scene_play(given_drafts,
	"C: A001 SETACL INBOX/Drafts Chris lrswi\n"
	"S: A001 OK SETACL completed\n"
	"C: A002 SETACL INBOX/Drafts Chris +cda\n"
	"S: A002 OK SETACL completed\n"
	"C: A003 GETACL INBOX/Drafts\n"
	"S: * ACL INBOX/Drafts john lrswipkxteacd Chris lrswikxteacd\n"
	"S: A003 OK GETACL completed\n"
	"C: A035 SETACL INBOX/Drafts John lrQswicda\n"
	"S: A035 BAD unknown right\n"
	"C: A036 SETACL INBOX/Drafts John lrqswicda\n"
	"S: A036 BAD unknown right\n");
}

Test(session_rfc_names, deleteacl_leaves_the_negative_rights)
{
	/* section 3.2 */
	scene_play(given_fred,
	"C: B001 getacl INBOX\n"
	"S: * ACL INBOX john lrswipkxteacd Fred lrswipxteacd -Fred wted $team "
	    "w\n"
	"S: B001 OK GETACL completed\n"
	"C: B002 DeleteAcl INBOX Fred\n"
	"S: B002 OK DELETEACL completed\n"
	"C: B003 GETACL INBOX\n"
	"S: * ACL INBOX john lrswipkxteacd -Fred wted $team w\n"
	"S: B003 OK GETACL completed\n");
}

Test(session_rfc_names, copy_with_rwis)
{
	/* section 4: \Deleted is lost */
	scene_play(given_target_rwis,
	"# select INBOX\n"
	"C: A003 MYRIGHTS \"Other Users/jane/TargetMailbox\"\n"
	"S: * MYRIGHTS \"Other Users/jane/TargetMailbox\" lrswi\n"
	"S: A003 OK MYRIGHTS completed\n"
	"C: A004 FETCH 1:3 (FLAGS)\n"
	"S: * 1 FETCH (FLAGS (\\Deleted \\Draft))\n"
	"S: * 2 FETCH (FLAGS (\\Answered))\n"
	"S: * 3 FETCH (FLAGS (\\Seen $Forwarded))\n"
	"S: A004 OK FETCH completed\n"
	"C: A005 COPY 1:3 \"Other Users/jane/TargetMailbox\"\n"
	"S: A005 OK [COPYUID 3 1:3 1:3] COPY completed\n"
	"C: A006 SELECT \"Other Users/jane/TargetMailbox\"\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft "
	    "$Forwarded)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Seen \\Draft "
	    "$Forwarded \\*)] flags that can be kept\n"
	"S: * 3 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 3] UIDs are valid\n"
	"S: * OK [UIDNEXT 4] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 2] mod-sequence\n"
	"S: * OK [MAILBOXID (F3)] object id\n"
	"S: A006 OK [READ-WRITE] SELECT completed\n"
	"C: A007 FETCH 1:3 (FLAGS)\n"
	"S: * 1 FETCH (FLAGS (\\Draft))\n"
	"S: * 2 FETCH (FLAGS (\\Answered))\n"
	"S: * 3 FETCH (FLAGS (\\Seen $Forwarded))\n"
	"S: A007 OK FETCH completed\n");
}

Test(session_rfc_names, copy_with_rsti)
{
	/* section 4: only \Deleted and \Seen are kept */
	scene_play(given_target_rsti,
	"# select INBOX\n"
	"C: A003 MYRIGHTS \"Other Users/jane/TargetMailbox\"\n"
	"S: * MYRIGHTS \"Other Users/jane/TargetMailbox\" lrsitd\n"
	"S: A003 OK MYRIGHTS completed\n"
	"C: A005 COPY 1:3 \"Other Users/jane/TargetMailbox\"\n"
	"S: A005 OK [COPYUID 3 1:3 1:3] COPY completed\n"
	"C: A006 SELECT \"Other Users/jane/TargetMailbox\"\n"
	"S: * OK [CLOSED] previous mailbox closed\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Deleted \\Seen)] flags that can be kept\n"
	"S: * 3 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 3] UIDs are valid\n"
	"S: * OK [UIDNEXT 4] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 2] mod-sequence\n"
	"S: * OK [MAILBOXID (F3)] object id\n"
	"S: A006 OK [READ-WRITE] SELECT completed\n"
	"C: A007 FETCH 1:3 (FLAGS)\n"
	"S: * 1 FETCH (FLAGS (\\Deleted))\n"
	"S: * 2 FETCH (FLAGS ())\n"
	"S: * 3 FETCH (FLAGS (\\Seen))\n"
	"S: A007 OK FETCH completed\n");
}

/* ---- RFC 5258: LIST-EXTENDED, section 5 (RFC 9051, section 6.3.9.8) ---- */

Test(session_rfc_names, example_8_with_one_subscription)
{
	scene_play(given_foo_baz,
	"C: C01 LIST \"\" \"*\"\n"
	"S: * LIST (\\HasNoChildren) \"/\" Foo/Bar\n"
	"S: * LIST (\\HasNoChildren) \"/\" Foo/Baz\n"
	"S: * LIST (\\HasChildren) \"/\" Foo\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" Moo\n"
	"S: C01 OK LIST completed\n"
	"C: CA3 LIST \"\" \"%\" RETURN (CHILDREN)\n"
	"S: * LIST (\\HasChildren) \"/\" Foo\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" Moo\n"
	"S: CA3 OK LIST completed\n"
	"C: C02 LIST (SUBSCRIBED) \"\" \"*\"\n"
	"S: * LIST (\\Subscribed) \"/\" Foo/Baz\n"
	"S: C02 OK LIST completed\n"
	"C: C03 LIST (SUBSCRIBED) \"\" \"%\"\n"
	"S: C03 OK LIST completed\n"
	"C: C04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\"\n"
	"S: * LIST () \"/\" Foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\n"
	"S: C04 OK LIST completed\n");
}

Test(session_rfc_names, example_8_with_its_parent_subscribed)
{
	scene_play(given_foo_baz,
	"C: C00 SUBSCRIBE Foo\n"
	"S: C00 OK SUBSCRIBE completed\n"
	"C: C04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\"\n"
	"S: * LIST (\\Subscribed) \"/\" Foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\n"
	"S: C04 OK LIST completed\n");
}

Test(session_rfc_names, example_8_with_a_parent_that_is_gone)
{
	scene_play(given_foo_baz,
	"C: C00 DELETE Foo\n"
	"S: C00 OK DELETE completed\n"
	"C: C04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\"\n"
	"S: * LIST (\\NonExistent) \"/\" Foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\n"
	"S: C04 OK LIST completed\n");
}

Test(session_rfc_names, example_8_with_children)
{
	scene_play(given_foo_moo,
	"C: C04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\" RETURN (CHILDREN)\n"
	"S: * LIST (\\HasChildren \\Subscribed) \"/\" Foo\n"
	"S: * LIST (\\HasNoChildren \\Subscribed) \"/\" Moo\n"
	"S: C04 OK LIST completed\n");
}

Test(session_rfc_names, example_9)
{
	scene_play(given_twos,
	"C: D01 LIST \"\" \"*\"\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" baz2/bar2\n"
	"S: * LIST (\\HasNoChildren) \"/\" baz2/bar22\n"
	"S: * LIST (\\HasNoChildren) \"/\" baz2/bar222\n"
	"S: * LIST (\\HasChildren) \"/\" baz2\n"
	"S: * LIST (\\HasNoChildren) \"/\" eps2/mamba\n"
	"S: * LIST (\\HasChildren) \"/\" eps2\n"
	"S: * LIST (\\HasNoChildren) \"/\" foo2/bar1\n"
	"S: * LIST (\\HasNoChildren) \"/\" foo2/bar2\n"
	"S: * LIST (\\HasChildren) \"/\" foo2\n"
	"S: * LIST (\\HasNoChildren) \"/\" qux2/bar2\n"
	"S: D01 OK LIST completed\n"
	"C: D02 LIST (SUBSCRIBED) \"\" \"*\"\n"
	"S: * LIST (\\Subscribed) \"/\" baz2/bar2\n"
	"S: * LIST (\\Subscribed) \"/\" baz2/bar22\n"
	"S: * LIST (\\Subscribed) \"/\" baz2/bar222\n"
	"S: * LIST (\\Subscribed) \"/\" eps2/mamba\n"
	"S: * LIST (\\Subscribed) \"/\" eps2\n"
	"S: * LIST (\\Subscribed) \"/\" foo2/bar1\n"
	"S: * LIST (\\Subscribed) \"/\" foo2/bar2\n"
	"S: * LIST (\\Subscribed) \"/\" qux2/bar2\n"
	"S: D02 OK LIST completed\n"
	"C: D03 LIST (RECURSIVEMATCH SUBSCRIBED) \"\" \"*2\"\n"
	"S: * LIST (\\Subscribed) \"/\" baz2/bar2\n"
	"S: * LIST (\\Subscribed) \"/\" baz2/bar22\n"
	"S: * LIST (\\Subscribed) \"/\" baz2/bar222\n"
	"S: * LIST (\\Subscribed) \"/\" eps2 (\"CHILDINFO\" (\"SUBSCRIBED\"))\n"
	"S: * LIST (\\Subscribed) \"/\" foo2/bar2\n"
	"S: * LIST () \"/\" foo2 (\"CHILDINFO\" (\"SUBSCRIBED\"))\n"
	"S: * LIST (\\Subscribed) \"/\" qux2/bar2\n"
	"S: D03 OK LIST completed\n"
	"C: D04 LIST (RECURSIVEMATCH SUBSCRIBED) \"\" \"*\"\n"
	"S: * LIST (\\Subscribed) \"/\" baz2/bar2\n"
	"S: * LIST (\\Subscribed) \"/\" baz2/bar22\n"
	"S: * LIST (\\Subscribed) \"/\" baz2/bar222\n"
	"S: * LIST (\\Subscribed) \"/\" eps2/mamba\n"
	"S: * LIST (\\Subscribed) \"/\" eps2 (\"CHILDINFO\" (\"SUBSCRIBED\"))\n"
	"S: * LIST (\\Subscribed) \"/\" foo2/bar1\n"
	"S: * LIST (\\Subscribed) \"/\" foo2/bar2\n"
	"S: * LIST (\\Subscribed) \"/\" qux2/bar2\n"
	"S: D04 OK LIST completed\n");
}

Test(session_rfc_names, example_10)
{
	scene_play(given_foo_bar,
	"C: a1 LIST \"\" (\"foo\" \"foo/*\")\n"
	"S: * LIST () \"/\" foo\n"
	"S: a1 OK LIST completed\n"
	"C: a2 LIST (SUBSCRIBED) \"\" \"foo/*\"\n"
	"S: * LIST (\\NonExistent \\Subscribed) \"/\" foo/bar\n"
	"S: a2 OK LIST completed\n"
	"C: a3 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" foo RETURN (CHILDREN)\n"
	"S: * LIST (\\HasNoChildren) \"/\" foo (\"CHILDINFO\" "
	    "(\"SUBSCRIBED\"))\n"
	"S: a3 OK LIST completed\n");
}

Test(session_rfc_names, example_11)
{
	/* nothing is on other servers that a client could know of */
	scene_play(given_music,
	"C: a1 LIST (REMOTE) \"\" *\n"
	"S: * LIST () \"/\" INBOX\n"
	"S: * LIST () \"/\" also/jazz\n"
	"S: * LIST () \"/\" music/rock\n"
	"S: a1 OK LIST completed\n"
	"C: a2 LIST () \"\" %\n"
	"S: * LIST () \"/\" INBOX\n"
	"S: * LIST (\\NonExistent \\HasChildren) \"/\" also\n"
	"S: * LIST (\\NonExistent \\HasChildren) \"/\" music\n"
	"S: a2 OK LIST completed\n"
	"C: a3 LIST (REMOTE) \"\" %\n"
	"S: * LIST () \"/\" INBOX\n"
	"S: * LIST (\\NonExistent \\HasChildren) \"/\" also\n"
	"S: * LIST (\\NonExistent \\HasChildren) \"/\" music\n"
	"S: a3 OK LIST completed\n"
	"C: a3.1 LIST \"\" (% music/rock)\n"
	"S: * LIST () \"/\" INBOX\n"
	"S: * LIST (\\NonExistent \\HasChildren) \"/\" also\n"
	"S: * LIST () \"/\" music/rock\n"
	"S: a3.1 OK LIST completed\n");
}

/* ---- RFC 5819, 7889, 8438: STATUS in LIST ---- */

Test(session_rfc_names, status_of_all)
{
	/* RFC 5819 section 3, RFC 7889 section 3.2, RFC 8438 section 3 */
	scene_play(given_frop,
	"C: A01 STATUS frop (MESSAGES SIZE UIDNEXT)\n"
	"S: * STATUS frop (MESSAGES 8 UIDNEXT 242 SIZE 136)\n"
	"S: A01 OK STATUS completed\n"
	"C: A02 SELECT \"frop\"\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 8 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 2] UIDs are valid\n"
	"S: * OK [UIDNEXT 242] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 9] mod-sequence\n"
	"S: * OK [MAILBOXID (F2)] object id\n"
	"S: A02 OK [READ-WRITE] SELECT completed\n"
	"C: A03 FETCH 1:* (RFC822.SIZE)\n"
	"S: * 1 FETCH (RFC822.SIZE 17)\n"
	"S: * 2 FETCH (RFC822.SIZE 17)\n"
	"S: * 3 FETCH (RFC822.SIZE 17)\n"
	"S: * 4 FETCH (RFC822.SIZE 17)\n"
	"S: * 5 FETCH (RFC822.SIZE 17)\n"
	"S: * 6 FETCH (RFC822.SIZE 17)\n"
	"S: * 7 FETCH (RFC822.SIZE 17)\n"
	"S: * 8 FETCH (RFC822.SIZE 17)\n"
	"S: A03 OK FETCH completed\n"
	"C: A04 LIST \"\" % RETURN (STATUS (MESSAGES SIZE))\n"
	"S: * LIST () \"/\" INBOX\n"
	"S: * LIST (\\NonExistent \\HasChildren) \"/\" bar\n"
	"S: * LIST () \"/\" frop\n"
	"S: * STATUS INBOX (MESSAGES 17 SIZE 305)\n"
	"S: * STATUS frop (MESSAGES 8 SIZE 136)\n"
	"S: A04 OK LIST completed\n"
	"C: A05 LIST \"\" % RETURN (STATUS (MESSAGES UNSEEN))\n"
	"S: * LIST () \"/\" INBOX\n"
	"S: * LIST (\\NonExistent \\HasChildren) \"/\" bar\n"
	"S: * LIST () \"/\" frop\n"
	"S: * STATUS INBOX (MESSAGES 17 UNSEEN 17)\n"
	"S: * STATUS frop (MESSAGES 8 UNSEEN 8)\n"
	"S: A05 OK LIST completed\n"
	"C: t1 LIST \"\" % RETURN (STATUS (APPENDLIMIT))\n"
	"S: * LIST () \"/\" INBOX\n"
	"S: * LIST (\\NonExistent \\HasChildren) \"/\" bar\n"
	"S: * LIST () \"/\" frop\n"
	"S: * STATUS INBOX (APPENDLIMIT 1000000)\n"
	"S: * STATUS frop (APPENDLIMIT 1000000)\n"
	"S: t1 OK LIST completed\n");
}

/* ---- RFC 6154: SPECIAL-USE ---- */

Test(session_rfc_names, special_use)
{
	/* sections 5.1 and 5.2 */
	scene_play(given_special_use,
	"C: t1 LIST \"\" \"%\"\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren \\Drafts) \"/\" MyDrafts\n"
	"S: * LIST (\\HasChildren) \"/\" Projects\n"
	"S: * LIST (\\HasNoChildren \\Sent) \"/\" SentMail\n"
	"S: * LIST (\\HasNoChildren) \"/\" ToDo\n"
	"S: * LIST (\\HasNoChildren \\Trash) \"/\" Trash\n"
	"S: t1 OK LIST completed\n"
	"C: t2 LIST \"\" \"%\" RETURN (SPECIAL-USE)\n"
	"S: * LIST () \"/\" INBOX\n"
	"S: * LIST (\\Drafts) \"/\" MyDrafts\n"
	"S: * LIST () \"/\" Projects\n"
	"S: * LIST (\\Sent) \"/\" SentMail\n"
	"S: * LIST () \"/\" ToDo\n"
	"S: * LIST (\\Trash) \"/\" Trash\n"
	"S: t2 OK LIST completed\n"
	"C: t3 LIST (SPECIAL-USE) \"\" \"*\"\n"
	"S: * LIST (\\Drafts) \"/\" MyDrafts\n"
	"S: * LIST (\\Sent) \"/\" SentMail\n"
	"S: * LIST (\\Trash) \"/\" Trash\n"
	"S: t3 OK LIST completed\n");
}

Test(session_rfc_names, special_use_is_no_metadata)
{
	/* section 5.4 */
	scene_play(given_special_use,
	"C: t2 GETMETADATA \"MyDrafts\" /private/specialuse\n"
	"S: t2 BAD Unknown command\n");
}

/* ---- RFC 8474: OBJECTID ---- */

Test(session_rfc_names, mailboxid)
{
	/* section 4 */
	scene_play(scene_given_john,
	"C: 3 create foo\n"
	"S: 3 OK [MAILBOXID (F10)] CREATE completed\n"
	"C: 4 create bar\n"
	"S: 4 OK [MAILBOXID (F11)] CREATE completed\n"
	"C: 5 create foo\n"
	"S: 5 NO [ALREADYEXISTS] already exists\n"
	"C: 27 select \"foo\"\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: * 0 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UIDVALIDITY 10] UIDs are valid\n"
	"S: * OK [UIDNEXT 1] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 1] mod-sequence\n"
	"S: * OK [MAILBOXID (F10)] object id\n"
	"S: 27 OK [READ-WRITE] SELECT completed\n"
	"C: 6 status foo (mailboxid)\n"
	"S: * STATUS foo (MAILBOXID (F10))\n"
	"S: 6 OK STATUS completed\n"
	"C: 7 status bar (mailboxid)\n"
	"S: * STATUS bar (MAILBOXID (F11))\n"
	"S: 7 OK STATUS completed\n"
	"C: 8 rename foo renamed\n"
	"S: 8 OK RENAME completed\n"
	"C: 9 status renamed (mailboxid)\n"
	"S: * STATUS renamed (MAILBOXID (F10))\n"
	"S: 9 OK STATUS completed\n"
	"C: 10 status bar (mailboxid)\n"
	"S: * STATUS bar (MAILBOXID (F11))\n"
	"S: 10 OK STATUS completed\n"
	"C: 11 list \"\" \"*\" return (status (mailboxid))\n"
	"S: * LIST () \"/\" Drafts\n"
	"S: * LIST () \"/\" INBOX\n"
	"S: * LIST () \"/\" \"Other Users/jane/Diary\"\n"
	"S: * LIST () \"/\" \"Other Users/jane/Plans\"\n"
	"S: * LIST () \"/\" Sent\n"
	"S: * LIST () \"/\" Trash\n"
	"S: * LIST () \"/\" Work/2024\n"
	"S: * LIST () \"/\" bar\n"
	"S: * LIST () \"/\" renamed\n"
	"S: * STATUS Drafts (MAILBOXID (F2))\n"
	"S: * STATUS INBOX (MAILBOXID (F1))\n"
	"S: * STATUS \"Other Users/jane/Diary\" (MAILBOXID (F8))\n"
	"S: * STATUS \"Other Users/jane/Plans\" (MAILBOXID (F7))\n"
	"S: * STATUS Sent (MAILBOXID (F3))\n"
	"S: * STATUS Trash (MAILBOXID (F4))\n"
	"S: * STATUS Work/2024 (MAILBOXID (F5))\n"
	"S: * STATUS bar (MAILBOXID (F11))\n"
	"S: * STATUS renamed (MAILBOXID (F10))\n"
	"S: 11 OK LIST completed\n");
}
