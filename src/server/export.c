/*
 * Entries and copies for peers: what a worker has read goes out as the stream
 * has room, then the worker reads on.
 *
 * ENTRIES: OPEN (log loop): a reader of the kept log -> READ (worker): a piece
 * -> SEND -> READ ... -> finished
 * COPY: OPEN (worker): a copy of the state, in a file that nobody sees -> SEND
 * its size -> READ -> SEND ... -> finished
 *
 * Failures: the stream is closed with the error: NOTFOUND says that the entries
 * are gone, and the peer asks for a copy. A stream that ends while a worker
 * reads is let go of when the worker is back.
 */
#include "server/export.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/directory.h"
#include "raft/replica_import.h"
#include "raft/wal_read.h"
#include "server/import_wire.h"
#include "server/node.h"
#include "server/streams.h"
#include "store/copy.h"

/* At a time: a node that starts again asks for all its groups. */
#define EXPORTS_MAX 64

#define EXPORT_READ_MAX (128u * 1024) /* octets of a copy at a time */

struct exports {
	struct node *node;
	unsigned count; /* atomic; the bulk loop's to change */
};

struct export
{
	struct exports *exports;
	struct peer_stream *stream; /* NULL: it has ended */
	uint32_t group;
	uint64_t first;
	bool copies;
	struct replica *replica;
	struct wal_reader *reader;
	struct store_copy *copy;
	uint64_t offset; /* in the copy */
	bool working;    /* on another executor */
	struct task task;
	enum err err;
	struct buf piece;
	struct buf out; /* not written yet */
};

static struct executor *bulk_of(const struct export *export)
{
	return io_loop_executor(peers_bulk_loop(export->exports->node->peers));
}

static void export_free(struct export *export)
{
	if (export->reader)
		wal_reader_close(&export->reader);
	if (export->copy)
		store_copy_close(&export->copy);
	__atomic_sub_fetch(&export->exports->count, 1, __ATOMIC_SEQ_CST);
	buf_fini(&export->piece);
	buf_fini(&export->out);
	mem_free(export);
}

static void fail(struct export *export, enum err err, const char *text)
{
	if (export->stream)
		peer_stream_close(export->stream, err, text);
	export_free(export);
}

/* ---- READ ---- */

static void read_done(struct task *task);

static void read_entries(struct export *export)
{
	buf_clear(&export->piece);
	export->err = replica_export_piece(export->reader, export->group,
					   &export->piece);
	if (export->err)
		return;
	pack_u32(&export->out, (uint32_t) export->piece.len);
	buf_add_slice(&export->out, buf_slice(&export->piece));
}

static void read_copy(struct export *export)
{
	uint8_t *room;
	size_t got = 0;

	if (!export->copy) {
		export->err =
			replica_export_copy(export->replica, &export->copy);
		if (!export->err)
			pack_u64(&export->out, store_copy_size(export->copy));
		return;
	}
	room = buf_reserve(&export->out, EXPORT_READ_MAX);
	export->err = store_copy_read(export->copy, export->offset, room,
				      EXPORT_READ_MAX, &got);
	export->out.len += got;
	export->offset += got;
	if (!export->err && got == 0)
		export->err = ERR_END;
}

static void read_run(struct task *task)
{
	struct export *export = container_of(task, struct export, task);

	CRASH_POINT("export_read");
	if (export->copies)
		read_copy(export);
	else
		read_entries(export);
	task_post(bulk_of(export), task, read_done);
}

static void read_on(struct export *export)
{
	export->working = true;
	task_post(io_pool_executor(export->exports->node->pool), &export->task,
		  read_run);
}

/* ---- SEND ---- */

/* What there is room for; all of it: the next. */
static void send(struct export *export)
{
	size_t taken =
		peer_stream_write(export->stream, buf_slice(&export->out));

	buf_drop(&export->out, taken);
	if (export->out.len == 0)
		read_on(export);
}

static void read_done(struct task *task)
{
	struct export *export = container_of(task, struct export, task);

	export->working = false;
	if (!export->stream)
		export_free(export);
	else if (export->err == ERR_END)
		peer_stream_finish(export->stream);
	else if (export->err)
		fail(export, export->err, "it cannot be read");
	else
		send(export);
}

/* ---- OPEN ---- */

static void opened(struct task *task)
{
	struct export *export = container_of(task, struct export, task);

	export->working = false;
	if (!export->stream)
		export_free(export);
	else
		read_on(export);
}

static void open_reader(struct task *task)
{
	struct export *export = container_of(task, struct export, task);

	export->reader = replica_export_entries(export->replica, export->first);
	task_post(bulk_of(export), task, opened);
}

/* ---- the stream ---- */

static size_t take_nothing(struct peer_stream *stream unused_arg,
			   struct slice in)
{
	return in.len; /* nothing is expected */
}

static void has_room(struct peer_stream *stream)
{
	struct export *export = peer_stream_owner(stream);

	if (!export->working && export->out.len > 0)
		send(export);
}

static void stream_closed(struct peer_stream *stream, enum err err unused_arg,
			  struct slice text unused_arg)
{
	struct export *export = peer_stream_owner(stream);

	export->stream = NULL;
	if (!export->working)
		export_free(export);
}

static const struct peer_stream_ops stream_ops = {
	.octets = take_nothing,
	.room = has_room,
	.closed = stream_closed,
};

/* The directory is for every member, mail for backends. */
static bool is_allowed(const struct node *node, uint32_t peer, uint32_t group)
{
	struct store_env *env = replica_env(node_directory(node));
	struct directory_member member;
	struct store_txn *txn;
	bool allowed;

	if (!env || store_read_begin(env, &txn))
		return false;
	allowed = directory_member_find(txn, peer, &member) &&
		  member.state != DIRECTORY_MEMBER_REMOVED &&
		  (group == 0 || (member.roles & DIRECTORY_ROLE_BACKEND)) &&
		  store_txn_error(txn) == ERR_NONE;
	store_end(&txn);
	return allowed;
}

static void begin(struct exports *exports, struct peer_stream *stream,
		  const struct import_head *head, bool copies)
{
	struct node *node = exports->node;
	struct export *export = mem_zalloc(1, sizeof(*export));

	__atomic_add_fetch(&exports->count, 1, __ATOMIC_SEQ_CST);
	export->exports = exports;
	export->stream = stream;
	export->group = head->group;
	export->first = head->first;
	export->copies = copies;
	export->replica = node_replica(node, head->group);
	peer_stream_adopt(stream, &stream_ops, export);
	LOG_INFO("group %u: node %u is brought up by %s", head->group,
		 peer_stream_node(stream),
		 copies ? "a copy of the state" : "entries of the log");
	if (copies) {
		read_on(export);
		return;
	}
	export->working = true;
	task_post(io_loop_executor(node->log), &export->task, open_reader);
}

static void accept(struct exports *exports, struct peer_stream *stream,
		   struct slice octets, bool copies)
{
	struct import_head head;

	if (import_head_decode(octets, &head))
		peer_stream_close(stream, ERR_SYNTAX, "not a question");
	else if (!is_allowed(exports->node, peer_stream_node(stream),
			     head.group))
		peer_stream_close(stream, ERR_DENIED, "no right to it");
	else if (!node_replica(exports->node, head.group))
		peer_stream_close(stream, ERR_UNAVAILABLE, "no replica of it");
	else if (__atomic_load_n(&exports->count, __ATOMIC_SEQ_CST) ==
		 EXPORTS_MAX)
		peer_stream_close(stream, ERR_BUSY, "too many at a time");
	else
		begin(exports, stream, &head, copies);
}

static void accept_entries(void *arg, struct peer_stream *stream,
			   struct slice head)
{
	accept(arg, stream, head, false);
}

static void accept_copy(void *arg, struct peer_stream *stream,
			struct slice head)
{
	accept(arg, stream, head, true);
}

/* ---- life ---- */

struct exports *exports_new(struct node *node)
{
	struct exports *exports = mem_zalloc(1, sizeof(*exports));
	struct peer_bulk *bulk = peers_bulk(node->peers);

	exports->node = node;
	bulk->accept(bulk, PEER_STREAM_ENTRIES, accept_entries, exports);
	bulk->accept(bulk, PEER_STREAM_COPY, accept_copy, exports);
	return exports;
}

bool exports_are_busy(const struct exports *exports)
{
	return __atomic_load_n(&exports->count, __ATOMIC_SEQ_CST) > 0;
}

void exports_free(struct exports **exportsp)
{
	mem_free(*exportsp);
	*exportsp = NULL;
}
