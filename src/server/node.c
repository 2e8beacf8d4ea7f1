/*
 * A node's life: start, serve, stop.
 *
 * node_start: lock -> identity -> loops and workers -> certificates ->
 *     admin socket -> (groups -> listeners, if it was ever initialised)
 * node_stop, on the main loop: listeners -> BYE to every connection -> links
 *     -> groups -> log -> main loop ends; node_fini closes the files.
 */
#include "server/node.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "io/clock.h"
#include "io/disk.h"
#include "io/lock.h"
#include "io/notify.h"
#include "server/admin.h"
#include "server/claims.h"
#include "server/channel_seat.h"
#include "server/copies.h"
#include "server/export.h"
#include "server/imap_link.h"
#include "server/import.h"
#include "server/intents.h"
#include "server/lmtp_link.h"
#include "server/loopback.h"
#include "server/manager.h"
#include "server/node_courier.h"
#include "server/node_groups.h"
#include "server/node_peers.h"
#include "server/node_serve.h"
#include "server/remotes.h"
#include "server/repair.h"
#include "server/replicas.h"
#include "server/reports.h"
#include "server/upkeep.h"

#define SOFTWARE "Murder"

/* Tasks that may wait for a worker before new work is refused. */
#define POOL_BACKLOG 100000

struct node_group *node_group_find(const struct node *node, uint32_t number)
{
	unsigned count = atomic_load(&node->group_count);

	for (unsigned i = 0; i < count; i++)
		if (node_group(node, i)->number == number)
			return node_group(node, i);
	return NULL;
}

struct replica *node_replica(const struct node *node, uint32_t group)
{
	struct node_group *found = node_group_find(node, group);

	return found ? atomic_load(&found->replica) : NULL;
}

struct proposer *node_proposer(const struct node *node, uint32_t group)
{
	struct replica *replica = node_replica(node, group);
	struct remotes *remotes = atomic_load(&node->remotes);

	if (replica)
		return replica_proposer(replica);
	return remotes ? remotes_proposer(remotes, group) : NULL;
}

uint64_t node_raft_id(const struct node *node, uint32_t group)
{
	const struct node_group *found = node_group_find(node, group);

	return found ? found->raft_id : 0;
}

void node_run_intents(struct node *node)
{
	if (node->intents)
		intents_wake(node->intents);
}

void node_run_replicas(struct node *node)
{
	if (node->replicas)
		replicas_wake(node->replicas);
	if (node->remotes)
		remotes_wake(node->remotes);
}

/* Under test: channels lead to this node itself. */
static void loop_back(struct node *node)
{
	node->bulk_loop = io_loop_executor(node->main);
	node->loopback = loopback_new(node->bulk_loop, node->identity.node);
	node->bulk = loopback_bulk(node->loopback);
	channel_seats_begin(node);
}

void node_work_begin(struct node *node)
{
	node->keeper = keeper_new(node);
	node_courier_begin(node);
	node->intents = intents_new(node);
	node->upkeep = upkeep_new(node);
	node->copies = copies_new(node);
	node->claims = claims_new(node);
	node->replicas = replicas_new(node);
	node->reports = reports_new(node);
	node->manager = manager_new(node);
	node->imports = imports_new(node);
	node->exports = exports_new(node);
	replicas_wake(node->replicas);
	node->remotes = remotes_new(node);
	remotes_wake(node->remotes);
	node->loops_back = TUNED(channels, 0) != 0;
	if (node->loops_back)
		loop_back(node);
}

static void node_work_stop(struct node *node)
{
	if (!node->keeper)
		return;
	intents_stop(node->intents);
	upkeep_stop(node->upkeep);
	repair_stop(node->repair);
	copies_stop(node->copies);
	claims_stop(node->claims);
	replicas_stop(node->replicas);
	reports_stop(node->reports);
	manager_stop(node->manager);
}

static bool node_works(const struct node *node)
{
	return node->keeper &&
	       (upkeep_is_busy(node->upkeep) || copies_is_busy(node->copies) ||
		claims_is_busy(node->claims) ||
		courier_is_busy(node->courier) ||
		repair_is_busy(node->repair) ||
		replicas_is_busy(node->replicas) ||
		imports_are_busy(node->imports) ||
		exports_are_busy(node->exports) ||
		manager_is_busy(node->manager) || keeper_is_busy(node->keeper));
}

static void node_work_free(struct node *node)
{
	struct remotes *remotes;

	if (!node->keeper)
		return;
	intents_free(&node->intents);
	upkeep_free(&node->upkeep);
	copies_free(&node->copies);
	claims_free(&node->claims);
	replicas_free(&node->replicas);
	manager_free(&node->manager);
	imports_free(&node->imports);
	exports_free(&node->exports);
	reports_free(&node->reports);
	repair_free(&node->repair);
	courier_free(&node->courier);
	keeper_free(&node->keeper);
	loopback_free(&node->loopback);
	remotes = node->remotes;
	remotes_free(&remotes);
}

/* ---- start ---- */

static enum err take_lock(struct node *node, struct buf *why)
{
	struct disk *disk = io_disk();
	const char *data = node->settings->data;
	enum err err = disk->mkdir(disk, data);
	struct buf path = { 0 };

	if (err && err != ERR_EXISTS) {
		buf_printf(why, "%s: cannot be made: %s", data, err_text(err));
		return err;
	}
	buf_printf(&path, "%s/lock", data);
	err = io_lock_take(buf_cstr(&path), &node->lock);
	if (err == ERR_LOCKED)
		buf_printf(why, "%s: another murderd runs on this directory",
			   data);
	else if (err)
		buf_printf(why, "%s: %s", buf_cstr(&path), err_text(err));
	buf_fini(&path);
	return err;
}

static char *with_separator(const char *prefix, char separator)
{
	struct buf text = { 0 };
	char *copy;

	buf_printf(&text, "%s%c", prefix, separator);
	copy = mem_dup(text.data, text.len);
	buf_fini(&text);
	return copy;
}

/* What the session cores see of the settings. */
static void fill_configs(struct node *node)
{
	const struct settings *settings = node->settings;
	bool alternate = settings->altnamespace;
	char separator = settings->separator;

	node->prefixes[0] = with_separator(
		alternate ? settings->others_prefix : "user", separator);
	node->prefixes[1] =
		alternate ? with_separator(settings->shared_prefix, separator)
			  : mem_dup("", 0);
	node->imap = (struct imap_config){
		.hostname = settings->hostname,
		.software = SOFTWARE,
		.version = PACKAGE_VERSION,
		.separator = separator,
		.prefix_personal = alternate          ? ""
				   : separator == '/' ? "INBOX/"
						      : "INBOX.",
		.prefix_others = node->prefixes[0],
		.prefix_shared = node->prefixes[1],
		.append_limit = settings->message_max,
		.login_timeout_ms = (uint32_t)settings->login_timeout_ms,
		.idle_timeout_ms = (uint32_t)settings->idle_timeout_ms,
		.login_delay_ms = (uint32_t)settings->login_delay_ms,
		.plain_without_tls = settings->plain_without_tls,
	};
	node->lmtp = (struct lmtp_config){
		.hostname = settings->hostname,
		.message_max = settings->message_max,
		.detail_separator = settings->detail_separator,
		.timeout_ms = (uint32_t)settings->idle_timeout_ms,
		.login_timeout_ms = (uint32_t)settings->login_timeout_ms,
	};
}

static unsigned cores(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count < 1 ? 1 : (unsigned)count;
}

static void make_threads(struct node *node)
{
	const struct settings *settings = node->settings;
	unsigned workers = settings->workers ? settings->workers : cores();
	unsigned loops =
		settings->session_loops ? settings->session_loops : cores();

	if (workers < 2)
		workers = 2;
	if (workers > IO_POOL_THREADS_MAX)
		workers = IO_POOL_THREADS_MAX;
	if (loops > NODE_LOOPS_MAX)
		loops = NODE_LOOPS_MAX;
	node->log = io_loop_new("log");
	node->pool = io_pool_new("worker", workers, POOL_BACKLOG);
	for (unsigned i = 0; i < loops; i++) {
		node->loops[i] = server_loop_new(node, i);
		node->io_loops[i] = node->loops[i]->io;
	}
	node->loop_count = loops;
}

static void run_threads(struct node *node)
{
	io_loop_start(node->log);
	for (unsigned i = 0; i < node->loop_count; i++)
		io_loop_start(node->io_loops[i]);
	node->running = true;
}

static enum err open_groups(struct node *node, struct buf *why)
{
	enum err err = node_peers_open(node, why);

	if (!err)
		err = node_groups_open(node, why);
	if (!err)
		node->serving = true;
	return err;
}

/*
 * Nobody was let in and no loop runs, but what listens is closed by a turn of
 * its loop, and the log may be making a file.
 */
static void start_failed(struct node *node)
{
	node_unlisten(node);
	if (node->admin)
		admin_stop(node->admin);
	node_groups_abandon(node);
	io_loop_stop(node->main); /* runs what closes, waits for nothing */
	io_loop_run(node->main);
	node_fini(node);
}

enum err node_start(struct node *node, const struct settings *settings,
		    struct io_loop *main_loop, struct buf *why)
{
	enum err err;

	*node = (struct node){
		.settings = settings,
		.random = random_secure(),
		.lock = -1,
		.main = main_loop,
	};
	node->random->fill(node->random, node->fake_secret,
			   sizeof(node->fake_secret));
	err = take_lock(node, why);
	if (err)
		return err;
	fill_configs(node);
	make_threads(node);
	err = identity_read(io_disk(), settings->data, &node->identity, why);
	if (!err)
		err = open_groups(node, why);
	else if (err == ERR_NOTFOUND)
		err = ERR_NONE;
	if (!err)
		err = node_tls_open(node, why);
	if (!err)
		err = admin_open(node, why);
	if (!err && node->serving && node->identity.ready)
		err = node_listen(node, why);
	if (err) {
		start_failed(node);
		return err;
	}
	if (node->serving)
		node_work_begin(node);
	run_threads(node);
	if (node->serving) {
		node_peers_start(node);
		node_groups_start(node);
	}
	if (node->serving && !node->identity.ready)
		node_init_resume(node);
	if (!node->serving)
		LOG_INFO("not initialised: run `murderctl init`");
	return ERR_NONE;
}

/* ---- stop ---- */

#define DRAIN_MS 20

struct node_stop {
	unsigned loops_left;
	struct timer drain;
	struct task task; /* back to the main loop */
	struct loop_stop {
		struct task task;
		struct server_loop *loop;
		struct node *node;
		bool told;
		bool late; /* no command is waited for any more */
		struct timer patience;
	} loops[NODE_LOOPS_MAX];
};

/*
 * Who has not hung up by then, after his BYE, is cut: whoever reads has read
 * it. Only a command that is being carried out is worth a longer wait; when
 * that is over its client goes unanswered.
 */
#define STOP_HANGUP_MS 1000
#define STOP_ANSWER_MS 5000

static void drain_admin(struct timer *timer)
{
	struct node_stop *stop = container_of(timer, struct node_stop, drain);
	struct node *node = stop->loops[0].node;

	if (!admin_drain(node->admin) ||
	    __atomic_load_n(&node->uploads, __ATOMIC_SEQ_CST) > 0 ||
	    atomic_load(&node->channels) > 0 || node_works(node)) {
		timer_set(io_loop_timers(node->main), timer, DRAIN_MS);
		return;
	}
	LOG_INFO("stopped");
	node->stopped = true;
	io_loop_stop(node->main);
}

/* `murderctl stop` has its answer; a little time to read it. */
static void groups_stopped_on_main(struct task *task)
{
	struct node_stop *stop = container_of(task, struct node_stop, task);

	timer_init(&stop->drain, drain_admin);
	timer_set(io_loop_timers(stop->loops[0].node->main), &stop->drain,
		  DRAIN_MS);
}

static void groups_stopped(struct node *node)
{
	task_post(io_loop_executor(node->main), &node->stop->task,
		  groups_stopped_on_main);
}

static void links_are_cut(struct node *node)
{
	if (node->serving)
		node_groups_stop(node, groups_stopped);
	else
		groups_stopped(node);
}

static void remotes_are_stopped(struct node *node)
{
	if (node->peers_started)
		node_peers_stop(node, links_are_cut);
	else
		links_are_cut(node);
}

static void loop_is_empty(struct task *task)
{
	struct loop_stop *one = container_of(task, struct loop_stop, task);
	struct node *node = one->node;

	if (--node->stop->loops_left > 0)
		return;
	if (node->keeper)
		courier_stop(node->courier);
	if (node->remotes)
		remotes_stop(node->remotes, remotes_are_stopped);
	else
		remotes_are_stopped(node);
}

void server_loop_left(struct server_loop *loop)
{
	struct loop_stop *one = loop->stop;

	if (!one || one->told || loop->link_count > 0)
		return;
	one->told = true;
	timer_stop(io_loop_timers(loop->io), &one->patience);
	task_post(io_loop_executor(loop->node->main), &one->task,
		  loop_is_empty);
}

static void cut_connections(struct timer *timer)
{
	struct loop_stop *one = container_of(timer, struct loop_stop, patience);

	LIST_FOREACH (&one->loop->links, it) {
		struct server_link *link =
			LIST_ENTRY(it, struct server_link, link);

		if (link->stream && (one->late || !link->is_busy(link)))
			io_stream_abort(link->stream, ERR_UNAVAILABLE);
	}
	if (one->late)
		return;
	one->late = true;
	timer_set(io_loop_timers(one->loop->io), timer,
		  STOP_ANSWER_MS - STOP_HANGUP_MS);
}

static void stop_loop(struct task *task)
{
	struct loop_stop *one = container_of(task, struct loop_stop, task);
	struct server_loop *loop = one->loop;

	loop->stop = one;
	timer_init(&one->patience, cut_connections);
	timer_set(io_loop_timers(loop->io), &one->patience, STOP_HANGUP_MS);
	LIST_FOREACH_SAFE (&loop->links, it) {
		struct server_link *link =
			LIST_ENTRY(it, struct server_link, link);

		link->shutdown(link);
	}
	server_loop_left(loop);
}

void node_stop(struct node *node)
{
	if (node->init || node->join) {
		node->stop_asked = true;
		return;
	}
	if (node->stop)
		return;
	LOG_INFO("stopping");
	io_notify(IO_NOTIFY_STOPPING);
	node->stop = mem_zalloc(1, sizeof(*node->stop));
	node->stop->loops_left = node->loop_count;
	node_unlisten(node);
	admin_stop(node->admin);
	atomic_store(&node->channels_closed, true);
	node_work_stop(node);
	for (unsigned i = 0; i < node->loop_count; i++) {
		struct loop_stop *one = &node->stop->loops[i];

		one->node = node;
		one->loop = node->loops[i];
		task_post(node->loops[i]->executor, &one->task, stop_loop);
	}
}

static void join_threads(struct node *node)
{
	if (!node->running)
		return;
	for (unsigned i = 0; i < node->loop_count; i++) {
		io_loop_stop(node->io_loops[i]);
		io_loop_join(node->io_loops[i]);
	}
	io_loop_stop(node->log);
	io_loop_join(node->log);
}

void node_fini(struct node *node)
{
	join_threads(node);
	if (node->admin)
		admin_close(&node->admin);
	peers_free(&node->peers);
	node_unlisten_free(node);
	node_work_free(node);
	if (node->pool)
		io_pool_free(&node->pool);
	node_groups_close(node);
	for (unsigned i = 0; i < node->loop_count; i++)
		server_loop_free(&node->loops[i]);
	if (node->log)
		io_loop_free(&node->log);
	if (node->tls)
		io_tls_unref(&node->tls);
	identity_fini(&node->identity);
	mem_free(node->prefixes[0]);
	mem_free(node->prefixes[1]);
	mem_free(node->stop);
	if (node->lock >= 0)
		io_lock_release(node->lock);
}
