/*
 * Whole replicas of several nodes (replica_cluster.h): nodes, net and time.
 * The operations that are checked: replica_cluster_op.c.
 */
#include "replica_cluster.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/pack.h"
#include "base/panic.h"
#include "io/disk.h"
#include "raft/replica_impl.h"
#include "replica_cluster_impl.h"
#include "scratch.h"

#define QUEUES 3

uint64_t rc_draw(struct rc *rc, uint64_t min, uint64_t max)
{
	return random_range(&rc->random.random, min, max);
}

static uint64_t now(struct rc *rc)
{
	return rc->clock.mono;
}

static uint32_t node_id(unsigned node)
{
	return node + 1;
}

uint64_t rc_raft_id(unsigned node)
{
	return (uint64_t)node_id(node) << 32 | 1;
}

static const char *address_of(unsigned node)
{
	static const char *const names[RC_NODES_MAX] = { "n1", "n2", "n3", "n4",
							 "n5", "n6", "n7" };

	return names[node];
}

static uint32_t group_number(unsigned group)
{
	return group + 1;
}

static void log_nothing(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

/* ---- net ---- */

struct rc_octets {
	struct list link; /* of its rc_link */
	uint64_t at_ms;
	uint32_t group;
	uint64_t from; /* raft ids */
	uint64_t to;
	struct buf octets;
};

/* The callback of a send, on its way through the sender's queue. */
struct rc_sent {
	struct list link; /* of node->sents */
	struct task task;
	struct net_send *send;
};

static void sent_run(struct task *task)
{
	struct rc_sent *sent = container_of(task, struct rc_sent, task);
	struct net_send *send = sent->send;

	list_remove(&sent->link);
	mem_free(sent);
	send->sent(send, ERR_NONE);
}

static void sent_post(struct rc_node *node, struct net_send *send)
{
	struct rc_sent *sent = mem_zalloc(1, sizeof(*sent));

	sent->send = send;
	list_append(&node->sents, &sent->link);
	task_post(&node->queue.executor, &sent->task, sent_run);
}

static void octets_free(struct rc_octets *octets)
{
	list_remove(&octets->link);
	buf_fini(&octets->octets);
	mem_free(octets);
}

static bool is_lost(struct rc *rc, const struct rc_frame *frame)
{
	if (rc->watch != NULL && rc->watch(rc, frame))
		return true;
	if (rc->links[frame->from][frame->to].cut)
		return true;
	return rc->loss_per_mille > 0 &&
	       rc_draw(rc, 0, 999) < rc->loss_per_mille;
}

/* A link keeps the order: what waits holds up what comes behind it. */
static void link_put(struct rc *rc, struct rc_link *link,
		     struct rc_octets *octets)
{
	octets->at_ms =
		now(rc) + rc_draw(rc, rc->delay_min_ms, rc->delay_max_ms);
	if (octets->at_ms < link->last_at_ms)
		octets->at_ms = link->last_at_ms;
	link->last_at_ms = octets->at_ms;
	list_append(&link->frames, &octets->link);
}

static void net_send(struct replica_net *net, struct net_send *send)
{
	struct rc_node *node = container_of(net, struct rc_node, net);
	struct rc *rc = node->rc;
	struct rc_octets *octets = mem_zalloc(1, sizeof(*octets));
	unsigned to = (unsigned)(send->to >> 32) - 1;
	struct rc_frame frame = { node->index, to, send->group, { 0 } };

	MUST(to < rc->options.nodes && to != node->index);
	octets->group = send->group;
	octets->from = send->from;
	octets->to = send->to;
	for (size_t i = 0; i < send->count; i++)
		buf_add_slice(&octets->octets, send->pieces[i]);
	frame.octets = buf_slice(&octets->octets);
	list_init(&octets->link);
	if (is_lost(rc, &frame))
		octets_free(octets);
	else
		link_put(rc, &rc->links[node->index][to], octets);
	sent_post(node, send);
}

static void deliver(struct rc *rc, unsigned to, struct rc_octets *octets)
{
	struct rc_node *node = &rc->nodes[to];
	struct rc_member *member = &node->members[octets->group - 1];

	if (node->up && member->replica != NULL &&
	    octets->to == member->replica->options.raft_id)
		replica_receive(member->replica, octets->from,
				buf_slice(&octets->octets));
	else if (node->up && member->remote != NULL)
		remote_receive(member->remote, octets->from,
			       buf_slice(&octets->octets));
	octets_free(octets);
}

static struct rc_octets *link_first(const struct rc_link *link)
{
	if (list_empty(&link->frames))
		return NULL;
	return LIST_ENTRY(link->frames.next, struct rc_octets, link);
}

/* One that is due, of a link by chance. False: there is none. */
static bool deliver_one(struct rc *rc)
{
	unsigned nodes = rc->options.nodes;
	unsigned first = (unsigned)rc_draw(rc, 0, nodes * nodes - 1);

	for (unsigned i = 0; i < nodes * nodes; i++) {
		unsigned n = (first + i) % (nodes * nodes);
		struct rc_octets *octets =
			link_first(&rc->links[n / nodes][n % nodes]);

		if (octets == NULL || octets->at_ms > now(rc) ||
		    rc->nodes[n % nodes].paused)
			continue;
		deliver(rc, n % nodes, octets);
		return true;
	}
	return false;
}

void rc_cut(struct rc *rc, unsigned from, unsigned to, bool cut)
{
	rc->links[from][to].cut = cut;
}

void rc_isolate(struct rc *rc, unsigned node)
{
	for (unsigned i = 0; i < rc->options.nodes; i++) {
		rc->links[node][i].cut = true;
		rc->links[i][node].cut = true;
	}
}

void rc_heal(struct rc *rc)
{
	for (unsigned i = 0; i < rc->options.nodes; i++)
		for (unsigned k = 0; k < rc->options.nodes; k++)
			rc->links[i][k].cut = false;
	rc->loss_per_mille = 0;
}

/* ---- hooks ---- */

static void hook_raise(void *arg, struct replica *replica, uint32_t at_least)
{
	(void)replica;
	((struct rc_member *)arg)->raise_to = at_least;
}

static void hook_remote_raise(void *arg, struct remote *remote,
			      uint32_t at_least)
{
	(void)remote;
	((struct rc_member *)arg)->raise_to = at_least;
}

static void hook_fenced(void *arg, struct replica *replica)
{
	(void)replica;
	((struct rc_member *)arg)->fenced++;
}

static void hook_remote_fenced(void *arg, struct remote *remote)
{
	(void)remote;
	((struct rc_member *)arg)->fenced++;
}

static void hook_parked(void *arg, struct replica *replica, const char *why)
{
	struct rc_member *member = arg;

	(void)replica;
	member->parked = why;
	member->node->rc->wrong = why;
}

static void hook_led(void *arg, struct replica *replica, bool leader)
{
	(void)replica;
	((struct rc_member *)arg)->leads = leader;
}

static void hook_fail(void *arg, const char *text)
{
	struct rc_member *member = arg;

	member->node->rc->wrong = text;
}

static void hook_wal_fail(void *arg, const char *text)
{
	((struct rc_node *)arg)->rc->wrong = text;
}

/* ---- nodes ---- */

static bool has_replica(const struct rc_node *node)
{
	const struct rc *rc = node->rc;

	return node->index < rc->options.replicas + rc->extras.empties;
}

static void wal_begin(struct rc_node *node)
{
	const struct wal_options options = {
		.path = "wal",
		.disk = disk_sim_disk(node->disk),
		.loop = &node->queue.executor,
		.writer = &node->writer.executor,
		.pool = &node->queue.executor,
		.timers = &node->timers,
		.random = &node->rc->random.random,
		.segment_size = 320 * 1024,
		.keep_bytes = 320 * 1024,
		.min_free = 4096,
		.fail = hook_wal_fail,
		.fail_arg = node,
	};
	struct buf why = { 0 };

	if (wal_open(&options, &node->wal, &why) != ERR_NONE)
		PANIC("%s", buf_cstr(&why));
	buf_fini(&why);
}

void rc_replica_begin(struct rc_member *member)
{
	struct rc_node *node = member->node;
	struct rc *rc = node->rc;
	struct replica_voter voters[RC_NODES_MAX];
	struct replica_options options = {
		.group = group_number(member->group),
		.raft_id = (uint64_t)node_id(node->index) << 32 |
			   member->incarnation,
		.address = address_of(node->index),
		.start_count = node->start_count,
		.boot = random_u64(&rc->random.random) | 1,
		.bootstrap = node->index < rc->options.replicas &&
			     member->incarnation == 1,
		.voters = voters,
		.voter_count = rc->options.replicas,
		.wal = node->wal,
		.net = &node->net,
		.log_loop = &node->queue.executor,
		.applier = &node->applier.executor,
		.pool = &node->queue.executor,
		.timers = &node->timers,
		.clock = &rc->clock.clock,
		.random = &rc->random.random,
		.env = {
			.path = member->dir,
			.map_size = 16 << 20,
			.max_readers = 4,
			.disk = io_disk(),
		},
		.fsm = &member->fsm,
		.turns = &node->turns,
		.hooks = {
			.arg = member,
			.raise = hook_raise,
			.fenced = hook_fenced,
			.parked = hook_parked,
			.led = hook_led,
			.fail = hook_fail,
		},
	};

	for (unsigned i = 0; i < rc->options.replicas; i++)
		voters[i] =
			(struct replica_voter){ rc_raft_id(i), address_of(i) };
	if (rc->extras.tailor != NULL)
		rc->extras.tailor(member, &options);
	MUST(replica_open(&options, &member->replica) == ERR_NONE);
	replica_start(member->replica);
}

static void remote_begin(struct rc_member *member)
{
	struct rc_node *node = member->node;
	struct rc *rc = node->rc;
	const struct remote_options options = {
		.group = group_number(member->group),
		.node = node_id(node->index),
		.start_count = node->start_count,
		.boot = random_u64(&rc->random.random) | 1,
		.net = &node->net,
		.log_loop = &node->queue.executor,
		.timers = &node->timers,
		.clock = &rc->clock.clock,
		.hooks = {
			.arg = member,
			.raise = hook_remote_raise,
			.fenced = hook_remote_fenced,
		},
	};
	uint64_t replicas[RC_NODES_MAX];

	for (unsigned i = 0; i < rc->options.replicas; i++)
		replicas[i] = rc_raft_id(i);
	member->remote = remote_open(&options);
	remote_set_replicas(member->remote, replicas, rc->options.replicas);
}

void rc_node_start(struct rc_node *node)
{
	struct rc *rc = node->rc;

	node->start_count++;
	node->up = true;
	replica_turns_init(&node->turns);
	wal_begin(node);
	for (unsigned i = 0; i < rc->options.groups; i++) {
		struct rc_member *member = &node->members[i];

		member->leads = false;
		member->raise_to = 0;
		if (has_replica(node))
			rc_replica_begin(member);
		else
			remote_begin(member);
	}
}

static void queues_init(struct rc_node *node)
{
	task_queue_init(&node->queue);
	task_queue_init(&node->writer);
	task_queue_init(&node->applier);
}

/* Nothing runs any more, and nothing that is posted may be looked at again. */
static void node_end(struct rc_node *node)
{
	for (unsigned i = 0; i < RC_GROUPS_MAX; i++) {
		struct rc_member *member = &node->members[i];

		queues_init(node);
		if (member->replica != NULL)
			replica_close(&member->replica);
		if (member->remote != NULL)
			remote_close(&member->remote);
		member->leads = false;
	}
	if (node->wal != NULL)
		wal_close(&node->wal);
	for (;;) {
		struct list *link = list_take(&node->sents);

		if (link == NULL)
			break;
		mem_free(LIST_ENTRY(link, struct rc_sent, link));
	}
	queues_init(node);
	node->up = false;
	node->paused = false;
	node->writer_stalls = false;
	node->applier_stalls = false;
}

void rc_node_crash(struct rc_node *node, enum disk_sim_crash how)
{
	if (!node->up)
		return;
	node_end(node);
	disk_sim_crash(node->disk,
		       how == DISK_SIM_TEAR ? &node->rc->random.random : NULL,
		       how);
}

static void replica_is_stopped(struct replica *replica, void *arg)
{
	(void)replica;
	((struct rc_node *)arg)->stopped = true;
}

static void remote_is_stopped(struct remote *remote, void *arg)
{
	(void)remote;
	((struct rc_node *)arg)->stopped = true;
}

static void wal_is_stopped(void *arg)
{
	((struct rc_node *)arg)->stopped = true;
}

static void until_stopped(struct rc_node *node)
{
	uint64_t end = now(node->rc) + 10000;

	while (!node->stopped) {
		MUST(now(node->rc) < end);
		rc_step(node->rc);
	}
	node->stopped = false;
}

void rc_replica_end(struct rc_member *member)
{
	replica_stop(member->replica, replica_is_stopped, member->node);
	until_stopped(member->node);
	replica_close(&member->replica);
	member->leads = false;
}

void rc_node_stop(struct rc_node *node)
{
	for (unsigned i = 0; i < node->rc->options.groups; i++) {
		struct rc_member *member = &node->members[i];

		if (member->replica != NULL)
			replica_stop(member->replica, replica_is_stopped, node);
		else
			remote_stop(member->remote, remote_is_stopped, node);
		until_stopped(node);
	}
	wal_stop(node->wal, wal_is_stopped, node);
	until_stopped(node);
	while (task_queue_step(&node->queue))
		;
	node_end(node);
}

/* ---- the cluster ---- */

static void member_init(struct rc_node *node, unsigned group)
{
	struct rc_member *member = &node->members[group];

	member->node = node;
	member->group = group;
	member->incarnation = 1;
	rc_fsm_init(member);
	if (has_replica(node))
		member->dir = scratch_new();
}

static void node_init(struct rc *rc, unsigned index)
{
	struct rc_node *node = &rc->nodes[index];

	node->rc = rc;
	node->index = index;
	node->net.send = net_send;
	node->disk = disk_sim_new();
	list_init(&node->sents);
	queues_init(node);
	timers_init(&node->timers, &rc->clock.clock);
	for (unsigned i = 0; i < rc->options.groups; i++)
		member_init(node, i);
}

struct rc *rc_new(const struct rc_options *options)
{
	return rc_new_with(options, &(struct rc_extras){ 0 });
}

struct rc *rc_new_with(const struct rc_options *options,
		       const struct rc_extras *extras)
{
	struct rc *rc = mem_zalloc(1, sizeof(*rc));

	log_set_sink(log_nothing, NULL);
	rc->options = *options;
	rc->extras = *extras;
	if (rc->options.groups == 0)
		rc->options.groups = 1;
	clock_manual_init(&rc->clock, 1000, 1700000000000);
	random_seeded_init(&rc->random, options->seed);
	rc->delay_max_ms = 2;
	for (unsigned i = 0; i < RC_NODES_MAX; i++)
		for (unsigned k = 0; k < RC_NODES_MAX; k++)
			list_init(&rc->links[i][k].frames);
	rc->holders.needed = true;
	for (unsigned i = 0; i < options->replicas; i++)
		rc->holders.raft_ids[rc->holders.count++] = rc_raft_id(i);
	for (unsigned i = 0; i < options->nodes; i++)
		node_init(rc, i);
	for (unsigned i = 0; i < options->nodes; i++)
		rc_node_start(&rc->nodes[i]);
	return rc;
}

static void node_free(struct rc_node *node)
{
	rc_node_crash(node, DISK_SIM_DROP);
	timers_fini(&node->timers);
	disk_sim_free(&node->disk);
	for (unsigned i = 0; i < RC_GROUPS_MAX; i++)
		if (node->members[i].dir != NULL)
			scratch_free(&node->members[i].dir);
}

void rc_free(struct rc *rc)
{
	for (unsigned i = 0; i < rc->options.nodes; i++)
		node_free(&rc->nodes[i]);
	for (unsigned i = 0; i < RC_NODES_MAX; i++)
		for (unsigned k = 0; k < RC_NODES_MAX; k++)
			while (link_first(&rc->links[i][k]) != NULL)
				octets_free(link_first(&rc->links[i][k]));
	mem_free(rc);
}

/* ---- steps ---- */

static struct task_queue *queue_of(struct rc_node *node, unsigned n)
{
	switch (n % QUEUES) {
	case 0:
		return &node->queue;
	case 1:
		return node->writer_stalls ? NULL : &node->writer;
	default:
		return node->applier_stalls ? NULL : &node->applier;
	}
}

static void raise_start_count(struct rc_node *node, struct rc_member *member)
{
	if (member->raise_to == 0)
		return;
	if (node->start_count < member->raise_to)
		node->start_count = member->raise_to;
	member->raise_to = 0;
	if (member->replica != NULL)
		replica_raised(member->replica, node->start_count);
	else
		remote_raised(member->remote, node->start_count);
}

static bool node_step(struct rc_node *node)
{
	unsigned first = (unsigned)rc_draw(node->rc, 0, QUEUES - 1);

	if (!node->up || node->paused)
		return false;
	for (unsigned i = 0; i < node->rc->options.groups; i++)
		raise_start_count(node, &node->members[i]);
	for (unsigned i = 0; i < QUEUES; i++) {
		struct task_queue *queue = queue_of(node, first + i);

		if (queue != NULL && task_queue_step(queue))
			return true;
	}
	return false;
}

static bool any_step(struct rc *rc)
{
	unsigned nodes = rc->options.nodes;
	unsigned first = (unsigned)rc_draw(rc, 0, nodes - 1);

	for (unsigned i = 0; i < nodes; i++)
		if (node_step(&rc->nodes[(first + i) % nodes]))
			return true;
	return false;
}

/* When something happens next, at most `most` from now. */
static uint64_t next_event(struct rc *rc, uint64_t most)
{
	uint64_t next = now(rc) + most;

	for (unsigned i = 0; i < rc->options.nodes; i++) {
		uint64_t timer = timers_next(&rc->nodes[i].timers);

		if (rc->nodes[i].paused)
			continue;
		if (rc->nodes[i].up && timer < next)
			next = timer;
		for (unsigned k = 0; k < rc->options.nodes; k++) {
			struct rc_octets *octets = link_first(&rc->links[k][i]);

			if (octets != NULL && octets->at_ms < next)
				next = octets->at_ms;
		}
	}
	return next;
}

void rc_step(struct rc *rc)
{
	uint64_t next;

	if (rc_draw(rc, 0, 3) == 0 && deliver_one(rc))
		return;
	if (any_step(rc) || deliver_one(rc))
		return;
	next = next_event(rc, 10);
	clock_manual_advance(&rc->clock, next > now(rc) ? next - now(rc) : 1);
	for (unsigned i = 0; i < rc->options.nodes; i++)
		if (rc->nodes[i].up && !rc->nodes[i].paused)
			timers_run(&rc->nodes[i].timers);
}

void rc_run(struct rc *rc, uint64_t ms)
{
	uint64_t end = now(rc) + ms;

	while (now(rc) < end)
		rc_step(rc);
}

int rc_leader(struct rc *rc, unsigned group, uint64_t ms)
{
	uint64_t end = now(rc) + ms;

	for (;;) {
		for (unsigned i = 0; i < rc->options.nodes; i++)
			if (rc->nodes[i].up &&
			    rc->nodes[i].members[group].leads)
				return (int)i;
		if (now(rc) >= end)
			return -1;
		rc_step(rc);
	}
}
