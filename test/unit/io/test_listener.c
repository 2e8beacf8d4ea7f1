#include "io/listener.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/process.h"
#include "io/sockaddr.h"
#include "peer.h"

static void drop(unused_arg void *arg, unused_arg struct io_loop *loop,
		 struct io_accepted *accepted)
{
	cr_assert(io_accepted_peer(accepted)->kind != IO_ADDR_NONE);
	io_accepted_drop(accepted);
}

/* A listener alone: opened with `config`, its text of failure checked. */
static enum err open_with(struct talk *t, struct io_listener_config *config,
			  const char *text)
{
	struct buf why = { 0 };
	enum err err;

	config->accept = config->accept ? config->accept : drop;
	err = io_listener_open(t->loop, &t->loop, 1, config, &why,
			       &t->listener);
	if (err == ERR_NONE)
		cr_assert(why.len == 0);
	else
		cr_assert(strstr(buf_cstr(&why), text), "%s", buf_cstr(&why));
	buf_fini(&why);
	return err;
}

static struct io_listener_config at(const char *text)
{
	struct io_listener_config config = { .fd = -1 };

	cr_assert(io_place_parse(slice_str(text), &config.place) == ERR_NONE);
	return config;
}

/* A blocking client of a port of 127.0.0.1 or ::1. */
static int dial(uint16_t port, bool v6)
{
	union sockaddr_any addr = { 0 };
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	if (v6)
		addr.in6 = (struct sockaddr_in6){
			.sin6_family = AF_INET6,
			.sin6_port = htons(port),
			.sin6_addr = IN6ADDR_LOOPBACK_INIT,
		};
	else
		addr.in = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_port = htons(port),
			.sin_addr = { htonl(INADDR_LOOPBACK) },
		};
	if (fd >= 0 && connect(fd, &addr.sa,
			       v6 ? sizeof(addr.in6) : sizeof(addr.in)) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static bool has_ipv6(void)
{
	union sockaddr_any addr = { .in6 = {
					    .sin6_family = AF_INET6,
					    .sin6_addr = IN6ADDR_LOOPBACK_INIT,
				    } };
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	bool has = fd >= 0 && bind(fd, &addr.sa, sizeof(addr.in6)) == 0;

	if (fd >= 0)
		(void)close(fd);
	return has;
}

Test(listener, all_addresses_share_a_port)
{
	struct talk t;
	struct io_listener_config config = at("*:0");
	int fd;

	talk_init(&t);
	cr_assert(open_with(&t, &config, "") == ERR_NONE);
	cr_assert(io_listener_port(t.listener) > 0);
	fd = dial(io_listener_port(t.listener), false);
	cr_assert(fd >= 0);
	(void)close(fd);
	if (has_ipv6()) {
		fd = dial(io_listener_port(t.listener), true);
		cr_assert(fd >= 0);
		(void)close(fd);
	}
	talk_fini(&t);
}

Test(listener, a_name_with_two_addresses_listens_on_both)
{
	struct talk t;
	struct io_listener_config config = at("localhost:0");
	int fd;

	talk_init(&t);
	cr_assert(open_with(&t, &config, "") == ERR_NONE);
	fd = dial(io_listener_port(t.listener), false);
	cr_assert(fd >= 0);
	(void)close(fd);
	talk_fini(&t);
}

Test(listener, a_taken_port_is_told)
{
	struct talk t, other;
	struct io_listener_config config = at("127.0.0.1:0");

	talk_init(&t);
	talk_init(&other);
	cr_assert(open_with(&t, &config, "") == ERR_NONE);
	config.place.port = io_listener_port(t.listener);
	cr_assert(open_with(&other, &config, "127.0.0.1 port ") == ERR_INUSE);
	other.listener = NULL;
	talk_fini(&other);
	talk_fini(&t);
}

Test(listener, a_host_that_does_not_exist_is_told)
{
	struct talk t;
	struct io_listener_config config = at("no-such-host.invalid:0");

	talk_init(&t);
	cr_assert(open_with(&t, &config, "no-such-host.invalid") ==
		  ERR_NOTFOUND);
	t.listener = NULL;
	talk_fini(&t);
}

Test(listener, a_passed_socket_is_taken_over)
{
	struct talk t;
	struct io_listener_config config = { 0 };
	union sockaddr_any addr = { .in = { .sin_family = AF_INET } };
	int fd;

	talk_init(&t);
	config.fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert(bind(config.fd, &addr.sa, sizeof(addr.in)) == 0);
	cr_assert(listen(config.fd, 5) == 0);
	cr_assert(open_with(&t, &config, "") == ERR_NONE);
	fd = dial(io_listener_port(t.listener), false);
	cr_assert(fd >= 0);
	(void)close(fd);
	talk_fini(&t);
}

/* ---- Unix sockets ---- */

static int dial_local(const char *path)
{
	union sockaddr_any addr;
	socklen_t len = sockaddr_unix(path, &addr);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd >= 0 && connect(fd, &addr.sa, len) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

Test(listener, a_socket_file_has_its_mode_and_goes_with_the_listener)
{
	struct talk t;
	struct io_listener_config config = { .fd = -1 };
	struct stat st;
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/tmp/murder-sock-%ld",
		       (long)getpid());
	talk_init(&t);
	config = at(path);
	config.mode = 0666;
	cr_assert(open_with(&t, &config, "") == ERR_NONE);
	cr_assert(io_listener_port(t.listener) == 0);
	cr_assert(stat(path, &st) == 0 && S_ISSOCK(st.st_mode));
	cr_assert((st.st_mode & 0777) == 0666);
	fd = dial_local(path);
	cr_assert(fd >= 0);
	(void)close(fd);
	talk_fini(&t);
	cr_assert(stat(path, &st) < 0);
}

Test(listener, a_stale_socket_file_is_replaced_a_live_one_is_not)
{
	struct talk t, other;
	struct io_listener_config config;
	union sockaddr_any addr;
	struct stat st;
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/tmp/murder-stale-%ld",
		       (long)getpid());
	talk_init(&t);
	talk_init(&other);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert(bind(fd, &addr.sa, sockaddr_unix(path, &addr)) == 0);
	(void)close(fd); /* the file stays */
	config = at(path);
	cr_assert(open_with(&t, &config, "") == ERR_NONE);
	cr_assert(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	cr_assert(open_with(&other, &config, path) == ERR_INUSE);
	other.listener = NULL;
	fd = dial_local(path);
	cr_assert(fd >= 0);
	(void)close(fd);
	talk_fini(&other);
	talk_fini(&t);
}

Test(listener, a_file_that_is_no_socket_stays)
{
	struct talk t;
	struct io_listener_config config;
	struct stat st;
	char path[] = "/tmp/murder-file-XXXXXX";
	int fd = mkstemp(path);

	(void)close(fd);
	talk_init(&t);
	config = at(path);
	cr_assert(open_with(&t, &config, path) == ERR_INUSE);
	t.listener = NULL;
	cr_assert(stat(path, &st) == 0 && S_ISREG(st.st_mode));
	(void)unlink(path);
	talk_fini(&t);
}

/* ---- limits ---- */

Test(listener, above_the_limit_clients_are_told_and_closed)
{
	struct talk t;
	struct io_listener_config config = at("127.0.0.1:0");
	char text[32] = "";
	int first, second;

	talk_init(&t);
	config.limit = 1;
	config.busy = SLICE_LIT("* BYE busy\r\n");
	cr_assert(open_with(&t, &config, "") == ERR_NONE);
	first = dial(io_listener_port(t.listener), false);
	second = dial(io_listener_port(t.listener), false);
	io_loop_turn(t.loop); /* accepts both before `drop` is called */
	cr_assert(recv(second, text, sizeof(text), 0) == 12);
	cr_assert_str_eq(text, "* BYE busy\r\n");
	cr_assert(recv(second, text, sizeof(text), 0) == 0);
	TURN_UNTIL(t.loop, io_listener_connections(t.listener) == 0);
	cr_assert(recv(first, text, sizeof(text), 0) == 0);
	(void)close(first);
	(void)close(second);
	talk_fini(&t);
}

static void no_log(void *arg, unused_arg enum log_level level,
		   unused_arg const char *line)
{
	unsigned *lines = arg;

	(*lines)++;
}

Test(listener, without_descriptors_clients_wait_and_are_served_later)
{
	struct talk t;
	struct io_listener_config config = at("127.0.0.1:0");
	struct rlimit limit, tight;
	unsigned lines = 0;
	char text[8];
	int fd;

	talk_init(&t);
	cr_assert(open_with(&t, &config, "") == ERR_NONE);
	fd = dial(io_listener_port(t.listener), false);
	cr_assert(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	tight = limit;
	tight.rlim_cur = (rlim_t)fd + 1; /* no more than there are */
	log_set_sink(no_log, &lines);
	cr_assert(setrlimit(RLIMIT_NOFILE, &tight) == 0);
	TURN_UNTIL(t.loop, lines == 1);
	for (int i = 0; i < 3; i++) { /* it sleeps: one turn each 100 ms */
		uint64_t before_ms = peer_now_ms();

		io_loop_turn(t.loop);
		cr_assert(peer_now_ms() - before_ms < 5000);
		if (i == 1)
			cr_assert(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	}
	cr_assert(lines == 1);
	TURN_UNTIL(t.loop, recv(fd, text, sizeof(text), MSG_DONTWAIT) == 0);
	(void)close(fd);
	log_set_sink(NULL, NULL);
	talk_fini(&t);
}

/* ---- many connections on several loops ---- */

#define LOOPS 3
#define CLIENTS 1000

struct crowd {
	struct io_loop *main;
	struct io_loop *loops[LOOPS];
	struct io_listener *listener;
	atomic_uint arrived[LOOPS];
	atomic_uint answered;
	atomic_uint closed;
};

struct guest {
	struct crowd *crowd;
};

static void guest_up(unused_arg struct io_stream *stream)
{
}

static size_t guest_input(struct io_stream *stream, struct slice in)
{
	struct guest *guest = io_stream_owner(stream);

	io_stream_write(stream, in);
	io_stream_close(stream);
	atomic_fetch_add(&guest->crowd->answered, 1);
	return in.len;
}

static void guest_closed(struct io_stream *stream, unused_arg enum err err)
{
	struct guest *guest = io_stream_owner(stream);

	atomic_fetch_add(&guest->crowd->closed, 1);
	mem_free(guest);
}

static const struct io_stream_ops guest_ops = {
	.up = guest_up,
	.input = guest_input,
	.closed = guest_closed,
};

static void guest_accept(void *arg, struct io_loop *loop,
			 struct io_accepted *accepted)
{
	struct crowd *crowd = arg;
	struct guest *guest = mem_zalloc(1, sizeof(*guest));

	cr_assert(io_loop_here(loop));
	for (unsigned i = 0; i < LOOPS; i++)
		if (loop == crowd->loops[i])
			atomic_fetch_add(&crowd->arrived[i], 1);
	guest->crowd = crowd;
	(void)io_stream_accept(loop, accepted, NULL, &guest_ops, guest);
}

static void crowd_open(struct crowd *crowd)
{
	struct io_listener_config config = at("127.0.0.1:0");
	struct buf why = { 0 };

	io_process_init();
	(void)io_process_raise_files();
	crowd->main = io_loop_new("main");
	for (unsigned i = 0; i < LOOPS; i++)
		crowd->loops[i] = io_loop_new("session");
	config.accept = guest_accept;
	config.arg = crowd;
	cr_assert(io_listener_open(crowd->main, crowd->loops, LOOPS, &config,
				   &why, &crowd->listener) == ERR_NONE);
	for (unsigned i = 0; i < LOOPS; i++)
		io_loop_start(crowd->loops[i]);
}

static void crowd_close(struct crowd *crowd)
{
	io_listener_close(crowd->listener);
	for (unsigned i = 0; i < LOOPS; i++) {
		io_loop_stop(crowd->loops[i]);
		io_loop_join(crowd->loops[i]);
		io_loop_free(&crowd->loops[i]);
	}
	io_loop_stop(crowd->main);
	io_loop_run(crowd->main);
	io_listener_free(&crowd->listener);
	io_loop_free(&crowd->main);
}

Test(listener, a_thousand_connections_are_spread_over_the_loops)
{
	static struct crowd crowd;
	static int fds[CLIENTS];
	char octet;

	crowd_open(&crowd);
	for (unsigned i = 0; i < CLIENTS; i++) {
		fds[i] = dial(io_listener_port(crowd.listener), false);
		cr_assert(fds[i] >= 0);
		io_loop_turn(crowd.main);
	}
	TURN_UNTIL(crowd.main,
		   io_listener_connections(crowd.listener) == CLIENTS);
	for (unsigned i = 0; i < CLIENTS; i++)
		cr_assert(send(fds[i], "x", 1, 0) == 1);
	for (unsigned i = 0; i < CLIENTS; i++) {
		cr_assert(recv(fds[i], &octet, 1, 0) == 1 && octet == 'x');
		cr_assert(recv(fds[i], &octet, 1, 0) == 0);
		(void)close(fds[i]);
	}
	while (io_listener_connections(crowd.listener) > 0)
		sched_yield();
	cr_assert(atomic_load(&crowd.answered) == CLIENTS);
	for (unsigned i = 0; i < LOOPS; i++) {
		unsigned arrived = atomic_load(&crowd.arrived[i]);

		cr_assert(arrived >= CLIENTS / LOOPS - 1);
		cr_assert(arrived <= CLIENTS / LOOPS + 1);
	}
	crowd_close(&crowd);
	cr_assert(atomic_load(&crowd.closed) == CLIENTS);
}
