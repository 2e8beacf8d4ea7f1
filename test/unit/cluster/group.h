/*
 * A mail group for tests: short words for its commands.
 */
#ifndef TEST_GROUP_H
#define TEST_GROUP_H

#include "cluster/mailgroup_command.h"
#include "cluster/mailgroup_fsm.h"
#include "machine.h"

#define PUBLISHED_MAX 64

struct group {
	struct mailgroup_fsm fsm;
	struct machine m;

	/* what was published, newest drain only */
	uint64_t published[PUBLISHED_MAX];
	size_t published_count;
};

void group_open(struct group *g);
void group_open_small(struct group *g, uint64_t map_size);

/* Verifies, then closes. */
void group_close(struct group *g);
void group_verify(struct group *g);

/* Applies what an encoder put into m.body; `err` is the encoder's. */
enum err group_apply(struct group *g, enum err err, uint16_t kind);

/* A target without limits, whose root is 1000 + mailbox. */
struct mailgroup_target group_target(uint64_t mailbox);

/* A message whose octets are `n`: its hash and size follow from it. */
struct mailgroup_message group_message(unsigned n, uint8_t flags);
struct sha256 group_hash(unsigned n);

/* Appends `count` messages by user 1; gives the UID of the first. */
uint32_t group_append(struct group *g, uint64_t mailbox, unsigned count,
		      uint8_t flags);

/* STORE by `user` of the UIDs in text form; the result is the caller's. */
enum err group_store(struct group *g, uint64_t mailbox, uint64_t user,
		     const char *uids, enum mailgroup_store_mode mode,
		     uint8_t flags, const char *keyword,
		     struct mailgroup_store_result *result_r);
enum err group_store_since(struct group *g, uint64_t mailbox, const char *uids,
			   uint8_t flags, uint64_t since,
			   struct mailgroup_store_result *result_r);
void group_store_done(struct mailgroup_store_result *result);

/* Gives the UIDs that went, in text form, for group_expect. */
enum err group_expunge(struct group *g, uint64_t mailbox, const char *uids,
		       bool only_deleted, struct uidset *expunged_r);

enum err group_copy(struct group *g, uint64_t source, uint64_t target,
		    const char *uids, bool move,
		    struct mailgroup_copy_result *result_r);
enum err group_seal(struct group *g, uint64_t mailbox);

struct mailgroup_status group_status(struct group *g, uint64_t mailbox,
				     uint64_t user);
struct mailgroup_row group_row(struct group *g, uint64_t mailbox, uint64_t user,
			       uint32_t uid);
struct mailgroup_usage group_usage(struct group *g, uint64_t root);

/* Is the set what `text` says? Frees it. */
void group_expect(struct uidset *set, const char *text);

/* The UIDs of a mailbox; those changed since; those vanished since. */
void group_expect_uids(struct group *g, uint64_t mailbox, const char *text);
void group_expect_changed(struct group *g, uint64_t mailbox, uint64_t since,
			  const char *text);
void group_expect_vanished(struct group *g, uint64_t mailbox, uint64_t since,
			   const char *text);

struct uidset group_uids(const char *text);

#endif
