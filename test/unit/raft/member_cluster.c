/*
 * A cluster whose members change (member_cluster.h).
 */
#include "member_cluster.h"

#include <string.h>

#include "base/mem.h"
#include "base/panic.h"
#include "io/disk.h"
#include "raft/replica_discard.h"
#include "raft/replica_impl.h"
#include "raft/wal_read.h"
#include "scratch.h"
#include "store/copy.h"

#define MANAGER_MS 100

static struct mc *mc_of(struct rc_member *member)
{
	return member->node->rc->extras.owner;
}

struct rc_member *mc_member(struct mc *mc, unsigned node)
{
	return &mc->rc->nodes[node].members[0];
}

static uint64_t raft_id_of(struct mc *mc, unsigned node)
{
	return (uint64_t)(node + 1) << 32 | mc_member(mc, node)->incarnation;
}

static bool is_up(struct mc *mc, unsigned node)
{
	return mc->rc->nodes[node].up && mc_member(mc, node)->replica != NULL;
}

/* ---- hooks ---- */

static void want_import(void *arg, struct replica *replica,
			const struct replica_want *want)
{
	struct rc_member *member = arg;

	(void)replica;
	(void)want;
	mc_of(member)->nodes[member->node->index].wanted = true;
}

static bool have(void *arg, const struct sha256 *hash)
{
	struct rc_member *member = arg;

	(void)hash;
	return !mc_of(member)->nodes[member->node->index].has_none;
}

static void tailor(struct rc_member *member, struct replica_options *options)
{
	options->hooks.want_import = want_import;
	options->have = have;
	options->have_arg = member;
}

/* ---- imports ---- */

static void import_end(struct mc *mc, unsigned node)
{
	struct mc_node *it = &mc->nodes[node];

	if (it->reader != NULL)
		wal_reader_close(&it->reader);
	if (it->copy != NULL)
		store_copy_close(&it->copy);
	buf_clear(&it->piece);
	it->piece_waits = false;
	it->source = -1;
}

static void import_give_up(struct mc *mc, unsigned node)
{
	import_end(mc, node);
	replica_import_cancel(mc_member(mc, node)->replica);
	mc->nodes[node].wanted = true;
}

static void copy_begun(void *arg, enum err err)
{
	struct mc_node *it = arg;

	it->waits = false;
	it->wanted = err != ERR_NONE;
}

static void copy_ended(void *arg, enum err err)
{
	struct mc_node *it = arg;

	it->waits = false;
	it->copies += err == ERR_NONE;
	it->wanted = err != ERR_NONE;
}

/* A peer that is up, can be reached and has applied enough. */
static int source_for(struct mc *mc, unsigned node,
		      const struct replica_want *want)
{
	unsigned first = (unsigned)rc_draw(mc->rc, 0, RC_NODES_MAX - 1);

	for (unsigned i = 0; i < mc->rc->options.nodes; i++) {
		unsigned peer = (first + i) % mc->rc->options.nodes;
		struct replica *replica;

		if (peer == node || !is_up(mc, peer) ||
		    mc->rc->links[peer][node].cut)
			continue;
		replica = mc_member(mc, peer)->replica;
		if (replica->raft_open && !replica->importing &&
		    replica_applied(replica) >= want->index)
			return (int)peer;
	}
	return -1;
}

static void import_begin(struct mc *mc, unsigned node,
			 const struct replica_want *want)
{
	struct mc_node *it = &mc->nodes[node];
	int source = source_for(mc, node, want);

	if (source < 0)
		return;
	it->source = source;
	it->wanted = false;
	it->at = 0;
	if (!mc->only_copies)
		it->reader = replica_export_entries(
			mc_member(mc, (unsigned)source)->replica, want->next);
}

/* The entries are gone: a copy. */
static void import_copy(struct mc *mc, unsigned node)
{
	struct mc_node *it = &mc->nodes[node];
	struct replica *source = mc_member(mc, (unsigned)it->source)->replica;

	if (it->reader != NULL)
		wal_reader_close(&it->reader);
	if (replica_export_copy(source, &it->copy) != ERR_NONE) {
		import_give_up(mc, node);
		return;
	}
	it->waits = true;
	replica_import_copy_begin(mc_member(mc, node)->replica,
				  store_copy_size(it->copy), copy_begun, it);
}

static void import_entries(struct mc *mc, unsigned node)
{
	struct mc_node *it = &mc->nodes[node];
	struct replica *replica = mc_member(mc, node)->replica;
	enum err err = ERR_NONE;

	if (!it->piece_waits)
		err = replica_export_piece(it->reader, 1, &it->piece);
	if (err == ERR_NOTFOUND) {
		import_copy(mc, node);
		return;
	}
	if (err != ERR_NONE) {
		import_end(mc, node);
		return;
	}
	err = replica_import_entries(replica, buf_slice(&it->piece));
	it->piece_waits = err == ERR_BUSY;
	it->entries += err == ERR_NONE;
	if (err == ERR_STALE)
		import_end(mc, node);
	else if (err != ERR_NONE && err != ERR_BUSY)
		mc->rc->wrong = "a piece of an import is refused";
}

static void import_piece(struct mc *mc, unsigned node)
{
	struct mc_node *it = &mc->nodes[node];
	struct replica *replica = mc_member(mc, node)->replica;
	uint8_t piece[16 * 1024];
	size_t got;

	MUST(store_copy_read(it->copy, it->at, piece, sizeof piece, &got) ==
	     ERR_NONE);
	MUST(replica_import_copy_write(replica, slice_of(piece, got)) ==
	     ERR_NONE);
	it->at += got;
	if (it->at < store_copy_size(it->copy))
		return;
	import_end(mc, node);
	it->waits = true;
	replica_import_copy_end(replica, copy_ended, it);
}

static void import_step(struct mc *mc, unsigned node)
{
	struct mc_node *it = &mc->nodes[node];
	struct replica_want want;

	if (!is_up(mc, node) || it->waits)
		return;
	if (it->source >= 0 && (!is_up(mc, (unsigned)it->source) ||
				mc->rc->links[it->source][node].cut)) {
		import_give_up(mc, node);
		return;
	}
	if (it->copy != NULL) {
		import_piece(mc, node);
	} else if (it->reader != NULL) {
		import_entries(mc, node);
	} else if (it->source >= 0) {
		import_copy(mc, node);
	} else if (it->wanted) {
		if (replica_import_wanted(mc_member(mc, node)->replica, &want))
			import_begin(mc, node, &want);
		else
			it->wanted = false;
	}
}

/* ---- the manager ---- */

static void change_done(struct replica_change *change)
{
	struct mc_change *it = change->owner;
	struct mc *mc = it->mc;

	mc->under_way = false;
	mc->last_err = change->err;
	mc->changes += change->err == ERR_NONE;
	mc->refused += change->err != ERR_NONE;
	mc->missing_refused += change->err == ERR_MISSING_BODY;
	list_remove(&it->link);
	mem_free(it);
}

static void change_begin(struct mc *mc, int leader,
			 const struct replica_conf *conf,
			 enum replica_change_kind kind, unsigned node,
			 enum replica_role role)
{
	static const char *const names[RC_NODES_MAX] = { "n1", "n2", "n3", "n4",
							 "n5", "n6", "n7" };
	struct mc_change *it = mem_zalloc(1, sizeof(*it));
	struct rc_node *at = &mc->rc->nodes[leader];

	it->mc = mc;
	it->change = (struct replica_change){
		.home = &at->queue.executor,
		.owner = it,
		.kind = kind,
		.conf_index = conf->index,
		.raft_id = raft_id_of(mc, node),
		.address = names[node],
		.role = role,
	};
	list_append(&mc->open, &it->link);
	mc->under_way = true;
	mc->asked_at_ms = mc->rc->clock.mono;
	replica_change(at->members[0].replica, &it->change, change_done);
}

static int role_in(struct mc *mc, const struct replica_conf *conf,
		   unsigned node)
{
	for (unsigned i = 0; i < conf->count; i++)
		if (conf->servers[i].raft_id == raft_id_of(mc, node))
			return (int)conf->servers[i].role;
	return -1;
}

/* One step towards the wanted shape; false: it is there. */
static bool manage_node(struct mc *mc, int leader,
			const struct replica_conf *conf, unsigned node)
{
	int role = role_in(mc, conf, node);

	if (node < mc->voters) {
		if (role == REPLICA_VOTER)
			return false;
		if (role < 0)
			change_begin(mc, leader, conf, REPLICA_ADD, node, 0);
		else
			change_begin(mc, leader, conf, REPLICA_ASSIGN, node,
				     role == REPLICA_SPARE ? REPLICA_STANDBY
							   : REPLICA_VOTER);
		return true;
	}
	if (role < 0 || (role == REPLICA_SPARE && mc->keeps_spares))
		return false;
	if (role == REPLICA_VOTER && (int)node == leader) {
		if (replica_transfer_any(mc_member(mc, node)->replica) ==
		    ERR_NONE)
			mc->asked_at_ms = mc->rc->clock.mono;
		return true;
	}
	if (role == REPLICA_VOTER || mc->keeps_spares)
		change_begin(mc, leader, conf, REPLICA_ASSIGN, node,
			     REPLICA_SPARE);
	else
		change_begin(mc, leader, conf, REPLICA_REMOVE, node, 0);
	return true;
}

/* A replica that was thrown away; false: none. */
static bool manage_old(struct mc *mc, int leader,
		       const struct replica_conf *conf)
{
	for (unsigned i = 0; i < conf->count; i++) {
		uint64_t id = conf->servers[i].raft_id;

		if (id == raft_id_of(mc, (unsigned)(id >> 32) - 1))
			continue;
		change_begin(mc, leader, conf, REPLICA_REMOVE, 0, 0);
		LIST_ENTRY(mc->open.prev, struct mc_change, link)
			->change.raft_id = id;
		return true;
	}
	return false;
}

/* False: the group has the wanted shape. */
static bool manage(struct mc *mc)
{
	struct replica_conf *conf;
	int leader = rc_leader(mc->rc, 0, 0);
	bool more = true;

	if (leader < 0 || mc->under_way)
		return true;
	if (mc->rc->clock.mono - mc->asked_at_ms < MANAGER_MS)
		return true;
	conf = mem_zalloc(1, sizeof(*conf));
	replica_get_conf(mc_member(mc, (unsigned)leader)->replica, conf);
	if (conf->committed) {
		more = manage_old(mc, leader, conf);
		for (unsigned i = 0; i < mc->rc->options.nodes && !more; i++)
			more = manage_node(mc, leader, conf, i);
	}
	mem_free(conf);
	return more;
}

/* ---- running ---- */

static bool step(struct mc *mc)
{
	bool more = true;

	rc_step(mc->rc);
	if (rc_draw(mc->rc, 0, 7) != 0)
		return true;
	if (!mc->frozen)
		more = manage(mc);
	for (unsigned i = 0; i < mc->rc->options.nodes; i++)
		if (rc_draw(mc->rc, 0, 3) == 0)
			import_step(mc, i);
	return more;
}

void mc_run(struct mc *mc, uint64_t ms)
{
	uint64_t end = mc->rc->clock.mono + ms;

	while (mc->rc->clock.mono < end)
		step(mc);
}

bool mc_settle(struct mc *mc, uint64_t ms)
{
	uint64_t end = mc->rc->clock.mono + ms;

	while (mc->rc->clock.mono < end && mc->rc->wrong == NULL)
		if (!step(mc))
			return true;
	return false;
}

struct mc_change *mc_begin(struct mc *mc, enum replica_change_kind kind,
			   unsigned node, enum replica_role role)
{
	struct replica_conf *conf = mem_zalloc(1, sizeof(*conf));
	int leader = rc_leader(mc->rc, 0, 5000);

	MUST(leader >= 0 && !mc->under_way);
	replica_get_conf(mc_member(mc, (unsigned)leader)->replica, conf);
	change_begin(mc, leader, conf, kind, node, role);
	mem_free(conf);
	return LIST_ENTRY(mc->open.prev, struct mc_change, link);
}

enum err mc_do(struct mc *mc, enum replica_change_kind kind, unsigned node,
	       enum replica_role role)
{
	mc_begin(mc, kind, node, role);
	while (mc->under_way)
		mc_run(mc, 1);
	return mc->last_err;
}

void mc_bury(struct mc *mc, unsigned node)
{
	struct task_queue *queue = &mc->rc->nodes[node].queue;

	LIST_FOREACH_SAFE (&mc->open, it) {
		struct mc_change *change =
			LIST_ENTRY(it, struct mc_change, link);

		if (change->change.home != &queue->executor)
			continue;
		list_remove(it);
		mem_free(change);
		mc->under_way = false;
	}
	import_end(mc, node);
	mc->nodes[node].waits = false;
	mc->nodes[node].wanted = false;
	for (unsigned i = 0; i < mc->rc->options.nodes; i++)
		if (mc->nodes[i].source == (int)node && is_up(mc, i) &&
		    !mc->nodes[i].waits)
			import_give_up(mc, i);
}

/* ---- rebuilding ---- */

static void discard_done(struct replica_discard *discard)
{
	discard->path = NULL;
}

void mc_rebuild(struct mc *mc, unsigned node)
{
	struct rc_member *member = mc_member(mc, node);
	char *parent = mem_dup(member->dir, strlen(member->dir));
	struct buf quarantine = { 0 };
	char *old;
	struct replica_discard discard = {
		.group = 1,
		.wal = member->node->wal,
		.log_loop = &member->node->queue.executor,
		.pool = &member->node->queue.executor,
		.disk = io_disk(),
		.path = member->dir,
		.parents = { parent, parent },
	};

	*strrchr(parent, '/') = '\0';
	mc_bury(mc, node);
	rc_replica_end(member);
	buf_printf(&quarantine, "%s.old.%u", member->dir, member->incarnation);
	discard.quarantine = buf_cstr(&quarantine);
	replica_discard(&discard, discard_done);
	while (discard.path != NULL)
		rc_step(mc->rc);
	MUST(discard.err == ERR_NONE);
	old = mem_dup(discard.quarantine, quarantine.len);
	scratch_free(&old);
	buf_fini(&quarantine);
	mem_free(parent);
	member->incarnation++;
	rc_replica_begin(member);
}

void mc_init(struct mc *mc, uint64_t seed, unsigned nodes, unsigned voters)
{
	const struct rc_options options = {
		.seed = seed,
		.nodes = nodes,
		.replicas = voters,
	};
	const struct rc_extras extras = {
		.empties = nodes - voters,
		.tailor = tailor,
		.owner = mc,
	};

	*mc = (struct mc){ .voters = voters };
	list_init(&mc->open);
	for (unsigned i = 0; i < RC_NODES_MAX; i++)
		mc->nodes[i].source = -1;
	mc->rc = rc_new_with(&options, &extras);
}

void mc_fini(struct mc *mc)
{
	for (unsigned i = 0; i < mc->rc->options.nodes; i++) {
		import_end(mc, i);
		buf_fini(&mc->nodes[i].piece);
	}
	rc_free(mc->rc);
	while (!list_empty(&mc->open)) {
		struct list *link = list_take(&mc->open);

		mem_free(LIST_ENTRY(link, struct mc_change, link));
	}
}

const char *mc_compare(struct mc *mc)
{
	uint64_t first = 0;

	for (unsigned i = 0; i < mc->voters; i++) {
		uint64_t hash;

		if (replica_env(mc_member(mc, i)->replica) == NULL)
			return "a member has no state";
		hash = rc_state_hash(mc_member(mc, i));
		if (i > 0 && hash != first)
			return "two members differ";
		first = hash;
	}
	return NULL;
}
