/*
 * Transactions, values and cursors.
 *
 * The happy path: a snapshot takes a reset reader from the idle list and
 * renews it, which costs no system call; rows are checked against the checksum
 * that stands in front of each value.
 *
 * Failures stick to the transaction: the first is kept, reads then find
 * nothing and writes do nothing, and the commit returns it.
 */
#include "store/env.h"

#include <stdio.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/pack.h"
#include "base/panic.h"
#include "store/env_impl.h"

/* In front of the fields: version u8, xxh3-64 little-endian. */
#define VALUE_HEAD 9

static MDB_val val_of(struct slice s)
{
	/* LMDB takes no const, but does not write through what it is given. */
	union {
		const uint8_t *in;
		void *out;
	} data = { .in = s.data };

	return (MDB_val){ s.len, data.out };
}

static struct slice slice_of_val(const MDB_val *val)
{
	return slice_of(val->mv_data, val->mv_size);
}

/* ---- begin and end ---- */

/* An idle reader, or a new one; NULL when all are taken. */
static struct store_txn *reader_take(struct store_env *env)
{
	struct store_txn *txn = NULL;
	struct list *link;

	store_env_lock(env);
	link = list_take(&env->idle);
	if (link) {
		txn = LIST_ENTRY(link, struct store_txn, link);
	} else if (env->readers < env->max_readers) {
		env->readers++;
		txn = mem_zalloc(1, sizeof(*txn));
		txn->env = env;
	}
	store_env_unlock(env);
	return txn;
}

static void reader_give(struct store_txn *txn)
{
	struct store_env *env = txn->env;

	store_env_lock(env);
	list_prepend(&env->idle, &txn->link);
	store_env_unlock(env);
}

/* A reader that could not be begun is no reader. */
static void reader_drop(struct store_txn *txn)
{
	struct store_env *env = txn->env;

	store_env_lock(env);
	env->readers--;
	store_env_unlock(env);
	mdb_txn_abort(txn->mdb);
	mem_free(txn);
}

enum err store_read_begin(struct store_env *env, struct store_txn **txn_r)
{
	struct store_txn *txn = reader_take(env);
	int rc;

	*txn_r = NULL;
	if (!txn)
		return ERR_BUSY;
	if (txn->mdb)
		rc = mdb_txn_renew(txn->mdb);
	else
		rc = mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &txn->mdb);
	if (rc != 0) {
		reader_drop(txn);
		return store_env_error(env, rc, "begin to read");
	}
	txn->err = ERR_NONE;
	txn->table = 0;
	*txn_r = txn;
	return ERR_NONE;
}

/* F1: what the last durable checkpoint needs must not be written again. */
static void must_be_pinned(struct store_env *env)
{
	store_env_lock(env);
	MUST(env->durable.txn);
	MUST(mdb_txn_id(env->durable.txn) == env->durable.number);
	store_env_unlock(env);
}

enum err store_write_begin(struct store_env *env, struct store_txn **txn_r)
{
	struct store_txn *txn = &env->writer;
	enum err err = (enum err)atomic_load(&env->failed);
	int rc;

	*txn_r = NULL;
	MUST(!txn->mdb);
	if (err != ERR_NONE)
		return err;
	must_be_pinned(env);
	*txn = (struct store_txn){ .env = env, .write = true };
	rc = mdb_txn_begin(env->mdb, NULL, 0, &txn->mdb);
	if (rc != 0)
		return store_env_error(env, rc, "begin to write");
	*txn_r = txn;
	return ERR_NONE;
}

void store_end(struct store_txn **txnp)
{
	struct store_txn *txn = *txnp;

	*txnp = NULL;
	MUST(txn->cursors == 0);
	if (txn->write) {
		mdb_txn_abort(txn->mdb);
		txn->mdb = NULL;
		return;
	}
	mdb_txn_reset(txn->mdb);
	reader_give(txn);
}

enum err store_commit(struct store_txn **txnp)
{
	struct store_txn *txn = *txnp;
	struct store_env *env = txn->env;
	enum err err = txn->err;
	uint64_t number;

	MUST(txn->write);
	if (err != ERR_NONE) {
		store_end(txnp);
		return err;
	}
	*txnp = NULL;
	MUST(txn->cursors == 0);
	number = mdb_txn_id(txn->mdb);
	err = store_env_error(env, mdb_txn_commit(txn->mdb), "commit");
	txn->mdb = NULL;
	if (err == ERR_NONE)
		store_dirty_count(env, number);
	if (err == ERR_IO)
		atomic_store(&env->failed, (int)err);
	return err;
}

enum err store_txn_error(const struct store_txn *txn)
{
	return txn->err;
}

/* Octets of a key that are told: the ids in front, the length of a name. */
#define DAMAGE_KEY_MAX 64

/* Noted for people: the transaction's own error goes to who asked. */
static void damage_note(const struct store_txn *txn, struct slice key)
{
	struct store_env *env = txn->env;
	const char *table =
		txn->table < env->table_count ? env->names[txn->table] : "?";
	struct buf text = { 0 };

	buf_printf(&text, "table %s", table);
	for (size_t i = 0; i < key.len && i < DAMAGE_KEY_MAX; i++)
		buf_printf(&text, "%s%02x", i == 0 ? ", key " : "",
			   key.data[i]);
	store_env_lock(env);
	env->damage.count++;
	snprintf(env->damage.where, sizeof(env->damage.where), "%s",
		 buf_cstr(&text));
	store_env_unlock(env);
	buf_fini(&text);
}

static void txn_fail_at(struct store_txn *txn, enum err err, struct slice key)
{
	MUST(err != ERR_NONE);
	if (txn->err != ERR_NONE)
		return;
	txn->err = err;
	if (err == ERR_CORRUPT)
		damage_note(txn, key);
}

void store_txn_fail(struct store_txn *txn, enum err err)
{
	txn_fail_at(txn, err, SLICE_NONE);
}

/* ---- values ---- */

static uint64_t value_sum(struct slice key, uint8_t version,
			  struct slice fields)
{
	struct slice pieces[] = { key, slice_of(&version, 1), fields };

	return xxh3_pieces(pieces, ARRAY_LEN(pieces));
}

/* Damage found by us is told like damage found by LMDB. */
static void txn_corrupt(struct store_txn *txn, struct slice key)
{
	txn_fail_at(
		txn,
		store_env_error(txn->env, MDB_CORRUPTED, "checksum of a row"),
		key);
}

static bool value_open(struct store_txn *txn, struct slice key,
		       const MDB_val *data, struct store_value *value_r)
{
	struct unpack in = unpack_of(slice_of_val(data));
	uint8_t version = unpack_u8(&in);
	uint64_t sum = unpack_u64(&in);

	if (!unpack_ok(&in) || in.rest.len > STORE_VALUE_MAX ||
	    value_sum(key, version, in.rest) != sum) {
		txn_corrupt(txn, key);
		return false;
	}
	*value_r = (struct store_value){ version, in.rest };
	return true;
}

/* True: done; false: not found or failed, and then the failure is kept. */
static bool txn_result(struct store_txn *txn, int rc, const char *what)
{
	if (rc == 0)
		return true;
	if (rc != MDB_NOTFOUND)
		store_txn_fail(txn, store_env_error(txn->env, rc, what));
	return false;
}

static MDB_dbi table_of(struct store_txn *txn, unsigned table)
{
	MUST(table < txn->env->table_count);
	txn->table = table;
	return txn->env->tables[table];
}

bool store_get(struct store_txn *txn, unsigned table, struct slice key,
	       struct store_value *value_r)
{
	MDB_dbi dbi = table_of(txn, table);
	MDB_val k = val_of(key);
	MDB_val data;

	MUST(key.len > 0 && key.len <= STORE_KEY_MAX);
	if (txn->err != ERR_NONE)
		return false;
	if (!txn_result(txn, mdb_get(txn->mdb, dbi, &k, &data), "get"))
		return false;
	return value_open(txn, key, &data, value_r);
}

void store_put(struct store_txn *txn, unsigned table, struct slice key,
	       uint8_t version, struct slice fields)
{
	struct buf *scratch = &txn->env->scratch;
	MDB_dbi dbi = table_of(txn, table);
	MDB_val k;
	MDB_val data;

	MUST(txn->write);
	MUST(key.len > 0 && key.len <= STORE_KEY_MAX);
	MUST(fields.len <= STORE_VALUE_MAX);
	if (txn->err != ERR_NONE)
		return;
	/* A copy of both, since LMDB moves what the caller may have borrowed.
	 */
	buf_clear(scratch);
	pack_u8(scratch, version);
	pack_u64(scratch, value_sum(key, version, fields));
	buf_add_slice(scratch, fields);
	buf_add_slice(scratch, key);
	data = val_of(slice_of(scratch->data, VALUE_HEAD + fields.len));
	k = val_of(slice_from(buf_slice(scratch), VALUE_HEAD + fields.len));
	txn->writes[table]++;
	txn_result(txn, mdb_put(txn->mdb, dbi, &k, &data, 0), "put");
}

bool store_del(struct store_txn *txn, unsigned table, struct slice key)
{
	MDB_dbi dbi = table_of(txn, table);
	MDB_val k = val_of(key);

	MUST(txn->write);
	MUST(key.len > 0 && key.len <= STORE_KEY_MAX);
	if (txn->err != ERR_NONE)
		return false;
	txn->writes[table]++;
	return txn_result(txn, mdb_del(txn->mdb, dbi, &k, NULL), "delete");
}

uint64_t store_count(struct store_txn *txn, unsigned table)
{
	MDB_stat stat = { 0 };
	int rc;

	if (txn->err != ERR_NONE)
		return 0;
	rc = mdb_stat(txn->mdb, table_of(txn, table), &stat);
	if (!txn_result(txn, rc, "count"))
		return 0;
	return stat.ms_entries;
}

/* ---- cursors ---- */

void store_cursor_init(struct store_cursor *cursor, struct store_txn *txn,
		       unsigned table)
{
	MDB_cursor *handle = NULL;
	int rc;

	cursor->txn = txn;
	cursor->table = table;
	cursor->handle = NULL;
	cursor->valid = false;
	if (txn->err != ERR_NONE)
		return;
	rc = mdb_cursor_open(txn->mdb, table_of(txn, table), &handle);
	if (!txn_result(txn, rc, "open a cursor"))
		return;
	txn->cursors++;
	cursor->handle = handle;
}

void store_cursor_fini(struct store_cursor *cursor)
{
	cursor->valid = false;
	if (!cursor->handle)
		return;
	mdb_cursor_close(cursor->handle);
	cursor->handle = NULL;
	cursor->txn->cursors--;
}

/* Moves and checks the row; key and value are given for MDB_SET_RANGE. */
static bool cursor_move(struct store_cursor *cursor, MDB_cursor_op op,
			struct slice to)
{
	struct store_txn *txn = cursor->txn;
	MDB_val key = val_of(to);
	MDB_val data;
	int rc;

	cursor->valid = false;
	if (txn->err != ERR_NONE || !cursor->handle)
		return false;
	txn->table = cursor->table;
	rc = mdb_cursor_get(cursor->handle, &key, &data, op);
	if (!txn_result(txn, rc, "move a cursor"))
		return false;
	cursor->key = slice_of_val(&key);
	if (!value_open(txn, cursor->key, &data, &cursor->value))
		return false;
	cursor->valid = true;
	if (!txn->write)
		return true;
	cursor->writes = txn->writes[cursor->table];
	store_key_init(&cursor->at);
	store_key_raw(&cursor->at, cursor->key);
	cursor->key = store_key_slice(&cursor->at);
	return true;
}

/*
 * LMDB corrects the places of other cursors at each write, but a cursor whose
 * row went away has had its share of bugs there. After a write to its table a
 * cursor finds its place again by key instead.
 */
static bool cursor_is_stale(const struct store_cursor *cursor)
{
	const struct store_txn *txn = cursor->txn;

	return txn->write && cursor->writes != txn->writes[cursor->table];
}

bool store_cursor_seek(struct store_cursor *cursor, struct slice key)
{
	if (key.len == 0)
		return cursor_move(cursor, MDB_FIRST, key);
	MUST(key.len <= STORE_KEY_MAX);
	return cursor_move(cursor, MDB_SET_RANGE, key);
}

bool store_cursor_seek_before(struct store_cursor *cursor, struct slice key)
{
	if (store_cursor_seek(cursor, key))
		return cursor_move(cursor, MDB_PREV, SLICE_NONE);
	return cursor_move(cursor, MDB_LAST, SLICE_NONE);
}

bool store_cursor_next(struct store_cursor *cursor)
{
	struct store_key at;

	MUST(cursor->valid);
	if (!cursor_is_stale(cursor))
		return cursor_move(cursor, MDB_NEXT, SLICE_NONE);
	at = cursor->at;
	if (!store_cursor_seek(cursor, store_key_slice(&at)))
		return false;
	if (!slice_eq(cursor->key, store_key_slice(&at)))
		return true;
	return cursor_move(cursor, MDB_NEXT, SLICE_NONE);
}

bool store_cursor_prev(struct store_cursor *cursor)
{
	struct store_key at;

	MUST(cursor->valid);
	if (!cursor_is_stale(cursor))
		return cursor_move(cursor, MDB_PREV, SLICE_NONE);
	at = cursor->at;
	return store_cursor_seek_before(cursor, store_key_slice(&at));
}

void store_cursor_del(struct store_cursor *cursor)
{
	struct store_key at;

	MUST(cursor->valid && cursor->txn->write);
	at = cursor->at;
	store_del(cursor->txn, cursor->table, store_key_slice(&at));
}
