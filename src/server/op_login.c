/*
 * Who is it? Keys for SCRAM, passwords for PLAIN and LOGIN.
 *
 * USER_KEYS: LOCAL -> (absent: FRESH) -> done
 * PASSWORD:  LOCAL -> (remembered: done) -> CHECK on a worker
 *              '-> wrong or absent: FRESH -> once more -> done
 *
 * The local copy is enough to let somebody in; before anybody is refused it is
 * brought to what was acknowledged anywhere (architecture.md 4, read_index).
 * An unknown user costs the same time as a wrong password.
 */
#include <string.h>

#include "auth/keys.h"
#include "auth/remember.h"
#include "base/panic.h"
#include "server/imap_op.h"
#include "server/node.h"

static struct slice fake_secret(struct imap_op *op)
{
	return slice_of(op->link->loop->node->fake_secret, SHA256_SIZE);
}

/* Copies stored keys; false if the user has none or they are damaged. */
static bool copy_keys(const struct directory_keys *from, struct auth_keys *to)
{
	if (from->version == 0 || from->iterations == 0 ||
	    from->salt.len > AUTH_SALT_MAX ||
	    from->stored_key.len != SHA256_SIZE ||
	    from->server_key.len != SHA256_SIZE)
		return false;
	to->iterations = from->iterations;
	to->salt_len = from->salt.len;
	memcpy(to->salt, from->salt.data, from->salt.len);
	memcpy(to->stored_key.octets, from->stored_key.data, SHA256_SIZE);
	memcpy(to->server_key.octets, from->server_key.data, SHA256_SIZE);
	return true;
}

/* ---- USER_KEYS ---- */

struct keys_op {
	struct imap_op op;
	bool fresh;
};

static void keys_answer(struct keys_op *keys_op, const struct auth_keys *keys)
{
	struct imap_ask_user_keys *ask =
		container_of(keys_op->op.ask, struct imap_ask_user_keys, ask);
	struct arena *arena = ask->ask.arena;

	ask->iterations = keys->iterations;
	ask->salt = arena_slice(arena, slice_of(keys->salt, keys->salt_len));
	ask->stored_key = arena_slice(
		arena, slice_of(keys->stored_key.octets, SHA256_SIZE));
	ask->server_key = arena_slice(
		arena, slice_of(keys->server_key.octets, SHA256_SIZE));
	imap_op_end(&keys_op->op, ERR_NONE);
}

static void keys_look(struct imap_op *op);

static void keys_fresh(struct imap_op *op)
{
	((struct keys_op *)op)->fresh = true;
	keys_look(op);
}

static void keys_look(struct imap_op *op)
{
	struct keys_op *keys_op = (struct keys_op *)op;
	const struct imap_ask_user_keys *ask =
		container_of(op->ask, struct imap_ask_user_keys, ask);
	struct replica *directory = node_directory(op->link->loop->node);
	struct auth_keys keys = { 0 };
	struct directory_user user;
	struct store_txn *txn;
	bool found;

	if (!imap_op_read(op, directory, &txn))
		return;
	found = directory_user_find(txn, ask->user, &user) &&
		copy_keys(&user.keys, &keys);
	if (!imap_op_read_end(op, &txn))
		return;
	if (!found && !keys_op->fresh) {
		imap_op_read_index(op, directory, keys_fresh);
		return;
	}
	if (!found)
		auth_keys_fake(&keys, fake_secret(op), ask->user);
	keys_answer(keys_op, &keys);
}

void op_user_keys_begin(struct imap_link *link, struct imap_ask *ask)
{
	keys_look(imap_op_new(link, ask, sizeof(struct keys_op)));
}

/* ---- PASSWORD ---- */

struct password_op {
	struct imap_op op;
	bool fresh; /* the copy holds what was acknowledged before */
	bool known; /* there is such a user, with keys */
	bool enabled;
	uint32_t key_version;
	uint64_t id;
	uint32_t group;
	struct auth_keys keys;
	enum err verdict;
};

static struct imap_ask_password *password_ask(struct password_op *op)
{
	return container_of(op->op.ask, struct imap_ask_password, ask);
}

/* The session serves this user from now on. */
static void admit(struct password_op *op)
{
	struct imap_ask_password *ask = password_ask(op);
	struct imap_link *link = op->op.link;
	const struct settings *settings = link->loop->node->settings;
	struct imap_user *user = &link->user;

	buf_clear(&user->name);
	buf_add_slice(&user->name, ask->authcid);
	user->id = op->id;
	user->group = op->group;
	user->key_version = op->key_version;
	user->identity = (struct identity){ .user = buf_slice(&user->name) };
	namespace_init(&user->ns, buf_slice(&user->name));
	user->ns.separator = settings->separator;
	user->ns.alternate = settings->altnamespace;
	user->ns.others = slice_str(settings->others_prefix);
	user->ns.shared = slice_str(settings->shared_prefix);
	ask->user = buf_slice(&user->name);
}

static void password_look(struct imap_op *base);

static void password_fresh(struct imap_op *base)
{
	((struct password_op *)base)->fresh = true;
	password_look(base);
}

/* Refuses on a fresh copy only. */
static void refuse(struct password_op *op, enum err err)
{
	if (op->fresh)
		imap_op_end(&op->op, err);
	else
		imap_op_read_index(&op->op,
				   node_directory(op->op.link->loop->node),
				   password_fresh);
}

static void accept(struct password_op *op)
{
	const struct imap_ask_password *ask = password_ask(op);

	if (!op->enabled) {
		refuse(op, ERR_DISABLED);
		return;
	}
	/* Nobody acts for others yet: there are no proxy rights. */
	if (ask->authzid.len && !slice_eq(ask->authzid, ask->authcid)) {
		imap_op_end(&op->op, ERR_DENIED);
		return;
	}
	admit(op);
	imap_op_end(&op->op, ERR_NONE);
}

static void password_check(struct imap_op *base)
{
	struct password_op *op = (struct password_op *)base;

	op->verdict = auth_keys_check(&op->keys, password_ask(op)->password);
	if (!op->known)
		op->verdict = ERR_AUTH;
}

static void password_checked(struct imap_op *base)
{
	struct password_op *op = (struct password_op *)base;
	const struct imap_ask_password *ask = password_ask(op);
	struct server_loop *loop = base->link->loop;

	if (op->verdict) {
		refuse(op, ERR_AUTH);
		return;
	}
	remember_add(loop->remember, clock_mono_ms(io_loop_clock(loop->io)),
		     ask->authcid, op->key_version, ask->password);
	accept(op);
}

/* What the directory says of the user; false: the op has ended. */
static bool password_load(struct password_op *op)
{
	struct imap_ask_password *ask = password_ask(op);
	struct directory_user user;
	struct store_txn *txn;

	if (!imap_op_read(&op->op, node_directory(op->op.link->loop->node),
			  &txn))
		return false;
	op->known = directory_user_find(txn, ask->authcid, &user);
	if (op->known) {
		op->id = user.id;
		op->group = user.group;
		op->enabled = user.enabled;
		op->key_version = user.keys.version;
		op->known = copy_keys(&user.keys, &op->keys);
	}
	return imap_op_read_end(&op->op, &txn);
}

static void password_look(struct imap_op *base)
{
	struct password_op *op = (struct password_op *)base;
	const struct imap_ask_password *ask = password_ask(op);
	struct server_loop *loop = base->link->loop;

	if (!password_load(op))
		return;
	if (op->known &&
	    (ask->proved ||
	     remember_has(loop->remember,
			  clock_mono_ms(io_loop_clock(loop->io)), ask->authcid,
			  op->key_version, ask->password))) {
		accept(op);
		return;
	}
	if (ask->proved) {
		refuse(op, ERR_AUTH);
		return;
	}
	if (!op->known)
		auth_keys_fake(&op->keys, fake_secret(base), ask->authcid);
	imap_op_on_pool(base, password_check, password_checked);
}

void op_password_begin(struct imap_link *link, struct imap_ask *ask)
{
	password_look(imap_op_new(link, ask, sizeof(struct password_op)));
}
