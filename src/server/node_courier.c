/*
 * What the courier asks of its node, answered from the local copy of the
 * directory.
 *
 * Where bodies of a group belong, the group's row says. It may be a moment
 * behind the group's own configuration: then the leader refuses the command
 * (ERR_STALE), and the offer begins again (offer.h).
 */
#include "server/node_courier.h"

#include "base/mem.h"
#include "cluster/directory.h"
#include "cluster/mailgroup.h"
#include "raft/missing.h"
#include "server/courier.h"
#include "server/node.h"
#include "server/peers.h"
#include "server/repair.h"

/* Standbys that get bodies while the group wants more voters than it has. */
#define STANDBYS_MAX 4

#define VOTERS_MAX 5

static bool directory_read(const struct node *node, struct store_txn **txn_r)
{
	struct replica *directory = node_directory(node);
	struct store_env *env = directory ? replica_env(directory) : NULL;

	return env && store_read_begin(env, txn_r) == ERR_NONE;
}

static void add_target(const struct node *node,
		       const struct directory_replica *replica,
		       struct courier_targets *targets)
{
	if (targets->count == COMMAND_HOLDERS_MAX)
		return;
	targets->at[targets->count++] = (struct courier_target){
		.raft_id = replica->raft_id,
		.node = replica->node,
		.voter = replica->role == DIRECTORY_REPLICA_VOTER,
		.local = replica->node == node->identity.node,
	};
}

/* A standby may be on its way to vote only while there are too few voters. */
static void fill(const struct node *node, const struct directory_group *row,
		 struct courier_targets *targets)
{
	unsigned wanted = row->wanted < VOTERS_MAX ? row->wanted : VOTERS_MAX;
	unsigned standbys = 0;
	unsigned voters = 0;

	for (unsigned i = 0; i < row->replica_count; i++) {
		if (row->replicas[i].role != DIRECTORY_REPLICA_VOTER)
			continue;
		voters++;
		add_target(node, &row->replicas[i], targets);
	}
	for (unsigned i = 0; i < row->replica_count && voters < wanted; i++)
		if (row->replicas[i].role == DIRECTORY_REPLICA_STANDBY &&
		    standbys++ < STANDBYS_MAX)
			add_target(node, &row->replicas[i], targets);
}

static enum err find_targets(void *arg, uint32_t group,
			     struct courier_targets *targets_r)
{
	const struct node *node = arg;
	struct directory_group row;
	struct store_txn *txn;
	enum err err = ERR_NONE;

	targets_r->count = 0;
	if (!directory_read(node, &txn))
		return ERR_UNAVAILABLE;
	if (directory_group_find(txn, group, &row))
		fill(node, &row, targets_r);
	else
		err = ERR_NOTFOUND;
	if (store_txn_error(txn))
		err = ERR_UNAVAILABLE;
	store_end(&txn);
	return err;
}

static uint64_t raft_id(void *arg, uint32_t group)
{
	return node_raft_id(arg, group);
}

static bool may(void *arg, uint32_t peer, enum courier_right right)
{
	unsigned roles =
		right == COURIER_MAY_READ
			? DIRECTORY_ROLE_BACKEND
			: DIRECTORY_ROLE_BACKEND | DIRECTORY_ROLE_FRONTEND;
	struct directory_member member;
	struct store_txn *txn;
	bool allowed;

	if (!directory_read(arg, &txn))
		return false;
	allowed = directory_member_find(txn, peer, &member) &&
		  member.state != DIRECTORY_MEMBER_REMOVED &&
		  (member.roles & roles) != 0 &&
		  store_txn_error(txn) == ERR_NONE;
	store_end(&txn);
	return allowed;
}

/* ---- bodies that came ---- */

struct came {
	struct task task;
	struct node *node;
	struct sha256 hash;
};

/* On the log loop. Any of the groups may have missed it. */
static void came_run(struct task *task)
{
	struct came *came = container_of(task, struct came, task);
	unsigned groups = atomic_load(&came->node->group_count);

	for (unsigned i = 0; i < groups; i++) {
		const struct node_group *group = node_group(came->node, i);
		struct replica *replica = atomic_load(&group->replica);

		if (group->number != 0 && replica)
			replica_body_came(replica, &came->hash);
	}
	mem_free(came);
}

static void tell_came(void *arg, const struct sha256 *hash)
{
	struct node *node = arg;
	struct came *came = mem_zalloc(1, sizeof(*came));

	came->node = node;
	came->hash = *hash;
	task_post(io_loop_executor(node->log), &came->task, came_run);
}

static const struct courier_ops node_ops = {
	.targets = find_targets,
	.raft_id = raft_id,
	.may = may,
	.came = tell_came,
};

/* ---- names of bodies, for the repair ---- */

struct names {
	struct repair_name *list;
	uint32_t group;
	unsigned count;
};

static void add_name(void *arg, const struct sha256 *hash,
		     uint64_t mailbox unused_arg, uint32_t uid unused_arg)
{
	struct names *names = arg;

	names->list[names->count++] = (struct repair_name){
		names->group,
		*hash,
	};
}

/* False: the group has no more, or cannot be read. */
static bool group_names(struct replica *replica, struct repair_place *place,
			unsigned max, struct names *names)
{
	struct mailgroup_body_position position = { place->mailbox,
						    place->uid };
	struct store_env *env = replica ? replica_env(replica) : NULL;
	struct store_txn *txn;
	bool more;

	if (!env || store_read_begin(env, &txn))
		return false;
	more = mailgroup_bodies(txn, &position, max - names->count, add_name,
				names);
	more &= store_txn_error(txn) == ERR_NONE;
	store_end(&txn);
	place->mailbox = position.mailbox;
	place->uid = position.uid;
	return more;
}

/* The same of the group's table of missing bodies. */
static bool group_missing(struct replica *replica, struct repair_place *place,
			  unsigned max, struct names *names)
{
	struct store_env *env = replica ? replica_env(replica) : NULL;
	struct missing_body *list;
	struct store_txn *txn;
	unsigned count;

	if (!env || store_read_begin(env, &txn))
		return false;
	list = mem_zalloc(max, sizeof(*list));
	count = missing_list(txn, &place->missing, list, max);
	if (store_txn_error(txn))
		count = 0;
	store_end(&txn);
	for (unsigned i = 0; i < count; i++)
		add_name(names, &list[i].hash, 0, 0);
	mem_free(list);
	return count == max;
}

/* One group at a time: a slice may be shorter than it could be. */
static bool next_names(void *arg, bool missing, struct repair_place *place,
		       struct repair_name *list, unsigned max,
		       unsigned *count_r)
{
	struct node *node = arg;
	unsigned groups = atomic_load(&node->group_count);
	struct names names = { .list = list };

	while (place->group < groups && names.count == 0) {
		const struct node_group *group = node_group(node, place->group);
		struct replica *replica = atomic_load(&group->replica);

		names.group = group->number;
		if (group->number != 0 &&
		    (missing ? group_missing(replica, place, max, &names)
			     : group_names(replica, place, max, &names)))
			break;
		*place = (struct repair_place){ .group = place->group + 1 };
	}
	*count_r = names.count;
	return place->group < groups;
}

static void repair_begin(struct node *node)
{
	struct repair_config config = {
		.courier = node->courier,
		.bodies = node->bodies,
		.home = io_loop_executor(node->main),
		.timers = io_loop_timers(node->main),
		.clock = io_loop_clock(node->main),
		.pool = io_pool_executor(node->pool),
		.scrub_ms = node->settings->scrub_ms,
		.names = next_names,
		.arg = node,
	};

	node->repair = repair_new(&config);
}

void node_courier_begin(struct node *node)
{
	struct io_loop *bulk = peers_bulk_loop(node->peers);
	struct courier_config config = {
		.bodies = node->bodies,
		.bulk = peers_bulk(node->peers),
		.loop = io_loop_executor(bulk),
		.timers = io_loop_timers(bulk),
		.clock = io_loop_clock(bulk),
		.pool = io_pool_executor(node->pool),
		.ops = &node_ops,
		.arg = node,
	};

	node->courier = courier_new(&config);
	repair_begin(node);
}
