/*
 * Any octets from a peer: in any split the same frames, each of which encodes
 * to octets that read the same; a link and a mux take them without harm.
 *
 * The first octet is the seed of the split.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/panic.h"
#include "base/random.h"
#include "peer/link.h"
#include "peer/mux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ALL (~0u)

/* ---- frames ---- */

/* All frames of `in`, encoded again. */
static void read_all(struct slice in, struct random *random, struct buf *out)
{
	struct peer_reader reader;

	peer_reader_init(&reader, ALL);
	while (in.len > 0) {
		size_t len =
			random ? (size_t)random_range(random, 1, 40) : in.len;
		struct slice part = slice_first(in, len);
		struct peer_frame frame;

		in = slice_from(in, part.len);
		while (peer_reader_feed(&reader, &part, &frame) ==
		       PEER_FEED_FRAME)
			peer_frame_encode(&frame, out);
		if (reader.state == PEER_READER_BAD)
			break;
		MUST(part.len == 0);
	}
	buf_add_str(out, reader.state == PEER_READER_BAD ? reader.why : "");
	peer_reader_fini(&reader);
}

static void try_frames(struct slice in, uint8_t seed)
{
	struct random_seeded random;
	struct buf whole = { 0 };
	struct buf parts = { 0 };

	random_seeded_init(&random, seed);
	read_all(in, NULL, &whole);
	read_all(in, &random.random, &parts);
	MUST(slice_eq(buf_slice(&whole), buf_slice(&parts)));
	buf_fini(&whole);
	buf_fini(&parts);
}

/* ---- a link with a mux behind it ---- */

static size_t take_some(struct peer_stream *stream, struct slice in)
{
	return peer_stream_node(stream) ? (in.len + 1) / 2 : 0;
}

static void stream_over(struct peer_stream *stream unused_arg,
			enum err err unused_arg, struct slice text unused_arg)
{
}

static const struct peer_stream_ops ops = {
	.octets = take_some,
	.closed = stream_over,
};

static void accept_stream(void *arg unused_arg, struct peer_stream *stream,
			  struct slice head)
{
	if (head.len == 1) {
		peer_stream_close(stream, ERR_DENIED, "no");
		return;
	}
	peer_stream_adopt(stream, &ops, NULL);
	(void)peer_stream_write(stream, head);
}

static void wake(void *arg unused_arg)
{
}

static void feed_mux(struct peer_mux *mux, struct peer_link *link,
		     const struct peer_frame *frame)
{
	if (link->kind != PEER_BULK || mux->dead)
		return;
	if (peer_mux_feed(mux, frame))
		peer_mux_end(mux, mux->why);
	(void)peer_mux_turn(mux, &link->out, link->out.len + 1000);
}

static void feed_link(struct peer_link *link, struct peer_mux *mux,
		      struct slice in)
{
	enum peer_link_event event;
	struct peer_frame frame;

	do {
		event = peer_link_feed(link, 1, &in, &frame);
		if (event == PEER_LINK_HELLO)
			peer_link_accept(link, 1);
		else if (event == PEER_LINK_FRAME)
			feed_mux(mux, link, &frame);
	} while (event != PEER_LINK_MORE && event != PEER_LINK_OVER);
	MUST(event == PEER_LINK_OVER || in.len == 0);
}

static void try_link(struct slice in, bool dials)
{
	struct peer_acceptors acceptors = { 0 };
	struct peer_mux_config mux_config = {
		.odd = dials,
		.node = 1,
		.acceptors = &acceptors,
		.wake = wake,
	};
	struct peer_link_config config = {
		.dials = dials,
		.kind = PEER_BULK,
		.node = 2,
		.peer = dials ? 1 : 0,
		.cluster = SLICE_LIT("c"),
		.software = SLICE_LIT("fuzz"),
	};
	struct peer_link link;
	struct peer_mux mux;

	acceptors.by_kind[1].accept = accept_stream;
	peer_link_init(&link, &config, 0);
	peer_mux_init(&mux, &mux_config);
	if (dials)
		(void)peer_mux_open(&mux, 1, SLICE_LIT("head"), &ops, NULL);
	feed_link(&link, &mux, in);
	peer_mux_end(&mux, "over");
	peer_mux_fini(&mux);
	peer_link_fini(&link);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in;

	if (size == 0)
		return 0;
	in = slice_of(data + 1, size - 1);
	try_frames(in, data[0]);
	try_link(in, false);
	try_link(in, true);
	return 0;
}
