/*
 * LIST, LSUB and STATUS (RFC 9051 sections 6.3.9, 6.3.11; RFC 5258, 5819).
 *
 * LIST: ask for names, slice by slice -> the walk tells which -> with RETURN
 * (STATUS) a STATUS ask for each selectable one that was told -> done
 */
#include "base/mem.h"
#include "imap/list_match.h"
#include "imap/session_internal.h"

/* ---- STATUS ---- */

static void write_status(struct imap_session *session, struct slice name,
			 uint32_t items)
{
	const struct imap_ask_status *answer = &session->ask.status;
	struct imap_status_line line = {
		.items = items,
		.name = name,
		.messages = answer->messages,
		.unseen = answer->unseen,
		.deleted = answer->deleted,
		.size = answer->size,
		.highestmodseq = answer->highestmodseq,
		.uidnext = answer->uidnext,
		.uidvalidity = answer->uidvalidity,
		.append_limit = session->config->append_limit,
		.mailbox_id = answer->mailbox_id,
	};

	imap_write_status(&session->out, session_utf8(session), &line);
}

static void ask_status(struct imap_session *session, struct slice name,
		       uint32_t items, session_resume *resume)
{
	session_ask_new(session, IMAP_ASK_STATUS);
	session->ask.status.name = name;
	session->ask.status.items = items;
	session_ask(session, resume);
}

static void status_answered(struct imap_session *session)
{
	const struct imap_status *args = &session->command->status;

	if (session->ask.head.err) {
		session_err(session, session->ask.head.err, false);
		return;
	}
	if (args->items & IMAP_STATUS_HIGHESTMODSEQ)
		session_enable_condstore(session);
	write_status(session, args->mailbox.name, args->items);
	session_ok(session);
}

void session_run_status(struct imap_session *session)
{
	const struct imap_status *args = &session->command->status;

	if (!args->mailbox.valid)
		session_err(session, ERR_NOTFOUND, false);
	else
		ask_status(session, args->mailbox.name, args->items,
			   status_answered);
}

/* ---- LIST ---- */

/* Names whose STATUS is still to be told; in the arena. */
struct list_status {
	struct slice name;
	struct list_status *next;
};

static const struct imap_list *args_of(const struct imap_session *session)
{
	return &session->command->list;
}

static void told(void *arg, const struct imap_list_entry *entry,
		 const struct imap_list_line *line)
{
	struct imap_session *session = arg;
	struct list_status *status;

	imap_write_list(&session->out, session_utf8(session), line);
	if (!(args_of(session)->returns & IMAP_LIST_RETURN_STATUS) ||
	    !entry->exists || !entry->selectable ||
	    !(entry->rights & IMAP_RIGHT_READ))
		return;
	status = ARENA_NEW(&session->arena, struct list_status);
	status->name = arena_slice(&session->arena, entry->name);
	*session->list_status_end = status;
	session->list_status_end = &status->next;
}

static void next_status(struct imap_session *session);

/* A mailbox that went meanwhile has no STATUS line (RFC 5819 section 2). */
static void list_status_answered(struct imap_session *session)
{
	struct list_status *status = session->list_status;

	if (!session->ask.head.err)
		write_status(session, status->name, args_of(session)->status);
	session->list_status = status->next;
	next_status(session);
}

static void next_status(struct imap_session *session)
{
	if (session_wait_output(session, next_status))
		return;
	if (!session->list_status)
		session_ok(session);
	else
		ask_status(session, session->list_status->name,
			   args_of(session)->status, list_status_answered);
}

static void ask_names(struct imap_session *session);

static void names_answered(struct imap_session *session)
{
	const struct imap_ask_list *answer = &session->ask.list;

	if (answer->ask.err) {
		session_err(session, answer->ask.err, false);
		return;
	}
	for (size_t i = 0; i < answer->count; i++)
		imap_list_walk_add(session->list_walk, &answer->entries[i]);
	if (answer->more && answer->count) {
		buf_clear(&session->list_after);
		buf_add_slice(&session->list_after,
			      answer->entries[answer->count - 1].name);
		ask_names(session);
		return;
	}
	imap_list_walk_end(session->list_walk);
	next_status(session);
}

static void ask_names(struct imap_session *session)
{
	if (session_wait_output(session, ask_names))
		return;
	arena_clear(&session->slice_arena);
	session_ask_new(session, IMAP_ASK_LIST);
	session->ask.head.arena = &session->slice_arena;
	session->ask.list.prefix = imap_list_walk_prefix(session->list_walk);
	session->ask.list.after = buf_slice(&session->list_after);
	session_ask(session, names_answered);
}

/* LIST "" "": only the separator is wanted (RFC 9051 section 6.3.9). */
static bool asks_for_separator(const struct imap_session *session)
{
	const struct imap_list *args = args_of(session);

	return session->command->kind == IMAP_LIST && !args->extended &&
	       args->pattern_count == 1 && args->patterns[0].raw.len == 0;
}

static void tell_separator(struct imap_session *session)
{
	struct imap_list_line line = {
		.attrs = IMAP_ATTR_NOSELECT,
		.separator = session->config->separator,
	};

	imap_write_list(&session->out, session_utf8(session), &line);
	session_ok(session);
}

void session_run_list(struct imap_session *session)
{
	bool lsub = session->command->kind == IMAP_LSUB;

	if (asks_for_separator(session)) {
		tell_separator(session);
		return;
	}
	session->list_status = NULL;
	session->list_status_end = &session->list_status;
	if (args_of(session)->status & IMAP_STATUS_HIGHESTMODSEQ)
		session_enable_condstore(session);
	session->list_walk =
		imap_list_walk_new(args_of(session), lsub,
				   session->config->separator, told, session);
	ask_names(session);
}
