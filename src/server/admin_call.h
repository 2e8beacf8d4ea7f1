/*
 * One command of the admin socket on its way: what the admin_*.c files share.
 *
 * A handler is called on the main loop with the arguments; it ends the call,
 * at once or later, by admin_ok or one of the failures.
 */
#ifndef SERVER_ADMIN_CALL_H
#define SERVER_ADMIN_CALL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "raft/replica.h"
#include "server/node.h"

struct admin_call;
struct admin_link;

typedef void admin_step(struct admin_call *call);

struct admin_call {
	struct admin_link *link;
	struct node *node;
	json_t *args; /* object; owned by the call */
	admin_step *next;
	admin_step *work;
	const char *what; /* for the text of a refusal; static */
	void *state;      /* the handler's, freed by `fini` */
	admin_step *fini; /* may be NULL */
	struct task task;
	struct read_index read;
	struct proposal proposal;
};

/* Ends the call. `result` is taken over; NULL: an empty object. */
void admin_ok(struct admin_call *call, json_t *result);
void admin_fail(struct admin_call *call, enum err err, const char *fmt, ...)
	printf_like(3, 4);

/* A line {"v":1,"progress":{...}}; `progress` is taken over. */
void admin_progress(struct admin_call *call, json_t *progress);

/* Text argument; fails the call and gives false if it is missing. */
must_use bool admin_text(struct admin_call *call, const char *name,
			 struct slice *text_r);

/* The same, but may be absent: then empty. */
struct slice admin_text_or_none(const struct admin_call *call,
				const char *name);

/* Goes on at `next`, or fails the call. */
void admin_read_index(struct admin_call *call, uint32_t group,
		      admin_step *next);
void admin_on_pool(struct admin_call *call, admin_step *work, admin_step *next);

/* Makes the proposal anew; the command is encoded into what comes back. */
struct buf *admin_body(struct admin_call *call);

/*
 * `err`: of the encoder. Goes on at `next` when the command was applied; a
 * refusal fails the call with `what` and the error's text.
 */
void admin_propose(struct admin_call *call, uint32_t group, uint16_t kind,
		   enum err err, const char *what, admin_step *next);

/* A read transaction of a group; fails the call on an error (false). */
must_use bool admin_read(struct admin_call *call, uint32_t group,
			 struct store_txn **txn_r);

/* Adds an object for each row; on a worker. */
typedef void admin_list_walk(struct admin_call *call, struct store_txn *txn,
			     json_t *items);

/*
 * Ends the call with {key: [...]} of the directory's newest state. It has no
 * state of its own. `key` is static.
 */
void admin_list(struct admin_call *call, const char *key,
		admin_list_walk *walk);

/* Adds what concerns the whole cluster to `result`, and ends the call. */
void admin_cluster(struct admin_call *call, json_t *result);

/* ["master", ..] of enum directory_role. */
json_t *admin_roles_json(uint8_t roles);

/* Octets as a JSON string; what is no UTF-8 becomes U+FFFD. */
json_t *admin_string(struct slice text);

/* ---- raw octets behind a request: import ---- */

/* Takes a prefix of `in` and says how long it was; 0: pause. */
typedef size_t admin_raw(struct admin_call *call, struct slice in);

/* The connection's octets go to `raw` until the call ends. */
void admin_set_raw(struct admin_call *call, admin_raw *raw);

/* After `raw` has paused. */
void admin_resume(struct admin_call *call);

/* The peer is gone: a call that waits for its octets ends itself. */
bool admin_is_gone(const struct admin_call *call);

/* ---- the commands ---- */

admin_step admin_init;
admin_step admin_join;
admin_step admin_token_create;
admin_step admin_token_list;
admin_step admin_node_set;
admin_step admin_node_promote;
admin_step admin_node_demote;
admin_step admin_node_drain;
admin_step admin_node_undrain;
admin_step admin_node_leave;
admin_step admin_node_remove;
admin_step admin_status;
admin_step admin_verify;
admin_step admin_user_add;
admin_step admin_user_passwd;
admin_step admin_user_list;
admin_step admin_user_remove;
admin_step admin_mailbox_list;
admin_step admin_mailbox_create;
admin_step admin_mailbox_delete;
admin_step admin_mailbox_rename;
admin_step admin_mailbox_acl;
admin_step admin_import;
admin_step admin_log_dump;
admin_step admin_stop_node;
admin_step admin_sweep;
admin_step admin_routes;

#endif
