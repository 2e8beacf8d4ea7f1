/*
 * An executor that runs one task after another on the threads of a pool: order
 * without a thread of its own.
 */
#ifndef STORE_SERIAL_H
#define STORE_SERIAL_H

#include <pthread.h>
#include <stdbool.h>

#include "base/task.h"

struct serial {
	struct executor executor; /* what others see */
	struct executor *pool;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	struct list waiting;
	bool running;
	struct task turn;
};

void serial_init(struct serial *serial, struct executor *pool);

/* Waits for what was posted: the pool must be able to run it. */
void serial_fini(struct serial *serial);

#endif
