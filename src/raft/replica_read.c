/*
 * Reads that must see everything acknowledged before them (libraft.md 6).
 *
 * Happy path at the leader, whose barrier is applied: all reads that wait get a
 * number, at the end of the turn; a PING with it goes to all voters; when a
 * majority, itself included, has said that the term goes on, the commit index
 * of now is how far the reads must see; when the state has applied that far,
 * they are answered. Elsewhere the leader is asked for that index, under a
 * number likewise (reader.h).
 *
 * Why that is enough: a majority that was still in the leader's term after the
 * read began has not yet voted in a later one, so all that was acknowledged
 * before was committed by this leader, or before it. No clocks, no leases.
 *
 * Failures: a lost question is asked again; a deposed leader's numbers are
 * never answered by a majority, and the next leader is asked; in the end comes
 * the deadline.
 *
 * While it is the only voter and the state has everything that is committed, a
 * read is answered where it is asked for, without a way through the log loop:
 * what is acknowledged is in the state before it is. Nobody else can commit
 * until this loop has appended the entry that makes another one a voter, and by
 * then it has taken `settled` back.
 */
#include "raft/replica_impl.h"

#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"

/* Questions under way: with more, the next one waits for an answer. */
#define READ_OPEN_MAX 8

/* An unanswered question is asked again. */
#define READ_REPEAT_MS 100

/* Questions of other nodes that wait; they ask again by themselves. */
#define READ_ASKS_MAX 1024

/* Another node's question. */
struct read_ask {
	struct list link;
	uint64_t from; /* raft id */
	uint64_t seq;  /* the other node's number */
	uint64_t ours; /* ours; 0: not asked for */
};

static bool leads(struct replica *replica)
{
	return replica_is_live(replica) &&
	       rules_leader_ready(&replica->io.rules);
}

static void send_note(struct replica *replica, uint64_t to,
		      enum frame_kind kind, const struct frame_note *note)
{
	struct buf frame = { 0 };

	frame_put_note(&frame, kind, note);
	outbox_send(&replica->outbox, to, &frame);
	buf_fini(&frame);
}

/* ---- rounds of the leader ---- */

static const struct replica_pong *pong_find(const struct replica *replica,
					    uint64_t id)
{
	const struct replica_round *round = &replica->round;

	for (unsigned i = 0; i < round->pong_count; i++)
		if (round->pongs[i].id == id)
			return &round->pongs[i];
	return NULL;
}

static void pong_note(struct replica *replica, uint64_t from, uint64_t term,
		      uint64_t seq)
{
	struct replica_round *round = &replica->round;
	struct replica_pong *pong;

	for (unsigned i = 0; i < round->pong_count; i++) {
		pong = &round->pongs[i];
		if (pong->id != from)
			continue;
		if (term > pong->term || seq > pong->seq) {
			pong->term = term;
			pong->seq = seq;
		}
		return;
	}
	if (round->pong_count == COMPAT_SERVERS_MAX)
		round->pong_count = 0; /* replicas come and go */
	round->pongs = mem_realloc(round->pongs, (round->pong_count + 1) *
							 sizeof(*round->pongs));
	round->pongs[round->pong_count++] =
		(struct replica_pong){ from, term, seq };
}

/* How many voters have answered number `seq` or a later one in this term? */
static unsigned voters_beyond(const struct replica *replica,
			      const uint64_t *voters, unsigned count,
			      uint64_t seq)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct replica_pong *pong = pong_find(replica, voters[i]);

		if (voters[i] == replica->options.raft_id)
			sum++;
		else if (pong != NULL && pong->term == replica->leader_term &&
			 pong->seq >= seq)
			sum++;
	}
	return sum;
}

/* The highest number that a majority has answered; 0: none. */
static uint64_t confirmed_seq(const struct replica *replica)
{
	uint64_t voters[COMPAT_SERVERS_MAX];
	unsigned count = compat_voters(&replica->raft, voters);
	uint64_t highest = 0;

	if (MUTANT("M12") || count == 1) /* this leader itself */
		return replica->reader.seq;
	for (unsigned i = 0; i < replica->round.pong_count; i++) {
		uint64_t seq = replica->round.pongs[i].seq;

		if (seq > highest &&
		    voters_beyond(replica, voters, count, seq) > count / 2)
			highest = seq;
	}
	return highest;
}

static void asks_answer(struct replica *replica, uint64_t seq, uint64_t index)
{
	LIST_FOREACH_SAFE (&replica->round.asks, it) {
		struct read_ask *ask = LIST_ENTRY(it, struct read_ask, link);
		const struct frame_note note = { .seq = ask->seq,
						 .index = index };

		if (ask->ours == 0 || ask->ours > seq)
			return; /* they are in order */
		send_note(replica, ask->from, FRAME_READ_INDEX, &note);
		list_remove(&ask->link);
		mem_free(ask);
		replica->round.ask_count--;
	}
}

static void round_confirm(struct replica *replica)
{
	uint64_t seq = confirmed_seq(replica);
	struct compat_view view;

	if (seq == 0 || seq > replica->reader.seq)
		return;
	replica_view(replica, &view);
	if (replica->reader.seq - seq < replica->round.open)
		replica->round.open = (unsigned)(replica->reader.seq - seq);
	reader_note(&replica->reader, seq, view.commit_index);
	asks_answer(replica, seq, view.commit_index);
}

static void ping_all(struct replica *replica, uint64_t seq)
{
	const struct frame_note note = { .term = replica->leader_term,
					 .seq = seq };
	uint64_t voters[COMPAT_SERVERS_MAX];
	unsigned count = compat_voters(&replica->raft, voters);

	for (unsigned i = 0; i < count; i++)
		if (voters[i] != replica->options.raft_id)
			send_note(replica, voters[i], FRAME_PING, &note);
}

static void round_begin(struct replica *replica)
{
	uint64_t seq = reader_ask(&replica->reader, replica_now(replica));

	LIST_FOREACH (&replica->round.asks, it) {
		struct read_ask *ask = LIST_ENTRY(it, struct read_ask, link);

		if (ask->ours == 0)
			ask->ours = seq;
	}
	ping_all(replica, seq);
	round_confirm(replica);
}

/* ---- questions ---- */

static bool asks_wait(const struct replica *replica)
{
	const struct list *asks = &replica->round.asks;

	return !list_empty(asks) &&
	       LIST_ENTRY(asks->prev, struct read_ask, link)->ours == 0;
}

static void ask(struct replica *replica)
{
	struct frame_note note = { 0 };

	replica->round.open++;
	if (leads(replica)) {
		round_begin(replica);
		return;
	}
	note.seq = reader_ask(&replica->reader, replica_now(replica));
	send_note(replica, replica->leader, FRAME_READ_ASK, &note);
}

static bool may_ask(struct replica *replica)
{
	return (leads(replica) || replica_follows(replica)) &&
	       replica->round.open < READ_OPEN_MAX;
}

static void ask_run(struct task *task)
{
	struct replica *replica = container_of(task, struct replica, read_task);

	replica->read_posted = false;
	if (!may_ask(replica))
		return;
	ask(replica);
	replica_read_after(replica);
}

/* At the end of the turn: one round for all that wait by then. */
static void read_kick(struct replica *replica)
{
	if (replica->read_posted || !may_ask(replica))
		return;
	if (!reader_wants(&replica->reader) && !asks_wait(replica))
		return;
	replica->read_posted = true;
	task_post(replica->options.log_loop, &replica->read_task, ask_run);
}

/* ---- frames ---- */

static void receive_ask(struct replica *replica, uint64_t from, uint64_t seq)
{
	struct replica_round *round = &replica->round;
	struct read_ask *ask;

	if (replica->leader != replica->options.raft_id) {
		replica_tell_leader(replica, from);
		return;
	}
	if (round->ask_count == READ_ASKS_MAX)
		return;
	ask = mem_zalloc(1, sizeof(*ask));
	ask->from = from;
	ask->seq = seq;
	list_append(&round->asks, &ask->link);
	round->ask_count++;
	read_kick(replica);
}

/* Whoever leads says it: a majority stood behind it after we asked. */
static void receive_index(struct replica *replica,
			  const struct frame_note *note)
{
	struct reader *reader = &replica->reader;

	if (note->err != ERR_NONE || note->seq > reader->seq)
		return;
	if (reader->seq - note->seq < replica->round.open)
		replica->round.open = (unsigned)(reader->seq - note->seq);
	reader_note(reader, note->seq, note->index);
	replica_read_after(replica);
}

/* For this voter the term goes on, and it knows its leader. */
static bool is_my_leader(struct replica *replica, uint64_t from, uint64_t term)
{
	struct compat_view view;

	if (MUTANT("M11"))
		return true;
	replica_view(replica, &view);
	return view.state == RAFT_FOLLOWER && view.term == term &&
	       replica->leader == from;
}

static void receive_ping(struct replica *replica, uint64_t from,
			 const struct frame_note *note)
{
	if (is_my_leader(replica, from, note->term))
		send_note(replica, from, FRAME_PONG, note);
}

static void receive_pong(struct replica *replica, uint64_t from,
			 const struct frame_note *note)
{
	if (!leads(replica) || note->term != replica->leader_term)
		return;
	pong_note(replica, from, note->term, note->seq);
	round_confirm(replica);
	replica_read_after(replica);
}

void replica_read_receive(struct replica *replica, uint64_t from,
			  enum frame_kind kind, struct slice fields)
{
	struct frame_note note;

	if (frame_get_note(kind, fields, &note) != ERR_NONE)
		return;
	if (kind == FRAME_READ_ASK)
		receive_ask(replica, from, note.seq);
	else if (kind == FRAME_READ_INDEX)
		receive_index(replica, &note);
	else if (kind == FRAME_PING)
		receive_ping(replica, from, &note);
	else if (kind == FRAME_PONG)
		receive_pong(replica, from, &note);
}

/* ---- what raft and the applier have done ---- */

/* The only voter, with nothing under way that its readers could miss. */
static bool is_settled(struct replica *replica, const struct compat_view *view)
{
	const struct applier *applier = &replica->applier;

	if (!leads(replica) || compat_voter_count(&replica->raft) != 1)
		return false;
	return view->last_applied >= view->commit_index &&
	       (applier->done >= applier->handed || MUTANT("M13"));
}

/*
 * What raft has applied has been handed to the applier; entries that are not
 * commands never get there, so the last one handed counts where the index is
 * beyond it.
 */
static bool is_visible(const struct replica *replica,
		       const struct compat_view *view, uint64_t index)
{
	const struct applier *applier = &replica->applier;

	if (MUTANT("M13"))
		return true;
	if (view->last_applied < index)
		return false;
	return applier->done >= index || applier->done >= applier->handed;
}

static void note_fresh(struct replica *replica, uint64_t asked_at_ms)
{
	if (asked_at_ms > atomic_load(&replica->published.fresh_ms))
		atomic_store(&replica->published.fresh_ms, asked_at_ms);
}

void replica_read_after(struct replica *replica)
{
	struct compat_view view;
	struct read_index *read;

	if (!replica_is_live(replica)) {
		atomic_store(&replica->published.settled, false);
		return;
	}
	replica_view(replica, &view);
	atomic_store(&replica->published.settled, is_settled(replica, &view));
	while ((read = reader_first_noted(&replica->reader)) != NULL &&
	       is_visible(replica, &view, read->index)) {
		note_fresh(replica, read->asked_at_ms);
		reader_answer(read, ERR_NONE,
			      atomic_load(&replica->applier.applied));
	}
	read_kick(replica);
}

/* What others have asked for they ask for again. */
static void asks_clear(struct replica *replica, bool tell)
{
	struct list *link;

	while ((link = list_take(&replica->round.asks)) != NULL) {
		struct read_ask *ask = LIST_ENTRY(link, struct read_ask, link);

		if (tell)
			replica_tell_leader(replica, ask->from);
		mem_free(ask);
	}
	replica->round.ask_count = 0;
}

void replica_read_led_anew(struct replica *replica)
{
	asks_clear(replica, true);
	replica->round.open = 0;
	reader_again(&replica->reader);
	read_kick(replica);
}

/* ---- reads ---- */

static void read_run(struct task *task)
{
	struct read_index *read = container_of(task, struct read_index, task);
	struct replica *replica = read->source;

	if (replica->state > REPLICA_RUNNING || replica->park_why != NULL) {
		reader_answer(read, ERR_UNAVAILABLE, 0);
		return;
	}
	reader_add(&replica->reader, read, replica_now(replica));
	read_kick(replica);
}

void replica_read_index(struct replica *replica, struct read_index *read,
			read_index_done *done)
{
	uint64_t now = replica_now(replica);

	read->source = replica;
	read->done = done;
	list_init(&read->link);
	if (atomic_load(&replica->published.settled)) {
		atomic_store(&replica->published.fresh_ms, now);
		reader_answer(read, ERR_NONE,
			      atomic_load(&replica->applier.applied));
		return;
	}
	task_post(replica->options.log_loop, &read->task, read_run);
}

void replica_read_tick(struct replica *replica)
{
	uint64_t now = replica_now(replica);

	reader_tick(&replica->reader, now);
	if (!reader_waits(&replica->reader) && list_empty(&replica->round.asks))
		return;
	if (now - replica->reader.asked_at_ms < READ_REPEAT_MS)
		return;
	if (leads(replica) || replica_follows(replica))
		ask(replica);
	replica_read_after(replica);
}

void replica_read_end(struct replica *replica)
{
	atomic_store(&replica->published.settled, false);
	reader_end(&replica->reader, ERR_UNAVAILABLE);
	asks_clear(replica, false);
}

void replica_read_init(struct replica *replica)
{
	reader_init(&replica->reader, replica->options.boot);
	list_init(&replica->round.asks);
}

void replica_read_fini(struct replica *replica)
{
	asks_clear(replica, false);
	mem_free(replica->round.pongs);
}

bool replica_is_fresh(struct replica *replica, uint32_t age_ms)
{
	uint64_t fresh = atomic_load(&replica->published.fresh_ms);

	return fresh != 0 && replica_now(replica) - fresh < age_ms;
}
