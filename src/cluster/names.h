/*
 * Mailbox names as the directory keeps them, and as they travel on the MUPDATE
 * wire: `user.john.Sent`, `shared.news`, `example.org!user.john`.
 *
 *   name   = [ domain "!" ] local
 *   local  = component *( "." component )
 *
 * UTF-8 in NFC (made by the proposer). A '.' inside a component stands as '^',
 * as in Cyrus. What clients see of it is namespace.h.
 *
 * A *root* is the unit of placement: the INBOX of a user (`user.john`) or a
 * top-level shared folder (`shared`). All below it lives in one mail group.
 *
 * All functions are pure. Slices that come out borrow from the name given.
 */
#ifndef CLUSTER_NAMES_H
#define CLUSTER_NAMES_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Octets; with a 0 octet behind, both fit an LMDB key beside an id. */
#define NAMES_MAILBOX_MAX 490
#define NAMES_USER_MAX 200
#define NAMES_IDENTIFIER_MAX 200

/*
 * A name that may be created: within the limit, well-formed UTF-8, without
 * control characters and without '/', '%', '*', '!' (but the domain's), no
 * component empty, not bare `user`, and neither a root nor a child of an INBOX
 * that is called INBOX in any case (clients could not tell it from theirs).
 *
 * ERR_LIMIT: too long; ERR_INVALID: the rest. Foreign names are not checked by
 * this (they keep the octets in which they came) but by names_check_foreign.
 */
must_use enum err names_check(struct slice name);

/* Within the limit, not empty, no 0 octet: all that the tables need. */
must_use enum err names_check_foreign(struct slice name);

/*
 * A user: `john.doe` or `john.doe@example.org`; within NAMES_USER_MAX, and its
 * INBOX is a name that may be created.
 */
must_use enum err names_check_user(struct slice user);

/* Appends the INBOX of a user: `example.org!user.john^doe`. */
void names_add_inbox(struct slice user, struct buf *out);

/* The domain without '!', empty if there is none, and what follows it. */
struct slice names_domain(struct slice name);
struct slice names_local(struct slice name);

/* Is it `user.x` or below? Then the owner's INBOX is names_root(name). */
bool names_is_personal(struct slice name);

/* Appends the owner's user name (`john.doe@example.org`); false: shared. */
bool names_add_owner(struct slice name, struct buf *out);

/* Does `user` own the mailbox? Without building the owner's name. */
bool names_is_owner(struct slice name, struct slice user);

/* The root at or above `name`: a prefix of it. */
struct slice names_root(struct slice name);

static inline bool names_is_root(struct slice name)
{
	return names_root(name).len == name.len;
}

/* The name one level up; false for a root. */
bool names_parent(struct slice name, struct slice *parent_r);

/* The last component, with '^' as it stands. */
struct slice names_leaf(struct slice name);

/* Is `name` strictly below `top`? */
bool names_is_below(struct slice name, struct slice top);

/*
 * A child of an INBOX whose first component is INBOX: `user.john.INBOX`. It is
 * never a mailbox itself; the ones below it are what clients of the alternate
 * namespace call `INBOX/x`.
 */
bool names_is_inbox_shadow(struct slice name);

#endif
