/*
 * Settings and the steps of intents: one row each.
 *
 * Failures are refusals, before anything is written.
 */
#include "cluster/directory_apply.h"

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
