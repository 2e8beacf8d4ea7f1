/*
 * Streams over a bulk link.
 *
 * Happy path of octets: peer_stream_write queues pieces, the stream enters the
 * `ready` list, peer_mux_turn gives each in the list a frame in turn; on the
 * other side peer_mux_feed passes them to the owner, and what he has taken is
 * granted anew by CREDIT.
 *
 * A stream that its owner has closed stays until its CLOSE is sent, without an
 * owner. Frames of the peer for streams that are no more are dropped: they were
 * on the way. Frames for streams that never were end the link.
 */
#include "peer/mux.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/panic.h"

/* Octets taken that are not granted yet: CREDIT when it is worth a frame. */
#define GRANT_MIN (PEER_WINDOW / 4)

struct stream_piece {
	struct list link;
	struct buf octets;
	size_t at;  /* sent up to here */
	bool taken; /* the owner's memory: nothing is added */
};

struct peer_stream {
	struct tree_node node; /* first: see stream_of */
	struct list ready;
	struct list resumed;
	struct list gone;
	struct peer_mux *mux;
	uint32_t id;
	bool own;                          /* opened by this side */
	const struct peer_stream_ops *ops; /* NULL: nobody's any more */
	void *owner;

	/* to the peer */
	bool say_open; /* OPEN waits, with `kind` and `head` */
	uint8_t kind;
	struct buf head;
	struct list pieces;
	size_t queued; /* octets in them */
	uint32_t credit;
	bool wants_room;
	bool finishing; /* no more is written */
	bool said_end;  /* and the peer knows */
	enum err err;   /* CLOSE waits; ERR_NONE: none does */
	struct buf text;

	/* from the peer */
	struct buf in; /* not taken, from in_at on */
	size_t in_at;
	uint32_t granted; /* octets that it may send */
	uint32_t taken;   /* not granted anew yet */
	bool paused;
	bool ended;    /* it sends no more */
	bool told_end; /* and the owner knows */
};

static const struct peer_stream *stream_of(const struct tree_node *node)
{
	return (const struct peer_stream *)(const void *)node;
}

static int stream_order(const struct tree_node *a, const struct tree_node *b)
{
	uint32_t left = stream_of(a)->id;
	uint32_t right = stream_of(b)->id;

	return left < right ? -1 : left > right;
}

static int stream_seek(const void *key, const struct tree_node *node)
{
	uint32_t id = *(const uint32_t *)key;
	uint32_t other = stream_of(node)->id;

	return id < other ? -1 : id > other;
}

static struct peer_stream *stream_find(const struct peer_mux *mux, uint32_t id)
{
	struct tree_node *node = tree_find(&mux->streams, &id, stream_seek);

	return node ? TREE_ENTRY(node, struct peer_stream, node) : NULL;
}

/* ---- life of a stream ---- */

static struct peer_stream *stream_new(struct peer_mux *mux, uint32_t id,
				      bool own)
{
	struct peer_stream *stream = mem_zalloc(1, sizeof(*stream));

	stream->mux = mux;
	stream->id = id;
	stream->own = own;
	stream->credit = PEER_WINDOW;
	stream->granted = PEER_WINDOW;
	list_init(&stream->ready);
	list_init(&stream->resumed);
	list_init(&stream->gone);
	list_init(&stream->pieces);
	MUST(!tree_insert(&mux->streams, &stream->node));
	if (own)
		mux->own_count++;
	else
		mux->peer_count++;
	return stream;
}

static void piece_free(struct stream_piece *piece)
{
	list_remove(&piece->link);
	buf_fini(&piece->octets);
	mem_free(piece);
}

/* What it holds of octets, both ways. */
static void stream_drop(struct peer_stream *stream)
{
	LIST_FOREACH_SAFE (&stream->pieces, it)
		piece_free(LIST_ENTRY(it, struct stream_piece, link));
	stream->queued = 0;
	buf_fini(&stream->in);
	stream->in_at = 0;
	list_remove(&stream->resumed);
}

/* Out of the mux; its memory goes when no call of ours may look at it. */
static void stream_remove(struct peer_stream *stream)
{
	struct peer_mux *mux = stream->mux;

	stream_drop(stream);
	stream->ops = NULL;
	list_remove(&stream->ready);
	tree_remove(&mux->streams, &stream->node);
	if (stream->own)
		mux->own_count--;
	else
		mux->peer_count--;
	list_append(&mux->gone, &stream->gone);
}

static void mux_enter(struct peer_mux *mux)
{
	mux->depth++;
}

static void mux_leave(struct peer_mux *mux)
{
	struct list *it;

	if (--mux->depth > 0)
		return;
	while ((it = list_take(&mux->gone))) {
		struct peer_stream *stream =
			LIST_ENTRY(it, struct peer_stream, gone);

		buf_fini(&stream->head);
		buf_fini(&stream->text);
		mem_free(stream);
	}
}

/* The last word to the owner; the stream is out of the mux. */
static void stream_closed(struct peer_stream *stream, enum err err,
			  struct slice text)
{
	const struct peer_stream_ops *ops = stream->ops;

	stream_remove(stream);
	if (ops)
		ops->closed(stream, err, text);
}

static void stream_ready(struct peer_stream *stream)
{
	struct peer_mux *mux = stream->mux;

	if (list_empty(&stream->ready))
		list_append(&mux->ready, &stream->ready);
	mux->config.wake(mux->config.arg);
}

/* The end of both directions, as far as it has come. */
static void stream_check_end(struct peer_stream *stream)
{
	if (stream->ops && stream->ended && !stream->told_end &&
	    stream->in.len == 0) {
		stream->told_end = true;
		if (stream->ops->finished)
			stream->ops->finished(stream);
	}
	if (stream->ops && stream->told_end && stream->said_end)
		stream_closed(stream, ERR_NONE, SLICE_NONE);
}

/* ---- what owners call ---- */

void *peer_stream_owner(const struct peer_stream *stream)
{
	return stream->owner;
}

uint32_t peer_stream_node(const struct peer_stream *stream)
{
	return stream->mux->config.node;
}

size_t peer_stream_room(const struct peer_stream *stream)
{
	return stream->queued < PEER_ROOM ? PEER_ROOM - stream->queued : 0;
}

static struct stream_piece *piece_new(struct peer_stream *stream)
{
	struct stream_piece *piece = mem_zalloc(1, sizeof(*piece));

	list_append(&stream->pieces, &piece->link);
	return piece;
}

/* The piece that a copy of more octets goes to. */
static struct stream_piece *piece_open(struct peer_stream *stream)
{
	struct stream_piece *last =
		LIST_ENTRY(stream->pieces.prev, struct stream_piece, link);

	if (list_empty(&stream->pieces) || last->taken ||
	    last->octets.len >= PEER_DATA_MAX)
		return piece_new(stream);
	return last;
}

size_t peer_stream_write(struct peer_stream *stream, struct slice data)
{
	struct slice rest = slice_first(data, peer_stream_room(stream));
	size_t took = rest.len;

	MUST(!stream->finishing);
	while (rest.len > 0) {
		struct stream_piece *piece = piece_open(stream);
		struct slice part =
			slice_first(rest, PEER_DATA_MAX - piece->octets.len);

		buf_add_slice(&piece->octets, part);
		rest = slice_from(rest, part.len);
	}
	stream->queued += took;
	stream->wants_room |= took < data.len;
	if (took > 0)
		stream_ready(stream);
	return took;
}

bool peer_stream_write_buf(struct peer_stream *stream, struct buf *buf)
{
	struct stream_piece *piece;

	MUST(!stream->finishing && buf->len <= PEER_ROOM);
	if (peer_stream_room(stream) == 0) {
		stream->wants_room = true;
		return false;
	}
	if (buf->len == 0) {
		buf_fini(buf);
		return true;
	}
	piece = piece_new(stream);
	piece->octets = *buf;
	piece->taken = true;
	*buf = (struct buf){ 0 };
	stream->queued += piece->octets.len;
	stream_ready(stream);
	return true;
}

void peer_stream_finish(struct peer_stream *stream)
{
	MUST(!stream->finishing);
	stream->finishing = true;
	stream_ready(stream);
}

void peer_stream_close(struct peer_stream *stream, enum err err,
		       const char *text)
{
	struct peer_mux *mux = stream->mux;

	MUST(err != ERR_NONE);
	mux_enter(mux);
	if (stream->say_open) {
		stream_remove(stream); /* the peer has never heard of it */
	} else {
		stream_drop(stream);
		stream->ops = NULL;
		stream->err = err;
		buf_add_str(&stream->text, text);
		stream_ready(stream);
	}
	mux_leave(mux);
}

void peer_stream_resume(struct peer_stream *stream)
{
	struct peer_mux *mux = stream->mux;

	stream->paused = false;
	if (stream->in.len == 0 || !list_empty(&stream->resumed))
		return;
	list_append(&mux->resumed, &stream->resumed);
	mux->config.wake(mux->config.arg);
}

void peer_stream_adopt(struct peer_stream *stream,
		       const struct peer_stream_ops *ops, void *owner)
{
	MUST(!stream->ops);
	stream->ops = ops;
	stream->owner = owner;
}

struct peer_stream *peer_mux_open(struct peer_mux *mux, uint8_t kind,
				  struct slice head,
				  const struct peer_stream_ops *ops,
				  void *owner)
{
	struct peer_stream *stream;

	MUST(kind < PEER_STREAM_KINDS && head.len <= PEER_OPEN_MAX - 16);
	if (mux->dead || mux->own_count >= PEER_STREAMS_MAX)
		return NULL;
	MUST(mux->next_id < UINT32_MAX - 2); /* 2^31 streams of one link */
	stream = stream_new(mux, mux->next_id, true);
	mux->next_id += 2;
	stream->say_open = true;
	stream->kind = kind;
	buf_add_slice(&stream->head, head);
	peer_stream_adopt(stream, ops, owner);
	stream_ready(stream);
	return stream;
}

/* ---- octets to the owner ---- */

static void stream_took(struct peer_stream *stream, size_t took, size_t of)
{
	stream->paused = took < of;
	stream->taken += (uint32_t)took;
	if (stream->taken >= GRANT_MIN && !stream->ended)
		stream_ready(stream);
}

/* What waits, as long as it is taken. */
static void stream_deliver(struct peer_stream *stream)
{
	while (stream->ops && !stream->paused && stream->in.len > 0) {
		struct slice in =
			slice_from(buf_slice(&stream->in), stream->in_at);
		size_t took = stream->ops->octets(stream, in);

		MUST(took <= in.len);
		if (!stream->ops)
			return;
		stream->in_at += took;
		if (stream->in_at == stream->in.len) {
			buf_fini(&stream->in);
			stream->in_at = 0;
		}
		stream_took(stream, took, in.len);
	}
	stream_check_end(stream);
}

static void stream_octets(struct peer_stream *stream, struct slice octets)
{
	size_t took = 0;

	if (stream->in.len == 0) { /* the usual way: no copy */
		took = stream->ops->octets(stream, octets);
		MUST(took <= octets.len);
		if (!stream->ops)
			return;
		stream_took(stream, took, octets.len);
	} else if (stream->in_at > 0) {
		buf_drop(&stream->in, stream->in_at);
		stream->in_at = 0;
	}
	buf_add_slice(&stream->in, slice_from(octets, took));
}

/* ---- frames of the peer ---- */

static enum err mux_bad(struct peer_mux *mux, const char *what, uint32_t id)
{
	(void)snprintf(mux->why, sizeof(mux->why), "stream %u: %s", id, what);
	return ERR_SYNTAX;
}

/* NULL and ERR_NONE: it is no more, the frame was on the way. */
static enum err stream_named(struct peer_mux *mux, uint32_t id,
			     struct peer_stream **stream_r)
{
	bool own = (id & 1) == (mux->next_id & 1);

	*stream_r = stream_find(mux, id);
	if (!*stream_r && (own ? id >= mux->next_id : id > mux->peer_id))
		return mux_bad(mux, "was never opened", id);
	if (*stream_r && (*stream_r)->say_open)
		return mux_bad(mux, "was not opened yet", id);
	return ERR_NONE;
}

static enum err feed_open(struct peer_mux *mux, const struct peer_frame *frame)
{
	uint32_t id = frame->open.stream;
	uint8_t kind = frame->open.kind;
	struct peer_stream *stream;
	peer_accept *accept = NULL;

	if ((id & 1) == (mux->next_id & 1) || id <= mux->peer_id)
		return mux_bad(mux, "opened out of order", id);
	/* Those above are refused one by one; then it is an attack. */
	if (mux->peer_count >= 2 * PEER_STREAMS_MAX)
		return mux_bad(mux, "is one too many", id);
	mux->peer_id = id;
	stream = stream_new(mux, id, false);
	if (kind < PEER_STREAM_KINDS)
		accept = mux->config.acceptors->by_kind[kind].accept;
	if (!accept)
		peer_stream_close(stream, ERR_CANNOT,
				  "streams of this kind are not known here");
	else if (mux->peer_count > PEER_STREAMS_MAX)
		peer_stream_close(stream, ERR_BUSY, "too many streams");
	else
		accept(mux->config.acceptors->by_kind[kind].arg, stream,
		       frame->open.head);
	MUST(stream->ops || stream->err || stream->mux->dead);
	return ERR_NONE;
}

static enum err feed_data(struct peer_mux *mux, const struct peer_frame *frame)
{
	struct slice octets = frame->data.octets;
	struct peer_stream *stream;
	enum err err = stream_named(mux, frame->data.stream, &stream);

	if (err || !stream)
		return err;
	if (stream->ended)
		return mux_bad(mux, "octets after the end", stream->id);
	if (octets.len > stream->granted)
		return mux_bad(mux, "more octets than granted", stream->id);
	stream->granted -= (uint32_t)octets.len;
	if (stream->ops)
		stream_octets(stream, octets);
	return ERR_NONE;
}

static enum err feed_credit(struct peer_mux *mux,
			    const struct peer_frame *frame)
{
	struct peer_stream *stream;
	enum err err = stream_named(mux, frame->credit.stream, &stream);

	if (err || !stream)
		return err;
	if (frame->credit.octets > PEER_WINDOW - stream->credit)
		return mux_bad(mux, "more credit than octets", stream->id);
	stream->credit += frame->credit.octets;
	if (stream->queued > 0)
		stream_ready(stream);
	return ERR_NONE;
}

static enum err feed_close(struct peer_mux *mux, const struct peer_frame *frame)
{
	struct peer_stream *stream;
	enum err err = stream_named(mux, frame->close.stream, &stream);

	if (err || !stream)
		return err;
	if (frame->close.err) {
		stream_closed(stream, frame->close.err, frame->close.text);
		return ERR_NONE;
	}
	if (stream->ended)
		return mux_bad(mux, "ended twice", stream->id);
	stream->ended = true;
	stream_check_end(stream);
	return ERR_NONE;
}

static enum err mux_feed(struct peer_mux *mux, const struct peer_frame *frame)
{
	switch (frame->type) {
	case PEER_OPEN:
		return feed_open(mux, frame);
	case PEER_DATA:
		return feed_data(mux, frame);
	case PEER_CREDIT:
		return feed_credit(mux, frame);
	case PEER_CLOSE:
		return feed_close(mux, frame);
	case PEER_HELLO:
	case PEER_REFUSE:
	case PEER_BEAT:
	case PEER_GROUP:
	case PEER_NODE:
	case PEER_ASK:
	case PEER_ANSWER:
		break;
	}
	PANIC("frame of type %d for a mux", (int)frame->type);
}

enum err peer_mux_feed(struct peer_mux *mux, const struct peer_frame *frame)
{
	enum err err;

	MUST(!mux->dead);
	mux_enter(mux);
	err = mux_feed(mux, frame);
	mux_leave(mux);
	return err;
}

/* ---- frames to the peer ---- */

static void say_open(struct peer_stream *stream, struct buf *out)
{
	struct peer_frame frame = { .type = PEER_OPEN };

	frame.open.stream = stream->id;
	frame.open.kind = stream->kind;
	frame.open.head = buf_slice(&stream->head);
	peer_frame_encode(&frame, out);
	buf_fini(&stream->head);
	stream->say_open = false;
}

static void say_credit(struct peer_stream *stream, struct buf *out)
{
	struct peer_frame frame = { .type = PEER_CREDIT };

	frame.credit.stream = stream->id;
	frame.credit.octets = stream->taken;
	peer_frame_encode(&frame, out);
	stream->granted += stream->taken;
	stream->taken = 0;
	MUST(stream->granted <= PEER_WINDOW);
}

static void say_data(struct peer_stream *stream, struct buf *out)
{
	struct stream_piece *piece =
		LIST_ENTRY(stream->pieces.next, struct stream_piece, link);
	struct peer_frame frame = { .type = PEER_DATA };
	struct slice octets = slice_from(buf_slice(&piece->octets), piece->at);

	octets = slice_first(octets, PEER_DATA_MAX);
	octets = slice_first(octets, stream->credit);
	frame.data.stream = stream->id;
	frame.data.octets = octets;
	peer_frame_encode(&frame, out);
	stream->credit -= (uint32_t)octets.len;
	stream->queued -= octets.len;
	piece->at += octets.len;
	if (piece->at == piece->octets.len)
		piece_free(piece);
}

static void say_close(struct peer_stream *stream, enum err err, struct buf *out)
{
	struct peer_frame frame = { .type = PEER_CLOSE };

	frame.close.stream = stream->id;
	frame.close.err = err;
	frame.close.text = buf_slice(&stream->text);
	peer_frame_encode(&frame, out);
}

static bool stream_has_data(const struct peer_stream *stream)
{
	return stream->queued > 0 && stream->credit > 0;
}

static bool stream_has_end(const struct peer_stream *stream)
{
	return stream->queued == 0 && stream->finishing && !stream->said_end;
}

static bool stream_has_credit(const struct peer_stream *stream)
{
	return stream->taken >= GRANT_MIN && !stream->ended;
}

/* What one stream says in its turn: at most one frame of octets. */
static void stream_say(struct peer_stream *stream, struct buf *out)
{
	if (stream->say_open)
		say_open(stream, out);
	if (stream_has_credit(stream))
		say_credit(stream, out);
	if (stream_has_data(stream))
		say_data(stream, out);
	if (stream_has_end(stream)) {
		say_close(stream, ERR_NONE, out);
		stream->said_end = true;
	}
	if (stream_has_data(stream))
		list_append(&stream->mux->ready, &stream->ready);
}

static void mux_say(struct peer_stream *stream, struct buf *out)
{
	if (stream->err) {
		say_close(stream, stream->err, out);
		stream_remove(stream);
		return;
	}
	stream_say(stream, out);
	if (stream->wants_room && stream->queued <= PEER_ROOM / 2) {
		stream->wants_room = false;
		if (stream->ops->room && !stream->finishing)
			stream->ops->room(stream);
	}
	stream_check_end(stream);
}

static void mux_deliver(struct peer_mux *mux)
{
	struct list turn;
	struct list *it;

	/* Who resumes meanwhile has his turn in the next one. */
	list_init(&turn);
	list_splice(&turn, &mux->resumed);
	while ((it = list_take(&turn)))
		stream_deliver(LIST_ENTRY(it, struct peer_stream, resumed));
}

bool peer_mux_turn(struct peer_mux *mux, struct buf *out, size_t max)
{
	struct list *it;

	if (mux->dead)
		return false;
	mux_enter(mux);
	mux_deliver(mux);
	while (out->len < max && (it = list_take(&mux->ready)))
		mux_say(LIST_ENTRY(it, struct peer_stream, ready), out);
	mux_leave(mux);
	return !list_empty(&mux->ready) || !list_empty(&mux->resumed);
}

/* ---- life ---- */

void peer_mux_init(struct peer_mux *mux, const struct peer_mux_config *config)
{
	*mux = (struct peer_mux){
		.config = *config,
		.next_id = config->odd ? 1 : 2,
	};
	tree_init(&mux->streams, stream_order);
	list_init(&mux->ready);
	list_init(&mux->resumed);
	list_init(&mux->gone);
}

void peer_mux_end(struct peer_mux *mux, const char *text)
{
	if (mux->dead)
		return;
	mux->dead = true;
	mux_enter(mux);
	while (!tree_empty(&mux->streams))
		stream_closed(TREE_ENTRY(tree_first(&mux->streams),
					 struct peer_stream, node),
			      ERR_UNAVAILABLE, slice_str(text));
	mux_leave(mux);
}

void peer_mux_fini(struct peer_mux *mux)
{
	MUST(tree_empty(&mux->streams) && mux->depth == 0);
}
