/*
 * ASK: what is asked of a copy.
 *
 *   kind u8, mailbox var, floor var, then what belongs to the kind
 *
 * A SYNC names the view from which changes are wanted: 1 for the one that the
 * far end holds, else the view itself.
 */
#include "proxy/channel.h"

#include "base/panic.h"
#include "imap/search_codec.h"
#include "proxy/channel_fields.h"

#define AS(ask, type) container_of(ask, struct type, ask)

/* ---- encoding ---- */

static void pack_sync(const struct imap_ask_sync *sync,
		      const struct imap_view *base, struct buf *out)
{
	pack_u8(out, sync->read_index);
	pack_u8(out, sync->view == base);
	if (sync->view == base)
		return;
	pack_var(out, sync->view->modseq);
	pack_var(out, sync->view->uidnext);
	channel_pack_uids(out, &sync->view->uids);
}

static void pack_rows_ask(const struct imap_ask_rows *rows, struct buf *out)
{
	pack_var(out, rows->from);
	pack_var(out, rows->changed_since);
	pack_var(out, rows->want);
	channel_pack_uids(out, rows->uids);
}

static void pack_read(const struct imap_ask_read *read, struct buf *out)
{
	pack_var(out, read->count);
	for (size_t i = 0; i < read->count; i++) {
		channel_pack_sha256(out, &read->pieces[i].body);
		pack_var(out, read->pieces[i].offset);
		pack_var(out, read->pieces[i].len);
	}
}

static void pack_search(const struct imap_ask_search *search, struct buf *out)
{
	struct buf program = { 0 };

	imap_search_encode(search->program, &program);
	pack_bytes(out, buf_slice(&program));
	buf_fini(&program);
	channel_pack_uids(out, search->uids);
}

static void pack_changes(const struct imap_ask_changes *changes,
			 struct buf *out)
{
	pack_var(out, changes->since);
	pack_u8(out, changes->within != NULL);
	if (changes->within)
		channel_pack_uids(out, changes->within);
}

static void pack_kind(struct imap_ask *ask, const struct imap_view *base,
		      struct buf *out)
{
	switch (channel_kind_of(ask->kind)) {
	case CHANNEL_OPEN:
	case CHANNEL_STATUS:
		break;
	case CHANNEL_SYNC:
		pack_sync(AS(ask, imap_ask_sync), base, out);
		break;
	case CHANNEL_ROWS:
		pack_rows_ask(AS(ask, imap_ask_rows), out);
		break;
	case CHANNEL_READ:
		pack_read(AS(ask, imap_ask_read), out);
		break;
	case CHANNEL_STRUCTURE:
		channel_pack_sha256(out, &AS(ask, imap_ask_structure)->body);
		break;
	case CHANNEL_SEARCH:
		pack_search(AS(ask, imap_ask_search), out);
		break;
	case CHANNEL_CHANGES:
		pack_changes(AS(ask, imap_ask_changes), out);
		break;
	}
}

void channel_ask_encode(struct imap_ask *ask, const struct channel_ask *with,
			struct buf *out)
{
	size_t at = channel_frame_begin(out, CHANNEL_ASK);

	pack_u8(out, (uint8_t)channel_kind_of(ask->kind));
	pack_var(out, with->mailbox);
	pack_var(out, with->floor);
	pack_kind(ask, with->base, out);
	channel_frame_end(out, at);
}

/* ---- decoding ---- */

static void unpack_sync(struct unpack *in, struct imap_view *base,
			struct channel_asked *asked)
{
	uint64_t modseq;
	uint32_t uidnext;

	asked->ask.sync.read_index = channel_unpack_bool(in);
	if (channel_unpack_bool(in)) {
		if (base && base->mailbox_id == asked->mailbox)
			asked->view = imap_view_ref(base);
		else
			in->bad = true;
	} else {
		modseq = unpack_var(in, UINT64_MAX);
		uidnext = (uint32_t)unpack_var(in, UINT32_MAX);
		channel_unpack_uids(in, &asked->uids);
		asked->view = imap_view_new(asked->mailbox, modseq, uidnext,
					    &asked->uids);
	}
	asked->ask.sync.view = asked->view;
}

static void unpack_rows_ask(struct unpack *in, struct channel_asked *asked)
{
	struct imap_ask_rows *rows = &asked->ask.rows;

	rows->mailbox_id = asked->mailbox;
	rows->from = (uint32_t)unpack_var(in, UINT32_MAX);
	rows->changed_since = unpack_var(in, UINT64_MAX);
	rows->want =
		(uint32_t)unpack_var(in, IMAP_ROWS_FIXED | IMAP_ROWS_STRUCTURE);
	channel_unpack_uids(in, &asked->uids);
	rows->uids = &asked->uids;
}

static void unpack_read(struct unpack *in, struct arena *arena,
			struct channel_asked *asked)
{
	struct imap_ask_read *read = &asked->ask.read;
	uint64_t count = unpack_var(in, IMAP_READ_PIECES_MAX);
	uint64_t octets = 0;

	read->pieces =
		arena_zalloc(arena, (size_t)count + 1, sizeof(*read->pieces));
	for (uint64_t i = 0; i < count && unpack_ok(in); i++) {
		struct imap_read_piece *piece = &read->pieces[read->count++];

		channel_unpack_sha256(in, &piece->body);
		piece->offset = unpack_var(in, UINT64_MAX);
		piece->len = (uint32_t)unpack_var(in, IMAP_READ_OCTETS_MAX);
		octets += piece->len;
	}
	in->bad |= octets > IMAP_READ_OCTETS_MAX;
}

static void unpack_search(struct unpack *in, struct arena *arena,
			  struct channel_asked *asked)
{
	struct slice program = unpack_bytes(in, CHANNEL_FRAME_MAX);
	struct imap_ask_search *search = &asked->ask.search;
	struct imap_search *decoded = NULL;

	channel_unpack_uids(in, &asked->uids);
	if (!unpack_ok(in) || imap_search_decode(program, arena, &decoded)) {
		in->bad = true;
		return;
	}
	search->program = decoded;
	search->uids = &asked->uids;
	/* For its id: sequence numbers were bound where they were written. */
	asked->view =
		imap_view_new(asked->mailbox, 0, 0, &(struct uidset){ 0 });
	search->view = asked->view;
}

static void unpack_changes(struct unpack *in, struct channel_asked *asked)
{
	struct imap_ask_changes *changes = &asked->ask.changes;

	changes->mailbox_id = asked->mailbox;
	changes->since = unpack_var(in, UINT64_MAX);
	if (!channel_unpack_bool(in))
		return;
	channel_unpack_uids(in, &asked->uids);
	changes->within = &asked->uids;
}

static void unpack_kind(struct unpack *in, struct arena *arena,
			struct imap_view *base, struct channel_asked *asked)
{
	switch (channel_kind_of(asked->ask.head.kind)) {
	case CHANNEL_OPEN:
	case CHANNEL_STATUS:
		break;
	case CHANNEL_SYNC:
		unpack_sync(in, base, asked);
		break;
	case CHANNEL_ROWS:
		unpack_rows_ask(in, asked);
		break;
	case CHANNEL_READ:
		unpack_read(in, arena, asked);
		break;
	case CHANNEL_STRUCTURE:
		channel_unpack_sha256(in, &asked->ask.structure.body);
		break;
	case CHANNEL_SEARCH:
		unpack_search(in, arena, asked);
		break;
	case CHANNEL_CHANGES:
		unpack_changes(in, asked);
		break;
	}
}

enum err channel_ask_decode(struct slice in, struct arena *arena,
			    struct imap_view *base,
			    struct channel_asked *asked_r)
{
	struct unpack fields = unpack_of(in);
	enum imap_ask_kind kind;

	*asked_r = (struct channel_asked){ 0 };
	if (!channel_kind_find(unpack_u8(&fields), &kind))
		return ERR_SYNTAX;
	asked_r->ask.head.kind = kind;
	asked_r->ask.head.arena = arena;
	asked_r->mailbox = unpack_var(&fields, UINT64_MAX);
	asked_r->floor = unpack_var(&fields, UINT64_MAX);
	unpack_kind(&fields, arena, base, asked_r);
	if (unpack_end(&fields))
		return ERR_NONE;
	channel_asked_fini(asked_r);
	return ERR_SYNTAX;
}

/* ---- freeing ---- */

static void answer_fini(struct channel_asked *asked)
{
	switch (channel_kind_of(asked->ask.head.kind)) {
	case CHANNEL_OPEN:
		if (asked->ask.open.view)
			imap_view_unref(&asked->ask.open.view);
		break;
	case CHANNEL_SYNC:
		if (asked->ask.sync.now)
			imap_view_unref(&asked->ask.sync.now);
		break;
	case CHANNEL_SEARCH:
		uidset_fini(&asked->ask.search.matches);
		break;
	case CHANNEL_CHANGES:
		uidset_fini(&asked->ask.changes.vanished);
		break;
	case CHANNEL_STATUS:
	case CHANNEL_ROWS:
	case CHANNEL_READ:
	case CHANNEL_STRUCTURE:
		break;
	}
}

void channel_asked_fini(struct channel_asked *asked)
{
	answer_fini(asked);
	uidset_fini(&asked->uids);
	if (asked->view)
		imap_view_unref(&asked->view);
}
