/*
 * Spread: a message goes to the other replicas of its group while its client
 * sends it, a stream each (architecture.md 4, "Bodies"; model steps B1, B2).
 *
 * Life: spread_new; spread_add ... in any split; spread_finish; each `event`
 * asks for spread_lag and spread_decide; spread_free. All on the home executor,
 * which also tells what became of this node's own copy (spread->local).
 *
 * Memory: at most SPREAD_BEHIND_MAX and an add are kept for who is slow, and
 * PEER_ROOM a stream. Who is further behind is dropped from this upload, and
 * repair brings it the body later; what a majority does not take slows the
 * client down.
 */
#ifndef SERVER_COURIER_SPREAD_H
#define SERVER_COURIER_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/courier.h"

/* Octets that a majority may be behind: then the client waits. */
#define SPREAD_ROOM (128u * 1024)

/* Octets that a replica may be behind: then it is dropped. */
#define SPREAD_BEHIND_MAX (1024u * 1024)

/* Octets that wait for the slow after a majority was enough, in all. */
#define SPREAD_LINGER_MAX (64u * 1024 * 1024)

struct spread;

/* Something may have changed; on the home executor, from a later turn. */
typedef void spread_event(void *arg);

enum spread_state {
	SPREAD_OPEN,    /* on its way */
	SPREAD_DURABLE, /* with its hold */
	SPREAD_FAILED,
};

/* This node's own copy, as its owner says. */
struct spread_local {
	enum spread_state state; /* FAILED also where there is none */
	enum err err;
	size_t lag; /* octets not taken yet */
	struct sha256 hash;
};

struct spread_verdict {
	enum err err;
	struct sha256 hash;
	struct courier_holders holders;
};

/*
 * `live` as of upload_new. `targets` name another node at least; they are
 * copied.
 */
struct spread *spread_new(struct courier *courier, const struct body_hold *hold,
			  const struct courier_targets *targets, unsigned *live,
			  struct executor *home, spread_event *event,
			  void *arg);

/* Where the owner says what became of the own copy. */
struct spread_local *spread_local(struct spread *spread);

/* Takes a copy of all. */
void spread_add(struct spread *spread, struct slice octets);

/* No more octets; once. */
void spread_finish(struct spread *spread);

/* Octets that the fastest majority has not taken; 0 if there is none. */
size_t spread_lag(struct spread *spread);

/*
 * True: a majority of the voters has it durable under the same name, or none
 * ever will. The holders are those of the moment.
 */
bool spread_decide(struct spread *spread, struct spread_verdict *verdict_r);

/*
 * *spreadp becomes NULL; no event any more. After spread_finish the others go
 * on behind it; before, they drop what they have.
 */
void spread_free(struct spread **spreadp);

#endif
