/*
 * mailbox list, create, delete, rename, acl: by internal names
 * (`user.john.Sent`, `shared.news`).
 */
#include "base/mem.h"
#include "base/unicode.h"
#include "cluster/directory_command.h"
#include "server/admin_call.h"

#define KEEP_MS (7ull * 24 * 3600 * 1000) /* for an undelete */

static void done(struct admin_call *call)
{
	node_run_intents(call->node);
	admin_ok(call, NULL);
}

static void free_name(struct admin_call *call)
{
	struct buf *name = call->state;

	buf_fini(name);
	mem_free(name);
}

/* The argument in NFC, checked; false: the call has failed. */
static bool take_name(struct admin_call *call, const char *argument,
		      struct buf *out)
{
	struct slice text;
	enum err err;

	if (!admin_text(call, argument, &text))
		return false;
	err = unicode_nfc(text, out);
	if (!err)
		err = names_check(buf_slice(out));
	if (err)
		admin_fail(call, err, "\"%.*s\" is no mailbox name",
			   SLICE_FMT(text));
	return err == ERR_NONE;
}

static struct buf *name_new(struct admin_call *call)
{
	struct buf *name = mem_zalloc(1, sizeof(*name));

	call->state = name;
	call->fini = free_name;
	return name;
}

/* ---- create, delete ---- */

static void created(struct admin_call *call)
{
	struct directory_create_result result;

	if (directory_create_result(buf_slice(&call->proposal.result), &result))
		admin_fail(call, ERR_CORRUPT, "the answer is damaged");
	else
		admin_ok(call,
			 json_pack("{s:I, s:I}", "group",
				   (json_int_t)result.group, "uidvalidity",
				   (json_int_t)result.uidvalidity));
}

void admin_mailbox_create(struct admin_call *call)
{
	/* A new shared tree is everybody's to read. */
	struct directory_create command = {
		.acl = SLICE_LIT("anyone\tlrs\t"),
	};
	struct buf *name = name_new(call);
	enum err err;

	if (!take_name(call, "name", name))
		return;
	command.name = buf_slice(name);
	if (names_is_personal(command.name))
		command.acl = SLICE_NONE;
	err = directory_create_encode(&command, admin_body(call));
	admin_propose(call, 0, DIRECTORY_CREATE, err, "mailbox create",
		      created);
}

void admin_mailbox_delete(struct admin_call *call)
{
	struct directory_delete command = { .keep_ms = KEEP_MS };
	struct buf *name = name_new(call);
	enum err err;

	if (!take_name(call, "name", name))
		return;
	command.name = buf_slice(name);
	err = directory_delete_encode(&command, admin_body(call));
	admin_propose(call, 0, DIRECTORY_DELETE, err, "mailbox delete", done);
}

/* ---- rename ---- */

static void renamed(struct admin_call *call)
{
	struct directory_rename_result result;

	node_run_intents(call->node);
	if (directory_rename_result(buf_slice(&call->proposal.result), &result))
		admin_fail(call, ERR_CORRUPT, "the answer is damaged");
	else
		admin_ok(call, json_pack("{s:I}", "renamed",
					 (json_int_t)result.renamed));
}

void admin_mailbox_rename(struct admin_call *call)
{
	struct directory_rename command = { 0 };
	struct buf *names = name_new(call);
	struct buf to = { 0 };
	size_t from_len;
	enum err err;

	if (!take_name(call, "name", names))
		return;
	from_len = names->len;
	if (!take_name(call, "to", &to)) {
		buf_fini(&to);
		return;
	}
	buf_add_slice(names, buf_slice(&to));
	buf_fini(&to);
	command.from = slice_first(buf_slice(names), from_len);
	command.to = slice_from(buf_slice(names), from_len);
	err = directory_rename_encode(&command, admin_body(call));
	admin_propose(call, 0, DIRECTORY_RENAME, err, "mailbox rename",
		      renamed);
}

/* ---- acl ---- */

static json_t *acl_json(struct slice acl)
{
	json_t *entries = json_object();
	struct acl_entry entry;

	while (acl_next(&acl, &entry)) {
		struct buf key = { 0 };
		struct buf text = { 0 };

		buf_printf(&key, "%s%.*s", entry.negative ? "-" : "",
			   SLICE_FMT(entry.identifier));
		rights_add_text(entry.rights, &text);
		json_object_set_new(entries, buf_cstr(&key),
				    json_string(buf_cstr(&text)));
		buf_fini(&key);
		buf_fini(&text);
	}
	return entries;
}

/* {identifier, rights} of the request; rights "" takes the entry away. */
static bool take_entry(struct admin_call *call, struct acl_entry *entry_r)
{
	struct slice identifier = admin_text_or_none(call, "identifier");
	struct slice rights = admin_text_or_none(call, "rights");

	entry_r->negative = slice_has_prefix(identifier, SLICE_LIT("-"));
	entry_r->identifier = slice_from(identifier, entry_r->negative);
	if (acl_check_identifier(entry_r->identifier)) {
		admin_fail(call, ERR_INVALID, "not an identifier");
		return false;
	}
	if (rights_of_text(rights, &entry_r->rights))
		return true;
	admin_fail(call, ERR_INVALID, "unknown right in \"%.*s\"",
		   SLICE_FMT(rights));
	return false;
}

static void acl_found(struct admin_call *call)
{
	struct directory_set_acl command = { .change = ACL_REPLACE };
	struct directory_mailbox mailbox;
	struct buf *name = call->state;
	json_t *acl = NULL;
	struct store_txn *txn;
	bool found;
	enum err err;

	if (!admin_read(call, 0, &txn))
		return;
	found = directory_mailbox_find(txn, buf_slice(name), &mailbox);
	if (found) {
		command.id = mailbox.id;
		acl = acl_json(mailbox.acl);
	}
	store_end(&txn);
	if (!found) {
		admin_fail(call, ERR_NOTFOUND, "no mailbox \"%s\"",
			   buf_cstr(name));
		return;
	}
	if (!admin_text_or_none(call, "identifier").len) {
		admin_ok(call, json_pack("{s:o}", "acl", acl));
		return;
	}
	json_decref(acl);
	if (!take_entry(call, &command.entry))
		return;
	err = directory_set_acl_encode(&command, admin_body(call));
	admin_propose(call, 0, DIRECTORY_SET_ACL, err, "mailbox acl", done);
}

void admin_mailbox_acl(struct admin_call *call)
{
	if (take_name(call, "name", name_new(call)))
		admin_read_index(call, 0, acl_found);
}

/* ---- list ---- */

static json_t *mailbox_json(const struct directory_mailbox *mailbox)
{
	return json_pack("{s:o, s:I, s:I, s:I, s:o}", "name",
			 admin_string(mailbox->name), "id",
			 (json_int_t)mailbox->id, "group",
			 (json_int_t)mailbox->group, "uidvalidity",
			 (json_int_t)mailbox->uidvalidity, "acl",
			 acl_json(mailbox->acl));
}

static void list(struct admin_call *call, struct store_txn *txn, json_t *items)
{
	struct slice prefix = admin_text_or_none(call, "prefix");
	struct directory_mailbox mailbox;
	struct directory_walk walk;

	directory_mailbox_walk(&walk, txn, prefix, SLICE_NONE);
	while (directory_mailbox_next(&walk, &mailbox))
		json_array_append_new(items, mailbox_json(&mailbox));
	directory_walk_end(&walk);
}

void admin_mailbox_list(struct admin_call *call)
{
	admin_list(call, "mailboxes", list);
}
