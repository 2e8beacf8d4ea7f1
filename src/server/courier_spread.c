/*
 * Spread: one upload, many replicas.
 *
 * The home half gives octets to the loop of the bulk links by tasks, and looks
 * at what each lane has said; the loop half keeps the octets until the slowest
 * lane that is still in has written them to its stream.
 *
 *   home: spread_add -> task -> loop: chunks -> lanes -> streams
 *   home: event <- task <- loop: a lane has moved, is durable, or has failed
 *
 * Failures: a lane that fails says why and is out; the others go on. What a
 * crash leaves is a body with a hold on some replicas, whose op is resolved
 * one day (model step B3).
 */
#include "server/courier_spread.h"

#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "server/courier_impl.h"

struct chunk {
	struct task task;
	struct list link;
	struct spread *spread;
	struct buf octets;
	uint64_t offset; /* of the first octet in the body */
	bool last;
};

struct lane {
	struct spread *spread;
	struct courier_target target;

	/* the loop's */
	struct peer_stream *stream; /* NULL: it is gone */
	uint64_t sent;
	bool finished; /* all was written */
	uint64_t moved_at_ms;
	uint8_t answer[COURIER_ANSWER_SIZE];
	size_t answered;

	/* from the loop to the home: the others are good if state says so */
	_Atomic uint64_t taken;
	_Atomic int state; /* enum spread_state */
	struct sha256 hash;
	enum err err;
};

struct spread {
	struct courier *courier;
	struct body_hold hold;
	struct executor *home;
	_Atomic unsigned refs;
	atomic_bool telling; /* the task `news` is posted */
	struct task begin;
	struct task news;
	struct task release;

	/* the home's */
	spread_event *event; /* NULL: nobody listens */
	void *arg;
	unsigned *live;
	uint64_t offered;
	bool finished;
	struct spread_local local;
	bool local_voter;
	uint64_t local_id; /* raft id; 0: no replica here */
	unsigned majority;

	/* the loop's */
	struct list link;   /* in courier->spreads */
	struct list chunks; /* by offset */
	uint64_t queued;    /* offset behind the last chunk */
	size_t kept;        /* octets in chunks */
	bool last;          /* no more will come */
	bool released;      /* the home has let go */
	bool lingers;       /* and `kept` counts in courier->lingering */

	unsigned lane_count;
	struct lane lanes[];
};

/* ---- both halves ---- */

static void spread_unref(struct spread *spread)
{
	struct courier *courier = spread->courier;

	if (atomic_fetch_sub(&spread->refs, 1) > 1)
		return;
	__atomic_sub_fetch(spread->live, 1, __ATOMIC_SEQ_CST);
	mem_free(spread);
	courier_end(courier);
}

static enum spread_state lane_state(struct lane *lane)
{
	return (enum spread_state)atomic_load(&lane->state);
}

/* ---- the loop: news ---- */

static void news_run(struct task *task)
{
	struct spread *spread = container_of(task, struct spread, news);

	atomic_store(&spread->telling, false);
	if (spread->event)
		spread->event(spread->arg);
	spread_unref(spread);
}

static void tell(struct spread *spread)
{
	if (spread->released || atomic_exchange(&spread->telling, true))
		return;
	atomic_fetch_add(&spread->refs, 1);
	task_post(spread->home, &spread->news, news_run);
}

/* ---- the loop: octets ---- */

static void chunk_free(struct spread *spread, struct chunk *chunk)
{
	spread->kept -= chunk->octets.len;
	if (spread->lingers)
		spread->courier->lingering -= chunk->octets.len;
	list_remove(&chunk->link);
	buf_fini(&chunk->octets);
	mem_free(chunk);
}

/* Drops what no lane wants any more. */
static void trim(struct spread *spread)
{
	uint64_t needed = spread->queued;

	for (unsigned i = 0; i < spread->lane_count; i++) {
		const struct lane *lane = &spread->lanes[i];

		if (lane->stream && lane->sent < needed)
			needed = lane->sent;
	}
	LIST_FOREACH_SAFE (&spread->chunks, it) {
		struct chunk *chunk = LIST_ENTRY(it, struct chunk, link);

		if (chunk->offset + chunk->octets.len > needed)
			return;
		chunk_free(spread, chunk);
	}
}

/* The loop's part is over when the home's is and no stream is left. */
static void end_if_over(struct spread *spread)
{
	if (!spread->released)
		return;
	for (unsigned i = 0; i < spread->lane_count; i++)
		if (spread->lanes[i].stream)
			return;
	trim(spread);
	list_remove(&spread->link);
	spread_unref(spread);
}

/* ---- the loop: lanes ---- */

static void lane_set(struct lane *lane, enum spread_state state)
{
	atomic_store(&lane->state, (int)state);
	tell(lane->spread);
}

/* The replica is out of this upload. */
static void lane_fail(struct lane *lane, enum err err)
{
	struct peer_stream *stream = lane->stream;

	lane->stream = NULL;
	if (stream)
		peer_stream_close(stream, err, err_text(err));
	if (lane_state(lane) != SPREAD_OPEN)
		return;
	lane->err = err;
	lane_set(lane, SPREAD_FAILED);
}

static void lane_write(struct lane *lane)
{
	struct spread *spread = lane->spread;
	uint64_t before = lane->sent;

	LIST_FOREACH (&spread->chunks, it) {
		const struct chunk *chunk = LIST_ENTRY(it, struct chunk, link);
		uint64_t from = lane->sent - chunk->offset;
		struct slice rest;

		if (from >= chunk->octets.len)
			continue;
		rest = slice_from(buf_slice(&chunk->octets), (size_t)from);
		lane->sent += peer_stream_write(lane->stream, rest);
		if (lane->sent < chunk->offset + chunk->octets.len)
			break;
	}
	if (spread->last && lane->sent == spread->queued && !lane->finished) {
		lane->finished = true;
		peer_stream_finish(lane->stream);
	} else if (lane->sent == before) {
		return;
	}
	lane->moved_at_ms = courier_now(spread->courier);
	atomic_store(&lane->taken, lane->sent);
	tell(spread);
}

static void stream_room(struct peer_stream *stream)
{
	struct lane *lane = peer_stream_owner(stream);

	lane_write(lane);
	trim(lane->spread);
}

static size_t stream_octets(struct peer_stream *stream, struct slice in)
{
	struct lane *lane = peer_stream_owner(stream);

	if (in.len > COURIER_ANSWER_SIZE - lane->answered) {
		lane_fail(lane, ERR_SYNTAX);
		end_if_over(lane->spread);
		return 0;
	}
	memcpy(&lane->answer[lane->answered], in.data, in.len);
	lane->answered += in.len;
	return in.len;
}

/* The answer is whole: body and hold are durable there (model step B1). */
static void stream_finished(struct peer_stream *stream)
{
	struct lane *lane = peer_stream_owner(stream);
	uint64_t length;

	if (lane->answered < COURIER_ANSWER_SIZE || !lane->finished) {
		lane_fail(lane, ERR_SYNTAX);
		end_if_over(lane->spread);
		return;
	}
	courier_answer_decode(lane->answer, &lane->hash, &length);
	if (length != lane->spread->queued) {
		lane_fail(lane, ERR_CORRUPT);
		end_if_over(lane->spread);
		return;
	}
	lane_set(lane, SPREAD_DURABLE);
}

static void stream_closed(struct peer_stream *stream, enum err err,
			  struct slice text unused_arg)
{
	struct lane *lane = peer_stream_owner(stream);
	struct spread *spread = lane->spread;

	lane->stream = NULL;
	lane_fail(lane, err ? err : ERR_UNAVAILABLE);
	trim(spread);
	end_if_over(spread);
}

static const struct peer_stream_ops lane_ops = {
	.octets = stream_octets,
	.room = stream_room,
	.finished = stream_finished,
	.closed = stream_closed,
};

static void lane_open(struct lane *lane)
{
	struct spread *spread = lane->spread;
	struct courier *courier = spread->courier;
	struct courier_body_head head = { lane->target.raft_id, spread->hold };
	struct buf octets = { 0 };

	if (atomic_load(&courier->stopped)) {
		lane_fail(lane, ERR_UNAVAILABLE);
		return;
	}
	courier_body_head_encode(&head, &octets);
	lane->moved_at_ms = courier_now(courier);
	lane->stream = peer_stream_open(courier->config.bulk, lane->target.node,
					PEER_STREAM_BODY, buf_slice(&octets),
					&lane_ops, lane);
	buf_fini(&octets);
	if (!lane->stream)
		lane_fail(lane, ERR_UNAVAILABLE);
}

/* ---- the loop: what the home sends ---- */

static void begin_run(struct task *task)
{
	struct spread *spread = container_of(task, struct spread, begin);
	struct courier *courier = spread->courier;

	list_append(&courier->spreads, &spread->link);
	courier_wake_tick(courier);
	for (unsigned i = 0; i < spread->lane_count; i++)
		lane_open(&spread->lanes[i]);
}

/* Small ones are joined: a chunk costs more than its octets. */
static bool join_tail(struct spread *spread, struct chunk *chunk)
{
	struct list *last = spread->chunks.prev;
	struct chunk *tail = LIST_ENTRY(last, struct chunk, link);

	if (last == &spread->chunks ||
	    tail->octets.len + chunk->octets.len > BODY_CHUNK)
		return false;
	buf_add_slice(&tail->octets, buf_slice(&chunk->octets));
	return true;
}

static void chunk_take(struct spread *spread, struct chunk *chunk)
{
	size_t len = chunk->octets.len;

	spread->last |= chunk->last;
	if (len == 0 || join_tail(spread, chunk)) {
		buf_fini(&chunk->octets);
		mem_free(chunk);
	} else {
		chunk->offset = spread->queued;
		list_append(&spread->chunks, &chunk->link);
	}
	spread->queued += len;
	spread->kept += len;
}

static void chunk_run(struct task *task)
{
	struct chunk *chunk = container_of(task, struct chunk, task);
	struct spread *spread = chunk->spread;

	chunk_take(spread, chunk);
	for (unsigned i = 0; i < spread->lane_count; i++) {
		struct lane *lane = &spread->lanes[i];

		if (lane->stream)
			lane_write(lane);
		if (lane->stream &&
		    spread->queued - lane->sent > SPREAD_BEHIND_MAX)
			lane_fail(lane, ERR_BUSY);
	}
	trim(spread);
}

static void cut(struct spread *spread, enum err err, bool all)
{
	for (unsigned i = 0; i < spread->lane_count; i++) {
		struct lane *lane = &spread->lanes[i];

		if (lane->stream && (all || !lane->finished))
			lane_fail(lane, err);
	}
	trim(spread);
}

static void release_run(struct task *task)
{
	struct spread *spread = container_of(task, struct spread, release);
	struct courier *courier = spread->courier;

	spread->released = true;
	if (!spread->last)
		cut(spread, ERR_CANCELLED, true);
	else if (courier->lingering + spread->kept > SPREAD_LINGER_MAX)
		cut(spread, ERR_BUSY, false);
	spread->lingers = true;
	courier->lingering += spread->kept;
	end_if_over(spread);
}

void courier_spread_tick(struct courier *courier, uint64_t now_ms)
{
	LIST_FOREACH_SAFE (&courier->spreads, it) {
		struct spread *spread = LIST_ENTRY(it, struct spread, link);

		for (unsigned i = 0; i < spread->lane_count; i++) {
			struct lane *lane = &spread->lanes[i];
			bool waits =
				lane->finished || lane->sent < spread->queued;

			if (!waits)
				lane->moved_at_ms = now_ms;
			if (lane->stream &&
			    now_ms - lane->moved_at_ms >= COURIER_STALL_MS)
				lane_fail(lane, ERR_UNAVAILABLE);
		}
		trim(spread);
		end_if_over(spread);
	}
}

/* ---- the home ---- */

struct spread_local *spread_local(struct spread *spread)
{
	return &spread->local;
}

static void add_chunk(struct spread *spread, struct slice octets, bool last)
{
	struct chunk *chunk = mem_zalloc(1, sizeof(*chunk));

	chunk->spread = spread;
	chunk->last = last;
	buf_add_slice(&chunk->octets, octets);
	task_post(spread->courier->config.loop, &chunk->task, chunk_run);
}

void spread_add(struct spread *spread, struct slice octets)
{
	MUST(!spread->finished);
	spread->offered += octets.len;
	if (octets.len)
		add_chunk(spread, octets, false);
}

void spread_finish(struct spread *spread)
{
	MUST(!spread->finished);
	spread->finished = true;
	add_chunk(spread, SLICE_NONE, true);
}

/* The lag of each voter that is still in; how many there are. */
static unsigned collect_lags(struct spread *spread, size_t *lags)
{
	unsigned count = 0;

	if (spread->local_voter && spread->local.state != SPREAD_FAILED)
		lags[count++] = spread->local.lag;
	for (unsigned i = 0; i < spread->lane_count; i++) {
		struct lane *lane = &spread->lanes[i];

		if (lane->target.voter && lane_state(lane) != SPREAD_FAILED)
			lags[count++] = (size_t)(spread->offered -
						 atomic_load(&lane->taken));
	}
	return count;
}

size_t spread_lag(struct spread *spread)
{
	size_t lags[COMMAND_HOLDERS_MAX + 1];
	unsigned count = collect_lags(spread, lags);

	if (count < spread->majority)
		return 0; /* it will fail: the client is not to wait for that */
	for (unsigned i = 0; i < spread->majority; i++)
		for (unsigned j = i + 1; j < count; j++)
			if (lags[j] < lags[i]) {
				size_t lag = lags[i];

				lags[i] = lags[j];
				lags[j] = lag;
			}
	return lags[spread->majority - 1];
}

/* M21: what was sent counts as durable. */
static bool lane_has(struct spread *spread, struct lane *lane,
		     const struct sha256 *hash)
{
	if (MUTANT("M21") && spread->finished &&
	    lane_state(lane) == SPREAD_OPEN &&
	    atomic_load(&lane->taken) == spread->offered)
		return true;
	return lane_state(lane) == SPREAD_DURABLE &&
	       sha256_eq(&lane->hash, hash);
}

/* Who has it durable under this name. True: a majority of the voters. */
static bool is_held(struct spread *spread, const struct sha256 *hash,
		    struct courier_holders *holders_r)
{
	unsigned voters = 0;

	*holders_r = (struct courier_holders){ 0 };
	if (spread->local.state == SPREAD_DURABLE && spread->local_id &&
	    sha256_eq(&spread->local.hash, hash)) {
		courier_holders_add(holders_r, spread->local_id);
		voters += spread->local_voter;
	}
	for (unsigned i = 0; i < spread->lane_count; i++) {
		struct lane *lane = &spread->lanes[i];

		if (!lane_has(spread, lane, hash))
			continue;
		courier_holders_add(holders_r, lane->target.raft_id);
		voters += lane->target.voter;
	}
	return voters >= spread->majority;
}

/* Could those who are on their way make a majority with those who have it? */
static bool is_hopeless(struct spread *spread)
{
	unsigned open = 0;
	unsigned durable = 0;

	if (spread->local_voter) {
		open += spread->local.state == SPREAD_OPEN;
		durable += spread->local.state == SPREAD_DURABLE;
	}
	for (unsigned i = 0; i < spread->lane_count; i++) {
		struct lane *lane = &spread->lanes[i];

		if (!lane->target.voter)
			continue;
		open += lane_state(lane) == SPREAD_OPEN;
		durable += lane_state(lane) == SPREAD_DURABLE;
	}
	/* Different names among the durable ones: hopeless when all are in. */
	return open + durable < spread->majority || open == 0;
}

/* What to tell of many failures: nothing was proposed, whatever it was. */
static enum err failure(struct spread *spread)
{
	enum err err = spread->local.state == SPREAD_FAILED ? spread->local.err
							    : ERR_NONE;

	for (unsigned i = 0; i < spread->lane_count; i++) {
		struct lane *lane = &spread->lanes[i];

		if (lane_state(lane) == SPREAD_FAILED && lane->err == ERR_FULL)
			err = ERR_FULL;
	}
	return err == ERR_FULL || err == ERR_TOO_BIG ? err : ERR_UNAVAILABLE;
}

bool spread_decide(struct spread *spread, struct spread_verdict *verdict_r)
{
	*verdict_r = (struct spread_verdict){ 0 };
	if (spread->local.state == SPREAD_DURABLE &&
	    is_held(spread, &spread->local.hash, &verdict_r->holders)) {
		verdict_r->hash = spread->local.hash;
		return true;
	}
	for (unsigned i = 0; i < spread->lane_count; i++) {
		struct lane *lane = &spread->lanes[i];

		if (lane_state(lane) != SPREAD_DURABLE ||
		    !is_held(spread, &lane->hash, &verdict_r->holders))
			continue;
		verdict_r->hash = lane->hash;
		return true;
	}
	if (!is_hopeless(spread))
		return false;
	verdict_r->holders.count = 0;
	verdict_r->err = failure(spread);
	return true;
}

void spread_free(struct spread **spreadp)
{
	struct spread *spread = *spreadp;

	*spreadp = NULL;
	spread->event = NULL;
	task_post(spread->courier->config.loop, &spread->release, release_run);
	spread_unref(spread);
}

struct spread *spread_new(struct courier *courier, const struct body_hold *hold,
			  const struct courier_targets *targets, unsigned *live,
			  struct executor *home, spread_event *event, void *arg)
{
	struct spread *spread = mem_zalloc(
		1, sizeof(*spread) + targets->count * sizeof(struct lane));

	courier_begin(courier);
	__atomic_add_fetch(live, 1, __ATOMIC_SEQ_CST);
	spread->courier = courier;
	spread->hold = *hold;
	spread->home = home;
	spread->live = live;
	spread->event = event;
	spread->arg = arg;
	spread->majority = courier_majority(targets);
	spread->local.state = SPREAD_FAILED;
	spread->local.err = ERR_UNAVAILABLE;
	atomic_store(&spread->refs, 2); /* the home's and the loop's */
	list_init(&spread->link);
	list_init(&spread->chunks);
	for (unsigned i = 0; i < targets->count; i++) {
		struct lane *lane = &spread->lanes[spread->lane_count];

		if (targets->at[i].local) {
			spread->local.state = SPREAD_OPEN;
			spread->local_id = targets->at[i].raft_id;
			spread->local_voter = targets->at[i].voter;
			continue;
		}
		lane->spread = spread;
		lane->target = targets->at[i];
		spread->lane_count++;
	}
	task_post(courier->config.loop, &spread->begin, begin_run);
	return spread;
}
