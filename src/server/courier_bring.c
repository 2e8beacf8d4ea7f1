/*
 * A hold on bodies of this node's store, and the other end of HAVE.
 *
 * for each body: HAVE -> (missing: FETCH -> HAVE again) -> its answer
 *
 * "Have it" makes the hold durable before it is said (model step B1), and
 * crosses no sweep (B8): both happen on the store's writer. A body that is
 * swept between FETCH and HAVE is fetched no third time.
 */
#include "server/courier_impl.h"

#include <string.h>

#include "base/mem.h"

struct bring_item {
	struct bring *bring;
	struct body_have have;
	struct courier_fetch fetch;
	bool fetched;
};

static void item_end(struct bring_item *item, enum err err)
{
	struct bring *bring = item->bring;

	bring->errs[item - bring->items] = err;
	if (--bring->left == 0)
		bring->done(bring);
}

static void item_have(struct bring_item *item);

static void item_fetched(struct courier_fetch *fetch)
{
	struct bring_item *item = fetch->owner;

	item->fetched = true;
	if (fetch->err)
		item_end(item, fetch->err);
	else
		item_have(item);
}

static void item_fetch(struct bring_item *item)
{
	struct bring *bring = item->bring;

	item->fetch = (struct courier_fetch){
		.home = bring->courier->config.loop,
		.owner = item,
		.hash = item->have.hash,
		.group = bring->source,
		.hint = bring->hint,
		.deadline_ms = bring->deadline_ms,
	};
	courier_fetch(bring->courier, &item->fetch, item_fetched);
}

static void item_held(struct body_have *have)
{
	struct bring_item *item = have->owner;

	if (have->err == ERR_MISSING_BODY && !item->fetched)
		item_fetch(item);
	else
		item_end(item, have->err);
}

static void item_have(struct bring_item *item)
{
	struct courier *courier = item->bring->courier;

	body_have(courier->config.bodies, &item->have, item_held);
}

void bring_start(struct courier *courier, struct bring *bring, bring_done *done)
{
	MUST(bring->count > 0);
	bring->courier = courier;
	bring->done = done;
	bring->left = bring->count;
	bring->errs = mem_zalloc(bring->count, sizeof(*bring->errs));
	bring->items = mem_zalloc(bring->count, sizeof(*bring->items));
	for (size_t i = 0; i < bring->count; i++) {
		struct bring_item *item = &bring->items[i];

		item->bring = bring;
		item->have = (struct body_have){
			.home = courier->config.loop,
			.owner = item,
			.hold = bring->hold,
			.hash = bring->hashes[i],
		};
		item_have(item);
	}
}

void bring_fini(struct bring *bring)
{
	mem_free(bring->errs);
	mem_free(bring->items);
}

/* ---- the other end of HAVE ---- */

struct have_stream {
	struct courier *courier;
	struct peer_stream *stream; /* NULL: it is gone */
	struct courier_have_head head;
	struct buf hashes; /* as they came */
	struct sha256 *list;
	struct bring bring;
	bool bringing;
	bool over;
};

static void have_free_if_over(struct have_stream *have)
{
	struct courier *courier = have->courier;

	if (have->stream || (have->bringing && !have->over))
		return;
	courier->bringing--;
	if (have->bringing)
		bring_fini(&have->bring);
	buf_fini(&have->hashes);
	mem_free(have->list);
	mem_free(have);
	courier_end(courier);
}

static void have_refuse(struct have_stream *have, enum err err)
{
	struct peer_stream *stream = have->stream;

	have->stream = NULL;
	peer_stream_close(stream, err, err_text(err));
	have_free_if_over(have);
}

static void have_brought(struct bring *bring)
{
	struct have_stream *have = bring->owner;
	struct buf answer = { 0 };

	have->over = true;
	if (!have->stream) {
		have_free_if_over(have);
		return;
	}
	for (size_t i = 0; i < bring->count; i++)
		buf_add_octet(&answer, bring->errs[i] == ERR_NONE);
	MUST(peer_stream_write(have->stream, buf_slice(&answer)) ==
	     bring->count);
	buf_fini(&answer);
	peer_stream_finish(have->stream);
}

static size_t have_octets(struct peer_stream *stream, struct slice in)
{
	struct have_stream *have = peer_stream_owner(stream);

	if (have->hashes.len + in.len > have->head.count * SHA256_SIZE) {
		have_refuse(have, ERR_SYNTAX);
		return 0;
	}
	buf_add_slice(&have->hashes, in);
	return in.len;
}

static void have_finished(struct peer_stream *stream)
{
	struct have_stream *have = peer_stream_owner(stream);

	if (have->hashes.len != have->head.count * SHA256_SIZE) {
		have_refuse(have, ERR_SYNTAX);
		return;
	}
	have->list = mem_zalloc(have->head.count, sizeof(*have->list));
	for (uint32_t i = 0; i < have->head.count; i++)
		memcpy(have->list[i].octets,
		       have->hashes.data + (size_t)i * SHA256_SIZE,
		       SHA256_SIZE);
	have->bringing = true;
	have->bring = (struct bring){
		.owner = have,
		.hold = have->head.hold,
		.source = have->head.source,
		.hint = peer_stream_node(stream),
		.hashes = have->list,
		.count = have->head.count,
	};
	bring_start(have->courier, &have->bring, have_brought);
}

static void have_closed(struct peer_stream *stream, enum err err unused_arg,
			struct slice text unused_arg)
{
	struct have_stream *have = peer_stream_owner(stream);

	have->stream = NULL;
	have_free_if_over(have);
}

static const struct peer_stream_ops have_ops = {
	.octets = have_octets,
	.finished = have_finished,
	.closed = have_closed,
};

void courier_accept_have(void *arg, struct peer_stream *stream,
			 struct slice octets)
{
	struct courier *courier = arg;
	struct courier_have_head head;
	enum err err = courier_have_head_decode(octets, &head);
	struct have_stream *have;

	if (!err && courier->bringing >= COURIER_BRING_MAX)
		err = ERR_BUSY;
	if (err) {
		peer_stream_close(stream, err, err_text(err));
		return;
	}
	if (!courier_lets_in(courier, stream, head.to, &head.hold))
		return;
	courier_begin(courier);
	courier->bringing++;
	have = mem_zalloc(1, sizeof(*have));
	have->courier = courier;
	have->stream = stream;
	have->head = head;
	peer_stream_adopt(stream, &have_ops, have);
}
