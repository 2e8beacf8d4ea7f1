/*
 * Channels: what one node asks arrives at the other, and the answer comes back.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/mem.h"
#include "imap/parser.h"
#include "imap/search.h"
#include "proxy/channel.h"

#define MAILBOX 77
#define FLOOR 1234

/* Two ends, and what is on its way between them. */
struct pair {
	struct arena near; /* of the client's session */
	struct arena far;
	struct buf wire;
	struct channel_reader reader;
	struct uidset uids;
	struct imap_view *base; /* both hold it */
	struct channel_asked asked;
	struct channel_answer with;
	bool octets; /* octet by octet */
};

static struct pair *pair_new(void)
{
	struct pair *pair = mem_zalloc(1, sizeof(*pair));
	struct uidset uids = { 0 };

	uidset_add(&pair->uids, 1, 4);
	uidset_add(&pair->uids, 9, 9);
	uidset_add(&pair->uids, 100000, 100010);
	uidset_copy(&uids, &pair->uids);
	pair->base = imap_view_new(MAILBOX, 50, 100011, &uids);
	return pair;
}

static void pair_free(struct pair **pairp)
{
	struct pair *pair = *pairp;

	*pairp = NULL;
	arena_fini(&pair->near);
	arena_fini(&pair->far);
	buf_fini(&pair->wire);
	channel_reader_fini(&pair->reader);
	uidset_fini(&pair->uids);
	imap_view_unref(&pair->base);
	mem_free(pair);
}

/* The one frame that is on its way. */
static struct slice receive(struct pair *pair, enum channel_type type)
{
	struct slice in = buf_slice(&pair->wire);
	enum channel_read read = CHANNEL_READ_MORE;

	if (!pair->octets)
		read = channel_reader_feed(&pair->reader, &in);
	while (read == CHANNEL_READ_MORE && in.len) {
		struct slice one = slice_of(in.data, 1);

		read = channel_reader_feed(&pair->reader, &one);
		cr_assert_eq(one.len, 0);
		in = slice_from(in, 1);
	}
	cr_assert_eq(read, CHANNEL_READ_DONE);
	cr_assert_eq(in.len, 0);
	cr_assert_eq(pair->reader.type, type);
	buf_clear(&pair->wire);
	return buf_slice(&pair->reader.body);
}

static void ask(struct pair *pair, struct imap_ask *ask)
{
	struct channel_ask with = { MAILBOX, FLOOR, pair->base };
	struct slice body;

	ask->arena = &pair->near;
	channel_ask_encode(ask, &with, &pair->wire);
	body = receive(pair, CHANNEL_ASK);
	cr_assert_eq(channel_ask_decode(arena_slice(&pair->far, body),
					&pair->far, pair->base, &pair->asked),
		     ERR_NONE);
	cr_assert_eq(pair->asked.ask.head.kind, ask->kind);
	cr_assert_eq(pair->asked.mailbox, MAILBOX);
	cr_assert_eq(pair->asked.floor, FLOOR);
}

static void answer(struct pair *pair, struct imap_ask *ask)
{
	struct channel_answer with = { true, 5000 };

	channel_answer_encode(&pair->asked.ask.head, &with, &pair->wire);
	cr_assert_eq(channel_answer_decode(receive(pair, CHANNEL_ANSWER), ask,
					   &pair->with),
		     ERR_NONE);
	cr_assert(pair->with.changed);
	cr_assert_eq(pair->with.applied, 5000);
	channel_asked_fini(&pair->asked);
}

/* Each conversation is had twice: in whole frames and in single octets. */
static void converse(void (*talk)(struct pair *pair))
{
	for (int octets = 0; octets <= 1; octets++) {
		struct pair *pair = pair_new();

		pair->octets = octets;
		talk(pair);
		pair_free(&pair);
	}
}

/* ---- hello ---- */

Test(channel, hello_says_for_whom)
{
	struct channel_hello hello = { 7, SLICE_LIT("john") };
	struct channel_hello got;
	struct buf head = { 0 };

	channel_hello_encode(&hello, &head);
	cr_assert_eq(channel_hello_decode(buf_slice(&head), &got), ERR_NONE);
	cr_assert_eq(got.group, 7);
	cr_assert(slice_eq(got.user, hello.user));
	for (size_t len = 0; len < head.len; len++)
		cr_assert_eq(
			channel_hello_decode(slice_of(head.data, len), &got),
			ERR_SYNTAX);
	head.data[0] = 9;
	cr_assert_eq(channel_hello_decode(buf_slice(&head), &got), ERR_VERSION);
	buf_fini(&head);
}

/* ---- asks ---- */

static void open_talk(struct pair *pair)
{
	static struct slice keywords[] = { { (const uint8_t *)"$Junk", 5 },
					   { (const uint8_t *)"", 0 } };
	struct imap_ask_open open = { .ask.kind = IMAP_ASK_OPEN,
				      .mailbox_id = MAILBOX };
	struct imap_ask_open *far = &pair->asked.ask.open;

	ask(pair, &open.ask);
	far->view = imap_view_ref(pair->base);
	far->first_unseen = 9;
	far->keywords = keywords;
	far->keyword_count = 2;
	answer(pair, &open.ask);
	cr_assert(uidset_eq(&open.view->uids, &pair->uids));
	cr_assert_eq(open.view->mailbox_id, MAILBOX);
	cr_assert_eq(open.view->modseq, 50);
	cr_assert_eq(open.view->uidnext, 100011);
	cr_assert_eq(open.first_unseen, 9);
	cr_assert_eq(open.keyword_count, 2);
	cr_assert(slice_eq(open.keywords[0], keywords[0]));
	imap_view_unref(&open.view);
}

Test(channel, open_brings_a_view)
{
	converse(open_talk);
}

/* Answers that 9 has gone, 100011 has come and 3 is flagged. */
static void answer_sync(struct pair *pair, struct imap_ask_sync *sync)
{
	static struct slice keywords[] = { { (const uint8_t *)"a", 1 } };
	struct imap_row row = { .uid = 3, .flags = 5, .modseq = 52 };
	struct imap_ask_sync *far = &pair->asked.ask.sync;
	struct uidset uids = { 0 };

	cr_assert(uidset_eq(&far->view->uids, &sync->view->uids));
	cr_assert_eq(far->view->modseq, sync->view->modseq);
	cr_assert(far->read_index);
	row.keywords[1] = UINT64_C(1) << 63;
	uidset_copy(&uids, &far->view->uids);
	uidset_remove(&uids, 9, 9);
	uidset_add(&uids, 100011, 100011);
	far->now = imap_view_new(MAILBOX, 53, 100012, &uids);
	far->keywords = keywords;
	far->keyword_count = 1;
	far->changed = &row;
	far->changed_count = 1;
	answer(pair, &sync->ask);
	cr_assert_not(uidset_has(&sync->now->uids, 9));
	cr_assert(uidset_has(&sync->now->uids, 100011));
	cr_assert_eq(uidset_size(&sync->now->uids),
		     uidset_size(&sync->view->uids));
	cr_assert_eq(sync->now->modseq, 53);
	cr_assert_eq(sync->changed_count, 1);
	cr_assert_eq(sync->changed[0].uid, 3);
	cr_assert_eq(sync->changed[0].flags, 5);
	cr_assert_eq(sync->changed[0].keywords[1], UINT64_C(1) << 63);
	cr_assert_eq(sync->keyword_count, 1);
	imap_view_unref(&sync->now);
}

static void sync_talk(struct pair *pair)
{
	struct imap_ask_sync sync = { .ask.kind = IMAP_ASK_SYNC,
				      .view = pair->base,
				      .read_index = true };

	ask(pair, &sync.ask);
	cr_assert_eq(pair->asked.ask.sync.view, pair->base, "it is known");
	answer_sync(pair, &sync);
}

Test(channel, sync_tells_what_differs_from_the_view_that_both_know)
{
	converse(sync_talk);
}

static void sync_other_talk(struct pair *pair)
{
	struct imap_ask_sync sync = { .ask.kind = IMAP_ASK_SYNC,
				      .read_index = true };
	struct uidset uids = { 0 };

	uidset_add(&uids, 2, 9);
	sync.view = imap_view_new(MAILBOX, 40, 10, &uids);
	ask(pair, &sync.ask);
	answer_sync(pair, &sync);
	imap_view_unref(&sync.view);
}

Test(channel, sync_brings_a_view_that_only_the_session_knows)
{
	converse(sync_other_talk);
}

static void rows_talk(struct pair *pair)
{
	struct imap_ask_rows rows = {
		.ask.kind = IMAP_ASK_ROWS,
		.uids = &pair->uids,
		.from = 4,
		.changed_since = 17,
		.want = IMAP_ROWS_FIXED | IMAP_ROWS_STRUCTURE,
	};
	struct imap_row row = {
		.uid = 4,
		.flags = 3,
		.modseq = 60,
		.internal_date_s = -5,
		.internal_zone_min = -300,
		.size = UINT64_C(1) << 40,
		.body.octets = { 1, 2, 3 },
		.structure = SLICE_LIT("structure"),
	};
	struct imap_ask_rows *far = &pair->asked.ask.rows;

	ask(pair, &rows.ask);
	cr_assert(uidset_eq(far->uids, &pair->uids));
	cr_assert_eq(far->from, 4);
	cr_assert_eq(far->changed_since, 17);
	cr_assert_eq(far->want, rows.want);
	cr_assert_eq(far->mailbox_id, MAILBOX);
	far->rows = &row;
	far->count = 1;
	far->next = 9;
	answer(pair, &rows.ask);
	cr_assert_eq(rows.next, 9);
	cr_assert_eq(rows.count, 1);
	cr_assert_eq(rows.rows[0].internal_date_s, -5);
	cr_assert_eq(rows.rows[0].internal_zone_min, -300);
	cr_assert_eq(rows.rows[0].size, row.size);
	cr_assert_eq(rows.rows[0].body.octets[2], 3);
	cr_assert(slice_eq(rows.rows[0].structure, row.structure));
}

Test(channel, rows_come_with_what_was_wanted)
{
	converse(rows_talk);
}

static void read_talk(struct pair *pair)
{
	struct imap_read_piece pieces[2] = {
		{ .body.octets = { 9 }, .offset = 5, .len = 3 },
		{ .body.octets = { 8 }, .offset = 0, .len = 1 },
	};
	struct imap_ask_read read = { .ask.kind = IMAP_ASK_READ,
				      .pieces = pieces,
				      .count = 2 };
	struct imap_ask_read *far = &pair->asked.ask.read;

	ask(pair, &read.ask);
	cr_assert_eq(far->count, 2);
	cr_assert_eq(far->pieces[0].body.octets[0], 9);
	cr_assert_eq(far->pieces[0].offset, 5);
	far->pieces[0].octets = SLICE_LIT("abc");
	far->pieces[1].err = ERR_MISSING_BODY;
	answer(pair, &read.ask);
	cr_assert_eq(pieces[0].err, ERR_NONE);
	cr_assert(slice_eq(pieces[0].octets, SLICE_LIT("abc")));
	cr_assert_eq(pieces[1].err, ERR_MISSING_BODY);
}

Test(channel, octets_of_bodies_come_piece_by_piece)
{
	converse(read_talk);
}

static void changes_talk(struct pair *pair)
{
	struct imap_ask_changes changes = { .ask.kind = IMAP_ASK_CHANGES,
					    .since = 12,
					    .within = &pair->uids };
	struct imap_ask_changes *far = &pair->asked.ask.changes;

	ask(pair, &changes.ask);
	cr_assert_eq(far->since, 12);
	cr_assert(uidset_eq(far->within, &pair->uids));
	uidset_add(&far->vanished, 2, 3);
	answer(pair, &changes.ask);
	cr_assert_eq(uidset_size(&changes.vanished), 2);
	uidset_fini(&changes.vanished);

	changes = (struct imap_ask_changes){ .ask.kind = IMAP_ASK_CHANGES };
	ask(pair, &changes.ask);
	cr_assert_null(far->within);
	answer(pair, &changes.ask);
	uidset_fini(&changes.vanished);
}

Test(channel, changes_are_asked_within_a_set_or_not)
{
	converse(changes_talk);
}

static void status_talk(struct pair *pair)
{
	struct imap_ask_status status = { .ask.kind = IMAP_ASK_STATUS };
	struct imap_ask_status *far = &pair->asked.ask.status;

	ask(pair, &status.ask);
	far->messages = 1;
	far->unseen = 2;
	far->deleted = 3;
	far->size = UINT64_MAX;
	far->highestmodseq = 5;
	far->uidnext = UINT32_MAX;
	answer(pair, &status.ask);
	cr_assert_eq(status.messages, 1);
	cr_assert_eq(status.unseen, 2);
	cr_assert_eq(status.deleted, 3);
	cr_assert_eq(status.size, UINT64_MAX);
	cr_assert_eq(status.highestmodseq, 5);
	cr_assert_eq(status.uidnext, UINT32_MAX);
}

Test(channel, status_brings_counts)
{
	converse(status_talk);
}

static void structure_talk(struct pair *pair)
{
	struct imap_ask_structure structure = { .ask.kind = IMAP_ASK_STRUCTURE,
						.body.octets = { 4 } };

	ask(pair, &structure.ask);
	cr_assert_eq(pair->asked.ask.structure.body.octets[0], 4);
	pair->asked.ask.structure.structure = SLICE_LIT("parts");
	answer(pair, &structure.ask);
	cr_assert(slice_eq(structure.structure, SLICE_LIT("parts")));
}

Test(channel, structure_is_made_there)
{
	converse(structure_talk);
}

/* ---- SEARCH ---- */

static struct imap_search *program(struct pair *pair, const char *line)
{
	struct imap_parser_mode mode = { .authenticated = true };
	struct imap_parser *parser = imap_parser_new();
	struct slice in = slice_str(line);
	struct imap_search_bind bind = { .view = &pair->uids, .now_s = 1000 };
	struct imap_search *search;

	imap_parser_set_mode(parser, &mode);
	imap_parser_start(parser, &pair->near);
	cr_assert_eq(imap_parser_feed(parser, &in), IMAP_FEED_DONE);
	search = imap_parser_command(parser)->search.program;
	imap_parser_free(&parser);
	cr_assert_eq(imap_search_bind(search, &pair->near, &bind), ERR_NONE);
	return search;
}

static void search_talk(struct pair *pair)
{
	struct imap_ask_search search = { .ask.kind = IMAP_ASK_SEARCH,
					  .view = pair->base,
					  .uids = &pair->uids };
	struct imap_ask_search *far = &pair->asked.ask.search;

	search.program = program(pair, "a SEARCH OR 2:3 FROM \"fred\" "
				       "MODSEQ 5 YOUNGER 10\r\n");
	ask(pair, &search.ask);
	cr_assert(uidset_eq(far->uids, &pair->uids));
	cr_assert_eq(far->view->mailbox_id, MAILBOX);
	cr_assert_eq(imap_search_wants(far->program),
		     imap_search_wants(search.program));
	cr_assert(imap_search_has_modseq(far->program));
	uidset_add(&far->matches, 3, 3);
	far->max_modseq = 6;
	far->first_modseq = 7;
	far->last_modseq = 8;
	answer(pair, &search.ask);
	cr_assert_eq(uidset_size(&search.matches), 1);
	cr_assert_eq(search.max_modseq, 6);
	cr_assert_eq(search.first_modseq, 7);
	cr_assert_eq(search.last_modseq, 8);
	uidset_fini(&search.matches);
}

Test(channel, search_is_bound_here_and_run_there)
{
	converse(search_talk);
}

/* ---- what goes wrong ---- */

Test(channel, an_error_is_an_answer)
{
	struct pair *pair = pair_new();
	struct imap_ask_rows rows = { .ask.kind = IMAP_ASK_ROWS,
				      .uids = &pair->uids };

	ask(pair, &rows.ask);
	pair->asked.ask.head.err = ERR_GONE;
	answer(pair, &rows.ask);
	cr_assert_eq(rows.ask.err, ERR_GONE);
	cr_assert_eq(rows.count, 0);
	pair_free(&pair);
}

Test(channel, an_answer_to_another_question_is_none)
{
	struct pair *pair = pair_new();
	struct imap_ask_status status = { .ask.kind = IMAP_ASK_STATUS };
	struct imap_ask_open open = { .ask.kind = IMAP_ASK_OPEN };
	struct channel_answer with = { 0 };

	ask(pair, &status.ask);
	channel_answer_encode(&pair->asked.ask.head, &with, &pair->wire);
	cr_assert_eq(channel_answer_decode(receive(pair, CHANNEL_ANSWER),
					   &open.ask, &with),
		     ERR_SYNTAX);
	channel_asked_fini(&pair->asked);
	pair_free(&pair);
}

Test(channel, a_cut_ask_or_answer_is_refused)
{
	struct pair *pair = pair_new();
	struct imap_ask_changes changes = { .ask.kind = IMAP_ASK_CHANGES,
					    .within = &pair->uids,
					    .ask.arena = &pair->near };
	struct channel_ask with = { MAILBOX, FLOOR, NULL };
	struct channel_answer said = { 0 };
	struct slice body;

	channel_ask_encode(&changes.ask, &with, &pair->wire);
	body = receive(pair, CHANNEL_ASK);
	for (size_t len = 0; len < body.len; len++)
		cr_assert_neq(channel_ask_decode(slice_of(body.data, len),
						 &pair->far, NULL,
						 &pair->asked),
			      ERR_NONE);
	uidset_copy(&changes.vanished, &pair->uids);
	channel_answer_encode(&changes.ask, &said, &pair->wire);
	uidset_fini(&changes.vanished);
	body = receive(pair, CHANNEL_ANSWER);
	for (size_t len = 0; len < body.len; len++)
		cr_assert_neq(channel_answer_decode(slice_of(body.data, len),
						    &changes.ask, &said),
			      ERR_NONE);
	cr_assert_eq(changes.vanished.count, 0);
	pair_free(&pair);
}

Test(channel, a_view_that_nobody_has_is_refused)
{
	struct pair *pair = pair_new();
	struct imap_ask_sync sync = { .ask.kind = IMAP_ASK_SYNC,
				      .view = pair->base };
	struct channel_ask with = { MAILBOX, FLOOR, pair->base };

	channel_ask_encode(&sync.ask, &with, &pair->wire);
	cr_assert_eq(channel_ask_decode(receive(pair, CHANNEL_ASK), &pair->far,
					NULL, &pair->asked),
		     ERR_SYNTAX);
	pair_free(&pair);
}

Test(channel, frames_without_limit_are_refused)
{
	static const uint8_t large[] = { 0, 0, 0, 5, CHANNEL_ASK };
	static const uint8_t unknown[] = { 0, 0, 0, 0, 99 };
	struct channel_reader reader = { 0 };
	struct slice in = slice_of(large, sizeof(large));

	cr_assert_eq(channel_reader_feed(&reader, &in), CHANNEL_READ_BAD);
	reader = (struct channel_reader){ 0 };
	in = slice_of(unknown, sizeof(unknown));
	cr_assert_eq(channel_reader_feed(&reader, &in), CHANNEL_READ_BAD);
	channel_reader_fini(&reader);
}

Test(channel, frames_follow_each_other)
{
	struct channel_reader reader = { 0 };
	struct buf wire = { 0 };
	struct slice in;

	channel_frame_end(&wire, channel_frame_begin(&wire, CHANNEL_CHANGED));
	channel_frame_end(&wire, channel_frame_begin(&wire, CHANNEL_LEAVE));
	in = buf_slice(&wire);
	cr_assert_eq(channel_reader_feed(&reader, &in), CHANNEL_READ_DONE);
	cr_assert_eq(reader.type, CHANNEL_CHANGED);
	cr_assert_eq(channel_reader_feed(&reader, &in), CHANNEL_READ_DONE);
	cr_assert_eq(reader.type, CHANNEL_LEAVE);
	cr_assert_eq(channel_reader_feed(&reader, &in), CHANNEL_READ_MORE);
	channel_reader_fini(&reader);
	buf_fini(&wire);
}
