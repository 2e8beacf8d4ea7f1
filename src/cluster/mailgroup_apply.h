/*
 * The parts of a mail group's apply, one file a theme. For these files only.
 *
 * Everything here is a function of the transaction and the command: no clock,
 * no random numbers, no memory of what came before. An apply_ function looks
 * first and refuses, or writes: never both, so a refusal leaves no trace.
 * (DELIVER does so recipient by recipient.)
 */
#ifndef CLUSTER_MAILGROUP_APPLY_H
#define CLUSTER_MAILGROUP_APPLY_H

#include "base/fault.h"
#include "cluster/mailgroup_bits.h"
#include "cluster/mailgroup_command.h"
#include "cluster/mailgroup_fsm.h"
#include "cluster/mailgroup_result.h"
#include "cluster/mailgroup_row.h"
#include "cluster/row.h"

/* One command being applied. */
struct mailgroup_apply {
	struct store_txn *txn;
	const struct command *command;
	const struct command_at *at;
	struct command_result *result;
	struct mailgroup_fsm *fsm; /* what was changed */
	struct arena *arena;       /* until the command is done */
	struct buf *scratch;       /* one row */
};

/* ---- one per kind; the body is undecoded ---- */

/* One a kind of command: decodes a->command, acts, sets the result. */
void mailgroup_apply_append(struct mailgroup_apply *a);
void mailgroup_apply_deliver(struct mailgroup_apply *a);
void mailgroup_apply_store(struct mailgroup_apply *a);
void mailgroup_apply_expunge(struct mailgroup_apply *a);
void mailgroup_apply_copy(struct mailgroup_apply *a);
void mailgroup_apply_copy_stage(struct mailgroup_apply *a);
void mailgroup_apply_copy_reveal(struct mailgroup_apply *a);
void mailgroup_apply_copy_drop(struct mailgroup_apply *a);
void mailgroup_apply_seal(struct mailgroup_apply *a);
void mailgroup_apply_purge(struct mailgroup_apply *a);
void mailgroup_apply_reroot(struct mailgroup_apply *a);
void mailgroup_apply_claim(struct mailgroup_apply *a);
void mailgroup_apply_claim_end(struct mailgroup_apply *a);
void mailgroup_apply_append_stage(struct mailgroup_apply *a);

static inline void mailgroup_refuse(struct mailgroup_apply *a, enum err err)
{
	a->result->refusal = err;
}

/* The mailbox is published after the commit (mailgroup_fsm.c). */
void mailgroup_touched(struct mailgroup_apply *a, uint64_t mailbox);

/* ---- keyword names (mailgroup_keyword.c) ---- */

/*
 * A mailbox's names, in memory until stored. Numbers given to new names while
 * looking are not given twice, though no message has them yet.
 */
struct mailgroup_names {
	bool loaded;
	bool dirty;
	struct mailgroup_keywords table;     /* names in the arena */
	struct mailgroup_keyword_bits taken; /* by this command */
};

/* The numbers of names, new ones where needed; LIMIT: 128 are in use. */
must_use enum err
mailgroup_names_intern(struct mailgroup_apply *a, struct mailgroup_names *names,
		       uint64_t mailbox,
		       const struct mailgroup_keyword_list *list,
		       struct mailgroup_keyword_bits *bits_r);

/* The numbers of those names that the mailbox has. */
struct mailgroup_keyword_bits
mailgroup_names_lookup(struct mailgroup_apply *a, struct mailgroup_names *names,
		       uint64_t mailbox,
		       const struct mailgroup_keyword_list *list);

/* Reads the table into memory if it is not there. */
void mailgroup_names_load(struct mailgroup_apply *a,
			  struct mailgroup_names *names, uint64_t mailbox);

/* A message changes from `old` to `now`. */
void mailgroup_names_count(struct mailgroup_apply *a,
			   struct mailgroup_names *names, uint64_t mailbox,
			   const struct mailgroup_keyword_bits *old,
			   const struct mailgroup_keyword_bits *now);

/* Writes the names back if something of them has changed. */
void mailgroup_names_store(struct mailgroup_apply *a,
			   struct mailgroup_names *names, uint64_t mailbox);

static inline bool mailgroup_keywords_eq(const struct mailgroup_keyword_bits *a,
					 const struct mailgroup_keyword_bits *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* ---- a mailbox that is being changed (mailgroup_box.c) ---- */

struct mailgroup_box {
	struct mailgroup_apply *apply;
	uint64_t id;
	struct mailgroup_mailbox row;
	struct mailgroup_bits uids;
	struct mailgroup_names names;
	struct mailgroup_usage gained; /* by the root, not yet written */
	struct mailgroup_usage lost;
	uint64_t modseq; /* of this command; 0: it changed nothing yet */
	bool sealed;     /* its usage is no root's any more */
};

/* GONE: it is sealed. A new one gets `root`. Nothing is written. */
must_use enum err mailgroup_box_open(struct mailgroup_box *box,
				     struct mailgroup_apply *a,
				     uint64_t mailbox, uint64_t root);

/* The same, sealed or not: END of a claim is never answered GONE (M12). */
void mailgroup_box_open_sealed(struct mailgroup_box *box,
			       struct mailgroup_apply *a, uint64_t mailbox,
			       uint64_t root);

/* Writes what changed: only after something did. */
void mailgroup_box_close(struct mailgroup_box *box);

/* May a change take the next MODSEQ? INUSE, LIMIT. */
must_use enum err mailgroup_box_may_change(const struct mailgroup_box *box);

/* Are `count` UIDs and a MODSEQ left? INUSE, LIMIT. */
must_use enum err mailgroup_box_has_room(const struct mailgroup_box *box,
					 uint64_t count);

/* Would the target's root stay below its limits? OVERQUOTA. */
must_use enum err mailgroup_box_quota(const struct mailgroup_box *box,
				      const struct mailgroup_target *target,
				      uint64_t octets, uint64_t messages);

/* The MODSEQ of this command: the next one, once. */
uint64_t mailgroup_box_modseq(struct mailgroup_box *box);

/* A new message at the next UID, which is given. */
uint32_t mailgroup_box_add(struct mailgroup_box *box,
			   const struct mailgroup_state *state,
			   const struct mailgroup_fixed *fixed);

/*
 * A chunk of a COPY in the making: begins it (copy's turn 0) or finds it, in
 * memory. INUSE: there is another; STALE: it is not as its maker knows it;
 * LIMIT; OVERQUOTA (mailgroup_copy.c).
 */
must_use enum err mailgroup_box_staging(struct mailgroup_box *box,
					const struct op_id *copy,
					const struct mailgroup_target *target,
					uint32_t staged, uint64_t octets,
					uint64_t messages);

/* A copy that nobody sees yet, behind those that were staged before. */
uint32_t mailgroup_box_stage(struct mailgroup_box *box,
			     const struct mailgroup_state *state,
			     const struct mailgroup_fixed *fixed);

/* A message's changed state; `old` is as it was. */
void mailgroup_box_change(struct mailgroup_box *box, uint32_t uid,
			  const struct mailgroup_state *old,
			  const struct mailgroup_state *now);

/* Takes messages away, and what users have seen of them. */
void mailgroup_box_expunge(struct mailgroup_box *box,
			   const struct uidset *uids);

/* Takes the newest staged copy away; there is one. */
void mailgroup_box_unstage(struct mailgroup_box *box);

/* Users who have seen something, in the arena. */
struct mailgroup_users {
	uint64_t *ids;
	size_t count;
};

/* Users with a counter of what they have seen; ids live in the arena. */
struct mailgroup_users mailgroup_box_users(const struct mailgroup_box *box);

/* Nobody has seen `uids` any more; `counted`: they were visible. */
void mailgroup_box_forget_seen(struct mailgroup_box *box,
			       const struct uidset *uids, bool counted);

/* Adds to what the user has seen of the mailbox. */
void mailgroup_seen_add(struct mailgroup_apply *a, uint64_t mailbox,
			uint64_t user, int64_t more);

/* A root's usage changes. */
void mailgroup_usage_add(struct mailgroup_apply *a, uint64_t root,
			 const struct mailgroup_usage *gained,
			 const struct mailgroup_usage *lost);

#endif
