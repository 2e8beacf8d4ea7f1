/*
 * The protocols of the service manager: sd_notify(3), sd_listen_fds(3).
 *
 * Without a service manager everything here does nothing.
 */
#ifndef IO_NOTIFY_H
#define IO_NOTIFY_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define IO_NOTIFY_READY "READY=1"
#define IO_NOTIFY_STOPPING "STOPPING=1"
#define IO_NOTIFY_WATCHDOG "WATCHDOG=1"

/* Sends lines "NAME=value" to $NOTIFY_SOCKET; a failure is logged. */
void io_notify(const char *state);

/* How often at most WATCHDOG is awaited ($WATCHDOG_USEC); 0: never. */
uint64_t io_notify_watchdog_ms(void);

/* Sockets that the service manager opened for this process. */
#define IO_PASSED_MAX 16 /* more than there are kinds of listeners */

struct io_passed {
	size_t count;
	int fds[IO_PASSED_MAX]; /* close-on-exec is set */
	/* Of $LISTEN_FDNAMES; empty if there is none. Static lifetime. */
	struct slice names[IO_PASSED_MAX];
};

/* Once, before any thread: $LISTEN_PID must be this process. */
void io_passed_take(struct io_passed *passed_r);

#endif
