/*
 * The queue of test drivers.
 */
#include "base/task.h"

#include <string.h>

#include <criterion/criterion.h>

#include "base/mem.h"

struct job {
	struct task task;
	struct executor *executor;
	char name;
	char *order;      /* where the name goes */
	struct job *next; /* posted by this one */
};

static void job_run(struct task *task)
{
	struct job *job = container_of(task, struct job, task);

	job->order[strlen(job->order)] = job->name;
	if (job->next != NULL)
		task_post(job->executor, &job->next->task, job_run);
}

Test(task, tasks_run_in_the_order_of_posting)
{
	char order[8] = "";
	struct task_queue queue;
	struct job c = { .name = 'c', .order = order };
	struct job a = { .name = 'a', .order = order, .next = &c };
	struct job b = { .name = 'b', .order = order };

	task_queue_init(&queue);
	a.executor = &queue.executor;
	task_post(&queue.executor, &a.task, job_run);
	task_post(&queue.executor, &b.task, job_run);
	cr_assert_str_eq(order, "");
	cr_assert(task_queue_step(&queue));
	cr_assert_str_eq(order, "a");
	cr_assert_eq(task_queue_drain(&queue), 2);
	cr_assert_str_eq(order, "abc");
	cr_assert_not(task_queue_step(&queue));
	cr_assert_eq(task_queue_drain(&queue), 0);
}

static void free_itself(struct task *task)
{
	mem_free(container_of(task, struct job, task));
}

static void post_itself_once(struct task *task)
{
	struct job *job = container_of(task, struct job, task);

	task_post(job->executor, task, free_itself);
}

Test(task, a_task_may_post_and_free_itself)
{
	struct job *job = mem_zalloc(1, sizeof(*job));
	struct task_queue queue;

	task_queue_init(&queue);
	job->executor = &queue.executor;
	task_post(&queue.executor, &job->task, post_itself_once);
	cr_assert_eq(task_queue_drain(&queue), 2);
}
