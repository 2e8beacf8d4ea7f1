/*
 * A mail group's tables: keys, layouts, single rows. For the mail group's own
 * files; others ask mailgroup.h.
 */
#ifndef CLUSTER_MAILGROUP_ROW_H
#define CLUSTER_MAILGROUP_ROW_H

#include "cluster/codec.h"
#include "cluster/mailgroup_command.h"
#include "raft/fsm.h"

enum mailgroup_table {
	MAILGROUP_TABLE_MAILBOX = REPLICA_TABLE_COUNT, /* mailbox */
	MAILGROUP_TABLE_SEALED,                        /* mailbox */
	MAILGROUP_TABLE_FIXED,      /* mailbox, uid: written once (S7) */
	MAILGROUP_TABLE_STATE,      /* mailbox, uid: what changes */
	MAILGROUP_TABLE_BY_MODSEQ,  /* mailbox, modseq, uid */
	MAILGROUP_TABLE_VANISHED,   /* mailbox, modseq -> uids */
	MAILGROUP_TABLE_UIDS,       /* mailbox, uid / 4096 -> bitmap */
	MAILGROUP_TABLE_SEEN,       /* mailbox, user, uid / 4096 -> bitmap */
	MAILGROUP_TABLE_SEEN_COUNT, /* mailbox, user: UNSEEN is the rest */
	MAILGROUP_TABLE_KEYWORD,    /* mailbox -> names, how many have each */
	MAILGROUP_TABLE_QUOTA,      /* root -> usage */
	MAILGROUP_TABLE_DELIVERED,  /* key of a delivery -> uid */
	MAILGROUP_TABLE_DELIVERED_TIME, /* group's time, key of a delivery */
	MAILGROUP_TABLE_TIME,           /* the one row: the group's time */
	MAILGROUP_TABLE_CLAIM,          /* target group, slot */
	MAILGROUP_TABLE_ANNOTATION,     /* METADATA */
	MAILGROUP_TABLE_END,
};

#define MAILGROUP_TABLES (MAILGROUP_TABLE_END - REPLICA_TABLE_COUNT)

extern const char *const mailgroup_table_names[MAILGROUP_TABLES];

/* A COPY in the making (mailgroup_command.h); turn 0: none. */
struct mailgroup_copying {
	struct op_id id;
	uint64_t since_ms;
	uint32_t first_uid; /* a multiple of 4,096 */
	uint32_t staged;
	uint64_t modseq;
	uint64_t size;
	uint32_t deleted;
	uint64_t deleted_size;
	bool dropping; /* no more STAGE, no REVEAL */
};

struct mailgroup_mailbox {
	uint64_t root;
	uint32_t uidnext;
	uint64_t highestmodseq;
	uint32_t exists;
	uint32_t deleted;
	uint64_t size;
	uint64_t deleted_size;
	uint32_t vanished;       /* UIDs that the table remembers */
	uint64_t vanished_floor; /* it is whole above this MODSEQ */
	struct mailgroup_copying copying;
	uint32_t claimed; /* messages; each may need a MODSEQ at its end */
};

/* What changes of a message. */
struct mailgroup_state {
	uint64_t modseq;
	uint8_t flags;  /* without \Seen */
	uint64_t claim; /* mailgroup_claim_number of what holds it; 0: none */
	struct mailgroup_keyword_bits keywords;
};

/* What is written once. */
struct mailgroup_fixed {
	int64_t date_s;
	int16_t zone_min;
	uint64_t saved_ms;
	uint64_t size;
	struct sha256 hash;
	struct slice structure;
};

struct mailgroup_sealed {
	uint64_t since_ms;
	bool purging; /* rows are going: no way back */
};

/*
 * A claim slot; like those of raft/slots.h it has one claim at a time, and its
 * turns follow each other: the target's table counts with it.
 */
struct mailgroup_claim_row {
	uint64_t turn; /* the newest */
	bool open;
	/* while it is open */
	struct op_id op; /* of CLAIM */
	uint64_t since_ms;
	uint64_t source;
	struct mailgroup_target target;
	uint64_t user;
	struct mailgroup_left_out left_out;
	struct uidset uids; /* the reader's to free */
};

/* What the state of a claimed message says; never 0. */
static inline uint64_t mailgroup_claim_number(uint32_t group, uint32_t slot)
{
	return (uint64_t)group << 32 | slot;
}

struct mailgroup_delivered_row {
	uint64_t mailbox;
	uint32_t uid;
	uint64_t time_ms;
};

/* ---- keys ---- */

/* Keys as the tables above list their fields. */
struct store_key mailgroup_number_key(uint64_t number);
struct store_key mailgroup_message_key(uint64_t mailbox, uint32_t uid);
struct store_key mailgroup_modseq_key(uint64_t mailbox, uint64_t modseq,
				      uint32_t uid);
struct store_key mailgroup_vanished_key(uint64_t mailbox, uint64_t modseq);
struct store_key mailgroup_seen_count_key(uint64_t mailbox, uint64_t user);
struct store_key mailgroup_claim_key(uint32_t group, uint32_t slot);
struct store_key mailgroup_hash_key(const struct sha256 *hash);
struct store_key mailgroup_time_key(uint64_t time_ms,
				    const struct sha256 *hash);

/* Reads {mailbox, uid} back; false: damaged, and the transaction has failed. */
bool mailgroup_take_message_key(struct store_txn *txn, struct slice key,
				uint64_t *mailbox_r, uint32_t *uid_r);

/* ---- rows; absent ones read as they are when nothing happened yet ---- */

/* False: there is none; *row_r is that of an empty mailbox. */
bool mailgroup_mailbox_get(struct store_txn *txn, uint64_t mailbox,
			   struct mailgroup_mailbox *row_r);
void mailgroup_mailbox_put(struct store_txn *txn, struct buf *scratch,
			   uint64_t mailbox,
			   const struct mailgroup_mailbox *row);

/* Rows of the table STATE; false: there is none, *state_r is all zeroes. */
bool mailgroup_state_get(struct store_txn *txn, uint64_t mailbox, uint32_t uid,
			 struct mailgroup_state *state_r);
void mailgroup_state_put(struct store_txn *txn, struct buf *scratch,
			 uint64_t mailbox, uint32_t uid,
			 const struct mailgroup_state *state);
bool mailgroup_state_of_value(struct store_txn *txn,
			      const struct store_value *value,
			      struct mailgroup_state *state_r);

/* Rows of the table FIXED; false: there is none, *fixed_r is all zeroes. */
bool mailgroup_fixed_get(struct store_txn *txn, uint64_t mailbox, uint32_t uid,
			 struct mailgroup_fixed *fixed_r);
void mailgroup_fixed_put(struct store_txn *txn, struct buf *scratch,
			 uint64_t mailbox, uint32_t uid,
			 const struct mailgroup_fixed *fixed);
bool mailgroup_fixed_of_value(struct store_txn *txn,
			      const struct store_value *value,
			      struct mailgroup_fixed *fixed_r);

/* How many messages the user has seen; 0 without a row. */
uint32_t mailgroup_seen_count_get(struct store_txn *txn, uint64_t mailbox,
				  uint64_t user);
void mailgroup_seen_count_put(struct store_txn *txn, struct buf *scratch,
			      uint64_t mailbox, uint64_t user, uint32_t count);

/* Names of keywords with their counts. */
void mailgroup_keywords_put(struct store_txn *txn, struct buf *scratch,
			    uint64_t mailbox,
			    const struct mailgroup_keywords *keywords);

/* Usage of a quota root. */
void mailgroup_usage_put(struct store_txn *txn, struct buf *scratch,
			 uint64_t root, const struct mailgroup_usage *usage);

/* Deleted mailboxes; false: it is not sealed. */
bool mailgroup_sealed_get(struct store_txn *txn, uint64_t mailbox,
			  struct mailgroup_sealed *sealed_r);
void mailgroup_sealed_put(struct store_txn *txn, struct buf *scratch,
			  uint64_t mailbox,
			  const struct mailgroup_sealed *sealed);

/* Known deliveries; false: this one is not known. */
bool mailgroup_delivered_get(struct store_txn *txn, const struct sha256 *key,
			     struct mailgroup_delivered_row *row_r);
void mailgroup_delivered_put(struct store_txn *txn, struct buf *scratch,
			     const struct sha256 *key,
			     const struct mailgroup_delivered_row *row);

/*
 * Claim slots towards a group. False: it was never used; *row_r is all zeroes.
 * A set that was read is freed by uidset_fini, whatever the answer is.
 */
bool mailgroup_claim_get(struct store_txn *txn, uint32_t group, uint32_t slot,
			 struct mailgroup_claim_row *row_r);
void mailgroup_claim_put(struct store_txn *txn, struct buf *scratch,
			 uint32_t group, uint32_t slot,
			 const struct mailgroup_claim_row *row);
bool mailgroup_claim_of_value(struct store_txn *txn,
			      const struct store_value *value,
			      struct mailgroup_claim_row *row_r);
bool mailgroup_take_claim_key(struct store_txn *txn, struct slice key,
			      uint32_t *group_r, uint32_t *slot_r);

/* The group's time in ms: the highest proposed_at of all commands. */
uint64_t mailgroup_time_get(struct store_txn *txn);
void mailgroup_time_put(struct store_txn *txn, struct buf *scratch,
			uint64_t time_ms);

/* The UIDs of one expunge; the set is the caller's, after a failure too. */
void mailgroup_vanished_put(struct store_txn *txn, struct buf *scratch,
			    uint64_t mailbox, uint64_t modseq,
			    const struct uidset *uids);
bool mailgroup_vanished_of_value(struct store_txn *txn,
				 const struct store_value *value,
				 struct uidset *uids_r);

/* An index's row: only its key counts. */
void mailgroup_mark(struct store_txn *txn, unsigned table,
		    const struct store_key *key);

#endif
