/*
 * Executors with threads for tests: what io/ gives in production.
 */
#ifndef TEST_CREW_H
#define TEST_CREW_H

#include <pthread.h>
#include <stdbool.h>

#include "base/task.h"

#define CREW_MAX 8

/* One queue served by some threads; one thread keeps the order. */
struct crew {
	struct executor executor;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct list tasks;
	bool ending;
	unsigned count;
	pthread_t threads[CREW_MAX];
};

void crew_init(struct crew *crew, unsigned threads);

/* Runs what is left, then ends the threads. */
void crew_fini(struct crew *crew);

#endif
