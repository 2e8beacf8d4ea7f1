/*
 * The journal of a file: what it held before each write that is not durable.
 *
 * A record is whole in the journal before the write is done, so a kill at any
 * moment leaves a journal that knows at least as much as the file. A sync that
 * covers every record empties the journal; one that began before the last
 * record only says how far it reached.
 *
 * Long writes make several records of one chunk each. Octets that were zero
 * or behind the end, the usual case in logs, cost a head only.
 */
#include "test/shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UNDO_CHUNK (256 * 1024)

_Static_assert(sizeof(struct undo_head) == 32, "powercut.py reads it");

static void undo_path(uint64_t ino, char *path_r)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "%llu", (unsigned long long)ino);
	shim_undo_path("data", name, path_r);
}

static void undo_add(struct shim_file *file, const void *octets, size_t len)
{
	long done = syscall(SYS_pwrite64, file->undo_fd, octets, len,
			    file->undo_len);

	if (done != (long)len)
		shim_die("%s: cannot write the journal: %s", file->path,
			 done < 0 ? strerror(errno) : "no space");
	file->undo_len += len;
}

static bool undo_read(struct shim_file *file, uint64_t at,
		      struct undo_head *head_r)
{
	long got = syscall(SYS_pread64, file->undo_fd, head_r, sizeof(*head_r),
			   at);

	return got == (long)sizeof(*head_r);
}

/*
 * A journal that an earlier process left: cuts what its kill left half
 * written. The write behind such a record was never done.
 */
static void undo_load(struct shim_file *file)
{
	struct stat st;
	struct undo_head head;
	uint64_t at = 0;
	uint64_t next;

	if (fstat(file->undo_fd, &st) != 0)
		shim_die("%s: journal: %s", file->path, strerror(errno));
	while (undo_read(file, at, &head)) {
		if (head.magic != UNDO_MAGIC)
			shim_die("%s: the journal is no journal", file->path);
		next = at + sizeof(head);
		if ((head.kind == UNDO_WRITE || head.kind == UNDO_SHRINK) &&
		    !head.zero)
			next += head.len;
		if (next > (uint64_t)st.st_size)
			break;
		if (head.kind == UNDO_LOST)
			file->lost = true;
		at = next;
	}
	if (syscall(SYS_ftruncate, file->undo_fd, at) != 0)
		shim_die("%s: journal: %s", file->path, strerror(errno));
	file->undo_len = at;
}

static void undo_open(struct shim_file *file)
{
	char path[PATH_MAX];

	if (file->undo_fd >= 0)
		return;
	undo_path(file->ino, path);
	file->undo_fd = (int)syscall(SYS_openat, AT_FDCWD, path,
				     O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file->undo_fd < 0)
		shim_die("%s: %s", path, strerror(errno));
	undo_load(file);
}

/* A descriptor from which the file can be read. */
static int undo_source(struct shim_file *file, int fd, int flags)
{
	char path[64];

	if ((flags & O_ACCMODE) != O_WRONLY)
		return fd;
	if (file->read_fd < 0) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		file->read_fd = (int)syscall(SYS_openat, AT_FDCWD, path,
					     O_RDONLY | O_CLOEXEC);
		if (file->read_fd < 0)
			shim_die("%s: %s", file->path, strerror(errno));
	}
	return file->read_fd;
}

static uint8_t *undo_chunk(struct shim_file *file)
{
	long at;

	if (file->chunk)
		return file->chunk;
	at = syscall(SYS_mmap, NULL, UNDO_CHUNK, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == -1)
		shim_die("no memory");
	file->chunk = (uint8_t *)at;
	return file->chunk;
}

/* Reads `len` octets; those behind the end are zero. */
static void undo_fetch(struct shim_file *file, int fd, uint64_t at, size_t len)
{
	uint8_t *chunk = undo_chunk(file);
	size_t done = 0;

	while (done < len) {
		long got = syscall(SYS_pread64, fd, chunk + done, len - done,
				   at + done);

		if (got < 0)
			shim_die("%s: cannot read: %s", file->path,
				 strerror(errno));
		if (got == 0)
			break;
		done += (size_t)got;
	}
	memset(chunk + done, 0, len - done);
}

static bool is_zero(const uint8_t *octets, size_t len)
{
	return len == 0 ||
	       (octets[0] == 0 && memcmp(octets, octets + 1, len - 1) == 0);
}

void undo_keep(struct shim_file *file, int fd, int flags, enum undo_kind kind,
	       uint64_t at, uint64_t len, uint64_t size)
{
	struct undo_head head = {
		.magic = UNDO_MAGIC,
		.kind = (uint8_t)kind,
		.zero = 1,
		.at = at,
		.len = len,
		.size = size,
	};
	uint64_t end = at + len;

	undo_open(file);
	if (at >= size) { /* nothing was there */
		undo_add(file, &head, sizeof(head));
		return;
	}
	fd = undo_source(file, fd, flags);
	for (; head.at < end; head.at += head.len) {
		head.len = end - head.at;
		if (head.len > UNDO_CHUNK)
			head.len = UNDO_CHUNK;
		undo_fetch(file, fd, head.at, head.len);
		head.zero = is_zero(file->chunk, head.len);
		undo_add(file, &head, sizeof(head));
		if (!head.zero)
			undo_add(file, file->chunk, head.len);
	}
}

uint64_t undo_mark(struct shim_file *file)
{
	undo_open(file);
	return file->undo_len;
}

void undo_synced(struct shim_file *file, uint64_t epoch, uint64_t from,
		 uint64_t upto)
{
	struct undo_head head = {
		.magic = UNDO_MAGIC,
		.kind = UNDO_SYNC,
		.at = from,
		.len = upto - from,
	};

	if (epoch != file->epoch || from == upto)
		return;
	if (from > 0 || upto < file->undo_len || file->lost) {
		undo_add(file, &head, sizeof(head));
		return;
	}
	if (syscall(SYS_ftruncate, file->undo_fd, 0) != 0)
		shim_die("%s: journal: %s", file->path, strerror(errno));
	file->undo_len = 0;
	file->epoch++;
}

void undo_lost(struct shim_file *file)
{
	struct undo_head head = { .magic = UNDO_MAGIC, .kind = UNDO_LOST };

	undo_open(file);
	head.len = file->undo_len;
	file->lost = true;
	undo_add(file, &head, sizeof(head));
}

void undo_reset(uint64_t ino)
{
	struct shim_file *file = file_by_ino(ino);
	char path[PATH_MAX];

	undo_path(ino, path);
	if (file)
		pthread_mutex_lock(&file->lock);
	if (syscall(SYS_unlink, path) != 0 && errno != ENOENT)
		shim_die("%s: %s", path, strerror(errno));
	if (!file)
		return;
	if (file->undo_fd >= 0)
		(void)syscall(SYS_close, file->undo_fd);
	if (file->read_fd >= 0)
		(void)syscall(SYS_close, file->read_fd);
	file->undo_fd = -1;
	file->read_fd = -1;
	file->undo_len = 0;
	file->epoch++;
	file->lost = false;
	pthread_mutex_unlock(&file->lock);
}
