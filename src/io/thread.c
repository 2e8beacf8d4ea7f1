/*
 * A serial executor is a pool of one worker: one queue, taken from the front.
 */
#include "io/thread.h"

#include "base/mem.h"
#include "io/pool.h"

struct io_thread {
	struct io_pool *pool;
};

struct io_thread *io_thread_new(const char *name)
{
	struct io_thread *thread = mem_zalloc(1, sizeof(*thread));

	thread->pool = io_pool_new(name, 1, 0);
	return thread;
}

void io_thread_free(struct io_thread **threadp)
{
	io_pool_free(&(*threadp)->pool);
	mem_free(*threadp);
	*threadp = NULL;
}

struct executor *io_thread_executor(struct io_thread *thread)
{
	return io_pool_executor(thread->pool);
}
