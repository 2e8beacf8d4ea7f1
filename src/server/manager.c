/*
 * From plans to changes, one round after another.
 *
 * LOOK (worker): what is recorded -> what is reported -> the plan -> for each
 * step in turn: RECORD: a command of the directory, or ORDER: a message to the
 * group's leader, which may be this node -> the round ends
 *
 * Failures: a command that is refused (somebody was faster) and an order that
 * is lost or refused leave things as they are: the next round sees it. An
 * order is not repeated before its effect could have been reported.
 */
#include "server/manager.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/directory_command.h"
#include "cluster/order.h"
#include "cluster/plan.h"
#include "cluster/report.h"
#include "raft/replica_member.h"
#include "server/node.h"
#include "server/orders.h"
#include "server/reports.h"

#define MANAGER_MS 500

/* An order's effect is reported within this, if it has one. */
#define ORDER_PATIENCE_MS 3000

/* Groups whose orders are remembered. */
#define PENDING_MAX DIRECTORY_GROUPS_MAX

struct pending_order {
	uint32_t group;
	uint64_t config_index; /* that it was decided on */
	uint64_t until_ms;
	bool transfer;
};

struct manager {
	struct node *node;
	struct executor *home;
	struct timer timer;
	struct task task;
	bool busy;
	bool stopped;
	bool leads;
	uint64_t leads_since_ms;

	/* this round */
	struct arena arena;
	struct plan_cluster cluster;
	struct plan plan;
	enum err err;
	unsigned next; /* step */
	struct proposal proposal;

	struct pending_order *pending;
	size_t pending_count;
	json_t *wanting; /* array: of the last round */
	struct orders *orders;
};

static uint64_t now_ms(const struct manager *manager)
{
	return clock_mono_ms(io_loop_clock(manager->node->main));
}

static void round_end(struct manager *manager)
{
	manager->busy = false;
	if (!manager->stopped)
		timer_set(io_loop_timers(manager->node->main), &manager->timer,
			  MANAGER_MS);
}

/* ---- orders that are under way ---- */

static struct pending_order *pending_find(struct manager *manager,
					  uint32_t group)
{
	for (size_t i = 0; i < manager->pending_count; i++)
		if (manager->pending[i].group == group)
			return &manager->pending[i];
	return NULL;
}

static void pending_put(struct manager *manager, const struct plan_step *step)
{
	struct pending_order *pending = pending_find(manager, step->group);

	if (!pending) {
		if (manager->pending_count == PENDING_MAX)
			return;
		manager->pending = mem_realloc(manager->pending,
					       (manager->pending_count + 1) *
						       sizeof(*pending));
		pending = &manager->pending[manager->pending_count++];
	}
	*pending = (struct pending_order){
		.group = step->group,
		.config_index = step->config_index,
		.until_ms = now_ms(manager) + ORDER_PATIENCE_MS,
		.transfer = step->kind == PLAN_TRANSFER,
	};
}

/* Its effect has been reported, or it had none. */
static bool pending_is_over(struct manager *manager,
			    const struct pending_order *pending)
{
	const struct plan_group *group =
		plan_group_find(&manager->cluster, pending->group);

	return now_ms(manager) >= pending->until_ms || !group ||
	       (group->config_index > pending->config_index &&
		group->config_committed);
}

static void mark_pending(struct manager *manager)
{
	size_t kept = 0;

	for (size_t i = 0; i < manager->pending_count; i++) {
		struct pending_order *pending = &manager->pending[i];

		if (pending_is_over(manager, pending))
			continue;
		plan_group_find(&manager->cluster, pending->group)->busy = true;
		manager->cluster.transferring |= pending->transfer;
		manager->pending[kept++] = *pending;
	}
	manager->pending_count = kept;
}

/* ---- steps ---- */

static void step_next(struct manager *manager);

static void recorded(struct proposal *proposal)
{
	struct manager *manager = proposal->owner;
	const struct plan_step *step = &manager->plan.steps[manager->next];

	if (proposal->err)
		LOG_INFO("manager: %s of group %u, node %u was not done: %s",
			 plan_kind_name(step->kind), step->group, step->node,
			 err_text(proposal->err));
	manager->next++;
	step_next(manager);
}

static struct buf *body_of(struct manager *manager)
{
	proposal_fini(&manager->proposal);
	proposal_init(&manager->proposal, manager->home, manager);
	return &manager->proposal.body;
}

static void record(struct manager *manager, uint16_t kind, enum err err)
{
	manager->proposal.kind = kind;
	manager->proposal.version = DIRECTORY_COMMAND_VERSION;
	if (!err) {
		replica_propose(node_directory(manager->node),
				&manager->proposal, recorded);
		return;
	}
	LOG_INFO("manager: a step was not written: %s", err_text(err));
	round_end(manager);
}

/* The row as this node has it, changed as the step says. */
static enum err change_row(const struct plan_step *step,
			   struct directory_group *row)
{
	struct directory_replica *replica =
		directory_group_replica(row, step->raft_id);

	if (step->kind == PLAN_RECORD_ADD) {
		if (row->replica_count == DIRECTORY_REPLICAS_MAX)
			return ERR_LIMIT;
		row->replicas[row->replica_count++] =
			(struct directory_replica){
				.node = step->node,
				.role = step->role,
				.state = DIRECTORY_REPLICA_JOINING,
			};
		return ERR_NONE;
	}
	if (!replica)
		return ERR_STALE;
	if (step->kind == PLAN_RECORD_SERVE)
		replica->state = DIRECTORY_REPLICA_SERVING;
	else if (step->kind == PLAN_RECORD_ROLE)
		replica->role = step->role;
	else
		*replica = row->replicas[--row->replica_count];
	return ERR_NONE;
}

static void record_group(struct manager *manager, const struct plan_step *step)
{
	struct directory_group_put *command = mem_zalloc(1, sizeof(*command));
	struct store_env *env = replica_env(node_directory(manager->node));
	struct store_txn *txn;
	enum err err = env ? store_read_begin(env, &txn) : ERR_UNAVAILABLE;

	if (!err) {
		if (!directory_group_find(txn, step->group, &command->group) ||
		    command->group.epoch != step->epoch)
			err = ERR_STALE;
		if (!err)
			err = change_row(step, &command->group);
		if (!err)
			err = directory_group_put_encode(command,
							 body_of(manager));
		store_end(&txn);
	}
	mem_free(command);
	record(manager, DIRECTORY_GROUP_PUT, err);
}

static void record_new_group(struct manager *manager,
			     const struct plan_step *step)
{
	struct directory_group_put *command = mem_zalloc(1, sizeof(*command));
	struct directory_group *group = &command->group;
	enum err err;

	command->add = true;
	group->wanted = step->wanted;
	group->weight = 1;
	group->replica_count = 1;
	group->replicas[0] = (struct directory_replica){
		.node = step->node,
		.role = DIRECTORY_REPLICA_VOTER,
		.state = DIRECTORY_REPLICA_JOINING,
	};
	err = directory_group_put_encode(command, body_of(manager));
	mem_free(command);
	record(manager, DIRECTORY_GROUP_PUT, err);
}

static void record_removed(struct manager *manager,
			   const struct plan_step *step)
{
	struct directory_member_set command = {
		.fields = DIRECTORY_MEMBER_STATE,
		.member = {
			.node = step->node,
			.epoch = step->epoch,
			.state = DIRECTORY_MEMBER_REMOVED,
		},
	};

	record(manager, DIRECTORY_MEMBER_SET,
	       directory_member_set_encode(&command, body_of(manager)));
}

static void raise_level(struct manager *manager, const struct plan_step *step)
{
	struct directory_feature_raise command = { .level = step->level };

	record(manager, DIRECTORY_FEATURE_RAISE,
	       directory_feature_raise_encode(&command, body_of(manager)));
}

/* ---- orders ---- */

static struct slice name_of(const struct manager *manager, uint32_t node)
{
	const struct plan_member *member =
		plan_member_find(&manager->cluster, node);

	return member ? member->name : SLICE_NONE;
}

static struct order order_of(const struct manager *manager,
			     const struct plan_step *step)
{
	struct order order = {
		.group = step->group,
		.raft_id = step->raft_id,
		.config_index = step->config_index,
		.level = step->level,
	};

	switch ((int)step->kind) {
	case PLAN_RAFT_ADD:
		order.kind = ORDER_ADD;
		order.address = name_of(manager, step->node);
		break;
	case PLAN_RAFT_ASSIGN:
		order.kind = ORDER_ASSIGN;
		order.vote = step->vote == PLAN_VOTE_VOTER ? REPORT_VOTE_VOTER
			     : step->vote == PLAN_VOTE_STANDBY
				     ? REPORT_VOTE_STANDBY
				     : REPORT_VOTE_SPARE;
		break;
	case PLAN_RAFT_REMOVE:
		order.kind = ORDER_REMOVE;
		break;
	case PLAN_TRANSFER:
		order.kind = ORDER_TRANSFER;
		break;
	default:
		order.kind = ORDER_LEVEL;
		break;
	}
	return order;
}

static void give_order(struct manager *manager, const struct plan_step *step)
{
	const struct plan_group *group =
		plan_group_find(&manager->cluster, step->group);
	struct order order = order_of(manager, step);
	uint32_t leader = group ? (uint32_t)(group->leader >> 32) : 0;

	pending_put(manager, step);
	if (leader == manager->node->identity.node)
		orders_take(manager->orders, &order);
	else if (leader)
		orders_send(manager->orders, leader, &order);
}

static bool is_order(enum plan_kind kind)
{
	return kind >= PLAN_RAFT_ADD;
}

static void step_run(struct manager *manager, const struct plan_step *step)
{
	if (step->kind == PLAN_GROUP_NEW)
		record_new_group(manager, step);
	else if (step->kind == PLAN_MEMBER_REMOVED)
		record_removed(manager, step);
	else if (step->kind == PLAN_FEATURE_RAISE)
		raise_level(manager, step);
	else
		record_group(manager, step);
}

static void step_next(struct manager *manager)
{
	while (manager->next < manager->plan.count && !manager->stopped) {
		const struct plan_step *step =
			&manager->plan.steps[manager->next];

		if (step->kind != PLAN_NOTHING)
			LOG_INFO("manager: %s: %s", plan_kind_name(step->kind),
				 step->why);
		if (step->kind != PLAN_NOTHING && !is_order(step->kind)) {
			step_run(manager, step); /* goes on here */
			return;
		}
		if (step->kind != PLAN_NOTHING)
			give_order(manager, step);
		manager->next++;
	}
	round_end(manager);
}

/* ---- LOOK ---- */

static void tell_people(struct manager *manager)
{
	json_array_clear(manager->wanting);
	for (unsigned i = 0; i < manager->plan.count; i++) {
		const struct plan_step *step = &manager->plan.steps[i];

		if (step->kind == PLAN_NOTHING && !step->wanting)
			continue;
		json_array_append_new(manager->wanting,
				      json_pack("{s:I, s:s, s:s}", "group",
						(json_int_t)step->group, "step",
						plan_kind_name(step->kind),
						"why", step->why));
	}
}

static void loaded(struct task *task)
{
	struct manager *manager = container_of(task, struct manager, task);

	if (manager->err || manager->stopped) {
		round_end(manager);
		return;
	}
	reports_fill(manager->node->reports, &manager->cluster,
		     manager->leads_since_ms, &manager->arena);
	mark_pending(manager);
	plan_make(&manager->cluster, &manager->plan, &manager->arena);
	tell_people(manager);
	manager->next = 0;
	step_next(manager);
}

static void load(struct task *task)
{
	struct manager *manager = container_of(task, struct manager, task);
	struct store_env *env = replica_env(node_directory(manager->node));
	struct store_txn *txn;

	manager->err = ERR_UNAVAILABLE;
	if (env && store_read_begin(env, &txn) == ERR_NONE) {
		manager->err =
			plan_load(&manager->cluster, txn, &manager->arena);
		store_end(&txn);
	}
	task_post(manager->home, task, loaded);
}

static bool leads_directory(struct manager *manager)
{
	struct replica_status status;

	replica_get_status(node_directory(manager->node), &status);
	if (status.leader && !manager->leads)
		manager->leads_since_ms = now_ms(manager);
	manager->leads = status.leader;
	return manager->leads;
}

static void fired(struct timer *timer)
{
	struct manager *manager = container_of(timer, struct manager, timer);

	if (!leads_directory(manager)) {
		manager->pending_count = 0;
		json_array_clear(manager->wanting);
		round_end(manager);
		return;
	}
	manager->busy = true;
	arena_clear(&manager->arena);
	task_post(io_pool_executor(manager->node->pool), &manager->task, load);
}

/* ---- life ---- */

void manager_order(struct manager *manager, uint32_t node, struct slice octets)
{
	struct order order;

	if (manager->stopped)
		return;
	if (order_decode(octets, &order) == ERR_NONE)
		orders_take(manager->orders, &order);
	else
		LOG_WARN("node %u: an order that cannot be read", node);
}

json_t *manager_json(const struct manager *manager)
{
	return json_incref(manager->wanting);
}

struct manager *manager_new(struct node *node)
{
	struct manager *manager = mem_zalloc(1, sizeof(*manager));

	manager->node = node;
	manager->home = io_loop_executor(node->main);
	manager->wanting = json_array();
	manager->orders = orders_new(node);
	proposal_init(&manager->proposal, manager->home, manager);
	timer_init(&manager->timer, fired);
	timer_set(io_loop_timers(node->main), &manager->timer, MANAGER_MS);
	return manager;
}

void manager_stop(struct manager *manager)
{
	manager->stopped = true;
	timer_stop(io_loop_timers(manager->node->main), &manager->timer);
}

bool manager_is_busy(const struct manager *manager)
{
	return manager->busy || orders_are_busy(manager->orders);
}

void manager_free(struct manager **managerp)
{
	struct manager *manager = *managerp;

	*managerp = NULL;
	orders_free(&manager->orders);
	proposal_fini(&manager->proposal);
	arena_fini(&manager->arena);
	json_decref(manager->wanting);
	mem_free(manager->pending);
	mem_free(manager);
}
