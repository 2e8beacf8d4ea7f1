/*
 * Sessions before login and commands of every state: RFC 9051 sections 6.1 and
 * 6.2 in order, RFC 2971 (ID), RFC 4959 (SASL-IR), RFC 5161 (ENABLE).
 */
#include <criterion/criterion.h>

#include "scene.h"

/* clang-format off */

/* ---- 7.1: the greeting; 6.1.1: CAPABILITY ---- */

Test(session_any, the_greeting_has_the_capabilities)
{
	struct fake_store *store = fake_store_new();
	struct scene_client client;

	scene_client_init(&client, store, true);
	scene_expect(&client,
	"* OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- ID ENABLE SASL-IR "
	"AUTH=PLAIN AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256] "
	"fe1.example.org Murder ready\r\n");
	scene_client_fini(&client);
	fake_store_free(&store);
}

Test(session_any, capabilities_before_login)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: A1 CAPABILITY\n"
	"S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- ID ENABLE SASL-IR "
	    "AUTH=PLAIN AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256\n"
	"S: A1 OK CAPABILITY completed\n");
}

Test(session_any, without_tls_passwords_are_not_taken)
{
	scene_play(scene_given_john,
	"# plain\n"
	"C: abcd CAPABILITY\n"
	"S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- ID ENABLE SASL-IR "
	    "STARTTLS LOGINDISABLED\n"
	"S: abcd OK CAPABILITY completed\n"
	"C: A1 LOGIN john secret\n"
	"S: A1 NO [PRIVACYREQUIRED] use STARTTLS first\n"
	"C: A2 AUTHENTICATE PLAIN AGpvaG4Ac2VjcmV0\n"
	"S: A2 NO [PRIVACYREQUIRED] use STARTTLS first\n");
}

Test(session_any, capabilities_after_login)
{
	scene_play(scene_given_john,
	"C: A1 CAPABILITY\n"
	"S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE SASL-IR ACL "
	    "RIGHTS=kxte BINARY CHILDREN CONDSTORE CREATE-SPECIAL-USE "
	    "ESEARCH IDLE LIST-EXTENDED LIST-STATUS MOVE MULTIAPPEND "
	    "NAMESPACE OBJECTID QRESYNC SEARCHRES SPECIAL-USE STATUS=SIZE "
	    "UIDPLUS UNSELECT UTF8=ACCEPT WITHIN APPENDLIMIT=1000000\n"
	"S: A1 OK CAPABILITY completed\n");
}

/* ---- 6.1.2 and 6.1.3: NOOP, LOGOUT ---- */

Test(session_any, noop_without_a_mailbox)
{
	scene_play(scene_given_john,
	"C: a002 NOOP\n"
	"S: a002 OK NOOP completed\n");
}

Test(session_any, noop_tells_what_happened)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"2# select INBOX\n"
	"2C: B2 STORE 1 +FLAGS (\\Deleted)\n"
	"2S: * 1 FETCH (UID 1 FLAGS (\\Deleted))\n"
	"2S: B2 OK STORE completed\n"
	"2C: B3 STORE 3 +FLAGS (\\Seen)\n"
	"2S: * 3 FETCH (UID 3 FLAGS (\\Seen))\n"
	"2S: B3 OK STORE completed\n"
	"2C: B4 EXPUNGE\n"
	"2S: * 1 EXPUNGE\n"
	"2S: B4 OK EXPUNGE completed\n"
	"2P: B5 APPEND INBOX {5+}\n"
	"2C: hello\n"
	"2S: * 4 EXISTS\n"
	"2S: * 0 RECENT\n"
	"2S: B5 OK [APPENDUID 1 5] APPEND completed\n"
	"C: a047 NOOP\n"
	"S: * 1 EXPUNGE\n"
	"S: * 4 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * 2 FETCH (UID 3 FLAGS (\\Seen))\n"
	"S: a047 OK NOOP completed\n");
}

Test(session_any, logout)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: A023 LOGOUT\n"
	"S: * BYE logging out\n"
	"S: A023 OK LOGOUT completed\n"
	"# closed\n");
}

Test(session_any, logout_with_a_mailbox_and_commands_behind_it)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"P: A2 LOGOUT\n"
	"C: A3 NOOP\n"
	"S: * BYE logging out\n"
	"S: A2 OK LOGOUT completed\n"
	"# closed\n");
}

/* ---- 6.2.1: STARTTLS ---- */

Test(session_any, starttls)
{
	scene_play(scene_given_john,
	"# plain\n"
	"C: a001 CAPABILITY\n"
	"S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- ID ENABLE SASL-IR "
	    "STARTTLS LOGINDISABLED\n"
	"S: a001 OK CAPABILITY completed\n"
	"C: a002 STARTTLS\n"
	"S: a002 OK begin TLS now\n"
	"# tls\n"
	"C: a003 CAPABILITY\n"
	"S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- ID ENABLE SASL-IR "
	    "AUTH=PLAIN AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256\n"
	"S: a003 OK CAPABILITY completed\n"
	"C: a004 AUTHENTICATE PLAIN AGpvaG4Ac2VjcmV0\n"
	"S: a004 OK [CAPABILITY ...] logged in\n");
}

Test(session_any, what_is_pipelined_behind_starttls_is_not_taken)
{
	scene_play(scene_given_john,
	"# plain\n"
	"P: a002 STARTTLS\n"
	"C: a003 NOOP\n"
	"S: a002 OK begin TLS now\n"
	"# tls\n"
	"C: a004 STARTTLS\n"
	"S: a004 BAD TLS is on already\n"
	"C: a005 NOOP\n"
	"S: a005 OK NOOP completed\n");
}

Test(session_any, starttls_is_not_for_who_is_known)
{
	scene_play(scene_given_john,
	"C: a1 STARTTLS\n"
	"S: a1 BAD already logged in\n");
}

/* ---- 6.2.2: AUTHENTICATE ---- */

Test(session_any, authenticate_plain_with_an_initial_response)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: A1 AUTHENTICATE PLAIN AGpvaG4Ac2VjcmV0\n"
	"S: A1 OK [CAPABILITY ...] logged in\n"
	"C: A2 NOOP\n"
	"S: A2 OK NOOP completed\n");
}

Test(session_any, authenticate_plain_without_one)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: A1 AUTHENTICATE plain\n"
	"S: + \n"
	"C: AGpvaG4Ac2VjcmV0\n"
	"S: A1 OK [CAPABILITY ...] logged in\n");
}

Test(session_any, authenticate_is_cancelled)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: A1 AUTHENTICATE PLAIN\n"
	"S: + \n"
	"C: *\n"
	"S: A1 BAD authentication cancelled\n"
	"C: A2 NOOP\n"
	"S: A2 OK NOOP completed\n");
}

Test(session_any, an_empty_initial_response_is_no_message_of_plain)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: A1 AUTHENTICATE PLAIN =\n"
	"S: A1 BAD not what the mechanism wants\n"
	"C: A2 NOOP\n"
	"S: A2 OK NOOP completed\n");
}

Test(session_any, authenticate_with_what_is_not_base64)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: A1 AUTHENTICATE PLAIN AGpv!\n"
	"S: A1 BAD not base64\n"
	"C: A2 AUTHENTICATE PLAIN\n"
	"S: + \n"
	"C: AGpv!\n"
	"S: A2 BAD not base64\n"
	"C: A3 NOOP\n"
	"S: A3 OK NOOP completed\n");
}

Test(session_any, mechanisms_that_are_not_offered)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: A1 AUTHENTICATE KERBEROS_V4\n"
	"S: A1 NO [CANNOT] unknown mechanism\n"
	"C: A2 AUTHENTICATE EXTERNAL =\n"
	"S: A2 NO [CANNOT] unknown mechanism\n"
	"C: A3 AUTHENTICATE LOGIN\n"
	"S: A3 NO [CANNOT] unknown mechanism\n");
}

Test(session_any, scram_plus_needs_a_channel_to_bind_to)
{
	scene_play(scene_given_john,
	"# plain\n"
	"C: A1 AUTHENTICATE SCRAM-SHA-256-PLUS\n"
	"S: A1 NO [CANNOT] unknown mechanism\n");
}

Test(session_any, admin_acts_for_john)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: A1 AUTHENTICATE PLAIN am9obgBhZG1pbgBzZWNyZXQ=\n"
	"S: A1 OK [CAPABILITY ...] logged in\n"
	"C: A2 STATUS INBOX (MESSAGES)\n"
	"S: * STATUS INBOX (MESSAGES 4)\n"
	"S: A2 OK STATUS completed\n");
}

Test(session_any, john_may_not_act_for_admin)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: A1 AUTHENTICATE PLAIN YWRtaW4Aam9obgBzZWNyZXQ=\n"
	"S: A1 NO [AUTHORIZATIONFAILED] permission denied\n"
	"C: A2 NOOP\n"
	"S: A2 OK NOOP completed\n");
}

/* ---- 6.2.3: LOGIN ---- */

Test(session_any, login)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: a001 LOGIN john secret\n"
	"S: a001 OK [CAPABILITY ...] logged in\n");
}

Test(session_any, login_with_literals)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: A001 LOGIN {4}\n"
	"S: + OK\n"
	"C: john {6}\n"
	"S: + OK\n"
	"C: secret\n"
	"S: A001 OK [CAPABILITY ...] logged in\n");
}

Test(session_any, login_with_literals_that_do_not_wait)
{
	scene_play(scene_given_john,
	"# greet\n"
	"P: A001 LOGIN {4+}\n"
	"P: john {6+}\n"
	"C: secret\n"
	"S: A001 OK [CAPABILITY ...] logged in\n");
}

Test(session_any, a_wrong_password_is_answered_late)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: A1 LOGIN john wrong\n"
	"# wait 1999\n"
	"# wait 1\n"
	"S: A1 NO [AUTHENTICATIONFAILED] wrong user or password\n"
	"C: A2 LOGIN nobody secret\n"
	"# wait 2000\n"
	"S: A2 NO [AUTHENTICATIONFAILED] wrong user or password\n"
	"C: A3 AUTHENTICATE PLAIN AGpvaG4AeA==\n"
	"# wait 2000\n"
	"S: A3 NO [AUTHENTICATIONFAILED] wrong user or password\n"
	"C: A4 LOGIN john secret\n"
	"S: A4 OK [CAPABILITY ...] logged in\n");
}

/* SASLprep refuses the name; it looks the same. */
Test(session_any, a_name_that_nobody_can_have)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: A1 LOGIN \"\x07""\" secret\n"
	"# wait 2000\n"
	"S: A1 NO [AUTHENTICATIONFAILED] wrong user or password\n"
	"C: A2 AUTHENTICATE SCRAM-SHA-256 biwsbj0HLHI9YWJj\n"
	"# wait 2000\n"
	"S: A2 NO [AUTHENTICATIONFAILED] wrong user or password\n"
	"C: A3 NOOP\n"
	"S: A3 OK NOOP completed\n");
}

static void given_disabled(struct fake_store *store)
{
	scene_given_john(store);
	fake_user_find(store, SLICE_LIT("john"))->disabled = true;
}

Test(session_any, a_disabled_user_is_told_whom_to_ask)
{
	scene_play(given_disabled,
	"# greet\n"
	"C: A1 LOGIN john secret\n"
	"S: A1 NO [CONTACTADMIN] account is disabled\n"
	"C: A2 LOGIN jane secret\n"
	"S: A2 OK [CAPABILITY ...] logged in\n");
}

Test(session_any, passwords_cannot_be_checked_for_now)
{
	scene_play(scene_given_john,
	"# greet\n"
	"# fail PASSWORD UNAVAILABLE\n"
	"C: A1 LOGIN john secret\n"
	"S: A1 NO [UNAVAILABLE] service unavailable\n"
	"C: A2 LOGIN john secret\n"
	"S: A2 OK [CAPABILITY ...] logged in\n");
}

Test(session_any, who_is_known_cannot_log_in_again)
{
	scene_play(scene_given_john,
	"C: A1 LOGIN john secret\n"
	"S: A1 BAD already logged in\n"
	"C: A2 AUTHENTICATE PLAIN\n"
	"S: A2 BAD already logged in\n"
	"# select INBOX\n"
	"C: A4 LOGIN john secret\n"
	"S: A4 BAD already logged in\n");
}

Test(session_any, commands_that_need_a_login)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: A1 SELECT INBOX\n"
	"S: A1 BAD log in first\n"
	"C: A2 FETCH 1 FLAGS\n"
	"S: A2 BAD log in first\n"
	"C: A3 IDLE\n"
	"S: A3 BAD log in first\n"
	"C: A4 APPEND INBOX {5}\n"
	"S: A4 BAD log in first\n"
	"P: A4 APPEND INBOX {5+}\n"
	"C: hello\n"
	"S: A4 BAD log in first\n"
	"C: A5 ENABLE CONDSTORE\n"
	"S: A5 BAD log in first\n"
	"C: A6 LIST \"\" *\n"
	"S: A6 BAD log in first\n"
	"C: A7 LOGIN john secret\n"
	"S: A7 OK [CAPABILITY ...] logged in\n"
	"C: A8 FETCH 1 FLAGS\n"
	"S: A8 BAD no mailbox is selected\n"
	"C: A9 CLOSE\n"
	"S: A9 BAD no mailbox is selected\n");
}

/* ---- ID (RFC 2971) ---- */

Test(session_any, id)
{
	scene_play(scene_given_john,
	"# greet\n"
	"C: a023 ID (\"name\" \"sodr\" \"version\" \"19.34\" \"vendor\" "
	    "\"Pink Floyd Music Limited\")\n"
	"S: * ID (\"name\" \"Murder\" \"version\" \"1.0\")\n"
	"S: a023 OK ID completed\n"
	"C: a042 ID NIL\n"
	"S: * ID (\"name\" \"Murder\" \"version\" \"1.0\")\n"
	"S: a042 OK ID completed\n");
}

/* ---- ENABLE (RFC 5161) ---- */

Test(session_any, enable)
{
	scene_play(scene_given_john,
	"C: t1 ENABLE CONDSTORE\n"
	"S: * ENABLED CONDSTORE\n"
	"S: t1 OK ENABLE completed\n"
	"C: t2 ENABLE CONDSTORE X-GOOD-IDEA\n"
	"S: * ENABLED CONDSTORE\n"
	"S: t2 OK ENABLE completed\n"
	"C: t3 ENABLE foo\n"
	"S: * ENABLED\n"
	"S: t3 OK ENABLE completed\n"
	"C: t4 ENABLE condstore utf8=accept imap4rev2 qresync\n"
	"S: * ENABLED CONDSTORE QRESYNC UTF8=ACCEPT IMAP4rev2\n"
	"S: t4 OK ENABLE completed\n");
}

Test(session_any, enable_with_a_mailbox_tells_its_modseq_once)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: t2 ENABLE QRESYNC\n"
	"S: * OK [HIGHESTMODSEQ 5] CONDSTORE is on\n"
	"S: * ENABLED QRESYNC\n"
	"S: t2 OK ENABLE completed\n"
	"C: t3 ENABLE CONDSTORE\n"
	"S: * ENABLED CONDSTORE\n"
	"S: t3 OK ENABLE completed\n");
}
