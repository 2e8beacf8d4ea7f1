#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/lock.h"
#include "io/notify.h"
#include "io/process.h"

/* ---- process.h, clock.h ---- */

Test(process, a_closed_pipe_is_an_error_and_no_death)
{
	int fds[2];

	io_process_init();
	cr_assert(pipe(fds) == 0);
	(void)close(fds[0]);
	cr_assert(write(fds[1], "x", 1) < 0);
	(void)close(fds[1]);
}

Test(process, the_limit_of_files_is_raised_to_the_hard_one)
{
	struct rlimit limit;

	cr_assert(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = 64;
	cr_assert(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	cr_assert(io_process_raise_files() == limit.rlim_max);
	cr_assert(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	cr_assert(limit.rlim_cur == limit.rlim_max);
}

Test(clock, goes_on)
{
	uint64_t mono_ms = clock_mono_ms(io_clock());

	cr_assert(mono_ms > 0);
	cr_assert(clock_mono_ms(io_clock()) >= mono_ms);
	/* later than 2020, before 2200 */
	cr_assert(clock_wall_ms(io_clock()) > 1577836800000);
	cr_assert(clock_wall_ms(io_clock()) < 7258118400000);
}

/* ---- lock.h ---- */

static void no_log(unused_arg void *arg, unused_arg enum log_level level,
		   unused_arg const char *line)
{
}

static int take_in_child(const char *path)
{
	int status = 0, fd;
	pid_t pid = fork();

	if (pid == 0) {
		log_set_sink(no_log, NULL);
		_exit((int)io_lock_take(path, &fd));
	}
	cr_assert(waitpid(pid, &status, 0) == pid);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

Test(lock, one_process_has_it_until_it_lets_go_or_dies)
{
	char path[] = "/tmp/murder-lock-XXXXXX";
	char text[32] = "", want[32];
	int fd = mkstemp(path);

	cr_assert(fd >= 0);
	(void)close(fd);
	cr_assert(take_in_child(path) == ERR_NONE); /* and is gone */
	cr_assert(io_lock_take(path, &fd) == ERR_NONE);
	cr_assert(take_in_child(path) == ERR_LOCKED);
	cr_assert(pread(fd, text, sizeof(text) - 1, 0) > 0);
	(void)snprintf(want, sizeof(want), "%ld\n", (long)getpid());
	cr_assert_str_eq(text, want);
	cr_assert(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	io_lock_release(fd);
	cr_assert(take_in_child(path) == ERR_NONE);
	(void)unlink(path);
}

Test(lock, a_second_open_in_the_process_is_refused_and_loses_nothing)
{
	char path[] = "/tmp/murder-lock-XXXXXX";
	int fd = mkstemp(path), second;

	cr_assert(fd >= 0);
	(void)close(fd);
	log_set_sink(no_log, NULL);
	cr_assert(io_lock_take(path, &fd) == ERR_NONE);
	cr_assert(io_lock_take(path, &second) == ERR_LOCKED);
	cr_assert(take_in_child(path) == ERR_LOCKED);
	io_lock_release(fd);
	(void)unlink(path);
}

Test(lock, no_directory_no_lock)
{
	int fd;

	log_set_sink(no_log, NULL);
	cr_assert(io_lock_take("/nonexistent/lock", &fd) == ERR_NOTFOUND);
}

/* ---- notify.h ---- */

static int manager_socket(const char *name, size_t len)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	cr_assert(fd >= 0);
	memcpy(addr.sun_path, name, len);
	cr_assert(bind(fd, (const struct sockaddr *)&addr,
		       (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				   len)) == 0);
	return fd;
}

static void expect_state(int fd, const char *want)
{
	char text[64] = "";

	cr_assert(recv(fd, text, sizeof(text) - 1, 0) > 0);
	cr_assert_str_eq(text, want);
}

Test(notify, states_reach_the_manager)
{
	char name[64];
	int fd;

	(void)snprintf(name, sizeof(name), "@murder-test-%ld", (long)getpid());
	name[0] = '\0';
	fd = manager_socket(name, 1 + strlen(name + 1));
	name[0] = '@';
	(void)setenv("NOTIFY_SOCKET", name, 1);
	io_notify(IO_NOTIFY_READY);
	io_notify(IO_NOTIFY_WATCHDOG);
	expect_state(fd, "READY=1");
	expect_state(fd, "WATCHDOG=1");
	(void)close(fd);
}

Test(notify, a_manager_may_have_a_path)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/tmp/murder-notify-%ld",
		       (long)getpid());
	fd = manager_socket(path, strlen(path));
	(void)setenv("NOTIFY_SOCKET", path, 1);
	io_notify(IO_NOTIFY_STOPPING);
	expect_state(fd, "STOPPING=1");
	(void)close(fd);
	(void)unlink(path);
}

static void count_log(void *arg, unused_arg enum log_level level,
		      unused_arg const char *line)
{
	unsigned *lines = arg;

	(*lines)++;
}

Test(notify, without_a_manager_nothing_happens)
{
	unsigned lines = 0;

	log_set_sink(count_log, &lines);
	(void)unsetenv("NOTIFY_SOCKET");
	io_notify(IO_NOTIFY_READY);
	cr_assert(lines == 0);
	(void)setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	io_notify(IO_NOTIFY_READY);
	cr_assert(lines == 1);
	log_set_sink(NULL, NULL);
}

Test(notify, the_watchdog_is_for_this_process_only)
{
	char pid[16];

	(void)unsetenv("WATCHDOG_PID");
	(void)unsetenv("WATCHDOG_USEC");
	cr_assert(io_notify_watchdog_ms() == 0);
	(void)setenv("WATCHDOG_USEC", "30000000", 1);
	cr_assert(io_notify_watchdog_ms() == 30000);
	(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	(void)setenv("WATCHDOG_PID", pid, 1);
	cr_assert(io_notify_watchdog_ms() == 30000);
	(void)setenv("WATCHDOG_PID", "1", 1);
	cr_assert(io_notify_watchdog_ms() == 0);
	(void)setenv("WATCHDOG_USEC", "soon", 1);
	(void)unsetenv("WATCHDOG_PID");
	cr_assert(io_notify_watchdog_ms() == 0);
}

/* Descriptors from 3 on are the runner's: a child puts ours there. */
static void passed_child(void)
{
	struct io_passed passed;
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", "2", 1);
	(void)setenv("LISTEN_FDNAMES", "imap:imaps", 1);
	(void)dup2(0, 3);
	(void)dup2(0, 4);
	io_passed_take(&passed);
	if (passed.count != 2 || passed.fds[0] != 3 || passed.fds[1] != 4 ||
	    !slice_eq(passed.names[0], SLICE_LIT("imap")) ||
	    !slice_eq(passed.names[1], SLICE_LIT("imaps")) ||
	    fcntl(4, F_GETFD) != FD_CLOEXEC)
		_exit(1);
	(void)setenv("LISTEN_PID", "1", 1);
	io_passed_take(&passed);
	_exit(passed.count == 0 ? 0 : 2);
}

Test(notify, passed_sockets_are_taken_by_the_process_they_are_for)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		passed_child();
	cr_assert(waitpid(pid, &status, 0) == pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
