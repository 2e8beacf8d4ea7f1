/*
 * APPEND: RFC 3502 (MULTIAPPEND), 3516 (literal8), 4315 (UIDPLUS), 6855
 * (UTF8=ACCEPT), 7888 (LITERAL+, LITERAL-), 7889 (APPENDLIMIT).
 */
#include <criterion/criterion.h>

#include "scene.h"

/* clang-format off */

/* ---- before the literal is sent ---- */

Test(session_append, a_mailbox_that_is_not_there)
{
	scene_play(scene_given_john,
	"C: A1 APPEND Nowhere {5}\n"
	"S: A1 NO [TRYCREATE] no such mailbox\n"
	"P: A2 APPEND Nowhere {5+}\n"
	"C: hello\n"
	"S: A2 NO [TRYCREATE] no such mailbox\n"
	"C: A3 APPEND \"&\" {5}\n"
	"S: A3 NO [CANNOT] no such name can be\n"
	"C: A4 NOOP\n"
	"S: A4 OK NOOP completed\n");
}

Test(session_append, a_mailbox_without_the_right)
{
	scene_play(scene_given_john,
	"C: A1 APPEND \"Other Users/jane/Diary\" {5}\n"
	"S: A1 NO [NOPERM] permission denied\n"
	"C: A2 APPEND \"Other Users/jane\" {5}\n"
	"S: A2 NO [TRYCREATE] no such mailbox\n");
}

Test(session_append, a_message_above_the_limit)
{
	scene_play(scene_given_john,
	"C: A1 APPEND INBOX {1000001}\n"
	"S: A1 NO [TOOBIG] message too large\n"
	"C: A2 NOOP\n"
	"S: A2 OK NOOP completed\n"
	"C: A3 APPEND INBOX {99999999999}\n"
	"S: A3 NO [TOOBIG] message too large\n"
	"C: A4 APPEND INBOX {99999999999999999999}\n"
	"S: A4 BAD [TOOBIG] Literal too long\n"
	"C: A5 NOOP\n"
	"S: A5 OK NOOP completed\n");
}

Test(session_append, one_that_does_not_wait_is_skipped)
{
	scene_play_once(scene_given_john,
	"P: A1 APPEND INBOX {1000001+}\n"
	"C: <1000001*x>\n"
	"S: A1 NO [TOOBIG] message too large\n"
	"C: A2 NOOP\n"
	"S: A2 OK NOOP completed\n");
}

Test(session_append, one_that_is_too_long_to_skip_ends_it)
{
	scene_play(scene_given_john,
	"C: A1 APPEND INBOX {67108865+}\n"
	"S: * BYE [TOOBIG] literal is too large to skip\n"
	"# closed\n");
}

Test(session_append, bad_arguments)
{
	scene_play(scene_given_john,
	"C: A1 APPEND INBOX\n"
	"S: A1 BAD Missing argument\n"
	"C: A2 APPEND INBOX (\\Seen)\n"
	"S: A2 BAD Literal expected\n"
	"C: A3 APPEND INBOX \"17-Jul-1996\" {5}\n"
	"S: A3 BAD Bad date-time\n"
	"C: A4 APPEND INBOX (\\Nonsense) {5}\n"
	"S: A4 BAD Unknown system flag\n"
	"C: hello\n"
	"S: hello BAD Missing command\n"
	"C: A5 APPEND INBOX NONSENSE {5}\n"
	"S: A5 BAD Unexpected text behind the command\n"
	"C: A6 APPEND INBOX {5} {5}\n"
	"S: A6 BAD Unexpected text behind the command\n"
	"C: A7 NOOP\n"
	"S: A7 OK NOOP completed\n");
}

Test(session_append, an_empty_message)
{
	scene_play(scene_given_john,
	"C: A1 APPEND INBOX {0}\n"
	"S: A1 NO empty message\n"
	"P: A2 APPEND INBOX {0+}\n"
	"C: \n"
	"S: A2 NO empty message\n"
	"C: A3 NOOP\n"
	"S: A3 OK NOOP completed\n");
}

/* ---- the message ---- */

Test(session_append, flags_keywords_and_date)
{
	scene_play(scene_given_john,
	"C: A1 APPEND INBOX (\\Flagged $Work \\Seen) \" 7-Feb-1994 21:52:25 "
	    "-0800\" {5}\n"
	"S: + OK\n"
	"C: hello\n"
	"S: A1 OK [APPENDUID 1 5] APPEND completed\n"
	"# select INBOX\n"
	"C: A2 FETCH 5 (FLAGS INTERNALDATE BODY.PEEK[])\n"
	"S: * 5 FETCH (FLAGS (\\Flagged \\Seen $Work) INTERNALDATE \" "
	    "7-Feb-1994 21:52:25 -0800\" BODY[] {5}\n"
	"S: hello)\n"
	"S: A2 OK FETCH completed\n");
}

Test(session_append, to_the_selected_mailbox)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"P: A1 APPEND INBOX {5+}\n"
	"C: hello\n"
	"S: * 5 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: A1 OK [APPENDUID 1 5] APPEND completed\n"
	"C: A2 FETCH 5 UID\n"
	"S: * 5 FETCH (UID 5)\n"
	"S: A2 OK FETCH completed\n");
}

Test(session_append, text_behind_the_message)
{
	scene_play(scene_given_john,
	"P: A1 APPEND INBOX {5+}\n"
	"C: hello!\n"
	"S: A1 BAD Unexpected text behind the command\n"
	"C: A2 STATUS INBOX (MESSAGES)\n"
	"S: * STATUS INBOX (MESSAGES 4)\n"
	"S: A2 OK STATUS completed\n");
}

Test(session_append, nul_in_a_plain_literal)
{
	scene_play(scene_given_john,
	"C: A1 APPEND INBOX {5}\n"
	"S: + OK\n"
	"C: he<NUL>lo\n"
	"S: A1 BAD NUL in a literal\n"
	"P: A2 APPEND INBOX {7+}\n"
	"C: hello<NUL>!\n"
	"S: A2 BAD NUL in a literal\n"
	"C: A3 STATUS INBOX (MESSAGES)\n"
	"S: * STATUS INBOX (MESSAGES 4)\n"
	"S: A3 OK STATUS completed\n");
}

Test(session_append, rights_to_flags_are_needed)
{
	scene_play(scene_given_john,
	"P: A1 APPEND \"Other Users/jane/Plans\" (\\Deleted \\Seen) {5+}\n"
	"C: hello\n"
	"S: A1 OK [APPENDUID 7 2] APPEND completed\n"
	"C: A2 SELECT \"Other Users/jane/Plans\"\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Seen \\Draft \\*)] "
	    "flags that can be kept\n"
	"S: * 2 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 7] UIDs are valid\n"
	"S: * OK [UIDNEXT 3] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 3] mod-sequence\n"
	"S: * OK [MAILBOXID (F7)] object id\n"
	"S: A2 OK [READ-WRITE] SELECT completed\n"
	"C: A3 FETCH 2 FLAGS\n"
	"S: * 2 FETCH (FLAGS (\\Seen))\n"
	"S: A3 OK FETCH completed\n");
}

/* ---- BINARY: literal8 ---- */

Test(session_append, literal8_may_hold_nul)
{
	scene_play(scene_given_john,
	"P: A1 APPEND INBOX ~{43+}\n"
	"P: Content-Transfer-Encoding: binary\n"
	"P: \n"
	"C: a<NUL>b<NUL>c<NUL>\n"
	"S: A1 OK [APPENDUID 1 5] APPEND completed\n"
	"# select INBOX\n"
	"C: A2 FETCH 5 BINARY.SIZE[1]\n"
	"S: * 5 FETCH (BINARY.SIZE[1] 6)\n"
	"S: A2 OK FETCH completed\n");
}

Test(session_append, literal8_is_no_argument)
{
	scene_play(scene_given_john,
	"C: A1 APPEND ~{5}\n"
	"S: A1 BAD Missing argument\n"
	"C: A2 LIST \"\" ~{5}\n"
	"S: A2 BAD Unexpected literal\n"
	"C: A3 NOOP\n"
	"S: A3 OK NOOP completed\n");
}

/* ---- MULTIAPPEND ---- */

Test(session_append, multiappend)
{
	/* section 6.3.11 */
	scene_play(scene_given_john,
	"C: A003 APPEND INBOX (\\Seen) {6}\n"
	"S: + OK\n"
	"C: first  \" 7-Feb-1994 22:43:04 -0800\" {7}\n"
	"S: + OK\n"
	"C: second!\n"
	"S: A003 OK [APPENDUID 1 5:6] APPEND completed\n"
	"# select INBOX\n"
	"C: A004 FETCH 5:6 (FLAGS INTERNALDATE RFC822.SIZE)\n"
	"S: * 5 FETCH (FLAGS (\\Seen) INTERNALDATE \"17-Jul-1996 02:44:25 "
	    "-0700\" RFC822.SIZE 6)\n"
	"S: * 6 FETCH (FLAGS () INTERNALDATE \" 7-Feb-1994 22:43:04 -0800\" "
	    "RFC822.SIZE 7)\n"
	"S: A004 OK FETCH completed\n");
}

Test(session_append, multiappend_is_all_or_nothing)
{
	scene_play(scene_given_john,
	"C: A003 APPEND INBOX (\\Seen) {6}\n"
	"S: + OK\n"
	"C: first  (\\Seen) \" 7-Feb-1994 22:43:04 -0800\" {0}\n"
	"S: A003 NO empty message\n"
	"P: A004 APPEND INBOX {5+}\n"
	"P: hello {5+}\n"
	"C: hello\n"
	"S: A004 OK [APPENDUID 1 5:6] APPEND completed\n"
	"P: A005 APPEND INBOX {5+}\n"
	"P: hello NONSENSE {5+}\n"
	"C: hello\n"
	"S: A005 BAD Unexpected text behind the command\n"
	"P: A006 APPEND INBOX {5+}\n"
	"P: hello {1000001}\n"
	"C: A007 STATUS INBOX (MESSAGES)\n"
	"S: A006 NO [TOOBIG] message too large\n"
	"S: * STATUS INBOX (MESSAGES 6)\n"
	"S: A007 OK STATUS completed\n"
	"P: A008 APPEND INBOX {5+}\n"
	"P: hello {5+}\n"
	"C: h<NUL>llo\n"
	"S: A008 BAD NUL in a literal\n"
	"C: A009 STATUS INBOX (MESSAGES)\n"
	"S: * STATUS INBOX (MESSAGES 6)\n"
	"S: A009 OK STATUS completed\n");
}

/* ---- UTF8=ACCEPT ---- */

Test(session_append, utf8)
{
	scene_play(scene_given_john,
	"C: A0 ENABLE UTF8=ACCEPT\n"
	"S: * ENABLED UTF8=ACCEPT\n"
	"S: A0 OK ENABLE completed\n"
	"P: A1 APPEND INBOX UTF8 (~{5+}\n"
	"C: hello)\n"
	"S: A1 OK [APPENDUID 1 5] APPEND completed\n"
	"C: A2 APPEND INBOX UTF8 ({5}\n"
	"S: A2 BAD UTF8 needs a literal8\n"
	"P: A3 APPEND INBOX UTF8 (~{5+}\n"
	"C: hello\n"
	"S: A3 BAD \")\" expected\n"
	"C: A4 NOOP\n"
	"S: A4 OK NOOP completed\n");
}

/* ---- LITERAL+, LITERAL- ---- */

Test(session_append, literal_minus_before_login)
{
	scene_play_once(scene_given_john,
	"# greet\n"
	"C: A1 LOGIN {4097+}\n"
	"S: A1 BAD [TOOBIG] Literal too long\n"
	"C: <4097*x> y\n"
	"P: A2 LOGIN {4+}\n"
	"C: john secret\n"
	"S: A2 OK [CAPABILITY ...] logged in\n");
}

/* ---- failures ---- */

Test(session_append, the_mailbox_goes_while_the_message_comes)
{
	scene_play(scene_given_john,
	"C: A1 APPEND Sent {5}\n"
	"S: + OK\n"
	"2C: B1 DELETE Sent\n"
	"2S: B1 OK DELETE completed\n"
	"C: hello\n"
	"S: A1 NO [TRYCREATE] no such mailbox\n"
	"C: A2 NOOP\n"
	"S: A2 OK NOOP completed\n");
}

Test(session_append, no_room_for_the_upload)
{
	scene_play(scene_given_john,
	"# fail UPLOAD FULL\n"
	"C: A1 APPEND Sent {5}\n"
	"S: + OK\n"
	"C: hello\n"
	"S: A1 NO [UNAVAILABLE] no space left\n"
	"# fail UPLOAD UNAVAILABLE\n"
	"P: A2 APPEND Sent {5+}\n"
	"P: hello {6+}\n"
	"C: world!\n"
	"S: A2 NO [UNAVAILABLE] service unavailable\n"
	"# fail APPEND OVERQUOTA\n"
	"P: A3 APPEND Sent {5+}\n"
	"C: hello\n"
	"S: A3 NO [OVERQUOTA] quota exceeded\n"
	"C: A4 NOOP\n"
	"S: A4 OK NOOP completed\n");
}

Test(session_append, the_outcome_is_unknown)
{
	scene_play(scene_given_john,
	"# fail APPEND TIMEOUT done\n"
	"P: A1 APPEND Sent {5+}\n"
	"C: hello\n"
	"# closed\n");
}

/* ---- APPENDLIMIT ---- */

Test(session_append, the_limit_is_told)
{
	scene_play(scene_given_john,
	"C: A0 CAPABILITY\n"
	"S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE SASL-IR ACL "
	    "RIGHTS=kxte BINARY CHILDREN CONDSTORE CREATE-SPECIAL-USE "
	    "ESEARCH IDLE LIST-EXTENDED LIST-STATUS MOVE MULTIAPPEND "
	    "NAMESPACE OBJECTID QRESYNC SEARCHRES SPECIAL-USE STATUS=SIZE "
	    "UIDPLUS UNSELECT UTF8=ACCEPT WITHIN APPENDLIMIT=1000000\n"
	"S: A0 OK CAPABILITY completed\n"
	"C: A1 STATUS INBOX (APPENDLIMIT)\n"
	"S: * STATUS INBOX (APPENDLIMIT 1000000)\n"
	"S: A1 OK STATUS completed\n"
	"C: A2 LIST \"\" INBOX RETURN (STATUS (APPENDLIMIT))\n"
	"S: * LIST () \"/\" INBOX\n"
	"S: * STATUS INBOX (APPENDLIMIT 1000000)\n"
	"S: A2 OK LIST completed\n");
}
