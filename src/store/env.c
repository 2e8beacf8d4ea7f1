/*
 * Opening and closing an LMDB environment.
 *
 * The happy path: the checkpoint puts the metas back (checkpoint.c), LMDB maps
 * the file, the state found is pinned, and then one write transaction opens all
 * tables. Nothing else opens a table: a handle from a read transaction dies
 * with it.
 *
 * Failures: what LMDB calls damage is ERR_CORRUPT and concerns this group only;
 * a failed write or fsync is ERR_IO and sticks to the environment. A wrong
 * argument to LMDB is a bug of ours and panics.
 */
#include "store/env.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "store/env_impl.h"

/* Beside the caller's readers: two pins, the counter, a copy. */
#define READERS_OWN 4

/* Damage in one environment parks one group: it is logged once, not a row. */
static enum err env_damaged(struct store_env *env, int rc, const char *what)
{
	if (!atomic_exchange(&env->damage_told, true))
		LOG_ERROR("store: %s: %s: %s", env->path, what,
			  mdb_strerror(rc));
	return ERR_CORRUPT;
}

enum err store_env_error(struct store_env *env, int rc, const char *what)
{
	switch (rc) {
	case MDB_SUCCESS:
		return ERR_NONE;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_INCOMPATIBLE:
	case MDB_CURSOR_FULL:
		return env_damaged(env, rc, what);
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	case MDB_READERS_FULL:
		return ERR_BUSY;
	case MDB_BAD_TXN:
	case MDB_BAD_RSLOT:
	case MDB_BAD_DBI:
	case MDB_BAD_VALSIZE:
	case MDB_DBS_FULL:
	case ENOMEM:
		PANIC("store: %s: %s: %s", env->path, what, mdb_strerror(rc));
	default:
		LOG_ERROR("store: %s: %s: %s", env->path, what,
			  mdb_strerror(rc));
		return ERR_IO;
	}
}

/* LMDB's own assertions end like ours. */
static void env_assert(MDB_env *mdb unused_arg, const char *text)
{
	PANIC("lmdb: %s", text);
}

static enum err sync_parent(struct disk *disk, const char *path)
{
	char *parent = mem_dup(path, strlen(path));
	char *slash = strrchr(parent, '/');
	enum err err;

	if (slash)
		*slash = '\0';
	err = disk->sync_dir(disk, !slash            ? "."
				   : slash == parent ? "/"
						     : parent);
	mem_free(parent);
	return err;
}

enum err store_env_make_directory(struct disk *disk, const char *path)
{
	enum err err = disk->mkdir(disk, path);

	if (err != ERR_NONE && err != ERR_EXISTS)
		return err;
	/* It is LMDB's, so it is real even where `disk` is an image. */
	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		LOG_ERROR("store: %s: mkdir: %s", path, strerror(errno));
		return errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;
	}
	/* One that is there may come from a process that died right here. */
	return sync_parent(disk, path);
}

/*
 * A file that lost its tail would end the process by SIGBUS at the first read
 * behind its end. Holes read as zeroes, which LMDB knows to be no pages. Pages
 * that were allocated and freed by one transaction are never written, so a
 * short file alone is no damage.
 */
static enum err env_fill_tail(struct store_env *env)
{
	struct stat st;
	MDB_envinfo info;
	off_t end;
	int fd;

	if (mdb_env_info(env->mdb, &info) || mdb_env_get_fd(env->mdb, &fd))
		PANIC("store: %s: no information", env->path);
	end = (off_t)((info.me_last_pgno + 1) * env->page_size);
	if (fstat(fd, &st) != 0)
		return store_env_error(env, errno, "fstat");
	if (st.st_size < end && ftruncate(fd, end) != 0)
		return store_env_error(env, errno, "ftruncate");
	return ERR_NONE;
}

/*
 * A damaged page may lead to a place behind itself: 64 KiB to a row, as much to
 * the end of its key, and a value. Where there is no file that is a SIGBUS;
 * zeroes are a row whose checksum is wrong.
 */
#define TAIL_SIZE (128 * 1024 + STORE_VALUE_MAX)

void store_env_add_tail(struct store_env *env)
{
	struct stat st;
	MDB_envinfo info;
	uint64_t end;
	int fd;

	if (mdb_env_info(env->mdb, &info) || mdb_env_get_fd(env->mdb, &fd))
		PANIC("store: %s: no information", env->path);
	end = (info.me_last_pgno + 1) * env->page_size + TAIL_SIZE;
	if (end > info.me_mapsize)
		end = info.me_mapsize;
	if (fstat(fd, &st) == 0 && (uint64_t)st.st_size < end &&
	    ftruncate(fd, (off_t)end) != 0)
		PROBE("store: a map has no tail");
}

static enum err env_map(struct store_env *env,
			const struct store_env_options *options)
{
	unsigned readers = options->max_readers + READERS_OWN;
	MDB_stat stat;
	int dead;
	int rc;

	rc = mdb_env_create(&env->mdb);
	if (rc != 0)
		return store_env_error(env, rc, "create");
	MUST(mdb_env_set_mapsize(env->mdb, options->map_size) == 0);
	MUST(mdb_env_set_maxreaders(env->mdb, readers) == 0);
	MUST(mdb_env_set_maxdbs(env->mdb, options->table_count) == 0);
	MUST(mdb_env_set_assert(env->mdb, env_assert) == 0);
	rc = mdb_env_open(env->mdb, env->path, MDB_NOTLS | MDB_NOSYNC, 0600);
	if (rc == 0)
		rc = mdb_reader_check(env->mdb, &dead);
	if (rc == 0)
		rc = mdb_env_stat(env->mdb, &stat);
	if (rc != 0)
		return store_env_error(env, rc, "open");
	env->page_size = stat.ms_psize;
	return env_fill_tail(env);
}

/* Pages in use of one table; LMDB keeps the numbers, nothing is walked. */
static uint64_t table_pages(MDB_txn *txn, MDB_dbi table)
{
	MDB_stat stat;

	if (mdb_stat(txn, table, &stat) != 0)
		return 0; /* the transaction has failed: its commit tells */
	return stat.ms_branch_pages + stat.ms_leaf_pages +
	       stat.ms_overflow_pages;
}

static enum err env_open_tables(struct store_env *env,
				const struct store_env_options *options)
{
	struct store_txn *txn;
	enum err err = store_write_begin(env, &txn);
	int rc = 0;

	if (err != ERR_NONE)
		return err;
	for (unsigned i = 0; rc == 0 && i < options->table_count; i++)
		rc = mdb_dbi_open(txn->mdb, options->tables[i], MDB_CREATE,
				  &env->tables[i]);
	if (rc != 0)
		store_txn_fail(txn, store_env_error(env, rc, "open a table"));
	else
		env->table_count = options->table_count;
	/* Counts all tables at the commit. */
	for (unsigned i = 0; i < env->table_count; i++)
		txn->writes[i]++;
	return store_commit(&txn);
}

static struct store_env *env_new(const struct store_env_options *options)
{
	struct store_env *env = mem_zalloc(1, sizeof(*env));

	MUST(options->table_count <= STORE_TABLES_MAX);
	env->path = mem_dup(options->path, strlen(options->path));
	env->disk = options->disk;
	for (unsigned i = 0; i < options->table_count; i++)
		env->names[i] = options->tables[i];
	env->max_readers = options->max_readers;
	env->synced = options->synced;
	env->synced_arg = options->synced_arg;
	list_init(&env->idle);
	MUST(pthread_mutex_init(&env->lock, NULL) == 0);
	return env;
}

enum err store_env_open(const struct store_env_options *options,
			struct store_env **env_r)
{
	struct store_env *env = env_new(options);
	enum err err = store_env_make_directory(env->disk, env->path);

	if (err == ERR_NONE)
		err = store_checkpoint_recover(env, options->clean);
	if (err == ERR_NONE)
		err = env_map(env, options);
	if (err == ERR_NONE)
		err = store_checkpoint_start(env);
	if (err == ERR_NONE)
		err = env_open_tables(env, options);
	if (err == ERR_NONE)
		store_env_add_tail(env); /* not before the first checkpoint */
	else
		store_env_close(&env);
	*env_r = env;
	return err;
}

void store_env_close(struct store_env **envp)
{
	struct store_env *env = *envp;
	struct list *link;

	*envp = NULL;
	MUST(!env->writer.mdb);
	while ((link = list_take(&env->idle)) != NULL) {
		struct store_txn *txn =
			LIST_ENTRY(link, struct store_txn, link);

		mdb_txn_abort(txn->mdb);
		mem_free(txn);
		env->readers--;
	}
	MUST(env->readers == 0);
	if (env->counter)
		mdb_txn_abort(env->counter);
	store_checkpoint_stop(env);
	if (env->mdb)
		mdb_env_close(env->mdb);
	buf_fini(&env->scratch);
	MUST(pthread_mutex_destroy(&env->lock) == 0);
	mem_free(env->path);
	mem_free(env);
}

void store_env_fill(struct store_env *env, uint64_t *used_r, uint64_t *size_r)
{
	MDB_envinfo info;

	MUST(mdb_env_info(env->mdb, &info) == 0);
	*used_r = atomic_load(&env->used);
	*size_r = info.me_mapsize;
}

void store_env_get_damage(struct store_env *env, struct store_damage *damage_r)
{
	store_env_lock(env);
	*damage_r = env->damage;
	store_env_unlock(env);
}

enum err store_env_copy(struct store_env *env, int fd)
{
	int rc = mdb_env_copyfd2(env->mdb, fd, MDB_CP_COMPACT);

	return store_env_error(env, rc, "copy");
}

/*
 * What a commit dirtied: a page that is changed is copied, and the old one
 * goes to the list of freed pages that LMDB keeps under the number of the
 * transaction (table 0, as mdb_stat(1) prints it; the first word is the
 * count). New pages show as growth of the tables.
 */
static uint64_t freed_pages(struct store_env *env, uint64_t number)
{
	MDB_val key = { sizeof(number), &number };
	MDB_val data;
	MDB_cursor *cursor;
	size_t count = 0;

	_Static_assert(sizeof(size_t) == sizeof(uint64_t), "keys of table 0");
	if (mdb_cursor_open(env->counter, 0, &cursor) != 0)
		return 0;
	if (mdb_cursor_get(cursor, &key, &data, MDB_SET) == 0 &&
	    data.mv_size >= sizeof(count))
		memcpy(&count, data.mv_data, sizeof(count));
	mdb_cursor_close(cursor);
	return count;
}

static int counter_begin(struct store_env *env)
{
	if (env->counter)
		return mdb_txn_renew(env->counter);
	return mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &env->counter);
}

void store_dirty_count(struct store_env *env, uint64_t number)
{
	uint64_t pages = 0;
	uint64_t live = 2; /* the metas */
	bool written;
	uint64_t before = atomic_load(&env->used) / env->page_size;

	if (counter_begin(env) != 0)
		return; /* only the moment of the next checkpoint suffers */
	written = mdb_txn_id(env->counter) == number;
	for (unsigned i = 0; i < env->table_count; i++) {
		if (env->writer.writes[i] > 0)
			env->live[i] =
				table_pages(env->counter, env->tables[i]);
		live += env->live[i];
	}
	if (written) /* else the transaction changed nothing */
		pages = freed_pages(env, number) + 1; /* and the meta */
	if (written && live > before)
		pages += live - before;
	mdb_txn_reset(env->counter);
	atomic_store(&env->used, live * env->page_size);
	atomic_fetch_add(&env->dirty, pages * env->page_size);
}
