/*
 * The port's answers that change mail: STORE, EXPUNGE, COPY, MOVE, APPEND.
 *
 * Each is one command of the log: it has one MODSEQ in each mailbox.
 */
#include "base/panic.h"
#include "fake_port.h"

/* ---- STORE ---- */

static bool store_one(struct fake_port *port, struct imap_ask_store *ask,
		      struct fake_mailbox *mailbox, uint32_t uid,
		      uint64_t modseq)
{
	struct fake_message *message = fake_message_find(mailbox, uid);
	struct fake_change change = {
		.op = ask->op,
		.flags = ask->flags,
		.mask = ask->flags_mask,
		.keywords_kept = ask->keywords_kept,
		.keywords = ask->keywords,
		.keyword_count = ask->keyword_count,
	};

	if (!message) {
		uidset_add(&ask->expunged, uid, uid);
		return false;
	}
	if (ask->conditional && message->modseq > ask->unchangedsince) {
		uidset_add(&ask->modified, uid, uid);
		return false;
	}
	return fake_message_change(mailbox, message, port->user, &change,
				   modseq);
}

enum err fake_store_ask(struct fake_port *port, struct imap_ask_store *ask)
{
	struct fake_mailbox *mailbox;
	enum err err = fake_selected(port, ask->mailbox_id, &mailbox);
	uint64_t size = uidset_size(ask->uids);
	bool changed = false;
	uint64_t modseq;

	if (err)
		return err;
	MUST(size > 0);
	modseq = mailbox->modseq + 1;
	for (uint64_t i = 0; i < size; i++)
		changed |= store_one(port, ask, mailbox,
				     uidset_nth(ask->uids, i), modseq);
	if (!changed)
		return ERR_NONE;
	ask->modseqs = arena_alloc(ask->ask.arena, sizeof(modseq));
	ask->modseqs[0] = modseq;
	ask->modseq_count = 1;
	fake_changed(mailbox);
	return ERR_NONE;
}

/* ---- EXPUNGE ---- */

enum err fake_expunge(struct fake_port *port, struct imap_ask_expunge *ask)
{
	struct fake_mailbox *mailbox;
	enum err err = fake_selected(port, ask->mailbox_id, &mailbox);
	uint64_t modseq;

	if (err)
		return err;
	modseq = mailbox->modseq + 1;
	for (size_t i = mailbox->count; i-- > 0;) {
		const struct fake_message *message = &mailbox->messages[i];

		if (!(message->flags & IMAP_FLAG_DELETED) ||
		    !uidset_has(ask->uids, message->uid))
			continue;
		fake_message_expunge(mailbox, message->uid, modseq);
		ask->modseq = modseq;
	}
	if (ask->modseq)
		fake_changed(mailbox);
	return ERR_NONE;
}

/* ---- COPY, MOVE ---- */

/* Flags without their right are lost (RFC 4314 section 4). */
static void strip_flags(struct fake_message *message, uint32_t rights)
{
	if (!(rights & IMAP_RIGHT_DELETE_MESSAGE))
		message->flags &= ~(uint32_t)IMAP_FLAG_DELETED;
	if (!(rights & IMAP_RIGHT_SEEN))
		message->seen = 0;
	if (rights & IMAP_RIGHT_WRITE)
		return;
	message->flags &= IMAP_FLAG_DELETED;
	message->keywords[0] = 0;
	message->keywords[1] = 0;
}

static void copy_all(struct fake_port *port, struct imap_ask_copy *ask,
		     struct fake_mailbox *source, struct fake_mailbox *target)
{
	uint32_t rights = fake_rights(target, port->user);
	uint64_t size = uidset_size(ask->uids);
	uint64_t modseq = target->modseq + 1;

	for (uint64_t i = 0; i < size; i++) {
		uint32_t uid = uidset_nth(ask->uids, i);
		const struct fake_message *message =
			fake_message_find(source, uid);
		struct fake_message *copy;

		if (!message)
			continue; /* RFC 2180 section 4.4.2 */
		copy = fake_message_copy(target, source, message, modseq,
					 rights & IMAP_RIGHT_WRITE);
		strip_flags(copy, rights);
		uidset_add(&ask->source, uid, uid);
		uidset_add(&ask->copies, copy->uid, copy->uid);
	}
}

static void expunge_moved(const struct imap_ask_copy *ask,
			  struct fake_mailbox *source)
{
	uint64_t size = uidset_size(&ask->source);
	uint64_t modseq = source->modseq + 1;

	for (uint64_t i = 0; i < size; i++)
		fake_message_expunge(source, uidset_nth(&ask->source, i),
				     modseq);
}

enum err fake_copy(struct fake_port *port, struct imap_ask_copy *ask)
{
	struct fake_mailbox *target =
		fake_mailbox_find(port->store, port->user, ask->target);
	struct fake_mailbox *source;
	enum err err = fake_selected(port, ask->mailbox_id, &source);

	if (err)
		return err;
	if (!target)
		return ERR_NOTFOUND;
	if (!(fake_rights(target, port->user) & IMAP_RIGHT_INSERT))
		return ERR_DENIED;
	ask->uidvalidity = target->uidvalidity;
	copy_all(port, ask, source, target);
	if (ask->move)
		expunge_moved(ask, source);
	fake_changed(target);
	if (ask->move && source != target)
		fake_changed(source);
	return ERR_NONE;
}

/* ---- APPEND ---- */

static void append_one(struct fake_port *port, struct imap_ask_append *ask,
		       const struct imap_append_message *from,
		       struct fake_mailbox *mailbox, uint64_t modseq)
{
	struct fake_change change = {
		.op = IMAP_STORE_ADD,
		.flags = from->flags,
		.keywords = from->keywords,
		.keyword_count = from->keyword_count,
	};
	struct fake_message *message =
		fake_message_add(mailbox, buf_slice(&from->upload->octets));

	message->modseq = modseq;
	mailbox->modseq = modseq;
	if (from->has_date) {
		message->date_s = from->internal_date_s;
		message->zone_min = from->internal_zone_min;
	}
	fake_message_change(mailbox, message, port->user, &change,
			    message->modseq);
	strip_flags(message, fake_rights(mailbox, port->user));
	uidset_add(&ask->uids, message->uid, message->uid);
}

enum err fake_append(struct fake_port *port, struct imap_ask_append *ask)
{
	struct fake_mailbox *mailbox =
		fake_mailbox_find(port->store, port->user, ask->name);
	uint64_t modseq;

	if (!mailbox)
		return ERR_NOTFOUND;
	if (!(fake_rights(mailbox, port->user) & IMAP_RIGHT_INSERT))
		return ERR_DENIED;
	ask->uidvalidity = mailbox->uidvalidity;
	modseq = mailbox->modseq + 1;
	for (size_t i = 0; i < ask->count; i++)
		append_one(port, ask, &ask->messages[i], mailbox, modseq);
	fake_changed(mailbox);
	return ERR_NONE;
}
