/*
 * ANSWER: what the copy says.
 *
 *   kind u8, changed u8, applied var, err u16, and if err is 0 what belongs to
 *   the kind
 *
 * The view of a SYNC's answer is told as what differs from the question's.
 */
#include "proxy/channel.h"

#include "base/panic.h"
#include "imap/words.h"
#include "proxy/channel_fields.h"

#define AS(ask, type) container_of(ask, struct type, ask)

/* ---- encoding ---- */

static void pack_open(const struct imap_ask_open *open, struct buf *out)
{
	pack_var(out, open->view->modseq);
	pack_var(out, open->view->uidnext);
	channel_pack_uids(out, &open->view->uids);
	pack_var(out, open->first_unseen);
	channel_pack_keywords(out, open->keywords, open->keyword_count);
}

static void pack_difference(struct buf *out, const struct uidset *from,
			    const struct uidset *without)
{
	struct uidset rest = { 0 };

	uidset_copy(&rest, from);
	uidset_remove_set(&rest, without);
	channel_pack_uids(out, &rest);
	uidset_fini(&rest);
}

static void pack_sync(const struct imap_ask_sync *sync, struct buf *out)
{
	const struct imap_view *now = sync->now;

	pack_var(out, now->modseq);
	pack_var(out, now->uidnext);
	pack_difference(out, &sync->view->uids, &now->uids);
	pack_difference(out, &now->uids, &sync->view->uids);
	/* Without keywords nothing has changed since the view. */
	pack_u8(out, sync->keywords != NULL);
	if (!sync->keywords)
		return;
	channel_pack_keywords(out, sync->keywords, sync->keyword_count);
	channel_pack_rows(out, sync->changed, sync->changed_count, 0);
}

static void pack_status(const struct imap_ask_status *status, struct buf *out)
{
	pack_var(out, status->messages);
	pack_var(out, status->unseen);
	pack_var(out, status->deleted);
	pack_var(out, status->size);
	pack_var(out, status->highestmodseq);
	pack_var(out, status->uidnext);
}

static void pack_read(const struct imap_ask_read *read, struct buf *out)
{
	for (size_t i = 0; i < read->count; i++) {
		pack_u16(out, (uint16_t)read->pieces[i].err);
		if (!read->pieces[i].err)
			pack_bytes(out, read->pieces[i].octets);
	}
}

static void pack_search(const struct imap_ask_search *search, struct buf *out)
{
	channel_pack_uids(out, &search->matches);
	pack_var(out, search->max_modseq);
	pack_var(out, search->first_modseq);
	pack_var(out, search->last_modseq);
}

static void pack_kind(struct imap_ask *ask, struct buf *out)
{
	const struct imap_ask_rows *rows;

	switch (channel_kind_of(ask->kind)) {
	case CHANNEL_OPEN:
		pack_open(AS(ask, imap_ask_open), out);
		break;
	case CHANNEL_SYNC:
		pack_sync(AS(ask, imap_ask_sync), out);
		break;
	case CHANNEL_STATUS:
		pack_status(AS(ask, imap_ask_status), out);
		break;
	case CHANNEL_ROWS:
		rows = AS(ask, imap_ask_rows);
		pack_var(out, rows->next);
		channel_pack_rows(out, rows->rows, rows->count, rows->want);
		break;
	case CHANNEL_READ:
		pack_read(AS(ask, imap_ask_read), out);
		break;
	case CHANNEL_STRUCTURE:
		pack_bytes(out, AS(ask, imap_ask_structure)->structure);
		break;
	case CHANNEL_SEARCH:
		pack_search(AS(ask, imap_ask_search), out);
		break;
	case CHANNEL_CHANGES:
		channel_pack_uids(out, &AS(ask, imap_ask_changes)->vanished);
		break;
	}
}

static void encode(struct imap_ask *ask, enum err err,
		   const struct channel_answer *with, struct buf *out)
{
	pack_u8(out, (uint8_t)channel_kind_of(ask->kind));
	pack_u8(out, with->changed);
	pack_var(out, with->applied);
	pack_u16(out, (uint16_t)err);
	if (!err)
		pack_kind(ask, out);
}

void channel_answer_encode(struct imap_ask *ask,
			   const struct channel_answer *with, struct buf *out)
{
	size_t at = channel_frame_begin(out, CHANNEL_ANSWER);

	encode(ask, ask->err, with, out);
	if (out->len - at - CHANNEL_HEAD > CHANNEL_FRAME_MAX) {
		out->len = at + CHANNEL_HEAD;
		encode(ask, ERR_LIMIT, with, out);
	}
	channel_frame_end(out, at);
}

/* ---- decoding ---- */

static void unpack_open(struct unpack *in, struct imap_ask_open *open)
{
	struct uidset uids = { 0 };
	uint64_t modseq = unpack_var(in, UINT64_MAX);
	uint32_t uidnext = (uint32_t)unpack_var(in, UINT32_MAX);

	channel_unpack_uids(in, &uids);
	open->first_unseen = (uint32_t)unpack_var(in, UINT32_MAX);
	channel_unpack_keywords(in, open->ask.arena, &open->keywords,
				&open->keyword_count);
	if (unpack_end(in))
		open->view =
			imap_view_new(open->mailbox_id, modseq, uidnext, &uids);
	uidset_fini(&uids);
}

/* The UIDs now: those of the question, without some, with others. */
static void unpack_uids_now(struct unpack *in, const struct uidset *then,
			    struct uidset *now)
{
	struct uidset part = { 0 };

	uidset_copy(now, then);
	channel_unpack_uids(in, &part);
	uidset_remove_set(now, &part);
	channel_unpack_uids(in, &part);
	uidset_add_set(now, &part);
	uidset_fini(&part);
}

static void unpack_sync(struct unpack *in, struct imap_ask_sync *sync)
{
	struct arena *arena = sync->ask.arena;
	struct uidset uids = { 0 };
	uint64_t modseq = unpack_var(in, UINT64_MAX);
	uint32_t uidnext = (uint32_t)unpack_var(in, UINT32_MAX);

	unpack_uids_now(in, &sync->view->uids, &uids);
	if (channel_unpack_bool(in)) {
		channel_unpack_keywords(in, arena, &sync->keywords,
					&sync->keyword_count);
		channel_unpack_rows(in, arena, 0, &sync->changed,
				    &sync->changed_count);
	}
	if (unpack_end(in))
		sync->now = imap_view_new(sync->view->mailbox_id, modseq,
					  uidnext, &uids);
	uidset_fini(&uids);
}

static void unpack_status(struct unpack *in, struct imap_ask_status *status)
{
	status->messages = unpack_var(in, UINT64_MAX);
	status->unseen = unpack_var(in, UINT64_MAX);
	status->deleted = unpack_var(in, UINT64_MAX);
	status->size = unpack_var(in, UINT64_MAX);
	status->highestmodseq = unpack_var(in, UINT64_MAX);
	status->uidnext = (uint32_t)unpack_var(in, UINT32_MAX);
}

/* An error of a later release is one that is not understood here. */
static enum err unpack_err(struct unpack *in)
{
	return (enum err)unpack_u16(in);
}

static void unpack_read(struct unpack *in, struct imap_ask_read *read)
{
	for (size_t i = 0; i < read->count && unpack_ok(in); i++) {
		struct imap_read_piece *piece = &read->pieces[i];

		piece->err = unpack_err(in);
		if (piece->err)
			continue;
		piece->octets = arena_slice(read->ask.arena,
					    unpack_bytes(in, piece->len));
		in->bad |= piece->octets.len != piece->len;
	}
}

static void unpack_search(struct unpack *in, struct imap_ask_search *search)
{
	channel_unpack_uids(in, &search->matches);
	search->max_modseq = unpack_var(in, UINT64_MAX);
	search->first_modseq = unpack_var(in, UINT64_MAX);
	search->last_modseq = unpack_var(in, UINT64_MAX);
	if (!unpack_end(in))
		uidset_fini(&search->matches);
}

static void unpack_changes(struct unpack *in, struct imap_ask_changes *changes)
{
	channel_unpack_uids(in, &changes->vanished);
	if (!unpack_end(in))
		uidset_fini(&changes->vanished);
}

static void unpack_kind(struct unpack *in, struct imap_ask *ask)
{
	struct imap_ask_rows *rows;

	switch (channel_kind_of(ask->kind)) {
	case CHANNEL_OPEN:
		unpack_open(in, AS(ask, imap_ask_open));
		break;
	case CHANNEL_SYNC:
		unpack_sync(in, AS(ask, imap_ask_sync));
		break;
	case CHANNEL_STATUS:
		unpack_status(in, AS(ask, imap_ask_status));
		break;
	case CHANNEL_ROWS:
		rows = AS(ask, imap_ask_rows);
		rows->next = (uint32_t)unpack_var(in, UINT32_MAX);
		channel_unpack_rows(in, ask->arena, rows->want, &rows->rows,
				    &rows->count);
		break;
	case CHANNEL_READ:
		unpack_read(in, AS(ask, imap_ask_read));
		break;
	case CHANNEL_STRUCTURE:
		AS(ask, imap_ask_structure)->structure = arena_slice(
			ask->arena, unpack_bytes(in, CHANNEL_FRAME_MAX));
		break;
	case CHANNEL_SEARCH:
		unpack_search(in, AS(ask, imap_ask_search));
		break;
	case CHANNEL_CHANGES:
		unpack_changes(in, AS(ask, imap_ask_changes));
		break;
	}
}

enum err channel_answer_decode(struct slice in, struct imap_ask *ask,
			       struct channel_answer *with_r)
{
	struct unpack fields = unpack_of(in);

	if (unpack_u8(&fields) != (uint8_t)channel_kind_of(ask->kind))
		return ERR_SYNTAX;
	with_r->changed = channel_unpack_bool(&fields);
	with_r->applied = unpack_var(&fields, UINT64_MAX);
	ask->err = unpack_err(&fields);
	if (!ask->err)
		unpack_kind(&fields, ask);
	return unpack_end(&fields) ? ERR_NONE : ERR_SYNTAX;
}
