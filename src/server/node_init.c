/*
 * `murderctl init`: a new cluster of this node alone.
 *
 * IDENTITY written, not ready -> groups opened and bootstrapped -> MEMBER ->
 * GROUP 1 .. n -> identity ready -> listeners -> done
 *
 * A node that dies on the way finds an identity that is not ready and goes on
 * at its next start; every step looks whether it was done already.
 */
#include <string.h>

#include "base/base64.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/directory_command.h"
#include "io/disk.h"
#include "server/node.h"
#include "server/node_groups.h"
#include "server/node_peers.h"
#include "server/node_serve.h"

#define FIRST_NODE 1u

struct init_op {
	struct node *node;
	node_done *done; /* NULL: resumed at start, nobody waits */
	void *arg;
	struct proposal proposal;
	struct read_index read;
	struct keeper_write write;
	struct task task;
	enum err err;
	struct buf why;
};

static void finish(struct init_op *op, enum err err)
{
	struct node *node = op->node;

	if (node->init == op)
		node->init = NULL;
	if (err)
		LOG_ERROR("init: %s%s%s", err_text(err),
			  op->why.len ? ": " : "", buf_cstr(&op->why));
	if (op->done)
		op->done(op->arg, err, buf_cstr(&op->why));
	proposal_fini(&op->proposal);
	buf_fini(&op->why);
	mem_free(op);
	if (node->stop_asked)
		node_stop(node);
}

static void next(struct init_op *op);

static void applied(struct proposal *proposal)
{
	struct init_op *op = proposal->owner;

	if (proposal->err)
		finish(op, proposal->err);
	else
		next(op);
}

static void propose(struct init_op *op, uint16_t kind, enum err err)
{
	if (err) {
		finish(op, err);
		return;
	}
	op->proposal.kind = kind;
	op->proposal.version = DIRECTORY_COMMAND_VERSION;
	replica_propose(node_directory(op->node), &op->proposal, applied);
}

static struct buf *body_of(struct init_op *op)
{
	proposal_fini(&op->proposal);
	proposal_init(&op->proposal, io_loop_executor(op->node->main), op);
	return &op->proposal.body;
}

static void put_member(struct init_op *op)
{
	const struct sha256 *hash = &op->node->key_hash;
	struct directory_member_add command = {
		.member = {
			.name = slice_str(op->node->identity.name),
			.roles = DIRECTORY_ROLE_MASTER |
				 DIRECTORY_ROLE_FRONTEND |
				 DIRECTORY_ROLE_BACKEND,
			.weight = 1,
			.state = DIRECTORY_MEMBER_ACTIVE,
			.feature_level = DIRECTORY_FEATURE_LEVEL,
			.addresses = { slice_str(
				op->node->settings->cluster_address) },
			.address_count = op->node->settings->cluster.count > 0,
		},
	};
	enum err err;

	command.member.key_hash = slice_of(hash->octets, SHA256_SIZE);
	err = directory_member_add_encode(&command, body_of(op));
	propose(op, DIRECTORY_MEMBER_ADD, err);
}

static void put_group(struct init_op *op, uint32_t group)
{
	struct directory_group_put command = {
		.add = group != 0, /* the directory has its number */
		.group = {
			.group = group,
			.replica_count = 1,
			.wanted = 3, /* met as nodes come */
			.weight = 1,
		},
	};
	struct directory_replica *replica = &command.group.replicas[0];
	enum err err;

	replica->node = op->node->identity.node;
	replica->raft_id = node_raft_id(op->node, group);
	replica->role = DIRECTORY_REPLICA_VOTER;
	replica->state = DIRECTORY_REPLICA_SERVING;
	err = directory_group_put_encode(&command, body_of(op));
	propose(op, DIRECTORY_GROUP_PUT, err);
}

static void ready_written(struct keeper_write *write)
{
	struct init_op *op = write->owner;
	struct node *node = op->node;
	enum err err = write->err;

	if (!err && !node->stop_asked)
		err = node_listen(node, &op->why);
	if (!err)
		LOG_INFO("initialised: node %u (%s), %u mail groups",
			 node->identity.node, node->identity.name,
			 node->group_count - 1);
	finish(op, err);
}

static void make_ready(struct init_op *op)
{
	struct identity_file *identity = &op->node->identity;

	identity->ready = true;
	for (unsigned i = 0; i < identity->replica_count; i++)
		identity->replicas[i].make = false;
	op->write.owner = op;
	keeper_write(op->node->keeper, &op->write, ready_written);
}

/* The first thing that is missing in the directory is done next. */
static void looked(struct read_index *read)
{
	struct init_op *op = read->owner;
	struct store_env *env = replica_env(node_directory(op->node));
	struct directory_member member;
	struct directory_group *group;
	struct store_txn *txn;
	uint32_t missing = 0;
	bool has_member;

	if (read->err || !env || store_read_begin(env, &txn)) {
		finish(op, read->err ? read->err : ERR_UNAVAILABLE);
		return;
	}
	group = mem_zalloc(1, sizeof(*group));
	has_member = directory_member_find(txn, FIRST_NODE, &member);
	while (missing < atomic_load(&op->node->group_count) &&
	       directory_group_find(txn, missing, group))
		missing++;
	mem_free(group);
	store_end(&txn);
	if (!has_member)
		put_member(op);
	else if (missing < atomic_load(&op->node->group_count))
		put_group(op, missing);
	else
		make_ready(op);
}

static void next(struct init_op *op)
{
	op->read = (struct read_index){
		.home = io_loop_executor(op->node->main),
		.owner = op,
		.deadline_ms = 30000,
	};
	replica_read_index(node_directory(op->node), &op->read, looked);
}

/* ---- the beginning ---- */

static void fill_identity(struct node *node, struct slice name)
{
	struct identity_file *identity = &node->identity;
	unsigned count = node->settings->mail_groups + 1;
	uint8_t cluster[16];
	struct buf text = { 0 };

	node->random->fill(node->random, cluster, sizeof(cluster));
	hex_encode(slice_of(cluster, sizeof(cluster)), &text);
	memcpy(identity->cluster, buf_cstr(&text), sizeof(identity->cluster));
	buf_fini(&text);
	memcpy(identity->name, name.data, name.len);
	identity->name[name.len] = '\0';
	identity->node = FIRST_NODE;
	identity->replicas = mem_zalloc(count, sizeof(*identity->replicas));
	identity->replica_count = count;
	for (unsigned i = 0; i < count; i++) {
		identity->replicas[i].group = i;
		identity->replicas[i].raft_id = (uint64_t)FIRST_NODE << 32 | 1;
		identity->replicas[i].make = true;
	}
}

static void opened(struct task *task)
{
	struct init_op *op = container_of(task, struct init_op, task);
	struct node *node = op->node;

	if (op->err) {
		finish(op, op->err);
		return;
	}
	node->serving = true;
	node_work_begin(node);
	node_peers_start(node);
	node_groups_start(node);
	next(op);
}

/* On the log loop, which has nothing else to do yet: its timers are used. */
static void open_groups(struct task *task)
{
	struct init_op *op = container_of(task, struct init_op, task);

	op->err = node_peers_open(op->node, &op->why);
	if (!op->err)
		op->err = node_groups_open(op->node, &op->why);
	task_post(io_loop_executor(op->node->main), &op->task, opened);
}

static enum err check(const struct node *node, struct slice name,
		      struct buf *why)
{
	if (node->init) {
		buf_add_str(why, "init is under way");
		return ERR_INUSE;
	}
	if (node->identity.ready) {
		buf_add_str(why, "this node was initialised before");
		return ERR_EXISTS;
	}
	if (node->identity.node && !node->serving) {
		buf_add_str(why, "init has failed: see the log, start again");
		return ERR_UNAVAILABLE;
	}
	if (identity_name_ok(name))
		return ERR_NONE;
	buf_printf(why, "a node name has 1 to %d letters, digits and hyphens",
		   IDENTITY_NAME_MAX);
	return ERR_INVALID;
}

static struct init_op *init_begin(struct node *node)
{
	struct init_op *op = mem_zalloc(1, sizeof(*op));

	op->node = node;
	proposal_init(&op->proposal, io_loop_executor(node->main), op);
	return op;
}

static void refused(struct task *task)
{
	struct init_op *op = container_of(task, struct init_op, task);

	finish(op, op->err);
}

void node_init(struct node *node, struct slice name, node_done *done, void *arg)
{
	struct init_op *op = init_begin(node);

	op->done = done;
	op->arg = arg;
	op->err = check(node, name, &op->why);
	if (op->err) {
		task_post(io_loop_executor(node->main), &op->task, refused);
		return;
	}
	node->init = op;
	if (node->identity.node) { /* the rest of one that failed */
		next(op);
		return;
	}
	fill_identity(node, name);
	task_post(io_loop_executor(node->log), &op->task, open_groups);
}

void node_init_resume(struct node *node)
{
	node->init = init_begin(node);
	next(node->init);
}
