/*
 * Imports at the target: one run for each group that wants one, on the bulk
 * loop.
 *
 * WANT (log loop) -> ENTRIES: a stream from a peer, piece after piece to the
 * replica (log loop), which may be BUSY for a moment -> finished: is anything
 * wanted still? then COPY: its size (log loop), the octets (worker), the swap
 * (log loop) -> the run ends
 *
 * Failures: entries that are gone at the peer lead to COPY at once; any other
 * ends the run, and the replica asks again, which is a try with the next peer.
 */
#include "server/import.h"

#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/directory.h"
#include "server/import_wire.h"
#include "server/node.h"
#include "server/streams.h"

/* The replica has to work off what it was given. */
#define IMPORT_BUSY_MS 10

#define IMPORT_WRITE_MAX (256u * 1024) /* octets of a copy at a time */
#define COPY_HEAD_SIZE 8               /* octets: of its size */

struct import_run {
	struct list link;
	struct imports *imports;
	uint32_t group;
	struct replica *replica;
	struct replica_want want;
	uint32_t source; /* node */
	unsigned tries;
	bool active;

	struct peer_stream *stream;
	bool copies;
	bool begun;    /* the copy is, with its size */
	bool working;  /* on another executor */
	bool finished; /* by the peer: nothing more comes */
	uint64_t size; /* of the copy */
	uint64_t got;  /* octets of it */
	struct buf in; /* what came and was not given on */
	enum err err;
	struct task task;
	struct timer busy; /* of the log loop */
};

struct imports {
	struct node *node;
	struct list runs;
	unsigned count; /* atomic: active ones */
};

static struct executor *bulk_of(const struct import_run *run)
{
	return io_loop_executor(peers_bulk_loop(run->imports->node->peers));
}

static struct executor *log_of(const struct import_run *run)
{
	return io_loop_executor(run->imports->node->log);
}

/* ---- the end ---- */

static void cancelled(struct task *task)
{
	struct import_run *run = container_of(task, struct import_run, task);

	run->working = false;
	run->active = false;
	__atomic_sub_fetch(&run->imports->count, 1, __ATOMIC_SEQ_CST);
}

static void cancel_run(struct task *task)
{
	struct import_run *run = container_of(task, struct import_run, task);

	replica_import_cancel(run->replica);
	task_post(bulk_of(run), task, cancelled);
}

/* The replica asks again if anything is wanted still. */
static void run_end(struct import_run *run, enum err err, const char *why)
{
	if (run->stream)
		peer_stream_close(run->stream, err ? err : ERR_CANCELLED,
				  "the import has ended");
	run->stream = NULL;
	buf_fini(&run->in);
	if (err)
		LOG_WARN("group %u: node %u did not bring it up: %s",
			 run->group, run->source, why ? why : err_text(err));
	else
		LOG_INFO("group %u: brought up by node %u", run->group,
			 run->source);
	run->working = true;
	task_post(log_of(run), &run->task, cancel_run);
}

static bool run_open(struct import_run *run, bool copies);

/* ---- ENTRIES ---- */

static void piece_taken(struct task *task);

static void piece_give(struct import_run *run)
{
	struct unpack in = unpack_of(buf_slice(&run->in));
	uint32_t len = unpack_u32(&in);

	run->err =
		replica_import_entries(run->replica, slice_first(in.rest, len));
	if (run->err == ERR_BUSY)
		timer_set(io_loop_timers(run->imports->node->log), &run->busy,
			  IMPORT_BUSY_MS);
	else
		task_post(bulk_of(run), &run->task, piece_taken);
}

static void piece_run(struct task *task)
{
	piece_give(container_of(task, struct import_run, task));
}

static void piece_again(struct timer *timer)
{
	piece_give(container_of(timer, struct import_run, busy));
}

/* Octets of the piece at the front, with its length; 0: not all is here. */
static size_t piece_size(const struct import_run *run)
{
	struct unpack in = unpack_of(buf_slice(&run->in));
	uint32_t len = unpack_u32(&in);

	if (!unpack_ok(&in) || in.rest.len < len)
		return 0;
	return len + sizeof(len);
}

static bool piece_is_too_big(const struct import_run *run)
{
	struct unpack in = unpack_of(buf_slice(&run->in));

	return unpack_u32(&in) > IMPORT_WIRE_PIECE_MAX;
}

/* Is the replica where it wants to be? On the log loop, then back. */
static void asked(struct task *task)
{
	struct import_run *run = container_of(task, struct import_run, task);

	run->working = false;
	if (run->err == ERR_NONE)
		run_end(run, ERR_NONE, NULL);
	else if (!run_open(run, true))
		run_end(run, ERR_UNAVAILABLE, "no link");
}

static void ask_run(struct task *task)
{
	struct import_run *run = container_of(task, struct import_run, task);
	struct replica_want want;

	run->err = replica_import_wanted(run->replica, &want) ? ERR_BUSY
							      : ERR_NONE;
	task_post(bulk_of(run), task, asked);
}

static void entries_end(struct import_run *run)
{
	run->working = true;
	task_post(log_of(run), &run->task, ask_run);
}

static void entries_step(struct import_run *run)
{
	if (run->working)
		return;
	if (piece_size(run) > 0) {
		run->working = true;
		task_post(log_of(run), &run->task, piece_run);
	} else if (piece_is_too_big(run)) {
		run_end(run, ERR_SYNTAX, "a piece is too large");
	} else if (run->finished) {
		entries_end(run);
	} else if (run->stream) {
		peer_stream_resume(run->stream);
	}
}

static void piece_taken(struct task *task)
{
	struct import_run *run = container_of(task, struct import_run, task);

	run->working = false;
	buf_drop(&run->in, piece_size(run));
	if (run->err == ERR_STALE)
		entries_end(run); /* it has all, or there is a gap */
	else if (run->err)
		run_end(run, run->err, NULL);
	else
		entries_step(run);
}

/* ---- COPY ---- */

static void copy_step(struct import_run *run);

static void copy_worked(struct task *task)
{
	struct import_run *run = container_of(task, struct import_run, task);

	run->working = false;
	if (run->err)
		run_end(run, run->err, NULL);
	else
		copy_step(run);
}

/* From the log loop: begun. */
static void copy_begun(void *arg, enum err err)
{
	struct import_run *run = arg;

	run->err = err;
	run->begun = true;
	task_post(bulk_of(run), &run->task, copy_worked);
}

static void copy_begin(struct task *task)
{
	struct import_run *run = container_of(task, struct import_run, task);

	replica_import_copy_begin(run->replica, run->size, copy_begun, run);
}

static void copy_write(struct task *task)
{
	struct import_run *run = container_of(task, struct import_run, task);

	run->err = replica_import_copy_write(run->replica, buf_slice(&run->in));
	run->got += run->in.len;
	buf_clear(&run->in);
	task_post(bulk_of(run), task, copy_worked);
}

static void copy_ended(struct task *task)
{
	struct import_run *run = container_of(task, struct import_run, task);

	run->working = false;
	run_end(run, run->err, NULL);
}

static void copy_swapped(void *arg, enum err err)
{
	struct import_run *run = arg;

	run->err = err;
	task_post(bulk_of(run), &run->task, copy_ended);
}

static void copy_end(struct task *task)
{
	struct import_run *run = container_of(task, struct import_run, task);

	replica_import_copy_end(run->replica, copy_swapped, run);
}

static void copy_work(struct import_run *run, struct executor *where,
		      task_run *work)
{
	run->working = true;
	task_post(where, &run->task, work);
}

static void copy_size(struct import_run *run)
{
	struct unpack in = unpack_of(buf_slice(&run->in));

	run->size = unpack_u64(&in);
	buf_drop(&run->in, COPY_HEAD_SIZE);
	copy_work(run, log_of(run), copy_begin);
}

static void copy_step(struct import_run *run)
{
	struct executor *pool = io_pool_executor(run->imports->node->pool);

	if (run->working)
		return;
	if (!run->begun && run->in.len >= COPY_HEAD_SIZE)
		copy_size(run);
	else if (run->begun && run->in.len > 0)
		copy_work(run, pool, copy_write);
	else if (run->finished && run->begun && run->got == run->size)
		copy_work(run, log_of(run), copy_end);
	else if (run->finished)
		run_end(run, ERR_END, "the copy is not whole");
	else if (run->stream)
		peer_stream_resume(run->stream);
}

/* ---- the stream ---- */

static void step(struct import_run *run)
{
	if (run->copies)
		copy_step(run);
	else
		entries_step(run);
}

/* What is being worked on lies in `in` and stays where it is. */
static size_t stream_octets(struct peer_stream *stream, struct slice octets)
{
	struct import_run *run = peer_stream_owner(stream);
	size_t max = run->copies ? IMPORT_WRITE_MAX
				 : IMPORT_WIRE_PIECE_MAX + sizeof(uint32_t);
	size_t room = run->in.len < max ? max - run->in.len : 0;

	if (run->working)
		return 0;
	octets = slice_first(octets, octets.len < room ? octets.len : room);
	buf_add_slice(&run->in, octets);
	step(run);
	return octets.len;
}

static void stream_finished(struct peer_stream *stream)
{
	struct import_run *run = peer_stream_owner(stream);

	run->finished = true;
	step(run);
}

static void stream_closed(struct peer_stream *stream, enum err err,
			  struct slice text)
{
	struct import_run *run = peer_stream_owner(stream);

	run->stream = NULL;
	if (run->finished) /* all has come, work goes on */
		return;
	LOG_INFO("group %u: node %u: %.*s", run->group, run->source,
		 SLICE_FMT(text));
	run->finished = true;
	if (err == ERR_NOTFOUND && !run->copies && !run->working)
		entries_end(run);
	else if (!run->working)
		run_end(run, err ? err : ERR_CLOSED, NULL);
}

static const struct peer_stream_ops stream_ops = {
	.octets = stream_octets,
	.finished = stream_finished,
	.closed = stream_closed,
};

static bool run_open(struct import_run *run, bool copies)
{
	const struct import_head head = {
		.group = run->group,
		.first = copies ? 0 : run->want.next,
	};
	struct peer_bulk *bulk = peers_bulk(run->imports->node->peers);
	struct buf octets = { 0 };

	if (run->stream)
		peer_stream_close(run->stream, ERR_CANCELLED, "enough");
	run->copies = copies;
	run->begun = false;
	run->finished = false;
	run->got = 0;
	buf_clear(&run->in);
	import_head_encode(&head, &octets);
	run->stream = peer_stream_open(bulk, run->source,
				       copies ? PEER_STREAM_COPY
					      : PEER_STREAM_ENTRIES,
				       buf_slice(&octets), &stream_ops, run);
	buf_fini(&octets);
	if (run->stream)
		peer_stream_finish(run->stream);
	return run->stream != NULL;
}

/* ---- WANT ---- */

/* The n-th of the group's other replicas in the record; 0: there is none. */
static uint32_t other_node(const struct node *node, uint32_t group, unsigned n)
{
	struct directory_group *row = mem_zalloc(1, sizeof(*row));
	struct store_env *env = replica_env(node_directory(node));
	uint32_t found[DIRECTORY_REPLICAS_MAX];
	struct store_txn *txn;
	unsigned count = 0;

	if (env && store_read_begin(env, &txn) == ERR_NONE) {
		if (directory_group_find(txn, group, row))
			for (unsigned i = 0; i < row->replica_count; i++)
				if (row->replicas[i].node !=
				    node->identity.node)
					found[count++] = row->replicas[i].node;
		store_end(&txn);
	}
	mem_free(row);
	return count ? found[n % count] : 0;
}

/* The leader first, which has asked; then one after the other. */
static uint32_t choose(struct import_run *run)
{
	uint32_t leader = (uint32_t)(run->want.from >> 32);
	unsigned tries = run->tries++;
	uint32_t other;

	if (leader && tries % 2 == 0)
		return leader;
	other = other_node(run->imports->node, run->group, tries / 2);
	return other ? other : leader;
}

static struct import_run *run_get(struct imports *imports, uint32_t group)
{
	struct import_run *run;

	LIST_FOREACH (&imports->runs, it) {
		run = LIST_ENTRY(it, struct import_run, link);
		if (run->group == group)
			return run;
	}
	run = mem_zalloc(1, sizeof(*run));
	run->imports = imports;
	run->group = group;
	timer_init(&run->busy, piece_again);
	list_append(&imports->runs, &run->link);
	return run;
}

struct wanting {
	struct task task;
	struct imports *imports;
	uint32_t group;
	struct replica *replica;
	struct replica_want want;
};

static void want_run(struct task *task)
{
	struct wanting *wanting = container_of(task, struct wanting, task);
	struct imports *imports = wanting->imports;
	struct import_run *run = run_get(imports, wanting->group);

	if (!run->active) {
		run->active = true;
		__atomic_add_fetch(&imports->count, 1, __ATOMIC_SEQ_CST);
		run->replica = wanting->replica;
		run->want = wanting->want;
		run->source = choose(run);
		if (!run->source || !run_open(run, false))
			run_end(run, ERR_UNAVAILABLE, "no link");
	}
	mem_free(wanting);
}

void imports_want(struct imports *imports, uint32_t group,
		  struct replica *replica, const struct replica_want *want)
{
	struct wanting *wanting = mem_zalloc(1, sizeof(*wanting));

	wanting->imports = imports;
	wanting->group = group;
	wanting->replica = replica;
	wanting->want = *want;
	task_post(io_loop_executor(peers_bulk_loop(imports->node->peers)),
		  &wanting->task, want_run);
}

/* ---- life ---- */

bool imports_are_busy(const struct imports *imports)
{
	return __atomic_load_n(&imports->count, __ATOMIC_SEQ_CST) > 0;
}

struct imports *imports_new(struct node *node)
{
	struct imports *imports = mem_zalloc(1, sizeof(*imports));

	imports->node = node;
	list_init(&imports->runs);
	return imports;
}

void imports_free(struct imports **importsp)
{
	struct imports *imports = *importsp;
	struct list *link;

	*importsp = NULL;
	while ((link = list_take(&imports->runs))) {
		struct import_run *run =
			LIST_ENTRY(link, struct import_run, link);

		buf_fini(&run->in);
		mem_free(run);
	}
	mem_free(imports);
}
