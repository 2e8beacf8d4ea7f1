/*
 * A replica's life: opened, started, stopped; parked when its state or log
 * cannot be trusted (replica.h).
 *
 * Happy path: replica_open opens the environment; replica_start compares it
 * with the log and lets raft begin; from then on replica_after runs whenever
 * raft's state may have changed, and replica_drained whenever commands were
 * applied. replica_stop closes raft, applies what is committed, takes a last
 * checkpoint.
 *
 * Failures: what concerns this group alone parks it, the node serves on [S11].
 * A failed write or sync ends the process (R5).
 */
#include "raft/replica_impl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "store/checkpoint.h"
#include "store/copy.h"

static const char *const raft_tables[REPLICA_TABLE_COUNT] = {
	[REPLICA_TABLE_META] = "meta",
	[REPLICA_TABLE_PROPOSER] = "proposer",
	[REPLICA_TABLE_SLOT] = "slot",
	[REPLICA_TABLE_MISSING] = "missing",
};

void replica_die(struct replica *replica, const char *text)
{
	const struct replica_hooks *hooks = &replica->options.hooks;

	replica->dead = true;
	LOG_ERROR("group %u: %s; this process ends", replica->options.group,
		  text);
	if (hooks->fail == NULL)
		/* tidy: allow _exit: fail-stop, no core wanted (R5) */
		_exit(EXIT_FAILURE);
	hooks->fail(hooks->arg, text);
}

/* ---- parking ---- */

static void park_run(struct task *task)
{
	struct replica *replica = container_of(task, struct replica, park_task);
	const struct replica_hooks *hooks = &replica->options.hooks;

	if (replica->state >= REPLICA_STOPPING)
		return;
	replica->state = REPLICA_PARKED;
	replica_checkpoint_stop(replica);
	proposer_end(&replica->proposer, ERR_CLOSED);
	replica_member_end(replica);
	replica_import_stop(replica);
	replica_read_end(replica);
	timer_set(replica->options.timers, &replica->tick, REPLICA_TICK_MS);
	replica_raft_close(replica);
	atomic_store(&replica->published.leader, false);
	atomic_store(&replica->published.leader_id, 0);
	if (replica->led && hooks->led != NULL)
		hooks->led(hooks->arg, replica, false);
	replica->led = false;
	if (hooks->parked != NULL)
		hooks->parked(hooks->arg, replica, replica->park_why);
}

void replica_park(struct replica *replica, const char *why)
{
	if (replica->park_why != NULL)
		return;
	LOG_ERROR("group %u: parked: %s", replica->options.group, why);
	replica->park_why = why;
	atomic_store(&replica->published.settled, false);
	atomic_store(&replica->published.parked_why, why);
	atomic_store(&replica->published.env, NULL);
	proposer_close(&replica->proposer);
	if (replica->state == REPLICA_OPEN && !replica->park_posted)
		return; /* replica_start tells it */
	replica->park_posted = true;
	task_post(replica->options.log_loop, &replica->park_task, park_run);
}

/* ---- what raft and the applier tell ---- */

/* Memory is counted in octets, raft counts entries: see that it cuts. */
static void watch_log(struct replica *replica)
{
	bool cut = replica->io.sizes.total > REPLICA_LOG_MAX ||
		   replica_member_wants_cut(replica);

	if (cut == replica->cutting)
		return;
	if (cut)
		PROBE("replica: the log is cut before its time");
	replica->cutting = cut;
	raft_set_snapshot_threshold(&replica->raft,
				    cut ? 1 : REPLICA_SNAPSHOT_ENTRIES);
}

static void publish(struct replica *replica, const struct compat_view *view)
{
	const struct replica_hooks *hooks = &replica->options.hooks;
	bool leads =
		rules_leader_ready(&replica->io.rules) && !replica->importing;

	atomic_store(&replica->published.term, view->term);
	atomic_store(&replica->published.last_index, view->last_index);
	atomic_store(&replica->published.commit_index, view->commit_index);
	if (leads == replica->led)
		return;
	replica->led = leads;
	atomic_store(&replica->published.leader, leads);
	LOG_INFO("group %u: this replica %s its leader in term %llu",
		 replica->options.group, leads ? "is" : "is not any more",
		 (unsigned long long)view->term);
	if (hooks->led != NULL)
		hooks->led(hooks->arg, replica, leads);
}

static void note_leader(struct replica *replica, const struct compat_view *view)
{
	uint64_t leader = compat_leader(&replica->raft);

	if (leader == replica->leader && view->term == replica->leader_term)
		return;
	replica->leader = leader;
	replica->leader_term = view->term;
	atomic_store(&replica->published.leader_id, leader);
	replica_propose_led_anew(replica);
	replica_read_led_anew(replica);
}

void replica_after(struct replica *replica)
{
	struct compat_view view;

	if (!replica_is_live(replica))
		return;
	replica_view(replica, &view);
	replica_import_after(replica, &view);
	replica_member_after(replica, &view);
	/* Both may have called raft, and so us: what follows is of now. */
	if (!replica_is_live(replica))
		return;
	replica_view(replica, &view);
	publish(replica, &view);
	watch_log(replica);
	note_leader(replica, &view);
	replica_propose_after(replica, &view);
	replica_read_after(replica);
}

static const char *park_reason(enum err err)
{
	if (err == ERR_CORRUPT)
		return "the state is damaged";
	if (err == ERR_FULL)
		return "the map of the state is full";
	if (err == ERR_VERSION)
		return "a command was written by a later release";
	return "a command that cannot be applied";
}

static void drained(struct applier *applier)
{
	struct replica *replica =
		container_of(applier, struct replica, applier);

	if (applier->err == ERR_IO) {
		replica_die(replica, "the state cannot be written");
		return;
	}
	if (applier->err != ERR_NONE) {
		replica_park(replica, park_reason(applier->err));
		replica_stop_step(replica);
		return;
	}
	replica_propose_answers(replica, &applier->answers);
	replica_read_after(replica);
	replica_checkpoint_kick(replica);
	replica_import_step(replica);
	replica_stop_step(replica);
}

static void tick_fire(struct timer *timer)
{
	struct replica *replica = container_of(timer, struct replica, tick);

	timer_set(replica->options.timers, timer, REPLICA_TICK_MS);
	if (replica->state == REPLICA_PARKED) {
		replica_report_tick(replica);
		return;
	}
	replica_propose_tick(replica);
	replica_read_tick(replica);
	replica_member_heard(replica);
	replica_import_tick(replica);
	replica_report_tick(replica);
}

static void receive(struct replica *replica, uint64_t from,
		    enum frame_kind kind, struct slice fields)
{
	switch (kind) {
	case FRAME_RAFT:
		replica_io_receive(&replica->io, from, fields);
		return;
	case FRAME_PROPOSE:
	case FRAME_REFUSED:
		replica_propose_receive(replica, from, kind, fields);
		return;
	case FRAME_READ_ASK:
	case FRAME_READ_INDEX:
	case FRAME_PING:
	case FRAME_PONG:
		replica_read_receive(replica, from, kind, fields);
		return;
	case FRAME_REPORT:
		replica_report_receive(replica, from, fields);
		return;
	case FRAME_ANSWER: /* this replica's own state answers */
	case FRAME_LEADER: /* raft knows better */
		return;
	}
}

void replica_receive(struct replica *replica, uint64_t from, struct slice frame)
{
	struct slice fields;
	enum frame_kind kind;

	if (replica_is_live(replica) &&
	    frame_open(frame, &kind, &fields) == ERR_NONE)
		receive(replica, from, kind, fields);
}

static void outbox_has_moved(struct outbox *outbox)
{
	struct replica *replica = container_of(outbox, struct replica, outbox);

	replica_propose_kick(replica);
	replica_stop_step(replica);
}

/* ---- opening ---- */

static void set_options(struct replica *replica,
			const struct replica_options *options)
{
	const struct replica_fsm *fsm = options->fsm;
	struct replica_options *ours = &replica->options;

	MUST(options->hooks.raise != NULL && options->turns != NULL);
	*ours = *options;
	replica->address = mem_dup(options->address, strlen(options->address));
	ours->address = replica->address;
	replica->path = mem_dup(options->env.path, strlen(options->env.path));
	ours->env.path = replica->path;
	if (ours->election_ms == 0)
		ours->election_ms = REPLICA_ELECTION_MS;
	if (ours->heartbeat_ms == 0)
		ours->heartbeat_ms = REPLICA_HEARTBEAT_MS;
	if (ours->fill_percent == 0)
		ours->fill_percent = REPLICA_FILL_PERCENT;
	replica->tables = mem_zalloc(REPLICA_TABLE_COUNT + fsm->table_count,
				     sizeof(*replica->tables));
	for (unsigned i = 0; i < REPLICA_TABLE_COUNT; i++)
		replica->tables[i] = raft_tables[i];
	for (unsigned i = 0; i < fsm->table_count; i++)
		replica->tables[REPLICA_TABLE_COUNT + i] = fsm->tables[i];
	ours->env.tables = replica->tables;
	ours->env.table_count = REPLICA_TABLE_COUNT + fsm->table_count;
}

static void replica_init(struct replica *replica)
{
	replica->applier.loop = replica->options.log_loop;
	replica->applier.executor = replica->options.applier;
	replica->applier.fsm = replica->options.fsm;
	replica->applier.applying = &replica->applying;
	replica->applier.draining = &replica->draining;
	replica->applier.have = replica->options.have;
	replica->applier.have_arg = replica->options.have_arg;
	replica->applier.fill_percent = replica->options.fill_percent;
	replica->applier.drained = drained;
	replica->import.fd = -1;
	replica->applying.fd = -1;
	replica->draining.fd = -1;
	MUST(pthread_mutex_init(&replica->lock, NULL) == 0);
	timer_init(&replica->tick, tick_fire);
	outbox_init(&replica->outbox, replica->options.net,
		    replica->options.group, replica->options.raft_id,
		    outbox_has_moved);
	replica_propose_init(replica);
	replica_read_init(replica);
	replica_checkpoint_init(replica);
}

/* What the environment says of itself. */
static enum err read_meta(struct replica *replica, struct meta *meta_r)
{
	struct store_txn *txn;
	enum err err = store_read_begin(replica->env, &txn);

	if (err != ERR_NONE)
		return err;
	meta_get(txn, meta_r);
	err = store_txn_error(txn);
	store_end(&txn);
	return err;
}

static enum err open_env(struct replica *replica, struct meta *meta_r)
{
	const struct store_env_options *options = &replica->options.env;
	struct store_position position;
	enum err err = store_side_settle(options->disk, options->path);

	if (err == ERR_NONE)
		err = store_env_open(options, &replica->env);
	CRASH_POINT("replica_opening");
	if (err != ERR_NONE)
		return err;
	err = read_meta(replica, meta_r);
	if (err != ERR_NONE)
		return err;
	store_checkpoint_last(replica->env, &position);
	atomic_store(&replica->published.checkpoint_index, position.index);
	return ERR_NONE;
}

/* Damage may kill instead of being told: three times are enough. */
static enum err open_env_guarded(struct replica *replica, struct meta *meta_r)
{
	struct deaths opening;
	enum err left = ERR_NONE;
	enum err err = deaths_enter_opening(&opening, replica->options.env.disk,
					    replica->path);

	if (err == ERR_NONE) {
		err = open_env(replica, meta_r);
		left = deaths_leave_opening(&opening);
	} else if (deaths_too_many(&opening)) {
		replica_park(replica, "opening its state has ended the "
				      "process three times");
	}
	deaths_close(&opening);
	return err == ERR_NONE ? left : err;
}

static enum err open_state(struct replica *replica, struct meta *meta_r)
{
	struct disk *disk = replica->options.env.disk;
	enum err err = open_env_guarded(replica, meta_r);

	if (err == ERR_NONE)
		err = deaths_open(&replica->applying, disk, replica->path,
				  "applying");
	if (err == ERR_NONE)
		err = deaths_open(&replica->draining, disk, replica->path,
				  "draining");
	if (err != ERR_NONE)
		return err;
	if (deaths_too_many(&replica->applying))
		replica_park(replica, "applying one entry has ended the "
				      "process three times");
	if (deaths_too_many(&replica->draining))
		replica_park(replica, "writing its state has ended the "
				      "process three times");
	return ERR_NONE;
}

enum err replica_open(const struct replica_options *options,
		      struct replica **replica_r)
{
	struct replica *replica = mem_zalloc(1, sizeof(*replica));
	struct meta meta = { 0 };
	enum err err;

	set_options(replica, options);
	replica_init(replica);
	err = open_state(replica, &meta);
	applier_init(&replica->applier, &meta);
	replica->applier.env = replica->env;
	if (err == ERR_NONE)
		err = applier_reopen(&replica->applier);
	replica->importing = meta.import_pending != 0;
	if (err == ERR_IO || err == ERR_FULL) {
		replica_close(&replica);
		return err;
	}
	if (err != ERR_NONE)
		replica_park(replica, park_reason(err));
	if (replica->park_why == NULL)
		atomic_store(&replica->published.env, replica->env);
	*replica_r = replica;
	return ERR_NONE;
}

void replica_start(struct replica *replica)
{
	MUST(replica->state == REPLICA_OPEN);
	if (replica->park_why != NULL) {
		replica->park_posted = true;
		task_post(replica->options.log_loop, &replica->park_task,
			  park_run);
		return;
	}
	replica->state = REPLICA_RUNNING;
	if (!replica_raft_start(replica))
		return;
	timer_set(replica->options.timers, &replica->tick, REPLICA_TICK_MS);
	replica_checkpoint_start(replica);
}

/* ---- stopping ---- */

static bool stop_waits(const struct replica *replica)
{
	if (replica->raft_open && !replica->raft_closed)
		return true;
	if (replica->checkpointing || !outbox_is_empty(&replica->outbox))
		return true;
	return replica->park_why == NULL && !applier_is_idle(&replica->applier);
}

void replica_stop_step(struct replica *replica)
{
	replica_stopped *stopped = replica->stopped;

	if (replica->state != REPLICA_STOPPING || replica->dead ||
	    stop_waits(replica))
		return;
	if (!replica->final_checkpoint && replica->env != NULL &&
	    replica->park_why == NULL) {
		replica->final_checkpoint = true;
		replica_checkpoint_last(replica);
		return;
	}
	proposer_end(&replica->proposer, ERR_CLOSED);
	replica->state = REPLICA_STOPPED;
	stopped(replica, replica->stopped_arg);
}

static void stop_run(struct task *task)
{
	replica_stop_step(container_of(task, struct replica, stop_task));
}

void replica_stop(struct replica *replica, replica_stopped *stopped, void *arg)
{
	MUST(replica->state < REPLICA_STOPPING);
	replica->state = REPLICA_STOPPING;
	proposer_close(&replica->proposer);
	replica->stopped = stopped;
	replica->stopped_arg = arg;
	timer_stop(replica->options.timers, &replica->tick);
	replica_checkpoint_stop(replica);
	replica_read_end(replica);
	replica_member_end(replica);
	replica_import_stop(replica);
	replica_raft_close(replica);
	task_post(replica->options.log_loop, &replica->stop_task, stop_run);
}

static void abandon(struct replica *replica)
{
	replica->state = REPLICA_STOPPED;
	timer_stop(replica->options.timers, &replica->tick);
	replica_checkpoint_stop(replica);
	replica_turns_leave(replica->options.turns, &replica->turn);
	replica_raft_close(replica);
	if (!replica->raft_closed)
		replica_io_abandon(&replica->io);
}

void replica_close(struct replica **replicap)
{
	struct replica *replica = *replicap;

	*replicap = NULL;
	timer_stop(replica->options.timers, &replica->tick);
	if (replica->raft_open && !replica->raft_closed)
		abandon(replica);
	if (replica->raft_open)
		replica_io_fini(&replica->io);
	replica_import_stop(replica);
	replica_import_fini(replica);
	applier_fini(&replica->applier);
	entry_builder_fini(&replica->builder);
	foreign_fini(&replica->foreign);
	proposer_fini(&replica->proposer);
	outbox_fini(&replica->outbox);
	replica_read_fini(replica);
	deaths_close(&replica->applying);
	deaths_close(&replica->draining);
	if (replica->env != NULL)
		store_env_close(&replica->env);
	MUST(pthread_mutex_destroy(&replica->lock) == 0);
	mem_free(replica->tables);
	mem_free(replica->address);
	mem_free(replica->path);
	mem_free(replica);
}

/* ---- for everybody ---- */

struct store_env *replica_env(struct replica *replica)
{
	return atomic_load(&replica->published.env);
}

uint64_t replica_applied(struct replica *replica)
{
	return atomic_load(&replica->applier.applied);
}

uint32_t replica_incarnation(struct replica *replica)
{
	return atomic_load(&replica->proposer.incarnation);
}

static bool takes_bodies(const struct replica *replica)
{
	return replica->park_why == NULL && replica->state < REPLICA_STOPPING;
}

void replica_body_came(struct replica *replica, const struct sha256 *hash)
{
	replica_body_unnamed(replica, hash, UINT64_MAX);
}

void replica_body_unnamed(struct replica *replica, const struct sha256 *hash,
			  uint64_t index)
{
	if (takes_bodies(replica) &&
	    atomic_load(&replica->applier.missing_count) > 0)
		applier_push_came(&replica->applier, hash, index);
}

bool replica_op_resolved(struct replica *replica, struct store_txn *txn,
			 const struct op_id *op)
{
	(void)replica;
	return slots_is_resolved(txn, op);
}

void replica_get_status(struct replica *replica,
			struct replica_status *status_r)
{
	struct replica_published *published = &replica->published;

	*status_r = (struct replica_status){
		.group = replica->options.group,
		.leader = atomic_load(&published->leader),
		.leader_id = atomic_load(&published->leader_id),
		.parked_why = atomic_load(&published->parked_why),
		.term = atomic_load(&published->term),
		.last_index = atomic_load(&published->last_index),
		.commit_index = atomic_load(&published->commit_index),
		.applied_index = atomic_load(&replica->applier.applied),
		.checkpoint_index = atomic_load(&published->checkpoint_index),
		.missing = atomic_load(&replica->applier.missing_count),
		.slots_taken = atomic_load(&replica->proposer.slots_taken),
	};
	status_r->parked = status_r->parked_why != NULL;
	replica_lock(replica);
	status_r->importing = replica->reports.own.importing;
	status_r->import_done = replica->reports.own.import_done;
	status_r->import_total = replica->reports.own.import_total;
	replica_unlock(replica);
}
