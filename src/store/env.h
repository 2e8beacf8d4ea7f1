/*
 * An LMDB environment: tables of versioned, checksummed values under keys that
 * sort as their fields do (architecture.md 4, "On disk").
 *
 * Errors are sticky: a transaction that met damage, a full map or an I/O error
 * remembers it, gives "absent" to further reads and ignores further writes, so
 * code that applies commands reads straight down and is checked once, by
 * store_txn_error, before the commit.
 *
 * Slices that come out of a transaction are borrowed from the map: they live
 * until the transaction ends or its next write. Copy what must live longer.
 */
#ifndef STORE_ENV_H
#define STORE_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/disk.h"
#include "base/err.h"
#include "base/slice.h"

/* Longest key that LMDB takes (compiled in), in octets. */
#define STORE_KEY_MAX 511

/* Octets of a value's fields: eight times the largest command. */
#define STORE_VALUE_MAX (1024 * 1024)

/* Tables of one environment: named ones are few by design. */
#define STORE_TABLES_MAX 64

struct store_env;
struct store_txn;

struct store_env_options {
	const char *path; /* directory; made if absent; borrowed for the call */
	uint64_t map_size;         /* octets of address space; never changed */
	unsigned max_readers;      /* loops + workers + appliers + slack */
	const char *const *tables; /* names; table n is tables[n]; static */
	unsigned table_count;
	struct disk *disk; /* for the checkpoint files beside the map */

	/*
	 * The files are whole as they stand: a clean stop wrote its mark after
	 * the last checkpoint of every environment, or this is a copy that was
	 * synced before it was swapped in. When in doubt: false.
	 */
	bool clean;

	/*
	 * Called after the map's file became durable: tests and the simulator
	 * take their copy of it here. On the thread of the sync; may be NULL.
	 */
	void (*synced)(void *arg, struct store_env *env);
	void *synced_arg;
};

/* Makes the directory of an environment durably, unless it is there. */
must_use enum err store_env_make_directory(struct disk *disk, const char *path);

/*
 * Opens an environment; after anything but a clean stop the state of its last
 * durable checkpoint comes back first (store/checkpoint.h). Blocks for some
 * fsyncs. At its return a durable checkpoint of the state is pinned.
 *
 * ERR_CORRUPT: the files are damaged: park the group; ERR_IO, ERR_FULL.
 */
must_use enum err store_env_open(const struct store_env_options *options,
				 struct store_env **env_r);

/* No transaction may be open. Does not make anything durable. */
void store_env_close(struct store_env **envp);

/*
 * Removes the files of an environment that is not open: for what can be made
 * again. A crash midway leaves one that store_env_open calls damaged.
 */
must_use enum err store_env_remove(struct disk *disk, const char *path);

/*
 * Octets of the map that hold data, and of the map: for the fill limit. Freed
 * pages do not count, so deleting brings the fill down. As of the last commit.
 */
void store_env_fill(struct store_env *env, uint64_t *used_r, uint64_t *size_r);

/*
 * Damage met in the rows since the environment was opened, for people. It does
 * not stop the environment: who met it gets ERR_CORRUPT, and decides.
 */
struct store_damage {
	uint64_t count;  /* transactions that met some */
	char where[192]; /* the last: table, and key in hex if known; or "" */
};

/* A copy. Any thread. */
void store_env_get_damage(struct store_env *env, struct store_damage *damage_r);

/*
 * Writes a compacted copy of the newest state to `fd`, which may be a pipe.
 * Blocks; on a worker. It pins pages like any reader: one at a time.
 */
must_use enum err store_env_copy(struct store_env *env, int fd);

/*
 * A snapshot for reading. Any thread; cheap (reader slots are reused). Ends
 * within one loop turn or 50 ms of work: an open snapshot pins every page that
 * is freed meanwhile. Used by one thread at a time.
 *
 * ERR_BUSY: more than max_readers are open; ERR_IO.
 */
must_use enum err store_read_begin(struct store_env *env,
				   struct store_txn **txn_r);

/*
 * The one writer: on the group's applier only, and ended by the thread that
 * began it. Panics unless the last durable checkpoint is pinned (F1).
 *
 * ERR_IO: an earlier fsync or commit failed; nothing can be written any more.
 */
must_use enum err store_write_begin(struct store_env *env,
				    struct store_txn **txn_r);

/* Ends a write transaction; a sticky error aborts it and is returned. */
must_use enum err store_commit(struct store_txn **txnp);

/* Ends either kind without effect. */
void store_end(struct store_txn **txnp);

/* ERR_NONE, or the first failure: ERR_CORRUPT, ERR_FULL, ERR_IO. */
enum err store_txn_error(const struct store_txn *txn);

/* Marks the transaction as failed: what a decoder of fields found wrong. */
void store_txn_fail(struct store_txn *txn, enum err err);

/* ---- keys: fields in order; integers big-endian, strings end with 0 ---- */

struct store_key {
	size_t len;
	uint8_t octets[STORE_KEY_MAX];
};

/* Empty key; the others append a field and panic above STORE_KEY_MAX. */
static inline void store_key_init(struct store_key *key)
{
	key->len = 0;
}

/* Big-endian, so that they sort as numbers. */
void store_key_u8(struct store_key *key, uint8_t value);
void store_key_u16(struct store_key *key, uint16_t value);
void store_key_u32(struct store_key *key, uint32_t value);
void store_key_u64(struct store_key *key, uint64_t value);

/* Without octet 0x00 inside (panics); ended by one. */
void store_key_str(struct store_key *key, struct slice s);

/* As they are: only as the last field, or of fixed length. */
void store_key_raw(struct store_key *key, struct slice octets);

/* The first 16 octets of SHA-256(s): for the second of two long strings. */
void store_key_hash(struct store_key *key, struct slice s);

static inline struct slice store_key_slice(const struct store_key *key)
{
	return slice_of(key->octets, key->len);
}

/* Reading a key back: each takes its field off the front of `*key`. */
must_use bool store_key_take_u8(struct slice *key, uint8_t *value_r);
must_use bool store_key_take_u16(struct slice *key, uint16_t *value_r);
must_use bool store_key_take_u32(struct slice *key, uint32_t *value_r);
must_use bool store_key_take_u64(struct slice *key, uint64_t *value_r);
must_use bool store_key_take_str(struct slice *key, struct slice *value_r);

/* ---- values: {version u8, xxh3-64 of key, version and fields, fields} ---- */

struct store_value {
	uint8_t version; /* of the fields' layout; the table's owner counts */
	struct slice fields;
};

/* False: absent, or the transaction has failed (ask store_txn_error). */
bool store_get(struct store_txn *txn, unsigned table, struct slice key,
	       struct store_value *value_r);

/* Copies both first: they may be borrowed from the transaction itself. */
void store_put(struct store_txn *txn, unsigned table, struct slice key,
	       uint8_t version, struct slice fields);

/* True if there was something to delete. */
bool store_del(struct store_txn *txn, unsigned table, struct slice key);

/* How many rows the table has. */
uint64_t store_count(struct store_txn *txn, unsigned table);

/* ---- walking a table in key order ---- */

/*
 * store_cursor_init before use; it then stands on no row.
 *
 * In a write transaction any write makes the values of all cursors stale, but
 * not their keys and places: _next and _prev go on from the key where the
 * cursor stood, whether that row is still there or not.
 */
struct store_cursor {
	struct store_txn *txn;
	unsigned table;
	void *handle;     /* MDB_cursor */
	struct slice key; /* of the current row, borrowed */
	struct store_value value;
	bool valid;          /* stands on a row, or where one was deleted */
	uint64_t writes;     /* of the transaction, when the row was read */
	struct store_key at; /* copy of `key`, in write transactions */
};

/* Stands on no row until it is sought. */
void store_cursor_init(struct store_cursor *cursor, struct store_txn *txn,
		       unsigned table);

/* Before its transaction ends. */
void store_cursor_fini(struct store_cursor *cursor);

/* To the first row with key >= `key`; false: none (or failed). */
bool store_cursor_seek(struct store_cursor *cursor, struct slice key);

/* To the last row with key < `key`; false: none. */
bool store_cursor_seek_before(struct store_cursor *cursor, struct slice key);

/* False: none (the cursor then stands on no row). Only while `valid`. */
bool store_cursor_next(struct store_cursor *cursor);
bool store_cursor_prev(struct store_cursor *cursor);

/* Deletes the current row; _next then gives the row behind it. */
void store_cursor_del(struct store_cursor *cursor);

/* The current key begins with `prefix`. */
static inline bool store_cursor_in(const struct store_cursor *cursor,
				   struct slice prefix)
{
	return cursor->valid && slice_has_prefix(cursor->key, prefix);
}

#endif
