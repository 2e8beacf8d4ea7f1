/*
 * sd_notify(3): one datagram to the socket named in the environment.
 * sd_listen_fds(3): descriptors from 3 upwards, if $LISTEN_PID is ours.
 */
#include "io/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "io/sys.h"

#define PASSED_FIRST_FD 3 /* SD_LISTEN_FDS_START */

/* The number in the variable `name`, at most `max`; else 0. */
static uint64_t notify_env_u64(const char *name, uint64_t max)
{
	const char *text = getenv(name);
	uint64_t value;

	if (!text || !slice_to_u64(slice_str(text), max, &value))
		return 0;
	return value;
}

static bool notify_address(struct sockaddr_un *addr_r, socklen_t *len_r)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;

	if (len == 0 || len >= sizeof(addr_r->sun_path))
		return false;
	*addr_r = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(addr_r->sun_path, path, len);
	if (path[0] == '@') /* the abstract name space starts with a 0 */
		addr_r->sun_path[0] = '\0';
	*len_r = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return true;
}

void io_notify(const char *state)
{
	struct sockaddr_un addr;
	socklen_t addr_len;
	int fd;

	if (!notify_address(&addr, &addr_len))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL,
			     (const struct sockaddr *)&addr, addr_len) < 0)
		LOG_WARN("service manager: cannot send %s: %s", state,
			 sys_text(errno));
	if (fd >= 0)
		(void)close(fd);
}

uint64_t io_notify_watchdog_ms(void)
{
	uint64_t pid = notify_env_u64("WATCHDOG_PID", INT32_MAX);

	if (pid != 0 && pid != (uint64_t)getpid())
		return 0;
	return notify_env_u64("WATCHDOG_USEC", UINT64_MAX) / 1000;
}

void io_passed_take(struct io_passed *passed_r)
{
	const char *names = getenv("LISTEN_FDNAMES");
	struct slice rest = names ? slice_str(names) : SLICE_NONE;

	*passed_r = (struct io_passed){ 0 };
	if (notify_env_u64("LISTEN_PID", INT32_MAX) != (uint64_t)getpid())
		return;
	passed_r->count = notify_env_u64("LISTEN_FDS", IO_PASSED_MAX);
	for (size_t i = 0; i < passed_r->count; i++) {
		int fd = PASSED_FIRST_FD + (int)i;

		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			PANIC("LISTEN_FDS: %d is not open", fd);
		passed_r->fds[i] = fd;
		passed_r->names[i] = slice_cut(&rest, ':');
	}
}
