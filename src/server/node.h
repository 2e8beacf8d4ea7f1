/*
 * A running node: what it owns, in the order in which it starts.
 *
 * node_start brings up disk, log, groups and bodies; then sessions may come.
 * Threads: the main loop (signals, admin socket, listeners), the log loop,
 * one applier a group, the writers of log and bodies, the workers, and the
 * session loops.
 */
#ifndef SERVER_NODE_H
#define SERVER_NODE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/random.h"
#include "cluster/directory_fsm.h"
#include "cluster/mailgroup_fsm.h"
#include "imap/session.h"
#include "io/listener.h"
#include "io/loop.h"
#include "io/pool.h"
#include "io/thread.h"
#include "io/tls.h"
#include "lmtp/session.h"
#include "raft/replica.h"
#include "raft/turns.h"
#include "raft/wal.h"
#include "server/courier.h"
#include "server/identity.h"
#include "server/keeper.h"
#include "server/loop.h"
#include "server/peers.h"
#include "server/settings.h"
#include "store/body.h"

#define NODE_LOOPS_MAX 256
#define NODE_LISTENERS_MAX (4 * SETTINGS_LISTEN_MAX)

/* Groups of which a node may have had a replica since it was started. */
#define NODE_GROUPS_MAX IDENTITY_GROUPS_MAX_HERE

/*
 * This node's copy of one group with all that belongs to it. It stays where it
 * is until the node ends, so that any thread may hold it.
 */
struct node_group {
	struct node *node;
	uint32_t number; /* 0: the directory */
	uint64_t raft_id;
	struct replica *_Atomic replica; /* NULL: not open */
	struct io_thread *applier;
	union {
		struct directory_fsm directory;
		struct mailgroup_fsm mail;
	} fsm;
	struct task task; /* start and stop, on the log loop */
	struct {          /* the start count is too low for the group */
		uint32_t at_least;
		struct task task;
		struct keeper_write write;
	} raise;
};

typedef void node_done(void *arg, enum err err, const char *why);

struct init_op;
struct proposer;
struct remotes;
struct loopback;
struct peer_bulk;
struct join_op;

struct node {
	const struct settings *settings;
	struct random *random;
	int lock; /* file descriptor of <data>/lock */
	struct identity_file identity;
	bool clean; /* the last stop left everything whole */

	struct io_loop *main;
	struct io_loop *log;
	struct io_thread *wal_writer;
	struct io_thread *body_writer;
	struct io_pool *pool;
	struct wal *wal;
	struct replica_turns turns; /* one checkpoint at a time */
	struct body_store *bodies;
	unsigned uploads;        /* bodies being written (atomic) */
	struct courier *courier; /* brings bodies from node to node */

	/* bulk links to others; NULL: there are none */
	struct peer_bulk *bulk;
	struct executor *bulk_loop;  /* on which they live */
	struct loopback *loopback;   /* to this node, for tests */
	atomic_uint channels;        /* ends of channels that are left */
	atomic_bool channels_closed; /* no new ones */
	atomic_uint seats;           /* so far, for spreading them */
	/* [0] is the directory; grows only, by node_groups.c: node_group() */
	struct node_group *_Atomic groups[NODE_GROUPS_MAX];
	_Atomic unsigned group_count;
	bool serving; /* initialised, groups are open */
	bool running; /* the threads of the loops were started */

	struct server_loop *loops[NODE_LOOPS_MAX];
	struct io_loop *io_loops[NODE_LOOPS_MAX];
	unsigned loop_count;
	struct io_tls *tls;
	struct io_listener *listeners[NODE_LISTENERS_MAX];
	unsigned listener_count;
	bool deaf; /* the listeners are closed */
	struct admin *admin;
	struct peers *peers;      /* links; NULL: never initialised */
	struct task members_task; /* reads the rows of members */
	atomic_bool members_woken;
	void (*peers_stopped)(struct node *node);
	bool peers_started;
	struct sha256 key_hash; /* of this node's key for links */
	/* On the log loop: a frame for a replica that is not here; or NULL. */
	void (*strange_frame)(struct node *node, uint32_t group, uint64_t from,
			      uint64_t to, struct slice frame);
	struct keeper *keeper;     /* writes the identity */
	struct reports *reports;   /* of all nodes' replicas */
	struct manager *manager;   /* changes who has which replicas */
	struct imports *imports;   /* replicas that are brought up */
	struct exports *exports;   /* those of others, from here */
	struct replicas *replicas; /* opens what the directory gives us */
	bool loops_back; /* tests: own mail over channels (loopback.h) */
	struct remotes *_Atomic remotes; /* groups that are elsewhere */
	struct intents *intents; /* what is still to be done elsewhere */
	struct upkeep *upkeep;   /* sweeps and checkpoints of bodies */
	struct repair *repair;   /* bodies that are missing or damaged */
	struct copies *copies;   /* abandoned ones are dropped */
	struct claims *claims;   /* those left open are carried out */
	unsigned running_claims; /* passes over claims (atomic) */
	unsigned moves;          /* to other groups, by clients (atomic) */
	struct init_op *init;    /* `init` is under way (node_init.c) */
	struct join_op *join;    /* `join` is (node_join.c) */
	bool stop_asked;         /* as soon as `init` has ended */
	struct node_stop *stop;  /* NULL: not stopping */
	bool stopped;            /* regularly: what is kept may be whole */
	bool fenced;             /* another process has this node's id */
	struct task fenced_task;

	/* what the sessions see of the settings */
	struct imap_config imap;
	struct lmtp_config lmtp;
	char *prefixes[2];                /* owned: "Other Users/", .. */
	uint8_t fake_secret[SHA256_SIZE]; /* keys of unknown users */
};

/* Group in place `i` of this node's. Any thread. */
static inline struct node_group *node_group(const struct node *node, unsigned i)
{
	return atomic_load(&node->groups[i]);
}

/* The group by its number; NULL: this node has no replica of it. */
struct node_group *node_group_find(const struct node *node, uint32_t number);

/* The group's replica here; NULL: this node has none. Any thread. */
struct replica *node_replica(const struct node *node, uint32_t group);

/*
 * Proposes into the group: by its replica here, else from afar. NULL: it is
 * not known here. Any thread; valid until the node ends.
 */
struct proposer *node_proposer(const struct node *node, uint32_t group);

/* Its raft id; 0: this node has none. */
uint64_t node_raft_id(const struct node *node, uint32_t group);

/* How often this node was started, this time included. Any thread. */
static inline uint32_t node_start_count(const struct node *node)
{
	return __atomic_load_n(&node->identity.start, __ATOMIC_SEQ_CST);
}

static inline struct replica *node_directory(const struct node *node)
{
	return atomic_load(&node_group(node, 0)->replica);
}

/* The session loop that runs on `loop`. */
struct server_loop *node_loop(const struct node *node,
			      const struct io_loop *loop);

/*
 * Locks the data directory, opens what is there and starts to serve; a node
 * that was never initialised only answers murderctl. ERR_LOCKED, ERR_CORRUPT
 * and the like: `why` says what to do; nothing runs any more.
 */
must_use enum err node_start(struct node *node, const struct settings *settings,
			     struct io_loop *main_loop, struct buf *why);

/*
 * Makes a new cluster of this node alone: the work of `murderctl init`. On the
 * main loop; `done` runs there, late. ERR_EXISTS: it was done before. One that
 * failed on the way goes on where it stopped.
 */
void node_init(struct node *node, struct slice name, node_done *done,
	       void *arg);

/*
 * Makes this node a member of a cluster: the work of `murderctl join`. On the
 * main loop; `done` runs there, late, when the directory has come. `address`
 * ("host:port" of the member to be asked) may be empty: the token has one.
 */
void node_join(struct node *node, struct slice address, struct slice token,
	       node_done *done, void *arg);

/* There may be new intents: PURGE after a DELETE and the like. Any thread. */
void node_run_intents(struct node *node);

/* The directory's groups may have changed. Any thread. */
void node_run_replicas(struct node *node);

/* On the main loop, when the groups are open: what works beside sessions. */
void node_work_begin(struct node *node);

/*
 * From the main loop: no new connections, BYE to the old ones, everything to
 * disk, the clean mark; then the main loop is stopped. Twice is once; an init
 * that is under way comes to its end before.
 */
void node_stop(struct node *node);

/* After the main loop has ended. */
void node_fini(struct node *node);

#endif
