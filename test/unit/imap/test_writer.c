/*
 * What a server says, octet for octet.
 */
#include <criterion/criterion.h>

#include "base/attr.h"
#include "imap/command.h"
#include "imap/fetch_items.h"
#include "imap/object_id.h"
#include "imap/writer.h"

/* Compares what was written, and clears it. */
static void expect_octets(struct buf *out, struct slice wanted)
{
	cr_assert(slice_eq(buf_slice(out), wanted), "%s", buf_cstr(out));
	buf_clear(out);
}

static void expect(struct buf *out, const char *wanted)
{
	cr_assert_str_eq(buf_cstr(out), wanted);
	buf_clear(out);
}

static struct uidset uids_of(const char *text)
{
	struct uidset uids = { 0 };

	cr_assert_eq(uidset_parse(&uids, slice_str(text), 1000), ERR_NONE);
	return uids;
}

/* ---- strings ---- */

static const struct {
	const char *s;
	const char *ascii;  /* astring before UTF-8 is enabled */
	const char *utf8;   /* and after */
	const char *string; /* string before */
} strings[] = {
	{ "INBOX", "INBOX", "INBOX", "\"INBOX\"" },
	{ "", "\"\"", "\"\"", "\"\"" },
	{ "nil", "\"nil\"", "\"nil\"", "\"nil\"" },
	{ "NILE", "NILE", "NILE", "\"NILE\"" },
	{ "a]b}+", "a]b}+", "a]b}+", "\"a]b}+\"" },
	{ "a b", "\"a b\"", "\"a b\"", "\"a b\"" },
	{ "a\"b\\", "\"a\\\"b\\\\\"", "\"a\\\"b\\\\\"", "\"a\\\"b\\\\\"" },
	{ "50%", "\"50%\"", "\"50%\"", "\"50%\"" },
	{ "a\tb", "\"a\tb\"", "\"a\tb\"", "\"a\tb\"" },
	{ "a\r\nb", "{4}\r\na\r\nb", "{4}\r\na\r\nb", "{4}\r\na\r\nb" },
	{ "\xc3\xa4", "{2}\r\n\xc3\xa4", "\"\xc3\xa4\"", "{2}\r\n\xc3\xa4" },
	{ "\xc3", "{1}\r\n\xc3", "{1}\r\n\xc3", "{1}\r\n\xc3" },
};

Test(strings, take_the_shortest_form_that_they_can)
{
	struct buf out = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
		struct slice s = slice_str(strings[i].s);

		imap_write_astring(&out, false, s);
		expect(&out, strings[i].ascii);
		imap_write_astring(&out, true, s);
		expect(&out, strings[i].utf8);
		imap_write_string(&out, false, s);
		expect(&out, strings[i].string);
	}
	buf_fini(&out);
}

Test(strings, are_literals_when_they_are_long)
{
	char text[IMAP_QUOTED_MAX + 2];
	struct buf out = { 0 };

	memset(text, 'x', sizeof(text));
	imap_write_string(&out, false, slice_of(text, IMAP_QUOTED_MAX));
	cr_assert_eq(out.data[0], '"');
	buf_clear(&out);
	imap_write_string(&out, false, slice_of(text, IMAP_QUOTED_MAX + 1));
	cr_assert_eq(out.data[0], '{');
	buf_fini(&out);
}

Test(strings, never_hold_a_nul)
{
	struct buf out = { 0 };

	imap_write_string(&out, false, SLICE_LIT("a\0b"));
	expect_octets(&out, SLICE_LIT("\"ab\""));
	imap_write_string(&out, false, SLICE_LIT("a\0\r\n\0"));
	expect_octets(&out, SLICE_LIT("{3}\r\na\r\n"));
	imap_write_astring(&out, false, SLICE_LIT("a\0b"));
	expect_octets(&out, SLICE_LIT("\"ab\""));
	buf_fini(&out);
}

Test(strings, may_be_nil)
{
	struct buf out = { 0 };

	imap_write_nstring(&out, false, SLICE_NONE);
	imap_write_nstring(&out, false, SLICE_LIT(""));
	imap_write_literal_head(&out, 12);
	imap_write_literal8_head(&out, 0);
	expect(&out, "NIL\"\"{12}\r\n~{0}\r\n");
	buf_fini(&out);
}

Test(mailbox_names, are_utf7_until_utf8_is_enabled)
{
	struct slice name = SLICE_LIT("Entw\xc3\xbcrfe & mehr");
	struct buf out = { 0 };

	imap_write_mailbox(&out, false, name);
	expect(&out, "\"Entw&APw-rfe &- mehr\"");
	imap_write_mailbox(&out, true, name);
	expect(&out, "\"Entw\xc3\xbcrfe & mehr\"");
	imap_write_mailbox(&out, false, SLICE_LIT("INBOX"));
	expect(&out, "INBOX");
	imap_write_mailbox(&out, false, SLICE_LIT("a&b"));
	expect(&out, "a&-b");
	imap_write_mailbox(&out, false, SLICE_LIT("\xff"));
	expect(&out, "{1}\r\n\xff");
	buf_fini(&out);
}

Test(flags, are_those_of_the_row)
{
	struct slice keywords[70];
	uint64_t bits[2] = { 2, 1 };
	struct buf out = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		keywords[i] = SLICE_LIT("$other");
	keywords[1] = SLICE_LIT("$Junk");
	keywords[64] = SLICE_LIT("work");
	imap_write_row_flags(&out, IMAP_FLAG_SEEN | IMAP_FLAG_ANSWERED, bits,
			     keywords, ARRAY_LEN(keywords));
	expect(&out, "(\\Answered \\Seen $Junk work)");
	imap_write_flags(&out, 0, NULL, 0);
	expect(&out, "()");
	imap_code_permanentflags(&out, IMAP_FLAG_DELETED, &keywords[1], 1,
				 true);
	expect(&out, "[PERMANENTFLAGS (\\Deleted $Junk \\*)] ");
	imap_code_permanentflags(&out, 0, NULL, 0, false);
	expect(&out, "[PERMANENTFLAGS ()] ");
	imap_write_flags_line(&out, 31, NULL, 0);
	expect(&out, "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen "
		     "\\Draft)\r\n");
	buf_fini(&out);
}

Test(dates, are_shown_in_their_zone)
{
	struct buf out = { 0 };

	imap_write_date_time(&out, 837596665, -420);
	expect(&out, "\"17-Jul-1996 02:44:25 -0700\"");
	buf_fini(&out);
}

/* ---- lines ---- */

Test(lines, have_tag_word_code_and_text)
{
	struct buf out = { 0 };

	imap_write_tagged(&out, SLICE_LIT("A1"), IMAP_OK, IMAP_CODE_READ_WRITE,
			  "SELECT completed");
	imap_write_untagged(&out, IMAP_BYE, IMAP_CODE_NONE, "so\r\nlong");
	imap_write_tagged(&out, SLICE_NONE, IMAP_BAD, IMAP_CODE_NONE,
			  "Bad tag");
	imap_write_untagged(&out, IMAP_NO, IMAP_CODE_BADCHARSET, "What?");
	imap_write_untagged(&out, IMAP_PREAUTH, IMAP_CODE_NONE, "hello");
	imap_write_continue(&out, SLICE_NONE);
	imap_write_continue(&out, SLICE_LIT("YWJj"));
	expect(&out, "A1 OK [READ-WRITE] SELECT completed\r\n"
		     "* BYE so  long\r\n"
		     "* BAD Bad tag\r\n"
		     "* NO [BADCHARSET (UTF-8 US-ASCII)] What?\r\n"
		     "* PREAUTH hello\r\n"
		     "+ \r\n"
		     "+ YWJj\r\n");
	buf_fini(&out);
}

Test(lines, tell_of_errors_by_a_code)
{
	struct buf out = { 0 };

	imap_write_err(&out, SLICE_LIT("a"), ERR_OVERQUOTA);
	imap_write_err(&out, SLICE_LIT("b"), ERR_NOTFOUND);
	imap_write_err(&out, SLICE_LIT("c"), ERR_SYNTAX);
	imap_write_err(&out, SLICE_LIT("d"), ERR_EXPUNGED);
	imap_write_err(&out, SLICE_LIT("e"), ERR_DENIED);
	expect(&out, "a NO [OVERQUOTA] Quota exceeded\r\n"
		     "b NO [NONEXISTENT] Does not exist\r\n"
		     "c BAD Malformed input\r\n"
		     "d NO [EXPUNGEISSUED] Message was expunged\r\n"
		     "e NO [NOPERM] Permission denied\r\n");
	cr_assert_eq(imap_code_of_err(ERR_EXISTS), IMAP_CODE_ALREADYEXISTS);
	cr_assert_eq(imap_code_of_err(ERR_AUTH),
		     IMAP_CODE_AUTHENTICATIONFAILED);
	cr_assert_eq(imap_code_of_err(ERR_END), IMAP_CODE_NONE);
	buf_fini(&out);
}

Test(codes, carry_numbers_sets_and_names)
{
	static const char *const names[] = { "IMAP4rev1", "IDLE" };
	struct uidset source = uids_of("304,319:320");
	struct uidset copies = uids_of("3956:3958");
	struct buf out = { 0 };

	imap_code_num(&out, "UIDNEXT", 4392);
	imap_code_mailboxid(&out, SLICE_LIT("F2212ea87"));
	imap_code_modified(&out, &source);
	imap_code_appenduid(&out, 38505, &copies);
	imap_code_copyuid(&out, 38505, &source, &copies);
	imap_code_capability(&out, names, ARRAY_LEN(names));
	imap_code(&out, IMAP_CODE_NONE);
	imap_code(&out, IMAP_CODE_UNKNOWN_CTE);
	expect(&out, "[UIDNEXT 4392] [MAILBOXID (F2212ea87)] "
		     "[MODIFIED 304,319:320] [APPENDUID 38505 3956:3958] "
		     "[COPYUID 38505 304,319:320 3956:3958] "
		     "[CAPABILITY IMAP4rev1 IDLE] [UNKNOWN-CTE] ");
	imap_write_capability(&out, names, ARRAY_LEN(names));
	imap_write_enabled(&out, names, 0);
	expect(&out, "* CAPABILITY IMAP4rev1 IDLE\r\n* ENABLED\r\n");
	uidset_fini(&source);
	uidset_fini(&copies);
	buf_fini(&out);
}

/* ---- data ---- */

Test(data, of_a_mailbox)
{
	struct uidset uids = uids_of("41,43:116,118");
	struct uidset none = { 0 };
	struct buf out = { 0 };

	imap_write_number(&out, 23, "EXISTS");
	imap_write_number(&out, 44, "EXPUNGE");
	imap_write_vanished(&out, true, &uids);
	imap_write_vanished(&out, false, &uids);
	imap_write_vanished(&out, false, &none);
	imap_begin_numbered(&out, 12, "FETCH");
	buf_add_str(&out, " ()");
	imap_end_data(&out);
	expect(&out, "* 23 EXISTS\r\n"
		     "* 44 EXPUNGE\r\n"
		     "* VANISHED (EARLIER) 41,43:116,118\r\n"
		     "* VANISHED 41,43:116,118\r\n"
		     "* 12 FETCH ()\r\n");
	uidset_fini(&uids);
	buf_fini(&out);
}

Test(search, results_have_two_forms)
{
	struct uidset found = uids_of("2,3,6:7");
	struct uidset none = { 0 };
	struct imap_esearch esearch = {
		.tag = SLICE_LIT("A282"),
		.numbers = &found,
		.returns = IMAP_SEARCH_MIN | IMAP_SEARCH_COUNT,
	};
	struct buf out = { 0 };

	imap_write_search(&out, &found, 0);
	imap_write_search(&out, &found, 917162500);
	imap_write_search(&out, &none, 5);
	expect(&out, "* SEARCH 2 3 6 7\r\n"
		     "* SEARCH 2 3 6 7 (MODSEQ 917162500)\r\n"
		     "* SEARCH\r\n");
	imap_write_esearch(&out, &esearch);
	esearch.uid = true;
	esearch.modseq = 12345;
	esearch.returns = IMAP_SEARCH_MIN | IMAP_SEARCH_MAX | IMAP_SEARCH_ALL |
			  IMAP_SEARCH_COUNT;
	imap_write_esearch(&out, &esearch);
	esearch.numbers = &none;
	imap_write_esearch(&out, &esearch);
	esearch.returns = IMAP_SEARCH_ALL;
	imap_write_esearch(&out, &esearch);
	expect(&out,
	       "* ESEARCH (TAG \"A282\") MIN 2 COUNT 4\r\n"
	       "* ESEARCH (TAG \"A282\") UID MIN 2 MAX 7 ALL 2:3,6:7 COUNT 4 "
	       "MODSEQ 12345\r\n"
	       "* ESEARCH (TAG \"A282\") UID COUNT 0\r\n"
	       "* ESEARCH (TAG \"A282\") UID\r\n");
	uidset_fini(&found);
	buf_fini(&out);
}

Test(list, lines_have_attributes_and_extended_data)
{
	struct imap_list_line line = {
		.attrs = IMAP_ATTR_NONEXISTENT | IMAP_ATTR_SUBSCRIBED,
		.separator = '/',
		.name = SLICE_LIT("Fruit/Peach"),
	};
	struct buf out = { 0 };

	imap_write_list(&out, false, &line);
	line.attrs = 0;
	line.childinfo = IMAP_LIST_SUBSCRIBED;
	line.name = SLICE_LIT("Foo");
	imap_write_list(&out, false, &line);
	line.oldname = SLICE_LIT("\xc3\xa4");
	imap_write_list(&out, false, &line);
	line.childinfo = 0;
	line.separator = '\\';
	line.special_use = IMAP_USE_SENT | IMAP_USE_JUNK;
	line.attrs = IMAP_ATTR_HASNOCHILDREN;
	imap_write_list(&out, true, &line);
	line.oldname = SLICE_NONE;
	line.separator = '\0';
	line.lsub = true;
	line.special_use = 0;
	line.attrs = IMAP_ATTR_NOSELECT;
	imap_write_list(&out, true, &line);
	expect(&out, "* LIST (\\NonExistent \\Subscribed) \"/\" Fruit/Peach\r\n"
		     "* LIST () \"/\" Foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n"
		     "* LIST () \"/\" Foo (\"CHILDINFO\" (\"SUBSCRIBED\") "
		     "\"OLDNAME\" (&AOQ-))\r\n"
		     "* LIST (\\HasNoChildren \\Junk \\Sent) \"\\\\\" Foo "
		     "(\"OLDNAME\" (\"\xc3\xa4\"))\r\n"
		     "* LSUB (\\Noselect) NIL Foo\r\n");
	buf_fini(&out);
}

Test(status, has_what_was_asked_for)
{
	struct imap_status_line line = {
		.items = IMAP_STATUS_UIDNEXT | IMAP_STATUS_MESSAGES,
		.name = SLICE_LIT("blurdybloop"),
		.messages = 231,
		.recent = 1,
		.unseen = 2,
		.deleted = 3,
		.size = UINT64_C(99999999999),
		.deleted_storage = 4,
		.highestmodseq = UINT64_C(7011231777),
		.uidnext = 44292,
		.uidvalidity = 5,
		.append_limit = 257890,
		.mailbox_id = SLICE_LIT("F1"),
	};
	struct buf out = { 0 };

	imap_write_status(&out, false, &line);
	line.items = 0x7ff;
	imap_write_status(&out, false, &line);
	expect(&out, "* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)\r\n"
		     "* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292 "
		     "UIDVALIDITY 5 UNSEEN 2 DELETED 3 SIZE 99999999999 "
		     "HIGHESTMODSEQ 7011231777 RECENT 1 MAILBOXID (F1) "
		     "APPENDLIMIT 257890 DELETED-STORAGE 4)\r\n");
	buf_fini(&out);
}

Test(acl, lines_show_rights_as_letters)
{
	struct imap_acl_line entries[] = {
		{ SLICE_LIT("Fred"), 0x7ff },
		{ SLICE_LIT("-John Q"), IMAP_RIGHT_WRITE },
		{ SLICE_LIT("anyone"), 0 },
	};
	struct slice name = SLICE_LIT("INBOX/Drafts");
	struct buf out = { 0 };

	imap_write_acl(&out, false, name, entries, ARRAY_LEN(entries));
	imap_write_myrights(&out, false, name,
			    IMAP_RIGHT_READ | IMAP_RIGHT_LOOKUP);
	imap_write_listrights(&out, false, name, SLICE_LIT("smith"),
			      IMAP_RIGHT_LOOKUP | IMAP_RIGHT_ADMIN,
			      IMAP_RIGHT_LOOKUP | IMAP_RIGHT_READ |
				      IMAP_RIGHT_EXPUNGE);
	imap_write_listrights(&out, false, name, SLICE_LIT("anyone"), 0, 0);
	expect(&out,
	       "* ACL INBOX/Drafts Fred lrswipkxteacd \"-John Q\" w anyone "
	       "\"\"\r\n"
	       "* MYRIGHTS INBOX/Drafts lr\r\n"
	       "* LISTRIGHTS INBOX/Drafts smith la r e d\r\n"
	       "* LISTRIGHTS INBOX/Drafts anyone \"\"\r\n");
	buf_fini(&out);
}

Test(namespaces, are_three)
{
	struct imap_namespace spaces[3] = {
		{ "", '/' },
		{ "Andere Benutzer\xc3\xa4/", '/' },
		{ NULL, '\0' },
	};
	struct buf out = { 0 };

	imap_write_namespace(&out, false, spaces);
	imap_write_namespace(&out, true, spaces);
	spaces[1] = (struct imap_namespace){ "#shared.", '.' };
	imap_write_namespace(&out, false, spaces);
	expect(&out, "* NAMESPACE ((\"\" \"/\")) "
		     "((\"Andere Benutzer&AOQ-/\" \"/\")) NIL\r\n"
		     "* NAMESPACE ((\"\" \"/\")) "
		     "((\"Andere Benutzer\xc3\xa4/\" \"/\")) NIL\r\n"
		     "* NAMESPACE ((\"\" \"/\")) ((\"#shared.\" \".\")) "
		     "NIL\r\n");
	buf_fini(&out);
}

Test(id, is_a_list_of_pairs_or_nil)
{
	static const char *const strings_id[] = { "name", "Murder", "version",
						  NULL };
	struct buf out = { 0 };

	imap_write_id(&out, strings_id, 4);
	imap_write_id(&out, NULL, 0);
	expect(&out, "* ID (\"name\" \"Murder\" \"version\" NIL)\r\n"
		     "* ID NIL\r\n");
	buf_fini(&out);
}

/* ---- items of FETCH ---- */

Test(fetch_items, know_what_they_need)
{
	struct imap_fetch_item item = { .kind = IMAP_FETCH_SECTION };

	cr_assert(imap_fetch_item_sets_seen(&item));
	cr_assert(imap_fetch_item_needs_body(&item));
	cr_assert(!imap_fetch_item_needs_structure(&item));
	item.peek = true;
	item.section.text = IMAP_SECTION_HEADER;
	cr_assert(!imap_fetch_item_sets_seen(&item));
	cr_assert(imap_fetch_item_needs_structure(&item));
	item = (struct imap_fetch_item){ .kind = IMAP_FETCH_ENVELOPE };
	cr_assert(!imap_fetch_item_needs_body(&item));
	cr_assert(imap_fetch_item_needs_structure(&item));
	item.kind = IMAP_FETCH_RFC822_HEADER;
	cr_assert(!imap_fetch_item_sets_seen(&item));
	item.kind = IMAP_FETCH_RFC822_TEXT;
	cr_assert(imap_fetch_item_sets_seen(&item));
	item.kind = IMAP_FETCH_FLAGS;
	cr_assert(!imap_fetch_item_needs_body(&item));
	cr_assert(!imap_fetch_item_needs_structure(&item));
}

/* RFC 9051 section 7.5.2: the fields are repeated as they were asked for. */
Test(fetch_items, are_named_as_they_were_asked_for)
{
	static const uint32_t part[] = { 1, 20, 3 };
	struct slice fields[] = { SLICE_LIT("DATE"), SLICE_LIT("a b") };
	struct imap_fetch_item item = {
		.kind = IMAP_FETCH_SECTION,
		.peek = true,
		.section = { .text = IMAP_SECTION_HEADER_FIELDS_NOT,
			     .part = part,
			     .depth = 3,
			     .fields = fields,
			     .field_count = 2 },
		.partial = true,
		.offset = 7,
		.length = 9,
	};
	struct buf out = { 0 };

	imap_fetch_item_write_name(&item, &out);
	expect(&out, "BODY[1.20.3.HEADER.FIELDS.NOT (DATE \"a b\")]<7>");
	item = (struct imap_fetch_item){ .kind = IMAP_FETCH_BINARY_SIZE,
					 .section = { .part = part,
						      .depth = 1 } };
	imap_fetch_item_write_name(&item, &out);
	expect(&out, "BINARY.SIZE[1]");
	item = (struct imap_fetch_item){ .kind = IMAP_FETCH_SECTION };
	imap_fetch_item_write_name(&item, &out);
	expect(&out, "BODY[]");
	item.kind = IMAP_FETCH_BODY;
	imap_fetch_item_write_name(&item, &out);
	expect(&out, "BODY");
	buf_fini(&out);
}

Test(email_id, is_the_beginning_of_the_hash)
{
	struct sha256 hash;
	struct buf out = { 0 };

	sha256(SLICE_LIT("abc"), &hash);
	imap_email_id_format(&hash, &out);
	cr_assert_str_eq(buf_cstr(&out),
			 "Mba7816bf8f01cfea414140de5dae2223b00361a3");
	cr_assert(imap_email_id_is(buf_slice(&out), &hash));
	out.data[5] = 'B'; /* case counts (RFC 8474 section 7) */
	cr_assert(!imap_email_id_is(buf_slice(&out), &hash));
	cr_assert(!imap_email_id_is(SLICE_LIT("M"), &hash));
	buf_fini(&out);
}
