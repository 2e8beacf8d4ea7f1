/*
 * A directory for tests: short words for its commands.
 */
#ifndef TEST_DIR_H
#define TEST_DIR_H

#include "cluster/directory_command.h"
#include "cluster/directory_fsm.h"
#include "machine.h"

struct dir {
	struct directory_fsm fsm;
	struct machine m;

	/* what was published, newest drain only */
	unsigned published;
	struct directory_event events[DIRECTORY_EVENTS_MAX];
};

/* With a member n1 that has groups 1 and 2, of equal weight. */
void dir_open(struct dir *d);

/* Verifies, then closes. */
void dir_close(struct dir *d);
void dir_verify(struct dir *d);

/* A group of this weight, on n1; gives its number. */
uint32_t dir_group(struct dir *d, uint32_t weight);

/* A member with every role, whose key hash is `key` and zeroes. */
struct directory_member dir_new_member(const char *name, uint8_t key);
enum err dir_member_add(struct dir *d, const struct directory_member *member);

/* The record; its slices live until the next write. */
struct directory_member dir_member(struct dir *d, uint32_t node);

/* Commands; each gives the refusal. */
enum err dir_create(struct dir *d, const char *name);
enum err dir_create_use(struct dir *d, const char *name, uint8_t uses);
enum err dir_delete(struct dir *d, const char *name, uint64_t id);
enum err dir_rename(struct dir *d, const char *from, const char *to,
		    uint64_t id);
enum err dir_user(struct dir *d, const char *name, uint32_t group);
enum err dir_remove(struct dir *d, const char *name);
enum err dir_set_acl(struct dir *d, const char *name, const char *identifier,
		     const char *letters, enum acl_change change);
enum err dir_subscribe(struct dir *d, const char *user, const char *name,
		       bool subscribed);

/* A foreign server's mailbox, put there as part 3 will. */
void dir_foreign(struct dir *d, const char *name, const char *location);

/* The record; id 0: there is none. */
struct directory_mailbox dir_mailbox(struct dir *d, const char *name);
struct directory_user dir_user_of(struct dir *d, const char *name);
uint64_t dir_id(struct dir *d, const char *name);

/* All names, in order, each followed by a space. */
void dir_expect_names(struct dir *d, const char *want);

#endif
