#include "io/stream.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/sockaddr.h"
#include "peer.h"

/* ---- coming and going ---- */

Test(stream, both_ends_talk_and_close)
{
	struct talk t;
	char text[IO_ADDR_TEXT_MAX];

	talk_init(&t);
	talk_open(&t);
	cr_assert(t.server.ups == 1 && t.client.ups == 1);
	io_addr_host(io_stream_peer(t.server.stream), text);
	cr_assert_str_eq(text, "127.0.0.1");
	cr_assert(io_stream_loop(t.server.stream) == t.loop);
	peer_say(&t.server, "* OK ");
	peer_say(&t.server, "ready\r\n");
	expect_text(&t, &t.client, "* OK ready\r\n");
	cr_assert(t.client.inputs == 1); /* one write a turn */
	peer_say(&t.client, "a LOGOUT\r\n");
	expect_text(&t, &t.server, "a LOGOUT\r\n");
	peer_say(&t.server, "* BYE\r\n");
	io_stream_close(t.server.stream);
	peer_say(&t.server, "never sent");
	expect_text(&t, &t.client, "* BYE\r\n");
	TURN_UNTIL(t.loop, t.client.ended);
	io_stream_close(t.client.stream);
	TURN_UNTIL(t.loop, t.client.closed && t.server.closed);
	cr_assert(t.client.err == ERR_NONE && t.server.err == ERR_NONE);
	cr_assert(io_listener_connections(t.listener) == 0);
	talk_fini(&t);
}

Test(stream, up_comes_before_input)
{
	struct talk t;
	int fds[2];

	talk_init(&t);
	cr_assert(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	cr_assert(write(fds[1], "early", 5) == 5);
	t.server.stream =
		io_stream_adopt(t.loop, fds[0], NULL, &peer_ops, &t.server);
	cr_assert(t.server.ups == 0);
	while (t.server.inputs == 0) {
		io_loop_turn(t.loop);
		cr_assert(t.server.ups == 1);
	}
	expect_text(&t, &t.server, "early");
	(void)close(fds[1]);
	TURN_UNTIL(t.loop, t.server.ended);
	talk_fini(&t);
}

Test(stream, closed_comes_once_and_not_inside_abort)
{
	struct talk t;

	talk_init(&t);
	talk_open_pair(&t);
	io_stream_abort(t.server.stream, ERR_DENIED);
	cr_assert(!t.server.closed);
	io_stream_abort(t.server.stream, ERR_IO);
	io_stream_close(t.server.stream);
	peer_say(&t.server, "nothing happens");
	TURN_UNTIL(t.loop, t.server.closed);
	cr_assert(t.server.err == ERR_DENIED);
	cr_assert_str_eq(t.server.why, "permission denied");
	TURN_UNTIL(t.loop, t.client.ended);
	talk_fini(&t);
}

Test(stream, without_input_end_the_stream_closes)
{
	struct talk t;
	struct peer alone = { 0 };
	int fds[2];

	talk_init(&t);
	cr_assert(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	alone.stream =
		io_stream_adopt(t.loop, fds[0], NULL, &peer_ops_no_end, &alone);
	(void)close(fds[1]);
	TURN_UNTIL(t.loop, alone.closed);
	cr_assert(alone.err == ERR_NONE);
	talk_fini(&t);
}

Test(stream, half_closed_the_other_half_still_works)
{
	struct talk t;
	char text[16] = "";
	int fds[2];

	talk_init(&t);
	cr_assert(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	t.server.stream =
		io_stream_adopt(t.loop, fds[0], NULL, &peer_ops, &t.server);
	cr_assert(shutdown(fds[1], SHUT_WR) == 0);
	TURN_UNTIL(t.loop, t.server.ended);
	peer_say(&t.server, "answer");
	io_stream_close(t.server.stream);
	TURN_UNTIL(t.loop, t.server.closed);
	cr_assert(read(fds[1], text, sizeof(text)) == 6);
	cr_assert_str_eq(text, "answer");
	(void)close(fds[1]);
	talk_fini(&t);
}

Test(stream, the_last_words_arrive_though_input_was_never_read)
{
	struct talk t;
	struct buf noise = { 0 };

	talk_init(&t);
	talk_open(&t);
	io_stream_pause(t.server.stream);
	pattern_fill(&noise, 0, 100000);
	io_stream_write_buf(t.client.stream, &noise);
	for (int i = 0; i < 3; i++) { /* it is in the kernel now */
		peer_say(&t.client, "more");
		io_loop_stop(t.loop);
		io_loop_turn(t.loop);
	}
	peer_say(&t.server, "* BYE too much\r\n");
	io_stream_close(t.server.stream);
	expect_text(&t, &t.client, "* BYE too much\r\n");
	TURN_UNTIL(t.loop, t.client.ended);
	io_stream_close(t.client.stream);
	TURN_UNTIL(t.loop, t.client.closed && t.server.closed);
	cr_assert(t.client.err == ERR_NONE, "%s", t.client.why);
	cr_assert(t.server.err == ERR_NONE, "%s", t.server.why);
	talk_fini(&t);
}

Test(stream, a_reset_is_told)
{
	struct talk t;
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	struct io_place place = { .host = "127.0.0.1" };
	union sockaddr_any addr = { .in = { .sin_family = AF_INET } };
	socklen_t len = sizeof(addr.in);
	int listen_fd = socket(AF_INET, SOCK_STREAM, 0), fd;

	talk_init(&t);
	cr_assert(bind(listen_fd, &addr.sa, len) == 0);
	cr_assert(listen(listen_fd, 1) == 0);
	place.port = sockaddr_local_port(listen_fd);
	t.client.stream = io_stream_connect(t.loop, &place, NULL, NULL,
					    &peer_ops, &t.client);
	TURN_UNTIL(t.loop, t.client.ups == 1);
	fd = accept(listen_fd, NULL, NULL);
	cr_assert(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) ==
		  0);
	(void)close(fd);
	TURN_UNTIL(t.loop, t.client.closed);
	cr_assert(t.client.err == ERR_CLOSED);
	(void)close(listen_fd);
	talk_fini(&t);
}

/* ---- input ---- */

Test(stream, what_is_not_taken_comes_again_after_resume)
{
	struct talk t;

	talk_init(&t);
	talk_open_pair(&t);
	t.server.take = 4;
	peer_say(&t.client, "one two three");
	expect_text(&t, &t.server, "one ");
	peer_say(&t.client, " four");
	TURN_UNTIL(t.loop, io_stream_queued(t.client.stream) == 0);
	cr_assert(t.server.inputs == 1); /* paused */
	io_stream_resume(t.server.stream);
	expect_text(&t, &t.server, "two ");
	t.server.take = 0;
	io_stream_resume(t.server.stream);
	TURN_UNTIL(t.loop, t.server.in.len == 10);
	expect_text(&t, &t.server, "three four");
	talk_fini(&t);
}

Test(stream, one_octet_at_a_time_gives_the_same)
{
	struct talk t;

	talk_init(&t);
	talk_open_pair(&t);
	t.server.take = 1;
	peer_say(&t.client, "a1 NOOP\r\na2 NOOP\r\n");
	TURN_UNTIL(t.loop, t.server.inputs == 1);
	for (unsigned i = 1; i < 18; i++) {
		io_stream_resume(t.server.stream);
		TURN_UNTIL(t.loop, t.server.inputs == i + 1);
	}
	expect_text(&t, &t.server, "a1 NOOP\r\na2 NOOP\r\n");
	talk_fini(&t);
}

Test(stream, pause_leaves_input_in_the_kernel)
{
	struct talk t;
	struct buf data = { 0 };

	talk_init(&t);
	talk_open_pair(&t);
	io_stream_pause(t.server.stream);
	pattern_fill(&data, 0, 4 << 20);
	io_stream_write_buf(t.client.stream, &data);
	TURN_UNTIL(t.loop, t.client.above == 1);
	cr_assert(t.server.inputs == 0);
	io_stream_resume(t.server.stream);
	TURN_UNTIL(t.loop, t.server.in.len == 4 << 20);
	cr_assert(pattern_is(buf_slice(&t.server.in), 0));
	cr_assert(t.client.below == 1 && t.client.above == 1);
	talk_fini(&t);
}

static void ring(unused_arg struct timer *timer)
{
}

/* Input that nobody takes is no reason to turn. */
Test(stream, a_paused_stream_lets_the_loop_wait)
{
	struct timer bell;
	struct talk t;
	unsigned turns = 0;

	talk_init(&t);
	talk_open_pair(&t);
	io_stream_pause(t.server.stream);
	io_stream_write(t.client.stream, SLICE_LIT("a1 NOOP\r\n"));
	timer_init(&bell, ring);
	timer_set(io_loop_timers(t.loop), &bell, 30);
	for (; timer_is_set(&bell); turns++)
		io_loop_turn(t.loop);
	cr_expect_lt(turns, 10);
	cr_expect_eq(t.server.inputs, 0);
	io_stream_resume(t.server.stream);
	TURN_UNTIL(t.loop, t.server.inputs == 1);
	talk_fini(&t);
}

static void close_on_input(struct peer *peer)
{
	io_stream_abort(peer->stream, ERR_CLIENTBUG);
}

Test(stream, the_owner_may_abort_inside_input)
{
	struct talk t;

	talk_init(&t);
	talk_open_pair(&t);
	t.server.take = 2;
	t.server.on_input = close_on_input;
	peer_say(&t.client, "garbage");
	TURN_UNTIL(t.loop, t.server.closed);
	cr_assert(t.server.err == ERR_CLIENTBUG);
	cr_assert(t.server.inputs == 1);
	talk_fini(&t);
}

Test(stream, idle_is_told_again_and_again_but_not_after_input)
{
	struct talk t;
	uint64_t start_ms;
	unsigned before;

	talk_init(&t);
	talk_open_pair(&t);
	io_stream_set_idle(t.server.stream, 40);
	io_stream_set_idle(t.client.stream, 20);
	TURN_UNTIL(t.loop, t.client.idle == 1);
	start_ms = peer_now_ms();
	peer_say(&t.client, "x");
	TURN_UNTIL(t.loop, t.server.inputs == 1);
	before = t.server.idle;
	TURN_UNTIL(t.loop, t.server.idle == before + 1);
	cr_assert(peer_now_ms() - start_ms >= 39);
	TURN_UNTIL(t.loop, t.server.idle == before + 2);
	io_stream_set_idle(t.server.stream, 0);
	io_stream_set_idle(t.client.stream, 0);
	talk_fini(&t);
}

/* ---- output ---- */

Test(stream, a_slow_reader_is_told_by_the_marks)
{
	struct talk t;
	struct buf data = { 0 };
	size_t sent = 0;

	talk_init(&t);
	talk_open_pair(&t);
	io_stream_pause(t.client.stream);
	pattern_fill(&data, 0, 8 << 20);
	while (t.server.above == 0) {
		io_stream_write(t.server.stream,
				slice_of(data.data + sent, 10000));
		sent += 10000;
		cr_assert(sent < data.len);
		io_loop_stop(t.loop); /* a turn that does not wait */
		io_loop_turn(t.loop);
	}
	cr_assert(io_stream_queued(t.server.stream) > IO_STREAM_HIGH);
	cr_assert(io_stream_queued(t.server.stream) <= IO_STREAM_HIGH + 10000);
	io_stream_resume(t.client.stream);
	TURN_UNTIL(t.loop, t.server.below == 1);
	cr_assert(io_stream_queued(t.server.stream) <= IO_STREAM_LOW);
	TURN_UNTIL(t.loop, t.client.in.len == sent);
	cr_assert(pattern_is(buf_slice(&t.client.in), 0));
	cr_assert(t.server.above == 1);
	buf_fini(&data);
	talk_fini(&t);
}

Test(stream, a_peer_that_takes_nothing_is_cut_off)
{
	struct talk t;
	struct buf data = { 0 };

	talk_init(&t);
	talk_open_pair(&t);
	io_stream_pause(t.client.stream);
	io_stream_set_stall(t.server.stream, 30);
	pattern_fill(&data, 0, 4 << 20);
	io_stream_write_buf(t.server.stream, &data);
	cr_assert(data.data == NULL && data.len == 0);
	TURN_UNTIL(t.loop, t.server.closed);
	cr_assert(t.server.err == ERR_TIMEOUT);
	cr_assert_str_eq(t.server.why, "peer takes no output");
	talk_fini(&t);
}

static void count_release(void *arg)
{
	unsigned *count = arg;

	(*count)++;
}

static int file_of_pattern(size_t len)
{
	char path[] = "/tmp/murder-stream-XXXXXX";
	struct buf data = { 0 };
	int fd = mkstemp(path);

	cr_assert(fd >= 0 && unlink(path) == 0);
	pattern_fill(&data, 0, len);
	cr_assert(write(fd, data.data, len) == (ssize_t)len);
	buf_fini(&data);
	return fd;
}

/* Copies, borrowed memory, a file: 3,000,000 octets of the pattern. */
static unsigned write_mixture(struct io_stream *stream, const struct buf *data,
			      int fd, unsigned *released)
{
	enum {
		COPY = 1000,
		HELD = 999000,
		FILE_LEN = 1900000
	};
	size_t at = 0;

	io_stream_write(stream, slice_of(data->data, COPY));
	at += COPY;
	io_stream_write_held(stream, slice_of(data->data + at, HELD),
			     count_release, released);
	at += HELD;
	io_stream_write_file(stream, fd, at, FILE_LEN, count_release, released);
	at += FILE_LEN;
	io_stream_write(stream, slice_of(data->data + at, data->len - at));
	return 2;
}

static void mixture_arrives(struct talk *t)
{
	enum {
		TOTAL = 3000000
	};
	struct buf data = { 0 };
	unsigned released = 0, held;
	int fd = file_of_pattern(TOTAL);

	pattern_fill(&data, 0, TOTAL);
	held = write_mixture(t->server.stream, &data, fd, &released);
	io_stream_close(t->server.stream);
	TURN_UNTIL(t->loop, t->client.ended);
	cr_assert(t->client.in.len == TOTAL, "%zu", t->client.in.len);
	cr_assert(pattern_is(buf_slice(&t->client.in), 0));
	cr_assert(released == held);
	buf_fini(&data);
	(void)close(fd);
}

Test(stream, copies_borrowed_memory_and_files_arrive_in_order)
{
	struct talk t;

	talk_init(&t);
	talk_open(&t);
	mixture_arrives(&t);
	talk_fini(&t);
}

Test(stream, the_same_under_tls)
{
	struct talk t;
	struct place place;

	place_init(&place);
	talk_init(&t);
	talk_use_tls(&t, &place);
	talk_open(&t);
	mixture_arrives(&t);
	talk_fini(&t);
	place_fini(&place);
}

static void short_file_is_an_error(struct talk *t)
{
	unsigned released = 0;
	int fd = file_of_pattern(1000);

	io_stream_write_file(t->server.stream, fd, 500, 501, count_release,
			     &released);
	TURN_UNTIL(t->loop, t->server.closed);
	cr_assert(t->server.err == ERR_IO);
	cr_assert(released == 1);
	(void)close(fd);
}

Test(stream, a_file_that_is_too_short_cuts_the_connection)
{
	struct talk t;

	talk_init(&t);
	talk_open_pair(&t);
	short_file_is_an_error(&t);
	talk_fini(&t);
}

Test(stream, everything_is_released_when_the_stream_ends)
{
	static uint8_t data[1 << 20];
	struct talk t;
	unsigned released = 0;

	talk_init(&t);
	talk_open_pair(&t);
	io_stream_pause(t.client.stream);
	io_stream_write_held(t.server.stream, slice_of(data, sizeof(data)),
			     count_release, &released);
	io_stream_write_file(t.server.stream, 0, 0, 1000, count_release,
			     &released);
	cr_assert(released == 0);
	io_stream_abort(t.server.stream, ERR_CANCELLED);
	cr_assert(released == 2);
	io_stream_write_held(t.server.stream, slice_of(data, sizeof(data)),
			     count_release, &released);
	io_stream_write_file(t.server.stream, 0, 0, 1000, count_release,
			     &released);
	cr_assert(released == 4);
	talk_fini(&t);
}

/* ---- connecting ---- */

static void expect_no_connection(struct talk *t, const struct io_place *place)
{
	t->client.stream = io_stream_connect(t->loop, place, NULL, NULL,
					     &peer_ops, &t->client);
	peer_say(&t->client, "for nobody");
	cr_assert(!t->client.closed);
	TURN_UNTIL(t->loop, t->client.closed);
	cr_assert(t->client.err == ERR_UNAVAILABLE);
	cr_assert(t->client.ups == 0);
}

Test(stream, nobody_listens)
{
	struct talk t;
	struct io_place place = { .host = "127.0.0.1" };
	union sockaddr_any addr = { .in = { .sin_family = AF_INET } };
	int fd = socket(AF_INET, SOCK_STREAM, 0); /* holds the port */

	talk_init(&t);
	cr_assert(bind(fd, &addr.sa, sizeof(addr.in)) == 0);
	place.port = sockaddr_local_port(fd);
	expect_no_connection(&t, &place);
	cr_assert_str_eq(t.client.why, "Connection refused");
	(void)close(fd);
	talk_fini(&t);
}

Test(stream, no_such_socket_file)
{
	struct talk t;
	struct io_place place = { .local = true, .host = "/nonexistent/sock" };

	talk_init(&t);
	expect_no_connection(&t, &place);
	cr_assert_str_eq(t.client.why, "No such file or directory");
	talk_fini(&t);
}

Test(stream, a_connection_may_be_given_up_at_any_time)
{
	struct talk t;
	struct io_place place = { .host = "localhost", .port = 1 };

	talk_init(&t);
	for (int turns = 0; turns < 3; turns++) {
		t.client = (struct peer){ 0 };
		t.client.stream = io_stream_connect(t.loop, &place, NULL, NULL,
						    &peer_ops, &t.client);
		for (int i = 0; i < turns && !t.client.closed; i++)
			io_loop_turn(t.loop);
		if (t.client.stream)
			io_stream_abort(t.client.stream, ERR_CANCELLED);
		TURN_UNTIL(t.loop, t.client.closed);
	}
	talk_fini(&t);
}

Test(stream, output_before_up_waits_for_the_connection)
{
	struct talk t;
	struct io_place place = { .host = "127.0.0.1" };

	talk_init(&t);
	talk_open(&t);
	place.port = io_listener_port(t.listener);
	talk_hang_up(&t);
	t.client.stream = io_stream_connect(t.loop, &place, NULL, NULL,
					    &peer_ops, &t.client);
	peer_say(&t.client, "hello");
	TURN_UNTIL(t.loop, t.server.stream);
	expect_text(&t, &t.server, "hello");
	talk_fini(&t);
}

Test(stream, a_link_may_watch_its_peer)
{
	struct talk t;

	talk_init(&t);
	talk_open(&t);
	io_stream_set_dead(t.client.stream, 6000); /* must not harm */
	peer_say(&t.client, "alive");
	expect_text(&t, &t.server, "alive");
	talk_fini(&t);
}
