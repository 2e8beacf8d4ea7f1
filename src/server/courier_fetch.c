/*
 * A body that is wanted here: asked of one replica after the other.
 *
 * LOOK (worker: is it here by now? who may have it?) -> ASK a source: its
 * length, its octets -> KEEP: durable under its name -> the waiters are told
 *
 * All who want the same body wait for one run. A source that has not got it,
 * has a damaged one, or stalls is followed by the next; when all were asked and
 * one of them could not answer, they are asked again, as long as somebody
 * waits.
 *
 * Model step B6: a body that the state names is fetched.
 */
#include "server/courier_impl.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"

enum fetch_state {
	FETCH_QUEUE, /* for its turn */
	FETCH_LOOK,  /* a worker looks into the own store */
	FETCH_ASK,   /* a source's octets come */
	FETCH_ABORT, /* the write of a source that failed ends */
	FETCH_KEEP,  /* the store makes it durable */
	FETCH_PAUSE, /* before the sources are asked again */
};

struct fetch_run {
	struct tree_node node; /* first: see run_of */
	struct list link;      /* FETCH_QUEUE: in courier->waiting */
	struct courier *courier;
	struct sha256 hash;
	uint32_t group;
	uint32_t hint;
	struct list waiters; /* struct courier_fetch */
	enum fetch_state state;

	struct courier_targets targets;
	unsigned next; /* source: 0 is the hint, n + 1 the n-th target */
	bool unsure;   /* one could not be asked, or did not answer */
	bool stopping;

	struct peer_stream *stream; /* NULL: none, or it is gone */
	uint8_t head[COURIER_LENGTH_SIZE];
	size_t head_len;
	uint64_t length; /* as the source says */
	uint64_t got;
	struct body_write write;
	bool writing;
	uint64_t moved_at_ms;

	bool here; /* LOOK: it is */
	struct task task;
};

static const struct fetch_run *run_of(const struct tree_node *node)
{
	return (const struct fetch_run *)(const void *)node;
}

int courier_fetch_order(const struct tree_node *a, const struct tree_node *b)
{
	return memcmp(run_of(a)->hash.octets, run_of(b)->hash.octets,
		      SHA256_SIZE);
}

static int fetch_seek(const void *key, const struct tree_node *node)
{
	const struct sha256 *hash = key;

	return memcmp(hash->octets, run_of(node)->hash.octets, SHA256_SIZE);
}

static void next_source(struct fetch_run *run);
static void run_start(struct fetch_run *run);

/* ---- the end ---- */

static void answer_run(struct task *task)
{
	struct courier_fetch *fetch =
		container_of(task, struct courier_fetch, task);
	struct courier *courier = fetch->courier;

	fetch->done(fetch);
	courier_end(courier);
}

static void answer(struct courier_fetch *fetch, enum err err)
{
	fetch->err = err;
	task_post(fetch->home, &fetch->task, answer_run);
}

static void start_waiting(struct courier *courier)
{
	struct list *link;

	while (courier->fetching < COURIER_FETCHES_MAX &&
	       (link = list_take(&courier->waiting)))
		run_start(LIST_ENTRY(link, struct fetch_run, link));
}

static void run_end(struct fetch_run *run, enum err err)
{
	struct courier *courier = run->courier;
	struct list *link;

	MUST(!run->stream && !run->writing);
	while ((link = list_take(&run->waiters)))
		answer(LIST_ENTRY(link, struct courier_fetch, link), err);
	tree_remove(&courier->fetches, &run->node);
	list_remove(&run->link);
	if (run->state != FETCH_QUEUE)
		courier->fetching--;
	mem_free(run);
	start_waiting(courier);
	courier_end(courier);
}

/* ---- KEEP ---- */

static void kept(struct body_write *write)
{
	struct fetch_run *run = write->owner;

	run->writing = false;
	if (!write->err)
		courier_came(run->courier, &run->hash);
	if (write->err != ERR_INVALID) {
		run_end(run, write->err);
		return;
	}
	LOG_WARN("a body of group %u came with the wrong octets from a peer",
		 run->group);
	next_source(run);
}

static void keep(struct fetch_run *run)
{
	struct peer_stream *stream = run->stream;

	run->state = FETCH_KEEP;
	run->stream = NULL;
	/* Both sides have said all: nothing is left to be told. */
	if (stream)
		peer_stream_close(stream, ERR_CANCELLED, "done");
	body_write_finish(&run->write, kept);
}

/* ---- ASK ---- */

static void source_aborted(struct body_write *write)
{
	struct fetch_run *run = write->owner;

	run->writing = false;
	next_source(run);
}

/* This source will not give it. */
static void source_failed(struct fetch_run *run)
{
	if (!run->writing) {
		next_source(run);
		return;
	}
	run->state = FETCH_ABORT;
	body_write_abort(&run->write, source_aborted);
}

static void source_bad(struct fetch_run *run, enum err err)
{
	struct peer_stream *stream = run->stream;

	run->stream = NULL;
	run->unsure = true;
	peer_stream_close(stream, err, err_text(err));
	source_failed(run);
}

static void write_ready(struct body_write *write)
{
	struct fetch_run *run = write->owner;

	if (run->stream && run->state == FETCH_ASK)
		peer_stream_resume(run->stream);
}

static void write_begin(struct fetch_run *run)
{
	run->length = courier_length_decode(run->head);
	run->writing = true;
	run->write = (struct body_write){
		.home = run->courier->config.loop,
		.owner = run,
		.expect = &run->hash,
	};
	body_write_begin(run->courier->config.bodies, &run->write, write_ready);
}

static size_t take_head(struct fetch_run *run, struct slice in)
{
	struct slice part =
		slice_first(in, COURIER_LENGTH_SIZE - run->head_len);

	if (part.len)
		memcpy(&run->head[run->head_len], part.data, part.len);
	run->head_len += part.len;
	if (part.len && run->head_len == COURIER_LENGTH_SIZE)
		write_begin(run);
	return part.len;
}

static size_t stream_octets(struct peer_stream *stream, struct slice in)
{
	struct fetch_run *run = peer_stream_owner(stream);
	size_t took = take_head(run, in);

	run->moved_at_ms = courier_now(run->courier);
	if (run->writing && (run->length > BODY_MAX ||
			     in.len - took > run->length - run->got)) {
		source_bad(run, ERR_SYNTAX);
		return 0;
	}
	while (took < in.len) {
		size_t room = body_write_room(&run->write);
		struct slice piece = slice_first(slice_from(in, took), room);

		if (room == 0)
			break;
		body_write_add(&run->write, piece);
		took += piece.len;
		run->got += piece.len;
	}
	return took;
}

static void stream_finished(struct peer_stream *stream)
{
	struct fetch_run *run = peer_stream_owner(stream);

	if (run->writing && run->got == run->length)
		keep(run);
	else
		source_bad(run, ERR_SYNTAX);
}

static void stream_closed(struct peer_stream *stream, enum err err,
			  struct slice text unused_arg)
{
	struct fetch_run *run = peer_stream_owner(stream);

	run->stream = NULL;
	if (!courier_can_fetch(err))
		run->unsure = true;
	source_failed(run);
}

static const struct peer_stream_ops fetch_ops = {
	.octets = stream_octets,
	.finished = stream_finished,
	.closed = stream_closed,
};

static bool ask(struct fetch_run *run, uint32_t node)
{
	struct courier *courier = run->courier;
	struct courier_fetch_head head = { run->group, run->hash };
	struct buf octets = { 0 };

	courier_fetch_head_encode(&head, &octets);
	run->stream =
		peer_stream_open(courier->config.bulk, node, PEER_STREAM_FETCH,
				 buf_slice(&octets), &fetch_ops, run);
	buf_fini(&octets);
	if (!run->stream) {
		run->unsure = true;
		return false;
	}
	peer_stream_finish(run->stream);
	run->state = FETCH_ASK;
	run->head_len = 0;
	run->got = 0;
	run->moved_at_ms = courier_now(courier);
	return true;
}

/* All were asked. */
static void round_end(struct fetch_run *run)
{
	if (!run->unsure)
		run_end(run, ERR_MISSING_BODY);
	else if (list_empty(&run->waiters) || run->stopping)
		run_end(run, ERR_UNAVAILABLE);
	else
		run->state = FETCH_PAUSE; /* the tick goes on */
}

/* The next node to be asked; 0: none is left. */
static uint32_t source_take(struct fetch_run *run)
{
	const struct courier_targets *targets = &run->targets;

	if (run->next == 0) {
		run->next++;
		if (run->hint)
			return run->hint;
	}
	while (run->next <= targets->count) {
		/* Not all nodes ask the same one first. */
		unsigned at =
			(run->next++ + run->hash.octets[0]) % targets->count;

		if (!targets->at[at].local && targets->at[at].node != run->hint)
			return targets->at[at].node;
	}
	return 0;
}

static void next_source(struct fetch_run *run)
{
	uint32_t node;

	while (!run->stopping && (node = source_take(run)))
		if (ask(run, node))
			return;
	if (run->stopping)
		run->unsure = true;
	round_end(run);
}

/* ---- LOOK ---- */

static void looked(struct task *task)
{
	struct fetch_run *run = container_of(task, struct fetch_run, task);

	if (run->here) {
		run_end(run, ERR_NONE);
		return;
	}
	if (!run->courier->config.bulk) {
		run_end(run, ERR_MISSING_BODY);
		return;
	}
	run->next = 0;
	next_source(run);
}

static void look_run(struct task *task)
{
	struct fetch_run *run = container_of(task, struct fetch_run, task);
	struct courier *courier = run->courier;
	uint64_t length;

	run->here = body_length(courier->config.bodies, &run->hash, &length) ==
		    ERR_NONE;
	run->unsure = !run->here &&
		      courier_find_targets(courier, run->group, &run->targets);
	if (run->unsure)
		run->targets.count = 0;
	task_post(courier->config.loop, task, looked);
}

static void run_start(struct fetch_run *run)
{
	run->courier->fetching++;
	run->state = FETCH_LOOK;
	task_post(run->courier->config.pool, &run->task, look_run);
}

/* ---- joining ---- */

static struct fetch_run *run_new(struct courier *courier,
				 const struct courier_fetch *fetch)
{
	struct fetch_run *run = mem_zalloc(1, sizeof(*run));

	courier_begin(courier);
	run->courier = courier;
	run->hash = fetch->hash;
	run->group = fetch->group;
	run->hint = fetch->hint;
	list_init(&run->waiters);
	list_init(&run->link);
	MUST(!tree_insert(&courier->fetches, &run->node));
	list_append(&courier->waiting, &run->link);
	courier_wake_tick(courier);
	return run;
}

static void join_run(struct task *task)
{
	struct courier_fetch *fetch =
		container_of(task, struct courier_fetch, task);
	struct courier *courier = fetch->courier;
	struct tree_node *node =
		tree_find(&courier->fetches, &fetch->hash, fetch_seek);
	struct fetch_run *run =
		node ? TREE_ENTRY(node, struct fetch_run, node) : NULL;

	if (atomic_load(&courier->stopped)) {
		answer(fetch, ERR_UNAVAILABLE);
		return;
	}
	if (!run)
		run = run_new(courier, fetch);
	fetch->deadline_at_ms =
		courier_now(courier) +
		(fetch->deadline_ms ? fetch->deadline_ms : COURIER_FETCH_MS);
	list_append(&run->waiters, &fetch->link);
	start_waiting(courier);
}

void courier_fetch(struct courier *courier, struct courier_fetch *fetch,
		   courier_fetch_done *done)
{
	courier_begin(courier);
	fetch->courier = courier;
	fetch->done = done;
	list_init(&fetch->link);
	task_post(courier->config.loop, &fetch->task, join_run);
}

/* ---- the tick ---- */

static void end_late_waiters(struct fetch_run *run, uint64_t now_ms)
{
	LIST_FOREACH_SAFE (&run->waiters, it) {
		struct courier_fetch *fetch =
			LIST_ENTRY(it, struct courier_fetch, link);

		if (now_ms < fetch->deadline_at_ms)
			continue;
		list_remove(it);
		answer(fetch, ERR_UNAVAILABLE);
	}
}

/* True: the run may be gone. */
static bool run_tick(struct fetch_run *run, uint64_t now_ms)
{
	end_late_waiters(run, now_ms);
	if (run->state == FETCH_PAUSE) {
		run->courier->fetching--;
		run_start(run);
		return true;
	}
	if (run->state == FETCH_QUEUE && list_empty(&run->waiters)) {
		run_end(run, ERR_UNAVAILABLE);
		return true;
	}
	if (run->state == FETCH_ASK && run->stream &&
	    now_ms - run->moved_at_ms >= COURIER_STALL_MS) {
		source_bad(run, ERR_TIMEOUT);
		return true;
	}
	return false;
}

void courier_fetch_tick(struct courier *courier, uint64_t now_ms)
{
	struct tree_node *node = tree_first(&courier->fetches);

	while (node) {
		struct fetch_run *run =
			TREE_ENTRY(node, struct fetch_run, node);
		struct sha256 hash = run->hash;

		if (!run_tick(run, now_ms)) {
			node = tree_next(node);
			continue;
		}
		node = tree_lower(&courier->fetches, &hash, fetch_seek);
		if (node && sha256_eq(&run_of(node)->hash, &hash))
			node = tree_next(node);
	}
}

void courier_fetch_stop(struct courier *courier)
{
	struct tree_node *node = tree_first(&courier->fetches);

	while (node) {
		struct fetch_run *run =
			TREE_ENTRY(node, struct fetch_run, node);
		struct sha256 hash = run->hash;

		run->stopping = true;
		if (run->state == FETCH_PAUSE || run->state == FETCH_QUEUE)
			run_end(run, ERR_UNAVAILABLE);
		else if (run->state == FETCH_ASK && run->stream)
			source_bad(run, ERR_UNAVAILABLE);
		node = tree_lower(&courier->fetches, &hash, fetch_seek);
		if (node && sha256_eq(&run_of(node)->hash, &hash))
			node = tree_next(node);
	}
}
