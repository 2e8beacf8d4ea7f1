/*
 * Commands on names: CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE and the
 * access lists of RFC 4314. One ask each.
 */
#include "base/panic.h"
#include "base/unicode.h"
#include "imap/session_internal.h"

/* ---- the form in which names are kept ---- */

static struct slice normal(struct imap_session *session, struct slice name)
{
	struct buf text = { 0 };
	struct slice kept;

	MUST(unicode_nfc(name, &text) == ERR_NONE); /* the parser saw to it */
	kept = arena_slice(&session->arena, buf_slice(&text));
	buf_fini(&text);
	return kept;
}

void session_write_name(struct imap_session *session, struct slice name,
			struct slice given)
{
	struct imap_list_line line = {
		.separator = session->config->separator,
		.name = normal(session, name),
	};

	if (!session->rev2)
		return;
	if (!slice_eq(line.name, given))
		line.oldname = given;
	imap_write_list(&session->out, true, &line);
}

/* After CREATE and RENAME: only if a name is not what the client gave. */
static void tell_normal(struct imap_session *session, struct slice name,
			struct slice old)
{
	if (!slice_eq(normal(session, name), name) ||
	    !slice_eq(normal(session, old), old))
		session_write_name(session, name, old);
}

/* The name without one separator at its end (RFC 9051 section 6.3.4). */
static struct slice without_end(const struct imap_session *session,
				struct slice name)
{
	if (name.len &&
	    name.data[name.len - 1] == (uint8_t)session->config->separator)
		name.len--;
	return name;
}

/* The answer of an ask that writes and gives nothing back. */
static void written(struct imap_session *session)
{
	if (session->ask.head.err)
		session_err(session, session->ask.head.err, true);
	else
		session_ok(session);
}

/* ---- CREATE ---- */

static void created(struct imap_session *session)
{
	const struct imap_ask_create *answer = &session->ask.create;

	/* RFC 6154 section 3: another mailbox has it, or this may not */
	if (answer->ask.err == ERR_CANNOT && answer->special_use) {
		session_no(session, IMAP_CODE_USEATTR,
			   "special use cannot be given");
		return;
	}
	if (answer->ask.err) {
		session_err(session, answer->ask.err, true);
		return;
	}
	tell_normal(session, answer->name, answer->name);
	imap_code_mailboxid(session_end_begin(session, IMAP_OK),
			    answer->mailbox_id);
	session_end_text(session, "CREATE completed");
}

void session_run_create(struct imap_session *session)
{
	const struct imap_create *args = &session->command->create;

	if (!args->mailbox.valid) {
		session_no(session, IMAP_CODE_CANNOT, "no such name can be");
		return;
	}
	if (args->unknown_use) {
		session_no(session, IMAP_CODE_USEATTR, "unknown special use");
		return;
	}
	session_ask_new(session, IMAP_ASK_CREATE);
	session->ask.create.name = without_end(session, args->mailbox.name);
	session->ask.create.special_use = args->special_use;
	session_ask(session, created);
}

/* ---- DELETE, RENAME, SUBSCRIBE ---- */

static void renamed(struct imap_session *session)
{
	const struct imap_ask_rename *answer = &session->ask.rename;

	if (!answer->ask.err)
		tell_normal(session, answer->to, answer->from);
	written(session);
}

void session_run_delete(struct imap_session *session)
{
	const struct imap_mailbox *mailbox = &session->command->mailbox;

	if (!mailbox->valid) {
		session_err(session, ERR_NOTFOUND, false);
		return;
	}
	session_ask_new(session, IMAP_ASK_DELETE);
	session->ask.delete.name = mailbox->name;
	session_ask(session, written);
}

void session_run_rename(struct imap_session *session)
{
	const struct imap_rename *args = &session->command->rename;

	if (!args->from.valid) {
		session_err(session, ERR_NOTFOUND, false);
		return;
	}
	if (!args->to.valid) {
		session_no(session, IMAP_CODE_CANNOT, "no such name can be");
		return;
	}
	session_ask_new(session, IMAP_ASK_RENAME);
	session->ask.rename.from = args->from.name;
	session->ask.rename.to = without_end(session, args->to.name);
	session_ask(session, renamed);
}

void session_run_subscribe(struct imap_session *session)
{
	const struct imap_mailbox *mailbox = &session->command->mailbox;

	if (!mailbox->valid) {
		session_err(session, ERR_NOTFOUND, false);
		return;
	}
	session_ask_new(session, IMAP_ASK_SUBSCRIBE);
	session->ask.subscribe.name = mailbox->name;
	session->ask.subscribe.subscribe =
		session->command->kind == IMAP_SUBSCRIBE;
	session_ask(session, written);
}

/* ---- GETACL ---- */

static void got_acl(struct imap_session *session)
{
	const struct imap_ask_get_acl *answer = &session->ask.get_acl;
	struct imap_acl_line *lines;

	if (answer->ask.err) {
		session_err(session, answer->ask.err, false);
		return;
	}
	lines = arena_zalloc(&session->arena, answer->count + 1,
			     sizeof(*lines));
	for (size_t i = 0; i < answer->count; i++)
		lines[i] = (struct imap_acl_line){
			answer->entries[i].identifier,
			answer->entries[i].rights,
		};
	imap_write_acl(&session->out, session_utf8(session),
		       session->command->mailbox.name, lines, answer->count);
	session_ok(session);
}

void session_run_getacl(struct imap_session *session)
{
	const struct imap_mailbox *mailbox = &session->command->mailbox;

	if (!mailbox->valid) {
		session_err(session, ERR_NOTFOUND, false);
		return;
	}
	session_ask_new(session, IMAP_ASK_GET_ACL);
	session->ask.get_acl.name = mailbox->name;
	session_ask(session, got_acl);
}

/* ---- SETACL, DELETEACL ---- */

static enum imap_acl_change change_of(const struct imap_session *session)
{
	if (session->command->kind == IMAP_DELETEACL)
		return IMAP_ACL_DELETE;
	switch (session->command->acl.mode) {
	case '+':
		return IMAP_ACL_ADD;
	case '-':
		return IMAP_ACL_REMOVE;
	default:
		return IMAP_ACL_SET;
	}
}

void session_run_setacl(struct imap_session *session)
{
	const struct imap_acl *args = &session->command->acl;
	uint32_t rights = 0;

	if (!args->mailbox.valid) {
		session_err(session, ERR_NOTFOUND, false);
		return;
	}
	if (session->command->kind == IMAP_SETACL &&
	    imap_rights_parse(args->rights, &rights)) {
		session_bad(session, "unknown right");
		return;
	}
	session_ask_new(session, IMAP_ASK_SET_ACL);
	session->ask.set_acl.name = args->mailbox.name;
	session->ask.set_acl.identifier = args->identifier;
	session->ask.set_acl.change = change_of(session);
	session->ask.set_acl.rights = rights;
	session_ask(session, written);
}

/* ---- MYRIGHTS, LISTRIGHTS ---- */

static void got_rights(struct imap_session *session)
{
	const struct imap_ask_rights *answer = &session->ask.rights;
	bool utf8 = session_utf8(session);

	if (answer->ask.err) {
		session_err(session, answer->ask.err, false);
		return;
	}
	if (session->command->kind == IMAP_MYRIGHTS)
		imap_write_myrights(&session->out, utf8, answer->name,
				    answer->rights);
	else
		imap_write_listrights(&session->out, utf8, answer->name,
				      answer->identifier, answer->rights,
				      answer->optional);
	session_ok(session);
}

void session_run_myrights(struct imap_session *session)
{
	bool list = session->command->kind == IMAP_LISTRIGHTS;
	const struct imap_mailbox *mailbox =
		list ? &session->command->acl.mailbox
		     : &session->command->mailbox;

	if (!mailbox->valid) {
		session_err(session, ERR_NOTFOUND, false);
		return;
	}
	session_ask_new(session, IMAP_ASK_RIGHTS);
	session->ask.rights.name = mailbox->name;
	if (list)
		session->ask.rights.identifier =
			session->command->acl.identifier;
	session_ask(session, got_rights);
}
