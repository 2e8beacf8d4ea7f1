/*
 * A loop on libuv: sockets and the alarm clock are libuv's, the order of a turn
 * is ours (io/loop.h).
 *
 * Tasks wait in a list under a mutex. Whoever puts the first one into it wakes
 * the loop, unless it is the loop itself: before the loop waits it looks at the
 * list, so what was posted from inside a turn needs no system call.
 *
 * Failures: libuv fails here for lack of memory or descriptors, at start; that
 * panics.
 */
#include "io/loop.h"

#include <stdio.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/panic.h"
#include "io/clock.h"
#include "io/loop_uv.h"
#include "io/sys.h"

/* ---- tasks ---- */

bool io_loop_here(struct io_loop *loop)
{
	return atomic_load(&loop->runner) == (uintptr_t)pthread_self();
}

static void loop_post(struct executor *executor, struct task *task)
{
	struct io_loop *loop = container_of(executor, struct io_loop, executor);
	bool first;

	MUST(pthread_mutex_lock(&loop->lock) == 0);
	first = list_empty(&loop->posted);
	list_append(&loop->posted, &task->link);
	MUST(pthread_mutex_unlock(&loop->lock) == 0);
	if (first && !io_loop_here(loop))
		MUST(uv_async_send(&loop->wakeup) == 0);
}

/* Takes all that wait; what they post is for the next turn. */
static void loop_take_tasks(struct io_loop *loop, struct list *tasks_r)
{
	list_init(tasks_r);
	MUST(pthread_mutex_lock(&loop->lock) == 0);
	list_splice(tasks_r, &loop->posted);
	MUST(pthread_mutex_unlock(&loop->lock) == 0);
}

static bool loop_has_work(struct io_loop *loop)
{
	bool work;

	MUST(pthread_mutex_lock(&loop->lock) == 0);
	work = !list_empty(&loop->posted);
	MUST(pthread_mutex_unlock(&loop->lock) == 0);
	/* Hooks for the end of the turn: set before the first, in no turn. */
	return work || !list_empty(&loop->turn_next) ||
	       !list_empty(&loop->turn_end);
}

/* ---- hooks ---- */

void io_hook_init(struct io_hook *hook, io_hook_run *run)
{
	list_init(&hook->link);
	hook->run = run;
}

void io_hook_cancel(struct io_hook *hook)
{
	if (hook->link.next)
		list_remove(&hook->link);
}

static void loop_set_hook(struct list *hooks, struct io_hook *hook)
{
	if (!hook->link.next)
		list_init(&hook->link);
	if (list_empty(&hook->link))
		list_append(hooks, &hook->link);
}

void io_loop_at_turn_end(struct io_loop *loop, struct io_hook *hook)
{
	loop_set_hook(&loop->turn_end, hook);
}

void loop_at_next_turn(struct io_loop *loop, struct io_hook *hook)
{
	loop_set_hook(&loop->turn_next, hook);
}

static void loop_run_hooks(struct list *hooks)
{
	struct list *link;

	while ((link = list_take(hooks))) {
		struct io_hook *hook = LIST_ENTRY(link, struct io_hook, link);

		hook->run(hook);
	}
}

/* ---- a turn ---- */

/*
 * libuv runs this before it waits, if the deadline has passed meanwhile: it
 * must not wait then, for the timers run after it.
 */
static void loop_alarm(uv_timer_t *alarm)
{
	uv_stop(alarm->loop);
}

static void loop_set_alarm(struct io_loop *loop)
{
	uint64_t at_ms = timers_next(&loop->timers);
	uint64_t now_ms = uv_now(&loop->uv);

	if (at_ms == loop->alarm_at_ms &&
	    uv_is_active((uv_handle_t *)&loop->alarm))
		return;
	loop->alarm_at_ms = at_ms;
	if (at_ms == UINT64_MAX)
		MUST(uv_timer_stop(&loop->alarm) == 0);
	else
		MUST(uv_timer_start(&loop->alarm, loop_alarm,
				    at_ms > now_ms ? at_ms - now_ms : 0,
				    0) == 0);
}

static void loop_poll(struct io_loop *loop)
{
	bool work = loop_has_work(loop);

	loop_set_alarm(loop);
	(void)uv_run(&loop->uv, work ? UV_RUN_NOWAIT : UV_RUN_ONCE);
}

static void loop_run_tasks(struct io_loop *loop)
{
	struct list tasks, *link;

	loop_take_tasks(loop, &tasks);
	while ((link = list_take(&tasks))) {
		struct task *task = LIST_ENTRY(link, struct task, link);

		task->run(task);
	}
}

void io_loop_turn(struct io_loop *loop)
{
	struct list again;

	atomic_store(&loop->runner, (uintptr_t)pthread_self());
	loop_poll(loop);
	list_init(&again);
	list_splice(&again, &loop->turn_next);
	loop_run_hooks(&again);
	(void)timers_run(&loop->timers);
	loop_run_tasks(loop);
	loop_run_hooks(&loop->turn_end);
}

void io_loop_run(struct io_loop *loop)
{
	while (!loop->stopping || loop_has_work(loop))
		io_loop_turn(loop);
	atomic_store(&loop->runner, 0);
}

static void *loop_main(void *arg)
{
	io_loop_run(arg);
	return NULL;
}

void io_loop_start(struct io_loop *loop)
{
	sys_thread_start(&loop->thread, loop->name, loop_main, loop);
}

void io_loop_join(struct io_loop *loop)
{
	sys_thread_join(loop->thread);
}

static void loop_stop(struct task *task)
{
	container_of(task, struct io_loop, stop_task)->stopping = true;
}

void io_loop_stop(struct io_loop *loop)
{
	if (!atomic_exchange(&loop->stop_asked, true))
		task_post(&loop->executor, &loop->stop_task, loop_stop);
}

/* ---- signals ---- */

static void loop_signal(uv_signal_t *uv, int signum)
{
	struct loop_signal *signal = container_of(uv, struct loop_signal, uv);

	signal->handler(signal->arg, signum);
}

void io_loop_on_signal(struct io_loop *loop, int signum, io_signal *handler,
		       void *arg)
{
	struct loop_signal *signal;

	MUST(loop->signal_count < IO_SIGNALS_MAX);
	signal = &loop->signals[loop->signal_count++];
	signal->handler = handler;
	signal->arg = arg;
	MUST(uv_signal_init(&loop->uv, &signal->uv) == 0);
	MUST(uv_signal_start(&signal->uv, loop_signal, signum) == 0);
}

/* ---- life ---- */

static uint64_t loop_mono_ms(struct clock *clock)
{
	return uv_now(&container_of(clock, struct io_loop, clock)->uv);
}

static uint64_t loop_wall_ms(unused_arg struct clock *clock)
{
	return clock_wall_ms(io_clock());
}

/* Waking up is all it does: the turn that follows finds the tasks. */
static void loop_wakeup(unused_arg uv_async_t *wakeup)
{
}

struct io_loop *io_loop_new(const char *name)
{
	struct io_loop *loop = mem_zalloc(1, sizeof(*loop));

	(void)snprintf(loop->name, sizeof(loop->name), "%s", name);
	MUST(uv_loop_init(&loop->uv) == 0);
	MUST(uv_async_init(&loop->uv, &loop->wakeup, loop_wakeup) == 0);
	MUST(uv_timer_init(&loop->uv, &loop->alarm) == 0);
	loop->alarm_at_ms = UINT64_MAX;
	loop->executor.post = loop_post;
	loop->clock.mono_ms = loop_mono_ms;
	loop->clock.wall_ms = loop_wall_ms;
	timers_init(&loop->timers, &loop->clock);
	list_init(&loop->turn_end);
	list_init(&loop->turn_next);
	loop->read_buf = mem_alloc(LOOP_READ_SIZE);
	MUST(pthread_mutex_init(&loop->lock, NULL) == 0);
	list_init(&loop->posted);
	return loop;
}

static void loop_close_handles(struct io_loop *loop)
{
	uv_close((uv_handle_t *)&loop->wakeup, NULL);
	uv_close((uv_handle_t *)&loop->alarm, NULL);
	for (size_t i = 0; i < loop->signal_count; i++)
		uv_close((uv_handle_t *)&loop->signals[i].uv, NULL);
	(void)uv_run(&loop->uv, UV_RUN_NOWAIT);
	if (uv_loop_close(&loop->uv) != 0)
		PANIC("loop %s: a connection or listener is open", loop->name);
}

void io_loop_free(struct io_loop **loopp)
{
	struct io_loop *loop = *loopp;

	*loopp = NULL;
	MUST(list_empty(&loop->posted));
	MUST(list_empty(&loop->turn_end));
	MUST(list_empty(&loop->turn_next));
	loop_close_handles(loop);
	timers_fini(&loop->timers);
	MUST(pthread_mutex_destroy(&loop->lock) == 0);
	mem_free(loop->read_buf);
	mem_free(loop);
}

struct executor *io_loop_executor(struct io_loop *loop)
{
	return &loop->executor;
}

struct timers *io_loop_timers(struct io_loop *loop)
{
	return &loop->timers;
}

struct clock *io_loop_clock(struct io_loop *loop)
{
	return &loop->clock;
}
