/*
 * A lock of the open file description (F_OFD_SETLK): the kernel drops it when
 * the process ends, however that happens; another open of the file in this
 * process does not lose it, as a classic POSIX lock would.
 */
#include "io/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "io/sys.h"

#define LOCK_TEXT_MAX 24 /* octets of a process id and LF */

static void lock_log_holder(const char *path, int fd)
{
	char text[LOCK_TEXT_MAX] = "";
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	text[len > 0 ? len : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	LOG_ERROR("%s: locked by process %s", path, text[0] ? text : "?");
}

static enum err lock_file(const char *path, int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char text[LOCK_TEXT_MAX];
	int len;

	if (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
		if (errno == EAGAIN || errno == EACCES) {
			lock_log_holder(path, fd);
			return ERR_LOCKED;
		}
		LOG_ERROR("%s: cannot lock: %s", path, sys_text(errno));
		return ERR_IO;
	}
	/* The text is for people: without it the lock is as good. */
	len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)len, 0) != len)
		LOG_WARN("%s: cannot write: %s", path, sys_text(errno));
	return ERR_NONE;
}

enum err io_lock_take(const char *path, int *fd_r)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	enum err err;

	if (fd < 0) {
		err = sys_err(errno) == ERR_NOTFOUND ? ERR_NOTFOUND : ERR_IO;
		LOG_ERROR("%s: cannot open: %s", path, sys_text(errno));
		return err;
	}
	err = lock_file(path, fd);
	if (err != ERR_NONE) {
		(void)close(fd);
		return err;
	}
	*fd_r = fd;
	return ERR_NONE;
}

void io_lock_release(int fd)
{
	(void)close(fd);
}
