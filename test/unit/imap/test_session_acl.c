/*
 * RFC 4314: ACL.
 */
#include <criterion/criterion.h>

#include "scene.h"

/* clang-format off */

static void given_smith(struct fake_store *store)
{
	scene_given_john(store);
	fake_acl_set(scene_mailbox(store, "Drafts"), SLICE_LIT("Smith"),
		     IMAP_RIGHT_LOOKUP | IMAP_RIGHT_READ |
			     IMAP_RIGHT_SEEN | IMAP_RIGHT_WRITE);
}

Test(session_acl, setacl_getacl_deleteacl)
{
	scene_play(given_smith,
	"C: A001 GETACL Drafts\n"
	"S: * ACL Drafts john lrswipkxteacd Smith lrsw\n"
	"S: A001 OK GETACL completed\n"
	"C: A002 SETACL Drafts John lrQswicda\n"
	"S: A002 BAD unknown right\n"
	"C: A003 SETACL Drafts John lrswicda\n"
	"S: A003 OK SETACL completed\n"
	"C: A004 SETACL Drafts Smith +cda\n"
	"S: A004 OK SETACL completed\n"
	"C: A005 GETACL Drafts\n"
	"S: * ACL Drafts john lrswipkxteacd Smith lrswkxteacd John "
	    "lrswikxteacd\n"
	"S: A005 OK GETACL completed\n"
	"C: A006 SETACL Drafts Smith -lw\n"
	"S: A006 OK SETACL completed\n"
	"C: A007 SETACL Drafts -fred rw\n"
	"S: A007 OK SETACL completed\n"
	"C: A008 GETACL Drafts\n"
	"S: * ACL Drafts john lrswipkxteacd Smith rskxteacd John lrswikxteacd "
	    "-fred rw\n"
	"S: A008 OK GETACL completed\n"
	"C: A009 DELETEACL Drafts Smith\n"
	"S: A009 OK DELETEACL completed\n"
	"C: A010 SETACL Drafts John \"\"\n"
	"S: A010 OK SETACL completed\n"
	"C: A011 GETACL Drafts\n"
	"S: * ACL Drafts john lrswipkxteacd -fred rw\n"
	"S: A011 OK GETACL completed\n"
	"C: A012 DELETEACL Drafts nobody\n"
	"S: A012 OK DELETEACL completed\n");
}

Test(session_acl, who_may)
{
	scene_play(given_smith,
	"C: A001 GETACL \"Other Users/jane/Plans\"\n"
	"S: A001 NO [NOPERM] permission denied\n"
	"C: A002 SETACL \"Other Users/jane/Plans\" john a\n"
	"S: A002 NO [NOPERM] permission denied\n"
	"C: A003 DELETEACL \"Other Users/jane/Plans\" jane\n"
	"S: A003 NO [NOPERM] permission denied\n"
	"C: A004 LISTRIGHTS \"Other Users/jane/Plans\" john\n"
	"S: A004 NO [NOPERM] permission denied\n"
	"C: A005 MYRIGHTS \"Other Users/jane/Plans\"\n"
	"S: * MYRIGHTS \"Other Users/jane/Plans\" lrswi\n"
	"S: A005 OK MYRIGHTS completed\n"
	"C: A006 GETACL \"Other Users/jane\"\n"
	"S: A006 NO [NONEXISTENT] does not exist\n"
	"C: A007 MYRIGHTS \"Other Users/jane\"\n"
	"S: A007 NO [NONEXISTENT] does not exist\n"
	"C: A008 MYRIGHTS Nowhere\n"
	"S: A008 NO [NONEXISTENT] does not exist\n"
	"C: A009 MYRIGHTS \"&\"\n"
	"S: A009 NO [NONEXISTENT] does not exist\n"
	"C: A010 GETACL \"&\"\n"
	"S: A010 NO [NONEXISTENT] does not exist\n"
	"C: A011 SETACL \"&\" john l\n"
	"S: A011 NO [NONEXISTENT] does not exist\n"
	"C: A012 LISTRIGHTS \"&\" john\n"
	"S: A012 NO [NONEXISTENT] does not exist\n"
	"C: A013 DELETEACL \"&\" john\n"
	"S: A013 NO [NONEXISTENT] does not exist\n");
}

Test(session_acl, listrights)
{
	scene_play(given_smith,
	"C: a001 LISTRIGHTS Drafts smith\n"
	"S: * LISTRIGHTS Drafts smith \"\" l r s w i p k x t e a c d\n"
	"S: a001 OK LISTRIGHTS completed\n"
	"C: a002 LISTRIGHTS Drafts john\n"
	"S: * LISTRIGHTS Drafts john lkxac r s w i p t e d\n"
	"S: a002 OK LISTRIGHTS completed\n"
	"C: a005 listrights Drafts anyone\n"
	"S: * LISTRIGHTS Drafts anyone \"\" l r s w i p k x t e a c d\n"
	"S: a005 OK LISTRIGHTS completed\n");
}

Test(session_acl, myrights)
{
	scene_play(given_smith,
	"C: A003 MYRIGHTS INBOX\n"
	"S: * MYRIGHTS INBOX lrswipkxteacd\n"
	"S: A003 OK MYRIGHTS completed\n"
	"P: A142 EXAMINE \"Other Users/jane/Plans\"\n"
	"C: A143 MYRIGHTS \"Other Users/jane/Plans\"\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS ()] flags that can be kept\n"
	"S: * 1 EXISTS\n"
	"S: * 0 RECENT\n"
	"S: * OK [UNSEEN 1] first unseen message\n"
	"S: * OK [UIDVALIDITY 7] UIDs are valid\n"
	"S: * OK [UIDNEXT 2] predicted next UID\n"
	"S: * OK [HIGHESTMODSEQ 2] mod-sequence\n"
	"S: * OK [MAILBOXID (F7)] object id\n"
	"S: A142 OK [READ-ONLY] EXAMINE completed\n"
	"S: * MYRIGHTS \"Other Users/jane/Plans\" lrswi\n"
	"S: A143 OK MYRIGHTS completed\n");
}

Test(session_acl, rights_that_shrink_are_told)
{
	/* section 5.1.1 */
	scene_play(given_smith,
	"2# login jane\n"
	"# select Other Users/jane/Plans\n"
	"C: A1 STORE 1 +FLAGS (\\Seen)\n"
	"S: * 1 FETCH (UID 1 FLAGS (\\Seen))\n"
	"S: A1 OK STORE completed\n"
	"2C: B1 SETACL Plans john lrs\n"
	"2S: B1 OK SETACL completed\n"
	"C: A2 NOOP\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Seen)] flags that can be kept\n"
	"S: A2 OK NOOP completed\n"
	"C: A3 STORE 1 +FLAGS (\\Flagged)\n"
	"S: A3 NO [NOPERM] permission denied\n"
	"C: A4 STORE 1 -FLAGS (\\Seen)\n"
	"S: * 1 FETCH (UID 1 FLAGS ())\n"
	"S: A4 OK STORE completed\n"
	"2C: B2 SETACL Plans john lrswt\n"
	"2S: B2 OK SETACL completed\n"
	"C: A5 FETCH 1 UID\n"
	"S: * 1 FETCH (UID 1)\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "
	    "\\Draft \\*)] flags that can be kept\n"
	"S: A5 OK FETCH completed\n"
	"2C: B3 SETACL Plans john lrswt\n"
	"2S: B3 OK SETACL completed\n"
	"C: A6 NOOP\n"
	"S: A6 OK NOOP completed\n");
}

Test(session_acl, the_right_to_read_is_taken_away)
{
	scene_play(given_smith,
	"2# login jane\n"
	"# select Other Users/jane/Plans\n"
	"2C: B1 SETACL Plans john l\n"
	"S: * BYE [NOPERM] the right to read the mailbox was taken away\n"
	"2S: B1 OK SETACL completed\n"
	"# closed\n");
}

Test(session_acl, rights_are_told_in_idle)
{
	scene_play(given_smith,
	"2# login jane\n"
	"# select Other Users/jane/Plans\n"
	"C: A1 IDLE\n"
	"S: + idling\n"
	"2C: B1 SETACL Plans john lr\n"
	"S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"S: * OK [PERMANENTFLAGS ()] flags that can be kept\n"
	"2S: B1 OK SETACL completed\n"
	"C: DONE\n"
	"S: A1 OK IDLE completed\n");
}

Test(session_acl, the_outcome_of_setacl_is_unknown)
{
	scene_play(given_smith,
	"# fail SET_ACL LEADER_LOST\n"
	"C: A1 SETACL Drafts smith l\n"
	"# closed\n");
}
