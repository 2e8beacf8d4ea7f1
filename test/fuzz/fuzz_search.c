/*
 * Search programs: a message matches a program or its NOT, never both, and the
 * cached structure of a message changes nothing.
 *
 * The input is what stands behind "SEARCH "; messages are a few fixed ones.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/panic.h"
#include "imap/parser.h"
#include "imap/search.h"
#include "mail/structure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const messages[] = {
	"From: a@b\r\nSubject: one\r\nDate: Mon, 7 Feb 1994 21:52:25 -0800\r\n"
	"\r\ntext\r\n",
	"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
	"--x\r\n\r\none\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n"
	"Subject: two\r\n\r\nthree\r\n--x--\r\n",
	"\r\n",
};

static enum err read_octets(struct imap_search_reader *reader unused_arg,
			    const struct imap_row *row, uint64_t offset,
			    size_t len, struct buf *out)
{
	struct slice raw = slice_str(messages[row->uid - 1]);

	MUST(offset <= raw.len);
	MUST(len <= raw.len - offset);
	buf_add(out, raw.data + offset, len);
	return ERR_NONE;
}

static struct arena structures;

static enum err make_structure(struct imap_search_reader *reader unused_arg,
			       const struct imap_row *row,
			       struct slice *structure_r)
{
	struct slice raw = slice_str(messages[row->uid - 1]);
	struct buf octets = { 0 };

	MUST(mail_structure_encode(mime_parse(raw, &structures),
				   MAIL_STRUCTURE_MAX, &octets) == ERR_NONE);
	*structure_r = arena_slice(&structures, buf_slice(&octets));
	buf_fini(&octets);
	return ERR_NONE;
}

/* NULL: that is no search command. */
static struct imap_search *parse(struct slice keys, const char *before,
				 const char *after, struct arena *arena)
{
	struct imap_parser_mode mode = { .authenticated = true,
					 .literal_plus = true };
	struct imap_parser *parser = imap_parser_new();
	struct imap_search *search = NULL;
	struct buf text = { 0 };
	struct slice in;

	buf_printf(&text, "a SEARCH %s", before);
	buf_add_slice(&text, keys);
	buf_printf(&text, "%s\r\n", after);
	in = buf_slice(&text);
	imap_parser_set_mode(parser, &mode);
	imap_parser_start(parser, arena);
	if (imap_parser_feed(parser, &in) == IMAP_FEED_DONE && in.len == 0)
		search = imap_parser_command(parser)->search.program;
	imap_parser_free(&parser);
	buf_fini(&text);
	return search;
}

static bool bind(struct imap_search *search, struct arena *arena)
{
	struct uidset view = { 0 };
	struct imap_search_bind values = { .view = &view, .now_s = 1000 };
	enum err err;

	uidset_add(&view, 1, ARRAY_LEN(messages));
	err = imap_search_bind(search, arena, &values);
	uidset_fini(&view);
	return err == ERR_NONE;
}

static bool match(const struct imap_search *search, uint32_t uid, bool cached)
{
	struct imap_search_reader reader = { read_octets, make_structure };
	struct imap_search_run *run = imap_search_run_new(search, &reader);
	struct imap_row row = { .uid = uid, .flags = uid, .modseq = uid };
	bool found = false;

	row.size = strlen(messages[uid - 1]);
	if (cached)
		MUST(make_structure(&reader, &row, &row.structure) == ERR_NONE);
	MUST(imap_search_match(run, &row, &found) == ERR_NONE);
	imap_search_run_free(&run);
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice keys = slice_of(data, size);
	struct arena arena = { 0 };
	struct imap_search *search = parse(keys, "", "", &arena);
	struct imap_search *opposite = parse(keys, "NOT (", ")", &arena);

	if (search != NULL && bind(search, &arena)) {
		for (uint32_t uid = 1; uid <= ARRAY_LEN(messages); uid++) {
			bool found = match(search, uid, false);

			MUST(match(search, uid, true) == found);
			if (opposite != NULL && bind(opposite, &arena))
				MUST(match(opposite, uid, false) != found);
		}
	}
	arena_fini(&arena);
	arena_fini(&structures);
	return 0;
}
