/*
 * What a mail group can be asked to do: commands, their octets, their results.
 *
 * An encoder appends the body of a command to `out` and checks every limit:
 * what it lets through applies without a store error (architecture.md F9). On
 * an error nothing was appended. A decoder checks the same again. Decoded
 * slices borrow from the body, arrays live in the arena, and a `uids` set is
 * the caller's to free (uidset_fini), after an error too. Encoders borrow all.
 *
 * Every command but CLAIM_END may be refused with GONE (the mailbox is sealed),
 * ERR_INUSE (see COPY) and ERR_LIMIT (UIDs or MODSEQs are used up). UIDs and
 * MODSEQ come from apply, in log order; one command is one MODSEQ. A command
 * that changes nothing gives modseq 0 and leaves HIGHESTMODSEQ alone.
 */
#ifndef CLUSTER_MAILGROUP_COMMAND_H
#define CLUSTER_MAILGROUP_COMMAND_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "cluster/mailgroup.h"
#include "raft/command.h"

enum mailgroup_command_kind {
	MAILGROUP_APPEND = COMMAND_FSM_FIRST + 64,
	MAILGROUP_DELIVER,
	MAILGROUP_STORE,
	MAILGROUP_EXPUNGE,
	MAILGROUP_COPY,
	MAILGROUP_COPY_STAGE,
	MAILGROUP_COPY_REVEAL,
	MAILGROUP_COPY_DROP,
	MAILGROUP_SEAL,
	MAILGROUP_PURGE,
	MAILGROUP_REROOT,
	MAILGROUP_CLAIM,
	MAILGROUP_APPEND_CLAIMED,
	MAILGROUP_CLAIM_END,
	MAILGROUP_APPEND_STAGE,
	MAILGROUP_COMMAND_END,
};

#define MAILGROUP_COMMAND_VERSION 1

/* Messages, or UIDs, of one command. */
#define MAILGROUP_ROWS_MAX COMMAND_ROWS_MAX
#define MAILGROUP_TARGETS_MAX 256 /* recipients of one delivery in a group */

/*
 * ERR_NONE: the body is one that an encoder could have made (leader, F9), and
 * `holders_r` says who has the bodies that it names for the first time (F4).
 */
must_use enum err mailgroup_command_check(uint16_t kind, uint8_t version,
					  struct slice body,
					  struct command_holders *holders_r);

/* "APPEND", for logs; NULL: not a mail group's. */
const char *mailgroup_command_name(uint16_t kind);

/*
 * Where messages go. The root is that of the directory's record; it takes
 * effect when the command makes the mailbox's record, later REROOT only.
 */
struct mailgroup_target {
	uint64_t mailbox;
	uint64_t root;
	uint64_t quota_octets;   /* limits of the root; 0: none */
	uint64_t quota_messages; /* OVERQUOTA if it would have more */
};

struct mailgroup_keyword_list {
	const struct slice *names; /* IMAP atoms, not checked as such */
	size_t count; /* at most MAILGROUP_KEYWORDS_MAX, no name twice */
};

/*
 * Who has the bodies, by raft id: the leader refuses the proposal unless they
 * are a majority of its newest voters (F4). apply does not look at them.
 */
struct mailgroup_holders {
	const uint64_t *raft_ids;
	size_t count;
};

/* ---- APPEND ---- */

struct mailgroup_message {
	struct sha256 hash;
	uint64_t size;
	int64_t date_s;
	int16_t zone_min;
	uint8_t flags; /* enum mailgroup_flag */
	struct mailgroup_keyword_list keywords;
	struct slice structure; /* may be left out to fit: made when asked */
};

/*
 * Adds 1 to MAILGROUP_ROWS_MAX messages, all or none (RFC 3502).
 * OVERQUOTA; LIMIT: too many keywords, or a command of more than COMMAND_MAX
 * octets (from the encoder: leave structures out, then refuse).
 */
struct mailgroup_append {
	struct mailgroup_target target;
	uint64_t user; /* whose \Seen */
	struct mailgroup_holders holders;
	const struct mailgroup_message *messages;
	size_t count;
};

/*
 * APPEND_CLAIMED has the body of an APPEND: what a claim of another group
 * brings here. Its op id is the claim's (mailgroup_claim_op), so the table of
 * the slots makes it once and is asked before anything else (model steps M4 to
 * M6).
 */

/* UIDs are first_uid, first_uid + 1, .. in the order of the messages. */
struct mailgroup_append_result {
	uint32_t first_uid;
	uint32_t count;
	uint64_t modseq;
};

/* ---- DELIVER ---- */

/* One recipient: the same body with his own flags. */
struct mailgroup_delivery {
	struct mailgroup_target target;
	uint64_t user;
	struct sha256 key; /* SHA-256(owner, MAIL FROM, octets as received) */
	uint8_t flags;
	struct mailgroup_keyword_list keywords;
};

/*
 * LMTP: one body into up to MAILGROUP_TARGETS_MAX mailboxes, an answer for
 * each. A key that is known from less than MAILGROUP_DELIVERED_MS ago (in the
 * group's time) is answered with its UID, before anything else is asked (S14).
 */
struct mailgroup_deliver {
	struct mailgroup_holders holders;
	struct sha256 hash;
	uint64_t size;
	int64_t date_s;
	int16_t zone_min;
	struct slice structure;
	const struct mailgroup_delivery *deliveries;
	size_t count;
};

struct mailgroup_delivered {
	enum err err; /* NONE, GONE, OVERQUOTA, LIMIT, INUSE */
	uint32_t uid;
	bool duplicate; /* it was there already */
};

struct mailgroup_deliver_result {
	struct mailgroup_delivered deliveries[MAILGROUP_TARGETS_MAX];
	size_t count;
};

/* ---- STORE ---- */

enum mailgroup_store_mode {
	MAILGROUP_STORE_REPLACE = 1, /* FLAGS */
	MAILGROUP_STORE_ADD = 2,     /* +FLAGS */
	MAILGROUP_STORE_REMOVE = 3,  /* -FLAGS */
};

/*
 * `mask` says which flags the user may change at all: REPLACE leaves the
 * others alone (rights s, t, w; keywords go with w).
 */
struct mailgroup_store {
	uint64_t mailbox;
	uint64_t user;
	enum mailgroup_store_mode mode;
	uint8_t flags;
	uint8_t mask;      /* enum mailgroup_flag */
	bool may_keywords; /* REPLACE: keywords too */
	bool conditional;
	uint64_t unchangedsince; /* if conditional */
	struct mailgroup_keyword_list keywords;
	struct uidset uids; /* at most MAILGROUP_ROWS_MAX numbers */
};

/* The sets are the caller's to free. */
struct mailgroup_store_result {
	uint64_t modseq;        /* of those that changed; 0: none did */
	struct uidset modified; /* failed UNCHANGEDSINCE: left alone */
	struct uidset missing;  /* no such message (EXPUNGEISSUED) */
};

/* INUSE also: one of the messages is claimed by a MOVE (model step M11). */

/* ---- EXPUNGE ---- */

/* Leaves messages that a MOVE has claimed (model step M11). */
struct mailgroup_expunge {
	uint64_t mailbox;
	bool only_deleted;  /* leaves those without \Deleted */
	struct uidset uids; /* at most MAILGROUP_ROWS_MAX numbers */
};

struct mailgroup_expunge_result {
	uint64_t modseq;
	struct uidset expunged;
};

/* ---- COPY and MOVE inside the group ---- */

/*
 * What the copies do not get, as the user may not set it at the target (RFC
 * 4314 section 4). In a command of before there was such a thing: nothing.
 */
struct mailgroup_left_out {
	uint8_t flags; /* enum mailgroup_flag */
	bool keywords;
	uint64_t user; /* whose \Seen it is */
};

/*
 * At most MAILGROUP_ROWS_MAX numbers, all or none; messages that are gone are
 * left out. With `move` the originals are expunged in the same step. Flags,
 * keywords, dates and every user's \Seen go along, but for what is left out.
 * Source and target may be one mailbox. OVERQUOTA (not within one root's
 * MOVE); LIMIT: keywords. Messages that are claimed are copied; MOVE leaves
 * them, and is INUSE if all of its messages are.
 */
struct mailgroup_copy {
	uint64_t source;
	struct mailgroup_target target;
	bool move;
	struct uidset uids;
	struct mailgroup_left_out left_out;
};

/* Copies have UIDs first_uid, .. in the order of `copied`. */
struct mailgroup_copy_result {
	uint32_t first_uid;     /* 0: nothing was copied */
	uint64_t modseq;        /* of the target */
	uint64_t source_modseq; /* of MOVE's expunge */
	struct uidset copied;   /* source UIDs; the caller's to free */
};

/*
 * COPY of more than MAILGROUP_ROWS_MAX messages, all or none: STAGE chunks
 * write copies that nobody sees, one REVEAL shows them all, or DROP (repeated
 * until it is done) takes them away.
 *
 * The copies stand at UIDs and a MODSEQ that lie ahead of the mailbox's
 * (MAILGROUP_COPY_UID_GAP, _MODSEQ_GAP), so others append and store meanwhile;
 * REVEAL moves UIDNEXT and HIGHESTMODSEQ behind them. What is ahead of UIDNEXT
 * no question sees. A mailbox has one such copy at a time: ERR_INUSE for the
 * STAGE of another, and for an append that would use up the gap. Whoever is
 * refused for long may DROP it: a copy that was dropped is ERR_STALE for its
 * maker.
 *
 * The copy's id is the op id of its first STAGE, which has `copy.turn` 0.
 */
#define MAILGROUP_COPY_UID_GAP 4096u
#define MAILGROUP_COPY_MODSEQ_GAP (1ull << 24)

/* Messages of one such COPY: REVEAL reads a row per 4,096 of them and user. */
#define MAILGROUP_COPY_MAX 1000000u

struct mailgroup_copy_stage {
	struct op_id copy; /* turn 0: this begins one */
	uint64_t source;
	struct mailgroup_target target;
	uint32_t staged; /* so many copies are there: STALE if not */
	struct uidset uids;
	struct mailgroup_left_out left_out;
};

struct mailgroup_copy_stage_result {
	uint32_t first_uid; /* of this chunk's copies */
	uint32_t staged;    /* with those of the chunks before */
	struct uidset copied;
};

/*
 * The same of messages that come from another group: their bodies are here,
 * their rows come along. The result's `copied` is empty.
 */
struct mailgroup_append_stage {
	struct op_id copy;
	struct mailgroup_target target;
	uint64_t user; /* whose \Seen */
	uint32_t staged;
	struct mailgroup_holders holders;
	const struct mailgroup_message *messages;
	size_t count; /* 1 to MAILGROUP_ROWS_MAX */
};

struct mailgroup_copy_reveal {
	struct op_id copy;
	struct mailgroup_target target;
	uint32_t staged; /* all that were staged: STALE if not */
};

/* Its result is a mailgroup_append_result. OVERQUOTA: then DROP it. */

/* Takes away up to MAILGROUP_ROWS_MAX copies. */
struct mailgroup_copy_drop {
	struct op_id copy;
	uint64_t mailbox;
};

/* ---- MOVE to another group (architecture.md 7) ---- */

/*
 * Claims messages for a mailbox of another group: from now on nobody else
 * expunges, changes or moves them, until CLAIM_END has come with what the
 * target's table has recorded for the claim's append.
 *
 * Claimed are those of `uids` that exist and are not claimed already, as many,
 * from the lowest, as one APPEND_CLAIMED can hold. INUSE: all were claimed;
 * BUSY: all claim slots towards that group are taken.
 */
struct mailgroup_claim {
	uint64_t source;
	uint32_t group; /* that of the target */
	struct mailgroup_target target;
	uint64_t user;      /* whose \Seen goes along */
	struct uidset uids; /* at most MAILGROUP_ROWS_MAX numbers */
	struct mailgroup_left_out left_out;
};

/*
 * The result of CLAIM's op id. CLAIM_END changes it: `ended`, or a refusal. So
 * whoever asks for this op id again hears how the MOVE has gone; "OK" before it
 * has ended says nothing (model steps M3, M8, M10).
 */
struct mailgroup_claim_result {
	uint32_t slot;
	uint64_t turn; /* of the claim; 0: there was nothing to claim */
	bool ended;
	uint32_t first_uid; /* ended: at the target, in the order of `uids` */
	uint64_t source_modseq; /* ended: of the expunge */
	uint32_t last;      /* the command's UIDs up to here were looked at */
	struct uidset uids; /* claimed; the caller's to free */
};

/*
 * Ends a claim with what the target has recorded for it: appended (refusal
 * ERR_NONE), and the messages are expunged; refused, and they are given back.
 * A claim that has ended is left alone, which is no answer for anybody (model
 * steps M8, M9). Never refused, not by a sealed mailbox either (M12).
 */
struct mailgroup_claim_end {
	uint32_t group;
	uint32_t slot;
	uint64_t turn;
	enum err refusal;
	uint32_t first_uid; /* of append's result */
};

/* ---- the end of a mailbox ---- */

/* All later commands for `mailbox` get GONE; its usage is given back. */
struct mailgroup_seal {
	uint64_t mailbox;
};

/*
 * Deletes up to MAILGROUP_ROWS_MAX rows. INVALID: it is not sealed; INUSE: some
 * are claimed by a MOVE that has not ended yet (model step M13).
 */
struct mailgroup_purge {
	uint64_t mailbox;
};

/* Of COPY_DROP and PURGE: repeat while there is more. */
struct mailgroup_more_result {
	bool more;
};

/*
 * The mailboxes count to another root from now on (a RENAME across roots).
 * Sealed ones are left out.
 */
struct mailgroup_reroot {
	uint64_t root;
	const uint64_t *mailboxes;
	size_t count; /* at most MAILGROUP_ROWS_MAX */
};

/* ---- octets ---- */

/* For each command `x`: mailgroup_x_encode and mailgroup_x_decode. */
#define MAILGROUP_CODEC(x)                                             \
	must_use enum err mailgroup_##x##_encode(                      \
		const struct mailgroup_##x *command, struct buf *out); \
	must_use enum err mailgroup_##x##_decode(                      \
		struct slice body, struct arena *arena,                \
		struct mailgroup_##x *command_r)

/* Encoder and decoder of each command above. */
MAILGROUP_CODEC(append);
MAILGROUP_CODEC(deliver);
MAILGROUP_CODEC(store);
MAILGROUP_CODEC(expunge);
MAILGROUP_CODEC(copy);
MAILGROUP_CODEC(copy_stage);
MAILGROUP_CODEC(copy_reveal);
MAILGROUP_CODEC(copy_drop);
MAILGROUP_CODEC(seal);
MAILGROUP_CODEC(purge);
MAILGROUP_CODEC(reroot);
MAILGROUP_CODEC(claim);
MAILGROUP_CODEC(claim_end);
MAILGROUP_CODEC(append_stage);

/* Payloads of commands that were done; the others' are empty. */
#define MAILGROUP_RESULT(x)                       \
	must_use enum err mailgroup_##x##_result( \
		struct slice payload, struct mailgroup_##x##_result *result_r)

/* Decoder of each result above. ERR_SYNTAX: no encoder made this. */
MAILGROUP_RESULT(append);
MAILGROUP_RESULT(deliver);
MAILGROUP_RESULT(store);
MAILGROUP_RESULT(expunge);
MAILGROUP_RESULT(copy);
MAILGROUP_RESULT(copy_stage);
MAILGROUP_RESULT(more);
MAILGROUP_RESULT(claim);

/*
 * The bodies that a command names for the first time: what a replica that
 * applies it must have, or miss (F4). Nothing for other kinds. ERR_SYNTAX and
 * the like: the body is damaged.
 */
must_use enum err mailgroup_command_bodies(uint16_t kind, struct slice body,
					   void (*each)(void *arg,
							const struct sha256 *),
					   void *arg);

#endif
