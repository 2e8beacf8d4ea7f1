/*
 * APPEND, APPEND_STAGE and DELIVER: messages that are new to the group.
 *
 * The bodies are on a majority of the replicas already; here they get their
 * rows. Failures are refusals before anything is written: of the whole APPEND,
 * of one recipient of a DELIVER.
 */
#include "cluster/mailgroup_apply.h"

/* The group's time goes no faster by one command: a clock may be wrong. */
#define TIME_STEP_MAX_MS (3600ull * 1000)

/* Old deliveries that one new delivery forgets: more than it adds. */
#define FORGET_MAX 8

/* ---- APPEND ---- */

/* The state of a new message; the box fills in the MODSEQ. */
static struct mailgroup_state new_state(uint8_t flags,
					const struct mailgroup_keyword_bits *k)
{
	return (struct mailgroup_state){
		.flags = (uint8_t)(flags & ~(unsigned)MAILGROUP_SEEN),
		.keywords = *k,
	};
}

static enum err append_look(struct mailgroup_apply *a,
			    const struct mailgroup_append *command,
			    struct mailgroup_box *box,
			    struct mailgroup_keyword_bits *keywords)
{
	uint64_t octets = 0;
	enum err err = mailgroup_box_open(box, a, command->target.mailbox,
					  command->target.root);

	for (size_t i = 0; i < command->count; i++)
		octets += command->messages[i].size;
	if (err == ERR_NONE)
		err = mailgroup_box_has_room(box, command->count);
	if (err == ERR_NONE)
		err = mailgroup_box_quota(box, &command->target, octets,
					  command->count);
	for (size_t i = 0; err == ERR_NONE && i < command->count; i++)
		err = mailgroup_names_intern(a, &box->names, box->id,
					     &command->messages[i].keywords,
					     &keywords[i]);
	return err;
}

/* mailgroup_box_add or mailgroup_box_stage; gives the UID. */
typedef uint32_t box_put(struct mailgroup_box *box,
			 const struct mailgroup_state *state,
			 const struct mailgroup_fixed *fixed);

static void append_one(struct mailgroup_box *box, struct mailgroup_bits *seen,
		       const struct mailgroup_message *message,
		       const struct mailgroup_keyword_bits *keywords,
		       box_put *put)
{
	struct mailgroup_state state = new_state(message->flags, keywords);
	struct mailgroup_fixed fixed = {
		.date_s = message->date_s,
		.zone_min = message->zone_min,
		.saved_ms = box->apply->command->proposed_at_ms,
		.size = message->size,
		.hash = message->hash,
		.structure = message->structure,
	};
	uint32_t uid = put(box, &state, &fixed);

	if ((message->flags & MAILGROUP_SEEN) != 0)
		mailgroup_bits_set(seen, uid);
}

static void append_write(struct mailgroup_apply *a,
			 const struct mailgroup_append *command,
			 struct mailgroup_box *box,
			 const struct mailgroup_keyword_bits *keywords)
{
	struct mailgroup_append_result result = {
		.first_uid = box->row.uidnext,
		.count = (uint32_t)command->count,
	};
	struct mailgroup_bits seen;
	int64_t count = 0;

	mailgroup_bits_init(&seen, a->txn,
			    mailgroup_bits_seen(box->id, command->user));
	for (size_t i = 0; i < command->count; i++) {
		append_one(box, &seen, &command->messages[i], &keywords[i],
			   mailgroup_box_add);
		count += command->messages[i].flags & MAILGROUP_SEEN ? 1 : 0;
	}
	mailgroup_bits_flush(&seen);
	if (count > 0)
		mailgroup_seen_add(a, box->id, command->user, count);
	mailgroup_box_close(box);
	result.modseq = box->modseq;
	mailgroup_append_result_encode(&result, &a->result->payload);
}

void mailgroup_apply_append(struct mailgroup_apply *a)
{
	struct mailgroup_append command;
	struct mailgroup_box box;
	struct mailgroup_keyword_bits *keywords;
	enum err err =
		mailgroup_append_decode(a->command->body, a->arena, &command);

	if (err != ERR_NONE) {
		mailgroup_refuse(a, err);
		return;
	}
	keywords = arena_zalloc(a->arena, command.count, sizeof(*keywords));
	err = append_look(a, &command, &box, keywords);
	if (err != ERR_NONE)
		mailgroup_refuse(a, err);
	else
		append_write(a, &command, &box, keywords);
}

/* ---- APPEND_STAGE ---- */

static enum err stage_look(struct mailgroup_apply *a,
			   const struct mailgroup_append_stage *command,
			   struct mailgroup_box *box,
			   struct mailgroup_keyword_bits *keywords)
{
	uint64_t octets = 0;
	enum err err = mailgroup_box_open(box, a, command->target.mailbox,
					  command->target.root);

	for (size_t i = 0; i < command->count; i++)
		octets += command->messages[i].size;
	if (err == ERR_NONE)
		err = mailgroup_box_staging(box, &command->copy,
					    &command->target, command->staged,
					    octets, command->count);
	for (size_t i = 0; err == ERR_NONE && i < command->count; i++)
		err = mailgroup_names_intern(a, &box->names, box->id,
					     &command->messages[i].keywords,
					     &keywords[i]);
	return err;
}

static void stage_write(struct mailgroup_apply *a,
			const struct mailgroup_append_stage *command,
			struct mailgroup_box *box,
			const struct mailgroup_keyword_bits *keywords)
{
	struct mailgroup_copy_stage_result result = {
		.first_uid =
			box->row.copying.first_uid + box->row.copying.staged,
	};
	struct mailgroup_bits seen;
	bool any = false;

	mailgroup_bits_init(&seen, a->txn,
			    mailgroup_bits_seen(box->id, command->user));
	for (size_t i = 0; i < command->count; i++) {
		append_one(box, &seen, &command->messages[i], &keywords[i],
			   mailgroup_box_stage);
		any |= (command->messages[i].flags & MAILGROUP_SEEN) != 0;
	}
	mailgroup_bits_flush(&seen);
	if (any) /* counted by REVEAL; who has bits has a counter */
		mailgroup_seen_add(a, box->id, command->user, 0);
	result.staged = box->row.copying.staged;
	mailgroup_box_close(box);
	mailgroup_copy_stage_result_encode(&result, &a->result->payload);
}

void mailgroup_apply_append_stage(struct mailgroup_apply *a)
{
	struct mailgroup_append_stage command;
	struct mailgroup_box box;
	struct mailgroup_keyword_bits *keywords;
	enum err err = mailgroup_append_stage_decode(a->command->body, a->arena,
						     &command);

	if (err != ERR_NONE) {
		mailgroup_refuse(a, err);
		return;
	}
	keywords = arena_zalloc(a->arena, command.count, sizeof(*keywords));
	err = stage_look(a, &command, &box, keywords);
	if (err != ERR_NONE)
		mailgroup_refuse(a, err);
	else
		stage_write(a, &command, &box, keywords);
}

/* ---- what was delivered before (S14) ---- */

static uint64_t advance_time(struct mailgroup_apply *a)
{
	uint64_t now_ms = mailgroup_time_get(a->txn);
	uint64_t proposed_ms = a->command->proposed_at_ms;

	if (proposed_ms <= now_ms)
		return now_ms;
	if (now_ms != 0 && proposed_ms > now_ms + TIME_STEP_MAX_MS)
		proposed_ms = now_ms + TIME_STEP_MAX_MS;
	mailgroup_time_put(a->txn, a->scratch, proposed_ms);
	return proposed_ms;
}

static bool is_known(struct mailgroup_apply *a, const struct sha256 *key,
		     uint64_t now_ms, uint32_t *uid_r)
{
	struct mailgroup_delivered_row row;

	if (!mailgroup_delivered_get(a->txn, key, &row) ||
	    now_ms - row.time_ms >= MAILGROUP_DELIVERED_MS)
		return false;
	*uid_r = row.uid;
	return true;
}

/*
 * Old enough that nobody asks, or so many that the first clock of the group
 * must have been ahead of its time, which then stands.
 */
static bool is_old(struct mailgroup_apply *a, struct slice key, uint64_t now_ms)
{
	uint64_t time_ms;

	if (!row_want(a->txn, store_key_take_u64(&key, &time_ms)))
		return false;
	return now_ms - time_ms >= MAILGROUP_DELIVERED_MS ||
	       store_count(a->txn, MAILGROUP_TABLE_DELIVERED) >
		       MAILGROUP_DELIVERED_MAX;
}

static void forget_old(struct mailgroup_apply *a, uint64_t now_ms)
{
	struct store_cursor cursor;

	store_cursor_init(&cursor, a->txn, MAILGROUP_TABLE_DELIVERED_TIME);
	for (int i = 0; i < FORGET_MAX; i++) {
		if (!store_cursor_seek(&cursor, SLICE_NONE) ||
		    !is_old(a, cursor.key, now_ms))
			break;
		store_del(a->txn, MAILGROUP_TABLE_DELIVERED,
			  slice_from(cursor.key, sizeof(now_ms)));
		store_cursor_del(&cursor);
	}
	store_cursor_fini(&cursor);
}

static void remember(struct mailgroup_apply *a, const struct sha256 *key,
		     uint64_t mailbox, uint32_t uid, uint64_t now_ms)
{
	struct mailgroup_delivered_row old;
	struct mailgroup_delivered_row row = { mailbox, uid, now_ms };
	struct store_key at;

	if (mailgroup_delivered_get(a->txn, key, &old)) {
		at = mailgroup_time_key(old.time_ms, key);
		store_del(a->txn, MAILGROUP_TABLE_DELIVERED_TIME,
			  store_key_slice(&at));
	}
	mailgroup_delivered_put(a->txn, a->scratch, key, &row);
	at = mailgroup_time_key(now_ms, key);
	mailgroup_mark(a->txn, MAILGROUP_TABLE_DELIVERED_TIME, &at);
	forget_old(a, now_ms);
}

/* ---- DELIVER ---- */

static enum err deliver_look(struct mailgroup_apply *a,
			     const struct mailgroup_deliver *command,
			     const struct mailgroup_delivery *delivery,
			     struct mailgroup_box *box,
			     struct mailgroup_keyword_bits *keywords_r)
{
	const struct mailgroup_target *target = &delivery->target;
	enum err err =
		mailgroup_box_open(box, a, target->mailbox, target->root);

	if (err == ERR_NONE)
		err = mailgroup_box_has_room(box, 1);
	if (err == ERR_NONE)
		err = mailgroup_box_quota(box, target, command->size, 1);
	if (err == ERR_NONE)
		err = mailgroup_names_intern(a, &box->names, box->id,
					     &delivery->keywords, keywords_r);
	return err;
}

static uint32_t deliver_write(struct mailgroup_apply *a,
			      const struct mailgroup_deliver *command,
			      const struct mailgroup_delivery *delivery,
			      struct mailgroup_box *box,
			      const struct mailgroup_keyword_bits *keywords)
{
	struct mailgroup_state state = new_state(delivery->flags, keywords);
	struct mailgroup_fixed fixed = {
		.date_s = command->date_s,
		.zone_min = command->zone_min,
		.saved_ms = a->command->proposed_at_ms,
		.size = command->size,
		.hash = command->hash,
		.structure = command->structure,
	};
	uint32_t uid = mailgroup_box_add(box, &state, &fixed);

	if ((delivery->flags & MAILGROUP_SEEN) != 0) {
		struct mailgroup_bits seen;

		mailgroup_bits_init(
			&seen, a->txn,
			mailgroup_bits_seen(box->id, delivery->user));
		mailgroup_bits_set(&seen, uid);
		mailgroup_bits_flush(&seen);
		mailgroup_seen_add(a, box->id, delivery->user, 1);
	}
	mailgroup_box_close(box);
	return uid;
}

static struct mailgroup_delivered
deliver_one(struct mailgroup_apply *a, const struct mailgroup_deliver *command,
	    const struct mailgroup_delivery *delivery, uint64_t now_ms)
{
	struct mailgroup_delivered answer = { .err = ERR_NONE };
	struct mailgroup_keyword_bits keywords;
	struct mailgroup_box box;

	if (is_known(a, &delivery->key, now_ms, &answer.uid)) {
		answer.duplicate = true;
		return answer;
	}
	answer.err = deliver_look(a, command, delivery, &box, &keywords);
	if (answer.err != ERR_NONE)
		return answer;
	answer.uid = deliver_write(a, command, delivery, &box, &keywords);
	remember(a, &delivery->key, box.id, answer.uid, now_ms);
	return answer;
}

void mailgroup_apply_deliver(struct mailgroup_apply *a)
{
	struct mailgroup_deliver command;
	struct mailgroup_deliver_result result;
	uint64_t now_ms;
	enum err err =
		mailgroup_deliver_decode(a->command->body, a->arena, &command);

	if (err != ERR_NONE) {
		mailgroup_refuse(a, err);
		return;
	}
	now_ms = advance_time(a);
	result.count = command.count;
	for (size_t i = 0; i < command.count; i++)
		result.deliveries[i] = deliver_one(
			a, &command, &command.deliveries[i], now_ms);
	mailgroup_deliver_result_encode(&result, &a->result->payload);
}
