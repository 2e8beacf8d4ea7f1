/*
 * What libraft's core does not keep by itself: safety rules around it
 * (libraft.md 2). They stand between the core and any raft_io, so the same
 * code guards our own (io.c) and, in tests, the library's fixture.
 *
 *   R1  a follower acknowledges only what it has checked and stored
 *   R2  a new leader commits an entry of its own term before anything else
 *   R3  no election while entries or a snapshot are being stored
 *   R4  one vote a term, also for a candidate that asks for a second one
 *   R7  after a stall, waiting messages are read before the clock is believed
 *   R8  a core that gave itself up ends the process
 *
 * Everything raft calls goes in by rules_send, rules_append; everything that
 * calls raft goes by rules_recv, rules_tick or rules_call.
 */
#ifndef RAFT_RULES_H
#define RAFT_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "raft/compat.h"

struct rules;

/* The raft_io around which the rules stand. `arg` is rules->port_arg. */
struct rules_port {
	/* The raft_io's own methods and raft's own callbacks. */
	int (*send)(void *arg, struct raft_io_send *req,
		    const struct raft_message *message, raft_io_send_cb cb);
	int (*append)(void *arg, struct raft_io_append *req,
		      const struct raft_entry *entries, unsigned n,
		      raft_io_append_cb cb);
	void (*recv)(void *arg, struct raft_message *message);
	void (*tick)(void *arg);

	/* Monotonic milliseconds. */
	uint64_t (*now_ms)(void *arg);

	/* Runs cb(req, 0) from a later turn: a message was dropped (R6). */
	void (*send_dropped)(void *arg, struct raft_io_send *req,
			     raft_io_send_cb cb);

	/* A message that is not given to raft. */
	void (*discard)(void *arg, struct raft_message *message);

	/* raft is RAFT_UNAVAILABLE though nobody closed it (R8). */
	void (*unavailable)(void *arg);

	/* After each call into raft: the state may have changed. */
	void (*after)(void *arg);
};

/* Where raft stands while it sends. */
enum rules_context {
	RULES_ELSEWHERE,
	RULES_IN_APPEND_ENTRIES, /* handling one: limit is its last index */
	RULES_IN_COMPLETION,     /* of an append: limit is its last index */
	RULES_IN_INSTALL,        /* of a snapshot: limit is last_stored */
};

/* A success of a follower that came before our own barrier is stored. */
struct rules_held {
	uint64_t id;
	char *address;
	struct raft_append_entries_result result;
};

struct rules {
	struct raft *raft;
	const struct rules_port *port;
	void *port_arg;
	unsigned heartbeat_ms;

	enum rules_context context;
	uint64_t limit;
	bool stale; /* the append was submitted in an older term */

	unsigned appends;  /* in flight */
	bool snapshotting; /* set by the owner: installing or importing */
	bool closed;       /* set by the owner: R8 rests */

	uint64_t led_term; /* for which barrier_index is; 0: none */
	uint64_t barrier_index;
	struct raft_barrier barrier;

	struct rules_held *held; /* newest of each peer */
	unsigned held_count;
	unsigned held_cap;

	uint64_t heard_ms; /* the last AppendEntries */
	bool ticked;       /* the last tick was not skipped */
	uint64_t last_tick_ms;
};

/* `raft`, `port` and `port_arg` outlive the rules. */
void rules_init(struct rules *rules, struct raft *raft,
		const struct rules_port *port, void *port_arg,
		unsigned heartbeat_ms);
void rules_fini(struct rules *rules);

/* raft_io's methods. */
int rules_send(struct rules *rules, struct raft_io_send *req,
	       const struct raft_message *message, raft_io_send_cb cb);
int rules_append(struct rules *rules, struct raft_io_append *req,
		 const struct raft_entry *entries, unsigned n,
		 raft_io_append_cb cb);

/* Calls into raft. rules_recv takes the message's memory. */
void rules_recv(struct rules *rules, struct raft_message *message);
void rules_tick(struct rules *rules);

/* Before and after any other call into raft (raft_start, a completion ..). */
void rules_enter_install(struct rules *rules);
void rules_after(struct rules *rules);

/*
 * Leader of this term, and its barrier is applied: clients may be served (R2).
 */
bool rules_leader_ready(struct rules *rules);

#endif
