/*
 * A cluster of cores over our raft_io (io_cluster.h).
 */
#include "io_cluster.h"

#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "raft/frame.h"
#include "raft/message.h"

#define ELECTION_MS 300
#define HEARTBEAT_MS 60

static uint64_t draw(struct io_cluster *cluster, uint64_t min, uint64_t max)
{
	return random_range(&cluster->random.random, min, max);
}

static void log_nothing(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

/* ---- net ---- */

static unsigned node_index(uint64_t id)
{
	return (unsigned)(id >> 32) - 1;
}

/* A vote that leaves is given: it must be the only one of its term. */
static void judge_vote(struct io_cluster *cluster, struct io_node *node,
		       uint64_t to, const struct raft_message *message)
{
	uint64_t term = message->request_vote_result.term;

	if (!message->request_vote_result.vote_granted ||
	    compat_get_pre_vote(message))
		return;
	MUST(term < IO_TERMS_MAX);
	if (node->voted_for[term] != 0 && node->voted_for[term] != to)
		cluster->wrong = "two votes in one term";
	node->voted_for[term] = to;
}

static void judge_frame(struct io_node *node, uint64_t to, struct slice octets)
{
	struct raft_message message;

	if (message_decode(octets, &message) != ERR_NONE) {
		node->cluster->wrong = "a frame that cannot be read";
		return;
	}
	node->cluster->sent[message.type]++;
	if (message.type == RAFT_IO_REQUEST_VOTE_RESULT)
		judge_vote(node->cluster, node, to, &message);
	message_fini(&message);
}

struct sent {
	struct task task;
	struct net_send *send;
};

static void sent_run(struct task *task)
{
	struct sent *sent = container_of(task, struct sent, task);

	sent->send->sent(sent->send, ERR_NONE);
	mem_free(sent);
}

static void net_send(struct replica_net *net, struct net_send *send)
{
	struct io_node *node = container_of(net, struct io_node, net);
	struct io_cluster *cluster = node->cluster;
	struct io_frame *frame = mem_zalloc(1, sizeof(*frame));
	struct sent *sent = mem_zalloc(1, sizeof(*sent));

	frame->from = send->from;
	frame->to = node_index(send->to);
	frame->at_ms = clock_mono_ms(&cluster->clock.clock) +
		       draw(cluster, 0, cluster->lossy ? 40 : 5);
	for (size_t i = 0; i < send->count; i++)
		buf_add_slice(&frame->octets, send->pieces[i]);
	buf_drop(&frame->octets, FRAME_HEAD);
	judge_frame(node, send->to, buf_slice(&frame->octets));
	list_append(&cluster->frames, &frame->link);
	sent->send = send;
	task_post(&node->queue.executor, &sent->task, sent_run);
}

static void frame_free(struct io_frame *frame)
{
	list_remove(&frame->link);
	buf_fini(&frame->octets);
	mem_free(frame);
}

/* False: nothing is due. */
static bool deliver_one(struct io_cluster *cluster)
{
	uint64_t now = clock_mono_ms(&cluster->clock.clock);

	LIST_FOREACH (&cluster->frames, it) {
		struct io_frame *frame = LIST_ENTRY(it, struct io_frame, link);
		struct io_node *to = &cluster->nodes[frame->to];
		bool lost = cluster->cut[node_index(frame->from)][frame->to] ||
			    !to->up ||
			    (cluster->lossy && draw(cluster, 0, 19) == 0);

		if (frame->at_ms > now)
			continue;
		if (!lost)
			replica_io_receive(&to->io, frame->from,
					   buf_slice(&frame->octets));
		frame_free(frame);
		return true;
	}
	return false;
}

/* ---- machine ---- */

static int fsm_apply(struct raft_fsm *fsm, const struct raft_buffer *buf,
		     void **result)
{
	struct io_node *node = fsm->data;
	struct io_cluster *cluster = node->cluster;
	uint64_t index = raft_last_applied(&node->raft) + 1;
	uint64_t hash = xxh3(slice_of(buf->base, buf->len));

	MUST(index < IO_LOG_MAX);
	if (cluster->applied[index] == 0)
		cluster->committed++;
	else if (cluster->applied[index] != hash)
		cluster->wrong = "two nodes applied different commands";
	cluster->applied[index] = hash;
	*result = NULL;
	return 0;
}

static int fsm_snapshot(struct raft_fsm *fsm, struct raft_buffer *bufs[],
			unsigned *n_bufs)
{
	(void)fsm;
	(void)bufs;
	(void)n_bufs;
	return RAFT_BUSY;
}

static int fsm_restore(struct raft_fsm *fsm, struct raft_buffer *buf)
{
	(void)fsm;
	(void)buf;
	return 0;
}

/* ---- what our raft_io tells ---- */

static void hook_after(void *arg)
{
	struct io_node *node = arg;
	struct compat_view view;

	compat_view(&node->raft, &view);
	if (view.state != RAFT_LEADER || view.term != node->proposed_term ||
	    view.last_applied >= node->proposed_index)
		node->proposed = false;
}

static void hook_unavailable(void *arg)
{
	struct io_node *node = arg;

	node->cluster->wrong = "a core gave itself up";
}

static void hook_want_checkpoint(void *arg, uint64_t index, uint64_t term)
{
	(void)arg;
	(void)index;
	(void)term;
}

static bool hook_may_install(void *arg, struct raft_message *message)
{
	(void)arg;
	message_fini(message);
	return false;
}

static void hook_fail(void *arg, const char *text)
{
	struct io_node *node = arg;

	(void)text;
	node->cluster->wrong = "the log failed";
}

/* ---- nodes ---- */

static void bootstrap(struct io_node *node)
{
	struct raft_configuration conf;
	char name[] = "n1";

	raft_configuration_init(&conf);
	for (unsigned i = 0; i < IO_NODES; i++) {
		name[1] = (char)('1' + i);
		MUST(raft_configuration_add(&conf, node->cluster->nodes[i].id,
					    name, RAFT_VOTER) == 0);
	}
	(void)raft_bootstrap(&node->raft, &conf); /* at the first start */
	raft_configuration_close(&conf);
}

static void open_wal(struct io_node *node)
{
	const struct wal_options options = {
		.path = "wal",
		.disk = disk_sim_disk(node->disk),
		.loop = &node->queue.executor,
		.writer = &node->writer.executor,
		.pool = &node->queue.executor,
		.timers = &node->timers,
		.random = &node->cluster->random.random,
		.segment_size = 64 * 1024,
		.keep_bytes = 64 * 1024,
		.min_free = 4096,
		.fail = hook_fail,
		.fail_arg = node,
	};
	struct buf why = { 0 };

	if (wal_open(&options, &node->wal, &why) != ERR_NONE)
		PANIC("%s", buf_cstr(&why));
	buf_fini(&why);
}

static void open_core(struct io_node *node)
{
	const struct replica_io_options options = {
		.group = IO_GROUP,
		.id = node->id,
		.raft = &node->raft,
		.wal = node->wal,
		.net = &node->net,
		.loop = &node->queue.executor,
		.pool = &node->queue.executor,
		.timers = &node->timers,
		.clock = &node->cluster->clock.clock,
		.random = &node->cluster->random.random,
		.heartbeat_ms = HEARTBEAT_MS,
		.hooks = {
			.arg = node,
			.after = hook_after,
			.unavailable = hook_unavailable,
			.want_checkpoint = hook_want_checkpoint,
			.may_install = hook_may_install,
		},
	};

	replica_io_init(&node->io, &options);
	node->fsm = (struct raft_fsm){
		.version = 2,
		.data = node,
		.apply = fsm_apply,
		.snapshot = fsm_snapshot,
		.restore = fsm_restore,
	};
	MUST(raft_init(&node->raft, &node->io.raft_io, &node->fsm, node->id,
		       "") == 0);
	compat_set_limits(&node->raft);
	raft_set_election_timeout(&node->raft, ELECTION_MS);
	raft_set_heartbeat_timeout(&node->raft, HEARTBEAT_MS);
	raft_set_pre_vote(&node->raft, true);
}

void io_node_start(struct io_node *node)
{
	task_queue_init(&node->queue);
	task_queue_init(&node->writer);
	open_wal(node);
	open_core(node);
	bootstrap(node);
	MUST(raft_start(&node->raft) == 0);
	rules_after(&node->io.rules);
	node->up = true;
}

static void core_closed(struct raft *raft)
{
	(void)raft;
}

void io_node_recover(struct io_node *node)
{
	struct raft_configuration conf;

	task_queue_init(&node->queue);
	task_queue_init(&node->writer);
	open_wal(node);
	open_core(node);
	raft_configuration_init(&conf);
	MUST(raft_configuration_add(&conf, node->id, "n", RAFT_VOTER) == 0);
	MUST(raft_recover(&node->raft, &conf) == 0);
	raft_configuration_close(&conf);
	while (task_queue_step(&node->queue) || task_queue_step(&node->writer))
		;
	io_node_crash(node, DISK_SIM_DROP);
}

void io_node_crash(struct io_node *node, enum disk_sim_crash how)
{
	node->up = false;
	node->proposed = false;
	node->writer_stalls = false;
	for (;;) { /* the memory of sends that nobody will hear of */
		struct list *link = list_take(&node->queue.tasks);
		struct task *task;

		if (link == NULL)
			break;
		task = LIST_ENTRY(link, struct task, link);
		if (task->run == sent_run)
			mem_free(container_of(task, struct sent, task));
	}
	raft_close(&node->raft, core_closed);
	replica_io_abandon(&node->io);
	replica_io_fini(&node->io);
	wal_close(&node->wal);
	disk_sim_crash(node->disk,
		       how == DISK_SIM_TEAR ? &node->cluster->random.random
					    : NULL,
		       how);
}

struct io_cluster *io_cluster_new(uint64_t seed)
{
	struct io_cluster *cluster = mem_zalloc(1, sizeof(*cluster));

	log_set_sink(log_nothing, NULL);
	list_init(&cluster->frames);
	clock_manual_init(&cluster->clock, 1000, 0);
	random_seeded_init(&cluster->random, seed);
	for (unsigned i = 0; i < IO_NODES; i++) {
		struct io_node *node = &cluster->nodes[i];

		node->cluster = cluster;
		node->index = i;
		node->id = (uint64_t)(i + 1) << 32 | 1;
		node->net.send = net_send;
		node->disk = disk_sim_new();
		timers_init(&node->timers, &cluster->clock.clock);
	}
	for (unsigned i = 0; i < IO_NODES; i++)
		io_node_start(&cluster->nodes[i]);
	return cluster;
}

void io_cluster_free(struct io_cluster *cluster)
{
	for (unsigned i = 0; i < IO_NODES; i++) {
		struct io_node *node = &cluster->nodes[i];

		if (node->up)
			io_node_crash(node, DISK_SIM_DROP);
		timers_fini(&node->timers);
		disk_sim_free(&node->disk);
	}
	while (!list_empty(&cluster->frames))
		frame_free(LIST_ENTRY(cluster->frames.next, struct io_frame,
				      link));
	mem_free(cluster);
}

/* ---- steps ---- */

static bool node_step(struct io_node *node, bool writer_first)
{
	if (!node->up)
		return false;
	if (writer_first && !node->writer_stalls &&
	    task_queue_step(&node->writer))
		return true;
	if (task_queue_step(&node->queue))
		return true;
	return !node->writer_stalls && task_queue_step(&node->writer);
}

static bool any_step(struct io_cluster *cluster)
{
	unsigned first = (unsigned)draw(cluster, 0, IO_NODES - 1);

	for (unsigned i = 0; i < IO_NODES; i++)
		if (node_step(&cluster->nodes[(first + i) % IO_NODES],
			      draw(cluster, 0, 1)))
			return true;
	return false;
}

void io_cluster_step(struct io_cluster *cluster)
{
	if (draw(cluster, 0, 1) && deliver_one(cluster))
		return;
	if (any_step(cluster) || deliver_one(cluster))
		return;
	clock_manual_advance(&cluster->clock, 5);
	for (unsigned i = 0; i < IO_NODES; i++)
		if (cluster->nodes[i].up)
			timers_run(&cluster->nodes[i].timers);
}

void io_cluster_run(struct io_cluster *cluster, uint64_t ms)
{
	uint64_t end = cluster->clock.mono + ms;

	while (cluster->clock.mono < end)
		io_cluster_step(cluster);
}

int io_cluster_leader(struct io_cluster *cluster, uint64_t ms)
{
	uint64_t end = cluster->clock.mono + ms;

	while (cluster->clock.mono < end) {
		for (int i = 0; i < IO_NODES; i++)
			if (cluster->nodes[i].up &&
			    rules_leader_ready(&cluster->nodes[i].io.rules))
				return i;
		io_cluster_step(cluster);
	}
	return -1;
}

bool io_node_propose(struct io_node *node)
{
	struct io_cluster *cluster = node->cluster;
	struct compat_view view;
	struct raft_buffer buf = { raft_malloc(8), 8 };

	MUST(buf.base != NULL);
	cluster->next_command++;
	memcpy(buf.base, &cluster->next_command, 8);
	if (!node->up || node->proposed) {
		raft_free(buf.base);
		return false;
	}
	compat_view(&node->raft, &view);
	if (compat_apply(&node->raft, &node->req, &buf) != 0) {
		raft_free(buf.base);
		return false;
	}
	node->proposed = true;
	node->proposed_index = view.last_index + 1;
	node->proposed_term = view.term;
	rules_after(&node->io.rules);
	return true;
}

/* ---- lives ---- */

static void disturb(struct io_cluster *cluster)
{
	struct io_node *node = &cluster->nodes[draw(cluster, 0, IO_NODES - 1)];
	unsigned other = (unsigned)draw(cluster, 0, IO_NODES - 1);

	switch (draw(cluster, 0, 7)) {
	case 0:
	case 1:
		if (node->up)
			io_node_crash(node, draw(cluster, 0, 1)
						    ? DISK_SIM_DROP
						    : DISK_SIM_TEAR);
		break;
	case 2:
	case 3:
		for (unsigned i = 0; i < IO_NODES; i++)
			if (!cluster->nodes[i].up)
				io_node_start(&cluster->nodes[i]);
		break;
	case 4:
		cluster->cut[node->index][other] = true;
		cluster->cut[other][node->index] = draw(cluster, 0, 1);
		break;
	case 5:
		memset(cluster->cut, 0, sizeof cluster->cut);
		break;
	case 6:
		node->writer_stalls = !node->writer_stalls;
		break;
	default:
		cluster->lossy = !cluster->lossy;
		break;
	}
}

#define LIFE_STEPS 9000

/* Everything is healed: it must be able to go on. */
static void judge_liveness(struct io_cluster *cluster)
{
	unsigned committed;
	int leader;

	memset(cluster->cut, 0, sizeof cluster->cut);
	cluster->lossy = false;
	for (unsigned i = 0; i < IO_NODES; i++) {
		cluster->nodes[i].writer_stalls = false;
		if (!cluster->nodes[i].up)
			io_node_start(&cluster->nodes[i]);
	}
	io_cluster_run(cluster, 3000);
	committed = cluster->committed;
	leader = io_cluster_leader(cluster, 5000);
	if (leader >= 0)
		io_node_propose(&cluster->nodes[leader]);
	io_cluster_run(cluster, 1000);
	if (cluster->wrong == NULL && cluster->committed == committed)
		cluster->wrong = "a healed cluster does not go on";
}

const char *io_cluster_life(uint64_t seed)
{
	struct io_cluster *cluster = io_cluster_new(seed);
	const char *wrong;

	for (unsigned i = 0; i < LIFE_STEPS && cluster->wrong == NULL; i++) {
		io_cluster_step(cluster);
		if (draw(cluster, 0, 120) == 0)
			disturb(cluster);
		if (draw(cluster, 0, 30) == 0)
			io_node_propose(&cluster->nodes[draw(cluster, 0,
							     IO_NODES - 1)]);
	}
	if (cluster->wrong == NULL)
		judge_liveness(cluster);
	wrong = cluster->wrong;
	io_cluster_free(cluster);
	return wrong;
}
