/*
 * Checkpoints of an LMDB environment that runs without fsync.
 *
 * The happy path: begin takes a read transaction, so that no page of this state
 * is written again, and copies the metas; sync makes the pages durable, then
 * the file with the metas, and only then lets the older pin go. At any moment
 * the state of the file `checkpoint` can be had back by writing its metas over
 * those of the map: every page it needs is durable and untouched.
 *
 * Failures: before the rename nothing has changed, so lack of room only drops
 * the new pin. After the rename either file may be the durable one: both pins
 * stay and the environment takes no more writes. A failed fsync has thrown
 * pages away that a second one would call durable, so it is never repeated.
 */
#include "store/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "store/checkpoint_file.h"
#include "store/env_impl.h"

#define MAP_NAME "data.mdb" /* LMDB's */
#define FILE_NAME "checkpoint"
#define TEMP_NAME "checkpoint.tmp"

static char *path_in(const struct store_env *env, const char *name)
{
	struct buf path = { 0 };

	buf_printf(&path, "%s/%s", env->path, name);
	buf_cstr(&path);
	return (char *)path.data;
}

static enum err env_fail(struct store_env *env)
{
	atomic_store(&env->failed, (int)ERR_IO);
	return ERR_IO;
}

/* ---- the map's file, before LMDB has it ---- */

static enum err map_size(struct store_env *env, uint64_t *size_r)
{
	char *path = path_in(env, MAP_NAME);
	struct stat st;
	enum err err = ERR_NONE;

	*size_r = 0;
	if (stat(path, &st) == 0)
		*size_r = (uint64_t)st.st_size;
	else if (errno != ENOENT)
		err = store_env_error(env, errno, "stat");
	mem_free(path);
	return err;
}

static int write_whole(int fd, struct slice octets)
{
	size_t done = 0;

	while (done < octets.len) {
		ssize_t n = pwrite(fd, octets.data + done, octets.len - done,
				   (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : EIO;
		done += (size_t)n;
	}
	return fsync(fd) == 0 ? 0 : errno;
}

static enum err map_put_back(struct store_env *env, struct slice metas)
{
	char *path = path_in(env, MAP_NAME);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int rc;

	mem_free(path);
	if (fd < 0)
		return store_env_error(env, errno, "open the map");
	rc = write_whole(fd, metas);
	close(fd);
	return store_env_error(env, rc, "put the metas back");
}

static enum err map_remove(struct store_env *env)
{
	char *path = path_in(env, MAP_NAME);
	int rc = unlink(path) == 0 || errno == ENOENT ? 0 : errno;

	mem_free(path);
	return store_env_error(env, rc, "remove a map never used");
}

/* ---- the file ---- */

static enum err file_read_all(struct disk *disk, int fd, struct buf *out)
{
	uint64_t size;
	enum err err = disk->size(disk, fd, &size);

	if (err != ERR_NONE)
		return err;
	if (size > CHECKPOINT_FILE_MAX)
		return ERR_CORRUPT;
	err = disk->read(disk, fd, 0, buf_reserve(out, size), size);
	if (err == ERR_NONE)
		out->len = size;
	return err;
}

/* ERR_NOTFOUND; ERR_CORRUPT. `file_r` borrows from `octets`. */
static enum err file_read(struct store_env *env, struct buf *octets,
			  struct checkpoint_file *file_r)
{
	struct disk *disk = env->disk;
	char *path = path_in(env, FILE_NAME);
	int fd;
	enum err err = disk->open(disk, path, DISK_READ, &fd);

	mem_free(path);
	if (err != ERR_NONE)
		return err;
	err = file_read_all(disk, fd, octets);
	disk->close(disk, fd);
	if (err != ERR_NONE)
		return err;
	return checkpoint_file_decode(buf_slice(octets), file_r);
}

/*
 * A process that dies leaves files that only the kernel knows: what was found
 * may not be what a loss of power leaves. From here on it is.
 */
static enum err file_settle(struct store_env *env)
{
	struct disk *disk = env->disk;
	char *path = path_in(env, FILE_NAME);
	int fd;
	enum err err = disk->open(disk, path, DISK_WRITE, &fd);

	mem_free(path);
	if (err != ERR_NONE)
		return err;
	err = disk->sync(disk, fd);
	disk->close(disk, fd);
	if (err != ERR_NONE)
		return err;
	return disk->sync_dir(disk, env->path);
}

static enum err file_write(struct disk *disk, const char *path,
			   struct slice octets)
{
	int fd;
	enum err err = disk->unlink(disk, path);

	if (err != ERR_NONE && err != ERR_NOTFOUND)
		return err;
	err = disk->open(disk, path, DISK_NEW, &fd);
	if (err != ERR_NONE)
		return err;
	err = disk->write(disk, fd, 0, &octets, 1);
	CRASH_POINT("checkpoint_before_file_sync");
	if (err == ERR_NONE)
		err = disk->sync(disk, fd);
	disk->close(disk, fd);
	return err;
}

/* Step 3: until the rename nothing has happened. */
static enum err file_publish(struct store_env *env, struct slice octets)
{
	struct disk *disk = env->disk;
	char *temp = path_in(env, TEMP_NAME);
	char *path = path_in(env, FILE_NAME);
	enum err err = file_write(disk, temp, octets);

	CRASH_POINT("checkpoint_before_rename");
	if (err == ERR_NONE)
		err = disk->rename(disk, temp, path);
	mem_free(temp);
	mem_free(path);
	CRASH_POINT("checkpoint_before_dir_sync");
	if (err != ERR_NONE)
		return err == ERR_FULL ? ERR_FULL : env_fail(env);
	if (!MUTANT("M41"))
		err = disk->sync_dir(disk, env->path);
	return err == ERR_NONE ? ERR_NONE : env_fail(env);
}

/* ---- pins ---- */

static enum err pin_read_metas(struct store_env *env, struct store_pin *pin)
{
	size_t len = 2 * env->page_size;
	uint8_t *out = buf_reserve(&pin->metas, len);
	ssize_t n;
	int fd;

	MUST(mdb_env_get_fd(env->mdb, &fd) == 0);
	do {
		n = pread(fd, out, len, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return store_env_error(env, errno, "read the metas");
	if ((size_t)n != len)
		return store_env_error(env, MDB_CORRUPTED, "read the metas");
	pin->metas.len = len;
	return ERR_NONE;
}

static void pin_drop(struct store_pin *pin)
{
	if (pin->txn)
		mdb_txn_abort(pin->txn);
	buf_fini(&pin->metas);
	*pin = (struct store_pin){ 0 };
}

/* The state as it stands: no transaction may be written meanwhile. */
static enum err pin_take(struct store_env *env, struct store_pin *pin)
{
	int rc = mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &pin->txn);
	enum err err = store_env_error(env, rc, "pin");

	if (err != ERR_NONE)
		return err;
	pin->number = mdb_txn_id(pin->txn);
	err = pin_read_metas(env, pin);
	if (err != ERR_NONE)
		pin_drop(pin);
	return err;
}

/* Steps 2 and 3 of architecture.md 4. */
static enum err pin_make_durable(struct store_env *env, struct store_pin *pin)
{
	struct checkpoint_file file = {
		.page_size = (uint32_t)env->page_size,
		.number = pin->number,
		.at = pin->at,
		.metas = buf_slice(&pin->metas),
	};
	struct buf octets = { 0 };
	enum err err;
	int rc = mdb_env_sync(env->mdb, 1);

	if (rc != 0) {
		LOG_ERROR("store: %s: sync: %s", env->path, mdb_strerror(rc));
		return env_fail(env);
	}
	if (env->synced)
		env->synced(env->synced_arg, env);
	CRASH_POINT("checkpoint_before_file");
	checkpoint_file_encode(&file, &octets);
	err = file_publish(env, buf_slice(&octets));
	buf_fini(&octets);
	return err;
}

/* ---- at the start ---- */

/* Before the first write there is a checkpoint: nothing was ever written. */
static enum err recover_fresh(struct store_env *env, uint64_t size)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (size <= 2 * page)
		return map_remove(env);
	LOG_ERROR("store: %s: data without a checkpoint", env->path);
	return ERR_CORRUPT;
}

static enum err recover_from(struct store_env *env,
			     const struct checkpoint_file *file, uint64_t size)
{
	enum err err;

	if (size < file->metas.len) {
		LOG_ERROR("store: %s: a checkpoint without data", env->path);
		return ERR_CORRUPT;
	}
	env->put_back = true;
	env->durable.at = file->at;
	env->durable.number = file->number;
	if (MUTANT("M46"))
		return ERR_NONE;
	err = map_put_back(env, file->metas);
	return err == ERR_NONE ? file_settle(env) : err;
}

enum err store_checkpoint_recover(struct store_env *env, bool clean)
{
	struct checkpoint_file file = { 0 };
	struct buf octets = { 0 };
	uint64_t size;
	enum err found = file_read(env, &octets, &file);
	enum err err = map_size(env, &size);

	if (err != ERR_NONE)
		goto out;
	if (clean)
		/* Older than the state at worst: the log reaches back. */
		env->durable.at = file.at;
	else if (found == ERR_NONE)
		err = recover_from(env, &file, size);
	else if (found == ERR_NOTFOUND)
		err = recover_fresh(env, size);
	else
		err = found;
out:
	buf_fini(&octets);
	return err;
}

enum err store_checkpoint_start(struct store_env *env)
{
	struct store_pin *pin = &env->durable;
	uint64_t number = pin->number;
	enum err err = pin_take(env, pin);

	if (err != ERR_NONE)
		return err;
	if (!env->put_back)
		return pin_make_durable(env, pin);
	if (pin->number != number)
		return store_env_error(env, MDB_CORRUPTED,
				       "not the checkpoint's state");
	return ERR_NONE;
}

void store_checkpoint_stop(struct store_env *env)
{
	pin_drop(&env->next);
	pin_drop(&env->durable);
}

/* ---- while it runs ---- */

bool store_checkpoint_due(struct store_env *env, uint64_t age_ms)
{
	uint64_t dirty = store_checkpoint_dirty(env);

	return dirty >= TUNED(checkpoint_dirty, STORE_CHECKPOINT_DIRTY) ||
	       (dirty > 0 &&
		age_ms >= TUNED(checkpoint_age_ms, STORE_CHECKPOINT_AGE_MS));
}

uint64_t store_checkpoint_dirty(struct store_env *env)
{
	return atomic_load(&env->dirty);
}

enum err store_checkpoint_begin(struct store_env *env, uint64_t index,
				uint64_t term)
{
	struct store_pin *pin = &env->next;
	enum err err = (enum err)atomic_load(&env->failed);

	if (err != ERR_NONE)
		return err;
	MUST(!pin->txn);
	MUST(!env->writer.mdb);
	err = pin_take(env, pin);
	if (err != ERR_NONE)
		return err;
	store_env_add_tail(env); /* the map has grown into the last one */
	pin->at = (struct store_position){ index, term };
	env->next_dirty = atomic_exchange(&env->dirty, 0);
	if (MUTANT("M43"))
		mdb_txn_reset(pin->txn);
	CRASH_POINT("checkpoint_after_pin");
	return ERR_NONE;
}

enum err store_checkpoint_sync(struct store_env *env)
{
	struct store_pin older;
	enum err err;

	MUST(env->next.txn);
	err = pin_make_durable(env, &env->next);
	if (err == ERR_FULL) {
		atomic_fetch_add(&env->dirty, env->next_dirty);
		pin_drop(&env->next);
	}
	if (err != ERR_NONE)
		return err;
	CRASH_POINT("checkpoint_before_unpin");
	store_env_lock(env);
	older = env->durable;
	env->durable = env->next;
	env->next = (struct store_pin){ 0 };
	store_env_unlock(env);
	pin_drop(&older);
	return ERR_NONE;
}

void store_checkpoint_last(struct store_env *env,
			   struct store_position *position_r)
{
	store_env_lock(env);
	*position_r = env->durable.at;
	store_env_unlock(env);
}

enum err store_env_remove(struct disk *disk, const char *path)
{
	struct store_env env = { .disk = disk, .path = NULL };
	enum err err;
	char *file;

	env.path = mem_dup(path, strlen(path));
	err = map_remove(&env);
	file = path_in(&env, FILE_NAME);
	if (err == ERR_NONE)
		err = disk->unlink(disk, file);
	mem_free(file);
	mem_free(env.path);
	return err == ERR_NOTFOUND ? ERR_NONE : err;
}
