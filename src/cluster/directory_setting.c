/*
 * Members, groups, settings and the steps of intents: one row each.
 *
 * Failures are refusals, before anything is written.
 */
#include "cluster/directory_apply.h"

/* ---- MEMBER_PUT ---- */

/* Another member, not removed, with this name? There are about a hundred. */
static bool name_is_taken(struct directory_apply *a,
			  const struct directory_member *member)
{
	struct directory_member other;
	struct directory_walk walk;
	bool taken = false;

	if (member->state == DIRECTORY_MEMBER_REMOVED)
		return false;
	directory_member_walk(&walk, a->txn);
	while (!taken && directory_member_next(&walk, &other))
		taken = other.node != member->node &&
			other.state != DIRECTORY_MEMBER_REMOVED &&
			slice_eq(other.name, member->name);
	directory_walk_end(&walk);
	return taken;
}

static enum err member_put_look(struct directory_apply *a,
				const struct directory_member *member,
				bool *leaves_r)
{
	struct directory_member old;

	*leaves_r = false;
	if (member->node != 0) {
		if (!directory_member_find(a->txn, member->node, &old))
			return ERR_NOTFOUND;
		*leaves_r = member->state == DIRECTORY_MEMBER_REMOVED &&
			    old.state != DIRECTORY_MEMBER_REMOVED;
	}
	if (member->node == 0 && a->counters.next_node == UINT32_MAX)
		return ERR_LIMIT;
	return name_is_taken(a, member) ? ERR_EXISTS : ERR_NONE;
}

/* Whatever the node has proposed and is not yet applied must never be. */
static void fence(struct directory_apply *a, uint32_t node)
{
	struct directory_intent intent = {
		.kind = DIRECTORY_INTENT_FENCE,
		.id_count = 1,
	};
	struct buf ids = { 0 };

	pack_var(&ids, node);
	intent.ids = buf_slice(&ids);
	(void)directory_new_intent(a, &intent);
	buf_fini(&ids);
}

void directory_apply_member_put(struct directory_apply *a)
{
	struct directory_member_put command;
	struct directory_member_put_result result;
	struct directory_member *member = &command.member;
	bool leaves = false;
	enum err err = directory_member_put_decode(a->command->body, &command);

	if (err == ERR_NONE)
		err = member_put_look(a, member, &leaves);
	if (err != ERR_NONE) {
		directory_refuse(a, err);
		return;
	}
	if (member->node == 0)
		member->node = a->counters.next_node++;
	directory_member_row_put(a->txn, a->scratch, member);
	directory_event(a, DIRECTORY_EVENT_MEMBER, member->node, member->name);
	if (leaves)
		fence(a, member->node);
	result = (struct directory_member_put_result){ member->node };
	directory_member_put_result_encode(&result, &a->result->payload);
}

/* ---- GROUP_PUT ---- */

static enum err group_put_look(struct directory_apply *a, bool add,
			       struct directory_group *group)
{
	struct directory_group old;

	if (add && a->counters.next_group == UINT32_MAX)
		return ERR_LIMIT;
	if (add || !directory_group_find(a->txn, group->group, &old)) {
		group->homes = 0;
		return add || group->group == 0 ? ERR_NONE : ERR_NOTFOUND;
	}
	group->homes = old.homes;
	return group->epoch == old.epoch ? ERR_NONE : ERR_STALE;
}

void directory_apply_group_put(struct directory_apply *a)
{
	struct directory_group_put command;
	struct directory_group_put_result result;
	struct directory_group *group = &command.group;
	enum err err = directory_group_put_decode(a->command->body, &command);

	if (err == ERR_NONE)
		err = group_put_look(a, command.add, group);
	if (err != ERR_NONE) {
		directory_refuse(a, err);
		return;
	}
	if (command.add)
		group->group = a->counters.next_group++;
	group->epoch = a->at->index;
	directory_group_row_put(a->txn, a->scratch, group);
	directory_event(a, DIRECTORY_EVENT_GROUP, group->group, SLICE_NONE);
	result = (struct directory_group_put_result){ group->group,
						      group->epoch };
	directory_group_put_result_encode(&result, &a->result->payload);
}

/* ---- SETTING_PUT ---- */

void directory_apply_setting_put(struct directory_apply *a)
{
	struct directory_setting_put command;
	struct store_key key;
	struct codec codec;
	enum err err = directory_setting_put_decode(a->command->body, &command);

	if (err != ERR_NONE) {
		directory_refuse(a, err);
		return;
	}
	key = directory_name_key(command.name);
	if (command.value.len == 0) {
		store_del(a->txn, DIRECTORY_TABLE_SETTING,
			  store_key_slice(&key));
	} else {
		codec = row_begin(a->scratch);
		codec_bytes(&codec, &command.value,
			    DIRECTORY_SETTING_VALUE_MAX);
		row_put(a->txn, DIRECTORY_TABLE_SETTING, store_key_slice(&key),
			&codec);
	}
	directory_event(a, DIRECTORY_EVENT_SETTING, 0, command.name);
}

/* ---- INTENT_STEP ---- */

static void intent_write(struct directory_apply *a,
			 const struct directory_intent_step *command,
			 struct directory_intent *intent)
{
	struct store_key key = directory_number_key(intent->id);

	if (command->end) {
		store_del(a->txn, DIRECTORY_TABLE_INTENT,
			  store_key_slice(&key));
	} else {
		intent->step = command->to;
		intent->name = arena_slice(a->arena, intent->name);
		intent->ids = arena_slice(a->arena, intent->ids);
		directory_intent_put(a->txn, a->scratch, intent);
	}
	directory_event(a, DIRECTORY_EVENT_INTENT, intent->id, SLICE_NONE);
}

void directory_apply_intent_step(struct directory_apply *a)
{
	struct directory_intent_step command;
	struct directory_intent intent;
	enum err err = directory_intent_step_decode(a->command->body, &command);

	if (err == ERR_NONE &&
	    !directory_intent_find(a->txn, command.id, &intent))
		err = ERR_NOTFOUND;
	if (err == ERR_NONE && intent.step != command.from)
		err = ERR_STALE;
	if (err != ERR_NONE)
		directory_refuse(a, err);
	else
		intent_write(a, &command, &intent);
}
