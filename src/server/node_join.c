/*
 * `murderctl join`: a node that was never initialised becomes a member.
 *
 * ASK: a member is asked, by the token -> WRITE: <data>/welcome, then the
 * identity, and the directory's replica is opened, empty -> links to the
 * members -> WAIT: the directory arrives by its log -> listeners -> done
 *
 * Before WRITE nothing has changed here: join may be tried again, with the
 * same token. Behind it the node is a member, whatever happens: one that dies
 * goes on at its next start.
 */
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/directory.h"
#include "cluster/welcome.h"
#include "io/disk.h"
#include "server/node.h"
#include "server/node_groups.h"
#include "server/node_peers.h"
#include "server/node_serve.h"
#include "server/small_file.h"

#define JOIN_LOOK_MS 50 /* has the directory come? */

struct join_op {
	struct node *node;
	node_done *done;
	void *arg;
	struct welcome_token token;
	struct buf address;
	struct buf ask;
	struct peers_join join;
	struct welcome welcome;
	struct arena arena;
	struct timer look;
	struct task task;
	enum err err;
	struct buf why;
};

static void finish(struct join_op *op, enum err err)
{
	struct node *node = op->node;

	if (node->join == op)
		node->join = NULL;
	timer_stop(io_loop_timers(node->main), &op->look);
	if (err)
		LOG_ERROR("join: %s",
			  op->why.len ? buf_cstr(&op->why) : err_text(err));
	op->done(op->arg, err, buf_cstr(&op->why));
	secret_wipe(&op->token, sizeof(op->token));
	secret_wipe(op->ask.data, op->ask.len);
	buf_fini(&op->ask);
	buf_fini(&op->address);
	buf_fini(&op->join.answer);
	arena_fini(&op->arena);
	buf_fini(&op->why);
	mem_free(op);
	if (node->stop_asked)
		node_stop(node);
}

/* ---- WAIT ---- */

/* Is this node's own row here? Then so is all that was before it. */
static bool has_arrived(const struct node *node)
{
	struct store_env *env = replica_env(node_directory(node));
	struct directory_member member;
	struct store_txn *txn;
	bool has;

	if (!env || store_read_begin(env, &txn))
		return false;
	has = directory_member_find(txn, node->identity.node, &member);
	store_end(&txn);
	return has;
}

static void look(struct timer *timer)
{
	struct join_op *op = container_of(timer, struct join_op, look);
	struct node *node = op->node;
	enum err err = ERR_NONE;

	if (!node->stop_asked && !has_arrived(node)) {
		timer_set(io_loop_timers(node->main), timer, JOIN_LOOK_MS);
		return;
	}
	if (!node->stop_asked)
		err = node_listen_clients(node, &op->why);
	if (!err)
		LOG_INFO("joined as node %u (%s)", node->identity.node,
			 node->identity.name);
	finish(op, err);
}

/* ---- WRITE ---- */

static void opened(struct task *task)
{
	struct join_op *op = container_of(task, struct join_op, task);
	struct node *node = op->node;

	if (op->err) {
		finish(op, op->err);
		return;
	}
	node->serving = true;
	node_work_begin(node);
	node_peers_raised(node);
	node_peers_welcome(node, &op->welcome);
	node_groups_start(node);
	op->err = node_listen_nodes(node, &op->why);
	if (op->err)
		finish(op, op->err);
	else
		timer_set(io_loop_timers(node->main), &op->look, JOIN_LOOK_MS);
}

static void fill_identity(struct join_op *op)
{
	struct identity_file *identity = &op->node->identity;
	const struct identity_replica directory = {
		.group = 0,
		.raft_id = op->welcome.raft_id,
	};

	memcpy(identity->cluster, op->welcome.cluster.data,
	       op->welcome.cluster.len);
	identity->cluster[op->welcome.cluster.len] = '\0';
	memcpy(identity->name, op->token.name, sizeof(identity->name));
	identity->node = op->welcome.node;
	identity->ready = true;
	identity_put_replica(identity, &directory);
}

/* On the log loop, which has nothing else to do yet: its timers are used. */
static void open_groups(struct task *task)
{
	struct join_op *op = container_of(task, struct join_op, task);
	struct node *node = op->node;

	op->err = small_file_replace(io_disk(), node->settings->data, "welcome",
				     buf_slice(&op->join.answer));
	CRASH_POINT("join_welcome");
	if (!op->err)
		op->err = node_groups_open(node, &op->why);
	CRASH_POINT("join_identity");
	task_post(io_loop_executor(node->main), &op->task, opened);
}

/* ---- ASK ---- */

static void answered(struct peers_join *join)
{
	struct join_op *op = join->owner;
	struct node *node = op->node;
	enum err err = join->err;

	if (err) {
		buf_add_str(&op->why, join->text);
		finish(op, err);
		return;
	}
	err = welcome_decode(buf_slice(&join->answer), &op->arena,
			     &op->welcome);
	if (err || op->welcome.node == 0 || op->welcome.raft_id == 0) {
		buf_add_str(&op->why, "the answer cannot be understood");
		finish(op, err ? err : ERR_SYNTAX);
		return;
	}
	fill_identity(op);
	task_post(io_loop_executor(node->log), &op->task, open_groups);
}

/* Links that can ask; they stay for another try. */
static enum err links(struct join_op *op)
{
	struct node *node = op->node;
	enum err err = ERR_NONE;

	if (node->peers)
		return ERR_NONE;
	err = node_peers_open(node, &op->why);
	if (!err)
		node_peers_start(node);
	return err;
}

static void ask(struct join_op *op)
{
	const struct settings *settings = op->node->settings;
	struct welcome_ask ask = {
		.secret = slice_of(op->token.secret, WELCOME_SECRET_SIZE),
		.name = slice_str(op->token.name),
		.addresses = { slice_str(settings->cluster_address) },
		.address_count = 1,
		.feature_level = DIRECTORY_FEATURE_LEVEL,
	};
	enum err err = welcome_ask_encode(&ask, &op->ask);

	if (!err)
		err = links(op);
	if (err) {
		finish(op, err);
		return;
	}
	op->join = (struct peers_join){
		.address = buf_cstr(&op->address),
		.pin = &op->token.key_hash,
		.ask = buf_slice(&op->ask),
		.home = io_loop_executor(op->node->main),
		.owner = op,
	};
	peers_join(op->node->peers, &op->join, answered);
}

static enum err check(struct join_op *op, struct slice token)
{
	struct node *node = op->node;
	enum err err;

	if (node->init || node->join) {
		buf_add_str(&op->why, "init or join is under way");
		return ERR_INUSE;
	}
	if (node->identity.node) {
		buf_add_str(&op->why, "this node is a member already");
		return ERR_EXISTS;
	}
	if (node->settings->cluster.count == 0) {
		buf_add_str(&op->why, "no other node could reach this one: set "
				      "listen.cluster");
		return ERR_INVALID;
	}
	err = welcome_token_read(token, &op->token);
	if (err)
		buf_add_str(&op->why,
			    err == ERR_VERSION
				    ? "a token of a later release"
				    : "not a token, or not all of it");
	return err;
}

static void begin(struct task *task)
{
	struct join_op *op = container_of(task, struct join_op, task);

	if (op->err)
		finish(op, op->err);
	else
		ask(op);
}

void node_join(struct node *node, struct slice address, struct slice token,
	       node_done *done, void *arg)
{
	struct join_op *op = mem_zalloc(1, sizeof(*op));

	op->node = node;
	op->done = done;
	op->arg = arg;
	timer_init(&op->look, look);
	op->err = check(op, token);
	if (address.len)
		buf_add_slice(&op->address, address);
	else
		buf_add_str(&op->address, op->token.address);
	if (!op->err)
		node->join = op;
	task_post(io_loop_executor(node->main), &op->task, begin);
}
