/*
 * What the directory can be asked to do: commands, their octets, their results.
 *
 * An encoder appends the body of a command to `out` and checks every limit:
 * what it lets through applies without a store error (architecture.md F9). On
 * an error nothing was appended. A decoder checks the same again, so that a
 * leader or a replica needs to trust nobody; what it gives borrows from the
 * body. Encoders borrow everything.
 *
 * Refusals named below are recorded as the command's answer; those of damaged
 * bodies are ERR_SYNTAX, ERR_INVALID or ERR_LIMIT.
 *
 * Commands that come from a client's view name a mailbox by name *and* by the
 * id whose rights were checked: another mailbox under this name is ERR_STALE,
 * and the flow starts again. Id 0 asks for no check.
 */
#ifndef CLUSTER_DIRECTORY_COMMAND_H
#define CLUSTER_DIRECTORY_COMMAND_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "cluster/directory.h"
#include "raft/command.h"

enum directory_command_kind {
	DIRECTORY_CREATE = COMMAND_FSM_FIRST,
	DIRECTORY_DELETE,
	DIRECTORY_RENAME,
	DIRECTORY_SET_ACL,
	DIRECTORY_SET_USE,
	DIRECTORY_SUBSCRIBE,
	DIRECTORY_USER_ADD,
	DIRECTORY_USER_SET,
	DIRECTORY_USER_REMOVE,
	DIRECTORY_USER_FORGET,
	DIRECTORY_MEMBER_ADD,
	DIRECTORY_GROUP_PUT,
	DIRECTORY_SETTING_PUT,
	DIRECTORY_INTENT_STEP,
	DIRECTORY_MEMBER_SET,
	DIRECTORY_TOKEN_PUT,
	DIRECTORY_TOKEN_DROP,
	DIRECTORY_JOIN,
	DIRECTORY_FEATURE_RAISE,
	DIRECTORY_COMMAND_END, /* part 3: RESERVE, ACTIVATE, .. follow here */
};

#define DIRECTORY_COMMAND_VERSION 1

/* ERR_NONE: the body is one that an encoder could have made (leader, F9). */
must_use enum err directory_command_check(uint16_t kind, uint8_t version,
					  struct slice body);

/* "CREATE", for logs; NULL: not the directory's. */
const char *directory_command_name(uint16_t kind);

/* ---- CREATE ---- */

/*
 * Makes a mailbox and those superior ones that are missing (RFC 9051 6.3.4):
 * real, selectable ones. Its list is a copy of the nearest superior's; with
 * none, the owner has all rights, and a shared one gets `acl`.
 *
 * EXISTS; NONEXISTENT_PARENT: there is no such user; CANNOT: the special use
 * is taken or is not for shared mailboxes; INUSE: the tree is moving;
 * UNAVAILABLE: there is no group for a new shared tree; LIMIT: mailboxes_max,
 * or no UIDVALIDITY is left.
 */
struct directory_create {
	struct slice name;
	uint8_t special_use;
	struct slice acl;       /* of a new shared root; may be empty */
	uint32_t group;         /* of a new shared root; 0: apply chooses */
	uint32_t mailboxes_max; /* in a user's tree; 0: no limit */
};

struct directory_create_result {
	uint64_t id;
	uint64_t root;
	uint32_t group;
	uint32_t uidvalidity;
	uint32_t made; /* with the superiors */
};

/* ---- DELETE ---- */

/*
 * Frees the name at once and leaves a PURGE intent for the data. Inferiors
 * stay; the name shows as \NonExistent then. Subscriptions stay.
 *
 * NOTFOUND; HASCHILDREN: it is such a name already; STALE; CANNOT: foreign;
 * INUSE: moving.
 */
struct directory_delete {
	struct slice name;
	uint64_t id;
	uint64_t keep_ms; /* the data is kept so long for undelete */
};

struct directory_delete_result {
	uint64_t id;
	uint64_t intent;
	uint32_t group;
};

/* ---- RENAME ---- */

/*
 * Renames a mailbox with all below it, or INBOX without them: then the new
 * name gets the old id and INBOX a new mailbox (RFC 9051 6.3.6). Missing
 * superiors of the new name are made. Subscriptions stay.
 *
 * NOTFOUND; EXISTS: the new name, or one below it that would be met; STALE;
 * CANNOT: below itself, to another group, INBOX to another user's tree, or
 * with foreign mailboxes in the tree (the payload lists up to 100 of them, as
 * many as it has room for);
 * LIMIT: a name would be too long, or the tree has more than
 * DIRECTORY_TREE_MAX mailboxes; INUSE: moving.
 */
struct directory_rename {
	struct slice from;
	struct slice to;
	uint64_t id; /* of `from`; 0 also where only inferiors exist */
};

struct directory_rename_result {
	uint64_t id;       /* of the renamed mailbox; 0: it had no record */
	uint32_t renamed;  /* mailboxes */
	uint64_t inbox_id; /* of the new INBOX, or 0 */
};

#define DIRECTORY_FOREIGN_LIST_MAX 100

/* Takes the next name off the payload of a refusal with a list. */
bool directory_rename_next_foreign(struct slice *payload, struct slice *name_r);

/* ---- SET_ACL, SET_USE ---- */

/* NOTFOUND: no mailbox has this id; LIMIT: the list is full; CANNOT: foreign.
 */
struct directory_set_acl {
	uint64_t id;
	struct acl_entry entry;
	enum acl_change change;
};

/* Replaces the special uses. NOTFOUND; CANNOT: taken, shared or foreign. */
struct directory_set_use {
	uint64_t id;
	uint8_t special_use;
};

/* ---- SUBSCRIBE ---- */

/*
 * A name may be subscribed that does not exist (RFC 9051 6.3.7). Doing it
 * twice, or taking away what is not there, is done. NOTFOUND: no such user;
 * LIMIT: DIRECTORY_SUBSCRIPTIONS_MAX.
 */
struct directory_subscribe {
	struct slice user;
	struct slice name;
	bool subscribed; /* false: UNSUBSCRIBE */
};

/* ---- users ---- */

/*
 * Adds a user and his INBOX. EXISTS; UNAVAILABLE: no group takes homes;
 * NOTFOUND: the group named does not exist; INUSE: one of this name was removed
 * and is still in more lists than can be forgotten at once.
 */
struct directory_user_add {
	struct slice name;
	struct directory_keys keys; /* their version is not looked at */
	bool enabled;
	uint32_t group; /* 0: the one with the least weight */
	uint64_t quota_octets;
	uint64_t quota_messages;
};

struct directory_user_add_result {
	uint64_t id;
	uint64_t inbox_id;
	uint32_t group;
	uint32_t uidvalidity; /* of INBOX */
};

enum directory_user_field {
	DIRECTORY_USER_KEYS = 1 << 0,
	DIRECTORY_USER_ENABLED = 1 << 1,
	DIRECTORY_USER_QUOTA = 1 << 2,
};

/* Changes the named fields. NOTFOUND. The key version grows by one. */
struct directory_user_set {
	struct slice name;
	uint8_t fields;             /* enum directory_user_field */
	struct directory_keys keys; /* without iterations: taken away */
	bool enabled;
	uint64_t quota_octets;
	uint64_t quota_messages;
};

/*
 * Removes a user with all his mailboxes and subscriptions; leaves PURGE intents
 * and one to FORGET him in the lists of others. NOTFOUND; INUSE: moving; LIMIT:
 * more than DIRECTORY_TREE_MAX mailboxes; CANNOT: foreign ones among them.
 */
struct directory_user_remove {
	struct slice name;
	uint64_t keep_ms;
};

struct directory_user_remove_result {
	uint64_t id;
	uint32_t group;
	uint32_t mailboxes;
};

/*
 * Takes `identifier` out of up to COMMAND_ROWS_MAX lists: repeated by the
 * FORGET flow until nothing is left. When a user of this name was added again
 * meanwhile, it was done then: nothing is left to do.
 */
struct directory_user_forget {
	struct slice identifier;
};

struct directory_user_forget_result {
	uint32_t changed;
	bool more;
};

/* ---- members ---- */

/*
 * Adds a member without a token: the first of a cluster. Its node, epoch and
 * replicas are not looked at. EXISTS: another one has the name; INUSE: a key
 * is that of another one, also of one that was removed; CANNOT: its program is
 * too old for the cluster, it comes as removed or with a successor; LIMIT:
 * DIRECTORY_NODES_MAX.
 */
struct directory_member_add {
	struct directory_member member;
};

struct directory_member_add_result {
	uint32_t node;
};

enum directory_member_field {
	DIRECTORY_MEMBER_ROLES = 1 << 0,
	DIRECTORY_MEMBER_ZONE = 1 << 1,
	DIRECTORY_MEMBER_WEIGHT = 1 << 2,
	DIRECTORY_MEMBER_STATE = 1 << 3, /* and successor */
	DIRECTORY_MEMBER_ADDRESSES = 1 << 4,
	DIRECTORY_MEMBER_FEATURE_LEVEL = 1 << 5,
	DIRECTORY_MEMBER_KEYS = 1 << 6, /* both */
};

/*
 * Changes the named fields of member.node, whose record must still have
 * member.epoch. A member that becomes REMOVED leaves intents to FENCE it in
 * every group, and stays removed.
 *
 * A key is changed in three steps, so that nobody is locked out: the next key
 * is added, the node begins to use it, the old one is dropped (the next one
 * becomes key_hash). So old and new keys must have one in common.
 *
 * NOTFOUND; STALE: another epoch; CANNOT: it was removed, or would be the last
 * master that goes, its program would be too old for the cluster, no key is in
 * common, or the successor is none; INUSE: a key is that of another member,
 * also of one that was removed.
 */
struct directory_member_set {
	uint8_t fields;                 /* enum directory_member_field */
	struct directory_member member; /* others are left out */
};

struct directory_member_set_result {
	uint64_t epoch;
};

/*
 * Lets who knows the secret become a member of this name, until expires_at_ms
 * by this command's clock. Tokens that ended long ago go.
 *
 * EXISTS: this hash has a token; EXPIRED: it would be already; LIMIT: more
 * than DIRECTORY_TOKEN_LIFE_MAX_MS, or DIRECTORY_TOKENS_MAX are open.
 */
struct directory_token_put {
	struct directory_token token; /* its node is not looked at */
};

/* NOTFOUND. A used one may go, too; the member stays. */
struct directory_token_drop {
	struct sha256 hash;
};

/*
 * Makes who knows a token's secret a member, active at once, with the token's
 * name, roles, zone and weight. The token is used then; the same joiner (by
 * its key) gets the same answer again, as his first may have been lost.
 *
 * NOTFOUND: no token has this secret; EXPIRED: by this command's clock; DENIED:
 * it was used by another key, is for another name, or its member was removed;
 * EXISTS: another member has the name; INUSE: the key is that of another
 * member, also of one that was removed; CANNOT: its program is too old for the
 * cluster.
 */
struct directory_join {
	struct slice secret;
	struct slice name; /* must be the token's, in any case of letters */
	struct slice key_hash;
	struct slice addresses[DIRECTORY_ADDRESSES_MAX]; /* at least one */
	unsigned address_count;
	uint32_t feature_level;
};

struct directory_join_result {
	uint32_t node;
	uint8_t roles;
	uint32_t feature_level; /* the cluster's */
};

/*
 * Raises the cluster's feature level, as all members can. STALE: it is there
 * already, or above; CANNOT: a member that was not removed cannot.
 */
struct directory_feature_raise {
	uint32_t level;
};

/* ---- groups, settings, intents ---- */

/*
 * Adds a group (its number is given), or changes one, whose record must still
 * have this epoch. `homes` is not looked at.
 *
 * A replica with raft id 0 is new and gets one, which was never used; others
 * must be those of the record. One replica may come, go or change at a time.
 * A group without a record may come with raft ids of its own choice, as the
 * first node makes groups before they are recorded. Group 0 needs no adding:
 * until it has a record its epoch is 0.
 *
 * NOTFOUND: no such group, or no such member; STALE: another epoch; CANNOT: a
 * replica that is none of the record's, two of one node, more than one change,
 * or a new one on a member that was removed; LIMIT: DIRECTORY_GROUPS_MAX.
 */
struct directory_group_put {
	bool add;
	struct directory_group group;
};

struct directory_group_put_result {
	uint32_t group;
	uint64_t epoch;
	uint64_t raft_id; /* of the new replica (the last); 0: none came */
};

/* An empty value deletes the setting. */
struct directory_setting_put {
	struct slice name;
	struct slice value;
};

/* The intent's next step, or its end. NOTFOUND; STALE: its step differs. */
struct directory_intent_step {
	uint64_t id;
	uint8_t from;
	uint8_t to;
	bool end; /* done: the intent goes */
};

/* ---- octets ---- */

/* For each command `x`: directory_x_encode and directory_x_decode. */
#define DIRECTORY_CODEC(x)                                             \
	must_use enum err directory_##x##_encode(                      \
		const struct directory_##x *command, struct buf *out); \
	must_use enum err directory_##x##_decode(                      \
		struct slice body, struct directory_##x *command_r)

/* Encoder and decoder of each command above. */
DIRECTORY_CODEC(create);
DIRECTORY_CODEC(delete);
DIRECTORY_CODEC(rename);
DIRECTORY_CODEC(set_acl);
DIRECTORY_CODEC(set_use);
DIRECTORY_CODEC(subscribe);
DIRECTORY_CODEC(user_add);
DIRECTORY_CODEC(user_set);
DIRECTORY_CODEC(user_remove);
DIRECTORY_CODEC(user_forget);
DIRECTORY_CODEC(member_add);
DIRECTORY_CODEC(member_set);
DIRECTORY_CODEC(token_put);
DIRECTORY_CODEC(token_drop);
DIRECTORY_CODEC(join);
DIRECTORY_CODEC(feature_raise);
DIRECTORY_CODEC(group_put);
DIRECTORY_CODEC(setting_put);
DIRECTORY_CODEC(intent_step);

/* Payloads of commands that were done; the others' are empty. */
#define DIRECTORY_RESULT(x)                       \
	must_use enum err directory_##x##_result( \
		struct slice payload, struct directory_##x##_result *result_r)

/* Decoder of each result above. ERR_SYNTAX: no encoder made this. */
DIRECTORY_RESULT(create);
DIRECTORY_RESULT(delete);
DIRECTORY_RESULT(rename);
DIRECTORY_RESULT(user_add);
DIRECTORY_RESULT(user_remove);
DIRECTORY_RESULT(user_forget);
DIRECTORY_RESULT(member_add);
DIRECTORY_RESULT(member_set);
DIRECTORY_RESULT(join);
DIRECTORY_RESULT(group_put);

#endif
