/*
 * Settings of the whole process. A limit that cannot be raised is no reason to
 * stop: the listener waits when descriptors run out.
 */
#include "io/process.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/panic.h"
#include "io/sys.h"

void io_process_init(void)
{
	MUST(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
}

uint64_t io_process_raise_files(void)
{
	struct rlimit limit;
	rlim_t before;

	MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	before = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return limit.rlim_cur;
	LOG_WARN("cannot raise the limit of open files from %llu: %s",
		 (unsigned long long)before, sys_text(errno));
	return before;
}
