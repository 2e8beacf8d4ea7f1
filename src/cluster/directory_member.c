/*
 * Members: added, changed, removed; the feature level of them all.
 *
 * Failures are refusals, before anything is written. How a node becomes a
 * member by a token is in directory_join.c.
 */
#include "cluster/directory_apply.h"

/* ---- what others have ---- */

/* There are about a hundred members, and few changes: walks will do. */
static bool name_is_taken(struct directory_apply *a, struct slice name)
{
	struct directory_member other;

	return directory_member_find_name(a->txn, name, &other);
}

/*
 * Of another member, removed ones included: whoever has a removed node's key
 * must not be let in again.
 */
static bool key_is_taken(struct directory_apply *a, uint32_t node,
			 struct slice key_hash)
{
	struct directory_member other;
	struct directory_walk walk;
	bool taken = false;

	directory_member_walk(&walk, a->txn);
	while (!taken && directory_member_next(&walk, &other))
		taken = other.node != node &&
			directory_member_has_key(&other, key_hash);
	directory_walk_end(&walk);
	return taken;
}

static bool keys_are_taken(struct directory_apply *a,
			   const struct directory_member *member)
{
	return key_is_taken(a, member->node, member->key_hash) ||
	       key_is_taken(a, member->node, member->next_key_hash);
}

/* ---- adding ---- */

enum err directory_member_look(struct directory_apply *a,
			       const struct directory_member *member)
{
	if (a->counters.next_node > DIRECTORY_NODES_MAX)
		return ERR_LIMIT;
	if (name_is_taken(a, member->name))
		return ERR_EXISTS;
	if (keys_are_taken(a, member))
		return ERR_INUSE;
	if (member->feature_level < a->counters.feature_level ||
	    member->state == DIRECTORY_MEMBER_REMOVED || member->successor != 0)
		return ERR_CANNOT;
	return ERR_NONE;
}

void directory_member_insert(struct directory_apply *a,
			     struct directory_member *member)
{
	member->node = a->counters.next_node++;
	member->epoch = a->at->index;
	member->replicas = 0;
	directory_member_row_put(a->txn, a->scratch, member);
	directory_event(a, DIRECTORY_EVENT_MEMBER, member->node, member->name);
}

void directory_apply_member_add(struct directory_apply *a)
{
	struct directory_member_add command;
	struct directory_member_add_result result;
	enum err err = directory_member_add_decode(a->command->body, &command);

	command.member.node = 0;
	if (err == ERR_NONE)
		err = directory_member_look(a, &command.member);
	if (err != ERR_NONE) {
		directory_refuse(a, err);
		return;
	}
	directory_member_insert(a, &command.member);
	result = (struct directory_member_add_result){ command.member.node };
	directory_member_add_result_encode(&result, &a->result->payload);
}

/* ---- changing ---- */

static void change(struct directory_member *member,
		   const struct directory_member_set *command)
{
	const struct directory_member *to = &command->member;

	if ((command->fields & DIRECTORY_MEMBER_ROLES) != 0)
		member->roles = to->roles;
	if ((command->fields & DIRECTORY_MEMBER_ZONE) != 0)
		member->zone = to->zone;
	if ((command->fields & DIRECTORY_MEMBER_WEIGHT) != 0)
		member->weight = to->weight;
	if ((command->fields & DIRECTORY_MEMBER_STATE) != 0) {
		member->state = to->state;
		member->successor = to->successor;
	}
	if ((command->fields & DIRECTORY_MEMBER_ADDRESSES) != 0) {
		memcpy(member->addresses, to->addresses, sizeof(to->addresses));
		member->address_count = to->address_count;
	}
	if ((command->fields & DIRECTORY_MEMBER_FEATURE_LEVEL) != 0)
		member->feature_level = to->feature_level;
	if ((command->fields & DIRECTORY_MEMBER_KEYS) != 0) {
		member->key_hash = to->key_hash;
		member->next_key_hash = to->next_key_hash;
	}
}

static bool is_master(const struct directory_member *member)
{
	return (member->roles & DIRECTORY_ROLE_MASTER) != 0 &&
	       member->state != DIRECTORY_MEMBER_REMOVED;
}

/* Without a master nobody could vote in the directory any more. */
static bool is_last_master(struct directory_apply *a, uint32_t node)
{
	struct directory_member other;
	struct directory_walk walk;
	bool found = false;

	directory_member_walk(&walk, a->txn);
	while (!found && directory_member_next(&walk, &other))
		found = other.node != node && is_master(&other);
	directory_walk_end(&walk);
	return !found;
}

static bool successor_ok(struct directory_apply *a,
			 const struct directory_member *member)
{
	struct directory_member other;

	return member->successor == 0 ||
	       (member->successor != member->node &&
		directory_member_find(a->txn, member->successor, &other) &&
		other.state != DIRECTORY_MEMBER_REMOVED);
}

static enum err change_look(struct directory_apply *a,
			    const struct directory_member *old,
			    const struct directory_member *member,
			    uint8_t fields)
{
	bool keys = (fields & DIRECTORY_MEMBER_KEYS) != 0;

	if (is_master(old) && !is_master(member) &&
	    is_last_master(a, member->node))
		return ERR_CANNOT;
	if (member->feature_level < a->counters.feature_level)
		return ERR_CANNOT;
	if ((fields & DIRECTORY_MEMBER_STATE) != 0 && !successor_ok(a, member))
		return ERR_CANNOT;
	if (keys && !directory_member_has_key(member, old->key_hash) &&
	    !directory_member_has_key(member, old->next_key_hash))
		return ERR_CANNOT;
	return keys && keys_are_taken(a, member) ? ERR_INUSE : ERR_NONE;
}

/*
 * Whatever the node has proposed and is not yet applied must never be. One
 * intent a group, as only who has a replica of a group can do it there.
 */
static void fence(struct directory_apply *a, uint32_t node)
{
	struct directory_intent intent = {
		.kind = DIRECTORY_INTENT_FENCE,
		.id_count = 1,
	};
	struct buf ids = { 0 };

	pack_var(&ids, node);
	intent.ids = buf_slice(&ids);
	for (uint32_t group = 0; group < a->counters.next_group; group++) {
		intent.group = group;
		(void)directory_new_intent(a, &intent);
	}
	buf_fini(&ids);
}

static void change_write(struct directory_apply *a,
			 struct directory_member *member, bool removed)
{
	struct directory_member_set_result result = { a->at->index };
	struct slice name = arena_slice(a->arena, member->name);

	member->epoch = a->at->index;
	directory_member_row_put(a->txn, a->scratch, member);
	directory_event(a, DIRECTORY_EVENT_MEMBER, member->node, name);
	if (removed)
		fence(a, member->node);
	directory_member_set_result_encode(&result, &a->result->payload);
}

void directory_apply_member_set(struct directory_apply *a)
{
	struct directory_member_set command;
	struct directory_member old;
	struct directory_member member;
	enum err err = directory_member_set_decode(a->command->body, &command);

	if (err == ERR_NONE &&
	    !directory_member_find(a->txn, command.member.node, &old))
		err = ERR_NOTFOUND;
	if (err == ERR_NONE && old.state == DIRECTORY_MEMBER_REMOVED)
		err = ERR_CANNOT;
	if (err == ERR_NONE && old.epoch != command.member.epoch)
		err = ERR_STALE;
	if (err == ERR_NONE) {
		member = old;
		change(&member, &command);
		err = change_look(a, &old, &member, command.fields);
	}
	if (err != ERR_NONE)
		directory_refuse(a, err);
	else
		change_write(a, &member,
			     member.state == DIRECTORY_MEMBER_REMOVED);
}

/* ---- the feature level ---- */

static bool all_can(struct directory_apply *a, uint32_t level)
{
	struct directory_member member;
	struct directory_walk walk;
	bool can = true;

	directory_member_walk(&walk, a->txn);
	while (can && directory_member_next(&walk, &member))
		can = member.state == DIRECTORY_MEMBER_REMOVED ||
		      member.feature_level >= level;
	directory_walk_end(&walk);
	return can;
}

void directory_apply_feature_raise(struct directory_apply *a)
{
	struct directory_feature_raise command;
	enum err err =
		directory_feature_raise_decode(a->command->body, &command);

	if (err == ERR_NONE && command.level <= a->counters.feature_level)
		err = ERR_STALE;
	if (err == ERR_NONE && !all_can(a, command.level))
		err = ERR_CANNOT;
	if (err != ERR_NONE) {
		directory_refuse(a, err);
		return;
	}
	a->counters.feature_level = command.level;
	directory_event(a, DIRECTORY_EVENT_SETTING, 0, SLICE_NONE);
}
