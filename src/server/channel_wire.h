/*
 * One end of a channel (proxy/channel.h): between its stream, which lives on
 * the loop of the bulk links, and its owner, who lives on a session loop.
 *
 * Frames cross the threads whole, one at a time: until the owner has dealt with
 * one, the stream takes no octets for the next, and the other end waits.
 */
#ifndef SERVER_CHANNEL_WIRE_H
#define SERVER_CHANNEL_WIRE_H

#include "base/buf.h"
#include "base/task.h"
#include "peer/mux.h"
#include "proxy/channel.h"

struct node;
struct channel_wire;

/* On the owner's loop. */
struct channel_wire_ops {
	/*
	 * A frame has come; `body` is the owner's to read, or to take, until
	 * he says channel_wire_next.
	 */
	void (*frame)(void *owner, enum channel_type type, struct buf *body);
	/*
	 * The last call: the stream has ended and the wire is gone, or will be
	 * when the call returns.
	 */
	void (*ended)(void *owner);
};

/*
 * Opens a channel to a node; from the owner's loop, on which the callbacks run.
 * If there is no link, `ended` comes at once (late).
 */
struct channel_wire *channel_wire_open(struct node *node, uint32_t to,
				       const struct channel_hello *hello,
				       struct executor *home,
				       const struct channel_wire_ops *ops,
				       void *owner);

/* The other end: of a stream that a peer has opened; on the bulk loop. */
struct channel_wire *channel_wire_adopt(struct node *node,
					struct peer_stream *stream,
					struct executor *home,
					const struct channel_wire_ops *ops,
					void *owner);

/* Sends frames; the buffer is empty afterwards. Dropped if it has ended. */
void channel_wire_send(struct channel_wire *wire, struct buf *frames);

/* The frame was dealt with: the next may come. */
void channel_wire_next(struct channel_wire *wire);

/* No frame comes any more, only `ended`. Twice is once. */
void channel_wire_close(struct channel_wire *wire);

#endif
