/*
 * What links to other nodes are made of, for the files that share it:
 *
 *   peers.c       life, members, status
 *   peers_side.c  the nodes of one loop: who is dialled and when
 *   peers_conn.c  one connection: TLS, HELLO, who is let in
 *   peers_log.c   frames of groups
 *   peers_bulk.c  streams
 *   peers_join.c  questions of nodes that are no members yet
 *   peers_key.c   the node's own key
 *
 * There are two sides, log and bulk, each with its loop, its copy of the
 * members and its connections: nothing is shared, so nothing is locked. A
 * connection that was accepted starts on the bulk side and moves to the log
 * side when its HELLO says so.
 */
#ifndef SERVER_PEERS_INTERNAL_H
#define SERVER_PEERS_INTERNAL_H

#include "base/list.h"
#include "base/timer.h"
#include "io/stream.h"
#include "io/tls.h"
#include "peer/link.h"
#include "server/peers.h"

struct peers_side;
struct peers_peer;

/* Who this node is; a copy on each side. */
struct peers_self {
	char cluster[PEER_CLUSTER_MAX + 1];
	uint32_t node;
	uint32_t start;
};

struct peers_conn {
	struct list link; /* of the side */
	struct peers_side *side;
	struct peers_peer *peer; /* NULL: a stranger, or it was let go */
	struct io_stream *stream;
	struct peer_link core;
	bool begun; /* TLS is up, `core` is there */
	bool dials;
	bool up;
	uint64_t up_ms;    /* since when */
	bool over;         /* closing: nothing is read any more */
	bool moving;       /* to the log side */
	struct sha256 key; /* of the other side */
	struct timer deadline;
	char address[PEERS_ADDRESS_MAX + 1];
	uint64_t octets_in;
	uint64_t octets_out;
	char why[PEERS_TEXT_MAX + 1]; /* it is over */
	struct peers_join *join;      /* this node asks; or NULL */
	struct asked *asked;          /* this node is asked; or NULL */

	/* bulk */
	struct peer_mux mux;
	bool has_mux;
	bool pumping;
	struct io_hook pump_soon; /* at the end of the turn */
	struct timer pump_next;   /* in the next one */
};

/* Another node on one side. */
struct peers_peer {
	struct peers_side *side;
	struct peers_member row;
	bool listed;             /* by the members that have just come */
	struct peers_conn *conn; /* up, or being dialled; or NULL */
	struct timer redial;
	uint32_t delay_ms;
	unsigned next_address;
	struct peers_link_status status;
};

struct peers_side {
	struct peers *peers;
	enum peer_kind kind;
	struct io_loop *loop;
	struct peers_self self;
	struct peers_peer *peer[PEERS_MAX];
	unsigned count;
	struct list conns;
	unsigned strangers;
	unsigned joins; /* accepted ones */
	struct timer tick;
	bool stopping;
	bool ended; /* and nothing is left */
	struct task start_task;
	struct task stop_task;
};

struct peers {
	struct peers_options options;
	char software[PEER_SOFTWARE_MAX + 1];
	struct io_tls *client_tls;
	struct io_tls *server_tls;
	struct io_loop *bulk_loop;
	struct peers_side log;
	struct peers_side bulk;
	bool started;
	unsigned moving; /* connections between the sides (atomic) */

	/* the log side's */
	struct replica_net net;
	struct list sent; /* frames whose senders are to be told */
	bool telling;
	unsigned sending; /* frames in streams */
	struct task sent_task;

	/* the bulk side's */
	struct peer_bulk streams;
	struct peer_acceptors acceptors;
	unsigned asked;   /* not answered yet */
	unsigned joining; /* peers_join under way */

	peers_stopped *stopped;
	void *stopped_arg;
};

/* ---- peers_side.c; all on the side's loop ---- */

/* NULL: there is no such member. */
struct peers_peer *peers_side_find(const struct peers_side *side,
				   uint32_t node);

/* Takes over the rows; `members` are of all nodes. */
void peers_side_set_members(struct peers_side *side,
			    const struct peers_member *members, unsigned count);

/* Its links are looked after each second. */
void peers_side_start(struct peers_side *side);

/* Cuts everything; `peers_side_check` tells when nothing is left. */
void peers_side_stop(struct peers_side *side);

/* The connection of `peer` has ended, or was not had: notes it, dials again. */
void peers_side_lost(struct peers_peer *peer, struct peers_conn *conn);

/* Something has ended: is the side empty, and was it to be? (peers.c) */
void peers_side_check(struct peers_side *side);

/* Has the row this key? */
bool peers_row_has_key(const struct peers_member *row,
		       const struct sha256 *key);

/* ---- peers_conn.c ---- */

/* Dials `text`; `peer` NULL: for `join`. NULL: that is no address. */
struct peers_conn *peers_conn_dial(struct peers_side *side,
				   struct peers_peer *peer,
				   struct peers_join *join, const char *text);

/* Ends it, with a text for the status; it is nobody's from now on. */
void peers_conn_end(struct peers_conn *conn, const char *fmt, ...)
	printf_like(2, 3);

/* Sends what stands in core.out. */
void peers_conn_flush(struct peers_conn *conn);

/* Monotonic ms of its loop. */
uint64_t peers_conn_now(const struct peers_conn *conn);

/* ---- peers_log.c ---- */

/* Fills `net`. */
void peers_log_init(struct peers *peers);
/* A GROUP or NODE frame has come. */
void peers_log_frame(struct peers_conn *conn, const struct peer_frame *frame);

/* ---- peers_bulk.c ---- */

/* Fills `streams`. */
void peers_bulk_init(struct peers *peers);
/* The mux begins. */
void peers_bulk_up(struct peers_conn *conn);
/* Ends its streams, each with the reason of the link. */
void peers_bulk_down(struct peers_conn *conn);
/* For the mux; may end the link. */
void peers_bulk_frame(struct peers_conn *conn, const struct peer_frame *frame);

/* There is room in the stream again. */
void peers_bulk_pump(struct peers_conn *conn);

/* ---- peers_join.c ---- */

/* Asks, or waits to be asked. */
void peers_join_up(struct peers_conn *conn);

/* ASK or ANSWER has come. */
void peers_join_frame(struct peers_conn *conn, const struct peer_frame *frame);

/* Whoever waits is told. */
void peers_join_down(struct peers_conn *conn);

#endif
