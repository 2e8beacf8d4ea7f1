/*
 * The common ground of the tests of streams.
 */
#include "peer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "io/clock.h"
#include "io/process.h"

static void peer_up(struct io_stream *stream)
{
	struct peer *peer = io_stream_owner(stream);

	peer->ups++;
}

static size_t peer_input(struct io_stream *stream, struct slice in)
{
	struct peer *peer = io_stream_owner(stream);
	size_t take = peer->take && peer->take < in.len ? peer->take : in.len;

	cr_assert(in.len > 0 && in.len <= IO_STREAM_READ_MAX);
	peer->inputs++;
	buf_add_slice(&peer->in, slice_first(in, take));
	if (peer->on_input)
		peer->on_input(peer);
	return take;
}

static void peer_input_end(struct io_stream *stream)
{
	struct peer *peer = io_stream_owner(stream);

	peer->ended = true;
}

static void peer_above(struct io_stream *stream)
{
	struct peer *peer = io_stream_owner(stream);

	peer->above++;
}

static void peer_below(struct io_stream *stream)
{
	struct peer *peer = io_stream_owner(stream);

	peer->below++;
}

static void peer_idle(struct io_stream *stream)
{
	struct peer *peer = io_stream_owner(stream);

	peer->idle++;
}

static void peer_closed(struct io_stream *stream, enum err err)
{
	struct peer *peer = io_stream_owner(stream);

	cr_assert(!peer->closed);
	peer->closed = true;
	peer->err = err;
	peer->stream = NULL;
	(void)snprintf(peer->why, sizeof(peer->why), "%s",
		       io_stream_why(stream));
}

const struct io_stream_ops peer_ops = {
	.up = peer_up,
	.input = peer_input,
	.input_end = peer_input_end,
	.above = peer_above,
	.below = peer_below,
	.idle = peer_idle,
	.closed = peer_closed,
};

const struct io_stream_ops peer_ops_no_end = {
	.up = peer_up,
	.input = peer_input,
	.closed = peer_closed,
};

void place_init(struct place *place)
{
	static const char *const names[] = { "mail.example.org", "127.0.0.1" };

	(void)snprintf(place->dir, sizeof(place->dir), "/tmp/murder-io-XXXXXX");
	cr_assert(mkdtemp(place->dir));
	(void)snprintf(place->cert, sizeof(place->cert), "%s/cert.pem",
		       place->dir);
	(void)snprintf(place->key, sizeof(place->key), "%s/key.pem",
		       place->dir);
	cr_assert(io_tls_selfsigned(place->cert, place->key, names, 2) ==
		  ERR_NONE);
}

void place_fini(struct place *place)
{
	(void)unlink(place->cert);
	(void)unlink(place->key);
	cr_assert(rmdir(place->dir) == 0);
}

void talk_init(struct talk *talk)
{
	io_process_init();
	*talk = (struct talk){ 0 };
	talk->loop = io_loop_new("test");
}

void talk_use_tls(struct talk *talk, const struct place *place)
{
	struct io_tls_pair pair = { place->cert, place->key };
	struct io_tls_server_config config = { .pairs = &pair, .count = 1 };
	struct buf why = { 0 };

	cr_assert(io_tls_server_new(&config, &why, &talk->server_tls) ==
		  ERR_NONE);
	cr_assert(io_tls_client_new(NULL, &why, &talk->client_tls) == ERR_NONE);
	cr_assert(io_tls_key_hash(place->cert, &why, &talk->pin) == ERR_NONE);
	talk->want = (struct io_tls_peer){ .pin = &talk->pin,
					   .name = "mail.example.org" };
	buf_fini(&why);
}

static void talk_accept(void *arg, struct io_loop *loop,
			struct io_accepted *accepted)
{
	struct talk *talk = arg;

	talk->server.stream = io_stream_accept(loop, accepted, talk->server_tls,
					       &peer_ops, &talk->server);
}

static void talk_listen(struct talk *talk)
{
	struct io_listener_config config = {
		.place = { .host = "127.0.0.1" },
		.fd = -1,
		.accept = talk_accept,
		.arg = talk,
	};
	struct buf why = { 0 };

	cr_assert(io_listener_open(talk->loop, &talk->loop, 1, &config, &why,
				   &talk->listener) == ERR_NONE);
	buf_fini(&why);
}

static bool talk_is_open(const struct talk *talk)
{
	return (talk->server.ups > 0 && talk->client.ups > 0) ||
	       talk->server.closed || talk->client.closed;
}

void talk_open(struct talk *talk)
{
	struct io_place place = { .host = "127.0.0.1" };

	if (!talk->listener)
		talk_listen(talk);
	place.port = io_listener_port(talk->listener);
	talk->client.stream =
		io_stream_connect(talk->loop, &place, talk->client_tls,
				  talk->client_tls ? &talk->want : NULL,
				  &peer_ops, &talk->client);
	TURN_UNTIL(talk->loop, talk_is_open(talk));
}

void talk_open_pair(struct talk *talk)
{
	int fds[2];

	cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	talk->server.stream = io_stream_adopt(talk->loop, fds[0], NULL,
					      &peer_ops, &talk->server);
	talk->client.stream = io_stream_adopt(talk->loop, fds[1], NULL,
					      &peer_ops, &talk->client);
	TURN_UNTIL(talk->loop, talk_is_open(talk));
}

static void peer_fini(struct talk *talk, struct peer *peer)
{
	if (peer->stream)
		io_stream_abort(peer->stream, ERR_CANCELLED);
	TURN_UNTIL(talk->loop, !peer->stream);
	buf_fini(&peer->in);
	*peer = (struct peer){ 0 };
}

void talk_hang_up(struct talk *talk)
{
	peer_fini(talk, &talk->client);
	peer_fini(talk, &talk->server);
}

void talk_fini(struct talk *talk)
{
	talk_hang_up(talk);
	if (talk->listener) {
		TURN_UNTIL(talk->loop,
			   io_listener_connections(talk->listener) == 0);
		io_listener_close(talk->listener);
		io_loop_stop(talk->loop); /* makes a turn that does not wait */
		io_loop_turn(talk->loop);
		io_listener_free(&talk->listener);
	}
	io_loop_free(&talk->loop);
	io_tls_unref(&talk->server_tls);
	io_tls_unref(&talk->client_tls);
}

uint64_t peer_now_ms(void)
{
	return clock_mono_ms(io_clock());
}

void peer_check_time(uint64_t start_ms, const char *what, int line)
{
	cr_assert(peer_now_ms() - start_ms < 20000, "line %d: never: %s", line,
		  what);
}

void peer_say(struct peer *peer, const char *text)
{
	io_stream_write(peer->stream, slice_str(text));
}

void expect_text(struct talk *talk, struct peer *peer, const char *text)
{
	TURN_UNTIL(talk->loop, peer->in.len >= strlen(text) || peer->closed);
	cr_assert(slice_eq(buf_slice(&peer->in), slice_str(text)),
		  "got \"%.*s\"", SLICE_FMT(buf_slice(&peer->in)));
	buf_clear(&peer->in);
}

static uint8_t pattern_octet(size_t offset)
{
	return (uint8_t)(offset * 31 + (offset >> 8) * 7 + (offset >> 16));
}

void pattern_fill(struct buf *out, size_t offset, size_t len)
{
	uint8_t *at = buf_reserve(out, len);

	for (size_t i = 0; i < len; i++)
		at[i] = pattern_octet(offset + i);
	out->len += len;
}

bool pattern_is(struct slice data, size_t offset)
{
	for (size_t i = 0; i < data.len; i++)
		if (data.data[i] != pattern_octet(offset + i))
			return false;
	return true;
}
