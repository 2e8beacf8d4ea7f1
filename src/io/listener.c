/*
 * Listening sockets.
 *
 * Happy path: the socket is readable, a bounded number of connections is
 * accepted, each is counted and goes as a task to the loop with the fewest.
 *
 * Failures: a connection that is gone before it was accepted is skipped. When
 * descriptors or memory run out the listener sleeps a tenth of a second: the
 * kernel's queue holds the clients meanwhile. Above its limit it says so to
 * the client and closes.
 */
#include "io/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "io/sockaddr.h"
#include "io/stream_uv.h"
#include "io/sys.h"

#define ACCEPT_TURN 64      /* connections accepted in one turn */
#define ACCEPT_PAUSE_MS 100 /* when the system has no descriptor */
#define ACCEPT_LOG_MS 60000 /* between two log lines about that */
#define LISTEN_BACKLOG 4096 /* the kernel cuts it to its own limit */

struct listener_socket {
	uv_poll_t poll;
	struct io_listener *listener;
	int fd;
};

struct io_listener {
	struct io_loop *loop;
	struct io_loop **loops;
	size_t loop_count;
	struct io_listener_config config;
	char *busy; /* owns what config.busy points at */
	struct listener_socket sockets[IO_LISTENER_SOCKETS_MAX];
	size_t count;
	size_t open; /* sockets that libuv still has */
	bool closed;
	bool owns_file; /* of a Unix socket */
	struct timer pause;
	uint64_t logged_ms; /* 0: never */
	atomic_uint connections;
};

struct io_accepted {
	struct task task;
	struct io_listener *listener;
	struct io_loop *loop;
	struct io_addr peer;
	int fd; /* -1: taken */
};

/* ---- accepting ---- */

void listener_done(struct io_listener *listener)
{
	atomic_fetch_sub(&listener->connections, 1);
}

const struct io_addr *io_accepted_peer(const struct io_accepted *accepted)
{
	return &accepted->peer;
}

void accepted_take(struct io_accepted *accepted, struct io_stream *stream)
{
	MUST(accepted->fd >= 0 && accepted->loop == stream->loop);
	stream->peer = accepted->peer;
	stream->listener = accepted->listener;
	/* stream_new has counted it; the hand-over did before. */
	atomic_fetch_sub(&stream->loop->load, 1);
	stream_set_fd(stream, accepted->fd);
	accepted->fd = -1;
}

void io_accepted_drop(struct io_accepted *accepted)
{
	MUST(accepted->fd >= 0);
	(void)close(accepted->fd);
	accepted->fd = -1;
	atomic_fetch_sub(&accepted->loop->load, 1);
	listener_done(accepted->listener);
}

/* On the loop of the connection. */
static void accepted_arrive(struct task *task)
{
	struct io_accepted *accepted =
		container_of(task, struct io_accepted, task);
	const struct io_listener_config *config = &accepted->listener->config;

	config->accept(config->arg, accepted->loop, accepted);
	MUST(accepted->fd < 0);
	mem_free(accepted);
}

static struct io_loop *listener_choose(const struct io_listener *listener)
{
	struct io_loop *best = listener->loops[0];
	unsigned least = atomic_load(&best->load);

	for (size_t i = 1; i < listener->loop_count; i++) {
		unsigned load = atomic_load(&listener->loops[i]->load);

		if (load < least) {
			least = load;
			best = listener->loops[i];
		}
	}
	return best;
}

static void listener_hand_over(struct io_listener *listener, int fd)
{
	struct io_accepted *accepted = mem_zalloc(1, sizeof(*accepted));
	struct io_loop *loop = listener_choose(listener);

	accepted->listener = listener;
	accepted->loop = loop;
	accepted->fd = fd;
	sockaddr_peer(fd, &accepted->peer);
	atomic_fetch_add(&loop->load, 1);
	task_post(&loop->executor, &accepted->task, accepted_arrive);
}

static void listener_take(struct io_listener *listener, int fd)
{
	const struct io_listener_config *config = &listener->config;
	int on = 1;

	if (!config->place.local)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (atomic_fetch_add(&listener->connections, 1) < config->limit) {
		listener_hand_over(listener, fd);
		return;
	}
	listener_done(listener);
	/* A courtesy: whether it arrives is not worth waiting for. */
	(void)send(fd, config->busy.data, config->busy.len,
		   MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)close(fd);
}

static void listener_watch(struct io_listener *listener);

static void listener_unwatch(struct io_listener *listener)
{
	for (size_t i = 0; i < listener->count; i++)
		MUST(uv_poll_stop(&listener->sockets[i].poll) == 0);
}

/* Out of descriptors or memory: tries again a little later. */
static void listener_pause(struct io_listener *listener, int errnum)
{
	uint64_t now_ms = clock_mono_ms(&listener->loop->clock);

	if (listener->logged_ms == 0 ||
	    now_ms - listener->logged_ms > ACCEPT_LOG_MS) {
		LOG_ERROR("listener: cannot accept: %s; clients wait",
			  sys_text(errnum));
		listener->logged_ms = now_ms;
	}
	listener_unwatch(listener);
	timer_set(&listener->loop->timers, &listener->pause, ACCEPT_PAUSE_MS);
}

static void listener_pause_over(struct timer *timer)
{
	listener_watch(container_of(timer, struct io_listener, pause));
}

static bool listener_lacks(int errnum)
{
	return errnum == EMFILE || errnum == ENFILE || errnum == ENOBUFS ||
	       errnum == ENOMEM;
}

static void listener_event(uv_poll_t *poll, unused_arg int status,
			   unused_arg int events)
{
	struct listener_socket *sock =
		container_of(poll, struct listener_socket, poll);

	for (int i = 0; i < ACCEPT_TURN; i++) {
		int fd = accept4(sock->fd, NULL, NULL,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			listener_take(sock->listener, fd);
		} else if (errno == EAGAIN) {
			return;
		} else if (listener_lacks(errno)) {
			listener_pause(sock->listener, errno);
			return;
		}
		/* else this one is gone: accept(2), "Error handling" */
	}
}

static void listener_watch(struct io_listener *listener)
{
	for (size_t i = 0; i < listener->count; i++)
		MUST(uv_poll_start(&listener->sockets[i].poll, UV_READABLE,
				   listener_event) == 0);
}

/* ---- opening ---- */

static void listener_add(struct io_listener *listener, int fd)
{
	struct listener_socket *sock = &listener->sockets[listener->count++];

	sock->listener = listener;
	sock->fd = fd;
}

/* All sockets are there: from here on they are libuv's. */
static void listener_begin(struct io_listener *listener)
{
	for (size_t i = 0; i < listener->count; i++) {
		struct listener_socket *sock = &listener->sockets[i];

		MUST(uv_poll_init(&listener->loop->uv, &sock->poll, sock->fd) ==
		     0);
		listener->open++;
	}
	listener_watch(listener);
}

static enum err listener_failed(const char *what, const struct io_place *place,
				int errnum, struct buf *why)
{
	buf_printf(why, "cannot %s %s", what,
		   place->host[0] ? place->host : "*");
	if (!place->local)
		buf_printf(why, " port %u", place->port);
	buf_printf(why, ": %s", sys_text(errnum));
	return sys_err(errnum);
}

/* A bound and listening socket, or -1 with errno. */
static int listener_socket(const union sockaddr_any *addr, socklen_t len,
			   bool dual, mode_t mode)
{
	int fd = socket(addr->sa.sa_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, only6 = !dual;
	int errnum;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (addr->sa.sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6,
				 sizeof(only6));
	/* The file gets the socket's mode: never wider than it shall be. */
	if (addr->sa.sa_family == AF_UNIX)
		(void)fchmod(fd, mode);
	if (bind(fd, &addr->sa, len) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	errnum = errno;
	(void)close(fd);
	errno = errnum;
	return -1;
}

/*
 * A socket that its process left behind. Connecting tells whether somebody
 * listens; other kinds of files refuse as well, so look first.
 */
static bool listener_file_is_stale(const union sockaddr_any *addr,
				   socklen_t len)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(addr->un.sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	stale = connect(fd, &addr->sa, len) < 0 && errno == ECONNREFUSED;
	(void)close(fd);
	return stale;
}

static enum err listener_open_local(struct io_listener *listener,
				    struct buf *why)
{
	const struct io_listener_config *config = &listener->config;
	const char *path = config->place.host;
	union sockaddr_any addr;
	socklen_t len = sockaddr_unix(path, &addr);
	int fd = listener_socket(&addr, len, false, config->mode);

	if (fd < 0 && errno == EADDRINUSE &&
	    listener_file_is_stale(&addr, len)) {
		(void)unlink(path);
		fd = listener_socket(&addr, len, false, config->mode);
	}
	if (fd < 0)
		return listener_failed("listen on", &config->place, errno, why);
	/* The umask may have narrowed it. */
	if (chmod(path, config->mode) < 0)
		LOG_WARN("%s: cannot set mode: %s", path, sys_text(errno));
	listener->owns_file = true;
	listener_add(listener, fd);
	return ERR_NONE;
}

/* All addresses at once: one socket for both families, if there is IPv6. */
static enum err listener_open_any(struct io_listener *listener, struct buf *why)
{
	const struct io_place *place = &listener->config.place;
	union sockaddr_any any6 = { .in6 = {
					    .sin6_family = AF_INET6,
					    .sin6_port = htons(place->port),
					    .sin6_addr = IN6ADDR_ANY_INIT,
				    } };
	union sockaddr_any any4 = { .in = {
					    .sin_family = AF_INET,
					    .sin_port = htons(place->port),
				    } };
	int fd = listener_socket(&any6, sizeof(any6.in6), true, 0);

	if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		fd = listener_socket(&any4, sizeof(any4.in), false, 0);
	if (fd < 0)
		return listener_failed("listen on", place, errno, why);
	listener_add(listener, fd);
	return ERR_NONE;
}

/* With port 0 all addresses get the port that the first was given. */
static void listener_set_port(union sockaddr_any *addr, uint16_t port)
{
	if (addr->sa.sa_family == AF_INET)
		addr->in.sin_port = htons(port);
	else
		addr->in6.sin6_port = htons(port);
}

static enum err listener_open_list(struct io_listener *listener,
				   const struct addrinfo *list, struct buf *why)
{
	const struct io_place *place = &listener->config.place;

	for (; list; list = list->ai_next) {
		union sockaddr_any addr;
		uint16_t port = place->port;
		int fd;

		if (listener->count == IO_LISTENER_SOCKETS_MAX)
			break;
		MUST(list->ai_addrlen <= sizeof(addr));
		memcpy(&addr, list->ai_addr, list->ai_addrlen);
		if (listener->count > 0)
			port = io_listener_port(listener);
		listener_set_port(&addr, port);
		fd = listener_socket(&addr, list->ai_addrlen, false, 0);
		/* "localhost" names ::1 also where there is no IPv6 */
		if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
			continue;
		if (fd < 0)
			return listener_failed("listen on", place, errno, why);
		listener_add(listener, fd);
	}
	if (listener->count == 0)
		return listener_failed("listen on", place, EADDRNOTAVAIL, why);
	return ERR_NONE;
}

static enum err listener_open_host(struct io_listener *listener,
				   struct buf *why)
{
	const struct io_place *place = &listener->config.place;
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE,
					.ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	enum err err;
	int rc = getaddrinfo(place->host, NULL, &hints, &list);

	if (rc != 0) {
		buf_printf(why, "cannot listen on %s: %s", place->host,
			   gai_strerror(rc));
		return ERR_NOTFOUND;
	}
	err = listener_open_list(listener, list, why);
	freeaddrinfo(list);
	return err;
}

static enum err listener_open_fd(struct io_listener *listener)
{
	int fd = listener->config.fd;
	int flags = fcntl(fd, F_GETFL);

	MUST(flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
	listener_add(listener, fd);
	return ERR_NONE;
}

static enum err listener_open_sockets(struct io_listener *listener,
				      struct buf *why)
{
	if (listener->config.fd >= 0)
		return listener_open_fd(listener);
	if (listener->config.place.local)
		return listener_open_local(listener, why);
	if (listener->config.place.host[0] == '\0')
		return listener_open_any(listener, why);
	return listener_open_host(listener, why);
}

/* ---- life ---- */

static struct io_listener *listener_new(struct io_loop *loop,
					struct io_loop *const *loops,
					size_t count,
					const struct io_listener_config *config)
{
	struct io_listener *listener = mem_zalloc(1, sizeof(*listener));

	MUST(count > 0);
	listener->loop = loop;
	listener->loops = mem_zalloc(count, sizeof(struct io_loop *));
	memcpy(listener->loops, loops, count * sizeof(struct io_loop *));
	listener->loop_count = count;
	listener->config = *config;
	listener->busy = mem_dup(config->busy.data, config->busy.len);
	listener->config.busy = slice_of(listener->busy, config->busy.len);
	if (config->limit == 0)
		listener->config.limit = IO_LISTENER_CONNECTIONS;
	if (config->mode == 0)
		listener->config.mode = 0600;
	timer_init(&listener->pause, listener_pause_over);
	return listener;
}

static void listener_free(struct io_listener *listener)
{
	mem_free(listener->loops);
	mem_free(listener->busy);
	mem_free(listener);
}

enum err io_listener_open(struct io_loop *loop, struct io_loop *const *loops,
			  size_t count, const struct io_listener_config *config,
			  struct buf *why, struct io_listener **listener_r)
{
	struct io_listener *listener = listener_new(loop, loops, count, config);
	enum err err = listener_open_sockets(listener, why);

	if (err != ERR_NONE) {
		for (size_t i = 0; i < listener->count; i++)
			(void)close(listener->sockets[i].fd);
		listener_free(listener);
		return err;
	}
	listener_begin(listener);
	*listener_r = listener;
	return ERR_NONE;
}

uint16_t io_listener_port(const struct io_listener *listener)
{
	return sockaddr_local_port(listener->sockets[0].fd);
}

uint32_t io_listener_connections(const struct io_listener *listener)
{
	return atomic_load(&listener->connections);
}

static void listener_socket_closed(uv_handle_t *handle)
{
	struct listener_socket *sock =
		container_of((uv_poll_t *)handle, struct listener_socket, poll);

	sock->listener->open--;
}

void io_listener_close(struct io_listener *listener)
{
	MUST(!listener->closed);
	listener->closed = true;
	timer_stop(&listener->loop->timers, &listener->pause);
	listener_unwatch(listener);
	for (size_t i = 0; i < listener->count; i++) {
		struct listener_socket *sock = &listener->sockets[i];

		(void)close(sock->fd);
		uv_close((uv_handle_t *)&sock->poll, listener_socket_closed);
	}
	if (listener->owns_file)
		(void)unlink(listener->config.place.host);
}

void io_listener_free(struct io_listener **listenerp)
{
	struct io_listener *listener = *listenerp;

	*listenerp = NULL;
	MUST(listener->closed && listener->open == 0);
	MUST(atomic_load(&listener->connections) == 0);
	listener_free(listener);
}
