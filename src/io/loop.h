/*
 * An event loop: one thread that owns sockets, timers and the tasks posted to
 * it. Session loops, the log loop and the main loop are all of this kind.
 *
 * A turn: wait for sockets, timers or tasks; run their callbacks; run the
 * tasks that were posted before the turn; run the hooks for the end of the
 * turn (streams write then what the whole turn has queued, in one call).
 *
 * The loop's clock stands still during a turn. Every thread of this folder but
 * the one of io_loop_run has all signals blocked.
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/task.h"
#include "base/timer.h"

struct io_loop;

/* `name` is copied; its first 15 octets name the thread. */
struct io_loop *io_loop_new(const char *name);

/*
 * Not running; all streams and listeners of it are closed, no timer is set, no
 * task is queued: what is left behind is a bug and panics. *loopp becomes NULL.
 */
void io_loop_free(struct io_loop **loopp);

/* Runs it on a thread of its own, with all signals blocked. */
void io_loop_start(struct io_loop *loop);

/* Runs it on the calling thread until io_loop_stop. */
void io_loop_run(struct io_loop *loop);

/* One turn on the calling thread, waiting for something to do: for tests. */
void io_loop_turn(struct io_loop *loop);

/*
 * From any thread, also before the start: ends the loop after the tasks that
 * were posted before; tasks that these post are run as well.
 */
void io_loop_stop(struct io_loop *loop);

/* Waits for the thread of io_loop_start to end. */
void io_loop_join(struct io_loop *loop);

/* Tasks run in the order of posting; one wakeup for all that wait. */
struct executor *io_loop_executor(struct io_loop *loop);

/* For the loop's own thread only, as everything below. */
struct timers *io_loop_timers(struct io_loop *loop);

/* The monotonic half is cached per turn, the wall clock is read anew. */
struct clock *io_loop_clock(struct io_loop *loop);

/* Is the caller on the loop's thread? From any thread. */
bool io_loop_here(struct io_loop *loop);

struct io_hook;

typedef void io_hook_run(struct io_hook *hook);

/* Zeroed, or io_hook_init, before the first use. */
struct io_hook {
	struct list link;
	io_hook_run *run;
};

void io_hook_init(struct io_hook *hook, io_hook_run *run);

/*
 * Runs the hook once, at the end of this turn; again is the same as once. A
 * hook may set others, which run in the same turn, but not itself.
 */
void io_loop_at_turn_end(struct io_loop *loop, struct io_hook *hook);

/* Takes the hook back; nothing happens if it is not set. */
void io_hook_cancel(struct io_hook *hook);

typedef void io_signal(void *arg, int signum);

#define IO_SIGNALS_MAX 8 /* handlers of one loop: TERM, INT, HUP, USR1.. */

/*
 * Calls `handler` on each `signum`, for the main loop: before io_loop_run, on
 * the thread that will run it. Panics above IO_SIGNALS_MAX.
 */
void io_loop_on_signal(struct io_loop *loop, int signum, io_signal *handler,
		       void *arg);

#endif
