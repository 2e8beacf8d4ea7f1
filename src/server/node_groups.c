/*
 * What a node keeps on disk, opened in the order in which one relies on the
 * other: identity, log, bodies, groups.
 *
 *   node_groups_open: start count + 1 -> clean mark away -> log -> bodies ->
 *       each group (checkpoint put back, replayed later from the log)
 *   node_groups_close: groups -> bodies -> log -> clean mark
 *
 * Failures: a damaged log or identity refuses to start and says what to do; a
 * damaged group is parked by its replica and the others serve on.
 */
#include "server/node_groups.h"

#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "io/clock.h"
#include "io/disk.h"
#include "raft/wal_record.h"
#include "server/claims.h"
#include "server/import.h"
#include "server/node_peers.h"

/* Readers of an environment: loops, workers, appliers and some slack. */
static unsigned max_readers(const struct node *node)
{
	return node->loop_count + IO_POOL_THREADS_MAX + 16;
}

static void path_of(const struct node *node, const char *below,
		    struct buf *path)
{
	buf_clear(path);
	buf_printf(path, "%s/%s", node->settings->data, below);
}

/* ---- the clean mark ---- */

/* Present only after a clean stop: gone, durably, before anything changes. */
static enum err take_clean_mark(struct node *node)
{
	struct disk *disk = io_disk();
	struct buf path = { 0 };
	enum err err;

	path_of(node, "clean", &path);
	err = disk->unlink(disk, buf_cstr(&path));
	node->clean = err == ERR_NONE;
	if (!err)
		err = disk->sync_dir(disk, node->settings->data);
	buf_fini(&path);
	return err == ERR_NOTFOUND ? ERR_NONE : err;
}

static void leave_clean_mark(struct node *node)
{
	struct disk *disk = io_disk();
	struct buf path = { 0 };
	enum err err;
	int fd;

	path_of(node, "clean", &path);
	err = disk->open(disk, buf_cstr(&path), DISK_CREATE, &fd);
	if (!err) {
		err = disk->sync(disk, fd);
		disk->close(disk, fd);
	}
	if (!err)
		err = disk->sync_dir(disk, node->settings->data);
	if (err)
		LOG_WARN("no clean mark: the next start replays the log");
	buf_fini(&path);
}

/* ---- what the replicas tell ---- */

/* The log knows a higher start count: a restored or cloned disk. */
static void raised(struct task *task)
{
	struct node_group *group =
		container_of(task, struct node_group, raise.task);

	replica_raised(group->replica, node_start_count(group->node));
}

static void raise_written(struct keeper_write *write)
{
	struct node_group *group = write->owner;

	if (write->err)
		PANIC("cannot raise the start count");
	task_post(io_loop_executor(group->node->log), &group->raise.task,
		  raised);
}

static void raise_run(struct task *task)
{
	struct node_group *group =
		container_of(task, struct node_group, raise.task);
	struct node *node = group->node;

	if (node->identity.start < group->raise.at_least)
		__atomic_store_n(&node->identity.start, group->raise.at_least,
				 __ATOMIC_SEQ_CST);
	node_peers_raised(node);
	group->raise.write.owner = group;
	keeper_write(node->keeper, &group->raise.write, raise_written);
}

static void hook_raise(void *arg, struct replica *replica unused_arg,
		       uint32_t at_least)
{
	struct node_group *group = arg;

	group->raise.at_least = at_least;
	task_post(io_loop_executor(group->node->main), &group->raise.task,
		  raise_run);
}

static void stop_main(struct task *task)
{
	struct node *node = container_of(task, struct node, fenced_task);

	node_stop(node);
}

static void hook_fenced(void *arg, struct replica *replica unused_arg)
{
	struct node_group *group = arg;

	node_is_fenced(group->node);
}

void node_is_fenced(struct node *node)
{
	LOG_ERROR("another process lives under this node's id: stopping");
	if (!node->fenced) {
		node->fenced = true;
		task_post(io_loop_executor(node->main), &node->fenced_task,
			  stop_main);
	}
}

static void hook_want_import(void *arg, struct replica *replica,
			     const struct replica_want *want)
{
	const struct node_group *group = arg;

	if (group->node->imports)
		imports_want(group->node->imports, group->number, replica,
			     want);
}

static void hook_parked(void *arg unused_arg, struct replica *replica,
			const char *why)
{
	struct replica_status status;

	replica_get_status(replica, &status);
	LOG_ERROR("group %u is parked: %s; other groups serve on; "
		  "`murderctl status` shows it",
		  status.group, why);
}

/* A new leader goes on with the MOVEs that the old one has left open. */
static void hook_led(void *arg, struct replica *replica unused_arg, bool leader)
{
	const struct node_group *group = arg;
	const struct node *node = group->node;

	if (leader && node->claims)
		claims_wake(node->claims);
}

/* ---- what the machines publish, on the appliers ---- */

static void mail_published(void *arg, const uint64_t *mailboxes, size_t count,
			   uint64_t applied_index unused_arg)
{
	const struct node_group *group = arg;
	const struct node *node = group->node;

	for (unsigned i = 0; i < node->loop_count; i++)
		server_loop_publish(node->loops[i], mailboxes, count);
}

/* Access lists that changed; too many, or an unknown one: all. */
#define RIGHTS_TOLD 64

static void rights_published(const struct node *node,
			     const struct directory_event *events, size_t count)
{
	uint64_t ids[RIGHTS_TOLD];
	size_t told = 0;
	bool all = false;

	for (size_t i = 0; i < count && !all; i++) {
		if (events[i].kind == DIRECTORY_EVENT_MAILBOX && events[i].id &&
		    told < RIGHTS_TOLD)
			ids[told++] = events[i].id;
		else
			all = events[i].kind == DIRECTORY_EVENT_MAILBOX ||
			      events[i].kind == DIRECTORY_EVENT_MANY;
	}
	for (unsigned i = 0; i < node->loop_count && (all || told); i++)
		server_loop_publish_rights(node->loops[i], ids, all ? 0 : told);
}

static void directory_published(void *arg, const struct directory_event *events,
				size_t count, uint64_t applied_index unused_arg)
{
	const struct node_group *group = arg;
	bool intents = false;
	bool groups = false;
	bool members = false;

	for (size_t i = 0; i < count; i++) {
		bool many = events[i].kind == DIRECTORY_EVENT_MANY;

		intents |= many || events[i].kind == DIRECTORY_EVENT_INTENT;
		groups |= many || events[i].kind == DIRECTORY_EVENT_GROUP;
		members |= many || events[i].kind == DIRECTORY_EVENT_MEMBER;
	}
	if (intents)
		node_run_intents(group->node);
	if (groups)
		node_run_replicas(group->node);
	if (members)
		node_peers_wake(group->node);
	rights_published(group->node, events, count);
}

/* ---- opening ---- */

static struct replica_fsm *fsm_init(struct node_group *group)
{
	if (group->number == 0) {
		directory_fsm_init(&group->fsm.directory, directory_published,
				   group);
		return &group->fsm.directory.fsm;
	}
	mailgroup_fsm_init(&group->fsm.mail, mail_published, group);
	return &group->fsm.mail.fsm;
}

static void group_path(const struct node *node, uint32_t number,
		       struct buf *path)
{
	path_of(node, "directory", path);
	if (number) {
		buf_clear(path);
		buf_printf(path, "%s/g%u", node->settings->data, number);
	}
}

void node_group_publish(struct node *node, struct node_group *group)
{
	unsigned place = atomic_load(&node->group_count);

	MUST(place < NODE_GROUPS_MAX);
	atomic_store(&node->groups[place], group);
	atomic_store(&node->group_count, place + 1);
}

static bool have_body(void *arg, const struct sha256 *hash)
{
	const struct node *node = arg;
	uint64_t length;

	return body_length(node->bodies, hash, &length) == ERR_NONE;
}

enum err node_group_open(struct node *node,
			 const struct identity_replica *identity,
			 struct node_group **group_r)
{
	struct node_group *group = mem_zalloc(1, sizeof(*group));
	struct replica *replica;
	struct replica_options options = {
		.group = identity->group,
		.raft_id = identity->raft_id,
		.address = node->identity.name,
		.start_count = node->identity.start,
		.boot = random_u64(node->random) | 1,
		.bootstrap = identity->make,
		.wal = node->wal,
		.net = peers_net(node->peers),
		.have = have_body,
		.have_arg = node,
		.log_loop = io_loop_executor(node->log),
		.pool = io_pool_executor(node->pool),
		.timers = io_loop_timers(node->log),
		.clock = io_loop_clock(node->log),
		.random = node->random,
		.turns = &node->turns,
		.fill_percent = node->settings->fill_limit,
		.hooks = {
			.arg = group,
			.raise = hook_raise,
			.fenced = hook_fenced,
			.want_import = hook_want_import,
			.parked = hook_parked,
			.led = hook_led,
		},
	};
	struct buf path = { 0 };
	struct buf name = { 0 };
	enum err err;

	*group_r = group;
	group->node = node;
	group->number = identity->group;
	group->raft_id = identity->raft_id;
	buf_printf(&name, "apply-%u", group->number);
	group->applier = io_thread_new(buf_cstr(&name));
	group_path(node, group->number, &path);
	options.applier = io_thread_executor(group->applier);
	options.env.path = buf_cstr(&path);
	options.env.map_size = node->settings->map_size;
	options.env.max_readers = max_readers(node);
	options.env.disk = io_disk();
	options.env.clean = node->clean;
	options.fsm = fsm_init(group);
	err = replica_open(&options, &replica);
	if (!err)
		atomic_store(&group->replica, replica);
	buf_fini(&path);
	buf_fini(&name);
	return err;
}

static enum err wal_begin(struct node *node, struct buf *why)
{
	struct wal_options options = {
		.disk = io_disk(),
		.loop = io_loop_executor(node->log),
		.writer = io_thread_executor(node->wal_writer),
		.pool = io_pool_executor(node->pool),
		.timers = io_loop_timers(node->log),
		.random = node->random,
		.segment_size =
			node->settings->wal_segment / WAL_BLOCK * WAL_BLOCK,
		.keep_bytes = node->settings->wal_keep,
		.min_free = node->settings->space_min,
	};
	struct buf path = { 0 };
	enum err err;

	path_of(node, "wal", &path);
	options.path = buf_cstr(&path);
	err = wal_open(&options, &node->wal, why);
	buf_fini(&path);
	return err;
}

static enum err bodies_begin(struct node *node, struct buf *why)
{
	struct body_options options = {
		.disk = io_disk(),
		.writer = io_thread_executor(node->body_writer),
		.pool = io_pool_executor(node->pool),
		.max_readers = max_readers(node),
		.clean = node->clean,
		.segment_size = TUNED(body_segment, 0),
		.min_free = node->settings->space_min,
	};
	struct buf path = { 0 };
	enum err err;

	path_of(node, "bodies", &path);
	options.path = buf_cstr(&path);
	err = body_store_open(&options, &node->bodies);
	if (err)
		buf_printf(why, "%s: %s", buf_cstr(&path), err_text(err));
	buf_fini(&path);
	return err;
}

static enum err groups_begin(struct node *node, struct buf *why)
{
	const struct identity_file *identity = &node->identity;

	replica_turns_init(&node->turns);
	for (unsigned i = 0; i < identity->replica_count; i++) {
		struct node_group *group;
		enum err err =
			node_group_open(node, &identity->replicas[i], &group);

		node_group_publish(node, group);
		if (err) {
			buf_printf(why, "group %u: %s",
				   identity->replicas[i].group, err_text(err));
			return err;
		}
	}
	return ERR_NONE;
}

enum err node_groups_open(struct node *node, struct buf *why)
{
	enum err err;

	MUST(node->identity.replica_count > 0);
	MUST(node->identity.replicas[0].group == 0);
	__atomic_add_fetch(&node->identity.start, 1, __ATOMIC_SEQ_CST);
	err = identity_write(io_disk(), node->settings->data, &node->identity);
	if (!err)
		err = take_clean_mark(node);
	if (err) {
		buf_printf(why, "%s: %s", node->settings->data, err_text(err));
		return err;
	}
	node->wal_writer = io_thread_new("wal-writer");
	node->body_writer = io_thread_new("body-writer");
	err = wal_begin(node, why);
	if (!err)
		err = bodies_begin(node, why);
	if (!err)
		err = groups_begin(node, why);
	return err;
}

/* ---- starting and stopping: on the log loop ---- */

static void group_start(struct task *task)
{
	replica_start(container_of(task, struct node_group, task)->replica);
}

void node_group_start(struct node_group *group)
{
	task_post(io_loop_executor(group->node->log), &group->task,
		  group_start);
}

void node_groups_start(struct node *node)
{
	for (unsigned i = 0; i < node->group_count; i++)
		node_group_start(node_group(node, i));
}

struct groups_stop {
	struct task task;
	struct node *node;
	unsigned left;
	node_groups_stopped *stopped;
};

static void wal_ended(void *arg)
{
	struct groups_stop *stop = arg;
	struct node *node = stop->node;
	node_groups_stopped *stopped = stop->stopped;

	mem_free(stop);
	stopped(node);
}

static void group_ended(struct replica *replica unused_arg, void *arg)
{
	struct groups_stop *stop = arg;

	if (--stop->left == 0)
		wal_stop(stop->node->wal, wal_ended, stop);
}

static void groups_stop(struct task *task)
{
	struct groups_stop *stop = container_of(task, struct groups_stop, task);
	struct node *node = stop->node;

	unsigned count = stop->left; /* one that comes now is not started */

	for (unsigned i = 0; i < count; i++)
		replica_stop(node_group(node, i)->replica, group_ended, stop);
}

void node_groups_stop(struct node *node, node_groups_stopped *stopped)
{
	struct groups_stop *stop = mem_zalloc(1, sizeof(*stop));

	stop->node = node;
	stop->left = node->group_count;
	stop->stopped = stopped;
	task_post(io_loop_executor(node->log), &stop->task, groups_stop);
}

/* ---- a start that fails ---- */

struct wal_end {
	struct task task;
	struct node *node;
	bool ended;
};

static void wal_abandoned(void *arg)
{
	struct wal_end *end = arg;

	end->ended = true;
}

static void wal_abandon(struct task *task)
{
	struct wal_end *end = container_of(task, struct wal_end, task);

	wal_stop(end->node->wal, wal_abandoned, end);
}

void node_groups_abandon(struct node *node)
{
	struct wal_end end = { .node = node };

	if (!node->wal)
		return;
	task_post(io_loop_executor(node->log), &end.task, wal_abandon);
	while (!end.ended)
		io_loop_turn(node->log);
}

/* ---- closing ---- */

/* True if what the group keeps is whole as it stands. */
static bool group_close(struct node_group *group)
{
	struct replica_status status = { .parked = true };
	struct replica *replica = atomic_load(&group->replica);

	if (replica) {
		replica_get_status(replica, &status);
		atomic_store(&group->replica, NULL);
		replica_close(&replica);
	}
	if (group->number == 0)
		directory_fsm_fini(&group->fsm.directory);
	else
		mailgroup_fsm_fini(&group->fsm.mail);
	return !status.parked &&
	       status.checkpoint_index == status.applied_index;
}

void node_groups_close(struct node *node)
{
	/* A start that failed has synced nothing: the next one replays. */
	bool clean = node->serving && node->stopped;

	for (unsigned i = 0; i < node->group_count; i++) {
		struct node_group *group = node_group(node, i);

		if (group->applier)
			io_thread_free(&group->applier);
		clean &= group_close(group);
		atomic_store(&node->groups[i], NULL);
		mem_free(group);
	}
	atomic_store(&node->group_count, 0);
	if (node->body_writer)
		io_thread_free(&node->body_writer);
	if (node->bodies)
		clean &= body_store_close(&node->bodies, clean) == ERR_NONE;
	if (node->wal_writer)
		io_thread_free(&node->wal_writer);
	if (node->wal)
		wal_close(&node->wal);
	if (clean)
		leave_clean_mark(node);
}
