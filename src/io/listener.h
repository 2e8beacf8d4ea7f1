/*
 * Listening sockets: accepts on one loop and hands each connection to the loop
 * that has the fewest.
 *
 * Life: io_listener_open; connections arrive at `accept` on the loops; the
 * listener closes (no new ones); when the last of its connections is closed it
 * may be freed. A descriptor shortage is waited out, not spun on.
 */
#ifndef IO_LISTENER_H
#define IO_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "io/addr.h"
#include "io/loop.h"

/* Addresses of one host name: "localhost" has two. */
#define IO_LISTENER_SOCKETS_MAX 8

/* Connections of one listener unless the setting says otherwise. */
#define IO_LISTENER_CONNECTIONS 20000

struct io_listener;
struct io_accepted;

/*
 * A connection has arrived; called on `loop`. It becomes a stream by
 * io_stream_accept (io/stream.h), or goes by io_accepted_drop: one of the two
 * must happen inside the call.
 */
typedef void io_listener_accept(void *arg, struct io_loop *loop,
				struct io_accepted *accepted);

struct io_listener_config {
	struct io_place place;
	int fd;         /* a listening socket to take over, or -1 */
	mode_t mode;    /* of a Unix socket; 0: 0600 */
	uint32_t limit; /* connections; 0: IO_LISTENER_CONNECTIONS */
	/* Sent to a connection above the limit, then it is closed; borrowed */
	struct slice busy;
	io_listener_accept *accept;
	void *arg;
};

/*
 * On the thread of `loop`, or before it starts. `loops` is copied; all of them
 * outlive its connections. A socket file that nobody listens on is replaced.
 *
 * Errors, with a text for the operator appended to `why`: ERR_INUSE (address
 * taken), ERR_DENIED (port below 1024), ERR_NOTFOUND (no such host or path),
 * ERR_IO.
 */
must_use enum err io_listener_open(struct io_loop *loop,
				   struct io_loop *const *loops, size_t count,
				   const struct io_listener_config *config,
				   struct buf *why,
				   struct io_listener **listener_r);

/* The port in use, also if port 0 was asked for; 0 for a Unix socket. */
uint16_t io_listener_port(const struct io_listener *listener);

/* Connections open now; from any thread. */
uint32_t io_listener_connections(const struct io_listener *listener);

/*
 * On the listener's loop: stops accepting at once; those already accepted
 * still arrive. Removes the file of a Unix socket that was not passed in.
 */
void io_listener_close(struct io_listener *listener);

/* Closed, a turn ago at least, and without connections; *listenerp = NULL. */
void io_listener_free(struct io_listener **listenerp);

/* Who connects; borrowed until the stream is made. */
const struct io_addr *io_accepted_peer(const struct io_accepted *accepted);

/* Closes the connection unread. */
void io_accepted_drop(struct io_accepted *accepted);

#endif
