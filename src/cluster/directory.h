/*
 * The directory (group 0): its records and the questions one may ask it.
 *
 * Where a mailbox lives, who may do what in it, who the users, members and
 * groups are. It changes by commands only (directory_command.h), applied by
 * directory_fsm.h; here is what a read transaction gives.
 *
 * Every slice in a record is borrowed from the transaction: it lives until the
 * transaction ends or its next write. Within a write transaction the names that
 * a walk gives live until its next step only. Questions about what is absent,
 * and all questions after the transaction has failed (store_txn_error), answer
 * "absent".
 */
#ifndef CLUSTER_DIRECTORY_H
#define CLUSTER_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/slice.h"
#include "cluster/names.h"
#include "cluster/rights.h"
#include "store/env.h"

/* Limits that encoders, decoders and verify share. */
#define DIRECTORY_LOCATION_MAX 255 /* octets of `server!partition` */
#define DIRECTORY_ADDRESS_MAX 255  /* octets of "host:port" */
#define DIRECTORY_ADDRESSES_MAX 8  /* of a member */
#define DIRECTORY_NODE_NAME_MAX 63 /* octets: a DNS label */
#define DIRECTORY_ZONE_MAX 63      /* octets of one zone's name */
#define DIRECTORY_ZONES_MAX 255    /* octets of a group's list of zones */
#define DIRECTORY_REPLICAS_MAX 128 /* of a group: 5 voters, many standbys */
#define DIRECTORY_NODES_MAX 65536  /* that ever were: members are walked */
#define DIRECTORY_GROUPS_MAX 4096  /* one entry may leave an intent for each */
#define DIRECTORY_SALT_MAX 64      /* octets of a SCRAM salt */
#define DIRECTORY_SETTING_NAME_MAX 64
#define DIRECTORY_SETTING_VALUE_MAX 4096

/* Rows of the change table; streams that fall behind it start again. */
#define DIRECTORY_CHANGES_MAX 200000

/*
 * Mailboxes that one RENAME or one removal of a user may touch. Both are one
 * entry of the log and one transaction, whatever their size: 20,000 mailboxes
 * are applied in about a quarter of a second, in which the directory (not the
 * mail) stands still, and are far from LMDB's limit of dirty pages. It is more
 * than the 1,000 rows of other commands because a tree must never be seen
 * half renamed.
 */
#define DIRECTORY_TREE_MAX 20000

/* Subscriptions of a user: LSUB walks them all. */
#define DIRECTORY_SUBSCRIPTIONS_MAX 20000

/* ---- mailboxes ---- */

enum directory_state {
	DIRECTORY_ACTIVE = 1,
	DIRECTORY_RESERVED = 2, /* foreign servers only (RFC 3656) */
	DIRECTORY_MOVING = 3,   /* its user is on the way to another group */
};

/* RFC 6154 and 8457; bits of `special_use`, at most one user mailbox each. */
enum directory_use {
	DIRECTORY_USE_ALL = 1 << 0,
	DIRECTORY_USE_ARCHIVE = 1 << 1,
	DIRECTORY_USE_DRAFTS = 1 << 2,
	DIRECTORY_USE_FLAGGED = 1 << 3,
	DIRECTORY_USE_JUNK = 1 << 4,
	DIRECTORY_USE_SENT = 1 << 5,
	DIRECTORY_USE_TRASH = 1 << 6,
	DIRECTORY_USE_IMPORTANT = 1 << 7,
};

#define DIRECTORY_USES 8

struct directory_mailbox {
	struct slice name;
	uint64_t id; /* never used again; MAILBOXID is its text form */
	enum directory_state state;
	uint32_t group;         /* 0: foreign, see `location` */
	struct slice location;  /* `server!partition` of a foreign one */
	uint64_t root;          /* whose quota it counts to; 0: foreign */
	struct slice acl;       /* rights.h */
	uint8_t special_use;    /* enum directory_use */
	uint32_t uidvalidity;   /* 0: foreign */
	uint64_t created_index; /* log indexes */
	uint64_t changed_index;
};

/* By internal name, and by id. False: there is none. */
bool directory_mailbox_find(struct store_txn *txn, struct slice name,
			    struct directory_mailbox *mailbox_r);
bool directory_mailbox_find_id(struct store_txn *txn, uint64_t id,
			       struct directory_mailbox *mailbox_r);

/*
 * Has it inferiors? A name that has some but no record of its own is what LIST
 * calls \NonExistent: DELETE of `a` leaves `a.b` where it is (RFC 9051 6.3.5).
 */
bool directory_has_children(struct store_txn *txn, struct slice name);

/* The rights of `who` by the list, the owner's included. */
static inline uint32_t directory_rights(const struct directory_mailbox *mailbox,
					const struct identity *who)
{
	return acl_rights(mailbox->acl, mailbox->name, who);
}

/* ---- users ---- */

/* RFC 5802, with SHA-256 (RFC 7677). */
struct directory_keys {
	uint32_t version;    /* one more with each change, never less */
	uint32_t iterations; /* 0: there are no keys */
	struct slice salt;
	struct slice stored_key; /* SHA256_SIZE octets */
	struct slice server_key; /* SHA256_SIZE octets */
};

struct directory_user {
	struct slice name;
	uint64_t id;    /* key of seen state and quota root of his mailboxes */
	uint32_t group; /* home: where all his mailboxes live */
	bool enabled;
	struct directory_keys keys;
	uint64_t quota_octets;   /* 0: no limit */
	uint64_t quota_messages; /* 0: no limit */
	uint32_t mailboxes;      /* how many records are in his tree */
	uint32_t subscriptions;
	uint64_t special_use[DIRECTORY_USES]; /* mailbox id of bit n, or 0 */
	uint64_t created_index;
};

/* By name, as SASLprep left it. False: there is none. */
bool directory_user_find(struct store_txn *txn, struct slice name,
			 struct directory_user *user_r);

/* Also of a name that does not exist (RFC 9051 section 6.3.7). */
bool directory_is_subscribed(struct store_txn *txn, uint64_t user_id,
			     struct slice name);

/* ---- members ---- */

/* What this program can; the cluster's own level follows (FEATURE_RAISE). */
#define DIRECTORY_FEATURE_LEVEL 1

enum directory_role {
	DIRECTORY_ROLE_MASTER = 1 << 0,
	DIRECTORY_ROLE_FRONTEND = 1 << 1,
	DIRECTORY_ROLE_BACKEND = 1 << 2,
};

#define DIRECTORY_ROLES_ALL                                \
	(DIRECTORY_ROLE_MASTER | DIRECTORY_ROLE_FRONTEND | \
	 DIRECTORY_ROLE_BACKEND)

enum directory_member_state {
	DIRECTORY_MEMBER_ACTIVE = 1,
	DIRECTORY_MEMBER_DRAINING = 2, /* emptied of replicas and sessions */
	DIRECTORY_MEMBER_LEAVING = 3,  /* the same, and then removed */
	DIRECTORY_MEMBER_REMOVED = 4,  /* for ever: links are cut */
};

struct directory_member {
	uint32_t node;     /* never used again */
	uint64_t epoch;    /* log index of the newest change of this record */
	struct slice name; /* a DNS label; free again after the removal */
	struct slice addresses[DIRECTORY_ADDRESSES_MAX]; /* "host:port" */
	unsigned address_count;
	uint8_t roles; /* enum directory_role; at least one */
	struct slice zone;
	uint32_t weight; /* share of mail replicas; 0: takes none */
	enum directory_member_state state;
	uint32_t feature_level;     /* what its program can */
	struct slice key_hash;      /* SHA-256 of its public key */
	struct slice next_key_hash; /* as good; empty: no rotation */
	uint32_t successor; /* gets its replicas when it goes; 0: anyone */

	/*
	 * The highest incarnation of any replica that it was ever given, so
	 * that a raft id never comes back. Not a change for `epoch`.
	 */
	uint32_t replicas;
};

static inline bool
directory_member_has_key(const struct directory_member *member,
			 struct slice key_hash)
{
	return key_hash.len == SHA256_SIZE &&
	       (slice_eq(member->key_hash, key_hash) ||
		slice_eq(member->next_key_hash, key_hash));
}

/* False: no node ever had this id; removed ones are found. */
bool directory_member_find(struct store_txn *txn, uint32_t node,
			   struct directory_member *member_r);

/* By name, in any case of letters; only of those that were not removed. */
bool directory_member_find_name(struct store_txn *txn, struct slice name,
				struct directory_member *member_r);

/*
 * Whose key is this? Either of a member's two keys; only of those that were
 * not removed. A link is accepted on nothing else (architecture.md S15).
 */
bool directory_member_find_key(struct store_txn *txn, struct slice key_hash,
			       struct directory_member *member_r);

/* Letters, digits and inner hyphens: a DNS label. */
bool directory_node_name_ok(struct slice name);

/* May a replica of a group be in this zone? `zones`: "a,b"; empty: anywhere. */
bool directory_zone_allowed(struct slice zones, struct slice zone);

/* ---- tokens: who may join ---- */

#define DIRECTORY_TOKENS_MAX 100 /* at one time */
#define DIRECTORY_SECRET_MIN 16  /* octets; more than can be guessed */
#define DIRECTORY_SECRET_MAX 64

/* The longest life of a token; the tool's default is an hour. */
#define DIRECTORY_TOKEN_LIFE_MAX_MS (7ull * 24 * 3600 * 1000)

/*
 * After its end a token is kept so long, to say "expired" rather than "never
 * heard of it", and to give a joiner that lost the answer the same again.
 */
#define DIRECTORY_TOKEN_KEEP_MS (3600ull * 1000)

/* The right to become one certain member, once. The secret is not kept. */
struct directory_token {
	struct sha256 hash; /* of the secret */
	struct slice name;  /* of the node to be */
	uint8_t roles;
	struct slice zone;
	uint32_t weight;
	uint64_t expires_at_ms; /* by the clock of who made it */
	uint32_t node;          /* that joined by it; 0: unused */
};

/* By the SHA-256 of its secret. False: there is none. */
bool directory_token_find(struct store_txn *txn, const struct sha256 *hash,
			  struct directory_token *token_r);

/* ---- groups ---- */

enum directory_replica_role {
	DIRECTORY_REPLICA_VOTER = 1,
	DIRECTORY_REPLICA_STANDBY = 2,
};

enum directory_replica_state {
	DIRECTORY_REPLICA_JOINING = 1, /* it may have nothing yet */
	DIRECTORY_REPLICA_SERVING = 2, /* it has what the group has */
};

/*
 * What a replica shall be. What it is at this moment, the configuration in the
 * group's own log says; the replica manager brings one to the other. A replica
 * that is to go leaves the record first, so that no session comes any more.
 */
struct directory_replica {
	uint32_t node;
	uint64_t raft_id; /* node << 32 | incarnation of the replica */
	enum directory_replica_role role;
	enum directory_replica_state state;
};

static inline uint64_t directory_raft_id(uint32_t node, uint32_t incarnation)
{
	return (uint64_t)node << 32 | incarnation;
}

#define DIRECTORY_WANTED_ALL 255 /* a replica on every backend */

struct directory_group {
	uint32_t group; /* 0: the directory itself */
	struct directory_replica replicas[DIRECTORY_REPLICAS_MAX];
	unsigned replica_count;
	uint8_t wanted;    /* replicas: 1, 3, 5 or DIRECTORY_WANTED_ALL */
	struct slice zone; /* where they may be: "a,b"; empty: anywhere */
	uint32_t weight;   /* share of new homes; 0: takes none */
	uint64_t epoch;    /* log index of the newest change of this record */
	uint64_t homes;    /* users and shared trees that live in it */
};

/* False: there is no such group. */
bool directory_group_find(struct store_txn *txn, uint32_t group,
			  struct directory_group *group_r);

/* The replica with this raft id; NULL: the record has none. */
struct directory_replica *directory_group_replica(struct directory_group *group,
						  uint64_t raft_id);

/*
 * The group for a new home: of those with a serving replica the one with the
 * least homes for its weight, the lowest number of several; 0: there is none.
 */
uint32_t directory_group_for_home(struct store_txn *txn);

/* ---- intents: what a flow has still to do elsewhere ---- */

enum directory_intent_kind {
	DIRECTORY_INTENT_PURGE = 1,  /* of a deleted mailbox: seal, purge */
	DIRECTORY_INTENT_REROOT = 2, /* of renamed ones: move their usage */
	DIRECTORY_INTENT_FORGET = 3, /* a removed user: out of all lists */
	DIRECTORY_INTENT_FENCE = 4,  /* of a removed node, in one group */
	DIRECTORY_INTENT_MOVE = 5,   /* of a user to another group */
};

/* Mailboxes of one intent. */
#define DIRECTORY_INTENT_IDS_MAX 500

struct directory_intent {
	uint64_t id;
	enum directory_intent_kind kind;
	uint8_t step;   /* 0: nothing was done; the flow's own numbers */
	uint32_t group; /* where it has to be done */
	uint64_t root;  /* REROOT: the new root */
	uint64_t not_before_ms; /* PURGE: data is kept for undelete */
	uint64_t since_ms;      /* the proposer's clock */
	uint64_t since_index;
	struct slice name; /* PURGE: as deleted; FORGET: the user */
	struct slice ids;  /* of mailboxes, or the node; packed */
	uint64_t id_count;
};

/* False: it is done, or never was. */
bool directory_intent_find(struct store_txn *txn, uint64_t id,
			   struct directory_intent *intent_r);

/* Takes the next id off the front of intent->ids; false: none is left. */
bool directory_intent_next_id(struct directory_intent *intent, uint64_t *id_r);

/* ---- settings and counters ---- */

/* False: it was never set, or was deleted. */
bool directory_setting_find(struct store_txn *txn, struct slice name,
			    struct slice *value_r);

struct directory_counters {
	uint64_t next_id;     /* of mailboxes, users and shared roots */
	uint32_t uidvalidity; /* the newest one given */
	uint64_t next_intent;
	uint32_t next_node;
	uint32_t next_group;
	uint32_t feature_level; /* the cluster's; only ever rises */
	uint64_t changes;       /* rows of the change table */
	uint64_t change_floor;  /* highest index that it may lack names of */
};

/* The lowest of everything in a directory where nothing was done yet. */
void directory_counters_get(struct store_txn *txn,
			    struct directory_counters *counters_r);

/* ---- walks: rows in key order, in slices ---- */

/*
 * One struct for all tables. Begin with the walk of a table, call its _next
 * until it gives false, then directory_walk_end, all within one transaction.
 * To go on in another one, begin `after` the last key seen.
 */
struct directory_walk {
	struct store_txn *txn;
	struct store_cursor cursor;
	struct store_key prefix;
	bool started;
};

/* Before its transaction ends; also after the walk came to its end. */
void directory_walk_end(struct directory_walk *walk);

/*
 * Mailboxes whose name begins with `prefix` (octets, not components: with
 * "user.john." all below John's INBOX, with "" all), behind `after`.
 */
void directory_mailbox_walk(struct directory_walk *walk, struct store_txn *txn,
			    struct slice prefix, struct slice after);
bool directory_mailbox_next(struct directory_walk *walk,
			    struct directory_mailbox *mailbox_r);

/* Users in the order of their names, behind `after`. */
void directory_user_walk(struct directory_walk *walk, struct store_txn *txn,
			 struct slice after);
bool directory_user_next(struct directory_walk *walk,
			 struct directory_user *user_r);

/* A user's subscriptions in the order of names, behind `after`. */
void directory_subscription_walk(struct directory_walk *walk,
				 struct store_txn *txn, uint64_t user_id,
				 struct slice after);
bool directory_subscription_next(struct directory_walk *walk,
				 struct slice *name_r);

/* All members, removed ones too, by rising id. */
void directory_member_walk(struct directory_walk *walk, struct store_txn *txn);
bool directory_member_next(struct directory_walk *walk,
			   struct directory_member *member_r);

/* All tokens, used and expired ones too, by rising hash. */
void directory_token_walk(struct directory_walk *walk, struct store_txn *txn);
bool directory_token_next(struct directory_walk *walk,
			  struct directory_token *token_r);

/* All groups by rising number. */
void directory_group_walk(struct directory_walk *walk, struct store_txn *txn);
bool directory_group_next(struct directory_walk *walk,
			  struct directory_group *group_r);

/* Intents by rising id, with an id above `after`. */
void directory_intent_walk(struct directory_walk *walk, struct store_txn *txn,
			   uint64_t after);
bool directory_intent_next(struct directory_walk *walk,
			   struct directory_intent *intent_r);

/* All settings in the order of their names. */
void directory_setting_walk(struct directory_walk *walk, struct store_txn *txn);
bool directory_setting_next(struct directory_walk *walk, struct slice *name_r,
			    struct slice *value_r);

/*
 * Names of mailboxes that changed (were made, deleted, renamed from or to, or
 * got another list or location) by entries behind log index `since`, in log
 * order; a name may come more than once. What became of it, its record says:
 * none means deleted. A reader whose `since` is below change_floor has missed
 * names and starts again from the whole list. Names of one index belong
 * together: a rename is never shown by halves.
 */
struct directory_change_name {
	uint64_t index;
	struct slice name;
};

/* Changes of entries behind log index `since`, in log order. */
void directory_change_walk(struct directory_walk *walk, struct store_txn *txn,
			   uint64_t since);
bool directory_change_next(struct directory_walk *walk,
			   struct directory_change_name *change_r);

/*
 * Mailboxes in whose list `who` (or one of his groups, or "anyone") stands, by
 * rising id, each once, with id > `after`: LIST of what others share, without
 * a scan. It filters nothing: own mailboxes and those without lookup right
 * come too; ask directory_rights.
 */
struct directory_shared_walk {
	struct store_txn *txn;
	struct directory_walk_source {
		struct store_cursor cursor;
		struct store_key prefix;
		uint64_t id; /* the cursor's row; UINT64_MAX: at its end */
	} sources[IDENTITY_GROUPS_MAX + 2];
	unsigned count;
};

/* As the walks above; _end in any case, before the transaction ends. */
void directory_shared_walk(struct directory_shared_walk *walk,
			   struct store_txn *txn, const struct identity *who,
			   uint64_t after);
bool directory_shared_next(struct directory_shared_walk *walk,
			   struct directory_mailbox *mailbox_r);
void directory_shared_walk_end(struct directory_shared_walk *walk);

/* ---- verify ---- */

/* One thing that is not as it must be; text is borrowed for the call. */
typedef void directory_finding(void *arg, const char *text);

/*
 * Checks every row against every other that should agree with it. Returns the
 * number of findings. Takes time in proportion to the directory.
 */
uint64_t directory_verify(struct store_txn *txn, directory_finding *finding,
			  void *arg);

#endif
