#include "host_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/panic.h"

#define HOST_PATH_MAX 4096

static struct host_disk *host_of(struct disk *disk)
{
	return container_of(disk, struct host_disk, disk);
}

static enum err host_err(int rc)
{
	if (rc >= 0)
		return ERR_NONE;
	switch (errno) {
	case ENOENT:
		return ERR_NOTFOUND;
	case EEXIST:
		return ERR_EXISTS;
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	default:
		return ERR_IO;
	}
}

/* Not ERR_NONE: the call must fail so. */
static enum err host_before(struct disk *disk, enum host_call call,
			    const char *path)
{
	struct host_disk *host = host_of(disk);

	if (host->before)
		host->before(host->arg, call, path);
	if (++host->calls != host->fail_at)
		return ERR_NONE;
	host->hit = true;
	return host->fail_with;
}

static enum err host_open(struct disk *disk, const char *path,
			  enum disk_open how, int *fd_r)
{
	static const int flags[] = {
		[DISK_READ] = O_RDONLY,
		[DISK_WRITE] = O_RDWR,
		[DISK_CREATE] = O_RDWR | O_CREAT,
		[DISK_NEW] = O_RDWR | O_CREAT | O_EXCL,
	};
	enum err err = ERR_NONE;

	if (how != DISK_READ)
		err = host_before(disk, HOST_OPEN, path);
	if (err != ERR_NONE)
		return err;
	*fd_r = open(path, flags[how] | O_CLOEXEC, 0600);
	return host_err(*fd_r);
}

static void host_close(struct disk *disk unused_arg, int fd)
{
	close(fd);
}

static enum err host_read(struct disk *disk unused_arg, int fd, uint64_t offset,
			  void *out, size_t len)
{
	ssize_t n = pread(fd, out, len, (off_t)offset);

	if (n < 0)
		return ERR_IO;
	return (size_t)n == len ? ERR_NONE : ERR_END;
}

static enum err host_write(struct disk *disk, int fd, uint64_t offset,
			   const struct slice *pieces, size_t count)
{
	enum err err = host_before(disk, HOST_WRITE, NULL);

	for (size_t i = 0; err == ERR_NONE && i < count; i++) {
		ssize_t n = pwrite(fd, pieces[i].data, pieces[i].len,
				   (off_t)offset);

		err = host_err(n < 0 ? -1 : 0);
		MUST(n < 0 || (size_t)n == pieces[i].len);
		offset += pieces[i].len;
	}
	return err;
}

static enum err host_sync(struct disk *disk, int fd)
{
	enum err err = host_before(disk, HOST_SYNC, NULL);

	host_of(disk)->syncs++;
	return err != ERR_NONE ? err : host_err(fdatasync(fd));
}

static enum err host_size(struct disk *disk unused_arg, int fd,
			  uint64_t *size_r)
{
	struct stat st;
	int rc = fstat(fd, &st);

	*size_r = rc == 0 ? (uint64_t)st.st_size : 0;
	return host_err(rc);
}

static enum err host_allocate(struct disk *disk, int fd, uint64_t size)
{
	enum err err = host_before(disk, HOST_ALLOCATE, NULL);

	if (err != ERR_NONE)
		return err;
	errno = posix_fallocate(fd, 0, (off_t)size);
	return host_err(errno == 0 ? 0 : -1);
}

static enum err host_truncate(struct disk *disk, int fd, uint64_t size)
{
	enum err err = host_before(disk, HOST_TRUNCATE, NULL);

	return err != ERR_NONE ? err : host_err(ftruncate(fd, (off_t)size));
}

static enum err host_rename(struct disk *disk, const char *from, const char *to)
{
	enum err err = host_before(disk, HOST_RENAME, to);

	return err != ERR_NONE ? err : host_err(rename(from, to));
}

static enum err host_unlink(struct disk *disk, const char *path)
{
	enum err err = host_before(disk, HOST_UNLINK, path);

	return err != ERR_NONE ? err : host_err(unlink(path));
}

static enum err host_mkdir(struct disk *disk unused_arg, const char *path)
{
	return host_err(mkdir(path, 0700));
}

static enum err host_sync_dir(struct disk *disk, const char *path)
{
	enum err err = host_before(disk, HOST_SYNC_DIR, path);
	int fd;

	if (err != ERR_NONE)
		return err;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = host_err(fd < 0 ? -1 : fsync(fd));
	if (fd >= 0)
		close(fd);
	return err;
}

static enum err host_list(struct disk *disk unused_arg, const char *path,
			  disk_list_each *each, void *arg)
{
	struct dirent **names;
	int count = scandir(path, &names, NULL, alphasort);

	if (count < 0)
		return host_err(-1);
	for (int i = 0; i < count; i++) {
		if (names[i]->d_name[0] != '.')
			each(arg, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return ERR_NONE;
}

static enum err host_free_space(struct disk *disk unused_arg, const char *path,
				uint64_t *free_r)
{
	struct statvfs st;
	int rc = statvfs(path, &st);

	*free_r = rc == 0 ? (uint64_t)st.f_bavail * st.f_frsize : 0;
	return host_err(rc);
}

void host_disk_init(struct host_disk *host)
{
	*host = (struct host_disk){
		.disk = { host_open, host_close, host_read, host_write,
			  host_sync, host_size, host_allocate, host_truncate,
			  host_rename, host_unlink, host_mkdir, host_sync_dir,
			  host_list, host_free_space },
	};
}

char *host_dir_new(void)
{
	const char *base = getenv("TMPDIR");
	char *name;

	if (!base)
		base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	name = host_path(base, "murder-store-XXXXXX");
	MUST(mkdtemp(name));
	return name;
}

static int host_remove(const char *path, const struct stat *st unused_arg,
		       int type unused_arg, struct FTW *walk unused_arg)
{
	return remove(path);
}

void host_dir_free(char **dirp)
{
	MUST(nftw(*dirp, host_remove, 16, FTW_DEPTH | FTW_PHYS) == 0);
	mem_free(*dirp);
	*dirp = NULL;
}

char *host_path(const char *dir, const char *name)
{
	char path[HOST_PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/%s", dir, name);

	MUST(len > 0 && (size_t)len < sizeof(path));
	return mem_dup(path, (size_t)len);
}

void host_file_read(const char *dir, const char *name, struct buf *out)
{
	char *path = host_path(dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t size;

	MUST(fd >= 0 && fstat(fd, &st) == 0);
	size = (size_t)st.st_size;
	buf_clear(out);
	MUST(pread(fd, buf_reserve(out, size), size, 0) == st.st_size);
	out->len = size;
	close(fd);
	mem_free(path);
}

struct buf host_file_get(const char *dir, const char *name)
{
	struct buf out = { 0 };

	host_file_read(dir, name, &out);
	return out;
}

void host_file_put(const char *dir, const char *name, struct slice octets)
{
	char *path = host_path(dir, name);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	MUST(fd >= 0);
	MUST(write(fd, octets.data, octets.len) == (ssize_t)octets.len);
	close(fd);
	mem_free(path);
}
