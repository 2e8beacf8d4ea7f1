/*
 * The port's answers about mailboxes and messages.
 */
#include "base/panic.h"
#include "fake_port.h"
#include "imap/search.h"

enum err fake_selected(struct fake_port *port, uint64_t id,
		       struct fake_mailbox **mailbox_r)
{
	struct fake_mailbox *mailbox = fake_mailbox_get(port->store, id);

	MUST(port->watcher.mailbox == mailbox);
	*mailbox_r = mailbox;
	return mailbox->deleted ? ERR_GONE : ERR_NONE;
}

/* A name for which the user needs rights. */
static enum err find(struct fake_port *port, struct slice name, uint32_t rights,
		     struct fake_mailbox **mailbox_r)
{
	struct fake_mailbox *mailbox =
		fake_mailbox_find(port->store, port->user, name);

	*mailbox_r = mailbox;
	if (!mailbox)
		return ERR_NOTFOUND;
	return (fake_rights(mailbox, port->user) & rights) == rights
		       ? ERR_NONE
		       : ERR_DENIED;
}

static struct imap_view *view_of(const struct fake_mailbox *mailbox)
{
	struct uidset uids = { 0 };

	fake_mailbox_uids(mailbox, &uids);
	return imap_view_new(mailbox->id, mailbox->modseq, mailbox->uidnext,
			     &uids);
}

static struct slice *keywords_of(const struct fake_mailbox *mailbox,
				 struct arena *arena)
{
	struct slice *keywords = arena_zalloc(arena, mailbox->keyword_count + 1,
					      sizeof(*keywords));

	for (size_t i = 0; i < mailbox->keyword_count; i++)
		keywords[i] = arena_slice(arena, mailbox->keywords[i]);
	return keywords;
}

/* ---- SELECT, STATUS ---- */

enum err fake_open(struct fake_port *port, struct imap_ask_open *ask)
{
	struct fake_mailbox *mailbox;
	enum err err = find(port, ask->name, IMAP_RIGHT_READ, &mailbox);
	struct imap_row row;

	if (err)
		return err;
	MUST(!port->watcher.mailbox);
	port->watcher.mailbox = mailbox;
	ask->view = view_of(mailbox);
	ask->mailbox_id = mailbox->id;
	ask->mailbox_id_text = mailbox->id_text;
	ask->uidvalidity = mailbox->uidvalidity;
	ask->rights = fake_rights(mailbox, port->user);
	ask->degraded = mailbox->degraded;
	ask->keywords = keywords_of(mailbox, ask->ask.arena);
	ask->keyword_count = mailbox->keyword_count;
	for (size_t i = 0; i < mailbox->count && !ask->first_unseen; i++) {
		fake_row(&mailbox->messages[i], port->user, 0, &row);
		if (!(row.flags & IMAP_FLAG_SEEN))
			ask->first_unseen = row.uid;
	}
	return ERR_NONE;
}

enum err fake_status(struct fake_port *port, struct imap_ask_status *ask)
{
	struct fake_mailbox *mailbox;
	enum err err = find(port, ask->name, IMAP_RIGHT_READ, &mailbox);

	if (err)
		return err;
	ask->messages = mailbox->count;
	ask->uidnext = mailbox->uidnext;
	ask->uidvalidity = mailbox->uidvalidity;
	ask->highestmodseq = mailbox->modseq;
	ask->mailbox_id = mailbox->id_text;
	for (size_t i = 0; i < mailbox->count; i++) {
		struct imap_row row;

		fake_row(&mailbox->messages[i], port->user, IMAP_ROWS_FIXED,
			 &row);
		ask->size += row.size;
		ask->unseen += !(row.flags & IMAP_FLAG_SEEN);
		ask->deleted += (row.flags & IMAP_FLAG_DELETED) != 0;
	}
	return ERR_NONE;
}

/* ---- what happened ---- */

enum err fake_sync(struct fake_port *port, struct imap_ask_sync *ask)
{
	struct fake_mailbox *mailbox;
	enum err err = fake_selected(port, ask->view->mailbox_id, &mailbox);

	if (err)
		return err;
	ask->now = view_of(mailbox);
	ask->keywords = keywords_of(mailbox, ask->ask.arena);
	ask->keyword_count = mailbox->keyword_count;
	ask->changed = arena_zalloc(ask->ask.arena, mailbox->count + 1,
				    sizeof(*ask->changed));
	for (size_t i = 0; i < mailbox->count; i++) {
		const struct fake_message *message = &mailbox->messages[i];

		if (message->modseq > ask->view->modseq &&
		    uidset_has(&ask->view->uids, message->uid))
			fake_row(message, port->user, 0,
				 &ask->changed[ask->changed_count++]);
	}
	return ERR_NONE;
}

enum err fake_changes(struct fake_port *port, struct imap_ask_changes *ask)
{
	struct fake_mailbox *mailbox;
	enum err err = fake_selected(port, ask->mailbox_id, &mailbox);

	if (err)
		return err;
	for (size_t i = 0; i < mailbox->vanished_count; i++)
		if (mailbox->vanished[i].modseq > ask->since)
			uidset_add(&ask->vanished, mailbox->vanished[i].uid,
				   mailbox->vanished[i].uid);
	if (ask->within)
		uidset_intersect(&ask->vanished, ask->within);
	return ERR_NONE;
}

/* ---- reading ---- */

enum err fake_rows(struct fake_port *port, struct imap_ask_rows *ask)
{
	struct fake_mailbox *mailbox;
	enum err err = fake_selected(port, ask->mailbox_id, &mailbox);

	if (err)
		return err;
	ask->rows = arena_zalloc(ask->ask.arena, mailbox->count + 1,
				 sizeof(*ask->rows));
	for (size_t i = 0; i < mailbox->count; i++) {
		const struct fake_message *message = &mailbox->messages[i];
		struct imap_row *row = &ask->rows[ask->count];

		if (message->uid < ask->from ||
		    message->modseq <= ask->changed_since ||
		    !uidset_has(ask->uids, message->uid))
			continue;
		if (ask->count == port->rows_max) {
			ask->next = message->uid;
			break;
		}
		fake_row(message, port->user, ask->want, row);
		if (port->store->no_structures)
			row->structure = SLICE_NONE;
		ask->count++;
	}
	return ERR_NONE;
}

enum err fake_read(struct fake_port *port, struct imap_ask_read *ask)
{
	uint64_t octets = 0;

	MUST(ask->count > 0);
	MUST(ask->count <= IMAP_READ_PIECES_MAX);
	for (size_t i = 0; i < ask->count; i++) {
		struct imap_read_piece *piece = &ask->pieces[i];
		const struct fake_body *body =
			fake_body_find(port->store, &piece->body);

		MUST(body);
		MUST(piece->len > 0);
		MUST(piece->offset + piece->len <= body->octets.len);
		octets += piece->len;
		piece->err = body->err;
		if (!piece->err)
			piece->octets = arena_slice(
				ask->ask.arena,
				slice_of(body->octets.data + piece->offset,
					 piece->len));
	}
	MUST(octets <= IMAP_READ_OCTETS_MAX);
	return ERR_NONE;
}

enum err fake_structure(struct fake_port *port, struct imap_ask_structure *ask)
{
	const struct fake_body *body = fake_body_find(port->store, &ask->body);

	MUST(body);
	ask->structure =
		arena_slice(ask->ask.arena, buf_slice(&body->structure));
	return body->err;
}

/* ---- SEARCH ---- */

struct reader {
	struct imap_search_reader reader;
	struct fake_port *port;
};

static enum err reader_read(struct imap_search_reader *base,
			    const struct imap_row *row, uint64_t offset,
			    size_t len, struct buf *out)
{
	struct reader *reader = container_of(base, struct reader, reader);
	const struct fake_body *body =
		fake_body_find(reader->port->store, &row->body);

	MUST(body);
	MUST(offset + len <= body->octets.len);
	buf_add(out, body->octets.data + offset, len);
	return body->err;
}

static enum err reader_structure(struct imap_search_reader *base,
				 const struct imap_row *row,
				 struct slice *structure_r)
{
	struct reader *reader = container_of(base, struct reader, reader);
	const struct fake_body *body =
		fake_body_find(reader->port->store, &row->body);

	MUST(body);
	*structure_r = buf_slice(&body->structure);
	return body->err;
}

static void add_match(struct imap_ask_search *ask, const struct imap_row *row)
{
	uidset_add(&ask->matches, row->uid, row->uid);
	if (!ask->first_modseq)
		ask->first_modseq = row->modseq;
	ask->last_modseq = row->modseq;
	if (row->modseq > ask->max_modseq)
		ask->max_modseq = row->modseq;
}

enum err fake_search(struct fake_port *port, struct imap_ask_search *ask)
{
	struct reader reader = {
		.reader = { .read = reader_read,
			    .structure = reader_structure },
		.port = port,
	};
	struct imap_search_run *run;
	struct fake_mailbox *mailbox;
	enum err err = fake_selected(port, ask->view->mailbox_id, &mailbox);

	if (err)
		return err;
	run = imap_search_run_new(ask->program, &reader.reader);
	for (size_t i = 0; i < mailbox->count && !err; i++) {
		struct imap_row row;
		bool match = false;

		fake_row(&mailbox->messages[i], port->user,
			 imap_search_wants(ask->program), &row);
		if (!uidset_has(ask->uids, row.uid))
			continue;
		err = imap_search_match(run, &row, &match);
		if (match)
			add_match(ask, &row);
	}
	imap_search_run_free(&run);
	if (err)
		uidset_fini(&ask->matches);
	return err;
}
