/*
 * LMTP's RCPT: may this address receive, and where?
 *
 * DIRECTORY (read index) -> FIND the user and his folder -> answer
 *
 * Failures: no such user, a disabled one, a directory that cannot be read.
 */
#include "base/mem.h"
#include "base/unicode.h"
#include "cluster/directory.h"
#include "server/node.h"
#include "server/op_deliver.h"

struct recipient_op {
	struct lmtp_link *link;
	struct lmtp_ask_recipient *ask;
	struct read_index read;
	struct task task;
};

static void recipient_answer(struct task *task)
{
	struct recipient_op *op = container_of(task, struct recipient_op, task);
	struct lmtp_link *link = op->link;
	struct lmtp_ask *ask = &op->ask->ask;

	mem_free(op);
	lmtp_link_answer(link, ask);
}

/* The whole address, else its local part: `john@example.org`, `john`. */
static bool find_user(struct store_txn *txn, struct slice address,
		      struct directory_user *user_r)
{
	struct slice domain = address;
	struct slice local = slice_cut(&domain, '@');

	return directory_user_find(txn, address, user_r) ||
	       directory_user_find(txn, local, user_r);
}

/* INBOX, or the folder that the detail names if there is one. */
static bool find_mailbox(struct store_txn *txn, struct slice user,
			 struct slice detail,
			 struct directory_mailbox *mailbox_r)
{
	struct buf name = { 0 };
	size_t inbox_len;
	bool found = false;

	names_add_inbox(user, &name);
	inbox_len = name.len;
	if (detail.len) {
		buf_add_octet(&name, '.');
		if (unicode_nfc(detail, &name) == ERR_NONE &&
		    names_check(buf_slice(&name)) == ERR_NONE)
			found = directory_mailbox_find(txn, buf_slice(&name),
						       mailbox_r);
	}
	if (!found)
		found = directory_mailbox_find(
			txn, slice_first(buf_slice(&name), inbox_len),
			mailbox_r);
	buf_fini(&name);
	return found;
}

static enum err find_target(struct recipient_op *op, struct store_txn *txn)
{
	struct lmtp_ask_recipient *ask = op->ask;
	struct directory_mailbox mailbox;
	struct directory_user user;
	struct deliver_target *target;

	if (!find_user(txn, ask->user, &user))
		return ERR_NOTFOUND;
	if (!user.enabled)
		return ERR_DISABLED;
	if (!find_mailbox(txn, user.name, ask->detail, &mailbox))
		return ERR_NOTFOUND;
	target = ARENA_NEW(ask->ask.arena, struct deliver_target);
	target->user = arena_slice(ask->ask.arena, user.name);
	target->user_id = user.id;
	target->mailbox = mailbox.id;
	target->root = mailbox.root;
	target->group = mailbox.group;
	target->quota_octets = user.quota_octets;
	target->quota_messages = user.quota_messages;
	ask->target = target;
	return ERR_NONE;
}

static void recipient_find(struct read_index *read)
{
	struct recipient_op *op = read->owner;
	struct replica *directory = node_directory(op->link->head.loop->node);
	struct store_env *env = replica_env(directory);
	struct store_txn *txn;
	enum err err = read->err ? ERR_UNAVAILABLE : ERR_NONE;

	if (!err && (!env || store_read_begin(env, &txn)))
		err = ERR_UNAVAILABLE;
	if (!err) {
		err = find_target(op, txn);
		if (store_txn_error(txn))
			err = ERR_UNAVAILABLE;
		store_end(&txn);
	}
	op->ask->ask.err = err;
	recipient_answer(&op->task);
}

void deliver_recipient(struct lmtp_link *link, struct lmtp_ask *ask)
{
	struct recipient_op *op = mem_zalloc(1, sizeof(*op));

	op->link = link;
	op->ask = container_of(ask, struct lmtp_ask_recipient, ask);
	op->read.home = link->head.loop->executor;
	op->read.owner = op;
	replica_read_index(node_directory(link->head.loop->node), &op->read,
			   recipient_find);
}
