/*
 * The fixture's cluster under our rules (rules_cluster.h).
 */
#include "rules_cluster.h"

#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/panic.h"
#include "raft/message.h"

static struct raft *raft_of(struct cluster *cluster, unsigned i)
{
	return raft_fixture_get(&cluster->fixture, i);
}

/* The fixture's own; where it keeps it differs between libraries. */
static struct raft_io *io_of(struct cluster_server *server)
{
	return raft_of(server->cluster, server->index)->io;
}

/* The fixture tells a method its raft_io only; one cluster lives at a time. */
static struct cluster *living;

static struct cluster_server *server_of(struct raft_io *io)
{
	for (unsigned i = 0; i < CLUSTER_SIZE; i++)
		if (io_of(&living->servers[i]) == io)
			return &living->servers[i];
	PANIC("a raft_io of another cluster");
}

/* ---- the port ---- */

static int port_send(void *arg, struct raft_io_send *req,
		     const struct raft_message *message, raft_io_send_cb cb)
{
	struct cluster_server *server = arg;

	return server->send(io_of(server), req, message, cb);
}

static int port_append(void *arg, struct raft_io_append *req,
		       const struct raft_entry *entries, unsigned n,
		       raft_io_append_cb cb)
{
	struct cluster_server *server = arg;

	return server->append(io_of(server), req, entries, n, cb);
}

static void port_recv(void *arg, struct raft_message *message)
{
	struct cluster_server *server = arg;

	server->recv(io_of(server), message);
}

static void port_tick(void *arg)
{
	struct cluster_server *server = arg;

	server->tick(io_of(server));
}

static uint64_t port_now(void *arg)
{
	struct cluster_server *server = arg;

	return raft_fixture_time(&server->cluster->fixture);
}

struct dropped {
	struct list link;
	struct raft_io_send *req;
	raft_io_send_cb cb;
};

static void port_dropped(void *arg, struct raft_io_send *req,
			 raft_io_send_cb cb)
{
	struct cluster_server *server = arg;
	struct dropped *dropped = mem_zalloc(1, sizeof(*dropped));

	dropped->req = req;
	dropped->cb = cb;
	list_append(&server->cluster->dropped, &dropped->link);
}

static void port_discard(void *arg, struct raft_message *message)
{
	(void)arg;
	message_fini(message);
}

static void port_unavailable(void *arg)
{
	struct cluster_server *server = arg;

	server->cluster->wrong = "a server gave itself up";
}

static void port_after(void *arg)
{
	struct cluster_server *server = arg;
	struct compat_view view;

	compat_view(raft_of(server->cluster, server->index), &view);
	if (view.commit_index < server->commit)
		server->cluster->wrong = "a commit index went back";
	server->commit = view.commit_index;
}

static const struct rules_port port = {
	.send = port_send,
	.append = port_append,
	.recv = port_recv,
	.tick = port_tick,
	.now_ms = port_now,
	.send_dropped = port_dropped,
	.discard = port_discard,
	.unavailable = port_unavailable,
	.after = port_after,
};

/* ---- what the fixture calls instead of its own ---- */

static bool without(const struct cluster_server *server, unsigned rule)
{
	return (server->cluster->without & rule) != 0;
}

static void guarded_tick(struct raft_io *io)
{
	struct cluster_server *server = server_of(io);

	if (without(server, WITHOUT_R3)) {
		server->tick(io);
		rules_after(&server->rules);
		return;
	}
	rules_tick(&server->rules);
}

static void guarded_recv(struct raft_io *io, struct raft_message *message)
{
	struct cluster_server *server = server_of(io);

	if ((message->type == RAFT_IO_REQUEST_VOTE &&
	     without(server, WITHOUT_R4)) ||
	    (message->type == RAFT_IO_TIMEOUT_NOW &&
	     without(server, WITHOUT_R3))) {
		server->recv(io, message);
		rules_after(&server->rules);
		return;
	}
	rules_recv(&server->rules, message);
}

static int guarded_start(struct raft_io *io, unsigned msecs,
			 raft_io_tick_cb tick, raft_io_recv_cb recv)
{
	struct cluster_server *server = server_of(io);

	server->tick = tick;
	server->recv = recv;
	server->rules.heartbeat_ms = msecs;
	return server->start(io, msecs, guarded_tick, guarded_recv);
}

/* As if the barrier of this term had been there already. */
static void skip_barrier(struct cluster_server *server)
{
	struct compat_view view;

	compat_view(raft_of(server->cluster, server->index), &view);
	server->rules.led_term = view.term;
	server->rules.barrier_index = 0;
}

static int guarded_send(struct raft_io *io, struct raft_io_send *req,
			const struct raft_message *message, raft_io_send_cb cb)
{
	struct cluster_server *server = server_of(io);

	if (message->type == RAFT_IO_APPEND_ENTRIES &&
	    without(server, WITHOUT_R2))
		skip_barrier(server);
	if (message->type == RAFT_IO_APPEND_ENTRIES_RESULT &&
	    without(server, WITHOUT_R1))
		return server->send(io, req, message, cb);
	return rules_send(&server->rules, req, message, cb);
}

static int guarded_append(struct raft_io *io, struct raft_io_append *req,
			  const struct raft_entry entries[], unsigned n,
			  raft_io_append_cb cb)
{
	return rules_append(&server_of(io)->rules, req, entries, n, cb);
}

/* ---- machine ---- */

static int fsm_apply(struct raft_fsm *fsm, const struct raft_buffer *buf,
		     void **result)
{
	struct cluster_server *server = fsm->data;
	struct cluster *cluster = server->cluster;
	uint64_t index = raft_last_applied(raft_of(cluster, server->index)) + 1;
	uint64_t hash = xxh3(slice_of(buf->base, buf->len));

	MUST(index < CLUSTER_LOG_MAX);
	if (cluster->applied[index] == 0)
		cluster->committed++;
	else if (cluster->applied[index] != hash)
		cluster->wrong = "two servers applied different commands";
	cluster->applied[index] = hash;
	*result = NULL;
	return 0;
}

static int fsm_snapshot(struct raft_fsm *fsm, struct raft_buffer *bufs[],
			unsigned *n_bufs)
{
	(void)fsm;
	(void)bufs;
	(void)n_bufs;
	return RAFT_BUSY;
}

static int fsm_restore(struct raft_fsm *fsm, struct raft_buffer *buf)
{
	(void)fsm;
	(void)buf;
	return 0;
}

/* ---- cluster ---- */

static void server_init(struct cluster *cluster, unsigned i)
{
	struct cluster_server *server = &cluster->servers[i];
	struct raft_io *io;

	server->cluster = cluster;
	server->index = i;
	server->fsm = (struct raft_fsm){
		.version = 1,
		.data = server,
		.apply = fsm_apply,
		.snapshot = fsm_snapshot,
		.restore = fsm_restore,
	};
	MUST(raft_fixture_grow(&cluster->fixture, &server->fsm) == 0);
	rules_init(&server->rules, raft_of(cluster, i), &port, server, 100);
	io = io_of(server);
	server->start = io->start;
	server->send = io->send;
	server->append = io->append;
	io->start = guarded_start;
	io->send = guarded_send;
	io->append = guarded_append;
	raft_set_pre_vote(raft_of(cluster, i), true);
}

struct cluster *cluster_new(uint64_t seed, unsigned without)
{
	struct cluster *cluster = mem_zalloc(1, sizeof(*cluster));
	struct raft_configuration conf;

	MUST(living == NULL);
	living = cluster;
	cluster->without = without;
	list_init(&cluster->dropped);
	random_seeded_init(&cluster->random, seed);
	MUST(raft_fixture_initialize(&cluster->fixture) == 0);
	for (unsigned i = 0; i < CLUSTER_SIZE; i++)
		server_init(cluster, i);
	MUST(raft_fixture_configuration(&cluster->fixture, CLUSTER_SIZE,
					&conf) == 0);
	MUST(raft_fixture_bootstrap(&cluster->fixture, &conf) == 0);
	raft_configuration_close(&conf);
	MUST(raft_fixture_start(&cluster->fixture) == 0);
	return cluster;
}

static void run_dropped(struct cluster *cluster)
{
	for (;;) {
		struct list *link = list_take(&cluster->dropped);
		struct dropped *dropped;

		if (link == NULL)
			return;
		dropped = LIST_ENTRY(link, struct dropped, link);
		if (dropped->cb != NULL)
			dropped->cb(dropped->req, 0);
		mem_free(dropped);
	}
}

void cluster_free(struct cluster *cluster)
{
	run_dropped(cluster);
	for (unsigned i = 0; i < CLUSTER_SIZE; i++)
		cluster->servers[i].rules.closed = true;
	raft_fixture_close(&cluster->fixture);
	for (unsigned i = 0; i < CLUSTER_SIZE; i++)
		rules_fini(&cluster->servers[i].rules);
	living = NULL;
	mem_free(cluster);
}

void cluster_step(struct cluster *cluster)
{
	raft_fixture_step(&cluster->fixture);
	run_dropped(cluster);
}

void cluster_run(struct cluster *cluster, unsigned msecs)
{
	raft_time end = raft_fixture_time(&cluster->fixture) + msecs;

	while (raft_fixture_time(&cluster->fixture) < end)
		cluster_step(cluster);
}

bool cluster_wait_ready(struct cluster *cluster, unsigned leader,
			unsigned msecs)
{
	raft_time end = raft_fixture_time(&cluster->fixture) + msecs;

	while (raft_fixture_time(&cluster->fixture) < end) {
		if (rules_leader_ready(&cluster->servers[leader].rules))
			return true;
		cluster_step(cluster);
	}
	return false;
}

/* Storage of a request; freed with the answer. */
static void applied(struct raft_apply *req, int status, void *result)
{
	(void)status;
	(void)result;
	mem_free(req);
}

bool cluster_propose(struct cluster *cluster, unsigned server)
{
	struct raft_apply *req = mem_zalloc(1, sizeof(*req));
	struct raft_buffer buf = { raft_malloc(8), 8 };
	uint64_t command = ++cluster->next_command;

	MUST(buf.base != NULL);
	memcpy(buf.base, &command, sizeof command);
	if (raft_apply(raft_of(cluster, server), req, &buf, 1, applied) == 0)
		return true;
	raft_free(buf.base);
	mem_free(req);
	return false;
}

uint64_t cluster_id(unsigned server)
{
	return server + 1; /* as the fixture gives them */
}

void cluster_cut(struct cluster *cluster, unsigned a, unsigned b)
{
	raft_fixture_disconnect(&cluster->fixture, a, b);
	raft_fixture_disconnect(&cluster->fixture, b, a);
}

void cluster_heal(struct cluster *cluster, unsigned a, unsigned b)
{
	raft_fixture_reconnect(&cluster->fixture, a, b);
	raft_fixture_reconnect(&cluster->fixture, b, a);
}

void cluster_isolate(struct cluster *cluster, unsigned server)
{
	for (unsigned i = 0; i < CLUSTER_SIZE; i++)
		if (i != server)
			cluster_cut(cluster, server, i);
}

/* ---- random lives ---- */

static uint64_t draw(struct cluster *cluster, uint64_t min, uint64_t max)
{
	return random_range(&cluster->random.random, min, max);
}

static void disturb(struct cluster *cluster)
{
	unsigned a = (unsigned)draw(cluster, 0, CLUSTER_SIZE - 1);
	unsigned b = (a + (unsigned)draw(cluster, 1, 2)) % CLUSTER_SIZE;
	struct raft_fixture *fixture = &cluster->fixture;

	switch (draw(cluster, 0, 5)) {
	case 0:
		cluster_isolate(cluster, a);
		break;
	case 1:
		cluster_cut(cluster, a, b);
		break;
	case 2:
	case 3:
		cluster_heal(cluster, a, b);
		break;
	case 4:
		raft_fixture_set_network_latency(
			fixture, a, (unsigned)draw(cluster, 1, 60));
		raft_fixture_set_disk_latency(fixture, b,
					      (unsigned)draw(cluster, 1, 120));
		break;
	default:
		raft_fixture_set_randomized_election_timeout(
			fixture, a, (unsigned)draw(cluster, 1000, 2000));
		break;
	}
}

#define LIFE_STEPS 2500

const char *cluster_life(uint64_t seed, unsigned without)
{
	struct cluster *cluster = cluster_new(seed, without);
	const char *wrong;

	for (unsigned i = 0; i < LIFE_STEPS && cluster->wrong == NULL; i++) {
		cluster_step(cluster);
		if (draw(cluster, 0, 24) == 0)
			disturb(cluster);
		if (draw(cluster, 0, 9) == 0)
			for (unsigned s = 0; s < CLUSTER_SIZE; s++)
				(void)cluster_propose(cluster, s);
	}
	wrong = cluster->wrong;
	if (wrong == NULL && cluster->committed == 0)
		wrong = "nothing was ever committed";
	cluster_free(cluster);
	return wrong;
}
