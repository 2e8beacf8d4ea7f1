/*
 * Streams over a bulk link: many talks on one connection, none of which can
 * hold up another.
 *
 * Each side opens streams as it likes (ids odd or even); each direction of a
 * stream has a credit of octets that its receiver grants as its owner takes
 * them, so memory is bounded and a slow reader slows down its own stream only.
 * What is to be sent goes round robin in pieces of PEER_DATA_MAX: an import
 * does not starve an upload.
 *
 * Life of a stream: open (or accepted), octets both ways, each side finishes
 * (no more octets from it), and when both have: `closed` with ERR_NONE. Either
 * side may close before, with an error and a text that the other one is told.
 * A link that dies ends all its streams with ERR_UNAVAILABLE: what the other
 * side has done by then is unknown, and the owner's business.
 *
 * Pure: no socket, clock or lock. One thread (the bulk loop's) for everything
 * here; callbacks come from the mux's driver, never from inside a call of the
 * owner. In them everything may be called.
 */
#ifndef PEER_MUX_H
#define PEER_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"
#include "base/tree.h"
#include "peer/frame.h"

/*
 * Octets that may be on the way or wait for the owner, a direction of a stream:
 * enough for 200 MB/s at a round trip of 1 ms. Both sides know it: a part of
 * the protocol's version.
 */
#define PEER_WINDOW (256 * 1024)

/* Octets that a stream holds for its owner before they are sent. */
#define PEER_ROOM (256 * 1024)

/* Open at a time, from each side: channels of all sessions of a frontend. */
#define PEER_STREAMS_MAX 8192

struct peer_mux;
struct peer_stream;

/* What a stream is for: the acceptor is found by it. On the wire. */
#define PEER_STREAM_KINDS 32

/* One table for all streams of a kind of owner. */
struct peer_stream_ops {
	/*
	 * Octets, borrowed until return. Returns how many were taken; if not
	 * all, the stream keeps the rest and pauses: it comes again, first,
	 * after peer_stream_resume. Taking is what gives the peer new credit.
	 */
	size_t (*octets)(struct peer_stream *stream, struct slice in);
	/* There is room again, after a write was not taken whole. Or NULL. */
	void (*room)(struct peer_stream *stream);
	/* All octets have come, the peer has finished. Or NULL. */
	void (*finished)(struct peer_stream *stream);
	/*
	 * Last call, unless the owner closed it: ERR_NONE (both finished), the
	 * peer's error, or ERR_UNAVAILABLE (the link died). `text` is for
	 * people, borrowed until return. The stream is gone after it.
	 */
	void (*closed)(struct peer_stream *stream, enum err err,
		       struct slice text);
};

/* What was given when it was opened or adopted. */
void *peer_stream_owner(const struct peer_stream *stream);

/* The node at the other end. */
uint32_t peer_stream_node(const struct peer_stream *stream);

/* Takes a copy of what there is room for; returns how much. */
size_t peer_stream_write(struct peer_stream *stream, struct slice data);

/*
 * Takes the memory whole if there is any room at all (*buf is empty then), at
 * most PEER_ROOM octets; false: wait for `room`.
 */
must_use bool peer_stream_write_buf(struct peer_stream *stream,
				    struct buf *buf);

/* Octets that a write would take now. */
size_t peer_stream_room(const struct peer_stream *stream);

/* No more octets from this side; those written still go. Once. */
void peer_stream_finish(struct peer_stream *stream);

/*
 * The owner gives the stream up, at once: no callback comes any more, what was
 * not sent is dropped, and the peer hears `err` (not ERR_NONE) and `text`.
 */
void peer_stream_close(struct peer_stream *stream, enum err err,
		       const char *text);

/* `octets` goes on, first with what was not taken; from a later turn. */
void peer_stream_resume(struct peer_stream *stream);

/* ---- accepting ---- */

/*
 * A peer opens a stream; `head` is borrowed until return. Inside the call it is
 * adopted (peer_stream_adopt) or closed.
 */
typedef void peer_accept(void *arg, struct peer_stream *stream,
			 struct slice head);

/* From now on `ops` and `owner` are told; they are this side's end of it. */
void peer_stream_adopt(struct peer_stream *stream,
		       const struct peer_stream_ops *ops, void *owner);

/* Who accepts, by kind; shared by all muxes of a node. */
struct peer_acceptors {
	struct {
		peer_accept *accept; /* NULL: the kind is refused */
		void *arg;
	} by_kind[PEER_STREAM_KINDS];
};

/* ---- opening ---- */

/* How owners reach nodes: server/peers fills it, so does the simulator. */
struct peer_bulk {
	/* Below; from the bulk loop. */
	struct peer_stream *(*open)(struct peer_bulk *bulk, uint32_t node,
				    uint8_t kind, struct slice head,
				    const struct peer_stream_ops *ops,
				    void *owner);
	/* Before links are up: who accepts streams of `kind`. */
	void (*accept)(struct peer_bulk *bulk, uint8_t kind,
		       peer_accept *accept, void *arg);
};

/*
 * A new stream to `node`; `head` (at most PEER_OPEN_MAX - 16 octets) is copied.
 * It may be written to at once. NULL: there is no link, or PEER_STREAMS_MAX
 * are open: nothing has happened.
 */
static inline struct peer_stream *
peer_stream_open(struct peer_bulk *bulk, uint32_t node, uint8_t kind,
		 struct slice head, const struct peer_stream_ops *ops,
		 void *owner)
{
	return bulk->open(bulk, node, kind, head, ops, owner);
}

/* ---- the mux, for its driver ---- */

struct peer_mux_config {
	bool odd;      /* this side's ids; the dialer's are */
	uint32_t node; /* at the other end */
	const struct peer_acceptors *acceptors; /* outlive the mux */
	/* There is something for peer_mux_turn to do; any number of times. */
	void (*wake)(void *arg);
	void *arg;
};

struct peer_mux {
	struct peer_mux_config config;
	struct tree streams; /* by id */
	struct list ready;   /* have something to send, in turn */
	struct list resumed; /* their owners want octets again */
	struct list gone;    /* freed at the end of a call */
	uint32_t next_id;
	uint32_t peer_id; /* the highest that the peer has opened */
	unsigned own_count;
	unsigned peer_count;
	unsigned depth; /* calls of ours on the stack */
	bool dead;
	char why[80];
};

/* No streams yet; `config` is copied. */
void peer_mux_init(struct peer_mux *mux, const struct peer_mux_config *config);

/* Ended by peer_mux_end before. */
void peer_mux_fini(struct peer_mux *mux);

/* See peer_stream_open. */
struct peer_stream *peer_mux_open(struct peer_mux *mux, uint8_t kind,
				  struct slice head,
				  const struct peer_stream_ops *ops,
				  void *owner);

/*
 * OPEN, DATA, CREDIT or CLOSE has come. ERR_SYNTAX: the peer breaks the rules
 * (more than its credit, an id twice); `why` says which, the link must go.
 */
must_use enum err peer_mux_feed(struct peer_mux *mux,
				const struct peer_frame *frame);

/*
 * Delivers to those who have resumed, and appends frames to `out` until it
 * holds `max` octets (one frame more at most). True: there is more to send.
 */
bool peer_mux_turn(struct peer_mux *mux, struct buf *out, size_t max);

/* The link is dead: `closed` (ERR_UNAVAILABLE) of every stream. */
void peer_mux_end(struct peer_mux *mux, const char *text);

#endif
