/*
 * CREATE, DELETE, RENAME, SUBSCRIBE: one entry of the directory each
 * (architecture.md 7).
 *
 * DIRECTORY (read index) -> FIND and rights -> COMMAND -> done
 *
 * A command names the id whose rights were checked; if another mailbox has
 * the name by the time it is applied (ERR_STALE), the op starts again.
 */
#include "server/imap_op.h"
#include "server/node.h"

/* Tries before somebody who renames all the time gets the better of us. */
#define STALE_TRIES 8

/* Deleted mail is kept so long for an undelete. */
#define KEEP_MS (7ull * 24 * 3600 * 1000)

struct names_op {
	struct imap_op op;
	struct imap_found found;
	struct imap_found target; /* RENAME: the new name */
	unsigned tries;
	uint16_t kind;
	imap_op_step *encode; /* fills the proposal, or ends the op */
	imap_op_step *applied;
};

static void names_find(struct imap_op *base);

static void names_answered(struct imap_op *base)
{
	struct names_op *op = (struct names_op *)base;
	enum err err = base->proposal.err;

	if (err == ERR_STALE && ++op->tries < STALE_TRIES)
		imap_op_read_index(base, node_directory(base->link->loop->node),
				   names_find);
	else if (err)
		imap_op_end(base, err == ERR_STALE ? ERR_INUSE : err);
	else if (op->applied)
		op->applied(base);
	else
		imap_op_end(base, ERR_NONE);
}

/* Proposes what was encoded into the proposal's body. */
static void names_propose(struct names_op *op, enum err err)
{
	if (err)
		imap_op_end(&op->op, err);
	else
		imap_op_propose(&op->op, 0, op->kind, names_answered);
}

static void names_find(struct imap_op *base)
{
	((struct names_op *)base)->encode(base);
}

static void names_begin(struct imap_link *link, struct imap_ask *ask,
			uint16_t kind, imap_op_step *encode,
			imap_op_step *applied)
{
	struct names_op *op = imap_op_new(link, ask, sizeof(*op));

	op->kind = kind;
	op->encode = encode;
	op->applied = applied;
	imap_op_read_index(&op->op, node_directory(link->loop->node),
			   names_find);
}

/*
 * May a mailbox of this internal name be made? A name that the client may not
 * know of answers as if the right were missing above it.
 */
static enum err may_create(struct imap_link *link, struct store_txn *txn,
			   const struct imap_found *found, enum err err)
{
	if (err == ERR_INVALID || err == ERR_LIMIT)
		return err;
	if (found->exists && (found->rights & RIGHT_LOOKUP))
		return ERR_EXISTS;
	if (!found->name.len)
		return ERR_CANNOT; /* the prefix of a namespace */
	if (!(imap_parent_rights(link, txn, found->name) & RIGHT_CREATE))
		return ERR_DENIED;
	return found->exists ? ERR_DENIED : ERR_NONE;
}

/* ---- CREATE ---- */

static void create_encode(struct imap_op *base)
{
	struct names_op *op = (struct names_op *)base;
	const struct imap_ask_create *ask =
		container_of(base->ask, struct imap_ask_create, ask);
	struct directory_create command = { 0 };
	struct store_txn *txn;
	enum err err;

	if (!imap_op_read(base, node_directory(base->link->loop->node), &txn))
		return;
	err = imap_find_new(base->link, txn, ask->name, ask->ask.arena,
			    &op->found);
	err = may_create(base->link, txn, &op->found, err);
	if (!imap_op_read_end(base, &txn))
		return;
	command.name = op->found.name;
	command.special_use = (uint8_t)ask->special_use;
	if (!err)
		err = directory_create_encode(&command, imap_op_body(base));
	names_propose(op, err);
}

static void create_applied(struct imap_op *base)
{
	struct imap_ask_create *ask =
		container_of(base->ask, struct imap_ask_create, ask);
	struct directory_create_result result;
	enum err err = command_payload_err(directory_create_result(
		buf_slice(&base->proposal.result), &result));

	if (!err)
		ask->mailbox_id =
			imap_mailbox_id_text(ask->ask.arena, result.id);
	imap_op_end(base, err);
}

void op_create_begin(struct imap_link *link, struct imap_ask *ask)
{
	names_begin(link, ask, DIRECTORY_CREATE, create_encode, create_applied);
}

/* ---- DELETE ---- */

/*
 * Does anything stand below a name that has no record of its own? Only who may
 * look up what is above it learns that.
 */
static enum err absent(struct imap_link *link, struct store_txn *txn,
		       const struct imap_found *found)
{
	bool above =
		found->name.len && !found->exists &&
		(imap_parent_rights(link, txn, found->name) & RIGHT_LOOKUP) &&
		directory_has_children(txn, found->name);

	return above ? ERR_HASCHILDREN : ERR_NOTFOUND;
}

static void delete_encode(struct imap_op *base)
{
	struct names_op *op = (struct names_op *)base;
	const struct imap_ask_delete *ask =
		container_of(base->ask, struct imap_ask_delete, ask);
	struct directory_delete command = { .keep_ms = KEEP_MS };
	struct store_txn *txn;
	enum err err;

	if (!imap_op_read(base, node_directory(base->link->loop->node), &txn))
		return;
	err = imap_find(base->link, txn, ask->name, ask->ask.arena, &op->found);
	if (err == ERR_NOTFOUND)
		err = absent(base->link, txn, &op->found);
	else if (!err && names_is_root(op->found.name) &&
		 names_is_personal(op->found.name))
		err = ERR_CANNOT; /* INBOX (RFC 9051 section 6.3.5) */
	else if (!err && !(op->found.rights & RIGHT_DELETE_MAILBOX))
		err = ERR_DENIED;
	if (!imap_op_read_end(base, &txn))
		return;
	command.name = op->found.name;
	command.id = op->found.id;
	if (!err)
		err = directory_delete_encode(&command, imap_op_body(base));
	names_propose(op, err);
}

static void delete_applied(struct imap_op *base)
{
	node_run_intents(base->link->loop->node);
	imap_op_end(base, ERR_NONE);
}

void op_delete_begin(struct imap_link *link, struct imap_ask *ask)
{
	names_begin(link, ask, DIRECTORY_DELETE, delete_encode, delete_applied);
}

/* ---- RENAME ---- */

/* RFC 4314 section 4: "x" on the old name, "k" above the new one. */
static enum err rename_check(struct names_op *op, struct store_txn *txn)
{
	struct imap_link *link = op->op.link;
	const struct imap_ask_rename *ask =
		container_of(op->op.ask, struct imap_ask_rename, ask);
	enum err err =
		imap_find(link, txn, ask->from, ask->ask.arena, &op->found);

	if (err == ERR_NOTFOUND &&
	    absent(link, txn, &op->found) == ERR_HASCHILDREN)
		err = imap_parent_rights(link, txn, op->found.name) &
				      RIGHT_DELETE_MAILBOX
			      ? ERR_NONE
			      : ERR_DENIED;
	else if (!err && !(op->found.rights & RIGHT_DELETE_MAILBOX))
		err = ERR_DENIED;
	if (err)
		return err;
	err = imap_find_new(link, txn, ask->to, ask->ask.arena, &op->target);
	return may_create(link, txn, &op->target, err);
}

static void rename_encode(struct imap_op *base)
{
	struct names_op *op = (struct names_op *)base;
	struct directory_rename command = { 0 };
	struct store_txn *txn;
	enum err err;

	if (!imap_op_read(base, node_directory(base->link->loop->node), &txn))
		return;
	err = rename_check(op, txn);
	if (!imap_op_read_end(base, &txn))
		return;
	command.from = op->found.name;
	command.to = op->target.name;
	command.id = op->found.id;
	if (!err)
		err = directory_rename_encode(&command, imap_op_body(base));
	names_propose(op, err);
}

static void rename_applied(struct imap_op *base)
{
	node_run_intents(base->link->loop->node);
	imap_op_end(base, ERR_NONE);
}

void op_rename_begin(struct imap_link *link, struct imap_ask *ask)
{
	names_begin(link, ask, DIRECTORY_RENAME, rename_encode, rename_applied);
}

/* ---- SUBSCRIBE ---- */

static void subscribe_encode(struct imap_op *base)
{
	struct names_op *op = (struct names_op *)base;
	const struct imap_ask_subscribe *ask =
		container_of(base->ask, struct imap_ask_subscribe, ask);
	struct directory_subscribe command = {
		.user = buf_slice(&base->link->user.name),
		.subscribed = ask->subscribe,
	};
	struct store_txn *txn;
	enum err err;

	if (!imap_op_read(base, node_directory(base->link->loop->node), &txn))
		return;
	err = imap_find(base->link, txn, ask->name, ask->ask.arena, &op->found);
	if (!imap_op_read_end(base, &txn))
		return;
	/* A name that is gone may be unsubscribed. */
	if (err == ERR_NOTFOUND && !ask->subscribe && op->found.name.len)
		err = ERR_NONE;
	command.name = op->found.name;
	if (!err)
		err = directory_subscribe_encode(&command, imap_op_body(base));
	names_propose(op, err);
}

void op_subscribe_begin(struct imap_link *link, struct imap_ask *ask)
{
	names_begin(link, ask, DIRECTORY_SUBSCRIBE, subscribe_encode, NULL);
}
