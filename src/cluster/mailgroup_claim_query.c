/*
 * What runners of claims read (mailgroup_claim.h). Failures: damage sticks to
 * the transaction and reads as absent.
 */
#include "cluster/mailgroup_claim.h"

#include "cluster/mailgroup_row.h"
#include "cluster/row.h"

static void fill(uint32_t group, uint32_t slot,
		 const struct mailgroup_claim_row *row,
		 struct mailgroup_open_claim *claim_r)
{
	*claim_r = (struct mailgroup_open_claim){
		.group = group,
		.slot = slot,
		.turn = row->turn,
		.op = row->op,
		.since_ms = row->since_ms,
		.source = row->source,
		.target = row->target,
		.user = row->user,
		.left_out = row->left_out,
		.uids = row->uids,
	};
}

bool mailgroup_claim_find(struct store_txn *txn, uint32_t group, uint32_t slot,
			  uint64_t turn, struct mailgroup_open_claim *claim_r)
{
	struct mailgroup_claim_row row;
	bool open = mailgroup_claim_get(txn, group, slot, &row) && row.open &&
		    row.turn == turn;

	fill(group, slot, &row, claim_r);
	return open;
}

bool mailgroup_claim_next(struct store_txn *txn, uint32_t *group,
			  uint32_t *slot, struct mailgroup_open_claim *claim_r)
{
	struct store_key from = mailgroup_claim_key(*group, *slot);
	struct mailgroup_claim_row row = { 0 };
	struct store_cursor cursor;
	bool on;

	store_cursor_init(&cursor, txn, MAILGROUP_TABLE_CLAIM);
	on = store_cursor_seek(&cursor, store_key_slice(&from));
	while (on && !row.open) {
		if (!mailgroup_take_claim_key(txn, cursor.key, group, slot) ||
		    !mailgroup_claim_of_value(txn, &cursor.value, &row))
			break;
		on = store_cursor_next(&cursor);
	}
	store_cursor_fini(&cursor);
	fill(*group, *slot, &row, claim_r);
	if (row.open)
		++*slot;
	return row.open;
}

/* ---- messages ---- */

static struct slice *copy_names(const struct mailgroup_keywords *table,
				const struct mailgroup_keyword_bits *bits,
				struct arena *arena, size_t *count_r)
{
	struct slice *names =
		arena_zalloc(arena, MAILGROUP_KEYWORDS_MAX, sizeof(*names));

	*count_r = 0;
	for (unsigned n = 0; n < MAILGROUP_KEYWORDS_MAX; n++)
		if (mailgroup_keyword_has(bits, n))
			names[(*count_r)++] =
				arena_slice(arena, table->names[n]);
	return names;
}

static struct mailgroup_message
message_of(const struct mailgroup_row *row,
	   const struct mailgroup_keywords *table,
	   const struct mailgroup_left_out *left_out, struct arena *arena)
{
	struct mailgroup_message message = {
		.hash = row->hash,
		.size = row->size,
		.date_s = row->date_s,
		.zone_min = row->zone_min,
		.flags = row->flags & (uint8_t)~left_out->flags,
		.structure = arena_slice(arena, row->structure),
	};
	static const struct mailgroup_keyword_bits none = { { 0 } };

	if (!left_out->keywords &&
	    memcmp(&row->keywords, &none, sizeof(none)) != 0)
		message.keywords.names = copy_names(
			table, &row->keywords, arena, &message.keywords.count);
	return message;
}

struct mailgroup_message *
mailgroup_messages(struct store_txn *txn, uint64_t mailbox, uint64_t user,
		   const struct uidset *uids,
		   const struct mailgroup_left_out *left_out,
		   struct arena *arena, struct uidset *uids_r, size_t *count_r)
{
	struct mailgroup_message *messages = arena_zalloc(
		arena, (size_t)uidset_size(uids), sizeof(*messages));
	struct mailgroup_keywords *table =
		ARENA_NEW(arena, struct mailgroup_keywords);
	struct mailgroup_row row;

	*count_r = 0;
	mailgroup_keywords_get(txn, mailbox, table);
	for (size_t i = 0; i < uids->count; i++) {
		struct mailgroup_walk walk;

		mailgroup_walk_begin(&walk, txn, mailbox, user,
				     uids->ranges[i].first,
				     uids->ranges[i].last,
				     MAILGROUP_STATE | MAILGROUP_FIXED);
		while (mailgroup_walk_next(&walk, &row)) {
			messages[(*count_r)++] =
				message_of(&row, table, left_out, arena);
			uidset_add(uids_r, row.uid, row.uid);
		}
		mailgroup_walk_end(&walk);
	}
	return messages;
}

struct mailgroup_message *
mailgroup_claim_messages(struct store_txn *txn,
			 const struct mailgroup_open_claim *claim,
			 struct arena *arena, size_t *count_r)
{
	struct uidset uids = { 0 };
	struct mailgroup_message *messages = mailgroup_messages(
		txn, claim->source, claim->user, &claim->uids, &claim->left_out,
		arena, &uids, count_r);

	row_want(txn, uidset_eq(&uids, &claim->uids));
	uidset_fini(&uids);
	return messages;
}

uint32_t mailgroup_claimed(struct store_txn *txn, uint64_t mailbox)
{
	struct mailgroup_mailbox row;

	(void)mailgroup_mailbox_get(txn, mailbox, &row);
	return row.claimed;
}
