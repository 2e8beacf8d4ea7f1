/*
 * Committed entries on their way into the state: one LMDB transaction for all
 * that waits, with the index of the last one in it (R10).
 *
 * The log loop pushes entries in order and hears when a drain is over; the
 * applier, an executor that may block, does the rest.
 */
#ifndef RAFT_APPLIER_H
#define RAFT_APPLIER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/list.h"
#include "base/task.h"
#include "raft/fsm.h"
#include "raft/meta.h"
#include "raft/slots.h"
#include "store/deaths.h"
#include "store/env.h"

/* Octets of entries in one transaction: bounds the pages that it dirties. */
#define APPLIER_DRAIN_MAX (4u * 1024 * 1024)

/* Octets that wait before a leader stops proposing. */
#define APPLIER_BACKLOG_MAX (8u * 1024 * 1024)

/* What the state says to a proposer, on its way to the loop. */
struct applier_answer {
	struct list link;
	struct slots_answer answer;
	uint64_t index;
};

/* With its payload. */
void applier_answer_free(struct applier_answer *answer);

struct applier;

/*
 * On the loop, after each drain: `applier->answers` may be taken, and
 * `applier->err` says whether the state can go on (ERR_NONE).
 */
typedef void applier_drained(struct applier *applier);

/* Is this body here? Cheap; on the applier and on workers. */
typedef bool applier_have(void *arg, const struct sha256 *hash);

struct applier {
	/* set once */
	struct executor *loop;
	struct executor *executor;
	struct store_env *env;
	struct replica_fsm *fsm;
	struct deaths *applying; /* one entry */
	struct deaths *draining; /* one transaction */
	applier_have *have;      /* NULL: no body is */
	void *have_arg;
	unsigned fill_percent; /* of the map: above it `is_full` [F9] */
	applier_drained *drained;

	/* the loop's */
	struct list queue;
	uint64_t queued_octets; /* waiting or under way */
	uint64_t handed;        /* index of the last entry pushed */
	uint64_t done;          /* index of the last entry committed */
	uint64_t import;        /* marker for the next transaction */
	bool busy;
	bool held; /* nothing is to be written */
	bool kicked;
	struct task kick_task;

	/* out while `busy` */
	struct task task;
	struct list items;
	struct list answers;
	uint64_t import_pending; /* `import` as of its beginning */
	enum err err;

	/* the applier's; others read the atomics */
	struct meta meta; /* as of the last commit */
	_Atomic uint64_t applied;
	_Atomic bool is_full;            /* above the fill limit */
	_Atomic uint64_t missing_count;  /* bodies that are not here */
	_Atomic uint64_t missing_lowest; /* index; MISSING_NONE */
};

/* `meta` is what the environment says. */
void applier_init(struct applier *applier, const struct meta *meta);
void applier_fini(struct applier *applier);

/*
 * `env` is set, to the first environment or another one: reads what it says of
 * itself. The applier runs no transaction; what waits stays, and is skipped if
 * the new state has it.
 */
must_use enum err applier_reopen(struct applier *applier);

/* No transaction begins while it is held; one may still be under way. */
void applier_hold(struct applier *applier, bool hold);

/*
 * Entry `index`, checked (R9); the octets are copied. Without octets: only
 * the index is to be noted, for entries that are not the machine's.
 */
void applier_push(struct applier *applier, uint64_t index, uint64_t term,
		  struct slice octets);

/*
 * From the next transaction on the state is one that an import brings up to
 * `marker`, though the log has not got it (meta.h); 0: not any more.
 */
void applier_set_import(struct applier *applier, uint64_t marker);

/* This body is here now; or: no row of a state up to `index` names it. */
void applier_push_came(struct applier *applier, const struct sha256 *hash,
		       uint64_t index);

/* Everything that was pushed is committed. */
bool applier_is_idle(const struct applier *applier);

#endif
