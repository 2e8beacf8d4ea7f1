/*
 * A connection: a TCP or Unix socket, plain or under TLS, of one loop.
 *
 * Everything happens on the loop's thread. Callbacks come from the loop's turn,
 * never from inside a call of the owner. An idle stream has no buffers: input
 * is read into one buffer of the loop, output lives only until it is sent.
 *
 * Output is queued and sent at the end of the turn. Above the high-water mark
 * `above` is called; the owner then stops to produce until `below`. A peer that
 * takes nothing for the stall time is cut off.
 *
 * Happy path: accept or connect, `up`, `input` ..., close, `closed`.
 * Failures: whatever fails ends in `closed` with the error; `io_stream_why`
 * has a text for the log.
 */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/slice.h"
#include "io/addr.h"
#include "io/listener.h"
#include "io/loop.h"
#include "io/tls.h"

#define IO_STREAM_READ_MAX (64 * 1024)     /* octets of one `input` */
#define IO_STREAM_HIGH (256 * 1024)        /* octets queued: `above` */
#define IO_STREAM_LOW (64 * 1024)          /* then `below` */
#define IO_STREAM_STALL_MS (5 * 60 * 1000) /* output waits, none is taken */
#define IO_STREAM_HANDSHAKE_MS (30 * 1000) /* TLS, also after STARTTLS */
#define IO_STREAM_CONNECT_MS (10 * 1000)   /* each address of a host */
#define IO_STREAM_LINGER_MS (5 * 1000)     /* to send the rest at close */

struct io_stream;

/* One table for all streams of a kind; must outlive them. */
struct io_stream_ops {
	/* Connected; under TLS: handshake done, also after io_stream_tls_*. */
	void (*up)(struct io_stream *stream);
	/*
	 * Octets, borrowed until return. Returns how many were taken; if not
	 * all, the stream keeps the rest and pauses: it comes again, first,
	 * after io_stream_resume.
	 */
	size_t (*input)(struct io_stream *stream, struct slice in);
	/* The peer sends no more; writing still goes. NULL: close then. */
	void (*input_end)(struct io_stream *stream);
	/* Output is queued at or above / again below the marks; may be NULL. */
	void (*above)(struct io_stream *stream);
	void (*below)(struct io_stream *stream);
	/* No input for the idle time; may be NULL if none is ever set. */
	void (*idle)(struct io_stream *stream);
	/* Last call, exactly once; the stream is gone after it. */
	void (*closed)(struct io_stream *stream, enum err err);
};

/*
 * Makes a stream of an accepted connection, inside io_listener_accept. With
 * `tls` (server) the handshake comes first; NULL: plain, `up` follows anyway.
 * `owner` is for io_stream_owner and not looked at.
 */
struct io_stream *io_stream_accept(struct io_loop *loop,
				   struct io_accepted *accepted,
				   struct io_tls *tls,
				   const struct io_stream_ops *ops,
				   void *owner);

/* A connected socket that is taken over (socketpair, inherited). */
struct io_stream *io_stream_adopt(struct io_loop *loop, int fd,
				  struct io_tls *tls,
				  const struct io_stream_ops *ops, void *owner);

/*
 * Connects to `place`; names are resolved on a thread of libuv, and addresses
 * are tried one after another. `tls` (client) may be NULL. All arguments are
 * copied; a stream that cannot connect ends in `closed` (ERR_UNAVAILABLE).
 */
struct io_stream *
io_stream_connect(struct io_loop *loop, const struct io_place *place,
		  struct io_tls *tls, const struct io_tls_peer *peer,
		  const struct io_stream_ops *ops, void *owner);

void *io_stream_owner(const struct io_stream *stream);
struct io_loop *io_stream_loop(const struct io_stream *stream);
const struct io_addr *io_stream_peer(const struct io_stream *stream);

/* ---- input ---- */

/* No `input` until resume; what the kernel buffered slows the peer down. */
void io_stream_pause(struct io_stream *stream);

/* `input` goes on in a later turn, first with what was not taken. */
void io_stream_resume(struct io_stream *stream);

/* `idle` when nothing was read for `ms`, each time anew; 0: off. */
void io_stream_set_idle(struct io_stream *stream, uint32_t ms);

/*
 * Finds out within about `ms` that the peer's machine or the way to it is gone
 * (TCP keepalive, TCP_USER_TIMEOUT); for links. After `up`.
 */
void io_stream_set_dead(struct io_stream *stream, uint32_t ms);

/*
 * Hands the stream over to another loop, with its TLS and with input that was
 * not taken: for connections that say themselves where they belong. From the
 * stream's loop, `up`, with no output queued. Nobody may touch it between this
 * call and `up`, which comes on `loop` and to the new owner; idle and dead
 * times are to be set anew.
 */
void io_stream_move(struct io_stream *stream, struct io_loop *loop,
		    const struct io_stream_ops *ops, void *owner);

/* ---- output; nothing happens on a stream that is closing ---- */

/* Copies. */
void io_stream_write(struct io_stream *stream, struct slice data);

/* Takes the memory; *buf is empty afterwards. For large answers. */
void io_stream_write_buf(struct io_stream *stream, struct buf *buf);

typedef void io_release(void *arg);

/*
 * Borrows `data` until `release` is called, once, sent or not, possibly from
 * inside this call.
 */
void io_stream_write_held(struct io_stream *stream, struct slice data,
			  io_release *release, void *arg);

/*
 * `len` octets of a file from `offset`; `fd` is borrowed likewise. Reading it
 * happens on the loop: for ranges that are in the page cache. A file that is
 * too short cuts the connection (ERR_IO): a count was promised to the peer.
 */
void io_stream_write_file(struct io_stream *stream, int fd, uint64_t offset,
			  uint64_t len, io_release *release, void *arg);

/* Octets queued and not yet taken by the kernel, file ranges included. */
uint64_t io_stream_queued(const struct io_stream *stream);

/* Cuts off a peer that takes nothing for `ms` (IO_STREAM_STALL_MS). */
void io_stream_set_stall(struct io_stream *stream, uint32_t ms);

/* ---- TLS ---- */

/*
 * STARTTLS, server side, from inside `input` or later. What was written before
 * goes out in plain; `up` follows, or `closed`.
 *
 * Input that came in plain and was not taken must not be read as if it had
 * come under TLS (CVE-2011-0411): such a stream is closed, ERR_CLIENTBUG.
 */
void io_stream_starttls(struct io_stream *stream, struct io_tls *tls);

/* The client's side of it, after the server's OK. */
void io_stream_starttls_client(struct io_stream *stream, struct io_tls *tls,
			       const struct io_tls_peer *peer);

/* False if the stream is plain or the handshake is not done. */
bool io_stream_tls(const struct io_stream *stream, struct io_tls_info *info_r);

/* ---- the end ---- */

/*
 * Sends what is queued, at most IO_STREAM_LINGER_MS, and closes. No `input`
 * any more; `closed` (ERR_NONE) follows.
 */
void io_stream_close(struct io_stream *stream);

/* Closes at once; `closed` follows with `err`, later and not inside. */
void io_stream_abort(struct io_stream *stream, enum err err);

/* Why it was closed, for people; borrowed, never NULL. Inside `closed`. */
const char *io_stream_why(const struct io_stream *stream);

#endif
