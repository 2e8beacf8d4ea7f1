/*
 * Outgoing connections: the name is resolved on a thread of libuv, then its
 * addresses are tried in the order of the resolver, one at a time.
 *
 * Happy path: resolve, attempt, writable without error, TLS if wanted, open.
 * Failures: the next address, after libuv has let go of the socket before; when
 * none is left the stream ends with the error of the last. An abort while the
 * resolver runs waits for it: it writes into our memory.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/panic.h"
#include "io/sockaddr.h"
#include "io/stream_uv.h"
#include "io/sys.h"

struct stream_connect {
	uv_getaddrinfo_t resolver;
	bool resolving;
	struct io_stream *stream;
	struct io_place place;
	struct addrinfo *list; /* of the resolver */
	const struct addrinfo *next;
	bool tried_local;
	struct io_tls *tls; /* or NULL */
	bool has_pin;
	struct sha256 pin;
	struct sha256 pin2;
	char *name; /* or NULL */
};

static void connect_free(struct stream_connect *connect)
{
	uv_freeaddrinfo(connect->list);
	io_tls_unref(&connect->tls);
	mem_free(connect->name);
	mem_free(connect);
}

bool stream_connect_fini(struct io_stream *stream)
{
	struct stream_connect *connect = stream->connect;

	if (!connect)
		return true;
	if (connect->resolving) {
		/* Works only before it has begun; its callback comes anyway. */
		(void)uv_cancel((uv_req_t *)&connect->resolver);
		return false;
	}
	stream->connect = NULL;
	connect_free(connect);
	return true;
}

/* ---- one attempt ---- */

/* The next address, or false. */
static bool connect_next(struct stream_connect *connect,
			 union sockaddr_any *addr_r, socklen_t *len_r)
{
	const struct addrinfo *info = connect->next;

	if (connect->place.local) {
		*len_r = sockaddr_unix(connect->place.host, addr_r);
		return !connect->tried_local && (connect->tried_local = true);
	}
	if (!info)
		return false;
	MUST(info->ai_addrlen <= sizeof(*addr_r));
	memcpy(addr_r, info->ai_addr, info->ai_addrlen);
	*len_r = info->ai_addrlen;
	connect->next = info->ai_next;
	return true;
}

/* A socket that connects to `addr`, or -1 with errno. */
static int connect_socket(const union sockaddr_any *addr, socklen_t len)
{
	int fd = socket(addr->sa.sa_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;
	int errnum;

	if (fd < 0)
		return -1;
	if (addr->sa.sa_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, &addr->sa, len) == 0 || errno == EINPROGRESS)
		return fd;
	errnum = errno;
	(void)close(fd);
	errno = errnum;
	return -1;
}

/* Tries addresses until one is under way. */
static void connect_attempt(struct io_stream *stream)
{
	union sockaddr_any addr;
	socklen_t len;

	while (connect_next(stream->connect, &addr, &len)) {
		int fd = connect_socket(&addr, len);

		if (fd < 0) {
			stream->why = sys_text(errno);
			continue;
		}
		stream_set_fd(stream, fd);
		timer_set(&stream->loop->timers, &stream->work_timer,
			  IO_STREAM_CONNECT_MS);
		stream_update_poll(stream);
		return;
	}
	stream_finish(stream, ERR_UNAVAILABLE, stream->why);
}

void stream_connect_again(struct io_stream *stream)
{
	connect_attempt(stream);
}

static void connect_failed(struct io_stream *stream, int errnum)
{
	stream->why = sys_text(errnum);
	timer_stop(&stream->loop->timers, &stream->work_timer);
	stream_drop_fd(stream); /* stream_connect_again follows */
}

void stream_connect_timeout(struct io_stream *stream)
{
	connect_failed(stream, ETIMEDOUT);
}

static void connect_done(struct io_stream *stream)
{
	struct stream_connect *connect = stream->connect;
	struct io_tls_peer peer = {
		.pin = connect->has_pin ? &connect->pin : NULL,
		.pin2 = &connect->pin2,
		.name = connect->name,
	};

	stream->connect = NULL;
	stream->why = "closed";
	sockaddr_peer(stream->fd, &stream->peer);
	if (connect->tls)
		stream_tls_start(stream, connect->tls, &peer);
	else
		stream_set_open(stream);
	connect_free(connect);
}

void stream_connect_event(struct io_stream *stream)
{
	int errnum = 0;
	socklen_t len = sizeof(errnum);

	if (stream->poll_state != STREAM_POLL_OPEN)
		return;
	if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &errnum, &len) < 0)
		errnum = errno;
	if (errnum == 0)
		connect_done(stream);
	else
		connect_failed(stream, errnum);
}

/* ---- the resolver ---- */

static void connect_resolved(uv_getaddrinfo_t *resolver, int status,
			     struct addrinfo *list)
{
	struct stream_connect *connect =
		container_of(resolver, struct stream_connect, resolver);
	struct io_stream *stream = connect->stream;

	connect->resolving = false;
	connect->list = list;
	connect->next = list;
	if (stream->state == STREAM_CLOSED) {
		(void)stream_connect_fini(stream);
		stream_gone(stream);
		return;
	}
	if (status < 0)
		stream->why = uv_strerror(status);
	connect_attempt(stream);
}

static void connect_resolve(struct io_stream *stream)
{
	struct stream_connect *connect = stream->connect;
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	char port[8];
	int rc;

	(void)snprintf(port, sizeof(port), "%u", connect->place.port);
	rc = uv_getaddrinfo(&stream->loop->uv, &connect->resolver,
			    connect_resolved, connect->place.host, port,
			    &hints);
	if (rc < 0)
		stream_finish(stream, ERR_UNAVAILABLE, uv_strerror(rc));
	else
		connect->resolving = true;
}

struct io_stream *
io_stream_connect(struct io_loop *loop, const struct io_place *place,
		  struct io_tls *tls, const struct io_tls_peer *peer,
		  const struct io_stream_ops *ops, void *owner)
{
	struct io_stream *stream = stream_new(loop, ops, owner);
	struct stream_connect *connect = mem_zalloc(1, sizeof(*connect));

	MUST(!tls || peer);
	stream->why = "no address";
	stream->connect = connect;
	connect->stream = stream;
	connect->place = *place;
	if (tls) {
		connect->tls = io_tls_ref(tls);
		connect->has_pin = peer->pin != NULL;
		if (peer->pin)
			connect->pin = connect->pin2 = *peer->pin;
		if (peer->pin2)
			connect->pin2 = *peer->pin2;
		if (peer->name)
			connect->name = mem_dup(peer->name, strlen(peer->name));
	}
	if (place->local)
		connect_attempt(stream);
	else
		connect_resolve(stream);
	return stream;
}
