/*
 * Orders: each one a request to the replica, which tests what must be safe
 * (replica_member.h). How it ended is logged; who gave it sees the effect in
 * the reports.
 */
#include "server/orders.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cluster/report.h"
#include "raft/replica_member.h"
#include "raft/slots.h"
#include "server/node.h"
#include "server/reports.h"

/* Carried out at a time: one of each group that a node may lead. */
#define ORDERS_MAX NODE_GROUPS_MAX

struct orders {
	struct node *node;
	unsigned count;
};

struct order_run {
	struct orders *orders;
	uint32_t group;
	enum order_kind kind;
	uint64_t raft_id;
	char address[ORDER_ADDRESS_MAX + 1];
	struct replica *replica;
	struct replica_change change;
	struct proposal proposal;
	struct task task;
	enum err err;
};

static const char *const kind_texts[] = {
	[ORDER_ADD] = "add",
	[ORDER_ASSIGN] = "assign",
	[ORDER_REMOVE] = "remove",
	[ORDER_TRANSFER] = "transfer to",
	[ORDER_LEVEL] = "raise level of",
};

static void run_end(struct order_run *run, enum err err, const char *why)
{
	struct node *node = run->orders->node;

	if (err)
		LOG_INFO("group %u: %s %llx was not done: %s", run->group,
			 kind_texts[run->kind],
			 (unsigned long long)run->raft_id,
			 why ? why : err_text(err));
	else
		LOG_INFO("group %u: %s %llx was done", run->group,
			 kind_texts[run->kind],
			 (unsigned long long)run->raft_id);
	run->orders->count--;
	reports_hurry(node->reports);
	mem_free(run);
}

/* ---- changes of the configuration ---- */

static void changed(struct replica_change *change)
{
	run_end(change->owner, change->err, change->why);
}

static enum replica_role role_of(unsigned vote)
{
	if (vote == REPORT_VOTE_VOTER)
		return REPLICA_VOTER;
	return vote == REPORT_VOTE_STANDBY ? REPLICA_STANDBY : REPLICA_SPARE;
}

static void change(struct order_run *run, const struct order *order)
{
	struct node *node = run->orders->node;

	run->change = (struct replica_change){
		.home = io_loop_executor(node->main),
		.owner = run,
		.kind = order->kind == ORDER_ADD      ? REPLICA_ADD
			: order->kind == ORDER_REMOVE ? REPLICA_REMOVE
						      : REPLICA_ASSIGN,
		.conf_index = order->config_index,
		.raft_id = order->raft_id,
		.address = run->address,
		.role = role_of(order->vote),
	};
	replica_change(run->replica, &run->change, changed);
}

/* ---- transfer ---- */

static void transferred(struct task *task)
{
	struct order_run *run = container_of(task, struct order_run, task);

	run_end(run, run->err, NULL);
}

static void transfer(struct task *task)
{
	struct order_run *run = container_of(task, struct order_run, task);

	run->err = replica_transfer(run->replica, run->raft_id);
	task_post(io_loop_executor(run->orders->node->main), &run->task,
		  transferred);
}

/* ---- feature level ---- */

static void raised(struct proposal *proposal)
{
	struct order_run *run = proposal->owner;
	enum err err = proposal->err;

	proposal_fini(&run->proposal);
	run_end(run, err, NULL);
}

static void raise_level(struct order_run *run, uint32_t level)
{
	proposal_init(&run->proposal, io_loop_executor(run->orders->node->main),
		      run);
	slots_feature_level_body(level, &run->proposal.body);
	run->proposal.kind = COMMAND_FEATURE_LEVEL;
	replica_propose(run->replica, &run->proposal, raised);
}

/* ---- all ---- */

void orders_take(struct orders *orders, const struct order *order)
{
	struct replica *replica = node_replica(orders->node, order->group);
	struct order_run *run;

	if (!replica || orders->count == ORDERS_MAX)
		return;
	run = mem_zalloc(1, sizeof(*run));
	orders->count++;
	run->orders = orders;
	run->group = order->group;
	run->kind = order->kind;
	run->raft_id = order->raft_id;
	run->replica = replica;
	if (order->address.len)
		memcpy(run->address, order->address.data,
		       order->address.len);
	if (order->kind == ORDER_TRANSFER)
		task_post(io_loop_executor(orders->node->log), &run->task,
			  transfer);
	else if (order->kind == ORDER_LEVEL)
		raise_level(run, order->level);
	else
		change(run, order);
}

struct sending {
	struct task task;
	struct node *node;
	uint32_t to;
	struct buf octets;
};

static void send_run(struct task *task)
{
	struct sending *sending = container_of(task, struct sending, task);

	peers_tell(sending->node->peers, sending->to,
		   buf_slice(&sending->octets));
	buf_fini(&sending->octets);
	mem_free(sending);
}

void orders_send(struct orders *orders, uint32_t node,
		 const struct order *order)
{
	struct sending *sending = mem_zalloc(1, sizeof(*sending));
	enum err err;

	sending->node = orders->node;
	sending->to = node;
	buf_add_octet(&sending->octets, TOLD_ORDER);
	err = order_encode(order, &sending->octets);
	if (err) {
		LOG_ERROR("an order cannot be written: %s", err_text(err));
		buf_fini(&sending->octets);
		mem_free(sending);
		return;
	}
	task_post(io_loop_executor(orders->node->log), &sending->task,
		  send_run);
}

bool orders_are_busy(const struct orders *orders)
{
	return orders->count > 0;
}

struct orders *orders_new(struct node *node)
{
	struct orders *orders = mem_zalloc(1, sizeof(*orders));

	orders->node = node;
	return orders;
}

void orders_free(struct orders **ordersp)
{
	mem_free(*ordersp);
	*ordersp = NULL;
}
