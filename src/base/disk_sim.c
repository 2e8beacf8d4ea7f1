/*
 * The table of a simulated disk: descriptors, counters, faults and crashes
 * around files (disk_sim_data.h) and directories (disk_sim_names.h).
 *
 * Each call is counted and may be made to fail first. Changing calls are
 * numbered, and whatever they do carries that number, so that a power failure
 * "during call n" knows what came behind it.
 */
#include "base/disk_sim.h"

#include "base/attr.h"
#include "base/disk_sim_data.h"
#include "base/disk_sim_names.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/panic.h"

struct sim_file {
	struct list link;
	int fd;
	bool writable;
	struct sim_node *node;
};

struct sim_fault {
	uint64_t nth; /* calls until it begins; 0: it has */
	uint64_t times;
	enum err err;
};

struct disk_sim {
	struct disk disk;
	struct sim_names names;
	struct list files;  /* open ones */
	int next_fd;        /* never used again: a stale one is found out */
	int stale_fd;       /* those below were closed by a crash */
	uint64_t step;      /* number of the last changing call */
	uint64_t cut_step;  /* the power fails during it; UINT64_MAX: never */
	uint64_t kill_step; /* the process dies before it; likewise */
	uint64_t space;
	uint64_t calls[DISK_SIM_CALLS];
	struct sim_fault faults[DISK_SIM_CALLS];
};

static struct disk_sim *sim_of(struct disk *disk)
{
	return container_of(disk, struct disk_sim, disk);
}

/* ---- counting and failing ---- */

static enum err fault_take(struct sim_fault *fault)
{
	if (fault->times == 0 || (fault->nth > 0 && --fault->nth > 0))
		return ERR_NONE;
	fault->times--;
	return fault->err;
}

static enum err call_begin(struct disk_sim *sim, enum disk_sim_call call)
{
	sim->calls[call]++;
	return fault_take(&sim->faults[call]);
}

static bool is_dead(const struct disk_sim *sim)
{
	return sim->step >= sim->kill_step;
}

static enum err change_begin(struct disk_sim *sim, enum disk_sim_call call)
{
	enum err err;

	sim->step++;
	err = call_begin(sim, call);
	return is_dead(sim) ? ERR_IO : err;
}

bool disk_sim_is_cut(const struct disk_sim *sim)
{
	return sim->step >= sim->cut_step || is_dead(sim);
}

void disk_sim_cut_at(struct disk_sim *sim, uint64_t nth)
{
	MUST(!disk_sim_is_cut(sim));
	sim->cut_step = nth > 0 ? sim->step + nth : UINT64_MAX;
}

void disk_sim_kill_at(struct disk_sim *sim, uint64_t nth)
{
	MUST(!disk_sim_is_cut(sim));
	sim->kill_step = nth > 0 ? sim->step + nth : UINT64_MAX;
}

uint64_t disk_sim_changes(const struct disk_sim *sim)
{
	return sim->step;
}

uint64_t disk_sim_calls(const struct disk_sim *sim, enum disk_sim_call call)
{
	MUST(call < DISK_SIM_CALLS);
	return sim->calls[call];
}

void disk_sim_fail(struct disk_sim *sim, enum disk_sim_call call, uint64_t nth,
		   uint64_t times, enum err err)
{
	MUST(call < DISK_SIM_CALLS);
	MUST(nth > 0);
	MUST(err != ERR_NONE);
	sim->faults[call] = (struct sim_fault){ nth, times, err };
}

void disk_sim_set_space(struct disk_sim *sim, uint64_t octets)
{
	sim->space = octets;
}

/* Octets on disk of a file of `size` octets. */
static uint64_t rounded(uint64_t size)
{
	uint64_t rest = size % DISK_SIM_SECTOR;

	return rest > 0 ? size - rest + DISK_SIM_SECTOR : size;
}

static uint64_t space_left(struct disk_sim *sim)
{
	uint64_t used = 0;

	if (sim->space == UINT64_MAX)
		return UINT64_MAX;
	LIST_FOREACH (&sim->names.nodes, it) {
		struct sim_node *node = LIST_ENTRY(it, struct sim_node, link);

		used += rounded(node->data.size);
	}
	return used < sim->space ? sim->space - used : 0;
}

/* The size that a file may have at most. */
static uint64_t size_limit(struct disk_sim *sim, const struct sim_node *node)
{
	uint64_t limit;

	if (__builtin_add_overflow(rounded(node->data.size), space_left(sim),
				   &limit))
		return UINT64_MAX;
	return limit - limit % DISK_SIM_SECTOR;
}

/* ---- descriptors ---- */

/* NULL: it was opened before a crash. Any other unknown one is a bug. */
static struct sim_file *file_find(struct disk_sim *sim, int fd)
{
	LIST_FOREACH (&sim->files, it) {
		struct sim_file *file = LIST_ENTRY(it, struct sim_file, link);

		if (file->fd == fd)
			return file;
	}
	if (fd < 0 || fd >= sim->stale_fd)
		PANIC("descriptor %d is not open", fd);
	return NULL;
}

static void file_free(struct disk_sim *sim, struct sim_file *file)
{
	list_remove(&file->link);
	sim_node_unref(&sim->names, file->node);
	mem_free(file);
}

static enum err node_open(struct disk_sim *sim, struct sim_place *place,
			  enum disk_open how)
{
	bool creates = how == DISK_CREATE || how == DISK_NEW;

	if (place->node == NULL) {
		if (!creates)
			return ERR_NOTFOUND;
		place->node =
			sim_names_create(&sim->names, place, false, sim->step);
		return ERR_NONE;
	}
	if (how == DISK_NEW)
		return ERR_EXISTS;
	return place->node->is_dir ? ERR_IO : ERR_NONE;
}

static enum err sim_open(struct disk *disk, const char *path,
			 enum disk_open how, int *fd_r)
{
	struct disk_sim *sim = sim_of(disk);
	bool creates = how == DISK_CREATE || how == DISK_NEW;
	enum err err = creates ? change_begin(sim, DISK_SIM_OPEN)
			       : call_begin(sim, DISK_SIM_OPEN);
	struct sim_place place;
	struct sim_file *file;

	if (err == ERR_NONE)
		err = sim_names_find(&sim->names, path, &place);
	if (err == ERR_NONE)
		err = node_open(sim, &place, how);
	if (err != ERR_NONE)
		return err;
	file = mem_zalloc(1, sizeof(*file));
	file->fd = sim->next_fd++;
	file->writable = how != DISK_READ;
	file->node = place.node;
	sim_node_ref(place.node);
	list_append(&sim->files, &file->link);
	*fd_r = file->fd;
	return ERR_NONE;
}

static void sim_close(struct disk *disk, int fd)
{
	struct disk_sim *sim = sim_of(disk);
	struct sim_file *file = file_find(sim, fd);

	if (file != NULL)
		file_free(sim, file);
}

/* ---- data ---- */

static enum err sim_read(struct disk *disk, int fd, uint64_t offset, void *out,
			 size_t len)
{
	struct disk_sim *sim = sim_of(disk);
	enum err err = call_begin(sim, DISK_SIM_READ);
	struct sim_file *file = file_find(sim, fd);

	if (err != ERR_NONE)
		return err;
	if (file == NULL)
		return ERR_IO;
	if (offset > file->node->data.size ||
	    len > file->node->data.size - offset)
		return ERR_END;
	sim_data_read(&file->node->data, offset, out, len);
	return ERR_NONE;
}

static uint64_t pieces_len(const struct slice *pieces, size_t count)
{
	uint64_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += pieces[i].len;
	return len;
}

/* The first `len` octets of them. */
static void pieces_write(struct disk_sim *sim, struct sim_node *node,
			 uint64_t offset, const struct slice *pieces,
			 uint64_t len)
{
	for (; len > 0; pieces++) {
		struct slice piece = slice_first(*pieces, len);

		sim_data_write(&node->data, sim->step, offset, piece);
		offset += piece.len;
		len -= piece.len;
	}
}

static enum err sim_write(struct disk *disk, int fd, uint64_t offset,
			  const struct slice *pieces, size_t count)
{
	struct disk_sim *sim = sim_of(disk);
	enum err err = change_begin(sim, DISK_SIM_WRITE);
	struct sim_file *file = file_find(sim, fd);
	uint64_t len = pieces_len(pieces, count);
	uint64_t limit;

	if (file == NULL || !file->writable || is_dead(sim))
		return ERR_IO;
	MUST(offset <= UINT64_MAX - len);
	limit = size_limit(sim, file->node);
	if (err != ERR_NONE) {
		len /= 2;
	} else if (offset + len > limit) {
		err = ERR_FULL;
		len = offset < limit ? limit - offset : 0;
	}
	pieces_write(sim, file->node, offset, pieces, len);
	return err;
}

static enum err sim_sync(struct disk *disk, int fd)
{
	struct disk_sim *sim = sim_of(disk);
	enum err err = change_begin(sim, DISK_SIM_SYNC);
	struct sim_file *file = file_find(sim, fd);

	if (file == NULL)
		return ERR_IO;
	if (disk_sim_is_cut(sim))
		return err;
	if (err == ERR_NONE)
		sim_data_sync(&file->node->data);
	else
		sim_data_sync_failed(&file->node->data);
	return err;
}

static enum err sim_size(struct disk *disk, int fd, uint64_t *size_r)
{
	struct disk_sim *sim = sim_of(disk);
	enum err err = call_begin(sim, DISK_SIM_SIZE);
	struct sim_file *file = file_find(sim, fd);

	if (err != ERR_NONE)
		return err;
	if (file == NULL)
		return ERR_IO;
	*size_r = file->node->data.size;
	return ERR_NONE;
}

static enum err sim_allocate(struct disk *disk, int fd, uint64_t size)
{
	struct disk_sim *sim = sim_of(disk);
	enum err err = change_begin(sim, DISK_SIM_ALLOCATE);
	struct sim_file *file = file_find(sim, fd);

	if (err != ERR_NONE)
		return err;
	if (file == NULL || !file->writable)
		return ERR_IO;
	if (size > size_limit(sim, file->node))
		return ERR_FULL;
	if (size > file->node->data.size)
		sim_data_resize(&file->node->data, sim->step, size);
	return ERR_NONE;
}

static enum err sim_truncate(struct disk *disk, int fd, uint64_t size)
{
	struct disk_sim *sim = sim_of(disk);
	enum err err = change_begin(sim, DISK_SIM_TRUNCATE);
	struct sim_file *file = file_find(sim, fd);

	if (err != ERR_NONE)
		return err;
	if (file == NULL || !file->writable)
		return ERR_IO;
	sim_data_resize(&file->node->data, sim->step, size);
	return ERR_NONE;
}

/* ---- names ---- */

static enum err sim_rename(struct disk *disk, const char *from, const char *to)
{
	struct disk_sim *sim = sim_of(disk);
	enum err err = change_begin(sim, DISK_SIM_RENAME);
	struct sim_place source;
	struct sim_place target;

	if (err == ERR_NONE)
		err = sim_names_find(&sim->names, from, &source);
	if (err == ERR_NONE)
		err = sim_names_find(&sim->names, to, &target);
	if (err != ERR_NONE)
		return err;
	return sim_names_rename(&sim->names, &source, &target, sim->step);
}

static enum err sim_unlink(struct disk *disk, const char *path)
{
	struct disk_sim *sim = sim_of(disk);
	enum err err = change_begin(sim, DISK_SIM_UNLINK);
	struct sim_place place;

	if (err == ERR_NONE)
		err = sim_names_find(&sim->names, path, &place);
	if (err != ERR_NONE)
		return err;
	if (place.node == NULL)
		return ERR_NOTFOUND;
	if (place.node->is_dir)
		return ERR_IO;
	sim_names_unlink(&sim->names, &place, sim->step);
	return ERR_NONE;
}

static enum err sim_mkdir(struct disk *disk, const char *path)
{
	struct disk_sim *sim = sim_of(disk);
	enum err err = change_begin(sim, DISK_SIM_MKDIR);
	struct sim_place place;

	if (err == ERR_NONE)
		err = sim_names_find(&sim->names, path, &place);
	if (err != ERR_NONE)
		return err;
	if (place.node != NULL)
		return ERR_EXISTS;
	sim_names_create(&sim->names, &place, true, sim->step);
	return ERR_NONE;
}

static enum err dir_find(struct disk_sim *sim, const char *path,
			 struct sim_node **dir_r)
{
	struct sim_place place;
	enum err err = sim_names_find(&sim->names, path, &place);

	if (err != ERR_NONE)
		return err;
	if (place.node == NULL)
		return ERR_NOTFOUND;
	*dir_r = place.node;
	return place.node->is_dir ? ERR_NONE : ERR_IO;
}

static enum err sim_sync_dir(struct disk *disk, const char *path)
{
	struct disk_sim *sim = sim_of(disk);
	enum err err = change_begin(sim, DISK_SIM_SYNC_DIR);
	struct sim_node *dir;

	if (err == ERR_NONE)
		err = dir_find(sim, path, &dir);
	if (err == ERR_NONE && !disk_sim_is_cut(sim))
		sim_names_sync(&sim->names, dir);
	return err;
}

static enum err sim_list(struct disk *disk, const char *path,
			 disk_list_each *each, void *arg)
{
	struct disk_sim *sim = sim_of(disk);
	enum err err = call_begin(sim, DISK_SIM_LIST);
	struct sim_node *dir;

	if (err == ERR_NONE)
		err = dir_find(sim, path, &dir);
	if (err == ERR_NONE)
		sim_names_list(dir, each, arg);
	return err;
}

static enum err sim_free_space(struct disk *disk, const char *path,
			       uint64_t *free_r)
{
	struct disk_sim *sim = sim_of(disk);
	enum err err = call_begin(sim, DISK_SIM_FREE_SPACE);
	struct sim_node *dir;

	if (err == ERR_NONE)
		err = dir_find(sim, path, &dir);
	if (err == ERR_NONE)
		*free_r = space_left(sim);
	return err;
}

/* ---- the simulation ---- */

static const struct disk table = {
	.open = sim_open,
	.close = sim_close,
	.read = sim_read,
	.write = sim_write,
	.sync = sim_sync,
	.size = sim_size,
	.allocate = sim_allocate,
	.truncate = sim_truncate,
	.rename = sim_rename,
	.unlink = sim_unlink,
	.mkdir = sim_mkdir,
	.sync_dir = sim_sync_dir,
	.list = sim_list,
	.free_space = sim_free_space,
};

struct disk_sim *disk_sim_new(void)
{
	struct disk_sim *sim = mem_zalloc(1, sizeof(*sim));

	sim->disk = table;
	sim_names_init(&sim->names);
	list_init(&sim->files);
	sim->next_fd = 1;
	sim->cut_step = UINT64_MAX;
	sim->kill_step = UINT64_MAX;
	sim->space = UINT64_MAX;
	return sim;
}

static void close_all(struct disk_sim *sim)
{
	LIST_FOREACH_SAFE (&sim->files, it)
		file_free(sim, LIST_ENTRY(it, struct sim_file, link));
	sim->stale_fd = sim->next_fd;
}

void disk_sim_free(struct disk_sim **simp)
{
	struct disk_sim *sim = *simp;

	*simp = NULL;
	close_all(sim);
	sim_names_fini(&sim->names);
	mem_free(sim);
}

struct disk *disk_sim_disk(struct disk_sim *sim)
{
	return &sim->disk;
}

void disk_sim_make_dirs(struct disk_sim *sim, const char *path)
{
	char *part = mem_dup(path, strlen(path));

	for (size_t len = 1; len <= strlen(path); len++) {
		struct sim_place place;

		if (path[len] != '/' && path[len] != 0)
			continue;
		part[len] = 0;
		MUST(sim_names_find(&sim->names, part, &place) == ERR_NONE);
		if (place.node == NULL)
			sim_names_create(&sim->names, &place, true, sim->step);
		if (place.dir != NULL)
			sim_names_sync(&sim->names, place.dir);
		part[len] = path[len];
	}
	mem_free(part);
}

void disk_sim_crash(struct disk_sim *sim, struct random *random,
		    enum disk_sim_crash how)
{
	struct sim_fate fate = { .last_step = sim->cut_step };

	MUST((how == DISK_SIM_TEAR) == (random != NULL));
	close_all(sim);
	sim->kill_step = UINT64_MAX;
	if (how == DISK_SIM_KILL) {
		MUST(!disk_sim_is_cut(sim));
		return;
	}
	if (random != NULL) {
		fate.random = random;
		fate.keep_percent = random_range(random, 0, 100);
	}
	sim_names_crash(&sim->names, &fate);
	sim->cut_step = UINT64_MAX;
}

void disk_sim_flip(struct disk_sim *sim, const char *path, uint64_t offset,
		   uint8_t mask)
{
	struct sim_place place;

	MUST(sim_names_find(&sim->names, path, &place) == ERR_NONE);
	MUST(place.node != NULL);
	MUST(offset < place.node->data.size);
	sim_data_flip(&place.node->data, offset, mask);
}
