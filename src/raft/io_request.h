/*
 * Inside of our raft_io: what io.c, io_send.c and io_snapshot.c share. The
 * contract for everybody else is io.h.
 */
#ifndef RAFT_IO_REQUEST_H
#define RAFT_IO_REQUEST_H

#include "raft/io.h"

enum replica_io_request_kind {
	REQUEST_APPEND,
	REQUEST_RECORD, /* term, vote, truncate: raft does not wait */
	REQUEST_SEND,
	REQUEST_PUT,
	REQUEST_GET,
	REQUEST_WORK,
};

/* Something that raft, the log or a link still waits for. */
struct replica_io_request {
	struct list link; /* of io->requests */
	struct replica_io *io;
	enum replica_io_request_kind kind;
	struct wal_op op;
	struct task task;

	/* APPEND */
	struct wal_entry *entries;
	struct raft_io_append *append;
	raft_io_append_cb append_cb;

	/* RECORD */
	uint64_t gate;   /* number of this term or vote; 0: neither */
	struct buf data; /* of an entry of our own; of a marker */

	/* SEND */
	struct net_send net;
	struct list gated;
	uint64_t behind; /* leaves when this number is durable */
	struct buf head;
	struct slice *pieces;
	uint64_t octets;           /* of its entries */
	struct raft_io_send *send; /* NULL: nobody waits */
	raft_io_send_cb send_cb;
	bool out; /* with the net, which will call back */

	/* PUT */
	struct wal_marker marker;
	uint64_t first;
	bool waiting; /* for a checkpoint */
	struct raft_io_snapshot_put *put;
	raft_io_snapshot_put_cb put_cb;
	void *install_bufs; /* an install's array: see replica_io_put_end */

	/* GET */
	struct raft_io_snapshot_get *get;
	raft_io_snapshot_get_cb get_cb;

#ifdef HAVE_STRUCT_RAFT_IO_ASYNC_WORK
	struct raft_io_async_work *work;
	raft_io_async_work_cb work_cb;
	int work_status;
#endif
};

struct replica_io_request *
replica_io_request_new(struct replica_io *io,
		       enum replica_io_request_kind kind);

/* May end the closing of `io`. */
void replica_io_request_free(struct replica_io_request *request);

static inline int replica_io_status(const struct replica_io *io)
{
	return io->closing ? RAFT_CANCELED : 0;
}

static inline struct replica_io *replica_io_of(struct raft_io *raft_io)
{
	return raft_io->impl;
}

/* Memory that raft will free. */
void *replica_io_malloc(size_t size);

/* ---- io_send.c ---- */

int replica_io_method_send(struct raft_io *raft_io, struct raft_io_send *req,
			   const struct raft_message *message,
			   raft_io_send_cb cb);

/* The rules' port. */
int replica_io_send(void *arg, struct raft_io_send *req,
		    const struct raft_message *message, raft_io_send_cb cb);
void replica_io_send_dropped(void *arg, struct raft_io_send *req,
			     raft_io_send_cb cb);
void replica_io_recv(void *arg, struct raft_message *message);
void replica_io_discard(void *arg, struct raft_message *message);

/* Calls back with the status and frees the request. */
void replica_io_send_end(struct replica_io_request *request, int status);

/* A term or vote became durable: what came behind it may leave. */
void replica_io_gate_open(struct replica_io *io);

/* ---- io_snapshot.c ---- */

/* raft_io's methods of these names. */
int replica_io_method_snapshot_put(struct raft_io *raft_io, unsigned trailing,
				   struct raft_io_snapshot_put *req,
				   const struct raft_snapshot *snapshot,
				   raft_io_snapshot_put_cb cb);
int replica_io_method_snapshot_get(struct raft_io *raft_io,
				   struct raft_io_snapshot_get *req,
				   raft_io_snapshot_get_cb cb);
#ifdef HAVE_STRUCT_RAFT_IO_ASYNC_WORK
int replica_io_method_async_work(struct raft_io *raft_io,
				 struct raft_io_async_work *req,
				 raft_io_async_work_cb cb);
void replica_io_work_done(struct task *task);
#endif

/* A new object with one buffer; raft frees it. */
struct raft_snapshot *replica_io_snapshot_new(const struct wal_marker *marker);
void replica_io_put_end(struct replica_io_request *request);
void replica_io_get_run(struct task *task);

#endif
