/*
 * Channels: whatever another node says is refused or understood; a question
 * that is understood is asked again in the same octets.
 *
 * The first octet says what the others are: a stream of frames, a hello, the
 * answer to a question of some kind, or (others) a question.
 */
#include <stdint.h>

#include "base/panic.h"
#include "imap/search.h"
#include "proxy/channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAILBOX 1

static void frames(struct slice in)
{
	struct channel_reader whole = { 0 };
	struct channel_reader octets = { 0 };
	struct slice rest = in;
	enum channel_read read = channel_reader_feed(&whole, &rest);
	enum channel_read last = CHANNEL_READ_MORE;
	size_t taken = in.len - rest.len;

	for (size_t i = 0; i < taken; i++) {
		struct slice one = slice_of(in.data + i, 1);

		last = channel_reader_feed(&octets, &one);
	}
	MUST(last == read);
	MUST(slice_eq(buf_slice(&whole.body), buf_slice(&octets.body)));
	channel_reader_fini(&whole);
	channel_reader_fini(&octets);
}

static void hello(struct slice in)
{
	struct channel_hello hello;
	struct buf out = { 0 };

	if (channel_hello_decode(in, &hello) == ERR_NONE) {
		channel_hello_encode(&hello, &out);
		MUST(slice_eq(buf_slice(&out), in));
	}
	buf_fini(&out);
}

/* ---- questions ---- */

static enum err no_octets(struct imap_search_reader *reader unused_arg,
			  const struct imap_row *row unused_arg,
			  uint64_t offset unused_arg, size_t len unused_arg,
			  struct buf *out unused_arg)
{
	return ERR_MISSING_BODY;
}

static enum err no_structure(struct imap_search_reader *reader unused_arg,
			     const struct imap_row *row unused_arg,
			     struct slice *structure_r unused_arg)
{
	return ERR_MISSING_BODY;
}

/* A program of another node is run. */
static void match(const struct imap_search *program)
{
	struct imap_search_reader reader = { no_octets, no_structure };
	struct imap_search_run *run = imap_search_run_new(program, &reader);
	struct imap_row row = { .uid = 3, .modseq = 7, .size = 100 };
	bool is;

	if (imap_search_match(run, &row, &is))
		is = false;
	imap_search_run_free(&run);
}

static void question(struct slice in, struct imap_view *base)
{
	struct arena arena = { 0 };
	struct channel_asked asked;
	struct channel_ask with = { .base = base };
	struct buf out = { 0 };

	if (channel_ask_decode(in, &arena, base, &asked) == ERR_NONE) {
		with.mailbox = asked.mailbox;
		with.floor = asked.floor;
		if (asked.ask.head.kind == IMAP_ASK_SEARCH)
			match(asked.ask.search.program);
		channel_ask_encode(&asked.ask.head, &with, &out);
		MUST(slice_eq(slice_from(buf_slice(&out), CHANNEL_HEAD), in));
		channel_asked_fini(&asked);
	}
	buf_fini(&out);
	arena_fini(&arena);
}

/* ---- answers ---- */

static void answer(struct slice in, enum imap_ask_kind kind,
		   struct imap_view *base)
{
	struct imap_read_piece pieces[2] = { { .len = 3 }, { .len = 0 } };
	struct arena arena = { 0 };
	struct channel_asked asked = { 0 };
	struct channel_answer with;

	asked.ask.head.kind = kind;
	asked.ask.head.arena = &arena;
	if (kind == IMAP_ASK_SYNC)
		asked.ask.sync.view = base;
	if (kind == IMAP_ASK_ROWS)
		asked.ask.rows.want = IMAP_ROWS_FIXED | IMAP_ROWS_STRUCTURE;
	if (kind == IMAP_ASK_READ) {
		asked.ask.read.pieces = pieces;
		asked.ask.read.count = 2;
	}
	if (channel_answer_decode(in, &asked.ask.head, &with) == ERR_NONE)
		channel_asked_fini(&asked);
	arena_fini(&arena);
}

static const enum imap_ask_kind kinds[] = {
	IMAP_ASK_OPEN, IMAP_ASK_SYNC,      IMAP_ASK_STATUS, IMAP_ASK_ROWS,
	IMAP_ASK_READ, IMAP_ASK_STRUCTURE, IMAP_ASK_SEARCH, IMAP_ASK_CHANGES,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uidset uids = { 0 };
	struct imap_view *base;
	struct slice in;

	if (size == 0)
		return 0;
	in = slice_of(data + 1, size - 1);
	uidset_add(&uids, 1, 5);
	base = imap_view_new(MAILBOX, 9, 6, &uids);
	if (data[0] == 'F')
		frames(in);
	else if (data[0] == 'H')
		hello(in);
	else if (data[0] < ARRAY_LEN(kinds))
		answer(in, kinds[data[0]], base);
	else
		question(in, base);
	imap_view_unref(&base);
	return 0;
}
