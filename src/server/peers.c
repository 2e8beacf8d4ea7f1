/*
 * Links to the other nodes: life, members, status.
 *
 * What comes from any thread is copied into a task for each side's loop. The
 * end goes one way: the bulk side first, which may still hand connections over
 * to the log side, then the log side, then `stopped`.
 */
#include "server/peers.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "server/peers_internal.h"

/* ---- new ---- */

static void self_set(struct peers_self *self, const char *cluster,
		     uint32_t node, uint32_t start)
{
	MUST(strlen(cluster) <= PEER_CLUSTER_MAX);
	*self = (struct peers_self){ .node = node, .start = start };
	memcpy(self->cluster, cluster, strlen(cluster));
}

static void side_init(struct peers *peers, struct peers_side *side,
		      enum peer_kind kind, struct io_loop *loop)
{
	const struct peers_options *options = &peers->options;

	side->peers = peers;
	side->kind = kind;
	side->loop = loop;
	list_init(&side->conns);
	self_set(&side->self, options->cluster, options->node,
		 options->start_count);
}

static enum err open_tls(struct peers *peers, struct buf *why)
{
	const char *data = peers->options.data;
	struct buf cert = { 0 };
	struct buf key = { 0 };
	struct io_tls_pair pair;
	struct io_tls_server_config config = {
		.pairs = &pair,
		.count = 1,
		.ask = IO_TLS_NEED_CERT,
	};
	enum err err;

	buf_printf(&cert, "%s/cert.pem", data);
	buf_printf(&key, "%s/key.pem", data);
	pair.cert_path = buf_cstr(&cert);
	pair.key_path = buf_cstr(&key);
	err = io_tls_server_new(&config, why, &peers->server_tls);
	if (!err)
		err = io_tls_client_new(&pair, why, &peers->client_tls);
	buf_fini(&cert);
	buf_fini(&key);
	return err;
}

enum err peers_new(const struct peers_options *options, struct buf *why,
		   struct peers **peers_r)
{
	struct peers *peers;
	struct sha256 hash;
	enum err err = peers_make_key(options->data, options->name, why, &hash);

	if (err)
		return err;
	peers = mem_zalloc(1, sizeof(*peers));
	peers->options = *options;
	MUST(strlen(options->software) <= PEER_SOFTWARE_MAX);
	memcpy(peers->software, options->software, strlen(options->software));
	peers->bulk_loop = io_loop_new("bulk");
	side_init(peers, &peers->log, PEER_LOG, options->log);
	side_init(peers, &peers->bulk, PEER_BULK, peers->bulk_loop);
	peers_log_init(peers);
	peers_bulk_init(peers);
	err = open_tls(peers, why);
	/* From here on they are not looked at: they need not live on. */
	peers->options.data = peers->options.name = NULL;
	peers->options.cluster = peers->options.software = NULL;
	if (err)
		peers_free(&peers);
	*peers_r = peers;
	return err;
}

enum err peers_reload_key(struct peers *peers, struct buf *why)
{
	enum err err = io_tls_reload(peers->server_tls, why);

	return err ? err : io_tls_reload(peers->client_tls, why);
}

struct io_loop *peers_bulk_loop(const struct peers *peers)
{
	return peers->bulk_loop;
}

/* ---- start, stop ---- */

static void start_side(struct task *task)
{
	peers_side_start(container_of(task, struct peers_side, start_task));
}

void peers_start(struct peers *peers)
{
	peers->started = true;
	task_post(io_loop_executor(peers->log.loop), &peers->log.start_task,
		  start_side);
	task_post(io_loop_executor(peers->bulk.loop), &peers->bulk.start_task,
		  start_side);
	io_loop_start(peers->bulk_loop);
}

static void stop_side(struct task *task)
{
	peers_side_stop(container_of(task, struct peers_side, stop_task));
}

static void bulk_check(struct peers *peers)
{
	if (peers->asked > 0 || peers->joining > 0)
		return;
	peers->bulk.ended = true;
	task_post(io_loop_executor(peers->log.loop), &peers->log.stop_task,
		  stop_side);
}

static void log_check(struct peers *peers)
{
	if (peers->sending > 0 ||
	    __atomic_load_n(&peers->moving, __ATOMIC_SEQ_CST) > 0)
		return;
	peers->log.ended = true;
	peers->stopped(peers->stopped_arg);
}

void peers_side_check(struct peers_side *side)
{
	if (!side->stopping || side->ended || !list_empty(&side->conns))
		return;
	if (side->kind == PEER_BULK)
		bulk_check(side->peers);
	else
		log_check(side->peers);
}

void peers_stop(struct peers *peers, peers_stopped *stopped, void *arg)
{
	MUST(peers->started);
	peers->stopped = stopped;
	peers->stopped_arg = arg;
	task_post(io_loop_executor(peers->bulk.loop), &peers->bulk.stop_task,
		  stop_side);
}

void peers_free(struct peers **peersp)
{
	struct peers *peers = *peersp;

	*peersp = NULL;
	if (!peers)
		return;
	if (peers->started) {
		MUST(peers->log.ended);
		io_loop_stop(peers->bulk_loop);
		io_loop_join(peers->bulk_loop);
	}
	io_loop_free(&peers->bulk_loop);
	io_tls_unref(&peers->client_tls);
	io_tls_unref(&peers->server_tls);
	mem_free(peers);
}

/* ---- what comes from any thread ---- */

/* News for one side. */
struct side_news {
	struct task task;
	struct peers_side *side;
	struct peers_self self;
	unsigned count;
	struct peers_member members[];
};

static void news_post(struct peers_side *side, struct side_news *news,
		      task_run *run)
{
	news->side = side;
	task_post(io_loop_executor(side->loop), &news->task, run);
}

static void take_self(struct task *task)
{
	struct side_news *news = container_of(task, struct side_news, task);

	news->side->self = news->self;
	mem_free(news);
}

static void side_set_self(struct peers_side *side, const char *cluster,
			  uint32_t node, uint32_t start)
{
	struct side_news *news = mem_zalloc(1, sizeof(*news));

	self_set(&news->self, cluster, node, start);
	news_post(side, news, take_self);
}

void peers_set_self(struct peers *peers, const char *cluster, uint32_t node,
		    uint32_t start_count)
{
	MUST(peers->started);
	side_set_self(&peers->log, cluster, node, start_count);
	side_set_self(&peers->bulk, cluster, node, start_count);
}

static void take_members(struct task *task)
{
	struct side_news *news = container_of(task, struct side_news, task);

	peers_side_set_members(news->side, news->members, news->count);
	mem_free(news);
}

static void side_set_members(struct peers_side *side,
			     const struct peers_member *members, unsigned count)
{
	struct side_news *news =
		mem_zalloc(1, sizeof(*news) + (size_t)count * sizeof(*members));

	news->count = count;
	if (count > 0)
		memcpy(news->members, members,
		       (size_t)count * sizeof(*members));
	news_post(side, news, take_members);
}

void peers_set_members(struct peers *peers, const struct peers_member *members,
		       unsigned count)
{
	MUST(peers->started);
	for (unsigned i = 0; i < count; i++)
		MUST(members[i].key_count > 0 &&
		     members[i].key_count <= PEERS_KEYS_MAX &&
		     members[i].address_count <= PEERS_ADDRESSES_MAX);
	side_set_members(&peers->log, members, count);
	side_set_members(&peers->bulk, members, count);
}

/* ---- status ---- */

static void status_add(struct peers_status *status,
		       const struct peers_side *side)
{
	for (unsigned i = 0; i < side->count; i++) {
		struct peers_link_status *link = &status->links[status->count];
		const struct peers_conn *conn = side->peer[i]->conn;

		*link = side->peer[i]->status;
		if (conn && conn->up) {
			link->octets_in = conn->octets_in;
			link->octets_out = conn->octets_out;
		}
		status->count++;
	}
}

static void status_told(struct task *task)
{
	struct peers_status *status =
		container_of(task, struct peers_status, task);

	status->done(status);
}

static void status_of_bulk(struct task *task)
{
	struct peers_status *status =
		container_of(task, struct peers_status, task);

	status_add(status, &status->peers->bulk);
	task_post(status->home, task, status_told);
}

static void status_of_log(struct task *task)
{
	struct peers_status *status =
		container_of(task, struct peers_status, task);

	status_add(status, &status->peers->log);
	task_post(io_loop_executor(status->peers->bulk_loop), task,
		  status_of_bulk);
}

void peers_get_status(struct peers *peers, struct peers_status *status,
		      peers_status_done *done)
{
	status->peers = peers;
	status->done = done;
	status->count = 0;
	task_post(io_loop_executor(peers->log.loop), &status->task,
		  status_of_log);
}
