/*
 * Reports: this node's own, and those of the others.
 *
 * Happy path: a timer fires, the state of each replica here is put together
 * (of those that lead with the configuration of their group), encoded into as
 * many messages as it takes, told to all from the log loop; what comes is kept
 * by node and group, with the time at which it came.
 *
 * Failures: none that matter. What is lost comes again half a second later,
 * and what is old is not believed.
 */
#include "server/reports.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cluster/directory.h"
#include "cluster/report.h"
#include "raft/replica_member.h"
#include "raft/replica_report.h"
#include "raft/slots.h"
#include "server/node.h"

/* A leader that said nothing for so long is not known to lead. */
#define LEADER_BELIEVED_MS 3000

/* Nodes of which something is kept: more than can have links. */
#define NODES_MAX (2 * PEERS_MAX)

struct kept_group {
	struct report_group report; /* its servers are owned */
	uint64_t at_ms;
};

struct kept_node {
	uint32_t node;
	uint32_t feature_level;
	uint64_t at_ms; /* monotonic; the newest message */
	struct kept_group *groups;
	size_t count;
};

struct reports {
	struct node *node;
	struct timer timer;
	bool stopped;
	struct kept_node *nodes;
	size_t count;
};

static uint64_t now_ms(const struct reports *reports)
{
	return clock_mono_ms(io_loop_clock(reports->node->main));
}

/* ---- keeping ---- */

static struct kept_node *node_get(struct reports *reports, uint32_t node)
{
	struct kept_node *kept;

	for (size_t i = 0; i < reports->count; i++)
		if (reports->nodes[i].node == node)
			return &reports->nodes[i];
	if (reports->count == NODES_MAX)
		return NULL;
	reports->nodes = mem_realloc(reports->nodes,
				     (reports->count + 1) * sizeof(*kept));
	kept = &reports->nodes[reports->count++];
	*kept = (struct kept_node){ .node = node };
	return kept;
}

static struct kept_group *group_get(struct kept_node *node, uint32_t group)
{
	struct kept_group *kept;

	for (size_t i = 0; i < node->count; i++)
		if (node->groups[i].report.group == group)
			return &node->groups[i];
	node->groups =
		mem_realloc(node->groups, (node->count + 1) * sizeof(*kept));
	kept = &node->groups[node->count++];
	*kept = (struct kept_group){ .report.group = group };
	return kept;
}

static void keep(struct reports *reports, const struct report *report)
{
	struct kept_node *node = node_get(reports, report->node);
	uint64_t now = now_ms(reports);

	if (!node)
		return;
	node->at_ms = now;
	node->feature_level = report->feature_level;
	for (size_t i = 0; i < report->group_count; i++) {
		const struct report_group *from = &report->groups[i];
		struct kept_group *kept = group_get(node, from->group);
		size_t octets = from->server_count * sizeof(*from->servers);

		mem_free(kept->report.servers);
		kept->report = *from;
		kept->report.servers = mem_alloc(octets + 1);
		if (octets)
			memcpy(kept->report.servers, from->servers, octets);
		kept->at_ms = now;
	}
}

void reports_take(struct reports *reports, uint32_t node, struct slice octets)
{
	struct arena arena = { 0 };
	struct report report;
	enum err err = report_decode(octets, &arena, &report);

	if (!err && report.node == node)
		keep(reports, &report);
	else
		LOG_WARN("node %u: a report that cannot be read", node);
	arena_fini(&arena);
}

/* ---- this node's own ---- */

static void add_configuration(struct replica *replica, struct report_group *out,
			      struct arena *arena)
{
	struct replica_conf *conf = arena_alloc(arena, sizeof(*conf));

	replica_get_conf(replica, conf);
	out->config_index = conf->index;
	out->voters_index = conf->index; /* at the latest */
	if (conf->committed)
		out->flags |= REPORT_CONFIG_COMMITTED;
	out->servers =
		arena_zalloc(arena, conf->count + 1, sizeof(*out->servers));
	out->server_count = conf->count;
	for (unsigned i = 0; i < conf->count; i++) {
		enum replica_role role = conf->servers[i].role;

		out->servers[i].raft_id = conf->servers[i].raft_id;
		out->servers[i].vote = role == REPLICA_VOTER ? REPORT_VOTE_VOTER
				       : role == REPLICA_STANDBY
					       ? REPORT_VOTE_STANDBY
					       : REPORT_VOTE_SPARE;
	}
}

/* What the replica's own report says, which the group's leader gets too. */
static void add_health(struct replica *replica, uint64_t raft_id,
		       struct report_group *out, struct arena *arena)
{
	struct replica_health *health =
		arena_zalloc(arena, COMPAT_SERVERS_MAX, sizeof(*health));
	unsigned count =
		replica_get_health(replica, health, COMPAT_SERVERS_MAX);

	for (unsigned i = 0; i < count; i++) {
		const struct replica_report *report = &health[i].report;

		if (health[i].raft_id != raft_id)
			continue;
		out->frontier = report->frontier;
		out->missing_bodies = report->missing;
		if (report->importing)
			out->flags |= REPORT_IMPORTING;
		if (report->import_total)
			out->permille = (uint32_t)(report->import_done * 1000 /
						   report->import_total);
	}
}

/* Of the group's state, which the leader may raise. */
static uint32_t level_of(struct replica *replica)
{
	struct store_env *env = replica_env(replica);
	struct store_txn *txn;
	uint32_t level;

	if (!env || store_read_begin(env, &txn))
		return 0;
	level = slots_feature_level(txn);
	store_end(&txn);
	return level;
}

static void add_group(const struct node_group *group, struct report *report,
		      struct arena *arena)
{
	struct replica *replica = atomic_load(&group->replica);
	struct report_group *out = &report->groups[report->group_count];
	struct replica_status status;

	if (!replica)
		return;
	report->group_count++;
	replica_get_status(replica, &status);
	out->group = group->number;
	out->raft_id = group->raft_id;
	out->applied_index = status.applied_index;
	if (status.parked) {
		out->flags |= REPORT_PARKED;
		return;
	}
	add_health(replica, group->raft_id, out, arena);
	if (!status.leader)
		return;
	out->flags |= REPORT_LEADS;
	out->term = status.term;
	out->last_index = status.last_index;
	out->feature_level = level_of(replica);
	add_configuration(replica, out, arena);
}

struct telling {
	struct task task;
	struct node *node;
	struct buf octets;
};

static void tell_run(struct task *task)
{
	struct telling *telling = container_of(task, struct telling, task);

	peers_tell(telling->node->peers, 0, buf_slice(&telling->octets));
	buf_fini(&telling->octets);
	mem_free(telling);
}

static void send(struct reports *reports, const struct report *report)
{
	struct node *node = reports->node;
	size_t first = 0;

	do {
		struct telling *telling = mem_zalloc(1, sizeof(*telling));
		size_t count;

		telling->node = node;
		buf_add_octet(&telling->octets, TOLD_REPORT);
		count = report_encode(report, first, &telling->octets);
		first += count ? count : report->group_count;
		task_post(io_loop_executor(node->log), &telling->task,
			  tell_run);
	} while (first < report->group_count);
}

static void report_now(struct reports *reports)
{
	struct node *node = reports->node;
	unsigned count = atomic_load(&node->group_count);
	struct arena arena = { 0 };
	struct report report = {
		.node = node->identity.node,
		.feature_level = DIRECTORY_FEATURE_LEVEL,
	};

	report.groups = arena_zalloc(&arena, count, sizeof(*report.groups));
	for (unsigned i = 0; i < count; i++)
		add_group(node_group(node, i), &report, &arena);
	keep(reports, &report);
	send(reports, &report);
	arena_fini(&arena);
}

/* ---- asking ---- */

uint64_t reports_leader(const struct reports *reports, uint32_t group)
{
	uint64_t now = now_ms(reports);
	uint64_t leader = 0;
	uint64_t term = 0;

	for (size_t n = 0; n < reports->count; n++) {
		const struct kept_node *node = &reports->nodes[n];

		for (size_t i = 0; i < node->count; i++) {
			const struct kept_group *kept = &node->groups[i];

			if (kept->report.group != group ||
			    !(kept->report.flags & REPORT_LEADS) ||
			    kept->report.term < term ||
			    now - kept->at_ms > LEADER_BELIEVED_MS)
				continue;
			leader = kept->report.raft_id;
			term = kept->report.term;
		}
	}
	return leader;
}

uint64_t reports_age_ms(const struct reports *reports, uint32_t node)
{
	for (size_t i = 0; i < reports->count; i++)
		if (reports->nodes[i].node == node)
			return now_ms(reports) - reports->nodes[i].at_ms;
	return UINT64_MAX;
}

static void fill_replica(const struct kept_group *kept,
			 struct plan_replica *replica)
{
	const struct report_group *report = &kept->report;

	replica->open = true;
	replica->parked = (report->flags & REPORT_PARKED) != 0;
	replica->importing = (report->flags & REPORT_IMPORTING) != 0;
	replica->import_permille = report->permille;
	replica->applied_index = report->applied_index;
	replica->frontier = report->frontier;
	replica->missing_bodies = report->missing_bodies;
}

static enum plan_vote plan_vote_of(enum report_vote vote)
{
	switch (vote) {
	case REPORT_VOTE_SPARE:
		return PLAN_VOTE_SPARE;
	case REPORT_VOTE_STANDBY:
		return PLAN_VOTE_STANDBY;
	case REPORT_VOTE_VOTER:
		return PLAN_VOTE_VOTER;
	}
	return PLAN_VOTE_NONE;
}

static void fill_leader(const struct report_group *report,
			struct plan_group *group, struct arena *arena)
{
	group->leader = report->raft_id;
	group->last_index = report->last_index;
	group->config_index = report->config_index;
	group->config_committed =
		(report->flags & REPORT_CONFIG_COMMITTED) != 0;
	group->voters_index = report->voters_index;
	group->feature_level = report->feature_level;
	for (size_t i = 0; i < report->server_count; i++) {
		const struct report_server *server = &report->servers[i];

		plan_replica_get(group, server->raft_id, arena)->vote =
			plan_vote_of(server->vote);
	}
}

/* The report of this very replica; NULL: none, or too old. */
static const struct kept_group *kept_find(const struct reports *reports,
					  uint32_t group, uint64_t raft_id)
{
	uint64_t now = now_ms(reports);

	for (size_t n = 0; n < reports->count; n++) {
		const struct kept_node *node = &reports->nodes[n];

		for (size_t i = 0; i < node->count; i++) {
			const struct kept_group *kept = &node->groups[i];

			if (kept->report.group == group &&
			    kept->report.raft_id == raft_id &&
			    now - kept->at_ms < LEADER_BELIEVED_MS)
				return kept;
		}
	}
	return NULL;
}

static void fill_group(const struct reports *reports, struct plan_group *group,
		       struct arena *arena)
{
	uint64_t leader = reports_leader(reports, group->group);
	const struct kept_group *kept =
		kept_find(reports, group->group, leader);

	if (kept)
		fill_leader(&kept->report, group, arena);
	for (unsigned i = 0; i < group->replica_count; i++) {
		kept = kept_find(reports, group->group,
				 group->replicas[i].raft_id);
		if (kept)
			fill_replica(kept, &group->replicas[i]);
	}
}

void reports_fill(const struct reports *reports, struct plan_cluster *cluster,
		  uint64_t since_ms, struct arena *arena)
{
	uint64_t watched = now_ms(reports) - since_ms;

	for (unsigned i = 0; i < cluster->member_count; i++) {
		struct plan_member *member = &cluster->members[i];
		uint64_t age = reports_age_ms(reports, member->node);

		member->silent_ms = age < watched ? age : watched;
	}
	for (unsigned i = 0; i < cluster->group_count; i++)
		fill_group(reports, &cluster->groups[i], arena);
}

/* ---- life ---- */

static void fired(struct timer *timer)
{
	struct reports *reports = container_of(timer, struct reports, timer);

	report_now(reports);
	timer_set(io_loop_timers(reports->node->main), timer, REPORTS_MS);
}

void reports_hurry(struct reports *reports)
{
	if (!reports->stopped)
		timer_set(io_loop_timers(reports->node->main), &reports->timer,
			  0);
}

struct reports *reports_new(struct node *node)
{
	struct reports *reports = mem_zalloc(1, sizeof(*reports));

	reports->node = node;
	timer_init(&reports->timer, fired);
	timer_set(io_loop_timers(node->main), &reports->timer, 0);
	return reports;
}

void reports_stop(struct reports *reports)
{
	reports->stopped = true;
	timer_stop(io_loop_timers(reports->node->main), &reports->timer);
}

void reports_free(struct reports **reportsp)
{
	struct reports *reports = *reportsp;

	*reportsp = NULL;
	for (size_t n = 0; n < reports->count; n++) {
		for (size_t i = 0; i < reports->nodes[n].count; i++)
			mem_free(reports->nodes[n].groups[i].report.servers);
		mem_free(reports->nodes[n].groups);
	}
	mem_free(reports->nodes);
	mem_free(reports);
}
