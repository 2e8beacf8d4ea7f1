/*
 * Opening and closing the body store, and what its parts share.
 *
 * The happy path: the index comes back from its checkpoint, the segments tell
 * what it does not know, and then the store answers.
 *
 * Failures: an index that is damaged, or that has ended the process three times
 * while it was opened, is thrown away and made again. While the store runs, a
 * failed write or fsync of a segment ends all writing (libraft.md R5); damage
 * in the index parks the store and leaves a mark, so that the next start makes
 * it again.
 */
#include "store/body.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "store/body_impl.h"
#include "store/checkpoint.h"
#include "store/deaths.h"

#define SEGMENT_SIZE_DEFAULT (64u * 1024 * 1024)
#define SEGMENT_SIZE_MIN (256u * 1024) /* a batch of one must fit */
#define INDEX_MAP_DEFAULT ((uint64_t)64 << 30)

/* The writer, the indexer, and slack, beside the caller's readers. */
#define READERS_OWN 4

#define MARK_NAME "index.bad" /* in the directory of the segments */

/* ---- tasks of our own ---- */

void body_background_begin(struct body_store *store)
{
	body_lock(store);
	store->background++;
	body_unlock(store);
}

void body_background_end(struct body_store *store)
{
	body_lock(store);
	MUST(store->background > 0);
	if (--store->background == 0)
		MUST(pthread_cond_broadcast(&store->quiet) == 0);
	body_unlock(store);
}

static void background_wait(struct body_store *store)
{
	body_lock(store);
	while (store->background > 0)
		/* tidy: allow pthread_cond_wait: at close only, which blocks */
		MUST(pthread_cond_wait(&store->quiet, &store->lock) == 0);
	body_unlock(store);
}

/* ---- errors ---- */

static void mark_path(const struct body_store *store, struct buf *out)
{
	buf_printf(out, "%s/" MARK_NAME, store->path);
	buf_cstr(out);
}

/* The next start makes the index again. */
static void mark_index_bad(struct body_store *store)
{
	struct disk *disk = store->disk;
	struct buf path = { 0 };
	int fd;
	enum err err;

	mark_path(store, &path);
	err = disk->open(disk, (char *)path.data, DISK_CREATE, &fd);
	if (err == ERR_NONE) {
		disk->close(disk, fd);
		err = disk->sync_dir(disk, store->path);
	}
	LOG_ERROR("%s: the index of bodies is damaged: %s", store->path,
		  err == ERR_NONE ? "the next start makes it again"
				  : err_text(err));
	buf_fini(&path);
}

enum err body_store_error(struct body_store *store, enum err err)
{
	if (err == ERR_FULL)
		atomic_fetch_add(&store->full_errors, 1);
	if (err == ERR_IO) {
		atomic_fetch_add(&store->io_errors, 1);
		atomic_store(&store->failed, (int)ERR_IO);
	}
	if (err == ERR_CORRUPT && !atomic_exchange(&store->index_bad, true)) {
		atomic_store(&store->parked, true);
		mark_index_bad(store);
	}
	return err;
}

enum err body_store_refusal(struct body_store *store)
{
	enum err err = (enum err)atomic_load(&store->failed);

	if (err == ERR_NONE && atomic_load(&store->parked))
		err = ERR_UNAVAILABLE;
	return err;
}

void body_store_park(struct body_store *store)
{
	atomic_store(&store->parked, true);
}

void body_store_caught_up(struct body_store *store, bool caught_up)
{
	atomic_store(&store->caught_up, caught_up);
}

/* ---- segments ---- */

void body_segment_remove(struct body_store *store, uint64_t segment)
{
	struct disk *disk = store->disk;
	struct buf path = { 0 };
	enum err err;

	body_files_forget(&store->files, segment);
	err = disk->unlink(disk,
			   body_segment_path(store->path, segment, &path));
	if (err != ERR_NONE && err != ERR_NOTFOUND)
		LOG_WARN("%s: not removed: %s", (char *)path.data,
			 err_text(err));
	buf_fini(&path);
}

enum err body_store_room(struct body_store *store, uint64_t octets)
{
	struct disk *disk = store->disk;
	uint64_t free_octets;

	/* What cannot be asked is found out by the write. */
	if (disk->free_space(disk, store->path, &free_octets) != ERR_NONE)
		return ERR_NONE;
	return free_octets < octets || free_octets - octets < store->min_free
		       ? ERR_FULL
		       : ERR_NONE;
}

enum err body_current_new(struct body_store *store,
			  struct body_current *current_r)
{
	struct disk *disk = store->disk;
	struct buf path = { 0 };
	struct body_current new = {
		.open = true,
		.segment = atomic_fetch_add(&store->next_segment, 1),
		.size = store->segment_size,
	};
	enum err err = disk->open(
		disk, body_segment_path(store->path, new.segment, &path),
		DISK_NEW, &new.fd);

	buf_fini(&path);
	if (err != ERR_NONE)
		return err;
	err = disk->allocate(disk, new.fd, new.size);
	if (err == ERR_NONE)
		err = disk->sync(disk, new.fd);
	if (err == ERR_NONE)
		err = disk->sync_dir(disk, store->path);
	if (err == ERR_NONE) {
		*current_r = new;
		return ERR_NONE;
	}
	disk->close(disk, new.fd);
	body_segment_remove(store, new.segment);
	return err;
}

void body_current_close(struct body_store *store, struct body_current *current,
			bool trim)
{
	struct disk *disk = store->disk;
	enum err err = ERR_NONE;

	if (!current->open)
		return;
	current->open = false;
	if (trim)
		err = disk->truncate(disk, current->fd, current->end);
	disk->close(disk, current->fd);
	if (err != ERR_NONE)
		LOG_WARN("%s: a segment keeps its spare room: %s", store->path,
			 err_text(err));
	if (trim && current->end == 0)
		body_segment_remove(store, current->segment);
}

/* ---- where a body is ---- */

/* What is pending says of it: true and `*err_r`, or nothing. */
static bool locate_pending(struct body_store *store, const struct sha256 *hash,
			   struct body_place *place_r, enum err *err_r)
{
	const struct pending_body *body;

	body_lock(store);
	body = body_pending_find(&store->fresh, hash);
	if (!body)
		body = body_pending_find(&store->indexing, hash);
	if (body) {
		*place_r = body->place;
		*err_r = body->dropped || body->place.damaged ? ERR_MISSING_BODY
							      : ERR_NONE;
	}
	body_unlock(store);
	return body != NULL;
}

/*
 * What is indexed leaves the pending rows after the commit, so who finds
 * nothing there finds it in a snapshot begun afterwards.
 */
enum err body_locate(struct body_store *store, const struct sha256 *hash,
		     struct body_place *place_r)
{
	struct store_txn *txn;
	bool found;
	enum err err;

	if (locate_pending(store, hash, place_r, &err))
		return err;
	err = store_read_begin(store->index, &txn);
	if (err != ERR_NONE)
		return err;
	found = body_index_find(txn, hash, place_r);
	err = store_txn_error(txn);
	store_end(&txn);
	if (err != ERR_NONE)
		return body_store_error(store, err);
	return found && !place_r->damaged ? ERR_NONE : ERR_MISSING_BODY;
}

/* ---- opening ---- */

static struct body_store *store_new(const struct body_options *options)
{
	struct body_store *store = mem_zalloc(1, sizeof(*store));
	struct buf index = { 0 };

	store->path = mem_dup(options->path, strlen(options->path));
	if (options->index_path)
		buf_add_str(&index, options->index_path);
	else
		buf_printf(&index, "%s/index", options->path);
	store->index_path = mem_dup(index.data, index.len);
	buf_fini(&index);
	store->disk = options->disk;
	store->writer = options->writer;
	store->pool = options->pool;
	store->segment_size = options->segment_size ? options->segment_size
						    : SEGMENT_SIZE_DEFAULT;
	MUST(store->segment_size >= SEGMENT_SIZE_MIN);
	store->min_free = options->min_free;
	list_init(&store->writes);
	list_init(&store->haves);
	list_init(&store->checkpoints);
	body_pending_init(&store->fresh);
	body_pending_init(&store->indexing);
	store->items = body_items_new();
	store->index_at = BODY_INDEX_BATCH;
	body_files_init(&store->files, store->disk, store->path);
	serial_init(&store->serial, store->pool);
	MUST(pthread_mutex_init(&store->lock, NULL) == 0);
	MUST(pthread_cond_init(&store->quiet, NULL) == 0);
	return store;
}

static void store_free(struct body_store **storep)
{
	struct body_store *store = *storep;

	*storep = NULL;
	background_wait(store);
	serial_fini(&store->serial);
	MUST(list_empty(&store->writes));
	MUST(list_empty(&store->haves));
	MUST(list_empty(&store->checkpoints));
	body_current_close(store, &store->current, false);
	body_current_close(store, &store->spare, false);
	body_files_fini(&store->files);
	if (store->index)
		store_env_close(&store->index);
	body_pending_fini(&store->fresh);
	body_pending_fini(&store->indexing);
	buf_fini(&store->batch);
	mem_free(store->items);
	MUST(pthread_cond_destroy(&store->quiet) == 0);
	MUST(pthread_mutex_destroy(&store->lock) == 0);
	mem_free(store->index_path);
	mem_free(store->path);
	mem_free(store);
}

static enum err index_open(struct body_store *store,
			   const struct body_options *options)
{
	struct store_env_options env = {
		.path = store->index_path,
		.map_size = options->index_map_size ? options->index_map_size
						    : INDEX_MAP_DEFAULT,
		.max_readers = options->max_readers + READERS_OWN,
		.tables = body_table_names,
		.table_count = BODY_TABLE_COUNT,
		.disk = store->disk,
		.clean = options->clean,
		.synced = options->synced,
		.synced_arg = options->synced_arg,
	};

	return store_env_open(&env, &store->index);
}

static bool is_marked_bad(struct body_store *store)
{
	struct disk *disk = store->disk;
	struct buf path = { 0 };
	int fd;
	bool marked;

	mark_path(store, &path);
	marked =
		disk->open(disk, (char *)path.data, DISK_READ, &fd) == ERR_NONE;
	if (marked)
		disk->close(disk, fd);
	buf_fini(&path);
	return marked;
}

static enum err mark_remove(struct body_store *store)
{
	struct disk *disk = store->disk;
	struct buf path = { 0 };
	enum err err;

	mark_path(store, &path);
	err = disk->unlink(disk, (char *)path.data);
	buf_fini(&path);
	return err == ERR_NOTFOUND ? ERR_NONE : err;
}

/* An index is a cache: without it the segments are read from the beginning. */
static enum err index_make_again(struct body_store *store,
				 const struct body_options *options)
{
	enum err err;

	LOG_WARN("%s: the index of bodies is made again", store->path);
	if (store->index)
		store_env_close(&store->index);
	err = store_env_remove(store->disk, store->index_path);
	if (err == ERR_NONE)
		err = index_open(store, options);
	if (err == ERR_NONE)
		err = body_scan(store);
	return err;
}

static enum err index_read(struct body_store *store,
			   const struct body_options *options)
{
	enum err err =
		is_marked_bad(store) ? ERR_CORRUPT : index_open(store, options);

	CRASH_POINT("body_opening");
	return err == ERR_NONE ? body_scan(store) : err;
}

static enum err index_begin(struct body_store *store,
			    const struct body_options *options)
{
	struct deaths opening;
	enum err left;
	enum err err =
		deaths_enter_opening(&opening, store->disk, store->index_path);

	if (err == ERR_NONE)
		err = index_read(store, options);
	if (err == ERR_CORRUPT)
		err = index_make_again(store, options);
	if (err == ERR_NONE)
		err = mark_remove(store);
	if (opening.fd >= 0) {
		left = deaths_leave_opening(&opening);
		if (err == ERR_NONE)
			err = left;
	}
	deaths_close(&opening);
	return err;
}

enum err body_store_open(const struct body_options *options,
			 struct body_store **store_r)
{
	struct body_store *store = store_new(options);
	enum err err = body_directory_make(store->disk, store->path);

	if (err == ERR_NONE)
		err = index_begin(store, options);
	if (err == ERR_NONE)
		err = body_index_totals(store->index, &store->totals);
	if (err != ERR_NONE)
		store_free(&store);
	*store_r = store;
	return err;
}

static enum err close_clean(struct body_store *store)
{
	enum err err = body_store_refusal(store);

	if (err == ERR_NONE)
		err = body_index_flush(store);
	if (err == ERR_NONE)
		err = store_checkpoint_begin(store->index, 0, 0);
	if (err == ERR_NONE)
		err = store_checkpoint_sync(store->index);
	body_current_close(store, &store->current, true);
	body_current_close(store, &store->spare, true);
	return err;
}

enum err body_store_close(struct body_store **storep, bool clean)
{
	struct body_store *store = *storep;
	enum err err = ERR_NONE;

	background_wait(store);
	if (clean)
		err = close_clean(store);
	store_free(storep);
	return err;
}

void body_store_get_stats(struct body_store *store, struct body_stats *stats_r)
{
	*stats_r = (struct body_stats){
		.appended = atomic_load(&store->appended),
		.fsyncs = atomic_load(&store->fsyncs),
		.io_errors = atomic_load(&store->io_errors),
		.full_errors = atomic_load(&store->full_errors),
	};
	body_lock(store);
	stats_r->bodies = store->totals.bodies;
	stats_r->holds = store->totals.holds;
	stats_r->live_octets = store->totals.live;
	stats_r->segments = store->totals.segments;
	stats_r->segment_octets = store->totals.octets;
	stats_r->pending = body_pending_count(&store->fresh) +
			   body_pending_count(&store->indexing);
	stats_r->damaged = store->damaged;
	stats_r->damaged_hash = store->damaged_hash;
	stats_r->damaged_segment = store->damaged_place.segment;
	stats_r->damaged_offset = store->damaged_place.offset;
	body_unlock(store);
}
