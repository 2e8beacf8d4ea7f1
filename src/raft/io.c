/*
 * Our raft_io (io.h): methods that raft calls, and what comes back.
 *
 * Happy path of an append: raft calls append, the rules note term and index
 * (rules.c), the entries are queued in the node's log, and when they are
 * durable the completion goes through the rules into raft. Of a message: the
 * rules look at it, it is encoded, it waits at the gate if a term or vote is
 * not durable yet, and goes to the link.
 *
 * Failures: the log never completes anything after one (R5). A link that is
 * not there ends a send with RAFT_NOCONNECTION, later (R6). When raft closes,
 * what is under way ends, but not before the log has let go of raft's entries.
 */
#include "raft/io.h"

#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"
#include "raft/io_request.h"

/* ---- requests ---- */

struct replica_io_request *
replica_io_request_new(struct replica_io *io, enum replica_io_request_kind kind)
{
	struct replica_io_request *request = mem_zalloc(1, sizeof(*request));

	request->io = io;
	request->kind = kind;
	list_init(&request->gated);
	list_append(&io->requests, &request->link);
	return request;
}

static void close_maybe(struct replica_io *io);

void replica_io_request_free(struct replica_io_request *request)
{
	struct replica_io *io = request->io;

	list_remove(&request->link);
	list_remove(&request->gated);
	mem_free(request->entries);
	mem_free(request->pieces);
	buf_fini(&request->data);
	buf_fini(&request->head);
	mem_free(request);
	close_maybe(io);
}

/* ---- append ---- */

/*
 * Never with an error, not even while closing: 0.15 then truncates its log once
 * for each append, also where the one before has truncated already.
 */
static void append_done(struct wal_op *op)
{
	struct replica_io_request *request =
		container_of(op, struct replica_io_request, op);
	struct raft_io_append *append = request->append;
	raft_io_append_cb cb = request->append_cb;

	CRASH_POINT("append_before_ack");
	cb(append, 0); /* may send, append, apply */
	replica_io_request_free(request);
}

/* The rules' inner append: entries and their data are raft's until `cb`. */
static int io_append(void *arg, struct raft_io_append *req,
		     const struct raft_entry *entries, unsigned n,
		     raft_io_append_cb cb)
{
	struct replica_io *io = arg;
	struct replica_io_request *request =
		replica_io_request_new(io, REQUEST_APPEND);
	uint64_t last = raft_last_index(io->options.raft);
	uint64_t first = last - n + 1;

	MUST(n > 0 && last >= n);
	request->append = req;
	request->append_cb = cb;
	request->entries = mem_zalloc(n, sizeof(*request->entries));
	for (unsigned i = 0; i < n; i++) {
		const struct raft_entry *entry = &entries[i];

		request->entries[i].term = entry->term;
		request->entries[i].type = (uint8_t)entry->type;
		request->entries[i].data =
			slice_of(entry->buf.base, entry->buf.len);
		sizes_add(&io->sizes, first + i, (uint32_t)entry->buf.len);
		if (entry->type == RAFT_CHANGE)
			confs_add(&io->confs, first + i,
				  request->entries[i].data);
	}
	wal_append(io->log, &request->op, first, request->entries, n,
		   append_done);
	return 0;
}

static int method_append(struct raft_io *raft_io, struct raft_io_append *req,
			 const struct raft_entry entries[], unsigned n,
			 raft_io_append_cb cb)
{
	return rules_append(&replica_io_of(raft_io)->rules, req, entries, n,
			    cb);
}

/* ---- records that raft does not wait for ---- */

static void record_done(struct wal_op *op)
{
	struct replica_io_request *request =
		container_of(op, struct replica_io_request, op);
	struct replica_io *io = request->io;

	if (request->gate != 0) {
		io->gate_durable = request->gate;
		replica_io_gate_open(io);
	}
	replica_io_request_free(request);
}

static struct replica_io_request *record_new(struct replica_io *io, bool gate)
{
	struct replica_io_request *request =
		replica_io_request_new(io, REQUEST_RECORD);

	if (gate)
		request->gate = ++io->gate_queued;
	return request;
}

static int method_set_term(struct raft_io *raft_io, raft_term term)
{
	struct replica_io *io = replica_io_of(raft_io);

	CRASH_POINT("set_term");
	wal_set_term(io->log, &record_new(io, true)->op, term, record_done);
	return 0;
}

static int method_set_vote(struct raft_io *raft_io, raft_id vote)
{
	struct replica_io *io = replica_io_of(raft_io);

	CRASH_POINT("set_vote");
	if (MUTANT("M05")) /* in memory only */
		return 0;
	wal_set_vote(io->log, &record_new(io, true)->op, vote, record_done);
	return 0;
}

/* Raft has the right one again when it has truncated its log. */
static void conf_roll_back(struct replica_io *io, uint64_t index)
{
	const struct conf_item *last;

	if (confs_truncate(&io->confs, index) == 0)
		return;
	last = confs_last(&io->confs);
	if (last == NULL)
		return; /* all of the log goes: a snapshot brings one */
	PROBE("io: a configuration was rolled back");
	compat_conf_set(io->options.raft, buf_slice(&last->octets),
			last->index);
}

static int method_truncate(struct raft_io *raft_io, raft_index index)
{
	struct replica_io *io = replica_io_of(raft_io);

	CRASH_POINT("truncate");
	sizes_truncate(&io->sizes, index);
	conf_roll_back(io, index);
	wal_truncate(io->log, &record_new(io, false)->op, index, record_done);
	return 0;
}

/* ---- clock ---- */

static void io_tick(void *arg)
{
	struct replica_io *io = arg;

	io->tick_cb(&io->raft_io);
}

static uint64_t io_now(void *arg)
{
	struct replica_io *io = arg;

	return clock_mono_ms(io->options.clock);
}

static void tick_fire(struct timer *timer)
{
	struct replica_io *io = container_of(timer, struct replica_io, tick);

	timer_set(io->options.timers, timer, io->tick_ms);
	rules_tick(&io->rules);
}

static int method_start(struct raft_io *raft_io, unsigned msecs,
			raft_io_tick_cb tick, raft_io_recv_cb recv)
{
	struct replica_io *io = replica_io_of(raft_io);

	io->tick_ms = msecs;
	io->tick_cb = tick;
	io->recv_cb = recv;
	timer_set(io->options.timers, &io->tick, msecs);
	return 0;
}

void replica_io_set_pace(struct replica_io *io, unsigned heartbeat_ms)
{
	io->options.heartbeat_ms = heartbeat_ms;
	io->rules.heartbeat_ms = heartbeat_ms;
	io->tick_ms = heartbeat_ms;
}

static raft_time method_time(struct raft_io *raft_io)
{
	return clock_mono_ms(replica_io_of(raft_io)->options.clock);
}

static int method_random(struct raft_io *raft_io, int min, int max)
{
	MUST(min >= 0 && max >= min);
	return (int)random_range(replica_io_of(raft_io)->options.random,
				 (uint64_t)min, (uint64_t)max);
}

/* ---- life ---- */

static int method_init(struct raft_io *raft_io, raft_id id, const char *address)
{
	(void)address;
	MUST(id == replica_io_of(raft_io)->options.id);
	return 0;
}

static bool is_pristine(const struct replica_io *io)
{
	struct wal_state state;

	wal_group_get_state(io->log, &state);
	return state.term == 0 && state.vote == 0 && state.last == 0 &&
	       state.marker.index == 0 && io->extra_index == 0;
}

/* Queues a configuration; load gives it to raft before it is durable. */
static void extra_append(struct replica_io *io, uint64_t index, uint64_t term,
			 const struct raft_configuration *conf)
{
	struct replica_io_request *request = record_new(io, true);

	io->extra_index = index;
	io->extra_term = term;
	compat_conf_encode(conf, &io->extra_conf);
	request->entries = mem_zalloc(1, sizeof(*request->entries));
	request->entries[0].term = term;
	request->entries[0].type = RAFT_CHANGE;
	buf_add_slice(&request->data, buf_slice(&io->extra_conf));
	request->entries[0].data = buf_slice(&request->data);
	wal_append(io->log, &request->op, index, request->entries, 1,
		   record_done);
}

static int method_bootstrap(struct raft_io *raft_io,
			    const struct raft_configuration *conf)
{
	struct replica_io *io = replica_io_of(raft_io);

	if (!is_pristine(io))
		return RAFT_CANTBOOTSTRAP;
	wal_set_term(io->log, &record_new(io, true)->op, 1, record_done);
	extra_append(io, 1, 1, conf);
	return 0;
}

/* With the last term, so that it is newer than what it stands behind. */
static int method_recover(struct raft_io *raft_io,
			  const struct raft_configuration *conf)
{
	struct replica_io *io = replica_io_of(raft_io);
	struct wal_state state;
	struct wal_entry last;

	wal_group_get_state(io->log, &state);
	if (is_pristine(io) || io->extra_index != 0)
		return RAFT_CANTBOOTSTRAP;
	if (state.last >= state.first) {
		wal_group_get_entry(io->log, state.last, &last);
		extra_append(io, state.last + 1, last.term, conf);
	} else {
		extra_append(io, state.last + 1, state.marker.term, conf);
	}
	return 0;
}

/* ---- loading ---- */

void *replica_io_malloc(size_t size)
{
	void *ptr = raft_malloc(size);

	MUST(ptr != NULL);
	return ptr;
}

static struct raft_entry entry_copy(uint64_t term, uint8_t type,
				    struct slice data)
{
	struct raft_buffer buf;

	buf.len = data.len;
	buf.base = replica_io_malloc(data.len > 0 ? data.len : 1);
	memcpy(buf.base, data.data, data.len);
	return compat_entry(term, type, buf, NULL);
}

static void load_confs(struct replica_io *io, const struct wal_state *state,
		       const struct raft_entry *entries, size_t n)
{
	if (state->marker.index != 0)
		confs_add(&io->confs, state->marker.conf_index,
			  state->marker.conf);
	for (size_t i = 0; i < n; i++)
		if (entries[i].type == RAFT_CHANGE)
			confs_add(&io->confs, state->first + i,
				  slice_of(entries[i].buf.base,
					   entries[i].buf.len));
}

/* Each entry in a buffer of its own: batches cost O(n^2) in raft's log. */
static void load_entries(struct replica_io *io, const struct wal_state *state,
			 struct raft_entry **entries_r, size_t *n_r)
{
	size_t n = (size_t)(state->last + 1 - state->first);
	size_t extra = io->extra_index != 0;
	struct raft_entry *entries;
	struct wal_entry entry;

	entries = replica_io_malloc((n + extra + 1) * sizeof(*entries));
	sizes_init(&io->sizes, state->first);
	for (size_t i = 0; i < n; i++) {
		wal_group_get_entry(io->log, state->first + i, &entry);
		entries[i] = entry_copy(entry.term, entry.type, entry.data);
		sizes_add(&io->sizes, state->first + i,
			  (uint32_t)entry.data.len);
	}
	if (extra > 0) {
		entries[n] = entry_copy(io->extra_term, RAFT_CHANGE,
					buf_slice(&io->extra_conf));
		sizes_add(&io->sizes, state->first + n,
			  (uint32_t)io->extra_conf.len);
	}
	wal_group_forget_entries(io->log);
	load_confs(io, state, entries, n + extra);
	*entries_r = entries;
	*n_r = n + extra;
}

/* The newest configuration that the log has, in `entries` or the marker. */
static struct slice newest_conf(const struct wal_state *state,
				const struct raft_entry *entries, size_t n)
{
	while (n-- > 0)
		if (entries[n].type == RAFT_CHANGE)
			return slice_of(entries[n].buf.base,
					entries[n].buf.len);
	return state->marker.conf;
}

/*
 * A single voter makes itself leader at start without a new term. What it sent
 * to a standby before it died, and lost, would come again with the same index
 * and term and other octets. So it gets a new term here.
 */
static void load_new_term(struct replica_io *io, struct slice octets,
			  raft_term *term, raft_id *voted_for)
{
	struct raft_configuration conf;
	bool is_voter;

	if (octets.len == 0 || compat_conf_decode(octets, &conf) != ERR_NONE)
		return;
	if (compat_conf_voters(&conf, io->options.id, &is_voter) == 1 &&
	    is_voter) {
		*term += 1;
		*voted_for = io->options.id;
		method_set_term(&io->raft_io, *term);
		method_set_vote(&io->raft_io, *voted_for);
	}
	raft_configuration_close(&conf);
}

static int method_load(struct raft_io *raft_io, raft_term *term,
		       raft_id *voted_for, struct raft_snapshot **snapshot,
		       raft_index *start_index, struct raft_entry *entries[],
		       size_t *n_entries)
{
	struct replica_io *io = replica_io_of(raft_io);
	struct wal_state state;

	wal_group_get_state(io->log, &state);
	*term = state.term;
	*voted_for = state.vote;
	if (io->extra_index == 1)
		*term = io->extra_term; /* bootstrapped in this life */
	*start_index = state.first;
	*snapshot = NULL;
	load_entries(io, &state, entries, n_entries);
	load_new_term(io, newest_conf(&state, *entries, *n_entries), term,
		      voted_for);
	if (state.marker.index != 0)
		*snapshot = replica_io_snapshot_new(&state.marker);
	return 0;
}

/* ---- closing ---- */

static void close_run(struct task *task)
{
	struct replica_io *io =
		container_of(task, struct replica_io, close_task);

	io->close_cb(&io->raft_io);
}

static void close_maybe(struct replica_io *io)
{
	if (!io->closing || io->close_posted || !list_empty(&io->requests))
		return;
	io->close_posted = true;
	task_post(io->options.loop, &io->close_task, close_run);
}

/* What nobody else will call back for. */
static void cancel_waiting(struct replica_io *io)
{
	LIST_FOREACH_SAFE (&io->requests, it) {
		struct replica_io_request *request =
			LIST_ENTRY(it, struct replica_io_request, link);

		if (request->kind == REQUEST_SEND && !request->out)
			replica_io_send_end(request, RAFT_CANCELED);
		else if (request->kind == REQUEST_PUT && request->waiting)
			replica_io_put_end(request);
	}
}

static void method_close(struct raft_io *raft_io, raft_io_close_cb cb)
{
	struct replica_io *io = replica_io_of(raft_io);

	MUST(!io->closing);
	io->closing = true;
	io->rules.closed = true;
	io->close_cb = cb;
	timer_stop(io->options.timers, &io->tick);
	cancel_waiting(io);
	close_maybe(io);
}

static void abandon_one(struct replica_io_request *request)
{
	switch (request->kind) {
	case REQUEST_APPEND:
		append_done(&request->op);
		return;
	case REQUEST_SEND:
		replica_io_send_end(request, RAFT_CANCELED);
		return;
	case REQUEST_PUT:
		replica_io_put_end(request);
		return;
	case REQUEST_GET:
		replica_io_get_run(&request->task);
		return;
	case REQUEST_RECORD:
		replica_io_request_free(request);
		return;
	case REQUEST_WORK:
#ifdef HAVE_STRUCT_RAFT_IO_ASYNC_WORK
		request->work_status = RAFT_CANCELED;
		replica_io_work_done(&request->task);
#endif
		return;
	}
}

void replica_io_abandon(struct replica_io *io)
{
	MUST(io->closing);
	io->close_posted = true; /* the callback runs below, not later */
	while (!list_empty(&io->requests))
		abandon_one(LIST_ENTRY(io->requests.next,
				       struct replica_io_request, link));
	io->close_cb(&io->raft_io);
}

/* ---- the rules' port ---- */

static void io_unavailable(void *arg)
{
	struct replica_io *io = arg;

	io->options.hooks.unavailable(io->options.hooks.arg);
}

static void io_after(void *arg)
{
	struct replica_io *io = arg;

	io->options.hooks.after(io->options.hooks.arg);
}

static const struct rules_port io_port = {
	.send = replica_io_send,
	.append = io_append,
	.recv = replica_io_recv,
	.tick = io_tick,
	.now_ms = io_now,
	.send_dropped = replica_io_send_dropped,
	.discard = replica_io_discard,
	.unavailable = io_unavailable,
	.after = io_after,
};

static void set_methods(struct raft_io *raft_io)
{
	raft_io->init = method_init;
	raft_io->close = method_close;
	raft_io->load = method_load;
	raft_io->start = method_start;
	raft_io->bootstrap = method_bootstrap;
	raft_io->recover = method_recover;
	raft_io->set_term = method_set_term;
	raft_io->set_vote = method_set_vote;
	raft_io->send = replica_io_method_send;
	raft_io->append = method_append;
	raft_io->truncate = method_truncate;
	raft_io->snapshot_put = replica_io_method_snapshot_put;
	raft_io->snapshot_get = replica_io_method_snapshot_get;
	raft_io->time = method_time;
	raft_io->random = method_random;
#ifdef HAVE_STRUCT_RAFT_IO_ASYNC_WORK
	raft_io->async_work = replica_io_method_async_work;
#endif
}

void replica_io_init(struct replica_io *io,
		     const struct replica_io_options *options)
{
	memset(io, 0, sizeof(*io));
	io->options = *options;
	compat_io_init(&io->raft_io);
	io->raft_io.impl = io;
	set_methods(&io->raft_io);
	rules_init(&io->rules, options->raft, &io_port, io,
		   options->heartbeat_ms);
	io->log = wal_group_open(options->wal, options->group);
	sizes_init(&io->sizes, 1);
	list_init(&io->requests);
	list_init(&io->gated);
	timer_init(&io->tick, tick_fire);
}

void replica_io_fini(struct replica_io *io)
{
	MUST(list_empty(&io->requests));
	timer_stop(io->options.timers, &io->tick);
	rules_fini(&io->rules);
	sizes_fini(&io->sizes);
	confs_fini(&io->confs);
	mem_free(io->peers);
	buf_fini(&io->extra_conf);
}
