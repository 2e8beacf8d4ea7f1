/*
 * Our raft_io: snapshots are markers (libraft.md 5). The state itself is the
 * environment and its checkpoints; raft's log is cut only when a durable
 * checkpoint holds what the marker stands for.
 */
#include "raft/io_request.h"

#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"

/* Entries kept behind a marker: for followers that are a little late. */
#define TRAILING_MAX 2048
#define TRAILING_OCTETS (8ull * 1024 * 1024)

void replica_io_put_end(struct replica_io_request *request)
{
	struct replica_io *io = request->io;
	struct raft_io_snapshot_put *put = request->put;
	raft_io_snapshot_put_cb cb = request->put_cb;

	if (io->closing) {
		void *leaked = COMPAT_COWSQL ? NULL : request->install_bufs;

		cb(put, RAFT_CANCELED);
		raft_free(leaked); /* 0.15 frees what it points to only */
		replica_io_request_free(request);
		return;
	}
	rules_enter_install(&io->rules);
	cb(put, 0);
	io->rules.context = RULES_ELSEWHERE;
	io->rules.snapshotting = false;
	replica_io_request_free(request);
	rules_after(&io->rules);
}

static void put_done(struct wal_op *op)
{
	replica_io_put_end(container_of(op, struct replica_io_request, op));
}

static void put_write(struct replica_io_request *request, bool reset)
{
	struct replica_io *io = request->io;

	CRASH_POINT("snapshot_marker");
	request->waiting = false;
	sizes_cut(&io->sizes, request->first);
	if (reset)
		confs_truncate(&io->confs, 0);
	confs_cut(&io->confs, request->marker.index);
	if (reset)
		confs_add(&io->confs, request->marker.conf_index,
			  request->marker.conf);
	wal_put_marker(io->log, &request->op, &request->marker, request->first,
		       reset, put_done);
}

/* Configuration and data are copied: raft's may go before the record. */
static void put_marker(struct replica_io_request *request,
		       const struct raft_snapshot *snapshot)
{
	struct buf *data = &request->data;
	size_t conf_len;

	compat_conf_encode(&snapshot->configuration, data);
	conf_len = data->len;
	MUST(snapshot->n_bufs == 1);
	buf_add(data, snapshot->bufs[0].base, snapshot->bufs[0].len);
	request->marker = (struct wal_marker){
		.index = snapshot->index,
		.term = snapshot->term,
		.conf_index = snapshot->configuration_index,
		.conf = slice_of(data->data, conf_len),
		.data = slice_from(buf_slice(data), conf_len),
	};
}

int replica_io_method_snapshot_put(struct raft_io *raft_io, unsigned trailing,
				   struct raft_io_snapshot_put *req,
				   const struct raft_snapshot *snapshot,
				   raft_io_snapshot_put_cb cb)
{
	struct replica_io *io = replica_io_of(raft_io);
	const struct replica_io_hooks *hooks = &io->options.hooks;
	struct replica_io_request *request =
		replica_io_request_new(io, REQUEST_PUT);

	request->put = req;
	request->put_cb = cb;
	put_marker(request, snapshot);
	if (trailing == 0) {
		request->install_bufs = snapshot->bufs;
		io->rules.snapshotting = true;
		sizes_truncate(&io->sizes, io->sizes.first);
		request->first = snapshot->index + 1;
		put_write(request, true);
		return 0;
	}
	request->first =
		snapshot->index > trailing ? snapshot->index - trailing + 1 : 1;
	if (request->first < io->sizes.first)
		request->first = io->sizes.first;
	request->waiting = true;
	hooks->want_checkpoint(hooks->arg, snapshot->index, snapshot->term);
	return 0;
}

void replica_io_checkpointed(struct replica_io *io, uint64_t index)
{
	LIST_FOREACH_SAFE (&io->requests, it) {
		struct replica_io_request *request =
			LIST_ENTRY(it, struct replica_io_request, link);

		if (request->kind == REQUEST_PUT && request->waiting &&
		    request->marker.index <= index)
			put_write(request, false);
	}
}

bool replica_io_is_putting(const struct replica_io *io)
{
	LIST_FOREACH (&io->requests, it)
		if (LIST_ENTRY(it, struct replica_io_request, link)->kind ==
		    REQUEST_PUT)
			return true;
	return false;
}

unsigned replica_io_trailing(const struct replica_io *io, uint64_t index)
{
	return sizes_tail(&io->sizes, index, TRAILING_OCTETS,
			  (unsigned)TUNED(trailing_entries, TRAILING_MAX));
}

struct raft_snapshot *replica_io_snapshot_new(const struct wal_marker *marker)
{
	struct raft_snapshot *snapshot = replica_io_malloc(sizeof(*snapshot));

	memset(snapshot, 0, sizeof(*snapshot));
	snapshot->index = marker->index;
	snapshot->term = marker->term;
	snapshot->configuration_index = marker->conf_index;
	/* replica_open has looked at it. */
	MUST(compat_conf_decode(marker->conf, &snapshot->configuration) ==
	     ERR_NONE);
	snapshot->bufs = replica_io_malloc(sizeof(*snapshot->bufs));
	snapshot->n_bufs = 1;
	snapshot->bufs[0].len = marker->data.len;
	snapshot->bufs[0].base = replica_io_malloc(marker->data.len + 1);
	memcpy(snapshot->bufs[0].base, marker->data.data, marker->data.len);
	return snapshot;
}

void replica_io_get_run(struct task *task)
{
	struct replica_io_request *request =
		container_of(task, struct replica_io_request, task);
	struct replica_io *io = request->io;
	struct raft_io_snapshot_get *get = request->get;
	raft_io_snapshot_get_cb cb = request->get_cb;
	struct wal_state state;

	wal_group_get_state(io->log, &state);
	if (io->closing || state.marker.index == 0)
		cb(get, NULL, io->closing ? RAFT_CANCELED : RAFT_NOTFOUND);
	else
		cb(get, replica_io_snapshot_new(&state.marker), 0);
	replica_io_request_free(request);
	if (!io->closing)
		rules_after(&io->rules);
}

int replica_io_method_snapshot_get(struct raft_io *raft_io,
				   struct raft_io_snapshot_get *req,
				   raft_io_snapshot_get_cb cb)
{
	struct replica_io *io = replica_io_of(raft_io);
	struct replica_io_request *request =
		replica_io_request_new(io, REQUEST_GET);

	request->get = req;
	request->get_cb = cb;
	task_post(io->options.loop, &request->task, replica_io_get_run);
	return 0;
}

/* ---- work ---- */

#ifdef HAVE_STRUCT_RAFT_IO_ASYNC_WORK
void replica_io_work_done(struct task *task)
{
	struct replica_io_request *request =
		container_of(task, struct replica_io_request, task);
	struct replica_io *io = request->io;

	request->work_cb(request->work, request->work_status);
	replica_io_request_free(request);
	if (!io->closing)
		rules_after(&io->rules);
}

static void work_run(struct task *task)
{
	struct replica_io_request *request =
		container_of(task, struct replica_io_request, task);

	request->work_status = request->work->work(request->work);
	task_post(request->io->options.loop, task, replica_io_work_done);
}

int replica_io_method_async_work(struct raft_io *raft_io,
				 struct raft_io_async_work *req,
				 raft_io_async_work_cb cb)
{
	struct replica_io *io = replica_io_of(raft_io);
	struct replica_io_request *request =
		replica_io_request_new(io, REQUEST_WORK);

	request->work = req;
	request->work_cb = cb;
	task_post(io->options.pool, &request->task, work_run);
	return 0;
}
#endif
