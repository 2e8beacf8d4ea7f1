/*
 * Where the octets of an item are, and how they come: for session_fetch_body.c,
 * which writes them.
 *
 * What an item needs is taken from the pieces at hand, or asked for together
 * with what the next items and rows will need (plan), up to
 * IMAP_READ_OCTETS_MAX at once.
 */
#include "base/panic.h"
#include "imap/session_fetch.h"

bool fetch_item_is_filter(const struct imap_fetch_item *item)
{
	return item->kind == IMAP_FETCH_SECTION &&
	       (item->section.text == IMAP_SECTION_HEADER_FIELDS ||
		item->section.text == IMAP_SECTION_HEADER_FIELDS_NOT);
}

bool fetch_item_is_binary(const struct imap_fetch_item *item)
{
	return item->kind == IMAP_FETCH_BINARY ||
	       item->kind == IMAP_FETCH_BINARY_SIZE;
}

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
	if (item->partial && !fetch_item_is_filter(item) &&
	    !fetch_item_is_binary(item)) {
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

bool fetch_find(struct session_fetch *fetch, const struct imap_fetch_item *item,
		const struct mime_part **part_r)
{
	struct wanted wanted = wanted_of(item);
	struct mail_range range;

	*part_r = NULL;
	if (!is_whole(&wanted) &&
	    mail_section_find(fetch_root(fetch), wanted.part, wanted.depth,
			      wanted.section, &range, part_r))
		return false;
	if (!range_of(fetch, fetch->row, item, &range))
		return false;
	fetch->offset = range.offset;
	fetch->end = range.offset + range.len;
	return true;
}

/* ---- supply ---- */

/* *piece_r has the octets, if there are some. */
static enum fetch_supply look(struct imap_session *session,
			      const struct imap_read_piece **piece_r)
{
	struct session_fetch *fetch = session->fetch;
	const struct imap_read_piece *piece;

	if (fetch->offset >= fetch->end)
		return FETCH_SUPPLY_END;
	piece = at_hand(fetch, fetch->offset);
	if (!piece) {
		ask_octets(session);
		return FETCH_SUPPLY_WAIT;
	}
	*piece_r = piece;
	if (!piece->err)
		return FETCH_SUPPLY_OCTETS;
	failed(fetch, piece->err);
	return FETCH_SUPPLY_FAILED;
}

enum fetch_supply fetch_look(struct imap_session *session)
{
	const struct imap_read_piece *piece;

	return look(session, &piece);
}

enum fetch_supply fetch_take(struct imap_session *session,
			     struct slice *octets_r)
{
	struct session_fetch *fetch = session->fetch;
	const struct imap_read_piece *piece = NULL;
	enum fetch_supply supply = look(session, &piece);

	if (supply != FETCH_SUPPLY_OCTETS)
		return supply;
	*octets_r = slice_first(piece->octets,
				(size_t)(fetch->end - fetch->offset));
	fetch->offset += octets_r->len;
	return FETCH_SUPPLY_OCTETS;
}
