/*
 * A whole node in the test's process (rig.h).
 */
#include "rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* tidy: allow layers: scratch directories are the same everywhere */
#include "../cluster/scratch.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "io/process.h"
#include "raft/replica_impl.h"

#define PATIENCE_S 15 /* a loaded machine, under a sanitizer */
#define LINE_MAX (1 << 20)

static void quiet(void *arg unused_arg, enum log_level level unused_arg,
		  const char *line unused_arg)
{
}

static char *path_in(const struct rig *rig, const char *name)
{
	struct buf path = { 0 };
	char *copy;

	buf_printf(&path, "%s/%s", rig->dir, name);
	copy = mem_dup(path.data, path.len);
	buf_fini(&path);
	return copy;
}

static char *listen_on(const struct rig *rig, const char *name)
{
	struct buf address = { 0 };
	char *copy;

	buf_printf(&address, "unix:%s/%s", rig->dir, name);
	copy = mem_dup(address.data, address.len);
	buf_fini(&address);
	return copy;
}

static void fill_settings(struct rig *rig)
{
	struct settings *settings = &rig->settings;

	settings_init(settings);
	settings->data = path_in(rig, "data");
	settings->imap.addresses[settings->imap.count++] =
		listen_on(rig, "imap");
	settings->lmtp.addresses[settings->lmtp.count++] =
		listen_on(rig, "lmtp");
	settings->message_max = 1 << 20;
	settings->login_delay_ms = 0;
	settings->session_loops = 1;
	settings->workers = 2;
	settings->mail_groups = 2;
	settings->map_size = 64 << 20;
	settings->wal_segment = 1 << 20;
	settings->wal_keep = 0;
	settings->space_min = 1 << 20;
	settings_complete(settings);
}

/* ---- life ---- */

static void *run_main(void *arg)
{
	struct rig *rig = arg;

	io_loop_run(rig->main);
	return NULL;
}

void rig_start(struct rig *rig)
{
	struct buf why = { 0 };

	rig->main = io_loop_new("main");
	rig->node = mem_zalloc(1, sizeof(*rig->node));
	cr_assert_eq(node_start(rig->node, &rig->settings, rig->main, &why),
		     ERR_NONE, "%s", buf_cstr(&why));
	buf_fini(&why);
	MUST(pthread_create(&rig->thread, NULL, run_main, rig) == 0);
}

struct stop_task {
	struct task task;
	struct node *node;
};

static void stop_run(struct task *task)
{
	struct stop_task *stop = container_of(task, struct stop_task, task);

	node_stop(stop->node);
	mem_free(stop);
}

void rig_ask_to_stop(struct rig *rig)
{
	struct stop_task *stop = mem_zalloc(1, sizeof(*stop));

	stop->node = rig->node;
	task_post(io_loop_executor(rig->main), &stop->task, stop_run);
}

void rig_stopped(struct rig *rig)
{
	MUST(pthread_join(rig->thread, NULL) == 0);
	node_fini(rig->node);
	io_loop_free(&rig->main);
	mem_free(rig->node);
	rig->node = NULL;
}

void rig_stop(struct rig *rig)
{
	rig_ask_to_stop(rig);
	rig_stopped(rig);
}

void rig_restart(struct rig *rig)
{
	rig_stop(rig);
	rig_start(rig);
}

static void admin_do(struct rig *rig, const char *request)
{
	struct talk talk = talk_admin(rig);

	talk_say(&talk, request);
	talk_expect(&talk, "{\"v\":1,\"ok\":true");
	talk_end(&talk);
}

struct rig *rig_bare(void)
{
	struct rig *rig = mem_zalloc(1, sizeof(*rig));

	log_set_sink(quiet, NULL);
	io_process_init();
	rig->dir = scratch_new();
	fill_settings(rig);
	rig_start(rig);
	return rig;
}

struct rig *rig_new(void)
{
	struct rig *rig = rig_bare();

	admin_do(rig, "{\"v\":1,\"cmd\":\"init\"}\n");
	admin_do(rig, "{\"v\":1,\"cmd\":\"user.add\",\"args\":{\"name\":"
		      "\"john\",\"password\":\"secret\"}}\n");
	admin_do(rig, "{\"v\":1,\"cmd\":\"user.add\",\"args\":{\"name\":"
		      "\"jane\",\"password\":\"secret\"}}\n");
	return rig;
}

void rig_free(struct rig **rigp)
{
	struct rig *rig = *rigp;
	char *clean = path_in(rig, "data/clean");
	struct stat st;

	*rigp = NULL;
	if (rig->node)
		rig_stop(rig);
	cr_assert_eq(stat(clean, &st), 0, "the stop was not clean");
	mem_free(clean);
	settings_fini(&rig->settings);
	scratch_free(&rig->dir);
	mem_free(rig);
}

/* ---- waiting ---- */

void rig_await(struct rig *rig, bool (*is)(struct rig *rig))
{
	time_t end = time(NULL) + PATIENCE_S;

	while (!is(rig)) {
		cr_assert_lt(time(NULL), end, "it never comes to that");
		sched_yield();
	}
}

static void sem_take(sem_t *sem, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		while (sem_wait(sem) != 0)
			;
}

/* Connections of the session loop, asked for on its own thread. */
struct link_count {
	struct task task;
	sem_t counted;
	const struct server_loop *loop;
	unsigned links;
};

static void count_links(struct task *task)
{
	struct link_count *ask = container_of(task, struct link_count, task);

	ask->links = ask->loop->link_count;
	MUST(sem_post(&ask->counted) == 0);
}

static unsigned links_of(const struct rig *rig)
{
	struct link_count ask = { .loop = rig->node->loops[0] };

	MUST(sem_init(&ask.counted, 0, 0) == 0);
	task_post(ask.loop->executor, &ask.task, count_links);
	sem_take(&ask.counted, 1);
	return ask.links;
}

static struct replica_status status_of(const struct rig *rig, unsigned group)
{
	struct replica_status status;

	replica_get_status(node_group(rig->node, group)->replica, &status);
	return status;
}

bool rig_has_slot(struct rig *rig)
{
	for (unsigned i = 0; i < rig->node->group_count; i++)
		if (status_of(rig, i).slots_taken > 0)
			return true;
	return false;
}

bool rig_has_proposed(struct rig *rig)
{
	for (unsigned i = 0; i < rig->node->group_count; i++) {
		struct replica_status status = status_of(rig, i);

		if (status.last_index > status.commit_index)
			return true;
	}
	return false;
}

bool rig_waits_for_workers(struct rig *rig)
{
	return io_pool_waiting(rig->node->pool) > 0;
}

bool rig_is_idle(struct rig *rig)
{
	return !rig_has_slot(rig) &&
	       __atomic_load_n(&rig->node->uploads, __ATOMIC_SEQ_CST) == 0 &&
	       links_of(rig) == 0;
}

/* ---- behind the clients' backs ---- */

struct asked {
	struct proposal proposal;
	sem_t answered;
};

static void asked_done(struct proposal *proposal)
{
	MUST(sem_post(&((struct asked *)proposal->owner)->answered) == 0);
}

enum err rig_propose(struct rig *rig, uint32_t group, uint16_t kind,
		     struct buf *body)
{
	struct asked asked;
	enum err err;

	MUST(sem_init(&asked.answered, 0, 0) == 0);
	proposal_init(&asked.proposal, io_loop_executor(rig->main), &asked);
	asked.proposal.kind = kind;
	asked.proposal.version = 1;
	asked.proposal.body = *body;
	*body = (struct buf){ 0 };
	replica_propose(node_replica(rig->node, group), &asked.proposal,
			asked_done);
	sem_take(&asked.answered, 1);
	err = asked.proposal.err;
	proposal_fini(&asked.proposal);
	return err;
}

struct store_txn *rig_read(struct rig *rig, uint32_t group)
{
	struct store_txn *txn;

	MUST(store_read_begin(replica_env(node_replica(rig->node, group)),
			      &txn) == ERR_NONE);
	return txn;
}

void rig_fill(struct rig *rig, const char *mailbox, unsigned count)
{
	struct talk talk = talk_admin(rig);
	struct buf text = { 0 };

	buf_printf(&text,
		   "{\"v\":1,\"cmd\":\"import\",\"args\":{\"name\":\"%s\"}}\n",
		   mailbox);
	talk_say(&talk, buf_cstr(&text));
	buf_clear(&text);
	for (unsigned i = 0; i < count; i++)
		buf_add_str(&text, "{\"size\":6,\"flags\":[]}\na: b\r\n");
	buf_add_str(&text, "{\"end\":true}\n");
	talk_say(&talk, buf_cstr(&text));
	talk_until(&talk, "{\"v\":1,\"ok\":true", NULL);
	buf_fini(&text);
	talk_end(&talk);
}

/* ---- stalls ---- */

static void stand_still(struct task *task)
{
	struct stall *stall = container_of(task, struct stall_one, task)->stall;

	MUST(sem_post(&stall->entered) == 0);
	sem_take(&stall->leave, 1);
	MUST(sem_post(&stall->left) == 0);
}

void stall_begin(struct stall *stall, struct executor *executor, unsigned count)
{
	MUST(count <= RIG_STALLS_MAX);
	memset(stall, 0, sizeof(*stall));
	MUST(sem_init(&stall->entered, 0, 0) == 0);
	MUST(sem_init(&stall->leave, 0, 0) == 0);
	MUST(sem_init(&stall->left, 0, 0) == 0);
	stall->count = count;
	for (unsigned i = 0; i < count; i++) {
		stall->ones[i].stall = stall;
		task_post(executor, &stall->ones[i].task, stand_still);
	}
	sem_take(&stall->entered, count);
}

void stall_end(struct stall *stall)
{
	for (unsigned i = 0; i < stall->count; i++)
		MUST(sem_post(&stall->leave) == 0);
	sem_take(&stall->left, stall->count);
}

void rig_stall_pool(struct rig *rig, struct stall *stall)
{
	stall_begin(stall, io_pool_executor(rig->node->pool),
		    rig->settings.workers);
}

/*
 * Until the log goes on. A replica without anything to wait for answers reads
 * at once, wherever its loop stands: here each has something.
 */
void rig_stall_log(struct rig *rig, struct stall *stall)
{
	stall_begin(stall, io_loop_executor(rig->node->log), 1);
	for (unsigned i = 0; i < rig->node->group_count; i++)
		atomic_store(
			&node_group(rig->node, i)->replica->published.settled,
			false);
}

void rig_stall_wal(struct rig *rig, struct stall *stall)
{
	stall_begin(stall, io_thread_executor(rig->node->wal_writer), 1);
}

void rig_stall_bodies(struct rig *rig, struct stall *stall)
{
	stall_begin(stall, io_thread_executor(rig->node->body_writer), 1);
}

void rig_stall_applier(struct rig *rig, uint32_t group, struct stall *stall)
{
	for (unsigned i = 0; i < rig->node->group_count; i++)
		if (node_group(rig->node, i)->number == group)
			stall_begin(stall,
				    io_thread_executor(
					    node_group(rig->node, i)->applier),
				    1);
}

/* ---- conversations ---- */

static bool connect_to(int fd, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	MUST(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path) + 1);
	return connect(fd, (const struct sockaddr *)(const void *)&address,
		       sizeof(address)) == 0;
}

/* The listeners come when the start, or init, has ended. */
static struct talk talk_to(const char *path)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	time_t end = time(NULL) + PATIENCE_S;
	struct talk talk = { .fd = socket(AF_UNIX, SOCK_STREAM, 0) };

	MUST(talk.fd >= 0);
	MUST(setsockopt(talk.fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			sizeof(patience)) == 0);
	while (!connect_to(talk.fd, path)) {
		cr_assert_lt(time(NULL), end, "nobody listens on %s", path);
		sched_yield();
	}
	return talk;
}

static struct talk talk_at(struct rig *rig, const char *name)
{
	char *path = path_in(rig, name);
	struct talk talk = talk_to(path);

	mem_free(path);
	return talk;
}

struct talk talk_admin(struct rig *rig)
{
	return talk_at(rig, "data/admin.sock");
}

struct talk talk_lmtp(struct rig *rig)
{
	struct talk talk = talk_at(rig, "lmtp");

	talk_expect(&talk, "220 ");
	talk_say(&talk, "LHLO test\r\n");
	talk_until(&talk, "250 ", NULL);
	return talk;
}

struct talk talk_imap_greeted(struct rig *rig)
{
	struct talk talk = talk_at(rig, "imap");

	talk_expect(&talk, "* OK ");
	return talk;
}

struct talk talk_imap(struct rig *rig, const char *user)
{
	struct talk talk = talk_imap_greeted(rig);
	struct buf login = { 0 };

	buf_printf(&login, "l LOGIN %s secret\r\n", user);
	talk_say(&talk, buf_cstr(&login));
	buf_fini(&login);
	talk_until(&talk, "l OK ", NULL);
	return talk;
}

void talk_say(struct talk *talk, const char *text)
{
	size_t len = strlen(text);

	cr_assert_eq(send(talk->fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* False: the other end has closed. */
static bool receive(struct talk *talk)
{
	ssize_t got = recv(talk->fd, buf_reserve(&talk->in, 4096), 4096, 0);

	/* It had not read all that it was sent. */
	if (got < 0 && errno == ECONNRESET)
		return false;
	cr_assert(got >= 0, "no answer comes");
	talk->in.len += (size_t)got;
	return got > 0;
}

/* The next line, without its end; the caller's. */
static void take_line(struct talk *talk, struct buf *line)
{
	size_t len;

	while ((len = slice_find(buf_slice(&talk->in), '\n')) == talk->in.len) {
		cr_assert_lt(talk->in.len, LINE_MAX);
		cr_assert(receive(talk),
			  "the connection was closed after "
			  "\"%s\"",
			  buf_cstr(&talk->in));
	}
	buf_clear(line);
	buf_add(line, talk->in.data, len);
	memmove(talk->in.data, talk->in.data + len + 1, talk->in.len - len - 1);
	talk->in.len -= len + 1;
}

void talk_expect(struct talk *talk, const char *prefix)
{
	struct buf line = { 0 };

	take_line(talk, &line);
	cr_assert(slice_has_prefix(buf_slice(&line), slice_str(prefix)),
		  "\"%s\" instead of \"%s\"", buf_cstr(&line), prefix);
	buf_fini(&line);
}

bool talk_until(struct talk *talk, const char *prefix, const char *text)
{
	struct buf line = { 0 };
	bool found = false;
	char tag[16];

	snprintf(tag, sizeof(tag), "%.*s", (int)(strcspn(prefix, " ") + 1),
		 prefix);
	do {
		take_line(talk, &line);
		found = found || (text && strstr(buf_cstr(&line), text));
		/* Another end of the command than the one wanted. */
		cr_assert(prefix[0] == '*' || prefix[0] == '{' ||
				  !slice_has_prefix(buf_slice(&line),
						    slice_str(tag)) ||
				  slice_has_prefix(buf_slice(&line),
						   slice_str(prefix)),
			  "\"%s\" instead of \"%s\"", buf_cstr(&line), prefix);
	} while (!slice_has_prefix(buf_slice(&line), slice_str(prefix)));
	buf_fini(&line);
	return found;
}

void talk_expect_end(struct talk *talk)
{
	cr_assert_eq(talk->in.len, 0, "it said \"%s\"", buf_cstr(&talk->in));
	cr_assert(!receive(talk), "it says \"%s\"", buf_cstr(&talk->in));
	talk_end(talk);
}

void talk_end(struct talk *talk)
{
	MUST(close(talk->fd) == 0);
	buf_fini(&talk->in);
}

void talk_logout(struct talk *talk)
{
	talk_say(talk, "z LOGOUT\r\n");
	talk_until(talk, "z OK ", NULL);
	talk_end(talk);
}

void talk_append(struct talk *talk, const char *mailbox, const char *text)
{
	struct buf command = { 0 };

	buf_printf(&command, "p APPEND \"%s\" {%zu}\r\n", mailbox,
		   strlen(text));
	talk_say(talk, buf_cstr(&command));
	talk_expect(talk, "+ ");
	talk_say(talk, text);
	talk_say(talk, "\r\n");
	talk_until(talk, "p OK ", NULL);
	buf_fini(&command);
}
