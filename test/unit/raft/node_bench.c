/*
 * A node driven by hand (node_bench.h).
 */
#include "node_bench.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/pack.h"
#include "base/panic.h"
#include "io/disk.h"
#include "raft/frame.h"
#include "raft/message.h"
#include "raft/replica_impl.h"
#include "scratch.h"

#define TABLE_EFFECT REPLICA_TABLE_COUNT
#define BIG_ROW (64 * 1024) /* octets */

static const char *const tables[] = { "effect" };

/* ---- machine ---- */

static struct node *node_of(struct replica_fsm *fsm)
{
	return container_of(fsm, struct node, fsm);
}

static uint64_t times(struct store_txn *txn, struct slice body)
{
	struct store_value value;
	struct unpack in;

	if (!store_get(txn, TABLE_EFFECT, body, &value))
		return 0;
	in = unpack_of(value.fields);
	return unpack_u64(&in);
}

static enum err fsm_check(struct replica_fsm *fsm,
			  const struct command *command,
			  struct command_holders *holders_r)
{
	if (slice_has_prefix(command->body, SLICE_LIT("bad")))
		return ERR_SYNTAX;
	if (command->kind == KIND_BODY)
		*holders_r = node_of(fsm)->holders;
	return ERR_NONE;
}

static void fsm_apply(struct replica_fsm *fsm, struct store_txn *txn,
		      const struct command *command,
		      const struct command_at *at,
		      struct command_result *result_r)
{
	struct buf fields = { 0 };

	(void)at;
	node_of(fsm)->applied_calls++;
	if (command->kind == KIND_REFUSE)
		result_r->refusal = ERR_EXISTS;
	if (command->kind == KIND_UNKNOWN)
		result_r->refusal = ERR_VERSION;
	if (command->kind == KIND_REFUSE || command->kind == KIND_UNKNOWN)
		return;
	pack_u64(&fields, times(txn, command->body) + 1);
	while (command->kind == KIND_BIG && fields.len < BIG_ROW)
		pack_u64(&fields, 0);
	store_put(txn, TABLE_EFFECT, command->body, 1, buf_slice(&fields));
	buf_add_slice(&result_r->payload, command->body);
	buf_fini(&fields);
}

static void fsm_bodies(struct replica_fsm *fsm, const struct command *command,
		       replica_fsm_body *each, void *arg)
{
	struct sha256 hash;

	(void)fsm;
	if (command->kind != KIND_BODY)
		return;
	sha256(command->body, &hash);
	each(arg, &hash);
}

static bool fsm_frees_space(uint16_t kind)
{
	return kind == KIND_FREE;
}

/* ---- hooks ---- */

static void hook_raise(void *arg, struct replica *replica, uint32_t at_least)
{
	struct node *node = arg;

	(void)replica;
	node->raise_to = at_least;
}

static void hook_fenced(void *arg, struct replica *replica)
{
	struct node *node = arg;

	(void)replica;
	node->fenced++;
}

static void hook_parked(void *arg, struct replica *replica, const char *why)
{
	struct node *node = arg;

	(void)replica;
	node->parked = why;
}

static void hook_led(void *arg, struct replica *replica, bool leader)
{
	struct node *node = arg;

	(void)replica;
	node->leads = leader;
}

static void hook_fail(void *arg, const char *text)
{
	struct node *node = arg;

	(void)text;
	node->failed++;
}

static void log_nothing(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

/* ---- life ---- */

static void set_wal_options(struct node *node)
{
	node->wal_options = (struct wal_options){
		.path = "data/wal",
		.disk = disk_sim_disk(node->disk),
		.loop = &node->queue.executor,
		.writer = &node->writer.executor,
		.pool = &node->queue.executor,
		.timers = &node->timers,
		.random = &node->random.random,
		.segment_size = 1024 * 1024,
		.keep_bytes = 1024 * 1024,
		.min_free = 4096,
		.fail = hook_fail,
		.fail_arg = node,
	};
}

static void set_options(struct node *node)
{
	node->options = (struct replica_options){
		.group = NODE_GROUP,
		.raft_id = NODE_RAFT_ID,
		.address = "be1",
		.start_count = 0,
		.bootstrap = true,
		.log_loop = &node->queue.executor,
		.applier = &node->applier.executor,
		.pool = &node->queue.executor,
		.timers = &node->timers,
		.clock = &node->clock.clock,
		.random = &node->random.random,
		.env = {
			.path = node->dir,
			.map_size = 64 << 20,
			.max_readers = 8,
			.disk = io_disk(),
		},
		.fsm = &node->fsm,
		.turns = &node->turns,
		.hooks = {
			.arg = node,
			.raise = hook_raise,
			.fenced = hook_fenced,
			.parked = hook_parked,
			.led = hook_led,
			.fail = hook_fail,
		},
	};
}

static void queues_init(struct node *node)
{
	task_queue_init(&node->queue);
	task_queue_init(&node->writer);
	task_queue_init(&node->applier);
}

struct node *node_new(uint64_t seed)
{
	struct node *node = mem_zalloc(1, sizeof(*node));

	log_set_sink(log_nothing, NULL);
	node->dir = scratch_new();
	node->disk = disk_sim_new();
	disk_sim_make_dirs(node->disk, "data");
	queues_init(node);
	clock_manual_init(&node->clock, 1000, 1700000000000);
	timers_init(&node->timers, &node->clock.clock);
	random_seeded_init(&node->random, seed);
	replica_turns_init(&node->turns);
	node->fsm = (struct replica_fsm){
		.tables = tables,
		.table_count = 1,
		.check = fsm_check,
		.apply = fsm_apply,
		.frees_space = fsm_frees_space,
		.bodies = fsm_bodies,
	};
	node->holders = (struct command_holders){
		.needed = true,
		.raft_ids = { NODE_RAFT_ID },
		.count = 1,
	};
	set_wal_options(node);
	set_options(node);
	return node;
}

void node_start(struct node *node)
{
	struct buf why = { 0 };

	node->options.start_count++;
	node->options.boot = random_u64(&node->random.random) | 1;
	node->parked = NULL;
	node->leads = false;
	node->stopped = false;
	if (wal_open(&node->wal_options, &node->wal, &why) != ERR_NONE)
		PANIC("%s", buf_cstr(&why));
	buf_fini(&why);
	node->options.wal = node->wal;
	MUST(replica_open(&node->options, &node->replica) == ERR_NONE);
	replica_start(node->replica);
}

static void node_close(struct node *node)
{
	if (node->replica != NULL)
		replica_close(&node->replica);
	if (node->wal != NULL)
		wal_close(&node->wal);
	queues_init(node);
	replica_turns_init(&node->turns);
}

static void replica_is_stopped(struct replica *replica, void *arg)
{
	struct node *node = arg;

	(void)replica;
	node->stopped = true;
}

static void wal_is_stopped(void *arg)
{
	struct node *node = arg;

	node->stopped = true;
}

void node_stop(struct node *node)
{
	replica_stop(node->replica, replica_is_stopped, node);
	node_drain(node);
	MUST(node->stopped);
	node->stopped = false;
	wal_stop(node->wal, wal_is_stopped, node);
	node_drain(node);
	MUST(node->stopped);
	node_close(node);
}

void node_crash(struct node *node, enum disk_sim_crash how)
{
	node_close(node);
	disk_sim_crash(node->disk,
		       how == DISK_SIM_TEAR ? &node->random.random : NULL, how);
}

void node_free(struct node *node)
{
	node_close(node);
	timers_fini(&node->timers);
	disk_sim_free(&node->disk);
	scratch_free(&node->dir);
	mem_free(node);
}

static struct task_queue *queue_nth(struct node *node, uint64_t n)
{
	switch (n % 3) {
	case 0:
		return &node->queue;
	case 1:
		return node->writer_stalls ? NULL : &node->writer;
	default:
		return node->applier_stalls ? NULL : &node->applier;
	}
}

bool node_step(struct node *node)
{
	uint64_t first = random_range(&node->random.random, 0, 2);

	for (uint64_t i = 0; i < 3; i++) {
		struct task_queue *queue = queue_nth(node, first + i);

		if (queue != NULL && task_queue_step(queue))
			return true;
	}
	return false;
}

void node_drain(struct node *node)
{
	while (node_step(node))
		;
}

#define WAIT_STEP_MS 20

void node_wait(struct node *node, uint64_t ms)
{
	while (ms > 0) {
		uint64_t step = ms < WAIT_STEP_MS ? ms : WAIT_STEP_MS;

		clock_manual_advance(&node->clock, step);
		timers_run(&node->timers);
		node_drain(node);
		ms -= step;
	}
}

void node_serve(struct node *node)
{
	for (unsigned i = 0; i < 100; i++) {
		node_wait(node, WAIT_STEP_MS);
		if (node->leads || node->parked != NULL)
			break;
	}
	MUST(node->leads || node->parked != NULL);
	node_drain(node);
}

struct node *node_new_serving(uint64_t seed)
{
	struct node *node = node_new(seed);

	node_start(node);
	node_serve(node);
	return node;
}

void node_depose(struct node *node)
{
	const uint64_t peer = (uint64_t)(NODE_ID + 1) << 32 | 1;
	struct raft_message message;
	struct compat_view view;
	struct buf frame = { 0 };

	replica_view(node->replica, &view);
	compat_message_init(&message, RAFT_IO_REQUEST_VOTE);
	message.request_vote.term = view.term + 1;
	message.request_vote.candidate_id = peer;
	message.request_vote.disrupt_leader = true;
	frame_begin(&frame, FRAME_RAFT);
	message_encode(&message, &frame);
	replica_receive(node->replica, peer, buf_slice(&frame));
	buf_fini(&frame);
	replica_view(node->replica, &view);
	MUST(view.state == RAFT_FOLLOWER);
	node_drain(node);
	MUST(!node->leads);
}

uint64_t node_effects(struct node *node, const char *body)
{
	struct store_txn *txn;
	uint64_t count;

	MUST(store_read_begin(replica_env(node->replica), &txn) == ERR_NONE);
	count = times(txn, slice_str(body));
	store_end(&txn);
	return count;
}

/* ---- proposals ---- */

void ask_init(struct ask *ask, struct node *node, uint16_t kind,
	      const char *body)
{
	*ask = (struct ask){ 0 };
	proposal_init(&ask->proposal, &node->queue.executor, ask);
	ask->proposal.kind = kind;
	buf_add_str(&ask->proposal.body, body);
}

void ask_done(struct proposal *proposal)
{
	struct ask *ask = proposal->owner;

	ask->answers++;
	ask->err = proposal->err;
}

void ask_propose(struct ask *ask, struct node *node)
{
	replica_propose(node->replica, &ask->proposal, ask_done);
}

enum err node_do(struct node *node, uint16_t kind, const char *body)
{
	struct ask ask;

	ask_init(&ask, node, kind, body);
	ask_propose(&ask, node);
	node_drain(node);
	MUST(ask.answers == 1);
	proposal_fini(&ask.proposal);
	return ask.err;
}
