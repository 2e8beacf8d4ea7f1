/*
 * What a loop is made of, for the files of this folder that put handles of
 * libuv on it. No other folder includes this.
 */
#ifndef IO_LOOP_UV_H
#define IO_LOOP_UV_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "io/loop.h"

/* One read: a turn's share of a connection, and the most of `input`. */
#define LOOP_READ_SIZE (64 * 1024) /* octets */

struct loop_signal {
	uv_signal_t uv;
	io_signal *handler;
	void *arg;
};

struct io_loop {
	uv_loop_t uv;
	uv_async_t wakeup; /* keeps the loop alive as well */
	uv_timer_t alarm;  /* stands at the earliest deadline of `timers` */
	uint64_t alarm_at_ms;
	struct executor executor;
	struct clock clock;
	struct timers timers;
	struct list turn_end;  /* hooks of this turn */
	struct list turn_next; /* hooks that make the next turn not wait */
	uint8_t *read_buf;     /* LOOP_READ_SIZE octets; of one callback */
	struct task stop_task;
	bool stopping; /* on the loop's thread */
	struct loop_signal signals[IO_SIGNALS_MAX];
	size_t signal_count;
	char name[16];
	pthread_t thread; /* of io_loop_start */

	/* from any thread */
	atomic_uintptr_t runner; /* pthread_self of who turns it; 0: nobody */
	atomic_bool stop_asked;
	atomic_uint load; /* connections; for the listener's choice */
	pthread_mutex_t lock;
	struct list posted; /* tasks; under `lock` */
};

/* Runs the hook at the start of the next turn, which does not wait. */
void loop_at_next_turn(struct io_loop *loop, struct io_hook *hook);

#endif
