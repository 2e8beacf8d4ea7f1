/*
 * Frames on their way to the net (outbox.h).
 */
#include "raft/outbox.h"

#include "base/fault.h"
#include "base/mem.h"

struct outbox_frame {
	struct list link;
	struct outbox *outbox;
	struct net_send send;
	struct slice piece;
	struct buf octets;
};

void outbox_init(struct outbox *outbox, struct replica_net *net, uint32_t group,
		 uint64_t from, outbox_moved *moved)
{
	*outbox = (struct outbox){
		.net = net,
		.group = group,
		.from = from,
		.moved = moved,
	};
	list_init(&outbox->sends);
}

static void frame_free(struct outbox_frame *frame)
{
	frame->outbox->octets -= frame->octets.len;
	list_remove(&frame->link);
	buf_fini(&frame->octets);
	mem_free(frame);
}

void outbox_fini(struct outbox *outbox)
{
	LIST_FOREACH_SAFE (&outbox->sends, it)
		frame_free(LIST_ENTRY(it, struct outbox_frame, link));
}

static void frame_sent(struct net_send *send, enum err err)
{
	struct outbox_frame *frame =
		container_of(send, struct outbox_frame, send);
	struct outbox *outbox = frame->outbox;
	bool was_full = outbox_is_full(outbox);

	(void)err; /* said again by a timer */
	frame_free(frame);
	if (outbox_is_empty(outbox) || (was_full && !outbox_is_full(outbox)))
		outbox->moved(outbox);
}

void outbox_send(struct outbox *outbox, uint64_t to, struct buf *frame)
{
	struct outbox_frame *it;

	if (outbox->net == NULL || outbox_is_full(outbox)) {
		PROBE("outbox: a frame was dropped");
		buf_clear(frame);
		return;
	}
	it = mem_zalloc(1, sizeof(*it));
	it->outbox = outbox;
	it->octets = *frame;
	*frame = (struct buf){ 0 };
	it->piece = buf_slice(&it->octets);
	it->send = (struct net_send){
		.sent = frame_sent,
		.group = outbox->group,
		.from = outbox->from,
		.to = to,
		.pieces = &it->piece,
		.count = 1,
	};
	outbox->octets += it->octets.len;
	list_append(&outbox->sends, &it->link);
	outbox->net->send(outbox->net, &it->send);
}

bool outbox_is_empty(const struct outbox *outbox)
{
	return list_empty(&outbox->sends);
}

bool outbox_is_full(const struct outbox *outbox)
{
	return outbox->octets >= OUTBOX_MAX;
}
