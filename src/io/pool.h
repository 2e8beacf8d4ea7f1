/*
 * Worker threads that share one queue: SEARCH, body reads, hashes, passwords.
 *
 * Two ways in. io_pool_offer is for new work and refuses when the queue is
 * long, so that a flood becomes ERR_BUSY instead of memory. The executor is for
 * the next step of work already admitted, which must not be refused; it has no
 * order between tasks.
 */
#ifndef IO_POOL_H
#define IO_POOL_H

#include "base/err.h"
#include "base/task.h"

/* Threads of one pool: beyond this they only wait for the disk. */
#define IO_POOL_THREADS_MAX 64

/*
 * Tasks waiting in a pool, whoever posted them: above the most sessions a node
 * takes, each of which has one step under way. More is a leak and panics.
 */
#define IO_POOL_QUEUE_MAX (1 << 20)

struct io_pool;

/*
 *   name     the threads are called "name-0", "name-1" ...
 *   threads  1 .. IO_POOL_THREADS_MAX
 *   backlog  tasks that may wait before io_pool_offer refuses
 */
struct io_pool *io_pool_new(const char *name, unsigned threads,
			    unsigned backlog);

/* Runs what is queued and what that posts here, then ends the threads. */
void io_pool_free(struct io_pool **poolp);

/* From any thread. ERR_BUSY: the queue is full, `task` was not taken. */
must_use enum err io_pool_offer(struct io_pool *pool, struct task *task,
				task_run *run);

/* Valid as long as the pool. */
struct executor *io_pool_executor(struct io_pool *pool);

/* Tasks that wait; for status. From any thread. */
unsigned io_pool_waiting(struct io_pool *pool);

#endif
