/*
 * COPY and MOVE inside the group, in one step or staged.
 *
 * The messages that are there are chosen and looked at, their keywords get
 * numbers in the target, then each is written there, with what every user has
 * seen; MOVE expunges them at the source. Staged copies are written ahead of
 * UIDNEXT and HIGHESTMODSEQ and belong to nobody until REVEAL moves both
 * behind them (mailgroup_command.h).
 *
 * Failures are refusals before anything is written.
 */
#include "cluster/mailgroup_apply.h"

#define MODSEQ_MAX ((uint64_t)INT64_MAX)

struct copied {
	uint32_t uid;                 /* at the source */
	struct mailgroup_state state; /* keywords as in the target */
};

struct copying {
	struct mailgroup_box source; /* read only, unless MOVE expunges */
	struct mailgroup_box target;
	struct copied *messages; /* in the arena */
	uint32_t count;
	uint64_t octets;
	struct mailgroup_left_out left_out;
	bool move;
	bool left_claimed; /* MOVE has left some that others have claimed */
};

/* ---- looking ---- */

static enum err open_both(struct mailgroup_apply *a, struct copying *c,
			  uint64_t source,
			  const struct mailgroup_target *target)
{
	enum err err = mailgroup_box_open(&c->source, a, source, 0);

	if (err == ERR_NONE)
		err = mailgroup_box_open(&c->target, a, target->mailbox,
					 target->root);
	return err;
}

static void choose_one(struct copying *c, uint32_t uid)
{
	struct store_txn *txn = c->source.apply->txn;
	struct copied *message = &c->messages[c->count];
	struct mailgroup_fixed fixed;

	if (!mailgroup_state_get(txn, c->source.id, uid, &message->state))
		return;
	if (c->move && message->state.claim != 0) {
		c->left_claimed = true;
		return;
	}
	message->state.claim = 0; /* the copy is nobody's */
	row_want(txn, mailgroup_fixed_get(txn, c->source.id, uid, &fixed));
	message->state.flags &= (uint8_t)~c->left_out.flags;
	if (c->left_out.keywords)
		message->state.keywords = (struct mailgroup_keyword_bits){ 0 };
	message->uid = uid;
	c->octets += fixed.size;
	c->count++;
}

/* Those of `uids` that exist. */
static void choose(struct mailgroup_apply *a, struct copying *c,
		   const struct uidset *uids)
{
	c->messages = arena_zalloc(a->arena, (size_t)uidset_size(uids),
				   sizeof(*c->messages));
	for (size_t i = 0; i < uids->count; i++)
		for (uint64_t uid = uids->ranges[i].first;
		     uid <= uids->ranges[i].last && uid < c->source.row.uidnext;
		     uid++)
			choose_one(c, (uint32_t)uid);
}

static struct mailgroup_keyword_bits used_keywords(const struct copying *c)
{
	struct mailgroup_keyword_bits used = { { 0 } };

	for (uint32_t i = 0; i < c->count; i++)
		for (unsigned w = 0; w < ARRAY_LEN(used.words); w++)
			used.words[w] |= c->messages[i].state.keywords.words[w];
	return used;
}

/* Bits by the source's numbers to bits by the target's. */
static void map_bits(struct mailgroup_keyword_bits *bits,
		     const struct mailgroup_keyword_bits *map)
{
	struct mailgroup_keyword_bits mapped = { { 0 } };

	for (unsigned n = 0; n < MAILGROUP_KEYWORDS_MAX; n++)
		for (unsigned w = 0; w < ARRAY_LEN(mapped.words); w++)
			if (mailgroup_keyword_has(bits, n))
				mapped.words[w] |= map[n].words[w];
	*bits = mapped;
}

static enum err map_keywords(struct mailgroup_apply *a, struct copying *c)
{
	static const struct mailgroup_keyword_bits none = { { 0 } };
	struct mailgroup_keyword_bits used = used_keywords(c);
	struct mailgroup_keyword_bits map[MAILGROUP_KEYWORDS_MAX];

	if (c->source.id == c->target.id || mailgroup_keywords_eq(&used, &none))
		return ERR_NONE;
	mailgroup_names_load(a, &c->source.names, c->source.id);
	for (unsigned n = 0; n < MAILGROUP_KEYWORDS_MAX; n++) {
		struct mailgroup_keyword_list list = {
			.names = &c->source.names.table.names[n],
			.count = mailgroup_keyword_has(&used, n) ? 1 : 0,
		};
		enum err err = mailgroup_names_intern(
			a, &c->target.names, c->target.id, &list, &map[n]);

		if (err != ERR_NONE)
			return err;
	}
	for (uint32_t i = 0; i < c->count; i++)
		if (!mailgroup_keywords_eq(&c->messages[i].state.keywords,
					   &none))
			map_bits(&c->messages[i].state.keywords, map);
	return ERR_NONE;
}

/* ---- writing ---- */

/* Each message to the target; gives the UID of the first. */
static uint32_t write_messages(struct mailgroup_apply *a, struct copying *c,
			       bool staged)
{
	uint32_t first_uid = 0;

	for (uint32_t i = 0; i < c->count; i++) {
		const struct copied *message = &c->messages[i];
		struct mailgroup_fixed fixed;
		uint32_t uid;

		row_want(a->txn, mailgroup_fixed_get(a->txn, c->source.id,
						     message->uid, &fixed));
		fixed.saved_ms = a->command->proposed_at_ms;
		uid = staged ? mailgroup_box_stage(&c->target, &message->state,
						   &fixed)
			     : mailgroup_box_add(&c->target, &message->state,
						 &fixed);
		first_uid = i == 0 ? uid : first_uid;
	}
	return first_uid;
}

/* Which of the messages has the user seen; gives how many. */
static uint32_t read_seen(struct mailgroup_apply *a, const struct copying *c,
			  uint64_t user, bool *seen)
{
	struct mailgroup_bits bits;
	uint32_t count = 0;

	mailgroup_bits_init(&bits, a->txn,
			    mailgroup_bits_seen(c->source.id, user));
	for (uint32_t i = 0; i < c->count; i++) {
		seen[i] = mailgroup_bits_has(&bits, c->messages[i].uid);
		count += seen[i] ? 1 : 0;
	}
	return count;
}

/* Source and target may be one mailbox: all is read before all is written. */
static void carry_seen(struct mailgroup_apply *a, const struct copying *c,
		       uint32_t first_uid, bool staged)
{
	struct mailgroup_users users = mailgroup_box_users(&c->source);
	bool *seen = arena_zalloc(a->arena, c->count, sizeof(*seen));
	struct mailgroup_bits bits;

	for (size_t u = 0; u < users.count; u++) {
		uint64_t user = users.ids[u];
		uint32_t count = read_seen(a, c, user, seen);
		bool lost = user == c->left_out.user &&
			    (c->left_out.flags & MAILGROUP_SEEN) != 0;

		if (count == 0 || lost)
			continue;
		mailgroup_bits_init(&bits, a->txn,
				    mailgroup_bits_seen(c->target.id, user));
		for (uint32_t i = 0; i < c->count; i++)
			if (seen[i])
				mailgroup_bits_set(&bits, first_uid + i);
		mailgroup_bits_flush(&bits);
		mailgroup_seen_add(a, c->target.id, user,
				   staged ? 0 : (int64_t)count);
	}
}

static void copied_uids(const struct copying *c, struct uidset *uids_r)
{
	for (uint32_t i = 0; i < c->count; i++)
		uidset_add(uids_r, c->messages[i].uid, c->messages[i].uid);
}

/* ---- COPY and MOVE ---- */

static enum err copy_look(struct mailgroup_apply *a,
			  const struct mailgroup_copy *command,
			  struct copying *c)
{
	enum err err = open_both(a, c, command->source, &command->target);

	if (err != ERR_NONE)
		return err;
	c->left_out = command->left_out;
	c->move = command->move;
	choose(a, c, &command->uids);
	if (c->count == 0 && c->left_claimed)
		return ERR_INUSE;
	err = mailgroup_box_has_room(&c->target, c->count);
	if (err == ERR_NONE && command->move)
		err = mailgroup_box_may_change(&c->source);
	if (err == ERR_NONE &&
	    !(command->move && c->source.row.root == c->target.row.root))
		err = mailgroup_box_quota(&c->target, &command->target,
					  c->octets, c->count);
	return err == ERR_NONE ? map_keywords(a, c) : err;
}

/* Expunges the originals; gives the MODSEQ of that. */
static uint64_t move_away(struct copying *c, const struct uidset *uids)
{
	if (c->source.id == c->target.id) {
		mailgroup_box_expunge(&c->target, uids);
		return c->target.modseq;
	}
	mailgroup_box_expunge(&c->source, uids);
	mailgroup_box_close(&c->source);
	return c->source.modseq;
}

static void copy_write(struct mailgroup_apply *a, bool move, struct copying *c,
		       struct mailgroup_copy_result *result)
{
	result->first_uid = write_messages(a, c, false);
	carry_seen(a, c, result->first_uid, false);
	copied_uids(c, &result->copied);
	if (move)
		result->source_modseq = move_away(c, &result->copied);
	mailgroup_box_close(&c->target);
	result->modseq = c->target.modseq;
}

void mailgroup_apply_copy(struct mailgroup_apply *a)
{
	struct mailgroup_copy command;
	struct mailgroup_copy_result result = { 0 };
	struct copying *c = ARENA_NEW(a->arena, struct copying);
	enum err err =
		mailgroup_copy_decode(a->command->body, a->arena, &command);

	if (err == ERR_NONE)
		err = copy_look(a, &command, c);
	if (err != ERR_NONE) {
		mailgroup_refuse(a, err);
	} else {
		if (c->count > 0)
			copy_write(a, command.move, c, &result);
		mailgroup_copy_result_encode(&result, &a->result->payload);
	}
	uidset_fini(&result.copied);
	uidset_fini(&command.uids);
}

/* ---- COPY_STAGE ---- */

/* The first multiple of 4,096 that leaves the gap to others. */
static uint64_t staging_uid(const struct mailgroup_mailbox *row)
{
	uint64_t above = (uint64_t)row->uidnext + MAILGROUP_COPY_UID_GAP - 1;

	return (above / MAILGROUP_CHUNK + 1) * MAILGROUP_CHUNK;
}

/* Takes numbers ahead of the mailbox's, in memory. */
static enum err stage_begin(struct mailgroup_apply *a,
			    struct mailgroup_mailbox *row)
{
	uint64_t first_uid = staging_uid(row);
	uint64_t modseq =
		row->highestmodseq + row->claimed + MAILGROUP_COPY_MODSEQ_GAP;

	if (row->copying.id.turn != 0)
		return ERR_INUSE;
	if (first_uid > UINT32_MAX || modseq >= MODSEQ_MAX)
		return ERR_LIMIT;
	row->copying = (struct mailgroup_copying){
		.id = a->command->op,
		.since_ms = a->command->proposed_at_ms,
		.first_uid = (uint32_t)first_uid,
		.modseq = modseq,
	};
	return ERR_NONE;
}

/* Is it the copy in the making, as its maker knows it? */
static enum err stage_find(const struct mailgroup_mailbox *row,
			   const struct op_id *copy, uint32_t staged)
{
	const struct mailgroup_copying *copying = &row->copying;

	if (copy->turn == 0 || !command_op_eq(&copying->id, copy) ||
	    copying->dropping || copying->staged != staged)
		return ERR_STALE;
	return ERR_NONE;
}

enum err mailgroup_box_staging(struct mailgroup_box *box,
			       const struct op_id *copy,
			       const struct mailgroup_target *target,
			       uint32_t staged, uint64_t octets,
			       uint64_t messages)
{
	struct mailgroup_apply *a = box->apply;
	struct mailgroup_mailbox *row = &box->row;
	uint64_t count;
	enum err err;

	if (copy->turn == 0)
		err = staged != 0 || a->command->op.turn == 0
			      ? ERR_STALE
			      : stage_begin(a, row);
	else
		err = stage_find(row, copy, staged);
	if (err != ERR_NONE)
		return err;
	count = (uint64_t)row->copying.staged + messages;
	if (count > MAILGROUP_COPY_MAX ||
	    row->copying.first_uid + count > UINT32_MAX)
		return ERR_LIMIT;
	return mailgroup_box_quota(box, target, row->copying.size + octets,
				   count);
}

static enum err stage_look(struct mailgroup_apply *a,
			   const struct mailgroup_copy_stage *command,
			   struct copying *c)
{
	enum err err = open_both(a, c, command->source, &command->target);

	if (err != ERR_NONE)
		return err;
	c->left_out = command->left_out;
	choose(a, c, &command->uids);
	err = mailgroup_box_staging(&c->target, &command->copy,
				    &command->target, command->staged,
				    c->octets, c->count);
	return err == ERR_NONE ? map_keywords(a, c) : err;
}

static void stage_write(struct mailgroup_apply *a, struct copying *c,
			struct mailgroup_copy_stage_result *result)
{
	if (c->count > 0) {
		result->first_uid = write_messages(a, c, true);
		carry_seen(a, c, result->first_uid, true);
		copied_uids(c, &result->copied);
	}
	result->staged = c->target.row.copying.staged;
	mailgroup_box_close(&c->target);
}

void mailgroup_apply_copy_stage(struct mailgroup_apply *a)
{
	struct mailgroup_copy_stage command;
	struct mailgroup_copy_stage_result result = { 0 };
	struct copying *c = ARENA_NEW(a->arena, struct copying);
	enum err err = mailgroup_copy_stage_decode(a->command->body, a->arena,
						   &command);

	if (err == ERR_NONE)
		err = stage_look(a, &command, c);
	if (err != ERR_NONE) {
		mailgroup_refuse(a, err);
	} else {
		stage_write(a, c, &result);
		mailgroup_copy_stage_result_encode(&result,
						   &a->result->payload);
	}
	uidset_fini(&result.copied);
	uidset_fini(&command.uids);
}

/* ---- COPY_REVEAL ---- */

static enum err reveal_look(struct mailgroup_apply *a,
			    const struct mailgroup_copy_reveal *command,
			    struct mailgroup_box *box)
{
	const struct mailgroup_target *target = &command->target;
	enum err err =
		mailgroup_box_open(box, a, target->mailbox, target->root);

	if (err == ERR_NONE)
		err = stage_find(&box->row, &command->copy, command->staged);
	if (err == ERR_NONE)
		err = mailgroup_box_quota(box, target, box->row.copying.size,
					  box->row.copying.staged);
	return err;
}

/* What users have seen of the copies counts from now on. */
static void reveal_seen(struct mailgroup_apply *a,
			const struct mailgroup_box *box, uint32_t first_uid)
{
	struct mailgroup_users users = mailgroup_box_users(box);

	for (size_t i = 0; i < users.count; i++) {
		struct mailgroup_bits_of of =
			mailgroup_bits_seen(box->id, users.ids[i]);
		uint32_t count = mailgroup_bits_between(a->txn, &of, first_uid,
							box->row.uidnext);

		if (count > 0)
			mailgroup_seen_add(a, box->id, users.ids[i], count);
	}
}

static void reveal_write(struct mailgroup_apply *a, struct mailgroup_box *box)
{
	struct mailgroup_mailbox *row = &box->row;
	struct mailgroup_copying copying = row->copying;
	struct mailgroup_append_result result = { 0 };

	row->copying = (struct mailgroup_copying){ 0 };
	if (copying.staged > 0) {
		row->uidnext = copying.first_uid + copying.staged;
		row->highestmodseq = copying.modseq;
		row->exists += copying.staged;
		row->size += copying.size;
		row->deleted += copying.deleted;
		row->deleted_size += copying.deleted_size;
		box->gained.messages += copying.staged;
		box->gained.octets += copying.size;
		reveal_seen(a, box, copying.first_uid);
		result.first_uid = copying.first_uid;
		result.count = copying.staged;
		result.modseq = copying.modseq;
	}
	mailgroup_box_close(box);
	mailgroup_append_result_encode(&result, &a->result->payload);
}

void mailgroup_apply_copy_reveal(struct mailgroup_apply *a)
{
	struct mailgroup_copy_reveal command;
	struct mailgroup_box box;
	enum err err = mailgroup_copy_reveal_decode(a->command->body, a->arena,
						    &command);

	if (err == ERR_NONE)
		err = reveal_look(a, &command, &box);
	if (err != ERR_NONE)
		mailgroup_refuse(a, err);
	else
		reveal_write(a, &box);
}

/* ---- COPY_DROP ---- */

static void drop_write(struct mailgroup_box *box)
{
	struct mailgroup_copying *copying = &box->row.copying;
	uint32_t count = copying->staged < MAILGROUP_ROWS_MAX
				 ? copying->staged
				 : MAILGROUP_ROWS_MAX;
	struct uidset uids = { 0 };

	copying->dropping = true;
	if (count > 0)
		uidset_add(&uids, copying->first_uid + copying->staged - count,
			   copying->first_uid + copying->staged - 1);
	for (uint32_t i = 0; i < count; i++)
		mailgroup_box_unstage(box);
	if (count > 0)
		mailgroup_box_forget_seen(box, &uids, false);
	if (copying->staged == 0)
		*copying = (struct mailgroup_copying){ 0 };
	mailgroup_box_close(box);
	uidset_fini(&uids);
}

void mailgroup_apply_copy_drop(struct mailgroup_apply *a)
{
	struct mailgroup_copy_drop command;
	struct mailgroup_more_result result = { false };
	struct mailgroup_box box;
	enum err err = mailgroup_copy_drop_decode(a->command->body, a->arena,
						  &command);

	if (err == ERR_NONE)
		err = mailgroup_box_open(&box, a, command.mailbox, 0);
	if (err != ERR_NONE) {
		mailgroup_refuse(a, err);
		return;
	}
	if (command.copy.turn != 0 &&
	    command_op_eq(&box.row.copying.id, &command.copy)) {
		drop_write(&box);
		result.more = box.row.copying.id.turn != 0;
	}
	mailgroup_more_result_encode(&result, &a->result->payload);
}
