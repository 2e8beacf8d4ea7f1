/*
 * Bad input: what no client should say.
 */
#include <criterion/criterion.h>

#include "scene.h"

/* clang-format off */

Test(session_bad, commands_that_are_none)
{
	scene_play(scene_given_john,
	"C: A1 NONSENSE\n"
	"S: A1 BAD Unknown command\n"
	"C: A2\n"
	"S: A2 BAD Missing command\n"
	"C: \n"
	"S: * BAD Bad tag\n"
	"C:  A3 NOOP\n"
	"S: * BAD Bad tag\n"
	"C: A4  NOOP\n"
	"S: A4 BAD Unknown command\n"
	"C: A5 NOOP NOOP\n"
	"S: A5 BAD Unexpected text behind the command\n"
	"C: + NOOP\n"
	"S: * BAD Bad tag\n"
	"C: A6 UID NOOP\n"
	"S: A6 BAD Unknown command behind UID\n"
	"C: A7 UID\n"
	"S: A7 BAD Missing argument\n"
	"C: A8 NOOP\n"
	"S: A8 OK NOOP completed\n");
}

Test(session_bad, ten_in_a_row_end_it)
{
	scene_play(scene_given_john,
	"C: A1 X\n"
	"S: A1 BAD Unknown command\n"
	"C: A2 X\n"
	"S: A2 BAD Unknown command\n"
	"C: A3 X\n"
	"S: A3 BAD Unknown command\n"
	"C: A4 X\n"
	"S: A4 BAD Unknown command\n"
	"C: A5 X\n"
	"S: A5 BAD Unknown command\n"
	"C: A6 X\n"
	"S: A6 BAD Unknown command\n"
	"C: A7 X\n"
	"S: A7 BAD Unknown command\n"
	"C: A8 X\n"
	"S: A8 BAD Unknown command\n"
	"C: A9 X\n"
	"S: A9 BAD Unknown command\n"
	"C: OK NOOP\n"
	"S: OK OK NOOP completed\n"
	"C: B1 X\n"
	"S: B1 BAD Unknown command\n"
	"C: B2 X\n"
	"S: B2 BAD Unknown command\n"
	"C: B3 X\n"
	"S: B3 BAD Unknown command\n"
	"C: B4 X\n"
	"S: B4 BAD Unknown command\n"
	"C: B5 X\n"
	"S: B5 BAD Unknown command\n"
	"C: B6 FETCH 1 UID\n"
	"S: B6 BAD no mailbox is selected\n"
	"C: B7 X\n"
	"S: B7 BAD Unknown command\n"
	"C: B8 X\n"
	"S: B8 BAD Unknown command\n"
	"C: B9 X\n"
	"S: B9 BAD Unknown command\n"
	"P: B10 X\n"
	"C: B11 NOOP\n"
	"S: B10 BAD Unknown command\n"
	"S: * BYE [CLIENTBUG] too many bad commands\n"
	"# closed\n");
}

Test(session_bad, ten_appends_before_login_end_it)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: A1 APPEND x {1}\n"
	"S: A1 BAD log in first\n"
	"C: A2 APPEND x {1}\n"
	"S: A2 BAD log in first\n"
	"C: A3 APPEND x {1}\n"
	"S: A3 BAD log in first\n"
	"C: A4 APPEND x {1}\n"
	"S: A4 BAD log in first\n"
	"C: A5 APPEND x {1}\n"
	"S: A5 BAD log in first\n"
	"C: A6 APPEND x {1}\n"
	"S: A6 BAD log in first\n"
	"C: A7 APPEND x {1}\n"
	"S: A7 BAD log in first\n"
	"C: A8 APPEND x {1}\n"
	"S: A8 BAD log in first\n"
	"C: A9 APPEND x {1}\n"
	"S: A9 BAD log in first\n"
	"C: A10 APPEND x {1}\n"
	"S: A10 BAD log in first\n"
	"S: * BYE [CLIENTBUG] too many bad commands\n"
	"# closed\n");
}

Test(session_bad, octets_that_are_not_allowed)
{
	scene_play(scene_given_john,
	"C: A1 NO<NUL>OP\n"
	"S: A1 BAD Unknown command\n"
	"C: A2 SELECT \"IN<NUL>BOX\"\n"
	"S: A2 BAD Quoted string without end\n"
	"C: A3 SELECT {5}\n"
	"S: + OK\n"
	"C: IN<NUL>BO\n"
	"S: A3 BAD NUL in a literal\n"
	"C: A4 SELECT \"\xff""\"\n"
	"S: A4 BAD Quoted string is not UTF-8\n"
	"C: A5 SELECT {3}\n"
	"S: + OK\n"
	"C: a\xff""b\n"
	"S: A5 NO [NONEXISTENT] does not exist\n"
	"C: \xff""\xfe"" NOOP\n"
	"S: * BAD Bad tag\n"
	"C: A6 NOOP\n"
	"S: A6 OK NOOP completed\n");
}

Test(session_bad, tls_against_a_plain_port)
{
	scene_play(scene_given_john,
	"# plain\n"
	"C: \x16""\x03""\x01""<NUL>\xf4""\x01""<NUL>\xf0""\x03""\x03""\n"
	"S: * BAD Bad tag\n"
	"C: \x16""\x03""\x01""\n"
	"S: * BAD Bad tag\n");
}

Test(session_bad, http_is_not_imap)
{
	scene_play(scene_given_john,
	"# plain\n"
	"P: GET / HTTP/1.1\n"
	"P: Host: example.org\n"
	"C: \n"
	"S: GET BAD Unknown command\n"
	"S: Host: BAD Unknown command\n"
	"S: * BAD Bad tag\n");
}

/* ---- limits ---- */

Test(session_bad, a_line_that_is_too_long)
{
	scene_play_once(scene_given_john,
	"C: A1 SELECT <70000*x>\n"
	"S: A1 BAD Line too long\n"
	"C: A2 NOOP\n"
	"S: A2 OK NOOP completed\n"
	"P: <70000*x>\n"
	"C: A3 NOOP\n"
	"S: * BAD Line too long\n"
	"S: A3 OK NOOP completed\n");
}

Test(session_bad, a_line_that_is_too_long_before_login)
{
	scene_play_once(scene_given_john,
	"# greet\n"
	"C: A1 LOGIN <16400*x> y\n"
	"S: A1 BAD Line too long\n"
	"C: A2 NOOP\n"
	"S: A2 OK NOOP completed\n"
	"C: A3 AUTHENTICATE PLAIN\n"
	"S: + \n"
	"C: <16400*A>\n"
	"S: A3 BAD Line too long\n"
	"C: A4 NOOP\n"
	"S: A4 OK NOOP completed\n");
}

Test(session_bad, a_literal_above_the_limit)
{
	scene_play_once(scene_given_john,
	"C: A1 SELECT {131073}\n"
	"S: A1 BAD [TOOBIG] Literal too long\n"
	"C: A2 NOOP\n"
	"S: A2 OK NOOP completed\n"
	"P: A3 SELECT {131073+}\n"
	"C: <131073*x>\n"
	"S: A3 BAD [TOOBIG] Literal too long\n"
	"C: A4 NOOP\n"
	"S: A4 OK NOOP completed\n"
	"C: A5 SELECT {67108865+}\n"
	"S: * BYE [TOOBIG] Literal too long\n"
	"# closed\n");
}

Test(session_bad, literals_where_none_can_be)
{
	scene_play(scene_given_john,
	"C: A1 NOOP {5}\n"
	"S: A1 BAD Unexpected literal\n"
	"P: A2 NOOP {5+}\n"
	"C: hello\n"
	"S: A2 BAD Unexpected literal\n"
	"C: A3 {5}\n"
	"S: A3 BAD Unknown command\n"
	"C: A4 FETCH {5}\n"
	"S: + OK\n"
	"C: A5 SELECT {5\n"
	"S: A4 BAD Bad sequence set\n"
	"C: A6 SELECT {}\n"
	"S: A6 BAD Number expected\n"
	"C: A7 SELECT {-1}\n"
	"S: A7 BAD Number expected\n"
	"C: A8 NOOP\n"
	"S: A8 OK NOOP completed\n");
}

Test(session_bad, nesting)
{
	scene_play_once(scene_given_john,
	"# select INBOX\n"
	"C: A1 SEARCH <300*(>ALL<300*)>\n"
	"S: A1 BAD Search keys nest too deep\n"
	"C: A2 SEARCH <200*(>ALL<200*)>\n"
	"S: * SEARCH 1 2 3 4\n"
	"S: A2 OK SEARCH completed\n"
	"C: A3 NOOP\n"
	"S: A3 OK NOOP completed\n");
}

Test(session_bad, a_long_tag)
{
	scene_play_once(scene_given_john,
	"C: <255*t> NOOP\n"
	"S: "
	    "tttttttttttttttttttttttttttttttttttttttttttttttttttttttt"
	    "tttttttttttttttttttttttttttttttttttttttttttttttttttttttt"
	    "tttttttttttttttttttttttttttttttttttttttttttttttttttttttt"
	    "tttttttttttttttttttttttttttttttttttttttttttttttttttttttt"
	    "ttttttttttttttttttttttttttttttt "
	    "OK NOOP completed\n"
	"C: <256*t> NOOP\n"
	"S: * BAD Bad tag\n");
}

/* ---- in the middle of things ---- */

Test(session_bad, a_client_that_goes_on_without_waiting)
{
	scene_play(scene_given_john,
	"P: A1 SELECT {5}\n"
	"C: INBOX (CONDSTORE)\n"
	"S: + OK\n"
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
	"S: A1 OK [READ-WRITE] SELECT completed\n");
}

Test(session_bad, an_idle_line_with_nul_and_one_too_long)
{
	scene_play_once(scene_given_john,
	"C: A1 IDLE\n"
	"S: + idling\n"
	"C: DO<NUL>NE\n"
	"S: A1 BAD NUL in a line\n"
	"C: A2 IDLE\n"
	"S: + idling\n"
	"C: <70000*x>\n"
	"S: A2 BAD Line too long\n"
	"C: A3 NOOP\n"
	"S: A3 OK NOOP completed\n");
}

Test(session_bad, sasl_lines)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: A1 AUTHENTICATE PLAIN\n"
	"S: + \n"
	"C: AGpv<NUL>\n"
	"S: A1 BAD NUL in a line\n"
	"C: A2 AUTHENTICATE PLAIN\n"
	"S: + \n"
	"C: \n"
	"S: A2 BAD not what the mechanism wants\n"
	"C: A3 AUTHENTICATE SCRAM-SHA-256\n"
	"S: + \n"
	"C: biwsbj0sbj0=\n"
	"S: A3 BAD not what the mechanism wants\n"
	"C: A4 AUTHENTICATE SCRAM-SHA-256 eSwsbj1qb2huLHI9YWJj\n"
	"# wait 2000\n"
	"S: A4 NO [AUTHENTICATIONFAILED] wrong user or password\n"
	"C: A5 NOOP\n"
	"S: A5 OK NOOP completed\n");
}

Test(session_bad, a_bare_lf_ends_a_line_a_bare_cr_does_not)
{
	struct fake_store *store = fake_store_new();
	struct scene_client client;

	scene_given_john(store);
	scene_client_login(&client, store, "john");
	scene_say(&client, SLICE_LIT("A1 NOOP\nA2 NOOP\rA3 NOOP\r\n"));
	scene_expect(&client, "A1 OK NOOP completed\r\n"
		     "A2 BAD Unexpected text behind the command\r\n");
	scene_client_fini(&client);
	fake_store_free(&store);
}
