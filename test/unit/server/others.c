#include "others.h"

#include <string.h>

#include "base/mem.h"
#include "base/panic.h"
#include "peer/frame.h"
#include "peer/mux.h"
#include "server/courier_impl.h"
#include "server/peers.h"
#include "server/streams.h"

#define BODIES 64
#define FRAMES                                                               \
	(PEER_BIT(PEER_OPEN) | PEER_BIT(PEER_DATA) | PEER_BIT(PEER_CREDIT) | \
	 PEER_BIT(PEER_CLOSE))

struct kept {
	struct sha256 hash;
	struct buf octets;
};

struct other {
	struct others *others;
	uint32_t node;
	struct peer_acceptors acceptors; /* the other node's */
	struct peer_mux near;            /* the rig's end */
	struct peer_mux far;
	struct kept bodies[BODIES];
	_Atomic unsigned count;
	_Atomic unsigned fetched;
	_Atomic bool refuses;
};

/* A stream at the far end. */
struct talker {
	struct other *other;
	struct peer_stream *stream;
	uint8_t kind;
	struct buf in;
	struct buf out;
};

struct others {
	struct rig *rig;
	struct peer_bulk bulk;
	struct peer_acceptors none; /* nobody opens streams to the rig */
	struct other two[2];
	struct task pump;
	bool pumping;
	struct task task;
	sem_t done;
	struct courier_ops ops;
	_Atomic bool without_own;
};

/* One a test's process: the table of functions has no argument of ours. */
static struct others *the_others;

/* ---- the far ends ---- */

static struct kept *find(struct other *other, const uint8_t *hash)
{
	unsigned count = atomic_load(&other->count);

	for (unsigned i = 0; i < count; i++)
		if (memcmp(other->bodies[i].hash.octets, hash, SHA256_SIZE) ==
		    0)
			return &other->bodies[i];
	return NULL;
}

static void keep(struct other *other, struct slice octets)
{
	unsigned count = atomic_load(&other->count);
	struct kept *kept = &other->bodies[count];

	MUST(count < BODIES);
	sha256(octets, &kept->hash);
	buf_add_slice(&kept->octets, octets);
	atomic_store(&other->count, count + 1);
}

static size_t far_octets(struct peer_stream *stream, struct slice in)
{
	struct talker *talker = peer_stream_owner(stream);

	buf_add_slice(&talker->in, in);
	return in.len;
}

static void far_say(struct talker *talker)
{
	size_t took =
		peer_stream_write(talker->stream, buf_slice(&talker->out));

	buf_drop(&talker->out, took);
	if (talker->out.len == 0)
		peer_stream_finish(talker->stream);
}

static void far_room(struct peer_stream *stream)
{
	struct talker *talker = peer_stream_owner(stream);

	if (talker->out.len)
		far_say(talker);
}

static void far_finished(struct peer_stream *stream)
{
	struct talker *talker = peer_stream_owner(stream);
	struct other *other = talker->other;
	struct sha256 hash;

	if (talker->kind == PEER_STREAM_FETCH)
		return;
	if (talker->kind == PEER_STREAM_BODY) {
		keep(other, buf_slice(&talker->in));
		sha256(buf_slice(&talker->in), &hash);
		courier_answer_encode(&hash, talker->in.len, &talker->out);
	}
	for (size_t at = 0;
	     talker->kind == PEER_STREAM_HAVE && at < talker->in.len;
	     at += SHA256_SIZE)
		buf_add_octet(&talker->out,
			      find(other, talker->in.data + at) != NULL);
	far_say(talker);
}

static void talker_free(struct talker *talker)
{
	buf_fini(&talker->in);
	buf_fini(&talker->out);
	mem_free(talker);
}

static void far_closed(struct peer_stream *stream, enum err err unused_arg,
		       struct slice text unused_arg)
{
	talker_free(peer_stream_owner(stream));
}

static const struct peer_stream_ops far_ops = {
	.octets = far_octets,
	.room = far_room,
	.finished = far_finished,
	.closed = far_closed,
};

static struct talker *talker_new(struct other *other,
				 struct peer_stream *stream, uint8_t kind)
{
	struct talker *talker = mem_zalloc(1, sizeof(*talker));

	talker->other = other;
	talker->stream = stream;
	talker->kind = kind;
	peer_stream_adopt(stream, &far_ops, talker);
	return talker;
}

static void accept_body(void *arg, struct peer_stream *stream,
			struct slice octets)
{
	struct other *other = arg;
	struct courier_body_head head;

	MUST(courier_body_head_decode(octets, &head) == ERR_NONE);
	MUST(head.to >> 32 == other->node);
	if (atomic_load(&other->refuses))
		peer_stream_close(stream, ERR_FULL, "full");
	else
		talker_new(other, stream, PEER_STREAM_BODY);
}

static void accept_have(void *arg, struct peer_stream *stream,
			struct slice octets unused_arg)
{
	talker_new(arg, stream, PEER_STREAM_HAVE);
}

static void accept_fetch(void *arg, struct peer_stream *stream,
			 struct slice octets)
{
	struct other *other = arg;
	struct courier_fetch_head head;
	struct talker *talker;
	struct kept *kept;

	MUST(courier_fetch_head_decode(octets, &head) == ERR_NONE);
	atomic_fetch_add(&other->fetched, 1);
	kept = find(other, head.hash.octets);
	if (!kept) {
		peer_stream_close(stream, ERR_MISSING_BODY, "not here");
		return;
	}
	talker = talker_new(other, stream, PEER_STREAM_FETCH);
	courier_length_encode(kept->octets.len, &talker->out);
	buf_add_slice(&talker->out, buf_slice(&kept->octets));
	far_say(talker);
}

/* ---- links: on the bulk loop ---- */

static struct executor *loop_of(struct others *others)
{
	return io_loop_executor(peers_bulk_loop(others->rig->node->peers));
}

/* All frames of one end to the other; false: there were none. */
static bool carry(struct peer_mux *from, struct peer_mux *to)
{
	struct buf out = { 0 };
	struct peer_reader reader;
	struct peer_frame frame;
	struct slice in;
	bool any;

	(void)peer_mux_turn(from, &out, 65536);
	any = out.len > 0;
	in = buf_slice(&out);
	peer_reader_init(&reader, FRAMES);
	while (in.len > 0)
		if (peer_reader_feed(&reader, &in, &frame) == PEER_FEED_FRAME)
			MUST(peer_mux_feed(to, &frame) == ERR_NONE);
	peer_reader_fini(&reader);
	buf_fini(&out);
	return any;
}

static void pump_run(struct task *task)
{
	struct others *others = container_of(task, struct others, pump);
	bool any = true;

	while (any) {
		any = false;
		for (unsigned i = 0; i < 2; i++) {
			any |= carry(&others->two[i].near, &others->two[i].far);
			any |= carry(&others->two[i].far, &others->two[i].near);
		}
	}
	others->pumping = false;
}

static void wake(void *arg)
{
	struct others *others = arg;

	if (others->pumping)
		return;
	others->pumping = true;
	task_post(loop_of(others), &others->pump, pump_run);
}

static struct peer_stream *bulk_open(struct peer_bulk *bulk, uint32_t node,
				     uint8_t kind, struct slice head,
				     const struct peer_stream_ops *ops,
				     void *owner)
{
	struct others *others = container_of(bulk, struct others, bulk);

	MUST(node == 2 || node == 3);
	return peer_mux_open(&others->two[node - 2].near, kind, head, ops,
			     owner);
}

/* ---- where bodies belong: in the place of the directory ---- */

static void add_target(struct courier_targets *targets, uint64_t raft_id)
{
	targets->at[targets->count++] = (struct courier_target){
		.raft_id = raft_id,
		.node = (uint32_t)(raft_id >> 32),
		.voter = true,
		.local = raft_id >> 32 == 1,
	};
}

static enum err find_targets(void *arg, uint32_t group,
			     struct courier_targets *targets_r)
{
	struct others *others = the_others;

	*targets_r = (struct courier_targets){ 0 };
	MUST(arg == others->rig->node);
	if (!atomic_load(&others->without_own))
		add_target(targets_r, node_raft_id(arg, group));
	for (uint64_t node = 2; node <= 3; node++)
		add_target(targets_r, node << 32 | 1);
	return ERR_NONE;
}

void others_vote(struct others *others, bool own)
{
	atomic_store(&others->without_own, !own);
}

/* ---- life ---- */

static void other_init(struct others *others, struct other *other,
		       uint32_t node)
{
	struct peer_mux_config config = {
		.odd = true,
		.node = node,
		.acceptors = &others->none,
		.wake = wake,
		.arg = others,
	};

	other->others = others;
	other->node = node;
	other->acceptors.by_kind[PEER_STREAM_BODY].accept = accept_body;
	other->acceptors.by_kind[PEER_STREAM_BODY].arg = other;
	other->acceptors.by_kind[PEER_STREAM_HAVE].accept = accept_have;
	other->acceptors.by_kind[PEER_STREAM_HAVE].arg = other;
	other->acceptors.by_kind[PEER_STREAM_FETCH].accept = accept_fetch;
	other->acceptors.by_kind[PEER_STREAM_FETCH].arg = other;
	peer_mux_init(&other->near, &config);
	config.odd = false;
	config.node = 1;
	config.acceptors = &other->acceptors;
	peer_mux_init(&other->far, &config);
}

static void connect_run(struct task *task)
{
	struct others *others = container_of(task, struct others, task);
	struct courier_config *config = &others->rig->node->courier->config;

	others->ops = *config->ops;
	others->ops.targets = find_targets;
	config->ops = &others->ops;
	config->bulk = &others->bulk;
	MUST(sem_post(&others->done) == 0);
}

struct others *others_new(struct rig *rig)
{
	struct others *others = mem_zalloc(1, sizeof(*others));

	the_others = others;
	others->rig = rig;
	others->bulk.open = bulk_open;
	MUST(sem_init(&others->done, 0, 0) == 0);
	for (uint32_t node = 2; node <= 3; node++)
		other_init(others, &others->two[node - 2], node);
	task_post(loop_of(others), &others->task, connect_run);
	while (sem_wait(&others->done) != 0)
		;
	return others;
}

void others_free(struct others **othersp)
{
	struct others *others = *othersp;

	*othersp = NULL;
	for (unsigned i = 0; i < 2; i++) {
		struct other *other = &others->two[i];

		peer_mux_end(&other->near, "over");
		peer_mux_end(&other->far, "over");
		peer_mux_fini(&other->near);
		peer_mux_fini(&other->far);
		for (unsigned n = 0; n < other->count; n++)
			buf_fini(&other->bodies[n].octets);
	}
	MUST(sem_destroy(&others->done) == 0);
	mem_free(others);
}

void others_put(struct others *others, uint32_t node, struct slice octets)
{
	keep(&others->two[node - 2], octets);
}

unsigned others_count(struct others *others, uint32_t node)
{
	return atomic_load(&others->two[node - 2].count);
}

unsigned others_fetched(struct others *others, uint32_t node)
{
	return atomic_load(&others->two[node - 2].fetched);
}

void others_refuse(struct others *others, uint32_t node, bool refuse)
{
	atomic_store(&others->two[node - 2].refuses, refuse);
}
