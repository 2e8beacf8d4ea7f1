/*
 * The courier: brings bodies from node to node (architecture.md 4, "Bodies").
 *
 *   spread  while a client sends a message, to all replicas of its group
 *           (courier_spread.h)
 *   fetch   a body that a row names and this node lacks
 *   give    a hold on bodies at all replicas of a group, which fetch what
 *           they lack
 *
 * and the other ends of these: what peers spread is received, what they fetch
 * is lent, what they give is brought here.
 *
 * Its own state lives on one loop, that of the bulk links; operations are
 * started on any thread and answered on the executor that they name, once, from
 * a later turn. Storage of an operation is the caller's until then.
 *
 * A node without links has a courier too: then nothing is asked of others.
 */
#ifndef SERVER_COURIER_H
#define SERVER_COURIER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/list.h"
#include "base/task.h"
#include "base/timer.h"
#include "peer/mux.h"
#include "raft/command.h"
#include "server/courier_wire.h"
#include "store/body.h"

struct courier;

/* ---- where bodies of a group belong ---- */

struct courier_target {
	uint64_t raft_id;
	uint32_t node;
	bool voter;
	bool local; /* this node */
};

/* All voters, and standbys that may be on the way to become one. */
struct courier_targets {
	struct courier_target at[COMMAND_HOLDERS_MAX];
	unsigned count;
};

/* Replicas that have a body, by raft id, as commands list them (F4). */
struct courier_holders {
	uint64_t raft_ids[COMMAND_HOLDERS_MAX];
	size_t count;
};

/* Is it one replica, on this node: nobody else has to be asked? */
static inline bool courier_is_alone(const struct courier_targets *targets)
{
	return targets->count == 1 && targets->at[0].local;
}

/* How many voters are a majority of them. */
unsigned courier_majority(const struct courier_targets *targets);

/* Do a majority of the voters hold it? (model step B2) */
bool courier_is_held(const struct courier_targets *targets,
		     const struct courier_holders *holders);

/* Keeps of `holders` who stands in `others`, too. */
void courier_holders_keep(struct courier_holders *holders,
			  const struct courier_holders *others);

void courier_holders_add(struct courier_holders *holders, uint64_t raft_id);

/* ---- life ---- */

enum courier_right {
	COURIER_MAY_WRITE, /* bodies under a hold: frontends and backends */
	COURIER_MAY_READ,  /* bodies by their name: backends */
};

/* What the courier asks of its node; any thread, and may read the disk. */
struct courier_ops {
	/* ERR_NOTFOUND: there is no such group; ERR_UNAVAILABLE. */
	enum err (*targets)(void *arg, uint32_t group,
			    struct courier_targets *targets_r);
	/* Raft id of this node's replica of the group; 0: there is none. */
	uint64_t (*raft_id)(void *arg, uint32_t group);
	/* May the node at the other end do this? */
	bool (*may)(void *arg, uint32_t node, enum courier_right right);
	/* A body has come, and is durable. May be NULL. */
	void (*came)(void *arg, const struct sha256 *hash);
};

struct courier_config {
	struct body_store *bodies;
	struct peer_bulk *bulk; /* NULL: there are no other nodes */
	struct executor *loop;  /* of the bulk links */
	struct timers *timers;  /* of that loop */
	struct clock *clock;    /* monotonic */
	struct executor *pool;  /* workers */
	const struct courier_ops *ops;
	void *arg;
};

/* Before links are up: takes the streams of its kinds. `config` is copied. */
struct courier *courier_new(const struct courier_config *config);

/*
 * From any thread, once: begins nothing any more, and fetches end with
 * ERR_UNAVAILABLE. What peers have under way ends with its links.
 */
void courier_stop(struct courier *courier);

/* Something is under way: store and loops must live on. Any thread. */
bool courier_is_busy(struct courier *courier);

/* Stopped and not busy. */
void courier_free(struct courier **courierp);

/* See struct courier_ops. */
must_use enum err courier_find_targets(struct courier *courier, uint32_t group,
				       struct courier_targets *targets_r);

/* From any thread: a body of this node's own has become durable, late. */
void courier_tell_came(struct courier *courier, const struct sha256 *hash);

/* ---- fetch ---- */

#define COURIER_FETCH_MS 20000 /* deadline where the caller names none */

struct courier_fetch;

typedef void courier_fetch_done(struct courier_fetch *fetch);

struct courier_fetch {
	/* set by the caller */
	struct executor *home;
	void *owner;
	struct sha256 hash;
	uint32_t group;       /* its replicas are asked ... */
	uint32_t hint;        /* ... after this node; 0: none */
	uint32_t deadline_ms; /* 0 = COURIER_FETCH_MS */

	/* valid in `done` */
	enum err err;

	/* the courier's own */
	struct courier *courier;
	courier_fetch_done *done;
	uint64_t deadline_at_ms;
	struct list link;
	struct task task;
};

/*
 * However many want a body, it is fetched once. It is stored without a hold:
 * a row names it.
 *
 * ERR_NONE: it is here; ERR_MISSING_BODY: nobody has it; ERR_UNAVAILABLE:
 * somebody could not be asked; ERR_FULL, ERR_IO of the own disk.
 */
void courier_fetch(struct courier *courier, struct courier_fetch *fetch,
		   courier_fetch_done *done);

/* Does another try of reading make sense after this error? */
static inline bool courier_can_fetch(enum err err)
{
	return err == ERR_MISSING_BODY || err == ERR_CORRUPT;
}

/* ---- give ---- */

#define COURIER_GIVE_MS 10000 /* deadline where the caller names none */

struct courier_give;

typedef void courier_give_done(struct courier_give *give);

struct courier_give {
	/* set by the caller */
	struct executor *home;
	void *owner;
	struct body_hold hold;       /* of an op of the target group */
	uint32_t source;             /* group whose replicas have them */
	const struct sha256 *hashes; /* copied */
	size_t count;                /* 1 .. COURIER_HASHES_MAX */
	uint32_t delay_ms;           /* before anything happens */
	uint32_t deadline_ms;        /* from then on; 0 = COURIER_GIVE_MS */

	/* valid in `done` */
	enum err err;
	struct courier_holders holders; /* each has all of them */

	/* the courier's own */
	courier_give_done *done;
	struct task task;
};

/*
 * Puts the hold on the bodies at every replica of the hold's group; who lacks
 * one fetches it from this node or from a replica of the source group. Answers
 * when a majority of the voters has all; the others go on behind it.
 *
 * ERR_UNAVAILABLE: no majority has them now; ERR_MISSING_BODY: and one of them
 * is nowhere to be had.
 */
void courier_give(struct courier *courier, struct courier_give *give,
		  courier_give_done *done);

#endif
