/*
 * What a stream is made of, for the files of this folder that share it:
 *
 *   stream.c          life, events, input, the end
 *   stream_out.c      output
 *   stream_tls.c      the TLS half
 *   stream_connect.c  how an outgoing connection comes about
 *   stream_move.c     from one loop to another
 *
 * No other folder includes this.
 */
#ifndef IO_STREAM_UV_H
#define IO_STREAM_UV_H

#include "io/loop_uv.h"
#include "io/outq.h"
#include "io/stream.h"
#include "io/tls_ssl.h"

/*
 * CONNECTING -> [HANDSHAKE ->] OPEN -> FLUSHING -> DRAINING -> CLOSED
 *                    ^           |
 *                    '- STARTTLS-'         anything may go to CLOSED
 *
 * OPEN -> MOVING -> OPEN
 */
enum stream_state {
	STREAM_CONNECTING, /* waits for an address or the connection */
	STREAM_HANDSHAKE,  /* waits for the peer's part of the handshake */
	STREAM_OPEN,
	STREAM_FLUSHING, /* close asked: sends what is queued */
	STREAM_DRAINING, /* FIN sent: reads and drops until the peer's */
	STREAM_CLOSED,   /* socket gone: waits for libuv, then `closed` */
	STREAM_MOVING,   /* is nobody's until it arrives on its new loop */
};

enum stream_poll {
	STREAM_POLL_NONE, /* no handle with libuv */
	STREAM_POLL_OPEN,
	STREAM_POLL_CLOSING, /* stream_poll_closed will be called */
};

/* What one attempt to read or write has come to. */
enum stream_io {
	STREAM_IO_SOME,  /* something, and maybe there is more */
	STREAM_IO_BLOCK, /* wait for the socket */
	STREAM_IO_END,   /* the peer sends no more */
	STREAM_IO_FAILED,
};

struct stream_connect; /* stream_connect.c */
struct stream_move;    /* stream_move.c */

struct io_stream {
	uv_poll_t poll;
	enum stream_poll poll_state;
	int events; /* that libuv waits for */
	int fd;     /* -1: none */
	enum stream_state state;
	struct io_loop *loop;
	const struct io_stream_ops *ops;
	void *owner;
	struct io_addr peer;
	struct io_listener *listener;   /* counts it; or NULL */
	struct stream_connect *connect; /* until it is connected; or NULL */

	SSL *ssl; /* NULL: plain */
	struct tls_set *tls_set;
	struct tls_pins *pins;  /* of the server; or NULL */
	struct io_tls *upgrade; /* STARTTLS asked for, not begun */

	struct outq out;
	uint64_t plain_left;  /* octets to send before `upgrade` */
	size_t record_len;    /* of the TLS record that must be repeated */
	struct io_hook flush; /* end of the turn: send */
	struct io_hook more;  /* next turn: input without a socket event */
	struct buf kept;      /* input that was not taken, from kept_at on */
	size_t kept_at;

	struct timer idle_timer;
	struct timer work_timer; /* connect, handshake, stall or linger */
	uint64_t input_at_ms;
	uint32_t idle_ms;
	uint32_t stall_ms;

	bool paused;
	bool in_input;    /* the owner's `input` is on the stack */
	bool input_ended; /* `input_end` was called */
	bool unread;      /* reading stopped before the socket was empty */
	bool drained;     /* the socket gave less than asked: do not ask */
	bool peer_eof;    /* recv has returned 0 */
	bool tls_write;   /* the TLS half waits until it can write */
	bool blocked;     /* the kernel took less output than there was */
	bool is_above;    /* of the high-water mark */
	bool is_up;       /* `up` was called for what is there now */

	struct stream_move *move; /* to another loop; or NULL */

	enum err err; /* for `closed` */
	const char *why;
};

/* ---- stream.c ---- */

/* A stream without a socket. */
struct io_stream *stream_new(struct io_loop *loop,
			     const struct io_stream_ops *ops, void *owner);

/* Takes the socket and gives it to libuv. */
void stream_set_fd(struct io_stream *stream, int fd);

/* Libuv lets go of the socket, which stays open. */
void stream_drop_poll(struct io_stream *stream);

/* Closes the socket again: stream_connect_again, or the end, follows. */
void stream_drop_fd(struct io_stream *stream);

/* Connected, or the handshake is done: calls `up` in the next turn. */
void stream_set_open(struct io_stream *stream);

/* Waits for what the state needs; after every change of it. */
void stream_update_poll(struct io_stream *stream);

/* The end, at once; `why` is static. Nothing if it has come already. */
void stream_finish(struct io_stream *stream, enum err err, const char *why);

/* The same for the socket's error, or `errnum` if it has none. */
void stream_fail(struct io_stream *stream, int errnum);

/* No more output: sends FIN, waits for the peer's, then finishes. */
void stream_drain(struct io_stream *stream, enum err err, const char *why);

/* Input that may be there without an event of the socket. */
void stream_read_later(struct io_stream *stream);

/* STARTTLS, when nothing stands in its way any more. */
void stream_try_upgrade(struct io_stream *stream);

/* ---- stream_out.c ---- */

/* The queue and its hook, empty. */
void stream_out_init(struct io_stream *stream);

/* Sends what can be sent; changes the state when all is sent. */
void stream_flush(struct io_stream *stream);

/* ---- stream_tls.c ---- */

/* Begins the handshake; `peer` for clients, NULL for servers. */
void stream_tls_start(struct io_stream *stream, struct io_tls *tls,
		      const struct io_tls_peer *peer);

/* The socket is ready for the next part of the handshake. */
void stream_tls_handshake(struct io_stream *stream);

/* At most `size` octets; may give some and say END or FAILED next time. */
enum stream_io stream_tls_recv(struct io_stream *stream, uint8_t *out,
			       size_t size, size_t *len_r);

/* Sends one record from the front of the queue. */
enum stream_io stream_tls_send(struct io_stream *stream);

/* Tells the peer that no more comes, if that can be done at once. */
void stream_tls_bye(struct io_stream *stream);

/* Frees the TLS half, if there is one. */
void stream_tls_fini(struct io_stream *stream);

/* ---- stream_connect.c ---- */

/* The socket of the present attempt is writable, or has failed. */
void stream_connect_event(struct io_stream *stream);

/* The socket of the last attempt is gone: tries the next address. */
void stream_connect_again(struct io_stream *stream);

/* Time is up for the present attempt. */
void stream_connect_timeout(struct io_stream *stream);

/* False: the resolver still runs; stream_gone follows when it has ended. */
bool stream_connect_fini(struct io_stream *stream);

/* ---- stream_move.c ---- */

/* libuv has let go of the socket: off to the other loop. */
void stream_move_on(struct io_stream *stream);

/* The last of a stream: calls `closed` and frees it. */
void stream_gone(struct io_stream *stream);

/* ---- listener.c ---- */

/* Takes what was accepted: its socket, its peer, its place in the counts. */
void accepted_take(struct io_accepted *accepted, struct io_stream *stream);

/* A connection of the listener is closed; from any loop. */
void listener_done(struct io_listener *listener);

#endif
