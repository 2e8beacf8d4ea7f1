/*
 * The functions of the C library that faultshim.so stands in for (shim.h).
 *
 * Each asks whether it is about a file below the directory, lets rules.c fail
 * it, has undo.c or names.c note what it is about to change, and makes the
 * system call. Everything else goes straight to the kernel. refuse.c has those
 * that cannot be followed.
 */
#include "test/shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == 8, "the 64 bit functions are the same");

#define IOV_COUNT_MAX 1024 /* the kernel's UIO_MAXIOV */
#define TEXT_MAX 1024

/* ---- settings ---- */

static pthread_once_t start_once = PTHREAD_ONCE_INIT;
static pthread_once_t prepare_once = PTHREAD_ONCE_INIT;
static bool is_on;
static bool is_sync_real = true;
static char dir[PATH_MAX];
static size_t dir_len;
static char undo_dir[PATH_MAX - 64]; /* a folder and a number fit behind */

void shim_die(const char *why, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, why);
	(void)vsnprintf(text, sizeof(text), why, args);
	va_end(args);
	(void)dprintf(STDERR_FILENO, "faultshim: %s\n", text);
	(void)syscall(SYS_exit_group, SHIM_STATUS);
	__builtin_unreachable();
}

/* Resolves all but the last name of an absolute path; false if it cannot. */
static bool resolve(const char *path, char *full_r)
{
	char parent[PATH_MAX];
	size_t len = strlen(path);
	const char *name;

	while (len > 1 && path[len - 1] == '/')
		len--;
	(void)snprintf(parent, sizeof(parent), "%.*s", (int)len, path);
	name = strrchr(parent, '/');
	if (!name || len == 1)
		return false;
	*strrchr(parent, '/') = '\0';
	name++;
	if (!realpath(*parent ? parent : "/", full_r))
		return false;
	len = strlen(full_r);
	if (len + 1 + strlen(name) >= PATH_MAX)
		return false;
	(void)snprintf(full_r + len, PATH_MAX - len, "/%s", name);
	return true;
}

static void make_folder(const char *path)
{
	if (syscall(SYS_mkdirat, AT_FDCWD, path, 0700) != 0 && errno != EEXIST)
		shim_die("%s: %s", path, strerror(errno));
}

static void start(void)
{
	const char *undo = getenv("MURDER_SHIM_UNDO");
	const char *sync = getenv("MURDER_SHIM_SYNC");
	const char *path = getenv("MURDER_SHIM_DIR");

	if (!path || !*path)
		return;
	if (*path != '/' || !resolve(path, dir))
		shim_die("MURDER_SHIM_DIR=%s is no absolute path", path);
	dir_len = strlen(dir);
	if ((size_t)snprintf(undo_dir, sizeof(undo_dir), "%s%s",
			     undo ? undo : dir,
			     undo ? "" : ".undo") >= sizeof(undo_dir))
		shim_die("MURDER_SHIM_UNDO is too long");
	is_sync_real = !sync || strcmp(sync, "none") != 0;
	is_on = true;
}

/* At the first file below the directory: what a fork inherits is untouched. */
static void prepare(void)
{
	char folder[PATH_MAX];

	make_folder(undo_dir);
	shim_undo_path("data", "", folder);
	make_folder(folder);
	shim_undo_path("names", "", folder);
	make_folder(folder);
	rules_start();
}

/*
 * A sanitizer that is told of a log_path opens files before there is an
 * environment to be read: that must not be taken for "off" for ever.
 */
bool shim_is_on(void)
{
	if (!environ)
		return false;
	(void)pthread_once(&start_once, start);
	return is_on;
}

void shim_undo_path(const char *folder, const char *name, char *out_r)
{
	(void)snprintf(out_r, PATH_MAX, "%s/%s/%s", undo_dir, folder, name);
}

int shim_real_sync(int fd, long number)
{
	return is_sync_real ? (int)syscall(number, fd) : 0;
}

/* What `path` is relative to; empty: nobody knows. */
static void base_of(int dirfd, const char *path, char *base_r)
{
	char link[64];
	ssize_t len;

	*base_r = '\0';
	if (*path == '/')
		return;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	len = readlink(dirfd == AT_FDCWD ? "/proc/self/cwd" : link, base_r,
		       PATH_MAX - 1);
	base_r[len < 0 ? 0 : len] = '\0';
}

size_t shim_below(int dirfd, const char *path, char *full_r)
{
	char whole[2 * PATH_MAX];
	char base[PATH_MAX];

	if (!shim_is_on() || !path || !*path)
		return 0;
	base_of(dirfd, path, base);
	(void)snprintf(whole, sizeof(whole), "%s%s%s", base, *base ? "/" : "",
		       path);
	if (strlen(whole) >= PATH_MAX || !resolve(whole, full_r) ||
	    strncmp(full_r, dir, dir_len) != 0)
		return 0;
	(void)pthread_once(&prepare_once, prepare);
	if (full_r[dir_len] == '\0')
		return dir_len;
	return full_r[dir_len] == '/' ? dir_len + 1 : 0;
}

/* Whether a rule of `op` fails the call on this path; errno is set. */
static bool fails(enum rule_op op, const char *path)
{
	return rules_next(op, path) == RULE_ERROR;
}

/* ---- sizes ---- */

static uint64_t size_of(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		shim_die("%s: %s", path, strerror(errno));
	return (uint64_t)st.st_size;
}

static bool is_sync_each(int flags)
{
	return (flags & O_DSYNC) != 0; /* O_SYNC has this bit too */
}

/* Runs `number` with the new end of a file; errno or 0. */
static int resize(struct shim_file *file, int fd, int flags, long number,
		  off_t at, off_t len)
{
	uint64_t end = (uint64_t)at + (uint64_t)len;
	uint64_t size, before;
	long rc;

	pthread_mutex_lock(&file->lock);
	if (fails(RULE_ALLOCATE, file->path)) {
		pthread_mutex_unlock(&file->lock);
		return errno;
	}
	size = size_of(fd, file->path);
	before = undo_mark(file);
	if (number == SYS_ftruncate && end < size)
		undo_keep(file, fd, flags, UNDO_SHRINK, end, size - end, size);
	else if (end > size)
		undo_keep(file, fd, flags, UNDO_WRITE, size, 0, size);
	rc = number == SYS_ftruncate ? syscall(number, fd, end)
				     : syscall(number, fd, 0, at, len);
	if (rc == 0 && is_sync_each(flags))
		undo_synced(file, file->epoch, before, file->undo_len);
	pthread_mutex_unlock(&file->lock);
	return rc == 0 ? 0 : errno;
}

static int result(int errnum)
{
	if (errnum == 0)
		return 0;
	errno = errnum;
	return -1;
}

int ftruncate(int fd, off_t len)
{
	int flags;
	struct shim_file *file = file_find(fd, &flags);

	if (!file)
		return (int)syscall(SYS_ftruncate, fd, len);
	return result(resize(file, fd, flags, SYS_ftruncate, 0, len));
}

int ftruncate64(int fd, off64_t len)
{
	return ftruncate(fd, len);
}

int fallocate(int fd, int mode, off_t at, off_t len)
{
	int flags;
	struct shim_file *file = file_find(fd, &flags);

	if (!file || mode == FALLOC_FL_KEEP_SIZE)
		return (int)syscall(SYS_fallocate, fd, mode, at, len);
	if (mode != 0)
		shim_die("%s: fallocate with mode %d", file->path, mode);
	return result(resize(file, fd, flags, SYS_fallocate, at, len));
}

int fallocate64(int fd, int mode, off64_t at, off64_t len)
{
	return fallocate(fd, mode, at, len);
}

int posix_fallocate(int fd, off_t at, off_t len)
{
	int before = errno;
	int rc = fallocate(fd, 0, at, len) == 0 ? 0 : errno;

	errno = before; /* it does not set it */
	return rc;
}

int posix_fallocate64(int fd, off64_t at, off64_t len)
{
	return posix_fallocate(fd, at, len);
}

/* ---- open and close ---- */

static int shim_open(int dirfd, const char *path, int flags, mode_t mode)
{
	char full[PATH_MAX];
	size_t below = shim_below(dirfd, path, full);
	int plain = flags & ~O_TRUNC;
	int fd;

	if (below == 0)
		return (int)syscall(SYS_openat, dirfd, path, flags, mode);
	if ((flags & O_TMPFILE) == O_TMPFILE)
		shim_die("%s: O_TMPFILE", full);
	if (flags & O_CREAT) {
		if (fails(RULE_CREATE, full + below))
			return -1;
		fd = names_create(full, below, plain, mode);
	} else {
		fd = (int)syscall(SYS_openat, AT_FDCWD, full, plain, mode);
		if (fd >= 0)
			(void)file_track(fd, full + below, flags);
	}
	if (fd >= 0 && (flags & O_TRUNC) && size_of(fd, full) > 0 &&
	    ftruncate(fd, 0) != 0)
		shim_die("%s: O_TRUNC: %s", full, strerror(errno));
	return fd;
}

static mode_t mode_of(int flags, va_list args)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return shim_open(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return shim_open(AT_FDCWD, path, flags, mode);
}

int openat(int dirfd, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return shim_open(dirfd, path, flags, mode);
}

int openat64(int dirfd, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return shim_open(dirfd, path, flags, mode);
}

int creat(const char *path, mode_t mode)
{
	return shim_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int creat64(const char *path, mode_t mode)
{
	return creat(path, mode);
}

/* What _FORTIFY_SOURCE makes of the calls without a mode. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);
int __openat64_2(int dirfd, const char *path, int flags);

int __open_2(const char *path, int flags)
{
	return shim_open(AT_FDCWD, path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
	return shim_open(AT_FDCWD, path, flags, 0);
}

int __openat_2(int dirfd, const char *path, int flags)
{
	return shim_open(dirfd, path, flags, 0);
}

int __openat64_2(int dirfd, const char *path, int flags)
{
	return shim_open(dirfd, path, flags, 0);
}

int close(int fd)
{
	file_forget(fd);
	return (int)syscall(SYS_close, fd);
}

/* ---- writes ---- */

struct pieces {
	const struct iovec *iov;
	int count;
};

static uint64_t pieces_len(const struct pieces *what)
{
	uint64_t len = 0;

	for (int i = 0; i < what->count; i++)
		len += what->iov[i].iov_len;
	return len;
}

/* At `at`, or where the descriptor stands if that is negative. */
static ssize_t write_real(int fd, const struct pieces *what, off_t at)
{
	if (at < 0)
		return syscall(SYS_writev, fd, what->iov, what->count);
	return syscall(SYS_pwritev, fd, what->iov, what->count, at, 0);
}

/* The first half of what was to be written. */
static ssize_t write_half(int fd, const struct pieces *what, off_t at)
{
	struct iovec iov[IOV_COUNT_MAX];
	struct pieces half = { iov, 0 };
	uint64_t left = pieces_len(what) / 2;

	for (int i = 0; i < what->count && left > 0; i++) {
		iov[half.count] = what->iov[i];
		if (iov[half.count].iov_len > left)
			iov[half.count].iov_len = left;
		left -= iov[half.count++].iov_len;
	}
	return write_real(fd, &half, at);
}

static ssize_t write_as_told(enum rule_what fault, int fd,
			     const struct pieces *what, off_t at)
{
	ssize_t rc;

	if (fault != RULE_SHORT && fault != RULE_TORN)
		return write_real(fd, what, at);
	if (pieces_len(what) < 2 && fault == RULE_SHORT)
		return write_real(fd, what, at);
	rc = write_half(fd, what, at);
	if (rc < 0 || fault == RULE_SHORT)
		return rc;
	errno = EIO;
	return -1;
}

static ssize_t shim_write(int fd, const struct pieces *what, off_t at)
{
	int flags;
	struct shim_file *file = file_find(fd, &flags);
	enum rule_what fault;
	uint64_t size, begin, before;
	ssize_t rc;

	if (!file || what->count < 0 || what->count > IOV_COUNT_MAX)
		return write_real(fd, what, at);
	pthread_mutex_lock(&file->lock);
	fault = rules_next(RULE_WRITE, file->path);
	if (fault == RULE_ERROR) {
		pthread_mutex_unlock(&file->lock);
		return -1;
	}
	size = size_of(fd, file->path);
	begin = at >= 0 ? (uint64_t)at
		: flags & O_APPEND
			? size
			: (uint64_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
	before = undo_mark(file);
	undo_keep(file, fd, flags, UNDO_WRITE, begin, pieces_len(what), size);
	rc = write_as_told(fault, fd, what, at);
	if (rc >= 0 && is_sync_each(flags))
		undo_synced(file, file->epoch, before, file->undo_len);
	pthread_mutex_unlock(&file->lock);
	return rc;
}

static ssize_t write_one(int fd, const void *data, size_t len, off_t at)
{
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct pieces what = { &iov, 1 };

	return shim_write(fd, &what, at);
}

static ssize_t write_many(int fd, const struct iovec *iov, int count, off_t at)
{
	struct pieces what = { iov, count };

	return shim_write(fd, &what, at);
}

ssize_t write(int fd, const void *data, size_t len)
{
	if (!file_find(fd, NULL))
		return syscall(SYS_write, fd, data, len);
	return write_one(fd, data, len, -1);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	if (at < 0)
		return syscall(SYS_pwrite64, fd, data, len, at);
	return write_one(fd, data, len, at);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	return pwrite(fd, data, len, at);
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
	return write_many(fd, iov, count, -1);
}

ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t at)
{
	if (at < 0)
		return syscall(SYS_pwritev, fd, iov, count, at, -1);
	return write_many(fd, iov, count, at);
}

ssize_t pwritev64(int fd, const struct iovec *iov, int count, off64_t at)
{
	return pwritev(fd, iov, count, at);
}

ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t at,
		 int flags)
{
	struct shim_file *file = file_find(fd, NULL);

	if (!file)
		return syscall(SYS_pwritev2, fd, iov, count, at,
			       at < 0 ? -1 : 0, flags);
	if (flags != 0)
		shim_die("%s: pwritev2 with flags %d", file->path, flags);
	return write_many(fd, iov, count, at);
}

ssize_t pwritev64v2(int fd, const struct iovec *iov, int count, off64_t at,
		    int flags)
{
	return pwritev2(fd, iov, count, at, flags);
}

/* ---- syncs ---- */

static int sync_dir(struct shim_file *file, int fd, long number)
{
	switch (rules_next(RULE_DIRSYNC, *file->path ? file->path : ".")) {
	case RULE_ERROR:
	case RULE_TORN:
		names_lost(file);
		errno = EIO;
		return -1;
	case RULE_LIMBO:
		return 0;
	case RULE_NOTHING:
	case RULE_SHORT:
		break;
	}
	return names_sync(file, fd, number);
}

/* Whether a rule took the place of the sync; its result is in `rc_r`. */
static bool sync_fails(struct shim_file *file, int *rc_r)
{
	int errnum;

	switch (rules_next(RULE_SYNC, file->path)) {
	case RULE_ERROR:
	case RULE_TORN:
		errnum = errno;
		undo_lost(file);
		errno = errnum;
		*rc_r = -1;
		return true;
	case RULE_LIMBO:
		*rc_r = 0;
		return true;
	case RULE_NOTHING:
	case RULE_SHORT:
		break;
	}
	return false;
}

static int shim_sync(int fd, long number)
{
	struct shim_file *file = file_find(fd, NULL);
	uint64_t upto, epoch;
	bool is_over;
	int rc = 0;

	if (!file)
		return (int)syscall(number, fd);
	if (file->is_dir)
		return sync_dir(file, fd, number);
	pthread_mutex_lock(&file->lock);
	is_over = sync_fails(file, &rc);
	upto = undo_mark(file);
	epoch = file->epoch;
	pthread_mutex_unlock(&file->lock);
	if (is_over)
		return rc;
	rc = shim_real_sync(fd, number);
	pthread_mutex_lock(&file->lock);
	if (rc == 0)
		undo_synced(file, epoch, 0, upto);
	pthread_mutex_unlock(&file->lock);
	return rc;
}

int fsync(int fd)
{
	return shim_sync(fd, SYS_fsync);
}

int fdatasync(int fd)
{
	return shim_sync(fd, SYS_fdatasync);
}

/* ---- names ---- */

int mkdirat(int dirfd, const char *path, mode_t mode)
{
	char full[PATH_MAX];
	size_t below = shim_below(dirfd, path, full);

	if (below == 0 || full[below] == '\0') /* the directory itself */
		return (int)syscall(SYS_mkdirat, dirfd, path, mode);
	if (fails(RULE_MKDIR, full + below))
		return -1;
	return names_mkdir(full, mode);
}

int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

int unlinkat(int dirfd, const char *path, int flags)
{
	char full[PATH_MAX];
	size_t below = shim_below(dirfd, path, full);

	if (below == 0)
		return (int)syscall(SYS_unlinkat, dirfd, path, flags);
	if (flags & AT_REMOVEDIR)
		shim_die("%s: rmdir", full);
	if (fails(RULE_UNLINK, full + below))
		return -1;
	return names_unlink(full);
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int remove(const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return -1;
	return unlinkat(AT_FDCWD, path, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to,
	      unsigned flags)
{
	char full[PATH_MAX];
	char full_to[PATH_MAX];
	size_t below = shim_below(from_fd, from, full);
	size_t to_below = shim_below(to_fd, to, full_to);

	if (below == 0 && to_below == 0)
		return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to,
				    flags);
	if (below == 0 || to_below == 0 || flags != 0)
		shim_die("%s: renamed to %s, flags %u", from, to, flags);
	if (fails(RULE_RENAME, full_to + to_below))
		return -1;
	return names_rename(full, full_to, to_below);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	return renameat2(from_fd, from, to_fd, to, 0);
}

int rename(const char *from, const char *to)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}
