/*
 * Bodies that peers fetch: read in pieces by workers, never whole in memory.
 *
 * accept -> LENGTH (worker) -> said -> PIECE (worker) -> said, when the stream
 * has room -> ... -> finished
 *
 * Each piece is read checked (body_read): a flipped bit closes the stream with
 * ERR_CORRUPT, and this node's store has forgotten the body by then.
 */
#include "server/courier_impl.h"

#include "base/mem.h"

struct lend {
	struct courier *courier;
	struct peer_stream *stream; /* NULL: it is gone */
	struct sha256 hash;
	uint64_t length;
	uint64_t offset; /* of what is read next */
	bool began;      /* the length is known */
	bool reading;    /* `out` is a worker's */
	bool said;       /* all */
	struct buf out;  /* to be said */
	enum err err;
	struct task task;
};

static void lend_free(struct lend *lend)
{
	struct courier *courier = lend->courier;

	courier->lending--;
	buf_fini(&lend->out);
	mem_free(lend);
	courier_end(courier);
}

static void lend_read(struct lend *lend);

static void lend_say(struct lend *lend)
{
	if (lend->out.len && !peer_stream_write_buf(lend->stream, &lend->out))
		return; /* `room` comes */
	if (lend->offset < lend->length) {
		lend_read(lend);
		return;
	}
	lend->said = true;
	peer_stream_finish(lend->stream);
}

static void lend_was_read(struct task *task)
{
	struct lend *lend = container_of(task, struct lend, task);
	struct peer_stream *stream = lend->stream;

	lend->reading = false;
	if (!stream) {
		lend_free(lend);
		return;
	}
	if (lend->err) {
		peer_stream_close(stream, lend->err, err_text(lend->err));
		lend_free(lend);
		return;
	}
	lend_say(lend);
}

/* On a worker. */
static enum err read_piece(struct lend *lend)
{
	struct body_store *bodies = lend->courier->config.bodies;
	size_t got;
	enum err err = body_read(bodies, &lend->hash, lend->offset,
				 buf_reserve(&lend->out, BODY_CHUNK),
				 BODY_CHUNK, &got);

	if (err)
		return err;
	if (got == 0)
		return ERR_CORRUPT; /* shorter than the store has said */
	lend->out.len += got;
	lend->offset += got;
	return ERR_NONE;
}

static void read_run(struct task *task)
{
	struct lend *lend = container_of(task, struct lend, task);
	struct courier *courier = lend->courier;

	if (lend->began) {
		lend->err = read_piece(lend);
	} else {
		lend->began = true;
		lend->err = body_length(courier->config.bodies, &lend->hash,
					&lend->length);
		courier_length_encode(lend->length, &lend->out);
		if (!lend->err && lend->length > 0)
			lend->err = read_piece(lend);
	}
	task_post(courier->config.loop, task, lend_was_read);
}

static void lend_read(struct lend *lend)
{
	lend->reading = true;
	task_post(lend->courier->config.pool, &lend->task, read_run);
}

/* ---- the stream ---- */

/* Who fetches says nothing more. */
static size_t stream_octets(struct peer_stream *stream, struct slice in)
{
	struct lend *lend = peer_stream_owner(stream);

	lend->stream = NULL;
	peer_stream_close(stream, ERR_SYNTAX, "octets behind a fetch");
	if (!lend->reading)
		lend_free(lend);
	return in.len;
}

static void stream_room(struct peer_stream *stream)
{
	struct lend *lend = peer_stream_owner(stream);

	if (!lend->reading && !lend->said)
		lend_say(lend);
}

static void stream_closed(struct peer_stream *stream, enum err err unused_arg,
			  struct slice text unused_arg)
{
	struct lend *lend = peer_stream_owner(stream);

	lend->stream = NULL;
	if (!lend->reading)
		lend_free(lend);
}

static const struct peer_stream_ops lend_ops = {
	.octets = stream_octets,
	.room = stream_room,
	.closed = stream_closed,
};

void courier_accept_fetch(void *arg, struct peer_stream *stream,
			  struct slice octets)
{
	struct courier *courier = arg;
	const struct courier_config *config = &courier->config;
	struct courier_fetch_head head;
	enum err err = courier_fetch_head_decode(octets, &head);
	struct lend *lend;

	if (!err && !config->ops->may(config->arg, peer_stream_node(stream),
				      COURIER_MAY_READ))
		err = ERR_DENIED;
	if (!err && atomic_load(&courier->stopped))
		err = ERR_UNAVAILABLE;
	if (!err && courier->lending >= COURIER_LEND_MAX)
		err = ERR_BUSY;
	if (err) {
		peer_stream_close(stream, err, err_text(err));
		return;
	}
	courier_begin(courier);
	courier->lending++;
	lend = mem_zalloc(1, sizeof(*lend));
	lend->courier = courier;
	lend->stream = stream;
	lend->hash = head.hash;
	peer_stream_adopt(stream, &lend_ops, lend);
	lend_read(lend);
}
