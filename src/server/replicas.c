/*
 * Replicas that the directory gives to this node.
 *
 * LOOK (worker): the first row that names a replica which is not open here ->
 * WRITE: the identity with its raft id, durable -> OPEN (worker) -> published,
 * started -> LOOK, until nothing is missing
 *
 * The identity comes first: a node that dies on the way opens the replica at
 * its next start, under the id that the directory has given. A failed write is
 * tried again later; a disk that cannot make the files ends the process (R5).
 */
#include "server/replicas.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "cluster/directory.h"
#include "server/keeper.h"
#include "server/node_groups.h"
#include "server/repair.h"
#include "server/upkeep.h"

#define REPLICAS_RETRY_MS 5000 /* after a failure */

struct replicas {
	struct node *node;
	struct executor *home;
	struct timer retry;
	struct task wake;
	unsigned waking; /* atomic: the task is posted */
	bool busy;
	bool again; /* woken meanwhile */
	bool stopped;

	/* the step under way */
	struct task task;
	struct identity_replica wanted; /* raft_id 0: nothing is missing */
	struct keeper_write write;
	struct node_group *group;
	enum err err;
};

static void look(struct replicas *replicas);

/* ---- LOOK ---- */

/* The replica of this node that the row names; NULL: none. */
static const struct directory_replica *ours(const struct directory_group *row,
					    uint32_t node)
{
	for (unsigned i = 0; i < row->replica_count; i++)
		if (row->replicas[i].node == node)
			return &row->replicas[i];
	return NULL;
}

/* Nobody else has it and it never served: there is nothing that it lacks. */
static bool is_new(const struct directory_group *row,
		   const struct directory_replica *replica)
{
	return row->replica_count == 1 &&
	       replica->role == DIRECTORY_REPLICA_VOTER &&
	       replica->state == DIRECTORY_REPLICA_JOINING;
}

static void find_missing(struct replicas *replicas, struct store_txn *txn)
{
	const struct node *node = replicas->node;
	struct directory_group *row = mem_zalloc(1, sizeof(*row));
	const struct directory_replica *replica;
	struct directory_walk walk;

	directory_group_walk(&walk, txn);
	while (directory_group_next(&walk, row)) {
		replica = ours(row, node->identity.node);
		if (!replica || node_group_find(node, row->group))
			continue;
		replicas->wanted = (struct identity_replica){
			.group = row->group,
			.raft_id = replica->raft_id,
			.make = is_new(row, replica),
		};
		break;
	}
	directory_walk_end(&walk);
	mem_free(row);
}

static void looked(struct task *task);

static void look_run(struct task *task)
{
	struct replicas *replicas = container_of(task, struct replicas, task);
	struct replica *directory = node_directory(replicas->node);
	struct store_env *env = replica_env(directory);
	struct store_txn *txn;

	replicas->wanted = (struct identity_replica){ 0 };
	replicas->err = ERR_UNAVAILABLE;
	if (env && store_read_begin(env, &txn) == ERR_NONE) {
		find_missing(replicas, txn);
		replicas->err = store_txn_error(txn);
		store_end(&txn);
	}
	task_post(replicas->home, task, looked);
}

static void look(struct replicas *replicas)
{
	replicas->again = false;
	replicas->busy = true;
	task_post(io_pool_executor(replicas->node->pool), &replicas->task,
		  look_run);
}

static void round_end(struct replicas *replicas, enum err err)
{
	struct timers *timers = io_loop_timers(replicas->node->main);

	replicas->busy = false;
	if (replicas->stopped)
		return;
	if (err)
		timer_set(timers, &replicas->retry, REPLICAS_RETRY_MS);
	else if (replicas->again)
		look(replicas);
}

/* ---- OPEN ---- */

static void opened(struct task *task)
{
	struct replicas *replicas = container_of(task, struct replicas, task);
	struct node *node = replicas->node;
	struct node_group *group = replicas->group;

	if (replicas->err)
		PANIC("a replica cannot be made: the disk fails");
	CRASH_POINT("replica_opened");
	/* A sweep must not drop what its rows will name (model step B8). */
	upkeep_group_added(node->upkeep);
	node_group_publish(node, group);
	LOG_INFO("group %u: a replica of it lives here now (raft id %llx)",
		 group->number, (unsigned long long)group->raft_id);
	if (replicas->stopped) { /* the next start begins with it */
		round_end(replicas, ERR_NONE);
		return;
	}
	node_group_start(group);
	repair_wake(node->repair);
	look(replicas);
}

static void open_run(struct task *task)
{
	struct replicas *replicas = container_of(task, struct replicas, task);

	CRASH_POINT("replica_open");
	replicas->err = node_group_open(replicas->node, &replicas->wanted,
					&replicas->group);
	task_post(replicas->home, task, opened);
}

/* ---- WRITE ---- */

static void written(struct keeper_write *write)
{
	struct replicas *replicas = write->owner;

	if (write->err || replicas->stopped) {
		round_end(replicas, write->err);
		return;
	}
	task_post(io_pool_executor(replicas->node->pool), &replicas->task,
		  open_run);
}

static void looked(struct task *task)
{
	struct replicas *replicas = container_of(task, struct replicas, task);
	struct node *node = replicas->node;

	if (replicas->err || replicas->stopped || !replicas->wanted.raft_id) {
		round_end(replicas, replicas->err);
		return;
	}
	if (atomic_load(&node->group_count) == NODE_GROUPS_MAX) {
		LOG_ERROR("group %u: no replica of it can live here: this node "
			  "has %u groups",
			  replicas->wanted.group, NODE_GROUPS_MAX);
		round_end(replicas, ERR_LIMIT);
		return;
	}
	identity_put_replica(&node->identity, &replicas->wanted);
	replicas->write.owner = replicas;
	keeper_write(node->keeper, &replicas->write, written);
}

/* ---- life ---- */

static void wake_run(struct task *task)
{
	struct replicas *replicas = container_of(task, struct replicas, wake);

	__atomic_store_n(&replicas->waking, 0u, __ATOMIC_SEQ_CST);
	if (replicas->stopped)
		return;
	replicas->again = true;
	timer_stop(io_loop_timers(replicas->node->main), &replicas->retry);
	if (!replicas->busy)
		look(replicas);
}

void replicas_wake(struct replicas *replicas)
{
	if (!__atomic_exchange_n(&replicas->waking, 1u, __ATOMIC_SEQ_CST))
		task_post(replicas->home, &replicas->wake, wake_run);
}

static void retry(struct timer *timer)
{
	look(container_of(timer, struct replicas, retry));
}

struct replicas *replicas_new(struct node *node)
{
	struct replicas *replicas = mem_zalloc(1, sizeof(*replicas));

	replicas->node = node;
	replicas->home = io_loop_executor(node->main);
	timer_init(&replicas->retry, retry);
	return replicas;
}

void replicas_stop(struct replicas *replicas)
{
	replicas->stopped = true;
	timer_stop(io_loop_timers(replicas->node->main), &replicas->retry);
}

bool replicas_is_busy(const struct replicas *replicas)
{
	return replicas->busy;
}

void replicas_free(struct replicas **replicasp)
{
	mem_free(*replicasp);
	*replicasp = NULL;
}
