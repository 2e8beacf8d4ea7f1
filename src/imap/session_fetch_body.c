/*
 * Octets of bodies for FETCH: BODY[...], BINARY[...], RFC822.*.
 *
 * An item goes through stages (enum fetch_stage), each resumable: what it
 * needs is taken from the pieces at hand, or asked for together with what the
 * next items and rows will need (plan), up to IMAP_READ_OCTETS_MAX at once.
 *
 * The head of a literal promises its length. Octets are read before their head
 * is written, so an unreadable body is NIL and a tagged NO; only a body whose
 * later pieces fail costs the connection.
 */
#include <string.h>

#include "base/panic.h"
#include "imap/session_fetch.h"

/* What an item means, under whatever name. */
struct wanted {
	enum mail_section section;
	const uint32_t *part;
	size_t depth;
};

static const struct imap_row *row_of(const struct session_fetch *fetch)
{
	return &fetch->rows[fetch->row];
}

static struct wanted wanted_of(const struct imap_fetch_item *item)
{
	struct wanted wanted = { MAIL_SECTION_ALL, item->section.part,
				 item->section.depth };

	if (item->kind == IMAP_FETCH_RFC822_HEADER)
		wanted.section = MAIL_SECTION_HEADER;
	if (item->kind == IMAP_FETCH_RFC822_TEXT)
		wanted.section = MAIL_SECTION_TEXT;
	if (item->kind != IMAP_FETCH_SECTION)
		return wanted;
	switch (item->section.text) {
	case IMAP_SECTION_ALL:
		break;
	case IMAP_SECTION_HEADER:
	case IMAP_SECTION_HEADER_FIELDS:
	case IMAP_SECTION_HEADER_FIELDS_NOT:
		wanted.section = MAIL_SECTION_HEADER;
		break;
	case IMAP_SECTION_TEXT:
		wanted.section = MAIL_SECTION_TEXT;
		break;
	case IMAP_SECTION_MIME:
		wanted.section = MAIL_SECTION_MIME;
		break;
	}
	return wanted;
}

static bool is_filter(const struct imap_fetch_item *item)
{
	return item->kind == IMAP_FETCH_SECTION &&
	       (item->section.text == IMAP_SECTION_HEADER_FIELDS ||
		item->section.text == IMAP_SECTION_HEADER_FIELDS_NOT);
}

static bool is_binary(const struct imap_fetch_item *item)
{
	return item->kind == IMAP_FETCH_BINARY ||
	       item->kind == IMAP_FETCH_BINARY_SIZE;
}

/* The whole message, for which no structure is needed. */
static bool is_whole(const struct wanted *wanted)
{
	return wanted->section == MAIL_SECTION_ALL && wanted->depth == 0;
}

/* ---- structures ---- */

static const struct mime_part *decode(struct session_fetch *fetch, size_t row,
				      struct slice octets)
{
	const struct mime_part *root = NULL;

	if (!fetch->roots[row] && octets.len &&
	    mail_structure_decode(octets, &fetch->rows_arena, &root) ==
		    ERR_NONE)
		fetch->roots[row] = root;
	return fetch->roots[row];
}

/* What could not be read; the tagged NO says so. */
static void failed(struct session_fetch *fetch, enum err err)
{
	fetch->err =
		err_outcome(err) == OUTCOME_UNKNOWN ? ERR_UNAVAILABLE : err;
}

/* Nothing of the row was written: without its structure it is left out. */
static void structure_answered(struct imap_session *session)
{
	const struct imap_ask_structure *answer = &session->ask.structure;
	struct session_fetch *fetch = session->fetch;
	enum err err = answer->ask.err;

	if (!err && !decode(fetch, fetch->row, answer->structure))
		err = ERR_CORRUPT;
	if (err) {
		failed(fetch, err);
		fetch->row++;
	}
	fetch_run(session);
}

bool fetch_root_ready(struct imap_session *session)
{
	struct session_fetch *fetch = session->fetch;

	if (decode(fetch, fetch->row, row_of(fetch)->structure))
		return true;
	session_ask_new(session, IMAP_ASK_STRUCTURE);
	session->ask.head.arena = &fetch->rows_arena;
	session->ask.structure.body = row_of(fetch)->body;
	session_ask(session, structure_answered);
	return false;
}

const struct mime_part *fetch_root(const struct session_fetch *fetch)
{
	MUST(fetch->roots[fetch->row]);
	return fetch->roots[fetch->row];
}

/* ---- pieces ---- */

/* What is at hand from `offset` on of the row's body; NULL: nothing. */
static const struct imap_read_piece *at_hand(const struct session_fetch *fetch,
					     uint64_t offset)
{
	for (size_t i = 0; i < fetch->piece_count; i++) {
		const struct imap_read_piece *piece = &fetch->pieces[i];

		if (piece->offset == offset &&
		    sha256_eq(&piece->body, &row_of(fetch)->body))
			return piece;
	}
	return NULL;
}

/* Adds a piece to the plan; false: the plan is full. */
static bool plan_piece(struct session_fetch *fetch, const struct sha256 *body,
		       uint64_t offset, uint64_t end, uint64_t *budget)
{
	uint64_t len = end - offset;

	if (offset >= end)
		return true;
	if (fetch->piece_count == IMAP_READ_PIECES_MAX || *budget == 0)
		return false;
	if (len > *budget)
		len = *budget;
	fetch->pieces[fetch->piece_count++] = (struct imap_read_piece){
		.body = *body,
		.offset = offset,
		.len = (uint32_t)len,
	};
	*budget -= len;
	return offset + len == end;
}

/*
 * The octets of the message that an item reads first; false: unknown without
 * an ask, or there are none.
 */
static bool range_of(struct session_fetch *fetch, size_t row,
		     const struct imap_fetch_item *item,
		     struct mail_range *range_r)
{
	struct wanted wanted = wanted_of(item);
	const struct mime_part *root;

	*range_r = (struct mail_range){ 0, fetch->rows[row].size };
	if (!is_whole(&wanted)) {
		root = decode(fetch, row, fetch->rows[row].structure);
		if (!root || mail_section_find(root, wanted.part, wanted.depth,
					       wanted.section, range_r, NULL))
			return false;
	}
	if (item->partial && !is_filter(item) && !is_binary(item)) {
		uint64_t skip = item->offset < range_r->len ? item->offset
							    : range_r->len;

		range_r->offset += skip;
		range_r->len -= skip;
		if (range_r->len > item->length)
			range_r->len = item->length;
	}
	return true;
}

static bool plan_row(struct session_fetch *fetch, size_t row, size_t item,
		     uint64_t *budget)
{
	for (; item < fetch->item_count; item++) {
		struct mail_range range;

		if (!imap_fetch_item_needs_body(&fetch->items[item]) ||
		    !range_of(fetch, row, &fetch->items[item], &range))
			continue;
		if (!plan_piece(fetch, &fetch->rows[row].body, range.offset,
				range.offset + range.len, budget))
			return false;
	}
	return true;
}

/* What fails as a whole fails for each piece. */
static void read_answered(struct imap_session *session)
{
	struct session_fetch *fetch = session->fetch;
	enum err err = session->ask.head.err;

	for (size_t i = 0; err && i < fetch->piece_count; i++)
		fetch->pieces[i].err = err;
	fetch_run(session);
}

/* Reads on at fetch->offset, and ahead. */
static void ask_octets(struct imap_session *session)
{
	struct session_fetch *fetch = session->fetch;
	uint64_t budget = IMAP_READ_OCTETS_MAX;
	bool more;

	arena_clear(&fetch->read_arena);
	fetch->pieces = arena_zalloc(&fetch->read_arena, IMAP_READ_PIECES_MAX,
				     sizeof(*fetch->pieces));
	fetch->piece_count = 0;
	more = plan_piece(fetch, &row_of(fetch)->body, fetch->offset,
			  fetch->end, &budget) &&
	       plan_row(fetch, fetch->row, fetch->item + 1, &budget);
	for (size_t row = fetch->row + 1; more && row < fetch->row_count; row++)
		more = plan_row(fetch, row, 0, &budget);
	session_ask_new(session, IMAP_ASK_READ);
	session->ask.head.arena = &fetch->read_arena;
	session->ask.read.pieces = fetch->pieces;
	session->ask.read.count = fetch->piece_count;
	session_ask(session, read_answered);
}

enum supply {
	SUPPLY_OCTETS, /* some; the offset has moved behind them */
	SUPPLY_END,    /* all were given */
	SUPPLY_WAIT,   /* asked for */
	SUPPLY_FAILED, /* the body cannot be read */
};

/* The next octets of [offset, end). */
static enum supply supply(struct imap_session *session, struct slice *octets_r)
{
	struct session_fetch *fetch = session->fetch;
	const struct imap_read_piece *piece;

	if (fetch->offset >= fetch->end)
		return SUPPLY_END;
	piece = at_hand(fetch, fetch->offset);
	if (!piece) {
		ask_octets(session);
		return SUPPLY_WAIT;
	}
	if (piece->err) {
		failed(fetch, piece->err);
		return SUPPLY_FAILED;
	}
	*octets_r = slice_first(piece->octets,
				(size_t)(fetch->end - fetch->offset));
	fetch->offset += octets_r->len;
	return SUPPLY_OCTETS;
}

/* ---- the stages ---- */

static void write_name(struct imap_session *session,
		       const struct imap_fetch_item *item)
{
	imap_fetch_item_write_name(item, &session->out);
	buf_add_octet(&session->out, ' ');
}

static bool write_nil(struct imap_session *session,
		      const struct imap_fetch_item *item)
{
	write_name(session, item);
	buf_add_str(&session->out,
		    item->kind == IMAP_FETCH_BINARY_SIZE ? "0" : "NIL");
	return true;
}

/* Text that is whole in memory: HEADER.FIELDS, small BINARY. */
static void write_text(struct imap_session *session,
		       const struct imap_fetch_item *item, struct slice text,
		       bool has_nul)
{
	if (item->partial) {
		text = slice_from(text, item->offset < text.len
						? (size_t)item->offset
						: text.len);
		text = slice_first(text, item->length < text.len
						 ? (size_t)item->length
						 : text.len);
	}
	write_name(session, item);
	if (has_nul)
		imap_write_literal8_head(&session->out, text.len);
	else
		imap_write_literal_head(&session->out, text.len);
	buf_add_slice(&session->out, text);
}

/* The rest of the literal as it is; true at its end. */
static bool stage_raw(struct imap_session *session)
{
	struct slice octets;

	for (;;) {
		switch (supply(session, &octets)) {
		case SUPPLY_END:
			return true;
		case SUPPLY_WAIT:
			return false;
		case SUPPLY_FAILED:
			session_drop(session);
			return false;
		case SUPPLY_OCTETS:
			buf_add_slice(&session->out, octets);
			break;
		}
		if (session->fetch->offset < session->fetch->end &&
		    session_wait_output(session, fetch_run))
			return false;
	}
}

static bool begin_raw(struct imap_session *session,
		      const struct imap_fetch_item *item)
{
	struct session_fetch *fetch = session->fetch;
	const struct imap_read_piece *piece = at_hand(fetch, fetch->offset);

	/* The first octets are read before the head is written. */
	if (fetch->offset < fetch->end && !piece) {
		ask_octets(session);
		return false;
	}
	if (piece && piece->err) {
		failed(fetch, piece->err);
		return write_nil(session, item);
	}
	write_name(session, item);
	imap_write_literal_head(&session->out, fetch->end - fetch->offset);
	fetch->stage = FETCH_RAW;
	return stage_raw(session);
}

static bool stage_filter(struct imap_session *session,
			 const struct imap_fetch_item *item)
{
	struct session_fetch *fetch = session->fetch;
	struct slice octets;

	for (;;) {
		switch (supply(session, &octets)) {
		case SUPPLY_OCTETS:
			mail_header_filter_feed(&fetch->filter, octets,
						&fetch->scratch);
			break;
		case SUPPLY_END:
			mail_header_filter_finish(&fetch->filter,
						  &fetch->scratch);
			write_text(session, item, buf_slice(&fetch->scratch),
				   false);
			return true;
		case SUPPLY_WAIT:
			return false;
		case SUPPLY_FAILED:
			return write_nil(session, item);
		}
	}
}

static bool begin_filter(struct imap_session *session,
			 const struct imap_fetch_item *item)
{
	struct session_fetch *fetch = session->fetch;

	/* Fields behind the first MiB are not looked at, as in mail/mime. */
	if (fetch->end - fetch->offset > MIME_HEADER_MAX)
		fetch->end = fetch->offset + MIME_HEADER_MAX;
	buf_clear(&fetch->scratch);
	mail_header_filter_fini(&fetch->filter);
	mail_header_filter_init(
		&fetch->filter, item->section.fields, item->section.field_count,
		item->section.text == IMAP_SECTION_HEADER_FIELDS_NOT);
	fetch->stage = FETCH_FILTER;
	return stage_filter(session, item);
}

/* ---- BINARY ---- */

/* Counts what was decoded since the last call; keeps it while it is small. */
static void count_decoded(struct session_fetch *fetch, size_t before)
{
	size_t fresh = fetch->scratch.len - before;

	fetch->decoded += fresh;
	if (fresh && memchr(fetch->scratch.data + before, 0, fresh))
		fetch->has_nul = true;
	if (fetch->scratch.len <= FETCH_KEEP_MAX && fetch->kept)
		return;
	fetch->kept = false;
	buf_clear(&fetch->scratch);
}

/* Sends what falls into the part that was asked for. */
static void send_decoded(struct imap_session *session)
{
	struct session_fetch *fetch = session->fetch;
	struct slice text = buf_slice(&fetch->scratch);
	size_t skip = fetch->skip < text.len ? (size_t)fetch->skip : text.len;

	fetch->skip -= skip;
	text = slice_from(text, skip);
	if (text.len > fetch->take)
		text.len = (size_t)fetch->take;
	fetch->take -= text.len;
	buf_add_slice(&session->out, text);
	buf_clear(&fetch->scratch);
}

/* The literal of a BINARY that was too large to keep; true at its end. */
static bool stage_decode(struct imap_session *session)
{
	struct session_fetch *fetch = session->fetch;
	struct slice octets;

	for (;;) {
		if (session_wait_output(session, fetch_run))
			return false;
		switch (supply(session, &octets)) {
		case SUPPLY_OCTETS:
			mail_decoder_feed(&fetch->decoder, octets,
					  &fetch->scratch);
			send_decoded(session);
			break;
		case SUPPLY_END:
			mail_decoder_finish(&fetch->decoder, &fetch->scratch);
			send_decoded(session);
			MUST(fetch->take == 0);
			return true;
		case SUPPLY_WAIT:
			return false;
		case SUPPLY_FAILED:
			session_drop(session);
			return false;
		}
	}
}

/* Sets fetch->skip and ->take from the size and the partial. */
static void cut_partial(struct session_fetch *fetch,
			const struct imap_fetch_item *item)
{
	fetch->skip = 0;
	fetch->take = fetch->decoded;
	if (!item->partial)
		return;
	fetch->skip =
		item->offset < fetch->decoded ? item->offset : fetch->decoded;
	fetch->take = fetch->decoded - fetch->skip;
	if (fetch->take > item->length)
		fetch->take = item->length;
}

static bool counted(struct imap_session *session,
		    const struct imap_fetch_item *item)
{
	struct session_fetch *fetch = session->fetch;
	struct mail_range range;

	if (item->kind == IMAP_FETCH_BINARY_SIZE) {
		write_name(session, item);
		buf_add_u64(&session->out, fetch->decoded);
		return true;
	}
	if (fetch->kept) {
		write_text(session, item, buf_slice(&fetch->scratch),
			   fetch->has_nul);
		return true;
	}
	cut_partial(fetch, item);
	write_name(session, item);
	if (fetch->has_nul)
		imap_write_literal8_head(&session->out, fetch->take);
	else
		imap_write_literal_head(&session->out, fetch->take);
	MUST(range_of(fetch, fetch->row, item, &range));
	fetch->offset = range.offset;
	fetch->end = range.offset + range.len;
	fetch->stage = FETCH_DECODE;
	return stage_decode(session);
}

static bool stage_count(struct imap_session *session,
			const struct imap_fetch_item *item)
{
	struct session_fetch *fetch = session->fetch;
	struct slice octets;
	size_t before;

	for (;;) {
		enum supply supplied = supply(session, &octets);

		before = fetch->scratch.len;
		switch (supplied) {
		case SUPPLY_OCTETS:
			mail_decoder_feed(&fetch->decoder, octets,
					  &fetch->scratch);
			count_decoded(fetch, before);
			break;
		case SUPPLY_END:
			mail_decoder_finish(&fetch->decoder, &fetch->scratch);
			count_decoded(fetch, before);
			return counted(session, item);
		case SUPPLY_WAIT:
			return false;
		case SUPPLY_FAILED:
			return write_nil(session, item);
		}
	}
}

static bool begin_binary(struct imap_session *session,
			 const struct imap_fetch_item *item,
			 const struct mime_part *part)
{
	struct session_fetch *fetch = session->fetch;
	enum mail_encoding encoding = MAIL_ENCODING_IDENTITY;

	/* Only leaves are encoded (RFC 2045 section 6.4). */
	if (part && part->kind == MIME_LEAF && item->section.depth)
		encoding = mail_encoding_of(part->encoding);
	if (encoding == MAIL_ENCODING_UNKNOWN) {
		fetch->err = ERR_UNKNOWN_CTE;
		return write_nil(session, item);
	}
	mail_decoder_init(&fetch->decoder, encoding);
	buf_clear(&fetch->scratch);
	fetch->decoded = 0;
	fetch->has_nul = false;
	fetch->kept = true;
	fetch->stage = FETCH_COUNT;
	return stage_count(session, item);
}

/* ---- an item ---- */

static bool begin(struct imap_session *session,
		  const struct imap_fetch_item *item)
{
	struct session_fetch *fetch = session->fetch;
	struct wanted wanted = wanted_of(item);
	const struct mime_part *part = NULL;
	struct mail_range range;

	if (!is_whole(&wanted) &&
	    mail_section_find(fetch_root(fetch), wanted.part, wanted.depth,
			      wanted.section, &range, &part))
		return write_nil(session, item);
	if (!range_of(fetch, fetch->row, item, &range))
		return write_nil(session, item);
	fetch->offset = range.offset;
	fetch->end = range.offset + range.len;
	if (is_filter(item))
		return begin_filter(session, item);
	if (is_binary(item))
		return begin_binary(session, item, part);
	return begin_raw(session, item);
}

bool fetch_write_body_item(struct imap_session *session,
			   const struct imap_fetch_item *item)
{
	switch (session->fetch->stage) {
	case FETCH_BEGIN:
		return begin(session, item);
	case FETCH_RAW:
		return stage_raw(session);
	case FETCH_FILTER:
		return stage_filter(session, item);
	case FETCH_COUNT:
		return stage_count(session, item);
	case FETCH_DECODE:
		return stage_decode(session);
	}
	PANIC("fetch stage %d", (int)session->fetch->stage);
}
