/*
 * The end of a mailbox: SEAL, PURGE; and REROOT, when only its root changes.
 *
 * A sealed mailbox takes no commands and counts to no quota; its rows stay
 * until PURGE takes them, a thousand at a time. That it was sealed is never
 * forgotten, so a late command can never make the id live again. Failures are
 * refusals before anything is written.
 */
#include "cluster/mailgroup_apply.h"

/* ---- SEAL ---- */

void mailgroup_apply_seal(struct mailgroup_apply *a)
{
	static const struct mailgroup_usage none = { 0 };
	struct mailgroup_sealed sealed;
	struct mailgroup_mailbox row;
	struct mailgroup_usage lost;
	struct mailgroup_seal command;
	enum err err =
		mailgroup_seal_decode(a->command->body, a->arena, &command);

	if (err != ERR_NONE) {
		mailgroup_refuse(a, err);
		return;
	}
	if (mailgroup_sealed_get(a->txn, command.mailbox, &sealed))
		return;
	sealed.since_ms = a->command->proposed_at_ms;
	mailgroup_sealed_put(a->txn, a->scratch, command.mailbox, &sealed);
	if (mailgroup_mailbox_get(a->txn, command.mailbox, &row)) {
		lost.octets = row.size;
		lost.messages = row.exists;
		mailgroup_usage_add(a, row.root, &none, &lost);
	}
	mailgroup_touched(a, command.mailbox);
}

/* ---- PURGE ---- */

/* Tables whose keys begin with the mailbox; its record goes last. */
static const unsigned purged[] = {
	MAILGROUP_TABLE_FIXED,      MAILGROUP_TABLE_STATE,
	MAILGROUP_TABLE_BY_MODSEQ,  MAILGROUP_TABLE_VANISHED,
	MAILGROUP_TABLE_UIDS,       MAILGROUP_TABLE_SEEN,
	MAILGROUP_TABLE_SEEN_COUNT, MAILGROUP_TABLE_KEYWORD,
	MAILGROUP_TABLE_MAILBOX,
};

/* Deletes up to *rows rows of one table; true: there is no more. */
static bool purge_table(struct mailgroup_apply *a, unsigned table,
			uint64_t mailbox, unsigned *rows)
{
	struct store_key prefix = mailgroup_number_key(mailbox);
	struct store_cursor cursor;
	bool on;

	store_cursor_init(&cursor, a->txn, table);
	while ((on = store_cursor_seek(&cursor, store_key_slice(&prefix)) &&
		     store_cursor_in(&cursor, store_key_slice(&prefix))) &&
	       *rows > 0) {
		store_cursor_del(&cursor);
		--*rows;
	}
	store_cursor_fini(&cursor);
	return !on;
}

static bool purge_write(struct mailgroup_apply *a, uint64_t mailbox)
{
	unsigned rows = MAILGROUP_ROWS_MAX;

	for (size_t i = 0; i < ARRAY_LEN(purged); i++)
		if (!purge_table(a, purged[i], mailbox, &rows))
			return true;
	return false;
}

/* Model step M13: they end first, and need the rows for that. */
static bool has_claims(struct mailgroup_apply *a, uint64_t mailbox)
{
	struct mailgroup_mailbox row;

	return mailgroup_mailbox_get(a->txn, mailbox, &row) && row.claimed > 0;
}

void mailgroup_apply_purge(struct mailgroup_apply *a)
{
	struct mailgroup_sealed sealed;
	struct mailgroup_more_result result;
	struct mailgroup_purge command;
	enum err err =
		mailgroup_purge_decode(a->command->body, a->arena, &command);

	if (err == ERR_NONE &&
	    !mailgroup_sealed_get(a->txn, command.mailbox, &sealed))
		err = ERR_INVALID;
	if (err == ERR_NONE && has_claims(a, command.mailbox))
		err = ERR_INUSE;
	if (err != ERR_NONE) {
		mailgroup_refuse(a, err);
		return;
	}
	if (!sealed.purging) {
		sealed.purging = true;
		mailgroup_sealed_put(a->txn, a->scratch, command.mailbox,
				     &sealed);
	}
	result.more = purge_write(a, command.mailbox);
	mailgroup_more_result_encode(&result, &a->result->payload);
}

/* ---- REROOT ---- */

/* The usage follows. A mailbox without a record gets one: its root counts. */
static void reroot_one(struct mailgroup_apply *a, uint64_t mailbox,
		       uint64_t root)
{
	static const struct mailgroup_usage none = { 0 };
	struct mailgroup_sealed sealed;
	struct mailgroup_mailbox row;
	struct mailgroup_usage usage;

	if (mailgroup_sealed_get(a->txn, mailbox, &sealed))
		return;
	if (mailgroup_mailbox_get(a->txn, mailbox, &row) && row.root == root)
		return;
	usage.octets = row.size;
	usage.messages = row.exists;
	mailgroup_usage_add(a, row.root, &none, &usage);
	mailgroup_usage_add(a, root, &usage, &none);
	row.root = root;
	mailgroup_mailbox_put(a->txn, a->scratch, mailbox, &row);
	mailgroup_touched(a, mailbox);
}

void mailgroup_apply_reroot(struct mailgroup_apply *a)
{
	struct mailgroup_reroot command;
	enum err err =
		mailgroup_reroot_decode(a->command->body, a->arena, &command);

	if (err != ERR_NONE) {
		mailgroup_refuse(a, err);
		return;
	}
	for (size_t i = 0; i < command.count; i++)
		reroot_one(a, command.mailboxes[i], command.root);
}
