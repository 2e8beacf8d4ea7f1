#include "io/thread.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/attr.h"
#include "io/pool.h"

struct job {
	struct task task;
	atomic_uint *count;
	unsigned number;
	unsigned seen; /* *count when it ran */
};

static void job_run(struct task *task)
{
	struct job *job = container_of(task, struct job, task);

	job->seen = atomic_fetch_add(job->count, 1);
}

static void jobs_init(struct job *jobs, unsigned count, atomic_uint *counter)
{
	for (unsigned i = 0; i < count; i++)
		jobs[i] = (struct job){ .count = counter, .number = i };
}

Test(thread, tasks_run_one_after_another_in_order)
{
	static struct job jobs[1000];
	atomic_uint count = 0;
	struct io_thread *thread = io_thread_new("wal");

	jobs_init(jobs, 1000, &count);
	for (unsigned i = 0; i < 1000; i++)
		task_post(io_thread_executor(thread), &jobs[i].task, job_run);
	io_thread_free(&thread);
	cr_assert(thread == NULL);
	for (unsigned i = 0; i < 1000; i++)
		cr_assert(jobs[i].seen == i);
}

/* Holds a worker until the test lets it go. */
struct gate {
	struct task task;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool entered;
	bool open;
};

static void gate_init(struct gate *gate)
{
	*gate = (struct gate){ 0 };
	cr_assert(pthread_mutex_init(&gate->lock, NULL) == 0);
	cr_assert(pthread_cond_init(&gate->changed, NULL) == 0);
}

static void gate_run(struct task *task)
{
	struct gate *gate = container_of(task, struct gate, task);

	(void)pthread_mutex_lock(&gate->lock);
	gate->entered = true;
	(void)pthread_cond_broadcast(&gate->changed);
	while (!gate->open)
		(void)pthread_cond_wait(&gate->changed, &gate->lock);
	(void)pthread_mutex_unlock(&gate->lock);
}

static void gate_await(struct gate *gate)
{
	(void)pthread_mutex_lock(&gate->lock);
	while (!gate->entered)
		(void)pthread_cond_wait(&gate->changed, &gate->lock);
	(void)pthread_mutex_unlock(&gate->lock);
}

static void gate_open(struct gate *gate)
{
	(void)pthread_mutex_lock(&gate->lock);
	gate->open = true;
	(void)pthread_cond_broadcast(&gate->changed);
	(void)pthread_mutex_unlock(&gate->lock);
}

Test(pool, work_is_refused_when_the_queue_is_full_and_the_next_step_is_not)
{
	struct io_pool *pool = io_pool_new("work", 1, 2);
	struct gate gate;
	struct job jobs[4];
	atomic_uint count = 0;

	gate_init(&gate);
	jobs_init(jobs, 4, &count);
	task_post(io_pool_executor(pool), &gate.task, gate_run);
	gate_await(&gate); /* the only worker is busy */
	cr_assert(io_pool_offer(pool, &jobs[0].task, job_run) == ERR_NONE);
	cr_assert(io_pool_offer(pool, &jobs[1].task, job_run) == ERR_NONE);
	cr_assert(io_pool_offer(pool, &jobs[2].task, job_run) == ERR_BUSY);
	task_post(io_pool_executor(pool), &jobs[3].task, job_run);
	cr_assert(io_pool_waiting(pool) == 3);
	gate_open(&gate);
	io_pool_free(&pool);
	cr_assert(count == 3);
}

Test(pool, workers_run_at_the_same_time)
{
	struct io_pool *pool = io_pool_new("work", 3, 10);
	struct gate gates[3];

	for (unsigned i = 0; i < 3; i++) {
		gate_init(&gates[i]);
		cr_assert(io_pool_offer(pool, &gates[i].task, gate_run) ==
			  ERR_NONE);
	}
	for (unsigned i = 0; i < 3; i++)
		gate_await(&gates[i]);
	cr_assert(io_pool_waiting(pool) == 0);
	for (unsigned i = 0; i < 3; i++)
		gate_open(&gates[i]);
	io_pool_free(&pool);
}

struct chain {
	struct task task;
	struct io_pool *pool;
	unsigned left;
};

static void chain_run(struct task *task)
{
	struct chain *chain = container_of(task, struct chain, task);

	if (chain->left > 0) {
		chain->left--;
		task_post(io_pool_executor(chain->pool), task, chain_run);
	}
}

Test(pool, stopping_waits_for_what_tasks_post)
{
	struct io_pool *pool = io_pool_new("work", 4, 10);
	struct chain chains[8];
	struct io_pool *running = pool;

	for (unsigned i = 0; i < 8; i++) {
		chains[i] = (struct chain){ .pool = running, .left = 200 };
		cr_assert(io_pool_offer(pool, &chains[i].task, chain_run) ==
			  ERR_NONE);
	}
	io_pool_free(&pool);
	for (unsigned i = 0; i < 8; i++)
		cr_assert(chains[i].left == 0);
}

struct look {
	struct task task;
	sigset_t blocked;
	char name[16];
};

static void look_run(struct task *task)
{
	struct look *look = container_of(task, struct look, task);

	(void)pthread_sigmask(SIG_SETMASK, NULL, &look->blocked);
	(void)pthread_getname_np(pthread_self(), look->name,
				 sizeof(look->name));
}

Test(pool, workers_have_names_and_no_signals)
{
	struct io_pool *pool = io_pool_new("work", 2, 1);
	struct look look = { 0 };

	task_post(io_pool_executor(pool), &look.task, look_run);
	io_pool_free(&pool);
	cr_assert(strncmp(look.name, "work-", 5) == 0);
	cr_assert(sigismember(&look.blocked, SIGTERM) == 1);
}
