/*
 * Commands as JSON. One small function a kind, which decodes and names fields.
 *
 * Failures: a body that cannot be decoded is told as damaged, and nothing else
 * of it.
 */
#include "cluster/describe.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/json.h"
#include "cluster/directory_command.h"
#include "cluster/mailgroup_command.h"

/* ---- values ---- */

static void put_uids(struct buf *out, const char *name,
		     const struct uidset *uids)
{
	struct buf text = { 0 };

	uidset_format(uids, &text);
	json_text(out, name, buf_slice(&text));
	buf_fini(&text);
}

static void put_hash(struct buf *out, const char *name,
		     const struct sha256 *hash)
{
	struct buf text = { 0 };

	hex_encode(slice_of(hash->octets, SHA256_SIZE), &text);
	json_text(out, name, buf_slice(&text));
	buf_fini(&text);
}

static void put_flags(struct buf *out, uint8_t flags)
{
	static const char *const names[] = { "\\Seen", "\\Answered",
					     "\\Flagged", "\\Deleted",
					     "\\Draft" };

	json_array_begin(out, "flags");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (flags >> i & 1)
			json_text(out, NULL, slice_str(names[i]));
	json_array_end(out);
}

static void put_keywords(struct buf *out,
			 const struct mailgroup_keyword_list *keywords)
{
	json_array_begin(out, "keywords");
	for (size_t i = 0; i < keywords->count; i++)
		json_text(out, NULL, keywords->names[i]);
	json_array_end(out);
}

static void put_body(struct buf *out, const struct sha256 *hash, uint64_t size)
{
	put_hash(out, "hash", hash);
	json_number(out, "size", size);
}

static void put_copy(struct buf *out, const struct op_id *copy)
{
	json_object_begin(out, "copy");
	json_number(out, "slot", copy->slot);
	json_number(out, "turn", copy->turn);
	json_object_end(out);
}

/* ---- mail groups ---- */

typedef enum err describe(struct slice body, struct arena *arena,
			  struct buf *out);

static enum err append(struct slice body, struct arena *arena, struct buf *out)
{
	struct mailgroup_append command;
	enum err err = mailgroup_append_decode(body, arena, &command);

	if (err)
		return err;
	json_number(out, "mailbox", command.target.mailbox);
	json_array_begin(out, "messages");
	for (size_t i = 0; i < command.count; i++) {
		const struct mailgroup_message *message = &command.messages[i];

		json_object_begin(out, NULL);
		put_body(out, &message->hash, message->size);
		put_flags(out, message->flags);
		put_keywords(out, &message->keywords);
		json_object_end(out);
	}
	json_array_end(out);
	return ERR_NONE;
}

static enum err deliver(struct slice body, struct arena *arena, struct buf *out)
{
	struct mailgroup_deliver command;
	enum err err = mailgroup_deliver_decode(body, arena, &command);

	if (err)
		return err;
	json_array_begin(out, "messages");
	json_object_begin(out, NULL);
	put_body(out, &command.hash, command.size);
	json_object_end(out);
	json_array_end(out);
	json_array_begin(out, "deliveries");
	for (size_t i = 0; i < command.count; i++) {
		const struct mailgroup_delivery *to = &command.deliveries[i];

		json_object_begin(out, NULL);
		json_number(out, "mailbox", to->target.mailbox);
		put_hash(out, "key", &to->key);
		json_object_end(out);
	}
	json_array_end(out);
	return ERR_NONE;
}

static const char *mode_name(enum mailgroup_store_mode mode)
{
	switch (mode) {
	case MAILGROUP_STORE_REPLACE:
		return "replace";
	case MAILGROUP_STORE_ADD:
		return "add";
	case MAILGROUP_STORE_REMOVE:
		return "remove";
	}
	return "?";
}

static enum err store(struct slice body, struct arena *arena, struct buf *out)
{
	struct mailgroup_store command = { 0 };
	enum err err = mailgroup_store_decode(body, arena, &command);

	if (!err) {
		json_number(out, "mailbox", command.mailbox);
		put_uids(out, "uids", &command.uids);
		json_text(out, "mode", slice_str(mode_name(command.mode)));
		put_flags(out, command.flags);
		put_keywords(out, &command.keywords);
	}
	if (!err && command.conditional)
		json_number(out, "unchangedsince", command.unchangedsince);
	uidset_fini(&command.uids);
	return err;
}

static enum err expunge(struct slice body, struct arena *arena, struct buf *out)
{
	struct mailgroup_expunge command = { 0 };
	enum err err = mailgroup_expunge_decode(body, arena, &command);

	if (!err) {
		json_number(out, "mailbox", command.mailbox);
		put_uids(out, "uids", &command.uids);
		json_flag(out, "only_deleted", command.only_deleted);
	}
	uidset_fini(&command.uids);
	return err;
}

static enum err copy(struct slice body, struct arena *arena, struct buf *out)
{
	struct mailgroup_copy command = { 0 };
	enum err err = mailgroup_copy_decode(body, arena, &command);

	if (!err) {
		json_number(out, "mailbox", command.source);
		json_number(out, "target", command.target.mailbox);
		put_uids(out, "uids", &command.uids);
		json_flag(out, "move", command.move);
	}
	uidset_fini(&command.uids);
	return err;
}

static enum err copy_stage(struct slice body, struct arena *arena,
			   struct buf *out)
{
	struct mailgroup_copy_stage command = { 0 };
	enum err err = mailgroup_copy_stage_decode(body, arena, &command);

	if (!err) {
		json_number(out, "mailbox", command.source);
		json_number(out, "target", command.target.mailbox);
		put_uids(out, "uids", &command.uids);
		put_copy(out, &command.copy);
	}
	uidset_fini(&command.uids);
	return err;
}

static enum err copy_reveal(struct slice body, struct arena *arena,
			    struct buf *out)
{
	struct mailgroup_copy_reveal command;
	enum err err = mailgroup_copy_reveal_decode(body, arena, &command);

	if (err)
		return err;
	json_number(out, "target", command.target.mailbox);
	put_copy(out, &command.copy);
	return ERR_NONE;
}

static enum err copy_drop(struct slice body, struct arena *arena,
			  struct buf *out)
{
	struct mailgroup_copy_drop command;
	enum err err = mailgroup_copy_drop_decode(body, arena, &command);

	if (err)
		return err;
	json_number(out, "target", command.mailbox);
	put_copy(out, &command.copy);
	return ERR_NONE;
}

static enum err claim(struct slice body, struct arena *arena, struct buf *out)
{
	struct mailgroup_claim command = { 0 };
	enum err err = mailgroup_claim_decode(body, arena, &command);

	if (!err) {
		json_number(out, "mailbox", command.source);
		json_number(out, "target", command.target.mailbox);
		json_number(out, "target_group", command.group);
		put_uids(out, "uids", &command.uids);
	}
	uidset_fini(&command.uids);
	return err;
}

static enum err claim_end(struct slice body, struct arena *arena,
			  struct buf *out)
{
	struct mailgroup_claim_end command;
	enum err err = mailgroup_claim_end_decode(body, arena, &command);

	if (err)
		return err;
	json_number(out, "target_group", command.group);
	json_object_begin(out, "claim");
	json_number(out, "slot", command.slot);
	json_number(out, "turn", command.turn);
	json_object_end(out);
	json_text(out, "refusal", slice_str(err_name(command.refusal)));
	json_number(out, "first_uid", command.first_uid);
	return ERR_NONE;
}

static enum err seal(struct slice body, struct arena *arena, struct buf *out)
{
	struct mailgroup_seal command;
	enum err err = mailgroup_seal_decode(body, arena, &command);

	if (!err)
		json_number(out, "mailbox", command.mailbox);
	return err;
}

static enum err purge(struct slice body, struct arena *arena, struct buf *out)
{
	struct mailgroup_purge command;
	enum err err = mailgroup_purge_decode(body, arena, &command);

	if (!err)
		json_number(out, "mailbox", command.mailbox);
	return err;
}

static enum err reroot(struct slice body, struct arena *arena, struct buf *out)
{
	struct mailgroup_reroot command;
	enum err err = mailgroup_reroot_decode(body, arena, &command);

	if (err)
		return err;
	json_number(out, "root", command.root);
	json_array_begin(out, "mailboxes");
	for (size_t i = 0; i < command.count; i++)
		json_number(out, NULL, command.mailboxes[i]);
	json_array_end(out);
	return ERR_NONE;
}

/* ---- the directory: what a command names ---- */

static enum err create(struct slice body, struct arena *arena unused_arg,
		       struct buf *out)
{
	struct directory_create command;
	enum err err = directory_create_decode(body, &command);

	if (!err)
		json_text(out, "name", command.name);
	return err;
}

static enum err remove_name(struct slice body, struct arena *arena unused_arg,
			    struct buf *out)
{
	struct directory_delete command;
	enum err err = directory_delete_decode(body, &command);

	if (err)
		return err;
	json_text(out, "name", command.name);
	json_number(out, "mailbox", command.id);
	return ERR_NONE;
}

static enum err rename_tree(struct slice body, struct arena *arena unused_arg,
			    struct buf *out)
{
	struct directory_rename command;
	enum err err = directory_rename_decode(body, &command);

	if (err)
		return err;
	json_text(out, "name", command.from);
	json_text(out, "to", command.to);
	json_number(out, "mailbox", command.id);
	return ERR_NONE;
}

static enum err set_acl(struct slice body, struct arena *arena unused_arg,
			struct buf *out)
{
	struct directory_set_acl command;
	enum err err = directory_set_acl_decode(body, &command);

	if (err)
		return err;
	json_number(out, "mailbox", command.id);
	json_text(out, "identifier", command.entry.identifier);
	return ERR_NONE;
}

static enum err user_add(struct slice body, struct arena *arena unused_arg,
			 struct buf *out)
{
	struct directory_user_add command;
	enum err err = directory_user_add_decode(body, &command);

	if (!err)
		json_text(out, "name", command.name);
	return err;
}

static enum err user_set(struct slice body, struct arena *arena unused_arg,
			 struct buf *out)
{
	struct directory_user_set command;
	enum err err = directory_user_set_decode(body, &command);

	if (!err)
		json_text(out, "name", command.name);
	return err;
}

static enum err user_remove(struct slice body, struct arena *arena unused_arg,
			    struct buf *out)
{
	struct directory_user_remove command;
	enum err err = directory_user_remove_decode(body, &command);

	if (!err)
		json_text(out, "name", command.name);
	return err;
}

static enum err member_add(struct slice body, struct arena *arena unused_arg,
			   struct buf *out)
{
	struct directory_member_add command;
	enum err err = directory_member_add_decode(body, &command);

	if (!err)
		json_text(out, "name", command.member.name);
	return err;
}

static enum err member_set(struct slice body, struct arena *arena unused_arg,
			   struct buf *out)
{
	struct directory_member_set command;
	enum err err = directory_member_set_decode(body, &command);

	if (err)
		return err;
	json_number(out, "member", command.member.node);
	json_number(out, "fields", command.fields);
	if (command.fields & DIRECTORY_MEMBER_STATE)
		json_number(out, "state", command.member.state);
	return ERR_NONE;
}

/* Neither a token's hash nor its secret: who has that may join. */
static enum err token_put(struct slice body, struct arena *arena unused_arg,
			  struct buf *out)
{
	struct directory_token_put command;
	enum err err = directory_token_put_decode(body, &command);

	if (!err)
		json_text(out, "name", command.token.name);
	return err;
}

static enum err join(struct slice body, struct arena *arena unused_arg,
		     struct buf *out)
{
	struct directory_join command;
	enum err err = directory_join_decode(body, &command);

	if (!err)
		json_text(out, "name", command.name);
	return err;
}

static enum err feature_raise(struct slice body, struct arena *arena unused_arg,
			      struct buf *out)
{
	struct directory_feature_raise command;
	enum err err = directory_feature_raise_decode(body, &command);

	if (!err)
		json_number(out, "level", command.level);
	return err;
}

static enum err group_put(struct slice body, struct arena *arena unused_arg,
			  struct buf *out)
{
	struct directory_group_put command;
	enum err err = directory_group_put_decode(body, &command);

	if (err)
		return err;
	json_flag(out, "add", command.add);
	json_number(out, "of", command.group.group);
	json_number(out, "epoch", command.group.epoch);
	return ERR_NONE;
}

static enum err intent_step(struct slice body, struct arena *arena unused_arg,
			    struct buf *out)
{
	struct directory_intent_step command;
	enum err err = directory_intent_step_decode(body, &command);

	if (err)
		return err;
	json_number(out, "intent", command.id);
	json_flag(out, "done", command.end);
	return ERR_NONE;
}

/* ---- all kinds ---- */

static const struct {
	uint16_t kind;
	describe *describe;
} kinds[] = {
	{ DIRECTORY_CREATE, create },
	{ DIRECTORY_DELETE, remove_name },
	{ DIRECTORY_RENAME, rename_tree },
	{ DIRECTORY_SET_ACL, set_acl },
	{ DIRECTORY_USER_ADD, user_add },
	{ DIRECTORY_USER_SET, user_set },
	{ DIRECTORY_USER_REMOVE, user_remove },
	{ DIRECTORY_MEMBER_ADD, member_add },
	{ DIRECTORY_MEMBER_SET, member_set },
	{ DIRECTORY_TOKEN_PUT, token_put },
	{ DIRECTORY_JOIN, join },
	{ DIRECTORY_FEATURE_RAISE, feature_raise },
	{ DIRECTORY_GROUP_PUT, group_put },
	{ DIRECTORY_INTENT_STEP, intent_step },
	{ MAILGROUP_APPEND, append },
	{ MAILGROUP_DELIVER, deliver },
	{ MAILGROUP_STORE, store },
	{ MAILGROUP_EXPUNGE, expunge },
	{ MAILGROUP_COPY, copy },
	{ MAILGROUP_COPY_STAGE, copy_stage },
	{ MAILGROUP_COPY_REVEAL, copy_reveal },
	{ MAILGROUP_COPY_DROP, copy_drop },
	{ MAILGROUP_SEAL, seal },
	{ MAILGROUP_PURGE, purge },
	{ MAILGROUP_REROOT, reroot },
	{ MAILGROUP_CLAIM, claim },
	{ MAILGROUP_APPEND_CLAIMED, append },
	{ MAILGROUP_CLAIM_END, claim_end },
};

static void put_kind(const struct command *command, struct buf *out)
{
	const char *name = directory_command_name(command->kind);
	struct buf number = { 0 };

	if (!name)
		name = mailgroup_command_name(command->kind);
	if (!name) {
		buf_printf(&number, "KIND %u", (unsigned)command->kind);
		name = buf_cstr(&number);
	}
	json_text(out, "kind", slice_str(name));
	buf_fini(&number);
}

void cluster_describe(const struct command *command, struct buf *out)
{
	struct arena arena = { 0 };
	size_t before;

	put_kind(command, out);
	before = out->len;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].kind != command->kind)
			continue;
		if (kinds[i].describe(command->body, &arena, out)) {
			out->len = before;
			json_flag(out, "damaged", true);
		}
	}
	arena_fini(&arena);
}
