/*
 * Functions that would change files behind the shim's back: below the
 * directory they end the process, elsewhere they do what they always do.
 */
#include "test/shim/shim.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

static void refuse_path(int dirfd, const char *path, const char *what)
{
	char full[PATH_MAX];

	if (shim_below(dirfd, path, full))
		shim_die("%s: %s", full, what);
}

static void refuse_fd(int fd, const char *what)
{
	struct shim_file *file = file_find(fd, NULL);

	if (file)
		shim_die("%s: %s", file->path, what);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	refuse_path(to_fd, to, "a link");
	return (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
}

int link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int symlinkat(const char *text, int dirfd, const char *path)
{
	refuse_path(dirfd, path, "a symbolic link");
	return (int)syscall(SYS_symlinkat, text, dirfd, path);
}

int symlink(const char *text, const char *path)
{
	return symlinkat(text, AT_FDCWD, path);
}

int truncate(const char *path, off_t len)
{
	refuse_path(AT_FDCWD, path, "truncate by name");
	return (int)syscall(SYS_truncate, path, len);
}

int truncate64(const char *path, off64_t len)
{
	return truncate(path, len);
}

ssize_t sendfile(int to, int from, off_t *at, size_t len)
{
	refuse_fd(to, "sendfile");
	return syscall(SYS_sendfile, to, from, at, len);
}

ssize_t sendfile64(int to, int from, off64_t *at, size_t len)
{
	return sendfile(to, from, at, len);
}

ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at,
			size_t len, unsigned flags)
{
	refuse_fd(to, "copy_file_range");
	return syscall(SYS_copy_file_range, from, from_at, to, to_at, len,
		       flags);
}

int dup(int fd)
{
	refuse_fd(fd, "dup");
	return (int)syscall(SYS_dup, fd);
}

int dup3(int fd, int to, int flags)
{
	refuse_fd(fd, "dup3");
	file_forget(to);
	return (int)syscall(SYS_dup3, fd, to, flags);
}

int dup2(int fd, int to)
{
	refuse_fd(fd, "dup2");
	if (fd == to)
		return (int)syscall(SYS_fcntl, fd, F_GETFD) < 0 ? -1 : to;
	return dup3(fd, to, 0);
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t at)
{
	struct shim_file *file = file_find(fd, NULL);
	const char *name;

	if (file && (prot & PROT_WRITE) && (flags & MAP_SHARED)) {
		name = strrchr(file->path, '/');
		if (strcmp(name ? name + 1 : file->path, MAPPED_NAME) != 0)
			shim_die("%s: a shared mapping", file->path);
	}
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, at);
}

void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t at)
{
	return mmap(addr, len, prot, flags, fd, at);
}
