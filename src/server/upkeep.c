/*
 * Upkeep of the bodies, on the main loop.
 *
 * Every UPKEEP_MS: a checkpoint of the index if one is due, a sweep if the
 * last one was long ago. Until it is true: has every local group answered a
 * read-index round begun after the start?
 *
 * Sweep: WAIT until it is -> SCAN the rows on a worker -> body_sweep -> done
 */
#include "server/upkeep.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/marks.h"
#include "server/node.h"

#define UPKEEP_MS 5000
#define UPKEEP_SWEEP_FIRST_MS (3600ull * 1000) /* after the start */
#define UPKEEP_SWEEP_MS (24ull * 3600 * 1000)

/* A sweep that was asked for waits so long for the groups, and asks them. */
#define UPKEEP_WAIT_MS 30000
#define UPKEEP_ASK_MS 250

struct upkeep {
	struct node *node;
	struct executor *home;
	struct timer timer;
	bool stopped;

	struct body_checkpoint checkpoint;
	bool checkpointing;
	uint64_t checkpoint_at_ms; /* when the last one began */

	struct read_index read;
	bool reading;
	unsigned caught_up; /* groups that have answered, in order */

	bool waiting; /* a sweep, for the groups */
	struct timer patience;

	struct task task;
	struct marks *marks; /* a sweep is under way */
	struct body_sweep sweep;
	enum err scan_err;
	upkeep_done *done;
	void *done_arg;
	uint64_t sweep_at_ms; /* the next one */
};

static void again(struct upkeep *upkeep)
{
	if (!upkeep->stopped)
		timer_set(io_loop_timers(upkeep->node->main), &upkeep->timer,
			  TUNED(upkeep_ms, UPKEEP_MS));
}

/* ---- caught up ---- */

static void next_group(struct upkeep *upkeep);
static void sweep_begin(struct upkeep *upkeep);

static void group_answered(struct read_index *read)
{
	struct upkeep *upkeep = read->owner;

	upkeep->reading = false;
	if (read->err) { /* tried again at the next tick */
		if (upkeep->waiting)
			timer_set(io_loop_timers(upkeep->node->main),
				  &upkeep->timer, UPKEEP_ASK_MS);
		return;
	}
	upkeep->caught_up++;
	next_group(upkeep);
}

static void next_group(struct upkeep *upkeep)
{
	struct node *node = upkeep->node;

	if (upkeep->stopped || upkeep->reading)
		return;
	if (upkeep->caught_up == node->group_count) {
		body_store_caught_up(node->bodies, true);
		if (upkeep->waiting)
			sweep_begin(upkeep);
		return;
	}
	upkeep->reading = true;
	upkeep->read = (struct read_index){
		.home = upkeep->home,
		.owner = upkeep,
	};
	replica_read_index(node_group(node, upkeep->caught_up)->replica,
			   &upkeep->read, group_answered);
}

/* ---- checkpoints ---- */

static void checkpointed(struct body_checkpoint *checkpoint)
{
	struct upkeep *upkeep = checkpoint->owner;

	upkeep->checkpointing = false;
	if (checkpoint->err)
		LOG_WARN("checkpoint of the index of bodies: %s",
			 err_text(checkpoint->err));
}

static void checkpoint_if_due(struct upkeep *upkeep)
{
	struct node *node = upkeep->node;
	uint64_t now = clock_mono_ms(io_loop_clock(node->main));

	if (upkeep->checkpointing ||
	    !body_store_checkpoint_due(node->bodies,
				       now - upkeep->checkpoint_at_ms))
		return;
	upkeep->checkpointing = true;
	upkeep->checkpoint_at_ms = now;
	upkeep->checkpoint = (struct body_checkpoint){
		.home = upkeep->home,
		.owner = upkeep,
	};
	body_store_checkpoint(node->bodies, &upkeep->checkpoint, checkpointed);
}

/* ---- the sweep ---- */

static bool is_resolved(void *arg, const struct body_hold *hold)
{
	struct upkeep *upkeep = arg;
	struct replica *replica = node_replica(upkeep->node, hold->group);
	struct store_env *env = replica ? replica_env(replica) : NULL;
	struct op_id op = { hold->proposer, hold->slot, hold->turn };
	struct store_txn *txn;
	bool resolved;

	if (!env || store_read_begin(env, &txn))
		return false;
	resolved = replica_op_resolved(replica, txn, &op) &&
		   store_txn_error(txn) == ERR_NONE;
	store_end(&txn);
	return resolved;
}

static bool is_named(void *arg, const struct sha256 *hash)
{
	struct upkeep *upkeep = arg;

	return marks_has(upkeep->marks, hash);
}

static void sweep_end(struct upkeep *upkeep, enum err err)
{
	struct upkeep_result result = {
		.err = err,
		.bodies = upkeep->sweep.bodies,
		.holds = upkeep->sweep.holds,
		.octets = upkeep->sweep.octets,
	};
	upkeep_done *done = upkeep->done;

	if (upkeep->marks)
		marks_free(&upkeep->marks);
	upkeep->done = NULL;
	if (err)
		LOG_WARN("sweep of bodies: %s", err_text(err));
	else if (result.bodies)
		LOG_INFO("sweep: %llu bodies dropped, %llu octets given back",
			 (unsigned long long)result.bodies,
			 (unsigned long long)result.octets);
	if (done)
		done(upkeep->done_arg, &result);
}

static void swept(struct body_sweep *sweep)
{
	sweep_end(sweep->owner, sweep->err);
}

static void scanned(struct task *task)
{
	struct upkeep *upkeep = container_of(task, struct upkeep, task);

	upkeep->sweep = (struct body_sweep){
		.home = upkeep->home,
		.owner = upkeep,
		.is_resolved = is_resolved,
		.is_named = is_named,
		.arg = upkeep,
	};
	if (upkeep->scan_err || upkeep->stopped)
		sweep_end(upkeep,
			  upkeep->stopped ? ERR_UNAVAILABLE : upkeep->scan_err);
	else
		body_sweep(upkeep->node->bodies, &upkeep->sweep, swept);
}

static void scan(struct task *task)
{
	struct upkeep *upkeep = container_of(task, struct upkeep, task);

	upkeep->scan_err = marks_scan(upkeep->marks);
	task_post(upkeep->home, &upkeep->task, scanned);
}

static void wait_end(struct upkeep *upkeep)
{
	upkeep->waiting = false;
	timer_stop(io_loop_timers(upkeep->node->main), &upkeep->patience);
}

static void sweep_begin(struct upkeep *upkeep)
{
	struct node *node = upkeep->node;

	wait_end(upkeep);
	upkeep->sweep_at_ms = clock_mono_ms(io_loop_clock(node->main)) +
			      TUNED(sweep_ms, UPKEEP_SWEEP_MS);
	upkeep->marks = marks_new(node);
	task_post(io_pool_executor(node->pool), &upkeep->task, scan);
}

static void waited_enough(struct timer *timer)
{
	struct upkeep *upkeep = container_of(timer, struct upkeep, patience);

	wait_end(upkeep);
	sweep_end(upkeep, ERR_UNAVAILABLE);
}

/* One that is parked never catches up. */
static bool some_is_parked(const struct node *node)
{
	for (unsigned i = 0; i < node->group_count; i++) {
		struct replica_status status;

		replica_get_status(node_group(node, i)->replica, &status);
		if (status.parked)
			return true;
	}
	return false;
}

enum err upkeep_sweep(struct upkeep *upkeep, upkeep_done *done, void *arg)
{
	if (upkeep->marks || upkeep->waiting || upkeep->stopped)
		return ERR_BUSY;
	if (some_is_parked(upkeep->node))
		return ERR_UNAVAILABLE;
	upkeep->sweep = (struct body_sweep){ 0 };
	upkeep->done = done;
	upkeep->done_arg = arg;
	upkeep->waiting = true;
	timer_set(io_loop_timers(upkeep->node->main), &upkeep->patience,
		  TUNED(sweep_wait_ms, UPKEEP_WAIT_MS));
	next_group(upkeep);
	return ERR_NONE;
}

void upkeep_group_added(struct upkeep *upkeep)
{
	body_store_caught_up(upkeep->node->bodies, false);
	if (upkeep->stopped)
		return;
	timer_set(io_loop_timers(upkeep->node->main), &upkeep->timer,
		  UPKEEP_ASK_MS);
}

bool upkeep_is_busy(const struct upkeep *upkeep)
{
	return upkeep->marks || upkeep->checkpointing || upkeep->reading;
}

static void sweep_if_due(struct upkeep *upkeep)
{
	uint64_t now = clock_mono_ms(io_loop_clock(upkeep->node->main));

	if (upkeep->caught_up == upkeep->node->group_count &&
	    now >= upkeep->sweep_at_ms)
		(void)!upkeep_sweep(upkeep, NULL, NULL);
}

static void tick(struct timer *timer)
{
	struct upkeep *upkeep = container_of(timer, struct upkeep, timer);

	checkpoint_if_due(upkeep);
	if (upkeep->caught_up < upkeep->node->group_count)
		next_group(upkeep);
	sweep_if_due(upkeep);
	again(upkeep);
}

struct upkeep *upkeep_new(struct node *node)
{
	struct upkeep *upkeep = mem_zalloc(1, sizeof(*upkeep));

	upkeep->node = node;
	upkeep->home = io_loop_executor(node->main);
	/* The first one early: a node that is started daily sweeps as well. */
	upkeep->sweep_at_ms = clock_mono_ms(io_loop_clock(node->main)) +
			      TUNED(sweep_first_ms, UPKEEP_SWEEP_FIRST_MS);
	timer_init(&upkeep->timer, tick);
	timer_init(&upkeep->patience, waited_enough);
	again(upkeep);
	return upkeep;
}

void upkeep_stop(struct upkeep *upkeep)
{
	upkeep->stopped = true;
	timer_stop(io_loop_timers(upkeep->node->main), &upkeep->timer);
	if (upkeep->waiting) {
		wait_end(upkeep);
		sweep_end(upkeep, ERR_UNAVAILABLE);
	}
}

void upkeep_free(struct upkeep **upkeepp)
{
	struct upkeep *upkeep = *upkeepp;

	*upkeepp = NULL;
	upkeep_stop(upkeep);
	mem_free(upkeep);
}
