/*
 * The parts of the directory's apply, one file a theme. For these files only.
 *
 * Everything here is a function of the transaction and the command: no clock,
 * no random numbers, no memory of what came before. An apply_ function looks
 * first and refuses, or writes: never both, so a refusal leaves no trace.
 */
#ifndef CLUSTER_DIRECTORY_APPLY_H
#define CLUSTER_DIRECTORY_APPLY_H

#include "cluster/directory_command.h"
#include "cluster/directory_fsm.h"
#include "cluster/directory_result.h"
#include "cluster/directory_row.h"
#include "cluster/row.h"

/* One command being applied. */
struct directory_apply {
	struct store_txn *txn;
	const struct command *command;
	const struct command_at *at;
	struct command_result *result;
	struct directory_fsm *fsm;          /* events */
	struct arena *arena;                /* until the command is done */
	struct buf *scratch;                /* one row */
	struct directory_counters counters; /* written back at the end */
	uint32_t change_n; /* rows of the change table so far */
};

/* ---- one per kind; the body is undecoded ---- */

/* One a kind of command: decodes a->command, acts, sets the result. */
void directory_apply_create(struct directory_apply *a);
void directory_apply_delete(struct directory_apply *a);
void directory_apply_rename(struct directory_apply *a);
void directory_apply_set_acl(struct directory_apply *a);
void directory_apply_set_use(struct directory_apply *a);
void directory_apply_subscribe(struct directory_apply *a);
void directory_apply_user_add(struct directory_apply *a);
void directory_apply_user_set(struct directory_apply *a);
void directory_apply_user_remove(struct directory_apply *a);
void directory_apply_user_forget(struct directory_apply *a);
void directory_apply_member_add(struct directory_apply *a);
void directory_apply_group_put(struct directory_apply *a);
void directory_apply_setting_put(struct directory_apply *a);
void directory_apply_intent_step(struct directory_apply *a);
void directory_apply_member_set(struct directory_apply *a);
void directory_apply_token_put(struct directory_apply *a);
void directory_apply_token_drop(struct directory_apply *a);
void directory_apply_join(struct directory_apply *a);
void directory_apply_feature_raise(struct directory_apply *a);

/* ---- directory_fsm.c ---- */

static inline void directory_refuse(struct directory_apply *a, enum err err)
{
	a->result->refusal = err;
}

/* Notes what changed, for directory_publish after the commit. */
void directory_event(struct directory_apply *a, enum directory_event_kind kind,
		     uint64_t id, struct slice name);

/* A row of the change table and the event for a mailbox. */
void directory_mailbox_changed(struct directory_apply *a, struct slice name,
			       uint64_t id);

/* A new id of a mailbox, a user or a shared root. */
static inline uint64_t directory_new_id(struct directory_apply *a)
{
	return a->counters.next_id++;
}

/* Are `count` UIDVALIDITY values left? */
bool directory_uidvalidity_left(const struct directory_apply *a,
				uint32_t count);
uint32_t directory_new_uidvalidity(struct directory_apply *a);

/* `keep_ms` after the command was proposed; 0: at once. */
uint64_t directory_keep_until(const struct directory_apply *a,
			      uint64_t keep_ms);

/* Writes an intent; its id, step and since are filled in. Gives the id. */
uint64_t directory_new_intent(struct directory_apply *a,
			      struct directory_intent *intent);

/* ---- directory_member.c ---- */

/* May it be added? EXISTS, INUSE, CANNOT, LIMIT: see MEMBER_ADD. */
must_use enum err directory_member_look(struct directory_apply *a,
					const struct directory_member *member);

/* Gives it its number and writes it. Its slices are not the transaction's. */
void directory_member_insert(struct directory_apply *a,
			     struct directory_member *member);

/* ---- directory_tree.c ---- */

/* Finds a row and copies its slices to the arena, so that writing may begin. */
bool directory_take_mailbox(struct directory_apply *a, struct slice name,
			    struct directory_mailbox *mailbox_r);
bool directory_take_user(struct directory_apply *a, struct slice name,
			 struct directory_user *user_r);
/* The owner of a personal mailbox. */
bool directory_take_owner(struct directory_apply *a, struct slice name,
			  struct directory_user *user_r);
void directory_keep_mailbox(struct directory_apply *a,
			    struct directory_mailbox *mailbox);

/* Where a name belongs: the tree that it is in, or would begin. */
struct directory_place {
	bool personal;
	bool fresh; /* a shared tree that does not exist yet */
	uint32_t group;
	uint64_t root; /* 0 if fresh: to be given when it is made */
	struct directory_user user; /* if personal */
};

/*
 * NONEXISTENT_PARENT: no such user. CANNOT: the tree is a foreign server's.
 * INUSE: it is moving. A fresh place has group 0 for the caller to set.
 */
must_use enum err directory_place_find(struct directory_apply *a,
				       struct slice name,
				       struct directory_place *place_r);

/* The group of a fresh place: `group`, or 0: chosen. NOTFOUND, UNAVAILABLE. */
must_use enum err directory_place_choose(struct directory_apply *a,
					 struct directory_place *place,
					 uint32_t group);

/* One home more or less in the group. */
void directory_homes_add(struct directory_apply *a, uint32_t group, int more);

/* A fresh place becomes a tree: gets its root (0: a new id) and its home. */
void directory_place_begin(struct directory_apply *a,
			   struct directory_place *place, uint64_t root);

/* If no mailbox of the shared tree of `name` is left, its home goes. */
void directory_tree_left(struct directory_apply *a, struct slice name,
			 uint32_t group);

/* Superior names of `name` that have no record, nearest first. */
struct directory_superiors {
	struct slice *names; /* in the arena; point into `name` */
	uint32_t count;
	struct slice acl; /* the list that a new mailbox here gets */
};

#define DIRECTORY_DEPTH_MAX (NAMES_MAILBOX_MAX / 2 + 1)

/* `acl` is that of a shared root without a superior. CANNOT: foreign above. */
must_use enum err directory_superiors_find(struct directory_apply *a,
					   struct slice name, struct slice acl,
					   struct directory_superiors *sup_r);

/* Makes them, with UIDVALIDITY values that must be left. */
void directory_superiors_make(struct directory_apply *a,
			      const struct directory_place *place,
			      const struct directory_superiors *sup);

/* A new, active mailbox of our own; gives its record. */
struct directory_mailbox
directory_mailbox_make(struct directory_apply *a,
		       const struct directory_place *place, struct slice name,
		       struct slice acl);

/* The row with its indexes, in or out. */
void directory_mailbox_insert(struct directory_apply *a,
			      const struct directory_mailbox *mailbox);
void directory_mailbox_remove(struct directory_apply *a,
			      const struct directory_mailbox *mailbox);

/* Special uses of a user's mailbox, on and off. */
void directory_uses_set(struct directory_user *user, uint8_t uses,
			uint64_t mailbox);
void directory_uses_clear(struct directory_user *user, uint64_t mailbox);

/* Has another mailbox than `mailbox` one of them? */
bool directory_uses_taken(const struct directory_user *user, uint8_t uses,
			  uint64_t mailbox);

#endif
