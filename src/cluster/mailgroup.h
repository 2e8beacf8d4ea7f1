/*
 * A mail group: what is in its mailboxes, and the questions one may ask it.
 *
 * Mail is keyed by mailbox id; names, rights and UIDVALIDITY are the
 * directory's. It changes by commands only (mailgroup_command.h), applied by
 * mailgroup_fsm.h; here is what a read transaction gives.
 *
 * A mailbox without a record reads as empty, UIDNEXT 1, HIGHESTMODSEQ 1: the
 * first command that names its id makes the record.
 *
 * \Seen is kept per user, for everybody the owner included, as bitmaps over
 * the UIDs: one rule for all, UNSEEN is a subtraction, and marking a thousand
 * messages read touches a few rows. `user` below is the user's id from the
 * directory; 0 is the state that all users of a mailbox share (sharedseen).
 * A change of \Seen counts as a change of the message (its MODSEQ grows) for
 * everybody: others are told flags that they know, which does no harm.
 *
 * Every slice that comes out is borrowed from the transaction: it lives until
 * the transaction ends or its next write. After the transaction has failed
 * (store_txn_error) everything reads as absent.
 */
#ifndef CLUSTER_MAILGROUP_H
#define CLUSTER_MAILGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/slice.h"
#include "base/uidset.h"
#include "raft/command.h"
#include "store/env.h"

/* Limits that encoders, decoders and verify share. */
#define MAILGROUP_KEYWORDS_MAX 128          /* names of a mailbox */
#define MAILGROUP_KEYWORD_NAME_MAX 100      /* octets */
#define MAILGROUP_STRUCTURE_MAX (32 * 1024) /* cached, of one message */

/* Octets of a message: far above what is accepted, far below an overflow. */
#define MAILGROUP_SIZE_MAX (1ull << 40)

/* UIDs of expunged messages that a mailbox remembers for QRESYNC. */
#define MAILGROUP_VANISHED_MAX 100000

/* How long a delivery is known again, in the group's time. */
#define MAILGROUP_DELIVERED_MS (7ull * 24 * 3600 * 1000)

/* Deliveries that are remembered at all: 16 a second for 7 days. */
#define MAILGROUP_DELIVERED_MAX 10000000ull

enum mailgroup_flag {
	MAILGROUP_SEEN = 1 << 0,
	MAILGROUP_ANSWERED = 1 << 1,
	MAILGROUP_FLAGGED = 1 << 2,
	MAILGROUP_DELETED = 1 << 3,
	MAILGROUP_DRAFT = 1 << 4,
};

#define MAILGROUP_FLAGS_ALL 0x1fu

/* ---- STATUS, SELECT ---- */

struct mailgroup_status {
	uint32_t exists;
	uint32_t unseen; /* by `user` */
	uint32_t deleted;
	uint32_t uidnext;
	uint64_t highestmodseq;
	uint64_t size;         /* octets of all messages */
	uint64_t deleted_size; /* of those with \Deleted */
	bool sealed;           /* deleted: commands get GONE */
};

/* Three reads, whatever the size of the mailbox. */
void mailgroup_status_get(struct store_txn *txn, uint64_t mailbox,
			  uint64_t user, struct mailgroup_status *status_r);

/* Adds all UIDs: a row per 4,096 of them. */
void mailgroup_uids(struct store_txn *txn, uint64_t mailbox,
		    struct uidset *uids_r);

/* Adds the UIDs that `user` has seen. */
void mailgroup_seen(struct store_txn *txn, uint64_t mailbox, uint64_t user,
		    struct uidset *uids_r);

/* The lowest UID that `user` has not seen; 0: none. */
uint32_t mailgroup_first_unseen(struct store_txn *txn, uint64_t mailbox,
				uint64_t user);

/*
 * Bit n of a row's keywords is names[n]. The number of a name is good for this
 * transaction only: when all are taken, one that no message has is given away.
 */
struct mailgroup_keywords {
	struct slice names[MAILGROUP_KEYWORDS_MAX]; /* empty: not in use */
	uint32_t messages[MAILGROUP_KEYWORDS_MAX];  /* that have it */
	unsigned count; /* highest number in use, plus one */
};

/* Names are borrowed from the transaction. */
void mailgroup_keywords_get(struct store_txn *txn, uint64_t mailbox,
			    struct mailgroup_keywords *keywords_r);

/* ---- messages ---- */

struct mailgroup_keyword_bits {
	uint64_t words[MAILGROUP_KEYWORDS_MAX / 64];
};

static inline bool
mailgroup_keyword_has(const struct mailgroup_keyword_bits *bits, unsigned n)
{
	return (bits->words[n / 64] >> (n % 64) & 1) != 0;
}

struct mailgroup_row {
	uint32_t uid;

	/* of MAILGROUP_STATE: what changes */
	uint64_t modseq;
	uint8_t flags; /* enum mailgroup_flag; \Seen is that of `user` */
	struct mailgroup_keyword_bits keywords;

	/* of MAILGROUP_FIXED: what is written once */
	int64_t date_s;         /* INTERNALDATE, seconds since 1970 UTC */
	int16_t zone_min;       /* its zone, minutes east */
	uint64_t saved_ms;      /* SAVEDATE: the proposer's clock */
	uint64_t size;          /* RFC822.SIZE */
	struct sha256 hash;     /* names the body; EMAILID comes from it */
	struct slice structure; /* mail/'s own form; empty: not cached */
};

enum mailgroup_part {
	MAILGROUP_STATE = 1 << 0,
	MAILGROUP_FIXED = 1 << 1,
};

/* False: no such message. `parts` says which fields are filled. */
bool mailgroup_row_find(struct store_txn *txn, uint64_t mailbox, uint64_t user,
			uint32_t uid, unsigned parts,
			struct mailgroup_row *row_r);

/*
 * Messages with first <= UID <= last in rising order; begin, _next until it
 * gives false, end, all in one transaction.
 */
struct mailgroup_walk {
	struct store_txn *txn;
	uint64_t mailbox;
	uint64_t user;
	uint32_t last;
	unsigned parts;
	struct store_cursor state;
	struct store_cursor fixed;
	uint32_t seen_chunk; /* which chunk `seen` is of; UINT32_MAX: none */
	struct slice seen;
};

/* `parts` (enum mailgroup_part) says which fields of a row are filled. */
void mailgroup_walk_begin(struct mailgroup_walk *walk, struct store_txn *txn,
			  uint64_t mailbox, uint64_t user, uint32_t first,
			  uint32_t last, unsigned parts);
bool mailgroup_walk_next(struct mailgroup_walk *walk,
			 struct mailgroup_row *row_r);
void mailgroup_walk_end(struct mailgroup_walk *walk);

/* ---- CONDSTORE and QRESYNC (RFC 7162) ---- */

/* Adds the UIDs of messages with a MODSEQ above `since`. */
void mailgroup_changed(struct store_txn *txn, uint64_t mailbox, uint64_t since,
		       struct uidset *uids_r);

/*
 * Adds the UIDs expunged by changes above `since`. False: the table does not
 * reach back so far, and some may be missing: then every UID below UIDNEXT
 * that does not exist has to be taken for vanished.
 */
must_use bool mailgroup_vanished(struct store_txn *txn, uint64_t mailbox,
				 uint64_t since, struct uidset *uids_r);

/* ---- quota ---- */

struct mailgroup_usage {
	uint64_t octets;
	uint64_t messages;
};

/* Exact: a root lives in one group. */
void mailgroup_usage_get(struct store_txn *txn, uint64_t root,
			 struct mailgroup_usage *usage_r);

/* ---- deliveries ---- */

/* The UID under which `key` was delivered less than 7 days ago; 0: never. */
uint32_t mailgroup_delivered_find(struct store_txn *txn,
				  const struct sha256 *key,
				  uint64_t *mailbox_r);

/* ---- bodies: for the sweep (F3) ---- */

/*
 * All rows that name a body, mailbox by mailbox, sealed ones and those of a
 * COPY in the making too. For slices: `mailbox` and `uid` are where the next
 * transaction goes on; zeroed to begin with.
 */
struct mailgroup_body_position {
	uint64_t mailbox;
	uint32_t uid;
};

typedef void mailgroup_body(void *arg, const struct sha256 *hash,
			    uint64_t mailbox, uint32_t uid);

/*
 * Gives up to `rows` rows from `position` and moves it; false: that was all.
 * A row that is copied behind the position and expunged before it is missed:
 * the sweep walks the mailboxes that were published since it began once more,
 * from the UID that they had as UIDNEXT (mailgroup_bodies_from).
 */
bool mailgroup_bodies(struct store_txn *txn,
		      struct mailgroup_body_position *position, unsigned rows,
		      mailgroup_body *body, void *arg);

/* The rows of one mailbox with a UID of `uid` or above. */
void mailgroup_bodies_from(struct store_txn *txn, uint64_t mailbox,
			   uint32_t uid, mailgroup_body *body, void *arg);

/* Mailboxes that have a record, by rising id above `after`; 0: no more. */
uint64_t mailgroup_mailbox_next(struct store_txn *txn, uint64_t after);

/*
 * Is a COPY into this mailbox in the making (mailgroup_command.h)? Gives its
 * id and since when, for who wants to drop an abandoned one.
 */
bool mailgroup_copying(struct store_txn *txn, uint64_t mailbox,
		       struct op_id *copy_r, uint64_t *since_ms_r);

/* ---- verify ---- */

/* One thing that is not as it must be; text is borrowed for the call. */
typedef void mailgroup_finding(void *arg, const char *text);

/*
 * Checks every row against every other that should agree with it: counters,
 * bitmaps, MODSEQ index, usage. Returns the number of findings.
 */
uint64_t mailgroup_verify(struct store_txn *txn, mailgroup_finding *finding,
			  void *arg);

#endif
