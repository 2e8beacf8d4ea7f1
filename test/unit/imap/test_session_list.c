/*
 * LIST: RFC 5258 (LIST-EXTENDED), 5819 (LIST-STATUS), 6154 (SPECIAL-USE), 3348
 * (CHILDREN). More of which names are told is in test_list.c.
 */
#include <criterion/criterion.h>

#include "scene.h"

/* clang-format off */

/* ---- RFC 5258 section 5 ---- */

static void given_fruit(struct fake_store *store)
{
	static const char *const names[] = { "Fruit", "Fruit/Apple",
					     "Fruit/Banana", "Tofu",
					     "Vegetable", "Vegetable/Broccoli",
					     "Vegetable/Corn" };
	static const char *const subscribed[] = { "Fruit/Banana", "Fruit/Peach",
						  "INBOX", "Vegetable",
						  "Vegetable/Broccoli" };
	struct fake_user *john = fake_user_add(store, "john", "secret");

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		fake_mailbox_add(store, john, slice_str(names[i]));
	for (size_t i = 0; i < ARRAY_LEN(subscribed); i++)
		fake_subscribe(john, slice_str(subscribed[i]), true);
}

Test(session_list, examples_1_to_6)
{
	scene_play(given_fruit,
	"C: A01 LIST \"\" \"*\"\n"
	"S: * LIST (\\HasNoChildren) \"/\" Fruit/Apple\n"
	"S: * LIST (\\HasNoChildren) \"/\" Fruit/Banana\n"
	"S: * LIST (\\HasChildren) \"/\" Fruit\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" Tofu\n"
	"S: * LIST (\\HasNoChildren) \"/\" Vegetable/Broccoli\n"
	"S: * LIST (\\HasNoChildren) \"/\" Vegetable/Corn\n"
	"S: * LIST (\\HasChildren) \"/\" Vegetable\n"
	"S: A01 OK LIST completed\n"
	"C: A02 LIST (SUBSCRIBED) \"\" \"*\"\n"
	"S: * LIST (\\Subscribed) \"/\" Fruit/Banana\n"
	"S: * LIST (\\NonExistent \\Subscribed) \"/\" Fruit/Peach\n"
	"S: * LIST (\\Subscribed) \"/\" INBOX\n"
	"S: * LIST (\\Subscribed) \"/\" Vegetable/Broccoli\n"
	"S: * LIST (\\Subscribed) \"/\" Vegetable\n"
	"S: A02 OK LIST completed\n"
	"C: A03 LIST () \"\" \"%\" RETURN (CHILDREN)\n"
	"S: * LIST (\\HasChildren) \"/\" Fruit\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" Tofu\n"
	"S: * LIST (\\HasChildren) \"/\" Vegetable\n"
	"S: A03 OK LIST completed\n"
	"C: A04 LIST (REMOTE) \"\" \"%\" RETURN (CHILDREN)\n"
	"S: * LIST (\\HasChildren) \"/\" Fruit\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" Tofu\n"
	"S: * LIST (\\HasChildren) \"/\" Vegetable\n"
	"S: A04 OK LIST completed\n"
	"C: A05 LIST (REMOTE SUBSCRIBED) \"\" \"*\"\n"
	"S: * LIST (\\Subscribed) \"/\" Fruit/Banana\n"
	"S: * LIST (\\NonExistent \\Subscribed) \"/\" Fruit/Peach\n"
	"S: * LIST (\\Subscribed) \"/\" INBOX\n"
	"S: * LIST (\\Subscribed) \"/\" Vegetable/Broccoli\n"
	"S: * LIST (\\Subscribed) \"/\" Vegetable\n"
	"S: A05 OK LIST completed\n"
	"C: A06 LIST (REMOTE) \"\" \"*\" RETURN (SUBSCRIBED)\n"
	"S: * LIST () \"/\" Fruit/Apple\n"
	"S: * LIST (\\Subscribed) \"/\" Fruit/Banana\n"
	"S: * LIST () \"/\" Fruit\n"
	"S: * LIST (\\Subscribed) \"/\" INBOX\n"
	"S: * LIST () \"/\" Tofu\n"
	"S: * LIST (\\Subscribed) \"/\" Vegetable/Broccoli\n"
	"S: * LIST () \"/\" Vegetable/Corn\n"
	"S: * LIST (\\Subscribed) \"/\" Vegetable\n"
	"S: A06 OK LIST completed\n");
}

static void given_foo(struct fake_store *store)
{
	static const char *const names[] = { "Foo", "Foo/Bar", "Foo/Baz",
					     "Moo" };
	struct fake_user *john = fake_user_add(store, "john", "secret");

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		fake_mailbox_add(store, john, slice_str(names[i]));
	fake_subscribe(john, SLICE_LIT("Foo/Baz"), true);
	fake_subscribe(john, SLICE_LIT("Moo"), true);
}

Test(session_list, example_8_recursivematch)
{
	scene_play(given_foo,
	"C: CA3 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\"\n"
	"S: * LIST () \"/\" Foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\n"
	"S: * LIST (\\Subscribed) \"/\" Moo\n"
	"S: CA3 OK LIST completed\n"
	"C: C04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\" RETURN "
	    "(SUBSCRIBED CHILDREN)\n"
	"S: * LIST (\\HasChildren) \"/\" Foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\n"
	"S: * LIST (\\HasNoChildren \\Subscribed) \"/\" Moo\n"
	"S: C04 OK LIST completed\n"
	"C: C05 LIST (RECURSIVEMATCH) \"\" \"%\"\n"
	"S: C05 BAD RECURSIVEMATCH without option\n"
	"C: C06 LIST (SUBSCRIBED) \"\" \"%\"\n"
	"S: * LIST (\\Subscribed) \"/\" Moo\n"
	"S: C06 OK LIST completed\n");
}

Test(session_list, several_patterns)
{
	scene_play(given_fruit,
	"C: BBB LIST \"\" (\"INBOX\" \"Tofu\" \"Fruit/%\")\n"
	"S: * LIST () \"/\" Fruit/Apple\n"
	"S: * LIST () \"/\" Fruit/Banana\n"
	"S: * LIST () \"/\" INBOX\n"
	"S: * LIST () \"/\" Tofu\n"
	"S: BBB OK LIST completed\n"
	"C: BBC LIST () \"\" (\"Fruit\" \"Fruit*\")\n"
	"S: * LIST () \"/\" Fruit/Apple\n"
	"S: * LIST () \"/\" Fruit/Banana\n"
	"S: * LIST () \"/\" Fruit\n"
	"S: BBC OK LIST completed\n"
	"C: BBD LIST \"\" (\"\" \"Tofu\")\n"
	"S: * LIST () \"/\" Tofu\n"
	"S: BBD OK LIST completed\n"
	"C: BBE LIST (NONSENSE) \"\" \"*\"\n"
	"S: BBE BAD Unknown option\n"
	"C: BBF LIST () \"\" \"*\" RETURN (NONSENSE)\n"
	"S: BBF BAD Unknown option\n");
}

/* ---- RFC 5819 ---- */

static void given_status(struct fake_store *store)
{
	struct fake_user *john;

	scene_given_john(store);
	john = fake_user_find(store, SLICE_LIT("john"));
	scene_fill(scene_mailbox(store, "Sent"), 8);
	scene_mailbox(store, "INBOX")->messages[0].seen = 1;
	fake_subscribe(john, SLICE_LIT("INBOX"), true);
	fake_subscribe(john, SLICE_LIT("Gone"), true);
	fake_subscribe(john, SLICE_LIT("Work/2024"), true);
}

Test(session_list, status)
{
	scene_play(given_status,
	"C: A01 LIST \"\" % RETURN (STATUS (MESSAGES UNSEEN))\n"
	"S: * LIST () \"/\" Drafts\n"
	"S: * LIST () \"/\" INBOX\n"
	"S: * LIST (\\NonExistent \\HasChildren) \"/\" \"Other Users\"\n"
	"S: * LIST () \"/\" Sent\n"
	"S: * LIST () \"/\" Trash\n"
	"S: * LIST (\\NonExistent \\HasChildren) \"/\" Work\n"
	"S: * STATUS Drafts (MESSAGES 0 UNSEEN 0)\n"
	"S: * STATUS INBOX (MESSAGES 4 UNSEEN 3)\n"
	"S: * STATUS Sent (MESSAGES 7 UNSEEN 7)\n"
	"S: * STATUS Trash (MESSAGES 0 UNSEEN 0)\n"
	"S: A01 OK LIST completed\n"
	"C: A02 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" % RETURN (STATUS "
	    "(MESSAGES))\n"
	"S: * LIST (\\NonExistent \\Subscribed) \"/\" Gone\n"
	"S: * LIST (\\Subscribed) \"/\" INBOX\n"
	"S: * LIST (\\NonExistent) \"/\" Work (\"CHILDINFO\" "
	    "(\"SUBSCRIBED\"))\n"
	"S: * STATUS INBOX (MESSAGES 4)\n"
	"S: A02 OK LIST completed\n"
	"C: A03 LIST \"\" Sent RETURN (CHILDREN STATUS (MESSAGES UIDNEXT) "
	    "SUBSCRIBED)\n"
	"S: * LIST (\\HasNoChildren) \"/\" Sent\n"
	"S: * STATUS Sent (MESSAGES 7 UIDNEXT 8)\n"
	"S: A03 OK LIST completed\n"
	"C: A04 LIST \"\" Sent RETURN (STATUS ())\n"
	"S: A04 BAD Unknown status item\n");
}

static void given_unreadable(struct fake_store *store)
{
	scene_given_john(store);
	fake_acl_set(scene_mailbox(store, "Other Users/jane/Diary"),
		     SLICE_LIT("john"), IMAP_RIGHT_LOOKUP);
}

Test(session_list, status_of_what_may_not_be_read)
{
	scene_play(given_unreadable,
	"C: A01 LIST \"\" \"Other Users/jane/*\" RETURN (STATUS (MESSAGES))\n"
	"S: * LIST () \"/\" \"Other Users/jane/Diary\"\n"
	"S: * LIST () \"/\" \"Other Users/jane/Plans\"\n"
	"S: * STATUS \"Other Users/jane/Plans\" (MESSAGES 1)\n"
	"S: A01 OK LIST completed\n");
}

Test(session_list, status_of_one_fails)
{
	scene_play(given_status,
	"# fail STATUS NOTFOUND\n"
	"C: A01 LIST \"\" (Drafts Sent) RETURN (STATUS (MESSAGES))\n"
	"S: * LIST () \"/\" Drafts\n"
	"S: * LIST () \"/\" Sent\n"
	"S: * STATUS Sent (MESSAGES 7)\n"
	"S: A01 OK LIST completed\n");
}

Test(session_list, status_of_highestmodseq_enables_condstore)
{
	scene_play(given_status,
	"# select INBOX\n"
	"C: A01 LIST \"\" INBOX RETURN (STATUS (HIGHESTMODSEQ))\n"
	"S: * OK [HIGHESTMODSEQ 5] CONDSTORE is on\n"
	"S: * LIST () \"/\" INBOX\n"
	"S: * STATUS INBOX (HIGHESTMODSEQ 5)\n"
	"S: A01 OK LIST completed\n"
	"C: A02 STORE 1 +FLAGS (\\Flagged)\n"
	"S: * 1 FETCH (UID 1 FLAGS (\\Flagged \\Seen) MODSEQ (6))\n"
	"S: A02 OK STORE completed\n");
}

/* ---- RFC 6154 ---- */

Test(session_list, special_use)
{
	/* section 5.1, 5.2 */
	scene_play(given_status,
	"C: t1 LIST \"\" \"%\"\n"
	"S: * LIST (\\HasNoChildren \\Drafts) \"/\" Drafts\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\Noselect \\HasChildren) \"/\" \"Other Users\"\n"
	"S: * LIST (\\HasNoChildren \\Sent) \"/\" Sent\n"
	"S: * LIST (\\HasNoChildren \\Trash) \"/\" Trash\n"
	"S: * LIST (\\Noselect \\HasChildren) \"/\" Work\n"
	"S: t1 OK LIST completed\n"
	"C: t2 LIST (SPECIAL-USE) \"\" \"*\"\n"
	"S: * LIST (\\Drafts) \"/\" Drafts\n"
	"S: * LIST (\\Sent) \"/\" Sent\n"
	"S: * LIST (\\Trash) \"/\" Trash\n"
	"S: t2 OK LIST completed\n"
	"C: t3 LIST \"\" \"%\" RETURN (SPECIAL-USE)\n"
	"S: * LIST (\\Drafts) \"/\" Drafts\n"
	"S: * LIST () \"/\" INBOX\n"
	"S: * LIST (\\NonExistent \\HasChildren) \"/\" \"Other Users\"\n"
	"S: * LIST (\\Sent) \"/\" Sent\n"
	"S: * LIST (\\Trash) \"/\" Trash\n"
	"S: * LIST (\\NonExistent \\HasChildren) \"/\" Work\n"
	"S: t3 OK LIST completed\n"
	"C: t4 LIST \"\" \"%\" RETURN ()\n"
	"S: * LIST () \"/\" Drafts\n"
	"S: * LIST () \"/\" INBOX\n"
	"S: * LIST (\\NonExistent \\HasChildren) \"/\" \"Other Users\"\n"
	"S: * LIST () \"/\" Sent\n"
	"S: * LIST () \"/\" Trash\n"
	"S: * LIST (\\NonExistent \\HasChildren) \"/\" Work\n"
	"S: t4 OK LIST completed\n"
	"C: t5 LIST (SPECIAL-USE) \"\" \"*\" RETURN (SUBSCRIBED CHILDREN)\n"
	"S: * LIST (\\HasNoChildren \\Drafts) \"/\" Drafts\n"
	"S: * LIST (\\HasNoChildren \\Sent) \"/\" Sent\n"
	"S: * LIST (\\HasNoChildren \\Trash) \"/\" Trash\n"
	"S: t5 OK LIST completed\n"
	"C: t6 LIST (SPECIAL-USE SUBSCRIBED) \"\" \"*\"\n"
	"S: t6 OK LIST completed\n");
}

/* ---- names ---- */

Test(session_list, names_that_need_utf_7)
{
	scene_play(scene_given_john,
	"C: a CREATE \"&U,BTFw- / x\"\n"
	"S: a OK [MAILBOXID (F11)] CREATE completed\n"
	"C: b LIST \"\" \"&U,BTFw-*\"\n"
	"S: * LIST (\\HasNoChildren) \"/\" \"&U,BTFw- / x\"\n"
	"S: * LIST (\\HasChildren) \"/\" \"&U,BTFw- \"\n"
	"S: b OK LIST completed\n"
	"C: c ENABLE UTF8=ACCEPT\n"
	"S: * ENABLED UTF8=ACCEPT\n"
	"S: c OK ENABLE completed\n"
	"C: d LIST \"\" \"*x\"\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" "
	    "\"\xe5""\x8f""\xb0""\xe5""\x8c""\x97"" / x\"\n"
	"S: d OK LIST completed\n"
	"C: e CREATE \"Entw\xc3""\xbc""rfe\"\n"
	"S: e OK [MAILBOXID (F12)] CREATE completed\n"
	"C: f STATUS \"Entw\xc3""\xbc""rfe\" (MESSAGES)\n"
	"S: * STATUS \"Entw\xc3""\xbc""rfe\" (MESSAGES 0)\n"
	"S: f OK STATUS completed\n"
	"C: g CREATE \"bad\xff""\"\n"
	"S: g BAD Quoted string is not UTF-8\n");
}

Test(session_list, many_names_come_in_slices)
{
	scene_play(given_fruit,
	"# limit 2\n"
	"C: a LIST \"\" \"*\"\n"
	"S: * LIST (\\HasNoChildren) \"/\" Fruit/Apple\n"
	"S: * LIST (\\HasNoChildren) \"/\" Fruit/Banana\n"
	"S: * LIST (\\HasChildren) \"/\" Fruit\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" Tofu\n"
	"S: * LIST (\\HasNoChildren) \"/\" Vegetable/Broccoli\n"
	"S: * LIST (\\HasNoChildren) \"/\" Vegetable/Corn\n"
	"S: * LIST (\\HasChildren) \"/\" Vegetable\n"
	"S: a OK LIST completed\n"
	"C: b LSUB \"\" \"*\"\n"
	"S: * LSUB () \"/\" Fruit/Banana\n"
	"S: * LSUB () \"/\" Fruit/Peach\n"
	"S: * LSUB () \"/\" INBOX\n"
	"S: * LSUB () \"/\" Vegetable/Broccoli\n"
	"S: * LSUB () \"/\" Vegetable\n"
	"S: b OK LSUB completed\n"
	"C: c LIST \"\" \"%\"\n"
	"S: * LIST (\\HasChildren) \"/\" Fruit\n"
	"S: * LIST (\\HasNoChildren) \"/\" INBOX\n"
	"S: * LIST (\\HasNoChildren) \"/\" Tofu\n"
	"S: * LIST (\\HasChildren) \"/\" Vegetable\n"
	"S: c OK LIST completed\n");
}

Test(session_list, names_cannot_be_listed_for_now)
{
	scene_play(given_fruit,
	"# fail LIST UNAVAILABLE\n"
	"C: a LIST \"\" \"*\"\n"
	"S: a NO [UNAVAILABLE] service unavailable\n"
	"C: b LIST \"\" T*\n"
	"S: * LIST (\\HasNoChildren) \"/\" Tofu\n"
	"S: b OK LIST completed\n");
}
