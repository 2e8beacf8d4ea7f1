/*
 * STORE and EXPUNGE: messages change and go.
 *
 * UNCHANGEDSINCE is tested here, against the state that the log made, so two
 * conditional stores cannot both win (RFC 7162). Failures are refusals before
 * anything is written.
 */
#include "cluster/mailgroup_apply.h"

/* ---- STORE ---- */

struct storing {
	struct mailgroup_store command;
	struct mailgroup_box box;
	struct mailgroup_bits seen;
	struct mailgroup_keyword_bits keywords;
	int64_t newly_seen;
	struct mailgroup_store_result result;
};

/* Model step M11. Most mailboxes have no claims, and are not walked twice. */
static bool is_any_claimed(const struct mailgroup_box *box,
			   const struct uidset *uids)
{
	struct mailgroup_state state;

	if (box->row.claimed == 0)
		return false;
	for (size_t i = 0; i < uids->count; i++)
		for (uint64_t uid = uids->ranges[i].first;
		     uid <= uids->ranges[i].last && uid < box->row.uidnext;
		     uid++)
			if (mailgroup_state_get(box->apply->txn, box->id,
						(uint32_t)uid, &state) &&
			    state.claim != 0)
				return true;
	return false;
}

static enum err store_look(struct mailgroup_apply *a, struct storing *s)
{
	const struct mailgroup_store *command = &s->command;
	enum err err = mailgroup_box_open(&s->box, a, command->mailbox, 0);

	if (err == ERR_NONE)
		err = mailgroup_box_may_change(&s->box);
	if (err == ERR_NONE && is_any_claimed(&s->box, &command->uids))
		err = ERR_INUSE;
	if (err != ERR_NONE)
		return err;
	mailgroup_bits_init(&s->seen, a->txn,
			    mailgroup_bits_seen(s->box.id, command->user));
	if (command->mode != MAILGROUP_STORE_REMOVE)
		return mailgroup_names_intern(a, &s->box.names, s->box.id,
					      &command->keywords, &s->keywords);
	s->keywords = mailgroup_names_lookup(a, &s->box.names, s->box.id,
					     &command->keywords);
	return ERR_NONE;
}

static uint8_t new_flags(const struct mailgroup_store *command, uint8_t old)
{
	unsigned mask = command->mask;
	unsigned flags = command->flags & mask;

	switch (command->mode) {
	case MAILGROUP_STORE_REPLACE:
		return (uint8_t)((old & ~mask) | flags);
	case MAILGROUP_STORE_ADD:
		return (uint8_t)(old | flags);
	case MAILGROUP_STORE_REMOVE:
		return (uint8_t)(old & ~flags);
	}
	return old;
}

static uint64_t new_word(const struct mailgroup_store *command, uint64_t old,
			 uint64_t word)
{
	switch (command->mode) {
	case MAILGROUP_STORE_REPLACE:
		return command->may_keywords ? word : old;
	case MAILGROUP_STORE_ADD:
		return old | word;
	case MAILGROUP_STORE_REMOVE:
		return old & ~word;
	}
	return old;
}

/* Sets the user's bit as `flags` says; true: it changed. */
static bool store_seen(struct storing *s, uint32_t uid, uint8_t flags)
{
	bool now = (flags & MAILGROUP_SEEN) != 0;

	if (mailgroup_bits_has(&s->seen, uid) == now)
		return false;
	if (now)
		mailgroup_bits_set(&s->seen, uid);
	else
		mailgroup_bits_clear(&s->seen, uid);
	s->newly_seen += now ? 1 : -1;
	return true;
}

static void store_one(struct storing *s, uint32_t uid,
		      const struct mailgroup_state *old)
{
	struct mailgroup_state now = *old;
	bool seen = mailgroup_bits_has(&s->seen, uid);
	uint8_t flags =
		new_flags(&s->command,
			  (uint8_t)(old->flags | (seen ? MAILGROUP_SEEN : 0)));
	bool changed;

	now.flags = (uint8_t)(flags & ~(unsigned)MAILGROUP_SEEN);
	for (unsigned i = 0; i < ARRAY_LEN(now.keywords.words); i++)
		now.keywords.words[i] =
			new_word(&s->command, old->keywords.words[i],
				 s->keywords.words[i]);
	changed = store_seen(s, uid, flags);
	if (changed || now.flags != old->flags ||
	    !mailgroup_keywords_eq(&now.keywords, &old->keywords))
		mailgroup_box_change(&s->box, uid, old, &now);
}

static void store_uid(struct storing *s, uint32_t uid)
{
	struct mailgroup_state state;

	if (uid >= s->box.row.uidnext ||
	    !mailgroup_state_get(s->box.apply->txn, s->box.id, uid, &state))
		uidset_add(&s->result.missing, uid, uid);
	else if (s->command.conditional &&
		 state.modseq > s->command.unchangedsince && !MUTANT("M26"))
		uidset_add(&s->result.modified, uid, uid);
	else
		store_one(s, uid, &state);
}

static void store_write(struct mailgroup_apply *a, struct storing *s)
{
	const struct uidset *uids = &s->command.uids;

	for (size_t i = 0; i < uids->count; i++)
		for (uint64_t uid = uids->ranges[i].first;
		     uid <= uids->ranges[i].last; uid++)
			store_uid(s, (uint32_t)uid);
	mailgroup_bits_flush(&s->seen);
	if (s->newly_seen != 0)
		mailgroup_seen_add(a, s->box.id, s->command.user,
				   s->newly_seen);
	if (s->box.modseq != 0)
		mailgroup_box_close(&s->box);
	s->result.modseq = s->box.modseq;
	mailgroup_store_result_encode(&s->result, &a->result->payload);
}

void mailgroup_apply_store(struct mailgroup_apply *a)
{
	struct storing s = { .newly_seen = 0 };
	enum err err =
		mailgroup_store_decode(a->command->body, a->arena, &s.command);

	if (err == ERR_NONE)
		err = store_look(a, &s);
	if (err != ERR_NONE)
		mailgroup_refuse(a, err);
	else
		store_write(a, &s);
	uidset_fini(&s.result.modified);
	uidset_fini(&s.result.missing);
	uidset_fini(&s.command.uids);
}

/* ---- EXPUNGE ---- */

/*
 * Those of `uids` that exist and, if it is asked for, have \Deleted. Claimed
 * ones stay: if the claim is refused they are still there (model step M11).
 */
static void expunge_choose(const struct mailgroup_box *box,
			   const struct mailgroup_expunge *command,
			   struct uidset *chosen)
{
	struct mailgroup_state state;

	for (size_t i = 0; i < command->uids.count; i++)
		for (uint64_t uid = command->uids.ranges[i].first;
		     uid <= command->uids.ranges[i].last &&
		     uid < box->row.uidnext;
		     uid++)
			if (mailgroup_state_get(box->apply->txn, box->id,
						(uint32_t)uid, &state) &&
			    state.claim == 0 &&
			    (!command->only_deleted ||
			     (state.flags & MAILGROUP_DELETED) != 0))
				uidset_add(chosen, (uint32_t)uid,
					   (uint32_t)uid);
}

static void expunge_write(struct mailgroup_apply *a,
			  const struct mailgroup_expunge *command,
			  struct mailgroup_box *box)
{
	struct mailgroup_expunge_result result = { 0 };

	expunge_choose(box, command, &result.expunged);
	if (result.expunged.count > 0) {
		mailgroup_box_expunge(box, &result.expunged);
		mailgroup_box_close(box);
		result.modseq = box->modseq;
	}
	mailgroup_expunge_result_encode(&result, &a->result->payload);
	uidset_fini(&result.expunged);
}

void mailgroup_apply_expunge(struct mailgroup_apply *a)
{
	struct mailgroup_expunge command;
	struct mailgroup_box box;
	enum err err =
		mailgroup_expunge_decode(a->command->body, a->arena, &command);

	if (err == ERR_NONE)
		err = mailgroup_box_open(&box, a, command.mailbox, 0);
	if (err == ERR_NONE)
		err = mailgroup_box_may_change(&box);
	if (err != ERR_NONE)
		mailgroup_refuse(a, err);
	else
		expunge_write(a, &command, &box);
	uidset_fini(&command.uids);
}
