/*
 * An op: one ask of an IMAP session on its way through log, disk and state.
 *
 * Each op is one file op_*.c with its steps in order. A step sets where the
 * next answer lands, starts one request and returns; the last one ends the op.
 * Steps run on the link's loop; `imap_op_on_pool` runs a function on a worker
 * in between.
 */
#ifndef SERVER_IMAP_OP_H
#define SERVER_IMAP_OP_H

#include <stdbool.h>

#include "cluster/directory_command.h"
#include "cluster/mailgroup_command.h"
#include "imap/port.h"
#include "raft/replica.h"
#include "server/imap_link.h"

struct imap_op;

typedef void imap_op_step(struct imap_op *op);

/* The head of each op; embedded first. */
struct imap_op {
	struct imap_link *link;
	struct imap_ask *ask;
	imap_op_step *next; /* where the answer of the request lands */
	imap_op_step *work; /* what runs on the worker */
	imap_op_step *fini; /* frees what the op owns; may be NULL */
	bool inside;        /* the session's call has not returned yet */
	struct task task;
	struct read_index read;
	struct proposal proposal;
	bool has_proposal;
	struct timer timer;
	bool in_mailbox;  /* it is proposed in the selected mailbox's group */
	uint64_t applied; /* of the copy that answered (imap_op_far) */
};

/* The port's ask: starts the op of its kind. */
void imap_op_start(struct imap_link *link, struct imap_ask *ask);

/*
 * For a seat: the ask about a mailbox of this id in the group, which was found
 * by another node.
 */
void imap_op_start_found(struct imap_link *link, struct imap_ask *ask,
			 uint32_t group, uint64_t mailbox);

/* A zeroed op of `size` octets whose head is filled. */
void *imap_op_new(struct imap_link *link, struct imap_ask *ask, size_t size);

/* Ends the op: answers the ask with `err`, late, and frees the op. */
void imap_op_end(struct imap_op *op, enum err err);

/*
 * Goes on at `next` when the local copy of the group holds what was
 * acknowledged before; on an error the op ends with it.
 */
void imap_op_read_index(struct imap_op *op, struct replica *replica,
			imap_op_step *next);

/* Runs `work` on a worker, then `next` on the loop. */
void imap_op_on_pool(struct imap_op *op, imap_op_step *work,
		     imap_op_step *next);

/* Goes on at `next` after so long: others have to end something first. */
void imap_op_wait(struct imap_op *op, uint64_t ms, imap_op_step *next);

/* Makes op->proposal anew; its body is to be encoded into what comes back. */
struct buf *imap_op_body(struct imap_op *op);

/*
 * Proposes op->proposal (its body is set) to the group, wherever that is; goes
 * on at `next` whatever the answer is: it stands in op->proposal.err.
 */
void imap_op_propose(struct imap_op *op, uint32_t group, uint16_t kind,
		     imap_op_step *next);

/*
 * Moves up to MAILGROUP_ROWS_MAX of the lowest UIDs of `rest` into `chunk`,
 * which is cleared before: as many as one command takes. False: none is left.
 */
must_use bool imap_op_next_chunk(struct uidset *rest, struct uidset *chunk);

/* A read transaction of the group; ends the op on an error (false). */
must_use bool imap_op_read(struct imap_op *op, struct replica *replica,
			   struct store_txn **txn_r);

/* Ends the transaction; its sticky error, if any, ends the op (false). */
must_use bool imap_op_read_end(struct imap_op *op, struct store_txn **txnp);

/* ---- names ---- */

/* A mailbox as a client's name found it; `name` is in the arena. */
struct imap_found {
	struct slice name; /* internal; set also if it does not exist */
	bool exists;
	uint64_t id;
	uint32_t group;
	uint64_t root;
	uint32_t uidvalidity;
	uint32_t rights; /* the user's, enum right */
	uint8_t special_use;
	struct slice acl;
};

/*
 * Finds a client's name in the directory. ERR_NOTFOUND: it does not exist, or
 * the user may not know that it does: found_r->exists and ->rights then tell
 * the op what the client must not hear.
 */
must_use enum err imap_find(struct imap_link *link, struct store_txn *txn,
			    struct slice client_name, struct arena *arena,
			    struct imap_found *found_r);

/*
 * The same for a name that is to be made, now or at the client's next try
 * (TRYCREATE). ERR_INVALID, ERR_LIMIT: no such name can be.
 */
must_use enum err imap_find_new(struct imap_link *link, struct store_txn *txn,
				struct slice client_name, struct arena *arena,
				struct imap_found *found_r);

/* The limits of the quota root of a mailbox that was found. */
void imap_find_quota(struct store_txn *txn, const struct imap_found *found,
		     uint64_t *octets_r, uint64_t *messages_r);

/* The user's rights at the nearest existing superior of an internal name. */
uint32_t imap_parent_rights(struct imap_link *link, struct store_txn *txn,
			    struct slice name);

/* "M" and the id in hexadecimal: MAILBOXID (RFC 8474). */
struct slice imap_mailbox_id_text(struct arena *arena, uint64_t id);

/* ---- flags and rights between the two wings ---- */

uint32_t imap_flags_of(uint8_t mailgroup_flags);
uint8_t imap_flags_to(uint32_t imap_flags);
uint32_t imap_rights_of(uint32_t rights);
uint32_t imap_rights_to(uint32_t imap_rights);

/* Flags (enum imap_flag) that a new message may have there (RFC 4314 4). */
uint32_t imap_flags_allowed(uint32_t rights);

/* ---- the ops ---- */

typedef void imap_op_begin(struct imap_link *link, struct imap_ask *ask);

imap_op_begin op_user_keys_begin;
imap_op_begin op_password_begin;
imap_op_begin op_list_begin;
imap_op_begin op_open_begin;
imap_op_begin op_sync_begin;
imap_op_begin op_status_begin;
imap_op_begin op_rows_begin;
imap_op_begin op_read_begin;
imap_op_begin op_structure_begin;
imap_op_begin op_search_begin;
imap_op_begin op_store_begin;
imap_op_begin op_expunge_begin;
imap_op_begin op_copy_begin;
imap_op_begin op_upload_begin;
imap_op_begin op_append_begin;
imap_op_begin op_create_begin;
imap_op_begin op_delete_begin;
imap_op_begin op_rename_begin;
imap_op_begin op_subscribe_begin;
imap_op_begin op_get_acl_begin;
imap_op_begin op_set_acl_begin;
imap_op_begin op_rights_begin;
imap_op_begin op_changes_begin;

/* The halves of OPEN and STATUS that need a copy of the group. */
void op_open_found_begin(struct imap_link *link, struct imap_ask *ask,
			 uint32_t group, uint64_t mailbox);
void op_status_found_begin(struct imap_link *link, struct imap_ask *ask,
			   uint32_t group, uint64_t mailbox);

#endif
