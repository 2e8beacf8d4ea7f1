/*
 * The happy path: the first task that is posted posts a turn to the pool; each
 * turn runs one task and posts the next turn while there are more, so long
 * work of others gets its share of the pool in between.
 */
#include "store/serial.h"

#include "base/panic.h"

static void serial_lock(struct serial *serial)
{
	/* tidy: allow pthread_mutex_lock: this is an executor, not logic */
	MUST(pthread_mutex_lock(&serial->lock) == 0);
}

static void serial_unlock(struct serial *serial)
{
	MUST(pthread_mutex_unlock(&serial->lock) == 0);
}

static void serial_turn(struct task *turn)
{
	struct serial *serial = container_of(turn, struct serial, turn);
	struct list *link;
	struct task *task;

	serial_lock(serial);
	link = list_take(&serial->waiting);
	serial_unlock(serial);
	MUST(link);
	task = LIST_ENTRY(link, struct task, link);
	task->run(task);
	serial_lock(serial);
	serial->running = !list_empty(&serial->waiting);
	if (serial->running)
		task_post(serial->pool, turn, serial_turn);
	else
		MUST(pthread_cond_broadcast(&serial->idle) == 0);
	serial_unlock(serial);
}

static void serial_post(struct executor *executor, struct task *task)
{
	struct serial *serial = container_of(executor, struct serial, executor);
	bool start;

	serial_lock(serial);
	list_append(&serial->waiting, &task->link);
	start = !serial->running;
	serial->running = true;
	if (start)
		task_post(serial->pool, &serial->turn, serial_turn);
	serial_unlock(serial);
}

void serial_init(struct serial *serial, struct executor *pool)
{
	serial->executor.post = serial_post;
	serial->pool = pool;
	serial->running = false;
	list_init(&serial->waiting);
	MUST(pthread_cond_init(&serial->idle, NULL) == 0);
	MUST(pthread_mutex_init(&serial->lock, NULL) == 0);
}

void serial_fini(struct serial *serial)
{
	serial_lock(serial);
	while (serial->running)
		/* tidy: allow pthread_cond_wait: only at the very end */
		MUST(pthread_cond_wait(&serial->idle, &serial->lock) == 0);
	serial_unlock(serial);
	MUST(pthread_cond_destroy(&serial->idle) == 0);
	MUST(pthread_mutex_destroy(&serial->lock) == 0);
}
