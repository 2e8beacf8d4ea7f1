/*
 * When a group's environment becomes durable (store/checkpoint.h).
 *
 * Happy path: much is dirty, the last one is old, or a marker waits; the group
 * gets its turn among those of the node; the applier takes the pin between two
 * transactions, a worker makes it durable, the marker's record may be written
 * and raft cuts its log.
 *
 * A full disk: the older checkpoint stands, tried again at the next tick. A
 * failed sync ends the process (R5).
 */
#include "raft/replica_impl.h"

#include "base/fault.h"
#include "store/checkpoint.h"

static void checkpoint_done(struct task *task)
{
	struct replica *replica =
		container_of(task, struct replica, checkpoint_task);
	struct store_position position;

	replica->checkpointing = false;
	replica_turns_leave(replica->options.turns, &replica->turn);
	if (replica->checkpoint_err == ERR_NONE) {
		store_checkpoint_last(replica->env, &position);
		atomic_store(&replica->published.checkpoint_index,
			     position.index);
		if (replica->raft_open && !replica->raft_closed)
			replica_io_checkpointed(&replica->io, position.index);
		replica_checkpoint_kick(replica);
	} else if (replica->checkpoint_err != ERR_FULL) {
		replica_die(replica, "a checkpoint cannot be made durable");
		return;
	}
	replica_import_step(replica);
	replica_stop_step(replica);
}

/* ---- on a worker ---- */

static void checkpoint_sync(struct task *task)
{
	struct replica *replica =
		container_of(task, struct replica, checkpoint_task);

	CRASH_POINT("checkpoint_before_sync");
	replica->checkpoint_err = store_checkpoint_sync(replica->env);
	CRASH_POINT("checkpoint_after_sync");
	task_post(replica->options.log_loop, task, checkpoint_done);
}

/* ---- on the applier, between two transactions ---- */

static void checkpoint_begin(struct task *task)
{
	struct replica *replica =
		container_of(task, struct replica, checkpoint_task);
	const struct meta *meta = &replica->applier.meta;

	replica->checkpoint_err = store_checkpoint_begin(
		replica->env, meta->applied_index, meta->applied_term);
	if (replica->checkpoint_err == ERR_NONE)
		task_post(replica->options.pool, task, checkpoint_sync);
	else
		task_post(replica->options.log_loop, task, checkpoint_done);
}

/* ---- on the loop ---- */

static void checkpoint_granted(struct replica_turn *turn)
{
	struct replica *replica = container_of(turn, struct replica, turn);

	replica->checkpoint_begun_ms = replica_now(replica);
	task_post(replica->options.applier, &replica->checkpoint_task,
		  checkpoint_begin);
}

static void checkpoint_ask(struct replica *replica)
{
	if (replica->checkpointing || replica->dead ||
	    replica->import.state == IMPORT_SWAPPING)
		return; /* asked again when the other state is there */
	replica->checkpointing = true;
	replica_turns_ask(replica->options.turns, &replica->turn,
			  checkpoint_granted);
}

void replica_checkpoint_want(struct replica *replica, uint64_t index,
			     uint64_t term)
{
	if (index > replica->checkpoint_wanted)
		replica->checkpoint_wanted = index;
	/* Entries that are no commands do not move the state's index. */
	applier_push(&replica->applier, index, term, SLICE_NONE);
}

void replica_checkpoint_kick(struct replica *replica)
{
	struct store_position position;

	if (replica->checkpoint_wanted == 0 || replica->env == NULL)
		return;
	store_checkpoint_last(replica->env, &position);
	if (position.index >= replica->checkpoint_wanted) {
		replica->checkpoint_wanted = 0;
		if (replica->raft_open && !replica->raft_closed)
			replica_io_checkpointed(&replica->io, position.index);
	} else if (replica->applier.done >= replica->checkpoint_wanted) {
		checkpoint_ask(replica);
	}
}

static void checkpoint_fire(struct timer *timer)
{
	struct replica *replica =
		container_of(timer, struct replica, checkpoint_timer);
	uint64_t age = replica_now(replica) - replica->checkpoint_begun_ms;

	timer_set(replica->options.timers, timer, REPLICA_CHECKPOINT_TICK_MS);
	if (store_checkpoint_due(replica->env, age))
		checkpoint_ask(replica);
	replica_checkpoint_kick(replica);
}

void replica_checkpoint_init(struct replica *replica)
{
	timer_init(&replica->checkpoint_timer, checkpoint_fire);
}

void replica_checkpoint_start(struct replica *replica)
{
	replica->checkpoint_begun_ms = replica_now(replica);
	timer_set(replica->options.timers, &replica->checkpoint_timer,
		  REPLICA_CHECKPOINT_TICK_MS);
}

void replica_checkpoint_stop(struct replica *replica)
{
	timer_stop(replica->options.timers, &replica->checkpoint_timer);
}

void replica_checkpoint_last(struct replica *replica)
{
	checkpoint_ask(replica);
}
