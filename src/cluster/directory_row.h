/*
 * The directory's tables: keys, layouts, single rows. For the directory's own
 * files; others ask directory.h.
 */
#ifndef CLUSTER_DIRECTORY_ROW_H
#define CLUSTER_DIRECTORY_ROW_H

#include "cluster/codec.h"
#include "cluster/directory.h"
#include "raft/fsm.h"

enum directory_table {
	/* the one row: the counters */
	DIRECTORY_TABLE_COUNTER = REPLICA_TABLE_COUNT,
	DIRECTORY_TABLE_MEMBER,       /* node */
	DIRECTORY_TABLE_GROUP,        /* group */
	DIRECTORY_TABLE_MAILBOX,      /* name */
	DIRECTORY_TABLE_BY_ID,        /* mailbox id -> name */
	DIRECTORY_TABLE_BY_ACL,       /* identifier, mailbox id */
	DIRECTORY_TABLE_USER,         /* name */
	DIRECTORY_TABLE_SUBSCRIPTION, /* user id, name */
	DIRECTORY_TABLE_INTENT,       /* intent id */
	DIRECTORY_TABLE_CHANGE,       /* log index, position, n -> name */
	DIRECTORY_TABLE_SETTING,      /* name -> value */
	DIRECTORY_TABLE_TOKEN,        /* SHA-256 of the secret */
	DIRECTORY_TABLE_END,
};

#define DIRECTORY_TABLES (DIRECTORY_TABLE_END - REPLICA_TABLE_COUNT)

extern const char *const directory_table_names[DIRECTORY_TABLES];

/* SCRAM iterations: more would only tie up clients (libgsasl's bound too). */
#define DIRECTORY_ITERATIONS_MAX 10000000

/* Layouts that rows and commands share. */
void directory_keys_fields(struct codec *codec, struct directory_keys *keys);
void directory_member_fields(struct codec *codec,
			     struct directory_member *member);
void directory_group_fields(struct codec *codec, struct directory_group *group);
void directory_token_fields(struct codec *codec, struct directory_token *token);

/* Parts of the above that joiners give and single changes name, too. */
void directory_node_name_field(struct codec *codec, struct slice *name);
void directory_addresses_fields(struct codec *codec, struct slice *addresses,
				unsigned *count);
void directory_key_hash_field(struct codec *codec, struct slice *key_hash);
void directory_roles_field(struct codec *codec, uint8_t *roles);
void directory_zone_field(struct codec *codec, struct slice *zone);
void directory_member_state_field(struct codec *codec,
				  struct directory_member *member);
void directory_member_keys_fields(struct codec *codec,
				  struct directory_member *member);

/* Keys; a string at the end of a key is ended by 0x00 like any other. */
struct store_key directory_name_key(struct slice name);
struct store_key directory_number_key(uint64_t number);
struct store_key directory_node_key(uint32_t number);
struct store_key directory_token_key(const struct sha256 *hash);
struct store_key directory_by_acl_key(struct slice identifier, uint64_t id);
struct store_key directory_subscription_key(uint64_t user_id,
					    struct slice name);
struct store_key directory_change_key(uint64_t index, uint32_t position,
				      uint32_t n);

/* A row under the cursor: for walks and verify. */
bool directory_mailbox_of_row(struct store_txn *txn,
			      const struct store_cursor *cursor,
			      struct directory_mailbox *mailbox_r);
bool directory_user_of_row(struct store_txn *txn,
			   const struct store_cursor *cursor,
			   struct directory_user *user_r);
bool directory_member_of_row(struct store_txn *txn,
			     const struct store_cursor *cursor,
			     struct directory_member *member_r);
bool directory_group_of_row(struct store_txn *txn,
			    const struct store_cursor *cursor,
			    struct directory_group *group_r);
bool directory_token_of_row(struct store_txn *txn,
			    const struct store_cursor *cursor,
			    struct directory_token *token_r);
bool directory_intent_of_row(struct store_txn *txn,
			     const struct store_cursor *cursor,
			     struct directory_intent *intent_r);

/* Single rows; `scratch` is overwritten. Indexes are the caller's business. */
void directory_mailbox_put(struct store_txn *txn, struct buf *scratch,
			   const struct directory_mailbox *mailbox);
void directory_user_put(struct store_txn *txn, struct buf *scratch,
			const struct directory_user *user);
void directory_member_row_put(struct store_txn *txn, struct buf *scratch,
			      const struct directory_member *member);
void directory_group_row_put(struct store_txn *txn, struct buf *scratch,
			     const struct directory_group *group);
void directory_token_row_put(struct store_txn *txn, struct buf *scratch,
			     const struct directory_token *token);
void directory_intent_put(struct store_txn *txn, struct buf *scratch,
			  const struct directory_intent *intent);
void directory_counters_put(struct store_txn *txn, struct buf *scratch,
			    const struct directory_counters *counters);

#endif
