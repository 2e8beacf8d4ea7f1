/*
 * SEARCH: which messages match, and how little is read for it.
 */
#include <criterion/criterion.h>

#include "base/attr.h"
#include "base/mem.h"
#include "imap/object_id.h"
#include "imap/parser.h"
#include "imap/search.h"
#include "imap/search_codec.h"
#include "mail/date.h"
#include "mail/structure.h"
#include "transcript.h"

/* ---- a mailbox in memory ---- */

static const struct {
	const char *raw;
	const char *date; /* internal */
	uint32_t uid;
	uint32_t flags;
	uint64_t keywords;
	uint64_t modseq;
} messages[] = {
	{ "Date: Mon, 7 Feb 1994 21:52:25 -0800\r\n"
	  "From: Fred Foobar <foobar@Blurdybloop.example>\r\n"
	  "Subject: afternoon meeting\r\n"
	  "To: mooch@owatagu.siam.edu.example\r\n"
	  "Message-Id: <B27397-0100000@Blurdybloop.example>\r\n"
	  "X-Spam: no\r\n"
	  "\r\n"
	  "Hello Joe, do you think we can meet at 3:30 tomorrow?\r\n",
	  " 8-Feb-1994 06:00:00 +0000", 10, IMAP_FLAG_SEEN, 0, 5 },
	{ "Date: Tue, 8 Feb 1994 12:00:00 +0100\r\n"
	  "From: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>\r\n"
	  "Subject: =?iso-8859-1?q?Gr=FC=DFe?= aus Wien\r\n"
	  "Cc: a@x, Bea <b@x>\r\n"
	  "Bcc: hidden@x\r\n"
	  "In-Reply-To: <B27397-0100000@Blurdybloop.example>\r\n"
	  "X-Spam:\r\n"
	  "Content-Type: text/plain; charset=utf-8\r\n"
	  "Content-Transfer-Encoding: base64\r\n"
	  "\r\n"
	  "U2Now7ZuZSBHcsO8w59lIQ==\r\n",
	  " 9-Feb-1994 23:30:00 -0500", 20, IMAP_FLAG_SEEN | IMAP_FLAG_FLAGGED,
	  1, 6 },
	{ "Subject: no date\r\n"
	  "\r\n"
	  "empty\r\n",
	  "10-Feb-1994 00:00:00 +0000", 21, IMAP_FLAG_DELETED, 2, 7 },
	{ "From: group: x@y;\r\n"
	  "Content-Type: multipart/mixed; boundary=b\r\n"
	  "\r\n"
	  "preamble xyzzy\r\n"
	  "--b\r\n"
	  "Content-Type: text/html\r\n"
	  "\r\n"
	  "<b>needle</b>\r\n"
	  "--b\r\n"
	  "Content-Type: message/rfc822\r\n"
	  "\r\n"
	  "Subject: inner subject\r\n"
	  "\r\n"
	  "inner body\r\n"
	  "--b\r\n"
	  "Content-Type: image/png\r\n"
	  "X-Part: deep\r\n"
	  "\r\n"
	  "binary\r\n"
	  "--b--\r\n",
	  "11-Feb-1994 00:00:00 +0000", 30, 0, 3, 8 },
};

#define COUNT ARRAY_LEN(messages)

struct box {
	struct imap_search_reader reader;
	struct arena arena;
	struct imap_row rows[COUNT];
	struct uidset view;
	struct uidset saved;
	bool uncached;     /* rows have no structure */
	enum err fail;     /* of reads */
	size_t reads;      /* octets of messages read */
	size_t structures; /* made anew */
};

static struct slice raw_of(const struct imap_row *row)
{
	for (size_t i = 0; i < COUNT; i++)
		if (messages[i].uid == row->uid)
			return slice_str(messages[i].raw);
	cr_assert(false, "no message of that UID");
	return SLICE_NONE;
}

static enum err read_octets(struct imap_search_reader *reader,
			    const struct imap_row *row, uint64_t offset,
			    size_t len, struct buf *out)
{
	struct box *box = container_of(reader, struct box, reader);
	struct slice raw = raw_of(row);

	cr_assert(offset + len <= raw.len);
	box->reads += len;
	buf_add(out, raw.data + offset, len);
	return box->fail;
}

static struct slice encode(struct box *box, struct slice raw)
{
	struct buf octets = { 0 };
	struct slice structure;

	cr_assert_eq(mail_structure_encode(mime_parse(raw, &box->arena),
					   MAIL_STRUCTURE_MAX, &octets),
		     ERR_NONE);
	structure = arena_slice(&box->arena, buf_slice(&octets));
	buf_fini(&octets);
	return structure;
}

static enum err make_structure(struct imap_search_reader *reader,
			       const struct imap_row *row,
			       struct slice *structure_r)
{
	struct box *box = container_of(reader, struct box, reader);

	box->structures++;
	*structure_r = encode(box, raw_of(row));
	return box->fail;
}

static void fill_row(struct box *box, size_t i)
{
	struct imap_row *row = &box->rows[i];
	struct mail_date date;

	cr_assert_eq(
		mail_date_parse_internal(slice_str(messages[i].date), &date),
		ERR_NONE);
	row->uid = messages[i].uid;
	row->flags = messages[i].flags;
	row->keywords[0] = messages[i].keywords;
	row->modseq = messages[i].modseq;
	row->internal_date_s = date.unix_s;
	row->internal_zone_min = date.zone_min;
	row->size = strlen(messages[i].raw);
	sha256(slice_str(messages[i].raw), &row->body);
	row->structure = encode(box, slice_str(messages[i].raw));
	uidset_add(&box->view, row->uid, row->uid);
}

static struct box *box_new(void)
{
	struct box *box = (struct box *)mem_zalloc(1, sizeof(*box));

	box->reader.read = read_octets;
	box->reader.structure = make_structure;
	for (size_t i = 0; i < COUNT; i++)
		fill_row(box, i);
	uidset_add(&box->saved, 20, 21);
	return box;
}

static void box_free(struct box **boxp)
{
	arena_fini(&(*boxp)->arena);
	uidset_fini(&(*boxp)->view);
	uidset_fini(&(*boxp)->saved);
	mem_free(*boxp);
	*boxp = NULL;
}

/* ---- a search ---- */

static struct imap_search *parse(struct box *box, const char *keys)
{
	struct imap_parser_mode mode = { .authenticated = true };
	struct imap_parser *parser = imap_parser_new();
	struct buf text = { 0 };
	struct imap_command *command;
	struct slice in;

	buf_printf(&text, "a SEARCH %s\r\n", keys);
	in = buf_slice(&text);
	imap_parser_set_mode(parser, &mode);
	imap_parser_start(parser, &box->arena);
	cr_assert_eq(imap_parser_feed(parser, &in), IMAP_FEED_DONE, "%s", keys);
	command = imap_parser_command(parser);
	cr_assert_not_null(command->search.program);
	imap_parser_free(&parser);
	buf_fini(&text);
	return command->search.program;
}

static enum err bind(struct box *box, struct imap_search *search)
{
	static const struct slice keywords[] = {
		{ (const uint8_t *)"$Junk", 5 },
		{ (const uint8_t *)"work", 4 },
	};
	struct imap_search_bind values = {
		.view = &box->view,
		.saved = &box->saved,
		.keywords = keywords,
		.keyword_count = ARRAY_LEN(keywords),
		/* one hour after the last message */
		.now_s = box->rows[COUNT - 1].internal_date_s + 3600,
	};

	return imap_search_bind(search, &box->arena, &values);
}

/* Matches all rows; the UIDs that match, as text. */
static void run(struct box *box, const struct imap_search *search,
		struct buf *out)
{
	struct imap_search_run *worker =
		imap_search_run_new(search, &box->reader);
	struct uidset found = { 0 };

	for (size_t i = 0; i < COUNT; i++) {
		struct imap_row row = box->rows[i];
		bool match = false;

		if (box->uncached)
			row.structure = SLICE_NONE;
		cr_assert_eq(imap_search_match(worker, &row, &match), ERR_NONE);
		if (match)
			uidset_add(&found, row.uid, row.uid);
	}
	uidset_format(&found, out);
	uidset_fini(&found);
	imap_search_run_free(&worker);
}

static void expect(struct box *box, const char *keys, const char *wanted)
{
	struct imap_search *search = parse(box, keys);
	struct buf found = { 0 };

	cr_assert_eq(bind(box, search), ERR_NONE);
	run(box, search, &found);
	cr_assert_str_eq(buf_cstr(&found), wanted, "%s: %s instead of %s", keys,
			 buf_cstr(&found), wanted);
	buf_fini(&found);
}

/* ---- keys ---- */

static const struct {
	const char *keys;
	const char *found;
} searches[] = {
	{ "ALL", "10,20:21,30" },
	{ "OLD", "10,20:21,30" },
	{ "NEW", "" },
	{ "RECENT", "" },
	{ "SEEN", "10,20" },
	{ "UNSEEN", "21,30" },
	{ "DELETED", "21" },
	{ "UNDELETED FLAGGED", "20" },
	{ "UNFLAGGED UNANSWERED UNDRAFT", "10,21,30" },
	{ "ANSWERED", "" },
	{ "DRAFT", "" },
	{ "KEYWORD $junk", "20,30" },
	{ "KEYWORD WORK", "21,30" },
	{ "UNKEYWORD work", "10,20" },
	{ "KEYWORD unknown", "" },
	{ "UNKEYWORD unknown", "10,20:21,30" },
	{ "2", "20" },
	{ "2:*", "20:21,30" },
	{ "*", "30" },
	{ "UID 2:20", "10,20" },
	{ "UID 31", "" },
	{ "UID *", "30" },
	{ "UID 31:*", "30" },
	{ "$", "20:21" },
	{ "UID $ SEEN", "20" },
	{ "MODSEQ 7", "21,30" },
	{ "MODSEQ \"/flags/\\\\draft\" all 8", "30" },
	{ "LARGER 100 SMALLER 300", "10,30" },
	{ "SMALLER 30", "21" },
	/* dates disregard time and zone: the day as it was written */
	{ "BEFORE 9-Feb-1994", "10" },
	{ "ON 9-Feb-1994", "20" },
	{ "ON \"9-Feb-1994\"", "20" },
	{ "SINCE 10-Feb-1994", "21,30" },
	{ "SENTON 7-Feb-1994", "10" },
	{ "SENTBEFORE 8-Feb-1994", "10" },
	{ "SENTSINCE 8-Feb-1994", "20" },
	{ "SENTSINCE 1-Jan-1970", "10,20" }, /* without a date: never */
	{ "NOT SENTSINCE 1-Jan-1970", "21,30" },
	{ "YOUNGER 3600", "30" },
	{ "YOUNGER 3599", "" },
	{ "OLDER 3600", "10,20:21,30" },
	{ "OLDER 3601", "10,20:21" },
	{ "THREADID T1", "" },
	{ "EMAILID M0", "" },
	/* envelope */
	{ "SUBJECT MEETING", "10" },
	{ "SUBJECT \"gr\xc3\xbc\xc3\x9f"
	  "e AUS\"",
	  "20" },
	{ "CHARSET ISO-8859-1 SUBJECT \"Gr\"", "20" },
	{ "SUBJECT \"\"", "10,20:21" },
	{ "SUBJECT inner", "" },
	{ "FROM fred", "10" },
	{ "FROM \"j\xc3\xb6rg\"", "20" },
	{ "FROM joerg@example", "20" },
	{ "FROM group", "30" },
	{ "FROM \"\"", "10,20,30" },
	{ "TO owatagu", "10" },
	{ "CC bea", "20" },
	{ "BCC hidden@X", "20" },
	{ "HEADER Message-ID B27397", "10" },
	{ "HEADER message-id \"\"", "10" },
	{ "HEADER In-Reply-To B27397", "20" },
	/* header */
	{ "HEADER X-Spam \"\"", "10,20" },
	{ "HEADER X-SPAM NO", "10" },
	{ "HEADER Cc a@x", "20" },
	{ "HEADER X-Part deep", "" },
	/* body */
	{ "BODY 3:30", "10" },
	{ "BODY \"SCH\xc3\x96NE\"", "20" },
	{ "BODY needle", "30" },
	{ "BODY \"inner body\"", "30" },
	{ "BODY \"inner subject\"", "30" },
	{ "BODY owatagu", "" },
	{ "BODY \"\"", "10,20:21,30" },
	{ "TEXT owatagu", "10" },
	{ "TEXT X-Part", "30" },
	{ "TEXT \"\"", "10,20:21,30" },
	{ "TEXT needle SEEN", "" },
	/* combinations */
	{ "OR SEEN DELETED", "10,20:21" },
	{ "OR OR 1 2 3", "10,20:21" },
	{ "OR 1 OR 2 3", "10,20:21" },
	{ "OR (SEEN FLAGGED) (UNSEEN DELETED)", "20:21" },
	{ "NOT SEEN", "21,30" },
	{ "NOT NOT SEEN", "10,20" },
	{ "NOT (SEEN FLAGGED)", "10,21,30" },
	{ "NOT OR SEEN DELETED", "30" },
	{ "((SEEN))", "10,20" },
	{ "((SEEN BODY 3:30))", "10" },
	{ "(BODY 3:30 SEEN) (SUBJECT meeting)", "10" },
	{ "OR BODY needle SUBJECT meeting", "10,30" },
	{ "NOT BODY needle", "10,20:21" },
};

Test(search, finds_what_it_should)
{
	struct box *box = box_new();

	for (size_t i = 0; i < ARRAY_LEN(searches); i++)
		expect(box, searches[i].keys, searches[i].found);
	box_free(&box);
}

/* As another node has it that was sent the bound program. */
static struct imap_search *sent(struct box *box, const struct imap_search *from)
{
	struct imap_search *to;
	struct buf octets = { 0 };
	struct slice copy;

	imap_search_encode(from, &octets);
	copy = arena_slice(&box->arena, buf_slice(&octets));
	for (size_t len = 0; len < copy.len; len++)
		cr_assert_neq(imap_search_decode(slice_of(copy.data, len),
						 &box->arena, &to),
			      ERR_NONE);
	cr_assert_eq(imap_search_decode(copy, &box->arena, &to), ERR_NONE);
	buf_fini(&octets);
	return to;
}

Test(search, means_the_same_on_another_node)
{
	struct box *box = box_new();

	for (size_t i = 0; i < ARRAY_LEN(searches); i++) {
		struct imap_search *search = parse(box, searches[i].keys);
		struct imap_search *copy;
		struct buf found = { 0 };

		cr_assert_eq(bind(box, search), ERR_NONE);
		copy = sent(box, search);
		run(box, copy, &found);
		cr_assert_str_eq(buf_cstr(&found), searches[i].found, "%s",
				 searches[i].keys);
		cr_assert_eq(imap_search_reads_bodies(copy),
			     imap_search_reads_bodies(search));
		cr_assert_eq(imap_search_has_modseq(copy),
			     imap_search_has_modseq(search));
		buf_fini(&found);
	}
	box_free(&box);
}

Test(search, makes_structures_that_are_not_cached)
{
	struct box *box = box_new();

	box->uncached = true;
	for (size_t i = 0; i < ARRAY_LEN(searches); i++)
		expect(box, searches[i].keys, searches[i].found);
	cr_assert_gt(box->structures, 0);
	box_free(&box);
}

Test(search, finds_messages_by_their_email_id)
{
	struct box *box = box_new();
	struct buf keys = { 0 };

	buf_add_str(&keys, "OR EMAILID ");
	imap_email_id_format(&box->rows[1].body, &keys);
	buf_add_str(&keys, " EMAILID ");
	imap_email_id_format(&box->rows[3].body, &keys);
	expect(box, buf_cstr(&keys), "20,30");
	buf_fini(&keys);
	box_free(&box);
}

/* ---- cost ---- */

static const struct {
	const char *keys;
	size_t bodies; /* messages that must be read */
} costs[] = {
	{ "SUBJECT meeting", 0 },
	{ "BODY needle UID 99", 0 },
	{ "UID 99 BODY needle", 0 },
	{ "OR BODY needle ALL", 0 },
	{ "OR (BODY x SEEN) (NOT SUBJECT \"\" BODY y)", 3 },
	{ "BODY needle SUBJECT inner", 0 },
	{ "NOT (BODY needle DELETED)", 1 },
	{ "BODY needle 2", 1 },
	/* decided by the rows, wherever the keys stand */
	{ "(OR SEEN BODY x) (OR UNSEEN (FLAGGED BODY y)) UID 10", 0 },
	{ "(OR ANSWERED BODY x) (OR DRAFT (ANSWERED BODY y))", 0 },
	{ "HEADER Message-ID x", 0 },
};

/* Counts the messages of which something was read. */
static size_t count_read(struct box *box, const char *keys)
{
	struct imap_search *search = parse(box, keys);
	struct imap_search_run *worker;
	size_t bodies = 0;

	cr_assert_eq(bind(box, search), ERR_NONE);
	worker = imap_search_run_new(search, &box->reader);
	for (size_t i = 0; i < COUNT; i++) {
		bool match;

		box->reads = 0;
		cr_assert_eq(imap_search_match(worker, &box->rows[i], &match),
			     ERR_NONE);
		bodies += box->reads > 0;
	}
	imap_search_run_free(&worker);
	return bodies;
}

Test(search, reads_no_body_that_another_key_has_decided)
{
	struct box *box = box_new();

	for (size_t i = 0; i < ARRAY_LEN(costs); i++) {
		size_t bodies = count_read(box, costs[i].keys);

		cr_assert_eq(bodies, costs[i].bodies, "%s: %zu", costs[i].keys,
			     bodies);
	}
	box_free(&box);
}

Test(search, says_what_rows_must_carry)
{
	static const struct {
		const char *keys;
		uint32_t wants;
		bool bodies;
	} needs[] = {
		{ "SEEN 1 KEYWORD a MODSEQ 1", 0, false },
		{ "SEEN LARGER 5", IMAP_ROWS_FIXED, false },
		{ "NOT EMAILID M1", IMAP_ROWS_FIXED, false },
		{ "SUBJECT x", IMAP_ROWS_FIXED | IMAP_ROWS_STRUCTURE, false },
		{ "OR SEEN HEADER x y", IMAP_ROWS_FIXED | IMAP_ROWS_STRUCTURE,
		  true },
		{ "TEXT x", IMAP_ROWS_FIXED | IMAP_ROWS_STRUCTURE, true },
	};
	struct box *box = box_new();

	for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
		struct imap_search *search = parse(box, needs[i].keys);

		cr_assert_eq(imap_search_wants(search), needs[i].wants, "%s",
			     needs[i].keys);
		cr_assert_eq(imap_search_reads_bodies(search), needs[i].bodies);
	}
	cr_assert(imap_search_has_modseq(parse(box, "NOT MODSEQ 3")));
	cr_assert(!imap_search_has_modseq(parse(box, "SEEN")));
	cr_assert(imap_search_has_saved(parse(box, "OR SEEN UID $")));
	cr_assert(!imap_search_has_saved(parse(box, "SEEN")));
	box_free(&box);
}

Test(search, narrows_the_candidates_to_its_sets)
{
	static const struct {
		const char *keys;
		const char *left;
	} sets[] = {
		{ "UID 15:40 BODY x", "20:21,30" },
		{ "2:3 (UID 21 SEEN)", "21" },
		{ "OR UID 10 UID 20", "10,20:21,30" },
		{ "NEW", "" },
		{ "1", "10" },
		{ "NOT 1", "10,20:21,30" },
		{ "$ SEEN", "20:21" },
	};
	struct box *box = box_new();
	struct buf text = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		struct imap_search *search = parse(box, sets[i].keys);
		struct uidset left = { 0 };

		cr_assert_eq(bind(box, search), ERR_NONE);
		uidset_copy(&left, &box->view);
		imap_search_narrow(search, &left);
		uidset_format(&left, &text);
		cr_assert_str_eq(buf_cstr(&text), sets[i].left, "%s",
				 sets[i].keys);
		buf_clear(&text);
		uidset_fini(&left);
	}
	buf_fini(&text);
	box_free(&box);
}

/* ---- errors ---- */

Test(search, refuses_sequence_numbers_beyond_the_view)
{
	struct box *box = box_new();

	cr_assert_eq(bind(box, parse(box, "5")), ERR_SYNTAX);
	cr_assert_eq(bind(box, parse(box, "NOT (SEEN 2:9)")), ERR_SYNTAX);
	cr_assert_eq(bind(box, parse(box, "UID 5:99")), ERR_NONE);
	box_free(&box);
}

Test(search, gives_the_errors_of_its_reader_unless_it_knows_without)
{
	struct box *box = box_new();
	struct imap_search *search = parse(box, "BODY x UNSEEN");
	struct imap_search_run *worker;
	bool match = true;

	cr_assert_eq(bind(box, search), ERR_NONE);
	worker = imap_search_run_new(search, &box->reader);
	box->fail = ERR_MISSING_BODY;
	cr_assert_eq(imap_search_match(worker, &box->rows[0], &match),
		     ERR_NONE); /* it is seen */
	cr_assert(!match);
	cr_assert_eq(imap_search_match(worker, &box->rows[2], &match),
		     ERR_MISSING_BODY);
	box->fail = ERR_NONE; /* the run is good for the next one */
	cr_assert_eq(imap_search_match(worker, &box->rows[2], &match),
		     ERR_NONE);
	imap_search_run_free(&worker);
	box_free(&box);
}

Test(search, makes_a_structure_anew_that_is_damaged)
{
	struct box *box = box_new();
	struct imap_search *search = parse(box, "SUBJECT meeting");
	struct imap_search_run *worker;
	bool match = false;

	box->rows[0].structure = SLICE_LIT("rubbish");
	cr_assert_eq(bind(box, search), ERR_NONE);
	worker = imap_search_run_new(search, &box->reader);
	cr_assert_eq(imap_search_match(worker, &box->rows[0], &match),
		     ERR_NONE);
	cr_assert(match);
	cr_assert_eq(box->structures, 1);
	imap_search_run_free(&worker);
	box_free(&box);
}

/* ---- syntax ---- */

static const struct {
	const char *keys;
	const char *program; /* or the text of the BAD */
} programs[] = {
	{ "SEEN (BODY x FLAGGED) SUBJECT y",
	  "DONE a SEARCH (and (flag \\Seen) (flag \\Flagged) (subject \"y\") "
	  "(body \"x\"))\n" },
	{ "OR BODY x OR SEEN FROM y",
	  "DONE a SEARCH (or (flag \\Seen) (from \"y\") (body \"x\"))\n" },
	{ "(SEEN)", "DONE a SEARCH (flag \\Seen)\n" },
	{ "CHARSET utf-8 FROM x", "DONE a SEARCH (from \"x\")\n" },
	{ "CHARSET \"US-ASCII\" FROM x", "DONE a SEARCH (from \"x\")\n" },
	{ "CHARSET x-unknown FROM x", "DONE a SEARCH badcharset\n" },
	{ "CHARSET x-unknown BOGUS x", "BAD a Unknown search key\n" },
	{ "RETURN () CHARSET UTF-8 ALL", "DONE a SEARCH return ALL (true)\n" },
	{ "RETURN (MIN MIN SAVE) ALL",
	  "DONE a SEARCH return MIN SAVE (true)\n" },
	{ "RETURN (CONTEXT) ALL", "BAD a Unknown RETURN option\n" },
	{ "RETURN ALL", "BAD a List expected\n" },
	{ "()", "BAD a Unknown search key\n" },
	{ "(SEEN", "BAD a \")\" expected\n" },
	{ "SEEN)", "BAD a Unexpected text behind the command\n" },
	{ "NOT", "BAD a Missing argument\n" },
	{ "OR SEEN", "BAD a Missing argument\n" },
	{ "FROM", "BAD a Missing argument\n" },
	{ "HEADER x", "BAD a Missing argument\n" },
	{ "KEYWORD \\Seen", "BAD a Atom expected\n" },
	{ "LARGER x", "BAD a Number expected\n" },
	{ "YOUNGER 0", "BAD a Number out of range\n" },
	{ "ON 30-Feb-1994", "BAD a Bad date\n" },
	{ "ON 1-Xyz-1994", "BAD a Bad date\n" },
	{ "UID x", "BAD a Bad sequence set\n" },
	{ "MODSEQ \"/flags/x\" nobody 1", "BAD a Bad entry type\n" },
	{ "1,", "BAD a Bad sequence set\n" },
	{ "SEENX", "BAD a Unknown search key\n" },
};

Test(search, has_one_form_for_each_program)
{
	struct imap_parser_mode mode = { .authenticated = true };
	struct buf text = { 0 };
	struct buf seen = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		buf_printf(&text, "a SEARCH %s\r\n", programs[i].keys);
		transcript_run(&mode, buf_slice(&text), 5, &seen);
		cr_assert_str_eq(buf_cstr(&seen), programs[i].program);
		buf_clear(&text);
		buf_clear(&seen);
	}
	buf_fini(&text);
	buf_fini(&seen);
}

Test(search, takes_no_other_charset_once_utf8_is_enabled)
{
	struct imap_parser_mode mode = { .authenticated = true, .utf8 = true };
	struct buf seen = { 0 };

	transcript_run(&mode,
		       SLICE_LIT("a SEARCH CHARSET UTF-8 ALL\r\n"
				 "b SEARCH CHARSET ISO-8859-1 ALL\r\n"),
		       100, &seen);
	cr_assert_str_eq(buf_cstr(&seen),
			 "DONE a SEARCH (true)\n"
			 "BAD b CHARSET contradicts UTF8=ACCEPT\n");
	buf_fini(&seen);
}

/* A chain of `count` keys in front of ALL, as a transcript. */
static void run_chain(const char *key, int count, struct buf *seen)
{
	struct imap_parser_mode mode = { .authenticated = true };
	struct buf text = { 0 };

	buf_clear(seen);
	buf_add_str(&text, "a SEARCH ");
	for (int i = 0; i < count; i++)
		buf_add_str(&text, key);
	buf_add_str(&text, "ALL\r\n");
	transcript_run(&mode, buf_slice(&text), 1000, seen);
	buf_fini(&text);
}

Test(search, bounds_depth_and_number_of_keys)
{
	struct buf seen = { 0 };

	run_chain("OR SEEN ", 255, &seen);
	cr_assert(slice_has_prefix(buf_slice(&seen),
				   SLICE_LIT("DONE a SEARCH (or (true)")) ||
		  slice_has_prefix(buf_slice(&seen),
				   SLICE_LIT("DONE a SEARCH (or (flag")));
	run_chain("OR SEEN ", 256, &seen);
	cr_assert_str_eq(buf_cstr(&seen), "BAD a Search keys nest too deep\n");
	run_chain("NOT ", 256, &seen);
	cr_assert_str_eq(buf_cstr(&seen), "BAD a Search keys nest too deep\n");
	run_chain("(", 257, &seen);
	cr_assert_str_eq(buf_cstr(&seen), "BAD a Search keys nest too deep\n");
	run_chain("SEEN ", IMAP_SEARCH_KEYS_MAX - 2, &seen);
	cr_assert(slice_has_prefix(buf_slice(&seen), SLICE_LIT("DONE")));
	run_chain("SEEN ", IMAP_SEARCH_KEYS_MAX, &seen);
	cr_assert_str_eq(buf_cstr(&seen), "BAD a Too many search keys\n");
	buf_fini(&seen);
}
