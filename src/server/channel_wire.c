/*
 * Wires of channels.
 *
 *   owner's loop                         loop of the bulk links
 *     open -------- OPEN --------------->  peer_stream_open
 *     send -------- SEND --------------->  queue, peer_stream_write
 *     frame <------ FRAME --------------   a whole frame; then no octets ...
 *     next -------- NEXT --------------->  ... until here
 *           <------ GONE --------------    the stream has ended
 *     close ------- CLOSE -------------->  peer_stream_close if it has not
 *     ended <------ END ----------------   nothing follows: the wire is freed
 *
 * Both executors keep the order of what is posted, so END is the last that
 * either side sees.
 */
#include "server/channel_wire.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/panic.h"
#include "server/node.h"
#include "server/streams.h"

/*
 * Frames that wait to be sent: an end has one question or answer under way,
 * one CHANGED and one LEAVE.
 */
#define WIRE_OUT_MAX 8

struct wire_message {
	struct task task;
	struct list link; /* in wire->out */
	struct channel_wire *wire;
	enum channel_type type;
	struct buf octets;
	size_t sent;
};

struct channel_wire {
	struct node *node;
	struct executor *home;
	struct executor *bulk;

	/* on the owner's loop */
	const struct channel_wire_ops *ops;
	void *owner;
	bool closed; /* CLOSE was posted */

	/* on the bulk loop */
	struct peer_stream *stream; /* NULL: not yet, or no more */
	uint32_t to;
	struct channel_reader reader;
	struct list out;
	unsigned out_count;
	bool holding; /* the owner has a frame */
};

static struct wire_message *message_new(struct channel_wire *wire)
{
	struct wire_message *message = mem_zalloc(1, sizeof(*message));

	message->wire = wire;
	list_init(&message->link);
	return message;
}

static void message_free(struct wire_message *message)
{
	buf_fini(&message->octets);
	mem_free(message);
}

static struct channel_wire *message_take(struct task *task,
					 struct wire_message **message_r)
{
	*message_r = container_of(task, struct wire_message, task);
	return (*message_r)->wire;
}

static void post(struct channel_wire *wire, struct executor *to, task_run *run)
{
	task_post(to, &message_new(wire)->task, run);
}

/* ---- on the owner's loop ---- */

static void gone(struct task *task)
{
	struct wire_message *message;
	struct channel_wire *wire = message_take(task, &message);

	message_free(message);
	channel_wire_close(wire);
}

static void ended(struct task *task)
{
	struct wire_message *message;
	struct channel_wire *wire = message_take(task, &message);
	const struct channel_wire_ops *ops = wire->ops;
	struct node *node = wire->node;
	void *owner = wire->owner;

	message_free(message);
	mem_free(wire);
	ops->ended(owner);
	atomic_fetch_sub(&node->channels, 1);
}

static void frame_came(struct task *task)
{
	struct wire_message *message;
	struct channel_wire *wire = message_take(task, &message);

	if (!wire->closed)
		wire->ops->frame(wire->owner, message->type, &message->octets);
	message_free(message);
}

/* ---- on the bulk loop ---- */

static void drop_out(struct channel_wire *wire)
{
	struct list *link;

	while ((link = list_take(&wire->out)))
		message_free(LIST_ENTRY(link, struct wire_message, link));
	wire->out_count = 0;
}

static void write_out(struct channel_wire *wire)
{
	while (wire->stream && !list_empty(&wire->out)) {
		struct wire_message *message =
			LIST_ENTRY(wire->out.next, struct wire_message, link);
		struct slice rest =
			slice_from(buf_slice(&message->octets), message->sent);

		message->sent += peer_stream_write(wire->stream, rest);
		if (message->sent < message->octets.len)
			return;
		list_remove(&message->link);
		message_free(message);
		wire->out_count--;
	}
}

/* The stream is no more, or was never there. */
static void stream_is_gone(struct channel_wire *wire)
{
	wire->stream = NULL;
	drop_out(wire);
	post(wire, wire->home, gone);
}

static void break_off(struct channel_wire *wire, const char *why)
{
	peer_stream_close(wire->stream, ERR_SYNTAX, why);
	stream_is_gone(wire);
}

static void give_frame(struct channel_wire *wire)
{
	struct wire_message *message = message_new(wire);

	wire->holding = true;
	message->type = wire->reader.type;
	message->octets = wire->reader.body;
	wire->reader.body = (struct buf){ 0 };
	wire->reader.have = 0;
	wire->reader.length = 0;
	task_post(wire->home, &message->task, frame_came);
}

static size_t stream_octets(struct peer_stream *stream, struct slice in)
{
	struct channel_wire *wire = peer_stream_owner(stream);
	struct slice rest = in;

	if (wire->holding)
		return 0;
	switch (channel_reader_feed(&wire->reader, &rest)) {
	case CHANNEL_READ_MORE:
		break;
	case CHANNEL_READ_DONE:
		give_frame(wire);
		break;
	case CHANNEL_READ_BAD:
		break_off(wire, "no frame of a channel");
		return 0;
	}
	return in.len - rest.len;
}

static void stream_room(struct peer_stream *stream)
{
	write_out(peer_stream_owner(stream));
}

/* Neither end finishes: channels are closed. */
static void stream_finished(struct peer_stream *stream)
{
	break_off(peer_stream_owner(stream), "channels are closed");
}

static void stream_closed(struct peer_stream *stream, enum err err unused_arg,
			  struct slice text unused_arg)
{
	stream_is_gone(peer_stream_owner(stream));
}

static const struct peer_stream_ops stream_ops = {
	.octets = stream_octets,
	.room = stream_room,
	.finished = stream_finished,
	.closed = stream_closed,
};

static void open_run(struct task *task)
{
	struct wire_message *message;
	struct channel_wire *wire = message_take(task, &message);
	struct peer_bulk *bulk = wire->node->bulk;

	if (bulk)
		wire->stream = peer_stream_open(
			bulk, wire->to, PEER_STREAM_CHANNEL,
			buf_slice(&message->octets), &stream_ops, wire);
	message_free(message);
	if (!wire->stream)
		stream_is_gone(wire);
}

static void send_run(struct task *task)
{
	struct wire_message *message;
	struct channel_wire *wire = message_take(task, &message);

	if (!wire->stream) {
		message_free(message);
		return;
	}
	MUST(wire->out_count < WIRE_OUT_MAX);
	wire->out_count++;
	list_append(&wire->out, &message->link);
	write_out(wire);
}

static void next_run(struct task *task)
{
	struct wire_message *message;
	struct channel_wire *wire = message_take(task, &message);

	message_free(message);
	wire->holding = false;
	if (wire->stream)
		peer_stream_resume(wire->stream);
}

static void close_run(struct task *task)
{
	struct wire_message *message;
	struct channel_wire *wire = message_take(task, &message);

	message_free(message);
	if (wire->stream)
		peer_stream_close(wire->stream, ERR_CLOSED, "left");
	wire->stream = NULL;
	drop_out(wire);
	channel_reader_fini(&wire->reader);
	post(wire, wire->home, ended);
}

/* ---- for owners ---- */

static struct channel_wire *wire_new(struct node *node, struct executor *home,
				     const struct channel_wire_ops *ops,
				     void *owner)
{
	struct channel_wire *wire = mem_zalloc(1, sizeof(*wire));

	atomic_fetch_add(&node->channels, 1);
	wire->node = node;
	wire->home = home;
	wire->bulk = node->bulk_loop;
	wire->ops = ops;
	wire->owner = owner;
	list_init(&wire->out);
	return wire;
}

struct channel_wire *channel_wire_open(struct node *node, uint32_t to,
				       const struct channel_hello *hello,
				       struct executor *home,
				       const struct channel_wire_ops *ops,
				       void *owner)
{
	struct channel_wire *wire = wire_new(node, home, ops, owner);
	struct wire_message *message = message_new(wire);

	wire->to = to;
	channel_hello_encode(hello, &message->octets);
	task_post(wire->bulk, &message->task, open_run);
	return wire;
}

struct channel_wire *channel_wire_adopt(struct node *node,
					struct peer_stream *stream,
					struct executor *home,
					const struct channel_wire_ops *ops,
					void *owner)
{
	struct channel_wire *wire = wire_new(node, home, ops, owner);

	wire->stream = stream;
	peer_stream_adopt(stream, &stream_ops, wire);
	return wire;
}

void channel_wire_send(struct channel_wire *wire, struct buf *frames)
{
	struct wire_message *message;

	if (wire->closed) {
		buf_fini(frames);
		return;
	}
	message = message_new(wire);
	message->octets = *frames;
	*frames = (struct buf){ 0 };
	task_post(wire->bulk, &message->task, send_run);
}

void channel_wire_next(struct channel_wire *wire)
{
	if (!wire->closed)
		post(wire, wire->bulk, next_run);
}

void channel_wire_close(struct channel_wire *wire)
{
	if (wire->closed)
		return;
	wire->closed = true;
	post(wire, wire->bulk, close_run);
}
