/*
 * The directory's commands and results as octets.
 *
 * One function a command names its fields and limits for both directions
 * (codec.h); the macro below makes its encoder, its decoder and its check.
 * Failures: a value above its limit or out of its range, and octets that no
 * encoder makes.
 */
#include "cluster/directory_command.h"

#include "base/panic.h"
#include "cluster/directory_result.h"
#include "cluster/directory_row.h"

/* ---- fields that several have ---- */

static void mailbox_name(struct codec *codec, struct slice *name)
{
	codec_bytes(codec, name, NAMES_MAILBOX_MAX);
	if (codec->err == ERR_NONE)
		codec_check(codec, names_check(*name));
}

/* A name that may exist, whoever made it. */
static void any_name(struct codec *codec, struct slice *name)
{
	codec_bytes(codec, name, NAMES_MAILBOX_MAX);
	if (codec->err == ERR_NONE)
		codec_check(codec, names_check_foreign(*name));
}

static void user_name(struct codec *codec, struct slice *name)
{
	codec_bytes(codec, name, NAMES_USER_MAX);
	if (codec->err == ERR_NONE)
		codec_check(codec, names_check_user(*name));
}

static void identifier_name(struct codec *codec, struct slice *identifier)
{
	codec_bytes(codec, identifier, NAMES_IDENTIFIER_MAX);
	if (codec->err == ERR_NONE)
		codec_check(codec, acl_check_identifier(*identifier));
}

static void access_list(struct codec *codec, struct slice *acl)
{
	codec_bytes(codec, acl, ACL_MAX);
	if (codec->err == ERR_NONE)
		codec_check(codec, acl_check(*acl));
}

static void rights_field(struct codec *codec, uint32_t *rights)
{
	codec_var32(codec, rights);
	if ((*rights & ~RIGHTS_ALL) != 0)
		codec_fail(codec, ERR_INVALID);
}

/* ---- commands ---- */

#define MEMBER_FIELDS_ALL                                              \
	(DIRECTORY_MEMBER_ROLES | DIRECTORY_MEMBER_ZONE |              \
	 DIRECTORY_MEMBER_WEIGHT | DIRECTORY_MEMBER_STATE |            \
	 DIRECTORY_MEMBER_ADDRESSES | DIRECTORY_MEMBER_FEATURE_LEVEL | \
	 DIRECTORY_MEMBER_KEYS)

static void create_fields(struct codec *codec, struct directory_create *command)
{
	mailbox_name(codec, &command->name);
	codec_u8(codec, &command->special_use);
	access_list(codec, &command->acl);
	codec_var32(codec, &command->group);
	codec_var32(codec, &command->mailboxes_max);
}

static void delete_fields(struct codec *codec, struct directory_delete *command)
{
	any_name(codec, &command->name);
	codec_var64(codec, &command->id);
	codec_var64(codec, &command->keep_ms);
}

static void rename_fields(struct codec *codec, struct directory_rename *command)
{
	any_name(codec, &command->from);
	mailbox_name(codec, &command->to);
	codec_var64(codec, &command->id);
}

static void set_acl_fields(struct codec *codec,
			   struct directory_set_acl *command)
{
	unsigned change = command->change;

	codec_var64(codec, &command->id);
	identifier_name(codec, &command->entry.identifier);
	codec_bool(codec, &command->entry.negative);
	rights_field(codec, &command->entry.rights);
	codec_choice(codec, &change, ACL_REPLACE, ACL_REMOVE);
	command->change = (enum acl_change)change;
}

static void set_use_fields(struct codec *codec,
			   struct directory_set_use *command)
{
	codec_var64(codec, &command->id);
	codec_u8(codec, &command->special_use);
}

static void subscribe_fields(struct codec *codec,
			     struct directory_subscribe *command)
{
	user_name(codec, &command->user);
	any_name(codec, &command->name);
	codec_bool(codec, &command->subscribed);
}

static void user_add_fields(struct codec *codec,
			    struct directory_user_add *command)
{
	user_name(codec, &command->name);
	directory_keys_fields(codec, &command->keys);
	codec_bool(codec, &command->enabled);
	codec_var32(codec, &command->group);
	codec_var64(codec, &command->quota_octets);
	codec_var64(codec, &command->quota_messages);
}

static void user_set_fields(struct codec *codec,
			    struct directory_user_set *command)
{
	user_name(codec, &command->name);
	codec_bits(codec, &command->fields,
		   DIRECTORY_USER_KEYS | DIRECTORY_USER_ENABLED |
			   DIRECTORY_USER_QUOTA);
	directory_keys_fields(codec, &command->keys);
	codec_bool(codec, &command->enabled);
	codec_var64(codec, &command->quota_octets);
	codec_var64(codec, &command->quota_messages);
}

static void user_remove_fields(struct codec *codec,
			       struct directory_user_remove *command)
{
	user_name(codec, &command->name);
	codec_var64(codec, &command->keep_ms);
}

static void user_forget_fields(struct codec *codec,
			       struct directory_user_forget *command)
{
	identifier_name(codec, &command->identifier);
}

static void member_add_fields(struct codec *codec,
			      struct directory_member_add *command)
{
	directory_member_fields(codec, &command->member);
}

/* Those that are not named do not travel. */
static void member_set_fields(struct codec *codec,
			      struct directory_member_set *command)
{
	struct directory_member *member = &command->member;

	codec_bits(codec, &command->fields, MEMBER_FIELDS_ALL);
	codec_var32(codec, &member->node);
	codec_var64(codec, &member->epoch);
	if ((command->fields & DIRECTORY_MEMBER_ROLES) != 0)
		directory_roles_field(codec, &member->roles);
	if ((command->fields & DIRECTORY_MEMBER_ZONE) != 0)
		directory_zone_field(codec, &member->zone);
	if ((command->fields & DIRECTORY_MEMBER_WEIGHT) != 0)
		codec_var32(codec, &member->weight);
	if ((command->fields & DIRECTORY_MEMBER_STATE) != 0) {
		directory_member_state_field(codec, member);
		codec_var32(codec, &member->successor);
	}
	if ((command->fields & DIRECTORY_MEMBER_ADDRESSES) != 0)
		directory_addresses_fields(codec, member->addresses,
					   &member->address_count);
	if ((command->fields & DIRECTORY_MEMBER_FEATURE_LEVEL) != 0)
		codec_var32(codec, &member->feature_level);
	if ((command->fields & DIRECTORY_MEMBER_KEYS) != 0)
		directory_member_keys_fields(codec, member);
}

static void token_put_fields(struct codec *codec,
			     struct directory_token_put *command)
{
	codec_hash(codec, &command->token.hash);
	directory_token_fields(codec, &command->token);
}

static void token_drop_fields(struct codec *codec,
			      struct directory_token_drop *command)
{
	codec_hash(codec, &command->hash);
}

static void join_fields(struct codec *codec, struct directory_join *command)
{
	codec_bytes(codec, &command->secret, DIRECTORY_SECRET_MAX);
	directory_node_name_field(codec, &command->name);
	directory_key_hash_field(codec, &command->key_hash);
	directory_addresses_fields(codec, command->addresses,
				   &command->address_count);
	codec_var32(codec, &command->feature_level);
	if (command->secret.len < DIRECTORY_SECRET_MIN ||
	    command->address_count == 0)
		codec_fail(codec, ERR_INVALID);
}

static void feature_raise_fields(struct codec *codec,
				 struct directory_feature_raise *command)
{
	codec_var32(codec, &command->level);
}

static void group_put_fields(struct codec *codec,
			     struct directory_group_put *command)
{
	codec_bool(codec, &command->add);
	codec_var32(codec, &command->group.group);
	directory_group_fields(codec, &command->group);
}

static void setting_put_fields(struct codec *codec,
			       struct directory_setting_put *command)
{
	codec_bytes(codec, &command->name, DIRECTORY_SETTING_NAME_MAX);
	codec_bytes(codec, &command->value, DIRECTORY_SETTING_VALUE_MAX);
	if (command->name.len == 0 ||
	    slice_find(command->name, '\0') < command->name.len)
		codec_fail(codec, ERR_INVALID);
}

static void intent_step_fields(struct codec *codec,
			       struct directory_intent_step *command)
{
	codec_var64(codec, &command->id);
	codec_u8(codec, &command->from);
	codec_u8(codec, &command->to);
	codec_bool(codec, &command->end);
}

#define COMMAND_DEFINE(x)                                                    \
	enum err directory_##x##_encode(const struct directory_##x *command, \
					struct buf *out)                     \
	{                                                                    \
		struct directory_##x fields = *command;                      \
		struct codec codec = codec_encoder(out, COMMAND_MAX);        \
                                                                             \
		x##_fields(&codec, &fields);                                 \
		return codec_end(&codec);                                    \
	}                                                                    \
                                                                             \
	enum err directory_##x##_decode(struct slice body,                   \
					struct directory_##x *command_r)     \
	{                                                                    \
		struct codec codec = codec_decoder(body, NULL);              \
                                                                             \
		memset(command_r, 0, sizeof(*command_r));                    \
		x##_fields(&codec, command_r);                               \
		return codec_end(&codec);                                    \
	}                                                                    \
                                                                             \
	static enum err x##_check(struct slice body)                         \
	{                                                                    \
		struct directory_##x command;                                \
                                                                             \
		return directory_##x##_decode(body, &command);               \
	}

COMMAND_DEFINE(create)
COMMAND_DEFINE(delete)
COMMAND_DEFINE(rename)
COMMAND_DEFINE(set_acl)
COMMAND_DEFINE(set_use)
COMMAND_DEFINE(subscribe)
COMMAND_DEFINE(user_add)
COMMAND_DEFINE(user_set)
COMMAND_DEFINE(user_remove)
COMMAND_DEFINE(user_forget)
COMMAND_DEFINE(member_add)
COMMAND_DEFINE(member_set)
COMMAND_DEFINE(token_put)
COMMAND_DEFINE(token_drop)
COMMAND_DEFINE(join)
COMMAND_DEFINE(feature_raise)
COMMAND_DEFINE(group_put)
COMMAND_DEFINE(setting_put)
COMMAND_DEFINE(intent_step)

static const struct {
	const char *name;
	enum err (*check)(struct slice body);
} kinds[] = {
	{ "CREATE", create_check },
	{ "DELETE", delete_check },
	{ "RENAME", rename_check },
	{ "SET_ACL", set_acl_check },
	{ "SET_USE", set_use_check },
	{ "SUBSCRIBE", subscribe_check },
	{ "USER_ADD", user_add_check },
	{ "USER_SET", user_set_check },
	{ "USER_REMOVE", user_remove_check },
	{ "USER_FORGET", user_forget_check },
	{ "MEMBER_ADD", member_add_check },
	{ "GROUP_PUT", group_put_check },
	{ "SETTING_PUT", setting_put_check },
	{ "INTENT_STEP", intent_step_check },
	{ "MEMBER_SET", member_set_check },
	{ "TOKEN_PUT", token_put_check },
	{ "TOKEN_DROP", token_drop_check },
	{ "JOIN", join_check },
	{ "FEATURE_RAISE", feature_raise_check },
};

_Static_assert(ARRAY_LEN(kinds) == DIRECTORY_COMMAND_END - DIRECTORY_CREATE,
	       "one line a command");

static bool is_kind(uint16_t kind)
{
	return kind >= DIRECTORY_CREATE && kind < DIRECTORY_COMMAND_END;
}

enum err directory_command_check(uint16_t kind, uint8_t version,
				 struct slice body)
{
	if (!is_kind(kind) || version != DIRECTORY_COMMAND_VERSION)
		return ERR_VERSION;
	if (body.len > COMMAND_MAX)
		return ERR_LIMIT;
	return kinds[kind - DIRECTORY_CREATE].check(body);
}

const char *directory_command_name(uint16_t kind)
{
	return is_kind(kind) ? kinds[kind - DIRECTORY_CREATE].name : NULL;
}

/* ---- results ---- */

static void create_result_fields(struct codec *codec,
				 struct directory_create_result *result)
{
	codec_var64(codec, &result->id);
	codec_var64(codec, &result->root);
	codec_var32(codec, &result->group);
	codec_var32(codec, &result->uidvalidity);
	codec_var32(codec, &result->made);
}

static void delete_result_fields(struct codec *codec,
				 struct directory_delete_result *result)
{
	codec_var64(codec, &result->id);
	codec_var64(codec, &result->intent);
	codec_var32(codec, &result->group);
}

static void rename_result_fields(struct codec *codec,
				 struct directory_rename_result *result)
{
	codec_var64(codec, &result->id);
	codec_var32(codec, &result->renamed);
	codec_var64(codec, &result->inbox_id);
}

static void user_add_result_fields(struct codec *codec,
				   struct directory_user_add_result *result)
{
	codec_var64(codec, &result->id);
	codec_var64(codec, &result->inbox_id);
	codec_var32(codec, &result->group);
	codec_var32(codec, &result->uidvalidity);
}

static void
user_remove_result_fields(struct codec *codec,
			  struct directory_user_remove_result *result)
{
	codec_var64(codec, &result->id);
	codec_var32(codec, &result->group);
	codec_var32(codec, &result->mailboxes);
}

static void
user_forget_result_fields(struct codec *codec,
			  struct directory_user_forget_result *result)
{
	codec_var32(codec, &result->changed);
	codec_bool(codec, &result->more);
}

static void member_add_result_fields(struct codec *codec,
				     struct directory_member_add_result *result)
{
	codec_var32(codec, &result->node);
}

static void member_set_result_fields(struct codec *codec,
				     struct directory_member_set_result *result)
{
	codec_var64(codec, &result->epoch);
}

static void join_result_fields(struct codec *codec,
			       struct directory_join_result *result)
{
	codec_var32(codec, &result->node);
	codec_u8(codec, &result->roles);
	codec_var32(codec, &result->feature_level);
}

static void group_put_result_fields(struct codec *codec,
				    struct directory_group_put_result *result)
{
	codec_var32(codec, &result->group);
	codec_var64(codec, &result->epoch);
	codec_u64(codec, &result->raft_id);
}

#define RESULT_DEFINE(x)                                                       \
	void directory_##x##_result_encode(                                    \
		const struct directory_##x##_result *result,                   \
		struct buf *payload)                                           \
	{                                                                      \
		struct directory_##x##_result fields = *result;                \
		struct codec codec =                                           \
			codec_encoder(payload, COMMAND_RESULT_MAX);            \
                                                                               \
		x##_result_fields(&codec, &fields);                            \
		MUST(codec_end(&codec) == ERR_NONE);                           \
	}                                                                      \
                                                                               \
	enum err directory_##x##_result(                                       \
		struct slice payload, struct directory_##x##_result *result_r) \
	{                                                                      \
		struct codec codec = codec_decoder(payload, NULL);             \
                                                                               \
		memset(result_r, 0, sizeof(*result_r));                        \
		x##_result_fields(&codec, result_r);                           \
		return codec_end(&codec);                                      \
	}

RESULT_DEFINE(create)
RESULT_DEFINE(delete)
RESULT_DEFINE(rename)
RESULT_DEFINE(user_add)
RESULT_DEFINE(user_remove)
RESULT_DEFINE(user_forget)
RESULT_DEFINE(member_add)
RESULT_DEFINE(member_set)
RESULT_DEFINE(join)
RESULT_DEFINE(group_put)

bool directory_rename_next_foreign(struct slice *payload, struct slice *name_r)
{
	struct unpack in = unpack_of(*payload);

	*name_r = unpack_bytes(&in, NAMES_MAILBOX_MAX);
	if (!unpack_ok(&in))
		return false;
	*payload = in.rest;
	return true;
}
