#include "town.h"

#include "base/mem.h"
#include "base/panic.h"
#include "server/streams.h"

#define FRAMES                                                               \
	(PEER_BIT(PEER_OPEN) | PEER_BIT(PEER_DATA) | PEER_BIT(PEER_CREDIT) | \
	 PEER_BIT(PEER_CLOSE))

#define WIRE_MAX (64u * 1024) /* octets between two nodes, a direction */

uint64_t town_raft_id(unsigned node)
{
	return (uint64_t)(node + 1) << 32 | 1;
}

/* ---- what the couriers ask ---- */

static enum err find_targets(void *arg, uint32_t group,
			     struct courier_targets *targets_r)
{
	const struct town_node *node = arg;
	const struct town *town = node->town;

	*targets_r = (struct courier_targets){ 0 };
	if (town->targets_err)
		return town->targets_err;
	if (group != TOWN_GROUP)
		return ERR_NOTFOUND;
	for (unsigned i = 0; i < town->count; i++) {
		bool voter = town->voters >> i & 1;

		if (!voter && !(town->standbys >> i & 1))
			continue;
		targets_r->at[targets_r->count++] = (struct courier_target){
			.raft_id = town->nodes[i].raft_id
					   ? town->nodes[i].raft_id
					   : town_raft_id(i),
			.node = i + 1,
			.voter = voter,
			.local = i == node->number,
		};
	}
	return ERR_NONE;
}

static uint64_t raft_id(void *arg, uint32_t group)
{
	const struct town_node *node = arg;

	return group == TOWN_GROUP ? node->raft_id : 0;
}

static bool may(void *arg, uint32_t peer, enum courier_right right unused_arg)
{
	const struct town_node *node = arg;

	return !node->town->nodes[peer - 1].may_not;
}

static void came(void *arg, const struct sha256 *hash unused_arg)
{
	struct town_node *node = arg;

	node->came++;
}

static const struct courier_ops ops = { find_targets, raft_id, may, came };

/* ---- links ---- */

static struct town_link *link_of(struct town *town, unsigned a, unsigned b)
{
	return a < b ? &town->links[a][b] : &town->links[b][a];
}

static struct peer_stream *bulk_open(struct peer_bulk *bulk, uint32_t to,
				     uint8_t kind, struct slice head,
				     const struct peer_stream_ops *stream_ops,
				     void *owner)
{
	struct town_node *node = container_of(bulk, struct town_node, bulk);
	struct town_link *link = link_of(node->town, node->number, to - 1);

	MUST(to - 1 != node->number);
	if (!link->up)
		return NULL;
	node->opened++;
	node->fetched += kind == PEER_STREAM_FETCH;
	return peer_mux_open(&link->ends[node->number > to - 1].mux, kind, head,
			     stream_ops, owner);
}

static void bulk_accept(struct peer_bulk *bulk, uint8_t kind,
			peer_accept *accept, void *arg)
{
	struct town_node *node = container_of(bulk, struct town_node, bulk);

	node->acceptors.by_kind[kind].accept = accept;
	node->acceptors.by_kind[kind].arg = arg;
}

static void no_wake(void *arg unused_arg)
{
}

void town_join(struct town *town, unsigned a, unsigned b)
{
	struct town_link *link = link_of(town, a, b);
	unsigned low = a < b ? a : b;
	unsigned high = a < b ? b : a;

	MUST(!link->up);
	link->up = true;
	for (unsigned i = 0; i < 2; i++) {
		struct town_node *own = &town->nodes[i == 0 ? low : high];
		struct peer_mux_config config = {
			.odd = i == 0,
			.node = (i == 0 ? high : low) + 1,
			.acceptors = &own->acceptors,
			.wake = no_wake,
		};

		peer_mux_init(&link->ends[i].mux, &config);
		peer_reader_init(&link->ends[i].reader, FRAMES);
	}
}

void town_cut(struct town *town, unsigned a, unsigned b)
{
	struct town_link *link = link_of(town, a, b);

	if (!link->up)
		return;
	link->up = false;
	for (unsigned i = 0; i < 2; i++)
		peer_mux_end(&link->ends[i].mux, "cut");
	for (unsigned i = 0; i < 2; i++) {
		peer_mux_fini(&link->ends[i].mux);
		peer_reader_fini(&link->ends[i].reader);
		buf_fini(&link->ends[i].wire);
	}
}

void town_isolate(struct town *town, unsigned node)
{
	for (unsigned i = 0; i < town->count; i++)
		if (i != node)
			town_cut(town, node, i);
}

/* Octets that came are read by the node that is not frozen. */
static bool end_read(struct town_end *end)
{
	struct slice in = buf_slice(&end->wire);
	struct peer_frame frame;
	bool any = in.len > 0;

	while (in.len > 0) {
		enum peer_feed feed =
			peer_reader_feed(&end->reader, &in, &frame);

		MUST(feed != PEER_FEED_BAD);
		if (feed == PEER_FEED_FRAME)
			MUST(peer_mux_feed(&end->mux, &frame) == ERR_NONE);
	}
	buf_clear(&end->wire);
	return any;
}

static bool end_write(struct town_end *end, struct town_end *other)
{
	size_t before = other->wire.len;

	if (before < WIRE_MAX)
		(void)peer_mux_turn(&end->mux, &other->wire, WIRE_MAX);
	return other->wire.len > before;
}

static bool link_step(struct town *town, unsigned low, unsigned high)
{
	struct town_link *link = &town->links[low][high];
	bool any = false;

	if (!link->up)
		return false;
	if (!town->nodes[low].frozen) {
		any |= end_read(&link->ends[0]);
		any |= end_write(&link->ends[0], &link->ends[1]);
	}
	if (!town->nodes[high].frozen) {
		any |= end_read(&link->ends[1]);
		any |= end_write(&link->ends[1], &link->ends[0]);
	}
	return any;
}

/* ---- time ---- */

bool town_step(struct town *town)
{
	bool any = false;

	for (unsigned i = 0; i < town->count; i++)
		if (!town->nodes[i].frozen)
			any |= task_queue_step(&town->nodes[i].world.queue);
	for (unsigned a = 0; a < town->count; a++)
		for (unsigned b = a + 1; b < town->count; b++)
			any |= link_step(town, a, b);
	return any;
}

void town_run(struct town *town)
{
	unsigned steps = 0;

	while (town_step(town))
		MUST(++steps < 1000000);
}

void town_pass(struct town *town, uint64_t ms)
{
	while (ms > 0) {
		uint64_t step = ms < 1000 ? ms : 1000;

		clock_manual_advance(&town->clock, step);
		for (unsigned i = 0; i < town->count; i++)
			if (!town->nodes[i].frozen)
				timers_run(&town->nodes[i].timers);
		town_run(town);
		ms -= step;
	}
}

/* ---- life ---- */

static void courier_make(struct town_node *node)
{
	struct courier_config config = {
		.bodies = node->world.store,
		.bulk = &node->bulk,
		.loop = &node->world.queue.executor,
		.pool = &node->world.queue.executor,
		.timers = &node->timers,
		.clock = &node->town->clock.clock,
		.ops = &ops,
		.arg = node,
	};

	node->courier = courier_new(&config);
}

struct town *town_new(unsigned count)
{
	struct town *town = mem_zalloc(1, sizeof(*town));

	town->count = count;
	town->voters = (1u << count) - 1;
	clock_manual_init(&town->clock, 1000, 1000);
	for (unsigned i = 0; i < count; i++) {
		struct town_node *node = &town->nodes[i];

		node->town = town;
		node->number = i;
		node->raft_id = town_raft_id(i);
		node->bulk.open = bulk_open;
		node->bulk.accept = bulk_accept;
		timers_init(&node->timers, &town->clock.clock);
		body_world_init(&node->world);
		MUST(body_world_open(&node->world, false) == ERR_NONE);
		courier_make(node);
	}
	for (unsigned a = 0; a < count; a++)
		for (unsigned b = a + 1; b < count; b++)
			town_join(town, a, b);
	return town;
}

void town_free(struct town **townp)
{
	struct town *town = *townp;

	*townp = NULL;
	for (unsigned i = 0; i < town->count; i++)
		town->nodes[i].frozen = false;
	town_run(town);
	for (unsigned i = 0; i < town->count; i++)
		courier_stop(town->nodes[i].courier);
	for (unsigned i = 0; i < town->count; i++)
		town_isolate(town, i);
	town_run(town);
	town_pass(town, 60000);
	for (unsigned i = 0; i < town->count; i++) {
		struct town_node *node = &town->nodes[i];

		MUST(!courier_is_busy(node->courier));
		courier_free(&node->courier);
		timers_fini(&node->timers);
		body_world_fini(&node->world);
	}
	mem_free(town);
}

/* ---- stores ---- */

uint64_t town_who_has(struct town *town, struct slice octets)
{
	uint64_t who = 0;

	for (unsigned i = 0; i < town->count; i++)
		if (body_world_is(&town->nodes[i].world, octets))
			who |= 1u << i;
	return who;
}

void town_power_cut(struct town *town, unsigned number)
{
	struct town_node *node = &town->nodes[number];

	town_isolate(town, number);
	courier_stop(node->courier);
	/* What is under way ends on a disk that takes nothing any more. */
	body_world_crash(&node->world, NULL, DISK_SIM_DROP);
	while (courier_is_busy(node->courier)) {
		clock_manual_advance(&town->clock, 1000);
		timers_run(&node->timers);
	}
	courier_free(&node->courier);
	MUST(body_world_open(&node->world, false) == ERR_NONE);
	courier_make(node);
}

void town_flip(struct town *town, unsigned node, uint64_t offset)
{
	disk_sim_flip(town->nodes[node].world.sim, body_world_segment(0),
		      offset, 0x10);
}
