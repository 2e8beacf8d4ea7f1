/*
 * Links to the other nodes: two TLS connections a pair, log and bulk.
 *
 * Log links live on the log loop and carry frames of groups; bulk links live
 * on a loop of their own and carry streams (peer/mux.h). Of two nodes the one
 * with the lower id dials. Both prove their keys by TLS: a link is good only if
 * the key is one of the member row's and the member is active; it is cut when
 * the row goes. What is lost is dialled again, after 50 ms at first, 2 s at
 * last, the addresses of the member in turn.
 *
 * Happy path: peers_new, peers_start, peers_set_members; links come and go;
 * peers_stop, peers_free. Without members there is one idle thread.
 *
 * Failures: a link that cannot be had is tried for ever, its last error is in
 * the status; the log has a line when a link comes, when it goes, and when the
 * reason for failing changes.
 */
#ifndef SERVER_PEERS_H
#define SERVER_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/random.h"
#include "base/slice.h"
#include "base/task.h"
#include "io/addr.h"
#include "io/listener.h"
#include "io/loop.h"
#include "peer/frame.h"
#include "peer/mux.h"
#include "raft/net.h"

#define PEERS_MAX 128         /* members: as many as a group has replicas */
#define PEERS_ADDRESSES_MAX 8 /* of a member, as in its row */
#define PEERS_ADDRESS_MAX 262 /* octets: a host name, brackets, a port */
#define PEERS_KEYS_MAX 2      /* the second while a key is changed */
#define PEERS_TEXT_MAX 255    /* octets of an error's text */

#define PEERS_PORT 2005 /* where nodes listen for each other, by default */

#define PEERS_DIAL_MIN_MS 50
#define PEERS_DIAL_MAX_MS 2000
/* Connect, handshake and HELLO of an attempt. */
#define PEERS_CONNECT_MS 5000

/*
 * Octets that wait to be sent to a peer on the log link: the largest frame and
 * what comes behind it. Above it frames are not taken: ERR_UNAVAILABLE.
 */
#define PEERS_QUEUE_MAX (NET_FRAME_MAX + 16 * 1024 * 1024)

/* Connections that have not said yet who they are. */
#define PEERS_STRANGERS_MAX 64

/* JOIN links, from accepting the HELLO to the end. */
#define PEERS_JOINS_MAX 16
#define PEERS_JOIN_MS 60000 /* for the answer */

struct peers;

/* ---- joining ---- */

/* A question of a node that is no member yet, on the member's side. */
struct peers_asked {
	struct sha256 key_hash; /* the joiner's, from TLS */
	struct io_addr addr;
	struct slice ask; /* borrowed until peers_answer */
};

/* The joiner's question. Storage of the caller's until `done` has run. */
struct peers_join {
	const char *address;      /* "host:port" of a member; borrowed */
	const struct sha256 *pin; /* of that member's key; borrowed */
	struct slice ask;         /* at most PEER_ASK_MAX octets; borrowed */
	struct executor *home;    /* where `done` runs */
	void *owner;
	/* results */
	enum err err;                  /* UNAVAILABLE: see `text`; TIMEOUT */
	struct buf answer;             /* the caller's to free */
	char text[PEERS_TEXT_MAX + 1]; /* why it failed */
	/* private */
	void (*done)(struct peers_join *join);
	struct peers *peers;
	struct task task;
	struct peers_conn *conn;
};

typedef void peers_join_done(struct peers_join *join);

/* ---- life ---- */

/* What happens on links; may be NULL where nobody listens. */
struct peers_hooks {
	void *arg;
	/*
	 * On the log loop: a frame for `group`, whose `from` belongs to the
	 * node at the other end and whose `to` is this node's. Borrowed.
	 */
	void (*receive)(void *arg, uint32_t group, uint64_t from, uint64_t to,
			struct slice frame);
	/* On the log loop: what peers_tell sent. Borrowed. */
	void (*told)(void *arg, uint32_t node, struct slice payload);
	/* On the link's loop: it is up, or no more. */
	void (*link)(void *arg, uint32_t node, enum peer_kind kind, bool up);
	/* On the bulk loop; ends in peers_answer, from any thread. */
	void (*ask)(void *arg, struct peers_asked *asked);
};

struct peers_options {
	const char *data;     /* directory with key.pem and cert.pem */
	const char *name;     /* for the certificate, if it must be made */
	const char *cluster;  /* id of the cluster; "": no member yet */
	uint32_t node;        /* 0: no member yet: only peers_join works */
	uint32_t start_count; /* of this start */
	uint32_t feature_level;
	const char *software; /* "Murder 1.0" */
	struct io_loop *log;
	struct random *random;
	struct peers_hooks hooks;
};

/*
 * Texts are copied. Reads this node's key and makes it if there is none
 * (peers_make_key). Errors: `why` names the file.
 */
must_use enum err peers_new(const struct peers_options *options,
			    struct buf *why, struct peers **peers_r);

/*
 * The key by which other nodes know this one: <data>/key.pem, and its
 * certificate beside it (cert.pem), made if absent; its hash is for the member
 * row. `name` is written into the certificate and means nothing.
 */
must_use enum err peers_make_key(const char *data, const char *name,
				 struct buf *why, struct sha256 *hash_r);

/* Runs the bulk loop; the log loop runs, or will soon. */
void peers_start(struct peers *peers);

/*
 * From any thread, once, after peers_start: cuts all links; `stopped` runs on
 * the log loop when none is left, all frames have been `sent`, all streams and
 * joins have ended and each `ask` was answered. What is sent afterwards is
 * ERR_UNAVAILABLE. The listeners are closed before; of the functions for any
 * thread none but peers_answer is called after.
 */
typedef void peers_stopped(void *arg);
void peers_stop(struct peers *peers, peers_stopped *stopped, void *arg);

/* Never started, or stopped and the log loop has ended. NULL is allowed. */
void peers_free(struct peers **peersp);

/*
 * From any thread, started: this node has become a member, or its start count
 * has been raised. Copied; links that come later say it.
 */
void peers_set_self(struct peers *peers, const char *cluster, uint32_t node,
		    uint32_t start_count);

/*
 * Reads key and certificate again, from any thread; links that come later use
 * them. To be called when the member row has the new hash beside the old.
 */
must_use enum err peers_reload_key(struct peers *peers, struct buf *why);

/* ---- members ---- */

struct peers_member {
	uint32_t node;
	bool active; /* any state but removed */
	unsigned address_count;
	char addresses[PEERS_ADDRESSES_MAX][PEERS_ADDRESS_MAX + 1];
	unsigned key_count; /* 1 .. PEERS_KEYS_MAX */
	struct sha256 keys[PEERS_KEYS_MAX];
};

/*
 * From any thread, started: all members that there are now, this node's own row
 * among them or not; copied. Links to others, and those whose key is in the row
 * no more, are cut at once.
 */
void peers_set_members(struct peers *peers, const struct peers_member *members,
		       unsigned count);

/* ---- what runs over links ---- */

/* A connection that a listener has accepted, on peers_bulk_loop. */
void peers_accept(struct peers *peers, struct io_accepted *accepted);

/* Where streams, joins and what is accepted live. */
struct io_loop *peers_bulk_loop(const struct peers *peers);

/* The log links as replicas see them (raft/net.h); on the log loop. */
struct replica_net *peers_net(struct peers *peers);

/*
 * The bulk links as owners of streams see them (peer/mux.h); on the bulk loop.
 * Acceptors are set before peers_start.
 */
struct peer_bulk *peers_bulk(struct peers *peers);

/*
 * On the log loop: `payload` (at most PEER_NODE_MAX octets, copied) to a node,
 * or to all (0). Lost where there is no link.
 */
void peers_tell(struct peers *peers, uint32_t node, struct slice payload);

/* Is there a log link? On the log loop. */
bool peers_reaches(const struct peers *peers, uint32_t node);

/* From any thread: asks, once; `done` runs late. See struct peers_join. */
void peers_join(struct peers *peers, struct peers_join *join,
		peers_join_done *done);

/*
 * The answer to a hook `ask`, from any thread, once: at most PEER_ANSWER_MAX
 * octets, copied. The joiner may have gone.
 */
void peers_answer(struct peers *peers, struct peers_asked *asked,
		  struct slice answer);

/* The joiner is refused, with a text for the person who tries. */
void peers_refuse(struct peers *peers, struct peers_asked *asked,
		  const char *text);

/* ---- status ---- */

struct peers_link_status {
	uint32_t node;
	enum peer_kind kind;
	bool up;
	bool dials;             /* this side does */
	uint32_t feature_level; /* that it said last; 0: never up */
	uint64_t since_ms;      /* wall clock; 0: never up */
	uint64_t octets_in;     /* of the present or the last link */
	uint64_t octets_out;
	char address[PEERS_ADDRESS_MAX + 1]; /* of the last attempt or link */
	char error[PEERS_TEXT_MAX + 1];      /* the last; "": none yet */
	char software[PEER_SOFTWARE_MAX + 1];
};

/* Storage of the caller's until `done` has run. */
struct peers_status {
	struct executor *home; /* where `done` runs */
	void *owner;
	/* results */
	unsigned count;
	struct peers_link_status links[2 * PEERS_MAX];
	/* private */
	void (*done)(struct peers_status *status);
	struct peers *peers;
	struct task task;
};

typedef void peers_status_done(struct peers_status *status);

/* From any thread, while it runs; `done` runs late. */
void peers_get_status(struct peers *peers, struct peers_status *status,
		      peers_status_done *done);

#endif
