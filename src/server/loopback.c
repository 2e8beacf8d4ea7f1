/*
 * The loopback link.
 *
 * A mux wakes: a task is posted that takes what both have to say, a piece from
 * each in turn, and gives it to the other.
 */
#include "server/loopback.h"

#include "base/mem.h"
#include "base/panic.h"
#include "peer/frame.h"

#define LOOPBACK_TURN (64 * 1024) /* octets from one end in a turn */

struct loopback_end {
	struct loopback *loopback;
	struct peer_mux mux;
	struct peer_reader reader; /* of what the other end says */
};

struct loopback {
	struct peer_bulk bulk;
	struct peer_acceptors acceptors;
	struct executor *loop;
	uint32_t node;
	struct loopback_end ends[2]; /* the first one opens */
	struct task task;
	bool posted;
};

static void pump(struct task *task);

static void wake(struct loopback *loopback)
{
	if (loopback->posted)
		return;
	loopback->posted = true;
	task_post(loopback->loop, &loopback->task, pump);
}

static void end_wakes(void *arg)
{
	wake(((struct loopback_end *)arg)->loopback);
}

static void give(struct loopback_end *to, struct slice in)
{
	struct peer_frame frame;

	while (peer_reader_feed(&to->reader, &in, &frame) == PEER_FEED_FRAME)
		MUST(peer_mux_feed(&to->mux, &frame) == ERR_NONE);
	MUST(in.len == 0);
}

static void pump(struct task *task)
{
	struct loopback *loopback = container_of(task, struct loopback, task);
	bool more = false;

	loopback->posted = false;
	for (unsigned i = 0; i < 2; i++) {
		struct buf out = { 0 };

		more |= peer_mux_turn(&loopback->ends[i].mux, &out,
				      LOOPBACK_TURN);
		give(&loopback->ends[1 - i], buf_slice(&out));
		buf_fini(&out);
	}
	if (more)
		wake(loopback);
}

static void end_init(struct loopback *loopback, unsigned i)
{
	struct loopback_end *end = &loopback->ends[i];
	struct peer_mux_config config = {
		.odd = i == 0,
		.node = loopback->node,
		.acceptors = &loopback->acceptors,
		.wake = end_wakes,
		.arg = end,
	};

	end->loopback = loopback;
	peer_mux_init(&end->mux, &config);
	peer_reader_init(&end->reader,
			 PEER_BIT(PEER_OPEN) | PEER_BIT(PEER_DATA) |
				 PEER_BIT(PEER_CREDIT) | PEER_BIT(PEER_CLOSE));
}

static void end_fini(struct loopback_end *end)
{
	peer_mux_fini(&end->mux);
	peer_reader_fini(&end->reader);
}

static struct peer_stream *loopback_open(struct peer_bulk *bulk, uint32_t node,
					 uint8_t kind, struct slice head,
					 const struct peer_stream_ops *ops,
					 void *owner)
{
	struct loopback *loopback = container_of(bulk, struct loopback, bulk);

	if (node != loopback->node)
		return NULL;
	return peer_mux_open(&loopback->ends[0].mux, kind, head, ops, owner);
}

static void loopback_accept(struct peer_bulk *bulk, uint8_t kind,
			    peer_accept *accept, void *arg)
{
	struct loopback *loopback = container_of(bulk, struct loopback, bulk);

	loopback->acceptors.by_kind[kind].accept = accept;
	loopback->acceptors.by_kind[kind].arg = arg;
}

struct loopback *loopback_new(struct executor *loop, uint32_t node)
{
	struct loopback *loopback = mem_zalloc(1, sizeof(*loopback));

	loopback->bulk.open = loopback_open;
	loopback->bulk.accept = loopback_accept;
	loopback->loop = loop;
	loopback->node = node;
	end_init(loopback, 0);
	end_init(loopback, 1);
	return loopback;
}

void loopback_free(struct loopback **loopbackp)
{
	struct loopback *loopback = *loopbackp;

	*loopbackp = NULL;
	if (!loopback)
		return;
	end_fini(&loopback->ends[0]);
	end_fini(&loopback->ends[1]);
	mem_free(loopback);
}

struct peer_bulk *loopback_bulk(struct loopback *loopback)
{
	return &loopback->bulk;
}

void loopback_cut(struct loopback *loopback)
{
	for (unsigned i = 0; i < 2; i++)
		peer_mux_end(&loopback->ends[i].mux, "the link was cut");
	for (unsigned i = 0; i < 2; i++) {
		end_fini(&loopback->ends[i]);
		end_init(loopback, i);
	}
}
