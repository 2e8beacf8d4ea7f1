/*
 * The happy path: the segment is in the tree, its count of users goes up. Two
 * threads may open one file at the same time: the second to come uses the
 * first one's and closes its own.
 */
#include "store/body_files.h"

#include "base/mem.h"
#include "base/panic.h"
#include "store/body_segment.h"

/* Descriptors kept open for nobody: of 1,024 that a process usually has. */
#define FILES_IDLE_MAX 256

static uint64_t segment_of(const struct tree_node *node)
{
	return ((const struct body_file *)(const void *)node)->segment;
}

static int order_of(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int file_order(const struct tree_node *a, const struct tree_node *b)
{
	return order_of(segment_of(a), segment_of(b));
}

static int file_seek(const void *key, const struct tree_node *node)
{
	return order_of(*(const uint64_t *)key, segment_of(node));
}

static void files_lock(struct body_files *files)
{
	/* tidy: allow pthread_mutex_lock: bodies are read on all threads */
	MUST(pthread_mutex_lock(&files->lock) == 0);
}

static void files_unlock(struct body_files *files)
{
	MUST(pthread_mutex_unlock(&files->lock) == 0);
}

void body_files_init(struct body_files *files, struct disk *disk,
		     const char *dir)
{
	files->disk = disk;
	files->dir = dir;
	files->idle_count = 0;
	list_init(&files->idle);
	tree_init(&files->open, file_order);
	MUST(pthread_mutex_init(&files->lock, NULL) == 0);
}

static void file_close(struct body_files *files, struct body_file *file)
{
	files->disk->close(files->disk, file->fd);
	mem_free(file);
}

void body_files_fini(struct body_files *files)
{
	struct list *link;

	while ((link = list_take(&files->idle)) != NULL) {
		struct body_file *file =
			LIST_ENTRY(link, struct body_file, link);

		tree_remove(&files->open, &file->node);
		file_close(files, file);
	}
	MUST(tree_empty(&files->open));
	MUST(pthread_mutex_destroy(&files->lock) == 0);
}

/* Under the lock; NULL if it is not open. */
static struct body_file *file_use(struct body_files *files, uint64_t segment)
{
	struct tree_node *node = tree_find(&files->open, &segment, file_seek);
	struct body_file *file;

	if (!node)
		return NULL;
	file = TREE_ENTRY(node, struct body_file, node);
	if (file->users++ == 0) {
		list_remove(&file->link);
		files->idle_count--;
	}
	return file;
}

static enum err file_open(struct body_files *files, uint64_t segment,
			  struct body_file **file_r)
{
	struct disk *disk = files->disk;
	struct buf path = { 0 };
	int fd;
	enum err err =
		disk->open(disk, body_segment_path(files->dir, segment, &path),
			   DISK_READ, &fd);

	buf_fini(&path);
	if (err != ERR_NONE)
		return err;
	*file_r = mem_zalloc(1, sizeof(**file_r));
	(*file_r)->segment = segment;
	(*file_r)->fd = fd;
	(*file_r)->users = 1;
	list_init(&(*file_r)->link);
	return ERR_NONE;
}

enum err body_files_get(struct body_files *files, uint64_t segment,
			struct body_file **file_r)
{
	struct body_file *mine = NULL;
	enum err err;

	files_lock(files);
	*file_r = file_use(files, segment);
	files_unlock(files);
	if (*file_r)
		return ERR_NONE;
	err = file_open(files, segment, &mine);
	if (err != ERR_NONE)
		return err;
	files_lock(files);
	*file_r = file_use(files, segment);
	if (!*file_r) {
		MUST(!tree_insert(&files->open, &mine->node));
		*file_r = mine;
		mine = NULL;
	}
	files_unlock(files);
	if (mine)
		file_close(files, mine);
	return ERR_NONE;
}

/* Under the lock: what is in the cache for nobody and too long. */
static struct body_file *file_excess(struct body_files *files)
{
	struct body_file *file;

	if (files->idle_count <= FILES_IDLE_MAX)
		return NULL;
	file = LIST_ENTRY(list_take(&files->idle), struct body_file, link);
	files->idle_count--;
	tree_remove(&files->open, &file->node);
	return file;
}

void body_files_put(struct body_files *files, struct body_file *file)
{
	struct body_file *gone = NULL;

	files_lock(files);
	MUST(file->users > 0);
	if (--file->users == 0 && file->forgotten) {
		gone = file;
	} else if (file->users == 0) {
		list_append(&files->idle, &file->link);
		files->idle_count++;
		gone = file_excess(files);
	}
	files_unlock(files);
	if (gone)
		file_close(files, gone);
}

void body_files_forget(struct body_files *files, uint64_t segment)
{
	struct body_file *gone = NULL;
	struct body_file *file;

	files_lock(files);
	file = file_use(files, segment);
	if (file) {
		tree_remove(&files->open, &file->node);
		file->forgotten = true;
		if (--file->users == 0)
			gone = file;
	}
	files_unlock(files);
	if (gone)
		file_close(files, gone);
}
