/*
 * Inside of the courier: shared by courier*.c only.
 *
 *   courier.c          life, the tick, who may what
 *   courier_targets.c  sets of replicas: pure
 *   courier_wire.c     heads and answers: pure
 *   courier_spread.c   a message to all replicas while it comes
 *   courier_receive.c  ... and its other end
 *   courier_fetch.c    a body that is wanted here
 *   courier_lend.c     ... and its other end
 *   courier_bring.c    a hold on bodies, here
 *   courier_give.c     ... and everywhere, by streams
 */
#ifndef SERVER_COURIER_IMPL_H
#define SERVER_COURIER_IMPL_H

#include <stdatomic.h>

#include "base/panic.h"
#include "base/tree.h"
#include "server/courier.h"
#include "server/courier_wire.h"
#include "server/streams.h"

/*
 * Bodies that peers may be sending to this node at a time; each holds up to
 * 2 BODY_CHUNK and a window of its stream.
 */
#define COURIER_RECEIVE_MAX 2048

/* Bodies that are being read for peers; each occupies a worker at times. */
#define COURIER_LEND_MAX 64

/* Bodies being fetched; the others wait. */
#define COURIER_FETCHES_MAX 32

/* HAVE streams being answered. */
#define COURIER_BRING_MAX 64

#define COURIER_TICK_MS 500

/* Nothing moved for so long: the other side is given up. */
#define COURIER_STALL_MS 10000

struct courier {
	struct courier_config config;
	_Atomic unsigned busy; /* things under way, anywhere */
	atomic_bool stopped;

	/* the loop's own */
	struct timer tick;
	struct list spreads; /* struct spread */
	uint64_t lingering;  /* octets of those that nobody waits for */
	struct tree fetches; /* struct fetch_run by hash */
	struct list waiting; /* runs that wait for one of FETCHES_MAX */
	unsigned fetching;
	struct list gives; /* struct give_run */
	unsigned receiving;
	unsigned lending;
	unsigned bringing;
	struct task stop;
};

static inline uint64_t courier_now(const struct courier *courier)
{
	return clock_mono_ms(courier->config.clock);
}

static inline void courier_begin(struct courier *courier)
{
	atomic_fetch_add(&courier->busy, 1);
}

/* The last touch of the courier by what has ended. */
static inline void courier_end(struct courier *courier)
{
	MUST(atomic_fetch_sub(&courier->busy, 1) > 0);
}

/* Makes the tick run as long as there is something to look after. */
void courier_wake_tick(struct courier *courier);

/* On the loop: a body is durable here. */
void courier_came(struct courier *courier, const struct sha256 *hash);

/*
 * May the peer bring bodies for this replica of the group? Else the stream is
 * closed.
 */
must_use bool courier_lets_in(struct courier *courier,
			      struct peer_stream *stream, uint64_t to,
			      const struct body_hold *hold);

/* Who takes streams of the kinds; `arg` is the courier. */
peer_accept courier_accept_body;
peer_accept courier_accept_fetch;
peer_accept courier_accept_have;

/* Each tick, on the loop. */
void courier_spread_tick(struct courier *courier, uint64_t now_ms);
void courier_fetch_tick(struct courier *courier, uint64_t now_ms);
void courier_give_tick(struct courier *courier, uint64_t now_ms);

/* All fetches end. On the loop. */
void courier_fetch_stop(struct courier *courier);

int courier_fetch_order(const struct tree_node *a, const struct tree_node *b);

/* ---- courier_bring.c ---- */

struct bring;

typedef void bring_done(struct bring *bring);

struct bring_item;

/* A hold on bodies of this node's store; what is not there is fetched. */
struct bring {
	/* set by the caller */
	void *owner;
	struct body_hold hold;
	uint32_t source;             /* group whose replicas are asked ... */
	uint32_t hint;               /* ... after this node; 0: none */
	uint32_t deadline_ms;        /* of each fetch */
	const struct sha256 *hashes; /* borrowed */
	size_t count;

	/* valid in `done`, for each: ERR_NONE, or why not */
	enum err *errs;

	/* own */
	struct courier *courier;
	bring_done *done;
	struct bring_item *items;
	size_t left;
};

/* On the loop, as `done`, which runs later, once; then bring_fini. */
void bring_start(struct courier *courier, struct bring *bring,
		 bring_done *done);
void bring_fini(struct bring *bring);

#endif
