/*
 * FETCH: RFC 9051 section 6.4.5, RFC 3501 (RFC822.*), RFC 3516 (BINARY), RFC
 * 8474 (OBJECTID).
 */
#include <criterion/criterion.h>

#include "scene.h"

/* clang-format off */

/* ---- items of the row ---- */

Test(session_fetch, macros)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: A001 FETCH 1 FAST\n"
	"S: * 1 FETCH (FLAGS () INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" "
	    "RFC822.SIZE 353)\n"
	"S: A001 OK FETCH completed\n"
	"C: A002 FETCH 1 ALL\n"
	"S: * 1 FETCH (FLAGS () INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" "
	    "RFC822.SIZE 353 ENVELOPE (\"Wed, 17 Jul 1996 02:23:25 -0700 "
	    "(PDT)\" \"IMAP4rev2 WG mtg summary and minutes\" ((\"Terry "
	    "Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" "
	    "NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL "
	    "\"gray\" \"cac.washington.edu\")) ((NIL NIL \"imap\" "
	    "\"cac.washington.edu\")) ((NIL NIL \"minutes\" "
	    "\"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" "
	    "\"MIT.EDU\")) NIL NIL \"<B27397-0100000@cac.washington.ed>\"))\n"
	"S: A002 OK FETCH completed\n"
	"C: A003 FETCH 1 FULL\n"
	"S: * 1 FETCH (FLAGS () INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" "
	    "RFC822.SIZE 353 ENVELOPE (\"Wed, 17 Jul 1996 02:23:25 -0700 "
	    "(PDT)\" \"IMAP4rev2 WG mtg summary and minutes\" ((\"Terry "
	    "Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" "
	    "NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL "
	    "\"gray\" \"cac.washington.edu\")) ((NIL NIL \"imap\" "
	    "\"cac.washington.edu\")) ((NIL NIL \"minutes\" "
	    "\"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" "
	    "\"MIT.EDU\")) NIL NIL \"<B27397-0100000@cac.washington.ed>\") "
	    "BODY (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL "
	    "\"7BIT\" 7 1))\n"
	"S: A003 OK FETCH completed\n");
}

Test(session_fetch, the_example_of_section_6_4_5)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: A654 FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])\n"
	"S: * 2 FETCH (FLAGS (\\Seen) BODY[HEADER.FIELDS (DATE FROM)] {26}\n"
	"S: From: jane@example.org\n"
	"S: \n"
	"S: )\n"
	"S: * 3 FETCH (FLAGS (\\Seen) BODY[HEADER.FIELDS (DATE FROM)] {2}\n"
	"S: \n"
	"S: )\n"
	"S: * 4 FETCH (FLAGS (\\Seen) BODY[HEADER.FIELDS (DATE FROM)] {2}\n"
	"S: \n"
	"S: )\n"
	"S: A654 OK FETCH completed\n"
	"C: A655 FETCH 2:4 (FLAGS)\n"
	"S: * 2 FETCH (FLAGS (\\Seen))\n"
	"S: * 3 FETCH (FLAGS (\\Seen))\n"
	"S: * 4 FETCH (FLAGS (\\Seen))\n"
	"S: A655 OK FETCH completed\n");
}

Test(session_fetch, ids)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: 5 FETCH 3:4 (EMAILID THREADID UID)\n"
	"S: * 3 FETCH (EMAILID (M281053b742eac0663cbfa051bdee11ec1ba15206) "
	    "THREADID NIL UID 3)\n"
	"S: * 4 FETCH (EMAILID (Me08866d2e545c6ee6e1b226a0c969567cb63aa97) "
	    "THREADID NIL UID 4)\n"
	"S: 5 OK FETCH completed\n"
	"C: 6 STATUS INBOX (MAILBOXID)\n"
	"S: * STATUS INBOX (MAILBOXID (F1))\n"
	"S: 6 OK STATUS completed\n"
	"C: 7 UID SEARCH EMAILID Mnothing\n"
	"S: * SEARCH\n"
	"S: 7 OK UID SEARCH completed\n");
}

Test(session_fetch, uid_fetch_always_has_the_uid)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: a UID FETCH 1:3,7 FLAGS\n"
	"S: * 1 FETCH (UID 1 FLAGS ())\n"
	"S: * 2 FETCH (UID 2 FLAGS ())\n"
	"S: * 3 FETCH (UID 3 FLAGS ())\n"
	"S: a OK UID FETCH completed\n"
	"C: b UID FETCH 2 (RFC822.SIZE UID)\n"
	"S: * 2 FETCH (RFC822.SIZE 261 UID 2)\n"
	"S: b OK UID FETCH completed\n"
	"C: c UID FETCH 8:9 FLAGS\n"
	"S: c OK UID FETCH completed\n"
	"C: d UID FETCH * UID\n"
	"S: * 4 FETCH (UID 4)\n"
	"S: d OK UID FETCH completed\n"
	"C: e UID FETCH 9:* UID\n"
	"S: * 4 FETCH (UID 4)\n"
	"S: e OK UID FETCH completed\n"
	"C: f FETCH 4:2 UID\n"
	"S: * 2 FETCH (UID 2)\n"
	"S: * 3 FETCH (UID 3)\n"
	"S: * 4 FETCH (UID 4)\n"
	"S: f OK FETCH completed\n"
	"C: g FETCH 5 UID\n"
	"S: g BAD no such message\n"
	"C: h FETCH 1:5 UID\n"
	"S: h BAD no such message\n");
}

Test(session_fetch, an_empty_mailbox)
{
	scene_play(scene_given_john,
	"# select Sent\n"
	"C: a UID FETCH 1:* FLAGS\n"
	"S: a OK UID FETCH completed\n"
	"C: b FETCH 1:* FLAGS\n"
	"S: b BAD no such message\n"
	"C: c FETCH * FLAGS\n"
	"S: c BAD no such message\n"
	"C: d SEARCH ALL\n"
	"S: * SEARCH\n"
	"S: d OK SEARCH completed\n"
	"C: e SEARCH 1:*\n"
	"S: e BAD no such message\n");
}

/* ---- structures ---- */

Test(session_fetch, envelope_and_structures)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: a FETCH 2 BODY\n"
	"S: * 2 FETCH (BODY ((\"text\" \"plain\" (\"charset\" \"us-ascii\") "
	    "NIL NIL \"7BIT\" 3 0)(\"image\" \"png\" NIL NIL NIL \"base64\" "
	    "8)(\"message\" \"rfc822\" NIL NIL NIL \"7BIT\" 22 (NIL "
	    "\"inner\" NIL NIL NIL NIL NIL NIL NIL NIL) (\"text\" \"plain\" "
	    "(\"charset\" \"us-ascii\") NIL NIL \"7BIT\" 4 0) 2) \"mixed\"))\n"
	"S: a OK FETCH completed\n"
	"C: b FETCH 2 (BODYSTRUCTURE ENVELOPE)\n"
	"S: * 2 FETCH (BODYSTRUCTURE ((\"text\" \"plain\" (\"charset\" "
	    "\"us-ascii\") NIL NIL \"7BIT\" 3 0 NIL NIL NIL NIL)(\"image\" "
	    "\"png\" NIL NIL NIL \"base64\" 8 NIL NIL NIL NIL)(\"message\" "
	    "\"rfc822\" NIL NIL NIL \"7BIT\" 22 (NIL \"inner\" NIL NIL NIL "
	    "NIL NIL NIL NIL NIL) (\"text\" \"plain\" (\"charset\" "
	    "\"us-ascii\") NIL NIL \"7BIT\" 4 0 NIL NIL NIL NIL) 2 NIL NIL "
	    "NIL NIL) \"mixed\" (\"boundary\" \"b\") NIL NIL NIL) ENVELOPE "
	    "(NIL \"parts\" ((NIL NIL \"jane\" \"example.org\")) ((NIL NIL "
	    "\"jane\" \"example.org\")) ((NIL NIL \"jane\" \"example.org\")) "
	    "NIL NIL NIL NIL NIL))\n"
	"S: b OK FETCH completed\n");
}

static void given_uncached(struct fake_store *store)
{
	scene_given_john(store);
	store->no_structures = true;
}

Test(session_fetch, structures_that_are_not_cached)
{
	scene_play(given_uncached,
	"# select INBOX\n"
	"C: a FETCH 2:3 (UID BODY FLAGS)\n"
	"S: * 2 FETCH (UID 2 BODY ((\"text\" \"plain\" (\"charset\" "
	    "\"us-ascii\") NIL NIL \"7BIT\" 3 0)(\"image\" \"png\" NIL NIL "
	    "NIL \"base64\" 8)(\"message\" \"rfc822\" NIL NIL NIL \"7BIT\" "
	    "22 (NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL NIL) (\"text\" "
	    "\"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7BIT\" 4 0) 2) "
	    "\"mixed\") FLAGS ())\n"
	"S: * 3 FETCH (UID 3 BODY (\"text\" \"plain\" (\"charset\" "
	    "\"us-ascii\") NIL NIL \"7BIT\" 3 1) FLAGS ())\n"
	"S: a OK FETCH completed\n"
	"C: b FETCH 3 BODY.PEEK[TEXT]\n"
	"S: * 3 FETCH (BODY[TEXT] {3}\n"
	"S: 3\n"
	"S: )\n"
	"S: b OK FETCH completed\n"
	"C: c FETCH 2 (BODY.PEEK[1] BODY.PEEK[2])\n"
	"S: * 2 FETCH (BODY[1] {3}\n"
	"S: one BODY[2] {8}\n"
	"S: YQBiYw==)\n"
	"S: c OK FETCH completed\n");
}

/* ---- sections of bodies ---- */

Test(session_fetch, sections)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: a FETCH 3 BODY.PEEK[]\n"
	"S: * 3 FETCH (BODY[] {21}\n"
	"S: Subject: three\n"
	"S: \n"
	"S: 3\n"
	"S: )\n"
	"S: a OK FETCH completed\n"
	"C: b FETCH 3 BODY.PEEK[HEADER]\n"
	"S: * 3 FETCH (BODY[HEADER] {18}\n"
	"S: Subject: three\n"
	"S: \n"
	"S: )\n"
	"S: b OK FETCH completed\n"
	"C: c FETCH 3 BODY.PEEK[TEXT]\n"
	"S: * 3 FETCH (BODY[TEXT] {3}\n"
	"S: 3\n"
	"S: )\n"
	"S: c OK FETCH completed\n"
	"C: d FETCH 3 BODY.PEEK[1]\n"
	"S: * 3 FETCH (BODY[1] {3}\n"
	"S: 3\n"
	"S: )\n"
	"S: d OK FETCH completed\n"
	"C: e FETCH 3 BODY.PEEK[1.MIME]\n"
	"S: * 3 FETCH (BODY[1.MIME] {18}\n"
	"S: Subject: three\n"
	"S: \n"
	"S: )\n"
	"S: e OK FETCH completed\n"
	"C: f FETCH 2 BODY.PEEK[1]\n"
	"S: * 2 FETCH (BODY[1] {3}\n"
	"S: one)\n"
	"S: f OK FETCH completed\n");
}

Test(session_fetch, sections_of_parts)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: g FETCH 2 BODY.PEEK[2.MIME]\n"
	"S: * 2 FETCH (BODY[2.MIME] {62}\n"
	"S: Content-Type: image/png\n"
	"S: Content-Transfer-Encoding: base64\n"
	"S: \n"
	"S: )\n"
	"S: g OK FETCH completed\n"
	"C: h FETCH 2 BODY.PEEK[3]\n"
	"S: * 2 FETCH (BODY[3] {22}\n"
	"S: Subject: inner\n"
	"S: \n"
	"S: deep)\n"
	"S: h OK FETCH completed\n"
	"C: i FETCH 2 BODY.PEEK[3.HEADER]\n"
	"S: * 2 FETCH (BODY[3.HEADER] {18}\n"
	"S: Subject: inner\n"
	"S: \n"
	"S: )\n"
	"S: i OK FETCH completed\n"
	"C: j FETCH 2 BODY.PEEK[3.TEXT]\n"
	"S: * 2 FETCH (BODY[3.TEXT] {4}\n"
	"S: deep)\n"
	"S: j OK FETCH completed\n"
	"C: k FETCH 2 BODY.PEEK[3.1]\n"
	"S: * 2 FETCH (BODY[3.1] {4}\n"
	"S: deep)\n"
	"S: k OK FETCH completed\n"
	"C: l FETCH 2 BODY.PEEK[3.HEADER.FIELDS (subject)]\n"
	"S: * 2 FETCH (BODY[3.HEADER.FIELDS (subject)] {18}\n"
	"S: Subject: inner\n"
	"S: \n"
	"S: )\n"
	"S: l OK FETCH completed\n"
	"C: m FETCH 2 (BODY.PEEK[4] BODY.PEEK[1.TEXT] BODY.PEEK[1.1] "
	    "BODY.PEEK[1.HEADER.FIELDS (X)])\n"
	"S: * 2 FETCH (BODY[4] NIL BODY[1.TEXT] NIL BODY[1.1] NIL "
	    "BODY[1.HEADER.FIELDS (X)] NIL)\n"
	"S: m OK FETCH completed\n"
	"C: n FETCH 2 BODY.PEEK[MIME]\n"
	"S: n BAD MIME without a part\n"
	"C: o FETCH 2 BODY.PEEK[0]\n"
	"S: o BAD Number out of range\n");
}

Test(session_fetch, header_fields)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: a FETCH 1 BODY.PEEK[HEADER.FIELDS (subject X-Nothing \"To\")]\n"
	"S: * 1 FETCH (BODY[HEADER.FIELDS (subject X-Nothing To)] {78}\n"
	"S: Subject: IMAP4rev2 WG mtg summary and minutes\n"
	"S: To: imap@cac.washington.edu\n"
	"S: \n"
	"S: )\n"
	"S: a OK FETCH completed\n"
	"C: b FETCH 1 BODY.PEEK[HEADER.FIELDS.NOT (date from to cc "
	    "message-id mime-version content-type)]\n"
	"S: * 1 FETCH (BODY[HEADER.FIELDS.NOT (date from to cc message-id "
	    "mime-version content-type)] {49}\n"
	"S: Subject: IMAP4rev2 WG mtg summary and minutes\n"
	"S: \n"
	"S: )\n"
	"S: b OK FETCH completed\n"
	"C: c FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]<9.4>\n"
	"S: * 1 FETCH (BODY[HEADER.FIELDS (SUBJECT)]<9> {4}\n"
	"S: IMAP)\n"
	"S: c OK FETCH completed\n"
	"C: d FETCH 1 BODY.PEEK[HEADER.FIELDS ({7}\n"
	"S: + OK\n"
	"C: Subject to)]\n"
	"S: * 1 FETCH (BODY[HEADER.FIELDS (Subject to)] {78}\n"
	"S: Subject: IMAP4rev2 WG mtg summary and minutes\n"
	"S: To: imap@cac.washington.edu\n"
	"S: \n"
	"S: )\n"
	"S: d OK FETCH completed\n"
	"C: e FETCH 1 BODY.PEEK[HEADER.FIELDS (X)]\n"
	"S: * 1 FETCH (BODY[HEADER.FIELDS (X)] {2}\n"
	"S: \n"
	"S: )\n"
	"S: e OK FETCH completed\n"
	"C: f FETCH 1 BODY.PEEK[HEADER.FIELDS ()]\n"
	"S: f BAD Missing argument\n");
}

Test(session_fetch, partials)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: a FETCH 3 BODY.PEEK[]<0.8>\n"
	"S: * 3 FETCH (BODY[]<0> {8}\n"
	"S: Subject:)\n"
	"S: a OK FETCH completed\n"
	"C: b FETCH 3 BODY.PEEK[]<9.1000>\n"
	"S: * 3 FETCH (BODY[]<9> {12}\n"
	"S: three\n"
	"S: \n"
	"S: 3\n"
	"S: )\n"
	"S: b OK FETCH completed\n"
	"C: c FETCH 3 BODY.PEEK[]<1000.10>\n"
	"S: * 3 FETCH (BODY[]<1000> {0}\n"
	"S: )\n"
	"S: c OK FETCH completed\n"
	"C: d FETCH 3 (BODY.PEEK[TEXT]<0.1> BODY.PEEK[HEADER]<0.7>)\n"
	"S: * 3 FETCH (BODY[TEXT]<0> {1}\n"
	"S: 3 BODY[HEADER]<0> {7}\n"
	"S: Subject)\n"
	"S: d OK FETCH completed\n"
	"C: e FETCH 3 BODY.PEEK[]<0.0>\n"
	"S: e BAD Number out of range\n"
	"C: f FETCH 3 BODY.PEEK[]<4294967295.4294967295>\n"
	"S: * 3 FETCH (BODY[]<4294967295> {0}\n"
	"S: )\n"
	"S: f OK FETCH completed\n"
	"C: g FETCH 3 BODY.PEEK[]\n"
	"S: * 3 FETCH (BODY[] {21}\n"
	"S: Subject: three\n"
	"S: \n"
	"S: 3\n"
	"S: )\n"
	"S: g OK FETCH completed\n");
}

Test(session_fetch, the_old_names)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: a FETCH 3 RFC822.HEADER\n"
	"S: * 3 FETCH (RFC822.HEADER {18}\n"
	"S: Subject: three\n"
	"S: \n"
	"S: )\n"
	"S: a OK FETCH completed\n"
	"C: b FETCH 3 RFC822.TEXT\n"
	"S: * 3 FETCH (RFC822.TEXT {3}\n"
	"S: 3\n"
	"S:  FLAGS (\\Seen))\n"
	"S: b OK FETCH completed\n"
	"C: c FETCH 4 (RFC822 FLAGS)\n"
	"S: * 4 FETCH (RFC822 {20}\n"
	"S: Subject: four\n"
	"S: \n"
	"S: 4\n"
	"S:  FLAGS (\\Seen))\n"
	"S: c OK FETCH completed\n");
}

/* ---- \Seen ---- */

Test(session_fetch, a_body_sets_seen)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: a FETCH 3 BODY.PEEK[TEXT]\n"
	"S: * 3 FETCH (BODY[TEXT] {3}\n"
	"S: 3\n"
	"S: )\n"
	"S: a OK FETCH completed\n"
	"C: b FETCH 3:4 BODY[TEXT]\n"
	"S: * 3 FETCH (BODY[TEXT] {3}\n"
	"S: 3\n"
	"S:  FLAGS (\\Seen))\n"
	"S: * 4 FETCH (BODY[TEXT] {3}\n"
	"S: 4\n"
	"S:  FLAGS (\\Seen))\n"
	"S: b OK FETCH completed\n"
	"C: c FETCH 3:4 BODY[TEXT]\n"
	"S: * 3 FETCH (BODY[TEXT] {3}\n"
	"S: 3\n"
	"S: )\n"
	"S: * 4 FETCH (BODY[TEXT] {3}\n"
	"S: 4\n"
	"S: )\n"
	"S: c OK FETCH completed\n"
	"C: d FETCH 1 (FLAGS BODY[TEXT])\n"
	"S: * 1 FETCH (FLAGS (\\Seen) BODY[TEXT] {7}\n"
	"S: Hello\n"
	"S: )\n"
	"S: d OK FETCH completed\n"
	"C: e NOOP\n"
	"S: e OK NOOP completed\n");
}

Test(session_fetch, seen_is_not_set_without_the_right)
{
	scene_play(scene_given_john,
	"# select Other Users/jane/Diary\n"
	"C: a FETCH 1 BODY[TEXT]\n"
	"S: * 1 FETCH (BODY[TEXT] {3}\n"
	"S: 4\n"
	"S: )\n"
	"S: a OK FETCH completed\n");
}

Test(session_fetch, seen_cannot_be_set_but_the_body_is_shown)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"# fail STORE UNAVAILABLE\n"
	"C: a FETCH 3 (UID BODY[TEXT])\n"
	"S: * 3 FETCH (UID 3 BODY[TEXT] {3}\n"
	"S: 3\n"
	"S: )\n"
	"S: a OK FETCH completed\n"
	"C: b FETCH 3 FLAGS\n"
	"S: * 3 FETCH (FLAGS ())\n"
	"S: b OK FETCH completed\n");
}

Test(session_fetch, seen_is_one_users)
{
	scene_play(scene_given_john,
	"# select Other Users/jane/Plans\n"
	"2# login jane\n"
	"2# select Plans\n"
	"C: a FETCH 1 BODY[TEXT]\n"
	"S: * 1 FETCH (BODY[TEXT] {3}\n"
	"S: 3\n"
	"S:  FLAGS (\\Seen))\n"
	"S: a OK FETCH completed\n"
	"2C: b FETCH 1 FLAGS\n"
	"2S: * 1 FETCH (FLAGS ())\n"
	"2S: * 1 FETCH (UID 1 FLAGS ())\n"
	"2S: b OK FETCH completed\n");
}

/* ---- what cannot be shown ---- */

static void given_damage(struct fake_store *store)
{
	scene_given_john(store);
	scene_mailbox(store, "INBOX")->messages[2].body->err = ERR_CORRUPT;
	scene_mailbox(store, "INBOX")->messages[3].body->err = ERR_IO;
}

Test(session_fetch, a_body_that_cannot_be_read)
{
	scene_play(given_damage,
	"# select INBOX\n"
	"C: a FETCH 1,3 (UID BODY.PEEK[TEXT])\n"
	"S: * 1 FETCH (UID 1 BODY[TEXT] {7}\n"
	"S: Hello\n"
	"S: )\n"
	"S: * 3 FETCH (UID 3 BODY[TEXT] NIL)\n"
	"S: a NO [CORRUPTION] data is damaged\n"
	"C: b FETCH 3 BODY.PEEK[HEADER.FIELDS (Subject)]\n"
	"S: * 3 FETCH (BODY[HEADER.FIELDS (Subject)] NIL)\n"
	"S: b NO [CORRUPTION] data is damaged\n"
	"C: c FETCH 3 (BINARY.PEEK[1] BINARY.SIZE[1])\n"
	"S: * 3 FETCH (BINARY[1] NIL BINARY.SIZE[1] 0)\n"
	"S: c NO [CORRUPTION] data is damaged\n"
	"C: d FETCH 4 BODY.PEEK[]\n"
	"S: * 4 FETCH (BODY[] NIL)\n"
	"S: d NO [UNAVAILABLE] service unavailable\n"
	"C: e FETCH 3 ENVELOPE\n"
	"S: * 3 FETCH (ENVELOPE (NIL \"three\" NIL NIL NIL NIL NIL NIL NIL "
	    "NIL))\n"
	"S: e OK FETCH completed\n");
}

static void given_damage_uncached(struct fake_store *store)
{
	given_damage(store);
	store->no_structures = true;
}

Test(session_fetch, a_structure_that_cannot_be_made)
{
	scene_play(given_damage_uncached,
	"# select INBOX\n"
	"C: a FETCH 1:4 (UID BODY)\n"
	"S: * 1 FETCH (UID 1 BODY (\"TEXT\" \"PLAIN\" (\"CHARSET\" "
	    "\"US-ASCII\") NIL NIL \"7BIT\" 7 1))\n"
	"S: * 2 FETCH (UID 2 BODY ((\"text\" \"plain\" (\"charset\" "
	    "\"us-ascii\") NIL NIL \"7BIT\" 3 0)(\"image\" \"png\" NIL NIL "
	    "NIL \"base64\" 8)(\"message\" \"rfc822\" NIL NIL NIL \"7BIT\" "
	    "22 (NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL NIL) (\"text\" "
	    "\"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7BIT\" 4 0) 2) "
	    "\"mixed\"))\n"
	"S: a NO [UNAVAILABLE] service unavailable\n"
	"C: b FETCH 3:4 (FLAGS BODY.PEEK[TEXT])\n"
	"S: b NO [UNAVAILABLE] service unavailable\n"
	"C: c FETCH 3:4 (FLAGS)\n"
	"S: * 3 FETCH (FLAGS ())\n"
	"S: * 4 FETCH (FLAGS ())\n"
	"S: c OK FETCH completed\n"
	"C: d NOOP\n"
	"S: d OK NOOP completed\n");
}

Test(session_fetch, rows_and_octets_cannot_be_read_for_now)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"# fail ROWS UNAVAILABLE\n"
	"C: a FETCH 1 FLAGS\n"
	"S: a NO [UNAVAILABLE] service unavailable\n"
	"# fail READ UNAVAILABLE\n"
	"C: b FETCH 3 BODY.PEEK[TEXT]\n"
	"S: * 3 FETCH (BODY[TEXT] NIL)\n"
	"S: b NO [UNAVAILABLE] service unavailable\n"
	"C: c FETCH 3 BODY.PEEK[TEXT]\n"
	"S: * 3 FETCH (BODY[TEXT] {3}\n"
	"S: 3\n"
	"S: )\n"
	"S: c OK FETCH completed\n");
}

/* ---- BINARY ---- */

Test(session_fetch, binary)
{
	scene_play(scene_given_john,
	"# select INBOX\n"
	"C: a FETCH 2 BINARY.PEEK[1]\n"
	"S: * 2 FETCH (BINARY[1] {3}\n"
	"S: one)\n"
	"S: a OK FETCH completed\n"
	"C: b FETCH 2 BINARY.SIZE[2]\n"
	"S: * 2 FETCH (BINARY.SIZE[2] 4)\n"
	"S: b OK FETCH completed\n"
	"C: c FETCH 2 BINARY.PEEK[2]<2.10>\n"
	"S: * 2 FETCH (BINARY[2]<2> ~{2}\n"
	"S: bc)\n"
	"S: c OK FETCH completed\n"
	"C: d FETCH 2 (BINARY.SIZE[1] BINARY.SIZE[9] BINARY.PEEK[9])\n"
	"S: * 2 FETCH (BINARY.SIZE[1] 3 BINARY.SIZE[9] 0 BINARY[9] NIL)\n"
	"S: d OK FETCH completed\n"
	"C: e FETCH 3 BINARY[1]\n"
	"S: * 3 FETCH (BINARY[1] {3}\n"
	"S: 3\n"
	"S:  FLAGS (\\Seen))\n"
	"S: e OK FETCH completed\n"
	"C: f FETCH 3 BINARY.PEEK[]\n"
	"S: * 3 FETCH (BINARY[] {21}\n"
	"S: Subject: three\n"
	"S: \n"
	"S: 3\n"
	"S: )\n"
	"S: f OK FETCH completed\n"
	"C: g FETCH 2 BINARY.PEEK[2]<9.10>\n"
	"S: * 2 FETCH (BINARY[2]<9> ~{0}\n"
	"S: )\n"
	"S: g OK FETCH completed\n");
}

static void given_unknown_encoding(struct fake_store *store)
{
	scene_given_john(store);
	fake_message_add(scene_mailbox(store, "INBOX"),
			 SLICE_LIT("Content-Transfer-Encoding: x-uue\r\n"
				   "\r\nbegin\r\n"));
}

Test(session_fetch, an_encoding_that_nobody_knows)
{
	scene_play(given_unknown_encoding,
	"# select INBOX\n"
	"C: a FETCH 5 BINARY.PEEK[1]\n"
	"S: * 5 FETCH (BINARY[1] NIL)\n"
	"S: a NO [UNKNOWN-CTE] unknown transfer encoding\n"
	"C: b FETCH 5 BINARY.SIZE[1]\n"
	"S: * 5 FETCH (BINARY.SIZE[1] 0)\n"
	"S: b NO [UNKNOWN-CTE] unknown transfer encoding\n"
	"C: c FETCH 5 BODY.PEEK[1]\n"
	"S: * 5 FETCH (BODY[1] {7}\n"
	"S: begin\n"
	"S: )\n"
	"S: c OK FETCH completed\n");
}

/* A literal8 with a NUL in it is not text: see test_session_append.c. */

