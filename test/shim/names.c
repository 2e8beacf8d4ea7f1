/*
 * What directories held: operations on names that are not durable.
 *
 * Each is a file in names/ whose name is its number. Its one line says
 *
 *     create DIR NAME          DIR is the inode of the directory
 *     mkdir DIR NAME
 *     unlink DIR NAME
 *     rename DIR INO FROM/TO   INO is that of FROM
 *
 * and ends in a newline: a line without one was cut by a kill, and its
 * operation was never begun. What an operation removes lives on beside it as
 * SEQ.old, so unlink is a rename. fsync of a directory removes the records of
 * its operations, oldest first: a kill in between leaves the newest, which is
 * legal as the caller was not told.
 *
 * One lock is held over each operation; they are rare.
 */
#include "test/shim/shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct name_op {
	uint64_t seq;
	uint64_t dir;
};

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_loaded;
static uint64_t next_seq = 1;
static struct name_op *pending; /* by seq */
static size_t pending_count;
static size_t pending_size;
static uint64_t *lost; /* directories whose sync has failed */
static size_t lost_count;

static void record_path(uint64_t seq, const char *ending, char *path_r)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%016llu%s", (unsigned long long)seq,
		       ending);
	shim_undo_path("names", name, path_r);
}

static void pending_add(uint64_t seq, uint64_t dir)
{
	if (pending_count == pending_size) {
		pending_size = pending_size ? 2 * pending_size : 256;
		pending = realloc(pending, pending_size * sizeof(*pending));
		if (!pending)
			shim_die("no memory");
	}
	pending[pending_count++] = (struct name_op){ seq, dir };
}

/* ---- what an earlier process left ---- */

static void load_one(const char *name)
{
	uint64_t seq = strtoull(name, NULL, 10);
	char path[PATH_MAX];
	char line[PATH_MAX] = "";
	unsigned long long dir;
	long fd, got;

	if (seq >= next_seq)
		next_seq = seq + 1;
	if (strchr(name, '.'))
		return;
	record_path(seq, "", path);
	fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : syscall(SYS_read, fd, line, sizeof(line) - 1);
	(void)syscall(SYS_close, fd);
	if (got < 0)
		shim_die("%s: %s", path, strerror(errno));
	if (got > 0 && line[got - 1] == '\n' &&
	    sscanf(line, "%*s %llu", &dir) == 1)
		pending_add(seq, dir);
	else
		(void)syscall(SYS_unlink, path);
}

static int by_seq(const void *a, const void *b)
{
	uint64_t x = ((const struct name_op *)a)->seq;
	uint64_t y = ((const struct name_op *)b)->seq;

	return x < y ? -1 : x > y;
}

static void names_load(void)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	if (is_loaded)
		return;
	is_loaded = true;
	shim_undo_path("names", "", path);
	dir = opendir(path);
	if (!dir)
		shim_die("%s: %s", path, strerror(errno));
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			load_one(entry->d_name);
	(void)closedir(dir);
	if (pending_count > 0)
		qsort(pending, pending_count, sizeof(*pending), by_seq);
}

/* ---- records ---- */

static void names_begin(void)
{
	pthread_mutex_lock(&names_lock);
	names_load();
}

static uint64_t dir_of(const char *full)
{
	char dir[PATH_MAX];
	struct stat st;
	size_t len = (size_t)(strrchr(full, '/') - full);

	(void)snprintf(dir, sizeof(dir), "%.*s", (int)len, full);
	if (stat(dir, &st) != 0)
		shim_die("%s: %s", dir, strerror(errno));
	return st.st_ino;
}

static const char *name_of(const char *full)
{
	return strrchr(full, '/') + 1;
}

/* Writes `line` as the record `seq` of an operation in the directory. */
static void record_write(uint64_t seq, uint64_t dir, const char *line)
{
	char path[PATH_MAX];
	size_t len = strlen(line);
	long fd;

	record_path(seq, "", path);
	fd = syscall(SYS_openat, AT_FDCWD, path,
		     O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || syscall(SYS_write, fd, line, len) != (long)len)
		shim_die("%s: %s", path, strerror(errno));
	(void)syscall(SYS_close, fd);
	pending_add(seq, dir);
}

static void record_simple(const char *what, const char *full)
{
	char line[PATH_MAX + 64];
	uint64_t dir = dir_of(full);

	(void)snprintf(line, sizeof(line), "%s %llu %s\n", what,
		       (unsigned long long)dir, name_of(full));
	record_write(next_seq++, dir, line);
}

/* The newest operation was not done; errno stays. */
static void record_drop(void)
{
	int errnum = errno;
	char path[PATH_MAX];

	pending_count--;
	record_path(pending[pending_count].seq, "", path);
	(void)syscall(SYS_unlink, path);
	record_path(pending[pending_count].seq, ".old", path);
	(void)syscall(SYS_unlink, path);
	errno = errnum;
}

/* The operation is durable. */
static void record_purge(uint64_t seq)
{
	char path[PATH_MAX];
	struct stat st;

	record_path(seq, "", path);
	if (syscall(SYS_unlink, path) != 0)
		shim_die("%s: %s", path, strerror(errno));
	record_path(seq, ".old", path);
	if (lstat(path, &st) != 0)
		return;
	if (st.st_nlink == 1)
		undo_reset(st.st_ino);
	(void)syscall(SYS_unlink, path);
}

static bool exists(const char *path, struct stat *st_r)
{
	return lstat(path, st_r) == 0;
}

/* ---- the operations ---- */

int names_create(const char *full, size_t below, int flags, mode_t mode)
{
	struct stat st;
	bool is_new;
	long fd;

	names_begin();
	is_new = !exists(full, &st);
	if (is_new)
		record_simple("create", full);
	fd = syscall(SYS_openat, AT_FDCWD, full, flags, mode);
	if (fd < 0 && is_new)
		record_drop();
	if (fd >= 0 && is_new) {
		if (fstat((int)fd, &st) != 0)
			shim_die("%s: %s", full, strerror(errno));
		undo_reset(st.st_ino);
	}
	if (fd >= 0)
		(void)file_track((int)fd, full + below, flags);
	pthread_mutex_unlock(&names_lock);
	return (int)fd;
}

int names_mkdir(const char *full, mode_t mode)
{
	struct stat st;
	long rc;

	names_begin();
	if (exists(full, &st)) {
		pthread_mutex_unlock(&names_lock);
		errno = EEXIST;
		return -1;
	}
	record_simple("mkdir", full);
	rc = syscall(SYS_mkdirat, AT_FDCWD, full, mode);
	if (rc != 0)
		record_drop();
	pthread_mutex_unlock(&names_lock);
	return (int)rc;
}

int names_unlink(const char *full)
{
	char old[PATH_MAX];
	struct stat st;
	long rc;

	names_begin();
	if (!exists(full, &st) || !S_ISREG(st.st_mode)) {
		/* sockets have no contents to bring back */
		rc = syscall(SYS_unlink, full);
		pthread_mutex_unlock(&names_lock);
		return (int)rc;
	}
	record_path(next_seq, ".old", old);
	record_simple("unlink", full);
	rc = syscall(SYS_rename, full, old);
	if (rc != 0)
		record_drop();
	pthread_mutex_unlock(&names_lock);
	return (int)rc;
}

/* Keeps what a rename replaces and notes the rename. */
static void rename_record(const char *from, const char *to, uint64_t ino)
{
	char line[2 * PATH_MAX + 64];
	char old[PATH_MAX];
	uint64_t dir = dir_of(from);
	struct stat st;

	if (dir_of(to) != dir)
		shim_die("%s: renamed across directories", from);
	if (exists(to, &st)) {
		if (!S_ISREG(st.st_mode))
			shim_die("%s: replaced by a rename", to);
		record_path(next_seq, ".old", old);
		if (syscall(SYS_link, to, old) != 0)
			shim_die("%s: %s", old, strerror(errno));
	}
	(void)snprintf(line, sizeof(line), "rename %llu %llu %s/%s\n",
		       (unsigned long long)dir, (unsigned long long)ino,
		       name_of(from), name_of(to));
	record_write(next_seq++, dir, line);
}

int names_rename(const char *from, const char *to, size_t to_below)
{
	struct stat st;
	struct shim_file *file;
	long rc;

	names_begin();
	if (!exists(from, &st)) {
		pthread_mutex_unlock(&names_lock);
		errno = ENOENT;
		return -1;
	}
	rename_record(from, to, st.st_ino);
	rc = syscall(SYS_rename, from, to);
	if (rc != 0)
		record_drop();
	file = file_by_ino(st.st_ino);
	if (rc == 0 && file)
		file_set_path(file, to + to_below);
	pthread_mutex_unlock(&names_lock);
	return (int)rc;
}

/* ---- syncs ---- */

static bool is_lost(uint64_t dir)
{
	for (size_t i = 0; i < lost_count; i++)
		if (lost[i] == dir)
			return true;
	return false;
}

static void purge(uint64_t dir, uint64_t before)
{
	size_t kept = 0;

	for (size_t i = 0; i < pending_count; i++) {
		if (pending[i].dir == dir && pending[i].seq < before)
			record_purge(pending[i].seq);
		else
			pending[kept++] = pending[i];
	}
	pending_count = kept;
}

int names_sync(struct shim_file *dir, int fd, long number)
{
	uint64_t before;
	int rc;

	names_begin();
	before = next_seq;
	pthread_mutex_unlock(&names_lock);
	rc = shim_real_sync(fd, number);
	if (rc != 0)
		return rc;
	pthread_mutex_lock(&names_lock);
	if (is_lost(dir->ino)) {
		errno = EIO;
		rc = -1;
	} else {
		purge(dir->ino, before);
	}
	pthread_mutex_unlock(&names_lock);
	return rc;
}

void names_lost(struct shim_file *dir)
{
	names_begin();
	if (!is_lost(dir->ino)) {
		lost = realloc(lost, (lost_count + 1) * sizeof(*lost));
		if (!lost)
			shim_die("no memory");
		lost[lost_count++] = dir->ino;
	}
	pthread_mutex_unlock(&names_lock);
}
