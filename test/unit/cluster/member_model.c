#include "member_model.h"

#include <criterion/criterion.h>

#include "base/mem.h"

#define NAMES 20
#define KEYS 199

static const char *const names[NAMES] = { "n1", "a", "b", "c", "d", "e", "f",
					  "g",  "h", "i", "j", "k", "l", "m",
					  "n",  "o", "p", "q", "r", "s" };
static const char *const secrets[MODEL_TOKENS] = {
	"the first secret",  "the second secret", "the third secret",
	"the fourth secret", "the fifth secret",  "the sixth secret",
};

static uint64_t draw(struct member_model *model, uint64_t max)
{
	return random_range(model->random, 0, max);
}

void member_model_init(struct member_model *model, struct dir *dir,
		       struct random *random)
{
	memset(model, 0, sizeof(*model));
	model->dir = dir;
	model->random = random;
	model->next_node = 2;
	model->level = 1;
	model->members[1] = (struct model_member){
		.name = 0,
		.key = 1,
		.state = DIRECTORY_MEMBER_ACTIVE,
		.master = true,
		.level = 1,
		.replicas = 2,
		.epoch = 1,
	};
	for (uint32_t i = 1; i <= 2; i++)
		model->groups[i] = (struct model_group){
			.exists = true,
			.epoch = i + 1,
			.replicas = { { 1, directory_raft_id(1, i),
					DIRECTORY_REPLICA_VOTER,
					DIRECTORY_REPLICA_SERVING } },
			.count = 1,
		};
}

static enum err send(struct member_model *model, uint16_t kind,
		     enum err encoded, enum err want)
{
	enum err err;

	cr_assert_eq(encoded, ERR_NONE);
	err = machine_apply(&model->dir->m, kind, DIRECTORY_COMMAND_VERSION);
	cr_assert_eq(err, want, "%s: %s, not %s", directory_command_name(kind),
		     err_name(err), err_name(want));
	model->done += err == ERR_NONE ? 1 : 0;
	return err;
}

static struct buf *body_of(struct member_model *model)
{
	return &model->dir->m.body;
}

static struct slice key_of(unsigned key)
{
	return key == 0 ? SLICE_NONE
			: dir_new_member("x", (uint8_t)key).key_hash;
}

/* ---- what others have ---- */

static bool is_there(const struct model_member *member)
{
	return member->key != 0 && member->state != DIRECTORY_MEMBER_REMOVED;
}

static bool has_name(const struct member_model *model, unsigned name)
{
	for (uint32_t i = 1; i < model->next_node; i++)
		if (is_there(&model->members[i]) &&
		    model->members[i].name == name)
			return true;
	return false;
}

static bool has_key(const struct member_model *model, unsigned key,
		    uint32_t but)
{
	for (uint32_t i = 1; key != 0 && i < model->next_node; i++)
		if (i != but && (model->members[i].key == key ||
				 model->members[i].next_key == key))
			return true;
	return false;
}

static bool has_master(const struct member_model *model, uint32_t but)
{
	for (uint32_t i = 1; i < model->next_node; i++)
		if (i != but && is_there(&model->members[i]) &&
		    model->members[i].master)
			return true;
	return false;
}

static enum err add_error(const struct member_model *model, unsigned name,
			  unsigned key, uint32_t level)
{
	if (has_name(model, name))
		return ERR_EXISTS;
	if (has_key(model, key, 0))
		return ERR_INUSE;
	return level < model->level ? ERR_CANNOT : ERR_NONE;
}

static void add(struct member_model *model, unsigned name, unsigned key,
		uint32_t level)
{
	cr_assert_lt(model->next_node, MODEL_NODES);
	model->members[model->next_node++] = (struct model_member){
		.name = name,
		.key = key,
		.state = DIRECTORY_MEMBER_ACTIVE,
		.master = true,
		.level = level,
		.epoch = model->dir->m.index,
	};
}

/* ---- steps: members ---- */

static void step_add(struct member_model *model)
{
	unsigned name = (unsigned)draw(model, NAMES - 1);
	unsigned key = 1 + (unsigned)draw(model, KEYS - 1);
	struct directory_member_add command = {
		dir_new_member(names[name], (uint8_t)key),
	};

	if (model->next_node >= MODEL_NODES - 2 || draw(model, 5) != 0)
		return; /* most shall join by a token */
	command.member.feature_level = 1 + (uint32_t)draw(model, 3);
	if (send(model, DIRECTORY_MEMBER_ADD,
		 directory_member_add_encode(&command, body_of(model)),
		 add_error(model, name, key, command.member.feature_level)) ==
	    ERR_NONE)
		add(model, name, key, command.member.feature_level);
}

static enum err set_error(const struct member_model *model, uint32_t node,
			  const struct model_member *to, uint8_t fields,
			  uint64_t epoch)
{
	const struct model_member *old = &model->members[node];
	bool keys = (fields & DIRECTORY_MEMBER_KEYS) != 0;

	if (node >= model->next_node)
		return ERR_NOTFOUND;
	if (old->state == DIRECTORY_MEMBER_REMOVED)
		return ERR_CANNOT;
	if (epoch != old->epoch)
		return ERR_STALE;
	if (!(to->master && is_there(to)) && old->master &&
	    !has_master(model, node))
		return ERR_CANNOT;
	if (to->level < model->level)
		return ERR_CANNOT;
	if (keys && to->key != old->key && to->key != old->next_key &&
	    (to->next_key == 0 ||
	     (to->next_key != old->key && to->next_key != old->next_key)))
		return ERR_CANNOT;
	if (keys && (has_key(model, to->key, node) ||
		     has_key(model, to->next_key, node)))
		return ERR_INUSE;
	return ERR_NONE;
}

static void draw_change(struct member_model *model, struct model_member *to,
			uint8_t *fields_r)
{
	unsigned key;

	switch (draw(model, 4)) {
	case 0:
		*fields_r = DIRECTORY_MEMBER_ROLES;
		to->master = draw(model, 3) != 0;
		break;
	case 1:
		*fields_r = DIRECTORY_MEMBER_STATE;
		to->state = DIRECTORY_MEMBER_ACTIVE +
			    (enum directory_member_state)draw(model, 3);
		break;
	case 2:
		*fields_r = DIRECTORY_MEMBER_FEATURE_LEVEL;
		to->level = 1 + (uint32_t)draw(model, 4);
		break;
	case 3:
		*fields_r = DIRECTORY_MEMBER_KEYS;
		key = 1 + (unsigned)draw(model, KEYS - 1);
		if (draw(model, 1) == 0 && to->next_key != 0) {
			to->key = to->next_key; /* the old one is dropped */
			to->next_key = 0;
		} else if (draw(model, 3) == 0) {
			to->key = key;
		} else if (key != to->key) {
			to->next_key = key;
		}
		if (to->next_key == to->key)
			to->next_key = 0;
		break;
	default:
		*fields_r = DIRECTORY_MEMBER_WEIGHT;
		break;
	}
}

static void step_set(struct member_model *model)
{
	uint32_t node = 1 + (uint32_t)draw(model, model->next_node - 1);
	struct model_member to = model->members[node];
	struct directory_member_set command = {
		.member = dir_new_member("x", 200),
	};

	draw_change(model, &to, &command.fields);
	command.member.node = node;
	command.member.epoch = draw(model, 9) == 0 ? to.epoch + 1 : to.epoch;
	command.member.roles =
		to.master ? DIRECTORY_ROLE_MASTER : DIRECTORY_ROLE_BACKEND;
	command.member.state = to.state ? to.state : DIRECTORY_MEMBER_ACTIVE;
	command.member.feature_level = to.level;
	if (to.key != 0)
		command.member.key_hash = key_of(to.key);
	command.member.next_key_hash = key_of(to.next_key);
	if (send(model, DIRECTORY_MEMBER_SET,
		 directory_member_set_encode(&command, body_of(model)),
		 set_error(model, node, &to, command.fields,
			   command.member.epoch)) != ERR_NONE)
		return;
	to.epoch = model->dir->m.index;
	model->members[node] = to;
}

static void step_raise(struct member_model *model)
{
	struct directory_feature_raise command = { model->level +
						   (uint32_t)draw(model, 1) };
	enum err want = command.level <= model->level ? ERR_STALE : ERR_NONE;

	if (draw(model, 3) != 0)
		return;
	for (uint32_t i = 1; i < model->next_node; i++)
		if (want == ERR_NONE && is_there(&model->members[i]) &&
		    model->members[i].level < command.level)
			want = ERR_CANNOT;
	if (send(model, DIRECTORY_FEATURE_RAISE,
		 directory_feature_raise_encode(&command, body_of(model)),
		 want) == ERR_NONE)
		model->level = command.level;
}

/* ---- steps: tokens ---- */

static void step_token(struct member_model *model)
{
	unsigned n = (unsigned)draw(model, MODEL_TOKENS - 1);
	struct model_token *token = &model->tokens[n];
	uint64_t now_ms = model->dir->m.now_ms;
	unsigned name = (unsigned)draw(model, NAMES - 1);
	struct directory_token_put command = {
		.token = {
			.name = slice_str(names[name]),
			.roles = DIRECTORY_ROLE_MASTER,
			.expires_at_ms = now_ms + draw(model, 400000),
		},
	};
	enum err want = ERR_NONE;

	sha256(slice_str(secrets[n]), &command.token.hash);
	if (token->exists)
		want = ERR_EXISTS;
	else if (command.token.expires_at_ms == now_ms)
		want = ERR_EXPIRED;
	if (send(model, DIRECTORY_TOKEN_PUT,
		 directory_token_put_encode(&command, body_of(model)),
		 want) != ERR_NONE)
		return;
	for (unsigned i = 0; i < MODEL_TOKENS; i++)
		if (now_ms >=
		    model->tokens[i].expires_at_ms + DIRECTORY_TOKEN_KEEP_MS)
			model->tokens[i].exists = false;
	*token = (struct model_token){ true, name, command.token.expires_at_ms,
				       0 };
}

static void step_drop(struct member_model *model)
{
	unsigned n = (unsigned)draw(model, MODEL_TOKENS - 1);
	struct directory_token_drop command;

	sha256(slice_str(secrets[n]), &command.hash);
	send(model, DIRECTORY_TOKEN_DROP,
	     directory_token_drop_encode(&command, body_of(model)),
	     model->tokens[n].exists ? ERR_NONE : ERR_NOTFOUND);
	model->tokens[n].exists = false;
}

static enum err join_error(const struct member_model *model,
			   const struct model_token *token, unsigned name,
			   unsigned key)
{
	const struct model_member *member = &model->members[token->node];

	if (!token->exists)
		return ERR_NOTFOUND;
	if (token->name != name)
		return ERR_DENIED;
	if (token->node != 0)
		return is_there(member) && (member->key == key ||
					    member->next_key == key)
			       ? ERR_NONE
			       : ERR_DENIED;
	if (model->dir->m.now_ms >= token->expires_at_ms)
		return ERR_EXPIRED;
	return add_error(model, name, key, 3);
}

static void step_join(struct member_model *model)
{
	unsigned n = (unsigned)draw(model, MODEL_TOKENS - 1);
	struct model_token *token = &model->tokens[n];
	unsigned name = draw(model, 5) == 0 ? 1 : token->name;
	unsigned key = 1 + (unsigned)draw(model, KEYS - 1);
	struct directory_join_result result;
	struct directory_join command;

	if (model->next_node >= MODEL_NODES - 2)
		return;
	if (token->node != 0 && draw(model, 1) == 0)
		key = model->members[token->node].key;
	command = (struct directory_join){
		.secret = slice_str(secrets[n]),
		.name = slice_str(names[name]),
		.key_hash = key_of(key),
		.addresses = { SLICE_LIT("a:1") },
		.address_count = 1,
		.feature_level = 3,
	};
	if (send(model, DIRECTORY_JOIN,
		 directory_join_encode(&command, body_of(model)),
		 join_error(model, token, name, key)) != ERR_NONE)
		return;
	if (token->node == 0) {
		token->node = model->next_node;
		add(model, name, key, 3);
	}
	cr_assert_eq(
		directory_join_result(machine_payload(&model->dir->m), &result),
		ERR_NONE);
	cr_assert_eq(result.node, token->node);
}

/* ---- steps: groups ---- */

/* Changes the copy; gives what must come of it. */
static enum err change_group(struct member_model *model,
			     struct model_group *group)
{
	uint32_t node = 1 + (uint32_t)draw(model, model->next_node - 1);
	unsigned at;

	if (group->count > 0 && draw(model, 1) == 0) {
		at = (unsigned)draw(model, group->count - 1);
		if (draw(model, 1) == 0)
			group->replicas[at] = group->replicas[--group->count];
		else
			group->replicas[at].state =
				(enum directory_replica_state)(1 +
							       draw(model, 1));
		return ERR_NONE;
	}
	for (at = 0; at < group->count; at++)
		if (group->replicas[at].node == node)
			break;
	group->replicas[group->count++] =
		(struct directory_replica){ node, 0, DIRECTORY_REPLICA_STANDBY,
					    DIRECTORY_REPLICA_JOINING };
	if (at < group->count - 1)
		return ERR_CANNOT;
	if (node >= model->next_node)
		return ERR_NOTFOUND;
	return is_there(&model->members[node]) ? ERR_NONE : ERR_CANNOT;
}

static void step_group(struct member_model *model)
{
	uint32_t number = (uint32_t)draw(model, MODEL_GROUPS - 1);
	struct model_group *group = &model->groups[number];
	struct model_group to = *group;
	struct directory_group_put_result result;
	struct directory_group_put command = {
		.group = { .group = number, .wanted = 3 },
	};
	enum err want = change_group(model, &to);

	command.group.epoch = group->epoch;
	if (draw(model, 9) == 0) {
		command.group.epoch++;
		want = ERR_STALE;
	}
	command.group.replica_count = to.count;
	memcpy(command.group.replicas, to.replicas,
	       to.count * sizeof(to.replicas[0]));
	if (send(model, DIRECTORY_GROUP_PUT,
		 directory_group_put_encode(&command, body_of(model)),
		 want) != ERR_NONE)
		return;
	cr_assert_eq(directory_group_put_result(machine_payload(&model->dir->m),
						&result),
		     ERR_NONE);
	if (to.count > 0 && to.replicas[to.count - 1].raft_id == 0) {
		struct directory_replica *last = &to.replicas[to.count - 1];

		last->raft_id = directory_raft_id(
			last->node, ++model->members[last->node].replicas);
		cr_assert_eq(result.raft_id, last->raft_id);
	}
	to.exists = true;
	to.epoch = model->dir->m.index;
	*group = to;
}

void member_model_step(struct member_model *model)
{
	static void (*const steps[])(struct member_model * model) = {
		step_add,   step_set,   step_set,   step_set,   step_raise,
		step_join,  step_join,  step_token, step_token, step_drop,
		step_group, step_group, step_group,
	};

	model->dir->m.now_ms += draw(model, 200000);
	steps[draw(model, ARRAY_LEN(steps) - 1)](model);
}

/* ---- comparing ---- */

static void compare_member(struct member_model *model, uint32_t node)
{
	const struct model_member *want = &model->members[node];
	struct directory_member got = dir_member(model->dir, node);

	cr_assert(slice_eq(got.name, slice_str(names[want->name])));
	cr_assert(slice_eq(got.key_hash, key_of(want->key)));
	cr_assert(slice_eq(got.next_key_hash, key_of(want->next_key)));
	cr_assert_eq(got.state, want->state);
	cr_assert_eq((got.roles & DIRECTORY_ROLE_MASTER) != 0, want->master);
	cr_assert_eq(got.feature_level, want->level);
	cr_assert_eq(got.replicas, want->replicas);
	cr_assert_eq(got.epoch, want->epoch);
}

static void compare_group(struct member_model *model, uint32_t number)
{
	const struct model_group *want = &model->groups[number];
	struct directory_group got;

	cr_assert_eq(
		directory_group_find(machine_ask(&model->dir->m), number, &got),
		want->exists);
	if (!want->exists)
		return;
	cr_assert_eq(got.epoch, want->epoch);
	cr_assert_eq(got.replica_count, want->count);
	for (unsigned i = 0; i < want->count; i++) {
		cr_assert_eq(got.replicas[i].raft_id,
			     want->replicas[i].raft_id);
		cr_assert_eq(got.replicas[i].state, want->replicas[i].state);
	}
}

static void compare_tokens(struct member_model *model)
{
	struct directory_token token;
	struct sha256 hash;

	for (unsigned i = 0; i < MODEL_TOKENS; i++) {
		sha256(slice_str(secrets[i]), &hash);
		cr_assert_eq(directory_token_find(machine_ask(&model->dir->m),
						  &hash, &token),
			     model->tokens[i].exists);
		if (model->tokens[i].exists)
			cr_assert_eq(token.node, model->tokens[i].node);
	}
}

void member_model_compare(struct member_model *model)
{
	struct directory_counters counters;

	directory_counters_get(machine_ask(&model->dir->m), &counters);
	cr_assert_eq(counters.next_node, model->next_node);
	cr_assert_eq(counters.feature_level, model->level);
	for (uint32_t node = 1; node < model->next_node; node++)
		compare_member(model, node);
	for (uint32_t group = 0; group < MODEL_GROUPS; group++)
		compare_group(model, group);
	compare_tokens(model);
	dir_verify(model->dir);
}
