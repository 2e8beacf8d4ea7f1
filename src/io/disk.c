/*
 * Files by system calls. What fails is logged here, once, with the path: for
 * an open file the kernel still knows it (/proc/self/fd), so none is kept.
 *
 * Happy path: one call, or a loop until all octets are through. Failures:
 * short reads are ERR_END, a full disk ERR_FULL, the rest ERR_IO; what a
 * caller may expect (absent, present already) is not logged.
 */
#include "io/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "io/sys.h"

#define DISK_PIECES_MAX 64 /* pieces of one pwritev; more take more calls */
#define DISK_PATH_MAX 512  /* octets of a path in a log line */

/* Logs what failed with `errnum` and gives our word for it. */
static enum err disk_failed(const char *path, const char *what, int errnum)
{
	enum err err = sys_err(errnum);

	if (err == ERR_NOTFOUND || err == ERR_EXISTS)
		return err;
	LOG_ERROR("%s: cannot %s: %s", path, what, sys_text(errnum));
	return err == ERR_FULL ? ERR_FULL : ERR_IO;
}

static enum err disk_failed_fd(int fd, const char *what, int errnum)
{
	char path[DISK_PATH_MAX];
	char link[32];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return disk_failed(link, what, errnum);
	path[len] = '\0';
	return disk_failed(path, what, errnum);
}

static int disk_open_flags(enum disk_open how)
{
	switch (how) {
	case DISK_READ:
		return O_RDONLY;
	case DISK_WRITE:
		return O_RDWR;
	case DISK_CREATE:
		return O_RDWR | O_CREAT;
	case DISK_NEW:
		return O_RDWR | O_CREAT | O_EXCL;
	}
	PANIC("disk_open %d", (int)how);
}

static enum err disk_file_open(unused_arg struct disk *disk, const char *path,
			       enum disk_open how, int *fd_r)
{
	int fd = open(path, disk_open_flags(how) | O_CLOEXEC, 0600);

	if (fd < 0)
		return disk_failed(path, "open", errno);
	*fd_r = fd;
	return ERR_NONE;
}

static void disk_file_close(unused_arg struct disk *disk, int fd)
{
	/* Linux releases the descriptor whatever close says. */
	if (close(fd) < 0 && errno != EINTR)
		(void)disk_failed_fd(fd, "close", errno);
}

static enum err disk_file_read(unused_arg struct disk *disk, int fd,
			       uint64_t offset, void *out, size_t len)
{
	uint8_t *at = out;

	while (len > 0) {
		ssize_t got = pread(fd, at, len, (off_t)offset);

		if (got == 0)
			return ERR_END;
		if (got < 0) {
			if (errno == EINTR)
				continue;
			return disk_failed_fd(fd, "read", errno);
		}
		at += got;
		offset += (uint64_t)got;
		len -= (size_t)got;
	}
	return ERR_NONE;
}

/* Where a write of many pieces stands. */
struct disk_cursor {
	const struct slice *pieces;
	size_t count;
	size_t skip; /* octets of the first piece already written */
};

static int disk_cursor_iov(const struct disk_cursor *cur, struct iovec *iov)
{
	size_t count =
		cur->count < DISK_PIECES_MAX ? cur->count : DISK_PIECES_MAX;
	size_t skip = cur->skip;

	for (size_t i = 0; i < count; i++) {
		/* pwritev takes what it does not change as not const */
		const uint8_t *data = cur->pieces[i].data;

		iov[i].iov_base =
			(void *)(uintptr_t)(data ? data + skip : data);
		iov[i].iov_len = cur->pieces[i].len - skip;
		skip = 0;
	}
	return (int)count;
}

static void disk_cursor_advance(struct disk_cursor *cur, size_t len)
{
	while (cur->count > 0 && len >= cur->pieces->len - cur->skip) {
		len -= cur->pieces->len - cur->skip;
		cur->skip = 0;
		cur->pieces++;
		cur->count--;
	}
	cur->skip += len;
}

static enum err disk_file_write(unused_arg struct disk *disk, int fd,
				uint64_t offset, const struct slice *pieces,
				size_t count)
{
	struct disk_cursor cur = { .pieces = pieces, .count = count };
	struct iovec iov[DISK_PIECES_MAX];

	disk_cursor_advance(&cur, 0); /* empty pieces at the front */
	while (cur.count > 0) {
		int used = disk_cursor_iov(&cur, iov);
		ssize_t put = pwritev(fd, iov, used, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) /* 0 of something: a device that takes none */
			return disk_failed_fd(fd, "write", put ? errno : EIO);
		offset += (uint64_t)put;
		disk_cursor_advance(&cur, (size_t)put);
	}
	return ERR_NONE;
}

static enum err disk_file_sync(unused_arg struct disk *disk, int fd)
{
	/* EINTR too is final: what it means for the data nobody says. */
	if (fdatasync(fd) < 0)
		return disk_failed_fd(fd, "sync", errno);
	return ERR_NONE;
}

static enum err disk_file_size(unused_arg struct disk *disk, int fd,
			       uint64_t *size_r)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return disk_failed_fd(fd, "stat", errno);
	*size_r = (uint64_t)st.st_size;
	return ERR_NONE;
}

static enum err disk_file_allocate(unused_arg struct disk *disk, int fd,
				   uint64_t size)
{
	int rc;

	do
		rc = posix_fallocate(fd, 0, (off_t)size);
	while (rc == EINTR);
	if (rc != 0)
		return disk_failed_fd(fd, "allocate", rc);
	return ERR_NONE;
}

static enum err disk_file_truncate(unused_arg struct disk *disk, int fd,
				   uint64_t size)
{
	int rc;

	do
		rc = ftruncate(fd, (off_t)size);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return disk_failed_fd(fd, "truncate", errno);
	return ERR_NONE;
}

static enum err disk_path_rename(unused_arg struct disk *disk, const char *from,
				 const char *to)
{
	if (rename(from, to) < 0)
		return disk_failed(from, "rename", errno);
	return ERR_NONE;
}

static enum err disk_path_unlink(unused_arg struct disk *disk, const char *path)
{
	if (unlink(path) < 0)
		return disk_failed(path, "unlink", errno);
	return ERR_NONE;
}

static enum err disk_path_mkdir(unused_arg struct disk *disk, const char *path)
{
	if (mkdir(path, 0700) < 0)
		return disk_failed(path, "make directory", errno);
	return ERR_NONE;
}

static enum err disk_path_sync_dir(unused_arg struct disk *disk,
				   const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err err = ERR_NONE;

	if (fd < 0)
		return disk_failed(path, "open directory", errno);
	if (fsync(fd) < 0)
		err = disk_failed(path, "sync directory", errno);
	(void)close(fd);
	return err;
}

static int disk_name_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct disk_names {
	char **names;
	size_t count;
	size_t cap;
};

static void disk_names_add(struct disk_names *list, const char *name)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return;
	if (list->count == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 64;
		list->names = mem_realloc(list->names,
					  list->cap * sizeof(*list->names));
	}
	list->names[list->count++] = mem_dup(name, strlen(name));
}

static void disk_names_fini(struct disk_names *list)
{
	for (size_t i = 0; i < list->count; i++)
		mem_free(list->names[i]);
	mem_free(list->names);
}

/* errno after readdir tells the end from a failure; 0 is the end. */
static int disk_names_read(struct disk_names *list, DIR *dir)
{
	struct dirent *entry;

	errno = 0;
	while ((entry = readdir(dir)))
		disk_names_add(list, entry->d_name);
	return errno;
}

static enum err disk_path_list(unused_arg struct disk *disk, const char *path,
			       disk_list_each *each, void *arg)
{
	struct disk_names list = { 0 };
	DIR *dir = opendir(path);
	enum err err = ERR_NONE;
	int rc;

	if (!dir)
		return disk_failed(path, "open directory", errno);
	rc = disk_names_read(&list, dir);
	(void)closedir(dir);
	if (rc != 0) {
		err = disk_failed(path, "read directory", rc);
	} else if (list.count > 0) {
		qsort(list.names, list.count, sizeof(*list.names),
		      disk_name_cmp);
		for (size_t i = 0; i < list.count; i++)
			each(arg, list.names[i]);
	}
	disk_names_fini(&list);
	return err;
}

static enum err disk_path_free_space(unused_arg struct disk *disk,
				     const char *path, uint64_t *free_r)
{
	struct statvfs st;
	int rc;

	do
		rc = statvfs(path, &st);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return disk_failed(path, "stat file system", errno);
	*free_r = (uint64_t)st.f_bavail * st.f_frsize;
	return ERR_NONE;
}

struct disk *io_disk(void)
{
	/* tidy: allow globals: never written to, only called */
	static struct disk disk = {
		.open = disk_file_open,
		.close = disk_file_close,
		.read = disk_file_read,
		.write = disk_file_write,
		.sync = disk_file_sync,
		.size = disk_file_size,
		.allocate = disk_file_allocate,
		.truncate = disk_file_truncate,
		.rename = disk_path_rename,
		.unlink = disk_path_unlink,
		.mkdir = disk_path_mkdir,
		.sync_dir = disk_path_sync_dir,
		.list = disk_path_list,
		.free_space = disk_path_free_space,
	};

	return &disk;
}
