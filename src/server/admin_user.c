/*
 * user add, passwd, list, remove.
 *
 * A password becomes SCRAM keys on a worker, then a command of the directory;
 * it is wiped with the request.
 */
#include "auth/keys.h"
#include "base/mem.h"
#include "cluster/directory_command.h"
#include "server/admin_call.h"

/* Deleted users' mail is kept so long for an undelete. */
#define KEEP_MS (7ull * 24 * 3600 * 1000)

struct user_state {
	struct auth_keys keys;
	struct slice name;
	struct slice password;
	enum err err;
	struct buf prepared;
};

static void user_fini(struct admin_call *call)
{
	struct user_state *state = call->state;

	buf_fini(&state->prepared);
	/* It lies in the request, which nobody reads any more. */
	secret_wipe((void *)(uintptr_t)state->password.data,
		    state->password.len);
	secret_wipe(state, sizeof(*state));
	mem_free(state);
}

static void make_keys(struct admin_call *call)
{
	struct user_state *state = call->state;

	state->err = auth_keys_make(&state->keys, state->password,
				    call->node->random);
}

/* Name and password of the request; false: the call has failed. */
static bool user_begin(struct admin_call *call)
{
	struct user_state *state = mem_zalloc(1, sizeof(*state));

	call->state = state;
	call->fini = user_fini;
	if (!admin_text(call, "name", &state->name) ||
	    !admin_text(call, "password", &state->password))
		return false;
	if (auth_user_prepare(state->name, &state->prepared)) {
		admin_fail(call, ERR_INVALID, "no user can have this name");
		return false;
	}
	return true;
}

static struct directory_keys keys_of(const struct user_state *state)
{
	const struct auth_keys *keys = &state->keys;

	return (struct directory_keys){
		.version = 1,
		.iterations = keys->iterations,
		.salt = slice_of(keys->salt, keys->salt_len),
		.stored_key = slice_of(keys->stored_key.octets, SHA256_SIZE),
		.server_key = slice_of(keys->server_key.octets, SHA256_SIZE),
	};
}

/* ---- add ---- */

static void added(struct admin_call *call)
{
	struct directory_user_add_result result;

	if (directory_user_add_result(buf_slice(&call->proposal.result),
				      &result))
		admin_fail(call, ERR_CORRUPT, "the answer is damaged");
	else
		admin_ok(call,
			 json_pack("{s:I}", "group", (json_int_t)result.group));
}

static void add(struct admin_call *call)
{
	struct user_state *state = call->state;
	struct directory_user_add command = {
		.name = buf_slice(&state->prepared),
		.enabled = true,
	};
	enum err err = state->err;

	if (err) {
		admin_fail(call, err, "this password cannot be used");
		return;
	}
	command.keys = keys_of(state);
	err = directory_user_add_encode(&command, admin_body(call));
	admin_propose(call, 0, DIRECTORY_USER_ADD, err, "user add", added);
}

void admin_user_add(struct admin_call *call)
{
	if (user_begin(call))
		admin_on_pool(call, make_keys, add);
}

/* ---- passwd ---- */

static void done(struct admin_call *call)
{
	admin_ok(call, NULL);
}

static void set(struct admin_call *call)
{
	struct user_state *state = call->state;
	struct directory_user_set command = {
		.name = buf_slice(&state->prepared),
		.fields = DIRECTORY_USER_KEYS,
	};
	enum err err = state->err;

	if (err) {
		admin_fail(call, err, "this password cannot be used");
		return;
	}
	command.keys = keys_of(state);
	err = directory_user_set_encode(&command, admin_body(call));
	admin_propose(call, 0, DIRECTORY_USER_SET, err, "user passwd", done);
}

void admin_user_passwd(struct admin_call *call)
{
	if (user_begin(call))
		admin_on_pool(call, make_keys, set);
}

/* ---- remove ---- */

static void removed(struct admin_call *call)
{
	struct directory_user_remove_result result;

	if (directory_user_remove_result(buf_slice(&call->proposal.result),
					 &result))
		admin_fail(call, ERR_CORRUPT, "the answer is damaged");
	else
		admin_ok(call, json_pack("{s:I}", "mailboxes",
					 (json_int_t)result.mailboxes));
}

void admin_user_remove(struct admin_call *call)
{
	struct directory_user_remove command = { .keep_ms = KEEP_MS };
	enum err err;

	if (!admin_text(call, "name", &command.name))
		return;
	err = directory_user_remove_encode(&command, admin_body(call));
	admin_propose(call, 0, DIRECTORY_USER_REMOVE, err, "user remove",
		      removed);
}

/* ---- list ---- */

static json_t *user_json(const struct directory_user *user)
{
	return json_pack("{s:o, s:I, s:b, s:I, s:I}", "name",
			 admin_string(user->name), "group",
			 (json_int_t)user->group, "enabled", (int)user->enabled,
			 "mailboxes", (json_int_t)user->mailboxes, "quota",
			 (json_int_t)user->quota_octets);
}

static void list(struct admin_call *call unused_arg, struct store_txn *txn,
		 json_t *items)
{
	struct directory_walk walk;
	struct directory_user user;

	directory_user_walk(&walk, txn, SLICE_NONE);
	while (directory_user_next(&walk, &user))
		json_array_append_new(items, user_json(&user));
	directory_walk_end(&walk);
}

void admin_user_list(struct admin_call *call)
{
	admin_list(call, "users", list);
}
