/*
 * A mail group's commands and results as octets.
 *
 * One function a command names its fields and limits for both directions
 * (codec.h); the macros below make encoders, decoders and checks. Failures: a
 * value above its limit or out of its range, and octets that no encoder makes.
 */
#include "cluster/mailgroup_command.h"

#include "base/panic.h"
#include "cluster/codec.h"
#include "cluster/mailgroup_result.h"

/* ---- fields that several have ---- */

static void mailbox_id(struct codec *codec, uint64_t *mailbox)
{
	codec_var64(codec, mailbox);
	if (*mailbox == 0)
		codec_fail(codec, ERR_INVALID);
}

static void target_fields(struct codec *codec, struct mailgroup_target *target)
{
	mailbox_id(codec, &target->mailbox);
	codec_var64(codec, &target->root);
	codec_var64(codec, &target->quota_octets);
	codec_var64(codec, &target->quota_messages);
}

static void uids_field(struct codec *codec, struct uidset *uids)
{
	codec_uids(codec, uids, MAILGROUP_ROWS_MAX);
}

/* No octet that would end the name somewhere on its way. */
static void keyword_name(struct codec *codec, struct slice *name)
{
	codec_bytes(codec, name, MAILGROUP_KEYWORD_NAME_MAX);
	if (name->len == 0)
		codec_fail(codec, ERR_INVALID);
	for (size_t i = 0; i < name->len && codec->err == ERR_NONE; i++)
		if (name->data[i] <= ' ' || name->data[i] == 0x7f)
			codec_fail(codec, ERR_INVALID);
}

static void keyword_list(struct codec *codec,
			 struct mailgroup_keyword_list *list)
{
	void *array = NULL;
	size_t count = codec_array(codec, &list->count, MAILGROUP_KEYWORDS_MAX,
				   sizeof(struct slice), &array);
	struct slice *names = array;

	for (size_t i = 0; i < count; i++) {
		struct slice name =
			codec_decodes(codec) ? SLICE_NONE : list->names[i];

		keyword_name(codec, &name);
		if (names)
			names[i] = name;
	}
	if (codec_decodes(codec))
		list->names = names;
}

static void holders_fields(struct codec *codec,
			   struct mailgroup_holders *holders)
{
	void *array = NULL;
	size_t count = codec_array(codec, &holders->count, COMMAND_HOLDERS_MAX,
				   sizeof(uint64_t), &array);
	uint64_t *raft_ids = array;

	for (size_t i = 0; i < count; i++) {
		uint64_t id = codec_decodes(codec) ? 0 : holders->raft_ids[i];

		codec_u64(codec, &id);
		if (raft_ids)
			raft_ids[i] = id;
	}
	if (codec_decodes(codec))
		holders->raft_ids = raft_ids;
}

static void size_field(struct codec *codec, uint64_t *size)
{
	codec_var(codec, size, MAILGROUP_SIZE_MAX);
}

/* INTERNALDATE; a zone of a day or more is none. */
static void date_fields(struct codec *codec, int64_t *date_s, int16_t *zone_min)
{
	int64_t zone = *zone_min;

	codec_signed(codec, date_s);
	codec_signed(codec, &zone);
	if (zone <= -24 * 60 || zone >= 24 * 60)
		codec_fail(codec, ERR_INVALID);
	*zone_min = (int16_t)zone;
}

static void flags_field(struct codec *codec, uint8_t *flags)
{
	codec_bits(codec, flags, MAILGROUP_FLAGS_ALL);
}

static void structure_field(struct codec *codec, struct slice *structure)
{
	codec_bytes(codec, structure, MAILGROUP_STRUCTURE_MAX);
}

/* ---- commands ---- */

static void message_fields(struct codec *codec,
			   struct mailgroup_message *message)
{
	codec_hash(codec, &message->hash);
	size_field(codec, &message->size);
	date_fields(codec, &message->date_s, &message->zone_min);
	flags_field(codec, &message->flags);
	keyword_list(codec, &message->keywords);
	structure_field(codec, &message->structure);
}

/* At least one. */
static void messages_fields(struct codec *codec,
			    const struct mailgroup_message **messages_p,
			    size_t *count_p)
{
	struct mailgroup_message *messages;
	void *array = NULL;
	size_t count = codec_array(codec, count_p, MAILGROUP_ROWS_MAX,
				   sizeof(*messages), &array);

	messages = array;
	if (*count_p == 0)
		codec_fail(codec, ERR_INVALID);
	for (size_t i = 0; i < count && codec->err == ERR_NONE; i++) {
		struct mailgroup_message message = { 0 };

		if (!codec_decodes(codec))
			message = (*messages_p)[i];
		message_fields(codec, &message);
		if (messages)
			messages[i] = message;
	}
	if (codec_decodes(codec))
		*messages_p = messages;
}

static void append_fields(struct codec *codec, struct mailgroup_append *command)
{
	target_fields(codec, &command->target);
	codec_var64(codec, &command->user);
	holders_fields(codec, &command->holders);
	messages_fields(codec, &command->messages, &command->count);
}

static void delivery_fields(struct codec *codec,
			    struct mailgroup_delivery *delivery)
{
	target_fields(codec, &delivery->target);
	codec_var64(codec, &delivery->user);
	codec_hash(codec, &delivery->key);
	flags_field(codec, &delivery->flags);
	keyword_list(codec, &delivery->keywords);
}

static void deliver_fields(struct codec *codec,
			   struct mailgroup_deliver *command)
{
	struct mailgroup_delivery *deliveries;
	void *array = NULL;
	size_t count;

	holders_fields(codec, &command->holders);
	codec_hash(codec, &command->hash);
	size_field(codec, &command->size);
	date_fields(codec, &command->date_s, &command->zone_min);
	structure_field(codec, &command->structure);
	count = codec_array(codec, &command->count, MAILGROUP_TARGETS_MAX,
			    sizeof(*deliveries), &array);
	deliveries = array;
	if (command->count == 0)
		codec_fail(codec, ERR_INVALID);
	for (size_t i = 0; i < count && codec->err == ERR_NONE; i++) {
		struct mailgroup_delivery delivery = { 0 };

		if (!codec_decodes(codec))
			delivery = command->deliveries[i];
		delivery_fields(codec, &delivery);
		if (deliveries)
			deliveries[i] = delivery;
	}
	if (codec_decodes(codec))
		command->deliveries = deliveries;
}

static void store_fields(struct codec *codec, struct mailgroup_store *command)
{
	unsigned mode = command->mode;

	mailbox_id(codec, &command->mailbox);
	codec_var64(codec, &command->user);
	codec_choice(codec, &mode, MAILGROUP_STORE_REPLACE,
		     MAILGROUP_STORE_REMOVE);
	command->mode = (enum mailgroup_store_mode)mode;
	flags_field(codec, &command->flags);
	flags_field(codec, &command->mask);
	codec_bool(codec, &command->may_keywords);
	codec_bool(codec, &command->conditional);
	codec_var64(codec, &command->unchangedsince);
	keyword_list(codec, &command->keywords);
	uids_field(codec, &command->uids);
}

static void expunge_fields(struct codec *codec,
			   struct mailgroup_expunge *command)
{
	mailbox_id(codec, &command->mailbox);
	codec_bool(codec, &command->only_deleted);
	uids_field(codec, &command->uids);
}

/* Nothing stands for nothing, at the end of a command. */
static void left_out_field(struct codec *codec, struct mailgroup_left_out *left)
{
	bool decodes = codec_decodes(codec);

	if (decodes ? codec->in.rest.len == 0 : !left->flags && !left->keywords)
		return;
	codec_bits(codec, &left->flags, MAILGROUP_FLAGS_ALL);
	codec_bool(codec, &left->keywords);
	codec_var64(codec, &left->user);
	if (decodes && !left->flags && !left->keywords)
		codec_fail(codec, ERR_SYNTAX);
}

static void copy_fields(struct codec *codec, struct mailgroup_copy *command)
{
	mailbox_id(codec, &command->source);
	target_fields(codec, &command->target);
	codec_bool(codec, &command->move);
	uids_field(codec, &command->uids);
	left_out_field(codec, &command->left_out);
}

static void copy_stage_fields(struct codec *codec,
			      struct mailgroup_copy_stage *command)
{
	codec_op(codec, &command->copy);
	mailbox_id(codec, &command->source);
	target_fields(codec, &command->target);
	codec_var32(codec, &command->staged);
	uids_field(codec, &command->uids);
	left_out_field(codec, &command->left_out);
}

static void copy_reveal_fields(struct codec *codec,
			       struct mailgroup_copy_reveal *command)
{
	codec_op(codec, &command->copy);
	target_fields(codec, &command->target);
	codec_var32(codec, &command->staged);
}

static void copy_drop_fields(struct codec *codec,
			     struct mailgroup_copy_drop *command)
{
	codec_op(codec, &command->copy);
	mailbox_id(codec, &command->mailbox);
}

static void seal_fields(struct codec *codec, struct mailgroup_seal *command)
{
	mailbox_id(codec, &command->mailbox);
}

static void purge_fields(struct codec *codec, struct mailgroup_purge *command)
{
	mailbox_id(codec, &command->mailbox);
}

static void reroot_fields(struct codec *codec, struct mailgroup_reroot *command)
{
	void *array = NULL;
	uint64_t *mailboxes;
	size_t count;

	codec_var64(codec, &command->root);
	count = codec_array(codec, &command->count, MAILGROUP_ROWS_MAX,
			    sizeof(*mailboxes), &array);
	mailboxes = array;
	for (size_t i = 0; i < count && codec->err == ERR_NONE; i++) {
		uint64_t mailbox =
			codec_decodes(codec) ? 0 : command->mailboxes[i];

		mailbox_id(codec, &mailbox);
		if (mailboxes)
			mailboxes[i] = mailbox;
	}
	if (codec_decodes(codec))
		command->mailboxes = mailboxes;
}

/* That of a claim's target: never the directory. */
static void group_field(struct codec *codec, uint32_t *group)
{
	codec_var32(codec, group);
	if (*group == 0)
		codec_fail(codec, ERR_INVALID);
}

static void claim_fields(struct codec *codec, struct mailgroup_claim *command)
{
	mailbox_id(codec, &command->source);
	group_field(codec, &command->group);
	target_fields(codec, &command->target);
	codec_var64(codec, &command->user);
	uids_field(codec, &command->uids);
	left_out_field(codec, &command->left_out);
}

static void claim_end_fields(struct codec *codec,
			     struct mailgroup_claim_end *command)
{
	unsigned refusal = command->refusal;

	group_field(codec, &command->group);
	codec_var32(codec, &command->slot);
	codec_var64(codec, &command->turn);
	codec_choice(codec, &refusal, 0, UINT8_MAX);
	command->refusal = (enum err)refusal;
	codec_var32(codec, &command->first_uid);
	if (command->slot >= COMMAND_SLOTS)
		codec_fail(codec, ERR_INVALID);
}

static void append_stage_fields(struct codec *codec,
				struct mailgroup_append_stage *command)
{
	codec_op(codec, &command->copy);
	target_fields(codec, &command->target);
	codec_var64(codec, &command->user);
	codec_var32(codec, &command->staged);
	holders_fields(codec, &command->holders);
	messages_fields(codec, &command->messages, &command->count);
}

#define COMMAND_DEFINE(x)                                                    \
	enum err mailgroup_##x##_encode(const struct mailgroup_##x *command, \
					struct buf *out)                     \
	{                                                                    \
		struct mailgroup_##x fields = *command;                      \
		struct codec codec = codec_encoder(out, COMMAND_MAX);        \
                                                                             \
		x##_fields(&codec, &fields);                                 \
		return codec_end(&codec);                                    \
	}                                                                    \
                                                                             \
	enum err mailgroup_##x##_decode(struct slice body,                   \
					struct arena *arena,                 \
					struct mailgroup_##x *command_r)     \
	{                                                                    \
		struct codec codec = codec_decoder(body, arena);             \
                                                                             \
		memset(command_r, 0, sizeof(*command_r));                    \
		x##_fields(&codec, command_r);                               \
		return codec_end(&codec);                                    \
	}

COMMAND_DEFINE(append)
COMMAND_DEFINE(deliver)
COMMAND_DEFINE(store)
COMMAND_DEFINE(expunge)
COMMAND_DEFINE(copy)
COMMAND_DEFINE(copy_stage)
COMMAND_DEFINE(copy_reveal)
COMMAND_DEFINE(copy_drop)
COMMAND_DEFINE(seal)
COMMAND_DEFINE(purge)
COMMAND_DEFINE(reroot)
COMMAND_DEFINE(claim)
COMMAND_DEFINE(claim_end)
COMMAND_DEFINE(append_stage)

static void give_holders(const struct mailgroup_holders *holders,
			 struct command_holders *holders_r)
{
	MUST(holders->count <= COMMAND_HOLDERS_MAX);
	holders_r->needed = true;
	holders_r->count = holders->count;
	for (size_t i = 0; i < holders->count; i++)
		holders_r->raft_ids[i] = holders->raft_ids[i];
}

#define CHECK_DEFINE(x)                                                   \
	static enum err x##_check(struct slice body, struct arena *arena, \
				  struct command_holders *none)           \
	{                                                                 \
		struct mailgroup_##x command;                             \
                                                                          \
		(void)none;                                               \
		return mailgroup_##x##_decode(body, arena, &command);     \
	}

/* Of those that bring bodies. */
#define CHECK_DEFINE_BODIES(x)                                                \
	static enum err x##_check(struct slice body, struct arena *arena,     \
				  struct command_holders *holders_r)          \
	{                                                                     \
		struct mailgroup_##x command;                                 \
		enum err err = mailgroup_##x##_decode(body, arena, &command); \
                                                                              \
		if (err == ERR_NONE)                                          \
			give_holders(&command.holders, holders_r);            \
		return err;                                                   \
	}

/* With a set to be freed. */
#define CHECK_DEFINE_UIDS(x)                                                  \
	static enum err x##_check(struct slice body, struct arena *arena,     \
				  struct command_holders *none)               \
	{                                                                     \
		struct mailgroup_##x command;                                 \
		enum err err = mailgroup_##x##_decode(body, arena, &command); \
                                                                              \
		(void)none;                                                   \
		uidset_fini(&command.uids);                                   \
		return err;                                                   \
	}

CHECK_DEFINE_BODIES(append)
CHECK_DEFINE_BODIES(deliver)
CHECK_DEFINE_UIDS(store)
CHECK_DEFINE_UIDS(expunge)
CHECK_DEFINE_UIDS(copy)
CHECK_DEFINE_UIDS(copy_stage)
CHECK_DEFINE(copy_reveal)
CHECK_DEFINE(copy_drop)
CHECK_DEFINE(seal)
CHECK_DEFINE(purge)
CHECK_DEFINE(reroot)
CHECK_DEFINE_UIDS(claim)
CHECK_DEFINE(claim_end)
CHECK_DEFINE_BODIES(append_stage)

static const struct {
	const char *name;
	enum err (*check)(struct slice body, struct arena *arena,
			  struct command_holders *holders_r);
} kinds[] = {
	{ "APPEND", append_check },
	{ "DELIVER", deliver_check },
	{ "STORE", store_check },
	{ "EXPUNGE", expunge_check },
	{ "COPY", copy_check },
	{ "COPY_STAGE", copy_stage_check },
	{ "COPY_REVEAL", copy_reveal_check },
	{ "COPY_DROP", copy_drop_check },
	{ "SEAL", seal_check },
	{ "PURGE", purge_check },
	{ "REROOT", reroot_check },
	{ "CLAIM", claim_check },
	{ "APPEND_CLAIMED", append_check },
	{ "CLAIM_END", claim_end_check },
	{ "APPEND_STAGE", append_stage_check },
};

_Static_assert(ARRAY_LEN(kinds) == MAILGROUP_COMMAND_END - MAILGROUP_APPEND,
	       "one line a command");

static bool is_kind(uint16_t kind)
{
	return kind >= MAILGROUP_APPEND && kind < MAILGROUP_COMMAND_END;
}

enum err mailgroup_command_check(uint16_t kind, uint8_t version,
				 struct slice body,
				 struct command_holders *holders_r)
{
	struct arena arena = { 0 };
	enum err err;

	if (!is_kind(kind) || version != MAILGROUP_COMMAND_VERSION)
		return ERR_VERSION;
	if (body.len > COMMAND_MAX)
		return ERR_LIMIT;
	err = kinds[kind - MAILGROUP_APPEND].check(body, &arena, holders_r);
	arena_fini(&arena);
	return err;
}

const char *mailgroup_command_name(uint16_t kind)
{
	return is_kind(kind) ? kinds[kind - MAILGROUP_APPEND].name : NULL;
}

static enum err append_bodies(struct slice body, struct arena *arena,
			      void (*each)(void *arg, const struct sha256 *),
			      void *arg)
{
	struct mailgroup_append command;
	enum err err = mailgroup_append_decode(body, arena, &command);

	for (size_t i = 0; err == ERR_NONE && i < command.count; i++)
		each(arg, &command.messages[i].hash);
	return err;
}

static enum err
append_stage_bodies(struct slice body, struct arena *arena,
		    void (*each)(void *arg, const struct sha256 *), void *arg)
{
	struct mailgroup_append_stage command;
	enum err err = mailgroup_append_stage_decode(body, arena, &command);

	for (size_t i = 0; err == ERR_NONE && i < command.count; i++)
		each(arg, &command.messages[i].hash);
	return err;
}

static enum err deliver_bodies(struct slice body, struct arena *arena,
			       void (*each)(void *arg, const struct sha256 *),
			       void *arg)
{
	struct mailgroup_deliver command;
	enum err err = mailgroup_deliver_decode(body, arena, &command);

	if (err == ERR_NONE)
		each(arg, &command.hash);
	return err;
}

enum err mailgroup_command_bodies(uint16_t kind, struct slice body,
				  void (*each)(void *arg,
					       const struct sha256 *),
				  void *arg)
{
	struct arena arena = { 0 };
	enum err err = ERR_NONE;

	if (kind == MAILGROUP_APPEND || kind == MAILGROUP_APPEND_CLAIMED)
		err = append_bodies(body, &arena, each, arg);
	else if (kind == MAILGROUP_APPEND_STAGE)
		err = append_stage_bodies(body, &arena, each, arg);
	else if (kind == MAILGROUP_DELIVER)
		err = deliver_bodies(body, &arena, each, arg);
	arena_fini(&arena);
	return err;
}

/* ---- results ---- */

static void any_uids(struct codec *codec, struct uidset *uids)
{
	codec_uids_any(codec, uids, MAILGROUP_ROWS_MAX);
}

static void append_result_fields(struct codec *codec,
				 struct mailgroup_append_result *result)
{
	codec_var32(codec, &result->first_uid);
	codec_var32(codec, &result->count);
	codec_var64(codec, &result->modseq);
}

/* ERR_NONE and refusals are small numbers (base/err.h). */
static void delivered_fields(struct codec *codec,
			     struct mailgroup_delivered *delivered)
{
	unsigned err = delivered->err;

	codec_choice(codec, &err, 0, UINT8_MAX);
	delivered->err = (enum err)err;
	codec_var32(codec, &delivered->uid);
	codec_bool(codec, &delivered->duplicate);
}

static void deliver_result_fields(struct codec *codec,
				  struct mailgroup_deliver_result *result)
{
	uint64_t count = result->count;

	codec_var(codec, &count, MAILGROUP_TARGETS_MAX);
	if (codec->err != ERR_NONE)
		return;
	result->count = (size_t)count;
	for (size_t i = 0; i < result->count; i++)
		delivered_fields(codec, &result->deliveries[i]);
}

static void store_result_fields(struct codec *codec,
				struct mailgroup_store_result *result)
{
	codec_var64(codec, &result->modseq);
	any_uids(codec, &result->modified);
	any_uids(codec, &result->missing);
}

static void expunge_result_fields(struct codec *codec,
				  struct mailgroup_expunge_result *result)
{
	codec_var64(codec, &result->modseq);
	any_uids(codec, &result->expunged);
}

static void copy_result_fields(struct codec *codec,
			       struct mailgroup_copy_result *result)
{
	codec_var32(codec, &result->first_uid);
	codec_var64(codec, &result->modseq);
	codec_var64(codec, &result->source_modseq);
	any_uids(codec, &result->copied);
}

static void copy_stage_result_fields(struct codec *codec,
				     struct mailgroup_copy_stage_result *result)
{
	codec_var32(codec, &result->first_uid);
	codec_var32(codec, &result->staged);
	any_uids(codec, &result->copied);
}

static void more_result_fields(struct codec *codec,
			       struct mailgroup_more_result *result)
{
	codec_bool(codec, &result->more);
}

static void claim_result_fields(struct codec *codec,
				struct mailgroup_claim_result *result)
{
	codec_var32(codec, &result->slot);
	codec_var64(codec, &result->turn);
	codec_bool(codec, &result->ended);
	codec_var32(codec, &result->first_uid);
	codec_var64(codec, &result->source_modseq);
	codec_var32(codec, &result->last);
	any_uids(codec, &result->uids);
}

#define RESULT_DEFINE(x)                                                       \
	void mailgroup_##x##_result_encode(                                    \
		const struct mailgroup_##x##_result *result,                   \
		struct buf *payload)                                           \
	{                                                                      \
		struct mailgroup_##x##_result fields = *result;                \
		struct codec codec =                                           \
			codec_encoder(payload, COMMAND_RESULT_MAX);            \
                                                                               \
		x##_result_fields(&codec, &fields);                            \
		MUST(codec_end(&codec) == ERR_NONE);                           \
	}                                                                      \
                                                                               \
	enum err mailgroup_##x##_result(                                       \
		struct slice payload, struct mailgroup_##x##_result *result_r) \
	{                                                                      \
		struct codec codec = codec_decoder(payload, NULL);             \
                                                                               \
		memset(result_r, 0, sizeof(*result_r));                        \
		x##_result_fields(&codec, result_r);                           \
		return codec_end(&codec);                                      \
	}

RESULT_DEFINE(append)
RESULT_DEFINE(deliver)
RESULT_DEFINE(store)
RESULT_DEFINE(expunge)
RESULT_DEFINE(copy)
RESULT_DEFINE(copy_stage)
RESULT_DEFINE(more)
RESULT_DEFINE(claim)
