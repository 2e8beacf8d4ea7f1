/*
 * Who is in a group, and changing it (architecture.md 4 and 10, F4).
 *
 * A change is decided on a configuration that the caller has seen, and refused
 * unless that is still the newest and committed: of two managers one hears that
 * it is late. The leader itself looks, in the step that appends the change,
 * whether enough replicas have the bodies (model steps B9 to B11 of
 * test/model/bodies.c); nobody can do it for him, because what was true when
 * somebody asked need not be true when the change is appended.
 *
 * Add before you remove: between the two the group has one more, not one less.
 */
#ifndef RAFT_REPLICA_MEMBER_H
#define RAFT_REPLICA_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/task.h"
#include "raft/compat.h"

struct replica;

/* A replica that is promoted must be level with the leader within this. */
#define REPLICA_CATCH_UP_MS 2000

enum replica_role {
	REPLICA_STANDBY = RAFT_STANDBY, /* gets the log, has no vote */
	REPLICA_VOTER = RAFT_VOTER,
	REPLICA_SPARE = RAFT_SPARE, /* is known, gets nothing */
};

struct replica_server {
	uint64_t raft_id;
	enum replica_role role;
	char address[COMPAT_ADDRESS_MAX + 1];
};

struct replica_conf {
	uint64_t index; /* of its entry; 0: the replica knows of none yet */
	bool committed;
	unsigned count;
	struct replica_server servers[COMPAT_SERVERS_MAX];
};

/* A copy of the newest configuration. Any thread. */
void replica_get_conf(struct replica *replica, struct replica_conf *conf_r);

enum replica_change_kind {
	REPLICA_ADD,    /* raft_id and address, as spare */
	REPLICA_ASSIGN, /* role */
	REPLICA_REMOVE,
};

struct replica_change;

typedef void replica_change_done(struct replica_change *change);

/* One change of one server; storage is the caller's until `done` has run. */
struct replica_change {
	/* set by the caller */
	struct executor *home;
	void *owner;
	enum replica_change_kind kind;
	uint64_t conf_index; /* that it was decided on */
	uint64_t raft_id;    /* ADD: one that no disk ever had */
	const char *address; /* ADD: no other server's; till `done` */
	enum replica_role role;
	bool lose_bodies; /* remove or demote though bodies may be lost */

	/* valid in `done` */
	enum err err;
	const char *why; /* static text, if refused */

	/* raft/'s own */
	replica_change_done *done;
	struct replica *replica;
	struct task task;
	uint64_t deadline_at_ms;
	uint64_t term;
	uint64_t index;
};

/*
 * From any executor; `done` runs once, late, on `home`:
 *
 *   ERR_NONE         the change is committed
 *   ERR_LEADER_LOST, ERR_CLOSED: unknown; look at the configuration of the
 *                    next leader
 *   ERR_NOT_LEADER   ask the leader
 *   ERR_STALE        another configuration is the newest, or it is not
 *                    committed yet: look again
 *   ERR_INUSE        another change or a transfer is under way
 *   ERR_MISSING_BODY too few replicas have the bodies: later
 *   ERR_BUSY         the promoted one did not catch up: later
 *   ERR_NOTFOUND, ERR_EXISTS, ERR_INVALID, ERR_LIMIT: it makes no sense
 *   ERR_UNAVAILABLE  the replica is parked or stopping
 *
 * While a promoted one catches up with its last entries nothing is proposed.
 */
void replica_change(struct replica *replica, struct replica_change *change,
		    replica_change_done *done);

/*
 * On the log loop: hands leadership over to a voter that has all entries. Who
 * leads afterwards is seen in the state, after an election timeout at most.
 *
 * ERR_NOT_LEADER; ERR_INUSE: another transfer; ERR_INVALID: no other voter;
 * ERR_BUSY: it lags.
 */
must_use enum err replica_transfer(struct replica *replica, uint64_t raft_id);

/* The same to whoever has all entries; ERR_BUSY: nobody. */
must_use enum err replica_transfer_any(struct replica *replica);

#endif
