/*
 * Links of a running node.
 *
 * Happy path: opened with the identity, started with the groups; each change of
 * a member row in the directory wakes the main loop, which reads all rows and
 * gives them to the links. Frames go to the replica that they name.
 *
 * Failures: a directory that cannot be read leaves the members as they were.
 */
#include "server/node_peers.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cluster/directory.h"

#define SOFTWARE "Murder " PACKAGE_VERSION
#define FEATURE_LEVEL 1 /* what this program can */

_Static_assert(PEERS_ADDRESS_MAX >= DIRECTORY_ADDRESS_MAX,
	       "an address of a row fits");
_Static_assert(PEERS_ADDRESSES_MAX >= DIRECTORY_ADDRESSES_MAX,
	       "all addresses of a row fit");

/* ---- frames ---- */

/* A replica that was thrown away had another raft id: its frames are not ours.
 */
static void receive(void *arg, uint32_t group, uint64_t from, uint64_t to,
		    struct slice frame)
{
	struct node *node = arg;
	const struct node_group *found = node_group_find(node, group);
	struct replica *replica = node_replica(node, group);

	if (replica && found->raft_id == to)
		replica_receive(replica, from, frame);
	else if (node->strange_frame)
		node->strange_frame(node, group, from, to, frame);
}

/* ---- members ---- */

static void copy_key(struct peers_member *to, struct slice hash)
{
	if (hash.len != SHA256_SIZE || to->key_count == PEERS_KEYS_MAX)
		return;
	memcpy(to->keys[to->key_count].octets, hash.data, SHA256_SIZE);
	to->key_count++;
}

/* Who drains or leaves is linked until the row says that it has gone. */
static bool copy_member(struct peers_member *to,
			const struct directory_member *row)
{
	*to = (struct peers_member){
		.node = row->node,
		.active = row->state != DIRECTORY_MEMBER_REMOVED,
		.address_count = row->address_count,
	};
	for (unsigned i = 0; i < row->address_count; i++)
		memcpy(to->addresses[i], row->addresses[i].data,
		       row->addresses[i].len);
	copy_key(to, row->key_hash);
	copy_key(to, row->next_key_hash);
	return to->active && to->key_count > 0;
}

static void read_members(struct node *node, struct store_txn *txn)
{
	struct peers_member *members = mem_zalloc(PEERS_MAX, sizeof(*members));
	struct directory_member row;
	struct directory_walk walk;
	unsigned count = 0;

	directory_member_walk(&walk, txn);
	while (count < PEERS_MAX && directory_member_next(&walk, &row))
		if (copy_member(&members[count], &row))
			count++;
	directory_walk_end(&walk);
	if (count == PEERS_MAX)
		LOG_WARN("there are %u members or more: others get no links",
			 count);
	if (store_txn_error(txn))
		LOG_ERROR("members cannot be read: links stay as they are");
	else
		peers_set_members(node->peers, members, count);
	mem_free(members);
}

static void look(struct task *task)
{
	struct node *node = container_of(task, struct node, members_task);
	struct replica *directory = node_directory(node);
	struct store_env *env = directory ? replica_env(directory) : NULL;
	struct store_txn *txn;

	atomic_store(&node->members_woken, false);
	if (node->stop || !env || store_read_begin(env, &txn))
		return;
	read_members(node, txn);
	store_end(&txn);
}

void node_peers_wake(struct node *node)
{
	if (node->peers && !atomic_exchange(&node->members_woken, true))
		task_post(io_loop_executor(node->main), &node->members_task,
			  look);
}

/* ---- life ---- */

enum err node_peers_open(struct node *node, struct buf *why)
{
	struct peers_options options = {
		.data = node->settings->data,
		.name = node->identity.name,
		.cluster = node->identity.cluster,
		.node = node->identity.node,
		.start_count = node->identity.start,
		.feature_level = FEATURE_LEVEL,
		.software = SOFTWARE,
		.log = node->log,
		.random = node->random,
		.hooks = { .arg = node, .receive = receive },
	};

	return peers_new(&options, why, &node->peers);
}

void node_peers_raised(struct node *node)
{
	peers_set_self(node->peers, node->identity.cluster, node->identity.node,
		       node_start_count(node));
}

void node_peers_start(struct node *node)
{
	peers_start(node->peers);
	node_peers_raised(node); /* at least by this start */
	node_peers_wake(node);
}

static void peers_have_stopped(void *arg)
{
	struct node *node = arg;

	node->peers_stopped(node);
}

void node_peers_stop(struct node *node, node_peers_stopped *stopped)
{
	node->peers_stopped = stopped;
	peers_stop(node->peers, peers_have_stopped, node);
}

void node_peers_accept(void *arg, struct io_loop *loop unused_arg,
		       struct io_accepted *accepted)
{
	struct node *node = arg;

	peers_accept(node->peers, accepted);
}
