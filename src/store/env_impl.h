/*
 * Inside of an environment: shared by env.c, txn.c and checkpoint.c only.
 */
#ifndef STORE_ENV_IMPL_H
#define STORE_ENV_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include <lmdb.h>

#include "base/list.h"
#include "base/panic.h"
#include "store/checkpoint.h"
#include "store/env.h"

/* A durable state, or one on its way there. */
struct store_pin {
	MDB_txn *txn;    /* NULL: no pin */
	uint64_t number; /* of the LMDB transaction that made the state */
	struct store_position at;
	struct buf metas; /* the first two pages of the map's file */
};

struct store_txn {
	struct store_env *env;
	MDB_txn *mdb;
	enum err err; /* the first failure */
	bool write;
	unsigned table;   /* that was read last: where damage was met */
	unsigned cursors; /* open ones: must be none at the end */
	struct list link; /* in env->idle */

	/* Of write transactions: how many writes each table has seen. */
	uint64_t writes[STORE_TABLES_MAX];
};

struct store_env {
	char *path;
	struct disk *disk;
	MDB_env *mdb;
	size_t page_size;                    /* octets */
	const char *names[STORE_TABLES_MAX]; /* of the tables, borrowed */
	MDB_dbi tables[STORE_TABLES_MAX];
	unsigned table_count;
	void (*synced)(void *arg, struct store_env *env);
	void *synced_arg;

	/* The applier's own: one write transaction at a time. */
	struct store_txn writer;
	struct buf scratch;              /* the value being put */
	uint64_t live[STORE_TABLES_MAX]; /* pages of each table */
	MDB_txn *counter;                /* reads what a commit freed */

	/* Any thread. */
	_Atomic uint64_t used;    /* octets of live pages */
	_Atomic uint64_t dirty;   /* octets dirtied since the last checkpoint */
	_Atomic int failed;       /* enum err; of an fsync or a commit */
	_Atomic bool damage_told; /* logged once */

	/*
	 * The one lock of the store: snapshots are begun and ended on every
	 * thread, and a queue to one of them would cost more than the read.
	 */
	pthread_mutex_t lock;
	struct list idle; /* read transactions between two uses */
	unsigned readers; /* idle and open ones */
	unsigned max_readers;
	struct store_pin durable; /* of the last durable checkpoint */
	struct store_pin next;    /* of the one under way */
	uint64_t next_dirty;      /* octets that it will make durable */
	bool put_back; /* the state is that of the checkpoint's file */
	struct store_damage damage;
};

static inline void store_env_lock(struct store_env *env)
{
	/* tidy: allow pthread_mutex_lock: see `lock` above */
	MUST(pthread_mutex_lock(&env->lock) == 0);
}

static inline void store_env_unlock(struct store_env *env)
{
	MUST(pthread_mutex_unlock(&env->lock) == 0);
}

/* Our error for one of LMDB's; own bugs panic. Logs what is not expected. */
enum err store_env_error(struct store_env *env, int rc, const char *what);

/* Lengthens the file by what damaged pages may read behind it; best effort. */
void store_env_add_tail(struct store_env *env);

/*
 * Puts the metas of the last durable checkpoint back unless `clean`; makes
 * env->durable.at and .number. Before the environment is opened.
 */
must_use enum err store_checkpoint_recover(struct store_env *env, bool clean);

/*
 * Pins the state that the environment opened with, and makes a checkpoint of
 * it unless it is the one that was put back. Before the first write.
 */
must_use enum err store_checkpoint_start(struct store_env *env);

/* Lets all pins go. */
void store_checkpoint_stop(struct store_env *env);

/* Adds the pages of the transaction `number`, just committed. */
void store_dirty_count(struct store_env *env, uint64_t number);

#endif
