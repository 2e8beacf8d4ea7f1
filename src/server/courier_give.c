/*
 * Give: a hold on bodies at the replicas of a group, before a command names
 * them (model step B1 for bodies that exist already).
 *
 * TARGETS (worker) -> this node's own copy: bring; each other replica: HAVE,
 * and it fetches what it lacks -> a majority of the voters has all: answered
 *
 * What is slower than the majority goes on behind the answer, up to the
 * deadline. A replica that fails is no holder, whatever it has done by then.
 */
#include "server/courier_impl.h"

#include "base/mem.h"

struct give_lane {
	struct give_run *run;
	struct courier_target target;
	struct peer_stream *stream; /* NULL: it is gone */
	size_t said;                /* octets of the hashes */
	size_t answered;
	bool lacks; /* one was not to be had */
	bool ended;
};

struct give_run {
	struct courier *courier;
	struct courier_give *give; /* NULL: it was answered */
	struct list link;          /* in courier->gives */
	struct timer delay;
	struct task task;
	struct body_hold hold;
	uint32_t source;
	struct buf octets; /* all hashes */
	struct sha256 *hashes;
	size_t count;
	uint64_t deadline_at_ms;
	enum err err; /* of TARGETS */
	struct courier_targets targets;
	struct courier_holders holders;
	struct bring bring; /* of the own copy */
	bool bringing;
	bool lacks; /* nobody has one of them */
	bool opening;
	unsigned left; /* lanes, and the bring */
	struct give_lane lanes[COMMAND_HOLDERS_MAX];
};

static void answer_run(struct task *task)
{
	struct courier_give *give =
		container_of(task, struct courier_give, task);

	give->done(give);
}

static void answer(struct give_run *run, enum err err)
{
	struct courier_give *give = run->give;

	run->give = NULL;
	if (!give)
		return;
	give->err = err;
	give->holders = run->holders;
	task_post(give->home, &give->task, answer_run);
}

static void run_free(struct give_run *run)
{
	struct courier *courier = run->courier;

	list_remove(&run->link);
	if (run->bringing)
		bring_fini(&run->bring);
	buf_fini(&run->octets);
	mem_free(run->hashes);
	mem_free(run);
	courier_end(courier);
}

/* Something has ended: is it enough, or over? */
static void run_check(struct give_run *run)
{
	if (run->opening)
		return;
	if (courier_is_held(&run->targets, &run->holders))
		answer(run, ERR_NONE);
	if (run->left > 0)
		return;
	answer(run, run->lacks ? ERR_MISSING_BODY : ERR_UNAVAILABLE);
	run_free(run);
}

/* ---- another replica ---- */

static void lane_end(struct give_lane *lane, bool has_all)
{
	struct give_run *run = lane->run;

	if (lane->ended)
		return;
	lane->ended = true;
	if (has_all)
		courier_holders_add(&run->holders, lane->target.raft_id);
	run->left--;
	run_check(run);
}

static void lane_fail(struct give_lane *lane, enum err err)
{
	struct peer_stream *stream = lane->stream;

	lane->stream = NULL;
	if (stream)
		peer_stream_close(stream, err, err_text(err));
	lane_end(lane, false);
}

static void lane_say(struct give_lane *lane)
{
	struct slice rest =
		slice_from(buf_slice(&lane->run->octets), lane->said);

	if (rest.len == 0)
		return;
	lane->said += peer_stream_write(lane->stream, rest);
	if (lane->said == lane->run->octets.len)
		peer_stream_finish(lane->stream);
}

static void stream_room(struct peer_stream *stream)
{
	lane_say(peer_stream_owner(stream));
}

static size_t stream_octets(struct peer_stream *stream, struct slice in)
{
	struct give_lane *lane = peer_stream_owner(stream);

	if (in.len > lane->run->count - lane->answered) {
		lane_fail(lane, ERR_SYNTAX);
		return 0;
	}
	for (size_t i = 0; i < in.len; i++)
		lane->lacks |= in.data[i] != 1;
	lane->answered += in.len;
	return in.len;
}

static void stream_finished(struct peer_stream *stream)
{
	struct give_lane *lane = peer_stream_owner(stream);
	bool all = lane->answered == lane->run->count && !lane->lacks;

	lane->stream = NULL;
	peer_stream_close(stream, ERR_CANCELLED, "done");
	lane_end(lane, all);
}

static void stream_closed(struct peer_stream *stream, enum err err unused_arg,
			  struct slice text unused_arg)
{
	struct give_lane *lane = peer_stream_owner(stream);

	lane->stream = NULL;
	lane_end(lane, false);
}

static const struct peer_stream_ops give_ops = {
	.octets = stream_octets,
	.room = stream_room,
	.finished = stream_finished,
	.closed = stream_closed,
};

static void lane_open(struct give_lane *lane)
{
	struct give_run *run = lane->run;
	struct courier_have_head head = {
		.to = lane->target.raft_id,
		.hold = run->hold,
		.source = run->source,
		.count = (uint32_t)run->count,
	};
	struct peer_bulk *bulk = run->courier->config.bulk;
	struct buf octets = { 0 };

	courier_have_head_encode(&head, &octets);
	lane->stream = bulk ? peer_stream_open(
				      bulk, lane->target.node, PEER_STREAM_HAVE,
				      buf_slice(&octets), &give_ops, lane)
			    : NULL;
	buf_fini(&octets);
	if (lane->stream)
		lane_say(lane);
	else
		lane_end(lane, false);
}

/* ---- the own copy ---- */

static void brought(struct bring *bring)
{
	struct give_run *run = bring->owner;
	bool all = true;

	for (size_t i = 0; i < bring->count; i++) {
		all &= bring->errs[i] == ERR_NONE;
		run->lacks |= bring->errs[i] == ERR_MISSING_BODY;
	}
	for (unsigned i = 0; all && i < run->targets.count; i++)
		if (run->targets.at[i].local)
			courier_holders_add(&run->holders,
					    run->targets.at[i].raft_id);
	run->left--;
	run_check(run);
}

static void bring_own(struct give_run *run)
{
	run->bringing = true;
	run->bring = (struct bring){
		.owner = run,
		.hold = run->hold,
		.source = run->source,
		.hashes = run->hashes,
		.count = run->count,
	};
	bring_start(run->courier, &run->bring, brought);
}

/* ---- the run ---- */

static void targets_found(struct task *task)
{
	struct give_run *run = container_of(task, struct give_run, task);

	if (run->err || atomic_load(&run->courier->stopped)) {
		answer(run, ERR_UNAVAILABLE);
		run_free(run);
		return;
	}
	run->opening = true; /* nothing is over before all were asked */
	run->left = run->targets.count;
	for (unsigned i = 0; i < run->targets.count; i++) {
		struct give_lane *lane = &run->lanes[i];

		if (run->targets.at[i].local) {
			bring_own(run);
			continue;
		}
		lane->run = run;
		lane->target = run->targets.at[i];
		lane_open(lane);
	}
	run->opening = false;
	run_check(run);
}

static void targets_run(struct task *task)
{
	struct give_run *run = container_of(task, struct give_run, task);

	run->err = courier_find_targets(run->courier, run->hold.group,
					&run->targets);
	task_post(run->courier->config.loop, task, targets_found);
}

static void delayed(struct timer *timer)
{
	struct give_run *run = container_of(timer, struct give_run, delay);

	task_post(run->courier->config.pool, &run->task, targets_run);
}

static void begin_run(struct task *task)
{
	struct give_run *run = container_of(task, struct give_run, task);
	struct courier *courier = run->courier;
	const struct courier_give *give = run->give;

	run->deadline_at_ms =
		courier_now(courier) + give->delay_ms +
		(give->deadline_ms ? give->deadline_ms : COURIER_GIVE_MS);
	list_append(&courier->gives, &run->link);
	courier_wake_tick(courier);
	if (give->delay_ms)
		timer_set(courier->config.timers, &run->delay, give->delay_ms);
	else
		task_post(courier->config.pool, &run->task, targets_run);
}

void courier_give(struct courier *courier, struct courier_give *give,
		  courier_give_done *done)
{
	struct give_run *run = mem_zalloc(1, sizeof(*run));

	MUST(give->count > 0 && give->count <= COURIER_HASHES_MAX);
	courier_begin(courier);
	give->done = done;
	run->courier = courier;
	run->give = give;
	run->hold = give->hold;
	run->source = give->source;
	run->count = give->count;
	run->hashes = mem_zalloc(give->count, sizeof(*give->hashes));
	for (size_t i = 0; i < give->count; i++) {
		run->hashes[i] = give->hashes[i];
		buf_add(&run->octets, give->hashes[i].octets, SHA256_SIZE);
	}
	list_init(&run->link);
	timer_init(&run->delay, delayed);
	task_post(courier->config.loop, &run->task, begin_run);
}

/* Late: the answer is given, and who has not answered is left alone. */
static void run_late(struct give_run *run)
{
	answer(run, ERR_UNAVAILABLE);
	run->opening = true;
	for (unsigned i = 0; i < run->targets.count; i++)
		if (run->lanes[i].stream)
			lane_fail(&run->lanes[i], ERR_TIMEOUT);
	run->opening = false;
	if (run->left == 0 && run->targets.count > 0)
		run_free(run);
}

void courier_give_tick(struct courier *courier, uint64_t now_ms)
{
	LIST_FOREACH_SAFE (&courier->gives, it) {
		struct give_run *run = LIST_ENTRY(it, struct give_run, link);

		if (now_ms >= run->deadline_at_ms)
			run_late(run);
	}
}
