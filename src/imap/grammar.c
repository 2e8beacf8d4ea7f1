/*
 * Heads of commands, and the commands with simple arguments.
 *
 * The head decides by one table which function reads the rest. What is left
 * over behind the arguments of a command is an error of all of them.
 */
#include "imap/grammar.h"

#include "base/attr.h"
#include "base/panic.h"
#include "imap/parser.h"

typedef bool args_parse(struct imap_scan *scan, struct imap_command *command);

struct slice imap_grammar_tag(struct slice text)
{
	size_t len = 0;

	while (len < text.len && imap_octet_is(text.data[len], IMAP_OCTET_TAG))
		len++;
	if (len > IMAP_TAG_MAX ||
	    (len < text.len && text.data[len] != ' ' && text.data[len] != '\r'))
		return SLICE_NONE;
	return slice_first(text, len);
}

static bool is_uid_kind(enum imap_kind kind)
{
	return kind == IMAP_COPY || kind == IMAP_EXPUNGE ||
	       kind == IMAP_FETCH || kind == IMAP_MOVE || kind == IMAP_SEARCH ||
	       kind == IMAP_STORE;
}

bool imap_grammar_head(struct imap_scan *scan, struct imap_command *command)
{
	struct slice name;

	command->tag = imap_grammar_tag(
		slice_of(scan->pos, (size_t)(scan->end - scan->pos)));
	if (command->tag.len == 0)
		return imap_scan_fail(scan, "Bad tag");
	scan->pos += command->tag.len;
	if (!imap_scan_try(scan, ' '))
		return imap_scan_fail(scan, "Missing command");
	command->uid = imap_scan_try_word(scan, "UID");
	if (command->uid && !imap_scan_sp(scan))
		return false;
	name = imap_scan_word(scan);
	if (!imap_kind_find(name, &command->kind))
		return imap_scan_fail(scan, "Unknown command");
	return !command->uid || is_uid_kind(command->kind) ||
	       imap_scan_fail(scan, "Unknown command behind UID");
}

static bool args_none(struct imap_scan *scan, struct imap_command *command)
{
	(void)scan;
	(void)command;
	return true;
}

static bool args_mailbox(struct imap_scan *scan, struct imap_command *command)
{
	return imap_scan_sp(scan) && imap_scan_mailbox(scan, &command->mailbox);
}

static bool args_rename(struct imap_scan *scan, struct imap_command *command)
{
	return imap_scan_sp(scan) &&
	       imap_scan_mailbox(scan, &command->rename.from) &&
	       imap_scan_sp(scan) &&
	       imap_scan_mailbox(scan, &command->rename.to);
}

static bool args_copy(struct imap_scan *scan, struct imap_command *command)
{
	return imap_scan_sp(scan) && imap_scan_set(scan, &command->copy.set) &&
	       imap_scan_sp(scan) &&
	       imap_scan_mailbox(scan, &command->copy.mailbox);
}

/* Only UID EXPUNGE has a set (RFC 4315 section 2.1). */
static bool args_expunge(struct imap_scan *scan, struct imap_command *command)
{
	return !command->uid ||
	       (imap_scan_sp(scan) && imap_scan_set(scan, &command->expunge));
}

static bool args_login(struct imap_scan *scan, struct imap_command *command)
{
	return imap_scan_sp(scan) &&
	       imap_scan_astring(scan, &command->login.user) &&
	       imap_scan_sp(scan) &&
	       imap_scan_astring(scan, &command->login.password);
}

/* The initial response is base64 or "="; both are made of atom octets. */
static bool args_authenticate(struct imap_scan *scan,
			      struct imap_command *command)
{
	struct imap_authenticate *args = &command->authenticate;

	if (!imap_scan_sp(scan) || !imap_scan_atom(scan, &args->mechanism))
		return false;
	args->has_initial = imap_scan_try(scan, ' ');
	return !args->has_initial || imap_scan_atom(scan, &args->initial);
}

static bool args_enable(struct imap_scan *scan, struct imap_command *command)
{
	struct imap_vec names = { 0 };

	do {
		struct slice *name = (struct slice *)imap_scan_add(
			scan, &names, sizeof(*name), IMAP_ARGS_MAX);

		if (name == NULL || !imap_scan_sp(scan) ||
		    !imap_scan_atom(scan, name))
			return false;
	} while (!imap_scan_at_end(scan));
	command->enable.capabilities = (const struct slice *)names.items;
	command->enable.count = names.count;
	return true;
}

static bool id_pair(struct imap_scan *scan, struct imap_vec *pairs)
{
	struct imap_id_pair pair = { 0 };
	struct imap_id_pair *kept;

	if (!imap_scan_string(scan, &pair.field) || !imap_scan_sp(scan) ||
	    !imap_scan_nstring(scan, &pair.value))
		return false;
	pair.nil = pair.value.data == NULL;
	if (pairs->count == IMAP_ID_PAIRS_MAX ||
	    pair.field.len > IMAP_ID_FIELD_MAX ||
	    pair.value.len > IMAP_ID_VALUE_MAX)
		return true;
	kept = (struct imap_id_pair *)imap_scan_add(scan, pairs, sizeof(*kept),
						    IMAP_ID_PAIRS_MAX);
	MUST(kept != NULL);
	*kept = pair;
	return true;
}

static bool args_id(struct imap_scan *scan, struct imap_command *command)
{
	struct imap_vec pairs = { 0 };
	bool more;

	if (!imap_scan_sp(scan))
		return false;
	if (imap_scan_try_word(scan, "NIL"))
		return true;
	if (!imap_scan_octet(scan, '(', "List or NIL expected"))
		return false;
	for (bool first = true;; first = false) {
		if (!imap_scan_list_next(scan, first, &more))
			return false;
		if (!more)
			break;
		if (!id_pair(scan, &pairs))
			return false;
	}
	command->id.pairs = (const struct imap_id_pair *)pairs.items;
	command->id.count = pairs.count;
	return true;
}

/* ---- rights (RFC 4314) ---- */

static bool args_acl(struct imap_scan *scan, struct imap_command *command)
{
	return imap_scan_sp(scan) &&
	       imap_scan_mailbox(scan, &command->acl.mailbox) &&
	       imap_scan_sp(scan) &&
	       imap_scan_astring(scan, &command->acl.identifier);
}

static bool args_setacl(struct imap_scan *scan, struct imap_command *command)
{
	struct imap_acl *acl = &command->acl;

	if (!args_acl(scan, command) || !imap_scan_sp(scan) ||
	    !imap_scan_astring(scan, &acl->rights))
		return false;
	if (acl->rights.len > 0 &&
	    (acl->rights.data[0] == '+' || acl->rights.data[0] == '-')) {
		acl->mode = (char)acl->rights.data[0];
		acl->rights = slice_from(acl->rights, 1);
	}
	return true;
}

/* ---- dispatch ---- */

static const struct {
	args_parse *parse;
	bool literals; /* some argument may be a literal */
} rules[] = {
	[IMAP_APPEND] = { NULL, true }, /* imap_grammar_append */
	[IMAP_AUTHENTICATE] = { args_authenticate, false },
	[IMAP_CAPABILITY] = { args_none, false },
	[IMAP_CHECK] = { args_none, false },
	[IMAP_CLOSE] = { args_none, false },
	[IMAP_COPY] = { args_copy, true },
	[IMAP_CREATE] = { imap_grammar_create, true },
	[IMAP_DELETE] = { args_mailbox, true },
	[IMAP_DELETEACL] = { args_acl, true },
	[IMAP_ENABLE] = { args_enable, false },
	[IMAP_EXAMINE] = { imap_grammar_select, true },
	[IMAP_EXPUNGE] = { args_expunge, false },
	[IMAP_FETCH] = { imap_grammar_fetch, true },
	[IMAP_GETACL] = { args_mailbox, true },
	[IMAP_ID] = { args_id, true },
	[IMAP_IDLE] = { args_none, false },
	[IMAP_LIST] = { imap_grammar_list, true },
	[IMAP_LISTRIGHTS] = { args_acl, true },
	[IMAP_LOGIN] = { args_login, true },
	[IMAP_LOGOUT] = { args_none, false },
	[IMAP_LSUB] = { imap_grammar_lsub, true },
	[IMAP_MOVE] = { args_copy, true },
	[IMAP_MYRIGHTS] = { args_mailbox, true },
	[IMAP_NAMESPACE] = { args_none, false },
	[IMAP_NOOP] = { args_none, false },
	[IMAP_RENAME] = { args_rename, true },
	[IMAP_SEARCH] = { imap_grammar_search, true },
	[IMAP_SELECT] = { imap_grammar_select, true },
	[IMAP_SETACL] = { args_setacl, true },
	[IMAP_STARTTLS] = { args_none, false },
	[IMAP_STATUS] = { imap_grammar_status, true },
	[IMAP_STORE] = { imap_grammar_store, false },
	[IMAP_SUBSCRIBE] = { args_mailbox, true },
	[IMAP_UNSELECT] = { args_none, false },
	[IMAP_UNSUBSCRIBE] = { args_mailbox, true },
};

bool imap_grammar_takes_literals(enum imap_kind kind)
{
	MUST((size_t)kind < ARRAY_LEN(rules));
	return rules[kind].literals;
}

bool imap_grammar_args(struct imap_scan *scan, struct imap_command *command)
{
	MUST((size_t)command->kind < ARRAY_LEN(rules));
	MUST(rules[command->kind].parse != NULL);
	return rules[command->kind].parse(scan, command) && imap_scan_end(scan);
}
