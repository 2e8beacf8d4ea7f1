/*
 * IDLE: RFC 9051 section 6.3.13, RFC 2177.
 */
#include <criterion/criterion.h>

#include "scene.h"

/* clang-format off */

Test(session_idle, idle)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: A002 IDLE\n"
	"S: + idling\n"
	"2C: B0 SELECT INBOX\n"
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
	"2S: B0 OK [READ-WRITE] SELECT completed\n"
	"2C: B1 STORE 3 +FLAGS.SILENT (\\Deleted)\n"
	"S: * 3 FETCH (UID 3 FLAGS (\\Deleted))\n"
	"2S: B1 OK STORE completed\n"
	"2C: B2 EXPUNGE\n"
	"S: * 3 EXPUNGE\n"
	"2S: * 3 EXPUNGE\n"
	"2S: B2 OK EXPUNGE completed\n"
	"2P: B3 APPEND INBOX {5+}\n"
	"2C: hello\n"
	"S: * 4 EXISTS\n"
	"S: * 0 RECENT\n"
	"2S: * 4 EXISTS\n"
	"2S: * 0 RECENT\n"
	"2S: B3 OK [APPENDUID 1 5] APPEND completed\n"
	"C: DONE\n"
	"S: A002 OK IDLE completed\n"
	"C: A003 FETCH 4 UID\n"
	"S: * 4 FETCH (UID 5)\n"
	"S: A003 OK FETCH completed\n");
}

Test(session_idle, idle_tells_at_once_what_waited)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"2P: B3 APPEND INBOX {5+}\n"
	"2C: hello\n"
	"2S: B3 OK [APPENDUID 1 5] APPEND completed\n"
	"C: A002 IDLE\n"
	"S: + idling\n"
	"S: * 5 EXISTS\n"
	"S: * 0 RECENT\n"
	"C: done\n"
	"S: A002 OK IDLE completed\n");
}

Test(session_idle, idle_without_a_mailbox)
{
	scene_play(scene_given_john,
	"C: A002 IDLE\n"
	"S: + idling\n"
	"C: DONE\n"
	"S: A002 OK IDLE completed\n");
}

Test(session_idle, idle_is_ended_by_nothing_but_done)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: A002 IDLE\n"
	"S: + idling\n"
	"C: A003 NOOP\n"
	"S: A002 BAD expected DONE\n"
	"C: A004 NOOP\n"
	"S: A004 OK NOOP completed\n");
}

Test(session_idle, done_in_one_piece_with_idle_and_the_next_command)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"P: A002 IDLE\n"
	"P: DONE\n"
	"C: A003 NOOP\n"
	"S: + idling\n"
	"S: A002 OK IDLE completed\n"
	"S: A003 OK NOOP completed\n");
}

Test(session_idle, idle_for_too_long)
{
	scene_play(scene_given_john,
	"C: A002 IDLE\n"
	"S: + idling\n"
	"# wait 1799999\n"
	"# wait 1\n"
	"S: * BYE idle for too long\n"
	"# closed\n");
}

Test(session_idle, the_local_copy_will_have_to_do)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"2P: B3 APPEND INBOX {5+}\n"
	"2C: hello\n"
	"2S: B3 OK [APPENDUID 1 5] APPEND completed\n"
	"# fail SYNC UNAVAILABLE\n"
	"C: A002 IDLE\n"
	"S: + idling\n"
	"S: * 5 EXISTS\n"
	"S: * 0 RECENT\n"
	"C: DONE\n"
	"S: A002 OK IDLE completed\n");
}

/* What happens while the session looks is not lost. */
Test(session_idle, it_looks_again_if_need_be)
{
	struct fake_store *store = fake_store_new();
	struct scene_client client;
	struct fake_mailbox *inbox;

	scene_given_john(store);
	scene_client_login(&client, store, "john");
	scene_say(&client, SLICE_LIT("A1 SELECT INBOX\r\nA2 IDLE\r\n"));
	buf_clear(imap_session_output(client.session));
	inbox = scene_mailbox(store, "INBOX");
	fake_message_add(inbox, SLICE_LIT(MESSAGE_3));
	fake_changed(inbox);
	cr_assert(imap_session_busy(client.session));
	cr_expect_not(imap_session_wants_input(client.session));
	fake_message_add(inbox, SLICE_LIT(MESSAGE_3));
	fake_changed(inbox);
	(void)fake_port_step(&client.port);
	scene_expect(&client, "* 6 EXISTS\r\n* 0 RECENT\r\n");
	cr_assert(imap_session_busy(client.session));
	fake_port_run(&client.port);
	scene_expect(&client, "");
	scene_say(&client, SLICE_LIT("DONE\r\n"));
	scene_expect(&client, "A2 OK IDLE completed\r\n");
	scene_client_fini(&client);
	fake_store_free(&store);
}
