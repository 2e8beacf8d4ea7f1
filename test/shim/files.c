/*
 * Which descriptors are files below the directory, and their inodes.
 *
 * A descriptor is noted when it is opened and forgotten when it is closed by
 * the functions of faultshim.c; one that came another way is not followed.
 */
#include "test/shim/shim.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FDS_MAX (1024 * 1024) /* the kernel's default for fs.nr_open */
#define HASH_SIZE 1024

struct descriptor {
	_Atomic(struct shim_file *) file;
	int flags;
};

static struct descriptor descriptors[FDS_MAX];
static struct shim_file *inodes[HASH_SIZE];
static pthread_mutex_t inodes_lock = PTHREAD_MUTEX_INITIALIZER;

struct shim_file *file_find(int fd, int *flags_r)
{
	struct shim_file *file;

	if (fd < 0 || fd >= FDS_MAX)
		return NULL;
	file = atomic_load(&descriptors[fd].file);
	if (file && flags_r)
		*flags_r = descriptors[fd].flags;
	return file;
}

void file_forget(int fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		atomic_store(&descriptors[fd].file, NULL);
}

static struct shim_file *inode_find(uint64_t ino)
{
	struct shim_file *file = inodes[ino % HASH_SIZE];

	while (file && file->ino != ino)
		file = file->next;
	return file;
}

static struct shim_file *inode_add(uint64_t ino)
{
	struct shim_file *file = calloc(1, sizeof(*file));

	if (!file)
		shim_die("no memory");
	file->ino = ino;
	file->undo_fd = -1;
	file->read_fd = -1;
	if (pthread_mutex_init(&file->lock, NULL) != 0)
		shim_die("no lock");
	file->next = inodes[ino % HASH_SIZE];
	inodes[ino % HASH_SIZE] = file;
	return file;
}

struct shim_file *file_by_ino(uint64_t ino)
{
	struct shim_file *file;

	pthread_mutex_lock(&inodes_lock);
	file = inode_find(ino);
	pthread_mutex_unlock(&inodes_lock);
	return file;
}

void file_set_path(struct shim_file *file, const char *path)
{
	pthread_mutex_lock(&file->lock);
	(void)snprintf(file->path, sizeof(file->path), "%s", path);
	pthread_mutex_unlock(&file->lock);
}

struct shim_file *file_track(int fd, const char *path, int flags)
{
	struct shim_file *file;
	struct stat st;

	if (fstat(fd, &st) != 0)
		shim_die("%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return NULL;
	if (fd >= FDS_MAX)
		shim_die("%s: descriptor %d", path, fd);
	pthread_mutex_lock(&inodes_lock);
	file = inode_find(st.st_ino);
	if (!file)
		file = inode_add(st.st_ino);
	file->is_dir = S_ISDIR(st.st_mode);
	pthread_mutex_unlock(&inodes_lock);
	file_set_path(file, path);
	descriptors[fd].flags = flags;
	atomic_store(&descriptors[fd].file, file);
	return file;
}
