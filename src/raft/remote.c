/*
 * A group without a replica on this node (remote.h).
 *
 * Happy path: what waits goes to the replica that is taken for the leader, at
 * the end of the turn; it sends what apply has said of each command, and how
 * far a read must see.
 *
 * Failures: one that does not lead names the leader, as far as it knows; if
 * nobody answers, the next replica is asked. All that is not answered is then
 * sent again, under the same op ids.
 */
#include "raft/remote.h"

#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"
#include "raft/forward.h"
#include "raft/frame.h"

/* How often deadlines are looked at. */
#define REMOTE_TICK_MS 50

/* Who says nothing for so long is not asked any more. */
#define REMOTE_REPEAT_MS 300

struct remote {
	struct remote_options options;
	struct proposer proposer;
	struct reader reader;
	struct outbox outbox;
	struct timer tick;
	struct task kick_task;
	bool kick_posted;

	uint64_t replicas[REMOTE_REPLICAS_MAX];
	size_t replica_count;
	size_t next;       /* to be tried */
	uint64_t target;   /* taken for the leader; 0: there are no replicas */
	uint64_t term;     /* of the last hint */
	bool was_hinted;   /* since the last tick */
	uint64_t moved_ms; /* the target has said something, or is new */

	bool stopping;
	bool stop_ran; /* what was posted before it has run */
	remote_stopped *stopped;
	void *stopped_arg;
	struct task stop_task;
};

static uint64_t now_ms(struct remote *remote)
{
	return clock_mono_ms(remote->options.clock);
}

/* ---- sending ---- */

static void send_ask(struct remote *remote)
{
	struct frame_note note = { 0 };
	struct buf frame = { 0 };

	note.seq = reader_ask(&remote->reader, now_ms(remote));
	frame_put_note(&frame, FRAME_READ_ASK, &note);
	outbox_send(&remote->outbox, remote->target, &frame);
	buf_fini(&frame);
}

static void kick_run(struct task *task)
{
	struct remote *remote = container_of(task, struct remote, kick_task);

	remote->kick_posted = false;
	if (remote->target == 0 || remote->stopping)
		return;
	if (proposer_is_quiet(&remote->proposer) &&
	    !reader_waits(&remote->reader))
		remote->moved_ms = now_ms(remote); /* the first that it gets */
	if (reader_wants(&remote->reader))
		send_ask(remote);
	forward_commands(&remote->proposer, &remote->outbox, remote->target);
}

/* At the end of the turn: one frame for all that wait by then. */
static void kick(struct remote *remote)
{
	if (remote->kick_posted || remote->target == 0 || remote->stopping)
		return;
	if (!proposer_has_next(&remote->proposer) &&
	    !reader_wants(&remote->reader))
		return;
	remote->kick_posted = true;
	task_post(remote->options.log_loop, &remote->kick_task, kick_run);
}

/* ---- who leads ---- */

static void set_target(struct remote *remote, uint64_t target)
{
	remote->target = target;
	remote->moved_ms = now_ms(remote);
	reader_again(&remote->reader);
	proposer_repeat(&remote->proposer);
	kick(remote);
}

static void next_target(struct remote *remote)
{
	if (remote->replica_count == 0)
		return;
	PROBE("remote: the next replica is asked");
	remote->next = (remote->next + 1) % remote->replica_count;
	set_target(remote, remote->replicas[remote->next]);
}

void remote_set_replicas(struct remote *remote, const uint64_t *raft_ids,
			 size_t count)
{
	if (count > REMOTE_REPLICAS_MAX)
		count = REMOTE_REPLICAS_MAX;
	for (size_t i = 0; i < count; i++)
		remote->replicas[i] = raft_ids[i];
	remote->replica_count = count;
	for (size_t i = 0; i < count; i++)
		if (raft_ids[i] == remote->target)
			return;
	next_target(remote);
}

/*
 * Two that name each other must not make us send all of it to and fro: without
 * a new term one hint a tick is followed.
 */
static void receive_hint(struct remote *remote, const struct frame_note *note)
{
	bool is_news = note->term > remote->term;

	if (note->term < remote->term || note->raft_id == remote->target)
		return;
	if (remote->was_hinted && !is_news)
		return;
	remote->was_hinted = true;
	remote->term = note->term;
	if (note->raft_id != 0)
		set_target(remote, note->raft_id);
}

/* ---- receiving ---- */

static void receive_answers(struct remote *remote, struct slice fields)
{
	struct frame_answer item;

	while (frame_next_answer(&fields, &item) == ERR_NONE) {
		struct slots_answer answer = {
			.op = item.op,
			.kind = item.kind,
			.verdict = item.verdict,
			.result.refusal = item.refusal,
			.highest = item.highest,
			.boot = item.boot,
		};

		buf_add_slice(&answer.result.payload, item.payload);
		proposer_answer(&remote->proposer, &answer, item.index);
		buf_fini(&answer.result.payload);
	}
}

static void receive_refusals(struct remote *remote, struct slice fields)
{
	struct frame_refused refused;

	while (frame_next_refused(&fields, &refused) == ERR_NONE)
		proposer_refused(&remote->proposer, &refused.op, refused.err);
}

/* The index is for whoever reads a copy; we have none to wait for. */
static void receive_index(struct remote *remote, const struct frame_note *note)
{
	struct read_index *read;

	if (note->err != ERR_NONE)
		return;
	reader_note(&remote->reader, note->seq, note->index);
	while ((read = reader_first_noted(&remote->reader)) != NULL)
		reader_answer(read, ERR_NONE, read->index);
}

static void receive_note(struct remote *remote, enum frame_kind kind,
			 struct slice fields)
{
	struct frame_note note;

	if (frame_get_note(kind, fields, &note) != ERR_NONE)
		return;
	if (kind == FRAME_LEADER)
		receive_hint(remote, &note);
	else
		receive_index(remote, &note);
}

void remote_receive(struct remote *remote, uint64_t from, struct slice frame)
{
	struct slice fields;
	enum frame_kind kind;

	if (remote->stopping || frame_open(frame, &kind, &fields) != ERR_NONE)
		return;
	if (from == remote->target && kind != FRAME_LEADER)
		remote->moved_ms = now_ms(remote);
	switch (kind) {
	case FRAME_ANSWER:
		receive_answers(remote, fields);
		return;
	case FRAME_REFUSED:
		receive_refusals(remote, fields);
		return;
	case FRAME_READ_INDEX:
	case FRAME_LEADER:
		receive_note(remote, kind, fields);
		return;
	case FRAME_RAFT: /* for a replica that was here */
	case FRAME_PROPOSE:
	case FRAME_READ_ASK:
	case FRAME_PING:
	case FRAME_PONG:
	case FRAME_REPORT:
		return;
	}
}

/* ---- time ---- */

static bool waits(const struct remote *remote)
{
	return !proposer_is_quiet(&remote->proposer) ||
	       reader_waits(&remote->reader);
}

/* The target lives: single frames may have been lost. */
static void repeat_lost(struct remote *remote)
{
	uint64_t age = now_ms(remote) - remote->reader.asked_at_ms;

	proposer_repeat_old(&remote->proposer, 4 * REMOTE_REPEAT_MS);
	if (reader_waits(&remote->reader) && age >= REMOTE_REPEAT_MS)
		send_ask(remote);
}

static void tick_fire(struct timer *timer)
{
	struct remote *remote = container_of(timer, struct remote, tick);

	timer_set(remote->options.timers, timer, REMOTE_TICK_MS);
	remote->was_hinted = false;
	proposer_tick(&remote->proposer);
	reader_tick(&remote->reader, now_ms(remote));
	if (waits(remote) &&
	    now_ms(remote) - remote->moved_ms >= REMOTE_REPEAT_MS)
		next_target(remote);
	else
		repeat_lost(remote);
	kick(remote);
}

/* ---- reads ---- */

static void read_run(struct task *task)
{
	struct read_index *read = container_of(task, struct read_index, task);
	struct remote *remote = read->source;

	if (remote->stopping) {
		reader_answer(read, ERR_UNAVAILABLE, 0);
		return;
	}
	reader_add(&remote->reader, read, now_ms(remote));
	kick(remote);
}

void remote_read_index(struct remote *remote, struct read_index *read,
		       read_index_done *done)
{
	read->source = remote;
	read->done = done;
	list_init(&read->link);
	task_post(remote->options.log_loop, &read->task, read_run);
}

/* ---- the proposer's port ---- */

static enum err port_may_submit(void *arg, uint16_t kind)
{
	(void)arg;
	(void)kind;
	return ERR_NONE; /* the leader knows */
}

static void port_waiting(void *arg)
{
	kick(arg);
}

static void port_raise(void *arg, uint32_t at_least)
{
	struct remote *remote = arg;
	const struct remote_hooks *hooks = &remote->options.hooks;

	hooks->raise(hooks->arg, remote, at_least);
}

static void port_fenced(void *arg)
{
	struct remote *remote = arg;
	const struct remote_hooks *hooks = &remote->options.hooks;

	if (hooks->fenced != NULL)
		hooks->fenced(hooks->arg, remote);
}

/* ---- life ---- */

static void stop_step(struct remote *remote)
{
	remote_stopped *stopped = remote->stopped;

	if (!remote->stop_ran || stopped == NULL ||
	    !outbox_is_empty(&remote->outbox))
		return;
	remote->stopped = NULL;
	stopped(remote, remote->stopped_arg);
}

static void outbox_has_moved(struct outbox *outbox)
{
	struct remote *remote = container_of(outbox, struct remote, outbox);

	kick(remote);
	stop_step(remote);
}

static void proposer_open(struct remote *remote)
{
	static const struct proposer_port port = {
		.may_submit = port_may_submit,
		.waiting = port_waiting,
		.raise = port_raise,
		.fenced = port_fenced,
	};
	const struct remote_options *options = &remote->options;
	const struct proposer_options ours = {
		.group = options->group,
		.node = options->node,
		.start_count = options->start_count,
		.boot = options->boot,
		.loop = options->log_loop,
		.clock = options->clock,
		.port = &port,
		.port_arg = remote,
	};

	proposer_init(&remote->proposer, &ours);
}

struct remote *remote_open(const struct remote_options *options)
{
	struct remote *remote = mem_zalloc(1, sizeof(*remote));

	MUST(options->hooks.raise != NULL);
	remote->options = *options;
	outbox_init(&remote->outbox, options->net, options->group,
		    (uint64_t)options->node << 32, outbox_has_moved);
	reader_init(&remote->reader, options->boot);
	proposer_open(remote);
	timer_init(&remote->tick, tick_fire);
	timer_set(options->timers, &remote->tick, REMOTE_TICK_MS);
	return remote;
}

void remote_raised(struct remote *remote, uint32_t start_count)
{
	proposer_raised(&remote->proposer, start_count);
}

static void stop_run(struct task *task)
{
	struct remote *remote = container_of(task, struct remote, stop_task);

	remote->stop_ran = true;
	stop_step(remote);
}

void remote_stop(struct remote *remote, remote_stopped *stopped, void *arg)
{
	MUST(!remote->stopping);
	remote->stopping = true;
	remote->stopped_arg = arg;
	timer_stop(remote->options.timers, &remote->tick);
	proposer_end(&remote->proposer, ERR_CLOSED);
	reader_end(&remote->reader, ERR_UNAVAILABLE);
	remote->stopped = stopped;
	task_post(remote->options.log_loop, &remote->stop_task, stop_run);
}

void remote_close(struct remote **remotep)
{
	struct remote *remote = *remotep;

	*remotep = NULL;
	timer_stop(remote->options.timers, &remote->tick);
	proposer_fini(&remote->proposer);
	outbox_fini(&remote->outbox);
	mem_free(remote);
}

struct proposer *remote_proposer(struct remote *remote)
{
	return &remote->proposer;
}
