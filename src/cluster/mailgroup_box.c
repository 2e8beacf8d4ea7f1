/*
 * A mailbox that is being changed: its record, its bits, its names.
 *
 * Opened, looked at, changed message by message, closed: the record is written
 * once. Counters follow every row that comes or goes. Failures are refusals
 * while looking; afterwards rows that do not fit together are damage and stick
 * to the transaction.
 */
#include "cluster/mailgroup_apply.h"

/* RFC 7162 section 7: 63 bit. */
#define MODSEQ_MAX ((uint64_t)INT64_MAX)

void mailgroup_box_open_sealed(struct mailgroup_box *box,
			       struct mailgroup_apply *a, uint64_t mailbox,
			       uint64_t root)
{
	struct mailgroup_sealed sealed;

	memset(box, 0, sizeof(*box));
	box->apply = a;
	box->id = mailbox;
	mailgroup_bits_init(&box->uids, a->txn, mailgroup_bits_uids(mailbox));
	box->sealed = mailgroup_sealed_get(a->txn, mailbox, &sealed);
	if (!mailgroup_mailbox_get(a->txn, mailbox, &box->row))
		box->row.root = root;
}

enum err mailgroup_box_open(struct mailgroup_box *box,
			    struct mailgroup_apply *a, uint64_t mailbox,
			    uint64_t root)
{
	mailgroup_box_open_sealed(box, a, mailbox, root);
	if (MUTANT("M52"))
		box->sealed = false;
	return box->sealed ? ERR_GONE : ERR_NONE;
}

void mailgroup_box_close(struct mailgroup_box *box)
{
	struct mailgroup_apply *a = box->apply;

	mailgroup_bits_flush(&box->uids);
	mailgroup_names_store(a, &box->names, box->id);
	if (!box->sealed) /* else SEAL has given its usage back */
		mailgroup_usage_add(a, box->row.root, &box->gained, &box->lost);
	mailgroup_mailbox_put(a->txn, a->scratch, box->id, &box->row);
	mailgroup_touched(a, box->id);
}

/* ---- looking ---- */

static bool is_copying(const struct mailgroup_box *box)
{
	return box->row.copying.id.turn != 0;
}

/*
 * Numbers that a COPY in the making has taken are not passed by; and as many
 * are left alone as claims may need at their end, which is never refused.
 */
enum err mailgroup_box_may_change(const struct mailgroup_box *box)
{
	uint64_t next = box->row.highestmodseq + 1 + box->row.claimed;

	if (is_copying(box) && next >= box->row.copying.modseq)
		return ERR_INUSE;
	return next >= MODSEQ_MAX ? ERR_LIMIT : ERR_NONE;
}

enum err mailgroup_box_has_room(const struct mailgroup_box *box, uint64_t count)
{
	uint64_t end = box->row.uidnext + count;

	if (is_copying(box) && end > box->row.copying.first_uid)
		return ERR_INUSE;
	if (end > UINT32_MAX)
		return ERR_LIMIT; /* UIDNEXT is a number of 32 bit, too */
	return mailgroup_box_may_change(box);
}

/* The row decides whose root it is; the command, what the root may have. */
enum err mailgroup_box_quota(const struct mailgroup_box *box,
			     const struct mailgroup_target *target,
			     uint64_t octets, uint64_t messages)
{
	struct mailgroup_usage usage;

	if (target->quota_octets == 0 && target->quota_messages == 0)
		return ERR_NONE;
	mailgroup_usage_get(box->apply->txn, box->row.root, &usage);
	if (target->quota_octets > 0 &&
	    usage.octets + octets > target->quota_octets)
		return ERR_OVERQUOTA;
	if (target->quota_messages > 0 &&
	    usage.messages + messages > target->quota_messages)
		return ERR_OVERQUOTA;
	return ERR_NONE;
}

/* ---- messages come ---- */

uint64_t mailgroup_box_modseq(struct mailgroup_box *box)
{
	if (box->modseq != 0)
		return box->modseq;
	box->modseq = box->row.highestmodseq + 1;
	if (MUTANT("M25"))
		box->modseq = box->apply->command->proposed_at_ms;
	box->row.highestmodseq = box->modseq;
	return box->modseq;
}

static void put_message(struct mailgroup_box *box, uint32_t uid,
			const struct mailgroup_state *state,
			const struct mailgroup_fixed *fixed)
{
	static const struct mailgroup_keyword_bits none = { { 0 } };
	struct mailgroup_apply *a = box->apply;
	struct store_key index =
		mailgroup_modseq_key(box->id, state->modseq, uid);

	mailgroup_fixed_put(a->txn, a->scratch, box->id, uid, fixed);
	mailgroup_state_put(a->txn, a->scratch, box->id, uid, state);
	mailgroup_mark(a->txn, MAILGROUP_TABLE_BY_MODSEQ, &index);
	mailgroup_names_count(a, &box->names, box->id, &none, &state->keywords);
	row_want(a->txn, !mailgroup_bits_set(&box->uids, uid));
}

uint32_t mailgroup_box_add(struct mailgroup_box *box,
			   const struct mailgroup_state *state,
			   const struct mailgroup_fixed *fixed)
{
	struct mailgroup_state now = *state;
	uint32_t uid = box->row.uidnext++;

	if (MUTANT("M23"))
		uid = ++box->apply->fsm->local_uid;
	now.modseq = mailgroup_box_modseq(box);
	put_message(box, uid, &now, fixed);
	box->row.exists++;
	box->row.size += fixed->size;
	if ((now.flags & MAILGROUP_DELETED) != 0) {
		box->row.deleted++;
		box->row.deleted_size += fixed->size;
	}
	box->gained.messages++;
	box->gained.octets += fixed->size;
	return uid;
}

uint32_t mailgroup_box_stage(struct mailgroup_box *box,
			     const struct mailgroup_state *state,
			     const struct mailgroup_fixed *fixed)
{
	struct mailgroup_copying *copying = &box->row.copying;
	struct mailgroup_state now = *state;
	uint32_t uid = copying->first_uid + copying->staged++;

	now.modseq = copying->modseq;
	put_message(box, uid, &now, fixed);
	copying->size += fixed->size;
	if ((now.flags & MAILGROUP_DELETED) != 0) {
		copying->deleted++;
		copying->deleted_size += fixed->size;
	}
	return uid;
}

/* ---- messages change ---- */

static uint64_t size_of(const struct mailgroup_box *box, uint32_t uid)
{
	struct mailgroup_fixed fixed;
	struct store_txn *txn = box->apply->txn;

	row_want(txn, mailgroup_fixed_get(txn, box->id, uid, &fixed));
	return fixed.size;
}

static void count_deleted(struct mailgroup_box *box, uint32_t uid, bool more)
{
	uint64_t size = size_of(box, uid);

	if (more) {
		box->row.deleted++;
		box->row.deleted_size += size;
	} else {
		box->row.deleted--;
		box->row.deleted_size -= size;
	}
}

static void unindex(struct mailgroup_box *box, uint32_t uid, uint64_t modseq)
{
	struct store_txn *txn = box->apply->txn;
	struct store_key key = mailgroup_modseq_key(box->id, modseq, uid);

	row_want(txn, store_del(txn, MAILGROUP_TABLE_BY_MODSEQ,
				store_key_slice(&key)));
}

void mailgroup_box_change(struct mailgroup_box *box, uint32_t uid,
			  const struct mailgroup_state *old,
			  const struct mailgroup_state *now)
{
	struct mailgroup_apply *a = box->apply;
	struct mailgroup_state state = *now;
	struct store_key index;

	state.modseq = mailgroup_box_modseq(box);
	unindex(box, uid, old->modseq);
	index = mailgroup_modseq_key(box->id, state.modseq, uid);
	mailgroup_mark(a->txn, MAILGROUP_TABLE_BY_MODSEQ, &index);
	if (((old->flags ^ now->flags) & MAILGROUP_DELETED) != 0)
		count_deleted(box, uid, (now->flags & MAILGROUP_DELETED) != 0);
	mailgroup_names_count(a, &box->names, box->id, &old->keywords,
			      &now->keywords);
	mailgroup_state_put(a->txn, a->scratch, box->id, uid, &state);
}

/* ---- messages go ---- */

/* All rows of one message; gives its size, and its flags as they were. */
static uint64_t remove_message(struct mailgroup_box *box, uint32_t uid,
			       uint8_t *flags_r)
{
	static const struct mailgroup_keyword_bits none = { { 0 } };
	struct mailgroup_apply *a = box->apply;
	struct store_key key = mailgroup_message_key(box->id, uid);
	struct mailgroup_state state = { 0 };
	uint64_t size = size_of(box, uid);

	row_want(a->txn, mailgroup_state_get(a->txn, box->id, uid, &state));
	unindex(box, uid, state.modseq);
	store_del(a->txn, MAILGROUP_TABLE_STATE, store_key_slice(&key));
	store_del(a->txn, MAILGROUP_TABLE_FIXED, store_key_slice(&key));
	mailgroup_names_count(a, &box->names, box->id, &state.keywords, &none);
	row_want(a->txn, mailgroup_bits_clear(&box->uids, uid));
	*flags_r = state.flags;
	return size;
}

static void remove_counted(struct mailgroup_box *box, uint32_t uid)
{
	uint8_t flags;
	uint64_t size = remove_message(box, uid, &flags);

	box->row.exists--;
	box->row.size -= size;
	if ((flags & MAILGROUP_DELETED) != 0) {
		box->row.deleted--;
		box->row.deleted_size -= size;
	}
	box->lost.messages++;
	box->lost.octets += size;
}

/* Drops the oldest rows above the limit; the table is whole above the floor. */
static void trim_vanished(struct mailgroup_box *box)
{
	struct store_txn *txn = box->apply->txn;
	struct store_key from = mailgroup_number_key(box->id);
	struct store_cursor cursor;

	if (box->row.vanished <= MAILGROUP_VANISHED_MAX)
		return;
	store_cursor_init(&cursor, txn, MAILGROUP_TABLE_VANISHED);
	while (box->row.vanished > MAILGROUP_VANISHED_MAX &&
	       store_cursor_seek(&cursor, store_key_slice(&from)) &&
	       row_want(txn,
			store_cursor_in(&cursor, store_key_slice(&from)))) {
		struct slice key = slice_from(cursor.key, from.len);
		struct uidset uids;

		if (mailgroup_vanished_of_value(txn, &cursor.value, &uids) &&
		    row_want(txn, store_key_take_u64(&key,
						     &box->row.vanished_floor)))
			box->row.vanished -= (uint32_t)uidset_size(&uids);
		uidset_fini(&uids);
		store_cursor_del(&cursor);
	}
	store_cursor_fini(&cursor);
}

void mailgroup_box_expunge(struct mailgroup_box *box, const struct uidset *uids)
{
	struct mailgroup_apply *a = box->apply;
	uint64_t modseq = mailgroup_box_modseq(box);

	for (size_t i = 0; i < uids->count; i++)
		for (uint64_t uid = uids->ranges[i].first;
		     uid <= uids->ranges[i].last; uid++)
			remove_counted(box, (uint32_t)uid);
	mailgroup_box_forget_seen(box, uids, true);
	mailgroup_vanished_put(a->txn, a->scratch, box->id, modseq, uids);
	box->row.vanished += (uint32_t)uidset_size(uids);
	trim_vanished(box);
}

void mailgroup_box_unstage(struct mailgroup_box *box)
{
	struct mailgroup_copying *copying = &box->row.copying;
	uint8_t flags;
	uint64_t size;

	copying->staged--;
	size = remove_message(box, copying->first_uid + copying->staged,
			      &flags);
	copying->size -= size;
	if ((flags & MAILGROUP_DELETED) != 0) {
		copying->deleted--;
		copying->deleted_size -= size;
	}
}

/* ---- what users have seen ---- */

struct mailgroup_users mailgroup_box_users(const struct mailgroup_box *box)
{
	struct mailgroup_apply *a = box->apply;
	struct store_key prefix = mailgroup_number_key(box->id);
	struct mailgroup_users users = { NULL, 0 };
	struct store_cursor cursor;
	struct buf ids = { 0 };
	bool on;

	store_cursor_init(&cursor, a->txn, MAILGROUP_TABLE_SEEN_COUNT);
	on = store_cursor_seek(&cursor, store_key_slice(&prefix));
	while (on && store_cursor_in(&cursor, store_key_slice(&prefix))) {
		struct slice key = slice_from(cursor.key, prefix.len);
		uint64_t id = 0;

		row_want(a->txn, store_key_take_u64(&key, &id));
		buf_add(&ids, &id, sizeof(id));
		on = store_cursor_next(&cursor);
	}
	store_cursor_fini(&cursor);
	users.count = ids.len / sizeof(*users.ids);
	users.ids = arena_zalloc(a->arena, users.count, sizeof(*users.ids));
	if (ids.len > 0)
		memcpy(users.ids, ids.data, ids.len);
	buf_fini(&ids);
	return users;
}

/* How many of `uids` were set and are now cleared. */
static uint32_t clear_seen(struct mailgroup_bits *bits,
			   const struct uidset *uids)
{
	uint32_t count = 0;

	for (size_t i = 0; i < uids->count; i++)
		for (uint64_t uid = uids->ranges[i].first;
		     uid <= uids->ranges[i].last; uid++)
			count += mailgroup_bits_clear(bits, (uint32_t)uid) ? 1
									   : 0;
	mailgroup_bits_flush(bits);
	return count;
}

void mailgroup_box_forget_seen(struct mailgroup_box *box,
			       const struct uidset *uids, bool counted)
{
	struct mailgroup_users users = mailgroup_box_users(box);
	struct mailgroup_bits bits;

	for (size_t i = 0; i < users.count; i++) {
		uint32_t count;

		mailgroup_bits_init(&bits, box->apply->txn,
				    mailgroup_bits_seen(box->id, users.ids[i]));
		count = clear_seen(&bits, uids);
		if (counted && count > 0)
			mailgroup_seen_add(box->apply, box->id, users.ids[i],
					   -(int64_t)count);
	}
}

void mailgroup_seen_add(struct mailgroup_apply *a, uint64_t mailbox,
			uint64_t user, int64_t more)
{
	int64_t count = mailgroup_seen_count_get(a->txn, mailbox, user);

	if (row_want(a->txn, count + more >= 0 && count + more <= UINT32_MAX))
		mailgroup_seen_count_put(a->txn, a->scratch, mailbox, user,
					 (uint32_t)(count + more));
}

/* ---- quota ---- */

void mailgroup_usage_add(struct mailgroup_apply *a, uint64_t root,
			 const struct mailgroup_usage *gained,
			 const struct mailgroup_usage *lost)
{
	struct mailgroup_usage usage;

	if (gained->messages == 0 && lost->messages == 0)
		return;
	mailgroup_usage_get(a->txn, root, &usage);
	usage.octets += gained->octets;
	usage.messages += gained->messages;
	if (!row_want(a->txn, usage.octets >= lost->octets &&
				      usage.messages >= lost->messages))
		return;
	usage.octets -= lost->octets;
	usage.messages -= lost->messages;
	mailgroup_usage_put(a->txn, a->scratch, root, &usage);
}
