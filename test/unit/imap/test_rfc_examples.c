/*
 * Commands of the examples in the RFCs, and what the parser makes of them.
 *
 * Each is fed whole, octet by octet and in random pieces. Lines that the RFCs
 * break for print are joined; messages are shortened.
 */
#include <criterion/criterion.h>

#include "base/attr.h"
#include "transcript.h"

#define WIRE(s) s, sizeof(s) - 1

static const struct {
	const char *wire;
	size_t len;
	const char *transcript;
} examples[] = {
	/* clang-format off */
	/* RFC 9051 */
	{ WIRE("1001 RENAME X Y\r\n"),
	  "DONE 1001 RENAME \"X\" \"Y\"\n" },
	{ WIRE("1002 SUBSCRIBE Y\r\n"),
	  "DONE 1002 SUBSCRIBE \"Y\"\n" },
	{ WIRE("1003 UNSUBSCRIBE X\r\n"),
	  "DONE 1003 UNSUBSCRIBE \"X\"\n" },
	{ WIRE("A001 AUTHENTICATE GSSAPI\r\n"),
	  "DONE A001 AUTHENTICATE \"GSSAPI\"\n" },
	{ WIRE("A001 AUTHENTICATE SCRAM-SHA-256\r\n"),
	  "DONE A001 AUTHENTICATE \"SCRAM-SHA-256\"\n" },
	{ WIRE("A001 LOGIN fred blurdybloop\r\n"),
	  "DONE A001 LOGIN \"fred\" \"blurdybloop\"\n" },
	{ WIRE("A001 NAMESPACE\r\n"),
	  "DONE A001 NAMESPACE\n" },
	{ WIRE("A001 SELECT INBOX\r\n"),
	  "DONE A001 SELECT \"INBOX\"\n" },
	{ WIRE("A002 CREATE \"INBOX.Sent Mail\"\r\n"),
	  "DONE A002 CREATE \"INBOX.Sent Mail\"\n" },
	{ WIRE("A002 IDLE\r\n"),
	  "DONE A002 IDLE\n" },
	{ WIRE("A002 LIST \"\" \"#Users/%\"\r\n"),
	  "DONE A002 LIST \"\" \"#Users/%\"\n" },
	{ WIRE("A002 LIST \"\" \"Other Users/%\"\r\n"),
	  "DONE A002 LIST \"\" \"Other Users/%\"\n" },
	{ WIRE("A002 LIST \"\" \"~mark/%\"\r\n"),
	  "DONE A002 LIST \"\" \"~mark/%\"\n" },
	{ WIRE("A002 LIST (SPECIAL-USE) \"\" \"*\"\r\n"),
	  "DONE A002 LIST extended select SPECIAL-USE \"\" \"*\"\n" },
	{ WIRE("A002 SUBSCRIBE #news.comp.mail.mime\r\n"),
	  "DONE A002 SUBSCRIBE \"#news.comp.mail.mime\"\n" },
	{ WIRE("A002 UNSUBSCRIBE #news.comp.mail.mime\r\n"),
	  "DONE A002 UNSUBSCRIBE \"#news.comp.mail.mime\"\n" },
	{ WIRE("A003 COPY 2:4 MEETING\r\n"),
	  "DONE A003 COPY 2:4 \"MEETING\"\n" },
	{ WIRE("A003 CREATE owatagusiam/\r\n"),
	  "DONE A003 CREATE \"owatagusiam/\"\n" },
	{ WIRE("A003 FETCH 4 ALL\r\n"),
	  "DONE A003 FETCH 4 FLAGS INTERNALDATE RFC822.SIZE ENVELOPE\n" },
	{ WIRE("A003 LIST \"\" \"#Users/Mike/%\"\r\n"),
	  "DONE A003 LIST \"\" \"#Users/Mike/%\"\n" },
	{ WIRE("A003 LIST (SPECIAL-USE) \"#mh/\" \"*\"\r\n"),
	  "DONE A003 LIST extended select SPECIAL-USE \"#mh/\" \"*\"\n" },
	{ WIRE("A003 STORE 2:4 +FLAGS (\\Deleted)\r\n"),
	  "DONE A003 STORE 2:4 + (\\Deleted)\n" },
	{ WIRE("A003 UID EXPUNGE 3000:3002\r\n"),
	  "DONE A003 UID EXPUNGE 3000:3002\n" },
	{ WIRE("A004 COPY 2:4 meeting\r\n"),
	  "DONE A004 COPY 2:4 \"meeting\"\n" },
	{ WIRE("A004 CREATE \"Sent Mail\"\r\n"),
	  "DONE A004 CREATE \"Sent Mail\"\n" },
	{ WIRE("A004 CREATE owatagusiam/blurdybloop\r\n"),
	  "DONE A004 CREATE \"owatagusiam/blurdybloop\"\n" },
	{ WIRE("A004 IDLE\r\n"),
	  "DONE A004 IDLE\n" },
	{ WIRE("A005 CREATE \"Delete Items\"\r\n"),
	  "DONE A005 CREATE \"Delete Items\"\n" },
	{ WIRE("A005 CREATE NonNormalized\r\n"),
	  "DONE A005 CREATE \"NonNormalized\"\n" },
	{ WIRE("A005 FETCH 3 ALL\r\n"),
	  "DONE A005 FETCH 3 FLAGS INTERNALDATE RFC822.SIZE ENVELOPE\n" },
	{ WIRE("A005 UID COPY 305:310 meeting\r\n"),
	  "DONE A005 UID COPY 305:310 \"meeting\"\n" },
	{ WIRE("A006 COPY 2 funny\r\n"),
	  "DONE A006 COPY 2 \"funny\"\n" },
	{ WIRE("A006 CREATE \"#mh/Deleted Items\"\r\n"),
	  "DONE A006 CREATE \"#mh/Deleted Items\"\n" },
	{ WIRE("A006 IDLE\r\n"),
	  "DONE A006 IDLE\n" },
	{ WIRE("A007 SELECT funny\r\n"),
	  "DONE A007 SELECT \"funny\"\n" },
	{ WIRE("A01 AUTHENTICATE EXTERNAL =\r\n"),
	  "DONE A01 AUTHENTICATE \"EXTERNAL\" \"=\"\n" },
	{ WIRE("A01 AUTHENTICATE PLAIN\r\n"),
	  "DONE A01 AUTHENTICATE \"PLAIN\"\n" },
	{ WIRE("A01 LIST \"\" \"*\"\r\n"),
	  "DONE A01 LIST \"\" \"*\"\n" },
	{ WIRE("A01 LIST \"\" % RETURN (STATUS (MESSAGES UNSEEN))\r\n"),
	  "DONE A01 LIST extended \"\" \"%\" return STATUS status "
		"MESSAGES UNSEEN\n" },
	{ WIRE("A01 STARTTLS\r\n"),
	  "DONE A01 STARTTLS\n" },
	{ WIRE("A02 CAPABILITY\r\n"),
	  "DONE A02 CAPABILITY\n" },
	{ WIRE("A02 LIST (SUBSCRIBED) \"\" \"*\"\r\n"),
	  "DONE A02 LIST extended select SUBSCRIBED \"\" \"*\"\n" },
	{ WIRE("A023 LOGOUT\r\n"),
	  "DONE A023 LOGOUT\n" },
	{ WIRE("A03 AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=\r\n"),
	  "DONE A03 AUTHENTICATE \"PLAIN\" \"dGVzdAB0ZXN0AHRlc3Q=\"\n" },
	{ WIRE("A03 LIST () \"\" \"%\" RETURN (CHILDREN)\r\n"),
	  "DONE A03 LIST extended \"\" \"%\" return CHILDREN\n" },
	{ WIRE("A04 LIST (REMOTE) \"\" \"%\" RETURN (CHILDREN)\r\n"),
	  "DONE A04 LIST extended select REMOTE \"\" \"%\" return "
		"CHILDREN\n" },
	{ WIRE("A042 STATUS blurdybloop (UIDNEXT MESSAGES)\r\n"),
	  "DONE A042 STATUS \"blurdybloop\" status MESSAGES UIDNEXT\n" },
	{ WIRE("A05 LIST (REMOTE SUBSCRIBED) \"\" \"*\"\r\n"),
	  "DONE A05 LIST extended select SUBSCRIBED REMOTE \"\" \"*\"\n" },
	{ WIRE("A06 LIST (REMOTE) \"\" \"*\" RETURN (SUBSCRIBED)\r\n"),
	  "DONE A06 LIST extended select REMOTE \"\" \"*\" return "
		"SUBSCRIBED\n" },
	{ WIRE("A101 LIST \"\" \"\"\r\n"),
	  "DONE A101 LIST \"\" \"\"\n" },
	{ WIRE("A102 LIST #news.comp.mail.misc \"\"\r\n"),
	  "DONE A102 LIST \"#news.comp.mail.misc\" \"\"\n" },
	{ WIRE("A103 LIST /usr/staff/jones \"\"\r\n"),
	  "DONE A103 LIST \"/usr/staff/jones\" \"\"\n" },
	{ WIRE("A142 SELECT INBOX\r\n"),
	  "DONE A142 SELECT \"INBOX\"\n" },
	{ WIRE("A143 SELECT Drafts\r\n"),
	  "DONE A143 SELECT \"Drafts\"\n" },
	{ WIRE("A202 EXPUNGE\r\n"),
	  "DONE A202 EXPUNGE\n" },
	{ WIRE("A202 LIST ~/Mail/ %\r\n"),
	  "DONE A202 LIST \"~/Mail/\" \"%\"\n" },
	{ WIRE("A222 COPY 1:2 owatagusiam\r\n"),
	  "DONE A222 COPY 1:2 \"owatagusiam\"\n" },
	{ WIRE("A223 COPY 3:200 blurdybloop\r\n"),
	  "DONE A223 COPY 3:200 \"blurdybloop\"\n" },
	{ WIRE("A282 SEARCH RETURN (MIN COUNT) FLAGGED\r\n"),
	  "DONE A282 SEARCH return MIN COUNT (flag \\Flagged)\n" },
	{ WIRE("A282 SEARCH RETURN (SAVE) FLAGGED SINCE 1-Feb-1994\r\n"),
	  "DONE A282 SEARCH return SAVE (and (flag \\Flagged) (since "
		"day 8797))\n" },
	{ WIRE("A283 FETCH $ (UID INTERNALDATE FLAGS BODY.PEEK[HEADER])\r\n"),
	  "DONE A283 FETCH $ UID INTERNALDATE FLAGS peek BODY[HEADER]\n" },
	{ WIRE("A283 SEARCH RETURN () FLAGGED\r\n"),
	  "DONE A283 SEARCH return ALL (flag \\Flagged)\n" },
	{ WIRE("A284 SEARCH RETURN (MIN) UNSEEN\r\n"),
	  "DONE A284 SEARCH return MIN (flag !\\Seen)\n" },
	{ WIRE("A284 SEARCH TEXT \"string not in mailbox\"\r\n"),
	  "DONE A284 SEARCH (text \"string not in mailbox\")\n" },
	{ WIRE("A285 UID SEARCH RETURN (MIN MAX) 1:5000\r\n"),
	  "DONE A285 UID SEARCH return MIN MAX (seqs 1:5000)\n" },
	{ WIRE("A286 SEARCH RETURN (COUNT) DELETED\r\n"),
	  "DONE A286 SEARCH return COUNT (flag \\Deleted)\n" },
	{ WIRE("A300 SEARCH RETURN (SAVE) SINCE 1-Jan-2004\r\n"),
	  "DONE A300 SEARCH return SAVE (since day 12418)\n" },
	{ WIRE("A301 UID SEARCH $ SMALLER 4096\r\n"),
	  "DONE A301 UID SEARCH (and (seqs $) (smaller 4096))\n" },
	{ WIRE("A301 UID SEARCH UID $ SMALLER 4096\r\n"),
	  "DONE A301 UID SEARCH (and (uids $) (smaller 4096))\n" },
	{ WIRE("A341 CLOSE\r\n"),
	  "DONE A341 CLOSE\n" },
	{ WIRE("A342 UNSELECT\r\n"),
	  "DONE A342 UNSELECT\n" },
	{ WIRE("A442 XPIG-LATIN\r\n"),
	  "BAD A442 Unknown command\n" },
	{ WIRE("A443 EXPUNGE\r\n"),
	  "DONE A443 EXPUNGE\n" },
	{ WIRE("A654 FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])\r\n"),
	  "DONE A654 FETCH 2:4 FLAGS BODY[HEADER.FIELDS (DATE FROM)]\n" },
	{ WIRE("A682 LIST \"\" *\r\n"),
	  "DONE A682 LIST \"\" \"*\"\n" },
	{ WIRE("A683 DELETE blurdybloop\r\n"),
	  "DONE A683 DELETE \"blurdybloop\"\n" },
	{ WIRE("A683 RENAME blurdybloop sarasoop\r\n"),
	  "DONE A683 RENAME \"blurdybloop\" \"sarasoop\"\n" },
	{ WIRE("A684 DELETE foo\r\n"),
	  "DONE A684 DELETE \"foo\"\n" },
	{ WIRE("A684 RENAME foo zowie\r\n"),
	  "DONE A684 RENAME \"foo\" \"zowie\"\n" },
	{ WIRE("A685 DELETE foo/bar\r\n"),
	  "DONE A685 DELETE \"foo/bar\"\n" },
	{ WIRE("A685 LIST \"\" *\r\n"),
	  "DONE A685 LIST \"\" \"*\"\n" },
	{ WIRE("A686 LIST \"\" *\r\n"),
	  "DONE A686 LIST \"\" \"*\"\n" },
	{ WIRE("A687 DELETE foo\r\n"),
	  "DONE A687 DELETE \"foo\"\n" },
	{ WIRE("A82 LIST \"\" *\r\n"),
	  "DONE A82 LIST \"\" \"*\"\n" },
	{ WIRE("A83 DELETE blurdybloop\r\n"),
	  "DONE A83 DELETE \"blurdybloop\"\n" },
	{ WIRE("A84 DELETE foo\r\n"),
	  "DONE A84 DELETE \"foo\"\n" },
	{ WIRE("A85 LIST \"\" *\r\n"),
	  "DONE A85 LIST \"\" \"*\"\n" },
	{ WIRE("A86 LIST \"\" %\r\n"),
	  "DONE A86 LIST \"\" \"%\"\n" },
	{ WIRE("A932 EXAMINE blurdybloop\r\n"),
	  "DONE A932 EXAMINE \"blurdybloop\"\n" },
	{ WIRE("A999 UID FETCH 4827313:4828442 FLAGS\r\n"),
	  "DONE A999 UID FETCH 4827313:4828442 FLAGS\n" },
	{ WIRE("B282 SEARCH RETURN (SAVE) SINCE 1-Feb-1994\r\n"),
	  "DONE B282 SEARCH return SAVE (since day 8797)\n" },
	{ WIRE("C01 CAPABILITY\r\n"),
	  "DONE C01 CAPABILITY\n" },
	{ WIRE("C01 LIST \"\" \"*\"\r\n"),
	  "DONE C01 LIST \"\" \"*\"\n" },
	{ WIRE("C02 LIST (SUBSCRIBED) \"\" \"*\"\r\n"),
	  "DONE C02 LIST extended select SUBSCRIBED \"\" \"*\"\n" },
	{ WIRE("C04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\"\r\n"),
	  "DONE C04 LIST extended select SUBSCRIBED RECURSIVEMATCH "
		"\"\" \"%\"\n" },
	{ WIRE("C282 SEARCH RETURN (ALL) SINCE 12-Feb-2006\r\n"),
	  "DONE C282 SEARCH return ALL (since day 13191)\n" },
	{ WIRE("C283 SEARCH RETURN (ALL SAVE) SINCE 12-Feb-2006\r\n"),
	  "DONE C283 SEARCH return ALL SAVE (since day 13191)\n" },
	{ WIRE("C284 SEARCH RETURN (SAVE MIN) SINCE 12-Feb-2006\r\n"),
	  "DONE C284 SEARCH return MIN SAVE (since day 13191)\n" },
	{ WIRE("CA3 LIST \"\" \"%\" RETURN (CHILDREN)\r\n"),
	  "DONE CA3 LIST extended \"\" \"%\" return CHILDREN\n" },
	{ WIRE("D01 LIST \"\" \"*\"\r\n"),
	  "DONE D01 LIST \"\" \"*\"\n" },
	{ WIRE("D02 LIST (SUBSCRIBED) \"\" \"*\"\r\n"),
	  "DONE D02 LIST extended select SUBSCRIBED \"\" \"*\"\n" },
	{ WIRE("D03 LIST (RECURSIVEMATCH SUBSCRIBED) \"\" \"*\"\r\n"),
	  "DONE D03 LIST extended select SUBSCRIBED RECURSIVEMATCH "
		"\"\" \"*\"\n" },
	{ WIRE("D03 LIST (RECURSIVEMATCH SUBSCRIBED) \"\" \"*2\"\r\n"),
	  "DONE D03 LIST extended select SUBSCRIBED RECURSIVEMATCH "
		"\"\" \"*2\"\n" },
	{ WIRE("E282 SEARCH RETURN (SAVE) SINCE 28-Oct-2006\r\n"),
	  "DONE E282 SEARCH return SAVE (since day 13449)\n" },
	{ WIRE("E283 COPY $ \"Other Messages\"\r\n"),
	  "DONE E283 COPY $ \"Other Messages\"\n" },
	{ WIRE("F282 SEARCH RETURN (SAVE) KEYWORD $Junk\r\n"),
	  "DONE F282 SEARCH return SAVE (keyword \"$Junk\")\n" },
	{ WIRE("F283 COPY $ \"Junk\"\r\n"),
	  "DONE F283 COPY $ \"Junk\"\n" },
	{ WIRE("F284 STORE $ +FLAGS.Silent (\\Deleted)\r\n"),
	  "DONE F284 STORE $ + silent (\\Deleted)\n" },
	{ WIRE("G282 SEARCH RETURN (SAVE) KEYWORD $Junk\r\n"),
	  "DONE G282 SEARCH return SAVE (keyword \"$Junk\")\n" },
	{ WIRE("G283 SEARCH RETURN (ALL) SINCE 28-Oct-2006\r\n"),
	  "DONE G283 SEARCH return ALL (since day 13449)\n" },
	{ WIRE("H282 SEARCH RETURN (SAVE) KEYWORD $Junk\r\n"),
	  "DONE H282 SEARCH return SAVE (keyword \"$Junk\")\n" },
	{ WIRE("H283 SEARCH RETURN (SAVE) SINCE 28-Oct-2006\r\n"),
	  "DONE H283 SEARCH return SAVE (since day 13449)\n" },
	{ WIRE("P282 SEARCH RETURN (SAVE) SINCE 1-Feb-1994\r\n"),
	  "DONE P282 SEARCH return SAVE (since day 8797)\n" },
	{ WIRE("Z432 LIST \"\" *\r\n"),
	  "DONE Z432 LIST \"\" \"*\"\n" },
	{ WIRE("Z433 RENAME INBOX old-mail\r\n"),
	  "DONE Z433 RENAME \"INBOX\" \"old-mail\"\n" },
	{ WIRE("Z434 LIST \"\" *\r\n"),
	  "DONE Z434 LIST \"\" \"*\"\n" },
	{ WIRE("a LOGIN \"fred\" \"foo\"\r\n"),
	  "DONE a LOGIN \"fred\" \"foo\"\n" },
	{ WIRE("a UID MOVE 42:69 foo\r\n"),
	  "DONE a UID MOVE 42:69 \"foo\"\n" },
	{ WIRE("a000 starttls\r\n"),
	  "DONE a000 STARTTLS\n" },
	{ WIRE("a001 CAPABILITY\r\n"),
	  "DONE a001 CAPABILITY\n" },
	{ WIRE("a001 LOGIN SMITH SESAME\r\n"),
	  "DONE a001 LOGIN \"SMITH\" \"SESAME\"\n" },
	{ WIRE("a002 NOOP\r\n"),
	  "DONE a002 NOOP\n" },
	{ WIRE("a002 STARTTLS\r\n"),
	  "DONE a002 STARTTLS\n" },
	{ WIRE("a002 select inbox\r\n"),
	  "DONE a002 SELECT \"INBOX\"\n" },
	{ WIRE("a003 CAPABILITY\r\n"),
	  "DONE a003 CAPABILITY\n" },
	{ WIRE("a003 fetch 12 full\r\n"),
	  "DONE a003 FETCH 12 FLAGS INTERNALDATE RFC822.SIZE ENVELOPE "
		"BODY\n" },
	{ WIRE("a004 AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=\r\n"),
	  "DONE a004 AUTHENTICATE \"PLAIN\" \"dGVzdAB0ZXN0AHRlc3Q=\"\n" },
	{ WIRE("a004 fetch 12 body[header]\r\n"),
	  "DONE a004 FETCH 12 BODY[HEADER]\n" },
	{ WIRE("a005 store 12 +flags \\deleted\r\n"),
	  "DONE a005 STORE 12 + (\\Deleted)\n" },
	{ WIRE("a006 logout\r\n"),
	  "DONE a006 LOGOUT\n" },
	{ WIRE("a047 NOOP\r\n"),
	  "DONE a047 NOOP\n" },
	{ WIRE("a1 ENABLE CONDSTORE\r\n"),
	  "DONE a1 ENABLE \"CONDSTORE\"\n" },
	{ WIRE("a1 LIST \"\" (\"foo\")\r\n"),
	  "DONE a1 LIST extended \"\" \"foo\"\n" },
	{ WIRE("a1 LIST (REMOTE) \"\" *\r\n"),
	  "DONE a1 LIST extended select REMOTE \"\" \"*\"\n" },
	{ WIRE("a2 LIST () \"\" %\r\n"),
	  "DONE a2 LIST extended \"\" \"%\"\n" },
	{ WIRE("a2 LIST (SUBSCRIBED) \"\" \"foo/*\"\r\n"),
	  "DONE a2 LIST extended select SUBSCRIBED \"\" \"foo/*\"\n" },
	{ WIRE("a3 LIST (REMOTE) \"\" %\r\n"),
	  "DONE a3 LIST extended select REMOTE \"\" \"%\"\n" },
	{ WIRE("a3 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" foo RETURN "
		"(CHILDREN)\r\n"),
	  "DONE a3 LIST extended select SUBSCRIBED RECURSIVEMATCH \"\" "
		"\"foo\" return CHILDREN\n" },
	{ WIRE("a3.1 LIST \"\" (% music/rock)\r\n"),
	  "DONE a3.1 LIST extended \"\" \"%\" \"music/rock\"\n" },
	{ WIRE("a441 CAPABILITY\r\n"),
	  "DONE a441 CAPABILITY\n" },
	{ WIRE("abcd CAPABILITY\r\n"),
	  "DONE abcd CAPABILITY\n" },
	{ WIRE("b LOGIN \"fred\" \"foo\"\r\n"),
	  "DONE b LOGIN \"fred\" \"foo\"\n" },
	{ WIRE("babc ENABLE IMAP4rev2\r\n"),
	  "DONE babc ENABLE \"IMAP4rev2\"\n" },
	{ WIRE("c1 AUTHENTICATE PLAIN\r\n"),
	  "DONE c1 AUTHENTICATE \"PLAIN\"\n" },
	{ WIRE("c2 AUTHENTICATE PLAIN\r\n"),
	  "DONE c2 AUTHENTICATE \"PLAIN\"\n" },
	{ WIRE("d login \"fred\" \"foo\"\r\n"),
	  "DONE d LOGIN \"fred\" \"foo\"\n" },
	{ WIRE("d select inbox\r\n"),
	  "DONE d SELECT \"INBOX\"\n" },
	{ WIRE("e login \"fred\" \"foo\"\r\n"),
	  "DONE e LOGIN \"fred\" \"foo\"\n" },
	{ WIRE("efgh STARTTLS\r\n"),
	  "DONE efgh STARTTLS\n" },
	{ WIRE("f select \"/archive/projects/experiment-iv\"\r\n"),
	  "DONE f SELECT \"/archive/projects/experiment-iv\"\n" },
	{ WIRE("g delete \"/archive/projects/experiment-iv\"\r\n"),
	  "DONE g DELETE \"/archive/projects/experiment-iv\"\n" },
	{ WIRE("h search from maria@example.com\r\n"),
	  "DONE h SEARCH (from \"maria@example.com\")\n" },
	{ WIRE("i select \"/archive/projects/experiment-iv\"\r\n"),
	  "DONE i SELECT \"/archive/projects/experiment-iv\"\n" },
	{ WIRE("ijkl CAPABILITY\r\n"),
	  "DONE ijkl CAPABILITY\n" },
	{ WIRE("j select \"/archive/projects/experiment-iv\"\r\n"),
	  "DONE j SELECT \"/archive/projects/experiment-iv\"\n" },
	{ WIRE("k1 select \"/archive/projects/experiment-iv\"\r\n"),
	  "DONE k1 SELECT \"/archive/projects/experiment-iv\"\n" },
	{ WIRE("k2 status \"/archive/projects/experiment-iv\" (messages)\r\n"),
	  "DONE k2 STATUS \"/archive/projects/experiment-iv\" status "
		"MESSAGES\n" },
	{ WIRE("l create \"///////\"\r\n"),
	  "DONE l CREATE \"///////\"\n" },
	{ WIRE("m STORE 42 FLAGS f1 f2 f3 f4 f5 ... f250\r\n"),
	  "DONE m STORE 42 = (f1 f2 f3 f4 f5 ... f250)\n" },
	{ WIRE("m356 DELETE Notes\r\n"),
	  "DONE m356 DELETE \"Notes\"\n" },
	{ WIRE("n1 uid copy 1:* oldmail\r\n"),
	  "DONE n1 UID COPY 1:* \"oldmail\"\n" },
	{ WIRE("n2 uid copy 1:* oldmail\r\n"),
	  "DONE n2 UID COPY 1:* \"oldmail\"\n" },
	{ WIRE("o356 RENAME this that\r\n"),
	  "DONE o356 RENAME \"this\" \"that\"\n" },
	{ WIRE("p RENAME this that\r\n"),
	  "DONE p RENAME \"this\" \"that\"\n" },
	{ WIRE("t1 CAPABILITY\r\n"),
	  "DONE t1 CAPABILITY\n" },
	{ WIRE("t2 ENABLE CONDSTORE X-GOOD-IDEA\r\n"),
	  "DONE t2 ENABLE \"CONDSTORE\" \"X-GOOD-IDEA\"\n" },
	{ WIRE("t3 CAPABILITY\r\n"),
	  "DONE t3 CAPABILITY\n" },
	/* RFC 3501 */
	{ WIRE("A003 LSUB \"#news.\" \"comp.%\"\r\n"),
	  "DONE A003 LSUB \"#news.\" \"comp.%\"\n" },
	{ WIRE("A283 SEARCH TEXT \"string not in mailbox\"\r\n"),
	  "DONE A283 SEARCH (text \"string not in mailbox\")\n" },
	{ WIRE("a001 login mrc secret\r\n"),
	  "DONE a001 LOGIN \"mrc\" \"secret\"\n" },
	{ WIRE("a004 LOGIN joe password\r\n"),
	  "DONE a004 LOGIN \"joe\" \"password\"\n" },
	/* RFC 7162 */
	{ WIRE("A042 STATUS blurdybloop (UIDNEXT MESSAGES HIGHESTMODSEQ)\r\n"),
	  "DONE A042 STATUS \"blurdybloop\" status MESSAGES UIDNEXT "
		"HIGHESTMODSEQ\n" },
	{ WIRE("A142 SELECT INBOX (CONDSTORE)\r\n"),
	  "DONE A142 SELECT \"INBOX\" condstore\n" },
	{ WIRE("A150 STORE 1:2 (UNCHANGEDSINCE 96) +FLAGS.SILENT \\Seen\r\n"),
	  "DONE A150 STORE 1:2 unchangedsince 96 + silent (\\Seen)\n" },
	{ WIRE("A151 STORE 3 +FLAGS.SILENT \\Seen\r\n"),
	  "DONE A151 STORE 3 + silent (\\Seen)\n" },
	{ WIRE("A152 NOOP\r\n"),
	  "DONE A152 NOOP\n" },
	{ WIRE("A160 STORE 7 +FLAGS.SILENT (\\Deleted)\r\n"),
	  "DONE A160 STORE 7 + silent (\\Deleted)\n" },
	{ WIRE("A210 EXPUNGE\r\n"),
	  "DONE A210 EXPUNGE\n" },
	{ WIRE("A240 STORE 7 +FLAGS.SILENT (\\Seen)\r\n"),
	  "DONE A240 STORE 7 + silent (\\Seen)\n" },
	{ WIRE("A330 STORE 7 -FLAGS.SILENT (\\Answered \\Seen)\r\n"),
	  "DONE A330 STORE 7 - silent (\\Answered \\Seen)\n" },
	{ WIRE("B001 STORE 1:7 (UNCHANGEDSINCE 320172338) +FLAGS "
		"(\\SEEN)\r\n"),
	  "DONE B001 STORE 1:7 unchangedsince 320172338 + (\\Seen)\n" },
	{ WIRE("B002 NOOP\r\n"),
	  "DONE B002 NOOP\n" },
	{ WIRE("C180 NOOP\r\n"),
	  "DONE C180 NOOP\n" },
	{ WIRE("C270 NOOP\r\n"),
	  "DONE C270 NOOP\n" },
	{ WIRE("C360 NOOP\r\n"),
	  "DONE C360 NOOP\n" },
	{ WIRE("D210 NOOP\r\n"),
	  "DONE D210 NOOP\n" },
	{ WIRE("D300 NOOP\r\n"),
	  "DONE D300 NOOP\n" },
	{ WIRE("D390 NOOP\r\n"),
	  "DONE D390 NOOP\n" },
	{ WIRE("a FETCH 1:3 (MODSEQ)\r\n"),
	  "DONE a FETCH 1:3 MODSEQ\n" },
	{ WIRE("a SEARCH MODSEQ \"/flags/\\\\draft\" all 620162338\r\n"),
	  "DONE a SEARCH (modseq 620162338)\n" },
	{ WIRE("a SEARCH RETURN (ALL) MODSEQ 1234\r\n"),
	  "DONE a SEARCH return ALL (modseq 1234)\n" },
	{ WIRE("a SORT RETURN (ALL) (DATE) UTF-8 MODSEQ 1234\r\n"),
	  "BAD a Unknown command\n" },
	{ WIRE("a107 NOOP\r\n"),
	  "DONE a107 NOOP\n" },
	{ WIRE("b003 STORE 2 (UNCHANGEDSINCE 320172340) +FLAGS (\\Seen)\r\n"),
	  "DONE b003 STORE 2 unchangedsince 320172340 + (\\Seen)\n" },
	{ WIRE("b107 NOOP\r\n"),
	  "DONE b107 NOOP\n" },
	{ WIRE("s100 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12345)\r\n"),
	  "DONE s100 UID FETCH 1:* FLAGS changedsince 12345\n" },
	{ WIRE("s100 UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345)\r\n"),
	  "DONE s100 UID FETCH 300:500 FLAGS changedsince 12345\n" },
	{ WIRE("s101 UID SEARCH 300:500\r\n"),
	  "DONE s101 UID SEARCH (seqs 300:500)\n" },
	{ WIRE("t SEARCH OR NOT MODSEQ 720162338 LARGER 50000\r\n"),
	  "DONE t SEARCH (or (not (modseq 720162338)) (larger 50000))\n" },
	/* RFC 4314 */
	{ WIRE("A002 SETACL INBOX/Drafts Chris +cda\r\n"),
	  "DONE A002 SETACL \"INBOX/Drafts\" \"Chris\" +\"cda\"\n" },
	{ WIRE("A002 getAcl INBOX/Drafts\r\n"),
	  "DONE A002 GETACL \"INBOX/Drafts\"\n" },
	{ WIRE("A003 GETACL INBOX/Drafts\r\n"),
	  "DONE A003 GETACL \"INBOX/Drafts\"\n" },
	{ WIRE("A004 FETCH 1:3 (FLAGS)\r\n"),
	  "DONE A004 FETCH 1:3 FLAGS\n" },
	{ WIRE("A005 COPY 1:3 TargetMailbox\r\n"),
	  "DONE A005 COPY 1:3 \"TargetMailbox\"\n" },
	{ WIRE("A006 SELECT TargetMailbox\r\n"),
	  "DONE A006 SELECT \"TargetMailbox\"\n" },
	{ WIRE("A007 FETCH 77:79 (FLAGS)\r\n"),
	  "DONE A007 FETCH 77:79 FLAGS\n" },
	{ WIRE("A035 SETACL INBOX/Drafts John lrQswicda\r\n"),
	  "DONE A035 SETACL \"INBOX/Drafts\" \"John\" \"lrQswicda\"\n" },
	{ WIRE("A036 SETACL INBOX/Drafts John lrqswicda\r\n"),
	  "DONE A036 SETACL \"INBOX/Drafts\" \"John\" \"lrqswicda\"\n" },
	{ WIRE("A143 MYRIGHTS INBOX\r\n"),
	  "DONE A143 MYRIGHTS \"INBOX\"\n" },
	{ WIRE("A777 LIST \"\" *\r\n"),
	  "DONE A777 LIST \"\" \"*\"\n" },
	{ WIRE("B002 DeleteAcl INBOX Fred\r\n"),
	  "DONE B002 DELETEACL \"INBOX\" \"Fred\"\n" },
	{ WIRE("B003 GETACL INBOX\r\n"),
	  "DONE B003 GETACL \"INBOX\"\n" },
	/* RFC 5258 */
	{ WIRE("BBB LIST \"\" (\"INBOX\" \"Drafts\" \"Sent/%\")\r\n"),
	  "DONE BBB LIST extended \"\" \"INBOX\" \"Drafts\" "
		"\"Sent/%\"\n" },
	{ WIRE("C04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\" RETURN "
		"(CHILDREN)\r\n"),
	  "DONE C04 LIST extended select SUBSCRIBED RECURSIVEMATCH "
		"\"\" \"%\" return CHILDREN\n" },
	{ WIRE("a1 LIST \"\" (\"foo\" \"foo/*\")\r\n"),
	  "DONE a1 LIST extended \"\" \"foo\" \"foo/*\"\n" },
	/* RFC 6154 */
	{ WIRE("t1 LIST \"\" \"%\"\r\n"),
	  "DONE t1 LIST \"\" \"%\"\n" },
	{ WIRE("t1 LIST \"\" \"%\" RETURN (SPECIAL-USE)\r\n"),
	  "DONE t1 LIST extended \"\" \"%\" return SPECIAL-USE\n" },
	{ WIRE("t2 CREATE MySpecial (USE (\\Drafts \\Sent))\r\n"),
	  "DONE t2 CREATE \"MySpecial\" \\Drafts \\Sent\n" },
	{ WIRE("t2 GETMETADATA \"MyDrafts\" /private/specialuse\r\n"),
	  "BAD t2 Unknown command\n" },
	{ WIRE("t2 LIST \"\" \"%\" RETURN (SPECIAL-USE)\r\n"),
	  "DONE t2 LIST extended \"\" \"%\" return SPECIAL-USE\n" },
	{ WIRE("t3 CREATE Everything (USE (\\All))\r\n"),
	  "DONE t3 CREATE \"Everything\" \\All\n" },
	{ WIRE("t3 LIST (SPECIAL-USE) \"\" \"*\"\r\n"),
	  "DONE t3 LIST extended select SPECIAL-USE \"\" \"*\"\n" },
	{ WIRE("t3 SETMETADATA \"SavedDrafts\" (/private/specialuse "
		"\"\\\\Drafts\")\r\n"),
	  "BAD t3 Unknown command\n" },
	{ WIRE("t4 SETMETADATA \"SentMail\" (/private/specialuse NIL)\r\n"),
	  "BAD t4 Unknown command\n" },
	{ WIRE("t5 LIST \"\" \"%\" RETURN (SPECIAL-USE)\r\n"),
	  "DONE t5 LIST extended \"\" \"%\" return SPECIAL-USE\n" },
	/* RFC 5182 */
	{ WIRE("A283 FETCH $ (UID INTERNALDATE FLAGS RFC822.HEADER)\r\n"),
	  "DONE A283 FETCH $ UID INTERNALDATE FLAGS RFC822.HEADER\n" },
	/* RFC 7889 */
	{ WIRE("t1 LIST \"\" % RETURN (STATUS (APPENDLIMIT))\r\n"),
	  "DONE t1 LIST extended \"\" \"%\" return STATUS status "
		"APPENDLIMIT\n" },
	{ WIRE("t1 STATUS INBOX (APPENDLIMIT)\r\n"),
	  "DONE t1 STATUS \"INBOX\" status APPENDLIMIT\n" },
	/* RFC 7888 */
	{ WIRE("A001 LOGIN \"FRED FOOBAR\" \"fat man\"\r\n"),
	  "DONE A001 LOGIN \"FRED FOOBAR\" \"fat man\"\n" },
	/* RFC 8474 */
	{ WIRE("10 status bar (mailboxid)\r\n"),
	  "DONE 10 STATUS \"bar\" status MAILBOXID\n" },
	{ WIRE("11 list \"\" \"*\" return (status (mailboxid))\r\n"),
	  "DONE 11 LIST extended \"\" \"*\" return STATUS status "
		"MAILBOXID\n" },
	{ WIRE("22 fetch 1:* (emailid threadid)\r\n"),
	  "DONE 22 FETCH 1:* EMAILID THREADID\n" },
	{ WIRE("23 move 2 foo\r\n"),
	  "DONE 23 MOVE 2 \"foo\"\n" },
	{ WIRE("24 fetch 1:* (emailid threadid)\r\n"),
	  "DONE 24 FETCH 1:* EMAILID THREADID\n" },
	{ WIRE("25 select \"foo\"\r\n"),
	  "DONE 25 SELECT \"foo\"\n" },
	{ WIRE("26 fetch 1:* (emailid threadid)\r\n"),
	  "DONE 26 FETCH 1:* EMAILID THREADID\n" },
	{ WIRE("27 search emailid M6d99ac3275bb4e\r\n"),
	  "DONE 27 SEARCH (emailid \"M6d99ac3275bb4e\")\n" },
	{ WIRE("27 select \"foo\"\r\n"),
	  "DONE 27 SELECT \"foo\"\n" },
	{ WIRE("28 search threadid T64b478a75b7ea9\r\n"),
	  "DONE 28 SEARCH (false)\n" },
	{ WIRE("3 create foo\r\n"),
	  "DONE 3 CREATE \"foo\"\n" },
	{ WIRE("4 create bar\r\n"),
	  "DONE 4 CREATE \"bar\"\n" },
	{ WIRE("5 create foo\r\n"),
	  "DONE 5 CREATE \"foo\"\n" },
	{ WIRE("6 status foo (mailboxid)\r\n"),
	  "DONE 6 STATUS \"foo\" status MAILBOXID\n" },
	{ WIRE("7 status bar (mailboxid)\r\n"),
	  "DONE 7 STATUS \"bar\" status MAILBOXID\n" },
	{ WIRE("8 rename foo renamed\r\n"),
	  "DONE 8 RENAME \"foo\" \"renamed\"\n" },
	{ WIRE("9 status renamed (mailboxid)\r\n"),
	  "DONE 9 STATUS \"renamed\" status MAILBOXID\n" },
	/* RFC 8438 */
	{ WIRE("A01 STATUS frop (MESSAGES SIZE UIDNEXT)\r\n"),
	  "DONE A01 STATUS \"frop\" status MESSAGES UIDNEXT SIZE\n" },
	{ WIRE("A02 SELECT \"frop\"\r\n"),
	  "DONE A02 SELECT \"frop\"\n" },
	{ WIRE("A03 FETCH 1:* (RFC822.SIZE)\r\n"),
	  "DONE A03 FETCH 1:* RFC822.SIZE\n" },
	{ WIRE("A04 LIST \"\" % RETURN (STATUS (MESSAGES SIZE))\r\n"),
	  "DONE A04 LIST extended \"\" \"%\" return STATUS status "
		"MESSAGES SIZE\n" },
	/* RFC 2342 */
	{ WIRE("A002 CREATE \"Sent Mail\"\r\n"),
	  "DONE A002 CREATE \"Sent Mail\"\n" },
	{ WIRE("A003 CREATE \"Delete Items\"\r\n"),
	  "DONE A003 CREATE \"Delete Items\"\n" },
	{ WIRE("A004 CREATE \"#mh/Deleted Items\"\r\n"),
	  "DONE A004 CREATE \"#mh/Deleted Items\"\n" },
	/* RFC 4959 */
	{ WIRE("A01 AUTHENTICATE EXTERNAL\r\n"),
	  "DONE A01 AUTHENTICATE \"EXTERNAL\"\n" },
	{ WIRE("A01 AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=\r\n"),
	  "DONE A01 AUTHENTICATE \"PLAIN\" \"dGVzdAB0ZXN0AHRlc3Q=\"\n" },
	/* RFC 5530 */
	{ WIRE("h search from fred@example.com\r\n"),
	  "DONE h SEARCH (from \"fred@example.com\")\n" },
	{ WIRE("o RENAME this that\r\n"),
	  "DONE o RENAME \"this\" \"that\"\n" },
	/* RFC 5032 */
	{ WIRE("a1 SEARCH UNSEEN YOUNGER 259200\r\n"),
	  "DONE a1 SEARCH (and (flag !\\Seen) (younger 259200))\n" },
	/* RFC 4466 */
	{ WIRE("a SELECT INBOX (ANNOTATE)\r\n"),
	  "BAD a Unknown parameter\n" },
	{ WIRE("a SELECT INBOX (BLURDYBLOOP)\r\n"),
	  "BAD a Unknown parameter\n" },
	/* RFC 3501 */
	{ WIRE("A001 LOGIN {11}\r\nFRED FOOBAR {7}\r\nfat man\r\n"),
	  "LITERAL 11\nLITERAL 7\nDONE A001 LOGIN \"FRED FOOBAR\" "
		"\"fat man\"\n" },
	/* RFC 7888 */
	{ WIRE("A001 LOGIN {11+}\r\nFRED FOOBAR {7+}\r\nfat man\r\n"),
	  "DONE A001 LOGIN \"FRED FOOBAR\" \"fat man\"\n" },
	/* RFC 3501 */
	{ WIRE("A044 BLURDYBLOOP {102856}\r\n"),
	  "BAD A044 Unknown command\n" },
	{ WIRE("A003 APPEND saved-messages (\\Seen) {12}\r\nSubject: "
		"hi\n\r\n"),
	  "MESSAGE 12\nbody \"Subject: hi\\0a\"\nDONE A003 APPEND "
		"\"saved-messages\" (\\Seen) {12} x1\n" },
	/* RFC 9051 */
	{ WIRE("A003 APPEND saved-messages (\\Seen) {12+}\r\nSubject: "
		"hi\n\r\n"),
	  "MESSAGE 12+\nbody \"Subject: hi\\0a\"\nDONE A003 APPEND "
		"\"saved-messages\" (\\Seen) {12} x1\n" },
	/* RFC 3501 */
	{ WIRE("A284 SEARCH CHARSET UTF-8 TEXT {6}\r\nXXXXXX\r\n"),
	  "LITERAL 6\nDONE A284 SEARCH (text \"XXXXXX\")\n" },
	/* RFC 9051 */
	{ WIRE("A285 SEARCH CHARSET UTF-8 TEXT {12}\r\n\320\276\321\202\320"
		"\277\321\203\321\201\320\272\r\n"),
	  "LITERAL 12\nDONE A285 SEARCH (text "
		"\"\\d0\\be\\d1\\82\\d0\\bf\\d1\\83\\d1\\81\\d0\\ba\")\n" },
	{ WIRE("P283 SEARCH CHARSET UTF-8 (OR $ 1,3000:3021) TEXT "
		"{8+}\r\n\320\274\320\260\321\202\321\214\r\n"),
	  "DONE P283 SEARCH (and (or (seqs $) (seqs 1,3000:3021)) "
		"(text \"\\d0\\bc\\d0\\b0\\d1\\82\\d1\\8c\"))\n" },
	/* RFC 5182 */
	{ WIRE("B283 SEARCH RETURN (SAVE) CHARSET KOI8-R (OR $ 1,3000:3021) "
		"TEXT {4}\r\n\315\301\324\330\r\n"),
	  "LITERAL 4\nDONE B283 SEARCH return SAVE (and (or (seqs $) "
		"(seqs 1,3000:3021)) (text \"\\d0\\bc\\d0\\b0\\d1\\82\\d1\\8c"
		"\"))\n" },
	/* RFC 9051 */
	{ WIRE("C285 SEARCH RETURN (MAX SAVE MIN) SINCE 12-Feb-2006\r\n"),
	  "DONE C285 SEARCH return MIN MAX SAVE (since day 13191)\n" },
	{ WIRE("C286 SEARCH RETURN (MAX SAVE MIN COUNT) SINCE "
		"12-Feb-2006\r\n"),
	  "DONE C286 SEARCH return MIN MAX COUNT SAVE (since day "
		"13191)\n" },
	{ WIRE("A02 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" % RETURN (STATUS "
		"(MESSAGES))\r\n"),
	  "DONE A02 LIST extended select SUBSCRIBED RECURSIVEMATCH "
		"\"\" \"%\" return STATUS status MESSAGES\n" },
	/* RFC 5819 */
	{ WIRE("A02 LIST (SUBSCRIBED RECURSIVEMATCH)\"\" % RETURN (STATUS "
		"(MESSAGES))\r\n"),
	  "BAD A02 Space expected\n" },
	/* RFC 9051 */
	{ WIRE("C04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\" RETURN "
		"(CHILDREN)\r\n"),
	  "DONE C04 LIST extended select SUBSCRIBED RECURSIVEMATCH "
		"\"\" \"%\" return CHILDREN\n" },
	{ WIRE("A002 IDLE\r\nDONE\r\n"),
	  "DONE A002 IDLE\nLINE \"DONE\"\n" },
	{ WIRE("A001 AUTHENTICATE GSSAPI\r\nYIIB+wYJKoZIhvcSAQ==\r\n"),
	  "DONE A001 AUTHENTICATE \"GSSAPI\"\nLINE "
		"\"YIIB+wYJKoZIhvcSAQ==\"\n" },
	/* RFC 4959 */
	{ WIRE("A01 AUTHENTICATE EXTERNAL =\r\n\r\n"),
	  "DONE A01 AUTHENTICATE \"EXTERNAL\" \"=\"\nLINE \"\"\n" },
	{ WIRE("A01 AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=\r\n*\r\n"),
	  "DONE A01 AUTHENTICATE \"PLAIN\" "
		"\"dGVzdAB0ZXN0AHRlc3Q=\"\nLINE \"*\"\n" },
	/* RFC 7162 */
	{ WIRE("A142 SELECT INBOX (QRESYNC (3857529045 20010715194032001 "
		"1:198))\r\n"),
	  "DONE A142 SELECT \"INBOX\" qresync 3857529045 "
		"20010715194032001 1:198\n" },
	{ WIRE("A02 SELECT INBOX (QRESYNC (67890007 20050715194045000 "
		"41,43:211,214:541))\r\n"),
	  "DONE A02 SELECT \"INBOX\" qresync 67890007 "
		"20050715194045000 41,43:211,214:541\n" },
	{ WIRE("A03 SELECT INBOX (QRESYNC (67890007 90060115194045000 "
		"41:211,214:541))\r\n"),
	  "DONE A03 SELECT \"INBOX\" qresync 67890007 "
		"90060115194045000 41:211,214:541\n" },
	{ WIRE("B04 SELECT INBOX (QRESYNC (67890007 90060115194045000 "
		"1:29997 (5000,7500,9000,9990:9999 "
		"15000,22500,27000,29970,29973,29976,29979,29982,29985,29988,"
		"29991,29994,29997)))\r\n"),
	  "DONE B04 SELECT \"INBOX\" qresync 67890007 "
		"90060115194045000 1:29997 match 5000,7500,9000,9990:9999 "
		"15000,22500,27000,29970,29973,29976,29979,29982,29985,29988,"
		"29991,29994,29997\n" },
	{ WIRE("A04 SELECT INBOX (QRESYNC (67890007 90060115194045000 "
		"41:211,214:541 (1:3 41:43)))\r\n"),
	  "DONE A04 SELECT \"INBOX\" qresync 67890007 "
		"90060115194045000 41:211,214:541 match 1:3 41:43\n" },
	{ WIRE("a103 UID STORE 6,4,8 (UNCHANGEDSINCE 12121230045) "
		"+FLAGS.SILENT (\\Deleted)\r\n"),
	  "DONE a103 UID STORE 6,4,8 unchangedsince 12121230045 + "
		"silent (\\Deleted)\n" },
	{ WIRE("a102 STORE 12 (UNCHANGEDSINCE 0) +FLAGS.SILENT "
		"($MDNSent)\r\n"),
	  "DONE a102 STORE 12 unchangedsince 0 + silent ($MDNSent)\n" },
	{ WIRE("a104 STORE * (UNCHANGEDSINCE 12121230045) +FLAGS.SILENT "
		"(\\Deleted $Processed)\r\n"),
	  "DONE a104 STORE * unchangedsince 12121230045 + silent "
		"(\\Deleted $Processed)\n" },
	{ WIRE("c101 STORE 50 (UNCHANGEDSINCE 12121230045) -FLAGS.SILENT "
		"(\\Deleted)\r\n"),
	  "DONE c101 STORE 50 unchangedsince 12121230045 - silent "
		"(\\Deleted)\n" },
	{ WIRE("s100 UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 "
		"VANISHED)\r\n"),
	  "DONE s100 UID FETCH 300:500 FLAGS changedsince 12345 "
		"vanished\n" },
	/* RFC 4731 */
	{ WIRE("a1 SEARCH RETURN (MIN) MODSEQ \"/flags/\\\\draft\" all "
		"620162338\r\n"),
	  "DONE a1 SEARCH return MIN (modseq 620162338)\n" },
	/* RFC 3502 */
	{ WIRE("A003 APPEND saved-messages (\\Seen) {5}\r\nfirst (\\Seen) "
		"\" 7-Feb-1994 22:43:04 -0800\" {6}\r\nsecond\r\n"),
	  "MESSAGE 5\nbody \"first\"\nMESSAGE 6\nbody \"second\"\nDONE "
		"A003 APPEND \"saved-messages\" (\\Seen) {5} (\\Seen) \" "
		"7-Feb-1994 22:43:04 -0800\" {6} x2\n" },
	/* RFC 3516 */
	{ WIRE("A1 APPEND INBOX ~{3}\r\n\000\001\002\r\n"),
	  "MESSAGE 3\nbody \"\\00\\01\\02\"\nDONE A1 APPEND \"INBOX\" "
		"() literal8 {3} x1\n" },
	{ WIRE("A2 FETCH 1 (BINARY[1.2] BINARY.PEEK[2]<0.1024> "
		"BINARY.SIZE[])\r\n"),
	  "DONE A2 FETCH 1 BINARY[1.2] peek BINARY[2]<0>+1024 "
		"BINARY.SIZE[]\n" },
	/* RFC 6855 */
	{ WIRE("C6 APPEND INBOX UTF8 (~{5+}\r\nhello)\r\n"),
	  "MESSAGE 5+\nbody \"hello\"\nDONE C6 APPEND \"INBOX\" () "
		"utf8 {5} x1\n" },
	/* RFC 8474 */
	{ WIRE("27 search emailid M6d99ac3275bb4e\r\n"),
	  "DONE 27 SEARCH (emailid \"M6d99ac3275bb4e\")\n" },
	/* RFC 2971 */
	{ WIRE("a023 ID (\"name\" \"sodr\" \"version\" \"19.34\" \"vendor\" "
		"\"Pink Floyd Music Limited\")\r\n"),
	  "DONE a023 ID \"name\"=\"sodr\" \"version\"=\"19.34\" "
		"\"vendor\"=\"Pink Floyd Music Limited\"\n" },
	{ WIRE("a042 ID NIL\r\n"),
	  "DONE a042 ID\n" },
	/* RFC 3691 */
	{ WIRE("A341 UNSELECT\r\n"),
	  "DONE A341 UNSELECT\n" },
	/* RFC 2177 */
	{ WIRE("A002 IDLE\r\nDONE\r\n"),
	  "DONE A002 IDLE\nLINE \"DONE\"\n" },
	/* clang-format on */
};

static const struct imap_parser_mode mode = { .authenticated = true };

static void expect(struct buf *seen, size_t row, const char *how)
{
	cr_assert(
		slice_eq(buf_slice(seen), slice_str(examples[row].transcript)),
		"%s %s\n%sinstead of\n%s", how, examples[row].wire,
		buf_cstr(seen), examples[row].transcript);
	buf_clear(seen);
}

Test(rfc_examples, give_the_same_command_in_any_split)
{
	struct buf seen = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
		struct slice input =
			slice_of(examples[i].wire, examples[i].len);

		transcript_run(&mode, input, input.len, &seen);
		expect(&seen, i, "whole");
		transcript_run(&mode, input, 1, &seen);
		expect(&seen, i, "octet by octet");
		transcript_run_random(&mode, input, i, &seen);
		expect(&seen, i, "in random pieces");
	}
	buf_fini(&seen);
}

/* All of them in one stream: nothing of a command is left for the next one. */
Test(rfc_examples, follow_each_other_in_one_stream)
{
	struct buf input = { 0 };
	struct buf wanted = { 0 };
	struct buf seen = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
		/* These two wait for a line behind them. */
		if (strstr(examples[i].transcript, " AUTHENTICATE ") != NULL ||
		    strstr(examples[i].transcript, " IDLE\n") != NULL)
			continue;
		buf_add(&input, examples[i].wire, examples[i].len);
		buf_add_str(&wanted, examples[i].transcript);
	}
	transcript_run(&mode, buf_slice(&input), 1000, &seen);
	cr_assert(slice_eq(buf_slice(&seen), buf_slice(&wanted)));
	buf_fini(&input);
	buf_fini(&wanted);
	buf_fini(&seen);
}
