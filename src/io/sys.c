/*
 * Errors of the system in our words, and threads that get no signals.
 */
#include "io/sys.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/panic.h"

#define THREAD_NAME_SIZE                                    \
	16 /* octets with the 0: the kernel's TASK_COMM_LEN \
	    */

enum err sys_err(int errnum)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	case ENOENT:
		return ERR_NOTFOUND;
	case EEXIST:
		return ERR_EXISTS;
	case EACCES:
	case EPERM:
		return ERR_DENIED;
	case EADDRINUSE:
		return ERR_INUSE;
	default:
		return ERR_IO;
	}
}

const char *sys_text(int errnum)
{
	const char *text = strerrordesc_np(errnum);

	return text ? text : "unknown system error";
}

void sys_thread_start(pthread_t *thread, const char *name,
		      sys_thread_main *main, void *arg)
{
	char short_name[THREAD_NAME_SIZE];
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	MUST(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	rc = pthread_create(thread, NULL, main, arg);
	MUST(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	if (rc != 0)
		PANIC("thread %s: %s", name, sys_text(rc));
	(void)snprintf(short_name, sizeof(short_name), "%s", name);
	(void)pthread_setname_np(*thread, short_name);
}

void sys_thread_join(pthread_t thread)
{
	MUST(pthread_join(thread, NULL) == 0);
}
