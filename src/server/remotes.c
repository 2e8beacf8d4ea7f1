/*
 * Remote groups of a node.
 *
 * woken -> LOOK (main loop): a row of a group without a replica here
 *     -> unknown so far: opened on the log loop, and from then on found
 *     -> known: told who its replicas are
 *
 * A remote group stays open when the node gets a replica of it: what was
 * proposed through it has to end. The replica is another life of the same
 * proposer and fences it (model step P1), which then is no sign of a cloned
 * disk.
 */
#include "server/remotes.h"

#include <stdatomic.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "cluster/directory.h"
#include "raft/remote.h"
#include "server/node.h"
#include "server/node_groups.h"
#include "server/node_peers.h"
#include "server/peers.h"

_Static_assert(REMOTE_REPLICAS_MAX <= DIRECTORY_REPLICAS_MAX,
	       "more than enough are known");

struct remote_group {
	struct remotes *remotes;
	uint32_t number;
	struct remote *_Atomic remote; /* NULL: is being opened */
	struct {                       /* the start count is too low */
		uint32_t at_least;
		struct task task;
		struct keeper_write write;
	} raise;
};

struct remotes {
	struct node *node;
	struct remote_group *_Atomic groups[REMOTES_MAX];
	_Atomic unsigned count;
	atomic_bool woken;
	struct task task;
	struct task stop_task;
	unsigned left; /* to stop */
	remotes_stopped *stopped;
};

/* Who has a group: from the directory to the log loop. */
struct remote_change {
	struct task task;
	struct remote_group *group;
	uint64_t raft_ids[REMOTE_REPLICAS_MAX];
	size_t count;
};

static struct executor *log_of(const struct remotes *remotes)
{
	return io_loop_executor(remotes->node->log);
}

static struct executor *main_of(const struct remotes *remotes)
{
	return io_loop_executor(remotes->node->main);
}

static struct remote_group *find(const struct remotes *remotes, uint32_t group)
{
	unsigned count = atomic_load(&remotes->count);

	for (unsigned i = 0; i < count; i++) {
		struct remote_group *found = atomic_load(&remotes->groups[i]);

		if (found->number == group)
			return found;
	}
	return NULL;
}

/* ---- the start count is too low for a group ---- */

static void raised(struct task *task)
{
	struct remote_group *group =
		container_of(task, struct remote_group, raise.task);

	remote_raised(group->remote, node_start_count(group->remotes->node));
}

static void raise_written(struct keeper_write *write)
{
	struct remote_group *group = write->owner;

	if (write->err)
		PANIC("cannot raise the start count");
	task_post(log_of(group->remotes), &group->raise.task, raised);
}

static void raise_run(struct task *task)
{
	struct remote_group *group =
		container_of(task, struct remote_group, raise.task);
	struct node *node = group->remotes->node;

	/*
	 * The replica that came meanwhile has the start count: a higher one
	 * here would fence it, and end this node. Nothing waits for REGISTER:
	 * what is proposed now goes to the replica.
	 */
	if (node_replica(node, group->number))
		return;
	if (node->identity.start < group->raise.at_least)
		__atomic_store_n(&node->identity.start, group->raise.at_least,
				 __ATOMIC_SEQ_CST);
	node_peers_raised(node);
	group->raise.write.owner = group;
	keeper_write(node->keeper, &group->raise.write, raise_written);
}

static void hook_raise(void *arg, struct remote *remote unused_arg,
		       uint32_t at_least)
{
	struct remote_group *group = arg;

	group->raise.at_least = at_least;
	task_post(main_of(group->remotes), &group->raise.task, raise_run);
}

static void hook_fenced(void *arg, struct remote *remote unused_arg)
{
	struct remote_group *group = arg;
	struct node *node = group->remotes->node;

	if (!node_replica(node, group->number))
		node_is_fenced(node);
}

/* ---- opening, on the log loop ---- */

static void open_remote(struct remote_group *group)
{
	struct node *node = group->remotes->node;
	struct remote_options options = {
		.group = group->number,
		.node = node->identity.node,
		.start_count = node_start_count(node),
		.boot = random_u64(node->random) | 1,
		.net = peers_net(node->peers),
		.log_loop = io_loop_executor(node->log),
		.timers = io_loop_timers(node->log),
		.clock = io_loop_clock(node->log),
		.hooks = {
			.arg = group,
			.raise = hook_raise,
			.fenced = hook_fenced,
		},
	};

	atomic_store(&group->remote, remote_open(&options));
}

static void change_run(struct task *task)
{
	struct remote_change *change =
		container_of(task, struct remote_change, task);
	struct remote_group *group = change->group;

	if (!group->remote)
		open_remote(group);
	remote_set_replicas(group->remote, change->raft_ids, change->count);
	mem_free(change);
}

/* ---- LOOK ---- */

static void add_replicas(struct remote_change *change,
			 const struct directory_group *row,
			 enum directory_replica_role role)
{
	uint32_t self = change->group->remotes->node->identity.node;

	for (unsigned i = 0; i < row->replica_count; i++)
		if (row->replicas[i].role == role &&
		    row->replicas[i].node != self &&
		    change->count < REMOTE_REPLICAS_MAX)
			change->raft_ids[change->count++] =
				row->replicas[i].raft_id;
}

static struct remote_group *add_group(struct remotes *remotes, uint32_t number)
{
	unsigned count = remotes->count;
	struct remote_group *group;

	if (count == REMOTES_MAX)
		return NULL;
	group = mem_zalloc(1, sizeof(*group));
	group->remotes = remotes;
	group->number = number;
	atomic_store(&remotes->groups[count], group);
	atomic_store(&remotes->count, count + 1);
	return group;
}

/* Voters lead; a standby knows who does. */
static void look_at_group(struct remotes *remotes,
			  const struct directory_group *row)
{
	struct remote_group *group = find(remotes, row->group);
	struct remote_change *change;

	if (row->group == 0 || row->replica_count == 0 ||
	    (!group && node_replica(remotes->node, row->group)))
		return;
	if (!group)
		group = add_group(remotes, row->group);
	if (!group) {
		LOG_ERROR("group %u: more than %d groups are elsewhere",
			  (unsigned)row->group, REMOTES_MAX);
		return;
	}
	change = mem_zalloc(1, sizeof(*change));
	change->group = group;
	add_replicas(change, row, DIRECTORY_REPLICA_VOTER);
	add_replicas(change, row, DIRECTORY_REPLICA_STANDBY);
	task_post(log_of(remotes), &change->task, change_run);
}

static void look(struct task *task)
{
	struct remotes *remotes = container_of(task, struct remotes, task);
	struct replica *directory = node_replica(remotes->node, 0);
	struct store_env *env = directory ? replica_env(directory) : NULL;
	struct directory_group *row;
	struct directory_walk walk;
	struct store_txn *txn;

	atomic_store(&remotes->woken, false);
	if (remotes->node->stop || !env || store_read_begin(env, &txn))
		return;
	row = mem_zalloc(1, sizeof(*row));
	directory_group_walk(&walk, txn);
	while (directory_group_next(&walk, row))
		look_at_group(remotes, row);
	directory_walk_end(&walk);
	store_end(&txn);
	mem_free(row);
}

void remotes_wake(struct remotes *remotes)
{
	if (!atomic_exchange(&remotes->woken, true))
		task_post(main_of(remotes), &remotes->task, look);
}

/* ---- for the rest of the node ---- */

struct proposer *remotes_proposer(struct remotes *remotes, uint32_t group)
{
	struct remote_group *found = find(remotes, group);
	struct remote *remote = found ? atomic_load(&found->remote) : NULL;

	return remote ? remote_proposer(remote) : NULL;
}

void remotes_receive(struct remotes *remotes, uint32_t group, uint64_t from,
		     uint64_t to, struct slice frame)
{
	struct remote_group *found = find(remotes, group);

	if (found && found->remote &&
	    to == (uint64_t)remotes->node->identity.node << 32)
		remote_receive(found->remote, from, frame);
}

/* ---- life ---- */

struct remotes *remotes_new(struct node *node)
{
	struct remotes *remotes = mem_zalloc(1, sizeof(*remotes));

	remotes->node = node;
	return remotes;
}

static void stopped_on_main(struct task *task)
{
	struct remotes *remotes = container_of(task, struct remotes, stop_task);

	remotes->stopped(remotes->node);
}

static void check_stopped(struct remotes *remotes)
{
	if (--remotes->left == 0)
		task_post(main_of(remotes), &remotes->stop_task,
			  stopped_on_main);
}

static void one_stopped(struct remote *remote unused_arg, void *arg)
{
	check_stopped(arg);
}

static void stop_run(struct task *task)
{
	struct remotes *remotes = container_of(task, struct remotes, stop_task);

	remotes->left = 1;
	for (unsigned i = 0; i < remotes->count; i++) {
		struct remote *remote = remotes->groups[i]->remote;

		if (!remote)
			continue;
		remotes->left++;
		remote_stop(remote, one_stopped, remotes);
	}
	check_stopped(remotes);
}

/* On the main loop: what a look has posted comes before. */
void remotes_stop(struct remotes *remotes, remotes_stopped *stopped)
{
	remotes->stopped = stopped;
	task_post(log_of(remotes), &remotes->stop_task, stop_run);
}

void remotes_free(struct remotes **remotesp)
{
	struct remotes *remotes = *remotesp;

	*remotesp = NULL;
	if (!remotes)
		return;
	for (unsigned i = 0; i < remotes->count; i++) {
		struct remote_group *group = remotes->groups[i];
		struct remote *remote = group->remote;

		if (remote)
			remote_close(&remote);
		mem_free(group);
	}
	mem_free(remotes);
}
