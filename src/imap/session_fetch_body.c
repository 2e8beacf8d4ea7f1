/*
 * Octets of bodies for FETCH: BODY[...], BINARY[...], RFC822.*.
 *
 * An item goes through stages (enum fetch_stage), each resumable; the octets
 * come from session_fetch_read.c.
 *
 * The head of a literal promises its length. Octets are read before their head
 * is written, so an unreadable body is NIL and a tagged NO; only a body whose
 * later pieces fail costs the connection.
 */
#include <string.h>

#include "base/panic.h"
#include "imap/session_fetch.h"

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
		switch (fetch_take(session, &octets)) {
		case FETCH_SUPPLY_END:
			return true;
		case FETCH_SUPPLY_WAIT:
			return false;
		case FETCH_SUPPLY_FAILED:
			session_drop(session);
			return false;
		case FETCH_SUPPLY_OCTETS:
			buf_add_slice(&session->out, octets);
			break;
		}
		if (session->fetch->offset < session->fetch->end &&
		    session_wait_output(session, fetch_run))
			return false;
	}
}

/* The first octets are read before the head is written. */
static bool begin_raw(struct imap_session *session,
		      const struct imap_fetch_item *item)
{
	struct session_fetch *fetch = session->fetch;

	switch (fetch_look(session)) {
	case FETCH_SUPPLY_WAIT:
		return false;
	case FETCH_SUPPLY_FAILED:
		return write_nil(session, item);
	case FETCH_SUPPLY_OCTETS:
	case FETCH_SUPPLY_END:
		break;
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
		switch (fetch_take(session, &octets)) {
		case FETCH_SUPPLY_OCTETS:
			mail_header_filter_feed(&fetch->filter, octets,
						&fetch->scratch);
			break;
		case FETCH_SUPPLY_END:
			mail_header_filter_finish(&fetch->filter,
						  &fetch->scratch);
			write_text(session, item, buf_slice(&fetch->scratch),
				   false);
			return true;
		case FETCH_SUPPLY_WAIT:
			return false;
		case FETCH_SUPPLY_FAILED:
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
		switch (fetch_take(session, &octets)) {
		case FETCH_SUPPLY_OCTETS:
			mail_decoder_feed(&fetch->decoder, octets,
					  &fetch->scratch);
			send_decoded(session);
			break;
		case FETCH_SUPPLY_END:
			mail_decoder_finish(&fetch->decoder, &fetch->scratch);
			send_decoded(session);
			MUST(fetch->take == 0);
			return true;
		case FETCH_SUPPLY_WAIT:
			return false;
		case FETCH_SUPPLY_FAILED:
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
	const struct mime_part *part;

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
	MUST(fetch_find(fetch, item, &part));
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
		enum fetch_supply supplied = fetch_take(session, &octets);

		before = fetch->scratch.len;
		switch (supplied) {
		case FETCH_SUPPLY_OCTETS:
			mail_decoder_feed(&fetch->decoder, octets,
					  &fetch->scratch);
			count_decoded(fetch, before);
			break;
		case FETCH_SUPPLY_END:
			mail_decoder_finish(&fetch->decoder, &fetch->scratch);
			count_decoded(fetch, before);
			return counted(session, item);
		case FETCH_SUPPLY_WAIT:
			return false;
		case FETCH_SUPPLY_FAILED:
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
	const struct mime_part *part;

	if (!fetch_find(session->fetch, item, &part))
		return write_nil(session, item);
	if (fetch_item_is_filter(item))
		return begin_filter(session, item);
	if (fetch_item_is_binary(item))
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
