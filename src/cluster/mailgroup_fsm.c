/*
 * A mail group as a state machine: from a command to its part.
 *
 * apply calls the kind's function; the mailboxes that it touched are published
 * after the commit of the drain. Failures: an unknown kind or version is
 * ERR_VERSION, which parks the replica: it must not skip what others applied.
 */
#include "cluster/mailgroup_fsm.h"

#include <stdlib.h>

#include "base/panic.h"
#include "cluster/mailgroup_apply.h"

void mailgroup_touched(struct mailgroup_apply *a, uint64_t mailbox)
{
	struct buf *changed = &a->fsm->changed;
	uint64_t last;

	if (!a->fsm->publish)
		return;
	if (changed->len >= sizeof(last)) {
		memcpy(&last, changed->data + changed->len - sizeof(last),
		       sizeof(last));
		if (last == mailbox)
			return;
	}
	buf_add(changed, &mailbox, sizeof(mailbox));
}

static int by_id(const void *a, const void *b)
{
	const uint64_t *left = a;
	const uint64_t *right = b;

	return (*left > *right) - (*left < *right);
}

static void committed(struct replica_fsm *replica, uint64_t applied_index)
{
	struct mailgroup_fsm *fsm =
		container_of(replica, struct mailgroup_fsm, fsm);
	size_t count = fsm->changed.len / sizeof(uint64_t);
	uint64_t *ids;
	size_t unique = 0;

	if (count == 0)
		return;
	ids = arena_zalloc(&fsm->arena, count, sizeof(*ids));
	memcpy(ids, fsm->changed.data, count * sizeof(*ids));
	qsort(ids, count, sizeof(*ids), by_id);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || ids[i] != ids[unique - 1])
			ids[unique++] = ids[i];
	fsm->publish(fsm->arg, ids, unique, applied_index);
	buf_clear(&fsm->changed);
	arena_clear(&fsm->arena);
}

static void (*const parts[])(struct mailgroup_apply *a) = {
	mailgroup_apply_append,       mailgroup_apply_deliver,
	mailgroup_apply_store,        mailgroup_apply_expunge,
	mailgroup_apply_copy,         mailgroup_apply_copy_stage,
	mailgroup_apply_copy_reveal,  mailgroup_apply_copy_drop,
	mailgroup_apply_seal,         mailgroup_apply_purge,
	mailgroup_apply_reroot,       mailgroup_apply_claim,
	mailgroup_apply_append,       mailgroup_apply_claim_end,
	mailgroup_apply_append_stage,
};

_Static_assert(ARRAY_LEN(parts) == MAILGROUP_COMMAND_END - MAILGROUP_APPEND,
	       "in the order of the kinds");

static void apply(struct replica_fsm *replica, struct store_txn *txn,
		  const struct command *command, const struct command_at *at,
		  struct command_result *result_r)
{
	struct mailgroup_fsm *fsm =
		container_of(replica, struct mailgroup_fsm, fsm);
	struct mailgroup_apply a = {
		.txn = txn,
		.command = command,
		.at = at,
		.result = result_r,
		.fsm = fsm,
		.arena = &fsm->arena,
		.scratch = &fsm->scratch,
	};

	result_r->refusal = ERR_NONE;
	if (command->kind < MAILGROUP_APPEND ||
	    command->kind >= MAILGROUP_COMMAND_END ||
	    command->version != MAILGROUP_COMMAND_VERSION) {
		result_r->refusal = ERR_VERSION;
		return;
	}
	parts[command->kind - MAILGROUP_APPEND](&a);
	arena_clear(&fsm->arena);
}

/*
 * What makes the state smaller, or must never be stopped (F9). Flags are with
 * it: \Deleted is how a client begins to make room.
 */
static bool frees_space(uint16_t kind)
{
	return kind == MAILGROUP_STORE || kind == MAILGROUP_EXPUNGE ||
	       kind == MAILGROUP_COPY_DROP || kind == MAILGROUP_SEAL ||
	       kind == MAILGROUP_PURGE || kind == MAILGROUP_CLAIM_END;
}

static enum err check(struct replica_fsm *fsm, const struct command *command,
		      struct command_holders *holders_r)
{
	(void)fsm;
	/* A claim's turn is of nothing but its append (and CANCEL). */
	if (command_op_is_claim(&command->op) !=
	    (command->kind == MAILGROUP_APPEND_CLAIMED))
		return ERR_INVALID;
	return mailgroup_command_check(command->kind, command->version,
				       command->body, holders_r);
}

static void bodies(struct replica_fsm *fsm, const struct command *command,
		   replica_fsm_body *each, void *arg)
{
	enum err err = mailgroup_command_bodies(command->kind, command->body,
						each, arg);

	(void)fsm;
	MUST(err == ERR_NONE); /* apply has decoded it */
}

struct named {
	replica_fsm_body *each;
	void *arg;
};

static void named_row(void *arg, const struct sha256 *hash, uint64_t mailbox,
		      uint32_t uid)
{
	const struct named *named = arg;

	(void)mailbox;
	(void)uid;
	named->each(named->arg, hash);
}

static bool named(struct replica_fsm *fsm, struct store_txn *txn,
		  struct replica_fsm_place *place, unsigned rows,
		  replica_fsm_body *each, void *arg)
{
	struct mailgroup_body_position position = { place->a,
						    (uint32_t)place->b };
	struct named to = { each, arg };
	bool more = mailgroup_bodies(txn, &position, rows, named_row, &to);

	(void)fsm;
	place->a = position.mailbox;
	place->b = position.uid;
	return more;
}

void mailgroup_fsm_init(struct mailgroup_fsm *fsm, mailgroup_publish *publish,
			void *arg)
{
	*fsm = (struct mailgroup_fsm){
		.fsm = {
			.tables = mailgroup_table_names,
			.table_count = MAILGROUP_TABLES,
			.check = check,
			.apply = apply,
			.committed = committed,
			.frees_space = frees_space,
			.bodies = bodies,
			.named = named,
		},
		.publish = publish,
		.arg = arg,
	};
}

void mailgroup_fsm_fini(struct mailgroup_fsm *fsm)
{
	arena_fini(&fsm->arena);
	buf_fini(&fsm->scratch);
	buf_fini(&fsm->changed);
}
