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

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/directory.h"
#include "cluster/welcome.h"
#include "io/disk.h"
#include "server/admit.h"
#include "server/channel_seat.h"
#include "server/manager.h"
#include "server/remotes.h"
#include "server/reports.h"
#include "server/small_file.h"

#define SOFTWARE "Murder " PACKAGE_VERSION
#define WELCOME_FILE_MAX 65536 /* octets */

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

static void strange_frame(struct node *node, uint32_t group, uint64_t from,
			  uint64_t to, struct slice frame)
{
	struct remotes *remotes = atomic_load(&node->remotes);

	if (remotes)
		remotes_receive(remotes, group, from, to, frame);
}

/* ---- what nodes tell each other ---- */

struct told {
	struct task task;
	struct node *node;
	uint32_t from;
	struct buf octets;
};

static void told_on_main(struct task *task)
{
	struct told *told = container_of(task, struct told, task);
	struct node *node = told->node;
	struct slice octets = buf_slice(&told->octets);

	if (node->stop || octets.len == 0 || !node->reports)
		goto end;
	if (octets.data[0] == TOLD_REPORT)
		reports_take(node->reports, told->from, slice_from(octets, 1));
	else if (octets.data[0] == TOLD_ORDER)
		manager_order(node->manager, told->from, slice_from(octets, 1));
end:
	buf_fini(&told->octets);
	mem_free(told);
}

static void hook_told(void *arg, uint32_t from, struct slice payload)
{
	struct node *node = arg;
	struct told *told = mem_zalloc(1, sizeof(*told));

	told->node = node;
	told->from = from;
	buf_add_slice(&told->octets, payload);
	task_post(io_loop_executor(node->main), &told->task, told_on_main);
}

static void hook_ask(void *arg, struct peers_asked *asked)
{
	admit_ask(arg, asked);
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

/*
 * A directory without a row of this node is one that has only begun to arrive:
 * it is not believed, and the links stay with what the node was told when it
 * joined.
 */
static void set_members(struct node *node, const struct peers_member *members,
			unsigned count, const struct directory_member *self)
{
	if (self->node == 0)
		return;
	peers_set_members(node->peers, members, count);
	if (self->state != DIRECTORY_MEMBER_REMOVED)
		return;
	LOG_ERROR("this node was removed from its cluster: stopping");
	node_stop(node);
}

static void read_members(struct node *node, struct store_txn *txn)
{
	struct peers_member *members = mem_zalloc(PEERS_MAX, sizeof(*members));
	struct directory_member self = { 0 };
	struct directory_member row;
	struct directory_walk walk;
	unsigned count = 0;

	directory_member_walk(&walk, txn);
	while (count < PEERS_MAX && directory_member_next(&walk, &row)) {
		if (row.node == node->identity.node)
			self = row;
		if (copy_member(&members[count], &row))
			count++;
	}
	directory_walk_end(&walk);
	if (count == PEERS_MAX)
		LOG_WARN("there are %u members or more: others get no links",
			 count);
	if (store_txn_error(txn))
		LOG_ERROR("members cannot be read: links stay as they are");
	else
		set_members(node, members, count, &self);
	mem_free(members);
}

static void look_at_members(struct task *task)
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
			  look_at_members);
}

/* ---- before the directory has come ---- */

static void copy_welcomed(struct peers_member *to,
			  const struct welcome_member *from)
{
	to->node = from->node;
	to->active = true;
	to->address_count = from->address_count;
	for (unsigned i = 0; i < from->address_count; i++)
		memcpy(to->addresses[i], from->addresses[i].data,
		       from->addresses[i].len);
	to->key_count = from->key_count;
	memcpy(to->keys, from->keys, from->key_count * sizeof(to->keys[0]));
}

void node_peers_welcome(struct node *node, const struct welcome *welcome)
{
	struct peers_member *members = mem_zalloc(PEERS_MAX, sizeof(*members));

	for (size_t i = 0; i < welcome->member_count; i++)
		copy_welcomed(&members[i], &welcome->members[i]);
	peers_set_members(node->peers, members,
			  (unsigned)welcome->member_count);
	mem_free(members);
}

void node_peers_welcome_file(struct node *node)
{
	struct arena arena = { 0 };
	struct buf octets = { 0 };
	struct welcome welcome;
	enum err err = small_file_read(io_disk(), node->settings->data,
				       "welcome", WELCOME_FILE_MAX, &octets);

	if (!err)
		err = welcome_decode(buf_slice(&octets), &arena, &welcome);
	if (!err)
		node_peers_welcome(node, &welcome);
	else if (err != ERR_NOTFOUND)
		LOG_ERROR("%s/welcome: %s", node->settings->data,
			  err_text(err));
	arena_fini(&arena);
	buf_fini(&octets);
}

/* ---- life ---- */

enum err node_peers_open(struct node *node, struct buf *why)
{
	/* For people who look at the certificate; a joiner has none yet. */
	const char *name = node->identity.name[0] ? node->identity.name
						  : node->settings->hostname;
	struct peers_options options = {
		.data = node->settings->data,
		.name = name,
		.cluster = node->identity.cluster,
		.node = node->identity.node,
		.start_count = node->identity.start,
		.feature_level = DIRECTORY_FEATURE_LEVEL,
		.software = SOFTWARE,
		.log = node->log,
		.random = node->random,
		.hooks = {
			.arg = node,
			.receive = receive,
			.told = hook_told,
			.ask = hook_ask,
		},
	};

	enum err err = peers_make_key(node->settings->data, name, why,
				      &node->key_hash);

	if (!err)
		err = peers_new(&options, why, &node->peers);
	if (err)
		return err;
	node->strange_frame = strange_frame;
	node->bulk = peers_bulk(node->peers);
	node->bulk_loop = io_loop_executor(peers_bulk_loop(node->peers));
	channel_seats_begin(node);
	return ERR_NONE;
}

void node_peers_raised(struct node *node)
{
	peers_set_self(node->peers, node->identity.cluster, node->identity.node,
		       node_start_count(node));
}

void node_peers_start(struct node *node)
{
	node->peers_started = true;
	peers_start(node->peers);
	node_peers_raised(node); /* at least by this start */
	if (!node->serving)
		return;
	node_peers_welcome_file(node); /* until there are rows */
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
