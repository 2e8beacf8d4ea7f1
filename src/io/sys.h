/*
 * Small helpers on top of the system's calls, for this folder only.
 */
#ifndef IO_SYS_H
#define IO_SYS_H

#include <pthread.h>

#include "base/err.h"

/* ERR_FULL, ERR_NOTFOUND, ERR_EXISTS, ERR_DENIED, ERR_INUSE or ERR_IO. */
enum err sys_err(int errnum);

/* Static text; never NULL. */
const char *sys_text(int errnum);

typedef void *sys_thread_main(void *arg);

/*
 * Starts a thread with all signals blocked: they belong to the main loop, and
 * a system call of a worker must not end with EINTR. `name` is cut at 15
 * octets. Panics if the system has no thread to give.
 */
void sys_thread_start(pthread_t *thread, const char *name,
		      sys_thread_main *main, void *arg);

/* Waits for its end. */
void sys_thread_join(pthread_t thread);

#endif
