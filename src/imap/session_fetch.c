/*
 * FETCH and UID FETCH (RFC 9051 section 6.4.5).
 *
 * ROWS of a slice -> (\Seen: STORE, ROWS again) -> each row's items -> next
 * slice ... -> done
 *
 * Nothing is held whole: rows come in slices, bodies in pieces
 * (session_fetch_body.c), and when much output waits to be sent the walk stops
 * between two rows, or two pieces, until it was.
 */
#include "imap/session_fetch.h"

#include "base/mem.h"
#include "base/panic.h"
#include "imap/envelope_writer.h"
#include "imap/object_id.h"

void session_fetch_free(struct imap_session *session)
{
	struct session_fetch *fetch = session->fetch;

	if (!fetch)
		return;
	session->fetch = NULL;
	uidset_fini(&fetch->uids);
	uidset_fini(&fetch->asked);
	uidset_fini(&fetch->unseen);
	arena_fini(&fetch->rows_arena);
	arena_fini(&fetch->read_arena);
	mail_header_filter_fini(&fetch->filter);
	mail_decoder_fini(&fetch->decoder);
	buf_fini(&fetch->scratch);
	mem_free(fetch);
}

bool session_fetch_in_line(const struct imap_session *session)
{
	return session->fetch && session->fetch->in_row;
}

/* ---- simple items ---- */

static void write_number(struct buf *out, const char *name, uint64_t number)
{
	buf_add_str(out, name);
	buf_add_octet(out, ' ');
	buf_add_u64(out, number);
}

static void write_flags(struct imap_session *session,
			const struct imap_row *row)
{
	buf_add_str(&session->out, "FLAGS ");
	imap_write_row_flags(&session->out, row->flags, row->keywords,
			     session->mailbox.keywords,
			     session->mailbox.keyword_count);
}

static void write_modseq(struct buf *out, const struct imap_row *row)
{
	buf_printf(out, "MODSEQ (%llu)", (unsigned long long)row->modseq);
}

static void write_email_id(struct buf *out, const struct imap_row *row)
{
	buf_add_str(out, "EMAILID (");
	imap_email_id_format(&row->body, out);
	buf_add_octet(out, ')');
}

/* ENVELOPE, BODY, BODYSTRUCTURE. */
static void write_structure(struct imap_session *session,
			    const struct imap_fetch_item *item)
{
	const struct mime_part *root = fetch_root(session->fetch);
	struct buf *out = &session->out;
	bool utf8 = session_utf8(session);

	if (item->kind == IMAP_FETCH_ENVELOPE) {
		buf_add_str(out, "ENVELOPE ");
		imap_write_envelope(out, utf8, root->envelope);
		return;
	}
	buf_add_str(out,
		    item->kind == IMAP_FETCH_BODY ? "BODY " : "BODYSTRUCTURE ");
	imap_write_body(out, utf8, root,
			item->kind == IMAP_FETCH_BODYSTRUCTURE);
}

/* One item; false: to be gone on with later. */
static bool write_item(struct imap_session *session,
		       const struct imap_fetch_item *item)
{
	const struct imap_row *row = &session->fetch->rows[session->fetch->row];
	struct buf *out = &session->out;

	switch (item->kind) {
	case IMAP_FETCH_FLAGS:
		write_flags(session, row);
		return true;
	case IMAP_FETCH_UID:
		write_number(out, "UID", row->uid);
		return true;
	case IMAP_FETCH_INTERNALDATE:
		buf_add_str(out, "INTERNALDATE ");
		imap_write_date_time(out, row->internal_date_s,
				     row->internal_zone_min);
		return true;
	case IMAP_FETCH_RFC822_SIZE:
		write_number(out, "RFC822.SIZE", row->size);
		return true;
	case IMAP_FETCH_MODSEQ:
		write_modseq(out, row);
		return true;
	case IMAP_FETCH_EMAILID:
		write_email_id(out, row);
		return true;
	case IMAP_FETCH_THREADID:
		buf_add_str(out, "THREADID NIL");
		return true;
	case IMAP_FETCH_ENVELOPE:
	case IMAP_FETCH_BODY:
	case IMAP_FETCH_BODYSTRUCTURE:
		write_structure(session, item);
		return true;
	case IMAP_FETCH_SECTION:
	case IMAP_FETCH_BINARY:
	case IMAP_FETCH_BINARY_SIZE:
	case IMAP_FETCH_RFC822:
	case IMAP_FETCH_RFC822_HEADER:
	case IMAP_FETCH_RFC822_TEXT:
		return fetch_write_body_item(session, item);
	}
	PANIC("fetch item %d", (int)item->kind);
}

/* ---- a row ---- */

static void begin_row(struct imap_session *session)
{
	const struct session_fetch *fetch = session->fetch;
	const struct uidset *view = &session->mailbox.view->uids;
	uint64_t seq = uidset_rank(view, fetch->rows[fetch->row].uid) + 1;

	imap_begin_numbered(&session->out, (uint32_t)seq, "FETCH (");
}

static bool has_item(const struct session_fetch *fetch,
		     enum imap_fetch_kind kind)
{
	for (size_t i = 0; i < fetch->item_count; i++)
		if (fetch->items[i].kind == kind)
			return true;
	return false;
}

/*
 * What \Seen has made of the row, as far as it was not asked for: FLAGS, and
 * what goes with them for who uses CONDSTORE (RFC 7162 section 3.2.4).
 */
static void write_marked(struct imap_session *session)
{
	const struct session_fetch *fetch = session->fetch;
	const struct imap_row *row = &fetch->rows[fetch->row];
	struct buf *out = &session->out;

	if (!uidset_has(&fetch->unseen, row->uid))
		return;
	if (!has_item(fetch, IMAP_FETCH_FLAGS)) {
		buf_add_octet(out, ' ');
		write_flags(session, row);
	}
	if (session->condstore && !has_item(fetch, IMAP_FETCH_UID))
		write_number(out, " UID", row->uid);
	if (session->condstore && !has_item(fetch, IMAP_FETCH_MODSEQ)) {
		buf_add_octet(out, ' ');
		write_modseq(out, row);
	}
}

/* False: to be gone on with later. */
static bool write_row(struct imap_session *session)
{
	struct session_fetch *fetch = session->fetch;

	if (!fetch->in_row && (fetch->want & IMAP_ROWS_STRUCTURE) &&
	    !fetch_root_ready(session))
		return false;
	while (fetch->item < fetch->item_count) {
		if (fetch->stage == FETCH_BEGIN) {
			if (fetch->item == 0 && !fetch->in_row)
				begin_row(session);
			else if (!fetch->spaced)
				buf_add_octet(&session->out, ' ');
			fetch->in_row = true;
			fetch->spaced = true;
		}
		if (!write_item(session, &fetch->items[fetch->item]))
			return false;
		fetch->stage = FETCH_BEGIN;
		fetch->spaced = false;
		fetch->item++;
	}
	write_marked(session);
	buf_add_octet(&session->out, ')');
	imap_end_data(&session->out);
	fetch->in_row = false;
	fetch->item = 0;
	fetch->row++;
	return true;
}

/* ---- slices ---- */

static void ask_rows(struct imap_session *session, uint32_t from);

/* What \Seen has still to be set on, in this slice. */
static void collect_unseen(const struct session_fetch *fetch,
			   struct uidset *uids)
{
	for (size_t i = 0; i < fetch->row_count; i++)
		if (!(fetch->rows[i].flags & IMAP_FLAG_SEEN))
			uidset_add(uids, fetch->rows[i].uid,
				   fetch->rows[i].uid);
}

static void marked(struct imap_session *session)
{
	struct imap_ask_store *answer = &session->ask.store;
	struct session_fetch *fetch = session->fetch;

	uidset_fini(&answer->modified);
	uidset_fini(&answer->expunged);
	fetch->marked = true;
	if (answer->ask.err) {
		/* Reading goes on: only the mark is missing. */
		fetch->sets_seen = false;
		uidset_clear(&fetch->unseen);
		if (err_outcome(answer->ask.err) == OUTCOME_UNKNOWN) {
			session_drop(session);
			return;
		}
	}
	session_add_own(session, answer->modseqs, answer->modseq_count);
	ask_rows(session, fetch->slice_from);
}

static void mark_seen(struct imap_session *session)
{
	struct session_fetch *fetch = session->fetch;

	session_ask_new(session, IMAP_ASK_STORE);
	session->ask.store.mailbox_id = session->mailbox.id;
	session->ask.store.uids = &fetch->unseen;
	session->ask.store.op = IMAP_STORE_ADD;
	session->ask.store.flags = IMAP_FLAG_SEEN;
	session->ask.store.implied = true;
	session_ask(session, marked);
}

static void rows_answered(struct imap_session *session)
{
	const struct imap_ask_rows *answer = &session->ask.rows;
	struct session_fetch *fetch = session->fetch;

	if (answer->ask.err) {
		session_err(session, answer->ask.err, false);
		return;
	}
	fetch->rows = answer->rows;
	fetch->row_count = answer->count;
	fetch->roots = arena_zalloc(&fetch->rows_arena, answer->count + 1,
				    sizeof(struct mime_part *));
	fetch->next = answer->next;
	fetch->row = 0;
	if (fetch->sets_seen && !fetch->marked) {
		collect_unseen(fetch, &fetch->unseen);
		if (fetch->unseen.count) {
			mark_seen(session);
			return;
		}
	}
	fetch->marked = false;
	fetch->found += answer->count;
	fetch_run(session);
}

static void ask_rows(struct imap_session *session, uint32_t from)
{
	struct session_fetch *fetch = session->fetch;
	const struct imap_fetch *args = &session->command->fetch;

	arena_clear(&fetch->rows_arena);
	fetch->slice_from = from;
	session_ask_new(session, IMAP_ASK_ROWS);
	session->ask.head.arena = &fetch->rows_arena;
	session->ask.rows.mailbox_id = session->mailbox.id;
	session->ask.rows.uids = &fetch->uids;
	session->ask.rows.from = from;
	session->ask.rows.changed_since =
		args->has_changedsince ? args->changedsince : 0;
	session->ask.rows.want = fetch->want;
	session_ask(session, rows_answered);
}

/* A message that is gone gives no data; by position that is an error. */
static void finish(struct imap_session *session)
{
	const struct session_fetch *fetch = session->fetch;
	bool missed = !session->command->uid &&
		      !session->command->fetch.has_changedsince &&
		      fetch->found < uidset_size(&fetch->uids);

	if (fetch->err)
		session_err(session, fetch->err, false);
	else if (missed)
		session_err(session, ERR_EXPUNGED, false);
	else
		session_ok(session);
}

void fetch_run(struct imap_session *session)
{
	struct session_fetch *fetch = session->fetch;

	for (;;) {
		if (session->phase == PHASE_CLOSED)
			return;
		if (session_wait_output(session, fetch_run))
			return;
		if (fetch->row < fetch->row_count) {
			if (!write_row(session))
				return;
			continue;
		}
		uidset_clear(&fetch->unseen);
		if (fetch->next)
			ask_rows(session, fetch->next);
		else
			finish(session);
		return;
	}
}

/* ---- the command ---- */

/*
 * The items with those that are implied: UID of UID FETCH, MODSEQ with
 * CHANGEDSINCE (RFC 7162 section 3.1.4.1).
 */
static void fill_items(struct imap_session *session)
{
	const struct imap_fetch *args = &session->command->fetch;
	struct session_fetch *fetch = session->fetch;
	struct imap_fetch_item *items =
		arena_zalloc(&session->arena, args->count + 2, sizeof(*items));
	size_t count = 0;

	fetch->items = args->items;
	fetch->item_count = args->count;
	if (session->command->uid && !has_item(fetch, IMAP_FETCH_UID))
		items[count++].kind = IMAP_FETCH_UID;
	for (size_t i = 0; i < args->count; i++)
		items[count++] = args->items[i];
	if (args->has_changedsince && !has_item(fetch, IMAP_FETCH_MODSEQ))
		items[count++].kind = IMAP_FETCH_MODSEQ;
	fetch->items = items;
	fetch->item_count = count;
}

static void fill_wants(struct imap_session *session)
{
	struct session_fetch *fetch = session->fetch;
	const struct session_mailbox *mailbox = &session->mailbox;
	bool may_see =
		!mailbox->read_only && (mailbox->rights & IMAP_RIGHT_SEEN);

	for (size_t i = 0; i < fetch->item_count; i++) {
		const struct imap_fetch_item *item = &fetch->items[i];
		enum imap_fetch_kind kind = item->kind;

		if (kind != IMAP_FETCH_FLAGS && kind != IMAP_FETCH_UID &&
		    kind != IMAP_FETCH_MODSEQ)
			fetch->want |= IMAP_ROWS_FIXED;
		if (imap_fetch_item_needs_structure(item))
			fetch->want |= IMAP_ROWS_FIXED | IMAP_ROWS_STRUCTURE;
		fetch->sets_seen |= may_see && imap_fetch_item_sets_seen(item);
		if (kind == IMAP_FETCH_MODSEQ)
			session_enable_condstore(session);
	}
}

static void start(struct imap_session *session)
{
	if (!uidset_size(&session->fetch->uids))
		session_ok(session);
	else
		ask_rows(session, 1);
}

/* UID FETCH (VANISHED): first what is gone (RFC 7162 section 3.2.6). */
static void vanished_answered(struct imap_session *session)
{
	struct imap_ask_changes *answer = &session->ask.changes;
	enum err err = answer->ask.err;

	if (!err)
		session_write_earlier(session, &answer->vanished);
	uidset_fini(&answer->vanished);
	uidset_fini(&session->fetch->asked);
	if (err)
		session_err(session, err, false);
	else
		start(session);
}

static void ask_vanished(struct imap_session *session)
{
	const struct imap_fetch *args = &session->command->fetch;
	struct session_fetch *fetch = session->fetch;

	/* Numbers as written, not only those that are in the view: what "$"
	 * held and is gone has left it. */
	if (!args->set.saved)
		imap_seqset_numbers(&args->set, UINT32_MAX, &fetch->asked);
	session_ask_new(session, IMAP_ASK_CHANGES);
	session->ask.changes.mailbox_id = session->mailbox.id;
	session->ask.changes.since = args->changedsince;
	session->ask.changes.within = &fetch->asked;
	session_ask(session, vanished_answered);
}

void session_run_fetch(struct imap_session *session)
{
	const struct imap_fetch *args = &session->command->fetch;
	struct uidset uids;

	if (args->vanished && !session->qresync) {
		session_bad(session, "ENABLE QRESYNC first");
		return;
	}
	if (!session_resolve(session, &args->set, &uids))
		return;
	session->fetch = mem_zalloc(1, sizeof(*session->fetch));
	session->fetch->uids = uids;
	if (args->has_changedsince)
		session_enable_condstore(session);
	fill_items(session);
	fill_wants(session);
	if (args->vanished)
		ask_vanished(session);
	else
		start(session);
}
