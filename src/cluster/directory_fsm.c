/*
 * The directory as a state machine: from a command to its part, and what all
 * parts share.
 *
 * apply loads the counters, calls the kind's function and, unless that
 * refused, writes the counters back. After the commit of a drain what changed
 * is published. Failures: an unknown kind or version is ERR_VERSION, which
 * parks the replica: it must not skip what others applied.
 */
#include "cluster/directory_fsm.h"

#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"
#include "cluster/directory_apply.h"

/* ---- UIDVALIDITY (F7) ---- */

/* A proposer whose clock is further ahead is not believed. */
#define CLOCK_AHEAD_S 3600u

/* A first value above it would leave too few: the clock is nonsense. */
#define UIDVALIDITY_FIRST_MAX 0xf0000000u

bool directory_uidvalidity_left(const struct directory_apply *a, uint32_t count)
{
	return UINT32_MAX - a->counters.uidvalidity >= count;
}

/*
 * One counter of the whole murder, so a rename or a new mailbox of an old name
 * never brings {name, UIDVALIDITY} back. It follows the clock where it can, so
 * that a directory that is made anew after a disaster starts above the old.
 */
uint32_t directory_new_uidvalidity(struct directory_apply *a)
{
	uint32_t last = a->counters.uidvalidity;
	uint64_t now_s = a->command->proposed_at_ms / 1000;
	uint64_t next = (uint64_t)last + 1;
	bool believed = last == 0 ? now_s <= UIDVALIDITY_FIRST_MAX
				  : now_s <= next + CLOCK_AHEAD_S;

	MUST(last < UINT32_MAX);
	if (now_s > next && believed && now_s <= UINT32_MAX)
		next = now_s;
	if (MUTANT("M54"))
		next = now_s;
	a->counters.uidvalidity = (uint32_t)next;
	return a->counters.uidvalidity;
}

/* ---- events ---- */

/* As collected: names are offsets into fsm->names, which may still move. */
struct event {
	enum directory_event_kind kind;
	uint64_t id;
	size_t at;
	size_t len;
};

void directory_event(struct directory_apply *a, enum directory_event_kind kind,
		     uint64_t id, struct slice name)
{
	struct directory_fsm *fsm = a->fsm;
	struct event event = { kind, id, fsm->names.len, name.len };

	if (!fsm->publish)
		return;
	if (fsm->event_count < DIRECTORY_EVENTS_MAX) {
		buf_add(&fsm->events, &event, sizeof(event));
		buf_add_slice(&fsm->names, name);
	}
	if (fsm->event_count <= DIRECTORY_EVENTS_MAX)
		fsm->event_count++;
}

static void publish_many(struct directory_fsm *fsm, uint64_t index)
{
	struct directory_event many = { .kind = DIRECTORY_EVENT_MANY };

	fsm->publish(fsm->arg, &many, 1, index);
}

static void publish_each(struct directory_fsm *fsm, uint64_t index)
{
	struct directory_event *events =
		arena_zalloc(&fsm->arena, fsm->event_count, sizeof(*events));
	struct event event;

	for (unsigned i = 0; i < fsm->event_count; i++) {
		memcpy(&event, fsm->events.data + i * sizeof(event),
		       sizeof(event));
		events[i] = (struct directory_event){
			.kind = event.kind,
			.id = event.id,
			.name = slice_first(
				slice_from(buf_slice(&fsm->names), event.at),
				event.len),
		};
	}
	fsm->publish(fsm->arg, events, fsm->event_count, index);
}

static void committed(struct replica_fsm *replica, uint64_t applied_index)
{
	struct directory_fsm *fsm =
		container_of(replica, struct directory_fsm, fsm);

	if (fsm->event_count == 0)
		return;
	if (fsm->event_count > DIRECTORY_EVENTS_MAX)
		publish_many(fsm, applied_index);
	else
		publish_each(fsm, applied_index);
	arena_clear(&fsm->arena);
	buf_clear(&fsm->events);
	buf_clear(&fsm->names);
	fsm->event_count = 0;
}

/* ---- the change table ---- */

/* Drops the oldest rows above the limit; what they named is below the floor. */
static void trim_changes(struct directory_apply *a)
{
	struct directory_counters *counters = &a->counters;
	struct store_cursor cursor;

	if (counters->changes <= DIRECTORY_CHANGES_MAX)
		return;
	store_cursor_init(&cursor, a->txn, DIRECTORY_TABLE_CHANGE);
	while (counters->changes > DIRECTORY_CHANGES_MAX &&
	       store_cursor_seek(&cursor, SLICE_NONE)) {
		struct slice key = cursor.key;

		if (!store_key_take_u64(&key, &counters->change_floor))
			store_txn_fail(a->txn, ERR_CORRUPT);
		store_cursor_del(&cursor);
		counters->changes--;
	}
	store_cursor_fini(&cursor);
}

void directory_mailbox_changed(struct directory_apply *a, struct slice name,
			       uint64_t id)
{
	struct store_key key = directory_change_key(
		a->at->index, a->at->position, a->change_n++);
	struct codec codec = row_begin(a->scratch);

	codec_bytes(&codec, &name, NAMES_MAILBOX_MAX);
	row_put(a->txn, DIRECTORY_TABLE_CHANGE, store_key_slice(&key), &codec);
	a->counters.changes++;
	trim_changes(a);
	directory_event(a, DIRECTORY_EVENT_MAILBOX, id, name);
}

/* ---- intents ---- */

uint64_t directory_keep_until(const struct directory_apply *a, uint64_t keep_ms)
{
	uint64_t now_ms = a->command->proposed_at_ms;

	if (keep_ms == 0)
		return 0;
	return keep_ms > UINT64_MAX - now_ms ? UINT64_MAX : now_ms + keep_ms;
}

uint64_t directory_new_intent(struct directory_apply *a,
			      struct directory_intent *intent)
{
	intent->id = a->counters.next_intent++;
	intent->step = 0;
	intent->since_ms = a->command->proposed_at_ms;
	intent->since_index = a->at->index;
	directory_intent_put(a->txn, a->scratch, intent);
	directory_event(a, DIRECTORY_EVENT_INTENT, intent->id, SLICE_NONE);
	return intent->id;
}

/* ---- dispatch ---- */

static void (*const parts[])(struct directory_apply *a) = {
	directory_apply_create,        directory_apply_delete,
	directory_apply_rename,        directory_apply_set_acl,
	directory_apply_set_use,       directory_apply_subscribe,
	directory_apply_user_add,      directory_apply_user_set,
	directory_apply_user_remove,   directory_apply_user_forget,
	directory_apply_member_add,    directory_apply_group_put,
	directory_apply_setting_put,   directory_apply_intent_step,
	directory_apply_member_set,    directory_apply_token_put,
	directory_apply_token_drop,    directory_apply_join,
	directory_apply_feature_raise,
};

_Static_assert(ARRAY_LEN(parts) == DIRECTORY_COMMAND_END - DIRECTORY_CREATE,
	       "in the order of the kinds");

static void apply(struct replica_fsm *replica, struct store_txn *txn,
		  const struct command *command, const struct command_at *at,
		  struct command_result *result_r)
{
	struct directory_fsm *fsm =
		container_of(replica, struct directory_fsm, fsm);
	struct directory_apply a = {
		.txn = txn,
		.command = command,
		.at = at,
		.result = result_r,
		.fsm = fsm,
		.arena = &fsm->arena,
		.scratch = &fsm->scratch,
	};

	result_r->refusal = ERR_NONE;
	if (command->kind < DIRECTORY_CREATE ||
	    command->kind >= DIRECTORY_COMMAND_END ||
	    command->version != DIRECTORY_COMMAND_VERSION) {
		result_r->refusal = ERR_VERSION;
		return;
	}
	directory_counters_get(txn, &a.counters);
	parts[command->kind - DIRECTORY_CREATE](&a);
	if (result_r->refusal == ERR_NONE)
		directory_counters_put(txn, &fsm->scratch, &a.counters);
	arena_clear(&fsm->arena);
}

/*
 * What makes the state smaller, or must never be stopped (F9): a full cluster
 * is helped by moving replicas to other nodes.
 */
static bool frees_space(uint16_t kind)
{
	return kind == DIRECTORY_DELETE || kind == DIRECTORY_USER_REMOVE ||
	       kind == DIRECTORY_USER_FORGET || kind == DIRECTORY_INTENT_STEP ||
	       kind == DIRECTORY_TOKEN_DROP || kind == DIRECTORY_MEMBER_SET ||
	       kind == DIRECTORY_GROUP_PUT;
}

/* No command of the directory brings bodies. */
static enum err check(struct replica_fsm *fsm, const struct command *command,
		      struct command_holders *none)
{
	(void)fsm;
	(void)none;
	return directory_command_check(command->kind, command->version,
				       command->body);
}

void directory_fsm_init(struct directory_fsm *fsm, directory_publish *publish,
			void *arg)
{
	*fsm = (struct directory_fsm){
		.fsm = {
			.tables = directory_table_names,
			.table_count = DIRECTORY_TABLES,
			.check = check,
			.apply = apply,
			.committed = committed,
			.frees_space = frees_space,
		},
		.publish = publish,
		.arg = arg,
	};
}

void directory_fsm_fini(struct directory_fsm *fsm)
{
	arena_fini(&fsm->arena);
	buf_fini(&fsm->scratch);
	buf_fini(&fsm->events);
	buf_fini(&fsm->names);
}
