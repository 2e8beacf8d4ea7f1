/*
 * Members of the cluster: token create, list, drop; join; and the changes of
 * one member's row (drain, leave, remove, roles ..).
 *
 * A change reads the row, says what it shall be, and proposes it under the
 * row's epoch; if somebody was faster, it begins anew.
 */
#include <string.h>

#include "base/base64.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/units.h"
#include "cluster/directory_command.h"
#include "cluster/welcome.h"
#include "io/loop.h"
#include "server/admin_call.h"

/* A token's life, unless told otherwise. */
#define TOKEN_LIFE_MS (3600ull * 1000)

/* So often a change begins anew before it is given up. */
#define CHANGE_TRIES 10

static const struct {
	const char *name;
	enum directory_role role;
} role_names[] = {
	{ "master", DIRECTORY_ROLE_MASTER },
	{ "frontend", DIRECTORY_ROLE_FRONTEND },
	{ "backend", DIRECTORY_ROLE_BACKEND },
};

/* "master,backend"; false: an unknown word, or none. */
static bool roles_of_text(struct slice text, uint8_t *roles_r)
{
	*roles_r = 0;
	while (text.len) {
		size_t len = slice_find(text, ',');
		struct slice word = slice_first(text, len);
		uint8_t role = 0;

		for (size_t i = 0; i < ARRAY_LEN(role_names); i++)
			if (slice_eq(word, slice_str(role_names[i].name)))
				role = (uint8_t)role_names[i].role;
		if (!role)
			return false;
		*roles_r |= role;
		text = slice_from(text, len < text.len ? len + 1 : len);
	}
	return *roles_r != 0;
}

json_t *admin_roles_json(uint8_t roles)
{
	json_t *names = json_array();

	for (size_t i = 0; i < ARRAY_LEN(role_names); i++)
		if (roles & role_names[i].role)
			json_array_append_new(names,
					      json_string(role_names[i].name));
	return names;
}

/* The option, or `otherwise`; false: the call has failed. */
static bool take_roles(struct admin_call *call, uint8_t otherwise,
		       uint8_t *roles_r)
{
	struct slice text = admin_text_or_none(call, "roles");

	*roles_r = otherwise;
	if (text.len == 0 || roles_of_text(text, roles_r))
		return true;
	admin_fail(call, ERR_INVALID,
		   "roles are master, frontend and backend, with commas");
	return false;
}

static bool take_weight(struct admin_call *call, uint32_t otherwise,
			uint32_t *weight_r)
{
	struct slice text = admin_text_or_none(call, "weight");
	uint64_t number;

	*weight_r = otherwise;
	if (text.len == 0)
		return true;
	if (!slice_to_u64(text, 1000000, &number)) {
		admin_fail(call, ERR_INVALID,
			   "a weight is a number up to 1000000");
		return false;
	}
	*weight_r = (uint32_t)number;
	return true;
}

/* ---- token ---- */

struct token_state {
	struct welcome_token token;
	uint64_t expires_at_ms;
};

static void token_fini(struct admin_call *call)
{
	secret_wipe(call->state, sizeof(struct token_state));
	mem_free(call->state);
}

static void token_made(struct admin_call *call)
{
	struct token_state *state = call->state;
	struct buf text = { 0 };

	welcome_token_write(&state->token, &text);
	admin_ok(call, json_pack("{s:s, s:s, s:s, s:I}", "token",
				 buf_cstr(&text), "name", state->token.name,
				 "address", state->token.address, "expires",
				 (json_int_t)(state->expires_at_ms / 1000)));
	secret_wipe(text.data, text.len);
	buf_fini(&text);
}

static bool take_life(struct admin_call *call, uint64_t *life_ms_r)
{
	struct slice text = admin_text_or_none(call, "life");

	*life_ms_r = TOKEN_LIFE_MS;
	if (text.len == 0 || units_duration(text, life_ms_r) == ERR_NONE)
		return true;
	admin_fail(call, ERR_INVALID, "a life is like \"1h\" or \"30m\"");
	return false;
}

void admin_token_create(struct admin_call *call)
{
	struct token_state *state = mem_zalloc(1, sizeof(*state));
	struct node *node = call->node;
	struct directory_token_put command = { 0 };
	struct directory_token *token = &command.token;
	uint64_t life_ms;
	enum err err;

	call->state = state;
	call->fini = token_fini;
	if (!admin_text(call, "name", &token->name) ||
	    !take_roles(call, DIRECTORY_ROLES_ALL, &token->roles) ||
	    !take_weight(call, 1, &token->weight) || !take_life(call, &life_ms))
		return;
	if (!directory_node_name_ok(token->name)) {
		admin_fail(call, ERR_INVALID,
			   "a node's name has 1 to %d letters, digits and "
			   "hyphens",
			   DIRECTORY_NODE_NAME_MAX);
		return;
	}
	if (node->settings->cluster.count == 0) {
		admin_fail(call, ERR_INVALID,
			   "this node listens for no others: set "
			   "listen.cluster");
		return;
	}
	node->random->fill(node->random, state->token.secret,
			   sizeof(state->token.secret));
	memcpy(state->token.name, token->name.data, token->name.len);
	memcpy(state->token.address, node->settings->cluster_address,
	       strlen(node->settings->cluster_address));
	state->token.key_hash = node->key_hash;
	state->expires_at_ms =
		clock_wall_ms(io_loop_clock(node->main)) + life_ms;
	token->zone = admin_text_or_none(call, "zone");
	token->expires_at_ms = state->expires_at_ms;
	sha256(slice_of(state->token.secret, sizeof(state->token.secret)),
	       &token->hash);
	err = directory_token_put_encode(&command, admin_body(call));
	admin_propose(call, 0, DIRECTORY_TOKEN_PUT, err, "token create",
		      token_made);
}

static json_t *token_json(const struct directory_token *token)
{
	return json_pack("{s:o, s:o, s:o, s:I, s:I}", "name",
			 admin_string(token->name), "roles",
			 admin_roles_json(token->roles), "zone",
			 admin_string(token->zone), "expires",
			 (json_int_t)(token->expires_at_ms / 1000), "node",
			 (json_int_t)token->node);
}

static void list_tokens(struct admin_call *call unused_arg,
			struct store_txn *txn, json_t *items)
{
	struct directory_walk walk;
	struct directory_token token;

	directory_token_walk(&walk, txn);
	while (directory_token_next(&walk, &token))
		json_array_append_new(items, token_json(&token));
	directory_walk_end(&walk);
}

void admin_token_list(struct admin_call *call)
{
	admin_list(call, "tokens", list_tokens);
}

/* ---- join ---- */

static void join_done(void *arg, enum err err, const char *why)
{
	struct admin_call *call = arg;
	const struct identity_file *identity = &call->node->identity;

	if (err)
		admin_fail(call, err, "join: %s", why[0] ? why : err_text(err));
	else
		admin_ok(call, json_pack("{s:I, s:s}", "node",
					 (json_int_t)identity->node, "name",
					 identity->name));
}

void admin_join(struct admin_call *call)
{
	struct slice token;

	if (admin_text(call, "token", &token))
		node_join(call->node, admin_text_or_none(call, "address"),
			  token, join_done, call);
}

/* ---- changes of one member ---- */

/* Fills command->fields and what they name; false: the call has failed. */
typedef bool member_change(struct admin_call *call,
			   struct directory_member_set *command);

struct change_state {
	member_change *change;
	const char *what;
	struct slice name;
	unsigned tries;
};

static void change_fini(struct admin_call *call)
{
	mem_free(call->state);
}

static void change_begin(struct admin_call *call);

static void changed(struct proposal *proposal)
{
	struct admin_call *call = proposal->owner;
	struct change_state *state = call->state;

	if (proposal->err == ERR_STALE && ++state->tries < CHANGE_TRIES)
		change_begin(call);
	else if (proposal->err)
		admin_fail(call, proposal->err, "%s: %s", state->what,
			   err_text(proposal->err));
	else
		admin_ok(call, NULL);
}

static void change_propose(struct admin_call *call, enum err err)
{
	struct change_state *state = call->state;

	if (err) {
		admin_fail(call, err, "%s: %s", state->what, err_text(err));
		return;
	}
	call->proposal.kind = DIRECTORY_MEMBER_SET;
	call->proposal.version = DIRECTORY_COMMAND_VERSION;
	replica_propose(node_directory(call->node), &call->proposal, changed);
}

static void change_row(struct admin_call *call)
{
	struct change_state *state = call->state;
	struct directory_member_set command = { 0 };
	struct store_txn *txn;
	bool go = false;
	enum err err = ERR_NONE;

	if (!admin_read(call, 0, &txn))
		return;
	if (!directory_member_find_name(txn, state->name, &command.member)) {
		store_end(&txn);
		admin_fail(call, ERR_NOTFOUND, "%s: no member has this name",
			   state->what);
		return;
	}
	go = state->change(call, &command);
	if (go)
		err = directory_member_set_encode(&command, admin_body(call));
	store_end(&txn);
	if (go)
		change_propose(call, err);
}

static void change_begin(struct admin_call *call)
{
	admin_read_index(call, 0, change_row);
}

static void change_member(struct admin_call *call, const char *what,
			  member_change *change)
{
	struct change_state *state = mem_zalloc(1, sizeof(*state));

	call->state = state;
	call->fini = change_fini;
	state->what = what;
	state->change = change;
	if (admin_text(call, "name", &state->name))
		change_begin(call);
}

static bool to_draining(struct admin_call *call unused_arg,
			struct directory_member_set *command)
{
	command->fields = DIRECTORY_MEMBER_STATE;
	command->member.state = DIRECTORY_MEMBER_DRAINING;
	return true;
}

static bool to_active(struct admin_call *call unused_arg,
		      struct directory_member_set *command)
{
	command->fields = DIRECTORY_MEMBER_STATE;
	command->member.state = DIRECTORY_MEMBER_ACTIVE;
	command->member.successor = 0;
	return true;
}

static bool to_leaving(struct admin_call *call unused_arg,
		       struct directory_member_set *command)
{
	command->fields = DIRECTORY_MEMBER_STATE;
	command->member.state = DIRECTORY_MEMBER_LEAVING;
	return true;
}

static bool to_removed(struct admin_call *call unused_arg,
		       struct directory_member_set *command)
{
	command->fields = DIRECTORY_MEMBER_STATE;
	command->member.state = DIRECTORY_MEMBER_REMOVED;
	command->member.successor = 0;
	return true;
}

static bool set_fields(struct admin_call *call,
		       struct directory_member_set *command)
{
	struct directory_member *member = &command->member;
	struct slice zone = admin_text_or_none(call, "zone");

	if (!take_roles(call, member->roles, &member->roles) ||
	    !take_weight(call, member->weight, &member->weight))
		return false;
	command->fields = DIRECTORY_MEMBER_ROLES | DIRECTORY_MEMBER_WEIGHT;
	if (zone.len) {
		command->fields |= DIRECTORY_MEMBER_ZONE;
		member->zone = zone;
	}
	return true;
}

static bool to_master(struct admin_call *call unused_arg,
		      struct directory_member_set *command)
{
	command->fields = DIRECTORY_MEMBER_ROLES;
	command->member.roles |= DIRECTORY_ROLE_MASTER;
	return true;
}

static bool from_master(struct admin_call *call,
			struct directory_member_set *command)
{
	command->fields = DIRECTORY_MEMBER_ROLES;
	command->member.roles &= (uint8_t)~DIRECTORY_ROLE_MASTER;
	if (command->member.roles)
		return true;
	admin_fail(call, ERR_CANNOT, "demote: it has no other role");
	return false;
}

void admin_node_drain(struct admin_call *call)
{
	change_member(call, "drain", to_draining);
}

void admin_node_undrain(struct admin_call *call)
{
	change_member(call, "undrain", to_active);
}

void admin_node_leave(struct admin_call *call)
{
	change_member(call, "leave", to_leaving);
}

void admin_node_remove(struct admin_call *call)
{
	change_member(call, "remove", to_removed);
}

void admin_node_set(struct admin_call *call)
{
	change_member(call, "node set", set_fields);
}

void admin_node_promote(struct admin_call *call)
{
	change_member(call, "promote", to_master);
}

void admin_node_demote(struct admin_call *call)
{
	change_member(call, "demote", from_master);
}
