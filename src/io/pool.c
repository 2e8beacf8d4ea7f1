/*
 * Worker threads on one queue, under one mutex: a task here costs microseconds
 * at least (a system call, a hash), a lock some tens of nanoseconds.
 *
 * Happy path: post, signal, a worker takes the oldest task and runs it.
 * Stopping: workers go on until the queue is empty; a task that posts again
 * does so from a worker, which looks at the queue before it ends.
 */
#include "io/pool.h"

#include <pthread.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/panic.h"
#include "io/sys.h"

#define POOL_NAME_MAX 32 /* octets; the kernel shows 15 */

struct io_pool {
	struct executor executor;
	unsigned backlog;
	unsigned threads;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct list queue; /* and all below: under `lock` */
	unsigned waiting;  /* tasks in it */
	bool stopping;
	pthread_t thread[IO_POOL_THREADS_MAX];
};

static void pool_push(struct io_pool *pool, struct task *task)
{
	MUST(pool->waiting < IO_POOL_QUEUE_MAX);
	list_append(&pool->queue, &task->link);
	pool->waiting++;
	MUST(pthread_cond_signal(&pool->more) == 0);
}

static void pool_post(struct executor *executor, struct task *task)
{
	struct io_pool *pool = container_of(executor, struct io_pool, executor);

	MUST(pthread_mutex_lock(&pool->lock) == 0);
	pool_push(pool, task);
	MUST(pthread_mutex_unlock(&pool->lock) == 0);
}

enum err io_pool_offer(struct io_pool *pool, struct task *task, task_run *run)
{
	enum err err = ERR_BUSY;

	task->run = run;
	MUST(pthread_mutex_lock(&pool->lock) == 0);
	if (pool->waiting < pool->backlog) {
		pool_push(pool, task);
		err = ERR_NONE;
	}
	MUST(pthread_mutex_unlock(&pool->lock) == 0);
	return err;
}

/* Waits for a task; NULL: the pool stops and there is none. */
static struct task *pool_take(struct io_pool *pool)
{
	struct list *link;

	MUST(pthread_mutex_lock(&pool->lock) == 0);
	while (list_empty(&pool->queue) && !pool->stopping)
		MUST(pthread_cond_wait(&pool->more, &pool->lock) == 0);
	link = list_take(&pool->queue);
	if (link)
		pool->waiting--;
	MUST(pthread_mutex_unlock(&pool->lock) == 0);
	return link ? LIST_ENTRY(link, struct task, link) : NULL;
}

static void *pool_main(void *arg)
{
	struct io_pool *pool = arg;
	struct task *task;

	while ((task = pool_take(pool)))
		task->run(task);
	return NULL;
}

struct io_pool *io_pool_new(const char *name, unsigned threads,
			    unsigned backlog)
{
	struct io_pool *pool = mem_zalloc(1, sizeof(*pool));
	char thread_name[POOL_NAME_MAX];

	MUST(threads >= 1 && threads <= IO_POOL_THREADS_MAX);
	MUST(backlog <= IO_POOL_QUEUE_MAX);
	pool->executor.post = pool_post;
	pool->backlog = backlog;
	pool->threads = threads;
	MUST(pthread_mutex_init(&pool->lock, NULL) == 0);
	MUST(pthread_cond_init(&pool->more, NULL) == 0);
	list_init(&pool->queue);
	for (unsigned i = 0; i < threads; i++) {
		(void)snprintf(thread_name, sizeof(thread_name),
			       threads == 1 ? "%s" : "%s-%u", name, i);
		sys_thread_start(&pool->thread[i], thread_name, pool_main,
				 pool);
	}
	return pool;
}

void io_pool_free(struct io_pool **poolp)
{
	struct io_pool *pool = *poolp;

	*poolp = NULL;
	MUST(pthread_mutex_lock(&pool->lock) == 0);
	pool->stopping = true;
	MUST(pthread_cond_broadcast(&pool->more) == 0);
	MUST(pthread_mutex_unlock(&pool->lock) == 0);
	for (unsigned i = 0; i < pool->threads; i++)
		sys_thread_join(pool->thread[i]);
	MUST(list_empty(&pool->queue));
	MUST(pthread_cond_destroy(&pool->more) == 0);
	MUST(pthread_mutex_destroy(&pool->lock) == 0);
	mem_free(pool);
}

struct executor *io_pool_executor(struct io_pool *pool)
{
	return &pool->executor;
}

unsigned io_pool_waiting(struct io_pool *pool)
{
	unsigned waiting;

	MUST(pthread_mutex_lock(&pool->lock) == 0);
	waiting = pool->waiting;
	MUST(pthread_mutex_unlock(&pool->lock) == 0);
	return waiting;
}
