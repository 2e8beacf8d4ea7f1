/*
 * What all ops share: their life, their requests, names and flags.
 */
#include "server/imap_op.h"

#include "base/mem.h"
#include "base/panic.h"
#include "base/unicode.h"
#include "proxy/routes.h"
#include "server/channel_near.h"
#include "server/node.h"

static imap_op_begin *const begins[] = {
	[IMAP_ASK_USER_KEYS] = op_user_keys_begin,
	[IMAP_ASK_PASSWORD] = op_password_begin,
	[IMAP_ASK_LIST] = op_list_begin,
	[IMAP_ASK_OPEN] = op_open_begin,
	[IMAP_ASK_SYNC] = op_sync_begin,
	[IMAP_ASK_STATUS] = op_status_begin,
	[IMAP_ASK_ROWS] = op_rows_begin,
	[IMAP_ASK_READ] = op_read_begin,
	[IMAP_ASK_STRUCTURE] = op_structure_begin,
	[IMAP_ASK_SEARCH] = op_search_begin,
	[IMAP_ASK_STORE] = op_store_begin,
	[IMAP_ASK_EXPUNGE] = op_expunge_begin,
	[IMAP_ASK_COPY] = op_copy_begin,
	[IMAP_ASK_UPLOAD] = op_upload_begin,
	[IMAP_ASK_APPEND] = op_append_begin,
	[IMAP_ASK_CREATE] = op_create_begin,
	[IMAP_ASK_DELETE] = op_delete_begin,
	[IMAP_ASK_RENAME] = op_rename_begin,
	[IMAP_ASK_SUBSCRIBE] = op_subscribe_begin,
	[IMAP_ASK_GET_ACL] = op_get_acl_begin,
	[IMAP_ASK_SET_ACL] = op_set_acl_begin,
	[IMAP_ASK_RIGHTS] = op_rights_begin,
	[IMAP_ASK_CHANGES] = op_changes_begin,
};

/* Of the selected mailbox; READ and STRUCTURE are of what was shown of it. */
static bool is_of_selected(enum imap_ask_kind kind)
{
	static const enum imap_ask_kind kinds[] = {
		IMAP_ASK_SYNC,    IMAP_ASK_ROWS,    IMAP_ASK_SEARCH,
		IMAP_ASK_STORE,   IMAP_ASK_EXPUNGE, IMAP_ASK_COPY,
		IMAP_ASK_CHANGES,
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i] == kind)
			return true;
	return false;
}

/* OPEN and STATUS find their mailbox here first. */
static bool is_far(const struct imap_link *link, enum imap_ask_kind kind)
{
	return link->far && kind != IMAP_ASK_OPEN && kind != IMAP_ASK_STATUS &&
	       proxy_way_of(kind) == PROXY_WAY_COPY;
}

static void gone_begin(struct imap_link *link, struct imap_ask *ask)
{
	struct imap_op *op = imap_op_new(link, ask, sizeof(*op));

	imap_op_end(op, ERR_GONE);
}

/* ---- life ---- */

/* An op that is still there answers from now on at once. */
static void started(struct imap_link *link)
{
	if (link->starting) {
		link->starting->inside = false;
		link->starting = NULL;
	}
}

/*
 * A deleted mailbox keeps its rows until its group has sealed it, but for the
 * session it has gone with its name.
 */
void imap_op_start(struct imap_link *link, struct imap_ask *ask)
{
	MUST(ask->kind < ARRAY_LEN(begins));
	if (link->mailbox_gone && is_of_selected(ask->kind))
		gone_begin(link, ask);
	else if (is_far(link, ask->kind))
		op_far_begin(link, ask);
	else
		begins[ask->kind](link, ask);
	started(link);
}

void imap_op_start_found(struct imap_link *link, struct imap_ask *ask,
			 uint32_t group, uint64_t mailbox)
{
	MUST(proxy_way_of(ask->kind) == PROXY_WAY_COPY);
	if (ask->kind == IMAP_ASK_OPEN)
		op_open_found_begin(link, ask, group, mailbox);
	else if (ask->kind == IMAP_ASK_STATUS)
		op_status_found_begin(link, ask, group, mailbox);
	else
		begins[ask->kind](link, ask);
	started(link);
}

void *imap_op_new(struct imap_link *link, struct imap_ask *ask, size_t size)
{
	struct imap_op *op = mem_zalloc(1, size);

	op->link = link;
	op->ask = ask;
	op->inside = true;
	link->starting = op;
	return op;
}

static void answer(struct task *task)
{
	struct imap_op *op = container_of(task, struct imap_op, task);
	struct imap_link *link = op->link;
	struct imap_ask *ask = op->ask;

	if (op->fini)
		op->fini(op);
	if (op->has_proposal)
		proposal_fini(&op->proposal);
	mem_free(op);
	imap_link_answer(link, ask);
}

void imap_op_end(struct imap_op *op, enum err err)
{
	op->ask->err = err;
	if (op->inside) {
		op->link->starting = NULL;
		task_post(op->link->loop->executor, &op->task, answer);
	} else {
		answer(&op->task);
	}
}

/* ---- requests ---- */

static void read_index_answered(struct read_index *read)
{
	struct imap_op *op = read->owner;

	if (read->err)
		imap_op_end(op, read->err == ERR_TIMEOUT ? ERR_UNAVAILABLE
							 : read->err);
	else
		op->next(op);
}

void imap_op_read_index(struct imap_op *op, struct replica *replica,
			imap_op_step *next)
{
	if (!replica) {
		imap_op_end(op, ERR_UNAVAILABLE);
		return;
	}
	op->next = next;
	op->read = (struct read_index){
		.home = op->link->loop->executor,
		.owner = op,
	};
	replica_read_index(replica, &op->read, read_index_answered);
}

static void worked(struct task *task)
{
	struct imap_op *op = container_of(task, struct imap_op, task);

	op->next(op);
}

static void work(struct task *task)
{
	struct imap_op *op = container_of(task, struct imap_op, task);

	op->work(op);
	task_post(op->link->loop->executor, &op->task, worked);
}

void imap_op_on_pool(struct imap_op *op, imap_op_step *run, imap_op_step *next)
{
	op->work = run;
	op->next = next;
	task_post(io_pool_executor(op->link->loop->node->pool), &op->task,
		  work);
}

static void waited(struct timer *timer)
{
	struct imap_op *op = container_of(timer, struct imap_op, timer);

	op->next(op);
}

void imap_op_wait(struct imap_op *op, uint64_t ms, imap_op_step *next)
{
	op->next = next;
	timer_init(&op->timer, waited);
	timer_set(io_loop_timers(op->link->loop->io), &op->timer, ms);
}

static void proposal_answered(struct proposal *proposal)
{
	struct imap_op *op = proposal->owner;

	if (op->in_mailbox)
		imap_link_wrote(op->link, op->link->mailbox_group,
				proposal->index);
	op->next(op);
}

void imap_op_propose(struct imap_op *op, uint32_t group, uint16_t kind,
		     imap_op_step *next)
{
	struct proposer *proposer = node_proposer(op->link->loop->node, group);

	MUST(op->has_proposal);
	op->next = next;
	if (!proposer) {
		op->proposal.err = ERR_UNAVAILABLE;
		next(op);
		return;
	}
	op->in_mailbox = group == op->link->mailbox_group;
	op->proposal.kind = kind;
	op->proposal.version = 1;
	proposer_propose(proposer, &op->proposal, proposal_answered);
}

struct buf *imap_op_body(struct imap_op *op)
{
	if (op->has_proposal)
		proposal_fini(&op->proposal);
	proposal_init(&op->proposal, op->link->loop->executor, op);
	op->has_proposal = true;
	return &op->proposal.body;
}

bool imap_op_next_chunk(struct uidset *rest, struct uidset *chunk)
{
	uint64_t size = uidset_size(rest);

	uidset_clear(chunk);
	if (size == 0)
		return false;
	uidset_copy(chunk, rest);
	if (size > MAILGROUP_ROWS_MAX)
		uidset_remove(chunk, uidset_nth(rest, MAILGROUP_ROWS_MAX),
			      UINT32_MAX);
	uidset_remove_set(rest, chunk);
	return true;
}

bool imap_op_read(struct imap_op *op, struct replica *replica,
		  struct store_txn **txn_r)
{
	struct store_env *env = replica ? replica_env(replica) : NULL;
	enum err err = ERR_UNAVAILABLE;

	if (env)
		err = store_read_begin(env, txn_r);
	if (err)
		imap_op_end(op, ERR_UNAVAILABLE);
	return err == ERR_NONE;
}

bool imap_op_read_end(struct imap_op *op, struct store_txn **txnp)
{
	enum err err = store_txn_error(*txnp);

	store_end(txnp);
	if (err)
		imap_op_end(op, ERR_UNAVAILABLE);
	return err == ERR_NONE;
}

/* ---- names ---- */

/* The internal name, in the arena. */
static enum err internal_name(struct imap_link *link, struct slice client,
			      struct arena *arena, struct slice *name_r)
{
	struct buf normal = { 0 };
	struct buf name = { 0 };
	enum err err = unicode_nfc(client, &normal);

	if (err)
		err = ERR_INVALID;
	else
		err = namespace_to_internal(&link->user.ns, buf_slice(&normal),
					    &name);
	if (!err)
		err = names_check(buf_slice(&name));
	if (!err)
		*name_r = arena_slice(arena, buf_slice(&name));
	buf_fini(&normal);
	buf_fini(&name);
	return err;
}

enum err imap_find_new(struct imap_link *link, struct store_txn *txn,
		       struct slice client_name, struct arena *arena,
		       struct imap_found *found_r)
{
	struct directory_mailbox mailbox;
	enum err err;

	*found_r = (struct imap_found){ 0 };
	err = internal_name(link, client_name, arena, &found_r->name);
	if (err)
		return err;
	if (!directory_mailbox_find(txn, found_r->name, &mailbox))
		return ERR_NOTFOUND;
	found_r->exists = true;
	found_r->id = mailbox.id;
	found_r->group = mailbox.group;
	found_r->root = mailbox.root;
	found_r->uidvalidity = mailbox.uidvalidity;
	found_r->special_use = mailbox.special_use;
	found_r->acl = arena_slice(arena, mailbox.acl);
	found_r->rights = directory_rights(&mailbox, &link->user.identity);
	if (!(found_r->rights & RIGHT_LOOKUP))
		return ERR_NOTFOUND;
	return ERR_NONE;
}

enum err imap_find(struct imap_link *link, struct store_txn *txn,
		   struct slice client_name, struct arena *arena,
		   struct imap_found *found_r)
{
	enum err err = imap_find_new(link, txn, client_name, arena, found_r);

	return err == ERR_INVALID || err == ERR_LIMIT ? ERR_NOTFOUND : err;
}

void imap_find_quota(struct store_txn *txn, const struct imap_found *found,
		     uint64_t *octets_r, uint64_t *messages_r)
{
	struct buf owner = { 0 };
	struct directory_user user;

	*octets_r = 0;
	*messages_r = 0;
	if (names_add_owner(found->name, &owner) &&
	    directory_user_find(txn, buf_slice(&owner), &user)) {
		*octets_r = user.quota_octets;
		*messages_r = user.quota_messages;
	}
	buf_fini(&owner);
}

uint32_t imap_parent_rights(struct imap_link *link, struct store_txn *txn,
			    struct slice name)
{
	struct directory_mailbox mailbox;

	while (names_parent(name, &name))
		if (directory_mailbox_find(txn, name, &mailbox))
			return directory_rights(&mailbox, &link->user.identity);
	return 0;
}

struct slice imap_mailbox_id_text(struct arena *arena, uint64_t id)
{
	return slice_str(arena_printf(arena, "M%llx", (unsigned long long)id));
}

/* ---- flags and rights ---- */

static const struct {
	uint8_t mailgroup;
	uint32_t imap;
} flag_map[] = {
	{ MAILGROUP_SEEN, IMAP_FLAG_SEEN },
	{ MAILGROUP_ANSWERED, IMAP_FLAG_ANSWERED },
	{ MAILGROUP_FLAGGED, IMAP_FLAG_FLAGGED },
	{ MAILGROUP_DELETED, IMAP_FLAG_DELETED },
	{ MAILGROUP_DRAFT, IMAP_FLAG_DRAFT },
};

uint32_t imap_flags_of(uint8_t mailgroup_flags)
{
	uint32_t flags = 0;

	for (size_t i = 0; i < ARRAY_LEN(flag_map); i++)
		if (mailgroup_flags & flag_map[i].mailgroup)
			flags |= flag_map[i].imap;
	return flags;
}

uint8_t imap_flags_to(uint32_t imap_flags)
{
	uint8_t flags = 0;

	for (size_t i = 0; i < ARRAY_LEN(flag_map); i++)
		if (imap_flags & flag_map[i].imap)
			flags |= flag_map[i].mailgroup;
	return flags;
}

static const struct {
	uint32_t right;
	uint32_t imap;
} right_map[] = {
	{ RIGHT_LOOKUP, IMAP_RIGHT_LOOKUP },
	{ RIGHT_READ, IMAP_RIGHT_READ },
	{ RIGHT_SEEN, IMAP_RIGHT_SEEN },
	{ RIGHT_WRITE, IMAP_RIGHT_WRITE },
	{ RIGHT_INSERT, IMAP_RIGHT_INSERT },
	{ RIGHT_POST, IMAP_RIGHT_POST },
	{ RIGHT_CREATE, IMAP_RIGHT_CREATE },
	{ RIGHT_DELETE_MAILBOX, IMAP_RIGHT_DELETE_MAILBOX },
	{ RIGHT_DELETE_MESSAGE, IMAP_RIGHT_DELETE_MESSAGE },
	{ RIGHT_EXPUNGE, IMAP_RIGHT_EXPUNGE },
	{ RIGHT_ADMIN, IMAP_RIGHT_ADMIN },
};

uint32_t imap_rights_of(uint32_t rights)
{
	uint32_t imap = 0;

	for (size_t i = 0; i < ARRAY_LEN(right_map); i++)
		if (rights & right_map[i].right)
			imap |= right_map[i].imap;
	return imap;
}

uint32_t imap_rights_to(uint32_t imap_rights)
{
	uint32_t rights = 0;

	for (size_t i = 0; i < ARRAY_LEN(right_map); i++)
		if (imap_rights & right_map[i].imap)
			rights |= right_map[i].right;
	return rights;
}

uint32_t imap_flags_allowed(uint32_t rights)
{
	uint32_t flags = 0;

	if (rights & RIGHT_SEEN)
		flags |= IMAP_FLAG_SEEN;
	if (rights & RIGHT_DELETE_MESSAGE)
		flags |= IMAP_FLAG_DELETED;
	if (rights & RIGHT_WRITE)
		flags |= IMAP_FLAG_ANSWERED | IMAP_FLAG_FLAGGED |
			 IMAP_FLAG_DRAFT;
	return flags;
}
